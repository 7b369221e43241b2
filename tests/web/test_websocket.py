"""Subprotocol graphql-transport-ws at /graphql, and limits per WebSocket connection."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import socket as sockets
import threading
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

import orjson
import pytest
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.types import Scope
from tests.conftest import NOW
from tests.support.graphql_client import query_json
from tests.support.http_client import error_codes
from tests.support.threaded_server import HOST
from tests.support.websocket_client import (
    MIB,
    WebSocketServer,
    connect_to,
    receive_close,
    receive_message,
    send_messages,
    wait_until,
)
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.frames import Frame, Opcode

from contentql.app import build_executor
from contentql.execution.executor import Executor
from contentql.execution.request import GraphQLRequest, GraphQLResponse
from contentql.server import websocket_protocol
from contentql.settings import Settings
from contentql.store.database import Database
from contentql.web.websocket import WebSocketEndpoint
from contentql.web.websocket_connection import ExecuteOperation, WebSocketLimits
from contentql.web.websocket_messages import PROTOCOL

NAMES = "{ categories(first: 2) { nodes { path } } }"


class OperationExecutor(Protocol):
    """What executes operations: the executor, or a substitute for tests."""

    async def execute(self, request: GraphQLRequest) -> GraphQLResponse: ...


def execute_with(executor: OperationExecutor) -> ExecuteOperation:
    """The function that the endpoint calls for each operation."""

    async def execute(payload: Mapping[str, Any], scope: Scope, _: Any) -> GraphQLResponse:
        query, name = payload.get("query") or "", payload.get("operationName")
        variables, extensions = (payload.get(part) or {} for part in ("variables", "extensions"))
        return await executor.execute(GraphQLRequest(query, name, variables, extensions))

    return execute


class StubExecutor:
    """Returns `{"data": "x…"}` at once, or never for the query `wait`; records requests and cancellations."""

    def __init__(self) -> None:
        self.requests: list[GraphQLRequest] = []
        self.cancelled: list[str] = []
        self.may_finish = threading.Event()

    async def execute(self, request: GraphQLRequest) -> GraphQLResponse:
        self.requests.append(request)
        command, _, size = request.query.partition(" ")
        if command == "wait":
            try:
                while not self.may_finish.is_set():  # noqa: ASYNC110 - another thread sets it
                    await asyncio.sleep(0.01)
            except asyncio.CancelledError:
                self.cancelled.append(request.query)
                raise
        return GraphQLResponse(200, b'{"data":"%b"}' % (b"x" * int(size or 1)))


@contextlib.asynccontextmanager
async def run_websocket_server(
    executor: OperationExecutor,
    database: Database | None = None,
    uvicorn_options: dict[str, Any] | None = None,
    **options: Any,
) -> AsyncIterator[WebSocketServer]:
    """Serves the executor over WebSocket; an error in the log of the server fails the test."""

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with database or contextlib.nullcontext():
            yield

    endpoint = WebSocketEndpoint(execute_with(executor), **options)
    app = Starlette(routes=[WebSocketRoute("/graphql", endpoint)], lifespan=lifespan)
    server = WebSocketServer(app, **(uvicorn_options or {}))
    error_log = ErrorLog(server.thread)
    logging.getLogger().addHandler(error_log)
    try:
        async with server:
            yield server
    finally:
        logging.getLogger().removeHandler(error_log)
    assert not server.thread.is_alive()
    assert error_log.messages == []


class ErrorLog(logging.Handler):
    """Collects the errors that one thread logs, as several servers run in this process."""

    def __init__(self, thread: threading.Thread) -> None:
        super().__init__(logging.ERROR)
        self.thread = thread
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.thread == self.thread.ident:
            self.messages.append(record.getMessage())


@contextlib.asynccontextmanager
async def open_connection(server: WebSocketServer, **options: Any) -> AsyncIterator[ClientConnection]:
    """A connection after `connection_ack`."""
    async with connect_to(server, **options) as socket:
        await send_messages(socket, {"type": "connection_init"})
        assert await receive_message(socket) == {"type": "connection_ack"}
        yield socket


def masked_frame(opcode: Opcode, content: bytes, fin: bool = True) -> bytes:
    """A WebSocket frame as a client sends it."""
    return Frame(opcode, content, fin).serialize(mask=True)


def subscribe(name: str, query: str, **payload_fields: Any) -> dict[str, Any]:
    return {"id": name, "type": "subscribe", "payload": {"query": query, **payload_fields}}


INIT = {"type": "connection_init"}


@pytest.fixture(scope="module")
async def stub_server() -> AsyncIterator[WebSocketServer]:
    """A server that never finishes operations with the query `wait`."""
    async with run_websocket_server(StubExecutor()) as server:
        yield server


@pytest.fixture(scope="module")
async def demo_server(demo_url: str) -> AsyncIterator[tuple[WebSocketServer, Executor]]:
    """A server with the demo newsroom, and its executor."""
    database = Database(demo_url)
    executor = build_executor(Settings(), database)
    executor.now = lambda: NOW
    async with run_websocket_server(executor, database) as server:
        yield server, executor


# Operations


async def test_operation_returns_next_and_complete(
    demo_server: tuple[WebSocketServer, Executor], demo_executor: Executor
) -> None:
    """`next` has the response that HTTP returns; after `complete` the id may be used again."""
    async with open_connection(demo_server[0]) as socket:
        for _ in range(2):
            await send_messages(socket, subscribe("a", NAMES))
            assert await receive_message(socket) == {
                "id": "a",
                "type": "next",
                "payload": await query_json(demo_executor, NAMES),
            }
            assert await receive_message(socket) == {"id": "a", "type": "complete"}


async def test_payload_has_variables_operation_name_and_extensions(
    demo_server: tuple[WebSocketServer, Executor],
) -> None:
    """They have the meaning of an HTTP body; null is the same as leaving a field out."""
    document = "query A($n: Int) { categories(first: $n) { nodes { path } } } query B { __typename }"
    async with open_connection(demo_server[0]) as socket:
        await send_messages(
            socket,
            subscribe("1", document, operationName="A", variables={"n": 1}, extensions={"cost": True}),
        )
        message = (await receive_message(socket))["payload"]
        assert len(message["data"]["categories"]["nodes"]) == 1
        assert message["extensions"]["cost"]["limit"] == 10_000
        assert (await receive_message(socket))["type"] == "complete"
        await send_messages(
            socket, subscribe("2", NAMES, operationName=None, variables=None, extensions=None)
        )
        assert (await receive_message(socket))["type"] == "next"


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("", "GRAPHQL_PARSE_FAILED"),
        ("{ categories ", "GRAPHQL_PARSE_FAILED"),
        ("{ weather }", "GRAPHQL_VALIDATION_FAILED"),
        ("query A { __typename } query B { __typename }", "OPERATION_RESOLUTION_FAILURE"),
        ("query($n: Int!) { categories(first: $n) { nodes { path } } }", "BAD_USER_INPUT"),
        ("{" + "nodes {" * 40 + "id" + "}" * 41, "DEPTH_LIMIT_EXCEEDED"),
        ("{" + "__typename " * 2_001 + "}", "DOCUMENT_TOO_LARGE"),
        (
            "{ categories(first: 100) { nodes { articles(first: 100) { nodes { id } } } } }",
            "COST_LIMIT_EXCEEDED",
        ),
    ],
)
async def test_invalid_operations_return_an_error_message(
    demo_server: tuple[WebSocketServer, Executor], query: str, code: str
) -> None:
    """The `error` message has the errors of HTTP, and the connection stays open."""
    async with open_connection(demo_server[0]) as socket:
        await send_messages(socket, subscribe("bad", query))
        message = await receive_message(socket)
        assert message.keys() == {"id", "type", "payload"}
        assert (message["id"], message["type"]) == ("bad", "error")
        assert set(error_codes(0, orjson.dumps({"errors": message["payload"]}))) == {code}
        await send_messages(socket, subscribe("good", NAMES))
        assert [(await receive_message(socket))["id"] for _ in range(2)] == ["good", "good"]


async def test_partial_data_is_returned_in_next(demo_server: tuple[WebSocketServer, Executor]) -> None:
    """An error in one field leaves the data of the others."""
    query = '{ categories(first: 1) { nodes { path } } node(id: "nonsense") { id } }'
    async with open_connection(demo_server[0]) as socket:
        await send_messages(socket, subscribe("half", query))
        message = await receive_message(socket)
        assert message["type"] == "next"
        assert message["payload"]["data"]["categories"]["nodes"]
        assert message["payload"]["errors"][0]["extensions"]["code"] == "INVALID_ID"
        assert (await receive_message(socket))["type"] == "complete"


async def test_documents_can_be_sent_by_id_or_hash() -> None:
    """The payload accepts `documentId` and `persistedQuery` as an HTTP body does."""
    executor = StubExecutor()
    payloads = (
        {"documentId": "sha256:00"},
        {"query": None, "extensions": {"persistedQuery": {"version": 1}}},
    )
    async with run_websocket_server(executor) as server, open_connection(server) as socket:
        for payload in payloads:
            await send_messages(socket, {"id": "1", "type": "subscribe", "payload": payload})
            assert [(await receive_message(socket))["type"] for _ in range(2)] == ["next", "complete"]
    assert [request.extensions for request in executor.requests] == [{}, {"persistedQuery": {"version": 1}}]


async def test_operations_run_concurrently(stub_server: WebSocketServer) -> None:
    """A fast operation completes while slow ones that were sent before it still run."""
    async with open_connection(stub_server) as socket:
        await send_messages(socket, subscribe("slow", "wait"), subscribe("quick", "now"))
        assert [(await receive_message(socket))["id"] for _ in range(2)] == ["quick", "quick"]


async def test_ping_is_answered_by_pong_with_its_payload(stub_server: WebSocketServer) -> None:
    """Holds before and after `connection_ack`; a pong gets no response."""
    async with connect_to(stub_server) as socket:
        await send_messages(socket, {"type": "ping"})
        assert await receive_message(socket) == {"type": "pong"}
        await send_messages(socket, {"type": "connection_init", "payload": {"any": "thing"}})
        assert await receive_message(socket) == {"type": "connection_ack"}
        await send_messages(
            socket, {"type": "pong"}, {"type": "pong", "payload": {}}, {"type": "ping", "payload": None}
        )
        await send_messages(socket, {"type": "ping", "payload": {"at": "☂"}})
        assert await receive_message(socket) == {"type": "pong"}
        assert await receive_message(socket) == {"type": "pong", "payload": {"at": "☂"}}


async def test_messages_may_have_one_mebibyte_in_any_number_of_frames(stub_server: WebSocketServer) -> None:
    """The limit is that of an HTTP body."""
    message = orjson.dumps(subscribe("big", "now ")).decode()
    message += " " * (MIB - len(message))
    parts = [message[:1], "", *message[1:100], message[100:]]
    async with open_connection(stub_server) as socket:
        for sent in (message, parts):
            await socket.send(sent)
            assert (await receive_message(socket))["type"] == "next"
            assert (await receive_message(socket))["type"] == "complete"


# Handshake


@pytest.mark.parametrize("protocols", [(), ("graphql-ws",), ("graphql",), ("GRAPHQL-TRANSPORT-WS",)])
async def test_other_subprotocols_are_rejected(
    stub_server: WebSocketServer, protocols: Sequence[str]
) -> None:
    """The handshake fails with a GraphQL error, for graphql-ws, other subprotocols and none."""
    with pytest.raises(InvalidStatus) as error:
        await connect_to(stub_server, protocols)
    response = error.value.response
    assert response.status_code == 400
    assert response.headers["content-type"].startswith("application/graphql-response+json")
    assert error_codes(400, bytes(response.body)) == ["BAD_REQUEST"]


async def test_supported_subprotocol_is_selected_among_others(stub_server: WebSocketServer) -> None:
    async with connect_to(stub_server, ("graphql-ws", PROTOCOL)) as socket:
        assert socket.subprotocol == PROTOCOL


async def test_any_origin_may_connect_unless_origins_are_configured(stub_server: WebSocketServer) -> None:
    """Configured origins, the own origin and clients without an Origin header may connect."""
    async with connect_to(stub_server, origin="https://elsewhere.test") as socket:
        assert socket.subprotocol == PROTOCOL
    async with run_websocket_server(
        StubExecutor(), origins=("https://front.test", "https://app.test/")
    ) as server:
        for origin in ("https://front.test", "https://APP.test", f"http://{HOST}:{server.port}", None):
            async with connect_to(server, origin=origin) as socket:
                assert socket.subprotocol == PROTOCOL
        for origin in ("https://front.test.evil.test", "http://front.test", "https://evil.test", "null"):
            with pytest.raises(InvalidStatus) as error:
                await connect_to(server, origin=origin)
            assert error_codes(403, bytes(error.value.response.body)) == ["ORIGIN_NOT_ALLOWED"]


async def test_connections_per_client_address_are_limited(stub_server: WebSocketServer) -> None:
    """One more is rejected with 429 until another connection is closed."""
    async with run_websocket_server(StubExecutor(), max_sockets=2) as server, open_connection(server):
        async with open_connection(server):
            with pytest.raises(InvalidStatus) as error:
                await connect_to(server)
            assert error.value.response.status_code == 429
            assert error.value.response.headers["retry-after"] == "1"
            assert error_codes(429, bytes(error.value.response.body)) == ["TOO_MANY_CONNECTIONS"]
        await wait_until(lambda: len(server.connections) == 1)
        async with open_connection(server):
            pass


# Protocol errors and limits


@pytest.mark.parametrize(
    "message",
    [
        "", "{", "[]", "null", "5", '"text"', "[" * 100_000, '{"type": "ping"}{', "{}",
        '{"type": null}', '{"type": ["ping"]}', '{"type": "start"}', '{"type": "PING"}',
        b'{"type": "ping"}', b"\xff\x00",
        '{"type": "ping", "payload": []}', '{"type": "pong", "payload": "x"}',
        '{"type": "connection_init", "payload": 1}', '{"type": "connection_ack"}',
        '{"type": "next", "id": "1", "payload": {}}', '{"type": "error", "id": "1", "payload": []}',
        '{"type": "complete"}', '{"type": "complete", "id": 1}',
        '{"type": "subscribe", "payload": {"query": "now"}}',
        '{"type": "subscribe", "id": "", "payload": {"query": "now"}}',
        '{"type": "subscribe", "id": 1, "payload": {"query": "now"}}',
        orjson.dumps(subscribe("i" * 129, "now")).decode(),
        '{"type": "subscribe", "id": "1"}', '{"type": "subscribe", "id": "1", "payload": "now"}',
        '{"type": "subscribe", "id": "1", "payload": {}}',
        '{"type": "subscribe", "id": "1", "payload": {"query": 1}}',
        '{"type": "subscribe", "id": "1", "payload": {"query": "now", "operationName": 1}}',
        '{"type": "subscribe", "id": "1", "payload": {"query": "now", "variables": []}}',
        '{"type": "subscribe", "id": "1", "payload": {"query": "now", "extensions": "x"}}',
        '{"type": "subscribe", "id": "\\ud800", "payload": {"query": "now"}}',
    ],
    ids=lambda message: repr(message[:70]),
)  # fmt: skip
async def test_invalid_messages_close_the_connection(
    stub_server: WebSocketServer, message: str | bytes
) -> None:
    """Close code 4400 with a reason, before and after `connection_ack`."""
    async with connect_to(stub_server) as early, open_connection(stub_server) as late:
        for socket in (early, late):
            await send_messages(socket, message)
            code, reason = await receive_close(socket)
            assert code == 4400
            assert reason


@pytest.mark.parametrize(
    ("messages", "code"),
    [
        ([subscribe("1", "now")], 4401),
        ([INIT, INIT], 4429),
        ([INIT, subscribe("1", "wait"), subscribe("1", "now")], 4409),
        ([INIT, subscribe("☂" * 120, "wait"), subscribe("☂" * 120, "now")], 4409),
        ([INIT, *[{"type": "ping"}] * 60], 4429),
        ([INIT, *[{"type": "complete", "id": "1"}] * 60], 4429),
        ([" " * (MIB + 1)], 1009),
    ],
    ids=[
        "uninitialised",
        "twice initialised",
        "same id",
        "same long id",
        "pings",
        "completes",
        "large",
    ],
)
async def test_protocol_violations_close_with_the_specified_code(
    stub_server: WebSocketServer, messages: list[Any], code: int
) -> None:
    """The close frame has a reason."""
    async with connect_to(stub_server) as socket:
        with contextlib.suppress(ConnectionClosed):
            await send_messages(socket, *messages)
        actual, reason = await receive_close(socket)
        assert actual == code
        assert reason


async def test_clients_that_send_too_much_receive_the_close_frame(stub_server: WebSocketServer) -> None:
    """Data after the close frame is read and discarded, so that the connection is not reset."""
    with raw_connection(stub_server) as connection:
        connection.sendall(masked_frame(Opcode.TEXT, b" " * (12 * MIB)))
        read_close_frame(connection, 1009)
        assert connection.recv(1) == b""


@pytest.mark.parametrize(
    "flood",
    [
        masked_frame(Opcode.PING, b"") * 20_000,
        masked_frame(Opcode.PONG, b"") * 20_000,
        masked_frame(Opcode.TEXT, b'{"type":"pong"}') * 20_000,
        masked_frame(Opcode.TEXT, b" ", fin=False) + masked_frame(Opcode.CONT, b"", fin=False) * 20_000,
    ],
    ids=["pings", "pongs", "messages", "empty parts"],
)
async def test_floods_of_frames_are_discarded_and_close_the_connection(
    stub_server: WebSocketServer, flood: bytes
) -> None:
    """Close code 4429; most of the frames are not parsed."""
    with raw_connection(stub_server) as connection:
        connection.sendall(flood)
        read_close_frame(connection, 4429)


async def test_invalid_utf8_closes_with_1007() -> None:
    """The code of RFC 6455."""
    async with (
        run_websocket_server(StubExecutor(), uvicorn_options={"log_level": "critical"}) as server,
        open_connection(server) as socket,
    ):
        await socket.send(b"\xff\xfe", text=True)
        assert (await receive_close(socket))[0] == 1007


async def test_missing_connection_init_closes_with_4408() -> None:
    """Pings do not extend the time; initialised connections may stay idle."""
    async with (
        run_websocket_server(StubExecutor(), limits=WebSocketLimits(init_seconds=0.3)) as server,
        open_connection(server) as initialised,
        connect_to(server) as silent,
        connect_to(server) as pinging,
    ):
        await send_messages(pinging, {"type": "ping"})
        assert (await receive_close(silent))[0] == 4408
        assert (await receive_close(pinging))[0] == 4408
        await send_messages(initialised, {"type": "ping"})
        assert await receive_message(initialised) == {"type": "pong"}


async def test_operations_per_connection_are_limited() -> None:
    """One more closes the connection with 4429; completed operations do not count."""
    limits = WebSocketLimits(operations=3, concurrent_operations=2)
    async with (
        run_websocket_server(StubExecutor(), limits=limits) as server,
        open_connection(server) as socket,
    ):
        await send_messages(
            socket, *(subscribe(name, "wait") for name in "abc"), {"type": "complete", "id": "b"}
        )
        await send_messages(socket, subscribe("d", "wait"), {"type": "ping"})
        assert await receive_message(socket) == {"type": "pong"}
        await send_messages(socket, subscribe("e", "wait"))
        assert await receive_close(socket) == (4429, "More than 3 operations at once")


async def test_characters_of_pending_operations_are_limited() -> None:
    """More close the connection with 4429; completed operations do not count."""
    limits = WebSocketLimits(asked_characters=1_000)
    async with (
        run_websocket_server(StubExecutor(), limits=limits) as server,
        open_connection(server) as socket,
    ):
        for _ in range(3):
            await send_messages(socket, subscribe("quick", "now", extensions={"fill": "x" * 500}))
            assert [(await receive_message(socket))["type"] for _ in range(2)] == ["next", "complete"]
        await send_messages(
            socket, *(subscribe(name, "wait", extensions={"fill": "x" * 500}) for name in "ab")
        )
        assert (await receive_close(socket))[0] == 4429


async def test_messages_within_the_rate_limit_are_accepted() -> None:
    """The configured rate replaces the default."""
    limits = WebSocketLimits(messages_a_second=1_000_000, burst=2)
    async with (
        run_websocket_server(StubExecutor(), limits=limits) as server,
        open_connection(server) as socket,
    ):
        for _ in range(200):
            await send_messages(socket, {"type": "ping"})
            assert await receive_message(socket) == {"type": "pong"}


async def test_internal_errors_end_in_a_close_frame(caplog: pytest.LogCaptureFixture) -> None:
    """Close code 1011 without details, which are in the log."""
    sent: list[Any] = []
    events = iter([{"type": "websocket.connect"}, {"unheard": "of"}])

    async def receive() -> Any:
        return next(events)

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "websocket", "headers": [], "client": None, "subprotocols": [PROTOCOL]}
    await WebSocketEndpoint(execute_with(StubExecutor()))(scope, receive, send)
    assert sent[-1] == {"type": "websocket.close", "code": 1011, "reason": "Something went wrong on our side"}
    assert "a socket failed" in caplog.text


# Cancellation


async def test_complete_cancels_only_its_operation() -> None:
    """Other operations go on, and `complete` for an unknown id has no effect."""
    executor = StubExecutor()
    async with run_websocket_server(executor) as server, open_connection(server) as socket:
        await send_messages(
            socket, subscribe("a", "wait 1"), subscribe("b", "wait 2"), {"type": "complete", "id": "c"}
        )
        await wait_until(lambda: len(executor.requests) == 2)
        await send_messages(socket, {"type": "complete", "id": "a"}, subscribe("a", "wait 3"))
        await wait_until(lambda: executor.cancelled == ["wait 1"])
        executor.may_finish.set()
        messages = [await receive_message(socket) for _ in range(4)]
        assert sorted(message["id"] for message in messages if message["type"] == "complete") == ["a", "b"]
        assert {message["payload"]["data"] for message in messages if message["type"] == "next"} == {
            "xx",
            "xxx",
        }


@pytest.mark.parametrize("with_close_frame", [True, False])
async def test_closing_the_connection_cancels_all_operations(with_close_frame: bool) -> None:
    """With a close frame or without one."""
    executor = StubExecutor()
    async with run_websocket_server(executor) as server, open_connection(server) as socket:
        await send_messages(socket, subscribe("a", "wait 1"), subscribe("b", "wait 2"))
        await wait_until(lambda: len(executor.requests) == 2)
        if with_close_frame:
            await socket.close()
        else:
            socket.transport.abort()
        await wait_until(lambda: sorted(executor.cancelled) == ["wait 1", "wait 2"])


class SlowStatementExecutor:
    """Runs a statement of several minutes, or a fast one for the query `now`."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.has_begun = threading.Event()

    async def execute(self, request: GraphQLRequest) -> GraphQLResponse:
        if request.query == "now":
            await self.database.row("SELECT 'x'", (), 15)
            return GraphQLResponse(200, b'{"data":null}')
        self.has_begun.set()
        statement = (
            "SELECT pg_sleep(600)"
            if self.database.dialect == "postgres"
            else "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
        )
        await self.database.row(statement, (), 600)
        raise AssertionError("it was not cancelled")


async def test_complete_cancels_the_statement_in_the_database(demo_url: str) -> None:
    """The only connection is free for the next operation, on both databases."""
    database = Database(demo_url, readers=1)
    executor = SlowStatementExecutor(database)
    async with run_websocket_server(executor, database) as server, open_connection(server) as socket:
        await send_messages(socket, subscribe("slow", "minutes"))
        await wait_until(executor.has_begun.is_set)
        await send_messages(socket, subscribe("quick", "now"), {"type": "complete", "id": "slow"})
        assert (await receive_message(socket))["id"] == "quick"


# Slow and silent clients


@contextlib.contextmanager
def raw_connection(server: WebSocketServer) -> Iterator[sockets.socket]:
    """A client that sends but does not read, with the smallest receive buffer."""
    with sockets.socket() as connection:
        connection.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 4096)
        connection.connect((HOST, server.port))
        connection.settimeout(15)
        connection.sendall(
            b"GET /graphql HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n"
            b"Sec-WebSocket-Protocol: %b\r\n\r\n" % PROTOCOL.encode()
        )
        assert connection.recv(4096).startswith(b"HTTP/1.1 101 ")
        connection.sendall(masked_frame(Opcode.TEXT, orjson.dumps(INIT)))
        yield connection


def read_close_frame(connection: sockets.socket, code: int) -> str:
    """Reads up to the close frame, which must have the code and be the last; returns its reason."""
    data = b""
    while not (match := _CLOSE.search(data)):
        part = connection.recv(MIB)
        assert part, data
        data = data[-200:] + part
    assert int.from_bytes(match[1], "big") == code
    return match[2].decode()


# A frame of opcode 8: its length, the code, and a reason up to the end of the data.
_CLOSE = re.compile(rb"\x88[\x02-\x7d]([\x03\x0f-\x13].)([\x20-\x7e]*)\Z", re.DOTALL)


LENIENT_LIMITS = WebSocketLimits(
    messages_a_second=1_000_000, operations=50, concurrent_operations=4, max_unsent=80
)


async def test_unread_responses_suspend_further_operations() -> None:
    """Pending operations wait, one too many closes the connection, and the client can read the reason."""
    executor = StubExecutor()
    async with run_websocket_server(executor, limits=LENIENT_LIMITS) as server:
        with raw_connection(server) as connection:
            for number in range(LENIENT_LIMITS.operations):
                connection.sendall(
                    masked_frame(Opcode.TEXT, orjson.dumps(subscribe(str(number), f"now {MIB}")))
                )
            await wait_until(lambda: len(executor.requests) > LENIENT_LIMITS.concurrent_operations)
            await asyncio.sleep(0.1)
            executed = len(executor.requests)
            assert executed < LENIENT_LIMITS.operations / 2
            for number in range(LENIENT_LIMITS.operations):
                connection.sendall(
                    masked_frame(Opcode.TEXT, orjson.dumps(subscribe(f"more {number}", "now")))
                )
            await wait_until(lambda: server.connections[0].close_sent)
            assert len(executor.requests) == executed
            assert read_close_frame(connection, 4429) == "More than 50 operations at once"


async def test_unread_messages_are_limited() -> None:
    """More close the connection with 1008."""
    async with run_websocket_server(StubExecutor(), limits=LENIENT_LIMITS) as server:
        with raw_connection(server) as connection:
            for number in range(LENIENT_LIMITS.concurrent_operations):
                connection.sendall(
                    masked_frame(Opcode.TEXT, orjson.dumps(subscribe(str(number), f"now {4 * MIB}")))
                )
            await wait_until(lambda: not server.connections[0].writable.is_set())
            for _ in range(LENIENT_LIMITS.max_unsent + 10):
                connection.sendall(masked_frame(Opcode.TEXT, b'{"type":"ping"}'))
            await wait_until(lambda: server.connections[0].close_sent)
            assert read_close_frame(connection, 1008) == "More than 80 messages wait to be read"


async def test_protocol_pings_of_clients_that_do_not_read_use_no_memory() -> None:
    """The server stores no pong frames for them."""
    executor = StubExecutor()
    async with run_websocket_server(executor, limits=LENIENT_LIMITS) as server:
        with raw_connection(server) as connection:
            connection.sendall(masked_frame(Opcode.TEXT, orjson.dumps(subscribe("1", f"now {8 * MIB}"))))
            await wait_until(lambda: not server.connections[0].writable.is_set())
            buffered = server.connections[0].transport.get_write_buffer_size()
            connection.sendall(masked_frame(Opcode.PING, b"x" * 125) * 900)
            connection.sendall(masked_frame(Opcode.TEXT, orjson.dumps(subscribe("2", "now"))))
            await wait_until(lambda: len(executor.requests) == 2)
            assert server.connections[0].transport.get_write_buffer_size() <= buffered


@pytest.mark.parametrize(
    ("last", "options"),
    [
        (masked_frame(Opcode.CLOSE, b"\x03\xe8"), {}),
        (masked_frame(Opcode.TEXT, b"[]"), {}),
        (masked_frame(Opcode.TEXT, b"\xff"), {"log_level": "critical"}),
        (b"\xff" * 20, {}),
        (b"", {"ws_ping_interval": 0.3, "ws_ping_timeout": 0.3}),
    ],
    ids=["leaves", "is closed", "is no text", "is no frame", "is silent"],
)
async def test_connections_of_clients_that_never_read_are_aborted(
    monkeypatch: pytest.MonkeyPatch, last: bytes, options: dict[str, Any]
) -> None:
    """Shortly after the close frame of either side, or when pings stay unanswered."""
    monkeypatch.setattr(websocket_protocol, "CLOSE_TIMEOUT", 0.2)
    async with run_websocket_server(StubExecutor(), uvicorn_options=options) as server:
        with raw_connection(server) as connection:
            connection.sendall(masked_frame(Opcode.TEXT, orjson.dumps(subscribe("1", f"now {8 * MIB}"))))
            await wait_until(lambda: not server.connections[0].writable.is_set())
            connection.sendall(last)
            await wait_until(lambda: not server.connections)


# Shutdown


async def test_shutdown_lets_operations_finish() -> None:
    """Then every connection is closed with 1001, after which clients connect again."""
    executor = StubExecutor()
    async with (
        run_websocket_server(executor) as server,
        open_connection(server) as busy,
        open_connection(server) as idle,
        connect_to(server) as new,
    ):
        await send_messages(busy, subscribe("a", "wait"))
        await wait_until(lambda: executor.requests)
        server.stop()
        assert (await receive_close(idle))[0] == 1001
        assert (await receive_close(new))[0] == 1001
        executor.may_finish.set()
        assert [(await receive_message(busy))["type"] for _ in range(2)] == ["next", "complete"]
        assert (await receive_close(busy))[0] == 1001


async def test_shutdown_cancels_operations_after_the_timeout() -> None:
    """The connection is closed with 1001."""
    executor = StubExecutor()
    limits = replace(WebSocketLimits(), leaving_seconds=0.2)
    async with run_websocket_server(executor, limits=limits) as server, open_connection(server) as socket:
        await send_messages(socket, subscribe("a", "wait"))
        await wait_until(lambda: executor.requests)
        server.stop()
        assert (await receive_close(socket))[0] == 1001
        await wait_until(lambda: executor.cancelled == ["wait"])
