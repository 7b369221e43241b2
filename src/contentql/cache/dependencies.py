"""Dependencies of responses on rows and lists, and the test whether a change invalidates a response.

Invariant: knows plans and changes; never HTTP, Redis or SQL.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import orjson

from contentql.errors import ApiError
from contentql.planner.read_set import (
    ANY_COLUMN,
    LinkPath,
    PageBounds,
    PageEnds,
    ParentKey,
    ReadSet,
    RowMarkers,
    Scan,
)
from contentql.planner.variables import Variables
from contentql.planner.visibility import VISIBILITY_COLUMNS, is_publicly_visible
from contentql.store.change_log import RowChange, RowData, parse_timestamps

_NONE: frozenset[str] = frozenset()
_NO_ROWS: frozenset[int] = frozenset()

# A condition with the value it had: column, operator, value. Times are instants.
Predicate = tuple[str, str, Any]


@dataclass(frozen=True)
class BoundScan:
    """A scan with the values of its conditions."""

    scan: Scan
    predicates: tuple[Predicate, ...]


@dataclass(frozen=True)
class Dependencies:
    """Everything a response depends on: it stays valid until one of these changes."""

    scans: tuple[BoundScan, ...]
    displayed_columns: Mapping[str, frozenset[str]]
    row_ids: Mapping[str, frozenset[int]]
    ends: PageEnds

    @cached_property
    def by_table(self) -> Mapping[str, Sequence[BoundScan]]:
        results: dict[str, list[BoundScan]] = {}
        for one in self.scans:
            results.setdefault(one.scan.table, []).append(one)
        return results

    @cached_property
    def by_link(self) -> Mapping[str, Sequence[BoundScan]]:
        results: dict[str, list[BoundScan]] = {}
        for one in self.scans:
            if one.scan.link_path:
                results.setdefault(one.scan.link_path.table, []).append(one)
        return results

    @cached_property
    def tables(self) -> frozenset[str]:
        """Tables whose changes may invalidate the response."""
        return frozenset((*self.by_table, *self.by_link, *self.row_ids))

    def serialize(self) -> bytes:
        """The dependencies as JSON, for a cache outside this process."""
        return orjson.dumps(
            {
                "looked": [_plain(one) for one in self.scans],
                "shown": {table: sorted(columns) for table, columns in self.displayed_columns.items()},
                "rows": {table: sorted(rows) for table, rows in self.row_ids.items()},
                "ends": [[*place, *end] for place, end in self.ends.items()],
            }
        )


def bind_dependencies(reads: ReadSet, variables: Variables, markers: RowMarkers) -> Dependencies:
    looked = tuple(BoundScan(scan, tuple(_values(scan, variables))) for scan in reads.scans)
    return Dependencies(looked, reads.displayed_columns, markers.requested, markers.page_ends)


def _values(scan: Scan, variables: Variables) -> Iterator[Predicate]:
    for test in scan.conditions:
        try:
            yield test.column, test.op, test.convert(test.value.value(variables))
        except ApiError:  # a value that cannot be used, in a part of the answer that did not use it
            continue


def deserialize_dependencies(text: bytes) -> Dependencies:
    payload = orjson.loads(text)
    return Dependencies(
        tuple(_looked(one) for one in payload["looked"]),
        {table: frozenset(columns) for table, columns in payload["shown"].items()},
        {table: frozenset(rows) for table, rows in payload["rows"].items()},
        {(number, near): (count, tuple(keys)) for number, near, count, keys in payload["ends"]},
    )


def _plain(one: BoundScan) -> list[Any]:
    scan = one.scan
    way = (
        [
            scan.link_path.table,
            scan.link_path.target_column,
            scan.link_path.parent_key.column,
            scan.link_path.parent_key.table,
        ]
        if scan.link_path
        else None
    )
    near = [scan.parent_key.column, scan.parent_key.table] if scan.parent_key else None
    page = [scan.page.number, scan.page.size, scan.page.keys] if scan.page else None
    other, order = sorted(scan.other_columns), sorted(scan.order_columns)
    return [
        scan.table,
        one.predicates,
        other,
        order,
        scan.visible_rows_only,
        near,
        way,
        scan.visibility_changes_only,
        page,
    ]


def _looked(items: Sequence[Any]) -> BoundScan:
    table, met, other, order, seen, near, way, flips, page = items
    scan = Scan(
        table,
        (),
        frozenset(other),
        frozenset(order),
        seen,
        ParentKey(*near) if near else None,
        LinkPath(way[0], way[1], ParentKey(way[2], way[3])) if way else None,
        flips,
        PageBounds(page[0], page[1], tuple((column, down) for column, down in page[2])) if page else None,
    )

    def value(column: str, item: Any) -> Any:
        return parse_timestamps(table, {column: item})[column] if isinstance(item, str) else item

    return BoundScan(
        scan,
        tuple(
            (c, op, [value(c, one) for one in match] if isinstance(match, list) else value(c, match))
            for c, op, match in met
        ),
    )


@dataclass(frozen=True)
class ChangeBatch:
    """Changes that are applied together, with the related rows they need.

    `links`: by link table and target column, the rows that each target row is linked with; None if there are
    too many. `articles`: versions of the changed articles that were visible at their time.
    """

    changes: Sequence[RowChange]
    now: dt.datetime
    links: Mapping[tuple[str, str], Mapping[int, Sequence[RowData] | None]] = field(default_factory=dict)
    articles: Mapping[int, Sequence[RowData]] = field(default_factory=dict)

    @cached_property
    def tables(self) -> frozenset[str]:
        return frozenset(change.table for change in self.changes)


def is_invalidated_by(dependencies: Dependencies, batch: ChangeBatch) -> bool:
    """True if the changes may have changed the response."""
    return not dependencies.tables.isdisjoint(batch.tables) and any(
        _touches(change, dependencies, batch) for change in batch.changes
    )


def _touches(change: RowChange, dependencies: Dependencies, batch: ChangeBatch) -> bool:
    table = change.table
    if change.row in dependencies.row_ids.get(table, _NO_ROWS):
        if change.columns is None or change.columns & dependencies.displayed_columns.get(table, _NONE):
            return True
        if change.columns & VISIBILITY_COLUMNS.get(table, _NONE) and (
            was_visible(change, batch) != is_visible(change, batch)
        ):
            return True
    looked, ways = dependencies.by_table.get(table, ()), dependencies.by_link.get(table, ())
    if not looked and not ways:
        return False
    if not _of_a_seen_article(change, batch):
        return False
    return any(_moves(change, one, dependencies, batch) for one in looked) or any(
        _relinks(change, one, dependencies, batch) for one in ways
    )


def _of_a_seen_article(change: RowChange, batch: ChangeBatch) -> bool:
    """True for rows of an article that is or was visible."""
    if change.table == "article":
        return True
    for column in ("article_id", "related_id"):
        owners = {row[column] for row in (change.before, change.after) if row and column in row}
        if owners and not any(batch.articles.get(owner) for owner in owners):
            return False
    return True


def _moves(change: RowChange, one: BoundScan, dependencies: Dependencies, batch: ChangeBatch) -> bool:
    """True if the row enters or leaves the scan, or changes its position in it."""
    scan = one.scan
    own = VISIBILITY_COLUMNS.get(change.table, _NONE) if scan.visible_rows_only else _NONE
    if scan.visibility_changes_only:
        if change.columns is not None and not change.columns & own:
            return False
        return was_visible(change, batch) != is_visible(change, batch) and _near(
            scan, change.after or change.before, dependencies, batch
        )
    if change.table == "article_body" and change.columns is None:
        return False  # it comes and goes with its article, which is noticed as such
    decides = scan.other_columns | scan.order_columns
    if change.columns is not None and scan.other_columns != ANY_COLUMN:
        relevant = decides | own | {column for column, _, _ in one.predicates}
        if scan.parent_key:
            relevant = relevant | {scan.parent_key.column}
        if not change.columns & relevant:
            return False
    before = _belongs(one, change.before, was_visible(change, batch), dependencies, batch)
    after = _belongs(one, change.after, is_visible(change, batch), dependencies, batch)
    if before == after and not (
        before and (change.columns is None or scan.other_columns == ANY_COLUMN or change.columns & decides)
    ):
        return False
    versions = [row for row, there in ((change.before, before), (change.after, after)) if there]
    return not all(_behind_the_end(scan, row, dependencies, batch) for row in versions)


def _behind_the_end(scan: Scan, row: RowData | None, dependencies: Dependencies, batch: ChangeBatch) -> bool:
    """True if the row sorts after the end of the returned page in every list that contains it."""
    if scan.page is None or row is None:
        return False
    if scan.parent_key:
        places: Sequence[int] = [row[scan.parent_key.column]]
    elif scan.link_path:
        links = batch.links.get((scan.link_path.table, scan.link_path.target_column), {}).get(row["id"], ())
        if links is None:
            return False
        marked = dependencies.row_ids.get(scan.link_path.parent_key.table, _NO_ROWS)
        places = [near for link in links if (near := link[scan.link_path.parent_key.column]) in marked]
    else:
        places = [0]
    return all(_behind(scan.page, place, row, dependencies) for place in places)


def _behind(page: PageBounds, place: int, row: RowData, dependencies: Dependencies) -> bool:
    count, last = dependencies.ends.get((page.number, place), (0, ()))
    if count < page.size:
        return False
    for (column, down), fields in zip(page.keys, last, strict=True):
        value = row.get(column)
        if value is None:
            return False
        end = _like(value, fields)
        if value != end:
            return bool(value < end) if down else bool(value > end)
    return False


def _like(value: Any, text: str) -> Any:
    """A sort key from a cursor marker, converted to the type of `value`."""
    if isinstance(value, dt.datetime):
        return dt.datetime.fromisoformat(text)
    return int(text) if isinstance(value, int) else bytes.fromhex(text).decode()


def _relinks(change: RowChange, one: BoundScan, dependencies: Dependencies, batch: ChangeBatch) -> bool:
    """True if a link was added, removed or moved through which a list of the response was reached."""
    scan = one.scan
    assert scan.link_path is not None
    marked = dependencies.row_ids.get(scan.link_path.parent_key.table, _NO_ROWS)
    for row in (change.before, change.after):
        if row is None or row[scan.link_path.parent_key.column] not in marked:
            continue
        if not is_publicly_visible(change.table, row, batch.now):
            continue
        if scan.table != "article":
            return True
        near: int = row[scan.link_path.parent_key.column]
        for version in batch.articles.get(row[scan.link_path.target_column], ()):
            behind = scan.page and _behind(scan.page, near, version, dependencies)
            if _is_met(one.predicates, version) and not behind:
                return True
    return False


def was_visible(change: RowChange, batch: ChangeBatch) -> bool:
    return change.before is not None and is_publicly_visible(
        change.table, change.before, change.valid_until or batch.now
    )


def is_visible(change: RowChange, batch: ChangeBatch) -> bool:
    return change.after is not None and is_publicly_visible(change.table, change.after, batch.now)


def _belongs(
    one: BoundScan, row: RowData | None, seen: bool, dependencies: Dependencies, batch: ChangeBatch
) -> bool:
    if row is None or (one.scan.visible_rows_only and not seen):
        return False
    return _is_met(one.predicates, row) and _near(one.scan, row, dependencies, batch)


def _near(scan: Scan, row: RowData | None, dependencies: Dependencies, batch: ChangeBatch) -> bool:
    assert row is not None
    if scan.parent_key:
        return row[scan.parent_key.column] in dependencies.row_ids.get(scan.parent_key.table, _NO_ROWS)
    if scan.link_path:
        links = batch.links.get((scan.link_path.table, scan.link_path.target_column), {}).get(row["id"], ())
        if links is None:
            return True
        marked = dependencies.row_ids.get(scan.link_path.parent_key.table, _NO_ROWS)
        return any(link[scan.link_path.parent_key.column] in marked for link in links)
    return True


def _is_met(conditions: Iterable[Predicate], row: RowData) -> bool:
    """True if the row meets all conditions, as far as its columns are known."""
    return all(column not in row or _OPERATORS[op](row[column], value) for column, op, value in conditions)


def _compared(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    return lambda column, value: column is not None and compare(column, value)


# As planner/filters.py says them in SQL: what is missing meets nothing but `ne` and `notIn`.
_OPERATORS: Mapping[str, Callable[[Any, Any], bool]] = {
    "eq": lambda column, value: column is not None and column == value,
    "ne": lambda column, value: column is None or column != value,
    "in": lambda column, value: column is not None and column in value,
    "notIn": lambda column, value: column is None or column not in value,
    "lt": _compared(lambda column, value: bool(column < value)),
    "lte": _compared(lambda column, value: bool(column <= value)),
    "gt": _compared(lambda column, value: bool(column > value)),
    "gte": _compared(lambda column, value: bool(column >= value)),
}
