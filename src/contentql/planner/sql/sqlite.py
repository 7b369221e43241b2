"""SQL dialect of SQLite."""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from functools import lru_cache
from typing import Any, Literal

import orjson

from contentql.content.timestamps import format_timestamp
from contentql.planner.field_plans import ValueKind
from contentql.planner.search import NAMES_SQL, sqlite_search
from contentql.planner.sql.nodes import (
    AggregateNode,
    ArrayNode,
    CaseNode,
    JsonValueNode,
    NullableNode,
    ObjectNode,
    ParamKind,
    ResultNode,
    ScalarNode,
    SingleRowNode,
    chunks,
    sql_literal,
)
from contentql.store.sqlite_functions import register_functions

_MAX_FIELDS = 60  # a function takes at most 127 arguments


class SqliteDialect:
    name: Literal["sqlite"] = "sqlite"

    def param(self, number: int, kind: ParamKind) -> str:
        return f"?{number}"

    def bind(self, kind: ParamKind, value: Any) -> Any:
        match kind:
            case "time":
                return None if value is None else _instant(value)
            case "times":
                return orjson.dumps([_instant(v) for v in value]).decode()
            case "texts" | "ids" | "ints":
                return orjson.dumps(list(value)).decode()
            case "search":
                return sqlite_search(*value)
            case _:
                return value

    def can_parse(self, sql: str) -> bool:
        """True unless nesting fills the parser stack of SQLite, which has 100 entries before 3.46."""
        with closing(sqlite3.connect(":memory:")) as empty:
            register_functions(empty)
            try:
                empty.execute("explain " + sql)
            except sqlite3.Error as exc:
                return "stack overflow" not in str(exc)
        return True

    def columns(self, node: ResultNode) -> Sequence[bytes | str]:
        return [f"cast({self.json(node)} as blob)"]

    def json(self, node: ResultNode) -> str:
        if isinstance(node, str):
            return sql_literal(node)
        if isinstance(node, ScalarNode):
            quoted = node.kind not in ("bool", "json", "float")
            return f"json_quote({self._value(node)})" if quoted else f"coalesce({self._value(node)}, 'null')"
        if not _is_patchwork(node):
            value = self._value(node)
            return value if isinstance(node, ObjectNode | ArrayNode) else f"coalesce({value}, 'null')"
        match node:
            case ObjectNode():
                return self._splice(node)
            case NullableNode():
                return f"iif({node.column} is null, 'null', {self.json(node.node)})"
            case CaseNode():
                return self._chosen(node, self.json)
            case SingleRowNode():
                return f"coalesce((select {self.json(node.node)} from {node.rows}), 'null')"
            case ArrayNode():
                items = f"group_concat({self.json(node.node)})"
                return f"'[' || (select coalesce({items}, '') from {node.rows}) || ']'"
            case _:
                assert isinstance(node, AggregateNode)
                items = f"group_concat({node.column}, ',') filter (where {node.condition})"
                return f"'[' || coalesce({items}, '') || ']'"

    @property
    def orders_aggregates(self) -> bool:
        return False  # only since 3.44; an ordered subquery with LIMIT keeps its order instead

    def _value(self, node: ResultNode) -> str:
        """Returns SQL for an argument of json_object(): a value, or JSON that SQLite recognizes as such."""
        match node:
            case "null":
                return "null"
            case str():
                return f"json({sql_literal(node)})"
            case ScalarNode(kind="bool"):
                return f"json(case {node.sql} when 1 then 'true' when 0 then 'false' end)"
            case ScalarNode(kind="json"):
                return f"json({node.sql})"
            case ScalarNode(kind="float"):
                return f"json({self.text_of(node.sql, 'float')})"
            case ScalarNode():
                return f"'{node.prefix}' || {node.sql}" if node.prefix else node.sql
            case JsonValueNode():
                return f"{node.alias}.value -> '$.{node.key}'"
            case ObjectNode():
                pairs = (f"'{key}', {self._value(inner)}" for key, inner in node.fields)
                return f"json_object({', '.join(pairs)})"
            case NullableNode():
                return f"case when {node.column} is not null then {self._value(node.node)} end"
            case CaseNode():
                return self._chosen(node, self._value)
            case SingleRowNode():
                return f"(select {self._value(node.node)} from {node.rows})"
            case ArrayNode():
                # Already in order: the subquery has a LIMIT, and joins keep it as the outer loop.
                return f"(select json_group_array({self._value(node.node)}) from {node.rows})"
            case AggregateNode():
                raise AssertionError("told to be a patchwork")

    def _chosen(self, node: CaseNode, say: Callable[[ResultNode], str]) -> str:
        cases = "".join(f" when '{value}' then {say(inner)}" for value, inner in node.cases)
        return f"case {node.expression}{cases} else {say(node.default)} end"

    def _splice(self, node: ObjectNode) -> str:
        texts = []
        groups = chunks(node.fields, 100)
        for n, group in enumerate(groups):
            template, values = "" if n else "{", ""
            for i, (key, inner) in enumerate(group):
                existing = inner.replace("%", "%%") if isinstance(inner, str) else "%s"
                template += f'{"," if n or i else ""}"{key}":{existing}'
                values += "" if isinstance(inner, str) else f", {self.json(inner)}"
            template += "}" if n == len(groups) - 1 else ""
            texts.append(f"format({sql_literal(template)}{values})")
        return texts[0] if len(texts) == 1 else f"({' || '.join(texts)})"

    def text_of(self, sql: str, kind: ValueKind) -> str:
        if kind == "float":
            return f"float_text({sql})"
        return f"json_quote({sql})" if kind == "text" else sql

    def as_text(self, sql: str) -> str:
        return f"cast({sql} as text)"

    def hex_encode(self, sql: str) -> str:
        return f"lower(hex({sql}))"

    def join_with_dots(self, parts: Sequence[str]) -> str:
        return " || '.' || ".join(parts)

    def elements(self, sql: str, alias: str) -> str:
        return f"json_each({sql}) {alias}"

    def element_text(self, alias: str, key: str) -> str:
        return f"({alias}.value ->> '$.{key}')"

    def element_list(self, alias: str, key: str, text_key: str = "") -> str:
        run = "'[]'"
        if text_key == "text":  # the element is its own run; a shallower expression than an object for it
            run = f"'[' || {alias}.value || ']'"
        elif text_key:
            run = (
                f"iif({alias}.value ->> '$.{text_key}' <> '', json_array(json_object("
                f"'text', {alias}.value ->> '$.{text_key}', 'marks', json_array())), '[]')"
            )
        return f"iif(json_type({alias}.value, '$.{key}') = 'array', {alias}.value -> '$.{key}', {run})"

    def element_number(self, alias: str, key: str) -> str:
        return f"({alias}.value ->> '$.{key}')" if key else f"{alias}.value"

    def element_order(self, alias: str) -> str:
        return f"{alias}.key"

    def join_lines(self, texts: Sequence[str]) -> str:
        if len(texts) == 1:
            return f"nullif({texts[0]}, '')"
        lines = " || ".join(f"coalesce(char(10) || nullif({text}, ''), '')" for text in texts)
        return f"nullif(substr({lines}, 2), '')"

    def join_rows(self, text: str, separator: Literal["\n", "\t"], rows: str, order: str) -> str:
        # In order: the rows are elements of a JSON array, and joins keep them as the outer loop.
        return f"(select group_concat({text}, char({ord(separator)})) from {rows})"

    @property
    def max_timestamp(self) -> str:
        return "'9999-12-31T23:59:59Z'"

    def earliest(self, times: Sequence[str]) -> str:
        present = ", ".join(f"coalesce({time}, {self.max_timestamp})" for time in times)
        return f"nullif(min({present}), {self.max_timestamp})"

    def json_diff(self, later: str, earlier: str) -> str:
        on = "de.key = dl.key and de.value is not dl.value"
        return f"json_each({later}) dl join json_each({earlier}) de on {on}"

    def followed_by_texts(self, text: str, column: str, rows: str, order: str, separator: str) -> str:
        mark = f"char({', '.join(str(ord(character)) for character in separator)})"
        joined = f"case when {text} = '' then '' else {mark} end || group_concat(en.t, {mark})"
        return f"({text} || coalesce((select {joined} from {_ordered(column, rows, order)} en), ''))"

    def followed_by_elements(self, array: str, column: str, rows: str, order: str) -> str:
        comma = f"case when json_array_length({array}) = 0 then '' else ',' end"
        joined = f"{comma} || group_concat(en.t, ',')"
        added = f"coalesce((select {joined} from {_ordered(column, rows, order)} en), '')"
        return f"(rtrim({array}, '] ') || {added} || ']')"

    def unnest_texts(self, texts: str, alias: str) -> str:
        return f"(select key as n, value as t from json_each({texts})) {alias}"

    def unnest_ints(self, numbers: str, alias: str) -> str:
        return f"json_each({numbers}) {alias}"

    def unnest_pairs(self, tables: str, numbers: str, alias: str) -> str:
        return (
            f"(select t.key as n, t.value as t, i.value as number from json_each({tables}) t"
            f" join json_each({numbers}) i on i.key = t.key) {alias}"
        )

    def unnested_columns(self, alias: str) -> tuple[str, str, str]:
        return f"{alias}.t", f"{alias}.number", f"{alias}.n"

    def sortable(self, sql: str, kind: ValueKind) -> str:
        return sql

    def in_list(self, sql: str, param: str) -> str:
        return f"{sql} in (select value from json_each({param}))"

    def starts_with(self, sql: str, param: str) -> str:
        return f"substr({sql}, 1, length({param})) = {param}"

    def contains(self, sql: str, param: str) -> str:
        return f"instr({sql}, {param}) > 0"

    def fold(self, sql: str) -> str:
        return f"fold_text({sql})"  # `store.sqlite_functions` defines it

    def matching_articles(self, param: str) -> str:
        terms = "group_concat(' OR \"' || n.term || '\"', '')"
        named = f"select {terms} from {NAMES_SQL} n where {_NAMES_MATCH.format('n.words')}"
        group = f"'(' || (g.value ->> '$.query') || coalesce(({named}), '') || ')'"
        operator = "case when g.key = 0 then '' when g.value ->> '$.not' then ' NOT ' else ' AND ' end"
        groups = f"select group_concat({operator} || {group}, '') from json_each({param}, '$.groups') g"
        match = f"match ({param} ->> '$.columns') || '(' || ({groups}) || ')'"
        entries = f"select article_id from live_entry_search where live_entry_search {match}"
        return (
            f"select rowid from article_search where article_search {match} union all {entries}"
            f" union all select w.id from article w where w.working_of <> 0 and w.working_of in ({entries})"
        )

    def matches_names(self, row: str, param: str) -> str:
        match = _NAMES_MATCH.format(f"{row}.search_words")
        return f"not exists (select 1 from json_each({param}) g where {match} = (g.value ->> '$.not'))"

    def relevance(
        self, row: str, param: Callable[[str], str], uncorrelated_subquery: Callable[[str], str]
    ) -> str:
        headline, summary = (
            uncorrelated_subquery(self.matching_articles(param(parts))) for parts in ("A", "AB")
        )
        return f"(case when {row}.id in {headline} then 3 when {row}.id in {summary} then 2 else 1 end)"


def _ordered(column: str, rows: str, order: str) -> str:
    """Returns a subquery of texts `t` in order, which it keeps because it has a LIMIT."""
    return f"(select {column} as t from {rows} order by {order} limit {_MAX_ORDERED})"


_MAX_ORDERED = 50_000
_NAMES_MATCH = "exists (select 1 from json_each(g.value, '$.names') p where instr({}, p.value) > 0)"


def _is_patchwork(node: ResultNode) -> bool:
    """True if JSON must be concatenated as text: for aggregates, or more fields than json_object() takes."""
    match node:
        case AggregateNode():
            return True
        case ObjectNode():
            return len(node.fields) > _MAX_FIELDS or any(_is_patchwork(inner) for _, inner in node.fields)
        case NullableNode():
            return _is_patchwork(node.node)
        case CaseNode():
            return any(_is_patchwork(inner) for _, inner in node.cases) or _is_patchwork(node.default)
        case SingleRowNode() | ArrayNode():
            return _is_patchwork(node.node)
        case _:
            return False


@lru_cache(maxsize=256)  # many statements have the same time
def _instant(value: dt.datetime) -> str:
    """Returns the text that compares with stored times, which are whole seconds, as the time does.

    A fraction follows the Z: `…02Z` < `…02Z.5` < `…03Z`.
    """
    fraction = f".{value.microsecond:06}" if value.microsecond else ""
    return format_timestamp(value) + fraction
