"""Names, and what can be read in a picture, can be searched by themselves."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    bind = op.get_bind()
    is_sqlite = bind.dialect.name == "sqlite"
    if is_sqlite:
        driver: Any = bind.connection.driver_connection
        driver.create_function("split_part", 3, _split_part, deterministic=True)
    for statement in SQLITE_BEFORE if is_sqlite else POSTGRESQL_BEFORE:
        op.execute(statement)
    for name in ("names", "seen"):
        op.add_column("asset_text", sa.Column(name, sa.Text(), server_default=sa.text("''"), nullable=False))
    op.execute(SPLIT)
    for statement in SQLITE_AFTER if is_sqlite else POSTGRESQL_AFTER:
        op.execute(statement)


def _split_part(text: str, separator: str, number: int) -> str:
    """PostgreSQL's function of that name."""
    parts = text.split(separator)
    return parts[number - 1] if number <= len(parts) else ""


SPLIT = (
    "UPDATE asset_text SET names = split_part(body, '\x1d', 1), seen = split_part(body, '\x1d', 3), "
    "body = split_part(body, '\x1d', 2) || '\x1f' || split_part(body, '\x1d', 4)"
)

SQLITE_BEFORE = (
    "DROP TRIGGER asset_text_inserted",
    "DROP TRIGGER asset_text_deleted",
    "DROP TRIGGER asset_text_changed",
    "DROP TABLE asset_text_index",
)

POSTGRESQL_BEFORE = ("DROP INDEX ix_asset_text_body",)

SQLITE_AFTER = (
    "CREATE VIRTUAL TABLE asset_text_index USING fts5(scope, names, seen, body, content='asset_text', "
    "content_rowid='asset_id', tokenize='trigram case_sensitive 1')",
    "CREATE VIRTUAL TABLE asset_seen_index USING fts5(scope, seen, content='asset_text', "
    "content_rowid='asset_id', tokenize='trigram case_sensitive 1')",
    "INSERT INTO asset_text_index(asset_text_index) VALUES ('rebuild')",
    "INSERT INTO asset_seen_index(rowid, scope, seen) SELECT asset_id, scope, seen FROM asset_text WHERE seen <> ''",
    "CREATE TRIGGER asset_text_inserted AFTER INSERT ON asset_text BEGIN "
    "INSERT INTO asset_text_index(rowid, scope, names, seen, body) "
    "VALUES (new.asset_id, new.scope, new.names, new.seen, new.body); END",
    "CREATE TRIGGER asset_text_deleted AFTER DELETE ON asset_text BEGIN "
    "INSERT INTO asset_text_index(asset_text_index, rowid, scope, names, seen, body) "
    "VALUES ('delete', old.asset_id, old.scope, old.names, old.seen, old.body); END",
    "CREATE TRIGGER asset_text_changed AFTER UPDATE ON asset_text BEGIN "
    "INSERT INTO asset_text_index(asset_text_index, rowid, scope, names, seen, body) "
    "VALUES ('delete', old.asset_id, old.scope, old.names, old.seen, old.body); "
    "INSERT INTO asset_text_index(rowid, scope, names, seen, body) "
    "VALUES (new.asset_id, new.scope, new.names, new.seen, new.body); END",
    "CREATE TRIGGER asset_seen_inserted AFTER INSERT ON asset_text WHEN new.seen <> '' BEGIN "
    "INSERT INTO asset_seen_index(rowid, scope, seen) VALUES (new.asset_id, new.scope, new.seen); END",
    "CREATE TRIGGER asset_seen_deleted AFTER DELETE ON asset_text WHEN old.seen <> '' BEGIN "
    "INSERT INTO asset_seen_index(asset_seen_index, rowid, scope, seen) "
    "VALUES ('delete', old.asset_id, old.scope, old.seen); END",
    "CREATE TRIGGER asset_seen_changed AFTER UPDATE ON asset_text WHEN old.seen <> '' OR new.seen <> '' BEGIN "
    "INSERT INTO asset_seen_index(asset_seen_index, rowid, scope, seen) "
    "SELECT 'delete', old.asset_id, old.scope, old.seen WHERE old.seen <> ''; "
    "INSERT INTO asset_seen_index(rowid, scope, seen) "
    "SELECT new.asset_id, new.scope, new.seen WHERE new.seen <> ''; END",
)

POSTGRESQL_AFTER = (
    "CREATE INDEX ix_asset_text_all ON asset_text "
    "USING gin (scope, (names || '\x1f' || seen || '\x1f' || body) gin_trgm_ops)",
    "CREATE INDEX ix_asset_text_names ON asset_text USING gin (scope, names gin_trgm_ops)",
    "CREATE INDEX ix_asset_text_seen ON asset_text USING gin (scope, seen gin_trgm_ops)",
)
