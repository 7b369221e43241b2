"""Derives events from the changes and the clock, and queues a delivery of each for every webhook.

The rows of the logs are written in the transaction of the change, so they are the outbox. What is derived
from them, and the position up to which that was done, is one transaction: after a crash no event is lost and
none is made twice. One process at a time calls `advance`; see `store/worker_lock.py`.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from contentql.content.ids import encode_id
from contentql.events.article_events import ArticleEvent, Interval, article_events
from contentql.events.change_reader import OPEN_ARTICLE, ChangeReader
from contentql.planner.sql import dialect_for
from contentql.store.database import Database, decode_text
from contentql.store.models.webhooks import (
    DeliveryState,
    Webhook,
    WebhookDelivery,
    WebhookKind,
    WebhookPosition,
)

PURGE_EVENT: Final = "cache.purge"
_MAX_DELIVERIES: Final = 5_000  # of one transaction, about
_MIN_CHANGES: Final = 200
# Other servers read the time of the database up to a round trip later: nothing is announced as public before
# they show it.
CLOCK_MARGIN: Final = dt.timedelta(milliseconds=200)
_SECONDS: Final = 30.0  # time limit of a transaction


class Outbox:
    """Events of one database. `tags_per_purge`: the number of tags that one request to the CDN may have."""

    def __init__(self, database: Database, now: Callable[[], dt.datetime], tags_per_purge: int = 1) -> None:
        self._database, self._now, self._tags_per_purge = database, now, tags_per_purge
        self._dialect = dialect_for(database)

    async def is_current(self) -> bool:
        """True if there is nothing to derive an event from, or no webhook for it."""
        until = self._clock_time()
        limit = self._dialect.param(1, "time")
        boundaries = " OR ".join(
            f"EXISTS (SELECT 1 FROM {table} WHERE {column} > p.clock_until AND {column} <= {limit}{rule})"
            for table, column, rule in (
                ("article", "published_at", f" AND {OPEN_ARTICLE}"),
                ("article", "embargo_until", f" AND {OPEN_ARTICLE}"),
                ("article", "expires_at", f" AND {OPEN_ARTICLE}"),
                ("media", "expires_at", ""),
            )
        )
        (has_news,) = await self._database.row(
            "SELECT CASE WHEN NOT EXISTS (SELECT 1 FROM webhook WHERE enabled) THEN 0"
            " WHEN (SELECT max(seq) FROM article_log) > p.seq THEN 1"
            " WHEN EXISTS (SELECT 1 FROM webhook WHERE enabled AND kind = 'CDN')"
            " AND (SELECT max(seq) FROM row_change) > p.change_seq THEN 1"
            f" WHEN {boundaries} THEN 1 ELSE 0 END FROM webhook_position p WHERE p.id = 1",
            [self._dialect.bind("time", until)],
        )
        return not has_news

    async def advance(self) -> bool:
        """Queues the events of the next changes, in one transaction. Returns True if more may follow.

        Raises ApiError as `Database.transaction` does.
        """
        async with self._database.transaction(_SECONDS) as connection:
            if self._database.dialect == "postgres":
                # The logs and the articles must be read as they are at one moment.
                await connection.execute_query("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            reader = ChangeReader(connection, self._dialect)
            position = await WebhookPosition.get(id=1)
            webhooks = await Webhook.filter(enabled=True).order_by("id")
            if not webhooks:
                return False
            limit = max(_MIN_CHANGES, _MAX_DELIVERIES // len(webhooks))
            changes, seq = await reader.article_changes(min(position.seq, await _last_seq(connection)), limit)
            since = position.clock_until
            more = len(changes) == limit
            # Before all changes are read, the present state of the articles is ahead of them.
            until = since if more else self._until(since, [change.at for change in changes])
            intervals: Mapping[int, Interval] = {}
            events: list[ArticleEvent] = []
            if not more:
                boundary = await reader.boundary(since, until, limit)
                more, until = boundary is not None, boundary or until
                intervals = await reader.intervals(since, until)
                events += await reader.expired_media(since, until)
            events += article_events(changes, intervals, since, until)
            events.sort(key=lambda event: event.at)
            change_seq = position.change_seq
            tags: Sequence[str] = ()
            if any(webhook.kind is WebhookKind.CDN for webhook in webhooks):
                tags, change_seq = await reader.changed_tags(change_seq, events)
            now = self._now().replace(microsecond=0)
            await WebhookDelivery.bulk_create(
                [*_deliveries(webhooks, events, now), *self._purges(webhooks, tags, now)]
            )
            await WebhookPosition.filter(id=1).update(seq=seq, change_seq=change_seq, clock_until=until)
        return more

    def _clock_time(self) -> dt.datetime:
        return (self._now() - CLOCK_MARGIN).replace(microsecond=0)

    def _until(self, since: dt.datetime, times: Sequence[dt.datetime]) -> dt.datetime:
        """The time up to which events are derived: that of the clock, or of the last change."""
        latest = min(max(times, default=since), self._now().replace(microsecond=0))
        return max(since, self._clock_time(), latest)

    def _purges(
        self, webhooks: Sequence[Webhook], tags: Sequence[str], now: dt.datetime
    ) -> list[WebhookDelivery]:
        size = self._tags_per_purge
        return [
            _delivery(webhook, new_message_id(), PURGE_EVENT, now, now, {"tags": list(tags[n : n + size])})
            for webhook in webhooks
            if webhook.kind is WebhookKind.CDN
            for n in range(0, len(tags), size)
        ]


async def _last_seq(connection: Any) -> int:
    """Position of the last row of the article log; smaller than one of an earlier log after a restore."""
    (row,) = await connection.execute_query_dict("SELECT coalesce(max(seq), 0) AS seq FROM article_log")
    return int(row["seq"])


def new_message_id() -> str:
    return f"msg_{uuid.uuid4().hex}"


def _deliveries(
    webhooks: Sequence[Webhook], events: Sequence[ArticleEvent], now: dt.datetime
) -> list[WebhookDelivery]:
    rows = []
    for event in events:
        message_id = new_message_id()
        data = {
            "id": encode_id("article", event.article_id),
            "reason": event.reason,
            "changed": list(event.changed),
        }
        rows += [
            _delivery(webhook, message_id, event.type, event.at, now, data, event.article_id)
            for webhook in webhooks
            if webhook.kind is WebhookKind.WEBHOOK and event.type.name in webhook.event_types
        ]
    return rows


def _delivery(
    webhook: Webhook,
    message_id: str,
    event_type: str,
    at: dt.datetime,
    now: dt.datetime,
    data: Mapping[str, Any],
    article_id: int | None = None,
) -> WebhookDelivery:
    return WebhookDelivery(
        webhook_id=webhook.id,
        message_id=message_id,
        event_type=event_type,
        article_id=article_id,
        at=at,
        data=data,
        state=DeliveryState.PENDING,
        queued_at=now,
        next_attempt_at=now,
    )


def parse_time(value: Any) -> dt.datetime | None:
    """A time as readers of either database return it."""
    text = decode_text(value)
    return dt.datetime.fromisoformat(text) if isinstance(text, str) else text
