"""Objects and their fields: columns, computed values, related rows, JSON elements."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from graphql import FieldNode, SelectionSetNode

from contentql.content import ids
from contentql.errors import ApiError
from contentql.planner.builder.bodies import body_blocks_sql, build_body_text
from contentql.planner.builder.bundles import build_bundle_field, bundle_markers
from contentql.planner.builder.canonical_urls import build_canonical_url, canonical_path_markers
from contentql.planner.builder.connections import build_adjacent, build_list, build_relation_connection
from contentql.planner.builder.context import BuildContext
from contentql.planner.builder.fallback_texts import build_fallback_text, fallback_markers
from contentql.planner.builder.nodes import (
    selection_sets,
)
from contentql.planner.builder.rows import join_row
from contentql.planner.builder.subplans import nested_list
from contentql.planner.catalog import CatalogField, TypePlan
from contentql.planner.cost import ASSUMED_LIST_SIZE
from contentql.planner.field_plans import (
    AdjacentArticle,
    BodyText,
    BundleRows,
    BundleValue,
    CanonicalUrl,
    Column,
    Computed,
    EmbeddedObject,
    FallbackText,
    FieldPlan,
    FittingRenditions,
    JsonElements,
    JsonLd,
    ListPosition,
    SameRow,
    TextDiff,
    ToMany,
    ToOne,
)
from contentql.planner.json_ld import json_ld_placeholder, json_ld_selection
from contentql.planner.operation import ArgumentValue
from contentql.planner.params import (
    passthrough,
)
from contentql.planner.read_set import (
    HIDDEN_MARKER,
    MARKER_CODES,
    MARKER_KEY,
    PRIMARY_KEYS,
)
from contentql.planner.sql.nodes import (
    ArrayNode,
    CaseNode,
    FromClause,
    JsonValueNode,
    NullableNode,
    ObjectNode,
    ResultNode,
    RowRef,
    ScalarNode,
)

MAX_CHANGED_FIELDS = 1_000  # more than the fields of a revision


def build_object(
    context: BuildContext, type_name: str, selections: Sequence[SelectionSetNode], row: RowRef
) -> ResultNode:
    """Builds an object of an object type or interface; a JSON element has its concrete type under `type`."""
    concrete = context.catalog.concrete(type_name)
    if type_name == "Node":
        concrete = tuple(t for t in concrete if t.table == row.table)
    if len(concrete) == 1:
        return _build_concrete_object(context, concrete[0], selections, row)
    cases: list[tuple[str, ResultNode]] = []
    other: ResultNode = "null"
    for match in concrete:
        node = _build_concrete_object(context, match, selections, row)
        if match.json_type == "UNKNOWN":
            other = node
        else:
            cases.append((str(match.json_type), node))
    return CaseNode(context.dialect.element_text(row.alias, "type"), tuple(cases), other)


def _build_concrete_object(
    context: BuildContext, type_plan: TypePlan, selections: Sequence[SelectionSetNode], row: RowRef
) -> ResultNode:
    interfaces = {i.name for i in context.catalog.schema.type_map[type_plan.name].interfaces}  # type: ignore[attr-defined]
    fields = context.operation.collect_fields(
        selections, frozenset({type_plan.name, *interfaces}), context.included
    )
    what: list[tuple[str, ResultNode]] = []
    if context.with_typename and interfaces:
        what.append(("__is", f'"{type_plan.name}"'))
    context.record_max_age(type_plan)
    if row.table and not row.json:
        context.read_set.displayed.append((row.table, row.used_columns))
    if context.with_markers:
        what += [(MARKER_KEY, mark) for mark in _markers(context, type_plan, fields.values(), row)]
    return ObjectNode(
        (*what, *((key, _build_field(context, type_plan, key, group, row)) for key, group in fields.items()))
    )


def _markers(
    context: BuildContext, type_plan: TypePlan, fields: Iterable[list[FieldNode]], row: RowRef
) -> Iterator[ResultNode]:
    """Yields the markers of the rows that an object depends on."""
    if row.json:
        yield from fallback_markers(context, type_plan, fields, row)
    elif row.table:
        yield from _row_markers(context, type_plan, fields, row)
        if isinstance(type_plan.fields.get("bytes"), BundleValue):
            yield from bundle_markers(context, row)


def _row_markers(
    context: BuildContext, type_plan: TypePlan, fields: Iterable[list[FieldNode]], row: RowRef
) -> Iterator[ResultNode]:
    """Yields the markers of the row and of the rows that it references, which may not be visible."""
    yield ScalarNode(
        row.column(PRIMARY_KEYS.get(row.table, "id")), "id", prefix=f"{MARKER_CODES[row.table]}."
    )
    leads: set[tuple[str, str]] = set()
    for group in fields:
        edge = type_plan.fields.get(group[0].name.value)
        if isinstance(edge, CanonicalUrl):
            yield from canonical_path_markers(context, row)
        if isinstance(edge, ToOne | ToMany) and edge.column != "id":
            leads.add((edge.column, edge.table if isinstance(edge, ToOne) else row.table))
    for column, table in sorted(leads):
        yield ScalarNode(row.column(column), "id", False, f"{HIDDEN_MARKER}{MARKER_CODES[table]}.")


def _build_field(
    context: BuildContext, type_plan: TypePlan, key: str, group: list[FieldNode], row: RowRef
) -> ResultNode:
    name = group[0].name.value
    if name == "__typename":
        return f'"{type_plan.name}"'
    field = context.catalog.field(type_plan.name, name)
    plan = type_plan.fields[name]
    if isinstance(plan, Column):
        return _build_column(context, row, plan, field.is_required)
    if isinstance(plan, BodyText):
        return build_body_text(context, plan, row)
    if isinstance(plan, JsonLd):
        context.totals.has_json_ld = True
        return json_ld_placeholder(build_object(context, "Article", [json_ld_selection()], row))
    context = context.at_field(key)
    try:
        return _build_composite(context, type_plan, field, plan, group, row)
    except ApiError as error:
        error.path = error.path or context.path
        raise


def _build_composite(
    context: BuildContext,
    type_plan: TypePlan,
    field: CatalogField,
    plan: FieldPlan | None,
    group: list[FieldNode],
    row: RowRef,
) -> ResultNode:
    name = group[0].name.value
    target, required, graphql_field = field.target, field.is_required, field.definition
    selections = selection_sets(group)
    match plan:
        case Computed():
            return ScalarNode(f"({context.computed(plan, row)})", plan.kind, required)
        case ListPosition():
            return ScalarNode(row.place, "int")
        case EmbeddedObject():
            inner = build_object(context, target, selections, row)
            return NullableNode(row.column(plan.null_when), inner) if plan.null_when else inner
        case ToOne():
            there = join_row(context, plan, row)
            inner = build_object(context, target, selections, there)
            sure = required or (plan.always_set_when_public and context.visibility.is_public)
            return inner if sure else NullableNode(there.column(plan.key), inner)
        case ToMany():
            arguments = context.arguments(group[0], graphql_field)
            if field.is_list:
                return nested_list(
                    context,
                    row,
                    lambda inner, here: build_list(inner, plan, here, target, arguments, selections),
                )
            label = f"{type_plan.name}.{name}"
            return nested_list(
                context,
                row,
                lambda inner, here: build_relation_connection(
                    inner, plan, here, label, target, arguments, selections
                ),
            )
        case CanonicalUrl():
            return build_canonical_url(context, row, plan.column)
        case SameRow():
            return build_object(context, target, selections, row)
        case FallbackText():
            return build_fallback_text(context, type_plan, row, context.arguments(group[0], graphql_field))
        case BundleValue() | BundleRows() | FittingRenditions():
            return build_bundle_field(context, plan, row, target, selections)
        case AdjacentArticle():
            arguments = context.arguments(group[0], graphql_field)
            return nested_list(
                context,
                row,
                lambda inner, here: build_adjacent(
                    inner, here, target, arguments, selections, previous=plan.previous
                ),
            )
        case JsonElements():
            return _build_json_elements(context, plan, row, target, selections)
        case TextDiff():
            arguments = context.arguments(group[0], graphql_field)
            return nested_list(
                context,
                row,
                lambda inner, here: _build_text_diff(inner, plan, here, target, arguments, selections),
            )
    raise LookupError(f"{type_plan.name}.{name}: no shape for {plan}")


def _build_column(context: BuildContext, row: RowRef, plan: Column, required: bool) -> ResultNode:
    if row.json:
        return JsonValueNode(row.alias, plan.name)
    if plan.internal and not context.visibility.internal_fields:
        return "null"
    column = row.column(plan.name)
    if plan.internal and context.visibility.articles == "own":
        column = f"case when {row.column('owner')} = {context.viewer_account()} then {column} end"
    if plan.kind != "id":
        return ScalarNode(column, plan.kind or "text", required)
    if plan.name == "id":
        column = context.public_id(row)
    return ScalarNode(column, "id", required, ids.PREFIXES[plan.id_table or row.table] + "_")


def _build_text_diff(
    context: BuildContext,
    plan: TextDiff,
    row: RowRef,
    target: str,
    arguments: dict[str, ArgumentValue],
    selections: Sequence[SelectionSetNode],
) -> ResultNode:
    """Builds the list of texts that differ between an earlier row and this row, with both values of each."""
    earlier, alias = context.alias(), context.alias()
    number = row.column(plan.number)
    if arguments.get("against") is None:
        last = context.alias()
        text = (
            f"(select max({last}.{plan.number}) from {row.table} {last}"
            f" where {last}.{plan.of} = {row.column(plan.of)} and {last}.{plan.number} < {number})"
        )
    else:
        text = context.param(arguments["against"], "int", passthrough)
    dialect = context.dialect
    pairs = dialect.json_diff(row.column(plan.column), f"{earlier}.{plan.column}")
    # SQLite aggregates in the order of the subquery, which it keeps only if that has a LIMIT.
    order = "" if dialect.orders_aggregates else f" order by dl.key limit {MAX_CHANGED_FIELDS}"
    rows = (
        f"(select dl.key as field, de.value as earlier, dl.value as later"
        f" from {row.table} {earlier}, {pairs}"
        f" where {earlier}.{plan.of} = {row.column(plan.of)}"
        f" and {earlier}.{plan.number} = {text}{order}) {alias}"
    )
    there = RowRef(alias, "", FromClause(alias))
    return ArrayNode(
        build_object(context, target, selections, there), rows, dialect.sortable(f"{alias}.field", "text")
    )


def _build_json_elements(
    context: BuildContext,
    plan: JsonElements,
    row: RowRef,
    target: str,
    selections: Sequence[SelectionSetNode],
) -> ResultNode:
    if not plan.parts_of_text:
        context = context.inside_list(ASSUMED_LIST_SIZE)
    alias = context.alias()
    there = RowRef(alias, "", FromClause(""), json=True)
    if row.json:
        source = context.dialect.element_list(row.alias, plan.key, plan.text_key)
    elif plan.with_entries:
        source = body_blocks_sql(context, row, plan.column)
    else:
        source = row.column(plan.column)
    with_joins = context.dialect.elements(source, alias)
    if target == "Media":  # a list of ids
        media = join_row(context, ToOne("media", "", visible_with_source=True), there)
        item = build_object(context, target, selections, media)
        where = f" where {media.alias}.id is not null"
    else:
        item, where = build_object(context, target, selections, there), ""
    rows = with_joins + "".join(there.scope.joins) + where
    return ArrayNode(item, rows, context.dialect.element_order(alias))
