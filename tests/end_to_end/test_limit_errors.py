"""Every request beyond a limit gets a stable code with the limit, over every transport."""

from __future__ import annotations

import asyncio
import contextlib
import re
import sqlite3
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx2
import orjson
import pytest
from tests.cli.test_serving import TIMEOUT_SECONDS, RunningServer, running_server, started_server
from tests.conftest import Server
from tests.support.durability import create_token, draft_input
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from contentql.store.database import Database
from contentql.store.trusted_documents import NewTrustedDocument, add_documents, sha256

pytestmark = pytest.mark.slow

# An entry of `errors`.
Error = Mapping[str, Any]
NOTHING: dict[str, str] = {}


@dataclass(frozen=True)
class LimitCase:
    """An operation beyond a limit. `count`: extension with the exceeding number, and that number if known."""

    code: str
    limit: float
    document: str
    variables: Mapping[str, Any] = field(default_factory=dict)
    count: tuple[str, int | None] | None = None
    goes_in_url: bool = True  # otherwise it is a mutation, or larger than the URL may be


def repeat(opening: str, times: int, inside: str, closing: str) -> str:
    return opening * times + inside + closing * times


def nested_value(levels: int) -> Any:
    value: Any = {}
    for _ in range(levels):
        value = {"not": value}
    return value


BY_FILTER = "query($v: ArticleFilter) { articles(filter: $v) { totalCount } }"
BY_SEARCH = "query($v: String) { articles(search: $v) { totalCount } }"
BY_SIZE = "query($v: Int) { articles(%s: $v) { nodes { id } } }"
DOUBLING = "".join(
    f" fragment F{n} on Article {{ ...F{n + 1} ... on Article {{ ...F{n + 1} }} }}" for n in range(13)
)

CASES: dict[str, LimitCase] = {
    "characters": LimitCase(
        "DOCUMENT_TOO_LARGE",
        65_536,
        "{ __typename }".ljust(65_537),
        count=("found", 65_537),
        goes_in_url=False,
    ),
    "tokens": LimitCase("DOCUMENT_TOO_LARGE", 2_000, "{ " + "__typename " * 1_999 + "}"),
    "fields after fragments": LimitCase(
        "DOCUMENT_TOO_LARGE",
        5_000,
        "{ articles { nodes { ...F0 } } }" + DOUBLING + " fragment F13 on Article { id }",
        count=("found", 2**13 + 2),
    ),
    "equal fields": LimitCase(
        "DOCUMENT_TOO_LARGE", 50_000, "{ articles { nodes { " + "id slug headline " * 600 + "} } }"
    ),
    "depth": LimitCase(
        "DEPTH_LIMIT_EXCEEDED",
        15,
        "{ articles " + repeat("{ nodes { related ", 8, "{ nodes { id } }", "} } ") + "}",
        count=("found", 19),
    ),
    "depth of introspection": LimitCase(
        "DEPTH_LIMIT_EXCEEDED",
        2,
        "{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }",
    ),
    "aliases": LimitCase(
        "ALIAS_LIMIT_EXCEEDED",
        50,
        "{ categories { nodes { ...F } } } fragment F on Category { "
        + " ".join(f"a{n}: name" for n in range(51))
        + " }",
        count=("found", 51),
    ),
    "root fields": LimitCase(
        "ALIAS_LIMIT_EXCEEDED",
        20,
        "{ ...F } fragment F on Query { " + "viewer { role } " * 21 + "}",
        count=("found", 21),
    ),
    "cost": LimitCase(
        "COST_LIMIT_EXCEEDED",
        10_000,
        "query($v: Int) { articles(first: $v) { nodes { related(first: $v) { nodes { related(first: $v)"
        " { nodes { id } } } } } } }",
        {"v": 100},
        count=("cost", 1_020_201),
    ),
    "cost of introspection": LimitCase(
        "COST_LIMIT_EXCEEDED",
        10_000,
        "{"
        + " ".join(f"a{n}: __schema {{ types {{ fields {{ args {{ name }} }} }} }}" for n in range(20))
        + "}",
        count=("cost", None),
    ),
    "cost of a mutation": LimitCase(
        "COST_LIMIT_EXCEEDED",
        10_000,
        'mutation { createTag(input: {name: "x", type: TOPIC}) { tag { articles(first: 100) { nodes'
        " { related(first: 100) { nodes { related { nodes { id } } } } } } } } }",
        count=("cost", None),
        goes_in_url=False,
    ),
    "scans": LimitCase(
        "INPUT_LIMIT_EXCEEDED",
        20,
        BY_FILTER,
        {"v": {"or": [{"headline": {"contains": f"word {n}"}} for n in range(21)]}},
        count=("found", 21),
    ),
    **{
        f"page by {name}": LimitCase(
            "INVALID_PAGE_SIZE", 100, BY_SIZE % name, {"v": 101}, count=("found", 101)
        )
        for name in ("first", "last")
    },
    "items of a list": LimitCase(
        "INPUT_LIMIT_EXCEEDED",
        250,
        "query($v: [ID!]) { latestNews(excludeIds: $v) { nodes { id } } }",
        {"v": ["art_1"] * 251},
        count=("found", 251),
    ),
    "items of a literal list": LimitCase(
        "INPUT_LIMIT_EXCEEDED",
        250,
        "{ latestNews(filter: {urgency: {in: [" + "1 " * 251 + "]}}) { nodes { id } } }",
        count=("found", 251),
    ),
    "ids of nodes": LimitCase(
        "INPUT_LIMIT_EXCEEDED",
        100,
        "query($v: [ID!]!) { nodes(ids: $v) { id } }",
        {"v": ["art_1"] * 101},
        count=("found", 101),
    ),
    "depth of a filter": LimitCase(
        "INPUT_LIMIT_EXCEEDED", 12, BY_FILTER, {"v": nested_value(12)}, count=("found", 13)
    ),
    "depth of a literal filter": LimitCase(
        "INPUT_LIMIT_EXCEEDED",
        12,
        "{ articles(filter: " + repeat("{not: ", 12, "{}", "}") + ") { totalCount } }",
        count=("found", 13),
    ),
    "depth of a variable": LimitCase("INPUT_LIMIT_EXCEEDED", 64, BY_FILTER, {"v": nested_value(65)}),
    "conditions": LimitCase(
        "INPUT_LIMIT_EXCEEDED",
        500,
        BY_FILTER,
        {"v": {"or": [{"urgency": {"eq": 1}}] * 167}},
        count=("found", 502),
    ),
    "text": LimitCase(
        "INPUT_LIMIT_EXCEEDED",
        10_000,
        "query($v: String!) { article(slug: $v) { id } }",
        {"v": "a" * 10_001},
        count=("found", 10_001),
    ),
    "text of a filter": LimitCase(
        "INPUT_LIMIT_EXCEEDED",
        10_000,
        BY_FILTER,
        {"v": {"slug": {"in": ["a" * 10_001]}}},
        count=("found", 10_001),
    ),
    "digits of an id": LimitCase(
        "INPUT_LIMIT_EXCEEDED", 400, "{ node(id: " + "1" * 401 + ") { id } }", count=("found", 401)
    ),
    "digits": LimitCase(
        "INPUT_LIMIT_EXCEEDED",
        400,
        "{ articles(filter: {urgency: {eq: " + "1" * 401 + "}}) { totalCount } }",
        count=("found", 401),
    ),
    "characters of a search": LimitCase(
        "INPUT_LIMIT_EXCEEDED", 500, BY_SEARCH, {"v": "a" * 501}, count=("found", 501)
    ),
    "words of a search": LimitCase(
        "INPUT_LIMIT_EXCEEDED", 24, BY_SEARCH, {"v": "word " * 25}, count=("found", 25)
    ),
    "prefixes of a search": LimitCase(
        "INPUT_LIMIT_EXCEEDED", 4, BY_SEARCH, {"v": "north* " * 5}, count=("found", 5)
    ),
}


# Transports


def assert_names_the_limit(error: Error, code: str, limit: float) -> None:
    """The error has the code, the limit as number and in its text, and a message and a hint of sentences."""
    extensions = error["extensions"]
    assert (extensions["code"], extensions["limit"]) == (code, limit), error
    for sentence in (error["message"], extensions["hint"]):
        assert re.fullmatch(r"[A-Z`\d].{8,250}\.", sentence), sentence
    assert re.search(rf"(?<![\d,]){limit:,}(?![\d,])", f"{error['message']} {extensions['hint']}"), error


async def execute_by_http(
    running: RunningServer,
    document: str,
    variables: Mapping[str, Any],
    headers: Mapping[str, str],
    *,
    goes_in_url: bool = True,
) -> dict[str, httpx2.Response]:
    """The responses to POST and, unless the document cannot be in a URL, to GET."""
    async with httpx2.AsyncClient(base_url=running.url, timeout=TIMEOUT_SECONDS, headers=headers) as http:
        body = {"query": document, "variables": variables}
        responses = {"POST": await http.post("/graphql", json=body)}
        if goes_in_url:
            parameters = {"query": document, "variables": orjson.dumps(variables).decode()}
            responses["GET"] = await http.get("/graphql", params=parameters)
    return responses


async def execute_by_websocket(
    running: RunningServer, document: str, variables: Mapping[str, Any], headers: Mapping[str, str]
) -> Error:
    """The only error of the operation."""
    async with open_socket(running, headers) as socket:
        payload = {"query": document, "variables": variables}
        await send(socket, type="subscribe", id="1", payload=payload)
        message = await receive(socket)
    return only_error({"errors": message["payload"]} if message["type"] == "error" else message["payload"])


async def execute_everywhere(
    running: RunningServer,
    document: str,
    variables: Mapping[str, Any] = NOTHING,
    headers: Mapping[str, str] = NOTHING,
    *,
    goes_in_url: bool = True,
) -> dict[str, Error]:
    """The only error of the operation by POST, by GET and over a WebSocket."""
    responses, error = await asyncio.gather(
        execute_by_http(running, document, variables, headers, goes_in_url=goes_in_url),
        execute_by_websocket(running, document, variables, headers),
    )
    errors = {transport: only_error(response.json()) for transport, response in responses.items()}
    return {**errors, "WebSocket": error}


def only_error(body: Any) -> Error:
    error: Error
    (error,) = body["errors"]
    return error


@contextlib.asynccontextmanager
async def open_socket(
    running: RunningServer, headers: Mapping[str, str] | None = None
) -> AsyncIterator[ClientConnection]:
    """A WebSocket connection after `connection_ack`."""
    async with connect_to(running, headers) as socket:
        await send(socket, type="connection_init")
        assert (await receive(socket))["type"] == "connection_ack"
        yield socket


def connect_to(running: RunningServer, headers: Mapping[str, str] | None = None) -> connect:
    url = running.url.replace("http", "ws") + "/graphql"
    protocols = [Subprotocol("graphql-transport-ws")]
    return connect(url, subprotocols=protocols, additional_headers=headers, compression=None)


async def send(socket: ClientConnection, **message: Any) -> None:
    await socket.send(orjson.dumps(message).decode())


async def receive(socket: ClientConnection) -> Any:
    async with asyncio.timeout(TIMEOUT_SECONDS):
        return orjson.loads(await socket.recv())


async def close_frame(socket: ClientConnection) -> tuple[int | None, str]:
    """Code and reason of the close frame."""
    with contextlib.suppress(ConnectionClosed):
        async with asyncio.timeout(TIMEOUT_SECONDS):
            while True:
                await socket.recv()
    return socket.close_code, socket.close_reason or ""


# Limits of operations


@pytest.fixture(scope="module")
async def running(
    sqlite_server: Server, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[RunningServer]:
    """A server with the default limits, and the documents of all cases as trusted documents."""
    url = await sqlite_server.demo()
    texts = {case.document for case in CASES.values()}
    await add_documents(Database(url), [NewTrustedDocument(sha256(text), text) for text in sorted(texts)])
    async with running_server(tmp_path_factory.mktemp("limits"), url) as running:
        yield running


@pytest.mark.parametrize("name", CASES)
async def test_errors_of_operations_name_the_limit(running: RunningServer, name: str) -> None:
    """By POST, by GET, as a trusted document, by hash and over a WebSocket: one code, one limit."""
    case = CASES[name]
    errors = await execute_everywhere(running, case.document, case.variables, goes_in_url=case.goes_in_url)
    hash = sha256(case.document)
    async with httpx2.AsyncClient(base_url=running.url, timeout=TIMEOUT_SECONDS) as http:
        trusted = {"documentId": hash, "variables": case.variables}
        errors["trusted"] = only_error((await http.post("/graphql", json=trusted)).json())
        persisted = {"persistedQuery": {"version": 1, "sha256Hash": hash}}
        by_hash = {"extensions": persisted, "variables": case.variables}
        errors["hash"] = only_error((await http.post("/graphql", json=by_hash)).json())
    for transport, error in errors.items():
        assert_names_the_limit(error, case.code, case.limit)
        if case.count:
            key, number = case.count
            count = error["extensions"][key]
            assert count == number if number else count > case.limit, (transport, error)


# Limits of requests and connections


@dataclass(frozen=True)
class Servers:
    """A server with low limits, whose operations all time out, and a server with one place.

    Addresses of clients are those of X-Forwarded-For, so that each test has its own.
    """

    strict: RunningServer
    crowded: RunningServer
    url: str
    editor: Mapping[str, str]


@pytest.fixture(scope="module")
async def servers(sqlite_server: Server, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Servers]:
    url = await sqlite_server.demo()
    strict = {
        "CONTENTQL_MAX_BODY_BYTES": "2048",
        "CONTENTQL_MAX_WEBSOCKETS_PER_ADDRESS": "2",
        "CONTENTQL_OPERATION_TIMEOUT_SECONDS": "0.000001",
        "CONTENTQL_RATE_LIMIT_COST_PER_MINUTE": "20",
        "CONTENTQL_TRUSTED_PROXIES": "127.0.0.1",
    }
    crowded = {"CONTENTQL_MAX_CONCURRENT_OPERATIONS": "1", "CONTENTQL_MAX_CONNECTIONS_PER_ADDRESS": "8"}
    folders = tmp_path_factory.mktemp("strict"), tmp_path_factory.mktemp("crowded")
    async with (
        started_server(folders[0], url, **strict) as first,
        started_server(folders[1], url, **crowded) as second,
    ):
        await asyncio.gather(first.wait_until_live(), second.wait_until_live())
        editor = {"authorization": f"Bearer {await create_token(url)}"}
        yield Servers(first, second, url, editor)


def from_address(number: int) -> dict[str, str]:
    return {"x-forwarded-for": f"203.0.113.{number}"}


READ = "{ latestNews(first: 2) { nodes { slug } } }"


async def test_timeouts_name_the_limit(servers: Servers) -> None:
    """Reads by POST, GET and WebSocket."""
    errors = await execute_everywhere(servers.strict, READ, headers=from_address(1))
    for error in errors.values():
        assert (error["extensions"]["code"], error["extensions"]["limit"]) == ("TIMEOUT", 1e-06)
        assert "longer than 1e-06 seconds" in error["message"]
        assert error["extensions"]["hint"]


async def test_the_rate_limit_names_itself(servers: Servers) -> None:
    """With the points that were used and the seconds to wait, also in Retry-After."""
    headers = from_address(2)
    async with httpx2.AsyncClient(base_url=servers.strict.url, headers=headers) as http:
        for _ in range(20):
            await http.post("/graphql", json={"query": "{ __typename }"})
    for error in (await execute_everywhere(servers.strict, READ, headers=headers)).values():
        assert_names_the_limit(error, "RATE_LIMITED", 20)
        assert error["extensions"]["used"] >= 20
        assert 0 < error["extensions"]["retryAfter"] <= 60
    responses = await execute_by_http(servers.strict, READ, {}, headers)
    for response in responses.values():
        assert response.status_code == 429
        assert int(response.headers["retry-after"]) <= 60


async def test_the_limit_of_invalid_tokens_names_itself(servers: Servers) -> None:
    """By POST, by GET, and in the close frame of a WebSocket."""
    headers = from_address(3)
    async with httpx2.AsyncClient(base_url=servers.strict.url, headers=headers) as http:
        for number in range(10):
            token = {"authorization": f"Bearer cql_{number}"}
            assert (await http.post("/graphql", json={"query": READ}, headers=token)).status_code == 401
    headers["authorization"] = "Bearer cql_10"
    for response in (await execute_by_http(servers.strict, READ, {}, headers)).values():
        assert_names_the_limit(only_error(response.json()), "RATE_LIMITED", 10)
    async with connect_to(servers.strict, headers) as socket:
        await send(socket, type="connection_init")
        code, reason = await close_frame(socket)
    assert code == 4429
    assert "10 tokens" in reason


async def test_too_large_requests_name_the_limit(servers: Servers) -> None:
    """Body, head and number of parameters of a request; message of a WebSocket."""
    large = {"filler": "x" * 2_048}
    async with httpx2.AsyncClient(base_url=servers.strict.url, headers=from_address(4)) as http:
        body = await http.post("/graphql", json={"query": READ, "variables": large})
        chunks = await http.post(
            "/graphql", content=in_chunks(b" " * 3_000), headers={"content-type": "application/json"}
        )
        parameters = await http.get("/graphql", params={f"p{number}": "1" for number in range(21)})
    for response in (body, chunks):
        assert response.status_code == 413
        assert_names_the_limit(only_error(response.json()), "PAYLOAD_TOO_LARGE", 2_048)
    assert_names_the_limit(only_error(parameters.json()), "BAD_REQUEST", 20)
    assert only_error(parameters.json())["extensions"]["found"] == 21
    heads = await execute_by_http(servers.strict, READ, {}, {"x-filler": "x" * 70_000})
    for response in heads.values():
        assert response.status_code == 431
        assert_names_the_limit(only_error(response.json()), "REQUEST_HEADERS_TOO_LARGE", 65_536)
    with pytest.raises(InvalidStatus) as exc_info:
        async with connect_to(servers.strict, {"x-filler": "x" * 70_000}):
            pass
    assert exc_info.value.response.status_code == 431
    async with open_socket(servers.strict, from_address(4)) as socket:
        await send(socket, type="ping", payload=large)
        code, reason = await close_frame(socket)
    assert code == 1009
    assert "2048" in reason


async def in_chunks(content: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(content), 1_000):
        yield content[start : start + 1_000]


async def test_limits_of_websockets_name_themselves(servers: Servers) -> None:
    """Connections of an address in an HTTP response; messages, operations and ids in close frames."""
    headers = from_address(5)
    async with open_socket(servers.strict, headers) as first, open_socket(servers.strict, headers) as second:
        with pytest.raises(InvalidStatus) as exc_info:
            async with connect_to(servers.strict, headers):
                pass
        response = exc_info.value.response
        assert response.status_code == 429
        assert_names_the_limit(only_error(orjson.loads(response.body or b"")), "TOO_MANY_CONNECTIONS", 2)
        for _ in range(100):
            await send(first, type="ping")
        assert await close_frame(first) == (4429, "More than 20 messages a second")
        await send(second, type="subscribe", id="x" * 129, payload={"query": READ})
        code, reason = await close_frame(second)
    assert code == 4400
    assert "128 characters" in reason


async def test_overload_names_the_limit(servers: Servers) -> None:
    """Concurrent operations by POST, GET and WebSocket, while a locked database occupies the only place."""
    path = servers.url.removeprefix("sqlite:///")
    mutation = "mutation($i: CreateArticleInput!) { createArticle(input: $i) { userErrors { code } } }"
    body = {"query": mutation, "variables": {"i": draft_input("Waits for the lock")}}
    lock = sqlite3.connect(path, isolation_level=None)
    async with httpx2.AsyncClient(
        base_url=servers.crowded.url, timeout=TIMEOUT_SECONDS, headers=servers.editor
    ) as http:
        with contextlib.closing(lock):
            lock.execute("BEGIN IMMEDIATE")
            write = asyncio.create_task(http.post("/graphql", json=body))
            # It has the place when another operation does not get one.
            while (await http.post("/graphql", json={"query": READ})).status_code == 200:
                assert not write.done()
            errors = await execute_everywhere(servers.crowded, "{ articles(first: 3) { totalCount } }")
            lock.execute("ROLLBACK")
        assert (await write).json() == {"data": {"createArticle": {"userErrors": []}}}
    for error in errors.values():
        assert_names_the_limit(error, "SERVICE_OVERLOADED", 1)
        assert error["extensions"]["retryAfter"] == 1


async def test_the_limit_of_connections_names_itself(servers: Servers) -> None:
    """In the response to a connection too many, which comes before its request."""
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(8):
            _, writer = await asyncio.open_connection("127.0.0.1", servers.crowded.port)
            stack.callback(writer.close)
        reader, writer = await asyncio.open_connection("127.0.0.1", servers.crowded.port)
        async with asyncio.timeout(TIMEOUT_SECONDS):
            head, _, body = (await reader.read()).partition(b"\r\n\r\n")
        writer.close()
    assert head.startswith(b"HTTP/1.1 503 ")
    assert_names_the_limit(only_error(orjson.loads(body)), "SERVICE_OVERLOADED", 8)
