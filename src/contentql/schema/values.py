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

ItemT = TypeVar("ItemT")


@strawberry.type(description="Where a page stands in its list.")
class PageInfo:
    has_next_page: bool = envelope_field("Whether there is more behind this page.", "true")
    has_previous_page: bool = envelope_field("Whether there is more before this page.", "false")
    start_cursor: str | None = envelope_field(
        "The cursor of the page's first item, to go back from.", '"3f0c…"'
    )
    end_cursor: str | None = envelope_field("The cursor of the page's last item, to go on behind.", '"3f0c…"')


@strawberry.type(description="A name in one language.")
class LocalName:
    language: str = column_field("The language, BCP 47.", '"de"')
    name: str = column_field("The name in that language.", '"Asien"')


@strawberry.type(
    description="The point of a picture that must stay in view, as shares of its width and height."
)
class FocalPoint:
    x: float = column_field("From the left, 0 to 1.", "0.5", Column("focal_x"))
    y: float = column_field("From the top, 0 to 1.", "0.33", Column("focal_y"))


@strawberry.type(description="A ready-made size of a media file.")
class Rendition:
    name: str | None = column_field("What it is called.", '"card"')
    url: str = column_field("Where it lies.", '"https://media.example.org/a/640.jpg"')
    mime: str | None = column_field("Its media type.", '"image/jpeg"')
    width: int | None = column_field("Width in pixels.", "640")
    height: int | None = column_field("Height in pixels.", "427")
    bytes: int | None = column_field("Size in bytes.", "48213")


@strawberry.type(
    description="The words an attribution stands on: where, and what they are. Offsets are code points."
)
class Span:
    block_id: str = column_field("The block of the body.", '"blk_4f2a"', Column("span_block"))
    start: int = column_field("Where the words begin.", "0", Column("span_start"))
    end: int = column_field("Behind their last character.", "52", Column("span_end"))
    exact: str | None = column_field("The words.", '"According to the broadcast"', Column("span_exact"))
    prefix: str | None = column_field("What stands before them.", '"Plan for Kursk. "', Column("span_prefix"))
    suffix: str | None = column_field("What stands behind them.", '", Kim approved"', Column("span_suffix"))
    orphaned: bool = column_field(
        "Whether the text has changed and the words are not found in it any more.",
        "false",
        Column("span_orphaned"),
    )


@strawberry.type(description="A code of another vocabulary.")
class Code:
    scheme: str = column_field("The vocabulary.", '"medtop"')
    code: str = column_field("The code in it.", '"20000056"')


@strawberry.type(description="A place on earth, WGS 84.")
class Position:
    latitude: float = column_field("Degrees north.", "39.03")
    longitude: float = column_field("Degrees east.", "125.75")


@strawberry.type(description="Where an article was filed.")
class Dateline:
    place: str = column_field("The place.", '"Seoul"', Column("dateline_place"))
    text: str | None = column_field("The line as printed.", '"SEOUL, 30 June"', Column("dateline_text"))


@strawberry.type(description="What may be done with an article.")
class Rights:
    syndicatable: bool = column_field("Whether others may carry it.", "true")
    usage_terms: str | None = column_field("On which terms.", '"With credit and link"')
    copyright_notice: str | None = column_field("The copyright line.", '"© 2026 The Newsroom"')


@strawberry.type(description="A field of an article that is not as it was.")
class FieldChange:
    field: str = column_field("Which field.", '"headline"')
    before: str | None = column_field("What it said, as text.", '"Kim weeps"', Column("earlier"))
    after: str | None = column_field("What it says, as text.", '"Kim Jong-un sheds a tear"', Column("later"))


@strawberry.interface(
    description="Anything that has an id of its own. The id is opaque, global and stays for ever."
)
class Node:
    id: strawberry.ID = column_field("The id, to be given back as it is.", '"art_90817263545"')
