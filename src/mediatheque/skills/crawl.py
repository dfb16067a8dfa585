"""The skill `crawl`: visits what a link leads to, and keeps what it says, how it looks and what it shows."""

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import Any
from uuid import uuid5

from mediatheque.decoder import DecoderFailed
from mediatheque.errors import LibraryError, Malformed, StorageFull
from mediatheque.filing import Fetched
from mediatheque.model import Queue
from mediatheque.ports import Skill, Step, Work
from mediatheque.skills import variants

MIB = 1 << 20
PAGE_LIMITS = {
    "text/html": 5 * MIB, "application/xhtml+xml": 5 * MIB, "text/*": 5 * MIB, "application/pdf": 25 * MIB,
    "application/octet-stream": 25 * MIB, "": 5 * MIB,
}  # fmt: skip
PICTURE_LIMITS = {"image/*": 20 * MIB, "application/octet-stream": 20 * MIB, "": 5 * MIB}
PAGE_SECONDS = 15.0
PICTURES_SECONDS, PICTURE_SECONDS = 30.0, 8.0
MAX_STORED = 8
"""Pictures of a page that are kept; all that were found are listed."""
MIN_SHOWN_SIDE, MIN_LEAD_SIDE = 64, 200
MAX_TITLE_CHARS = 255
PAGE, PAGE_TEXT, PAGE_PICTURES = "page", "page_text", "page_pictures"
FAVICON, PICTURE = "favicon", "picture_"
DECODE, PROBE = "mediatheque.skills.page_decode", "mediatheque.kinds.image_probe:probe"


def fetch_page(work: Work) -> None:
    """The page, in the work folder; raises `LibraryError` with what is shown as the reason."""
    found = work.fetch(work.facts.details["url"], work.folder / "page", limits=PAGE_LIMITS, seconds=PAGE_SECONDS)
    known = {"url": found.url, "media_type": found.media_type, "charset": found.charset, "language": found.language}
    (work.folder / "page.json").write_text(json.dumps(known))


def read_page(work: Work) -> None:
    """Findings `page` (what it says of itself), `page_text` (for search), and a snapshot; nothing without a page."""
    if not (work.folder / "page.json").exists():
        return
    known = json.loads((work.folder / "page.json").read_text())
    try:
        said = work.decode(f"{DECODE}:read", path=str(work.folder / "page"), folder=str(work.folder), **known)
    except DecoderFailed as failure:
        raise Malformed(f"The page cannot be read: {failure}") from failure
    (work.folder / "said.json").write_text(json.dumps(said))
    page = {name: value for name, value in said.items() if name not in {"text", "pictures", "icons"}}
    work.add_finding(PAGE, page)
    og = page["og"]
    shown = (og["title"], page["page_title"], og["description"], og["site_name"], said["text"])
    work.add_finding(PAGE_TEXT, {"text": "\n".join(dict.fromkeys(part for part in shown if part))})
    title = og["title"] or page["page_title"]
    work.suggest(title=title[:MAX_TITLE_CHARS] if title else None)
    work.add_snapshot(
        work.folder / "page.html", work.folder / "page.txt", url=known["url"], title=title, text_chars=len(said["text"])
    )


def fetch_pictures(work: Work) -> None:
    """Finding `page_pictures`: `favicon` (whether it is stored), `pictures`; the variants behind them.

    A picture that cannot be had is listed and not stored; that is no failure of the crawl.
    """
    if not (work.folder / "said.json").exists():
        return
    said = json.loads((work.folder / "said.json").read_text())
    until = monotonic() + PICTURES_SECONDS
    work.drop_variants(FAVICON, PICTURE, *variants.SIZES, variants.THUMBNAIL)
    has_icon = any(_favicon(work, url, until) for url in said["icons"])
    pictures, stored = [], 0
    for found in said["pictures"]:
        shown = {**found, "image_id": None, "variant": None}
        if stored < MAX_STORED and _is_worth_it(found):
            shown |= _stored(work, found["url"], stored + 1, until)
            stored += shown["variant"] is not None
        pictures.append(shown)
    work.add_finding(PAGE_PICTURES, {"favicon": has_icon, "pictures": pictures})


def _is_worth_it(found: Mapping[str, Any]) -> bool:
    """Not what says itself that it is an icon or a counter."""
    sides = [found[name] for name in ("width", "height") if found[name] is not None]
    return all(side >= MIN_SHOWN_SIDE for side in sides)


def _favicon(work: Work, url: str, until: float) -> bool:
    file, target = work.folder / "icon", work.folder / FAVICON
    with suppress(LibraryError, DecoderFailed):
        _fetched(work, url, file, until)
        width, height = work.decode(f"{DECODE}:icon", timeout_seconds=10, path=str(file), target=str(target))
        work.add_variant(FAVICON, target, media_type="image/png", width=width, height=height)
        return True
    return False


def _stored(work: Work, url: str, number: int, until: float) -> dict[str, Any]:
    """What is known of a picture once it is stored; nothing when it is not."""
    file, target = work.folder / "picture", work.folder / f"{PICTURE}{number}"
    try:
        _fetched(work, url, file, until)
        seen = work.decode(PROBE, timeout_seconds=10, path=str(file))
        if min(seen["width"], seen["height"]) < MIN_SHOWN_SIDE:
            return {}
        width, height = work.decode(
            f"{DECODE}:picture", timeout_seconds=15, path=str(file), media_type=seen["media_type"], target=str(target)
        )
    except StorageFull:
        raise
    except (LibraryError, DecoderFailed):
        return {}
    work.add_variant(target.name, target, media_type="image/webp", width=width, height=height)
    if number == 1 and min(seen["width"], seen["height"]) >= MIN_LEAD_SIDE:
        with suppress(LibraryError, DecoderFailed):
            _lead(work, target)
    return {
        "image_id": str(uuid5(work.blob.uuid, url)),
        "variant": target.name,
        "width": seen["width"],
        "height": seen["height"],
    }


def _lead(work: Work, picture: Path) -> None:
    """The first picture stands for the link."""
    variants.make_from(work, picture, "image/webp")


def _fetched(work: Work, url: str, file: Path, until: float) -> Fetched:
    seconds = min(PICTURE_SECONDS, until - monotonic())
    if seconds <= 0:
        raise Malformed("There is no time left")
    return work.fetch(url, file, limits=PICTURE_LIMITS, seconds=seconds)


SKILL = Skill(
    name="crawl",
    description="What a link leads to: its title and text, its pictures, and a copy that can be read when it is gone",
    version=1,
    kinds=frozenset({"link"}),
    queue=Queue.CRAWL,
    steps=(Step("fetch_page", fetch_page), Step("read_page", read_page), Step("fetch_pictures", fetch_pictures)),
    automatic=False,
    enriches=True,
    listed=False,
    crawls=True,
)
