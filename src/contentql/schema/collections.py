"""Collections: lists of articles that editors curate."""

from __future__ import annotations

import strawberry

from contentql.planner.field_plans import COLLECTION_ITEMS, Computed
from contentql.planner.visibility import PUBLIC_ITEM_SQL
from contentql.schema import relations
from contentql.schema.connections import Connection
from contentql.schema.content import Article, Media
from contentql.schema.fields import (
    SEARCH_ARGUMENT,
    canonical_url_field,
    column_field,
    computed,
    connection_field,
    filtered_list_field,
    object_field,
    table_type,
)
from contentql.schema.scalars import DateTime
from contentql.schema.values import (
    Node,
)


@table_type("collection_item", "An article in a collection.")
class CollectionItem:
    pinned_until: DateTime | None = column_field(
        "Time until which the item keeps its position; afterwards it moves behind the other items."
        " Null if not pinned.",
        '"2026-07-02T18:00:00Z"',
    )
    headline: str | None = column_field(
        "Headline for this collection; null if the article's own is used.", '"Kim weeps"'
    )
    media: Media | None = object_field(
        "Picture for this collection; null if the article's own is used.", relations.ITEM_MEDIA
    )
    is_public: bool = computed(
        "True if readers see the item: its article is published, and it is among the first `maxItems` such"
        " items.",
        "true",
        Computed("true", (), "bool", internal_sql=PUBLIC_ITEM_SQL),
    )
    article: Article = object_field("Article of the item.", relations.ITEM_ARTICLE)


@table_type("collection", "A list of articles curated by editors, for example a front page.")
class Collection(Node):
    id: strawberry.ID = column_field("Global id of the collection.", '"col_5566778899"')
    canonical_url: str | None = canonical_url_field()
    slug: str = column_field("Short name for URLs.", '"front-page"')
    title: str = column_field("Name of the rendition.", '"Front page"')
    description: str | None = column_field("Purpose of the collection.", '"The first thing readers see"')
    max_items: int | None = column_field(
        "Number of items that readers see at most: the first ones with a published article. Editors see all"
        " items. Null for no limit.",
        "12",
    )
    items: list[CollectionItem] = filtered_list_field("Items, in order.", "CollectionItem", COLLECTION_ITEMS)
    articles: Connection[Article] = connection_field(
        "Articles of the collection. Default order: that of the items.",
        "Article", relations.COLLECTION_ARTICLES, "PUBLISHED_AT_DESC", SEARCH_ARGUMENT,
    )  # fmt: skip
