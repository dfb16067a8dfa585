"""Characters that no database can hold: refused, or found nowhere, on every route of `/api/v2` that takes a text."""

import json
from typing import Any

import pytest

from tests.conftest import Tenant
from tests.surfaces.files.conftest import FILES
from tests.surfaces.files.doors import streamed

NUL = "a\0b"
HALF = "\ud800"
VIDEO = {"filename": "a.mp4", "content_type": "video/mp4", "size_bytes": 9}


@pytest.mark.parametrize(
    "query",
    [{"search": NUL}, {"tags": NUL}, {"media_types": NUL}, {"folder_id": NUL}, {"ids": NUL},
     {"search": NUL, "search_mode": "semantic"}, {"tags": NUL, "search": "a", "search_mode": "hybrid"}],
)  # fmt: skip
def test_a_list_that_asks_for_nul_finds_nothing_or_is_refused(tenant: Tenant, query: dict[str, str]) -> None:
    answer = tenant.client.get(FILES, params=query)
    assert answer.status_code == 422 or answer.json()["files"] == [], answer.text


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/v2/search", {"query": "a", "tags": [NUL]}),
        ("/api/v2/search", {"query": NUL}),
        ("/api/v2/documents/search", {"query": NUL}),
        ("/api/v2/folders", {"name": NUL}),
        (f"{FILES}/links", {"url": f"https://example.com/{NUL}"}),
        (f"{FILES}/links", {"url": "https://example.com/", "title": NUL}),
        (f"{FILES}/links", {"url": "https://example.com/", "tags": [NUL]}),
        ("/api/v2/document-uploads/request-presigned-url",
         {"filename": NUL, "content_type": "text/plain", "size_bytes": 1}),
        ("/api/v2/document-uploads/confirm", {"object_key": NUL, "size_bytes": 1, "content_type": "text/plain"}),
        ("/api/v2/video-uploads/initiate", VIDEO | {"title": NUL}),
        ("/api/v2/video-uploads/initiate", VIDEO | {"tags": [NUL]}),
        ("/api/v2/video-uploads/initiate", VIDEO | {"metadata": {"place": NUL}}),
        ("/api/v2/video-uploads/initiate", VIDEO | {"metadata": {NUL: [{"a": NUL}]}}),
    ],
)  # fmt: skip
def test_a_body_that_holds_nul_is_refused(tenant: Tenant, path: str, body: dict[str, Any]) -> None:
    answer = tenant.client.post(path, json=body)
    assert answer.status_code in {200, 201, 400, 404, 422}, answer.text
    if answer.status_code < 300:
        assert "\\u0000" not in answer.text


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (f"{FILES}/links", {"url": "https://example.com/", "title": HALF}),
        ("/api/v2/document-uploads/request-presigned-url",
         {"filename": HALF, "content_type": "text/plain", "size_bytes": 1}),
        ("/api/v2/video-uploads/initiate", VIDEO | {"title": HALF}),
        ("/api/v2/folders", {"name": HALF}),
    ],
)  # fmt: skip
def test_half_a_character_is_refused_or_left_out_also_of_what_is_sent_again(
    tenant: Tenant, path: str, body: dict[str, Any]
) -> None:
    headers = {"Content-Type": "application/json", "Idempotency-Key": "once"}
    answer = tenant.client.post(path, content=json.dumps(body), headers=headers)
    assert answer.status_code in {200, 201, 400, 422}, answer.text
    assert "\\ud800" not in answer.text or answer.status_code >= 400


def test_a_finding_of_an_unheard_of_kind_is_not_found(tenant: Tenant) -> None:
    file_id = streamed(tenant.client)["image_id"]
    answer = tenant.client.patch(f"{FILES}/{file_id}/findings/{file_id}/a%00b", json={"state": "accepted"})
    assert answer.status_code == 404, answer.text
