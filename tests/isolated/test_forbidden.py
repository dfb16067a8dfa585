"""What may not be reached is not even knocked at: no URL, name, redirect or picture leads to this machine or beside it.

The fixtures hold the proof: nobody has connected to a canary, and no other packet was seen on its way.
"""

import json

import httpx
import pytest

from mediatheque.core.crawling import UNREACHABLE
from tests.corpus import FOLDER
from tests.isolated.names import PUBLIC, Names
from tests.isolated.watch import Watch
from tests.site import PAGE, Site
from tests.support import Server
from tests.surfaces.files.links import LINKS, crawled, saved, visited

INSIDE = ("http://127.0.0.1/", "http://[::1]:6379/", "http://10.0.0.1/", "http://169.254.169.254/latest/meta-data/",
          "http://localhost/", "http://inside.example/", "http://2130706433/", "file:///etc/passwd",
          "gopher://127.0.0.1:70/_x")  # fmt: skip


def _corpus() -> dict[str, list[str]]:
    file = FOLDER / "hostile" / "ssrf_urls.json"
    if not file.exists():
        return {"block": [*INSIDE[:5]], "reject_scheme": [*INSIDE[-2:]]}
    found = json.loads(file.read_text())
    return {"block": found["block"], "reject_scheme": [*found["reject_scheme"], found["too_long"]]}


def test_no_url_of_the_corpus_is_connected_to(client: httpx.Client) -> None:
    answers = [client.post(LINKS, json={"url": url}) for url in _corpus()["block"]]
    assert {answer.status_code for answer in answers} <= {201, 400}
    for answer in answers:
        if answer.status_code == 201:
            found = crawled(client, answer.json()["id"])
            assert (found["crawl_status"], found["crawl_error"]) == ("failed", UNREACHABLE), found["source_url"]


def test_what_is_no_address_of_the_web_is_refused_at_once(client: httpx.Client) -> None:
    for url in _corpus()["reject_scheme"]:
        assert client.post(LINKS, json={"url": url}).status_code in {400, 422}, url


@pytest.mark.parametrize("name", ["inside", "both", "six", "four-and-six", "unknown"])
def test_a_name_that_leads_inside_is_not_gone_to(client: httpx.Client, name: str) -> None:
    found = visited(client, f"http://{name}.example/")
    assert (found["crawl_status"], found["crawl_error"]) == ("failed", UNREACHABLE)


def test_a_public_name_is_gone_to(client: httpx.Client, public: Site, path: str) -> None:
    public.page(path)
    found = visited(client, f"http://public.example:{public.place.partition(':')[2]}{path}")
    assert found["crawl_status"] == "completed"
    assert public.seen(path)[0].headers["Host"].startswith("public.example:")


def test_a_name_that_changes_its_mind_leads_nowhere(client: httpx.Client, names: Names) -> None:
    links = [saved(client, f"http://rebind{number}.example:{port}/")["id"] for number, port in enumerate((80, 6379))]
    for link in links:
        assert crawled(client, link)["crawl_error"] == UNREACHABLE
    assert names.asked["rebind0.example"] >= 1


def test_a_name_that_changes_its_mind_between_page_and_picture_leads_nowhere(
    client: httpx.Client, public: Site, path: str
) -> None:
    port = public.place.partition(":")[2]
    public.page(path, PAGE.replace(b"/lead.png", b"http://rebind9.example:80/lead.png"))
    found = visited(client, f"http://rebind7.example:{port}{path}")
    assert all(it["image_id"] is None for it in found["extracted_images"])


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_leads_nowhere_inside(client: httpx.Client, public: Site, status: int) -> None:
    links = []
    for number, target in enumerate(INSIDE):
        url = public.page(f"/to/{status}/{number}", b"", status=status, headers={"Location": target})
        links.append(saved(client, url)["id"])
    for link in links:
        assert crawled(client, link)["crawl_error"] == UNREACHABLE


def test_what_a_page_names_is_not_fetched_from_inside(client: httpx.Client, public: Site, path: str) -> None:
    named = "".join(
        f'<meta property="og:image" content="{url}"><img src="{url}" srcset="{url} 2x"><link rel="icon" href="{url}">'
        f'<link rel="canonical" href="{url}"><meta http-equiv="refresh" content="0; url={url}">'
        for url in INSIDE
    )
    based = f'<head><base href="http://127.0.0.1:6379/"><title>T</title>{named}<img src="/x.png"></head><p>Text.'
    found = visited(client, public.page(path, based.encode(), headers={"Refresh": "0; url=http://127.0.0.1/"}))
    assert found["crawl_status"] == "completed"
    assert found["favicon_url"] is None
    assert [it["image_id"] for it in found["extracted_images"]] == [None] * found["extracted_images_count"]
    assert not any(it["url"].startswith(("file:", "gopher:")) for it in found["extracted_images"])


def test_a_picture_that_redirects_inside_is_not_fetched(client: httpx.Client, public: Site, path: str) -> None:
    public.page(f"{path}.png", b"", status=302, headers={"Location": "http://127.0.0.1/x.png"})
    page = f'<title>T</title><img src="{path}.png"><link rel=icon href="{path}.png"><p>Text.'
    found = visited(client, public.page(path, page.encode()))
    assert (found["crawl_status"], found["extracted_images"][0]["image_id"]) == ("completed", None)


def test_robots_that_redirect_inside_are_not_fetched(client: httpx.Client, path: str) -> None:
    site = Site(PUBLIC)
    site.page("/robots.txt", b"", status=302, headers={"Location": "http://127.0.0.1/robots.txt"})
    assert visited(client, site.page(path))["crawl_error"] == UNREACHABLE
    site.close()


def test_our_own_server_is_not_crawled(client: httpx.Client, server: Server, watch: Watch) -> None:
    assert visited(client, f"{server.url}/api/v2/user-files")["crawl_error"] == UNREACHABLE


def test_open_closed_and_forbidden_ports_read_alike(client: httpx.Client) -> None:
    errors = {visited(client, f"http://127.0.0.1:{port}/")["crawl_error"] for port in (80, 81, 6379)}
    errors.add(visited(client, f"http://{PUBLIC}:81/")["crawl_error"])
    assert errors == {UNREACHABLE}
