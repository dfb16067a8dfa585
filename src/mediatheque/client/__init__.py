"""The Python client: `Client` waits, `AsyncClient` is awaited, both do the same. It needs none of the server's code.

from mediatheque.client import Client

with Client("http://127.0.0.1:8000", api_key="mt_live_…") as client:
    print(client.files.upload("photo.jpg").id)
"""

import os
from types import TracebackType
from typing import Any, Self

import httpx

from mediatheque.client.errors import (
    ApiError,
    BadRequest,
    Conflict,
    ConnectionFailed,
    Forbidden,
    Interrupted,
    MediathequeError,
    NotFound,
    RateLimited,
    Stale,
    StorageFull,
    TooLarge,
    Unauthorized,
    Unavailable,
)
from mediatheque.client.files import FileOperations
from mediatheque.client.models import (
    Artifact,
    Deletion,
    Difference,
    File,
    Folder,
    Found,
    Hit,
    Link,
    Match,
    Member,
    Room,
    Snapshot,
    Uploaded,
    Version,
)
from mediatheque.client.places import FolderOperations, LinkOperations
from mediatheque.client.shells import AsyncConnection, AsyncGroup, Connection, Group, Policy
from mediatheque.client.writing import ArtifactOperations, RoomOperations

__all__ = [
    "ApiError", "Artifact", "AsyncClient", "BadRequest", "Client", "Conflict", "ConnectionFailed", "Deletion",
    "Difference", "File", "Folder", "Forbidden", "Found", "Hit", "Interrupted", "Link", "Match", "MediathequeError",
    "Member", "NotFound", "RateLimited", "Room", "Snapshot", "Stale", "StorageFull", "TooLarge", "Unauthorized",
    "Unavailable", "Uploaded", "Version",
]  # fmt: skip

DEFAULT_URL = "http://127.0.0.1:8000"
RETRIES = 5
TIMEOUT = httpx.Timeout(60, connect=10)
"""Of a pause in an answer, not of the whole: large files take their time."""


class Files(FileOperations, Group):
    """Files, for a client that waits."""


class AsyncFiles(FileOperations, AsyncGroup):
    """Files, for a client that is awaited."""


class Folders(FolderOperations, Group):
    """Folders, for a client that waits."""


class AsyncFolders(FolderOperations, AsyncGroup):
    """Folders, for a client that is awaited."""


class Links(LinkOperations, Group):
    """Links, for a client that waits."""


class AsyncLinks(LinkOperations, AsyncGroup):
    """Links, for a client that is awaited."""


class Rooms(RoomOperations, Group):
    """Rooms, for a client that waits."""


class AsyncRooms(RoomOperations, AsyncGroup):
    """Rooms, for a client that is awaited."""


class Artifacts(ArtifactOperations, Group):
    """Artifacts, for a client that waits."""


class AsyncArtifacts(ArtifactOperations, AsyncGroup):
    """Artifacts, for a client that is awaited."""


class Client:
    """A library, over HTTP. Its methods wait, and may be called from several threads.

    `url` and `api_key` default to `MEDIATHEQUE_URL` and `MEDIATHEQUE_API_KEY`. A request that may do better in a moment
    is tried again, `retries` times at most.
    """

    def __init__(
        self,
        url: str | None = None,
        *,
        api_key: str | None = None,
        timeout: httpx.Timeout | float = TIMEOUT,
        retries: int = RETRIES,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._http = httpx.Client(**_options(url, api_key, timeout), transport=transport)
        connection = Connection(self._http, Policy(retries))
        self.files, self.folders, self.links = Files(connection), Folders(connection), Links(connection)
        self.rooms, self.artifacts = Rooms(connection), Artifacts(connection)

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class AsyncClient:
    """A library, over HTTP. What `Client` has, to be awaited; its lists are asynchronous iterators."""

    def __init__(
        self,
        url: str | None = None,
        *,
        api_key: str | None = None,
        timeout: httpx.Timeout | float = TIMEOUT,
        retries: int = RETRIES,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._http = httpx.AsyncClient(**_options(url, api_key, timeout), transport=transport)
        connection = AsyncConnection(self._http, Policy(retries))
        self.files, self.folders, self.links = AsyncFiles(connection), AsyncFolders(connection), AsyncLinks(connection)
        self.rooms, self.artifacts = AsyncRooms(connection), AsyncArtifacts(connection)

    async def close(self) -> None:
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


def _options(url: str | None, api_key: str | None, timeout: httpx.Timeout | float) -> dict[str, Any]:
    key = api_key or os.environ.get("MEDIATHEQUE_API_KEY", "")
    return {
        "base_url": url or os.environ.get("MEDIATHEQUE_URL") or DEFAULT_URL,
        "headers": {"Authorization": f"Bearer {key}"} if key else {},
        "timeout": timeout,
        "follow_redirects": True,
        "limits": httpx.Limits(max_connections=32, max_keepalive_connections=32),
    }
