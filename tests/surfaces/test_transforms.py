"""`/t/…`: pictures as a URL asks for them, free and signed (docs/transforms.md)."""

import io
from uuid import UUID

import httpx
import pytest
from PIL import Image

from mediatheque.core.ids import from_ulid, to_ulid
from mediatheque.core.signing import Signer
from tests.conftest import Tenant
from tests.pictures import picture
from tests.support import SECRET, upload

WEBP = {"Accept": "image/avif;q=0,image/webp,*/*"}
BROWSER = {"Accept": "image/avif,image/webp,*/*"}


def asked(tenant: Tenant, path: str, **headers: str) -> httpx.Response:
    return httpx.get(tenant.server.url + path, headers=headers, trust_env=False, timeout=30)


def public(tenant: Tenant, width: int = 900, height: int = 600) -> str:
    return str(upload(tenant.client, picture("JPEG", width, height))["id"])


def private(tenant: Tenant, data: bytes) -> UUID:
    key = tenant.client.post("/v1/uploads", files={"file": ("photo.png", data)}).json()["upload_key"]
    return from_ulid(key.split("/")[1])


def signed(tenant: Tenant, file: UUID, options: str) -> httpx.Response:
    made = tenant.client.post("/t", json={"file_id": str(file), "options": options})
    assert made.status_code == 200, made.text
    return asked(tenant, httpx.URL(made.json()["url"]).path)


def seen(answer: httpx.Response) -> tuple[str, tuple[int, int]]:
    assert answer.status_code == 200, answer.text
    with Image.open(io.BytesIO(answer.content)) as found:
        return answer.headers["content-type"], found.size


def test_presets_of_public_pictures_are_free_and_fit_the_client(tenant: Tenant) -> None:
    image = public(tenant)
    assert seen(asked(tenant, f"/t/-/avatar/{image}")) == ("image/jpeg", (128, 128))
    modern = asked(tenant, f"/t/-/avatar/{image}", **WEBP)
    assert seen(modern) == ("image/webp", (128, 128))
    assert modern.headers["vary"] == "accept"
    assert modern.headers["cache-control"] == "public, max-age=31536000, immutable"
    again = asked(tenant, f"/t/-/avatar/{image}", **WEBP, **{"If-None-Match": modern.headers["etag"]})
    assert (again.status_code, again.headers["vary"]) == (304, "accept")
    assert seen(asked(tenant, f"/t/-/small/{image}")) == ("image/jpeg", (320, 213))
    assert seen(asked(tenant, f"/t/-/avatar/{image}", **BROWSER)) == ("image/avif", (128, 128))
    assert seen(asked(tenant, f"/t/-/avatar/{image}")) == ("image/jpeg", (128, 128))


def test_avif_is_made_of_what_is_not_too_large(tenant: Tenant) -> None:
    file = private(tenant, picture("JPEG", 2400, 2000))
    assert seen(signed(tenant, file, "w_300,f_avif,q_50")) == ("image/avif", (300, 250))
    assert signed(tenant, file, "f_avif").status_code == 400
    unasked = tenant.client.post("/t", json={"file_id": str(file), "options": "w_2390"}).json()["url"]
    assert seen(asked(tenant, httpx.URL(unasked).path, **BROWSER)) == ("image/webp", (2390, 1992))


def test_a_signature_by_the_secret_before_this_one_still_holds(tenant: Tenant) -> None:
    file, (newer, older) = private(tenant, picture("PNG", 300, 200)), SECRET.split()
    for secrets, status in (((older,), 200), ((newer,), 200), ((older[::-1],), 403)):
        it = Signer(secrets).sign("GET", f"/t/w_90/{file}", lifetime_seconds=600)
        path = f"/t/{it.expires}.{it.key}.{it.signature}/w_90/img_{to_ulid(file)}"
        assert asked(tenant, path).status_code == status


@pytest.mark.parametrize(
    ("options", "media_type", "size"),
    [
        ("w_100", "image/png", (100, 200)),
        ("w_100,h_100,fit_cover,focus_0.5x0", "image/png", (100, 100)),
        ("w_100,h_100,fit_cover,f_jpeg,q_40", "image/jpeg", (100, 100)),
        ("crop_0.25x0.25x0.5x0.5,f_webp,blur_2", "image/webp", (150, 300)),
        ("w_4000,h_4000,fit_cover", "image/png", (300, 300)),
        ("h_4000", "image/png", (300, 600)),
    ],
)
def test_a_signature_allows_any_options_of_a_private_picture(
    tenant: Tenant, options: str, media_type: str, size: tuple[int, int]
) -> None:
    stream = io.BytesIO()
    Image.new("RGBA", (300, 600), (200, 30, 30, 128)).save(stream, "PNG")
    answer = signed(tenant, private(tenant, stream.getvalue()), options)
    assert seen(answer) == (media_type, size)
    assert answer.headers["cache-control"] == "private, no-cache"


def test_the_focus_stays_in_sight(tenant: Tenant) -> None:
    halves = Image.new("RGB", (400, 200), (255, 0, 0))
    halves.paste((0, 0, 255), (200, 0, 400, 200))
    stream = io.BytesIO()
    halves.save(stream, "PNG")
    file = private(tenant, stream.getvalue())
    for focus, colour in (("0x0.5", (255, 0, 0)), ("1x0.5", (0, 0, 255))):
        answer = signed(tenant, file, f"w_100,h_100,fit_cover,focus_{focus},f_png")
        with Image.open(io.BytesIO(answer.content)) as found:
            assert found.convert("RGB").getpixel((50, 50)) == colour


def test_what_is_not_allowed_is_refused(tenant: Tenant) -> None:
    image, file = public(tenant), private(tenant, picture("PNG", 300, 200))
    url = httpx.URL(tenant.client.post("/t", json={"file_id": str(file), "options": "w_100"}).json()["url"]).path
    assert asked(tenant, f"/t/-/w_100/{image}").status_code == 403
    assert asked(tenant, url.replace("w_100", "w_200")).status_code == 403
    assert asked(tenant, url.replace(url.rpartition("/")[2], image)).status_code == 403
    assert asked(tenant, f"/t/-/small/{url.rpartition('/')[2]}").status_code == 404
    assert asked(tenant, "/t/-/small/img_nothing").status_code == 404
    assert asked(tenant, f"/t/{'0' * 9}.{'0' * 8}.{'0' * 64}/small/{image}").status_code == 403


@pytest.mark.parametrize(
    "options", ["", "w_0", "w_4097", "w_1,w_2", "fit_fill", "crop_0.6x0x0.5x1", "q_101", "z_1", "f_tiff"]
)
def test_options_that_mean_nothing_are_refused(tenant: Tenant, options: str) -> None:
    file = str(private(tenant, picture("PNG")))
    assert tenant.client.post("/t", json={"file_id": file, "options": options}).status_code == 400


def test_what_was_deleted_is_gone(tenant: Tenant) -> None:
    image = public(tenant)
    assert asked(tenant, f"/t/-/card/{image}").status_code == 200
    made = list((tenant.server.data_dir / "derivatives").glob(f"{from_ulid(image.removeprefix('img_')).hex}/*"))
    assert len(made) == 1
    tenant.client.delete(f"/v3/images/{image}")
    assert asked(tenant, f"/t/-/card/{image}").status_code == 410
    assert not made[0].exists()
