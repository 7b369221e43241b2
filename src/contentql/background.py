"""Background tasks that run as long as a block of code."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Coroutine
from typing import Any


async def cancel_task(task: asyncio.Task[Any]) -> None:
    """Cancels a task and waits for its end. Raises the exception that it ended with, if there was one."""
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


@contextlib.asynccontextmanager
async def running_in_background(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Runs a coroutine within the block, and cancels it at the end."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        await cancel_task(task)
