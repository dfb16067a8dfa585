"""SIGTERM under load: what was acknowledged is there, the exit is orderly and in time (F4)."""

import asyncio
import time

from tests.faults.invariants import check
from tests.faults.ledger import Ledger, press
from tests.faults.site import Site

STOP_SECONDS = 30


def test_sigterm_under_load_loses_nothing_and_ends_with_0_in_time(deployment: Site, ledger: Ledger) -> None:
    deployment.revive()
    process = deployment.server.process
    assert process is not None
    asyncio.run(_stop_under_load(deployment, ledger))
    assert process.poll() == 0
    assert 500 not in ledger.refusals
    assert ledger.kept
    deployment.server.start()
    check(deployment, ledger)


async def _stop_under_load(site: Site, ledger: Ledger) -> None:
    process = site.server.process
    assert process is not None
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(press(site, ledger, lambda: process.poll() is not None, clients=8))
        while ledger.acknowledged < 20:
            assert process.poll() is None, "ended by itself"
            await asyncio.sleep(0.01)
        process.terminate()
        started = time.monotonic()
        while process.poll() is None:
            assert time.monotonic() - started < STOP_SECONDS, "still there"
            await asyncio.sleep(0.05)
