"""Golden cases: a query, its SQL on both databases, and its response.

`pytest tests/planner/test_goldens.py --rewrite-goldens` rewrites them; review the diff.
A first line `# viewer: EDITOR` names the viewer; a last line `# variables: {…}` holds the variables.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from tests.conftest import NOW, Server
from tests.support.graphql_client import codes_by_path, execute_with_graphql_core, query_json
from tests.support.noninterference import make_viewer, mutate_as, preview_viewer

from contentql.app import build_executor
from contentql.auth.permissions import Role
from contentql.auth.viewer import ANONYMOUS_VIEWER, Viewer
from contentql.execution.executor import Executor
from contentql.execution.request import GraphQLRequest
from contentql.settings import Settings
from contentql.store.database import Database

CASES = sorted(Path(__file__).with_name("queries").glob("*.graphql"), key=lambda path: path.stem)
_MARK = "# variables: "
_VIEWER_MARK = "# viewer: "
_SCHEDULED_ARTICLE = 735
VIEWERS: Mapping[str, Viewer] = {
    **{role.value: make_viewer(role) for role in Role},
    "preview link": preview_viewer(_SCHEDULED_ARTICLE),
    "preview link at 2099-01-01": replace(
        preview_viewer(_SCHEDULED_ARTICLE), preview_at=dt.datetime(2099, 1, 1, tzinfo=dt.UTC)
    ),
}


def case_variables(case: Path) -> dict[str, Any]:
    """The variables in the last line of the case."""
    last = case.read_text().rstrip().rpartition("\n")[2]
    payload: dict[str, Any] = orjson.loads(last.removeprefix(_MARK)) if last.startswith(_MARK) else {}
    return payload


def case_viewer(case: Path) -> Viewer:
    """The viewer named in the first line of the case; anonymous by default."""
    first = case.read_text().partition("\n")[0]
    return VIEWERS[first.removeprefix(_VIEWER_MARK)] if first.startswith(_VIEWER_MARK) else ANONYMOUS_VIEWER


@pytest.fixture(scope="module")
async def executor(server: Server) -> AsyncIterator[Executor]:
    """The demo newsroom with rows that only viewers with a token see: a working copy, a draft and a token."""
    url = await server.demo()
    async with Database(url) as database:
        executor = build_executor(Settings(), database)
        executor.now = lambda: NOW
        admin = VIEWERS[Role.ADMIN.value]
        edit = {"id": "art_715", "headline": "Tram line over the estuary to reopen twice"}
        await mutate_as(
            executor, admin, "updateArticle", {**edit, "urgency": 1, "tags": [{"tag": "tag_401"}]}
        )
        draft = {"slug": "draft-of-jane", "headline": "A draft of her own", "category": "cat_119"}
        await mutate_as(executor, VIEWERS[Role.AUTHOR.value], "createArticle", draft)
        await mutate_as(executor, admin, "createToken", {"name": "Archive export", "role": "READER"})
        yield executor
    await server.drop(url)


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.stem)
async def test_planner_writes_the_golden_sql_and_response(
    executor: Executor, case: Path, request: pytest.FixtureRequest
) -> None:
    """Each operation is one SQL statement, and the statement and the response equal the golden files."""
    query, values = case.read_text(), case_variables(case)
    plan, _ = executor.explain(GraphQLRequest(query, None, values), case_viewer(case))
    assert plan.statement is not None
    assert plan.statements == 1
    data = await query_json(executor, query, values, case_viewer(case))
    assert_golden(case.with_suffix(f".{executor.dialect.name}.sql"), plan.statement.sql + "\n", request)
    body = orjson.dumps(data, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode()
    assert_golden(case.with_suffix(".json"), body, request)


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.stem)
async def test_graphql_core_returns_the_same_response(executor: Executor, case: Path) -> None:
    """`schema.execute`, which resolves field by field, returns the data and error codes of the planner."""
    query, values = case.read_text(), case_variables(case)
    assert await execute_with_graphql_core(executor, query, values, case_viewer(case)) == codes_by_path(
        await query_json(executor, query, values, case_viewer(case))
    )


def assert_golden(path: Path, actual: str, request: pytest.FixtureRequest) -> None:
    """Compares the text with the golden file, which `--rewrite-goldens` writes first."""
    if request.config.getoption("--rewrite-goldens"):
        path.write_text(actual)
    assert path.read_text() == actual
