"""Counts of one process.

The memory storage of the library `limits` takes ten times as long for one hit and starts a task for each.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from contentql.web.rate_limit.window import RateLimit, RateLimitUsage

# A hundred bytes each.
_CLIENTS = 100_000


class ClientWindow:
    """The window of one client.

    `points`: the highest known count of all workers. `own_points`: those counted here; `synced_points`: those
    of them that are shared, under `shared_id`.
    """

    __slots__ = ("end", "number", "own_points", "points", "shared_id", "synced_points")

    def __init__(self, number: int, end: float) -> None:
        self.number = number
        self.end = end
        self.points = self.own_points = self.synced_points = 0
        self.shared_id = ""


class MemoryRateLimitStore:
    """Counts in a dict of bounded size."""

    def __init__(
        self, rate_limit: RateLimit, *, clients: int = _CLIENTS, clock: Callable[[], float] = time.time
    ) -> None:
        """`clients`: maximum number of clients; beyond it, the oldest windows are dropped."""
        self.rate_limit = rate_limit
        self.clock = clock
        self._clients = clients
        self._tallies: dict[str, ClientWindow] = {}

    def peek(self, client: str) -> RateLimitUsage:
        now = self.clock()
        tally = self._tallies.get(client)
        if tally is None or now >= tally.end:
            return RateLimitUsage(0, self.rate_limit.window(client, now)[1] - now)
        return RateLimitUsage(tally.points, tally.end - now)

    async def hit(self, client: str, points: int) -> RateLimitUsage:
        tally = self.tally(client)
        tally.points += points
        return RateLimitUsage(tally.points, tally.end - self.clock())

    def tally(self, client: str) -> ClientWindow:
        """The client's current window."""
        now = self.clock()
        tally = self._tallies.get(client)
        if tally is None or now >= tally.end:
            tally = self._opened(client, now)
        return tally

    async def close(self) -> None:
        self._tallies.clear()

    def _opened(self, client: str, now: float) -> ClientWindow:
        tallies = self._tallies
        tallies.pop(client, None)
        # The first came first. One that is over may stand behind one that is not, for a window at most.
        while tallies:
            first = next(iter(tallies))
            if now < tallies[first].end and len(tallies) < self._clients:
                break
            del tallies[first]
        tally = tallies[client] = ClientWindow(*self.rate_limit.window(client, now))
        return tally
