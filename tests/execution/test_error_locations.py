"""Path and locations of errors: of the field that has the invalid argument."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from contentql.execution.executor import Executor
from contentql.execution.request import GraphQLRequest

# A query with an invalid argument at `^`, and the path of its field.
INVALID: list[tuple[str, list[str | int]]] = [
    ("{ ^articles(first: 200) { totalCount } }", ["articles"]),
    ("{ ^x: articles(first: -1) { totalCount } }", ["x"]),
    ("{ ^articles(last: 101) { nodes { id } } }", ["articles"]),
    ('{ ^articles(after: "zzz") { nodes { id } } }', ["articles"]),
    ('{ ^articles(filter: {publishedAt: {gte: "soon"}}) { totalCount } }', ["articles"]),
    ('{ ^articles(filter: {and: [{id: {in: ["art_1", "x"]}}]}) { totalCount } }', ["articles"]),
    ('{ ^articles(filter: {inLanguages: ["english"]}) { totalCount } }', ["articles"]),
    ('{ ^article(id: "x") { id } }', ["article"]),
    ('{ ^node(id: "x") { id } }', ["node"]),
    ("{ articles { nodes { ^tags(first: 200) { slug } } } }", ["articles", "nodes", "tags"]),
    (
        "{ articles { edges { node { ...F } } } }"
        " fragment F on Article { ...on Article { ^t: tags(first: 999) { id } } }",
        ["articles", "edges", "node", "t"],
    ),
    (
        '{ articles { nodes { category { ^articles(filter: {id: {eq: "x"}}) { totalCount } } } } }',
        ["articles", "nodes", "category", "articles"],
    ),
    ('{ ^latestNews(excludeIds: ["art_1", "x"]) { nodes { id } } }', ["latestNews"]),
]


@pytest.mark.parametrize(("query", "path"), INVALID)
async def test_errors_have_path_and_locations(
    demo_executor: Executor, query: str, path: list[str | int]
) -> None:
    column = query.index("^") + 1
    for _ in range(2):  # planned, and with the cached plan
        response = await demo_executor.execute(GraphQLRequest(query.replace("^", "")))
        (error,) = orjson.loads(response.body)["errors"]
        assert error["path"] == path
        assert error["locations"] == [{"line": 1, "column": column}]


async def test_errors_of_variables_have_the_path_of_their_field(demo_executor: Executor) -> None:
    query = "query ($n: Int) {\n  categories {\n    nodes { articles(first: $n) { totalCount } }\n  }\n}"
    response = await demo_executor.execute(GraphQLRequest(query, None, {"n": 1_000}))
    (error,) = orjson.loads(response.body)["errors"]
    assert error["path"] == ["categories", "nodes", "articles"]
    assert error["locations"] == [{"line": 3, "column": 13}]


async def test_fields_merged_from_two_places_have_two_locations(demo_executor: Executor) -> None:
    query = '{ node(id: "x") { id } ...F } fragment F on Query { node(id: "x") { __typename } }'
    response = await demo_executor.execute(GraphQLRequest(query))
    body: dict[str, Any] = orjson.loads(response.body)
    assert body["data"] == {"node": None}
    assert body["errors"][0]["path"] == ["node"]
    assert [at["column"] for at in body["errors"][0]["locations"]] == [3, 53]
