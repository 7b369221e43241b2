"""Client addresses, rate limits and concurrency limits over HTTP."""

from __future__ import annotations

import asyncio
import re

import pytest

from contentql.errors import ApiError
from contentql.server.client_address import ClientAddressResolver
from contentql.settings import Settings
from contentql.web.admission import AdmissionControl
from contentql.web.concurrency import ConcurrencyLimiter
from contentql.web.rate_limit.memory import MemoryRateLimitStore
from contentql.web.rate_limit.window import RateLimit

PROXIES = "10.0.0.0/8, 2001:db8:1::/48"
BEHIND = ClientAddressResolver(Settings(trusted_proxies=PROXIES).trusted_proxy_networks)


def client(addresses: ClientAddressResolver, peer: str, *headers: tuple[str, str]) -> str:
    raw = [(name.encode(), value.encode()) for name, value in headers]
    return addresses.resolve({"type": "http", "client": (peer, 1), "headers": raw})


def test_a_client_is_its_address() -> None:
    """An IPv6 client is its network: the addresses in it are all its own."""
    assert client(ClientAddressResolver(), "203.0.113.9") == "203.0.113.9"
    assert client(ClientAddressResolver(), "::ffff:203.0.113.9") == "203.0.113.9"
    assert (
        client(ClientAddressResolver(), "2001:db8::1")
        == client(ClientAddressResolver(), "2001:db8:0:0:9::")
        == "2001:db8::/64"
    )
    assert client(ClientAddressResolver(), "2001:db8:0:1::1") != client(
        ClientAddressResolver(), "2001:db8::1"
    )
    assert ClientAddressResolver().resolve({"type": "http", "client": None, "headers": []}) == "unknown"


def test_only_trusted_proxies_set_the_client_address() -> None:
    """Headers from elsewhere are what anybody can write."""
    expected = ("x-forwarded-for", "198.51.100.7"), ("forwarded", "for=198.51.100.7")
    assert client(ClientAddressResolver(), "10.0.0.1", *expected) == "10.0.0.1"
    assert client(BEHIND, "203.0.113.9", *expected) == "203.0.113.9"
    assert client(BEHIND, "10.0.0.1", *expected) == "198.51.100.7"


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ([("x-forwarded-for", "198.51.100.7")], "198.51.100.7"),
        # What the client itself wrote stands to the left of what the proxy saw.
        ([("x-forwarded-for", "1.1.1.1, 198.51.100.7")], "198.51.100.7"),
        ([("x-forwarded-for", "1.1.1.1"), ("x-forwarded-for", "198.51.100.7")], "198.51.100.7"),
        ([("x-forwarded-for", "1.1.1.1, 198.51.100.7, 10.2.0.1,10.3.0.1")], "198.51.100.7"),
        ([("x-forwarded-for", "198.51.100.7:4711")], "198.51.100.7"),
        ([("x-forwarded-for", "2001:db8:7::1")], "2001:db8:7::/64"),
        ([("x-forwarded-for", "[2001:db8:7::1]:443")], "2001:db8:7::/64"),
        ([("forwarded", 'for=1.1.1.1, For="[2001:db8:7::1]:4711";proto=https')], "2001:db8:7::/64"),
        ([("forwarded", "proto=https;for=198.51.100.7;by=10.0.0.1")], "198.51.100.7"),
        ([("x-forwarded-for", "198.51.100.7"), ("forwarded", "for=198.51.100.7")], "198.51.100.7"),
        # One of the two is the client's own text: it cannot be known which.
        ([("x-forwarded-for", "198.51.100.7"), ("forwarded", "for=1.1.1.1")], "10.0.0.1"),
        ([("x-forwarded-for", "198.51.100.7, unknown")], "10.0.0.1"),
        ([("x-forwarded-for", "198.51.100.7, unknown, 10.2.0.1")], "10.2.0.1"),
        ([("forwarded", "for=_hidden")], "10.0.0.1"),
        ([("x-forwarded-for", "")], "10.0.0.1"),
        ([("x-forwarded-for", "<script>, ::1::")], "10.0.0.1"),
        ([("x-forwarded-for", "10.9.0.1, 10.2.0.1")], "10.9.0.1"),
        ([], "10.0.0.1"),
    ],
)
def test_behind_a_proxy_the_nearest_stranger_is_the_client(
    headers: list[tuple[str, str]], expected: str
) -> None:
    """Read from the right; what cannot be read ends the search at the last proxy known."""
    assert client(BEHIND, "10.0.0.1", *headers) == expected


def guard(
    points: int, *, public_only: bool = False, counts: bool = True, places: int = 1
) -> AdmissionControl:
    rate_limit = RateLimit(points)
    # A clock that stands still, in the middle of this client's window.
    now = rate_limit.window("203.0.113.9", 1_000_000.0)[1] - 30
    rates = MemoryRateLimitStore(rate_limit, clock=lambda: now) if counts else None
    return AdmissionControl(
        rate_limit,
        rates,
        ClientAddressResolver(),
        ConcurrencyLimiter(places, queue=0),
        public_only=public_only,
    )


async def test_every_request_costs_a_point_and_operations_what_they_read() -> None:
    """Told in the headers of the draft of the IETF, as structured fields."""
    one = guard(100)
    await one.admit("203.0.113.9")
    await one.charge("203.0.113.9", 21)
    await one.admit("203.0.113.9")
    policy, left = one.headers("203.0.113.9")
    assert policy == (b"ratelimit-policy", b'"cost";q=100;w=60')
    assert left == (b"ratelimit", b'"cost";r=78;t=30')


async def test_exhausted_clients_get_retry_after() -> None:
    """With what was used, of what, and the seconds to wait; others go on."""
    one = guard(50)
    for _ in range(2):
        await one.admit("203.0.113.9")
        await one.charge("203.0.113.9", 40)
    with pytest.raises(ApiError) as refusal:
        await one.admit("203.0.113.9")
    assert (refusal.value.code, refusal.value.status) == ("RATE_LIMITED", 429)
    assert refusal.value.extra_extensions == {"limit": 50, "used": 80, "retryAfter": 30}
    assert refusal.value.hint
    assert one.headers("203.0.113.9")[1][1] == b'"cost";r=0;t=30'
    await one.admit("203.0.113.10")


async def test_an_operation_that_costs_more_than_the_budget_runs_once() -> None:
    """Refusing it for ever would be a limit of another kind, and `Retry-After` a lie."""
    one = guard(10)
    await one.admit("203.0.113.9")
    await one.charge("203.0.113.9", 5_000)
    with pytest.raises(ApiError):
        await one.admit("203.0.113.9")


async def test_of_many_at_once_only_one_uses_more_than_is_left() -> None:
    """All are let in while something is left, and those that come too late with their cost are refused."""
    one = guard(100)
    for _ in range(9):
        await one.admit("203.0.113.9")
    results = await asyncio.gather(*(one.charge("203.0.113.9", 60) for _ in range(9)), return_exceptions=True)
    assert [isinstance(answer, ApiError) for answer in results] == [False, False, *[True] * 7]


async def test_without_a_limit_nothing_is_counted_or_told() -> None:
    """And a network of one's own is not limited until it is asked for."""
    for one, peer in ((guard(1, counts=False), "203.0.113.9"), (guard(1, public_only=True), "192.168.0.7")):
        name = one.rate_limit_key({"type": "http", "client": (peer, 1), "headers": []})
        for _ in range(5):
            await one.admit(name)
            await one.charge(name, 1_000)
        assert one.headers(name) == ()
    public = guard(1, public_only=True)
    scope = {"type": "http", "client": ("8.8.8.8", 1), "headers": []}
    assert public.rate_limit_key(scope) == "8.8.8.8"


async def test_a_visit_takes_a_place_while_the_database_reads_for_it() -> None:
    """None for what comes from memory; one, however often it spends; given back once."""
    one = guard(1_000, places=1)
    scope = {"type": "http", "client": ("203.0.113.9", 1), "headers": []}
    hit, miss, late = one.admit_request(scope), one.admit_request(scope), one.admit_request(scope)
    for visit, cost in ((hit, 1), (miss, 20), (miss, 20)):
        await visit.admit()
        await visit.charge(cost)
    with pytest.raises(ApiError, match="under way"):
        await late.charge(5)
    for visit in (hit, late, miss, miss):
        visit.release()
    assert [one.gate.try_acquire(), one.gate.try_acquire()] == [True, False]
    assert late.headers()[1][1] == b'"cost";r=955;t=30'


async def test_a_gate_lets_so_many_in_and_the_next_when_one_leaves() -> None:
    """In the order in which they came."""
    gate = ConcurrencyLimiter(2, queue=5, seconds=30)
    assert [gate.try_acquire() for _ in range(3)] == [True, True, False]
    order: list[int] = []

    async def visit(number: int) -> None:
        await gate.acquire()
        order.append(number)
        gate.release()

    visits = [asyncio.create_task(visit(number)) for number in range(4)]
    await asyncio.sleep(0)
    assert not gate.try_acquire()
    gate.release()
    await asyncio.gather(*visits)
    assert order == [0, 1, 2, 3]
    gate.release()
    assert [gate.try_acquire() for _ in range(3)] == [True, True, False]


async def test_a_gate_turns_away_at_once_whom_no_place_to_wait_is_left() -> None:
    """503, with the seconds after which to come again."""
    gate = ConcurrencyLimiter(1, queue=1, seconds=30)
    gate.try_acquire()
    waiting = asyncio.create_task(gate.acquire())
    await asyncio.sleep(0)
    with pytest.raises(ApiError) as refusal:
        await gate.acquire()
    assert (refusal.value.code, refusal.value.status) == ("SERVICE_OVERLOADED", 503)
    assert refusal.value.extra_extensions == {"limit": 1, "retryAfter": 1}
    gate.release()
    await waiting


async def test_waiting_requests_time_out() -> None:
    """A slot released afterwards can be acquired."""
    gate = ConcurrencyLimiter(1, queue=3, seconds=0.01)
    gate.try_acquire()
    results = await asyncio.gather(*(gate.acquire() for _ in range(3)), return_exceptions=True)
    assert [type(one) for one in results] == [ApiError] * 3
    gate.release()
    assert gate.try_acquire()


async def test_who_stops_waiting_takes_no_place_with_them() -> None:
    """Waiters cancelled before or at their turn do not lose the slot."""
    gate = ConcurrencyLimiter(1, queue=3, seconds=30)
    gate.try_acquire()
    before, at_its_turn, patient = (asyncio.create_task(gate.acquire()) for _ in range(3))
    await asyncio.sleep(0)
    before.cancel()
    await asyncio.gather(before, return_exceptions=True)
    gate.release()
    at_its_turn.cancel()
    await asyncio.gather(at_its_turn, return_exceptions=True)
    await patient
    gate.release()
    assert [gate.try_acquire(), gate.try_acquire()] == [True, False]


@pytest.mark.parametrize("wrong", ["10.0.0.1/8", "proxy", "1.2.3.4/99"])
def test_proxies_are_networks(wrong: str) -> None:
    """Anything else is named when the program starts."""
    with pytest.raises(ValueError, match=re.escape(wrong.partition("/")[0])):
        Settings(trusted_proxies=wrong)
