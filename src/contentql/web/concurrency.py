"""Limit of concurrent operations, with a bounded queue."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque

from contentql.errors import ApiError


class ConcurrencyLimiter:
    """So many operations at once; a bounded number waits for a bounded time, the rest is turned away.

    if not gate.enter():
        await gate.wait()
    try: ...
    finally:
        gate.leave()
    """

    def __init__(self, places: int, *, queue: int | None = None, seconds: float = 1.0) -> None:
        """`queue`: how many may wait, eight times the places unless told; `seconds`: how long each."""
        self.limit = places
        self._free = places
        self._queue = 8 * places if queue is None else queue
        self._seconds = seconds
        self._waiting: deque[asyncio.Future[None]] = deque()

    def try_acquire(self) -> bool:
        """Takes a place if one is free."""
        if self._free:
            self._free -= 1
            return True
        return False

    async def acquire(self) -> None:
        """Takes the next free place. Raises SERVICE_OVERLOADED, at once if the queue is full."""
        if len(self._waiting) >= self._queue:
            raise self._refused()
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            async with asyncio.timeout(self._seconds):
                await turn
        except BaseException as exc:
            if turn.done() and not turn.cancelled():
                self.release()  # the place came too late
            else:
                with contextlib.suppress(ValueError):  # passed over already
                    self._waiting.remove(turn)
            if isinstance(exc, TimeoutError):
                raise self._refused() from None
            raise

    def release(self) -> None:
        """Gives the place to whoever waits longest."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1

    def _refused(self) -> ApiError:
        return ApiError(
            "SERVICE_OVERLOADED",
            f"{self.limit} operations are under way, as many as may be.",
            "Try again in a second.",
            limit=self.limit,
            retryAfter=1,
        )
