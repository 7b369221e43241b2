"""Former slugs, ids in revisions, and slugs that deleted articles leave to others."""

from typing import Any

from contentql.store.models.fields import TimestampField
from contentql.store.ddl import AppendOnly, DialectSql, ChangeTriggers, UniqueTogether
from contentql.content.ids import new_id
from orjson import loads
from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.fields.data import JSON_DUMPS
from tortoise.migrations import operations as ops

KINDS = ("Tag", "Author", "Source", "Story", "Collection")


def to(model: str) -> Any:
    return fields.ForeignKeyField(
        f"content.{model}",
        source_field=f"{model.lower()}_id",
        null=True,
        db_constraint=True,
        to_field="id",
        related_name=False,
        on_delete=OnDelete.CASCADE,
    )


class Migration(migrations.Migration):
    dependencies = [("content", "0006_preview_links")]

    operations = [
        ops.CreateModel(
            name="FormerSlug",
            fields=[
                ("id", fields.BigIntField(primary_key=True, default=new_id, unique=True, db_index=True)),
                *((model.lower(), to(model)) for model in KINDS),
                ("slug", fields.CharField(null=True, max_length=160)),
                ("merged_id", fields.BigIntField(null=True)),
                ("until", TimestampField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "former_slug",
                "app": "content",
                "pk_attr": "id",
                "table_description": "Former slug or merged id of a tag, author, source, story or collection, so that it can be redirected.",
            },
            bases=["Model"],
        ),
        ops.AddField(
            model_name="Revision",
            name="reference_ids",
            field=fields.JSONField(null=True, encoder=JSON_DUMPS, decoder=loads),
        ),
        # SQLite renames no table while a trigger of another one names it.
        DialectSql(sqlite=["DROP TRIGGER IF EXISTS revision_append_only_delete"]),
        UniqueTogether("Article", ("uri", "working_of")),
        AppendOnly("revision"),
        DialectSql(
            both=[
                "CREATE UNIQUE INDEX article_live_slug ON article (language, slug, working_of)"
                " WHERE deleted_at IS NULL",
                "CREATE INDEX article_deleted ON article (deleted_at DESC, id DESC) WHERE deleted_at IS NOT NULL",
                "CREATE INDEX former_slug_slug ON former_slug (slug) WHERE slug IS NOT NULL",
                "CREATE INDEX former_slug_merged ON former_slug (merged_id) WHERE merged_id IS NOT NULL",
                *(
                    f"CREATE INDEX former_slug_{name} ON former_slug ({name}_id) WHERE {name}_id IS NOT NULL"
                    for name in map(str.lower, KINDS)
                ),
            ],
        ),
        ChangeTriggers("FormerSlug"),
    ]
