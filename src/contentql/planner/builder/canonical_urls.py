"""Canonical paths and URLs of objects on the reader's site."""

from __future__ import annotations

from contentql.content import ids
from contentql.planner.builder.context import BuildContext
from contentql.planner.builder.rows import join_row
from contentql.planner.field_plans import ToOne
from contentql.planner.read_set import MARKER_CODES
from contentql.planner.sql.nodes import ResultNode, RowRef, ScalarNode, sql_literal

SECTION = ToOne("category", "category_id", always_set_when_public=True)


def canonical_path_sql(context: BuildContext, row: RowRef) -> str | None:
    """Returns SQL of the path of an object's page, NULL if a part is missing.

    None if objects of its type have no pages.
    """
    pattern = context.site.pattern(row.table)
    if pattern is None:
        return None
    parts = []
    for text, name in pattern.pieces:
        if text:
            parts.append(sql_literal(text))
        match name:
            case "section":
                section = join_row(context, SECTION, row)
                context.read_set.displayed.append((section.table, section.used_columns))
                parts.append(section.column("path"))
            case "id":
                number = context.dialect.as_text(context.public_id(row))
                parts.append(f"{sql_literal(ids.PREFIXES[row.table] + '_')} || {number}")
            case "type":
                parts.append(f"lower({row.column('type')})")
            case str() if name:
                parts.append(row.column(name))
    return f"({' || '.join(parts)})"


def canonical_path_markers(context: BuildContext, row: RowRef) -> list[ScalarNode]:
    """Returns the markers of other rows that the canonical path of an object shows."""
    pattern = context.site.pattern(row.table)
    if pattern is None or "section" not in pattern.placeholders:
        return []
    return [ScalarNode(row.column(SECTION.column), "id", False, f"{MARKER_CODES[SECTION.table]}.")]


def build_canonical_url(context: BuildContext, row: RowRef, column: str) -> ResultNode:
    """Builds the URL of the object's page; `column`, if any, has one that replaces it."""
    path = canonical_path_sql(context, row) if context.site.base_url else None
    made = f"{sql_literal(context.site.base_url)} || {path}" if path else "null"
    if not column:
        return ScalarNode(made, "text", False) if path else "null"
    return ScalarNode(
        f"coalesce({row.column(column)}, {made})" if path else row.column(column), "text", False
    )
