"""Which dialect a database speaks."""

from __future__ import annotations

from contentql.planner.sql.nodes import Dialect
from contentql.planner.sql.postgres import Postgres
from contentql.planner.sql.sqlite import Sqlite
from contentql.store.database import Database


def dialect_of(database: Database) -> Dialect:
    return Postgres() if database.dialect == "postgres" else Sqlite()
