"""GET, PATCH and DELETE of `/v3/images/{id}` (contract, 1.3)."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.conftest import Tenant
from tests.pictures import picture
from tests.support import until_ready, upload, wait_for

UNKNOWN = "img_01HXYZ0000000000000000000A"
NOT_FOUND = {"detail": "Not found"}


@pytest.mark.parametrize(
    "image_id",
    [UNKNOWN, "img_", "img_x", "x", UNKNOWN.lower(), UNKNOWN.removeprefix("img_"), "img_" + "Z" * 26, "img_" + "I" * 26,
     "..%2f..%2fetc%2fpasswd", "%2e%2e%2fx", "img_" + "名" * 26, "0" * 5000, "%00",
     "00000000-0000-4000-8000-000000000000"],
)  # fmt: skip
def test_an_id_that_is_none_answers_404(tenant: Tenant, image_id: str) -> None:
    url = f"/v3/images/{image_id}"
    for answer in (tenant.client.get(url), tenant.client.patch(url, json={}), tenant.client.delete(url)):
        assert answer.status_code == 404
        assert answer.json() == NOT_FOUND
        assert answer.headers["cache-control"] == "no-store"


def test_a_change_sets_what_it_names_and_leaves_the_rest(tenant: Tenant) -> None:
    image = upload(tenant.client, alt_text="a", folder="f")
    url = f"/v3/images/{image['id']}"
    _a_second_later(image)
    changed = tenant.client.patch(url, json={"alt_text": "b"}).json()
    assert changed == image | {"alt_text": "b", "updated_at": changed["updated_at"]}
    assert changed["updated_at"] > image["updated_at"]
    assert tenant.client.get(url).json() == changed
    moved = tenant.client.patch(url, json={"folder": "g"}).json()
    assert (moved["alt_text"], moved["folder"]) == ("b", "g")
    cleared = tenant.client.patch(url, json={"alt_text": None, "folder": None}).json()
    assert (cleared["alt_text"], cleared["folder"]) == (None, None)


@pytest.mark.parametrize(
    "body",
    [{}, {"alt_text": "a"}, {"folder": "f"}, {"alt_text": "a", "folder": "f"}, {"unknown": 1},
     {"id": "x", "tenant_id": 2, "size": 1, "sha256": "0", "storageKey": "k", "isPublic": False, "is_public": False,
      "created_at": "2000-01-01", "url": "u", "state": "failed", "filename": "y", "content_type": "text/html"}],
)  # fmt: skip
def test_a_change_to_nothing_leaves_everything_with_updated_at(tenant: Tenant, body: dict[str, Any]) -> None:
    image = upload(tenant.client, alt_text="a", folder="f")
    _a_second_later(image)
    answer = tenant.client.patch(f"/v3/images/{image['id']}", json=body)
    assert answer.status_code == 200
    assert answer.json() == image == tenant.client.get(f"/v3/images/{image['id']}").json()


def test_a_change_leaves_the_bytes_and_their_etag(tenant: Tenant) -> None:
    image = upload(tenant.client)
    before = tenant.client.get(image["url"])
    tenant.client.patch(f"/v3/images/{image['id']}", json={"alt_text": "new"})
    after = tenant.client.get(image["url"])
    assert (after.content, after.headers["etag"]) == (before.content, before.headers["etag"])


@pytest.mark.parametrize(
    "body",
    [b'{"alt_text": 1}', b'{"alt_text": ["x"]}', b'{"folder": {}}', b'{"folder": true}', b"[]", b'"x"', b"null", b"1",
     b"", b"{", b'{"alt_text": NaN}', b'{"alt_text": 1e400}', b'{"alt_text": "\\ud800"}', b'{"alt_text": "\\u0000"}',
     b'{"folder": "\\udfff"}', b'{"alt_text": "%s"}' % (b"x" * 1001), b'{"folder": "%s"}' % (b"x" * 256)],
)  # fmt: skip
def test_a_change_of_the_wrong_type_is_refused_with_422(tenant: Tenant, body: bytes) -> None:
    image = upload(tenant.client)
    answer = tenant.client.patch(
        f"/v3/images/{image['id']}", content=body, headers={"content-type": "application/json"}
    )
    assert answer.status_code == 422
    assert all(set(problem) == {"loc", "msg", "type"} for problem in answer.json()["detail"])
    assert answer.headers["cache-control"] == "no-store"
    assert tenant.client.get(f"/v3/images/{image['id']}").json() == image


@pytest.mark.parametrize(
    ("body", "statuses"),
    [
        (b"[" * 100_000 + b"]" * 100_000, {400, 422}),
        (b'{"alt_text": ' + b'{"a":' * 50_000 + b"1" + b"}" * 50_001, {400, 422}),
        (b'{"alt_text": "' + b"x" * (50 << 20) + b'"}', {413}),
        (b"{" + b",".join(b'"%d":1' % n for n in range(1_000_000)) + b"}", {413}),
        (b'{"alt_text": 1%s}' % (b"0" * 100_000), {400, 422}),
        (b"\xff\xfe{}", {400, 422}),
    ],
    ids=["depth", "nested", "50 MB", "a million keys", "a long number", "not UTF-8"],
)
def test_a_body_made_to_hurt_is_refused(tenant: Tenant, body: bytes, statuses: set[int]) -> None:
    image = upload(tenant.client)
    head = (
        f"PATCH /v3/images/{image['id']} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {tenant.key.key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    answer = tenant.server.exchange(head.encode(), body, seconds=30)
    assert int(answer.split()[1]) in statuses


def test_a_deleted_image_is_gone_from_everywhere_and_its_url_answers_410(tenant: Tenant) -> None:
    image = upload(tenant.client, folder="f")
    until_ready(tenant.client, image)
    deleted = tenant.client.delete(f"/v3/images/{image['id']}")
    assert (deleted.status_code, deleted.content) == (204, b"")
    for url in (image["url"], image["thumbnail_url"]):
        for answer in (tenant.client.get(url), tenant.client.head(url)):
            assert answer.status_code == 410
            assert answer.headers["cache-control"] == "no-store"
    assert tenant.client.get(image["url"]).json() == {"detail": "Gone"}
    url = f"/v3/images/{image['id']}"
    answers = tenant.client.get(url), tenant.client.patch(url, json={"alt_text": "x"}), tenant.client.delete(url)
    assert [(it.status_code, it.json()) for it in answers] == [(404, NOT_FOUND)] * 3
    assert tenant.client.get("/v3/images").json()["total"] == 0
    assert tenant.client.get("/v3/images/folders").json() == {"folders": []}
    wait_for(lambda: not list(tenant.objects()), "the bytes to be removed")


def test_an_image_deleted_while_it_is_worked_on_stays_deleted(tenant: Tenant) -> None:
    images = [upload(tenant.client, picture("JPEG", 1200, 900, seed=n)) for n in range(6)]
    for image in images:
        assert tenant.client.delete(f"/v3/images/{image['id']}").status_code == 204
    wait_for(lambda: not list(tenant.objects()), "the bytes to be removed")
    assert {tenant.client.get(image["url"]).status_code for image in images} == {410}
    assert tenant.client.get("/v3/images").json()["total"] == 0


def test_of_many_deletions_at_once_one_counts(tenant: Tenant) -> None:
    image = upload(tenant.client)
    start = threading.Barrier(8)

    def delete(_: int) -> int:
        start.wait()
        return tenant.client.delete(f"/v3/images/{image['id']}").status_code

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(delete, range(8))) == [204] + [404] * 7
    assert tenant.client.get("/v3/images").json()["total"] == 0


def test_uploads_into_a_new_folder_at_the_same_moment_all_count(tenant: Tenant) -> None:
    start = threading.Barrier(8)

    def put(_: int) -> str:
        start.wait()
        return str(upload(tenant.client, folder="brand/new")["folder"])

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(put, range(8))) == {"brand/new"}
    assert tenant.client.get("/v3/images", params={"folder": "brand/new"}).json()["total"] == 8


def _a_second_later(image: dict[str, Any]) -> None:
    """Times are shown in whole seconds."""
    from datetime import UTC, datetime

    wait_for(lambda: f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}" > image["created_at"], "the next second", 2)
