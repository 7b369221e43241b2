"""Migration operations that Tortoise lacks: SQL per dialect, CHECKs on SQLite, triggers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from tortoise.fields import JSONField, TextField
from tortoise.migrations.constraints import CheckConstraint
from tortoise.migrations.operations import TortoiseOperation

from contentql.store.append_only import APPEND_ONLY_TABLES, append_only_statements
from contentql.store.change_triggers import CREATE_BULK_WRITE, postgres_triggers, sqlite_triggers


class DialectSql(TortoiseOperation):
    """Migration operation that runs SQL statements: `both` first, then those of the database's dialect."""

    reversible = False

    def __init__(
        self, *, both: Sequence[str] = (), postgres: Sequence[str] = (), sqlite: Sequence[str] = ()
    ) -> None:
        self.both, self.postgres, self.sqlite = both, postgres, sqlite

    def describe(self) -> str:
        return "Statements for this dialect"

    def state_forward(self, app_label: str, state: Any) -> None:
        return None

    async def database_forward(
        self, app_label: str, old_state: Any, new_state: Any, state_editor: Any = None
    ) -> None:
        statements = self.postgres if state_editor.client.capabilities.dialect == "postgres" else self.sqlite
        for statement in (*self.both, *statements):
            await _run_statement(state_editor, statement)


class EnforceChecks(TortoiseOperation):
    """Migration operation that adds the models' CHECK constraints. Rows that violate one stop the migration.

    PostgreSQL adds them with ALTER TABLE. SQLite cannot, and Tortoise's rebuild of a table loses its unique
    constraints, so the table is rebuilt from its own CREATE TABLE text with the checks added.
    """

    reversible = False

    def __init__(self, *models: str) -> None:
        self.models = models

    def describe(self) -> str:
        return "Enforce checks"

    def state_forward(self, app_label: str, state: Any) -> None:
        return None

    async def database_forward(
        self, app_label: str, old_state: Any, new_state: Any, state_editor: Any = None
    ) -> None:
        for name in self.models:
            meta = new_state.apps.get_model(f"{app_label}.{name}")._meta
            checks = [c for c in meta.constraints or () if isinstance(c, CheckConstraint)]
            clauses = [f'CONSTRAINT "{meta.db_table}_{c.name}" CHECK ({c.check})' for c in checks]
            if state_editor.client.capabilities.dialect == "postgres":
                for clause in clauses:
                    await _run_statement(state_editor, f'ALTER TABLE "{meta.db_table}" ADD {clause}')
            elif not state_editor.collect_sql:
                await _rebuild_table(state_editor.client, meta.db_table, clauses)


class UniqueTogether(TortoiseOperation):
    """Migration operation that replaces all unique constraints of a model except its primary key."""

    reversible = False

    def __init__(self, name: str, *together: tuple[str, ...], plain: Sequence[str] = ()) -> None:
        """`plain`: fields that were declared unique on their own and no longer are."""
        self.name, self.together, self.plain = name, together, plain

    def describe(self) -> str:
        return f"Unique together in {self.name}"

    def state_forward(self, app_label: str, state: Any) -> None:
        model = self.get_model_state(state, app_label, self.name)
        model.options["unique_together"] = self.together
        for name in self.plain:
            model.fields[name].unique = False
        state.reload_model(app_label, self.name)

    async def database_forward(
        self, app_label: str, old_state: Any, new_state: Any, state_editor: Any = None
    ) -> None:
        table = new_state.apps.get_model(f"{app_label}.{self.name}")._meta.db_table
        clauses = [
            f'CONSTRAINT "uid_{table}_{"_".join(columns)}" UNIQUE ({", ".join(columns)})'
            for columns in self.together
        ]
        if state_editor.client.capabilities.dialect != "postgres":
            if not state_editor.collect_sql:
                await _rebuild_table(state_editor.client, table, clauses, unique=False)
            return
        await _run_statement(
            state_editor,
            "DO $$ DECLARE c text; BEGIN FOR c IN SELECT conname FROM pg_constraint"
            f" WHERE conrelid = '{table}'::regclass AND contype = 'u' LOOP"
            f" EXECUTE format('ALTER TABLE {table} DROP CONSTRAINT %I', c); END LOOP; END $$",
        )
        for clause in clauses:
            await _run_statement(state_editor, f"ALTER TABLE {table} ADD {clause}")


async def _rebuild_table(client: Any, table: str, clauses: Sequence[str], *, unique: bool = True) -> None:
    """Rebuilds a SQLite table with more constraints: create, copy, drop, rename.

    See https://www.sqlite.org/lang_altertable.html#otheralter. Foreign keys must not be enforced, so that
    dropping the old table deletes no rows of others. With `unique=False` the present unique constraints are
    dropped.
    """
    schema_objects = await client.execute_query_dict(
        f"SELECT type, sql FROM sqlite_master WHERE tbl_name = '{table}' AND sql IS NOT NULL"
    )
    text = next(
        str(schema_object["sql"]) for schema_object in schema_objects if schema_object["type"] == "table"
    ).rstrip()
    body = text[text.index("(") : text.rindex(")")]
    options = text[text.rindex(")") :]
    if not unique:
        body = re.sub(r',\s*CONSTRAINT "[^"]*" UNIQUE \([^)]*\)', "", body).replace(
            " NOT NULL UNIQUE", " NOT NULL"
        )
    await client.execute_query(f'CREATE TABLE "{table}_new" {body}, {", ".join(clauses)}{options}')
    await client.execute_query(f'INSERT INTO "{table}_new" SELECT * FROM "{table}"')
    await client.execute_query(f'DROP TABLE "{table}"')
    await client.execute_query(f'ALTER TABLE "{table}_new" RENAME TO "{table}"')
    for schema_object in schema_objects:
        if schema_object["type"] != "table":
            await client.execute_query(schema_object["sql"])


async def _run_statement(state_editor: Any, statement: str) -> None:
    # The schema editor's own method would split the statement at every semicolon, even inside a trigger.
    if state_editor.collect_sql:
        state_editor.collected_sql.append(statement + ";")
    else:
        await state_editor.client.execute_query(statement)


class AppendOnly(TortoiseOperation):
    """Migration operation that creates the triggers of append-only tables; see `append_only`."""

    reversible = False

    def __init__(self, *tables: str) -> None:
        self.tables = [table for table in APPEND_ONLY_TABLES if table.name in tables]

    def describe(self) -> str:
        return "Append-only tables"

    def state_forward(self, app_label: str, state: Any) -> None:
        return None

    async def database_forward(
        self, app_label: str, old_state: Any, new_state: Any, state_editor: Any = None
    ) -> None:
        for statement in append_only_statements(state_editor.client.capabilities.dialect, self.tables):
            await _run_statement(state_editor, statement)


class ChangeTriggers(TortoiseOperation):
    """Migration operation that creates the change triggers of these models; see `change_triggers`.

    The change log has the values before and after, but of text and JSON columns only the names of the changed
    ones. On SQLite `Database.migrate` recreates the triggers after the last migration, from the columns that
    exist then.
    """

    reversible = False

    def __init__(self, *models: str) -> None:
        self.models = models

    def describe(self) -> str:
        return "Create change triggers"

    def state_forward(self, app_label: str, state: Any) -> None:
        return None

    async def database_forward(
        self, app_label: str, old_state: Any, new_state: Any, state_editor: Any = None
    ) -> None:
        postgres = state_editor.client.capabilities.dialect == "postgres"
        if not postgres:
            await _run_statement(state_editor, CREATE_BULK_WRITE)
        for name in self.models:
            meta = new_state.apps.get_model(f"{app_label}.{name}")._meta
            columns = meta.fields_db_projection
            text_columns = {
                column
                for field_name, column in columns.items()
                if isinstance(meta.fields_map[field_name], TextField | JSONField)
            }
            value_columns = [column for column in columns.values() if column not in text_columns]
            build = postgres_triggers if postgres else sqlite_triggers
            for statement in build(meta.db_table, meta.db_pk_column, value_columns, sorted(text_columns)):
                await _run_statement(state_editor, statement)
