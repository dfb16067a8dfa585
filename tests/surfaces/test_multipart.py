"""Multipart forms and HTTP framing made to hurt (safety, M1 to M10); every upload surface reads them the same way."""

from collections.abc import Iterator
from typing import NamedTuple

import pytest

from tests.conftest import Tenant
from tests.pictures import picture
from tests.support import arguments, upload
from tests.surfaces.conftest import children

BOUNDARY = "frontier"
PNG = picture("PNG")
SECONDS = 5
GROWTH_BYTES = 96 << 20


def part(name: str, data: bytes, disposition: str = "", headers: str = "") -> bytes:
    head = disposition or f'Content-Disposition: form-data; name="{name}"'
    return f"--{BOUNDARY}\r\n{head}\r\n{headers}\r\n".encode() + data + b"\r\n"


def file_part(data: bytes = PNG, disposition: str = "", headers: str = "") -> bytes:
    return part("", data, disposition or 'Content-Disposition: form-data; name="file"; filename="a.png"', headers)


END = f"--{BOUNDARY}--\r\n".encode()


def post(tenant: Tenant, body: bytes | Iterator[bytes], content_type: str | None = None, **headers: str) -> int:
    kind = f"multipart/form-data; boundary={BOUNDARY}" if content_type is None else content_type
    before = taken(tenant).seconds
    answer = tenant.client.post("/v3/images", content=body, headers={"Content-Type": kind, **headers})
    assert taken(tenant).seconds - before < SECONDS
    if answer.status_code >= 400:
        assert "detail" in answer.json()
        assert answer.headers["cache-control"] == "no-store"
    return answer.status_code


class Taken(NamedTuple):
    """What the process that reads forms has taken: of a core, whoever else is busy, and of memory."""

    seconds: float
    memory_bytes: int


def taken(tenant: Tenant) -> Taken:
    (process,) = (it for it in children(tenant.server) if "web" in arguments(it))
    used = process.cpu_times()
    return Taken(used.user + used.system, process.memory_info().rss)


@pytest.fixture(autouse=True)
def nothing_is_left(tenant: Tenant) -> Iterator[None]:
    """What was refused left no row and no file; what was taken is whole; memory stayed where it was."""
    before = taken(tenant).memory_bytes
    yield
    assert taken(tenant).memory_bytes - before < GROWTH_BYTES
    images = tenant.client.get("/v3/images").json()["result"]
    for image in images:
        assert tenant.client.get(image["url"]).content == PNG
    assert len([it for it in tenant.objects() if it.parts[-4] == "uploads"]) == len(images)


def test_a_form_of_our_own_making_is_taken(tenant: Tenant) -> None:
    assert post(tenant, part("folder", b"f") + file_part() + part("alt_text", "é".encode()) + END) == 201
    [image] = tenant.client.get("/v3/images").json()["result"]
    assert (image["folder"], image["alt_text"]) == ("f", "é")


@pytest.mark.parametrize(
    ("what", "body"),
    [
        ("a hundred thousand parts", part("x", b"") * 100_000 + file_part() + END),
        ("ten thousand headers", file_part(headers="X: y\r\n" * 10_000) + END),
        ("an endless header", file_part(headers="X: " + "y" * (4 << 20) + "\r\n") + END),
        ("a part without a disposition", part("", b"x", "X: y") + file_part() + END),
        ("no end boundary", file_part()),
        ("no end of the part", file_part()[:-20]),
        ("only an end", END),
        ("nothing", b" "),
        ("line feeds alone", (file_part() + END).replace(b"\r\n", b"\n")),
        ("ten megabytes in front", b"x" * (10 << 20) + b"\r\n" + file_part() + END),
        ("ten megabytes behind", file_part() + END + b"x" * (10 << 20)),
        ("a long field", part("alt_text", b"x" * (9 << 20)) + file_part() + END),
        ("many fields", b"".join(part(f"f{n}", b"x" * 60_000) for n in range(60)) + file_part() + END),
        ("a name that is not UTF-8", (file_part() + END).replace(b"a.png", b"\xff.png")),
        ("a field that is not UTF-8", part("alt_text", b"\xff\xfe") + file_part() + END),
        ("a charset that is none", part("alt_text", b"x", headers="Content-Type: text/plain; charset=hex\r\n")
         + file_part() + END),
        ("another such", part("alt_text", b"x", headers="Content-Type: text/plain; charset=undefined\r\n")
         + file_part() + END),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_a_malformed_form_is_refused(tenant: Tenant, what: str, body: bytes) -> None:
    assert post(tenant, body) in {400, 413, 422}


@pytest.mark.parametrize(
    "content_type",
    ["multipart/form-data", "multipart/form-data; boundary=", 'multipart/form-data; boundary=""',
     "multipart/form-data; boundary=" + "x" * 300, "multipart/mixed; boundary=frontier", "application/json",
     "application/x-www-form-urlencoded", "image/png", "", "x", "multipart/form-data; boundary=other",
     "multipart/form-data; boundary=frontie"],
)  # fmt: skip
def test_a_content_type_without_the_right_boundary_is_refused(tenant: Tenant, content_type: str) -> None:
    assert post(tenant, file_part() + END, content_type) in {400, 415, 422}


def test_the_boundary_may_occur_in_the_data(tenant: Tenant) -> None:
    data = PNG + f"--{BOUNDARY}".encode() + f"\n--{BOUNDARY}--".encode()
    assert post(tenant, file_part(data) + END) == 201
    [image] = tenant.client.get("/v3/images").json()["result"]
    assert tenant.client.get(image["url"]).content == data
    assert tenant.client.delete(f"/v3/images/{image['id']}").status_code == 204


def test_a_huge_urlencoded_body_is_refused_unread(tenant: Tenant) -> None:
    pieces = (b"a=b&" * 16384 for _ in range(800))
    assert post(tenant, pieces, "application/x-www-form-urlencoded") in {400, 413, 415, 422}


def test_an_endless_text_field_is_refused(tenant: Tenant) -> None:
    def body() -> Iterator[bytes]:
        yield f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="alt_text"\r\n\r\n'.encode()
        for _ in range(16_000):
            yield b"x" * 65536

    assert post(tenant, body()) in {413, 422}


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "gzip, gzip", "x"])
def test_an_encoded_body_is_refused_on_every_route(tenant: Tenant, encoding: str) -> None:
    assert post(tenant, file_part() + END, **{"Content-Encoding": encoding}) == 415
    image = upload(tenant.client, PNG)
    answer = tenant.client.patch(
        f"/v3/images/{image['id']}", content=b"{}",
        headers={"Content-Encoding": encoding, "Content-Type": "application/json"},
    )  # fmt: skip
    assert (answer.status_code, answer.json()) == (415, {"detail": "Unsupported content encoding"})


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        ('name="file"; filename="a.png"; filename="b.html"', {"a.png", "b.html"}),
        ('name="file"; filename="a.png"; filename*=UTF-8\'\'b.html', {"a.png", "b.html"}),
        ('name="file"; filename*=UTF-8\'\'%e2%82%ac.png; filename="a.png"', {"€.png", "a.png"}),
        ('name="file"; filename*0="a"; filename*1=".png"; filename="c.png"', {"c.png"}),
        ('name="file"; filename="a\\"b.png"', {'a"b.png', "a\\", 'a\\"b.png', "b.png"}),
        ('name="file"; filename="a%22b.png"', {'a"b.png', "a%22b.png"}),
    ],
)
def test_a_name_given_twice_never_touches_the_type(tenant: Tenant, disposition: str, name: set[str]) -> None:
    assert post(tenant, file_part(disposition=f"Content-Disposition: form-data; {disposition}") + END) == 201
    [image] = tenant.client.get("/v3/images").json()["result"]
    assert image["content_type"] == "image/png"
    assert image["filename"].endswith(".png")
    assert image["original_filename"] in name


def head(tenant: Tenant, *lines: str) -> bytes:
    common = ("POST /v3/images HTTP/1.1", "Host: x", f"Authorization: Bearer {tenant.key.key}",
              f"Content-Type: multipart/form-data; boundary={BOUNDARY}")  # fmt: skip
    return "\r\n".join((*common, *lines, "", "")).encode()


FORM = file_part() + END


@pytest.mark.parametrize(
    ("lines", "body"),
    [
        (["Content-Length: -1"], FORM),
        (["Content-Length: x"], FORM),
        ([f"Content-Length: {len(FORM)}", "Content-Length: 5"], FORM),
        (["Content-Length: 99999999999999999999999"], FORM),
        (["Transfer-Encoding: chunked"], b"FFFFFFFFFFFFFFFF\r\n" + FORM),
        (["Transfer-Encoding: chunked"], b"-1\r\n" + FORM),
        (["Transfer-Encoding: chunked"], b"zz\r\n" + FORM),
        (["Transfer-Encoding: x"], FORM),
        ([f"Content-Length: {len(FORM) - 30}"], FORM),
        (["Bad Header: x", f"Content-Length: {len(FORM)}"], FORM),
    ],
)
def test_broken_framing_is_refused_and_the_connection_closed(tenant: Tenant, lines: list[str], body: bytes) -> None:
    follower = f"GET /v3/images HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {tenant.key.key}\r\n\r\n".encode()
    answer = tenant.server.exchange(head(tenant, *lines), body, follower, seconds=1)
    statuses = [int(it.split()[0]) for it in answer.split(b"HTTP/1.1 ")[1:]]
    assert all(400 <= status < 500 for status in statuses), answer
    assert len(statuses) <= 2


def test_both_lengths_at_once_never_make_two_requests_of_one(tenant: Tenant) -> None:
    smuggled = f"DELETE /v3/images/x HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {tenant.key.key}\r\n\r\n".encode()
    request = head(tenant, "Content-Length: 5", "Transfer-Encoding: chunked")
    answer = tenant.server.exchange(request, b"0\r\n\r\n" + smuggled)
    statuses = [int(it.split()[0]) for it in answer.split(b"HTTP/1.1 ")[1:]]
    assert statuses in ([], [400], [422]), answer


def test_a_body_announced_too_long_is_refused_before_it_is_sent(tenant: Tenant) -> None:
    request = head(tenant, f"Content-Length: {20 << 20}", "Expect: 100-continue", "Connection: close")
    answer = tenant.server.exchange(request, seconds=30)
    assert answer.startswith(b"HTTP/1.1 413 ")


def test_pipelined_requests_are_answered_in_order(tenant: Tenant) -> None:
    ask = f"GET /v3/images?page_size=%s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {tenant.key.key}\r\n%s\r\n"
    requests = [ask % (size, "Connection: close\r\n" if size == 3 else "") for size in (1, 2, 3)]
    answer = tenant.server.exchange("".join(requests).encode(), seconds=30)
    sizes = [int(rest.partition(b"}")[0]) for rest in answer.split(b'"page_size":')[1:]]
    assert sizes == [1, 2, 3]
