"""`GET /api/v2/user-files`: every filter and order of the contract, 3.5."""

import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from mediatheque.records import assets, findings, search, tallies
from mediatheque.records.engine import Database
from mediatheque.records.tables import asset
from tests.conftest import Tenant
from tests.pictures import picture
from tests.support import wait_for
from tests.surfaces.files.conftest import (
    FILES,
    FOLDERS,
    anonymous,
    document,
    filed,
    listed,
    paper,
    ready,
    refused,
)
from tests.surfaces.files.doors import streamed

KEYS = {
    "id", "title", "filename", "thumbnail_url", "upload_description", "visible_text", "tags", "size_bytes",
    "created_at", "content_created_at", "has_full_description", "dimensions", "format", "variant_status",
    "variant_count", "medium_url", "full_url", "blur_hash", "description_status", "description_error",
    "confidence_score", "content_type", "media_type", "video_metadata", "video_analysis_status", "document_type",
    "source_url",
}  # fmt: skip
OF_OTHER_KINDS = {
    "variant_error", "video_analysis_job_id", "scene_count", "has_audio_transcript", "video_url", "page_count",
    "text_extraction_status", "chunk_count", "document_url", "domain", "og_metadata", "favicon_url", "crawl_status",
    "extracted_images", "extracted_images_count",
}  # fmt: skip
"""What the published OpenAPI document names on every file."""


def set_column(database: Database, file_id: str, **values: Any) -> None:
    it = uuid.UUID(file_id)
    with database.write() as tx:
        before = assets.asset_with(tx, it, None)
        tx.execute(update(asset).where(asset.c.uuid == it).values(**values))
        after = assets.asset_with(tx, it, None)
        assert before is not None and after is not None
        for one, sign in ((before, -1), (after, 1)):  # files are counted by the day of their creation
            tallies.record(tx, tallies.of(one, None, sign))


def test_an_item_has_the_27_keys_and_null_for_what_other_kinds_tell(tenant: Tenant) -> None:
    file_id = filed(tenant.client, "kitten.png", title="Kitten", tags="cat,small")
    ready(tenant.client, file_id)
    found = tenant.client.get(FILES).json()
    (item,) = found["files"]
    assert set(found) == {"files", "total_count", "has_more"}
    assert set(item) == KEYS | OF_OTHER_KINDS and len(KEYS) == 27
    assert {item[name] for name in OF_OTHER_KINDS} == {None}
    assert (item["id"], item["title"], item["filename"], item["tags"]) == (
        file_id, "Kitten", "kitten.png", ["cat", "small"])  # fmt: skip
    assert item["dimensions"] == {"width": 64, "height": 48}
    assert (item["format"], item["content_type"], item["media_type"]) == ("png", "image/png", "image")
    assert (item["variant_status"], item["variant_count"]) == ("completed", 5)
    assert (item["description_status"], item["has_full_description"]) == ("skipped", False)
    assert item["blur_hash"] and item["content_created_at"] is None
    for name in ("thumbnail_url", "medium_url", "full_url"):
        assert anonymous(item[name]).status_code == 200


def test_a_described_file_says_so(tenant: Tenant) -> None:
    described = filed(tenant.client, description="A red barn")
    plain = filed(tenant.client)
    item = next(file for file in tenant.client.get(FILES).json()["files"] if file["id"] == described)
    assert (item["upload_description"], item["description_status"]) == ("A red barn", "completed")
    assert listed(tenant.client, has_description=True) == [described]
    assert listed(tenant.client, has_description=False) == [plain]


def test_an_enriched_file_shows_what_the_model_said(tenant: Tenant) -> None:
    file_id = filed(tenant.client, runEnrichment="true")
    wait_for(lambda: tenant.client.get(FILES).json()["files"][0]["description_status"] == "completed", "words", 60)
    (item,) = tenant.client.get(FILES).json()["files"]
    assert item["upload_description"] and item["has_full_description"]
    assert 0 < item["confidence_score"] <= 1
    assert listed(tenant.client, has_description=True) == [file_id]


def test_files_of_every_kind_and_visibility_are_listed(tenant: Tenant, database: Database) -> None:
    private, public = filed(tenant.client), filed(tenant.client, isPublic="true")
    written = paper(tenant.client)
    assert set(listed(tenant.client)) == {private, public, written}
    assert listed(tenant.client, media_types="document") == [written]
    assert set(listed(tenant.client, media_types="image")) == {private, public}
    assert set(listed(tenant.client, media_types="image,document")) == {private, public, written}
    assert set(listed(tenant.client, media_types=["image", "document,video"])) == {private, public, written}
    assert listed(tenant.client, media_types="video,link") == []


def test_a_document_has_the_keys_of_its_kind(tenant: Tenant, database: Database) -> None:
    paper(tenant.client)
    (item,) = tenant.client.get(FILES).json()["files"]
    assert set(item) == KEYS | OF_OTHER_KINDS
    assert item["document_url"] and item["crawl_status"] is item["video_url"] is None
    assert (item["document_type"], item["page_count"], item["variant_status"]) == ("pdf", 3, None)


def test_several_tags_must_all_be_worn_however_the_list_is_written(tenant: Tenant) -> None:
    both, first = filed(tenant.client, tags="a,b"), filed(tenant.client, tags="a,c")
    filed(tenant.client)
    assert set(listed(tenant.client, tags="a")) == {both, first}
    assert listed(tenant.client, tags="a,b") == [both]
    assert listed(tenant.client, tags=["a", "b"]) == [both]
    assert listed(tenant.client, tags=["a,c"]) == [first]
    assert listed(tenant.client, tags="a,b,c") == []
    assert listed(tenant.client, tags="A") == []


@pytest.mark.parametrize(
    ("mode", "found"),
    [
        ("all", ["title", "name", "tag", "description", "alt", "seen"]),
        ("metadata", ["title", "name", "tag"]),
        ("visible_text", ["seen"]),
    ],
)
def test_each_search_mode_looks_where_it_says(tenant: Tenant, database: Database, mode: str, found: list[str]) -> None:
    ids = {
        "title": filed(tenant.client, title="the NEEDLE here"),
        "name": filed(tenant.client, "my-needle.png"),
        "tag": filed(tenant.client, tags="sewing,needle"),
        "description": filed(tenant.client, description="A needle in a haystack"),
        "alt": filed(tenant.client, altText="Needle"),
        "seen": filed(tenant.client, title="something else"),
    }
    filed(tenant.client, title="a need less")
    recognise(tenant, database, ids["seen"], "buy a needle today")
    for needle in ("needle", "NEEDLE", "ne"):
        wanted = {ids[name] for name in found}
        hits = set(listed(tenant.client, search=needle, search_mode=mode))
        assert hits >= wanted if needle == "ne" else hits == wanted


def test_every_word_counts_in_whatever_order_and_a_phrase_as_it_stands(tenant: Tenant) -> None:
    report = filed(tenant.client, title="Damage", tags="pier,report", description="no. 7")
    other = filed(tenant.client, title="A report of damage")
    assert set(listed(tenant.client, search="report damage")) == {report, other}
    assert listed(tenant.client, search='"report of" damage') == [other]
    assert listed(tenant.client, search='"damage report"') == []
    assert listed(tenant.client, search="damage 7") == [report]
    assert listed(tenant.client, search="damage pier", search_mode="metadata") == [report]
    assert listed(tenant.client, search="damage no.", search_mode="metadata") == []


def test_what_a_document_says_is_no_visible_text(tenant: Tenant) -> None:
    file_id = str(streamed(tenant.client, b"The bolts are corroded.\n", "pier.txt")["image_id"])
    wait_for(lambda: listed(tenant.client, search="corroded") == [file_id], "the text to be read", 60)
    assert listed(tenant.client, search="corroded", search_mode="visible_text") == []


def recognise(tenant: Tenant, database: Database, file_id: str, text: str) -> None:
    """What a run that recognises text leaves, with the picture's own run in its place."""
    ready(tenant.client, file_id)
    with database.write() as tx:
        it = assets.asset_with(tx, uuid.UUID(file_id), None)
        assert it is not None
        from sqlalchemy import select

        from mediatheque.records.tables import run

        run_id = tx.execute(select(run.c.id).where(run.c.asset_id == it.id)).scalars().first()
        row = {"tenant_id": it.tenant_id, "blob_id": it.blob.id, "run_id": run_id, "skill": "ocr",
               "kind": "visible_text", "value": text, "created_at": datetime.now(UTC)}  # fmt: skip
        findings.put(tx, it.blob.id, "ocr", [row])
        search.refresh(tx, it)


def test_text_that_was_recognised_is_shown(tenant: Tenant, database: Database) -> None:
    file_id = filed(tenant.client)
    recognise(tenant, database, file_id, "STOP")
    assert tenant.client.get(FILES).json()["files"][0]["visible_text"] == "STOP"
    assert tenant.client.get(f"{FILES}/{file_id}").json()["visible_text"] == "STOP"


@pytest.mark.parametrize(
    ("sort_by", "prepare"),
    [
        ("created_at", lambda number: {"created_at": datetime(2020, 1, 1, second=number, tzinfo=UTC)}),
        ("content_created_at", lambda number: {"content_at": datetime(2020, 1, 1 + number, tzinfo=UTC)}),
        ("title", lambda number: {"title": "aBcD"[number], "title_key": "abcd"[number]}),
        ("size_bytes", lambda number: {"size_bytes": 100 + number}),
    ],
)
def test_every_order_goes_both_ways_and_its_pages_join(
    tenant: Tenant, database: Database, sort_by: str, prepare: Callable[[int], dict[str, Any]]
) -> None:
    ids = [filed(tenant.client) for _ in range(4)]
    written = paper(tenant.client)
    for number, file_id in enumerate([ids[2], ids[0], written, ids[1]]):
        set_column(database, file_id, **prepare(number))
    tenant.client.delete(f"{FILES}/{ids[3]}")
    expected = [ids[2], ids[0], written, ids[1]]
    assert listed(tenant.client, sort_by=sort_by, sort_order="asc") == expected
    assert listed(tenant.client, sort_by=sort_by) == expected[::-1]
    for order, wanted in (("asc", expected), ("desc", expected[::-1])):
        pages = [
            tenant.client.get(FILES, params={"sort_by": sort_by, "sort_order": order, "limit": 1, "offset": at}).json()
            for at in range(5)
        ]
        assert [file["id"] for page in pages for file in page["files"]] == wanted
        assert [page["has_more"] for page in pages] == [True, True, True, False, False]
        assert {page["total_count"] for page in pages} == {4}


def test_the_default_order_is_by_content_newest_first(tenant: Tenant, database: Database) -> None:
    old, new = filed(tenant.client), filed(tenant.client)
    set_column(database, new, content_at=datetime(2001, 1, 1, tzinfo=UTC))
    assert listed(tenant.client) == [old, new]


def test_pages_of_several_days_and_kinds_join_without_a_gap(tenant: Tenant, database: Database) -> None:
    ids = [document(database, tenant.key.tenant_id, days_ago=number // 2) for number in range(7)]
    ids = [filed(tenant.client), *ids]
    for order in ("asc", "desc"):
        pages = [
            tenant.client.get(FILES, params={"sort_by": "created_at", "sort_order": order, "limit": 2, "offset": at})
            for at in range(0, 10, 2)
        ]
        found = [file["created_at"] for page in pages for file in page.json()["files"]]
        assert len(found) == 8
        assert found == sorted(found, reverse=order == "desc")


def test_dates_are_of_creation_and_inclusive(tenant: Tenant) -> None:
    first, second, third = (filed(tenant.client) for _ in range(3))
    at = {file["id"]: file["created_at"] for file in tenant.client.get(FILES).json()["files"]}
    assert set(listed(tenant.client, date_from=at[second])) == {second, third}
    assert set(listed(tenant.client, date_to=at[second])) == {first, second}
    assert listed(tenant.client, date_from=at[second], date_to=at[second]) == [second]
    later = (datetime.now(UTC) + timedelta(days=1)).replace(tzinfo=None).isoformat()
    assert listed(tenant.client, date_from=later) == []


def test_ids_name_files_and_unknown_ones_are_left_out(tenant: Tenant) -> None:
    first, second = filed(tenant.client), filed(tenant.client)
    filed(tenant.client)
    assert set(listed(tenant.client, ids=f"{first},{second},{uuid.uuid4()}")) == {first, second}
    many = [str(uuid.uuid4()) for _ in range(499)]
    assert listed(tenant.client, ids=",".join([*many, first])) == [first]
    refused(tenant.client.get(FILES, params={"ids": ",".join([*many, first, second])}), 422, "VALIDATION_ERROR")


def test_conditions_are_joined_by_and(tenant: Tenant) -> None:
    file_id = filed(tenant.client, title="one thing", tags="a,b", description="of beauty")
    filed(tenant.client, title="one thing", tags="a", description="of beauty")
    filed(tenant.client, title="other thing", tags="a,b")
    filed(tenant.client, title="one thing", tags="a,b")
    query = {"search": "one", "tags": "a,b", "has_description": "true", "media_types": "image"}
    assert listed(tenant.client, **query) == [file_id]
    assert listed(tenant.client, **query, ids=f"{file_id},{uuid.uuid4()}") == [file_id]
    assert listed(tenant.client, **query | {"search": "other"}, ids=file_id) == []


def test_a_folder_lists_its_own_files_and_none_below(tenant: Tenant) -> None:
    upper = tenant.client.post(FOLDERS, json={"name": "upper"}).json()["id"]
    lower = tenant.client.post(FOLDERS, json={"name": "lower", "parent_id": upper}).json()["id"]
    first, second = filed(tenant.client), filed(tenant.client, title="two", tags="x")
    tenant.client.post(f"{FOLDERS}/move-files", json={"file_ids": [first], "folder_id": upper})
    tenant.client.post(f"{FOLDERS}/move-files", json={"file_ids": [second], "folder_id": lower})
    assert listed(tenant.client, folder_id=upper) == [first]
    assert listed(tenant.client, folder_id=lower) == [second]
    assert listed(tenant.client, folder_id=lower, search="two", tags="x", has_description=False) == [second]
    assert listed(tenant.client, folder_id=upper, search="two") == []


def test_an_unknown_or_malformed_folder_holds_nothing(tenant: Tenant) -> None:
    filed(tenant.client)
    for folder in (str(uuid.uuid4()), "folder_abc123", ""):
        answer = tenant.client.get(FILES, params={"folder_id": folder})
        assert answer.json() == {"files": [], "total_count": 0, "has_more": False}


@pytest.mark.parametrize(
    "query",
    [
        {"limit": "0"}, {"limit": "101"}, {"limit": "x"}, {"offset": "-1"}, {"offset": "9" * 30},
        {"sort_by": "name"}, {"sort_order": "up"}, {"search_mode": "some"}, {"media_types": "image,poem"},
        {"date_from": "yesterday"}, {"date_from": "123456"}, {"date_to": "2026-13-01T00:00:00Z"},
        {"has_description": "maybe"},
        {"ids": "not-a-uuid"}, {"ids": ",".join([str(uuid.uuid4())] * 501)},
        {"search": "x" * 1001}, {"search": "a\0b"}, {"deleted": "perhaps"},
    ],
)  # fmt: skip
def test_a_bad_parameter_is_422(tenant: Tenant, query: dict[str, str]) -> None:
    body = refused(tenant.client.get(FILES, params=query), 422, "VALIDATION_ERROR")
    assert body["error"]["details"]["field"] in query
    assert body["error"]["message"] == "Invalid request parameters"


def test_the_documented_example_of_an_error_holds(tenant: Tenant) -> None:
    body = refused(tenant.client.get(f"{FILES}?limit=500"), 422, "VALIDATION_ERROR")
    assert body["error"]["details"] == {"field": "limit", "issue": "Must be between 1 and 100"}


def test_odd_searches_find_nothing_and_break_nothing(tenant: Tenant) -> None:
    filed(tenant.client, title="50% off_sale")
    for text in ('"', "'", "%", "_", "50% off_", "AND OR NOT", "\x1d", "\x1f", "*", "🦊" * 20):
        for mode in ("all", "metadata", "visible_text"):
            answer = tenant.client.get(FILES, params={"search": text, "search_mode": mode})
            assert answer.status_code == 200
    assert len(listed(tenant.client, search="50% off_")) == 1
    assert listed(tenant.client, search="50_ off") == []
    empty = tenant.client.get(FILES, params={"search": "", "tags": "", "ids": "", "media_types": ""})
    assert empty.json()["total_count"] == 1


def test_a_search_in_an_empty_library_finds_nothing(tenant: Tenant) -> None:
    assert listed(tenant.client, search="anything") == []
    assert listed(tenant.client, tags="anything", media_types="video") == []


def test_what_a_dispatched_job_made_is_a_file_like_any_other(tenant: Tenant) -> None:
    key = tenant.client.post("/v1/uploads", files={"file": ("input.png", picture("PNG"))}).json()["upload_key"]
    job = tenant.client.post("/v1/workflows/thumbnail", json={"source_image_s3_key": key}).json()["job_id"]
    wait_for(lambda: tenant.client.get(f"/v1/jobs/{job}").json()["status"] == "SUCCESS", "the job", 60)
    for sort_by in ("created_at", "content_created_at", "title", "size_bytes"):
        assert len(listed(tenant.client, sort_by=sort_by)) == 2
        assert len(listed(tenant.client, sort_by=sort_by, has_description=False)) == 2


def test_every_answer_tells_the_rate(tenant: Tenant) -> None:
    for path in (FILES, f"{FILES}/{uuid.uuid4()}", f"{FILES}?limit=0"):
        headers = tenant.client.get(path).headers
        assert {"x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"} <= set(headers)


def test_without_a_good_key_it_is_401(tenant: Tenant) -> None:
    for key in (None, "mt_live_" + "x" * 40):
        with tenant.server.client(key) as client:
            answer = client.get(FILES)
            refused(answer, 401, "INVALID_API_KEY")
            assert answer.headers["www-authenticate"] == "Bearer"


def test_another_tenants_files_are_not_listed(tenant: Tenant, other_tenant: Tenant) -> None:
    file_id = filed(tenant.client, title="mine alone", tags="mine")
    for query in ({}, {"search": "mine alone"}, {"tags": "mine"}, {"ids": file_id}, {"has_description": "false"}):
        assert listed(other_tenant.client, **query) == []
