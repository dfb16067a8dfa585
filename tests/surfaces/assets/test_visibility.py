"""One asset behind every door: what is public, hidden or deleted is so at once on every URL (contract, 7)."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from mediatheque.core.accounts import Accounts
from mediatheque.core.ids import to_ulid
from mediatheque.model import Role
from tests.pictures import picture
from tests.support import Server, wait_for
from tests.support import upload as upload_image
from tests.surfaces.assets.test_assets import anonymous, detail, made, ready
from tests.surfaces.test_uploads import upload as upload_input

PUBLIC, HIDDEN, DELETED = "public", "hidden", "deleted"


@pytest.fixture
def client(server: Server, accounts: Accounts) -> Iterator[httpx.Client]:
    """An editor of the tenant whose public assets the gallery shows."""
    with server.client(accounts.create_key("default", role=Role.EDITOR).key) as it:
        yield it


@dataclass(frozen=True)
class Doors:
    """Every URL of one asset, as they were while it was public."""

    client: httpx.Client
    asset: dict[str, Any]

    @property
    def image_id(self) -> str:
        return f"img_{to_ulid(uuid.UUID(self.asset['id']))}"

    def open_urls(self) -> list[str]:
        """Open to everybody: the image, its thumbnail, the content, that of every derivative, the gallery's page."""
        base = str(self.client.base_url).rstrip("/")
        return [
            f"{base}/i/{self.image_id}",
            f"{base}/i/{self.image_id}?variant=thumbnail",
            f"{base}/content/{self.asset['storageKey']}",
            self.asset["publicUrl"],
            *(it["publicUrl"] for it in self.asset["derivatives"]),
            f"{base}/api/v1/public/assets/{self.asset['id']}",
        ]

    def are(self, state: str) -> None:
        """Assert that every door shows the asset in this state, also to a client that knows its tags from before."""
        for url in self.open_urls():
            expected = 200 if state == PUBLIC else 410 if state == DELETED and "/i/" in url else 404
            for headers in ({}, {"If-None-Match": "*"}):
                answer = anonymous(url, headers=headers)
                known = expected == 200 and "If-None-Match" in headers and "/public/" not in url
                assert answer.status_code == (304 if known else expected), (url, state, answer.status_code)
                if expected != 200:
                    assert answer.headers["cache-control"] == "no-store"
        listed = [it["id"] for it in self._listed("/v3/images", "result", search=self.asset["originalFileName"])]
        assert listed == ([self.image_id] if state == PUBLIC else [])
        shown = self._listed("/api/v1/public/assets", "items", query=self.asset["originalFileName"])
        assert [it["id"] for it in shown] == ([self.asset["id"]] if state == PUBLIC else [])
        one = self.client.get(f"/v3/images/{self.image_id}").status_code
        assert one == (200 if state == PUBLIC else 404)
        own = self.client.get(f"/api/v1/assets/{self.asset['id']}/content").status_code
        assert own == {PUBLIC: 307, HIDDEN: 200, DELETED: 404}[state]

    def _listed(self, path: str, items: str, **query: str) -> list[dict[str, Any]]:
        body = self.client.get(path, params=query).json()
        found: list[dict[str, Any]] = body.get("data", body)[items]
        return found

    def show(self, *, public: bool) -> None:
        changed = self.client.patch(f"/api/v1/assets/{self.asset['id']}", json={"isPublic": public})
        assert changed.json()["data"]["publicUrl"] == (self.asset["publicUrl"] if public else None)


def doors(client: httpx.Client, asset_id: str) -> Doors:
    asset = ready(client, asset_id)
    wait_for(lambda: len(detail(client, asset_id)["derivatives"]) >= 5, "the variants")
    return Doors(client, asset)


def name() -> str:
    return f"{uuid.uuid4().hex}.png"


def asset_of(client: httpx.Client, filename: str) -> str:
    """The asset's id in the second dialect."""
    (found,) = client.get("/api/v1/assets", params={"query": filename}).json()["data"]["items"]
    return str(found["id"])


def test_an_asset_of_this_dialect_is_seen_and_hidden_everywhere(client: httpx.Client) -> None:
    it = doors(client, made(client, picture("PNG", 300, 200), name())["id"])
    for public in (True, False, True, False, True):
        it.show(public=public)
        it.are(PUBLIC if public else HIDDEN)
    assert client.delete(f"/api/v1/assets/{it.asset['id']}").status_code == 200
    it.are(DELETED)


def test_an_image_of_the_first_dialect_is_an_asset_that_can_be_hidden(client: httpx.Client) -> None:
    filename = name()
    image = upload_image(client, picture("PNG", 300, 200), filename, alt_text="Shared")
    it = doors(client, asset_of(client, filename))
    assert (it.image_id, it.asset["altText"]) == (image["id"], "Shared")
    it.are(PUBLIC)
    it.show(public=False)
    it.are(HIDDEN)
    assert client.patch(f"/v3/images/{image['id']}", json={"alt_text": "x"}).status_code == 404
    it.show(public=True)
    changed = client.patch(f"/v3/images/{image['id']}", json={"alt_text": "Changed there"})
    assert changed.status_code == 200
    assert detail(client, it.asset["id"])["altText"] == "Changed there"
    assert client.delete(f"/v3/images/{image['id']}").status_code == 204
    it.are(DELETED)


def test_an_input_image_becomes_public_and_its_signed_url_lives_as_long_as_it(client: httpx.Client) -> None:
    """The signature is a credential of its own: it opens what is private, and nothing that is gone."""
    filename, image = name(), picture("PNG", 300, 200)
    signed = upload_input(client, image, filename).json()["image_url"]
    private = asset_of(client, filename)
    assert detail(client, private)["publicUrl"] is None
    client.patch(f"/api/v1/assets/{private}", json={"isPublic": True})
    it = doors(client, private)
    for public in (True, False, True):
        it.show(public=public)
        it.are(PUBLIC if public else HIDDEN)
        assert anonymous(signed).content == image
    client.delete(f"/api/v1/assets/{private}")
    it.are(DELETED)
    assert anonymous(signed).status_code in {404, 410}
