"""AI providers, and descriptions by them when all is well and when nothing is (contract, 2.7)."""

import gzip
import json
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from mediatheque.core.accounts import Accounts
from mediatheque.model import Role
from tests.conftest import Tenant
from tests.support import Server, wait_for, within_a_day
from tests.surfaces.assets.test_assets import assert_refused, detail, made, ready
from tests.surfaces.assets.test_skills import plain, results, run
from tests.vision import KEY, Vision, caption, message, stand_in

PATH = "/api/v1/system/ai/providers"
SHAPE = ["id", "name", "apiBaseUrl", "apiKey", "modelName", "defaultSystemPrompt", "isActive", "createdAtUtc",
         "updatedAtUtc"]  # fmt: skip
LITTLE_SECONDS = 2
PATIENCE_SECONDS = 25
"""More than it takes on a loaded machine to give up after so little, and less than a provider is given elsewhere."""


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of the operator's."""
    server = Server(tmp_path_factory.mktemp("house") / "data").start()
    yield server
    assert server.stop() == 0


@pytest.fixture
def client(house: Server) -> Iterator[httpx.Client]:
    """The operator's, without any provider left from before."""
    with house.client() as it:
        for profile in it.get(PATH).json()["data"]:
            it.delete(f"{PATH}/{profile['id']}")
        yield it


@pytest.fixture(scope="module")
def hurried(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A client of a server whose providers have little time: others answer in so little, or do not."""
    environment = {"MEDIATHEQUE_VISION_TIMEOUT_SECONDS": str(LITTLE_SECONDS)}
    server = Server(tmp_path_factory.mktemp("hurried") / "data", environment).start()
    with server.client() as client:
        yield client
    assert server.stop() == 0


@pytest.fixture
def vision() -> Iterator[Vision]:
    with stand_in() as it:
        yield it


def body(vision: Vision, **changes: Any) -> dict[str, Any]:
    return {"name": "stand-in", "apiBaseUrl": vision.url, "apiKey": KEY, "modelName": "see-1"} | changes


def created(client: httpx.Client, vision: Vision, **changes: Any) -> dict[str, Any]:
    answer = client.post(PATH, json=body(vision, **changes))
    assert answer.status_code == 201, answer.text
    return dict(answer.json()["data"])


def failure(client: httpx.Client) -> str:
    """The reason that a caption failed for, on an asset that is none the worse for it."""
    asset = plain(client)
    began = time.monotonic()
    ended = run(client, asset["id"], "caption")
    assert time.monotonic() - began < PATIENCE_SECONDS
    assert ended["succeeded"] is False
    assert (ended["asset"]["status"], ended["asset"]["description"]) == ("ready", None)
    reason: str = ended["steps"][0]["errorMessage"]
    assert KEY not in reason and "\n" not in reason
    return reason


def test_a_provider_is_kept_with_its_key_masked(client: httpx.Client, vision: Vision, house: Server) -> None:
    answer = client.post(PATH, json=body(vision))
    profile = answer.json()["data"]
    assert answer.status_code == 201 and answer.headers["location"] == f"{PATH}/{profile['id']}"
    assert list(profile) == SHAPE
    assert (profile["apiKey"], profile["isActive"]) == ("sk-***", True)
    assert "caption" in profile["defaultSystemPrompt"]
    assert client.get(PATH).json()["data"] == [profile]
    assert client.get(f"{PATH}/active").json()["data"] == profile
    assert KEY not in client.get(PATH).text
    for file in house.data_dir.glob("mediatheque.db*"):
        assert KEY.encode() not in file.read_bytes()


def test_another_keys_first_characters_are_shown(client: httpx.Client, vision: Vision) -> None:
    assert created(client, vision, apiKey="abcdefghijklmnop")["apiKey"] == "abcd***"
    assert created(client, vision, name="short", apiKey="abcd")["apiKey"] == "***"


def test_at_most_one_is_active(client: httpx.Client, vision: Vision) -> None:
    first, second = created(client, vision), created(client, vision, name="b")
    assert (first["isActive"], second["isActive"]) == (True, False)
    changed = client.patch(f"{PATH}/{second['id']}", json={"isActive": True}).json()["data"]
    assert changed["isActive"]
    assert [it["id"] for it in client.get(PATH).json()["data"] if it["isActive"]] == [second["id"]]
    gone = client.delete(f"{PATH}/{second['id']}").json()["data"]
    assert (gone["id"], gone["wasActive"], gone["status"]) == (second["id"], True, "deleted")
    assert client.get(f"{PATH}/active").json()["data"] is None
    assert_refused(client.delete(f"{PATH}/{second['id']}"), 404, "ai_provider_profile_not_found")


def test_a_change_leaves_the_rest_and_a_blank_key_too(client: httpx.Client, vision: Vision) -> None:
    profile = created(client, vision)
    changed = client.patch(f"{PATH}/{profile['id']}", json={"modelName": "see-2", "apiKey": ""}).json()["data"]
    assert (changed["modelName"], changed["apiKey"], changed["name"]) == ("see-2", "sk-***", "stand-in")
    assert run(client, plain(client)["id"], "caption")["succeeded"]
    assert (vision.requests[-1]["authorization"], vision.requests[-1]["model"]) == (f"Bearer {KEY}", "see-2")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"name": " "}, "name_required"), ({"name": None}, "name_required"),
        ({"apiBaseUrl": ""}, "api_base_url_required"),
        ({"apiBaseUrl": "ftp://example.com"}, "api_base_url_invalid"),
        ({"apiBaseUrl": "model"}, "api_base_url_invalid"),
        ({"apiBaseUrl": "http://a:b@127.0.0.1/"}, "api_base_url_invalid"), ({"apiKey": None}, "api_key_required"),
        ({"apiBaseUrl": "http://127.0.0.1:99999/"}, "api_base_url_invalid"), ({"modelName": ""}, "model_name_required"),
    ],
)  # fmt: skip
def test_what_is_missing_is_said(client: httpx.Client, vision: Vision, changes: dict[str, Any], code: str) -> None:
    assert_refused(client.post(PATH, json=body(vision, **changes)), 400, f"ai_provider_profile_{code}")


def test_names_are_unique_and_unknown_ids_absent(client: httpx.Client, vision: Vision) -> None:
    first = created(client, vision)
    second = created(client, vision, name="b")
    assert_refused(client.post(PATH, json=body(vision)), 400, "ai_provider_profile_name_conflict")
    renamed = client.patch(f"{PATH}/{second['id']}", json={"name": first["name"]})
    assert_refused(renamed, 400, "ai_provider_profile_name_conflict")
    for unknown in (uuid.uuid4(), "x"):
        assert_refused(client.patch(f"{PATH}/{unknown}", json={}), 404, "ai_provider_profile_not_found")
    assert_refused(client.post(PATH, json=body(vision, isActive="perhaps")), 400, "request_invalid")


def test_a_caption_is_asked_for_as_the_contract_says(client: httpx.Client, vision: Vision) -> None:
    vision.answers = [(200, caption("A  kitten\non a sofa "))]
    created(client, vision, defaultSystemPrompt="Speak plainly, in JSON.")
    after = run(client, plain(client)["id"], "caption")["asset"]
    assert after["description"] == after["altText"] == "A kitten on a sofa"
    assert results(after)["basic_caption"] == {"caption": "A kitten on a sofa", "generator": "see-1"}
    (request,) = vision.requests
    assert (request["path"], request["authorization"]) == ("/v1/chat/completions", f"Bearer {KEY}")
    assert (request["model"], request["response_format"]) == ("see-1", {"type": "json_object"})
    system, user = request["messages"]
    assert (system["role"], system["content"], user["role"]) == ("system", "Speak plainly, in JSON.", "user")
    assert [part["type"] for part in user["content"]] == ["text", "image_url"]
    assert user["content"][1]["image_url"]["url"].startswith("data:image/jpeg;base64,/9j/")


def test_a_base_that_ends_in_v1_gets_no_second_one(client: httpx.Client, vision: Vision) -> None:
    created(client, vision, apiBaseUrl=f"{vision.url}/v1/")
    assert run(client, plain(client)["id"], "caption")["succeeded"]
    assert vision.requests[0]["path"] == "/v1/chat/completions"


def test_an_empty_answer_is_asked_for_again_as_a_stream(client: httpx.Client, vision: Vision) -> None:
    pieces = json.dumps({"caption": "Streamed"})
    events = [{"choices": [{"delta": {"content": piece}}]} for piece in (pieces[:9], pieces[9:])]
    stream = "".join(f"data: {json.dumps(event)}\n\n" for event in events) + "data: [DONE]\n\n"
    vision.answers = [(200, message("")), (200, stream.encode())]
    created(client, vision)
    assert run(client, plain(client)["id"], "caption")["asset"]["description"] == "Streamed"
    assert [request.get("stream", False) for request in vision.requests] == [False, True]


def test_overload_is_tried_again_and_not_for_ever(client: httpx.Client, vision: Vision) -> None:
    vision.headers = {"Retry-After": "0"}
    created(client, vision)
    for status in (429, 500, 503):
        vision.requests.clear()
        vision.answers = [(status, {"error": {"message": "later"}}), (200, caption("In the end"))]
        assert run(client, plain(client)["id"], "caption")["succeeded"]
        assert len(vision.requests) == 2
        vision.requests.clear()
        vision.answers = [(status, {"error": {"message": f"Bearer {KEY} is over quota"}})]
        assert f"answered {status}" in failure(client)
        assert len(vision.requests) == 3


def test_a_refusal_is_not_tried_again(client: httpx.Client, vision: Vision) -> None:
    created(client, vision)
    vision.answers = [(401, {"error": {"message": f"Incorrect API key: {KEY}"}})]
    assert "answered 401" in failure(client)
    assert len(vision.requests) == 1


@pytest.mark.parametrize(
    "answer",
    [
        b"", b"<html>", b"[" * 100_000, b"{}", b"null", message("no JSON"), message('{"text": "x"}'), message("[]"),
        message('{"caption": 7}'), message('{"caption": " "}'), message({"caption": "x"}),
        {"choices": []}, b"x" * (2 << 20),
    ],
    ids=lambda it: str(it)[:40],
)  # fmt: skip
def test_garbage_is_a_clear_reason(client: httpx.Client, vision: Vision, answer: Any) -> None:
    created(client, vision)
    vision.answers = [(200, answer)]
    assert "AI provider" in failure(client)


def test_one_that_hangs_or_drips_is_left_in_time(hurried: httpx.Client, vision: Vision) -> None:
    created(hurried, vision)
    vision.hang = threading.Event()
    assert "did not answer in time" in failure(hurried)
    vision.hang.set()
    vision.hang, vision.drip = None, True
    assert "did not answer in time" in failure(hurried)


def test_a_test_of_one_that_hangs_ends_in_time(hurried: httpx.Client, vision: Vision) -> None:
    vision.hang = threading.Event()
    began = time.monotonic()
    tested = hurried.post(f"{PATH}/test", json=body(vision)).json()["data"]
    assert time.monotonic() - began < PATIENCE_SECONDS
    assert (tested["succeeded"], tested["caption"]) == (False, None)
    assert "did not answer in time" in tested["errorMessage"]


def test_one_that_asks_to_wait_for_an_hour_is_not_waited_for(client: httpx.Client, vision: Vision) -> None:
    created(client, vision)
    vision.headers, vision.answers = {"Retry-After": "3600"}, [(429, {"error": {"message": "later"}})]
    assert failure(client).endswith("answered 429: later")
    assert len(vision.requests) == 1


def test_one_that_points_elsewhere_is_not_followed(client: httpx.Client, vision: Vision) -> None:
    created(client, vision)
    with stand_in() as other:
        for status in (301, 302, 307):
            vision.headers, vision.answers = {"Location": f"{other.url}/v1/chat/completions"}, [(status, b"")]
            assert f"answered {status}" in failure(client)
        assert other.requests == []


@pytest.mark.parametrize(
    "content",
    [b"no gzip at all", gzip.compress(bytes(64 << 20)), gzip.compress(b"{}")[:-9]],
    ids=["none", "bomb", "cut"],
)
def test_one_that_lies_about_its_encoding_is_a_clear_reason(
    client: httpx.Client, vision: Vision, content: bytes
) -> None:
    created(client, vision)
    vision.headers, vision.answers = {"Content-Encoding": "gzip"}, [(200, content)]
    assert "AI provider" in failure(client)


def test_what_a_provider_says_is_text_and_nothing_else(client: httpx.Client, vision: Vision) -> None:
    said = "<img src=x onerror=alert(1)>\u0000\u202e \ud800 " + "x" * 3000
    created(client, vision)
    vision.answers = [(200, caption(said))]
    after = run(client, plain(client)["id"], "caption")["asset"]
    assert after["description"].startswith("<img src=x onerror=alert(1)>")
    assert len(after["description"]) == 1000
    assert "\u0000" not in after["description"]


def test_a_new_picture_is_ready_although_the_provider_hangs(tmp_path: Path, vision: Vision) -> None:
    environment = {"MEDIATHEQUE_WORKERS": "1", "MEDIATHEQUE_VISION_TIMEOUT_SECONDS": "600"}
    server = Server(tmp_path / "data", environment).start()
    vision.hang = threading.Event()
    try:
        with server.client() as client:
            created(client, vision)
            pictures = [ready(client, made(client)["id"])["id"] for _ in range(6)]
            wait_for(lambda: bool(vision.requests), "the provider to be asked")
            assert ready(client, made(client)["id"])["status"] == "ready"
            assert [detail(client, it)["latestExecutionSummary"] for it in pictures] == [None] * 6
    finally:
        vision.hang.set()
        assert server.stop() == 0


def test_one_that_is_not_there_is_a_clear_reason(client: httpx.Client, vision: Vision) -> None:
    profile = created(client, vision)
    client.patch(f"{PATH}/{profile['id']}", json={"apiBaseUrl": "http://127.0.0.1:9", "apiKey": KEY})
    assert "cannot be reached" in failure(client)


def test_a_test_tells_in_one_call(client: httpx.Client, vision: Vision) -> None:
    profile = created(client, vision)
    for given in ({"profileId": profile["id"]}, body(vision), {"profileId": profile["id"], "modelName": "see-9"}):
        answer = client.post(f"{PATH}/test", json=given)
        assert answer.status_code == 200, answer.text
        tested = answer.json()["data"]
        assert list(tested) == ["succeeded", "caption", "resolvedModelName", "resolvedApiBaseUrl", "errorMessage"]
        assert (tested["succeeded"], tested["caption"], tested["errorMessage"]) == (True, "A test picture", None)
    assert tested["resolvedModelName"] == vision.requests[-1]["model"] == "see-9"
    vision.answers = [(403, {"error": {"message": "no"}})]
    tested = client.post(f"{PATH}/test", json={"profileId": profile["id"]}).json()["data"]
    assert (tested["succeeded"], tested["caption"]) == (False, None)
    assert tested["errorMessage"].endswith("answered 403: no")
    assert_refused(client.post(f"{PATH}/test", json={}), 400, "ai_provider_profile_api_base_url_required")
    unknown = client.post(f"{PATH}/test", json={"profileId": str(uuid.uuid4())})
    assert_refused(unknown, 404, "ai_provider_profile_not_found")


def test_a_test_of_another_address_is_not_sent_the_kept_key(client: httpx.Client, vision: Vision) -> None:
    profile = created(client, vision)
    with stand_in() as other:
        client.post(f"{PATH}/test", json={"profileId": profile["id"], "apiBaseUrl": other.url})
        assert [request["authorization"] for request in other.requests] == [None]
    client.post(f"{PATH}/test", json={"profileId": profile["id"], "apiBaseUrl": f"{vision.url}/v1"})
    assert vision.requests[-1]["authorization"] == f"Bearer {KEY}"  # the same server: what a console's form sends


def test_another_server_needs_the_key_again(client: httpx.Client, vision: Vision) -> None:
    profile = created(client, vision)
    path = f"{PATH}/{profile['id']}"
    with stand_in() as other:
        for key in ({}, {"apiKey": ""}, {"apiKey": None}, {"apiKey": profile["apiKey"]}):
            refused = client.patch(path, json={"apiBaseUrl": other.url, "name": "moved", **key})
            assert_refused(refused, 400, "ai_provider_profile_api_key_required")
        assert client.get(PATH).json()["data"] == [profile]
        assert run(client, plain(client)["id"], "caption")["succeeded"]
        assert other.requests == []
        moved = client.patch(path, json={"apiBaseUrl": other.url, "apiKey": "another-key-0123456789"}).json()["data"]
        assert (moved["apiBaseUrl"], moved["apiKey"]) == (other.url, "anot***")
        assert run(client, plain(client)["id"], "caption")["succeeded"]
        assert [request["authorization"] for request in other.requests] == ["Bearer another-key-0123456789"]
    same = client.patch(path, json={"apiBaseUrl": f"{other.url}/v1/", "apiKey": "anot***"})
    assert same.json()["data"]["apiBaseUrl"] == f"{other.url}/v1"


def test_others_name_no_private_address(tenant: Tenant, accounts: Accounts, vision: Vision) -> None:
    admin = accounts.create_key(tenant.name, role=Role.ADMIN)
    with tenant.server.client(admin.key) as client:
        for url in (vision.url, "https://localhost/", "http://[::1]:80", "https://169.254.169.254/", "https://0x7f.1/"):
            answer = client.post(PATH, json=body(vision, apiBaseUrl=url))
            assert_refused(answer, 400, "ai_provider_profile_api_base_url_invalid")
            tested = client.post(f"{PATH}/test", json=body(vision, apiBaseUrl=url))
            assert_refused(tested, 400, "ai_provider_profile_api_base_url_invalid")
    assert vision.requests == []


def test_providers_are_the_tenants_own_and_its_admins(tenant: Tenant, house: Server, vision: Vision) -> None:
    assert_refused(tenant.client.get(PATH), 403, "auth_forbidden")
    assert_refused(tenant.client.post(PATH, json=body(vision)), 403, "auth_forbidden")


def test_the_operator_can_allow_an_address_and_set_a_budget(tmp_path: Path, vision: Vision) -> None:
    place = vision.url.removeprefix("http://")
    environment = {"MEDIATHEQUE_ENDPOINT_ALLOW": place, "MEDIATHEQUE_VISION_DAILY_REQUESTS": "2"}
    server = Server(tmp_path / "data", environment).start()
    try:
        key = json.loads(server.command("keys", "create", "--tenant", "acme", "--role", "admin", "--json").stdout)[
            "key"
        ]
        with server.client(key) as client:
            created(client, vision)
            asset = plain(client)
            within_a_day()
            assert [run(client, asset["id"], "caption")["succeeded"] for _ in range(3)] == [True, True, False]
            assert len(vision.requests) == 2
        with server.client() as operator:
            assert run(operator, plain(operator)["id"], "caption")["asset"]["description"]
    finally:
        assert server.stop() == 0


def test_without_any_describer_the_step_names_what_is_missing(tmp_path: Path) -> None:
    server = Server(tmp_path / "data", {"MEDIATHEQUE_DESCRIBER": "off"}).start()
    try:
        with server.client() as client:
            ended = run(client, plain(client)["id"], "basic_image_enrich")
        assert [step["succeeded"] for step in ended["steps"]] == [True, False]
        assert "No AI provider" in ended["steps"][1]["errorMessage"]
        assert "thumbnail_256" in {it["kind"] for it in ended["asset"]["derivatives"]}
    finally:
        assert server.stop() == 0


def test_the_operators_endpoint_is_everybodys(tmp_path: Path, vision: Vision) -> None:
    environment = {"MEDIATHEQUE_VISION_URL": vision.url, "MEDIATHEQUE_VISION_MODEL": "house"}
    server = Server(tmp_path / "data", environment).start()
    try:
        with server.client() as client:
            said = results(run(client, plain(client)["id"], "caption")["asset"])["basic_caption"]
        assert said == {"caption": "A test picture", "generator": "house"}
        assert vision.requests[0]["authorization"] is None
    finally:
        assert server.stop() == 0
