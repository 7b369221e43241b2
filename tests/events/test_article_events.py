"""Events follow what the public sees, whatever happens when, and however the changes are read."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contentql.events.article_events import (
    ArticleChange,
    ArticleEvent,
    EventType,
    Interval,
    UnpublishReason,
    article_events,
)

START = dt.datetime(2026, 6, 30, 8, tzinfo=dt.UTC)
END = 40  # seconds


def at(second: int) -> dt.datetime:
    return START + dt.timedelta(seconds=second)


NEVER = Interval(None, None)
seconds = st.integers(-5, END + 5)
intervals = st.one_of(
    st.just(NEVER),
    st.builds(lambda start, end: Interval(at(start), end), seconds, st.none() | st.builds(at, seconds)),
)
changes = st.lists(st.tuples(st.integers(1, END), intervals), max_size=8)


def log_of(first: Interval, later: Sequence[tuple[int, Interval]]) -> list[ArticleChange]:
    """The log of one article, in the order of the times."""
    rows, before = [], first
    for second, after in sorted(later, key=lambda change: change[0]):
        rows.append(ArticleChange(1, at(second), ("article",), before, after, "PUBLISHED"))
        before = after
    return rows


def read_in_parts(first: Interval, log: Sequence[ArticleChange], stops: Sequence[int]) -> list[ArticleEvent]:
    """The events of a reader that reads the log at these times and at the end."""
    events: list[ArticleEvent] = []
    since, current = at(0), first
    for stop in [*sorted(set(stops)), END]:
        until = at(stop)
        part = [row for row in log if since < row.at <= until]
        events += article_events(part, {} if part else {1: current}, since, until)
        since, current = until, part[-1].after if part else current
    return events


@given(first=intervals, later=changes, stops=st.lists(st.integers(1, END - 1), max_size=6))
def test_events_lead_to_what_the_public_sees(
    first: Interval, later: list[tuple[int, Interval]], stops: list[int]
) -> None:
    """After each read: an article is visible exactly if the last event of its visibility says so."""
    log = log_of(first, later)
    visible = first.contains(at(0))
    for event in read_in_parts(first, log, stops):
        match event.type:
            case EventType.ARTICLE_PUBLISHED:
                assert not visible
                visible = True
            case EventType.ARTICLE_UPDATED:
                assert visible
            case EventType.ARTICLE_UNPUBLISHED:
                assert visible
                visible = False
    last = log[-1].after if log else first
    assert visible == last.contains(at(END))


@given(first=intervals, later=changes, stops=st.lists(st.integers(1, END - 1), max_size=6))
def test_events_do_not_depend_on_when_the_log_is_read(
    first: Interval, later: list[tuple[int, Interval]], stops: list[int]
) -> None:
    log = log_of(first, later)
    assert read_in_parts(first, log, stops) == read_in_parts(first, log, [])


@pytest.mark.parametrize(
    ("status", "after", "reason"),
    [
        (None, NEVER, UnpublishReason.DELETED),
        ("WITHDRAWN", NEVER, UnpublishReason.WITHDRAWN),
        ("DRAFT", NEVER, UnpublishReason.UNPUBLISHED),
        ("ARCHIVED", NEVER, UnpublishReason.UNPUBLISHED),
        ("PUBLISHED", Interval(at(0), at(5)), UnpublishReason.EXPIRED),
        ("PUBLISHED", Interval(at(30), None), UnpublishReason.UNPUBLISHED),
    ],
)
def test_reasons(status: str | None, after: Interval, reason: UnpublishReason) -> None:
    change = ArticleChange(1, at(10), ("article",), Interval(at(0), None), after, status)
    (event,) = article_events([change], {}, at(9), at(10))
    assert (event.type, event.reason) == (EventType.ARTICLE_UNPUBLISHED, reason)


def test_internal_causes_are_not_named() -> None:
    visible = Interval(at(0), None)
    change = ArticleChange(1, at(10), ("copy", "article", "suggestion", "tag"), visible, visible, "PUBLISHED")
    (event,) = article_events([change], {}, at(9), at(10))
    assert event.changed == ("article", "tag")


def test_a_late_commit_is_announced_although_the_clock_has_passed() -> None:
    """The time of a row is before the commit: the clock may have passed the publication unseen."""
    change = ArticleChange(1, at(5), ("article",), NEVER, Interval(at(7), None), "SCHEDULED")
    (event,) = article_events([change], {}, at(8), at(9))
    assert (event.type, event.at) == (EventType.ARTICLE_PUBLISHED, at(8))
