"""What a tenant owns, every id of it in every spelling that some route takes, and its rows."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import httpx
from sqlalchemy import func, insert, select

from mediatheque.core.ids import to_ulid
from mediatheque.records.engine import Database
from mediatheque.records.tables import (
    api_key,
    arrival,
    asset,
    blob,
    counter,
    garbage,
    job,
    metadata,
    part,
    run,
    site,
    step,
    tally,
    tenant,
    variant,
    webhook,
    webhook_delivery,
    worker,
)
from tests import servers
from tests.documents import pdf
from tests.pictures import picture
from tests.support import upload, wait_for
from tests.surfaces.files.chunks import initiated, put
from tests.surfaces.files.doors import streamed
from tests.surfaces.files.links import visited

Spelling = Callable[[UUID], str]

UUIDS: tuple[Spelling, ...] = (
    str, lambda it: it.hex, lambda it: str(it).upper(), lambda it: f"{{{it}}}", lambda it: it.urn
)  # fmt: skip
IMAGES: tuple[Spelling, ...] = (lambda it: f"img_{to_ulid(it)}",)
FILES: tuple[Spelling, ...] = (str, lambda it: f"file-{to_ulid(it)}")
ROOMS: tuple[Spelling, ...] = (lambda it: f"room-{it}",)
ULIDS: tuple[Spelling, ...] = (to_ulid,)
SCENES: tuple[Spelling, ...] = (lambda it: f"{it.hex}000",)
UPLOAD_KEYS: tuple[Spelling, ...] = (lambda it: f"uploads/{to_ulid(it)}/photo.jpg",)


@dataclass(frozen=True)
class Id:
    """An id of somebody else, and one of the same form that nobody has."""

    theirs: str
    nobodys: str


@dataclass(frozen=True)
class Estate:
    """One thing of every sort, made over HTTP: all private but the image, which anybody may fetch as `/i/{id}`."""

    tenant_uuid: str
    asset: UUID
    image: UUID
    upload: UUID
    job: UUID
    workflow: UUID
    profile: UUID
    provider: UUID
    user: UUID
    key: UUID
    folder: UUID
    session: UUID
    promised: UUID
    promised_key: str
    resumable: UUID
    media: UUID
    media_upload: UUID
    document: UUID
    room: UUID
    artifact: UUID
    share: UUID
    link: UUID
    snapshot: UUID
    picture: UUID
    webhook: UUID
    delivery: UUID
    keys: tuple[str, ...]

    def ids(self, *, is_open: bool) -> Mapping[str, list[Id]]:
        """By the name that a path's parameter or a body's field has; `is_open` of a route for everybody."""
        assets = [self.asset, self.upload] if is_open else [self.asset, self.upload, self.image]
        return {
            "asset_id": _spelled(assets, UUIDS),
            "image_id": _spelled([*assets, self.promised], (*IMAGES, str)),
            "file_id": _spelled([*assets, self.promised, self.link], UUIDS[:1]),
            "openai_file_id": _spelled([*assets, self.link], FILES),
            "link_id": _spelled([self.link, self.asset], UUIDS[:1]),
            "snapshot_id": _spelled([self.snapshot], UUIDS[:1]),
            "against": _spelled([self.snapshot], UUIDS[:1]),
            "picture_id": _spelled([self.picture], UUIDS[:1]),
            "document_ids": _spelled(assets, UUIDS[:1]),
            "scene_id": _spelled(assets, SCENES),
            "file_ids": _spelled(assets, UUIDS[:1]),
            "folder_id": _spelled([self.folder], UUIDS[:1]),
            "parent_id": _spelled([self.folder], UUIDS[:1]),
            "new_parent_id": _spelled([self.folder], UUIDS[:1]),
            "session_id": _spelled([self.session], UUIDS[:1]),
            "upload_id": _spelled([self.promised, self.resumable, self.media_upload], UUIDS[:1]),
            "media_id": _spelled([self.media, *assets], UUIDS[:1]),
            "document_id": _spelled([self.document, *assets], UUIDS[:1]),
            "object_key": [Id(key, _moved(key)) for key in (self.promised_key, *self.keys)],
            "id": _spelled([self.asset, self.upload], ULIDS),
            "storage_key": [Id(key, _moved(key)) for key in self.keys],
            "webhook_id": _spelled([self.webhook], UUIDS[:1]),
            "delivery_id": _spelled([self.delivery], UUIDS[:1]),
            "workflow_id": _spelled([self.workflow], UUIDS),
            "profile_id": _spelled([self.profile], UUIDS),
            "provider_id": _spelled([self.provider], UUIDS),
            "user_id": _spelled([self.user], UUIDS),
            "key_id": _spelled([self.key], UUIDS),
            "job_id": _spelled([self.job], UUIDS),
            "room_id": _spelled([self.room], ROOMS),
            "artifact_id": _spelled([self.artifact], UUIDS[:1]),
            "share_id": _spelled([self.share], UUIDS[:1]),
            "run_id": _spelled([self.job], UUIDS[:1]),
            "ids": _spelled(assets, UUIDS[:1]),
            "profileId": _spelled([self.provider], UUIDS[:1]),
            "storageProviderProfileId": _spelled([self.profile], UUIDS[:1]),
            "source_image_s3_key": _spelled(assets, UPLOAD_KEYS),
            "product_image_s3_key": _spelled(assets, UPLOAD_KEYS),
        }


def build(client: httpx.Client, tenant_uuid: str, database: Database) -> Estate:
    """Make one of everything as that tenant's administrator, and wait until no work is left."""
    made = client.post(
        "/api/v1/assets", files={"file": ("photo.jpg", picture("JPEG", 90, 60))}, data={"isPublic": "false"}
    ).json()["data"]["id"]
    image = upload(client, alt_text="private", folder="private")["id"]
    taken = client.post("/v1/uploads", files={"file": ("photo.jpg", picture("JPEG", 70, 60))}).json()["upload_key"]
    started = client.post("/v1/workflows/thumbnail", json={"source_image_s3_key": taken}).json()["job_id"]
    form = {"filename": "photo.jpg", "content_type": "image/jpeg", "size_bytes": "1000"}
    promised = client.post("/api/v2/user-files/upload/initiate", data=form).json()
    batch = _batch(client)
    media = initiated(client)
    put(media)
    room, artifact, share = _written(client)
    estate = Estate(
        tenant_uuid,
        asset=UUID(made),
        image=_from_ulid(image.removeprefix("img_")),
        upload=_from_ulid(taken.split("/")[1]),
        job=UUID(started),
        workflow=_created(client, "/api/v1/system/workflows", name="private", graphJson=GRAPH),
        profile=_created(client, "/api/v1/system/storage/providers", name="private", providerType="local",
                         configuration={"rootPath": f"private-{tenant_uuid}"}),
        provider=_created(client, "/api/v1/system/ai/providers", name="private", apiBaseUrl="https://192.0.0.9/v1",
                          apiKey="sk-private", modelName="m"),
        user=_created(client, "/api/v1/users", username="private", password="a password of theirs", role="user"),
        key=_created(client, "/api/v1/keys", name="private"),
        folder=UUID(client.get("/api/v2/folders").json()["folders"][0]["id"]),
        session=UUID(batch["session_id"]),
        promised=UUID(promised["image_id"]),
        promised_key=promised["object_key"],
        resumable=UUID(_resumable(client).rpartition("/")[2]),
        media=UUID(media["media_id"]),
        media_upload=UUID(media["upload_id"]),
        document=UUID(streamed(client, pdf("private"), "private.pdf")["image_id"]),
        room=UUID(room.removeprefix("room-")),
        artifact=UUID(artifact),
        share=UUID(share),
        **_link(client),
        **_webhook(client, database),
        keys=(),
    )  # fmt: skip
    wait_for(lambda: not _has_work(database, tenant_uuid), "the tenant's jobs to end", 60)
    wait_for(lambda: client.get(batch["status_url"]).json()["status"] == "completed", "the session to end", 60)
    return Estate(**{**_fields(estate), "keys": tuple(_private_keys(database, estate))})


GRAPH = '{"nodes": [{"id": "1", "data": {"skillId": "thumbnail"}}], "edges": []}'


def rows_of(database: Database, tenant_uuid: str) -> dict[str, list[Any]]:
    """Every row of the tenant, since others' tests may run beside; of what workers add up now and then, the sums."""
    found: dict[str, list[Any]] = {}
    with database.read() as tx:
        number = _number(tx, tenant_uuid)
        for table in metadata.sorted_tables:
            if table in {worker, tally, counter, site}:
                continue
            columns = [it for it in table.c if it is not api_key.c.last_used_at]  # noted aside, at some moment
            query = select(*columns).order_by(*table.primary_key)
            if "tenant_id" in table.c:
                query = query.where(table.c.tenant_id == number)
            elif table is step:
                query = query.where(step.c.run_id.in_(select(run.c.id).where(run.c.tenant_id == number)))
            elif table is part:
                mine = select(arrival.c.id).where(arrival.c.tenant_id == number)
                query = query.where(part.c.arrival_id.in_(mine))
            elif table is garbage:
                query = query.where(garbage.c.key.contains(tenant_uuid))
            found[table.name] = list(tx.execute(query))
        for table, amounts in ((tally, ("assets", "size_bytes")), (counter, ("amount", "size_bytes"))):
            keys = [it for it in table.c if it.name not in {"id", *amounts}]
            sums = select(*keys, *(func.sum(table.c[name]) for name in amounts)).group_by(*keys).order_by(*keys)
            found[table.name] = [row for row in tx.execute(sums.where(table.c.tenant_id == number)) if any(row[-2:])]
    return found


def _batch(client: httpx.Client) -> dict[str, Any]:
    files = [("files", ("photo.jpg", picture("JPEG", 80, 60), "image/jpeg"))]
    return dict(client.post("/api/v2/user-files/upload/stream-batch", files=files).json())


def _written(client: httpx.Client) -> tuple[str, str, str]:
    """The ids of a room, an artifact in it, and a link to that."""
    room = client.post("/v1/rooms", json={"name": "private"}).json()["data"]["id"]
    tool = f"/v1/rooms/{room}/tools/create_artifact"
    artifact = client.post(tool, json={"title": "private", "content": "private"}).json()["data"]["artifact_id"]
    share = client.post(f"/v1/rooms/{room}/artifacts/{artifact}/shares", json={}).json()["data"]["id"]
    return room, artifact, share


def _link(client: httpx.Client) -> dict[str, UUID]:
    """A link that was crawled, with what the crawl has kept."""
    found = visited(client, servers.site().url("/page.html"))
    (kept,) = client.get(f"/api/v2/user-files/{found['id']}/snapshots").json()["snapshots"]
    picture_id = found["extracted_images"][0]["image_id"]
    return {"link": UUID(found["id"]), "snapshot": UUID(kept["id"]), "picture": UUID(picture_id)}


def _webhook(client: httpx.Client, database: Database) -> dict[str, UUID]:
    """One that is told nothing, with a line in its log."""
    asked = {"url": "https://192.0.0.9/hook", "is_active": False}
    made = UUID(client.post("/api/v2/webhooks", json=asked).json()["id"])
    delivery, now = uuid4(), datetime.now(UTC)
    with database.write() as tx:
        row = tx.execute(select(webhook).where(webhook.c.uuid == made)).mappings().one()
        values = {"uuid": delivery, "tenant_id": row["tenant_id"], "webhook_id": row["id"], "event_uuid": uuid4(),
                  "subject": uuid4(), "kind": "asset.ready", "body": "{}", "state": "delivered",
                  "created_at": now}  # fmt: skip
        tx.execute(insert(webhook_delivery).values(due_at=0, **values))
    return {"webhook": made, "delivery": delivery}


def _resumable(client: httpx.Client) -> str:
    headers = {"Tus-Resumable": "1.0.0", "Upload-Length": "1000"}
    return client.post("/api/v2/uploads/tus", headers=headers).headers["location"]


def _spelled(uuids: list[UUID], spellings: tuple[Spelling, ...]) -> list[Id]:
    return [Id(spell(uuid), spell(uuid4())) for uuid in uuids for spell in spellings]


def _moved(key: str) -> str:
    """The key as it would be of another blob."""
    family, owner, _, name = key.split("/")
    return f"{family}/{owner}/{uuid4()}/{name}"


def _private_keys(database: Database, estate: Estate) -> Iterator[str]:
    """Of originals and variants."""
    private = asset.c.uuid.in_([estate.asset, estate.upload])
    with database.read() as tx:
        yield from tx.execute(select(blob.c.key).join(asset, asset.c.blob_id == blob.c.id).where(private)).scalars()
        made = select(variant.c.key).join(asset, asset.c.blob_id == variant.c.blob_id).where(private)
        yield from tx.execute(made).scalars()


def _has_work(database: Database, tenant_uuid: str) -> bool:
    with database.read() as tx:
        return tx.execute(select(job.c.id).where(job.c.tenant_id == _number(tx, tenant_uuid))).first() is not None


def _number(tx: Any, tenant_uuid: str) -> int:
    return int(tx.execute(select(tenant.c.id).where(tenant.c.uuid == UUID(tenant_uuid))).scalar_one())


def _created(client: httpx.Client, path: str, **body: Any) -> UUID:
    answer = client.post(path, json=body)
    assert answer.status_code == 201, answer.text
    return UUID(answer.json()["data"]["id"])


def _from_ulid(text: str) -> UUID:
    from mediatheque.core.ids import from_ulid

    return from_ulid(text)


def _fields(estate: Estate) -> dict[str, Any]:
    return {name: getattr(estate, name) for name in estate.__dataclass_fields__}
