"""Which outside addresses a tenant's administrators may name (running.md, "Environment"; decisions 22)."""

from urllib.parse import urlsplit

from mediatheque.core.access import DEFAULT_TENANT
from mediatheque.model import Reach
from mediatheque.records import accounts
from mediatheque.records.engine import Database

_PORTS = {"http": 80, "https": 443}


def origin(url: str) -> tuple[str, str, int | None]:
    """Scheme, host and port: a secret that was given for one is not sent to another."""
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port or _PORTS.get(parts.scheme)


class Endpoints:
    """Tenant `default` is the operator's and reaches all; others reach public https and what is allowed by name."""

    def __init__(self, database: Database, allowed: frozenset[str]) -> None:
        self._database = database
        self._others = Reach(allowed, https_only=True)
        self._operator_id: int | None = None

    def reach(self, tenant_id: int) -> Reach:
        if self._operator_id is None:
            with self._database.read() as tx:
                row = accounts.tenant_named(tx, DEFAULT_TENANT)
            self._operator_id = row["id"] if row else None
        return Reach(anywhere=True) if tenant_id == self._operator_id else self._others
