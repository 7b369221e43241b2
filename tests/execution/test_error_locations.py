"""Path and locations of errors: of the field that has the invalid argument."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from graphql import parse

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
    (
        '{ ^article(externalId: {system: "x", value: "y"}, languages: ["en"]) { id } }',
        ["article"],
    ),
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


async def test_a_bad_id_in_a_list_is_null_and_leaves_the_others(demo_executor: Executor) -> None:
    """Each has an error with the path of its item; an id of nothing is null without one."""
    ids = ["bad", "art_701", "", "art_99999999999", "src_x", "tag_502"]
    query = "query ($ids: [ID!]!) { some: nodes(ids: $ids) { id } articles(first: 1) { totalCount } }"
    for _ in range(2):
        response = await demo_executor.execute(GraphQLRequest(query, None, {"ids": ids}))
        assert response.status == 294
        body: dict[str, Any] = orjson.loads(response.body)
        present = [node and node["id"] for node in body["data"]["some"]]
        assert present == [None, "art_701", None, None, None, "tag_502"]
        assert body["data"]["articles"]["totalCount"] > 0
        assert [error["path"] for error in body["errors"]] == [["some", 0], ["some", 2], ["some", 4]]
        assert {error["extensions"]["code"] for error in body["errors"]} == {"INVALID_ID"}
        assert [error["locations"] for error in body["errors"]] == [[{"line": 1, "column": 24}]] * 3
    valid = await demo_executor.execute(GraphQLRequest(query, None, {"ids": ["art_701", "art_99999999999"]}))
    assert orjson.loads(valid.body)["data"]["some"] == [{"id": "art_701"}, None]
    assert valid.status == 200
    literal = await demo_executor.execute(GraphQLRequest('{ nodes(ids: ["x", "art_701"]) { id } }'))
    body = orjson.loads(literal.body)
    assert body["data"] == {"nodes": [None, {"id": "art_701"}]}
    assert [error["path"] for error in body["errors"]] == [["nodes", 0]]


MISUSED_LOOKUPS = [
    "{ ^article { id } }",
    '{ ^article(id: "art_1", slug: "x") { id } }',
    "{ ^tag(type: PLACE) { id } }",
    "{ ^category(path: null) { id } }",
    'query ($s: String) { tags { totalCount } ^article(id: "art_1", slug: "y", language: $s) { id } }',
    '{ ...F } fragment F on Query { ...on Query { ^a: article(slug: "x", externalId: '
    '{system: "x", value: "y"}) { id } } }',
]


@pytest.mark.parametrize("query", MISUSED_LOOKUPS)
async def test_misused_lookups_are_validation_errors(demo_executor: Executor, query: str) -> None:
    response = await demo_executor.execute(GraphQLRequest(query.replace("^", "")))
    assert (response.status, response.codes) == (422, ("GRAPHQL_VALIDATION_FAILED",))
    (error,) = orjson.loads(response.body)["errors"]
    assert error["locations"] == [{"line": 1, "column": query.index("^") + 1}]


async def test_lookups_by_variables_need_one_value(demo_executor: Executor) -> None:
    """Clients may send one operation for an id or a slug."""
    query = "query ($i: ID, $s: String) { article(id: $i, slug: $s) { id } }"
    valid: list[dict[str, Any]] = [{"i": "art_701"}, {"i": "art_701", "s": None}]
    for values in valid:
        response = await demo_executor.execute(GraphQLRequest(query, None, values))
        assert orjson.loads(response.body) == {"data": {"article": {"id": "art_701"}}}
    invalid: list[dict[str, Any]] = [{}, {"i": None}, {"i": "art_701", "s": "x"}]
    for values in invalid:
        response = await demo_executor.execute(GraphQLRequest(query, None, values))
        assert response.codes == ("BAD_USER_INPUT",)


async def test_the_document_is_parsed_once_for_all_locations(
    demo_executor: Executor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many items have errors."""
    parsed: list[str] = []

    def counted(text: str, **options: Any) -> Any:
        parsed.append(text)
        return parse(text, **options)

    monkeypatch.setattr("contentql.execution.documents.parse", counted)
    query = "query ($many: [ID!]!) { nodes(ids: $many) { id } }"
    response = await demo_executor.execute(GraphQLRequest(query, None, {"many": ["bad"] * 100}))
    assert len(orjson.loads(response.body)["errors"]) == 100
    assert parsed == [query]
