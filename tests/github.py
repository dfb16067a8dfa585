"""A stand-in for GitHub's Contents API that refuses what GitHub refuses: stale shas, missing branches, bad tokens."""

import base64
import hashlib
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

TOKEN = "github_pat_for_the_tests"
READ_ONLY = "github_pat_read_only"
INLINE_BYTES = 1 << 20
"""Up to this size a file's content comes with its description."""


def blob_sha(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


@dataclass
class Commit:
    message: str
    path: str
    date: float = field(default_factory=time.time)


@dataclass
class Repo:
    """Files and commits by branch. `private` ones are there only for who holds a token."""

    private: bool = False
    files: dict[str, dict[str, bytes]] = field(default_factory=lambda: {"main": {}})
    commits: list[Commit] = field(default_factory=list)


class Refusal(Exception):
    def __init__(self, status: int, message: str, headers: dict[str, str] | None = None, **more: Any) -> None:
        self.status, self.headers, self.body = status, headers or {}, {"message": message, **more}


class GitHub(ThreadingHTTPServer):
    """`next_trouble` holds what happens to the next writes: `lost` (done, but no answer), `raced`, `down`."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.repos = {"octo/media": Repo(), "octo/secret": Repo(private=True)}
        self.turn = threading.Lock()
        self.next_trouble: list[str] = []
        self.rate_left: int | None = None
        self.max_file_bytes = 100 << 20
        self.requests: list[tuple[str, str]] = []
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, *_: object) -> None:
        """Clients that hang up."""


@contextmanager
def github() -> Iterator[GitHub]:
    server = GitHub()
    yield server
    server.shutdown()
    server.server_close()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: GitHub

    def do_GET(self) -> None:
        self._serve(self._read)

    def do_PUT(self) -> None:
        self._serve(self._put)

    def do_DELETE(self) -> None:
        self._serve(self._delete)

    def _serve(self, act: Any) -> None:
        sent = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.requests.append((self.command, self.path))
        parts = urlsplit(self.path)
        path = [unquote(part) for part in parts.path.strip("/").split("/")]
        try:
            if path[0] == "raw":
                self._raw(path[1:], parse_qs(parts.query))
                return
            self._enter()
            repo = self._repo(path)
            with self.server.turn:
                answer = act(repo, path[3:], parse_qs(parts.query), sent)
        except Refusal as refusal:
            self._answer(refusal.status, refusal.body, refusal.headers)
            return
        if answer:
            self._answer(*answer)
        else:
            self.connection.close()

    def _enter(self) -> None:
        if not self.headers.get("User-Agent"):
            raise Refusal(
                403, "Request forbidden by administrative rules. Please make sure you have a User-Agent header"
            )
        if self.headers.get("Accept") != "application/vnd.github+json":
            raise Refusal(415, "Unsupported 'Accept' header")
        if self.headers.get("X-GitHub-Api-Version") != "2022-11-28":
            raise Refusal(400, "Unknown API version")
        if self.server.rate_left == 0:
            reset = str(int(time.time()) + 30)
            raise Refusal(403, "API rate limit exceeded", {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": reset})
        if self.server.rate_left:
            self.server.rate_left -= 1
        if self._token not in {None, TOKEN, READ_ONLY}:
            raise Refusal(401, "Bad credentials")

    @property
    def _token(self) -> str | None:
        return (self.headers.get("Authorization") or "").removeprefix("Bearer ") or None

    def _repo(self, path: list[str]) -> Repo:
        repo = self.server.repos.get("/".join(path[1:3])) if path[0] == "repos" else None
        if repo is None or (repo.private and self._token is None):
            raise Refusal(404, "Not Found")
        return repo

    def _files(self, repo: Repo, branch: str) -> dict[str, bytes]:
        if branch not in repo.files:
            raise Refusal(404, f"Branch {branch} not found")
        return repo.files[branch]

    def _read(self, repo: Repo, path: list[str], query: dict[str, list[str]], _: bytes) -> Any:
        if not path:
            return 200, {"private": repo.private, "permissions": {"push": self._token == TOKEN}}
        if path[0] == "branches":
            self._files(repo, path[1])
            date = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(repo.commits[-1].date if repo.commits else 0))
            return 200, {"commit": {"sha": f"tree-of-{path[1]}", "commit": {"committer": {"date": date}}}}
        if path[:2] == ["git", "trees"]:
            files = self._files(repo, path[2].removeprefix("tree-of-"))
            tree = [{"path": name, "type": "blob", "size": len(it), "sha": blob_sha(it)} for name, it in files.items()]
            return 200, {"tree": tree, "truncated": False}
        return self._contents(repo, "/".join(path[1:]), query["ref"][0])

    def _contents(self, repo: Repo, path: str, branch: str) -> Any:
        files = self._files(repo, branch)
        if path in files:
            return 200, self._file(repo, path, branch, inline=True)
        below = f"{path}/" if path else ""
        names = sorted({name.removeprefix(below).split("/")[0] for name in files if name.startswith(below)})
        if not names and path:
            raise Refusal(404, "Not Found")
        return 200, [
            self._file(repo, below + name, branch) if below + name in files
            else {"type": "dir", "name": name, "path": below + name, "size": 0, "sha": "0" * 40}
            for name in names
        ]  # fmt: skip

    def _file(self, repo: Repo, path: str, branch: str, *, inline: bool = False) -> dict[str, Any]:
        content = repo.files[branch][path]
        owner_and_name = next(name for name, it in self.server.repos.items() if it is repo)
        token = "?token=of-a-moment" if repo.private else ""
        found = {"type": "file", "name": path.rpartition("/")[2], "path": path, "size": len(content),
                 "sha": blob_sha(content),
                 "download_url": f"{self.server.url}/raw/{owner_and_name}/{branch}/{quote(path)}{token}"}  # fmt: skip
        if inline and len(content) <= INLINE_BYTES:
            found |= {"encoding": "base64", "content": base64.encodebytes(content).decode()}
        elif inline:
            found |= {"encoding": "none", "content": ""}
        return found

    def _put(self, repo: Repo, path: list[str], _: Any, sent: bytes) -> Any:
        body, files, name = self._change(repo, path, sent)
        try:
            content = base64.b64decode(body["content"], validate=True)
        except (KeyError, ValueError):
            raise Refusal(422, "content is not valid Base64") from None
        if len(content) > self.server.max_file_bytes:
            raise Refusal(422, "Sorry, your input was too large to process", errors=[{"code": "too_large"}])
        known = files.get(name)
        if known is not None and not body.get("sha"):
            raise Refusal(422, 'Invalid request.\n\n"sha" wasn\'t supplied.')
        if body.get("sha") and (known is None or blob_sha(known) != body["sha"]):
            raise Refusal(409, f"{name} does not match {body['sha']}")
        files[name] = content
        return self._committed(repo, body, name, 200 if known is not None else 201)

    def _delete(self, repo: Repo, path: list[str], _: Any, sent: bytes) -> Any:
        body, files, name = self._change(repo, path, sent)
        if not body.get("sha"):
            raise Refusal(422, 'Invalid request.\n\n"sha" wasn\'t supplied.')
        if name not in files:
            raise Refusal(404, "Not Found")
        if blob_sha(files[name]) != body["sha"]:
            raise Refusal(409, f"{name} does not match {body['sha']}")
        del files[name]
        return self._committed(repo, body, name, 200)

    def _change(self, repo: Repo, path: list[str], sent: bytes) -> tuple[dict[str, Any], dict[str, bytes], str]:
        """What every write is held against first."""
        if self._token is None:
            raise Refusal(401, "Requires authentication")
        if self._token != TOKEN:
            raise Refusal(403, "Resource not accessible by personal access token")
        body = json.loads(sent)
        if path[0] != "contents" or not body.get("message"):
            raise Refusal(422, 'Invalid request.\n\n"message" wasn\'t supplied.')
        files = self._files(repo, body.get("branch", "main"))
        trouble = self.server.next_trouble[0] if self.server.next_trouble else None
        if trouble in {"raced", "down"}:
            self.server.next_trouble.pop(0)
            raise Refusal(409, "is at 1 but expected 2") if trouble == "raced" else Refusal(502, "Server Error")
        return body, files, "/".join(path[1:])

    def _committed(self, repo: Repo, body: dict[str, Any], name: str, status: int) -> Any:
        repo.commits.append(Commit(body["message"], name))
        if self.server.next_trouble and self.server.next_trouble[0] == "lost":
            self.server.next_trouble.pop(0)
            self.close_connection = True
            return None
        files = repo.files[body.get("branch", "main")]
        content = self._file(repo, name, body.get("branch", "main")) if name in files else None
        return status, {"content": content, "commit": {"message": body["message"]}}

    def _raw(self, path: list[str], query: dict[str, list[str]]) -> None:
        repo = self.server.repos.get("/".join(path[:2]))
        content = repo.files.get(path[2], {}).get("/".join(path[3:])) if repo else None
        if repo is None or content is None or (repo.private and "token" not in query):
            return self._answer(404, {"message": "Not Found"})
        if self.headers.get("Authorization"):
            return self._answer(400, {"message": "a token was sent where none belongs"})
        wanted = self.headers.get("Range", "").removeprefix("bytes=")
        first, _, last = wanted.partition("-")
        if not wanted:
            return self._bytes(200, content)
        if int(first) >= len(content):
            return self._answer(416, {"message": "Range Not Satisfiable"})
        return self._bytes(206, content[int(first) : int(last) + 1 if last else None])

    def _answer(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
        self._bytes(status, json.dumps(body).encode(), headers)

    def _bytes(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass
