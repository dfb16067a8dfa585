"""Crawling: the web as a crawl sees it, through the guard, politely (contract, 3.9; safety, C).

A site (host and port) is asked for one thing at a time, by whichever process; then it is left alone for a pause. What
its robots.txt forbids is not fetched. A redirect is a new request: to a checked address, with leave, in its turn.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from mediatheque import __version__
from mediatheque.clients.addresses import FetchFailed, Resolve, resolved
from mediatheque.clients.fetch import Fetch, Oversized, Streamed
from mediatheque.clients.urls import Place, onward, place_of
from mediatheque.core.pipeline import HOLD_SECONDS
from mediatheque.decoder import Decoders
from mediatheque.errors import Unavailable, file_meanings
from mediatheque.filing import Fetched
from mediatheque.model import Reach
from mediatheque.records import crawls
from mediatheque.records.engine import Database

AGENT = "Mediatheque"
USER_AGENT = f"{AGENT}/{__version__} (link crawler; fetches pages that its users save)"
MAX_HOPS = 5
MAX_PAUSE_SECONDS = 30.0
ROBOTS_SECONDS = 6.0
ROBOTS_BYTES = 512 << 10
ROBOTS_KEPT_SECONDS = 3600.0
ROBOTS_KEPT = 1000
LOOK_SECONDS = 0.1
FREE_TRIES = 4
ACCEPT = "text/html,application/xhtml+xml,application/pdf,text/plain;q=0.9,image/*;q=0.8,*/*;q=0.1"
REDIRECTS = frozenset({301, 302, 303, 307, 308})
UNREACHABLE = "The page cannot be reached"

Decode = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Rules:
    """What a site's robots.txt says; empty: nothing."""

    text: str
    known_until: float

    @property
    def is_silent(self) -> bool:
        said = self.text.lower()
        return "disallow" not in said and "crawl-delay" not in said


class Crawling:
    """`pause_seconds` lie between two crawls of a site, unless its robots.txt asks for more.

    `readers`: the decoder children in which what comes back is read.
    """

    def __init__(
        self, database: Database, readers: Decoders, reach: Reach, *, pause_seconds: float, resolve: Resolve = resolved
    ) -> None:
        self._database = database
        self.readers = readers
        self.pause_seconds = pause_seconds
        self.fetch = Fetch(reach, resolve=resolve, user_agent=USER_AGENT)
        self.fetch_robots = Fetch(reach, max_redirects=MAX_HOPS, resolve=resolve, user_agent=USER_AGENT)
        self._rules: OrderedDict[str, Rules] = OrderedDict()
        self._lock = threading.Lock()

    @contextmanager
    def visit(self, site: str, holder: str) -> Iterator["Visit"]:
        """A crawl of a site whose turn is ours already; every turn is given back at the end."""
        visit = Visit(self, site, holder)
        try:
            yield visit
        finally:
            visit.leave()

    def hold(self, site: str, holder: str) -> bool:
        with self._database.hasten() as tx:
            return crawls.hold(tx, site, holder, hold_seconds=HOLD_SECONDS)

    def free(self, site: str, holder: str, pause_seconds: float) -> None:
        """A database that is busy is asked again: else the site would be left alone for as long as it was held."""
        for tries_left in range(FREE_TRIES, 0, -1):
            try:
                with self._database.hasten() as tx:
                    return crawls.free(tx, site, holder, pause_seconds=pause_seconds)
            except Unavailable:
                if tries_left == 1:
                    raise
        return None

    def known_rules(self, site: str) -> Rules | None:
        with self._lock:
            rules = self._rules.get(site)
            return rules if rules is not None and rules.known_until > time.monotonic() else None

    def remember(self, site: str, text: str) -> Rules:
        rules = Rules(text, time.monotonic() + ROBOTS_KEPT_SECONDS)
        with self._lock:
            self._rules[site] = rules
            self._rules.move_to_end(site)
            while len(self._rules) > ROBOTS_KEPT:
                self._rules.popitem(last=False)
        return rules


class Visit:
    """One crawl: its own site is held to the end, another one as long as it is asked."""

    def __init__(self, crawling: Crawling, site: str, holder: str) -> None:
        self._crawling = crawling
        self._holder = holder
        self._home = site
        self._guest = ""
        self._pauses: dict[str, float] = {}

    def fetch(self, url: str, file: Path, *, limits: Mapping[str, int], seconds: float, decode: Decode) -> Fetched:
        """As `ports.Work.fetch`. Whatever refuses to be reached gives one and the same message."""
        until = time.monotonic() + seconds
        try:
            for _ in range(MAX_HOPS + 1):
                place = place_of(url)
                self._take_turn(place.site, until)
                self._ask_leave(place, url, file, until, decode)
                found = self._get(url, file, limits, until)
                if isinstance(found, Fetched):
                    return found
                url = found
        except FetchFailed as error:
            raise error if isinstance(error, Told) else Told(UNREACHABLE) from error
        raise Told("The page redirects too often")

    def leave(self) -> None:
        for site in {self._home, self._guest} - {""}:
            self._free(site)

    def _free(self, site: str) -> None:
        self._crawling.free(site, self._holder, self._pauses.get(site, self._crawling.pause_seconds))

    def _take_turn(self, site: str, until: float) -> None:
        """Raises `Unavailable` when others are there too long."""
        if site in {self._home, self._guest}:
            return
        if self._guest:
            self._free(self._guest)
            self._guest = ""
        while not self._crawling.hold(site, self._holder):
            if time.monotonic() + LOOK_SECONDS >= until:
                raise Unavailable("Another crawl is at that site")
            time.sleep(LOOK_SECONDS)
        self._guest = site

    def _ask_leave(self, place: Place, url: str, file: Path, until: float, decode: Decode) -> None:
        """Raises `Told` unless the site's robots.txt lets us."""
        rules = self._crawling.known_rules(place.site) or self._read_rules(place, until)
        if rules.is_silent:
            return
        copy = file.with_name("robots.txt")
        with file_meanings():
            copy.write_text(rules.text)
        said = decode("mediatheque.skills.robots_decode:say", path=str(copy), url=url, agent=AGENT)
        self._pauses[place.site] = max(self._crawling.pause_seconds, min(said["delay"] or 0.0, MAX_PAUSE_SECONDS))
        if not said["allowed"]:
            raise Told("The site's robots.txt does not allow it")

    def _read_rules(self, place: Place, until: float) -> Rules:
        """RFC 9309: without a file all is allowed; while the site cannot give it, nothing is."""
        seconds = min(ROBOTS_SECONDS, until - time.monotonic())
        address = f"{urlsplit(place.url).scheme}://{urlsplit(place.url).netloc}/robots.txt"
        with self._crawling.fetch_robots.stream(
            "GET", address, deadline_seconds=seconds, max_bytes=ROBOTS_BYTES
        ) as answer:
            if answer.status >= 500:
                raise Told("The site's robots.txt cannot be read")
            text = _beginning(answer) if answer.status < 300 else ""
        return self._crawling.remember(place.site, text)

    def _get(self, url: str, file: Path, limits: Mapping[str, int], until: float) -> Fetched | str:
        """What is there, in the file, or where it is said to be."""
        seconds = until - time.monotonic()
        most = max(limits.values())
        with self._crawling.fetch.stream(
            "GET", url, headers={"Accept": ACCEPT}, deadline_seconds=seconds, max_bytes=most
        ) as answer:
            target = answer.headers.get("location")
            if answer.status in REDIRECTS and target:
                return onward(url, target)
            if answer.status not in {200, 203}:
                raise Told(f"The page answered {answer.status}")
            media_type, charset = _declared(answer)
            _write(answer, file, _limit(media_type, limits), until)
            return Fetched(url, media_type, charset, answer.headers.get("content-language"))


class Told(FetchFailed):
    """What went wrong in words that a client may read: nothing in them tells of places that we may not go to."""

    code = "crawl_failed"


def _declared(answer: Streamed) -> tuple[str, str | None]:
    """Media type and charset, as the answer says."""
    kind, _, rest = answer.headers.get("content-type", "").partition(";")
    charsets = [part.partition("=")[2].strip("\"' ") for part in rest.split(";")
                if part.strip().lower().startswith("charset=")]  # fmt: skip
    return kind.strip().lower()[:127], charsets[0][:40] if charsets else None


def _limit(media_type: str, limits: Mapping[str, int]) -> int:
    family = f"{media_type.partition('/')[0]}/*"
    for name in (media_type, family):
        if name in limits:
            return limits[name]
    shown = "".join(c for c in media_type if c.isascii() and c.isprintable())
    raise Told(f"What is there is no page: {shown}")


def _write(answer: Streamed, file: Path, limit: int, until: float) -> None:
    received = 0
    try:
        with file_meanings(), file.open("wb") as target:
            for piece in answer.pieces:
                received += len(piece)
                if received > limit:
                    raise Oversized
                target.write(piece)
    except Oversized as error:
        raise Told(f"The page is larger than {limit >> 20} MiB") from error
    except FetchFailed as error:
        late = time.monotonic() >= until
        raise Told("The page did not come to an end in time" if late else "The page broke off") from error


def _beginning(answer: Streamed) -> str:
    """As much of a robots.txt as anybody has to read."""
    found = b""
    try:
        for piece in answer.pieces:
            found += piece
    except Oversized:
        pass
    return found.decode("utf-8", "replace").replace("\0", "")
