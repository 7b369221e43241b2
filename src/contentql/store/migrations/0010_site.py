"""Redirects of the reader's site, and the change log of external ids."""

from contentql.content.ids import new_id
from contentql.store.ddl import ChangeTriggers, DialectSql
from contentql.store.models.fields import TimestampField
from tortoise import fields, migrations
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [("content", "0009_scheduled_changes")]

    operations = [
        ops.CreateModel(
            name="Redirect",
            fields=[
                ("id", fields.BigIntField(primary_key=True, default=new_id, unique=True, db_index=True)),
                ("path", fields.CharField(unique=True, max_length=1000)),
                ("target_table", fields.CharField(null=True, max_length=40)),
                ("target_id", fields.BigIntField(null=True)),
                ("target_url", fields.CharField(null=True, max_length=2000)),
                ("status", fields.SmallIntField()),
                ("created_at", TimestampField(auto_now=False, auto_now_add=False)),
                ("created_by", fields.CharField(max_length=200)),
            ],
            options={
                "table": "redirect",
                "app": "content",
                "pk_attr": "id",
                "table_description": "Redirect of a path of the site to an object or to another path or URL.",
            },
            bases=["Model"],
        ),
        DialectSql(both=["CREATE INDEX redirect_target ON redirect (target_id) WHERE target_id IS NOT NULL"]),
        ChangeTriggers("Redirect", "ExternalId"),
    ]
