"""Throttling of invalid tokens by network address.

Invariant: knows addresses and hashes of tokens, never tokens. Counts per process.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable
from math import ceil
from typing import Final

from contentql.errors import ApiError
from contentql.lru import LRUCache

MAX_FAILURES: Final = 10
_SECONDS = 60
_GOOD_SECONDS = 3_600
_ADDRESSES = 10_000
_MAX_GOOD = 50_000


class FailedLoginThrottle:
    """Limits the invalid tokens of an address. Every check of a token runs within `attempt`."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._tallies: LRUCache[str, _AddressAttempts] = LRUCache(_ADDRESSES, _ADDRESSES)
        self._good: LRUCache[tuple[str, str], float] = LRUCache(_MAX_GOOD, _MAX_GOOD)

    @contextlib.asynccontextmanager
    async def attempt(self, address: str, key: str) -> AsyncIterator[None]:
        """Context manager around a check; counts UNAUTHENTICATED as a failure. Raises RATE_LIMITED for an
        address with too many failures, unless the same token was valid before."""
        tally = None if self._was_good(address, key) else await self._start_attempt(address, key)
        try:
            yield
        except ApiError as refusal:
            if refusal.code == "UNAUTHENTICATED":
                self._good.set((address, key), 0.0, 1)
                self._tally(address).refused.append(self._clock())
            raise
        else:
            self._good.set((address, key), self._clock(), 1)
        finally:
            if tally is not None:
                tally.end(key)

    def _was_good(self, address: str, key: str) -> bool:
        last = self._good.get((address, key))
        return last is not None and last > 0 and self._clock() - last < _GOOD_SECONDS

    def _tally(self, address: str) -> _AddressAttempts:
        tally = self._tallies.get(address)
        if tally is None:
            tally = _AddressAttempts()
            self._tallies.set(address, tally, 1)
        return tally

    async def _start_attempt(self, address: str, key: str) -> _AddressAttempts:
        tally = self._tally(address)
        while True:
            now = self._clock()
            while tally.refused and now - tally.refused[0] >= _SECONDS:
                tally.refused.popleft()
            if len(tally.refused) >= MAX_FAILURES:
                raise _too_many(max(1, ceil(tally.refused[0] + _SECONDS - now)))
            # Guesses that come together are not all let in because none has been refused yet.
            if key in tally.trying or len(tally.refused) + len(tally.trying) < MAX_FAILURES:
                tally.trying[key] += 1
                return tally
            await tally.changed()


class _AddressAttempts:
    """One address: times of its rejected tokens, and the checks in progress."""

    __slots__ = ("_turn", "refused", "trying")

    def __init__(self) -> None:
        self.refused: deque[float] = deque()
        self.trying: Counter[str] = Counter()
        self._turn: asyncio.Event | None = None

    async def changed(self) -> None:
        if self._turn is None:
            self._turn = asyncio.Event()
        await self._turn.wait()

    def end(self, key: str) -> None:
        self.trying[key] -= 1
        if not self.trying[key]:
            del self.trying[key]
        if self._turn is not None:
            self._turn.set()
            self._turn = None


def _too_many(seconds: int) -> ApiError:
    return ApiError(
        "RATE_LIMITED",
        f"{MAX_FAILURES} tokens from this address were refused within a minute.",
        f"Try again in {seconds} s, with a token that is good.",
        limit=MAX_FAILURES,
        retryAfter=seconds,
    )
