"""`/v1/files`, asked by OpenAI's own Python client, and by hand where that refuses to say what is wrong."""

import time
from collections.abc import Iterator

import httpx
import openai
import pytest

from tests.conftest import Tenant
from tests.documents import pdf
from tests.pictures import picture

LINES = b'{"custom_id": "1", "method": "POST"}\n{"custom_id": "2", "method": "POST"}\n'


@pytest.fixture
def client(tenant: Tenant) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(api_key=tenant.key.key, base_url=f"{tenant.server.url}/v1", max_retries=0) as it:
        yield it


@pytest.mark.parametrize(
    ("name", "data"),
    [("photo.jpg", picture("JPEG")), ("paper.pdf", pdf("a paper")), ("lines.jsonl", LINES)],
    ids=["image", "document", "lines"],
)
def test_a_file_of_each_sort_comes_back_as_it_went(client: openai.OpenAI, name: str, data: bytes) -> None:
    made = client.files.create(file=(name, data), purpose="user_data")
    assert made.id.startswith("file-")
    assert (made.object, made.bytes, made.filename, made.purpose) == ("file", len(data), name, "user_data")
    assert abs(made.created_at - time.time()) < 60
    assert made.expires_at is None
    done = client.files.wait_for_processing(made.id, poll_interval=0.1, max_wait_seconds=30)
    assert done.status == "processed"
    assert client.files.content(made.id).content == data
    gone = client.files.delete(made.id)
    assert (gone.id, gone.object, gone.deleted) == (made.id, "file", True)
    with pytest.raises(openai.NotFoundError) as refused:
        client.files.retrieve(made.id)
    assert refused.value.type == "invalid_request_error"
    with pytest.raises(openai.NotFoundError):
        client.files.delete(made.id)


def test_a_list_goes_on_after_a_file_even_one_that_is_gone(client: openai.OpenAI) -> None:
    made = [client.files.create(file=(f"{n}.txt", f"text {n}".encode()), purpose="assistants").id for n in range(5)]
    client.files.create(file=("other.txt", b"another"), purpose="vision")
    newest = [it.id for it in client.files.list(purpose="assistants", limit=2)]
    assert newest == made[::-1]
    assert [it.id for it in client.files.list(order="asc", limit=1)][:5] == made
    first = client.files.list(order="asc", limit=2, purpose="assistants")
    assert ([it.id for it in first.data], first.has_more) == (made[:2], True)
    client.files.delete(made[1])
    rest = client.files.list(order="asc", after=made[1], purpose="assistants")
    assert ([it.id for it in rest.data], rest.has_more) == (made[2:], False)
    assert client.files.list(purpose="evals").data == []


def test_what_came_through_another_door_is_there(client: openai.OpenAI, tenant: Tenant) -> None:
    tenant.client.post("/v3/images", files={"file": ("photo.png", picture("PNG"))})
    (found,) = client.files.list(purpose="user_data")
    assert (found.filename, found.purpose) == ("photo.png", "user_data")
    assert client.files.content(found.id).content == picture("PNG")


def test_a_file_says_when_it_goes(client: openai.OpenAI) -> None:
    asked = {"anchor": "created_at", "seconds": 3600}
    lasting = client.files.create(file=("a.txt", b"for an hour"), purpose="user_data", expires_after=asked)  # type: ignore[arg-type]
    assert lasting.expires_at == lasting.created_at + 3600
    batch = client.files.create(file=("b.jsonl", LINES), purpose="batch")
    assert batch.expires_at == batch.created_at + 30 * 86400


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({}, "purpose"),
        ({"purpose": "fun"}, "purpose"),
        ({"purpose": "batch", "expires_after[seconds]": "3600"}, "expires_after.anchor"),
        ({"purpose": "batch", "expires_after[anchor]": "created_at"}, "expires_after.seconds"),
        ({"purpose": "batch", "expires_after[anchor]": "created_at", "expires_after[seconds]": "3599"},
         "expires_after.seconds"),
        ({"purpose": "batch", "expires_after[anchor]": "created_at", "expires_after[seconds]": "0003600000000000"},
         "expires_after.seconds"),
    ],
)  # fmt: skip
def test_a_bad_form_is_refused_by_its_field(tenant: Tenant, fields: dict[str, str], param: str) -> None:
    answer = tenant.client.post("/v1/files", files={"file": ("a.txt", b"text")}, data=fields)
    assert_refused(answer, 400, "invalid_request_error", param)


def test_refusals_have_openai_s_shape(tenant: Tenant, client: openai.OpenAI) -> None:
    get = tenant.client.get
    assert_refused(get("/v1/files", params={"limit": "10001"}), 400, "invalid_request_error", "limit")
    assert_refused(get("/v1/files", params={"order": "up"}), 400, "invalid_request_error", "order")
    assert_refused(get("/v1/files", params={"after": "file-x"}), 404, "invalid_request_error", "id")
    assert_refused(get("/v1/files/file-x/content"), 404, "invalid_request_error", "id")
    assert_refused(tenant.client.post("/v1/files", data={"purpose": "batch"}), 400, "invalid_request_error", "file")
    with pytest.raises(openai.AuthenticationError) as unknown:
        client.with_options(api_key="sk-nobodys").files.list()
    assert unknown.value.code == "invalid_api_key"
    with pytest.raises(openai.BadRequestError):
        client.files.create(file=("a.exe", b"MZ\x90\0" + bytes(300)), purpose="user_data")
    with pytest.raises(openai.BadRequestError):
        client.files.create(file=("empty.txt", b""), purpose="user_data")


def assert_refused(answer: httpx.Response, status: int, kind: str, param: str | None) -> None:
    assert answer.status_code == status, answer.text
    assert list(answer.json()) == ["error"]
    error = answer.json()["error"]
    assert list(error) == ["message", "type", "param", "code"]
    assert (error["type"], error["param"]) == (kind, param), error
