"""The seven endpoints (contract, 4.2)."""

import json
from typing import Any
from uuid import UUID, uuid4

from tests.surfaces.artifacts.conftest import ROOMS, Place, data, listed, refused


def test_an_artifact_comes_from_the_tool_and_is_read_as_it_was_given(place: Place) -> None:
    content = "# Migration plan\n\n…\u2028 <script>alert(1)</script> 😀"
    artifact_id = place.create(content, "Migration plan", kind="code", language="python")
    it = place.read(artifact_id)
    assert UUID(it["id"]) == UUID(artifact_id)
    assert (it["title"], it["kind"], it["language"], it["content"]) == ("Migration plan", "code", "python", content)
    assert (it["version"], it["change_description"], it["room_id"]) == (1, None, place.room_id)
    assert it["creator_id"] == it["editor_id"] == str(place.tenant.key.user_id)
    answer = place.client.get(f"{place.path}/{artifact_id}")
    assert answer.headers["etag"] == '"1"'
    assert answer.headers["content-type"] == "application/json"


def test_every_put_is_a_version_also_one_that_says_the_same(place: Place) -> None:
    artifact_id = place.create("one", "First")
    for number, body in enumerate(
        [
            {"title": "Second", "content": "two", "change_description": "why"},
            {"title": "Second", "content": "two"},
            {"content": "three"},
            {"title": "Third"},
        ],
        start=2,
    ):
        assert place.put(artifact_id, **body)["version"] == number
    history = listed(place.client.get(f"{place.path}/{artifact_id}/versions"))
    assert [(it["version"], it["title"], it["change_description"]) for it in history] == [
        (5, "Third", None), (4, "Second", None), (3, "Second", None), (2, "Second", "why"), (1, "First", None),
    ]  # fmt: skip
    assert [place.read(artifact_id, number)["content"] for number in range(1, 6)] == [
        "one", "two", "two", "three", "three",
    ]  # fmt: skip
    assert place.read(artifact_id)["version"] == 5


def test_json_is_taken_whatever_its_content_type(place: Place) -> None:
    artifact_id = place.create("one")
    place.put(artifact_id, content="two")
    for content_type in ("application/x-www-form-urlencoded", "text/plain", "application/json", None):
        headers = {"Content-Type": content_type} if content_type else {}
        answer = place.client.post(f"{place.path}/{artifact_id}/revert", content=b'{"version": 1}', headers=headers)
        assert data(answer)["content"] == "one"


def test_revert_makes_a_new_version_and_takes_nothing_away(place: Place) -> None:
    artifact_id = place.create("one", "First")
    place.put(artifact_id, title="Second", content="two")
    it = data(place.client.post(f"{place.path}/{artifact_id}/revert", json={"version": 1}))
    assert (it["version"], it["title"], it["content"]) == (3, "First", "one")
    assert it["change_description"] == "Reverted to version 1"
    assert place.read(artifact_id, 2)["content"] == "two"
    assert data(place.client.post(f"{place.path}/{artifact_id}/revert", json={"version": 3}))["version"] == 4
    revert = f"{place.path}/{artifact_id}/revert"
    refused(place.client.post(revert, json={"version": 9}), 404, "SW_ARTIFACT_VERSION_NOT_FOUND")
    wrong: list[Any] = [{}, {"version": 0}, {"version": -1}, {"version": "1"}, {"version": 1.5}, {"version": True}, []]
    for body in wrong:
        refused(place.client.post(revert, json=body), 422, "SW_VALIDATION_ERROR")


def test_what_was_deleted_is_gone_from_every_route_and_can_be_restored(place: Place) -> None:
    artifact_id = place.create("one")
    path = f"{place.path}/{artifact_id}"
    assert data(place.client.delete(path)) == {"id": artifact_id, "deleted": True}
    for method, suffix in (
        ("GET", ""), ("PUT", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/revert"), ("GET", "/versions"),
        ("GET", "/versions/1"), ("GET", "/versions/1..1/diff"), ("GET", "/export"), ("GET", "/shares"),
    ):  # fmt: skip
        refused(place.client.request(method, path + suffix), 404, "SW_ARTIFACT_NOT_FOUND")
    assert listed(place.client.get(place.path)) == []
    assert [it["id"] for it in listed(place.client.get(place.path, params={"deleted": True}))] == [artifact_id]
    assert data(place.client.post(f"{path}/restore"))["content"] == "one"
    assert [it["id"] for it in listed(place.client.get(place.path))] == [artifact_id]
    refused(place.client.post(f"{path}/restore"), 404, "SW_ARTIFACT_NOT_FOUND")


def test_nobody_can_post_to_the_collection(place: Place) -> None:
    refused(place.client.post(place.path, json={"title": "t", "content": "c"}), 405, "SW_METHOD_NOT_ALLOWED")


def test_lists_are_paged_newest_change_first(place: Place) -> None:
    ids = [place.create(f"{number}", f"Number {number}") for number in range(5)]
    place.put(ids[0], content="newest")
    order = [ids[0], *reversed(ids[1:])]
    answer = place.client.get(place.path, params={"limit": 2, "offset": 1})
    assert [it["id"] for it in listed(answer)] == order[1:3]
    assert answer.json()["meta"] == {"total": 5, "limit": 2, "offset": 1}
    assert "content" not in answer.json()["data"][0]
    for number in range(2, 8):
        place.put(ids[0], content=str(number))
    answer = place.client.get(f"{place.path}/{ids[0]}/versions", params={"limit": 3, "offset": 2})
    assert [it["version"] for it in listed(answer)] == [6, 5, 4]
    assert answer.json()["meta"]["total"] == 8
    refused(place.client.get(place.path, params={"limit": 0}), 422, "SW_VALIDATION_ERROR")


def test_bad_bodies_are_refused_and_change_nothing(place: Place) -> None:
    artifact_id = place.create("one")
    path = f"{place.path}/{artifact_id}"
    wrong: list[Any] = [
        {}, {"title": None}, {"title": "  "}, {"content": 5}, {"title": "x" * 256}, {"content": "a\x00b"},
        {"content": "x", "change_description": "y" * 2001}, {"content": "x", "expected_version": 0}, [], "text", None,
    ]  # fmt: skip
    for body in wrong:
        refused(place.client.put(path, json=body), 422, "SW_VALIDATION_ERROR")
    for raw in (b"", b"{", b'{"content": "\xff"}', b'{"content": "\\ud800"}'):
        refused(place.client.put(path, content=raw), 422, "SW_VALIDATION_ERROR")
    tools = f"{ROOMS}/{place.room_id}/tools"
    for body in ({"title": "t"}, {"content": "c"}, {"title": "t", "content": "c", "kind": "html"}):
        refused(place.client.post(f"{tools}/create_artifact", json=body), 422, "SW_VALIDATION_ERROR")
    missing = {"artifact_id": str(uuid4()), "content": "x"}
    refused(place.client.post(f"{tools}/update_artifact", json=missing), 404, "SW_ARTIFACT_NOT_FOUND")
    assert place.read(artifact_id)["version"] == 1


def test_ten_mebibytes_are_taken_and_no_more(place: Place) -> None:
    artifact_id = place.create("é" * (5 << 20))
    assert place.read(artifact_id)["size_bytes"] == 10 << 20
    body = json.dumps({"content": "é" * (5 << 20) + "x"})
    refused(place.client.put(f"{place.path}/{artifact_id}", content=body), 413, "SW_CONTENT_TOO_LARGE")
    with place.tenant.server.client(place.tenant.key.key) as client:  # a body that nobody read ends its connection
        refused(client.put(f"{place.path}/{artifact_id}", content=b" " * (33 << 20)), 413, "SW_CONTENT_TOO_LARGE")
    assert place.read(artifact_id)["version"] == 1


def test_the_tools_answer_id_version_and_title(place: Place) -> None:
    tools = f"{ROOMS}/{place.room_id}/tools"
    made = data(place.client.post(f"{tools}/create_artifact", json={"title": "T", "content": "c"}), 201)
    assert (made["version"], made["title"]) == (1, "T")
    assert place.read(made["artifact_id"])["kind"] == "markdown"
    body = {"artifact_id": made["artifact_id"], "content": "d", "change_description": "why"}
    assert data(place.client.post(f"{tools}/update_artifact", json=body)) == made | {"version": 2}
    assert place.read(made["artifact_id"])["change_description"] == "why"


def test_the_same_creation_again_is_the_same_artifact(place: Place) -> None:
    tool, body = f"{ROOMS}/{place.room_id}/tools/create_artifact", {"title": "T", "content": "c"}
    headers = {"Idempotency-Key": str(uuid4())}
    first, again = (place.client.post(tool, json=body, headers=headers) for _ in range(2))
    assert first.json() == again.json()
    assert len(listed(place.client.get(place.path))) == 1
    rooms = [place.client.post(ROOMS, json={"name": "Twice"}, headers={"Idempotency-Key": "r"}) for _ in range(2)]
    assert rooms[0].json() == rooms[1].json()


def test_unknown_ids_are_absent_and_another_room_s_artifact_too(place: Place) -> None:
    artifact_id = place.create("one")
    for path in (f"{ROOMS}/room-{uuid4()}/artifacts", f"{ROOMS}/nonsense/artifacts", f"{ROOMS}/room-x"):
        refused(place.client.get(path), 404, "SW_ROOM_NOT_FOUND")
    elsewhere = data(place.client.post(ROOMS, json={"name": "Elsewhere"}), 201)["id"]
    for path in (f"{place.path}/{uuid4()}", f"{place.path}/x", f"{ROOMS}/{elsewhere}/artifacts/{artifact_id}"):
        refused(place.client.get(path), 404, "SW_ARTIFACT_NOT_FOUND")
    for version in (2, 2**31 - 1, 0, -1, 2**40):
        answer = place.client.get(f"{place.path}/{artifact_id}/versions/{version}")
        refused(answer, 404, "SW_ARTIFACT_VERSION_NOT_FOUND")
    refused(place.client.get(f"{place.path}/{artifact_id}/versions/x"), 422, "SW_VALIDATION_ERROR")


def test_ids_are_answered_as_we_spell_them_and_refusals_tell_the_place(place: Place) -> None:
    artifact_id = place.create("one", "First")
    for body in ({"title": ""}, {"title": 5}):
        answer = place.client.put(f"{place.path}/{artifact_id}", json=body)
        assert answer.json()["error"]["details"][0]["loc"] == ["body", "title"]
    answer = place.client.delete(f"{place.path}/{artifact_id.upper()}")
    assert answer.json() == {"data": {"id": artifact_id, "deleted": True}}
