"""`GET /v3/images` and `/v3/images/folders`: pages, search and folders (contract, 1.3)."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import Tenant
from tests.support import quick, upload

EXAMPLES = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True
)


def ids(tenant: Tenant, **query: Any) -> list[str]:
    answer = tenant.client.get("/v3/images", params=query)
    assert answer.status_code == 200, answer.text
    return [it["id"] for it in answer.json()["result"]]


def total(tenant: Tenant, **query: Any) -> int:
    return int(tenant.client.get("/v3/images", params=query).json()["total"])


def test_an_empty_library_lists_nothing(tenant: Tenant) -> None:
    assert tenant.client.get("/v3/images").json() == {"result": [], "total": 0, "page": 1, "page_size": 25}
    assert tenant.client.get("/v3/images/folders").json() == {"folders": []}


def test_pages_go_from_the_newest_to_the_oldest_and_none_is_lost(tenant: Tenant) -> None:
    made = [upload(tenant.client)["id"] for _ in range(7)]
    newest_first = made[::-1]
    assert ids(tenant) == newest_first
    assert [ids(tenant, page=page, page_size=3) for page in (1, 2, 3, 4)] == [
        newest_first[:3], newest_first[3:6], newest_first[6:], [],
    ]  # fmt: skip
    beyond = tenant.client.get("/v3/images", params={"page": 9, "page_size": 3}).json()
    assert beyond == {"result": [], "total": 7, "page": 9, "page_size": 3}


@pytest.mark.parametrize("query", [{}, {"search": "photo"}, {"folder": "f"}, {"folder": "f", "search": "photo"}])
def test_every_filter_pages_and_counts_alike(tenant: Tenant, query: dict[str, str]) -> None:
    made = [upload(tenant.client, folder="f")["id"] for _ in range(4)][::-1]
    assert [ids(tenant, page=page, page_size=2, **query) for page in (1, 2, 3)] == [made[:2], made[2:], []]
    assert {total(tenant, page=page, page_size=2, **query) for page in (1, 2, 3)} == {4}


@pytest.mark.parametrize(
    "query",
    ["page=0", "page=-1", "page=x", "page=", "page=1.5", "page=99999999999999999999", "page_size=0",
     "page_size=101", "page_size=-1", "page_size=x", "page_size=1000000000", "page=1e18", "search=" + "x" * 1001,
     "search=%00", "search=a%00b", "folder=a%00b", "folder=" + "x" * 5000],
)  # fmt: skip
def test_a_query_that_makes_no_sense_is_refused_with_the_place_of_the_error(tenant: Tenant, query: str) -> None:
    answer = tenant.client.get(f"/v3/images?{query}")
    assert answer.status_code == 422
    [problem] = answer.json()["detail"]
    assert problem["loc"][-1] == query.partition("=")[0]
    assert set(problem) == {"loc", "msg", "type"}
    assert answer.headers["cache-control"] == "no-store"


def test_a_search_of_a_megabyte_is_refused_at_once(tenant: Tenant) -> None:
    answer = quick(lambda: tenant.client.get("/v3/images", params={"search": "x" * 60_000}), 2)
    assert answer.status_code == 422


def test_the_last_page_there_can_be_answers_quickly(tenant: Tenant) -> None:
    upload(tenant.client)
    answer = quick(lambda: tenant.client.get("/v3/images", params={"page": 1 << 31, "page_size": 100}), 2)
    assert answer.status_code == 200
    assert answer.json()["total"] == 1


@pytest.fixture
def searched(tenant: Tenant) -> Tenant:
    upload(tenant.client, name="Straße-BERLIN.jpg", alt_text="Ein Café im Regen")
    upload(tenant.client, name="100%_sure.jpg", alt_text="quotes \" and ' and \\ and *")
    upload(tenant.client, name="100 sure.jpg", alt_text="東京の夜景 🌃")
    upload(tenant.client, name="x.exe", alt_text="AND OR NOT NEAR(a b) body : x")
    return tenant


@pytest.mark.parametrize(
    ("needle", "hits"),
    [
        ("straße", 1), ("STRASSE", 1), ("berlin", 1), ("erl", 1), ("CAFÉ", 1), ("café im", 1), ("cafe", 0),
        ("%", 1), ("_", 1), ("100%", 1), ("0%_s", 1), ("1_0", 0), ("100", 2), ("10", 2), ("1", 2), ("e", 4),
        ('"', 1), ("'", 1), ("\\", 1), ("*", 1), ('s " a', 1), ("東京", 1), ("京", 1), ("東京の夜", 1), ("🌃", 1),
        ("AND OR", 1), ("NEAR(a", 1), ("body :", 1), (" : ", 1), ("nothing-like-it", 0), (".jpg", 4), ("x.exe", 1),
        ("berlin café", 0), (" ", 4),
    ],
)  # fmt: skip
def test_search_finds_substrings_of_names_and_alt_texts_whatever_their_case(
    searched: Tenant, needle: str, hits: int
) -> None:
    assert total(searched, search=needle) == hits
    assert len(ids(searched, search=needle)) == hits


def test_an_empty_search_or_folder_is_none(tenant: Tenant) -> None:
    upload(tenant.client)
    assert total(tenant, search="") == total(tenant, folder="") == 1


def test_search_and_folder_hold_together(tenant: Tenant) -> None:
    both = upload(tenant.client, name="cat.jpg", folder="pets")["id"]
    upload(tenant.client, name="cat.jpg", folder="art")
    upload(tenant.client, name="dog.jpg", folder="pets")
    for needle in ("cat", "ca"):
        assert ids(tenant, folder="pets", search=needle) == [both]
        assert total(tenant, folder="pets", search=needle) == 1


def test_what_changes_is_found_by_its_new_words_only(tenant: Tenant) -> None:
    image = upload(tenant.client, alt_text="before")
    tenant.client.patch(f"/v3/images/{image['id']}", json={"alt_text": "afterwards"})
    assert ids(tenant, search="afterwards") == [image["id"]]
    assert ids(tenant, search="before") == []
    tenant.client.delete(f"/v3/images/{image['id']}")
    assert total(tenant, search="afterwards") == total(tenant) == total(tenant, search="af") == 0


@pytest.fixture
def described(tenant: Tenant) -> tuple[Tenant, str]:
    return tenant, upload(tenant.client, name="x.jpg")["id"]


@EXAMPLES
@given(text=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40), data=st.data())
def test_every_alt_text_comes_back_and_every_part_of_it_is_found(
    described: tuple[Tenant, str], text: str, data: st.DataObject
) -> None:
    tenant, image_id = described
    changed = tenant.client.patch(f"/v3/images/{image_id}", json={"alt_text": text})
    assert changed.status_code == 200
    assert changed.json()["alt_text"] == text
    start = data.draw(st.integers(0, max(0, len(text) - 1)))
    part = text[start : start + data.draw(st.integers(1, 6))]
    found = ids(tenant, search=part)
    # A part that begins or ends inside a composed character is another text.
    if part.isascii() or part == text:
        assert found == [image_id]


@EXAMPLES
@given(needle=st.text(st.characters(exclude_categories=["Cs"]), max_size=30))
def test_no_search_text_is_an_error_of_ours(described: tuple[Tenant, str], needle: str) -> None:
    tenant, _ = described
    assert tenant.client.get("/v3/images", params={"search": needle}).status_code in {200, 422}


@EXAMPLES
@given(name=st.text(max_size=30))
def test_no_folder_name_is_an_error_of_ours(described: tuple[Tenant, str], name: str) -> None:
    tenant, image_id = described
    body = b'{"folder": "%s"}' % "".join(f"\\u{unit:04x}" for unit in _utf16(name)).encode()
    answer = tenant.client.patch(f"/v3/images/{image_id}", content=body, headers={"content-type": "application/json"})
    assert answer.status_code in {200, 422}
    if answer.status_code == 200 and (folder := answer.json()["folder"]) is not None:
        assert ids(tenant, folder=folder) == [image_id]
        assert tenant.client.get("/v3/images/folders").json() == {"folders": [folder]}


def _utf16(text: str) -> list[int]:
    data = text.encode("utf-16-be", "surrogatepass")
    return [int.from_bytes(data[at : at + 2], "big") for at in range(0, len(data), 2)]


def test_folders_are_those_in_use_each_once(tenant: Tenant) -> None:
    first = upload(tenant.client, folder="brand")
    upload(tenant.client, folder="brand")
    upload(tenant.client, folder="2024/summer")
    upload(tenant.client)
    assert tenant.client.get("/v3/images/folders").json() == {"folders": ["2024/summer", "brand"]}
    assert total(tenant, folder="brand") == 2
    assert total(tenant, folder="2024/summer") == 1
    assert total(tenant, folder="2024") == total(tenant, folder="bran") == total(tenant, folder="Brand") == 0
    tenant.client.patch(f"/v3/images/{first['id']}", json={"folder": "press"})
    assert set(tenant.client.get("/v3/images/folders").json()["folders"]) == {"2024/summer", "brand", "press"}
    assert total(tenant, folder="brand") == total(tenant, folder="press") == 1
    tenant.client.delete(f"/v3/images/{first['id']}")
    assert set(tenant.client.get("/v3/images/folders").json()["folders"]) == {"2024/summer", "brand"}
    assert total(tenant, folder="press") == 0
