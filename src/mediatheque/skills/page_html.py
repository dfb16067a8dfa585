"""Runs in a decoder child: what an HTML page says of itself in its head, and which pictures it shows."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urljoin, urlsplit

import webencodings
from selectolax.lexbor import LexborHTMLParser, LexborNode

from mediatheque.skills.page_text import clean

MAX_URL_CHARS = 2048
MAX_PICTURES = 50
MAX_SCRIPTS, MAX_SCRIPT_CHARS = 20, 256 << 10
PRESCANNED_BYTES = 1024
TITLE_CHARS, TEXT_CHARS = 500, 2000
_CHARSET = re.compile(rb"<meta[^>]{0,500}?charset\s*=\s*[\"']?\s*([A-Za-z0-9_:.-]{1,40})", re.IGNORECASE)
_SIZES = re.compile(r"(\d{1,4})x\d{1,4}", re.IGNORECASE)
OG = {
    "title": ("og:title", "twitter:title"),
    "description": ("og:description", "twitter:description", "description"),
    "site_name": ("og:site_name", "application-name"),
    "type": ("og:type",),
    "locale": ("og:locale",),
    "published_time": ("article:published_time", "og:published_time", "date", "dc.date", "dcterms.created"),
    "author": ("article:author", "author", "twitter:creator"),
}
"""Where each part is said, the best place first."""
PICTURES = ("og:image", "og:image:url", "og:image:secure_url", "twitter:image", "twitter:image:src")


def empty_page(url: str) -> dict[str, Any]:
    """What is said by a page that says nothing of itself."""
    og = dict.fromkeys((*OG, "image", "url", "language"))
    return {"url": url, "page_title": None, "og": og, "pictures": [], "icons": []}


def declared_charset(data: bytes) -> webencodings.Encoding | None:
    """The charset that the first `meta` declares; one that cannot be true of what was just read counts as UTF-8."""
    found = _CHARSET.search(data[:PRESCANNED_BYTES])
    encoding = webencodings.lookup(found[1].decode("ascii")) if found else None
    return webencodings.UTF8 if encoding is not None and encoding.name.startswith("utf-16") else encoding


def read(html: str, url: str) -> dict[str, Any]:
    """`page_title`, `og` (Open Graph, else what says the same elsewhere), `pictures`, `icons`."""
    tree = LexborHTMLParser(html)
    base = _base(tree, url)
    metas, linked = _metas(tree), _linked_data(tree)
    said = empty_page(url)
    title = tree.css_first("title")
    said["page_title"] = clean(title.text(), TITLE_CHARS) or None if title else None
    for name, places in OG.items():
        value = next((metas[place][0] for place in places if place in metas), None) or linked.get(name)
        said["og"][name] = clean(value, TEXT_CHARS) or None if value else None
    leads = [it for place in PICTURES for it in metas.get(place, ())] + linked["images"]
    said["og"]["image"] = next((it for lead in leads if (it := _address(base, lead))), None)
    said["og"]["url"] = _canonical(tree, base) or next(
        (it for value in metas.get("og:url", ()) if (it := _address(base, value))), None
    )
    root = tree.css_first("html")
    language = (root.attributes.get("lang") if root else None) or said["og"]["locale"] or linked.get("language")
    said["og"]["language"] = clean(language.replace("_", "-"), 35) or None if language else None
    said["pictures"] = _pictures(tree, base, leads)
    said["icons"] = _icons(tree, base)
    return said


def _metas(tree: LexborHTMLParser) -> dict[str, list[str]]:
    """What `meta` elements say, by lower-case name; sites mix `name` and `property`."""
    found: dict[str, list[str]] = {}
    for node in tree.css("meta"):
        name = node.attributes.get("property") or node.attributes.get("name") or node.attributes.get("itemprop")
        content = node.attributes.get("content")
        if name and content and content.strip():
            found.setdefault(name.strip().lower(), []).append(content)
    return found


def _base(tree: LexborHTMLParser, url: str) -> str:
    node = tree.css_first("base[href]")
    return (_address(url, node.attributes.get("href")) if node else None) or url


def _address(base: str, target: str | None) -> str | None:
    """An absolute http or https URL, or None for all else."""
    if not target:
        return None
    try:
        joined = urljoin(base, target.strip())
        parts = urlsplit(joined)
        is_usable = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        return None
    return clean(joined, MAX_URL_CHARS + 1) if is_usable and len(joined) <= MAX_URL_CHARS else None


def _canonical(tree: LexborHTMLParser, base: str) -> str | None:
    node = tree.css_first("link[rel~='canonical'][href]")
    return _address(base, node.attributes.get("href")) if node else None


def _icons(tree: LexborHTMLParser, base: str) -> list[str]:
    """Addresses of what may be the favicon: those of about 64 pixels first, `/favicon.ico` last."""
    found: list[tuple[int, str]] = []
    for node in tree.css("link[rel~='icon'][href], link[rel~='apple-touch-icon'][href]"):
        address = _address(base, node.attributes.get("href"))
        if address is None or address.lower().partition("?")[0].endswith(".svg"):
            continue
        sizes = _SIZES.search(node.attributes.get("sizes") or "")
        found.append((abs(int(sizes[1]) - 64) if sizes else 40, address))
    ordered = [address for _, address in sorted(found, key=lambda it: it[0])][:3]
    return list(dict.fromkeys([*ordered, *filter(None, [_address(base, "/favicon.ico")])]))


def _pictures(tree: LexborHTMLParser, base: str, leads: list[str]) -> list[dict[str, Any]]:
    """Every picture once, in the order of the page, those that stand for it first."""
    found: dict[str, dict[str, Any]] = {}
    shown: Iterator[tuple[str | None, Mapping[str, str | None]]] = (
        (_source(node), node.attributes) for node in tree.css("img")
    )
    for target, about in [*((lead, {}) for lead in leads), *shown]:
        address = _address(base, target)
        if address is None or len(found) == MAX_PICTURES:
            continue
        described = found.setdefault(address, {"url": address, "alt": None, "width": None, "height": None})
        described["alt"] = described["alt"] or clean(about.get("alt") or "", TITLE_CHARS) or None
        for side in ("width", "height"):
            described[side] = described[side] or _pixels(about.get(side))
    return list(found.values())


def _source(node: LexborNode) -> str | None:
    """What an image shows, also where a script was to put it there."""
    about = node.attributes
    for name in ("src", "data-src", "data-original", "data-lazy-src"):
        value = about.get(name)
        if value and not value.strip().lower().startswith("data:"):
            return value
    candidates = (about.get("srcset") or about.get("data-srcset") or "").strip()
    return candidates.split(",")[-1].split()[0] if candidates.split(",")[-1].split() else None


def _pixels(value: str | None) -> int | None:
    digits = (value or "").strip().removesuffix("px")
    return int(digits) if digits.isdecimal() and len(digits) < 6 else None


def _linked_data(tree: LexborHTMLParser) -> dict[str, Any]:
    """What JSON-LD says of the page: the parts of OG, `language`, `images`."""
    said: dict[str, Any] = {"images": []}
    for node in tree.css("script[type='application/ld+json']")[:MAX_SCRIPTS]:
        text = node.text()
        if len(text) > MAX_SCRIPT_CHARS:
            continue
        try:
            things = list(_things(json.loads(text)))
        except (ValueError, RecursionError):
            continue
        for thing in things:
            _take(said, thing)
    return said


def _things(value: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, list):
        for one in value[:50]:
            yield from _things(one)
    elif isinstance(value, dict):
        yield value
        yield from _things(value.get("@graph"))


def _take(said: dict[str, Any], thing: Mapping[str, Any]) -> None:
    kinds = thing.get("@type")
    kind = str(kinds[0] if isinstance(kinds, list) and kinds else kinds)
    if not kind.endswith(("Article", "Posting", "Page", "Report", "Product", "Recipe", "Event", "VideoObject")):
        if kind == "WebSite":
            said.setdefault("site_name", _named(thing.get("name")))
        return
    values = {
        "title": thing.get("headline") or thing.get("name"),
        "description": thing.get("description"),
        "published_time": thing.get("datePublished"),
        "author": _named(thing.get("author")),
        "site_name": _named(thing.get("publisher")),
        "language": thing.get("inLanguage"),
    }
    for name, value in values.items():
        if isinstance(value, str) and value.strip():
            said.setdefault(name, value)
    images = thing.get("image") or thing.get("thumbnailUrl")
    for one in images[:5] if isinstance(images, list) else [images]:
        address = one.get("url") if isinstance(one, dict) else one
        if isinstance(address, str):
            said["images"].append(address)


def _named(value: Any) -> str | None:
    first = value[0] if isinstance(value, list) and value else value
    name = first.get("name") if isinstance(first, dict) else first
    return name if isinstance(name, str) else None
