"""Artifacts found by what they mean: once they are read, by those who may read them, as they say now."""

import httpx
import pytest

from tests.support import Server, wait_for
from tests.surfaces.artifacts.conftest import Place

SEARCH = "/v1/artifacts/search"
PIER = "# Pier seven\n\nThe bolts are corroded. The harbour master wants them replaced before winter.\n"
PIE = "# Apple pie\n\nPeel the apples, add cinnamon and sugar, and bake for an hour.\n"


@pytest.fixture(scope="module")
def server(thinking: Server) -> Server:
    return thinking


def asked(client: httpx.Client, query: str, mode: str = "semantic", **more: str) -> tuple[list[dict], dict]:  # type: ignore[type-arg]
    answer = client.get(SEARCH, params={"query": query, "mode": mode} | more)
    assert answer.status_code == 200, answer.text
    return answer.json()["data"], answer.json()["meta"]


def titles(client: httpx.Client, query: str, mode: str = "semantic", **more: str) -> list[str]:
    return [it["title"] for it in asked(client, query, mode, **more)[0]]


def read(place: Place, query: str, title: str) -> None:
    """Wait until an artifact is found by this."""
    wait_for(lambda: titles(place.client, query)[:1] == [title], f"{title} to be read", 120)


def test_artifacts_are_found_by_what_they_mean_and_say_how(place: Place) -> None:
    place.create(PIER, "Survey")
    place.create(PIE, "Recipe")
    read(place, "dessert", "Recipe")
    read(place, "rust on metal at the port", "Survey")
    hits, meta = asked(place.client, "dessert")
    assert (hits[0]["matched_by"], meta["mode"], meta["note"]) == (["semantic"], "semantic", None)
    assert "cinnamon" in hits[0]["snippet"]
    assert 0 < hits[0]["similarity"] < 1
    assert titles(place.client, "dessert", "words") == []
    hits, meta = asked(place.client, "corroded bolts", "hybrid")
    assert (hits[0]["title"], hits[0]["matched_by"], meta["mode"]) == ("Survey", ["words", "semantic"], "hybrid")


def test_what_is_found_is_what_it_says_now(place: Place) -> None:
    it = place.create(PIE, "Notes")
    read(place, "dessert", "Notes")
    place.put(it, content=PIER)
    read(place, "rust on metal at the port", "Notes")
    wait_for(lambda: titles(place.client, "dessert") == [], "the pie to be forgotten", 120)
    place.client.delete(f"{place.path}/{it}")
    assert titles(place.client, "rust on metal at the port") == []
    assert place.client.post(f"{place.path}/{it}/restore").status_code == 200
    assert titles(place.client, "rust on metal at the port") == ["Notes"]


def test_meaning_shows_nobody_what_they_may_not_read(place: Place) -> None:
    place.create(PIE, "Secret recipe")
    read(place, "dessert", "Secret recipe")
    with place.somebody() as stranger, place.somebody(0) as member:
        assert titles(stranger, "dessert") == []
        assert titles(member, "dessert") == ["Secret recipe"]
        answer = stranger.get(SEARCH, params={"query": "dessert", "mode": "semantic", "room_id": place.room_id})
        assert answer.status_code == 403


def test_before_anything_is_read_the_search_goes_by_words_and_says_so(place: Place) -> None:
    hits, meta = asked(place.client, "dessert")
    assert (hits, meta["mode"], meta["note"]) == ([], "words", "No artifact has been read for its meaning yet")
    assert place.client.get(SEARCH, params={"query": "a", "mode": "telepathy"}).status_code == 422


def test_a_long_document_is_found_by_each_of_its_parts(place: Place) -> None:
    parts = (f"## Part {number}\n\n" + "The tide was as it had been the day before. " * 12 for number in range(4))
    place.create("\n\n".join(["# Log", *parts, PIE]), "Log")
    read(place, "dessert", "Log")
    assert "cinnamon" in asked(place.client, "apple dessert")[0][0]["snippet"]
