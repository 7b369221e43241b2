"""Storage of responses in memory and in Redis: bounds, invalidation, serialization and outages."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import AsyncIterator

import pytest

from contentql.cache.dependencies import BoundScan, ChangeBatch, Dependencies
from contentql.cache.entry import CachedResponse, SharedEntry, deserialize_entry
from contentql.cache.memory import MemoryBackend
from contentql.cache.redis import RedisBackend
from contentql.planner.read_set import LinkPath, PageBounds, ParentKey, Scan
from contentql.store.change_log import RowChange

NOW = dt.datetime(2026, 6, 30, 8, tzinfo=dt.UTC)
_prefixes = itertools.count()


def cached_response(row: int, body: bytes = b'{"data":{}}') -> CachedResponse:
    """A response that shows the name of one source."""
    dependencies = Dependencies((), {"source": frozenset({"name"})}, {"source": frozenset({row})}, {})
    return CachedResponse(body, dependencies, (f"src_{row}",), ("source",), 3, 1, 1, 300)


def rename_batch(row: int) -> ChangeBatch:
    """A change that renames the source."""
    return ChangeBatch([RowChange("source", row, {"name": "A"}, {"name": "B"}, frozenset({"name"}))], NOW)


# Memory


@pytest.fixture
def memory() -> MemoryBackend:
    return MemoryBackend(1_000_000)


def test_stored_entries_are_returned(memory: MemoryBackend) -> None:
    """Another key has no entry."""
    entry = cached_response(1, b"one")
    memory.put("one", entry)
    assert memory.get("one") is entry
    assert memory.get("two") is None


def test_purge_removes_only_dependent_entries(memory: MemoryBackend) -> None:
    """Only the entry that shows the changed row is removed, and returned."""
    for n in range(5):
        memory.put(str(n), cached_response(n))
    assert [key for key, _ in memory.purge(rename_batch(3))] == ["3"]
    assert [n for n in range(5) if memory.get(str(n)) is None] == [3]


def test_clear_removes_all_entries(memory: MemoryBackend) -> None:
    """Entries that are stored afterwards are returned."""
    memory.put("one", cached_response(1))
    assert [key for key, _ in memory.clear()] == ["one"]
    assert memory.get("one") is None
    assert memory.bytes_used == 0
    memory.put("one", cached_response(1))
    assert memory.get("one") is not None


def test_put_replaces_the_entry_and_its_dependencies(memory: MemoryBackend) -> None:
    """A purge applies the dependencies of the new entry."""
    memory.put("one", cached_response(1, b"old"))
    memory.put("one", cached_response(2, b"new"))
    entry = memory.get("one")
    assert entry is not None
    assert entry.body == b"new"
    memory.purge(rename_batch(1))
    assert memory.get("one") is not None
    memory.purge(rename_batch(2))
    assert memory.get("one") is None


def test_memory_is_bounded_by_bytes() -> None:
    """The least recently used entry is removed first; a too large entry is not stored."""
    memory = MemoryBackend(50_000)
    for n in range(100):
        memory.put(str(n), cached_response(n, b"x" * 1_000))
        memory.get("0")
    assert memory.bytes_used <= 50_000
    assert memory.get("0") is not None
    assert memory.get("1") is None
    assert memory.get("99") is not None
    memory.put("giant", cached_response(1, b"x" * 40_000))
    assert memory.get("giant") is None


def test_large_batches_clear_the_memory(memory: MemoryBackend) -> None:
    """Comparing each entry with each of ten thousand changes would block the event loop."""
    for n in range(50):
        memory.put(str(n), cached_response(n))
    memory.purge(ChangeBatch(list(rename_batch(999).changes) * 10_000, NOW))
    assert len(memory) == 0


# Redis


@pytest.fixture
async def shared(valkey_url: str) -> AsyncIterator[RedisBackend]:
    created = RedisBackend(valkey_url, prefix=f"test-{next(_prefixes)}")
    yield created
    await created.close()


def shared_entry(row: int, body: bytes = b'{"data":{}}') -> SharedEntry:
    return SharedEntry(cached_response(row, body), 7, NOW)


async def test_redis_returns_stored_entries(shared: RedisBackend) -> None:
    """Equal to those stored last; another key has no entry."""
    await shared.put("one", shared_entry(1, b"old"))
    await shared.put("one", shared_entry(1, b"one"))
    entry = await shared.get("one")
    assert entry is not None
    assert (entry.position, entry.valid_until) == (7, NOW)
    assert values_of(entry.response) == values_of(cached_response(1, b"one"))
    assert await shared.get("two") is None


async def test_without_redis_lookups_miss_without_errors() -> None:
    """An unreachable Redis fails no operation of the backend."""
    shared = RedisBackend("redis://127.0.0.1:1/0")
    await shared.put("one", shared_entry(1))
    assert await shared.get("one") is None
    await shared.close()


def values_of(response: CachedResponse) -> tuple[object, ...]:
    """Everything that an HTTP response needs, and the dependencies."""
    return (
        response.body,
        response.dependencies,
        response.shown_ids,
        response.list_tags,
        response.cost,
        response.statements,
        response.rows,
        response.max_age,
        response.private,
        response.etag,
    )


def test_entries_are_serialized_without_loss() -> None:
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
    response = CachedResponse("{é}".encode(), dependencies, ("art_1",), (), 7, 1, 1, 60, True)
    never = dt.datetime.max.replace(tzinfo=dt.UTC)
    entry = deserialize_entry(SharedEntry(response, 2**40, never).serialize("a:b"), "a:b")
    assert (entry.position, entry.valid_until) == (2**40, never)
    assert values_of(entry.response) == values_of(response)


def test_any_change_of_a_serialized_entry_is_detected() -> None:
    """Of each byte, of the length, and of the key."""
    text = shared_entry(1).serialize("one")
    damaged = [text[:n] + bytes([text[n] ^ 1]) + text[n + 1 :] for n in range(len(text))]
    damaged += [text[:n] for n in range(len(text))]
    for each in (*damaged, text + b" "):
        with pytest.raises((ValueError, KeyError, TypeError)):
            deserialize_entry(each, "one")
    with pytest.raises(ValueError, match="another key"):
        deserialize_entry(text, "two")
