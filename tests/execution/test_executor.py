"""Execution of operations: operation selection, variables, errors and complete responses."""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any

import orjson
import pytest
from graphql import build_client_schema, get_introspection_query
from tests.support.http_client import error_codes

from contentql.app import build_executor
from contentql.errors import ERROR_CODES, ApiError
from contentql.execution.executor import Executor
from contentql.execution.request import GraphQLRequest
from contentql.planner.plan import Plan
from contentql.schema.build import get_catalog, get_schema
from contentql.settings import Settings
from contentql.store.database import Database, Row
from contentql.telemetry.trace import RequestTrace

TWO_OPERATIONS = """
query Names { categories(first: 1) { nodes { name } } }
query Paths { categories(first: 1) { nodes { path } } }
"""


async def fetch_data(executor: Executor, query: str, variables: Mapping[str, Any] | None = None) -> Any:
    """The data of a response without errors."""
    response = await executor.execute(GraphQLRequest(query, None, variables or {}))
    assert response.status == 200, response.body
    return orjson.loads(response.body)["data"]


async def fetch_error_code(executor: Executor, query: str, variables: Mapping[str, Any] | None = None) -> str:
    """The only error code of the response."""
    response = await executor.execute(GraphQLRequest(query, None, variables or {}))
    (error_code,) = set(error_codes(response.status, response.body))
    return error_code


# Operation selection


async def test_operation_name_selects_the_operation(demo_executor: Executor) -> None:
    """Without a name, or with an unknown one, the error lists the names."""
    for name, field in (("Names", "name"), ("Paths", "path")):
        response = await demo_executor.execute(GraphQLRequest(TWO_OPERATIONS, name))
        assert list(orjson.loads(response.body)["data"]["categories"]["nodes"][0]) == [field]
    for unknown in (None, "", "Others", "names", "x" * 10_000):
        response = await demo_executor.execute(GraphQLRequest(TWO_OPERATIONS, unknown))
        assert response.status == 422
        assert error_codes(response.status, response.body) == ["OPERATION_RESOLUTION_FAILURE"]
        (error,) = orjson.loads(response.body)["errors"]
        assert "Names, Paths" in error["extensions"]["hint"]
        assert len(error["message"]) < 300


async def test_variables_belong_to_the_selected_operation(demo_executor: Executor) -> None:
    """Required variables of other operations may be missing."""
    query = "query A($n: Int!) { tags(first: $n) { totalCount } } query B { viewer { __typename } }"
    assert (await demo_executor.execute(GraphQLRequest(query, "B"))).status == 200
    assert (await demo_executor.execute(GraphQLRequest(query, "A"))).codes == ("BAD_USER_INPUT",)


async def test_undeclared_variables_are_ignored(demo_executor: Executor) -> None:
    """As the GraphQL specification requires, whatever their values are."""
    query = "query($n: Int) { categories(first: $n) { nodes { path } } }"
    plain = await fetch_data(demo_executor, query, {"n": 2})
    assert (
        await fetch_data(demo_executor, query, {"n": 2, "m": {"deep": [[1]]}, "": None, "__proto__": 1})
        == plain
    )


# Missing objects and invalid ids


@pytest.mark.parametrize(
    "field",
    [
        'article(slug: "no-such-article") { id }',
        'article(id: "art_999999") { id }',
        'category(path: "no/such/path") { id }',
        'media(id: "med_999999") { id }',
        'attribution(id: "att_999999") { id }',
        'source(slug: "nobody") { id }',
        'tag(slug: "nothing") { id }',
        'author(slug: "nobody") { id }',
        'story(slug: "nothing") { id }',
        'collection(slug: "nothing") { id }',
        'node(id: "art_999999") { id }',
        'node(id: "cor_999999") { id }',
    ],
)
async def test_unknown_objects_are_null(demo_executor: Executor, field: str) -> None:
    """By slug, path or id, without an error."""
    assert list((await fetch_data(demo_executor, f"{{ {field} }}")).values()) == [None]


async def test_lists_of_unknown_sections_are_empty(demo_executor: Executor) -> None:
    result = await fetch_data(demo_executor, '{ latestNews(section: "no/such") { totalCount nodes { id } } }')
    assert result == {"latestNews": {"totalCount": 0, "nodes": []}}


MALFORMED_IDS = [
    "",
    "x",
    "1",
    "art",
    "art_",
    "art_x",
    "art_-1",
    "art_01",
    "art_1 ",
    " art_1",
    "ART_1",
    "art_१",
    "art_9223372036854775808",
    "art_1e5",
    "art_1.0",
    "art_0x10",
    "art_+1",
    "art_1_1",
    "zzz_1",
]


@pytest.mark.parametrize("malformed", MALFORMED_IDS)
async def test_malformed_ids_get_an_error_code(demo_executor: Executor, malformed: str) -> None:
    """INVALID_ID for every argument with an id: root fields, lists and filters."""
    for declared, field in (
        ("ID!", "article(id: $id) { id }"),
        ("ID!", "node(id: $id) { id }"),
        ("ID!", "nodes(ids: [$id]) { id }"),
        ("ID!", "articles(filter: {id: {eq: $id}}) { nodes { id } }"),
        ("ID!", "articles(filter: {id: {notIn: [$id]}}) { nodes { id } }"),
        ("ID!", "latestNews(excludeIds: [$id]) { nodes { id } }"),
        (
            "ID!",
            "tags(first: 1) { nodes { articles(filter: {category: {id: {ne: $id}}}) { totalCount } } }",
        ),
    ):
        assert (
            await fetch_error_code(demo_executor, f"query($id: {declared}) {{ {field} }}", {"id": malformed})
            == "INVALID_ID"
        )


async def test_ids_of_another_type_get_an_error_code(demo_executor: Executor) -> None:
    """The message names both types."""
    for expected in ("article", "category", "media", "attribution", "tag", "author", "story", "collection"):
        response = await demo_executor.execute(GraphQLRequest(f'{{ {expected}(id: "src_1") {{ id }} }}'))
        assert error_codes(response.status, response.body) == ["INVALID_ID"]
        assert f"id of a source, and a {expected}" in orjson.loads(response.body)["errors"][0]["message"]


async def test_exactly_one_identifying_argument_is_required(demo_executor: Executor) -> None:
    """Neither id nor slug, or both, is a validation error."""
    for arguments in ("", '(id: "art_1", slug: "x")', "(id: null)", "(slug: null, id: null)"):
        code = await fetch_error_code(demo_executor, f"{{ article{arguments} {{ id }} }}")
        assert code == "GRAPHQL_VALIDATION_FAILED"


# Cursors


CURSOR = "{ articles(first: 2) { pageInfo { endCursor } } }"
AFTER = "query($c: String) { articles(first: 2, after: $c) { nodes { id } } }"


async def test_damaged_cursors_get_an_error_code(demo_executor: Executor) -> None:
    """A changed cursor is INVALID_CURSOR, or the cursor of another item of the same list."""
    cursor = (await fetch_data(demo_executor, CURSOR))["articles"]["pageInfo"]["endCursor"]
    fingerprint, *parts = cursor.split(".")
    damaged = [
        *(
            "",
            ".",
            "x",
            "\0",
            "null",
            "0",
            "..",
            "....",
            "é" * 20,
            "9" * 5_000,
            cursor * 100,
            cursor.upper() + "x",
        ),
        fingerprint,
        f"{fingerprint}.",
        f"{fingerprint}.{parts[0]}",
        f"{fingerprint}.{parts[0]}.{parts[1]}.{parts[1]}",
        f"{fingerprint}.{parts[1]}.{parts[0]}",
        f"{fingerprint}.{parts[0]}.x",
        f"{fingerprint}.{parts[0]}.9223372036854775808",
        f"{fingerprint}.{parts[0]}.{'9' * 4_999}",
        f"{fingerprint}.2026-13-01T00:00:00Z.{parts[1]}",
        f"{fingerprint}.2026-06-30T08:00:00+02:00.{parts[1]}",
        f"{fingerprint}.2026-02-30T08:00:00Z.{parts[1]}",
        f"{fingerprint}.infinity.{parts[1]}",
        f"{fingerprint}.{parts[0]}.1 or 1=1",
        f"{'0' * len(fingerprint)}.{parts[0]}.{parts[1]}",
    ]
    for cursor_text in damaged:
        assert await fetch_error_code(demo_executor, AFTER, {"c": cursor_text}) == "INVALID_CURSOR", (
            cursor_text
        )
    for index in range(len(cursor)):
        response = await demo_executor.execute(
            GraphQLRequest(AFTER, None, {"c": cursor[:index] + "7" + cursor[index + 1 :]})
        )
        assert not response.codes or response.codes == ("INVALID_CURSOR",), response.body


async def test_cursors_of_another_list_get_an_error_code(demo_executor: Executor) -> None:
    """A cursor fits one field, filter, search and order, but any page size."""
    cursor = (await fetch_data(demo_executor, CURSOR))["articles"]["pageInfo"]["endCursor"]
    for field in (
        "tags(after: $c)",
        "latestNews(after: $c)",
        "articles(after: $c, orderBy: [UPDATED_AT_DESC])",
        "articles(after: $c, orderBy: [PUBLISHED_AT_ASC])",
        "articles(after: $c, filter: {urgency: {gte: 1}})",
        'articles(after: $c, search: "kim")',
        'articles(after: $c, filter: {not: {slug: {eq: "x"}}})',
    ):
        assert await fetch_error_code(
            demo_executor, f"query($c: String) {{ {field} {{ nodes {{ id }} }} }}", {"c": cursor}
        ) in ("INVALID_CURSOR",)
    below = "query($c: String) { categories(first: 1) { nodes { articles(after: $c) { nodes { id } } } } }"
    assert await fetch_error_code(demo_executor, below, {"c": cursor}) == "INVALID_CURSOR"
    assert await fetch_data(demo_executor, AFTER.replace("first: 2", "first: 5"), {"c": cursor})


# Introspection


async def test_introspection_returns_the_schema(demo_executor: Executor) -> None:
    """The introspection query of common tools, in one response."""
    query = get_introspection_query(
        specified_by_url=True, input_value_deprecation=True, directive_is_repeatable=True
    )
    result = build_client_schema(await fetch_data(demo_executor, query))
    schema = get_schema()._schema
    assert result.type_map.keys() == schema.type_map.keys()
    assert await fetch_data(demo_executor, '{ __type(name: "Nonsense") { name } __typename }') == {
        "__type": None,
        "__typename": "Query",
    }


@pytest.mark.parametrize(
    "query",
    [
        "{ __schema { types { fields { type { fields { type { fields { type { name } } } } } } } } }",
        "{ __schema { types { possibleTypes { interfaces { possibleTypes { interfaces { name } } } } } } }",
        '{ __type(name: "Article") { fields { type { fields { type { fields { name } } } } } } }',
        "{ __schema { types { ...A } } } fragment A on __Type { fields { type { ...B } } }"
        " fragment B on __Type { fields { type { ...C } } } fragment C on __Type { fields { name } }",
    ],
)
async def test_recursive_introspection_is_rejected(demo_executor: Executor, query: str) -> None:
    """Nested types of fields would grow exponentially."""
    assert await fetch_error_code(demo_executor, query) in (
        "GRAPHQL_VALIDATION_FAILED",
        "DEPTH_LIMIT_EXCEEDED",
    )


async def test_repeated_introspection_finishes_in_time(demo_executor: Executor) -> None:
    """The whole schema twenty times in one operation is executed or rejected within ten seconds."""
    inner = "types { name description fields { name description args { name description } } }"
    query = "{" + " ".join(f"a{i}: __schema {{ {inner} }}" for i in range(20)) + "}"
    async with asyncio.timeout(10):
        response = await demo_executor.execute(GraphQLRequest(query))
    assert not response.codes or error_codes(response.status, response.body)


# Plan cache


async def test_plan_cache_is_limited(demo_url: str) -> None:
    """By the size of documents and plans, for many documents and for many shapes of variables."""

    def count_plans() -> int:
        return sum(type(candidate) is Plan for candidate in gc.get_objects())

    async with Database(demo_url) as database:
        executor = Executor(database, get_catalog(), memory_bytes=60_000)
        before = count_plans()
        for i in range(100):
            assert await fetch_data(executor, f"{{ viewer {{ a{i}: __typename }} }}")
        assert await fetch_data(executor, "{ viewer { __typename } }" + " " * 2_000)
        query = "query($n: Int) { categories(first: $n) { nodes { path } } }"
        paths = (await fetch_data(executor, query, {"n": 100}))["categories"]["nodes"]
        for n in range(1, 50):
            assert (await fetch_data(executor, query, {"n": n}))["categories"]["nodes"] == paths[:n]
        assert count_plans() - before <= 5 * 3


# Internal errors


class BrokenDatabase(Database):
    """A database whose driver fails with an unexpected error."""

    async def row(self, sql: str, values: Sequence[Any], seconds: float = 5.0) -> Row:
        raise RuntimeError(f"secret of {__file__}: {sql}")

    async def snapshot(self, work: Callable[..., Any], seconds: float = 5.0) -> Any:
        raise RuntimeError("secret")


async def test_internal_errors_are_masked_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    """The response has a general message and the request id, the log has the traceback."""
    executor = Executor(BrokenDatabase("sqlite:///nowhere.sqlite3"), get_catalog())
    with caplog.at_level(logging.ERROR, "contentql"):
        response = await executor.execute(
            GraphQLRequest("{ articles { nodes { id } } }"), RequestTrace("req-17")
        )
    assert (response.status, response.codes) == (500, ("INTERNAL_SERVER_ERROR",))
    assert orjson.loads(response.body) == {
        "errors": [
            {
                "message": "Something went wrong on our side.",
                "extensions": {"code": "INTERNAL_SERVER_ERROR", "requestId": "req-17"},
            }
        ]
    }
    (record,) = caplog.records
    assert "req-17" in record.getMessage()
    assert record.exc_info
    assert "secret of" in caplog.text


async def test_database_outage_is_not_an_internal_error(demo_url: str) -> None:
    """It is DATABASE_UNAVAILABLE with status 503."""

    class UnavailableDatabase(Database):
        async def row(self, sql: str, values: Sequence[Any], seconds: float = 5.0) -> Row:
            raise ApiError("DATABASE_UNAVAILABLE", "The database does not answer just now.")

    response = await Executor(UnavailableDatabase(demo_url), get_catalog()).execute(
        GraphQLRequest("{ articles { nodes { id } } }")
    )
    assert (response.status, response.codes) == (503, ("DATABASE_UNAVAILABLE",))


# Statements that run for at least a minute.
ENDLESS_STATEMENTS: Mapping[str, str] = {
    "postgres": "select pg_sleep(60)",
    "sqlite": "with recursive n(x) as (select 1 union all select x + 1 from n where x < 1e12)"
    " select max(x) from n",
}


@pytest.fixture
async def executor_with_timeout(demo_url: str) -> AsyncIterator[Executor]:
    """An executor with a timeout of half a second, and one database reader."""
    async with Database(demo_url, readers=1) as database:
        yield build_executor(Settings(operation_timeout_seconds=0.5), database)


async def test_slow_statements_are_cancelled_in_the_database(
    executor_with_timeout: Executor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error is TIMEOUT, and the only reader is free for the next request."""
    database = executor_with_timeout.database
    read_row, statement = database.row, ENDLESS_STATEMENTS[database.dialect]
    is_slow = True

    async def row(sql: str, values: Sequence[Any], seconds: float = 5.0) -> Row:
        return await read_row(statement, [], seconds) if is_slow else await read_row(sql, values, seconds)

    monkeypatch.setattr(database, "row", row)
    query = "{ categories(first: 1) { nodes { path } } }"
    async with asyncio.timeout(20):  # a minute, were it not cancelled
        response = await executor_with_timeout.execute(GraphQLRequest(query))
        assert (response.status, response.codes) == (503, ("TIMEOUT",))
        assert "0.5 seconds" in orjson.loads(response.body)["errors"][0]["message"]
        is_slow = False
        assert (await executor_with_timeout.execute(GraphQLRequest(query))).status == 200
    if database.dialect == "postgres":
        result = await read_row(
            "select count(*) from pg_stat_activity where query like '%pg_sleep(60)%' and state = 'active'"
            " and pid <> pg_backend_pid()",
            [],
        )
        assert result[0] == 0


async def test_cancelled_requests_cancel_their_statement(executor_with_timeout: Executor) -> None:
    """The only reader is free for the next request."""
    database = executor_with_timeout.database
    statement = asyncio.create_task(database.row(ENDLESS_STATEMENTS[database.dialect], [], 60))
    await asyncio.sleep(0.2)  # until the statement has begun
    statement.cancel()
    with pytest.raises(asyncio.CancelledError):
        await statement
    async with asyncio.timeout(20):
        assert (
            await executor_with_timeout.execute(GraphQLRequest("{ categories(first: 1) { nodes { path } } }"))
        ).status == 200


def test_error_codes_have_a_status_and_a_description() -> None:
    """Errors of clients are below 500, errors and overload of the server above."""
    assert all(meaning.endswith(".") for _, meaning in ERROR_CODES.values())
    assert {fetch_error_code for fetch_error_code, (status, _) in ERROR_CODES.items() if status >= 500} == {
        "SERVICE_OVERLOADED",
        "TIMEOUT",
        "DATABASE_UNAVAILABLE",
        "IDENTITY_PROVIDER_UNAVAILABLE",
        "INTERNAL_SERVER_ERROR",
    }
