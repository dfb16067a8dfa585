"""Which place an upload goes to, with which message, and what a place that goes away leaves behind."""

from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from mediatheque.core.intake import Upload
from mediatheque.errors import Invalid, NotFound
from mediatheque.model import Asset
from mediatheque.surfaces.images.shapes import TERMS
from tests import servers
from tests.github import TOKEN, Repo, github
from tests.parts import Whole, opened
from tests.pictures import picture
from tests.support import wait_for


def profile(whole: Whole, name: str, **configuration: Any) -> UUID:
    settings = configuration or {"root_path": name}
    made = whole.library.profiles.create(
        whole.actor, name=name, provider_type="github-repo" if configuration else "local", configuration=settings,
        secrets={"token": TOKEN} if configuration else None,
    )  # fmt: skip
    return made.profile.uuid


def upload(whole: Whole, profile_id: UUID | None, message: str | None = None) -> Asset:
    with whole.library.intake.stage(TERMS) as staged:
        staged.write(picture("PNG"))
        return whole.library.intake.upload(
            whole.actor, TERMS, staged, Upload("a.png"), profile_id=profile_id, commit_message=message
        )


def test_the_named_profile_before_the_default_before_the_servers_own(tmp_path: Path) -> None:
    with opened(tmp_path) as whole:
        stores = whole.library.stores
        assert upload(whole, None).blob.store == "local"
        one, two = profile(whole, "one"), profile(whole, "two")
        whole.library.profiles.set_default(whole.actor, one)
        assert upload(whole, None).blob.store == str(one)
        it = upload(whole, two)
        assert stores.described(it.blob.store) == ("local", two)
        assert (tmp_path / "data" / "two" / it.blob.key).is_file()
        with pytest.raises(NotFound) as missing:
            upload(whole, uuid4())
        assert missing.value.subject == "profile"
        whole.library.profiles.change(whole.actor, two, {"is_enabled": False})
        with pytest.raises(Invalid) as disabled:
            upload(whole, two)
        assert (disabled.value.subject, disabled.value.kind) == ("profile", "disabled")
        assert b"".join(stores[it.blob.store].open(it.blob.key)) == picture("PNG")


def test_commit_messages_of_uploads_and_deletions_arrive(tmp_path: Path) -> None:
    server = servers.github()
    server.repos[f"octo/{(name := uuid4().hex)}"] = repo = Repo()
    with opened(tmp_path) as whole, whole.working():
        place = profile(
            whole, "history", owner="octo", repository=name, reference="main", base_path="a/b",
            api_base_url=server.url, raw_base_url=f"{server.url}/raw",
        )  # fmt: skip
        it = upload(whole, place, "Add a picture")
        assert it.blob.key.startswith("a/b/uploads/")
        wait_for(whole.is_idle, "the variants")
        assert whole.library.stores.public_url(it.blob.store, it.blob.key) == (
            f"{server.url}/raw/octo/{name}/main/{it.blob.key}"
        )
        whole.library.assets.erase(whole.actor, TERMS, it.uuid, commit_message="Remove it")
        assert [commit.message for commit in repo.commits] == ["Add a picture", "Remove it"]
        assert list(whole.parts.store.list()) == []


def test_a_deletion_that_github_cannot_take_now_is_made_later_with_its_message(tmp_path: Path) -> None:
    with github() as server, opened(tmp_path) as whole:  # whose trouble nobody else meets
        repo = server.repos["octo/media"]
        place = profile(
            whole, "history", owner="octo", repository="media", reference="main", api_base_url=server.url,
            raw_base_url=f"{server.url}/raw",
        )  # fmt: skip
        it = upload(whole, place)
        server.next_trouble = ["down"] * 5
        whole.library.assets.erase(whole.actor, TERMS, it.uuid, commit_message="Remove it")
        assert set(repo.files["main"]) == {it.blob.key}
        assert whole.library.profiles.remove(whole.actor, place).is_gone is False  # something is still to be removed
        whole.parts.pipeline.tidy(garbage_grace=timedelta(0))
        assert repo.files["main"] == {}
        assert repo.commits[-1].message == "Remove it"
        assert whole.library.profiles.remove(whole.actor, place).is_gone is True
