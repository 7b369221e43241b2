"""The counts of all workers, in Redis or Valkey.

Each worker counts in its memory and settles with Redis whenever it owes a hundredth of the budget: most
requests wait for nothing, and N workers together may give N hundredths too much. Without Redis each goes on
with what it knows, and settles when Redis is back.
"""

from __future__ import annotations

import asyncio
import time

import redis.asyncio as redis_asyncio
from limits.aio.storage import RedisStorage
from redis.exceptions import RedisError

from contentql.web.rate_limit.memory import ClientWindow, MemoryRateLimitStore
from contentql.web.rate_limit.window import RateLimit, RateLimitUsage

_PATIENCE = 0.05  # seconds
_REST = 1.0  # seconds after a failure during which Redis is left alone
_CONNECTIONS = 16


class RedisRateLimitStore:
    """`url` as in redis://host:6379/0."""

    def __init__(self, url: str, rate_limit: RateLimit, *, prefix: str = "contentql") -> None:
        """`prefix`: of the keys; newsrooms that share a Redis need different ones."""
        self._memory = MemoryRateLimitStore(rate_limit)
        self._rate_limit = rate_limit
        self._share = max(1, rate_limit.limit // 100)
        self._rest_until = 0.0
        self._pool = redis_asyncio.BlockingConnectionPool.from_url(
            url, max_connections=_CONNECTIONS, socket_timeout=1.0, socket_connect_timeout=1.0
        )
        self._storage = RedisStorage(
            "async+redis://",
            implementation="redispy",
            key_prefix=prefix,
            connection_pool=self._pool,  # type: ignore[arg-type]  # theirs is declared too narrowly
        )

    def peek(self, client: str) -> RateLimitUsage:
        return self._memory.peek(client)

    async def hit(self, client: str, points: int) -> RateLimitUsage:
        tally = self._memory.tally(client)
        tally.points += points
        tally.unsynced += points
        if tally.unsynced >= self._share and time.monotonic() >= self._rest_until:
            await self._settle(client, tally)
        return RateLimitUsage(tally.points, tally.end - self._memory.clock())

    async def close(self) -> None:
        await self._pool.disconnect()

    async def _settle(self, client: str, tally: ClientWindow) -> None:
        owed, tally.unsynced = tally.unsynced, 0
        try:
            async with asyncio.timeout(_PATIENCE):
                existing = await self._storage.incr(
                    f"rate:{client}:{tally.number}", 2 * self._rate_limit.window_seconds, owed
                )
        except (RedisError, OSError, TimeoutError):
            self._rest_until = time.monotonic() + _REST
            tally.unsynced += owed
        else:
            # What anybody knows is never more than the truth: the most that anybody knows is nearest to it.
            tally.points = max(tally.points, existing + tally.unsynced)
