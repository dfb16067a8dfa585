"""Addresses as others write them: which can be read at all, and which mean the same place."""

from dataclasses import dataclass

import httpx

from mediatheque.clients.addresses import Refused

MAX_URL_CHARS = 2048
PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a URL leads. `host` is in ASCII; `url` is the one spelling of all that mean the same document."""

    host: str
    port: int
    url: str

    @property
    def site(self) -> str:
        """Who is asked for it: host and port."""
        return f"{self.host}:{self.port}"


def readable(url: str) -> str:
    """The URL itself; raises `Refused` for one that is too long or holds what no URL holds."""
    if len(url) > MAX_URL_CHARS or any(c <= " " or c in {"\\", "\x7f"} for c in url):
        raise Refused
    return url


def place_of(url: str) -> Place:
    """Raises `Refused` for another scheme than http and https, credentials, and what is no URL."""
    try:
        parsed = httpx.URL(readable(url))
        host = parsed.raw_host.decode("ascii")
        port = PORTS.get(parsed.scheme, 0) if parsed.port is None else parsed.port
    except (httpx.InvalidURL, ValueError) as error:
        raise Refused from error
    if parsed.scheme not in PORTS or not host or parsed.userinfo or not 0 < port < 1 << 16:
        raise Refused
    shown = f"[{host}]" if ":" in host else host
    where = shown if port == PORTS[parsed.scheme] else f"{shown}:{port}"
    return Place(host, port, f"{parsed.scheme}://{where}{parsed.raw_path.decode('ascii') or '/'}")


def onward(url: str, target: str) -> str:
    """Where a redirect from the URL leads; raises `Refused` for what is no address."""
    try:
        return str(httpx.URL(url).join(readable(target)))
    except (httpx.InvalidURL, ValueError) as error:
        raise Refused from error
