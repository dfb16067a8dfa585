"""A worker process: does jobs with its decoder child, takes in what has arrived, and ends when told to.

Two threads take turns: while one waits for the decoder, the other stores and records what came out before.
"""

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar
from uuid import uuid4

import structlog

from mediatheque import faults, meters, tracing
from mediatheque.core.arrivals import Arrivals
from mediatheque.core.authoring import Authoring
from mediatheque.core.crawling import Crawling, Visit
from mediatheque.core.delivering import Delivering
from mediatheque.core.fsck import Fsck
from mediatheque.core.pipeline import HEARTBEAT_SECONDS, MAX_ATTEMPTS, Pipeline
from mediatheque.core.planning import IMPATIENT
from mediatheque.core.relearning import Relearning
from mediatheque.core.results import Outcome
from mediatheque.core.transforms import Transforms
from mediatheque.core.trash import Trash
from mediatheque.core.work import Equipment, Work, perform, source_of, workplace
from mediatheque.decoder import DecoderFailed
from mediatheque.errors import LibraryError, StorageFull, Unavailable
from mediatheque.model import Queue
from mediatheque.records.runs import Claim
from mediatheque.records.signals import Signals

SLOTS = 2
CRAWLERS = 4
COURIERS = 4
BUSY_SECONDS = 0.2
LEAVE_SECONDS = 4.0
"""How long crawls that are under way may take when the worker ends, before they are handed back."""
LOOK_SECONDS = 15.0
"""How often an idle worker looks by itself, should a signal have been lost."""
BUSY_LOOK_SECONDS = 1.0
AWAY_SECONDS = 1.0
TIDY_SECONDS = 60.0
SWEEP_SECONDS = 3600.0

Result = TypeVar("Result")

log = structlog.get_logger()


@dataclass(slots=True)
class Chore:
    """Housekeeping that comes round; `due_at` is monotonic."""

    act: Callable[[], None]
    every_seconds: float
    due_at: float = 0.0


class Lookout:
    """For threads that wait for the same things: one of them looks out, the others sleep behind it."""

    def __init__(self, stopping: threading.Event) -> None:
        self._stopping = stopping
        self._turn = threading.Lock()
        self._bell = threading.Event()

    def ring(self) -> None:
        """There may be something; or everybody is to go."""
        self._bell.set()

    def wait(self, next_due_seconds: Callable[[], float | None], longest_seconds: float) -> bool:
        """Until something is due; False: everybody is to go. None due means that nothing is in sight."""
        if self._turn.locked():
            self.ring()  # who comes from work may have left some for later, of which who looks out does not know
        with self._turn:
            while not self._stopping.is_set():
                due = next_due_seconds()
                if due is not None and due <= 0:
                    return True
                self._bell.wait(LOOK_SECONDS if due is None else min(due, longest_seconds))
                self._bell.clear()
        return False


class Worker:
    def __init__(
        self,
        pipeline: Pipeline,
        fsck: Fsck,
        trash: Trash,
        arriving: Arrivals,
        authoring: Authoring,
        equipment: Equipment,
        signals: Signals,
        lanes: Sequence[Queue],
        relearning: Relearning,
        transforms: Transforms,
        crawling: Crawling | None = None,
        delivering: Delivering | None = None,
    ) -> None:
        self.owner = f"{socket.gethostname()[:32]}:{os.getpid()}:{uuid4().hex[:8]}"
        self._pipeline = pipeline
        self._arrivals = arriving
        self._authoring = authoring
        self._equipment = equipment
        self._signals = signals
        self._lanes = lanes
        self._crawling = crawling
        self._delivering = delivering
        self._under_way: dict[int, tuple[Claim, Visit]] = {}
        self._stopping = threading.Event()
        self._wake = threading.Event()
        self._crawls = Lookout(self._stopping)
        self._mail = Lookout(self._stopping)
        self._held: set[int] = set()
        self._chores = (
            Chore(pipeline.tidy, TIDY_SECONDS),
            Chore(arriving.sweep, TIDY_SECONDS),
            Chore(fsck.sweep_leftovers, TIDY_SECONDS),
            Chore(fsck.sweep, SWEEP_SECONDS),
            Chore(trash.purge, SWEEP_SECONDS),
            Chore(trash.expire, TIDY_SECONDS),
            Chore(authoring.tidy, TIDY_SECONDS),
            Chore(authoring.purge, SWEEP_SECONDS),
            Chore(relearning.go_on, TIDY_SECONDS),
            Chore(transforms.sweep, SWEEP_SECONDS),
            *([Chore(delivering.tidy, SWEEP_SECONDS)] if delivering else []),
        )
        self._lock = threading.Lock()

    def run(self) -> None:
        """Work until `stop`; then finish what is in hand and return."""
        self._guarded(self._report)
        slots = [
            threading.Thread(target=self._serve, args=(partial(self._work_once, self._lanes_of(number)),),
                             name=f"slot-{number}")
            for number in range(SLOTS)
        ]  # fmt: skip
        if Queue.ENRICH in self._lanes:  # beside them: what it waits for may be starved by what they do
            slots.append(threading.Thread(target=self._serve, args=(self._work_later,), name="later"))
        crawlers = [
            threading.Thread(target=self._crawl, name=f"crawler-{number}", daemon=True)
            for number in range(CRAWLERS if self._crawling else 0)
        ]
        couriers = [
            threading.Thread(target=self._post, name=f"courier-{number}", daemon=True)
            for number in range(COURIERS if self._delivering else 0)
        ]
        housekeeper = threading.Thread(target=self._keep_house, name="housekeeper", daemon=True)
        heartbeat = threading.Thread(target=self._beat, name="heartbeat", daemon=True)
        for thread in (*slots, *crawlers, *couriers, housekeeper, heartbeat):
            thread.start()
        self._guarded(lambda: self._signals.wait(0))  # from here on `stop` is heard, also during the first long wait
        while not self._stopping.is_set():
            self._ring()
            self._guarded(lambda: self._signals.wait(self._patience()))
        self._ring()
        for thread in slots:
            thread.join()
        leaving = (*crawlers, *couriers, housekeeper)
        for thread in leaving:
            thread.join(LEAVE_SECONDS / len(leaving))
        self._guarded(self._hand_back)
        self._guarded(partial(self._pipeline.leave, self.owner))

    def stop(self) -> None:
        self._stopping.set()
        self._signals.send()

    def _ring(self) -> None:
        self._wake.set()
        self._crawls.ring()
        self._mail.ring()

    def _keep_house(self) -> None:
        """Do the housekeeping whose turn has come, apart from the work: a sweep may take minutes."""
        while not self._stopping.wait(max(0.0, min(chore.due_at for chore in self._chores) - time.monotonic())):
            for chore in self._chores:
                if time.monotonic() >= chore.due_at and not self._stopping.is_set():
                    self._guarded(chore.act)
                    chore.due_at = time.monotonic() + chore.every_seconds

    def _patience(self) -> float:
        """Seconds until there may be work without anybody saying so: a retry or an abandoned lease coming due."""
        if self._held:
            return BUSY_LOOK_SECONDS
        due = self._pipeline.next_due_seconds()
        return LOOK_SECONDS if due is None else min(LOOK_SECONDS, max(due, 0.05))

    def _lanes_of(self, slot: int) -> Sequence[Queue]:
        """One slot is kept for the fast lane: describers that keep us waiting must not hold up new pictures."""
        is_kept = slot == 0 and Queue.FAST in self._lanes
        return [Queue.FAST] if is_kept else [lane for lane in self._lanes if lane is not Queue.CRAWL]

    def _serve(self, work: Callable[[], bool]) -> None:
        """One slot: sleep until there may be work, then work until there is none."""
        while not self._stopping.is_set():
            self._wake.wait()
            self._wake.clear()
            while not self._stopping.is_set() and self._guarded(work):
                continue
        self._wake.set()

    def _work_once(self, lanes: Sequence[Queue]) -> bool:
        claims = self._pipeline.claim(self.owner, lanes, 1)
        for claim in claims:
            self._wake.set()  # where one job was there may be another: the other slot looks too
            with self._holding(claim):
                self._do(claim, self._equipment)
            self._mail.ring()
        has_arrived = self._arrivals.finish_next()  # one after each job, so that neither keeps the other waiting
        if claims or has_arrived:
            return True
        return Queue.ENRICH in lanes and self._authoring.reader.read_next()

    def _work_later(self) -> bool:
        """What nobody waits for, with decoders that uploads do not use."""
        claims = self._pipeline.claim_later(self.owner)
        decoders = self._crawling.readers if self._crawling else self._equipment.decoders
        for claim in claims:
            with self._holding(claim):
                self._do(claim, replace(self._equipment, decoders=decoders))
        return bool(claims)

    def _crawl(self) -> None:
        """One slot for crawls: most of its time goes by in waiting for others, so that it delays nobody."""
        next_due = partial(self._guarded, self._pipeline.next_crawl_seconds)
        while self._crawls.wait(next_due, BUSY_LOOK_SECONDS):
            self._guarded(self._crawl_once)

    def _crawl_once(self) -> None:
        assert self._crawling is not None
        holder = uuid4().hex
        claimed = self._pipeline.claim_crawl(self.owner, holder)
        if claimed is None:
            return
        claim, site = claimed
        with self._crawling.visit(site, holder) as visit, self._holding(claim):
            with self._lock:
                self._under_way[claim.job_id] = claim, visit
            self._do(claim, replace(self._equipment, decoders=self._crawling.readers, web=visit))
            with self._lock:
                self._under_way.pop(claim.job_id, None)

    def _post(self) -> None:
        """One slot for webhooks: receivers keep us waiting, too, and need no decoder."""
        assert self._delivering is not None
        next_due = partial(self._guarded, self._delivering.next_due_seconds)
        while self._mail.wait(next_due, LOOK_SECONDS):
            if not self._guarded(partial(self._delivering.take_turn, self._stopping.is_set)):
                self._stopping.wait(BUSY_SECONDS)  # another has it

    def _hand_back(self) -> None:
        """Crawls that would keep us from ending are somebody else's now; whatever comes of them here counts nothing."""
        with self._lock:
            left, self._under_way = list(self._under_way.values()), {}
        for claim, visit in left:
            self._pipeline.retry(claim, self.owner, counts=False)
            visit.leave()

    @contextmanager
    def _holding(self, claim: Claim) -> Iterator[None]:
        """The job's lease is renewed as long as the block lasts."""
        with self._lock:
            self._held.add(claim.job_id)
        try:
            yield
        finally:
            with self._lock:
                self._held.discard(claim.job_id)

    def _do(self, claim: Claim, equipment: Equipment) -> None:
        """Do one job; whatever happens it ends, or is put back to be tried again."""
        outcome = Outcome()
        try:
            self._try(claim, outcome, equipment)
        except (Unavailable, StorageFull) as error:
            if claim.trigger in IMPATIENT:
                self._pipeline.fail(claim, self.owner, outcome, error.message, is_verdict=False)
                return
            log.warning("run postponed", run=str(claim.run_uuid), skill=claim.skill, reason=error.message)
            self._pipeline.retry(claim, self.owner, counts=False)

    def _try(self, claim: Claim, outcome: Outcome, equipment: Equipment) -> None:
        """Perform the run and judge its failure: one that says something about the bytes is the asset's, too."""
        if claim.attempts > MAX_ATTEMPTS:  # the processes that tried were killed, which says nothing about the bytes
            reason = f"Gave up: {MAX_ATTEMPTS} attempts did not come to an end"
            self._pipeline.fail(claim, self.owner, outcome, reason, is_verdict=False)
            return
        try:
            with (
                meters.timed(meters.RUN, claim.skill),
                tracing.span(f"run {claim.skill}", parent=claim.trace, run=str(claim.run_uuid), attempt=claim.attempts),
            ):
                self._perform(claim, outcome, equipment)
        except (Unavailable, StorageFull):
            raise
        except Exception as error:
            is_final = isinstance(error, LibraryError) or claim.attempts >= MAX_ATTEMPTS
            is_expected = isinstance(error, (LibraryError, DecoderFailed))
            reason = str(error) if is_expected else "Internal error"
            log.warning(
                "run failed", run=str(claim.run_uuid), skill=claim.skill, attempt=claim.attempts, reason=reason,
                exc_info=None if is_expected else error,
            )  # fmt: skip
            if not is_final:
                self._pipeline.retry(claim, self.owner, counts=True)
                return
            is_verdict = is_expected and self._pipeline.is_intact(claim)
            self._pipeline.fail(claim, self.owner, outcome, reason, is_verdict=is_verdict)

    def _perform(self, claim: Claim, outcome: Outcome, equipment: Equipment) -> None:
        faults.place("run.claimed")
        store = self._pipeline.stores[claim.blob["store"]]
        with workplace(store) as folder:
            source = source_of(claim, store, folder)
            work = Work(claim, source, folder, equipment, outcome)
            is_last_try = claim.trigger in IMPATIENT or claim.attempts >= MAX_ATTEMPTS
            perform(self._pipeline.skills[claim.skill], work, is_last_try=is_last_try)
            faults.place("run.performed")
            self._pipeline.complete(claim, self.owner, outcome)

    def _beat(self) -> None:
        while not self._stopping.wait(HEARTBEAT_SECONDS):
            with self._lock:
                held = list(self._held)
            if held:
                self._guarded(partial(self._pipeline.renew, self.owner, held))
            self._guarded(self._report)

    def _report(self) -> None:
        self._pipeline.report(self.owner, self._lanes)

    def _guarded(self, act: Callable[[], Result]) -> Result | None:
        """A database that is away must not end the worker: wait a little, and it will be tried again."""
        try:
            return act()
        except Exception:
            log.exception("worker cannot reach the library")
            self._stopping.wait(AWAY_SECONDS)
            return None
