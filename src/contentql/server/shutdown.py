"""Graceful shutdown: after SIGTERM the server reports that it is not ready and continues for some seconds.

uvicorn closes its listening socket at the signal. A load balancer that has not checked readiness since would
still send requests to it.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType


@contextlib.contextmanager
def drain_on_sigterm(
    seconds: float, on_sigterm: Callable[[], None], on_exit: Callable[[], None] = lambda: None
) -> Iterator[None]:
    """While open, SIGTERM calls `on_sigterm` in the event loop, and after `seconds` runs the previous handler
    and calls `on_exit`.

    Does nothing outside the main thread, or if no handler was installed.
    """
    before = signal.getsignal(signal.SIGTERM)
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield
        return
    loop = asyncio.get_running_loop()
    signalled = False

    def start_draining(number: int) -> None:
        on_sigterm()
        loop.call_later(seconds, exit_server, number)

    def exit_server(number: int) -> None:
        before(number, None)
        on_exit()

    def handle_signal(number: int, _: FrameType | None) -> None:
        # A supervisor may signal each worker and the parent process, which signals the workers again.
        nonlocal signalled
        if not signalled:
            signalled = True
            loop.call_soon_threadsafe(start_draining, number)

    signal.signal(signal.SIGTERM, handle_signal)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
