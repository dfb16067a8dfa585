"""Transforms: pictures resized, cropped and encoded as a URL asks, in a decoder child (docs/transforms.md)."""

import hashlib
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from uuid import UUID

from mediatheque.core.derivatives import STORE, Derivatives
from mediatheque.core.media import Served
from mediatheque.core.signing import Signature, Signer
from mediatheque.decoder import DecoderFailed, Decoders
from mediatheque.errors import BadRequest, Forbidden, Gone, NotFound, TooLarge, Unavailable, file_meanings
from mediatheque.model import Actor, Asset, Blob, State
from mediatheque.ports import Store
from mediatheque.records import assets
from mediatheque.records.engine import Database
from mediatheque.transforming import MAX_SOURCE_PIXELS, PRESETS, Fit, Transform, read

RENDER = "mediatheque.skills.transform_decode:render"
VERSION = 2
"""Of what is made: another one makes everything anew."""
TIMEOUT_SECONDS = 20
METHOD = "GET"


@dataclass(frozen=True, slots=True)
class Permission:
    """A signature over a transform of one asset, and when it ends."""

    signature: Signature
    expires_at: datetime


class Transforms:
    """`stores`: where the pictures lie."""

    def __init__(
        self,
        database: Database,
        stores: Mapping[str, Store],
        decoders: Decoders,
        derivatives: Derivatives,
        signer: Signer,
    ) -> None:
        self._database = database
        self._stores = stores
        self._decoders = decoders
        self.derivatives = derivatives
        self._signer = signer

    def permit(self, actor: Actor, uuid: UUID, options: str, *, lifetime_seconds: int) -> Permission:
        """Leave for anybody to ask for this transform of a picture; raises `NotFound`, `BadRequest`."""
        read(options)
        with self._database.read() as tx:
            it = assets.asset_with(tx, uuid, actor.tenant_id)
        _picture(it)
        signature = self._signer.sign(METHOD, _signed(uuid, options), lifetime_seconds=lifetime_seconds)
        return Permission(signature, datetime.fromtimestamp(signature.expires, UTC))

    def check(self, uuid: UUID, options: str, signature: Signature | None) -> None:
        """Raise `Forbidden` for a bad signature, and for options that need one."""
        if signature is not None:
            self._signer.verify(METHOD, _signed(uuid, options), signature)
        elif options not in PRESETS:
            raise Forbidden("These options need a signature")

    def find(self, uuid: UUID, options: str, *, is_signed: bool, accepted: tuple[str, ...]) -> Served:
        """The picture as the options ask for it, made now if it is not there.

        `accepted`: those of `NEGOTIATED` that the client names. Raises `Gone` for what was deleted, `NotFound` for what
        never was, failed, is no picture or is private and not signed for, `BadRequest` for options that mean nothing,
        `Unavailable`.
        """
        asked = read(options)
        with self._database.read() as tx:
            it = assets.asset_with(tx, uuid, None)
            is_gone = it is None and assets.existed(tx, uuid)
        if it is None:
            self.derivatives.forget(uuid)
            raise Gone if is_gone else NotFound
        if not it.is_public and not is_signed:
            raise NotFound
        blob = _picture(it).blob
        name = hashlib.sha256(f"{VERSION} {blob.sha256} {accepted} {asked.spelled()}".encode()).hexdigest()
        file = self.derivatives.find(uuid, name, partial(self._render, blob, asked, accepted))
        return _served(it, file)

    def sweep(self) -> None:
        """Forget what was made of pictures that are gone."""
        for uuid in list(self.derivatives.assets()):
            with self._database.read() as tx:
                it = assets.asset_with(tx, uuid, None)
            if it is None:
                self.derivatives.forget(uuid)

    def _render(self, blob: Blob, asked: Transform, accepted: tuple[str, ...], target: Path) -> None:
        store = self._stores[blob.store]
        with tempfile.TemporaryDirectory(prefix=".source-", dir=target.parent) as folder:
            source = store.path(blob.key)
            if source is None:
                source = Path(folder) / "source"
                with file_meanings(absent=Unavailable), source.open("wb") as copy:
                    for piece in store.open(blob.key):
                        copy.write(piece)
            try:
                self._decoders.run(
                    RENDER, timeout_seconds=TIMEOUT_SECONDS, path=str(source), media_type=blob.media_type,
                    target=str(target), size=[blob.width, blob.height], box=[asked.width, asked.height],
                    covers=asked.fit is Fit.COVER, crop=asked.crop and list(asked.crop), focus=list(asked.focus),
                    blur=asked.blur, quality=asked.quality, wanted=asked.media_type, accepted=list(accepted),
                )  # fmt: skip
            except TooLarge as refusal:  # what the URL asks for, not what was sent
                raise BadRequest(refusal.message) from None
            except DecoderFailed as failure:
                raise Unavailable(f"The picture cannot be rendered: {failure}") from failure


def _picture(it: Asset | None) -> Asset:
    if it is None or it.kind != "image" or it.state is State.FAILED:
        raise NotFound
    if (it.blob.width or 0) * (it.blob.height or 0) > MAX_SOURCE_PIXELS or not it.blob.width:
        raise BadRequest("The picture is too large to be transformed")
    return it


def _served(it: Asset, file: Path) -> Served:
    with file_meanings(absent=Unavailable):
        body = file.read_bytes()
    digest = hashlib.sha256(body).hexdigest()
    return Served(it.uuid, STORE, str(file), len(body), _type_of(body), digest, it.filename)


def _type_of(body: bytes) -> str:
    """Of our own four formats."""
    if body.startswith(b"\x89PNG"):
        return "image/png"
    if body[4:12] == b"ftypavif":
        return "image/avif"
    return "image/webp" if body[8:12] == b"WEBP" else "image/jpeg"


def _signed(uuid: UUID, options: str) -> str:
    return f"/t/{options}/{uuid}"
