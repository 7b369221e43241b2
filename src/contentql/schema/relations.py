"""How the things of a newsroom lead to each other: said once, used by fields and by filters alike."""

from __future__ import annotations

from contentql.planner.catalog import ENDED, SECTION, Computed, Link, Many, One, Some

# `witnessed`: an article that may be seen shows its own tags, authors, media and so on.
CATEGORY = One("category", "category_id", out=True)
LEAD_MEDIA = One("media", "lead_media_id", witnessed=True)
STORY = One("story", "story_id", witnessed=True)

_TAGGED = Link("article_tag", "article_id", "tag_id")
_IN_TAG = Link(
    "article_tag", "tag_id", "article_id", sorted={"published_at": "published_at", "id": "article_id"}
)
_DIRECT = Link("article_section", "article_id", "category_id", where="{link}.direct")

ARTICLE_CATEGORIES = Many("category", link=_DIRECT, order=("link.position",))
ARTICLE_TAGS = Many("tag", link=_TAGGED, order=("link.position",), witnessed=True)
ARTICLE_ENTITIES = Many(
    "article_tag",
    "article_id",
    where="exists (select 1 from tag t where t.id = {row}.tag_id and t.type <> 'TOPIC')",
    order=("position",),
)
ARTICLE_AUTHORS = Many("article_author", "article_id", order=("position",))
ARTICLE_WRITTEN_BY = Many(
    "author", link=Link("article_author", "article_id", "author_id", unique=False), witnessed=True
)
ARTICLE_MEDIA = Many("article_media", "article_id", order=("position",))
ARTICLE_SHOWS = Many(
    "media", link=Link("article_media", "article_id", "media_id", unique=False), witnessed=True
)
ARTICLE_ATTRIBUTIONS = Many(
    "attribution", "article_id", where="{row}.hop = 0", order=("position",), witnessed=True
)
ARTICLE_RESTS_ON = Many(
    "source",
    link=Link(
        "attribution", "article_id", "source_id", unique=False, where="{link}.state in ('ACCEPTED', 'EDITED')"
    ),
    witnessed=True,
)
ARTICLE_SOME_SOURCE = Some(ARTICLE_RESTS_ON)
ARTICLE_CORRECTIONS = Many("correction", "article_id", order=("at desc",), witnessed=True, stable=True)
ARTICLE_REVISIONS = Many("revision", "article_id", order=("version desc",), witnessed=True, stable=True)
ARTICLE_TRANSLATIONS = Many(
    "article", "translation_group", column="translation_group", where="{row}.id <> {here}.id"
)
ARTICLE_RELATED = Many(
    "article", link=Link("article_related", "article_id", "related_id", stable=True), order=("link.position",)
)

# What is scheduled is out when its time has come, and what has expired is gone: nobody writes that down.
ARTICLE_STATUS = Computed(
    "case {row}.status when 'SCHEDULED' then 'PUBLISHED' else {row}.status end",
    ("status",),
    inside="case when {row}.status not in ('SCHEDULED', 'PUBLISHED') then {row}.status"
    " when {row}.expires_at <= {now} then 'EXPIRED' when {row}.published_at <= {now}"
    " and ({row}.embargo_until is null or {row}.embargo_until <= {now}) then 'PUBLISHED'"
    " else 'SCHEDULED' end",
)

CATEGORY_PARENT = One("category", "parent_id")
CATEGORY_CHILDREN = Many("category", "parent_id", order=("position",))
CATEGORY_ARTICLES = Many("article", link=SECTION)

MEDIA_ARTICLES = Many("article", link=Link("article_media", "media_id", "article_id", unique=False))
PLACED_MEDIA = One("media", "media_id", witnessed=True)

SOURCE_PARENT = One("source", "parent_id")
SOURCE_ARTICLES = Many(
    "article",
    link=Link(
        "attribution", "source_id", "article_id", unique=False, where="{link}.state in ('ACCEPTED', 'EDITED')"
    ),
)
SOURCE_ATTRIBUTIONS = Many("attribution", "source_id")

ATTRIBUTION_ARTICLE = One("article", "article_id")
ATTRIBUTION_SOURCE = One("source", "source_id", witnessed=True)
ATTRIBUTION_ORIGIN = One("source", "origin_id", witnessed=True)
ATTRIBUTION_VIA = One("attribution", "via_id", witnessed=True)
ATTRIBUTION_MEDIA = One("media", "media_id")
ATTRIBUTION_CHAIN = Many("attribution", "head_id", column="head_id", order=("hop",), witnessed=True)
ATTRIBUTION_RELAY_SOURCES = Some(
    Many(
        "source",
        column="head_id",
        link=Link(
            "attribution",
            "head_id",
            "source_id",
            unique=False,
            where="{link}.hop > 0 and {link}.state in ('ACCEPTED', 'EDITED')",
        ),
        witnessed=True,
    )
)

TAG_ARTICLES = Many("article", link=_IN_TAG)
TAG_BROADER = One("tag", "broader_id")
MENTIONED = One("tag", "tag_id", witnessed=True)

AUTHOR_IMAGE = One("media", "image_id", witnessed=True)
AUTHOR_ARTICLES = Many("article", link=Link("article_author", "author_id", "article_id", unique=False))
CREDITED = One("author", "author_id", witnessed=True)

STORY_ARTICLES = Many("article", "story_id")
# A pin that has come to its end falls behind all others, by the clock.
COLLECTION_ITEMS = Many("collection_item", "collection_id", order=(ENDED + "pinned_until", "position"))
COLLECTION_ARTICLES = Many(
    "article",
    link=Link("collection_item", "collection_id", "article_id", stable=True),
    order=(ENDED + "link.pinned_until", "link.position"),
)
ITEM_ARTICLE = One("article", "article_id", stable=True)
ITEM_MEDIA = One("media", "media_id", witnessed=True)
CORRECTION_ARTICLE = One("article", "article_id", stable=True)
