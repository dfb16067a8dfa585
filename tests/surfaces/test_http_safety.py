"""What every answer carries, whatever the question (running.md, "Promises to every client"; safety, G8 and G9)."""

import re

import httpx
import pytest

from tests.conftest import Tenant
from tests.support import Server, own_address, upload

ULID = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}")


def answers(server: Server, tenant: Tenant) -> list[httpx.Response]:
    """One answer of every kind."""
    image = upload(tenant.client)
    gone = upload(tenant.client)
    tenant.client.delete(f"/v3/images/{gone['id']}")
    with server.client(None, address=own_address()) as anyone:
        return [
            tenant.client.get("/v3/images"),
            tenant.client.get("/v3/images/x"),
            tenant.client.get("/v3/images?page=x"),
            tenant.client.put("/v3/images"),
            tenant.client.post("/v3/images"),
            tenant.client.get("/nothing"),
            tenant.client.delete("/"),
            anyone.get("/v3/images"),
            anyone.get("/v3/images", headers={"Authorization": "Bearer x"}),
            anyone.get(image["url"]),
            anyone.head(image["url"]),
            anyone.get(image["url"], headers={"If-None-Match": "*"}),
            anyone.get(image["url"], headers={"Range": "bytes=0-0"}),
            anyone.get(image["url"], headers={"Range": "bytes=99999999-"}),
            anyone.get(f"{image['url']}?variant=x"),
            anyone.get(gone["url"]),
            anyone.get("/i/x"),
            anyone.post("/i/x"),
            *(anyone.get(path) for path in ("/", "/docs", "/docs/start.js", "/docs/nothing", "/openapi.json",
                                            "/metrics", "/health/live", "/health/ready")),
        ]  # fmt: skip


def test_every_answer_carries_the_promised_headers(server: Server, tenant: Tenant) -> None:
    seen = set()
    for answer in answers(server, tenant):
        headers, what = answer.headers, (answer.request.method, str(answer.request.url), answer.status_code)
        is_media = answer.request.url.path.startswith("/i/")
        assert headers["x-content-type-options"] == "nosniff", what
        assert headers["referrer-policy"] == "no-referrer", what
        assert headers["cross-origin-resource-policy"] == ("cross-origin" if is_media else "same-origin"), what
        policy = headers["content-security-policy"]
        assert (policy == "default-src 'none'; sandbox") if is_media else policy.startswith("default-src 'none'"), what
        assert ULID.fullmatch(headers["x-request-id"]), what
        assert headers["x-request-id"] not in seen, what
        seen.add(headers["x-request-id"])
        for name in (
            "x-content-type-options",
            "content-security-policy",
            "x-request-id",
            "cross-origin-resource-policy",
        ):
            assert len(headers.get_list(name)) == 1, (what, name)
        if answer.status_code == 401:
            assert headers["www-authenticate"] == "Bearer"
        if answer.status_code >= 400:
            assert headers["cache-control"] == "no-store", what
            assert answer.request.method == "HEAD" or list(answer.json()) == ["detail"], what
        assert answer.status_code < 500, what


def test_a_path_and_a_method_that_are_none_answer_404_and_405(tenant: Tenant) -> None:
    for path in (
        "/v3/",
        "/v3",
        "/v3/image",
        "/v3/images/x/y",
        "/V3/images",
        "//v3/images",
        "/v3/images//",
        "/%2e%2e/x",
    ):
        assert tenant.client.get(path).status_code == 404, path
    for method in ("PUT", "DELETE", "PATCH"):
        answer = tenant.client.request(method, "/v3/images")
        assert (answer.status_code, answer.json()) == (405, {"detail": "Method Not Allowed"})
        assert answer.headers["allow"] == "GET, POST"


@pytest.mark.parametrize("origin", ["null", "https://evil.example"])
def test_without_configured_origins_none_is_named(tenant: Tenant, origin: str) -> None:
    ask = {"Origin": origin, "Access-Control-Request-Method": "GET"}
    for answer in (tenant.client.get("/v3/images", headers=ask), tenant.client.options("/v3/images", headers=ask)):
        assert not [name for name in answer.headers if name.startswith("access-control-")]


def test_the_page_of_the_api_loads_nothing_from_elsewhere(server: Server) -> None:
    with server.client(None) as client:
        for path in ("/docs", "/docs/start.js"):
            assert not re.search(r"https?://|//[a-z]", client.get(path).text)


@pytest.mark.parametrize("path", ["/v3/images", "/i/{image_id}", "/health/live", "/health/ready", "/metrics", "/docs"])
def test_the_document_names_every_route(server: Server, path: str) -> None:
    with server.client(None) as client:
        document = client.get("/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    assert path in document["paths"]
    assert {"get", "head"} <= set(document["paths"]["/i/{image_id}"])
