"""The storage quota: how many bytes a tenant's assets may have together (running.md, `MEDIATHEQUE_STORAGE_QUOTA`)."""

from dataclasses import dataclass

from mediatheque.errors import QuotaExceeded
from mediatheque.records import tallies
from mediatheque.records.engine import Database


@dataclass(frozen=True, slots=True)
class Quota:
    """`limit_bytes` 0: none. What is derived from an asset does not count, only its own bytes do."""

    database: Database
    limit_bytes: int

    def check(self, tenant_id: int, growth_bytes: int) -> None:
        """Raises `QuotaExceeded` when the tenant has no room for so much more."""
        if not self.limit_bytes or growth_bytes <= 0:
            return
        with self.database.read() as tx:
            if tallies.bytes_of(tx, tenant_id) + growth_bytes > self.limit_bytes:
                raise QuotaExceeded
