"""Builder of typed blocks from structural tags, marks and text in any order.

The outermost open tag decides the block: text within a list becomes its items, at any depth; text outside
of a block becomes a paragraph. Invariant: independent of the database, of styles and of what is unsafe.
"""

from __future__ import annotations

import contextlib
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from contentql.content.blocks import (
    MAX_BLOCKS,
    Audio,
    Block,
    CodeText,
    CorrectionText,
    Embed,
    Gallery,
    Heading,
    Image,
    Paragraph,
    Pullquote,
    Quote,
    RelatedLink,
    Rule,
    Table,
    TableCell,
    TableRow,
    Video,
)
from contentql.content.embeds import embed_provider
from contentql.content.field_types import CODE_LANGUAGE, MAX_ITEMS, MAX_LANGUAGE_LENGTH
from contentql.content.warnings import WarningCode
from contentql.formats.body_callbacks import BodyCallbacks
from contentql.formats.html_safety import require_count
from contentql.formats.list_items import Item, list_block, list_paragraph
from contentql.formats.live_entries import EntryBuilder
from contentql.formats.text_buffer import OpenMark, ParsedText, TextBuffer

CONTAINERS: Final[Mapping[str, str]] = {
    tag: tag for tag in ("blockquote", "aside", "ul", "ol", "table", "pre", "figcaption")
} | {f"h{level}": "heading" for level in range(1, 7)}
CELLS: Final = {"table", "tr", "td", "th", "caption"}
PARTS: Final = {
    "p", "div", "section", "article", "header", "footer", "main", "nav", "address", "center", "details",
    "summary", "dl", "dt", "dd", "li", "hr", "figure", "hgroup", "html", "head", "body", "search", "dialog",
    "menu", "dir", "caption", "thead", "tbody", "tfoot", "tr", "td", "th",
}  # fmt: skip


_BLOCK_ID: Final = re.compile(r"blk_[A-Za-z0-9_-]{1,36}")


class BlockBuilder:
    """`embeds_urls`: whether a paragraph with nothing but the URL of embeddable content becomes an embed.

    Methods raise OversizedContentError for more parts than a body may have.
    """

    def __init__(self, callbacks: BodyCallbacks, *, embeds_urls: bool = True) -> None:
        self._callbacks = callbacks
        self._embeds_urls = embeds_urls
        self._blocks: list[Block] = []
        self._after: list[Block] = []
        self.words = TextBuffer()
        self._marks: dict[str, list[OpenMark]] = {}
        self._open: list[str] = []
        self._depth: Counter[str] = Counter()
        self._attributes: Mapping[str, str] = {}  # of the outermost container
        self._paragraph_type = ""
        self._level = 2
        self._items: list[Item] = []
        self._lists: list[tuple[bool, int | None]] = []
        self.list_level: int | None = None  # of the current paragraph, if it is an item of a list
        self.list_marker = ""
        self._rows: list[list[ParsedText]] = []
        self._in_cell = False
        self._language: str | None = None
        self._entry: EntryBuilder | None = None  # the open entry of a live blog
        self._in_time = False
        self._block_id: str | None = None  # of the element that has begun
        self._used_ids: set[str] = set()
        self._in_figure = False
        self._figure_block: int | None = None
        self.footnote = ""  # number to be written before the next paragraph

    @property
    def outer(self) -> str | None:
        """The outermost open container."""
        return self._open[0] if self._open else None

    @property
    def in_pre(self) -> bool:
        return bool(self._depth["pre"])

    def begin_mark(self, mark: OpenMark) -> None:
        """Begins a mark; within another of its kind, its value replaces the other one's."""
        active = self._marks.setdefault(mark.kind, [])
        if active and active[-1] != mark:
            self.words.end(active[-1])
        active.append(mark)
        self.words.begin(mark)

    def end_mark(self, mark: OpenMark) -> None:
        active = self._marks.get(mark.kind, [])
        place = next((n for n in range(len(active) - 1, -1, -1) if active[n] == mark), None)
        if place is None:
            return
        effective = active[-1]
        del active[place]
        if mark == effective and active[-1:] != [mark]:
            self.words.end(mark)
            if active:
                self.words.begin(active[-1])

    def text(self, text: str) -> None:
        if self._in_time:
            pass
        elif not self.in_pre:
            self.words.append(text)
        elif self.outer == "pre":
            self.words.append_literal(text)
        else:
            for number, line in enumerate(text.split("\n")):
                if number:
                    self.words.break_line()
                self.words.append(line)

    def open(self, tag: str, attributes: Mapping[str, str]) -> None:
        if tag == "code" and self.in_pre:
            self._language = self._language or _language(attributes)
        elif tag == "section" and self._opens_entry(attributes):
            self._begin_entry(attributes)
        elif tag == "time" and self._entry and not self._open and not self._entry.time:
            self._entry.time, self._in_time = attributes.get("datetime", ""), True
        elif container := CONTAINERS.get(tag):
            self._contain(container, tag, attributes)
        elif tag in PARTS:
            self._part(tag, attributes, opens=True)
            self._begin_block(attributes)
            if tag == "hr" and not self._open:
                self.append(Rule())
            elif tag == "figure":
                self._in_figure, self._figure_block = True, None
            elif tag == "p" and not self._open:
                self._paragraph_type = attributes.get("data-type", "")

    def close(self, tag: str) -> None:
        if tag == "time":
            self._in_time = False
        container = CONTAINERS.get(tag)
        if tag == "section" and self._entry and self._entry.close_section():
            self._end_entry()
        elif container:
            if self._depth[container]:
                self._leave(container)
        elif tag in PARTS:
            self._part(tag, {}, opens=False)
            self._begin_block({})
            if tag == "figure":
                self._in_figure, self._figure_block = False, None

    def append(self, block: Block) -> None:
        """Appends a block with the id of the element that it is made of."""
        self._flush_list_paragraphs()
        if self._block_id and self._block_id not in self._used_ids:
            self._used_ids.add(self._block_id)
            block = block.model_copy(update={"id": self._block_id})
        self._block_id = None
        self._blocks.append(block)

    def show(self, block: Block) -> None:
        """Appends media or an embed: at once, or after the block that is open."""
        if self._open or self.words:
            self._after.append(block)
            return
        last = self._blocks[-1] if self._blocks else None
        if isinstance(block, Gallery) and isinstance(last, Gallery) and self._paragraph_type == "gallery":
            self._blocks[-1] = last.model_copy(update={"media": (*last.media, *block.media)})
            return
        self.append(block)
        if isinstance(block, Gallery):
            self._paragraph_type = "gallery"
        if self._in_figure:
            self._figure_block = len(self._blocks) - 1

    def show_caption(self, text: str) -> None:
        """Sets the caption of the media file that was shown last."""
        self._set_caption(ParsedText(text))

    @contextlib.contextmanager
    def caption(self) -> Iterator[None]:
        """Reads the text within the context as the caption of the media file that was shown last."""
        outer_words, self.words = self.words, TextBuffer()
        outer_marks, self._marks = self._marks, {}
        yield
        parsed = self.words.take()
        self.words, self._marks = outer_words, outer_marks
        if parsed:
            self._set_caption(parsed)

    def _set_caption(self, caption: ParsedText) -> None:
        shown = self._after or self._blocks
        if shown and isinstance(shown[-1], Image | Video | Audio):
            update = {"caption": caption.text, "caption_marks": caption.marks}
            shown[-1] = shown[-1].model_copy(update=update)

    def begin_list_paragraph(self, level: int) -> None:
        """The paragraph that has begun is an item of a list, as word processors write lists."""
        if not self._open:
            self.list_level, self.list_marker = level, ""

    def finish(self) -> tuple[Block, ...]:
        """Closes all open tags and returns the blocks."""
        if self._open:
            outer = self._open[0]
            self._open.clear()
            self._make_block(outer)
        self._paragraph()
        if self._entry:
            self._end_entry()
        self._flush_list_paragraphs()
        require_count("The text", len(self._blocks), "blocks", MAX_BLOCKS)
        return tuple(self._blocks)

    def _begin_block(self, attributes: Mapping[str, str]) -> None:
        """The next block is that of an element with these attributes."""
        if not self._open:
            name = attributes.get("id", "")
            self._block_id = name if _BLOCK_ID.fullmatch(name) else None

    def _contain(self, container: str, tag: str, attributes: Mapping[str, str]) -> None:
        if container == "heading":
            if self._open[-1:] == ["heading"]:
                self._leave("heading")
            if not self._open:
                self._level = min(max(int(tag[1]), 2), 4)
        self._part(tag, attributes, opens=True)
        if not self._open:
            self._begin_block(attributes)
            self._attributes = attributes
            self._language = _language(attributes) if container == "pre" else None
        if container in ("ul", "ol") and self.outer in (None, "ul", "ol"):
            start = attributes.get("start", "")
            valid = start.isascii() and start.isdecimal() and len(start) < 10
            self._lists.append((container == "ol", int(start) if valid else None))
        self._open.append(container)
        self._depth[container] += 1

    def _leave(self, container: str) -> None:
        """Closes an open container and all containers within it."""
        ended = None
        while ended != container:
            if len(self._open) > 1:
                self._part(self._open[-1], {}, opens=False)
            ended = self._open.pop()
            self._depth[ended] -= 1
            if ended in ("ul", "ol") and self._lists and self._open:
                self._lists.pop()
        if not self._open:
            self._make_block(container)

    def _part(self, tag: str, attributes: Mapping[str, str], *, opens: bool) -> None:
        """Ends the text so far at the edge of a block: as a paragraph, an item, a cell or a line."""
        outer = self.outer
        if outer is None:
            self._paragraph()
        elif outer in ("ul", "ol") and tag in ("li", "ul", "ol"):
            self._item()
        elif outer == "table" and (tag in CELLS or not self._in_cell):
            self._cell(tag, attributes, opens=opens)
        else:
            self.words.end_line()

    def _paragraph(self) -> None:
        parsed = self._take_text()
        kind, self._paragraph_type = self._paragraph_type, ""
        level, self.list_level = self.list_level, None
        if not parsed:
            pass
        elif level is not None:
            self._list_paragraph(level, parsed)
        elif kind == "correction":
            self.append(CorrectionText(text=parsed.text, marks=parsed.marks))
        elif kind == "related_link" and len(parsed.marks) == 1 and parsed.marks[0].kind == "link":
            self.append(RelatedLink(url=parsed.marks[0].value or "", title=parsed.text.replace("\n", " ")))
        elif self._embeds_urls and not kind and (provider := embed_provider(parsed.text.strip())):
            self.append(Embed(url=parsed.text.strip(), provider=provider))
        else:
            self.append(Paragraph(text=parsed.text, marks=parsed.marks))
        self._append_media()

    def _append_media(self) -> None:
        after, self._after = self._after, []
        for block in after:
            self.show(block)

    def _list_paragraph(self, level: int, parsed: ParsedText) -> None:
        item = list_paragraph(level, self.list_marker, parsed)
        if level == 0 and self._items and self._items[0].ordered != item.ordered:
            self._flush_list_paragraphs()
        self._items.append(item)

    def _flush_list_paragraphs(self) -> None:
        if self._items and not self._open:
            items, self._items = self._items, []
            self._blocks.append(list_block(items[0].ordered, items))

    def _item(self) -> None:
        if parsed := self._take_text():
            ordered, start = self._lists[-1]
            self._items.append(Item(len(self._lists) - 1, ordered, start, parsed))

    def _cell(self, tag: str, attributes: Mapping[str, str], *, opens: bool) -> None:
        parsed = self._take_text()
        if self._in_cell:
            self._rows[-1].append(parsed)
        elif parsed:
            # Browsers show text between cells above the table.
            self._blocks.append(Paragraph(text=parsed.text, marks=parsed.marks))
        self._in_cell = opens and tag in ("td", "th")
        if opens and (tag == "tr" or (self._in_cell and not self._rows)):
            self._rows.append([])
        if self._in_cell and {"colspan", "rowspan"} & attributes.keys():
            self._span_cell(attributes)

    def _span_cell(self, attributes: Mapping[str, str]) -> None:
        """Replaces a cell over several columns by empty cells before it, and reports merged cells."""
        columns, rows = (attributes.get(name, "1") for name in ("colspan", "rowspan"))
        if columns not in ("", "1") or rows not in ("", "1"):
            place = f"row {len(self._rows)}"
            self._callbacks.warn(WarningCode.CHANGED, "A merged cell of a table became a single cell.", place)

    def _make_block(self, container: str) -> None:
        """Appends the block of a closed container."""
        match container:
            case "ul" | "ol":
                self._item()
                require_count("A list", len(self._items), "items", MAX_ITEMS)
                items, self._items, self._lists = self._items, [], []
                if items:
                    self.append(list_block(container == "ol", items))
            case "table":
                self._cell("table", {}, opens=False)
                require_count("A table", len(self._rows), "rows", MAX_ITEMS)
                require_count("A table", max(map(len, self._rows), default=0), "columns", MAX_ITEMS)
                if rows := tuple(_table_row(row) for row in self._rows if row):
                    self.append(Table(rows=rows))
                self._rows = []
            case "pre":
                text = self._take_text(stripped=False).text
                if text:
                    self.append(CodeText(text=text, language=self._language))
            case _:
                if parsed := self._take_text():
                    self._text_block(container, parsed)
        self._append_media()

    def _text_block(self, container: str, parsed: ParsedText) -> None:
        values: dict[str, Any] = {"text": parsed.text, "marks": parsed.marks}
        match container:
            case "heading":
                if self._entry and self._entry.take_title(parsed, self._attributes, first=not self._blocks):
                    return
                self.append(Heading(level=self._level, **values))
            case "blockquote":
                self.append(Quote(**values))
            case "aside":
                self.append(Pullquote(**values))
            case "figcaption":
                self._caption(parsed)
            case _:
                self.append(Paragraph(**values))

    def _opens_entry(self, attributes: Mapping[str, str]) -> bool:
        if self._entry:
            self._entry.sections += 1
            return False
        return attributes.get("data-type") == "live_entry" and not self._open

    def _begin_entry(self, attributes: Mapping[str, str]) -> None:
        self._part("section", attributes, opens=True)
        self._flush_list_paragraphs()
        self._begin_block(attributes)
        self._entry = EntryBuilder(attributes, self._block_id, self._blocks)
        self._block_id, self._blocks = None, []

    def _end_entry(self) -> None:
        """Appends the open entry with the blocks since its beginning."""
        assert self._entry
        self._part("section", {}, opens=False)
        self._flush_list_paragraphs()
        entry, self._entry = self._entry, None
        content, self._blocks = self._blocks, entry.before
        self._block_id = entry.block_id
        made = entry.build(content, self._callbacks)
        if made:
            self.append(made)
        else:
            self._block_id = None
            self._blocks += content

    def _caption(self, parsed: ParsedText) -> None:
        """Sets the caption of the media file or embed of a figure."""
        block = None if self._figure_block is None else self._blocks[self._figure_block]
        if isinstance(block, Image | Video | Audio) and not block.caption:
            update: dict[str, Any] = {"caption": parsed.text, "caption_marks": parsed.marks}
        elif isinstance(block, Embed) and not block.fallback_text:
            update = {"fallback_text": parsed.text}
        else:
            self.append(Paragraph(text=parsed.text, marks=parsed.marks))
            return
        assert self._figure_block is not None
        self._blocks[self._figure_block] = block.model_copy(update=update)

    def _take_text(self, *, stripped: bool = True) -> ParsedText:
        """Text so far with its marks; open marks continue in the next text."""
        if not self.words:
            return ParsedText()
        words, self.words = self.words, TextBuffer()
        for mark in words.open_marks():
            self.words.begin(mark)
        return words.take(stripped=stripped)


def _table_row(cells: Sequence[ParsedText]) -> TableRow:
    return TableRow(cells=tuple(TableCell(text=cell.text, marks=cell.marks) for cell in cells))


def _language(attributes: Mapping[str, str]) -> str | None:
    """Language of a code block, from `class="language-sql"`; of `language-js{1,3}` it is `js`."""
    for word in attributes.get("class", "").split():
        if word.startswith("language-"):
            name = CODE_LANGUAGE.match(word.removeprefix("language-"))
            return (name[0] if name else "")[:MAX_LANGUAGE_LENGTH] or None
    return None
