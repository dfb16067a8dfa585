"""A server whose surroundings give out: no file descriptors left, nowhere to write its log (F24, F30)."""

import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest

from tests.faults.invariants import check, settle
from tests.faults.ledger import Ledger, keep, photo
from tests.faults.site import Site
from tests.faults.test_clients import connection
from tests.faults.test_disk import DOORS
from tests.support import READY_SECONDS, Server, wait_for

SPARE = 12
CONNECTIONS = 40


def test_without_file_descriptors_uploads_are_refused_until_there_are_some(site: Site, ledger: Ledger) -> None:
    (web,) = site.processes("web")
    soft, hard = web.rlimit(resource.RLIMIT_NOFILE)
    logged = site.server.log.stat().st_size
    with ExitStack() as clients:
        connected = [clients.enter_context(site.server.client()) for _ in range(4)]
        kept = [keep(ledger, connected[0], photo()) for _ in connected]
        settle(site)
        for http in connected:
            assert http.get("/health/live").status_code == 200  # connected from now on, whatever the server closed
        limit = web.num_fds() + SPARE
        web.rlimit(resource.RLIMIT_NOFILE, (limit, hard))
        try:
            with ExitStack() as others:
                for _ in range(CONNECTIONS):
                    others.enter_context(connection(site))
                wait_for(lambda: web.num_fds() >= limit, "the process to have no file descriptors left")
                for http, door in zip(connected, DOORS * 2, strict=True):
                    answer = http.post(door, files={"file": ("photo.jpg", photo())})
                    assert answer.status_code == 503, answer.text
                    assert int(answer.headers["retry-after"]) > 0
                assert {http.get(url).status_code for http, url in zip(connected, kept, strict=True)} <= {200, 503}
                assert {http.get("/v3/images").status_code for http in connected} <= {200, 503}
            wait_for(lambda: not any(site.staging.iterdir()), "the temporary files of those who left to be gone", 30)
            with site.server.client() as http:
                keep(ledger, http, photo())
        finally:
            web.rlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert web.is_running()
    assert b"unhandled error" not in site.server.log.read_bytes()[logged:]
    check(site, ledger)


@pytest.mark.parametrize("output", ["closed", "full"])
def test_a_server_that_cannot_write_its_log_goes_on(
    output: str, make_site: Callable[..., Site], ledger: Ledger
) -> None:
    site = make_site()
    start(site.server, output)
    with site.server.client() as http:
        keep(ledger, http, photo())
        settle(site)
        site.arm("store.sync", "eio")  # so that there is something to log
        assert http.post("/v3/images", files={"file": ("photo.jpg", photo())}).status_code == 503
        site.disarm()
        for process in site.processes("worker"):
            process.kill()
        keep(ledger, http, photo())
    check(site, ledger)
    for process in site.tree():
        assert not [it for it in standard_files(process) if str(site.server.data_dir) in it]
    assert site.server.process is not None
    site.server.process.send_signal(signal.SIGTERM)
    assert site.server.process.wait(40) == 0


def start(server: Server, output: str) -> None:
    """As a service manager may: without standard output and error, or with a full disk behind them."""
    where = ">&- 2>&- <&-" if output == "closed" else ">/dev/full 2>/dev/full"
    command = ["sh", "-c", f'exec "$0" -m mediatheque serve {where}', sys.executable]
    server.process = subprocess.Popen(command, env=server.full_environment())
    wait_for(server.is_ready, "the server to be ready", READY_SECONDS, alive=server.process)


def standard_files(process: psutil.Process) -> list[str]:
    """What the first three descriptors stand for: anything that is printed goes there."""
    folder = Path(f"/proc/{process.pid}/fd")
    return [str((folder / str(number)).readlink()) for number in range(3) if (folder / str(number)).exists()]
