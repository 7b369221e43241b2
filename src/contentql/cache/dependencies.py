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
from contentql.language_tags import ANY_LANGUAGE
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

_NO_COLUMNS: frozenset[str] = frozenset()
_NO_ROWS: frozenset[int] = frozenset()

# A condition with its value: column, operator, value. Timestamps are datetimes.
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
        scans: dict[str, list[BoundScan]] = {}
        for bound in self.scans:
            scans.setdefault(bound.scan.table, []).append(bound)
        return scans

    @cached_property
    def by_link(self) -> Mapping[str, Sequence[BoundScan]]:
        scans: dict[str, list[BoundScan]] = {}
        for bound in self.scans:
            if bound.scan.link_path:
                scans.setdefault(bound.scan.link_path.table, []).append(bound)
        return scans

    @cached_property
    def tables(self) -> frozenset[str]:
        """Tables whose changes may invalidate the response."""
        return frozenset((*self.by_table, *self.by_link, *self.row_ids))

    def serialize(self) -> bytes:
        """The dependencies as JSON, for a cache outside this process."""
        return orjson.dumps(
            {
                "scans": [_scan_to_json(bound) for bound in self.scans],
                "columns": {table: sorted(columns) for table, columns in self.displayed_columns.items()},
                "rows": {table: sorted(rows) for table, rows in self.row_ids.items()},
                "ends": [[*list_and_parent, *end] for list_and_parent, end in self.ends.items()],
            }
        )


def bind_dependencies(reads: ReadSet, variables: Variables, markers: RowMarkers) -> Dependencies:
    """The dependencies of one response: its plan's read set with the variables and the displayed rows."""
    scans = tuple(BoundScan(scan, tuple(_bind_predicates(scan, variables))) for scan in reads.scans)
    return Dependencies(scans, reads.displayed_columns, markers.requested, markers.page_ends)


def _bind_predicates(scan: Scan, variables: Variables) -> Iterator[Predicate]:
    for condition in scan.conditions:
        try:
            yield condition.column, condition.op, condition.convert(condition.value.value(variables))
        except ApiError:  # an invalid value, in a part of the response that did not use it
            continue


def deserialize_dependencies(text: bytes) -> Dependencies:
    """The dependencies that `Dependencies.serialize` wrote."""
    payload = orjson.loads(text)
    return Dependencies(
        tuple(_scan_from_json(scan) for scan in payload["scans"]),
        {table: frozenset(columns) for table, columns in payload["columns"].items()},
        {table: frozenset(rows) for table, rows in payload["rows"].items()},
        {
            (list_number, parent_id): (count, tuple(keys))
            for list_number, parent_id, count, keys in payload["ends"]
        },
    )


def _scan_to_json(bound: BoundScan) -> list[Any]:
    """The items that `_scan_from_json` reads."""
    scan = bound.scan
    link = (
        [
            scan.link_path.table,
            scan.link_path.target_column,
            scan.link_path.parent_key.column,
            scan.link_path.parent_key.table,
        ]
        if scan.link_path
        else None
    )
    parent = [scan.parent_key.column, scan.parent_key.table] if scan.parent_key else None
    page = [scan.page.number, scan.page.size, scan.page.keys] if scan.page else None
    other_columns, order_columns = sorted(scan.other_columns), sorted(scan.order_columns)
    return [
        scan.table,
        bound.predicates,
        other_columns,
        order_columns,
        scan.visible_rows_only,
        parent,
        link,
        scan.visibility_changes_only,
        page,
    ]


def _scan_from_json(items: Sequence[Any]) -> BoundScan:
    (
        table,
        predicates,
        other_columns,
        order_columns,
        visible_rows_only,
        parent,
        link,
        visibility_changes_only,
        page,
    ) = items
    scan = Scan(
        table,
        (),
        frozenset(other_columns),
        frozenset(order_columns),
        visible_rows_only,
        ParentKey(*parent) if parent else None,
        LinkPath(link[0], link[1], ParentKey(link[2], link[3])) if link else None,
        visibility_changes_only,
        PageBounds(page[0], page[1], tuple((column, descending) for column, descending in page[2]))
        if page
        else None,
    )

    def value(column: str, text: Any) -> Any:
        return parse_timestamps(table, {column: text})[column] if isinstance(text, str) else text

    return BoundScan(
        scan,
        tuple(
            (
                name,
                op,
                [value(name, item) for item in operand]
                if isinstance(operand, list)
                else value(name, operand),
            )
            for name, op, operand in predicates
        ),
    )


@dataclass(frozen=True)
class ChangeBatch:
    """Changes that are applied together, with the related rows they need.

    Changes of hidden rows are not among them. `links`: by link table and target column, the rows that each
    target row is linked with; None if there are too many. `articles`: versions of the changed articles that
    were visible at their time. `since`: the time as of which cached responses are valid, at which the rows
    before a write were visible or not.
    """

    changes: Sequence[RowChange]
    now: dt.datetime
    links: Mapping[tuple[str, str], Mapping[int, Sequence[RowData] | None]] = field(default_factory=dict)
    articles: Mapping[int, Sequence[RowData]] = field(default_factory=dict)
    since: dt.datetime | None = None

    @cached_property
    def tables(self) -> frozenset[str]:
        return frozenset(change.table for change in self.changes)


def is_invalidated_by(dependencies: Dependencies, batch: ChangeBatch) -> bool:
    """True if the changes may have changed the response."""
    return not dependencies.tables.isdisjoint(batch.tables) and any(
        _change_invalidates(change, dependencies, batch) for change in batch.changes
    )


def _change_invalidates(change: RowChange, dependencies: Dependencies, batch: ChangeBatch) -> bool:
    table = change.table
    if change.row in dependencies.row_ids.get(table, _NO_ROWS):
        if change.columns is None or change.columns & dependencies.displayed_columns.get(table, _NO_COLUMNS):
            return True
        if change.columns & VISIBILITY_COLUMNS.get(table, _NO_COLUMNS) and (
            was_visible(change, batch) != is_visible(change, batch)
        ):
            return True
    scans, linked_scans = dependencies.by_table.get(table, ()), dependencies.by_link.get(table, ())
    return any(_changes_scan(change, bound, dependencies, batch) for bound in scans) or any(
        _changes_link(change, bound, dependencies, batch) for bound in linked_scans
    )


def _changes_scan(
    change: RowChange, bound: BoundScan, dependencies: Dependencies, batch: ChangeBatch
) -> bool:
    """True if the row enters or leaves the scan, or changes its position in it."""
    scan = bound.scan
    visibility_columns = (
        VISIBILITY_COLUMNS.get(change.table, _NO_COLUMNS) if scan.visible_rows_only else _NO_COLUMNS
    )
    if scan.visibility_changes_only:
        if change.columns is not None and not change.columns & visibility_columns:
            return False
        return was_visible(change, batch) != is_visible(change, batch) and _has_parent(
            scan, change.after or change.before, dependencies, batch
        )
    if change.table == "article_body" and change.columns is None:
        return False  # it is inserted and deleted with its article, whose change is examined too
    decisive = scan.other_columns | scan.order_columns
    if change.columns is not None and scan.other_columns != ANY_COLUMN:
        relevant = decisive | visibility_columns | {column for column, _, _ in bound.predicates}
        if scan.parent_key:
            relevant = relevant | {scan.parent_key.column}
        if not change.columns & relevant:
            return False
    before = _is_in_scan(bound, change.before, was_visible(change, batch), dependencies, batch)
    after = _is_in_scan(bound, change.after, is_visible(change, batch), dependencies, batch)
    if before == after and not (
        before and (change.columns is None or scan.other_columns == ANY_COLUMN or change.columns & decisive)
    ):
        return False
    versions = [row for row, is_included in ((change.before, before), (change.after, after)) if is_included]
    return not all(_is_after_page_end(scan, row, dependencies, batch) for row in versions)


def _is_after_page_end(
    scan: Scan, row: RowData | None, dependencies: Dependencies, batch: ChangeBatch
) -> bool:
    """True if the row sorts after the end of the page in every list that contains it."""
    if scan.page is None or row is None:
        return False
    if scan.parent_key:
        parent_ids: Sequence[int] = [row[scan.parent_key.column]]
    elif scan.link_path:
        links = batch.links.get((scan.link_path.table, scan.link_path.target_column), {}).get(row["id"], ())
        if links is None:
            return False
        displayed = dependencies.row_ids.get(scan.link_path.parent_key.table, _NO_ROWS)
        parent_ids = [
            parent_id for link in links if (parent_id := link[scan.link_path.parent_key.column]) in displayed
        ]
    else:
        parent_ids = [0]
    return all(_is_after_end_of(scan.page, parent_id, row, dependencies) for parent_id in parent_ids)


def _is_after_end_of(page: PageBounds, parent_id: int, row: RowData, dependencies: Dependencies) -> bool:
    count, end_keys = dependencies.ends.get((page.number, parent_id), (0, ()))
    if count < page.size:
        return False
    for (column, descending), text in zip(page.keys, end_keys, strict=True):
        value = row.get(column)
        if value is None:
            return False
        end = _parse_sort_key(value, text)
        if value != end:
            return bool(value < end) if descending else bool(value > end)
    return False


def _parse_sort_key(value: Any, text: str) -> Any:
    """A sort key from a row marker, converted to the type of `value`."""
    if isinstance(value, dt.datetime):
        return dt.datetime.fromisoformat(text)
    return int(text) if isinstance(value, int) else bytes.fromhex(text).decode()


def _changes_link(
    change: RowChange, bound: BoundScan, dependencies: Dependencies, batch: ChangeBatch
) -> bool:
    """True if a link was added, removed or changed that leads to a list of the response."""
    scan = bound.scan
    assert scan.link_path is not None
    displayed = dependencies.row_ids.get(scan.link_path.parent_key.table, _NO_ROWS)
    for row in (change.before, change.after):
        if row is None or row[scan.link_path.parent_key.column] not in displayed:
            continue
        if not is_publicly_visible(change.table, row, batch.now):
            continue
        if scan.table != "article":
            return True
        parent_id: int = row[scan.link_path.parent_key.column]
        for version in batch.articles.get(row[scan.link_path.target_column], ()):
            is_after_end = scan.page and _is_after_end_of(scan.page, parent_id, version, dependencies)
            if _meets_all(bound.predicates, version) and not is_after_end:
                return True
    return False


def was_visible(change: RowChange, batch: ChangeBatch) -> bool:
    return change.before is not None and is_publicly_visible(
        change.table, change.before, batch.since or batch.now
    )


def is_visible(change: RowChange, batch: ChangeBatch) -> bool:
    return change.after is not None and is_publicly_visible(change.table, change.after, batch.now)


def _is_in_scan(
    bound: BoundScan,
    row: RowData | None,
    is_row_visible: bool,
    dependencies: Dependencies,
    batch: ChangeBatch,
) -> bool:
    if row is None or (bound.scan.visible_rows_only and not is_row_visible):
        return False
    return _meets_all(bound.predicates, row) and _has_parent(bound.scan, row, dependencies, batch)


def _has_parent(scan: Scan, row: RowData | None, dependencies: Dependencies, batch: ChangeBatch) -> bool:
    assert row is not None
    if scan.parent_key:
        return row[scan.parent_key.column] in dependencies.row_ids.get(scan.parent_key.table, _NO_ROWS)
    if scan.link_path:
        links = batch.links.get((scan.link_path.table, scan.link_path.target_column), {}).get(row["id"], ())
        if links is None:
            return True
        displayed = dependencies.row_ids.get(scan.link_path.parent_key.table, _NO_ROWS)
        return any(link[scan.link_path.parent_key.column] in displayed for link in links)
    return True


def _meets_all(predicates: Iterable[Predicate], row: RowData) -> bool:
    """True if the row meets all conditions, as far as its columns are known."""
    return all(column not in row or _OPERATORS[op](row[column], value) for column, op, value in predicates)


def _false_for_null(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    return lambda column, value: column is not None and compare(column, value)


def _is_in_languages(column: Any, ranges: Any) -> bool:
    """As `language_rank_sql`: whether the language is one of the ranges or more specific than one."""
    language = str(column).lower()
    return any(item in (ANY_LANGUAGE, language) or language.startswith(f"{item}-") for item in ranges)


# As in the SQL of planner/filters.py: NULL meets no operator but `ne` and `notIn`.
_OPERATORS: Mapping[str, Callable[[Any, Any], bool]] = {
    "eq": lambda column, value: column is not None and column == value,
    "ne": lambda column, value: column is None or column != value,
    "in": lambda column, value: column is not None and column in value,
    "notIn": lambda column, value: column is None or column not in value,
    "lt": _false_for_null(lambda column, value: bool(column < value)),
    "lte": _false_for_null(lambda column, value: bool(column <= value)),
    "gt": _false_for_null(lambda column, value: bool(column > value)),
    "gte": _false_for_null(lambda column, value: bool(column >= value)),
    "language": _false_for_null(_is_in_languages),
}
