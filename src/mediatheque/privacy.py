"""The words of privacy: what is taken out of files that come in, and what is left on record of those erased."""

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class MetadataPolicy(StrEnum):
    """What becomes of the metadata in a tenant's pictures and videos before they are kept (docs/privacy.md)."""

    KEEP = "keep"
    STRIP_LOCATION = "strip-location"
    STRIP_ALL = "strip-all"


@dataclass(frozen=True, slots=True)
class Erasure:
    """That a file was erased: everything here is signed.

    `sha256`, `size_bytes` are of its bytes as they were kept; None: they had been deleted before. `erased_by` None: the
    operator, on the command line. `derived_from`: the file that this one had been made of, and went with.
    """

    id: UUID
    tenant_id: UUID
    asset_id: UUID
    kind: str
    sha256: str | None
    size_bytes: int | None
    derived_from: UUID | None
    erased_at: datetime
    erased_by: UUID | None
    reason: str | None

    def signed_bytes(self) -> bytes:
        """What the signature is over: JSON with sorted names and no spaces, UTF-8; times with microseconds, UTC."""
        values = {name: _plain(value) for name, value in asdict(self).items()}
        return json.dumps(values, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _plain(value: object) -> object:
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return value
