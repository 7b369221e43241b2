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
    try:
        waited_for = work.send(None)
    except StopIteration as done:
        found: Result = done.value
        return found
    async with asyncio.timeout(seconds):
        later: Result = await _Begun(work, waited_for)
        return later


class _Begun:
    """A coroutine that has taken its first step and waits for something."""

    def __init__(self, work: Coroutine[Any, Any, Any], waited_for: Any) -> None:
        self._work = work
        self._waited_for = waited_for

    def __await__(self) -> Generator[Any, Any, Any]:
        try:
            yield self._waited_for
        except BaseException as fault:  # what comes from outside is for the work to deal with
            try:
                waited_for = self._work.throw(fault)
            except StopIteration as done:
                return done.value
            return (yield from _Begun(self._work, waited_for).__await__())
        return (yield from self._work.__await__())
