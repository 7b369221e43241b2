"""What an answer rests on: the rows it showed, and the lists it read with the conditions they set.

A plan says which tables, columns and conditions; the answer's bytes say which rows, by marks that are
taken out again before anybody sees them. `cache/tags.py` compares both with what a write touched.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from contentql.content import ids
from contentql.planner.operation import LeafValue
from contentql.planner.visibility import VISIBLE_THROUGH
from contentql.store.models import models_of

# Every table whose rows can be shown, by a short word for marks. Those with ids of their own keep theirs.
MARKER_CODES: Mapping[str, str] = {
    **ids.PREFIXES,
    "article_body": "bod",
    "article_tag": "atg",
    "article_author": "aau",
    "article_media": "ame",
    "collection_item": "cit",
    "withdrawal": "wdr",
}
_TABLES = {code: table for table, code in MARKER_CODES.items()}
# Of the tables whose primary key is not `id`.
PRIMARY_KEYS: Mapping[str, str] = {
    model._meta.db_table: model._meta.db_pk_column
    for model in models_of()
    if model._meta.db_pk_column != "id"
}

ANY_COLUMN = frozenset({"*"})  # of whatever column
# The columns whose words search finds; those of the body lie in a table of their own.
SEARCH_COLUMNS = frozenset({"headline", "kicker", "short_headline", "summary", "lede", "byline", "language"})

# GraphQL has no empty response key, and JSON escapes the quotation marks of every text.
MARKER_KEY = ""
_MARKS = re.compile(rb'"":(?:"([^"]*)"|null),?')
# Not shown itself: a row that was asked for, and would change the answer if it came into sight.
HIDDEN_MARKER = "~"


@dataclass(frozen=True)
class RowCondition:
    """A condition that can be told from the row alone: `convert` makes the value as it is bound."""

    column: str
    op: str  # eq ne in notIn lt lte gt gte
    value: LeafValue
    convert: Callable[[Any], Any]


@dataclass(frozen=True)
class ParentKey:
    """The rows lead, by `column`, to rows of `table` that the answer marks."""

    column: str
    table: str


@dataclass(frozen=True)
class LinkPath:
    """The link that a list was reached through: `far` names its rows, `near` the marked ones."""

    table: str
    target_column: str
    parent_key: ParentKey


@dataclass(frozen=True)
class PageBounds:
    """The list showed its first `size` rows and nothing of the rest: no total, no word of more.

    `keys`: the columns it is ordered by, and whether downwards. Every item is marked with its list's
    `number` in the plan, with the row the list hangs on, and with its keys.
    """

    number: int
    size: int
    keys: tuple[tuple[str, bool], ...]


@dataclass(frozen=True)
class Scan:
    """Rows of a table that were looked at, to show, count or only to compare.

    A row belongs when every test holds (and the visibility rule, if `seen`). What else the statement asks
    of it rests on the columns of `other`; `order` are the columns that say where it stands. `flips`: only
    whether the row can be seen matters, not which of its columns changed.
    """

    table: str
    conditions: tuple[RowCondition, ...] = ()
    other_columns: frozenset[str] = frozenset()
    order_columns: frozenset[str] = frozenset()
    visible_rows_only: bool = True
    parent_key: ParentKey | None = None
    link_path: LinkPath | None = None
    visibility_changes_only: bool = False
    page: PageBounds | None = None


BODY_SEARCH_SCAN = Scan("article_body", other_columns=frozenset({"text"}))


@dataclass(frozen=True)
class ReadSet:
    """All of it, for every answer of one plan. `shown`: by table, the columns that the answer says."""

    scans: tuple[Scan, ...] = ()
    displayed_columns: Mapping[str, frozenset[str]] = field(default_factory=dict)
    listed: tuple[
        tuple[str, LeafValue | None], ...
    ] = ()  # what was listed, in words: articles, section of a path


@dataclass
class ReadSetBuilder:
    """Reads in the making. Columns are noted by reference: a row may still be asked for more of them."""

    scans: dict[Scan, None] = field(default_factory=dict)
    compared: list[tuple[str, Mapping[str, None]]] = field(default_factory=list)
    displayed: list[tuple[str, Mapping[str, None]]] = field(default_factory=list)
    lists: dict[tuple[str, LeafValue | None], None] = field(default_factory=dict)

    def scan(self, scan: Scan) -> None:
        self.scans[scan] = None

    def add_visibility_dependency(self, table: str, near: ParentKey | None = None) -> None:
        """Whether rows of `table` can be seen was decided by a row of another table as well.

        Rows that something must use to be seen need no word here: they come and go by changes of their own.
        """
        decides = VISIBLE_THROUGH.get(table)
        if decides:
            way = LinkPath(table, decides.column, near) if near else None
            self.scan(Scan(decides.table, visibility_changes_only=True, link_path=way))

    def build(self) -> ReadSet:
        scans = dict(self.scans)
        for table, columns in self.compared:
            scans[Scan(table, other_columns=frozenset(columns))] = None
        visible: dict[str, frozenset[str]] = {}
        for table, columns in self.displayed:
            visible[table] = visible.get(table, frozenset()).union(columns)
        return ReadSet(tuple(scans), visible, tuple(self.lists))


# Of pages: by the list and by the row it hangs on, how many rows were shown, and the keys of the last one.
PageEnds = Mapping[tuple[int, int], tuple[int, tuple[str, ...]]]


@dataclass(frozen=True)
class RowMarkers:
    """The rows of one answer, by table: `shown` can be seen in it, `asked` includes what could not."""

    displayed_ids: Mapping[str, frozenset[int]]
    requested: Mapping[str, frozenset[int]]
    page_ends: PageEnds = field(default_factory=dict)

    @property
    def rows(self) -> int:
        return sum(map(len, self.displayed_ids.values()))


def strip_markers(body: bytes) -> tuple[bytes, RowMarkers]:
    """The answer as clients get it, and the rows that its marks told."""
    pieces = _MARKS.split(body)
    visible: dict[str, set[int]] = {}
    request: dict[str, set[int]] = {}
    items: dict[tuple[int, int], dict[tuple[str, ...], None]] = {}
    for mark in pieces[1::2]:
        if not mark:
            continue
        if mark.startswith(b"@"):
            number, near, *keys = mark[1:].decode().split(".")
            # A list may stand in the answer more than once, by aliases or with the row it hangs on.
            items.setdefault((int(number), int(near)), {})[tuple(keys)] = None
        else:
            code, _, number = mark.decode().rpartition(".")
            unseen = code.startswith(HIDDEN_MARKER)
            table = _TABLES[code[1:] if unseen else code]
            request.setdefault(table, set()).add(int(number))
            if not unseen:
                visible.setdefault(table, set()).add(int(number))
    ends = {place: (len(keys), next(reversed(keys))) for place, keys in items.items()}
    return b"".join(pieces[::2]), RowMarkers(_frozen(visible), _frozen(request), ends)


def _frozen(data: Mapping[str, set[int]]) -> Mapping[str, frozenset[int]]:
    return {table: frozenset(numbers) for table, numbers in data.items()}
