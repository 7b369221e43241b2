"""Blocks rendered as HTML, Markdown and plain text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from itertools import pairwise
from typing import Any

from contentql.content import blocks as body
from contentql.content.blocks import Block
from contentql.content.timestamps import format_timestamp


def plain_text(blocks: Iterable[Block]) -> str:
    """Renders blocks as plain text, one line per paragraph."""
    return "\n".join(value for value in map(body.block_text, blocks) if value)


def render_html(blocks: Iterable[Block]) -> str:
    """Renders blocks as HTML. Text is escaped; the only foreign markup is the sanitized HTML of embeds."""
    return "\n".join(filter(None, map(_html, blocks)))


def render_markdown(blocks: Iterable[Block]) -> str:
    return "\n\n".join(filter(None, map(_markdown, blocks)))


def anonymous(block: Block) -> Block:
    return block.model_copy(update={"id": None})


def _html(block: Block) -> str:
    match block:
        case body.Paragraph():
            return f"<p>{_marked(block, _HTML, _escape)}</p>"
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
            return block.html or f"<p>{_anchor(block.url, block.fallback_text or block.url)}</p>"
        case body.Table():
            rows = (_row(row, "td" if n else "th") for n, row in enumerate(block.rows))
            return f"<table>{''.join(rows)}</table>"
        case body.CodeText():
            return f"<pre><code>{escape(block.text)}</code></pre>"
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
    return escape(text).replace("\n", "<br>")


def _anchor(href: str, text: str) -> str:
    return f'<a href="{escape(href)}">{_escape(text)}</a>'


def _row(cells: Iterable[str], tag: str) -> str:
    return f"<tr>{''.join(f'<{tag}>{_escape(cell)}</{tag}>' for cell in cells)}</tr>"


def _markdown(block: Block) -> str:
    match block:
        case body.Paragraph():
            # Markdown renders a plain line break as a space; a backslash before it makes it a hard break.
            return _marked(block, _MARKDOWN, _plain).strip().replace("\n", "\\\n")
        case body.Heading():
            return f"{'#' * block.level} {_line(block.text)}"
        case body.Quote() | body.Pullquote():
            return "\n>\n".join(f"> {_plain(line)}" for line in block.text.split("\n"))
        case body.List():
            return "\n".join(
                f"{f'{n}.' if block.ordered else '-'} {_line(item)}" for n, item in enumerate(block.items, 1)
            )
        case body.Image() | body.Video() | body.Audio():
            return f"*{_plain(block.caption)}*" if block.caption else ""
        case body.Embed():
            return f"[{_plain(block.fallback_text or block.url)}](<{block.url}>)"
        case body.Table():
            return "\n".join(_markdown_rows(block.rows))
        case body.CodeText():
            fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", block.text)), default=0))
            return f"{fence}{block.language or ''}\n{block.text}\n{fence}"
        case body.Rule():
            return "---"
        case body.LiveEntry():
            title = f" {_plain(block.title)}" if block.title else ""
            return f"**{format_timestamp(block.at)}**{title}\n\n{_plain(block.text)}"
        case body.CorrectionText():
            return f"*{_plain(block.text)}*"
        case body.RelatedLink():
            return f"[{_plain(block.title)}](<{block.url}>)"
        case body.Unknown():
            return _plain(block.fallback_text or "")
        case body.Gallery():
            return ""


def _markdown_rows(rows: Iterable[Sequence[str]]) -> Iterable[str]:
    for n, row in enumerate(rows):
        cells = (_line(cell).replace("|", r"\|") for cell in row)
        yield f"| {' | '.join(cells)} |"
        if n == 0:
            yield f"|{' --- |' * len(row)}"


def _plain(text: str) -> str:
    """Escapes text for Markdown, so that it is shown literally."""
    # An empty line would end the block, and an indented line could become a code block.
    text = re.sub(r"[ \t]*\n\s*", "\n", text)
    text = re.sub(r"([\\`*_\[\]<>]|&(?=#?\w+;))", r"\\\1", text)
    return re.sub(r"(?m)^(\s*)([-+=#~](?!\w)|\d+(?=[.)](?:\s|$)))", _shield_match, text)


def _line(text: str) -> str:
    return _plain(text.replace("\n", " "))


def _shield_match(match: re.Match[str]) -> str:
    space, sign = match.groups()
    return f"{space}{sign}\\" if sign.isdigit() else f"{space}\\{sign}"


_HTML: Mapping[str, tuple[str, str]] = {
    "strong": ("<strong>", "</strong>"),
    "em": ("<em>", "</em>"),
    "link": ('<a href="{}">', "</a>"),
    "mention": ("<span>", "</span>"),
}


_MARKDOWN: Mapping[str, tuple[str, str]] = {
    "strong": ("**", "**"),
    "em": ("*", "*"),
    "link": ("[", "](<{}>)"),
    "mention": ("", ""),
}


def _marked(block: body.Paragraph, tags: Mapping[str, tuple[str, str]], value: Any) -> str:
    """Renders a paragraph with its marks.

    The text is split at every mark boundary, so that marks may overlap and tags still nest.
    """
    cuts = sorted({0, len(block.text), *(at for mark in block.marks for at in (mark.start, mark.end))})
    pieces = []
    for start, end in pairwise(cuts):
        piece = value(block.text[start:end])
        for mark in sorted(block.marks, key=lambda mark: (mark.kind, mark.start)):
            if mark.start <= start and end <= mark.end and (mark.kind != "link" or mark.href):
                opening, closing = (tag.format(escape(mark.href or "")) for tag in tags[mark.kind])
                piece = f"{opening}{piece}{closing}"
        pieces.append(piece)
    return "".join(pieces)
