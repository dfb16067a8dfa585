"""`/api/v2/tags`: which tags the files of a tenant wear, and how many (ours)."""

import httpx

from tests.conftest import Tenant
from tests.pictures import picture
from tests.surfaces.files.doors import streamed


def tags(client: httpx.Client) -> dict[str, int]:
    answer = client.get("/api/v2/tags")
    assert answer.status_code == 200
    return {it["name"]: it["file_count"] for it in answer.json()["tags"]}


def test_tags_are_counted_without_the_trash_and_without_other_tenants(tenant: Tenant, other_tenant: Tenant) -> None:
    client = tenant.client
    assert tags(client) == {}
    made = [
        streamed(client, picture("JPEG", 60, 40, seed=seed), f"{seed}.jpg", tags=worn)["image_id"]
        for seed, worn in enumerate(("sea", "sea,blue", "blue,sea,old"))
    ]
    assert list(tags(client).items()) == [("sea", 3), ("blue", 2), ("old", 1)]
    assert tags(other_tenant.client) == {}
    assert client.delete(f"/api/v2/user-files/{made[2]}").is_success
    assert tags(client) == {"sea": 2, "blue": 1}
    assert client.post(f"/api/v2/user-files/{made[2]}/restore").is_success
    assert tags(client) == {"sea": 3, "blue": 2, "old": 1}
