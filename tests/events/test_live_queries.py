"""Live queries: what subscribers receive, for any order of changes, joins and ends."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contentql.errors import ApiError
from contentql.events import live_queries
from contentql.events.event import Event, make_event, with_extensions
from contentql.events.live_queries import LiveQueries, LiveResult, RunFailed


class Reader:
    """A subscriber that collects its events."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def receive(self, event: Event) -> None:
        self.events.append(event)


class Counter:
    """A live query of a number. Runs take a few turns of the event loop."""

    def __init__(self, live: LiveQueries) -> None:
        self.live = live
        self.value = 0
        self.runs = 0
        self.failure: Exception | None = None

    async def run(self) -> LiveResult:
        self.runs += 1
        value = self.value
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        if self.failure:
            raise self.failure
        event = make_event(str(value), b'{"data":%d}' % value)
        return LiveResult(event.id, (event,), lambda change: change == "counter", event)

    async def subscribe(self, reader: Reader) -> Any:
        subscription, result = await self.live.subscribe(
            "counter", self.run, reader, owner="a", cost=1, interval=0.0
        )
        assert result.present is not None
        reader.receive(result.present)
        return subscription

    def change(self, value: int) -> None:
        self.value = value
        self.live.on_change("counter")


async def settle() -> None:
    for _ in range(30):
        await asyncio.sleep(0)


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("change"), st.integers(0, 3)),
        st.tuples(st.just("join"), st.just(0)),
        st.tuples(st.just("leave"), st.integers(0, 9)),
        st.tuples(st.just("turn"), st.integers(1, 4)),
    ),
    max_size=40,
)


@given(STEPS)
@settings(deadline=None)
def test_every_subscriber_ends_with_the_last_result(steps: Sequence[tuple[str, int]]) -> None:
    """None receives an event twice in a row, and none an event after it has left."""

    async def check() -> None:
        counter = Counter(LiveQueries(lambda: True))
        readers: list[Reader] = []
        joining: list[tuple[Reader, asyncio.Task[Any]]] = []
        left: dict[int, int] = {}
        for kind, number in steps:
            if kind == "change":
                counter.change(number)
            elif kind == "join":
                reader = Reader()
                joining.append((reader, asyncio.create_task(counter.subscribe(reader))))
            elif kind == "turn":
                for _ in range(number):
                    await asyncio.sleep(0)
            elif joining and number < len(joining):
                reader, task = joining.pop(number)
                if task.done():
                    task.result().cancel()
                else:
                    task.cancel()
                    with contextlib.suppress(asyncio.CancelledError):
                        await task
                left[len(readers)] = len(reader.events)
                readers.append(reader)
        await settle()
        for reader, task in joining:
            await task
            assert reader.events[-1].id == str(counter.value)
            assert all(a.id != b.id for a, b in zip(reader.events, reader.events[1:], strict=False))
        for number, count in left.items():
            assert len(readers[number].events) == count
        for _, task in joining:
            task.result().cancel()
        assert len(counter.live) == 0

    asyncio.run(check())


async def test_idle_queries_run_only_after_a_change_that_affects_them() -> None:
    counter, reader = Counter(LiveQueries(lambda: True)), Reader()
    await counter.subscribe(reader)
    assert counter.runs == 1
    counter.live.on_change("another")
    await settle()
    assert counter.runs == 1
    for change in ("counter", None):
        counter.live.on_change(change)
        await settle()
    assert counter.runs == 3
    assert [event.id for event in reader.events] == ["0"]


async def test_results_are_computed_again_if_changes_may_be_unknown() -> None:
    """For another subscriber, while the change log is not followed or is behind."""
    counter = Counter(LiveQueries(lambda: False))
    readers = [Reader(), Reader()]
    await counter.subscribe(readers[0])
    counter.value = 7
    await counter.subscribe(readers[1])
    await settle()
    assert [reader.events[-1].id for reader in readers] == ["7", "7"]


@pytest.mark.parametrize(
    "failure", [RunFailed("response"), ApiError("TIMEOUT", "Late."), ValueError("a defect")]
)
async def test_failed_runs_are_repeated(monkeypatch: pytest.MonkeyPatch, failure: Exception) -> None:
    """A subscriber keeps its result; a new one gets the error."""
    monkeypatch.setattr(live_queries, "_RETRY_SECONDS", 0)
    counter, reader = Counter(LiveQueries(lambda: True)), Reader()
    counter.failure = failure
    with pytest.raises(type(failure)):
        await counter.subscribe(Reader())
    assert len(counter.live) == 0
    counter.failure = None
    await counter.subscribe(reader)
    counter.failure = failure
    counter.change(1)
    await settle()
    assert [event.id for event in reader.events] == ["0"]
    counter.failure = None
    await settle()
    assert [event.id for event in reader.events] == ["0", "1"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(
    st.dictionaries(st.text() | st.just("extensions"), JSON),
    st.none() | st.dictionaries(st.text(min_size=1), JSON),
)
@settings(deadline=None)
def test_extensions_are_added_to_any_result(data: dict[str, Any], extensions: dict[str, Any] | None) -> None:
    """Also if the data have a key `extensions`, or a text that looks like it."""
    result: dict[str, Any] = {"data": data}
    if extensions is not None:
        result["extensions"] = extensions
    added = orjson.loads(with_extensions(orjson.dumps(result), {"eventId": "1"}))
    assert added == {"data": data, "extensions": {**(extensions or {}), "eventId": "1"}}
