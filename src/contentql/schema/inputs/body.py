"""Blocks and marks of a body."""

from __future__ import annotations

import strawberry

from contentql.content.enums import TextMark
from contentql.schema.inputs.base import optional, required
from contentql.schema.scalars import DateTime


@strawberry.input(description="A piece of a text whose characters all have the same marks.")
class TextRunInput:
    text: str = required("Text of the run, without markup.", '"bold"')
    marks: list[TextMark] | None = optional("Marks of the text.", "[STRONG]")
    href: str | None = optional(
        "Target URL of a link: http, https, mailto or tel, or relative.", '"https://example.org"'
    )
    language: str | None = optional(
        "Language of the text (BCP 47), if it is not that of the article.", '"ko"'
    )
    mention: strawberry.ID | None = optional(
        "Id of the tag, author, source, article or story that the text names.", '"tag_81726354"'
    )


@strawberry.input(description="A text, either without markup or in runs; exactly one of the two is set.")
class RichTextInput:
    text: str | None = optional("Text without markup.", '"Moscow"')
    runs: list[TextRunInput] | None = optional("Text with its marks.", '[{text: "Moscow", marks: [STRONG]}]')


@strawberry.input(description="Fields that all blocks have.")
class BlockInputBase:
    id: str | None = optional("Id of an existing block, to keep its identity.", '"blk_4f2a"')


@strawberry.input(description="A paragraph.")
class ParagraphInput(BlockInputBase):
    text: str | None = optional("Text without markup; or send `runs`.", '"The video aired…"')
    runs: list[TextRunInput] | None = optional("Text with its marks.", '[{text: "x", marks: [STRONG]}]')


@strawberry.input(description="A heading.")
class HeadingInput(BlockInputBase):
    text: str | None = optional("Text of the heading; or send `runs`.", '"What is known"')
    runs: list[TextRunInput] | None = optional("Text with its marks.", '[{text: "x", marks: [STRONG]}]')
    level: int | None = optional("Level of the heading, 2 to 4.", "2")


@strawberry.input(description="A block quotation.")
class QuoteInput(BlockInputBase):
    text: str | None = optional("Text of the passage; or send `runs`.", '"We are ready."')
    runs: list[TextRunInput] | None = optional("Text with its marks.", '[{text: "x", marks: [STRONG]}]')
    attribution: strawberry.ID | None = optional(
        "Id of the attribution of the quotation.", '"att_1122334455"'
    )


@strawberry.input(description="Text of a pull quote or of a correction.")
class TextBlockInput(BlockInputBase):
    text: str | None = optional("Text of the passage; or send `runs`.", '"We are ready."')
    runs: list[TextRunInput] | None = optional("Text with its marks.", '[{text: "x", marks: [STRONG]}]')


@strawberry.input(
    description="An item of a list. The items of nested lists follow the item that they are nested in."
)
class ListItemInput(RichTextInput):
    level: int | None = optional(
        "Depth of the list: 0 for the block's own, by default; 1 for one nested in it, and so on. At most one"
        " more than that of the item before.",
        "0",
    )
    ordered: bool | None = optional("True if the nested list is numbered.", "false")
    number: int | None = optional("Number of the first item of a numbered list; 1 by default.", "1")


@strawberry.input(description="A list.")
class ListInput(BlockInputBase):
    items: list[ListItemInput] = required("Items, in reading order.", '[{text: "One"}, {text: "Two"}]')
    ordered: bool | None = optional("True for a numbered list.", "false")


@strawberry.input(description="A picture, video or audio recording in the body.")
class MediaBlockInput(BlockInputBase):
    media: strawberry.ID = required("Id of the media file.", '"med_5544332211"')
    caption: str | None = optional("Caption for this use; by default the media file's own.", '"The ceremony"')
    caption_runs: list[TextRunInput] | None = optional(
        "Caption with its marks, in place of `caption`.", '[{text: "The ceremony"}]'
    )


@strawberry.input(description="A gallery of pictures.")
class GalleryInput(BlockInputBase):
    media: list[strawberry.ID] = required("Ids of the pictures, in order.", '["med_1", "med_2"]')


@strawberry.input(description="Embedded content of another site.")
class EmbedInput(BlockInputBase):
    url: str = required("URL of the content, with http or https.", '"https://www.youtube.com/watch?v=x"')
    provider: str | None = optional("Name of the site.", '"YouTube"')
    title: str | None = optional("Title of the content.", '"The parade in full"')
    fallback_text: str | None = optional(
        "Text to show if the content cannot be embedded.", '"A film of the parade"'
    )


@strawberry.input(description="A row of a table.")
class TableRowInput:
    cells: list[RichTextInput] = required("Cells, in order.", '[{text: "Year"}, {text: "Troops"}]')


@strawberry.input(description="A table.")
class TableInput(BlockInputBase):
    rows: list[TableRowInput] = required(
        "Rows of cells; the first row is the header.", '[{cells: [{text: "Year"}, {text: "Troops"}]}]'
    )


@strawberry.input(description="Preformatted text.")
class CodeInput(BlockInputBase):
    text: str = required("Preformatted text, with its white space.", '"SELECT 1"')
    language: str | None = optional("Programming language: letters, digits and + # . / _ -.", '"sql"')


@strawberry.input(description="An entry of a live blog.")
class LiveEntryInput(BlockInputBase):
    at: DateTime = required("Time of the event.", '"2026-06-30T14:05:00Z"')
    text: str | None = optional("Text of the entry; or send `runs`.", '"The first lorries are moving."')
    runs: list[TextRunInput] | None = optional("Text with its marks.", '[{text: "x", marks: [STRONG]}]')
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
    list: ListInput | None = optional("A list.", '{items: [{text: "…"}]}')
    image: MediaBlockInput | None = optional("Picture.", '{media: "med_1"}')
    video: MediaBlockInput | None = optional("Video.", '{media: "med_1"}')
    audio: MediaBlockInput | None = optional("Audio recording.", '{media: "med_1"}')
    gallery: GalleryInput | None = optional("A gallery of pictures.", '{media: ["med_1"]}')
    embed: EmbedInput | None = optional("Embedded content of another site.", '{url: "https://…"}')
    table: TableInput | None = optional("A table.", '{rows: [{cells: [{text: "…"}]}]}')
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
