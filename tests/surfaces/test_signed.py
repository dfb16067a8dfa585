"""Signed URLs: open without a credential, for one object, until they expire or the object is gone."""

import time
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from mediatheque.core.signing import Signature, Signer
from mediatheque.errors import Forbidden
from tests.conftest import Tenant
from tests.pictures import picture
from tests.support import SECRET, Server


@pytest.fixture
def url(tenant: Tenant) -> str:
    answer = tenant.client.post("/v1/uploads", files={"file": ("person.png", picture("PNG", 600, 400))})
    return str(answer.json()["image_url"])


def get(url: str, **options: object) -> httpx.Response:
    return httpx.get(url, trust_env=False, timeout=30, **options)  # type: ignore[arg-type]


def test_it_is_open_without_a_credential(url: str) -> None:
    answer = get(url)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "private, no-cache"
    assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_head_equals_get_and_a_known_tag_is_not_sent_again(url: str) -> None:
    whole, head = get(url), httpx.head(url, trust_env=False, timeout=30)
    for name in ("content-length", "content-type", "etag", "cache-control"):
        assert head.headers[name] == whole.headers[name]
    assert head.content == b""
    assert get(url, headers={"If-None-Match": whole.headers["etag"]}).status_code == 304


def test_a_range_is_answered_with_that_range(url: str) -> None:
    whole = get(url).content
    part = get(url, headers={"Range": "bytes=5-9"})
    assert (part.status_code, part.content) == (206, whole[5:10])


@pytest.mark.parametrize(
    "change",
    [
        lambda url: url.partition("?")[0],
        lambda url: url[:-1] + ("0" if url[-1] != "0" else "1"),
        lambda url: url.replace("/original/", "/tiny_64/"),
        lambda url: url.replace("person.png", "other.png"),
        lambda url: url.replace("expires=", "expires=1"),
        lambda url: url.replace("key=", "key=ff"),
        lambda url: url.replace("signature=", "signature=é"),
        lambda url: url.replace("expires=", "expires=x"),
    ],
)
def test_any_other_request_than_the_signed_one_is_forbidden(url: str, change: object) -> None:
    answer = get(change(url))  # type: ignore[operator]
    assert answer.status_code == 403
    assert answer.headers["cache-control"] == "no-store"


def test_only_reading_is_signed(url: str) -> None:
    for method in ("PUT", "POST", "DELETE"):
        assert httpx.request(method, url, trust_env=False, timeout=30).status_code == 405


def test_a_url_of_another_lifetime_ends_when_it_says(server: Server, url: str) -> None:
    path = url.removeprefix(server.url).partition("?")[0]
    signer = Signer(tuple(SECRET.split()))
    fresh = signer.sign("GET", path, lifetime_seconds=60)
    assert get(f"{server.url}{path}?{fresh.query()}").status_code == 200
    stale = signer.sign("GET", path, lifetime_seconds=-1)
    assert get(f"{server.url}{path}?{stale.query()}").status_code == 403


def test_a_replaced_secret_still_counts_until_it_is_taken_away() -> None:
    old = Signer(("first",)).sign("GET", "/x", lifetime_seconds=60)
    Signer(("second", "first")).verify("GET", "/x", old)
    with pytest.raises(Forbidden):
        Signer(("second",)).verify("GET", "/x", old)


def test_method_path_and_content_type_are_bound() -> None:
    signer = Signer(("secret",))
    signature = signer.sign_until(datetime.now(UTC) + timedelta(minutes=1), "PUT", "/x", content_type="image/png")
    signer.verify("PUT", "/x", signature, content_type="image/png")
    for method, path, content_type in (("GET", "/x", "image/png"), ("PUT", "/y", "image/png"), ("PUT", "/x", "")):
        with pytest.raises(Forbidden):
            signer.verify(method, path, signature, content_type=content_type)


def test_one_object_keeps_its_url_for_a_while_so_that_caches_can_work() -> None:
    signer, before = Signer(("secret",)), time.time()
    expiries = {signer.sign("GET", "/x", lifetime_seconds=3600).expires for _ in range(5)}
    assert len(expiries) <= 2
    assert min(expiries) >= before + 3599


def test_what_ends_at_a_time_of_its_own_always_has_the_same_url() -> None:
    signer, ends_at = Signer(("secret",)), datetime.now(UTC) + timedelta(hours=1, seconds=7)
    signature = signer.sign_until(ends_at, "GET", "/x")
    signer.verify("GET", "/x", signature)
    assert signature.expires == int(ends_at.timestamp())


def test_a_signature_with_an_unknown_key_is_forbidden() -> None:
    with pytest.raises(Forbidden):
        Signer(("secret",)).verify("GET", "/x", Signature(int(time.time()) + 60, "nothing", "0" * 64))
