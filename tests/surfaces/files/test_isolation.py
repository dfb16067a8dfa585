"""The tests that dial forbidden addresses run where none of them is: in a network of loopback alone."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest


def test_nothing_forbidden_is_reached_from_a_network_of_loopback_alone(tmp_path: Path) -> None:
    namespaces = ["unshare", "--net", "--mount", *([] if _is_root() else ["--user", "--map-root-user"])]
    if not shutil.which("ip") or subprocess.run([*namespaces, "true"], capture_output=True).returncode:
        pytest.skip("no namespaces here")
    command = [*namespaces, sys.executable, "-m", "tests.isolated", "-q", "-p", "no:cacheprovider"]
    command.append(f"--basetemp={tmp_path / 'inside'}")
    done = subprocess.run(command, capture_output=True, text=True, timeout=560)
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]


def _is_root() -> bool:
    return subprocess.run(["id", "-u"], capture_output=True, text=True).stdout.strip() == "0"
