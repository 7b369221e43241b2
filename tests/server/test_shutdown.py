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
    """An event that is set where uvicorn would begin to stop."""
    event = asyncio.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        assert number == signal.SIGTERM
        event.set()

    previous = signal.signal(signal.SIGTERM, stop)
    yield event
    signal.signal(signal.SIGTERM, previous)


async def test_readiness_fails_before_the_server_stops(stopped: asyncio.Event) -> None:
    """A second SIGTERM does not shorten the delay."""
    was_stopped: list[bool] = []
    with drain_on_sigterm(0.2, lambda: was_stopped.append(stopped.is_set())):
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.sleep(0.05)
        os.kill(os.getpid(), signal.SIGTERM)
        async with asyncio.timeout(10):
            await stopped.wait()
    assert was_stopped == [False]


async def test_streams_are_ended_after_the_delay(stopped: asyncio.Event) -> None:
    """When the server no longer accepts connections."""
    were_stopped: list[bool] = []
    with drain_on_sigterm(0.05, lambda: None, lambda: were_stopped.append(stopped.is_set())):
        os.kill(os.getpid(), signal.SIGTERM)
        async with asyncio.timeout(10):
            await stopped.wait()
    assert were_stopped == [True]


async def test_previous_signal_handler_is_restored(stopped: asyncio.Event) -> None:
    previous = signal.getsignal(signal.SIGTERM)
    with drain_on_sigterm(0.2, lambda: None):
        assert signal.getsignal(signal.SIGTERM) is not previous
    assert signal.getsignal(signal.SIGTERM) is previous


async def test_default_signal_action_is_kept() -> None:
    previous = signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        with drain_on_sigterm(0.2, lambda: None):
            assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    finally:
        signal.signal(signal.SIGTERM, previous)
