"""Titles and tags changed, files deleted, restored and purged (contract, 3.8 and 7)."""

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from mediatheque.app import make_fsck, make_trash
from mediatheque.core.fsck import Report
from mediatheque.model import Queue
from mediatheque.records.engine import Database
from mediatheque.records.tables import asset
from tests.conftest import DATABASES, Tenant
from tests.parts import Whole, opened
from tests.pictures import picture
from tests.support import Server, until_ready, upload, wait_for
from tests.surfaces.files import chunks
from tests.surfaces.files.conftest import FILES, FOLDERS, anonymous, filed, listed, ready, refused
from tests.surfaces.files.test_presigned import confirm, initiate, put


def test_title_and_tags_are_set_and_found_by(tenant: Tenant) -> None:
    file_id = filed(tenant.client, title="Before", tags="old")
    before = tenant.client.get(f"{FILES}/{file_id}").json()
    answer = tenant.client.patch(f"{FILES}/{file_id}", json={"title": "After", "tags": ["b", "a", "b", " "]}).json()
    assert set(answer) == {"id", "title", "tags", "updated_at"}
    assert (answer["id"], answer["title"], answer["tags"]) == (file_id, "After", ["b", "a"])
    assert answer["updated_at"] > before["updated_at"]
    assert listed(tenant.client, search="after") == listed(tenant.client, tags="a,b") == [file_id]
    assert listed(tenant.client, search="before") == listed(tenant.client, tags="old") == []


@pytest.mark.parametrize(
    ("change", "title", "tags"),
    [
        ({}, "Title", ["tag"]),
        ({"title": None}, None, ["tag"]),
        ({"title": "  "}, None, ["tag"]),
        ({"tags": None}, "Title", ["tag"]),
        ({"tags": []}, "Title", []),
        ({"title": "x" * 255}, "x" * 255, ["tag"]),
        ({"tags": [f"{number:050}" for number in range(40)]}, "Title", [f"{number:050}" for number in range(40)]),
        ({"unknown": 1}, "Title", ["tag"]),
    ],
)
def test_what_a_change_leaves_out_stays(tenant: Tenant, change: Any, title: str | None, tags: list[str]) -> None:
    file_id = filed(tenant.client, title="Title", tags="tag")
    answer = tenant.client.patch(f"{FILES}/{file_id}", json=change)
    assert answer.status_code == 200
    detail = tenant.client.get(f"{FILES}/{file_id}").json()
    assert (detail["title"], detail["tags"]) == (title, tags)


@pytest.mark.parametrize(
    "change",
    [
        {"title": "x" * 256}, {"tags": [str(number) for number in range(41)]}, {"tags": ["x" * 51]}, {"tags": "a"},
        {"tags": [1]}, {"title": 5}, {"title": "a\0b"}, {"tags": ["a\0b"]}, [], "text",
        {"title": "new", "tags": ["x" * 51]},
    ],
)  # fmt: skip
def test_a_change_beyond_the_limits_is_422_and_changes_nothing(tenant: Tenant, change: Any) -> None:
    file_id = filed(tenant.client, title="Title", tags="tag")
    refused(tenant.client.patch(f"{FILES}/{file_id}", json=change), 422, "VALIDATION_ERROR")
    detail = tenant.client.get(f"{FILES}/{file_id}").json()
    assert (detail["title"], detail["tags"]) == ("Title", ["tag"])


def test_a_deleted_file_is_hidden_everywhere_at_once(tenant: Tenant) -> None:
    image = upload(tenant.client, name="away.jpg", folder="box", alt_text="words of it")
    until_ready(tenant.client, image)
    file_id = listed(tenant.client)[0]
    detail = tenant.client.get(f"{FILES}/{file_id}").json()
    public = tenant.client.get(f"/api/v1/assets/{file_id}").json()["data"]["publicUrl"]
    urls = [detail["original_url"], detail["thumbnail_url"], public, image["url"], image["thumbnail_url"],
            tenant.client.get(f"{FILES}/{file_id}/download").headers["location"]]  # fmt: skip
    assert {anonymous(url).status_code for url in urls} == {200}

    answer = tenant.client.delete(f"{FILES}/{file_id}")
    assert answer.status_code == 200
    assert set(answer.json()) == {"id", "deleted_at", "message"}
    assert (answer.json()["id"], answer.json()["message"]) == (file_id, "File deleted successfully")

    assert {anonymous(url).status_code for url in urls} <= {404, 410}
    assert anonymous(image["url"]).status_code == 410
    for path in (f"{FILES}/{file_id}", f"{FILES}/{file_id}/download", f"/api/v1/assets/{file_id}",
                 f"/v3/images/{image['id']}"):  # fmt: skip
        assert tenant.client.get(path).status_code == 404
    assert listed(tenant.client) == listed(tenant.client, search="words of it") == []
    assert tenant.client.get("/v3/images").json()["total"] == 0
    assert tenant.client.get("/v3/images", params={"search": "words"}).json()["total"] == 0
    assert tenant.client.get("/v3/images/folders").json() == {"folders": []}
    assert tenant.client.get("/api/v1/assets").json()["data"]["total"] == 0
    usage = tenant.client.get("/api/v1/assets/usage-stats").json()["data"]
    assert (usage["totalAssets"], usage["totalBytes"], usage["totalDerivatives"]) == (0, 0, 0)
    assert usage["mostActiveSkill"] is None
    refused(tenant.client.delete(f"{FILES}/{file_id}"), 404, "RESOURCE_NOT_FOUND")
    assert tenant.client.delete(f"/api/v1/assets/{file_id}").status_code == 404
    assert tenant.client.delete(f"/v3/images/{image['id']}").status_code == 404
    assert list(tenant.objects())


def test_a_restored_file_is_what_it_was(tenant: Tenant) -> None:
    image = upload(tenant.client, name="back.jpg", folder="box", alt_text="words of it")
    until_ready(tenant.client, image)
    file_id = listed(tenant.client)[0]
    tenant.client.patch(f"{FILES}/{file_id}", json={"title": "Back", "tags": ["t"]})
    usage = tenant.client.get("/api/v1/assets/usage-stats").json()
    before = ready(tenant.client, file_id)
    tenant.client.delete(f"{FILES}/{file_id}")
    answer = tenant.client.post(f"{FILES}/{file_id}/restore")
    assert answer.status_code == 200
    same = set(before) - {"original_url", "full_url", "medium_url", "thumbnail_url"}
    assert {name: answer.json()[name] for name in same} == {name: before[name] for name in same}
    assert anonymous(answer.json()["original_url"]).status_code == 200
    assert anonymous(image["url"]).status_code == 200
    assert listed(tenant.client, search="words of it", tags="t") == [file_id]
    assert tenant.client.get("/v3/images", params={"folder": "box"}).json()["total"] == 1
    assert tenant.client.get("/api/v1/assets/usage-stats").json() == usage
    assert listed(tenant.client, deleted=True) == []
    refused(tenant.client.post(f"{FILES}/{file_id}/restore"), 404, "RESOURCE_NOT_FOUND")


def test_the_trash_is_listed_and_searched_like_the_library(tenant: Tenant) -> None:
    there = filed(tenant.client, title="There", tags="x")
    gone = [filed(tenant.client, title=f"Gone {number}", tags=f"x,{number}") for number in range(3)]
    for file_id in gone:
        tenant.client.delete(f"{FILES}/{file_id}")
    assert listed(tenant.client) == [there]
    assert listed(tenant.client, deleted=True) == gone[::-1]
    assert listed(tenant.client, deleted=True, sort_by="title", sort_order="asc") == gone
    assert listed(tenant.client, deleted=True, search="gone 1") == listed(tenant.client, deleted=True, tags="x,1")
    assert listed(tenant.client, deleted=True, search="gone 1", search_mode="metadata") == [gone[1]]
    assert listed(tenant.client, deleted=True, search="there") == []
    assert listed(tenant.client, deleted=True, media_types="video") == []
    page = tenant.client.get(FILES, params={"deleted": True, "limit": 2}).json()
    assert (page["total_count"], page["has_more"], len(page["files"])) == (3, True, 2)
    item = page["files"][0]
    assert item["deleted_at"] and item["thumbnail_url"] is None


def test_a_file_never_deleted_or_unknown_cannot_be_restored(tenant: Tenant) -> None:
    for file_id in (filed(tenant.client), str(uuid.uuid4())):
        refused(tenant.client.post(f"{FILES}/{file_id}/restore"), 404, "RESOURCE_NOT_FOUND")


def test_what_another_dialect_erased_for_good_is_not_in_the_trash(tenant: Tenant) -> None:
    file_id = filed(tenant.client)
    assert tenant.client.delete(f"/api/v1/assets/{file_id}").status_code == 200
    assert listed(tenant.client, deleted=True) == []
    refused(tenant.client.post(f"{FILES}/{file_id}/restore"), 404, "RESOURCE_NOT_FOUND")


def test_a_batch_tells_what_became_of_each(tenant: Tenant, other_tenant: Tenant) -> None:
    first, second = filed(tenant.client), filed(tenant.client)
    theirs, unknown = filed(other_tenant.client), str(uuid.uuid4())
    answer = tenant.client.post(f"{FILES}/batch-delete", json={"file_ids": [first, unknown, theirs, second]})
    assert answer.status_code == 200
    body = answer.json()
    assert set(body) == {"deleted", "skipped", "failed", "summary"}
    assert [item["id"] for item in body["deleted"]] == [first, second]
    assert all(item["status"] == "deleted" and item["deleted_at"] for item in body["deleted"])
    assert [(item["id"], item["status"], item["message"], item["deleted_at"]) for item in body["failed"]] == [
        (unknown, "failed", "File not found", None), (theirs, "failed", "File not found", None)]  # fmt: skip
    assert body["skipped"] == []
    assert body["summary"] == {"total": 4, "deleted": 2, "skipped": 0, "failed": 2}
    assert listed(tenant.client) == []
    assert listed(other_tenant.client) == [theirs]
    again = tenant.client.post(f"{FILES}/batch-delete", json={"file_ids": [first]}).json()
    assert again["summary"] == {"total": 1, "deleted": 0, "skipped": 0, "failed": 1}


@pytest.mark.parametrize(
    "body",
    [
        {}, {"file_ids": []}, {"file_ids": [str(uuid.uuid4()) for _ in range(101)]}, {"file_ids": ["nonsense"]},
        {"file_ids": ["11111111-1111-4111-8111-111111111111"] * 2}, {"file_ids": "x"}, {"file_ids": None}, [],
    ],
)  # fmt: skip
def test_a_bad_batch_is_422_and_deletes_nothing(tenant: Tenant, body: Any) -> None:
    file_id = filed(tenant.client)
    if isinstance(body, dict) and isinstance(body.get("file_ids"), list) and body["file_ids"]:
        body = {"file_ids": [file_id, *body["file_ids"]]}
    refused(tenant.client.post(f"{FILES}/batch-delete", json=body), 422, "VALIDATION_ERROR")
    assert listed(tenant.client) == [file_id]


def test_a_file_deleted_and_restored_while_it_is_worked_on_ends_whole(tenant: Tenant) -> None:
    ids = [filed(tenant.client, seed=number, runEnrichment="true") for number in range(6)]
    for _ in range(3):
        for file_id in ids:
            assert tenant.client.delete(f"{FILES}/{file_id}").status_code == 200
        for file_id in ids:
            assert tenant.client.post(f"{FILES}/{file_id}/restore").status_code == 200
    for file_id in ids:
        assert ready(tenant.client, file_id)["variant_count"] == 5
        wait_for(partial(is_described, tenant, file_id), "words", 60)


def is_described(tenant: Tenant, file_id: str) -> bool:
    return bool(tenant.client.get(f"{FILES}/{file_id}").json()["description_status"] == "completed")


@pytest.fixture(scope="module", params=DATABASES)
def small(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with a quota of one picture and a half."""
    environment = {"MEDIATHEQUE_STORAGE_QUOTA": str(int(len(picture("PNG")) * 1.5))}
    if request.param == "postgresql":
        environment["MEDIATHEQUE_DATABASE_URL"] = request.getfixturevalue("postgres").create()
    running = Server(tmp_path_factory.mktemp("small") / "data", environment).start()
    yield running
    assert running.stop() == 0


def test_the_trash_counts_against_the_quota(small: Server) -> None:
    with small.client() as client:
        file_id = filed(client)
        assert client.delete(f"{FILES}/{file_id}").status_code == 200
        refusal = client.post("/v3/images", files={"file": ("a.png", picture("PNG", seed=1))})
        assert refusal.status_code == 413
        assert client.post(f"{FILES}/{file_id}/restore").status_code == 200


@pytest.fixture(params=DATABASES)
def whole(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Whole]:
    url = request.getfixturevalue("postgres").create() if request.param == "postgresql" else ""
    with opened(tmp_path, database_url=url) as it:
        yield it


def taken(whole: Whole, name: str = "a.png") -> str:
    """The id of a picture on which nobody has worked yet."""
    answer = whole.request("POST", "/v3/images", files={"file": (name, picture("PNG"))})
    assert answer.status_code == 201
    found = whole.request("GET", FILES, params={"sort_by": "created_at"}).json()
    return str(found["files"][0]["id"])


def checked(whole: Whole) -> Report:
    return make_fsck(whole.parts).check(grace=timedelta(), sample_percent=100)


def age(database: Database, file_id: str, days: float) -> None:
    with database.write() as tx:
        deleted_at = datetime.now(UTC) - timedelta(days=days)
        tx.execute(update(asset).where(asset.c.uuid == uuid.UUID(file_id)).values(deleted_at=deleted_at))


def finish(whole: Whole) -> None:
    with whole.working():
        wait_for(whole.is_idle, "the work to end", 60)


def test_nothing_is_done_to_a_file_in_the_trash_until_it_is_restored(whole: Whole) -> None:
    file_id = taken(whole)
    whole.request("DELETE", f"{FILES}/{file_id}")
    assert whole.parts.pipeline.depth()[Queue.FAST] == 0
    assert checked(whole).is_clean
    restored = whole.request("POST", f"{FILES}/{file_id}/restore").json()
    assert restored["variant_status"] == "pending"
    finish(whole)
    assert whole.request("GET", f"{FILES}/{file_id}").json()["variant_status"] == "completed"
    assert checked(whole).is_clean


def test_what_has_lain_in_the_trash_for_thirty_days_is_purged_and_what_has_not_stays(whole: Whole) -> None:
    old, recent = taken(whole), taken(whole)
    finish(whole)
    for file_id, days in ((old, 30.1), (recent, 29.9)):
        assert whole.request("DELETE", f"{FILES}/{file_id}").status_code == 200
        age(whole.parts.database, file_id, days)
    before = len(list(whole.parts.store.list()))
    make_trash(whole.parts).purge()
    assert len(list(whole.parts.store.list())) == before / 2
    assert whole.request("POST", f"{FILES}/{old}/restore").status_code == 404
    found = whole.request("GET", FILES, params={"deleted": True}).json()
    assert [file["id"] for file in found["files"]] == [recent]
    assert checked(whole).is_clean
    assert whole.request("POST", f"{FILES}/{recent}/restore").status_code == 200


def test_a_worker_purges_by_itself(whole: Whole) -> None:
    file_id = taken(whole)
    whole.request("DELETE", f"{FILES}/{file_id}")
    age(whole.parts.database, file_id, 31)
    with whole.working():
        wait_for(lambda: not list(whole.parts.store.list()), "the bytes to be gone", 60)
    assert checked(whole).is_clean


def test_fsck_looks_at_what_lies_in_the_trash(whole: Whole) -> None:
    file_id = taken(whole)
    finish(whole)
    whole.request("DELETE", f"{FILES}/{file_id}")
    report = checked(whole)
    assert report.is_clean and report.objects == 6 and report.assets == 1
    thumbnail = next(found.key for found in whole.parts.store.list("variants") if "tiny_64" in found.key)
    whole.parts.store.delete(thumbnail)
    assert checked(whole).missing_objects == [thumbnail]
    assert make_fsck(whole.parts).repair(grace=timedelta(), sample_percent=0).is_clean
    assert whole.is_idle()
    assert whole.request("POST", f"{FILES}/{file_id}/restore").status_code == 200
    finish(whole)
    assert whole.request("GET", f"{FILES}/{file_id}").json()["variant_count"] == 5


def test_a_file_whose_bytes_were_lost_in_the_trash_is_erased_by_a_repair(whole: Whole) -> None:
    file_id = taken(whole)
    finish(whole)
    whole.request("DELETE", f"{FILES}/{file_id}")
    (original,) = (found.key for found in whole.parts.store.list("uploads"))
    whole.parts.store.delete(original)
    assert make_fsck(whole.parts).repair(grace=timedelta(), sample_percent=0).is_clean
    assert list(whole.parts.store.list()) == []
    assert whole.request("GET", FILES, params={"deleted": True}).json()["total_count"] == 0
    usage = whole.request("GET", "/api/v1/assets/usage-stats").json()["data"]
    assert (usage["totalAssets"], usage["totalBytes"], usage["totalDerivatives"]) == (0, 0, 0)


def test_a_file_can_be_restored_after_its_folder_is_gone(tenant: Tenant) -> None:
    folder = tenant.client.post(FOLDERS, json={"name": "short-lived"}).json()["id"]
    file_id = filed(tenant.client)
    tenant.client.post(f"{FOLDERS}/move-files", json={"file_ids": [file_id], "folder_id": folder})
    tenant.client.delete(f"{FILES}/{file_id}")
    assert tenant.client.delete(f"{FOLDERS}/{folder}").json()["files_affected"] == 0
    assert tenant.client.post(f"{FILES}/{file_id}/restore").status_code == 200
    assert listed(tenant.client) == [file_id]


def test_a_file_whose_bytes_are_still_coming_is_skipped(tenant: Tenant, other_tenant: Tenant) -> None:
    coming, foreign, there = initiate(tenant.client), initiate(other_tenant.client), filed(tenant.client)
    video = chunks.initiated(tenant.client)["media_id"]
    asked = [coming["image_id"], video, foreign["image_id"], there]
    found = tenant.client.post(f"{FILES}/batch-delete", json={"file_ids": asked}).json()
    message = "File is still being uploaded"
    assert found["skipped"] == [
        {"id": one, "status": "skipped", "message": message, "deleted_at": None} for one in asked[:2]
    ]
    assert [one["id"] for one in found["failed"]] == [foreign["image_id"]]
    assert [one["id"] for one in found["deleted"]] == [there]
    assert found["summary"] == {"total": 4, "deleted": 1, "skipped": 2, "failed": 1}
    put(coming)
    assert confirm(tenant.client, coming).status_code == 200


def test_a_refusal_names_the_field_and_not_the_place_in_its_list(tenant: Tenant) -> None:
    file_id = filed(tenant.client)
    for answer, field in (
        (tenant.client.patch(f"{FILES}/{file_id}", json={"tags": ["a", 1]}), "tags"),
        (tenant.client.post(f"{FILES}/batch-delete", json={"file_ids": ["x"]}), "file_ids"),
        (tenant.client.patch(f"{FILES}/{file_id}", content=b"{", headers={"Content-Type": "application/json"}), "body"),
    ):
        assert refused(answer, 422, "VALIDATION_ERROR")["error"]["details"]["field"] == field
