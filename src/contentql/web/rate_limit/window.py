"""Fixed-window rate limit: budget, usage and the interface of a store of counts.

The windows of a client begin at the same moments in every worker, and at other moments than those of most
other clients, so that not all clients retry at once.
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
        """The number of the client's window at a time, and when it ends."""
        offset = crc32(client.encode()) % (self.window_seconds * 1000) / 1000
        number = int((now + offset) // self.window_seconds)
        return number, (number + 1) * self.window_seconds - offset


class RateLimitUsage(NamedTuple):
    """`points` used in the current window, and `seconds` until it ends."""

    points: int
    seconds: float


class RateLimitStore(Protocol):
    """Store of counts. Never raises: without its server it counts as well as it can."""

    def peek(self, client: str) -> RateLimitUsage:
        """The usage that this process knows of, without I/O."""
        ...

    async def hit(self, client: str, points: int) -> RateLimitUsage:
        """Add `points` and return the usage."""
        ...

    async def close(self) -> None: ...
