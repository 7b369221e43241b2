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

from contentql.auth.viewer import PUBLIC_SIGHT, Sight
from contentql.content import ids
from contentql.errors import Refused
from contentql.planner import limits as limit_rules
from contentql.planner.catalog import (
    ENDED,
    SECTION,
    SECTION_DIRECT,
    Asked,
    Catalog,
    Column,
    Computed,
    Differences,
    Elements,
    Link,
    Many,
    One,
    Part,
    Place,
    Root,
    Type,
    is_list,
    is_required,
    item_type,
)
from contentql.planner.filters import conditions, every, matches, search_param, tests
from contentql.planner.limits import Limits
from contentql.planner.operation import Const, Operation, Several, Slot, Value, Var
from contentql.planner.params import NOW, CursorPart, EachOf, IdOf, Params, Print, Text, as_is
from contentql.planner.plan import Plan, RootPlan, Statement
from contentql.planner.read_set import (
    ANY,
    CODES,
    KEYS,
    MARK,
    SEARCHED,
    SEARCHED_BODY,
    UNSEEN,
    Ledger,
    Near,
    Page,
    Scan,
    Test,
    Way,
)
from contentql.planner.sql.nodes import (
    Array,
    Choice,
    Dialect,
    Element,
    Gathered,
    Key,
    Leaf,
    Maybe,
    Node,
    Object,
    ParamKind,
    Row,
    Scope,
    Single,
)
from contentql.planner.visibility import COPIED, DECIDED_BY, identity, known_as, visible

MOST_JOINS = 50
PARENTS = "keys"
# What a viewer brings into the values, under names that no variable can have.
ME, LINKED, PRESENT = " me", " linked", " present"
CONSTANT = 3_600  # seconds for which an answer may be kept that says nothing of content

# What a field that reads no table is: its JSON by the names of its fields.
Facts = Mapping[str, Any]


def build(
    operation: Operation,
    catalog: Catalog,
    dialect: Dialect,
    *,
    limits: Limits,
    languages: tuple[str, ...],
    facts: Facts,
    constants: Callable[[list[FieldNode]], bytes],
    without: Mapping[int, Refused],
    typed: bool = False,
    marked: bool = False,
    sight: Sight = PUBLIC_SIGHT,
) -> tuple[Plan, set[tuple[Any, Callable[[Any], Any]]]]:
    """The plan, and the values it was settled by: another value of one of them needs another plan.

    `facts` answers the fields that read no table; `constants` the introspection fields. With `typed`,
    objects of abstract types say under `__is` what they are; with `marked`, every object says which row it
    is (planner/reads.py takes that out again). `without` are root fields, by their place, that are refused
    already. `sight` is what of the newsroom may be seen. Raises Refused for what cannot be asked.
    """
    fixed = (operation, catalog, dialect, limits, languages, facts, constants, without, typed, marked, sight)
    for nesting, apart in ((16, False), (3, False), (2, False), (1, False), (1, True)):
        plan, settled_by = _Build(*fixed, nesting, apart).plan()
        if plan.statement is None or _fits(plan.statement, dialect):
            return plan, settled_by
    raise Refused(
        "DEPTH_LIMIT",
        "The operation is nested deeper than this database can read.",
        "Nest its filters and selections less, or ask in two smaller queries.",
    )


def _fits(statement: Statement, dialect: Dialect) -> bool:
    return dialect.fits(statement.sql) and all(_fits(cut, dialect) for cut in statement.cuts)


@dataclass
class _Base:
    """The inner query of a list: which rows, in which order."""

    row: Row
    source: str
    where: list[str] = field(default_factory=list)
    keys: list[Key] = field(default_factory=list)
    limit: str = ""
    way: str = ""  # the alias of the link it was reached through
    near: str = ""  # SQL: the side of that link it was reached from
    nearby: Near | None = None  # the same as columns: what its rows, or that link's, lead to
    link: Link | None = None
    tests: tuple[Test, ...] = ()  # conditions that a row alone can tell
    others: dict[str, None] = field(default_factory=dict)  # the columns that the other conditions rest on
    ordered: set[str] = field(default_factory=set)  # the columns that say where a row stands
    page: Page | None = None
    copies: Mapping[str, str] = field(default_factory=dict)  # columns that the link keeps a copy of


@dataclass
class _Build:
    operation: Operation
    catalog: Catalog
    dialect: Dialect
    limits: Limits
    languages: tuple[str, ...]
    facts: Facts
    constants: Callable[[list[FieldNode]], bytes]
    without: Mapping[int, Refused]
    typed: bool
    marked: bool
    sight: Sight
    nesting: int  # how many lists may stand inside one another in one statement
    apart: bool  # whether the queries inside filters stand before the statement, not in it
    settled_by: set[tuple[Any, Callable[[Any], Any]]] = field(default_factory=set)
    aliases: int = 0
    depth: int = 0
    conditions: int = 0
    root: int = 0
    pages: int = 0
    max_age: int | None = None
    private: bool = False
    ledger: Ledger = field(default_factory=Ledger)
    params: Params = field(init=False)
    cuts: list[Statement] = field(default_factory=list)
    named: list[str] = field(default_factory=list)  # those queries

    def __post_init__(self) -> None:
        self.params = Params(self.dialect)

    # The whole operation

    def plan(self) -> tuple[Plan, set[tuple[Any, Callable[[Any], Any]]]]:
        cost = limit_rules.cost(
            self.catalog, self.operation.node, self.operation.fragments, self._page_size, self.included
        )
        limit_rules.too_costly(cost, self.limits)
        roots: list[RootPlan] = []
        columns: list[str] = []
        refused: list[tuple[str, Refused]] = []
        fields = self.operation.fields(
            [self.operation.node.selection_set], frozenset({"Query"}), self.included
        )
        for self.root, (key, group) in enumerate(fields.items()):
            found = self._root(group)
            if isinstance(found, Refused):
                refused.append((key, found))
                roots.append(RootPlan(key, b"null"))
            elif isinstance(found, bytes):
                roots.append(RootPlan(key, found))
            else:
                roots.append(RootPlan(key, None, self._columns(found, columns)))
        statement = None
        if columns:
            sql = self._complete("select " + ", ".join(columns))
            statement = Statement(sql, tuple(self.params.found), tuple(self.cuts))
        plan = Plan(
            tuple(roots),
            statement,
            cost,
            tuple(refused),
            self.ledger.closed(),
            CONSTANT if self.max_age is None else self.max_age,
            self.private,
        )
        return plan, self.settled_by

    def _complete(self, select: str) -> str:
        """With the queries that stand before it, and every parameter: a part may turn out to be empty."""
        unused = self.params.unused(" ".join([*self.named, select]))
        before = [*self.named, *([f"unused as (select {', '.join(unused)})"] if unused else [])]
        return f"with {', '.join(before)} {select}" if before else select

    def _columns(self, node: Node, columns: list[str]) -> tuple[bytes | None, ...]:
        """Adds to the statement's columns; says what is known already and where a column goes."""
        parts: list[bytes | None] = []
        for part in self.dialect.columns(node):
            if isinstance(part, str):
                columns.append(f"{part} as r{len(columns)}")
            parts.append(part if isinstance(part, bytes) else None)
        return tuple(parts)

    def _root(self, group: list[FieldNode]) -> Node | bytes | Refused:
        node = group[0]
        name = node.name.value
        if name == "__typename":
            return b'"Query"'
        if name.startswith("__"):
            return self.constants(group)
        of = self.catalog.field_type("Query", name)
        plan = self.catalog.types["Query"].fields[name]
        assert isinstance(plan, Root), name
        selections = _selections(group)
        try:
            if self.root in self.without:
                raise self.without[self.root]
            if plan.audit and not self.sight.audit:
                raise Refused("FORBIDDEN", f"`{name}` is for administrators.", "Send a token that may.")
            arguments = self.operation.arguments(node, of)
            match plan.shape:
                case "viewer":
                    self.private = True
                    return orjson.dumps(self._facts(item_type(of.type), selections, self.facts[name]))
                case "one":
                    return self._one_root(plan.table, item_type(of.type), arguments, selections)
                case "node":
                    return self._node(arguments, selections)
                case "nodes":
                    return self._nodes(arguments, selections)
                case "page" | "latest":
                    return self._list_root(plan, f"Query.{name}", item_type(of.type), arguments, selections)
        except Refused as refusal:
            # A nullable root field is null and the others are answered; any other takes all down.
            if is_required(of.type) or refusal.code == "COST_LIMIT":
                raise
            return refusal

    def _facts(self, type_name: str, selections: Sequence[SelectionSetNode], facts: Facts) -> dict[str, Any]:
        fields = self.operation.fields(selections, frozenset({type_name}), self.included)
        return {
            key: type_name if g[0].name.value == "__typename" else facts[g[0].name.value]
            for key, g in fields.items()
        }

    # Root fields

    def _one_root(
        self, table: str, type_name: str, arguments: dict[str, Value], selections: Sequence[SelectionSetNode]
    ) -> Node:
        named = [n for n in ("id", "slug", "path") if arguments.get(n) is not None]
        if len(named) != 1:
            ways = [n for n in self.catalog.field_type("Query", table).args if n in ("id", "slug", "path")]
            raise Refused("BAD_USER_INPUT", f"{table} needs exactly one of: {', '.join(ways)}.")
        base = self._base(table)
        row = base.row
        self._list_of(table)
        if named == ["id"]:
            number = self.param(arguments["id"], "id", IdOf(OWNERS.get(table, table)))
            key = KEYS.get(table, "id")
            base.where.append(f"{row.alias}.{key} = {number}" if key != "id" else self.known_as(row, number))
            base.tests = (Test(key, "eq", _slot(arguments["id"]), IdOf(OWNERS.get(table, table))),)
        elif table in FORMER:
            base, row = self._by_name(base, FORMER[table], arguments)
        else:
            column = named[0]
            value = self.param(arguments[column], "text", Text(self.limits.text))
            base.where.append(f"{row.alias}.{column} = {value}")
            base.tests = (Test(column, "eq", _slot(arguments[column]), Text(self.limits.text)),)
            if arguments.get("type") is not None:
                base.tests += (Test("type", "eq", _slot(arguments["type"]), as_is),)
                kind = self.param(arguments["type"], "plain", as_is)
                base.where.append(f"{row.alias}.type = {kind}")
            base.keys.append(Key(f"{row.alias}.{KEYS.get(table, 'id')}", "id", False))
            base.limit = "1"
        base.where += self.visible(row, witnessed=False)
        self.ledger.scan(Scan(table, base.tests))
        return self._single(base, row, type_name, selections)

    def _by_name(self, base: _Base, former: Former, arguments: dict[str, Value]) -> tuple[_Base, Row]:
        """By the name it has or, if nothing of its kind has it, by one that it had."""
        table, name = base.row.table, former.column
        said = self.param(arguments[name], "text", Text(self.limits.text))
        wanted = []
        if arguments.get("language") is not None:
            language = self.param(arguments["language"], "text", Text(self.limits.text))
            wanted = [f".language = {language}"]

        def number(source: str, found: Row, where: list[str]) -> str:
            where += [*self.visible(found, witnessed=False), *(found.alias + said for said in wanted)]
            number = f"{found.alias}.id"
            return f"(select {number} from {source} where {every(where)} order by {number} limit 1)"

        now, before, way = self._base(table).row, self._base(table).row, self.alias()
        base.tests = (Test(name, "eq", _slot(arguments[name]), Text(self.limits.text)),)
        self.ledger.scan(Scan(former.table, base.tests))
        if wanted:
            in_language = Test("language", "eq", _slot(arguments["language"]), Text(self.limits.text))
            base.tests += (in_language,)
            base.row.column("language")  # an article that changes it is not the one any more
        ways = [
            number(f"{table} {now.alias}", now, [f"{now.alias}.{name} = {said}"]),
            number(
                f"{former.table} {way} cross join {table} {before.alias}",
                before,
                [f"{way}.{name} = {said}", self.known_as(before, f"{way}.{former.owner}")],
            ),
        ]
        if not self.sight.is_public and table in COPIED:  # what the public knows a working copy's article by
            copy, out = self._base(table).row, self.alias()
            ways.append(
                number(
                    f"{table} {out} cross join {table} {copy.alias}",
                    copy,
                    [f"{out}.{name} = {said}", f"{copy.alias}.working_of = {out}.id"],
                )
            )
        base.where.append(f"{base.row.alias}.id = coalesce({', '.join(ways)})")
        return base, replace(base.row, asked=said)

    def _single(self, base: _Base, row: Row, type_name: str, selections: Sequence[SelectionSetNode]) -> Node:
        node = self._object_of(type_name, selections, row)
        return Single(node, self._rows(base))

    def _node(self, arguments: dict[str, Value], selections: Sequence[SelectionSetNode]) -> Node:
        table = self.settled(arguments["id"], _table_of)
        if table is None:
            IdOf("")(self.settled(arguments["id"]))
        found = self._node_type(str(table))
        if found is None:
            return "null"
        base = self._base(found.table)
        base.where.append(self.known_as(base.row, self.param(arguments["id"], "id", IdOf(found.table))))
        base.where += self.visible(base.row, witnessed=False)
        self._list_of(found.table)
        named = Test("id", "eq", _slot(arguments["id"]), IdOf(found.table))
        self.ledger.scan(Scan(found.table, (named,)))
        return self._single(base, base.row, found.name, selections)

    def _nodes(self, arguments: dict[str, Value], selections: Sequence[SelectionSetNode]) -> Node:
        given = arguments["ids"]
        tables = self.settled(given, _tables_of)
        most = self.limits.page
        texts = self.param(given, "texts", EachOf(_table_name, most))
        numbers = self.param(given, "ids", EachOf(IdOf(""), most))
        alias = self.alias()
        table, number, order = self.dialect.pair(alias)
        cases: list[tuple[str, Node]] = []
        for name in tables:
            found = self._node_type(name)
            if found is None:
                continue
            base = self._base(found.table)
            base.where.append(self.known_as(base.row, number))
            base.where += self.visible(base.row, witnessed=False)
            self._list_of(found.table)
            self.ledger.scan(Scan(found.table, (Test("id", "in", _slot(given), EachOf(IdOf(""), most)),)))
            cases.append((name, self._single(base, base.row, found.name, selections)))
        rows = f"(select * from {self.dialect.pairs(texts, numbers, alias)} order by {order}) {alias}"
        return Array(Choice(table, tuple(cases)) if cases else "null", rows, order)

    def _node_type(self, table: str) -> Type | None:
        return next((t for t in self.catalog.concrete("Node") if t.table == table), None)

    def _list_root(
        self,
        plan: Root,
        name: str,
        type_name: str,
        arguments: dict[str, Value],
        selections: Sequence[SelectionSetNode],
    ) -> Node:
        def base() -> _Base:
            if arguments.get("section") is None:
                found = self._base(plan.table)
                found.where += self.visible(found.row, witnessed=False)
                return found
            return self._section(arguments)

        return self._connection(name, base, plan.table, type_name, arguments, selections)

    def _section(self, arguments: dict[str, Value]) -> _Base:
        path = self.param(arguments["section"], "text", Text(self.limits.text))
        direct = arguments.get("exact") is not None and self.settled(arguments["exact"])
        link = SECTION_DIRECT if direct else SECTION
        base = self._through(link, "article", f"(select s.id from category s where s.path = {path})")
        base.where += self.visible(base.row, witnessed=False)
        base.nearby = Near(link.near, "category")
        named = _slot(arguments["section"])
        self.ledger.lists["section", named] = None
        self.ledger.scan(Scan("category", (Test("path", "eq", named, Text(self.limits.text)),)))
        return base

    # Shapes

    def _object_of(self, type_name: str, selections: Sequence[SelectionSetNode], row: Row) -> Node:
        """An object of a type or an interface: which one it is, a JSON element says of itself."""
        concrete = self.catalog.concrete(type_name)
        if type_name == "Node":
            concrete = tuple(t for t in concrete if t.table == row.table)
        if len(concrete) == 1:
            return self._object(concrete[0], selections, row)
        cases: list[tuple[str, Node]] = []
        other: Node = "null"
        for found in concrete:
            node = self._object(found, selections, row)
            if found.element == "UNKNOWN":
                other = node
            else:
                cases.append((str(found.element), node))
        return Choice(self.dialect.element_text(row.alias, "type"), tuple(cases), other)

    def _object(self, of: Type, selections: Sequence[SelectionSetNode], row: Row) -> Node:
        interfaces = {i.name for i in self.catalog.schema.type_map[of.name].interfaces}  # type: ignore[attr-defined]
        fields = self.operation.fields(selections, frozenset({of.name, *interfaces}), self.included)
        what: list[tuple[str, Node]] = []
        if self.typed and interfaces:
            what.append(("__is", f'"{of.name}"'))
        self._noted(of)
        if row.table and not row.json:
            self.ledger.shown.append((row.table, row.reads))
            if self.marked:
                what += [(MARK, mark) for mark in self._marks(of, fields.values(), row)]
        return Object((*what, *((key, self._field(of, group, row)) for key, group in fields.items())))

    def _marks(self, of: Type, fields: Iterable[list[FieldNode]], row: Row) -> Iterator[Node]:
        """Which row this is, and those it leads to, which may be out of sight."""
        yield Leaf(row.column(KEYS.get(row.table, "id")), "id", prefix=f"{CODES[row.table]}.")
        leads: set[tuple[str, str]] = set()
        for group in fields:
            edge = of.fields.get(group[0].name.value)
            if isinstance(edge, One | Many) and edge.column != "id":
                leads.add((edge.column, edge.table if isinstance(edge, One) else row.table))
        for column, table in sorted(leads):
            yield Leaf(row.column(column), "id", False, f"{UNSEEN}{CODES[table]}.")

    def _noted(self, of: Type) -> None:
        """How long others may keep what says something of this type."""
        if of.max_age is not None:
            self.max_age = of.max_age if self.max_age is None else min(self.max_age, of.max_age)

    def _list_of(self, table: str) -> None:
        self.ledger.lists[table, None] = None

    def _field(self, of: Type, group: list[FieldNode], row: Row) -> Node:
        name = group[0].name.value
        if name == "__typename":
            return f'"{of.name}"'
        graphql_field = self.catalog.field_type(of.name, name)
        plan, target, required = (
            of.fields[name],
            item_type(graphql_field.type),
            is_required(graphql_field.type),
        )
        selections = _selections(group)
        match plan:
            case Column():
                return self._leaf(row, plan, required)
            case Computed():
                return Leaf(f"({self.computed(plan, row)})", plan.kind, required)
            case Asked():
                name = FORMER[row.table].column
                return Leaf(f"{row.column(name)} <> {row.asked}", "bool") if row.asked else "false"
            case Place():
                return Leaf(row.place, "int")
            case Part():
                inner = self._object_of(target, selections, row)
                return Maybe(row.column(plan.unless), inner) if plan.unless else inner
            case One():
                there = self._joined(plan, row)
                inner = self._object_of(target, selections, there)
                sure = required or (plan.out and self.sight.is_public)
                return inner if sure else Maybe(there.column(plan.key), inner)
            case Many():
                arguments = self.operation.arguments(group[0], graphql_field)
                if is_list(graphql_field.type):
                    return self._deep(row, lambda here: self._list(plan, here, target, arguments, selections))
                label = f"{of.name}.{name}"
                return self._deep(
                    row, lambda here: self._page_of(plan, here, label, target, arguments, selections)
                )
            case Elements():
                return self._elements(plan, row, target, selections)
            case Differences():
                arguments = self.operation.arguments(group[0], graphql_field)
                return self._deep(
                    row, lambda here: self._differences(plan, here, target, arguments, selections)
                )
        raise LookupError(f"{of.name}.{name}: no shape for {plan}")

    def _leaf(self, row: Row, plan: Column, required: bool) -> Node:
        if row.json:
            return Element(row.alias, plan.name)
        if plan.desk and not self.sight.desk:
            return "null"
        column = row.column(plan.name)
        if plan.desk and self.sight.articles == "own":
            column = f"case when {row.column('owner')} = {self.me()} then {column} end"
        if plan.kind != "id":
            return Leaf(column, plan.kind or "text", required)
        if plan.name == "id":
            column = self.identity(row)
        return Leaf(column, "id", required, ids.PREFIXES[plan.of or row.table] + "_")

    def _differences(
        self,
        plan: Differences,
        row: Row,
        target: str,
        arguments: dict[str, Value],
        selections: Sequence[SelectionSetNode],
    ) -> Node:
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
            wanted = self.param(arguments["against"], "int", as_is)
        pairs = self.dialect.differing(row.column(plan.column), f"{earlier}.{plan.column}")
        rows = (
            f"(select dl.key as field, de.value as earlier, dl.value as later"
            f" from {row.table} {earlier}, {pairs}"
            f" where {earlier}.{plan.of} = {row.column(plan.of)}"
            f" and {earlier}.{plan.number} = {wanted}) {alias}"
        )
        there = Row(alias, "", Scope(alias))
        return Array(self._object_of(target, selections, there), rows, f"{alias}.field")

    def _joined(self, edge: One, row: Row, join: str = "left join") -> Row:
        """The row that an edge leads to, joined to the query that `row` stands in; once for each edge."""
        scope = row.scope
        if (row.alias, edge) not in scope.joined:
            if len(scope.joins) >= MOST_JOINS:
                raise Refused(
                    "COST_LIMIT", f"One object leads to more than {MOST_JOINS} others by single relations.",
                    limit=MOST_JOINS,
                )  # fmt: skip
            there = Row(self.alias(), edge.table, scope)
            if row.json:  # no mark leads to what cannot be seen, so any that comes into sight may be it
                self.ledger.scan(Scan(edge.table, flips=True))
            self.ledger.decided(edge.table)
            column = (
                self.dialect.element_number(row.alias, edge.column) if row.json else row.column(edge.column)
            )
            same = self.known_as(there, column) if edge.stable else f"{there.alias}.{edge.key} = {column}"
            on = [same, *self.visible(there, witnessed=edge.witnessed)]
            scope.joins.append(f" {join} {edge.table} {there.alias} on {' and '.join(on)}")
            scope.joined[row.alias, edge] = there
        return scope.joined[row.alias, edge]

    def _elements(
        self, plan: Elements, row: Row, target: str, selections: Sequence[SelectionSetNode]
    ) -> Node:
        alias = self.alias()
        there = Row(alias, "", Scope(""), json=True)
        in_json = row.json
        source = self.dialect.element_list(row.alias, plan.key) if in_json else row.column(plan.column)
        with_joins = self.dialect.elements(source, alias)
        if target == "Media":  # a list of ids
            media = self._joined(One("media", "", witnessed=True), there)
            item = self._object_of(target, selections, media)
            where = f" where {media.alias}.id is not null"
        else:
            item, where = self._object_of(target, selections, there), ""
        rows = with_joins + "".join(there.scope.joins) + where
        return Array(item, rows, self.dialect.element_order(alias))

    # Lists

    def _list(
        self,
        edge: Many,
        here: Row,
        target: str,
        arguments: dict[str, Value],
        selections: Sequence[SelectionSetNode],
    ) -> Node:
        size = str(self._first(arguments)) if arguments.get("first") is not None else ""
        flat = not size and self.dialect.orders_aggregates
        base = self._related(edge, here, flat)
        self._filtered(base, edge.table, target, arguments)
        self._default_order(base, edge)
        self._scanned(base)
        order = self._order(base)
        if flat:
            base.row.scope.place = f"(row_number() over (order by {order}) - 1)"
        item = self._object_of(target, selections, base.row)
        if flat:
            rows = f"{base.source}{''.join(base.row.scope.joins)} where {every(base.where)}"
            return Array(item, rows, order)
        base.limit = size or "10000"
        return Array(item, self._rows(base), self._outer_order(base))

    def _page_of(
        self,
        edge: Many,
        here: Row,
        label: str,
        target: str,
        arguments: dict[str, Value],
        selections: Sequence[SelectionSetNode],
    ) -> Node:
        def base() -> _Base:
            wanted = edge
            if (
                edge.link == SECTION
                and arguments.get("exact") is not None
                and self.settled(arguments["exact"])
            ):
                wanted = replace(edge, link=SECTION_DIRECT)
            return self._related(wanted, here)

        return self._connection(label, base, edge.table, target, arguments, selections, edge)

    def _connection(
        self,
        label: str,
        make: Callable[[], _Base],
        table: str,
        connection: str,
        arguments: dict[str, Value],
        selections: Sequence[SelectionSetNode],
        edge: Many | None = None,
    ) -> Node:
        """A page: `make` gives the visible rows; filter, search, order and cursors act on them here."""
        node_type = item_type(self.catalog.field_type(connection, "nodes").type)

        def rows() -> _Base:
            base = make()
            self._filtered(base, table, node_type, arguments)
            self._excluded(base, arguments, make)
            return base

        size, backward = self._page(arguments)
        cursor = arguments.get("before" if backward else "after")
        base = rows()
        self._ordered(base, table, node_type, arguments, edge)
        self._list_of(table)
        mark = Print(
            label, {n: v for n, v in arguments.items() if n not in ("first", "last", "after", "before")}
        )
        whole_where = list(base.where)
        if backward:
            base.keys = [replace(key, descending=not key.descending) for key in base.keys]
        beyond = self._beyond(base, cursor, mark) if cursor is not None else None
        if beyond:
            # First, because of two bounds on one column SQLite starts from the one that it meets first.
            base.where.insert(0, beyond)

        fields = self.operation.fields(selections, frozenset({connection}), self.included)
        asks = {g[0].name.value for g in fields.values()}
        paged = asks <= {"nodes", "__typename"} and not backward
        self._scanned(base, self._first_rows(base, size) if paged else None)
        if asks <= {"nodes", "totalCount", "__typename"} and not backward:
            base.limit = str(size)
            return self._simple_page(base, fields, connection, node_type, rows)
        base.limit = str(size + 1)
        before = (
            self._anything_before(base, whole_where, beyond) if beyond and "pageInfo" in asks else "false"
        )
        return self._full_page(base, fields, connection, node_type, rows, size, backward, mark, before)

    def _simple_page(
        self,
        base: _Base,
        fields: Mapping[str, list[FieldNode]],
        connection: str,
        node_type: str,
        rows: Callable[[], _Base],
    ) -> Node:
        def field_of(group: list[FieldNode]) -> Node:
            match group[0].name.value:
                case "__typename":
                    return f'"{connection}"'
                case "totalCount":
                    return self._total(rows())
                case _:
                    item = self._object_of(node_type, _selections(group), base.row)
                    if isinstance(item, Object):
                        item = Object((*self._end_mark(base), *item.fields))
                    return Array(item, self._rows(base), self._outer_order(base))

        return Object((*self._near_mark(base), *((key, field_of(group)) for key, group in fields.items())))

    def _near_mark(self, base: _Base) -> tuple[tuple[str, Node], ...]:
        """What the list hangs on, where no object of the answer is it."""
        if not self.marked or base.nearby is None or not base.near.startswith("("):
            return ()
        return ((MARK, Leaf(base.near, "id", False, f"{UNSEEN}{CODES[base.nearby.table]}.")),)

    def _first_rows(self, base: _Base, size: int) -> Page | None:
        """The list as a page that its marks can tell the end of; None where a key is no column."""
        columns = [(key.sql.rpartition(".")[2], key.descending) for key in base.keys]
        if not self.marked or any(key.known or not _COLUMN.fullmatch(key.sql) for key in base.keys):
            return None
        own = {copy.rpartition(".")[2]: column for column, copy in base.copies.items()}
        self.pages += 1
        base.page = Page(self.pages, size, tuple((own.get(c, c), down) for c, down in columns))
        return base.page

    def _end_mark(self, base: _Base) -> tuple[tuple[str, Node], ...]:
        if base.page is None:
            return ()
        near = f"coalesce({self.dialect.as_text(base.near or '0')}, '0')"
        parts = [f"'@{base.page.number}'", near]
        for i, key in enumerate(base.keys):
            column = f"{base.row.alias}.k{i}"
            is_text = key.kind in ("text", "plain")
            parts.append(self.dialect.hexed(column) if is_text else self.dialect.text_of(column, key.kind))
        return ((MARK, Leaf(self.dialect.dotted(parts), "plain")),)

    def _scanned(self, base: _Base, page: Page | None = None) -> None:
        """Notes what the list rests on, now that its conditions and its order are known."""
        near, way = base.nearby, None
        if base.link and base.nearby:
            near, way = None, Way(base.link.table, base.link.far, base.nearby)
        others, ordered = frozenset(base.others), frozenset(base.ordered)
        self.ledger.scan(Scan(base.row.table, base.tests, others, ordered, near=near, way=way, page=page))

    def _full_page(
        self,
        base: _Base,
        fields: Mapping[str, list[FieldNode]],
        connection: str,
        node_type: str,
        rows: Callable[[], _Base],
        size: int,
        backward: bool,
        mark: Print,
        before: str,
    ) -> Node:
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

        def gathered(node: Node) -> Node:
            order = f"{page}.n desc" if backward else f"{page}.n"
            return Gathered(column(self.dialect.json(node)), f"{page}.n <= {size}", order)

        def field_of(group: list[FieldNode]) -> Node:
            selections = _selections(group)
            match group[0].name.value:
                case "__typename":
                    return f'"{connection}"'
                case "totalCount":
                    return self._total(rows())
                case "nodes":
                    return gathered(self._object_of(node_type, selections, base.row))
                case "edges":
                    edge_type = item_type(self.catalog.field_type(connection, "edges").type)
                    return gathered(self._edge(edge_type, node_type, selections, base, mark))
                case _:
                    return self._page_info(selections, page, size, backward, before, cursor)

        whole = Object((*self._near_mark(base), *((key, field_of(group)) for key, group in fields.items())))
        if not _reads(whole, page):
            return whole  # nothing that the rows could tell
        keys = ", ".join(_direction(f"{base.row.alias}.k{i}", key) for i, key in enumerate(base.keys))
        columns += [f"row_number() over (order by {keys}) as n", "count(*) over () as m"]
        numbered = (
            f"(select {', '.join(columns)}"
            f" from {self._rows(base)}{' order by n desc' if backward else ' order by n'}) {page}"
        )
        return Single(whole, numbered)

    def _edge(
        self,
        edge_type: str,
        node_type: str,
        selections: Sequence[SelectionSetNode],
        base: _Base,
        mark: Print,
    ) -> Node:
        def field_of(group: list[FieldNode]) -> Node:
            match group[0].name.value:
                case "__typename":
                    return f'"{edge_type}"'
                case "cursor":
                    return Leaf(self._cursor(base, mark), "plain")
                case _:
                    return self._object_of(node_type, _selections(group), base.row)

        fields = self.operation.fields(selections, frozenset({edge_type}), self.included)
        return Object(tuple((key, field_of(group)) for key, group in fields.items()))

    def _page_info(
        self,
        selections: Sequence[SelectionSetNode],
        page: str,
        size: int,
        backward: bool,
        before: str,
        cursor: Callable[[], str],
    ) -> Node:
        more = f"coalesce(max({page}.m), 0) > {size}"
        last = f"case when {page}.m > {size} then {size} else {page}.m end"

        def cursor_at(n: str) -> Node:
            return Leaf(f"max(case when {page}.n = {n} then {cursor()} end)", "plain", False)

        def field_of(group: list[FieldNode]) -> Node:
            match group[0].name.value:
                case "__typename":
                    return '"PageInfo"'
                case "hasNextPage":
                    return Leaf(before if backward else more, "bool")
                case "hasPreviousPage":
                    return Leaf(more if backward else before, "bool")
                case "startCursor":
                    return cursor_at(last if backward else "1")
                case _:
                    return cursor_at("1" if backward else last)

        fields = self.operation.fields(selections, frozenset({"PageInfo"}), self.included)
        return Object(tuple((key, field_of(group)) for key, group in fields.items()))

    def _total(self, base: _Base) -> Node:
        return Leaf(f"(select count(*) from {base.source} where {every(base.where)})", "int")

    # Rows

    def _base(self, table: str) -> _Base:
        alias = self.alias()
        return _Base(Row(alias, table, Scope(alias)), f"{table} {alias}")

    def _through(self, link: Link, table: str, near: str) -> _Base:
        base, way = self._base(table), self.alias()
        # CROSS JOIN, because on SQLite it means: the link drives.
        base.source = f"{link.table} {way} cross join {table} {base.row.alias}"
        far = f"{way}.{link.far}"
        same = self.known_as(base.row, far) if link.stable else f"{base.row.alias}.id = {far}"
        base.where = [f"{way}.{link.near} = {near}", same]
        if link.where:
            base.where.append(link.where.replace("{link}", way))
        base.way, base.near, base.copies = way, near, {c: f"{way}.{copy}" for c, copy in link.sorted.items()}
        base.link = link
        if (
            "published_at" in base.copies and self.sight.is_public
        ):  # an index of the link begins at the present
            base.where.append(f"{base.copies['published_at']} <= {self.now()}")
        return base

    def _related(self, edge: Many, here: Row, flat: bool = False) -> _Base:
        """The rows an edge leads to. `flat`: what decides over them may be joined, as nothing is limited."""
        near = self.identity(here) if edge.stable else here.column(edge.column)
        link = edge.link
        nearby = Near(link.near if link else edge.key, here.table)
        if link and link.unique:
            base = self._through(link, edge.table, near)
        else:
            base = self._base(edge.table)
            if link:
                inner = self.alias()
                where = [f"{inner}.{link.near} = {near}", link.where.replace("{link}", inner)]
                base.where.append(
                    f"{base.row.alias}.id in (select {inner}.{link.far} from {link.table} {inner}"
                    f" where {' and '.join(w for w in where if w)})"
                )
            else:
                base.where.append(f"{base.row.alias}.{edge.key} = {near}")
        base.nearby, base.link = nearby, link
        if edge.where:
            base.where.append(self._edge_where(edge.where, here, base.row, base.others))
        by_way = None if link else nearby
        if flat and edge.table in DECIDED_BY:
            self._joined(DECIDED_BY[edge.table], base.row, "join")
            self.ledger.decided(edge.table, by_way)
        else:
            base.where += self.visible(base.row, witnessed=edge.witnessed, near=by_way)
        return base

    def _edge_where(self, text: str, here: Row, there: Row, asked: dict[str, None]) -> str:
        """The condition in SQL; `asked` hears which columns of `there` it rests on."""
        asked.update(dict.fromkeys(re.findall(r"\{row\}\.(\w+)", text)))
        text = re.sub(r"\{here\}\.(\w+)", lambda found: here.column(found[1]), text)
        return text.replace("{row}", there.alias)

    def _rows(self, base: _Base) -> str:
        """The inner query under the base row's alias, and everything that was joined to it."""
        row, scope = base.row, base.row.scope
        keys = [f"{key.sql} as k{i}" for i, key in enumerate(base.keys)]
        order = self._order(base)
        columns = [f"{row.alias}.{c}" for c in sorted(scope.columns) if c != "place"]
        if "place" in scope.columns:
            columns.append(f"row_number() over (order by {order}) - 1 as place")
        columns = columns + keys or [f"{row.alias}.{KEYS.get(row.table, 'id')}"]
        return (
            f"(select {', '.join(columns)} from {base.source}"
            + (f" where {' and '.join(base.where)}" if base.where else "")
            + (f" order by {order}" if order else "")
            + (f" limit {base.limit}" if base.limit else "")
            + f") {row.alias}{''.join(scope.joins)}"
        )

    def _order(self, base: _Base) -> str:
        return ", ".join(_direction(self.dialect.sortable(key.sql, key.kind), key) for key in base.keys)

    def _filtered(self, base: _Base, table: str, node_type: str, arguments: dict[str, Value]) -> None:
        if arguments.get("filter") is not None:
            said, kind, bare = arguments["filter"], f"{node_type}Filter", _bare(base.row)
            self.conditions = limit_rules.check_filter(said, self.limits, self.conditions)
            base.where += conditions(self, kind, said, bare)
            told, whole = tests(self, kind, said, table)
            base.tests += told
            if not whole:
                base.others.update(bare.reads)
        if arguments.get("search") is not None:
            base.where.append(matches(self, arguments["search"], base.row))
            base.others.update(dict.fromkeys(SEARCHED))
            self.ledger.scan(SEARCHED_BODY)
        if arguments.get("excludeIds") is not None:
            excluded = EachOf(IdOf(table), self.limits.input_items)
            base.tests += (Test("id", "notIn", _slot(arguments["excludeIds"]), excluded),)
            among = self.dialect.among(
                identity(table, base.row.alias, self.sight),
                self.param(arguments["excludeIds"], "ids", EachOf(IdOf(table), self.limits.input_items)),
            )
            base.where.append(f"not {among}")

    def _excluded(self, base: _Base, arguments: dict[str, Value], make: Callable[[], _Base]) -> None:
        """Of each story only the newest article that the list would show."""
        if arguments.get("onePerStory") is None or not self.settled(arguments["onePerStory"]):
            return
        base.others.update({"story_id": None, "published_at": None})
        newer = make()
        self._filtered(newer, "article", "Article", arguments)
        a, b = base.row.alias, newer.row.alias
        newer.where.append(f"{b}.story_id = {a}.story_id")
        newer.where.append(f"({b}.published_at, {b}.id) > ({a}.published_at, {a}.id)")
        base.where.append(f"not exists (select 1 from {newer.source} where {' and '.join(newer.where)})")

    # Order and cursors

    def _default_order(self, base: _Base, edge: Many) -> None:
        for said in edge.order or ("id",):
            by_end = said.startswith(ENDED)
            column, _, direction = said.removeprefix(ENDED).partition(" ")
            alias, _, name = column.rpartition(".")

            def value(row: str, name: str = name, by_end: bool = by_end) -> str:
                return (
                    f"case when {row}.{name} <= {self.now()} then 1 else 0 end" if by_end else f"{row}.{name}"
                )

            sql = value(base.way if alias == "link" else base.row.alias)
            if alias != "link":  # a link that moves is noticed as such
                base.ordered.add(name)
            known = ""
            if edge.link and alias == "link":
                # Gaps in stored numbers would tell of what is hidden, so a cursor leaves them out.
                known = (
                    f"(select {value('w')} from {edge.link.table} w where w.{edge.link.near} = {base.near}"
                    f" and w.{edge.link.far} = {{id}})"
                )
            base.keys.append(Key(sql, ORDER_KINDS.get(name, "int"), direction == "desc", known))
        base.keys.append(Key(identity(base.row.table, base.row.alias, self.sight), "id", False))

    def _ordered(
        self, base: _Base, table: str, node_type: str, arguments: dict[str, Value], edge: Many | None
    ) -> None:
        names = self.settled(arguments.get("orderBy"), tuple_of) or ()
        searched = arguments.get("search") is not None
        if not names and edge is not None and edge.order:
            return self._default_order(base, edge)
        enum: Any = self.catalog.schema.type_map.get(f"{node_type}Order")
        words = [str(enum.values[name].value) for name in names]
        words = words or (["relevance desc"] if searched else []) + [DEFAULT_ORDER[table]]
        for said in words:
            column, _, direction = said.partition(" ")
            kind = ORDER_KINDS.get(column, "text")
            if column == "relevance":
                if not searched:
                    raise Refused("BAD_USER_INPUT", "RELEVANCE orders a search.", "Give `search` as well.")
                sql = self.dialect.relevance(
                    base.row.alias, lambda parts: search_param(self, arguments["search"], parts)
                )
            else:
                copy = base.copies.get(column) if self.sight.is_public else None
                sql = copy or self._in_time(base, column)
            base.ordered.add(column)
            base.keys.append(Key(sql, kind, direction == "desc"))
        if words == ["relevance desc"]:
            base.keys.append(Key(self._in_time(base, "published_at"), "time", True))
        own = identity(table, base.row.alias, self.sight)
        number = own if not self.sight.is_public else base.copies.get("id") or own
        base.keys.append(Key(number, "id", base.keys[-1].descending))

    def _in_time(self, base: _Base, column: str) -> str:
        sql = f"{base.row.alias}.{column}"
        if self.sight.is_public or ORDER_KINDS.get(column) != "time":
            return sql
        return f"coalesce({sql}, {self.dialect.never})"  # a draft has no time: it will be the newest

    def _outer_order(self, base: _Base) -> str:
        return ", ".join(
            _direction(self.dialect.sortable(f"{base.row.alias}.k{i}", key.kind), key)
            for i, key in enumerate(base.keys)
        )

    def _cursor(self, base: _Base, mark: Print) -> str:
        parts = [self.param(mark, "text", as_is)]
        for i, key in enumerate(base.keys):
            column = f"{base.row.alias}.k{i}"
            if key.kind == "text":
                parts.append(self.dialect.hexed(column))
            elif not key.known:
                parts.append(self.dialect.text_of(column, key.kind))
        return self.dialect.dotted(parts)

    def _beyond(self, base: _Base, cursor: Value, mark: Print) -> str:
        """The rows after the cursor in the order of `base`."""
        kinds = tuple(key.kind for key in base.keys if not key.known)
        values = [
            self.param(CursorPart(_slot(cursor), mark, kinds, i), kind, as_is) for i, kind in enumerate(kinds)
        ]
        told = iter(values)
        sides = []
        for key in base.keys:
            # A row that has left the list since then has no place any more: the list begins again.
            value = f"coalesce({key.known.replace('{id}', values[-1])}, -1)" if key.known else next(told)
            sides.append((self.dialect.sortable(key.sql, key.kind), value, "<" if key.descending else ">"))
        if len({sign for _, _, sign in sides}) == 1:
            left, right = ", ".join(s[0] for s in sides), ", ".join(s[1] for s in sides)
            return f"({left}) {sides[0][2]} ({right})"
        found = ""
        for column, value, sign in reversed(sides):
            found = f"({column} {sign} {value}{f' or ({column} = {value} and {found})' if found else ''})"
        return found

    def _anything_before(self, base: _Base, where: list[str], beyond: str) -> str:
        """Whether the list has a row on the other side of the cursor: its very first one would be."""
        return (
            f"coalesce((select not {beyond} from {base.source} where {every(where)}"
            f" order by {self._order(base)} limit 1), false)"
        )

    # What the arguments say

    def _page(self, arguments: dict[str, Value]) -> tuple[int, bool]:
        first, last = arguments.get("first"), arguments.get("last")
        if first is not None and last is not None:
            raise Refused("PAGE_SIZE", "A page has either `first` or `last`, not both.")
        if last is None and arguments.get("before") is not None:
            raise Refused("PAGE_SIZE", "`before` goes with `last`, `after` with `first`.")
        if last is not None and arguments.get("after") is not None:
            raise Refused("PAGE_SIZE", "`before` goes with `last`, `after` with `first`.")
        size = self._size(last if last is not None else first, "last" if last is not None else "first")
        return size, last is not None

    def _first(self, arguments: dict[str, Value]) -> int:
        return self._size(arguments.get("first"), "first")

    def _size(self, value: Value, name: str) -> int:
        if value is None:
            return self.limits.default_page
        size = int(self.settled(value))
        if not 1 <= size <= self.limits.page:
            raise Refused(
                "PAGE_SIZE", f"`{name}` is {size}; a page has 1 to {self.limits.page}.",
                f"Ask for {self.limits.page} at most and go on with `after`.", limit=self.limits.page,
            )  # fmt: skip
        return size

    def _page_size(self, node: FieldNode, of: Any) -> int:
        try:
            return self._page(self.operation.arguments(node, of))[0]
        except Refused:
            return self.limits.default_page  # said where the field is built

    def included(self, node: Any) -> bool:
        return self.operation.included(node, self.settled)

    # What conditions need

    def param(self, source: Any, kind: ParamKind, convert: Callable[[Any], Any]) -> str:
        return self.params.add(source, kind, convert, self.root)

    def settled(self, value: Any, read: Callable[[Any], Any] = as_is) -> Any:
        """A leaf's value as of now; from here on the plan is for this value only."""
        if value is None:
            return None
        if not isinstance(value, Const):
            self.settled_by.add((value, read))
        return read(value.value(self.operation.variables))

    def alias(self) -> str:
        self.aliases += 1
        return f"a{self.aliases}"

    def bare_row(self, table: str) -> Row:
        row = Row(self.alias(), table, Scope(""))
        self.ledger.compared.append((table, row.reads))
        return row

    def visible(self, row: Row, *, witnessed: bool, near: Near | None = None) -> list[str]:
        self.ledger.decided(row.table, near)
        return visible(row.table, row.alias, self, witnessed=witnessed, sight=self.sight)

    def computed(self, plan: Computed, row: Row) -> str:
        sql = plan.sql if self.sight.is_public or not plan.inside else plan.inside
        sql = re.sub(r"\{row\}\.(\w+)", lambda found: row.column(found[1]), sql)
        return sql.replace("{now}", self.now()) if "{now}" in sql else sql

    def identity(self, row: Row) -> str:
        """The id that the row is known by."""
        for column in ("id", *(("working_of",) if row.table in COPIED and not self.sight.is_public else ())):
            row.column(column)
        return identity(row.table, row.alias, self.sight)

    def known_as(self, row: Row, number: str) -> str:
        return known_as(row.table, row.alias, number, self.sight)

    def now(self) -> str:
        return self.param(NOW, "time", as_is)

    def present(self) -> str:
        return self.param(Var((PRESENT,)), "time", as_is)

    def me(self) -> str:
        return self.param(Var((ME,)), "text", as_is)

    def linked(self) -> str:
        return self.param(Var((LINKED,)), "id", as_is)

    def inside(self, select: str) -> str:
        if not self.apart:
            return f"({select})"
        name = self.alias()
        self.named.append(f"{name} as ({select})")
        return f"(select * from {name})"

    def reach(self, edge: Many, here: Row, there: Row) -> tuple[str, list[str], str]:
        where = self.visible(there, witnessed=edge.witnessed)
        if edge.where:
            where.append(self._edge_where(edge.where, here, there, there.reads))
        if edge.link is None:
            return f"{edge.table} {there.alias}", where, there.column(edge.key)
        way = self.alias()
        self.ledger.scan(Scan(edge.link.table, other=ANY))
        if edge.link.where:
            where.append(edge.link.where.replace("{link}", way))
        far = f"{way}.{edge.link.far}"
        on = self.known_as(there, far) if edge.link.stable else f"{there.alias}.id = {far}"
        source = f"{edge.link.table} {way} join {edge.table} {there.alias} on {on}"
        return source, where, f"{way}.{edge.link.near}"

    # Lists that lie too deep

    def _deep(self, row: Row, make: Callable[[Row], Node]) -> Node:
        """A list inside the row's JSON: in this statement or, too deep for it, in one of its own."""
        if self.depth < self.nesting or row.json:
            self.depth += 1
            try:
                return make(row)
            finally:
                self.depth -= 1
        outer = (self.params, self.cuts, self.named, self.depth)
        self.params, self.cuts, self.named, self.depth = Params(self.dialect), [], [], 0
        keys = self.param(PARENTS, "ids", as_is)
        here = Row(self.alias(), row.table, Scope(""))
        inner = self.dialect.json(make(here))
        sql = self._complete(
            f"select {here.alias}.id, cast({inner} as blob) from {row.table} {here.alias}"
            f" where {self.dialect.among(f'{here.alias}.id', keys)}"
        )
        cut = Statement(sql, tuple(self.params.found), tuple(self.cuts))
        self.params, self.cuts, self.named, self.depth = outer
        self.cuts.append(cut)
        return Object(((f"cut {len(self.cuts) - 1}", Leaf(row.column("id"), "int")),))


@dataclass(frozen=True)
class Former:
    """Where the names are kept that things had before."""

    column: str
    table: str
    owner: str


FORMER = {
    "article": Former("slug", "slug_history", "article_id"),
    "category": Former("path", "path_history", "category_id"),
}
OWNERS = {"withdrawal": "article"}  # whose ids a table's rows go by
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
ORDER_KINDS: Mapping[str, Any] = {
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


def tuple_of(value: Any) -> tuple[str, ...]:
    return tuple(value if isinstance(value, list) else [value])


def _table_of(value: Any) -> str | None:
    found = ids.read(str(value))
    return found[0] if found else None


def _tables_of(value: Any) -> tuple[str, ...]:
    return tuple(sorted({_table_of(v) or "" for v in tuple_of(value)}))


def _table_name(value: Any) -> str:
    IdOf("")(value)
    return _table_of(value) or ""


def _slot(value: Value) -> Slot:
    assert isinstance(value, Const | Var | Several)
    return value


def _bare(row: Row) -> Row:
    """The row as the inner query sees it: its columns need not be brought outside."""
    return replace(row, scope=Scope(""), reads={})


def _direction(sql: str, key: Key) -> str:
    return f"{sql} desc" if key.descending else sql


def _reads(node: Node, alias: str) -> bool:
    """Whether an object says anything of the rows that go by that alias."""
    match node:
        case Object():
            return any(_reads(inner, alias) for _, inner in node.fields)
        case Leaf():
            return f"{alias}." in node.sql
        case _:
            return isinstance(node, Gathered)


def _selections(group: Sequence[FieldNode]) -> list[SelectionSetNode]:
    return [node.selection_set for node in group if node.selection_set]
