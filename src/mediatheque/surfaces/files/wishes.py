"""The form fields that say what is wanted of an upload (contract, 3.2 and 3.3)."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from mediatheque.core.arrivals import Wishes
from mediatheque.errors import Invalid

TARGETS = ("default", "custom")
_BOOLEANS = {"true": True, "1": True, "on": True, "yes": True, "false": False, "0": False, "off": False, "no": False}

FIELDS: dict[str, Any] = {
    "title": {"type": "string", "maxLength": 255},
    "tags": {"type": "string", "description": "Comma-separated."},
    "folder_id": {"type": "string", "format": "uuid"},
    "auto_describe": {"type": "boolean", "default": True},
    "skip_duplicates": {"type": "boolean", "default": False},
    "storage_target": {"type": "string", "enum": list(TARGETS), "default": "default"},
}


def wishes_in(fields: Mapping[str, str]) -> Wishes:
    """Raises `Invalid`."""
    return Wishes(
        title=fields.get("title"),
        tags=tuple(fields.get("tags", "").split(",")),
        folder_id=_uuid(fields, "folder_id"),
        auto_describe=_boolean(fields, "auto_describe", default=True),
        skip_duplicates=_boolean(fields, "skip_duplicates", default=False),
        own_place=choice(fields, "storage_target", TARGETS) == "custom",
    ).checked()


def target_of(wishes: Wishes) -> str:
    return TARGETS[wishes.own_place]


def choice(fields: Mapping[str, str], name: str, choices: tuple[str, ...], default: int = 0) -> str:
    """One of these words; raises `Invalid`."""
    value = fields.get(name, "").strip().lower() or choices[default]
    if value not in choices:
        expected = " or ".join(f"'{it}'" for it in choices)
        raise Invalid(f"Input should be {expected}", field=("body", name), kind="enum")
    return value


def _boolean(fields: Mapping[str, str], name: str, *, default: bool) -> bool:
    value = fields.get(name, "").strip().lower()
    if not value:
        return default
    if value not in _BOOLEANS:
        raise Invalid("Input should be a valid boolean", field=("body", name), kind="bool_parsing")
    return _BOOLEANS[value]


def _uuid(fields: Mapping[str, str], name: str) -> UUID | None:
    value = fields.get(name, "").strip()
    try:
        return UUID(value) if value else None
    except ValueError:
        raise Invalid("Input should be a valid UUID", field=("body", name), kind="uuid_parsing") from None
