"""Alembic's entry: runs the migrations on the connection that records/schema.py hands over."""

from alembic import context

from mediatheque import faults
from mediatheque.records.tables import metadata

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    render_as_batch=True,
    transactional_ddl=True,
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
    faults.place("migration.applied")
