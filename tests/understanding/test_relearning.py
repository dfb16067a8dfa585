"""What was left: pages that no run has read, pictures that no model has seen, vectors of a model that is gone."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from mediatheque.core.relearning import Relearning
from mediatheque.decoder import DecoderFailed
from mediatheque.model import Asset, Terms
from mediatheque.outfit import make_embedder
from mediatheque.records import assets, tables, vectors
from mediatheque.skills import look, scans
from mediatheque.surfaces.images.shapes import TERMS
from tests.conftest import DATABASES
from tests.documents import scan
from tests.parts import Whole, findings_of, opened
from tests.pictures import picture
from tests.support import wait_for
from tests.understanding.conftest import needs

PAGES = ("The bolts of pier seven", "A sailor mends the nets", "Closed on Monday")
DOCUMENTS = Terms("test", frozenset({"application/pdf"}), 10 << 20, is_public=False, kinds=frozenset({"document"}))


@pytest.fixture(params=DATABASES)
def whole(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Whole]:
    monkeypatch.setenv("MEDIATHEQUE_MODELS", "on")
    url = request.getfixturevalue("postgres").create() if request.param == "postgresql" else ""
    with opened(tmp_path, database_url=url) as it, it.working():
        yield it


def read(whole: Whole, data: bytes) -> tuple[Asset, dict[str, Any]]:
    """A document, and what has been found out about it when nothing is left to do."""
    it = whole.upload(DOCUMENTS, "scan.pdf", data)
    wait_for(whole.is_idle, "the pages", 90)
    return it, findings_of(whole, it.uuid)


def runs_of(whole: Whole, it: Asset, skill: str) -> list[str]:
    query = select(tables.run.c.trigger).where(tables.run.c.asset_id == it.id, tables.run.c.skill == skill)
    with whole.parts.database.read() as tx:
        return list(tx.execute(query.order_by(tables.run.c.id)).scalars())


@needs("ocr")
def test_pages_that_one_run_left_are_read_by_the_next(whole: Whole, monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at: list[int] = []
    lines = scans._lines

    def counted(work: Any, page: int) -> list[dict[str, Any]]:
        looked_at.append(page)
        return lines(work, page)

    monkeypatch.setattr(scans, "_lines", counted)
    monkeypatch.setattr(scans, "MAX_PAGES", 1)
    it, found = read(whole, scan(*PAGES))
    assert looked_at == [0, 1, 2], "each page is read once"
    assert found["document_text"]["text"] == "\n\n".join(PAGES) and not found["document_text"]["is_cut"]
    assert [one["page"] for one in found["text_facts"]["pages_read_by_ocr"]] == [1, 2, 3]
    assert (found["text_facts"]["unread_pages"], found["text_facts"]["unread_because"]) == ([], None)
    assert runs_of(whole, it, "document-text") == ["upload", "rest", "rest"]
    status = whole.request("GET", f"/api/v2/documents/{it.uuid}/text").json()
    assert status["text_extraction_status"] == "completed"


@needs("ocr")
def test_a_page_that_cannot_be_read_is_tried_three_times_and_keeps_none_from_being_read(
    whole: Whole, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_at: list[int] = []
    lines = scans._lines

    def failing(work: Any, page: int) -> list[dict[str, Any]]:
        looked_at.append(page)
        if page == 0:
            raise DecoderFailed("the decoder ended early")
        return lines(work, page)

    monkeypatch.setattr(scans, "_lines", failing)
    _, found = read(whole, scan(*PAGES))
    assert sorted(looked_at) == [0, 0, 0, 1, 2]
    assert found["document_text"]["text"].strip() == "\n\n".join(PAGES[1:])
    facts = found["text_facts"]
    assert (facts["unread_pages"], facts["unread_because"]) == ([1], scans.UNREADABLE)
    assert facts["failed_tries"] == {"1": 3} and not scans.has_rest(facts)


@needs("ocr")
def test_pages_left_for_want_of_a_model_are_read_after_a_start_with_it(
    whole: Whole, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as without:
        without.setattr(whole.parts.models, "_is_on", False)
        it, found = read(whole, scan(PAGES[0]))
    assert found["text_facts"]["unread_pages"] == [1]
    assert runs_of(whole, it, "document-text") == ["upload"], "no use in another try"
    relearn(whole)
    assert findings_of(whole, it.uuid)["document_text"]["text"] == PAGES[0]


@needs("vision")
def test_pictures_are_seen_anew_beside_old_vectors_and_these_then_go(whole: Whole) -> None:
    it = whole.upload(TERMS, "a.png", picture("PNG", 200, 150))
    with whole.parts.database.write() as tx:
        whole.parts.pipeline.planner.plan(tx, it, trigger="upload", enrich=True)
    whole.parts.pipeline.announce()
    wait_for(lambda: look.NAME in models(whole, it), "the vector", 90)
    wait_for(whole.is_idle, "the rest", 90)
    with whole.parts.database.write() as tx:
        vectors.drop_model(tx, it.tenant_id, look.NAME)
        row = {"field": "picture", "position": 0, "digest": "0", "snippet": "", "amounts": b"\0\0" * 384}
        vectors.put(tx, it.tenant_id, it.id, "looks:older-1", [row])
    texts = {name for name in models(whole, it) if not name.startswith("looks:")}
    relearning = relearn(whole)
    assert "looks:older-1" in models(whole, it) and look.NAME in models(whole, it)
    relearning.go_on()
    assert models(whole, it) == texts | {look.NAME}


def models(whole: Whole, it: Asset) -> set[str]:
    query = select(tables.embedding.c.model).where(tables.embedding.c.asset_id == it.id)
    with whole.parts.database.read() as tx:
        assert assets.asset_with(tx, it.uuid, it.tenant_id) is not None
        return set(tx.execute(query).scalars())


def relearn(whole: Whole) -> Relearning:
    """As a worker does after its start; when all is done that is planned then."""
    relearning = Relearning(whole.parts.database, whole.parts.pipeline, make_embedder(whole.parts))
    relearning.go_on()
    whole.parts.pipeline.announce()
    wait_for(whole.is_idle, "what was left", 90)
    with whole.parts.database.read() as tx:
        assert tx.execute(select(func.count()).select_from(tables.job)).scalar() == 0
    return relearning
