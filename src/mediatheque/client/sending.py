"""How a file is sent: a small one in one request, a large one or a video so that it can be resumed (tus 1.0)."""

import uuid
from base64 import b64encode
from collections.abc import Callable, Mapping

import httpx

from mediatheque.client.errors import Conflict, Interrupted, NotFound, NotYet
from mediatheque.client.models import Uploaded
from mediatheque.client.wire import Attempts, Call, Plan, Progress, Source, Work

TUS, STREAM = "/api/v2/uploads/tus", "/api/v2/user-files/upload/stream"
ONE_REQUEST_BYTES = 4 << 20
"""Up to here a file goes in one request: to begin it anew costs less than to ask how far it has come."""
OFFSET_TYPE = "application/offset+octet-stream"


def upload(
    source: Source,
    fields: Mapping[str, str],
    *,
    progress: Progress | None = None,
    skip_duplicates: bool = False,
    upload_id: str | None = None,
    on_begin: Callable[[str], None] | None = None,
) -> Plan[Uploaded]:
    """`upload_id` goes on with an upload that was begun before; `on_begin` is told the id of a new one."""
    if skip_duplicates:
        sha256 = yield Work(source.sha256)
        known = yield from with_hashes([sha256])
        if known:
            return Uploaded(id=known[sha256], is_new=False)
    if source.size_bytes <= ONE_REQUEST_BYTES and not is_video(source.head(12)):
        return (yield from _in_one_request(source, fields, progress, upload_id, on_begin))
    transfer = Transfer(source, fields, progress, upload_id, on_begin)
    return Uploaded(id=(yield Attempts(transfer.attempt)))


def with_hashes(hashes: list[str]) -> Plan[dict[str, str]]:
    """Which of these SHA-256 (250 at most) the library has, and the id of the file with each."""
    answer = yield Call("POST", "/api/v2/uploads/check-duplicates", json={"hashes": hashes}, repeats=True)
    return dict(answer.json()["image_ids"])


def _in_one_request(
    source: Source,
    fields: Mapping[str, str],
    progress: Progress | None,
    upload_id: str | None,
    on_begin: Callable[[str], None] | None,
) -> Plan[Uploaded]:
    """A request that makes one file however often it is sent, for its key is of the upload and what it asks for."""
    begun = upload_id or str(uuid.uuid4())
    if on_begin and upload_id is None:
        on_begin(begun)
    key = str(uuid.uuid5(uuid.NAMESPACE_OID, f"{begun} {sorted(fields.items())}"))

    def attempt() -> Plan[str]:
        try:
            answer = yield Call("POST", STREAM, form=fields, source=source, key=key, progress=progress)
        except Conflict as error:
            raise NotYet(error.message) from error  # the same request came before, and is being answered
        return str(answer.json()["image_id"])

    return Uploaded(id=(yield Attempts(attempt)))


class Transfer:
    """A resumable upload, over as many attempts as it takes."""

    def __init__(
        self,
        source: Source,
        fields: Mapping[str, str],
        progress: Progress | None,
        upload_id: str | None,
        on_begin: Callable[[str], None] | None,
    ) -> None:
        self._source = source
        self._fields = {"filename": source.name, **fields}
        self._progress = progress
        self._upload_id = upload_id
        self._on_begin = on_begin
        self._key = str(uuid.uuid4())

    def attempt(self) -> Plan[str]:
        """The id of the file that it becomes; raises `Interrupted` when the server has to be asked again."""
        offset, answer = yield from self._begin()
        if "upload-asset" not in answer.headers and offset < self._source.size_bytes:
            answer = yield from self._append(offset)
        file_id: str | None = answer.headers.get("upload-asset")
        if file_id is None:
            raise NotYet("The server has the bytes, and not yet the file")
        return file_id

    def _begin(self) -> Plan[tuple[int, httpx.Response]]:
        if self._upload_id is not None:
            try:
                answer = yield Call("HEAD", f"{TUS}/{self._upload_id}", headers=_VERSION)
                return int(answer.headers["upload-offset"]), answer
            except NotFound:
                self._upload_id, self._key = None, str(uuid.uuid4())
        headers = {**_VERSION, "Upload-Length": str(self._source.size_bytes), "Upload-Metadata": self._metadata()}
        answer = yield Call("POST", TUS, headers=headers, key=self._key)
        self._upload_id = str(answer.headers["location"].rpartition("/")[2])
        if self._on_begin:
            self._on_begin(self._upload_id)
        return int(answer.headers["upload-offset"]), answer

    def _append(self, offset: int) -> Plan[httpx.Response]:
        headers = {**_VERSION, "Upload-Offset": str(offset), "Content-Type": OFFSET_TYPE}
        try:
            answer: httpx.Response = yield Call(
                "PATCH", f"{TUS}/{self._upload_id}", headers=headers, source=self._source, offset=offset,
                progress=self._progress, repeats=True,
            )  # fmt: skip
        except Conflict as error:
            raise Interrupted(error.message) from error
        return answer

    def _metadata(self) -> str:
        pairs = ((name, b64encode(value.encode()).decode()) for name, value in self._fields.items())
        return ",".join(f"{name} {value}" for name, value in pairs)


def is_video(head: bytes) -> bool:
    """By its first 12 bytes; pictures and sounds in boxes (HEIC, M4A) look alike, and do no harm."""
    return head[4:8] == b"ftyp" or head[:4] == b"\x1aE\xdf\xa3" or (head[:4] == b"RIFF" and head[8:12] == b"AVI ")


_VERSION = {"Tus-Resumable": "1.0.0"}
