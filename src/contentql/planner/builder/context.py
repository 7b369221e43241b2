"""Shared state of the builders: the operation, the build settings, and the collected parts of the plan.

`BuildContext` is immutable: each root field, nested list and sub-statement gets a modified copy (`for_root`,
`deeper`, `new_statement`). The collected parts (`PlanTotals`, `StatementParts`, the read set, the
constraints) are mutable and shared by these copies; `new_statement` gives its copy new `StatementParts`.

Invariant: knows the catalog and SQL dialects; never HTTP, and executes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from graphql import FieldNode, GraphQLField, SelectionSetNode, get_named_type

from contentql.auth.viewer import Visibility
from contentql.errors import ApiError
from contentql.planner.absent_conditions import without_absent_conditions
from contentql.planner.catalog import Catalog, TypePlan
from contentql.planner.constraints import ValueConstraint
from contentql.planner.field_plans import Computed, JunctionTable, ToMany
from contentql.planner.limits import Limits, check_scan_limit
from contentql.planner.operation import ArgumentValue, Constant, LeafValue, Operation, VariableRef
from contentql.planner.params import (
    NOW,
    ParamList,
    passthrough,
)
from contentql.planner.plan import IdList, RequestedSection, Statement
from contentql.planner.read_set import (
    ANY_COLUMN,
    PageBounds,
    ParentKey,
    ReadSetBuilder,
    RowCondition,
    Scan,
)
from contentql.planner.sql.nodes import (
    Dialect,
    FromClause,
    ParamKind,
    ResultNode,
    RowRef,
    SortKey,
)
from contentql.planner.sync_tokens import SyncPage, SyncTokens
from contentql.planner.visibility import (
    WORKING_COPY_TABLES,
    matches_public_id_sql,
    public_id_sql,
    shown_item_sql,
    visibility_sql,
)
from contentql.url_patterns import Site

# Variables with values of the viewer and the request; no GraphQL variable can have these names.
VIEWER_ACCOUNT_VARIABLE, SHARED_ARTICLE_VARIABLE, REQUEST_TIME_VARIABLE = " me", " linked", " present"

# JSON values by field name, for an object that is in no table.
VirtualObject = Mapping[str, Any]


VALUES_PER_POINT = 5  # scalar values of the schema that cost as much as one object


class Introspected(NamedTuple):
    """JSON of a part of the schema, with the number of objects and of scalar values in it."""

    json: bytes
    objects: int
    values: int

    @property
    def cost(self) -> int:
        return max(self.objects, self.values // VALUES_PER_POINT)


@dataclass(slots=True)
class IntrospectionCache:
    """Results of introspection, shared by the root fields and by all attempts to build the plan.

    `roots` by index of the root field, `fields` by selection, `objects` by selection and object.
    """

    roots: dict[int, Introspected] = field(default_factory=dict)
    fields: dict[Any, Any] = field(default_factory=dict)
    objects: dict[Any, Introspected] = field(default_factory=dict)


@dataclass(slots=True)
class PlanTotals:
    """Counters and properties of the whole plan."""

    cost: int = 0
    aliases: int = 0
    conditions: int = 0  # filter conditions
    scans: dict[int, object] = field(default_factory=dict)  # conditions that no index serves, by identity
    scan_weight: float = 0.0  # of all conditions, see `planner.scans`
    skipped_rows: int = 0  # rows before numbered pages, of all lists
    pages: int = 0  # pages with bounds for the response cache
    max_age: int | None = None  # seconds; None until a type limits it
    private: bool = False
    has_json_ld: bool = False
    bundles: set[int] = field(default_factory=set)  # indexes of the root fields that are bundles
    id_lists: list[IdList] = field(default_factory=list)
    sections: list[tuple[RequestedSection, ResultNode]] = field(default_factory=list)
    sync_pages: list[SyncPage] = field(default_factory=list)
    sync_tokens: int = 0


@dataclass(slots=True)
class StatementParts:
    """One SQL statement while it is built."""

    params: ParamList
    sub_statements: list[Statement] = field(default_factory=list)
    ctes: list[str] = field(default_factory=list)  # hoisted subqueries

    def complete(self, select: str) -> str:
        """Returns the SQL with its CTEs; the CTE `unused` references parameters that no other part has."""
        unused = self.params.unused(" ".join([*self.ctes, select]))
        before = [*self.ctes, *([f"unused as (select {', '.join(unused)})"] if unused else [])]
        return f"with {', '.join(before)} {select}" if before else select

    def build(self, select: str) -> Statement:
        sql = self.complete(select)
        return Statement(sql, tuple(self.params.params), tuple(self.sub_statements))


@dataclass
class RowSource:
    """The subquery of a list: its FROM clause, conditions, sort keys and limit."""

    row: RowRef
    source: str
    where: list[str] = field(default_factory=list)
    keys: list[SortKey] = field(default_factory=list)
    limit: str = ""
    link_alias: str = ""  # alias of the junction table
    link_rows: str = ""  # the junction table, or the subquery of it that the list reads
    parent_sql: str = ""  # SQL of the parent's id in the junction table
    parent_key: ParentKey | None = None  # column, of the rows or the junction table, of the parent id
    link: JunctionTable | None = None
    conditions: tuple[RowCondition, ...] = ()  # conditions on the row alone
    dependency_columns: dict[str, None] = field(default_factory=dict)  # columns that other conditions read
    order_columns: set[str] = field(default_factory=set)  # columns that the order depends on
    page: PageBounds | None = None
    # SQL of the copies in the junction table, by column
    denormalized_columns: Mapping[str, str] = field(default_factory=dict)

    def reverse_order(self) -> None:
        self.keys = [replace(key, descending=not key.descending) for key in self.keys]


def relation_condition(text: str, here: RowRef, there: RowRef, used: dict[str, None]) -> str:
    """Returns the SQL of a relation's `where`; adds the columns of `there` that it reads to `used`."""
    used.update(dict.fromkeys(re.findall(r"\{row\}\.(\w+)", text)))
    text = re.sub(r"\{here\}\.(\w+)", lambda match: here.column(match[1]), text)
    return text.replace("{row}", there.alias)


class WidthsArgument(NamedTuple):
    """An argument with widths in pixels, and its conversion to a list of them."""

    value: LeafValue
    convert: Callable[[Any], list[int]]


@dataclass(frozen=True)
class BuildContext:
    """State and settings for all builders; implements `FilterContext` and `VisibilityParams`."""

    operation: Operation
    catalog: Catalog
    dialect: Dialect
    limits: Limits
    virtual_objects: VirtualObject
    failed_roots: Mapping[int, ApiError]
    site: Site
    sync_tokens: SyncTokens
    with_typename: bool
    with_markers: bool
    visibility: Visibility
    max_nesting: int  # of lists in one statement
    hoist_subqueries: bool  # subqueries of filters become CTEs
    # Builds the object of a list's row; injected, because objects and lists contain one another.
    build_object: Callable[[BuildContext, str, Sequence[SelectionSetNode], RowRef], ResultNode]
    statement: StatementParts
    introspection: IntrospectionCache
    read_set: ReadSetBuilder = field(default_factory=ReadSetBuilder)
    constraints: set[ValueConstraint] = field(default_factory=set)
    totals: PlanTotals = field(default_factory=PlanTotals)
    root: int = 0  # index of the root field
    path: tuple[str, ...] = ()  # response keys of the field that is built, from the root
    widths: WidthsArgument | None = None  # for the renditions of the bundle that is built
    depth: int = 0  # enclosing lists in this statement
    parents: int = 1  # number of rows for which the list is read: the product of the enclosing lists' sizes

    def _copy(self, **changes: Any) -> BuildContext:
        """As `dataclasses.replace`, which calls the constructor and takes ten times as long."""
        copy = object.__new__(BuildContext)
        copy.__dict__.update(self.__dict__, **changes)
        return copy

    def for_root(self, index: int) -> BuildContext:
        return self._copy(root=index)

    def with_widths(self, widths: WidthsArgument) -> BuildContext:
        return self._copy(widths=widths)

    def at_field(self, key: str) -> BuildContext:
        return self._copy(path=(*self.path, key))

    def inside_list(self, size: int) -> BuildContext:
        """The context of the items of a list with at most `size` items."""
        return self._copy(parents=self.parents * size)

    def charge_scan(self, weight: float, limited: Sequence[object] = ()) -> None:
        """Adds the weight of conditions to the plan; `limited` are those that are limited in number.

        A condition that the SQL evaluates twice, for a page and its total count, counts once. Raises ApiError
        INPUT_LIMIT_EXCEEDED.
        """
        self.totals.scan_weight += weight * self.parents
        self.totals.scans.update((id(condition), condition) for condition in limited)
        check_scan_limit(len(self.totals.scans), self.limits)

    def charge_skipped_rows(self, count: int) -> None:
        self.totals.skipped_rows += count * self.parents

    def deeper(self) -> BuildContext:
        return self._copy(depth=self.depth + 1)

    def new_statement(self) -> BuildContext:
        return self._copy(statement=StatementParts(ParamList(self.dialect)), depth=0)

    def arguments(self, node: FieldNode, field: GraphQLField) -> dict[str, ArgumentValue]:
        """Returns the arguments of a field, its filter without absent conditions."""
        values = self.operation.arguments(node, field)
        if values.get("filter") is not None:
            filter_type: Any = get_named_type(field.args["filter"].type)
            values["filter"] = without_absent_conditions(values["filter"], filter_type)
        return values

    def included(self, node: Any) -> bool:
        return self.operation.included(node, self.constrain)

    def param(self, source: Any, kind: ParamKind, convert: Callable[[Any], Any]) -> str:
        return self.statement.params.add(source, kind, convert, self.root, self.path)

    def constrain(self, value: Any, read: Callable[[Any], Any] = passthrough) -> Any:
        """Returns the current value of a leaf, converted by `read`, and constrains the plan to it."""
        if value is None:
            return None
        if not isinstance(value, Constant):
            self.constraints.add(ValueConstraint(value, read))
        return read(value.value(self.operation.variables))

    def alias(self) -> str:
        self.totals.aliases += 1
        return f"a{self.totals.aliases}"

    def new_row(self, table: str) -> RowRef:
        row = RowRef(self.alias(), table, FromClause(""))
        self.read_set.compared.append((table, row.used_columns))
        return row

    def visible(self, row: RowRef, *, via_visible: bool, near: ParentKey | None = None) -> list[str]:
        self.read_set.add_visibility_dependency(row.table, near)
        return visibility_sql(row.table, row.alias, self, via_visible=via_visible, visibility=self.visibility)

    def computed(self, plan: Computed, row: RowRef) -> str:
        sql = plan.sql if self.visibility.is_public or not plan.internal_sql else plan.internal_sql
        sql = re.sub(r"\{row\}\.(\w+)", lambda match: row.column(match[1]), sql)
        return sql.replace("{now}", self.now()) if "{now}" in sql else sql

    def public_id(self, row: RowRef) -> str:
        """Returns SQL of the row's public id, and notes the columns that it reads."""
        for column in (
            "id",
            *(("working_of",) if row.table in WORKING_COPY_TABLES and not self.visibility.is_public else ()),
        ):
            row.column(column)
        return public_id_sql(row.table, row.alias, self.visibility)

    def matches_public_id(self, row: RowRef, number: str) -> str:
        return matches_public_id_sql(row.table, row.alias, number, self.visibility)

    def now(self) -> str:
        return self.param(NOW, "time", passthrough)

    def request_time(self) -> str:
        return self.param(VariableRef((REQUEST_TIME_VARIABLE,)), "time", passthrough)

    def viewer_account(self) -> str:
        return self.param(VariableRef((VIEWER_ACCOUNT_VARIABLE,)), "text", passthrough)

    def shared_article(self) -> str:
        return self.param(VariableRef((SHARED_ARTICLE_VARIABLE,)), "id", passthrough)

    def uncorrelated_subquery(self, select: str) -> str:
        if not self.hoist_subqueries:
            return f"({select})"
        name = self.alias()
        self.statement.ctes.append(f"{name} as ({select})")
        return f"(select * from {name})"

    def relation_source(self, relation: ToMany, here: RowRef, there: RowRef) -> tuple[str, list[str], str]:
        where = self.visible(there, via_visible=relation.visible_with_source)
        if relation.where:
            where.append(relation_condition(relation.where, here, there, there.used_columns))
        if relation.link is None:
            return f"{relation.table} {there.alias}", where, there.column(relation.key)
        way = self.alias()
        self.read_set.scan(Scan(relation.link.table, other_columns=ANY_COLUMN))
        if relation.link.where:
            where.append(relation.link.where.replace("{link}", way))
        far = f"{way}.{relation.link.target_column}"
        on = self.matches_public_id(there, far) if relation.link.stable else f"{there.alias}.id = {far}"
        if relation.limit_column and not self.visibility.includes_surplus_items:
            where.append(shown_item_sql(way, self, self.visibility))
            self.read_set.scan(Scan(here.table, other_columns=frozenset({relation.limit_column})))
        source = f"{relation.link.table} {way} join {relation.table} {there.alias} on {on}"
        return source, where, f"{way}.{relation.link.source_column}"

    def record_max_age(self, type_plan: TypePlan) -> None:
        """Limits the plan's `max_age` to that of the type."""
        if type_plan.max_age is not None:
            self.totals.max_age = (
                type_plan.max_age
                if self.totals.max_age is None
                else min(self.totals.max_age, type_plan.max_age)
            )

    def record_list(self, table: str) -> None:
        self.read_set.lists[table, None] = None
