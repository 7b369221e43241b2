"""Trusted documents: GraphQL texts by the id that clients send, and their usage counts."""

from contentql.store.models.fields import TimestampField
from contentql.store.ddl import DialectSql
from tortoise import fields, migrations
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [("content", "0003_changes")]

    operations = [
        ops.CreateModel(
            name="TrustedDocument",
            fields=[
                ("id", fields.CharField(primary_key=True, unique=True, db_index=True, max_length=128)),
                ("sha256", fields.CharField(max_length=64)),
                ("name", fields.TextField(null=True, unique=False)),
                ("text", fields.TextField(unique=False)),
                ("client", fields.TextField(null=True, unique=False)),
                ("cost", fields.IntField(null=True)),
                ("uses", fields.BigIntField(db_default=0)),
                ("added_at", TimestampField(auto_now=False, auto_now_add=False)),
                ("last_used_at", TimestampField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "trusted_document",
                "app": "content",
                "pk_attr": "id",
                "table_description": "Trusted document: a GraphQL text with the `id` that clients send.",
            },
            bases=["Model"],
        ),
        DialectSql(both=["CREATE INDEX trusted_document_sha256 ON trusted_document (sha256)"]),
    ]
