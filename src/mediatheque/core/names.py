"""File names and texts from clients: what is kept as it came, what is made safe, what is refused."""

import json
import mimetypes
import re
import unicodedata
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any

from mediatheque.errors import Invalid

MAX_NAME_CHARS = 255
MAX_KEY_NAME_CHARS = 80
MAX_FOLDER_DEPTH = 10
MAX_PATH_BYTES = 2600
MAX_TITLE_CHARS = 255
MAX_TAGS = 40
MAX_TAG_CHARS = 50

_SEPARATORS = re.compile(r"[/\\]")
_UNSAFE = re.compile(r'[\x00-\x1f\x7f-\x9f<>:"|?*%#&\\/\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]')
_NOT_IN_KEYS = re.compile(r"[^A-Za-z0-9._-]+")
_EXTENSIONS = {"image/jpeg": ".jpg", "image/webp": ".webp", "image/x-tga": ".tga", "image/avif": ".avif"}
_REFUSED = re.compile(r"[\x00\ud800-\udfff]")
_ESCAPED_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")


def base_name(name: str) -> str:
    """The last part of the client's name, as it came, but without what no database and no header can hold."""
    last = _SEPARATORS.split(name)[-1]
    return _cut("".join(c for c in last if unicodedata.category(c) not in {"Cc", "Cs"}).strip())


def safe_name(name: str, extension: str) -> str:
    """The name reduced to characters that are harmless everywhere, with the extension of the type that was found."""
    cleaned = _UNSAFE.sub("_", base_name(name)).strip(" .")
    stem = PurePosixPath(cleaned).stem if "." in cleaned else cleaned
    same = cleaned.lower().endswith((extension, _ALIASES.get(extension, extension)))
    if same and stem:
        return cleaned
    return _cut(stem or "file", len(extension)) + extension


def extension(name: str) -> str:
    """What the name says the bytes are: in lower case, with its dot; empty where it says nothing."""
    return PurePosixPath(name).suffix.lower()


def extension_of(media_type: str) -> str:
    """The usual one of the type, with its dot; empty where there is none."""
    return _EXTENSIONS.get(media_type) or mimetypes.guess_extension(media_type) or ""


def renamed(name: str, media_type: str) -> str:
    """The name with the extension of the type it has now; one that says the type already stays."""
    path, suffix = PurePosixPath(name), extension_of(media_type)
    if not path.suffix or mimetypes.guess_type(name)[0] == media_type or path.suffix.lower() == suffix:
        return name
    return path.stem + suffix


def key_name(name: str) -> str:
    """The part of a storage key that a person can recognise: ASCII letters, digits, dot, dash, underscore."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    cleaned = _NOT_IN_KEYS.sub("-", plain).strip("-.") or "file"
    path = PurePosixPath(cleaned)
    return path.stem[: MAX_KEY_NAME_CHARS - len(path.suffix[:10])] + path.suffix[:10]


def text(value: str | None, field: str, max_chars: int) -> str | None:
    """A text that can be stored; raises `Invalid` for one that is too long or holds NUL or half a character."""
    if value is None:
        return None
    if len(value) > max_chars:
        raise Invalid(f"String should have at most {max_chars} characters", field=(field,), kind="string_too_long")
    if not is_storable(value):
        raise Invalid("String holds characters that cannot be stored", field=(field,), kind="string_invalid")
    return value


def is_storable(value: str) -> bool:
    """Whether databases and file systems can hold the text: no NUL, no half a character."""
    return _REFUSED.search(value) is None


def is_keepable(value: Any) -> bool:
    """Whether databases can hold a value of JSON: its texts are storable, its numbers have an end."""
    try:
        whole = json.dumps(value, ensure_ascii=False, allow_nan=False)
    except (ValueError, RecursionError):
        return False
    return is_storable(whole) and _ESCAPED_NUL.search(whole) is None


def title(value: str | None, max_chars: int = MAX_TITLE_CHARS) -> str | None:
    """A title as it is kept: None when blank. Raises `Invalid`."""
    return (text(value, "title", max_chars) or "").strip() or None


def tags(values: Sequence[str]) -> tuple[str, ...]:
    """Tags as they are kept: stripped, none blank, none twice, in the order given. Raises `Invalid` (contract, 3.8)."""
    kept = tuple(dict.fromkeys(tag for value in values if (tag := value.strip())))
    if len(values) > MAX_TAGS:
        raise Invalid(f"List should have at most {MAX_TAGS} items", field=("tags",), kind="too_long")
    for tag in kept:
        text(tag, "tags", MAX_TAG_CHARS)
    return kept


def folder_name(value: str) -> str:
    """The name of one folder as it is kept. Raises `Invalid` (contract, 3.10): a slash would be another folder."""
    name = (text(value.strip(), "name", MAX_NAME_CHARS) or "").strip()
    if not name:
        raise Invalid("String should have at least 1 character", field=("name",), kind="string_too_short")
    if "/" in name:
        raise Invalid("A folder's name holds no slash", field=("name",), kind="string_invalid")
    return name


def folder_path(value: str | None) -> tuple[str, ...] | None:
    """The names on the way to a folder, from the root; None for no folder. Raises `Invalid`."""
    if value is None:
        return None
    value = text(value, "folder", MAX_FOLDER_DEPTH * (MAX_NAME_CHARS + 1)) or ""
    parts = tuple(part.strip() for part in value.split("/") if part.strip())
    if len(parts) > MAX_FOLDER_DEPTH:
        raise Invalid(f"Folders are at most {MAX_FOLDER_DEPTH} deep", field=("folder",), kind="too_deep")
    for part in parts:
        text(part, "folder", MAX_NAME_CHARS)
    check_path("/".join(parts), "folder")
    return parts or None


def check_path(path: str, field: str) -> None:
    """Raise `Invalid` for a path that no index of the database can hold."""
    if len(path.encode()) > MAX_PATH_BYTES:
        raise Invalid("The path of the folder is too long", field=(field,), kind="string_too_long")


_ALIASES = {".jpg": ".jpeg", ".heic": ".heif"}


def _cut(name: str, room: int = 0) -> str:
    return name[: MAX_NAME_CHARS - room]
