"""Reading of the rest of a request's body after an early response, for servers that do not do so.

uvicorn closes a connection right after the last response. If the client still sends its body then, the
connection is reset, and the client may lose the response. Our own HTTP protocol class does without this.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_DISCARDED_BYTES: Final = 16_777_216
LINGER_SECONDS: Final = 2.0


class LingeringApp:
    """ASGI application that ends its responses only after the rest of the request's body has been received.

    The client has the whole response before, with its length, and can close the connection at once.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = _RequestBody(receive)

        async def send_before_rest(message: Message) -> None:
            ends = message["type"] == "http.response.body" and not message.get("more_body")
            if ends and not body.is_complete:
                await send({**message, "more_body": True})
                await body.discard()
                message = {"type": "http.response.body"}
            await send(message)

        await self._app(scope, body.receive, send_before_rest)


class _RequestBody:
    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._size = 0
        self.is_complete = False

    async def receive(self) -> Message:
        message = await self._receive()
        self._size += len(message.get("body", b""))
        self.is_complete = message["type"] != "http.request" or not message.get("more_body")
        return message

    async def discard(self) -> None:
        """Receive the rest, within limits of time and size."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LINGER_SECONDS):
                while not self.is_complete and self._size < MAX_DISCARDED_BYTES:
                    await self.receive()
