"""Tables with the former names of renamed rows."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class RenameHistory:
    """A table of former names: `column` is the name in both tables, `owner` the id of the renamed row.

    `qualifier`: an argument and column that tells rows with the same name apart. `merged`: rows of the table
    also lead from ids of merged rows, in `merged_id`.
    """

    column: str
    table: str
    owner: str
    qualifier: str = ""
    merged: bool = False


RENAME_HISTORY = {
    "article": RenameHistory("slug", "slug_history", "article_id", "language"),
    "withdrawal": RenameHistory("slug", "slug_history", "article_id", "language"),
    "category": RenameHistory("path", "path_history", "category_id"),
    "tag": RenameHistory("slug", "former_slug", "tag_id", "type"),
    "author": RenameHistory("slug", "former_slug", "author_id"),
    "source": RenameHistory("slug", "former_slug", "source_id", merged=True),
    "story": RenameHistory("slug", "former_slug", "story_id"),
    "collection": RenameHistory("slug", "former_slug", "collection_id"),
}
