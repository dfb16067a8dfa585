"""Files that the tests upload through other doors of the same library, and what every answer has to look like."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from mediatheque.records import assets, search, tallies
from mediatheque.records.assets import Scope
from mediatheque.records.engine import Database
from tests.documents import pdf
from tests.pictures import picture
from tests.support import wait_for
from tests.surfaces.files.doors import streamed

FILES, FOLDERS = "/api/v2/user-files", "/api/v2/folders"


def filed(client: httpx.Client, name: str = "photo.png", *, seed: int = 0, **fields: str) -> str:
    """The id of a private picture, uploaded as an asset; `title` and `tags` are set afterwards."""
    changes: dict[str, Any] = {key: fields.pop(key) for key in ("title",) if key in fields}
    if "tags" in fields:
        changes["tags"] = fields.pop("tags").split(",")
    data = {"isPublic": "false", "runEnrichment": "false"} | fields
    width = int(data.pop("width", "64"))
    answer = client.post(
        "/api/v1/assets", files={"file": (name, picture("PNG", width, 48, seed=seed), "image/png")}, data=data
    )
    assert answer.status_code == 202, answer.text
    file_id = str(answer.json()["data"]["id"])
    if changes:
        assert client.patch(f"{FILES}/{file_id}", json=changes).status_code == 200
    return file_id


def ready(client: httpx.Client, file_id: str) -> dict[str, Any]:
    """The detail, when its variants are made."""

    def is_ready() -> bool:
        return bool(client.get(f"{FILES}/{file_id}").json()["variant_status"] == "completed")

    wait_for(is_ready, "the variants", 60)
    return dict(client.get(f"{FILES}/{file_id}").json())


def settled(client: httpx.Client, file_id: str) -> dict[str, Any]:
    """The detail, when nothing is being made of the file any more: what describes a picture makes a variant, too."""
    ended = {"completed", "failed", "skipped"}
    ready(client, file_id)
    wait_for(lambda: client.get(f"{FILES}/{file_id}").json()["description_status"] in ended, "the description", 60)
    return dict(client.get(f"{FILES}/{file_id}").json())


def listed(client: httpx.Client, **query: Any) -> list[str]:
    """Ids of the files of a list, all on one page."""
    answer = client.get(FILES, params={"limit": 100} | query)
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert found["total_count"] == len(found["files"])
    return [file["id"] for file in found["files"]]


def refused(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The refusal in this dialect's shape, held against status and code."""
    assert answer.status_code == status, answer.text
    body = dict(answer.json())
    assert set(body) == {"error", "request_id"} | ({"detail"} if status == 422 else set())
    assert set(body["error"]) == {"code", "message", "details"}
    assert body["error"]["code"] == code
    assert uuid.UUID(body["request_id"])
    if status == 422:
        assert all(set(problem) == {"loc", "msg", "type"} for problem in body["detail"])
    return body


def anonymous(url: str, **options: Any) -> httpx.Response:
    return httpx.get(url, trust_env=False, timeout=60, **options)


def paper(client: httpx.Client) -> str:
    """The id of a document of three pages."""
    return str(streamed(client, pdf("One", "Two", "Three"), "paper.pdf", auto_describe="false")["image_id"])


def document(database: Database, tenant_uuid: uuid.UUID, name: str = "paper.pdf", *, days_ago: int = 0) -> str:
    """The id of a document, recorded as an upload some days ago would have been."""
    from mediatheque.records import accounts

    now = datetime.now(UTC) - timedelta(days=days_ago)
    with database.write() as tx:
        tenant = accounts.tenant_with(tx, tenant_uuid)
        assert tenant is not None
        blob_id = assets.add_blob(
            tx,
            {"uuid": uuid.uuid4(), "tenant_id": tenant["id"], "store": "local", "size_bytes": 7,
             "key": f"uploads/{tenant_uuid}/{uuid.uuid4()}/{name}", "media_type": "application/pdf",
             "sha256": "0" * 64, "details": {"document_type": "pdf", "page_count": 3}, "created_at": now},
        )  # fmt: skip
        it = uuid.uuid4()
        assets.add_asset(
            tx,
            {"uuid": it, "tenant_id": tenant["id"], "kind": "document", "state": "ready", "filename": name,
             "original_filename": name, "is_public": False, "blob_id": blob_id, "source": "files", "size_bytes": 7,
             "media_type": "application/pdf", "content_at": now, "created_at": now, "updated_at": now},
        )  # fmt: skip
        made = assets.asset_with(tx, it, tenant["id"])
        assert made is not None
        search.put(tx, made.id, Scope(made.tenant_id, "document", False), [name])
        tallies.record(tx, tallies.of(made, None, 1))
    return str(it)
