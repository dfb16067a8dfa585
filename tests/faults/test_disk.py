"""A disk that fails a sync or has no room, wherever we write: refused, nothing left, and it goes on (F5, F6)."""

from itertools import chain

import httpx
import pytest

from tests.faults.invariants import check, objects, settle
from tests.faults.ledger import Ledger, keep, photo
from tests.faults.site import Site

WRITE_PLACES = ("store.write", "store.sync", "store.synced", "store.renamed", "store.put")
DOORS = ("/v3/images", "/v1/uploads")
FAULTS = [
    ("eio", 503, "Service unavailable", "SERVICE_UNAVAILABLE"),
    ("enospc", 507, "Storage is full", "STORAGE_FULL"),
]


@pytest.mark.parametrize(("action", "status", "message", "code"), FAULTS)
def test_an_upload_that_cannot_be_written_is_refused_and_leaves_nothing(
    site: Site, ledger: Ledger, action: str, status: int, message: str, code: str
) -> None:
    with site.server.client() as http:
        keep(ledger, http, photo())
        settle(site)
        before = objects(site)
        for place, door in chain.from_iterable(((place, door) for door in DOORS) for place in WRITE_PLACES):
            with site.armed(place, action):
                answer = http.post(door, files={"file": ("photo.jpg", photo())})
            assert_refused(answer, status, message, code)
            assert objects(site) == before, f"{place} left something"
            assert list(site.staging.iterdir()) == []
        keep(ledger, http, photo())
    check(site, ledger)


@pytest.mark.parametrize("passing", [1, 2, 3])
def test_an_upload_counts_only_when_its_file_and_its_folders_are_synced(
    site: Site, ledger: Ledger, passing: int
) -> None:
    with site.server.client() as http:
        settle(site)
        before = objects(site)
        with site.armed("store.sync", f"eio@{passing}"):
            answer = http.post("/v3/images", files={"file": ("photo.jpg", photo())})
        assert_refused(answer, 503, "Service unavailable", "")
        assert objects(site) == before
    check(site, ledger)


@pytest.mark.parametrize("action", ["eio", "enospc"])
def test_a_worker_that_cannot_write_tries_again_later(site: Site, ledger: Ledger, action: str) -> None:
    with site.server.client() as http:
        settle(site)
        worker = site.suspended_worker()
        try:
            keep(ledger, http, photo())
            site.arm("store.sync", action)
        finally:
            worker.resume()
        settle(site)
        assert site.is_struck("store.sync")
        site.disarm()
    check(site, ledger)


def assert_refused(answer: httpx.Response, status: int, message: str, code: str) -> None:
    """The refusal in the dialect of the door that was asked (decisions 19)."""
    assert answer.status_code == status
    assert answer.headers["cache-control"] == "no-store"
    assert status != 503 or int(answer.headers["retry-after"]) > 0
    body = answer.json()
    if answer.request.url.path == "/v1/uploads":
        assert body["error"].pop("request_id")
        assert body == {"error": {"code": code, "message": message}}
    else:
        assert body == {"detail": message}
