"""The switch of a fresh SQLite file to its write-ahead log, which several processes may make at the same moment."""

import sqlite3
import time

PAUSE_SECONDS = 0.01


def switch(connection: sqlite3.Connection, wait_seconds: float) -> None:
    """SQLite itself waits for nobody here: of two who switch at once, one is told that the file is locked."""
    until = time.monotonic() + wait_seconds
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if time.monotonic() > until or not error.sqlite_errorname.startswith("SQLITE_BUSY"):
                raise
            time.sleep(PAUSE_SECONDS)
        else:
            return
