"""SQL dialects of the supported databases."""

from __future__ import annotations

from contentql.planner.sql.nodes import Dialect
from contentql.planner.sql.postgres import PostgresDialect
from contentql.planner.sql.sqlite import SqliteDialect
from contentql.store.database import Database


def dialect_for(database: Database) -> Dialect:
    return PostgresDialect() if database.dialect == "postgres" else SqliteDialect()
