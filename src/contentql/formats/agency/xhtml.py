"""HTML as well-formed XHTML, for formats that carry it inside of XML."""

from __future__ import annotations

import re
from typing import Final
from xml.sax.saxutils import escape, quoteattr

from contentql.formats.html_safety import UnsafeContentError
from contentql.formats.html_styles import VOID
from contentql.formats.html_tokenizer import Tag, tokenize_html
from contentql.formats.xml_text import clean_text

_NAME: Final = re.compile(r"[a-z][a-z0-9-]*", re.ASCII)
_ATTRIBUTE: Final = re.compile(r"[a-z_][a-z0-9_.-]*", re.ASCII)
_MAX_DEPTH: Final = 100


def to_xhtml(html: str) -> str:
    """The HTML with every element closed. Tags without a partner and names that XML does not allow are left
    out, the text stays."""
    parts: list[str] = []
    open_names: list[str] = []
    try:
        for piece in tokenize_html(html):
            if isinstance(piece, str):
                parts.append(escape(clean_text(piece), {"\r": "&#13;"}))
            elif not piece.closes:
                parts.append(_start_tag(piece, open_names))
            elif piece.name in open_names:
                while (name := open_names.pop()) != piece.name:
                    parts.append(f"</{name}>")
                parts.append(f"</{piece.name}>")
    except UnsafeContentError:
        pass  # an unfinished tag at the end
    parts += [f"</{name}>" for name in reversed(open_names)]
    return "".join(parts)


def _start_tag(tag: Tag, open_names: list[str]) -> str:
    """The tag in XHTML; adds its name to those that are open unless it is void."""
    if not _NAME.fullmatch(tag.name) or (len(open_names) >= _MAX_DEPTH and tag.name not in VOID):
        return ""
    attributes = "".join(
        f" {name}={quoteattr(clean_text(value))}"
        for name, value in tag.attributes.items()
        if _ATTRIBUTE.fullmatch(name) and not name.startswith("xml")
    )
    if tag.name in VOID:
        return f"<{tag.name}{attributes}/>"
    open_names.append(tag.name)
    return f"<{tag.name}{attributes}>"
