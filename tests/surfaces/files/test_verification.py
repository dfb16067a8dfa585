"""How often a model is asked, and what comes of comparing: the levels and intents of a batch (contract, 3.3)."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.pictures import picture
from tests.support import Server, wait_for
from tests.surfaces.files.conftest import FILES, refused
from tests.vision import KEY, Vision, message, stand_in

BATCH = f"{FILES}/upload/stream-batch"
PROVIDERS = "/api/v1/system/ai/providers"
SAID = {
    "caption": "A red bicycle leans against a wall",
    "description": "A red bicycle leans against a brick wall. A basket hangs from it.",
    "alt_text": "Red bicycle at a wall",
    "tags": ["Bicycle", "wall"],
    "visible_text": "NO PARKING",
    "confidence": 0.9,
}
PROOF = {"caption": "A red bicycle at a wall", "supported": ["a red bicycle", "a wall"], "unsupported": []}


def said(**changes: Any) -> tuple[int, Any]:
    return 200, message(json.dumps(SAID | changes))


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("verifying") / "data", {"MEDIATHEQUE_VISION_CONCURRENT": "1"}).start()
    yield server
    assert server.stop() == 0


@pytest.fixture
def client(house: Server) -> Iterator[httpx.Client]:
    with house.client() as it:
        for profile in it.get(PROVIDERS).json()["data"]:
            it.delete(f"{PROVIDERS}/{profile['id']}")
        yield it


@pytest.fixture
def vision(client: httpx.Client) -> Iterator[Vision]:
    with stand_in() as it:
        it.answers = [said()]
        body = {"name": "stand-in", "apiBaseUrl": it.url, "apiKey": KEY, "modelName": "see-1"}
        assert client.post(PROVIDERS, json=body).status_code == 201
        yield it


def described(client: httpx.Client, *, seed: int = 0, **fields: str) -> dict[str, Any]:
    """The detail of a file sent in a batch, when nothing runs on it any more."""
    files = {"files": ("bicycle.png", picture("PNG", seed=seed), "image/png")}
    answer = client.post(BATCH, files=files, data=fields)
    assert answer.status_code == 200, answer.text
    session = answer.json()["session_id"]
    wait_for(lambda: ended(client, session), "the batch", 60)
    (result,) = client.get(f"/api/v2/uploads/sessions/{session}/results").json()["results"]
    file: dict[str, Any] = client.get(f"{FILES}/{result['image_id']}").json()
    return {"result": result} | file


def ended(client: httpx.Client, session: str) -> bool:
    return bool(client.get(f"/api/v2/uploads/sessions/{session}/status").json()["status"] == "completed")


def verification(client: httpx.Client, file: dict[str, Any]) -> dict[str, Any]:
    asset = client.get(f"/api/v1/assets/{file['id']}").json()["data"]
    found: dict[str, dict[str, Any]] = {it["kind"]: json.loads(it["payloadJson"]) for it in asset["structuredResults"]}
    return found.get("verification", {})


@pytest.mark.parametrize(("level", "calls"), [("quick", 1), ("standard", 2), ("thorough", 2), ("critical", 3)])
def test_a_level_is_so_many_questions(client: httpx.Client, vision: Vision, level: str, calls: int) -> None:
    vision.answers = [said()] * (calls - 1) + [said(**PROOF) if level in {"thorough", "critical"} else said()]
    file = described(client, verification_level=level)
    assert len(vision.requests) == calls
    (full,) = file["full_descriptions"]
    assert (full["verification_level"], full["providers_used"]) == (level, ["see-1"])
    assert full["description"] == SAID["description"]
    assert verification(client, file).get("calls", 1) == calls


def test_without_a_word_the_level_is_standard(client: httpx.Client, vision: Vision) -> None:
    file = described(client)
    assert (len(vision.requests), file["full_descriptions"][0]["verification_level"]) == (2, "standard")


def test_what_a_model_says_fills_what_nobody_wrote(client: httpx.Client, vision: Vision) -> None:
    file = described(client, verification_level="quick")
    assert (file["upload_description"], file["visible_text"]) == (SAID["caption"], SAID["visible_text"])
    assert file["tags"] == ["bicycle", "wall"]
    assert file["result"]["visible_text"] == SAID["visible_text"]
    assert file["full_descriptions"][0]["confidence_score"] == 0.9
    assert client.get(f"/api/v1/assets/{file['id']}").json()["data"]["altText"] == SAID["alt_text"]
    for query in ({"search": "no parking", "search_mode": "visible_text"}, {"tags": "bicycle,wall"}):
        found = client.get(FILES, params=query).json()["files"]
        assert file["id"] in [it["id"] for it in found]


def test_the_senders_tags_stay(client: httpx.Client, vision: Vision) -> None:
    assert described(client, tags="mine", verification_level="quick")["tags"] == ["mine"]


def test_answers_that_differ_are_less_sure(client: httpx.Client, vision: Vision) -> None:
    vision.answers = [said(), said(caption="Two dogs play on a beach", tags=["dog", "beach"])]
    file = described(client)
    assert file["full_descriptions"][0]["confidence_score"] < 0.6
    assert verification(client, file)["agreement"] == 0.0
    agreed = described(client, seed=1)  # the last answer, again and again
    assert agreed["full_descriptions"][0]["confidence_score"] == 0.9


def test_what_the_picture_does_not_show_is_taken_out(client: httpx.Client, vision: Vision) -> None:
    proof = {"caption": "A bicycle", "supported": ["a bicycle"], "unsupported": ["it is red"]}
    vision.answers = [said(), said(**proof)]
    file = described(client, verification_level="thorough")
    assert file["upload_description"] == file["full_descriptions"][0]["description"] == "A bicycle"
    assert file["full_descriptions"][0]["confidence_score"] == 0.45
    assert verification(client, file)["unsupported"] == ["it is red"]


def test_a_later_question_that_fails_is_told(client: httpx.Client, vision: Vision) -> None:
    vision.answers = [said(), (401, {"error": {"message": "no more"}})]
    file = described(client)
    assert file["upload_description"] == SAID["caption"]
    assert "answered 401" in verification(client, file)["problem"]


def test_verifying_holds_the_senders_words_against_the_picture(client: httpx.Client, vision: Vision) -> None:
    vision.answers = [said(verdict="contradicted", reasons=["It is a bicycle"])]
    file = described(client, tags="horse", intent="verify", verification_level="quick")
    asked = vision.requests[-1]["messages"][1]["content"][0]["text"]
    assert "horse" in asked and "bicycle.png" in asked
    assert verification(client, file)["verdict"] == "contradicted"


def test_without_a_model_verifying_claims_nothing(client: httpx.Client) -> None:
    file = described(client, tags="horse", intent="verify")
    assert verification(client, file)["verdict"] == "unclear"
    assert file["full_descriptions"][0]["providers_used"] == ["builtin"]


def test_rules_are_the_workflow_that_runs_by_itself(client: httpx.Client) -> None:
    graph = {"nodes": [{"id": "1", "data": {"skillId": "alt-text"}}], "edges": []}
    body = {"name": "rules", "isAutoRun": True, "graphJson": json.dumps(graph)}
    workflow = client.post("/api/v1/system/workflows", json=body).json()["data"]
    try:
        ran = {it: _operations(client, it) for it in ("describe", "rules")}
    finally:
        client.delete(f"/api/v1/system/workflows/{workflow['id']}")
    assert ("alt-text" in ran["rules"], "alt-text" in ran["describe"]) == (True, False)


def _operations(client: httpx.Client, intent: str) -> set[str]:
    return {it["operation_type"] for it in described(client, intent=intent)["processing_history"]}


def test_an_unknown_level_of_a_run_by_hand_is_the_steps_error(client: httpx.Client) -> None:
    file = described(client, auto_describe="false")
    body = {"parameters": {"verification_level": "much"}}
    ran = client.post(f"/api/v1/assets/{file['id']}/skills/caption/run", json=body).json()["data"]
    assert ran["steps"][0]["errorMessage"].startswith("caption_verification_level_invalid: ")
    refused(client.post(BATCH, files={"files": ("a.png", b"x")}, data={"intent": "sing"}), 422, "VALIDATION_ERROR")


def test_a_tenant_asks_one_question_at_a_time(client: httpx.Client, vision: Vision) -> None:
    sessions = []
    for seed in range(2):
        files = [("files", (f"{seed}{number}.png", picture("PNG", seed=10 * seed + number))) for number in range(3)]
        sessions.append(client.post(BATCH, files=files, data={"verification_level": "quick"}).json()["session_id"])
    wait_for(lambda: all(ended(client, session) for session in sessions), "the batches", 90)
    assert vision.most_at_once == 1
    assert len(vision.requests) == 6
