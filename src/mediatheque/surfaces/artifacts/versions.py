"""An artifact's history: listed, read, compared and exported as files (contract, 4.2)."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response

from mediatheque.authoring import Artifact, ArtifactKind
from mediatheque.core.library import Library
from mediatheque.surfaces.artifacts import shapes
from mediatheque.surfaces.artifacts.bodies import room_uuid, uuid_in
from mediatheque.surfaces.artifacts.errors import ERRORS
from mediatheque.surfaces.artifacts.rooms import USUAL_LIMIT, Limit, Offset
from mediatheque.surfaces.artifacts.shapes import DiffObject, Many, One, VersionItem, VersionObject, many
from mediatheque.surfaces.headers import MEDIA
from mediatheque.surfaces.http import Door, actor_of, in_thread, json_response, scope
from mediatheque.surfaces.signed import attachment

SANDBOX = dict(MEDIA)[b"content-security-policy"].decode()
EXTENSIONS = {
    "python": ".py", "javascript": ".js", "typescript": ".ts", "html": ".html", "css": ".css", "json": ".json",
    "yaml": ".yaml", "toml": ".toml", "sql": ".sql", "bash": ".sh", "shell": ".sh", "go": ".go", "rust": ".rs",
    "java": ".java", "kotlin": ".kt", "swift": ".swift", "c": ".c", "cpp": ".cpp", "csharp": ".cs", "ruby": ".rb",
    "php": ".php", "xml": ".xml", "markdown": ".md",
}  # fmt: skip
"""Of exported code, by its language."""


def routes(library: Library) -> APIRouter:
    router = APIRouter(
        route_class=Door, prefix="/v1/rooms/{room_id}/artifacts/{artifact_id}", tags=["artifacts"], responses=ERRORS
    )
    artifacts = library.authoring.artifacts

    @router.get("/versions", response_model=Many[VersionItem])
    @scope("artifacts.read")
    async def list_versions(
        request: Request, room_id: str, artifact_id: str, limit: Limit = USUAL_LIMIT, offset: Offset = 0
    ) -> Response:
        """Newest first."""
        page = await in_thread(
            artifacts.versions,
            actor_of(request),
            room_uuid(room_id),
            uuid_in(artifact_id),
            skip=offset,
            limit=limit,
        )
        return json_response(many([shapes.version_item(it) for it in page.versions], page.total, limit, offset))

    @router.get("/versions/{version}", response_model=One[VersionObject])
    @scope("artifacts.read")
    async def read_version(
        request: Request, room_id: str, artifact_id: str, version: int, resolve: bool = False
    ) -> Response:
        """One version with its content."""
        it = await in_thread(artifacts.read, actor_of(request), room_uuid(room_id), uuid_in(artifact_id), version)
        return json_response(One(data=shapes.version(library, it, is_resolved=resolve)))

    @router.get("/versions/{first}..{second}/diff", response_model=One[DiffObject])
    @scope("artifacts.read")
    async def compare_versions(
        request: Request,
        room_id: str,
        artifact_id: str,
        first: int,
        second: int,
        form: Annotated[Literal["json", "unified"], Query(alias="format")] = "json",
    ) -> Response:
        """What the second says otherwise than the first; `format=unified` is the bare text that `patch` takes."""
        it = await in_thread(
            artifacts.compare, actor_of(request), room_uuid(room_id), uuid_in(artifact_id), first, second
        )
        if form == "unified":
            return Response(it.unified, media_type="text/plain; charset=utf-8")
        return json_response(One(data=shapes.diff(it, first, second)))

    @router.get("/export", response_class=Response, responses={200: {"content": {"text/markdown": {}}}})
    @scope("artifacts.read")
    async def export_artifact(
        request: Request,
        room_id: str,
        artifact_id: str,
        version: Annotated[int | None, Query(ge=1, le=2**31 - 1)] = None,
        resolve: bool = False,
    ) -> Response:
        """The content as a file to save."""
        it = await in_thread(artifacts.read, actor_of(request), room_uuid(room_id), uuid_in(artifact_id), version)
        name = f"{it.version.title[:200]}{_extension(it.artifact)}"
        headers = {"Content-Disposition": attachment(name).decode(), "Content-Security-Policy": SANDBOX}
        content = shapes.content_of(library, it, is_resolved=resolve)
        return Response(content, headers=headers, media_type=_MEDIA_TYPES[it.artifact.kind])

    return router


def _extension(it: Artifact) -> str:
    if it.kind is ArtifactKind.CODE:
        return EXTENSIONS.get((it.language or "").lower(), ".txt")
    return ".json" if it.kind is ArtifactKind.JSON else ".md"


_MEDIA_TYPES = {
    ArtifactKind.CODE: "text/plain; charset=utf-8",
    ArtifactKind.MARKDOWN: "text/markdown; charset=utf-8",
    ArtifactKind.JSON: "application/json",
}
"""Never one that a browser would run."""
