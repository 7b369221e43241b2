"""Filters of delta sync: what they may read, and by which changes an article can stop to match."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from contentql.content.names import to_snake
from contentql.errors import ApiError

# Conditions by which an article would match or not because of other objects, whose changes do not log it.
_OTHER_OBJECTS = frozenset({"articles", "related", "translations", "children"})
# By condition, the columns of the article and the tables that it reads; others read the column of their name.
_READ_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "id": (),
    "category": ("category_id",),
    "categories": (),
    "leadMedia": ("lead_media_id",),
    "media": (),
    "attributions": (),
    "source": (),
    "sources": (),
    "authors": (),
    "tags": (),
    "story": ("story_id",),
    "externalIds": (),
    "inLanguages": ("language",),
}
_READ_TABLES: Mapping[str, tuple[str, ...]] = {
    "category": ("category",),
    "categories": ("article_section", "category"),
    "leadMedia": ("media",),
    "media": ("article_media", "media"),
    "attributions": ("attribution", "source"),
    "source": ("attribution", "source"),
    "sources": ("attribution", "source"),
    "authors": ("article_author", "author"),
    "tags": ("article_tag", "tag"),
    "story": ("story",),
    "externalIds": ("external_id",),
}
_ANY_CHANGE = frozenset({"search", "status", "hasUnpublishedChanges"})
_MEDIA = frozenset({"leadMedia", "media"})
_STATUS = frozenset({"status", "hasUnpublishedChanges"})


def check_sync_filter(value: Any) -> None:
    """Raises ApiError BAD_USER_INPUT for conditions on other objects than those that an article shows."""
    if isinstance(value, list):
        for item in value:
            check_sync_filter(item)
    elif isinstance(value, dict):
        for name, inner in value.items():
            if name in _OTHER_OBJECTS and inner is not None:
                raise ApiError(
                    "BAD_USER_INPUT",
                    f"`changes` cannot follow the condition `{name}`, which depends on other objects than"
                    " those that the article shows.",
                    "Use conditions on the article itself, or on its sections, tags, authors, sources,"
                    " story and media.",
                )
            check_sync_filter(inner)


def filter_change_sql(value: Any, row: str, *, with_copies: bool) -> str:
    """The condition that a change in the article log, in `row`, can have changed whether the article matches.

    `with_copies`: changes of working copies can, because the log does not tell what has changed in them.
    """
    names = set(_conditions(value))
    if names & _ANY_CHANGE:
        return "(1 = 1)"
    columns = {column for name in names for column in _READ_COLUMNS.get(name, (to_snake(name),))}
    tables = {table for name in names for table in _READ_TABLES.get(name, ())}
    tables |= {"copy"} if with_copies else set()
    return "({})".format(
        " or ".join(
            f"' ' || {row}.{words} || ' ' like '% {word} %'"
            for words, own in (("columns", columns), ("source", tables))
            for word in sorted(own)
        )
        or "1 = 0"
    )


def depends_on_time(value: Any) -> bool:
    """True if an article that stays visible can stop to match by the passage of time."""
    return not (_MEDIA | _STATUS).isdisjoint(_conditions(value))


def _conditions(value: Any) -> Iterator[str]:
    """Yields the names of the conditions on the article itself, also those within operators."""
    for item in value if isinstance(value, list) else [value]:
        if not isinstance(item, dict):
            continue
        for name, inner in item.items():
            if inner is None:
                continue
            if name in ("and", "or", "not"):
                yield from _conditions(inner)
            else:
                yield name
