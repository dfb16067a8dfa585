"""Every documented field of every route of `/api/v2`, held against real answers (contract, 3 and 9)."""

import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from mediatheque.core.accounts import Accounts
from mediatheque.model import Role
from mediatheque.records.engine import Database
from tests.documents import pdf
from tests.pictures import picture
from tests.support import Server, wait_for
from tests.surfaces.files import chunks, fields, test_document_uploads, test_presigned
from tests.surfaces.files.conftest import FILES, FOLDERS
from tests.surfaces.files.doors import streamed
from tests.surfaces.files.test_batches import BATCH, until_ended

SESSIONS = "/api/v2/uploads/sessions"
SHAPES: dict[str, Any] = {
    "initiate": fields.PROMISED,
    "confirm": {"image_id": fields.uuid, "description_status": fields.DESCRIPTION_STATUS, "title": fields.text,
                "tags": [fields.text]},
    "confirm without a title": {"image_id": fields.uuid, "description_status": fields.DESCRIPTION_STATUS,
                                "title": fields.null, "tags": lambda value: value == []},
    "stream": fields.STREAMED,
    "stream a document": fields.STREAMED,
    "batch": fields.BATCH,
    "large batch": {**fields.BATCH, "immediate_results": fields.null, "rejections": fields.null},
    "status": fields.STATUS,
    "results": fields.RESULTS,
    "sessions": fields.SESSIONS,
    "quota": fields.QUOTA,
    "duplicates": {"duplicates": [fields.text], "unique": [fields.text],
                   "image_ids": lambda value: all(map(fields.uuid, value.values()))},
    "file status": fields.FILE_STATUS,
    "list of images": {"files": [fields.USER_FILE], **fields.LIST},
    "list of documents": {"files": [{**fields.BARE, **fields.OF_DOCUMENTS}], **fields.LIST},
    "list of videos": {"files": [{**fields.BARE, **fields.OF_VIDEOS}], **fields.LIST},
    "image": fields.DETAIL,
    "document": {**fields.UNDESCRIBED, **fields.OF_DOCUMENTS},
    "video": {**fields.UNDESCRIBED, **fields.OF_VIDEOS},
    "trigger": fields.TRIGGERED,
    "change": {"id": fields.uuid, "title": fields.text, "tags": [fields.text], "updated_at": fields.moment},
    "delete": {"id": fields.uuid, "deleted_at": fields.moment,
               "message": fields.among("File deleted successfully")},
    "restore": fields.DETAIL,
    "batch delete": fields.BATCH_DELETED,
    "folder": fields.FOLDER,
    "folders": {"folders": [fields.FOLDER]},
    "open folder": {"folder": fields.FOLDER, "breadcrumbs": [fields.CRUMB], "subfolders": [fields.FOLDER],
                    "files": [fields.USER_FILE], "total_files": fields.whole, "has_more_files": fields.flag},
    "breadcrumbs": {"breadcrumbs": [fields.CRUMB]},
    "move files": {"moved": fields.whole, "total_requested": fields.whole},
    "move": fields.FOLDER,
    "remove folder": {"id": fields.uuid, "files_affected": fields.whole, "subfolders_affected": fields.whole,
                      "mode": fields.among("move_to_parent", "delete_all")},
    "video initiate": fields.VIDEO_INITIATED,
    "chunk confirm": fields.CHUNK_CONFIRMED,
    "chunk retry": fields.CHUNK,
    "video complete": fields.VIDEO_COMPLETED,
    "document request": fields.DOCUMENT_PROMISED,
    "document confirm": fields.DOCUMENT_CONFIRMED,
    "document status": fields.DOCUMENT_STATUS,
    "document text": fields.DOCUMENT_TEXT,
    "document passages": fields.PASSAGES,
    "document search": fields.DOCUMENT_SEARCH,
    "refusal": {"error": {"code": fields.text, "message": fields.text, "details": lambda it: it == {}},
                "request_id": fields.uuid},
    "invalid": {"error": {"code": fields.text, "message": fields.text,
                          "details": {"field": fields.text, "issue": fields.text}}, "request_id": fields.uuid,
                "detail": lambda value: all(set(it) == {"loc", "msg", "type"} for it in value) and value != []},
}  # fmt: skip
"""By the name that the fixture gives to a real answer."""


@pytest.fixture(scope="module")
def answers(server: Server) -> Iterator[dict[str, Any]]:
    """One real answer of every route, of a tenant that has one of everything."""
    url = server.environment.get("MEDIATHEQUE_DATABASE_URL") or f"sqlite:///{server.data_dir / 'mediatheque.db'}"
    database = Database(url)
    key = Accounts(database).create_key(f"tenant-{uuid.uuid4().hex[:12]}", role=Role.EDITOR)
    database.close()
    with server.client(key.key) as client:
        yield {**_uploads(client), **_sent_in_steps(client), **_library(client), **_folders(client)}


@pytest.mark.parametrize("name", list(SHAPES))
def test_every_documented_field_is_there_and_nothing_else(answers: dict[str, Any], name: str) -> None:
    assert fields.differences(answers[name], SHAPES[name]) == []


def test_a_field_that_lacks_or_has_another_type_is_told() -> None:
    shape = {"a": fields.whole, "b": fields.maybe([fields.text])}
    assert fields.differences({"a": 1, "b": None}, shape) == fields.differences({"a": 1, "b": ["x"]}, shape) == []
    for wrong in ({"a": True, "b": None}, {"a": 1}, {"a": 1, "b": [2]}, {"a": 1, "b": None, "c": 1}):
        assert fields.differences(wrong, shape)


def _uploads(client: httpx.Client) -> dict[str, Any]:
    promised = test_presigned.initiate(client, title="A title", tags="a")
    plain = test_presigned.initiate(client)
    for made in (promised, plain):
        test_presigned.put(made)
    few = [("a.png", picture("PNG", seed=1)), ("b.pdf", pdf("Page")), ("c.png", b"no picture")]
    batch = _posted(client, BATCH, files=[("files", it) for it in few])
    until_ended(client, batch)
    return {
        "initiate": promised,
        "confirm": test_presigned.confirm(client, promised).json(),
        "confirm without a title": test_presigned.confirm(client, plain).json(),
        "stream": streamed(client, picture("PNG", 900, 700, seed=2), tags="x", title="Described"),
        "stream a document": streamed(client, pdf("One", "Two"), "paper.pdf"),
        "batch": batch,
        "large batch": _posted(
            client, BATCH, files=[("files", (f"{it}.png", picture("PNG", seed=it))) for it in range(10, 16)]
        ),
        "status": client.get(batch["status_url"]).json(),
        "results": client.get(f"{SESSIONS}/{batch['session_id']}/results").json(),
        "sessions": client.get(SESSIONS).json(),
        "quota": client.get("/api/v2/uploads/quota-check", params={"file_count": 2}).json(),
        "file status": client.get(f"/api/v2/uploads/status/{promised['image_id']}").json(),
        "refusal": client.get(f"{FILES}/{uuid.uuid4()}").json(),
        "invalid": client.get(FILES, params={"limit": 0}).json(),
    }


def _sent_in_steps(client: httpx.Client) -> dict[str, Any]:
    video, other = chunks.initiated(client), chunks.initiated(client)
    etag = chunks.put(video).headers["etag"]
    paper = test_document_uploads.asked(client)
    test_document_uploads.put(paper)
    confirmed = test_document_uploads.confirm(client, paper).json()
    path = f"/api/v2/documents/{confirmed['document_id']}"
    wait_for(lambda: bool(client.get(f"{path}/chunks").json()["chunks"]), "the document's text", 60)
    (passage,) = client.get(f"{path}/chunks").json()["chunks"]
    asked = {"query": passage["content"], "similarity_threshold": 0}
    return {
        "video initiate": video,
        "chunk confirm": chunks.confirm(client, video, etag).json(),
        "chunk retry": _posted(client, f"{chunks.UPLOADS}/chunks/retry", json=chunks.ids(other) | {"chunk_number": 1}),
        "video complete": chunks.complete(client, video, auto_analyze=False).json(),
        "document request": paper,
        "document confirm": confirmed,
        "document status": test_document_uploads.status(client, confirmed["document_id"]),
        "document text": client.get(f"{path}/text").json(),
        "document passages": client.get(f"{path}/chunks").json(),
        "document search": _posted(client, "/api/v2/documents/search", json=asked),
    }


def _library(client: httpx.Client) -> dict[str, Any]:
    (described,) = client.get(FILES, params={"search": "Described", "search_mode": "metadata"}).json()["files"]
    path = f"{FILES}/{described['id']}"
    wait_for(lambda: bool(client.get(path).json()["full_descriptions"]), "the description", 60)
    image = client.get(path).json()
    (video,) = _files(client, "video")
    document = _files(client, "document")[0]
    gone, coming = streamed(client, picture("PNG", seed=3))["image_id"], test_presigned.initiate(client)["image_id"]
    ids = [gone, coming, str(uuid.uuid4())]
    return {
        "duplicates": _posted(
            client,
            "/api/v2/uploads/check-duplicates",
            json={"hashes": [image["hash"][7:], "0" * 64]},
        ),
        "list of images": client.get(FILES, params={"tags": "x"}).json(),
        "list of documents": client.get(FILES, params={"media_types": "document"}).json(),
        "list of videos": client.get(FILES, params={"media_types": "video"}).json(),
        "image": image,
        "document": client.get(f"{FILES}/{document['id']}").json(),
        "video": client.get(f"{FILES}/{video['id']}").json(),
        "trigger": client.post(f"{path}/trigger-variants").json(),
        "change": client.patch(path, json={"title": "Another", "tags": ["x", "y"]}).json(),
        "delete": client.delete(path).json(),
        "restore": client.post(f"{path}/restore").json(),
        "batch delete": _posted(client, f"{FILES}/batch-delete", json={"file_ids": ids}),
    }


def _folders(client: httpx.Client) -> dict[str, Any]:
    outer = _posted(client, FOLDERS, json={"name": "outer"})
    inner = _posted(client, FOLDERS, json={"name": "inner", "parent_id": outer["id"]})
    (image,) = client.get(FILES, params={"tags": "x"}).json()["files"]
    moved = _posted(client, f"{FOLDERS}/move-files", json={"file_ids": [image["id"]], "folder_id": outer["id"]})
    opened = client.get(f"{FOLDERS}/{outer['id']}").json()
    return {
        "folder": inner,
        "folders": client.get(FOLDERS).json(),
        "open folder": opened,
        "breadcrumbs": client.get(f"{FOLDERS}/{inner['id']}/breadcrumbs").json(),
        "move files": moved,
        "move": _posted(client, f"{FOLDERS}/{inner['id']}/move", json={"new_parent_id": None}),
        "remove folder": client.delete(f"{FOLDERS}/{outer['id']}").json(),
    }


def _posted(client: httpx.Client, path: str, **options: Any) -> dict[str, Any]:
    answer = client.post(path, **options)
    assert answer.status_code < 300, answer.text
    return dict(answer.json())


def _files(client: httpx.Client, kind: str) -> list[dict[str, Any]]:
    return list(client.get(FILES, params={"media_types": kind}).json()["files"])
