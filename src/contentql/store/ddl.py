"""What Tortoise's migrations cannot say by themselves: one statement for each dialect, and CHECKs on SQLite.

Used by the migrations only.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tortoise.migrations.constraints import CheckConstraint
from tortoise.migrations.operations import TortoiseOperation


class ForDialect(TortoiseOperation):
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
    """Puts the models' CHECK constraints on tables that were just made and are still empty.

    PostgreSQL adds them. SQLite cannot, and Tortoise's rebuild of a table forgets its unique constraints,
    so the empty table is made again from its own text with the checks in it.
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
                await _remake_empty(state_editor.client, meta.db_table, clauses)


async def _remake_empty(client: Any, table: str, clauses: Sequence[str]) -> None:
    rows = await client.execute_query_dict(
        f"SELECT sql, (SELECT count(*) FROM \"{table}\") AS n FROM sqlite_master WHERE name = '{table}'"
    )
    if rows[0]["n"]:
        raise RuntimeError(f"table {table} holds rows: checks can be added on SQLite only while it is empty")
    text = str(rows[0]["sql"]).rstrip()
    head, closing = text[: text.rindex(")")], text[text.rindex(")") :]
    await client.execute_query(f'DROP TABLE "{table}"')
    await client.execute_query(f"{head}, {', '.join(clauses)}{closing}")


async def _run(state_editor: Any, statement: str) -> None:
    # Not the editor's own runner: it cuts at every semicolon, also inside a trigger.
    if state_editor.collect_sql:
        state_editor.collected_sql.append(statement + ";")
    else:
        await state_editor.client.execute_query(statement)
