"""Reader of NewsML-G2, the IPTC's XML for news: https://iptc.org/standards/newsml-g2/.

A file is one item or a message with many, which are read one at a time. News items become articles; packages,
concepts, plans and catalogs are skipped with the reason. Invariant: no DTD, no entities, no network; the
memory that is needed does not depend on the number of items.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final
from xml.etree.ElementTree import Element

from contentql.content.import_item import ImportItem
from contentql.content.records import FormatError
from contentql.formats.agency.newsml_g2_article import build_article
from contentql.formats.agency.newsml_g2_elements import Catalog, child, text_of
from contentql.formats.agency.xml_stream import XmlStream, local_name
from contentql.formats.registry import Format
from contentql.formats.source_file import ReadOptions, SourceFile

_SKIPPED: Final = {
    "conceptItem": "a concept, not an article",
    "knowledgeItem": "a set of concepts, not an article",
    "planningItem": "a plan of coverage, not an article",
    "catalogItem": "a catalog of vocabularies, not an article",
}
_ITEMS: Final = {"newsItem", "packageItem", *_SKIPPED}
# A file with a DOCTYPE is refused by the parser, with the reason. Atomic groups: linear time.
_PROLOG: Final = r"<\?(?>.*?\?>)|<!--(?>.*?-->)|<!DOCTYPE[^\[>]*+(?:\[[^\]]*+\]\s*+)?>"
_ROOT: Final = re.compile(
    rf"\s*+(?:(?:{_PROLOG})\s*+)*+"
    rf"<(?:[\w.-]++:)?(?:{'|'.join(sorted((*_ITEMS, 'newsMessage', 'contentSet')))})[\s/>]",
    re.DOTALL,
)


def sniff(head: bytes, name: str) -> bool:
    """Whether the root element of a file is an item or a message of NewsML-G2."""
    encoding = "utf-16" if head.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    return _ROOT.match(head.decode(encoding, "replace")) is not None


def read(source: SourceFile, options: ReadOptions) -> Iterator[ImportItem]:
    """Yields an item for each item in the file."""
    reader = _Reader(source, options)
    try:
        yield from reader.items()
    except FormatError as exc:
        yield ImportItem(source.name, error=str(exc), place=f"item {reader.number + 1}")


class _Reader:
    """Reads the items of one file; `number` is that of the item that was read last."""

    def __init__(self, source: SourceFile, options: ReadOptions) -> None:
        self._source, self._options = source, options
        self.number = 0

    def items(self) -> Iterator[ImportItem]:
        """Yields the items in the order of the file. Raises FormatError where the file is not valid."""
        stream = XmlStream(self._source.file)
        open_elements: list[Element] = []
        header: Element | None = None
        in_item = False
        for event, element in stream.events():
            name = local_name(element)
            if event == "start":
                open_elements.append(element)
                in_item = in_item or name in _ITEMS
                continue
            open_elements.pop()
            is_item = name in _ITEMS and not any(local_name(parent) in _ITEMS for parent in open_elements)
            if is_item:
                self.number += 1
                yield self._item(element, header)
            elif name == "header" and not in_item:
                header = element
            elif name == "contentSet" and not open_elements:
                self.number += 1
                yield self._fragment(element)
            if is_item:
                in_item = False
                element.clear()
                for parent in open_elements[-1:]:
                    parent.remove(element)
                stream.restart()
        if not self.number:
            yield ImportItem(self._source.name, skipped="a message without items", place="item 1")

    def _item(self, element: Element, header: Element | None) -> ImportItem:
        name, place = local_name(element), f"item {self.number}"
        if reason := _SKIPPED.get(name):
            return ImportItem(self._source.name, skipped=reason, place=place)
        if name == "packageItem":
            return ImportItem(self._source.name, skipped=_describe_package(element), place=place)
        catalog = Catalog(header, element)
        return build_article(element, self._source.name, place, self._options, catalog)

    def _fragment(self, content: Element) -> ImportItem:
        """The article of a content set without an item around it."""
        item = Element("newsItem", {"guid": re.sub(r"\s+", "-", self._source.identity)[:500]})
        item.append(content)
        return build_article(item, self._source.name, "item 1", self._options, Catalog())


def _describe_package(package: Element) -> str:
    """The reason why a package is no article, with its title and the items that it refers to."""
    references = [part for part in package.iter() if local_name(part) == "itemRef"]
    title = text_of(child(package, "contentMeta", "headline")) or text_of(child(package, "itemMeta", "title"))
    named = f" {title[:100]!r}" if title else ""
    ids = [reference.get("residref") or reference.get("href") or "" for reference in references]
    listed = ", ".join(id for id in ids[:5] if id)
    more = f" and {len(ids) - 5} more" if len(ids) > 5 else ""
    return f"a package{named} of {len(ids)} items, which are read by themselves: {listed[:500]}{more}"


FORMAT = Format("newsml-g2", sniff, read)
