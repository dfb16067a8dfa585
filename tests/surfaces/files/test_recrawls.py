"""Links crawled again: once an hour, and what each crawl has kept can be read and compared when the page is gone."""

import socket
import threading
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
from sqlalchemy import select, update

from mediatheque.records.engine import Database
from mediatheque.records.tables import asset, link, snapshot
from mediatheque.skills.crawl import PAGE_SECONDS
from tests import servers
from tests.conftest import Tenant
from tests.site import PAGE
from tests.support import wait_for
from tests.surfaces.files.conftest import filed, refused
from tests.surfaces.files.links import FILES, crawled, detail, page, saved, visited

CHANGED = PAGE.replace(b"The wombat sleeps", b"The wombat eats and sleeps").replace(b"What it is about", b"News")


def recrawl(client: httpx.Client, link_id: str) -> httpx.Response:
    return client.post(f"{FILES}/{link_id}/recrawl")


def an_hour_later(database: Database, link_id: str) -> None:
    """Let the last request for a crawl be an hour old."""
    mine = link.c.asset_id == select(asset.c.id).where(asset.c.uuid == UUID(link_id)).scalar_subquery()
    with database.write() as tx:
        tx.execute(update(link).where(mine).values(recrawl_asked_at=datetime.now(UTC) - timedelta(hours=1)))


def crawled_again(client: httpx.Client, database: Database, link_id: str) -> dict[str, Any]:
    an_hour_later(database, link_id)
    before = len(detail(client, link_id)["processing_history"])
    assert recrawl(client, link_id).json() == {"status": "queued", "link_id": link_id}
    wait_for(lambda: len(detail(client, link_id)["processing_history"]) > before, "the crawl to be queued")
    return crawled(client, link_id)


def snapshots(client: httpx.Client, link_id: str) -> list[dict[str, Any]]:
    found = client.get(f"{FILES}/{link_id}/snapshots").json()
    assert found["total_count"] == len(found["snapshots"])
    return list(found["snapshots"])


def test_a_link_can_be_crawled_again_once_an_hour(tenant: Tenant, database: Database) -> None:
    url = page()
    link_id = visited(tenant.client, url)["id"]
    assert recrawl(tenant.client, link_id).status_code == 200  # the crawl at its creation does not count
    refused(recrawl(tenant.client, link_id), 429, "RATE_LIMIT_ERROR")
    crawled(tenant.client, link_id)
    answer = recrawl(tenant.client, link_id)
    refused(answer, 429, "RATE_LIMIT_ERROR")
    assert 3500 < int(answer.headers["retry-after"]) <= 3600
    an_hour_later(database, link_id)
    assert recrawl(tenant.client, link_id).status_code == 200
    assert len(servers.site().seen(url.removeprefix(servers.site().url("")))) >= 2


def test_a_link_that_is_being_crawled_cannot_be_crawled_again(tenant: Tenant) -> None:
    was_refused = threading.Event()

    def answer(connection: socket.socket) -> None:
        was_refused.wait(0.8 * PAGE_SECONDS)
        head = f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {len(PAGE)}\r\n\r\n"
        connection.sendall(head.encode() + PAGE)

    link_id = saved(tenant.client, page(act=answer))["id"]
    try:
        refused(recrawl(tenant.client, link_id), 400, "ALREADY_PROCESSING")
    finally:
        was_refused.set()
    assert crawled(tenant.client, link_id)["crawl_status"] == "completed"


def test_only_links_are_crawled(tenant: Tenant) -> None:
    picture = filed(tenant.client)
    refused(recrawl(tenant.client, picture), 400, "NOT_A_LINK")
    refused(tenant.client.get(f"{FILES}/{picture}/snapshots"), 400, "NOT_A_LINK")
    refused(recrawl(tenant.client, str(uuid4())), 404, "RESOURCE_NOT_FOUND")


def test_a_crawl_that_was_not_asked_for_at_first_can_be_asked_for(tenant: Tenant) -> None:
    link_id = saved(tenant.client, page(), auto_crawl=False)["id"]
    assert recrawl(tenant.client, link_id).status_code == 200
    assert crawled(tenant.client, link_id)["page_title"] == "A page of ours"


def test_each_crawl_keeps_a_snapshot_and_they_can_be_compared(tenant: Tenant, database: Database) -> None:
    url = page()
    link_id = visited(tenant.client, url)["id"]
    servers.site().page(url.removeprefix(servers.site().url("")), CHANGED)
    found = crawled_again(tenant.client, database, link_id)
    assert (found["og_metadata"]["title"], found["title"]) == ("News", "What it is about")
    newer, older = snapshots(tenant.client, link_id)
    assert (newer["title"], older["title"]) == ("News", "What it is about")
    assert newer["text_hash"] != older["text_hash"]
    compared = tenant.client.get(f"{FILES}/{link_id}/snapshots/{newer['id']}/diff").json()
    assert (compared["from_id"], compared["to_id"]) == (older["id"], newer["id"])
    assert (compared["added_lines"], compared["removed_lines"]) == (1, 1)
    assert "+The wombat eats and sleeps" in compared["diff"]
    backwards = {"against": newer["id"]}
    other = tenant.client.get(f"{FILES}/{link_id}/snapshots/{older['id']}/diff", params=backwards).json()
    assert "-The wombat eats and sleeps" in other["diff"]
    first = tenant.client.get(f"{FILES}/{link_id}/snapshots/{older['id']}/diff").json()
    assert (first["from_id"], first["diff"]) == (None, "")
    refused(tenant.client.get(f"{FILES}/{link_id}/snapshots/{uuid4()}/diff"), 404, "RESOURCE_NOT_FOUND")


def test_a_page_that_is_gone_can_still_be_read(tenant: Tenant, database: Database) -> None:
    hostile = PAGE.replace(
        b"<article>",
        b'<article><script>alert(1)</script><p onclick="x()">A long sentence with '
        b'<a href="javascript:x()">a bad</a> and <a href="/other">a good</a> link.',
    )
    url = page(hostile)
    before = visited(tenant.client, url)
    del servers.site().pages[url.removeprefix(servers.site().url(""))]
    after = crawled_again(tenant.client, database, before["id"])
    assert (after["crawl_status"], after["crawl_error"]) == ("failed", "The page answered 404")
    assert after["page_title"] == before["page_title"]
    assert after["extracted_images_count"] == before["extracted_images_count"]
    (kept,) = snapshots(tenant.client, before["id"])
    answer = tenant.client.get(kept["page_url"])
    assert answer.headers["content-type"].startswith("text/html")
    assert "sandbox" in answer.headers["content-security-policy"]
    assert "wombat" in answer.text
    assert servers.site().url("/other") in answer.text
    assert not [it for it in ("script", "javascript", "onclick", "alert") if it in answer.text]
    assert "wombat" in tenant.client.get(kept["text_url"]).text
    assert tenant.client.get(FILES, params={"search": "wombat"}).json()["total_count"] == 1


def test_what_was_kept_goes_with_the_link(tenant: Tenant, database: Database) -> None:
    found = visited(tenant.client, page())
    assert len(list(tenant.objects())) > 5
    with tenant.server.client() as operator:
        assert operator.delete(f"/api/v1/assets/{found['id']}").status_code == 404  # another tenant's, and no image
    assert tenant.client.delete(f"{FILES}/{found['id']}").status_code == 200
    with database.write() as tx:
        mine = asset.c.uuid == UUID(found["id"])
        asset_id = tx.execute(select(asset.c.id).where(mine)).scalar_one()
        tx.execute(update(asset).where(mine).values(deleted_at=datetime.now(UTC) - timedelta(days=31)))
    purge(tenant)
    with database.read() as tx:
        for table in (link, snapshot):
            assert tx.execute(select(table).where(table.c.asset_id == asset_id)).first() is None
    assert list(tenant.objects()) == []


def purge(tenant: Tenant) -> None:
    """Erase what has been in the trash for long enough, as a worker does once an hour."""
    from mediatheque.app import make_trash, open_parts
    from mediatheque.settings import Settings

    environment = tenant.server.full_environment()
    given = {name.removeprefix("MEDIATHEQUE_").lower(): value for name, value in environment.items()
             if name.startswith("MEDIATHEQUE_") and name.endswith(("DATA_DIR", "DATABASE_URL"))}  # fmt: skip
    parts = open_parts(Settings(**given), decoders=1)  # type: ignore[arg-type]
    make_trash(parts).purge()
    parts.close()
