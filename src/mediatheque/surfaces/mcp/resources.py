"""What clients can attach to a conversation: `mediatheque://asset/{id}`, `mediatheque://artifact/{room}/{id}`."""

import json
from collections.abc import Awaitable
from typing import Any, TypeVar

from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ResourceNotFoundError, ToolError

from mediatheque.core.library import Library
from mediatheque.surfaces.mcp import artifact_tools, file_tools
from mediatheque.surfaces.mcp.answering import answered, entered

Result = TypeVar("Result")


def add(server: "MCPServer[Any]", library: Library) -> None:
    @server.resource("mediatheque://asset/{file_id}", name="asset", title="A file", mime_type="application/json")
    async def asset(file_id: str, ctx: Context[Any, Any]) -> str:
        """What is known of a file of the library, as get_file tells it."""
        found = await _had(answered(library.files.detail, _reader(ctx, file_tools.READ), file_id))
        return json.dumps(file_tools.described(library, found))

    @server.resource(
        "mediatheque://artifact/{room_id}/{artifact_id}",
        name="artifact",
        title="An artifact",
        mime_type="text/markdown",
    )
    async def artifact(room_id: str, artifact_id: str, ctx: Context[Any, Any]) -> str:
        """The newest content of an artifact."""
        room, uuid = artifact_tools.room_uuid(room_id), artifact_tools.artifact_uuid(artifact_id)
        reading = library.authoring.artifacts.read
        return (await _had(answered(reading, _reader(ctx, artifact_tools.READ), room, uuid))).content


def _reader(ctx: "Context[Any, Any]", scope: str) -> Any:
    try:
        return entered(ctx, scope)
    except ToolError as error:
        raise ResourceNotFoundError(str(error)) from error


async def _had(answer: Awaitable[Result]) -> Result:
    try:
        return await answer
    except ToolError as error:
        raise ResourceNotFoundError(str(error)) from error
