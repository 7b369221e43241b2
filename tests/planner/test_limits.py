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


class Untouched(Database):
    """A database that must not be asked."""

    async def row(self, sql: str, values: Sequence[Any], seconds: float = 5.0) -> Row:
        raise AssertionError(f"was asked: {sql[:200]}")

    async def snapshot(self, work: Callable[..., Any], seconds: float = 5.0) -> Any:
        raise AssertionError("was asked")


@pytest.fixture(params=["sqlite:///nowhere.sqlite3", "postgresql://nobody@nowhere/nothing"])
def answers(request: pytest.FixtureRequest) -> Executor:
    """Answers that may refuse, and may not read."""
    return Executor(Untouched(request.param), get_catalog())


async def verdict(
    executor: Executor, query: str, variables: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The code and facts of a refusal; quickly, whatever was asked."""
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


async def test_ten_thousand_aliases_are_refused(answers: Executor) -> None:
    """They are counted as tokens while they are read: no tree is ever made of them."""
    query = "{ " + " ".join(f"a{i}: viewer {{ __typename }}" for i in range(10_000)) + " }"
    result = await verdict(answers, query)
    assert (result["code"], result["limit"]) == ("DOCUMENT_TOO_LARGE", 65_536)
    short = "{" + " ".join(f"a{i}:__typename" for i in range(700)) + "}"
    result = await verdict(answers, short)
    assert (result["code"], result["limit"]) == ("DOCUMENT_TOO_LARGE", 2_000)


async def test_fifty_aliases_are_allowed_and_one_more_is_not(demo_executor: Executor) -> None:
    """The 51st alias is refused with what was found, the limit and a hint, also inside fragments."""

    def query(aliases: int) -> str:
        many = " ".join(f"a{i}: name" for i in range(aliases))
        return f"{{ categories(first: 1) {{ nodes {{ ...F }} }} }} fragment F on Category {{ {many} }}"

    assert (await demo_executor.execute(GraphQLRequest(query(50)))).status == 200
    result = await verdict(demo_executor, query(51))
    assert (result["code"], result["found"], result["limit"]) == ("ALIAS_LIMIT_EXCEEDED", 51, 50)
    assert result["hint"]


async def test_root_fields_are_counted_wherever_they_stand(answers: Executor) -> None:
    """Twenty-one root fields are refused: flat, inside fragments, and in fragments that spread twice."""
    one = "tags(first: 1) { totalCount }"
    fields = " ".join(f"r{i}: {one}" for i in range(21))
    flat = f"{{ {fields} }}"
    inside = f"{{ ... on Query {{ ...F }} }} fragment F on Query {{ {fields} }}"
    for query in (flat, inside):
        result = await verdict(answers, query)
        assert (result["code"], result["found"], result["limit"]) == ("ALIAS_LIMIT_EXCEEDED", 21, 20)


async def test_sixty_levels_are_refused(answers: Executor) -> None:
    """Depth is told with the limit, in fields, in inline fragments and through named ones."""
    result = await verdict(answers, nested(29))
    assert (result["code"], result["found"], result["limit"]) == ("DEPTH_LIMIT_EXCEEDED", 61, 15)
    chain = "{ articles { nodes { ...F0 } } }" + "".join(
        f" fragment F{i} on Article {{ related {{ nodes {{ ...F{i + 1} }} }} }}" for i in range(29)
    )
    result = await verdict(answers, chain + " fragment F29 on Article { id }")
    assert (result["code"], result["found"], result["limit"]) == ("DEPTH_LIMIT_EXCEEDED", 61, 15)


async def test_no_depth_causes_an_internal_error(answers: Executor) -> None:
    """Hundreds of levels of selections, of inline fragments, lists and objects are refused like sixty."""
    for levels in (150, 300, 450, 600):
        assert (await verdict(answers, nested(levels)))["code"] in (
            "DEPTH_LIMIT_EXCEEDED",
            "DOCUMENT_TOO_LARGE",
        )
        for opened, closed in (("... {", "}"), ("... on Query {", "}")):
            query = "{" + opened * levels + "__typename" + closed * levels + "}"
            response = await answers.execute(GraphQLRequest(query))
            assert response.status == 200 or set(response.codes) <= {
                "DEPTH_LIMIT_EXCEEDED",
                "DOCUMENT_TOO_LARGE",
            }
        for opened, closed in (("[", "]"), ("{not: ", "}"), ("{and: [", "]}")):
            value = opened * levels + "{}" + closed * levels
            result = await verdict(answers, f"{{ articles(filter: {value}) {{ totalCount }} }}")
            assert result["code"] in (
                "DEPTH_LIMIT_EXCEEDED",
                "INPUT_LIMIT_EXCEEDED",
                "DOCUMENT_TOO_LARGE",
                "GRAPHQL_VALIDATION_FAILED",
            )


async def test_a_document_of_2001_tokens_is_refused(demo_executor: Executor) -> None:
    """2,000 are read, comments among them; commas and spaces count as characters only."""
    words = "__typename " * 1_998
    response = await demo_executor.execute(GraphQLRequest("{ " + words + "}"))
    assert response.codes == ("ALIAS_LIMIT_EXCEEDED",), "twenty root fields, but no longer too many tokens"
    result = await verdict(demo_executor, "{ " + words + "__typename }")
    assert (result["code"], result["limit"]) == ("DOCUMENT_TOO_LARGE", 2_000)
    assert (await demo_executor.execute(GraphQLRequest("{ __typename }" + ", \n\t" * 16_000))).status == 200


async def test_64_kib_of_text_are_the_end(demo_executor: Executor) -> None:
    """A document of 65,536 characters is read, one more is not."""
    query = "{ __typename }"
    assert (await demo_executor.execute(GraphQLRequest(query.ljust(65_536)))).status == 200
    result = await verdict(demo_executor, query.ljust(65_537))
    assert (result["code"], result["limit"]) == ("DOCUMENT_TOO_LARGE", 65_536)


def test_every_limit_has_the_figure_that_the_reference_gives() -> None:
    """The defaults are what the documentation prints: a newsroom stays far below."""
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


def doubling(fragments: int, inside: str = "id") -> str:
    """Each fragment spreads the next one twice, under two names: two to the power of `fragments` fields."""
    chain = "".join(
        f" fragment F{i} on Article {{ ...F{i + 1} ... on Article {{ ...F{i + 1} }} }}"
        for i in range(fragments)
    )
    last = f" fragment F{fragments} on Article {{ {inside} }}"
    return f"{{ articles(first: 1) {{ nodes {{ ...F0 }} }} }}{chain}{last}"


def widening(fragments: int) -> str:
    """The same, but each level asks for something of its own, so that nothing can be merged."""
    chain = "".join(
        f" fragment F{i} on Article {{ x: category {{ articles(first: 1) {{ nodes {{ ...F{i + 1} }} }} }}"
        f" y: category {{ articles(first: 1) {{ nodes {{ ...F{i + 1} }} }} }} }}"
        for i in range(fragments)
    )
    return (
        f"{{ articles(first: 1) {{ nodes {{ ...F0 }} }} }}{chain} fragment F{fragments} on Article {{ id }}"
    )


@pytest.mark.parametrize("make", [doubling, widening])
@pytest.mark.parametrize("fragments", [4, 10, 30, 60])
async def test_exponential_fragments_are_answered_or_refused_at_once(
    demo_executor: Executor, make: Callable[[int], str], fragments: int
) -> None:
    """What would unfold to a billion fields costs what its text costs."""
    async with asyncio.timeout(5):
        response = await demo_executor.execute(GraphQLRequest(make(fragments)))
    if response.codes:
        error_codes(response.status, response.body)
    else:
        assert orjson.loads(response.body)["data"]["articles"]["nodes"]


def test_the_limiter_is_linear_in_the_document() -> None:
    """Twice the fragments are at most about twice the calls, where unfolding would square them."""

    def calls(fragments: int) -> int:
        document = parse(doubling(fragments))
        counted = 0

        def count(_frame: Any, event: str, _argument: Any) -> None:
            nonlocal counted
            counted += event == "call"

        sys.setprofile(count)
        try:
            check_document_limits(document, Limits(fields=1 << 300, depth=1_000))
        finally:
            sys.setprofile(None)
        return counted

    assert calls(80) < 3 * calls(40) < 9 * calls(20)


async def test_the_unfolded_size_counts(answers: Executor) -> None:
    """Fragments that would unfold to more than 5,000 fields are refused by that number."""
    result = await verdict(answers, doubling(13))
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


@pytest.mark.parametrize("way", COSTLY)
async def test_a_hundred_times_a_hundred_times_a_hundred_is_refused_before_it_runs(
    answers: Executor, way: str
) -> None:
    """The same code, cost, limit and hint by POST and GET, however the pages are asked for; no SQL runs."""
    query, variables = COSTLY[way]
    plain = await verdict(answers, COSTLY["plain"][0])
    assert (plain["code"], plain["limit"]) == ("COST_LIMIT_EXCEEDED", 10_000)
    assert plain["cost"] > 1_000_000
    assert plain["hint"]
    async with make_client(answers) as http:
        posted = await http.post("/graphql", json={"query": query, "variables": variables})
        got = await http.get(
            "/graphql", params={"query": query, "variables": orjson.dumps(variables).decode()}
        )
    for response in (posted, got):
        assert response.status_code == 422
        (error,) = response.json()["errors"]
        result = error["extensions"]
        assert (result["code"], result["limit"], result["hint"]) == (
            plain["code"],
            plain["limit"],
            plain["hint"],
        )
        if way == "as edges":
            assert result["cost"] >= plain["cost"]
        else:
            assert result["cost"] == plain["cost"]


async def test_what_is_left_out_costs_nothing(demo_executor: Executor) -> None:
    """The same pages behind `@include(if: false)` are not counted, and nothing of them is read."""
    query = f"query($b: Boolean!) {{ viewer {{ __typename }} ... @include(if: $b) {{ {PAGES} }} }}"
    response = await demo_executor.execute(GraphQLRequest(query, None, {"b": False}, {"cost": True}))
    assert response.status == 200
    assert orjson.loads(response.body)["extensions"]["cost"]["requested"] <= 2
    assert (await demo_executor.execute(GraphQLRequest(query, None, {"b": True}))).codes == (
        "COST_LIMIT_EXCEEDED",
    )


async def test_a_second_ask_is_refused_like_the_first(answers: Executor) -> None:
    """What is remembered of a document does not open the door for other values."""
    query = f"query($n: Int) {{ {PAGES.replace('100', '$n')} }}"
    for _ in range(3):
        assert (await verdict(answers, query, {"n": 100}))["code"] == "COST_LIMIT_EXCEEDED"
        assert (await verdict(answers, query, {"n": 101}))["code"] == "INVALID_PAGE_SIZE"


async def test_cost_is_returned_on_request(demo_executor: Executor) -> None:
    """`extensions: {cost: true}` gives what the operation cost and may cost."""
    query = "{ categories(first: 5) { nodes { articles(first: 3) { nodes { id } } } } }"
    response = await demo_executor.execute(GraphQLRequest(query, None, {}, {"cost": True}))
    cost = orjson.loads(response.body)["extensions"]["cost"]
    assert cost == {"requested": 1 + 5 * (1 + 1 + 3), "limit": 10_000, "statements": 1}
    assert "extensions" not in orjson.loads((await demo_executor.execute(GraphQLRequest(query))).body)


async def test_a_lowered_limit_is_obeyed() -> None:
    """An operator may allow less: the refusal names that figure."""
    executor = Executor(Untouched("sqlite:///nowhere.sqlite3"), get_catalog(), limits=Limits(cost=10))
    result = await verdict(executor, "{ articles(first: 11) { nodes { id } } }")
    assert (result["code"], result["cost"], result["limit"]) == ("COST_LIMIT_EXCEEDED", 12, 10)


# Pages


@pytest.mark.parametrize(
    "arguments",
    [
        "first: -1",
        "first: 0",
        "first: 101",
        "first: 2147483647",
        "first: -2147483648",
        "last: 0",
        "last: -1",
        "last: 101",
        "first: 5, last: 5",
        'first: 5, before: "x"',
        'last: 5, after: "x"',
        'before: "x"',
        "first: $n",
    ],
)
@pytest.mark.parametrize("place", ["{}", "categories(first: 1) {{ nodes {{ {} }} }}"])
async def test_a_page_of_an_impossible_size_is_refused(answers: Executor, arguments: str, place: str) -> None:
    """Refused, not cut to fit, at the root and below it, in the document and in variables."""
    page = place.format(f"articles({arguments}) {{ nodes {{ id }} }}")
    declared = "query($n: Int)" if "$n" in arguments else ""
    assert (await verdict(answers, f"{declared} {{ {page} }}", {"n": -1}))["code"] == "INVALID_PAGE_SIZE"


@pytest.mark.parametrize("arguments", ["first: 1", "first: 100", "last: 1", "last: 100", "", "first: null"])
async def test_a_page_of_a_possible_size_is_given(demo_executor: Executor, arguments: str) -> None:
    """1 to 100, from either end; without a size, or with null, it is 20."""
    request = f"({arguments})" if arguments else ""
    response = await demo_executor.execute(
        GraphQLRequest(f"{{ articles{request} {{ totalCount nodes {{ id }} }} }}")
    )
    payload = orjson.loads(response.body)["data"]["articles"]
    size = int(arguments.split()[1]) if arguments[-1:].isdigit() else 20
    assert len(payload["nodes"]) == min(size, payload["totalCount"])


# Values


async def test_a_list_of_251_values_is_refused(demo_executor: Executor) -> None:
    """250 ids, slugs or numbers in one list are looked up; more are INPUT_LIMIT_EXCEEDED, inline or not."""
    for declared, argument in (
        ("[ID!]", "filter: {id: {in: $v}}"),
        ("[ID!]", "excludeIds: $v"),
        ("[String!]", "filter: {slug: {notIn: $v}}"),
        ("[Int!]", "filter: {urgency: {in: $v}}"),
    ):
        query = f"query($v: {declared}) {{ latestNews({argument}) {{ nodes {{ id }} }} }}"
        value: Any = {"[ID!]": "art_1", "[String!]": "x", "[Int!]": 1}[declared]
        assert (await demo_executor.execute(GraphQLRequest(query, None, {"v": [value] * 250}))).status == 200
        assert (await verdict(demo_executor, query, {"v": [value] * 251}))["code"] == "INPUT_LIMIT_EXCEEDED"
        written = "[" + ", ".join([orjson.dumps(value).decode()] * 251) + "]"
        inline = f"{{ latestNews({argument.replace('$v', written)}) {{ nodes {{ id }} }} }}"
        assert (await verdict(demo_executor, inline))["code"] == "INPUT_LIMIT_EXCEEDED"


async def test_a_hundred_ids_are_the_most_of_nodes(demo_executor: Executor) -> None:
    """`nodes` takes a page of ids."""
    query = "query($ids: [ID!]!) { nodes(ids: $ids) { id } }"
    response = await demo_executor.execute(GraphQLRequest(query, None, {"ids": ["art_1"] * 100}))
    assert orjson.loads(response.body)["data"]["nodes"] == [None] * 100
    assert (await verdict(demo_executor, query, {"ids": ["art_1"] * 101}))["code"] == "INPUT_LIMIT_EXCEEDED"


async def test_a_text_of_ten_thousand_characters_is_the_longest(demo_executor: Executor) -> None:
    """One more is INPUT_LIMIT_EXCEEDED in every text argument; a search is 500 at most."""
    for field, most in (
        ("article(slug: $s) { id }", 10_000),
        ("latestNews(section: $s) { totalCount }", 10_000),
        ("articles(filter: {headline: {contains: $s}}) { totalCount }", 10_000),
        ("articles(filter: {category: {under: $s}}) { totalCount }", 10_000),
        ("articles(search: $s) { totalCount }", 500),
    ):
        query = f"query($s: String!) {{ {field} }}"
        assert (
            await demo_executor.execute(GraphQLRequest(query, None, {"s": "a%_" * (most // 3)}))
        ).status == 200
        assert (await verdict(demo_executor, query, {"s": "a" * (most + 1)}))[
            "code"
        ] == "INPUT_LIMIT_EXCEEDED"


# How a filter goes one level deeper, or two: what stands before and behind it, as JSON.
WRAPS = {
    "not": ('{"not": ', "}"),
    "and": ('{"and": [', "]}"),
    "or": ('{"or": [', ', {"urgency": {"eq": 1}}]}'),
    "some": ('{"related": {"some": ', "}}"),
    "none": ('{"related": {"none": ', "}}"),
    "every": ('{"related": {"every": ', "}}"),
}


def wrapped(way: str, times: int) -> str:
    opened, closed = WRAPS[way]
    return opened * times + '{"slug": {"eq": "x"}}' + closed * times


def written(json: str) -> str:
    """JSON as GraphQL writes it."""
    return re.sub(r'"(\w+)":', r"\1:", json)


@pytest.mark.parametrize("way", WRAPS)
@pytest.mark.parametrize("levels", [11, 20, 70, 200, 400, 900])
async def test_a_filter_nested_too_deeply_is_refused(answers: Executor, way: str, levels: int) -> None:
    """From 13 levels on, inline and in variables, on both databases: never a fault, and nothing is asked."""
    value = wrapped(way, levels)
    in_variables = "query($f: ArticleFilter) { articles(filter: $f) { nodes { id } } }"
    body = f'{{"query": "{in_variables}", "variables": {{"f": {value}}}}}'
    async with make_client(answers) as http:
        response = await http.post("/graphql", content=body, headers={"content-type": "application/json"})
    assert set(error_codes(response.status_code, response.content)) <= {
        "INPUT_LIMIT_EXCEEDED",
        "BAD_USER_INPUT",
        "BAD_REQUEST",
    }
    result = await verdict(answers, f"{{ articles(filter: {written(value)}) {{ nodes {{ id }} }} }}")
    assert result["code"] in ("INPUT_LIMIT_EXCEEDED", "DEPTH_LIMIT_EXCEEDED", "DOCUMENT_TOO_LARGE")


@pytest.mark.parametrize("way", ["not", "and", "or", "some"])
async def test_a_filter_of_12_levels_is_answered(demo_executor: Executor, way: str) -> None:
    """What the limit allows works, inside other lists as well, on both databases."""
    value = orjson.loads(wrapped(way, 5 if way == "some" else 10))
    query = """query($f: ArticleFilter) {
      articles(filter: $f, first: 2) { nodes { id } }
      categories(first: 2) {
        nodes { articles(first: 1, filter: $f) { nodes { related(filter: $f) { nodes { id } } } } }
      }
    }"""
    async with asyncio.timeout(20):
        response = await demo_executor.execute(GraphQLRequest(query, None, {"f": value}))
    assert response.status == 200, response.body


async def test_the_conditions_of_an_operation_are_counted_together(answers: Executor) -> None:
    """A filter of 300 conditions is one too many times two: the lists of an operation share the limit."""
    value = {"or": [{"urgency": {"eq": 1}}] * 100}
    once = "query($f: ArticleFilter) { articles(filter: $f) { nodes { id } } }"
    with pytest.raises(AssertionError, match="was asked"):  # so far as the database: it is not refused
        await _answered_or_raised(answers, once, {"f": value})
    twice = once.replace("{ articles", "{ a: articles(filter: $f) { nodes { id } } articles")
    assert (await verdict(answers, twice, {"f": value}))["code"] == "INPUT_LIMIT_EXCEEDED"
    wide = {"or": [{"urgency": {"eq": 1}}] * 20_000}
    assert (await verdict(answers, once, {"f": wide}))["code"] == "INPUT_LIMIT_EXCEEDED"


async def _answered_or_raised(executor: Executor, query: str, variables: Mapping[str, Any]) -> None:
    try:
        plan, _ = executor.explain(GraphQLRequest(query, None, variables))
    except ApiError as refusal:
        pytest.fail(refusal.message)
    assert plan.statement
    await executor.database.row(plan.statement.sql, [])


@pytest.mark.parametrize(
    "selection",
    ["id " * 1_900, "category { id } " * 450, "... { category { id } } " * 230, "id slug headline " * 600],
)
async def test_one_field_asked_a_thousand_times_is_refused(answers: Executor, selection: str) -> None:
    """Equal fields must be compared with each other, which is quadratic: so there is an end to it."""
    result = await verdict(answers, f"{{ articles(first: 1) {{ nodes {{ {selection} }} }} }}")
    assert result["code"] == "DOCUMENT_TOO_LARGE"
