"""Tools over the library's files: found, told, shown, and brought in without their bytes in arguments."""

import base64
from dataclasses import replace
from typing import Annotated, Any, Literal
from uuid import UUID

from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import ImageContent, TextContent
from pydantic import Field

from mediatheque.core.arrivals import Wishes
from mediatheque.core.library import Library
from mediatheque.core.portraits import Portrait
from mediatheque.core.reasons import Reason
from mediatheque.errors import LibraryError
from mediatheque.filing import FileFilter, Order
from mediatheque.model import Terms
from mediatheque.surfaces.http import polled
from mediatheque.surfaces.mcp.answering import (
    ADDING,
    FETCHING,
    READING,
    SETTLING,
    answered,
    entered,
    file_uuid,
    refusal,
)
from mediatheque.surfaces.mcp.artifact_tools import Limit, Offset
from mediatheque.surfaces.signed import put_url, signed_url

READ, WRITE = "files.read", "files.write"
CONFIRMING_SECONDS = 60
MAX_TEXT_CHARS = 20_000
"""Of one text in an answer."""
SIZES = {"small": ("small_256",), "medium": ("medium_750", "small_256"), "large": ("large_1024", "medium_750")}

TERMS = Terms(
    surface="mcp",
    media_types=frozenset(
        {
            "image/jpeg", "image/png", "image/webp", "image/gif", "application/pdf", "text/plain", "text/markdown",
            "text/html", "text/csv", "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            "application/vnd.openxmlformats-officedocument.presentationml.presentation",
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        }
    ),
    kinds=frozenset({"image", "document", "video", "audio", "link"}),
    max_bytes=50 * 1024 * 1024,
    is_public=False,
    shows_failed=True,
)  # fmt: skip
"""What `begin_upload` takes."""
LINKS = replace(TERMS, media_types=frozenset(), takes_all_of=frozenset({"link"}), max_bytes=8192, max_title_chars=500)
"""Of `save_link`."""

FileId = Annotated[str, Field(description="As search_files answers it")]


def add(server: "MCPServer[Any]", library: Library) -> None:
    _looking(server, library)
    _uploading(server, library)
    _saving(server, library)


def _looking(server: "MCPServer[Any]", library: Library) -> None:
    @server.tool(title="Search files", annotations=READING)
    async def search_files(
        ctx: Context[Any, Any],
        query: Annotated[str, Field(max_length=1000)] = "",
        kind: Literal["image", "document", "video", "audio", "link"] | None = None,
        folder_id: str | None = None,
        limit: Limit = 20,
        offset: Offset = 0,
    ) -> dict[str, Any]:
        """Files that the query is about, by their words and by what they mean, the best first; `reasons` say why.

        Without a query, the newest files.
        """
        actor = entered(ctx, READ)
        narrow = FileFilter(kinds=frozenset({kind}) if kind else frozenset(), folder_id=folder_id)
        if not query.strip():
            page = await answered(library.files.page, actor, narrow, Order(), skip=offset, limit=limit)
            return {"files": [_told(it) for it in page.files], "total": page.total}
        found = await answered(library.searching.search, actor, query, filters=narrow, skip=offset, limit=limit)
        files = [_told(it.file) | {"reasons": [_reason(one) for one in it.reasons]} for it in found.hits]
        return {"files": files, "total": found.total, "searched_by": found.by, "note": found.note}

    @server.tool(title="Get file", annotations=READING)
    async def get_file(ctx: Context[Any, Any], file_id: FileId) -> dict[str, Any]:
        """All that is known of a file: its facts, what was found out about it, and a URL of its bytes for an hour."""
        return described(library, await answered(library.files.detail, entered(ctx, READ), file_id))

    @server.tool(title="View image", annotations=READING, structured_output=False)
    async def view_image(
        ctx: Context[Any, Any], file_id: FileId, size: Literal["small", "medium", "large"] = "medium"
    ) -> list[TextContent | ImageContent]:
        """See a picture, or the first page of a PDF or a frame of a video: 256, 750 or 1024 pixels wide or high."""
        served, data = await answered(library.media.picture, entered(ctx, READ), file_uuid(file_id), SIZES[size])
        told = TextContent(type="text", text=f"{served.filename} ({file_id})")
        image = ImageContent(type="image", data=base64.b64encode(data).decode(), mime_type=served.media_type)
        return [told, image]

    @server.tool(title="List folders", annotations=READING)
    async def list_folders(ctx: Context[Any, Any]) -> dict[str, Any]:
        """The tree of folders, each with its path and the number of files directly in it."""
        found = await answered(library.tree.all, entered(ctx, READ))
        return {
            "folders": [{"folder_id": str(it.folder.uuid), "path": it.folder.path, "files": it.files} for it in found]
        }


def _uploading(server: "MCPServer[Any]", library: Library) -> None:
    @server.tool(title="Begin upload", annotations=ADDING)
    async def begin_upload(
        ctx: Context[Any, Any],
        filename: str,
        media_type: Annotated[str, Field(description="Like image/png or application/pdf")],
        size_bytes: Annotated[int, Field(ge=1, le=TERMS.max_bytes)],
        title: str | None = None,
        tags: list[str] | None = None,
    ) -> dict[str, Any]:
        """A URL to which the bytes of one file are sent by HTTP PUT within the hour, without a credential.

        Afterwards call confirm_upload.
        """
        made = await answered(
            library.presigning.promise, entered(ctx, WRITE), TERMS, Wishes(title=title, tags=tuple(tags or ())),
            filename=filename, media_type=media_type, size_bytes=size_bytes,
        )  # fmt: skip
        return {"file_id": str(made.uuid), "upload_url": put_url(library, made), "method": "PUT",
                "headers": {"Content-Type": made.media_type},
                "expires_at": made.expires_at.strftime("%Y-%m-%dT%H:%M:%SZ")}  # fmt: skip

    @server.tool(title="Confirm upload", annotations=SETTLING)
    async def confirm_upload(ctx: Context[Any, Any], file_id: FileId) -> dict[str, Any]:
        """The bytes have been sent: make them a file of the library. Asking again does no harm."""
        actor, uuid = entered(ctx, WRITE), file_uuid(file_id, "upload")
        try:
            made = await polled(lambda: library.presigning.confirm(actor, uuid), CONFIRMING_SECONDS)
        except LibraryError as error:
            raise refusal(error) from error
        if made is None:
            raise ToolError("conflict: The upload is being confirmed. Try again in a few seconds.")
        return {"file_id": str(made.uuid), "confirmed": True}


def _saving(server: "MCPServer[Any]", library: Library) -> None:
    @server.tool(title="Save link", annotations=FETCHING)
    async def save_link(
        ctx: Context[Any, Any],
        url: Annotated[str, Field(max_length=2048, description="http or https")],
        title: str | None = None,
        tags: list[str] | None = None,
        folder_id: UUID | None = None,
    ) -> dict[str, Any]:
        """Save a link to a page. Its title, text and pictures are fetched later: get_file tells how that went."""
        saved = await answered(
            library.links.save, entered(ctx, WRITE), LINKS, url, title=title, tags=tuple(tags or ()),
            folder_id=folder_id,
        )  # fmt: skip
        return {"file_id": str(saved.asset.uuid), "is_duplicate": saved.is_duplicate}


def described(library: Library, it: Portrait) -> dict[str, Any]:
    """A file as a model is told of it."""
    asset, blob = it.asset, it.asset.blob
    findings = {kind: _shortened(finding.value) for kind, finding in it.found.items()}
    is_there = asset.state != "failed"
    return _told(it) | {
        "size_bytes": blob.size_bytes, "width": blob.width, "height": blob.height, "alt_text": asset.alt_text,
        "state": asset.state, "findings": findings, "text": (it.visible_text or "")[:MAX_TEXT_CHARS] or None,
        "url": signed_url(library, asset) if is_there else None,
    }  # fmt: skip


def _reason(why: Reason) -> dict[str, Any]:
    told = {"by": why.by, "field": why.field, "excerpt": why.snippet, "pages": list(why.page_numbers) or None,
            "start_seconds": why.start_seconds, "similarity": why.similarity}  # fmt: skip
    return {name: value for name, value in told.items() if value is not None}


def _told(it: Portrait) -> dict[str, Any]:
    asset = it.asset
    return {"file_id": str(asset.uuid), "kind": asset.kind, "filename": asset.original_filename, "title": asset.title,
            "media_type": asset.blob.media_type, "folder": asset.folder, "tags": list(asset.tags),
            "description": it.description, "created_at": asset.created_at.strftime("%Y-%m-%dT%H:%M:%SZ")}  # fmt: skip


def _shortened(value: Any) -> Any:
    if isinstance(value, str):
        return value[:MAX_TEXT_CHARS]
    if isinstance(value, dict):
        return {name: _shortened(one) for name, one in value.items()}
    return [_shortened(one) for one in value[:100]] if isinstance(value, list) else value
