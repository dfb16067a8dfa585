"""What every store of plugins.py promises (`ports.Store`)."""

import os
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mediatheque import plugins
from mediatheque.core.staging import Staged
from mediatheque.errors import NotFound, StorageFull
from mediatheque.ports import Store
from tests.contracts.samples import STORES, Sample

DATA = bytes(range(256)) * 20_000
"""Five pieces of at most 1 MiB."""

GOOD_KEYS = (
    "uploads/t/b/photo.jpg",
    "a",
    "spaces and (brackets)/näme 文字 🙂.png",
    "per%2fcent/..hidden/...",
    "quotes'\"/col:on*?",
    "deep/" * 20 + "end",
)
BAD_KEYS = ("", "/absolute", "trailing/", "two//slashes", "..", "a/../../b", "./a", "a/.", "nul\0byte")


@pytest.fixture(params=[name.partition(":")[0].rpartition(".")[2] for name in plugins.STORES])
def sample(request: pytest.FixtureRequest) -> Sample:
    return STORES[request.param]


@pytest.fixture
def store(sample: Sample, tmp_path: Path) -> Store:
    return sample.open(tmp_path)


def put(store: Store, key: str, data: bytes = DATA) -> None:
    with Staged(store.staging, len(data)) as staged:
        staged.write(data)
        store.put(staged.path, key)
        assert not staged.path.exists()


def whole(store: Store, key: str) -> bytes:
    return b"".join(store.open(key))


@pytest.mark.parametrize("key", GOOD_KEYS)
def test_what_was_put_is_there_whole(store: Store, key: str) -> None:
    put(store, key)
    assert whole(store, key) == DATA
    assert store.size(key) == len(DATA)
    assert [(it.key, it.size_bytes) for it in store.list()] == [(key, len(DATA))]


@pytest.mark.parametrize("key", BAD_KEYS)
def test_a_key_that_leads_elsewhere_is_not_there(store: Store, key: str) -> None:
    with pytest.raises(NotFound):
        put(store, key)
    with pytest.raises(NotFound):
        store.size(key)
    with pytest.raises(NotFound):
        whole(store, key)
    assert list(store.list()) == []


@pytest.mark.parametrize(
    ("start", "end"), [(0, None), (0, 0), (0, 1), (1_048_575, 1_048_577), (5_000_000, None), (5_119_999, 9_000_000)]
)
def test_ranges_are_exact(store: Store, start: int, end: int | None) -> None:
    put(store, "a/b")
    assert b"".join(store.open("a/b", start=start, end=end)) == DATA[start:end]


def test_pieces_have_at_most_a_mebibyte(store: Store) -> None:
    put(store, "a/b")
    assert max(len(piece) for piece in store.open("a/b")) <= 1 << 20


def test_an_object_is_visible_whole_or_not_at_all(store: Store, sample: Sample) -> None:
    """While an object comes and goes, every look sees nothing or all of it."""

    def come_and_go(_: int) -> None:
        put(store, "a/b")
        store.delete("a/b")

    def look(_: int) -> bool:
        try:
            return whole(store, "a/b") == DATA
        except NotFound:
            return True

    with ThreadPoolExecutor(2) as threads:
        looks = threads.map(look, range(sample.rounds))
        list(threads.map(come_and_go, range(sample.rounds // 4)))
        assert all(looks)


def test_neighbours_come_while_others_go(store: Store, sample: Sample) -> None:
    """A deletion that empties a folder does not disturb an object that is being put there."""

    def come_and_go(name: str) -> None:
        for _ in range(sample.rounds):
            put(store, f"variants/t/blob/{name}", b"bytes")
            assert whole(store, f"variants/t/blob/{name}") == b"bytes"
            store.delete(f"variants/t/blob/{name}")

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(come_and_go, "abcd"))
    assert list(store.list()) == []


def test_deleting_twice_is_fine(store: Store) -> None:
    put(store, "a/b")
    store.delete("a/b")
    store.delete("a/b")
    with pytest.raises(NotFound):
        store.size("a/b")
    with pytest.raises(NotFound):
        whole(store, "a/b")


def test_a_listing_names_what_lies_under_a_prefix(store: Store) -> None:
    for key in ("a/1", "a/2", "ab/3", "b/4"):
        put(store, key, b"bytes")
    assert sorted(it.key for it in store.list("a/")) == ["a/1", "a/2"]
    assert sorted(it.key for it in store.list()) == ["a/1", "a/2", "ab/3", "b/4"]


def test_temporary_files_are_neither_listed_nor_leftovers_while_in_use(store: Store) -> None:
    with Staged(store.staging, 100) as staged:
        staged.write(b"bytes")
        assert list(store.list()) == []
        assert list(store.leftovers()) == []


def test_what_a_dead_process_left_behind_can_be_removed(store: Store, sample: Sample) -> None:
    if not sample.keeps_its_own_staging:
        assert list(store.leftovers()) == []  # another store's folder: that one looks after it
        return
    (store.staging / "upload-of-the-dead").write_bytes(b"half")
    (leftover,) = store.leftovers()
    assert leftover.size_bytes == 4
    store.delete(leftover.key)
    assert list(store.leftovers()) == []


def test_a_local_file_is_the_object(store: Store) -> None:
    put(store, "a/b")
    path = store.path("a/b")
    assert path is None or path.read_bytes() == DATA


def test_a_store_in_order_passes_its_check(store: Store) -> None:
    store.check()
    assert list(store.list()) == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of one mebibyte."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if os.geteuid() != 0:
        pytest.skip("only root may mount a small file system")
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(folder)], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip("this machine lets nobody mount")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_is_told_as_such_and_works_again_when_there_is_room(sample: Sample, small_disk: Path) -> None:
    if not sample.has_a_disk:
        return  # its disk is another machine's; what it says then is told in its own tests
    store = sample.open(small_disk)
    put(store, "a/first", bytes(700_000))
    with pytest.raises(StorageFull):
        put(store, "a/second", bytes(700_000))
    assert [it.key for it in store.list()] == ["a/first"]
    store.delete("a/first")
    put(store, "a/second", bytes(700_000))
    assert store.size("a/second") == 700_000
