"""Links as tests save them: to pages of the session's web site."""

from typing import Any
from uuid import uuid4

import httpx

from tests import servers
from tests.site import PAGE
from tests.support import wait_for

LINKS, FILES = "/api/v2/user-files/links", "/api/v2/user-files"
ENDED = {"completed", "failed"}


def page(body: bytes = PAGE, media_type: str = "text/html", **more: Any) -> str:
    """The URL of a page that is this test's alone."""
    return servers.site().page(f"/{uuid4().hex}.html", body, media_type, **more)


def saved(client: httpx.Client, url: str, **wishes: Any) -> dict[str, Any]:
    """What saving a link answers."""
    answer = client.post(LINKS, json={"url": url, **wishes})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def detail(client: httpx.Client, link_id: str) -> dict[str, Any]:
    answer = client.get(f"{FILES}/{link_id}")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def crawled(client: httpx.Client, link_id: str, seconds: float = 40) -> dict[str, Any]:
    """The detail, when the crawl has ended."""
    wait_for(lambda: detail(client, link_id)["crawl_status"] in ENDED, "the crawl", seconds)
    return detail(client, link_id)


def visited(client: httpx.Client, url: str, **wishes: Any) -> dict[str, Any]:
    """The detail of a link to the URL, saved and crawled."""
    return crawled(client, saved(client, url, **wishes)["id"])
