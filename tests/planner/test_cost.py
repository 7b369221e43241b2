"""Cost: never less than the number of objects in the response, and charged for rows that are only read."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from random import Random
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.conftest import NOW
from tests.end_to_end.test_visibility import make_pool
from tests.support.random_documents import Pool, RandomDocuments

from contentql.app import build_executor
from contentql.execution.executor import Executor
from contentql.execution.request import GraphQLRequest, GraphQLResponse
from contentql.importing.exporter import export_records
from contentql.schema.build import get_schema
from contentql.settings import Settings
from contentql.store.database import Database, Row

ARTICLES = 57_000
HEAVY = "{ articles(first: 1, filter: {or: [%s]}) { nodes { id } } }" % ", ".join(  # noqa: UP031
    f'{{summary: {{contains: "x{i}"}}}}' for i in range(8)
)
LIGHT = "{ articles(first: 3) { nodes { id headline } } }"


@pytest.fixture(scope="module")
async def values(demo_url: str) -> Pool:
    return make_pool([record async for record in export_records(Database(demo_url))])


def count_objects(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + sum(map(count_objects, value.values()))
    return sum(map(count_objects, value)) if isinstance(value, list) else 0


async def execute(executor: Executor, query: str, variables: Mapping[str, Any] | None = None) -> Any:
    request = GraphQLRequest(query, None, variables or {}, {"cost": True})
    return orjson.loads((await executor.execute(request)).body)


async def cost(executor: Executor, query: str, variables: Mapping[str, Any] | None = None) -> int:
    response = await execute(executor, query, variables)
    assert "errors" not in response, response["errors"]
    requested: int = response["extensions"]["cost"]["requested"]
    assert count_objects(response["data"]) - 1 <= requested
    return requested


async def code(executor: Executor, query: str, variables: Mapping[str, Any] | None = None) -> str:
    (error,) = (await execute(executor, query, variables))["errors"]
    result: str = error["extensions"]["code"]
    return result


# Objects


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 1 << 32))
async def test_a_response_has_at_most_as_many_objects_as_its_cost(
    demo_executor: Executor, values: Pool, seed: int
) -> None:
    document = RandomDocuments(get_schema()._schema, values, Random(seed)).document()
    response = await execute(demo_executor, document.text, document.variables)
    if "cost" in response.get("extensions", {}):
        assert count_objects(response["data"]) - 1 <= response["extensions"]["cost"]["requested"]


async def test_nodes_cost_as_much_as_a_list_of_the_same_objects(demo_executor: Executor) -> None:
    """By literal ids, by a variable of ids, by a variable within the list."""
    listed = (await execute(demo_executor, "{ categories(first: 64) { nodes { id } } }"))["data"]
    ids = [node["id"] for node in listed["categories"]["nodes"]]
    inner = "articles(first: 10) { nodes { tags(first: 7) { name } } }"
    connection = await cost(demo_executor, f"{{ categories(first: {len(ids)}) {{ nodes {{ {inner} }} }} }}")
    body = f"{{ ... on Category {{ {inner} }} }}"
    literal = await cost(demo_executor, f"{{ nodes(ids: {orjson.dumps(ids).decode()}) {body} }}")
    variable = await cost(demo_executor, f"query($ids: [ID!]!) {{ nodes(ids: $ids) {body} }}", {"ids": ids})
    assert literal == variable >= connection - 1
    few = await cost(demo_executor, f"query($ids: [ID!]!) {{ nodes(ids: $ids) {body} }}", {"ids": ids[:1]})
    assert few <= literal // 16


async def test_a_plain_list_costs_as_much_as_it_may_return(demo_executor: Executor) -> None:
    query = "{ articles(first: 10) { nodes { tags%s { name } } } }"
    small, unlimited, large = [
        await cost(demo_executor, query % n) for n in ("(first: 2)", "", "(first: 100)")
    ]
    assert small < unlimited < large
    assert large >= 10 * 100


# Scans


@pytest.fixture
async def large(demo_executor: Executor) -> Executor:
    """The demo newsroom, planned as if it had 57,000 articles."""
    demo_executor.articles.value = ARTICLES
    return demo_executor


@pytest.mark.parametrize(
    "condition",
    [
        'summary: {contains: "x"}',
        'headline: {startsWith: "x"}',
        'sources: {every: {name: {contains: "x"}}}',
        'sources: {some: {name: {contains: "x"}}}',
        'tags: {none: {name: {eq: "x"}}}',
        'search: "elect*"',
        "wordCount: {gt: 5000}",
        'story: {title: {contains: "x"}}',
        'not: {byline: {contains: "x"}}',
        'and: [{or: [{kicker: {contains: "x"}}]}]',
    ],
)
async def test_conditions_that_no_index_serves_are_charged(large: Executor, condition: str) -> None:
    """More in a larger newsroom, more inside lists, and more often than once."""
    query = "{ articles(first: 1, filter: {%s}) { nodes { id } } }" % condition  # noqa: UP031
    plain = await cost(large, "{ articles(first: 1) { nodes { id } } }")
    once = await cost(large, query)
    assert once > plain
    several = condition.replace('"x"', '"y"')
    assert await cost(large, query.replace(condition, f"or: [{{{condition}}}, {{{several}}}]")) > once
    nested = await cost(large, "{ categories(first: 5) { nodes " + query + " } }")
    assert nested > 4 * (once - plain)
    large.articles.value = 0
    assert await cost(large, query + " #") == plain


@pytest.mark.parametrize(
    "arguments",
    [
        'filter: {slug: {eq: "x"}}',
        'filter: {contentType: {eq: NEWS}, publishedAt: {gt: "2026-01-01T00:00:00Z"}}',
        'filter: {tags: {some: {slug: {eq: "x"}}}}',
        'filter: {sources: {none: {id: {eq: "src_1"}}}}',
        "orderBy: [PUBLISHED_AT_ASC]",
        'section: "world"',
    ],
)
async def test_conditions_that_an_index_serves_cost_nothing(large: Executor, arguments: str) -> None:
    plain = await cost(large, "{ articles(first: 1) { nodes { id } } }")
    query = f"{{ articles(first: 1, {arguments}) {{ nodes {{ id }} }} }}"
    if "section" in arguments:
        query = query.replace("articles(", "latestNews(")
    assert await cost(large, query) == plain


async def test_the_number_of_scanning_conditions_is_limited(demo_executor: Executor) -> None:
    """In any newsroom, over all lists of the operation; the page and its total count are one list."""

    def query(conditions: int) -> str:
        each = ", ".join(f'{{summary: {{contains: "x{i}"}}}}' for i in range(conditions))
        return f"{{ articles(first: 1, filter: {{or: [{each}]}}) {{ totalCount nodes {{ id }} }} }}"

    await cost(demo_executor, query(20))
    assert await code(demo_executor, query(21)) == "INPUT_LIMIT_EXCEEDED"
    two = query(11)[1:-1]
    assert await code(demo_executor, f"{{ a: {two} b: {two} }}") == "INPUT_LIMIT_EXCEEDED"
    every = ", ".join(f'{{sources: {{every: {{name: {{contains: "{i}"}}}}}}}}' for i in range(20))
    assert (
        await code(demo_executor, f"{{ articles(filter: {{or: [{every}]}}) {{ nodes {{ id }} }} }}")
        == "INPUT_LIMIT_EXCEEDED"
    )


@pytest.mark.parametrize(
    ("text", "allowed"),
    [
        ("a* or b* or c* or d*", True),
        ("a* or b* or c* or d* or e*", False),
        ("-a* -b* -c* -d* -e* x", False),
        (" ".join(["word"] * 24), True),
        (" ".join(["word"] * 25), False),
        (" ".join(['"two words"'] * 25), False),
    ],
)
async def test_the_number_of_search_terms_is_limited(
    demo_executor: Executor, text: str, allowed: bool
) -> None:
    """Terms past the limit are an error: nothing is dropped without a word."""
    query = "query($s: String) { articles(first: 1, search: $s) { totalCount } }"
    for _ in range(2):
        if allowed:
            await cost(demo_executor, query, {"s": text})
        else:
            assert await code(demo_executor, query, {"s": text}) == "INPUT_LIMIT_EXCEEDED"


async def test_the_size_of_the_newsroom_is_that_of_public_articles(demo_executor: Executor) -> None:
    """Rounded up, so that costs tell nothing about drafts and little about the rest."""
    total = await execute(demo_executor, "{ articles(first: 1) { totalCount } }")
    await demo_executor.articles.update()
    count = total["data"]["articles"]["totalCount"]
    assert count <= demo_executor.articles.value < 2 * count
    assert demo_executor.articles.value.bit_count() == 1


# Places


class SlowScans(Database):
    """A database in which searching texts lasts until it is released."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.released = asyncio.Event()
        self.scans = 0

    async def row(self, sql: str, values: Sequence[Any], seconds: float = 5.0) -> Row:
        if "instr(" in sql or "strpos(" in sql:
            self.scans += 1
            async with asyncio.timeout(seconds):
                await self.released.wait()
        return await super().row(sql, values, seconds)


@pytest.fixture
async def slow(demo_url: str) -> AsyncIterator[tuple[Executor, SlowScans]]:
    database = SlowScans(demo_url)
    async with database:
        executor = build_executor(Settings(response_cache_bytes=0), database)
        executor.now = lambda: NOW
        executor.articles.value = ARTICLES
        yield executor, database


async def test_scans_leave_connections_for_other_operations(slow: tuple[Executor, SlowScans]) -> None:
    """However many scans are requested, few run at once; those that cannot wait are refused for a while."""
    executor, database = slow
    scans = [
        asyncio.create_task(executor.execute(GraphQLRequest(HEAVY.replace("x0", f"y{i}")))) for i in range(60)
    ]
    await asyncio.sleep(0.05)
    for _ in range(20):
        response = await executor.execute(GraphQLRequest(LIGHT))
        assert response.status == 200
    assert 0 < database.scans < database.readers
    refused = [task.result() for task in scans if task.done()]
    assert refused
    assert all(response.codes == ("SERVICE_OVERLOADED",) for response in refused)
    assert all(response.retry_after for response in refused)
    database.released.set()
    results: list[GraphQLResponse] = await asyncio.gather(*scans)
    assert {response.status for response in results} == {200, 503}
