"""Settings: a bad one stops the start with one line that names the variable, its value and what it takes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mediatheque.settings import PREFIX, Settings, SettingsError, read_settings
from tests.support import Server

PASSWORD = "hunter2"

BAD = {
    "PORT": ("eighty", "integer"),
    "WORKERS": ("-1", "greater than or equal to 0"),
    "DECODER_MEMORY_MB": ("1", "greater than or equal to 256"),
    "STORAGE_QUOTA": ("1GB", "integer"),
    "RATE_LIMIT": ("lots", "rate limit"),
    "PUBLIC_URL": ("nonsense", "valid URL"),
    "JWKS_URL": ("nonsense", "valid URL"),
    "LOG_FORMAT": ("xml", "'console' or 'json'"),
    "DATABASE_URL": ("mysql:///library", "postgresql://"),
    "STORAGE_URL": ("/folder", "file:///folder"),
    "REDIS_URL": ("memcached://there", "redis://"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_value_is_told_in_one_line(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    value, takes = BAD[name]
    monkeypatch.setenv(PREFIX + name, value)
    with pytest.raises(SettingsError) as refusal:
        read_settings()
    line = str(refusal.value)
    assert line.startswith(f"{PREFIX}{name}={value!r}: ")
    assert takes in line
    assert "\n" not in line


def test_a_bad_value_stops_the_start_before_anything_is_made(tmp_path: Path) -> None:
    server = Server(tmp_path / "data", {"MEDIATHEQUE_PORT": "eighty"})
    answer = server.command("serve")
    assert answer.returncode == 1
    assert answer.stderr.startswith("mediatheque: MEDIATHEQUE_PORT='eighty': ")
    assert answer.stderr.count("\n") == 1
    assert not server.data_dir.exists()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", f"postgresql://library:{PASSWORD}@127.0.0.1:1/library"),
        ("DATABASE_URL", f"mysql://library:{PASSWORD}@127.0.0.1/library"),
        ("DATABASE_URL", f"mysql://127.0.0.1/library?password={PASSWORD}"),
        ("REDIS_URL", f"memcached://:{PASSWORD}@127.0.0.1"),
        ("STORAGE_URL", f"gopher://key:{PASSWORD}@127.0.0.1/bucket"),
        ("STORAGE_URL", "gopher://127.0.0.1/bucket"),
        ("STORAGE_URL", "file:///proc/nowhere"),
        ("DATA_DIR", "/proc/nowhere"),
        ("HOST", "no.such.host.invalid"),
    ],
)
def test_what_a_setting_names_and_is_not_there_is_told_in_one_line_without_passwords(
    name: str, value: str, tmp_path: Path
) -> None:
    answer = Server(tmp_path / "data", {PREFIX + name: value}).command("serve")
    assert answer.returncode == 1
    assert answer.stderr.count("\n") == 1, answer.stderr
    assert answer.stderr.startswith(f"mediatheque: {PREFIX}{name}=") or name == "HOST"
    assert PASSWORD not in answer.stderr + answer.stdout
    assert "First API key" not in answer.stdout


@pytest.mark.parametrize("name", ["secret", "admin_password", "admin_api_key"])
def test_secrets_are_never_shown(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError) as refusal:
        read_settings(**{name: [PASSWORD]})
    assert PASSWORD not in str(refusal.value)
    assert str(refusal.value).startswith(f"{PREFIX}{name.upper()}=(hidden): ")


def test_an_outside_issuer_needs_issuer_and_audience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDIATHEQUE_JWKS_URL", "https://issuer.example/keys")
    with pytest.raises(SettingsError, match="MEDIATHEQUE_JWKS_URL needs MEDIATHEQUE_JWT_ISSUER"):
        read_settings()


def test_an_empty_variable_is_one_that_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDIATHEQUE_PORT", "")
    assert read_settings().port == 8000


def test_lists_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDIATHEQUE_CORS_ORIGINS", "https://a.example, https://b.example,")
    assert read_settings().cors_origins == ("https://a.example", "https://b.example")


def test_every_setting_has_its_line_of_help() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


def test_the_table_in_the_manual_is_that_of_the_code() -> None:
    root = Path(__file__).parents[1]
    answer = subprocess.run(
        [sys.executable, "docs/settings_table.py", "--check"], cwd=root, env=os.environ, capture_output=True, text=True
    )
    assert answer.returncode == 0, answer.stderr
