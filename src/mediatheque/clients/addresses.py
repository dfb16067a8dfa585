"""Names and addresses: which may be reached from here, and which mean something of their own."""

import ipaddress
import socket
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as ResolutionTimeout

import httpcore

from mediatheque.errors import LibraryError
from mediatheque.model import Reach

Resolve = Callable[[str, int], Sequence[str]]


class FetchFailed(LibraryError):
    """Nothing usable came back. The message is the same whatever was met there, so that it tells no tales (C8)."""

    code, status, default_message = "fetch_failed", 502, "The endpoint cannot be reached"


class Refused(FetchFailed):
    """The address may not be reached from here, or is none."""

    code, default_message = "fetch_refused", "The address is not allowed"


def addresses(reach: Reach, resolve: Resolve, host: str, port: int, deadline: float) -> Sequence[str]:
    """The addresses of the host, all of them within reach; raises `Refused`."""
    try:
        found = _resolver.submit(resolve, host, port).result(left(deadline))
    except (OSError, UnicodeError, ResolutionTimeout) as error:
        raise FetchFailed from error
    if not found or not (reach.trusts(host, port) or all(is_public(address) for address in found)):
        raise Refused
    return found


_resolver = ThreadPoolExecutor(8, thread_name_prefix="resolve")


def resolved(host: str, port: int) -> Sequence[str]:
    """What the system's resolver says, each address once."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def is_public(address: str) -> bool:
    """Whether the whole internet means the same machine by it; False for everything with a meaning of its own."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address) and (ip not in _UNICAST or any(ip in net for net in _TRANSLATED)):
        return False
    if ip in _RELAY:
        return False
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or ip.is_unspecified or ip.is_link_local)


_UNICAST = ipaddress.IPv6Network("2000::/3")
"""Leaves out mapped IPv4 addresses, both NAT64 prefixes, local and multicast ones."""
_TRANSLATED = tuple(map(ipaddress.IPv6Network, ("2002::/16", "2001::/23", "2001:db8::/32", "3fff::/20")))
"""6to4, Teredo and other special blocks, documentation."""
_RELAY = ipaddress.IPv4Network("192.88.99.0/24")


def left(deadline: float) -> float:
    """Seconds until the deadline; raises `httpcore.ReadTimeout` when it has passed."""
    seconds = deadline - time.monotonic()
    if seconds <= 0:
        raise httpcore.ReadTimeout("the deadline has passed")
    return seconds
