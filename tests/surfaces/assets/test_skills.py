"""Skills run on an asset, as a client of NekoHub sees it (contract, 2.4 and 2.5)."""

import io
import json
import uuid
from typing import Any

import httpx
import pytest
from PIL import Image

from tests.conftest import Tenant
from tests.pictures import picture
from tests.support import Server, wait_for
from tests.surfaces.assets.test_assets import FULL, assert_refused, made, ready

LISTED = [
    "basic_image_enrich", "caption", "alt-text", "thumbnail", "exif-strip", "format-convert", "watermark",
    "ocr", "tags",
]  # fmt: skip


def run(client: httpx.Client, asset_id: str, skill: str, parameters: dict[str, Any] | None = None) -> dict[str, Any]:
    body = {"parameters": parameters} if parameters is not None else None
    answer = client.post(f"/api/v1/assets/{asset_id}/skills/{skill}/run", json=body)
    assert answer.status_code == 200, answer.text
    return dict(answer.json()["data"])


def plain(client: httpx.Client, data: bytes | None = None, name: str = "kitten.png", **fields: str) -> dict[str, Any]:
    """An asset that nobody has enriched."""
    return ready(client, made(client, data, name, runEnrichment="false", **fields)["id"])


def photo(**tags: Any) -> bytes:
    exif = Image.Exif()
    exif[0x010F], exif[0x0110], exif[0x0112] = "Maker", "Maker M1", tags.get("orientation", 1)
    exif.get_ifd(0x8825).update({1: "N", 2: (48.0, 51.0, 29.5), 3: "E", 4: (2.0, 17.0, 40.2)})
    return picture("JPEG", 200, 100, exif=exif, comment=b"from the camera")


def original(client: httpx.Client, asset: dict[str, Any]) -> bytes:
    answer = client.get(f"/api/v1/assets/{asset['id']}/content", follow_redirects=True)
    assert answer.status_code == 200
    return answer.content


def derivatives(client: httpx.Client, asset_id: str) -> set[str]:
    return {it["kind"] for it in client.get(f"/api/v1/assets/{asset_id}").json()["data"]["derivatives"]}


def results(asset: dict[str, Any]) -> dict[str, Any]:
    return {it["kind"]: json.loads(it["payloadJson"]) for it in asset["structuredResults"]}


def test_the_skills_are_listed_with_their_steps(tenant: Tenant) -> None:
    skills = tenant.client.get("/api/v1/assets/skills").json()["data"]
    assert [it["skillName"] for it in skills] == LISTED
    assert all(list(it) == ["skillName", "description", "steps"] for it in skills)
    assert skills[0]["steps"] == ["generate_thumbnail", "generate_basic_caption"]


@pytest.mark.parametrize("body", [b"", b"null", b"{}", b'{"parameters": null}', b'{"parameters": {}}'])
def test_a_run_needs_no_body(tenant: Tenant, body: bytes) -> None:
    asset = plain(tenant.client)
    headers = {"Content-Type": "application/json"} if body else {}
    path = f"/api/v1/assets/{asset['id']}/skills/thumbnail/run"
    answer = tenant.client.post(path, content=body, headers=headers)
    assert answer.status_code == 200, answer.text
    data = answer.json()["data"]
    assert list(data) == ["succeeded", "skillName", "steps", "asset"]
    assert (data["succeeded"], data["skillName"]) == (True, "thumbnail")
    assert data["steps"] == [{"name": "generate_thumbnail", "succeeded": True, "errorMessage": None}]
    assert set(data["asset"]) == FULL


def test_a_thumbnail_is_a_png_that_fits_and_never_grows(tenant: Tenant) -> None:
    for size, expected in (((600, 300), (256, 128)), ((50, 40), (50, 40))):
        asset = plain(tenant.client, picture("JPEG", *size), "a.jpg")
        (made_,) = [it for it in run(tenant.client, asset["id"], "thumbnail")["asset"]["derivatives"]
                    if it["kind"] == "thumbnail_256"]  # fmt: skip
        assert (made_["contentType"], made_["width"], made_["height"]) == ("image/png", *expected)
        with Image.open(io.BytesIO(httpx.get(made_["publicUrl"], trust_env=False, timeout=30).content)) as image:
            assert (image.format, image.size) == ("PNG", expected)


def test_a_second_run_adds_nothing(tenant: Tenant) -> None:
    asset = plain(tenant.client)
    for _ in range(2):
        for skill in ("basic_image_enrich", "caption", "thumbnail"):
            after = run(tenant.client, asset["id"], skill)["asset"]
    kinds = [it["kind"] for it in after["derivatives"]]
    assert len(kinds) == len(set(kinds)) and "thumbnail_256" in kinds
    assert sorted(it["kind"] for it in after["structuredResults"]) == ["basic_caption", "caption"]


def test_an_upload_is_enriched_unless_it_says_otherwise(tenant: Tenant) -> None:
    asset = made(tenant.client)
    latest = f"/api/v1/assets/{asset['id']}"
    wait_for(lambda: tenant.client.get(latest).json()["data"]["latestExecutionSummary"] is not None, "the enrichment")
    enriched = ready(tenant.client, asset["id"])
    summary = enriched["latestExecutionSummary"]
    assert (summary["skillName"], summary["triggerSource"]) == ("basic_image_enrich", "upload")
    assert summary["succeeded"]
    assert [it["stepName"] for it in summary["steps"]] == ["generate_thumbnail", "generate_basic_caption"]
    assert enriched["description"] == enriched["altText"] == results(enriched)["basic_caption"]["caption"]
    assert "thumbnail_256" in {it["kind"] for it in enriched["derivatives"]}
    bare = plain(tenant.client)
    assert (bare["latestExecutionSummary"], bare["structuredResults"], bare["description"]) == (None, [], None)


def test_a_caption_says_what_is_known_and_who_said_it(tenant: Tenant) -> None:
    asset = plain(tenant.client, photo(), "photo.jpg")
    after = run(tenant.client, asset["id"], "caption")["asset"]
    said = results(after)
    assert said["basic_caption"]["generator"] == "builtin"
    assert said["caption"] == {"caption": said["basic_caption"]["caption"]}
    assert "200 by 100 pixels" in after["description"] and "Maker M1" in after["description"]
    summary = after["latestExecutionSummary"]
    assert (summary["skillName"], summary["triggerSource"]) == ("caption", "manual")


def test_a_persons_words_are_never_overwritten(tenant: Tenant) -> None:
    asset = plain(tenant.client, description="Mine", altText=" ")
    after = run(tenant.client, asset["id"], "caption")["asset"]
    assert after["description"] == "Mine"
    assert after["altText"].strip()
    tenant.client.patch(f"/api/v1/assets/{asset['id']}", json={"description": None, "altText": "By hand"})
    again = run(tenant.client, asset["id"], "alt-text")["asset"]
    assert (again["description"], again["altText"]) == (None, "By hand")
    assert results(again)["alt_text"]["altText"]


def test_what_a_describer_wrote_can_be_searched(tenant: Tenant) -> None:
    asset = plain(tenant.client, photo(), "photo.jpg")
    run(tenant.client, asset["id"], "caption")
    found = tenant.client.get("/api/v1/assets", params={"query": "Maker M1"}).json()["data"]
    assert [it["id"] for it in found["items"]] == [asset["id"]]


@pytest.mark.parametrize("orientation", [1, 6])
def test_exif_strip_leaves_the_picture_and_takes_the_rest(tenant: Tenant, orientation: int) -> None:
    data = photo(orientation=orientation)
    asset = plain(tenant.client, data, "photo.jpg")
    after = run(tenant.client, asset["id"], "exif-strip")["asset"]
    assert after["checksumSha256"] != asset["checksumSha256"] and after["storageKey"] != asset["storageKey"]
    assert (after["width"], after["height"]) == (asset["width"], asset["height"])
    stripped = original(tenant.client, after)
    assert len(stripped) == after["size"]
    with Image.open(io.BytesIO(stripped)) as image, Image.open(io.BytesIO(data)) as before:
        assert image.size == (after["width"], after["height"])
        assert not dict(image.getexif()) and "comment" not in image.info
        if orientation == 1:
            assert image.tobytes() == before.tobytes()
    assert b"Maker" not in stripped and b"from the camera" not in stripped
    keys = [file.name for file in tenant.objects()]
    wait_for(lambda: derivatives(tenant.client, asset["id"]) >= {"large_1024", "thumbnail"}, "the variants again")
    assert keys.count("photo.jpg") == 2  # the old bytes are garbage for a little while
    old = f"{tenant.server.url}/content/{asset['storageKey']}"
    assert httpx.get(old, trust_env=False, timeout=30).status_code == 404


@pytest.mark.parametrize(
    ("target", "media_type", "extension", "form"),
    [
        ("webp", "image/webp", ".webp", "WEBP"), ("JPG", "image/jpeg", ".jpg", "JPEG"),
        ("gif", "image/gif", ".gif", "GIF"),
        ("bmp", "image/bmp", ".bmp", "BMP"), ("tga", "image/x-tga", ".tga", "TGA"),
        ("tiff", "image/tiff", ".tiff", "TIFF"),
    ],
)  # fmt: skip
def test_a_picture_is_converted_in_place(
    tenant: Tenant, target: str, media_type: str, extension: str, form: str
) -> None:
    asset = plain(tenant.client, picture("PNG", 80, 60))
    after = run(tenant.client, asset["id"], "format-convert", {"targetformat": target})["asset"]
    assert (after["contentType"], after["extension"]) == (media_type, extension)
    assert after["originalFileName"] == f"kitten{extension}"
    with Image.open(io.BytesIO(original(tenant.client, after))) as image:
        assert (image.format, image.size) == (form, (80, 60))
    wait_for(lambda: derivatives(tenant.client, asset["id"]) >= {"large_1024", "thumbnail"}, "the variants again")
    assert ready(tenant.client, asset["id"])["status"] == "ready"
    usage = tenant.client.get("/api/v1/assets/usage-stats").json()["data"]
    assert usage["contentTypeBreakdown"] == [{"contentType": media_type, "count": 1, "totalBytes": after["size"]}]


def test_the_original_can_be_kept(tenant: Tenant) -> None:
    data = picture("PNG", 80, 60)
    asset = plain(tenant.client, data)
    after = run(tenant.client, asset["id"], "format-convert", {"TargetFormat": "webp", "KeepOriginal": "true"})["asset"]
    (kept,) = [it for it in after["derivatives"] if it["kind"] == "source"]
    assert httpx.get(kept["publicUrl"], trust_env=False, timeout=30).content == data


def test_an_animation_stays_one_where_it_can(tenant: Tenant) -> None:
    frames = [Image.new("RGB", (40, 30), colour) for colour in ("red", "lime", "blue")]
    file = io.BytesIO()
    frames[0].save(file, "GIF", save_all=True, append_images=frames[1:], duration=100, loop=0)
    asset = plain(tenant.client, file.getvalue(), "a.gif")
    for skill, parameters, expected in (
        ("exif-strip", {}, 3), ("watermark", {}, 3), ("format-convert", {"TargetFormat": "webp"}, 3),
        ("format-convert", {"TargetFormat": "jpeg"}, 1),
    ):  # fmt: skip
        after = run(tenant.client, asset["id"], skill, parameters)
        assert after["succeeded"], after["steps"]
        with Image.open(io.BytesIO(original(tenant.client, after["asset"]))) as image:
            assert getattr(image, "n_frames", 1) == expected
            assert image.size == (40, 30)


@pytest.mark.parametrize(
    ("position", "corner"),
    [("BottomRight", (1, 1)), ("BottomLeft", (0, 1)), ("TopRight", (1, 0)), ("topleft", (0, 0)), ("Center", None)],
)
def test_a_watermark_is_where_it_was_asked_for(tenant: Tenant, position: str, corner: tuple[int, int] | None) -> None:
    file = io.BytesIO()
    Image.new("RGB", (400, 200), (0, 0, 160)).save(file, "PNG")
    asset = plain(tenant.client, file.getvalue())
    parameters = {"Text": "Ünï Ж", "Opacity": 1, "FontSize": 24, "Position": position}
    after = run(tenant.client, asset["id"], "watermark", parameters)
    assert after["succeeded"], after["steps"]
    with Image.open(io.BytesIO(original(tenant.client, after["asset"]))) as image:
        marked = Image.eval(image.convert("L"), lambda value: 255 if value > 150 else 0).getbbox()
    assert marked is not None
    middle = (marked[0] + marked[2]) / 2, (marked[1] + marked[3]) / 2
    if corner is None:
        assert abs(middle[0] - 200) < 20 and abs(middle[1] - 100) < 20
    else:
        assert (middle[0] > 200, middle[1] > 100) == (bool(corner[0]), bool(corner[1]))


@pytest.mark.parametrize(
    ("skill", "parameters", "code"),
    [
        ("format-convert", {}, "format_convert_target_format_required"),
        ("format-convert", {"TargetFormat": "heic"}, "format_convert_target_format_invalid"),
        ("format-convert", {"TargetFormat": 7}, "format_convert_target_format_invalid"),
        ("format-convert", {"TargetFormat": "png", "KeepOriginal": "maybe"}, "format_convert_keep_original_invalid"),
        ("watermark", {"Opacity": "strong"}, "watermark_opacity_invalid"),
        ("watermark", {"Opacity": 1.5}, "watermark_opacity_out_of_range"),
        ("watermark", {"FontSize": "12.5"}, "watermark_font_size_invalid"),
        ("watermark", {"FontSize": 0}, "watermark_font_size_out_of_range"),
        ("watermark", {"Position": "Nowhere"}, "watermark_position_invalid"),
        ("watermark", {"Text": "\U0010fffd"}, "watermark_font_unavailable"),
    ],
)
def test_a_bad_parameter_is_the_steps_error(tenant: Tenant, skill: str, parameters: dict[str, Any], code: str) -> None:
    asset = plain(tenant.client)
    after = run(tenant.client, asset["id"], skill, parameters)
    assert after["succeeded"] is False
    assert after["steps"][0]["errorMessage"].startswith(f"{code}: ")
    assert after["asset"]["checksumSha256"] == asset["checksumSha256"]
    assert after["asset"]["latestExecutionSummary"]["succeeded"] is False


@pytest.mark.parametrize(
    ("alias", "name"),
    [("enrich", "basic_image_enrich"), ("ai-caption", "caption"), ("generate_thumbnail", "thumbnail"),
     ("strip-exif-metadata", "exif-strip"), ("draw_watermark", "watermark"), ("Caption", "caption")],
)  # fmt: skip
def test_aliases_are_answered_with_the_name(tenant: Tenant, alias: str, name: str) -> None:
    assert run(tenant.client, plain(tenant.client)["id"], alias)["skillName"] == name


def test_what_is_not_there_is_refused_the_asset_first(tenant: Tenant, other_tenant: Tenant) -> None:
    client, absent = tenant.client, uuid.uuid4()
    asset = plain(client)
    assert_refused(client.post(f"/api/v1/assets/{absent}/skills/none/run"), 404, "asset_not_found")
    assert_refused(client.post("/api/v1/assets/x/skills/caption/run"), 404, "asset_not_found")
    for name in ("none", "variants"):
        assert_refused(client.post(f"/api/v1/assets/{asset['id']}/skills/{name}/run"), 404, "skill_not_found")
    assert_refused(client.post(f"/api/v1/assets/{asset['id']}/skills/%20/run"), 400, "skill_name_required")
    foreign = other_tenant.client.post(f"/api/v1/assets/{asset['id']}/skills/caption/run")
    assert_refused(foreign, 404, "asset_not_found")


@pytest.mark.parametrize("body", ["[]", '{"parameters": []}', "{", '{"parameters": {"Text": "a\\u0000b"}}'])
def test_a_body_of_another_shape_is_refused(tenant: Tenant, body: str) -> None:
    path = f"/api/v1/assets/{plain(tenant.client)['id']}/skills/watermark/run"
    answer = tenant.client.post(path, content=body, headers={"Content-Type": "application/json"})
    assert_refused(answer, 400, "request_invalid")


def test_skills_are_counted(tenant: Tenant) -> None:
    asset = plain(tenant.client)
    for skill in ("caption", "thumbnail", "caption"):
        run(tenant.client, asset["id"], skill)
    usage = tenant.client.get("/api/v1/assets/usage-stats").json()["data"]
    assert usage["mostActiveSkill"] == {"skillName": "caption", "runCount": 2}
    tenant.client.delete(f"/api/v1/assets/{asset['id']}")
    assert tenant.client.get("/api/v1/assets/usage-stats").json()["data"]["mostActiveSkill"] is None


def test_a_public_url_shows_the_new_bytes_at_once(tenant: Tenant) -> None:
    asset = plain(tenant.client, photo(), "photo.jpg")
    ulid = tenant.client.get("/v3/images").json()["result"][0]["id"]
    url = f"{tenant.server.url}/i/{ulid}"
    assert b"Maker" in httpx.get(url, trust_env=False, timeout=30).content
    run(tenant.client, asset["id"], "exif-strip")
    assert b"Maker" not in httpx.get(url, trust_env=False, timeout=30).content


def test_without_a_worker_nobody_waits(tmp_path: Any) -> None:
    server = Server(tmp_path / "data", arguments=("--no-workers",)).start()
    try:
        with server.client() as client:
            asset = made(client, runEnrichment="false")
            path = f"/api/v1/assets/{asset['id']}/skills/caption/run"
            for _ in range(2):  # in the first seconds after a start a worker may still be on its way
                answer = client.post(path)
                assert_refused(answer, 503, "service_unavailable")
                assert answer.headers["retry-after"]
            assert client.get(f"/api/v1/assets/{asset['id']}").json()["data"]["latestExecutionSummary"] is None
    finally:
        assert server.stop() == 0
