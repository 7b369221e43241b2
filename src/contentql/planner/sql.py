"""The parts of a statement, and what a dialect must know to write one.

An answer is text: pieces are either JSON as it will stand in the answer (`str`) or SQL that yields the
text of a JSON value (`Sql`). A dialect joins them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from contentql.planner.catalog import Kind

ParamKind = Kind | Literal["texts", "ids", "ints", "times", "search"]


@dataclass(frozen=True)
class Sql:
    """An SQL expression of type text, never null."""

    text: str


@dataclass(frozen=True)
class Listed(Sql):
    """The items of a list, joined by commas; `items`, where that pays, gives them as an array of texts."""

    items: str = ""


Pieces = list["str | Sql"]


@dataclass(frozen=True)
class Key:
    """What a list is ordered by: an expression over the base row, and its direction."""

    sql: str
    kind: Kind
    descending: bool


class Dialect(Protocol):
    @property
    def name(self) -> Literal["postgres", "sqlite"]: ...

    def param(self, number: int, kind: ParamKind) -> str: ...
    def bind(self, kind: ParamKind, value: Any) -> Any: ...
    def fits(self, sql: str) -> bool: ...

    def leaf(self, sql: str, kind: Kind, *, required: bool, prefix: str = "") -> Pieces: ...
    def text_of(self, sql: str, kind: Kind) -> str: ...
    def hexed(self, sql: str) -> str: ...
    def join(self, pieces: Pieces) -> str: ...
    def whole(self, pieces: Pieces) -> str: ...
    def array(self, item: str, rows: str, order: str) -> Listed: ...
    def gathered(self, item: str, condition: str, order: str) -> str: ...

    def elements(self, sql: str, alias: str) -> str: ...
    def element(self, alias: str, key: str) -> str: ...
    def element_text(self, alias: str, key: str) -> str: ...
    def element_list(self, alias: str, key: str) -> str: ...
    def element_number(self, alias: str, key: str) -> str: ...
    def element_order(self, alias: str) -> str: ...

    def pairs(self, tables: str, numbers: str, alias: str) -> str: ...
    def pair(self, alias: str) -> tuple[str, str, str]: ...

    def sortable(self, sql: str, kind: Kind) -> str: ...
    def among(self, sql: str, param: str) -> str: ...
    def starts_with(self, sql: str, param: str) -> str: ...
    def contains(self, sql: str, param: str) -> str: ...
    def matches(self, row: str, param: str) -> str: ...
    def relevance(self, row: str, param: Callable[[str], str]) -> str: ...


def merged(pieces: Pieces) -> Pieces:
    """The same pieces with neighbouring literals made one."""
    out: Pieces = []
    for piece in pieces:
        if isinstance(piece, str) and out and isinstance(out[-1], str):
            out[-1] += piece
        elif piece != "":
            out.append(piece)
    return out


def literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def chunks(items: Sequence[Any], size: int) -> list[Sequence[Any]]:
    return [items[i : i + size] for i in range(0, len(items), size)]


@dataclass
class Scope:
    """A FROM clause in the making: which columns its base row must bring, and what is joined to it."""

    base: str
    columns: dict[str, None] = field(default_factory=dict)
    joins: list[str] = field(default_factory=list)
    joined: dict[Any, Row] = field(default_factory=dict)


@dataclass(frozen=True)
class Row:
    """A row that a statement stands on: a table's, or an object of a JSON list."""

    alias: str
    table: str
    scope: Scope
    json: bool = False
    asked: str | None = None  # SQL: was it found by an old slug?

    def column(self, name: str) -> str:
        if self.alias == self.scope.base:
            self.scope.columns[name] = None
        return f"{self.alias}.{name}"
