"""What GitHub refuses, what it does twice, and what the store makes of it (safety F9, D9, D10)."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from mediatheque.core.staging import Staged
from mediatheque.errors import Conflict, LibraryError, NotFound, StoreRefused, TooLarge, Unavailable
from mediatheque.ports import Store
from tests.contracts.samples import github_store
from tests.github import READ_ONLY, GitHub, github

KEY = "media/uploads/t/b/photo.jpg"


@pytest.fixture
def server() -> Iterator[GitHub]:
    with github() as running:
        yield running


@pytest.fixture
def store(server: GitHub, tmp_path: Path) -> Store:
    return github_store(server, tmp_path, base_path="media")


def put(store: Store, data: bytes = b"bytes", key: str = KEY, message: str | None = None) -> None:
    with Staged(store.staging, len(data)) as staged:
        staged.write(data)
        store.put(staged.path, key, message=message)


def test_objects_lie_below_the_base_path(server: GitHub, store: Store) -> None:
    server.repos["octo/media"].files["main"]["README.md"] = b"not ours"
    assert store.key_prefix == "media/"
    put(store)
    assert [it.key for it in store.list()] == [KEY]
    assert store.public_url(KEY) == f"{server.url}/raw/octo/media/main/{KEY}"


def test_every_change_is_a_commit_with_its_message(server: GitHub, store: Store) -> None:
    put(store, message="Add a photo\n--author=Mallory <m@example>")
    store.delete(KEY)
    store.delete(KEY)
    put(store, message="x" * 100_000)
    messages = [it.message for it in server.repos["octo/media"].commits]
    assert messages == ["Add a photo\n--author=Mallory <m@example>", f"chore(nekohub): delete {KEY}", "x" * 1000]


@pytest.mark.parametrize("trouble", ["lost", "raced", "down"])
def test_a_write_that_met_trouble_is_made_once(server: GitHub, store: Store, trouble: str) -> None:
    """`lost`: it took and the answer never came. The same content at the same path counts as done."""
    server.next_trouble = [trouble]
    put(store)
    repo = server.repos["octo/media"]
    assert repo.files["main"] == {KEY: b"bytes"}
    assert len(repo.commits) == 1
    server.next_trouble = [trouble]
    store.delete(KEY)
    assert repo.files["main"] == {}
    assert len(repo.commits) == 2


def test_trouble_that_does_not_end_is_told(server: GitHub, store: Store) -> None:
    server.next_trouble = ["down"] * 10
    with pytest.raises(Unavailable, match="GitHub answers 502"):
        put(store)
    assert len(server.next_trouble) == 5


def test_a_file_that_is_there_with_other_content_is_not_overwritten(server: GitHub, store: Store) -> None:
    server.repos["octo/media"].files["main"][KEY] = b"other"
    with pytest.raises(Conflict):
        put(store)
    assert server.repos["octo/media"].files["main"][KEY] == b"other"


def test_a_used_up_rate_limit_is_told_and_nobody_asks_again(server: GitHub, store: Store) -> None:
    server.rate_left = 0
    with pytest.raises(Unavailable, match="rate limit") as refusal:
        put(store)
    assert 20 <= (refusal.value.retry_after_seconds or 0) <= 30
    asked = len(server.requests)
    with pytest.raises(Unavailable, match="rate limit") as again:
        put(store)
    assert again.value.retry_after_seconds
    assert len(server.requests) == asked


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"token": "ghp_unknown"}, StoreRefused, "does not accept the token"),
        ({"token": READ_ONLY}, StoreRefused, "may not"),
        ({"reference": "gone"}, Unavailable, "branch does not exist"),
        ({"repository": "nothing"}, Unavailable, "repository does not exist"),
    ],
)
def test_a_refusal_says_what_is_wrong(
    server: GitHub, tmp_path: Path, changes: dict[str, str], error: type[LibraryError], message: str
) -> None:
    store = github_store(server, tmp_path, **changes)
    with pytest.raises(error):
        put(store)
    with pytest.raises(error, match=message) as told:
        store.check()
    assert changes.get("token", "never") not in str(told.value)
    assert server.repos["octo/media"].commits == []


def test_a_private_repository_has_no_public_files(server: GitHub, tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="private"):
        github_store(server, tmp_path, repository="secret").check()


def test_a_file_that_github_does_not_take_is_too_large(server: GitHub, store: Store) -> None:
    server.max_file_bytes = 10
    with pytest.raises(TooLarge):
        put(store, b"eleven byte")
    assert server.repos["octo/media"].files["main"] == {}


@pytest.mark.parametrize("size", [5, 1 << 20, (1 << 20) + 1, 5_000_001])
def test_private_files_are_read_through_the_api(server: GitHub, tmp_path: Path, size: int) -> None:
    """Up to 1 MB with their description, larger ones at a raw address that is good for a moment."""
    store = github_store(server, tmp_path, repository="secret", visibility_policy="private-token")
    data = bytes(range(251)) * (size // 251 + 1)
    put(store, data[:size], "a.bin")
    assert b"".join(store.open("a.bin")) == data[:size]
    assert b"".join(store.open("a.bin", start=2, end=4)) == data[2:4]
    assert store.size("a.bin") == size
    assert store.public_url("a.bin") is None


def test_without_a_token_public_files_can_be_read(server: GitHub, tmp_path: Path) -> None:
    server.repos["octo/media"].files["main"]["a.txt"] = b"public"
    store = github_store(server, tmp_path, token=None)
    assert b"".join(store.open("a.txt", start=1, end=4)) == b"ubl"
    with pytest.raises(NotFound):
        list(store.open("none.txt"))
    with pytest.raises(StoreRefused):
        put(store)


def test_a_profile_may_keep_its_files(server: GitHub, tmp_path: Path) -> None:
    store = github_store(server, tmp_path, allow_delete=False)
    put(store)
    store.delete(KEY)
    assert KEY in server.repos["octo/media"].files["main"]


def test_the_token_is_never_sent_to_the_raw_address(server: GitHub, store: Store) -> None:
    """The stand-in refuses raw requests that carry one."""
    put(store, bytes(2 << 20))
    assert b"".join(store.open(KEY)) == bytes(2 << 20)
    assert any(path.startswith("/raw/") for _, path in server.requests)
