"""Editorial tables: tokens, revisions, audit log, working copies, withdrawals, former paths."""

from typing import Any

from contentql.store.models.fields import TimestampField
from contentql.store.ddl import AppendOnly, DialectSql, ChangeTriggers, UniqueTogether
from contentql.store.models.history import RevisionAction
from contentql.content.ids import new_id
from orjson import loads
from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.fields.data import JSON_DUMPS
from tortoise.migrations import operations as ops


def own_id() -> Any:
    return fields.BigIntField(primary_key=True, default=new_id, unique=True, db_index=True)


def instant(null: bool = False) -> Any:
    options: Any = {"null": null, "auto_now": False, "auto_now_add": False}
    return TimestampField(**options)


def text(null: bool = False) -> Any:
    return fields.TextField(null=null, unique=False)


def json(**options: Any) -> Any:
    return fields.JSONField(encoder=JSON_DUMPS, decoder=loads, **options)


def to(model: str) -> Any:
    column = f"{model.lower()}_id"
    return fields.ForeignKeyField(
        f"content.{model}",
        source_field=column,
        db_constraint=True,
        to_field="id",
        related_name=False,
        on_delete=OnDelete.CASCADE,
    )


class Migration(migrations.Migration):
    dependencies = [("content", "0004_documents")]

    operations = [
        ops.CreateModel(
            name="ApiToken",
            fields=[
                ("id", own_id()),
                ("account", fields.CharField(max_length=200)),
                ("name", fields.CharField(max_length=200)),
                ("role", fields.CharField(max_length=20)),
                ("scopes", json(default=list)),
                ("hash", fields.CharField(unique=True, max_length=64)),
                ("hint", fields.CharField(max_length=8)),
                ("created_at", instant()),
                ("created_by", fields.CharField(max_length=200)),
                ("expires_at", instant(null=True)),
                ("last_used_at", instant(null=True)),
                ("revoked_at", instant(null=True)),
            ],
            options={
                "table": "token",
                "app": "content",
                "pk_attr": "id",
                "table_description": "API token, of which only the hash is stored.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="SigningKey",
            fields=[
                ("id", fields.CharField(primary_key=True, unique=True, db_index=True, max_length=40)),
                ("value", fields.CharField(max_length=200)),
                ("created_at", instant()),
            ],
            options={
                "table": "signing_key",
                "app": "content",
                "pk_attr": "id",
                "table_description": "Signing key shared by all workers. `id` names its purpose.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Revision",
            fields=[
                ("id", own_id()),
                ("article", to("Article")),
                ("version", fields.IntField()),
                ("at", instant()),
                ("account", fields.CharField(max_length=200)),
                ("by", fields.CharField(max_length=200)),
                ("action", fields.CharEnumField(enum_type=RevisionAction, max_length=16)),
                ("minor", fields.BooleanField(db_default=False)),
                ("reason", text(null=True)),
                ("field_texts", json()),
                ("record", json()),
            ],
            options={
                "table": "revision",
                "app": "content",
                "unique_together": (("article", "version"),),
                "pk_attr": "id",
                "table_description": "Saved state of an article.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="AuditEntry",
            fields=[
                ("id", own_id()),
                ("at", instant()),
                ("account", fields.CharField(max_length=200)),
                ("by", fields.CharField(max_length=200)),
                ("role", fields.CharField(max_length=20)),
                ("action", fields.CharField(max_length=60)),
                ("target_id", fields.CharField(null=True, max_length=40)),
                ("before", fields.IntField(null=True)),
                ("after", fields.IntField(null=True)),
                ("reason", text(null=True)),
                ("address", fields.CharField(null=True, max_length=64)),
                ("client", fields.CharField(null=True, max_length=200)),
                ("request_id", fields.CharField(max_length=64)),
            ],
            options={
                "table": "audit_entry",
                "app": "content",
                "pk_attr": "id",
                "table_description": "Entry of the audit log: who did what to which object, and from where.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="IdempotencyRecord",
            fields=[
                ("id", own_id()),
                ("account", fields.CharField(max_length=200)),
                ("key", fields.CharField(max_length=200)),
                ("request_hash", fields.CharField(max_length=64)),
                ("selection_hash", fields.CharField(max_length=64)),
                ("response", text()),
                ("at", instant()),
            ],
            options={
                "table": "idempotency_record",
                "app": "content",
                "unique_together": (("account", "key"),),
                "pk_attr": "id",
                "table_description": "Response to a mutation sent with an idempotency key, returned again when the request is repeated.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="PathHistory",
            fields=[
                ("id", own_id()),
                ("category", to("Category")),
                ("path", fields.CharField(unique=True, max_length=1000)),
                ("until", instant()),
            ],
            options={
                "table": "path_history",
                "app": "content",
                "pk_attr": "id",
                "table_description": "Former path of a section, so that old links can be redirected.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Withdrawal",
            fields=[
                (
                    "article",
                    fields.OneToOneField(
                        "content.Article",
                        source_field="article_id",
                        primary_key=True,
                        db_index=True,
                        db_constraint=True,
                        to_field="id",
                        related_name=False,
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("language", fields.CharField(max_length=35)),
                ("slug", fields.CharField(max_length=200)),
                ("notice", text()),
                ("at", instant()),
            ],
            options={
                "table": "withdrawal",
                "app": "content",
                "pk_attr": "article_id",
                "table_description": "Notice shown at the slug of a withdrawn article.",
            },
            bases=["Model"],
        ),
        ops.AddField(model_name="Article", name="owner", field=fields.CharField(null=True, max_length=200)),
        ops.AddField(model_name="Article", name="working_of", field=fields.BigIntField(db_default=0)),
        UniqueTogether("Article", ("language", "slug", "working_of"), ("uri", "working_of"), plain=["uri"]),
        ops.AddField(
            model_name="Attribution", name="span_orphaned", field=fields.BooleanField(db_default=False)
        ),
        ops.AddField(model_name="Attribution", name="working_of", field=fields.BigIntField(db_default=0)),
        DialectSql(
            both=[
                "CREATE INDEX article_working ON article (working_of) WHERE working_of <> 0",
                "CREATE INDEX attribution_working ON attribution (working_of) WHERE working_of <> 0",
                "CREATE INDEX article_owner ON article (owner) WHERE owner IS NOT NULL",
                "CREATE INDEX audit_entry_latest ON audit_entry (at DESC, id DESC)",
                "CREATE INDEX audit_entry_target ON audit_entry (target_id, id DESC)",
                "CREATE INDEX correction_latest ON correction (at DESC, id DESC)",
                "CREATE INDEX idempotency_record_at ON idempotency_record (at)",
                "CREATE INDEX path_history_category ON path_history (category_id)",
                "CREATE INDEX withdrawal_slug ON withdrawal (slug)",
            ],
        ),
        AppendOnly("audit_entry", "revision"),
        ChangeTriggers("Article", "Attribution", "PathHistory", "Withdrawal"),
    ]
