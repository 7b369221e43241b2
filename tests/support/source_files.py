"""Files as the readers of formats get them."""

from __future__ import annotations

import io
from typing import Any

from contentql.content.import_item import ImportItem
from contentql.formats.registry import detect_format
from contentql.formats.source_file import HEAD_BYTES, ReadOptions, SourceFile


def read_items(name: str, content: bytes, **options: Any) -> list[ImportItem]:
    """The items of a file in any format; `options` are those of ReadOptions."""
    source = SourceFile(name, f"/files/{name}", io.BytesIO(content), content[:HEAD_BYTES])
    return list(detect_format(source.head, name).read(source, ReadOptions(**options)))
