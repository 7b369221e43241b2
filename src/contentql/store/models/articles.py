"""Articles, their bodies, links and former slugs."""

from __future__ import annotations

from typing import Any

from tortoise import fields
from tortoise.fields import OnDelete
from tortoise.models import Model

from contentql.content.enums import Access, AuthorRole, ContentType, MediaRole, Status
from contentql.store.models.fields import (
    TimestampField,
    check_constraint,
    enum_constraint,
    enum_description,
    foreign_key_field,
    id_field,
    optional_foreign_key_field,
)


class Article(Model):
    # A row whose `working_of` is not 0 is the working copy of the article with that id: unpublished changes,
    # with body, links and attributions of its own. Its status is never a public one, it is deleted when it is
    # published, and the API shows it under the article's id. `owner` is the account that created the article.
    id = id_field()
    uri = fields.CharField(max_length=500)
    slug = fields.CharField(max_length=200)
    language = fields.CharField(max_length=35)
    status = fields.CharEnumField(
        Status,
        max_length=16,
        default=Status.DRAFT,
        description=enum_description(Status, excluded=Status.EXPIRED),
    )
    content_type = fields.CharEnumField(ContentType, max_length=16, default=ContentType.NEWS)
    access = fields.CharEnumField(Access, max_length=16, default=Access.FREE)
    urgency = fields.SmallIntField(db_default=5)
    published_at = TimestampField(null=True)
    first_published_at = TimestampField(null=True)
    updated_at = TimestampField(null=True)
    modified_at = TimestampField()
    embargo_until = TimestampField(null=True)
    expires_at = TimestampField(null=True)
    deleted_at = TimestampField(null=True)
    category = optional_foreign_key_field("Category")
    lead_media = optional_foreign_key_field("Media")
    story = optional_foreign_key_field("Story")
    story_position = fields.IntField(null=True)
    translation_group = fields.BigIntField(null=True)
    headline = fields.CharField(max_length=300)
    sort_headline = fields.CharField(max_length=200, default="", db_default="")
    kicker = fields.CharField(max_length=200, null=True)
    short_headline = fields.CharField(max_length=200, null=True)
    lede = fields.TextField(null=True)
    summary = fields.TextField(null=True)
    byline = fields.TextField(null=True)
    dateline_place = fields.CharField(max_length=200, null=True)
    dateline_text = fields.TextField(null=True)
    canonical_url = fields.TextField(null=True)
    canonical_elsewhere = fields.BooleanField(db_default=False)
    syndicatable = fields.BooleanField(db_default=True)
    usage_terms = fields.TextField(null=True)
    copyright_notice = fields.TextField(null=True)
    ed_note = fields.TextField(null=True)
    word_count = fields.IntField(db_default=0)
    reading_minutes = fields.SmallIntField(db_default=1)
    version = fields.IntField(db_default=1)
    extra: Any = fields.JSONField(default=dict)
    owner = fields.CharField(max_length=200, null=True)
    working_of = fields.BigIntField(db_default=0)

    class Meta:
        table = "article"
        constraints = (
            enum_constraint("status", Status),
            enum_constraint("content_type", ContentType),
            enum_constraint("access", Access),
            check_constraint("urgency", "urgency between 1 and 9"),
            check_constraint(
                "public_is_complete",
                "status not in ('PUBLISHED', 'SCHEDULED') or (published_at is not null"
                " and first_published_at is not null and updated_at is not null and category_id is not null)",
            ),
            check_constraint("embargo_before_expiry", "expires_at > embargo_until"),
        )
        # A partial index makes language and slug unique among the articles that are not deleted.
        unique_together = (("uri", "working_of"),)


class ArticleBody(Model):
    """Body of an article, in a table of its own so that lists read short rows without texts."""

    article: Any = fields.OneToOneField(
        "content.Article", on_delete=OnDelete.CASCADE, related_name=False, primary_key=True
    )
    blocks: Any = fields.JSONField(default=list)
    html = fields.TextField()
    markdown = fields.TextField()
    text = fields.TextField()

    class Meta:
        table = "article_body"


class ArticleSection(Model):
    """Section of an article: one row for each section it is in and for each ancestor of those.

    `direct` marks the article's own sections. `published_at` copies the article's, so that a section of any
    size, with or without its subsections, is read as one range of one index.
    """

    id = id_field()
    article = foreign_key_field("Article", OnDelete.CASCADE)
    category = foreign_key_field("Category")
    direct = fields.BooleanField(db_default=True)
    position = fields.IntField(db_default=0)
    published_at = TimestampField(null=True)

    class Meta:
        table = "article_section"
        unique_together = (("article", "category"),)


class ArticleTag(Model):
    id = id_field()
    article = foreign_key_field("Article", OnDelete.CASCADE)
    tag = foreign_key_field("Tag")
    position = fields.IntField(db_default=0)
    relevance = fields.SmallIntField(null=True)
    confidence = fields.SmallIntField(null=True)
    published_at = TimestampField(null=True)

    class Meta:
        table = "article_tag"
        unique_together = (("article", "tag"),)


class ArticleAuthor(Model):
    id = id_field()
    article = foreign_key_field("Article", OnDelete.CASCADE)
    author = foreign_key_field("Author")
    role = fields.CharEnumField(AuthorRole, max_length=16, default=AuthorRole.WRITER)
    position = fields.IntField(db_default=0)

    class Meta:
        table = "article_author"
        constraints = (enum_constraint("role", AuthorRole),)
        unique_together = (("article", "author", "role"),)


class ArticleMedia(Model):
    id = id_field()
    article = foreign_key_field("Article", OnDelete.CASCADE)
    media = foreign_key_field("Media")
    position = fields.IntField(db_default=0)
    role = fields.CharEnumField(MediaRole, max_length=16, default=MediaRole.INLINE)
    caption = fields.TextField(null=True)
    alt = fields.TextField(null=True)

    class Meta:
        table = "article_media"
        constraints = (enum_constraint("role", MediaRole),)
        unique_together = (("article", "position"),)


class ArticleRelated(Model):
    id = id_field()
    article = foreign_key_field("Article", OnDelete.CASCADE)
    related = foreign_key_field("Article", OnDelete.CASCADE)
    position = fields.IntField(db_default=0)

    class Meta:
        table = "article_related"
        unique_together = (("article", "related"),)


class SlugHistory(Model):
    """Former slug of an article, so that old links can be redirected."""

    id = id_field()
    article = foreign_key_field("Article", OnDelete.CASCADE)
    language = fields.CharField(max_length=35)
    slug = fields.CharField(max_length=200)
    until = TimestampField()

    class Meta:
        table = "slug_history"
        unique_together = (("language", "slug"),)


class Withdrawal(Model):
    """Notice shown at the slug of a withdrawn article."""

    article: Any = fields.OneToOneField(
        "content.Article", on_delete=OnDelete.CASCADE, related_name=False, primary_key=True
    )
    language = fields.CharField(max_length=35)
    slug = fields.CharField(max_length=200)
    notice = fields.TextField()
    at = TimestampField()

    class Meta:
        table = "withdrawal"
