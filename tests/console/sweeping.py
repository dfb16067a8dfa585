"""A library of many generated files, and what a browser holds while somebody goes through all of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.generator import fill, prepared
from benchmarks.server import mounted, serving
from playwright.sync_api import CDPSession, Page
from sqlalchemy import update

from mediatheque.records.engine import Database
from mediatheque.records.tables import asset
from tests.support import Server

TILE = "[role=grid] [data-index]"
LIST = "/api/v2/user-files?"
WORDS = "A picture that has been described"
"""A file without is one that the server still works on, and the page asks for it again and again."""
SWEEP = """async () => {
  const canvas = document.querySelector(".canvas"), grid = document.querySelector("[role=grid]");
  const frame = () => new Promise(requestAnimationFrame);
  const here = async () => {
    for (let late = performance.now() + 30000; performance.now() < late; await frame()) {
      const cells = [...grid.querySelectorAll("[data-index]")];
      if (cells.length && !cells.some((it) => it.matches("[aria-busy=true]"))) return;
    }
    throw new Error("what is in sight did not come");
  };
  const seen = {elements: 0, steps: 0};
  for (;;) {
    await frame(); await here();
    seen.elements = Math.max(seen.elements, document.querySelectorAll("*").length);
    seen.steps++;
    const before = canvas.scrollTop;
    canvas.scrollTop += canvas.clientHeight;
    await frame();
    if (canvas.scrollTop <= before + 1) return seen;
  }
}"""
"""From where one is to the end, a window at a time, each only when the one before is complete."""


@contextmanager
def crowded(folder: Path, count: int) -> Iterator[tuple[Server, str]]:
    """A server whose library has that many images, and the key of the one tenant."""
    data = folder / "data"
    data.mkdir(parents=True)
    database = Database(f"sqlite:///{data / 'mediatheque.db'}")
    library = prepared(database)
    fill(database, library, count)
    with database.write() as tx:
        tx.execute(update(asset).values(description=WORDS))
    database.close()
    mounted(data)
    with serving(data, "--no-workers") as server:
        yield server, library.key


def held(session: CDPSession) -> float:
    """Megabytes of the page's heap once what nobody holds is gone."""
    for _ in range(2):
        session.send("HeapProfiler.collectGarbage")
    found = session.send("Performance.getMetrics")["metrics"]
    return float(next(it["value"] for it in found if it["name"] == "JSHeapUsedSize")) / 1e6


def listings(page: Page) -> list[str]:
    """Filled with every page of a list that is asked for from now on."""
    asked: list[str] = []
    page.on("request", lambda it: asked.append(it.url) if LIST in it.url and "ids=" not in it.url else None)
    return asked


def go_to(page: Page, share: float) -> None:
    """Where that share of the list is above."""
    page.evaluate(
        "(share) => { const it = document.querySelector('.canvas'); it.scrollTop = it.scrollHeight * share }", share
    )
