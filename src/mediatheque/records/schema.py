"""Brings a database to this version's schema: once, under a lock, however many processes start together."""

from pathlib import Path

from sqlalchemy import Connection, inspect, text

from mediatheque import faults
from mediatheque.errors import Told
from mediatheque.records.engine import Database
from mediatheque.records.locks import exclusive

HEAD = "0018"
"""The newest revision under migrations/versions; a test holds it against the folder."""

_MIGRATIONS = Path(__file__).parent / "migrations"


class NewerSchema(Told):
    """The database was written by a newer version: this one must not touch it."""


def migrate(database: Database) -> None:
    """Apply the missing migrations, each in a transaction of its own; raises `NewerSchema`."""
    with database.read() as connection:
        if revision_of(connection) == HEAD:
            return
    with exclusive(database, "migration"), database.migrating() as connection:
        stale = revision_of(connection) != HEAD
        connection.rollback()  # else Alembic would join the transaction of that look, which nobody commits
        if stale:
            _upgrade(connection)


def build(database: Database, revision: str) -> None:
    """Bring a database that has no schema to that one, for rows that were written under it; raises `NewerSchema`."""
    with exclusive(database, "migration"), database.migrating() as connection:
        found = revision_of(connection)
        connection.rollback()
        if found is None:
            _upgrade(connection, revision)


def revision_of(connection: Connection) -> str | None:
    """The schema that the database has; None: none yet."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _upgrade(connection: Connection, revision: str = "head") -> None:
    # Alembic takes 150 ms to import, which a start that finds nothing to do need not pay.
    from alembic import command
    from alembic.config import Config
    from alembic.util.exc import CommandError

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.attributes["connection"] = connection
    faults.place("migration.begun")
    try:
        command.upgrade(config, revision)
    except CommandError as error:
        if "Can't locate revision" in str(error):
            found = revision if revision != "head" else revision_of(connection)
            raise NewerSchema(f"The database has schema {found}; this version knows {HEAD}") from error
        raise
