"""Runs in a decoder child: what the C2PA manifest in a file says, read and validated without a network.

Whether there is one is told by the container; what it says by `c2pa-python`, which the extra `provenance` installs.
"""

import json
import mmap
import struct
from pathlib import Path
from typing import Any

from mediatheque.errors import Malformed
from mediatheque.skills import metadata_boxes as boxes
from mediatheque.skills import metadata_pieces as pieces
from mediatheque.skills.metadata_bytes import FileBytes
from mediatheque.skills.metadata_pieces import Sort

OFFLINE = {"verify": {"remote_manifest_fetch": False, "ocsp_fetch": False}}
MAX_STORE_CHARS = 1 << 20
MAX_LISTED = 100
MAX_PROBLEMS = 50
PDF_CLAIM = b"/C2PA_Manifest"
"""The relationship of the embedded file that is a manifest (C2PA 2.1, A.4)."""
NOTHING: dict[str, Any] = {
    "is_read": False, "state": None, "problems": [], "claim_generator": None, "title": None, "signed_by": None,
    "signed_at": None, "actions": [], "source_types": [], "ingredients": [], "manifest_store": None,
}  # fmt: skip


def read(path: str, media_type: str) -> dict[str, Any]:
    """`is_present` (None: it cannot be told of this type without the library), `is_read`, and what the newest one says.

    `state` is `Valid`, `Trusted` or `Invalid`, `problems` C2PA's codes; `manifest_store` all of it, unless it is large.
    """
    try:
        is_present = _is_present(path, media_type)
    except (IndexError, ValueError, struct.error, Malformed):
        is_present = None
    if is_present is False:
        return {"is_present": False} | NOTHING
    try:
        import c2pa  # only few children ever need it
    except (ImportError, OSError):  # not installed, or not for this machine
        return {"is_present": is_present} | NOTHING
    try:
        settings = c2pa.Settings.from_dict(OFFLINE)
        with (
            c2pa.Context(settings) as context,
            Path(path).open("rb") as file,
            c2pa.Reader(media_type, file, context=context) as reader,
        ):
            text, state = reader.json(), reader.get_validation_state()
    except c2pa.C2paError.ManifestNotFound:
        return {"is_present": False} | NOTHING
    except c2pa.C2paError as problem:
        return {"is_present": is_present} | NOTHING | {"problems": [type(problem).__name__.removeprefix("_C2pa")]}
    return {"is_present": True, "is_read": True} | _told(json.loads(text), str(state) if state else None, len(text))


def _is_present(path: str, media_type: str) -> bool | None:
    with Path(path).open("rb") as file:
        if media_type in boxes.MEDIA_TYPES or media_type == "audio/mp4":
            return bool(boxes.claims(FileBytes(file)))
        if media_type not in pieces.WALKERS and media_type != "application/pdf":
            return None
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return _is_in(data, media_type)


def _is_in(data: mmap.mmap, media_type: str) -> bool | None:
    if media_type in pieces.WALKERS:
        return any(piece.sort is Sort.C2PA for piece in pieces.WALKERS[media_type](data))
    return data.find(PDF_CLAIM) >= 0 or None  # it may lie in a compressed stream


def _told(store: dict[str, Any], state: str | None, chars: int) -> dict[str, Any]:
    newest = store.get("manifests", {}).get(store.get("active_manifest"), {})
    signature = newest.get("signature_info") or {}
    actions = [
        action
        for assertion in newest.get("assertions", [])
        if str(assertion.get("label", "")).startswith("c2pa.actions")
        for action in assertion.get("data", {}).get("actions", [])
    ]
    return {
        "state": state or store.get("validation_state"),
        "problems": sorted({str(it.get("code")) for it in store.get("validation_status", [])})[:MAX_PROBLEMS],
        "claim_generator": _generator(newest),
        "title": _text(newest.get("title")),
        "signed_by": _text(signature.get("common_name") or signature.get("issuer")),
        "signed_at": _text(signature.get("time")),
        "actions": [str(it.get("action")) for it in actions][:MAX_LISTED],
        "source_types": sorted({str(it["digitalSourceType"]) for it in actions if "digitalSourceType" in it}),
        "ingredients": [str(it.get("title") or "") for it in newest.get("ingredients", [])][:MAX_LISTED],
        "manifest_store": store if chars <= MAX_STORE_CHARS else None,
    }


def _generator(manifest: dict[str, Any]) -> str | None:
    info = manifest.get("claim_generator_info") or []
    first = info[0] if isinstance(info, list) and info else info
    if isinstance(first, dict) and first.get("name"):
        return f"{first['name']} {first.get('version', '')}".strip()
    return _text(manifest.get("claim_generator"))


def _text(value: Any) -> str | None:
    return None if value is None else str(value)
