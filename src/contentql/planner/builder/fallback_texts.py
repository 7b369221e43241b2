"""Texts of blocks without markup, for clients that do not know the type of a block."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from graphql import FieldNode

from contentql.content.blocks import BLOCK_TYPES
from contentql.planner.builder.context import BuildContext
from contentql.planner.builder.ordering import as_tuple
from contentql.planner.builder.rows import join_row
from contentql.planner.catalog import TypePlan
from contentql.planner.field_plans import FallbackText, ToOne
from contentql.planner.operation import ArgumentValue
from contentql.planner.read_set import MARKER_CODES, Scan
from contentql.planner.sql.nodes import ArrayNode, FromClause, ResultNode, RowRef, ScalarNode

_BLOCK_MEDIA = ToOne("media", "media", visible_with_source=True)
_MEDIA_BLOCKS = ("AUDIO", "IMAGE", "VIDEO")


def build_fallback_text(
    context: BuildContext, type_plan: TypePlan, block: RowRef, arguments: dict[str, ArgumentValue]
) -> ResultNode:
    """Builds the text of a block; null if it has none, or if the client knows its type."""
    if _is_known(context, type_plan, arguments):
        return "null"
    sql = _text_sql(context, block, str(type_plan.json_type))
    return ScalarNode(sql, "text", False) if sql else "null"


def fallback_markers(
    context: BuildContext, type_plan: TypePlan, fields: Iterable[list[FieldNode]], block: RowRef
) -> Iterator[ResultNode]:
    """Yields the markers of the media whose texts are part of the fallback text of a block."""
    for group in fields:
        name = group[0].name.value
        if not isinstance(type_plan.fields.get(name), FallbackText):
            continue
        definition = context.catalog.field(type_plan.name, name).definition
        if _is_known(context, type_plan, context.arguments(group[0], definition)):
            continue
        if type_plan.json_type in _MEDIA_BLOCKS:
            media = join_row(context, _BLOCK_MEDIA, block)
            yield ScalarNode(media.column("id"), "id", False, f"{MARKER_CODES['media']}.")
        elif type_plan.json_type == "GALLERY":
            rows, order, media = _gallery_rows(context, block)
            marker = ScalarNode(media.column("id"), "id", prefix=f"{MARKER_CODES['media']}.")
            yield ArrayNode(marker, rows, order)


def _is_known(context: BuildContext, type_plan: TypePlan, arguments: dict[str, ArgumentValue]) -> bool:
    known = context.constrain(arguments.get("knownTypes"), _present_types)
    return known is not None and type_plan.json_type in known


def _present_types(value: Any) -> frozenset[str]:
    """Returns the types in a list that exist: few different lists, so few plans."""
    return frozenset(BLOCK_TYPES.intersection(as_tuple(value)))


def _text_sql(context: BuildContext, block: RowRef, type_: str) -> str:
    """SQL of the text; "" for a type of blocks without text. As `content.blocks.block_text`, with media."""
    dialect = context.dialect

    def text(key: str, element: str = block.alias) -> str:
        return dialect.element_text(element, key)

    match type_:
        case "RULE":
            return ""
        case "UNKNOWN":
            return dialect.join_lines([text("fallbackText")])
        case "EMBED":
            return f"coalesce(nullif({text('fallbackText')}, ''), {text('title')}, {text('url')})"
        case "RELATED_LINK":
            return dialect.join_lines([text("title")])
        case "LIVE_ENTRY":
            return dialect.join_lines([text("title"), text("text")])
        case "LIST":
            item = context.alias()
            rows = dialect.elements(dialect.element_list(block.alias, "items"), item)
            lines = dialect.join_rows(text("text", item), "\n", rows, dialect.element_order(item))
            return dialect.join_lines([lines])
        case "TABLE":
            row, cell = context.alias(), context.alias()
            cells = dialect.elements(dialect.element_list(row, "cells"), cell)
            line = dialect.join_rows(text("text", cell), "\t", cells, dialect.element_order(cell))
            rows = dialect.elements(dialect.element_list(block.alias, "rows"), row)
            lines = dialect.join_rows(f"coalesce({line}, '')", "\n", rows, dialect.element_order(row))
            return dialect.join_lines([lines])
        case "GALLERY":
            rows, order, media = _gallery_rows(context, block)
            return dialect.join_rows(_media_text(context, media), "\n", rows, order)
        case _ if type_ in _MEDIA_BLOCKS:
            return _media_text(context, join_row(context, _BLOCK_MEDIA, block), text("caption"))
        case _:
            return dialect.join_lines([text("text")])


def _media_text(context: BuildContext, media: RowRef, caption: str = "") -> str:
    """SQL of the texts that stand for a media file; `caption` replaces its own, where it is set."""
    context.read_set.displayed.append(("media", media.used_columns))
    own = media.column("caption")
    caption = f"coalesce({caption}, {own})" if caption else own
    return context.dialect.join_lines([media.column("alt"), caption, media.column("credit")])


def _gallery_rows(context: BuildContext, block: RowRef) -> tuple[str, str, RowRef]:
    """The visible media of a gallery: FROM clause, order, and the row."""
    dialect, item = context.dialect, context.alias()
    media = RowRef(context.alias(), "media", FromClause(""))
    context.read_set.scan(Scan("media", visibility_changes_only=True))
    elements = dialect.elements(dialect.element_list(block.alias, "media"), item)
    on = [
        f"{media.alias}.id = {dialect.element_number(item, '')}",
        *context.visible(media, via_visible=True),
    ]
    return (
        f"{elements} cross join media {media.alias} where {' and '.join(on)}",
        dialect.element_order(item),
        media,
    )
