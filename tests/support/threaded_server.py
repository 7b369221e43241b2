"""A uvicorn server in a thread of the test process."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from typing import Any, Self

import uvicorn
from starlette.types import ASGIApp

HOST = "127.0.0.1"


class ThreadedServer:
    """Serves an ASGI application with uvicorn, in a thread with an event loop of its own.

    A context manager, also an asynchronous one, inside which the server accepts connections.
    """

    def __init__(self, app: ASGIApp, **options: Any) -> None:
        """Listens on a free port; `options` are those of `uvicorn.Config`."""
        self._socket = socket.create_server((HOST, 0), backlog=1_000)
        self.port: int = self._socket.getsockname()[1]
        self.server = uvicorn.Server(uvicorn.Config(app, **{**options, "log_config": None}))
        self.thread = threading.Thread(target=self.server.run, args=([self._socket],))

    def start(self) -> None:
        """Starts the thread and waits until the server accepts connections."""
        self.thread.start()
        while not self.server.started:
            assert self.thread.is_alive(), "the server did not start"
            time.sleep(0.01)

    def stop(self) -> None:
        """Makes the server stop, without waiting for it."""
        self.server.should_exit = True

    def join(self, seconds: float = 20) -> None:
        """Stops the server and waits until its thread has ended."""
        self.stop()
        self.thread.join(seconds)
        self._socket.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.join()

    async def __aenter__(self) -> Self:
        self.start()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await asyncio.to_thread(self.join)
