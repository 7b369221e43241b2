"""A whole server in this process, and clients of its subscriptions."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx2
import orjson
from tests.conftest import NOW
from tests.support.websocket_client import WebSocketServer, connect_to, receive_message, send_messages
from websockets.asyncio.client import ClientConnection

from contentql.app import create_app
from contentql.auth.api_tokens import issue_token
from contentql.auth.permissions import Role
from contentql.server.http_protocol import HttpProtocol
from contentql.settings import Settings
from contentql.store.database import Database

TIMEOUT_SECONDS = 15
STREAM = {"accept": "text/event-stream"}


class StreamServer(WebSocketServer):
    """The application with a database, served with the protocol classes of `contentql serve`."""

    def __init__(self, database_url: str, **settings: Any) -> None:
        self.app = create_app(Settings(database_url=database_url, **settings))
        self.database_url = database_url
        super().__init__(self.app, http=HttpProtocol, lifespan="on")

    @property
    def http_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def client(self, token: str | None = None) -> httpx2.AsyncClient:
        headers = {"authorization": f"Bearer {token}"} if token else {}
        return httpx2.AsyncClient(base_url=self.http_url, timeout=TIMEOUT_SECONDS, headers=headers)

    async def metric(self, name: str) -> float:
        async with self.client() as http:
            lines = (await http.get("/metrics")).text.splitlines()
        return float(next(line for line in lines if line.startswith(f"{name} ")).split()[1])


@dataclass(frozen=True)
class StreamEvent:
    """An event of a stream: its fields by name; `data` as JSON, None if it is empty."""

    name: str
    id: str
    data: Any


class EventStreamClient:
    """The response of an event stream. `retry` is the last value of that field."""

    def __init__(self, response: httpx2.Response) -> None:
        self.response = response
        self.retry: int | None = None
        self._lines = response.aiter_lines()

    async def receive(self) -> StreamEvent | None:
        """The next event; None at the end of the stream."""
        fields: dict[str, str] = {}
        async with asyncio.timeout(TIMEOUT_SECONDS):
            async for line in self._lines:
                name, _, value = line.partition(":")
                if line and name:
                    fields[name] = value.removeprefix(" ")
                if not line and "retry" in fields:
                    self.retry = int(fields.pop("retry"))
                if not line and "event" in fields:
                    data = orjson.loads(fields["data"]) if fields["data"] else None
                    return StreamEvent(fields["event"], fields.get("id", ""), data)
        self.retry = int(fields.get("retry", self.retry or 0)) or None
        return None

    async def receive_result(self) -> Any:
        """The result of the next event, which must be `next`."""
        event = await self.receive()
        assert event is not None
        assert event.name == "next"
        return event.data


@contextlib.asynccontextmanager
async def open_event_stream(
    server: StreamServer,
    query: str,
    *,
    token: str | None = None,
    method: str = "POST",
    params: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    **body: Any,
) -> AsyncIterator[EventStreamClient]:
    """The event stream of an operation: `method` is POST or GET."""
    arguments: dict[str, Any] = {"params": {**(params or {})}, "headers": {**STREAM, **(headers or {})}}
    if method == "POST":
        arguments["json"] = {"query": query, **body}
    else:
        arguments["params"]["query"] = query
    async with (
        server.client(token) as http,
        http.stream(method, "/graphql", **arguments) as response,
    ):
        assert response.status_code == 200, await response.aread()
        assert response.headers["content-type"].startswith("text/event-stream")
        yield EventStreamClient(response)


@contextlib.asynccontextmanager
async def open_socket(server: StreamServer, token: str | None = None) -> AsyncIterator[ClientConnection]:
    """A WebSocket after `connection_ack`."""
    payload = {"authorization": f"Bearer {token}"} if token else {}
    async with connect_to(server) as socket:
        await send_messages(socket, {"type": "connection_init", "payload": payload})
        assert (await receive_message(socket))["type"] == "connection_ack"
        yield socket


async def issue(database_url: str, role: Role = Role.PUBLISHER, **options: Any) -> tuple[int, str]:
    """Id and secret of a new API token."""
    async with Database(database_url).orm():
        token, secret = await issue_token(name="Ed", role=role, created_by="tests", now=NOW, **options)
    return token.id, secret


async def write(database_url: str, *statements: str) -> None:
    """Executes SQL, as another program does."""
    async with Database(database_url).orm() as connection:
        for statement in statements:
            await connection.execute_query(statement)
