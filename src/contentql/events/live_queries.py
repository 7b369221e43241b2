"""Live queries: executed again when something they depend on has changed, once for all equal subscribers.

An idle live query has no task and no timer. After a change it runs once; a change during the run causes
another run. Subscribers get an event only if the result is a different one.

Invariant: knows results and subscribers; does not know GraphQL, transports or the kind of a change.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol

from contentql.errors import ApiError, LimitError
from contentql.events.event import Event

log = logging.getLogger("contentql")

MAX_LIVE_QUERIES: Final = 1_000  # different ones at a time
# Sum of the costs of the live queries that one client has opened: all are executed after a change.
MAX_COST_PER_OWNER: Final = 20_000
_MIN_COST: Final = 100  # that a live query counts, so that one client has at most 200
_CONCURRENT_RUNS: Final = 4
_RETRY_SECONDS: Final = 1.0  # after a run has failed
_MAX_RETAINED_BYTES: Final = 65_536  # larger results are computed again for the next subscriber
_FAN_OUT: Final = 50  # events that are sent before other work gets a turn

Change = Any  # of the follower; only `LiveResult.is_affected` knows more


@dataclass(frozen=True, slots=True)
class LiveResult:
    """Result of a run. `state`: identifies what the result shows; `events`: for the subscribers if the state
    is a new one; `present`: the first event of another subscriber; `is_affected`: whether a change affects
    the result; `has_more`: whether there are more events, for another run."""

    state: str
    events: tuple[Event, ...]
    is_affected: Callable[[Change], bool]
    present: Event | None = None
    has_more: bool = False


# Executes the query. Raises ApiError, or RunFailed with the response for those who wait for a first result.
Run = Callable[[], Awaitable[LiveResult]]


class RunFailed(Exception):
    """A run had no result; `response` has the errors."""

    def __init__(self, response: Any) -> None:
        super().__init__()
        self.response = response


class Subscriber(Protocol):
    """Receives the events of one subscription. Must neither block nor raise."""

    def receive(self, event: Event) -> None: ...


class Subscription:
    """One subscriber of a live query, until `cancel` is called."""

    __slots__ = ("_query", "_subscriber")

    def __init__(self, query: _LiveQuery, subscriber: Subscriber) -> None:
        self._query, self._subscriber = query, subscriber

    def cancel(self) -> None:
        """Ends the subscription: the subscriber receives nothing more."""
        self._query.remove(self._subscriber)


class LiveQueries:
    """The live queries of one process, by key. `on_change` must be called with every change."""

    def __init__(self, is_current: Callable[[], bool]) -> None:
        """`is_current`: whether every change so far was passed to `on_change`."""
        self.is_current = is_current
        self.runs = asyncio.Semaphore(_CONCURRENT_RUNS)
        self._queries: dict[Hashable, _LiveQuery] = {}
        self._owned: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._queries)

    def on_change(self, change: Change) -> None:
        """Wakes the live queries that a change affects; all of them if it is None."""
        for query in tuple(self._queries.values()):
            if change is None or query.is_affected(change):
                query.wake()

    async def subscribe(
        self,
        key: Hashable,
        run: Run,
        subscriber: Subscriber,
        *,
        owner: str,
        cost: int,
        interval: float,
    ) -> tuple[Subscription, LiveResult]:
        """Adds a subscriber to the live query with this key, and returns the present result.

        `run` and `interval`, the least time between two runs in seconds, must be the same for equal keys;
        `owner` is the client whom a new live query is counted for, with its `cost` in points. Raises
        SERVICE_OVERLOADED and COST_LIMIT_EXCEEDED for too many live queries, and what `run` raises.
        """
        query = self._queries.get(key)
        if query is None:
            query = self._create(key, run, owner, max(cost, _MIN_COST), interval)
        result = await query.join(subscriber)
        return Subscription(query, subscriber), result

    def _create(self, key: Hashable, run: Run, owner: str, cost: int, interval: float) -> _LiveQuery:
        hint = "Use the same document and variables in all clients, so that they share one subscription."
        if len(self._queries) >= MAX_LIVE_QUERIES:
            raise LimitError(
                "SERVICE_OVERLOADED",
                f"The server has {MAX_LIVE_QUERIES:,} different subscriptions, as many as may be.",
                hint,
                limit=MAX_LIVE_QUERIES,
            )
        if self._owned[owner] + cost > MAX_COST_PER_OWNER:
            raise LimitError(
                "COST_LIMIT_EXCEEDED",
                f"The open subscriptions of this address would have a cost of {self._owned[owner] + cost:,};"
                f" {MAX_COST_PER_OWNER:,} are allowed.",
                hint,
                count=self._owned[owner] + cost,
                limit=MAX_COST_PER_OWNER,
            )
        self._owned[owner] += cost

        def forget() -> None:
            if self._queries.get(key) is query:
                del self._queries[key]
                self._owned[owner] -= cost
                if not self._owned[owner]:
                    del self._owned[owner]

        query = self._queries[key] = _LiveQuery(self, run, interval, forget)
        return query


class _LiveQuery:
    """One live query. `_result` is the last result, unless it is large, and `_state` its state."""

    __slots__ = (
        "_forget",
        "_interval",
        "_is_affected",
        "_needs_run",
        "_queries",
        "_ran_at",
        "_result",
        "_run",
        "_served",
        "_state",
        "_subscribers",
        "_task",
        "_waiting",
    )

    def __init__(self, queries: LiveQueries, run: Run, interval: float, forget: Callable[[], None]) -> None:
        self._queries, self._run, self._interval, self._forget = queries, run, interval, forget
        self._subscribers: dict[Subscriber, None] = {}
        self._waiting: dict[asyncio.Future[LiveResult], Subscriber] = {}
        self._served: dict[asyncio.Future[LiveResult], Subscriber] = {}  # waiting for the present run
        self._result: LiveResult | None = None
        self._state = ""
        self._is_affected: Callable[[Change], bool] | None = None  # None during a run: not known yet
        self._needs_run = False
        self._ran_at = 0.0
        self._task: asyncio.Task[None] | None = None

    def is_affected(self, change: Change) -> bool:
        return self._is_affected is None or self._is_affected(change)

    def wake(self) -> None:
        self._needs_run = True
        self._start()

    async def join(self, subscriber: Subscriber) -> LiveResult:
        """Adds a subscriber. Returns the present result, after which it receives events."""
        result = self._result if self._is_affected is not None and not self._needs_run else None
        if result is not None and self._queries.is_current():
            self._subscribers[subscriber] = None
            return result
        future: asyncio.Future[LiveResult] = asyncio.get_running_loop().create_future()
        self._waiting[future] = subscriber
        self._start()
        try:
            return await future
        except BaseException:
            self._waiting.pop(future, None)
            self._served.pop(future, None)
            self.remove(subscriber)
            raise

    def remove(self, subscriber: Subscriber) -> None:
        self._subscribers.pop(subscriber, None)
        if not (self._subscribers or self._waiting or self._served):
            self._forget()
            if self._task is not None:
                self._task.cancel()

    def _start(self) -> None:
        if self._task is None:
            self._task = asyncio.create_task(self._refresh())

    async def _refresh(self) -> None:
        try:
            while self._needs_run or self._waiting:
                if not self._waiting:
                    await asyncio.sleep(max(0.0, self._ran_at + self._interval - time.monotonic()))
                self._served, self._waiting = self._waiting, {}
                self._needs_run, self._is_affected = False, None
                try:
                    async with self._queries.runs:
                        result = await self._run()
                except Exception as exc:
                    if not isinstance(exc, ApiError | RunFailed):
                        log.exception("A live query failed")
                    await self._fail(exc)
                else:
                    await self._succeed(result)
        finally:
            for future in self._served:
                future.cancel()
            self._task = None

    async def _succeed(self, result: LiveResult) -> None:
        self._ran_at = time.monotonic()
        before, is_new = tuple(self._subscribers), result.state != self._state
        self._state, self._is_affected = result.state, result.is_affected
        self._needs_run |= result.has_more
        size = len(result.present.body) if result.present else 0
        self._result = replace(result, events=()) if size <= _MAX_RETAINED_BYTES else None
        served, self._served = self._served, {}
        for future, subscriber in served.items():
            if not future.done():  # it may have been cancelled just now
                self._subscribers[subscriber] = None
                future.set_result(result)
        if is_new:
            for event in result.events:
                await self._send(event, before)
        # Those who waited get their first event before another one.
        await asyncio.sleep(0)

    async def _fail(self, exc: Exception) -> None:
        served, self._served = self._served, {}
        for future in served:
            if not future.done():
                future.set_exception(exc)
        if self._subscribers:
            # They keep the result that they have until there is another one.
            self._needs_run = True
            await asyncio.sleep(_RETRY_SECONDS)
        elif not self._waiting:
            self._forget()

    async def _send(self, event: Event, subscribers: tuple[Subscriber, ...]) -> None:
        for number, subscriber in enumerate(subscribers, 1):
            if subscriber in self._subscribers:
                subscriber.receive(event)
            if number % _FAN_OUT == 0:
                await asyncio.sleep(0)
