"""Response storage in Redis or Valkey, shared by the workers of all machines.

Every worker purges. A worker that was disconnected from Redis may have missed to purge there: it then starts
a new generation of keys, and entries of the old one are not returned any more.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable
from typing import Any, TypeVar

import redis.asyncio as redis_asyncio
from redis.exceptions import RedisError

from contentql.cache.dependencies import ChangeBatch, deserialize_dependencies, is_invalidated_by
from contentql.cache.entry import CachedResponse, deserialize

_TIMEOUT_SECONDS = 0.1  # seconds; beyond it, computing the answer is as fast
_PAUSE_SECONDS = 1.0  # seconds after a failure during which Redis is left alone
_MAX_ENTRIES_PER_PAGE = 20_000  # answers on a page
_TTL_SECONDS = 300  # seconds; bounds how long a dead worker's last answer may stay

T = TypeVar("T")


class RedisBackend:
    """`url`: redis://host:6379/0. Without a response from Redis, nothing is found or raised."""

    def __init__(self, url: str, *, prefix: str = "contentql") -> None:
        self._client: Any = redis_asyncio.Redis.from_url(
            url, socket_timeout=_TIMEOUT_SECONDS, socket_connect_timeout=_TIMEOUT_SECONDS, max_connections=32
        )
        self._prefix = prefix
        self._page: bytes | None = None
        self._paused_until = 0.0
        self._purge_failed = False

    async def get(self, key: str) -> CachedResponse | None:
        page = await self._current_generation()
        result = await self._call(self._client.get(self._key(page, key))) if page else None
        if result is None:
            return None
        try:
            return deserialize(result)
        except (ValueError, KeyError):
            return None

    async def put(self, key: str, entry: CachedResponse) -> None:
        page = await self._current_generation()
        if page is None:
            return
        pipe = self._client.pipeline(transaction=True)
        # Known before it can be found, so that no purge overlooks it.
        pipe.hset(self._index(page), key, entry.dependencies.serialize())
        pipe.set(self._key(page, key), entry.serialize(), ex=_TTL_SECONDS)
        pipe.expire(self._index(page), 2 * _TTL_SECONDS)
        await self._call(pipe.execute())

    async def purge(self, batch: ChangeBatch) -> list[tuple[str, CachedResponse]]:
        page = await self._current_generation()
        existing = await self._call(self._client.hgetall(self._index(page))) if page else None
        if page is None or existing is None:
            self._purge_failed = True
            return []
        if len(existing) > _MAX_ENTRIES_PER_PAGE:
            return await self.clear()
        removed = [
            key
            for key, rests in existing.items()
            if is_invalidated_by(deserialize_dependencies(rests), batch)
        ]
        if removed:
            pipe = self._client.pipeline(transaction=True)
            pipe.delete(*(self._key(page, key.decode()) for key in removed))
            pipe.hdel(self._index(page), *removed)
            if await self._call(pipe.execute()) is None:
                self._purge_failed = True
        return []  # memory, which is asked first, has told of them already

    async def clear(self) -> list[tuple[str, CachedResponse]]:
        self._purge_failed = True
        await self._current_generation()
        return []

    async def close(self) -> None:
        await self._client.aclose()

    async def _current_generation(self) -> bytes | None:
        """The current generation of keys; a new one after a failed purge; None without Redis."""
        name = f"{self._prefix}:page"
        if self._purge_failed:
            if await self._call(self._client.incr(name)) is None:
                return None
            self._purge_failed = False
        result: bytes | None = await self._call(self._client.get(name))
        if result is None and time.monotonic() >= self._paused_until:
            await self._call(self._client.set(name, 1, nx=True))
            result = await self._call(self._client.get(name))
        return result

    def _key(self, page: bytes, key: str) -> str:
        return f"{self._prefix}:{page.decode()}:{key}"

    def _index(self, page: bytes) -> str:
        return f"{self._prefix}:{page.decode()}:index"

    async def _call(self, awaitable: Awaitable[T]) -> T | None:
        if time.monotonic() < self._paused_until:
            if asyncio.iscoroutine(awaitable):
                awaitable.close()
            return None
        try:
            async with asyncio.timeout(_TIMEOUT_SECONDS):
                return await awaitable
        except (RedisError, OSError, TimeoutError):
            self._paused_until = time.monotonic() + _PAUSE_SECONDS
            return None
