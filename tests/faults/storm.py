"""Kills without end under load: at every named place in turn, and at random moments of any process."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import psutil

from mediatheque.core.fsck import Report
from tests.faults.invariants import check
from tests.faults.ledger import Ledger, client, discard, discard_and_restore, erase, upload, upload_damaged
from tests.faults.site import Site

CLIENTS = 16
STRIKE_SECONDS = 60.0
LULL_SECONDS = 0.3


@dataclass
class Figures:
    """What a storm came to. `mended` counts what the first `fsck --repair` after each lull had to put right."""

    kills: Counter[str] = field(default_factory=Counter)
    acknowledged: int = 0
    refused: int = 0
    mended: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0

    def note(self, report: Report) -> None:
        self.mended.update({name: len(it) for name, it in report.as_json().items() if isinstance(it, list)})

    def __str__(self) -> str:
        return (
            f"{self.kills.total()} kills ({', '.join(f'{count} {how}' for how, count in sorted(self.kills.items()))}), "
            f"{self.acknowledged} uploads acknowledged, 0 lost, 0 torn, 0 erased ones back, 0 runs without an end, "
            f"{self.refused} refused; to mend between: {dict(self.mended)}; nothing left after repair; "
            f"{self.seconds:.0f} s"
        )


def storm(
    site: Site,
    kills: int,
    *,
    uploads: int,
    per_check: int = 50,
    seed: int = 0,
    tell: Callable[[Figures], object] = lambda _: None,
) -> Figures:
    """Kill that many times while clients upload and delete, at least `uploads` times in all; check now and then.

    `tell` hears of the figures after each check. Fails at the first invariant that does not hold.
    """
    chance, figures, started, ledger = random.Random(seed), Figures(), time.monotonic(), Ledger()
    while figures.kills.total() < kills:
        batch = min(per_check, kills - figures.kills.total())
        asyncio.run(_batch(site, ledger, figures, batch, uploads * batch // kills, chance))
        mended = check(site, ledger)
        assert not mended.missing_objects, f"rows without their objects: {mended.missing_objects}"
        figures.note(mended)
        figures.acknowledged, figures.refused = ledger.acknowledged, len(ledger.refusals)
        figures.seconds = time.monotonic() - started
        tell(figures)
    return figures


async def _batch(site: Site, ledger: Ledger, figures: Figures, kills: int, uploads: int, chance: random.Random) -> None:
    goal = ledger.acknowledged + uploads
    async with _load(site, ledger, chance):
        for _ in range(kills):
            await _kill(site, figures, chance)
            await asyncio.to_thread(site.revive)
            await asyncio.sleep(chance.uniform(0, LULL_SECONDS))
        while ledger.acknowledged < goal:
            await asyncio.sleep(0.05)


async def _kill(site: Site, figures: Figures, chance: random.Random) -> None:
    number = figures.kills.total()
    if number % 2 == 0:
        place = site.places[number // 2 % len(site.places)]
        site.arm(place, chance.choice(("kill", "killall")))
        deadline = time.monotonic() + STRIKE_SECONDS
        while not site.is_struck(place):
            assert time.monotonic() < deadline, f"nobody passed {place}"
            await asyncio.sleep(0.01)
        await asyncio.to_thread(site.await_end, place)
        figures.kills["at places"] += 1
        return
    supervisor, *children = site.tree()
    if chance.random() < 0.3:
        victims, how = [supervisor, *children], "of all at once"
    else:
        victim = chance.choice(children)
        victims, how = [victim], "of one process"
    for victim in victims:
        try:
            victim.kill()
        except psutil.NoSuchProcess:
            continue
    if len(victims) > 1:
        assert site.server.process is not None
        await asyncio.to_thread(site.server.process.wait)
    figures.kills[how] += 1


@asynccontextmanager
async def _load(site: Site, ledger: Ledger, chance: random.Random) -> AsyncIterator[None]:
    async with client(site) as http, asyncio.TaskGroup() as tasks:
        calm = asyncio.Event()

        async def work(number: int) -> None:
            while not calm.is_set():
                if number == 0:
                    await upload_damaged(http, ledger)
                else:
                    url = await upload(http, ledger, door="/v1/uploads" if number == 1 else "/v3/images")
                    if url is not None and number == 2:
                        await erase(http, ledger, url)
                    elif url is not None and number == 3:
                        await discard(http, ledger, url)
                    elif url is not None and number == 4:
                        await discard_and_restore(http, ledger, url)
                await asyncio.sleep(chance.uniform(0, 0.05))

        for number in range(CLIENTS):
            tasks.create_task(work(number))
        yield
        calm.set()
