"""A branch of a GitHub repository as a store: every object a file, every change a commit (contract, "github-repo")."""

import base64
import hashlib
import random
import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, Field

from mediatheque.clients.fetch import Fetch, FetchFailed
from mediatheque.clients.github import Branch, RateLimited, TryAgain
from mediatheque.errors import Conflict, Invalid, NotFound, Unavailable, file_meanings
from mediatheque.ports import Capabilities, Entry, Opening, Provider, Store, StoredObject, StoreType
from mediatheque.stores.circuit import Circuit
from mediatheque.stores.leftovers import STAGING, is_leftover
from mediatheque.stores.schema import BaseUrl

PIECE_BYTES = 1 << 20
TRIES = 5
MAX_MESSAGE_CHARS = 1000
MAX_REST_SECONDS = 60.0
_REMEMBERED = 16
_REMEMBER_SECONDS = 5.0

Result = TypeVar("Result")


class GitHubStore:
    """Objects below `key_prefix` in a branch. Commits of one process come one after another, as GitHub asks for."""

    def __init__(
        self, branch: Branch, staging: Path, *, name: str, base_path: str, is_public: bool, may_delete: bool,
        has_token: bool, turn: threading.Lock,
    ) -> None:  # fmt: skip
        self.name = name
        self.staging = staging
        self.key_prefix = f"{base_path}/" if base_path else ""
        self._branch = branch
        self._is_public = is_public
        self._may_delete = may_delete
        self._has_token = has_token
        self._turn = turn
        self._circuit = Circuit("github")
        self._looked: OrderedDict[str, tuple[float, dict[str, Any]]] = OrderedDict()
        with file_meanings():
            staging.mkdir(parents=True, exist_ok=True)

    def put(self, staged: Path, key: str, *, message: str | None = None) -> None:
        """Commit the file. After trouble, a file with the same content at the same path counts as done."""
        _checked(key)
        sha = _blob_sha(staged)
        commit = _message(message, "upload", key)

        def write(attempt: int) -> None:
            found = self._file_or_none(key) if attempt else None
            if found is None or found["sha"] != sha:
                self._branch.write(key, staged, message=commit, sha=None)

        with self._asking():
            try:
                self._persist(write)
            except Conflict:
                found = self._file_or_none(key)
                if found is None or found["sha"] != sha:
                    raise
            except NotFound:
                raise Unavailable("The repository or the branch does not exist, or the token may not see it") from None
        with file_meanings():
            staged.unlink(missing_ok=True)

    def open(self, key: str, *, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        _checked(key)
        if end is not None and end <= start:
            return
        if not self._has_token:
            yield from self._branch.read(self._branch.public_url(key), start=start, end=end)
            return
        found = self._file(key)
        if found.get("encoding") == "base64" and (found["content"] or not found["size"]):
            content = base64.b64decode(found["content"])[start:end]
            for at in range(0, len(content), PIECE_BYTES):
                yield content[at : at + PIECE_BYTES]
        elif start < found["size"]:
            yield from self._branch.read(found["download_url"], start=start, end=end)

    def size(self, key: str) -> int:
        return int(self._file(_checked(key))["size"])

    def delete(self, key: str, *, message: str | None = None) -> None:
        """Commit the removal, where the profile lets us; the repository's history keeps the file in any case."""
        if is_leftover(key) or not self._may_delete:
            return
        commit = _message(message, "delete", _checked(key))

        def remove(_: int) -> None:
            found = self._file_or_none(key)
            if found is not None:
                self._branch.remove(key, message=commit, sha=found["sha"])

        with self._asking():
            self._persist(remove)

    def list(self, prefix: str = "") -> Iterator[StoredObject]:
        """The time is that of the branch's last commit: no file is younger, and GitHub tells no more at this price."""
        with self._asking():
            try:
                changed, files = self._branch.files()
            except TryAgain as error:
                raise Unavailable(error.message) from error
        modified_at = datetime.fromisoformat(changed).astimezone(UTC)
        for it in files:
            if it["path"].startswith(self.key_prefix) and it["path"].startswith(prefix):
                yield StoredObject(it["path"], it["size"], modified_at)

    def leftovers(self) -> Iterator[StoredObject]:
        return iter(())

    def path(self, key: str) -> Path | None:  # noqa: ARG002
        return None

    def public_url(self, key: str) -> str | None:
        return self._branch.public_url(key) if self._is_public else None

    def check(self) -> None:
        with self._asking():
            self._branch.check(needs_public=self._is_public)

    def entries(self, path: str, *, depth: int) -> Iterator[Entry]:
        folder = "/".join(part for part in (self.key_prefix.rstrip("/"), _relative(path)) if part)
        with self._asking():
            found = self._branch.look(folder)
        if isinstance(found, dict):
            raise NotFound("It is a file")
        for it in found:
            yield self._entry(it)
            if it["type"] == "dir" and depth > 1:
                yield from self.entries(it["path"].removeprefix(self.key_prefix), depth=depth - 1)

    def replace(
        self, path: str, content: bytes, *, message: str | None, expected_sha: str | None
    ) -> tuple[Entry, bool]:
        key = self.key_prefix + _relative(path)

        def write(_: int) -> tuple[Entry, bool]:
            found = self._file_or_none(key)
            if expected_sha and found is None:
                raise Conflict("The file is not there").about("missing_file")
            if expected_sha and found is not None and found["sha"] != expected_sha:
                raise Conflict("The file is not the expected one").about("file")
            commit = _message(message, "update" if found else "create", key)
            written = self._branch.write(key, content, message=commit, sha=found["sha"] if found else None)
            return self._entry({"type": "file", **written}), found is None

        with self._asking():
            return self._persist(write)

    def _entry(self, it: dict[str, Any]) -> Entry:
        is_folder = it["type"] == "dir"
        public_url = None if is_folder else self.public_url(it["path"])
        relative = it["path"].removeprefix(self.key_prefix)
        return Entry(it["name"], relative, is_folder, None if is_folder else it["size"], it["sha"], public_url)

    def _persist(self, act: Callable[[int], Result]) -> Result:
        """Act in turn, and again while GitHub is busy or nobody knows whether it took."""
        for attempt in range(TRIES):
            try:
                with self._turn:
                    self._looked.clear()
                    return act(attempt)
            except TryAgain:
                if attempt == TRIES - 1:
                    raise
                time.sleep(random.uniform(0.5, 1) * 0.2 * 2**attempt)  # noqa: S311
        raise AssertionError

    def _file(self, key: str) -> dict[str, Any]:
        """GitHub's object of a file, remembered for a moment: what asks for a size mostly reads next."""
        expires, found = self._looked.get(key, (0.0, {}))
        if expires > time.monotonic():
            return found
        with self._asking():
            found = self._file_or_none(key) or {}
        if not found:
            raise NotFound
        self._looked[key] = time.monotonic() + _REMEMBER_SECONDS, found
        while len(self._looked) > _REMEMBERED:
            self._looked.popitem(last=False)
        return found

    def _file_or_none(self, key: str) -> dict[str, Any] | None:
        try:
            found = self._branch.look(key)
        except NotFound:
            return None
        return found if isinstance(found, dict) and found.get("type") == "file" else None

    @contextmanager
    def _asking(self) -> Iterator[None]:
        with self._circuit.guarded():
            try:
                yield
            except RateLimited as error:
                pause = min(float(error.retry_after_seconds or 1), MAX_REST_SECONDS)
                self._circuit.rest(pause, error.message)
                raise


_turns: dict[tuple[str, ...], threading.Lock] = {}


def _turn(*branch: str) -> threading.Lock:
    """One lock for each branch, whichever profile writes to it, also when several ask for it for the first time."""
    return _turns.setdefault(branch, threading.Lock())


def _blob_sha(file: Path) -> str:
    """The name that git gives to these bytes."""
    with file_meanings():
        digest = hashlib.sha1(f"blob {file.stat().st_size}\0".encode(), usedforsecurity=False)
        with file.open("rb") as stream:
            while piece := stream.read(PIECE_BYTES):
                digest.update(piece)
    return digest.hexdigest()


def _message(given: str | None, operation: str, path: str) -> str:
    text = (given or "").replace("\0", "").strip()[:MAX_MESSAGE_CHARS]
    return text or f"chore(nekohub): {operation} {path}"


def _checked(key: str) -> str:
    if any(part in {"", ".", "..", STAGING, ".git"} for part in key.split("/")) or "\0" in key:
        raise NotFound
    return key


def _relative(path: str) -> str:
    """A path of a file or folder below the base path; raises `Invalid` for one that leads elsewhere."""
    trimmed = path.strip().strip("/")
    if trimmed and (any(part in {"", ".", "..", ".git"} for part in trimmed.split("/")) or _UNSAFE.search(trimmed)):
        raise Invalid("The path leads elsewhere", field=("path",), kind="invalid").about("file")
    return trimmed


_UNSAFE = re.compile(r"[\x00-\x1f\x7f\\]")


def _base_path(value: str) -> str:
    trimmed = value.strip().strip("/")
    if trimmed and (any(part in {"", ".", ".."} for part in trimmed.split("/")) or _UNSAFE.search(trimmed)):
        raise ValueError("a path without . and ..")
    return trimmed


class Configuration(BaseModel):
    """A profile's branch. Unless `allow_delete` is set to false, deleting an asset removes its file."""

    owner: str = Field(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9._-]+$")
    repository: str = Field(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9._-]+$")
    reference: str = Field(min_length=1, max_length=255, pattern=r"^[^\s\\\x00-\x1f\x7f~^:?*\[]+$")
    base_path: Annotated[str, Field(max_length=512), AfterValidator(_base_path)] = ""
    visibility_policy: Literal["public-only", "private-token"] = "public-only"
    api_base_url: BaseUrl = "https://api.github.com"
    raw_base_url: BaseUrl = "https://raw.githubusercontent.com"
    allow_delete: bool = True


class Secrets(BaseModel):
    token: str | None = Field(None, min_length=8, max_length=512, pattern=r"^[\x21-\x7e]+$")


def _check(opening: Opening) -> None:
    it = opening.configuration
    if it.visibility_policy == "private-token" and not opening.secrets.token:
        raise Invalid("Reading a private repository needs a token", field=("token",), kind="missing")
    fetch = Fetch(opening.reach)
    for field, url in (("api_base_url", it.api_base_url), ("raw_base_url", it.raw_base_url)):
        if url != Configuration.model_fields[field].default:
            try:
                fetch.check(url)
            except FetchFailed as error:
                raise Invalid(error.message, field=(field,), kind="invalid") from error


def _open(opening: Opening) -> Store:
    it = opening.configuration
    branch = Branch(
        Fetch(opening.reach), owner=it.owner, repository=it.repository, reference=it.reference,
        token=opening.secrets.token, api=it.api_base_url, raw=it.raw_base_url,
    )  # fmt: skip
    return GitHubStore(
        branch,
        opening.site.staging,
        name=opening.name,
        base_path=it.base_path,
        is_public=it.visibility_policy == "public-only",
        may_delete=it.allow_delete,
        has_token=bool(opening.secrets.token),
        turn=_turn(it.api_base_url, it.owner, it.repository, it.reference),
    )


STORE = StoreType(
    scheme=None,
    provider=Provider(
        kind="github-repo",
        capabilities=Capabilities(
            supports_visibility_toggle=False,
            supports_direct_public_url=True,
            requires_access_proxy=True,
            is_platform_backed=True,
            is_experimental=True,
            requires_token_for_private_read=True,
        ),
        secrets_go_to=("api_base_url",),
        configuration=Configuration,
        secrets=Secrets,
        open=_open,
        check=_check,
        can_write=lambda opening: bool(opening.secrets.token),
    ),
)
