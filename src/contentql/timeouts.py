"""Waiting with a deadline that costs nothing where there is nothing to wait for.

A timer for every step of every request would cost more than many of the steps.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Generator
from typing import Any, TypeVar

Result = TypeVar("Result")


async def within(seconds: float, work: Coroutine[Any, Any, Result]) -> Result:
    """What `work` returns. Raises TimeoutError, and cancels it, if that takes longer."""
    begun = begin(work)
    return await begun.within(seconds) if isinstance(begun, Begun) else begun


def begin(work: Coroutine[Any, Any, Result]) -> Result | Begun:
    """What `work` returns if it need not wait; else `work`, which has taken its first step."""
    try:
        return Begun(work, work.send(None))
    except StopIteration as done:
        found: Result = done.value
        return found


class Begun:
    """A coroutine that has taken its first step and waits for something."""

    def __init__(self, work: Coroutine[Any, Any, Any], waited_for: Any) -> None:
        self._work = work
        self._waited_for = waited_for

    async def within(self, seconds: float) -> Any:
        """Raises TimeoutError, and cancels the work, if that takes longer."""
        async with asyncio.timeout(seconds):
            return await self

    def __await__(self) -> Generator[Any, Any, Any]:
        try:
            yield self._waited_for
        except BaseException as fault:  # what comes from outside is for the work to deal with
            try:
                waited_for = self._work.throw(fault)
            except StopIteration as done:
                return done.value
            return (yield from Begun(self._work, waited_for).__await__())
        return (yield from self._work.__await__())
