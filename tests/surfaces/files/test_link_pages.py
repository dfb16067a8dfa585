"""What crawls read: the corpus' real pages, every way to say a charset, documents and plain text."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests import servers
from tests.conftest import Tenant
from tests.corpus import Case, cases
from tests.documents import pdf
from tests.pictures import picture
from tests.surfaces.files.conftest import listed
from tests.surfaces.files.links import page, visited

GERMAN = "<title>Größe</title><p>Fünf Wörter über schöne Bären und noch einige mehr, damit es ein Satz wird.</p>"
ARTICLE = {
    "@context": "https://schema.org", "@graph": [{
        "@type": "NewsArticle", "headline": "Told by data", "datePublished": "2024-05-06T07:08:09Z",
        "author": {"name": "A. Writer"}, "publisher": {"name": "The Paper"}, "image": ["/lead.png"], "inLanguage": "fr",
    }],
}  # fmt: skip


def _facts(found: dict[str, Any], facts: dict[str, Any], origin: str, url: str) -> list[str]:
    """Which facts of the corpus do not hold."""
    og = found["og_metadata"]
    resolved = (facts.get("og:image_resolved_against_base") or "").replace("<origin>", origin)
    held = {
        "title_contains": facts.get("title_contains", "") in (found["page_title"] or ""),
        "title": facts.get("title") in (None, found["page_title"]),
        "og:title": "og:title" not in facts or facts["og:title"] == og["title"],
        "og:site_name": facts.get("og:site_name") in (None, og["site_name"]),
        "og:url": facts.get("og:url") in (None, og["url"]),
        "og:image": not resolved or og["image"] == resolved,
        "img_count": facts.get("img_count") in (None, found["extracted_images_count"]),
        "schemes": not any(it["url"].startswith(scheme) for it in found["extracted_images"]
                           for scheme in facts.get("must_not_store_url_scheme", ())),
    }  # fmt: skip
    return [name for name, holds in held.items() if not holds]


@pytest.mark.parametrize("case", cases("html", "accept"), ids=lambda it: Path(it.name).name)
def test_real_pages_give_what_the_corpus_says(tenant: Tenant, case: Case) -> None:
    site = servers.site()
    site.page("/deep/img/a.png", picture("PNG", 300, 300), "image/png")
    site.page("/deep/dir/fav.ico", picture("ICO", 32, 32), "image/x-icon")
    url = page(case.path.read_bytes())
    found = visited(tenant.client, url)
    assert found["crawl_status"] == "completed"
    assert _facts(found, case.facts, site.url(""), url) == []
    for text in case.facts.get("text_contains", ()):
        assert listed(tenant.client, search=text) == [found["id"]]
    if "favicon" in case.facts:
        assert tenant.client.get(found["favicon_url"]).headers["content-type"] == "image/png"
        assert site.seen("/deep/dir/fav.ico")


@pytest.mark.parametrize(
    ("media_type", "body"),
    [
        ("text/html; charset=utf-8", GERMAN.encode()),
        ("text/html; charset=ISO-8859-1", GERMAN.encode("latin-1")),
        ("text/html; charset=utf-16", b"\xff\xfe" + GERMAN.encode("utf-16-le")),
        ("text/html; charset=latin-1", b"\xef\xbb\xbf" + GERMAN.encode()),
        ("text/html", b'<meta charset="windows-1252">' + GERMAN.encode("cp1252")),
        ("text/html", b'<meta http-equiv=content-type content="text/html; charset=latin1">' + GERMAN.encode("cp1252")),
        ("text/html", GERMAN.encode("cp1252")),
        ("text/html", GERMAN.encode()),
        ("text/html; charset=no-such-thing", GERMAN.encode()),
        ("", b"<!doctype html>" + GERMAN.encode()),
    ],
)  # fmt: skip
def test_a_charset_is_found_as_browsers_find_it(tenant: Tenant, media_type: str, body: bytes) -> None:
    found = visited(tenant.client, page(body, media_type))
    assert found["page_title"] == "Größe"
    assert listed(tenant.client, search="schöne Bären") == [found["id"]]


def test_what_a_page_says_in_other_ways_counts_where_open_graph_is_silent(tenant: Tenant) -> None:
    head = (
        '<meta name="twitter:description" content="In short"><link rel="canonical" href="/the-one">'
        f'<script type="application/ld+json">{json.dumps(ARTICLE)}</script>'
        '<script type="application/ld+json">{</script>'
    )
    found = visited(tenant.client, page(f"<title>T</title>{head}<p>Some text.".encode()))
    og = found["og_metadata"]
    assert (og["title"], og["description"], og["site_name"]) == ("Told by data", "In short", "The Paper")
    assert (og["published_time"], og["author"], og["language"]) == ("2024-05-06T07:08:09Z", "A. Writer", "fr")
    assert og["url"] == servers.site().url("/the-one")
    assert og["image"] == servers.site().url("/lead.png")
    assert found["extracted_images"][0]["image_id"] is not None


def test_a_pdf_is_read(tenant: Tenant) -> None:
    found = visited(tenant.client, page(pdf("Wombats in print"), "application/pdf"))
    assert found["crawl_status"] == "completed"
    assert listed(tenant.client, search="wombats in print") == [found["id"]]


@pytest.mark.parametrize("media_type", ["text/plain", "text/markdown; charset=utf-8"])
def test_plain_text_is_read_as_it_is(tenant: Tenant, media_type: str) -> None:
    found = visited(tenant.client, page("Über <b>Wombats</b>\nund mehr".encode(), media_type))
    assert (found["crawl_status"], found["page_title"]) == ("completed", None)
    assert listed(tenant.client, search="über <b>wombats") == [found["id"]]


def test_icons_and_pictures_that_cannot_be_had_fail_nothing(tenant: Tenant) -> None:
    broken = servers.site().page("/broken.png", b"\x89PNG\r\n\x1a\nno picture", "image/png")
    drawn = servers.site().page("/drawn.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>", "image/svg+xml")
    body = f'<title>T</title><link rel=icon href="{broken}"><img src="{broken}"><img src="{drawn}"><img src="/no.png">'
    found = visited(tenant.client, page(body.encode()))
    assert found["crawl_status"] == "completed"
    assert [it["image_id"] for it in found["extracted_images"]] == [None] * 3
    assert found["favicon_url"] is not None  # the site's own, at the usual place
