"""Append-only tables: triggers of the database reject every change of a stored row.

A program with access to the database can drop the triggers; `contentql check` reports that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tortoise.transactions import in_transaction


@dataclass(frozen=True)
class AppendOnlyTable:
    """`keys`: column lists, each unique. `owner`: table and column of a foreign key; a row may be deleted
    with its owner."""

    name: str
    keys: tuple[tuple[str, ...], ...] = (("id",),)
    owner: tuple[str, str] | None = None


APPEND_ONLY_TABLES = (
    AppendOnlyTable("audit_entry"),
    AppendOnlyTable("revision", (("id",), ("article_id", "version")), ("article", "article_id")),
)

_FUNCTION_BODY = """
BEGIN
  IF TG_OP = 'DELETE' AND TG_TABLE_NAME = 'revision' THEN
    IF NOT EXISTS (SELECT 1 FROM article WHERE id = OLD.article_id) THEN RETURN OLD; END IF;
  END IF;
  RAISE EXCEPTION '% is append-only: its rows cannot be changed', TG_TABLE_NAME
    USING ERRCODE = 'integrity_constraint_violation';
END """

# OR REPLACE, because the migration of one table and the repair of another share it.
POSTGRES_APPEND_ONLY_FUNCTION = (
    f"CREATE OR REPLACE FUNCTION append_only() RETURNS trigger LANGUAGE plpgsql AS $${_FUNCTION_BODY}$$"
)


def postgres_append_only_triggers(table: AppendOnlyTable) -> dict[str, str]:
    """The triggers of a table on PostgreSQL: name and statement."""
    name = f"{table.name}_append_only"
    return {
        f"{name}_rows": f"CREATE TRIGGER {name}_rows BEFORE UPDATE OR DELETE ON {table.name}"
        " FOR EACH ROW EXECUTE FUNCTION append_only()",
        f"{name}_truncate": f"CREATE TRIGGER {name}_truncate BEFORE TRUNCATE ON {table.name}"
        " FOR EACH STATEMENT EXECUTE FUNCTION append_only()",
    }


def sqlite_append_only_triggers(table: AppendOnlyTable) -> dict[str, str]:
    """The triggers of a table on SQLite: name and statement.

    INSERT OR REPLACE deletes rows without calling DELETE triggers, so no insert may meet an existing key.
    """
    text = f"SELECT RAISE(ABORT, '{table.name} is append-only: its rows cannot be changed'); END"
    matches = [" AND ".join(f"{column} = NEW.{column}" for column in key) for key in table.keys]
    existing = " OR ".join(f"EXISTS (SELECT 1 FROM {table.name} WHERE {match})" for match in matches)
    deleted = ""
    if table.owner is not None:
        owner, column = table.owner
        deleted = f" WHEN EXISTS (SELECT 1 FROM {owner} WHERE id = OLD.{column})"
    name = f"{table.name}_append_only"
    return {
        f"{name}_insert": f"CREATE TRIGGER {name}_insert BEFORE INSERT ON {table.name} WHEN {existing}"
        f" BEGIN {text}",
        f"{name}_update": f"CREATE TRIGGER {name}_update BEFORE UPDATE ON {table.name} BEGIN {text}",
        f"{name}_delete": f"CREATE TRIGGER {name}_delete BEFORE DELETE ON {table.name}{deleted} BEGIN {text}",
    }


def append_only_statements(dialect: str, tables: Sequence[AppendOnlyTable]) -> list[str]:
    """Statements that create or recreate the triggers of these tables."""
    if dialect == "sqlite":
        return [
            statement
            for table in tables
            for name, trigger in sqlite_append_only_triggers(table).items()
            for statement in (f"DROP TRIGGER IF EXISTS {name}", trigger)
        ]
    return [
        POSTGRES_APPEND_ONLY_FUNCTION,
        *(
            statement
            for table in tables
            for name, trigger in postgres_append_only_triggers(table).items()
            for statement in (f"DROP TRIGGER IF EXISTS {name} ON {table.name}", trigger)
        ),
    ]


async def find_unprotected_tables(connection: Any) -> list[str]:
    """Append-only tables of which a trigger is missing, disabled or changed."""
    if connection.capabilities.dialect == "sqlite":
        rows = await connection.execute_query_dict(
            "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"
        )
        stored = {str(row["name"]): str(row["sql"]) for row in rows}
        return [
            table.name
            for table in APPEND_ONLY_TABLES
            if any(stored.get(name) != sql for name, sql in sqlite_append_only_triggers(table).items())
        ]
    rows = await connection.execute_query_dict(
        "SELECT tgname AS name, relname AS t FROM pg_trigger JOIN pg_class c ON c.oid = tgrelid"
        " JOIN pg_proc p ON p.oid = tgfoid WHERE tgenabled IN ('O', 'A') AND prosrc = $1"
        " AND pg_table_is_visible(c.oid)",
        [_FUNCTION_BODY],
    )
    enabled = {(row["t"], row["name"]) for row in rows}
    return [
        table.name
        for table in APPEND_ONLY_TABLES
        if any((table.name, name) not in enabled for name in postgres_append_only_triggers(table))
    ]


async def repair_append_only_tables(connection: Any) -> list[str]:
    """Recreates the triggers of unprotected tables in a transaction of their own; returns the tables."""
    names = await find_unprotected_tables(connection)
    if names:
        tables = [table for table in APPEND_ONLY_TABLES if table.name in names]
        async with in_transaction(connection.connection_name) as transaction:
            for statement in append_only_statements(connection.capabilities.dialect, tables):
                await transaction.execute_query(statement)
    return names
