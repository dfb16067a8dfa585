"""What was recognised in a picture, in words: counted, in the plural, as a list; and words held against each other."""

import re
from collections import Counter
from collections.abc import Sequence

NUMBERS = ("no", "a", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
PLURALS = {
    "person": "people", "sheep": "sheep", "mouse": "mice", "knife": "knives", "skis": "skis", "scissors": "scissors",
    "broccoli": "broccoli",
}  # fmt: skip
SIBILANTS = ("s", "sh", "ch", "x")
UNCOUNTED = frozenset({"skis", "scissors", "broccoli"})
VOWELS = frozenset("aeiou")
CONFIRMED, CONTRADICTED, UNCLEAR = "confirmed", "contradicted", "unclear"
_WORD = re.compile(r"[^\W\d_]{3,}")
_COMMON = frozenset({
    "and", "the", "with", "that", "this", "from", "are", "his", "her", "its", "has", "have", "for", "you", "not", "but",
    "was", "were", "into", "onto", "their",
})  # fmt: skip


def things(labels: Sequence[str]) -> str:
    """`two people and a bus`, in the order in which the labels come first."""
    return listed([counted(label, count) for label, count in Counter(labels).items()])


def counted(label: str, count: int) -> str:
    if label in UNCOUNTED:
        return label
    if count == 1:
        return f"{'an' if label[0].lower() in VOWELS else 'a'} {label}"
    return f"{NUMBERS[count] if count < len(NUMBERS) else 'many'} {plural(label)}"


def plural(label: str) -> str:
    if label in PLURALS:
        return PLURALS[label]
    return f"{label}es" if label.endswith(SIBILANTS) else f"{label}s"


def listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def shortened(text: str, limit: int) -> str:
    """At most `limit` characters, cut between words."""
    if len(text) <= limit:
        return text
    return text[: limit - 1].rsplit(" ", 1)[0].rstrip(" ,;:.") + "…"


def words_of(*texts: str) -> set[str]:
    """The words that say something, without the endings of plurals."""
    words = {word for text in texts for word in _WORD.findall(text.lower())} - _COMMON
    return {word.removesuffix("s") if len(word) > 3 else word for word in words}
