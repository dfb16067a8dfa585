"""What each tenant decided about the metadata in its files."""

from dataclasses import dataclass
from uuid import UUID

from mediatheque.core import audit
from mediatheque.errors import NotFound
from mediatheque.model import Actor
from mediatheque.privacy import MetadataPolicy
from mediatheque.records import accounts
from mediatheque.records.engine import Database


@dataclass(frozen=True, slots=True)
class Tenancy:
    """A tenant as the operator sees it."""

    uuid: UUID
    name: str
    metadata_policy: MetadataPolicy
    is_disabled: bool


class Policies:
    def __init__(self, database: Database) -> None:
        self._database = database

    def own(self, actor: Actor) -> MetadataPolicy:
        with self._database.read() as tx:
            return MetadataPolicy(accounts.metadata_policy(tx, actor.tenant_id))

    def decide(self, actor: Actor, policy: MetadataPolicy) -> MetadataPolicy:
        """For every upload that is taken in from now on; files that are there already stay as they are."""
        with self._database.write() as tx:
            if accounts.set_metadata_policy(tx, actor.tenant_id, policy):
                audit.note(tx, actor, "tenant.metadata_policy", actor.tenant_uuid, policy=policy)
        return policy

    def decide_outside(self, tenant: str, policy: MetadataPolicy) -> None:
        """The same for the operator; raises `NotFound`."""
        with self._database.write() as tx:
            row = accounts.tenant_named(tx, tenant)
            if row is None:
                raise NotFound(f"No tenant {tenant}")
            if accounts.set_metadata_policy(tx, row["id"], policy):
                audit.note_outside(tx, row["id"], "tenant.metadata_policy", row["uuid"], policy=policy)

    def tenants(self) -> list[Tenancy]:
        """Every tenant, in the order in which they were made."""
        with self._database.read() as tx:
            return [
                Tenancy(
                    row["uuid"], row["name"], MetadataPolicy(row["metadata_policy"]), row["disabled_at"] is not None
                )
                for row in accounts.tenants(tx)
            ]
