"""The shared corpus through `POST /v3/images`: what its README says of each file, whoever looks (safety, A, B, G7)."""

import io
import zlib
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

from tests.conftest import Tenant
from tests.corpus import FOLDER, Case, cases
from tests.pictures import picture
from tests.skills.test_variants import (
    COLOUR_MANAGED,
    METADATA,
    PATTERN_TOLERANCE,
    expected_quadrants,
    on_white,
    quadrants,
)
from tests.support import arguments, process_tree, until_ready, upload, wait_for

TAKEN = {"jpeg", "png", "gif", "webp"}
VARIANTS = ("thumbnail", "large_1024", "medium_750", "small_256", "tiny_64")


def of_taken_type(case: Case) -> bool:
    return case.facts.get("format") in TAKEN


GOOD = [case for case in cases("image", "accept") if of_taken_type(case)]
OTHERS = [case for case in cases("image", "accept") if not of_taken_type(case)]
ODD = [*cases("image", "reject", "survive"), *OTHERS]
FOREIGN = [
    Case(str(path.relative_to(FOLDER)), path, "reject")
    for path in sorted([*FOLDER.glob("hostile/*"), *FOLDER.glob("documents/*/*"), *FOLDER.glob("video/*")])
    if path.is_file() and path.suffix not in {".json", ".png", ".jpg", ".gif"} and path.stat().st_size < 10 << 20
]


def post(tenant: Tenant, case: Case) -> httpx.Response:
    return tenant.client.post("/v3/images", files={"file": (case.path.name, case.path.read_bytes())})


@pytest.mark.parametrize("server", ["sqlite"], indirect=True)
@pytest.mark.parametrize("case", GOOD, ids=lambda case: case.name)
def test_a_good_image_is_taken_and_shown_upright_without_what_its_maker_wrote_into_it(
    tenant: Tenant, case: Case, in_bounds: None
) -> None:
    answer = post(tenant, case)
    assert answer.status_code == 201, answer.text
    image = answer.json()
    assert [image["width"], image["height"]] == case.facts["display_size"]
    assert image["content_type"] == f"image/{case.facts['format']}"
    assert tenant.client.get(image["url"]).content == case.path.read_bytes()
    until_ready(tenant.client, image)
    for name in VARIANTS:
        shown = tenant.client.get(f"{image['url']}?variant={name}")
        assert not [mark for mark in METADATA if mark in shown.content], name
        _check_picture(Image.open(io.BytesIO(shown.content)), case, name)


def _check_picture(shown: Image.Image, case: Case, name: str) -> None:
    width, height = case.facts["display_size"]
    assert max(shown.size) <= max(width, height)
    assert abs(shown.width / shown.height - width / height) <= max(width, height) / min(width, height) / min(shown.size)
    assert not shown.getexif()
    assert not {"exif", "xmp", "comment", "icc_profile", "photoshop"} & set(shown.info)
    expected = expected_quadrants(case)
    if expected is not None and name == "large_1024":
        tolerance = max(PATTERN_TOLERANCE, COLOUR_MANAGED.get(case.name, 0))
        assert np.abs(quadrants(on_white(shown)) - expected).max() <= tolerance


@pytest.mark.parametrize("case", [*ODD, *FOREIGN], ids=lambda case: case.name)
def test_a_bad_or_foreign_file_does_no_harm(tenant: Tenant, case: Case, in_bounds: None) -> None:
    answer = post(tenant, case)
    if answer.status_code == 201:
        assert case.expect == "survive" or case in ODD, "taken although it is none of ours"
        _ends(tenant, answer.json(), may_succeed=case.expect == "survive")
        return
    assert answer.status_code == 400, answer.text
    assert isinstance(answer.json()["detail"], str)
    assert tenant.client.get("/v3/images").json()["total"] == 0
    assert not list(tenant.objects())


def _ends(tenant: Tenant, image: dict[str, Any], *, may_succeed: bool) -> None:
    """The image becomes ready, or fails: then it is nowhere, and its bytes go."""

    def has_ended() -> bool:
        answer = tenant.client.head(image["thumbnail_url"])
        return answer.status_code == 404 or answer.headers["cache-control"] != "no-store"

    wait_for(has_ended, "the image to become ready or to fail", 60)
    if tenant.client.head(image["thumbnail_url"]).status_code == 200:
        assert may_succeed
        return
    for url in (image["url"], image["thumbnail_url"], f"/v3/images/{image['id']}"):
        assert tenant.client.get(url).status_code == 404
    assert tenant.client.get("/v3/images").json() == {"result": [], "total": 0, "page": 1, "page_size": 25}
    assert tenant.client.get("/v3/images", params={"search": image["filename"]}).json()["total"] == 0


def test_an_image_whose_damage_shows_late_fails_and_its_bytes_are_removed(tenant: Tenant, in_bounds: None) -> None:
    answer = tenant.client.post("/v3/images", files={"file": ("a.png", broken_inside())}, data={"folder": "f"})
    assert answer.status_code == 201
    _ends(tenant, answer.json(), may_succeed=False)
    assert tenant.client.get("/v3/images/folders").json() == {"folders": []}


def test_after_all_this_a_new_image_is_ready_at_once(tenant: Tenant, in_bounds: None) -> None:
    assert until_ready(tenant.client, upload(tenant.client)).status_code == 200
    for process in process_tree(tenant.server):
        assert Path((arguments(process) or ["python"])[0]).name.startswith(("python", "mediatheque:"))


def broken_inside() -> bytes:
    """A PNG of more than a megapixel, whole by its chunks and their checksums, whose pixels do not inflate."""
    whole = picture("PNG", 1600, 1200)
    start = whole.index(b"IDAT")
    length = int.from_bytes(whole[start - 4 : start], "big")
    chunk = whole[start : start + length // 2] + b"\0" * (length - length // 2 + 4)
    return whole[:start] + chunk + zlib.crc32(chunk).to_bytes(4, "big") + whole[start + length + 8 :]
