"""The protocol's server: tools, resources, and how it runs: stateless, one JSON answer for one request."""

import asyncio
from typing import Any

from mcp.server import MCPServer
from mcp.server.transport_security import TransportSecuritySettings

from mediatheque import __version__
from mediatheque.core.library import Library
from mediatheque.surfaces.http import AsgiApp
from mediatheque.surfaces.mcp import artifact_tools, file_tools, resources

BODY_LIMIT_BYTES = 32 << 20
INSTRUCTIONS = """\
Mediatheque is a library of files (pictures, documents, videos) and of rooms in which people and models write \
documents together, called artifacts.
Artifacts: start with list_rooms, then list_artifacts or create_artifact. Change a long artifact with patch_artifact, \
whose old_text must be in it exactly once; use update_artifact to write it anew. Every change is a version and none is \
ever lost: diff_artifact compares two, revert_artifact brings an earlier one back. Pass expected_version so that you \
never overwrite what somebody else wrote meanwhile.
Files: search_files finds them and says why, get_file tells all that is known of one, view_image shows it. Refer to a \
file in an artifact as asset:{file_id}.
Bytes never travel in arguments: begin_upload answers a URL for an HTTP PUT, confirm_upload makes the file."""


def make(library: Library) -> "MCPServer[Any]":
    """All tools and resources over this library."""
    server: MCPServer[Any] = MCPServer(
        "mediatheque", title="Mediatheque", version=__version__, instructions=INSTRUCTIONS, log_level="WARNING"
    )
    artifact_tools.add(server, library)
    file_tools.add(server, library)
    resources.add(server, library)
    return server


async def run(library: Library, started: "asyncio.Future[AsgiApp]") -> None:
    """Until the task is cancelled. Hosts and origins are anybody's: nothing is answered without a Bearer credential,
    which no page of another origin can make a browser send."""
    server = make(library)
    app = server.streamable_http_app(
        json_response=True,
        stateless_http=True,
        max_request_body_size=BODY_LIMIT_BYTES,
        transport_security=TransportSecuritySettings(enable_dns_rebinding_protection=False),
    )
    async with server.session_manager.run():
        started.set_result(app)
        await asyncio.Event().wait()
