"""Search finds exactly what a look at every text would find, in the tenant that asks."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from mediatheque.filing import SearchIn
from mediatheque.records import search
from mediatheque.records.assets import Scope
from mediatheque.records.engine import Database, Tx
from mediatheque.records.folding import fold
from mediatheque.records.schema import migrate
from tests.conftest import DATABASES
from tests.records import rows

TRICKY = "aAäÄß%_\\\"'* \u017f\u0130\u0131\ufb01e\u0301"
"""Letters that change their length or their form when folded, and the wildcards and quotes of both databases."""

MANY_TEXTS = (
    "INSERT INTO asset_text (asset_id, tenant_id, scope, names, seen, body) "
    "SELECT -number, 1, :scope, md5(number::text), md5(number::text), md5(number::text) "
    "FROM generate_series(1, 20000) AS number"
)

words = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=12) | st.text(TRICKY, max_size=8)
texts = st.lists(words, min_size=1, max_size=8)


@pytest.fixture(scope="module", params=DATABASES)
def library(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """One database for all examples: each example is a tenant of its own."""
    file: Path = tmp_path_factory.mktemp("search") / "mediatheque.db"
    database = Database(
        f"sqlite:///{file}" if request.param == "sqlite" else request.getfixturevalue("postgres").create()
    )
    migrate(database)
    yield database
    database.close()


@settings(max_examples=60, deadline=None)
@given(texts=texts, others=texts, needle=words.filter(lambda word: fold(word) != ""), cut=st.integers(0, 10))
@example(texts=["100% sure", "100 percent"], others=["100%"], needle="0%", cut=0)
@example(texts=["Straße", "STRASSE"], others=[], needle="strasse", cut=0)
@example(texts=['say "hi" AND go'], others=[], needle='"hi" AND', cut=0)
def test_it_equals_a_scan_over_folded_texts(
    library: Database, texts: list[str], others: list[str], needle: str, cut: int
) -> None:
    if cut < len(texts[0]):
        needle = texts[0][cut:] if fold(texts[0][cut:]) else needle  # needles that are there, too
    scope, ids = filled(library, texts)
    filled(library, others)
    expected = [it for it, text in zip(ids, texts, strict=True) if fold(needle) in fold(text)]
    with library.read() as tx:
        found, total = search.find(tx, scope, needle, skip=0, limit=100)
    assert found == expected[::-1]
    assert total == len(expected)


@settings(max_examples=40, deadline=None)
@given(
    parts=st.lists(st.tuples(words, words, words, words), min_size=1, max_size=5),
    needle=words.filter(lambda word: bool(fold(word))),
)
@example(parts=[("one", "two", "three", "four"), ("three", "one", "two", "four")], needle="three")
@example(parts=[("to", "no", "go", "so"), ("go", "to", "no", "so")], needle="go")
def test_one_place_equals_a_scan_over_the_texts_of_that_place(
    library: Database, parts: list[tuple[str, str, str, str]], needle: str
) -> None:
    scope = Scope(rows.tenant(library), "image", True)
    with library.hasten() as tx:
        ids = [rows.asset(tx, scope.tenant_id)[0] for _ in parts]
        for it, texts_of in zip(ids, parts, strict=True):
            search.put(tx, it, scope, [])
            search.change(tx, it, scope, *([text] for text in texts_of))
    places = ((SearchIn.METADATA, [0]), (SearchIn.VISIBLE_TEXT, [2]), (SearchIn.ALL, [0, 1, 2, 3]))
    tokens = search.tokens_of(scope.tenant_id, ["image"])
    with library.read() as tx:
        for place, numbers in places:
            found = tx.execute(search.matching(tx, scope.tenant_id, tokens, [fold(needle)], place)).scalars()
            assert sorted(found) == [
                it for it, texts_of in zip(ids, parts, strict=True)
                if any(fold(needle) in fold(texts_of[number]) for number in numbers)
            ]  # fmt: skip


@pytest.mark.parametrize("place", SearchIn)
def test_every_place_is_searched_in_its_index(library: Database, place: SearchIn) -> None:
    index = {"all": "ix_asset_text_all", "metadata": "ix_asset_text_names", "visible_text": "ix_asset_text_seen"}
    with library.hasten() as tx, tx.begin_nested() as trial:
        query = search.matching(tx, 1, search.tokens_of(1, ["image"]), ["needle"], place)
        statement = str(query.compile(dialect=tx.dialect, compile_kwargs={"literal_binds": True}))
        if tx.dialect.name == "sqlite":
            assert "VIRTUAL TABLE INDEX" in planned(tx, f"EXPLAIN QUERY PLAN {statement}")
        else:
            tx.execute(text("SET LOCAL session_replication_role = replica"))  # texts of assets that are not there
            tx.execute(text(MANY_TEXTS), {"scope": search.tokens_of(1, ["image"])[0]})
            tx.execute(text("ANALYZE asset_text"))
            tx.execute(text("SET LOCAL enable_seqscan = off"))  # which so few rows would be quicker by
            assert index[place] in planned(tx, f"EXPLAIN {statement}")
        trial.rollback()


def planned(tx: Tx, question: str) -> str:
    return " ".join(str(line) for line in tx.exec_driver_sql(question))


def test_pages_follow_one_another(library: Database) -> None:
    scope, ids = filled(library, [f"needle number {number}" for number in range(7)])
    with library.read() as tx:
        pages = [search.find(tx, scope, "NEEDLE", skip=skip, limit=3) for skip in (0, 3, 6, 9)]
    assert [it for page, _ in pages for it in page] == ids[::-1]
    assert {total for _, total in pages} == {7}


def test_a_changed_text_is_found_and_the_old_one_is_not(library: Database) -> None:
    scope, (it,) = filled(library, ["before"])
    with library.hasten() as tx:
        search.change(tx, it, scope, ["after"])
    with library.read() as tx:
        assert search.find(tx, scope, "after", skip=0, limit=10) == ([it], 1)
        assert search.find(tx, scope, "before", skip=0, limit=10) == ([], 0)


def test_what_is_seen_is_found_by_what_was_seen_last(library: Database) -> None:
    scope, (it,) = filled(library, ["a photo"])
    tokens = search.tokens_of(scope.tenant_id, ["image"])

    def found(needle: str) -> bool:
        with library.read() as tx:
            return bool(tx.execute(search.matching(tx, scope.tenant_id, tokens, [needle], SearchIn.VISIBLE_TEXT)).all())

    told = []
    for seen in ("ticket office", "ticket machine", "", "ticket"):
        with library.hasten() as tx:
            search.change(tx, it, scope, ["a photo"], (), [seen])
        told.append([needle for needle in ("ticket", "office", "machine", "photo") if found(needle)])
    assert told == [["ticket", "office"], ["ticket", "machine"], [], ["ticket"]]
    with library.hasten() as tx:
        search.remove(tx, it)
    assert not found("ticket")


def test_a_removed_text_is_not_found(library: Database) -> None:
    scope, (it,) = filled(library, ["something"])
    with library.hasten() as tx:
        search.remove(tx, it)
    with library.read() as tx:
        assert search.find(tx, scope, "something", skip=0, limit=10) == ([], 0)


def filled(database: Database, texts: list[str]) -> tuple[Scope, list[int]]:
    """A new tenant with an asset for each text."""
    scope = Scope(rows.tenant(database), "image", True)
    with database.hasten() as tx:
        ids = [rows.asset(tx, scope.tenant_id)[0] for _ in texts]
        for it, text in zip(ids, texts, strict=True):
            search.put(tx, it, scope, [text])
    return scope, ids
