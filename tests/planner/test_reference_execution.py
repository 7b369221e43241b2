"""Planned execution, compared with graphql-core on SQLite and PostgreSQL."""

from __future__ import annotations

import sqlite3
from random import Random
from typing import Any

import pytest
from graphql import parse, validate
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.end_to_end.test_visibility import pool
from tests.support.graphql_client import codes_by_path, execute_with_graphql_core, query_json
from tests.support.random_documents import Pool, RandomDocuments

from contentql.execution.executor import Executor
from contentql.importing.exporter import export_records
from contentql.schema.build import get_schema
from contentql.store.database import Database

pytestmark = pytest.mark.slow

Both = tuple[Executor, Executor]


@pytest.fixture(scope="module")
async def drawn_from(both_executors: Both) -> Pool:
    return pool([record async for record in export_records(Database(both_executors[0].database.url))])


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 1 << 32))
async def test_generated_documents_have_one_answer(both_executors: Both, drawn_from: Pool, seed: int) -> None:
    """Any valid document is answered alike by both databases, planned and unplanned."""
    document = RandomDocuments(get_schema()._schema, drawn_from, Random(seed)).document()
    assert validate(get_schema()._schema, parse(document.text)) == []
    sqlite, postgres = [
        await query_json(answers, document.text, document.variables) for answers in both_executors
    ]
    if _is_too_deep(sqlite):
        return
    assert sqlite == postgres
    if "data" in sqlite:
        for answers in both_executors:
            result = await execute_with_graphql_core(answers, document.text, document.variables)
            assert result == codes_by_path(sqlite)


def _is_too_deep(value: Any) -> bool:
    """Before 3.46 the parser of SQLite has a small stack, and says so with a code."""
    results = [error["extensions"]["code"] for error in value.get("errors", ())]
    return results == ["DEPTH_LIMIT_EXCEEDED"] and sqlite3.sqlite_version_info < (3, 46)
