"""Whose words an asset has: people's go before models', for ever.

A model fills only what is blank. Where a person has decided, be it for nothing at all, a blank is filled again only by
a run that a person asked for.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from mediatheque.core.names import MAX_TAG_CHARS, MAX_TAGS
from mediatheque.core.planning import MANUAL, UNASKED, WORKFLOW
from mediatheque.model import Asset
from mediatheque.records import assets, authorship, findings
from mediatheque.records.engine import Tx
from mediatheque.records.runs import Claim
from mediatheque.understanding import Verdict

MAX_TEXT_CHARS = 1000
KINDS = {"description": ("basic_caption",), "alt_text": ("alt_text",), "tags": ("tags",), "title": ()}
"""Findings from which a field comes, and which are judged with it."""
ASKED_FOR = frozenset({MANUAL, WORKFLOW})
UNSEEN = frozenset({"description", "tags"})
"""What a run that nobody asked for may fill in: the clients of that door are not shown it."""


def fill(tx: Tx, claim: Claim, it: Asset, texts: Mapping[str, str], tags: Sequence[str], now: datetime) -> None:
    """Take a run's words where there are none: the asset's row is locked, so that cannot change meanwhile."""
    wanted: dict[str, Any] = {name: text[:MAX_TEXT_CHARS] for name, text in texts.items()}
    if tags:
        wanted["tags"] = [tag for tag in tags if len(tag) <= MAX_TAG_CHARS][:MAX_TAGS]
    blank = {name: value for name, value in wanted.items() if _is_blank(it, name)}
    decided = {name for name, row in authorship.of_asset(tx, it.id).items() if row["run_id"] is None} if blank else ()
    values = {name: value for name, value in blank.items() if name not in decided or claim.trigger in ASKED_FOR}
    if claim.trigger == UNASKED:
        values = {name: value for name, value in values.items() if name in UNSEEN}
    if values:
        authorship.put(tx, it, {name: _standing(it, name) for name in values}, claim.run_id, now)
        _write(tx, it, values, it.updated_at if claim.trigger == UNASKED else now)


def note_person(tx: Tx, it: Asset, changes: Mapping[str, Any], now: datetime) -> None:
    """A person writes these fields over what stands there; what a model had said is thereby judged."""
    changed = {name: value for name, value in changes.items() if name in KINDS}
    if not changed:
        return
    for name, row in authorship.of_asset(tx, it.id).items():
        if name in changed and row["run_id"] is not None:
            findings.judge(tx, row["run_id"], KINDS[name], Verdict.EDITED if changed[name] else Verdict.REJECTED)
    authorship.put(tx, it, {name: _standing(it, name) for name in changed}, None, now)


def take_back(
    tx: Tx, it: Asset, run_id: int, now: datetime, fields: Sequence[str], *, decided: bool = False
) -> list[str]:
    """Put back what stood where a run wrote, and tell where that was. What a person has written since stays.

    `decided`: a person wants these words gone, and gone they stay.
    """
    known = authorship.of_asset(tx, it.id).items()
    written = {name: row for name, row in known if row["run_id"] == run_id and name in fields}
    if written:
        _write(tx, it, {name: row["before"] for name, row in written.items()}, now)
        authorship.drop(tx, it.id, list(written))
        if decided:
            authorship.put(tx, it, {name: _standing(it, name) for name in written}, None, now)
    return list(written)


def _write(tx: Tx, it: Asset, values: Mapping[str, Any], now: datetime) -> None:
    if "tags" in values:
        assets.set_tags(tx, it, values["tags"] or ())
    assets.change_asset(
        tx, it.id, {name: value for name, value in values.items() if name != "tags"} | {"updated_at": now}
    )


def _is_blank(it: Asset, name: str) -> bool:
    return not it.tags if name == "tags" else not (getattr(it, name) or "").strip()


def _standing(it: Asset, name: str) -> Any:
    return list(it.tags) if name == "tags" else getattr(it, name)
