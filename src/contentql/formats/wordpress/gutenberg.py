"""Blocks of the WordPress editor: comments in the HTML of a post that say what the elements are.

The elements themselves hold what readers see; the comments tell of blocks that are hidden, stored elsewhere,
or made by a program when the page is shown.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

import orjson

from contentql.formats.wordpress.wpautop import add_paragraphs

_COMMENT: Final = re.compile(r"<!--\s+(?P<closes>/?)wp:(?P<name>[a-z0-9][a-z0-9_/-]*)(?=\s)")
_NO_PARAGRAPHS: Final = re.compile(r"<(?:p|div|ul|ol|table|figure|blockquote|h[1-6])[\s>]", re.IGNORECASE)
# Blocks without content that are no loss.
_EMPTY: Final = {"more", "nextpage", "spacer", "separator", "paragraph", "columns", "column", "group", "html"}


def has_blocks(content: str) -> bool:
    """Whether a post was written in the block editor."""
    return "<!-- wp:" in content


def is_hidden(attributes: Mapping[str, Any]) -> bool:
    """Whether a block is hidden from readers (WordPress 6.9)."""
    metadata = attributes.get("metadata")
    return isinstance(metadata, dict) and metadata.get("blockVisibility") is False


def render_blocks(
    content: str, render: Callable[[str, Mapping[str, Any]], str], hide: Callable[[str, str], None]
) -> str:
    """The HTML of a post without the comments of its blocks.

    `render` returns the HTML of a block that has none of its own, by name and attributes; `hide` receives the
    name and HTML of each block that readers do not see.
    """
    pieces: list[str] = []
    hidden: tuple[str, list[str]] | None = None  # the outermost block that is hidden
    depth = 0  # open blocks within it
    inside = 0  # open blocks
    at = 0
    for start in _COMMENT.finditer(content):
        if start.start() < at:
            continue
        end = content.find("-->", start.end())
        if end < 0:
            break
        target = hidden[1] if hidden else pieces
        target.append(_free(content[at : start.start()], inside))
        at = end + 3
        name = start["name"].removeprefix("core/")
        text = content[start.end() : end].strip()
        is_void = text.endswith("/")
        attributes = _attributes(text.removesuffix("/"))
        inside += 0 if is_void else -1 if start["closes"] else 1
        inside = max(inside, 0)
        if hidden:
            depth += 0 if is_void or name != hidden[0] else -1 if start["closes"] else 1
            if not depth:
                hide(name, "".join(hidden[1]))
                hidden = None
        elif start["closes"]:
            pass
        elif is_hidden(attributes):
            if is_void:
                hide(name, "")
            else:
                hidden, depth = (name, []), 1
        elif is_void and name not in _EMPTY:
            pieces.append(render(name, attributes))
    if hidden:
        hide(hidden[0], "".join(hidden[1]))
    pieces.append("" if hidden else _free(content[at:], inside))
    return "".join(pieces)


def _free(html: str, inside: int) -> str:
    """A part of the content; text outside of all blocks is as in the classic editor."""
    is_classic = not inside and html.strip() and not _NO_PARAGRAPHS.search(html)
    return add_paragraphs(html) if is_classic else html


def _attributes(text: str) -> dict[str, Any]:
    if not text.startswith("{"):
        return {}
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return {}
    return value if isinstance(value, dict) else {}
