"""Videos in chunks, as a client of `/api/v2/video-uploads` sends them."""

from typing import Any

import httpx

from tests.videos import video

UPLOADS = "/api/v2/video-uploads"
CHUNK_BYTES = 16 << 20
CLIP = video(seconds=1)


def long_video(size_bytes: int) -> bytes:
    """A video of so many bytes: a short one, and a box that players skip."""
    rest = size_bytes - len(CLIP)
    return CLIP + rest.to_bytes(4, "big") + b"free" + bytes(rest - 8)


def initiate(client: httpx.Client, size: int = len(CLIP), **fields: Any) -> httpx.Response:
    body = {"filename": "clip one.mp4", "content_type": "video/mp4", "size_bytes": size} | fields
    return client.post(f"{UPLOADS}/initiate", json=body)


def initiated(client: httpx.Client, size: int = len(CLIP), **fields: Any) -> dict[str, Any]:
    answer = initiate(client, size, **fields)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def put(made: dict[str, Any], data: bytes = CLIP, number: int = 1) -> httpx.Response:
    """As a client without a credential sends a chunk."""
    return httpx.put(made["chunks"][number - 1]["upload_url"], content=data, trust_env=False, timeout=60)


def confirm(
    client: httpx.Client, made: dict[str, Any], etag: str, size: int = len(CLIP), number: int = 1
) -> httpx.Response:
    body = ids(made) | {"chunk_number": number, "etag": etag, "size_bytes": size}
    return client.post(f"{UPLOADS}/chunks/confirm", json=body)


def sent(client: httpx.Client, made: dict[str, Any], data: bytes = CLIP) -> None:
    """All chunks, the last one first."""
    for number in range(made["total_chunks"], 0, -1):
        piece = data[(number - 1) * CHUNK_BYTES : number * CHUNK_BYTES]
        answer = put(made, piece, number)
        assert answer.status_code == 200, answer.text
        assert confirm(client, made, answer.headers["etag"], len(piece), number).status_code == 200


def complete(client: httpx.Client, made: dict[str, Any], **fields: Any) -> httpx.Response:
    return client.post(f"{UPLOADS}/complete", json=ids(made) | {"duration_seconds": 1.0} | fields)


def abort(client: httpx.Client, made: dict[str, Any]) -> httpx.Response:
    return client.post(f"{UPLOADS}/abort", json=ids(made))


def progress(client: httpx.Client, made: dict[str, Any]) -> dict[str, Any]:
    answer = client.get(f"{UPLOADS}/progress/{made['media_id']}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def ids(made: dict[str, Any]) -> dict[str, str]:
    return {"media_id": made["media_id"], "upload_id": made["upload_id"]}
