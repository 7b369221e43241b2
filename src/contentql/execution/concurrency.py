"""Limit of concurrent operations, with a bounded queue."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator

from contentql.errors import ApiError, LimitError


class ConcurrencyLimiter:
    """Limits concurrent operations. A bounded number waits for a bounded time; others are refused."""

    def __init__(
        self, places: int, *, queue: int | None = None, seconds: float = 1.0, what: str = "operations"
    ) -> None:
        """`queue`: how many may wait, by default eight times the places; `seconds`: how long. `what` names
        the operations in errors."""
        self.limit = places
        self._what = what
        self._free = places
        self._queue = 8 * places if queue is None else queue
        self._seconds = seconds
        self._waiting: deque[asyncio.Future[None]] = deque()

    def try_acquire(self) -> bool:
        """Take a place if one is free."""
        if self._free:
            self._free -= 1
            return True
        return False

    async def acquire(self) -> None:
        """Wait for a place. Raises ApiError SERVICE_OVERLOADED, at once if the queue is full."""
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

    @contextlib.asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """Holds a place within the block. Raises ApiError SERVICE_OVERLOADED as `acquire`."""
        if not self.try_acquire():
            await self.acquire()
        try:
            yield
        finally:
            self.release()

    def release(self) -> None:
        """Return a place; the operation that waits longest gets it."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1

    def _refused(self) -> ApiError:
        return LimitError(
            "SERVICE_OVERLOADED",
            f"{self.limit} {self._what} are under way, the maximum number at once.",
            "Try again in a second.",
            limit=self.limit,
            retryAfter=1,
        )
