"""Blocks rendered as plain text and as HTML.

Every value is escaped for its position, whatever it contains: stored blocks may be older than the rules for
input. A link that cannot be rendered safely is rendered as its text. HTML bodies are read back without loss:
`formats.html` knows the `data-` attributes, and white space that HTML collapses is written as a reference.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Final

from contentql.content import blocks as body
from contentql.content.blocks import Block
from contentql.content.characters import replace_control_characters
from contentql.content.embeds import embed_provider
from contentql.content.field_types import CODE_LANGUAGE
from contentql.content.links import is_safe_link
from contentql.content.list_items import ListItem
from contentql.content.marks import Piece, nest_marks
from contentql.content.rich_text import Mark, MarkKind, RichTextModel
from contentql.content.timestamps import format_timestamp

# Opening and closing tag of each mark; `{}` is its value.
MARK_TAGS: Final[Mapping[MarkKind, tuple[str, str]]] = {
    "strong": ("<strong>", "</strong>"),
    "em": ("<em>", "</em>"),
    "strike": ("<s>", "</s>"),
    "code": ("<code>", "</code>"),
    "sub": ("<sub>", "</sub>"),
    "sup": ("<sup>", "</sup>"),
    "link": ('<a href="{}">', "</a>"),
    "language": ('<span lang="{}">', "</span>"),
    "mention": ('<span data-mention="{}">', "</span>"),
}
# White space that parsers of HTML collapse or drop: all but single spaces between other characters.
COLLAPSED_SPACE: Final = re.compile(r"(?:\A|(?<=[ \t\n]))[ \t]|[ \t](?=\n|\Z)|\t|\A\n|\n\Z")


_BLOCK_ID: Final = re.compile(r"blk_[A-Za-z0-9_-]{1,36}")
_TAG_NAME: Final = re.compile(r"<\w+")


def plain_text(blocks: Iterable[Block]) -> str:
    """Renders blocks as plain text, one line per paragraph."""
    return "\n".join(value for value in map(body.block_text, blocks) if value)


def render_html(blocks: Iterable[Block]) -> str:
    """Renders blocks as HTML. Text is escaped; the only foreign markup is the sanitized HTML of embeds."""
    return "\n".join(filter(None, map(_with_id, blocks)))


def anonymous(block: Block) -> Block:
    return block.model_copy(update={"id": None})


def _with_id(block: Block) -> str:
    """Renders a block with its id as that of the element."""
    html = render_block(block)
    if html and block.id and _BLOCK_ID.fullmatch(block.id):
        return _TAG_NAME.sub(lambda tag: f'{tag[0]} id="{block.id}"', html, count=1)
    return html


def render_block(block: Block) -> str:
    """Renders a block as one HTML element without its id."""
    match block:
        case body.Paragraph():
            # The URL of a video alone in a paragraph would be read as an embed.
            named = ' data-type="paragraph"' if embed_provider(block.text.strip()) else ""
            return f"<p{named}>{_rich(block)}</p>" if block.text else ""
        case body.Heading():
            return f"<h{block.level}>{_rich(block)}</h{block.level}>"
        case body.Quote():
            return f"<blockquote><p>{_rich(block)}</p></blockquote>"
        case body.Pullquote():
            return f"<aside><p>{_rich(block)}</p></aside>"
        case body.List():
            return _list(block.items)
        case body.Image() | body.Video() | body.Audio() | body.Gallery() | body.Embed() | body.Unknown():
            return _figure(block)
        case body.Table():
            rows = (_row(row, "td" if n else "th") for n, row in enumerate(block.rows))
            return f"<table>{''.join(rows)}</table>"
        case body.CodeText():
            language = code_language(block.language)
            named = f' class="language-{language}"' if language else ""
            return f"<pre><code{named}>{escape(replace_control_characters(block.text))}</code></pre>"
        case body.Rule():
            return "<hr>"
        case body.LiveEntry():
            return _live_entry(block)
        case body.CorrectionText():
            return f'<p data-type="correction">{_rich(block)}</p>'
        case body.RelatedLink():
            return f'<p data-type="related_link">{_anchor(block.url, block.title)}</p>'


def code_language(name: str | None) -> str:
    """The name of a programming language, empty if it is not one."""
    return name if name and CODE_LANGUAGE.fullmatch(name) else ""


def escape_text(text: str) -> str:
    """Escapes text for HTML; line ends become `<br>`."""
    text = escape(replace_control_characters(text))
    if not may_collapse(text):
        return text
    return COLLAPSED_SPACE.sub(lambda space: f"&#{ord(space[0])};", text).replace("\n", "<br>")


def may_collapse(text: str) -> bool:
    """Whether a text has white space other than single spaces within it. Faster than COLLAPSED_SPACE."""
    return "  " in text or "\n" in text or "\t" in text or text[:1] == " " or text[-1:] == " "


def opening_tag(piece: Piece) -> str:
    assert piece.kind
    return MARK_TAGS[piece.kind][0].format(escape(piece.value))


def _rich(text: RichTextModel) -> str:
    return _marked(text.text, text.marks)


def _marked(text: str, marks: Sequence[Mark]) -> str:
    if not marks:
        return escape_text(text)
    characters = _escaped_characters(text)
    return "".join(
        "".join(characters[piece.start : piece.end])
        if piece.kind is None
        else MARK_TAGS[piece.kind][1]
        if piece.closes
        else opening_tag(piece)
        for piece in nest_marks(len(text), marks)
    )


def _escaped_characters(text: str) -> list[str]:
    """Each character of a text as HTML."""
    text = replace_control_characters(text)
    characters = ["<br>" if character == "\n" else escape(character) for character in text]
    for space in COLLAPSED_SPACE.finditer(text):
        characters[space.start()] = f"&#{ord(space[0])};"
    return characters


def _list(items: Sequence[ListItem]) -> str:
    parts: list[str] = []
    open_lists: list[str] = []  # the tag of each open list, whose last item is open too

    def close() -> None:
        parts.append(f"</li></{open_lists.pop()}>")

    for item in items:
        while len(open_lists) > item.level + 1:
            close()
        tag = "ol" if item.ordered else "ul"
        if len(open_lists) == item.level + 1 and open_lists[-1] != tag:
            close()
        if len(open_lists) == item.level + 1:
            parts.append("</li>")
        else:
            start = f' start="{item.number}"' if item.number not in (None, 1) else ""
            parts.append(f"<{tag}{start}>")
            open_lists.append(tag)
        parts.append(f"<li>{_rich(item)}")
    while open_lists:
        close()
    return "".join(parts)


def _figure(block: Block) -> str:
    attributes = {"type": block.type.lower()}
    content, caption = "", ""
    match block:
        case body.Image() | body.Video() | body.Audio() | body.Gallery():
            # By id, not by URL: a picture whose licence has expired must not remain in a stored rendering.
            attributes["media"] = " ".join(map(str, body.block_media(block)))
            if not isinstance(block, body.Gallery) and block.caption:
                caption = _marked(block.caption, block.caption_marks)
        case body.Embed():
            content = block.html or _anchor(block.url, block.fallback_text or block.title)
            url = block.url if block.url.startswith("http") and is_safe_link(block.url) else ""
            attributes |= {"url": url, "provider": block.provider or "", "title": block.title or ""}
            attributes["fallback"] = block.fallback_text or ""
        case body.Unknown():
            attributes["original-type"] = block.original_type
            caption = escape_text(block.fallback_text or "")
    names = "".join(
        f' data-{name}="{_escape_attribute(value)}"' for name, value in attributes.items() if value
    )
    below = f"<figcaption>{caption}</figcaption>" if caption else ""
    return f"<figure{names}>{content}{below}</figure>"


def _live_entry(block: body.LiveEntry) -> str:
    at = format_timestamp(block.at)
    flags = {"key-event": block.key_event, "summary": block.summary, "pinned": block.pinned}
    set_flags = "".join(f' data-{name}="true"' for name, value in flags.items() if value)
    title = f"<h3>{escape_text(block.title)}</h3>" if block.title else ""
    content = "\n".join(filter(None, map(_part_of_entry, block.content)))
    # An empty line would end the element in Markdown.
    content = content.replace("\n\n", "\n&#10;")
    return (
        f'<section data-type="live_entry"{set_flags}><time datetime="{at}">{at}</time>{title}'
        f"{content}</section>"
    )


def _part_of_entry(block: Block) -> str:
    html = _with_id(block)
    # A heading without a type is the title of the entry.
    return html.replace(">", ' data-type="heading">', 1) if isinstance(block, body.Heading) else html


def _escape_attribute(value: str) -> str:
    return escape(replace_control_characters(value)).replace("\n", "&#10;")


def _anchor(href: str, text: str | None) -> str:
    text = escape_text(text if text and text.strip() else href)
    return f'<a href="{escape(href)}">{text}</a>' if is_safe_link(href) else text


def _row(row: body.TableRow, tag: str) -> str:
    return f"<tr>{''.join(f'<{tag}>{_rich(cell)}</{tag}>' for cell in row.cells)}</tr>"
