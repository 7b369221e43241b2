"""Paragraphs of classic WordPress posts, which are stored as lines and become HTML when they are shown.

As `wpautop` of WordPress: blank lines end paragraphs, line ends break lines, elements that are blocks stay
outside of paragraphs. Invariant: linear time.
"""

from __future__ import annotations

import re
from typing import Final

_BLOCKS: Final = (
    "table|thead|tfoot|caption|col|colgroup|tbody|tr|td|th|div|dl|dd|dt|ul|ol|li|pre|form|map|area|blockquote|address"
    "|style|p|h[1-6]|hr|fieldset|legend|section|article|aside|hgroup|header|footer|nav|figure|figcaption|details"
    "|menu|summary|main|center|audio|video|iframe|object|script|noscript"
)
_BLOCK_TAG: Final = re.compile(rf"(</?(?:{_BLOCKS})(?=[\s/>])[^<>]*>)", re.IGNORECASE)
_OPEN: Final = re.compile(r"<([a-zA-Z0-9]+)")
_TAG: Final = re.compile(r"<[a-zA-Z/!][^<>]*>")
_LITERAL: Final = re.compile(
    r"<(pre|script|style|textarea|svg|math|video|audio|object)(?=[\s/>])", re.IGNORECASE
)
_BLANK_LINES: Final = re.compile(r"\n[ \t\f\v]*\n\s*")
_LINE_END: Final = re.compile(r"(?:<br\s*/?>)?[ \t]*\n[ \t]*", re.IGNORECASE)
# Elements whose own text is no paragraph.
_TEXT_ELEMENTS: Final = {
    "p", "li", "td", "th", "dt", "dd", "h1", "h2", "h3", "h4", "h5", "h6", "figcaption", "caption", "summary",
    "address", "legend",
}  # fmt: skip
# Elements whose texts are only white space between their parts.
_NO_TEXT: Final = {"table", "thead", "tbody", "tfoot", "tr", "ul", "ol", "dl", "colgroup", "menu"}


def add_paragraphs(text: str) -> str:
    """The HTML of a text with blank lines between its paragraphs."""
    pieces: list[str] = []
    for part, is_literal in _literals(text.replace("\r\n", "\n").replace("\r", "\n")):
        pieces.append(part if is_literal else _paragraphs(part))
    return "".join(pieces)


def _literals(text: str) -> list[tuple[str, bool]]:
    """The parts of a text, and whether each is an element that stays as it is."""
    parts: list[tuple[str, bool]] = []
    at = 0
    while match := _LITERAL.search(text, at):
        end_tag = re.compile(rf"</{match[1]}\s*>", re.IGNORECASE).search(text, match.end())
        parts.append((text[at : match.start()], False))
        end = end_tag.end() if end_tag else len(text)
        parts.append((text[match.start() : end], True))
        at = end
    return [*parts, (text[at:], False)]


def _paragraphs(text: str) -> str:
    text = _TAG.sub(lambda tag: " ".join(tag[0].split("\n")), text)
    pieces: list[str] = []
    element = ""  # the block element that began last
    for index, part in enumerate(_BLOCK_TAG.split(text)):
        if index % 2:
            pieces.append(part)
            start = _OPEN.match(part)
            element = start[1].lower() if start else ""
        elif part.strip():
            pieces.append(_run(part.strip(" \t\n"), element))
    return "".join(pieces)


def _run(text: str, element: str) -> str:
    """A text between the tags of blocks, with inline elements."""
    paragraphs = [_LINE_END.sub("<br>\n", part) for part in _BLANK_LINES.split(text) if part]
    if element in _NO_TEXT:
        return " ".join(paragraphs)
    if element == "p":
        return "</p>\n<p>".join(paragraphs)
    if element in _TEXT_ELEMENTS:
        return "<br>\n".join(paragraphs)
    return "".join(f"<p>{paragraph}</p>\n" for paragraph in paragraphs)
