"""Parser of body HTML into typed blocks; unsafe content is rejected and never silently removed.

The text of unknown tags is preserved. Marks are preserved in paragraphs only, the one block type that has
them. Invariant: independent of the database and of CSS.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Literal, NamedTuple
from urllib.parse import quote

from pydantic import TypeAdapter, ValidationError

from contentql.content import ids
from contentql.content.blocks import (
    MAX_BLOCKS,
    Audio,
    Block,
    CodeText,
    Gallery,
    Heading,
    Image,
    List,
    Mark,
    Paragraph,
    Pullquote,
    Quote,
    Rule,
    Table,
    Video,
)
from contentql.content.field_types import CODE_LANGUAGE, MAX_ITEMS, MAX_LANGUAGE_LENGTH, Link
from contentql.formats.html_safety import refuse_controls, reject_unsafe, require_count
from contentql.formats.html_tokenizer import tokenize_html


def parse_media_reference(name: str) -> int | None:
    """Decodes a media id: `med_123`, or `123` as in rendered HTML."""
    result = ids.decode_id(name if name.startswith("med_") else f"med_{name}")
    return result[1] or None if result else None


def ignore(address: str) -> None:
    """Ignores an address that no block can hold."""


def html_to_blocks(
    text: str,
    *,
    media: Callable[[str], int | None] = parse_media_reference,
    lost: Callable[[str], object] = ignore,
) -> tuple[Block, ...]:
    """Parses HTML into blocks; elements without text are omitted, a picture in a text follows it.

    `media` resolves a `data-media` attribute to a media id. `lost` is called with the address of every
    picture, video or link that no block can hold. Raises UnsafeContentError, OversizedContentError.
    """
    body = BlockBuilder(media, lost)
    body.feed(text)
    return body.blocks()


def normalize_newlines(text: str) -> str:
    """Converts line ends to newlines. Raises UnsafeContentError for control characters and surrogates."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    refuse_controls(text)
    return text


class BlockBuilder:
    """Builder of blocks from tags and text in any order. Every method may raise UnsafeContentError.

    The outermost open tag decides the block: text within a list becomes its items, at any depth; text outside
    of a block becomes a paragraph.
    """

    def __init__(
        self,
        media: Callable[[str], int | None] = parse_media_reference,
        lost: Callable[[str], object] = ignore,
    ) -> None:
        self._media = media
        self._lost = lost
        self._blocks: list[Block] = []
        self._after: list[Block] = []
        self._words = _TextBuffer()
        self._open: list[str] = []
        self._depth: Counter[str] = Counter()
        self._link: _Mark | None = None
        self._level = 2
        self._items: list[str] = []
        self._rows: list[list[str]] = []
        self._in_cell = False
        self._language: str | None = None
        self._pictured = False

    def feed(self, html: str) -> None:
        for piece in tokenize_html(normalize_newlines(html)):
            if isinstance(piece, str):
                self.text(piece)
            elif piece.closes:
                self.close(piece.name)
            else:
                self.open(piece.name, piece.attributes)

    def text(self, text: str) -> None:
        refuse_controls(text)
        if not self._depth["pre"]:
            self._words.say(text)
        elif self._open[0] == "pre":
            self._words.keep(text)
        else:
            for number, line in enumerate(text.split("\n")):
                if number:
                    self._words.turn()
                self._words.say(line)

    def open(self, tag: str, attributes: Mapping[str, str]) -> None:
        reject_unsafe(tag, attributes)
        if kind := _MARKS.get(tag):
            self._depth[kind] += 1
            self._words.begin(_Mark(kind))
        elif tag == "a":
            # A link within a link closes the outer one, as in every browser.
            self.close("a")
            self._link = self._led(attributes.get("href", ""))
            if self._link:
                self._words.begin(self._link)
        elif tag == "br":
            self._words.turn()
        elif tag in _SHOWN:
            self._picture(tag, attributes)
        elif tag == "code" and self._depth["pre"]:
            self._language = self._language or _language(attributes)
        elif container := _CONTAINERS.get(tag):
            self._contain(container, tag, attributes)
        elif tag in _PARTS:
            self._part(tag, opens=True)
            if tag == "hr" and not self._open:
                self._blocks.append(Rule())
            elif tag == "figure":
                self._figure(attributes)

    def close(self, tag: str) -> None:
        if kind := _MARKS.get(tag):
            if self._depth[kind]:
                self._depth[kind] -= 1
                if not self._depth[kind]:
                    self._words.end(_Mark(kind))
        elif tag == "a":
            if self._link:
                self._words.end(self._link)
                self._link = None
        elif container := _CONTAINERS.get(tag):
            if self._depth[container]:
                self._leave(container)
        elif tag in _PARTS:
            self._part(tag, opens=False)
            if tag == "figure":
                self._pictured = False

    def blocks(self) -> tuple[Block, ...]:
        """Closes all open tags and returns the blocks."""
        if self._open:
            outer = self._open[0]
            self._open.clear()
            self._make_block(outer)
        self._paragraph()
        require_count("The text", len(self._blocks), "blocks", MAX_BLOCKS)
        return tuple(self._blocks)

    def _contain(self, container: str, tag: str, attributes: Mapping[str, str]) -> None:
        if container == "heading":
            if self._open[-1:] == ["heading"]:
                self._leave("heading")
            if not self._open:
                self._level = min(max(int(tag[1]), 2), 4)
        self._part(tag, opens=True)
        if container == "pre" and not self._open:
            self._language = _language(attributes)
        self._open.append(container)
        self._depth[container] += 1

    def _leave(self, container: str) -> None:
        """Closes an open container and all containers within it."""
        ended = None
        while ended != container:
            ended = self._open.pop()
            self._depth[ended] -= 1
        if self._open:
            self._part(container, opens=False)
        else:
            self._make_block(container)

    def _part(self, tag: str, *, opens: bool) -> None:
        """Ends the text so far at the edge of a block: as a paragraph, an item, a cell or a line."""
        outer = self._open[0] if self._open else None
        if outer is None:
            self._paragraph()
        elif outer in ("ul", "ol") and tag in ("li", "ul", "ol"):
            self._item()
        elif outer == "table" and (tag in _CELLS or not self._in_cell):
            self._cell(tag, opens=opens)
        else:
            self._words.line()

    def _paragraph(self) -> None:
        result, marks = self._take_text()
        if result:
            self._blocks.append(Paragraph(text=result, marks=marks))
        self._blocks += self._after
        self._after.clear()

    def _item(self) -> None:
        result, _ = self._take_text()
        if result:
            self._items.append(result)

    def _cell(self, tag: str, *, opens: bool) -> None:
        result, marks = self._take_text()
        if self._in_cell:
            self._rows[-1].append(result)
        elif result:
            # Browsers show text between cells above the table.
            self._blocks.append(Paragraph(text=result, marks=marks))
        self._in_cell = opens and tag in ("td", "th")
        if opens and (tag == "tr" or (self._in_cell and not self._rows)):
            self._rows.append([])

    def _make_block(self, container: str) -> None:
        """Appends the block of a closed container."""
        match container:
            case "ul" | "ol":
                self._item()
                require_count("A list", len(self._items), "items", MAX_ITEMS)
                if self._items:
                    self._blocks.append(List(ordered=container == "ol", items=tuple(self._items)))
                self._items = []
            case "table":
                self._cell("table", opens=False)
                require_count("A table", len(self._rows), "rows", MAX_ITEMS)
                require_count("A table", max(map(len, self._rows), default=0), "columns", MAX_ITEMS)
                if rows := tuple(tuple(row) for row in self._rows if row):
                    self._blocks.append(Table(rows=rows))
                self._rows = []
            case "pre":
                result, _ = self._take_text(stripped=False)
                if result:
                    self._blocks.append(CodeText(text=result, language=self._language))
            case _:
                result, _ = self._take_text()
                if result:
                    self._worded(container, result)
        self._blocks += self._after
        self._after.clear()

    def _worded(self, container: str, text: str) -> None:
        last = self._blocks[-1] if self._pictured else None
        match container:
            case "heading":
                self._blocks.append(Heading(level=self._level, text=text))
            case "blockquote":
                self._blocks.append(Quote(text=text))
            case "aside":
                self._blocks.append(Pullquote(text=text))
            case "figcaption" if isinstance(last, Image | Video | Audio) and not last.caption:
                self._blocks[-1] = last.model_copy(update={"caption": text})
            case _:
                self._blocks.append(Paragraph(text=text))

    def _take_text(self, *, stripped: bool = True) -> tuple[str, tuple[Mark, ...]]:
        """Text so far with its marks; open marks continue in the next text."""
        if not self._words:
            return "", ()
        words, self._words = self._words, _TextBuffer()
        for mark in words.has_text():
            self._words.begin(mark)
        return words.take(stripped)

    def _led(self, href: str) -> _Mark | None:
        href = href.replace("\t", "").replace("\n", "").replace("\r", "").strip(" ")
        refuse_controls(href)
        href = _BLANK.sub(lambda blank: quote(blank[0]), href)  # as browsers do
        try:
            return _Mark("link", _LINK.validate_python(href))
        except ValidationError:
            if href:
                self._lost(href)
            return None

    def _picture(self, tag: str, attributes: Mapping[str, str]) -> None:
        name = attributes.get("data-media", "")
        media = self._media(name) if name else None
        if media is not None:
            self._show(Image(media=media))
        elif address := attributes.get("src") or name or (tag == "img" and "<img>"):
            self._lost(address)

    def _figure(self, attributes: Mapping[str, str]) -> None:
        """Handles a `figure` as rendered by this package, with media of any kind."""
        self._pictured = False
        names = attributes.get("data-media", "").split()
        media = [result for name in names if (result := self._media(name)) is not None]
        match attributes.get("data-type", "image"), media:
            case _ if len(media) < len(names):
                self._lost(" ".join(names))
            case "image", [only]:
                self._show(Image(media=only))
            case "video", [only]:
                self._show(Video(media=only))
            case "audio", [only]:
                self._show(Audio(media=only))
            case "gallery", [_, *_]:
                self._show(Gallery(media=tuple(media)))
            case _ if names:
                self._lost(" ".join(names))

    def _show(self, block: Block) -> None:
        if self._open or self._words:
            self._after.append(block)
        else:
            self._blocks.append(block)
            self._pictured = True


class _Mark(NamedTuple):
    kind: Literal["strong", "em", "link"]
    href: str | None = None


class _TextBuffer:
    """Text buffer with white space collapsed as in browsers, and the positions where marks begin and end."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._length = 0
        self._since: dict[_Mark, int] = {}
        self._marked: list[tuple[_Mark, int, int]] = []

    def __bool__(self) -> bool:
        return bool(self._length)

    def keep(self, text: str) -> None:
        if text:
            self._pieces.append(text)
            self._length += len(text)

    def say(self, text: str) -> None:
        text = _SPACE.sub(" ", text)
        self.keep(text.removeprefix(" ") if self._last() in ("", " ", "\n") else text)

    def turn(self) -> None:
        """Begins a new line, except before the first text."""
        if self._last() == " ":
            self._pieces[-1] = self._pieces[-1][:-1] + "\n"
        elif self._pieces:
            self.keep("\n")

    def line(self) -> None:
        if self._last() != "\n":
            self.turn()

    def begin(self, mark: _Mark) -> None:
        self._since.setdefault(mark, self._length)

    def end(self, mark: _Mark) -> None:
        self._marked.append((mark, self._since.pop(mark), self._length))

    def has_text(self) -> tuple[_Mark, ...]:
        return tuple(self._since)

    def take(self, stripped: bool) -> tuple[str, tuple[Mark, ...]]:
        for mark in self.has_text():
            self.end(mark)
        text = "".join(self._pieces)
        text = text.rstrip(" \n") if stripped else text
        if not self._marked:
            return text, ()
        ranges: dict[_Mark, list[tuple[int, int]]] = {}
        for mark, start, end in self._marked:
            end = min(end, len(text))
            if start < end:
                result = ranges.setdefault(mark, [])
                if result and result[-1][1] == start:
                    start = result.pop()[0]
                result.append((start, end))
        require_count("A paragraph", sum(map(len, ranges.values())), "marks", MAX_ITEMS)
        placed = sorted((*range_, *mark) for mark, spans in ranges.items() for range_ in spans)
        return text, tuple(Mark(start=at, end=end, kind=kind, href=href) for at, end, kind, href in placed)

    def _last(self) -> str:
        return self._pieces[-1][-1] if self._pieces else ""


_MARKS: Mapping[str, Literal["strong", "em"]] = {"strong": "strong", "b": "strong", "em": "em", "i": "em"}
_SHOWN = {"img", "image", "video", "audio", "source"}
_CONTAINERS = {tag: tag for tag in ("blockquote", "aside", "ul", "ol", "table", "pre", "figcaption")} | {
    f"h{level}": "heading" for level in range(1, 7)
}
_CELLS = {"table", "tr", "td", "th", "caption"}
_PARTS = {
    "p", "div", "section", "article", "header", "footer", "main", "nav", "address", "center", "details",
    "summary", "dl", "dt", "dd", "li", "hr", "figure", "hgroup", "html", "head", "body", "search", "dialog",
    "menu", "dir", "caption", "thead", "tbody", "tfoot", "tr", "td", "th",
}  # fmt: skip

_LINK: TypeAdapter[str] = TypeAdapter(Link)
_SPACE = re.compile(r"[ \t\n]+")
_BLANK = re.compile(r"\s")


def _language(attributes: Mapping[str, str]) -> str | None:
    """Language of a code block, from `class="language-sql"`; of `language-js{1,3}` it is `js`."""
    for word in attributes.get("class", "").split():
        if word.startswith("language-"):
            refuse_controls(word)
            name = CODE_LANGUAGE.match(word.removeprefix("language-"))
            return (name[0] if name else "")[:MAX_LANGUAGE_LENGTH] or None
    return None
