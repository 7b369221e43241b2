"""NITF, the markup of agencies inside of NewsML-G2 and ninjs, as HTML: https://iptc.org/standards/nitf/.

Invariant: no DTD, no entities, no network; nesting is bounded by the parser of the XML.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from html import escape
from typing import Final
from xml.etree.ElementTree import Element

from contentql.formats.agency.xml_stream import local_name

# Elements of NITF as elements of HTML; the text of others is inline text.
_TAGS: Final = {
    "p": "p", "hl1": "h2", "hl2": "h2", "table": "table", "tr": "tr", "td": "td", "th": "th", "thead": "",
    "ul": "ul", "ol": "ol", "li": "li", "dl": "dl", "dt": "dt", "dd": "dd", "em": "em", "strong": "strong",
    "b": "strong", "i": "em", "u": "span", "sub": "sub", "sup": "sup", "pre": "pre", "q": "q", "div": "div",
    "block": "div", "h1": "h2", "h2": "h2", "h3": "h3", "h4": "h4", "blockquote": "blockquote",
    "caption": "caption", "fn": "p", "hedline": "div", "lang": "span",
}  # fmt: skip
_VOID: Final = {"br": "<br>", "hr": "<hr>"}
_MAX_NOTES: Final = 20
_HIDDEN: Final = {
    "note",
    "media-metadata",
    "media-object",
    "nitf-table-metadata",
    "custom-table",
    "col",
    "colgroup",
}


@dataclass
class NitfDocument:
    """What an NITF document has: HTML of its content, and the lines at its head; "" for what it lacks."""

    html: str = ""
    headline: str = ""
    kicker: str = ""
    byline: str = ""
    dateline: str = ""
    abstract: str = ""
    notes: list[str] = field(default_factory=list)  # to editors


def read_nitf(root: Element) -> NitfDocument:
    """Reads an element `nitf`, or any element around a body of NITF."""
    document = NitfDocument()
    content: list[str] = []
    for element in root.iter():
        name = local_name(element)
        if name == "hl1" and not document.headline:
            document.headline = inner_text(element)
        elif name == "byline" and not document.byline:
            document.byline = inner_text(element)
        elif name == "dateline" and not document.dateline:
            document.dateline = inner_text(element)
        elif name == "abstract" and not document.abstract:
            document.abstract = inner_text(element)
        elif name == "title" and not document.kicker:
            document.kicker = inner_text(element)
        elif name == "note" and len(document.notes) < _MAX_NOTES and (text := inner_text(element)):
            document.notes.append(text)
        elif name == "body.content" and not content:
            content.append("".join(_children(element)))
        elif name == "tagline" and len(content) == 1 and (text := inner_text(element)):
            content.append(f"<p>{escape(text)}</p>")
    document.headline = document.headline or document.kicker
    document.html = "\n".join(content)
    return document


def inner_text(element: Element) -> str:
    """The text in an element without markup, in one line."""
    return " ".join(" ".join(element.itertext()).split())


def to_html(element: Element) -> str:
    """An element of XHTML, and what is in it, as HTML; names without their prefixes."""
    return "".join(_markup(element))


def inner_html(element: Element) -> str:
    """What is in an element of XHTML as HTML."""
    parts = [escape(element.text or "", quote=False)]
    for child in element:
        parts += [to_html(child), escape(child.tail or "", quote=False)]
    return "".join(parts)


def _markup(element: Element) -> Iterator[str]:
    name = local_name(element)
    if not name:
        return  # a comment
    attributes = "".join(
        f' {key.rpartition("}")[2]}="{escape(value)}"' for key, value in element.attrib.items()
    )
    yield f"<{name}{attributes}>"
    yield escape(element.text or "", quote=False)
    for child in element:
        yield from _markup(child)
        yield escape(child.tail or "", quote=False)
    if name not in ("br", "hr", "img", "source", "wbr", "col", "input", "meta", "link"):
        yield f"</{name}>"


def _children(element: Element) -> Iterator[str]:
    yield escape(element.text or "", quote=False)
    for child in element:
        yield from _element(child)
        yield escape(child.tail or "", quote=False)


def _element(element: Element) -> Iterator[str]:
    name = local_name(element)
    if name in _VOID:
        yield _VOID[name]
    elif name == "media":
        yield from _media(element)
    elif name == "a":
        yield f'<a href="{escape(element.get("href") or "")}">'
        yield from _children(element)
        yield "</a>"
    elif name == "bq":
        yield "<blockquote>"
        yield from _children(element)
        yield "</blockquote>"
    elif name in ("credit", "datasource") and inner_text(element):
        yield f"<p>{escape(inner_text(element))}</p>"
    elif name and name not in _HIDDEN:
        tag = _TAGS.get(name, "")
        yield f"<{tag}>" if tag else ""
        yield from _children(element)
        yield f"</{tag}>" if tag else ""


def _media(element: Element) -> Iterator[str]:
    """A picture, film or recording with its caption and producer."""
    kind = {"video": "video", "audio": "audio"}.get(element.get("media-type") or "", "img")
    references = [child for child in element.iter() if local_name(child) == "media-reference"]
    best = max(references, key=_width, default=None)
    caption = " ".join(
        text
        for child in element
        if local_name(child) in ("media-caption", "media-producer") and (text := inner_text(child))
    )
    source = "" if best is None else best.get("source") or ""
    if source:
        alt = escape("" if best is None else best.get("alternate-text") or "")
        yield f'<figure><{kind} src="{escape(source)}" alt="{alt}"></{kind}>'.replace("></img>", ">")
        yield f"<figcaption>{escape(caption)}</figcaption></figure>"
    elif caption:
        yield f"<p>{escape(caption)}</p>"


def _width(reference: Element) -> int:
    width = reference.get("width") or ""
    return int(width) if width.isascii() and width.isdecimal() and len(width) < 9 else 0
