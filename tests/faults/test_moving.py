"""Bytes that go from one place to another while the library is used: nothing is lost, whoever is killed."""

import json
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import update

from mediatheque.records.tables import garbage
from tests.conftest import DATABASES
from tests.faults.invariants import check, settle
from tests.faults.ledger import Ledger, keep, photo
from tests.faults.site import Site
from tests.seaweed import ACCESS_KEY, BUCKET, SECRET_KEY
from tests.servers import seaweed

PICTURES = 5
OBJECTS = PICTURES * 6
"""Each with its five variants."""
PROFILES = "/api/v1/system/storage/providers"


@pytest.mark.parametrize("database", DATABASES)
def test_a_move_to_s3_that_is_killed_twice_loses_nothing_and_is_gone_on_with(
    database: str, make_site: Callable[..., Site], ledger: Ledger, request: pytest.FixtureRequest
) -> None:
    url = request.getfixturevalue("postgres").create() if database == "postgresql" else ""
    site = make_site(url, MEDIATHEQUE_ENDPOINT_ALLOW=seaweed().endpoint.removeprefix("http://"))
    site.server.start()
    with site.server.client() as http:
        _profile(http, "cloud", seaweed().place().partition("/")[2])
        for _ in range(PICTURES):
            keep(ledger, http, photo())
        settle(site)
        for place in ("move.copied", "move.recorded"):
            site.arm(place, "kill@3")
            assert _move(site, "own", "cloud").returncode == -9
            check(site, ledger)
        moved = _moved(site, "own", "cloud")
        assert (moved["left"], moved["damaged"]) == (0, [])
        assert moved["objects"] == OBJECTS - 2 - 3
        assert _moved(site, "own", "cloud")["objects"] == 0
        keep(ledger, http, photo())  # uploads still go to the server's own store
        check(site, ledger)
        back = _moved(site, "cloud", "own")
        assert (back["objects"], back["left"]) == (OBJECTS, 0)
        with site.parts.database.write() as tx:  # the hour of those who still read there is over
            tx.execute(update(garbage).values(created_at=datetime(2020, 1, 1, tzinfo=UTC)))
        check(site, ledger)
    assert len([it for it in site.parts.store.list() if it.key.startswith(("uploads/", "variants/"))]) == OBJECTS + 6


def test_two_names_of_one_place_an_unknown_one_and_a_damaged_object_are_told(
    make_site: Callable[..., Site], ledger: Ledger, tmp_path: Path
) -> None:
    site = make_site(MEDIATHEQUE_ENDPOINT_ALLOW=seaweed().endpoint.removeprefix("http://"))
    site.server.start()
    with site.server.client() as http:
        prefix = seaweed().place().partition("/")[2]
        _profile(http, "one", prefix)
        _profile(http, "two", prefix)
        url = keep(ledger, http, photo())
        settle(site)
    assert "no place called elsewhere" in _move(site, "own", "elsewhere").stderr
    assert "the same place" in _move(site, "one", "two").stderr
    (damaged,) = (site.server.data_dir / "objects" / "uploads").rglob("*.jpg")
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"!")
    done = _move(site, "own", "one")
    found = json.loads(done.stdout)
    assert (done.returncode, found["objects"], found["left"], len(found["damaged"])) == (1, 5, 1, 1)
    del ledger.kept[url]


def _profile(http: httpx.Client, name: str, prefix: str) -> None:
    configuration = {"endpoint": seaweed().endpoint, "bucket": BUCKET, "region": "us-east-1", "prefix": prefix}
    draft = {"name": name, "providerType": "s3", "configuration": configuration,
             "secretConfiguration": {"accessKey": ACCESS_KEY, "secretKey": SECRET_KEY}}  # fmt: skip
    answer = http.post(PROFILES, json=draft)
    assert answer.status_code == 201, answer.text


def _move(site: Site, source: str, target: str) -> "subprocess.CompletedProcess[str]":
    return site.server.command("storage", "move", "--tenant", "default", "--from", source, "--to", target, "--json")


def _moved(site: Site, source: str, target: str) -> dict[str, Any]:
    done = _move(site, source, target)
    assert done.returncode == 0, done.stdout + done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found
