"""The library put together in the test's own process, with any list of plug-ins, a worker beside it."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any
from uuid import UUID

import httpx

from mediatheque import app as composition
from mediatheque import plugins as installed
from mediatheque.core.intake import Upload
from mediatheque.core.library import Library
from mediatheque.model import Actor, Asset, Queue, Terms
from mediatheque.parts import Parts
from mediatheque.settings import read_settings
from tests.support import ADMIN_KEY


@dataclass(frozen=True)
class Whole:
    """A library and its web application, and the operator's actor."""

    parts: Parts
    library: Library
    web: Any
    actor: Actor

    def request(self, method: str, path: str, *, key: str | None = ADMIN_KEY, **options: Any) -> httpx.Response:
        """What the web application answers, without a server between."""
        headers = options.pop("headers", {}) | ({"Authorization": f"Bearer {key}"} if key else {})

        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(app=self.web)
            async with httpx.AsyncClient(
                transport=transport, base_url="http://library.test", headers=headers
            ) as client:
                return await client.request(method, path, **options)

        return asyncio.run(ask())

    def upload(self, terms: Terms, name: str, data: bytes) -> Asset:
        with self.library.intake.stage(terms) as staged:
            staged.write(data)
            return self.library.intake.upload(self.actor, terms, staged, Upload(name))

    @contextmanager
    def working(self, lanes: tuple[Queue, ...] = tuple(Queue)) -> Iterator[None]:
        """A worker for as long as the block lasts."""
        worker = composition.make_worker(self.parts, lanes)
        thread = threading.Thread(target=worker.run)
        thread.start()
        try:
            yield
        finally:
            worker.stop()
            thread.join()

    def is_idle(self) -> bool:
        return not any(self.parts.pipeline.depth().values())


@contextmanager
def opened(
    folder: Path, *, database_url: str = "", storage_url: str = "", plugins: ModuleType = installed
) -> Iterator[Whole]:
    settings = read_settings(
        data_dir=folder / "data",
        database_url=database_url,
        storage_url=storage_url,
        admin_api_key=ADMIN_KEY,
        crawl_allow=("127.0.0.1",),
        crawl_pause_seconds=0,
    )
    composition.prepare(settings, plugins)
    parts = composition.open_parts(settings, decoders=1, plugins=plugins)
    try:
        library = composition.make_library(parts)
        yield Whole(parts, library, composition.make_web(parts), library.access.identify(ADMIN_KEY))
    finally:
        parts.close()


def findings_of(whole: Whole, asset: UUID) -> dict[str, Any]:
    """What skills have said about the asset's blob, by kind."""
    from sqlalchemy import select

    from mediatheque.records import tables

    query = select(tables.finding.c.kind, tables.finding.c.value).where(
        tables.finding.c.blob_id == tables.asset.c.blob_id, tables.asset.c.uuid == asset
    )
    with whole.parts.database.read() as tx:
        return {row.kind: row.value for row in tx.execute(query)}
