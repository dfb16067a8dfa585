"""A skill whose decoder child dies of the files that are named so; it is plugged into a worker by the tests."""

import signal

from mediatheque.model import Queue
from mediatheque.plugins import DESCRIBER, KINDS, STORES, SURFACES
from mediatheque.ports import Skill, Step, Work

NAME = "poison"


def bite(work: Work) -> None:
    if NAME in work.blob.key:
        work.decode("tests.misbehaviour:signal_self", number=int(signal.SIGSEGV))


SKILL = Skill(NAME, "for tests", 1, frozenset({"image"}), Queue.FAST, (Step("bite", bite),), essential=True)
SKILLS = ("tests.faults.poison:SKILL",)

__all__ = ["DESCRIBER", "KINDS", "SKILLS", "STORES", "SURFACES"]
