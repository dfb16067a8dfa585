"""`python -m evaluation.looks`: photos and changes of them sent to a started server, and which it takes for alike.

Writes its part of docs/understanding.md, between the marks `looks`.
"""

import io
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx
from PIL import Image, ImageEnhance, ImageOps
from tests.corpus import FOLDER as CORPUS
from tests.support import Server, wait_for
from tests.surfaces.files.doors import streamed
from tests.understanding.conftest import is_done

from evaluation.labels import PHOTOS
from evaluation.meaning import FILES
from evaluation.report import write

SIDE = 900
PAPER = (240, 240, 240)


@dataclass(frozen=True)
class Asked:
    """A picture of a group, and the others in the order in which they were found; `near`: by the hash alone."""

    group: str
    change: str
    found: Sequence[str]
    near: Sequence[str]


def main() -> None:
    folder = Path(tempfile.mkdtemp(prefix="mediatheque-evaluation-"))
    server = Server(folder / "data", {"MEDIATHEQUE_MODELS": "on", "MEDIATHEQUE_RATE_LIMIT": "0"}).start()
    try:
        with server.client() as client:
            groups = _sent(client)
            asked = list(_asked(client, groups))
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
    write("looks", "\n".join(_table(asked)))


def changes(photo: Image.Image) -> Iterator[tuple[str, Image.Image]]:
    """A photo as it comes back: as it is, smaller, cut, turned, in other colours, framed."""
    width, height = photo.size
    yield "as it is", photo
    yield "half the size", photo.resize((width // 2, height // 2))
    yield "a part (56 %)", photo.crop((width // 4, height // 10, width, height * 17 // 20))
    yield "mirrored", ImageOps.mirror(photo)
    yield "grey, more contrast", ImageEnhance.Contrast(ImageOps.grayscale(photo).convert("RGB")).enhance(1.4)
    yield "turned by 10 degrees", photo.rotate(10, Image.Resampling.BICUBIC, fillcolor=(255, 255, 255))
    framed = Image.new("RGB", (width * 3 // 2, height * 3 // 2), PAPER)
    framed.paste(photo, (width // 4, height // 4))
    yield "framed", framed


def _sent(client: httpx.Client) -> dict[str, tuple[str, str]]:
    """(group, change) by id."""
    ids: dict[str, tuple[str, str]] = {}
    for name in PHOTOS:
        if (CORPUS / name).exists():
            photo = ImageOps.exif_transpose(Image.open(CORPUS / name)).convert("RGB")
            photo.thumbnail((SIDE, SIDE))
            for change, image in changes(photo):
                file = io.BytesIO()
                image.save(file, "JPEG", quality=85)
                ids[streamed(client, file.getvalue(), f"{len(ids)}.jpg")["image_id"]] = name, change
    wait_for(lambda: all(is_done(client, it) for it in ids), "the vectors", 600)
    return ids


def _asked(client: httpx.Client, groups: dict[str, tuple[str, str]]) -> Iterator[Asked]:
    for file_id, (group, change) in groups.items():
        found = _alike(client, file_id)
        near = [groups[it["id"]][0] for it in found if it["distance"] is not None]
        yield Asked(group, change, [groups[it["id"]][0] for it in found], near)


def _alike(client: httpx.Client, file_id: str) -> list[dict[str, str]]:
    return list(client.get(f"{FILES}/{file_id}/look-alikes").json()["files"])


def _first(asked: Sequence[Asked], by_hash: bool) -> float:
    found = [(it.near if by_hash else it.found)[:1] for it in asked]
    return sum(list(one) == [it.group] for one, it in zip(found, asked, strict=True)) / len(asked)


def _false(asked: Sequence[Asked], by_hash: bool) -> str:
    found = [(it.group, group) for it in asked for group in (it.near if by_hash else it.found)]
    return f"{sum(1 for own, group in found if own != group)} of {len(found)}"


def _table(asked: Sequence[Asked]) -> list[str]:
    count = len({it.group for it in asked})
    others = len({it.change for it in asked}) - 1
    lines = [
        f"| {count} photos and {others} changes of each | perceptual hash alone | with what a model sees |",
        "|---|---|---|",
        f"| precision@{others}: of the first {others}, those of the same photo | "
        f"{_of(asked, asked, True):.2f} | {_of(asked, asked, False):.2f} |",
        f"| the first is of the same photo | {_first(asked, True):.2f} | {_first(asked, False):.2f} |",
        f"| strangers among all that are shown | {_false(asked, True)} | {_false(asked, False)} |",
    ]
    for change in dict.fromkeys(it.change for it in asked):
        some = [it for it in asked if it.change == change]
        precisions = [_of(asked, some, by_hash) for by_hash in (True, False)]
        lines.append(f"| precision@{others}, asked with: {change} | {precisions[0]:.2f} | {precisions[1]:.2f} |")
    return lines


def _of(asked: Sequence[Asked], some: Sequence[Asked], by_hash: bool) -> float:
    """Of as many as there are others in a group, how many of the first found belong to it, on average."""
    others = len({it.change for it in asked}) - 1
    found = [(it.near if by_hash else it.found)[:others] for it in some]
    return sum(group == it.group for one, it in zip(found, some, strict=True) for group in one) / (others * len(some))


if __name__ == "__main__":
    main()
