"""Rate limits and concurrency limits over HTTP."""

from __future__ import annotations

import asyncio
import re

import pytest

from contentql.errors import ApiError
from contentql.execution.concurrency import ConcurrencyLimiter
from contentql.server.client_address import ClientAddressResolver
from contentql.settings import Settings
from contentql.web.admission import AdmissionControl
from contentql.web.rate_limit.memory import MemoryRateLimitStore
from contentql.web.rate_limit.window import RateLimit


def make_admission_control(
    points: int, *, public_only: bool = False, counts: bool = True, slots: int = 1
) -> AdmissionControl:
    """Admission control with a stopped clock, 30 seconds before the end of the client's window."""
    rate_limit = RateLimit(points)
    now = rate_limit.window("203.0.113.9", 1_000_000.0)[1] - 30
    rates = MemoryRateLimitStore(rate_limit, clock=lambda: now) if counts else None
    return AdmissionControl(
        rate_limit,
        rates,
        ClientAddressResolver(),
        ConcurrencyLimiter(slots, queue=0),
        public_only=public_only,
    )


async def test_requests_cost_one_point_and_operations_their_cost() -> None:
    """The headers are the structured fields of the IETF draft."""
    control = make_admission_control(100)
    await control.admit("203.0.113.9")
    await control.charge("203.0.113.9", 21)
    await control.admit("203.0.113.9")
    policy, remaining = control.headers("203.0.113.9")
    assert policy == (b"ratelimit-policy", b'"cost";q=100;w=60')
    assert remaining == (b"ratelimit", b'"cost";r=78;t=30')


async def test_exhausted_clients_get_retry_after() -> None:
    """The error has limit, points used and seconds to wait; other clients are admitted."""
    control = make_admission_control(50)
    for _ in range(2):
        await control.admit("203.0.113.9")
        await control.charge("203.0.113.9", 40)
    with pytest.raises(ApiError) as exc_info:
        await control.admit("203.0.113.9")
    assert (exc_info.value.code, exc_info.value.status) == ("RATE_LIMITED", 429)
    assert exc_info.value.extra_extensions == {"limit": 50, "used": 80, "retryAfter": 30}
    assert exc_info.value.hint
    assert control.headers("203.0.113.9")[1][1] == b'"cost";r=0;t=30'
    await control.admit("203.0.113.10")


async def test_operations_above_the_budget_run_when_points_are_left() -> None:
    """Rejecting them always would make `Retry-After` wrong."""
    control = make_admission_control(10)
    await control.admit("203.0.113.9")
    await control.charge("203.0.113.9", 5_000)
    with pytest.raises(ApiError):
        await control.admit("203.0.113.9")


async def test_concurrent_operations_exceed_the_budget_only_once() -> None:
    """Requests are admitted while points are left; charges after the budget is used are rejected."""
    control = make_admission_control(100)
    for _ in range(9):
        await control.admit("203.0.113.9")
    results = await asyncio.gather(
        *(control.charge("203.0.113.9", 60) for _ in range(9)), return_exceptions=True
    )
    assert [isinstance(result, ApiError) for result in results] == [False, False, *[True] * 7]


async def test_unlimited_clients_are_not_counted() -> None:
    """Without a store, or for private addresses with `public_only`, there are no headers."""
    for control, peer in (
        (make_admission_control(1, counts=False), "203.0.113.9"),
        (make_admission_control(1, public_only=True), "192.168.0.7"),
    ):
        name = control.rate_limit_key({"type": "http", "client": (peer, 1), "headers": []})
        for _ in range(5):
            await control.admit(name)
            await control.charge(name, 1_000)
        assert control.headers(name) == ()
    public = make_admission_control(1, public_only=True)
    scope = {"type": "http", "client": ("8.8.8.8", 1), "headers": []}
    assert public.rate_limit_key(scope) == "8.8.8.8"


async def test_request_occupies_one_slot_while_it_reads_the_database() -> None:
    """Cached responses need no slot; a request needs one for any number of charges, and releases it once."""
    control = make_admission_control(1_000, slots=1)
    scope = {"type": "http", "client": ("203.0.113.9", 1), "headers": []}
    hit, miss, late = control.admit_request(scope), control.admit_request(scope), control.admit_request(scope)
    for request, cost in ((hit, 1), (miss, 20), (miss, 20)):
        await request.admit()
        await request.charge(cost)
    with pytest.raises(ApiError, match="under way"):
        await late.charge(5)
    for request in (hit, late, miss, miss):
        request.release()
    assert [control.gate.try_acquire(), control.gate.try_acquire()] == [True, False]
    assert late.headers()[1][1] == b'"cost";r=955;t=30'


async def test_concurrency_limiter_admits_waiting_requests_in_order() -> None:
    """A released slot goes to the request that waits longest."""
    limiter = ConcurrencyLimiter(2, queue=5, seconds=30)
    assert [limiter.try_acquire() for _ in range(3)] == [True, True, False]
    order: list[int] = []

    async def acquire_and_release(number: int) -> None:
        await limiter.acquire()
        order.append(number)
        limiter.release()

    tasks = [asyncio.create_task(acquire_and_release(number)) for number in range(4)]
    await asyncio.sleep(0)
    assert not limiter.try_acquire()
    limiter.release()
    await asyncio.gather(*tasks)
    assert order == [0, 1, 2, 3]
    limiter.release()
    assert [limiter.try_acquire() for _ in range(3)] == [True, True, False]


async def test_concurrency_limiter_rejects_requests_beyond_the_queue() -> None:
    """503 with the seconds after which to retry."""
    limiter = ConcurrencyLimiter(1, queue=1, seconds=30)
    limiter.try_acquire()
    waiting = asyncio.create_task(limiter.acquire())
    await asyncio.sleep(0)
    with pytest.raises(ApiError) as exc_info:
        await limiter.acquire()
    assert (exc_info.value.code, exc_info.value.status) == ("SERVICE_OVERLOADED", 503)
    assert exc_info.value.extra_extensions == {"limit": 1, "retryAfter": 1}
    limiter.release()
    await waiting


async def test_waiting_requests_time_out() -> None:
    """A slot released afterwards can be acquired."""
    limiter = ConcurrencyLimiter(1, queue=3, seconds=0.01)
    limiter.try_acquire()
    results = await asyncio.gather(*(limiter.acquire() for _ in range(3)), return_exceptions=True)
    assert all(isinstance(result, ApiError) for result in results)
    limiter.release()
    assert limiter.try_acquire()


async def test_cancelled_requests_do_not_lose_the_slot() -> None:
    """Holds for requests cancelled while waiting, and after the slot was passed to them."""
    limiter = ConcurrencyLimiter(1, queue=3, seconds=30)
    limiter.try_acquire()
    cancelled_waiting, cancelled_admitted, last = (asyncio.create_task(limiter.acquire()) for _ in range(3))
    await asyncio.sleep(0)
    cancelled_waiting.cancel()
    await asyncio.gather(cancelled_waiting, return_exceptions=True)
    limiter.release()
    cancelled_admitted.cancel()
    await asyncio.gather(cancelled_admitted, return_exceptions=True)
    await last
    limiter.release()
    assert [limiter.try_acquire(), limiter.try_acquire()] == [True, False]


@pytest.mark.parametrize("wrong", ["10.0.0.1/8", "proxy", "1.2.3.4/99"])
def test_trusted_proxies_must_be_networks(wrong: str) -> None:
    """The error names the invalid value."""
    with pytest.raises(ValueError, match=re.escape(wrong.partition("/")[0])):
        Settings(trusted_proxies=wrong)
