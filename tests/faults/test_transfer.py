"""One tenant's library out of one server and into another, as plain files and JSON."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from tests.conftest import Postgres
from tests.faults.invariants import check, settle
from tests.faults.ledger import Ledger, photo
from tests.faults.site import Site

FILES = "/api/v2/user-files"


def test_an_exported_tenant_is_the_same_on_another_server_with_the_other_database(
    make_site: Callable[..., Site], ledger: Ledger, tmp_path: Path, postgres: Postgres
) -> None:
    source = make_site()
    source.server.start()
    with source.server.client() as http:
        known = _library(http, ledger)
        settle(source)
        exported = _run(source, "export", str(tmp_path / "out"), "--tenant", "default")
        before = {path: _seen(http, path) for path in known}
    assert (exported["assets"], exported["objects"]) == (3, 18)
    originals = sorted(str(it.relative_to(tmp_path / "out")) for it in (tmp_path / "out" / "files").rglob("*.jpg"))
    assert "files/holidays/photo.jpg" in originals
    assert len(originals) == 3  # two of one name do not overwrite each other
    target = make_site(postgres.create())
    target.server.start()
    imported = _run(target, "import", str(tmp_path / "out"), "--tenant", "moved")
    assert (imported["assets"], imported["objects"], imported["renamed"]) == (3, 18, 0)
    key = json.loads(target.server.command("keys", "create", "--tenant", "moved", "--json", "--role", "admin").stdout)
    with target.server.client(key["key"]) as http:
        assert {path: _seen(http, path) for path in known} == before
        found = http.get(FILES, params={"search": "sunset"}).json()
        assert [it["title"] for it in found["files"]] == ["A sunset"]
    check(target, ledger)


def test_an_import_beside_its_own_original_gets_ids_of_its_own(
    make_site: Callable[..., Site], ledger: Ledger, tmp_path: Path
) -> None:
    site = make_site()
    site.server.start()
    with site.server.client() as http:
        _library(http, ledger)
    settle(site)
    _run(site, "export", str(tmp_path / "out"), "--tenant", "default")
    assert "There is a tenant" in site.server.command("import", str(tmp_path / "out")).stderr
    imported = _run(site, "import", str(tmp_path / "out"), "--tenant", "twin")
    assert imported["renamed"] > 0
    assert len(json.loads((tmp_path / "out" / "ids.json").read_text())) == imported["renamed"]
    (original,) = (tmp_path / "out" / "files" / "holidays").glob("photo.jpg")
    original.write_bytes(b"something else")
    assert "damaged" in site.server.command("import", str(tmp_path / "out"), "--tenant", "broken").stderr
    check(site, ledger)


def _library(http: httpx.Client, ledger: Ledger) -> list[str]:
    """Three pictures, two of one name, a described one in the trash's neighbourhood; paths that show all of it."""
    paths = []
    for number, folder in enumerate(("holidays", "holidays", "")):
        data = photo()
        fields = {"folder": folder} if folder else {}
        answer = http.post("/v3/images", files={"file": ("photo.jpg", data)}, data=fields)
        url = str(answer.json()["url"])
        ledger.kept[url] = hashlib.sha256(data).hexdigest()
        paths.append(urlsplit(url).path)
        if number == 0:
            listed = http.get(FILES).json()["files"][0]
            http.patch(f"{FILES}/{listed['id']}", json={"title": "A sunset", "tags": ["sea"]}).raise_for_status()
    return [*paths, "/v3/images"]


def _seen(http: httpx.Client, path: str) -> Any:
    answer = http.get(path)
    assert answer.status_code == 200, path
    if not path.startswith("/i/"):
        return [{name: it[name] for name in ("id", "filename", "folder", "size")} for it in answer.json()["result"]]
    return hashlib.sha256(answer.content).hexdigest()


def _run(site: Site, *arguments: str) -> dict[str, Any]:
    done = site.server.command(*arguments, "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found
