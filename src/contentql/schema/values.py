"""Value types without ids of their own: page info, names, renditions, spans, codes."""

from __future__ import annotations

from typing import TypeVar

import strawberry

from contentql.planner.field_plans import (
    Column,
)
from contentql.schema.fields import (
    column_field,
    envelope_field,
)
from contentql.schema.scalars import Long

ItemT = TypeVar("ItemT")


@strawberry.type(description="Position of a page in its list.")
class PageInfo:
    has_next_page: bool = envelope_field("True if the list has items after this page.", "true")
    has_previous_page: bool = envelope_field("True if the list has items before this page.", "false")
    start_cursor: str | None = envelope_field(
        "Cursor of the first item of the page, for `before`; null if the page is empty.", '"3f0c…"'
    )
    end_cursor: str | None = envelope_field(
        "Cursor of the last item of the page, for `after`; null if the page is empty.", '"3f0c…"'
    )


@strawberry.type(description="A name in one language.")
class LocalName:
    language: str = column_field("Language, BCP 47.", '"de"')
    name: str = column_field("Name in that language.", '"Asien"')


@strawberry.type(
    description="Point of a picture that must stay visible when the picture is cropped, as fractions of"
    " width and height."
)
class FocalPoint:
    x: float = column_field("Distance from the left edge, 0 to 1.", "0.5", Column("focal_x"))
    y: float = column_field("Distance from the top edge, 0 to 1.", "0.33", Column("focal_y"))


@strawberry.type(description="A ready-made size of a media file.")
class Rendition:
    name: str | None = column_field("Name of the rendition.", '"card"')
    url: str = column_field("URL of the file.", '"https://media.example.org/a/640.jpg"')
    mime: str | None = column_field("Media type (MIME).", '"image/jpeg"')
    width: int | None = column_field("Width in pixels.", "640")
    height: int | None = column_field("Height in pixels.", "427")
    bytes: Long | None = column_field("Size in bytes.", "48213")


@strawberry.type(
    description="Passage of the text that an attribution refers to. Offsets count Unicode code points."
)
class Span:
    block_id: str = column_field(
        "Id of the block that contains the passage.", '"blk_4f2a"', Column("span_block")
    )
    start: int = column_field(
        "Offset of the first character of the passage in the block's text.", "0", Column("span_start")
    )
    end: int = column_field("Offset after the last character of the passage.", "52", Column("span_end"))
    exact: str | None = column_field(
        "Text of the passage.", '"According to the broadcast"', Column("span_exact")
    )
    prefix: str | None = column_field(
        "Text before the passage, to find it again after edits.", '"Plan for Kursk. "', Column("span_prefix")
    )
    suffix: str | None = column_field(
        "Text after the passage, to find it again after edits.", '", Kim approved"', Column("span_suffix")
    )
    orphaned: bool = column_field(
        "True if the text has changed and the passage is no longer found in it.",
        "false",
        Column("span_orphaned"),
    )


@strawberry.type(description="A code of the tag in another vocabulary.")
class VocabularyCode:
    scheme: str = column_field("Name of the vocabulary.", '"medtop"')
    code: str = column_field("Code in that vocabulary.", '"20000056"')


@strawberry.type(description="Geographic coordinates, WGS 84.")
class Position:
    latitude: float = column_field("Latitude in degrees north.", "39.03")
    longitude: float = column_field("Longitude in degrees east.", "125.75")


@strawberry.type(description="Place where an article was filed.")
class Dateline:
    place: str = column_field("Name of the place.", '"Seoul"', Column("dateline_place"))
    text: str | None = column_field("Dateline as printed.", '"SEOUL, 30 June"', Column("dateline_text"))


@strawberry.type(description="Usage rights of an article.")
class Rights:
    syndicatable: bool = column_field("True if other publishers may syndicate the article.", "true")
    usage_terms: str | None = column_field("Terms of use.", '"With credit and link"')
    copyright_notice: str | None = column_field("Copyright notice.", '"© 2026 The Newsroom"')


@strawberry.type(description="Change of one field between two revisions of an article.")
class FieldChange:
    field: str = column_field("Name of the field.", '"headline"')
    before: str | None = column_field(
        "Earlier value as text; null if the field was empty.", '"Kim weeps"', Column("earlier")
    )
    after: str | None = column_field(
        "Later value as text; null if the field was empty.", '"Kim Jong-un sheds a tear"', Column("later")
    )


@strawberry.interface(description="An object with a global id. The id is opaque and never changes.")
class Node:
    id: strawberry.ID = column_field("Global id of the object.", '"art_90817263545"')
