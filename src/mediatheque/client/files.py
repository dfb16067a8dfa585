"""Files: sent, listed, searched, fetched, changed, deleted and brought back (`/api/v2`)."""

import io
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, Literal, TypedDict, Unpack

from mediatheque.client import sending
from mediatheque.client.models import Deletion, File, Found, Uploaded
from mediatheque.client.shells import listing, operation
from mediatheque.client.wire import Call, Fetch, Page, Plan, Progress, Sink, Source, given, one

FILES = "/api/v2/user-files"
PAGE_SIZE = 100

Kind = Literal["image", "document", "video", "audio", "link"]
Variant = Literal["original", "tiny_64", "small_256", "medium_750", "large_1024"]
Mode = Literal["words", "semantic", "hybrid"]
Content = Path | str | bytes | BinaryIO


class Changes(TypedDict, total=False):
    """What is left out stays; a title of None is cleared."""

    title: str | None
    tags: Sequence[str]


class FileOperations:
    """`client.files`."""

    @operation
    def upload(
        self,
        content: Content,
        *,
        name: str | None = None,
        title: str | None = None,
        tags: Sequence[str] = (),
        folder_id: str | None = None,
        auto_describe: bool | None = None,
        skip_duplicates: bool = False,
        progress: Progress | None = None,
        upload_id: str | None = None,
        on_begin: Callable[[str], None] | None = None,
    ) -> Plan[Uploaded]:
        """Send a file: its path, its bytes, or an open binary file.

        A large file goes on where it was when a connection breaks, also in another process: `on_begin` is told the
        id of the upload, and `upload_id` goes on with it; a small file is made once however often it is sent so.
        `skip_duplicates`: the library's own file, if it has one of these bytes. `progress(sent, total)` counts bytes.
        """
        source = Source.of(content, name)
        describe = None if auto_describe is None else str(auto_describe).lower()
        fields = given(title=title, tags=",".join(tags) or None, folder_id=folder_id, auto_describe=describe)
        return sending.upload(
            source, fields, progress=progress, skip_duplicates=skip_duplicates, upload_id=upload_id, on_begin=on_begin
        )

    @operation
    def get(self, file_id: str) -> Plan[File]:
        """One file, by its id or the first eight characters of it."""
        return one(Call("GET", f"{FILES}/{file_id}"), File.of)

    @listing
    def list(
        self,
        *,
        search: str | None = None,
        media_types: Sequence[Kind] = (),
        tags: Sequence[str] = (),
        folder_id: str | None = None,
        ids: Sequence[str] = (),
        date_from: datetime | None = None,
        date_to: datetime | None = None,
        sort_by: Literal["created_at", "content_created_at", "title", "size_bytes"] | None = None,
        sort_order: Literal["asc", "desc"] = "desc",
        deleted: bool = False,
        page_size: int = PAGE_SIZE,
    ) -> Fetch[File]:
        """Files that meet every condition, page by page as they are asked for; `deleted`: those in the trash."""
        params = {
            "search": search, "media_types": tuple(media_types), "tags": tuple(tags), "folder_id": folder_id,
            "ids": tuple(ids), "date_from": date_from, "date_to": date_to, "sort_by": sort_by,
            "sort_order": sort_order, "deleted": deleted or None, "limit": page_size,
        }  # fmt: skip
        return lambda offset: one(Call("GET", FILES, params={**params, "offset": offset}), _page)

    @operation
    def search(
        self,
        query: str,
        *,
        mode: Mode = "hybrid",
        media_types: Sequence[Kind] = (),
        tags: Sequence[str] = (),
        folder_id: str | None = None,
        limit: int = 20,
        offset: int = 0,
    ) -> Plan[Found]:
        """Files by their words, by what they mean, or both; each hit says why it is one."""
        body = {"query": query, "mode": mode, "media_types": [*media_types], "tags": [*tags], "limit": limit}
        body |= {"offset": offset} | given(folder_id=folder_id)
        return one(Call("POST", "/api/v2/search", json=body, repeats=True), Found.of)

    @operation
    def similar(self, file_id: str, *, limit: int = 20) -> Plan[Found]:
        """Files that are about the same."""
        return one(Call("GET", f"{FILES}/{file_id}/similar", params={"limit": limit}), Found.of)

    @operation
    def download(
        self, file_id: str, to: Path | str, *, variant: Variant | None = None, progress: Progress | None = None
    ) -> Plan[Path]:
        """Fetch a file, or a picture's size, to that path; the path exists only once everything is there."""
        with _arriving(Path(to)) as file:
            yield Call("GET", _bytes_of(file_id, variant), sink=Sink(file, progress))
        return Path(to)

    @operation
    def download_into(
        self, file_id: str, file: BinaryIO, *, variant: Variant | None = None, progress: Progress | None = None
    ) -> Plan[int]:
        """Fetch it into an open file that can be rewound; how many bytes that were."""
        sink = Sink(file, progress)
        yield Call("GET", _bytes_of(file_id, variant), sink=sink)
        return sink.written

    @operation
    def read(self, file_id: str, *, variant: Variant | None = None) -> Plan[bytes]:
        """The bytes of a file that fits into memory."""
        file = io.BytesIO()
        yield Call("GET", _bytes_of(file_id, variant), sink=Sink(file))
        return file.getvalue()

    @operation
    def make_variants(self, file_id: str) -> Plan[None]:
        """Have a picture's sizes made again."""
        yield Call("POST", f"{FILES}/{file_id}/trigger-variants", repeats=True)

    @operation
    def change(self, file_id: str, **changes: Unpack[Changes]) -> Plan[File]:
        """Set `title`, or `tags` (all of them)."""
        return one(Call("PATCH", f"{FILES}/{file_id}", json=changes, repeats=True), File.of)

    @operation
    def move(self, file_ids: Sequence[str], folder_id: str | None) -> Plan[int]:
        """Put files (100 at most) into a folder, or with None out of any; how many were moved."""
        body = {"file_ids": [*file_ids], "folder_id": folder_id}
        return one(Call("POST", "/api/v2/folders/move-files", json=body, repeats=True), int, within="moved")

    @operation
    def delete(self, file_id: str) -> Plan[None]:
        """Put a file into the trash."""
        yield Call("DELETE", f"{FILES}/{file_id}")

    @operation
    def delete_many(self, file_ids: Sequence[str]) -> Plan[Deletion]:
        """Put files (100 at most) into the trash."""
        return one(Call("POST", f"{FILES}/batch-delete", json={"file_ids": [*file_ids]}), Deletion.of)

    @operation
    def restore(self, file_id: str) -> Plan[File]:
        """Bring a file back from the trash."""
        return one(Call("POST", f"{FILES}/{file_id}/restore"), File.of)

    @operation
    def with_hashes(self, hashes: Sequence[str]) -> Plan[dict[str, str]]:
        """Which of these SHA-256 (250 at most) the library has, and the id of the file with each."""
        return sending.with_hashes([*hashes])


def _page(body: Any) -> Page[File]:
    return Page([File.of(it) for it in body["files"]], body["total_count"], body["has_more"])


def _bytes_of(file_id: str, variant: str | None) -> str:
    return f"{FILES}/{file_id}/variant/{variant}" if variant else f"{FILES}/{file_id}/download"


@contextmanager
def _arriving(to: Path) -> Iterator[BinaryIO]:
    """A file beside the path that takes its name in the end, and is gone if there is none."""
    part = to.with_name(f".{to.name}.{os.getpid()}.part")
    try:
        with part.open("w+b") as file:
            yield file
        part.replace(to)
    finally:
        part.unlink(missing_ok=True)
