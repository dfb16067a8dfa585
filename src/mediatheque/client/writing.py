"""Rooms and the documents in them (`/v1/rooms`)."""

import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, TypeVar

from mediatheque.client.models import Artifact, Difference, Member, Room, Version
from mediatheque.client.shells import listing, operation
from mediatheque.client.wire import Call, Fetch, Page, Plan, given, one

ROOMS = "/v1/rooms"
PAGE_SIZE = 200

Shape = TypeVar("Shape")


class RoomOperations:
    """`client.rooms`."""

    @operation
    def create(self, name: str) -> Plan[Room]:
        """A new room, in which the caller may do everything."""
        return one(Call("POST", ROOMS, json={"name": name}, key=str(uuid.uuid4())), Room.of, within="data")

    @operation
    def get(self, room_id: str) -> Plan[Room]:
        return one(Call("GET", f"{ROOMS}/{room_id}"), Room.of, within="data")

    @listing
    def list(self, *, page_size: int = PAGE_SIZE) -> Fetch[Room]:
        """Rooms of the caller, the newest first."""
        return _pages(ROOMS, {"limit": page_size}, Room.of)

    @operation
    def change(
        self,
        room_id: str,
        *,
        name: str | None = None,
        state: Literal["open", "archived", "closed"] | None = None,
        artifact_read_power: int | None = None,
        artifact_write_power: int | None = None,
    ) -> Plan[Room]:
        """What is left out stays; `closed` is for ever."""
        body = given(
            name=name, state=state, artifact_read_power=artifact_read_power, artifact_write_power=artifact_write_power
        )
        return one(Call("PATCH", f"{ROOMS}/{room_id}", json=body, repeats=True), Room.of, within="data")

    @listing
    def members(self, room_id: str, *, page_size: int = PAGE_SIZE) -> Fetch[Member]:
        """The strongest first."""
        return _pages(f"{ROOMS}/{room_id}/members", {"limit": page_size}, Member.of)

    @operation
    def put_member(self, room_id: str, user_id: str, power_level: int) -> Plan[Member]:
        """Add a user, or change what power (0 to 100) it has."""
        call = Call("PUT", f"{ROOMS}/{room_id}/members/{user_id}", json={"power_level": power_level}, repeats=True)
        return one(call, Member.of, within="data")

    @operation
    def remove_member(self, room_id: str, user_id: str) -> Plan[None]:
        yield Call("DELETE", f"{ROOMS}/{room_id}/members/{user_id}")


class ArtifactOperations:
    """`client.artifacts`. With `expected_version` a change that is not of the newest version raises `Stale`."""

    @operation
    def create(
        self,
        room_id: str,
        title: str,
        content: str,
        *,
        kind: Literal["markdown", "code", "json"] = "markdown",
        language: str | None = None,
    ) -> Plan[Artifact]:
        """A new document; what comes back holds its id and version, not its content."""
        body = {"title": title, "content": content, "kind": kind} | given(language=language)
        call = Call("POST", f"{ROOMS}/{room_id}/tools/create_artifact", json=body, key=str(uuid.uuid4()))
        return one(call, Artifact.of, within="data")

    @listing
    def list(self, room_id: str, *, deleted: bool = False, page_size: int = PAGE_SIZE) -> Fetch[Artifact]:
        """The most recently changed first; `deleted`: those that can be restored."""
        return _pages(_path(room_id), {"limit": page_size, "deleted": deleted or None}, Artifact.of)

    @operation
    def get(self, room_id: str, artifact_id: str) -> Plan[Artifact]:
        """The newest version, with its content."""
        return one(Call("GET", _path(room_id, artifact_id)), Artifact.of, within="data")

    @operation
    def put(
        self,
        room_id: str,
        artifact_id: str,
        *,
        content: str | None = None,
        title: str | None = None,
        change_description: str | None = None,
        expected_version: int | None = None,
    ) -> Plan[Artifact]:
        """A new version with this content, this title, or both."""
        body = given(
            content=content, title=title, change_description=change_description, expected_version=expected_version
        )
        return _written("PUT", _path(room_id, artifact_id), body)

    @operation
    def edit(
        self,
        room_id: str,
        artifact_id: str,
        edits: Sequence[tuple[str, str]],
        *,
        change_description: str | None = None,
        expected_version: int | None = None,
    ) -> Plan[Artifact]:
        """A new version in which each old text, which is there exactly once, is the new one: all of them, or none."""
        body = {"edits": [{"old_text": old, "new_text": new} for old, new in edits]}
        more = given(change_description=change_description, expected_version=expected_version)
        return _written("PATCH", _path(room_id, artifact_id), {**body, **more})

    @operation
    def revert(
        self, room_id: str, artifact_id: str, version: int, *, expected_version: int | None = None
    ) -> Plan[Artifact]:
        """A new version that says what that one said."""
        body = {"version": version} | given(expected_version=expected_version)
        return _written("POST", _path(room_id, artifact_id, "revert"), body)

    @operation
    def delete(self, room_id: str, artifact_id: str) -> Plan[None]:
        """Hidden at once; it can be restored for a while."""
        yield Call("DELETE", _path(room_id, artifact_id))

    @operation
    def restore(self, room_id: str, artifact_id: str) -> Plan[Artifact]:
        return _written("POST", _path(room_id, artifact_id, "restore"), None)

    @listing
    def versions(self, room_id: str, artifact_id: str, *, page_size: int = PAGE_SIZE) -> Fetch[Version]:
        """The newest first, without contents."""
        return _pages(_path(room_id, artifact_id, "versions"), {"limit": page_size}, Version.of)

    @operation
    def version(self, room_id: str, artifact_id: str, version: int) -> Plan[Version]:
        """One version, with its content."""
        return one(Call("GET", _path(room_id, artifact_id, "versions", str(version))), Version.of, within="data")

    @operation
    def diff(self, room_id: str, artifact_id: str, first: int, second: int) -> Plan[Difference]:
        """What the second version says otherwise than the first."""
        path = _path(room_id, artifact_id, "versions", f"{first}..{second}", "diff")
        return one(Call("GET", path), Difference.of, within="data")


def _path(room_id: str, *parts: str) -> str:
    return "/".join((ROOMS, room_id, "artifacts", *parts))


def _written(method: str, path: str, body: Mapping[str, Any] | None) -> Plan[Artifact]:
    return one(Call(method, path, json=body), Artifact.of, within="data")


def _pages(path: str, params: Mapping[str, Any], shape: Callable[[Any], Shape]) -> Fetch[Shape]:
    def page(body: Any) -> Page[Shape]:
        items, meta = [shape(it) for it in body["data"]], body["meta"]
        return Page(items, meta["total"], meta["offset"] + len(items) < meta["total"])

    return lambda offset: one(Call("GET", path, params={**params, "offset": offset}), page)
