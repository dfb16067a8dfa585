"""`/api/v1/assets`, as a client of NekoHub sees it (contract, 2.2 to 2.4)."""

import hashlib
import uuid
from typing import Any

import httpx
import pytest

from mediatheque.core.accounts import Accounts
from mediatheque.model import Role
from tests.conftest import Tenant
from tests.pictures import picture, size_of
from tests.support import Server, wait_for
from tests.surfaces.test_images_corpus import broken_inside

LIST_ITEM = [
    "id", "type", "status", "originalFileName", "contentType", "size", "width", "height", "storageProvider",
    "storageProviderProfileId", "publicUrl", "isPublic", "createdAtUtc", "updatedAtUtc",
]  # fmt: skip
FULL = {
    *LIST_ITEM, "storedFileName", "extension", "checksumSha256", "storageKey", "description", "altText", "derivatives",
    "structuredResults", "latestExecutionSummary",
}  # fmt: skip


def upload(client: httpx.Client, data: bytes | None = None, name: str = "kitten.png", **fields: str) -> httpx.Response:
    file = (name, picture("PNG") if data is None else data, "image/png")
    return client.post("/api/v1/assets", files={"file": file}, data=fields)


def made(client: httpx.Client, *args: Any, **fields: Any) -> dict[str, Any]:
    answer = upload(client, *args, **fields)
    assert answer.status_code == 202, answer.text
    return dict(answer.json()["data"])


def ready(client: httpx.Client, asset_id: str) -> dict[str, Any]:
    def is_ready() -> bool:
        return bool(client.get(f"/api/v1/assets/{asset_id}").json()["data"]["status"] == "ready")

    wait_for(is_ready, "the asset to be ready")
    return dict(client.get(f"/api/v1/assets/{asset_id}").json()["data"])


def enriched(client: httpx.Client, asset_id: str) -> dict[str, Any]:
    """The asset when what was asked for at its upload has been done."""

    def is_enriched() -> bool:
        return client.get(f"/api/v1/assets/{asset_id}").json()["data"]["latestExecutionSummary"] is not None

    wait_for(is_enriched, "the asset to be enriched")
    return ready(client, asset_id)


def detail(client: httpx.Client, asset_id: str) -> dict[str, Any]:
    return dict(client.get(f"/api/v1/assets/{asset_id}").json()["data"])


def assert_refused(answer: httpx.Response, status: int, code: str) -> None:
    assert answer.status_code == status, answer.text
    error = answer.json()["error"]
    assert list(error) == ["code", "message", "traceId", "status"]
    assert (error["code"], error["status"]) == (code, status)


def anonymous(url: str, **options: Any) -> httpx.Response:
    return httpx.get(url, trust_env=False, timeout=30, **options)


def test_an_upload_answers_202_with_the_full_object_and_its_location(tenant: Tenant) -> None:
    data = picture("PNG", 64, 48)
    answer = upload(tenant.client, data, "kitten.PNG", description="A kitten", altText="Orange cat")
    assert answer.status_code == 202
    asset = answer.json()["data"]
    assert set(asset) == FULL
    assert answer.headers["location"] == f"/api/v1/assets/{asset['id']}"
    assert (asset["type"], asset["contentType"], asset["extension"]) == ("image", "image/png", ".png")
    assert (asset["size"], asset["width"], asset["height"]) == (len(data), 64, 48)
    assert asset["checksumSha256"] == hashlib.sha256(data).hexdigest()
    assert (asset["description"], asset["altText"], asset["isPublic"]) == ("A kitten", "Orange cat", True)
    assert asset["storageProvider"] == "local" and asset["storageProviderProfileId"] is None
    assert asset["storedFileName"] == asset["storageKey"].split("/")[-1]
    assert (asset["derivatives"], asset["structuredResults"], asset["latestExecutionSummary"]) == ([], [], None)
    assert asset["status"] in {"pending", "processing", "ready"}


def test_the_detail_of_a_ready_asset_shows_derivatives_results_and_the_last_execution(tenant: Tenant) -> None:
    asset = enriched(tenant.client, made(tenant.client)["id"])
    kinds = {derivative["kind"] for derivative in asset["derivatives"]}
    assert {"large_1024", "medium_750", "small_256", "tiny_64", "thumbnail"} <= kinds
    assert list(asset["derivatives"][0]) == [
        "kind", "contentType", "extension", "size", "width", "height", "publicUrl", "createdAtUtc",
    ]  # fmt: skip
    assert all(isinstance(result["payloadJson"], str) for result in asset["structuredResults"])
    summary = asset["latestExecutionSummary"]
    assert list(summary) == [
        "executionId", "skillName", "triggerSource", "startedAtUtc", "completedAtUtc", "succeeded", "steps",
    ]  # fmt: skip
    assert summary["triggerSource"] == "upload" and summary["succeeded"] is True
    assert list(summary["steps"][0]) == ["stepName", "succeeded", "errorMessage", "startedAtUtc", "completedAtUtc"]


@pytest.mark.parametrize(
    ("file", "fields", "code"),
    [
        (None, {}, "asset_file_required"),
        (("a.png", b"", "image/png"), {}, "asset_file_empty"),
        (("a.png", b"<svg xmlns='http://www.w3.org/2000/svg'/>", "image/png"), {}, "asset_content_type_not_allowed"),
        (("a.png", b"\x89PNG\r\n\x1a\n garbage", "image/png"), {}, "asset_content_type_not_allowed"),
        (("a.png", picture("PNG"), "image/png"), {"description": "x" * 1001}, "asset_description_too_long"),
        (("a.png", picture("PNG"), "image/png"), {"altText": "x" * 1001}, "asset_alt_text_too_long"),
        (("a.png", picture("PNG"), "image/png"), {"isPublic": "maybe"}, "request_invalid"),
        (("a.png", picture("PNG"), "image/png"), {"altText": "x" * 70_000}, "asset_alt_text_too_long"),
        (("a.png", b"x" * 11_000_000, "image/png"), {}, "asset_file_too_large"),
        (("a.png", b"x" * 11_000_000, "image/png"), {"description": "x" * 1001}, "asset_description_too_long"),
    ],
)
def test_every_bad_upload_is_400_with_its_own_code(
    tenant: Tenant, file: tuple[str, bytes, str] | None, fields: dict[str, str], code: str
) -> None:
    files = {"file": file} if file else {"other": ("a.png", picture("PNG"), "image/png")}
    assert_refused(tenant.client.post("/api/v1/assets", files=files, data=fields), 400, code)
    assert tenant.client.get("/api/v1/assets").json()["data"]["total"] == 0


def test_a_thousand_characters_are_legal(tenant: Tenant) -> None:
    assert made(tenant.client, description="ä" * 1000, altText="ß" * 1000)["description"] == "ä" * 1000


def test_a_part_without_a_content_type_or_a_usable_name_is_refused(tenant: Tenant) -> None:
    head = b'--b\r\nContent-Disposition: form-data; name="file"; filename="%s"\r\n%s\r\n'
    for name, kind, code in ((b"a.png", b"", "asset_content_type_missing"),
                             (b"/", b"Content-Type: image/png\r\n", "asset_filename_invalid")):  # fmt: skip
        body = head % (name, kind) + picture("PNG") + b"\r\n--b--\r\n"
        headers = {"Content-Type": "multipart/form-data; boundary=b"}
        assert_refused(tenant.client.post("/api/v1/assets", content=body, headers=headers), 400, code)


def test_what_is_wrong_is_said_in_the_published_order(tenant: Tenant) -> None:
    head = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n'
    long = b'--b\r\nContent-Disposition: form-data; name="%s"\r\n\r\n' + b"x" * 1001 + b"\r\n"
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    for fields, code in (((b"description", b"altText"), "asset_description_too_long"),
                         ((b"altText",), "asset_alt_text_too_long"), ((), "asset_file_empty")):  # fmt: skip
        body = b"".join(long % field for field in fields) + head + b"\r\n--b--\r\n"
        assert_refused(tenant.client.post("/api/v1/assets", content=body, headers=headers), 400, code)


def test_an_upload_that_is_not_enriched_is_ready_at_once(tenant: Tenant) -> None:
    asset = made(tenant.client, runEnrichment="false")
    assert asset["status"] == "ready"
    wait_for(lambda: len(detail(tenant.client, asset["id"])["derivatives"]) == 5, "the variants")
    assert detail(tenant.client, asset["id"])["status"] == "ready"


def test_a_list_has_exactly_the_fourteen_keys_newest_first(tenant: Tenant) -> None:
    ids = [made(tenant.client, picture("PNG", seed=number))["id"] for number in range(3)]
    answer = tenant.client.get("/api/v1/assets").json()["data"]
    assert [item["id"] for item in answer["items"]] == ids[::-1]
    assert list(answer["items"][0]) == LIST_ITEM
    assert (answer["page"], answer["pageSize"], answer["total"]) == (1, 20, 3)


def test_numbers_out_of_range_and_unknown_values_are_clamped_not_refused(tenant: Tenant) -> None:
    made(tenant.client)
    answer = tenant.client.get(
        "/api/v1/assets?page=0&pageSize=1000&orderBy=invalid&orderDirection=invalid&status=invalid"
    )
    assert answer.status_code == 200
    data = answer.json()["data"]
    assert (data["page"], data["pageSize"], data["total"]) == (1, 100, 1)
    assert tenant.client.get("/api/v1/assets?pageSize=-5").json()["data"]["pageSize"] == 20
    assert_refused(tenant.client.get("/api/v1/assets?page=one"), 400, "request_invalid")


def test_lists_sort_by_size_and_date_both_ways_and_by_either_name(tenant: Tenant) -> None:
    small, large = (made(tenant.client, picture("PNG", width, 40))["id"] for width in (40, 400))

    def order(query: str) -> list[str]:
        return [item["id"] for item in tenant.client.get(f"/api/v1/assets?{query}").json()["data"]["items"]]

    assert order("orderBy=size&orderDirection=asc") == [small, large]
    assert order("sortBy=size&sortDirection=desc") == [large, small]
    assert order("orderBy=createdAt&orderDirection=asc") == [small, large]
    assert order("orderBy=size&sortBy=createdAtUtc&orderDirection=asc&sortDirection=desc") == [small, large]


def test_pages_join_without_a_gap_in_both_directions(tenant: Tenant) -> None:
    ids = [made(tenant.client, picture("PNG", seed=number))["id"] for number in range(5)]
    for direction, expected in (("desc", ids[::-1]), ("asc", ids)):
        seen: list[str] = []
        for page in (1, 2, 3, 4):
            query = f"/api/v1/assets?page={page}&pageSize=2&orderDirection={direction}"
            seen += [item["id"] for item in tenant.client.get(query).json()["data"]["items"]]
        assert seen == expected


def test_lists_filter_by_text_type_and_status(tenant: Tenant) -> None:
    png = made(tenant.client, picture("PNG"), "Kitten.png", description="Sleeping 100%")
    gif = tenant.client.post("/api/v1/assets", files={"file": ("dog.gif", picture("GIF"), "image/gif")}).json()["data"]
    for asset in (png, gif):
        ready(tenant.client, asset["id"])

    def found(query: str) -> list[str]:
        return [item["id"] for item in tenant.client.get(f"/api/v1/assets?{query}").json()["data"]["items"]]

    assert found("query=kITTEN") == found("keyword=sleeping") == found("query=100%25") == [png["id"]]
    assert found("query=dog&keyword=kitten") == [gif["id"]]
    assert found("query=%20%20&keyword=%20kitten%20&contentType=%20") == [png["id"]]
    assert found("query=1__%25") == []
    assert found("contentType=image/gif") == [gif["id"]]
    assert found("contentType=image/*") == [gif["id"], png["id"]]
    assert found("status=READY&contentType=image/png") == [png["id"]]
    assert found("status=failed") == found("status=processing") == []
    assert found("status=deleted") == [gif["id"], png["id"]]


def test_a_patch_changes_what_it_names_and_clears_with_null(tenant: Tenant) -> None:
    asset_id = made(tenant.client, description="old", altText="alt", runEnrichment="false")["id"]
    path = f"/api/v1/assets/{asset_id}"
    changed = tenant.client.patch(path, json={"description": None, "originalFileName": "a/b/New name.png"}).json()
    assert changed["data"]["description"] is None and changed["data"]["altText"] == "alt"
    assert changed["data"]["originalFileName"] == "New name.png"
    assert tenant.client.patch(path, json={"originalFileName": None}).json()["data"]["originalFileName"] is None
    assert_refused(tenant.client.patch(path, json={"isPublic": None}), 400, "request_invalid")
    assert_refused(tenant.client.patch(path, json={"originalFileName": "  "}), 400, "asset_filename_invalid")
    assert_refused(tenant.client.patch(path, json={"altText": "x" * 1001}), 400, "asset_alt_text_too_long")
    assert_refused(tenant.client.patch(f"/api/v1/assets/{uuid.uuid4()}", json={}), 404, "asset_not_found")


def test_a_new_name_leaves_the_type_and_the_extension(tenant: Tenant) -> None:
    path = f"/api/v1/assets/{made(tenant.client, name='kitten.PNG', runEnrichment='false')['id']}"
    for name in ("kitten.jpg", "cat", None, "cat.tar.gz"):
        changed = tenant.client.patch(path, json={"originalFileName": name}).json()["data"]
        assert (changed["originalFileName"], changed["extension"]) == (name, ".png")
        assert changed["contentType"] == "image/png"


def test_visibility_takes_effect_at_once_on_every_url(tenant: Tenant, server: Server) -> None:
    asset = enriched(tenant.client, made(tenant.client)["id"])
    urls = [asset["publicUrl"], *(derivative["publicUrl"] for derivative in asset["derivatives"])]
    assert all(anonymous(url).status_code == 200 for url in urls)
    hidden = tenant.client.patch(f"/api/v1/assets/{asset['id']}", json={"isPublic": False}).json()["data"]
    assert hidden["publicUrl"] is None
    for url in urls:
        answer = anonymous(url)
        assert_refused(answer, 404, "asset_not_found")
        assert answer.headers["cache-control"] == "no-store"
    assert tenant.client.get("/v3/images").json()["total"] == 0
    shown = tenant.client.patch(f"/api/v1/assets/{asset['id']}", json={"isPublic": True}).json()["data"]
    assert anonymous(shown["publicUrl"]).status_code == 200
    assert tenant.client.get("/v3/images").json()["total"] == 1


def test_content_leads_to_a_public_asset_and_streams_a_private_one(tenant: Tenant) -> None:
    data = picture("PNG", 300, 200)
    public, private = made(tenant.client, data), made(tenant.client, data, isPublic="false")
    answer = tenant.client.get(f"/api/v1/assets/{public['id']}/content")
    assert (answer.status_code, answer.headers["location"]) == (307, public["publicUrl"])
    path = f"/api/v1/assets/{private['id']}/content"
    whole = tenant.client.get(path)
    assert (whole.status_code, whole.content, whole.headers["content-type"]) == (200, data, "image/png")
    part = tenant.client.get(path, headers={"Range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, data[10:20])
    assert anonymous(str(tenant.client.base_url) + path).status_code == 401
    for asset in (public, private):
        ready(tenant.client, asset["id"])
        (tenant.server.data_dir / "objects" / asset["storageKey"]).unlink()
        assert_refused(tenant.client.get(f"/api/v1/assets/{asset['id']}/content"), 404, "asset_not_found")


def test_a_deletion_is_for_good_and_tells_the_last_status(tenant: Tenant) -> None:
    asset = ready(tenant.client, made(tenant.client)["id"])
    path = f"/api/v1/assets/{asset['id']}"
    answer = tenant.client.request("DELETE", path, json={"commitMessage": "gone"})
    assert answer.status_code == 200
    assert list(answer.json()["data"]) == ["id", "status", "deletedAtUtc"]
    assert answer.json()["data"]["status"] == "ready"
    assert_refused(tenant.client.delete(path), 404, "asset_not_found")
    assert_refused(tenant.client.get(path), 404, "asset_not_found")
    assert anonymous(asset["publicUrl"]).status_code == 404


def test_a_batch_deletion_takes_both_bodies_and_names_what_was_not_there(tenant: Tenant) -> None:
    first, second = (made(tenant.client, picture("PNG", seed=number))["id"] for number in range(2))
    unknown = str(uuid.uuid4())
    bare = tenant.client.post("/api/v1/assets/batch-delete", json=[first, first, unknown]).json()["data"]
    assert bare == {"requestedCount": 3, "deletedCount": 1, "notFoundIds": [first, unknown]}
    named = tenant.client.post("/api/v1/assets/batch-delete", json={"ids": [second]}).json()["data"]
    assert named == {"requestedCount": 1, "deletedCount": 1, "notFoundIds": []}
    nothings: tuple[Any, ...] = ([], None)
    for nothing in nothings:
        answer = tenant.client.post("/api/v1/assets/batch-delete", json=nothing)
        assert answer.json()["data"] == {"requestedCount": 0, "deletedCount": 0, "notFoundIds": []}
    assert_refused(tenant.client.post("/api/v1/assets/batch-delete", json=["x"]), 400, "request_invalid")


def test_an_asset_that_failed_is_listed_as_such_and_nothing_of_it_is_served(tenant: Tenant) -> None:
    good, bad = made(tenant.client), made(tenant.client, broken_inside(), "late.png")
    wait_for(lambda: detail(tenant.client, bad["id"])["status"] == "failed", "the asset to fail", 60)

    def listed(query: str) -> list[str]:
        return [it["id"] for it in tenant.client.get(f"/api/v1/assets?{query}").json()["data"]["items"]]

    for query in ("", "orderDirection=desc", "orderBy=size", "contentType=image/png"):
        assert set(listed(query)) == {good["id"], bad["id"]}
    assert listed("status=failed") == [bad["id"]]
    assert tenant.client.get("/api/v1/assets").json()["data"]["total"] == 2
    assert_refused(tenant.client.get(f"/api/v1/assets/{bad['id']}/content"), 404, "asset_not_found")
    assert_refused(anonymous(bad["publicUrl"]), 404, "asset_not_found")


def test_usage_counts_what_is_there_and_forgets_what_is_deleted(tenant: Tenant) -> None:
    png, gif = picture("PNG"), picture("GIF")
    first = enriched(tenant.client, made(tenant.client, png)["id"])
    second = enriched(tenant.client, made(tenant.client, gif, "dog.gif")["id"])
    usage = tenant.client.get("/api/v1/assets/usage-stats").json()["data"]
    assert (usage["totalAssets"], usage["totalBytes"]) == (2, len(png) + len(gif))
    assert usage["totalDerivatives"] == len(first["derivatives"]) + len(second["derivatives"])
    assert {"contentType": "image/gif", "count": 1, "totalBytes": len(gif)} in usage["contentTypeBreakdown"]
    assert list(usage["mostActiveSkill"]) == ["skillName", "runCount"]
    tenant.client.post("/api/v1/assets/batch-delete", json=[first["id"], second["id"]])
    assert tenant.client.get("/api/v1/assets/usage-stats").json()["data"] == {
        "totalAssets": 0, "totalBytes": 0, "totalDerivatives": 0, "contentTypeBreakdown": [], "mostActiveSkill": None,
    }  # fmt: skip


def test_an_id_that_is_none_is_not_found(tenant: Tenant) -> None:
    for asset_id in ("x", "../x", "00000000-0000-0000-0000-000000000000"):
        assert_refused(tenant.client.get(f"/api/v1/assets/{asset_id}"), 404, "asset_not_found")


def test_credentials_are_refused_with_their_codes(server: Server, accounts: Accounts, tenant: Tenant) -> None:
    with server.client(None) as client:
        assert_refused(client.get("/api/v1/assets"), 401, "api_key_missing")
    with server.client("wrong") as client:
        answer = client.get("/api/v1/assets")
        assert_refused(answer, 401, "api_key_invalid")
        assert answer.headers["www-authenticate"].startswith("Bearer")
    with server.client("a.b.c") as client:
        assert_refused(client.get("/api/v1/assets"), 401, "auth_unauthorized")
    viewer = accounts.create_key(tenant.name, role=Role.VIEWER)
    with server.client(viewer.key) as client:
        assert client.get("/api/v1/assets").status_code == 200
        assert_refused(upload(client), 403, "auth_forbidden")


def test_the_same_asset_is_seen_through_both_libraries(tenant: Tenant) -> None:
    asset = made(tenant.client, picture("PNG"), "shared.png", altText="Shared")
    image = tenant.client.get("/v3/images").json()["result"][0]
    assert (image["filename"], image["alt_text"], image["size"]) == ("shared.png", "Shared", asset["size"])
    other = tenant.client.post("/v3/images", files={"file": ("logo.png", picture("PNG", seed=1))}).json()
    listed = tenant.client.get("/api/v1/assets?query=logo").json()["data"]["items"][0]
    assert listed["size"] == other["size"] and listed["isPublic"] is True
    hidden = made(tenant.client, picture("PNG", seed=2), isPublic="false")
    assert hidden["publicUrl"] is None
    assert tenant.client.get("/v3/images").json()["total"] == 2


def test_the_gallery_shows_public_ready_assets_of_its_tenant_to_anybody(server: Server, accounts: Accounts) -> None:
    key = accounts.create_key("default", role=Role.EDITOR)
    with server.client(key.key) as client:
        word = f"word{uuid.uuid4().hex[:8]}"
        shown = ready(client, made(client, picture("PNG"), f"{word}.png", description="Shown")["id"])
        hidden = ready(client, made(client, picture("PNG"), f"{word}.png", isPublic="false")["id"])
    page = anonymous(f"{server.url}/api/v1/public/assets?query={word}").json()["data"]
    assert (page["total"], [item["id"] for item in page["items"]]) == (1, [shown["id"]])
    assert set(page["items"][0]) == {
        "id", "type", "originalFileName", "contentType", "size", "width", "height", "publicUrl", "description",
        "altText", "createdAtUtc", "updatedAtUtc",
    }  # fmt: skip
    one = anonymous(f"{server.url}/api/v1/public/assets/{shown['id']}").json()["data"]
    assert set(one) == {*page["items"][0], "extension", "derivatives"}
    assert size_of(anonymous(one["derivatives"][0]["publicUrl"]).content)
    assert_refused(anonymous(f"{server.url}/api/v1/public/assets/{hidden['id']}"), 404, "asset_not_found")


def test_another_tenants_assets_are_not_there(tenant: Tenant, other_tenant: Tenant) -> None:
    asset_id = made(tenant.client)["id"]
    other = other_tenant.client
    assert other.get("/api/v1/assets").json()["data"]["total"] == 0
    for answer in (
        other.get(f"/api/v1/assets/{asset_id}"),
        other.patch(f"/api/v1/assets/{asset_id}", json={"description": "mine"}),
        other.delete(f"/api/v1/assets/{asset_id}"),
        other.get(f"/api/v1/assets/{asset_id}/content"),
    ):
        assert_refused(answer, 404, "asset_not_found")
    batch = other.post("/api/v1/assets/batch-delete", json=[asset_id]).json()["data"]
    assert batch["notFoundIds"] == [asset_id]
    assert other.get("/api/v1/assets/usage-stats").json()["data"]["totalAssets"] == 0
    assert tenant.client.get(f"/api/v1/assets/{asset_id}").status_code == 200


def test_an_idempotency_key_makes_one_asset_of_two_requests(tenant: Tenant) -> None:
    data, headers = picture("PNG"), {"Idempotency-Key": "once"}
    answers = [
        tenant.client.post("/api/v1/assets", files={"file": ("a.png", data, "image/png")}, headers=headers)
        for _ in range(2)
    ]
    assert answers[0].json() == answers[1].json()
    assert answers[0].headers["location"] == answers[1].headers["location"]
    assert tenant.client.get("/api/v1/assets").json()["data"]["total"] == 1
