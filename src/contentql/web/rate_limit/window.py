"""A budget of cost for a span of time, what is used of it, and who keeps the count.

A client's windows follow each other at the same moments on every worker, and at other moments than most
clients' do: nobody has to tell when one ends, and not all who wait come back at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Protocol
from zlib import crc32


@dataclass(frozen=True)
class RateLimit:
    """`points` of cost for each client in every `seconds`."""

    limit: int
    window_seconds: int = 60

    def window(self, client: str, now: float) -> tuple[int, float]:
        """The number of the client's window of time, and when it ends."""
        offset = crc32(client.encode()) % (self.window_seconds * 1000) / 1000
        number = int((now + offset) // self.window_seconds)
        return number, (number + 1) * self.window_seconds - offset


class RateLimitUsage(NamedTuple):
    """`points` used in the window, and the `seconds` left of it."""

    points: int
    seconds: float


class RateLimitStore(Protocol):
    """Keeps the counts. Never fails: what cannot be asked for is counted as well as can be."""

    def peek(self, client: str) -> RateLimitUsage:
        """What this process knows of, without asking anybody."""
        ...

    async def hit(self, client: str, points: int) -> RateLimitUsage:
        """Adds `points`, and says what is used with them."""
        ...

    async def close(self) -> None: ...
