"""What every surface of plugins.py promises (`surfaces.http.Surface`), looked up in the code and asked over HTTP."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.routing import APIRoute

from mediatheque import errors, plugins
from mediatheque.app import load
from mediatheque.core.access import SCOPES
from mediatheque.core.limiter import Allowance, Exceeded
from mediatheque.model import Role
from mediatheque.surfaces.http import Door, Surface
from tests.parts import Whole, opened
from tests.support import ADMIN_KEY, Server

INSTALLED: tuple[Surface, ...] = load(plugins.SURFACES)
EVERY_SURFACE = pytest.mark.parametrize("surface", INSTALLED, ids=lambda it: it.name)

ARGUMENTS: dict[type[errors.LibraryError], tuple[Any, ...]] = {
    errors.Unauthorized: (errors.Unauthorized.INVALID_KEY,),
    errors.Invalid: ("A value that breaks a rule",),
    errors.RangeNotSatisfiable: (17,),
    Exceeded: (Allowance(1, 0, 0),),
}
KINDS: tuple[type[errors.LibraryError], ...] = (
    errors.LibraryError, *errors.LibraryError.__subclasses__(), *errors.RateLimited.__subclasses__()
)  # fmt: skip
ERRORS = [kind(*ARGUMENTS.get(kind, ())) for kind in KINDS]
HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": r"same-origin|cross-origin",
    "content-security-policy": r"default-src 'none'.*",
    "x-request-id": r"[0-9A-Z]{26}",
}
"""running.md, "Promises to every client"."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Whole]:
    with opened(tmp_path_factory.mktemp("library")) as it:
        yield it


@pytest.fixture(scope="module")
def document(server: Server) -> dict[str, Any]:
    """The OpenAPI document as a client gets it."""
    with server.client(None) as client:
        found: dict[str, Any] = client.get("/openapi.json").json()
    return found


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(method, path with example values, operation)."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), re.sub(r"\{\w+\}", "something", path), operation


def routes(surface: Surface, whole: Whole) -> list[APIRoute]:
    return [route for route in surface.routes(whole.library).routes if isinstance(route, APIRoute)]


@EVERY_SURFACE
def test_its_terms_are_declared(surface: Surface) -> None:
    known = {media_type for kind in load(plugins.KINDS) for media_type in kind.media_types}
    assert surface.terms.surface == surface.name
    assert surface.terms.media_types <= known
    assert (surface.terms.max_bytes > 0) == bool(surface.terms.media_types)


def test_no_path_belongs_to_two_surfaces() -> None:
    prefixes = [prefix for surface in INSTALLED for prefix in surface.prefixes]
    overlaps = [(a, b) for a in prefixes for b in prefixes if a is not b and a.startswith(b)]
    assert overlaps == []


@EVERY_SURFACE
def test_its_routes_lie_under_its_prefixes_and_in_the_document(
    surface: Surface, whole: Whole, document: dict[str, Any]
) -> None:
    for route in routes(surface, whole):
        assert f"{route.path}/".startswith(surface.prefixes)
        assert route.methods is not None
        assert {method.lower() for method in route.methods} <= set(document["paths"][route.path])
    for prefix in surface.hot:
        assert prefix.startswith(surface.prefixes)
        assert any(path.startswith(prefix) for path in document["paths"])


@EVERY_SURFACE
def test_every_route_asks_for_a_scope(surface: Surface, whole: Whole) -> None:
    for route in routes(surface, whole):
        assert isinstance(route, Door), route.path
        assert getattr(route.endpoint, "__scope__", None) in SCOPES[Role.ADMIN], route.path


def test_without_a_credential_only_what_says_so_answers(server: Server, document: dict[str, Any]) -> None:
    for method, path, operation in operations(document):
        is_open = operation.get("security") == [] or "operations" in operation["tags"]
        with server.client(None) as client:
            answer = client.request(method, path)
        assert (answer.status_code != 401) == is_open, (method, path)
        if not is_open:
            assert answer.headers["www-authenticate"] == "Bearer"
            assert operation["security"] == [{"bearer": []}]


def test_every_answer_carries_the_headers_of_safety(server: Server, document: dict[str, Any]) -> None:
    for method, path, _ in operations(document):
        for key in (None, ADMIN_KEY):
            with server.client(key) as client:
                answer = client.request(method, path)
            for name, wanted in HEADERS.items():
                assert re.fullmatch(wanted, answer.headers.get(name, "")), (method, path, name)


def test_operations_have_ids_of_their_own(document: dict[str, Any]) -> None:
    names = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(names) == len(set(names))


@EVERY_SURFACE
@pytest.mark.parametrize("error", ERRORS, ids=lambda it: type(it).__name__)
def test_every_error_has_one_shape(surface: Surface, error: errors.LibraryError) -> None:
    answer = surface.render_error(error, "the-request")
    body = json.loads(bytes(answer.body))
    usual = json.loads(bytes(surface.render_error(errors.Conflict(), "the-request").body))
    assert answer.status_code // 100 == error.status // 100
    assert answer.headers["content-type"] == "application/json"
    assert usual.keys() <= body.keys()
    assert answer.status_code != 500 or error.message in json.dumps(body)


@EVERY_SURFACE
def test_an_invalid_request_has_the_surface_s_shape_of_errors(surface: Surface) -> None:
    answer = surface.render_invalid([{"loc": ["query", "page"], "msg": "too small", "type": "less"}], "the-request")
    usual = json.loads(bytes(surface.render_error(errors.Conflict(), "the-request").body))
    assert answer.status_code in {400, 422}  # each dialect says which
    assert usual.keys() <= json.loads(bytes(answer.body)).keys()
