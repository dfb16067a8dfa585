"""What NekoHub's console asks for beside the reference: choices, jobs, bytes of derivatives (contract, 7)."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from sqlalchemy import delete, update

from mediatheque.core.accounts import Accounts
from mediatheque.model import Role
from mediatheque.records import tables
from mediatheque.records.engine import Database
from tests.conftest import Tenant
from tests.pictures import picture, size_of
from tests.support import Server, wait_for
from tests.surfaces.assets.test_assets import assert_refused, enriched, made
from tests.surfaces.assets.test_skills import plain
from tests.surfaces.assets.test_workflows import created, graph

PROFILES = "/api/v1/system/storage/providers"
TARGETS = "/api/v1/assets/storage-targets"


@pytest.fixture
def admin(tenant: Tenant, accounts: Accounts) -> Iterator[httpx.Client]:
    with tenant.server.client(accounts.create_key(tenant.name, role=Role.ADMIN).key) as client:
        yield client


def test_an_upload_can_go_to_the_servers_own_storage_or_to_an_enabled_profile(
    tenant: Tenant, admin: httpx.Client
) -> None:
    own = {"id": None, "name": "local", "displayName": None, "providerType": "local", "isDefault": True}
    assert tenant.client.get(TARGETS).json() == {"data": [own]}
    ids = []
    for name, is_enabled in (("one", True), ("two", False)):
        draft = {"name": name, "displayName": name.title(), "providerType": "local", "isEnabled": is_enabled,
                 "configuration": {"rootPath": f"{tenant.name}-{name}"}}  # fmt: skip
        ids.append(admin.post(PROFILES, json=draft).json()["data"]["id"])
    one = {"id": ids[0], "name": "one", "displayName": "One", "providerType": "local", "isDefault": False}
    assert tenant.client.get(TARGETS).json()["data"] == [own, one]
    admin.post(f"{PROFILES}/{ids[0]}/set-default")
    assert tenant.client.get(TARGETS).json()["data"] == [one | {"isDefault": True}]


def test_a_default_of_another_type_is_told_with_the_consoles_word(admin: httpx.Client) -> None:
    settings = {"owner": "octo", "repo": "library", "ref": "main", "basePath": "media"}
    draft = {"name": "history", "providerType": "github-repo", "isDefault": True, "configuration": settings}
    summary = admin.post(PROFILES, json=draft).json()["data"]["configurationSummary"]
    assert (summary["basePath"], summary["pathPrefix"]) == ("media", "media")
    assert admin.get(PROFILES).json()["data"]["alignment"]["code"] == "runtime_mismatches_db_default_provider_type"
    assert admin.get(TARGETS).json() == {"data": []}  # it has no token to write with


def test_the_workflows_that_can_be_run_are_listed_without_their_graphs(tenant: Tenant, admin: httpx.Client) -> None:
    workflow = created(admin, "Tidy", graph("thumbnail"), isAutoRun=True)
    option = {"id": workflow["id"], "name": "Tidy", "description": None, "isAutoRun": True}
    assert tenant.client.get("/api/v1/assets/workflows").json() == {"data": [option]}


def test_choices_are_for_those_who_can_make_use_of_them(tenant: Tenant, accounts: Accounts) -> None:
    with tenant.server.client(accounts.create_key(tenant.name, role=Role.VIEWER).key) as viewer:
        for path in (TARGETS, "/api/v1/assets/workflows"):
            assert_refused(viewer.get(path), 403, "auth_forbidden")


def test_the_skills_of_a_workflow_are_named_as_it_names_them(tenant: Tenant, admin: httpx.Client) -> None:
    workflow = created(admin, "as drawn", graph("thumbnail", "ai-caption"))
    asset = plain(admin)
    run = admin.post(f"/api/v1/assets/{asset['id']}/workflows/{workflow['id']}/run")
    assert run.json()["data"]["skillIds"] == ["thumbnail", "ai-caption"]


def test_a_job_that_failed_is_told_and_can_be_run_again(tenant: Tenant, admin: httpx.Client) -> None:
    workflow = created(admin, "odd", graph("thumbnail", "format-convert", format_convert={"TargetFormat": "psd"}))
    path = f"/api/v1/assets/{plain(admin)['id']}"
    assert tenant.client.get(f"{path}/jobs").json() == {"data": []}
    admin.post(f"{path}/workflows/{workflow['id']}/run")

    def states() -> list[str]:
        return [it["status"] for it in tenant.client.get(f"{path}/jobs").json()["data"]]

    wait_for(lambda: states() == ["failed", "succeeded"], "the workflow to end", 30)
    failed, succeeded = tenant.client.get(f"{path}/jobs").json()["data"]
    shape = ["id", "assetId", "status", "attempts", "createdAtUtc", "updatedAtUtc", "errorMessage"]
    assert list(failed) == shape and path.endswith(failed["assetId"])
    assert "format_convert_target_format_invalid" in failed["errorMessage"] and failed["attempts"] == 1
    assert failed["updatedAtUtc"] > failed["createdAtUtc"] and succeeded["errorMessage"] is None
    assert tenant.client.post(f"{path}/jobs/{failed['id']}/retry").status_code == 204
    wait_for(lambda: states() == ["failed", "failed", "succeeded"], "the second try to end", 30)
    for job in (succeeded["id"], uuid.uuid4()):
        refused = tenant.client.post(f"{path}/jobs/{job}/retry")
        assert_refused(refused, 409, "asset_processing_job_not_retryable")


def test_a_derivative_of_a_private_asset_is_read_with_a_credential(tenant: Tenant) -> None:
    asset = enriched(tenant.client, made(tenant.client, picture("PNG", 300, 200), isPublic="false")["id"])
    for it in asset["derivatives"]:
        path = f"/api/v1/assets/{asset['id']}/derivatives/{it['kind']}/content"
        answer = tenant.client.get(path)
        assert (answer.status_code, answer.headers["content-type"]) == (200, it["contentType"])
        assert (len(answer.content), size_of(answer.content)) == (it["size"], (it["width"], it["height"]))
        assert tenant.client.get(path, headers={"Range": "bytes=0-9"}).content == answer.content[:10]
    unknown = tenant.client.get(f"/api/v1/assets/{asset['id']}/derivatives/huge/content")
    assert_refused(unknown, 404, "asset_derivative_not_found")


def test_what_is_asked_of_an_asset_that_is_not_there_is_not_found(tenant: Tenant) -> None:
    path = f"/api/v1/assets/{uuid.uuid4()}"
    assert_refused(tenant.client.get(f"{path}/jobs"), 404, "asset_not_found")
    assert_refused(tenant.client.post(f"{path}/jobs/{uuid.uuid4()}/retry"), 404, "asset_not_found")
    assert_refused(tenant.client.get(f"{path}/derivatives/thumbnail/content"), 404, "asset_not_found")


def test_what_waits_for_its_second_try_is_not_tried_a_third_time(tmp_path: Path) -> None:
    server = Server(tmp_path / "data", arguments=("--no-workers",)).start()
    with server.client() as client:
        path = f"/api/v1/assets/{made(client, runEnrichment='false')['id']}"
        database = Database(f"sqlite:///{tmp_path / 'data' / 'mediatheque.db'}")
        with database.write() as tx:  # as if a worker had been there, and come to grief
            tx.execute(delete(tables.job))
            tx.execute(update(tables.run).values(state="failed", shown=True, skill="caption"))
        database.close()
        (failed,) = client.get(f"{path}/jobs").json()["data"]
        assert client.post(f"{path}/jobs/{failed['id']}/retry").status_code == 204
        refused = client.post(f"{path}/jobs/{failed['id']}/retry")
        assert_refused(refused, 409, "asset_processing_job_not_retryable")
        assert len(client.get(f"{path}/jobs").json()["data"]) == 2
    assert server.stop() == 0
