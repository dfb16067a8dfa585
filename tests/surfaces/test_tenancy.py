"""Two tenants: neither sees, counts or changes anything of the other, whatever the route (safety, E6 to E10)."""

import re
from typing import Any

import httpx
import pytest

from tests.conftest import Tenant
from tests.pictures import picture
from tests.support import Server, upload

UNKNOWN = {"image_id": "img_01HXYZ0000000000000000000A"}
BODIES: dict[str, Any] = {"patch": {"alt_text": "taken over", "folder": "mine"}}


def operations(server: Server) -> list[tuple[str, str]]:
    """(method, path) of every route that takes the id of something and a credential, as the document says."""
    with server.client(None) as client:
        paths = client.get("/openapi.json").json()["paths"]
    return [
        (method, path)
        for path, item in paths.items()
        for method, operation in item.items()
        if operation.get("security") != [] and any(f"{{{name}}}" in path for name in UNKNOWN)
    ]


def filled(path: str, ids: dict[str, str]) -> str:
    return re.sub(r"\{(\w+)\}", lambda found: ids[found[1]], path)


def test_every_route_answers_for_anothers_id_exactly_what_it_answers_for_none(
    server: Server, tenant: Tenant, other_tenant: Tenant
) -> None:
    image = upload(tenant.client, alt_text="mine", folder="private")
    theirs = {"image_id": image["id"]}
    routes = operations(server)
    assert len(routes) >= 6
    for method, path in routes:
        answers = [
            other_tenant.client.request(method, filled(path, ids), json=BODIES.get(method)) for ids in (theirs, UNKNOWN)
        ]
        foreign, absent = answers
        assert foreign.status_code == 404, (method, path)
        assert foreign.content == absent.content, (method, path)
        assert _comparable(foreign) == _comparable(absent)
        assert tenant.client.get(f"/v3/images/{image['id']}").json() == image


def _comparable(answer: httpx.Response) -> dict[str, str]:
    changing = {"date", "x-request-id", "x-ratelimit-remaining", "x-ratelimit-reset"}
    return {name: value for name, value in answer.headers.items() if name not in changing}


def test_every_route_that_is_not_public_asks_for_a_credential(server: Server) -> None:
    with server.client(None) as client:
        for path, item in client.get("/openapi.json").json()["paths"].items():
            for method, operation in item.items():
                if operation.get("security") in ([], None):
                    continue
                answer = client.request(method, re.sub(r"\{\w+\}", UNKNOWN["image_id"], path))
                assert answer.status_code == 401, (method, path)
                assert answer.headers["www-authenticate"] == "Bearer"


def test_lists_searches_folders_and_totals_show_nothing_of_the_other(tenant: Tenant, other_tenant: Tenant) -> None:
    mine = [upload(tenant.client, alt_text="the same words", folder="the same folder")["id"] for _ in range(3)]
    theirs = upload(other_tenant.client, alt_text="the same words", folder="the same folder")["id"]
    upload(tenant.client, folder="only mine")
    for query in ({"search": "same words"}, {"search": "sa"}, {"folder": "the same folder"},
                  {"folder": "the same folder", "search": "same"}):  # fmt: skip
        found = other_tenant.client.get("/v3/images", params=query).json()
        assert ([it["id"] for it in found["result"]], found["total"]) == ([theirs], 1)
        found = tenant.client.get("/v3/images", params=query).json()
        assert ([it["id"] for it in found["result"]], found["total"]) == (mine[::-1], 3)
    assert other_tenant.client.get("/v3/images").json()["total"] == 1
    assert other_tenant.client.get("/v3/images/folders").json() == {"folders": ["the same folder"]}
    for query in ({"folder": "only mine"}, {"search": "only mine"}):
        assert other_tenant.client.get("/v3/images", params=query).json()["total"] == 0


def test_the_same_bytes_of_two_tenants_are_two_things(tenant: Tenant, other_tenant: Tenant) -> None:
    data = picture("PNG")
    first, second = upload(tenant.client, data), upload(other_tenant.client, data)
    tenant.client.delete(f"/v3/images/{first['id']}")
    assert other_tenant.client.get(second["url"]).content == data


def test_an_idempotency_key_is_one_tenants_own(tenant: Tenant, other_tenant: Tenant) -> None:
    for client in (tenant.client, other_tenant.client):
        answer = client.post("/v3/images", files={"file": ("a.png", picture("PNG"))}, headers={"Idempotency-Key": "k"})
        assert answer.status_code == 201
        assert client.get("/v3/images").json()["total"] == 1


@pytest.mark.parametrize("field", ["tenant_id", "tenant", "id", "user_id", "is_public", "state", "storageKey", "size"])
def test_no_field_of_a_form_reaches_what_is_not_the_clients_to_say(tenant: Tenant, field: str) -> None:
    fields: dict[str, Any] = {field: "1"}
    image = upload(tenant.client, **fields)
    assert image["id"] != "1"
    assert tenant.client.get("/v3/images").json()["result"] == [image]
