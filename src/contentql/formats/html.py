"""Parser of body HTML into typed blocks, also of what word processors put on the clipboard.

Active content is rejected, all of it at once; what readers do not see, such as comments and deleted text, is
left out with a warning; styles become marks. The text of unknown tags is preserved.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

from pydantic import TypeAdapter, ValidationError

from contentql.content.blocks import Audio, Block, Embed, Gallery, Image, Video
from contentql.content.enums import MediaKind
from contentql.content.field_types import Link, MediaUrl
from contentql.content.rich_text import is_valid_value
from contentql.content.warnings import WarningCode
from contentql.formats.block_builder import BlockBuilder
from contentql.formats.body_callbacks import BodyCallbacks, ExternalMedia
from contentql.formats.html_embeds import (
    EmbedReader,
    begins_embed,
    frame_embed,
    is_widget_script,
    make_embed,
)
from contentql.formats.html_safety import (
    CONTROLS,
    OversizedContentError,
    Problem,
    UnsafeContentError,
    active_content,
    is_active,
    remove_controls,
    safe_attributes,
)
from contentql.formats.html_styles import VOID, ElementStyle, read_style
from contentql.formats.html_tokenizer import LiteralSpace, tokenize_html
from contentql.formats.text_buffer import OpenMark
from contentql.language_tags import normal_form

MAX_PROBLEMS: Final = 50
_BLANK: Final = re.compile(r"\s")
_LINK: Final[TypeAdapter[str]] = TypeAdapter(Link)
_MEDIA_URL: Final[TypeAdapter[str]] = TypeAdapter(MediaUrl)
_MEDIA_TAGS: Final = {
    "img": MediaKind.IMAGE, "image": MediaKind.IMAGE, "video": MediaKind.VIDEO, "audio": MediaKind.AUDIO,
}  # fmt: skip
_MEDIA_BLOCKS: Final = {MediaKind.IMAGE: Image, MediaKind.VIDEO: Video, MediaKind.AUDIO: Audio}
# Elements whose structure no block has; their text becomes ordinary paragraphs.
_CHANGED: Final = {
    "details": "A section that opens on demand",
    "dl": "A definition list",
    "ruby": "A text with pronunciation",
}
# Start tags that end an open paragraph, and with it what is hidden in it.
_ENDS_PARAGRAPH: Final = {
    "p", "div", "ul", "ol", "table", "blockquote", "pre", "hr", "section", "figure", "aside",
    "h1", "h2", "h3", "h4", "h5", "h6",
}  # fmt: skip


def html_to_blocks(text: str, callbacks: BodyCallbacks | None = None) -> tuple[Block, ...]:
    """Parses HTML into blocks; elements without text are omitted, a picture in a text follows it.

    Raises UnsafeContentError, OversizedContentError.
    """
    reader = HtmlReader(callbacks or BodyCallbacks())
    reader.feed(reader.normalize(text))
    return reader.blocks()


class HtmlReader:
    """Reads tags and text in any order. `line`: number of the current line, for messages."""

    def __init__(self, callbacks: BodyCallbacks, *, embeds_urls: bool = True) -> None:
        self._callbacks = callbacks
        self.builder = BlockBuilder(callbacks, embeds_urls=embeds_urls)
        self.line = 1
        self._problems: dict[Problem, None] = {}
        self._inline: dict[str, list[tuple[OpenMark, ...]]] = {}
        self._link: OpenMark | None = None
        self._embed: EmbedReader | None = None
        self._media: list[str] = []  # open `video` and `audio` elements without an address
        # Name and depth of the element that is being left out, and what it is.
        self._hidden: tuple[str, int] | None = None
        self._hidden_name = ""
        self._hidden_text: list[str] = []
        self._from_word = False

    def normalize(self, text: str) -> str:
        """Converts line ends to newlines, and records control characters as problems."""
        return self._without_controls(text.replace("\r\n", "\n").replace("\r", "\n"))

    def report(self, problem: Problem) -> None:
        if self._callbacks.lenient:
            self._callbacks.warn(
                WarningCode.DROPPED, f"{problem.message} It was left out.", f"line {self.line}"
            )
        elif len(self._problems) < MAX_PROBLEMS:
            message = f"{problem.message.removesuffix('.')} (line {self.line})."
            self._problems[Problem(message, problem.hint)] = None

    def feed(self, html: str) -> None:
        first_line, position = self.line, 0
        lines = 0
        try:
            for piece in tokenize_html(html):
                if isinstance(piece, str):
                    self.text(piece)
                    continue
                lines += html.count("\n", position, piece.position)
                position = piece.position
                self.line = first_line + lines
                if piece.closes:
                    self.close(piece.name)
                else:
                    self.open(piece.name, piece.attributes)
        except OversizedContentError:
            raise
        except UnsafeContentError as exc:
            self.report(exc.problems[0])
        self.line = first_line

    def text(self, text: str) -> None:
        is_literal = isinstance(text, LiteralSpace)
        text = self._without_controls(text)
        if self._hidden:
            self._hidden_text.append(text)
        elif self._embed:
            self._embed.text(LiteralSpace(text) if is_literal else text)
        elif is_literal:
            self.builder.words.append_literal(text)
        else:
            self.builder.text(text)

    def open(self, tag: str, attributes: Mapping[str, str]) -> None:
        if self.is_rejected(tag, attributes):
            if not self._callbacks.lenient or self._leaves_out(tag, attributes):
                return
            attributes = safe_attributes(attributes)
        if self._hidden:
            name, depth = self._hidden
            if tag == name and tag != "p":
                self._hidden = name, depth + 1
            if name != "p" or tag not in _ENDS_PARAGRAPH:
                return
            self._end_hidden()
        if self._embed:
            self._embed.open(tag, attributes)
            return
        style = read_style(tag, attributes)
        if style.hidden is not None or self._is_list_marker(style):
            if tag not in VOID:
                self._hidden, self._hidden_text = (tag, 1), []
                self._hidden_name = style.hidden or ""
        elif begins_embed(tag, attributes):
            self.builder.open("p", {name: attributes[name] for name in ("id",) if name in attributes})
            self._embed = EmbedReader(tag, attributes, self._callbacks)
        elif tag in _MEDIA_TAGS or tag == "source":
            self._show_media(tag, attributes)
        else:
            self._open_shown(tag, attributes, style)

    def close(self, tag: str) -> None:
        if self._hidden:
            name, depth = self._hidden
            if tag == name:
                self._hidden = (name, depth - 1) if depth > 1 else None
                if depth == 1:
                    self._end_hidden()
        elif self._embed:
            embed = self._embed
            block = embed.close(tag)
            if block is not None or embed.is_finished:
                self._end_embed(block)
        elif tag == "a":
            self._close_link()
        elif tag in ("video", "audio"):
            self._media = [name for name in self._media if name != tag]
        elif not (tag == "code" and self.builder.in_pre):
            stack = self._inline.get(tag)
            for mark in stack.pop() if stack else ():
                self.builder.end_mark(mark)
            self.builder.close(tag)

    def blocks(self) -> tuple[Block, ...]:
        """Closes all open tags and returns the blocks. Raises UnsafeContentError with every problem."""
        if self._hidden:
            self._end_hidden()
        if self._embed:
            self._end_embed(self._embed.finish())
        blocks = () if self._problems else self.builder.finish()
        if self._problems:
            raise UnsafeContentError(list(self._problems))
        return blocks

    def lose(self, address: str) -> None:
        """Warns that no block can hold what is at an address."""
        message = f"No block can hold {address[:200]!r}; it was left out."
        self._callbacks.warn(WarningCode.DROPPED, message, address[:1_000])

    def show_image(self, address: str, alt: str = "", title: str = "") -> bool:
        """Shows a media file by its id or address. Returns whether the alternative text is its caption."""
        if address.startswith("med_"):
            media = self._callbacks.media(address)
            if media is None:
                self.lose(address)
            elif title == "gallery":
                self.builder.show(Gallery(media=(media,)))
            else:
                self.builder.show({"video": Video, "audio": Audio}.get(title, Image)(media=media))
            return media is not None and title != "gallery"
        self._show_external(address, MediaKind.IMAGE, alt)
        if title:
            self.builder.show_caption(title)
        return False

    def _open_shown(self, tag: str, attributes: Mapping[str, str], style: ElementStyle) -> None:
        if tag == "a":
            self._open_link(attributes)
        elif tag == "br":
            self.builder.words.break_line()
        elif tag == "code" and self.builder.in_pre:
            self.builder.open(tag, attributes)
        else:
            if tag in _CHANGED:
                self._callbacks.warn(
                    WarningCode.CHANGED, f"{_CHANGED[tag]} became ordinary text.", f"<{tag}>"
                )
            self.builder.open(tag, attributes)
            if style.list_level is not None:
                self.builder.begin_list_paragraph(style.list_level)
            if tag == "figure":
                self._open_figure(attributes)
            marks = (*style.marks, *self._value_marks(tag, attributes))
            if tag not in VOID and (marks or tag in self._inline):
                self._inline.setdefault(tag, []).append(marks)
                for mark in marks:
                    self.builder.begin_mark(mark)

    def _without_controls(self, text: str) -> str:
        text, problem = remove_controls(text)
        if problem:
            self.report(problem)
        return text

    def _value_marks(self, tag: str, attributes: Mapping[str, str]) -> list[OpenMark]:
        """Language and mention of a span; Word gives every span a language, which means nothing."""
        self._from_word = self._from_word or any(
            name.startswith("xmlns:") or (name == "class" and value.startswith("Mso"))
            for name, value in attributes.items()
        )
        marks: list[OpenMark] = []
        if tag not in ("span", "i", "em", "cite", "q") or "style" in attributes or "class" in attributes:
            return marks
        if "data-mention" in attributes:
            marks.append(OpenMark("mention", attributes["data-mention"]))
        if "lang" in attributes and not self._from_word:
            marks.append(OpenMark("language", normal_form(attributes["lang"])))
        return [mark for mark in marks if is_valid_value(mark.kind, mark.value or "")]

    def is_rejected(self, tag: str, attributes: Mapping[str, str]) -> bool:
        """Records what is unsafe about a tag. Returns whether the tag is not handled any further."""
        if is_widget_script(tag, attributes):
            message = "The script of an embed was left out; apps embed the content by its address."
            self._callbacks.warn(WarningCode.DROPPED, message, attributes["src"])
            return True
        problems = list(active_content(tag, attributes))
        is_harmless = len(problems) == 1 or self._callbacks.lenient
        if tag == "iframe" and is_harmless and (embed := self._frame_embed(safe_attributes(attributes))):
            if self._embed:
                self._embed.open(tag, attributes)
            elif not self._hidden:
                self.builder.show(embed)
            return True
        for problem in problems:
            self.report(problem)
        return bool(problems)

    def _frame_embed(self, attributes: Mapping[str, str]) -> Embed | None:
        """The embed of a frame: of a known site, or of any site if the text is imported."""
        if embed := frame_embed(attributes):
            return embed
        address = attributes.get("src", "").strip()
        if not address or not self._callbacks.lenient:
            return None
        return make_embed(self._callbacks.resolve(address), title=attributes.get("title"))

    def _leaves_out(self, tag: str, attributes: Mapping[str, str]) -> bool:
        """Leaves an active element out; with its text if that is the label of a control."""
        if tag in CONTROLS and not self._hidden and not self._embed:
            self._hidden, self._hidden_text, self._hidden_name = (tag, 1), [], ""
        return is_active(tag)

    def _is_list_marker(self, style: ElementStyle) -> bool:
        return style.is_list_marker and self.builder.list_level is not None

    def _end_hidden(self) -> None:
        text = "".join(self._hidden_text)
        if self._hidden_name and text.strip():
            message = f"{self._hidden_name} was left out: readers do not see it."
            self._callbacks.warn(WarningCode.DROPPED, message, " ".join(text.split())[:100])
        elif not self._hidden_name and self.builder.list_level is not None and not self.builder.list_marker:
            self.builder.list_marker = text
        self._hidden, self._hidden_name, self._hidden_text = None, "", []

    def _end_embed(self, block: Block | None) -> None:
        self._embed = None
        if block is not None:
            self.builder.show(block)

    def _open_link(self, attributes: Mapping[str, str]) -> None:
        # A link within a link closes the outer one, as in every browser.
        self._close_link()
        href = attributes.get("href", "").replace("\t", "").replace("\n", "").replace("\r", "").strip(" ")
        href = self._callbacks.resolve(self._without_controls(href))
        href = _BLANK.sub(lambda blank: quote(blank[0]), href)  # as browsers do
        try:
            self._link = OpenMark("link", _LINK.validate_python(href))
        except ValidationError:
            if href:
                self.lose(href)
            return
        self.builder.begin_mark(self._link)

    def _close_link(self) -> None:
        if self._link:
            self.builder.end_mark(self._link)
            self._link = None

    def _show_media(self, tag: str, attributes: Mapping[str, str]) -> None:
        name, address = attributes.get("data-media", ""), attributes.get("src", "")
        if tag == "source":
            if not self._media or not address:
                return  # another size of a picture, or another encoding
            tag = self._media.pop()
        elif tag in ("video", "audio") and not name and not address:
            self._media.append(tag)
            return
        kind = _MEDIA_TAGS[tag]
        media = self._callbacks.media(name) if name else None
        if media is None and address.startswith("med_"):
            media = self._callbacks.media(address)
        if media is not None:
            self.builder.show(_MEDIA_BLOCKS[kind](media=media))
        else:
            self._show_external(address or name or f"<{tag}>", kind, attributes.get("alt", ""))

    def _show_external(self, address: str, kind: MediaKind, alt: str) -> None:
        """Shows media at an address on the web."""
        address = self._callbacks.resolve(address)
        address = f"https:{address}" if address.startswith("//") else address
        try:
            url = _MEDIA_URL.validate_python(_BLANK.sub(lambda blank: quote(blank[0]), address.strip()))
        except ValidationError:
            url = ""
        media = None
        if url.startswith(("https://", "http://")):
            media = self._callbacks.external(ExternalMedia(url, kind, " ".join(alt.split()) or None))
        if media is None:
            self.lose(address if not address.startswith("data:") else f"{address[:30]}…")
        else:
            self.builder.show(_MEDIA_BLOCKS[kind](media=media))

    def _open_figure(self, attributes: Mapping[str, str]) -> None:
        """Handles a `figure` as rendered by this package, with media of any kind."""
        names = attributes.get("data-media", "").split()
        media = [number for name in names if (number := self._callbacks.media(name)) is not None]
        block_types = {"image": Image, "video": Video, "audio": Audio}
        kind = attributes.get("data-type", "image")
        if not names:
            return
        if len(media) < len(names):
            self.lose(" ".join(names))
        elif kind == "gallery":
            self.builder.show(Gallery(media=tuple(media)))
        elif kind in block_types and len(media) == 1:
            self.builder.show(block_types[kind](media=media[0]))
        else:
            self.lose(" ".join(names))
