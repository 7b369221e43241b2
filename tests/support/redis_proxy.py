"""A TCP proxy between a client and Redis that can be cut, stalled, slowed down, or respond itself."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Self
from urllib.parse import urlsplit

# What a broken Redis, or another program at its port, may answer.
WRONG_RESPONSES = {
    "an error": b"-ERR unknown command\r\n",
    "read-only": b"-READONLY You can't write against a read only replica.\r\n",
    "out of memory": b"-OOM command not allowed when used memory > 'maxmemory'.\r\n",
    "loading": b"-LOADING Redis is loading the dataset in memory\r\n",
    "moved": b"-MOVED 3999 127.0.0.1:1\r\n",
    "no permission": b"-NOAUTH Authentication required.\r\n",
    "a number": b":7\r\n",
    "a status": b"+OK\r\n",
    "a text": b"$5\r\nhello\r\n",
    "an empty text": b"$0\r\n\r\n",
    "nothing": b"$-1\r\n",
    "a list": b"*2\r\n:1\r\n$1\r\nx\r\n",
    "a map": b"%1\r\n+a\r\n+b\r\n",
    "bytes": b"\x00\xff\xfe\r\n",
    "an invalid number": b":abc\r\n",
    "an invalid length": b"$abc\r\n",
    "a huge length": b"$99999999999\r\n",
    "HTTP": b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n",
    "several responses": b"+OK\r\n+OK\r\n:1\r\n$1\r\nx\r\n",
}


class RedisProxy:
    """Forwards connections to the Redis at `url`; an asynchronous context manager.

    `delays`: seconds by which requests with a text are held back, in order with later ones of the connection.
    `responses`: what the proxy answers to requests with a text, which do not reach Redis.
    """

    def __init__(self, url: str) -> None:
        self._target = urlsplit(url)
        self._writers: set[asyncio.StreamWriter] = set()
        self._may_forward = asyncio.Event()
        self._may_forward.set()
        self._server: asyncio.Server | None = None
        self.port = 0
        self.delays: dict[bytes, float] = {}
        self.responses: dict[bytes, bytes] = {}
        self.hits = 0  # requests that were held back or answered by the proxy

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.resume()
        await self.cut()

    async def open(self) -> None:
        """Accepts connections, on the same port as before."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        """Closes all connections and refuses new ones."""
        if self._server is not None:
            self._server.close()
        for writer in tuple(self._writers):
            writer.close()

    def stall(self) -> None:
        """Forwards nothing until `resume`."""
        self._may_forward.clear()

    def resume(self) -> None:
        self._may_forward.set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            redis_reader, redis_writer = await asyncio.open_connection(
                self._target.hostname, self._target.port
            )
        except OSError:
            writer.close()
            return
        self._writers |= {writer, redis_writer}
        directions: list[Awaitable[None]] = [
            self._forward_requests(reader, redis_writer, writer),
            self._forward_responses(redis_reader, writer),
        ]
        await asyncio.gather(*directions, return_exceptions=True)
        self._writers -= {writer, redis_writer}
        for each in (writer, redis_writer):
            each.close()

    async def _forward_requests(
        self, source: asyncio.StreamReader, target: asyncio.StreamWriter, client: asyncio.StreamWriter
    ) -> None:
        # A client that has left does not take back what it has sent.
        while data := await source.read(1 << 20):
            await self._may_forward.wait()
            response = next((text for part, text in self.responses.items() if part in data), None)
            if response is not None:
                self.hits += 1
                client.write(response)
                continue
            delay = next((seconds for part, seconds in self.delays.items() if part in data), 0.0)
            if delay:
                self.hits += 1
                await asyncio.sleep(delay)
            target.write(data)
        target.close()

    async def _forward_responses(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        while data := await source.read(1 << 20):
            await self._may_forward.wait()
            target.write(data)
        target.close()
