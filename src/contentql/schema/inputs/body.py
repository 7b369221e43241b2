"""Blocks and marks of a body."""

from __future__ import annotations

import strawberry

from contentql.schema.inputs.base import optional, required
from contentql.schema.scalars import DateTime


@strawberry.input(description="A stretch of a text that is set off; code points, `end` exclusive.")
class MarkInput:
    start: int = required("Where it begins.", "0")
    end: int = required("Behind its last character.", "4")
    kind: str = required("strong, em, link or mention.", '"strong"')
    href: str | None = optional("Where a link leads.", '"https://example.org"')


@strawberry.input(description="What all blocks take.")
class BlockInputBase:
    id: str | None = optional("The block's id, to keep it the same block.", '"blk_4f2a"')


@strawberry.input(description="A paragraph.")
class ParagraphInput(BlockInputBase):
    text: str = required("Its text.", '"The video aired…"')
    marks: list[MarkInput] | None = optional("What is set off in it.", '[{start: 0, end: 4, kind: "strong"}]')


@strawberry.input(description="A heading.")
class HeadingInput(BlockInputBase):
    text: str = required("Its text.", '"What is known"')
    level: int | None = optional("2 to 4.", "2")


@strawberry.input(description="A quotation.")
class QuoteInput(BlockInputBase):
    text: str = required("The words.", '"We are ready."')
    attribution: strawberry.ID | None = optional("Who said them: an attribution.", '"att_1122334455"')


@strawberry.input(description="Words of the text itself, set large; or a correction.")
class TextBlockInput(BlockInputBase):
    text: str = required("The words.", '"We are ready."')


@strawberry.input(description="A list.")
class ListInput(BlockInputBase):
    items: list[str] = required("Its items.", '["One", "Two"]')
    ordered: bool | None = optional("Whether it is numbered.", "false")


@strawberry.input(description="A picture, film or recording in the text.")
class MediaBlockInput(BlockInputBase):
    media: strawberry.ID = required("Which.", '"med_5544332211"')
    caption: str | None = optional("The line below it in this place.", '"The ceremony"')


@strawberry.input(description="A series of pictures.")
class GalleryInput(BlockInputBase):
    media: list[strawberry.ID] = required("Which, in order.", '["med_1", "med_2"]')


@strawberry.input(description="Something of another site.")
class EmbedInput(BlockInputBase):
    url: str = required("Where it lies.", '"https://www.youtube.com/watch?v=x"')
    provider: str | None = optional("Whose it is.", '"YouTube"')
    fallback_text: str | None = optional("What to show instead.", '"A film of the parade"')


@strawberry.input(description="A table.")
class TableInput(BlockInputBase):
    rows: list[list[str]] = required("Its rows; the first is the head.", '[["Year", "Troops"]]')


@strawberry.input(description="Text that keeps its spaces.")
class CodeInput(BlockInputBase):
    text: str = required("The text.", '"SELECT 1"')
    language: str | None = optional("What language it is in.", '"sql"')


@strawberry.input(description="An entry of a running account.")
class LiveEntryInput(BlockInputBase):
    at: DateTime = required("When it happened.", '"2026-06-30T14:05:00Z"')
    text: str = required("Its text.", '"The first lorries are moving."')
    title: str | None = optional("Its title.", '"Convoy leaves"')
    key_event: bool | None = optional("Whether it belongs into a summary.", "true")
    summary: bool | None = optional("Whether it is itself a summary.", "false")
    pinned: bool | None = optional("Whether it stays on top.", "false")


@strawberry.input(description="A link to something related.")
class RelatedLinkInput(BlockInputBase):
    url: str = required("Where it leads.", '"https://example.org/background"')
    title: str = required("What it says.", '"The treaty, explained"')


@strawberry.input(one_of=True, description="One block of the body.")
class BlockInput:
    paragraph: ParagraphInput | None = optional("A paragraph.", '{text: "…"}')
    heading: HeadingInput | None = optional("A heading.", '{text: "…", level: 2}')
    quote: QuoteInput | None = optional("A quotation.", '{text: "…"}')
    pullquote: TextBlockInput | None = optional("Words of the text, set large.", '{text: "…"}')
    list: ListInput | None = optional("A list.", '{items: ["…"]}')
    image: MediaBlockInput | None = optional("A picture.", '{media: "med_1"}')
    video: MediaBlockInput | None = optional("A film.", '{media: "med_1"}')
    audio: MediaBlockInput | None = optional("A recording.", '{media: "med_1"}')
    gallery: GalleryInput | None = optional("A series of pictures.", '{media: ["med_1"]}')
    embed: EmbedInput | None = optional("Something of another site.", '{url: "https://…"}')
    table: TableInput | None = optional("A table.", '{rows: [["…"]]}')
    code: CodeInput | None = optional("Text that keeps its spaces.", '{text: "…"}')
    rule: BlockInputBase | None = optional("A break between parts.", "{}")
    live_entry: LiveEntryInput | None = optional("An entry of a running account.", '{at: "…", text: "…"}')
    correction: TextBlockInput | None = optional("A correction in the text.", '{text: "…"}')
    related_link: RelatedLinkInput | None = optional("A link.", '{url: "https://…", title: "…"}')


@strawberry.input(one_of=True, description="The text of an article, in whichever form it is at hand.")
class BodyInput:
    text: str | None = optional("Plain text, a paragraph a line.", '"The video aired…"')
    markdown: str | None = optional("Markdown.", '"The video **aired**…"')
    html: str | None = optional("HTML; scripts and the like are refused.", '"<p>The video aired…</p>"')
    blocks: list[BlockInput] | None = optional("Typed blocks.", '[{paragraph: {text: "…"}}]')
