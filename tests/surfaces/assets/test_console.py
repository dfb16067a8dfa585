"""NekoHub's own console, on a page of another origin, playing its calls in order (contract, 2.8, 7 and 8)."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import NoneType
from typing import Any

import httpx
import pytest

from tests.conftest import DATABASES
from tests.pictures import picture
from tests.support import Server, own_address, wait_for
from tests.surfaces.assets.conftest import PASSWORD, data
from tests.vision import KEY, Vision, stand_in

ORIGIN = "https://console.example"
TEXT = (str, NoneType)
NUMBER = (int, NoneType)
ACCOUNT = {"id": str, "username": str, "role": str, "isActive": bool, "permissions": list}
TOKENS = {"accessToken": str, "refreshToken": str, "accessTokenExpiresAtUtc": str, "refreshTokenExpiresAtUtc": str,
          "user": dict}  # fmt: skip
USER = ACCOUNT | {"createdAtUtc": str, "updatedAtUtc": str}
ITEM = {
    "id": str, "type": str, "status": str, "originalFileName": str, "contentType": str, "size": int, "width": NUMBER,
    "height": NUMBER, "storageProvider": str, "storageProviderProfileId": TEXT, "publicUrl": TEXT, "isPublic": bool,
    "createdAtUtc": str, "updatedAtUtc": str,
}  # fmt: skip
ASSET = ITEM | {
    "storedFileName": TEXT, "extension": str, "checksumSha256": TEXT, "storageKey": str, "description": TEXT,
    "altText": TEXT, "derivatives": list, "structuredResults": list, "latestExecutionSummary": (dict, NoneType),
}  # fmt: skip
PAGE = {"items": list, "page": int, "pageSize": int, "total": int}
PROFILE = {
    "id": str, "name": str, "displayName": TEXT, "providerType": str, "isEnabled": bool, "isDefault": bool,
    "capabilities": dict, "configurationSummary": dict, "createdAtUtc": str, "updatedAtUtc": str,
}  # fmt: skip
OVERVIEW = {"profiles": list, "defaultProfile": (dict, NoneType), "defaultWriteProfile": (dict, NoneType),
            "runtime": dict, "alignment": dict}  # fmt: skip
RUNTIME = {"providerType": str, "providerName": str, "capabilities": dict, "isConfigurationDriven": bool,
           "matchesDefaultProfileType": bool}  # fmt: skip
ALIGNMENT = {"runtimeSelectionSource": str, "hasDefaultProfile": bool, "isDefaultProfileEnabled": bool,
             "providerTypeMatchesDefaultProfile": bool, "code": str, "message": str}  # fmt: skip
CAPABILITIES = (
    "supportsPublicRead", "supportsPrivateRead", "supportsVisibilityToggle", "supportsDelete",
    "supportsDirectPublicUrl", "requiresAccessProxy", "recommendedForPrimaryStorage", "isPlatformBacked",
    "isExperimental", "requiresTokenForPrivateRead",
)  # fmt: skip
PROVIDER = {"id": str, "name": str, "apiBaseUrl": str, "apiKey": str, "modelName": str, "defaultSystemPrompt": str,
            "isActive": bool, "createdAtUtc": str, "updatedAtUtc": str}  # fmt: skip
TARGET = {"id": TEXT, "name": str, "displayName": TEXT, "providerType": str, "isDefault": bool}
JOB = {"id": str, "assetId": str, "status": str, "attempts": int, "createdAtUtc": str, "updatedAtUtc": str,
       "errorMessage": TEXT}  # fmt: skip
OPTION = {"id": str, "name": str, "description": TEXT, "isAutoRun": bool}
WORKFLOW = {"id": str, "name": str, "description": TEXT, "isAutoRun": bool, "graphJson": str, "createdAtUtc": str,
            "updatedAtUtc": str}  # fmt: skip


def assert_shape(value: Any, spec: dict[str, Any]) -> dict[str, Any]:
    """Exactly these names, each of its type; an integer is no boolean."""
    assert set(value) == set(spec)
    for name, kind in spec.items():
        assert isinstance(value[name], kind), (name, value[name])
        assert kind is not int or not isinstance(value[name], bool), name
    shaped: dict[str, Any] = value
    return shaped


@dataclass
class Console:
    """A browser's calls: each is preceded by its preflight, each answer may be read by the page."""

    client: httpx.Client
    server: Server
    tokens: dict[str, Any] = field(default_factory=dict)

    def call(self, method: str, path: str, **options: Any) -> httpx.Response:
        path = path if path.startswith("/") else f"/api/v1/{path}"
        headers = {"Origin": ORIGIN, **options.pop("headers", {})}
        if self.tokens:
            headers["Authorization"] = f"Bearer {self.tokens['accessToken']}"
        asks = {"Origin": ORIGIN, "Access-Control-Request-Method": method,
                "Access-Control-Request-Headers": "authorization,content-type"}  # fmt: skip
        preflight = self.client.options(path, headers=asks)
        assert preflight.status_code == 200, preflight.text
        assert method in preflight.headers["access-control-allow-methods"]
        answer = self.client.request(method, path, headers=headers, **options)
        assert answer.headers["access-control-allow-origin"] in {ORIGIN, "*"}
        return answer

    def data(self, method: str, path: str, status: int = 200, **options: Any) -> Any:
        return data(self.call(method, path, **options), status)

    def null(self, method: str, path: str, status: int = 200) -> Any:
        """A call that needs no body is sent the literal `null`."""
        return self.data(method, path, status, content=b"null", headers={"Content-Type": "application/json"})


@pytest.fixture(scope="module", params=DATABASES)
def house(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A fresh installation that a console elsewhere may call."""
    environment = {"MEDIATHEQUE_CORS_ORIGINS": ORIGIN}
    if request.param == "postgresql":
        environment["MEDIATHEQUE_DATABASE_URL"] = request.getfixturevalue("postgres").create()
    server = Server(tmp_path_factory.mktemp("console") / "data", environment).start()
    yield server
    assert server.stop() == 0


@pytest.fixture
def console(house: Server) -> Iterator[Console]:
    with house.client(None, address=own_address()) as client:
        yield Console(client, house)


@pytest.fixture
def vision() -> Iterator[Vision]:
    with stand_in() as it:
        yield it


def test_the_console_plays_its_calls_in_order(console: Console, vision: Vision) -> None:
    _begin(console)
    asset = _upload(console)
    _change(console, asset)
    _run_skills(console, asset)
    _draw_workflows(console, asset)
    _keep_storage(console)
    _keep_providers(console, vision)
    _manage_users(console)
    _show_the_gallery(console, asset)
    _delete(console, asset)
    _end(console)


def _begin(console: Console) -> None:
    bootstrap = console.data("GET", "system/bootstrap")
    assert_shape(bootstrap, {"apiKeyRequired": bool, "maxUploadSizeBytes": int, "allowedContentTypes": list})
    assert bootstrap["maxUploadSizeBytes"] == 10485760
    assert set(bootstrap["allowedContentTypes"]) == {"image/jpeg", "image/png", "image/webp", "image/gif"}
    printed = re.search(r"Login: (\S+)  password: (\S+)", console.server.log.read_text())
    assert printed is not None
    body = {"username": printed[1], "password": printed[2]}
    console.tokens = assert_shape(console.data("POST", "auth/login", json=body), TOKENS)
    me = assert_shape(console.data("GET", "auth/me"), ACCOUNT)
    assert me == assert_shape(console.tokens["user"], ACCOUNT)
    assert (me["role"], me["isActive"], len(me["permissions"])) == ("superAdmin", True, 19)


def _upload(console: Console) -> dict[str, Any]:
    (target,) = console.data("GET", "assets/storage-targets")
    assert_shape(target, TARGET)
    assert (target["id"], target["isDefault"]) == (None, True)
    fields = {"description": "A kitten", "isPublic": "true", "runEnrichment": "true"}
    file = {"file": ("kitten.png", picture("PNG", 80, 60), "image/png")}
    asset = assert_shape(console.data("POST", "assets", 202, files=file, data=fields), ASSET)
    query = {"page": 1, "pageSize": 20, "orderBy": "createdAt", "orderDirection": "desc", "query": "", "status": ""}
    page = assert_shape(console.data("GET", "assets", params=query), PAGE)
    assert_shape(page["items"][0], ITEM)
    assert (page["items"][0]["id"], page["total"]) == (asset["id"], 1)
    _until_enriched(console, asset)
    detail = assert_shape(console.data("GET", f"assets/{asset['id']}"), ASSET)
    assert {"basic_caption"} <= {it["kind"] for it in detail["structuredResults"]}
    assert "thumbnail_256" in {it["kind"] for it in detail["derivatives"]}
    content = console.call("GET", f"assets/{asset['id']}/content")
    assert content.status_code == 307
    target = httpx.URL(content.headers["location"]).path  # a browser asks again before it follows with a credential
    assert console.call("GET", target).content == picture("PNG", 80, 60)
    return detail


def _until_enriched(console: Console, asset: dict[str, Any]) -> None:
    def is_done() -> bool:
        it = console.client.get(f"/api/v1/assets/{asset['id']}", headers=_bearer(console)).json()["data"]
        return it["status"] == "ready" and it["latestExecutionSummary"] is not None

    wait_for(is_done, "the enrichment", 30)


def _bearer(console: Console) -> dict[str, str]:
    return {"Authorization": f"Bearer {console.tokens['accessToken']}"}


def _change(console: Console, asset: dict[str, Any]) -> None:
    path = f"assets/{asset['id']}"
    texts = {"description": "Mine", "altText": "A green kitten", "originalFileName": "cat.png"}
    changed = assert_shape(console.data("PATCH", path, json=texts), ASSET)
    assert {name: changed[name] for name in texts} == texts
    hidden = assert_shape(console.data("PATCH", path, json={"isPublic": False}), ASSET)
    assert (hidden["isPublic"], hidden["publicUrl"]) == (False, None)
    assert {it["publicUrl"] for it in hidden["derivatives"]} == {None}
    assert console.call("GET", f"{path}/derivatives/thumbnail_256/content").headers["content-type"] == "image/png"
    assert {assert_shape(it, JOB)["status"] for it in console.data("GET", f"{path}/jobs")} == {"succeeded"}
    assert console.call("GET", f"{path}/content").content == picture("PNG", 80, 60)
    shown = console.data("PATCH", path, json={"isPublic": True})
    assert shown["publicUrl"] == asset["publicUrl"]


def _run_skills(console: Console, asset: dict[str, Any]) -> None:
    skills = console.data("GET", "assets/skills")
    for it in skills:
        assert_shape(it, {"skillName": str, "description": str, "steps": list})
    ended = console.data("POST", f"assets/{asset['id']}/skills/{skills[0]['skillName']}/run", json={})
    assert_shape(ended, {"succeeded": bool, "skillName": str, "steps": list, "asset": dict})
    for step in ended["steps"]:
        assert_shape(step, {"name": str, "succeeded": bool, "errorMessage": TEXT})
    assert_shape(ended["asset"], ASSET)
    summary = ended["asset"]["latestExecutionSummary"]
    assert_shape(summary, {"executionId": str, "skillName": str, "triggerSource": str, "startedAtUtc": str,
                           "completedAtUtc": str, "succeeded": bool, "steps": list})  # fmt: skip
    assert_shape(summary["steps"][0], {"stepName": str, "succeeded": bool, "errorMessage": TEXT, "startedAtUtc": str,
                                       "completedAtUtc": str})  # fmt: skip
    usage = console.data("GET", "assets/usage-stats")
    assert_shape(usage, {"totalAssets": int, "totalBytes": int, "totalDerivatives": int,
                         "contentTypeBreakdown": list, "mostActiveSkill": dict})  # fmt: skip
    assert_shape(usage["contentTypeBreakdown"][0], {"contentType": str, "count": int, "totalBytes": int})
    assert usage["mostActiveSkill"] == {"skillName": "basic_image_enrich", "runCount": 2}


def _graph(*skills: str) -> str:
    nodes = [
        {"id": str(at), "type": "skill", "position": {"x": at * 200, "y": 0}, "data": {"skillId": name}}
        for at, name in enumerate(skills)
    ]
    edges = [{"id": f"e{at}", "source": str(at - 1), "target": str(at)} for at in range(1, len(skills))]
    return json.dumps({"nodes": nodes[::-1], "edges": edges, "viewport": {"x": 0, "y": 0, "zoom": 1}})


def _draw_workflows(console: Console, asset: dict[str, Any]) -> None:
    assert console.data("GET", "system/workflows") == []
    draft: dict[str, Any] = {
        "name": "Tidy", "description": "", "isAutoRun": False, "graphJson": _graph("caption", "thumbnail")
    }  # fmt: skip
    made = assert_shape(console.data("POST", "system/workflows", 201, json=draft), WORKFLOW)
    assert json.loads(made["graphJson"]) == json.loads(draft["graphJson"])
    path = f"system/workflows/{made['id']}"
    changed = console.data("PUT", path, json=draft | {"name": "Tidier"})
    assert assert_shape(changed, WORKFLOW)["name"] == "Tidier"
    assert assert_shape(console.null("PATCH", f"{path}/autorun"), WORKFLOW)["isAutoRun"] is True
    assert [it["id"] for it in console.data("GET", "system/workflows")] == [made["id"]]
    assert [assert_shape(it, OPTION)["id"] for it in console.data("GET", "assets/workflows")] == [made["id"]]
    run = console.null("POST", f"assets/{asset['id']}/workflows/{made['id']}/run", 202)
    assert run == {"assetId": asset["id"], "workflowId": made["id"], "skillIds": ["caption", "thumbnail"]}
    assert console.call("DELETE", path).status_code in {200, 204}
    assert console.data("GET", "system/workflows") == []


def _keep_storage(console: Console) -> None:
    path = "system/storage/providers"
    before = assert_shape(console.data("GET", path), OVERVIEW)
    assert_shape(before["runtime"], RUNTIME)
    assert_shape(before["alignment"], ALIGNMENT)
    draft = {"name": "photos", "displayName": "Photos", "providerType": "local", "isEnabled": True, "isDefault": False,
             "configuration": {"rootPath": "photos", "createDirectoryIfMissing": True}}  # fmt: skip
    made = assert_shape(console.data("POST", path, 201, json=draft), PROFILE)
    assert set(made["capabilities"]) == set(CAPABILITIES)
    assert made["configurationSummary"]["rootPath"] == "photos" and len(made["configurationSummary"]) == 18
    assert console.null("POST", f"{path}/{made['id']}/test")["succeeded"] is True
    assert assert_shape(console.null("POST", f"{path}/{made['id']}/set-default"), PROFILE)["isDefault"] is True
    after = assert_shape(console.data("GET", path), OVERVIEW)
    assert after["defaultProfile"]["id"] == after["defaultWriteProfile"]["id"] == made["id"]
    renamed = console.data("PATCH", f"{path}/{made['id']}", json={"displayName": "Pictures"})
    assert assert_shape(renamed, PROFILE)["displayName"] == "Pictures"
    gone = console.data("DELETE", f"{path}/{made['id']}")
    assert_shape(gone, {"id": str, "wasDefault": bool, "status": str, "deletedAtUtc": str})
    assert (gone["wasDefault"], gone["status"]) == (True, "deleted")


def _keep_providers(console: Console, vision: Vision) -> None:
    path = "system/ai/providers"
    assert (console.data("GET", path), console.data("GET", f"{path}/active")) == ([], None)
    draft = {"name": "model", "apiBaseUrl": vision.url, "apiKey": KEY, "modelName": "see-1", "defaultSystemPrompt": "",
             "isActive": True}  # fmt: skip
    made = assert_shape(console.data("POST", path, 201, json=draft), PROVIDER)
    assert (made["apiKey"], made["isActive"]) == ("sk-***", True)
    form = {name: made[name] for name in ("name", "apiBaseUrl", "modelName", "defaultSystemPrompt", "isActive")}
    changed = console.data("PATCH", f"{path}/{made['id']}", json=form | {"modelName": "see-2", "apiKey": ""})
    assert assert_shape(changed, PROVIDER)["modelName"] == "see-2"
    tested = console.data("POST", f"{path}/test", json={"profileId": made["id"], **form})
    assert_shape(tested, {"succeeded": bool, "caption": TEXT, "resolvedModelName": str, "resolvedApiBaseUrl": str,
                          "errorMessage": TEXT})  # fmt: skip
    assert (tested["succeeded"], vision.requests[-1]["authorization"]) == (True, f"Bearer {KEY}")
    assert console.data("GET", f"{path}/active")["id"] == made["id"]
    gone = console.data("DELETE", f"{path}/{made['id']}")
    assert_shape(gone, {"id": str, "wasActive": bool, "status": str, "deletedAtUtc": str})


def _manage_users(console: Console) -> None:
    draft = {"username": "anna", "password": PASSWORD, "role": "user", "isActive": True}
    full = USER | {"lastLoginAtUtc": TEXT}
    made = assert_shape(console.data("POST", "users", 201, json=draft), full)
    path = f"users/{made['id']}"
    for it in console.data("GET", "users"):
        assert_shape(it, USER)
    body = {"username": "anna.b", "role": "admin", "isActive": True}
    assert assert_shape(console.data("PATCH", path, json=body), full)["role"] == "admin"
    granted = console.data("PATCH", f"{path}/permissions", json={"permissions": ["assets.read", "assets.create"]})
    assert set(assert_shape(granted, full)["permissions"]) == {"assets.read", "assets.create"}
    assert console.call("POST", f"{path}/reset-password", json={"newPassword": f"{PASSWORD} anew"}).is_success
    login = {"username": "anna.b", "password": f"{PASSWORD} anew"}
    assert console.data("POST", "auth/login", json=login)["user"]["username"] == "anna.b"
    assert console.data("PATCH", path, json={"isActive": False})["isActive"] is False
    assert console.call("POST", "auth/login", json=login).status_code == 401


def _show_the_gallery(console: Console, asset: dict[str, Any]) -> None:
    tokens, console.tokens = console.tokens, {}
    page = assert_shape(console.data("GET", "public/assets", params={"page": 1, "pageSize": 20}), PAGE)
    hidden = {"status", "storageProvider", "storageProviderProfileId", "isPublic"}
    item = {name: kind for name, kind in ITEM.items() if name not in hidden} | {"description": TEXT, "altText": TEXT}
    assert assert_shape(page["items"][0], item)["id"] == asset["id"]
    one = console.data("GET", f"public/assets/{asset['id']}")
    assert_shape(one, item | {"extension": str, "derivatives": list})
    assert console.call("GET", httpx.URL(one["publicUrl"]).path).status_code == 200
    console.tokens = tokens


def _delete(console: Console, asset: dict[str, Any]) -> None:
    gone = console.data("DELETE", f"assets/{asset['id']}", json={"commitMessage": "gone"})
    assert_shape(gone, {"id": str, "status": str, "deletedAtUtc": str})
    batch = console.data("POST", "assets/batch-delete", json=[asset["id"]])
    assert batch == {"requestedCount": 1, "deletedCount": 0, "notFoundIds": [asset["id"]]}
    assert console.data("GET", "assets")["total"] == 0


def _end(console: Console) -> None:
    spent = console.tokens["refreshToken"]
    console.tokens = assert_shape(console.data("POST", "auth/refresh", json={"refreshToken": spent}), TOKENS)
    assert console.data("GET", "auth/me")["role"] == "superAdmin"
    last = {"refreshToken": console.tokens["refreshToken"]}
    assert console.call("POST", "auth/logout", json=last).status_code == 204
    assert console.call("POST", "auth/refresh", json=last).status_code == 401


def test_another_origin_is_answered_no_preflight(console: Console) -> None:
    asks = {"Origin": "https://evil.example", "Access-Control-Request-Method": "GET"}
    for path in ("/api/v1/assets", "/content/uploads/x", "/i/img_x"):
        answer = console.client.options(path, headers=asks)
        assert "access-control-allow-origin" not in answer.headers
