"""How the console is served: what may be kept, what its page may do, and what every address answers."""

import re

import httpx
import pytest

from mediatheque.surfaces.console import BUILT
from tests.support import Server

pytestmark = pytest.mark.skipif(not (BUILT / "index.html").is_file(), reason="the console is not built")


@pytest.fixture
def client(server: Server) -> httpx.Client:
    return httpx.Client(base_url=server.url, timeout=30)


@pytest.mark.parametrize(
    "path", ["/", "/console", "/console/library", "/console/artifacts/room-1/2", "/console/?file=3"]
)
def test_every_screen_has_an_address(client: httpx.Client, path: str) -> None:
    answer = client.get(path, follow_redirects=True)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.headers["cache-control"] == "no-store"
    assert '<div id="root">' in answer.text


def test_the_page_may_ask_nobody_else_and_run_nothing_of_its_own(client: httpx.Client) -> None:
    answer = client.get("/")
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
    assert "unsafe" not in policy
    assert "<style" not in answer.text
    assert not re.search(r"<script(?![^>]*src=)", answer.text)
    assert set(re.findall(r'(?:src|href)="(/[^/"]+)', answer.text)) <= {"/console", "/docs"}


def test_files_are_named_by_what_is_in_them_and_kept_for_ever(client: httpx.Client) -> None:
    files = re.findall(r'(?:src|href)="(/console/assets/[^"]+)"', client.get("/").text)
    assert files
    for file in files:
        answer = client.get(file)
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert answer.headers["content-encoding"] == "gzip"
    assert client.get("/console/assets/nothing.js").status_code == 404
    assert client.get("/console/assets/../../plugins.py").status_code in {200, 404}
    assert b"SURFACES" not in client.get("/console/assets/..%2f..%2fplugins.py").content


def test_the_first_load_is_small(client: httpx.Client) -> None:
    scripts = re.findall(r'(?:src|href)="(/console/assets/[^"]+\.js)"', client.get("/").text)
    packed = sum(int(client.get(it).headers["content-length"]) for it in scripts)
    assert packed < 250_000


def test_the_console_is_in_the_openapi_document(client: httpx.Client) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    assert {"/", "/console/{screen}"} <= paths.keys()
