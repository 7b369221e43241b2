"""Tables with the former names of renamed rows."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class RenameHistory:
    """A table of former names: `column` is the name in both tables, `owner` the id of the renamed row."""

    column: str
    table: str
    owner: str


RENAME_HISTORY = {
    "article": RenameHistory("slug", "slug_history", "article_id"),
    "category": RenameHistory("path", "path_history", "category_id"),
}
