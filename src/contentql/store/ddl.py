"""What Tortoise's migrations cannot say by themselves: one statement for each dialect, and CHECKs on SQLite.

Used by the migrations only.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from tortoise.fields import JSONField, TextField
from tortoise.migrations.constraints import CheckConstraint
from tortoise.migrations.operations import TortoiseOperation


class DialectSql(TortoiseOperation):
    """Statements in the dialect of the database at hand; `both` runs first on either."""

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
        own = self.postgres if state_editor.client.capabilities.dialect == "postgres" else self.sqlite
        for statement in (*self.both, *own):
            await _run(state_editor, statement)


class EnforceChecks(TortoiseOperation):
    """Puts the models' CHECK constraints on tables. Rows that break one stop the migration.

    PostgreSQL adds them. SQLite cannot, and Tortoise's rebuild of a table forgets its unique constraints,
    so the table is made again from its own text with the checks in it, and its rows are moved there.
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
                    await _run(state_editor, f'ALTER TABLE "{meta.db_table}" ADD {clause}')
            elif not state_editor.collect_sql:
                await _remake(state_editor.client, meta.db_table, clauses)


class UniqueTogether(TortoiseOperation):
    """From now on these are what is unique in a model, and nothing else but its primary key is."""

    reversible = False

    def __init__(self, name: str, *together: tuple[str, ...], plain: Sequence[str] = ()) -> None:
        """`plain`: the fields that were unique by themselves and are no more."""
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
                await _remake(state_editor.client, table, clauses, unique=False)
            return
        await _run(
            state_editor,
            "DO $$ DECLARE c text; BEGIN FOR c IN SELECT conname FROM pg_constraint"
            f" WHERE conrelid = '{table}'::regclass AND contype = 'u' LOOP"
            f" EXECUTE format('ALTER TABLE {table} DROP CONSTRAINT %I', c); END LOOP; END $$",
        )
        for clause in clauses:
            await _run(state_editor, f"ALTER TABLE {table} ADD {clause}")


async def _remake(client: Any, table: str, clauses: Sequence[str], *, unique: bool = True) -> None:
    """SQLite's own recipe. Foreign keys are not enforced meanwhile: the old table's end deletes no row.

    Without `unique`, what was unique so far is no more.
    """
    result = await client.execute_query_dict(
        f"SELECT type, sql FROM sqlite_master WHERE tbl_name = '{table}' AND sql IS NOT NULL"
    )
    text = next(str(one["sql"]) for one in result if one["type"] == "table").rstrip()
    body = text[text.index("(") : text.rindex(")")]
    closing = text[text.rindex(")") :]
    if not unique:
        body = re.sub(r',\s*CONSTRAINT "[^"]*" UNIQUE \([^)]*\)', "", body).replace(
            " NOT NULL UNIQUE", " NOT NULL"
        )
    await client.execute_query(f'CREATE TABLE "{table}_new" {body}, {", ".join(clauses)}{closing}')
    await client.execute_query(f'INSERT INTO "{table}_new" SELECT * FROM "{table}"')
    await client.execute_query(f'DROP TABLE "{table}"')
    await client.execute_query(f'ALTER TABLE "{table}_new" RENAME TO "{table}"')
    for one in result:
        if one["type"] != "table":
            await client.execute_query(one["sql"])


async def _run(state_editor: Any, statement: str) -> None:
    # Not the editor's own runner: it cuts at every semicolon, also inside a trigger.
    if state_editor.collect_sql:
        state_editor.collected_sql.append(statement + ";")
    else:
        await state_editor.client.execute_query(statement)


class ChangeTriggers(TortoiseOperation):
    """Triggers that leave a line in `row_change` for every row of these models that is written.

    The line holds the row before and after, but of texts and JSON only which of them changed. A later
    migration that gives a model another column names the model here again.
    """

    reversible = False

    def __init__(self, *models: str) -> None:
        self.models = models

    def describe(self) -> str:
        return "Journal rows"

    def state_forward(self, app_label: str, state: Any) -> None:
        return None

    async def database_forward(
        self, app_label: str, old_state: Any, new_state: Any, state_editor: Any = None
    ) -> None:
        postgres = state_editor.client.capabilities.dialect == "postgres"
        for name in self.models:
            meta = new_state.apps.get_model(f"{app_label}.{name}")._meta
            columns = meta.fields_db_projection
            long = {c for f, c in columns.items() if isinstance(meta.fields_map[f], TextField | JSONField)}
            short = [c for c in columns.values() if c not in long]
            say = _postgres_triggers if postgres else _sqlite_triggers
            for statement in say(meta.db_table, meta.db_pk_column, short, sorted(long)):
                await _run(state_editor, statement)


# The sequence is given as the transaction commits, under a lock until it has: whoever has read up to a
# number has missed none below it.
POSTGRES_CHANGE_FUNCTION = """
CREATE FUNCTION log_row_change() RETURNS trigger LANGUAGE plpgsql AS $$
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


def _postgres_triggers(table: str, key: str, short: Sequence[str], long: Sequence[str]) -> list[str]:
    listed = "{" + ",".join(long) + "}"
    return [
        f"DROP TRIGGER IF EXISTS {table}_journal ON {table}",
        f"CREATE CONSTRAINT TRIGGER {table}_journal AFTER INSERT OR UPDATE OR DELETE ON {table}"
        f" DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION log_row_change('{key}', '{listed}')",
    ]


def _sqlite_triggers(table: str, key: str, short: Sequence[str], long: Sequence[str]) -> list[str]:
    def row(of: str) -> str:
        pairs = ", ".join(f"'{column}', {of}.{column}" for column in short)
        return f"json_object({pairs})"

    changed_text_columns = " || ".join(f"iif(OLD.{c} IS NOT NEW.{c}, '{c} ', '')" for c in long) or "''"
    differs = " OR ".join(f"OLD.{c} IS NOT NEW.{c}" for c in (*short, *long))

    def trigger(event: str, when: str, text: str, before: str, after: str, value: str) -> list[str]:
        name = f"{table}_journal_{event.lower()}"
        return [
            f"DROP TRIGGER IF EXISTS {name}",
            f"CREATE TRIGGER {name} AFTER {event} ON {table}{when} BEGIN"
            " INSERT INTO row_change (table_name, row_id, before, after, changed_text_columns)"
            f" VALUES ('{table}', {text}.{key}, {before}, {after}, {value}); END",
        ]

    return [
        *trigger("INSERT", "", "NEW", "NULL", row("NEW"), "''"),
        *trigger("UPDATE", f" WHEN {differs}", "NEW", row("OLD"), row("NEW"), changed_text_columns),
        *trigger("DELETE", "", "OLD", row("OLD"), "NULL", "''"),
    ]
