"""Servers of others that several tests share: started when the first one asks, stopped with the session."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

from tests.github import GitHub
from tests.receiver import Receiver
from tests.seaweed import Seaweed
from tests.site import Site

_running: list[Seaweed] = []


@cache
def seaweed() -> Seaweed:
    """One S3 server for the whole session; every test takes a bucket of its own."""
    server = Seaweed(Path(mkdtemp(prefix="seaweed-"))).start()
    _running.append(server)
    return server


@cache
def github() -> GitHub:
    """One stand-in for GitHub; every test takes a repository of its own."""
    return GitHub()


@cache
def site() -> Site:
    """One web site on loopback; pages that a test adds have names of their own."""
    return Site()


@cache
def receiver() -> Receiver:
    """One receiver of webhooks on loopback; every test has paths of its own."""
    return Receiver()


@contextmanager
def stopping() -> Iterator[None]:
    """Stop at the end what was started within."""
    try:
        yield
    finally:
        while _running:
            _running.pop().remove()
        seaweed.cache_clear()
