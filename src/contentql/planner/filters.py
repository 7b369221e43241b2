"""From a filter's fields to conditions on rows.

Conditions are two-valued where it shows: what is not known to be true is false, under `not` as well.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from contentql.errors import Refused
from contentql.planner.catalog import (
    Catalog,
    Column,
    Computed,
    Kind,
    Many,
    One,
    Some,
    Under,
    Words,
    item_type,
)
from contentql.planner.limits import Limits
from contentql.planner.operation import Const, Several, Value, Var
from contentql.planner.params import EachOf, IdOf, Text, as_is
from contentql.planner.read_set import SEARCHED, SEARCHED_BODY, Ledger, Test
from contentql.planner.search import Search, understand
from contentql.planner.sql.nodes import Dialect, ParamKind, Row

# A filter on one of these by `eq` alone leads to at most one row.
UNIQUE = {
    "category": {"id", "path"},
    "source": {"id", "slug"},
    "author": {"id", "slug"},
    "story": {"id", "slug"},
    "collection": {"id", "slug"},
    "media": {"id"},
    "article": {"id", "uri"},
}

_COMPARISONS = {"lt": "<", "lte": "<=", "gt": ">", "gte": ">="}
_LISTS: Mapping[Kind, ParamKind] = {"id": "ids", "int": "ints", "time": "times"}


class Writer(Protocol):
    """What conditions need of the statement in the making."""

    catalog: Catalog
    dialect: Dialect
    limits: Limits
    languages: tuple[str, ...]
    ledger: Ledger

    def param(self, source: Any, kind: ParamKind, convert: Callable[[Any], Any]) -> str: ...
    def settled(self, value: Value, read: Callable[[Any], Any] = as_is) -> Any: ...
    def bare_row(self, table: str) -> Row: ...
    def visible(self, row: Row, *, witnessed: bool) -> list[str]: ...
    def inside(self, select: str) -> str:
        """A query that depends on no row outside, as the right side of `in`."""

    def identity(self, row: Row) -> str: ...
    def computed(self, plan: Computed, row: Row) -> str: ...
    def reach(self, edge: Many, here: Row, there: Row) -> tuple[str, list[str], str]: ...


@dataclass(frozen=True)
class Understood:
    """A search text as this installation's languages stem it; `parts` are where to look."""

    languages: tuple[str, ...]
    parts: str
    most: int

    def __call__(self, text: Any) -> tuple[Search, str]:
        return understand(Text(self.most)(text), self.languages), self.parts


def conditions(writer: Writer, filter_type: str, value: Value, row: Row) -> list[str]:
    """All of them must hold. `filter_type` names the GraphQL input type of `value`."""
    if value is None:
        return []
    assert isinstance(value, Mapping)
    out: list[str] = []
    plans = writer.catalog.filters[filter_type]
    fields: Any = writer.catalog.schema.type_map[filter_type]
    for name in sorted(value):
        given = value[name]
        if name in ("and", "or"):
            if given is not None:
                each = [every(conditions(writer, filter_type, one, row)) for one in given]
                empty = "true" if name == "and" else "false"
                out.append("(" + f" {name} ".join(each) + ")" if each else empty)
        elif given is None:
            continue
        elif name == "not":
            out.append(negated(every(conditions(writer, filter_type, given, row))))
        elif name == "isNull":
            out.append(_null(writer, row.column("id"), given))
        else:
            plan, inner = plans[name], item_type(fields.fields[name].type)
            out.extend(_field(writer, plan, inner, given, row))
    return out


_TOLD = {"eq", "ne", "in", "notIn", "lt", "lte", "gt", "gte"}


def tests(writer: Writer, filter_type: str, value: Value, table: str) -> tuple[tuple[Test, ...], bool]:
    """Those conditions of a filter that a row alone can tell, and whether they are all of them."""
    if value is None:
        return (), True
    assert isinstance(value, Mapping)
    found: list[Test] = []
    whole = True
    plans = writer.catalog.filters[filter_type]
    for name, given in value.items():
        plan = plans.get(name)
        if given is None:
            continue
        if name == "and":
            for one in given:
                inner, all_told = tests(writer, filter_type, one, table)
                found += inner
                whole &= all_told
        elif isinstance(plan, Column) and plan.kind != "float":
            kind = plan.kind or "text"
            for op, slot in given.items():
                if op in _TOLD and slot is not None and (kind != "text" or op in ("eq", "ne", "in", "notIn")):
                    found.append(Test(plan.name, op, slot, _convert(writer, kind, table)))
                else:
                    whole = False
        else:
            whole = False
    return tuple(found), whole


def every(found: list[str]) -> str:
    return "(" + " and ".join(found) + ")" if found else "true"


def negated(condition: str) -> str:
    return f"not coalesce({condition}, false)"


def matches(writer: Writer, value: Value, row: Row) -> str:
    """The row's words are what a search text asks for."""
    return writer.dialect.matches(row.alias, search_param(writer, value, ""))


def search_param(writer: Writer, value: Value, parts: str) -> str:
    return writer.param(value, "search", Understood(writer.languages, parts, 500))


def _field(writer: Writer, plan: Any, inner: str, given: Any, row: Row) -> list[str]:
    match plan:
        case Column():
            sql = writer.identity(row) if plan.name == "id" else row.column(plan.name)
            return _column(writer, sql, plan.kind or "text", given, row.table)
        case Computed():
            return _column(writer, f"({writer.computed(plan, row)})", plan.kind, given, row.table)
        case Words():
            row.reads.update(dict.fromkeys(SEARCHED))
            writer.ledger.scan(SEARCHED_BODY)
            return [matches(writer, given, row)]
        case Under():
            path = writer.param(given, "text", Text(writer.limits.text))
            column = row.column(plan.column)
            below = writer.dialect.starts_with(column, f"({path} || '/')")
            return [f"({column} = {path} or {below})"]
        case One():
            return _one(writer, plan, inner, given, row)
        case Many():
            items: Any = writer.catalog.schema.type_map[inner]
            return [
                _quantified(writer, plan, name, item_type(items.fields[name].type), given[name], row)
                for name in sorted(given)
                if given[name] is not None
            ]
        case Some():
            return [_quantified(writer, plan.edge, "some", inner, given, row)]
    raise LookupError(f"no filter: {plan}")


def _column(writer: Writer, sql: str, kind: Kind, given: Mapping[str, Value], table: str) -> list[str]:
    out = []
    for op in sorted(given):
        value = given[op]
        if op == "isNull":
            if value is not None:
                out.append(_null(writer, sql, value))
        elif value is None:
            if op not in ("eq", "ne"):
                raise Refused(
                    "BAD_USER_INPUT",
                    f"`{op}: null` compares with nothing.",
                    "Use `isNull: true` or leave it out.",
                )
            out.append(f"{sql} is {'not ' if op == 'ne' else ''}null")
        elif op in ("in", "notIn"):
            param = writer.param(
                value,
                _LISTS.get(kind, "texts"),
                EachOf(_convert(writer, kind, table), writer.limits.input_items),
            )
            found = writer.dialect.among(sql, param)
            out.append(found if op == "in" else negated(found))
        else:
            param = writer.param(value, kind, _convert(writer, kind, table))
            match op:
                case "eq":
                    out.append(f"{sql} = {param}")
                case "ne":
                    out.append(f"coalesce({sql} <> {param}, true)")
                case "startsWith":
                    out.append(writer.dialect.starts_with(sql, param))
                case "contains":
                    out.append(writer.dialect.contains(sql, param))
                case _:
                    out.append(f"{writer.dialect.sortable(sql, kind)} {_COMPARISONS[op]} {param}")
    return out


def _convert(writer: Writer, kind: Kind, table: str) -> Callable[[Any], Any]:
    if kind == "id":
        return IdOf(table)
    return Text(writer.limits.text) if kind in ("text", "plain") else as_is


def _null(writer: Writer, sql: str, value: Value) -> str:
    return f"{sql} is {'' if writer.settled(value) else 'not '}null"


def _one(writer: Writer, edge: One, inner: str, given: Mapping[str, Value], row: Row) -> list[str]:
    there = writer.bare_row(edge.table)
    seen = writer.visible(there, witnessed=edge.witnessed)
    asked = {name: value for name, value in given.items() if name != "isNull"}
    here = row.column(edge.column)
    key = writer.identity(there) if edge.stable else f"{there.alias}.{edge.key}"
    out: list[str] = []
    if given.get("isNull") is not None:
        missing = bool(writer.settled(given["isNull"]))
        if seen:  # what may not be seen is not there
            rows = f"{edge.table} {there.alias} where {every(seen)}"
            found = f"{here} in {writer.inside(f'select {key} from {rows}')}"
            out.append(negated(found) if missing else found)
        else:
            out.append(f"{here} is {'' if missing else 'not '}null")
    if asked or "isNull" not in given:
        where = every(seen + conditions(writer, inner, asked, there))
        rows = f"select {key} from {edge.table} {there.alias} where {where}"
        one = _leads_to_one(edge.table, asked)
        out.append(f"{here} = ({rows})" if one else f"{here} in {writer.inside(rows)}")
    return out


def _leads_to_one(table: str, asked: Mapping[str, Value]) -> bool:
    if len(asked) != 1:
        return False
    ((name, ops),) = asked.items()
    return (
        name in UNIQUE.get(table, ())
        and isinstance(ops, Mapping)
        and list(ops) == ["eq"]
        and isinstance(ops["eq"], Const | Var | Several)
    )


def _quantified(writer: Writer, edge: Many, quantifier: str, inner: str, given: Value, row: Row) -> str:
    there = writer.bare_row(edge.table)
    source, where, back = writer.reach(edge, row, there)
    asked = conditions(writer, inner, given, there)
    here = writer.identity(row) if edge.stable else row.column(edge.column)
    unmet = [negated(every(asked))] if quantifier == "every" else asked
    if "{here}" in edge.where:
        rows = f"select 1 from {source} where {every([f'{back} = {here}', *where, *unmet])}"
        return f"{'' if quantifier == 'some' else 'not '}exists ({rows})"
    # As a set, so that either side may drive, whichever is smaller.
    found = f"{here} in {writer.inside(f'select {back} from {source} where {every(where + unmet)}')}"
    return found if quantifier == "some" else negated(found)
