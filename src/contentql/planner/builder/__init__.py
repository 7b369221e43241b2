"""Builds the plan of an operation: SQL that reads only selected columns and writes the JSON of the response.

Lists become ordered, limited subqueries; single related rows are joined to the query of their source row;
every scan carries the visibility predicate. An operation is one statement, with sub-statements only for very
deeply nested lists, and reads one snapshot. `roots` builds root fields, `objects` objects, `connections`
lists, `rows` FROM clauses, `ordering` ORDER BY and cursors, `subplans` sub-statements.

Invariant: knows the catalog and SQL dialects; never HTTP, and executes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping

from contentql.auth.viewer import PUBLIC_VISIBILITY, Visibility
from contentql.errors import ApiError
from contentql.planner.builder.context import BuildContext, IntrospectionCache, StatementParts, VirtualObject
from contentql.planner.builder.objects import build_object
from contentql.planner.builder.paging import list_size_of
from contentql.planner.builder.roots import build_root_field
from contentql.planner.catalog import (
    Catalog,
)
from contentql.planner.constraints import ValueConstraint
from contentql.planner.cost import check_cost_limit, check_scan_cost, operation_cost
from contentql.planner.limits import Limits
from contentql.planner.operation import Operation
from contentql.planner.params import (
    ParamList,
)
from contentql.planner.plan import Plan, RootFieldPlan, Statement
from contentql.planner.read_set import HIDDEN_MARKER, MARKER_CODES, MARKER_KEY, ReadSet
from contentql.planner.scans import ROWS_PER_POINT
from contentql.planner.sql.nodes import (
    Dialect,
    MarkedNode,
    ResultNode,
    ScalarNode,
)
from contentql.planner.sync_tokens import SyncTokens
from contentql.url_patterns import Site

STATIC_MAX_AGE = 3_600  # seconds that a response without content may be cached

# Maximum nesting of lists in one statement, and whether subqueries become CTEs; the first attempt that the
# database can parse is used.
_ATTEMPTS = ((16, False), (3, False), (2, False), (1, False), (1, True))


def build_plan(
    operation: Operation,
    catalog: Catalog,
    dialect: Dialect,
    *,
    limits: Limits,
    virtual_objects: VirtualObject,
    failed_roots: Mapping[int, ApiError],
    site: Site,
    sync_tokens: SyncTokens,
    with_typename: bool = False,
    with_markers: bool = False,
    visibility: Visibility = PUBLIC_VISIBILITY,
    rows: int = 0,
) -> tuple[Plan, set[ValueConstraint]]:
    """Returns the plan of an operation, and the constraints under which it can be reused.

    `virtual_objects` has the fields that read no table, `failed_roots` has the errors of root fields that
    failed before planning, by index. With `with_typename`, objects of types with interfaces have their type
    name under `__is`; with `with_markers`, objects of table rows have row markers, which
    `read_set.strip_markers` removes. `rows` is the size of the newsroom's tables, for the cost of conditions
    that no index serves. Raises ApiError for an operation that cannot be planned.
    """
    introspection = IntrospectionCache()
    for max_nesting, hoist_subqueries in _ATTEMPTS:
        context = BuildContext(
            operation,
            catalog,
            dialect,
            limits,
            virtual_objects,
            failed_roots,
            site,
            sync_tokens,
            with_typename,
            with_markers,
            visibility,
            max_nesting,
            hoist_subqueries,
            build_object,
            StatementParts(ParamList(dialect)),
            introspection,
        )
        plan = _build(context, rows)
        if plan.statement is None or _can_parse(plan.statement, dialect):
            return plan, context.constraints
    raise ApiError(
        "DEPTH_LIMIT_EXCEEDED",
        "The operation is nested too deeply for this database.",
        "Nest filters and selections less, or split the query in two.",
    )


def _can_parse(statement: Statement, dialect: Dialect) -> bool:
    return dialect.can_parse(statement.sql) and all(_can_parse(s, dialect) for s in statement.sub_statements)


def _build(context: BuildContext, rows: int) -> Plan:
    operation = context.operation
    context.totals.cost = operation_cost(
        context.catalog,
        operation.node,
        operation.fragments,
        lambda node, field: list_size_of(context, node, field),
        context.included,
    )
    check_cost_limit(context.totals.cost, context.limits)
    roots: list[RootFieldPlan] = []
    columns: list[str] = []
    errors: list[ApiError] = []
    root_types = frozenset({operation.root_type})
    fields = operation.collect_fields([operation.node.selection_set], root_types, context.included)
    for index, (key, group) in enumerate(fields.items()):
        result = build_root_field(context.for_root(index).at_field(key), group)
        if isinstance(result, ApiError):
            errors.append(result)
            roots.append(RootFieldPlan(key, b"null"))
        elif isinstance(result, bytes):
            roots.append(RootFieldPlan(key, result))
        else:
            parts = _add_columns(context, result, columns)
            roots.append(RootFieldPlan(key, None, parts, index in context.totals.bundles))
    for _, paths in context.totals.sections:
        columns += [str(part) for part in context.dialect.columns(paths)]
    scan_cost = int((context.totals.scan_weight * rows + context.totals.skipped_rows) / ROWS_PER_POINT)
    context.totals.cost += scan_cost
    check_scan_cost(context.totals.cost, context.limits)
    statement = context.statement.build("select " + ", ".join(columns)) if columns else None
    read_set = context.read_set.build()
    return Plan(
        tuple(roots),
        statement,
        context.totals.cost,
        tuple(errors),
        read_set,
        _max_age(context, read_set),
        context.totals.private,
        scan_cost,
        tuple(context.totals.id_lists),
        tuple(section for section, _ in context.totals.sections),
        tuple(context.totals.sync_pages),
        context.totals.sync_tokens,
        context.totals.has_json_ld,
    )


def _max_age(context: BuildContext, read_set: ReadSet) -> int:
    """Returns the HTTP max-age of responses: 0 if time alone can change them, whether or not it soon will.

    A lifetime that ended at the next publication would tell everyone when something hidden comes out.
    """
    if read_set.is_time_dependent:
        return 0
    return STATIC_MAX_AGE if context.totals.max_age is None else context.totals.max_age


def _add_columns(
    context: BuildContext, node: ResultNode | MarkedNode, columns: list[str]
) -> tuple[bytes | None, ...]:
    """Adds the node's SQL columns to `columns`. Returns its constant parts, None for a column."""
    if isinstance(node, MarkedNode):
        parts: list[bytes | None] = []
        for table, number in node.markers:
            marker = ScalarNode(f"coalesce({number}, 0)", "int")
            prefix = f'"{MARKER_KEY}":"{HIDDEN_MARKER}{MARKER_CODES[table]}.'
            parts += [prefix.encode(), *_add_columns(context, marker, columns), b'",']
        return (*parts, *_add_columns(context, node.node, columns))
    parts = []
    for part in context.dialect.columns(node):
        if isinstance(part, str):
            columns.append(f"{part} as r{len(columns)}")
        parts.append(part if isinstance(part, bytes) else None)
    return tuple(parts)
