"""Blocks and marks of a body."""

from __future__ import annotations

import strawberry

from contentql.schema.inputs.base import optional, required
from contentql.schema.scalars import DateTime


@strawberry.input(
    description="A formatted range of a text. Offsets count Unicode code points; `end` is exclusive."
)
class MarkInput:
    start: int = required("Offset of the first character.", "0")
    end: int = required("Offset after the last character.", "4")
    kind: str = required("Kind of mark: strong, em, link or mention.", '"strong"')
    href: str | None = optional(
        "Target URL of a link: http, https, mailto or tel, or relative; null for other marks.",
        '"https://example.org"',
    )


@strawberry.input(description="Fields that all blocks have.")
class BlockInputBase:
    id: str | None = optional("Id of an existing block, to keep its identity.", '"blk_4f2a"')


@strawberry.input(description="A paragraph.")
class ParagraphInput(BlockInputBase):
    text: str = required("Text without markup.", '"The video aired…"')
    marks: list[MarkInput] | None = optional(
        "Formatted ranges of the text.", '[{start: 0, end: 4, kind: "strong"}]'
    )


@strawberry.input(description="A heading.")
class HeadingInput(BlockInputBase):
    text: str = required("Text of the heading.", '"What is known"')
    level: int | None = optional("Level of the heading, 2 to 4.", "2")


@strawberry.input(description="A block quotation.")
class QuoteInput(BlockInputBase):
    text: str = required("Text of the passage.", '"We are ready."')
    attribution: strawberry.ID | None = optional(
        "Id of the attribution of the quotation.", '"att_1122334455"'
    )


@strawberry.input(description="Text of a pull quote or of a correction.")
class TextBlockInput(BlockInputBase):
    text: str = required("Text of the passage.", '"We are ready."')


@strawberry.input(description="A list.")
class ListInput(BlockInputBase):
    items: list[str] = required("Text of the items.", '["One", "Two"]')
    ordered: bool | None = optional("True for a numbered list.", "false")


@strawberry.input(description="A picture, video or audio recording in the body.")
class MediaBlockInput(BlockInputBase):
    media: strawberry.ID = required("Id of the media file.", '"med_5544332211"')
    caption: str | None = optional("Caption for this use; by default the media file's own.", '"The ceremony"')


@strawberry.input(description="A gallery of pictures.")
class GalleryInput(BlockInputBase):
    media: list[strawberry.ID] = required("Ids of the pictures, in order.", '["med_1", "med_2"]')


@strawberry.input(description="Embedded content of another site.")
class EmbedInput(BlockInputBase):
    url: str = required("URL of the content, with http or https.", '"https://www.youtube.com/watch?v=x"')
    provider: str | None = optional("Name of the site.", '"YouTube"')
    fallback_text: str | None = optional(
        "Text to show if the content cannot be embedded.", '"A film of the parade"'
    )


@strawberry.input(description="A table.")
class TableInput(BlockInputBase):
    rows: list[list[str]] = required("Rows of cells; the first row is the header.", '[["Year", "Troops"]]')


@strawberry.input(description="Preformatted text.")
class CodeInput(BlockInputBase):
    text: str = required("Preformatted text, with its white space.", '"SELECT 1"')
    language: str | None = optional("Programming language: letters, digits and + # . / _ -.", '"sql"')


@strawberry.input(description="An entry of a live blog.")
class LiveEntryInput(BlockInputBase):
    at: DateTime = required("Time of the event.", '"2026-06-30T14:05:00Z"')
    text: str = required("Text of the entry.", '"The first lorries are moving."')
    title: str | None = optional("Title of the entry, in one line.", '"Convoy leaves"')
    key_event: bool | None = optional("True if the entry is a key event.", "true")
    summary: bool | None = optional("True if the entry summarises the events so far.", "false")
    pinned: bool | None = optional("True if the entry is pinned to the top.", "false")


@strawberry.input(description="A link to related content.")
class RelatedLinkInput(BlockInputBase):
    url: str = required(
        "Target URL: http, https, mailto or tel, or relative.", '"https://example.org/background"'
    )
    title: str = required("Title of the link, in one line.", '"The treaty, explained"')


@strawberry.input(one_of=True, description="One block of the body; exactly one field is set.")
class BlockInput:
    paragraph: ParagraphInput | None = optional("A paragraph.", '{text: "…"}')
    heading: HeadingInput | None = optional("A heading.", '{text: "…", level: 2}')
    quote: QuoteInput | None = optional("A block quotation.", '{text: "…"}')
    pullquote: TextBlockInput | None = optional("Pull quote.", '{text: "…"}')
    list: ListInput | None = optional("A list.", '{items: ["…"]}')
    image: MediaBlockInput | None = optional("Picture.", '{media: "med_1"}')
    video: MediaBlockInput | None = optional("Video.", '{media: "med_1"}')
    audio: MediaBlockInput | None = optional("Audio recording.", '{media: "med_1"}')
    gallery: GalleryInput | None = optional("A gallery of pictures.", '{media: ["med_1"]}')
    embed: EmbedInput | None = optional("Embedded content of another site.", '{url: "https://…"}')
    table: TableInput | None = optional("A table.", '{rows: [["…"]]}')
    code: CodeInput | None = optional("Preformatted text.", '{text: "…"}')
    rule: BlockInputBase | None = optional("A thematic break.", "{}")
    live_entry: LiveEntryInput | None = optional("An entry of a live blog.", '{at: "…", text: "…"}')
    correction: TextBlockInput | None = optional("Correction within the body.", '{text: "…"}')
    related_link: RelatedLinkInput | None = optional(
        "Link to related content.", '{url: "https://…", title: "…"}'
    )


@strawberry.input(
    one_of=True,
    description="Body of an article, in exactly one format: at most 5,000 blocks.",
)
class BodyInput:
    text: str | None = optional(
        "Plain text, one paragraph per line; at most 1,000,000 characters.", '"The video aired…"'
    )
    markdown: str | None = optional("Markdown, at most 250,000 characters.", '"The video **aired**…"')
    html: str | None = optional(
        "HTML, at most 250,000 characters; scripts and other active content are rejected.",
        '"<p>The video aired…</p>"',
    )
    blocks: list[BlockInput] | None = optional("Typed blocks.", '[{paragraph: {text: "…"}}]')
