"""Webhooks and their deliveries."""

from typing import Any

from contentql.store.models.fields import TimestampField, enum_constraint
from contentql.store.models.webhooks import DeliveryState, WebhookKind
from contentql.store.ddl import DialectSql, EnforceChecks
from contentql.content.ids import new_id
from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.migrations import operations as ops


def time(**options: Any) -> Any:
    return TimestampField(auto_now=False, auto_now_add=False, **options)


# Events begin with the changes after the migration.
BEGIN = (
    "INSERT INTO webhook_position (id, seq, change_seq, clock_until)"
    " SELECT 1, (SELECT coalesce(max(seq), 0) FROM article_log),"
    " (SELECT coalesce(max(seq), 0) FROM row_change), {now}"
)


class Migration(migrations.Migration):
    dependencies = [("content", "0014_live_entries")]

    operations = [
        ops.CreateModel(
            name="Webhook",
            fields=[
                ("id", fields.BigIntField(primary_key=True, default=new_id, unique=True, db_index=True)),
                ("kind", fields.CharEnumField(enum_type=WebhookKind, max_length=10)),
                ("name", fields.CharField(max_length=200)),
                ("url", fields.CharField(max_length=2000)),
                ("event_types", fields.JSONField(default=list)),
                ("secret", fields.CharField(max_length=100)),
                ("former_secret", fields.CharField(null=True, max_length=100)),
                ("former_secret_until", time(null=True)),
                ("enabled", fields.BooleanField()),
                ("disabled_reason", fields.TextField(null=True, unique=False)),
                ("failing_since", time(null=True)),
                ("created_at", time()),
                ("created_by", fields.CharField(max_length=200)),
            ],
            options={
                "table": "webhook",
                "app": "content",
                "constraints": [enum_constraint("kind", WebhookKind)],
                "pk_attr": "id",
                "table_description": "Receiver of events, or a CDN of the settings that is purged.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="WebhookDelivery",
            fields=[
                (
                    "id",
                    fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True),
                ),
                (
                    "webhook",
                    fields.ForeignKeyField(
                        "content.Webhook",
                        source_field="webhook_id",
                        db_constraint=True,
                        to_field="id",
                        related_name=False,
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("message_id", fields.CharField(max_length=64)),
                ("event_type", fields.CharField(max_length=60)),
                ("article_id", fields.BigIntField(null=True)),
                ("at", time()),
                ("data", fields.JSONField(default=dict)),
                ("state", fields.CharEnumField(enum_type=DeliveryState, max_length=10)),
                ("attempts", fields.IntField(default=0, db_default=0)),
                ("queued_at", time()),
                ("next_attempt_at", time(null=True)),
                ("last_attempt_at", time(null=True)),
                ("last_status", fields.SmallIntField(null=True)),
                ("last_error", fields.TextField(null=True, unique=False)),
            ],
            options={
                "table": "webhook_delivery",
                "app": "content",
                "constraints": [enum_constraint("state", DeliveryState)],
                "unique_together": (("webhook", "message_id"),),
                "pk_attr": "id",
                "table_description": "Event for one webhook, in the order of the ids.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="WebhookPosition",
            fields=[
                ("id", fields.IntField(primary_key=True, unique=True, db_index=True)),
                ("seq", fields.BigIntField()),
                ("change_seq", fields.BigIntField()),
                ("clock_until", time()),
            ],
            options={
                "table": "webhook_position",
                "app": "content",
                "pk_attr": "id",
                "table_description": "Up to where events were derived, in one row: rows of the two logs, and the time.",
            },
            bases=["Model"],
        ),
        EnforceChecks("Webhook", "WebhookDelivery"),
        DialectSql(
            both=[
                "CREATE INDEX webhook_delivery_due ON webhook_delivery (webhook_id, next_attempt_at, id)"
                " WHERE state = 'PENDING'",
                "CREATE INDEX webhook_delivery_order ON webhook_delivery (webhook_id, article_id, id)"
                " WHERE state = 'PENDING'",
                "CREATE INDEX webhook_delivery_dead ON webhook_delivery (webhook_id, id) WHERE state = 'DEAD'",
                "CREATE INDEX webhook_delivery_list ON webhook_delivery (webhook_id, id)",
                "CREATE INDEX webhook_delivery_age ON webhook_delivery (queued_at)",
            ],
            postgres=[BEGIN.format(now="date_trunc('second', now())")],
            sqlite=[BEGIN.format(now="strftime('%Y-%m-%dT%H:%M:%SZ', 'now')")],
        ),
    ]
