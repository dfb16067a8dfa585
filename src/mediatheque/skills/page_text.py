"""Runs in a decoder child: the readable part of a page, as text and as HTML that is safe to show anywhere."""

import re
from html import escape
from urllib.parse import urljoin, urlsplit

from selectolax.lexbor import LexborHTMLParser, LexborNode

MAX_DEPTH = 50
KEPT = frozenset({
    "p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "li", "blockquote", "pre", "code", "em", "strong", "b", "i",
    "u", "sub", "sup", "br", "hr", "table", "thead", "tbody", "tr", "td", "th", "del", "dl", "dt", "dd",
})  # fmt: skip
"""Elements that the copy may hold, none with any attribute; of a link its address is kept."""
EMPTY = frozenset({"br", "hr"})
UNREAD = frozenset({"script", "style", "template", "noscript", "head", "iframe", "object", "svg", "math", "textarea"})
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_BLANK_LINES = re.compile(r"\n[ \t\n]*\n")


def clean(value: str, max_chars: int) -> str:
    """On one line, without what no database holds."""
    return " ".join(_UNPRINTABLE.sub(" ", value).split())[:max_chars]


def readable(html: str | None, text: str, url: str, title: str | None) -> tuple[str, str]:
    """The text and the copy of a page: of its HTML, or of the text where it has none."""
    body = None
    if html is not None:
        text, body = _extracted(html, url)
    text = _BLANK_LINES.sub("\n\n", _UNPRINTABLE.sub("", text.replace("\r\n", "\n"))).strip()
    return text, _document(body or _paragraphs(text), url, title)


def _extracted(html: str, url: str) -> tuple[str, str]:
    """The main part; of a page in which none is found, all that can be read."""
    import trafilatura

    try:
        text = trafilatura.extract(html, url=url, output_format="txt", include_comments=False) or ""
        found = trafilatura.extract(
            html, url=url, output_format="html", include_comments=False, include_links=True, include_formatting=True
        )
    except (ValueError, TypeError, AttributeError, IndexError, RecursionError):  # what it trips over is no end of ours
        text, found = "", None
    if text and found:
        body = LexborHTMLParser(found).body
        return text, _safe(body, url, MAX_DEPTH) if body else ""
    return _all_text(html), ""


def _all_text(html: str) -> str:
    tree = LexborHTMLParser(html)
    for node in tree.css(", ".join(sorted(UNREAD - {"head"}))):
        node.decompose()
    return tree.body.text(separator="\n", strip=True) if tree.body else ""


def _safe(node: LexborNode, url: str, depth: int) -> str:
    """What the node holds, written anew: only what is known to do nothing comes out."""
    if depth == 0:
        return ""
    parts = []
    child = node.child
    while child is not None:
        if child.tag == "-text":
            parts.append(escape(_UNPRINTABLE.sub("", child.text_content or ""), quote=False))
        elif child.tag not in UNREAD:
            parts.append(_element(child, url, depth))
        child = child.next
    return "".join(parts)


def _element(node: LexborNode, url: str, depth: int) -> str:
    if node.tag in EMPTY:
        return f"<{node.tag}>"
    inner = _safe(node, url, depth - 1)
    if node.tag in KEPT:
        return f"<{node.tag}>{inner}</{node.tag}>"
    address = _address(url, node.attributes.get("href")) if node.tag == "a" else None
    return f'<a href="{escape(address)}" rel="noreferrer noopener nofollow">{inner}</a>' if address else inner


def _address(url: str, target: str | None) -> str | None:
    try:
        joined = urljoin(url, (target or "").strip())
        return joined if target and urlsplit(joined).scheme in {"http", "https"} else None
    except ValueError:
        return None


def _paragraphs(text: str) -> str:
    return "\n".join(f"<p>{escape(part.strip(), quote=False)}</p>" for part in text.split("\n") if part.strip())


def _document(body: str, url: str, title: str | None) -> str:
    shown = escape(title or url)
    head = f'<!doctype html>\n<html><head><meta charset="utf-8"><title>{shown}</title></head>\n<body>\n'
    source = f'<p><a href="{escape(url)}" rel="noreferrer noopener nofollow">{escape(url)}</a></p>'
    return f"{head}<h1>{shown}</h1>\n{source}\n{body}\n</body></html>\n"
