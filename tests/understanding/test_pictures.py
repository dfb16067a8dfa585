"""What is read and recognised in pictures, offline, and how every door shows it."""

import io
import json
from typing import Any

import httpx
import pytest
from PIL import Image, ImageDraw, ImageFont

from tests.pictures import picture
from tests.surfaces.files.conftest import FILES
from tests.understanding.conftest import corpus_file, findings, needs, understood

SIGN = "CLOSED ON MONDAY"


def sign(text: str = SIGN) -> bytes:
    """White letters on a dark board."""
    image = Image.new("RGB", (800, 300), (20, 40, 60))
    ImageDraw.Draw(image).text((40, 110), text, (255, 255, 255), ImageFont.load_default(64))
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def structured(client: httpx.Client, file_id: str) -> dict[str, Any]:
    asset = client.get(f"/api/v1/assets/{file_id}").json()["data"]
    return {it["kind"]: json.loads(it["payloadJson"]) for it in asset["structuredResults"]}


@needs("ocr")
def test_text_in_a_picture_is_read_shown_and_found(client: httpx.Client) -> None:
    file = understood(client, sign())
    assert file["visible_text"] == SIGN
    assert SIGN in file["upload_description"]
    assert file["full_descriptions"][0]["visible_text"] == SIGN
    found = client.get(FILES, params={"search": "closed on", "search_mode": "visible_text"}).json()["files"]
    assert file["id"] in [it["id"] for it in found]
    assert structured(client, file["id"])["visible_text"] == {"text": SIGN}


@needs("ocr")
def test_each_line_has_its_place_and_each_finding_its_origin(client: httpx.Client) -> None:
    file = understood(client, sign())
    known = findings(client, file["id"])
    (line,) = known["text_lines"]["value"]["lines"]
    assert line["text"] == SIGN and line["confidence"] > 0.85
    assert all(0 <= share <= 1 for corner in line["box"] for share in corner)
    (left, top), (_, bottom) = line["box"][0], line["box"][2]
    assert left < 0.1 and 0.2 < top < 0.5 < bottom < 0.8
    text = known["visible_text"]
    assert (text["skill"], text["model"], text["state"]) == ("ocr", "rapidocr/PP-OCRv6-small", "suggested")
    assert 0.85 < text["confidence"] <= 1


@needs("vision")
def test_colours_are_found_and_nothing_is_seen_in_drawings(client: httpx.Client) -> None:
    known = findings(client, understood(client, sign())["id"])
    assert known["colours"]["value"]["colours"][0]["name"] == "dark blue"
    assert known["tags"]["value"] == {"tags": [], "objects": [], "scene": None}


@needs("vision")
def test_what_is_recognised_is_told_as_that_and_becomes_tags(client: httpx.Client) -> None:
    file = understood(client, corpus_file("images/gps/htc_desire_gps.jpg"), "street.jpg")
    assert file["tags"] == ["car"]
    assert "appears to show two cars" in file["upload_description"]
    (described,) = file["full_descriptions"]
    assert 0 < described["confidence_score"] <= 0.75 and described["providers_used"] == ["builtin"]
    boxes = [it["box"] for it in findings(client, file["id"])["tags"]["value"]["objects"]]
    assert all(left < right and top < bottom for left, top, right, bottom in boxes)
    assert client.get(FILES, params={"tags": "car"}).json()["total_count"] >= 1


@needs("ocr")
@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("ocr/phototest.png", ("12 point text", "quick brown dog", "lazy fox")),
        ("ocr/eurotext.png", ("quick", "brown", "$43,456.78", "aspammer@website.com")),
        ("ocr/phototest_rot180.png", ("quick brown dog",)),
    ],
)
def test_the_corpus_says_what_it_is_known_to_say(client: httpx.Client, name: str, said: tuple[str, ...]) -> None:
    text = understood(client, corpus_file(name))["visible_text"]
    assert [words for words in said if words not in " ".join(text.split())] == []


def test_who_wants_no_enrichment_gets_none(client: httpx.Client) -> None:
    file = understood(client, sign(), auto_describe="false")
    assert (file["visible_text"], file["description_status"], file["tags"]) == (None, "skipped", [])
    assert set(findings(client, file["id"])) <= {"blur_hash", "perceptual_hash"}


def test_the_pipeline_that_clients_know_is_the_only_one_they_see(client: httpx.Client) -> None:
    file = understood(client, picture("PNG"))
    assert {it["operation_type"] for it in file["processing_history"]} == {"variants", "describe"}
    asset = client.get(f"/api/v1/assets/{file['id']}").json()["data"]
    assert asset["latestExecutionSummary"]["skillName"] == "basic_image_enrich"


@needs("ocr")
def test_it_can_be_asked_for_by_hand(client: httpx.Client) -> None:
    file = understood(client, sign("BY HAND"), auto_describe="false")
    ran = client.post(f"/api/v1/assets/{file['id']}/skills/ocr/run").json()["data"]
    assert (ran["succeeded"], ran["skillName"]) == (True, "ocr")
    assert structured(client, file["id"])["visible_text"] == {"text": "BY HAND"}
