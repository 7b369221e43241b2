"""Blocks of a body."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import strawberry

from contentql.planner.field_plans import (
    Column,
    JsonElements,
    ToOne,
)
from contentql.schema.fields import (
    column_field,
    json_type,
    object_field,
    table_type,
)
from contentql.schema.scalars import DateTime

if TYPE_CHECKING:
    from contentql.schema.content import Attribution, Media

_CONTENT = strawberry.lazy("contentql.schema.content")  # content.Article has a Body


@strawberry.type(description="A stretch of a text that is set off. Offsets are code points, `end` exclusive.")
class Mark:
    start: int = column_field("Where it begins.", "0")
    end: int = column_field("Behind its last character.", "8")
    kind: str = column_field("`strong`, `em`, `link` or `mention`.", '"link"')
    href: str | None = column_field("Where a link leads.", '"https://example.org"')


@strawberry.interface(
    description="A part of an article's body. Its id stays the same when the text is edited."
)
class Block:
    id: str = column_field("The id of the block, unique everywhere.", '"blk_4f2a"')
    type: str = column_field("The kind of block, in the store's word; new kinds may come.", '"PARAGRAPH"')


@json_type("PARAGRAPH", "A paragraph.")
class ParagraphBlock(Block):
    text: str = column_field("Its text, without markup.", '"The video aired on Sunday."')
    marks: list[Mark] = object_field("What is set off in it.", JsonElements("", "marks"))


@json_type("HEADING", "A heading inside the body.")
class HeadingBlock(Block):
    level: int = column_field("2, 3 or 4.", "2")
    text: str = column_field("Its text.", '"What we know"')


@json_type("QUOTE", "A quotation set as a block.")
class QuoteBlock(Block):
    text: str = column_field("The words.", '"We are ready."')
    attribution: Annotated[Attribution, _CONTENT] | None = object_field(
        "Who said them.", ToOne("attribution", "attribution", by_public_id=True)
    )


@json_type("PULLQUOTE", "Words of the article itself, repeated large.")
class PullquoteBlock(Block):
    text: str = column_field("The words.", '"Largely symbolic"')


@json_type("LIST", "A list.")
class ListBlock(Block):
    ordered: bool = column_field("Whether it is numbered.", "false")
    items: list[str] = column_field("Its items, as text.", '["Moscow", "Pyongyang"]')


@json_type("IMAGE", "A picture in the text.")
class ImageBlock(Block):
    media: Annotated[Media, _CONTENT] | None = object_field(
        "The picture.", ToOne("media", "media", visible_with_source=True)
    )
    caption: str | None = column_field("The line below it, in this place.", '"The ceremony"')


@json_type("VIDEO", "A film in the text.")
class VideoBlock(Block):
    media: Annotated[Media, _CONTENT] | None = object_field(
        "The film.", ToOne("media", "media", visible_with_source=True)
    )
    caption: str | None = column_field("The line below it, in this place.", '"The broadcast"')


@json_type("AUDIO", "A recording in the text.")
class AudioBlock(Block):
    media: Annotated[Media, _CONTENT] | None = object_field(
        "The recording.", ToOne("media", "media", visible_with_source=True)
    )
    caption: str | None = column_field("The line below it, in this place.", '"The interview"')


@json_type("GALLERY", "Pictures to leaf through.")
class GalleryBlock(Block):
    media: list[Annotated[Media, _CONTENT]] = object_field(
        "The pictures, in order.", JsonElements("", "media")
    )


@json_type("EMBED", "Something of another site.")
class EmbedBlock(Block):
    provider: str | None = column_field("Which site.", '"YouTube"')
    url: str = column_field("Where it lies.", '"https://youtu.be/…"')
    html: str | None = column_field(
        "Markup to show it, cleaned when it was saved.", '"<blockquote>…</blockquote>"'
    )
    fallback_text: str | None = column_field(
        "What to show instead.", '"A film of the parade"', Column("fallbackText")
    )


@json_type("TABLE", "A table.")
class TableBlock(Block):
    rows: list[list[str]] = column_field(
        "Its rows of cells; the first row is the head.", '[["Year", "Troops"]]'
    )


@json_type("CODE", "Text that keeps its spaces.")
class CodeBlock(Block):
    text: str = column_field("The text.", '"SELECT 1"')
    language: str | None = column_field("What language it is in.", '"sql"')


@json_type("RULE", "A break between parts.")
class RuleBlock(Block):
    pass


@json_type("LIVE_ENTRY", "An entry of a running account.")
class LiveEntryBlock(Block):
    at: DateTime = column_field("When it happened.", '"2026-06-30T14:05:00Z"')
    title: str | None = column_field("Its title.", '"Convoy leaves"')
    text: str = column_field("Its text.", '"The first lorries are moving."')
    key_event: bool = column_field(
        "Whether it belongs into a summary of the day.", "true", Column("keyEvent")
    )
    summary: bool = column_field("Whether it is itself a summary.", "false")
    pinned: bool = column_field("Whether it stays on top.", "false")


@json_type("CORRECTION", "A correction that stands in the text.")
class CorrectionBlock(Block):
    text: str = column_field("What was wrong and is right now.", '"An earlier version gave another date."')


@json_type("RELATED_LINK", "A link to something related.")
class RelatedLinkBlock(Block):
    url: str = column_field("Where it leads.", '"https://example.org/background"')
    title: str = column_field("What it says.", '"The treaty, explained"')


@json_type("UNKNOWN", "A block of a kind that this version does not know; apps skip it or show its text.")
class UnknownBlock(Block):
    fallback_text: str | None = column_field(
        "What to show instead.", '"A map of the front"', Column("fallbackText")
    )


@table_type("article_body", "The text of an article, in whichever form is wanted.", max_age=60)
class Body:
    html: str = column_field("As HTML, cleaned when it was saved.", '"<p>The video aired…</p>"')
    markdown: str = column_field("As Markdown.", '"The video aired…"')
    text: str = column_field("As plain text, a paragraph a line.", '"The video aired…"')
    blocks: list[Block] = object_field("As typed blocks, in order.", JsonElements("blocks"))
