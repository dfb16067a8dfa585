"""The users of a tenant: made, renamed, promoted, granted rights, given a new password, disabled (contract, 2.1 and 8).

Whoever manages users needs the permission for it, and may neither touch nor make anybody who may do more than they may
themselves. The operator (the first admin of tenant `default`) is their own to change, and stays what they are.
"""

import unicodedata
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from mediatheque.core import audit
from mediatheque.core.access import DEFAULT_TENANT, PERMISSIONS, permissions_of, require, scopes_of
from mediatheque.core.names import text
from mediatheque.core.passwords import check_rules, hashed
from mediatheque.errors import Conflict, Forbidden, Invalid, NotFound
from mediatheque.model import Actor, Rank, Role, User
from mediatheque.records import accounts, sessions, users
from mediatheque.records.engine import Database, Duplicate, Row, Tx

MAX_NAME_CHARS = 100


class Users:
    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self, actor: Actor) -> list[User]:
        """Everybody of the tenant, newest first."""
        with self._database.read() as tx:
            operator = operator_id(tx)
            return [shown(row, operator) for row in users.users(tx, actor.tenant_id)]

    def get(self, actor: Actor, user_id: UUID) -> User:
        with self._database.read() as tx:
            return _shown(tx, users.user_with(tx, actor.tenant_id, user_id))

    def create(
        self,
        actor: Actor,
        name: str,
        password: str,
        rank: Rank,
        *,
        is_active: bool = True,
        permissions: Iterable[str] | None = None,
    ) -> User:
        """A new user with the rights of its rank, or with these permissions.

        Raises `Invalid` (name, password, permissions), `Conflict` (the name is taken), `Forbidden`.
        """
        require(actor, "users.create")
        name = user_name(name)
        granted = None if permissions is None else _known(permissions)
        if granted is not None:
            require(actor, "users.managePermissions")
        if rank is Rank.OPERATOR:
            raise _refusal("There is one super admin, made at the first start")
        role = Role.ADMIN if rank is Rank.ADMIN else Role.VIEWER
        _check_within(actor, role, granted)
        check_rules(password, name)
        kept, now = hashed(password), datetime.now(UTC)
        values = {"password_hash": kept, "permissions": granted, "disabled_at": None if is_active else now}
        try:
            with self._database.write() as tx:
                made = accounts.add_user(tx, actor.tenant_id, name, role, now, **values)
                user = _shown(tx, users.held_by_id(tx, made))
                audit.note(tx, actor, "user.created", user.uuid, name=name, role=role, permissions=granted,
                           is_active=is_active)  # fmt: skip
        except Duplicate:
            raise _taken(name) from None
        return user

    def change(
        self,
        actor: Actor,
        user_id: UUID,
        *,
        name: str | None = None,
        rank: Rank | None = None,
        is_active: bool | None = None,
    ) -> User:
        """Change what is not None. Another rank brings its own rights; who is disabled is out at once, for good.

        Raises `NotFound`, `Invalid`, `Conflict`, `Forbidden`.
        """
        is_switch = is_active is not None and name is None and rank is None
        require(actor, "users.disable" if is_switch else "users.update")
        name = None if name is None else user_name(name)
        try:
            with self._database.write() as tx:
                before = _held(tx, actor, user_id)
                values = _changes(actor, before, name, rank, is_active)
                if not values:
                    return before
                users.change(tx, before.id, values | {"updated_at": datetime.now(UTC)})
                if "disabled_at" in values and not is_active:
                    end_sessions(tx, before.id)
                after = _shown(tx, users.held_by_id(tx, before.id))
                audit.note(tx, actor, "user.changed", user_id, name=after.name, **_differences(before, after))
        except Duplicate:
            raise _taken(name or "") from None
        return after

    def permit(self, actor: Actor, user_id: UUID, permissions: Iterable[str]) -> User:
        """Give the user exactly these permissions; raises `NotFound`, `Invalid`, `Forbidden`."""
        require(actor, "users.managePermissions")
        granted = _known(permissions)
        with self._database.write() as tx:
            before = _held(tx, actor, user_id)
            if before.rank is Rank.OPERATOR:
                raise _refusal("The super admin holds every permission")
            if list(before.permissions) == granted:
                return before
            if before.id == actor.user_id:
                raise _refusal("Nobody changes their own permissions")
            _check_within(actor, before.role, granted)
            users.change(tx, before.id, {"permissions": granted, "updated_at": datetime.now(UTC)})
            gained, lost = sorted({*granted} - {*before.permissions}), sorted({*before.permissions} - {*granted})
            audit.note(tx, actor, "user.permissions_changed", user_id, name=before.name, granted=gained, revoked=lost)
            return _shown(tx, users.held_by_id(tx, before.id))

    def reset_password(self, actor: Actor, user_id: UUID, password: str) -> User:
        """Another password; every session of the user ends. Raises `NotFound`, `Invalid`, `Forbidden`."""
        require(actor, "users.update")
        check_rules(password, "")
        kept = hashed(password)
        with self._database.write() as tx:
            user = _held(tx, actor, user_id)
            check_rules(password, user.name)
            users.change(tx, user.id, {"password_hash": kept, "updated_at": datetime.now(UTC)})
            end_sessions(tx, user.id)
            audit.note(tx, actor, "user.password_reset", user_id, name=user.name)
            return _shown(tx, users.held_by_id(tx, user.id))


def shown(row: Row, operator: int | None) -> User:
    """A row as everybody sees it."""
    role = Role(row["role"])
    rank = Rank.OPERATOR if row["id"] == operator else Rank.ADMIN if role is Role.ADMIN else Rank.USER
    granted = None if rank is Rank.OPERATOR else row["permissions"]
    return User(
        id=row["id"],
        uuid=row["uuid"],
        tenant_id=row["tenant_id"],
        name=row["name"],
        role=role,
        rank=rank,
        is_active=row["disabled_at"] is None,
        permissions=tuple(sorted(permissions_of(role, granted))),
        created_at=row["created_at"],
        updated_at=row["updated_at"] or row["created_at"],
        last_login_at=row["last_login_at"],
    )


def operator_id(tx: Tx) -> int | None:
    """The first admin of tenant `default`; it can neither be demoted nor disabled, so it stays the first."""
    return users.first_with_role(tx, DEFAULT_TENANT, Role.ADMIN)


def end_sessions(tx: Tx, user_id: int) -> None:
    """Refuse every access token and refresh token that the user has now."""
    users.end_generation(tx, user_id)
    sessions.revoke_all(tx, user_id, datetime.now(UTC))


def user_name(name: str) -> str:
    """A name that somebody can log in with: no slash (it parts tenant and name), nothing invisible."""
    name = unicodedata.normalize("NFC", name).strip()
    if not name:
        raise Invalid("A username is required", field=("username",), kind="blank").about("user")
    if "/" in name or not name.isprintable():
        message = "A username holds visible characters and no slash"
        raise Invalid(message, field=("username",), kind="string_invalid").about("user")
    try:
        text(name, "username", MAX_NAME_CHARS)
    except Invalid as error:
        raise error.about("user") from None
    return name


def check_manages(tx: Tx, actor: Actor, user_id: UUID) -> None:
    """Raise `Forbidden` unless the actor may do all that the user may; `NotFound`."""
    _held(tx, actor, user_id)


def _shown(tx: Tx, row: Row | None) -> User:
    if row is None:
        raise NotFound("User not found").about("user")
    return shown(row, operator_id(tx))


def _held(tx: Tx, actor: Actor, user_id: UUID) -> User:
    """The user, for a change by this actor; raises `NotFound`, `Forbidden`."""
    row = users.held(tx, actor.tenant_id, user_id)
    user = _shown(tx, row)
    if user.rank is Rank.OPERATOR and user.id != actor.user_id:
        raise _refusal("The super admin is managed by nobody else")
    _check_within(actor, user.role, user.permissions)
    return user


def _check_within(actor: Actor, role: Role, granted: Iterable[str] | None) -> None:
    above = role is Role.ADMIN and actor.role is not Role.ADMIN
    if above or not scopes_of(role, granted) <= actor.scopes:
        raise _refusal("Nobody manages a user who may do more than they may themselves")


def _changes(actor: Actor, user: User, name: str | None, rank: Rank | None, is_active: bool | None) -> dict[str, Any]:
    """The columns to change; raises `Forbidden`."""
    values: dict[str, Any] = {}
    if name is not None and name != user.name:
        values["name"] = name
    if rank is not None and rank != user.rank:
        _check_rank(actor, user, rank)
        role = Role.ADMIN if rank is Rank.ADMIN else Role.VIEWER
        _check_within(actor, role, None)
        values |= {"role": role, "permissions": None}
    if is_active is not None and is_active != user.is_active:
        require(actor, "users.disable")
        if user.id == actor.user_id or user.rank is Rank.OPERATOR:
            raise _refusal("Nobody disables themselves or the super admin")
        values["disabled_at"] = None if is_active else datetime.now(UTC)
    return values


def _check_rank(actor: Actor, user: User, rank: Rank) -> None:
    if Rank.OPERATOR in {rank, user.rank}:
        raise _refusal("There is one super admin, made at the first start")
    if user.id == actor.user_id:
        raise _refusal("Nobody changes their own role")


def _known(permissions: Iterable[str]) -> list[str]:
    granted = sorted(set(permissions))
    unknown = [name for name in granted if name not in PERMISSIONS]
    if unknown:
        message = f"{len(unknown)} of these are no permissions; there are: {', '.join(sorted(PERMISSIONS))}"
        raise Invalid(message, field=("permissions",), kind="unknown").about("user")
    return granted


def _differences(before: User, after: User) -> dict[str, Any]:
    pairs = {field: (getattr(before, field), getattr(after, field)) for field in ("name", "role", "is_active")}
    return {f"{field}_before": was for field, (was, is_now) in pairs.items() if was != is_now} | {
        field: is_now for field, (was, is_now) in pairs.items() if was != is_now and field != "name"
    }


def _refusal(message: str) -> Forbidden:
    return Forbidden(message).about("user")


def _taken(name: str) -> Conflict:
    return Conflict(f"The name {name} is taken").about("user")
