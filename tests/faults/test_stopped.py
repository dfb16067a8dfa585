"""A process that is stopped in the middle of a write holds the others up for a while, not for ever (R8, R9)."""

import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from mediatheque.records.groupcommit import LOCK_SECONDS
from tests.faults.invariants import check, settle
from tests.faults.ledger import Ledger, keep, photo
from tests.faults.site import Site
from tests.faults.test_disk import DOORS, assert_refused
from tests.support import wait_for

UNAVAILABLE = (503, "Service unavailable", "SERVICE_UNAVAILABLE")


@pytest.mark.parametrize("site", ["sqlite"], indirect=True)
def test_a_worker_stopped_in_a_write_is_a_503_to_writers_and_nothing_to_readers(site: Site, ledger: Ledger) -> None:
    with site.server.client() as http, ThreadPoolExecutor(8) as clients:
        kept = keep(ledger, http, photo())
        settle(site)
        site.arm("run.recorded", "stop")
        keep(ledger, http, photo())
        struck = site.faults / "run.recorded.struck"
        wait_for(lambda: struck.exists() and len(struck.read_text().split()) == 2, "the worker to stop")
        try:
            started = time.monotonic()
            waiting = [clients.submit(_upload, http, door) for door in DOORS * 4]
            assert http.get("/v3/images").status_code == 200
            assert http.get(kept).status_code == 200
            assert http.get("/health/live").status_code == 200
            for upload in waiting:
                assert_refused(upload.result(), *UNAVAILABLE)
            assert time.monotonic() - started < 2 * LOCK_SECONDS
        finally:
            os.kill(int(struck.read_text().split()[1]), signal.SIGCONT)
            site.disarm()
        keep(ledger, http, photo())
    check(site, ledger)


def _upload(http: httpx.Client, door: str) -> httpx.Response:
    return http.post(door, files={"file": ("photo.jpg", photo())})
