"""Which outside addresses a tenant's administrators may name (running.md, "Environment"; decisions 22)."""

from mediatheque.core.access import DEFAULT_TENANT
from mediatheque.model import Reach
from mediatheque.records import accounts
from mediatheque.records.engine import Database


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
