"""The switch of a fresh SQLite file to its write-ahead log, which several processes may make at the same moment."""

import sqlite3

from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_random


def switch(connection: sqlite3.Connection, wait_seconds: float) -> None:
    """SQLite itself waits for nobody here: of two who switch at once, one is told that the file is locked."""
    waiting = Retrying(
        retry=retry_if_exception(_is_busy), stop=stop_after_delay(wait_seconds), wait=wait_random(0, 0.02), reraise=True
    )
    waiting(connection.execute, "PRAGMA journal_mode = WAL")


def _is_busy(error: BaseException) -> bool:
    return isinstance(error, sqlite3.OperationalError) and error.sqlite_errorname.startswith("SQLITE_BUSY")
