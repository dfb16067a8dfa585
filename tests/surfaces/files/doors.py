"""What the tests of the third dialect share: uploads through its doors, and what its errors look like."""

from typing import Any
from uuid import UUID

import httpx

from tests.pictures import picture

STREAM = "/api/v2/user-files/upload/stream"
PNG = picture("PNG")


def stream(client: httpx.Client, data: bytes = PNG, name: str = "photo.png", **fields: str) -> httpx.Response:
    return client.post(STREAM, files={"file": (name, data)}, data=fields)


def streamed(client: httpx.Client, data: bytes = PNG, name: str = "photo.png", **fields: str) -> dict[str, Any]:
    """The answer to an upload that goes well."""
    answer = stream(client, data, name, **fields)
    assert answer.status_code == 200, answer.text
    made: dict[str, Any] = answer.json()
    return made


def refusal(answer: httpx.Response) -> tuple[int, str]:
    """Status and code of an error in this dialect's shape."""
    body = answer.json()
    assert set(body) == {"error", "request_id"} | ({"detail"} if answer.status_code == 422 else set())
    assert set(body["error"]) == {"code", "message", "details"}
    UUID(body["request_id"])
    return answer.status_code, body["error"]["code"]


def files_of(client: httpx.Client) -> list[dict[str, Any]]:
    """The tenant's images, as the second dialect lists them."""
    found: list[dict[str, Any]] = client.get("/api/v1/assets", params={"pageSize": 100}).json()["data"]["items"]
    return found
