"""Rooms and artifacts through the Python client."""

from typing import Any

import pytest

from mediatheque.client import Conflict, NotFound, Stale


def test_a_document_is_written_compared_and_taken_back(library: Any) -> None:
    room = library.rooms.create("Writing")
    assert [it.id for it in library.rooms.list()] == [room.id]
    made = library.artifacts.create(room.id, "Plan", "one\n")
    second = library.artifacts.put(room.id, made.id, content="two\n", change_description="more", expected_version=1)
    assert (second.version, second.content, second.kind) == (2, "two\n", "markdown")
    assert library.artifacts.edit(room.id, made.id, [("two", "three")]).content == "three\n"
    assert "-one" in library.artifacts.diff(room.id, made.id, 1, 3).unified
    assert library.artifacts.revert(room.id, made.id, 1).content == "one\n"
    history = list(library.artifacts.versions(room.id, made.id, page_size=3))
    assert [it.version for it in history] == [4, 3, 2, 1]
    assert history[2].change_description == "more"
    assert library.artifacts.version(room.id, made.id, 2).content == "two\n"


def test_what_somebody_else_changed_is_not_overwritten(library: Any) -> None:
    room = library.rooms.create("Racing")
    it = library.artifacts.create(room.id, "Plan", "one\n")
    library.artifacts.put(room.id, it.id, content="two\n")
    with pytest.raises(Stale) as refused:
        library.artifacts.put(room.id, it.id, content="lost?\n", expected_version=1)
    assert refused.value.details["current_version"] == 2
    with pytest.raises(Conflict):
        library.artifacts.edit(room.id, it.id, [("not there", "x")])


def test_a_deleted_document_comes_back_and_members_are_listed(library: Any) -> None:
    room = library.rooms.create("Keeping")
    it = library.artifacts.create(room.id, "Data", "{}", kind="json")
    library.artifacts.delete(room.id, it.id)
    with pytest.raises(NotFound):
        library.artifacts.get(room.id, it.id)
    assert [found.id for found in library.artifacts.list(room.id, deleted=True)] == [it.id]
    assert library.artifacts.restore(room.id, it.id).content == "{}"
    assert [member.power_level for member in library.rooms.members(room.id)] == [100]
    assert library.rooms.change(room.id, name="Kept").name == "Kept"
