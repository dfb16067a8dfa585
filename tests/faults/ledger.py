"""A client that keeps its own list of what it was told, and the load it makes."""

import asyncio
import hashlib
import io
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count

import httpx

from mediatheque.surfaces.images.shapes import to_uuid
from tests.faults.site import Site
from tests.pictures import picture
from tests.support import ADMIN_KEY

STRIKE_SECONDS = 60
WARM_UPLOADS = 6

_seeds = count(1)


@dataclass
class Ledger:
    """Hashes of the acknowledged uploads by the URL of their bytes, and what became of some of them.

    `erased` are acknowledged deletions. Of a deletion that got no answer nobody knows whether it counts: `doubtful`.
    `broken` are images that only the worker can tell from whole ones.
    """

    kept: dict[str, str] = field(default_factory=dict)
    erased: set[str] = field(default_factory=set)
    doubtful: dict[str, str] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)
    refusals: list[int] = field(default_factory=list)

    @property
    def acknowledged(self) -> int:
        return len(self.kept) + len(self.erased) + len(self.doubtful) + len(self.broken)


def photo(kind: str = "JPEG", width: int = 64, height: int = 48, **options: object) -> bytes:
    """A small picture that no other test has."""
    return picture(kind, width, height, seed=next(_seeds), **options)


def damaged_png(width: int = 1100, height: int = 1000) -> bytes:
    """A PNG whose structure is whole, too large to be decoded before it is accepted, and whose pixels are not there."""
    pixels = bytearray(zlib.compress((b"\0" + bytes(width)) * height))
    pixels[len(pixels) // 2] ^= 0xFF
    file = io.BytesIO(b"\x89PNG\r\n\x1a\n")
    file.seek(0, io.SEEK_END)
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    for kind, data in ((b"IHDR", header), (b"IDAT", bytes(pixels)), (b"IEND", b"")):
        file.write(struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)))
    return file.getvalue()


def client(site: Site) -> httpx.AsyncClient:
    headers = {"Authorization": f"Bearer {ADMIN_KEY}"}
    return httpx.AsyncClient(base_url=site.server.url, headers=headers, timeout=30, trust_env=False)


async def upload(http: httpx.AsyncClient, ledger: Ledger, *, door: str = "/v3/images", data: bytes = b"") -> str | None:
    """Upload a picture and note the answer; the URL of its bytes when it was acknowledged."""
    sent = data or photo()
    try:
        answer = await http.post(door, files={"file": ("photo.jpg", sent)})
    except httpx.TransportError:
        return None
    if not answer.is_success:
        ledger.refusals.append(answer.status_code)
        return None
    body = answer.json()
    url = str(body["url"] if door == "/v3/images" else body["image_url"])
    ledger.kept[url] = hashlib.sha256(sent).hexdigest()
    return url


async def upload_damaged(http: httpx.AsyncClient, ledger: Ledger) -> None:
    url = await upload(http, ledger, data=damaged_png())
    if url is not None:
        del ledger.kept[url]
        ledger.broken.add(url)


async def erase(http: httpx.AsyncClient, ledger: Ledger, url: str) -> None:
    """Delete an acknowledged image and note what is known of it then."""
    sha256 = ledger.kept.pop(url)
    try:
        answer = await http.delete(f"/v3/images/{url.rpartition('/')[2]}")
    except httpx.TransportError:
        ledger.doubtful[url] = sha256
        return
    if answer.status_code == 204:
        ledger.erased.add(url)
    else:
        ledger.refusals.append(answer.status_code)
        (ledger.doubtful if answer.status_code >= 500 else ledger.kept)[url] = sha256


async def discard(http: httpx.AsyncClient, ledger: Ledger, url: str) -> bool:
    """Put an acknowledged image into the trash; whether that was acknowledged."""
    sha256 = ledger.kept.pop(url)
    try:
        answer = await http.delete(f"/api/v2/user-files/{to_uuid(url.rpartition('/')[2])}")
    except httpx.TransportError:
        ledger.doubtful[url] = sha256
        return False
    if answer.status_code == 200:
        ledger.erased.add(url)
        return True
    ledger.refusals.append(answer.status_code)
    (ledger.doubtful if answer.status_code >= 500 else ledger.kept)[url] = sha256
    return False


async def discard_and_restore(http: httpx.AsyncClient, ledger: Ledger, url: str) -> None:
    """Put an acknowledged image into the trash and take it out again."""
    sha256 = ledger.kept[url]
    if not await discard(http, ledger, url):
        return
    ledger.erased.remove(url)
    try:
        answer = await http.post(f"/api/v2/user-files/{to_uuid(url.rpartition('/')[2])}/restore")
    except httpx.TransportError:
        ledger.doubtful[url] = sha256
        return
    (ledger.kept if answer.status_code == 200 else ledger.doubtful)[url] = sha256


async def press(site: Site, ledger: Ledger, until: Callable[[], bool], *, clients: int = 6) -> None:
    """Upload and delete with several clients at once until the condition holds; a server that is away is waited for."""
    async with client(site) as http:
        await asyncio.gather(*(_press(http, ledger, until, number) for number in range(clients)))


async def press_until_struck(site: Site, ledger: Ledger, place: str, action: str) -> None:
    """Press; when some uploads are acknowledged arm the fault; end when it has struck. Fails when it never does."""
    site.disarm()
    async with asyncio.timeout(STRIKE_SECONDS), asyncio.TaskGroup() as tasks:
        tasks.create_task(press(site, ledger, lambda: site.is_struck(place)))
        while ledger.acknowledged < WARM_UPLOADS:
            await asyncio.sleep(0.01)
        site.arm(place, action)


async def _press(http: httpx.AsyncClient, ledger: Ledger, until: Callable[[], bool], number: int) -> None:
    while not until():
        url = await upload(http, ledger, door="/v1/uploads" if number == 0 else "/v3/images")
        if url is None:
            await asyncio.sleep(0.05)
        elif number == 1:
            await erase(http, ledger, url)
        elif number == 2:
            await upload_damaged(http, ledger)
        elif number == 3:
            await discard(http, ledger, url)
        elif number == 4:
            await discard_and_restore(http, ledger, url)


def keep(ledger: Ledger, http: httpx.Client, data: bytes, door: str = "/v3/images") -> str:
    """Upload, and note it; fails when it is refused. The URL of the bytes."""
    answer = http.post(door, files={"file": ("photo.jpg", data)})
    assert answer.is_success, answer.text
    body = answer.json()
    url = str(body["url"] if door == "/v3/images" else body["image_url"])
    ledger.kept[url] = hashlib.sha256(data).hexdigest()
    return url
