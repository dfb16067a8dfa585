"""Clients that vanish in the middle of an upload, or never come to its end (F13, F14)."""

import socket
from contextlib import ExitStack

from tests.faults.invariants import check, settle
from tests.faults.ledger import Ledger, keep, photo
from tests.faults.site import Site
from tests.support import ADMIN_KEY, quick, wait_for

HALF_OPEN = 200


def test_an_upload_whose_client_vanishes_half_way_leaves_nothing(deployment: Site, ledger: Ledger) -> None:
    with deployment.server.client() as http:
        settle(deployment)
        before, total = keys(deployment), http.get("/v3/images").json()["total"]
        logged = deployment.server.log.stat().st_size
        for door in ("/v3/images", "/v1/uploads"):
            for abrupt in (False, True):
                with _half_an_upload(deployment, door) as connection:
                    wait_for(lambda: any(deployment.staging.iterdir()), "the upload to be under way")
                    if abrupt:  # a reset instead of an orderly end
                        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                wait_for(lambda: not any(deployment.staging.iterdir()), "its temporary file to be gone")
        assert keys(deployment) == before
        assert http.get("/v3/images").json()["total"] == total
        assert b"unhandled error" not in deployment.server.log.read_bytes()[logged:]
        keep(ledger, http, photo())
    check(deployment, ledger)


def test_two_hundred_half_open_connections_keep_nobody_waiting(site: Site, ledger: Ledger) -> None:
    with ExitStack() as clients, site.server.client() as http:
        for number in range(HALF_OPEN):
            if number % 2:
                clients.enter_context(_half_an_upload(site, "/v3/images"))
            else:
                clients.enter_context(connection(site)).sendall(b"POST /v3/images HTTP/1.1\r\nHost: x\r\n")
        wait_for(lambda: len(list(site.staging.iterdir())) == HALF_OPEN // 2, "the uploads to be under way", 30)
        assert quick(lambda: http.get("/health/live"), 1).status_code == 200
        keep(ledger, http, photo())
        assert len(list(site.staging.iterdir())) >= HALF_OPEN // 2
    wait_for(lambda: not any(site.staging.iterdir()), "the temporary files to be gone", 30)
    check(site, ledger)


def keys(site: Site) -> set[str]:
    return {found.key for found in site.parts.store.list()}


def connection(site: Site) -> socket.socket:
    return socket.create_connection(("127.0.0.1", site.server.port), timeout=10)


def _half_an_upload(site: Site, door: str) -> socket.socket:
    """A connection on which half of a form has been sent."""
    data = photo()
    head = b'--b\r\nContent-Disposition: form-data; name="file"; filename="photo.jpg"\r\n\r\n'
    form = head + data + b"\r\n--b--\r\n"
    half = connection(site)
    half.sendall(
        f"POST {door} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {ADMIN_KEY}\r\n"
        f"Content-Type: multipart/form-data; boundary=b\r\nContent-Length: {len(form)}\r\n\r\n".encode()
        + form[: len(head) + len(data) // 2]
    )
    return half
