"""A page of docs/ as a reader goes through it: its commands in a shell, its files in a folder, its answers as printed.

Ids, keys and moments of a page are examples: the first time one stands in an answer, what is really there is learned,
and takes its place from then on, in commands and in answers. `…` is anything. Where a page prints no answer, none is
looked at.
"""

import codecs
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.documents import pdf
from tests.pictures import picture
from tests.support import free_port

ROOT = Path(__file__).parents[1]
BLOCK = re.compile(r'^```(\w*)(?: title="([^"]+)")?\n(.*?)^```$', re.MULTILINE | re.DOTALL)
EXAMPLE = re.compile(
    r"(?P<uuid>[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12})"
    r"|(?P<ulid>(?<![0-9A-Z])[0-7][0-9A-HJKMNP-TV-Z]{25}(?![0-9A-Z]))"
    r"|(?P<secret>(?:mt_live_|whsec_)(?:\w*…|[\w+/=-]{20,}))"
    r"|(?P<hash>\b[0-9a-f]{64}\b)"
    r"|(?P<moment>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?)"
    r"|(?P<anything>…)"
)
REAL = {
    "uuid": r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}",
    "ulid": r"[0-7][0-9A-HJKMNP-TV-Z]{25}",
    "secret": r"(?:mt_live_|whsec_)[\w+/=-]+",
    "hash": r"[0-9a-f]{64}",
}
MOMENT = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?"
ONLY_LOOKS = re.compile(
    r"(?!.* (?:-X|-d|-F|-T|--data\S*) )(?:curl|cat|grep|mediatheque (?:search|ls|doctor))\b", re.DOTALL
)
PATIENCE_SECONDS = 90
ADDRESS, RECEIVER = "127.0.0.1:8000", "127.0.0.1:9000"
"""Of the pages."""
MARK = "the-command-has-ended"


@dataclass(frozen=True)
class Step:
    """A command with the answer that the page prints, or a file that it has one write."""

    command: str = ""
    answer: str = ""
    is_left_running: bool = False
    file: str = ""
    content: str = ""


def steps(page: Path) -> Iterator[Step]:
    """In a `console` block with a title, the last command goes on in a terminal of its own.

    Any other block with a title is a file of that name.
    """
    for language, title, text in BLOCK.findall(page.read_text()):
        if language == "console":
            *first, last = _commands(text)
            yield from (Step(*it) for it in first)
            yield Step(*last, is_left_running=bool(title))
        elif title:
            yield Step(file=title, content=text)


def _commands(text: str) -> Iterator[tuple[str, str]]:
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        lines = part.splitlines()
        length = next(n for n in range(1, len(lines) + 1) if _is_whole("\n".join(lines[:n])))
        yield "\n".join(lines[:length]), "\n".join(lines[length:]).strip()


def _is_whole(command: str) -> bool:
    try:
        shlex.split(command, comments=True)
    except ValueError:  # a quotation goes on
        return False
    return not command.endswith("\\")


@dataclass
class Shell:
    """One bash, in which variables and background jobs stay; all of it is gone when it is closed."""

    folder: Path
    environment: Mapping[str, str]
    output: Path
    patience_seconds: float
    process: "subprocess.Popen[str]" = field(init=False)
    read: int = 0

    def __post_init__(self) -> None:
        with self.output.open("wb") as told:
            self.process = subprocess.Popen(
                ["bash", "--norc"], cwd=self.folder, env=dict(self.environment), stdin=subprocess.PIPE, stdout=told,
                stderr=subprocess.STDOUT, text=True, start_new_session=True,
            )  # fmt: skip

    def begin(self, command: str) -> None:
        assert self.process.stdin is not None
        self.read = self.output.stat().st_size
        self.process.stdin.write(f"{{ {command}\n}} </dev/null\necho {MARK} $?\n")
        self.process.stdin.flush()

    def told(self) -> str:
        """What came since the command began."""
        text, _ = codecs.utf_8_decode(self.output.read_bytes()[self.read :])  # the last letter may be half written
        return text.replace("\r\n", "\n")

    def run(self, command: str) -> tuple[str, int]:
        """What it says, and its exit code."""
        self.begin(command)
        deadline = time.monotonic() + self.patience_seconds
        while not (ended := re.search(rf"{MARK} (\d+)\n$", self.told())):
            assert time.monotonic() < deadline, f"{command!r} does not end; so far: {self.told()}"
            time.sleep(0.01)
        return self.told()[: ended.start()], int(ended[1])

    def close(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(30)
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@dataclass
class Reader:
    """Goes through pages. `places` are what stands for the page's addresses here: `127.0.0.1:8000` for example."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)
    skips: tuple[str, ...] = ()
    """Beginnings of commands that are left out."""
    python: Path = Path(sys.executable)
    patience_seconds: float = PATIENCE_SECONDS
    learned: dict[str, str] = field(default_factory=dict)
    shells: list[Shell] = field(default_factory=list)

    def follow(self, page: Path) -> int:
        """Do all that the page says; how many commands that were. Fails at the first that does something else."""
        here, done = self._shell(), 0
        for step in steps(page):
            if step.file:
                (self.folder / step.file).write_text(self.real(step.content))
            elif not step.command.startswith(self.skips or ("\0",)):
                self._leave_running(step) if step.is_left_running else self._try(here, step)
                done += 1
        return done

    def close(self) -> None:
        while self.shells:
            self.shells.pop().close()

    def _try(self, shell: Shell, step: Step) -> None:
        """A command that only looks is run again for a while: a reader is not as quick as we are."""
        deadline = time.monotonic() + self.patience_seconds
        while True:
            told, code = shell.run(self.real(step.command))
            if code == 0 and self.holds(step.answer, told):
                return
            can_wait = ONLY_LOOKS.match(step.command) and time.monotonic() < deadline
            assert can_wait, f"$ {step.command}\n{told}\n(exit code {code}); the page has:\n{step.answer}"
            time.sleep(0.2)

    def _leave_running(self, step: Step) -> None:
        shell, deadline = self._shell(), time.monotonic() + self.patience_seconds
        shell.begin(self.real(step.command))
        while not self.holds(step.answer, shell.told(), begins=True):
            assert MARK not in shell.told(), f"$ {step.command}\nhas ended: {shell.told()}"
            assert time.monotonic() < deadline, f"$ {step.command}\n{shell.told()}\nthe page has:\n{step.answer}"
            time.sleep(0.05)

    def holds(self, expected: str, told: str, *, begins: bool = False) -> bool:
        """Whether the answer is the page's; what stands for the page's examples is learned then."""
        pattern, names = self._pattern(expected)
        found = (pattern.match if begins else pattern.fullmatch)(told.strip())
        if expected and found:
            self.learned |= {example: found[group] for example, group in names.items()}
        return not expected or found is not None

    def real(self, text: str) -> str:
        known = self.learned | self.places
        return re.sub("|".join(map(re.escape, known)), lambda it: known[it[0]], text) if known else text

    def _pattern(self, expected: str) -> tuple["re.Pattern[str]", dict[str, str]]:
        """What an answer has to look like, and the group that each new example is."""
        parts, names, end = list[str](), dict[str, str](), 0
        for it in EXAMPLE.finditer(expected):
            parts.append(re.escape(self.real(expected[end : it.start()])))
            parts.append(self._part(str(it.lastgroup), it[0], names))
            end = it.end()
        parts.append(re.escape(self.real(expected[end:])))
        return re.compile("".join(parts), re.DOTALL), names

    def _part(self, kind: str, example: str, names: dict[str, str]) -> str:
        if kind == "anything":
            return ".*?"
        if kind == "moment":
            return MOMENT
        if example in self.learned:
            return re.escape(self.learned[example])
        if example in names:
            return f"(?P={names[example]})"
        names[example] = f"example{len(names)}"
        return f"(?P<{names[example]}>{REAL[kind]})"

    def _shell(self) -> Shell:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("MEDIATHEQUE_")}
        path = f"{self.python.parent}{os.pathsep}{clean['PATH']}"
        own = {"HOME": str(self.folder), "PATH": path, "NO_COLOR": "1", "COLUMNS": "200"}
        output = self.folder.parent / f"{self.folder.name}-{len(self.shells)}.log"
        self.shells.append(Shell(self.folder, clean | self.environment | own, output, self.patience_seconds))
        return self.shells[-1]


@contextmanager
def reading(folder: Path, **options: Any) -> Iterator[Reader]:
    """A reader in a folder; what it started ends with it."""
    folder.mkdir(exist_ok=True)
    reader = Reader(folder, **options)
    try:
        yield reader
    finally:
        reader.close()


@contextmanager
def beginner(folder: Path, **options: object) -> Iterator[Reader]:
    """A reader without a server, who has ports of his own."""
    files(folder)
    port = free_port()
    environment = {"MEDIATHEQUE_PORT": str(port), "MEDIATHEQUE_MODELS": "off", "MEDIATHEQUE_WORKERS": "1"}
    environment |= {"MEDIATHEQUE_URL": f"http://127.0.0.1:{port}", "MEDIATHEQUE_STATE_DIR": str(folder / "state")}
    receiver = free_port()
    places = {
        ADDRESS: f"127.0.0.1:{port}",
        RECEIVER: f"127.0.0.1:{receiver}",
        '"127.0.0.1", 9000': f'"127.0.0.1", {receiver}',
    }
    with reading(folder, environment=environment, places=places, **options) as reader:
        yield reader


def files(folder: Path) -> None:
    """What a reader has at hand."""
    (folder / "Pictures").mkdir(parents=True)
    for seed in range(4):
        (folder / "Pictures" / f"{seed}.jpg").write_bytes(picture("JPEG", seed=seed))
    (folder / "photo.jpg").write_bytes(picture("JPEG", 1600, 1200))
    (folder / "sunset.jpg").write_bytes(picture("JPEG", 1200, 800, seed=5))
    (folder / "notes.txt").write_text("The boat leaves at nine.\n")
    (folder / "paper.pdf").write_bytes(pdf("what it says"))
