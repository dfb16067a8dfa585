"""A real nginx with the configuration of `deploy/`, in front of a server of the tests."""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.support import free_port, wait_for

NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
DEPLOY = Path(__file__).parents[1] / "deploy"


def configuration(folder: Path, port: int, servers: Sequence[str], objects: Path) -> Path:
    """The files of `deploy/nginx` with the places of this machine in them; fails when one of those is not named."""
    site = (DEPLOY / "nginx" / "mediatheque.conf").read_text()
    for before, after in (
        ("    server api-1:8000 max_fails", f"    server {servers[0]} max_fails"),
        ("    server api-2:8000 max_fails", f"    server {servers[-1]} max_fails"),
        ("listen 8080 backlog=1024 reuseport;", f"listen 127.0.0.1:{port};"),
        ("/var/cache/nginx/mediatheque", str(folder / "cache")),
        ("/srv/media/", f"{objects}/"),
    ):
        assert before in site, before
        site = site.replace(before, after)
    (folder / "conf.d").mkdir(parents=True)
    (folder / "conf.d" / "mediatheque.conf").write_text(site)
    around = (DEPLOY / "nginx" / "nginx.conf").read_text().replace("/tmp/", f"{folder}/")
    around = around.replace("/etc/nginx/conf.d", str(folder / "conf.d"))
    user = "" if os.geteuid() else "user root;\n"  # as whoever owns the objects
    (folder / "nginx.conf").write_text(f"{user}daemon off;\n{around}")
    return folder / "nginx.conf"


@contextmanager
def in_front(folder: Path, servers: Sequence[str], objects: Path, *, workers: str = "auto") -> Iterator[str]:
    """The base URL of an nginx before these servers (`host:port`), over the objects of their local storage."""
    assert NGINX is not None
    port = free_port()
    written = configuration(folder, port, servers, objects)
    written.write_text(written.read_text().replace("worker_processes auto;", f"worker_processes {workers};"))
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([NGINX, "-p", str(folder), "-c", str(written)], stdout=log, stderr=log)
    try:
        wait_for((folder / "nginx.pid").exists, "nginx to start", 30, alive=process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)
