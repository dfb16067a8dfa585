import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pytest

from mediatheque import errors
from mediatheque.decoder import DecoderFailed, Decoders
from tests.pools import MISBEHAVIOUR, pool
from tests.support import has_ended, wait_for


@pytest.fixture
def decoders() -> Iterator[Decoders]:
    with pool() as decoders:
        yield decoders


def call(decoders: Decoders, function: str, **arguments: Any) -> Any:
    return decoders.run(MISBEHAVIOUR + function, **arguments)


def is_gone(pid: int) -> bool:
    """Waits for it."""
    wait_for(lambda: has_ended(pid), f"the end of {pid}")
    return True


def test_arguments_and_results_are_json(decoders: Decoders) -> None:
    assert call(decoders, "echo", text="é\0", many=[1, None, 2.5]) == {"text": "é\0", "many": [1, None, 2.5]}


def test_a_refusal_keeps_its_class_and_message(decoders: Decoders) -> None:
    with pytest.raises(errors.Malformed, match=r"^cut short$"):
        call(decoders, "refuse", message="cut short")
    first = call(decoders, "pid")
    with pytest.raises(errors.Malformed):
        call(decoders, "refuse", message="again")
    assert call(decoders, "pid") == first


def test_a_child_can_raise_no_error_that_is_not_about_bytes(decoders: Decoders) -> None:
    with pytest.raises(DecoderFailed):
        call(decoders, "leak")


def test_a_bug_says_only_its_class(decoders: Decoders) -> None:
    with pytest.raises(DecoderFailed) as caught:
        call(decoders, "fail")
    assert caught.value.reason == "failed (KeyError)"
    assert "fail" in caught.value.__notes__[0]


@pytest.mark.parametrize(
    ("function", "arguments", "reason"),
    [
        ("signal_self", {"number": signal.SIGKILL}, "crashed (signal 9)"),
        ("signal_self", {"number": signal.SIGSEGV}, "crashed (signal 11)"),
        ("signal_self", {"number": signal.SIGXCPU}, "out of CPU time"),
        ("leave", {"code": 3}, "crashed (exit 3)"),
        ("leave", {"code": 0}, "ended early"),
        ("eat_memory", {}, "out of memory"),
        ("flood", {}, "crashed (exit 1)"),
        ("speak_garbage", {"data": "ffffffff"}, "gave no valid answer"),
        ("speak_garbage", {"data": "00000002ffff"}, "gave no valid answer"),
        ("speak_garbage", {"data": "00000002" + b"[]".hex()}, "gave no valid answer"),
        ("speak_garbage", {"data": "00000003"}, "timed out"),
        ("sleep", {"seconds": 60}, "timed out"),
        ("ignore_signals", {}, "timed out"),
    ],
)
def test_a_child_that_ends_badly_fails_its_own_call_only(
    decoders: Decoders, function: str, arguments: dict[str, Any], reason: str
) -> None:
    before = call(decoders, "pid")
    with pytest.raises(DecoderFailed) as caught:
        decoders.run(MISBEHAVIOUR + function, timeout_seconds=1 if reason == "timed out" else 30, **arguments)
    assert caught.value.reason == reason
    assert is_gone(before)
    assert call(decoders, "pid") != before


def test_what_a_child_started_dies_with_it(decoders: Decoders, tmp_path: Path) -> None:
    marker = tmp_path / "pids"
    with pytest.raises(DecoderFailed, match="timed out"):
        decoders.run(MISBEHAVIOUR + "fork_many", timeout_seconds=10, marker=str(marker))  # until all 20 are there
    pids = [int(line) for line in marker.read_text().split()]
    assert len(pids) == 20
    assert all(is_gone(pid) for pid in pids)


def test_a_file_cannot_grow_without_bound(decoders: Decoders, tmp_path: Path) -> None:
    with pytest.raises(DecoderFailed, match=r"failed \(OSError\)"):
        call(decoders, "fill_disk", path=str(tmp_path / "large"))


def test_a_child_killed_while_idle_is_not_noticed(decoders: Decoders) -> None:
    first = call(decoders, "pid")
    os.kill(first, signal.SIGKILL)
    assert is_gone(first)
    time.sleep(0.05)
    assert call(decoders, "pid") != first


def test_an_idle_child_ends_by_itself() -> None:
    with pool(idle_seconds=0.2) as decoders:
        first = call(decoders, "pid")
        assert is_gone(first)
        assert call(decoders, "pid") != first


def test_calls_at_the_moment_of_idle_exit_succeed() -> None:
    with pool(idle_seconds=0.02) as decoders:
        for _ in range(10):
            assert call(decoders, "pid")
            time.sleep(0.02)


def test_a_child_is_replaced_after_its_number_of_files() -> None:
    with pool(files_per_child=2) as decoders:
        pids = [call(decoders, "pid") for _ in range(4)]
    assert pids[0] == pids[1] != pids[2] == pids[3]


def test_a_warm_child_serves_the_first_call() -> None:
    others = set(psutil.Process().children())
    with pool(preload=("tests.misbehaviour",)) as decoders:
        decoders.warm()
        wait_for(lambda: bool(set(psutil.Process().children()) - others), "the child")
        time.sleep(0.1)
        (child,) = set(psutil.Process().children()) - others
        assert call(decoders, "pid") == child.pid


def test_a_pool_runs_as_many_children_as_its_size() -> None:
    with pool(2) as decoders, ThreadPoolExecutor(6) as threads:
        pids = list(threads.map(lambda _: call(decoders, "sleep", seconds=0.1), range(6)))
    assert len(set(pids)) == 2


def test_a_call_that_finds_no_free_child_in_time_is_refused(tmp_path: Path) -> None:
    begun, until = tmp_path / "begun", tmp_path / "until"
    with pool(wait_seconds=0.1) as decoders, ThreadPoolExecutor(1) as threads:
        busy = threads.submit(call, decoders, "wait", begun=str(begun), until=str(until))
        wait_for(begun.exists, "the child to be busy")
        with pytest.raises(errors.Unavailable):
            call(decoders, "pid")
        until.touch()
        assert busy.result()


def test_a_child_outlives_the_thread_that_asked_first(decoders: Decoders) -> None:
    pids: list[int] = []
    thread = threading.Thread(target=lambda: pids.append(call(decoders, "pid")))
    thread.start()
    thread.join()
    time.sleep(0.1)
    assert call(decoders, "pid") == pids[0]


def test_closing_ends_calls_under_way(tmp_path: Path) -> None:
    begun = tmp_path / "begun"
    with pool() as decoders, ThreadPoolExecutor(1) as threads:
        busy = threads.submit(call, decoders, "wait", begun=str(begun), until=str(tmp_path / "never"))
        wait_for(begun.exists, "the call to be under way")
        decoders.close()
        with pytest.raises(DecoderFailed):
            busy.result(timeout=30)
        with pytest.raises(errors.Unavailable):
            call(decoders, "pid")


def test_only_decoding_functions_may_be_named(decoders: Decoders) -> None:
    with pytest.raises(ValueError, match="not a decoding function"):
        decoders.run("os:system", command="true")


def test_secrets_and_proxies_do_not_reach_a_child(decoders: Decoders, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MEDIATHEQUE_SECRET_KEY", "HTTP_PROXY", "https_proxy", "AWS_SECRET_ACCESS_KEY", "HOME"):
        monkeypatch.setenv(name, "secret")
    assert "secret" not in call(decoders, "environment").values()


def test_a_child_is_limited_and_small(decoders: Decoders) -> None:
    limits = call(decoders, "limits")
    assert limits["core"] == [0, 0]
    assert limits["session"]
    assert limits["no_new_privs"]
    assert not {"fastapi", "sqlalchemy", "pyvips", "numpy", "magic"} & set(limits["modules"])


def test_cpu_seconds_count_for_each_file_anew(decoders: Decoders) -> None:
    call(decoders, "burn", seconds=2)
    assert 59 <= call(decoders, "limits")["cpu_left"] <= 62


def test_a_child_has_no_network_where_the_kernel_allows_it(decoders: Decoders) -> None:
    if call(decoders, "limits")["network"] == str(Path("/proc/self/ns/net").readlink()):
        pytest.skip("new namespaces are not allowed here")
    with socket.create_server(("127.0.0.1", 0)) as server, pytest.raises(DecoderFailed, match="OSError"):
        call(decoders, "connect", port=server.getsockname()[1])


def test_answers_nobody_asked_for_are_not_taken_for_the_next_file(decoders: Decoders, tmp_path: Path) -> None:
    spoken = tmp_path / "spoken"
    before = call(decoders, "speak_later", data=(b"\0\0\0\x0d" + b'{"result": 1}').hex(), spoken=str(spoken))
    wait_for(spoken.exists, "the child to speak")
    assert call(decoders, "pid") not in (1, before)


def test_processes_that_only_ask_stay_light() -> None:
    modules = "mediatheque.decoder, mediatheque.kinds.image, mediatheque.skills.variants"
    script = f"import sys, {modules}; print(sorted(sys.modules))"
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True, text=True)
    assert not [name for name in ("pyvips", "numpy", "PIL", "magic", "pi_heif") if f"'{name}'" in answer.stdout]


def test_children_die_with_their_parent() -> None:
    script = """
import threading, time
from tests.pools import MISBEHAVIOUR, pool
with pool() as decoders:
    print(decoders.run(MISBEHAVIOUR + "pid"), flush=True)
    decoders.run(MISBEHAVIOUR + "sleep", seconds=60)
"""
    command = [sys.executable, "-c", script]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=Path(__file__).parents[1]) as parent:
        assert parent.stdout
        child = int(parent.stdout.readline())
        parent.kill()
        assert is_gone(child)
