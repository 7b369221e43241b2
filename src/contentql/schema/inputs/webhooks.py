"""Webhooks."""

from __future__ import annotations

import strawberry

from contentql.schema.inputs.base import MutationInput, UpdateInput, optional, required
from contentql.schema.scalars import DateTime
from contentql.store.models.webhooks import WebhookEventType

_URL = '"https://example.org/hooks/contentql"'
_TYPES = "[ARTICLE_PUBLISHED, ARTICLE_UNPUBLISHED]"


@strawberry.input(description="A new webhook.")
class CreateWebhookInput(MutationInput):
    url: str = required("URL that events are sent to: https, without credentials.", _URL)
    name: str | None = optional("System that receives the events; the host by default.", '"Public site"')
    event_types: list[WebhookEventType] | None = optional(
        "Types of the events that are sent; all by default.", _TYPES
    )


@strawberry.input(description="Update of a webhook.")
class UpdateWebhookInput(UpdateInput):
    url: str | None = optional("URL that events are sent to.", _URL)
    name: str | None = optional("System that receives the events.", '"Public site"')
    event_types: list[WebhookEventType] | None = optional("Types of the events that are sent.", _TYPES)
    enabled: bool | None = optional(
        "Whether events are sent. While a webhook is disabled, it gets no new events; those that were queued"
        " before wait until it is enabled.",
        "true",
    )


@strawberry.input(description="Replacement of the secret of a webhook.")
class RotateWebhookSecretInput(UpdateInput):
    immediately: bool | None = optional(
        "Whether the former secret ends now. By default requests are signed with both for 24 hours.", "false"
    )


@strawberry.input(description="Replay of deliveries of a webhook.")
class ReplayWebhookDeliveriesInput(UpdateInput):
    deliveries: list[strawberry.ID] | None = optional(
        "Deliveries to repeat, dead or successful; at most 500. By default all dead ones.", '["whd_4711"]'
    )
    since: DateTime | None = optional(
        "Only deliveries of events at or after this time.", '"2026-06-30T08:00:00Z"'
    )
