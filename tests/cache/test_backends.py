"""Contract of the response cache backends: storage, invalidation and outages."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import AsyncIterator

import pytest

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


def entry(row: int, body: bytes = b'{"data":{}}') -> CachedResponse:
    dependencies = Dependencies((), {"source": frozenset({"name"})}, {"source": frozenset({row})}, {})
    return CachedResponse(body, dependencies, (f"src_{row}",), ("source",), 3, 1, 1, 300)


def renamed(row: int) -> ChangeBatch:
    return ChangeBatch([RowChange("source", row, {"name": "A"}, {"name": "B"}, frozenset({"name"}))], NOW)


async def test_stored_entries_are_returned(backend: CacheBackend) -> None:
    """The same body and everything that was told of it; nothing under another key."""
    await backend.put("one", entry(1, b"one"))
    result = await backend.get("one")
    assert result is not None
    assert (result.body, result.shown_ids, result.list_tags, result.cost) == (
        b"one",
        ("src_1",),
        ("source",),
        3,
    )
    assert (result.max_age, result.private, result.dependencies) == (300, False, entry(1).dependencies)
    assert await backend.get("two") is None


async def test_a_purge_is_exact(backend: CacheBackend) -> None:
    """What showed the row is gone, and nothing else."""
    for n in range(5):
        await backend.put(str(n), entry(n))
    await backend.purge(renamed(3))
    assert [n for n in range(5) if await backend.get(str(n)) is None] == [3]


async def test_clearing_leaves_nothing(backend: CacheBackend) -> None:
    """And what is put after it is found."""
    await backend.put("one", entry(1))
    await backend.clear()
    assert await backend.get("one") is None
    await backend.put("one", entry(1))
    assert await backend.get("one") is not None


async def test_what_is_put_again_is_the_new_one(backend: CacheBackend) -> None:
    """Under one key there is one answer, and a purge knows what that rests on."""
    await backend.put("one", entry(1, b"old"))
    await backend.put("one", entry(2, b"new"))
    result = await backend.get("one")
    assert result is not None
    assert result.body == b"new"
    await backend.purge(renamed(1))
    assert await backend.get("one") is not None
    await backend.purge(renamed(2))
    assert await backend.get("one") is None


async def test_memory_is_bounded_by_bytes() -> None:
    """The one used longest ago goes first; a giant is not taken in."""
    memory = MemoryBackend(50_000)
    for n in range(100):
        memory.put_sync(str(n), entry(n, b"x" * 1_000))
        memory.get_sync("0")
    assert memory.bytes_used <= 50_000
    assert memory.get_sync("0") is not None
    assert memory.get_sync("1") is None
    assert memory.get_sync("99") is not None
    memory.put_sync("giant", entry(1, b"x" * 40_000))
    assert memory.get_sync("giant") is None


async def test_a_flood_of_changes_clears_memory() -> None:
    """Comparing each answer with each of a hundred thousand changes would hold everybody up."""
    memory = MemoryBackend(1_000_000)
    for n in range(50):
        memory.put_sync(str(n), entry(n))
    await memory.purge(ChangeBatch(list(renamed(999).changes) * 10_000, NOW))
    assert len(memory) == 0


async def test_an_entry_survives_being_written_down() -> None:
    """Every part of what an answer rests on comes back as it was."""
    scan = Scan(
        "article", (), frozenset({"story_id"}), frozenset({"published_at"}), True, None,
        LinkPath("article_section", "article_id", ParentKey("category_id", "category")), False,
        PageBounds(2, 5, (("published_at", True), ("id", True))),
    )  # fmt: skip
    met = (("published_at", "lte", NOW), ("urgency", "in", [1, 2]), ("headline", "eq", "é"))
    ends = {(2, 7): (5, ("2026-06-30T08:00:00Z", "17"))}
    dependencies = Dependencies(
        (BoundScan(scan, met),), {"article": frozenset({"headline"})}, {"article": frozenset({1})}, ends
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
    """It costs speed, never an answer."""
    redis = RedisBackend("redis://127.0.0.1:1/0")
    await redis.put("one", entry(1))
    assert await redis.get("one") is None
    await redis.purge(renamed(1))
    await redis.close()


async def test_purges_during_a_redis_outage_take_effect(valkey_url: str) -> None:
    """A worker that missed a purge starts a new generation for all workers when Redis is back."""
    prefix = f"test-{next(_prefixes)}"
    cut_off, other = RedisBackend(valkey_url, prefix=prefix), RedisBackend(valkey_url, prefix=prefix)
    await other.put("one", entry(1))
    cut_off._paused_until = float("inf")
    await cut_off.purge(renamed(1))
    cut_off._paused_until = 0.0
    assert await cut_off.get("one") is None
    assert await other.get("one") is None
    await cut_off.close()
    await other.close()
