"""The tests that dial forbidden addresses run where none of them is: in a network of loopback alone."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest


def test_nothing_forbidden_is_reached_from_a_network_of_loopback_alone(tmp_path: Path) -> None:
    _runs(tmp_path, "not slow")


@pytest.mark.slow
def test_the_corpus_is_understood_without_a_network(tmp_path: Path) -> None:
    _runs(tmp_path, "slow")


def _runs(folder: Path, which: str) -> None:
    namespaces = ["unshare", "--net", "--mount", *([] if _is_root() else ["--user", "--map-root-user"])]
    if not shutil.which("ip") or subprocess.run([*namespaces, "true"], capture_output=True).returncode:
        pytest.skip("no namespaces here")
    command = [*namespaces, sys.executable, "-m", "tests.isolated", "-q", "-p", "no:cacheprovider", "-m", which]
    command.append(f"--basetemp={folder / 'inside'}")
    done = subprocess.run(command, capture_output=True, text=True, timeout=560)
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]


def _is_root() -> bool:
    return subprocess.run(["id", "-u"], capture_output=True, text=True).stdout.strip() == "0"
