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

TWO = """
query Names { categories(first: 1) { nodes { name } } }
query Paths { categories(first: 1) { nodes { path } } }
"""


async def data(executor: Executor, query: str, variables: Mapping[str, Any] | None = None) -> Any:
    response = await executor.execute(GraphQLRequest(query, None, variables or {}))
    assert response.status == 200, response.body
    return orjson.loads(response.body)["data"]


async def code(executor: Executor, query: str, variables: Mapping[str, Any] | None = None) -> str:
    response = await executor.execute(GraphQLRequest(query, None, variables or {}))
    (results,) = set(error_codes(response.status, response.body))
    return results


# Which operation


async def test_of_several_operations_the_named_one_is_run(demo_executor: Executor) -> None:
    """Each by its name; without a name, or with an unknown one, it is refused and the names are given."""
    for name, field in (("Names", "name"), ("Paths", "path")):
        response = await demo_executor.execute(GraphQLRequest(TWO, name))
        assert list(orjson.loads(response.body)["data"]["categories"]["nodes"][0]) == [field]
    for unknown in (None, "", "Others", "names", "x" * 10_000):
        response = await demo_executor.execute(GraphQLRequest(TWO, unknown))
        assert response.status == 422
        assert error_codes(response.status, response.body) == ["OPERATION_RESOLUTION_FAILURE"]
        (error,) = orjson.loads(response.body)["errors"]
        assert "Names, Paths" in error["extensions"]["hint"]
        assert len(error["message"]) < 300


async def test_variables_of_one_operation_do_not_reach_another(demo_executor: Executor) -> None:
    """A required variable of the other operation need not be given."""
    query = "query A($n: Int!) { tags(first: $n) { totalCount } } query B { viewer { __typename } }"
    assert (await demo_executor.execute(GraphQLRequest(query, "B"))).status == 200
    assert (await demo_executor.execute(GraphQLRequest(query, "A"))).codes == ("BAD_USER_INPUT",)


async def test_undeclared_variables_are_ignored(demo_executor: Executor) -> None:
    """As the specification wants it: they change nothing, whatever they hold."""
    query = "query($n: Int) { categories(first: $n) { nodes { path } } }"
    plain = await data(demo_executor, query, {"n": 2})
    assert await data(demo_executor, query, {"n": 2, "m": {"deep": [[1]]}, "": None, "__proto__": 1}) == plain


# What is not there, and what cannot be


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
async def test_what_is_unknown_is_null(demo_executor: Executor, field: str) -> None:
    """A slug, path or id that leads nowhere is null without an error."""
    assert list((await data(demo_executor, f"{{ {field} }}")).values()) == [None]


async def test_an_unknown_section_is_an_empty_list(demo_executor: Executor) -> None:
    """Lists of what is not there are empty, and count nothing."""
    result = await data(demo_executor, '{ latestNews(section: "no/such") { totalCount nodes { id } } }')
    assert result == {"latestNews": {"totalCount": 0, "nodes": []}}


BAD_IDS = [
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


@pytest.mark.parametrize("bad", BAD_IDS)
async def test_malformed_ids_get_an_error_code(demo_executor: Executor, bad: str) -> None:
    """INVALID_ID wherever an id may stand, at the root, in lists, in filters; with a hint, and short."""
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
        assert await code(demo_executor, f"query($id: {declared}) {{ {field} }}", {"id": bad}) == "INVALID_ID"


async def test_ids_of_another_type_get_an_error_code(demo_executor: Executor) -> None:
    """A source's id does not find an article; the answer says which kinds were mixed up."""
    for expected in ("article", "category", "media", "attribution", "tag", "author", "story", "collection"):
        response = await demo_executor.execute(GraphQLRequest(f'{{ {expected}(id: "src_1") {{ id }} }}'))
        assert error_codes(response.status, response.body) == ["INVALID_ID"]
        assert f"id of a source, and a {expected}" in orjson.loads(response.body)["errors"][0]["message"]


async def test_one_of_two_ways_must_be_chosen(demo_executor: Executor) -> None:
    """Neither id nor slug, or both, is BAD_USER_INPUT."""
    for arguments in ("", '(id: "art_1", slug: "x")', "(id: null)", "(slug: null, id: null)"):
        assert await code(demo_executor, f"{{ article{arguments} {{ id }} }}") == "BAD_USER_INPUT"


# Cursors


CURSOR = "{ articles(first: 2) { pageInfo { endCursor } } }"
AFTER = "query($c: String) { articles(first: 2, after: $c) { nodes { id } } }"


async def test_damaged_cursors_get_an_error_code(demo_executor: Executor) -> None:
    """Every cut, swap or flip of a cursor is INVALID_CURSOR or another place in the same list."""
    cursor = (await data(demo_executor, CURSOR))["articles"]["pageInfo"]["endCursor"]
    mark, *parts = cursor.split(".")
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
        mark,
        f"{mark}.",
        f"{mark}.{parts[0]}",
        f"{mark}.{parts[0]}.{parts[1]}.{parts[1]}",
        f"{mark}.{parts[1]}.{parts[0]}",
        f"{mark}.{parts[0]}.x",
        f"{mark}.{parts[0]}.9223372036854775808",
        f"{mark}.{parts[0]}.{'9' * 4_999}",
        f"{mark}.2026-13-01T00:00:00Z.{parts[1]}",
        f"{mark}.2026-06-30T08:00:00+02:00.{parts[1]}",
        f"{mark}.2026-02-30T08:00:00Z.{parts[1]}",
        f"{mark}.infinity.{parts[1]}",
        f"{mark}.{parts[0]}.1 or 1=1",
        f"{'0' * len(mark)}.{parts[0]}.{parts[1]}",
    ]
    for bad in damaged:
        assert await code(demo_executor, AFTER, {"c": bad}) == "INVALID_CURSOR", bad
    for place in range(len(cursor)):
        response = await demo_executor.execute(
            GraphQLRequest(AFTER, None, {"c": cursor[:place] + "7" + cursor[place + 1 :]})
        )
        assert not response.codes or response.codes == ("INVALID_CURSOR",), response.body


async def test_cursors_of_another_list_get_an_error_code(demo_executor: Executor) -> None:
    """Another root, parent field, filter, search, order or type does not take it; another page size does."""
    cursor = (await data(demo_executor, CURSOR))["articles"]["pageInfo"]["endCursor"]
    for field in (
        "tags(after: $c)",
        "latestNews(after: $c)",
        "articles(after: $c, orderBy: [UPDATED_AT_DESC])",
        "articles(after: $c, orderBy: [PUBLISHED_AT_DESC])",
        "articles(after: $c, filter: {urgency: {gte: 1}})",
        'articles(after: $c, search: "kim")',
        'articles(after: $c, filter: {not: {slug: {eq: "x"}}})',
    ):
        assert await code(
            demo_executor, f"query($c: String) {{ {field} {{ nodes {{ id }} }} }}", {"c": cursor}
        ) in ("INVALID_CURSOR",)
    below = "query($c: String) { categories(first: 1) { nodes { articles(after: $c) { nodes { id } } } } }"
    assert await code(demo_executor, below, {"c": cursor}) == "INVALID_CURSOR"
    assert await data(demo_executor, AFTER.replace("first: 2", "first: 5"), {"c": cursor})


# Introspection


async def test_the_schema_can_be_asked_for_whole(demo_executor: Executor) -> None:
    """The query that every tool sends gives the very schema, in one answer and without the database."""
    query = get_introspection_query(
        specified_by_url=True, input_value_deprecation=True, directive_is_repeatable=True
    )
    result = build_client_schema(await data(demo_executor, query))
    ours = get_schema()._schema
    assert result.type_map.keys() == ours.type_map.keys()
    assert await data(demo_executor, '{ __type(name: "Nonsense") { name } __typename }') == {
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
async def test_introspection_in_circles_is_refused(demo_executor: Executor, query: str) -> None:
    """Types of fields of types of fields would grow without end: refused before it is walked."""
    assert await code(demo_executor, query) in ("GRAPHQL_VALIDATION_FAILED", "DEPTH_LIMIT_EXCEEDED")


async def test_introspection_many_times_over_is_bounded(demo_executor: Executor) -> None:
    """The whole schema twenty times in one operation ends soon, one way or another."""
    inner = "types { name description fields { name description args { name description } } }"
    query = "{" + " ".join(f"a{i}: __schema {{ {inner} }}" for i in range(20)) + "}"
    async with asyncio.timeout(10):
        response = await demo_executor.execute(GraphQLRequest(query))
    assert not response.codes or error_codes(response.status, response.body)


# What is remembered


async def test_what_is_remembered_has_bounds(demo_url: str) -> None:
    """Of hundreds of documents and shapes of variables, only as many plans stay as are allowed."""

    def plans() -> int:
        return sum(type(match) is Plan for match in gc.get_objects())

    async with Database(demo_url) as database:
        executor = Executor(database, get_catalog(), documents=5, characters=1_000, plans=3)
        before = plans()
        for i in range(100):
            assert await data(executor, f"{{ viewer {{ a{i}: __typename }} }}")
        assert await data(executor, "{ viewer { __typename } }" + " " * 2_000)
        query = "query($n: Int) { categories(first: $n) { nodes { path } } }"
        paths = (await data(executor, query, {"n": 100}))["categories"]["nodes"]
        for n in range(1, 50):
            assert (await data(executor, query, {"n": n}))["categories"]["nodes"] == paths[:n]
        assert plans() - before <= 5 * 3


# Faults


class Broken(Database):
    """A database whose driver fails with an unexpected error."""

    async def row(self, sql: str, values: Sequence[Any], seconds: float = 5.0) -> Row:
        raise RuntimeError(f"secret of {__file__}: {sql}")

    async def snapshot(self, work: Callable[..., Any], seconds: float = 5.0) -> Any:
        raise RuntimeError("secret")


async def test_internal_errors_are_masked_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    """The client gets one sentence and the request's id; under that id the log has the trace."""
    executor = Executor(Broken("sqlite:///nowhere.sqlite3"), get_catalog())
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


async def test_a_database_that_went_away_is_told_apart_from_a_fault(demo_url: str) -> None:
    """DATABASE_UNAVAILABLE, 503, may be sent again; no word of what the driver said."""

    class Gone(Database):
        async def row(self, sql: str, values: Sequence[Any], seconds: float = 5.0) -> Row:
            raise ApiError("DATABASE_UNAVAILABLE", "The database does not answer just now.")

    response = await Executor(Gone(demo_url), get_catalog()).execute(
        GraphQLRequest("{ articles { nodes { id } } }")
    )
    assert (response.status, response.codes) == (503, ("DATABASE_UNAVAILABLE",))


# Statements that would keep a database busy for a minute at least.
ENDLESS: Mapping[str, str] = {
    "postgres": "select pg_sleep(60)",
    "sqlite": "with recursive n(x) as (select 1 union all select x + 1 from n where x < 1e12)"
    " select max(x) from n",
}


@pytest.fixture
async def hurried(demo_url: str) -> AsyncIterator[Executor]:
    """Answers with half a second for each operation, from a database with one reader."""
    async with Database(demo_url, readers=1) as database:
        yield build_executor(Settings(operation_timeout_seconds=0.5), database)


async def test_a_statement_that_runs_too_long_is_cancelled_in_the_database(
    hurried: Executor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """TIMEOUT for the client, and the database's only reader is free for the next one at once."""
    database = hurried.database
    real, wait = database.row, ENDLESS[database.dialect]
    slow = True

    async def row(sql: str, values: Sequence[Any], seconds: float = 5.0) -> Row:
        return await real(wait, [], seconds) if slow else await real(sql, values, seconds)

    monkeypatch.setattr(database, "row", row)
    query = "{ categories(first: 1) { nodes { path } } }"
    async with asyncio.timeout(20):  # a minute, were it not cancelled
        response = await hurried.execute(GraphQLRequest(query))
        assert (response.status, response.codes) == (503, ("TIMEOUT",))
        assert "0.5 seconds" in orjson.loads(response.body)["errors"][0]["message"]
        slow = False
        assert (await hurried.execute(GraphQLRequest(query))).status == 200
    if database.dialect == "postgres":
        result = await real(
            "select count(*) from pg_stat_activity where query like '%pg_sleep(60)%' and state = 'active'"
            " and pid <> pg_backend_pid()",
            [],
        )
        assert result[0] == 0


async def test_a_client_that_goes_away_frees_the_database(hurried: Executor) -> None:
    """A cancelled request cancels its statement: the only reader serves the next one."""
    database = hurried.database
    wait = asyncio.create_task(database.row(ENDLESS[database.dialect], [], 60))
    await asyncio.sleep(0.2)  # until the statement has begun
    wait.cancel()
    with pytest.raises(asyncio.CancelledError):
        await wait
    async with asyncio.timeout(20):
        assert (
            await hurried.execute(GraphQLRequest("{ categories(first: 1) { nodes { path } } }"))
        ).status == 200


def test_every_code_has_a_status_and_a_meaning() -> None:
    """The table that README prints: client's codes below 500, ours and the moment's above."""
    assert all(meaning.endswith(".") for _, meaning in ERROR_CODES.values())
    assert {code for code, (status, _) in ERROR_CODES.items() if status >= 500} == {
        "SERVICE_OVERLOADED",
        "TIMEOUT",
        "DATABASE_UNAVAILABLE",
        "IDENTITY_PROVIDER_UNAVAILABLE",
        "INTERNAL_SERVER_ERROR",
    }
