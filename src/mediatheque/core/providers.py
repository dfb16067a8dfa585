"""AI providers: a tenant's configured vision models, at most one of them active (contract, 2.7)."""

import base64
import struct
import threading
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

from mediatheque.clients import vision
from mediatheque.clients.addresses import FetchFailed
from mediatheque.core import audit, names
from mediatheque.core.describing import DEFAULT_PROMPT, QUESTIONS, Describers, endpoint_of
from mediatheque.core.endpoints import origin
from mediatheque.errors import Invalid, NotFound, ProviderFailed, Unavailable
from mediatheque.model import Actor, Endpoint, Provider, Reach, Role
from mediatheque.records import accounts, providers
from mediatheque.records.engine import Database, Duplicate, Row, Tx
from mediatheque.understanding import Task

LIMITS = {"name": 255, "api_base_url": 2048, "api_key": 4096, "model_name": 255}
"""Longest values in characters, in the order in which they are looked at."""
MAX_PROMPT_CHARS = 20_000
TEST_SECONDS = 30.0
TESTS_AT_ONCE = 4
SHOWN_KEY_CHARS = 4


@dataclass(frozen=True, slots=True)
class Deleted:
    uuid: UUID
    was_active: bool
    deleted_at: datetime


@dataclass(frozen=True, slots=True)
class Tested:
    """What a test call came to; `error` None: it worked."""

    caption: str | None
    model_name: str
    api_base_url: str
    error: str | None


class Providers:
    """`operator_tenant`: the name of the tenant whose admins may name private addresses (decisions 22)."""

    def __init__(self, database: Database, describers: Describers, operator_tenant: str) -> None:
        self._database = database
        self._describers = describers
        self._sealer = describers.sealer
        self._operator_tenant = operator_tenant
        self._test_seconds = min(TEST_SECONDS, describers.allowance.deadline_seconds)
        self._tests = threading.BoundedSemaphore(TESTS_AT_ONCE)

    def all(self, actor: Actor) -> list[Provider]:
        """The active one first, then by name."""
        with self._database.read() as tx:
            return [self._provider(row) for row in providers.all_of(tx, actor.tenant_id)]

    def active(self, actor: Actor) -> Provider | None:
        with self._database.read() as tx:
            row = providers.active(tx, actor.tenant_id)
        return None if row is None else self._provider(row)

    def create(self, actor: Actor, given: Mapping[str, Any]) -> Provider:
        """`name`, `api_base_url`, `api_key`, `model_name`; `system_prompt`, `is_active`. Raises `Invalid`.

        Without a word on `is_active` a tenant's first provider is active.
        """
        values = {name: given.get(name) for name in ("name", "api_base_url", "api_key", "model_name", "system_prompt")}
        row = self._checked(actor, values)
        now, uuid = datetime.now(UTC), uuid4()
        with _unique_names(), self._database.write() as tx:
            providers.hold(tx, actor.tenant_id)
            is_first = not providers.all_of(tx, actor.tenant_id)
            is_active = is_first if given.get("is_active") is None else bool(given["is_active"])
            if is_active:
                providers.deactivate_all(tx, actor.tenant_id)
            fixed = {"uuid": uuid, "tenant_id": actor.tenant_id, "created_at": now, "updated_at": now}
            providers.add(tx, row | fixed | {"is_active": is_active})
            audit.note(tx, actor, "ai_provider.created", uuid, name=row["name"])
            return self._provider(_row(tx, actor, uuid))

    def change(self, actor: Actor, uuid: UUID, given: Mapping[str, Any]) -> Provider:
        """Set what is named and leave the rest; a key that is blank, null or the masked one stays.

        The kept key goes to no other scheme, host or port than the one it was given for: a change of those needs the
        key again. Raises `NotFound`, `Invalid`.
        """
        values = {name: value for name, value in given.items() if name != "is_active"}
        with self._database.read() as tx:
            masked = self._provider(_row(tx, actor, uuid)).masked_key
        if (values.get("api_key") or "").strip() in {"", masked}:
            values.pop("api_key", None)
        row = self._checked(actor, values)
        if given.get("is_active") is not None:
            row["is_active"] = bool(given["is_active"])
        with _unique_names(), self._database.write() as tx:
            providers.hold(tx, actor.tenant_id)
            before = _row(tx, actor, uuid)
            if _needs_key(before, row):
                raise _invalid("Another server needs the API key again", "api_key", "blank")
            if row.get("is_active"):
                providers.deactivate_all(tx, actor.tenant_id)
            if row:
                providers.change(tx, before["id"], row | {"updated_at": datetime.now(UTC)})
                audit.note(tx, actor, "ai_provider.changed", uuid, fields=sorted(row))
            return self._provider(_row(tx, actor, uuid))

    def delete(self, actor: Actor, uuid: UUID) -> Deleted:
        with self._database.write() as tx:
            row = _row(tx, actor, uuid)
            providers.remove(tx, row["id"])
            audit.note(tx, actor, "ai_provider.deleted", uuid, name=row["name"])
            return Deleted(uuid, row["is_active"], datetime.now(UTC))

    def test(self, actor: Actor, uuid: UUID | None, given: Mapping[str, Any]) -> Tested:
        """Ask for a caption of a small picture of ours, with a kept provider, with what is given, or both together.

        Whatever the provider does is told in the answer; raises `NotFound`, `Invalid`, and `Unavailable` when too
        many tests run.
        """
        endpoint = self._tested(actor, uuid, given)
        if not self._tests.acquire(blocking=False):
            raise Unavailable("Too many tests at once", retry_after_seconds=10)
        try:
            self._describers.allowance.spend(actor.tenant_id)
            said = vision.ask(endpoint, QUESTIONS[Task.CAPTION], _sample(), deadline_seconds=self._test_seconds)
        except ProviderFailed as error:
            return Tested(None, endpoint.model, endpoint.base_url, error.message)
        finally:
            self._tests.release()
        return Tested(said.caption, endpoint.model, endpoint.base_url, None)

    def _tested(self, actor: Actor, uuid: UUID | None, given: Mapping[str, Any]) -> Endpoint:
        named: dict[str, Any] = {
            name: value for name, value in given.items() if isinstance(value, str) and value.strip()
        }
        if uuid is None:
            required = {
                "name": "test",
                "api_base_url": None,
                "api_key": None,
                "model_name": None,
                "system_prompt": None,
            }
            named = required | named
        row = self._checked(actor, named)
        if uuid is None:
            return endpoint_of(row, self._sealer, self._describers.others)
        with self._database.read() as tx:
            kept = dict(_row(tx, actor, uuid))
        if _needs_key(kept, row):  # else whoever may test could have the kept one sent to himself
            kept["sealed_api_key"] = self._sealer.seal("")
        return endpoint_of({**kept, **row}, self._sealer, self._describers.others)

    def _checked(self, actor: Actor, given: Mapping[str, Any]) -> dict[str, Any]:
        """The columns of what is given; raises `Invalid`."""
        row: dict[str, Any] = {}
        for name, limit in LIMITS.items():
            if name in given:
                row[name] = _present(given[name], name, limit)
        if "api_base_url" in row:
            row["allows_private"] = self._is_operator(actor)
            row["api_base_url"] = self._checked_url(row["api_base_url"], is_operator=row["allows_private"])
        if "api_key" in row:
            row["sealed_api_key"] = self._sealer.seal(row.pop("api_key"))
        if "system_prompt" in given:
            prompt = names.text(given["system_prompt"], "system_prompt", MAX_PROMPT_CHARS) or ""
            row["system_prompt"] = prompt.strip() or DEFAULT_PROMPT
        return row

    def _checked_url(self, url: str, *, is_operator: bool) -> str:
        """An absolute http or https URL that may be reached; raises `Invalid`."""
        try:
            parts = urlsplit(url)
            is_good = parts.scheme in {"http", "https"} and bool(parts.hostname) and not parts.username
            is_good = is_good and parts.port != 0
        except ValueError:
            is_good = False
        if not is_good or "?" in url or "#" in url or any(char.isspace() for char in url):
            raise _invalid("The base URL is an absolute http or https URL", "api_base_url", "invalid")
        try:
            vision.check(url, Reach(anywhere=True) if is_operator else self._describers.others)
        except FetchFailed as error:
            raise _invalid(f"The base URL is not allowed: {error.message}", "api_base_url", "invalid") from error
        return url.rstrip("/")

    def _is_operator(self, actor: Actor) -> bool:
        if actor.role is not Role.ADMIN:
            return False
        with self._database.read() as tx:
            row = accounts.tenant_named(tx, self._operator_tenant)
        return row is not None and row["id"] == actor.tenant_id

    def _provider(self, row: Row) -> Provider:
        try:
            key = self._sealer.open(row["sealed_api_key"])
        except Unavailable:
            key = ""
        copied = (
            "uuid",
            "name",
            "api_base_url",
            "model_name",
            "system_prompt",
            "is_active",
            "created_at",
            "updated_at",
        )
        return Provider(masked_key=masked_key(key), **{name: row[name] for name in copied})


def _needs_key(kept: Row | Mapping[str, Any], row: Mapping[str, Any]) -> bool:
    """Whether what is named leads to another server than the one for which the kept key was given."""
    is_moved = "api_base_url" in row and origin(row["api_base_url"]) != origin(kept["api_base_url"])
    return is_moved and "sealed_api_key" not in row


def masked_key(key: str) -> str:
    """`sk-***`, or the first four characters (contract, 2.7); of a key of no more than these none."""
    if key.startswith("sk-"):
        return "sk-***"
    return f"{key[:SHOWN_KEY_CHARS]}***" if len(key) > SHOWN_KEY_CHARS else "***"


@contextmanager
def _unique_names() -> Iterator[None]:
    """Turns a second row of the same name into `Invalid`."""
    try:
        yield
    except Duplicate:
        raise _invalid("A provider of this name exists", "name", "conflict") from None


def _present(value: Any, name: str, limit: int) -> str:
    text = (names.text(value, name, limit) or "").strip()
    if not text:
        raise _invalid(f"{name} is required", name, "blank")
    return text


def _invalid(message: str, place: str, kind: str) -> Invalid:
    return Invalid(message, field=(place,), kind=kind).about("provider")


def _row(tx: Tx, actor: Actor, uuid: UUID) -> Row:
    row = providers.with_uuid(tx, actor.tenant_id, uuid)
    if row is None:
        raise NotFound("AI provider not found").about("provider")
    return row


def _sample() -> str:
    """A small picture in base 64: a red square on white. A PNG of ours needs no decoder."""
    white, red = b"\xff\xff\xff", b"\xd0\x20\x20"
    rows = b"".join(
        b"\0" + b"".join(red if 16 <= x < 48 and 16 <= y < 48 else white for x in range(64)) for y in range(64)
    )
    chunks = ((b"IHDR", struct.pack(">IIBBBBB", 64, 64, 8, 2, 0, 0, 0)), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    body = b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    )
    return base64.b64encode(b"\x89PNG\r\n\x1a\n" + body).decode("ascii")
