"""Response storage in Redis or Valkey, shared by the workers of all machines.

Nothing is removed but by its age: a worker checks whether an entry still agrees with the database, so what
Redis lost, restored or received late cannot be wrong.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable
from typing import Any, TypeVar

import redis.asyncio as redis_asyncio

from contentql import __version__
from contentql.backoff import Backoff
from contentql.cache.entry import SharedEntry, deserialize_entry

_TIMEOUT_SECONDS = 0.1  # after that, computing the response is as fast
_BACKOFF_SECONDS = 1.0  # without requests to Redis after an error
_TTL_SECONDS = 300

T = TypeVar("T")


class RedisBackend:
    """Shared backend in Redis. `url`: for example redis://host:6379/0.

    While Redis does not respond, look-ups miss and nothing is stored; no error is raised.
    """

    def __init__(self, url: str, *, prefix: str = "contentql") -> None:
        self._client: Any = redis_asyncio.Redis.from_url(
            url, socket_timeout=_TIMEOUT_SECONDS, socket_connect_timeout=_TIMEOUT_SECONDS, max_connections=32
        )
        # Another version may give another response to the same operation.
        self._prefix = f"{prefix}:{__version__}:"
        self._backoff = Backoff(_BACKOFF_SECONDS)

    async def get(self, key: str) -> SharedEntry | None:
        data = await self._call(self._client.get(self._prefix + key))
        if data is None:
            return None
        try:
            return deserialize_entry(data, key)
        except Exception:  # it may be anything
            await self._reconnect()
            return None

    async def put(self, key: str, entry: SharedEntry) -> None:
        stored = await self._call(self._client.set(self._prefix + key, entry.serialize(key), ex=_TTL_SECONDS))
        if stored not in (True, None):
            await self._reconnect()

    async def close(self) -> None:
        await self._client.aclose()

    async def _call(self, awaitable: Awaitable[T]) -> T | None:
        """The result of a command; None if it fails, or is not sent because one has just failed."""
        if self._backoff.is_active:
            if asyncio.iscoroutine(awaitable):
                awaitable.close()
            return None
        try:
            async with asyncio.timeout(_TIMEOUT_SECONDS):
                return await awaitable
        except Exception:  # ValueError and others, too, for a response that is not one of Redis
            self._backoff.start()
            await self._reconnect()
            return None

    async def _reconnect(self) -> None:
        """Closes the idle connections. One may return the response to an earlier command, and would do so
        for ever."""
        with contextlib.suppress(Exception):
            await self._client.connection_pool.disconnect(inuse_connections=False)
