"""Where files say they come from: C2PA manifests, read out of their own bytes in a decoder child when asked for."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

from mediatheque.core.staging import Staged
from mediatheque.decoder import DecoderFailed, Decoders
from mediatheque.errors import Conflict, NotFound
from mediatheque.model import Actor, Blob, State
from mediatheque.ports import Store
from mediatheque.records import assets
from mediatheque.records.engine import Database

READ = "mediatheque.skills.provenance_decode:read"
TIMEOUT_SECONDS = 20
MAX_COPIED_BYTES = 1 << 30
"""Of a file that lies elsewhere."""


class Provenance:
    """`stores`: where the files lie; `staging`: a folder for copies of what lies elsewhere."""

    def __init__(self, database: Database, stores: Mapping[str, Store], staging: Path, decoders: Decoders) -> None:
        self._database = database
        self._stores = stores
        self._staging = staging
        self._decoders = decoders

    def of(self, actor: Actor, uuid: UUID) -> dict[str, Any]:
        """What the manifest of a file says, and what it is about: `media_type`, `sha256`.

        The fields are those of `skills.provenance_decode.read`. Raises `NotFound`, `Unavailable`, and `Conflict` when
        reading it takes too much time or room.
        """
        with self._database.read() as tx:
            it = assets.asset_with(tx, uuid, actor.tenant_id)
        if it is None or it.state is State.FAILED:
            raise NotFound("File not found")
        return {"media_type": it.blob.media_type, "sha256": it.blob.sha256} | self._read(it.blob)

    def _read(self, blob: Blob) -> dict[str, Any]:
        store = self._stores[blob.store]
        file = store.path(blob.key)
        if file is not None:
            return self._decoded(file, blob)
        if blob.size_bytes > MAX_COPIED_BYTES:
            raise Conflict("The file is too large to be fetched from where it lies")
        with Staged(self._staging, MAX_COPIED_BYTES) as copy:
            for piece in store.open(blob.key):
                copy.write(piece)
            return self._decoded(copy.path, blob)

    def _decoded(self, file: Path, blob: Blob) -> dict[str, Any]:
        try:
            found: dict[str, Any] = self._decoders.run(
                READ, timeout_seconds=TIMEOUT_SECONDS, path=str(file), media_type=blob.media_type
            )
        except DecoderFailed as failure:
            raise Conflict(f"The file's provenance cannot be read: {failure}") from failure
        return found
