"""How SQLite says it."""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Callable
from contextlib import closing
from typing import Any, Literal

import orjson

from contentql.planner.catalog import Kind
from contentql.planner.search import fts5
from contentql.planner.sql import Listed, ParamKind, Pieces, Sql, chunks, literal, merged


class Sqlite:
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
                return fts5(*value)
            case _:
                return value

    def fits(self, sql: str) -> bool:
        """Whether SQLite can parse it: before 3.46 its parser's stack has 100 places, and nesting fills it."""
        with closing(sqlite3.connect(":memory:")) as empty:
            try:
                empty.execute("explain " + sql)
            except sqlite3.Error as fault:
                return "stack overflow" not in str(fault)
        return True

    def leaf(self, sql: str, kind: Kind, *, required: bool, prefix: str = "") -> Pieces:
        if kind in ("plain", "time", "date", "id"):
            if required:
                return [f'"{prefix}', Sql(sql), '"']
            return [Sql(f"coalesce('\"{prefix}' || {sql} || '\"', 'null')")]
        text = self.text_of(sql, kind)
        return [Sql(text if required or kind in ("text", "float") else f"coalesce({text}, 'null')")]

    def text_of(self, sql: str, kind: Kind) -> str:
        match kind:
            case "text" | "float":
                return f"json_quote({sql})"
            case "bool":
                return f"case {sql} when 1 then 'true' when 0 then 'false' end"
            case _:
                return sql

    def hexed(self, sql: str) -> str:
        return f"lower(hex({sql}))"

    def join(self, pieces: Pieces) -> str:
        parts = merged(pieces)
        if len(parts) == 1:
            return literal(parts[0]) if isinstance(parts[0], str) else parts[0].text
        groups = chunks(parts, 100)  # a function takes at most 127 arguments
        texts = [_format(list(group)) for group in groups]
        return texts[0] if len(texts) == 1 else "(" + " || ".join(texts) + ")"

    def whole(self, pieces: Pieces) -> str:
        return f"cast({self.join(pieces)} as blob)"

    def array(self, item: str, rows: str, order: str) -> Listed:
        # The rows come in order already: the inner query is ordered and limited, and joins keep it first.
        return Listed(f"(select coalesce(group_concat({item}), '') from {rows})")

    def gathered(self, item: str, condition: str, order: str) -> str:
        return f"coalesce(group_concat({item}, ',') filter (where {condition}), '')"

    def elements(self, sql: str, alias: str) -> str:
        return f"json_each({sql}) {alias}"

    def element(self, alias: str, key: str) -> str:
        return f"coalesce({alias}.value -> '$.{key}', 'null')"

    def element_text(self, alias: str, key: str) -> str:
        return f"({alias}.value ->> '$.{key}')"

    def element_list(self, alias: str, key: str) -> str:
        return f"iif(json_type({alias}.value, '$.{key}') = 'array', {alias}.value -> '$.{key}', '[]')"

    def element_number(self, alias: str, key: str) -> str:
        return f"({alias}.value ->> '$.{key}')" if key else f"{alias}.value"

    def element_order(self, alias: str) -> str:
        return f"{alias}.key"

    def pairs(self, tables: str, numbers: str, alias: str) -> str:
        return (
            f"(select t.key as n, t.value as t, i.value as number from json_each({tables}) t"
            f" join json_each({numbers}) i on i.key = t.key) {alias}"
        )

    def pair(self, alias: str) -> tuple[str, str, str]:
        return f"{alias}.t", f"{alias}.number", f"{alias}.n"

    def sortable(self, sql: str, kind: Kind) -> str:
        return sql

    def among(self, sql: str, param: str) -> str:
        return f"{sql} in (select value from json_each({param}))"

    def starts_with(self, sql: str, param: str) -> str:
        return f"substr({sql}, 1, length({param})) = {param}"

    def contains(self, sql: str, param: str) -> str:
        return f"instr({sql}, {param}) > 0"

    def matches(self, row: str, param: str) -> str:
        return f"{row}.id in (select rowid from article_search where article_search match {param})"

    def relevance(self, row: str, param: Callable[[str], str]) -> str:
        found = f"{row}.id in (select rowid from article_search where article_search match"
        return f"(case when {found} {param('A')}) then 3 when {found} {param('AB')}) then 2 else 1 end)"


def _format(parts: Pieces) -> str:
    template = "".join(p.replace("%", "%%") if isinstance(p, str) else "%s" for p in parts)
    values = "".join(f", {p.text}" for p in parts if isinstance(p, Sql))
    return f"format({literal(template)}{values})"


def _instant(value: dt.datetime) -> str:
    return value.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
