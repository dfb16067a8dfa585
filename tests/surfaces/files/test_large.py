"""Much at once: a large video over a bad line, and many photos with hostile files among them; memory stays flat.

`MEDIATHEQUE_TEST_VIDEO_MB` and `MEDIATHEQUE_TEST_PHOTOS` say how much; they may be 5120 and 1000.
"""

import hashlib
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests import bombs
from tests.conftest import DATABASES
from tests.pictures import picture
from tests.support import ADMIN_KEY, Server, process_tree_bytes, wait_for
from tests.surfaces.files.chunks import CLIP
from tests.surfaces.files.conftest import FILES
from tests.surfaces.files.test_batches import BATCH
from tests.surfaces.files.test_tus import BODY, created, head, metadata

VIDEO_BYTES = int(os.environ.get("MEDIATHEQUE_TEST_VIDEO_MB", "64")) << 20
PHOTOS = int(os.environ.get("MEDIATHEQUE_TEST_PHOTOS", "100"))
CUTS = 10
AT_ONCE = 50
PIECE = bytes(1 << 20)
VIDEO_GROWTH_BYTES = 160 << 20
PHOTO_GROWTH_BYTES = 512 << 20
HOSTILE = {
    "garbage.png": b"\x89PNG\r\n\x1a\nno picture",
    "empty.jpg": b"",
    "page.jpg": b"<script>alert(1)</script>",
    "bomb.png": bombs.png(50_000, 50_000),
    "lie.jpg": bombs.jpeg(60_000, 60_000),
    "wide.webp": bombs.webp_canvas(16_000, 16_000),
    "frames.gif": bombs.gif(4_000, 4_000, frames=1000),
    "cut.png": picture("PNG", 400, 300)[:-40],
    "program.png": b"\x7fELF" + bytes(1000),
    "archive.jpg": b"PK\x03\x04" + bytes(1000),
}
"""Ten files, none of which is a picture that we take."""


@pytest.fixture(params=DATABASES)
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    environment = {"MEDIATHEQUE_WORKERS": "2"}
    if request.param == "postgresql":
        environment["MEDIATHEQUE_DATABASE_URL"] = request.getfixturevalue("postgres").create()
    running = Server(tmp_path / "data", environment).start()
    yield running
    running.kill()


@contextmanager
def watched(server: Server) -> Iterator[list[int]]:
    """Resident bytes of all processes: before, and then all the while."""
    held, ended = [process_tree_bytes(server)], threading.Event()

    def watch() -> None:
        while not ended.wait(0.2):
            held.append(process_tree_bytes(server))

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        yield held
    finally:
        ended.set()
        watching.join()


def video_head(size_bytes: int) -> bytes:
    """A short video, and the head of a box of 64 bits' length that players skip: zeros follow."""
    return CLIP + b"\0\0\0\1free" + (size_bytes - len(CLIP)).to_bytes(8, "big")


def pieces(size_bytes: int, start: int, end: int) -> Iterator[bytes]:
    """The bytes from `start` to `end` of a video of that size."""
    begin = video_head(size_bytes)
    if start < len(begin):
        yield begin[start:end]
        start = len(begin)
    while start < end:
        yield PIECE[: end - start]
        start += len(PIECE)


def sent_until_cut(server: Server, url: str, start: int, end: int) -> bytes:
    """A request that promises the whole rest, broken off at `end`; the head of the answer if there is one."""
    request = (
        f"PATCH {urlsplit(url).path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {ADMIN_KEY}\r\n"
        f"Tus-Resumable: 1.0.0\r\nUpload-Offset: {start}\r\nContent-Type: {BODY}\r\n"
        f"Content-Length: {VIDEO_BYTES - start}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", server.port), timeout=900) as connection:
        connection.sendall(request.encode())
        for piece in pieces(VIDEO_BYTES, start, end):
            connection.sendall(piece)
        return connection.recv(65536) if end == VIDEO_BYTES else b""


def offset_at_rest(client: Any, url: str, above: int) -> int:
    """Where the upload stands when what came before the cut has been kept."""
    seen = [-1]

    def rests() -> bool:
        seen.append(int(head(client, url).headers["upload-offset"]))
        time.sleep(0.3)
        return seen[-1] == seen[-2] > above

    wait_for(rests, "the bytes to be kept", 60)
    return seen[-1]


@pytest.mark.slow
def test_a_large_video_comes_over_a_line_that_is_cut_ten_times(site: Server) -> None:
    digest = hashlib.sha256()
    for piece in pieces(VIDEO_BYTES, 0, VIDEO_BYTES):
        digest.update(piece)
    with site.client() as client, watched(site) as held:
        client.timeout = 300
        started = time.monotonic()
        url = created(client, VIDEO_BYTES, Upload_Metadata=metadata(filename="long.mp4"))
        at = 0
        for cut in range(1, CUTS + 1):
            sent_until_cut(site, url, at, VIDEO_BYTES * cut // (CUTS + 1))
            at = offset_at_rest(client, url, at)
        answer = sent_until_cut(site, url, at, VIDEO_BYTES)
        took = time.monotonic() - started
        assert answer.startswith(b"HTTP/1.1 204"), answer
        file = client.get(f"{FILES}/{head(client, url).headers['upload-asset']}").json()
    assert (file["hash"], file["size_bytes"]) == (f"sha256:{digest.hexdigest()}", VIDEO_BYTES)
    assert file["video_metadata"]["duration_seconds"] == 1.0
    growth = max(held) - held[0]
    print(f"{VIDEO_BYTES >> 20} MiB in {took:.1f} s, {held[0] >> 20} MiB before, at most {growth >> 20} MiB more")
    assert growth < VIDEO_GROWTH_BYTES


def commented(photo: bytes, number: int) -> bytes:
    """The same picture, as a file of its own."""
    return photo[:2] + b"\xff\xfe\0\x0a" + b"%08d" % number + photo[2:]


@pytest.mark.slow
def test_many_photos_with_hostile_files_among_them(site: Server) -> None:
    few = [picture("JPEG", 1600, 1200, seed=seed) for seed in range(20)]
    photos = [(f"{number}.jpg", commented(few[number % len(few)], number)) for number in range(PHOTOS)]
    step = max(1, len(photos) // len(HOSTILE))
    for number, bad in enumerate(HOSTILE.items()):
        photos.insert(number * (step + 1), bad)
    with site.client() as client, watched(site) as held:
        client.timeout = 300
        started = time.monotonic()
        batches = [photos[at : at + AT_ONCE] for at in range(0, len(photos), AT_ONCE)]
        sessions = [client.post(BATCH, files=[("files", it) for it in batch]).json() for batch in batches]
        states: list[dict[str, Any]] = []

        def all_ended() -> bool:
            states[:] = [client.get(it["status_url"]).json() for it in sessions]
            return all(it["completed_at"] for it in states)

        wait_for(all_ended, "the sessions to end", 60 + PHOTOS * 2)
        took = time.monotonic() - started
        named = {it["filename"] for made in sessions for it in made["rejections"] or ()}
        assert named == set(HOSTILE)
        assert sum(it["failed_files"] for it in states) == len(HOSTILE)
        assert sum(it["completed_files"] for it in states) == PHOTOS
        assert client.get(FILES).json()["total_count"] == PHOTOS
        assert client.get(FILES).json()["files"][0]["variant_status"] == "completed"
    growth = max(held) - held[0]
    print(f"{PHOTOS} photos in {took:.1f} s, {held[0] >> 20} MiB before, at most {growth >> 20} MiB more")
    assert growth < PHOTO_GROWTH_BYTES
