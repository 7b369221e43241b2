"""Response storage in Redis or Valkey, shared by the workers of all machines.

Every worker purges the entries that a change invalidates. A worker whose purge has failed starts a new
generation of keys before it reads or writes again; entries of older generations are not returned.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any, TypeVar

import redis.asyncio as redis_asyncio
from redis.exceptions import RedisError

from contentql.backoff import Backoff
from contentql.cache.dependencies import ChangeBatch, deserialize_dependencies, is_invalidated_by
from contentql.cache.entry import CachedResponse, deserialize

_TIMEOUT_SECONDS = 0.1  # after that, computing the response is as fast
_BACKOFF_SECONDS = 1.0  # without requests to Redis after an error
_MAX_ENTRIES = 20_000  # in a generation; with more, a purge starts a new generation
_TTL_SECONDS = 300  # limits how long an entry outlives the worker that stored it

T = TypeVar("T")


class RedisBackend:
    """Cache backend in Redis. `url`: for example redis://host:6379/0.

    While Redis does not respond, look-ups miss and nothing is stored; no error is raised.
    """

    def __init__(self, url: str, *, prefix: str = "contentql") -> None:
        self._client: Any = redis_asyncio.Redis.from_url(
            url, socket_timeout=_TIMEOUT_SECONDS, socket_connect_timeout=_TIMEOUT_SECONDS, max_connections=32
        )
        self._prefix = prefix
        self._backoff = Backoff(_BACKOFF_SECONDS)
        self._purge_failed = False

    async def get(self, key: str) -> CachedResponse | None:
        generation = await self._current_generation()
        data = await self._call(self._client.get(self._entry_key(generation, key))) if generation else None
        if data is None:
            return None
        try:
            return deserialize(data)
        except (ValueError, KeyError):
            return None

    async def put(self, key: str, entry: CachedResponse) -> None:
        generation = await self._current_generation()
        if generation is None:
            return
        pipe = self._client.pipeline(transaction=True)
        # The index first, in one transaction: a purge must see every entry that can be read.
        pipe.hset(self._index_key(generation), key, entry.dependencies.serialize())
        pipe.set(self._entry_key(generation, key), entry.serialize(), ex=_TTL_SECONDS)
        pipe.expire(self._index_key(generation), 2 * _TTL_SECONDS)
        await self._call(pipe.execute())

    async def purge(self, batch: ChangeBatch) -> list[tuple[str, CachedResponse]]:
        generation = await self._current_generation()
        index = await self._call(self._client.hgetall(self._index_key(generation))) if generation else None
        if generation is None or index is None:
            self._purge_failed = True
            return []
        if len(index) > _MAX_ENTRIES:
            return await self.clear()
        removed = [
            key
            for key, dependencies in index.items()
            if is_invalidated_by(deserialize_dependencies(dependencies), batch)
        ]
        if removed:
            pipe = self._client.pipeline(transaction=True)
            pipe.delete(*(self._entry_key(generation, key.decode()) for key in removed))
            pipe.hdel(self._index_key(generation), *removed)
            if await self._call(pipe.execute()) is None:
                self._purge_failed = True
        return []  # the memory backend, which is read first, has returned them

    async def clear(self) -> list[tuple[str, CachedResponse]]:
        self._purge_failed = True
        await self._current_generation()
        return []

    async def close(self) -> None:
        await self._client.aclose()

    async def _current_generation(self) -> bytes | None:
        """The current generation of keys, a new one after a failed purge. None without Redis."""
        counter = f"{self._prefix}:page"
        if self._purge_failed:
            if await self._call(self._client.incr(counter)) is None:
                return None
            self._purge_failed = False
        generation: bytes | None = await self._call(self._client.get(counter))
        if generation is None and not self._backoff.is_active:
            await self._call(self._client.set(counter, 1, nx=True))
            generation = await self._call(self._client.get(counter))
        return generation

    def _entry_key(self, generation: bytes, key: str) -> str:
        return f"{self._prefix}:{generation.decode()}:{key}"

    def _index_key(self, generation: bytes) -> str:
        return f"{self._prefix}:{generation.decode()}:index"

    async def _call(self, awaitable: Awaitable[T]) -> T | None:
        """The result of a command; None if it fails, or is not sent because one has just failed."""
        if self._backoff.is_active:
            if asyncio.iscoroutine(awaitable):
                awaitable.close()
            return None
        try:
            async with asyncio.timeout(_TIMEOUT_SECONDS):
                return await awaitable
        except (RedisError, OSError, TimeoutError):
            self._backoff.start()
            return None
