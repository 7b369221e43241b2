"""Timeouts without a timer for coroutines that finish without waiting.

A timer for every step of every request would cost more than many of the steps.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Generator
from typing import Any, TypeVar

T = TypeVar("T")


async def with_timeout(seconds: float, work: Coroutine[Any, Any, T]) -> T:
    """The result of `work`. Raises TimeoutError, and cancels the work, after `seconds`."""
    started = start_eagerly(work)
    return await started.with_timeout(seconds) if isinstance(started, StartedCoroutine) else started


def start_eagerly(work: Coroutine[Any, Any, T]) -> T | StartedCoroutine:
    """The result of `work` if it does not wait; otherwise the started coroutine."""
    try:
        return StartedCoroutine(work, work.send(None))
    except StopIteration as done:
        result: T = done.value
        return result


class StartedCoroutine:
    """A coroutine that has run to its first wait."""

    def __init__(self, work: Coroutine[Any, Any, Any], waited_for: Any) -> None:
        self._work = work
        self._waited_for = waited_for

    async def with_timeout(self, seconds: float) -> Any:
        """The result. Raises TimeoutError, and cancels the work, after `seconds`."""
        async with asyncio.timeout(seconds):
            return await self

    def __await__(self) -> Generator[Any, Any, Any]:
        try:
            yield self._waited_for
        except BaseException as exc:  # what comes from outside is for the work to deal with
            try:
                waited_for = self._work.throw(exc)
            except StopIteration as done:
                return done.value
            return (yield from StartedCoroutine(self._work, waited_for).__await__())
        return (yield from self._work.__await__())
