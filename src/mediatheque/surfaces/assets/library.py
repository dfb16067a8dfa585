"""`/api/v1/assets`: uploaded, listed, shown, changed, deleted and streamed (contract, 2.4)."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Body, Query, Request, Response
from pydantic import StrictBool

from mediatheque.core import names
from mediatheque.core.catalogue import Detail, Order
from mediatheque.core.intake import Upload
from mediatheque.core.library import Library
from mediatheque.errors import Invalid, TooLarge
from mediatheque.model import Actor, Filter, State, Terms
from mediatheque.surfaces.assets.documents import CONTENT_ANSWERS, ERRORS, UPLOAD_FIELDS
from mediatheque.surfaces.assets.objects import AssetObject, ListItem, asset_object, list_item, public_url
from mediatheque.surfaces.assets.shapes import (
    COMMIT_MESSAGE,
    TERMS,
    Envelope,
    Shape,
    enveloped,
    moment,
    render_error,
    to_uuid,
)
from mediatheque.surfaces.delivery import Streamed
from mediatheque.surfaces.forms import Form, form_document, received
from mediatheque.surfaces.http import Door, actor_of, in_reader, in_thread, once, scope, streaming

DEFAULT_PAGE_SIZE = 20
MAX_PAGE_SIZE = 100
MAX_PAGE = 1 << 31
_BOOLEANS = {"true": True, "false": False, "1": True, "0": False}


class AssetList(Shape):
    items: list[ListItem]
    page: int
    page_size: int
    total: int


class AssetChange(Shape):
    """Omitted: unchanged; null clears a text."""

    description: str | None = None
    alt_text: str | None = None
    original_file_name: str | None = None
    is_public: StrictBool = True


class Deletion(Shape):
    commit_message: str | None = None


class Deleted(Shape):
    id: str
    status: str
    deleted_at_utc: str


def routes(library: Library) -> APIRouter:
    router = APIRouter(route_class=Door, prefix="/api/v1/assets", tags=["assets"], responses=ERRORS)

    @router.post("", status_code=202, response_model=Envelope[AssetObject], openapi_extra=form_document(UPLOAD_FIELDS))
    @scope("assets.create")
    @streaming
    async def upload_asset(request: Request) -> Response:
        """Upload an image; what is made of it follows."""
        actor, key = actor_of(request), request.headers.get("idempotency-key")
        form = Form()
        try:
            async with received(request, partial(library.intake.stage, TERMS), TERMS.max_bytes, form):
                return await in_thread(_upload, library, actor, form, key, request.state.request_id)
        except TooLarge:
            _check_texts(form)
            raise

    @router.get("", response_model=Envelope[AssetList])
    @scope("assets.read")
    async def list_assets(
        request: Request,
        page: int = 1,
        page_size: Annotated[int, Query(alias="pageSize")] = DEFAULT_PAGE_SIZE,
        query: str | None = None,
        keyword: str | None = None,
        content_type: Annotated[str | None, Query(alias="contentType")] = None,
        status: str | None = None,
        order_by: Annotated[str | None, Query(alias="orderBy")] = None,
        sort_by: Annotated[str | None, Query(alias="sortBy")] = None,
        order_direction: Annotated[str | None, Query(alias="orderDirection")] = None,
        sort_direction: Annotated[str | None, Query(alias="sortDirection")] = None,
    ) -> Response:
        """A page of assets; numbers out of range are clamped, unknown orders and states ignored."""
        narrow = Filter(text_of(query) or text_of(keyword), text_of(content_type).lower(), _states(status))
        order = Order((order_by or sort_by or "").lower() == "size", _is_ascending(order_direction, sort_direction))
        page, page_size = clamped(page, page_size)
        return await in_thread(_listed, library, actor_of(request), narrow, order, page, page_size)

    @router.get("/{asset_id}", response_model=Envelope[AssetObject])
    @scope("assets.read")
    async def get_asset(request: Request, asset_id: str) -> Response:
        """An asset with its derivatives, results and last execution."""
        return await in_reader(_shown, library, library.catalogue.detail, actor_of(request), to_uuid(asset_id))

    @router.patch("/{asset_id}", response_model=Envelope[AssetObject])
    @scope("assets.update")
    async def change_asset(request: Request, asset_id: str, change: AssetChange) -> Response:
        """Change texts, name or visibility."""
        changes = change.model_dump(exclude_unset=True)
        if "original_file_name" in changes:
            changes["original_filename"] = changes.pop("original_file_name")
        change_it = partial(library.catalogue.change, changes=changes)
        return await in_thread(_shown, library, change_it, actor_of(request), to_uuid(asset_id))

    @router.delete("/{asset_id}", response_model=Envelope[Deleted])
    @scope("assets.delete")
    async def delete_asset(
        request: Request,
        asset_id: str,
        body: Annotated[Deletion | None, Body()] = None,
    ) -> Response:
        """Delete for good; `status` is the asset's last."""
        message = (body.commit_message if body else None) or COMMIT_MESSAGE
        actor, uuid = actor_of(request), to_uuid(asset_id)
        was = await in_thread(library.assets.erase, actor, TERMS, uuid, commit_message=message)
        return enveloped(Deleted(id=str(was.uuid), status=was.state.value, deleted_at_utc=moment(datetime.now(UTC))))

    @router.get("/{asset_id}/content", response_class=Response, responses=CONTENT_ANSWERS)
    @scope("assets.read")
    async def get_content(request: Request, asset_id: str) -> Response:
        """To a public asset's URL, or a private one's bytes."""
        return await in_thread(_content, library, actor_of(request), to_uuid(asset_id))

    return router


def text_of(value: str | None) -> str:
    """A word of the query without the blanks around it; blanks alone are none."""
    return (value or "").strip()


def clamped(page: int, page_size: int) -> tuple[int, int]:
    """Page at least 1; page size 1 to 100, the default for nothing or less (contract, 2.4)."""
    size = DEFAULT_PAGE_SIZE if page_size <= 0 else min(page_size, MAX_PAGE_SIZE)
    return min(max(page, 1), MAX_PAGE), size


def _content(library: Library, actor: Actor, uuid: UUID) -> Response:
    it = library.assets.get(actor, TERMS, uuid)
    location = public_url(library, it, it.blob.store, it.blob.key)
    is_elsewhere = location is not None and not location.startswith(library.base_url)
    served = library.media.present(it, is_elsewhere=is_elsewhere)
    if location is None:
        return Streamed(library, served)
    return Response(status_code=307, headers={"Location": location, "Cache-Control": "no-store"})


def _upload(library: Library, actor: Actor, form: Form, key: str | None, request_id: str) -> Response:
    is_enriched = _boolean(form, "runEnrichment", default=True)
    upload = Upload(
        filename=_filename(form),
        declared_type=form.declared_type,
        alt_text=form.fields.get("altText") or None,
        description=form.fields.get("description") or None,
        is_public=_boolean(form, "isPublic", default=True),
        enrich=is_enriched,
        is_ready=not is_enriched,
    )
    place: Any = {
        "profile_id": _uuid(form, "storageProviderProfileId"),
        "commit_message": form.fields.get("commitMessage") or COMMIT_MESSAGE,
    }
    fields = sorted(form.fields.items())
    response = once(
        library,
        actor,
        key,
        ("POST /api/v1/assets", form.staged.sha256, form.filename, repr(fields)),
        lambda remembering: library.intake.upload(actor, TERMS, form.staged, upload, remembering=remembering, **place),
        status=202,
        render=lambda it: bytes(enveloped(asset_object(library, Detail(it, [], [], None))).body).decode(),
        render_error=render_error,
        request_id=request_id,
    )
    return _with_location(response)


def _check_texts(form: Form) -> None:
    """What is wrong with the texts is said before anything about the file (contract, 2.4); raises `Invalid`."""
    names.text(form.fields.get("description"), "description", TERMS.max_text_chars)
    names.text(form.fields.get("altText"), "alt_text", TERMS.max_text_chars)


def _with_location(response: Response) -> Response:
    """`Location` of the asset in the answer, be it made now or remembered."""
    asset_id = json.loads(bytes(response.body))["data"]["id"] if response.status_code == 202 else None
    if asset_id:
        response.headers["Location"] = f"/api/v1/assets/{asset_id}"
    return response


def _listed(library: Library, actor: Actor, narrow: Filter, order: Order, page: int, page_size: int) -> Response:
    found = library.catalogue.page(actor, TERMS, narrow, order, page=page, page_size=page_size)
    items = [list_item(library, it) for it in found.assets]
    return enveloped(AssetList(items=items, page=found.page, page_size=found.page_size, total=found.total))


def _shown(library: Library, find: Callable[[Actor, Terms, UUID], Detail], actor: Actor, uuid: UUID) -> Response:
    return enveloped(asset_object(library, find(actor, TERMS, uuid)))


def _states(status: str | None) -> tuple[State, ...] | None:
    """None for a word that is no status; nothing is ever seen in the contract's `processing`."""
    known: dict[str, tuple[State, ...]] = {state.value: (state,) for state in State} | {"processing": ()}
    return known.get(text_of(status).lower())


def _is_ascending(*directions: str | None) -> bool:
    return next((direction for direction in directions if direction), "").lower() == "asc"


def _filename(form: Form) -> str:
    if not names.base_name(form.filename):
        raise Invalid("The file has no usable name", field=("original_filename",), kind="blank")
    return form.filename


def _uuid(form: Form, name: str) -> UUID | None:
    value = form.fields.get(name, "").strip()
    try:
        return UUID(value) if value else None
    except ValueError:
        raise Invalid(f"{name} is a UUID", field=(name,)) from None


def _boolean(form: Form, name: str, *, default: bool) -> bool:
    value = form.fields.get(name, "").strip().lower()
    if not value:
        return default
    if value not in _BOOLEANS:
        raise Invalid(f"{name} is true or false", field=(name,))
    return _BOOLEANS[value]
