"""The schema: the same as the tables in the code, brought about once, and never touched when it is newer."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from mediatheque.records import schema
from mediatheque.records.engine import Database
from mediatheque.records.schema import HEAD, NewerSchema, migrate
from mediatheque.records.tables import metadata
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
        by_hand = ("asset_text_index", "artifact_text_index", "vector_index", "ix_vector_index")
        return not str(name).startswith(by_hand) and name not in {"ix_asset_text_body", "ix_artifact_text_words"}

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
