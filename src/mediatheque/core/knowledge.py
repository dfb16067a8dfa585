"""What is known of a file from what skills have said of it: the one place from which every dialect's words come.

`full_descriptions`, `upload_description`, `visible_text`, `confidence_score` (contract, 3.5 and 3.6) and
`structuredResults` (2.5) are views of findings. One that a person took away counts nowhere.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from mediatheque.model import Asset
from mediatheque.records import authorship, findings
from mediatheque.records.engine import Tx
from mediatheque.records.findings import Found
from mediatheque.understanding import Finding, Verdict

DESCRIPTION, WHOLE, VISIBLE_TEXT, TEXT_FACTS = "basic_caption", "description", "visible_text", "text_facts"
"""Kinds of findings."""
LEVEL, INTENT = "verification_level", "intent"
"""Parameters of what describes."""
STANDARD = "standard"
"""Of a description for which nobody asked for another level."""


@dataclass(frozen=True, slots=True)
class Description:
    """What a run said that a file shows."""

    run_uuid: UUID
    text: str
    confidence: float | None
    described_by: str | None
    verification_level: str
    took_ms: int
    created_at: datetime


def counting(found: Sequence[Found]) -> list[Found]:
    return [one for one in found if one.finding.state is not Verdict.REJECTED]


def newest(found: Sequence[Found]) -> dict[str, Finding]:
    """The newest finding of each kind."""
    return {one.finding.kind: one.finding for one in found}


def descriptions(found: Sequence[Found]) -> list[Description]:
    """Oldest first."""
    whole = {one.run_uuid: one.finding.value["description"] for one in found if one.finding.kind == WHOLE}
    return [_description(one, whole.get(one.run_uuid)) for one in found if one.finding.kind == DESCRIPTION]


def text_in(value: Any) -> str | None:
    """The text of a finding that holds one, as it is or with where it stands; None where there is no text."""
    return (value.get("text") if isinstance(value, dict) else value) or None


def values_of(tx: Tx, it: Asset, *, with_texts: bool = False) -> dict[str, Any]:
    """What a skill may build upon: the newest of each kind, of whole texts only `with_texts`."""
    found = findings.of_blobs(tx, [it.blob.id], but=() if with_texts else findings.WHOLE_TEXTS)
    return {kind: one.value for kind, one in newest(counting(found)).items()}


def said_of(tx: Tx, it: Asset) -> dict[str, Any]:
    """What people have said of a file; what a model wrote is not theirs."""
    written = {name for name, row in authorship.of_asset(tx, it.id).items() if row["run_id"] is not None}
    words = {"filename": it.original_filename, "title": it.title, "description": it.description, "tags": list(it.tags)}
    return {name: value for name, value in words.items() if value and name not in written}


def _description(one: Found, whole: str | None) -> Description:
    value = one.finding.value
    return Description(
        run_uuid=one.run_uuid,
        text=whole or (value["caption"] if isinstance(value, dict) else str(value)),
        confidence=one.finding.confidence,
        described_by=one.finding.model,
        verification_level=str(one.parameters.get(LEVEL) or STANDARD),
        took_ms=round(one.took.total_seconds() * 1000),
        created_at=one.finding.created_at,
    )
