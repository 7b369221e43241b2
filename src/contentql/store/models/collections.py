"""Collections and their items."""

from __future__ import annotations

from tortoise import fields
from tortoise.fields import OnDelete
from tortoise.models import Model

from contentql.store.models.fields import (
    TimestampField,
    foreign_key_field,
    id_field,
    optional_foreign_key_field,
)


class Collection(Model):
    id = id_field()
    slug = fields.CharField(max_length=160, unique=True)
    title = fields.CharField(max_length=300)
    sort_name = fields.CharField(max_length=300)
    description = fields.TextField(null=True)
    max_items = fields.SmallIntField(null=True)

    class Meta:
        table = "collection"


class CollectionItem(Model):
    id = id_field()
    collection = foreign_key_field("Collection", OnDelete.CASCADE)
    article = foreign_key_field("Article", OnDelete.CASCADE)
    position = fields.IntField(db_default=0)
    pinned_until = TimestampField(null=True)
    headline = fields.CharField(max_length=300, null=True)
    media = optional_foreign_key_field("Media")

    class Meta:
        table = "collection_item"
        unique_together = (("collection", "article"),)
