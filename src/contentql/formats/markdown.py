"""Parser of body Markdown into typed blocks; embedded HTML follows the rules of HTML bodies.

White space collapses as in HTML; only a line break after a backslash or two spaces is preserved. Markdown
cannot represent: a pullquote, which is read as a quote; two consecutive lists of one kind, which are read as
one; more than one line in a heading, an item or a cell; empty lines in a text; more cells than the first row
has; a mark that begins or ends at a space or punctuation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from markdown_it import MarkdownIt
from markdown_it.common.utils import unescapeAll
from markdown_it.token import Token

from contentql.content.blocks import Block
from contentql.formats.html import (
    BlockBuilder,
    ignore,
    normalize_newlines,
    parse_media_reference,
)
from contentql.formats.html_safety import UnsafeContentError


def markdown_to_blocks(
    text: str,
    *,
    media: Callable[[str], int | None] = parse_media_reference,
    lost: Callable[[str], object] = ignore,
) -> tuple[Block, ...]:
    """Parses Markdown into blocks; `media`, `lost` and errors as for HTML."""
    body = BlockBuilder(media, lost)
    for token in _flat(_MARKDOWN.parse(normalize_newlines(text))):
        match token.type:
            case "text" | "code_inline":
                body.text(token.content)
            case "html_inline" | "html_block":
                body.feed(token.content)
            case "softbreak":  # a line break of the source, not of the text
                body.text(" ")
            case "hardbreak":
                body.open("br", {})
            case "fence" | "code_block":
                language = "".join(unescapeAll(token.info).split()[:1])
                body.open("pre", {"class": f"language-{language}"})
                body.text(token.content.removesuffix("\n"))
                body.close("pre")
            case _ if token.nesting < 0:
                body.close(token.tag)
            case _:
                body.open(token.tag, {name: str(value) for name, value in token.attrs.items()})
    return body.blocks()


class _Markdown(MarkdownIt):
    """Parser that accepts every link as written: an unsafe link is rejected later, not shown as text."""

    def validateLink(self, url: str) -> bool:
        return True

    def normalizeLink(self, url: str) -> str:
        return url


_MARKDOWN = _Markdown("commonmark").enable("table")


def _flat(tokens: list[Token]) -> Iterator[Token]:
    for token in tokens:
        # The parser drops deeper levels.
        if token.nesting > 0 and token.level >= _MARKDOWN.options["maxNesting"] - 1:
            raise UnsafeContentError(
                "The lists or quotes in the text are nested too deep.", "Use at most nine levels."
            )
        if token.type == "inline":
            yield from token.children or ()
        else:
            yield token
