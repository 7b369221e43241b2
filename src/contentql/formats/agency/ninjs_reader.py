"""Reader of ninjs, the IPTC's JSON for news: generations 1.0 to 3.2, https://iptc.org/standards/ninjs/.

A file has one item, several in a row or in lines, an array, or an object with an array of `items`. Texts
associated with an item are items, too. Invariant: every JSON value is accepted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from contentql.content.import_item import ImportItem
from contentql.formats.agency.json_items import open_as_utf8, read_json_items
from contentql.formats.agency.ninjs_article import build_article
from contentql.formats.agency.ninjs_associations import Associations
from contentql.formats.agency.ninjs_properties import NAMES, inner_text, read_properties
from contentql.formats.registry import Format
from contentql.formats.source_file import ReadOptions, SourceFile

_WRAPPERS: Final = ("items", "_items", "newsItems", "results", "data")
_MAX_NESTING: Final = 4  # of texts in associations
_TOKEN: Final = re.compile(r'"(?:[^"\\]|\\.)*+"|[\[{}\]:]', re.DOTALL)
_TEXT_KEY: Final = re.compile(r"(?:body|description|headline)(?:_\w*)?", re.ASCII)
# Our own records, JSON-LD and JSON Feed.
_OTHER_FORMATS: Final = re.compile(r'"(?:record|@context|@graph)"\s*:|jsonfeed\.org/version')


def sniff(head: bytes, name: str) -> bool:
    """Whether a file is ninjs: an object with a `uri` and another of its properties, and no other format."""
    encoding = "utf-16" if head.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    text = head.decode(encoding, "replace").lstrip()
    if not text.startswith(("{", "[")):
        return False
    if name.lower().endswith((".ninjs", ".ninjs.json")):
        return True
    if _OTHER_FORMATS.search(text):
        return False
    names = _names(text)
    known = {name for name in names if name.lower() in NAMES or _TEXT_KEY.fullmatch(name)} - {"uri", "guid"}
    return ("uri" in names and bool(known or len(names) == 1)) or ("guid" in names and len(known) > 2)


def _names(text: str) -> set[str]:
    """The names of the properties of the items in the beginning of a file."""
    names: dict[int, set[str]] = {}
    depth, string = 0, ""
    for token in _TOKEN.finditer(text):
        if token[0] == ":":
            names.setdefault(depth, set()).add(string)
        elif token[0] in "[{":
            depth += 1
        elif token[0] in "]}":
            depth -= 1
        else:
            string = token[0][1:-1]
    if text.startswith("["):
        return names.get(2, set())
    outer = names.get(1, set())
    return names.get(3, set()) if outer & set(_WRAPPERS) and "uri" not in outer else outer


def read(source: SourceFile, options: ReadOptions) -> Iterator[ImportItem]:
    """Yields an item for each object in the file, and one for each text that is associated with it."""
    number = 0
    for item in read_json_items(open_as_utf8(source.file, source.head)):
        wrapped = _wrapped_items(item.value)
        for value in [item.value] if wrapped is None else wrapped:
            number += 1
            if item.error is not None:
                yield ImportItem(source.name, error=item.error, place=f"item {number}")
            else:
                yield from _read_item(value, source.name, f"item {number}", options)


def _wrapped_items(value: Any) -> list[Any] | None:
    """The items of an object that is no item itself."""
    if not isinstance(value, dict) or "uri" in value:
        return None
    return next((value[name] for name in _WRAPPERS if isinstance(value.get(name), list)), None)


def _read_item(
    value: Any, source: str, place: str, options: ReadOptions, nesting: int = 0
) -> Iterator[ImportItem]:
    if not isinstance(value, dict):
        yield ImportItem(source, error=f"an item must be an object, not {str(value)[:50]!r}", place=place)
        return
    item = read_properties(value)
    associations = Associations.of(item)
    yield build_article(item, associations, source, place, options)
    for text in associations.texts if nesting < _MAX_NESTING else ():
        name = inner_text(text, "name") or inner_text(text, "uri")
        yield from _read_item(text, source, f"{place}, association {name[:100]!r}", options, nesting + 1)


FORMAT = Format("ninjs", sniff, read)
