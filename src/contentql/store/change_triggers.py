"""Change triggers, which add a row to `row_change`, the change log, for every write to a content table.

PostgreSQL's trigger function reads whole rows. SQLite's triggers name each column, so they are compared with
the columns that the tables have, and recreated after every migration.

A transaction that inserts many articles can leave their rows out of the log, and logs instead that any row
may have changed: see `unlogged_inserts`. Updates and deletes are always logged.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Sequence
from typing import Any

from tortoise.fields import JSONField, TextField
from tortoise.migrations.executor import MigrationExecutor, PlanStep
from tortoise.migrations.operations import TortoiseOperation
from tortoise.models import Model
from tortoise.transactions import in_transaction

from contentql.store.models import CONTENT_MODULES, models_of

# The table is empty whenever no transaction has begun: a row in it is deleted before the commit.
CREATE_BULK_WRITE = "CREATE TABLE IF NOT EXISTS bulk_write (id INTEGER PRIMARY KEY CHECK (id = 1))"
_SQLITE_LOGGED = "NOT EXISTS (SELECT 1 FROM bulk_write)"
_POSTGRES_SETTING = "contentql.bulk_write"
_POSTGRES_LOGGED = f"current_setting('{_POSTGRES_SETTING}', true) IS DISTINCT FROM 'on'"


@contextlib.asynccontextmanager
async def unlogged_inserts(connection: Any) -> AsyncIterator[None]:
    """Within the block, inserts of the connection's open transaction are not logged.

    Other connections are not affected. The block must log what it has changed in another way. The state ends
    with the block, and with the transaction if the block raises.
    """
    postgres = connection.capabilities.dialect == "postgres"
    begin, end = (
        (f"SET LOCAL {_POSTGRES_SETTING} = 'on'", f"SET LOCAL {_POSTGRES_SETTING} = 'off'")
        if postgres
        else ("INSERT INTO bulk_write (id) VALUES (1)", "DELETE FROM bulk_write")
    )
    await connection.execute_query(begin)
    try:
        yield
    except BaseException:
        # A failed statement has ended the transaction on PostgreSQL, and with it the setting.
        if not postgres:
            await connection.execute_query(end)
        raise
    await connection.execute_query(end)


def logged_models() -> list[type[Model]]:
    """The models that responses depend on, whose writes are logged."""
    return list(models_of(CONTENT_MODULES))


async def find_stale_triggers(connection: Any) -> list[str]:
    """Tables of a SQLite database whose change triggers are missing or differ from the table's columns."""
    stored = {
        str(row["name"]): str(row["sql"])
        for row in await connection.execute_query_dict(
            "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"
        )
    }
    stale = []
    for model in logged_models():
        table = str(model._meta.db_table)
        statements = await _current_triggers(connection, model)
        expected = {text.split()[2]: text for text in statements if text.startswith("CREATE")}
        if any(stored.get(name) != text for name, text in expected.items()):
            stale.append(table)
    return stale


async def recreate_stale_triggers(connection: Any) -> list[str]:
    """Recreates the change triggers that differ from their table's columns; returns the tables' names.

    Expects an open transaction on `connection`. Does nothing on PostgreSQL, or when all triggers match.
    """
    if connection.capabilities.dialect != "sqlite":
        return []
    stale = await find_stale_triggers(connection)
    if stale:
        await connection.execute_query(CREATE_BULK_WRITE)
    for model in logged_models():
        if model._meta.db_table in stale:
            for statement in await _current_triggers(connection, model):
                await connection.execute_query(statement)
    return stale


async def repair_triggers(connection: Any) -> list[str]:
    """Recreates stale change triggers in one transaction of their own; returns the tables' names."""
    if connection.capabilities.dialect != "sqlite" or not await find_stale_triggers(connection):
        return []
    async with in_transaction(connection.connection_name) as transaction:
        return await recreate_stale_triggers(transaction)


async def _current_triggers(connection: Any, model: type[Model]) -> list[str]:
    meta = model._meta
    columns = await connection.execute_query_dict(
        "SELECT name, type FROM pragma_table_info(?) ORDER BY cid", [meta.db_table]
    )
    fields = {column: meta.fields_map[name] for name, column in meta.fields_db_projection.items()}
    value_columns: list[str] = []
    text_columns: list[str] = []
    for column in columns:
        field = fields.get(column["name"])
        # A column that no model describes is classified by its declared type.
        is_text = (
            isinstance(field, TextField | JSONField)
            if field is not None
            else column["type"].upper() in ("TEXT", "JSON")
        )
        (text_columns if is_text else value_columns).append(str(column["name"]))
    return sqlite_triggers(str(meta.db_table), meta.db_pk_column, value_columns, sorted(text_columns))


class RecreateTriggers(TortoiseOperation):
    """Recreates SQLite's change triggers from the columns that the tables have."""

    reversible = False

    def describe(self) -> str:
        return "Recreate change triggers"

    def state_forward(self, app_label: str, state: Any) -> None:
        return None

    async def database_forward(
        self, app_label: str, old_state: Any, new_state: Any, state_editor: Any = None
    ) -> None:
        if not state_editor.collect_sql:
            await recreate_stale_triggers(state_editor.client)


class TriggerMigrationExecutor(MigrationExecutor):
    """Migration executor that recreates the change triggers in the transaction of the last migration.

    In that transaction, because a crash between the two would leave a migrated database whose writes are
    not logged, and nothing pending to show it.
    """

    # Tortoise has no public hook here: `migrate` and `plan` both take their steps from this method.
    def _migration_plan(self, *arguments: Any) -> list[PlanStep]:
        steps = super()._migration_plan(*arguments)
        if steps and not steps[-1].backward:
            steps[-1].migration.operations.append(RecreateTriggers())
        return steps


# `seq` is assigned while the transaction commits, under a lock that is held until it has committed. So a
# reader that has read a number has also read all lower ones. Times are logged in UTC: in the zone of a
# session the first ones may be of the year before 1, and the last ones of the year 10000.
POSTGRES_CHANGE_FUNCTION = """
CREATE FUNCTION log_row_change() RETURNS trigger LANGUAGE plpgsql SET timezone TO 'UTC' AS $$
DECLARE
  was jsonb := CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END;
  now jsonb := CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) END;
  long text[] := TG_ARGV[1]::text[];
  changed_text_columns text[] := '{}';
BEGIN
  IF TG_OP = 'UPDATE' THEN
    IF was = now THEN RETURN NULL; END IF;
    SELECT coalesce(array_agg(c), '{}') INTO changed_text_columns FROM unnest(long) c
    WHERE was -> c IS DISTINCT FROM now -> c;
  END IF;
  PERFORM pg_advisory_xact_lock(4711, 1);
  INSERT INTO row_change (table_name, row_id, before, after, changed_text_columns)
  VALUES (TG_TABLE_NAME, (coalesce(now, was) ->> TG_ARGV[0])::bigint, (was - long)::text, (now - long)::text,
          array_to_string(changed_text_columns, ' '));
  NOTIFY contentql_row_change;
  RETURN NULL;
END $$"""


def postgres_triggers(
    table: str, key: str, value_columns: Sequence[str], text_columns: Sequence[str]
) -> list[str]:
    """Statements that recreate the two change triggers of a table on PostgreSQL."""
    array = "{" + ",".join(text_columns) + "}"
    trigger = (
        "CREATE CONSTRAINT TRIGGER {name} AFTER {events} ON {table} DEFERRABLE INITIALLY DEFERRED"
        " FOR EACH ROW {condition}EXECUTE FUNCTION log_row_change('{key}', '{array}')"
    )
    return [
        statement
        for name, events, condition in (
            (f"{table}_journal", "UPDATE OR DELETE", ""),
            (f"{table}_journal_insert", "INSERT", f"WHEN ({_POSTGRES_LOGGED}) "),
        )
        for statement in (
            f"DROP TRIGGER IF EXISTS {name} ON {table}",
            trigger.format(name=name, events=events, table=table, condition=condition, key=key, array=array),
        )
    ]


def sqlite_triggers(
    table: str, key: str, value_columns: Sequence[str], text_columns: Sequence[str]
) -> list[str]:
    """Statements that recreate the three change triggers of a table on SQLite.

    `value_columns`: columns whose values are logged; `text_columns`: text and JSON columns, of which only the
    names are logged.
    """

    def json_of(alias: str) -> str:
        pairs = ", ".join(f"'{column}', {alias}.{column}" for column in value_columns)
        return f"json_object({pairs})"

    changed_text_columns = (
        " || ".join(f"iif(OLD.{c} IS NOT NEW.{c}, '{c} ', '')" for c in text_columns) or "''"
    )
    differs = " OR ".join(f"OLD.{c} IS NOT NEW.{c}" for c in (*value_columns, *text_columns))

    def trigger(
        event: str, condition: str, alias: str, before: str, after: str, changed_text: str
    ) -> list[str]:
        name = f"{table}_journal_{event.lower()}"
        return [
            f"DROP TRIGGER IF EXISTS {name}",
            f"CREATE TRIGGER {name} AFTER {event} ON {table}{condition} BEGIN"
            " INSERT INTO row_change (table_name, row_id, before, after, changed_text_columns)"
            f" VALUES ('{table}', {alias}.{key}, {before}, {after}, {changed_text}); END",
        ]

    return [
        *trigger("INSERT", f" WHEN {_SQLITE_LOGGED}", "NEW", "NULL", json_of("NEW"), "''"),
        *trigger("UPDATE", f" WHEN {differs}", "NEW", json_of("OLD"), json_of("NEW"), changed_text_columns),
        *trigger("DELETE", "", "OLD", json_of("OLD"), "NULL", "''"),
    ]
