"""Artifacts in a browser: what a model writes appears, versions are compared, nobody is overwritten."""

import re
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, WebSocketRoute, expect

from tests.support import Server


@pytest.fixture
def client(server: Server) -> Iterator[httpx.Client]:
    with server.client() as client:
        yield client


@pytest.fixture
def room(client: httpx.Client) -> str:
    return str(client.post("/v1/rooms", json={"name": f"Room {uuid.uuid4().hex[:6]}"}).json()["data"]["id"])


def call(client: httpx.Client, tool: str, **arguments: Any) -> dict[str, Any]:
    """What a model does: a tool of `/mcp`."""
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool, "arguments": arguments}}
    answer = client.post("/mcp", json=body, headers={"Accept": "application/json, text/event-stream"})
    result: dict[str, Any] = answer.json()["result"]["structuredContent"]
    return result


def until(page: Page, holds: Callable[[], bool]) -> None:
    """Wait for what is no element of the page."""
    end = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < end
        page.wait_for_timeout(20)


def test_what_a_model_writes_appears_by_itself(page: Page, client: httpx.Client, room: str) -> None:
    heard: list[str] = []
    page.on("websocket", lambda it: it.on("framereceived", lambda frame: heard.append(str(frame))))
    page.goto(f"/console/artifacts?room={room}")
    expect(page.get_by_role("heading", name="Nothing written here yet")).to_be_visible()
    until(page, lambda: any('"hello"' in it for it in heard))  # from then on it is told of everything
    call(client, "create_artifact", room_id=room, title="A plan", content="# A plan\n\n- one\n")
    page.get_by_role("link", name="A plan").click()
    expect(page.get_by_role("article").get_by_role("heading", name="A plan")).to_be_visible()


def test_what_was_written_before_news_come_appears_too(page: Page, client: httpx.Client, room: str) -> None:
    held: list[WebSocketRoute] = []
    page.route_web_socket(re.compile("/v1/stream"), lambda it: held.append(it))  # noqa: PLW0108 - a method of C takes no marks
    page.goto(f"/console/artifacts?room={room}")
    expect(page.get_by_role("heading", name="Nothing written here yet")).to_be_visible()
    until(page, lambda: bool(held))
    call(client, "create_artifact", room_id=room, title="A plan", content="one")
    held[0].connect_to_server()
    expect(page.get_by_role("link", name="A plan")).to_be_visible()


def test_versions_are_compared_and_brought_back(page: Page, client: httpx.Client, room: str) -> None:
    made = client.post(f"/v1/rooms/{room}/tools/create_artifact", json={"title": "Notes", "content": "one word\n"})
    artifact = made.json()["data"]["artifact_id"]
    page.goto(f"/console/artifacts/{room}/{artifact}")
    page.get_by_role("button", name="Edit").click()
    page.get_by_role("textbox", name="Content").fill("two words\n")
    page.get_by_label("What changes").fill("More words")
    page.get_by_role("button", name="Save version").click()
    versions = page.get_by_role("complementary", name="Versions")
    expect(versions.get_by_text("More words")).to_be_visible()
    versions.get_by_role("button", name="What changed").first.click()
    expect(page.locator(".comparison ins", has_text="two").first).to_be_visible()
    page.get_by_role("button", name="Close the comparison").click()
    versions.get_by_role("button", name="Revert to this").click()
    page.get_by_role("dialog").get_by_role("button", name="Revert").click()
    expect(page.get_by_role("heading", name="version 3")).to_be_visible()
    expect(page.get_by_role("article")).to_have_text("one word")


def test_nobody_is_overwritten_unasked(page: Page, client: httpx.Client, room: str) -> None:
    made = client.post(f"/v1/rooms/{room}/tools/create_artifact", json={"title": "Ours", "content": "first\n"})
    artifact = made.json()["data"]["artifact_id"]
    page.goto(f"/console/artifacts/{room}/{artifact}")
    page.get_by_role("button", name="Edit").click()
    page.get_by_role("textbox", name="Content").fill("mine\n")
    change = {"artifact_id": artifact, "content": "theirs\n"}
    assert client.post(f"/v1/rooms/{room}/tools/update_artifact", json=change).status_code == 200
    page.get_by_role("button", name="Save version").click()
    conflict = page.get_by_role("dialog", name="Version 2 was made while you wrote")
    expect(conflict).to_contain_text("theirs")
    conflict.get_by_role("button", name="Save mine as version 3").click()
    expect(page.get_by_role("heading", name="version 3")).to_be_visible()


def test_a_document_can_do_no_harm(page: Page, client: httpx.Client, room: str) -> None:
    content = '<img src=x onerror="window.harmed=1"><script>window.harmed=1</script>\n\n[a](javascript:window.harmed=1) ![b](http://192.0.2.1/c.png)'
    made = client.post(f"/v1/rooms/{room}/tools/create_artifact", json={"title": "Bad", "content": content})
    page.goto(f"/console/artifacts/{room}/{made.json()['data']['artifact_id']}")
    expect(page.get_by_role("article")).to_contain_text("[picture: b]")
    assert page.evaluate("() => window.harmed") is None
    assert page.locator("article [onerror], article script, article a[href^=javascript]").count() == 0
