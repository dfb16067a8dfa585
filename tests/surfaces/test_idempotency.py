"""`Idempotency-Key` on what creates (contract, 10; safety, P8)."""

import threading
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.conftest import Tenant
from tests.pictures import picture

PNG = picture("PNG")


def post(tenant: Tenant, key: str | bytes, data: bytes = PNG, name: str = "a.png", **fields: str) -> httpx.Response:
    headers = {"Idempotency-Key": key.encode() if isinstance(key, str) else key}
    return tenant.client.post("/v3/images", files={"file": (name, data)}, data=fields, headers=headers)  # type: ignore[arg-type]


def total(tenant: Tenant) -> int:
    return int(tenant.client.get("/v3/images").json()["total"])


def test_the_same_request_again_gets_the_first_answer(tenant: Tenant) -> None:
    first, second = post(tenant, "k", alt_text="a"), post(tenant, "k", alt_text="a")
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
    assert total(tenant) == 1
    assert post(tenant, "another", alt_text="a").json()["id"] != first.json()["id"]


def test_it_gets_it_also_when_the_image_is_gone(tenant: Tenant) -> None:
    first = post(tenant, "k")
    tenant.client.delete(f"/v3/images/{first.json()['id']}")
    assert post(tenant, "k").json() == first.json()
    assert total(tenant) == 0


@pytest.mark.parametrize(
    "change", [{"data": picture("PNG", seed=1)}, {"name": "b.png"}, {"alt_text": "other"}, {"folder": "f"}]
)
def test_another_request_under_the_same_key_is_refused_with_422(tenant: Tenant, change: dict[str, str]) -> None:
    post(tenant, "k")
    answer = post(tenant, "k", **change)  # type: ignore[arg-type]
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["Idempotency-Key"]
    assert answer.headers["cache-control"] == "no-store"
    assert total(tenant) == 1


@pytest.mark.parametrize("key", ["x" * 256, "", "a\tb", "x" * 5000])
def test_a_key_that_is_none_is_refused_with_400(tenant: Tenant, key: str) -> None:
    answer = post(tenant, key)
    assert answer.status_code == 400
    assert isinstance(answer.json()["detail"], str)
    assert total(tenant) == 0


@pytest.mark.parametrize("key", ["x" * 255, "a b", b"\xe9\xff"])
def test_any_other_key_is_taken(tenant: Tenant, key: str | bytes) -> None:
    assert post(tenant, key).json() == post(tenant, key).json()
    assert total(tenant) == 1


def test_a_refusal_is_an_answer_too(tenant: Tenant) -> None:
    first, second = post(tenant, "k", b"no image"), post(tenant, "k", b"no image")
    assert (first.status_code, first.json()) == (second.status_code, second.json())
    assert first.status_code == 400
    assert second.headers["cache-control"] == "no-store"
    assert post(tenant, "k").status_code == 422


def test_of_twenty_at_once_one_makes_the_image(tenant: Tenant) -> None:
    start = threading.Barrier(20)

    def send(_: int) -> httpx.Response:
        start.wait()
        return post(tenant, "k", picture("PNG", 600, 600))

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(send, range(20)))
    statuses = {it.status_code for it in answers}
    assert 201 in statuses
    assert statuses <= {201, 409}
    assert len({it.json()["id"] for it in answers if it.status_code == 201}) == 1
    assert total(tenant) == 1
    assert post(tenant, "k", picture("PNG", 600, 600)).status_code == 201


def test_the_key_of_an_answer_that_never_came_is_free_again(tenant: Tenant) -> None:
    """The client left before the whole body was there: nothing was begun."""
    request = (
        f"POST /v3/images HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {tenant.key.key}\r\nIdempotency-Key: k\r\n"
        "Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 5000\r\n\r\n--b\r\n"
        'Content-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n'
    )
    tenant.server.exchange(request.encode() + PNG[:100], seconds=0.2)
    assert post(tenant, "k").status_code == 201
