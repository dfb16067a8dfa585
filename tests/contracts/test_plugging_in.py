"""A new surface, store, skill or kind is one new file and one line: each test writes the file and adds the line."""

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from mediatheque import plugins as installed
from mediatheque.core.media import ORIGINAL
from mediatheque.model import Terms
from mediatheque.surfaces.images.shapes import TERMS
from tests.parts import findings_of, opened
from tests.pictures import picture
from tests.support import wait_for

SURFACE = '''
"""`/echo`: text in, its id out."""

from fastapi import APIRouter, Request, Response

from mediatheque.model import Terms
from mediatheque.surfaces.forms import received
from mediatheque.surfaces.http import Door, Surface, actor_of, in_thread, plain_error, plain_invalid, scope, streaming
from mediatheque.core.intake import Upload

TERMS = Terms("echo", frozenset({"image/png"}), 10_000, is_public=True)


def routes(library):
    router = APIRouter(route_class=Door, tags=["echo"])

    @router.post("/echo", status_code=201)
    @scope("images.write")
    @streaming
    async def echo(request: Request) -> Response:
        async with received(request, lambda: library.intake.stage(TERMS), TERMS.max_bytes) as form:
            upload = Upload(form.filename)
            it = await in_thread(library.intake.upload, actor_of(request), TERMS, form.staged, upload)
        return Response(str(it.uuid), 201)

    return router


SURFACE = Surface("echo", ("/echo",), TERMS, routes, plain_error, plain_invalid)
'''

STORE = '''
"""A store without local files: objects in one flat folder, under the hash of their key."""

import hashlib
import os
import shutil
from datetime import UTC, datetime
from pathlib import Path

from mediatheque.errors import NotFound
from mediatheque.ports import StoredObject, StoreType


class Attic:
    name = "attic"
    key_prefix = ""

    def __init__(self, root):
        self.root = root
        self.staging = root / "staging"
        self.staging.mkdir(parents=True, exist_ok=True)

    def put(self, staged, key, *, message=None):
        shutil.copyfile(staged, self._file(key))
        self._file(key).with_suffix(".key").write_text(key)
        os.unlink(staged)

    def open(self, key, *, start=0, end=None):
        self.size(key)
        data = self._file(key).read_bytes()[start:end]
        return iter([data[at : at + (1 << 20)] for at in range(0, len(data), 1 << 20)])

    def size(self, key):
        if not self._file(key).exists():
            raise NotFound
        return self._file(key).stat().st_size

    def delete(self, key, *, message=None):
        self._file(key).unlink(missing_ok=True)

    def list(self, prefix=""):
        for note in self.root.glob("*.key"):
            if note.read_text().startswith(prefix) and note.with_suffix(".bytes").exists():
                yield StoredObject(note.read_text(), self.size(note.read_text()), datetime.now(UTC))

    def leftovers(self):
        return iter(())

    def path(self, key):
        return None

    def public_url(self, key):
        return None

    def check(self):
        pass

    def _file(self, key):
        return self.root / (hashlib.sha256(key.encode()).hexdigest() + ".bytes")


STORE = StoreType("attic", lambda url, site: Attic(Path(url.removeprefix("attic://"))))
'''

KIND = '''
"""Plain text that says of itself what it is."""

from pathlib import Path

from mediatheque.errors import Unsupported
from mediatheque.model import Facts


def probe(path, name):
    text = Path(path).read_bytes()
    if not text.startswith(b"DUMMY\\n"):
        raise Unsupported
    return {"lines": text.count(b"\\n")}


class Dummy:
    name = "document"
    media_types = frozenset({"text/x-dummy"})
    probe = f"{__name__}:probe"

    def facts(self, probed):
        return Facts("text/x-dummy", ".dummy", self.name, details=probed)


KIND = Dummy()
'''

SKILL = '''
"""Counts the bytes of a picture, in a decoder child."""

from pathlib import Path

from mediatheque.model import Queue
from mediatheque.ports import Skill, Step


def measure(path):
    return len(Path(path).read_bytes())


def count(work):
    work.add_finding("weight", work.decode(f"{__name__}:measure", path=str(work.source)), model="scales")


SKILL = Skill("weigh", "Counts bytes", 1, frozenset({"image"}), Queue.ENRICH, (Step("count", count),))
'''


class Extra:
    """An empty package outside the project, and the list of plug-ins with what is put into it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.plugins = ModuleType("more_plugins")
        for name in ("SURFACES", "STORES", "KINDS", "SKILLS"):
            setattr(self.plugins, name, getattr(installed, name))
        setattr(self.plugins, "DESCRIBER", installed.DESCRIBER)  # noqa: B010

    def add(self, group: str, file: str, source: str) -> None:
        """One new file, one line."""
        (self._folder / f"{file}.py").write_text(source)
        name = group.removesuffix("S")
        setattr(self.plugins, group, (*getattr(installed, group), f"{self._folder.name}.{file}:{name}"))


@pytest.fixture
def extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Extra]:
    package = tmp_path / f"extra_{tmp_path.name.replace('-', '_')}"
    package.mkdir()
    (package / "__init__.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    yield Extra(package)
    for name in [name for name in sys.modules if name.startswith(package.name)]:
        del sys.modules[name]


def test_a_surface(extra: Extra, tmp_path: Path) -> None:
    extra.add("SURFACES", "echo", SURFACE)
    with opened(tmp_path, plugins=extra.plugins) as whole, whole.working():
        assert "/echo" in whole.request("GET", "/openapi.json").json()["paths"]
        assert whole.request("POST", "/echo", key=None).status_code == 401
        answer = whole.request("POST", "/echo", files={"file": ("a.png", picture("PNG"))})
        assert answer.status_code == 201, answer.text
        assert whole.request("POST", "/echo", files={"file": ("a.jpg", picture("JPEG"))}).status_code == 400
        assert whole.request("POST", "/echo", files={"file": ("b.png", bytes(10_001))}).status_code == 413
        assert whole.request("GET", "/v3/images").json()["total"] == 1


def test_a_store(extra: Extra, tmp_path: Path) -> None:
    extra.add("STORES", "attic", STORE)
    url = f"attic://{tmp_path / 'attic'}"
    with opened(tmp_path, storage_url=url, plugins=extra.plugins) as whole, whole.working():
        data = picture("JPEG", 800, 600)
        image = whole.request("POST", "/v3/images", files={"file": ("photo.jpg", data)}).json()
        wait_for(whole.is_idle, "the variants")
        path = f"/i/{image['id']}"
        assert whole.request("GET", path, key=None).content == data
        thumbnail = whole.request("GET", path, key=None, params={"variant": "thumbnail"})
        assert thumbnail.headers["cache-control"].endswith("immutable")
        assert len(list(whole.parts.store.list())) == 6
        assert whole.request("DELETE", f"/v3/images/{image['id']}").status_code == 204
        assert whole.request("GET", path, key=None).status_code == 410
        assert list(whole.parts.store.list()) == []


def test_a_kind(extra: Extra, tmp_path: Path) -> None:
    extra.add("KINDS", "dummy", KIND)
    terms = Terms("anything", frozenset({"text/x-dummy"}), 1000, is_public=False, kinds=frozenset({"document"}))
    with opened(tmp_path, plugins=extra.plugins) as whole:
        it = whole.upload(terms, "notes", b"DUMMY\none\ntwo\n")
        assert (it.kind, it.blob.media_type, it.filename) == ("document", "text/x-dummy", "notes.dummy")
        assert whole.library.assets.get(whole.actor, terms, it.uuid) == it
        served = whole.library.media.private(it.uuid, ORIGINAL)
        assert whole.library.media.whole(served) == b"DUMMY\none\ntwo\n"


def test_a_skill(extra: Extra, tmp_path: Path) -> None:
    extra.add("SKILLS", "weigh", SKILL)
    with opened(tmp_path, plugins=extra.plugins) as whole, whole.working():
        data = picture("PNG")
        it = whole.upload(TERMS, "photo.png", data)
        wait_for(whole.is_idle, "all its runs")
        assert findings_of(whole, it.uuid)["weight"] == len(data)
        assert "blur_hash" in findings_of(whole, it.uuid)
