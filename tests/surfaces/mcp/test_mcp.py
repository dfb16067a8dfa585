"""`/mcp`: who is let in, what each credential may, and what refusals say (contract, 10; running.md)."""

import json
from typing import Any
from uuid import uuid4

import pytest

from mediatheque.core.accounts import Accounts
from mediatheque.model import Role
from tests.conftest import Tenant
from tests.pictures import picture
from tests.support import Server, upload
from tests.surfaces.artifacts.conftest import new_room
from tests.surfaces.mcp.calls import call, failed, with_client

TOOLS = {
    "create_artifact", "update_artifact", "patch_artifact", "read_artifact", "list_artifacts", "revert_artifact",
    "diff_artifact", "list_rooms", "search_files", "get_file", "view_image", "list_folders", "begin_upload",
    "confirm_upload", "save_link",
}  # fmt: skip
HEADERS = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}
LIST = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}


def test_the_tools_and_resources_are_these_and_say_what_they_do_to_things(tenant: Tenant) -> None:
    async def look(client: Any) -> tuple[Any, Any]:
        return (await client.list_tools()).tools, (await client.list_resource_templates()).resource_templates

    tools, templates = with_client(tenant.server, tenant.key.key, look)
    assert {it.name for it in tools} == TOOLS
    assert {it.uri_template for it in templates} == {
        "mediatheque://asset/{file_id}", "mediatheque://artifact/{room_id}/{artifact_id}",
    }  # fmt: skip
    assert all(it.description and it.title and it.annotations for it in tools)
    assert {it.name for it in tools if it.annotations.destructive_hint} == {
        "update_artifact", "patch_artifact", "revert_artifact",
    }  # fmt: skip
    assert {it.name for it in tools if it.annotations.open_world_hint} == {"save_link"}
    reading = {it.name for it in tools if it.annotations.read_only_hint}
    assert reading == TOOLS - {"create_artifact", "update_artifact", "patch_artifact", "revert_artifact",
                               "begin_upload", "confirm_upload", "save_link"}  # fmt: skip


def test_without_a_credential_nothing_answers(server: Server) -> None:
    with server.client(None) as client:
        for method in ("POST", "GET", "DELETE"):
            answer = client.request(method, "/mcp", json=LIST, headers=HEADERS)
            assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
            assert answer.headers["x-content-type-options"] == "nosniff"


def test_only_post_at_this_path_is_answered_whatever_the_host(tenant: Tenant) -> None:
    for method in ("GET", "DELETE", "PUT"):
        answer = tenant.client.request(method, "/mcp", headers=HEADERS)
        assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    assert tenant.client.post("/mcpx", json=LIST, headers=HEADERS).status_code == 404
    for host in ("library.example", "127.0.0.1"):
        answer = tenant.client.post("/mcp", json=LIST, headers=HEADERS | {"Host": host})
        assert len(answer.json()["result"]["tools"]) == len(TOOLS)
        assert "x-ratelimit-remaining" in answer.headers
    for body in (b"", b"{", b"[]", json.dumps({"jsonrpc": "2.0", "id": 1, "method": "nonsense"}).encode()):
        assert tenant.client.post("/mcp", content=body, headers=HEADERS).status_code in {200, 400, 404}
    too_large = tenant.client.post("/mcp", content=b" " * (33 << 20), headers=HEADERS)
    assert too_large.status_code == 413


@pytest.mark.parametrize(
    ("scopes", "tool", "arguments"),
    [
        (["files.read"], "list_rooms", {}),
        (["artifacts.read"], "create_artifact", {"room_id": "room-x", "title": "t", "content": "c"}),
        (["artifacts.read", "artifacts.write"], "search_files", {"query": "x"}),
        (["files.read"], "save_link", {"url": "https://example.com/"}),
        (["files.read"], "begin_upload", {"filename": "a.png", "media_type": "image/png", "size_bytes": 1}),
    ],
)
def test_every_tool_asks_for_its_scope(
    tenant: Tenant, accounts: Accounts, scopes: list[str], tool: str, arguments: dict[str, Any]
) -> None:
    key = accounts.create_key(tenant.name, scopes=scopes)
    assert "forbidden: Missing required scope" in failed(tenant.server, key.key, tool, **arguments)


def test_refusals_say_what_to_do(tenant: Tenant) -> None:
    room_id = new_room(tenant.client)
    made = call(tenant.server, tenant.key.key, "create_artifact", room_id=room_id, title="T", content="a b b")
    it = {"room_id": room_id, "artifact_id": made["artifact_id"]}

    def words(tool: str, **arguments: Any) -> str:
        return failed(tenant.server, tenant.key.key, tool, **arguments)

    assert "list_rooms" in words("list_artifacts", room_id=f"room-{uuid4()}")
    assert "list_rooms" in words("list_artifacts", room_id="nonsense")
    assert "list_artifacts" in words("read_artifact", room_id=room_id, artifact_id="nonsense")
    assert "copy the text exactly" in words("patch_artifact", **it, edits=[{"old_text": "c", "new_text": ""}])
    assert "2 times" in words("patch_artifact", **it, edits=[{"old_text": "b", "new_text": ""}])
    assert "read_artifact" in words("update_artifact", **it, content="x", expected_version=9)
    assert "title or content" in words("update_artifact", **it)
    assert "search_files" in words("get_file", file_id=str(uuid4()))
    assert "search_files" in words("view_image", file_id="nonsense")
    assert "image/png" in words("begin_upload", filename="a.exe", media_type="application/x-msdownload", size_bytes=1)
    assert all("begin_upload" in words("confirm_upload", file_id=it) for it in (str(uuid4()), "nonsense"))
    assert "list_folders" in words("save_link", url="https://example.com/", folder_id=str(uuid4()))
    assert words("patch_artifact", **it, edits=[{"old": "b"}])


def test_what_is_another_tenant_s_is_absent(tenant: Tenant, other_tenant: Tenant, accounts: Accounts) -> None:
    room_id = new_room(other_tenant.client)
    theirs = call(other_tenant.server, other_tenant.key.key, "create_artifact", room_id=room_id, title="T", content="c")
    upload(other_tenant.client, picture("JPEG"))
    file_id = other_tenant.client.get("/api/v2/user-files").json()["files"][0]["id"]
    begun = call(other_tenant.server, other_tenant.key.key, "begin_upload", filename="a.png",
                 media_type="image/png", size_bytes=9)  # fmt: skip
    admin = accounts.create_key(tenant.name, role=Role.ADMIN).key
    both: list[dict[str, str]] = [
        {"room": room_id, "artifact": theirs["artifact_id"], "file": file_id, "promised": begun["file_id"]},
        {"room": f"room-{uuid4()}", "artifact": str(uuid4()), "file": str(uuid4()), "promised": str(uuid4())},
    ]
    answers = []
    for ids in both:
        it = {"room_id": ids["room"], "artifact_id": ids["artifact"]}
        calls: list[tuple[str, dict[str, Any]]] = [
            ("list_artifacts", {"room_id": ids["room"]}), ("read_artifact", it),
            ("create_artifact", {"room_id": ids["room"], "title": "t", "content": "c"}),
            ("update_artifact", it | {"content": "x"}), ("revert_artifact", it | {"version": 1}),
            ("patch_artifact", it | {"edits": [{"old_text": "c", "new_text": "d"}]}),
            ("diff_artifact", it | {"from_version": 1, "to_version": 1}), ("get_file", {"file_id": ids["file"]}),
            ("view_image", {"file_id": ids["file"]}), ("confirm_upload", {"file_id": ids["promised"]}),
        ]  # fmt: skip
        answers.append([failed(tenant.server, admin, tool, **arguments) for tool, arguments in calls])
    assert answers[0] == answers[1]
    assert call(tenant.server, admin, "list_rooms")["rooms"] == []
    assert call(tenant.server, admin, "search_files")["files"] == []


def test_a_revoked_key_is_refused_at_once(tenant: Tenant, accounts: Accounts) -> None:
    key = accounts.create_key(tenant.name)
    assert call(tenant.server, key.key, "list_rooms")["total"] == 0
    accounts.revoke_key(key.key_id)
    with tenant.server.client(key.key) as client:
        answer = client.post("/mcp", json=LIST, headers=HEADERS)
    assert answer.status_code == 401
