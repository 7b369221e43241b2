"""Blocks rendered as HTML, Markdown and plain text.

Every value is escaped for its position, whatever it contains: stored blocks may be older than the rules for
input. A link that cannot be rendered safely is rendered as its text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from html import escape

from contentql.content import blocks as body
from contentql.content.blocks import Block
from contentql.content.characters import replace_control_characters
from contentql.content.field_types import CODE_LANGUAGE
from contentql.content.links import is_safe_link
from contentql.content.marks import render_marks
from contentql.content.timestamps import format_timestamp


def plain_text(blocks: Iterable[Block]) -> str:
    """Renders blocks as plain text, one line per paragraph."""
    return "\n".join(value for value in map(body.block_text, blocks) if value)


def render_html(blocks: Iterable[Block]) -> str:
    """Renders blocks as HTML. Text is escaped; the only foreign markup is the sanitized HTML of embeds."""
    return "\n".join(filter(None, map(_html, blocks)))


def render_markdown(blocks: Iterable[Block]) -> str:
    """Renders blocks as CommonMark with tables, without any HTML."""
    return "\n\n".join(filter(None, map(_markdown, blocks)))


def anonymous(block: Block) -> Block:
    return block.model_copy(update={"id": None})


def _html(block: Block) -> str:
    match block:
        case body.Paragraph():
            return f"<p>{_html_paragraph(block)}</p>"
        case body.Heading():
            return f"<h{block.level}>{_escape(block.text)}</h{block.level}>"
        case body.Quote():
            return f"<blockquote><p>{_escape(block.text)}</p></blockquote>"
        case body.Pullquote():
            return f"<aside><p>{_escape(block.text)}</p></aside>"
        case body.List():
            tag = "ol" if block.ordered else "ul"
            return f"<{tag}>{''.join(f'<li>{_escape(item)}</li>' for item in block.items)}</{tag}>"
        case body.Image() | body.Video() | body.Audio() | body.Gallery():
            # By id, not by URL: a picture whose licence has expired must not remain in a stored rendering.
            named = " ".join(map(str, body.block_media(block)))
            caption = body.block_text(block)
            below = f"<figcaption>{_escape(caption)}</figcaption>" if caption else ""
            return f'<figure data-type="{block.type.lower()}" data-media="{named}">{below}</figure>'
        case body.Embed():
            return block.html or f"<p>{_anchor(block.url, block.fallback_text)}</p>"
        case body.Table():
            rows = (_row(row, "td" if n else "th") for n, row in enumerate(block.rows))
            return f"<table>{''.join(rows)}</table>"
        case body.CodeText():
            return f"<pre><code>{escape(replace_control_characters(block.text))}</code></pre>"
        case body.Rule():
            return "<hr>"
        case body.LiveEntry():
            at = format_timestamp(block.at)
            title = f"<h3>{_escape(block.title)}</h3>" if block.title else ""
            return f'<section><time datetime="{at}">{at}</time>{title}<p>{_escape(block.text)}</p></section>'
        case body.CorrectionText():
            return f"<p><em>{_escape(block.text)}</em></p>"
        case body.RelatedLink():
            return f"<p>{_anchor(block.url, block.title)}</p>"
        case body.Unknown():
            return f"<p>{_escape(block.fallback_text)}</p>" if block.fallback_text else ""


def _escape(text: str) -> str:
    return escape(replace_control_characters(text)).replace("\n", "<br>")


def _html_paragraph(block: body.Paragraph) -> str:
    if not block.marks:
        return _escape(block.text)
    text = replace_control_characters(block.text)
    return render_marks(block, _HTML, lambda start, end: _escape(text[start:end]))


def _anchor(href: str, text: str | None) -> str:
    text = _escape(text if text and text.strip() else href)
    return f'<a href="{escape(href)}">{text}</a>' if is_safe_link(href) else text


def _row(cells: Iterable[str], tag: str) -> str:
    return f"<tr>{''.join(f'<{tag}>{_escape(cell)}</{tag}>' for cell in cells)}</tr>"


def _markdown(block: Block) -> str:
    match block:
        case body.Paragraph():
            return _markdown_paragraph(block)
        case body.Heading():
            return f"{'#' * block.level} {_line(block.text)}"
        case body.Quote() | body.Pullquote():
            lines = map(str.strip, replace_control_characters(block.text).split("\n"))
            return "\n>\n".join(f"> {_line(line)}" for line in lines if line)
        case body.List():
            return "\n".join(
                f"{f'{n}.' if block.ordered else '-'} {_line(item)}" for n, item in enumerate(block.items, 1)
            )
        case body.Image() | body.Video() | body.Audio():
            return _emphasized(block.caption or "")
        case body.Embed():
            return _markdown_link(block.url, block.fallback_text)
        case body.Table():
            return "\n".join(_markdown_rows(block.rows))
        case body.CodeText():
            return _fenced(replace_control_characters(block.text), block.language or "")
        case body.Rule():
            return "---"
        case body.LiveEntry():
            head = f"**{format_timestamp(block.at)}** {_line(block.title or '')}".rstrip()
            return "\n\n".join(filter(None, (head, _plain(block.text))))
        case body.CorrectionText():
            return _emphasized(block.text)
        case body.RelatedLink():
            return _markdown_link(block.url, block.title)
        case body.Unknown():
            return _plain(block.fallback_text or "")
        case body.Gallery():
            return ""


def _markdown_rows(rows: Iterable[Sequence[str]]) -> Iterable[str]:
    for n, row in enumerate(rows):
        yield f"| {' | '.join(map(_line, row))} |"
        if n == 0:
            yield f"|{' --- |' * len(row)}"


def _fenced(text: str, language: str) -> str:
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
    return f"{fence}{language if CODE_LANGUAGE.fullmatch(language) else ''}\n{text}\n{fence}"


def _emphasized(text: str) -> str:
    text = _plain(text)
    return f"*{text}*" if text else ""


def _markdown_link(href: str, text: str | None) -> str:
    text = _plain(text or "") or _line(href)
    return f"[{text}](<{escape(href)}>)" if is_safe_link(href) else text


def _line(text: str) -> str:
    """Escapes text as one line of Markdown."""
    return _plain(replace_control_characters(text).replace("\n", " "))


def _plain(text: str) -> str:
    """Escapes text for Markdown, so that it is shown literally."""
    text = replace_control_characters(text)
    return "".join(_markdown_characters(text)) if _MARKUP.search(text) else text.strip()


# What a text that needs no escaping does not have.
_MARKUP = re.compile(r"[\\`*_\[\]<>|~&\n\u2028\u2029]|\A\s*[-+=#:\d]|#\s*\Z")
# Signs that can be markup anywhere in a text; some renderers read `~` as strikethrough.
_INLINE = re.compile(r"[\\`*_\[\]<>|~]|&(?=#?\w+;)")
# Signs that begin a block, or underline a heading or a table's first row, at the start of a line. The last
# one of a match is escaped.
_BLOCK_START = re.compile(r"[-+=#](?!\w)|:(?=-)|\d{1,9}[.)](?=\s|\Z)")
# At the end of a heading, these would be its closing sequence.
_HEADING_END = re.compile(r"(?<=\s)#+\Z")
_LINE_END = re.compile(r"(?<![ \t])[ \t]*\n\s*")
# No line ends in CommonMark, but in some of its parsers.
_SEPARATOR = re.compile("[\u2028\u2029]")


def _markdown_characters(text: str) -> list[str]:
    """Each character of a text as Markdown that shows it.

    White space at the ends is left out. A line end becomes a hard line break, without the white space around
    it: an empty line would end the block, and an indented line could become a code block.
    """
    characters = list(text)
    start, end = len(text) - len(text.lstrip()), len(text.rstrip())
    characters[:start] = [""] * start
    characters[end:] = [""] * (len(text) - end)
    for sign in _INLINE.finditer(text):
        characters[sign.start()] = f"\\{sign[0]}"
    line_starts = [start]
    for gap in _LINE_END.finditer(text, start, end):
        characters[gap.start() : gap.end()] = ["\\\n", *[""] * (len(gap[0]) - 1)]
        line_starts.append(gap.end())
    line_starts += [separator.end() for separator in _SEPARATOR.finditer(text, start, end)]
    signs = [_BLOCK_START.match(text, line_start, end) for line_start in line_starts]
    for last in filter(None, (*signs, _HEADING_END.search(text, start, end))):
        characters[last.end() - 1] = f"\\{text[last.end() - 1]}"
    return characters


def _markdown_paragraph(block: body.Paragraph) -> str:
    if not block.marks:
        return _plain(block.text)
    characters = _markdown_characters(replace_control_characters(block.text))
    for mark in block.marks:
        # An exclamation mark before a link would make it a picture.
        if mark.kind == "link" and block.text[mark.start - 1 : mark.start] == "!":
            characters[mark.start - 1] = "\\!"
    return render_marks(block, _MARKDOWN, lambda start, end: "".join(characters[start:end]))


# Tags by kind of mark; of marks of the same range, the first is the outermost.
_HTML: Mapping[str, tuple[str, str]] = {
    "strong": ("<strong>", "</strong>"),
    "mention": ("<span>", "</span>"),
    "link": ('<a href="{}">', "</a>"),
    "em": ("<em>", "</em>"),
}


_MARKDOWN: Mapping[str, tuple[str, str]] = {
    "strong": ("**", "**"),
    "mention": ("", ""),
    "link": ("[", "](<{}>)"),
    "em": ("*", "*"),
}
