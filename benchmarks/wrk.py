"""Load from wrk, and nginx to hold against."""

import re
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.support import free_port, wait_for

from benchmarks.machine import NGINX, WRK

CONNECTIONS = 64
THREADS = 2


def rate(url: str, seconds: int, *, headers: Sequence[str] = (), script: Path | None = None) -> float:
    """Answers/s; fails on answers other than 2xx and 3xx."""
    assert WRK is not None
    command = [WRK, f"-t{THREADS}", f"-c{CONNECTIONS}", f"-d{seconds}s"]
    for header in headers:
        command += ["-H", header]
    if script is not None:
        command += ["-s", str(script)]
    text = subprocess.run([*command, url], capture_output=True, text=True, check=True).stdout
    assert "Non-2xx" not in text and "Socket errors" not in text, text
    found = re.search(r"Requests/sec:\s+([\d.]+)", text)
    assert found is not None, text
    return float(found[1])


@contextmanager
def nginx(folder: Path) -> Iterator[str]:
    """nginx over the files of `folder / "files"`, two workers; its base URL."""
    assert NGINX is not None
    port = free_port()
    (folder / "files").mkdir(parents=True, exist_ok=True)
    configuration = folder / "nginx.conf"
    configuration.write_text(_CONFIGURATION.format(folder=folder, port=port))
    for parent in (folder, *folder.parents[:2], folder / "files"):
        parent.chmod(0o755)
    process = subprocess.Popen([NGINX, "-p", str(folder), "-c", str(configuration), "-e", "error.log"])
    try:
        wait_for((folder / "nginx.pid").exists, "nginx to start", alive=process)
        time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


_CONFIGURATION = """
daemon off;
worker_processes 2;
pid nginx.pid;
error_log error.log;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  sendfile on;
  tcp_nopush on;
  keepalive_requests 1000000;
  open_file_cache max=1000;
  open_file_cache_valid 60s;
  client_body_temp_path body;
  proxy_temp_path proxy;
  fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi;
  scgi_temp_path scgi;
  types {{ image/jpeg jpg; }}
  server {{
    listen 127.0.0.1:{port} backlog=1024;
    root {folder}/files;
    add_header Cache-Control "public, max-age=31536000, immutable";
  }}
}}
"""
