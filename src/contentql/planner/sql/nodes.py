"""The parts of a statement, and what a dialect must know to write one.

What an answer will look like is a tree of nodes, whose leaves are SQL expressions; a dialect writes the
tree as one expression that yields the JSON text.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeAlias

from contentql.planner.catalog import Kind

ParamKind = Kind | Literal["texts", "ids", "ints", "times", "search"]


@dataclass(frozen=True)
class Leaf:
    """A value of a column or expression; null stays null unless it is `required`."""

    sql: str
    kind: Kind
    required: bool = True
    prefix: str = ""


@dataclass(frozen=True)
class Element:
    """What a JSON object keeps under a key, as it is; null when it keeps nothing."""

    alias: str
    key: str


@dataclass(frozen=True)
class Object:
    fields: tuple[tuple[str, Node], ...]


@dataclass(frozen=True)
class Maybe:
    """Null where the column is null."""

    column: str
    there: Node


@dataclass(frozen=True)
class Choice:
    """One of several nodes, by the value of an expression."""

    on: str
    cases: tuple[tuple[str, Node], ...]
    other: Node = "null"


@dataclass(frozen=True)
class Single:
    """A node over the one row of a FROM clause; null when there is none."""

    node: Node
    rows: str


@dataclass(frozen=True)
class Array:
    """A node for every row of a FROM clause, in order."""

    node: Node
    rows: str
    order: str


@dataclass(frozen=True)
class Gathered:
    """The texts of JSON values in a column, for those rows of the group that meet a condition, in order."""

    column: str
    condition: str
    order: str


# A `str` is JSON as it will stand in the answer.
Node: TypeAlias = str | Leaf | Element | Object | Maybe | Choice | Single | Array | Gathered


@dataclass(frozen=True)
class Key:
    """What a list is ordered by: an expression over the base row, and its direction."""

    sql: str
    kind: Kind
    descending: bool
    known: str = ""  # SQL with {id}: the key of the row of that id; cursors leave such a key out


class Dialect(Protocol):
    @property
    def name(self) -> Literal["postgres", "sqlite"]: ...

    def param(self, number: int, kind: ParamKind) -> str: ...
    def bind(self, kind: ParamKind, value: Any) -> Any: ...
    def fits(self, sql: str) -> bool: ...

    def columns(self, node: Node) -> Sequence[bytes | str]:
        """The JSON text of a node in parts: bytes that are known, and SQL columns for the rest.

        A column yields bytes, or an array of texts that are to be joined by commas.
        """

    def json(self, node: Node) -> str:
        """SQL that yields the JSON text of a node, never null."""

    def text_of(self, sql: str, kind: Kind) -> str: ...
    def as_text(self, sql: str) -> str: ...
    def hexed(self, sql: str) -> str: ...
    def dotted(self, parts: Sequence[str]) -> str: ...

    @property
    def orders_aggregates(self) -> bool:
        """Whether an aggregate can be told its order, so that a list needs no ordered query inside."""

    def elements(self, sql: str, alias: str) -> str: ...
    def element_text(self, alias: str, key: str) -> str: ...
    def element_list(self, alias: str, key: str) -> str: ...
    def element_number(self, alias: str, key: str) -> str: ...
    def element_order(self, alias: str) -> str: ...

    @property
    def never(self) -> str:
        """A moment behind all others."""

    def differing(self, later: str, earlier: str) -> str:
        """`dl` and `de`, each with `key` and `value`: where two JSON objects of texts are not the same."""

    def pairs(self, tables: str, numbers: str, alias: str) -> str: ...
    def pair(self, alias: str) -> tuple[str, str, str]: ...

    def sortable(self, sql: str, kind: Kind) -> str: ...
    def among(self, sql: str, param: str) -> str: ...
    def starts_with(self, sql: str, param: str) -> str: ...
    def contains(self, sql: str, param: str) -> str: ...
    def matches(self, row: str, param: str) -> str: ...
    def relevance(self, row: str, param: Callable[[str], str]) -> str: ...


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
    place: str = ""  # SQL: which of the list the base row is, where no inner query can tell


@dataclass(frozen=True)
class Row:
    """A row that a statement stands on: a table's, or an object of a JSON list."""

    alias: str
    table: str
    scope: Scope
    json: bool = False
    asked: str | None = None  # SQL: was it found by an old slug?
    reads: dict[str, None] = field(default_factory=dict, compare=False)  # every column asked of it so far

    def column(self, name: str) -> str:
        self.reads[name] = None
        if self.alias == self.scope.base:
            self.scope.columns[name] = None
        return f"{self.alias}.{name}"

    @property
    def place(self) -> str:
        return self.scope.place or self.column("place")
