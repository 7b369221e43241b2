"""Queue of deliveries: which are due, and what became of an attempt.

A delivery of an article waits until the earlier ones of that article to the same webhook are delivered or
dead.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson
from tortoise.expressions import Q

from contentql.content.ids import encode_id
from contentql.events.http_client import AttemptResult
from contentql.events.outbox import parse_time
from contentql.events.retries import MAX_AGE, NextStep, next_step
from contentql.planner.sql import dialect_for
from contentql.store.database import Database, decode_text
from contentql.store.models.webhooks import DeliveryState, Webhook, WebhookDelivery

log = logging.getLogger("contentql")

DELIVERED_DAYS: Final = 7  # for which successful deliveries are kept
DEAD_DAYS: Final = 30  # for which dead ones are kept
_SWEEP_AGE: Final = MAX_AGE + dt.timedelta(hours=12)  # after which nothing of an enabled webhook is pending
_PRUNED_AT_ONCE: Final = 5_000
_SECONDS: Final = 5.0
_DUE_PER_WEBHOOK: Final = 8

_COLUMNS: Final = (
    "id", "webhook_id", "message_id", "event_type", "article_id", "at", "data", "attempts", "queued_at",
    "kind", "url", "failing_since", "secret", "former_secret", "former_secret_until",
)  # fmt: skip
# The first deliveries that are due of one webhook, without those that wait for an earlier one.
_FIRST_DUE = (
    "SELECT {columns} FROM webhook_delivery e WHERE e.webhook_id = w.id AND e.state = 'PENDING'"
    " AND e.next_attempt_at <= {now} AND NOT EXISTS (SELECT 1 FROM webhook_delivery f"
    " WHERE f.webhook_id = e.webhook_id AND f.article_id = e.article_id AND f.state = 'PENDING'"
    f" AND f.id < e.id) ORDER BY e.next_attempt_at, e.id LIMIT {_DUE_PER_WEBHOOK}"
)
# SQLite has no lateral joins, and PostgreSQL would evaluate the condition of the other one for every row.
_JOIN_DUE = {
    "postgres": f"CROSS JOIN LATERAL ({_FIRST_DUE.replace('{columns}', 'e.*')}) d",
    "sqlite": f"JOIN webhook_delivery d ON d.id IN ({_FIRST_DUE.replace('{columns}', 'e.id')})",
}
_DUE = (
    "SELECT d.id, d.webhook_id, d.message_id, d.event_type, d.article_id, d.at, CAST(d.data AS text),"
    " d.attempts, d.queued_at, w.kind, w.url, w.failing_since, w.secret, w.former_secret,"
    " w.former_secret_until FROM webhook w {join} WHERE w.enabled ORDER BY d.next_attempt_at, d.id"
)


@dataclass(frozen=True)
class Delivery:
    """A delivery that is due, with what its webhook needs to send it. `attempts`: earlier ones."""

    id: int
    webhook_id: int
    message_id: str
    event_type: str
    article_id: int | None
    at: dt.datetime
    data: Mapping[str, Any]
    attempts: int
    queued_at: dt.datetime
    kind: str
    url: str
    secrets: tuple[str, ...]
    failing_since: dt.datetime | None


class DeliveryQueue:
    """Deliveries of one database."""

    def __init__(self, database: Database, now: Callable[[], dt.datetime]) -> None:
        self._database, self._now = database, now
        self._dialect = dialect_for(database)

    async def due(self) -> list[Delivery]:
        """Deliveries that may be sent now, some of each webhook, the longest due first."""
        now = self._now()
        join = _JOIN_DUE[self._database.dialect].format(now=self._dialect.param(1, "time"))
        rows = await self._database.rows(_DUE.format(join=join), [self._dialect.bind("time", now)])
        return [_delivery(row, now) for row in rows]

    async def next_due_at(self) -> dt.datetime | None:
        """The time of the next attempt after now, None if there is none."""
        (value,) = await self._database.row(
            "SELECT min((SELECT min(d.next_attempt_at) FROM webhook_delivery d WHERE d.webhook_id = w.id"
            f" AND d.state = 'PENDING' AND d.next_attempt_at > {self._dialect.param(1, 'time')}))"
            " FROM webhook w WHERE w.enabled",
            [self._dialect.bind("time", self._now())],
        )
        return parse_time(value)

    async def counts(self) -> tuple[int, int]:
        """The numbers of pending and of dead deliveries."""
        pending, dead = await self._database.row(
            "SELECT (SELECT count(*) FROM webhook_delivery WHERE state = 'PENDING'),"
            " (SELECT count(*) FROM webhook_delivery WHERE state = 'DEAD')",
            (),
        )
        return pending, dead

    async def record(self, delivery: Delivery, result: AttemptResult) -> NextStep:
        """Stores the result of an attempt. Raises ApiError as `Database.transaction` does."""
        now = self._now().replace(microsecond=0)
        step = next_step(
            result,
            attempts=delivery.attempts + 1,
            queued_at=delivery.queued_at,
            failing_since=delivery.failing_since,
            now=now,
        )
        state = DeliveryState.DELIVERED if step.delivered else DeliveryState.PENDING
        if not step.delivered and step.delay is None:
            state = DeliveryState.DEAD
        async with self._database.transaction(_SECONDS):
            await WebhookDelivery.filter(
                id=delivery.id, state=DeliveryState.PENDING, attempts=delivery.attempts
            ).update(
                state=state,
                attempts=delivery.attempts + 1,
                last_attempt_at=now,
                last_status=result.status,
                last_error=result.error or None,
                next_attempt_at=None if step.delay is None else now + dt.timedelta(seconds=step.delay),
            )
            webhook = Webhook.filter(id=delivery.webhook_id)
            if step.delivered:
                await webhook.filter(failing_since__isnull=False).update(failing_since=None)
            elif step.disable_reason:
                await webhook.update(
                    enabled=False,
                    disabled_reason=step.disable_reason,
                    failing_since=delivery.failing_since or now,
                )
            elif delivery.failing_since is None:
                await webhook.filter(failing_since__isnull=True).update(failing_since=now)
        _log(delivery, result, step, state)
        return step

    async def prune(self) -> None:
        """Deletes old deliveries, and ends those that were not sent because their webhook failed too long."""
        now = self._now().replace(microsecond=0)
        async with self._database.transaction(_SECONDS):
            enabled = [webhook.id for webhook in await Webhook.filter(enabled=True)]
            late = WebhookDelivery.filter(
                webhook_id__in=enabled, state=DeliveryState.PENDING, queued_at__lt=now - _SWEEP_AGE
            )
            await late.update(
                state=DeliveryState.DEAD,
                next_attempt_at=None,
                last_error="The webhook failed until the time for attempts had passed.",
            )
            delivered = Q(
                state=DeliveryState.DELIVERED, queued_at__lt=now - dt.timedelta(days=DELIVERED_DAYS)
            )
            others = Q(queued_at__lt=now - dt.timedelta(days=DEAD_DAYS))
            rows = WebhookDelivery.filter(delivered | others).order_by("queued_at").limit(_PRUNED_AT_ONCE)
            old = [row.id for row in await rows.only("id")]
            for start in range(0, len(old), 500):
                await WebhookDelivery.filter(id__in=old[start : start + 500]).delete()


def _log(delivery: Delivery, result: AttemptResult, step: NextStep, state: DeliveryState) -> None:
    webhook = encode_id("webhook", delivery.webhook_id)
    if state is DeliveryState.DEAD:
        log.warning("Delivery %s to %s failed for good: %s", delivery.message_id, webhook, result.error)
    if step.disable_reason:
        log.error("The webhook %s was disabled. %s", webhook, step.disable_reason)


def _delivery(row: Sequence[Any], now: dt.datetime) -> Delivery:
    values = dict(zip(_COLUMNS, map(decode_text, row), strict=True))
    for column in ("at", "queued_at", "former_secret_until", "failing_since"):
        values[column] = parse_time(values[column])
    secret, former, until = (
        values.pop(column) for column in ("secret", "former_secret", "former_secret_until")
    )
    values["secrets"] = (secret, former) if former and until and until > now else (secret,)
    return Delivery(**{**values, "data": orjson.loads(values["data"])})
