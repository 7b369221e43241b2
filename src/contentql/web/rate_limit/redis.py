"""Counts of all workers, in Redis or Valkey.

Each worker counts in memory and synchronises with Redis once it owes a hundredth of the budget. So most
requests wait for nothing, and N workers together may exceed the budget by N hundredths. Without Redis each
worker continues with its own count and synchronises later.
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
    """`url`: for example redis://host:6379/0."""

    def __init__(self, url: str, rate_limit: RateLimit, *, prefix: str = "contentql") -> None:
        """`prefix`: prefix of the keys; newsrooms that share a Redis need different ones."""
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
            # Each known count is at most the true one, so the highest is the nearest to it.
            tally.points = max(tally.points, existing + tally.unsynced)
