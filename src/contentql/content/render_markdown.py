"""Blocks rendered as Markdown, which `formats.markdown` reads back without loss.

CommonMark with tables and strikethrough. Pictures, videos, audio recordings and galleries are images whose
address is the id of the media file. What Markdown has no notation for is inline or block HTML, as CommonMark
allows. Every value is escaped for its position, as in `render`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from html import escape
from typing import Final

from contentql.content import blocks as body
from contentql.content import ids
from contentql.content.blocks import Block
from contentql.content.characters import replace_control_characters
from contentql.content.embeds import embed_provider
from contentql.content.list_items import ListItem
from contentql.content.marks import Piece, nest_marks
from contentql.content.render import (
    COLLAPSED_SPACE,
    MARK_TAGS,
    anonymous,
    code_language,
    opening_tag,
    render_block,
)
from contentql.content.rich_text import Mark, RichTextModel

_DELIMITERS: Final = {"strong": "**", "em": "*", "strike": "~~"}


def render_markdown(blocks: Iterable[Block]) -> str:
    """Renders blocks as Markdown, separated by empty lines."""
    parts: list[str] = []
    previous: Block | None = None
    alternate = False  # whether the previous list has the other marker
    for block in blocks:
        if isinstance(block, body.List):
            adjacent = isinstance(previous, body.List) and previous.ordered == block.ordered
            alternate = adjacent and not alternate
            part = _list(block.items, alternate)
        elif isinstance(block, body.Rule) and not parts:
            part = "***"  # dashes at the start are the delimiter of front matter
        else:
            part = _markdown(block)
        if part:
            parts.append(part)
            previous = block
    return "\n\n".join(parts)


def _markdown(block: Block) -> str:
    match block:
        case body.Paragraph():
            return _rich(block)
        case body.Heading():
            return f"{'#' * block.level} {_rich(block, one_line=True)}"
        case body.LiveEntry():
            return render_block(block.model_copy(update={"blocks": tuple(map(anonymous, block.blocks))}))
        case body.Quote():
            return "> " + _rich(block).replace("\n", "\n> ")
        case body.Image() | body.Video() | body.Audio():
            caption = _inline(block.caption or "", block.caption_marks, one_line=True)
            if _TAG.search(caption):  # an alternative text has no markup
                return render_block(block)
            return _image(block.media, "" if isinstance(block, body.Image) else block.type.lower(), caption)
        case body.Gallery():
            return " ".join(_image(media, "gallery") for media in block.media)
        case body.Embed() if _is_bare_url(block):
            return block.url
        case body.Table() if _is_pipe_table(block):
            return "\n".join(_table_lines(block.rows))
        case body.CodeText():
            return _fenced(replace_control_characters(block.text), code_language(block.language))
        case body.Rule():
            return "---"
        case _:
            # An empty line would end the HTML.
            return render_block(block).replace("\n", "&#10;")


def _image(media: int, title: str, caption: str = "") -> str:
    address = ids.encode_id("media", media)
    return f'![{caption}]({address} "{title}")' if title else f"![{caption}]({address})"


def _is_bare_url(block: body.Embed) -> bool:
    """Whether the embed has nothing but its URL, from which the parser derives the provider."""
    return (
        not (block.html or block.title or block.fallback_text)
        and block.provider is not None
        and re.fullmatch(r"https?://[\w./?=&%-]*\w", block.url, re.ASCII) is not None
        and embed_provider(block.url) == block.provider
    )


def _is_pipe_table(block: body.Table) -> bool:
    """Whether all rows have as many cells as the first one, and at least one."""
    lengths = {len(row.cells) for row in block.rows}
    return len(lengths) == 1 and 0 not in lengths and any(cell.text for cell in block.rows[0].cells)


def _table_lines(rows: Sequence[body.TableRow]) -> Iterator[str]:
    for n, row in enumerate(rows):
        yield f"| {' | '.join(_rich(cell, one_line=True, in_cell=True) for cell in row.cells)} |"
        if n == 0:
            yield f"|{' --- |' * len(row.cells)}"


def _list(items: Sequence[ListItem], alternate: bool) -> str:
    """The items, indented below the text of the item that they are nested in."""
    lines: list[str] = []
    widths: list[int] = []  # of the marker of the last item of each level
    kinds: list[bool | None] = []
    for item in items:
        same_list = item.level < len(kinds) and kinds[item.level] == item.ordered
        del widths[item.level :], kinds[item.level :]
        bullet, stop = ("*", ")") if alternate and not item.level else ("-", ".")
        marker = f"{item.number}{stop} " if item.ordered else f"{bullet} "
        if lines and not same_list and item.ordered and item.number != 1:
            lines.append("")  # such a list cannot interrupt a paragraph
        lines.append(" " * sum(widths) + marker + _rich(item, one_line=True))
        widths.append(len(marker))
        kinds.append(item.ordered)
    return "\n".join(lines)


def _fenced(text: str, language: str) -> str:
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
    return f"{fence}{language}\n{text}\n{fence}"


def _rich(text: RichTextModel, *, one_line: bool = False, in_cell: bool = False) -> str:
    return _inline(text.text, text.marks, one_line=one_line, in_cell=in_cell)


def _inline(text: str, marks: Sequence[Mark], *, one_line: bool, in_cell: bool = False) -> str:
    """A text with its marks; `one_line`: without line ends, `in_cell`: within a table."""
    text = replace_control_characters(text)
    if not marks and not _may_have_markup(text):
        return text
    characters = _markdown_characters(text, one_line)
    if not marks:
        return "".join(characters)
    pieces = nest_marks(len(text), marks)
    for piece in pieces:
        # An exclamation mark before a link would make it a picture.
        if piece.kind == "link" and piece.start and text[piece.start - 1] == "!":
            characters[piece.start - 1] = "\\!"
    parts = ["".join(characters[piece.start : piece.end]) if piece.kind is None else "" for piece in pieces]
    for opening, closing in _pairs(pieces):
        piece = pieces[opening]
        assert piece.kind
        parts[opening], parts[closing] = opening_tag(piece), MARK_TAGS[piece.kind][1]
        if piece.kind == "link":
            parts[opening], parts[closing] = "[", f"](<{escape(piece.value)}>)"
        elif piece.kind == "code" and closing == opening + 2 and not in_cell:
            code = text[piece.start : piece.end]
            if (
                "`" not in code
                and "\n" not in code
                and not COLLAPSED_SPACE.search(code)
                and code.strip() == code
            ):
                parts[opening : closing + 1] = "`", code, "`"
        elif piece.kind in _DELIMITERS and _can_delimit(pieces, parts, opening, closing):
            parts[opening] = parts[closing] = _DELIMITERS[piece.kind]
    return "".join(parts)


def _may_have_markup(text: str) -> bool:
    """Whether a text may need escaping: most do not, and need no look at every character."""
    return (
        _MARKUP.search(text) is not None
        or _MARKUP_AT_START.match(text) is not None
        or text.endswith("#")
        or text[-1:].isspace()
        or "  " in text
        or "://" in text
    )


def _pairs(pieces: Sequence[Piece]) -> Iterator[tuple[int, int]]:
    """The indexes of the beginning and the end of each mark."""
    open_pieces: list[int] = []
    for n, piece in enumerate(pieces):
        if piece.kind and piece.closes:
            yield open_pieces.pop(), n
        elif piece.kind:
            open_pieces.append(n)


def _can_delimit(pieces: Sequence[Piece], parts: Sequence[str], opening: int, closing: int) -> bool:
    """Whether delimiters around these pieces begin and end emphasis, by the flanking rules of CommonMark.

    Next to other marks than links it depends on more than the next character, so there HTML is used.
    """
    neighbours = (opening - 1, opening + 1, closing - 1, closing + 1)
    characters: list[str] = []
    for place, n in enumerate(neighbours):
        if not 0 <= n < len(pieces):
            characters.append("")
        elif pieces[n].kind == "link":
            characters.append("[" if not pieces[n].closes or place % 2 else "]")
        elif pieces[n].kind is None:
            characters.append(parts[n][-1 if place in (0, 2) else 0])
        else:
            return False
    before, first, last, after = characters
    begins = not _is_space(first) and (not _is_punctuation(first) or _is_boundary(before))
    ends = not _is_space(last) and (not _is_punctuation(last) or _is_boundary(after))
    return begins and ends


def _is_boundary(character: str) -> bool:
    """Whether every version of CommonMark takes the character, or the end of the text, for a boundary."""
    return character in ("", " ", "\n") or unicodedata.category(character)[0] == "P"


def _is_space(character: str) -> bool:
    return not character or character.isspace()


def _is_punctuation(character: str) -> bool:
    return unicodedata.category(character)[0] in "PS"


# What stays in code only between HTML tags.
_NOT_IN_CODE: Final = re.compile(rf"[`\n]|{COLLAPSED_SPACE.pattern}")
# What a text that needs no escaping does not have.
_MARKUP: Final = re.compile(r"[\\`*_\[\]<>|~&\n\t\u2028\u2029]")
_MARKUP_AT_START: Final = re.compile(r"[-+=#:\d\s]")
_TAG: Final = re.compile(r"(?<!\\)(?:\\\\)*<")
# Signs that can be markup anywhere in a text; some renderers read `~` as strikethrough.
_SIGN: Final = re.compile(r"[\\`*_\[\]<>|~]|&(?=#?\w+;)|:(?=//)")
# Signs that begin a block, or underline a heading or a table's first row, at the start of a line. The last
# one of a match is escaped.
_BLOCK_START: Final = re.compile(r"[-+=#](?!\w)|:(?=[-\s]|\Z)|\d{1,9}[.)](?=\s|\Z)")
# At the end of a heading, these would be its closing sequence.
_HEADING_END: Final = re.compile(r"(?<=\s)#+\Z")
# No line ends in CommonMark, but in some of its parsers.
_SEPARATOR: Final = re.compile("[\u2028\u2029]")


def _markdown_characters(text: str, one_line: bool) -> list[str]:
    """Each character of a text as Markdown that shows it.

    A line end becomes a hard line break, or `<br>` where Markdown has no place for one: an empty line would
    end the block.
    """
    characters = list(text)
    for sign in _SIGN.finditer(text):
        characters[sign.start()] = f"\\{sign[0]}"
    line_starts = [0, *(separator.end() for separator in _SEPARATOR.finditer(text))]
    for n, character in enumerate(text):
        if character == "\n":
            hard = not one_line and text[n + 1 : n + 2] != "\n" and text[max(0, n - 1) : n] != "\n"
            characters[n] = "\\\n" if hard else "<br>"
            line_starts.append(n + 1)
    signs = [_BLOCK_START.match(text, line_start) for line_start in line_starts]
    for last in filter(None, (*signs, _HEADING_END.search(text))):
        characters[last.end() - 1] = f"\\{text[last.end() - 1]}"
    for space in COLLAPSED_SPACE.finditer(text):
        characters[space.start()] = f"&#{ord(space[0])};"
    start, end = len(text) - len(text.lstrip()), len(text.rstrip())
    for place in (*range(start), *range(max(start, end), len(text))):
        characters[place] = f"&#{ord(text[place])};"
    return characters
