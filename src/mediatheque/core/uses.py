"""When API keys were last used, to within minutes: noted aside, so that no request waits for it or fails by it."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import structlog

from mediatheque.errors import LibraryError
from mediatheque.records import accounts
from mediatheque.records.engine import Database

EVERY = timedelta(minutes=5)

log = structlog.get_logger()


class Uses:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="uses")
        self._tried: dict[int, datetime] = {}

    def note(self, key_id: int, last_used_at: datetime | None) -> None:
        """The key was used now; `last_used_at` is what its row says. Once in a while is enough for each process."""
        now = datetime.now(UTC)
        known = [it for it in (last_used_at, self._tried.get(key_id)) if it is not None]
        if not known or now - max(known) >= EVERY:
            self._tried[key_id] = now
            self._writer.submit(self._write, key_id, now)

    def _write(self, key_id: int, now: datetime) -> None:
        try:
            with self._database.write() as tx:
                accounts.note_use(tx, key_id, now, now - EVERY)
        except LibraryError as error:
            log.warning("the use of a key was not noted", reason=error.message)
