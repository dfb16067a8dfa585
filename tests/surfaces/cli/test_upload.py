"""`mediatheque upload`: what is sent, what is not, and that its report can be trusted."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from mediatheque.client import Client, ConnectionFailed
from mediatheque.surfaces.cli.journal import Journal, Seen
from tests.client.breaking import Breaking, large_picture
from tests.conftest import Tenant
from tests.pictures import picture
from tests.support import free_port, wait_for
from tests.surfaces.cli.conftest import Cli

MANY = int(os.environ.get("MEDIATHEQUE_TEST_UPLOADS", "1000"))
"""Small files that are sent by a run that is killed; ten thousand to see it in full."""


def names(tenant: Tenant) -> list[str]:
    found = tenant.client.get("/api/v2/user-files", params={"limit": 100}).json()["files"]
    return sorted(it["filename"] for it in found)


def total(tenant: Tenant) -> int:
    return int(tenant.client.get("/api/v2/user-files", params={"limit": 1}).json()["total_count"])


def test_a_folder_is_sent_once(cli: Cli, tenant: Tenant, photos: Path) -> None:
    would = cli("upload", "photos", "--dry-run", "--json").json()
    assert (would["to_send"], would["sent"], names(tenant)) == (4, 0, [])
    told = cli("upload", "photos", "--folder", "a/b", "--tags", "x, y", "--json").json()
    assert {name: told[name] for name in ("found", "sent", "known", "skipped", "failed")} == {
        "found": 6, "sent": 4, "known": 1, "skipped": 1, "failed": 0,
    }  # fmt: skip
    assert names(tenant) == ["0.png", "1.png", "2.png", "3.png"]
    assert {it["id"] for it in told["files"] if it["state"] != "skipped"} == {
        it["id"] for it in cli("ls", "--folder", "a/b", "--tags", "x,y", "--json").json()
    }
    again = cli("upload", "photos")
    assert again.code == 0
    assert again.out.startswith("6 files: 0 sent (0 B), 5 were there already, 1 skipped, 0 failed; ")


def test_a_file_that_is_refused_is_named_and_the_others_are_sent(cli: Cli, tenant: Tenant, photos: Path) -> None:
    (photos / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    ran = cli("upload", "photos")
    assert ran.code == 1
    assert ", 1 failed;" in ran.out
    assert f"failed: photos{os.sep}broken.png: " in ran.err
    assert "[400 UNSUPPORTED_FILE_TYPE]" in ran.err
    assert len(names(tenant)) == 4


def test_a_changed_file_is_sent_again(cli: Cli, tenant: Tenant, photos: Path) -> None:
    assert cli("upload", "photos/1.png", "--json").json()["sent"] == 1
    (photos / "1.png").write_bytes(picture("PNG", seed=77))
    assert cli("upload", "photos/1.png", "--json").json()["sent"] == 1
    assert names(tenant) == ["1.png", "1.png"]


def test_a_deleted_file_is_sent_again(cli: Cli, tenant: Tenant, photos: Path) -> None:
    (sent,) = cli("upload", "photos/1.png", "--json").json()["files"]
    assert tenant.client.delete(f"/api/v2/user-files/{sent['id']}").status_code == 200
    assert cli("upload", "photos/1.png", "--json").json()["sent"] == 1


def test_without_a_server_or_a_key_it_says_so(cli: Cli, photos: Path) -> None:
    denied = cli("upload", "photos", "--api-key", "mt_live_nobody")
    assert (denied.code, "INVALID_API_KEY" in denied.err) == (4, True)
    assert cli("upload", "nothing-here").code == 2


def test_a_server_that_does_not_answer_is_told_by_the_exit_code(environment: dict[str, str], photos: Path) -> None:
    environment["MEDIATHEQUE_URL"] = f"http://127.0.0.1:{free_port()}"
    answer = subprocess.run(
        [sys.executable, "-m", "mediatheque", "upload", str(photos), "--json"],
        env={**os.environ, **environment}, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert answer.returncode == 3
    assert "refused" in answer.stderr


@pytest.mark.parametrize("count", [60, pytest.param(MANY, marks=pytest.mark.slow)])
def test_after_kill_9_the_next_run_sends_the_rest_and_nothing_twice(
    count: int, cli: Cli, tenant: Tenant, environment: dict[str, str], tmp_path: Path
) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    for seed in range(count):
        (folder / f"{seed:05d}.txt").write_text(f"This is file {seed} of {count}.\n")
    command = [sys.executable, "-m", "mediatheque", "upload", str(folder), "--concurrency", "2", "--json"]
    running = subprocess.Popen(command, env={**os.environ, **environment}, stdout=subprocess.DEVNULL)
    wait_for(lambda: total(tenant) >= count // 10, "the first tenth of the files", 600)
    running.send_signal(signal.SIGKILL)
    running.wait()
    before = total(tenant)
    told = cli("upload", "many", "--json").json()
    assert told["sent"] + told["known"] == count
    assert before - 2 <= told["known"] <= count - told["sent"]
    assert total(tenant) == count
    listed = [it["filename"] for it in cli("ls", "--limit", str(count), "--json").json()]
    assert sorted(listed) == [f"{seed:05d}.txt" for seed in range(count)]


def test_a_large_file_goes_on_where_a_killed_run_was(cli: Cli, tenant: Tenant, tmp_path: Path) -> None:
    url, key, begun = tenant.server.url, tenant.key.key, list[str]()
    large = large_picture(tmp_path / "large.png")
    with Client(url, api_key=key, retries=0, transport=Breaking("PATCH", 1)) as client, pytest.raises(ConnectionFailed):
        client.files.upload(large, on_begin=begun.append)
    stat = large.stat()
    Journal(url, key).keep(large, Seen(stat.st_size, stat.st_mtime_ns, upload_id=begun[0]))
    (sent,) = cli("upload", "large.png", "--json").json()["files"]
    upload = tenant.client.head(f"/api/v2/uploads/tus/{begun[0]}", headers={"Tus-Resumable": "1.0.0"})
    assert (sent["state"], sent["id"]) == ("sent", upload.headers["upload-asset"])
    assert Journal(url, key).of(large, stat).upload_id is None


def test_what_is_watched_is_sent_when_it_comes(tenant: Tenant, environment: dict[str, str], photos: Path) -> None:
    hears = ["env", "--default-signal=INT"]  # also when a shell runs the tests in the background, which has it ignored
    command = [*hears, sys.executable, "-m", "mediatheque", "upload", str(photos), "--watch", "--json"]
    running = subprocess.Popen(command, env={**os.environ, **environment}, stdout=subprocess.PIPE, text=True)
    try:
        assert running.stdout is not None
        assert json.loads(running.stdout.readline())["sent"] == 4
        (photos / "new.png").write_bytes(picture("PNG", seed=50))
        assert json.loads(running.stdout.readline())["sent"] == 1
        running.send_signal(signal.SIGINT)
        assert running.wait(30) == 0
    finally:
        running.kill()
    assert "new.png" in names(tenant)
