"""A client that costs little, since it shares the machine with the server: one connection, prepared bodies."""

import http.client
import json
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

BOUNDARY = "5d41402abc4b2a76b9719d911017c592"
"""As long as the clients that people use make them: a longer one is found faster."""
UPLOADS_AT_A_TIME = 8


class Client:
    """One kept-alive connection with a key."""

    def __init__(self, port: int, key: str) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self._headers = {"Authorization": f"Bearer {key}"}

    def get(self, path: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
        """Status, headers in lower case, body."""
        self._connection.request("GET", path, headers={**self._headers, **headers})
        answer = self._connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()

    def head(self, path: str) -> tuple[int, dict[str, str]]:
        """Status, headers in lower case."""
        self._connection.request("HEAD", path, headers=self._headers)
        answer = self._connection.getresponse()
        answer.read()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}

    def json(self, path: str) -> Any:
        status, _, body = self.get(path)
        assert status == 200, f"{path} answered {status}: {body[:200]!r}"
        return json.loads(body)

    def upload(self, body: bytes) -> str:
        """POST a prepared form; the image's id."""
        headers = {**self._headers, "Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
        self._connection.request("POST", "/v3/images", body, headers)
        answer = self._connection.getresponse()
        content = answer.read()
        assert answer.status == 201, f"upload answered {answer.status}: {content[:200]!r}"
        return str(json.loads(content)["id"])

    def close(self) -> None:
        self._connection.close()


def form(file: Path) -> bytes:
    """The file as a multipart body."""
    head = (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="{file.name}"\r\n'
        "Content-Type: image/jpeg\r\n\r\n"
    )
    return head.encode() + file.read_bytes() + f"\r\n--{BOUNDARY}--\r\n".encode()


def upload_all(port: int, key: str, bodies: Sequence[bytes]) -> list[str]:
    """Upload everything over eight connections; the ids in the order of the bodies."""
    clients = [Client(port, key) for _ in range(UPLOADS_AT_A_TIME)]
    free = list(clients)

    def one(body: bytes) -> str:
        client = free.pop()
        try:
            return client.upload(body)
        finally:
            free.append(client)

    with ThreadPoolExecutor(UPLOADS_AT_A_TIME) as pool:
        ids = list(pool.map(one, bodies))
    for client in clients:
        client.close()
    return ids


def seconds(act: Callable[[], object]) -> float:
    started = time.perf_counter()
    act()
    return time.perf_counter() - started
