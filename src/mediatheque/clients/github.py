"""Files of one branch of a repository, over GitHub's REST API: what it answers, in the library's own words."""

import base64
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

from mediatheque.clients.fetch import Answer, Fetch, FetchFailed
from mediatheque.errors import Conflict, LibraryError, NotFound, StoreRefused, TooLarge, Unavailable

API_VERSION = "2022-11-28"
MAX_FILE_BYTES = 100 << 20
"""GitHub's own limit."""
MAX_ANSWER_BYTES = 32 << 20
WRITE_SECONDS = 120.0
READ_SECONDS = 30.0
_PIECE_BYTES = 3 << 18
"""A multiple of three, so that pieces of base64 can be put together; about a mebibyte when encoded."""


class TryAgain(Unavailable):
    """Nobody knows whether it took, or somebody else was faster: look, and try again."""


class RateLimited(Unavailable):
    """GitHub will answer again after `retry_after_seconds`."""


class Branch:
    """`reference` of `owner/repository`. Without a token only public files can be read."""

    def __init__(
        self, fetch: Fetch, *, owner: str, repository: str, reference: str, token: str | None, api: str, raw: str
    ) -> None:
        self._fetch = fetch
        self._reference = reference
        self._token = token
        self._repository = f"{api}/repos/{quote(owner)}/{quote(repository)}"
        self._raw = f"{raw}/{quote(owner)}/{quote(repository)}/{quote(reference)}"

    def public_url(self, path: str) -> str:
        return f"{self._raw}/{quote(path)}"

    def look(self, path: str) -> Any:
        """A file as GitHub's object (with its content up to 1 MB), or a folder as a list; raises `NotFound`."""
        return _good(self._ask("GET", self._contents(path), params={"ref": self._reference})).json()

    def write(self, path: str, content: Path | bytes, *, message: str, sha: str | None) -> dict[str, Any]:
        """Commit a file; `sha` is that of what it replaces. Raises `Conflict` when that is not what is there."""
        size_bytes = len(content) if isinstance(content, bytes) else content.stat().st_size
        if size_bytes > MAX_FILE_BYTES:
            raise TooLarge("GitHub takes files of at most 100 MiB")
        fields = {"message": message, "branch": self._reference} | ({"sha": sha} if sha else {})
        head, tail = f'{json.dumps(fields)[:-1]}, "content": "'.encode(), b'"}'
        length = len(head) + -(-size_bytes // 3) * 4 + len(tail)
        answer = self._ask(
            "PUT", self._contents(path), content=_body(head, content, tail),
            headers={"Content-Type": "application/json", "Content-Length": str(length)}, seconds=WRITE_SECONDS,
        )  # fmt: skip
        written: dict[str, Any] = _good(answer).json()["content"]
        return written

    def remove(self, path: str, *, message: str, sha: str) -> None:
        fields = {"message": message, "branch": self._reference, "sha": sha}
        _good(self._ask("DELETE", self._contents(path), json=fields))

    def read(self, url: str, *, start: int, end: int | None) -> Iterator[bytes]:
        """Bytes of a file at a raw address, without the token: the address itself is the permission."""
        headers = {"Range": f"bytes={start}-{'' if end is None else end - 1}"} if start or end is not None else {}
        try:
            with self._fetch.stream("GET", url, headers=headers, deadline_seconds=600, max_bytes=MAX_FILE_BYTES) as got:
                if got.status not in {200, 206}:
                    _good(Answer(got.status, got.headers, b"{}", url))
                yield from got.pieces if got.status == 206 else _part(got.pieces, start, end)
        except FetchFailed as error:
            raise Unavailable("GitHub does not answer", retry_after_seconds=5) from error

    def files(self) -> tuple[str, list[dict[str, Any]]]:
        """When the branch was last changed (ISO 8601), and every file with `path`, `size` and `sha`."""
        head = _good(self._ask("GET", f"{self._repository}/branches/{quote(self._reference, safe='')}")).json()
        commit = head["commit"]
        tree = self._ask("GET", f"{self._repository}/git/trees/{commit['sha']}", params={"recursive": "1"})
        listing = _good(tree).json()
        if listing.get("truncated"):
            raise Unavailable("The repository has more files than GitHub lists")
        return commit["commit"]["committer"]["date"], [it for it in listing["tree"] if it["type"] == "blob"]

    def check(self, *, needs_public: bool) -> None:
        """Raise `Unavailable`, saying what is wrong, unless the branch is there and the token may write."""
        try:
            found = _good(self._ask("GET", self._repository)).json()
        except NotFound:
            raise Unavailable("The repository does not exist, or the token may not see it") from None
        try:
            _good(self._ask("GET", f"{self._repository}/branches/{quote(self._reference, safe='')}"))
        except NotFound:
            raise Unavailable("The branch does not exist") from None
        if self._token and not found.get("permissions", {}).get("push", True):
            raise StoreRefused("The token may not write to the repository")
        if needs_public and found.get("private"):
            raise Unavailable("The repository is private: its files have no public addresses")

    def _contents(self, path: str) -> str:
        return f"{self._repository}/contents/{quote(path)}"

    def _ask(
        self,
        method: str,
        url: str,
        *,
        headers: dict[str, str] | None = None,
        seconds: float = READ_SECONDS,
        **rest: Any,
    ) -> Answer:
        own = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": API_VERSION}
        if self._token:
            own["Authorization"] = f"Bearer {self._token}"
        try:
            return self._fetch.request(
                method, url, headers={**own, **(headers or {})}, deadline_seconds=seconds, max_bytes=MAX_ANSWER_BYTES,
                **rest,
            )  # fmt: skip
        except FetchFailed as error:
            raise TryAgain("GitHub does not answer", retry_after_seconds=5) from error


def _good(answer: Answer) -> Answer:
    """The answer, if it is none of GitHub's refusals."""
    status = answer.status
    if status < 300:
        return answer
    said = answer.body[:10_000].decode(errors="replace").lower()
    if status in {403, 429} and _is_rate_limit(answer, said):
        raise RateLimited("GitHub's rate limit is used up", retry_after_seconds=_pause(answer))
    if status == 413 or "too_large" in said or "too large" in said:
        raise TooLarge("GitHub takes no files of this size")
    if status in _MEANINGS:
        raise _MEANINGS[status]()
    if status == 422 and "sha" in said:
        raise Conflict("The file is there already")
    if status >= 500:
        raise TryAgain(f"GitHub answers {status}", retry_after_seconds=5)
    raise Unavailable(f"GitHub answers {status}")


_MEANINGS: dict[int, Callable[[], LibraryError]] = {
    401: lambda: StoreRefused("GitHub does not accept the token"),
    403: lambda: StoreRefused("The token may not do this"),
    404: NotFound,
    409: lambda: TryAgain("The branch has changed meanwhile", retry_after_seconds=1),
}


def _is_rate_limit(answer: Answer, said: str) -> bool:
    used_up = answer.headers.get("x-ratelimit-remaining") == "0"
    return answer.status == 429 or used_up or "retry-after" in answer.headers or "rate limit" in said


def _pause(answer: Answer) -> int:
    """Seconds that GitHub asks to wait, between one second and an hour."""
    after, reset = answer.headers.get("retry-after", ""), answer.headers.get("x-ratelimit-reset", "")
    seconds = int(after) if after.isdigit() else int(reset) - int(time.time()) if reset.isdigit() else 60
    return min(max(seconds, 1), 3600)


def _body(head: bytes, content: Path | bytes, tail: bytes) -> Iterator[bytes]:
    """A JSON document with the content in base64, never whole in memory."""
    yield head
    if isinstance(content, bytes):
        yield base64.b64encode(content)
    else:
        with content.open("rb") as file:
            while piece := file.read(_PIECE_BYTES):
                yield base64.b64encode(piece)
    yield tail


def _part(pieces: Iterator[bytes], start: int, end: int | None) -> Iterator[bytes]:
    """Bytes `start` to `end` of a body that came whole."""
    at = 0
    for piece in pieces:
        wanted = piece[max(start - at, 0) : None if end is None else max(end - at, 0)]
        at += len(piece)
        if wanted:
            yield wanted
        if end is not None and at >= end:
            return
