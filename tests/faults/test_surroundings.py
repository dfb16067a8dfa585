"""A server that has nowhere to write its log (F30)."""

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests.faults.invariants import check, settle
from tests.faults.ledger import Ledger, keep, photo
from tests.faults.site import Site
from tests.support import READY_SECONDS, Server, wait_for


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
