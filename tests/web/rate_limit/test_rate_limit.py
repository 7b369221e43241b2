"""Contract of the rate limit stores, in memory and in Redis."""

from __future__ import annotations

import asyncio
import itertools
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from urllib.parse import urlsplit

import pytest
import redis

from contentql.web.rate_limit.memory import MemoryRateLimitStore
from contentql.web.rate_limit.redis import RedisRateLimitStore
from contentql.web.rate_limit.window import RateLimit, RateLimitStore

BUDGET = RateLimit(limit=100)
_numbers = itertools.count(1)


def newcomer() -> str:
    """A new client, early enough in its window for a test."""
    while True:
        name = f"203.0.113.{next(_numbers)}"
        if BUDGET.window(name, time.time())[1] - time.time() > 20:
            return name


@pytest.fixture(params=["memory", "valkey"])
async def rates(request: pytest.FixtureRequest) -> AsyncIterator[RateLimitStore]:
    stored: RateLimitStore = (
        MemoryRateLimitStore(BUDGET)
        if request.param == "memory"
        else RedisRateLimitStore(
            request.getfixturevalue("valkey_url"), BUDGET, prefix=f"test-{time.time_ns()}"
        )
    )
    yield stored
    await stored.close()


async def test_what_is_used_adds_up(rates: RateLimitStore) -> None:
    """Point by point, and the window ends within its seconds."""
    client = newcomer()
    assert rates.peek(client).points == 0
    assert (await rates.hit(client, 1)).points == 1
    assert (await rates.hit(client, 41)).points == 42
    assert rates.peek(client).points == 42
    assert 0 < rates.peek(client).seconds <= BUDGET.window_seconds


async def test_each_client_has_a_count_of_its_own(rates: RateLimitStore) -> None:
    """What one asks for is not the other's."""
    one, other = newcomer(), newcomer()
    await rates.hit(one, 90)
    assert (await rates.hit(other, 5)).points == 5


async def test_nothing_is_lost_where_many_ask_at_once(rates: RateLimitStore) -> None:
    """A hundred times at the same time is a hundred times."""
    client = newcomer()
    await asyncio.gather(*(rates.hit(client, 3) for _ in range(100)))
    assert rates.peek(client).points == 300


async def test_a_window_ends() -> None:
    """And the next begins with nothing used, for each client at a moment of its own."""
    now = 1_000_000.0
    memory = MemoryRateLimitStore(BUDGET, clock=lambda: now)
    await memory.hit("one", 7)
    now += memory.peek("one").seconds
    assert memory.peek("one").points == 0
    assert (await memory.hit("one", 2)).points == 2
    assert memory.peek("one").seconds != memory.peek("other").seconds


async def test_memory_remembers_a_bounded_number_of_clients() -> None:
    """Those that came first make room."""
    memory = MemoryRateLimitStore(BUDGET, clients=3, clock=lambda: 1_000_000.0)
    for number in range(4):
        await memory.hit(str(number), 1)
    assert [memory.peek(str(number)).points for number in range(4)] == [0, 1, 1, 1]


@pytest.fixture
async def worker(valkey_url: str) -> AsyncIterator[Callable[[str], RedisRateLimitStore]]:
    """Makes workers, that share what they count, given the address of their Redis."""
    created: list[RedisRateLimitStore] = []
    prefix = f"test-{time.time_ns()}"

    def make(url: str = valkey_url) -> RedisRateLimitStore:
        created.append(RedisRateLimitStore(url, BUDGET, prefix=prefix))
        return created[-1]

    yield make
    for one in created:
        await one.close()


async def test_workers_count_together(worker: Callable[..., RedisRateLimitStore]) -> None:
    """What a client asked of one worker, the other knows."""
    one, other, client = worker(), worker(), newcomer()
    await one.hit(client, 30)
    await other.hit(client, 20)
    assert (await one.hit(client, 1)).points == 51


async def test_what_redis_forgets_is_still_counted(
    valkey_url: str, worker: Callable[..., RedisRateLimitStore]
) -> None:
    """A Redis that begins anew gives no client a fresh budget on a worker that knows better."""
    one, client = worker(), newcomer()
    await one.hit(client, 60)
    with redis.Redis.from_url(valkey_url) as server:
        assert server.delete(*server.scan_iter(f"*{client}*"))
    assert (await one.hit(client, 1)).points == 61


class Link:
    """What lies between a worker and Redis, and can be cut, or hold back what is said."""

    def __init__(self, url: str) -> None:
        self._there = urlsplit(url)
        self._open: set[asyncio.StreamWriter] = set()
        self._flows = asyncio.Event()
        self._flows.set()
        self.port = 0

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    async def mend(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        self._server.close()
        for writer in tuple(self._open):
            writer.close()

    def hold(self) -> None:
        self._flows.clear()

    def let_go(self) -> None:
        self._flows.set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(self._there.hostname, self._there.port)
        self._open |= {writer, back}

        async def carry(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
            while data := await source.read(65_536):
                await self._flows.wait()
                target.write(data)
            target.close()

        ways: list[Awaitable[None]] = [carry(reader, back), carry(there, writer)]
        await asyncio.gather(*ways, return_exceptions=True)
        self._open -= {writer, back}


@pytest.fixture
async def link(valkey_url: str) -> AsyncIterator[Link]:
    created = Link(valkey_url)
    await created.mend()
    yield created
    created.let_go()
    await created.cut()


async def test_a_worker_goes_on_without_redis(link: Link, worker: Callable[..., RedisRateLimitStore]) -> None:
    """It counts locally, fails no request, and reports its counts when Redis is back."""
    cut_off, other, client = worker(link.url), worker(), newcomer()
    await cut_off.hit(client, 10)
    await link.cut()
    assert (await cut_off.hit(client, 10)).points == 20
    assert (await cut_off.hit(client, 10)).points == 30
    await link.mend()
    async with asyncio.timeout(15):
        while (await other.hit(client, 1)).points < 30:
            await asyncio.sleep(0.1)
            await cut_off.hit(client, 1)


async def test_a_redis_that_is_silent_is_waited_for_once(
    link: Link, worker: Callable[..., RedisRateLimitStore]
) -> None:
    """A fraction of a second, and after that not at all for a while."""
    cut_off, client = worker(link.url), newcomer()
    await cut_off.hit(client, 1)
    link.hold()
    began = time.monotonic()
    for _ in range(100):
        await cut_off.hit(client, 1)
    # Waiting each time would take five seconds.
    assert time.monotonic() - began < 2.5
    assert cut_off.peek(client).points == 101


async def test_unreachable_redis_fails_no_request(worker: Callable[..., RedisRateLimitStore]) -> None:
    """Each worker counts alone."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        alone = worker(f"redis://127.0.0.1:{unused.getsockname()[1]}/0")
        assert (await alone.hit("198.51.100.1", 5)).points == 5
