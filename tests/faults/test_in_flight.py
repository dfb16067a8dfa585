"""Five hundred uploads under way at the same moment: what was acknowledged is there, and nothing else (R1, R3)."""

import asyncio
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from sqlalchemy import func, select

from mediatheque.records.tables import asset, blob
from tests.conftest import DATABASES
from tests.faults.invariants import check, settle
from tests.faults.ledger import Ledger, keep, photo
from tests.faults.site import Site
from tests.support import ADMIN_KEY, process_tree_bytes, wait_for

IN_FLIGHT = 500
NEVER_FINISHED = 200
ACKNOWLEDGED_BEFORE_THE_KILL = 40
BODY_BYTES = 256 << 10
GROWTH_BYTES = 400 << 20
"""Half of every body, twice, and what the tree takes for its connections."""
SETTLE_SECONDS = 240
HEAD = b'--b\r\nContent-Disposition: form-data; name="file"; filename="photo.png"\r\n\r\n'
TAIL = b"\r\n--b--\r\n"


@dataclass
class InFlight:
    """A connection on which the first half of an upload has been sent."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    data: bytes
    is_finished: bool = False

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()

    async def finish(self, ledger: Ledger) -> None:
        """Send the rest; note the answer, if there is one."""
        self.is_finished = True
        try:
            self.writer.write(self.data[BODY_BYTES // 2 :] + TAIL)
            await self.writer.drain()
            answer = await self.reader.read()
        except OSError:
            return
        head, _, body = answer.partition(b"\r\n\r\n")
        if not head:
            return
        status = int(head.split()[1])
        if status == 201:
            ledger.kept[json.loads(body)["url"]] = self.sha256
        else:
            ledger.refusals.append(status)


@pytest.fixture(params=DATABASES)
def own(request: pytest.FixtureRequest, make_site: Callable[..., Site]) -> Site:
    site = make_site(request.getfixturevalue("postgres").create() if request.param == "postgresql" else "")
    site.server.start()
    return site


def test_of_500_uploads_in_flight_a_kill_loses_none_that_was_acknowledged(own: Site, ledger: Ledger) -> None:
    uploads = asyncio.run(_killed(own, ledger))
    assert len(ledger.kept) >= ACKNOWLEDGED_BEFORE_THE_KILL
    assert 500 not in ledger.refusals
    own.revive()
    settle(own, seconds=SETTLE_SECONDS)
    check(own, ledger)
    there = _recorded(own)
    assert set(ledger.kept.values()) <= there
    assert there <= {it.sha256 for it in uploads if it.is_finished}  # of some the answer was lost, not the upload


def test_500_uploads_at_the_same_moment_are_all_taken_or_refused(own: Site, ledger: Ledger) -> None:
    with own.server.client() as http:
        keep(ledger, http, photo())
    settle(own)  # the decoder children are there from now on, and are none of what the uploads take
    asyncio.run(_completed(own, ledger))
    assert len(ledger.kept) + len(ledger.refusals) == IN_FLIGHT + 1
    assert set(ledger.refusals) <= {503}
    assert len(ledger.kept) > IN_FLIGHT // 2
    settle(own, seconds=SETTLE_SECONDS)
    check(own, ledger)
    assert _recorded(own) == set(ledger.kept.values())


async def _killed(site: Site, ledger: Ledger) -> list[InFlight]:
    uploads = await _in_flight(site)
    async with asyncio.TaskGroup() as tasks:
        for it in uploads[NEVER_FINISHED:]:
            tasks.create_task(it.finish(ledger))
        while len(ledger.kept) < ACKNOWLEDGED_BEFORE_THE_KILL:
            await asyncio.sleep(0.005)
        for process in site.tree():
            process.kill()
    for it in uploads:
        it.writer.close()
    assert site.server.process is not None
    await asyncio.to_thread(site.server.process.wait)
    return uploads


async def _completed(site: Site, ledger: Ledger) -> None:
    idle = process_tree_bytes(site.server)
    uploads = await _in_flight(site)
    most = process_tree_bytes(site.server)
    finishing = asyncio.gather(*(it.finish(ledger) for it in uploads))
    while not finishing.done():
        most = max(most, process_tree_bytes(site.server))
        await asyncio.sleep(0.1)
    await finishing
    assert most - idle < GROWTH_BYTES, f"{(most - idle) >> 20} MiB more than idle"


async def _in_flight(site: Site) -> list[InFlight]:
    uploads = [await _begun(site, number) for number in range(IN_FLIGHT)]
    await asyncio.to_thread(
        wait_for, lambda: len(list(site.staging.iterdir())) == IN_FLIGHT, "all uploads to be under way", 60
    )
    return uploads


async def _begun(site: Site, number: int) -> InFlight:
    picture = photo("PNG")
    data = picture + number.to_bytes(4) + bytes(BODY_BYTES - len(picture) - 4)
    reader, writer = await asyncio.open_connection("127.0.0.1", site.server.port)
    writer.write(
        f"POST /v3/images HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {ADMIN_KEY}\r\nConnection: close\r\n"
        f"Content-Type: multipart/form-data; boundary=b\r\n"
        f"Content-Length: {len(HEAD) + len(data) + len(TAIL)}\r\n\r\n".encode()
        + HEAD
        + data[: BODY_BYTES // 2]
    )
    await writer.drain()
    return InFlight(reader, writer, data)


def _recorded(site: Site) -> set[str]:
    with site.parts.database.read() as tx:
        living = select(blob.c.sha256).join(asset, asset.c.blob_id == blob.c.id)
        found = list(tx.execute(living).scalars())
        assert tx.execute(select(func.count()).select_from(asset)).scalar_one() == len(found) == len(set(found))
    return set(found)
