"""Pictures that promise more than anybody should decode, through every door (safety, B1 to B6)."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests import bombs
from tests.conftest import Tenant
from tests.support import quick, wait_for

TOO_LARGE = "The image has too many pixels"
TOO_LONG = "The animation has too many frames"

REFUSED: dict[str, tuple[Callable[[], bytes], str]] = {
    "png of 30000 x 30000 real bits": (lambda: bombs.png(30_000, 30_000, bits=1, colour=0, whole=True), TOO_LARGE),
    "png of 65000 x 30000": (lambda: bombs.png(65_000, 30_000, bits=1, colour=0), TOO_LARGE),
    "png of 100000 x 100000": (lambda: bombs.png(100_000, 100_000), TOO_LARGE),
    "png 2e9 wide": (lambda: bombs.png(2_000_000_000, 1), TOO_LARGE),
    "png 2e9 high": (lambda: bombs.png(1, 2_000_000_000), TOO_LARGE),
    "png of 2^31 - 1 squared": (lambda: bombs.png(2**31 - 1, 2**31 - 1), TOO_LARGE),
    "png of 2^32 - 1 squared": (lambda: bombs.png(2**32 - 1, 2**32 - 1), ""),
    "png of no width": (lambda: bombs.png(0, 10), ""),
    "png of no height": (lambda: bombs.png(10, 0), ""),
    "png of one pixel too many a side": (lambda: bombs.png(30_001, 1), TOO_LARGE),
    "png of a little more than 120 MP": (lambda: bombs.png(12_000, 10_001), TOO_LARGE),
    "webp of 168 MP": (lambda: bombs.webp(16_383, 10_255), TOO_LARGE),
    "webp of 268 MP": (lambda: bombs.webp(16_384, 16_384), TOO_LARGE),
    "webp of a canvas of 2^24 squared": (lambda: bombs.webp_canvas(1 << 24, 1 << 24), TOO_LARGE),
    "webp of 168 MP on a small canvas": (lambda: bombs.webp_canvas(4, 4, bombs.webp(16_383, 10_255)), TOO_LARGE),
    "gif of 65535 x 65535": (lambda: bombs.gif(65_535, 65_535), TOO_LARGE),
    "gif of 20000 frames": (lambda: bombs.gif(1, 1, 20_000), TOO_LONG),
    "gif of 400 large frames": (lambda: bombs.gif(4_000, 4_000, 400), TOO_LONG),
    "jpeg of 65500 x 65500": (lambda: bombs.jpeg(65_500, 65_500), TOO_LARGE),
    "progressive jpeg of 65500 x 65500": (lambda: bombs.jpeg(65_500, 65_500, progressive=True), TOO_LARGE),
    "jpeg of no height": (lambda: bombs.jpeg(10, 0), ""),
}
"""With what the refusal says, where there is one right word."""

SURVIVED: dict[str, Callable[[], bytes]] = {
    "png of 120 MP": lambda: bombs.png(12_000, 10_000, bits=1, colour=0, whole=True),
    "png with a text of 64 MiB": lambda: bombs.png_with(iter([_text(b"zTXt", b"a\0\0")])),
    "png with an international text of 64 MiB": lambda: bombs.png_with(iter([_text(b"iTXt", b"a\0\1\0\0\0")])),
    "png with a profile of 64 MiB": lambda: bombs.png_with(iter([_text(b"iCCP", b"a\0\0")])),
    "png of 30000 chunks": lambda: bombs.png_with(bombs.chunk(b"tEXt", b"a\0b") for _ in range(30_000)),
    "gif of no size": lambda: bombs.gif(0, 0),  # decoders take the frame's
    "jpeg of other sizes than its pixels": lambda: bombs.jpeg(900, 900),
}
"""Taken or refused, whichever; what counts is that nobody is the worse for it."""

DOORS = ("/v3/images", "/api/v1/assets", "/v1/uploads")


def _text(kind: bytes, head: bytes) -> bytes:
    return bombs.chunk(kind, head + bombs.inflating(64))


@pytest.mark.parametrize("name", REFUSED)
def test_a_bomb_is_refused_at_once_by_every_door_and_leaves_nothing(tenant: Tenant, name: str, in_bounds: None) -> None:
    make, message = REFUSED[name]
    data = make()
    for door in DOORS:
        answer = quick(lambda door=door: _post(tenant, door, name, data), 10)  # type: ignore[misc]
        _assert_refused(door, answer, message)
    _assert_nothing_is_left(tenant)


@pytest.mark.parametrize("name", SURVIVED)
def test_a_heavy_picture_is_taken_or_refused_inside_the_limits(tenant: Tenant, name: str, in_bounds: None) -> None:
    data = SURVIVED[name]()
    for door in DOORS:
        answer = _post(tenant, door, name, data)
        if answer.is_success:
            wait_for(lambda: not _pending(tenant), "its jobs to end", 60)
        else:
            _assert_refused(door, answer, "")
    for it in tenant.client.get("/v3/images").json()["result"]:
        assert tenant.client.delete(f"/v3/images/{it['id']}").status_code == 204
    for it in tenant.client.get("/api/v1/assets").json()["data"]["items"]:
        assert tenant.client.delete(f"/api/v1/assets/{it['id']}").status_code == 200
    _assert_nothing_is_left(tenant)


def _post(tenant: Tenant, door: str, name: str, data: bytes) -> httpx.Response:
    kind = name.split()[1] if name.startswith("progressive") else name.split()[0]
    return tenant.client.post(door, files={"file": (f"bomb.{kind}", data, f"image/{kind}")})


def _assert_refused(door: str, answer: httpx.Response, message: str) -> None:
    """In the words of the dialect's document for a file that is none."""
    body: dict[str, Any] = answer.json()
    if door == "/v3/images":
        assert answer.status_code == 400, body
        assert message in body["detail"]
    elif door == "/api/v1/assets":
        assert (answer.status_code, body["error"]["code"]) == (400, "asset_content_type_not_allowed")
    else:
        assert (answer.status_code, body["error"]["code"]) == (422, "VALIDATION_ERROR")


def _pending(tenant: Tenant) -> list[Any]:
    items = tenant.client.get("/api/v1/assets").json()["data"]["items"]
    return [it for it in items if it["status"] not in {"ready", "failed"}]


def _assert_nothing_is_left(tenant: Tenant) -> None:
    assert tenant.client.get("/v3/images").json()["total"] == 0
    assert tenant.client.get("/api/v1/assets").json()["data"]["items"] == []
    wait_for(lambda: not list(tenant.objects()), "the tenant's objects to be gone", 30)
    staging = tenant.server.data_dir / "objects" / ".staging"
    wait_for(lambda: not any(staging.iterdir()), "no temporary file to be left", 30)
