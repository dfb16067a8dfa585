"""`mediatheque fsck` as operators run it: its JSON, its exit codes, its options, and beside a server under load."""

import asyncio
import json
import os
import time

from tests.faults.invariants import check, settle
from tests.faults.ledger import Ledger, keep, photo, press
from tests.faults.site import Site

FIELDS = ["assets", "objects", "missing_objects", "orphan_objects", "checksum_mismatches", "stuck_runs"]


def test_a_sound_library_exits_0_and_says_what_it_looked_at(site: Site, ledger: Ledger) -> None:
    with site.server.client() as http:
        keep(ledger, http, photo())
    settle(site)
    done = site.server.command("fsck", "--json", "--read-data", "--grace", "0")
    report = json.loads(done.stdout)
    assert (done.returncode, list(report)) == (0, FIELDS)
    assert report["objects"] == 6 * report["assets"] > 0  # the original and five variants of each
    assert [report[name] for name in FIELDS[2:]] == [[], [], [], []]
    spoken = site.server.command("fsck")
    assert (spoken.returncode, spoken.stdout) == (0, f"{report['assets']} assets, {report['objects']} objects\nclean\n")


def test_damage_exits_1_until_it_is_repaired(site: Site, ledger: Ledger) -> None:
    with site.server.client() as http:
        keep(ledger, http, photo())
    settle(site)
    orphan = site.staging.parent / "uploads" / "stray"
    orphan.write_bytes(b"stray")
    old = time.time() - 600
    os.utime(orphan, (old, old))
    assert site.server.command("fsck", "--json").returncode == 0  # younger than 15 minutes
    found = site.server.command("fsck", "--json", "--grace", "5")
    assert found.returncode == 1
    assert json.loads(found.stdout)["orphan_objects"] == ["uploads/stray"]
    repaired = site.server.command("fsck", "--repair", "--json", "--grace", "5")
    assert (repaired.returncode, json.loads(repaired.stdout)["orphan_objects"]) == (0, [])
    assert not orphan.exists()
    check(site, ledger)


def test_only_reading_the_data_finds_a_flipped_bit(site: Site, ledger: Ledger) -> None:
    with site.server.client() as http:
        keep(ledger, http, photo())
    settle(site)
    variant = next(file for file in site.staging.parent.rglob("*large_1024.webp"))
    whole = variant.read_bytes()
    variant.write_bytes(bytes([whole[0] ^ 1]) + whole[1:])
    assert site.server.command("fsck", "--json", "--read-data-sample", "0").returncode == 0
    found = site.server.command("fsck", "--json", "--read-data")
    assert found.returncode == 1
    assert json.loads(found.stdout)["checksum_mismatches"] == [variant.relative_to(site.staging.parent).as_posix()]
    assert site.server.command("fsck", "--json", "--read-data-sample", "100").returncode == 1
    assert site.server.command("fsck", "--json", "--read-data", "--repair").returncode == 0
    check(site, ledger)


def test_a_repair_beside_a_server_under_load_takes_nothing_away(site: Site, ledger: Ledger) -> None:
    async def repair_under_load() -> None:
        done = asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(press(site, ledger, done.is_set))
            try:
                for _ in range(2):
                    ended = await asyncio.to_thread(site.server.command, "fsck", "--repair", "--read-data", "--json")
                    assert ended.returncode == 0, ended.stdout + ended.stderr
            finally:
                done.set()

    asyncio.run(repair_under_load())
    assert ledger.refusals == []
    check(site, ledger)
