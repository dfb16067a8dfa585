"""An S3 service and GitHub in every sort of trouble: 503 for what needs them, and for nothing else (F8, F9, R9)."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import pytest

from tests import servers
from tests.conftest import DATABASES
from tests.faults.invariants import check, settle
from tests.faults.ledger import Ledger, keep, photo
from tests.faults.site import Site
from tests.faults.test_disk import DOORS
from tests.github import TOKEN, Repo
from tests.relay import TROUBLES, Relay
from tests.support import wait_for

PATIENCE_SECONDS = 45
"""What a service that says nothing at all may cost the first who ask it."""
CLIENTS = 8


@pytest.fixture
def relay() -> Iterator[Relay]:
    port = urlsplit(servers.seaweed().endpoint).port
    assert port is not None
    running = Relay(port)
    yield running
    running.close()


@pytest.mark.parametrize("database", DATABASES)
def test_s3_in_trouble_refuses_uploads_leaves_nothing_and_is_used_again_by_itself(
    database: str, make_site: Callable[..., Site], ledger: Ledger, relay: Relay, request: pytest.FixtureRequest
) -> None:
    url = request.getfixturevalue("postgres").create() if database == "postgresql" else ""
    environment = servers.seaweed().environment(servers.seaweed().place())
    site = make_site(url, **environment | {"MEDIATHEQUE_S3_ENDPOINT": f"http://127.0.0.1:{relay.port}"})
    site.server.start()
    with site.server.client() as http, ThreadPoolExecutor(CLIENTS) as clients:
        for trouble in TROUBLES:
            kept = keep(ledger, http, photo())
            settle(site)
            total = http.get("/v3/images").json()["total"]
            with relay.playing(trouble):
                uploads = [clients.submit(_upload, site, door) for door in DOORS * (CLIENTS // len(DOORS))]
                _assert_the_rest_goes_on(http, total)
                for upload in uploads:
                    answer = upload.result()
                    assert answer.status_code == 503, (trouble, answer.text)
                    assert int(answer.headers["retry-after"]) > 0
                assert http.get("/health/ready").json()["parts"]["storage"] != "ok"
                assert list(site.staging.iterdir()) == []
                assert http.get("/v3/images").json()["total"] == total
            wait_for(site.server.is_ready, f"the service to be used again after it was {trouble}", 60)
            assert http.get(kept).status_code == 200
    check(site, ledger)


@pytest.mark.parametrize("site", DATABASES, indirect=True)
def test_github_in_trouble_gets_one_commit_for_each_upload_and_a_used_up_limit_is_a_503(
    site: Site, ledger: Ledger
) -> None:
    server = servers.github()
    server.repos[f"octo/{(name := uuid4().hex)}"] = repo = Repo()
    place = {"owner": "octo", "repo": name, "ref": "main", "apiBaseUrl": server.url, "rawBaseUrl": f"{server.url}/raw"}
    body = {"name": name, "providerType": "github-repo", "configuration": place,
            "secretConfiguration": {"token": TOKEN}}  # fmt: skip
    with site.server.client() as http:
        made = http.post("/api/v1/system/storage/providers", json=body)
        assert made.status_code == 201, made.text
        form = {"storageProviderProfileId": made.json()["data"]["id"], "runEnrichment": "false"}

        def upload() -> httpx.Response:
            return http.post("/api/v1/assets", files={"file": ("photo.jpg", photo())}, data=form)

        before = _total(http)
        taken: list[dict[str, Any]] = []
        for trouble in ("", "lost", "raced", "down"):
            server.next_trouble = [trouble] if trouble else []
            answer = upload()
            assert answer.status_code == 202, (trouble, answer.text)
            taken.append(answer.json()["data"])
            assert len(repo.commits) == len(repo.files["main"]) == len(taken)
        server.rate_left = 0
        try:
            refused = upload()
            assert (refused.status_code, refused.json()["error"]["code"]) == (503, "service_unavailable")
            assert 0 < int(refused.headers["retry-after"]) <= 31
            keep(ledger, http, photo())
        finally:
            server.rate_left = None
        assert len(repo.commits) == len(taken)
        assert _total(http) == before + len(taken) + len(ledger.kept)


def _upload(site: Site, door: str) -> httpx.Response:
    with site.server.client() as http:
        return http.post(door, files={"file": ("photo.jpg", photo())}, timeout=PATIENCE_SECONDS)


def _assert_the_rest_goes_on(http: httpx.Client, total: int) -> None:
    """What needs no store is as quick as ever."""
    for _ in range(10):
        started = time.monotonic()
        assert http.get("/health/live").status_code == 200
        assert http.get("/v3/images").json()["total"] == total
        assert time.monotonic() - started < 2


def _total(http: httpx.Client) -> int:
    return int(http.get("/api/v1/assets").json()["data"]["total"])
