"""A PostgreSQL library made many times as large by the server itself, which writes rows faster than any client.

Indexes are made anew in the end: to sort them once takes a fraction of the time that their growth takes.
"""

import psycopg
from psycopg import sql
from sqlalchemy import Table

from mediatheque.records.tables import asset, asset_text, blob

_NEW = {
    blob: {"id": "id + {shift}", "uuid": "gen_random_uuid()", "key": "key || '.' || {copy}",
           "sha256": "encode(sha256((id + {shift})::text::bytea), 'hex')"},
    asset: {"id": "id + {shift}", "uuid": "gen_random_uuid()", "blob_id": "blob_id + {shift}"},
    asset_text: {"asset_id": "asset_id + {shift}"},
}  # fmt: skip
"""What is another in each copy of a row."""


def multiply(url: str, times: int) -> None:
    """Copy every asset with its blob and its text until there are so many times as many; counts follow."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")  # what the copies refer to is copied, too
        connection.execute("SET maintenance_work_mem = '1GB'")
        found = connection.execute(
            "SELECT greatest((SELECT max(id) FROM asset), (SELECT max(id) FROM blob))"
        ).fetchone()
        assert found is not None
        indexes = [index for table in _NEW for index in _plain_indexes(connection, table)]
        for name, _ in indexes:
            connection.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier(name)))
        for table, new in _NEW.items():
            for copy in range(1, times):
                _copy(connection, table, new, found[0], copy)
        for _, definition in indexes:
            connection.execute(sql.SQL(definition))
        for table_name, amounts in (("tally", ("assets", "size_bytes")), ("counter", ("amount", "size_bytes"))):
            changes = sql.SQL(", ").join(sql.SQL(f"{name} = {name} * {times}") for name in amounts)
            connection.execute(sql.SQL("UPDATE {} SET {}").format(sql.Identifier(table_name), changes))
        for name in ("asset", "blob"):
            connection.execute(f"SELECT setval(pg_get_serial_sequence('{name}', 'id'), {found[0] * times + 1})")
        connection.execute("VACUUM ANALYZE")


def _copy(connection: psycopg.Connection, table: Table, new: dict[str, str], rows: int, copy: int) -> None:
    """Of the rows with ids up to `rows`, which are those of the first."""
    columns = [column.name for column in table.columns]
    values = ", ".join(new.get(name, name).format(shift=copy * rows, copy=copy) for name in columns)
    key = next(iter(new))
    connection.execute(f"INSERT INTO {table.name} ({', '.join(columns)}) SELECT {values} FROM {table.name} "
                       f"WHERE {key} <= {rows}")  # fmt: skip


def _plain_indexes(connection: psycopg.Connection, table: Table) -> list[tuple[str, str]]:
    """(name, definition) of those that hold no constraint."""
    query = (
        "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = %s AND NOT EXISTS "
        "(SELECT 1 FROM pg_constraint WHERE conname = indexname) AND indexdef NOT LIKE 'CREATE UNIQUE%%'"
    )
    return connection.execute(query, (table.name,)).fetchall()
