"""The index of routes finds what the framework, asking one route after another, would have found."""

from typing import Any

from fastapi import APIRouter
from starlette.routing import Match, Route, WebSocketRoute

from mediatheque.surfaces.routing import RouteIndex, flat

PATHS = ("/", "/things", "/things/", "/things/{thing}", "/things/new", "/things/{thing}/parts/{part}",
         "/shown/{name}.js", "/pages/{page:path}", "/pages/of/one", "/{anything}")  # fmt: skip
ASKED = ("/", "/things", "/things/", "/things/new", "/things/x", "/things/x/parts/y", "/things/x/parts", "/things//",
         "/shown/start.js", "/shown/start", "/pages/", "/pages/a/b/c", "/pages/of/one", "/pages", "/other", "/a/b",
         "/things/x/parts/y/z/" + "z/" * 5000, "//", "/things/new/")  # fmt: skip


def _endpoint(request: Any) -> None: ...


def _routes() -> list[Route | WebSocketRoute]:
    methods = (["GET"], ["POST"], ["PUT", "DELETE"])
    routes: list[Route | WebSocketRoute] = [
        Route(path, _endpoint, methods=methods[number % len(methods)]) for number, path in enumerate(PATHS)
    ]
    return [*routes, WebSocketRoute("/things/{thing}/live", _endpoint)]


def _one_after_another(routes: list[Route | WebSocketRoute], scope: dict[str, Any]) -> tuple[Match, object]:
    found: tuple[Match, object] = Match.NONE, None
    for route in routes:
        match, _ = route.matches(dict(scope))
        if match is Match.FULL:
            return match, route
        if match is Match.PARTIAL and found[0] is Match.NONE:
            found = match, route
    return found


def test_the_index_finds_the_same_route_for_every_path_and_method() -> None:
    routes = _routes()
    index = RouteIndex(routes)
    asked = [{"type": "http", "method": method, "path": path} for path in ASKED for method in ("GET", "POST", "DELETE")]
    for scope in [*asked, {"type": "websocket", "path": "/things/x/live"}, {"type": "websocket", "path": "/things/x"}]:
        match, child = index.matches(dict(scope))
        assert (match, child.get("route")) == _one_after_another(routes, scope), scope


def test_no_long_path_is_remembered_whole() -> None:
    index = RouteIndex(_routes())
    for number in range(3):
        index.matches({"type": "http", "method": "GET", "path": f"/{number}" * 10_000})
    assert index._candidates.cache_info().currsize == 1


def test_routers_in_routers_are_laid_side_by_side_in_their_order() -> None:
    outer, inner = APIRouter(), APIRouter(prefix="/inner")
    inner.add_api_route("/two", _endpoint)
    outer.add_api_route("/one", _endpoint)
    outer.include_router(inner)
    outer.add_api_route("/three", _endpoint)
    assert [route.path for route in flat(outer)] == ["/one", "/inner/two", "/three"]
