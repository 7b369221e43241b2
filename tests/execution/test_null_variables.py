"""Variables that are null where a value is needed: an error of the request, never of the server."""

from __future__ import annotations

import orjson
import pytest

from contentql.execution.executor import Executor
from contentql.execution.request import GraphQLRequest

NULLS = [
    'query ($x: [ID!] = ["art_701"]) { nodes(ids: $x) { id } }',
    'query ($x: ID = "art_701") { nodes(ids: [$x]) { id } }',
    'query ($x: ID = "art_701") { node(id: $x) { id } }',
    "query ($x: Boolean = true) { articles { totalCount @include(if: $x) } }",
    "query ($x: ArticleOrder = PUBLISHED_AT_DESC) { articles(orderBy: [$x]) { totalCount } }",
    'query ($x: String = "a") { articles(filter: {slug: {in: [$x]}}) { totalCount } }',
    "query ($x: ArticleFilter = {}) { articles(filter: {and: [{not: {or: [$x]}}]}) { totalCount } }",
    'query ($x: ID = "art_1") { ...F } fragment F on Query {...G} fragment G on Query {node(id: $x) {id}}',
    'query ($x: String = "a") { articles(filter: {story: {slug: {notIn: ["b", $x]}}}) { totalCount } }',
    'query ($x: ID = "art_701") { articles { nodes { related(excludeIds: [$x]) { totalCount } } } }',
]


@pytest.mark.parametrize("query", NULLS)
async def test_null_where_a_value_is_needed(demo_executor: Executor, query: str) -> None:
    for _ in range(2):  # planned, and with the plan of the default
        response = await demo_executor.execute(GraphQLRequest(query, None, {"x": None}))
        assert (response.status, response.codes) in [
            (400, ("BAD_USER_INPUT",)),
            (422, ("BAD_USER_INPUT",)),
            (422, ("GRAPHQL_VALIDATION_FAILED",)),
        ], response.body
        default = await demo_executor.execute(GraphQLRequest(query))
        assert default.status in (200, 422), default.body


async def test_the_message_names_variable_and_type(demo_executor: Executor) -> None:
    response = await demo_executor.execute(GraphQLRequest(NULLS[0], None, {"x": None}))
    error = orjson.loads(response.body)["errors"][0]
    assert error["message"] == "Variable '$x' must not be null: it is used where a [ID!]! is needed."
    assert error["locations"] == [{"line": 1, "column": 46}]


async def test_null_where_it_is_allowed(demo_executor: Executor) -> None:
    """A condition with null, and an optional argument."""
    query = "query ($x: Int = 3, $y: ArticleFilter = {}) { articles(first: $x, filter: $y) { totalCount } }"
    response = await demo_executor.execute(GraphQLRequest(query, None, {"x": None, "y": None}))
    assert response.status == 200, response.body
