"""A server whose faults can be armed while it runs, and the parts under it as the invariant checker looks at them."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import psutil
from sqlalchemy import select, update

from mediatheque.app import open_parts
from mediatheque.faults import PLACES
from mediatheque.parts import Parts
from mediatheque.records.tables import job
from mediatheque.settings import Settings
from tests.support import READY_SECONDS, Server, arguments, has_ended, wait_for

REVIVAL_SECONDS = 120
OF_A_FOLDER = {"store.sync", "store.renamed"}
"""Places that only a store in a folder passes."""
ENVIRONMENT = {"MEDIATHEQUE_RATE_LIMIT": "0", "MEDIATHEQUE_WORKERS": "1"}


@dataclass
class Site:
    """One library: its server, and the folder through which its faults are armed."""

    server: Server
    faults: Path

    @classmethod
    def at(cls, folder: Path, database_url: str = "", **environment: str) -> "Site":
        faults = folder / "faults"
        faults.mkdir(parents=True)
        server = Server(
            folder / "data",
            {
                **ENVIRONMENT,
                "MEDIATHEQUE_DATABASE_URL": database_url,
                "MEDIATHEQUE_FAULTS": str(faults),
                **environment,
            },
        )
        return cls(server, faults)

    @property
    def is_sqlite(self) -> bool:
        return self.parts.database.is_sqlite

    @cached_property
    def parts(self) -> Parts:
        """Database, store and pipeline of the same library, opened by the test."""
        prefix = "MEDIATHEQUE_"
        told = self.server.full_environment().items()
        given = {name.removeprefix(prefix).lower(): value for name, value in told if name.startswith(prefix)}
        return open_parts(Settings(**given), decoders=1)  # type: ignore[arg-type]

    @property
    def places(self) -> tuple[str, ...]:
        """Those that its processes pass when they are up."""
        absent = set() if self.parts.store.name == "local" else OF_A_FOLDER
        return tuple(it for it in PLACES if not it.startswith(("start.", "migration.")) and it not in absent)

    @property
    def staging(self) -> Path:
        return self.parts.store.staging

    def arm(self, place: str, action: str) -> None:
        """Let `action` strike once at `place`, in whichever process passes it first."""
        (self.faults / f"{place}.struck").unlink(missing_ok=True)
        draft = self.faults / f".{place}"
        draft.write_text(action)
        draft.rename(self.faults / place)

    def disarm(self) -> None:
        for file in self.faults.iterdir():
            file.unlink()

    def is_struck(self, place: str) -> bool:
        return (self.faults / f"{place}.struck").exists()

    @contextmanager
    def armed(self, place: str, action: str) -> Iterator[None]:
        """A fault for the length of a block; fails when it never struck."""
        self.arm(place, action)
        try:
            yield
            self.await_end(place)
        finally:
            self.disarm()

    def await_end(self, place: str) -> None:
        """Wait until those are dead whom the fault has killed; fails when it never struck."""
        assert self.is_struck(place), f"nobody passed {place}"
        struck = self.faults / f"{place}.struck"
        wait_for(lambda: len(struck.read_text().split()) == 2, "the fault to say whom it struck")
        action, pid = struck.read_text().split()
        if action in {"kill", "killall"}:
            wait_for(lambda: not is_alive(int(pid)), "the process to be dead")
        if action == "killall" and self.server.process is not None:
            self.server.process.wait(READY_SECONDS)

    def revive(self) -> None:
        """Have the server up and ready, started again where its whole tree is gone."""
        process = self.server.process
        assert process is not None
        if process.poll() is not None:
            wait_for(lambda: not self.server.is_live(), "the killed children to be gone")
            self.server.start()
        else:
            wait_for(self.server.is_ready, "the killed process to be replaced", REVIVAL_SECONDS)

    def tree(self) -> list[psutil.Process]:
        """The processes of the server: its supervisor first, then web and workers, without decoder children."""
        assert self.server.process is not None
        supervisor = psutil.Process(self.server.process.pid)
        return [supervisor, *supervisor.children()]

    def processes(self, role: str) -> list[psutil.Process]:
        """Those of the tree that are `web` or `worker`."""
        return [process for process in self.tree()[1:] if arguments(process)[:2] == ["mediatheque:", role]]

    def suspended_worker(self) -> psutil.Process:
        """The one worker, stopped at a moment at which it does not hold the writers' lock of SQLite."""
        (worker,) = self.processes("worker")

        def is_stopped() -> bool:
            worker.suspend()
            wait_for(lambda: _has_stopped(worker.pid), "every thread of the worker to stop")
            if not self.is_sqlite or _is_free(Path(f"{self.server.data_dir / 'mediatheque.db'}-writer")):
                return True
            worker.resume()
            return False

        wait_for(is_stopped, "the worker to be between two writes")
        return worker

    def end_leases_of_the_dead(self) -> None:
        """Let the time pass that it takes for the leases of dead workers to end, and have the living look."""
        with self.parts.database.write() as tx:
            for row in tx.execute(select(job.c.id, job.c.owner).where(job.c.lease_until > 0)).all():
                if row.owner is not None and not is_alive(int(row.owner.split(":")[1])):
                    tx.execute(update(job).where(job.c.id == row.id).values(lease_until=0))
        self.parts.signals.send()

    def close(self) -> None:
        process = self.server.process
        if process is not None and process.poll() is None:
            self.server.stop()
        self.parts.close()


def _is_free(lock: Path) -> bool:
    with lock.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


def _has_stopped(pid: int) -> bool:
    """A signal to stop reaches the threads one after another, a while after it was sent."""
    try:
        threads = [it.read_text() for it in Path(f"/proc/{pid}/task").glob("*/stat")]
    except (FileNotFoundError, ProcessLookupError):  # one has ended meanwhile
        return False
    return all(it.rpartition(")")[2].split()[0] == "T" for it in threads)


def is_alive(pid: int) -> bool:
    return not has_ended(pid)
