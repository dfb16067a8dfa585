"""Every table, once, for both databases. Times are microseconds since the epoch, UTC; sizes are bytes."""

from mediatheque.records.tables.accounts import api_key, audit, refresh_token, tenant, user
from mediatheque.records.tables.arrivals import arrival, batch
from mediatheque.records.tables.columns import MICROSECOND, from_micros, metadata, to_micros
from mediatheque.records.tables.erasures import erasure
from mediatheque.records.tables.events import event, webhook, webhook_delivery
from mediatheque.records.tables.library import (
    PROFILED,
    TRASHED,
    asset,
    asset_tag,
    asset_text,
    blob,
    counter,
    finding,
    folder,
    garbage,
    tally,
    variant,
)
from mediatheque.records.tables.links import link, site, snapshot
from mediatheque.records.tables.outside import ai_provider, spending, storage_profile
from mediatheque.records.tables.parts import part
from mediatheque.records.tables.rooms import (
    artifact,
    artifact_content,
    artifact_reference,
    artifact_share,
    artifact_text,
    artifact_version,
    room,
    room_member,
    viewing,
)
from mediatheque.records.tables.understanding import authorship, likeness, permit
from mediatheque.records.tables.vectors import artifact_meaning, artifact_vector, embedding, vector
from mediatheque.records.tables.work import idempotency, job, run, step, worker, workflow

__all__ = [
    "MICROSECOND",
    "PROFILED",
    "TRASHED",
    "ai_provider",
    "api_key",
    "arrival",
    "artifact",
    "artifact_content",
    "artifact_meaning",
    "artifact_reference",
    "artifact_share",
    "artifact_text",
    "artifact_vector",
    "artifact_version",
    "asset",
    "asset_tag",
    "asset_text",
    "audit",
    "authorship",
    "batch",
    "blob",
    "counter",
    "embedding",
    "erasure",
    "event",
    "finding",
    "folder",
    "from_micros",
    "garbage",
    "idempotency",
    "job",
    "likeness",
    "link",
    "metadata",
    "part",
    "permit",
    "refresh_token",
    "room",
    "room_member",
    "run",
    "site",
    "snapshot",
    "spending",
    "step",
    "storage_profile",
    "tally",
    "tenant",
    "to_micros",
    "user",
    "variant",
    "vector",
    "viewing",
    "webhook",
    "webhook_delivery",
    "worker",
    "workflow",
]
