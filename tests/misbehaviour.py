"""What a decoder child may be made to do by a hostile file; runs in children only."""

import os
import resource
import signal
import socket
import sys
import time
from pathlib import Path
from threading import Thread
from typing import Any

from mediatheque import errors


def echo(**arguments: Any) -> Any:
    return arguments


def pid() -> int:
    return os.getpid()


def refuse(message: str) -> None:
    raise errors.Malformed(message)


def leak() -> None:
    raise errors.Unauthorized(errors.Unauthorized.MISSING)


def fail() -> None:
    raise KeyError("/secret/path")


def leave(code: int) -> None:
    os._exit(code)


def signal_self(number: int) -> None:
    os.kill(os.getpid(), number)
    time.sleep(10)


def sleep(seconds: float) -> int:
    time.sleep(seconds)
    return os.getpid()


def wait(begun: str, until: str) -> int:
    """From the moment at which the one file is there until the other is."""
    Path(begun).touch()
    while not Path(until).exists():
        time.sleep(0.01)
    return os.getpid()


def fork_many(marker: str) -> None:
    for _ in range(20):
        if os.fork() == 0:
            with Path(marker).open("a") as file:
                file.write(f"{os.getpid()}\n")
            time.sleep(60)
    time.sleep(60)


def eat_memory() -> int:
    return len(bytearray(2 << 30))


def fill_disk(path: str) -> None:
    with Path(path).open("wb") as file:
        file.truncate(10 << 30)


def flood() -> str:
    return "x" * (32 << 20)


def speak_garbage(data: str) -> None:
    speak(data)
    time.sleep(60)


def speak(data: str) -> None:
    for descriptor in list(Path("/proc/self/fd").iterdir()):  # the socket has the number that it had in the parent
        try:
            socket.socket(fileno=os.dup(int(descriptor.name))).send(bytes.fromhex(data))
        except OSError:
            continue


def speak_later(data: str, spoken: str) -> int:
    def late() -> None:
        time.sleep(0.1)
        speak(data)
        Path(spoken).touch()

    Thread(target=late, daemon=True).start()
    return os.getpid()


def environment() -> dict[str, str]:
    return dict(os.environ)


def limits() -> dict[str, Any]:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "core": resource.getrlimit(resource.RLIMIT_CORE),
        "cpu_left": resource.getrlimit(resource.RLIMIT_CPU)[0] - usage.ru_utime - usage.ru_stime,
        "modules": sorted(sys.modules),
        "session": os.getsid(0) == os.getpid(),
        "no_new_privs": "NoNewPrivs:\t1" in Path("/proc/self/status").read_text(),
        "network": str(Path("/proc/self/ns/net").readlink()),
    }


def burn(seconds: float) -> None:
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


def connect(port: int) -> None:
    socket.create_connection(("127.0.0.1", port), timeout=2).close()


def peak_bytes() -> int:
    """Of this process; `ru_maxrss` would also tell what its parent had before it became another program."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) << 10


def ignore_signals() -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    time.sleep(60)


def networks() -> list[str]:
    return [name for _, name in socket.if_nameindex()]
