"""What the Python client does with files, folders and links, against a started server."""

import hashlib
import io
from pathlib import Path
from typing import Any

import pytest

from mediatheque.client import BadRequest, NotFound, Unauthorized
from tests.pictures import picture


def test_what_is_uploaded_can_be_fetched_again(library: Any, tmp_path: Path) -> None:
    data, counted = picture("JPEG", seed=1), []
    (tmp_path / "photo.jpg").write_bytes(data)
    made = library.files.upload(
        tmp_path / "photo.jpg", title="A photo", tags=["a", "b"], progress=lambda *told: counted.append(told)
    )
    it = library.files.get(made.id)
    assert (it.title, it.filename, it.tags, it.media_type) == ("A photo", "photo.jpg", ("a", "b"), "image")
    assert (it.sha256, it.dimensions, it.size_bytes) == (hashlib.sha256(data).hexdigest(), (64, 48), len(data))
    assert made.is_new and counted[-1] == (len(data), len(data))
    assert library.files.read(made.id) == data
    assert library.files.download(made.id, tmp_path / "again.jpg").read_bytes() == data
    assert sorted(it.name for it in tmp_path.iterdir()) == ["again.jpg", "photo.jpg"]


def test_bytes_and_open_files_are_taken_too_and_duplicates_are_left_out(library: Any) -> None:
    data = picture("PNG", seed=2)
    first = library.files.upload(data, name="one.png")
    second = library.files.upload(io.BytesIO(data), name="two.png", skip_duplicates=True)
    assert (second.id, second.is_new) == (first.id, False)
    sha256 = hashlib.sha256(data).hexdigest()
    assert library.files.with_hashes([sha256, "0" * 64]) == {sha256: first.id}


def test_a_list_goes_on_over_all_pages(library: Any) -> None:
    sent = {library.files.upload(picture("PNG", seed=seed), title=f"Number{seed}").id for seed in range(5)}
    assert {it.id for it in library.files.list(page_size=2)} == sent
    assert [it.title for it in library.files.list(search="number3")] == ["Number3"]
    assert list(library.files.list(media_types=["video"])) == []
    found = library.files.search("number4", mode="words")
    assert [hit.file.title for hit in found.hits] == ["Number4"]
    assert (found.total, found.hits[0].matches[0].matched_by) == (1, "words")


def test_files_are_changed_deleted_and_brought_back(library: Any) -> None:
    it = library.files.upload(picture("PNG"), name="it.png")
    assert library.files.change(it.id, title="Other", tags=["x"]).tags == ("x",)
    library.files.delete(it.id)
    with pytest.raises(NotFound) as refused:
        library.files.get(it.id)
    assert (refused.value.status, refused.value.code) == (404, "RESOURCE_NOT_FOUND")
    assert refused.value.request_id
    assert [found.deleted_at is not None for found in library.files.list(deleted=True)] == [True]
    assert library.files.restore(it.id).title == "Other"
    gone = library.files.delete_many([it.id, "00000000-0000-4000-8000-000000000000"])
    assert (gone.deleted, gone.failed) == ((it.id,), ("00000000-0000-4000-8000-000000000000",))


def test_folders_are_made_along_a_path_and_hold_files(library: Any) -> None:
    with pytest.raises(NotFound):
        library.folders.with_path("a/b")
    inner = library.folders.with_path("a/b", make=True)
    assert library.folders.with_path("/a/b/").id == inner.id
    assert {it.name: it.depth for it in library.folders.list()} == {"a": 0, "b": 1}
    it = library.files.upload(picture("PNG"), folder_id=inner.id)
    assert [found.id for found in library.files.list(folder_id=inner.id)] == [it.id]
    assert library.files.move([it.id], None) == 1
    assert library.folders.rename(inner.id, "c").name == "c"
    assert library.folders.move(inner.id, None).parent_id is None
    assert library.folders.delete(inner.id) == 0


def test_a_link_is_saved(library: Any) -> None:
    it = library.links.add("https://example.org/page", title="A page", tags=["t"], crawl=False)
    assert (it.domain, it.title, it.crawl_status, it.is_duplicate) == ("example.org", "A page", "pending", False)
    assert library.links.snapshots(it.id) == ()
    assert library.files.get(it.id).source_url == "https://example.org/page"


def test_a_refusal_says_what_is_wrong(library: Any, connect: Any) -> None:
    with pytest.raises(BadRequest, match="title"):
        library.files.upload(picture("PNG"), title="x" * 300)
    with pytest.raises(Unauthorized) as refused:
        connect(api_key="mt_live_nobody").files.get("whatever")
    assert refused.value.code == "INVALID_API_KEY"
