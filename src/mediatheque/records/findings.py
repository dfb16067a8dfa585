"""What skills have said about blobs: from which run and model, asked how, and what people made of it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, delete, insert, select, update

from mediatheque.model import RunState
from mediatheque.records.assets import shown
from mediatheque.records.engine import Row, Tx
from mediatheque.records.tables import asset, finding, run
from mediatheque.understanding import Finding, Verdict

DOCUMENTS = ("document_text", "chunks", "transcript", "scenes")
WHOLE_TEXTS = (*DOCUMENTS, "page_text", "text_lines")
"""Findings that are large: megabytes, or the place of every line."""


@dataclass(frozen=True, slots=True)
class Found:
    """A finding, and the run that made it."""

    id: int
    blob_id: int
    skill: str
    run_uuid: UUID
    took: timedelta
    finding: Finding
    parameters: dict[str, Any] = field(default_factory=dict)


def put(
    tx: Tx,
    blob_id: int,
    skill: str,
    rows: list[dict[str, Any]],
    *,
    all_kinds: bool = True,
    forgives: bool = False,
) -> None:
    """Replace what this skill has said about the blob, or with `all_kinds` False only what it says anew.

    What a person made of a finding holds for the one that comes in its place; `forgives`: but for a rejection.
    """
    before = {row.kind: row.state for row in tx.execute(_STATES, {"blob": blob_id, "skill": skill})}
    anew = {row["kind"] for row in rows}
    if old := [kind for kind in before if all_kinds or kind in anew]:
        tx.execute(_FORGET, {"blob": blob_id, "skill": skill, "kinds": old})
    if rows:
        passing = (Verdict.SUGGESTED, Verdict.REJECTED) if forgives else (Verdict.SUGGESTED,)
        lasting = {kind: state for kind, state in before.items() if state not in passing}
        tx.execute(_ADD, [row | {"state": lasting.get(row["kind"], Verdict.SUGGESTED)} for row in rows])


def move(tx: Tx, from_blob_id: int, to_blob_id: int) -> None:
    """What was found out about a picture holds for its new bytes until a skill says it anew."""
    tx.execute(update(finding).where(finding.c.blob_id == from_blob_id).values(blob_id=to_blob_id))


def of_blobs(tx: Tx, blob_ids: Sequence[int], *, but: Collection[str] = WHOLE_TEXTS) -> list[Found]:
    """What was found out about these blobs, oldest first, `but` for these kinds; dispatched runs keep theirs."""
    return [_found(row) for row in tx.execute(_OF_BLOBS, {"blobs": blob_ids, "but": list(but)}).mappings()]


def of_skills(tx: Tx, blob_id: int, skills: Collection[str]) -> list[Finding]:
    """What these skills have found out, the newest of each kind, oldest first; nothing that a person took away."""
    mine = finding.c.blob_id == blob_id, finding.c.skill.in_(skills), finding.c.state != Verdict.REJECTED
    newest: dict[str, Finding] = {}
    rows = tx.execute(select(finding).where(*mine).order_by(finding.c.created_at, finding.c.id)).mappings()
    for row in rows:
        newest.pop(row["kind"], None)
        newest[row["kind"]] = _finding(row)
    return list(newest.values())


def unfinished(tx: Tx, kind: str, field_name: str, after: int, limit: int) -> list[Any]:
    """(id, uuid, tenant_id) of documents after that row of which a finding of this kind has something in a list."""
    told = select(finding.c.blob_id).where(
        finding.c.blob_id == asset.c.blob_id, finding.c.kind == kind, finding.c.value[field_name].as_string() != "[]"
    )
    mine = asset.c.id > after, asset.c.kind == "document", *shown(), told.exists()
    query = select(asset.c.id, asset.c.uuid, asset.c.tenant_id).where(*mine)
    return list(tx.execute(query.order_by(asset.c.id).limit(limit)))


def run_of(tx: Tx, asset_id: int, uuid: UUID) -> int | None:
    """The row id of an ended run on that asset."""
    query = select(run.c.id).where(run.c.uuid == uuid, run.c.asset_id == asset_id, run.c.finished_at.is_not(None))
    return tx.execute(query).scalar()


def withdraw(tx: Tx, run_id: int) -> None:
    """The run counts as if it had been cancelled: what it said is taken back."""
    tx.execute(update(run).where(run.c.id == run_id).values(state=RunState.CANCELLED))


def judge(tx: Tx, run_id: int, kinds: Collection[str], verdict: Verdict) -> None:
    """What a person made of these findings of a run."""
    tx.execute(update(finding).where(finding.c.run_id == run_id, finding.c.kind.in_(kinds)).values(state=verdict))


def drop_of_run(tx: Tx, run_id: int) -> list[str]:
    """Forget what a run has found out; its kinds."""
    gone = delete(finding).where(finding.c.run_id == run_id).returning(finding.c.kind)
    return list(tx.execute(gone).scalars())


def _found(row: Row) -> Found:
    return Found(
        id=row["id"],
        blob_id=row["blob_id"],
        skill=row["skill"],
        run_uuid=row["run_uuid"],
        took=(row["finished_at"] or row["created_at"]) - (row["started_at"] or row["created_at"]),
        finding=_finding(row),
        parameters=row["parameters"] or {},
    )


def _finding(row: Row) -> Finding:
    same = ("kind", "value", "model", "confidence", "created_at", "prompt_hash", "language")
    return Finding(**{name: row[name] for name in same}, state=Verdict(row["state"]))


_MINE = finding.c.blob_id == bindparam("blob"), finding.c.skill == bindparam("skill")
_STATES = select(finding.c.kind, finding.c.state).where(*_MINE)
_FORGET = delete(finding).where(*_MINE, finding.c.kind.in_(bindparam("kinds", expanding=True)))
_ADD = insert(finding)
_WITH_RUN = select(finding, run.c.uuid.label("run_uuid"), run.c.started_at, run.c.finished_at, run.c.parameters).join(
    run, run.c.id == finding.c.run_id
)
_OF_BLOBS = _WITH_RUN.where(
    finding.c.blob_id.in_(bindparam("blobs", expanding=True)),
    finding.c.kind.not_in(bindparam("but", expanding=True)),
).order_by(finding.c.created_at, finding.c.id)
