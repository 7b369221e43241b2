"""What every place for answers promises: found again until it is touched, gone at once when it is."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import AsyncIterator

import pytest

from contentql.cache.dependencies import Batch, Looked, Rests
from contentql.cache.entry import Backend, Entry, entry_of
from contentql.cache.memory import Memory
from contentql.cache.redis import Redis
from contentql.planner.read_set import Near, Page, Scan, Way
from contentql.store.change_log import Change

NOW = dt.datetime(2026, 6, 30, 8, tzinfo=dt.UTC)
_prefixes = itertools.count()


@pytest.fixture(params=["memory", "valkey"])
async def backend(request: pytest.FixtureRequest) -> AsyncIterator[Backend]:
    made: Backend
    if request.param == "memory":
        made = Memory(1_000_000)
    else:
        url: str = request.getfixturevalue("valkey_url")
        made = Redis(url, prefix=f"test-{next(_prefixes)}")
    yield made
    await made.close()


def entry(row: int, body: bytes = b'{"data":{}}') -> Entry:
    rests = Rests((), {"source": frozenset({"name"})}, {"source": frozenset({row})}, {})
    return Entry(body, rests, (f"src_{row}",), ("source",), 3, 1, 1, 300)


def renamed(row: int) -> Batch:
    return Batch([Change("source", row, {"name": "A"}, {"name": "B"}, frozenset({"name"}))], NOW)


async def test_what_is_put_is_found(backend: Backend) -> None:
    """The same body and everything that was told of it; nothing under another key."""
    await backend.put("one", entry(1, b"one"))
    found = await backend.get("one")
    assert found is not None
    assert (found.body, found.shown, found.words, found.cost) == (b"one", ("src_1",), ("source",), 3)
    assert (found.max_age, found.private, found.rests) == (300, False, entry(1).rests)
    assert await backend.get("two") is None


async def test_a_purge_is_exact(backend: Backend) -> None:
    """What showed the row is gone, and nothing else."""
    for n in range(5):
        await backend.put(str(n), entry(n))
    await backend.purge(renamed(3))
    assert [n for n in range(5) if await backend.get(str(n)) is None] == [3]


async def test_clearing_leaves_nothing(backend: Backend) -> None:
    """And what is put after it is found."""
    await backend.put("one", entry(1))
    await backend.clear()
    assert await backend.get("one") is None
    await backend.put("one", entry(1))
    assert await backend.get("one") is not None


async def test_what_is_put_again_is_the_new_one(backend: Backend) -> None:
    """Under one key there is one answer, and a purge knows what that rests on."""
    await backend.put("one", entry(1, b"old"))
    await backend.put("one", entry(2, b"new"))
    found = await backend.get("one")
    assert found is not None
    assert found.body == b"new"
    await backend.purge(renamed(1))
    assert await backend.get("one") is not None
    await backend.purge(renamed(2))
    assert await backend.get("one") is None


async def test_memory_is_bounded_by_bytes() -> None:
    """The one used longest ago goes first; a giant is not taken in."""
    memory = Memory(50_000)
    for n in range(100):
        memory.keep(str(n), entry(n, b"x" * 1_000))
        memory.find("0")
    assert memory.used <= 50_000
    assert memory.find("0") is not None
    assert memory.find("1") is None
    assert memory.find("99") is not None
    memory.keep("giant", entry(1, b"x" * 40_000))
    assert memory.find("giant") is None


async def test_a_flood_of_changes_clears_memory() -> None:
    """Comparing each answer with each of a hundred thousand changes would hold everybody up."""
    memory = Memory(1_000_000)
    for n in range(50):
        memory.keep(str(n), entry(n))
    await memory.purge(Batch(list(renamed(999).changes) * 10_000, NOW))
    assert len(memory) == 0


async def test_an_entry_survives_being_written_down() -> None:
    """Every part of what an answer rests on comes back as it was."""
    scan = Scan(
        "article", (), frozenset({"story_id"}), frozenset({"published_at"}), True, None,
        Way("article_section", "article_id", Near("category_id", "category")), False,
        Page(2, 5, (("published_at", True), ("id", True))),
    )  # fmt: skip
    met = (("published_at", "lte", NOW), ("urgency", "in", [1, 2]), ("headline", "eq", "é"))
    ends = {(2, 7): (5, ("2026-06-30T08:00:00Z", "17"))}
    rests = Rests(
        (Looked(scan, met),), {"article": frozenset({"headline"})}, {"article": frozenset({1})}, ends
    )
    said = Entry("{é}".encode(), rests, ("art_1",), (), 7, 1, 1, 60, True)
    again = entry_of(said.written())
    assert (again.body, again.rests, again.private, again.tag) == (said.body, rests, True, said.tag)


async def test_without_redis_nothing_is_found_and_nothing_fails() -> None:
    """It costs speed, never an answer."""
    redis = Redis("redis://127.0.0.1:1/0")
    await redis.put("one", entry(1))
    assert await redis.get("one") is None
    await redis.purge(renamed(1))
    await redis.close()


async def test_what_was_purged_while_redis_was_away_is_never_found(valkey_url: str) -> None:
    """Whoever missed a purge turns the page when Redis is back, for all workers."""
    prefix = f"test-{next(_prefixes)}"
    cut_off, other = Redis(valkey_url, prefix=prefix), Redis(valkey_url, prefix=prefix)
    await other.put("one", entry(1))
    cut_off._resting = float("inf")
    await cut_off.purge(renamed(1))
    cut_off._resting = 0.0
    assert await cut_off.get("one") is None
    assert await other.get("one") is None
    await cut_off.close()
    await other.close()
