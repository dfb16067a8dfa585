"""Every route times every sort of id: another tenant's is as good as none (safety, E6).

Routes, parameters and bodies are those of the running server's own document, so a new route is looked at without a
line here; one whose ids this file cannot make, or whose body it cannot fill, fails.
"""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any
from uuid import uuid4

import httpx
import pytest

from mediatheque.core.accounts import Accounts
from mediatheque.model import Role
from mediatheque.records.engine import Database
from tests.pictures import picture
from tests.support import Server
from tests.surfaces.foreign import GRAPH, Estate, Id, build, rows_of

METHODS = {"get", "head", "post", "put", "patch", "delete"}
PLAIN = {
    "skill_name": "thumbnail", "workflow": "thumbnail", "variant": "original", "name": "photo.jpg",
    "variant_type": "small_256", "chunk_number": "1", "version": "1", "first": "1", "second": "1", "kind": "tags",
    "signature": "-", "options": "small", "screen": "library",
}  # fmt: skip
"""Parts of paths that are nobody's."""
OWN: dict[str, Callable[[httpx.Client], str]] = {
    "folder_id": lambda ours: str(ours.post("/api/v2/folders", json={"name": uuid4().hex}).json()["id"]),
    "room_id": lambda ours: str(ours.post("/v1/rooms", json={"name": uuid4().hex}).json()["data"]["id"]),
}
"""Things of the stranger's own, where a path needs one beside the id in the body."""
VALUES: dict[str, Any] = {
    "graphJson": GRAPH, "permissions": ["assets.read"], "newPassword": "another password of ours", "role": "user",
    "path": "a.txt", "contentBase64": "YQ==", "isDefault": False, "configuration": {}, "secretConfiguration": {},
    "isActive": True, "state": "accepted", "ids": [], "file_ids": [], "hashes": ["0" * 64],
    "apiBaseUrl": "https://192.0.0.9/v1", "events": ["asset.ready"], "options": "small", "lifetime_seconds": 60,
    "expectedSha": None, "commitMessage": None,
}  # fmt: skip
"""What a body's field takes, where any text or number would be refused for itself."""
LISTS = {"ids", "file_ids"}
RESUMABLE = {"Tus-Resumable": "1.0.0", "Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
"""What every route of the resumable uploads asks for."""
FORGED = {"expires": "9999999999", "key": "00000000", "signature": "0" * 64}
NO_IDS = {"apiKey", "idempotency_key"}
"""Fields whose names sound like it."""
IDENTIFYING = re.compile(r"(^id|_id|Id|^ids|_ids|Ids|key|Key|keys)$")


@dataclass(frozen=True)
class Route:
    method: str
    path: str
    parameters: tuple[str, ...]
    is_open: bool
    fields: dict[str, Any]
    is_form: bool

    def __str__(self) -> str:
        return f"{self.method.upper()} {self.path}"


def routes(document: dict[str, Any]) -> Iterator[Route]:
    for path, item in document["paths"].items():
        for method in METHODS & set(item):
            operation = item[method]
            content = operation.get("requestBody", {}).get("content", {})
            fields: dict[str, Any] = {}
            for described in content.values():
                fields |= _fields(document, described.get("schema", {}))
            yield Route(
                method, path, tuple(re.findall(r"\{(\w+)\}", path)), operation.get("security") == [], fields,
                "multipart/form-data" in content,
            )  # fmt: skip


def test_anothers_id_is_as_good_as_none_on_every_route(server: Server, accounts: Accounts, database: Database) -> None:
    owner, stranger = (accounts.create_key(f"tenant-{name}-{id(accounts)}", role=Role.ADMIN) for name in "ab")
    with server.client(owner.key) as theirs, server.client(stranger.key) as ours:
        estate = build(theirs, str(owner.tenant_id), database)
        all_routes = sorted(routes(ours.get("/openapi.json").json()), key=str)
        assert len(all_routes) > 40
        before, seen = rows_of(database, estate.tenant_uuid), _seen(theirs, estate)
        asked = {str(route): list(_leaks(ours, route, estate)) for route in all_routes}
        leaks = [leak for found in asked.values() for leak in found if leak]
        assert not leaks, "\n".join(leaks)
        assert sum(map(len, asked.values())) > 200
        after, garbage = rows_of(database, estate.tenant_uuid), before.pop("garbage")
        assert [it for it in after.pop("garbage") if it not in garbage] == []  # what there was goes after a minute
        assert after == before
        assert _seen(theirs, estate) == seen


def _leaks(ours: httpx.Client, route: Route, estate: Estate) -> Iterator[str]:
    """For each id that the route takes: what gives it away, or nothing."""
    known = estate.ids(is_open=route.is_open)
    for name in route.parameters:
        assert name in known or name in PLAIN, f"{route}: say in foreign.py how another tenant's {name} is made"
    for name in route.fields:
        suspicious = IDENTIFYING.search(name) and name not in NO_IDS
        assert not suspicious or name in known, f"{route}: say in foreign.py how another tenant's {name} is made"
    foreign = [name for name in route.parameters if name in known]
    for chosen in product(*(known[name] for name in foreign)):
        if foreign and _is_one_of_each_form(chosen):
            yield _leak(ours, route, dict(zip(foreign, chosen, strict=True)), {})
    for name in set(route.fields) & set(known):
        for it in known[name]:
            yield _leak(ours, route, {}, {name: it})


def _is_one_of_each_form(chosen: tuple[Id, ...]) -> bool:
    """Of two ids in one path only those pairs that are spelled alike: all pairs would say no more."""
    return len({len(it.theirs.removeprefix("room-")) for it in chosen}) == 1


def _leak(ours: httpx.Client, route: Route, path_ids: dict[str, Id], body_ids: dict[str, Id]) -> str:
    answers = []
    for side in ("theirs", "nobodys"):
        given = {name: getattr(it, side) for name, it in (path_ids | body_ids).items()}
        answer = _ask(ours, route, given, set(body_ids))
        answers.append((answer.status_code, _comparable(answer, given.values())))
    what = f"{route} {sorted(path_ids | body_ids)}: {answers}"
    status = answers[0][0]
    if answers[0] != answers[1] or status >= 500:
        return what
    if body_ids:
        return ""
    return "" if status == 404 or (route.is_open and status == 403) else f"{what}: no 404, is the body a good one?"


def _ask(ours: httpx.Client, route: Route, given: dict[str, str], in_body: set[str]) -> httpx.Response:
    path = re.sub(
        r"\{(\w+)\}", lambda found: given.get(found[1]) or PLAIN.get(found[1]) or OWN[found[1]](ours), route.path
    )
    values = {name: [given[name]] if name in LISTS else given[name] for name in in_body}
    if route.is_open and route.method == "put":
        return ours.put(path, params=FORGED, content=b"bytes")
    if "/tus" in path:
        return ours.request(route.method, path, headers=RESUMABLE)
    if route.is_form:
        form = {"files": {"file": ("photo.jpg", picture("JPEG"), "image/jpeg")}, "data": values}
        return ours.request(route.method, path, **form)  # type: ignore[arg-type]
    filler = {name: it for name, it in route.fields.items() if name not in estate_fields(route) or name in values}
    return ours.request(route.method, path, json=filler | values if route.fields else None, follow_redirects=False)


def estate_fields(route: Route) -> set[str]:
    """Fields that hold an id: left out unless they are what is looked at."""
    return {name for name in route.fields if IDENTIFYING.search(name) and name not in NO_IDS}


def _comparable(answer: httpx.Response, given: Any) -> tuple[str, dict[str, str]]:
    """Body and headers without what differs between any two requests, and without the id that was asked for."""
    body = answer.text
    for it in given:
        for spelled in {it, it.lower(), str(json.dumps(it))[1:-1]}:
            body = body.replace(spelled, "(id)")
    body = re.sub(r'("(?:traceId|request_id)": ?)"[^"]*"', r"\1(trace)", body)
    changing = {"connection", "date", "x-request-id", "x-ratelimit-remaining", "x-ratelimit-reset"}
    return body, {name: value for name, value in answer.headers.items() if name not in changing}


def _seen(theirs: httpx.Client, estate: Estate) -> list[Any]:
    """The owner's own view of what is theirs."""
    artifact = f"/v1/rooms/room-{estate.room}/artifacts/{estate.artifact}"
    paths = ("/v1/rooms", f"/v1/rooms/room-{estate.room}/members", artifact, f"{artifact}/versions",
             f"{artifact}/shares", "/api/v1/assets", "/v3/images", "/api/v2/user-files",
             "/api/v2/folders", "/api/v2/uploads/sessions", "/api/v1/users", "/api/v1/system/workflows",
             "/api/v1/system/storage/providers", "/api/v1/system/ai/providers", f"/v1/jobs/{estate.job}",
             f"/api/v1/assets/{estate.asset}", f"/api/v1/system/workflows/{estate.workflow}",
             f"/api/v1/users/{estate.user}", "/api/v2/webhooks",
             f"/api/v2/webhooks/{estate.webhook}/deliveries", "/v1/files")  # fmt: skip
    answers = [theirs.get(path) for path in paths]
    assert {it.status_code for it in answers} == {200}
    return [re.sub(r"\?expires=[^\"]*", "", it.text) for it in answers]


def _fields(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """Every property of a body, with a value that it takes."""
    if "$ref" in schema:
        return _fields(document, _resolved(document, schema))
    found: dict[str, Any] = {}
    for part in (*schema.get("anyOf", ()), *schema.get("oneOf", ()), *schema.get("allOf", ())):
        found |= _fields(document, part)
    for name, described in schema.get("properties", {}).items():
        found[name] = VALUES[name] if name in VALUES else _value(document, described)
    return found


def _value(document: dict[str, Any], schema: dict[str, Any]) -> Any:
    if "$ref" in schema:
        return _value(document, _resolved(document, schema))
    if "anyOf" in schema:
        return _value(document, schema["anyOf"][0])
    if "enum" in schema:
        return schema["enum"][0]
    examples = {"string": "taken over", "integer": 1, "number": 1, "boolean": True, "array": [], "object": {}}
    return examples[schema["type"]] if "type" in schema else {}


def _resolved(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return found


def test_a_route_with_an_id_that_nobody_here_can_make_is_not_passed_over() -> None:
    (route,) = routes({"paths": {"/v9/things/{thing_id}": {"get": {}}}})
    parts: list[Any] = ["", *(uuid4() for _ in range(12)), "uploads/a/b/c", *(uuid4() for _ in range(12)), ()]
    nobody = Estate(*parts)
    with httpx.Client() as client, pytest.raises(AssertionError, match="thing_id"):
        list(_leaks(client, route, nobody))
