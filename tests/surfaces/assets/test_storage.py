"""Storage profiles over HTTP: their rules and codes, and the life of an image in each kind of place."""

import base64
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from mediatheque.core.accounts import Accounts
from mediatheque.model import Role
from mediatheque.records.engine import Database
from tests import servers
from tests.conftest import DATABASES
from tests.github import TOKEN, GitHub, Repo
from tests.pictures import picture
from tests.seaweed import ACCESS_KEY, BUCKET, SECRET_KEY
from tests.support import Server, files_in, free_port, until_ready, upload, wait_for

ROOT = "/api/v1/system/storage/providers"
PREFIX = "storage_provider_profile_"


@pytest.fixture(scope="module", params=DATABASES)
def library(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that lets its tenants name services of this machine."""
    folder = tmp_path_factory.mktemp(f"storage-{request.param}")
    environment = {"MEDIATHEQUE_ENDPOINT_ALLOW": "127.0.0.1", "MEDIATHEQUE_LOCAL_ROOTS": str(folder / "elsewhere")}
    (folder / "elsewhere").mkdir()
    if request.param == "postgresql":
        environment["MEDIATHEQUE_DATABASE_URL"] = request.getfixturevalue("postgres").create()
    running = Server(folder / "data", environment).start()
    yield running
    assert running.stop() == 0


def _client(library: Server, role: Role) -> httpx.Client:
    url = library.environment.get("MEDIATHEQUE_DATABASE_URL") or f"sqlite:///{library.data_dir / 'mediatheque.db'}"
    database = Database(url)
    key = Accounts(database).create_key(f"tenant-{uuid.uuid4().hex[:12]}", role=role)
    database.close()
    return library.client(key.key)


@pytest.fixture
def admin(library: Server) -> Iterator[httpx.Client]:
    """An administrator of a tenant of this test alone."""
    with _client(library, Role.ADMIN) as client:
        yield client


def local(folder: str = "places/one", **more: Any) -> dict[str, Any]:
    return {"name": "one", "providerType": "local", "configuration": {"rootPath": folder}, **more}


def s3(prefix: str, **configuration: Any) -> dict[str, Any]:
    settings = {"endpoint": servers.seaweed().endpoint, "bucket": BUCKET, "region": "us-east-1", "prefix": prefix}
    return {"name": "cloud", "providerType": "s3", "configuration": {**settings, **configuration},
            "secretConfiguration": {"accessKey": ACCESS_KEY, "secretKey": SECRET_KEY}}  # fmt: skip


def github(server: GitHub, repo: str, **configuration: Any) -> dict[str, Any]:
    settings = {"owner": "octo", "repo": repo, "ref": "main", "basePath": "media/library",
                "apiBaseUrl": server.url, "rawBaseUrl": f"{server.url}/raw"}  # fmt: skip
    return {"name": "history", "providerType": "github-repo", "configuration": {**settings, **configuration},
            "secretConfiguration": {"token": TOKEN}}  # fmt: skip


def make(client: httpx.Client, draft: dict[str, Any]) -> dict[str, Any]:
    answer = client.post(ROOT, json=draft)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()["data"]
    assert answer.headers["location"] == f"{ROOT}/{made['id']}"
    return made


def code(answer: httpx.Response) -> tuple[int, str]:
    error = answer.json()["error"]
    assert error["status"] == answer.status_code
    return answer.status_code, error["code"]


def test_a_profile_is_shown_without_its_secrets(admin: httpx.Client, library: Server) -> None:
    draft = s3(uuid.uuid4().hex, publicBaseUrl="https://cdn.example/pictures/")
    made = make(admin, draft)
    assert made["providerType"] == "s3"
    assert made["capabilities"]["supportsDirectPublicUrl"] is True
    assert made["capabilities"]["requiresAccessProxy"] is False
    summary = made["configurationSummary"]
    assert summary["bucketOrContainer"] == BUCKET
    assert summary["endpointHost"] == servers.seaweed().endpoint.removeprefix("http://")
    assert summary["publicBaseUrl"] == "https://cdn.example/pictures"
    assert summary["forcePathStyle"] is True
    assert summary["owner"] is None
    everything = admin.get(ROOT).text + admin.post(f"{ROOT}/{made['id']}/test").text + library.log.read_text()
    assert SECRET_KEY not in everything
    if "MEDIATHEQUE_DATABASE_URL" not in library.environment:
        files = sorted(library.data_dir.glob("mediatheque.db*"), reverse=True)  # the log before what it goes into
        kept = b"".join(file.read_bytes() for file in files)
        assert SECRET_KEY.encode() not in kept
        assert made["id"].replace("-", "").encode() in kept


def test_the_overview_compares_profiles_with_the_configured_storage(admin: httpx.Client) -> None:
    overview = admin.get(ROOT).json()["data"]
    assert overview["profiles"] == []
    assert overview["defaultProfile"] is overview["defaultWriteProfile"] is None
    assert overview["runtime"]["providerType"] == "local"
    assert overview["runtime"]["isConfigurationDriven"] is True
    assert overview["alignment"]["runtimeSelectionSource"] == "configuration"
    assert overview["alignment"]["code"] == "db_default_profile_missing"
    one = make(admin, local(isDefault=True))
    overview = admin.get(ROOT).json()["data"]
    assert overview["defaultProfile"] == overview["defaultWriteProfile"] == one == overview["profiles"][0]
    assert overview["alignment"]["code"] == "runtime_matches_db_default_provider_type"
    admin.patch(f"{ROOT}/{one['id']}", json={"isEnabled": False})
    overview = admin.get(ROOT).json()["data"]
    assert overview["alignment"]["code"] == "db_default_profile_disabled"
    assert overview["defaultProfile"]["isDefault"] is True
    assert overview["defaultWriteProfile"] is None
    refused = admin.post("/v3/images", files={"file": ("a.png", picture("PNG"))})
    assert refused.status_code == 422  # this dialect's word for it
    assert "disabled" in refused.text


GITHUB = {"owner": "o", "repo": "r", "ref": "main"}
S3 = {"endpoint": "https://s3.example", "bucket": "some", "region": "eu-1"}
KEYS = {"accessKey": "a", "secretKey": "b"}


@pytest.mark.parametrize(
    ("draft", "expected"),
    [
        ({}, "provider_type_required"),
        ({"providerType": " "}, "provider_type_required"),
        ({"providerType": "ftp", "name": "x"}, "provider_type_unsupported"),
        ({"providerType": "local"}, "name_required"),
        (local(name="  "), "name_required"),
        (local(isDefault=True, isEnabled=False), "default_requires_enabled"),
        (local(configuration=None), "configuration_required"),
        (local(configuration=[1]), "configuration_invalid"),
        (local(configuration={}), "root_path_required"),
        (local("/etc"), "configuration_invalid"),
        (local("../other"), "configuration_invalid"),
        (local("."), "configuration_invalid"),
        (local("a\0b"), "configuration_invalid"),
        (local("x" * 1000), "configuration_invalid"),
        (
            local("x" * 1000, configuration={"rootPath": "x" * 1000, "createDirectoryIfMissing": False}),
            "configuration_invalid",
        ),
        (local("objects/inside"), "configuration_invalid"),
        (local(configuration={"rootPath": "nowhere", "createDirectoryIfMissing": False}), "configuration_invalid"),
        (local(configuration={"rootPath": "x", "publicBaseUrl": "ftp://x"}), "public_base_url_invalid"),
        (local(secretConfiguration={"accessKey": "x"}), "secret_not_supported"),
        (local(secretConfiguration="x"), "secret_configuration_invalid"),
        ({"name": "x", "providerType": "s3", "configuration": {**S3, "endpoint": "nonsense"}}, "endpoint_invalid"),
        ({"name": "x", "providerType": "s3", "configuration": {**S3, "endpoint": None}}, "endpoint_invalid"),
        ({"name": "x", "providerType": "s3", "configuration": {**S3, "bucket": ""}}, "bucket_required"),
        ({"name": "x", "providerType": "s3-compatible", "configuration": {**S3, "region": None}}, "region_required"),
        ({"name": "x", "providerType": "s3", "configuration": S3}, "access_key_required"),
        (
            {"name": "x", "providerType": "s3", "configuration": S3, "secretConfiguration": {"accessKey": "a"}},
            "secret_key_required",
        ),
        (
            {
                "name": "x",
                "providerType": "s3",
                "configuration": {**S3, "endpoint": "http://10.0.0.1:9000"},
                "secretConfiguration": KEYS,
            },
            "endpoint_invalid",
        ),
        *(
            ({"name": "x", "providerType": "github-repo", "configuration": {**GITHUB, **change}}, expected)
            for change, expected in (
                ({"owner": None}, "github_owner_required"),
                ({"owner": "a/b"}, "github_owner_invalid"),
                ({"repo": ""}, "github_repo_required"),
                ({"repo": "a b"}, "github_repo_invalid"),
                ({"ref": None}, "github_repo_ref_required"),
                ({"ref": "a b"}, "github_repo_ref_invalid"),
                ({"ref": "a\\b"}, "github_repo_ref_invalid"),
                ({"basePath": "a/../b"}, "github_path_prefix_invalid"),
                ({"basePath": "a//b"}, "github_path_prefix_invalid"),
                ({"visibilityPolicy": "secret"}, "github_visibility_policy_invalid"),
                ({"visibilityPolicy": "private-token"}, "github_repo_token_required_for_private"),
                ({"apiBaseUrl": "http://169.254.169.254"}, "endpoint_invalid"),
            )
        ),
        (
            {
                "name": "x",
                "providerType": "github-repo",
                "configuration": GITHUB,
                "secretConfiguration": {"token": "short"},
            },
            "github_token_invalid",
        ),
    ],
)
def test_a_draft_that_breaks_a_rule_is_refused_by_name(
    admin: httpx.Client, draft: dict[str, Any], expected: str
) -> None:
    assert code(admin.post(ROOT, json=draft)) == (400, PREFIX + expected)
    assert admin.get(ROOT).json()["data"]["profiles"] == []


def test_a_name_belongs_to_one_profile_of_a_tenant(library: Server, admin: httpx.Client) -> None:
    one, two = make(admin, local()), make(admin, local(name="two"))
    assert code(admin.post(ROOT, json=local())) == (400, f"{PREFIX}name_conflict")
    assert code(admin.patch(f"{ROOT}/{two['id']}", json={"name": "one"})) == (400, f"{PREFIX}name_conflict")
    assert admin.patch(f"{ROOT}/{one['id']}", json={"name": "one", "displayName": "First"}).status_code == 200
    with _client(library, Role.ADMIN) as other:
        make(other, local())


def test_another_tenants_profile_is_not_there(library: Server, admin: httpx.Client) -> None:
    mine = make(admin, local())
    with _client(library, Role.ADMIN) as other:
        assert other.get(ROOT).json()["data"]["profiles"] == []
        for profile_id in (mine["id"], str(uuid.uuid4()), "nonsense"):
            path = f"{ROOT}/{profile_id}"
            answers = [
                other.patch(path, json={"name": "x"}), other.delete(path), other.post(f"{path}/set-default"),
                other.post(f"{path}/test"), other.get(f"{path}/github-repo/browse"),
                other.post(f"{path}/github-repo/upsert", json={"path": "a", "contentBase64": "YQ=="}),
            ]  # fmt: skip
            assert {code(it) for it in answers} == {(404, f"{PREFIX}not_found")}
    assert admin.get(ROOT).json()["data"]["profiles"] == [mine]


def test_profiles_are_for_administrators(library: Server) -> None:
    with _client(library, Role.EDITOR) as editor:
        assert code(editor.get(ROOT)) == (403, "auth_forbidden")
        assert code(editor.post(ROOT, json=local())) == (403, "auth_forbidden")


def test_one_default_at_a_time(admin: httpx.Client) -> None:
    one, two = make(admin, local(isDefault=True)), make(admin, local(name="two"))
    answer = admin.post(
        f"{ROOT}/{two['id']}/set-default", content=b"null", headers={"Content-Type": "application/json"}
    )
    assert answer.json()["data"]["isDefault"] is True
    flags = {it["id"]: it["isDefault"] for it in admin.get(ROOT).json()["data"]["profiles"]}
    assert flags == {one["id"]: False, two["id"]: True}
    admin.patch(f"{ROOT}/{one['id']}", json={"isEnabled": False})
    answer = admin.post(f"{ROOT}/{one['id']}/set-default")
    assert code(answer) == (400, f"{PREFIX}default_requires_enabled")


def _life(admin: httpx.Client) -> dict[str, Any]:
    """An image uploaded, with its thumbnail made and both served."""
    data = picture("JPEG", 900, 600)
    image = upload(admin, data)
    assert until_ready(admin, image).headers["content-type"] == "image/jpeg"
    assert admin.get(image["url"]).content == data
    part = admin.get(image["url"], headers={"Range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, data[10:20])
    return image


def _death(admin: httpx.Client, image: dict[str, Any]) -> None:
    assert admin.delete(f"/v3/images/{image['id']}").status_code == 204
    assert admin.get(image["url"]).status_code == 410


def test_the_life_of_an_image_in_a_local_profile(library: Server, admin: httpx.Client) -> None:
    folder = Path(library.environment["MEDIATHEQUE_LOCAL_ROOTS"]) / uuid.uuid4().hex
    made = make(admin, local(str(folder), isDefault=True))
    assert admin.post(f"{ROOT}/{made['id']}/test").json()["data"]["succeeded"] is True
    image = _life(admin)
    kept = _objects(folder)
    assert len(kept) == 6
    gone = admin.delete(f"{ROOT}/{made['id']}").json()["data"]
    assert (gone["status"], gone["wasDefault"]) == ("disabled", True)
    assert admin.get(image["url"]).status_code == 200
    _death(admin, image)
    assert _objects(folder) == []
    assert admin.delete(f"{ROOT}/{made['id']}").json()["data"]["status"] == "deleted"
    assert code(admin.delete(f"{ROOT}/{made['id']}")) == (404, f"{PREFIX}not_found")


def test_the_life_of_an_image_in_a_bucket(library: Server, admin: httpx.Client) -> None:
    prefix = uuid.uuid4().hex
    make(admin, s3(prefix, isDefault=True) | {"isDefault": True})
    image = _life(admin)

    def kept() -> list[str]:
        batches = servers.seaweed().client().list(prefix)
        return [it["path"] for batch in batches for it in batch]

    assert len(kept()) == 6
    _death(admin, image)
    assert kept() == []
    report = library.command("fsck", "--json", "--read-data")
    assert report.returncode == 0, report.stdout + report.stderr


def test_a_wrong_key_is_told_refuses_uploads_and_is_mended_without_a_restart(admin: httpx.Client) -> None:
    made = make(admin, s3(uuid.uuid4().hex) | {"isDefault": True})
    path = f"{ROOT}/{made['id']}"
    admin.patch(path, json={"secretConfiguration": {"secretKey": "wrong"}})
    trial = admin.post(f"{path}/test").json()["data"]
    assert trial["succeeded"] is False
    assert trial["message"] == "The secret key is wrong"
    assert [it["name"] for it in trial["checks"]] == ["configuration", "access"]
    refused = admin.post("/v3/images", files={"file": ("a.png", picture("PNG"))})
    assert refused.status_code == 503
    assert admin.get("/v3/images").json()["total"] == 0
    admin.patch(path, json={"secretConfiguration": {"secretKey": SECRET_KEY}})
    assert admin.post(f"{path}/test").json()["data"]["succeeded"] is True
    _death(admin, _life(admin))


def test_a_dead_endpoint_is_told_in_one_call(admin: httpx.Client, library: Server) -> None:
    made = make(admin, s3("x", endpoint=f"http://127.0.0.1:{free_port()}"))
    trial = admin.post(f"{ROOT}/{made['id']}/test").json()["data"]
    assert (trial["succeeded"], trial["message"]) == (False, "The service does not answer")
    wait_for(library.is_ready, "the server to be ready still")


def test_the_life_of_an_image_in_a_repository(admin: httpx.Client) -> None:
    server = servers.github()
    server.repos[f"octo/{(name := uuid.uuid4().hex)}"] = repo = Repo()
    made = make(admin, github(server, name) | {"isDefault": True})
    assert admin.post(f"{ROOT}/{made['id']}/test").json()["data"]["succeeded"] is True
    image = _life(admin)
    (key,) = repo.files["main"]
    assert key.startswith("media/library/uploads/")
    assert [it.message for it in repo.commits] == [f"chore(nekohub): upload {key}"]
    _death(admin, image)
    assert repo.files["main"] == {}
    assert repo.commits[-1].message == f"chore(nekohub): delete {key}"


def test_a_repository_can_be_browsed_and_written(admin: httpx.Client) -> None:
    server = servers.github()
    server.repos[f"octo/{(name := uuid.uuid4().hex)}"] = repo = Repo(private=True)
    made = make(admin, github(server, name, visibilityPolicy="private-token"))
    path = f"{ROOT}/{made['id']}/github-repo"

    def write(**body: Any) -> httpx.Response:
        return admin.post(f"{path}/upsert", json={"contentBase64": base64.b64encode(b"text").decode(), **body})

    written = write(path="notes/a.txt", commitMessage="Line one\n--author=x").json()["data"]
    assert (written["operation"], written["size"], written["publicUrl"]) == ("created", 4, None)
    assert (written["visibilityPolicy"], written["usesControlledRead"]) == ("private-token", True)
    assert repo.commits[-1].message == "Line one\n--author=x"
    again = write(path="notes/a.txt", contentBase64="bW9yZQ==", expectedSha=written["sha"]).json()["data"]
    assert again["operation"] == "updated"
    assert code(write(path="notes/a.txt", expectedSha=written["sha"])) == (
        409, "storage_provider_upsert_expected_sha_conflict",
    )  # fmt: skip
    assert code(write(path="notes/b.txt", expectedSha=written["sha"])) == (
        409, "storage_provider_upsert_expected_sha_target_missing",
    )  # fmt: skip
    for body, expected in (
        ({"path": " "}, "path_required"), ({"path": "a", "contentBase64": None}, "content_required"),
        ({"path": "a", "contentBase64": "%%"}, "content_base64_invalid"),
        ({"path": "a", "contentBase64": ""}, "content_empty"),
    ):  # fmt: skip
        assert code(write(**body)) == (400, f"storage_provider_upsert_{expected}")
    assert write(path="../outside").status_code == 400
    assert set(repo.files["main"]) == {"media/library/notes/a.txt"}

    listing = admin.get(f"{path}/browse", params={"recursive": True}).json()["data"]
    assert [(it["path"], it["type"]) for it in listing["items"]] == [("notes", "dir"), ("notes/a.txt", "file")]
    assert (listing["total"], listing["hasMore"], listing["pageSize"]) == (2, False, 50)
    files = admin.get(f"{path}/browse", params={"path": "notes", "type": "file", "pageSize": 500}).json()["data"]
    assert [it["name"] for it in files["items"]] == ["a.txt"]
    assert files["pageSize"] == 200
    missing = admin.get(f"{path}/browse", params={"path": "nowhere"})
    assert code(missing) == (404, "storage_provider_directory_not_found")


def test_a_token_that_github_does_not_accept_is_told(admin: httpx.Client, library: Server) -> None:
    server = servers.github()
    draft = github(server, "media") | {"isDefault": True, "secretConfiguration": {"token": "ghp_of_somebody_else"}}
    made = make(admin, draft)
    trial = admin.post(f"{ROOT}/{made['id']}/test").json()["data"]
    assert trial["message"] == "GitHub does not accept the token"
    answer = admin.get(f"{ROOT}/{made['id']}/github-repo/browse")
    assert code(answer) == (400, "storage_provider_access_denied")
    assert admin.post("/v3/images", files={"file": ("a.png", picture("PNG"))}).status_code == 503
    assert "ghp_of_somebody_else" not in library.log.read_text()


def test_a_token_goes_to_no_other_server_than_the_one_it_was_given_for(admin: httpx.Client) -> None:
    """Else whoever may change a profile could have its token sent to himself."""
    server = servers.github()
    server.repos[f"octo/{(name := uuid.uuid4().hex)}"] = Repo()
    made = make(admin, github(server, name))
    path = f"{ROOT}/{made['id']}"
    for url in (f"http://127.0.0.1:{free_port()}", "https://api.github.com", None):
        moved = admin.patch(path, json={"configuration": {"apiBaseUrl": url}})
        assert code(moved) == (400, f"{PREFIX}secret_configuration_invalid")
    assert admin.patch(path, json={"configuration": {"apiBaseUrl": f"{server.url}/", "basePath": "other"}}).is_success
    assert admin.post(f"{path}/test").json()["data"]["succeeded"] is True
    given = {
        "configuration": {"apiBaseUrl": "https://api.github.com"},
        "secretConfiguration": {"token": "another-token"},
    }
    assert (
        admin.patch(path, json=given).json()["data"]["configurationSummary"]["apiBaseUrl"] == "https://api.github.com"
    )


def test_an_upload_without_a_message_is_committed_with_the_published_one(admin: httpx.Client) -> None:
    server = servers.github()
    server.repos[f"octo/{(name := uuid.uuid4().hex)}"] = repo = Repo()
    make(admin, github(server, name) | {"isDefault": True})

    def add(**fields: str) -> str:
        answer = admin.post("/api/v1/assets", files={"file": ("a.png", picture("PNG"), "image/png")}, data=fields)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["data"]["id"])

    first, second, third = add(), add(commitMessage="Mine"), add()
    admin.delete(f"/api/v1/assets/{first}")
    admin.request("DELETE", f"/api/v1/assets/{second}", json={"commitMessage": "Mine no more"})
    admin.post("/api/v1/assets/batch-delete", json=[third])
    said = "Automated commit by NekoHub"
    assert [it.message for it in repo.commits] == [said, "Mine", said, said, "Mine no more", said]


def test_a_repository_without_a_token_takes_no_uploads(admin: httpx.Client) -> None:
    make(admin, github(servers.github(), "media") | {"isDefault": True, "secretConfiguration": {}})
    refused = admin.post("/v3/images", files={"file": ("a.png", picture("PNG"))})
    assert refused.status_code == 422
    assert "no token" in refused.text


def test_what_is_no_repository_cannot_be_browsed(admin: httpx.Client) -> None:
    made = make(admin, local())
    assert code(admin.get(f"{ROOT}/{made['id']}/github-repo/browse")) == (400, f"{PREFIX}provider_type_mismatch")


def test_only_the_operator_and_named_places_reach_inside(library: Server, tmp_path: Path) -> None:
    """A tenant may not name a private address; the operator, tenant `default`, may."""
    draft = s3("x", endpoint="http://127.0.0.2:9000")
    with _client(library, Role.ADMIN) as client:
        assert code(client.post(ROOT, json=draft)) == (400, f"{PREFIX}endpoint_invalid")
    with library.client() as operator:
        made = make(operator, draft | {"name": uuid.uuid4().hex})
        assert operator.delete(f"{ROOT}/{made['id']}").json()["data"]["status"] == "deleted"


def test_a_whole_server_on_s3(tmp_path: Path) -> None:
    """Upload, variants, delivery, deletion, fsck; then the service stops, and comes back."""
    seaweed = servers.seaweed()
    server = Server(tmp_path / "data", seaweed.environment(seaweed.place())).start()
    try:
        with server.client() as client:
            image = _life(client)
            assert server.command("fsck", "--json", "--read-data").returncode == 0
            _death(client, image)
            staging = server.data_dir / "staging" / "files"
            wait_for(lambda: list(staging.iterdir()) == [], "no temporary file")
    finally:
        assert server.stop() == 0


def _objects(folder: Path) -> list[Path]:
    """What the library keeps there, without its marker."""
    return [it for it in files_in(folder) if it.name != ".mediatheque"]
