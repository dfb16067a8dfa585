"""The kind `link`: an address, kept as the shortcut file that desktops know."""

from dataclasses import dataclass
from typing import Any

from mediatheque.model import Facts

MEDIA_TYPE, EXTENSION = "application/internet-shortcut", ".url"
HEAD = "[InternetShortcut]"


def shortcut(url: str) -> bytes:
    """The bytes of a link to this URL, which holds no line break."""
    return f"{HEAD}\r\nURL={url}\r\n".encode()


def facts_of(url: str) -> Facts:
    """Of a shortcut; `details`: `url`."""
    return Facts(MEDIA_TYPE, EXTENSION, KIND.name, details={"url": url})


@dataclass(frozen=True, slots=True)
class LinkKind:
    name: str = "link"
    media_types: frozenset[str] = frozenset({MEDIA_TYPE})
    probe: str = "mediatheque.kinds.link_probe:probe"

    def facts(self, probed: dict[str, Any]) -> Facts:
        return facts_of(probed["url"])


KIND = LinkKind()
