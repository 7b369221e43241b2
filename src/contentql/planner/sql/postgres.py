"""SQL dialect of PostgreSQL."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from contentql.planner.field_plans import ValueKind
from contentql.planner.search import NAMES_SQL, postgres_search
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

_TYPES = {
    "text": "text", "plain": "text", "id": "bigint", "int": "bigint", "float": "float8", "bool": "boolean",
    "time": "timestamptz", "date": "date", "texts": "text[]", "ids": "bigint[]", "ints": "bigint[]",
    "times": "timestamptz[]", "search": "text",
}  # fmt: skip


@dataclass(frozen=True)
class _Sql:
    """An SQL expression for JSON text, never NULL."""

    text: str


@dataclass(frozen=True)
class _Items(_Sql):
    """The items of a JSON array joined by commas; `array` is the SQL array of the items."""

    array: str


class PostgresDialect:
    name: Literal["postgres"] = "postgres"

    def param(self, number: int, kind: ParamKind) -> str:
        return f"${number}::{_TYPES[kind]}"

    def bind(self, kind: ParamKind, value: Any) -> Any:
        if kind == "search":
            return postgres_search(value[0])
        if kind == "date" and isinstance(value, str):
            return dt.date.fromisoformat(value)
        return value

    def can_parse(self, sql: str) -> bool:
        return True

    def columns(self, node: ResultNode) -> Sequence[bytes | str]:
        columns: list[bytes | str] = []
        for piece in _merged(self._pieces(node)):
            if isinstance(piece, str):
                columns.append(piece.encode())
            elif isinstance(piece, _Items):
                # Separate items, so that a large response is not repeatedly copied into one value.
                columns.append(piece.array)
            else:
                columns.append(f"({piece.text})::text")
        return columns

    def json(self, node: ResultNode) -> str:
        return self._joined(self._pieces(node))

    @property
    def orders_aggregates(self) -> bool:
        return True

    def _pieces(self, node: ResultNode) -> list[str | _Sql]:
        match node:
            case str():
                return [node]
            case ScalarNode():
                return self._leaf(node)
            case ObjectNode():
                pieces: list[str | _Sql] = []
                for i, (key, inner) in enumerate(node.fields):
                    pieces += [f'{"," if i else "{"}"{key}":', *self._pieces(inner)]
                return [*pieces, "}"] if pieces else ["{}"]
            case NullableNode():
                there = self.json(node.node)
                return [_Sql(f"case when {node.column} is null then 'null' else {there} end")]
            case CaseNode():
                cases = "".join(f" when '{value}' then {self.json(inner)}" for value, inner in node.cases)
                return [_Sql(f"case {node.expression}{cases} else {self.json(node.default)} end")]
            case SingleRowNode():
                return [_Sql(f"coalesce((select {self.json(node.node)} from {node.rows}), 'null')")]
            case ArrayNode():
                items = f"array(select {self.json(node.node)} from {node.rows} order by {node.order})"
                return ["[", _Items(f"array_to_string({items}, ',')", items), "]"]
            case AggregateNode():
                items = f"string_agg({node.column}, ',' order by {node.order})"
                return ["[", _Sql(f"coalesce({items} filter (where {node.condition}), '')"), "]"]
            case JsonValueNode():
                return [_Sql(f"coalesce(({node.alias}.value -> '{node.key}')::text, 'null')")]

    def _leaf(self, leaf: ScalarNode) -> list[str | _Sql]:
        text = self.text_of(leaf.sql, leaf.kind)
        if leaf.kind in ("plain", "time", "date", "id"):
            if leaf.required:
                return [f'"{leaf.prefix}', _Sql(text), '"']
            return [_Sql(f"coalesce('\"{leaf.prefix}' || {text} || '\"', 'null')")]
        if leaf.required:
            return [_Sql(text)]
        return [_Sql(f"coalesce({text if leaf.kind == 'bool' else f'{text}::text'}, 'null')")]

    def _joined(self, pieces: list[str | _Sql]) -> str:
        parts = [sql_literal(p) if isinstance(p, str) else p.text for p in _merged(pieces)]
        if len(parts) == 1:
            return parts[0]
        while len(parts) > 90:  # a function takes at most 100 arguments
            parts = [f"concat({', '.join(chunk)})" for chunk in chunks(parts, 90)]
        return f"concat({', '.join(parts)})"

    def text_of(self, sql: str, kind: ValueKind) -> str:
        match kind:
            case "text" | "float":
                return f"to_json({sql})"
            case "bool":
                return f"case {sql} when true then 'true' when false then 'false' end"
            case "time":
                return f"to_char({sql} at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')"
            case "date":
                return f"to_char({sql}, 'YYYY-MM-DD')"
            case _:
                return sql

    def as_text(self, sql: str) -> str:
        return f"({sql})::text"

    def hex_encode(self, sql: str) -> str:
        return f"encode(convert_to({sql}, 'UTF8'), 'hex')"

    def join_with_dots(self, parts: Sequence[str]) -> str:
        return f"concat_ws('.', {', '.join(parts)})"

    def elements(self, sql: str, alias: str) -> str:
        return f"jsonb_array_elements({sql}) with ordinality as {alias}(value, n)"

    def element_text(self, alias: str, key: str) -> str:
        return f"({alias}.value ->> '{key}')"

    def element_list(self, alias: str, key: str, text_key: str = "") -> str:
        run = ""
        if text_key == "text":  # the element is its own run
            run = f" when {alias}.value ? 'text' then jsonb_build_array({alias}.value)"
        elif text_key:
            run = (
                f" when {alias}.value ->> '{text_key}' <> '' then jsonb_build_array(jsonb_build_object("
                f"'text', {alias}.value -> '{text_key}', 'marks', '[]'::jsonb))"
            )
        return (
            f"case when jsonb_typeof({alias}.value -> '{key}') = 'array'"
            f" then {alias}.value -> '{key}'{run} else '[]'::jsonb end"
        )

    def element_number(self, alias: str, key: str) -> str:
        if not key:
            return f"({alias}.value #>> '{{}}')::bigint"
        result = f"{alias}.value -> '{key}'"  # may be an array, in a block of another type
        return f"case jsonb_typeof({result}) when 'number' then ({result})::bigint end"

    def element_order(self, alias: str) -> str:
        return f"{alias}.n"

    def join_lines(self, texts: Sequence[str]) -> str:
        if len(texts) == 1:
            return f"nullif({texts[0]}, '')"
        lines = ", ".join(f"nullif({text}, '')" for text in texts)
        return f"nullif(concat_ws(chr(10), {lines}), '')"

    def join_rows(self, text: str, separator: Literal["\n", "\t"], rows: str, order: str) -> str:
        return f"(select string_agg({text}, chr({ord(separator)}) order by {order}) from {rows})"

    @property
    def max_timestamp(self) -> str:
        return "timestamptz '9999-12-31 23:59:59+00'"

    def followed_by_texts(self, text: str, column: str, rows: str, order: str, separator: str) -> str:
        mark = f"E'{separator.encode('unicode_escape').decode()}'"
        joined = (
            f"case when {text} = '' then '' else {mark} end || string_agg({column}, {mark} order by {order})"
        )
        return f"({text} || coalesce((select {joined} from {rows}), ''))"

    def followed_by_elements(self, array: str, column: str, rows: str, order: str) -> str:
        return (
            f"({array} || coalesce((select jsonb_agg({column} order by {order}) from {rows}), '[]'::jsonb))"
        )

    def earliest(self, times: Sequence[str]) -> str:
        return f"least({', '.join(times)})"

    def json_diff(self, later: str, earlier: str) -> str:
        on = "de.key = dl.key and de.value is distinct from dl.value"
        return f"jsonb_each_text({later}) dl join jsonb_each_text({earlier}) de on {on}"

    def unnest_texts(self, texts: str, alias: str) -> str:
        return f"unnest({texts}) with ordinality as {alias}(t, n)"

    def unnest_ints(self, numbers: str, alias: str) -> str:
        return f"unnest({numbers}) as {alias}(value)"

    def unnest_pairs(self, tables: str, numbers: str, alias: str) -> str:
        return f"unnest({tables}, {numbers}) with ordinality as {alias}(t, number, n)"

    def unnested_columns(self, alias: str) -> tuple[str, str, str]:
        return f"{alias}.t", f"{alias}.number", f"{alias}.n"

    def sortable(self, sql: str, kind: ValueKind) -> str:
        # Byte order, as in SQLite: the same list on both databases, independent of the server's locale.
        return f'{sql} collate "C"' if kind in ("text", "plain") else sql

    def in_list(self, sql: str, param: str) -> str:
        return f"{sql} = any({param})"

    def starts_with(self, sql: str, param: str) -> str:
        return f"starts_with({sql}, {param})"

    def contains(self, sql: str, param: str) -> str:
        return f"strpos({sql}, {param}) > 0"

    def fold(self, sql: str) -> str:
        return f"fold_text({sql})"

    def matching_articles(self, param: str) -> str:
        def matches(table: str) -> str:
            return (
                f"select w.article_id from {table} w where w.document @@ {_tsquery(param, 'query')}"
                f" and w.long_text is null union all select w.article_id from {table} w"
                f" where w.document @@ {_tsquery(param, 'words')} and w.long_text is not null"
                f" and {_has_phrases(param, 'w.long_text')}"
            )

        entries = matches("live_entry_search")
        return (
            f"{matches('article_search')} union all {entries}"
            f" union all select c.id from article c where c.working_of <> 0 and c.working_of in ({entries})"
        )

    def matches_names(self, row: str, param: str) -> str:
        match = _NAMES_MATCH.format(f"{row}.search_words")
        groups = f"jsonb_array_elements({param}::jsonb) g"
        return f"not exists (select 1 from {groups} where {match} = (g.value ->> 'not')::boolean)"

    def relevance(
        self, row: str, param: Callable[[str], str], uncorrelated_subquery: Callable[[str], str]
    ) -> str:
        query = _tsquery(param(""), "query")
        summary = f"select w.article_id from article_search w where w.lead @@ {query}"
        headline = f"{summary} and ts_filter(w.lead, '{{a}}') @@ {query}"
        return (
            f"(case when {row}.id in {uncorrelated_subquery(headline)} then 3"
            f" when {row}.id in {uncorrelated_subquery(summary)} then 2 else 1 end)"
        )


_NAMES_MATCH = (
    "exists (select 1 from jsonb_array_elements_text(g.value -> 'names') p where strpos({}, p.value) > 0)"
)
_NAMED = f"from {NAMES_SQL} n where {_NAMES_MATCH.format('n.words')}"


def _tsquery(search: str, key: str) -> str:
    names = f"select string_agg('|''' || n.term || '''', '') {_NAMED}"
    group = (
        "case g.value ->> 'not' when 'true' then '!(' else '(' end"
        f" || (g.value ->> '{key}') || coalesce(({names}), '') || ')'"
    )
    return f"(select string_agg({group}, '&')::tsquery from jsonb_array_elements({search}::jsonb) g)"


def _has_phrases(search: str, text: str) -> str:
    """SQL condition that the phrases, or terms of authors and sources that match them, occur in a text."""
    names = f"select jsonb_agg(' ' || n.term || ' ') {_NAMED}"
    texts = f"(g.value -> 'texts') || coalesce(({names}), '[]'::jsonb)"
    phrases = (
        f"(select jsonb_agg(jsonb_build_object('not', g.value -> 'not', 'texts', {texts}))"
        f" from jsonb_array_elements({search}::jsonb) g where g.value -> 'texts' <> '[]')"
    )
    return (
        f"not exists (select 1 from jsonb_array_elements({phrases}) g where"
        " exists (select 1 from jsonb_array_elements_text(g.value -> 'texts') p"
        f" where strpos({text}, p.value) > 0) = (g.value ->> 'not')::boolean)"
    )


def _merged(pieces: list[str | _Sql]) -> list[str | _Sql]:
    """Returns the pieces with adjacent literals merged."""
    out: list[str | _Sql] = []
    for piece in pieces:
        if isinstance(piece, str) and out and isinstance(out[-1], str):
            out[-1] += piece
        else:
            out.append(piece)
    return out
