"""What differs between two texts: by lines as a unified diff, and within changed lines by words."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

MAX_PARTS = 20_000
MAX_PAIRS = 400_000
"""What is compared piece by piece: beyond so many pieces, or pairs of equal ones, all between the first and the last
difference counts as replaced, so that no text keeps a thread busy."""
CONTEXT_LINES = 3

Step = tuple[str, int, int, int, int]
"""As difflib has it: `equal`, `replace`, `delete` or `insert`, and where in the one and in the other."""

_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_WORD = re.compile(r"\w+|[^\S\n]+|\n|[^\w\s]")


@dataclass(frozen=True, slots=True)
class Piece:
    """`op` is `equal`, `delete` or `insert`."""

    op: str
    text: str


@dataclass(frozen=True, slots=True)
class Hunk:
    """Changed lines that follow each other, from these lines on (counted from 1), told by words."""

    from_line: int
    to_line: int
    pieces: list[Piece]


@dataclass(frozen=True, slots=True)
class Difference:
    added_lines: int
    removed_lines: int
    unified: str
    hunks: list[Hunk]


def difference(before: str, after: str, *, names: tuple[str, str]) -> Difference:
    """`names` are what the two texts are called in the unified diff."""
    old, new = _LINE.findall(before), _LINE.findall(after)
    steps = _steps(old, new)
    changed = [step for step in steps if step[0] != "equal"]
    return Difference(
        added_lines=sum(step[4] - step[3] for step in changed),
        removed_lines=sum(step[2] - step[1] for step in changed),
        unified="".join(_unified(old, new, steps, names)),
        hunks=[_hunk(old, new, step) for step in changed],
    )


def _hunk(old: Sequence[str], new: Sequence[str], step: Step) -> Hunk:
    _, first, last, other_first, other_last = step
    before, after = "".join(old[first:last]), "".join(new[other_first:other_last])
    return Hunk(first + 1, other_first + 1, list(_pieces(_WORD.findall(before), _WORD.findall(after))))


def _pieces(old: Sequence[str], new: Sequence[str]) -> Iterator[Piece]:
    for op, first, last, other_first, other_last in _steps(old, new):
        if op == "equal":
            yield Piece("equal", "".join(old[first:last]))
            continue
        if last > first:
            yield Piece("delete", "".join(old[first:last]))
        if other_last > other_first:
            yield Piece("insert", "".join(new[other_first:other_last]))


def _steps(old: Sequence[str], new: Sequence[str]) -> list[Step]:
    """How to come from the one to the other; what both begin and end with is never looked at twice."""
    head = _common(old, new)
    tail = _common(old[head:][::-1], new[head:][::-1])
    ends = len(old) - tail, len(new) - tail
    steps: list[Step] = [("equal", 0, head, 0, head)] if head else []
    steps += _between(old, new, head, ends)
    return steps + ([("equal", ends[0], len(old), ends[1], len(new))] if tail else [])


def _between(old: Sequence[str], new: Sequence[str], start: int, ends: tuple[int, int]) -> list[Step]:
    ours, theirs = old[start : ends[0]], new[start : ends[1]]
    if ours and theirs and _is_too_much(ours, theirs):
        return [("replace", start, ends[0], start, ends[1])]
    found = SequenceMatcher(None, ours, theirs, autojunk=False).get_opcodes()
    return [(op, a + start, b + start, c + start, d + start) for op, a, b, c, d in found]


def _is_too_much(ours: Sequence[str], theirs: Sequence[str]) -> bool:
    if len(ours) + len(theirs) > MAX_PARTS:
        return True
    counts = Counter(theirs)
    return sum(counts[part] for part in ours) > MAX_PAIRS


def _common(ours: Sequence[str], theirs: Sequence[str]) -> int:
    for place, (one, other) in enumerate(zip(ours, theirs, strict=False)):
        if one != other:
            return place
    return min(len(ours), len(theirs))


def _unified(old: Sequence[str], new: Sequence[str], steps: Sequence[Step], names: tuple[str, str]) -> Iterator[str]:
    matcher = SequenceMatcher(None, "", "")
    matcher.opcodes = list(steps)  # type: ignore[attr-defined]  # which it groups as it would its own
    groups = [] if all(step[0] == "equal" for step in steps) else list(matcher.get_grouped_opcodes(CONTEXT_LINES))
    if groups:
        yield f"--- {names[0]}\n+++ {names[1]}\n"
    for group in groups:
        yield f"@@ -{_span(group[0][1], group[-1][2])} +{_span(group[0][3], group[-1][4])} @@\n"
        for op, first, last, other_first, other_last in group:
            if op == "equal":
                yield from (_told(" ", line) for line in old[first:last])
                continue
            yield from (_told("-", line) for line in old[first:last])
            yield from (_told("+", line) for line in new[other_first:other_last])


def _told(sign: str, line: str) -> str:
    return f"{sign}{line}" if line.endswith("\n") else f"{sign}{line}\n\\ No newline at end of file\n"


def _span(start: int, stop: int) -> str:
    """Lines as a unified diff counts them: from 1, but an empty span names the line before it."""
    length = stop - start
    return f"{start + 1}" if length == 1 else f"{start + 1 if length else start},{length}"
