"""The addresses of links: which are taken, and which are the same (contract, 3.9)."""

import hashlib
from typing import Any

from mediatheque.clients.addresses import Refused
from mediatheque.clients.urls import MAX_URL_CHARS, Place, place_of
from mediatheque.errors import BadRequest, Invalid

LINK = "link"
"""The kind."""
FIELD = ("body", "url")


def checked(url: str) -> Place:
    """Where a link may lead, as far as its spelling tells; raises `BadRequest`, and `Invalid` for one too long."""
    if len(url) > MAX_URL_CHARS:
        message = f"String should have at most {MAX_URL_CHARS} characters"
        raise Invalid(message, field=FIELD, kind="string_too_long")
    if not url.lower().startswith(("http://", "https://")):
        raise BadRequest("Invalid URL: it has to start with http:// or https://")
    try:
        return place_of(url)
    except Refused as error:
        message = "Invalid URL: it needs a host, and no credentials, blanks or control characters"
        raise BadRequest(message) from error


def address_row(url: str) -> dict[str, Any]:
    """What is recorded of a URL: as it came, and what tells it from others."""
    place = checked(url)
    key = hashlib.sha256(place.url.encode()).hexdigest()
    return {"url": url, "url_key": key, "domain": place.host, "site": place.site}
