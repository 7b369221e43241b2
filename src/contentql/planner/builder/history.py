"""Tables that keep the earlier names of renamed rows."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class RenameHistory:
    """Where the names are kept that things had before."""

    column: str
    table: str
    owner: str


RENAME_HISTORY = {
    "article": RenameHistory("slug", "slug_history", "article_id"),
    "category": RenameHistory("path", "path_history", "category_id"),
}
