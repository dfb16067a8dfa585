"""Routes found by the words of a path: the framework would hold every request against one route after another."""

from collections.abc import Callable, Sequence
from functools import cache, lru_cache
from typing import Any

from fastapi import APIRouter
from fastapi._compat import ModelField
from fastapi.routing import APIRoute, _IncludedRouter
from fastapi.utils import create_model_field
from starlette.routing import BaseRoute, Match, Route, WebSocketRoute
from starlette.types import Receive, Scope, Send

SHAPES = 4096
"""Of paths, for which it is remembered which routes they can be of."""
OPEN_END = ":path}"

Shape = tuple[str | None, ...]
"""The parts of a path between slashes; None for one that is no fixed word of any route."""


def flat(router: APIRouter) -> list[Route | WebSocketRoute]:
    """A router's routes and those of the routers in it, whose prefixes stand in their routes' own paths.

    As they are: the framework would make each of a nested one again for every router around it, which doubles the time
    of a start, and look for it in each, and again when it was found.
    """
    routes: list[Route | WebSocketRoute] = []
    for it in router.routes:
        if isinstance(it, (Route, WebSocketRoute)):
            routes.append(it)
        else:
            assert isinstance(it, _IncludedRouter) and not it.include_context.prefix, f"prefix around {it}"
            routes += flat(it.original_router)
    return routes


class Documented(APIRoute):
    """A route whose other answers are made into fields of a schema when somebody asks for that.

    The framework would make them at every start, each of the same dozen errors once for every route.
    """

    def __init__(
        self,
        path: str,
        endpoint: Callable[..., Any],
        *,
        responses: dict[int | str, dict[str, Any]] | None = None,
        **options: Any,
    ) -> None:
        super().__init__(path, endpoint, **options)
        self.responses = responses or {}

    @property
    def response_fields(self) -> dict[int | str, ModelField]:
        return {status: _field(told["model"]) for status, told in self.responses.items() if "model" in told}

    @response_fields.setter
    def response_fields(self, fields: dict[int | str, ModelField]) -> None:
        assert not fields


class RouteIndex(BaseRoute):
    """Many routes in one, tried in their order, but those alone whose fixed words a path has."""

    def __init__(self, routes: Sequence[Route | WebSocketRoute]) -> None:
        self._patterns = [(route, route.path.split("/")) for route in routes]
        self._words = {part for _, pattern in self._patterns for part in pattern if "{" not in part}
        self._depth = max(len(pattern) for _, pattern in self._patterns)
        self._candidates = lru_cache(SHAPES)(self._of_shape)

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        words = self._words
        parts = scope["path"].split("/", self._depth)
        found, child = Match.NONE, dict[str, object]()
        for route in self._candidates(tuple(part if part in words else None for part in parts)):
            match, its = route.matches(scope)
            if match is Match.FULL:
                return match, {**its, "route": route}
            if match is Match.PARTIAL and found is Match.NONE:
                found, child = match, {**its, "route": route}
        return found, child

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        await scope["route"].handle(scope, receive, send)

    def _of_shape(self, shape: Shape) -> list[BaseRoute]:
        return [route for route, pattern in self._patterns if _fits(pattern, shape)]


@cache
def _field(model: Any) -> ModelField:
    return create_model_field(name="response", type_=model, mode="serialization")


def _fits(pattern: Sequence[str], shape: Shape) -> bool:
    """Whether a route with that pattern can be meant by a path of that shape."""
    for number, part in enumerate(pattern):
        if part.endswith(OPEN_END):
            return True
        if number >= len(shape) or ("{" not in part and part != shape[number]):
            return False
    return len(pattern) == len(shape)
