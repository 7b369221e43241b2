"""Query limits: depth, aliases, cost and input, checked before execution."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson
import pytest
from graphql import parse
from tests.support.http_client import error_codes, make_client

from contentql.errors import ApiError
from contentql.execution.executor import Executor
from contentql.execution.request import GraphQLRequest
from contentql.planner.limits import Limits, check_document_limits
from contentql.schema.build import get_catalog
from contentql.store.database import Database, Row


class UnreadableDatabase(Database):
    """A database whose reads fail the test."""

    async def row(self, sql: str, values: Sequence[Any], seconds: float = 5.0) -> Row:
        raise AssertionError(f"was asked: {sql[:200]}")

    async def snapshot(self, work: Callable[..., Any], seconds: float = 5.0) -> Any:
        raise AssertionError("was asked")


@pytest.fixture(params=["sqlite:///nowhere.sqlite3", "postgresql://nobody@nowhere/nothing"])
def offline_executor(request: pytest.FixtureRequest) -> Executor:
    """An executor without a database: any read fails the test."""
    return Executor(UnreadableDatabase(request.param), get_catalog())


async def rejection(
    executor: Executor, query: str, variables: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The code and extensions of a rejected request, which must be rejected within five seconds."""
    async with asyncio.timeout(5):
        response = await executor.execute(GraphQLRequest(query, None, variables or {}))
    (code,) = set(error_codes(response.status, response.body))
    extensions: dict[str, Any] = orjson.loads(response.body)["errors"][0]["extensions"]
    return {"code": code, **extensions}


def nested(levels: int, inside: str = "id") -> str:
    """A selection through `levels` lists of related articles."""
    return (
        "{ articles(first: 1) { nodes { "
        + "related { nodes { " * levels
        + inside
        + " } }" * levels
        + " } } }"
    )


# Size


async def test_long_documents_are_rejected_while_tokenizing(offline_executor: Executor) -> None:
    """Characters and tokens are limited before a syntax tree is built."""
    query = "{ " + " ".join(f"a{i}: viewer {{ __typename }}" for i in range(10_000)) + " }"
    result = await rejection(offline_executor, query)
    assert (result["code"], result["limit"]) == ("DOCUMENT_TOO_LARGE", 65_536)
    short = "{" + " ".join(f"a{i}:__typename" for i in range(700)) + "}"
    result = await rejection(offline_executor, short)
    assert (result["code"], result["limit"]) == ("DOCUMENT_TOO_LARGE", 2_000)


async def test_alias_limit_is_50_also_inside_fragments(demo_executor: Executor) -> None:
    """The 51st alias is rejected, and the error has the number of aliases, the limit and a hint."""

    def query(aliases: int) -> str:
        selections = " ".join(f"a{i}: name" for i in range(aliases))
        return f"{{ categories(first: 1) {{ nodes {{ ...F }} }} }} fragment F on Category {{ {selections} }}"

    assert (await demo_executor.execute(GraphQLRequest(query(50)))).status == 200
    result = await rejection(demo_executor, query(51))
    assert (result["code"], result["found"], result["limit"]) == ("ALIAS_LIMIT_EXCEEDED", 51, 50)
    assert result["hint"]


async def test_root_fields_are_counted_also_inside_fragments(offline_executor: Executor) -> None:
    """Twenty-one root fields are rejected, written directly or in a spread fragment."""
    field = "tags(first: 1) { totalCount }"
    fields = " ".join(f"r{i}: {field}" for i in range(21))
    flat = f"{{ {fields} }}"
    inside = f"{{ ... on Query {{ ...F }} }} fragment F on Query {{ {fields} }}"
    for query in (flat, inside):
        result = await rejection(offline_executor, query)
        assert (result["code"], result["found"], result["limit"]) == ("ALIAS_LIMIT_EXCEEDED", 21, 20)


async def test_depth_limit_counts_fields_through_fragments(offline_executor: Executor) -> None:
    """The error has the depth and the limit, for nested fields and for a chain of fragments."""
    result = await rejection(offline_executor, nested(29))
    assert (result["code"], result["found"], result["limit"]) == ("DEPTH_LIMIT_EXCEEDED", 61, 15)
    chain = "{ articles { nodes { ...F0 } } }" + "".join(
        f" fragment F{i} on Article {{ related {{ nodes {{ ...F{i + 1} }} }} }}" for i in range(29)
    )
    result = await rejection(offline_executor, chain + " fragment F29 on Article { id }")
    assert (result["code"], result["found"], result["limit"]) == ("DEPTH_LIMIT_EXCEEDED", 61, 15)


async def test_no_depth_causes_an_internal_error(offline_executor: Executor) -> None:
    """Hundreds of levels of selections, fragments, lists and objects are rejected with a limit error."""
    for levels in (150, 300, 450, 600):
        assert (await rejection(offline_executor, nested(levels)))["code"] in (
            "DEPTH_LIMIT_EXCEEDED",
            "DOCUMENT_TOO_LARGE",
        )
        for opening, closing in (("... {", "}"), ("... on Query {", "}")):
            query = "{" + opening * levels + "__typename" + closing * levels + "}"
            response = await offline_executor.execute(GraphQLRequest(query))
            assert response.status == 200 or set(response.codes) <= {
                "DEPTH_LIMIT_EXCEEDED",
                "DOCUMENT_TOO_LARGE",
            }
        for opening, closing in (("[", "]"), ("{not: ", "}"), ("{and: [", "]}")):
            value = opening * levels + "{}" + closing * levels
            result = await rejection(offline_executor, f"{{ articles(filter: {value}) {{ totalCount }} }}")
            assert result["code"] in (
                "DEPTH_LIMIT_EXCEEDED",
                "INPUT_LIMIT_EXCEEDED",
                "DOCUMENT_TOO_LARGE",
                "GRAPHQL_VALIDATION_FAILED",
            )


async def test_token_limit_is_2000(demo_executor: Executor) -> None:
    """Commas and white space are no tokens."""
    words = "__typename " * 1_998
    response = await demo_executor.execute(GraphQLRequest("{ " + words + "}"))
    assert response.codes == ("ALIAS_LIMIT_EXCEEDED",), "twenty root fields, but no longer too many tokens"
    result = await rejection(demo_executor, "{ " + words + "__typename }")
    assert (result["code"], result["limit"]) == ("DOCUMENT_TOO_LARGE", 2_000)
    assert (await demo_executor.execute(GraphQLRequest("{ __typename }" + ", \n\t" * 16_000))).status == 200


async def test_document_length_limit_is_65536_characters(demo_executor: Executor) -> None:
    query = "{ __typename }"
    assert (await demo_executor.execute(GraphQLRequest(query.ljust(65_536)))).status == 200
    result = await rejection(demo_executor, query.ljust(65_537))
    assert (result["code"], result["limit"]) == ("DOCUMENT_TOO_LARGE", 65_536)


def test_default_limits_are_the_documented_ones() -> None:
    assert Limits() == Limits(
        characters=65_536,
        tokens=2_000,
        depth=15,
        aliases=50,
        root_fields=20,
        fields=5_000,
        cost=10_000,
        page=100,
        default_page=20,
        input_items=250,
        input_depth=12,
        conditions=500,
        text=10_000,
    )


# Fragments


def doubling_fragments(fragments: int, inside: str = "id") -> str:
    """A document whose fragments each spread the next one twice: it expands to 2 ** `fragments` fields."""
    chain = "".join(
        f" fragment F{i} on Article {{ ...F{i + 1} ... on Article {{ ...F{i + 1} }} }}"
        for i in range(fragments)
    )
    last = f" fragment F{fragments} on Article {{ {inside} }}"
    return f"{{ articles(first: 1) {{ nodes {{ ...F0 }} }} }}{chain}{last}"


def unmergeable_fragments(fragments: int) -> str:
    """The same as `doubling_fragments` with different fields at each level, which cannot be merged."""
    chain = "".join(
        f" fragment F{i} on Article {{ x: category {{ articles(first: 1) {{ nodes {{ ...F{i + 1} }} }} }}"
        f" y: category {{ articles(first: 1) {{ nodes {{ ...F{i + 1} }} }} }} }}"
        for i in range(fragments)
    )
    return (
        f"{{ articles(first: 1) {{ nodes {{ ...F0 }} }} }}{chain} fragment F{fragments} on Article {{ id }}"
    )


@pytest.mark.parametrize("make", [doubling_fragments, unmergeable_fragments])
@pytest.mark.parametrize("fragments", [4, 10, 30, 60])
async def test_exponential_fragments_are_executed_or_rejected_within_seconds(
    demo_executor: Executor, make: Callable[[int], str], fragments: int
) -> None:
    """The time depends on the length of the document, not on the number of expanded fields."""
    async with asyncio.timeout(5):
        response = await demo_executor.execute(GraphQLRequest(make(fragments)))
    if response.codes:
        error_codes(response.status, response.body)
    else:
        assert orjson.loads(response.body)["data"]["articles"]["nodes"]


def test_limit_check_is_linear_in_document_size() -> None:
    """Twice the fragments need at most about twice the function calls."""

    def calls(fragments: int) -> int:
        document = parse(doubling_fragments(fragments))
        call_count = 0

        def count(_frame: Any, event: str, _argument: Any) -> None:
            nonlocal call_count
            call_count += event == "call"

        sys.setprofile(count)
        try:
            check_document_limits(document, Limits(fields=1 << 300, depth=1_000))
        finally:
            sys.setprofile(None)
        return call_count

    assert calls(80) < 3 * calls(40) < 9 * calls(20)


async def test_expanded_fields_are_limited_to_5000(offline_executor: Executor) -> None:
    """Fields are counted after expanding the fragments."""
    result = await rejection(offline_executor, doubling_fragments(13))
    assert (result["code"], result["limit"]) == ("DOCUMENT_TOO_LARGE", 5_000)
    assert result["found"] > 5_000


# Cost

PAGES = "articles(first: 100) { nodes { category { articles(first: 100) { nodes { category { articles(first: 100) { nodes { id } } } } } } } }"  # noqa: E501
AS_EDGES = "articles(first: 100) { edges { node { category { articles(first: 100) { edges { node { category { articles(first: 100) { edges { node { id } } } } } } } } } } }"  # noqa: E501
COSTLY = {
    "plain": (f"{{ {PAGES} }}", {}),
    "in variables": (
        f"query($n: Int) {{ {PAGES.replace('100', '$n')} }}",
        {"n": 100},
    ),
    "in defaults": (f"query($n: Int = 100) {{ {PAGES.replace('100', '$n')} }}", {}),
    "through fragments": (
        "{ ...A } fragment A on Query { articles(first: 100) { nodes { ...B } } }"
        " fragment B on Article { category { articles(first: 100) { nodes { ...C } } } }"
        " fragment C on Article { category { articles(first: 100) { nodes { id } } } }",
        {},
    ),
    "inside @include": (f"{{ ... @include(if: true) {{ {PAGES} }} }}", {}),
    "inside @skip by variable": (f"query($b: Boolean!) {{ ... @skip(if: $b) {{ {PAGES} }} }}", {"b": False}),
    "under an alias": (f"{{ a: {PAGES} }}", {}),
    "backwards": (f"{{ {PAGES.replace('first', 'last')} }}", {}),
    "as edges": (f"{{ {AS_EDGES} }}", {}),
}  # fmt: skip


@pytest.mark.parametrize("form", COSTLY)
async def test_cost_limit_rejects_nested_pages_before_execution(
    offline_executor: Executor, form: str
) -> None:
    """POST and GET return the same code, cost, limit and hint, however the pages are written; no SQL runs."""
    query, variables = COSTLY[form]
    plain = await rejection(offline_executor, COSTLY["plain"][0])
    assert (plain["code"], plain["limit"]) == ("COST_LIMIT_EXCEEDED", 10_000)
    assert plain["cost"] > 1_000_000
    assert plain["hint"]
    async with make_client(offline_executor) as http:
        posted = await http.post("/graphql", json={"query": query, "variables": variables})
        fetched = await http.get(
            "/graphql", params={"query": query, "variables": orjson.dumps(variables).decode()}
        )
    for response in (posted, fetched):
        assert response.status_code == 422
        (error,) = response.json()["errors"]
        extensions = error["extensions"]
        assert (extensions["code"], extensions["limit"], extensions["hint"]) == (
            plain["code"],
            plain["limit"],
            plain["hint"],
        )
        if form == "as edges":
            assert extensions["cost"] >= plain["cost"]
        else:
            assert extensions["cost"] == plain["cost"]


async def test_excluded_selections_cost_nothing(demo_executor: Executor) -> None:
    """A selection behind `@include(if: false)` is neither counted nor read."""
    query = f"query($b: Boolean!) {{ viewer {{ __typename }} ... @include(if: $b) {{ {PAGES} }} }}"
    response = await demo_executor.execute(GraphQLRequest(query, None, {"b": False}, {"cost": True}))
    assert response.status == 200
    assert orjson.loads(response.body)["extensions"]["cost"]["requested"] <= 2
    assert (await demo_executor.execute(GraphQLRequest(query, None, {"b": True}))).codes == (
        "COST_LIMIT_EXCEEDED",
    )


async def test_limits_apply_to_every_execution_of_a_cached_document(offline_executor: Executor) -> None:
    """A document that is parsed and cached is checked again with the variables of each request."""
    query = f"query($n: Int) {{ {PAGES.replace('100', '$n')} }}"
    for _ in range(3):
        assert (await rejection(offline_executor, query, {"n": 100}))["code"] == "COST_LIMIT_EXCEEDED"
        assert (await rejection(offline_executor, query, {"n": 101}))["code"] == "INVALID_PAGE_SIZE"


async def test_cost_is_returned_on_request(demo_executor: Executor) -> None:
    """`extensions: {cost: true}` returns the cost, the limit and the number of SQL statements."""
    query = "{ categories(first: 5) { nodes { articles(first: 3) { nodes { id } } } } }"
    response = await demo_executor.execute(GraphQLRequest(query, None, {}, {"cost": True}))
    cost = orjson.loads(response.body)["extensions"]["cost"]
    assert cost == {"requested": 1 + 5 * (1 + 1 + 3), "limit": 10_000, "statements": 1}
    assert "extensions" not in orjson.loads((await demo_executor.execute(GraphQLRequest(query))).body)


async def test_configured_cost_limit_replaces_the_default() -> None:
    """The error has the configured limit."""
    executor = Executor(
        UnreadableDatabase("sqlite:///nowhere.sqlite3"), get_catalog(), limits=Limits(cost=10)
    )
    result = await rejection(executor, "{ articles(first: 11) { nodes { id } } }")
    assert (result["code"], result["cost"], result["limit"]) == ("COST_LIMIT_EXCEEDED", 12, 10)


# Pages


@pytest.mark.parametrize(
    "arguments",
    [
        "first: -1",
        "first: 101",
        "first: 2147483647",
        "first: -2147483648",
        "last: -1",
        "last: 101",
        "first: 5, last: 5",
        'first: 5, before: "x"',
        'last: 5, after: "x"',
        'before: "x"',
        "first: $n",
    ],
)
@pytest.mark.parametrize("parent", ["{}", "categories(first: 1) {{ nodes {{ {} }} }}"])
async def test_invalid_page_sizes_are_rejected(
    offline_executor: Executor, arguments: str, parent: str
) -> None:
    """The size is not clamped, at the root and in nested lists, as a literal and as a variable."""
    page = parent.format(f"articles({arguments}) {{ nodes {{ id }} }}")
    declared = "query($n: Int)" if "$n" in arguments else ""
    assert (await rejection(offline_executor, f"{declared} {{ {page} }}", {"n": -1}))[
        "code"
    ] == "INVALID_PAGE_SIZE"


@pytest.mark.parametrize("arguments", ["first: 1", "first: 100", "last: 1", "last: 100", "", "first: null"])
async def test_page_size_is_1_to_100_and_20_by_default(demo_executor: Executor, arguments: str) -> None:
    """Holds for `first` and `last`; null is the default size."""
    request = f"({arguments})" if arguments else ""
    response = await demo_executor.execute(
        GraphQLRequest(f"{{ articles{request} {{ totalCount nodes {{ id }} }} }}")
    )
    connection = orjson.loads(response.body)["data"]["articles"]
    size = int(arguments.split()[1]) if arguments[-1:].isdigit() else 20
    assert len(connection["nodes"]) == min(size, connection["totalCount"])


# Values


async def test_input_lists_are_limited_to_250_items(demo_executor: Executor) -> None:
    """Holds for ids, strings and numbers, as literals and as variables."""
    for declared, argument in (
        ("[ID!]", "filter: {id: {in: $v}}"),
        ("[ID!]", "excludeIds: $v"),
        ("[String!]", "filter: {slug: {notIn: $v}}"),
        ("[Int!]", "filter: {urgency: {in: $v}}"),
    ):
        query = f"query($v: {declared}) {{ latestNews({argument}) {{ nodes {{ id }} }} }}"
        value: Any = {"[ID!]": "art_1", "[String!]": "x", "[Int!]": 1}[declared]
        assert (await demo_executor.execute(GraphQLRequest(query, None, {"v": [value] * 250}))).status == 200
        assert (await rejection(demo_executor, query, {"v": [value] * 251}))["code"] == "INPUT_LIMIT_EXCEEDED"
        literal = "[" + ", ".join([orjson.dumps(value).decode()] * 251) + "]"
        inline = f"{{ latestNews({argument.replace('$v', literal)}) {{ nodes {{ id }} }} }}"
        assert (await rejection(demo_executor, inline))["code"] == "INPUT_LIMIT_EXCEEDED"


async def test_nodes_accepts_at_most_100_ids(demo_executor: Executor) -> None:
    query = "query($ids: [ID!]!) { nodes(ids: $ids) { id } }"
    response = await demo_executor.execute(GraphQLRequest(query, None, {"ids": ["art_1"] * 100}))
    assert orjson.loads(response.body)["data"]["nodes"] == [None] * 100
    assert (await rejection(demo_executor, query, {"ids": ["art_1"] * 101}))["code"] == "INPUT_LIMIT_EXCEEDED"


async def test_text_arguments_are_limited_to_10000_characters(demo_executor: Executor) -> None:
    """A search text is limited to 500 characters."""
    for field, limit in (
        ("article(slug: $s) { id }", 10_000),
        ("latestNews(section: $s) { totalCount }", 10_000),
        ("articles(filter: {headline: {contains: $s}}) { totalCount }", 10_000),
        ("articles(filter: {category: {under: $s}}) { totalCount }", 10_000),
        ("articles(search: $s) { totalCount }", 500),
    ):
        query = f"query($s: String!) {{ {field} }}"
        assert (
            await demo_executor.execute(GraphQLRequest(query, None, {"s": "a%_" * (limit // 3)}))
        ).status == 200
        assert (await rejection(demo_executor, query, {"s": "a" * (limit + 1)}))[
            "code"
        ] == "INPUT_LIMIT_EXCEEDED"


# JSON before and after a filter that nests it one level deeper, or two.
WRAPS = {
    "not": ('{"not": ', "}"),
    "and": ('{"and": [', "]}"),
    "or": ('{"or": [', ', {"urgency": {"eq": 1}}]}'),
    "some": ('{"related": {"some": ', "}}"),
    "none": ('{"related": {"none": ', "}}"),
    "every": ('{"related": {"every": ', "}}"),
}


def nested_filter(wrapper: str, times: int) -> str:
    """A filter nested `times` times, as JSON."""
    opening, closing = WRAPS[wrapper]
    return opening * times + '{"slug": {"eq": "x"}}' + closing * times


def as_graphql_literal(json: str) -> str:
    """The JSON text as a GraphQL literal, whose object keys are not quoted."""
    return re.sub(r'"(\w+)":', r"\1:", json)


@pytest.mark.parametrize("wrapper", WRAPS)
@pytest.mark.parametrize("levels", [11, 20, 70, 200, 400, 900])
async def test_too_deeply_nested_filters_are_rejected_without_database_access(
    offline_executor: Executor, wrapper: str, levels: int
) -> None:
    """Holds as literals and as variables, on both databases, and is never an internal error."""
    value = nested_filter(wrapper, levels)
    in_variables = "query($f: ArticleFilter) { articles(filter: $f) { nodes { id } } }"
    body = f'{{"query": "{in_variables}", "variables": {{"f": {value}}}}}'
    async with make_client(offline_executor) as http:
        response = await http.post("/graphql", content=body, headers={"content-type": "application/json"})
    assert set(error_codes(response.status_code, response.content)) <= {
        "INPUT_LIMIT_EXCEEDED",
        "BAD_USER_INPUT",
        "BAD_REQUEST",
    }
    result = await rejection(
        offline_executor, f"{{ articles(filter: {as_graphql_literal(value)}) {{ nodes {{ id }} }} }}"
    )
    assert result["code"] in ("INPUT_LIMIT_EXCEEDED", "DEPTH_LIMIT_EXCEEDED", "DOCUMENT_TOO_LARGE")


@pytest.mark.parametrize("wrapper", ["not", "and", "or", "some"])
async def test_filters_of_the_deepest_allowed_level_are_executed(
    demo_executor: Executor, wrapper: str
) -> None:
    """Twelve levels work on both databases, also inside nested lists."""
    value = orjson.loads(nested_filter(wrapper, 5 if wrapper == "some" else 10))
    query = """query($f: ArticleFilter) {
      articles(filter: $f, first: 2) { nodes { id } }
      categories(first: 2) {
        nodes { articles(first: 1, filter: $f) { nodes { related(filter: $f) { nodes { id } } } } }
      }
    }"""
    async with asyncio.timeout(20):
        response = await demo_executor.execute(GraphQLRequest(query, None, {"f": value}))
    assert response.status == 200, response.body


async def test_filter_conditions_are_limited_per_operation(offline_executor: Executor) -> None:
    """All lists of an operation share one limit of 500 conditions."""
    value = {"or": [{"urgency": {"eq": 1}}] * 100}
    once = "query($f: ArticleFilter) { articles(filter: $f) { nodes { id } } }"
    # The operation passes the limits and reaches the database.
    with pytest.raises(AssertionError, match="was asked"):
        await _plan_and_read(offline_executor, once, {"f": value})
    twice = once.replace("{ articles", "{ a: articles(filter: $f) { nodes { id } } articles")
    assert (await rejection(offline_executor, twice, {"f": value}))["code"] == "INPUT_LIMIT_EXCEEDED"
    wide = {"or": [{"urgency": {"eq": 1}}] * 20_000}
    assert (await rejection(offline_executor, once, {"f": wide}))["code"] == "INPUT_LIMIT_EXCEEDED"


async def _plan_and_read(executor: Executor, query: str, variables: Mapping[str, Any]) -> None:
    """Plans the operation and reads its statement; a limit error fails the test."""
    try:
        plan, _ = executor.explain(GraphQLRequest(query, None, variables))
    except ApiError as exc:
        pytest.fail(exc.message)
    assert plan.statement
    await executor.database.row(plan.statement.sql, [])


@pytest.mark.parametrize(
    "selection",
    ["id " * 1_900, "category { id } " * 450, "... { category { id } } " * 230, "id slug headline " * 600],
)
async def test_repeated_equal_fields_are_limited(offline_executor: Executor, selection: str) -> None:
    """Equal fields are compared in pairs, which is quadratic, so their number is limited."""
    result = await rejection(offline_executor, f"{{ articles(first: 1) {{ nodes {{ {selection} }} }} }}")
    assert result["code"] == "DOCUMENT_TOO_LARGE"
