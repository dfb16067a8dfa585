"""What every tool does alike: who asks, what they may, the one call of core, and refusals that a model can act on."""

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar
from uuid import UUID

from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import ToolAnnotations

from mediatheque.core.access import require
from mediatheque.errors import Invalid, LibraryError, NotFound
from mediatheque.model import Actor
from mediatheque.surfaces.http import in_thread

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

READING = ToolAnnotations(read_only_hint=True, open_world_hint=False)
ADDING = ToolAnnotations(read_only_hint=False, destructive_hint=False, open_world_hint=False)
FETCHING = ToolAnnotations(read_only_hint=False, destructive_hint=False, open_world_hint=True)
"""Adds what is then fetched from somebody else's server."""
CHANGING = ToolAnnotations(read_only_hint=False, destructive_hint=True, open_world_hint=False)
"""Replaces what people see; the versions before stay in the history."""
SETTLING = ToolAnnotations(read_only_hint=False, destructive_hint=False, idempotent_hint=True, open_world_hint=False)

_ADVICE = {
    ("room", "not_found"): "Call list_rooms for the rooms that you can use.",
    ("artifact", "not_found"): "Call list_artifacts for the artifacts of the room.",
    ("version", "not_found"): "Call read_artifact for the newest version's number.",
    ("asset", "not_found"): "Call search_files for files and their ids.",
    ("upload", "not_found"): "Call begin_upload, and confirm the file_id that it answers.",
    ("folder", "not_found"): "Call list_folders for folders and their ids.",
    ("", "forbidden"): "Another call will not help: ask whoever gave you the key, or an administrator of the room.",
    ("", "not_member"): "Only members may use a room: call list_rooms for yours, or ask for an invitation.",
    ("", "room_frozen"): "Use another room, or ask for this one to be opened again.",
    ("", "stale_version"): "Somebody else was faster: call read_artifact, and make your change on what it says now.",
    ("", "edit_not_found"): "Nothing was changed. Call read_artifact and copy the text exactly.",
    ("", "edit_ambiguous"): "Nothing was changed.",
    ("", "rate_limited"): "Wait a minute before the next call.",
    ("", "unavailable"): "Try again in a few seconds.",
    ("", "too_large"): "Use less content, or several artifacts.",
}


def entered(context: "Context[Any, Any]", scope: str) -> Actor:
    """Who calls; raises `ToolError` unless the credential holds the scope."""
    request = context.request_context.request
    assert request is not None
    actor: Actor = request.scope["state"]["actor"]
    try:
        require(actor, scope)
    except LibraryError as error:
        raise refusal(error) from error
    return actor


async def answered(act: Callable[Parameters, Result], *args: Parameters.args, **named: Parameters.kwargs) -> Result:
    """The call of core, in a thread; what it refuses is told in words for a model."""
    try:
        return await in_thread(act, *args, **named)
    except LibraryError as error:
        raise refusal(error) from error


def refusal(error: LibraryError) -> ToolError:
    place = f"{'.'.join(error.field)}: " if isinstance(error, Invalid) and error.field else ""
    advice = _ADVICE.get((error.subject, error.code)) or _ADVICE.get(("", error.code)) or ""
    return ToolError(f"{error.code}: {place}{error.message}. {advice}".replace("..", ".").strip())


def file_uuid(text: str, subject: str = "asset") -> UUID:
    """Raises `ToolError` for what is no file's id, or no upload's."""
    try:
        return UUID(text)
    except ValueError:
        raise refusal(NotFound("file_id is not an id").about(subject)) from None
