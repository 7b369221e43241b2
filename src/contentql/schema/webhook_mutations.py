"""Mutations of webhooks."""

from __future__ import annotations

import strawberry

from contentql.auth.permissions import Permission
from contentql.editorial import webhooks
from contentql.schema.inputs.base import UpdateInput
from contentql.schema.inputs.webhooks import (
    CreateWebhookInput,
    ReplayWebhookDeliveriesInput,
    RotateWebhookSecretInput,
    UpdateWebhookInput,
)
from contentql.schema.mutation_field import DELETED_ID, mutation_field
from contentql.schema.payloads import (
    DeletionPayload,
    ReplayPayload,
    WebhookPayload,
    WebhookSecretPayload,
)

_ID = 'id: "whk_6677889900"'


@strawberry.type
class WebhookMutations:
    create_webhook: WebhookSecretPayload | None = mutation_field(
        "Creates a webhook, which gets the events from now on. The secret is returned only once.",
        input=CreateWebhookInput,
        payload=WebhookSecretPayload,
        permission=Permission.ADMIN,
        resolver=webhooks.create_webhook,
        example='url: "https://example.org/hooks/contentql"',
        selection="secret",
    )
    update_webhook: WebhookPayload | None = mutation_field(
        "Updates, enables or disables a webhook.",
        input=UpdateWebhookInput,
        payload=WebhookPayload,
        permission=Permission.ADMIN,
        resolver=webhooks.update_webhook,
        example=f"{_ID}, enabled: true",
    )
    rotate_webhook_secret: WebhookSecretPayload | None = mutation_field(
        "Replaces the secret of a webhook. The new one is returned only once.",
        input=RotateWebhookSecretInput,
        payload=WebhookSecretPayload,
        permission=Permission.ADMIN,
        resolver=webhooks.rotate_webhook_secret,
        example=_ID,
        selection="secret",
    )
    delete_webhook: DeletionPayload | None = mutation_field(
        "Deletes a webhook with all of its deliveries.",
        input=UpdateInput,
        payload=DeletionPayload,
        permission=Permission.ADMIN,
        resolver=webhooks.delete_webhook,
        example=_ID,
        selection=DELETED_ID,
    )
    test_webhook: WebhookPayload | None = mutation_field(
        "Queues an event of the type `webhook.test` for a webhook.",
        input=UpdateInput,
        payload=WebhookPayload,
        permission=Permission.ADMIN,
        resolver=webhooks.test_webhook,
        example=_ID,
    )
    replay_webhook_deliveries: ReplayPayload | None = mutation_field(
        "Queues deliveries of a webhook again, with the same ids.",
        input=ReplayWebhookDeliveriesInput,
        payload=ReplayPayload,
        permission=Permission.ADMIN,
        resolver=webhooks.replay_webhook_deliveries,
        example=_ID,
        selection="replayed",
    )
