"""What a path of the reader's site leads to: an object, a redirect or the notice of a withdrawn article."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from graphql import FieldNode, SelectionSetNode

from contentql.content import ids
from contentql.planner.builder.canonical_urls import SECTION, canonical_path_sql
from contentql.planner.builder.context import BuildContext, RowSource
from contentql.planner.builder.history import RENAME_HISTORY
from contentql.planner.builder.nodes import leaf_value, selection_sets
from contentql.planner.builder.rows import rows_sql, table_rows
from contentql.planner.filters import sql_and
from contentql.planner.operation import ArgumentValue, LeafValue
from contentql.planner.params import TextParam
from contentql.planner.read_set import MARKER_CODES, MARKER_KEY, RowCondition, Scan
from contentql.planner.sql.nodes import (
    CaseNode,
    MarkedNode,
    NullableNode,
    ObjectNode,
    ParamKind,
    ResultNode,
    RowRef,
    ScalarNode,
    SingleRowNode,
    sql_literal,
)
from contentql.url_patterns import DEFAULT_PATTERNS, MAX_PATH_LENGTH, Site

PERMANENT_REDIRECT = 301
_WITHDRAWAL = "withdrawal"

# The ways from a path to an object, the best first.
_EXACT, _REDIRECT, _FORMER, _GONE = range(4)


@dataclass(frozen=True)
class PathPart:
    """Conversion of an address to the value of a placeholder in the pattern of a type.

    Used only for addresses that match the pattern.
    """

    site: Site
    type: str
    name: str

    def __call__(self, address: Any) -> Any:
        pattern = self.site.pattern(self.type)
        values = pattern and pattern.match(self.site.path_of(TextParam(MAX_PATH_LENGTH)(address)))
        value = (values or {}).get(self.name, "")
        if self.name == "id":
            decoded = ids.decode_id(value)
            return decoded[1] if decoded and decoded[0] == self.type else 0
        return value.upper() if self.name == "type" else value


@dataclass(frozen=True)
class NormalAddress:
    """Conversion of an address to its normal form, with its query or without."""

    site: Site
    with_query: bool

    def __call__(self, address: Any) -> str:
        return self.site.split_address(TextParam(MAX_PATH_LENGTH)(address))[self.with_query]


def build_resolved(
    context: BuildContext, arguments: dict[str, ArgumentValue], selections: Sequence[SelectionSetNode]
) -> ResultNode | MarkedNode:
    """Builds what a path of the site leads to; null if it leads to nothing that the viewer may see."""
    address = leaf_value(arguments["path"])
    paths = _PathCandidates(context, address)
    candidates = paths.redirects()
    for type_ in context.constrain(address, context.site.matching_types):
        candidates += paths.by_pattern(type_)
    union, row = context.alias(), context.alias()
    rows = (
        f"(select * from ({' union all '.join(candidates)}) {union}"
        f" order by {union}.way, {union}.precedence, {union}.id limit 1) {row}"
    )
    fields = context.operation.collect_fields(selections, frozenset({"Resolved"}), context.included)
    document = ObjectNode(
        tuple((key, _build_field(context.at_field(key), group, row)) for key, group in fields.items())
    )
    node = SingleRowNode(document, rows)
    return MarkedNode(paths.redirect_targets(), node) if context.with_markers else node


def _build_field(context: BuildContext, group: Sequence[FieldNode], row: str) -> ResultNode:
    selections = selection_sets(group)
    match group[0].name.value:
        case "__typename":
            return '"Resolved"'
        case "node":
            return CaseNode(f"{row}.type", tuple(_objects(context, selections, row)))
        case "gone":
            base = table_rows(context, _WITHDRAWAL)
            base.where.append(f"{base.row.alias}.article_id = {row}.id")
            item = context.build_object(context, "Withdrawal", selections, base.row)
            return CaseNode(f"{row}.type", ((_WITHDRAWAL, SingleRowNode(item, rows_sql(context, base))),))
        case _:
            return NullableNode(f"{row}.status", _build_redirect(context, selections, row))


def _objects(
    context: BuildContext, selections: Sequence[SelectionSetNode], row: str
) -> list[tuple[str, ResultNode]]:
    types = {plan.table: plan.name for plan in context.catalog.concrete("Node")}
    results: list[tuple[str, ResultNode]] = []
    for table in DEFAULT_PATTERNS:
        base = _row_by_id(context, table, row)
        item = context.build_object(context, types[table], selections, base.row)
        results.append((table, SingleRowNode(item, rows_sql(context, base))))
    return results


def _build_redirect(context: BuildContext, selections: Sequence[SelectionSetNode], row: str) -> ResultNode:
    def field_of(name: str) -> ResultNode:
        if name == "__typename":
            return '"SiteRedirect"'
        if name == "status":
            return ScalarNode(f"{row}.status", "int")
        cases: list[tuple[str, ResultNode]] = []
        for table in DEFAULT_PATTERNS:
            base = _row_by_id(context, table, row)
            path = canonical_path_sql(context, base.row)
            if path:
                context.read_set.displayed.append((table, base.row.used_columns))
                node = ScalarNode(f"coalesce({path}, '/')", "text", False)
                cases.append((table, SingleRowNode(node, rows_sql(context, base))))
        return CaseNode(f"coalesce({row}.type, '')", tuple(cases), ScalarNode(f"{row}.url", "text", False))

    fields = context.operation.collect_fields(selections, frozenset({"SiteRedirect"}), context.included)
    parts = [(key, field_of(group[0].name.value)) for key, group in fields.items()]
    markers = _redirect_markers(row) if context.with_markers else ()
    return ObjectNode((*((MARKER_KEY, marker) for marker in markers), *parts))


def _redirect_markers(row: str) -> list[ScalarNode]:
    """Returns the markers of the object that a redirect leads to, and of its section."""

    def marker(table: str, number: str, code: str) -> ScalarNode:
        sql = f"case when {row}.type = {sql_literal(table)} then {number} end"
        return ScalarNode(sql, "id", False, f"{MARKER_CODES[code]}.")

    section = f"(select rs.category_id from article rs where rs.id = {row}.id)"
    return [
        *(marker(table, f"{row}.id", table) for table in DEFAULT_PATTERNS),
        marker("article", section, SECTION.table),
    ]


def _row_by_id(context: BuildContext, table: str, row: str) -> RowSource:
    base = table_rows(context, table)
    base.where.append(f"{base.row.alias}.id = {row}.id")
    return base


class _PathCandidates:
    """SQL selects of the rows that an address leads to: way, precedence, type, id, status and URL."""

    def __init__(self, context: BuildContext, address: LeafValue) -> None:
        self._context, self._address = context, address

    def redirects(self) -> list[str]:
        """Returns the candidates of redirects that people or imports have created."""
        context = self._context
        selects = []
        for table in DEFAULT_PATTERNS:
            redirect, row = context.alias(), table_rows(context, table).row
            where = [
                *self._is_redirect(redirect),
                f"{redirect}.target_table = {sql_literal(table)}",
                context.matches_public_id(row, f"{redirect}.target_id"),
                *context.visible(row, via_visible=False),
            ]
            source = f"redirect {redirect} cross join {table} {row.alias}"
            status = f"{redirect}.status"
            precedence = f"-length({redirect}.path)"  # with the query first
            selects.append(_select(_REDIRECT, source, where, table, f"{row.alias}.id", status, precedence))
        redirect = context.alias()
        selects.append(
            f"select {_REDIRECT} as way, -length({redirect}.path) as precedence, {_null('text')} as type,"
            f" {_null('id')} as id, {redirect}.status as status, {redirect}.target_url as url"
            f" from redirect {redirect}"
            f" where {sql_and([*self._is_redirect(redirect), f'{redirect}.target_url is not null'])}"
        )
        for with_query in (False, True):
            path = RowCondition("path", "eq", self._address, NormalAddress(context.site, with_query))
            context.read_set.scan(Scan("redirect", (path,)))
        return selects

    def redirect_targets(self) -> tuple[tuple[str, str], ...]:
        """Returns the table and SQL of the id of an object that a redirect leads to, even if it is hidden."""
        markers = []
        for table in DEFAULT_PATTERNS:
            redirect = self._context.alias()
            where = [*self._is_redirect(redirect), f"{redirect}.target_table = {sql_literal(table)}"]
            markers.append(
                (table, f"(select max({redirect}.target_id) from redirect {redirect} where {sql_and(where)})")
            )
        return tuple(markers)

    def by_pattern(self, type_: str) -> list[str]:
        """Returns the candidates whose page has, or had, this address by the pattern of the type."""
        context = self._context
        row = table_rows(context, type_).row
        where = [*self._exact_conditions(type_, row), *context.visible(row, via_visible=False)]
        source = f"{type_} {row.alias}"
        selects = [_select(_EXACT, source, where, type_, f"{row.alias}.id")]
        context.record_list(type_)
        self._record_scans(type_)
        name = self._name_of(type_)
        if name:
            selects += self._former(type_, name)
        return selects

    def _former(self, type_: str, name: str) -> list[str]:
        """The candidates that had the name formerly, or have it in a section that was renamed or changed."""
        context = self._context
        status, precedence = str(PERMANENT_REDIRECT), "{names}.precedence"
        selects = []
        for way, table in ((_FORMER, type_), *([(_GONE, _WITHDRAWAL)] if type_ == "article" else [])):
            names, row = context.alias(), table_rows(context, type_).row
            where = [
                context.matches_public_id(row, f"{names}.id"),
                *self._former_conditions(type_, row),
            ]
            source = f"({self._names(type_, name)}) {names} cross join {type_} {row.alias}"
            number, gone = f"{row.alias}.id", way == _GONE
            if gone:
                notice = table_rows(context, _WITHDRAWAL).row
                where.append(f"{notice.alias}.article_id = {row.alias}.id")
                where += context.visible(notice, via_visible=False)
                source += f" cross join {_WITHDRAWAL} {notice.alias}"
                context.read_set.scan(Scan(_WITHDRAWAL))
            else:
                where += context.visible(row, via_visible=False)
            selects.append(
                _select(
                    way, source, where, table, number,
                    "" if gone else status, precedence.format(names=names),
                )
            )  # fmt: skip
        return selects

    def _names(self, type_: str, name: str) -> str:
        """Select of the public ids of the rows that have the name, or had it."""
        context, value = self._context, self._part(type_, name)
        history = RENAME_HISTORY[type_]
        now, before = table_rows(context, type_).row, context.alias()
        return (
            f"select {context.public_id(now)} as id, 0 as precedence from {type_} {now.alias}"
            f" where {now.alias}.{name} = {value}"
            f" union all select {before}.{history.owner}, 1 from {history.table} {before}"
            f" where {before}.{name} = {value} and {before}.{history.owner} is not null"
        )

    def _exact_conditions(self, type_: str, row: RowRef) -> list[str]:
        return [
            f"{row.alias}.category_id = ({_section_by_path(self._part(type_, name))})"
            if name == "section"
            else self._is_value(type_, row, name)
            for name in self._placeholders(type_)
        ]

    def _former_conditions(self, type_: str, row: RowRef) -> list[str]:
        return [
            self._is_former_section(row, self._part(type_, name))
            if name == "section"
            else self._is_value(type_, row, name)
            for name in self._placeholders(type_)
            if name not in ("slug", "path")
        ]

    def _is_value(self, type_: str, row: RowRef, name: str) -> str:
        value = self._part(type_, name)
        return (
            self._context.matches_public_id(row, value) if name == "id" else f"{row.alias}.{name} = {value}"
        )

    def _is_former_section(self, row: RowRef, path: str) -> str:
        """SQL: the article's section has the path or had it, or the article was published in such one."""
        context = self._context
        version, former = context.alias(), context.alias()
        published = (
            f"select 1 from revision {version} where {version}.article_id = {context.public_id(row)}"
            f" and {version}.field_texts ->> 'category' = {path}"
            f" and {version}.field_texts ->> 'status' in ('PUBLISHED', 'SCHEDULED')"
        )
        return (
            f"({row.alias}.category_id = ({_section_by_path(path)}) or {row.alias}.category_id in"
            f" (select {former}.category_id from path_history {former} where {former}.path = {path})"
            f" or exists ({published}))"
        )

    def _is_redirect(self, redirect: str) -> list[str]:
        site = self._context.site
        paths = [
            self._context.param(self._address, "text", NormalAddress(site, with_query))
            for with_query in (False, True)
        ]
        return [f"{redirect}.path in ({', '.join(paths)})"]

    def _part(self, type_: str, name: str) -> str:
        kind: ParamKind = "id" if name == "id" else "text"
        return self._context.param(self._address, kind, PathPart(self._context.site, type_, name))

    def _placeholders(self, type_: str) -> tuple[str, ...]:
        pattern = self._context.site.pattern(type_)
        assert pattern
        return pattern.placeholders

    def _name_of(self, type_: str) -> str:
        """The placeholder of the type's pattern that is a name, which can change; "" if there is none."""
        return next((name for name in self._placeholders(type_) if name in ("slug", "path")), "")

    def _record_scans(self, type_: str) -> None:
        context, site = self._context, self._context.site
        names = self._placeholders(type_)

        def condition(name: str, column: str) -> RowCondition:
            return RowCondition(column, "eq", self._address, PathPart(site, type_, name))

        others = {"section": "category_id"}
        columns = frozenset(others.get(name, name) for name in names)
        identifying = next(name for name in names if name in ("id", "slug", "path"))
        context.read_set.scan(Scan(type_, (condition(identifying, identifying),), other_columns=columns))
        name = self._name_of(type_)
        if name:
            context.read_set.scan(Scan(RENAME_HISTORY[type_].table, (condition(name, name),)))
        if "section" in names:
            for table in ("category", "path_history"):
                context.read_set.scan(Scan(table, (condition("section", "path"),)))


def _section_by_path(path: str) -> str:
    return f"select sc.id from category sc where sc.path = {path}"


def _select(
    way: int,
    source: str,
    where: Sequence[str],
    type_: str,
    number: str,
    status: str = "",
    precedence: str = "0",
) -> str:
    return (
        f"select {way} as way, {precedence} as precedence, cast({sql_literal(type_)} as text) as type,"
        f" {number} as id, {status or _null('int')} as status, {_null('text')} as url"
        f" from {source} where {sql_and(list(where))}"
    )


def _null(kind: str) -> str:
    names = {"text": "text", "int": "integer", "id": "bigint"}
    return f"cast(null as {names[kind]})"
