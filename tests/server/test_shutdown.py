"""Shutdown of a server: readiness fails before it stops."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from types import FrameType

import pytest

from contentql.server.shutdown import drain_on_sigterm


@pytest.fixture
def stopped() -> Iterator[asyncio.Event]:
    """Set where uvicorn would begin to stop."""
    event = asyncio.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        assert number == signal.SIGTERM
        event.set()

    before = signal.signal(signal.SIGTERM, stop)
    yield event
    signal.signal(signal.SIGTERM, before)


async def test_readiness_fails_before_the_server_stops(stopped: asyncio.Event) -> None:
    """A second SIGTERM does not shorten the delay."""
    messages: list[bool] = []
    with drain_on_sigterm(0.2, lambda: messages.append(stopped.is_set())):
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.sleep(0.05)
        os.kill(os.getpid(), signal.SIGTERM)
        async with asyncio.timeout(10):
            await stopped.wait()
    assert messages == [False]


async def test_what_was_there_before_is_there_afterwards(stopped: asyncio.Event) -> None:
    """The previous signal handler is restored."""
    before = signal.getsignal(signal.SIGTERM)
    with drain_on_sigterm(0.2, lambda: None):
        assert signal.getsignal(signal.SIGTERM) is not before
    assert signal.getsignal(signal.SIGTERM) is before


async def test_unhandled_signals_keep_their_behaviour() -> None:
    """The default action stays in place."""
    before = signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        with drain_on_sigterm(0.2, lambda: None):
            assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    finally:
        signal.signal(signal.SIGTERM, before)
