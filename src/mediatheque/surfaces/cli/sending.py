"""How `upload` sends many files: hashed, looked up, sent by several at a time, and looked up again."""

import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from mediatheque.client import Client, ConnectionFailed, Forbidden, MediathequeError, Unauthorized, Unavailable
from mediatheque.client.wire import Source
from mediatheque.surfaces.cli.journal import Journal

LOOKED_UP = 250
"""Hashes that the library is asked about in one request."""
FOUND, SENT, KNOWN, SKIPPED, FAILED = "found", "sent", "known", "skipped", "failed"
HOPELESS = (ConnectionFailed, Unavailable, Unauthorized, Forbidden)
"""What the next file would run into as well."""


@dataclass(slots=True)
class Item:
    """One file; `state` says what became of it, `error` why it was not sent."""

    path: Path
    state: str = FOUND
    size_bytes: int = 0
    sha256: str | None = None
    file_id: str | None = None
    error: str | None = None

    def as_json(self) -> dict[str, Any]:
        return {
            "path": str(self.path), "state": self.state, "size_bytes": self.size_bytes, "sha256": self.sha256,
            "id": self.file_id, "error": self.error,
        }  # fmt: skip


@dataclass(slots=True)
class Report:
    """What became of every file that was found."""

    items: list[Item] = field(default_factory=list)
    seconds: float = 0.0
    fatal: MediathequeError | None = None
    is_interrupted: bool = False

    def count(self, state: str) -> int:
        return sum(item.state == state for item in self.items)

    def sent_bytes(self) -> int:
        return sum(item.size_bytes for item in self.items if item.state == SENT)

    def as_json(self) -> dict[str, Any]:
        counts = {state: self.count(state) for state in (SENT, KNOWN, SKIPPED, FAILED)}
        return {
            "found": len(self.items), **counts, "to_send": self.count(FOUND), "sent_bytes": self.sent_bytes(),
            "seconds": round(self.seconds, 2), "files": [item.as_json() for item in self.items],
        }  # fmt: skip


Told = Callable[[Item], None]


class Sending:
    """Sends files that the library does not have. `told` hears of every file when it is settled."""

    def __init__(
        self, client: Client, journal: Journal, wishes: dict[str, Any], *, at_once: int, is_dry: bool, told: Told
    ) -> None:
        self._client = client
        self._journal = journal
        self._wishes = wishes
        self._at_once = at_once
        self._is_dry = is_dry
        self._told = told
        self._over = threading.Event()
        self._claimed: set[str] = set()

    def run(self, paths: Iterable[Path]) -> Report:
        """Every file, once; what was sent is asked for in the end, so that the report is the library's word."""
        report, began = Report(), time.monotonic()
        waiting: list[Future[None]] = []
        with ThreadPoolExecutor(2) as readers, ThreadPoolExecutor(self._at_once) as senders:
            try:
                for block in _blocks(paths):
                    items = list(readers.map(self._hashed, block))
                    report.items += items
                    waiting += [senders.submit(self._send, report, it) for it in self._unknown(items)]
                    if self._over.is_set():
                        break
                for one in waiting:
                    one.result()
                if not self._over.is_set():
                    self._verify(report)
            except KeyboardInterrupt:
                self._over.set()
                report.is_interrupted = True
                senders.shutdown(wait=False, cancel_futures=True)
            except MediathequeError as error:
                self._over.set()
                report.fatal = report.fatal or error
        report.seconds = time.monotonic() - began
        return report

    def _hashed(self, path: Path) -> Item:
        item = Item(path)
        try:
            stat = path.stat()
            item.size_bytes = stat.st_size
            seen = self._journal.of(path.absolute(), stat)
            if seen.sha256 is None and stat.st_size:
                seen.sha256 = Source.of(path).sha256()
                self._journal.keep(path.absolute(), seen)
            item.sha256 = seen.sha256
        except OSError as error:
            self._settle(item, FAILED, error.strerror or str(error))
        else:
            if not stat.st_size:
                self._settle(item, SKIPPED, "the file is empty")
        return item

    def _unknown(self, items: Sequence[Item]) -> Iterator[Item]:
        """Those to send; the others are settled. Of files with the same bytes the first one is sent."""
        asked = {item.sha256 for item in items if item.state == FOUND and item.sha256}
        known = self._client.files.with_hashes(sorted(asked)) if asked else {}
        for item in items:
            if item.state != FOUND or item.sha256 is None:
                continue
            item.file_id = known.get(item.sha256)
            if item.file_id is not None or item.sha256 in self._claimed:
                self._settle(item, KNOWN)
            elif self._is_dry:
                self._claimed.add(item.sha256)
                self._told(item)
            else:
                self._claimed.add(item.sha256)
                yield item

    def _send(self, report: Report, item: Item) -> None:
        if self._over.is_set():
            return
        try:
            item.file_id = self._upload(item.path)
        except HOPELESS as error:
            report.fatal = error
            self._over.set()
            self._settle(item, FAILED, str(error))
        except MediathequeError as error:
            self._settle(item, FAILED, str(error))
        except OSError as error:
            self._settle(item, FAILED, error.strerror or str(error))
        else:
            self._settle(item, SENT)

    def _upload(self, path: Path) -> str:
        """The id of the file that it becomes; one that was begun before goes on where it was."""
        seen = self._journal.of(path.absolute(), path.stat())

        def begun(upload_id: str) -> None:
            seen.upload_id = upload_id
            self._journal.keep(path.absolute(), seen)

        made = self._client.files.upload(path, upload_id=seen.upload_id, on_begin=begun, **self._wishes)
        if seen.upload_id is not None:  # it is a file now, and would stay that one were it deleted and sent again
            seen.upload_id = None
            self._journal.keep(path.absolute(), seen)
        return made.id

    def _verify(self, report: Report) -> None:
        """What the library does not have in the end was not sent, whatever it answered."""
        claimed = [item for item in report.items if item.state in {SENT, KNOWN} and item.sha256]
        for some in _blocks(claimed):
            known = self._client.files.with_hashes(sorted({item.sha256 for item in some if item.sha256}))
            for item in some:
                if item.sha256 in known:
                    item.file_id = item.file_id or known[item.sha256]
                elif not self._is_dry:
                    item.state, item.error = FAILED, "the library does not have it: it changed meanwhile, or is broken"

    def _settle(self, item: Item, state: str, error: str | None = None) -> None:
        item.state, item.error = state, error
        self._told(item)


def files_in(paths: Sequence[Path]) -> Iterator[Path]:
    """Those named, and all in the folders named, each folder's in the order of names; hidden ones are left out."""
    for path in paths:
        if not path.is_dir():
            yield path
            continue
        for folder, folders, names in os.walk(path):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            yield from (Path(folder, name) for name in sorted(names) if not name.startswith("."))


def _blocks(things: Iterable[Any]) -> Iterator[list[Any]]:
    iterator = iter(things)
    while block := list(islice(iterator, LOOKED_UP)):
        yield block
