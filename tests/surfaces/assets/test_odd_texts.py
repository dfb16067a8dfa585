"""Texts that no database and no file system can hold are the sender's mistake, wherever they stand in a body."""

import json
from typing import Any

import httpx
import pytest

from tests.conftest import Tenant
from tests.pictures import picture
from tests.surfaces.assets.conftest import Office, refusal

HALF = "\ud800"
REPOSITORY = {"owner": "o", "repo": "r"}
STORAGE, WORKFLOWS = "/api/v1/system/storage/providers", "/api/v1/system/workflows"


def post(client: httpx.Client, path: str, body: Any) -> httpx.Response:
    """As some clients write it: half a character as an escape, numbers without an end as words."""
    return client.post(path, content=json.dumps(body), headers={"Content-Type": "application/json"})


def local(root: str, **more: Any) -> dict[str, Any]:
    return {"name": "n", "providerType": "local", "configuration": {"rootPath": root, **more}}


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        (STORAGE, local("a\0b"), "storage_provider_profile_configuration_invalid"),
        (STORAGE, local(HALF), "storage_provider_profile_configuration_invalid"),
        (STORAGE, local("x" * 300), "storage_provider_profile_configuration_invalid"),
        (STORAGE, local("x" * 300, createDirectoryIfMissing=False), "storage_provider_profile_configuration_invalid"),
        (STORAGE, {"name": "n", "providerType": "github-repo", "configuration": REPOSITORY | {"ref": HALF}},
         "storage_provider_profile_github_repo_ref_invalid"),
        (WORKFLOWS, {"name": "n", "graphJson": f'{{"a": "{HALF}"}}'}, "workflow_profile_graph_json_invalid"),
        (WORKFLOWS, {"name": "n", "graphJson": '{"a": "\\ud800"}'}, "workflow_profile_graph_json_invalid"),
        (WORKFLOWS, {"name": "n", "graphJson": '{"a": 1e999}'}, "workflow_profile_graph_json_invalid"),
        (WORKFLOWS, {"name": "n", "graphJson": "{}", "description": HALF}, "request_invalid"),
    ],
    ids=str,
)  # fmt: skip
def test_what_cannot_be_kept_is_refused(office: Office, path: str, body: dict[str, Any], code: str) -> None:
    assert refusal(post(office.admin, path, body)) == (400, code)


def test_a_refresh_token_of_half_a_character_is_unknown(office: Office) -> None:
    stranger = office.stranger()
    spent = post(stranger, "/api/v1/auth/refresh", {"refreshToken": HALF})
    assert refusal(spent) == (401, "auth_refresh_token_invalid")
    assert post(stranger, "/api/v1/auth/logout", {"refreshToken": HALF}).status_code == 204


@pytest.mark.parametrize("parameters", [{"a": HALF}, {HALF: 1}, {"a": "\0"}, {"a": float("nan")}, {"a": float("inf")}])
def test_parameters_that_cannot_be_kept_are_refused(tenant: Tenant, parameters: dict[str, Any]) -> None:
    key = tenant.client.post("/v1/uploads", files={"file": ("a.png", picture("PNG"))}).json()["upload_key"]
    body = {"source_image_s3_key": key, "parameters": parameters}
    answer = post(tenant.client, "/v1/workflows/thumbnail", body)
    assert (answer.status_code, answer.json()["detail"][0]["loc"]) == (422, ["body", "parameters"])
    asset = tenant.client.get("/api/v1/assets").json()["data"]["items"][0]["id"]
    run = post(tenant.client, f"/api/v1/assets/{asset}/skills/thumbnail/run", {"parameters": parameters})
    assert refusal(run) == (400, "request_invalid")


def test_a_key_of_half_a_character_stands_for_no_upload(tenant: Tenant) -> None:
    answer = post(tenant.client, "/v1/workflows/thumbnail", {"source_image_s3_key": f"uploads/{HALF}/x.png"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "VALIDATION_ERROR")


@pytest.mark.parametrize(
    "query", ["contentType=%00", "contentType=image/%00*", "query=a%00b", "contentType=" + "x" * 1001]
)
def test_a_filter_that_no_asset_can_meet_is_refused(tenant: Tenant, query: str) -> None:
    for path in ("/api/v1/assets", "/api/v1/public/assets"):
        assert refusal(tenant.client.get(f"{path}?{query}")) == (400, "request_invalid")
