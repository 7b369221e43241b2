"""Messages of one connection that wait until its client has read earlier ones.

A message is sent at once, without a task, as long as the client reads.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from typing import Final

from starlette.types import Message, Send

from contentql.timeouts import StartedCoroutine, start_eagerly

log = logging.getLogger("contentql")

MAX_MESSAGES: Final = 256
MAX_BYTES: Final = 4_194_304
WRITE_TIMEOUT: Final = 30.0  # seconds for one message


class SendQueue:
    """A bounded queue in front of an ASGI `send`."""

    __slots__ = ("_bytes", "_queue", "_send", "_task", "_waiting_since")

    def __init__(self, send: Send) -> None:
        self._send = send
        self._queue: deque[tuple[Message, int]] | None = None
        self._bytes = 0
        self._task: asyncio.Task[None] | None = None
        self._waiting_since = 0.0

    def put(self, message: Message, size: int) -> bool:
        """Sends a message of about `size` bytes, or queues it. False if too much is waiting: then it is
        lost."""
        if self._task is None:
            try:
                # As a rule the client reads, and this is all.
                started = start_eagerly(self._send(message))  # type: ignore[arg-type]
            except OSError:  # the client has left, which `receive` reports
                return True
            except Exception:
                log.exception("A message could not be sent")
                return True
            if isinstance(started, StartedCoroutine):
                self._waiting_since = time.monotonic()
                self._task = asyncio.create_task(self._drain(started))
            return True
        queue = self._queue = self._queue or deque()
        if len(queue) >= MAX_MESSAGES or self._bytes + size > MAX_BYTES:
            return False
        queue.append((message, size))
        self._bytes += size
        return True

    def put_last(self, message: Message) -> None:
        """Sends a message after what is being written now; other messages that wait are discarded."""
        if self._queue:
            self._queue.clear()
        self._bytes = 0
        self.put(message, 0)

    @property
    def is_waiting(self) -> bool:
        """Whether a message has not been written yet."""
        return self._task is not None

    def is_stuck(self, now: float) -> bool:
        """Whether the client has not read a message in time; `now` of the monotonic clock."""
        return self._task is not None and now - self._waiting_since > WRITE_TIMEOUT

    async def close(self) -> None:
        """Discards what waits."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _drain(self, started: StartedCoroutine) -> None:
        try:
            await started
            while self._queue:
                message, size = self._queue.popleft()
                self._bytes -= size
                self._waiting_since = time.monotonic()
                await self._send(message)
        except OSError:
            pass
        except Exception:
            log.exception("A message could not be sent")
        finally:
            self._task, self._queue, self._bytes = None, None, 0
