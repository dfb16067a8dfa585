"""Hot public bytes: `/i/{id}` beside nginx with the same bytes as files."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tests.support import wait_for

from benchmarks import wrk
from benchmarks.client import Client, form
from benchmarks.machine import NGINX, WRK
from benchmarks.photos import original, photos
from benchmarks.report import Figure, at_least, interleaved
from benchmarks.server import ADMIN_KEY, serving

ORIGINAL_BYTES = 60_000


@dataclass(frozen=True)
class Object:
    """The same bytes at our address and as a file of nginx."""

    name: str
    path: str
    file: str
    etag: str


def measure(folder: Path, *, quick: bool) -> Iterable[Figure]:
    if WRK is None or NGINX is None:
        missing = "wrk" if WRK is None else "nginx"
        raise LookupError(f"{missing} is not installed")
    for processes in (1, 2):
        yield from _hot(folder / f"proxy-{processes}", processes, rounds=3 if quick else 7, seconds=2 if quick else 4)


def _hot(folder: Path, processes: int, rounds: int, seconds: int) -> Iterable[Figure]:
    with serving(folder / "data", "--processes", str(processes)) as server, wrk.nginx(folder / "nginx") as nginx:
        for it in _objects(server.port, folder):
            for status, goal in ((200, 0.4), (304, 0.3)):
                rates = interleaved(
                    rounds,
                    limit=partial(_rate, f"{nginx}/{it.file}", status, seconds),
                    ours=partial(_rate, f"{server.url}{it.path}", status, seconds),
                )
                yield Figure(
                    f"Hot {it.name}, {status}", rates["ours"], "req/s", rates["limit"], "nginx, 2 workers",
                    at_least(goal, of="ratio") if processes == 2 else None, f"{processes} API process(es)",
                )  # fmt: skip


def _rate(url: str, status: int, seconds: int) -> float:
    port, _, path = url.removeprefix("http://127.0.0.1:").partition("/")
    client = Client(int(port), "")
    headers: list[str] = []
    if status == 304:
        _, found, _ = client.get(f"/{path}")
        headers.append(f"If-None-Match: {found['etag']}")
        answered, _, body = client.get(f"/{path}", **{"If-None-Match": found["etag"]})
        assert (answered, body) == (304, b"")
    client.close()
    return wrk.rate(url, seconds, headers=headers)


def _objects(port: int, folder: Path) -> list[Object]:
    client = Client(port, ADMIN_KEY)
    photo = client.upload(form(photos(folder.parent / "photos", 1)[0]))
    small = client.upload(form(original(folder.parent / "photos", ORIGINAL_BYTES)))
    thumbnail = f"/i/{photo}?variant=thumbnail"
    wait_for(lambda: "immutable" in client.get(thumbnail)[1]["cache-control"], "the thumbnail")
    objects = []
    for name, path in (("thumbnail", thumbnail), ("original", f"/i/{small}")):
        _, headers, body = client.get(path)
        file = f"{name}.jpg"
        (folder / "nginx" / "files" / file).write_bytes(body)
        objects.append(Object(f"{name} of {len(body) / 1000:.0f} KB", path, file, headers["etag"]))
    client.close()
    return objects
