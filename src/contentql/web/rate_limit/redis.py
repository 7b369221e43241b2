"""Counts of all workers, in Redis or Valkey.

Each worker counts in memory, and writes its own count to Redis once it has grown by a hundredth of the
budget. So most requests wait for nothing, and N workers together may exceed the budget by N hundredths. A
count may be written twice without being added twice. Without Redis each worker continues with its own count.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets

import redis.asyncio as redis_asyncio

from contentql.backoff import Backoff
from contentql.web.rate_limit.memory import ClientWindow, MemoryRateLimitStore
from contentql.web.rate_limit.window import RateLimit, RateLimitUsage

_TIMEOUT_SECONDS = 0.05
_BACKOFF_SECONDS = 1.0  # without requests to Redis after an error
_MAX_CONNECTIONS = 16


class RedisRateLimitStore:
    """`url`: for example redis://host:6379/0."""

    def __init__(self, url: str, rate_limit: RateLimit, *, prefix: str = "contentql") -> None:
        """`prefix`: prefix of the keys; newsrooms that share a Redis need different ones."""
        self._memory = MemoryRateLimitStore(rate_limit)
        self._rate_limit = rate_limit
        self._share = max(1, rate_limit.limit // 100)
        self._backoff = Backoff(_BACKOFF_SECONDS)
        self._prefix = prefix
        self._client = redis_asyncio.Redis.from_pool(
            redis_asyncio.BlockingConnectionPool.from_url(
                url, max_connections=_MAX_CONNECTIONS, socket_timeout=1.0, socket_connect_timeout=1.0
            )
        )

    def peek(self, client: str) -> RateLimitUsage:
        return self._memory.peek(client)

    async def hit(self, client: str, points: int) -> RateLimitUsage:
        tally = self._memory.tally(client)
        tally.points += points
        tally.own_points += points
        if tally.own_points - tally.synced_points >= self._share and not self._backoff.is_active:
            await self._synchronise(client, tally)
        return RateLimitUsage(tally.points, tally.end - self._memory.clock())

    async def close(self) -> None:
        await self._client.aclose()

    async def _synchronise(self, client: str, tally: ClientWindow) -> None:
        synced_before, own_points = tally.synced_points, tally.own_points
        tally.synced_points = own_points  # concurrent requests need not do the same
        tally.shared_id = tally.shared_id or secrets.token_hex(8)
        key = f"{self._prefix}:rate:{client}:{tally.number}"
        try:
            async with asyncio.timeout(_TIMEOUT_SECONDS):
                async with self._client.pipeline(transaction=True) as pipeline:
                    pipeline.hset(key, tally.shared_id, own_points)
                    pipeline.expire(key, 2 * self._rate_limit.window_seconds)
                    pipeline.hgetall(key)
                    _, _, counts = await pipeline.execute()
            if tally.shared_id.encode() not in counts:
                raise ValueError("the response to another command")
            shared_points = sum(map(int, counts.values()))
        except Exception:  # ValueError and others, too, for a response that is not one of Redis
            self._backoff.start()
            tally.synced_points = synced_before
            # A connection that has returned the response to another command would do so for ever.
            with contextlib.suppress(Exception):
                await self._client.connection_pool.disconnect(inuse_connections=False)
        else:
            # Each known count is at most the true one, so the highest is the nearest to it.
            tally.points = max(tally.points, shared_points + tally.own_points - own_points)
