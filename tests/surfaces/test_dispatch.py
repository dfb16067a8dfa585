"""`POST /v1/workflows/{workflow}` and `GET /v1/jobs/{job_id}`, as a client sees them (contract, 5.3 and 10)."""

import io
import uuid
from typing import Any

import httpx
import pytest
from PIL import Image

from mediatheque.core.accounts import Accounts
from tests.conftest import Tenant
from tests.pictures import picture
from tests.support import wait_for
from tests.surfaces.test_uploads import REQUEST_ID, assert_refused, upload


def dispatched(client: httpx.Client, workflow: str, key: str, **parameters: Any) -> dict[str, Any]:
    body = {"source_image_s3_key": key, "parameters": parameters}
    answer = client.post(f"/v1/workflows/{workflow}", json=body)
    assert answer.status_code == 202, answer.text
    shown: dict[str, Any] = answer.json()
    assert list(shown) == ["request_id", "job_id", "status", "credits_cost"]
    assert REQUEST_ID.fullmatch(shown["request_id"]) and shown["request_id"] == answer.headers["x-request-id"]
    assert (shown["status"], shown["credits_cost"]) == ("NOT_STARTED", 0)
    return shown


def ended(client: httpx.Client, job_id: str) -> dict[str, Any]:
    def job() -> dict[str, Any]:
        answer = client.get(f"/v1/jobs/{job_id}")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    wait_for(lambda: job()["status"] in {"SUCCESS", "FAILURE"}, "the job to end", 30)
    return job()


def test_a_picture_comes_out_as_a_new_asset_and_the_source_stays(tenant: Tenant) -> None:
    data = picture("PNG", 80, 60)
    key = upload(tenant.client, data, "person.png").json()["upload_key"]
    job = ended(tenant.client, dispatched(tenant.client, "format-convert", key, TargetFormat="webp")["job_id"])
    assert list(job) == ["job_id", "status", "operation", "result", "error", "created_at", "completed_at"]
    assert (job["status"], job["operation"], job["error"]) == ("SUCCESS", "format-convert", None)
    assert job["completed_at"] >= job["created_at"]
    assert job["result"]["upload_key"] != key and job["result"]["upload_key"].endswith("/person.webp")
    made = httpx.get(job["result"]["image_url"], trust_env=False, timeout=30)
    with Image.open(io.BytesIO(made.content)) as image:
        assert (image.format, image.size) == ("WEBP", (80, 60))
    assert tenant.client.get("/v3/images").json()["total"] == 0
    again = ended(tenant.client, dispatched(tenant.client, "watermark", job["result"]["upload_key"])["job_id"])
    assert again["result"]["upload_key"].endswith("/person.webp")
    listed = tenant.client.get("/api/v1/assets").json()["data"]["items"]
    assert sorted(it["contentType"] for it in listed) == ["image/png", "image/webp", "image/webp"]
    source = next(it for it in listed if it["contentType"] == "image/png")
    assert source["size"] == len(data)


def test_text_comes_out_as_findings_of_the_job_alone(tenant: Tenant) -> None:
    key = upload(tenant.client, picture("JPEG")).json()["upload_key"]
    job = ended(tenant.client, dispatched(tenant.client, "ai-caption", key)["job_id"])
    assert job["operation"] == "caption"
    assert (job["result"]["upload_key"], job["result"]["image_url"]) == (None, None)
    assert job["result"]["findings"]["basic_caption"]["caption"]
    (listed,) = tenant.client.get("/api/v1/assets").json()["data"]["items"]
    source = tenant.client.get(f"/api/v1/assets/{listed['id']}").json()["data"]
    assert (source["description"], source["structuredResults"], source["latestExecutionSummary"]) == (None, [], None)


def test_the_other_name_of_the_key_is_taken_too(tenant: Tenant) -> None:
    key = upload(tenant.client, picture("PNG", 600, 300)).json()["upload_key"]
    answer = tenant.client.post("/v1/workflows/thumbnail", json={"product_image_s3_key": key})
    assert answer.status_code == 202
    job = ended(tenant.client, answer.json()["job_id"])
    with Image.open(io.BytesIO(httpx.get(job["result"]["image_url"], trust_env=False, timeout=30).content)) as image:
        assert image.size == (256, 128)


def test_a_job_that_fails_says_why(tenant: Tenant) -> None:
    key = upload(tenant.client, picture("PNG")).json()["upload_key"]
    job = ended(tenant.client, dispatched(tenant.client, "format-convert", key)["job_id"])
    assert (job["status"], job["result"]) == ("FAILURE", None)
    assert job["error"].startswith("format_convert_target_format_required")


def test_no_other_key_is_taken(tenant: Tenant, other_tenant: Tenant) -> None:
    answer = upload(tenant.client, picture("PNG")).json()
    theirs = upload(other_tenant.client, picture("PNG")).json()["upload_key"]
    unknown = "uploads/01JUSER0000000000000000000/person.jpg"
    for key in (answer["image_url"], theirs, unknown, answer["upload_key"] + "x", "uploads/../../etc/passwd", "x"):
        refused = tenant.client.post("/v1/workflows/thumbnail", json={"source_image_s3_key": key})
        assert_refused(refused, 422, "VALIDATION_ERROR")
        assert refused.json()["detail"][0]["loc"] == ["body", "source_image_s3_key"]


@pytest.mark.parametrize(
    "body", [{}, {"source_image_s3_key": 7}, [], {"source_image_s3_key": "a", "product_image_s3_key": "b"},
             {"source_image_s3_key": "a", "parameters": []}],
)  # fmt: skip
def test_a_body_of_another_shape_is_a_validation_error(tenant: Tenant, body: Any) -> None:
    assert_refused(tenant.client.post("/v1/workflows/thumbnail", json=body), 422, "VALIDATION_ERROR")


def test_unknown_workflows_and_jobs_are_not_found(tenant: Tenant, other_tenant: Tenant) -> None:
    key = upload(tenant.client, picture("PNG")).json()["upload_key"]
    for name in ("try-on", "variants"):
        answer = tenant.client.post(f"/v1/workflows/{name}", json={"source_image_s3_key": key})
        assert_refused(answer, 404, "RESOURCE_NOT_FOUND")
    job_id = dispatched(tenant.client, "thumbnail", key)["job_id"]
    for client, job in ((other_tenant.client, job_id), (tenant.client, str(uuid.uuid4())), (tenant.client, "x")):
        assert_refused(client.get(f"/v1/jobs/{job}"), 404, "JOB_NOT_FOUND")


def test_both_need_the_scope_of_uploads(tenant: Tenant, accounts: Accounts) -> None:
    narrowed = accounts.create_key(tenant.name, scopes=["images.write"])
    with tenant.server.client(narrowed.key) as client:
        assert_refused(client.post("/v1/workflows/thumbnail", json={}), 403, "FORBIDDEN")
        assert_refused(client.get(f"/v1/jobs/{uuid.uuid4()}"), 403, "FORBIDDEN")
    with tenant.server.client(None) as client:
        assert_refused(client.get(f"/v1/jobs/{uuid.uuid4()}"), 401, "UNAUTHORIZED")
