"""Every tool and resource, driven by the official client; docs/mcp-transcript.md is what was said.

`MEDIATHEQUE_WRITE_TRANSCRIPT=1 pytest tests/surfaces/mcp` writes the page anew.
"""

import base64
import json
import os
import re
from pathlib import Path
from typing import Any

import httpx
from mcp.client import Client

from tests.conftest import Tenant
from tests.pictures import picture
from tests.support import Server, wait_for
from tests.surfaces.mcp.calls import shown, with_client

PAGE = Path(__file__).parents[3] / "docs" / "mcp-transcript.md"
PLAN = "# Migration plan\n\n1. Copy the tables\n2. Switch over\n"
HEAD = """\
# A conversation over MCP

Every tool and resource, called one after another by the official Python client against a running server. A test makes
these calls, and fails when the answers are no longer these; ids, times and signatures are replaced.
"""


class Conversation:
    """Calls and answers, as they are written down."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.said: list[str] = []
        self.tools: set[str] = set()

    async def call(self, tool: str, **arguments: Any) -> Any:
        result = await self._client.call_tool(tool, arguments)
        self.tools.add(tool)
        answer = result.structured_content
        if answer is None:
            answer = [
                _shortened(part.model_dump(mode="json", by_alias=True, exclude_none=True)) for part in result.content
            ]
        mark = " (refused)" if result.is_error else ""
        self.said.append(
            f"## {tool}{mark}\n\n```json\n{shown(arguments)}\n```\n\n```json\n{shown(_without_findings(answer))}\n```\n"
        )
        return answer

    async def read(self, uri: str) -> str:
        (content,) = (await self._client.read_resource(uri)).contents
        text = str(content.text)  # type: ignore[union-attr]
        told = shown(_without_findings(json.loads(text))) if content.mime_type == "application/json" else text
        self.said.append(f"## resource\n\n`{uri}` ({content.mime_type})\n\n```\n{told}\n```\n")
        return text


def test_every_tool_does_what_it_says_and_the_page_tells_it(tenant: Tenant) -> None:
    room_id = tenant.client.post("/v1/rooms", json={"name": "Harbour"}).json()["data"]["id"]
    tenant.client.post("/api/v2/folders", json={"name": "Piers"})

    async def talk(client: Client) -> str:
        conversation = Conversation(client)
        await _write(conversation, room_id)
        await _file(conversation, tenant)
        known = {tool.name for tool in (await client.list_tools()).tools}
        assert conversation.tools == known
        return "\n".join([HEAD, *conversation.said])

    told = _anonymous(with_client(tenant.server, tenant.key.key, talk), tenant.server)
    if os.environ.get("MEDIATHEQUE_WRITE_TRANSCRIPT"):
        PAGE.write_text(told)
    assert told == PAGE.read_text()


async def _write(conversation: Conversation, room_id: str) -> None:
    rooms = await conversation.call("list_rooms")
    assert [it["room_id"] for it in rooms["rooms"]] == [room_id]
    made = await conversation.call("create_artifact", room_id=room_id, title="Migration plan", content=PLAN)
    it = {"room_id": room_id, "artifact_id": made["artifact_id"]}
    edits = [{"old_text": "2. Switch over", "new_text": "2. Rehearse the rollback\n3. Switch over"}]
    patched = await conversation.call(
        "patch_artifact", **it, edits=edits, expected_version=1, change_description="Added the rehearsal"
    )
    assert patched["version"] == 2
    refused = await conversation.call("update_artifact", **it, content="# Empty\n", expected_version=1)
    assert "stale_version" in refused[0]["text"]
    await conversation.call("update_artifact", **it, content="# Empty\n", change_description="Started over")
    compared = await conversation.call("diff_artifact", **it, from_version=2, to_version=3)
    assert "-3. Switch over" in compared["diff"]
    await conversation.call("revert_artifact", **it, version=2)
    read = await conversation.call("read_artifact", **it)
    assert (read["version"], read["content"]) == (4, PLAN.replace("2. Sw", "2. Rehearse the rollback\n3. Sw"))
    listed = await conversation.call("list_artifacts", room_id=room_id)
    assert listed["artifacts"][0]["change_description"] == "Reverted to version 2"
    assert await conversation.read(f"mediatheque://artifact/{room_id}/{it['artifact_id']}") == read["content"]


async def _file(conversation: Conversation, tenant: Tenant) -> None:
    data = picture("JPEG", 900, 600)
    begun = await conversation.call(
        "begin_upload", filename="pier.jpg", media_type="image/jpeg", size_bytes=len(data), title="Pier seven"
    )
    sent = httpx.put(begun["upload_url"], content=data, headers=begun["headers"], trust_env=False, timeout=60)
    assert sent.status_code == 200
    file_id = begun["file_id"]
    assert (await conversation.call("confirm_upload", file_id=file_id))["confirmed"]
    detail = f"/api/v2/user-files/{file_id}"
    wait_for(lambda: _is_done(tenant.client.get(detail).json()), "the file to be worked through", 60)
    assert len((await conversation.call("list_folders"))["folders"]) == 1
    found = await conversation.call("search_files", query="pier seven")
    assert found["files"][0]["file_id"] == file_id
    assert found["files"][0]["reasons"] == [{"by": "words", "field": "title", "excerpt": "Pier seven"}]
    known = await conversation.call("get_file", file_id=file_id)
    assert httpx.get(known["url"], trust_env=False, timeout=60).content == data
    seen = await conversation.call("view_image", file_id=file_id, size="small")
    assert seen[1]["mimeType"] == "image/webp"
    assert json.loads(await conversation.read(f"mediatheque://asset/{file_id}"))["filename"] == "pier.jpg"
    saved = await conversation.call("save_link", url="https://harbour.invalid/tides", title="Tides")
    assert not saved["is_duplicate"]


def _is_done(file: dict[str, Any]) -> bool:
    return bool(
        file["variant_status"] == "completed" and file["description_status"] in {"completed", "failed", "skipped"}
    )


def _shortened(part: dict[str, Any]) -> dict[str, Any]:
    if "data" not in part:
        return part
    return part | {"data": f"({len(base64.b64decode(part['data'])):,} bytes in base64)"}


def _without_findings(answer: Any) -> Any:
    """What skills say of a file depends on which there are: the page tells where it stands."""
    if isinstance(answer, list):
        return [_without_findings(part) for part in answer]
    if not isinstance(answer, dict):
        return answer
    told = {name: _without_findings(part) for name, part in answer.items()}
    if "file_id" in told and "kind" in told:
        told |= {name: "…" for name in ("description", "alt_text") if told.get(name)}
        told |= {"findings": {"basic_caption": {"caption": "…"}}} if "findings" in told else {}
    return told


def _anonymous(text: str, server: Server) -> str:
    """The same whenever and wherever it was said."""
    known: dict[str, str] = {}

    def numbered(found: "re.Match[str]") -> str:
        return known.setdefault(found[0], f"00000000-0000-4000-8000-{len(known) + 1:012d}")

    text = text.replace(server.url, "http://127.0.0.1:8000")
    text = re.sub(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", numbered, text)
    text = re.sub(r"expires=\d+&key=\w+&signature=\w+", "expires=…&key=…&signature=…", text)
    text = re.sub(r"/media/[0-9A-Z]{26}/", "/media/…/", text)
    text = re.sub(r"\([\d,]+ bytes in base64\)", "(bytes in base64)", text)
    return re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "2026-11-22T12:00:00Z", text)
