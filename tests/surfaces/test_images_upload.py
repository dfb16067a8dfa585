"""`POST /v3/images`: what is taken, what it answers, what it refuses (contract, 1.2 and 1.3)."""

import re
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from tests.conftest import Tenant
from tests.pictures import picture
from tests.support import Server, upload

LIMIT = 10485760
KEYS = [
    "id", "filename", "original_filename", "content_type", "size", "width", "height", "url", "thumbnail_url",
    "alt_text", "folder", "created_at", "updated_at",
]  # fmt: skip


def post(
    tenant: Tenant, data: bytes, name: str = "x.png", declared: str | None = None, **fields: str
) -> httpx.Response:
    file = (name, data, declared) if declared is not None else (name, data)
    return tenant.client.post("/v3/images", files={"file": file}, data=fields)


def test_an_uploaded_image_answers_exactly_the_thirteen_keys(server: Server, tenant: Tenant) -> None:
    data = picture("JPEG", 60, 20)
    before = datetime.now(UTC).replace(microsecond=0)
    image = upload(tenant.client, data, "company logo.jpg", alt_text="Acme logo", folder="brand")
    assert list(image) == KEYS
    assert re.fullmatch(r"img_[0-9A-HJKMNP-TV-Z]{26}", image["id"])
    created = image["created_at"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", created)
    assert before <= datetime.fromisoformat(created) <= datetime.now(UTC)
    assert image == {
        "id": image["id"],
        "filename": "company logo.jpg",
        "original_filename": "company logo.jpg",
        "content_type": "image/jpeg",
        "size": len(data),
        "width": 60,
        "height": 20,
        "url": f"{server.url}/i/{image['id']}",
        "thumbnail_url": f"{server.url}/i/{image['id']}?variant=thumbnail",
        "alt_text": "Acme logo",
        "folder": "brand",
        "created_at": created,
        "updated_at": created,
    }
    assert tenant.client.get(f"/v3/images/{image['id']}").json() == image
    assert tenant.client.get("/v3/images").json()["result"] == [image]


def test_alt_text_and_folder_are_null_when_absent(tenant: Tenant) -> None:
    image = upload(tenant.client)
    assert image["alt_text"] is None
    assert image["folder"] is None


@pytest.mark.parametrize("path", ["/v3/images", "/v3/images/"])
def test_both_spellings_of_the_path_are_served_without_a_redirect(tenant: Tenant, path: str) -> None:
    answer = tenant.client.post(path, files={"file": ("a.jpg", picture("JPEG"))})
    assert answer.status_code == 201
    slash = "/" if path.endswith("/") else ""
    one = f"/v3/images/{answer.json()['id']}{slash}"
    assert tenant.client.get(path).json()["total"] == 1
    assert tenant.client.get(f"/v3/images/folders{slash}").status_code == 200
    assert tenant.client.get(one).status_code == 200
    assert tenant.client.patch(one, json={"alt_text": "x"}).status_code == 200
    assert tenant.client.delete(one).status_code == 204


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "WEBP"])
@pytest.mark.parametrize("declared", ["right", "image/png", "text/html", "*/*", "IMAGE/PNG; charset=x"])
def test_the_bytes_decide_the_type_whatever_is_declared(tenant: Tenant, kind: str, declared: str) -> None:
    found = f"image/{kind.lower()}"
    answer = post(tenant, picture(kind), "photo", found if declared == "right" else declared)
    assert answer.status_code == 201
    image = answer.json()
    assert image["content_type"] == found
    assert tenant.client.get(image["url"]).headers["content-type"] == found


SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><script>alert(1)</script></svg>'
NOT_IMAGES = {
    "svg": SVG,
    "svg behind a comment": b"\xef\xbb\xbf<!--" + b" " * 4096 + b"-->" + SVG,
    "html": b"<!doctype html><script>alert(1)</script>",
    "gif magic and script": b"GIF89a/*" + b"\0" * 8 + b"*/=1;alert(1)",
    "png magic and html": b"\x89PNG\r\n\x1a\n<html><script>alert(1)</script>",
    "exe": b"MZ" + b"\0" * 200,
    "zip": b"PK\x05\x06" + b"\0" * 18,
    "pdf": b"%PDF-1.7\n1 0 obj<<>>endobj\n%%EOF",
    "postscript": b"%!PS-Adobe-3.0\n(/etc/passwd) run\n",
    "mvg": b"push graphic-context\nviewbox 0 0 9 9\nimage over 0,0 0,0 'msl:/etc/passwd'\npop graphic-context\n",
    "xpm": b'/* XPM */\nstatic char *a[] = {"1 1 1 1", "a c #fff", "a"};',
    "fits": b"SIMPLE  =                    T" + b" " * 2850,
    "icns": b"icns\0\0\0\x10ic07\0\0\0\x08",
    "djvu": b"AT&TFORM\0\0\0\x10DJVUINFO\0\0\0\0",
    "tiff": b"II*\0\x08\0\0\0\0\0",
    "bmp": None,
    "text": b"just words",
    "nothing": b"",
    "cut short": None,
}


@pytest.mark.parametrize("what", NOT_IMAGES)
@pytest.mark.parametrize("declared", ["image/png", "image/svg+xml"])
def test_what_is_no_image_of_the_four_types_is_refused_with_400(tenant: Tenant, what: str, declared: str) -> None:
    data = NOT_IMAGES[what]
    if data is None:
        data = picture("BMP") if what == "bmp" else picture("JPEG", 300, 300)[:-200]
    answer = post(tenant, data, "x.png", declared)
    assert answer.status_code == 400
    assert isinstance(answer.json()["detail"], str)
    assert list(answer.json()) == ["detail"]
    assert answer.headers["cache-control"] == "no-store"
    assert tenant.client.get("/v3/images").json()["total"] == 0


@pytest.mark.parametrize(
    "form",
    [
        {"files": {"other": ("a.jpg", b"x")}},
        {"data": {"file": "text"}},
        {"files": {"alt_text": (None, "only a text")}},
        {"files": [("file", ("a.jpg", b"x")), ("file", ("b.jpg", b"x"))]},
        {},
    ],
    ids=["another field", "urlencoded", "only text", "two files", "no body"],
)
def test_a_form_without_exactly_one_file_is_refused(tenant: Tenant, form: dict[str, Any]) -> None:
    answer = tenant.client.post("/v3/images", **form)
    assert answer.status_code == 422
    [problem] = answer.json()["detail"]
    assert problem["loc"] == ["body", "file"]
    assert set(problem) == {"loc", "msg", "type"}


@pytest.mark.parametrize("with_length", [True, False])
def test_exactly_ten_mebibytes_are_taken_and_not_one_more(tenant: Tenant, with_length: bool) -> None:
    image = picture("JPEG")
    whole = image + b"\0" * (LIMIT - len(image))
    taken = _send(tenant, whole, with_length)
    assert taken.status_code == 201
    assert taken.json()["size"] == LIMIT
    refused = _send(tenant, whole + b"\0", with_length)
    assert refused.status_code == 413
    assert isinstance(refused.json()["detail"], str)
    assert refused.headers["cache-control"] == "no-store"
    assert tenant.client.get("/v3/images").json()["total"] == 1


def _send(tenant: Tenant, data: bytes, with_length: bool) -> httpx.Response:
    request = tenant.client.build_request("POST", "/v3/images", files={"file": ("a.jpg", data)})
    if with_length:
        return tenant.client.send(request)
    body, kind = request.read(), request.headers["content-type"]
    pieces = (body[at : at + 65536] for at in range(0, len(body), 65536))
    return tenant.client.post("/v3/images", content=pieces, headers={"content-type": kind})


@pytest.mark.parametrize(
    ("field", "value", "rule"),
    [
        ("alt_text", "x" * 1001, "string_too_long"),
        ("alt_text", "a\0b", "string_invalid"),
        ("folder", "x" * 256, "string_too_long"),
        ("folder", "a\0b", "string_invalid"),
        ("folder", "/".join("abcdefghijk"), "too_deep"),
    ],
)
def test_a_text_that_cannot_be_stored_is_refused_with_422(tenant: Tenant, field: str, value: str, rule: str) -> None:
    answer = post(tenant, picture("PNG"), **{field: value})
    assert answer.status_code == 422
    [problem] = answer.json()["detail"]
    assert problem["loc"][-1] == field
    assert problem["type"] == rule
    assert tenant.client.get("/v3/images").json()["total"] == 0


@pytest.mark.parametrize(
    ("sent", "original", "stored"),
    [
        ("logo.png", "logo.png", "logo.png"),
        ("LOGO.PNG", "LOGO.PNG", "LOGO.PNG"),
        ("logo.jpg", "logo.jpg", "logo.png"),
        ("logo", "logo", "logo.png"),
        ("logo.exe", "logo.exe", "logo.png"),
        ("../../etc/passwd", "passwd", "passwd.png"),
        ("..\\..\\windows\\win.ini", "win.ini", "win.png"),
        ("C:\\boot.ini", "boot.ini", "boot.png"),
        ("a:b*c?.png", "a:b*c?.png", "a_b_c_.png"),
        ("名前 😀.png", "名前 😀.png", "名前 😀.png"),
        ("a<b>|c.png", "a<b>|c.png", "a_b__c.png"),
        ("\u202egnp.exe", "\u202egnp.exe", "_gnp.png"),
        ("..", "..", "file.png"),
    ],
)
def test_the_name_is_kept_as_it_came_and_made_safe_beside(
    tenant: Tenant, sent: str, original: str, stored: str
) -> None:
    image = upload(tenant.client, picture("PNG"), sent)
    assert (image["original_filename"], image["filename"]) == (original, stored)


def test_a_jpeg_may_be_called_jpeg(tenant: Tenant) -> None:
    assert upload(tenant.client, picture("JPEG"), "a.jpeg")["filename"] == "a.jpeg"
    assert upload(tenant.client, picture("JPEG"), "a.png")["filename"] == "a.jpg"


def test_two_uploads_of_the_same_bytes_are_two_images(tenant: Tenant) -> None:
    first, second = upload(tenant.client), upload(tenant.client)
    assert first["id"] != second["id"]
    assert tenant.client.delete(f"/v3/images/{first['id']}").status_code == 204
    assert tenant.client.get(second["url"]).content == picture("JPEG")
