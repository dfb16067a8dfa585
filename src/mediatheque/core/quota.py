"""The storage quota: how many bytes a tenant's assets may have together (running.md, `MEDIATHEQUE_STORAGE_QUOTA`)."""

from dataclasses import dataclass

from mediatheque.errors import QuotaExceeded
from mediatheque.records import arrivals, tallies
from mediatheque.records.engine import Database, Tx


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
            if growth_bytes > self._room(tx, tenant_id):
                raise QuotaExceeded

    def room(self, tx: Tx, tenant_id: int) -> int | None:
        """Bytes that the tenant may still bring, what is promised to its arrivals taken off; None: any number."""
        return max(0, self._room(tx, tenant_id)) if self.limit_bytes else None

    def reserve(self, tx: Tx, tenant_id: int, size_bytes: int, *, but: int | None = None) -> None:
        """Raise `QuotaExceeded` unless there is room for so much more, beside what is promised to others than `but`.

        Nobody else counts this tenant's bytes until the transaction ends.
        """
        if self.limit_bytes:
            arrivals.hold_tenant(tx, tenant_id)
            if size_bytes > self._room(tx, tenant_id, but=but):
                raise QuotaExceeded

    def _room(self, tx: Tx, tenant_id: int, *, but: int | None = None) -> int:
        promised = arrivals.reserved_bytes(tx, tenant_id, but=but)
        return self.limit_bytes - tallies.bytes_of(tx, tenant_id) - promised
