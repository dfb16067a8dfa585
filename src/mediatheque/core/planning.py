"""Which skills are run on what, and when: automatic ones on new bytes, others because somebody asked."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from mediatheque import tracing
from mediatheque.core.graphs import skills_of
from mediatheque.errors import Invalid, NotFound
from mediatheque.model import Asset, Queue, RunState, State
from mediatheque.ports import Skill
from mediatheque.records import crawls, executions, runs, workflows
from mediatheque.records.engine import Database, Tx

UPLOAD, MANUAL, WORKFLOW, DISPATCH = "upload", "manual", "workflow", "dispatch"
REPAIR, REPLACEMENT, RESTORE, REQUEST = "repair", "replacement", "restore", "request"
TEXTS, UNASKED = "texts", "unasked"
"""`UNASKED`: at a door whose clients cannot ask, and are to see no change of what they sent."""
SHOWN = frozenset({UPLOAD, MANUAL, WORKFLOW})
"""Triggers whose runs clients see in an asset's history."""


LATER = frozenset({UNASKED, runs.REST})
"""Triggers of what nobody waits for: it is done while nothing else is."""
IMPATIENT = frozenset({MANUAL})
"""Triggers behind which somebody waits for the answer: better a reason now than another try later."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A skill to run, with the parameters to run it with."""

    skill: Skill
    parameters: Mapping[str, Any] = field(default_factory=dict)


class Planner:
    def __init__(self, database: Database, skills: Sequence[Skill], *, learns: bool = True) -> None:
        """`learns` False: nothing follows when texts change."""
        self._database = database
        self._learns = learns
        self.skills = {skill.name: skill for skill in skills}
        self._named = {alias: skill for skill in skills for alias in (skill.name, *skill.aliases)}

    def find(self, name: str) -> Skill:
        """The skill of that name or alias that clients may run; raises `NotFound`."""
        skill = self._named.get(name.strip().lower())
        if skill is None or not skill.listed:
            raise NotFound("Skill not found").about("skill")
        return skill

    def first_state(self, kind: str) -> State:
        """Of a new asset: `ready` at once where no skill is essential."""
        return State.PENDING if self.is_awaited(kind) else State.READY

    def is_awaited(self, kind: str) -> bool:
        """Whether a new asset of that kind can be used only when a run has succeeded."""
        return any(skill.essential and skill.automatic for skill in self._for(kind))

    def plan(
        self,
        tx: Tx,
        it: Asset,
        *,
        trigger: str,
        enrich: bool = False,
        unasked: bool = False,
        workflows_run: bool = False,
        parameters: Mapping[str, Any] | None = None,
    ) -> None:
        """Enqueue, in the caller's transaction, what new bytes of the asset's kind ask for, in the order of the list.

        `enrich`: also what enriches, one after another, since a description makes use of what was found before it;
        `parameters` are for what describes; `unasked`: the same, though nobody asked. `workflows_run`: also the
        tenant's workflow that runs by itself.
        """
        planned = [skill for skill in self._for(it.kind) if skill.automatic]
        self.enqueue(tx, it, [Wanted(skill) for skill in planned], trigger)
        enriching = [
            skill for skill in self._for(it.kind) if (enrich or unasked) and skill.enriches and not skill.automatic
        ]
        wanted = [Wanted(skill, (parameters or {}) if skill.describes else {}) for skill in enriching]
        self.enqueue(tx, it, wanted, trigger if enrich else UNASKED, chained=True)
        graph = workflows.auto_run(tx, it.tenant_id) if workflows_run else None
        if graph is not None:
            self.enqueue(tx, it, self.wanted_by(graph, it), UPLOAD, chained=True)

    def wanted_by(self, graph: str, it: Asset) -> list[Wanted]:
        """The skills of a workflow that exist and are for the asset's kind."""
        named = [(self._named.get(name.lower()), parameters) for name, parameters in skills_of(graph)]
        return [Wanted(skill, parameters) for skill, parameters in named
                if skill is not None and skill.listed and it.kind in skill.kinds]  # fmt: skip

    def checked_by(self, graph: str, it: Asset) -> list[Wanted]:
        """The same, when somebody asks for them: raises `Invalid` for none at all and for those that cannot run."""
        wanted, asked = self.wanted_by(graph, it), skills_of(graph)
        if not asked:
            raise Invalid("The workflow holds no skills", field=("graph",), kind="no_skills").about("workflow")
        if len(wanted) < len(asked):
            known = {alias for one in wanted for alias in (one.skill.name, *one.skill.aliases)}
            unknown = ", ".join(sorted({name for name, _ in asked if name.lower() not in known}))
            message = f"The workflow holds skills that cannot be run on this asset: {unknown}"
            raise Invalid(message, field=("graph",), kind="unsupported_skills").about("workflow")
        return wanted

    def remake(self, tx: Tx, it: Asset, names: Iterable[str], trigger: str, *, automatic: bool = False) -> None:
        """Run again the skills that make these variants, each variant once; with `automatic` those too."""
        missing = set(names)
        planned = [skill for skill in self._for(it.kind) if automatic and skill.automatic]
        missing -= {name for skill in planned for name in skill.variants}
        for skill in self._for(it.kind):
            if skill.variants & missing:
                planned.append(skill)
                missing -= skill.variants
        self.enqueue(tx, it, [Wanted(skill) for skill in planned], trigger)

    def follow(self, tx: Tx, it: Asset, trigger: str = TEXTS) -> None:
        """The texts about the asset have changed: enqueue what is made of them, unless that waits for its turn."""
        if not self._learns:
            return
        waiting = executions.waiting(tx, it.id)
        planned = [skill for skill in self._for(it.kind) if skill.on_texts and skill.name not in waiting]
        self.enqueue(tx, it, [Wanted(skill) for skill in planned], trigger)

    def go_on(self, tx: Tx, it: Asset, name: str) -> None:
        """Have this skill do, when there is time, what it has not done of the asset; unless that waits for its turn."""
        skill = self.skills.get(name)
        if skill is not None and it.kind in skill.kinds and name not in executions.waiting(tx, it.id):
            self.enqueue(tx, it, [Wanted(skill, {runs.REST: True})], runs.REST)

    def makers(self, kind: str) -> list[Skill]:
        """The skills that make every new asset's variants."""
        return [skill for skill in self._for(kind) if skill.automatic and skill.essential and skill.variants]

    @property
    def describing(self) -> frozenset[str]:
        """Names of the skills that say what a file shows."""
        return frozenset(skill.name for skill in self.skills.values() if skill.describes)

    @property
    def reading(self) -> frozenset[str]:
        """Names of the skills that find the text in a file."""
        return frozenset(skill.name for skill in self.skills.values() if skill.reads)

    @property
    def crawling(self) -> frozenset[str]:
        """Names of the skills that visit what a link leads to."""
        return frozenset(skill.name for skill in self.skills.values() if skill.crawls)

    @property
    def analysing(self) -> frozenset[str]:
        """Names of the skills that the analysis of a video consists of."""
        return frozenset(skill.name for skill in self.skills.values() if skill.analyses)

    @property
    def listed(self) -> frozenset[str]:
        """Names of the skills that clients see."""
        return frozenset(skill.name for skill in self.skills.values() if skill.listed)

    def enqueue(
        self,
        tx: Tx,
        it: Asset,
        wanted: Sequence[Wanted],
        trigger: str,
        *,
        first: bool = False,
        chained: bool = False,
    ) -> list[UUID]:
        """Ids of the runs, in the order of `wanted`."""
        if not wanted:
            return []
        rows = [_run_row(it, one, trigger) for one in wanted]
        lanes: list[str] = [_lane(one.skill, trigger) for one in wanted]
        run_ids = runs.enqueue(tx, rows, lanes, self._database.now_micros(tx), first=first, chained=chained)
        if Queue.CRAWL in lanes:
            crawls.seat(tx, run_ids)
        return [row["uuid"] for row in rows]

    def _for(self, kind: str) -> list[Skill]:
        return [skill for skill in self.skills.values() if kind in skill.kinds]


def _lane(skill: Skill, trigger: str) -> str:
    return runs.LATER if trigger in LATER and skill.queue is Queue.ENRICH else skill.queue


def _run_row(it: Asset, wanted: Wanted, trigger: str) -> dict[str, Any]:
    return {
        "uuid": uuid4(),
        "tenant_id": it.tenant_id,
        "asset_id": it.id,
        "blob_id": it.blob.id,
        "skill": wanted.skill.name,
        "skill_version": wanted.skill.version,
        "trigger": trigger,
        "state": RunState.QUEUED,
        "parameters": dict(wanted.parameters) or None,
        "shown": wanted.skill.listed and trigger in SHOWN and not (wanted.skill.is_quiet and trigger == UPLOAD),
        "trace": tracing.current(),
        "created_at": datetime.now(UTC),
    }
