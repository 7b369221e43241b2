"""Contract of the response cache backends: storage, invalidation and outages."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import AsyncIterator

import pytest

from contentql.backoff import Backoff
from contentql.cache.dependencies import BoundScan, ChangeBatch, Dependencies
from contentql.cache.entry import CacheBackend, CachedResponse, deserialize
from contentql.cache.memory import MemoryBackend
from contentql.cache.redis import RedisBackend
from contentql.planner.read_set import LinkPath, PageBounds, ParentKey, Scan
from contentql.store.change_log import RowChange

NOW = dt.datetime(2026, 6, 30, 8, tzinfo=dt.UTC)
_prefixes = itertools.count()


@pytest.fixture(params=["memory", "valkey"])
async def backend(request: pytest.FixtureRequest) -> AsyncIterator[CacheBackend]:
    created: CacheBackend
    if request.param == "memory":
        created = MemoryBackend(1_000_000)
    else:
        url: str = request.getfixturevalue("valkey_url")
        created = RedisBackend(url, prefix=f"test-{next(_prefixes)}")
    yield created
    await created.close()


def cached_response(row: int, body: bytes = b'{"data":{}}') -> CachedResponse:
    """A response that shows the name of one source."""
    dependencies = Dependencies((), {"source": frozenset({"name"})}, {"source": frozenset({row})}, {})
    return CachedResponse(body, dependencies, (f"src_{row}",), ("source",), 3, 1, 1, 300)


def rename_batch(row: int) -> ChangeBatch:
    """A change that renames the source."""
    return ChangeBatch([RowChange("source", row, {"name": "A"}, {"name": "B"}, frozenset({"name"}))], NOW)


async def test_stored_entries_are_returned(backend: CacheBackend) -> None:
    """With body, tags, cost and dependencies; another key has no entry."""
    await backend.put("one", cached_response(1, b"one"))
    result = await backend.get("one")
    assert result is not None
    assert (result.body, result.shown_ids, result.list_tags, result.cost) == (
        b"one",
        ("src_1",),
        ("source",),
        3,
    )
    assert (result.max_age, result.private, result.dependencies) == (
        300,
        False,
        cached_response(1).dependencies,
    )
    assert await backend.get("two") is None


async def test_purge_removes_only_dependent_entries(backend: CacheBackend) -> None:
    """Only the entry that shows the changed row is removed."""
    for n in range(5):
        await backend.put(str(n), cached_response(n))
    await backend.purge(rename_batch(3))
    assert [n for n in range(5) if await backend.get(str(n)) is None] == [3]


async def test_clear_removes_all_entries(backend: CacheBackend) -> None:
    """Entries that are stored afterwards are returned."""
    await backend.put("one", cached_response(1))
    await backend.clear()
    assert await backend.get("one") is None
    await backend.put("one", cached_response(1))
    assert await backend.get("one") is not None


async def test_put_replaces_the_entry_and_its_dependencies(backend: CacheBackend) -> None:
    """A purge applies the dependencies of the new entry."""
    await backend.put("one", cached_response(1, b"old"))
    await backend.put("one", cached_response(2, b"new"))
    result = await backend.get("one")
    assert result is not None
    assert result.body == b"new"
    await backend.purge(rename_batch(1))
    assert await backend.get("one") is not None
    await backend.purge(rename_batch(2))
    assert await backend.get("one") is None


async def test_memory_is_bounded_by_bytes() -> None:
    """The least recently used entry is removed first; a too large entry is not stored."""
    memory = MemoryBackend(50_000)
    for n in range(100):
        memory.put_sync(str(n), cached_response(n, b"x" * 1_000))
        memory.get_sync("0")
    assert memory.bytes_used <= 50_000
    assert memory.get_sync("0") is not None
    assert memory.get_sync("1") is None
    assert memory.get_sync("99") is not None
    memory.put_sync("giant", cached_response(1, b"x" * 40_000))
    assert memory.get_sync("giant") is None


async def test_large_batches_clear_the_memory_backend() -> None:
    """Comparing each entry with each of ten thousand changes would block the event loop."""
    memory = MemoryBackend(1_000_000)
    for n in range(50):
        memory.put_sync(str(n), cached_response(n))
    await memory.purge(ChangeBatch(list(rename_batch(999).changes) * 10_000, NOW))
    assert len(memory) == 0


async def test_entries_are_serialized_without_loss() -> None:
    """Every part of the dependencies is equal after deserialization."""
    scan = Scan(
        "article", (), frozenset({"story_id"}), frozenset({"published_at"}), True, None,
        LinkPath("article_section", "article_id", ParentKey("category_id", "category")), False,
        PageBounds(2, 5, (("published_at", True), ("id", True))),
    )  # fmt: skip
    conditions = (("published_at", "lte", NOW), ("urgency", "in", [1, 2]), ("headline", "eq", "é"))
    page_ends = {(2, 7): (5, ("2026-06-30T08:00:00Z", "17"))}
    dependencies = Dependencies(
        (BoundScan(scan, conditions),),
        {"article": frozenset({"headline"})},
        {"article": frozenset({1})},
        page_ends,
    )
    result = CachedResponse("{é}".encode(), dependencies, ("art_1",), (), 7, 1, 1, 60, True)
    again = deserialize(result.serialize())
    assert (again.body, again.dependencies, again.private, again.etag) == (
        result.body,
        dependencies,
        True,
        result.etag,
    )


async def test_without_redis_lookups_miss_without_errors() -> None:
    """An unreachable Redis fails no operation of the backend."""
    redis = RedisBackend("redis://127.0.0.1:1/0")
    await redis.put("one", cached_response(1))
    assert await redis.get("one") is None
    await redis.purge(rename_batch(1))
    await redis.close()


async def test_purges_during_a_redis_outage_take_effect(valkey_url: str) -> None:
    """A worker that missed a purge starts a new generation for all workers when Redis is reachable."""
    prefix = f"test-{next(_prefixes)}"
    disconnected, other = RedisBackend(valkey_url, prefix=prefix), RedisBackend(valkey_url, prefix=prefix)
    await other.put("one", cached_response(1))
    inactive, disconnected._backoff = disconnected._backoff, Backoff(60)
    disconnected._backoff.start()
    await disconnected.purge(rename_batch(1))
    disconnected._backoff = inactive
    assert await disconnected.get("one") is None
    assert await other.get("one") is None
    await disconnected.close()
    await other.close()
