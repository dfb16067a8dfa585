"""`GET` and `HEAD /i/{id}`: public bytes, validators, ranges and caching (contract, 1.3; safety, G)."""

import hashlib
import io
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from sqlalchemy import update

from mediatheque.records.engine import Database
from mediatheque.records.tables import asset
from tests.conftest import Tenant
from tests.pictures import picture, size_of
from tests.support import Server, until_ready, upload, wait_for

IMMUTABLE = "public, max-age=31536000, immutable"
SIZES = {"large_1024": 1024, "medium_750": 750, "small_256": 256, "tiny_64": 64}
EXAMPLES = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True
)


@pytest.fixture
def anyone(server: Server) -> Any:
    with server.client(None) as client:
        yield client


@pytest.fixture
def small(tenant: Tenant) -> tuple[str, bytes]:
    data = picture("PNG")
    return upload(tenant.client, data, "a.png")["url"], data


def fixed(headers: httpx.Headers) -> dict[str, str]:
    """Headers without those that differ from answer to answer."""
    return {name: value for name, value in headers.items() if name not in {"date", "server", "x-request-id"}}


def test_the_original_is_served_to_anyone_with_exactly_the_promised_headers(
    anyone: httpx.Client, small: tuple[str, bytes]
) -> None:
    url, data = small
    answer = anyone.get(url)
    assert (answer.status_code, answer.content) == (200, data)
    assert fixed(answer.headers) == {
        "content-type": "image/png",
        "content-length": str(len(data)),
        "cache-control": IMMUTABLE,
        "etag": f'"{hashlib.sha256(data).hexdigest()}"',
        "accept-ranges": "bytes",
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        "cross-origin-resource-policy": "cross-origin",
        "content-security-policy": "default-src 'none'; sandbox",
        "access-control-allow-origin": "*",
    }


@pytest.mark.parametrize("size", [(64, 48), (2400, 1800)])
@pytest.mark.parametrize("variant", ["", "?variant=thumbnail", "?variant=large_1024"])
def test_head_has_the_headers_of_get_and_no_body(
    tenant: Tenant, anyone: httpx.Client, size: tuple[int, int], variant: str
) -> None:
    image = upload(tenant.client, picture("JPEG", *size, quality=95))
    until_ready(anyone, image)
    url = image["url"] + variant
    got, head = anyone.get(url), anyone.head(url)
    assert (head.status_code, head.content) == (200, b"")
    assert fixed(head.headers) == fixed(got.headers)
    ranged = {"Range": "bytes=1-3"}
    assert fixed(anyone.head(url, headers=ranged).headers) == fixed(anyone.get(url, headers=ranged).headers)


@pytest.mark.parametrize(
    ("condition", "status"),
    [
        ("{etag}", 304), ("W/{etag}", 304), ("*", 304), ('"x", {etag}', 304), ('"x" ,W/{etag}, "y"', 304),
        ('"x"', 200), ("x", 200), ("", 200), ('W/"x"', 200), ("{bare}", 200), ('"{bare}x"', 200), (",,,", 200),
    ],
)  # fmt: skip
def test_a_conditional_request_opens_no_bytes(
    anyone: httpx.Client, small: tuple[str, bytes], condition: str, status: int
) -> None:
    url, data = small
    etag = anyone.get(url).headers["etag"]
    headers = {"If-None-Match": condition.format(etag=etag, bare=etag.strip('"'))}
    for answer in (anyone.get(url, headers=headers), anyone.head(url, headers=headers)):
        assert answer.status_code == status
        assert (answer.headers["etag"], answer.headers["cache-control"]) == (etag, IMMUTABLE)
        assert "content-length" not in answer.headers or status == 200
    assert anyone.get(url, headers=headers).content == (b"" if status == 304 else data)


@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize(
    ("wanted", "piece"),
    [
        ("bytes=0-0", slice(0, 1)), ("bytes=-5", slice(-5, None)), ("bytes=5-", slice(5, None)),
        ("bytes=2-9", slice(2, 10)), ("bytes=0-99999999", slice(None)), ("bytes=-99999999", slice(None)),
        ("BYTES=0-0", slice(0, 1)),
    ],
)  # fmt: skip
def test_a_range_answers_206_with_its_bytes(tenant: Tenant, big: bool, wanted: str, piece: slice) -> None:
    data = picture("PNG") + b"\0" * ((2 << 20) if big else 0)
    url = upload(tenant.client, data, "a.png")["url"]
    answer = tenant.client.get(url, headers={"Range": wanted})
    assert (answer.status_code, answer.content) == (206, data[piece])
    start, end, _ = piece.indices(len(data))
    assert answer.headers["content-range"] == f"bytes {start}-{end - 1}/{len(data)}"
    assert answer.headers["content-length"] == str(end - start)
    assert answer.headers["etag"] == tenant.client.get(url).headers["etag"]


@pytest.mark.parametrize("wanted", ["bytes=99999999-", "bytes=99999999-99999999", "bytes=-0"])
def test_a_range_past_the_end_answers_416(anyone: httpx.Client, small: tuple[str, bytes], wanted: str) -> None:
    url, data = small
    answer = anyone.get(url, headers={"Range": wanted})
    assert answer.status_code == 416
    assert answer.headers["content-range"] == f"bytes */{len(data)}"
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "wanted",
    ["bytes=9-2", "bytes=0-1,3-4", "bytes=" + ",".join(f"{n}-{n}" for n in range(1000)), "bytes=", "bytes=-",
     "bytes=a-b", "bytes=1", "items=0-1", "0-1", "bytes=--5", "bytes=0x1-2", "bytes=-" + "9" * 5000,
     "bytes=0-" + "9" * 5000, "bytes=²-³"],
)  # fmt: skip
def test_several_or_senseless_ranges_answer_the_whole(
    anyone: httpx.Client, small: tuple[str, bytes], wanted: str
) -> None:
    url, data = small
    answer = anyone.get(url, headers={b"Range": wanted.encode()})
    assert (answer.status_code, answer.content) == (200, data)


def test_if_range_with_another_validator_answers_the_whole(anyone: httpx.Client, small: tuple[str, bytes]) -> None:
    url, data = small
    etag = anyone.get(url).headers["etag"]
    for condition, status in (
        (etag, 206),
        ('"other"', 200),
        (f"W/{etag}", 200),
        ("Sat, 01 Jan 2000 00:00:00 GMT", 200),
    ):
        answer = anyone.get(url, headers={"Range": "bytes=0-3", "If-Range": condition})
        assert (answer.status_code, answer.content) == (status, data[:4] if status == 206 else data)


@EXAMPLES
@given(wanted=st.one_of(st.from_regex(r"\A(bytes)?=?[0-9, -]{0,30}\Z"), st.text(st.characters(max_codepoint=255))))
def test_no_range_or_validator_is_an_error_of_ours(anyone: httpx.Client, small: tuple[str, bytes], wanted: str) -> None:
    url, data = small
    value = "".join(char for char in wanted if char.isprintable()).strip().encode("latin-1")
    answer = anyone.get(url, headers={b"Range": value})
    assert answer.status_code in {200, 206, 416}
    assert answer.status_code != 206 or answer.content in data
    assert anyone.get(url, headers={b"If-None-Match": value}).status_code in {200, 304}


@pytest.mark.parametrize(("kind", "shown"), [("JPEG", "JPEG"), ("PNG", "PNG"), ("WEBP", "WEBP"), ("GIF", "PNG")])
def test_every_variant_has_its_size_and_its_own_etag(tenant: Tenant, kind: str, shown: str) -> None:
    image = upload(tenant.client, picture(kind, 1600, 1200))
    thumbnail = until_ready(tenant.client, image)
    assert size_of(thumbnail.content) == (256, 192)
    assert Image.open(io.BytesIO(thumbnail.content)).format == shown
    answers = [tenant.client.get(f"{image['url']}?variant={name}") for name in SIZES]
    assert [max(size_of(it.content)) for it in answers] == list(SIZES.values())
    everything = [thumbnail, *answers, tenant.client.get(image["url"])]
    assert len({it.headers["etag"] for it in everything}) == (5 if kind == "WEBP" else 6)  # of a WebP two are the same
    for it in everything:
        assert it.headers["cache-control"] == IMMUTABLE
        assert it.headers["etag"] == f'"{hashlib.sha256(it.content).hexdigest()}"'
        assert it.headers["content-length"] == str(len(it.content))
        again = tenant.client.get(it.url, headers={"If-None-Match": it.headers["etag"]})
        assert (again.status_code, again.headers["cache-control"]) == (304, IMMUTABLE)


def test_a_variant_never_enlarges(tenant: Tenant) -> None:
    image = upload(tenant.client, picture("PNG", 30, 20))
    until_ready(tenant.client, image)
    for name in ("thumbnail", *SIZES):
        assert size_of(tenant.client.get(f"{image['url']}?variant={name}").content) == (30, 20)


def test_a_variant_asked_for_before_it_exists_is_waited_for(tenant: Tenant) -> None:
    for seed in range(3):
        image = upload(tenant.client, picture("JPEG", 900, 700, seed=seed))
        answer = tenant.client.get(image["thumbnail_url"])
        assert answer.status_code == 200
        assert answer.headers["cache-control"] in {IMMUTABLE, "no-store"}
        assert size_of(answer.content) == ((256, 199) if answer.headers["cache-control"] == IMMUTABLE else (900, 700))


@pytest.mark.parametrize(
    "query",
    ["variant=x", "variant=", "variant", "variant=original", "variant=../original",
     "variant=thumbnail&variant=thumbnail", "variant=thumbnail&variant=tiny_64", "variant=THUMBNAIL",
     "variant=thumbnail%00", "variant=%ff", "variant=blur_hash",
     "variant=" + "x" * 20_000],
)  # fmt: skip
def test_an_unknown_variant_answers_400(anyone: httpx.Client, small: tuple[str, bytes], query: str) -> None:
    answer = anyone.get(f"{small[0]}?{query}")
    assert (answer.status_code, answer.json()) == (400, {"detail": "Unknown variant"})
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "image_id",
    ["img_01HXYZ0000000000000000000A", "x", "", "%00", "%ff%fe", "../../etc/passwd", "..%2f..%2fetc%2fpasswd", "img_",
     "img_" + "Z" * 26, "img_" + "é" * 26, "a/b", "x" * 30_000],
)  # fmt: skip
def test_what_never_was_answers_404_and_is_not_kept(anyone: httpx.Client, image_id: str) -> None:
    for answer in (anyone.get(f"/i/{image_id}"), anyone.head(f"/i/{image_id}")):
        assert answer.status_code == 404
        assert answer.headers["cache-control"] == "no-store"
        assert "etag" not in answer.headers


@EXAMPLES
@given(image_id=st.text(max_size=40), query=st.text(max_size=40))
def test_no_path_and_no_query_is_an_error_of_ours(anyone: httpx.Client, image_id: str, query: str) -> None:
    quoted = "".join(f"%{byte:02x}" for byte in image_id.encode("utf-8", "surrogatepass"))
    answer = anyone.get(f"/i/img_{quoted}", params={"variant": query.encode("utf-8", "replace")})
    assert answer.status_code in {400, 404}


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_another_method_answers_405(anyone: httpx.Client, small: tuple[str, bytes], method: str) -> None:
    answer = anyone.request(method, small[0], content=b"x")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, HEAD"
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Forwarded-Host": "evil.example"}, {"X-HTTP-Method-Override": "DELETE"}, {"Accept": "text/html"},
        {"Cookie": "a=" + "b" * 60_000}, {"Authorization": "Bearer nonsense"}, {"Accept-Encoding": "gzip"},
        {"Origin": "https://evil.example"}, {"Origin": "null"}, {"X-Original-URL": "/v3/images"},
    ],
)  # fmt: skip
def test_nothing_that_a_client_adds_changes_the_answer(
    anyone: httpx.Client, small: tuple[str, bytes], headers: dict[str, str]
) -> None:
    url, data = small
    plain, with_more = anyone.get(url), anyone.get(url + "?x=1", headers=headers)
    assert fixed(with_more.headers) == fixed(plain.headers)
    assert with_more.content == data
    assert "vary" not in plain.headers
    assert "access-control-allow-credentials" not in with_more.headers


def test_a_private_image_is_not_there(tenant: Tenant, anyone: httpx.Client, database: Database) -> None:
    image = upload(tenant.client)
    until_ready(anyone, image)
    with database.write() as tx:
        tx.execute(update(asset).where(asset.c.tenant_id == _id_of(tenant, database)).values(is_public=False))
    for url in (image["url"], image["thumbnail_url"]):
        wait_for(lambda url=url: anyone.get(url).status_code == 404, "the cache to look again")  # type: ignore[misc]
        assert {(it.status_code, it.headers["cache-control"]) for it in [anyone.get(url) for _ in range(20)]} == {
            (404, "no-store")
        }
    assert tenant.client.get(f"/v3/images/{image['id']}").status_code == 404


def _id_of(tenant: Tenant, database: Database) -> int:
    from mediatheque.records import accounts

    with database.read() as tx:
        row = accounts.tenant_named(tx, tenant.name)
    assert row is not None
    return int(row["id"])
