"""Blocks of a body."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import strawberry
from strawberry import ID

from contentql.content.enums import TextMark
from contentql.planner.field_plans import (
    BodyText,
    Column,
    FallbackText,
    JsonElements,
    ToOne,
)
from contentql.schema.fields import (
    argument_field,
    column_field,
    json_type,
    object_field,
    table_type,
)
from contentql.schema.scalars import DateTime

if TYPE_CHECKING:
    from contentql.schema.content import Attribution, Media
    from contentql.schema.live_entries import LiveEntry


def text_parts(key: str, text_key: str = "") -> JsonElements:
    """The parts of the text of a JSON element."""
    return JsonElements("", key, text_key, parts_of_text=True)


_CONTENT = strawberry.lazy("contentql.schema.content")  # content.Article has a Body
_ENTRIES = strawberry.lazy("contentql.schema.live_entries")  # an entry has blocks


@strawberry.type(
    description="A piece of a text whose characters all have the same marks. The texts of the runs, joined,"
    " are the whole text."
)
class TextRun:
    text: str = column_field("Text of the run, without markup. A line end is a newline.", '"bold"')
    marks: list[TextMark] = column_field("Marks of the text.", "[STRONG]")
    href: str | None = column_field(
        "Target URL of the link that the text is part of.", '"https://example.org"'
    )
    language: str | None = column_field(
        "Language of the text (BCP 47), if it is not that of the article.", '"ko"'
    )
    mention: ID | None = column_field("Id of the object that the text names.", '"tag_81726354"')


@strawberry.type(
    description="An item of a list. The items of nested lists follow the item that they are nested in."
)
class ListItem:
    text: str = column_field("Text without markup.", '"Moscow"')
    runs: list[TextRun] = object_field("Text with its marks.", text_parts("runs", "text"))
    level: int = column_field(
        "Depth of the list: 0 for the block's own, 1 for one nested in it, and so on.", "0"
    )
    ordered: bool = column_field("True in a numbered list.", "false")
    number: int | None = column_field("Number of the item; null in a list without numbers.", "1")


@strawberry.type(description="A cell of a table.")
class TableCell:
    text: str = column_field("Text without markup.", '"Year"')
    runs: list[TextRun] = object_field("Text with its marks.", text_parts("runs", "text"))


@strawberry.type(description="A row of a table.")
class TableRow:
    cells: list[TableCell] = object_field("Cells, in order.", text_parts("cells"))


@strawberry.interface(
    description="A block of an article's body. Its id stays the same when the text is edited."
)
class Block:
    id: str = column_field("Id of the block, unique across all articles.", '"blk_4f2a"')
    type: str = column_field("Type of the block as stored. New types may be added.", '"PARAGRAPH"')
    fallback_text: str | None = argument_field(
        "The block as text without markup, for clients that do not know its type: alternative text, caption"
        " and credit of media, the text, title or URL of an embed, rows of a table with tabs between the"
        ' cells. Null if there is none, as of a rule. Example: `"A map of the front"`.',
        "Optional[str]",
        FallbackText(),
        [
            (
                "known_types",
                "[String!]",
                "Types of blocks that the client renders itself: their text is null, so that it is not sent"
                ' twice. Example: `["PARAGRAPH", "HEADING"]`.',
            )
        ],
        module=__name__,
    )


@json_type("PARAGRAPH", "A paragraph.")
class ParagraphBlock(Block):
    text: str = column_field("Text without markup.", '"The video aired on Sunday."')
    runs: list[TextRun] = object_field("Text with its marks.", text_parts("runs", "text"))


@json_type("HEADING", "A heading within the body.")
class HeadingBlock(Block):
    level: int = column_field("Level of the heading: 2, 3 or 4.", "2")
    text: str = column_field("Text of the heading.", '"What we know"')
    runs: list[TextRun] = object_field("Text with its marks.", text_parts("runs", "text"))


@json_type("QUOTE", "A block quotation.")
class QuoteBlock(Block):
    text: str = column_field("Text of the passage.", '"We are ready."')
    runs: list[TextRun] = object_field("Text with its marks.", text_parts("runs", "text"))
    attribution: Annotated[Attribution, _CONTENT] | None = object_field(
        "Attribution of the quotation.", ToOne("attribution", "attribution", by_public_id=True)
    )


@json_type("PULLQUOTE", "An excerpt of the article, set as a pull quote.")
class PullquoteBlock(Block):
    text: str = column_field("Text of the passage.", '"Largely symbolic"')
    runs: list[TextRun] = object_field("Text with its marks.", text_parts("runs", "text"))


@json_type("LIST", "A list.")
class ListBlock(Block):
    ordered: bool = column_field("True for a numbered list.", "false")
    items: list[ListItem] = object_field("Items, in reading order.", text_parts("items"))


@json_type("IMAGE", "A picture within the body.")
class ImageBlock(Block):
    media: Annotated[Media, _CONTENT] | None = object_field(
        "Picture; null if not visible.", ToOne("media", "media", visible_with_source=True)
    )
    caption: str | None = column_field("Caption for this use.", '"The ceremony"')
    caption_runs: list[TextRun] = object_field(
        "Caption with its marks; empty without a caption.", text_parts("captionRuns", "caption")
    )


@json_type("VIDEO", "A video within the body.")
class VideoBlock(Block):
    media: Annotated[Media, _CONTENT] | None = object_field(
        "Video; null if not visible.", ToOne("media", "media", visible_with_source=True)
    )
    caption: str | None = column_field("Caption for this use.", '"The broadcast"')
    caption_runs: list[TextRun] = object_field(
        "Caption with its marks; empty without a caption.", text_parts("captionRuns", "caption")
    )


@json_type("AUDIO", "An audio recording within the body.")
class AudioBlock(Block):
    media: Annotated[Media, _CONTENT] | None = object_field(
        "Audio recording; null if not visible.", ToOne("media", "media", visible_with_source=True)
    )
    caption: str | None = column_field("Caption for this use.", '"The interview"')
    caption_runs: list[TextRun] = object_field(
        "Caption with its marks; empty without a caption.", text_parts("captionRuns", "caption")
    )


@json_type("GALLERY", "A gallery of pictures.")
class GalleryBlock(Block):
    media: list[Annotated[Media, _CONTENT]] = object_field("Pictures, in order.", JsonElements("", "media"))


@json_type("EMBED", "Embedded content of another site.")
class EmbedBlock(Block):
    provider: str | None = column_field("Name of the site.", '"YouTube"')
    url: str = column_field("URL of the content.", '"https://youtu.be/…"')
    title: str | None = column_field("Title of the content.", '"The parade in full"')
    html: str | None = column_field(
        "HTML to embed the content, sanitised on save.", '"<blockquote>…</blockquote>"'
    )


@json_type("TABLE", "A table.")
class TableBlock(Block):
    rows: list[TableRow] = object_field("Rows of cells; the first row is the header.", text_parts("rows"))


@json_type("CODE", "Preformatted text.")
class CodeBlock(Block):
    text: str = column_field("Preformatted text, with its white space.", '"SELECT 1"')
    language: str | None = column_field("Programming language.", '"sql"')


@json_type("RULE", "A thematic break.")
class RuleBlock(Block):
    pass


@json_type("LIVE_ENTRY", "An entry of a live blog.")
class LiveEntryBlock(Block):
    at: DateTime = column_field("Time of the event.", '"2026-06-30T14:05:00Z"')
    title: str | None = column_field("Title of the entry.", '"Convoy leaves"')
    text: str = column_field("Text of the entry.", '"The first lorries are moving."')
    runs: list[TextRun] = object_field("Text with its marks.", text_parts("runs", "text"))
    key_event: bool = column_field("True if the entry is a key event.", "true", Column("keyEvent"))
    summary: bool = column_field("True if the entry summarises the events so far.", "false")
    pinned: bool = column_field("True if the entry is pinned to the top.", "false")
    entry: Annotated[LiveEntry, _ENTRIES] | None = object_field(
        "The entry with its blocks, author, picture and corrections.",
        ToOne("live_entry", "entry", visible_with_source=True),
    )


@json_type("CORRECTION", "A correction within the body.")
class CorrectionBlock(Block):
    text: str = column_field(
        "Explanation for readers: what was wrong and what is right.",
        '"An earlier version gave another date."',
    )
    runs: list[TextRun] = object_field("Text with its marks.", text_parts("runs", "text"))


@json_type("RELATED_LINK", "A link to related content.")
class RelatedLinkBlock(Block):
    url: str = column_field("Target URL.", '"https://example.org/background"')
    title: str = column_field("Title of the link.", '"The treaty, explained"')


@json_type(
    "UNKNOWN", "A block of a type that this version does not know. Clients should skip it or show its text."
)
class UnknownBlock(Block):
    pass


@table_type(
    "article_body",
    "Body of an article in several formats. The entries of a live blog follow the article's own text, in the"
    " order of `liveEntries`.",
)
class Body:
    html: str = column_field("HTML, sanitised on save.", '"<p>The video aired…</p>"', BodyText("html", "\n"))
    markdown: str = column_field(
        "Markdown (CommonMark with tables and strikethrough); as an input it makes the same blocks again.",
        '"The video aired…"',
        BodyText("markdown", "\n\n"),
    )
    text: str = column_field(
        "Plain text, one paragraph per line.", '"The video aired…"', BodyText("text", "\n")
    )
    blocks: list[Block] = object_field("Typed blocks, in order.", JsonElements("blocks", with_entries=True))
