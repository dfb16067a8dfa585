"""An S3-compatible service as a store, for the whole server (`s3://bucket/prefix`) or for a tenant's profile."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit
from uuid import uuid4

import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store as Client
from pydantic import BaseModel, Field

from mediatheque import faults
from mediatheque.clients.addresses import FetchFailed
from mediatheque.clients.fetch import Fetch
from mediatheque.clients.tunnel import tunnel
from mediatheque.errors import Invalid, NotFound, StorageFull, Unavailable, file_meanings
from mediatheque.model import Reach
from mediatheque.ports import Capabilities, Opening, Provider, Site, Store, StoredObject, StoreType
from mediatheque.stores.circuit import Circuit
from mediatheque.stores.leftovers import STAGING, is_leftover, leftovers, remove_leftover
from mediatheque.stores.schema import BaseUrl

PIECE_BYTES = 1 << 20
RANGE_BYTES = 8 << 20
"""Bytes of one request when an object is read: a slow reader holds no connection."""
PART_BYTES = 8 << 20
PARTS_AT_ONCE = 4

_CHECKS = ".mediatheque-check"
"""Prefix of the small objects that `check` writes; never listed."""
_CLIENT = {"connect_timeout": "5s", "timeout": "60s", "read_timeout": "20s"}
_RETRY = {
    "max_retries": 2,
    "retry_timeout": timedelta(seconds=15),
    "backoff": {"init_backoff": timedelta(milliseconds=100), "max_backoff": timedelta(seconds=2), "base": 2},
}
"""Bounded, with jitter."""


class S3Store:
    """Objects in a bucket, below a prefix. Temporary files lie in `staging`, on the machine's own disk.

    Interrupted multipart uploads are not listed by this store: a lifecycle rule of the bucket has to end them.
    """

    key_prefix = ""

    def __init__(
        self, client: Client, staging: Path, *, name: str = "s3", owns_staging: bool, public_base_url: str | None = None
    ) -> None:
        self.name = name
        self.staging = staging
        self.bucket = str(client.config["bucket"])
        self._client = client
        self._owns_staging = owns_staging
        self._public_base_url = public_base_url
        self._circuit = Circuit("s3")
        with file_meanings():
            staging.mkdir(parents=True, exist_ok=True)

    def put(self, staged: Path, key: str, *, message: str | None = None) -> None:  # noqa: ARG002
        """Push the file, in parts when it is large; the service shows the object when it has all of it."""
        _checked(key)
        with self._asking():
            faults.place("store.synced")
            obstore.put(self._client, key, staged, chunk_size=PART_BYTES, max_concurrency=PARTS_AT_ONCE)
            faults.place("store.put")
        with file_meanings():
            staged.unlink(missing_ok=True)

    def open(self, key: str, *, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        size_bytes = self.size(key)
        last = size_bytes if end is None else min(end, size_bytes)
        while start < last:
            with self._asking():
                stop = min(start + RANGE_BYTES, last)
                body = memoryview(obstore.get_range(self._client, key, start=start, end=stop))
            for at in range(0, len(body), PIECE_BYTES):
                yield bytes(body[at : at + PIECE_BYTES])
            start = stop

    def size(self, key: str) -> int:
        _checked(key)
        with self._asking():
            try:
                return int(obstore.head(self._client, key)["size"])
            except FileNotFoundError:
                self._look_at_bucket()
                raise

    def delete(self, key: str, *, message: str | None = None) -> None:  # noqa: ARG002
        if is_leftover(key):
            remove_leftover(self.staging, key)
            return
        _checked(key)
        with self._asking():
            try:
                obstore.delete(self._client, key)
            except FileNotFoundError:
                self._look_at_bucket()

    def list(self, prefix: str = "") -> Iterator[StoredObject]:
        batches = iter(obstore.list(self._client, prefix.rpartition("/")[0] or None, chunk_size=1000))
        while True:
            with self._asking():
                batch = next(batches, None)
            if batch is None:
                return
            for found in batch:
                if found["path"].startswith(prefix) and not found["path"].startswith(f"{_CHECKS}/"):
                    yield StoredObject(found["path"], found["size"], found["last_modified"])

    def leftovers(self) -> Iterator[StoredObject]:
        return leftovers(self.staging) if self._owns_staging else iter(())

    def path(self, key: str) -> Path | None:  # noqa: ARG002
        return None

    def public_url(self, key: str) -> str | None:
        return None if self._public_base_url is None else f"{self._public_base_url}/{quote(key)}"

    def signed_put(self, key: str, *, lifetime_seconds: int) -> str:
        """Signed by the service's own scheme, which binds method, key and expiry, and not the size or type."""
        _checked(key)
        with self._asking():
            return obstore.sign(self._client, "PUT", key, timedelta(seconds=lifetime_seconds))

    def check(self) -> None:
        """Write, read and remove a small object."""
        key, content = f"{_CHECKS}/{uuid4().hex}", b"mediatheque"
        with self._asking():
            try:
                obstore.put(self._client, key, content)
                found = bytes(obstore.get(self._client, key).bytes())
                obstore.delete(self._client, key)
            except FileNotFoundError as error:
                raise Unavailable(_message(error), retry_after_seconds=5) from error
        if found != content:
            raise Unavailable("The service returned other bytes than were stored")

    def _look_at_bucket(self) -> None:
        """A missing object in a bucket that is there is a fact; a missing bucket is trouble of the store's."""
        try:
            obstore.get(self._client, f"{_CHECKS}/none")
        except FileNotFoundError as error:
            if "<Code>NoSuchKey<" not in str(error) and "NoSuchBucket" in str(error):
                raise Unavailable(_message(error)) from error

    @contextmanager
    def _asking(self) -> Iterator[None]:
        """What the service says, in the library's own words."""
        with self._circuit.guarded():
            try:
                yield
            except FileNotFoundError as error:
                if "NoSuchBucket" in str(error):
                    raise Unavailable(_message(error), retry_after_seconds=5) from error
                raise NotFound from error
            except (BaseError, OSError, ValueError) as error:
                if any(f"<Code>{code}<" in str(error) for code in _FULL) or "507 " in str(error):
                    raise StorageFull from error
                raise Unavailable(_message(error), retry_after_seconds=5) from error


_FULL = (
    "QuotaExceeded",
    "InsufficientStorage",
    "XMinioStorageFull",
    "XMinioAdminBucketQuotaExceeded",
    "EntityTooLargeForQuota",
)
_CODE = re.compile(r"<Code>(\w+)</Code>")
_MESSAGES = {
    "NoSuchBucket": "The bucket does not exist",
    "InvalidAccessKeyId": "The service does not know the access key",
    "SignatureDoesNotMatch": "The secret key is wrong",
    "AccessDenied": "The service denies access with these keys",
    "AuthorizationHeaderMalformed": "The region is wrong",
    "PermanentRedirect": "The bucket lies in another region or at another endpoint",
    "SlowDown": "The service asks to slow down",
    "RequestTimeTooSkewed": "This machine's clock differs from the service's",
}


def _message(error: Exception) -> str:
    """One sentence that says what is wrong and repeats nothing the service sent."""
    code = _CODE.search(str(error))
    if code and code[1] in _MESSAGES:
        return _MESSAGES[code[1]]
    if "403 Forbidden" in str(error):
        return _MESSAGES["AccessDenied"]
    status = re.search(r"status code: (\d{3})", str(error))
    return f"The service answers {status[1]}" if status else "The service does not answer"


def _checked(key: str) -> str:
    parts = key.split("/")
    if any(part in {"", ".", "..", STAGING} for part in parts) or "\0" in key or parts[0] == _CHECKS:
        raise NotFound
    return key


class Configuration(BaseModel):
    """A profile's bucket. `prefix` keeps our objects apart from others in it."""

    endpoint: BaseUrl
    bucket: str = Field(min_length=1, max_length=255, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]+$")
    region: str = Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9-]+$")
    prefix: str = Field("", max_length=255, pattern=r"^([A-Za-z0-9._-]*[A-Za-z0-9_-][A-Za-z0-9._-]*(/|$))*$")
    force_path_style: bool = True
    public_base_url: BaseUrl | None = None
    provider_name: str = Field("s3", max_length=64)


class Secrets(BaseModel):
    access_key: str = Field(min_length=1, max_length=255)
    secret_key: str = Field(min_length=1, max_length=255)


def _check(opening: Opening) -> None:
    try:
        Fetch(opening.reach).check(opening.configuration.endpoint)
    except FetchFailed as error:
        raise Invalid(error.message, field=("endpoint",), kind="invalid") from error


def _open_profile(opening: Opening) -> Store:
    it = opening.configuration
    endpoint = it.endpoint
    try:
        Fetch(opening.reach).check(endpoint)
    except FetchFailed as error:
        raise Unavailable(error.message, retry_after_seconds=5) from error
    if not it.force_path_style:
        parts = urlsplit(endpoint)
        endpoint = f"{parts.scheme}://{it.bucket}.{parts.netloc}"
    keys = {"access_key_id": opening.secrets.access_key, "secret_access_key": opening.secrets.secret_key}
    client = _client(
        it.bucket, it.prefix, endpoint=endpoint, region=it.region, keys=keys,
        virtual=not it.force_path_style, reach=opening.reach,
    )  # fmt: skip
    return S3Store(
        client, opening.site.staging, name=opening.name, owns_staging=False, public_base_url=it.public_base_url
    )


def _open_url(url: str, site: Site) -> Store:
    parts = urlsplit(url)
    options = site.options
    keys = {name: options[f"s3_{name}"] for name in ("access_key_id", "secret_access_key")}
    client = _client(
        parts.netloc, parts.path, endpoint=options["s3_endpoint"], region=options["s3_region"],
        keys=keys if all(keys.values()) else None, virtual=False, reach=Reach(anywhere=True),
    )  # fmt: skip
    return S3Store(client, site.staging, owns_staging=True)


def _client(
    bucket: str, prefix: str, *, endpoint: str, region: str, keys: dict[str, str] | None, virtual: bool, reach: Reach
) -> Client:
    """Without `endpoint` and `keys` those of the environment that Amazon's own tools use."""
    options: dict[str, Any] = {**_CLIENT, "allow_http": endpoint.startswith("http://")}
    if endpoint and not reach.anywhere and endpoint.startswith("https://"):
        options["proxy_url"] = tunnel(reach)
    config: dict[str, Any] = {"region": region, "virtual_hosted_style_request": virtual}
    if endpoint:
        config |= {"endpoint": endpoint, "aws_endpoint_url_s3": endpoint}
    provider = None if keys is None else (lambda: {**keys, "token": None, "expires_at": None})
    make: Any = Client  # its types are written down for literals
    made: Client = make(
        bucket, prefix=prefix.strip("/") or None, config=config, client_options=options, retry_config=_RETRY,
        credential_provider=provider,
    )  # fmt: skip
    return made


STORE = StoreType(
    "s3",
    _open_url,
    Provider(
        kind="s3",
        aliases=("s3-compatible",),
        capabilities=Capabilities(supports_direct_public_url=True, recommended_for_primary_storage=True),
        configuration=Configuration,
        secrets=Secrets,
        open=_open_profile,
        check=_check,
    ),
)
