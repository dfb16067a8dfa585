"""Search over artifacts, `asset:` links and where files are used, and links for anybody."""

from datetime import datetime
from uuid import uuid4

import httpx

from mediatheque.model import Role
from tests.conftest import Tenant
from tests.pictures import picture
from tests.support import upload
from tests.surfaces.artifacts.conftest import ROOMS, Place, data, listed, new_room, refused

SEARCH, USES = "/v1/artifacts/search", "/v1/artifacts"


def found(client: httpx.Client, query: str, **more: str) -> list[str]:
    return [it["title"] for it in listed(client.get(SEARCH, params={"query": query} | more))]


def fetched(url: str) -> httpx.Response:
    """What anybody gets there."""
    return httpx.get(url, timeout=60)


def test_artifacts_are_found_by_their_words(place: Place) -> None:
    place.create("The rollback section, written by Zoë in snake_case.", "Migration plan")
    place.create("Nothing about migrations here: 東京港の計画", "Harbour notes")
    newest = place.create("old words", "Third")
    place.put(newest, content="A rollback of the pier")
    assert found(place.client, "rollback") == ["Third", "Migration plan"]
    assert found(place.client, "ROLLBACK sect") == ["Migration plan"]
    assert found(place.client, "migration") == ["Migration plan", "Harbour notes"]
    assert found(place.client, "zoë snake_case") == ["Migration plan"]
    assert found(place.client, "京港") == ["Harbour notes"]
    assert found(place.client, "old") == []
    for odd in ('"', "x' OR 1", "a:* & b", "NEAR(", "%", "scope : t1"):
        answer = place.client.get(SEARCH, params={"query": odd})
        assert answer.status_code in {200, 422}, odd
    hit = listed(place.client.get(SEARCH, params={"query": "rollback pier"}))[0]
    assert hit["snippet"] == "A rollback of the pier"
    place.client.delete(f"{place.path}/{newest}")
    assert found(place.client, "rollback") == ["Migration plan"]


def test_only_what_one_may_read_is_found(place: Place, other_tenant: Tenant) -> None:
    place.create("a harbour", "Ours")
    elsewhere = new_room(place.client)
    body = {"title": "Elsewhere", "content": "a harbour"}
    data(place.client.post(f"{ROOMS}/{elsewhere}/tools/create_artifact", json=body), 201)
    with place.somebody(0) as member, place.somebody(role=Role.ADMIN) as admin:
        assert found(member, "harbour") == ["Ours"]
        assert found(admin, "harbour") == found(other_tenant.client, "harbour") == []
        assert found(place.client, "harbour", room_id=elsewhere) == ["Elsewhere"]
        answer = admin.get(SEARCH, params={"query": "harbour", "room_id": elsewhere})
        refused(answer, 403, "SW_NOT_MEMBER")
        data(place.client.patch(f"{ROOMS}/{place.room_id}", json={"artifact_read_power": 1}))
        assert found(member, "harbour") == []


def test_links_to_files_become_urls_when_they_are_read(place: Place) -> None:
    file_id = _picture(place)
    content = f"![pier](asset:{file_id}) and asset:{file_id}/thumbnail, asset:{uuid4()}"
    artifact_id = place.create(content)
    it = place.read(artifact_id)
    assert it["content"] == content
    assert [(one["file_id"], one["media_type"]) for one in it["references"]] == [(file_id, "image/jpeg")]
    assert fetched(it["references"][0]["url"]).headers["content-type"] == "image/jpeg"
    resolved = data(place.client.get(f"{place.path}/{artifact_id}", params={"resolve": True}))["content"]
    url = resolved.partition("(")[2].partition(")")[0]
    assert fetched(url).content == fetched(it["references"][0]["url"]).content
    assert "/thumbnail/" in resolved
    assert resolved.endswith(content[-len("asset:") - 36 :])
    with place.somebody(100, scopes=["artifacts.read", "artifacts.write"]) as narrow:
        shown = data(narrow.get(f"{place.path}/{artifact_id}", params={"resolve": True}))
        assert (shown["content"], shown["references"]) == (content, [])
    place.client.delete(f"/api/v2/user-files/{file_id}")
    assert place.read(artifact_id)["references"] == []


def test_a_file_says_where_it_is_used(place: Place, other_tenant: Tenant) -> None:
    file_id = _picture(place)
    first, second = (place.create(f"asset:{file_id}", title) for title in ("First", "Second"))

    def users(client: httpx.Client) -> list[str]:
        return [it["title"] for it in listed(client.get(USES, params={"asset_id": file_id}))]

    assert users(place.client) == ["Second", "First"]
    place.put(second, content="no more")
    place.client.delete(f"{place.path}/{first}")
    assert users(place.client) == []
    data(place.client.post(f"{place.path}/{first}/restore"))
    with place.somebody() as stranger:
        assert users(stranger) == []
    refused(other_tenant.client.get(USES, params={"asset_id": file_id}), 404, "SW_NOT_FOUND")


def test_another_tenant_s_file_is_never_shown(place: Place, other_tenant: Tenant) -> None:
    theirs = upload(other_tenant.client, picture("JPEG"))["id"]
    file_id = other_tenant.client.get("/api/v2/user-files").json()["files"][0]["id"]
    artifact_id = place.create(f"asset:{file_id} {theirs}")
    assert place.read(artifact_id)["references"] == []


def test_a_link_shows_an_artifact_to_anybody_until_it_ends(place: Place) -> None:
    file_id = _picture(place)
    artifact_id = place.create(f"![pier](asset:{file_id})", "Shared")
    shares = f"{place.path}/{artifact_id}/shares"
    fixed = data(place.client.post(shares, json={"version": 1, "expires_in_seconds": 3600}), 201)
    moving = data(place.client.post(shares, json={}), 201)
    assert fixed["expires_at"] < moving["expires_at"]
    for it in (fixed, moving):
        assert f"expires={int(datetime.fromisoformat(it['expires_at']).timestamp())}&" in it["url"]
    place.put(artifact_id, content="second")
    shown = fetched(fixed["url"])
    assert (data(shown)["version"], data(shown)["title"]) == (1, "Shared")
    assert data(shown)["content"].startswith("![pier](http")
    assert (shown.headers["cache-control"], shown.headers["content-type"]) == ("no-store", "application/json")
    assert fetched(data(shown)["references"][0]["url"]).status_code == 200
    assert data(fetched(moving["url"]))["content"] == "second"
    assert [it["url"] for it in listed(place.client.get(shares))] == [moving["url"], fixed["url"]]
    for spoilt in (
        fixed["url"][:-1] + "x",
        fixed["url"].partition("?")[0],
        fixed["url"].replace("expires=1", "expires=2"),
    ):
        refused(fetched(spoilt), 403, "SW_AUTH_INSUFFICIENT_PERMISSION")
    assert data(place.client.delete(f"{shares}/{fixed['id']}"))["deleted"]
    refused(fetched(fixed["url"]), 410, "SW_GONE")
    refused(place.client.delete(f"{shares}/{fixed['id']}"), 404, "SW_SHARE_NOT_FOUND")
    place.client.delete(f"{place.path}/{artifact_id}")
    refused(fetched(moving["url"]), 410, "SW_GONE")
    data(place.client.post(f"{place.path}/{artifact_id}/restore"))
    assert fetched(moving["url"]).status_code == 200
    for body in ({"expires_in_seconds": 1}, {"expires_in_seconds": "60"}, {"version": 0}):
        refused(place.client.post(shares, json=body), 422, "SW_VALIDATION_ERROR")
    refused(place.client.post(shares, json={"version": 9}), 404, "SW_ARTIFACT_VERSION_NOT_FOUND")


def test_a_link_shows_no_files_to_which_its_maker_had_no_right(place: Place) -> None:
    artifact_id = place.create(f"asset:{_picture(place)}")
    with place.somebody(10, scopes=["artifacts.read", "artifacts.write"]) as narrow:
        url = data(narrow.post(f"{place.path}/{artifact_id}/shares", json={}), 201)["url"]
    assert data(fetched(url))["references"] == []


def _picture(place: Place) -> str:
    upload(place.client, picture("JPEG"))
    return str(place.client.get("/api/v2/user-files").json()["files"][0]["id"])
