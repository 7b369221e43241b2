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

from contentql.errors import ApiError, LimitError
from contentql.lru import LRUCache

MAX_FAILURES: Final = 10
_WINDOW_SECONDS = 60  # in which MAX_FAILURES are counted
_VALID_SECONDS = 3_600  # during which a token that was valid is exempt, at the same address
_MAX_ADDRESSES = 10_000  # counted at a time
_MAX_VALID = 50_000  # pairs of address and token whose last check is stored


class FailedLoginThrottle:
    """Limits the invalid tokens of an address. Every check of a token runs within `attempt`."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._attempts: LRUCache[str, _AddressAttempts] = LRUCache(_MAX_ADDRESSES, _MAX_ADDRESSES)
        self._last_valid: LRUCache[tuple[str, str], float] = LRUCache(_MAX_VALID, _MAX_VALID)

    @contextlib.asynccontextmanager
    async def attempt(self, address: str, key: str) -> AsyncIterator[None]:
        """Context manager around the check of a token; counts UNAUTHENTICATED as a failure.

        `key`: hash of the token. Raises RATE_LIMITED for an address with too many failures, unless the same
        token was valid within the last hour.
        """
        attempts = None if self._was_valid(address, key) else await self._start_attempt(address, key)
        try:
            yield
        except ApiError as exc:
            if exc.code == "UNAUTHENTICATED":
                self._last_valid.set((address, key), 0.0, 1)
                self._attempts_of(address).failures.append(self._clock())
            raise
        else:
            self._last_valid.set((address, key), self._clock(), 1)
        finally:
            if attempts is not None:
                attempts.end(key)

    def _was_valid(self, address: str, key: str) -> bool:
        last = self._last_valid.get((address, key))
        return last is not None and last > 0 and self._clock() - last < _VALID_SECONDS

    def _attempts_of(self, address: str) -> _AddressAttempts:
        attempts = self._attempts.get(address)
        if attempts is None:
            attempts = _AddressAttempts()
            self._attempts.set(address, attempts, 1)
        return attempts

    async def _start_attempt(self, address: str, key: str) -> _AddressAttempts:
        attempts = self._attempts_of(address)
        while True:
            now = self._clock()
            while attempts.failures and now - attempts.failures[0] >= _WINDOW_SECONDS:
                attempts.failures.popleft()
            if len(attempts.failures) >= MAX_FAILURES:
                raise _rate_limited_error(max(1, ceil(attempts.failures[0] + _WINDOW_SECONDS - now)))
            # Checks in progress count as failures, or concurrent guesses would all be checked.
            if (
                key in attempts.in_progress
                or len(attempts.failures) + len(attempts.in_progress) < MAX_FAILURES
            ):
                attempts.in_progress[key] += 1
                return attempts
            await attempts.wait_for_end()


class _AddressAttempts:
    """One address: times of its rejected tokens, and the checks in progress."""

    __slots__ = ("_end_event", "failures", "in_progress")

    def __init__(self) -> None:
        self.failures: deque[float] = deque()
        self.in_progress: Counter[str] = Counter()
        self._end_event: asyncio.Event | None = None

    async def wait_for_end(self) -> None:
        """Waits until a check in progress has ended."""
        if self._end_event is None:
            self._end_event = asyncio.Event()
        await self._end_event.wait()

    def end(self, key: str) -> None:
        self.in_progress[key] -= 1
        if not self.in_progress[key]:
            del self.in_progress[key]
        if self._end_event is not None:
            self._end_event.set()
            self._end_event = None


def _rate_limited_error(seconds: int) -> ApiError:
    return LimitError(
        "RATE_LIMITED",
        f"{MAX_FAILURES} tokens from this address were refused within a minute.",
        f"Try again in {seconds} s, with a valid token.",
        limit=MAX_FAILURES,
        retryAfter=seconds,
    )
