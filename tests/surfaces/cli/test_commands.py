"""The other commands of the library's users, and those that tell how an installation is."""

import json
from pathlib import Path

import pytest

from tests.conftest import Tenant
from tests.pictures import picture
from tests.support import until_ready, upload
from tests.surfaces.cli.conftest import Cli


def test_a_file_is_found_listed_and_fetched(cli: Cli, photos: Path) -> None:
    (sent,) = cli("upload", "photos/2.png", "--tags", "harbour", "--json").json()["files"]
    hits = cli("search", "harbour", "--mode", "words", "--json").json()["hits"]
    assert [hit["id"] for hit in hits] == [sent["id"]]
    assert sent["id"] in cli("ls", "--kind", "image").out
    assert cli("get", sent["id"], "-o", "copy.png").code == 0
    assert Path("copy.png").read_bytes() == picture("PNG", seed=2)
    assert "is there already" in cli("get", sent["id"], "-o", "copy.png").err
    assert cli("get", sent["id"], "--json").json()["hash"] == f"sha256:{sent['sha256']}"
    assert cli("get", "00000000-0000-4000-8000-000000000000").code == 5


def test_a_link_is_added(cli: Cli) -> None:
    added = cli("link", "add", "https://example.org/", "--no-crawl", "--tags", "t", "--folder", "web", "--json").json()
    assert added["crawl_status"] == "pending"
    assert [it["id"] for it in cli("ls", "--folder", "web", "--kind", "link", "--json").json()] == [added["id"]]
    assert cli("link", "add", "ftp://example.org/").code == 6


def test_a_document_is_written_and_taken_back(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "one.md").write_text("one\n")
    (tmp_path / "two.md").write_text("two\n")
    made = cli("artifact", "create", "one.md", "--title", "Plan", "--json").json()
    room, artifact = made["room_id"], made["artifact_id"]
    assert cli("artifact", "put", artifact, "two.md", "--room", room, "--change", "more").code == 0
    assert cli("artifact", "put", artifact, "one.md", "--room", room, "--expect", "1").code == 6
    assert cli("artifact", "get", artifact, "--room", room).out == "two\n"
    assert cli("artifact", "revert", artifact, "1", "--room", room, "--json").json()["version"] == 3
    assert cli("artifact", "get", artifact, "--room", room, "--version", "2").out == "two\n"
    assert [line.split()[0] for line in cli("artifact", "history", artifact, "--room", room).out.splitlines()] == [
        "3", "2", "1",
    ]  # fmt: skip
    assert artifact in cli("artifact", "ls", "--room", room).out


def test_the_demo_makes_a_library_once(cli: Cli, tenant: Tenant) -> None:
    made = cli("demo", "--json").json()
    assert made["new"] == len(made["files"]) == 14
    assert f"asset:{made['files'][0]}" in cli("artifact", "get", made["artifact"], "--room", made["room"]).out
    assert cli("demo", "--json").json() | {"new": 14} == made


def test_the_doctor_says_what_is_wrong_and_what_to_do(cli: Cli, tenant: Tenant) -> None:
    def look(*more: str) -> dict[str, dict[str, str]]:
        answer = tenant.server.command("doctor", "--json", "--url", tenant.server.url, *more)
        return {it["part"]: it for it in json.loads(answer.stdout)}

    until_ready(tenant.client, upload(tenant.client))  # workers begin after the server is ready
    found = look()
    assert {part: it["state"] for part, it in found.items()} == {
        "settings": "good", "database": "good", "clock": "good", "workers": "good", "store": "good",
        "disk": found["disk"]["state"], "models": "doubtful", "server": "good",
    }  # fmt: skip
    here = {it["part"]: it for it in json.loads(cli("doctor", "--json", "--url", "http://127.0.0.1:1").out)}
    assert here["database"]["advice"] == "`mediatheque serve` makes it at its first start."
    assert here["server"]["state"] == "doubtful"


def test_a_setting_that_cannot_be_read_is_the_doctors_first_word(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDIATHEQUE_PORT", "many")
    ran = cli("doctor")
    assert ran.code == 1
    assert ran.out.startswith("!!  settings: MEDIATHEQUE_PORT='many'")
    assert cli("config").code == 1


def test_the_settings_are_shown_with_where_they_come_from_and_without_secrets(cli: Cli, tenant: Tenant) -> None:
    answer = tenant.server.command("config", "--json")
    rows = {row["name"]: row for row in json.loads(answer.stdout)}
    assert rows["MEDIATHEQUE_PORT"] == {
        "name": "MEDIATHEQUE_PORT", "value": str(tenant.server.port), "source": "environment",
    }  # fmt: skip
    assert rows["MEDIATHEQUE_TRASH_DAYS"]["source"] == "default"
    assert rows["MEDIATHEQUE_SECRET"]["value"] == rows["MEDIATHEQUE_ADMIN_API_KEY"]["value"] == "(hidden)"
    assert tenant.key.key not in cli("config").out
