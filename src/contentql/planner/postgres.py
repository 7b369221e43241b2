"""How PostgreSQL says it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any, Literal

from contentql.planner.catalog import Kind
from contentql.planner.search import tsquery
from contentql.planner.sql import Listed, ParamKind, Pieces, Sql, chunks, literal, merged

_TYPES = {
    "text": "text", "plain": "text", "id": "bigint", "int": "bigint", "float": "float8", "bool": "boolean",
    "time": "timestamptz", "date": "date", "texts": "text[]", "ids": "bigint[]", "ints": "bigint[]",
    "times": "timestamptz[]", "search": "text",
}  # fmt: skip


class Postgres:
    name: Literal["postgres"] = "postgres"

    def param(self, number: int, kind: ParamKind) -> str:
        cast = "::tsquery" if kind == "search" else ""
        return f"${number}::{_TYPES[kind]}{cast}"

    def bind(self, kind: ParamKind, value: Any) -> Any:
        if kind == "search":
            return tsquery(*value)
        if kind == "date" and isinstance(value, str):
            return dt.date.fromisoformat(value)
        return value

    def fits(self, sql: str) -> bool:
        return True

    def leaf(self, sql: str, kind: Kind, *, required: bool, prefix: str = "") -> Pieces:
        if kind in ("plain", "time", "date", "id"):
            inner = self.text_of(sql, kind)
            if required:
                return [f'"{prefix}', Sql(inner), '"']
            return [Sql(f"coalesce('\"{prefix}' || {inner} || '\"', 'null')")]
        text = self.text_of(sql, kind)
        if required:
            return [Sql(text)]
        return [Sql(f"coalesce({text if kind == 'bool' else f'{text}::text'}, 'null')")]

    def text_of(self, sql: str, kind: Kind) -> str:
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

    def hexed(self, sql: str) -> str:
        return f"encode(convert_to({sql}, 'UTF8'), 'hex')"

    def join(self, pieces: Pieces) -> str:
        parts = [literal(p) if isinstance(p, str) else p.text for p in merged(pieces)]
        if len(parts) == 1:
            return parts[0]
        while len(parts) > 90:  # a function takes at most 100 arguments
            parts = [f"concat({', '.join(chunk)})" for chunk in chunks(parts, 90)]
        return f"concat({', '.join(parts)})"

    def whole(self, pieces: Pieces) -> str:
        return f"({self.join(pieces)})::text"

    def array(self, item: str, rows: str, order: str) -> Listed:
        # Apart, a large answer is not copied into one value of its size again and again.
        items = f"array(select {item} from {rows} order by {order})"
        return Listed(f"array_to_string({items}, ',')", items)

    def gathered(self, item: str, condition: str, order: str) -> str:
        return f"coalesce(string_agg({item}, ',' order by {order}) filter (where {condition}), '')"

    def elements(self, sql: str, alias: str) -> str:
        return f"jsonb_array_elements({sql}) with ordinality as {alias}(value, n)"

    def element(self, alias: str, key: str) -> str:
        return f"coalesce(({alias}.value -> '{key}')::text, 'null')"

    def element_text(self, alias: str, key: str) -> str:
        return f"({alias}.value ->> '{key}')"

    def element_list(self, alias: str, key: str) -> str:
        return (
            f"case jsonb_typeof({alias}.value -> '{key}') when 'array'"
            f" then {alias}.value -> '{key}' else '[]'::jsonb end"
        )

    def element_number(self, alias: str, key: str) -> str:
        return f"({alias}.value ->> '{key}')::bigint" if key else f"({alias}.value #>> '{{}}')::bigint"

    def element_order(self, alias: str) -> str:
        return f"{alias}.n"

    def pairs(self, tables: str, numbers: str, alias: str) -> str:
        return f"unnest({tables}, {numbers}) with ordinality as {alias}(t, number, n)"

    def pair(self, alias: str) -> tuple[str, str, str]:
        return f"{alias}.t", f"{alias}.number", f"{alias}.n"

    def sortable(self, sql: str, kind: Kind) -> str:
        # Byte order, as SQLite has it: the same list on both databases, whatever the server's locale.
        return f'{sql} collate "C"' if kind in ("text", "plain") else sql

    def among(self, sql: str, param: str) -> str:
        return f"{sql} = any({param})"

    def starts_with(self, sql: str, param: str) -> str:
        return f"starts_with({sql}, {param})"

    def contains(self, sql: str, param: str) -> str:
        return f"strpos({sql}, {param}) > 0"

    def matches(self, row: str, param: str) -> str:
        return f"{row}.id in (select w.article_id from article_search w where w.document @@ {param})"

    def relevance(self, row: str, param: Callable[[str], str]) -> str:
        return (
            f"(select case when w.document @@ {param('A')} then 3 when w.document @@ {param('AB')} then 2"
            f" else 1 end from article_search w where w.article_id = {row}.id)"
        )
