"""Every table, once, for both databases. Times are microseconds since the epoch, UTC; sizes are bytes."""

from mediatheque.records.tables.accounts import api_key, audit, refresh_token, tenant, user
from mediatheque.records.tables.arrivals import arrival, batch
from mediatheque.records.tables.columns import MICROSECOND, from_micros, metadata, to_micros
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
from mediatheque.records.tables.outside import ai_provider, spending, storage_profile
from mediatheque.records.tables.understanding import authorship, likeness, permit
from mediatheque.records.tables.vectors import embedding, vector
from mediatheque.records.tables.work import idempotency, job, run, step, worker, workflow

__all__ = [
    "MICROSECOND",
    "PROFILED",
    "TRASHED",
    "ai_provider",
    "api_key",
    "arrival",
    "asset",
    "asset_tag",
    "asset_text",
    "audit",
    "authorship",
    "batch",
    "blob",
    "counter",
    "embedding",
    "finding",
    "folder",
    "from_micros",
    "garbage",
    "idempotency",
    "job",
    "likeness",
    "metadata",
    "permit",
    "refresh_token",
    "run",
    "spending",
    "step",
    "storage_profile",
    "tally",
    "tenant",
    "to_micros",
    "user",
    "variant",
    "vector",
    "worker",
    "workflow",
]
