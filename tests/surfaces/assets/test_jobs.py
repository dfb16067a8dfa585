"""`/api/v1/system/jobs`: how much is still to be done, what has failed, and another try (ours)."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import httpx
from sqlalchemy import select, update

from mediatheque.records.engine import Database
from mediatheque.records.tables import asset, run
from tests.pictures import picture
from tests.support import wait_for
from tests.surfaces.assets.conftest import Office, data, refusal
from tests.surfaces.files.doors import streamed

URL = "/api/v1/system/jobs"


def work(client: httpx.Client, **query: Any) -> dict[str, Any]:
    found: dict[str, Any] = data(client.get(URL, params=query))
    return found


def is_idle(client: httpx.Client) -> bool:
    """By one look: between two the job that ran may end, and the next have its turn."""
    found = work(client)
    return bool(found["waiting"] + found["running"] == 0)


def photo(client: httpx.Client, name: str = "photo.jpg") -> str:
    """The id of a picture about which nothing is left to be done."""
    body = {"file": (name, picture("JPEG", 90, 60))}
    made = data(client.post("/api/v1/assets", files=body), 202)["id"]
    wait_for(lambda: is_idle(client), "the work to end", 30)
    return str(made)


def fail(database: Database, asset_id: str, reason: str = "The endpoint did not answer") -> UUID:
    """As if the newest run had failed; no client can make one fail that its file has nothing to do with."""
    with database.write() as tx:
        mine = select(run.c.id, run.c.uuid).join(asset, asset.c.id == run.c.asset_id)
        row = tx.execute(mine.where(asset.c.uuid == UUID(asset_id)).order_by(run.c.id.desc())).first()
        assert row is not None
        values = {"state": "failed", "error": reason, "finished_at": datetime.now(UTC)}
        tx.execute(update(run).where(run.c.id == row.id).values(values))
        return UUID(str(row.uuid))


def test_a_failed_job_says_why_and_runs_again(office: Office, database: Database) -> None:
    made = photo(office.admin, "harbour.jpg")
    assert work(office.admin)["failed"] == 0
    failed = fail(database, made)
    found = work(office.admin)
    (it,) = found["failures"]
    assert (found["failed"], it["id"], it["assetId"]) == (1, str(failed), made)
    assert (it["assetName"], it["state"], it["canRetry"]) == ("harbour.jpg", "failed", True)
    assert it["errorMessage"] == "The endpoint did not answer"
    again = data(office.admin.post(f"{URL}/{failed}/retry"))
    assert (again["state"], again["errorMessage"]) in {("queued", None), ("running", None)}
    wait_for(lambda: is_idle(office.admin), "the job to end", 30)
    assert work(office.admin)["failed"] == 0


def test_only_what_has_failed_is_run_again(office: Office, database: Database) -> None:
    made = photo(office.admin)
    failed = fail(database, made)
    assert data(office.admin.post(f"{URL}/{failed}/retry"))["canRetry"] is False
    wait_for(lambda: is_idle(office.admin), "the work to end", 30)
    assert refusal(office.admin.post(f"{URL}/{failed}/retry")) == (409, "job_conflict")
    assert refusal(office.admin.post(f"{URL}/nothing/retry")) == (404, "job_not_found")


def test_who_may_only_read_sees_what_failed_and_retries_nothing(office: Office, database: Database) -> None:
    failed = fail(database, photo(office.admin))
    _, client = office.at_work()
    assert [it["id"] for it in work(client)["failures"]] == [str(failed)]
    assert client.post(f"{URL}/{failed}/retry").status_code == 403


def test_failures_come_in_pages_and_leave_with_their_file(office: Office, database: Database) -> None:
    made = [photo(office.admin, f"{number}.jpg") for number in range(3)]
    failed = [str(fail(database, it)) for it in made]
    assert [it["id"] for it in work(office.admin, pageSize=2)["failures"]] == failed[:0:-1]
    assert [it["id"] for it in work(office.admin, page=2, pageSize=2)["failures"]] == failed[:1]
    assert office.admin.delete(f"/api/v1/assets/{made[0]}").is_success
    assert work(office.admin)["failed"] == 2


def test_paused_work_waits_and_is_done_when_it_is_resumed(office: Office) -> None:
    assert work(office.admin)["pausedAtUtc"] is None
    since = data(office.admin.post(f"{URL}/pause"))["pausedAtUtc"]
    assert data(office.admin.post(f"{URL}/pause"))["pausedAtUtc"] == since == work(office.admin)["pausedAtUtc"]
    made = streamed(office.admin, b"Words about a harbour. " * 20, "harbour.txt")["image_id"]
    ready = data(office.admin.post("/api/v1/assets", files={"file": ("a.jpg", picture("JPEG", 90, 60))}), 202)["id"]
    wait_for(lambda: data(office.admin.get(f"/api/v1/assets/{ready}"))["status"] == "ready", "the picture to be ready")

    def is_resting() -> bool:
        """What makes files usable rests never: of the text, too, it has been done."""
        return "poster" not in {it["skillName"] for it in work(office.admin)["unfinished"]}

    wait_for(is_resting, "what is done without a pause")
    found = work(office.admin)
    assert (found["running"], {it["assetId"] for it in found["unfinished"]} >= {made}) == (0, True)
    ran = data(office.admin.post(f"/api/v1/assets/{ready}/skills/thumbnail/run"))
    assert ran["succeeded"]
    assert work(office.admin)["waiting"] == found["waiting"]
    assert data(office.admin.post(f"{URL}/resume"))["pausedAtUtc"] is None
    assert data(office.admin.post(f"{URL}/resume"))["pausedAtUtc"] is None
    wait_for(lambda: is_idle(office.admin), "the work to end", 60)
    audited = data(office.admin.get("/api/v1/system/audit", params={"pageSize": 10}))["items"]
    assert [it["action"] for it in audited if it["action"].startswith("jobs.")] == ["jobs.resumed", "jobs.paused"]


def test_a_pause_is_of_one_tenant_and_of_its_administrators(office: Office, other_office: Office) -> None:
    data(office.admin.post(f"{URL}/pause"))
    assert work(other_office.admin)["pausedAtUtc"] is None
    streamed(other_office.admin, b"Words of others. " * 20, "others.txt")
    wait_for(lambda: is_idle(other_office.admin), "its work", 60)
    _, client = office.at_work()
    assert work(client)["pausedAtUtc"] is not None
    assert client.post(f"{URL}/resume").status_code == 403
    assert data(office.admin.post(f"{URL}/resume"))["pausedAtUtc"] is None
