"""Bundles: all that a client shows of an article or a collection, in one response."""

from __future__ import annotations

from enum import Enum
from typing import Any

import strawberry

from contentql.planner.builder.bundles import DEVICE_WIDTHS
from contentql.planner.field_plans import (
    COLLECTION_ITEMS,
    BundleRows,
    BundleValue,
    Computed,
    FittingRenditions,
    SameRow,
)
from contentql.schema import relations
from contentql.schema.collections import Collection, CollectionItem
from contentql.schema.content import Article, Author, Media, Source, Tag
from contentql.schema.fields import column_field, computed, list_field, object_field, table_type
from contentql.schema.scalars import DateTime
from contentql.schema.values import Rendition

_DEVICES = {
    "PHONE": "A phone, {} pixels. This is the default.",
    "TABLET": "A tablet, {} pixels.",
    "TABLET_LARGE": "A large tablet, {} pixels.",
    "TABLET_XLARGE": "A very large tablet, {} pixels.",
}
_devices: Any = Enum(  # type: ignore[misc]
    "DeviceClass",
    {
        name: strawberry.enum_value(name, description=text.format(f"{DEVICE_WIDTHS[name]:,}"))
        for name, text in _DEVICES.items()
    },
)
DeviceClass = strawberry.enum(
    _devices,
    description="Class of a device, by the width of its screen with two pixels for each CSS pixel.",
)


@table_type("media", "A media file of a bundle with the files that fit the device.")
class BundleMedia:
    media: Media = object_field("The media file.", SameRow())
    renditions: list[Rendition] = object_field(
        "For the device, or for each of the widths, the smallest file that is at least as wide, each once:"
        " a rendition or the original, which has no name. If none is wide enough, the widest one.",
        FittingRenditions(),
    )


@strawberry.interface(
    description="All that a client shows of an article or a collection, so that it can be read without a"
    " connection. Each source, author, tag and media file is there once; select only their `id` elsewhere."
)
class Bundle:
    schema_version: int = computed(
        "Version of the structure of bundles. It changes if a stored bundle must be read in another way.",
        "1",
        Computed("1", (), "int"),
    )
    version: str = column_field(
        "Hash of what is selected of the bundle, without `version`, `bytes` and `expiresAt`. It changes when"
        " something in that changes, and only then.",
        '"9f86d081884c7d659a2feaa0c55ad015"',
        BundleValue("version"),
    )
    bytes: int = column_field(
        "Size in bytes of what is selected of the bundle, as uncompressed JSON without `version`, `bytes` and"
        " `expiresAt`. Media files are not included.",
        "5214",
        BundleValue("bytes"),
    )
    expires_at: DateTime | None = column_field(
        "Time from which the bundle must not be shown as it is: the earliest end of an article, of a related"
        " article, of the licence of a media file, or of a pin, that is in the bundle, selected or not. Null"
        " if nothing in it ends. What will become visible is not announced.",
        '"2027-01-01T00:00:00Z"',
        BundleValue("expiresAt"),
    )
    sources: list[Source] = object_field(
        "Sources of all attributions, with all hops of their chains, by id.", BundleRows("source")
    )
    authors: list[Author] = object_field("Authors, by id.", BundleRows("author"))
    tags: list[Tag] = object_field("Tags, by id.", BundleRows("tag"))
    media: list[BundleMedia] = object_field(
        "Media files of the articles, of their authors and attributions, and the lead media of related"
        " articles, by id.",
        BundleRows("media"),
    )
    related: list[Article] = object_field("Related articles, to be shown as cards.", BundleRows("article"))


@table_type("article", "All that a client shows of an article.")
class ArticleBundle(Bundle):
    article: Article = object_field("The article.", SameRow())
    related: list[Article] = list_field(
        "Related articles, in the order of the editors, to be shown as cards.", relations.ARTICLE_RELATED
    )


@table_type("collection", "All that a client shows of a collection and its articles.")
class EditionBundle(Bundle):
    collection: Collection = object_field("The collection.", SameRow())
    items: list[CollectionItem] = list_field(
        "Articles that readers see in the collection, in its order, with the headlines and media for it.",
        COLLECTION_ITEMS,
    )
    related: list[Article] = object_field(
        "Articles related to those of the collection that are not in it themselves, by id, to be shown as"
        " cards.",
        BundleRows("article"),
    )
