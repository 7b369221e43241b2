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
from contentql.web.websocket import PROTOCOL, ExecuteOperation, WebSocketEndpoint, WebSocketLimits

NAMES = "{ categories(first: 2) { nodes { path } } }"


class Answering(Protocol):
    async def execute(self, request: GraphQLRequest) -> GraphQLResponse: ...


def answering(answers: Answering) -> ExecuteOperation:
    async def answer(payload: Mapping[str, Any], scope: Scope) -> GraphQLResponse:
        query, name = payload.get("query") or "", payload.get("operationName")
        variables, extensions = (payload.get(part) or {} for part in ("variables", "extensions"))
        return await answers.execute(GraphQLRequest(query, name, variables, extensions))

    return answer


class Stub:
    """Answers at once, or never, or at length; remembers what became of it."""

    def __init__(self) -> None:
        self.requests: list[GraphQLRequest] = []
        self.cancelled: list[str] = []
        self.let = threading.Event()

    async def execute(self, request: GraphQLRequest) -> GraphQLResponse:
        self.requests.append(request)
        what, _, size = request.query.partition(" ")
        if what == "wait":
            try:
                while not self.let.is_set():  # noqa: ASYNC110 - another thread sets it
                    await asyncio.sleep(0.01)
            except asyncio.CancelledError:
                self.cancelled.append(request.query)
                raise
        return GraphQLResponse(200, b'{"data":"%b"}' % (b"x" * int(size or 1)))


@contextlib.asynccontextmanager
async def serving(
    answers: Answering,
    database: Database | None = None,
    server: dict[str, Any] | None = None,
    **options: Any,
) -> AsyncIterator[WebSocketServer]:
    """Serves `answers`; whatever was logged as an error meanwhile is the test's."""

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with database or contextlib.nullcontext():
            yield

    endpoint = WebSocketEndpoint(answering(answers), **options)
    app = Starlette(routes=[WebSocketRoute("/graphql", endpoint)], lifespan=lifespan)
    served = WebSocketServer(app, **(server or {}))
    logged = Logged(served.thread)
    logging.getLogger().addHandler(logged)
    try:
        async with served:
            yield served
    finally:
        logging.getLogger().removeHandler(logged)
    assert not served.thread.is_alive()
    assert logged.messages == []


class Logged(logging.Handler):
    """The errors of one thread: several servers run in this process."""

    def __init__(self, thread: threading.Thread) -> None:
        super().__init__(logging.ERROR)
        self.thread = thread
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.thread == self.thread.ident:
            self.messages.append(record.getMessage())


@contextlib.asynccontextmanager
async def talking(served: WebSocketServer, **options: Any) -> AsyncIterator[ClientConnection]:
    """A socket whose connection is acknowledged."""
    async with connect_to(served, **options) as socket:
        await send_messages(socket, {"type": "connection_init"})
        assert await receive_message(socket) == {"type": "connection_ack"}
        yield socket


def frame(opcode: Opcode, content: bytes, fin: bool = True) -> bytes:
    return Frame(opcode, content, fin).serialize(mask=True)


def subscribe(name: str, query: str, **more: Any) -> dict[str, Any]:
    return {"id": name, "type": "subscribe", "payload": {"query": query, **more}}


INIT = {"type": "connection_init"}


@pytest.fixture(scope="module")
async def stub() -> AsyncIterator[WebSocketServer]:
    """A server that never finishes what says `wait`."""
    async with serving(Stub()) as served:
        yield served


@pytest.fixture(scope="module")
async def newsroom(demo_url: str) -> AsyncIterator[tuple[WebSocketServer, Executor]]:
    database = Database(demo_url)
    executor = build_executor(Settings(), database)
    executor.now = lambda: NOW
    async with serving(executor, database) as served:
        yield served, executor


# What is asked is answered


async def test_an_operation_gives_its_answer_and_is_complete(
    newsroom: tuple[WebSocketServer, Executor], demo_executor: Executor
) -> None:
    """`next` carries what HTTP would answer, `complete` ends it; ids may be used again after that."""
    async with talking(newsroom[0]) as socket:
        for _ in range(2):
            await send_messages(socket, subscribe("a", NAMES))
            assert await receive_message(socket) == {
                "id": "a",
                "type": "next",
                "payload": await query_json(demo_executor, NAMES),
            }
            assert await receive_message(socket) == {"id": "a", "type": "complete"}


async def test_variables_names_and_extensions_travel_in_the_payload(
    newsroom: tuple[WebSocketServer, Executor],
) -> None:
    """They mean what they mean in a body of HTTP; null is the same as leaving them out."""
    document = "query A($n: Int) { categories(first: $n) { nodes { path } } } query B { __typename }"
    async with talking(newsroom[0]) as socket:
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
async def test_operations_rejected_over_http_are_rejected_here(
    newsroom: tuple[WebSocketServer, Executor], query: str, code: str
) -> None:
    """One `error` message with the same errors, nothing after it, and the connection stays open."""
    async with talking(newsroom[0]) as socket:
        await send_messages(socket, subscribe("bad", query))
        message = await receive_message(socket)
        assert message.keys() == {"id", "type", "payload"}
        assert (message["id"], message["type"]) == ("bad", "error")
        assert set(error_codes(0, orjson.dumps({"errors": message["payload"]}))) == {code}
        await send_messages(socket, subscribe("good", NAMES))
        assert [(await receive_message(socket))["id"] for _ in range(2)] == ["good", "good"]


async def test_data_with_errors_is_an_answer(newsroom: tuple[WebSocketServer, Executor]) -> None:
    """An error in one field leaves the data of the others."""
    query = '{ categories(first: 1) { nodes { path } } node(id: "nonsense") { id } }'
    async with talking(newsroom[0]) as socket:
        await send_messages(socket, subscribe("half", query))
        message = await receive_message(socket)
        assert message["type"] == "next"
        assert message["payload"]["data"]["categories"]["nodes"]
        assert message["payload"]["errors"][0]["extensions"]["code"] == "INVALID_ID"
        assert (await receive_message(socket))["type"] == "complete"


async def test_a_document_may_be_named_instead() -> None:
    """What names one in a body of HTTP names one here."""
    answers = Stub()
    named = ({"documentId": "sha256:00"}, {"query": None, "extensions": {"persistedQuery": {"version": 1}}})
    async with serving(answers) as served, talking(served) as socket:
        for payload in named:
            await send_messages(socket, {"id": "1", "type": "subscribe", "payload": payload})
            assert [(await receive_message(socket))["type"] for _ in range(2)] == ["next", "complete"]
    assert [request.extensions for request in answers.requests] == [{}, {"persistedQuery": {"version": 1}}]


async def test_operations_run_side_by_side(stub: WebSocketServer) -> None:
    """A quick one is answered while slow ones, asked before it, are still at work."""
    async with talking(stub) as socket:
        await send_messages(socket, subscribe("slow", "wait"), subscribe("quick", "now"))
        assert [(await receive_message(socket))["id"] for _ in range(2)] == ["quick", "quick"]


async def test_a_ping_is_ponged_with_its_payload(stub: WebSocketServer) -> None:
    """Before the connection is acknowledged and after; a pong asks for nothing."""
    async with connect_to(stub) as socket:
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


async def test_a_message_may_be_as_large_as_a_body_and_come_in_parts(stub: WebSocketServer) -> None:
    """1 MiB, in frames of any size."""
    whole_message = orjson.dumps(subscribe("big", "now ")).decode()
    whole_message += " " * (MIB - len(whole_message))
    parts = [whole_message[:1], "", *whole_message[1:100], whole_message[100:]]
    async with talking(stub) as socket:
        for sent in (whole_message, parts):
            await socket.send(sent)
            assert (await receive_message(socket))["type"] == "next"
            assert (await receive_message(socket))["type"] == "complete"


# Who may connect


@pytest.mark.parametrize("protocols", [(), ("graphql-ws",), ("graphql",), ("GRAPHQL-TRANSPORT-WS",)])
async def test_no_other_protocol_is_spoken(stub: WebSocketServer, protocols: Sequence[str]) -> None:
    """The older graphql-ws, others and none: the handshake is refused with a GraphQL error."""
    with pytest.raises(InvalidStatus) as error:
        await connect_to(stub, protocols)
    response = error.value.response
    assert response.status_code == 400
    assert response.headers["content-type"].startswith("application/graphql-response+json")
    assert error_codes(400, bytes(response.body)) == ["BAD_REQUEST"]


async def test_ours_is_chosen_among_others(stub: WebSocketServer) -> None:
    """Whatever the order they are offered in."""
    async with connect_to(stub, ("graphql-ws", PROTOCOL)) as socket:
        assert socket.subprotocol == PROTOCOL


async def test_pages_of_any_site_may_connect_unless_sites_are_named(stub: WebSocketServer) -> None:
    """Then only pages of these, our own page, and what is no browser."""
    async with connect_to(stub, origin="https://elsewhere.test") as socket:
        assert socket.subprotocol == PROTOCOL
    async with serving(Stub(), origins=("https://front.test", "https://app.test/")) as served:
        for origin in ("https://front.test", "https://APP.test", f"http://{HOST}:{served.port}", None):
            async with connect_to(served, origin=origin) as socket:
                assert socket.subprotocol == PROTOCOL
        for origin in ("https://front.test.evil.test", "http://front.test", "https://evil.test", "null"):
            with pytest.raises(InvalidStatus) as error:
                await connect_to(served, origin=origin)
            assert error_codes(403, bytes(error.value.response.body)) == ["ORIGIN_NOT_ALLOWED"]


async def test_an_address_has_only_so_many_sockets(stub: WebSocketServer) -> None:
    """One more is refused, and let in when another has closed."""
    async with serving(Stub(), max_sockets=2) as served, talking(served):
        async with talking(served):
            with pytest.raises(InvalidStatus) as error:
                await connect_to(served)
            assert error.value.response.status_code == 429
            assert error.value.response.headers["retry-after"] == "1"
            assert error_codes(429, bytes(error.value.response.body)) == ["TOO_MANY_CONNECTIONS"]
        await wait_until(lambda: len(served.connections) == 1)
        async with talking(served):
            pass


# What ends a socket


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
async def test_invalid_messages_close_the_connection(stub: WebSocketServer, message: str | bytes) -> None:
    """4400 with a reason in a close frame, before the connection is acknowledged and after."""
    async with connect_to(stub) as early, talking(stub) as late:
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
async def test_a_breach_of_the_protocol_closes_with_its_code(
    stub: WebSocketServer, messages: list[Any], code: int
) -> None:
    """In a close frame, each with a reason."""
    async with connect_to(stub) as socket:
        with contextlib.suppress(ConnectionClosed):
            await send_messages(socket, *messages)
        expected, reason = await receive_close(socket)
        assert expected == code
        assert reason


async def test_who_sends_far_too_much_can_still_read_why(stub: WebSocketServer) -> None:
    """What comes after the refusal is read and thrown away; the connection is not reset."""
    with plainly(stub) as plain:
        plain.sendall(frame(Opcode.TEXT, b" " * (12 * MIB)))
        farewell(plain, 1009)
        assert plain.recv(1) == b""


@pytest.mark.parametrize(
    "flood",
    [
        frame(Opcode.PING, b"") * 20_000,
        frame(Opcode.PONG, b"") * 20_000,
        frame(Opcode.TEXT, b'{"type":"pong"}') * 20_000,
        frame(Opcode.TEXT, b" ", fin=False) + frame(Opcode.CONT, b"", fin=False) * 20_000,
    ],
    ids=["pings", "pongs", "messages", "empty parts"],
)
async def test_a_flood_of_frames_is_not_even_parsed(stub: WebSocketServer, flood: bytes) -> None:
    """Most of it is thrown away unseen; 4429 in a close frame."""
    with plainly(stub) as plain:
        plain.sendall(flood)
        farewell(plain, 4429)


async def test_what_is_not_utf_8_is_told_so_by_the_server() -> None:
    """1007, as RFC 6455 says."""
    async with serving(Stub(), server={"log_level": "critical"}) as served, talking(served) as socket:
        await socket.send(b"\xff\xfe", text=True)
        assert (await receive_close(socket))[0] == 1007


async def test_who_does_not_initialise_in_time_is_closed() -> None:
    """Close code 4408, with or without pings; initialized connections may stay idle."""
    async with (
        serving(Stub(), limits=WebSocketLimits(init_seconds=0.3)) as served,
        talking(served) as patient,
        connect_to(served) as silent,
        connect_to(served) as pinging,
    ):
        await send_messages(pinging, {"type": "ping"})
        assert (await receive_close(silent))[0] == 4408
        assert (await receive_close(pinging))[0] == 4408
        await send_messages(patient, {"type": "ping"})
        assert await receive_message(patient) == {"type": "pong"}


async def test_a_socket_carries_only_so_many_operations_at_once() -> None:
    """One more closes it with 4429; not if one was completed before."""
    limits = WebSocketLimits(operations=3, concurrent_operations=2)
    async with serving(Stub(), limits=limits) as served, talking(served) as socket:
        await send_messages(
            socket, *(subscribe(name, "wait") for name in "abc"), {"type": "complete", "id": "b"}
        )
        await send_messages(socket, subscribe("d", "wait"), {"type": "ping"})
        assert await receive_message(socket) == {"type": "pong"}
        await send_messages(socket, subscribe("e", "wait"))
        assert await receive_close(socket) == (4429, "More than 3 operations at once")


async def test_operations_that_wait_hold_only_so_much_text() -> None:
    """More closes the socket with 4429; what is done counts no more."""
    limits = WebSocketLimits(asked_characters=1_000)
    async with serving(Stub(), limits=limits) as served, talking(served) as socket:
        for _ in range(3):
            await send_messages(socket, subscribe("quick", "now", extensions={"fill": "x" * 500}))
            assert [(await receive_message(socket))["type"] for _ in range(2)] == ["next", "complete"]
        await send_messages(
            socket, *(subscribe(name, "wait", extensions={"fill": "x" * 500}) for name in "ab")
        )
        assert (await receive_close(socket))[0] == 4429


async def test_messages_may_come_as_fast_as_is_said() -> None:
    """A connection within the rate limit is never closed."""
    limits = WebSocketLimits(messages_a_second=1_000_000, burst=2)
    async with serving(Stub(), limits=limits) as served, talking(served) as socket:
        for _ in range(200):
            await send_messages(socket, {"type": "ping"})
            assert await receive_message(socket) == {"type": "pong"}


async def test_internal_errors_end_in_a_close_frame(caplog: pytest.LogCaptureFixture) -> None:
    """1011, without a word of what went wrong; our log has it."""
    sent: list[Any] = []
    events = iter([{"type": "websocket.connect"}, {"unheard": "of"}])

    async def receive() -> Any:
        return next(events)

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "websocket", "headers": [], "client": None, "subprotocols": [PROTOCOL]}
    await WebSocketEndpoint(answering(Stub()))(scope, receive, send)
    assert sent[-1] == {"type": "websocket.close", "code": 1011, "reason": "Something went wrong on our side"}
    assert "a socket failed" in caplog.text


# What ends an operation


async def test_completing_an_operation_cancels_it_alone() -> None:
    """Nothing more is said of it; others go on; completing what is not there does nothing."""
    answers = Stub()
    async with serving(answers) as served, talking(served) as socket:
        await send_messages(
            socket, subscribe("a", "wait 1"), subscribe("b", "wait 2"), {"type": "complete", "id": "c"}
        )
        await wait_until(lambda: len(answers.requests) == 2)
        await send_messages(socket, {"type": "complete", "id": "a"}, subscribe("a", "wait 3"))
        await wait_until(lambda: answers.cancelled == ["wait 1"])
        answers.let.set()
        heard = [await receive_message(socket) for _ in range(4)]
        assert sorted(message["id"] for message in heard if message["type"] == "complete") == ["a", "b"]
        assert {message["payload"]["data"] for message in heard if message["type"] == "next"} == {"xx", "xxx"}


@pytest.mark.parametrize("politely", [True, False])
async def test_leaving_cancels_all_operations(politely: bool) -> None:
    """With a close frame or without one."""
    answers = Stub()
    async with serving(answers) as served, talking(served) as socket:
        await send_messages(socket, subscribe("a", "wait 1"), subscribe("b", "wait 2"))
        await wait_until(lambda: len(answers.requests) == 2)
        if politely:
            await socket.close()
        else:
            socket.transport.abort()
        await wait_until(lambda: sorted(answers.cancelled) == ["wait 1", "wait 2"])


class Statements:
    """Answers with a statement that runs for minutes, or with another."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.began = threading.Event()

    async def execute(self, request: GraphQLRequest) -> GraphQLResponse:
        if request.query == "now":
            await self.database.row("SELECT 'x'", (), 15)
            return GraphQLResponse(200, b'{"data":null}')
        self.began.set()
        slow = (
            "SELECT pg_sleep(600)"
            if self.database.dialect == "postgres"
            else "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
        )
        await self.database.row(slow, (), 600)
        raise AssertionError("it was not cancelled")


async def test_completing_an_operation_ends_its_statement_in_the_database(demo_url: str) -> None:
    """The one connection is free for the next operation at once, on both databases."""
    database = Database(demo_url, readers=1)
    answers = Statements(database)
    async with serving(answers, database) as served, talking(served) as socket:
        await send_messages(socket, subscribe("slow", "minutes"))
        await wait_until(answers.began.is_set)
        await send_messages(socket, subscribe("quick", "now"), {"type": "complete", "id": "slow"})
        assert (await receive_message(socket))["id"] == "quick"


# Slow and silent clients


@contextlib.contextmanager
def plainly(served: WebSocketServer) -> Iterator[sockets.socket]:
    """A client that speaks but does not read, with as little room for what comes as can be."""
    with sockets.socket() as plain:
        plain.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 4096)
        plain.connect((HOST, served.port))
        plain.settimeout(15)
        plain.sendall(
            b"GET /graphql HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n"
            b"Sec-WebSocket-Protocol: %b\r\n\r\n" % PROTOCOL.encode()
        )
        assert plain.recv(4096).startswith(b"HTTP/1.1 101 ")
        plain.sendall(frame(Opcode.TEXT, orjson.dumps(INIT)))
        yield plain


def farewell(plain: sockets.socket, code: int) -> str:
    """Reads all that was sent, up to a close frame with `code` at its end; gives the reason."""
    read = b""
    while not (match := _CLOSE.search(read)):
        part = plain.recv(MIB)
        assert part, read
        read = read[-200:] + part
    assert int.from_bytes(match[1], "big") == code
    return match[2].decode()


# A frame of opcode 8, its length, the code, and a reason to the end of what was sent.
_CLOSE = re.compile(rb"\x88[\x02-\x7d]([\x03\x0f-\x13].)([\x20-\x7e]*)\Z", re.DOTALL)


LENIENT = WebSocketLimits(messages_a_second=1_000_000, operations=50, concurrent_operations=4, max_unsent=80)


async def test_who_does_not_read_gets_only_so_many_answers_kept() -> None:
    """Operations wait for their turn, unanswered; one too many closes the socket, and the reader sees why."""
    answers = Stub()
    async with serving(answers, limits=LENIENT) as served:
        with plainly(served) as plain:
            for number in range(LENIENT.operations):
                plain.sendall(frame(Opcode.TEXT, orjson.dumps(subscribe(str(number), f"now {MIB}"))))
            await wait_until(lambda: len(answers.requests) > LENIENT.concurrent_operations)
            await asyncio.sleep(0.1)
            stored = len(answers.requests)
            assert stored < LENIENT.operations / 2
            for number in range(LENIENT.operations):
                plain.sendall(frame(Opcode.TEXT, orjson.dumps(subscribe(f"more {number}", "now"))))
            await wait_until(lambda: served.connections[0].close_sent)
            assert len(answers.requests) == stored
            assert farewell(plain, 4429) == "More than 50 operations at once"


async def test_pongs_are_kept_only_so_many() -> None:
    """Messages that wait to be read are bounded: 1008."""
    async with serving(Stub(), limits=LENIENT) as served:
        with plainly(served) as plain:
            for number in range(LENIENT.concurrent_operations):
                plain.sendall(frame(Opcode.TEXT, orjson.dumps(subscribe(str(number), f"now {4 * MIB}"))))
            await wait_until(lambda: not served.connections[0].writable.is_set())
            for _ in range(LENIENT.max_unsent + 10):
                plain.sendall(frame(Opcode.TEXT, b'{"type":"ping"}'))
            await wait_until(lambda: served.connections[0].close_sent)
            assert farewell(plain, 1008) == "More than 80 messages wait to be read"


async def test_pings_of_who_does_not_read_pile_up_nowhere() -> None:
    """The server keeps no pong for any of them."""
    answers = Stub()
    async with serving(answers, limits=LENIENT) as served:
        with plainly(served) as plain:
            plain.sendall(frame(Opcode.TEXT, orjson.dumps(subscribe("1", f"now {8 * MIB}"))))
            await wait_until(lambda: not served.connections[0].writable.is_set())
            stored = served.connections[0].transport.get_write_buffer_size()
            plain.sendall(frame(Opcode.PING, b"x" * 125) * 900)
            plain.sendall(frame(Opcode.TEXT, orjson.dumps(subscribe("2", "now"))))
            await wait_until(lambda: len(answers.requests) == 2)
            assert served.connections[0].transport.get_write_buffer_size() <= stored


@pytest.mark.parametrize(
    ("last", "options"),
    [
        (frame(Opcode.CLOSE, b"\x03\xe8"), {}),
        (frame(Opcode.TEXT, b"[]"), {}),
        (frame(Opcode.TEXT, b"\xff"), {"log_level": "critical"}),
        (b"\xff" * 20, {}),
        (b"", {"ws_ping_interval": 0.3, "ws_ping_timeout": 0.3}),
    ],
    ids=["leaves", "is closed", "is no text", "is no frame", "is silent"],
)
async def test_who_reads_nothing_at_all_is_hung_up_on(
    monkeypatch: pytest.MonkeyPatch, last: bytes, options: dict[str, Any]
) -> None:
    """Soon after the close frame, whichever side closed, or when pings are not answered."""
    monkeypatch.setattr(websocket_protocol, "CLOSE_TIMEOUT", 0.2)
    async with serving(Stub(), server=options) as served:
        with plainly(served) as plain:
            plain.sendall(frame(Opcode.TEXT, orjson.dumps(subscribe("1", f"now {8 * MIB}"))))
            await wait_until(lambda: not served.connections[0].writable.is_set())
            plain.sendall(last)
            await wait_until(lambda: not served.connections)


# The server stops


async def test_a_stopping_server_lets_operations_finish() -> None:
    """They are answered; then every socket is closed with 1001, for which clients come back."""
    answers = Stub()
    async with (
        serving(answers) as served,
        talking(served) as busy,
        talking(served) as idle,
        connect_to(served) as new,
    ):
        await send_messages(busy, subscribe("a", "wait"))
        await wait_until(lambda: answers.requests)
        served.stop()
        assert (await receive_close(idle))[0] == 1001
        assert (await receive_close(new))[0] == 1001
        answers.let.set()
        assert [(await receive_message(busy))["type"] for _ in range(2)] == ["next", "complete"]
        assert (await receive_close(busy))[0] == 1001


async def test_a_stopping_server_waits_only_so_long() -> None:
    """What is not done by then is cancelled, and the socket closed with 1001."""
    answers = Stub()
    limits = replace(WebSocketLimits(), leaving_seconds=0.2)
    async with serving(answers, limits=limits) as served, talking(served) as socket:
        await send_messages(socket, subscribe("a", "wait"))
        await wait_until(lambda: answers.requests)
        served.stop()
        assert (await receive_close(socket))[0] == 1001
        await wait_until(lambda: answers.cancelled == ["wait"])
