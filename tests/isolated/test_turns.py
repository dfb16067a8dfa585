"""Politeness: a site is asked for one thing at a time, with its leave, and however much waits nobody else is kept."""

import os
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import httpx
import pytest

from mediatheque.core.crawling import USER_AGENT
from tests.isolated.conftest import MEANT
from tests.pictures import picture
from tests.site import Site
from tests.support import Server, until_ready, upload, wait_for
from tests.surfaces.files.links import crawled, saved, visited

QUEUED = int(os.environ.get("MEDIATHEQUE_QUEUED_LINKS", "120"))
ROBOTS = b"User-agent: *\nDisallow: /all/\n\nUser-agent: mediatheque\nDisallow: /closed/\nAllow: /closed/but\n"


def test_what_robots_forbid_is_not_fetched(client: httpx.Client) -> None:
    site = Site(MEANT)
    site.page("/robots.txt", ROBOTS, "text/plain")
    for path in ("/closed/page", "/closed/but", "/all/page"):
        site.page(path)
    site.page("/away", b"", status=302, headers={"Location": "/closed/page"})
    found = {path: visited(client, site.url(path)) for path in ("/closed/page", "/closed/but", "/all/page", "/away")}
    assert found["/closed/page"]["crawl_error"] == "The site's robots.txt does not allow it"
    assert found["/away"]["crawl_error"] == "The site's robots.txt does not allow it"
    assert [found[path]["crawl_status"] for path in ("/closed/but", "/all/page")] == ["completed"] * 2
    assert site.seen("/closed/page") == []
    assert {it.headers["User-Agent"] for it in site.visits} == {USER_AGENT}
    assert not any({"Cookie", "Authorization", "Referer"} & set(it.headers) for it in site.visits)
    site.close()


def test_a_site_whose_robots_cannot_be_read_is_left_alone(client: httpx.Client) -> None:
    site = Site(MEANT)
    site.page("/robots.txt", b"", status=500)
    assert visited(client, site.page("/page"))["crawl_error"] == "The site's robots.txt cannot be read"
    assert site.seen("/page") == []
    site.close()


def test_a_site_that_asks_for_pauses_gets_them(client: httpx.Client) -> None:
    site = Site(MEANT)
    site.page("/robots.txt", b"User-agent: *\nCrawl-delay: 1\n", "text/plain")
    urls = [site.page(f"/{number}", b"<title>T</title><p>Text.") for number in range(3)]
    for link in [saved(client, url)["id"] for url in urls]:
        assert crawled(client, link)["crawl_status"] == "completed"
    came = sorted(site.seen(f"/{number}")[0].came_at for number in range(3))
    assert min(later - earlier for earlier, later in pairwise(came)) >= 1
    site.close()


def test_pictures_of_another_site_take_their_turns_there(client: httpx.Client) -> None:
    pages, pictures = [Site(MEANT) for _ in range(4)], Site(MEANT)
    links = []
    for number, site in enumerate(pages):
        url = pictures.page(f"/{number}.png", picture("PNG", 200, 200), "image/png", takes_seconds=0.3)
        links.append(saved(client, site.page("/page", f'<title>T</title><img src="{url}"><p>Text.'.encode()))["id"])
    for link in links:
        assert crawled(client, link)["extracted_images"][0]["image_id"] is not None
    assert pictures.most_at_once() == 1
    for site in (*pages, pictures):
        site.close()


@pytest.mark.parametrize("count", [QUEUED])
def test_many_links_queue_politely_and_keep_no_upload_waiting(server: Server, client: httpx.Client, count: int) -> None:
    sites = [Site(MEANT) for _ in range(6)]
    one = sites[0]
    for number in range(count):
        site = one if number % 2 else sites[1 + number // 2 % 5]
        site.page(f"/{number}", b"<title>Page %d</title><p>Some words on a page." % number, takes_seconds=0.02)

    def save(number: int) -> str:
        site = one if number % 2 else sites[1 + number // 2 % 5]
        return str(saved(client, site.url(f"/{number}"))["id"])

    started = time.monotonic()
    with ThreadPoolExecutor(4) as threads:
        links = list(threads.map(save, range(count)))
    saving, waits = time.monotonic() - started, []
    for seed in range(3):
        began = time.monotonic()
        until_ready(client, upload(client, picture("JPEG", 800, 600, seed=seed)))
        waits.append(time.monotonic() - began)
    crawls = min(count, 200)
    wait_for(lambda: sum(len(site.visits) for site in sites) >= crawls, "crawls", 120)
    crawling = time.monotonic() - started
    listing = time.monotonic()
    assert client.get("/api/v2/user-files", params={"media_types": "link", "limit": 100}).status_code == 200
    listing = time.monotonic() - listing
    print(
        f"\n{count} links saved in {saving:.1f} s; variants of uploads after {[round(it, 1) for it in waits]} s; "
        f"{sum(len(site.visits) for site in sites)} requests to 6 sites after {crawling:.0f} s; "
        f"a list in {listing:.2f} s"
    )
    assert max(waits) < 20
    assert [site.most_at_once() for site in sites] == [1] * len(sites)
    if count <= 200:
        for link in links:
            assert crawled(client, link, 120)["crawl_status"] == "completed"
    for site in sites:
        site.close()
