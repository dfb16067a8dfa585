"""Parameters of a skill as clients send them: names in any case, values as JSON or as text (contract, 2.5).

A value that does not hold is refused with `errors.Invalid`, whose message begins with the dialects' common code.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, TypeVar

from mediatheque.errors import Invalid

Choice = TypeVar("Choice", bound=StrEnum)

_TRUTH = {"true": True, "false": False}


def value_of(parameters: Mapping[str, Any], name: str) -> Any:
    """The value whatever the case of its name; None when it is absent."""
    wanted = name.lower()
    return next((value for key, value in parameters.items() if key.lower() == wanted), None)


def text(parameters: Mapping[str, Any], name: str, default: str, *, code: str) -> str:
    """Blank counts as absent."""
    value = value_of(parameters, name)
    if value is None:
        return default
    if not isinstance(value, str):
        raise refused(code, f"{name} must be text")
    return value.strip() or default


def truth(parameters: Mapping[str, Any], name: str, default: bool, *, code: str) -> bool:
    value = value_of(parameters, name)
    if value is None:
        return default
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.strip().lower() in _TRUTH:
        return _TRUTH[value.strip().lower()]
    raise refused(code, f"{name} must be true or false")


def number(parameters: Mapping[str, Any], name: str, default: float, *, code: str) -> float:
    """A finite number; text that spells one counts."""
    value = value_of(parameters, name)
    if value is None:
        return default
    try:
        found = float("nan") if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        found = float("nan")
    if not abs(found) < float("inf"):
        raise refused(code, f"{name} must be a number")
    return found


def choice(parameters: Mapping[str, Any], name: str, default: Choice, *, code: str) -> Choice:
    """One of the words of the enumeration that `default` belongs to, in any case; blank counts as absent."""
    words = type(default)
    given = text(parameters, name, default.value, code=code).lower()
    if given not in set(words):
        raise refused(code, f"{name} is one of {', '.join(words)}")
    return words(given)


def refused(code: str, message: str) -> Invalid:
    return Invalid(f"{code}: {message}", kind=code)
