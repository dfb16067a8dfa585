"""Tools over rooms and artifacts (contract, 10); `create_artifact` and `update_artifact` as in running.md."""

from typing import Annotated, Any, Literal
from uuid import UUID

from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from pydantic import BaseModel, Field

from mediatheque.authoring import Artifact, ArtifactKind, Room
from mediatheque.core.artifacts import Reading
from mediatheque.core.edits import Edit
from mediatheque.core.library import Library
from mediatheque.core.wording import Change, Editing, NewArtifact, Reverting
from mediatheque.surfaces.mcp.answering import ADDING, CHANGING, READING, answered, entered

ROOM_PREFIX = "room-"
READ, WRITE = "artifacts.read", "artifacts.write"

RoomId = Annotated[str, Field(description="As list_rooms answers it: room-…")]
ArtifactId = Annotated[str, Field(description="As list_artifacts answers it")]
Number = Annotated[int, Field(ge=1, le=2**31 - 1)]
Expected = Annotated[
    Number | None, Field(description="The version that you read: refused when it is not the newest any more")
]
Limit = Annotated[int, Field(ge=1, le=200)]
Offset = Annotated[int, Field(ge=0, le=10_000_000)]


class TextEdit(BaseModel):
    """`old_text` becomes `new_text`: it must be in the content exactly once, or `replace_all` be set."""

    old_text: str
    new_text: str
    replace_all: bool = False


def add(server: "MCPServer[Any]", library: Library) -> None:
    _reading(server, library)
    _writing(server, library)


def _reading(server: "MCPServer[Any]", library: Library) -> None:
    authoring = library.authoring

    @server.tool(title="List rooms", annotations=READING)
    async def list_rooms(ctx: Context[Any, Any], limit: Limit = 50, offset: Offset = 0) -> dict[str, Any]:
        """Your rooms, newest first; an administrator sees those of others too, and can use only rooms it is in.

        Artifacts are written in rooms that are open.
        """
        page = await answered(authoring.rooms.page, entered(ctx, READ), skip=offset, limit=limit)
        return {"rooms": [_room(it) for it in page.rooms], "total": page.total}

    @server.tool(title="List artifacts", annotations=READING)
    async def list_artifacts(
        ctx: Context[Any, Any], room_id: RoomId, limit: Limit = 50, offset: Offset = 0
    ) -> dict[str, Any]:
        """The documents of a room, without their content, the most recently changed first."""
        page = await answered(
            authoring.artifacts.page, entered(ctx, READ), room_uuid(room_id), skip=offset, limit=limit
        )
        return {"artifacts": [_artifact(it) for it in page.artifacts], "total": page.total}

    @server.tool(title="Read artifact", annotations=READING)
    async def read_artifact(
        ctx: Context[Any, Any], room_id: RoomId, artifact_id: ArtifactId, version: Number | None = None
    ) -> dict[str, Any]:
        """The content of a document: the newest, or that of one version."""
        it = await answered(
            authoring.artifacts.read, entered(ctx, READ), room_uuid(room_id), artifact_uuid(artifact_id), version
        )
        return _whole(it)

    @server.tool(title="Compare versions", annotations=READING)
    async def diff_artifact(
        ctx: Context[Any, Any], room_id: RoomId, artifact_id: ArtifactId, from_version: Number, to_version: Number
    ) -> dict[str, Any]:
        """What one version says otherwise than another, as a unified diff."""
        it = await answered(
            authoring.artifacts.compare, entered(ctx, READ), room_uuid(room_id), artifact_uuid(artifact_id),
            from_version, to_version,
        )  # fmt: skip
        return {"from_version": from_version, "to_version": to_version, "added_lines": it.added_lines,
                "removed_lines": it.removed_lines, "diff": it.unified}  # fmt: skip


def _writing(server: "MCPServer[Any]", library: Library) -> None:
    artifacts = library.authoring.artifacts

    @server.tool(title="Create artifact", annotations=ADDING)
    async def create_artifact(
        ctx: Context[Any, Any],
        room_id: RoomId,
        title: str,
        content: str,
        kind: Literal["code", "markdown", "json"] = "markdown",
        language: str | None = None,
    ) -> dict[str, Any]:
        """A new document in a room; `language` is that of code."""
        new = NewArtifact(title, content, ArtifactKind(kind), language)
        it = await answered(artifacts.create, entered(ctx, WRITE), room_uuid(room_id), lambda: new)
        return _result(it)

    @server.tool(title="Update artifact", annotations=CHANGING)
    async def update_artifact(
        ctx: Context[Any, Any],
        room_id: RoomId,
        artifact_id: ArtifactId,
        title: str | None = None,
        content: str | None = None,
        change_description: str | None = None,
        expected_version: Expected = None,
    ) -> dict[str, Any]:
        """Write a document anew, as its next version; what is left out stays."""
        change = Change(title, content, change_description, expected_version)
        it = await answered(
            artifacts.put, entered(ctx, WRITE), room_uuid(room_id), artifact_uuid(artifact_id), lambda: change
        )
        return _result(it.artifact)

    @server.tool(title="Edit artifact", annotations=CHANGING)
    async def patch_artifact(
        ctx: Context[Any, Any],
        room_id: RoomId,
        artifact_id: ArtifactId,
        edits: list[TextEdit],
        change_description: str | None = None,
        expected_version: Expected = None,
    ) -> dict[str, Any]:
        """Replace parts of a document: edits are made one after another, all of them or none."""
        made = [Edit(it.old_text, it.new_text, it.replace_all) for it in edits]
        editing = Editing(made, None, change_description, expected_version)
        it = await answered(
            artifacts.edit, entered(ctx, WRITE), room_uuid(room_id), artifact_uuid(artifact_id), lambda: editing
        )
        return _result(it.artifact)

    @server.tool(title="Revert artifact", annotations=CHANGING)
    async def revert_artifact(
        ctx: Context[Any, Any],
        room_id: RoomId,
        artifact_id: ArtifactId,
        version: Number,
        expected_version: Expected = None,
    ) -> dict[str, Any]:
        """Make a new version that says what an earlier one said."""
        reverting = Reverting(version, expected_version)
        it = await answered(
            artifacts.revert, entered(ctx, WRITE), room_uuid(room_id), artifact_uuid(artifact_id), lambda: reverting
        )
        return _result(it.artifact)


def room_uuid(text: str) -> UUID | None:
    return artifact_uuid(text.removeprefix(ROOM_PREFIX)) if text.startswith(ROOM_PREFIX) else None


def artifact_uuid(text: str) -> UUID | None:
    """None for what is no id: it is absent, and core says so when its turn comes."""
    try:
        return UUID(text)
    except ValueError:
        return None


def _room(it: Room) -> dict[str, Any]:
    return {"room_id": f"{ROOM_PREFIX}{it.uuid}", "name": it.name, "state": it.state,
            "artifact_read_power": it.artifact_read_power, "artifact_write_power": it.artifact_write_power}  # fmt: skip


def _artifact(it: Artifact) -> dict[str, Any]:
    return {"artifact_id": str(it.uuid), "title": it.title, "kind": it.kind, "language": it.language,
            "version": it.version, "editor_id": str(it.editor_uuid), "change_description": it.change_description,
            "size_bytes": it.size_bytes, "updated_at": it.updated_at.strftime("%Y-%m-%dT%H:%M:%SZ")}  # fmt: skip


def _whole(it: Reading) -> dict[str, Any]:
    files = [{"file_id": str(one.uuid), "filename": one.filename} for one in it.references.assets.values()]
    return {"artifact_id": str(it.artifact.uuid), "title": it.version.title, "kind": it.artifact.kind,
            "language": it.artifact.language, "version": it.version.version, "newest_version": it.artifact.version,
            "content": it.content, "files": files}  # fmt: skip


def _result(it: Artifact) -> dict[str, Any]:
    return {"artifact_id": str(it.uuid), "version": it.version, "title": it.title}
