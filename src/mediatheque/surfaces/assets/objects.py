"""NekoHub's asset objects: in full, in a list, in the gallery (contract, 2.2 and 2.4)."""

import json
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote

from mediatheque.core import names
from mediatheque.core.catalogue import Detail
from mediatheque.core.library import Library
from mediatheque.model import Asset, Run, RunState, Variant
from mediatheque.surfaces.assets.shapes import Shape, moment
from mediatheque.understanding import Finding

CONTENT = "/content/"


class ListItem(Shape):
    """The fourteen keys of a list."""

    id: str
    type: str
    status: str
    original_file_name: str | None
    content_type: str
    size: int
    width: int | None
    height: int | None
    storage_provider: str
    storage_provider_profile_id: str | None
    public_url: str | None
    is_public: bool
    created_at_utc: str
    updated_at_utc: str


class Derivative(Shape):
    kind: str
    content_type: str
    extension: str
    size: int
    width: int | None
    height: int | None
    public_url: str | None
    created_at_utc: str


class StructuredResult(Shape):
    """`payload_json` is a string that holds JSON."""

    kind: str
    payload_json: str
    created_at_utc: str


class StepSummary(Shape):
    step_name: str
    succeeded: bool
    error_message: str | None
    started_at_utc: str
    completed_at_utc: str


class ExecutionSummary(Shape):
    execution_id: str
    skill_name: str
    trigger_source: str
    started_at_utc: str
    completed_at_utc: str
    succeeded: bool
    steps: list[StepSummary]


class AssetObject(ListItem):
    stored_file_name: str | None
    extension: str
    checksum_sha256: str | None
    storage_key: str
    description: str | None
    alt_text: str | None
    derivatives: list[Derivative]
    structured_results: list[StructuredResult]
    latest_execution_summary: ExecutionSummary | None


class GalleryItem(Shape):
    id: str
    type: str
    original_file_name: str | None
    content_type: str
    size: int
    width: int | None
    height: int | None
    public_url: str | None
    description: str | None
    alt_text: str | None
    created_at_utc: str
    updated_at_utc: str


class GalleryObject(GalleryItem):
    extension: str
    derivatives: list[Derivative]


def list_item(library: Library, it: Asset) -> ListItem:
    return ListItem(**_common(library, it))


def asset_object(library: Library, detail: Detail) -> AssetObject:
    it = detail.asset
    return AssetObject(
        **_common(library, it),
        stored_file_name=it.blob.key.rpartition("/")[2],
        extension=_extension(it),
        checksum_sha256=it.blob.sha256,
        storage_key=it.blob.key,
        description=it.description,
        alt_text=it.alt_text,
        derivatives=[_derivative(library, it, made) for made in detail.variants],
        structured_results=[_result(found) for found in _with_caption(detail.findings)],
        latest_execution_summary=_summary(detail.latest_run) if detail.latest_run else None,
    )


def gallery_item(library: Library, it: Asset) -> GalleryItem:
    return GalleryItem(**_shown(library, it))


def gallery_object(library: Library, detail: Detail) -> GalleryObject:
    it = detail.asset
    made = [_derivative(library, it, variant) for variant in detail.variants]
    return GalleryObject(**_shown(library, it), extension=_extension(it), derivatives=made)


def public_url(library: Library, it: Asset, store: str, key: str) -> str | None:
    """The anonymous URL of a public asset's object, the store's own where it has one; None while it is private."""
    if not it.is_public:
        return None
    return library.stores.public_url(store, key) or f"{library.base_url}{CONTENT}{quote(key, safe='/')}"


def _common(library: Library, it: Asset) -> dict[str, Any]:
    provider, profile_id = library.stores.described(it.blob.store)
    return {
        "id": str(it.uuid),
        "type": it.kind,
        "status": it.state.value,
        "original_file_name": it.original_filename or None,
        "content_type": it.blob.media_type,
        "size": it.blob.size_bytes,
        "width": it.blob.width,
        "height": it.blob.height,
        "storage_provider": provider,
        "storage_provider_profile_id": str(profile_id) if profile_id else None,
        "public_url": public_url(library, it, it.blob.store, it.blob.key),
        "is_public": it.is_public,
        "created_at_utc": moment(it.created_at),
        "updated_at_utc": moment(it.updated_at),
    }


def _shown(library: Library, it: Asset) -> dict[str, Any]:
    hidden = {"status", "storage_provider", "storage_provider_profile_id", "is_public"}
    common = {name: value for name, value in _common(library, it).items() if name not in hidden}
    return common | {"description": it.description, "alt_text": it.alt_text}


def _extension(it: Asset) -> str:
    return names.extension(it.original_filename or it.filename) if it.extension is None else it.extension


def _derivative(library: Library, it: Asset, made: Variant) -> Derivative:
    return Derivative(
        kind=made.name,
        content_type=made.media_type,
        extension=PurePosixPath(made.key).suffix,
        size=made.size_bytes,
        width=made.width,
        height=made.height,
        public_url=public_url(library, it, made.store, made.key),
        created_at_utc=moment(made.created_at),
    )


def _with_caption(findings: list[Finding]) -> list[Finding]:
    """Oldest first; a `basic_caption` is also readable as `caption` (contract, 7)."""
    captions = [
        replace(found, kind="caption", value={"caption": found.value["caption"]})
        for found in findings
        if found.kind == "basic_caption"
    ]
    return sorted([*findings, *captions], key=lambda found: found.created_at)


def _result(found: Finding) -> StructuredResult:
    payload = found.value if isinstance(found.value, dict) else {"value": found.value}
    return StructuredResult(kind=found.kind, payload_json=json.dumps(payload), created_at_utc=moment(found.created_at))


def _summary(run: Run) -> ExecutionSummary:
    steps = [
        StepSummary(
            step_name=step.name,
            succeeded=step.error is None,
            error_message=step.error,
            started_at_utc=moment(step.started_at),
            completed_at_utc=moment(step.finished_at),
        )
        for step in run.steps
    ]
    return ExecutionSummary(
        execution_id=str(run.uuid),
        skill_name=run.skill,
        trigger_source="upload" if run.trigger == "upload" else "manual",
        started_at_utc=moment(run.started_at),
        completed_at_utc=moment(run.finished_at),
        succeeded=run.state == RunState.SUCCEEDED,
        steps=steps,
    )
