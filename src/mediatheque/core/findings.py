"""Findings of a file as people see and judge them: accepted, taken away, or a whole run's taken back."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from mediatheque.core import authors
from mediatheque.errors import BadRequest, NotFound
from mediatheque.model import Actor, Asset, State
from mediatheque.records import assets, findings, search
from mediatheque.records.engine import Database, Tx
from mediatheque.records.findings import DOCUMENTS, Found
from mediatheque.understanding import Verdict


@dataclass(frozen=True, slots=True)
class TakenBack:
    """What a run had written: kinds of findings, and fields of the file."""

    kinds: Sequence[str]
    fields: Sequence[str]


class Findings:
    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, actor: Actor, uuid: UUID) -> list[Found]:
        """All that was found out about a file but its whole text, oldest first; raises `NotFound`."""
        with self._database.read() as tx:
            it = _there(assets.asset_with(tx, uuid, actor.tenant_id))
            return findings.of_blobs(tx, [it.blob.id], but=DOCUMENTS)

    def judge(self, actor: Actor, uuid: UUID, run: UUID, kind: str, verdict: Verdict) -> Found:
        """Say what becomes of a finding. One that is taken away takes along the words that it brought.

        Raises `NotFound`.
        """
        with self._database.write() as tx:
            it = _there(assets.lock(tx, uuid, actor.tenant_id))
            run_id = _ended(tx, it, run)
            if not any(one.run_uuid == run and one.finding.kind == kind for one in _known(tx, it)):
                raise NotFound("Finding not found").about("finding")
            findings.judge(tx, run_id, [kind], verdict)
            if verdict is Verdict.REJECTED:
                fields = [name for name, kinds in authors.KINDS.items() if kind in kinds]
                authors.take_back(tx, it, run_id, datetime.now(UTC), fields, decided=True)
            _reindex(tx, it)
            return next(one for one in _known(tx, it) if one.run_uuid == run and one.finding.kind == kind)

    def undo(self, actor: Actor, uuid: UUID, run: UUID) -> TakenBack:
        """Take back what a run wrote: its findings, and its words where nobody has written others since.

        Raises `NotFound`, and `BadRequest` for a run that wrote neither; bytes that it made stay.
        """
        with self._database.write() as tx:
            it = _there(assets.lock(tx, uuid, actor.tenant_id))
            run_id = _ended(tx, it, run)
            kinds = findings.drop_of_run(tx, run_id)
            fields = authors.take_back(tx, it, run_id, datetime.now(UTC), list(authors.KINDS))
            if not kinds and not fields:
                raise BadRequest("The run has written nothing that could be taken back")
            findings.withdraw(tx, run_id)
            _reindex(tx, it)
            return TakenBack(sorted(kinds), sorted(fields))


def _there(it: Asset | None) -> Asset:
    if it is None:
        raise NotFound("File not found")
    return it


def _known(tx: Tx, it: Asset) -> list[Found]:
    return findings.of_blobs(tx, [it.blob.id], but=DOCUMENTS)


def _ended(tx: Tx, it: Asset, run: UUID) -> int:
    run_id = findings.run_of(tx, it.id, run)
    if run_id is None:
        raise NotFound("Run not found").about("run")
    return run_id


def _reindex(tx: Tx, it: Asset) -> None:
    after = assets.asset_with(tx, it.uuid, it.tenant_id)
    if after is not None and after.state is not State.FAILED:
        search.refresh(tx, after)
