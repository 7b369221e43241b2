"""Change triggers of SQLite, which name every column of their table."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest
from tests.conftest import Server
from typer.testing import CliRunner

from contentql.cli import app
from contentql.store.change_triggers import RecreateTriggers, TriggerMigrationExecutor, logged_models
from contentql.store.database import Database
from contentql.store.errors import sqlite_path

INSERT = (
    "INSERT INTO category (id, slug, path, name, names, sort_name, depth, position)"
    " VALUES (1, 'asia', 'asia', 'Asia', '[]', 'asia', 0, 0)"
)


@pytest.fixture
async def url(sqlite_server: Server) -> str:
    return await sqlite_server.migrated()


@pytest.fixture
def connection(url: str) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(sqlite_path(url), isolation_level=None)) as result:
        yield result


def change_triggers(connection: sqlite3.Connection) -> dict[str, str]:
    """Name and SQL of every change trigger."""
    return dict(
        connection.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND sql LIKE '%INTO row_change%'"
        ).fetchall()
    )


def test_triggers_compare_every_column_of_their_model(connection: sqlite3.Connection) -> None:
    """Only tables of logged models have change triggers."""
    triggers = change_triggers(connection)
    events = ("insert", "update", "delete")
    assert set(triggers) == {
        f"{m._meta.db_table}_journal_{event}" for m in logged_models() for event in events
    }
    for model in logged_models():
        text = triggers[f"{model._meta.db_table}_journal_update"]
        compared = set(re.findall(r"OLD\.(\w+) IS NOT NEW\.\1", text.partition(" BEGIN")[0]))
        assert compared == set(model._meta.fields_db_projection.values())


async def test_migrate_recreates_triggers_for_added_columns(url: str, connection: sqlite3.Connection) -> None:
    """The mismatch is reported, and writes of the new column are logged after `migrate`."""
    before = change_triggers(connection)
    for column in ("rank INT", "note TEXT"):
        connection.execute(f"ALTER TABLE category ADD COLUMN {column}")
    assert await Database(url).stale_trigger_tables() == ["category"]
    await Database(url).migrate()
    assert await Database(url).stale_trigger_tables() == []
    after = change_triggers(connection)
    assert {name for name in after if after[name] != before[name]} == {
        f"category_journal_{event}" for event in ("insert", "update", "delete")
    }
    connection.execute(INSERT)
    connection.execute("DELETE FROM row_change")
    connection.execute("UPDATE category SET rank = 4")
    connection.execute("UPDATE category SET note = 'x'")
    connection.execute("UPDATE category SET note = 'x'")
    rows = connection.execute(
        "SELECT table_name, row_id, before ->> 'rank', after ->> 'rank', changed_text_columns FROM row_change"
    ).fetchall()
    assert [(*row[:4], row[4].strip()) for row in rows] == [
        ("category", 1, None, 4, ""),
        ("category", 1, 4, 4, "note"),
    ]


async def test_migrate_keeps_matching_triggers(url: str, connection: sqlite3.Connection) -> None:
    """The schema version of SQLite does not change."""
    version = connection.execute("PRAGMA schema_version").fetchone()
    await Database(url).migrate()
    assert connection.execute("PRAGMA schema_version").fetchone() == version


async def test_migrate_recreates_missing_triggers(url: str, connection: sqlite3.Connection) -> None:
    before = change_triggers(connection)
    connection.execute("DROP TRIGGER article_journal_delete")
    assert await Database(url).stale_trigger_tables() == ["article"]
    await Database(url).migrate()
    assert change_triggers(connection) == before


async def test_last_pending_migration_recreates_the_triggers(sqlite_server: Server) -> None:
    """In its transaction, so that no crash leaves a migrated database with old triggers."""
    database = Database(await sqlite_server.empty())
    sqlite_path(database.url).touch()
    async with database.orm(foreign_keys=False) as connection:
        from contentql.store.database import _tortoise_apps

        steps = await TriggerMigrationExecutor(connection, _tortoise_apps(connection.connection_name)).plan()
    recreates = [[isinstance(o, RecreateTriggers) for o in step.migration.operations] for step in steps]
    assert [sum(flags) for flags in recreates] == [0] * (len(steps) - 1) + [1]
    assert recreates[-1][-1] is True
    assert steps[-1].migration.atomic is True


def test_check_command_reports_mismatching_triggers(url: str, connection: sqlite3.Connection) -> None:
    connection.execute("ALTER TABLE tag ADD COLUMN mood TEXT")
    outcome = CliRunner().invoke(app, ["check", "--database", url])
    assert outcome.exit_code == 1
    assert "do not match the columns of: tag." in outcome.output
    assert CliRunner().invoke(app, ["migrate", "--database", url]).exit_code == 0
    assert CliRunner().invoke(app, ["check", "--database", url]).exit_code == 0
