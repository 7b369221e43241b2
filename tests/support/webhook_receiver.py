"""A receiver of webhooks that records requests and responds as a test tells it to."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson


@dataclass(frozen=True)
class ReceivedRequest:
    """A request; header names are in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)

    @property
    def type(self) -> str:
        return str(self.json["type"])

    @property
    def article(self) -> str:
        return str(self.json["data"]["id"])


Respond = Callable[[ReceivedRequest, asyncio.StreamWriter], Awaitable[None]]


def response(status: int, *headers: str) -> Respond:
    """Responds with a status and an empty body."""

    async def respond(_: ReceivedRequest, writer: asyncio.StreamWriter) -> None:
        lines = [f"HTTP/1.1 {status} Status", "content-length: 0", "connection: close", *headers]
        writer.write("\r\n".join([*lines, "", ""]).encode())
        await writer.drain()

    return respond


async def hang(_: ReceivedRequest, __: asyncio.StreamWriter) -> None:
    """Never responds."""
    await asyncio.sleep(3_600)


@dataclass
class WebhookReceiver:
    """`requests`: all so far, in the order of arrival. `behaviour`: responses by path; by default 204."""

    port: int = 0
    requests: list[ReceivedRequest] = field(default_factory=list)
    behaviour: dict[str, Respond] = field(default_factory=dict)
    sent_bytes: int = 0
    _arrived: asyncio.Condition = field(default_factory=asyncio.Condition)

    def url(self, path: str = "/hook", host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"

    def at(self, path: str) -> list[ReceivedRequest]:
        return [request for request in self.requests if request.path == path]

    async def wait_until(self, condition: Callable[[], bool], seconds: float = 30) -> None:
        """Waits for a request after which the condition holds."""
        async with asyncio.timeout(seconds), self._arrived:
            await self._arrived.wait_for(condition)

    async def wait_for(self, count: int, path: str = "/hook") -> list[ReceivedRequest]:
        """The requests of a path, when there are that many."""
        await self.wait_until(lambda: len(self.at(path)) >= count)
        return self.at(path)

    async def _handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError), contextlib.closing(writer):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            method, path, _ = head[0].split(" ")
            pairs = (line.partition(":") for line in head[1:] if line)
            headers = {name.lower(): value.strip() for name, _, value in pairs}
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            request = ReceivedRequest(method, path, headers, body)
            async with self._arrived:
                self.requests.append(request)
                self._arrived.notify_all()
            await self.behaviour.get(path, response(204))(request, writer)


@contextlib.asynccontextmanager
async def open_receiver() -> AsyncIterator[WebhookReceiver]:
    """A receiver on a free port of this machine."""
    receiver = WebhookReceiver()
    tasks: set[asyncio.Task[None]] = set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(receiver._handle(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
