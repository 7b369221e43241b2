"""Reader of documents of JSON-LD with articles of schema.org, as pages have them in a script element."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import orjson

from contentql.content.import_item import ImportItem
from contentql.content.records import FormatError
from contentql.formats.pages.html_reader import read_page
from contentql.formats.pages.json_ld import ARTICLE_TYPES, article_rank, parse_json
from contentql.formats.registry import Format
from contentql.formats.source_file import ReadOptions, SourceFile

MAX_DOCUMENT: Final = 64 * 1024 * 1024  # bytes


def _sniff(head: bytes, name: str) -> bool:
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    return start.startswith((b"{", b"[")) and b'"@context"' in start and b"schema.org" in start


def _read(source: SourceFile, options: ReadOptions) -> Iterator[ImportItem]:
    value = parse_json(source.read(MAX_DOCUMENT).decode("utf-8", "replace"))
    if value is None:
        raise FormatError("the file is no valid JSON")
    nodes = _nodes(value)
    articles = [node for node in nodes if article_rank(node) < len(ARTICLE_TYPES)]
    if not articles:
        raise FormatError("the file has no article of schema.org")
    others = [node for node in nodes if article_rank(node) == len(ARTICLE_TYPES)]
    for number, article in enumerate(articles, 1):
        # As in a page; no tag can be in the script.
        script = orjson.dumps([article, *others]).decode().replace("<", "\\u003c")
        page = f'<script type="application/ld+json">{script}</script>'
        yield read_page(source, options, page, place=f"item {number}" if len(articles) > 1 else "")


def _nodes(value: Any) -> list[dict[str, Any]]:
    """The nodes at the top of a document."""
    if isinstance(value, dict) and isinstance(value.get("@graph"), list):
        value = value["@graph"]
    items = value if isinstance(value, list) else [value]
    return [item for item in items if isinstance(item, dict)]


FORMAT = Format("jsonld", _sniff, _read)
