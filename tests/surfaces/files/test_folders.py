"""`/api/v2/folders`: the tree, and that it stays one (contract, 3.10)."""

import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from mediatheque.core.accounts import Accounts
from mediatheque.model import Role
from tests.conftest import DATABASES, Tenant
from tests.faults import invariants
from tests.parts import Whole, opened
from tests.pictures import picture
from tests.support import upload
from tests.surfaces.files.conftest import FILES, FOLDERS, filed, listed, refused

KEYS = {"id", "name", "parent_id", "depth", "file_count", "subfolder_count", "created_at", "updated_at"}


def made(client: httpx.Client, name: str, parent: str | None = None) -> str:
    answer = client.post(FOLDERS, json={"name": name, "parent_id": parent})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def put(client: httpx.Client, folder: str | None, *file_ids: str) -> None:
    answer = client.post(f"{FOLDERS}/move-files", json={"file_ids": file_ids, "folder_id": folder})
    assert answer.json()["moved"] == len(file_ids)


def tree(client: httpx.Client) -> dict[str, dict[str, Any]]:
    return {folder["id"]: folder for folder in client.get(FOLDERS).json()["folders"]}


def chain(client: httpx.Client, length: int, name: str = "level") -> list[str]:
    ids: list[str] = []
    for number in range(length):
        ids.append(made(client, f"{name} {number}", ids[-1] if ids else None))
    return ids


def test_a_new_folder_has_exactly_the_eight_keys(tenant: Tenant) -> None:
    answer = tenant.client.post(FOLDERS, json={"name": " Holidays "})
    assert answer.status_code == 201
    folder = answer.json()
    assert set(folder) == KEYS
    assert (folder["name"], folder["parent_id"], folder["depth"]) == ("Holidays", None, 0)
    assert (folder["file_count"], folder["subfolder_count"]) == (0, 0)
    assert folder["created_at"] == folder["updated_at"]
    inner = tenant.client.post(FOLDERS, json={"name": "Sea", "parent_id": folder["id"]}).json()
    assert (inner["parent_id"], inner["depth"]) == (folder["id"], 1)


@pytest.mark.parametrize(
    "body",
    [{}, {"name": ""}, {"name": "   "}, {"name": "x" * 256}, {"name": "a/b"}, {"name": "a\0b"}, {"name": None},
     {"name": 5}, {"name": "x", "parent_id": "nonsense"}, []],
)  # fmt: skip
def test_a_bad_folder_is_422_and_made_nowhere(tenant: Tenant, body: Any) -> None:
    refused(tenant.client.post(FOLDERS, json=body), 422, "VALIDATION_ERROR")
    folder = made(tenant.client, "good")
    if isinstance(body, dict) and "parent_id" not in body:
        refused(tenant.client.patch(f"{FOLDERS}/{folder}", json=body), 422, "VALIDATION_ERROR")
    assert [it["name"] for it in tree(tenant.client).values()] == ["good"]


def test_a_name_of_255_characters_is_legal_and_so_is_any_script(tenant: Tenant) -> None:
    for name in ("x" * 255, "Ünïcödé 日本 🦊", "%_\\'\"", "..", "🦊" * 255):
        folder = made(tenant.client, name)
        assert tree(tenant.client)[folder]["name"] == name


def test_the_same_name_at_one_level_is_409_and_elsewhere_fine(tenant: Tenant) -> None:
    first = made(tenant.client, "same")
    refused(tenant.client.post(FOLDERS, json={"name": "same"}), 409, "CONFLICT")
    inner = made(tenant.client, "same", first)
    made(tenant.client, "Same")
    other = made(tenant.client, "other")
    refused(tenant.client.patch(f"{FOLDERS}/{other}", json={"name": "same"}), 409, "CONFLICT")
    refused(tenant.client.post(f"{FOLDERS}/{inner}/move", json={"new_parent_id": None}), 409, "CONFLICT")
    assert len(tree(tenant.client)) == 4


def test_the_same_name_asked_for_at_once_makes_one_folder(tenant: Tenant) -> None:
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: tenant.client.post(FOLDERS, json={"name": "one"}), range(8)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 7


def test_the_same_request_with_its_key_makes_one_folder(tenant: Tenant) -> None:
    headers = {"Idempotency-Key": "make it once"}
    answers = [tenant.client.post(FOLDERS, json={"name": "one"}, headers=headers) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    refused(tenant.client.post(FOLDERS, json={"name": "two"}, headers=headers), 422, "VALIDATION_ERROR")
    assert len(tree(tenant.client)) == 1


def test_the_tree_has_at_most_ten_levels(tenant: Tenant) -> None:
    ids = chain(tenant.client, 10)
    assert tree(tenant.client)[ids[-1]]["depth"] == 9
    refused(tenant.client.post(FOLDERS, json={"name": "eleventh", "parent_id": ids[-1]}), 422, "VALIDATION_ERROR")
    pair = chain(tenant.client, 2, "pair")
    refused(tenant.client.post(f"{FOLDERS}/{pair[0]}/move", json={"new_parent_id": ids[8]}), 422, "VALIDATION_ERROR")
    assert tenant.client.post(f"{FOLDERS}/{pair[0]}/move", json={"new_parent_id": ids[7]}).status_code == 200
    assert tree(tenant.client)[pair[1]]["depth"] == 9


def test_a_folder_cannot_be_moved_into_itself_or_below(tenant: Tenant) -> None:
    ids = chain(tenant.client, 3)
    for target in ids:
        body = refused(
            tenant.client.post(f"{FOLDERS}/{ids[0]}/move", json={"new_parent_id": target}), 422, "VALIDATION_ERROR"
        )
        assert body["error"]["details"]["field"] == "new_parent_id"
    similar = made(tenant.client, "level 0 and more")
    assert tenant.client.post(f"{FOLDERS}/{ids[0]}/move", json={"new_parent_id": similar}).status_code == 200


def test_a_move_takes_along_all_that_is_below(tenant: Tenant) -> None:
    outer, inner, leaf = chain(tenant.client, 3)
    target = made(tenant.client, "target")
    file_id = filed(tenant.client, isPublic="true")
    put(tenant.client, leaf, file_id)
    moved = tenant.client.post(f"{FOLDERS}/{inner}/move", json={"new_parent_id": target}).json()
    assert (moved["parent_id"], moved["depth"], moved["subfolder_count"]) == (target, 1, 1)
    assert tree(tenant.client)[outer]["subfolder_count"] == 0
    assert tenant.client.get("/v3/images").json()["result"][0]["folder"] == "target/level 1/level 2"
    assert tenant.client.get("/v3/images", params={"folder": "target/level 1/level 2"}).json()["total"] == 1
    tenant.client.post(f"{FOLDERS}/{inner}/move", json={"new_parent_id": None})
    assert tenant.client.get("/v3/images").json()["result"][0]["folder"] == "level 1/level 2"
    tenant.client.patch(f"{FOLDERS}/{inner}", json={"name": "Ren_med % 100"})
    assert tenant.client.get("/v3/images").json()["result"][0]["folder"] == "Ren_med % 100/level 2"
    assert listed(tenant.client, folder_id=leaf) == [file_id]


def test_a_rename_leaves_folders_of_a_similar_name_alone(tenant: Tenant) -> None:
    first, similar = made(tenant.client, "a_c"), made(tenant.client, "abc")
    below, apart = made(tenant.client, "x", first), made(tenant.client, "x", similar)
    other = made(tenant.client, "A_C")
    far = made(tenant.client, "x", other)
    before = tree(tenant.client)[first]
    renamed = tenant.client.patch(f"{FOLDERS}/{first}", json={"name": "new"}).json()
    assert (renamed["id"], renamed["name"]) == (first, "new")
    assert renamed["updated_at"] > before["updated_at"] and renamed["created_at"] == before["created_at"]
    for folder, way in ((below, ["new", "x"]), (apart, ["abc", "x"]), (far, ["A_C", "x"])):
        crumbs = tenant.client.get(f"{FOLDERS}/{folder}/breadcrumbs").json()["breadcrumbs"]
        assert [crumb["name"] for crumb in crumbs] == way
    assert tenant.client.patch(f"{FOLDERS}/{first}", json={"name": "new"}).json() == renamed


def test_breadcrumbs_lead_from_the_root_to_the_folder(tenant: Tenant) -> None:
    ids = chain(tenant.client, 3)
    crumbs = tenant.client.get(f"{FOLDERS}/{ids[-1]}/breadcrumbs").json()
    assert crumbs == {
        "breadcrumbs": [{"id": it, "name": f"level {depth}", "depth": depth} for depth, it in enumerate(ids)]
    }


def test_a_folder_shows_what_lies_in_it_page_by_page(tenant: Tenant) -> None:
    outer, inner, _ = chain(tenant.client, 3)
    files = [filed(tenant.client) for _ in range(3)]
    put(tenant.client, outer, *files)
    put(tenant.client, inner, filed(tenant.client))
    opened = tenant.client.get(f"{FOLDERS}/{outer}", params={"limit": 2}).json()
    assert set(opened) == {"folder", "breadcrumbs", "subfolders", "files", "total_files", "has_more_files"}
    assert (opened["folder"]["file_count"], opened["folder"]["subfolder_count"]) == (3, 1)
    assert [(it["id"], it["file_count"], it["subfolder_count"]) for it in opened["subfolders"]] == [(inner, 1, 1)]
    assert [it["id"] for it in opened["breadcrumbs"]] == [outer]
    assert (opened["total_files"], opened["has_more_files"]) == (3, True)
    rest = tenant.client.get(f"{FOLDERS}/{outer}", params={"limit": 2, "offset": 2}).json()
    assert rest["has_more_files"] is False
    assert [it["id"] for it in opened["files"] + rest["files"]] == files[::-1]
    for query in ({"limit": 0}, {"limit": 101}, {"offset": -1}):
        refused(tenant.client.get(f"{FOLDERS}/{outer}", params=query), 422, "VALIDATION_ERROR")


def test_files_move_between_folders_and_unknown_ones_are_left_out(tenant: Tenant, other_tenant: Tenant) -> None:
    first, second = made(tenant.client, "first"), made(tenant.client, "second")
    file_id, theirs = filed(tenant.client), filed(other_tenant.client)
    body = {"file_ids": [file_id, theirs, str(uuid.uuid4())], "folder_id": first}
    assert tenant.client.post(f"{FOLDERS}/move-files", json=body).json() == {"moved": 1, "total_requested": 3}
    assert tree(tenant.client)[first]["file_count"] == 1
    put(tenant.client, second, file_id)
    assert [tree(tenant.client)[it]["file_count"] for it in (first, second)] == [0, 1]
    put(tenant.client, None, file_id)
    assert [tree(tenant.client)[it]["file_count"] for it in (first, second)] == [0, 0]
    assert listed(tenant.client) == [file_id]
    gone = {"file_ids": [file_id], "folder_id": str(uuid.uuid4())}
    refused(tenant.client.post(f"{FOLDERS}/move-files", json=gone), 404, "RESOURCE_NOT_FOUND")
    for ids in ([], [str(uuid.uuid4())] * 101, ["nonsense"]):
        answer = tenant.client.post(f"{FOLDERS}/move-files", json={"file_ids": ids, "folder_id": first})
        refused(answer, 422, "VALIDATION_ERROR")


def test_by_default_what_lies_in_a_deleted_folder_goes_one_level_up(tenant: Tenant) -> None:
    outer, inner, leaf = chain(tenant.client, 3)
    here, below = filed(tenant.client), filed(tenant.client)
    put(tenant.client, inner, here)
    put(tenant.client, leaf, below)
    answer = tenant.client.delete(f"{FOLDERS}/{inner}")
    assert answer.status_code == 200
    assert answer.json() == {"id": inner, "files_affected": 1, "subfolders_affected": 1, "mode": "move_to_parent"}
    left = tree(tenant.client)
    assert set(left) == {outer, leaf}
    assert (left[outer]["file_count"], left[leaf]["parent_id"], left[leaf]["depth"]) == (1, outer, 1)
    assert listed(tenant.client, folder_id=outer) == [here]
    tenant.client.delete(f"{FOLDERS}/{outer}", params={"mode": "move_to_parent"})
    assert tree(tenant.client)[leaf]["parent_id"] is None
    assert set(listed(tenant.client)) == {here, below}
    refused(tenant.client.delete(f"{FOLDERS}/{outer}"), 404, "RESOURCE_NOT_FOUND")


def test_a_folder_whose_content_meets_its_own_name_one_level_up_stays(tenant: Tenant) -> None:
    outer = made(tenant.client, "outer")
    made(tenant.client, "same", outer)
    made(tenant.client, "same")
    put(tenant.client, outer, filed(tenant.client))
    refused(tenant.client.delete(f"{FOLDERS}/{outer}"), 409, "CONFLICT")
    assert len(tree(tenant.client)) == 3
    assert tree(tenant.client)[outer]["file_count"] == 1


def test_a_folder_can_hold_one_of_its_own_name_and_be_dissolved(tenant: Tenant) -> None:
    outer = made(tenant.client, "same")
    inner = made(tenant.client, "same", outer)
    made(tenant.client, "other", inner)
    made(tenant.client, "other", outer)
    answer = tenant.client.delete(f"{FOLDERS}/{outer}")
    assert answer.status_code == 200, answer.text
    ways = [
        [crumb["name"] for crumb in tenant.client.get(f"{FOLDERS}/{it}/breadcrumbs").json()["breadcrumbs"]]
        for it in tree(tenant.client)
    ]
    assert sorted(ways) == [["other"], ["same"], ["same", "other"]]
    assert tree(tenant.client)[inner]["depth"] == 0


def test_a_folder_can_be_deleted_with_all_that_is_in_it(tenant: Tenant) -> None:
    outer, inner, leaf = chain(tenant.client, 3)
    files = [filed(tenant.client) for _ in range(3)]
    for folder, file_id in zip((outer, inner, leaf), files, strict=True):
        put(tenant.client, folder, file_id)
    apart = filed(tenant.client)
    answer = tenant.client.delete(f"{FOLDERS}/{outer}", params={"mode": "delete_all"})
    assert answer.json() == {"id": outer, "files_affected": 3, "subfolders_affected": 2, "mode": "delete_all"}
    assert tree(tenant.client) == {}
    assert listed(tenant.client) == [apart]
    assert set(listed(tenant.client, deleted=True)) == set(files)
    assert tenant.client.post(f"{FILES}/{files[2]}/restore").status_code == 200
    assert set(listed(tenant.client)) == {apart, files[2]}
    refused(tenant.client.delete(f"{FOLDERS}/{made(tenant.client, 'x')}?mode=burn"), 422, "VALIDATION_ERROR")


def test_folders_are_those_of_the_image_library(tenant: Tenant) -> None:
    upload(tenant.client, folder="trips/2026")
    ids = {folder["name"]: folder for folder in tree(tenant.client).values()}
    assert ids["2026"]["parent_id"] == ids["trips"]["id"]
    assert ids["2026"]["file_count"] == 1
    assert len(listed(tenant.client, folder_id=ids["2026"]["id"])) == 1
    renamed = tenant.client.patch(f"{FOLDERS}/{ids['trips']['id']}", json={"name": "journeys"})
    assert renamed.status_code == 200
    assert tenant.client.get("/v3/images/folders").json() == {"folders": ["journeys/2026"]}


def test_another_tenants_folders_are_404_everywhere(tenant: Tenant, other_tenant: Tenant) -> None:
    theirs, mine = made(tenant.client, "theirs"), made(other_tenant.client, "mine")
    client, file_id = other_tenant.client, filed(other_tenant.client)
    assert list(tree(client)) == [mine]
    for folder in (theirs, str(uuid.uuid4())):
        for answer in (
            client.get(f"{FOLDERS}/{folder}"),
            client.get(f"{FOLDERS}/{folder}/breadcrumbs"),
            client.patch(f"{FOLDERS}/{folder}", json={"name": "x"}),
            client.post(f"{FOLDERS}/{folder}/move", json={"new_parent_id": None}),
            client.post(f"{FOLDERS}/{mine}/move", json={"new_parent_id": folder}),
            client.post(FOLDERS, json={"name": "x", "parent_id": folder}),
            client.post(f"{FOLDERS}/move-files", json={"file_ids": [file_id], "folder_id": folder}),
            client.delete(f"{FOLDERS}/{folder}"),
            client.delete(f"{FOLDERS}/{folder}", params={"mode": "delete_all"}),
        ):
            refused(answer, 404, "RESOURCE_NOT_FOUND")
        assert client.get(FILES, params={"folder_id": folder}).json()["files"] == []
    assert list(tree(tenant.client)) == [theirs]


def test_reading_folders_needs_files_read_and_changing_them_files_write(tenant: Tenant, accounts: Accounts) -> None:
    folder = made(tenant.client, "one")
    with tenant.server.client(accounts.create_key(tenant.name, role=Role.VIEWER).key) as client:
        assert client.get(f"{FOLDERS}/{folder}").status_code == client.get(FOLDERS).status_code == 200
        refused(client.post(FOLDERS, json={"name": "x"}), 403, "PERMISSION_DENIED")
        refused(client.delete(f"{FOLDERS}/{folder}"), 403, "PERMISSION_DENIED")


@pytest.mark.parametrize("folder", ["nonsense", "a" * 8])
def test_an_id_that_is_none_is_422(tenant: Tenant, folder: str) -> None:
    refused(tenant.client.get(f"{FOLDERS}/{folder}"), 422, "VALIDATION_ERROR")
    refused(tenant.client.post(f"{FOLDERS}/{folder}/move", json={}), 422, "VALIDATION_ERROR")


def test_two_moves_at_once_never_make_a_cycle(tenant: Tenant) -> None:
    for _ in range(10):
        pair = [made(tenant.client, name) for name in ("a", "b")]
        with ThreadPoolExecutor(2) as threads:
            moves = threads.map(
                lambda way: tenant.client.post(f"{FOLDERS}/{way[0]}/move", json={"new_parent_id": way[1]}),
                [pair, pair[::-1]],
            )
            assert sorted(answer.status_code for answer in moves) == [200, 422]
        roots = [it["id"] for it in tree(tenant.client).values() if it["parent_id"] is None]
        assert len(roots) == 1
        tenant.client.delete(f"{FOLDERS}/{roots[0]}", params={"mode": "delete_all"})
        assert tree(tenant.client) == {}


def test_uploads_moves_and_deletions_at_once_leave_a_sound_tree(tenant: Tenant) -> None:
    """Paths and parents agree afterwards, and every count is that of a list."""

    def work(number: int) -> int:
        client, folders = tenant.client, tree(tenant.client)
        ids = list(folders)
        if number % 4 == 0 or not ids:
            files = {"file": ("a.png", picture("PNG", seed=number))}
            return client.post("/v3/images", files=files, data={"folder": f"f{number % 3}/g{number % 2}"}).status_code
        one, other = ids[number % len(ids)], ids[(number * 7) % len(ids)]
        if number % 4 == 1:
            return client.post(f"{FOLDERS}/{one}/move", json={"new_parent_id": other}).status_code
        if number % 4 == 2:
            return client.delete(f"{FOLDERS}/{one}", params={"mode": ("delete_all", "move_to_parent")[number % 3 == 0]}
                                 ).status_code  # fmt: skip
        return client.patch(f"{FOLDERS}/{one}", json={"name": f"f{number % 3}"}).status_code

    with ThreadPoolExecutor(6) as threads:
        statuses = set(threads.map(work, range(200)))
    assert statuses <= {200, 201, 404, 409, 422}
    folders = tree(tenant.client)
    for folder in folders.values():
        opened = tenant.client.get(f"{FOLDERS}/{folder['id']}").json()
        ids = [crumb["id"] for crumb in opened["breadcrumbs"]]
        assert [folders[it]["parent_id"] for it in ids] == [None, *ids[:-1]]
        assert folder["depth"] == len(ids) - 1
        assert folder["file_count"] == len(listed(tenant.client, folder_id=folder["id"]))
        assert folder["subfolder_count"] == len(opened["subfolders"])


@pytest.fixture(params=DATABASES)
def whole(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Whole]:
    url = request.getfixturevalue("postgres").create() if request.param == "postgresql" else ""
    with opened(tmp_path, database_url=url) as it:
        yield it


def test_a_folder_of_more_files_than_one_transaction_takes_goes_whole(
    whole: Whole, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mediatheque.core import tree as core_tree

    monkeypatch.setattr(core_tree, "BATCH", 2)
    for number in range(5):
        body = {"file": (f"{number}.png", picture("PNG", seed=number))}
        assert whole.request("POST", "/v3/images", files=body, data={"folder": "full/inner"}).status_code == 201
    outer = next(it for it in whole.request("GET", FOLDERS).json()["folders"] if it["depth"] == 0)
    answer = whole.request("DELETE", f"{FOLDERS}/{outer['id']}", params={"mode": "delete_all"}).json()
    assert (answer["files_affected"], answer["subfolders_affected"]) == (5, 1)
    assert whole.request("GET", FOLDERS).json() == {"folders": []}
    assert whole.request("GET", FILES, params={"deleted": True}).json()["total_count"] == 5
    with whole.parts.database.read() as tx:
        invariants._counts_add_up(tx)
