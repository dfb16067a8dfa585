"""What `mediatheque doctor` looks at: each part of an installation, what is wrong with it, and what to do."""

import shutil
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx

from mediatheque.app import make_shelf, make_store
from mediatheque.core.health import Look
from mediatheque.errors import LibraryError
from mediatheque.model import Queue
from mediatheque.places import database_url, storage_url
from mediatheque.records import workers
from mediatheque.records.engine import Database
from mediatheque.records.schema import HEAD, revision_of
from mediatheque.settings import Settings, SettingsError, read_settings, setting

LOW_BYTES, FULL_BYTES = 2 << 30, 200 << 20
SKEW_SECONDS = 5
HEARD_SECONDS = 60


def looks(server_url: str) -> Iterator[Look]:
    """Every part in turn; a setting that cannot be read is the only one then."""
    try:
        settings = read_settings()
    except SettingsError as error:
        yield Look("settings", Look.WRONG, str(error), "Set the variable as it says, and start again.")
        return
    yield Look("settings", Look.GOOD, f"{settings.base_url}, data in {settings.data_dir.absolute()}")
    for name, look in _PARTS.items():
        try:
            yield from look(settings)
        except (LibraryError, OSError, SettingsError) as error:
            yield Look(name, Look.WRONG, _reason(error), _ADVICE[name])
    yield _server(server_url)


def _reason(error: Exception) -> str:
    """What the driver said, where it is known: an operator may see it, as no client may."""
    said = str(getattr(error.__cause__, "orig", None) or error)
    return next(iter(said.splitlines()), type(error).__name__)


def _database(settings: Settings) -> Iterator[Look]:
    where = setting("database_url", database_url(settings)).partition("=")[2].strip("'")
    if settings.is_embedded and not (settings.data_dir / "mediatheque.db").exists() and not settings.database_url:
        yield Look("database", Look.DOUBTFUL, "there is none yet", "`mediatheque serve` makes it at its first start.")
        return
    database = Database(database_url(settings))
    try:
        database.check()
        with database.read() as tx:
            found, micros = revision_of(tx), database.now_micros(tx)
            served = [lane for lane in Queue if workers.is_served(tx, lane, within_seconds=HEARD_SECONDS)]
    finally:
        database.close()
    if found == HEAD:
        yield Look("database", Look.GOOD, f"{where}, schema {found}")
    else:
        yield Look(
            "database", Look.DOUBTFUL, f"{where}, schema {found}; this version knows {HEAD}",
            "`mediatheque serve` migrates an older one at its start; for a newer one install the newer version.",
        )  # fmt: skip
    yield _clock("clock", micros / 1e6, "the database's")
    missing = [lane.value for lane in Queue if lane not in served]
    if missing:
        advice = "Start `mediatheque serve`, or `mediatheque worker` beside servers without workers."
        yield Look("workers", Look.DOUBTFUL, f"none was heard of lately for: {', '.join(missing)}", advice)
    else:
        yield Look("workers", Look.GOOD, "every queue is worked on")


def _store(settings: Settings) -> Iterator[Look]:
    where = setting("storage_url", storage_url(settings)).partition("=")[2].strip("'")
    if not settings.storage_url and not (settings.data_dir / "objects").exists():
        yield Look("store", Look.DOUBTFUL, "there is none yet", "`mediatheque serve` makes it at its first start.")
        return
    make_store(settings).check()
    yield Look("store", Look.GOOD, where)


def _disk(settings: Settings) -> Iterator[Look]:
    folder = settings.data_dir.absolute()
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    told = f"{free / 1e9:.1f} GB are free below {folder}"
    state = Look.WRONG if free < FULL_BYTES else Look.DOUBTFUL if free < LOW_BYTES else Look.GOOD
    yield Look("disk", state, told, None if state == Look.GOOD else "Uploads are refused when it is full: make room.")


def _models(settings: Settings) -> Iterator[Look]:
    if settings.models == "off":
        yield Look("models", Look.DOUBTFUL, "turned off", "MEDIATHEQUE_MODELS=on has files read and described.")
        return
    shelf = make_shelf(settings)
    try:
        found = shelf.listed()
    finally:
        shelf.close()
    missing = {one.extra: one for one in found if one.missing}
    for extra, one in missing.items():
        advice = f"pip install 'mediatheque[{extra}]'; without it that step is skipped."
        yield Look("models", Look.DOUBTFUL, f"{one.purpose}: {one.missing}", advice)
    if not missing:
        yield Look("models", Look.GOOD, f"{len(found)} are there")


def _server(url: str) -> Look:
    try:
        answer = httpx.get(f"{url}/health/ready", timeout=5, trust_env=False)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        reason = str(error) or type(error).__name__
        advice = "Start it with `mediatheque serve`, or name another with --url."
        return Look("server", Look.DOUBTFUL, f"none answers at {url}: {reason}", advice)
    if answer.status_code != 200:
        return Look("server", Look.WRONG, f"{url}: {answer.text[:200]}", "What it names is what it waits for.")
    if "date" in answer.headers:
        skewed = _clock("server", parsedate_to_datetime(answer.headers["date"]).timestamp(), f"{url}'s", slack=1)
        if skewed.state != Look.GOOD:
            return skewed
    return Look("server", Look.GOOD, f"{url} is ready")


def _clock(name: str, seconds: float, whose: str, slack: float = 0) -> Look:
    skew = time.time() - seconds
    if abs(skew) <= SKEW_SECONDS + slack:
        return Look(name, Look.GOOD, f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC, as {whose}")
    advice = "Signed URLs and tokens go by the clock: have both set by NTP."
    return Look(name, Look.WRONG, f"this machine's is {skew:+.0f} s from {whose}", advice)


_PARTS: dict[str, Callable[[Settings], Iterator[Look]]] = {
    "database": _database, "store": _store, "disk": _disk, "models": _models,
}  # fmt: skip
_ADVICE = {
    "database": "Is it running, and does MEDIATHEQUE_DATABASE_URL name it with the right password?",
    "store": "Is its volume mounted, and do MEDIATHEQUE_STORAGE_URL and the S3 settings name it rightly?",
    "disk": "MEDIATHEQUE_DATA_DIR has to be a folder that this user may write to.",
    "models": "MEDIATHEQUE_DATA_DIR has to be a folder that this user may write to.",
}
