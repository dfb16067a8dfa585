"""`mediatheque demo`: a small library to look around in, drawn and written here, without the network."""

import colorsys
import io
import math
import random
import socket
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mediatheque.surfaces.cli.options import DEFAULT_URL, ApiKey, Folder, Json, Url, connected, say, show

if TYPE_CHECKING:
    from mediatheque.client import Client

WIDTH, HEIGHT = 960, 640
TITLES = ("Sunrise", "Hills", "Harbour", "Night sky", "Meadow", "Dunes", "Lake", "Winter", "Forest", "Evening")
ROOM = "Demo"
LINK, LINK_PLACE, LINK_SECONDS = "https://example.org/", ("example.org", 443), 3.0
DOCUMENTS = {
    "welcome.md": "# Welcome\n\nThis is a small library to look around in. Search it for *harbour*, or for what it "
    "means: *a place for boats*.\n",
    "packing-list.txt": "Tent, sleeping bag, torch, map, raincoat, camera with two batteries, and something to read.\n",
    "temperatures.csv": "month,celsius\n" + "".join(f"{month},{round(10 - 12 * math.cos(math.pi * month / 6), 1)}\n"
                                                   for month in range(1, 13)),
    "recipe.html": "<!doctype html><title>Onion soup</title><h1>Onion soup</h1><p>Slice five onions, brown them "
    "slowly in butter, add a litre of stock, and let it simmer for half an hour.</p>\n",
}  # fmt: skip


def demo(
    folder: Folder = "demo",
    pictures: Annotated[int, typer.Option(min=1, help="How many pictures.")] = len(TITLES),
    as_json: Json = False,
    url: Url = DEFAULT_URL,
    api_key: ApiKey = "",
) -> None:
    """Put a few pictures, documents, a link and an artifact into the library; a second run adds nothing."""
    with connected(url, api_key) as client:
        made = _fill(client, client.folders.with_path(folder, make=True).id, pictures)
    if as_json:
        show(made)
        return
    say(f"{len(made['files'])} files in the folder {folder!r}, of which {made['new']} are new")
    say(f"link: {made['link'] or 'left out, since the network cannot be reached'}")
    say(f"artifact {made['artifact']} in room {made['room']}")


def _fill(client: "Client", folder_id: str, pictures: int) -> dict[str, Any]:
    sent = [
        client.files.upload(content, name=name, tags=["demo"], folder_id=folder_id, skip_duplicates=True)
        for name, content in _contents(pictures)
    ]
    room_id, artifact_id = _artifact(client, sent[0].id)
    return {
        "files": [it.id for it in sent],
        "new": sum(it.is_new for it in sent),
        "link": _link(client, folder_id),
        "room": room_id,
        "artifact": artifact_id,
    }


def _contents(pictures: int) -> Iterator[tuple[str, bytes]]:
    for seed in range(pictures):
        title = TITLES[seed % len(TITLES)] + (f" {seed // len(TITLES) + 1}" if seed >= len(TITLES) else "")
        yield f"{title.lower().replace(' ', '-')}.jpg", _landscape(title, seed)
    for name, text in DOCUMENTS.items():
        yield name, text.encode()


def _artifact(client: "Client", picture_id: str) -> tuple[str, str]:
    """The room's and the artifact's ids; those of an earlier run, if they are still there."""
    room = next((it for it in client.rooms.list() if it.name == ROOM and it.state == "open"), None)
    room = room or client.rooms.create(ROOM)
    known = next(iter(client.artifacts.list(room.id)), None)
    if known is not None:
        return room.id, known.id
    made = client.artifacts.create(room.id, "Travel plan", f"# Travel plan\n\n![Sunrise](asset:{picture_id})\n")
    client.artifacts.edit(room.id, made.id, [("plan\n\n!", "plan\n\nWe start early.\n\n!")])
    return room.id, made.id


def _link(client: "Client", folder_id: str) -> str | None:
    known = next(client.files.list(media_types=["link"], folder_id=folder_id), None)
    if known is not None:
        return known.id
    try:
        socket.create_connection(LINK_PLACE, timeout=LINK_SECONDS).close()
    except OSError:
        return None
    return client.links.add(LINK, tags=["demo"], folder_id=folder_id).id


def _landscape(title: str, seed: int) -> bytes:
    """A JPEG of hills under a sky, with its title on it."""
    from PIL import Image, ImageDraw

    dice = random.Random(seed)  # noqa: S311  (it draws hills)
    hue = seed / len(TITLES)
    image = Image.linear_gradient("L").resize((WIDTH, HEIGHT))
    sky = Image.merge("RGB", [image.point(lambda it, part=part: int(part * (120 + it // 2))) for part in _colour(hue)])
    draw = ImageDraw.Draw(sky)
    x, y = dice.randrange(100, WIDTH - 100), dice.randrange(60, 220)
    draw.ellipse((x, y, x + 90, y + 90), fill=_rgb(hue + 0.5, 1.0))
    for layer in range(4):
        draw.polygon(_hills(dice, layer), fill=_rgb(hue + 0.1 * layer, 0.75 - 0.15 * layer))
    draw.text((40, HEIGHT - 80), title, fill="white", font_size=48)
    file = io.BytesIO()
    sky.save(file, "JPEG", quality=88)
    return file.getvalue()


def _hills(dice: random.Random, layer: int) -> list[tuple[float, float]]:
    base, wave, shift = HEIGHT * (0.5 + 0.12 * layer), dice.uniform(0.004, 0.012), dice.uniform(0, 6)
    line = [(x, base + 50 * math.sin(x * wave + shift)) for x in range(0, WIDTH + 16, 16)]
    return [(0.0, float(HEIGHT)), *line, (float(WIDTH), float(HEIGHT))]


def _colour(hue: float) -> tuple[float, float, float]:
    return colorsys.hsv_to_rgb(hue % 1, 0.35, 1.0)


def _rgb(hue: float, value: float) -> tuple[int, int, int]:
    red, green, blue = (int(255 * part) for part in colorsys.hsv_to_rgb(hue % 1, 0.5, value))
    return red, green, blue
