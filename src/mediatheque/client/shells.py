"""What carries operations out: a connection that waits, and one that awaits; and how a method is either of them."""

from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from functools import wraps
from typing import Any, Concatenate, Generic, ParamSpec, Self, TypeVar, overload

import httpx
from anyio import to_thread
from tenacity import AsyncRetrying, RetryCallState, Retrying, retry_if_exception
from tenacity.wait import wait_random_exponential

from mediatheque.client.errors import MediathequeError, NotYet, refusal, unanswered
from mediatheque.client.wire import PIECE_BYTES, Attempts, Call, Fetch, Item, Plan, Result, Step, Work

Arguments = ParamSpec("Arguments")
Done = TypeVar("Done")

PATIENCE = 15
"""How often more a server is asked that has all bytes and not yet the file: some two minutes."""
_backoff = wait_random_exponential(multiplier=0.2, max=10)


class Policy:
    """How often and how patiently a step is tried again: only what may pass, and as slowly as the server asks for."""

    def __init__(self, retries: int) -> None:
        self.options: dict[str, Any] = {
            "stop": lambda state: state.attempt_number > retries + (PATIENCE if _is_pending(state) else 0),
            "wait": _pause,
            "retry": retry_if_exception(lambda error: isinstance(error, MediathequeError) and error.is_passing),
            "reraise": True,
        }


class Connection:
    """Carries operations out, one step after another."""

    def __init__(self, http: httpx.Client, policy: Policy) -> None:
        self.http = http
        self._policy = policy

    def run(self, plan: Plan[Result]) -> Result:
        return self._drive(plan, self._tried)

    def items(self, fetch: Fetch[Item]) -> Iterator[Item]:
        offset, has_more = 0, True
        while has_more:
            page = self.run(fetch(offset))
            yield from page.items
            offset += len(page.items)
            has_more = page.has_more and bool(page.items)

    def _drive(self, plan: Plan[Result], act: Callable[[Step], Any]) -> Result:
        try:
            step = next(plan)
            while True:
                try:
                    done = act(step)
                except MediathequeError as error:
                    step = plan.throw(error)
                else:
                    step = plan.send(done)
        except StopIteration as end:
            result: Result = end.value
            return result
        finally:
            plan.close()

    def _tried(self, step: Step) -> Any:
        return Retrying(**self._policy.options)(self._act, step)

    def _act(self, step: Step) -> Any:
        if isinstance(step, Attempts):
            return self._drive(step.make(), self._act)
        return step.do() if isinstance(step, Work) else self._send(step)

    def _send(self, call: Call) -> httpx.Response:
        body: dict[str, Any] = {"content": call.pieces()} if call.streams else {}
        try:
            with self.http.stream(call.method, call.path, **call.arguments(), **body) as answer:
                if call.sink and answer.is_success:
                    call.sink.begin(answer)
                    for piece in answer.iter_bytes(PIECE_BYTES):
                        call.sink.write(piece)
                else:
                    answer.read()
        except httpx.HTTPError as error:
            raise unanswered(error, str(self.http.base_url), is_repeatable=call.is_repeatable) from error
        return checked(call, answer)


class AsyncConnection:
    """Carries operations out, one step after another, and lets others go on meanwhile."""

    def __init__(self, http: httpx.AsyncClient, policy: Policy) -> None:
        self.http = http
        self._policy = policy

    async def run(self, plan: Plan[Result]) -> Result:
        return await self._drive(plan, self._tried)

    async def items(self, fetch: Fetch[Item]) -> AsyncIterator[Item]:
        offset, has_more = 0, True
        while has_more:
            page = await self.run(fetch(offset))
            for item in page.items:
                yield item
            offset += len(page.items)
            has_more = page.has_more and bool(page.items)

    async def _drive(self, plan: Plan[Result], act: Callable[[Step], Coroutine[Any, Any, Any]]) -> Result:
        try:
            step = next(plan)
            while True:
                try:
                    done = await act(step)
                except MediathequeError as error:
                    step = plan.throw(error)
                else:
                    step = plan.send(done)
        except StopIteration as end:
            result: Result = end.value
            return result
        finally:
            plan.close()

    async def _tried(self, step: Step) -> Any:
        return await AsyncRetrying(**self._policy.options)(self._act, step)

    async def _act(self, step: Step) -> Any:
        if isinstance(step, Attempts):
            return await self._drive(step.make(), self._act)
        return await to_thread.run_sync(step.do) if isinstance(step, Work) else await self._send(step)

    async def _send(self, call: Call) -> httpx.Response:
        body: dict[str, Any] = {"content": _in_threads(call.pieces())} if call.streams else {}
        try:
            async with self.http.stream(call.method, call.path, **call.arguments(), **body) as answer:
                if call.sink and answer.is_success:
                    call.sink.begin(answer)
                    async for piece in answer.aiter_bytes(PIECE_BYTES):
                        await to_thread.run_sync(call.sink.write, piece)
                else:
                    await answer.aread()
        except httpx.HTTPError as error:
            raise unanswered(error, str(self.http.base_url), is_repeatable=call.is_repeatable) from error
        return checked(call, answer)


class Group:
    """Operations that a client has under one name, and that wait."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection


class AsyncGroup:
    """Operations that a client has under one name, and that are awaited."""

    def __init__(self, connection: AsyncConnection) -> None:
        self.connection = connection


class operation(Generic[Arguments, Done]):
    """A method that is written as a plan: a `Group` returns what the plan does, an `AsyncGroup` is awaited for it."""

    def __init__(self, plan: Callable[Concatenate[Any, Arguments], Plan[Done]]) -> None:
        self._plan = plan
        self.__doc__ = plan.__doc__

    @overload
    def __get__(self, group: None, owner: type) -> Self: ...
    @overload
    def __get__(self, group: Group, owner: type) -> Callable[Arguments, Done]: ...
    @overload
    def __get__(self, group: AsyncGroup, owner: type) -> Callable[Arguments, Coroutine[Any, Any, Done]]: ...
    def __get__(self, group: Group | AsyncGroup | None, owner: type) -> Any:
        if group is None:
            return self

        @wraps(self._plan)
        def run(*args: Arguments.args, **named: Arguments.kwargs) -> Any:
            return group.connection.run(self._plan(group, *args, **named))

        return run


class listing(Generic[Arguments, Item]):
    """A method that says how a page is fetched: it returns an iterator over the items of all pages."""

    def __init__(self, pages: Callable[Concatenate[Any, Arguments], Fetch[Item]]) -> None:
        self._pages = pages
        self.__doc__ = pages.__doc__

    @overload
    def __get__(self, group: None, owner: type) -> Self: ...
    @overload
    def __get__(self, group: Group, owner: type) -> Callable[Arguments, Iterator[Item]]: ...
    @overload
    def __get__(self, group: AsyncGroup, owner: type) -> Callable[Arguments, AsyncIterator[Item]]: ...
    def __get__(self, group: Group | AsyncGroup | None, owner: type) -> Any:
        if group is None:
            return self

        @wraps(self._pages)
        def run(*args: Arguments.args, **named: Arguments.kwargs) -> Any:
            return group.connection.items(self._pages(group, *args, **named))

        return run


def checked(call: Call, answer: httpx.Response) -> httpx.Response:
    """The answer, if it is a good one; raises `ApiError`."""
    if answer.status_code >= 400:
        raise refusal(answer, is_repeatable=call.is_repeatable)
    if call.progress and call.form is not None and call.source is not None:
        call.progress(call.source.size_bytes, call.source.size_bytes)
    return answer


async def _in_threads(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    while piece := await to_thread.run_sync(next, pieces, b""):
        yield piece


def _is_pending(state: RetryCallState) -> bool:
    return state.outcome is not None and isinstance(state.outcome.exception(), NotYet)


def _pause(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    asked = error.retry_after_seconds if isinstance(error, MediathequeError) else None
    return max(asked or 0.0, _backoff(state))
