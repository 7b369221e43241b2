"""Tables and columns by which a change of one row affects responses that show others.

`check_relations` compares them with the relations that the schema declares.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from contentql.planner.catalog import Catalog
from contentql.planner.field_plans import JunctionTable, ToMany
from contentql.planner.visibility import TABLES_VISIBLE_BY_USE

# Link tables by the table that they lead to: (link table, target column, source columns).
LINKS: Mapping[str, Sequence[tuple[str, str, tuple[str, ...]]]] = {
    "article": (
        ("article_section", "article_id", ("category_id",)),
        ("article_tag", "article_id", ("tag_id",)),
        ("article_author", "article_id", ("author_id",)),
        ("article_media", "article_id", ("media_id",)),
        ("live_entry_use", "article_id", ("author_id", "media_id")),
        ("article_related", "related_id", ("article_id",)),
        ("attribution", "article_id", ("source_id",)),
        ("collection_item", "article_id", ("collection_id", "media_id")),
    ),
    "category": (("article_section", "category_id", ("article_id",)),),
    "tag": (("article_tag", "tag_id", ("article_id",)),),
    "author": (
        ("article_author", "author_id", ("article_id",)),
        ("live_entry_use", "author_id", ("article_id",)),
    ),
    "source": (("attribution", "source_id", ("article_id", "head_id")),),
    "media": (
        ("article_media", "media_id", ("article_id",)),
        ("live_entry_use", "media_id", ("article_id",)),
    ),
}
# Columns that refer to rows of another table which are visible only while a visible row uses them.
USES: Mapping[str, Mapping[str, str]] = {
    "article": {"story_id": "story", "lead_media_id": "media"},
    "article_tag": {"tag_id": "tag"},
    "article_author": {"author_id": "author"},
    "article_media": {"media_id": "media"},
    "live_entry": {"author_id": "author", "media_id": "media"},
    "live_entry_use": {"author_id": "author", "media_id": "media"},
    "attribution": {"source_id": "source"},
    "collection_item": {"collection_id": "collection", "media_id": "media"},
    "author": {"image_id": "media"},
}
RENAMED_TABLES = frozenset(("tag", "author", "source", "story", "collection"))  # that have former slugs
USED_TABLES = {table for uses in USES.values() for table in uses.values()}
PARTS = ("attribution", "correction", "live_entry")  # parts of an article, visible only with it

# The origin of a chain is the source of one of its hops, which uses that source already.
_REDUNDANT_USES = {("attribution", "origin_id")}


def check_relations(catalog: Catalog) -> None:
    """Raises LookupError for a declared relation that has no entry in `LINKS`, `USES` or `PARTS`.

    Without its entry, a change of the related rows would not invalidate the responses that show them.
    """
    module = "cache/relation_tables.py"
    for relation in catalog.relations():
        plan = relation.plan
        link = plan.link if isinstance(plan, ToMany) else None
        if link is not None:
            entries = [
                source_columns
                for table, target_column, source_columns in LINKS.get(plan.table, ())
                if (table, target_column) == _link_target(link)
            ]
            if not any(link.source_column in source_columns for source_columns in entries):
                raise LookupError(
                    f"{relation.field}: LINKS in {module} has no entry for {plan.table} through {link.table}"
                    f" from {link.source_column} to {link.target_column}."
                )
        if not plan.visible_with_source or plan.table not in TABLES_VISIBLE_BY_USE:
            continue
        if isinstance(plan, ToMany) and link is None:
            if plan.key == "article_id" and plan.table not in PARTS:
                raise LookupError(f"{relation.field}: PARTS in {module} has no entry for {plan.table}.")
            continue
        using_column = (
            _link_target(link) if link is not None else (relation.table, getattr(plan, "column", ""))
        )
        if plan.table in PARTS or using_column in _REDUNDANT_USES or not using_column[0]:
            continue
        if USES.get(using_column[0], {}).get(using_column[1]) != plan.table:
            raise LookupError(
                f"{relation.field}: USES in {module} has no entry for {plan.table}"
                f" used by {using_column[0]}.{using_column[1]}."
            )
    for table, _, source_columns in LINKS["article"]:
        missing_columns = sorted(USES.get(table, {}).keys() - set(source_columns))
        if missing_columns:
            raise LookupError(
                f"LINKS in {module} does not read {table}.{missing_columns[0]}, which USES names."
            )
    missing = sorted(TABLES_VISIBLE_BY_USE - USED_TABLES - set(PARTS))
    if missing:
        raise LookupError(f"USES and PARTS in {module} have no entry for {', '.join(missing)}.")


def _link_target(link: JunctionTable) -> tuple[str, str]:
    return link.table, link.target_column
