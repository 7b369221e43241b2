"""Webhooks and their deliveries."""

from __future__ import annotations

import strawberry

from contentql.planner.field_plans import Column
from contentql.schema import relations
from contentql.schema.connections import Connection
from contentql.schema.fields import (
    PAGE_ARGUMENTS,
    argument_field,
    column_field,
    filter_argument,
    table_type,
)
from contentql.schema.filters import WebhookDeliveryFilter  # noqa: F401 - resolved in this module
from contentql.schema.scalars import DateTime
from contentql.schema.values import Node
from contentql.store.models.webhooks import DeliveryState, WebhookEventType, WebhookKind


@table_type("webhook_delivery", "An event for one webhook.")
class WebhookDelivery(Node):
    id: strawberry.ID = column_field("Global id of the delivery.", '"whd_4711"')
    message_id: str = column_field(
        "Id of the event, the header `webhook-id`: the same in every attempt and for every webhook.",
        '"msg_5f0c9a61b2d4"',
    )
    event_type: str = column_field("Type of the event.", '"article.published"')
    article_id: strawberry.ID | None = column_field(
        "Global id of the article; null for an event of no article.",
        '"art_90817263545"',
        Column("article_id", "id", "article"),
    )
    occurred_at: DateTime = column_field("Time of the event.", '"2026-06-30T08:00:00Z"', Column("at"))
    state: DeliveryState = column_field("State of the delivery.", "DELIVERED")
    attempts: int = column_field("Number of attempts since the event or its replay.", "1")
    queued_at: DateTime = column_field(
        "Time at which the delivery was queued, or replayed.", '"2026-06-30T08:00:00Z"'
    )
    next_attempt_at: DateTime | None = column_field(
        "Time of the next attempt; null if there is none.", '"2026-06-30T08:00:05Z"'
    )
    last_attempt_at: DateTime | None = column_field(
        "Time of the last attempt; null if there was none.", '"2026-06-30T08:00:00Z"'
    )
    last_status: int | None = column_field("HTTP status of the last attempt; null without a response.", "503")
    last_error: str | None = column_field(
        "Reason for which the last attempt failed; null if it did not.",
        '"The receiver responded with status 503."',
    )


@table_type("webhook", "A receiver of events. Its secret is returned only when it is created or rotated.")
class Webhook(Node):
    id: strawberry.ID = column_field("Global id of the webhook.", '"whk_6677889900"')
    kind: WebhookKind = column_field("Whether it is a webhook, or a CDN of the settings.", "WEBHOOK")
    name: str = column_field("System that receives the events.", '"Public site"')
    url: str = column_field("URL that events are sent to.", '"https://example.org/hooks/contentql"')
    event_types: list[WebhookEventType] = column_field("Types of the events that are sent.", "[]")
    enabled: bool = column_field("True if events are sent.", "true")
    disabled_reason: str | None = column_field(
        "Reason for which it was disabled without a person; null if it was not.",
        '"The receiver responded with status 410: it wants no more events."',
    )
    failing_since: DateTime | None = column_field(
        "Time of the first failed attempt after the last successful one; null if the last one succeeded.",
        '"2026-06-30T08:00:00Z"',
    )
    former_secret_until: DateTime | None = column_field(
        "Time until which requests are signed with the former secret, too; null if there is none.",
        '"2026-07-01T08:00:00Z"',
    )
    created_at: DateTime = column_field("Time of the creation.", '"2026-06-30T08:00:00Z"')
    created_by: str = column_field("Name of the creator.", '"Jane Doe"')
    deliveries: Connection[WebhookDelivery] = argument_field(
        "Deliveries, the newest first. Successful ones are kept for 7 days, dead ones for 30.",
        "Connection[WebhookDelivery]",
        relations.WEBHOOK_DELIVERIES,
        [filter_argument("WebhookDelivery"), *PAGE_ARGUMENTS],
        module=__name__,
    )
