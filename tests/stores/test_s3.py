"""What the S3 store does beside the contract of all stores: large objects, trouble, and the guard of its way out."""

import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import obstore
import pytest

from mediatheque.clients.tunnel import tunnel
from mediatheque.core.staging import Staged
from mediatheque.errors import NotFound, Unavailable
from mediatheque.model import Reach
from mediatheque.ports import Opening, Site, Store
from mediatheque.stores import s3
from mediatheque.stores.circuit import FAILURES, REST_SECONDS
from tests import servers
from tests.contracts.samples import opened
from tests.pictures import picture
from tests.seaweed import ACCESS_KEY, BUCKET, SECRET_KEY, Seaweed
from tests.support import Server, free_port, quick, upload, wait_for


def put(store: Store, key: str, data: bytes) -> None:
    with Staged(store.staging, len(data)) as staged:
        staged.write(data)
        store.put(staged.path, key)


ANYWHERE = Reach(anywhere=True)


def profile(
    folder: Path, *, reach: Reach = ANYWHERE, secret: str = SECRET_KEY, key: str = ACCESS_KEY,
    **configuration: object,
) -> Store:  # fmt: skip
    settings = {"endpoint": servers.seaweed().endpoint, "bucket": BUCKET, "region": "us-east-1", **configuration}
    secrets = s3.Secrets(access_key=key, secret_key=secret)
    opening = Opening("profile", s3.Configuration.model_validate(settings), secrets, Site(folder, folder / "s"), reach)
    assert s3.STORE.provider is not None
    return s3.STORE.provider.open(opening)


def test_a_large_object_goes_in_parts_and_comes_in_pieces(tmp_path: Path) -> None:
    store = profile(tmp_path, prefix="large")
    data = picture("PNG") * 100 + bytes(20 << 20)
    put(store, "uploads/t/b/large.bin", data)
    assert store.size("uploads/t/b/large.bin") == len(data)
    pieces = list(store.open("uploads/t/b/large.bin"))
    assert b"".join(pieces) == data
    assert max(map(len, pieces)) == 1 << 20
    assert "-" in str(obstore.head(servers.seaweed().client(), "large/uploads/t/b/large.bin")["e_tag"])
    store.delete("uploads/t/b/large.bin")


def test_a_listing_stays_below_the_prefix(tmp_path: Path) -> None:
    mine, others = profile(tmp_path, prefix="mine"), profile(tmp_path, prefix="mine-not")
    put(mine, "uploads/a", b"1")
    put(others, "uploads/b", b"2")
    assert [it.key for it in mine.list()] == ["uploads/a"]
    mine.delete("uploads/a")
    others.delete("uploads/b")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"secret": "wrong"}, "The secret key is wrong"),
        ({"key": "nobody"}, "The service does not know the access key"),
        ({"endpoint": f"http://127.0.0.1:{free_port()}"}, "The service does not answer"),
    ],
)
def test_the_check_says_what_is_wrong(tmp_path: Path, changes: dict[str, str], message: str) -> None:
    with pytest.raises(Unavailable, match=message):
        profile(tmp_path, **changes).check()  # type: ignore[arg-type]


def test_a_missing_bucket_is_no_missing_object(tmp_path: Path) -> None:
    """Else fsck would take every asset for lost."""
    store = profile(tmp_path, bucket="nobodys-bucket")
    for act in (lambda: store.size("a"), lambda: list(store.open("a")), lambda: list(store.list())):
        with pytest.raises(Unavailable, match="The bucket does not exist"):
            act()
    with pytest.raises(NotFound):
        profile(tmp_path).size("a")


def test_a_dead_service_is_left_alone_after_some_failures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = profile(tmp_path, endpoint=f"http://127.0.0.1:{free_port()}")
    for _ in range(FAILURES):
        with pytest.raises(Unavailable):
            store.size("a")
    asked, head = list[object](), obstore.head

    def noted(*given: Any) -> Any:
        asked.append(given)
        return head(*given)

    monkeypatch.setattr(obstore, "head", noted)
    started = time.monotonic()
    for _ in range(50):
        with pytest.raises(Unavailable) as refusal:
            store.size("a")
    assert len(asked) <= (time.monotonic() - started) / REST_SECONDS + 0.5  # one looks again now and then
    assert refusal.value.retry_after_seconds


class Guide(BaseHTTPRequestHandler):
    """Sends everybody to where its server's `target` points, and counts who came."""

    def do_GET(self) -> None:
        self.server.came.append(self.path)  # type: ignore[attr-defined]
        self.send_response(307 if self.server.target else 200)  # type: ignore[attr-defined]
        self.send_header("Location", self.server.target)  # type: ignore[attr-defined]
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_HEAD = do_PUT = do_GET

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def inside() -> Iterator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Guide)
    server.came, server.target = [], ""  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def test_the_tunnel_leads_to_checked_addresses_only(inside: ThreadingHTTPServer) -> None:
    port = inside.server_address[1]
    for target in (f"127.0.0.1:{port}", f"localhost:{port}", f"[::1]:{port}", f"2130706433:{port}", "nonsense:1"):
        with httpx.Client(proxy=tunnel(Reach(https_only=True)), trust_env=False) as client:
            with pytest.raises(httpx.ProxyError, match="403"):
                client.get(f"https://{target}/")
            assert client.get(f"http://{target}/").status_code == 405
    assert inside.came == []  # type: ignore[attr-defined]


def test_the_tunnel_is_for_this_process_alone() -> None:
    address = tunnel(Reach(https_only=True)).rpartition("@")[2]
    with (
        httpx.Client(proxy=f"http://{address}", trust_env=False) as client,
        pytest.raises(httpx.ProxyError, match="407"),
    ):
        client.get("https://s3.example/")


def test_the_tunnel_connects_to_what_is_allowed_by_name(inside: ThreadingHTTPServer) -> None:
    """TLS is the endpoint's to speak; that the bytes arrive there is enough."""
    port = inside.server_address[1]
    reach = Reach(frozenset({f"127.0.0.1:{port}"}), https_only=True)
    with httpx.Client(proxy=tunnel(reach), trust_env=False) as client, pytest.raises(httpx.ConnectError):
        client.get(f"https://127.0.0.1:{port}/")


def test_a_tenants_client_of_a_public_service_goes_through_the_tunnel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that was public when it was checked and is private when it is used is not reached."""
    reach = Reach(https_only=True)
    monkeypatch.setattr("mediatheque.clients.fetch.Fetch.check", lambda self, url: None)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.2)
        store = profile(tmp_path, reach=reach, endpoint=f"https://127.0.0.1:{listener.getsockname()[1]}")
        with pytest.raises(Unavailable):
            store.size("a")
        with pytest.raises(TimeoutError):
            listener.accept()


def test_a_server_outlives_its_service(tmp_path: Path) -> None:
    """R9: while S3 is away uploads answer 503 and leave nothing; when it is back all works, without a restart."""
    seaweed = Seaweed(tmp_path / "weed").start()
    server = Server(tmp_path / "data", seaweed.environment("library/r9")).start()
    try:
        with server.client() as client:
            before = upload(client)
            wait_for(lambda: "thumbnail" in _variants(seaweed), "the variants", 30)
            seaweed.stop()
            refused = client.post("/v3/images", files={"file": ("a.jpg", picture("JPEG", seed=1))})
            assert refused.status_code == 503
            assert refused.headers["retry-after"]
            assert client.get("/v3/images").json()["total"] == 1
            assert quick(lambda: client.get("/health/live"), 1).status_code == 200
            assert client.get("/health/ready").json()["parts"]["storage"] != "ok"
            assert list((server.data_dir / "staging" / "files").glob("upload-*")) == []
            seaweed.start()
            wait_for(server.is_ready, "the server to find its storage again", 60)
            assert client.get(before["url"]).content == picture("JPEG")
            assert client.delete(f"/v3/images/{upload(client)['id']}").status_code == 204
            assert client.get("/v3/images").json()["total"] == 1
    finally:
        assert server.stop() == 0
        seaweed.remove()


def _variants(seaweed: Seaweed) -> str:
    return " ".join(it["path"] for batch in obstore.list(seaweed.client(), "r9/variants") for it in batch)


def test_opening_needs_no_keys_where_the_machine_has_them(tmp_path: Path) -> None:
    server = servers.seaweed()
    options = server.options() | {"s3_access_key_id": "", "s3_secret_access_key": ""}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", ACCESS_KEY)
        patch.setenv("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
        opened(s3.STORE, f"s3://{server.place()}", tmp_path, options).check()
