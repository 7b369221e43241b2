"""Time to be taken off the list: on SIGTERM a server says that it leaves, and goes on for a while.

uvicorn closes its door at the signal. A load balancer that has not looked since would send requests to
nobody. Knows signals and clocks; does not know who asks.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType


@contextlib.contextmanager
def drain_on_sigterm(seconds: float, tell: Callable[[], None]) -> Iterator[None]:
    """While open, SIGTERM calls `tell` in the event loop, and does what it did before after `seconds`.

    Does nothing where signals are not ours: outside the main thread, or where nobody waits for one.
    """
    before = signal.getsignal(signal.SIGTERM)
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield
        return
    loop = asyncio.get_running_loop()
    signalled = False

    def leave(number: int) -> None:
        tell()
        loop.call_later(seconds, before, number, None)

    def heard(number: int, _: FrameType | None) -> None:
        # A supervisor may tell each worker, and uvicorn's parent again: that is no reason to hurry.
        nonlocal signalled
        if not signalled:
            signalled = True
            loop.call_soon_threadsafe(leave, number)

    signal.signal(signal.SIGTERM, heard)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
