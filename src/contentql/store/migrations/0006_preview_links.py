"""Preview links, so that one can be revoked."""

from typing import Any

from contentql.store.models.fields import TimestampField
from contentql.store.ddl import DialectSql
from contentql.content.ids import new_id
from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.migrations import operations as ops


def to(model: str, column: str, null: bool = False) -> Any:
    options: Any = {"null": True} if null else {}
    return fields.ForeignKeyField(
        f"content.{model}",
        source_field=column,
        db_constraint=True,
        to_field="id",
        related_name=False,
        on_delete=OnDelete.CASCADE,
        **options,
    )


class Migration(migrations.Migration):
    dependencies = [("content", "0005_newsdesk")]

    operations = [
        ops.CreateModel(
            name="PreviewLink",
            fields=[
                ("id", fields.BigIntField(primary_key=True, default=new_id, unique=True, db_index=True)),
                ("article", to("Article", "article_id")),
                ("token", to("ApiToken", "token_id", null=True)),
                ("account", fields.CharField(max_length=200)),
                ("created_at", TimestampField(auto_now=False, auto_now_add=False)),
                ("created_by", fields.CharField(max_length=200)),
                ("expires_at", TimestampField(auto_now=False, auto_now_add=False)),
                ("revoked_at", TimestampField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "preview_link",
                "app": "content",
                "pk_attr": "id",
                "table_description": "Preview link of one article, which its signed token names by id.",
            },
            bases=["Model"],
        ),
        DialectSql(
            both=[
                "CREATE INDEX preview_link_article ON preview_link (article_id)",
                "CREATE INDEX preview_link_token ON preview_link (token_id)",
            ]
        ),
    ]
