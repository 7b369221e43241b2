"""Files as the readers of formats get them."""

from __future__ import annotations

import io
import tracemalloc
from collections.abc import Iterator
from typing import Any

from contentql.content.blocks import block_text
from contentql.content.import_item import ImportItem
from contentql.content.records import ArticleRecord, AuthorRecord, CategoryRecord, TagRecord
from contentql.formats.registry import detect_format
from contentql.formats.source_file import HEAD_BYTES, ReadOptions, SourceFile


def read_items(name: str, content: bytes, **options: Any) -> list[ImportItem]:
    """The items of a file in any format; `options` are those of ReadOptions."""
    return list(_read(name, content, **options))


def count_items(name: str, content: bytes) -> tuple[int, int]:
    """The number of items of a file, and the most memory in bytes that reading it takes."""
    items = _read(name, content)
    tracemalloc.start()
    try:
        count = sum(1 for _ in items)
        return count, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def _read(name: str, content: bytes, **options: Any) -> Iterator[ImportItem]:
    source = SourceFile(name, f"/files/{name}", io.BytesIO(content), content[:HEAD_BYTES])
    return detect_format(source.head, name).read(source, ReadOptions(**options))


def record_of(item: ImportItem) -> ArticleRecord:
    assert isinstance(item.record, ArticleRecord), (item.error, item.skipped)
    return item.record


def texts_of(item: ImportItem) -> list[str]:
    return [block_text(block) for block in record_of(item).blocks]


def messages_of(item: ImportItem) -> str:
    return "\n".join(warning.message for warning in item.warnings)


def names_of(
    item: ImportItem, kind: type[AuthorRecord] | type[CategoryRecord] | type[TagRecord]
) -> list[str]:
    """The names of what an item refers to."""
    return [record.name for record in item.references if isinstance(record, kind)]


def tags_of(item: ImportItem) -> dict[str, TagRecord]:
    return {tag.name: tag for tag in item.references if isinstance(tag, TagRecord)}


def values_of(item: ImportItem) -> dict[str, Any]:
    """What an import stores of an item."""
    return {
        "record": record_of(item).model_dump(mode="json"),
        "media": [media.model_dump(mode="json") for media in item.media],
        "references": [reference.model_dump(mode="json") for reference in item.references],
        "addresses": item.addresses,
        "status": item.source_status,
        "version": item.source_version,
        "modified": item.source_modified_at,
    }
