"""Webhooks, their deliveries, and how far events were derived from the changes."""

from __future__ import annotations

from enum import Enum
from typing import Any

from tortoise import fields
from tortoise.fields.base import OnDelete
from tortoise.models import Model

from contentql.store.models.fields import TimestampField, enum_constraint, foreign_key_field, id_field


class WebhookKind(str, Enum):
    WEBHOOK = "WEBHOOK"
    CDN = "CDN"


class WebhookEventType(str, Enum):
    ARTICLE_PUBLISHED = "ARTICLE_PUBLISHED"
    ARTICLE_UPDATED = "ARTICLE_UPDATED"
    ARTICLE_UNPUBLISHED = "ARTICLE_UNPUBLISHED"


class DeliveryState(str, Enum):
    PENDING = "PENDING"
    DELIVERED = "DELIVERED"
    DEAD = "DEAD"


class Webhook(Model):
    """Receiver of events, or a CDN of the settings that is purged.

    `secret` signs requests, and `former_secret` as well until `former_secret_until`. `failing_since` is the
    time of the first failed attempt after the last successful one.
    """

    id = id_field()
    kind = fields.CharEnumField(WebhookKind, max_length=10)
    name = fields.CharField(max_length=200)
    url = fields.CharField(max_length=2000)
    event_types: Any = fields.JSONField(default=list)
    secret = fields.CharField(max_length=100)
    former_secret = fields.CharField(max_length=100, null=True)
    former_secret_until = TimestampField(null=True)
    enabled = fields.BooleanField()
    disabled_reason = fields.TextField(null=True)
    failing_since = TimestampField(null=True)
    created_at = TimestampField()
    created_by = fields.CharField(max_length=200)

    class Meta:
        table = "webhook"
        constraints = (enum_constraint("kind", WebhookKind),)


class WebhookDelivery(Model):
    """Event for one webhook, in the order of the ids.

    `message_id` is the same in every attempt and for every webhook. `data` has what the request says besides
    the article itself, which is read when it is sent. `queued_at` is the time of the creation or of the
    replay.
    """

    id = fields.BigIntField(primary_key=True)
    webhook = foreign_key_field("Webhook", OnDelete.CASCADE)
    message_id = fields.CharField(max_length=64)
    event_type = fields.CharField(max_length=60)
    article_id = fields.BigIntField(null=True)
    at = TimestampField()
    data: Any = fields.JSONField(default=dict)
    state = fields.CharEnumField(DeliveryState, max_length=10)
    attempts = fields.IntField(db_default=0)
    queued_at = TimestampField()
    next_attempt_at = TimestampField(null=True)
    last_attempt_at = TimestampField(null=True)
    last_status = fields.SmallIntField(null=True)
    last_error = fields.TextField(null=True)

    class Meta:
        table = "webhook_delivery"
        constraints = (enum_constraint("state", DeliveryState),)
        unique_together = (("webhook", "message_id"),)


class WebhookPosition(Model):
    """Up to where events were derived, in one row: rows of the two logs, and the time.

    `seq` is that of `article_log`, `change_seq` that of `row_change`. Changes by the clock up to
    `clock_until` have their events.
    """

    id = fields.IntField(primary_key=True, generated=False)
    seq = fields.BigIntField()
    change_seq = fields.BigIntField()
    clock_until = TimestampField()

    class Meta:
        table = "webhook_position"
