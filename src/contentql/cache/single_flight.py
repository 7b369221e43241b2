"""Single flight: concurrent callers with the same key share one computation."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Hashable
from dataclasses import dataclass
from typing import Any, TypeVar

T = TypeVar("T")


@dataclass(eq=False)
class _Flight:
    task: asyncio.Task[Any]
    callers: int = 0


class SingleFlight:
    """Runs at most one computation per key at a time."""

    def __init__(self) -> None:
        self._flights: dict[Hashable, _Flight] = {}

    async def run(self, key: Hashable, compute: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """The result of `compute`, or of the computation that is running for the key.

        A computation is cancelled when its last caller is.
        """
        flight = self._flights.get(key)
        if flight is None:
            flight = _Flight(asyncio.create_task(compute()))
            self._flights[key] = flight
        flight.callers += 1
        task: Awaitable[T] = asyncio.shield(flight.task)
        try:
            return await task
        finally:
            flight.callers -= 1
            if not flight.callers:
                # Later callers start a new computation. Cancelling this one also cancels its SQL statement.
                if self._flights.get(key) is flight:
                    del self._flights[key]
                flight.task.cancel()
