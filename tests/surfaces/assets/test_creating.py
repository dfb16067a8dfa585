"""`Idempotency-Key` on every POST of this dialect and of the workflows that makes something (contract, 10)."""

import base64
import json
import threading
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests import servers
from tests.conftest import Tenant
from tests.github import Repo
from tests.pictures import picture
from tests.support import wait_for
from tests.surfaces.assets.conftest import PASSWORD, Office, data, refusal
from tests.surfaces.assets.test_assets import upload as upload_asset
from tests.surfaces.assets.test_skills import plain
from tests.surfaces.assets.test_storage import admin as admin
from tests.surfaces.assets.test_storage import github, make
from tests.surfaces.assets.test_storage import library as library
from tests.surfaces.test_uploads import upload as upload_input

STORAGE = "/api/v1/system/storage/providers"
PROVIDERS = "/api/v1/system/ai/providers"
WORKFLOWS = "/api/v1/system/workflows"
USERS = "/api/v1/users"
GRAPH = json.dumps({"nodes": [{"id": "1", "data": {"skillId": "thumbnail"}}], "edges": []})

MAKERS: dict[str, Callable[[str], dict[str, Any]]] = {
    STORAGE: lambda name: {"name": name, "providerType": "local", "configuration": {"rootPath": f"places/{name}"}},
    PROVIDERS: lambda name: {"name": name, "apiBaseUrl": "https://203.0.114.7", "apiKey": "k" * 20, "modelName": "m"},
    WORKFLOWS: lambda name: {"name": name, "graphJson": GRAPH},
    USERS: lambda name: {"username": name, "password": PASSWORD, "role": "user"},
}


def send(client: httpx.Client, path: str, key: str, body: Any) -> httpx.Response:
    return client.post(path, json=body, headers={"Idempotency-Key": key})


def name() -> str:
    return f"n{uuid.uuid4().hex[:10]}"


@pytest.mark.parametrize("path", MAKERS)
def test_the_same_request_again_gets_the_first_answer(office: Office, path: str) -> None:
    key, body = name(), MAKERS[path](name())
    first, second = (send(office.admin, path, key, body) for _ in range(2))
    assert first.status_code == second.status_code == 201, first.text
    assert first.json() == second.json()
    assert first.headers["location"] == second.headers["location"] == f"{path}/{first.json()['data']['id']}"
    assert send(office.admin, path, name(), body).status_code in {400, 409}  # the name is taken
    other = send(office.admin, path, key, MAKERS[path](name()))
    assert refusal(other) == (422, "idempotency_key_reused")
    assert other.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", MAKERS)
def test_a_refusal_is_an_answer_too(office: Office, path: str) -> None:
    key = name()
    first, second = (send(office.admin, path, key, {"isActive": 7}) for _ in range(2))
    assert refusal(first)[0] == 400
    assert first.json() == second.json()
    assert refusal(send(office.admin, path, key, MAKERS[path](name()))) == (422, "idempotency_key_reused")


@pytest.mark.parametrize("path", MAKERS)
def test_a_key_that_is_none_makes_nothing(office: Office, path: str) -> None:
    body = MAKERS[path](name())
    for key in ("x" * 256, ""):
        assert refusal(send(office.admin, path, key, body)) == (400, "request_invalid")
    assert office.admin.post(path, json=body).status_code == 201


def test_of_ten_at_once_one_makes_the_user(office: Office) -> None:
    start, body = threading.Barrier(10), MAKERS[USERS](name())

    def one(_: int) -> httpx.Response:
        start.wait()
        return send(office.admin, USERS, "k", body)

    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(one, range(10)))
    assert {it.status_code for it in answers} <= {201, 409}
    assert {it.json()["error"]["code"] for it in answers if it.status_code == 409} <= {"conflict"}
    assert len({it.json()["data"]["id"] for it in answers if it.status_code == 201}) == 1


def test_a_key_is_one_tenants_own(office: Office, other_office: Office) -> None:
    body = MAKERS[WORKFLOWS]("one")
    made = [data(send(it.admin, WORKFLOWS, "k", body), 201) for it in (office, other_office)]
    assert made[0]["id"] != made[1]["id"]


def test_who_may_not_make_gets_no_answer_of_others(office: Office) -> None:
    body = MAKERS[USERS](name())
    assert send(office.admin, USERS, "k", body).status_code == 201
    _, worker = office.at_work()
    assert refusal(send(worker, USERS, "k", body)) == (403, "auth_forbidden")


def test_an_upload_under_the_key_of_another_is_refused_with_422(tenant: Tenant) -> None:
    for number, expected in ((0, 202), (1, 422)):
        file = ("a.png", picture("PNG", seed=number), "image/png")
        answer = tenant.client.post("/api/v1/assets", files={"file": file}, headers={"Idempotency-Key": "k"})
        assert answer.status_code == expected
    assert refusal(answer) == (422, "idempotency_key_reused")


def test_a_skill_that_was_run_is_not_run_again(tenant: Tenant) -> None:
    """Else a retry would draw the watermark twice."""
    asset = plain(tenant.client)
    path = f"/api/v1/assets/{asset['id']}/skills/watermark/run"
    first, second = (send(tenant.client, path, "k", {"parameters": {"Text": "mine"}}) for _ in range(2))
    assert first.json()["data"]["succeeded"] is True
    assert first.json() == second.json()
    usage = tenant.client.get("/api/v1/assets/usage-stats").json()["data"]
    assert usage["mostActiveSkill"] == {"skillName": "watermark", "runCount": 1}


def test_a_workflow_is_queued_once(office: Office) -> None:
    asset = data(upload_asset(office.admin, runEnrichment="false"), 202)
    workflow = data(office.admin.post(WORKFLOWS, json=MAKERS[WORKFLOWS](name())), 201)
    path = f"/api/v1/assets/{asset['id']}/workflows/{workflow['id']}/run"
    first, second = (send(office.admin, path, "k", None) for _ in range(2))
    assert (first.status_code, second.status_code) == (202, 202)
    assert first.json() == second.json()

    def usage() -> Any:
        return office.admin.get("/api/v1/assets/usage-stats").json()["data"]["mostActiveSkill"]

    wait_for(lambda: usage() is not None, "the skill to run")
    assert usage() == {"skillName": "thumbnail", "runCount": 1}


def test_a_file_of_a_repository_is_committed_once(admin: httpx.Client) -> None:
    server = servers.github()
    server.repos[f"octo/{(repository := uuid.uuid4().hex)}"] = repo = Repo()
    made = make(admin, github(server, repository))
    path = f"{STORAGE}/{made['id']}/github-repo/upsert"
    body = {"path": "a.txt", "contentBase64": base64.b64encode(b"text").decode()}
    first, second = (send(admin, path, "k", body) for _ in range(2))
    assert first.json() == second.json()
    assert first.json()["data"]["operation"] == "created"
    assert len(repo.commits) == 1


def test_a_dispatched_job_is_one(tenant: Tenant) -> None:
    key = upload_input(tenant.client, picture("PNG")).json()["upload_key"]
    body = {"source_image_s3_key": key, "parameters": {"TargetFormat": "webp"}}
    first, second = (send(tenant.client, "/v1/workflows/format-convert", "k", body) for _ in range(2))
    assert (first.status_code, second.status_code) == (202, 202)
    assert first.json() == second.json()
    other = send(tenant.client, "/v1/workflows/format-convert", "k", body | {"parameters": {"TargetFormat": "gif"}})
    assert (other.status_code, other.json()["error"]["code"]) == (422, "VALIDATION_ERROR")
    refused = [send(tenant.client, "/v1/workflows/nothing", "n", body) for _ in range(2)]
    assert {it.status_code for it in refused} == {404}
