"""Workflows: kept, run by hand, run on uploads (contract, 8)."""

import json
import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from mediatheque.core.accounts import Accounts
from mediatheque.model import Role
from tests.conftest import Tenant
from tests.support import wait_for
from tests.surfaces.assets.test_assets import assert_refused, made, ready
from tests.surfaces.assets.test_skills import plain

PATH = "/api/v1/system/workflows"
SHAPE = ["id", "name", "description", "isAutoRun", "graphJson", "createdAtUtc", "updatedAtUtc"]


def graph(*skills: str, backwards: bool = False, **parameters: Any) -> str:
    """A chain of skills, with the nodes lying in the opposite order where `backwards`."""
    nodes = [
        {"id": f"n{at}", "type": "skill", "position": {"x": at, "y": 0},
         "data": {"skillId": skill, "parameters": parameters.get(skill.replace("-", "_"))}}
        for at, skill in enumerate(skills)
    ]  # fmt: skip
    edges = [{"id": f"e{at}", "source": f"n{at}", "target": f"n{at + 1}"} for at in range(len(skills) - 1)]
    return json.dumps({"nodes": nodes[::-1] if backwards else nodes, "edges": edges, "viewport": {"zoom": 1}})


@pytest.fixture
def admin(tenant: Tenant, accounts: Accounts) -> Iterator[httpx.Client]:
    with tenant.server.client(accounts.create_key(tenant.name, role=Role.ADMIN).key) as client:
        yield client


def created(client: httpx.Client, name: str, graph_json: str, **more: Any) -> dict[str, Any]:
    answer = client.post(PATH, json={"name": name, "graphJson": graph_json, **more})
    assert answer.status_code == 201, answer.text
    return dict(answer.json()["data"])


def test_a_workflow_is_kept_changed_and_deleted(admin: httpx.Client) -> None:
    first = created(admin, "b", graph("thumbnail"), description="Small")
    assert list(first) == SHAPE
    second = created(admin, "a", graph("caption"))
    assert admin.get(PATH).json()["data"] == [second, first]
    whole = {"name": "c", "description": None, "isAutoRun": True, "graphJson": graph("caption")}
    changed = admin.put(f"{PATH}/{first['id']}", json=whole).json()["data"]
    assert {key: changed[key] for key in whole} == whole
    assert admin.get(f"{PATH}/{first['id']}").json()["data"] == changed
    assert admin.delete(f"{PATH}/{first['id']}").status_code == 204
    assert_refused(admin.get(f"{PATH}/{first['id']}"), 404, "workflow_profile_not_found")
    assert_refused(admin.delete(f"{PATH}/{uuid.uuid4()}"), 404, "workflow_profile_not_found")


@pytest.mark.parametrize("body", [b"null", b"{}", b""])
def test_one_at_a_time_runs_by_itself(admin: httpx.Client, body: bytes) -> None:
    first = created(admin, "a", graph("thumbnail"), isAutoRun=True)
    second = created(admin, "b", graph("thumbnail"))
    headers = {"Content-Type": "application/json"} if body else {}
    answer = admin.patch(f"{PATH}/{second['id']}/autorun", content=body, headers=headers)
    assert answer.json()["data"]["isAutoRun"]
    assert [(it["id"], it["isAutoRun"]) for it in admin.get(PATH).json()["data"]] == [
        (second["id"], True), (first["id"], False)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"name": " "}, "workflow_profile_name_required"), ({"name": "taken"}, "workflow_profile_name_conflict"),
        ({"graphJson": None}, "workflow_profile_graph_json_required"),
        ({"graphJson": "[]"}, "workflow_profile_graph_json_invalid"),
        ({"graphJson": "{"}, "workflow_profile_graph_json_invalid"),
        ({"graphJson": "[" * 100_000}, "workflow_profile_graph_json_invalid"),
        ({"name": "x" * 101}, "workflow_profile_name_too_long"),
        ({"description": "x" * 1001}, "workflow_profile_description_too_long"),
        ({"name": "a\0b"}, "request_invalid"), ({"graphJson": graph(*["caption"] * 51)}, "request_invalid"),
    ],
    ids=str,
)  # fmt: skip
def test_a_workflow_that_cannot_be_is_refused(admin: httpx.Client, changes: dict[str, Any], code: str) -> None:
    created(admin, "taken", graph("caption"))
    body = {"name": "new", "graphJson": graph("caption")} | changes
    assert_refused(admin.post(PATH, json=body), 400, code)


@pytest.mark.parametrize("body", [b"null", b""])
def test_a_workflow_runs_its_skills_one_after_another(admin: httpx.Client, body: bytes) -> None:
    skills = ("watermark", "format-convert", "exif-strip", "thumbnail")
    text = graph(*skills, backwards=True, format_convert={"TargetFormat": "webp"})
    workflow = created(admin, "web", text)
    asset = plain(admin)
    path = f"/api/v1/assets/{asset['id']}/workflows/{workflow['id']}/run"
    answer = admin.post(path, content=body, headers={"Content-Type": "application/json"} if body else {})
    assert answer.status_code == 202, answer.text
    expected = {"assetId": asset["id"], "workflowId": workflow["id"], "skillIds": list(skills)}
    assert answer.json()["data"] == expected

    def latest() -> dict[str, Any]:
        return dict(admin.get(f"/api/v1/assets/{asset['id']}").json()["data"])

    wait_for(lambda: (latest()["latestExecutionSummary"] or {}).get("skillName") == "thumbnail", "the last skill", 30)
    after = latest()
    assert (after["contentType"], after["latestExecutionSummary"]["triggerSource"]) == ("image/webp", "manual")
    wait_for(lambda: len(latest()["derivatives"]) == 6, "the variants of the new bytes", 30)


def test_a_failing_skill_does_not_stop_the_next(admin: httpx.Client) -> None:
    workflow = created(admin, "odd", graph("format-convert", "caption"))
    asset = plain(admin)
    admin.post(f"/api/v1/assets/{asset['id']}/workflows/{workflow['id']}/run")
    path = f"/api/v1/assets/{asset['id']}"
    wait_for(lambda: admin.get(path).json()["data"]["description"] is not None, "the caption", 30)


def test_uploads_run_the_workflow_that_runs_by_itself(admin: httpx.Client) -> None:
    created(admin, "auto", graph("watermark", "alt-text"), isAutoRun=True)
    asset = made(admin, runEnrichment="false")
    path = f"/api/v1/assets/{asset['id']}"
    wait_for(lambda: admin.get(path).json()["data"]["altText"] is not None, "the last skill", 30)
    after = ready(admin, asset["id"])
    assert after["checksumSha256"] != asset["checksumSha256"]
    assert after["latestExecutionSummary"]["triggerSource"] == "upload"


def test_what_cannot_run_is_refused(admin: httpx.Client, other_tenant: Tenant) -> None:
    asset = plain(admin)
    for text, code in ((graph(), "has_no_skills"), (graph("caption", "dance"), "contains_unsupported_skills")):
        workflow = created(admin, code, text)
        answer = admin.post(f"/api/v1/assets/{asset['id']}/workflows/{workflow['id']}/run")
        assert_refused(answer, 400, f"workflow_profile_{code}")
    unknown = admin.post(f"/api/v1/assets/{asset['id']}/workflows/{uuid.uuid4()}/run")
    assert_refused(unknown, 404, "workflow_profile_not_found")
    absent = admin.post(f"/api/v1/assets/{uuid.uuid4()}/workflows/{workflow['id']}/run")
    assert_refused(absent, 404, "asset_not_found")
    theirs = plain(other_tenant.client)
    foreign = other_tenant.client.post(f"/api/v1/assets/{theirs['id']}/workflows/{workflow['id']}/run")
    assert_refused(foreign, 404, "workflow_profile_not_found")


def test_workflows_are_for_those_who_may_change_settings(tenant: Tenant) -> None:
    assert_refused(tenant.client.get(PATH), 403, "auth_forbidden")
    assert_refused(tenant.client.post(PATH, json={}), 403, "auth_forbidden")


@pytest.mark.parametrize("edges", [[("a", "b"), ("b", "a")], [("a", "a")], [("x", "a"), ("b", "y")]])
def test_a_graph_with_loops_or_loose_ends_has_an_order_too(edges: list[tuple[str, str]]) -> None:
    from mediatheque.core.graphs import skills_of

    nodes = [{"id": name, "data": {"skillId": name}} for name in "ab"] + [{"id": "note"}, 7]
    text = json.dumps({"nodes": nodes, "edges": [{"source": a, "target": b} for a, b in edges] + [None]})
    assert sorted(name for name, _ in skills_of(text)) == ["a", "b"]
