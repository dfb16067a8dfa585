"""`upload/stream-batch` and the sessions that tell of it (contract, 3.3 and 3.4)."""

import hashlib
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from mediatheque.core.accounts import Accounts
from mediatheque.model import Role
from tests.conftest import Tenant
from tests.pictures import picture
from tests.support import Server, wait_for
from tests.surfaces.files.doors import PNG, files_of, refusal, streamed

BATCH = "/api/v2/user-files/upload/stream-batch"
SESSIONS = "/api/v2/uploads/sessions"
KEYS = ["session_id", "total_files", "accepted_files", "rejected_files", "status", "immediate_results", "status_url",
        "websocket_channel", "rejections"]  # fmt: skip
ITEM = ["image_id", "filename", "object_key", "status", "processing_time_ms", "skipped", "skipped_existing_image_id",
        "error", "storage_target", "media_type", "document_type", "text_extraction_status"]  # fmt: skip
STATUS = ["session_id", "status", "total_files", "completed_files", "failed_files", "skipped_files", "pending_files",
          "progress_percentage", "created_at", "started_at", "completed_at", "estimated_completion_time",
          "recent_completions", "recent_errors", "results_url", "websocket_channel"]  # fmt: skip


def some(count: int) -> list[bytes]:
    return [picture("PNG", 32, 24, seed=seed) for seed in range(count)]


def send(
    client: httpx.Client, files: list[bytes], headers: dict[str, str] | None = None, **fields: str
) -> httpx.Response:
    parts = [("files", (f"{number}.png", data)) for number, data in enumerate(files)]
    return client.post(BATCH, files=parts, data=fields, headers=headers or {})


def sent(client: httpx.Client, files: list[bytes], **fields: Any) -> dict[str, Any]:
    answer = send(client, files, **fields)
    assert answer.status_code == 200, answer.text
    made: dict[str, Any] = answer.json()
    return made


def status(client: httpx.Client, made: dict[str, Any]) -> dict[str, Any]:
    answer = client.get(made["status_url"])
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def until_ended(client: httpx.Client, made: dict[str, Any]) -> dict[str, Any]:
    wait_for(lambda: status(client, made)["completed_at"] is not None, "the session to end", 120)
    return status(client, made)


def test_a_few_files_are_answered_at_once(tenant: Tenant) -> None:
    made = sent(tenant.client, some(3), tags="a,b")
    assert list(made) == KEYS
    assert (made["total_files"], made["accepted_files"], made["rejected_files"]) == (3, 3, 0)
    assert (made["status"], made["rejections"]) == ("completed", None)
    assert made["status_url"] == f"{SESSIONS}/{made['session_id']}/status"
    assert made["websocket_channel"] == f"batch.{made['session_id']}"
    results = made["immediate_results"]
    assert [list(item) for item in results] == [ITEM] * 3
    assert [item["filename"] for item in results] == ["0.png", "1.png", "2.png"]
    assert {item["status"] for item in results} == {"completed"}
    assert {item["image_id"] for item in results} == {it["id"] for it in files_of(tenant.client)}
    assert all(item["object_key"].startswith(f"uploads/{tenant.key.tenant_id}/") for item in results)
    ended = until_ended(tenant.client, made)
    assert (ended["status"], ended["completed_files"], ended["progress_percentage"]) == ("completed", 3, 100.0)


def test_a_file_of_a_batch_has_the_name_that_nets_clients_spell(tenant: Tenant) -> None:
    head = b"--b\r\nContent-Disposition: form-data; name=files; filename*=UTF-8''%e2%82%ac.png\r\n\r\n"
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    answer = tenant.client.post(BATCH, content=head + picture("PNG") + b"\r\n--b--\r\n", headers=headers)
    assert answer.status_code == 200, answer.text
    assert [it["filename"] for it in answer.json()["immediate_results"]] == ["€.png"]


def test_a_session_is_completed_when_all_its_runs_have_ended(tenant: Tenant) -> None:
    made = sent(tenant.client, some(2))
    ended = until_ended(tenant.client, made)
    assert list(ended) == STATUS
    for item in made["immediate_results"]:
        asset = tenant.client.get(f"/api/v1/assets/{item['image_id']}").json()["data"]
        assert asset["status"] == "ready"
    assert {it["status"] for it in ended["recent_completions"]} == {"completed"}
    results = tenant.client.get(ended["results_url"]).json()
    assert results["summary"] == {"total_files": 2, "completed": 2, "failed": 0, "skipped": 0}
    for entry in results["results"]:
        assert httpx.get(entry["thumbnail_url"], trust_env=False, timeout=60).status_code == 200


def test_a_file_has_the_id_under_which_it_waited(tenant: Tenant) -> None:
    made = sent(tenant.client, some(7))
    path = f"{SESSIONS}/{made['session_id']}/results"
    waiting = [entry["image_id"] for entry in tenant.client.get(path).json()["results"]]
    until_ended(tenant.client, made)
    assert [entry["image_id"] for entry in tenant.client.get(path).json()["results"]] == waiting
    assert {file["id"] for file in files_of(tenant.client)} == set(waiting)


def test_more_than_five_files_go_on_after_the_answer(tenant: Tenant) -> None:
    made = sent(tenant.client, some(8), tags="many")
    assert (made["immediate_results"], made["accepted_files"]) == (None, 8)
    assert made["status"] in {"processing", "completed"}
    ended = until_ended(tenant.client, made)
    assert (ended["status"], ended["total_files"], ended["completed_files"]) == ("completed", 8, 8)
    results = tenant.client.get(ended["results_url"], params={"limit": 5, "offset": 5}).json()
    assert [entry["filename"] for entry in results["results"]] == ["5.png", "6.png", "7.png"]
    assert (results["total_count"], results["has_more"]) == (8, False)
    for bad in ({"limit": 0}, {"limit": 501}, {"offset": -1}):
        assert refusal(tenant.client.get(ended["results_url"], params=bad)) == (422, "VALIDATION_ERROR")
    assert {tuple(entry["tags"]) for entry in results["results"]} == {("many",)}
    assert len(files_of(tenant.client)) == 8
    assert not [file for file in tenant.objects() if "arrivals" in file.parts] or _swept(tenant)


def _swept(tenant: Tenant) -> bool:
    tenant.server.command("fsck", "--repair", "--grace", "0")
    return not [file for file in tenant.objects() if "arrivals" in file.parts]


@pytest.mark.parametrize("good", [2, 7])
def test_a_bad_file_takes_no_other_along(tenant: Tenant, good: int) -> None:
    files = some(good)
    files[1:1] = [b"no picture", b""]
    made = sent(tenant.client, files)
    assert (made["total_files"], made["accepted_files"], made["rejected_files"]) == (good + 2, good, 2)
    assert made["status"] == ("partial" if good == 2 else "processing") or made["status"] == "partial"
    assert [(it["filename"], it["index"], it["retryable"]) for it in made["rejections"]] == [
        ("1.png", 1, False), ("2.png", 2, False)]  # fmt: skip
    assert all(it["reason"] for it in made["rejections"])
    ended = until_ended(tenant.client, made)
    assert (ended["completed_files"], ended["failed_files"]) == (good, 2)
    assert [it["index"] for it in ended["recent_errors"]] == [1, 2]
    failures = tenant.client.get(ended["results_url"], params={"include_failed": "false"}).json()
    assert failures["total_count"] == good
    assert len(files_of(tenant.client)) == good


@pytest.mark.parametrize("count", [2, 6])
def test_a_batch_of_bad_files_is_rejected_with_200(tenant: Tenant, count: int) -> None:
    made = sent(tenant.client, [b"no picture"] * count)
    assert (made["status"], made["accepted_files"], made["rejected_files"]) == ("rejected", 0, count)
    assert until_ended(tenant.client, made)["status"] == "failed"


def test_duplicates_are_skipped_when_asked(tenant: Tenant) -> None:
    first = streamed(tenant.client)
    made = sent(tenant.client, [PNG, *some(1)], skip_duplicates="true")
    skipped, new = made["immediate_results"]
    assert (skipped["status"], skipped["skipped"]) == ("skipped", True)
    assert skipped["skipped_existing_image_id"] == skipped["image_id"] == first["image_id"]
    assert new["skipped"] is False
    ended = until_ended(tenant.client, made)
    assert (ended["skipped_files"], ended["completed_files"]) == (1, 1)


def test_no_files_are_422_and_too_many_413(tenant: Tenant) -> None:
    answer = tenant.client.post(BATCH, files={"other": ("a.png", PNG)})
    assert refusal(answer) == (422, "VALIDATION_ERROR")
    assert answer.json()["detail"][0]["loc"] == ["body", "files"]
    bare = {"content": b"", "headers": {"Content-Type": "multipart/form-data; boundary=x"}}
    for other in ({"data": {"title": "x"}}, {}, bare):
        assert tenant.client.post(BATCH, **other).json()["detail"] == answer.json()["detail"], other
    assert refusal(send(tenant.client, [b"x"] * 51)) == (413, "FILE_TOO_LARGE")
    assert tenant.client.get(SESSIONS).json()["total_count"] == 0


@pytest.mark.parametrize("fields", [{"intent": "sing"}, {"verification_level": "much"}, {"storage_target": "moon"}])
def test_unknown_words_are_422(tenant: Tenant, fields: dict[str, Any]) -> None:
    assert refusal(send(tenant.client, some(1), **fields)) == (422, "VALIDATION_ERROR")


def test_the_level_that_the_published_document_names_default_is_standard(tenant: Tenant) -> None:
    made = sent(tenant.client, some(1), verification_level="default")
    assert made["accepted_files"] == 1


@pytest.mark.parametrize("count", [2, 6])
def test_a_file_that_is_refused_has_an_id_by_which_its_fate_is_told(tenant: Tenant, count: int) -> None:
    made = sent(tenant.client, [b"no picture"] * count)
    results = tenant.client.get(f"{SESSIONS}/{made['session_id']}/results").json()["results"]
    assert {(it["status"], it["object_key"]) for it in results} == {("failed", "")}
    assert [it["image_id"] for it in made["immediate_results"] or results] == [it["image_id"] for it in results]
    found = tenant.client.get(f"/api/v2/uploads/status/{results[0]['image_id']}").json()
    assert (found["unified_status"], found["error_message"]) == ("failed", results[0]["error_message"])
    assert found["batch_id"] == made["session_id"]
    assert found["last_error_at"] and found["component_statuses"] == {
        "upload_status": "failed", "variant_status": None, "description_status": None,
        "upload_intent_status": "failed", "task_intent_status": "failed",
    }  # fmt: skip
    refused = tenant.client.get(f"/api/v2/user-files/{results[0]['image_id']}")
    assert refused.status_code == 404


def test_a_limit_that_goes_further_is_not_said_to_end_at_100(tenant: Tenant) -> None:
    made = sent(tenant.client, some(1))
    path = f"{SESSIONS}/{made['session_id']}/results"
    for limit in (0, 501):
        issue = tenant.client.get(path, params={"limit": limit}).json()["error"]["details"]["issue"]
        assert "100" not in issue


def test_a_custom_target_without_one_is_400(tenant: Tenant) -> None:
    assert refusal(send(tenant.client, some(1), storage_target="custom")) == (400, "BAD_REQUEST")
    assert files_of(tenant.client) == []


@pytest.mark.parametrize("count", [2, 6])
def test_an_idempotency_key_makes_one_session(tenant: Tenant, count: int) -> None:
    headers = {"Idempotency-Key": "batch"}
    first, again = (send(tenant.client, some(count), headers) for _ in range(2))
    assert first.json() == again.json()
    assert refusal(send(tenant.client, some(count)[::-1], headers)) == (422, "VALIDATION_ERROR")
    assert tenant.client.get(SESSIONS).json()["total_count"] == 1


def test_sessions_are_listed_newest_first(tenant: Tenant) -> None:
    made = [sent(tenant.client, some(1))["session_id"] for _ in range(3)]
    found = tenant.client.get(SESSIONS, params={"limit": 2}).json()
    assert [it["session_id"] for it in found["sessions"]] == made[:0:-1]
    assert {key: found[key] for key in ("total_count", "offset", "limit", "has_more")} == {
        "total_count": 3, "offset": 0, "limit": 2, "has_more": True}  # fmt: skip
    item = found["sessions"][0]
    assert list(item) == ["session_id", "status", "upload_method", "total_files", "completed_files", "failed_files",
                          "skipped_files", "progress_percentage", "created_at", "completed_at"]  # fmt: skip
    assert item["upload_method"] == "streaming"

    def completed() -> int:
        count: int = tenant.client.get(SESSIONS, params={"status": "completed"}).json()["total_count"]
        return count

    wait_for(lambda: completed() == 3, "the sessions to end", 60)
    assert tenant.client.get(SESSIONS, params={"upload_method": "presigned"}).json()["sessions"] == []
    for bad in ({"limit": 0}, {"limit": 101}, {"offset": -1}, {"status": "odd"}, {"upload_method": "odd"}):
        assert refusal(tenant.client.get(SESSIONS, params=bad)) == (422, "VALIDATION_ERROR")


def test_an_ended_session_cannot_be_cancelled(tenant: Tenant) -> None:
    made = sent(tenant.client, some(1))
    until_ended(tenant.client, made)
    assert refusal(tenant.client.post(f"{SESSIONS}/{made['session_id']}/cancel")) == (400, "BAD_REQUEST")


def test_another_tenants_session_is_like_none(tenant: Tenant, other_tenant: Tenant) -> None:
    foreign = sent(other_tenant.client, some(1))
    for session_id in (foreign["session_id"], str(uuid4())):
        for method, path in (("GET", "status"), ("GET", "results"), ("POST", "cancel")):
            answer = tenant.client.request(method, f"{SESSIONS}/{session_id}/{path}")
            assert refusal(answer) == (404, "RESOURCE_NOT_FOUND")
    assert tenant.client.get(SESSIONS).json()["sessions"] == []
    image = foreign["immediate_results"][0]["image_id"]
    assert refusal(tenant.client.get(f"/api/v2/uploads/status/{image}")) == (404, "RESOURCE_NOT_FOUND")


def test_hashes_are_looked_up_within_the_tenant(tenant: Tenant, other_tenant: Tenant) -> None:
    made = streamed(tenant.client)
    known, unknown = hashlib.sha256(PNG).hexdigest(), "0" * 64
    path = "/api/v2/uploads/check-duplicates"
    found = tenant.client.post(path, json={"hashes": [known.upper(), unknown]}).json()
    assert found == {"duplicates": [known], "unique": [unknown], "image_ids": {known: made["image_id"]}}
    found = other_tenant.client.post(path, json={"hashes": [known]}).json()
    assert found == {"duplicates": [], "unique": [known], "image_ids": {}}
    for bad in ([], ["x"], [unknown] * 251):
        assert refusal(tenant.client.post(path, json={"hashes": bad})) == (422, "VALIDATION_ERROR")


def test_the_quota_is_told_beforehand(tenant: Tenant) -> None:
    path = "/api/v2/uploads/quota-check"
    found = tenant.client.get(path, params={"file_count": 3}).json()
    assert list(found) == ["can_proceed", "requested", "available", "monthly_limit", "current_usage",
                           "prepaid_credits", "max_batch_size", "max_concurrent_uploads", "message"]  # fmt: skip
    assert (found["can_proceed"], found["requested"], found["max_batch_size"]) == (True, 3, 50)
    assert found["message"] is None
    refusal_told = tenant.client.get(path, params={"file_count": 51}).json()
    assert (refusal_told["can_proceed"], refusal_told["message"]) == (False, "At most 50 files at once")
    for bad in ({}, {"file_count": 0}, {"file_count": "some"}):
        assert refusal(tenant.client.get(path, params=bad)) == (422, "VALIDATION_ERROR")


def test_one_files_status_is_told(tenant: Tenant) -> None:
    made = streamed(tenant.client)
    path = f"/api/v2/uploads/status/{made['image_id']}"
    wait_for(lambda: bool(tenant.client.get(path).json()["is_terminal"]), "the file to be processed", 60)
    found = tenant.client.get(path).json()
    assert (found["image_id"], found["unified_status"]) == (made["image_id"], "completed")
    assert found["component_statuses"]["variant_status"] == "completed"
    assert found["task_intent_ids"] and found["last_error_at"] is None
    assert UUID(found["tenant_id"]) == tenant.key.tenant_id
    assert refusal(tenant.client.get(f"/api/v2/uploads/status/{uuid4()}")) == (404, "RESOURCE_NOT_FOUND")


def test_a_file_knows_its_session(tenant: Tenant) -> None:
    made = sent(tenant.client, some(1))
    (item,) = made["immediate_results"]
    found = tenant.client.get(f"/api/v2/uploads/status/{item['image_id']}").json()
    assert (found["batch_id"], found["retry_count"]) == (made["session_id"], 0)
    alone = streamed(tenant.client)["image_id"]
    assert tenant.client.get(f"/api/v2/uploads/status/{alone}").json()["batch_id"] is None


def test_viewers_may_look_and_not_send(tenant: Tenant, server: Server, accounts: Accounts) -> None:
    made = sent(tenant.client, some(1))
    with server.client(accounts.create_key(tenant.name, role=Role.VIEWER).key) as client:
        assert client.get(made["status_url"]).status_code == 200
        assert refusal(send(client, some(1))) == (403, "PERMISSION_DENIED")
        assert refusal(client.post(f"{SESSIONS}/{made['session_id']}/cancel")) == (403, "PERMISSION_DENIED")
