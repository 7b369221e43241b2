"""From an operation to a plan: one function for each shape, each returning a node of the answer.

Lists become ordered, limited inner queries; what leads to one row is joined to the query it starts from;
every scan carries the visibility predicate. The whole operation is one statement, so it answers from one
snapshot. Decides nothing about HTTP, and runs nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import orjson
from graphql import FieldNode, SelectionSetNode

from contentql.auth.viewer import PUBLIC_VISIBILITY, Visibility
from contentql.content import ids
from contentql.errors import ApiError
from contentql.planner import limits as limit_rules
from contentql.planner.catalog import (
    DIRECT_SECTION_ARTICLES,
    EXPIRED_LAST,
    SECTION_ARTICLES,
    Catalog,
    Column,
    Computed,
    EmbeddedObject,
    FoundByOldSlug,
    JsonElements,
    JunctionTable,
    ListPosition,
    RootField,
    TextDiff,
    ToMany,
    ToOne,
    TypePlan,
    is_list,
    is_required,
    named_type,
)
from contentql.planner.filters import bind_search, compile_filter, compile_search, row_conditions, sql_and
from contentql.planner.limits import Limits
from contentql.planner.operation import ArgumentValue, Constant, LeafValue, ListValue, Operation, VariableRef
from contentql.planner.params import (
    NOW,
    CursorValue,
    IdParam,
    ListFingerprint,
    ListParam,
    ParamList,
    TextParam,
    passthrough,
)
from contentql.planner.plan import Plan, RootFieldPlan, Statement
from contentql.planner.read_set import (
    ANY_COLUMN,
    BODY_SEARCH_SCAN,
    HIDDEN_MARKER,
    MARKER_CODES,
    MARKER_KEY,
    PRIMARY_KEYS,
    SEARCH_COLUMNS,
    LinkPath,
    PageBounds,
    ParentKey,
    ReadSetBuilder,
    RowCondition,
    Scan,
)
from contentql.planner.sql.nodes import (
    AggregateNode,
    ArrayNode,
    CaseNode,
    Dialect,
    FromClause,
    JsonValueNode,
    NullableNode,
    ObjectNode,
    ParamKind,
    ResultNode,
    RowRef,
    ScalarNode,
    SingleRowNode,
    SortKey,
)
from contentql.planner.visibility import (
    VISIBLE_THROUGH,
    WORKING_COPY_TABLES,
    matches_public_id_sql,
    public_id_sql,
    visibility_sql,
)

MAX_JOINS = 50
PARENT_KEYS = "keys"
# What a viewer brings into the values, under names that no variable can have.
VIEWER_ACCOUNT_VARIABLE, SHARED_ARTICLE_VARIABLE, REQUEST_TIME_VARIABLE = " me", " linked", " present"
STATIC_MAX_AGE = 3_600  # seconds for which an answer may be kept that says nothing of content

# What a field that reads no table is: its JSON by the names of its fields.
VirtualObject = Mapping[str, Any]


def build_plan(
    operation: Operation,
    catalog: Catalog,
    dialect: Dialect,
    *,
    limits: Limits,
    languages: tuple[str, ...],
    facts: VirtualObject,
    constants: Callable[[list[FieldNode]], bytes],
    without: Mapping[int, ApiError],
    typed: bool = False,
    marked: bool = False,
    visibility: Visibility = PUBLIC_VISIBILITY,
) -> tuple[Plan, set[tuple[Any, Callable[[Any], Any]]]]:
    """The plan, and the values it was settled by: another value of one of them needs another plan.

    `facts` answers the fields that read no table; `constants` the introspection fields. With `typed`,
    objects of abstract types say under `__is` what they are; with `marked`, every object says which row it
    is (planner/reads.py takes that out again). `without` are root fields, by their place, that are refused
    already. `sight` is what of the newsroom may be seen. Raises Refused for what cannot be asked.
    """
    fixed = (
        operation,
        catalog,
        dialect,
        limits,
        languages,
        facts,
        constants,
        without,
        typed,
        marked,
        visibility,
    )
    for nesting, apart in ((16, False), (3, False), (2, False), (1, False), (1, True)):
        plan, settled_by = PlanBuilder(*fixed, nesting, apart).plan()
        if plan.statement is None or _fits(plan.statement, dialect):
            return plan, settled_by
    raise ApiError(
        "DEPTH_LIMIT_EXCEEDED",
        "The operation is nested deeper than this database can read.",
        "Nest its filters and selections less, or ask in two smaller queries.",
    )


def _fits(statement: Statement, dialect: Dialect) -> bool:
    return dialect.can_parse(statement.sql) and all(_fits(cut, dialect) for cut in statement.sub_statements)


@dataclass
class RowSource:
    """The inner query of a list: which rows, in which order."""

    row: RowRef
    source: str
    where: list[str] = field(default_factory=list)
    keys: list[SortKey] = field(default_factory=list)
    limit: str = ""
    link_alias: str = ""  # the alias of the link it was reached through
    parent_sql: str = ""  # SQL: the side of that link it was reached from
    parent_key: ParentKey | None = None  # the same as columns: what its rows, or that link's, lead to
    link: JunctionTable | None = None
    conditions: tuple[RowCondition, ...] = ()  # conditions that a row alone can tell
    dependency_columns: dict[str, None] = field(
        default_factory=dict
    )  # the columns that the other conditions rest on
    order_columns: set[str] = field(default_factory=set)  # the columns that say where a row stands
    page: PageBounds | None = None
    denormalized_columns: Mapping[str, str] = field(
        default_factory=dict
    )  # columns that the link keeps a copy of


@dataclass
class PlanBuilder:
    operation: Operation
    catalog: Catalog
    dialect: Dialect
    limits: Limits
    languages: tuple[str, ...]
    virtual_objects: VirtualObject
    introspect: Callable[[list[FieldNode]], bytes]
    failed_roots: Mapping[int, ApiError]
    with_typename: bool
    with_markers: bool
    visibility: Visibility
    max_nesting: int  # how many lists may stand inside one another in one statement
    hoist_subqueries: bool  # whether the queries inside filters stand before the statement, not in it
    constraints: set[tuple[Any, Callable[[Any], Any]]] = field(default_factory=set)
    aliases: int = 0
    depth: int = 0
    conditions: int = 0
    root: int = 0
    pages: int = 0
    max_age: int | None = None
    private: bool = False
    read_set: ReadSetBuilder = field(default_factory=ReadSetBuilder)
    params: ParamList = field(init=False)
    sub_statements: list[Statement] = field(default_factory=list)
    ctes: list[str] = field(default_factory=list)  # those queries

    def __post_init__(self) -> None:
        self.params = ParamList(self.dialect)

    # The whole operation

    def plan(self) -> tuple[Plan, set[tuple[Any, Callable[[Any], Any]]]]:
        cost = limit_rules.operation_cost(
            self.catalog, self.operation.node, self.operation.fragments, self._page_size, self.included
        )
        limit_rules.check_cost_limit(cost, self.limits)
        roots: list[RootFieldPlan] = []
        columns: list[str] = []
        refused: list[tuple[str, ApiError]] = []
        fields = self.operation.collect_fields(
            [self.operation.node.selection_set], frozenset({"Query"}), self.included
        )
        for self.root, (key, group) in enumerate(fields.items()):
            found = self._root(group)
            if isinstance(found, ApiError):
                refused.append((key, found))
                roots.append(RootFieldPlan(key, b"null"))
            elif isinstance(found, bytes):
                roots.append(RootFieldPlan(key, found))
            else:
                roots.append(RootFieldPlan(key, None, self._columns(found, columns)))
        statement = None
        if columns:
            sql = self._complete("select " + ", ".join(columns))
            statement = Statement(sql, tuple(self.params.found), tuple(self.sub_statements))
        plan = Plan(
            tuple(roots),
            statement,
            cost,
            tuple(refused),
            self.read_set.build(),
            STATIC_MAX_AGE if self.max_age is None else self.max_age,
            self.private,
        )
        return plan, self.constraints

    def _complete(self, select: str) -> str:
        """With the queries that stand before it, and every parameter: a part may turn out to be empty."""
        unused = self.params.unused(" ".join([*self.ctes, select]))
        before = [*self.ctes, *([f"unused as (select {', '.join(unused)})"] if unused else [])]
        return f"with {', '.join(before)} {select}" if before else select

    def _columns(self, node: ResultNode, columns: list[str]) -> tuple[bytes | None, ...]:
        """Adds to the statement's columns; says what is known already and where a column goes."""
        parts: list[bytes | None] = []
        for part in self.dialect.columns(node):
            if isinstance(part, str):
                columns.append(f"{part} as r{len(columns)}")
            parts.append(part if isinstance(part, bytes) else None)
        return tuple(parts)

    def _root(self, group: list[FieldNode]) -> ResultNode | bytes | ApiError:
        node = group[0]
        name = node.name.value
        if name == "__typename":
            return b'"Query"'
        if name.startswith("__"):
            return self.introspect(group)
        of = self.catalog.field_type("Query", name)
        plan = self.catalog.types["Query"].fields[name]
        assert isinstance(plan, RootField), name
        selections = _selections(group)
        try:
            if self.root in self.failed_roots:
                raise self.failed_roots[self.root]
            if plan.admin_only and not self.visibility.admin:
                raise ApiError("FORBIDDEN", f"`{name}` is for administrators.", "Send a token that may.")
            arguments = self.operation.arguments(node, of)
            match plan.shape:
                case "viewer":
                    self.private = True
                    return orjson.dumps(
                        self._virtual_object(named_type(of.type), selections, self.virtual_objects[name])
                    )
                case "one":
                    return self._one_root(plan.table, named_type(of.type), arguments, selections)
                case "node":
                    return self._node(arguments, selections)
                case "nodes":
                    return self._nodes(arguments, selections)
                case "page" | "latest":
                    return self._list_root(plan, f"Query.{name}", named_type(of.type), arguments, selections)
        except ApiError as refusal:
            # A nullable root field is null and the others are answered; any other takes all down.
            if is_required(of.type) or refusal.code == "COST_LIMIT_EXCEEDED":
                raise
            return refusal

    def _virtual_object(
        self, type_name: str, selections: Sequence[SelectionSetNode], facts: VirtualObject
    ) -> dict[str, Any]:
        fields = self.operation.collect_fields(selections, frozenset({type_name}), self.included)
        return {
            key: type_name if g[0].name.value == "__typename" else facts[g[0].name.value]
            for key, g in fields.items()
        }

    # Root fields

    def _one_root(
        self,
        table: str,
        type_name: str,
        arguments: dict[str, ArgumentValue],
        selections: Sequence[SelectionSetNode],
    ) -> ResultNode:
        named = [n for n in ("id", "slug", "path") if arguments.get(n) is not None]
        if len(named) != 1:
            ways = [n for n in self.catalog.field_type("Query", table).args if n in ("id", "slug", "path")]
            raise ApiError("BAD_USER_INPUT", f"{table} needs exactly one of: {', '.join(ways)}.")
        base = self._base(table)
        row = base.row
        self._list_of(table)
        if named == ["id"]:
            number = self.param(arguments["id"], "id", IdParam(ID_TABLES.get(table, table)))
            key = PRIMARY_KEYS.get(table, "id")
            base.where.append(
                f"{row.alias}.{key} = {number}" if key != "id" else self.matches_public_id(row, number)
            )
            base.conditions = (
                RowCondition(key, "eq", _slot(arguments["id"]), IdParam(ID_TABLES.get(table, table))),
            )
        elif table in RENAME_HISTORY:
            base, row = self._by_name(base, RENAME_HISTORY[table], arguments)
        else:
            column = named[0]
            value = self.param(arguments[column], "text", TextParam(self.limits.text))
            base.where.append(f"{row.alias}.{column} = {value}")
            base.conditions = (
                RowCondition(column, "eq", _slot(arguments[column]), TextParam(self.limits.text)),
            )
            if arguments.get("type") is not None:
                base.conditions += (RowCondition("type", "eq", _slot(arguments["type"]), passthrough),)
                kind = self.param(arguments["type"], "plain", passthrough)
                base.where.append(f"{row.alias}.type = {kind}")
            base.keys.append(SortKey(f"{row.alias}.{PRIMARY_KEYS.get(table, 'id')}", "id", False))
            base.limit = "1"
        base.where += self.visible(row, witnessed=False)
        self.read_set.scan(Scan(table, base.conditions))
        return self._single(base, row, type_name, selections)

    def _by_name(
        self, base: RowSource, former: RenameHistory, arguments: dict[str, ArgumentValue]
    ) -> tuple[RowSource, RowRef]:
        """By the name it has or, if nothing of its kind has it, by one that it had."""
        table, name = base.row.table, former.column
        said = self.param(arguments[name], "text", TextParam(self.limits.text))
        wanted = []
        if arguments.get("language") is not None:
            language = self.param(arguments["language"], "text", TextParam(self.limits.text))
            wanted = [f".language = {language}"]

        def number(source: str, found: RowRef, where: list[str]) -> str:
            where += [*self.visible(found, witnessed=False), *(found.alias + said for said in wanted)]
            number = f"{found.alias}.id"
            return f"(select {number} from {source} where {sql_and(where)} order by {number} limit 1)"

        now, before, way = self._base(table).row, self._base(table).row, self.alias()
        base.conditions = (RowCondition(name, "eq", _slot(arguments[name]), TextParam(self.limits.text)),)
        self.read_set.scan(Scan(former.table, base.conditions))
        if wanted:
            in_language = RowCondition(
                "language", "eq", _slot(arguments["language"]), TextParam(self.limits.text)
            )
            base.conditions += (in_language,)
            base.row.column("language")  # an article that changes it is not the one any more
        ways = [
            number(f"{table} {now.alias}", now, [f"{now.alias}.{name} = {said}"]),
            number(
                f"{former.table} {way} cross join {table} {before.alias}",
                before,
                [f"{way}.{name} = {said}", self.matches_public_id(before, f"{way}.{former.owner}")],
            ),
        ]
        if (
            not self.visibility.is_public and table in WORKING_COPY_TABLES
        ):  # what the public knows a working copy's article by
            copy, out = self._base(table).row, self.alias()
            ways.append(
                number(
                    f"{table} {out} cross join {table} {copy.alias}",
                    copy,
                    [f"{out}.{name} = {said}", f"{copy.alias}.working_of = {out}.id"],
                )
            )
        base.where.append(f"{base.row.alias}.id = coalesce({', '.join(ways)})")
        return base, replace(base.row, found_by_old_slug_sql=said)

    def _single(
        self, base: RowSource, row: RowRef, type_name: str, selections: Sequence[SelectionSetNode]
    ) -> ResultNode:
        node = self._object_of(type_name, selections, row)
        return SingleRowNode(node, self._rows(base))

    def _node(
        self, arguments: dict[str, ArgumentValue], selections: Sequence[SelectionSetNode]
    ) -> ResultNode:
        table = self.constrain(arguments["id"], _table_of)
        if table is None:
            IdParam("")(self.constrain(arguments["id"]))
        found = self._node_type(str(table))
        if found is None:
            return "null"
        base = self._base(found.table)
        base.where.append(
            self.matches_public_id(base.row, self.param(arguments["id"], "id", IdParam(found.table)))
        )
        base.where += self.visible(base.row, witnessed=False)
        self._list_of(found.table)
        named = RowCondition("id", "eq", _slot(arguments["id"]), IdParam(found.table))
        self.read_set.scan(Scan(found.table, (named,)))
        return self._single(base, base.row, found.name, selections)

    def _nodes(
        self, arguments: dict[str, ArgumentValue], selections: Sequence[SelectionSetNode]
    ) -> ResultNode:
        given = arguments["ids"]
        tables = self.constrain(given, _tables_of)
        most = self.limits.page
        texts = self.param(given, "texts", ListParam(_table_name, most))
        numbers = self.param(given, "ids", ListParam(IdParam(""), most))
        alias = self.alias()
        table, number, order = self.dialect.unnested_columns(alias)
        cases: list[tuple[str, ResultNode]] = []
        for name in tables:
            found = self._node_type(name)
            if found is None:
                continue
            base = self._base(found.table)
            base.where.append(self.matches_public_id(base.row, number))
            base.where += self.visible(base.row, witnessed=False)
            self._list_of(found.table)
            self.read_set.scan(
                Scan(found.table, (RowCondition("id", "in", _slot(given), ListParam(IdParam(""), most)),))
            )
            cases.append((name, self._single(base, base.row, found.name, selections)))
        rows = f"(select * from {self.dialect.unnest_pairs(texts, numbers, alias)} order by {order}) {alias}"
        return ArrayNode(CaseNode(table, tuple(cases)) if cases else "null", rows, order)

    def _node_type(self, table: str) -> TypePlan | None:
        return next((t for t in self.catalog.concrete("Node") if t.table == table), None)

    def _list_root(
        self,
        plan: RootField,
        name: str,
        type_name: str,
        arguments: dict[str, ArgumentValue],
        selections: Sequence[SelectionSetNode],
    ) -> ResultNode:
        def base() -> RowSource:
            if arguments.get("section") is None:
                found = self._base(plan.table)
                found.where += self.visible(found.row, witnessed=False)
                return found
            return self._section(arguments)

        return self._connection(name, base, plan.table, type_name, arguments, selections)

    def _section(self, arguments: dict[str, ArgumentValue]) -> RowSource:
        path = self.param(arguments["section"], "text", TextParam(self.limits.text))
        direct = arguments.get("exact") is not None and self.constrain(arguments["exact"])
        link = DIRECT_SECTION_ARTICLES if direct else SECTION_ARTICLES
        base = self._link_source(link, "article", f"(select s.id from category s where s.path = {path})")
        base.where += self.visible(base.row, witnessed=False)
        base.parent_key = ParentKey(link.source_column, "category")
        named = _slot(arguments["section"])
        self.read_set.lists["section", named] = None
        self.read_set.scan(
            Scan("category", (RowCondition("path", "eq", named, TextParam(self.limits.text)),))
        )
        return base

    # Shapes

    def _object_of(self, type_name: str, selections: Sequence[SelectionSetNode], row: RowRef) -> ResultNode:
        """An object of a type or an interface: which one it is, a JSON element says of itself."""
        concrete = self.catalog.concrete(type_name)
        if type_name == "Node":
            concrete = tuple(t for t in concrete if t.table == row.table)
        if len(concrete) == 1:
            return self._object(concrete[0], selections, row)
        cases: list[tuple[str, ResultNode]] = []
        other: ResultNode = "null"
        for found in concrete:
            node = self._object(found, selections, row)
            if found.json_type == "UNKNOWN":
                other = node
            else:
                cases.append((str(found.json_type), node))
        return CaseNode(self.dialect.element_text(row.alias, "type"), tuple(cases), other)

    def _object(self, type_plan: TypePlan, selections: Sequence[SelectionSetNode], row: RowRef) -> ResultNode:
        interfaces = {i.name for i in self.catalog.schema.type_map[type_plan.name].interfaces}  # type: ignore[attr-defined]
        fields = self.operation.collect_fields(
            selections, frozenset({type_plan.name, *interfaces}), self.included
        )
        what: list[tuple[str, ResultNode]] = []
        if self.with_typename and interfaces:
            what.append(("__is", f'"{type_plan.name}"'))
        self._record_max_age(type_plan)
        if row.table and not row.json:
            self.read_set.shown.append((row.table, row.used_columns))
            if self.with_markers:
                what += [(MARKER_KEY, mark) for mark in self._marks(type_plan, fields.values(), row)]
        return ObjectNode(
            (*what, *((key, self._field(type_plan, group, row)) for key, group in fields.items()))
        )

    def _marks(
        self, type_plan: TypePlan, fields: Iterable[list[FieldNode]], row: RowRef
    ) -> Iterator[ResultNode]:
        """Which row this is, and those it leads to, which may be out of sight."""
        yield ScalarNode(
            row.column(PRIMARY_KEYS.get(row.table, "id")), "id", prefix=f"{MARKER_CODES[row.table]}."
        )
        leads: set[tuple[str, str]] = set()
        for group in fields:
            edge = type_plan.fields.get(group[0].name.value)
            if isinstance(edge, ToOne | ToMany) and edge.column != "id":
                leads.add((edge.column, edge.table if isinstance(edge, ToOne) else row.table))
        for column, table in sorted(leads):
            yield ScalarNode(row.column(column), "id", False, f"{HIDDEN_MARKER}{MARKER_CODES[table]}.")

    def _record_max_age(self, type_plan: TypePlan) -> None:
        """How long others may keep what says something of this type."""
        if type_plan.max_age is not None:
            self.max_age = type_plan.max_age if self.max_age is None else min(self.max_age, type_plan.max_age)

    def _list_of(self, table: str) -> None:
        self.read_set.lists[table, None] = None

    def _field(self, type_plan: TypePlan, group: list[FieldNode], row: RowRef) -> ResultNode:
        name = group[0].name.value
        if name == "__typename":
            return f'"{type_plan.name}"'
        graphql_field = self.catalog.field_type(type_plan.name, name)
        plan, target, required = (
            type_plan.fields[name],
            named_type(graphql_field.type),
            is_required(graphql_field.type),
        )
        selections = _selections(group)
        match plan:
            case Column():
                return self._leaf(row, plan, required)
            case Computed():
                return ScalarNode(f"({self.computed(plan, row)})", plan.kind, required)
            case FoundByOldSlug():
                name = RENAME_HISTORY[row.table].column
                return (
                    ScalarNode(f"{row.column(name)} <> {row.found_by_old_slug_sql}", "bool")
                    if row.found_by_old_slug_sql
                    else "false"
                )
            case ListPosition():
                return ScalarNode(row.place, "int")
            case EmbeddedObject():
                inner = self._object_of(target, selections, row)
                return NullableNode(row.column(plan.null_when), inner) if plan.null_when else inner
            case ToOne():
                there = self._joined(plan, row)
                inner = self._object_of(target, selections, there)
                sure = required or (plan.always_set_when_public and self.visibility.is_public)
                return inner if sure else NullableNode(there.column(plan.key), inner)
            case ToMany():
                arguments = self.operation.arguments(group[0], graphql_field)
                if is_list(graphql_field.type):
                    return self._nested_list(
                        row, lambda here: self._list(plan, here, target, arguments, selections)
                    )
                label = f"{type_plan.name}.{name}"
                return self._nested_list(
                    row, lambda here: self._page_of(plan, here, label, target, arguments, selections)
                )
            case JsonElements():
                return self._elements(plan, row, target, selections)
            case TextDiff():
                arguments = self.operation.arguments(group[0], graphql_field)
                return self._nested_list(
                    row, lambda here: self._differences(plan, here, target, arguments, selections)
                )
        raise LookupError(f"{type_plan.name}.{name}: no shape for {plan}")

    def _leaf(self, row: RowRef, plan: Column, required: bool) -> ResultNode:
        if row.json:
            return JsonValueNode(row.alias, plan.name)
        if plan.internal and not self.visibility.internal_fields:
            return "null"
        column = row.column(plan.name)
        if plan.internal and self.visibility.articles == "own":
            column = f"case when {row.column('owner')} = {self.viewer_account()} then {column} end"
        if plan.kind != "id":
            return ScalarNode(column, plan.kind or "text", required)
        if plan.name == "id":
            column = self.public_id(row)
        return ScalarNode(column, "id", required, ids.PREFIXES[plan.id_table or row.table] + "_")

    def _differences(
        self,
        plan: TextDiff,
        row: RowRef,
        target: str,
        arguments: dict[str, ArgumentValue],
        selections: Sequence[SelectionSetNode],
    ) -> ResultNode:
        """Field by field, as text: what the earlier row says and what this one does, where they differ."""
        earlier, alias = self.alias(), self.alias()
        number = row.column(plan.number)
        if arguments.get("against") is None:
            last = self.alias()
            wanted = (
                f"(select max({last}.{plan.number}) from {row.table} {last}"
                f" where {last}.{plan.of} = {row.column(plan.of)} and {last}.{plan.number} < {number})"
            )
        else:
            wanted = self.param(arguments["against"], "int", passthrough)
        pairs = self.dialect.json_diff(row.column(plan.column), f"{earlier}.{plan.column}")
        rows = (
            f"(select dl.key as field, de.value as earlier, dl.value as later"
            f" from {row.table} {earlier}, {pairs}"
            f" where {earlier}.{plan.of} = {row.column(plan.of)}"
            f" and {earlier}.{plan.number} = {wanted}) {alias}"
        )
        there = RowRef(alias, "", FromClause(alias))
        return ArrayNode(self._object_of(target, selections, there), rows, f"{alias}.field")

    def _joined(self, relation: ToOne, row: RowRef, join: str = "left join") -> RowRef:
        """The row that an edge leads to, joined to the query that `row` stands in; once for each edge."""
        scope = row.scope
        if (row.alias, relation) not in scope.joined:
            if len(scope.joins) >= MAX_JOINS:
                raise ApiError(
                    "COST_LIMIT_EXCEEDED",
                    f"One object leads to more than {MAX_JOINS} others by single relations.",
                    limit=MAX_JOINS,
                )  # fmt: skip
            there = RowRef(self.alias(), relation.table, scope)
            if row.json:  # no mark leads to what cannot be seen, so any that comes into sight may be it
                self.read_set.scan(Scan(relation.table, visibility_changes_only=True))
            self.read_set.add_visibility_dependency(relation.table)
            column = (
                self.dialect.element_number(row.alias, relation.column)
                if row.json
                else row.column(relation.column)
            )
            same = (
                self.matches_public_id(there, column)
                if relation.by_public_id
                else f"{there.alias}.{relation.key} = {column}"
            )
            on = [same, *self.visible(there, witnessed=relation.visible_with_source)]
            scope.joins.append(f" {join} {relation.table} {there.alias} on {' and '.join(on)}")
            scope.joined[row.alias, relation] = there
        return scope.joined[row.alias, relation]

    def _elements(
        self, plan: JsonElements, row: RowRef, target: str, selections: Sequence[SelectionSetNode]
    ) -> ResultNode:
        alias = self.alias()
        there = RowRef(alias, "", FromClause(""), json=True)
        in_json = row.json
        source = self.dialect.element_list(row.alias, plan.key) if in_json else row.column(plan.column)
        with_joins = self.dialect.elements(source, alias)
        if target == "Media":  # a list of ids
            media = self._joined(ToOne("media", "", visible_with_source=True), there)
            item = self._object_of(target, selections, media)
            where = f" where {media.alias}.id is not null"
        else:
            item, where = self._object_of(target, selections, there), ""
        rows = with_joins + "".join(there.scope.joins) + where
        return ArrayNode(item, rows, self.dialect.element_order(alias))

    # Lists

    def _list(
        self,
        relation: ToMany,
        here: RowRef,
        target: str,
        arguments: dict[str, ArgumentValue],
        selections: Sequence[SelectionSetNode],
    ) -> ResultNode:
        size = str(self._first(arguments)) if arguments.get("first") is not None else ""
        flat = not size and self.dialect.orders_aggregates
        base = self._relation_source(relation, here, flat)
        self._apply_filter(base, relation.table, target, arguments)
        self._default_order(base, relation)
        self._scanned(base)
        order = self._order(base)
        if flat:
            base.row.scope.place = f"(row_number() over (order by {order}) - 1)"
        item = self._object_of(target, selections, base.row)
        if flat:
            rows = f"{base.source}{''.join(base.row.scope.joins)} where {sql_and(base.where)}"
            return ArrayNode(item, rows, order)
        base.limit = size or "10000"
        return ArrayNode(item, self._rows(base), self._outer_order(base))

    def _page_of(
        self,
        relation: ToMany,
        here: RowRef,
        label: str,
        target: str,
        arguments: dict[str, ArgumentValue],
        selections: Sequence[SelectionSetNode],
    ) -> ResultNode:
        def base() -> RowSource:
            wanted = relation
            if (
                relation.link == SECTION_ARTICLES
                and arguments.get("exact") is not None
                and self.constrain(arguments["exact"])
            ):
                wanted = replace(relation, link=DIRECT_SECTION_ARTICLES)
            return self._relation_source(wanted, here)

        return self._connection(label, base, relation.table, target, arguments, selections, relation)

    def _connection(
        self,
        label: str,
        make: Callable[[], RowSource],
        table: str,
        connection: str,
        arguments: dict[str, ArgumentValue],
        selections: Sequence[SelectionSetNode],
        relation: ToMany | None = None,
    ) -> ResultNode:
        """A page: `make` gives the visible rows; filter, search, order and cursors act on them here."""
        node_type = named_type(self.catalog.field_type(connection, "nodes").type)

        def rows() -> RowSource:
            base = make()
            self._apply_filter(base, table, node_type, arguments)
            self._one_per_story(base, arguments, make)
            return base

        size, backward = self._page(arguments)
        cursor = arguments.get("before" if backward else "after")
        base = rows()
        self._apply_order(base, table, node_type, arguments, relation)
        self._list_of(table)
        mark = ListFingerprint(
            label, {n: v for n, v in arguments.items() if n not in ("first", "last", "after", "before")}
        )
        whole_where = list(base.where)
        if backward:
            base.keys = [replace(key, descending=not key.descending) for key in base.keys]
        beyond = self._after_cursor(base, cursor, mark) if cursor is not None else None
        if beyond:
            # First, because of two bounds on one column SQLite starts from the one that it meets first.
            base.where.insert(0, beyond)

        fields = self.operation.collect_fields(selections, frozenset({connection}), self.included)
        asks = {g[0].name.value for g in fields.values()}
        paged = asks <= {"nodes", "__typename"} and not backward
        self._scanned(base, self._cacheable_page(base, size) if paged else None)
        if asks <= {"nodes", "totalCount", "__typename"} and not backward:
            base.limit = str(size)
            return self._simple_page(base, fields, connection, node_type, rows)
        base.limit = str(size + 1)
        before = self._has_previous(base, whole_where, beyond) if beyond and "pageInfo" in asks else "false"
        return self._full_page(base, fields, connection, node_type, rows, size, backward, mark, before)

    def _simple_page(
        self,
        base: RowSource,
        fields: Mapping[str, list[FieldNode]],
        connection: str,
        node_type: str,
        rows: Callable[[], RowSource],
    ) -> ResultNode:
        def field_of(group: list[FieldNode]) -> ResultNode:
            match group[0].name.value:
                case "__typename":
                    return f'"{connection}"'
                case "totalCount":
                    return self._total(rows())
                case _:
                    item = self._object_of(node_type, _selections(group), base.row)
                    if isinstance(item, ObjectNode):
                        item = ObjectNode((*self._cursor_marker(base), *item.fields))
                    return ArrayNode(item, self._rows(base), self._outer_order(base))

        return ObjectNode(
            (*self._parent_marker(base), *((key, field_of(group)) for key, group in fields.items()))
        )

    def _parent_marker(self, base: RowSource) -> tuple[tuple[str, ResultNode], ...]:
        """What the list hangs on, where no object of the answer is it."""
        if not self.with_markers or base.parent_key is None or not base.parent_sql.startswith("("):
            return ()
        return (
            (
                MARKER_KEY,
                ScalarNode(
                    base.parent_sql, "id", False, f"{HIDDEN_MARKER}{MARKER_CODES[base.parent_key.table]}."
                ),
            ),
        )

    def _cacheable_page(self, base: RowSource, size: int) -> PageBounds | None:
        """The list as a page that its marks can tell the end of; None where a key is no column."""
        columns = [(key.sql.rpartition(".")[2], key.descending) for key in base.keys]
        if not self.with_markers or any(
            key.lookup_sql or not _COLUMN.fullmatch(key.sql) for key in base.keys
        ):
            return None
        own = {copy.rpartition(".")[2]: column for column, copy in base.denormalized_columns.items()}
        self.pages += 1
        base.page = PageBounds(self.pages, size, tuple((own.get(c, c), down) for c, down in columns))
        return base.page

    def _cursor_marker(self, base: RowSource) -> tuple[tuple[str, ResultNode], ...]:
        if base.page is None:
            return ()
        near = f"coalesce({self.dialect.as_text(base.parent_sql or '0')}, '0')"
        parts = [f"'@{base.page.number}'", near]
        for i, key in enumerate(base.keys):
            column = f"{base.row.alias}.k{i}"
            is_text = key.kind in ("text", "plain")
            parts.append(
                self.dialect.hex_encode(column) if is_text else self.dialect.text_of(column, key.kind)
            )
        return ((MARKER_KEY, ScalarNode(self.dialect.join_with_dots(parts), "plain")),)

    def _scanned(self, base: RowSource, page: PageBounds | None = None) -> None:
        """Notes what the list rests on, now that its conditions and its order are known."""
        near, way = base.parent_key, None
        if base.link and base.parent_key:
            near, way = None, LinkPath(base.link.table, base.link.target_column, base.parent_key)
        others, ordered = frozenset(base.dependency_columns), frozenset(base.order_columns)
        self.read_set.scan(
            Scan(base.row.table, base.conditions, others, ordered, parent_key=near, link_path=way, page=page)
        )

    def _full_page(
        self,
        base: RowSource,
        fields: Mapping[str, list[FieldNode]],
        connection: str,
        node_type: str,
        rows: Callable[[], RowSource],
        size: int,
        backward: bool,
        mark: ListFingerprint,
        before: str,
    ) -> ResultNode:
        """One pass over at most `size` + 1 rows, numbered: the last one only tells that there are more."""
        page = self.alias()
        columns: list[str] = []

        def column(sql: str) -> str:
            columns.append(f"{sql} as x{len(columns)}")
            return f"{page}.x{len(columns) - 1}"

        cursor_column = ""

        def cursor() -> str:
            nonlocal cursor_column
            cursor_column = cursor_column or column(self._cursor(base, mark))
            return cursor_column

        def gathered(node: ResultNode) -> ResultNode:
            order = f"{page}.n desc" if backward else f"{page}.n"
            return AggregateNode(column(self.dialect.json(node)), f"{page}.n <= {size}", order)

        def field_of(group: list[FieldNode]) -> ResultNode:
            selections = _selections(group)
            match group[0].name.value:
                case "__typename":
                    return f'"{connection}"'
                case "totalCount":
                    return self._total(rows())
                case "nodes":
                    return gathered(self._object_of(node_type, selections, base.row))
                case "edges":
                    edge_type = named_type(self.catalog.field_type(connection, "edges").type)
                    return gathered(self._edge(edge_type, node_type, selections, base, mark))
                case _:
                    return self._page_info(selections, page, size, backward, before, cursor)

        whole = ObjectNode(
            (*self._parent_marker(base), *((key, field_of(group)) for key, group in fields.items()))
        )
        if not _reads(whole, page):
            return whole  # nothing that the rows could tell
        keys = ", ".join(_direction(f"{base.row.alias}.k{i}", key) for i, key in enumerate(base.keys))
        columns += [f"row_number() over (order by {keys}) as n", "count(*) over () as m"]
        numbered = (
            f"(select {', '.join(columns)}"
            f" from {self._rows(base)}{' order by n desc' if backward else ' order by n'}) {page}"
        )
        return SingleRowNode(whole, numbered)

    def _edge(
        self,
        edge_type: str,
        node_type: str,
        selections: Sequence[SelectionSetNode],
        base: RowSource,
        mark: ListFingerprint,
    ) -> ResultNode:
        def field_of(group: list[FieldNode]) -> ResultNode:
            match group[0].name.value:
                case "__typename":
                    return f'"{edge_type}"'
                case "cursor":
                    return ScalarNode(self._cursor(base, mark), "plain")
                case _:
                    return self._object_of(node_type, _selections(group), base.row)

        fields = self.operation.collect_fields(selections, frozenset({edge_type}), self.included)
        return ObjectNode(tuple((key, field_of(group)) for key, group in fields.items()))

    def _page_info(
        self,
        selections: Sequence[SelectionSetNode],
        page: str,
        size: int,
        backward: bool,
        before: str,
        cursor: Callable[[], str],
    ) -> ResultNode:
        more = f"coalesce(max({page}.m), 0) > {size}"
        last = f"case when {page}.m > {size} then {size} else {page}.m end"

        def cursor_at(n: str) -> ResultNode:
            return ScalarNode(f"max(case when {page}.n = {n} then {cursor()} end)", "plain", False)

        def field_of(group: list[FieldNode]) -> ResultNode:
            match group[0].name.value:
                case "__typename":
                    return '"PageInfo"'
                case "hasNextPage":
                    return ScalarNode(before if backward else more, "bool")
                case "hasPreviousPage":
                    return ScalarNode(more if backward else before, "bool")
                case "startCursor":
                    return cursor_at(last if backward else "1")
                case _:
                    return cursor_at("1" if backward else last)

        fields = self.operation.collect_fields(selections, frozenset({"PageInfo"}), self.included)
        return ObjectNode(tuple((key, field_of(group)) for key, group in fields.items()))

    def _total(self, base: RowSource) -> ResultNode:
        return ScalarNode(f"(select count(*) from {base.source} where {sql_and(base.where)})", "int")

    # Rows

    def _base(self, table: str) -> RowSource:
        alias = self.alias()
        return RowSource(RowRef(alias, table, FromClause(alias)), f"{table} {alias}")

    def _link_source(self, link: JunctionTable, table: str, near: str) -> RowSource:
        base, way = self._base(table), self.alias()
        # CROSS JOIN, because on SQLite it means: the link drives.
        base.source = f"{link.table} {way} cross join {table} {base.row.alias}"
        far = f"{way}.{link.target_column}"
        same = self.matches_public_id(base.row, far) if link.stable else f"{base.row.alias}.id = {far}"
        base.where = [f"{way}.{link.source_column} = {near}", same]
        if link.where:
            base.where.append(link.where.replace("{link}", way))
        base.link_alias, base.parent_sql, base.denormalized_columns = (
            way,
            near,
            {c: f"{way}.{copy}" for c, copy in link.denormalized.items()},
        )
        base.link = link
        if (
            "published_at" in base.denormalized_columns and self.visibility.is_public
        ):  # an index of the link begins at the present
            base.where.append(f"{base.denormalized_columns['published_at']} <= {self.now()}")
        return base

    def _relation_source(self, relation: ToMany, here: RowRef, flat: bool = False) -> RowSource:
        """The rows an edge leads to. `flat`: what decides over them may be joined, as nothing is limited."""
        near = self.public_id(here) if relation.by_public_id else here.column(relation.column)
        link = relation.link
        nearby = ParentKey(link.source_column if link else relation.key, here.table)
        if link and link.unique:
            base = self._link_source(link, relation.table, near)
        else:
            base = self._base(relation.table)
            if link:
                inner = self.alias()
                where = [f"{inner}.{link.source_column} = {near}", link.where.replace("{link}", inner)]
                base.where.append(
                    f"{base.row.alias}.id in (select {inner}.{link.target_column} from {link.table} {inner}"
                    f" where {' and '.join(w for w in where if w)})"
                )
            else:
                base.where.append(f"{base.row.alias}.{relation.key} = {near}")
        base.parent_key, base.link = nearby, link
        if relation.where:
            base.where.append(self._edge_where(relation.where, here, base.row, base.dependency_columns))
        by_way = None if link else nearby
        if flat and relation.table in VISIBLE_THROUGH:
            self._joined(VISIBLE_THROUGH[relation.table], base.row, "join")
            self.read_set.add_visibility_dependency(relation.table, by_way)
        else:
            base.where += self.visible(base.row, witnessed=relation.visible_with_source, near=by_way)
        return base

    def _edge_where(self, text: str, here: RowRef, there: RowRef, asked: dict[str, None]) -> str:
        """The condition in SQL; `asked` hears which columns of `there` it rests on."""
        asked.update(dict.fromkeys(re.findall(r"\{row\}\.(\w+)", text)))
        text = re.sub(r"\{here\}\.(\w+)", lambda found: here.column(found[1]), text)
        return text.replace("{row}", there.alias)

    def _rows(self, base: RowSource) -> str:
        """The inner query under the base row's alias, and everything that was joined to it."""
        row, scope = base.row, base.row.scope
        keys = [f"{key.sql} as k{i}" for i, key in enumerate(base.keys)]
        order = self._order(base)
        columns = [f"{row.alias}.{c}" for c in sorted(scope.columns) if c != "place"]
        if "place" in scope.columns:
            columns.append(f"row_number() over (order by {order}) - 1 as place")
        columns = columns + keys or [f"{row.alias}.{PRIMARY_KEYS.get(row.table, 'id')}"]
        return (
            f"(select {', '.join(columns)} from {base.source}"
            + (f" where {' and '.join(base.where)}" if base.where else "")
            + (f" order by {order}" if order else "")
            + (f" limit {base.limit}" if base.limit else "")
            + f") {row.alias}{''.join(scope.joins)}"
        )

    def _order(self, base: RowSource) -> str:
        return ", ".join(_direction(self.dialect.sortable(key.sql, key.kind), key) for key in base.keys)

    def _apply_filter(
        self, base: RowSource, table: str, node_type: str, arguments: dict[str, ArgumentValue]
    ) -> None:
        if arguments.get("filter") is not None:
            said, kind, bare = arguments["filter"], f"{node_type}Filter", _bare(base.row)
            self.conditions = limit_rules.check_filter_limits(said, self.limits, self.conditions)
            base.where += compile_filter(self, kind, said, bare)
            told, whole = row_conditions(self, kind, said, table)
            base.conditions += told
            if not whole:
                base.dependency_columns.update(bare.used_columns)
        if arguments.get("search") is not None:
            base.where.append(compile_search(self, arguments["search"], base.row))
            base.dependency_columns.update(dict.fromkeys(SEARCH_COLUMNS))
            self.read_set.scan(BODY_SEARCH_SCAN)
        if arguments.get("excludeIds") is not None:
            excluded = ListParam(IdParam(table), self.limits.input_items)
            base.conditions += (RowCondition("id", "notIn", _slot(arguments["excludeIds"]), excluded),)
            among = self.dialect.in_list(
                public_id_sql(table, base.row.alias, self.visibility),
                self.param(
                    arguments["excludeIds"], "ids", ListParam(IdParam(table), self.limits.input_items)
                ),
            )
            base.where.append(f"not {among}")

    def _one_per_story(
        self, base: RowSource, arguments: dict[str, ArgumentValue], make: Callable[[], RowSource]
    ) -> None:
        """Of each story only the newest article that the list would show."""
        if arguments.get("onePerStory") is None or not self.constrain(arguments["onePerStory"]):
            return
        base.dependency_columns.update({"story_id": None, "published_at": None})
        newer = make()
        self._apply_filter(newer, "article", "Article", arguments)
        a, b = base.row.alias, newer.row.alias
        newer.where.append(f"{b}.story_id = {a}.story_id")
        newer.where.append(f"({b}.published_at, {b}.id) > ({a}.published_at, {a}.id)")
        base.where.append(f"not exists (select 1 from {newer.source} where {' and '.join(newer.where)})")

    # Order and cursors

    def _default_order(self, base: RowSource, relation: ToMany) -> None:
        for said in relation.order or ("id",):
            by_end = said.startswith(EXPIRED_LAST)
            column, _, direction = said.removeprefix(EXPIRED_LAST).partition(" ")
            alias, _, name = column.rpartition(".")

            def value(row: str, name: str = name, by_end: bool = by_end) -> str:
                return (
                    f"case when {row}.{name} <= {self.now()} then 1 else 0 end" if by_end else f"{row}.{name}"
                )

            sql = value(base.link_alias if alias == "link" else base.row.alias)
            if alias != "link":  # a link that moves is noticed as such
                base.order_columns.add(name)
            known = ""
            if relation.link and alias == "link":
                # Gaps in stored numbers would tell of what is hidden, so a cursor leaves them out.
                known = (
                    f"(select {value('w')} from {relation.link.table} w"
                    f" where w.{relation.link.source_column} = {base.parent_sql}"
                    f" and w.{relation.link.target_column} = {{id}})"
                )
            base.keys.append(SortKey(sql, ORDER_COLUMN_KINDS.get(name, "int"), direction == "desc", known))
        base.keys.append(SortKey(public_id_sql(base.row.table, base.row.alias, self.visibility), "id", False))

    def _apply_order(
        self,
        base: RowSource,
        table: str,
        node_type: str,
        arguments: dict[str, ArgumentValue],
        relation: ToMany | None,
    ) -> None:
        names = self.constrain(arguments.get("orderBy"), as_tuple) or ()
        searched = arguments.get("search") is not None
        if not names and relation is not None and relation.order:
            return self._default_order(base, relation)
        enum: Any = self.catalog.schema.type_map.get(f"{node_type}Order")
        words = [str(enum.values[name].value) for name in names]
        words = words or (["relevance desc"] if searched else []) + [DEFAULT_ORDER[table]]
        for said in words:
            column, _, direction = said.partition(" ")
            kind = ORDER_COLUMN_KINDS.get(column, "text")
            if column == "relevance":
                if not searched:
                    raise ApiError("BAD_USER_INPUT", "RELEVANCE orders a search.", "Give `search` as well.")
                sql = self.dialect.relevance(
                    base.row.alias, lambda parts: bind_search(self, arguments["search"], parts)
                )
            else:
                copy = base.denormalized_columns.get(column) if self.visibility.is_public else None
                sql = copy or self._in_time(base, column)
            base.order_columns.add(column)
            base.keys.append(SortKey(sql, kind, direction == "desc"))
        if words == ["relevance desc"]:
            base.keys.append(SortKey(self._in_time(base, "published_at"), "time", True))
        own = public_id_sql(table, base.row.alias, self.visibility)
        number = own if not self.visibility.is_public else base.denormalized_columns.get("id") or own
        base.keys.append(SortKey(number, "id", base.keys[-1].descending))

    def _in_time(self, base: RowSource, column: str) -> str:
        sql = f"{base.row.alias}.{column}"
        if self.visibility.is_public or ORDER_COLUMN_KINDS.get(column) != "time":
            return sql
        return f"coalesce({sql}, {self.dialect.max_timestamp})"  # a draft has no time: it will be the newest

    def _outer_order(self, base: RowSource) -> str:
        return ", ".join(
            _direction(self.dialect.sortable(f"{base.row.alias}.k{i}", key.kind), key)
            for i, key in enumerate(base.keys)
        )

    def _cursor(self, base: RowSource, mark: ListFingerprint) -> str:
        parts = [self.param(mark, "text", passthrough)]
        for i, key in enumerate(base.keys):
            column = f"{base.row.alias}.k{i}"
            if key.kind == "text":
                parts.append(self.dialect.hex_encode(column))
            elif not key.lookup_sql:
                parts.append(self.dialect.text_of(column, key.kind))
        return self.dialect.join_with_dots(parts)

    def _after_cursor(self, base: RowSource, cursor: ArgumentValue, mark: ListFingerprint) -> str:
        """The rows after the cursor in the order of `base`."""
        kinds = tuple(key.kind for key in base.keys if not key.lookup_sql)
        values = [
            self.param(CursorValue(_slot(cursor), mark, kinds, i), kind, passthrough)
            for i, kind in enumerate(kinds)
        ]
        told = iter(values)
        sides = []
        for key in base.keys:
            # A row that has left the list since then has no place any more: the list begins again.
            value = (
                f"coalesce({key.lookup_sql.replace('{id}', values[-1])}, -1)"
                if key.lookup_sql
                else next(told)
            )
            sides.append((self.dialect.sortable(key.sql, key.kind), value, "<" if key.descending else ">"))
        if len({sign for _, _, sign in sides}) == 1:
            left, right = ", ".join(s[0] for s in sides), ", ".join(s[1] for s in sides)
            return f"({left}) {sides[0][2]} ({right})"
        found = ""
        for column, value, sign in reversed(sides):
            found = f"({column} {sign} {value}{f' or ({column} = {value} and {found})' if found else ''})"
        return found

    def _has_previous(self, base: RowSource, where: list[str], beyond: str) -> str:
        """Whether the list has a row on the other side of the cursor: its very first one would be."""
        return (
            f"coalesce((select not {beyond} from {base.source} where {sql_and(where)}"
            f" order by {self._order(base)} limit 1), false)"
        )

    # What the arguments say

    def _page(self, arguments: dict[str, ArgumentValue]) -> tuple[int, bool]:
        first, last = arguments.get("first"), arguments.get("last")
        if first is not None and last is not None:
            raise ApiError("INVALID_PAGE_SIZE", "A page has either `first` or `last`, not both.")
        if last is None and arguments.get("before") is not None:
            raise ApiError("INVALID_PAGE_SIZE", "`before` goes with `last`, `after` with `first`.")
        if last is not None and arguments.get("after") is not None:
            raise ApiError("INVALID_PAGE_SIZE", "`before` goes with `last`, `after` with `first`.")
        size = self._size(last if last is not None else first, "last" if last is not None else "first")
        return size, last is not None

    def _first(self, arguments: dict[str, ArgumentValue]) -> int:
        return self._size(arguments.get("first"), "first")

    def _size(self, value: ArgumentValue, name: str) -> int:
        if value is None:
            return self.limits.default_page
        size = int(self.constrain(value))
        if not 1 <= size <= self.limits.page:
            raise ApiError(
                "INVALID_PAGE_SIZE", f"`{name}` is {size}; a page has 1 to {self.limits.page}.",
                f"Ask for {self.limits.page} at most and go on with `after`.", limit=self.limits.page,
            )  # fmt: skip
        return size

    def _page_size(self, node: FieldNode, of: Any) -> int:
        try:
            return self._page(self.operation.arguments(node, of))[0]
        except ApiError:
            return self.limits.default_page  # said where the field is built

    def included(self, node: Any) -> bool:
        return self.operation.included(node, self.constrain)

    # What conditions need

    def param(self, source: Any, kind: ParamKind, convert: Callable[[Any], Any]) -> str:
        return self.params.add(source, kind, convert, self.root)

    def constrain(self, value: Any, read: Callable[[Any], Any] = passthrough) -> Any:
        """A leaf's value as of now; from here on the plan is for this value only."""
        if value is None:
            return None
        if not isinstance(value, Constant):
            self.constraints.add((value, read))
        return read(value.value(self.operation.variables))

    def alias(self) -> str:
        self.aliases += 1
        return f"a{self.aliases}"

    def new_row(self, table: str) -> RowRef:
        row = RowRef(self.alias(), table, FromClause(""))
        self.read_set.compared.append((table, row.used_columns))
        return row

    def visible(self, row: RowRef, *, witnessed: bool, near: ParentKey | None = None) -> list[str]:
        self.read_set.add_visibility_dependency(row.table, near)
        return visibility_sql(row.table, row.alias, self, witnessed=witnessed, visibility=self.visibility)

    def computed(self, plan: Computed, row: RowRef) -> str:
        sql = plan.sql if self.visibility.is_public or not plan.internal_sql else plan.internal_sql
        sql = re.sub(r"\{row\}\.(\w+)", lambda found: row.column(found[1]), sql)
        return sql.replace("{now}", self.now()) if "{now}" in sql else sql

    def public_id(self, row: RowRef) -> str:
        """The id that the row is known by."""
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
        self.ctes.append(f"{name} as ({select})")
        return f"(select * from {name})"

    def relation_source(self, relation: ToMany, here: RowRef, there: RowRef) -> tuple[str, list[str], str]:
        where = self.visible(there, witnessed=relation.visible_with_source)
        if relation.where:
            where.append(self._edge_where(relation.where, here, there, there.used_columns))
        if relation.link is None:
            return f"{relation.table} {there.alias}", where, there.column(relation.key)
        way = self.alias()
        self.read_set.scan(Scan(relation.link.table, other_columns=ANY_COLUMN))
        if relation.link.where:
            where.append(relation.link.where.replace("{link}", way))
        far = f"{way}.{relation.link.target_column}"
        on = self.matches_public_id(there, far) if relation.link.stable else f"{there.alias}.id = {far}"
        source = f"{relation.link.table} {way} join {relation.table} {there.alias} on {on}"
        return source, where, f"{way}.{relation.link.source_column}"

    # Lists that lie too deep

    def _nested_list(self, row: RowRef, make: Callable[[RowRef], ResultNode]) -> ResultNode:
        """A list inside the row's JSON: in this statement or, too deep for it, in one of its own."""
        if self.depth < self.max_nesting or row.json:
            self.depth += 1
            try:
                return make(row)
            finally:
                self.depth -= 1
        outer = (self.params, self.sub_statements, self.ctes, self.depth)
        self.params, self.sub_statements, self.ctes, self.depth = ParamList(self.dialect), [], [], 0
        keys = self.param(PARENT_KEYS, "ids", passthrough)
        here = RowRef(self.alias(), row.table, FromClause(""))
        inner = self.dialect.json(make(here))
        sql = self._complete(
            f"select {here.alias}.id, cast({inner} as blob) from {row.table} {here.alias}"
            f" where {self.dialect.in_list(f'{here.alias}.id', keys)}"
        )
        cut = Statement(sql, tuple(self.params.found), tuple(self.sub_statements))
        self.params, self.sub_statements, self.ctes, self.depth = outer
        self.sub_statements.append(cut)
        return ObjectNode(((f"cut {len(self.sub_statements) - 1}", ScalarNode(row.column("id"), "int")),))


@dataclass(frozen=True)
class RenameHistory:
    """Where the names are kept that things had before."""

    column: str
    table: str
    owner: str


RENAME_HISTORY = {
    "article": RenameHistory("slug", "slug_history", "article_id"),
    "category": RenameHistory("path", "path_history", "category_id"),
}
ID_TABLES = {"withdrawal": "article"}  # whose ids a table's rows go by
DEFAULT_ORDER = {
    "correction": "at desc",
    "audit_entry": "at desc",
    "token": "created_at desc",
    "article": "published_at desc",
    "category": "path asc",
    "attribution": "id desc",
    "media": "id desc",
    "source": "sort_name asc",
    "tag": "sort_name asc",
    "author": "sort_name asc",
    "story": "sort_name asc",
    "collection": "sort_name asc",
}
ORDER_COLUMN_KINDS: Mapping[str, Any] = {
    "published_at": "time",
    "first_published_at": "time",
    "updated_at": "time",
    "at": "time",
    "created_at": "time",
    "urgency": "int",
    "position": "int",
    "relevance": "int",
    "id": "id",
}


_COLUMN = re.compile(r"\w+\.\w+")


def as_tuple(value: Any) -> tuple[str, ...]:
    return tuple(value if isinstance(value, list) else [value])


def _table_of(value: Any) -> str | None:
    found = ids.decode_id(str(value))
    return found[0] if found else None


def _tables_of(value: Any) -> tuple[str, ...]:
    return tuple(sorted({_table_of(v) or "" for v in as_tuple(value)}))


def _table_name(value: Any) -> str:
    IdParam("")(value)
    return _table_of(value) or ""


def _slot(value: ArgumentValue) -> LeafValue:
    assert isinstance(value, Constant | VariableRef | ListValue)
    return value


def _bare(row: RowRef) -> RowRef:
    """The row as the inner query sees it: its columns need not be brought outside."""
    return replace(row, scope=FromClause(""), used_columns={})


def _direction(sql: str, key: SortKey) -> str:
    return f"{sql} desc" if key.descending else sql


def _reads(node: ResultNode, alias: str) -> bool:
    """Whether an object says anything of the rows that go by that alias."""
    match node:
        case ObjectNode():
            return any(_reads(inner, alias) for _, inner in node.fields)
        case ScalarNode():
            return f"{alias}." in node.sql
        case _:
            return isinstance(node, AggregateNode)


def _selections(group: Sequence[FieldNode]) -> list[SelectionSetNode]:
    return [node.selection_set for node in group if node.selection_set]
