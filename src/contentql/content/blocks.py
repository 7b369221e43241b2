"""Typed blocks of an article's body, and the value types shared by all content records.

Blocks are parsed from and serialized to the JSON of `article_body.blocks` and of files: ids are integers in
the database and global ids such as `art_5` in files. Unknown fields of a known block type are rejected, not
dropped. The rules for texts, lines and links apply to input only: see `field_types`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import (
    AfterValidator,
    Discriminator,
    Field,
    SerializationInfo,
    SerializerFunctionWrapHandler,
    Tag,
    TypeAdapter,
    ValidationInfo,
    model_serializer,
    model_validator,
)
from pydantic_core import PydanticCustomError

from contentql.content.characters import is_visible
from contentql.content.enums import CorrectionKind
from contentql.content.field_types import (
    MAX_ITEMS,
    STORED,
    CodeLanguage,
    EmbedUrl,
    Line,
    Link,
    Text,
    at_most,
    is_input,
)
from contentql.content.frozen_model import FrozenModel
from contentql.content.id_fields import AttributionId, AuthorId, BlockId, LiveEntryId, MediaId, Timestamp
from contentql.content.list_items import ListItem, number_items
from contentql.content.rich_text import Mark, Marks, RichTextModel, Runs, fill_text, set_marks, write_runs
from contentql.content.sanitizer import sanitize_embed

MAX_BLOCKS = 5_000
MAX_BODY_LENGTH = 4_000_000  # characters in all texts of a body
MAX_ENTRIES = 50_000  # blocks with the entries of a live blog, which are added one by one
MAX_ENTRY_BLOCKS = 100  # of an entry of a live blog
MAX_EMBED_LENGTH = 20_000  # characters of the HTML of an embed


class _Block(FrozenModel):
    id: BlockId | None = None

    @model_serializer(mode="wrap")
    def _serialize(self, handler: SerializerFunctionWrapHandler, info: SerializationInfo) -> dict[str, Any]:
        # `type` is written even when defaults are excluded: it is the discriminator for parsing.
        result = self._write(handler(self), info)
        head = {"id": self.id} if self.id else {}
        return {**head, "type": getattr(self, "type"), **result}  # noqa: B009

    def _write(self, values: dict[str, Any], info: SerializationInfo) -> dict[str, Any]:
        return values


class _TextBlock(_Block, RichTextModel):
    """A block with one rich text."""

    def _write(self, values: dict[str, Any], info: SerializationInfo) -> dict[str, Any]:
        return write_runs(values, self.text, self.marks, info)


class Paragraph(_TextBlock):
    type: Literal["PARAGRAPH"] = "PARAGRAPH"


class Heading(_TextBlock):
    type: Literal["HEADING"] = "HEADING"
    level: Annotated[int, Field(ge=2, le=4)] = 2


class Quote(_TextBlock):
    type: Literal["QUOTE"] = "QUOTE"
    attribution: AttributionId | None = None


class Pullquote(_TextBlock):
    type: Literal["PULLQUOTE"] = "PULLQUOTE"


class List(_Block):
    """A list with its items, also those of nested lists, in the order in which they are read."""

    type: Literal["LIST"] = "LIST"
    ordered: bool = False
    items: Annotated[tuple[ListItem, ...], at_most(MAX_ITEMS, "items")]

    @model_validator(mode="after")
    def _number_items(self) -> List:
        object.__setattr__(self, "items", tuple(number_items(self.items, self.ordered)))
        return self


class _MediaBlock(_Block):
    """A block with one media file and a rich caption."""

    media: MediaId
    caption: Text | None = None
    caption_marks: Marks = ()
    caption_runs: Runs | None = Field(default=None, repr=False)

    @model_validator(mode="before")
    @classmethod
    def _text_of_runs(cls, value: Any, info: ValidationInfo) -> Any:
        runs = "captionRuns" if isinstance(value, dict) and "captionRuns" in value else "caption_runs"
        return fill_text(value, "caption", runs, info)

    @model_validator(mode="after")
    def _set_marks(self, info: ValidationInfo) -> _MediaBlock:
        set_marks(self, "caption", "caption_marks", "caption_runs", info)
        return self

    def _write(self, values: dict[str, Any], info: SerializationInfo) -> dict[str, Any]:
        name, marks_name = (
            ("captionRuns", "captionMarks") if info.by_alias else ("caption_runs", "caption_marks")
        )
        return write_runs(values, self.caption, self.caption_marks, info, name, marks_name)


class Image(_MediaBlock):
    type: Literal["IMAGE"] = "IMAGE"


class Video(_MediaBlock):
    type: Literal["VIDEO"] = "VIDEO"


class Audio(_MediaBlock):
    type: Literal["AUDIO"] = "AUDIO"


class Gallery(_Block):
    type: Literal["GALLERY"] = "GALLERY"
    media: Annotated[tuple[MediaId, ...], at_most(MAX_ITEMS, "media files")]


class Embed(_Block):
    type: Literal["EMBED"] = "EMBED"
    provider: Line | None = None
    url: EmbedUrl
    title: Line | None = None
    html: Annotated[str, at_most(MAX_EMBED_LENGTH, "characters"), AfterValidator(sanitize_embed)] | None = (
        None
    )
    fallback_text: Text | None = None


class TableCell(RichTextModel):
    """A cell of a table."""


class TableRow(FrozenModel):
    """A row of a table; input may be a plain list of cells."""

    cells: Annotated[tuple[TableCell, ...], at_most(MAX_ITEMS, "cells")]

    @model_validator(mode="before")
    @classmethod
    def _cells(cls, value: Any) -> Any:
        return {"cells": value} if isinstance(value, list | tuple) else value


class Table(_Block):
    """A table; its first row is the header."""

    type: Literal["TABLE"] = "TABLE"
    rows: Annotated[tuple[TableRow, ...], at_most(MAX_ITEMS, "rows")]


class CodeText(_Block):
    type: Literal["CODE"] = "CODE"
    text: Text
    language: CodeLanguage | None = None


class Rule(_Block):
    type: Literal["RULE"] = "RULE"


class EntryCorrection(FrozenModel):
    """Correction of an entry of a live blog."""

    kind: CorrectionKind
    text: Text
    corrected_at: Timestamp


class LiveEntry(_TextBlock):
    """An entry of a live blog. The body of its article ends with its entries, in the order of `entry_order`.

    An entry of one paragraph has its text and marks and no `blocks`; of any other one, text and marks are
    those of its blocks. `entry` is the id of its row.
    """

    type: Literal["LIVE_ENTRY"] = "LIVE_ENTRY"
    entry: LiveEntryId | None = None
    at: Timestamp
    title: Line | None = None
    key_event: bool = False
    summary: bool = False
    pinned: bool = False
    author: AuthorId | None = None
    media: MediaId | None = None
    blocks: Annotated[tuple[Block, ...], at_most(MAX_ENTRY_BLOCKS, "blocks")] = ()
    corrections: Annotated[tuple[EntryCorrection, ...], at_most(MAX_ITEMS, "corrections")] = ()

    @model_validator(mode="before")
    @classmethod
    def _text_may_follow(cls, value: Any) -> Any:
        if isinstance(value, dict) and value.get("blocks") and value.get("runs") is None:
            return {"text": "", **value}
        return value

    @model_validator(mode="after")
    def _set_text_of_blocks(self) -> LiveEntry:
        blocks = self.blocks
        if any(isinstance(block, LiveEntry) for block in blocks):
            raise ValueError("an entry of a live blog cannot contain another one")
        if blocks:
            text, marks = _joined_texts(blocks)
            object.__setattr__(self, "text", text)
            object.__setattr__(self, "marks", marks)
            if len(blocks) == 1 and isinstance(blocks[0], Paragraph):
                object.__setattr__(self, "blocks", ())
        return self

    @property
    def content(self) -> tuple[Block, ...]:
        """The blocks of the entry, also of one with a single paragraph."""
        if self.blocks or not self.text:
            return self.blocks
        # Not validated: the text may be a stored one, older than the rules.
        return (Paragraph.model_construct(id=None, text=self.text, marks=self.marks),)


class CorrectionText(_TextBlock):
    type: Literal["CORRECTION"] = "CORRECTION"


class RelatedLink(_Block):
    type: Literal["RELATED_LINK"] = "RELATED_LINK"
    url: Link
    title: Line


class Unknown(_Block):
    """Block of an unknown type. Its type and text are preserved for apps that can render it."""

    type: Literal["UNKNOWN"] = "UNKNOWN"
    original_type: Line
    fallback_text: Text | None = None

    @model_validator(mode="before")
    @classmethod
    def _keep_type_and_text(cls, value: Any) -> Any:
        if not isinstance(value, dict) or value.get("type", "UNKNOWN") == "UNKNOWN":
            return value
        result = value.get("fallbackText", value.get("text"))
        return {
            "id": value.get("id"),
            "originalType": str(value["type"]),
            "fallbackText": result if isinstance(result, str) else None,
        }


_KINDS: tuple[type[_Block], ...] = (
    Paragraph, Heading, Quote, Pullquote, List, Image, Video, Audio, Gallery, Embed, Table, CodeText, Rule,
    LiveEntry, CorrectionText, RelatedLink, Unknown,
)  # fmt: skip
BLOCK_TYPES = {kind.model_fields["type"].default for kind in _KINDS}


def _kind(value: Any) -> str | None:
    name = value.get("type") if isinstance(value, dict) else getattr(value, "type", None)
    if not isinstance(name, str):
        return None
    return name if name in BLOCK_TYPES else "UNKNOWN"


Block: TypeAlias = Annotated[
    Annotated[Paragraph, Tag("PARAGRAPH")]
    | Annotated[Heading, Tag("HEADING")]
    | Annotated[Quote, Tag("QUOTE")]
    | Annotated[Pullquote, Tag("PULLQUOTE")]
    | Annotated[List, Tag("LIST")]
    | Annotated[Image, Tag("IMAGE")]
    | Annotated[Video, Tag("VIDEO")]
    | Annotated[Audio, Tag("AUDIO")]
    | Annotated[Gallery, Tag("GALLERY")]
    | Annotated[Embed, Tag("EMBED")]
    | Annotated[Table, Tag("TABLE")]
    | Annotated[CodeText, Tag("CODE")]
    | Annotated[Rule, Tag("RULE")]
    | Annotated[LiveEntry, Tag("LIVE_ENTRY")]
    | Annotated[CorrectionText, Tag("CORRECTION")]
    | Annotated[RelatedLink, Tag("RELATED_LINK")]
    | Annotated[Unknown, Tag("UNKNOWN")],
    Discriminator(
        _kind, custom_error_type="no_type", custom_error_message="a block is an object with a `type`"
    ),
]
LiveEntry.model_rebuild()


def _require_length(blocks: tuple[Block, ...], info: ValidationInfo) -> tuple[Block, ...]:
    length = body_length(own_blocks(blocks)) if is_input(info) else 0
    if length > MAX_BODY_LENGTH:
        raise PydanticCustomError(
            "too_many_items",
            "must have at most {limit} characters, not {count}",
            {"limit": f"{MAX_BODY_LENGTH:,}", "count": f"{length:,}"},
        )
    return blocks


def _count_own_blocks(values: Any) -> int:
    return sum(1 for value in values if _kind(value) != "LIVE_ENTRY")


Blocks: TypeAlias = Annotated[
    tuple[Block, ...],
    at_most(MAX_ENTRIES, "live entries"),
    at_most(MAX_BLOCKS, "blocks", _count_own_blocks),
    AfterValidator(_require_length),
]

_BLOCKS: TypeAdapter[tuple[Block, ...]] = TypeAdapter(Blocks)


def parse_blocks(values: Any) -> tuple[Block, ...]:
    """Parses the blocks of an input. Raises pydantic.ValidationError with every error."""
    return _BLOCKS.validate_python(values)


def load_blocks(stored: Any) -> tuple[Block, ...]:
    """Parses the value of `article_body.blocks`, without the rules that apply to input only."""
    return _BLOCKS.validate_python(stored, context=STORED)


def dump_blocks(blocks: Iterable[Block]) -> list[dict[str, Any]]:
    """Serializes blocks for `article_body.blocks`: every key of the type, null where empty."""
    return [block.model_dump(by_alias=True) for block in blocks]


def block_text(block: Block) -> str:
    """Returns the text of a block, to which span offsets refer; for a media block its caption."""
    match block:
        case Paragraph() | Heading() | Quote() | Pullquote() | CodeText() | CorrectionText():
            return block.text
        case List():
            return "\n".join(item.text for item in block.items)
        case Image() | Video() | Audio():
            return block.caption or ""
        case Embed() | Unknown():
            return block.fallback_text or ""
        case Table():
            return "\n".join("\t".join(cell.text for cell in row.cells) for row in block.rows)
        case LiveEntry():
            return f"{block.title}\n{block.text}" if block.title else block.text
        case RelatedLink():
            return block.title
        case Gallery() | Rule():
            return ""


def block_mentions(block: Block) -> Iterator[str]:
    """Yields the ids of the objects that the texts of a block mention."""
    match block:
        case _TextBlock():
            texts: Iterable[Sequence[Mark]] = (block.marks,)
        case List():
            texts = (item.marks for item in block.items)
        case Table():
            texts = (cell.marks for row in block.rows for cell in row.cells)
        case Image() | Video() | Audio():
            texts = (block.caption_marks,)
        case _:
            texts = ()
    if isinstance(block, LiveEntry) and block.blocks:
        texts = ()
        for inner in block.blocks:
            yield from block_mentions(inner)
    for marks in texts:
        yield from (mark.value for mark in marks if mark.kind == "mention" and mark.value)


def has_content(block: Block) -> bool:
    """Whether readers see anything of a block."""
    return is_visible(block_text(block)) or bool(block_media(block)) or isinstance(block, Embed)


def body_length(blocks: Iterable[Block]) -> int:
    """Returns the number of characters in all texts of a body."""
    return sum(len(block_text(block)) for block in blocks)


def block_media(block: Block) -> tuple[int, ...]:
    """Returns the ids of the media in a block."""
    match block:
        case Image() | Video() | Audio():
            return (block.media,)
        case Gallery():
            return block.media
        case LiveEntry():
            inner = [media for part in block.blocks for media in block_media(part)]
            return tuple(dict.fromkeys([*([block.media] if block.media else []), *inner]))
        case _:
            return ()


def own_blocks(blocks: Iterable[Block]) -> tuple[Block, ...]:
    """Returns the blocks of a body without its live entries."""
    return tuple(block for block in blocks if not isinstance(block, LiveEntry))


def live_entries(blocks: Iterable[Block]) -> tuple[LiveEntry, ...]:
    """Returns the live entries of a body, in the order of the body."""
    return tuple(block for block in blocks if isinstance(block, LiveEntry))


def _joined_texts(blocks: Iterable[Block]) -> tuple[str, tuple[Mark, ...]]:
    """Returns the texts of blocks as one text, a line for each, with the marks of their paragraphs."""
    text, marks = "", []
    for block in blocks:
        if part := block_text(block):
            text += "\n" if text else ""
            for mark in block.marks if isinstance(block, _TextBlock) else ():
                moved = {"start": mark.start + len(text), "end": mark.end + len(text)}
                marks.append(mark.model_copy(update=moved))
            text += part
    return text, tuple(marks)
