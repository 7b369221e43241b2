"""Static server: the upper bound of a cached response, with the same HTTP server as contentql.

Run as a process: `python -m contentql.bench.static_server --port 9000`. Standard input: the headers as a line
of JSON, [[name, value], …], then the body.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
import uvicorn

from contentql.server.options import uvicorn_options
from contentql.settings import Settings

Message = dict[str, Any]


class StaticResponseApp:
    """An ASGI application with one response."""

    def __init__(self, data: bytes) -> None:
        headers, _, self._body = data.partition(b"\n")
        self._headers = [(name.encode(), value.encode()) for name, value in orjson.loads(headers)]

    async def __call__(
        self,
        scope: Message,
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
    ) -> None:
        if scope["type"] == "lifespan":
            for message_type in ("lifespan.startup.complete", "lifespan.shutdown.complete"):
                await receive()
                await send({"type": message_type})
            return
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": self._headers})
        await send({"type": "http.response.body", "body": self._body})


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m contentql.bench.static_server", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    options = parser.parse_args()
    uvicorn.run(StaticResponseApp(sys.stdin.buffer.read()), **uvicorn_options(Settings(port=options.port)))


if __name__ == "__main__":
    main()
