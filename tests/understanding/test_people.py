"""People's words go before models', for ever; and what a run wrote can be taken back."""

import uuid
from typing import Any

import httpx
import pytest

from tests.conftest import Tenant
from tests.pictures import picture
from tests.support import wait_for
from tests.surfaces.files.conftest import FILES, refused
from tests.surfaces.files.doors import streamed
from tests.understanding.conftest import findings, is_done


def described(client: httpx.Client, *, seed: int = 0) -> dict[str, Any]:
    file_id = streamed(client, picture("PNG", 120, 90, seed=seed))["image_id"]
    wait_for(lambda: is_done(client, file_id), "the description", 60)
    return detail(client, file_id)


def detail(client: httpx.Client, file_id: str) -> dict[str, Any]:
    return dict(client.get(f"{FILES}/{file_id}").json())


def describe_again(client: httpx.Client, file_id: str) -> None:
    assert client.post(f"/api/v1/assets/{file_id}/skills/caption/run").json()["data"]["succeeded"]


def write(client: httpx.Client, file_id: str, **changes: Any) -> None:
    assert client.patch(f"/api/v1/assets/{file_id}", json=changes).status_code == 200


def caption(client: httpx.Client, file_id: str) -> dict[str, Any]:
    return findings(client, file_id)["basic_caption"]


def test_what_a_person_writes_stays_and_the_finding_says_so(tenant: Tenant) -> None:
    file = described(tenant.client)
    assert caption(tenant.client, file["id"])["state"] == "suggested"
    write(tenant.client, file["id"], description="My own words")
    assert caption(tenant.client, file["id"])["state"] == "edited"
    describe_again(tenant.client, file["id"])
    assert detail(tenant.client, file["id"])["upload_description"] == "My own words"


def test_a_run_that_is_undone_leaves_nothing_it_wrote(tenant: Tenant) -> None:
    file = described(tenant.client)
    assert file["upload_description"]
    run_id = caption(tenant.client, file["id"])["run_id"]
    undone = tenant.client.post(f"{FILES}/{file['id']}/runs/{run_id}/undo")
    assert undone.status_code == 200, undone.text
    assert undone.json()["fields"] == ["alt_text", "description"]
    assert "basic_caption" in undone.json()["findings"]
    after = detail(tenant.client, file["id"])
    assert (after["upload_description"], after["full_descriptions"]) == (None, [])
    assert after["description_status"] == "skipped"
    assert "basic_caption" not in findings(tenant.client, file["id"])
    words = file["upload_description"].split(",")[0]
    found = tenant.client.get(FILES, params={"search": words}).json()["files"]
    assert file["id"] not in [it["id"] for it in found]
    refused(tenant.client.post(f"{FILES}/{file['id']}/runs/{run_id}/undo"), 400, "BAD_REQUEST")


def test_undoing_leaves_what_a_person_wrote_since(tenant: Tenant) -> None:
    file = described(tenant.client)
    run_id = caption(tenant.client, file["id"])["run_id"]
    write(tenant.client, file["id"], description="Mine")
    undone = tenant.client.post(f"{FILES}/{file['id']}/runs/{run_id}/undo").json()
    assert undone["fields"] == ["alt_text"]
    assert detail(tenant.client, file["id"])["upload_description"] == "Mine"


def test_a_rejected_finding_counts_nowhere_and_a_later_one_neither(tenant: Tenant) -> None:
    file = described(tenant.client)
    run_id = caption(tenant.client, file["id"])["run_id"]
    path = f"{FILES}/{file['id']}/findings/{run_id}/basic_caption"
    answer = tenant.client.patch(path, json={"state": "rejected"})
    assert (answer.status_code, answer.json()["state"]) == (200, "rejected")
    after = detail(tenant.client, file["id"])
    assert (after["upload_description"], after["full_descriptions"]) == (None, [])
    assert tenant.client.patch(path, json={"state": "accepted"}).json()["state"] == "accepted"
    assert len(detail(tenant.client, file["id"])["full_descriptions"]) == 1


def test_a_blank_that_a_person_left_is_filled_by_hand_alone(tenant: Tenant) -> None:
    file = described(tenant.client)
    write(tenant.client, file["id"], description=None)
    assert caption(tenant.client, file["id"])["state"] == "rejected"
    describe_again(tenant.client, file["id"])
    asset = tenant.client.get(f"/api/v1/assets/{file['id']}").json()["data"]
    assert asset["description"]


def test_what_is_not_there_cannot_be_judged(tenant: Tenant) -> None:
    file = described(tenant.client)
    run_id, absent = caption(tenant.client, file["id"])["run_id"], uuid.uuid4()
    judged = {"state": "accepted"}
    for path in (f"{file['id']}/findings/{absent}/tags", f"{absent}/findings/{run_id}/tags",
                 f"{file['id']}/findings/{run_id}/nothing"):  # fmt: skip
        refused(tenant.client.patch(f"{FILES}/{path}", json=judged), 404, "RESOURCE_NOT_FOUND")
    refused(tenant.client.post(f"{FILES}/{file['id']}/runs/{absent}/undo"), 404, "RESOURCE_NOT_FOUND")
    wrong = tenant.client.patch(f"{FILES}/{file['id']}/findings/{run_id}/basic_caption", json={"state": "maybe"})
    refused(wrong, 422, "VALIDATION_ERROR")


def test_pictures_that_look_alike_find_each_other(tenant: Tenant, other_tenant: Tenant) -> None:
    first = described(tenant.client)
    smaller = streamed(tenant.client, picture("JPEG", 100, 75), "smaller.jpg", auto_describe="false")["image_id"]
    streamed(tenant.client, picture("PNG", 120, 90, seed=5), auto_describe="false")
    streamed(other_tenant.client, picture("PNG", 120, 90), auto_describe="false")
    path = f"{FILES}/{first['id']}/look-alikes"
    wait_for(lambda: len(tenant.client.get(path).json()["files"]) == 1, "the hashes", 30)
    (alike,) = tenant.client.get(path).json()["files"]
    assert (alike["id"], alike["filename"]) == (smaller, "smaller.jpg")
    assert 0 <= alike["distance"] <= 6
    assert tenant.client.get(f"{FILES}/{smaller}/look-alikes").json()["files"][0]["id"] == first["id"]


@pytest.mark.parametrize("skill", ["ocr", "tags"])
def test_what_needs_a_model_is_skipped_where_there_is_none(tenant: Tenant, skill: str) -> None:
    file = described(tenant.client)
    ran = tenant.client.post(f"/api/v1/assets/{file['id']}/skills/{skill}/run").json()["data"]
    assert ran["succeeded"] is False
    assert "MEDIATHEQUE_MODELS" in next(step["errorMessage"] for step in ran["steps"] if step["errorMessage"])
    assert detail(tenant.client, file["id"])["processing_history"][-1]["status"] == "skipped"
    assert file["upload_description"]
