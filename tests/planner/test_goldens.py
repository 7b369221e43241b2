"""Golden cases: a query, the SQL it becomes on either database, and the one answer it has.

`pytest tests/planner/test_goldens.py --rewrite-goldens` writes them anew; whoever does so reads the diff.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest
from tests.support.graphql_client import codes_by_path, execute_with_graphql_core, query_json

from contentql.execution.executor import Executor
from contentql.execution.request import GraphQLRequest

CASES = sorted(Path(__file__).with_name("queries").glob("*.graphql"), key=lambda path: path.stem)
_MARK = "# variables: "


def variables(case: Path) -> dict[str, Any]:
    last = case.read_text().rstrip().rpartition("\n")[2]
    payload: dict[str, Any] = orjson.loads(last.removeprefix(_MARK)) if last.startswith(_MARK) else {}
    return payload


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.stem)
async def test_a_query_has_its_sql_and_its_answer(
    demo_executor: Executor, case: Path, request: pytest.FixtureRequest
) -> None:
    """The planner writes the same single statement and the same answer every time."""
    query, values = case.read_text(), variables(case)
    plan, _ = demo_executor.explain(GraphQLRequest(query, None, values))
    assert plan.statement is not None
    assert plan.statements == 1
    data = await query_json(demo_executor, query, values)
    golden(case.with_suffix(f".{demo_executor.dialect.name}.sql"), plan.statement.sql + "\n", request)
    answer = orjson.dumps(data, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode()
    golden(case.with_suffix(".json"), answer, request)


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.stem)
async def test_graphql_core_gives_the_same_answer(demo_executor: Executor, case: Path) -> None:
    """`schema.execute`, which resolves field by field, agrees with the bytes of the planner."""
    query, values = case.read_text(), variables(case)
    assert await execute_with_graphql_core(demo_executor, query, values) == codes_by_path(
        await query_json(demo_executor, query, values)
    )


def golden(path: Path, actual: str, request: pytest.FixtureRequest) -> None:
    if request.config.getoption("--rewrite-goldens"):
        path.write_text(actual)
    assert path.read_text() == actual
