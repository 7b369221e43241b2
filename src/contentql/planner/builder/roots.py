"""Root fields of queries and subscriptions: single objects, `node`, `nodes`, lists and the viewer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
from graphql import FieldNode, SelectionSetNode

from contentql.content import ids
from contentql.errors import ApiError
from contentql.planner.builder.bundles import for_device
from contentql.planner.builder.changes import build_changes
from contentql.planner.builder.connections import build_connection
from contentql.planner.builder.context import BuildContext, RowSource, VirtualObject
from contentql.planner.builder.history import RENAME_HISTORY
from contentql.planner.builder.introspection import build_introspection
from contentql.planner.builder.lookups import find_best_translation, find_by_external_id, find_by_name
from contentql.planner.builder.nodes import (
    leaf_value,
    selection_sets,
)
from contentql.planner.builder.objects import build_object
from contentql.planner.builder.ordering import as_tuple
from contentql.planner.builder.resolve import build_resolved
from contentql.planner.builder.rows import link_rows, rows_sql, table_rows
from contentql.planner.catalog import TypePlan, is_required, named_type
from contentql.planner.cost import rounded_count
from contentql.planner.field_plans import DIRECT_SECTION_ARTICLES, SECTION_ARTICLES, RootField
from contentql.planner.filters import sql_and
from contentql.planner.operation import ArgumentValue, LeafValue
from contentql.planner.params import (
    ANY_ID,
    IdParam,
    ListParam,
    SlugParam,
)
from contentql.planner.plan import IdList, RequestedSection
from contentql.planner.read_set import (
    PRIMARY_KEYS,
    ParentKey,
    RowCondition,
    Scan,
)
from contentql.planner.sql.nodes import (
    ArrayNode,
    CaseNode,
    MarkedNode,
    ResultNode,
    ScalarNode,
    SingleRowNode,
)
from contentql.planner.visibility import (
    deleted_articles_sql,
)

MAX_SUGGESTED = 500  # sections among which one is searched that may be meant
ID_TABLES = {"withdrawal": "article"}  # tables whose rows have the global IDs of another table


LOOKUP_ARGUMENTS = ("id", "slug", "path", "externalId")  # of which a single object needs exactly one


def build_root_field(
    context: BuildContext, group: list[FieldNode]
) -> ResultNode | MarkedNode | bytes | ApiError:
    node = group[0]
    name = node.name.value
    root_type = context.operation.root_type
    if name == "__typename":
        return orjson.dumps(root_type)
    if name.startswith("__"):
        return build_introspection(context, group)
    of = context.catalog.field_type(root_type, name)
    plan = context.catalog.types[root_type].fields[name]
    assert isinstance(plan, RootField), name
    selections = selection_sets(group)
    try:
        if context.root in context.failed_roots:
            raise context.failed_roots[context.root]
        if plan.admin_only and not context.visibility.admin:
            raise ApiError(
                "FORBIDDEN",
                f"`{name}` needs the permission ADMIN.",
                "Send a token that has this permission in its role and its scopes.",
            )
        if plan.deleted and context.visibility.articles not in ("all", "own"):
            raise ApiError(
                "FORBIDDEN",
                f"`{name}` needs the permission READ_OWN_DRAFTS or READ_ALL_DRAFTS.",
                "Send a token that has one of them in its role and its scopes.",
            )
        arguments = context.arguments(node, of)
        match plan.shape:
            case "changes":
                return build_changes(context, arguments, selections)
            case "resolve":
                return build_resolved(context, arguments, selections)
            case "viewer" | "site":
                context.totals.private |= plan.shape == "viewer"
                return orjson.dumps(
                    _virtual_object(context, named_type(of.type), selections, context.virtual_objects[name])
                )
            case "one" | "bundle":
                if plan.shape == "bundle":
                    context = for_device(context, arguments)
                return _single_object_root(
                    context, name, plan.table, named_type(of.type), arguments, selections
                )
            case "node":
                return _node_root(context, arguments, selections)
            case "nodes":
                return _nodes_root(context, arguments, selections)
            case "page" | "latest":
                return _list_root(
                    context, plan, f"{root_type}.{name}", named_type(of.type), arguments, selections
                )
    except ApiError as refusal:
        refusal.path = refusal.path or context.path
        # A nullable root field becomes null and the others are executed; for others the operation fails.
        if is_required(of.type) or refusal.code == "COST_LIMIT_EXCEEDED":
            raise
        return refusal


def _virtual_object(
    context: BuildContext, type_name: str, selections: Sequence[SelectionSetNode], facts: VirtualObject
) -> dict[str, Any]:
    fields = context.operation.collect_fields(selections, frozenset({type_name}), context.included)

    def value_of(group: list[FieldNode]) -> Any:
        name = group[0].name.value
        if name == "__typename":
            return type_name
        value = facts[name]
        if isinstance(value, list) and value and isinstance(value[0], dict):
            target = context.catalog.field(type_name, name).target
            return [_virtual_object(context, target, selection_sets(group), item) for item in value]
        return value

    return {key: value_of(group) for key, group in fields.items()}


def _single_object_root(
    context: BuildContext,
    name: str,
    table: str,
    type_name: str,
    arguments: dict[str, ArgumentValue],
    selections: Sequence[SelectionSetNode],
) -> ResultNode | MarkedNode:
    if "collection" in arguments:
        arguments["slug"] = arguments.pop("collection")
    named = [way for way in LOOKUP_ARGUMENTS if arguments.get(way) is not None]
    if len(named) != 1:
        ways = [way for way in context.catalog.field_type("Query", name).args if way in LOOKUP_ARGUMENTS]
        raise ApiError("BAD_USER_INPUT", f"{name} needs exactly one of: {', '.join(ways)}.")
    base = table_rows(context, table)
    row = base.row
    context.record_list(table)
    marked = ""
    if arguments.get("languages") is not None:
        find_best_translation(context, base, named[0], arguments)
    elif named == ["externalId"]:
        marked = find_by_external_id(context, base, arguments["externalId"])
    elif named == ["id"]:
        number = context.param(arguments["id"], "id", IdParam(ID_TABLES.get(table, table)))
        number = _follow_merges(context, table, number, leaf_value(arguments["id"]))
        key = PRIMARY_KEYS.get(table, "id")
        base.where.append(
            f"{row.alias}.{key} = {number}" if key != "id" else context.matches_public_id(row, number)
        )
        base.conditions = (
            RowCondition(key, "eq", leaf_value(arguments["id"]), IdParam(ID_TABLES.get(table, table))),
        )
    else:
        find_by_name(context, base, RENAME_HISTORY[table], arguments)
    base.where += context.visible(row, via_visible=False)
    if marked:
        node = _single_row(context, base, type_name, selections)
        return MarkedNode(((table, marked),), node) if context.with_markers else node
    context.read_set.scan(Scan(table, base.conditions))
    return _single_row(context, base, type_name, selections)


def _follow_merges(
    context: BuildContext, table: str, number: str, value: LeafValue, *, listed: bool = False
) -> str:
    """SQL of the id of the row that `number`, SQL of an id, leads to: that of a merged row to another one."""
    history = RENAME_HISTORY.get(table)
    if history is None or not history.merged:
        return number
    convert = _id_or_zero if listed else IdParam(table)
    condition = (
        RowCondition("merged_id", "in", value, ListParam(convert, context.limits.page))
        if listed
        else RowCondition("merged_id", "eq", value, convert)
    )
    context.read_set.scan(Scan(history.table, (condition,)))
    alias = context.alias()
    rows = f"select {alias}.{history.owner} from {history.table} {alias} where {alias}.merged_id = {number}"
    return f"coalesce(({rows} limit 1), {number})"


def _single_row(
    context: BuildContext,
    base: RowSource,
    type_name: str,
    selections: Sequence[SelectionSetNode],
) -> ResultNode:
    node = build_object(context, type_name, selections, base.row)
    return SingleRowNode(node, rows_sql(context, base))


def _node_root(
    context: BuildContext, arguments: dict[str, ArgumentValue], selections: Sequence[SelectionSetNode]
) -> ResultNode:
    table = context.constrain(arguments["id"], _table_of)
    if table is None:
        ANY_ID(context.constrain(arguments["id"]))
    result = _node_type(context, str(table))
    if result is None:
        return "null"
    base = table_rows(context, result.table)
    number = context.param(arguments["id"], "id", IdParam(result.table))
    number = _follow_merges(context, result.table, number, leaf_value(arguments["id"]))
    base.where.append(context.matches_public_id(base.row, number))
    base.where += context.visible(base.row, via_visible=False)
    context.record_list(result.table)
    named = RowCondition("id", "eq", leaf_value(arguments["id"]), IdParam(result.table))
    context.read_set.scan(Scan(result.table, (named,)))
    return _single_row(context, base, result.name, selections)


def _nodes_root(
    context: BuildContext, arguments: dict[str, ArgumentValue], selections: Sequence[SelectionSetNode]
) -> ResultNode:
    values = arguments["ids"]
    context = context.inside_list(context.constrain(values, rounded_count))
    tables = context.constrain(values, _tables_of)
    most = context.limits.page
    texts = context.param(values, "texts", ListParam(_table_name, most))
    numbers = context.param(values, "ids", ListParam(_id_or_zero, most))
    context.totals.id_lists.append(IdList(context.path, leaf_value(values)))
    alias = context.alias()
    table, number, order = context.dialect.unnested_columns(alias)
    cases: list[tuple[str, ResultNode]] = []
    for name in tables:
        result = _node_type(context, name)
        if result is None:
            continue
        base = table_rows(context, result.table)
        present = _follow_merges(context, name, number, leaf_value(values), listed=True)
        base.where.append(context.matches_public_id(base.row, present))
        base.where += context.visible(base.row, via_visible=False)
        context.record_list(result.table)
        context.read_set.scan(
            Scan(result.table, (RowCondition("id", "in", leaf_value(values), ListParam(_id_or_zero, most)),))
        )
        cases.append((name, _single_row(context, base, result.name, selections)))
    rows = f"(select * from {context.dialect.unnest_pairs(texts, numbers, alias)} order by {order}) {alias}"
    return ArrayNode(CaseNode(table, tuple(cases)) if cases else "null", rows, order)


def _node_type(context: BuildContext, table: str) -> TypePlan | None:
    return next((t for t in context.catalog.concrete("Node") if t.table == table), None)


def _list_root(
    context: BuildContext,
    plan: RootField,
    name: str,
    type_name: str,
    arguments: dict[str, ArgumentValue],
    selections: Sequence[SelectionSetNode],
) -> ResultNode:
    def base() -> RowSource:
        if arguments.get("section") is None:
            rows = table_rows(context, plan.table)
            if plan.deleted:
                rows.where += deleted_articles_sql(rows.row.alias, context, context.visibility)
                return rows
            rows.where += context.visible(rows.row, via_visible=False)
            return rows
        return _section_articles(context, arguments)

    result = build_connection(context, name, base, plan.table, type_name, arguments, selections)
    if arguments.get("section") is not None:
        requested = RequestedSection(context.path, leaf_value(arguments["section"]))
        context.totals.sections.append((requested, _suggested_sections(context, arguments["section"])))
    return result


def _suggested_sections(context: BuildContext, section: ArgumentValue) -> ResultNode:
    """Returns null if the section exists or existed, else the paths of sections in menus."""
    base = table_rows(context, "category")
    row = base.row
    where = sql_and([f"not {row.alias}.hidden", *context.visible(row, via_visible=False)])
    paths = (
        f"(select {row.alias}.path from category {row.alias} where {where} order by 1 limit {MAX_SUGGESTED})"
    )
    each = context.alias()
    present = f"case when {_section_id(context, section)} is null then 'missing' else 'present' end"
    item = ScalarNode(f"{each}.path", "text")
    return CaseNode(present, (("missing", ArrayNode(item, f"{paths} {each}", f"{each}.path")),), "null")


def _section_id(context: BuildContext, section: ArgumentValue) -> str:
    """SQL of the id of the section with a path or former path, NULL if there is none."""
    path = context.param(section, "text", SlugParam(context.limits.text))
    present = f"(select s.id from category s where s.path = {path})"
    former = f"(select f.category_id from path_history f where f.path = {path})"
    return f"coalesce({present}, {former})"


def _section_articles(context: BuildContext, arguments: dict[str, ArgumentValue]) -> RowSource:
    direct = arguments.get("exact") is not None and context.constrain(arguments["exact"])
    link = DIRECT_SECTION_ARTICLES if direct else SECTION_ARTICLES
    base = link_rows(context, link, "article", f"({_section_id(context, arguments['section'])})")
    base.where += context.visible(base.row, via_visible=False)
    base.parent_key = ParentKey(link.source_column, "category")
    named = leaf_value(arguments["section"])
    context.read_set.lists["section", named] = None
    by_path = (RowCondition("path", "eq", named, SlugParam(context.limits.text)),)
    context.read_set.scan(Scan("category", by_path))
    context.read_set.scan(Scan("path_history", by_path))
    return base


def _table_of(value: Any) -> str | None:
    result = ids.decode_id(str(value))
    return result[0] if result else None


def _tables_of(value: Any) -> tuple[str, ...]:
    return tuple(sorted({_table_of(v) or "" for v in as_tuple(value)}))


def _table_name(value: Any) -> str:
    return _table_of(value) or ""


def _id_or_zero(value: Any) -> int:
    """Returns the integer id of a global id, 0 for a text that is none."""
    result = ids.decode_id(str(value))
    return result[1] if result else 0
