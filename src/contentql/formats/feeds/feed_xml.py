"""Feeds in XML: their head, their items one by one, and access to elements by plain names.

Elements have the usual prefix of their namespace, such as `media:content`, whatever the document declares;
those of RSS have none. The head is read before the items, since it may stand behind them.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, BinaryIO, Final
from xml.etree.ElementTree import Element, tostring

from contentql.formats.encodings import Encoding, decode_chunks, detect_encoding
from contentql.formats.feeds.lenient_xml import XML_BASE, XML_LANG, Part, XmlError, join_address, read_parts
from contentql.formats.source_file import SourceFile

ITEM_NAMES: Final = frozenset(("item", "entry", "deleted-entry"))
CONTAINERS: Final = frozenset(("rss", "RDF", "channel", "feed"))
RSS_NAMESPACES: Final = (
    "http://purl.org/rss/1.0/",
    "http://my.netscape.com/rdf/simple/0.9/",
    "http://channel.netscape.com/rdf/simple/0.9/",
    "http://purl.org/net/rss1.1#",
    "http://backend.userland.com/rss",
    "http://backend.userland.com/rss2",
    "http://blogs.law.harvard.edu/tech/rss",
    "http://my.netscape.com/publish/formats/rss-0.91.dtd",
)
ATOM_NAMESPACES: Final = ("http://www.w3.org/2005/atom", "http://purl.org/atom/ns#")
_PREFIXES: Final = {
    **dict.fromkeys(RSS_NAMESPACES, ""),
    **dict.fromkeys(ATOM_NAMESPACES, "atom:"),
    "http://purl.org/dc/elements/1.1/": "dc:",
    "http://purl.org/dc/elements/1.0/": "dc:",
    "http://purl.org/dc/terms/": "dcterms:",
    "http://purl.org/rss/1.0/modules/content/": "content:",
    "http://search.yahoo.com/mrss": "media:",
    "http://search.yahoo.com/mrss/": "media:",
    "http://www.rssboard.org/media-rss": "media:",
    "http://www.itunes.com/dtds/podcast-1.0.dtd": "itunes:",
    "http://example.com/dtds/podcast-1.0.dtd": "itunes:",
    "http://www.w3.org/1999/xhtml": "xhtml:",
    "http://purl.org/atompub/tombstones/1.0": "at:",
    "http://www.w3.org/2007/app": "app:",
    "http://purl.org/atom/app#": "app:",
    "http://www.georss.org/georss": "georss:",
    "http://www.w3.org/2003/01/geo/wgs84_pos#": "geo:",
    "http://rssnamespace.org/feedburner/ext/1.0": "feedburner:",
    "http://www.w3.org/1999/02/22-rdf-syntax-ns#": "rdf:",
    "http://schemas.google.com/blogger/2018": "blogger:",
}
# Prefixes that documents use without a declaration.
_UNDECLARED: Final = frozenset(
    prefix.removesuffix(":") for prefix in _PREFIXES.values() if prefix not in ("", "xhtml:")
)
_ADDRESSES: Final = ("href", "src", "cite", "poster")
_MAX_ITEMS_OF_HEAD: Final = 1_000  # of one name


@dataclass(frozen=True)
class FeedHead:
    """What a feed says of itself: its elements by name, its root, its base address and language."""

    encoding: Encoding
    root: Element
    elements: dict[str, list[Element]] = field(default_factory=dict)
    base: str = ""
    language: str | None = None

    def first(self, *names: str) -> Element | None:
        return next((element for name in names for element in self.elements.get(name, ())), None)

    def text(self, *names: str) -> str:
        """The first text of the elements with these names."""
        return next((text for name in names for e in self.elements.get(name, ()) if (text := text_of(e))), "")

    def address(self) -> str:
        """The address of the website, else that of the feed; "" if it names none."""
        links = [self.text("link"), *_alternates(self.elements.get("atom:link", ()))]
        links += [element.get("href", "") for element in self.elements.get("atom:link", ())]
        return next((join_address(self.base, link) for link in links if link), self.text("atom:id"))


def read_head(file: BinaryIO) -> FeedHead:
    """Reads what is not in an item. Raises XmlError if the file has no XML element."""
    encoding = detect_encoding(file)
    head: FeedHead | None = None
    try:
        for part in read_parts(decode_chunks(file, encoding), CONTAINERS):
            element = part.element
            name = plain_name(element.tag)
            if head is None:
                head = FeedHead(encoding, element, {}, part.base, part.language)
            if name.rpartition(":")[2] in CONTAINERS:
                base = join_address(part.base, element.get(XML_BASE, "")) or head.base
                head = FeedHead(
                    encoding, head.root, head.elements, base, element.get(XML_LANG, head.language)
                )
            elif name.rpartition(":")[2] not in ITEM_NAMES and not part.error:
                stored = head.elements.setdefault(name, [])
                if len(stored) < _MAX_ITEMS_OF_HEAD:
                    rename(element)
                    stored.append(element)
    except XmlError:
        if head is None:
            raise
    assert head is not None
    return head


def read_items(source: SourceFile, head: FeedHead) -> Iterator[Part]:
    """Yields the items, with plain names. Raises XmlError where the feed ends too early."""
    for part in read_parts(decode_chunks(source.file, head.encoding), CONTAINERS):
        if plain_name(part.element.tag).rpartition(":")[2] in ITEM_NAMES:
            rename(part.element)
            yield part


def root_of(head: bytes) -> Element | None:
    """The root element of the beginning of a file, None if that is no XML."""

    file = io.BytesIO(head)
    encoding = detect_encoding(file)
    text = "".join(decode_chunks(file, encoding))
    if not text.lstrip("\ufeff \t\r\n").startswith("<"):
        return None
    try:
        return next(read_parts([text], CONTAINERS)).element
    except (XmlError, StopIteration):
        return None


@lru_cache(4_096)
def plain_name(tag: str) -> str:
    """The name of an element with the usual prefix of its namespace; that of an unknown one stays."""
    namespace, brace, local = tag.rpartition("}")
    if not brace:
        return tag
    namespace = namespace[1:]
    if namespace in _UNDECLARED:
        return f"{namespace}:{local}"
    prefix = _PREFIXES.get(namespace.lower())
    return tag if prefix is None else f"{prefix}{local}"


def rename(element: Element) -> None:
    """Replaces the names of an element and all within it by plain names."""
    for part in element.iter():
        part.tag = plain_name(part.tag)


def children(element: Element, *names: str) -> list[Element]:
    """The children with these names, in the order of the names."""
    return [child for name in names for child in element if child.tag == name]


def first_text(element: Element, *names: str) -> str:
    """The first text of the children with these names, "" if there is none."""
    return next((text for child in children(element, *names) if (text := text_of(child))), "")


def text_of(element: Element | None) -> str:
    return "" if element is None else "".join(element.itertext()).strip()


def html_of(element: Element, base: str) -> str:
    """The HTML in an element: written as text, or as elements, the addresses of which are made absolute."""
    if not len(element):
        return element.text or ""
    _resolve(element, base)
    for part in element.iter():
        part.tag = re.sub(r"[^\w.-]", "-", part.tag.rpartition(":")[2].rpartition("}")[2]) or "span"
        part.attrib = {name: value for name, value in part.attrib.items() if "}" not in name}
    element.tail = None
    element.tag = "body"
    element.attrib = {}
    text = tostring(element, encoding="unicode", method="html")
    return text.removeprefix("<body>").removesuffix("</body>")


def _resolve(element: Element, base: str) -> None:
    """Makes the addresses in an element with this base absolute, by the bases of the elements around them."""
    pending = [(child, base) for child in element]
    while pending:
        part, outer = pending.pop()
        inner = join_address(outer, part.get(XML_BASE, "")) if XML_BASE in part.attrib else outer
        if inner:
            for name in _ADDRESSES:
                if value := part.get(name):
                    part.set(name, join_address(inner, value))
        pending += [(child, inner) for child in part]


def element_value(element: Element) -> dict[str, Any]:
    """An element as JSON: its name, attributes, text and elements."""
    text = (element.text or "").strip()
    value = {
        "name": element.tag,
        "attributes": dict(element.attrib),
        "text": text,
        "elements": [element_value(child) for child in element],
    }
    return {name: part for name, part in value.items() if part}


def _alternates(links: Iterable[Element]) -> Iterator[str]:
    for link in links:
        if link.get("rel", "alternate") == "alternate":
            yield link.get("href", "")
