"""Changes of published articles that are published at a time."""

from typing import Any

from contentql.store.models.fields import TimestampField
from contentql.store.ddl import DialectSql
from contentql.content.ids import new_id
from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.migrations import operations as ops


def time() -> Any:
    return TimestampField(auto_now=False, auto_now_add=False)


class Migration(migrations.Migration):
    dependencies = [("content", "0008_rich_text")]

    operations = [
        ops.CreateModel(
            name="ScheduledChange",
            fields=[
                ("id", fields.BigIntField(primary_key=True, default=new_id, unique=True, db_index=True)),
                (
                    "article",
                    fields.ForeignKeyField(
                        "content.Article",
                        source_field="article_id",
                        db_constraint=True,
                        to_field="id",
                        related_name=False,
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("at", time()),
                ("version", fields.IntField()),
                ("copy_version", fields.IntField()),
                ("minor", fields.BooleanField(default=False, db_default=False)),
                ("reason", fields.TextField(null=True, unique=False)),
                ("account", fields.CharField(max_length=200)),
                ("by", fields.CharField(max_length=200)),
                ("role", fields.CharField(max_length=20)),
                ("created_at", time()),
            ],
            options={
                "table": "scheduled_change",
                "app": "content",
                "pk_attr": "id",
                "table_description": "Change of a published article that is published at the time `at`.",
            },
            bases=["Model"],
        ),
        DialectSql(
            both=[
                "CREATE INDEX scheduled_change_at ON scheduled_change (at, id)",
                "CREATE INDEX scheduled_change_article ON scheduled_change (article_id, at)",
            ]
        ),
    ]
