"""The schema: the same as the tables in the code, brought about once, and never touched when it is newer."""

import os
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from mediatheque.filing import SearchIn
from mediatheque.records import schema, search
from mediatheque.records.assets import Scope
from mediatheque.records.engine import Database
from mediatheque.records.schema import HEAD, NewerSchema, build, migrate
from mediatheque.records.tables import metadata
from tests.records import rows
from tests.support import Server

MIGRATE = """
import sys
from mediatheque.records.engine import Database
from mediatheque.records.schema import migrate
migrate(Database(sys.argv[1]))
"""


def migrating(url: str, **environment: str) -> "subprocess.Popen[str]":
    return subprocess.Popen([sys.executable, "-c", MIGRATE, url], env=os.environ | environment, stderr=-1, text=True)


def test_the_head_in_the_code_is_the_newest_in_the_folder() -> None:
    folder = ScriptDirectory(str(Path(schema.__file__).parent / "migrations"))
    assert folder.get_current_head() == HEAD


def test_a_fresh_database_has_exactly_the_tables_of_the_code(database: Database) -> None:
    def ours(thing: object, name: str | None, kind: str, reflected: bool, other: object) -> bool:
        by_hand = ("asset_text_index", "asset_seen_index", "artifact_text_index", "vector_index", "ix_vector_index")
        indexes = {"ix_asset_text_all", "ix_asset_text_names", "ix_asset_text_seen", "ix_artifact_text_words"}
        return not str(name).startswith(by_hand) and name not in indexes

    with database.migrating() as connection:
        context = MigrationContext.configure(connection, opts={"include_object": ours, "compare_server_default": True})
        assert compare_metadata(context, metadata) == []


def test_processes_that_start_together_migrate_once(url: str) -> None:
    processes = [migrating(url) for _ in range(4)]
    assert [process.communicate(timeout=60)[1] for process in processes] == [""] * 4
    assert [process.returncode for process in processes] == [0] * 4
    database = Database(url)
    with database.read() as tx:
        assert tx.execute(text("SELECT version_num FROM alembic_version")).scalars().all() == [HEAD]
    database.close()


@pytest.mark.parametrize("place", ["migration.begun", "migration.applied"])
def test_an_interrupted_migration_is_done_again(url: str, place: str, tmp_path: Path) -> None:
    (tmp_path / place).write_text("kill")
    killed = migrating(url, MEDIATHEQUE_FAULTS=str(tmp_path))
    assert killed.wait(60) == -9
    database = Database(url)
    migrate(database)
    with database.read() as tx:
        assert tx.execute(text("SELECT count(*) FROM tenant")).scalar() == 0
    database.close()


def test_texts_that_were_one_are_found_apart(url: str) -> None:
    """Of a library whose schema kept all texts of a file in one (0016)."""
    database = Database(url)
    build(database, "0016")
    with database.write() as tx:
        values = {"it": uuid4().hex}
        tx.execute(text("INSERT INTO tenant (id, uuid, name, created_at) VALUES (1, :it, 'old', 0)"), values)
        scope, (first, second) = Scope(1, "image", True), (rows.asset(tx, 1)[0], rows.asset(tx, 1)[0])
        token = search.row(first, scope, ())["scope"]
        insert = text("INSERT INTO asset_text (asset_id, tenant_id, scope, body) VALUES (:it, 1, :scope, :body)")
        tx.execute(insert, {"it": first, "scope": token,
                            "body": "harbour.jpg\x1fsea\x1da quiet day\x1dticket office\x1da letter"})  # fmt: skip
        tx.execute(insert, {"it": second, "scope": token, "body": "hill.jpg\x1d"})
    migrate(database)
    everywhere = {"harbour": [first], "quiet": [first], "ticket": [first], "letter": [first], ".jpg": [second, first]}
    with database.read() as tx:
        for needle, ids in everywhere.items():
            assert search.find(tx, scope, needle, skip=0, limit=9) == (ids, len(ids)), needle
        for place, there in ((SearchIn.METADATA, ["harbour", "sea"]), (SearchIn.VISIBLE_TEXT, ["ticket"])):
            found = [needle for needle in ("harbour", "sea", "quiet", "ticket", "letter")
                     if tx.execute(search.matching(tx, 1, [token], [needle], place)).all()]  # fmt: skip
            assert found == there
    database.close()


def test_a_newer_schema_is_not_touched(database: Database) -> None:
    with database.write() as tx:
        tx.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(NewerSchema, match=f"has schema 9999; this version knows {HEAD}"):
        migrate(database)


def test_a_newer_schema_is_told_in_one_line(url: str, database: Database, tmp_path: Path) -> None:
    with database.write() as tx:
        tx.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    answer = Server(tmp_path / "data", {"MEDIATHEQUE_DATABASE_URL": url}).command("serve")
    assert answer.returncode == 1
    assert answer.stderr == f"mediatheque: The database has schema 9999; this version knows {HEAD}\n"
