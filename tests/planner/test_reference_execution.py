"""Planned execution, compared with graphql-core on SQLite and PostgreSQL."""

from __future__ import annotations

import re
import sqlite3
from random import Random
from typing import Any

import orjson
import pytest
from graphql import parse, validate
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.end_to_end.test_visibility import make_pool
from tests.support.graphql_client import codes_by_path, execute_with_graphql_core, query_json
from tests.support.random_documents import Pool, RandomDocuments

from contentql.execution.executor import Executor
from contentql.importing.exporter import export_records
from contentql.schema.build import get_schema
from contentql.store.database import Database

pytestmark = pytest.mark.slow

BothExecutors = tuple[Executor, Executor]


@pytest.fixture(scope="module")
async def content_pool(both_executors: BothExecutors) -> Pool:
    """The values of the demo newsroom that generated documents refer to."""
    return make_pool([record async for record in export_records(Database(both_executors[0].database.url))])


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 1 << 32))
async def test_generated_documents_return_equal_responses_on_both_databases(
    both_executors: BothExecutors, content_pool: Pool, seed: int
) -> None:
    """Any valid document has one response, from SQLite and PostgreSQL, planned and through graphql-core.

    Variables are absent, null or have defaults where their types permit it; none is a server error.
    graphql-core reports an error at its root field, and of several perhaps another one.
    """
    document = RandomDocuments(get_schema()._schema, content_pool, Random(seed), unset=0.2).document()
    assert validate(get_schema()._schema, parse(document.text)) == []
    sqlite, postgres = [
        await query_json(executor, document.text, document.variables) for executor in both_executors
    ]
    if _is_too_deep(sqlite):
        return
    assert _without_tokens(sqlite) == _without_tokens(postgres)
    assert "INTERNAL_SERVER_ERROR" not in [code for _, code in codes_by_path(sqlite).get("errors", ())]
    if "data" in sqlite:
        for executor in both_executors:
            result = await execute_with_graphql_core(executor, document.text, document.variables)
            assert _without_tokens(_failed_roots(result)) == _without_tokens(
                _failed_roots(codes_by_path(sqlite))
            )


def _without_tokens(result: Any) -> Any:
    """The result without the sync tokens, which are those of one database."""
    return orjson.loads(re.sub(rb"cql[ld]_[\w-]{104}", b"", orjson.dumps(result)))


def _failed_roots(result: dict[str, Any]) -> Any:
    return result["data"], [path and path[0] for path, _ in result.get("errors", ())]


def _is_too_deep(response: Any) -> bool:
    """Whether the statement is too deep for the parser stack of SQLite before 3.46."""
    codes = [error["extensions"]["code"] for error in response.get("errors", ())]
    return codes == ["DEPTH_LIMIT_EXCEEDED"] and sqlite3.sqlite_version_info < (3, 46)
