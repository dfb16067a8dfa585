"""Edits of a text by what is to be replaced, which is there exactly once: all of them or none."""

from collections.abc import Sequence
from dataclasses import dataclass

from mediatheque.errors import EditAmbiguous, EditNotFound, Invalid

MAX_EDITS = 100


@dataclass(frozen=True, slots=True)
class Edit:
    """`old_text` becomes `new_text`: at its only place, or at all of them."""

    old_text: str
    new_text: str
    replace_all: bool = False


def edited(content: str, edits: Sequence[Edit]) -> str:
    """The text after the edits, each made on what the one before left.

    Raises `EditNotFound`, `EditAmbiguous`, and `Invalid` for no edits, too many, or one that looks for nothing.
    """
    if not 0 < len(edits) <= MAX_EDITS:
        raise Invalid(f"Between 1 and {MAX_EDITS} edits", field=("edits",), kind="list_length")
    for number, edit in enumerate(edits):
        content = _edited(content, edit, number)
    return content


def _edited(content: str, edit: Edit, number: int) -> str:
    if not edit.old_text:
        raise Invalid("Must hold the text to be replaced", field=("edits", str(number), "old_text"), kind="missing")
    found = content.count(edit.old_text)
    if found == 0:
        raise EditNotFound(f"edits[{number}].old_text is not in the document; read it again and take its exact text")
    if found > 1 and not edit.replace_all:
        raise EditAmbiguous(
            f"edits[{number}].old_text is in the document {found} times; "
            "take more of the text around it, or set replace_all"
        )
    return content.replace(edit.old_text, edit.new_text)
