"""Links: saved, flagged as duplicates, crawled, filled from their pages, and filed like everything else."""

from uuid import uuid4

import pytest

from tests import servers
from tests.conftest import Tenant
from tests.surfaces.files.conftest import filed, listed, refused
from tests.surfaces.files.links import FILES, LINKS, crawled, detail, page, saved, visited

LISTED = {"source_url", "domain", "og_metadata", "favicon_url", "crawl_status", "extracted_images",
          "extracted_images_count"}  # fmt: skip
DETAILED = LISTED | {"page_title", "crawl_error", "crawled_at"}


def test_a_saved_link_answers_at_once_and_is_crawled_then(tenant: Tenant) -> None:
    url = page()
    made = saved(tenant.client, url)
    assert made == {
        "id": made["id"], "source_url": url, "title": None, "domain": "127.0.0.1", "crawl_status": "queued",
        "is_duplicate": False, "created_at": made["created_at"],
    }  # fmt: skip
    found = crawled(tenant.client, made["id"])
    assert found["crawl_status"] == "completed"
    assert (found["media_type"], found["upload_method"], found["content_type"]) == (
        "link", "LINK", "application/internet-shortcut")  # fmt: skip
    assert (found["title"], found["page_title"], found["crawl_error"]) == ("What it is about", "A page of ours", None)
    assert found["og_metadata"]["title"] == "What it is about"
    assert found["og_metadata"]["image"] == servers.site().url("/lead.png")
    assert found["og_metadata"]["site_name"] is None
    assert found["crawled_at"] > found["created_at"]
    assert [one["operation_type"] for one in found["processing_history"]] == ["crawl"]


def test_lists_and_the_detail_hold_the_keys_of_links(tenant: Tenant) -> None:
    picture = filed(tenant.client)
    link = visited(tenant.client, page())
    (file,) = tenant.client.get(FILES, params={"media_types": "link"}).json()["files"]
    (other,) = tenant.client.get(FILES, params={"media_types": "image"}).json()["files"]
    seen = tenant.client.get(f"{FILES}/{picture}").json()
    assert {name for name in LISTED if file[name] is not None} == LISTED
    assert {name for name in LISTED if other[name] is not None} == set()
    assert set(link) >= LISTED | DETAILED
    assert {name for name in DETAILED if seen.get(name) is not None} == set()
    assert {name: file[name] for name in ("source_url", "og_metadata")} == {
        name: link[name] for name in ("source_url", "og_metadata")
    }


def test_pictures_and_the_favicon_are_stored_and_not_hot_linked(tenant: Tenant) -> None:
    found = visited(tenant.client, page())
    lead, small = found["extracted_images"]
    assert found["extracted_images_count"] == 2
    assert (lead["url"], lead["width"], lead["height"]) == (servers.site().url("/lead.png"), 400, 300)
    assert (small["alt"], small["width"], small["image_id"], small["stored_url"]) == ("a small one", 40, None, None)
    answer = tenant.client.get(f"{FILES}/{found['id']}/images/{lead['image_id']}")
    assert answer.status_code == 302
    stored = tenant.client.get(answer.headers["location"])
    assert (stored.status_code, stored.headers["content-type"]) == (200, "image/webp")
    icon = tenant.client.get(found["favicon_url"])
    assert (icon.status_code, icon.headers["content-type"]) == (200, "image/png")
    assert tenant.client.get(found["thumbnail_url"]).status_code == 200
    refused(tenant.client.get(f"{FILES}/{found['id']}/images/{uuid4()}"), 404, "RESOURCE_NOT_FOUND")


def test_a_title_that_was_given_stays(tenant: Tenant) -> None:
    found = visited(tenant.client, page(), title="t" * 500, tags=["one", "two"])
    assert (found["title"], found["tags"]) == ("t" * 500, ["one", "two"])


def test_a_link_that_is_not_to_be_crawled_is_pending(tenant: Tenant) -> None:
    url = page()
    made = saved(tenant.client, url, auto_crawl=False)
    assert made["crawl_status"] == "pending"
    found = detail(tenant.client, made["id"])
    assert (found["crawl_status"], found["crawled_at"], found["og_metadata"]) == ("pending", None, None)
    assert servers.site().seen(url.removeprefix(servers.site().url(""))) == []


@pytest.mark.parametrize("other", ["same", "fragment", "case", "port"])
def test_a_second_link_to_an_address_is_flagged_and_allowed(tenant: Tenant, other: str) -> None:
    url = "http://duplicates.example/Page?q=1"
    spelled = {"same": url, "fragment": f"{url}#part", "case": url.replace("http://dup", "HTTP://DUP"),
               "port": url.replace("example/", "example:80/")}[other]  # fmt: skip
    first = saved(tenant.client, url, auto_crawl=False)
    second = saved(tenant.client, spelled, auto_crawl=False)
    assert (first["is_duplicate"], second["is_duplicate"]) == (False, True)
    assert first["id"] != second["id"]
    for link in (first, second):
        assert tenant.client.delete(f"{FILES}/{link['id']}").status_code == 200
    assert saved(tenant.client, url, auto_crawl=False)["is_duplicate"] is False


def test_another_tenants_link_makes_no_duplicate(tenant: Tenant, other_tenant: Tenant) -> None:
    url = "http://shared.example/"
    assert saved(other_tenant.client, url, auto_crawl=False)["is_duplicate"] is False
    assert saved(tenant.client, url, auto_crawl=False)["is_duplicate"] is False


@pytest.mark.parametrize(
    ("url", "status", "code"),
    [
        ("ftp://example.com/", 400, "BAD_REQUEST"),
        ("file:///etc/passwd", 400, "BAD_REQUEST"),
        ("javascript:alert(1)", 400, "BAD_REQUEST"),
        ("//example.com/", 400, "BAD_REQUEST"),
        ("http:example.com", 400, "BAD_REQUEST"),
        ("", 400, "BAD_REQUEST"),
        ("http://", 400, "BAD_REQUEST"),
        ("http:///example.com", 400, "BAD_REQUEST"),
        ("http://user:pw@example.com/", 400, "BAD_REQUEST"),
        ("http://exa mple.com/", 400, "BAD_REQUEST"),
        ("http://example.com/\tx", 400, "BAD_REQUEST"),
        ("http://example.com\r\nHost: x/", 400, "BAD_REQUEST"),
        ("http://example.com:99999/", 400, "BAD_REQUEST"),
        ("http://example.com/" + "a" * 2030, 422, "VALIDATION_ERROR"),
    ],
)
def test_what_is_no_address_of_a_page_is_refused(tenant: Tenant, url: str, status: int, code: str) -> None:
    refused(tenant.client.post(LINKS, json={"url": url}), status, code)
    assert listed(tenant.client) == []


@pytest.mark.parametrize(
    "wishes",
    [{"title": "t" * 501}, {"tags": ["t"] * 41}, {"tags": ["t" * 51]},
     {"folder_id": "none"}, {"url": None}, {"title": "a\0b"}],
)  # fmt: skip
def test_limits_are_kept(tenant: Tenant, wishes: dict[str, object]) -> None:
    body = {"url": "http://example.com/", "auto_crawl": False} | wishes
    refused(tenant.client.post(LINKS, json=body), 422, "VALIDATION_ERROR")


def test_an_address_of_2048_characters_is_taken(tenant: Tenant) -> None:
    url = "http://example.com/" + "a" * 2029
    assert saved(tenant.client, url, auto_crawl=False)["source_url"] == url


def test_a_folder_that_is_not_there_is_not_found(tenant: Tenant) -> None:
    body = {"url": "http://example.com/", "folder_id": str(uuid4())}
    refused(tenant.client.post(LINKS, json=body), 404, "RESOURCE_NOT_FOUND")
    assert listed(tenant.client) == []


def test_a_request_that_is_repeated_with_its_key_saves_one_link(tenant: Tenant) -> None:
    body = {"url": "http://example.com/once", "auto_crawl": False}
    answers = [tenant.client.post(LINKS, json=body, headers={"Idempotency-Key": "once"}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    assert len(listed(tenant.client)) == 1
    refused(tenant.client.post(LINKS, json=body | {"title": "x"}, headers={"Idempotency-Key": "once"}), 422,
            "VALIDATION_ERROR")  # fmt: skip


def test_what_a_page_says_is_found_by_search(tenant: Tenant) -> None:
    url = page()
    found = visited(tenant.client, url)
    for text in ("WOMBAT sleeps", "a page of ours", url.rpartition("/")[2]):
        assert listed(tenant.client, search=text) == [found["id"]], text
    assert listed(tenant.client, search="wombat", search_mode="metadata") == []
    assert listed(tenant.client, search="wombat", media_types="image") == []


def test_links_lie_in_folders_and_in_the_trash_like_everything_else(tenant: Tenant) -> None:
    folder = tenant.client.post("/api/v2/folders", json={"name": "links"}).json()["id"]
    found = visited(tenant.client, page(), folder_id=folder, tags=["kept"])
    assert listed(tenant.client, folder_id=folder, tags="kept") == [found["id"]]
    answer = tenant.client.post(f"{FILES}/batch-delete", json={"file_ids": [found["id"]]}).json()
    assert answer["summary"]["deleted"] == 1
    assert listed(tenant.client) == []
    assert tenant.client.get(found["favicon_url"]).status_code in {404, 410}
    refused(tenant.client.post(f"{FILES}/{found['id']}/recrawl"), 404, "RESOURCE_NOT_FOUND")
    restored = tenant.client.post(f"{FILES}/{found['id']}/restore").json()
    assert (restored["crawl_status"], restored["og_metadata"]) == ("completed", found["og_metadata"])
    assert listed(tenant.client, search="wombat", folder_id=folder) == [found["id"]]


def test_a_link_that_waits_in_the_trash_is_crawled_when_it_is_restored(tenant: Tenant) -> None:
    url = page(takes_seconds=1.0)
    link = saved(tenant.client, url)["id"]
    assert tenant.client.delete(f"{FILES}/{link}").status_code == 200
    assert tenant.client.post(f"{FILES}/{link}/restore").status_code == 200
    assert crawled(tenant.client, link)["crawl_status"] == "completed"


def test_the_file_of_a_link_is_a_shortcut(tenant: Tenant) -> None:
    url = "http://example.com/shortcut"
    link = saved(tenant.client, url, auto_crawl=False)["id"]
    answer = tenant.client.get(f"{FILES}/{link}/download", follow_redirects=True)
    assert answer.text == f"[InternetShortcut]\r\nURL={url}\r\n"
    assert 'filename="example.com.url"' in answer.headers["content-disposition"]
