"""What requests of this dialect ask for: JSON whatever their `Content-Type`, looked at last (contract, 4.1 and 4.2)."""

import hashlib
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal, TypeVar
from uuid import UUID

from fastapi import Request
from pydantic import BaseModel, Field, ValidationError

from mediatheque.authoring import ArtifactKind, RoomState
from mediatheque.core.edits import Edit
from mediatheque.core.shares import MAX_SECONDS, MIN_SECONDS, USUAL_SECONDS, NewShare
from mediatheque.core.wording import Change, Editing, NewArtifact, Reverting
from mediatheque.errors import Invalid
from mediatheque.surfaces.http import IDEMPOTENCY_KEY

BODY_LIMIT_BYTES = 32 << 20
"""Content of 10 MiB is up to three times that as JSON with every letter escaped."""
ROOM_PREFIX = "room-"

Model = TypeVar("Model", bound=BaseModel)
Thing = TypeVar("Thing")
Number = Annotated[int, Field(strict=True, ge=1)]
Power = Annotated[int, Field(strict=True, ge=0, le=100)]


class NewRoom(BaseModel):
    name: str


class RoomChanges(BaseModel):
    """What is left out stays."""

    name: str | None = None
    state: Literal["open", "archived", "closed"] | None = None
    artifact_read_power: Power | None = None
    artifact_write_power: Power | None = None

    def changes(self) -> Mapping[str, Any]:
        given = self.model_dump(exclude_none=True)
        return given | ({"state": RoomState(self.state)} if self.state else {})


class MemberBody(BaseModel):
    power_level: Power


class CreateArtifact(BaseModel):
    title: str
    content: str
    kind: Literal["code", "markdown", "json"] = "markdown"
    language: str | None = None

    def asked(self) -> NewArtifact:
        return NewArtifact(self.title, self.content, ArtifactKind(self.kind), self.language)


class PutArtifact(BaseModel):
    """A title, or content, or both; what is left out stays."""

    title: str | None = None
    content: str | None = None
    change_description: str | None = None
    expected_version: Number | None = None

    def asked(self) -> Change:
        return Change(self.title, self.content, self.change_description, self.expected_version)


class UpdateArtifact(PutArtifact):
    artifact_id: str


class EditBody(BaseModel):
    old_text: str
    new_text: str
    replace_all: bool = False


class PatchArtifact(BaseModel):
    """Edits, made one after another, all or none; each `old_text` is in the content exactly once."""

    edits: list[EditBody]
    title: str | None = None
    change_description: str | None = None
    expected_version: Number | None = None

    def asked(self) -> Editing:
        edits = [Edit(it.old_text, it.new_text, it.replace_all) for it in self.edits]
        return Editing(edits, self.title, self.change_description, self.expected_version)


class RevertArtifact(BaseModel):
    version: Number
    expected_version: Number | None = None

    def asked(self) -> Reverting:
        return Reverting(self.version, self.expected_version)


class NewShareBody(BaseModel):
    """`version` left out: the link always shows the newest."""

    expires_in_seconds: Annotated[int, Field(strict=True, ge=MIN_SECONDS, le=MAX_SECONDS)] = USUAL_SECONDS
    version: Number | None = None

    def asked(self) -> NewShare:
        return NewShare(self.expires_in_seconds, self.version)


async def asked_in(
    request: Request, model: type[Model], read: Callable[[Model], Thing]
) -> tuple[Callable[[], Thing], str]:
    """What the body asks for, to be looked at when its turn comes (then `Invalid`), and the body's hash."""
    body = await request.body()
    return lambda: read(_validated(model, body)), hashlib.sha256(body).hexdigest()


def described(model: type[BaseModel], *, creates: bool = False) -> dict[str, Any]:
    """What the OpenAPI document says of a body that the framework does not read."""
    schema = model.model_json_schema()
    parts = schema.pop("$defs", {})
    content = {"application/json": {"schema": _inlined(schema, parts)}}
    body: dict[str, Any] = {"requestBody": {"required": True, "content": content}}
    return body | ({"parameters": [IDEMPOTENCY_KEY]} if creates else {})


def expected_in(request: Request) -> frozenset[int] | None:
    """The versions that `If-Match` names: none when it names something else, None when anything will do."""
    given = request.headers.get("if-match")
    if given is None or given.strip() == "*":
        return None
    tags = [tag.strip().removeprefix("W/").strip('"') for tag in given.split(",")]
    return frozenset(int(tag) for tag in tags if tag.isascii() and tag.isdigit() and len(tag) < 10)


def room_uuid(text: str) -> UUID | None:
    """None for what is no room's id."""
    return uuid_in(text.removeprefix(ROOM_PREFIX)) if text.startswith(ROOM_PREFIX) else None


def uuid_in(text: str) -> UUID | None:
    """None for what is not an id as we spell it."""
    try:
        found = UUID(text)
    except ValueError:
        return None
    return found if str(found) == text.lower() else None


def _validated(model: type[Model], body: bytes) -> Model:
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        first = error.errors()[0]
        place = ("body", *(str(part) for part in first["loc"]))
        raise Invalid(first["msg"], field=place, kind=first["type"]) from None


def _inlined(schema: Any, parts: Mapping[str, Any]) -> Any:
    if isinstance(schema, dict):
        if "$ref" in schema:
            return _inlined(parts[schema["$ref"].rpartition("/")[2]], parts)
        return {name: _inlined(value, parts) for name, value in schema.items()}
    return [_inlined(value, parts) for value in schema] if isinstance(schema, list) else schema
