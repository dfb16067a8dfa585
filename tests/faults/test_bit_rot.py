"""Damage to stored bytes: never served, found by fsck, and mended where it can be (F26, R2, R10)."""

import os
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from mediatheque.app import make_fsck
from mediatheque.core.staging import Staged
from tests.faults.invariants import check, repair, settle
from tests.faults.ledger import Ledger, keep, photo
from tests.faults.site import Site
from tests.pictures import size_of


def flip(file: Path) -> None:
    with file.open("r+b") as stream:
        stream.seek(file.stat().st_size // 2)
        byte = stream.read(1)[0]
        stream.seek(-1, os.SEEK_CUR)
        stream.write(bytes([byte ^ 1]))


def truncate(file: Path) -> None:
    os.truncate(file, file.stat().st_size - 1)


def lengthen(file: Path) -> None:
    os.truncate(file, file.stat().st_size + 1)


DAMAGES: dict[str, Callable[[Path], None]] = {
    "flipped": flip, "truncated": truncate, "lengthened": lengthen, "deleted": Path.unlink,
}  # fmt: skip


def found_as(damage: str) -> str:
    return "missing_objects" if damage == "deleted" else "checksum_mismatches"


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_original_is_never_served_and_becomes_failed(site: Site, ledger: Ledger, damage: str) -> None:
    with site.server.client() as http:
        url = keep(ledger, http, photo())
        settle(site)
        key = _key_of(site, url)
        DAMAGES[damage](_path(site, key))
        assert http.get(url).status_code == 503
        assert _checked(site)[found_as(damage)] == [key]
        assert repair(site).is_clean
        assert http.get(url).status_code == 404
        assert http.get(f"/v3/images/{url.rpartition('/')[2]}").status_code == 404
    del ledger.kept[url]
    check(site, ledger)


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_variant_is_never_served_and_is_made_again(site: Site, ledger: Ledger, damage: str) -> None:
    with site.server.client() as http:
        url = keep(ledger, http, photo())
        settle(site)
        key = _key_of(site, url, "small_256")
        DAMAGES[damage](_path(site, key))
        assert http.get(url, params={"variant": "small_256"}).status_code == 503
        assert _checked(site)[found_as(damage)] == [key]
        assert repair(site).is_clean
        settle(site)
        assert size_of(http.get(url, params={"variant": "small_256"}).content) == (64, 48)
    check(site, ledger)


def test_two_swapped_objects_are_served_as_neither(site: Site, ledger: Ledger) -> None:
    with site.server.client() as http:
        urls = [keep(ledger, http, photo("PNG", 40, 30)) for _ in range(2)]
        settle(site)
        one, other = (_path(site, _key_of(site, url)) for url in urls)
        aside = one.rename(one.with_name("aside"))
        other.rename(one)
        aside.rename(other)
        assert [http.get(url).status_code for url in urls] == [503, 503]
        assert len(_checked(site)["checksum_mismatches"]) == 2
        assert repair(site).is_clean
        assert [http.get(url).status_code for url in urls] == [404, 404]
    ledger.kept.clear()
    check(site, ledger)


@pytest.mark.parametrize("damage", ["truncated", "lengthened", "deleted"])
def test_a_large_object_of_another_size_is_never_served(site: Site, ledger: Ledger, damage: str) -> None:
    with site.server.client() as http:
        url = keep(ledger, http, photo("PNG", 800, 600, compress_level=0))
        settle(site)
        file = _path(site, _key_of(site, url))
        assert file.stat().st_size > 1 << 20
        DAMAGES[damage](file)
        assert http.get(url).status_code == 503
        assert http.get(url, headers={"Range": "bytes=0-9"}).status_code == 503
        assert repair(site).is_clean
    del ledger.kept[url]
    check(site, ledger)


def test_orphans_and_leftovers_go_when_they_are_old_and_nobody_uses_them(site: Site, ledger: Ledger) -> None:
    root = site.staging.parent
    planted = [root / "uploads" / "nobody" / "nothing" / name for name in ("old", "young")]
    planted += [site.staging / name for name in ("upload-old", "upload-young")]
    worker = site.suspended_worker()  # it removes leftovers as well, once a minute
    for file in planted:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"orphan")
        if file.name.endswith("old"):
            os.utime(file, (time.time() - 3600,) * 2)
    in_use = Staged(site.staging, 100)
    os.utime(in_use.path, (time.time() - 3600,) * 2)
    fsck = make_fsck(site.parts)
    try:
        assert len(fsck.check(grace=timedelta(minutes=15)).orphan_objects) == 2
        assert fsck.repair(grace=timedelta(minutes=15)).is_clean
        assert [file.name for file in planted if file.exists()] == ["young", "upload-young"]
        assert in_use.path.exists()
        assert fsck.repair(grace=timedelta()).is_clean
        assert in_use.path.exists()
    finally:
        in_use.discard()
        worker.resume()
    check(site, ledger)


def _checked(site: Site) -> dict[str, list[str]]:
    report = make_fsck(site.parts).check(grace=timedelta(), sample_percent=100).as_json()
    found = {name: it for name, it in report.items() if isinstance(it, list) and it}
    assert len(found) == 1, found
    return found


def _key_of(site: Site, url: str, variant: str | None = None) -> str:
    from mediatheque.surfaces.images.shapes import to_uuid

    with site.parts.database.read() as tx:
        from mediatheque.records import assets

        it = assets.asset_with(tx, to_uuid(url.rpartition("/")[2]), None)
        assert it is not None
        if variant is None:
            return it.blob.key
        made = assets.variant_named(tx, it.blob.id, variant)
        assert made is not None
        return made.key


def _path(site: Site, key: str) -> Path:
    path = site.parts.store.path(key)
    assert path is not None
    return path
