"""Vectors: the nearest are found as a look at all of them would, whatever came and went, and models take turns."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mediatheque.core.embedding import active_model
from mediatheque.records import nearest, vectors
from mediatheque.records.engine import Database
from mediatheque.records.nearest import Nearest
from mediatheque.records.schema import migrate
from tests.conftest import DATABASES
from tests.records import rows

SEED = 2
Amounts = np.ndarray[tuple[int, ...], np.dtype[np.float32]]
NUMBERS = np.random.default_rng(SEED)
MODEL = "engine-1"


@pytest.fixture(scope="module", params=DATABASES)
def library(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """One database for all tests: each has tenants of its own."""
    file: Path = tmp_path_factory.mktemp("vectors") / "mediatheque.db"
    database = Database(
        f"sqlite:///{file}" if request.param == "sqlite" else request.getfixturevalue("postgres").create()
    )
    migrate(database)
    yield database
    database.close()


@pytest.fixture(autouse=True)
def _same_numbers() -> None:
    """Whatever ran before; of others two files may be equally near, as far as float16 can tell."""
    NUMBERS.bit_generator.state = np.random.default_rng(SEED).bit_generator.state


def direction(count: int = 1) -> Amounts:
    found = NUMBERS.normal(size=(count, vectors.INDEXED)).astype(np.float32)
    directions: Amounts = found / np.linalg.norm(found, axis=1, keepdims=True)
    return directions


def row(position: int, amounts: Amounts) -> dict[str, object]:
    return {"field": "title", "position": position, "digest": f"{position}-{amounts[0]:.6f}", "snippet": "a snippet",
            "page_numbers": None, "start_seconds": None, "amounts": amounts.astype("<f2").tobytes()}  # fmt: skip


def filled(database: Database, files: int, passages: int = 3, model: str = MODEL) -> tuple[int, dict[int, Amounts]]:
    """(tenant, passages' directions by file)"""
    tenant_id, found = rows.tenant(database), {}
    with database.hasten() as tx:
        for _ in range(files):
            asset_id, _ = rows.asset(tx, tenant_id)
            found[asset_id] = direction(passages)
            vectors.put(tx, tenant_id, asset_id, model, [row(place, it) for place, it in enumerate(found[asset_id])])
    return tenant_id, found


def ids(database: Database, looking: Nearest, tenant_id: int, question: Amounts, **options: Any) -> list[int]:
    wanted: dict[str, Any] = {"limit": 5, "floor": -1.0} | options
    with database.read() as tx:
        near = looking.find(tx, tenant_id, MODEL, question, **wanted)
    return [it.owner_id for it in near]


def expected(found: dict[int, Amounts], question: Amounts, limit: int = 5) -> list[int]:
    likeness = {it: float((amounts @ question).max()) for it, amounts in found.items()}
    return sorted(likeness, key=lambda it: -likeness[it])[:limit]


def test_postgresql_has_an_index_and_sqlite_none(library: Database) -> None:
    with library.read() as tx:
        assert vectors.is_indexed(tx) is not library.is_sqlite


def test_the_nearest_are_those_of_a_look_at_all_of_them(library: Database) -> None:
    tenant_id, found = filled(library, 40)
    filled(library, 40)  # another tenant's are never among them
    looking = Nearest()
    for question in direction(5):
        assert ids(library, looking, tenant_id, question) == expected(found, question)
    only = list(found)[:10]
    question = direction()[0]
    wanted = expected({it: found[it] for it in only}, question)
    assert ids(library, looking, tenant_id, question, only=only) == wanted
    assert ids(library, looking, tenant_id, question, floor=0.999) == []


def test_what_came_and_went_is_seen_at_once(library: Database) -> None:
    tenant_id, found = filled(library, 6)
    looking, question = Nearest(), direction()[0]
    assert ids(library, looking, tenant_id, question) == expected(found, question)
    best = expected(found, question)[0]
    with library.hasten() as tx:
        vectors.remove(tx, best)
        asset_id, _ = rows.asset(tx, tenant_id)
        vectors.put(tx, tenant_id, asset_id, MODEL, [row(0, question)])
    del found[best]
    found[asset_id] = question[None, :]
    assert ids(library, looking, tenant_id, question) == expected(found, question)
    with library.hasten() as tx:
        vectors.put(tx, tenant_id, asset_id, MODEL, [row(0, -question)])
    assert ids(library, looking, tenant_id, question)[0] != asset_id


def test_too_many_to_be_remembered_are_read_block_by_block(library: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    tenant_id, found = filled(library, 12)
    monkeypatch.setattr(nearest, "BLOCK_ROWS", 5)
    question = direction()[0]
    assert ids(library, Nearest(kept_bytes=0), tenant_id, question) == expected(found, question)


def test_the_same_texts_keep_their_rows(library: Database) -> None:
    tenant_id, found = filled(library, 1)
    (asset_id, amounts), *_ = found.items()

    def kept() -> set[int]:
        with library.read() as tx:
            near = Nearest().find(tx, tenant_id, MODEL, amounts[0], limit=5, floor=-1.0, each=True)
        return {it.vector_id for it in near}

    before = kept()
    with library.hasten() as tx:
        vectors.put(tx, tenant_id, asset_id, MODEL, [row(place, it) for place, it in enumerate(amounts[:2])])
    assert kept() < before and len(kept()) == 2


def test_the_old_model_s_vectors_serve_until_the_new_one_has_been_through(library: Database) -> None:
    tenant_id, found = filled(library, 2)
    first, second = found

    def active() -> str | None:
        with library.read() as tx:
            return active_model(vectors.models_of(tx, tenant_id), "engine-2")

    def superseded() -> set[tuple[int, str]]:
        with library.read() as tx:
            return {it for it in vectors.superseded(tx, "engine-2") if it[0] == tenant_id}

    with library.hasten() as tx:
        vectors.put(tx, tenant_id, first, "engine-2", [row(0, direction()[0])])
    assert (active(), superseded()) == (MODEL, set())
    with library.hasten() as tx:
        vectors.put(tx, tenant_id, second, "engine-2", [])
    assert (active(), superseded()) == ("engine-2", {(tenant_id, MODEL)})
    with library.hasten() as tx:
        vectors.drop_model(tx, tenant_id, MODEL)
    with library.read() as tx:
        assert vectors.models_of(tx, tenant_id) == {"engine-2": 2}
