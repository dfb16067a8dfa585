"""What is known of a file: what was made from it and found out about it, and how far that has come."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from mediatheque.core import knowledge
from mediatheque.core.addresses import LINK
from mediatheque.core.knowledge import TEXT_FACTS, VISIBLE_TEXT, Description
from mediatheque.core.planning import Planner
from mediatheque.filing import Link
from mediatheque.model import Asset, Execution, RunState, Stage, State, Variant
from mediatheque.records import executions, files, findings, links
from mediatheque.records.engine import Tx
from mediatheque.records.executions import UNFINISHED
from mediatheque.records.findings import Found
from mediatheque.understanding import Finding

PAGE, PICTURES = "page", "page_pictures"
SCENE_FACTS, TRANSCRIPT_FACTS = "scene_facts", "transcript_facts"
"""Kinds of findings."""


@dataclass(frozen=True, slots=True)
class Portrait:
    """A file with what is known of it. `sizing` None: variants are not made of this kind of file."""

    asset: Asset
    variants: Mapping[str, Variant]
    found: Mapping[str, Finding]
    """The newest of each kind."""
    descriptions: list[Description]
    describing: Stage
    sizing: Stage | None
    reading: Stage
    """How far its text has been found."""
    description_error: str | None
    sizing_error: str | None = None
    read_by: Execution | None = None
    """The run that looks for its text."""
    link: Link | None = None
    crawl: Execution | None = None
    """The last visit to what a link leads to, or the one that is to come."""
    analysing: Stage | None = None
    """How far the analysis of a video is; None: nobody asked for one."""
    analysis_uuid: UUID | None = None
    """The run that stands for it."""
    history: list[tuple[str | None, Execution]] = field(default_factory=list)
    """Runs, oldest first, and for those that describe or make variants the word for what they do."""

    @property
    def description(self) -> str | None:
        """A person's words go before a model's."""
        return self.asset.description or (self.descriptions[-1].text if self.descriptions else None)

    @property
    def crawling(self) -> Stage:
        """How far a link's crawl is."""
        if self.crawl is None:
            return Stage.PENDING
        if self.crawl.state in UNFINISHED:
            return Stage.PROCESSING if self.crawl.is_held else Stage.QUEUED
        return Stage.COMPLETED if self.crawl.state is RunState.SUCCEEDED else Stage.FAILED

    @property
    def crawled_at(self) -> datetime | None:
        """When a link was visited last, with or without success."""
        page = self.found.get(PAGE)
        return (self.crawl.finished_at if self.crawl else None) or (page.created_at if page else None)

    @property
    def scene_count(self) -> int | None:
        found = self.found.get(SCENE_FACTS)
        return found.value["scene_count"] if found else None

    @property
    def has_transcript(self) -> bool:
        found = self.found.get(TRANSCRIPT_FACTS)
        return bool(found and found.value["has_speech"])

    @property
    def chunk_count(self) -> int | None:
        found = self.found.get(TEXT_FACTS)
        return found.value["chunk_count"] if found else None

    @property
    def visible_text(self) -> str | None:
        found = self.found.get(VISIBLE_TEXT)
        return knowledge.text_in(found.value) if found else None

    @property
    def confidence(self) -> float | None:
        """Of the last description."""
        return self.descriptions[-1].confidence if self.descriptions else None


class Portraits:
    def __init__(self, planner: Planner) -> None:
        self._planner = planner

    def of(self, tx: Tx, shown: Sequence[Asset]) -> list[Portrait]:
        """Of several files, with as many queries as of one."""
        if not shown:
            return []
        names = {skill.name for kind in {it.kind for it in shown} for skill in self._planner.makers(kind)}
        # Runs before what they made: one that ends in between is shown as under way, not as one that made nothing.
        latest = executions.latest_of(
            tx,
            [it.id for it in shown],
            names | self._planner.describing | self._planner.reading | self._planner.crawling | self._planner.analysing,
        )
        blob_ids = [it.blob.id for it in shown]
        variants: dict[int, dict[str, Variant]] = defaultdict(dict)
        for blob_id, made in files.variants_of(tx, blob_ids):
            variants[blob_id][made.name] = made
        found: dict[int, list[Found]] = defaultdict(list)
        for one in knowledge.counting(findings.of_blobs(tx, blob_ids)):
            found[one.blob_id].append(one)
        saved = links.of(tx, [it.id for it in shown if it.kind == LINK])
        return [
            self._portrait(it, variants[it.blob.id], found[it.blob.id], latest[it.id], saved.get(it.id)) for it in shown
        ]

    def with_history(self, tx: Tx, it: Asset) -> Portrait:
        (portrait,) = self.of(tx, [it])
        makers = {skill.name for skill in self._planner.makers(it.kind)}
        words = dict.fromkeys(makers, "variants") | dict.fromkeys(self._planner.describing, "describe")
        told = makers | self._planner.crawling
        portrait.history.extend((words.get(one.skill), one) for one in executions.history(tx, it.id, told))
        return portrait

    def _portrait(
        self,
        it: Asset,
        variants: Mapping[str, Variant],
        found: Sequence[Found],
        latest: Sequence[Execution],
        link: Link | None,
    ) -> Portrait:
        descriptions = knowledge.descriptions(found)
        about = next((one for one in latest[::-1] if one.skill in self._planner.describing), None)
        read_by = next((one for one in latest[::-1] if one.skill in self._planner.reading), None)
        analysis = [one for one in latest if one.skill in self._planner.analysing]
        describing = _described(about, bool(it.description or descriptions))
        sizing = self._sizing(it, variants, latest)
        return Portrait(
            asset=it,
            variants=variants,
            found=knowledge.newest(found),
            descriptions=descriptions,
            describing=describing,
            sizing=sizing,
            reading=reading_stage(read_by.state if read_by else None, is_held=bool(read_by and read_by.is_held)),
            description_error=about.error if about and describing is Stage.FAILED else None,
            sizing_error=self._sizing_error(it, latest) if sizing is Stage.FAILED else None,
            read_by=read_by,
            link=link,
            crawl=next((one for one in latest[::-1] if one.skill in self._planner.crawling), None),
            analysing=analysed(analysis),
            analysis_uuid=analysis[0].uuid if analysis else None,
        )

    def _sizing(self, it: Asset, variants: Mapping[str, Variant], latest: Sequence[Execution]) -> Stage | None:
        makers = self._planner.makers(it.kind)
        if not makers:
            return None
        if it.state is State.FAILED:
            return Stage.FAILED
        ours = [one for one in latest if one.skill in {skill.name for skill in makers}]
        unfinished = [one for one in ours if one.state in UNFINISHED]
        if unfinished:
            return Stage.PROCESSING if any(one.is_held for one in unfinished) else Stage.PENDING
        if {name for skill in makers for name in skill.variants} <= variants.keys():
            return Stage.COMPLETED
        return Stage.FAILED if ours else Stage.PENDING

    def _sizing_error(self, it: Asset, latest: Sequence[Execution]) -> str | None:
        """Of the last run that made none of its variants."""
        names = {skill.name for skill in self._planner.makers(it.kind)}
        return next((one.error for one in latest[::-1] if one.skill in names and one.error), None)


def _described(about: Execution | None, is_described: bool) -> Stage:
    if about is not None and about.state in UNFINISHED:
        return Stage.PROCESSING if about.is_held else Stage.PENDING
    if is_described:
        return Stage.COMPLETED
    is_left_out = about is None or about.state in {RunState.SKIPPED, RunState.CANCELLED}
    return Stage.SKIPPED if is_left_out else Stage.FAILED


def reading_stage(state: RunState | None, *, is_held: bool) -> Stage:
    """How far a document's text has been found, by the run that looks for it (None: it has not been planned yet)."""
    if state is None or state in UNFINISHED:
        return Stage.PROCESSING if is_held else Stage.PENDING
    return Stage.COMPLETED if state is RunState.SUCCEEDED else Stage.FAILED


def analysed(parts: Sequence[Execution]) -> Stage | None:
    """How far an analysis is that consists of these: done when all have ended, failed when none came to anything."""
    unfinished = [one for one in parts if one.state in UNFINISHED]
    if not parts:
        return None
    if unfinished:
        has_begun = any(one.is_held for one in unfinished) or len(unfinished) < len(parts)
        return Stage.PROCESSING if has_begun else Stage.PENDING
    return Stage.COMPLETED if any(one.state is RunState.SUCCEEDED for one in parts) else Stage.FAILED
