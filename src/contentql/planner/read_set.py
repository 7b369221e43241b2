"""Read sets: what a response depends on, as displayed rows and scanned lists with their conditions.

The plan determines tables, columns and conditions; row markers in the response determine the rows. They are
removed before the response is sent. `cache/dependencies.py` compares both with changed rows.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from contentql.content import ids
from contentql.planner.operation import LeafValue
from contentql.planner.visibility import TIME_DEPENDENT_TABLES, VISIBLE_THROUGH
from contentql.store.models import models_of

# Short codes in row markers, for every table whose rows can be displayed; tables with global IDs use their
# ID prefix.
MARKER_CODES: Mapping[str, str] = {
    **ids.PREFIXES,
    "article_body": "bod",
    "article_tag": "atg",
    "article_author": "aau",
    "article_media": "ame",
    "external_id": "ext",
    "collection_item": "cit",
    "withdrawal": "wdr",
}
_TABLES = {code: table for table, code in MARKER_CODES.items()}
# Primary keys of the tables where it is not `id`.
PRIMARY_KEYS: Mapping[str, str] = {
    model._meta.db_table: model._meta.db_pk_column
    for model in models_of()
    if model._meta.db_pk_column != "id"
}

# Not a table: rows in change batches, with the `article_id` and a present or former `slug` of a visible
# article, and the `language` of a translation of it that has changed.
TRANSLATION_TABLE = "translation"

ANY_COLUMN = frozenset({"*"})  # any column
# Columns in the full-text index; the body is in a table of its own.
SEARCH_COLUMNS = frozenset({"headline", "kicker", "short_headline", "summary", "lede", "byline", "language"})

# Cannot occur in content: GraphQL has no empty response keys, and JSON escapes quotation marks in strings.
MARKER_KEY = ""
# One marker, none, or a list of markers.
_MARKS = re.compile(rb'"":(?:"([^"]*)"|null|\[("[^]]*"|)\]),?')
# Marks a row that is not displayed but was requested: becoming visible would change the response.
HIDDEN_MARKER = "~"


@dataclass(frozen=True)
class RowCondition:
    """A condition on the row alone; `convert` converts the value as for binding."""

    column: str
    op: str  # eq ne in notIn lt lte gt gte, or language for a list of language ranges
    value: LeafValue
    convert: Callable[[Any], Any]


@dataclass(frozen=True)
class ParentKey:
    """The column that references the parent row of a list; parents have markers in the response."""

    column: str
    table: str


@dataclass(frozen=True)
class LinkPath:
    """The junction table of a list: `target_column` references its rows, `parent_key` their parents."""

    table: str
    target_column: str
    parent_key: ParentKey


@dataclass(frozen=True)
class PageBounds:
    """Bounds of a page that depends on no rows after its end: no total count, no page info.

    `keys`: the sort columns, and whether each is descending. Every item has a marker with the list's `number`
    in the plan, the id of the parent row, and the values of the sort keys.
    """

    number: int
    size: int
    keys: tuple[tuple[str, bool], ...]


@dataclass(frozen=True)
class Scan:
    """Rows of a table that a statement reads, to display, count or compare them.

    A row is included if all `conditions` hold and, with `visible_rows_only`, if it is visible. Further
    conditions depend on `other_columns`, the order on `order_columns`. `visibility_changes_only`: only a
    change of a row's visibility matters, not which of its columns changed.
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


# What the search of articles reads besides their own columns.
SEARCH_SCANS = (
    Scan("article_body", other_columns=frozenset({"text"})),
    Scan("live_entry", other_columns=frozenset({"body_text"})),
    Scan("article_author", other_columns=frozenset({"author_id"})),
    Scan("author", other_columns=frozenset({"search_words"})),
    Scan("attribution", other_columns=frozenset({"source_id"})),
    Scan("source", other_columns=frozenset({"search_words"})),
)


@dataclass(frozen=True)
class ReadSet:
    """What responses of a plan depend on. `displayed_columns`: columns in the response, by table."""

    scans: tuple[Scan, ...] = ()
    displayed_columns: Mapping[str, frozenset[str]] = field(default_factory=dict)
    listed: tuple[tuple[str, LeafValue | None], ...] = ()  # tables that were listed, and sections by path

    def with_all_sections(self) -> ReadSet:
        """The read set of a response that suggests another section for one that does not exist."""
        every = Scan("category", other_columns=frozenset({"path", "hidden"}))
        return replace(self, scans=(*self.scans, every))

    @property
    def is_time_dependent(self) -> bool:
        """True if the passage of time alone can change a response, whichever rows are stored."""
        tables = {scan.table for scan in self.scans} | self.displayed_columns.keys()
        return not TIME_DEPENDENT_TABLES.isdisjoint(tables)


@dataclass
class ReadSetBuilder:
    """Read set while it is built. Column sets are stored by reference, as builders may still add columns."""

    scans: dict[Scan, None] = field(default_factory=dict)
    compared: list[tuple[str, Mapping[str, None]]] = field(default_factory=list)
    displayed: list[tuple[str, Mapping[str, None]]] = field(default_factory=list)
    lists: dict[tuple[str, LeafValue | None], None] = field(default_factory=dict)

    def scan(self, scan: Scan) -> None:
        self.scans[scan] = None

    def add_visibility_dependency(self, table: str, near: ParentKey | None = None) -> None:
        """Records that the visibility of rows of `table` depends on rows of another table as well.

        Rows visible only while another row uses them need no entry: change batches include them as
        changed rows.
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


# Ends of pages, by list number and parent id: the number of rows, and the sort keys of the last row.
PageEnds = Mapping[tuple[int, int], tuple[int, tuple[str, ...]]]


@dataclass(frozen=True)
class RowMarkers:
    """Row ids in a response, by table: `requested` has `displayed_ids` and rows that may be invisible."""

    displayed_ids: Mapping[str, frozenset[int]]
    requested: Mapping[str, frozenset[int]]
    page_ends: PageEnds = field(default_factory=dict)

    @property
    def rows(self) -> int:
        return sum(map(len, self.displayed_ids.values()))


def strip_markers(body: bytes) -> tuple[bytes, RowMarkers]:
    """Returns the response without markers, and the rows that they name."""
    pieces = _MARKS.split(body)
    marks = [mark for mark in pieces[1::3] if mark]
    marks += [mark for listed in pieces[2::3] if listed for mark in listed[1:-1].split(b'","')]
    visible: dict[str, set[int]] = {}
    request: dict[str, set[int]] = {}
    items: dict[tuple[int, int], dict[tuple[str, ...], None]] = {}
    for mark in marks:
        if mark.startswith(b"@"):
            number, near, *keys = mark[1:].decode().split(".")
            # The same list can occur more than once: by aliases, or with its parent row.
            items.setdefault((int(number), int(near)), {})[tuple(keys)] = None
        else:
            code, _, number = mark.decode().rpartition(".")
            unseen = code.startswith(HIDDEN_MARKER)
            table = _TABLES[code[1:] if unseen else code]
            request.setdefault(table, set()).add(int(number))
            if not unseen:
                visible.setdefault(table, set()).add(int(number))
    ends = {place: (len(keys), next(reversed(keys))) for place, keys in items.items()}
    return b"".join(pieces[::3]), RowMarkers(_frozen(visible), _frozen(request), ends)


def without_markers(body: bytes) -> bytes:
    """Returns the response, or a part of it, without markers."""
    return _MARKS.sub(b"", body)


def _frozen(data: Mapping[str, set[int]]) -> Mapping[str, frozenset[int]]:
    return {table: frozenset(numbers) for table, numbers in data.items()}
