"""Many writers at once: no version is lost, none is made twice, none overwrites what it has not seen (safety, R7)."""

from concurrent.futures import ThreadPoolExecutor
from random import Random
from threading import Barrier
from typing import Any

import httpx

from tests.surfaces.artifacts.conftest import Place, data, listed

WRITERS, ROUNDS = 50, 3
AT_ONCE = 10
DOCUMENT = "".join(f"line {number}: {Random(number).random()}\n" for number in range(400))


def test_fifty_writers_make_one_version_each_and_every_one_is_intact(place: Place) -> None:
    artifact_id = place.create(DOCUMENT)

    def write(number: int) -> dict[int, tuple[str, str]]:
        made = {}
        for round_ in range(ROUNDS):
            content = DOCUMENT.replace("line 7:", f"line 7 of {number} in {round_}:")
            body = {"title": f"{number}-{round_}", "content": content, "change_description": f"by {number}"}
            made[place.put(artifact_id, **body)["version"]] = (body["title"], content)
        return made

    with ThreadPoolExecutor(WRITERS) as pool:
        written = [it for made in pool.map(write, range(WRITERS)) for it in made.items()]
    by_number = dict(written)
    assert len(written) == len(by_number) == WRITERS * ROUNDS
    assert sorted(by_number) == list(range(2, 2 + WRITERS * ROUNDS))
    history = listed(place.client.get(f"{place.path}/{artifact_id}/versions"))
    assert [it["version"] for it in history] == list(range(1 + WRITERS * ROUNDS, 0, -1))
    assert [it["created_at"] for it in history] == sorted((it["created_at"] for it in history), reverse=True)
    for number, (title, content) in by_number.items():
        it = place.read(artifact_id, number)
        assert (it["title"], it["content"]) == (title, content)
    assert place.read(artifact_id)["content"] == by_number[1 + WRITERS * ROUNDS][1]


def test_writers_with_if_match_never_overwrite_each_other(place: Place) -> None:
    artifact_id = place.create("0")
    path = f"{place.path}/{artifact_id}"
    together = Barrier(AT_ONCE)

    def add_one(number: int) -> int:
        """Read, add, and write only over what was read; how often somebody else was faster."""
        beaten = 0
        while True:
            seen = place.client.get(path)
            if number < AT_ONCE and not beaten:  # so that all but one of these write too late
                together.wait(60)
            body = {"content": str(int(data(seen)["content"]) + 1)}
            answer = _put(path, place.client, body, seen.headers["etag"])
            if answer.status_code == 200:
                return beaten
            assert answer.status_code == 412
            error = answer.json()["error"]
            assert error["code"] == "SW_VERSION_CONFLICT"
            assert error["current_version"] > int(seen.headers["etag"].strip('"'))
            assert answer.headers["etag"] == f'"{error["current_version"]}"'
            beaten += 1

    with ThreadPoolExecutor(AT_ONCE) as pool:
        beaten = sum(pool.map(add_one, range(30)))
    assert data(place.client.get(path))["content"] == "30"
    assert data(place.client.get(path))["version"] == 31
    assert beaten >= AT_ONCE - 1


def test_edits_of_many_at_once_are_all_there(place: Place) -> None:
    artifact_id = place.create("".join(f"[{number}]\n" for number in range(20)))

    def edit(number: int) -> None:
        body = {"edits": [{"old_text": f"[{number}]", "new_text": f"[done {number}]"}]}
        data(place.client.patch(f"{place.path}/{artifact_id}", json=body))

    with ThreadPoolExecutor(20) as pool:
        list(pool.map(edit, range(20)))
    assert place.read(artifact_id)["content"] == "".join(f"[done {number}]\n" for number in range(20))
    assert place.read(artifact_id)["version"] == 21


def test_a_stale_condition_stops_every_kind_of_change(place: Place) -> None:
    artifact_id = place.create("one")
    place.put(artifact_id, content="two")
    path = f"{place.path}/{artifact_id}"
    edits = [{"old_text": "nowhere", "new_text": ""}]
    for method, suffix, body in (
        ("PUT", "", {"content": "x"}), ("PATCH", "", {"edits": edits}), ("POST", "/revert", {"version": 1}),
        ("DELETE", "", None),
    ):  # fmt: skip
        for condition in ('"1"', 'W/"1"', '"7", "9"', "nonsense", '""'):
            answer = place.client.request(method, path + suffix, json=body, headers={"If-Match": condition})
            assert (answer.status_code, answer.json()["error"]["current_version"]) == (412, 2)
        if body:
            answer = place.client.request(method, path + suffix, json=body | {"expected_version": 1})
            assert answer.status_code == 412
    for condition in ('"2"', "*", '"1", "4"', 'W/"5"'):
        answer = place.client.put(path, json={"content": "x"}, headers={"If-Match": condition})
        assert answer.status_code == 200, condition
    assert data(place.client.delete(path))["deleted"]


def _put(path: str, client: httpx.Client, body: dict[str, Any], tag: str) -> httpx.Response:
    return client.put(path, json=body, headers={"If-Match": tag})
