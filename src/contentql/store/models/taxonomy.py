"""Categories, sources, media, stories, tags and authors."""

from __future__ import annotations

from typing import Any

from tortoise import fields
from tortoise.fields import OnDelete
from tortoise.models import Model

from contentql.content.enums import MediaKind, SourceKind, TagType
from contentql.store.models.fields import (
    TimestampField,
    check_constraint,
    enum_constraint,
    foreign_key_field,
    id_field,
    optional_foreign_key_field,
)


class Category(Model):
    id = id_field()
    parent = optional_foreign_key_field("Category")
    slug = fields.CharField(max_length=120)
    path = fields.CharField(max_length=1000, unique=True)
    depth = fields.SmallIntField(db_default=0)
    position = fields.IntField(db_default=0)
    name = fields.CharField(max_length=200)
    names: Any = fields.JSONField(default=list)
    sort_name = fields.CharField(max_length=200)
    description = fields.TextField(null=True)
    hidden = fields.BooleanField(db_default=False)

    class Meta:
        table = "category"
        constraints = (
            check_constraint("depth", "depth between 0 and 7"),
            check_constraint("not_its_own_parent", "parent_id <> id"),
        )


class Source(Model):
    id = id_field()
    slug = fields.CharField(max_length=160, unique=True)
    name = fields.CharField(max_length=300)
    sort_name = fields.CharField(max_length=300)
    kind = fields.CharEnumField(SourceKind, max_length=16)
    aliases: Any = fields.JSONField(default=list)
    state_controlled = fields.BooleanField(db_default=False)
    country = fields.CharField(max_length=2, null=True)
    homepage = fields.TextField(null=True)
    search_words = fields.TextField(default="", db_default="")
    wikidata = fields.CharField(max_length=20, null=True)
    described_as = fields.TextField(null=True)
    parent = optional_foreign_key_field("Source")

    class Meta:
        table = "source"
        constraints = (enum_constraint("kind", SourceKind),)


class Media(Model):
    id = id_field()
    kind = fields.CharEnumField(MediaKind, max_length=16)
    url = fields.TextField()
    mime = fields.CharField(max_length=100)
    width = fields.IntField(null=True)
    height = fields.IntField(null=True)
    duration = fields.FloatField(null=True)
    bytes = fields.BigIntField(null=True)
    sha256 = fields.CharField(max_length=64, null=True)
    alt = fields.TextField(null=True)
    decorative = fields.BooleanField(db_default=False)
    caption = fields.TextField(null=True)
    credit = fields.TextField(null=True)
    creator = fields.TextField(null=True)
    copyright = fields.TextField(null=True)
    licence = fields.CharField(max_length=100, null=True)
    licence_url = fields.TextField(null=True)
    usage_terms = fields.TextField(null=True)
    expires_at = TimestampField(null=True)
    focal_x = fields.FloatField(null=True)
    focal_y = fields.FloatField(null=True)
    blurhash = fields.CharField(max_length=100, null=True)
    colour = fields.CharField(max_length=7, null=True)
    digital_source_type = fields.CharField(max_length=200, null=True)
    sensitive = fields.BooleanField(db_default=False)
    renditions: Any = fields.JSONField(default=list)
    created_at = TimestampField()

    class Meta:
        table = "media"
        constraints = (
            enum_constraint("kind", MediaKind),
            check_constraint("focal_point", "focal_x between 0 and 1 and focal_y between 0 and 1"),
        )


class Story(Model):
    id = id_field()
    slug = fields.CharField(max_length=160, unique=True)
    title = fields.CharField(max_length=300)
    sort_name = fields.CharField(max_length=300)
    description = fields.TextField(null=True)

    class Meta:
        table = "story"


class Tag(Model):
    id = id_field()
    type = fields.CharEnumField(TagType, max_length=16)
    slug = fields.CharField(max_length=160)
    name = fields.CharField(max_length=300)
    names: Any = fields.JSONField(default=list)
    sort_name = fields.CharField(max_length=300)
    description = fields.TextField(null=True)
    aliases: Any = fields.JSONField(default=list)
    wikidata = fields.CharField(max_length=20, null=True, unique=True)
    latitude = fields.FloatField(null=True)
    longitude = fields.FloatField(null=True)
    codes: Any = fields.JSONField(default=list)
    search_words = fields.TextField(default="", db_default="")
    broader = optional_foreign_key_field("Tag")

    class Meta:
        table = "tag"
        constraints = (enum_constraint("type", TagType),)
        unique_together = (("type", "slug"),)


class Author(Model):
    id = id_field()
    slug = fields.CharField(max_length=160, unique=True)
    name = fields.CharField(max_length=300)
    sort_name = fields.CharField(max_length=300)
    bio = fields.TextField(null=True)
    desk = fields.CharField(max_length=100, null=True)
    image = optional_foreign_key_field("Media")
    same_as: Any = fields.JSONField(default=list)
    pseudonym = fields.BooleanField(db_default=False)
    search_words = fields.TextField(default="", db_default="")

    class Meta:
        table = "author"


class PathHistory(Model):
    """Former path of a section, so that old links can be redirected."""

    id = id_field()
    category = foreign_key_field("Category", OnDelete.CASCADE)
    path = fields.CharField(max_length=1000, unique=True)
    until = TimestampField()

    class Meta:
        table = "path_history"


class FormerSlug(Model):
    """Former slug or merged id of a tag, author, source, story or collection, so that it can be redirected.

    Exactly one of the references is set. `merged_id` is the id of a row that was merged into the referenced
    one; such a row has no `slug`.
    """

    id = id_field()
    tag = optional_foreign_key_field("Tag", OnDelete.CASCADE)
    author = optional_foreign_key_field("Author", OnDelete.CASCADE)
    source = optional_foreign_key_field("Source", OnDelete.CASCADE)
    story = optional_foreign_key_field("Story", OnDelete.CASCADE)
    collection = optional_foreign_key_field("Collection", OnDelete.CASCADE)
    slug = fields.CharField(max_length=160, null=True)
    merged_id = fields.BigIntField(null=True)
    until = TimestampField()

    class Meta:
        table = "former_slug"


class ExternalId(Model):
    """Id of an imported article in its system of origin, by which a repeated import recognises it.

    The other columns are those of the last import: `content_hash` that of what it read, `source_version` and
    `source_modified_at` as its source counts them.
    """

    id = id_field()
    article = foreign_key_field("Article", OnDelete.CASCADE)
    system = fields.CharField(max_length=100)
    value = fields.CharField(max_length=500)
    content_hash = fields.CharField(max_length=64, null=True)
    source_version = fields.BigIntField(null=True)
    source_modified_at = TimestampField(null=True)

    class Meta:
        table = "external_id"
        unique_together = (("system", "value"),)
