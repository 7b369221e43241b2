"""Events of articles, from their changes and from the clock.

The visibility of each article is followed from one time to another: its interval of visibility is that before
the first change until the time of that change, and so on, and that after the last change until the end. So
events alternate: an article is published before it is updated, and unpublished before it is published again.
What the public cannot see has no event.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

# Causes in the article log that do not change what the public sees.
_INTERNAL_CAUSES = frozenset({"copy", "suggestion"})


class EventType(StrEnum):
    ARTICLE_PUBLISHED = "article.published"
    ARTICLE_UPDATED = "article.updated"
    ARTICLE_UNPUBLISHED = "article.unpublished"


class UnpublishReason(StrEnum):
    UNPUBLISHED = "UNPUBLISHED"
    WITHDRAWN = "WITHDRAWN"
    EXPIRED = "EXPIRED"
    DELETED = "DELETED"


@dataclass(frozen=True)
class Interval:
    """Time in which the public sees an article. `start` None: never; `end` None: without an end."""

    start: dt.datetime | None
    end: dt.datetime | None

    def contains(self, at: dt.datetime) -> bool:
        return self.start is not None and self.start <= at and (self.end is None or at < self.end)


@dataclass(frozen=True)
class ArticleChange:
    """A row of the article log. `status` is None for a deleted article."""

    article_id: int
    at: dt.datetime
    causes: tuple[str, ...]
    before: Interval
    after: Interval
    status: str | None


@dataclass(frozen=True)
class ArticleEvent:
    """An event of an article. `changed` names what changed, in the words of the article log."""

    type: EventType
    article_id: int
    at: dt.datetime
    reason: UnpublishReason | None = None
    changed: tuple[str, ...] = ()


def article_events(
    changes: Sequence[ArticleChange],
    current: Mapping[int, Interval],
    since: dt.datetime,
    until: dt.datetime,
) -> list[ArticleEvent]:
    """Returns the events after `since` and up to `until`, in the order of their times.

    `changes`: in the order of the commits; one that was committed late counts as one at `since`. `current`:
    the intervals of articles without changes, of which one begins or ends in that time.
    """
    by_article: dict[int, list[ArticleChange]] = {}
    for change in changes:
        by_article.setdefault(change.article_id, []).append(change)
    events: list[ArticleEvent] = []
    for own in by_article.values():
        events += _events_of(own, since, until)
    for article_id, interval in current.items():
        if article_id not in by_article:
            events += _clock_events(article_id, interval, since, until)
    return sorted(events, key=lambda event: event.at)


def _events_of(
    changes: Iterable[ArticleChange], since: dt.datetime, until: dt.datetime
) -> Iterator[ArticleEvent]:
    position = since
    for change in changes:
        at = min(max(change.at, position), until)
        yield from _clock_events(change.article_id, change.before, position, at)
        yield from _change_events(change, at)
        position, last = at, change
    yield from _clock_events(last.article_id, last.after, position, until)


def _clock_events(
    article_id: int, interval: Interval, after: dt.datetime, until: dt.datetime
) -> Iterator[ArticleEvent]:
    start, end = interval.start, interval.end
    if start is None or (end is not None and end <= start):
        return
    if after < start <= until:
        yield ArticleEvent(EventType.ARTICLE_PUBLISHED, article_id, start)
    if end is not None and after < end <= until:
        yield ArticleEvent(EventType.ARTICLE_UNPUBLISHED, article_id, end, UnpublishReason.EXPIRED)


def _change_events(change: ArticleChange, at: dt.datetime) -> Iterator[ArticleEvent]:
    was, is_ = change.before.contains(at), change.after.contains(at)
    changed = tuple(cause for cause in change.causes if cause not in _INTERNAL_CAUSES)
    if is_ and not was:
        yield ArticleEvent(EventType.ARTICLE_PUBLISHED, change.article_id, at)
    elif is_:
        yield ArticleEvent(EventType.ARTICLE_UPDATED, change.article_id, at, changed=changed)
    elif was:
        yield ArticleEvent(EventType.ARTICLE_UNPUBLISHED, change.article_id, at, _reason(change, at))


def _reason(change: ArticleChange, at: dt.datetime) -> UnpublishReason:
    if change.status is None:
        return UnpublishReason.DELETED
    if change.status == "WITHDRAWN":
        return UnpublishReason.WITHDRAWN
    if change.after.start is not None and change.after.start <= at:
        return UnpublishReason.EXPIRED
    return UnpublishReason.UNPUBLISHED
