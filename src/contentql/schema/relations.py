"""Relations between tables, declared once and used by fields and filters."""

from __future__ import annotations

from contentql.planner.field_plans import (
    EXPIRED_LAST,
    SECTION_ARTICLES,
    AnyFilter,
    Computed,
    JunctionTable,
    ToMany,
    ToOne,
)
from contentql.planner.visibility import ARTICLE_STATUS_SQL, PUBLIC_ARTICLE_STATUS_SQL

# `via_visible`: an article that may be seen shows its own tags, authors, media and so on.
CATEGORY = ToOne("category", "category_id", always_set_when_public=True)
LEAD_MEDIA = ToOne("media", "lead_media_id", visible_with_source=True)
STORY = ToOne("story", "story_id", visible_with_source=True)

_TAGGED = JunctionTable("article_tag", "article_id", "tag_id")
_IN_TAG = JunctionTable(
    "article_tag", "tag_id", "article_id", denormalized={"published_at": "published_at", "id": "article_id"}
)
_DIRECT = JunctionTable("article_section", "article_id", "category_id", where="{link}.direct")

ARTICLE_CATEGORIES = ToMany("category", link=_DIRECT, order=("link.position",))
ARTICLE_TAGS = ToMany("tag", link=_TAGGED, order=("link.position",), visible_with_source=True)
ARTICLE_ENTITIES = ToMany(
    "article_tag",
    "article_id",
    where="exists (select 1 from tag t where t.id = {row}.tag_id and t.type <> 'TOPIC')",
    order=("position",),
)
ARTICLE_AUTHORS = ToMany("article_author", "article_id", order=("position",))
ARTICLE_AUTHOR_ROWS = ToMany(
    "author",
    link=JunctionTable("article_author", "article_id", "author_id", unique=False),
    visible_with_source=True,
)
ARTICLE_MEDIA = ToMany("article_media", "article_id", order=("position",))
ARTICLE_MEDIA_FILES = ToMany(
    "media",
    link=JunctionTable("article_media", "article_id", "media_id", unique=False),
    visible_with_source=True,
)
ARTICLE_ATTRIBUTIONS = ToMany(
    "attribution", "article_id", where="{row}.hop = 0", order=("position",), visible_with_source=True
)
ARTICLE_SOURCES = ToMany(
    "source",
    link=JunctionTable(
        "attribution", "article_id", "source_id", unique=False, where="{link}.state in ('ACCEPTED', 'EDITED')"
    ),
    visible_with_source=True,
)
ARTICLE_ANY_SOURCE = AnyFilter(ARTICLE_SOURCES)
ARTICLE_EXTERNAL_IDS = ToMany(
    "external_id", "article_id", order=("system", "value"), visible_with_source=True, by_public_id=True
)
ARTICLE_CORRECTIONS = ToMany(
    "correction", "article_id", order=("at desc",), visible_with_source=True, by_public_id=True
)
ARTICLE_LIVE_ENTRIES = ToMany(
    "live_entry",
    "article_id",
    order=("position desc", "at desc", "id desc"),
    visible_with_source=True,
    by_public_id=True,
)
ENTRY_ARTICLE = ToOne("article", "article_id", by_public_id=True)
ENTRY_AUTHOR = ToOne("author", "author_id", visible_with_source=True)
ENTRY_PICTURE = ToOne("media", "media_id", visible_with_source=True)
ENTRY_PINNED = Computed("{row}.position = 1", ("position",), "bool")
ARTICLE_REVISIONS = ToMany(
    "revision", "article_id", order=("version desc",), visible_with_source=True, by_public_id=True
)
ARTICLE_SCHEDULED_CHANGES = ToMany(
    "scheduled_change", "article_id", order=("at", "id"), visible_with_source=True, by_public_id=True
)
ARTICLE_TRANSLATIONS = ToMany(
    "article", "translation_group", column="translation_group", where="{row}.id <> {here}.id"
)
ARTICLE_RELATED = ToMany(
    "article",
    link=JunctionTable("article_related", "article_id", "related_id", stable=True),
    order=("link.position",),
)

ARTICLE_STATUS = Computed(PUBLIC_ARTICLE_STATUS_SQL, ("status",), internal_sql=ARTICLE_STATUS_SQL)
UNPUBLISHED_CHANGES = Computed("{row}.working_of <> 0", ("working_of",), "bool")

WEBHOOK_DELIVERIES = ToMany("webhook_delivery", "webhook_id", order=("id desc",), visible_with_source=True)

CATEGORY_PARENT = ToOne("category", "parent_id")
CATEGORY_CHILDREN = ToMany("category", "parent_id", order=("position",))
CATEGORY_ARTICLES = ToMany("article", link=SECTION_ARTICLES)

MEDIA_ARTICLES = ToMany(
    "article", link=JunctionTable("article_media", "media_id", "article_id", unique=False)
)
PLACEMENT_MEDIA = ToOne("media", "media_id", visible_with_source=True)

SOURCE_PARENT = ToOne("source", "parent_id")
SOURCE_ARTICLES = ToMany(
    "article",
    link=JunctionTable(
        "attribution", "source_id", "article_id", unique=False, where="{link}.state in ('ACCEPTED', 'EDITED')"
    ),
)
SOURCE_ATTRIBUTIONS = ToMany("attribution", "source_id")

ATTRIBUTION_ARTICLE = ToOne("article", "article_id")
ATTRIBUTION_SOURCE = ToOne("source", "source_id", visible_with_source=True)
ATTRIBUTION_ORIGIN = ToOne("source", "origin_id", visible_with_source=True)
ATTRIBUTION_VIA = ToOne("attribution", "via_id", visible_with_source=True)
ATTRIBUTION_MEDIA = ToOne("media", "media_id")
ATTRIBUTION_CHAIN = ToMany(
    "attribution", "head_id", column="head_id", order=("hop",), visible_with_source=True
)
ATTRIBUTION_RELAY_SOURCES = AnyFilter(
    ToMany(
        "source",
        column="head_id",
        link=JunctionTable(
            "attribution",
            "head_id",
            "source_id",
            unique=False,
            where="{link}.hop > 0 and {link}.state in ('ACCEPTED', 'EDITED')",
        ),
        visible_with_source=True,
    )
)

TAG_ARTICLES = ToMany("article", link=_IN_TAG)
TAG_BROADER = ToOne("tag", "broader_id")
MENTION_TAG = ToOne("tag", "tag_id", visible_with_source=True)

AUTHOR_IMAGE = ToOne("media", "image_id", visible_with_source=True)
AUTHOR_ARTICLES = ToMany(
    "article", link=JunctionTable("article_author", "author_id", "article_id", unique=False)
)
CREDIT_AUTHOR = ToOne("author", "author_id", visible_with_source=True)

STORY_ARTICLES = ToMany("article", "story_id")
COLLECTION_ARTICLES = ToMany(
    "article",
    link=JunctionTable("collection_item", "collection_id", "article_id", stable=True),
    order=(EXPIRED_LAST + "link.pinned_until", "link.position"),
    limit_column="max_items",
)
ITEM_ARTICLE = ToOne("article", "article_id", by_public_id=True)
ITEM_MEDIA = ToOne("media", "media_id", visible_with_source=True)
CORRECTION_ARTICLE = ToOne("article", "article_id", by_public_id=True)
