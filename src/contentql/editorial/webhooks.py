"""Webhooks: create, update, delete, replace the secret, send again."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any, Final
from urllib.parse import urlsplit

from contentql.auth.webhook_secrets import new_secret
from contentql.editorial.context import EditContext, Input, WriteResult
from contentql.editorial.user_errors import ErrorCollector, UserErrorCode, user_error
from contentql.public_addresses import check_receiver_url
from contentql.store.models.webhooks import (
    DeliveryState,
    Webhook,
    WebhookDelivery,
    WebhookEventType,
    WebhookKind,
)
from contentql.store.webhook_position import skip_to_present

MAX_WEBHOOKS: Final = 100
MAX_REPLAYED: Final = 500  # deliveries that one mutation can name
FORMER_SECRET_LIFE: Final = dt.timedelta(hours=24)
TEST_EVENT: Final = "webhook.test"


async def create_webhook(context: EditContext, input: Input) -> WriteResult:
    """Creates a webhook for all events from now on. Raises UserErrors."""
    if await Webhook.filter(kind=WebhookKind.WEBHOOK).count() >= MAX_WEBHOOKS:
        raise user_error(
            UserErrorCode.INVALID,
            f"There are {MAX_WEBHOOKS} webhooks already, as many as are allowed.",
            "url",
            "Delete one that is not used any more.",
        )
    types = input.get("eventTypes")
    values = _values(context, {**input, "eventTypes": list(WebhookEventType) if types is None else types})
    values.setdefault("name", (urlsplit(values["url"]).hostname or "")[:200])
    await skip_to_present(context.connection)
    secret = new_secret()
    row = await Webhook.create(
        kind=WebhookKind.WEBHOOK,
        secret=secret,
        enabled=True,
        created_at=context.now,
        created_by=context.name,
        **values,
    )
    return WriteResult("webhook", row.id, secret=secret)


async def update_webhook(context: EditContext, input: Input) -> WriteResult:
    row = await _row(context, input)
    values = _values(context, input)
    enabled = input.get("enabled")
    if enabled and not row.enabled:
        await skip_to_present(context.connection)
        values.update(disabled_reason=None, failing_since=None)
    if enabled is not None:
        values["enabled"] = enabled
    if values:
        await row.update_from_dict(values).save(update_fields=list(values))
    return WriteResult("webhook", row.id)


async def rotate_webhook_secret(context: EditContext, input: Input) -> WriteResult:
    """Replaces the secret; the former one is valid for FORMER_SECRET_LIFE unless it is to end now."""
    row = await _row(context, input)
    secret, keep = new_secret(), not input.get("immediately")
    await Webhook.filter(id=row.id).update(
        secret=secret,
        former_secret=row.secret if keep else None,
        former_secret_until=context.now + FORMER_SECRET_LIFE if keep else None,
    )
    return WriteResult("webhook", row.id, secret=secret)


async def delete_webhook(context: EditContext, input: Input) -> WriteResult:
    row = await _row(context, input)
    await row.delete()
    return WriteResult("webhook", row.id)


async def test_webhook(context: EditContext, input: Input) -> WriteResult:
    row = await _row(context, input)
    _require_enabled(row)
    await WebhookDelivery.create(
        webhook_id=row.id,
        message_id=f"msg_{uuid.uuid4().hex}",
        event_type=TEST_EVENT,
        at=context.now,
        data={},
        state=DeliveryState.PENDING,
        queued_at=context.now,
        next_attempt_at=context.now,
    )
    return WriteResult("webhook", row.id)


async def replay_webhook_deliveries(context: EditContext, input: Input) -> WriteResult:
    """Queues dead deliveries again, or those that the input names. Pending ones stay as they are."""
    row = await context.get_row("webhook", input["id"], hold=True)
    _require_enabled(row)
    texts = input.get("deliveries")
    if texts is not None and not 0 < len(texts) <= MAX_REPLAYED:
        raise user_error(
            UserErrorCode.TOO_LONG if texts else UserErrorCode.REQUIRED,
            f"deliveries must have 1 to {MAX_REPLAYED} ids.",
            "deliveries",
            "Leave deliveries out to replay all dead ones.",
        )
    rows = WebhookDelivery.filter(webhook_id=row.id)
    if texts is None:
        rows = rows.filter(state=DeliveryState.DEAD)
    else:
        named = [
            context.decode_id("webhook_delivery", text, f"deliveries.{n}") for n, text in enumerate(texts)
        ]
        known = {delivery.id for delivery in await rows.filter(id__in=named).only("id")}
        for n, id_ in enumerate(named):
            if id_ not in known:
                raise context.not_found("webhook_delivery", texts[n], f"deliveries.{n}")
        rows = rows.filter(id__in=named).exclude(state=DeliveryState.PENDING)
    if input.get("since") is not None:
        rows = rows.filter(at__gte=input["since"])
    replayed = await rows.update(
        state=DeliveryState.PENDING, attempts=0, queued_at=context.now, next_attempt_at=context.now
    )
    return WriteResult("webhook", row.id, payload={"replayed": replayed})


async def _row(context: EditContext, input: Input) -> Webhook:
    """The webhook of an input, locked. Raises UserErrors, also for a CDN of the settings."""
    row: Webhook = await context.get_row("webhook", input["id"], hold=True)
    if row.kind is WebhookKind.CDN:
        raise user_error(
            UserErrorCode.INVALID,
            "The CDN is part of the server's settings and cannot be changed here.",
            "id",
            "Inform the operator, who changes CONTENTQL_CDN.",
        )
    return row


def _require_enabled(row: Webhook) -> None:
    if not row.enabled:
        raise user_error(
            UserErrorCode.INVALID_TRANSITION,
            "The webhook is disabled.",
            "id",
            "Enable it with updateWebhook.",
        )


def _values(context: EditContext, input: Input) -> dict[str, Any]:
    """The columns that an input sets. Raises UserErrors with all fields that are not valid."""
    errors = ErrorCollector()
    values: dict[str, Any] = {}
    if (url := input.get("url")) is not None:
        try:
            check_receiver_url(url, context.webhook_networks)
        except ValueError as exc:
            errors.add(
                UserErrorCode.INVALID,
                f"The webhook cannot be sent there: {exc}.",
                "url",
                "Send an address such as https://example.org/hooks/contentql.",
            )
        values["url"] = url
    if (name := input.get("name")) is not None:
        if not name.strip() or len(name) > 200:
            errors.add(
                UserErrorCode.TOO_LONG if name.strip() else UserErrorCode.REQUIRED,
                "name must have 1 to 200 characters.",
                "name",
                "Name the system that receives the events.",
            )
        values["name"] = name.strip()
    if (types := input.get("eventTypes")) is not None:
        if not types:
            errors.add(
                UserErrorCode.REQUIRED,
                "eventTypes must not be an empty list.",
                "eventTypes",
                "Name at least one type, or disable the webhook.",
            )
        values["event_types"] = list(dict.fromkeys(WebhookEventType(type_).value for type_ in types))
    errors.raise_if_any()
    return values
