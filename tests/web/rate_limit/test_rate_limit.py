"""Contract of the rate limit stores, in memory and in Redis."""

from __future__ import annotations

import asyncio
import itertools
import socket
import time
from collections.abc import AsyncIterator, Callable

import pytest
import redis
from tests.support.redis_proxy import WRONG_RESPONSES, RedisProxy

from contentql.web.rate_limit.memory import MemoryRateLimitStore
from contentql.web.rate_limit.redis import RedisRateLimitStore
from contentql.web.rate_limit.window import RateLimit, RateLimitStore

BUDGET = RateLimit(limit=100)
_host_numbers = itertools.count(1)


def new_client() -> str:
    """A new client address whose window lasts longer than a test."""
    while True:
        name = f"203.0.113.{next(_host_numbers)}"
        if BUDGET.window(name, time.time())[1] - time.time() > 20:
            return name


@pytest.fixture(params=["memory", "valkey"])
async def store(request: pytest.FixtureRequest) -> AsyncIterator[RateLimitStore]:
    created: RateLimitStore = (
        MemoryRateLimitStore(BUDGET)
        if request.param == "memory"
        else RedisRateLimitStore(
            request.getfixturevalue("valkey_url"), BUDGET, prefix=f"test-{time.time_ns()}"
        )
    )
    yield created
    await created.close()


async def test_hits_add_up_within_the_window(store: RateLimitStore) -> None:
    """`peek` returns the points and the seconds to the end of the window."""
    client = new_client()
    assert store.peek(client).points == 0
    assert (await store.hit(client, 1)).points == 1
    assert (await store.hit(client, 41)).points == 42
    assert store.peek(client).points == 42
    assert 0 < store.peek(client).seconds <= BUDGET.window_seconds


async def test_clients_are_counted_separately(store: RateLimitStore) -> None:
    first, second = new_client(), new_client()
    await store.hit(first, 90)
    assert (await store.hit(second, 5)).points == 5


async def test_concurrent_hits_are_all_counted(store: RateLimitStore) -> None:
    client = new_client()
    await asyncio.gather(*(store.hit(client, 3) for _ in range(100)))
    assert store.peek(client).points == 300


async def test_points_are_reset_after_the_window() -> None:
    """Windows of different clients end at different times."""
    now = 1_000_000.0
    memory = MemoryRateLimitStore(BUDGET, clock=lambda: now)
    await memory.hit("one", 7)
    now += memory.peek("one").seconds
    assert memory.peek("one").points == 0
    assert (await memory.hit("one", 2)).points == 2
    assert memory.peek("one").seconds != memory.peek("other").seconds


async def test_memory_store_limits_the_number_of_clients() -> None:
    """The oldest clients are removed."""
    memory = MemoryRateLimitStore(BUDGET, clients=3, clock=lambda: 1_000_000.0)
    for number in range(4):
        await memory.hit(str(number), 1)
    assert [memory.peek(str(number)).points for number in range(4)] == [0, 1, 1, 1]


@pytest.fixture
async def make_worker(valkey_url: str) -> AsyncIterator[Callable[[str], RedisRateLimitStore]]:
    """Creates stores of several workers, which share their counts through Redis."""
    created: list[RedisRateLimitStore] = []
    prefix = f"test-{time.time_ns()}"

    def create(url: str = valkey_url) -> RedisRateLimitStore:
        created.append(RedisRateLimitStore(url, BUDGET, prefix=prefix))
        return created[-1]

    yield create
    for each in created:
        await each.close()


async def test_workers_share_counts(make_worker: Callable[..., RedisRateLimitStore]) -> None:
    """Points of a client count for all workers."""
    first, second, client = make_worker(), make_worker(), new_client()
    await first.hit(client, 30)
    await second.hit(client, 20)
    assert (await first.hit(client, 1)).points == 51


async def test_counts_lost_by_redis_are_still_applied(
    valkey_url: str, make_worker: Callable[..., RedisRateLimitStore]
) -> None:
    """A restarted Redis does not reset the points that a worker has counted."""
    first, client = make_worker(), new_client()
    await first.hit(client, 60)
    with redis.Redis.from_url(valkey_url) as server:
        assert server.delete(*server.scan_iter(f"*{client}*"))
    assert (await first.hit(client, 1)).points == 61


@pytest.fixture
async def proxy(valkey_url: str) -> AsyncIterator[RedisProxy]:
    async with RedisProxy(valkey_url) as created:
        yield created


async def test_worker_counts_locally_without_redis(
    proxy: RedisProxy, make_worker: Callable[..., RedisRateLimitStore]
) -> None:
    """No request fails, and the counts are sent when Redis is reachable again."""
    disconnected, second, client = make_worker(proxy.url), make_worker(), new_client()
    await disconnected.hit(client, 10)
    await proxy.cut()
    assert (await disconnected.hit(client, 10)).points == 20
    assert (await disconnected.hit(client, 10)).points == 30
    await proxy.open()
    async with asyncio.timeout(15):
        while (await second.hit(client, 1)).points < 30:
            await asyncio.sleep(0.1)
            await disconnected.hit(client, 1)


async def test_worker_waits_only_once_for_a_stalled_redis(
    proxy: RedisProxy, make_worker: Callable[..., RedisRateLimitStore]
) -> None:
    """After the first timeout it does not wait for a while."""
    disconnected, client = make_worker(proxy.url), new_client()
    await disconnected.hit(client, 1)
    proxy.stall()
    started_at = time.monotonic()
    for _ in range(100):
        await disconnected.hit(client, 1)
    # Waiting each time would take five seconds.
    assert time.monotonic() - started_at < 2.5
    assert disconnected.peek(client).points == 101


async def test_unreachable_redis_fails_no_request(make_worker: Callable[..., RedisRateLimitStore]) -> None:
    """The worker counts locally."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        store = make_worker(f"redis://127.0.0.1:{unused.getsockname()[1]}/0")
        assert (await store.hit("198.51.100.1", 5)).points == 5


async def test_slow_redis_counts_no_points_twice(
    proxy: RedisProxy, make_worker: Callable[..., RedisRateLimitStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Commands that time out are executed later, and repeated."""
    monkeypatch.setattr("contentql.web.rate_limit.redis._BACKOFF_SECONDS", 0.0)
    slow, other, client = make_worker(proxy.url), make_worker(), new_client()
    await slow.hit(client, 5)
    proxy.delays[b"HSET"] = 0.2
    for _ in range(5):
        await slow.hit(client, 5)
    assert proxy.hits > 1
    await asyncio.sleep(0.5)  # they have arrived
    proxy.delays.clear()
    assert (await slow.hit(client, 5)).points == 35
    assert (await other.hit(client, 1)).points == 36


@pytest.mark.parametrize("wrong", WRONG_RESPONSES)
async def test_wrong_responses_of_redis_change_no_count(
    proxy: RedisProxy,
    make_worker: Callable[..., RedisRateLimitStore],
    monkeypatch: pytest.MonkeyPatch,
    wrong: str,
) -> None:
    """The worker continues with its own count, and shares it afterwards."""
    monkeypatch.setattr("contentql.web.rate_limit.redis._BACKOFF_SECONDS", 0.0)
    worker, other, client = make_worker(proxy.url), make_worker(), new_client()
    assert (await worker.hit(client, 5)).points == 5
    proxy.responses[b"MULTI"] = WRONG_RESPONSES[wrong] * 5
    assert (await worker.hit(client, 5)).points == 10
    assert proxy.hits
    proxy.responses.clear()
    for _ in range(5):  # responses that came unasked are still read
        await worker.hit(client, 1)
    assert worker.peek(client).points == 15
    assert (await other.hit(client, 1)).points == 16


@pytest.mark.parametrize("value", ["text", "list", "hash"])
async def test_foreign_data_changes_no_count(
    valkey_url: str, make_worker: Callable[..., RedisRateLimitStore], value: str
) -> None:
    """Under the key of a client's window."""
    worker, client = make_worker(), new_client()
    await worker.hit(client, 5)
    with redis.Redis.from_url(valkey_url) as server:
        (key,) = server.scan_iter(f"*{client}*")
        if value == "hash":
            server.hset(key, "other", "seven")
        else:
            server.delete(key)
            _ = server.set(key, "x") if value == "text" else server.rpush(key, "1", "2")
    assert (await worker.hit(client, 5)).points == 10
    assert (await worker.hit(client, 5)).points == 15
