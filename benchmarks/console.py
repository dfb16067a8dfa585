"""The console in a browser: what scrolling through its library costs in frames and memory, and its first load."""

import json
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, CDPSession, Page, ViewportSize, expect, sync_playwright
from sqlalchemy import bindparam, insert, select, update
from tests.console.sweeping import SWEEP, TILE, WORDS, go_to, held
from tests.pictures import picture

from benchmarks.client import seconds
from benchmarks.generator import fill, prepared
from benchmarks.report import Figure, at_most, percentile
from benchmarks.server import mounted, serving
from mediatheque.records.engine import Database
from mediatheque.records.tables import asset, blob, variant
from mediatheque.surfaces.console import BUILT

SIZES = (10_000, 100_000)
WINDOW: ViewportSize = {"width": 1280, "height": 900}
SHAPES = ((4000, 3000), (3000, 4000), (4000, 2250), (4000, 4000), (6000, 2000), (3600, 2400))
PICTURES = 60
CHUNK = 10_000
PIXELS, PIXELS_PER_SECOND = 30_000, 3000
"""Of a gesture: about what a hand on a wheel does when it is in a hurry."""
FRAME_MS = 1000 / 60
SWEPT = 3000
FIRST_LOAD_KB = 250
MOST_DROPPED = 1
"""Of a hundred frames."""
MOST_GAINED_MB = 16
MOST_ELEMENTS = 4000
LONG_MS = 50
SIDE = 256
CATEGORIES = ["benchmark", "cc", "devtools.timeline", "disabled-by-default-devtools.timeline.frame"]
FRAMES = """() => {
  const times = (window.frameTimes = []);
  let before = performance.now();
  const tick = (now) => { times.push(now - before); before = now; window.frames_ = requestAnimationFrame(tick) };
  window.frames_ = requestAnimationFrame(tick);
}"""
END = "() => { cancelAnimationFrame(window.frames_); return window.frameTimes.slice(1) }"


def measure(folder: Path, *, quick: bool) -> Iterable[Figure]:
    chromium = next((path for name in ("chromium", "chromium-browser") if (path := shutil.which(name))), None)
    if chromium is None:
        raise LookupError("no Chromium is installed")
    if not (BUILT / "index.html").is_file():
        raise LookupError("the console is not built (`make console`)")
    for size in SIZES[:1] if quick else SIZES:
        home = folder / f"console-{size}"
        key = _library(home, size)
        with serving(home, "--no-workers") as server, _library_page(server.url, chromium, key) as (browser, page):
            yield from _looked_at(browser, page, size)
        shutil.rmtree(home, ignore_errors=True)


def _library(home: Path, size: int) -> str:
    """A data folder with that many pictures of many shapes, each with a thumbnail at an address of its own; the key."""
    home.mkdir(parents=True)
    database = Database(f"sqlite:///{home / 'mediatheque.db'}")
    library = prepared(database)
    fill(database, library, size)
    mounted(home)
    with database.read() as tx:
        blob_ids = list(tx.execute(select(blob.c.id)).scalars())
    models = _thumbnails(home)
    for begin in range(0, size, CHUNK):
        some = blob_ids[begin : begin + CHUNK]
        rows = [_thumbnail(home, models, library.tenant_id, it) for it in some]
        shapes = [{"of": it, "w": SHAPES[it % len(SHAPES)][0], "h": SHAPES[it % len(SHAPES)][1]} for it in some]
        shaped = update(blob).where(blob.c.id == bindparam("of")).values(width=bindparam("w"), height=bindparam("h"))
        with database.hasten() as tx:
            tx.execute(insert(variant), rows)
            tx.execute(shaped, shapes)
            tx.execute(update(asset).where(asset.c.blob_id.in_(some)).values(description=WORDS))
    database.close()
    return library.key


def _thumbnails(home: Path) -> list[Path]:
    """Some of each shape, in the order of the shapes."""
    models = []
    for number in range(PICTURES):
        width, height = SHAPES[number % len(SHAPES)]
        models.append(home / "objects" / f"model-{number}.webp")
        models[-1].write_bytes(picture("WEBP", SIDE, SIDE * height // width, seed=number))
    return models


def _thumbnail(home: Path, models: Sequence[Path], tenant_id: int, blob_id: int) -> dict[str, Any]:
    model, key = models[blob_id % len(models)], f"thumbnails/{blob_id // 1000}/{blob_id}.webp"
    file = home / "objects" / key
    file.parent.mkdir(parents=True, exist_ok=True)
    file.hardlink_to(model)
    return {"tenant_id": tenant_id, "blob_id": blob_id, "name": "small_256", "store": "local", "key": key,
            "size_bytes": model.stat().st_size, "media_type": "image/webp", "sha256": f"{blob_id:064x}",
            "width": SIDE, "height": SIDE, "created_at": datetime.now(UTC)}  # fmt: skip


@contextmanager
def _library_page(url: str, chromium: str, key: str) -> Iterator[tuple[Browser, Page]]:
    """A browser, and a page of it that is signed in."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(base_url=url, viewport=WINDOW)
        page.set_default_timeout(60_000)
        credential = json.dumps({"kind": "key", "key": key})
        page.add_init_script(f"sessionStorage.setItem('mediatheque.credential', {json.dumps(credential)})")
        yield browser, page
        browser.close()


def _looked_at(browser: Browser, page: Page, size: int) -> Iterable[Figure]:
    where = f"{size:,} files"
    session = page.context.new_cdp_session(page)
    for domain in ("Performance", "Network"):
        session.send(f"{domain}.enable")
    scripts = _scripts(session)
    shown = seconds(lambda: _opened(page))
    page.wait_for_load_state("networkidle")
    if size == SIZES[0]:
        packed = sum(scripts.values()) / 1000
        yield Figure("First load, packed script", packed, "KB", goal=at_most(FIRST_LOAD_KB))
    yield Figure(f"First pictures in the page, {where}", 1000 * shown, "ms", note="from an empty cache")
    before = held(session)
    yield from _scrolled(browser, page, session, where)
    yield Figure(f"End of the list after its key, {where}", 1000 * seconds(lambda: _ended(page)), "ms")
    go_to(page, max(0.0, 1 - SWEPT / size))
    page.evaluate(SWEEP)
    after = held(session)
    yield Figure(f"Heap at the start, {where}", before, "MB")
    growth, note = after - before, f"after {min(SWEPT, size):,} were looked at"
    yield Figure(f"Heap gained, {where}", growth, "MB", goal=at_most(MOST_GAINED_MB), note=note)
    elements = int(page.evaluate("() => document.querySelectorAll('*').length"))
    yield Figure(f"Elements in the page, {where}", elements, "", goal=at_most(MOST_ELEMENTS))


def _scrolled(browser: Browser, page: Page, session: CDPSession, where: str) -> Iterable[Figure]:
    """A wheel's gesture downwards through what has not been seen yet."""
    page.evaluate(FRAMES)
    browser.start_tracing(page=page, categories=CATEGORIES)
    session.send("Input.synthesizeScrollGesture", {"x": 700, "y": 500, "yDistance": -PIXELS, "xDistance": 0,
                 "speed": PIXELS_PER_SECOND, "gestureSourceType": "mouse"})  # fmt: skip
    trace = json.loads(browser.stop_tracing())["traceEvents"]
    times = page.evaluate(END)
    frames = _frames(trace)
    assert frames, "the trace tells of no frame"
    dropped = 100 * frames["dropped"] / sum(frames.values())
    note = f"{sum(frames.values())} frames, {PIXELS_PER_SECOND:,} pixels a second"
    yield Figure(f"Frames dropped, {where}", dropped, "%", goal=at_most(MOST_DROPPED), note=note)
    yield Figure(f"Time between frames, {where}", percentile(times, 0.5), "ms", FRAME_MS, "60 Hz",
                 note=f"p99 {percentile(times, 0.99):.1f} ms")  # fmt: skip
    tasks = [it["dur"] / 1000 for it in trace if it["name"] == "RunTask" and it.get("dur", 0) > LONG_MS * 1000]
    longest = f"longest {max(tasks):.0f} ms" if tasks else ""
    yield Figure(f"Tasks over {LONG_MS} ms while scrolling, {where}", len(tasks), "", note=longest)


def _frames(trace: Sequence[dict[str, Any]]) -> Counter[str]:
    """How many frames the browser wanted to show, by whether they were in time for smoothness."""
    found: Counter[str] = Counter()
    for it in trace:
        told = it.get("args", {}) if it["name"] == "PipelineReporter" else {}
        report = told.get("frame_reporter") or told.get("chrome_frame_reporter")  # newer and older browsers
        if report is None or report["state"] == "STATE_NO_UPDATE_DESIRED":
            continue
        is_dropped = report["state"] == "STATE_DROPPED" and report.get("affects_smoothness", True)
        found["dropped" if is_dropped else "shown"] += 1
    return found


def _scripts(session: CDPSession) -> dict[str, float]:
    """Bytes of every script as they came, by request; filled while the page loads."""
    sizes: dict[str, float] = {}
    session.on("Network.responseReceived", lambda it: sizes.update({it["requestId"]: 0.0})
               if it["type"] == "Script" else None)  # fmt: skip
    session.on("Network.loadingFinished", lambda it: sizes.update({it["requestId"]: it["encodedDataLength"]})
               if it["requestId"] in sizes else None)  # fmt: skip
    return sizes


def _opened(page: Page) -> None:
    page.goto("/console/library")
    expect(page.locator(f"{TILE} img").first).to_be_visible(timeout=60_000)


def _ended(page: Page) -> None:
    page.locator("[role=gridcell][tabindex='0']").focus()
    page.keyboard.press("End")
    expect(page.get_by_role("gridcell", name="-0000000.jpg")).to_be_focused(timeout=60_000)
