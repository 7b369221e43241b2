"""Which answers showed which rows, and which rows a change touches, said in the same words.

Knows plans and changes. Does not know HTTP, Redis or SQL.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import orjson

from contentql.errors import Refused
from contentql.planner.operation import Variables
from contentql.planner.read_set import ANY, Ends, Marked, Near, Page, Reads, Scan, Way
from contentql.planner.visibility import OWN_COLUMNS, can_be_seen
from contentql.store.change_log import Change, Row, instants

_NONE: frozenset[str] = frozenset()
_NO_ROWS: frozenset[int] = frozenset()

# A condition with the value it had: column, operator, value. Times are instants.
Met = tuple[str, str, Any]


@dataclass(frozen=True)
class Looked:
    """A scan with the values that its conditions had."""

    scan: Scan
    met: tuple[Met, ...]


@dataclass(frozen=True)
class Rests:
    """What one answer rests on: change none of it, and the answer stays the same."""

    looked: tuple[Looked, ...]
    shown: Mapping[str, frozenset[str]]
    rows: Mapping[str, frozenset[int]]
    ends: Ends

    @cached_property
    def by_table(self) -> Mapping[str, Sequence[Looked]]:
        found: dict[str, list[Looked]] = {}
        for one in self.looked:
            found.setdefault(one.scan.table, []).append(one)
        return found

    @cached_property
    def by_way(self) -> Mapping[str, Sequence[Looked]]:
        found: dict[str, list[Looked]] = {}
        for one in self.looked:
            if one.scan.way:
                found.setdefault(one.scan.way.table, []).append(one)
        return found

    @cached_property
    def tables(self) -> frozenset[str]:
        """A change of a row of any other table cannot touch the answer."""
        return frozenset((*self.by_table, *self.by_way, *self.rows))

    def written(self) -> bytes:
        """As JSON, for a cache outside this process."""
        return orjson.dumps(
            {
                "looked": [_plain(one) for one in self.looked],
                "shown": {table: sorted(columns) for table, columns in self.shown.items()},
                "rows": {table: sorted(rows) for table, rows in self.rows.items()},
                "ends": [[*place, *end] for place, end in self.ends.items()],
            }
        )


def rests(reads: Reads, variables: Variables, marked: Marked) -> Rests:
    looked = tuple(Looked(scan, tuple(_values(scan, variables))) for scan in reads.scans)
    return Rests(looked, reads.shown, marked.asked, marked.ends)


def _values(scan: Scan, variables: Variables) -> Iterator[Met]:
    for test in scan.tests:
        try:
            yield test.column, test.op, test.convert(test.value.value(variables))
        except Refused:  # a value that cannot be used, in a part of the answer that did not use it
            continue


def read(text: bytes) -> Rests:
    said = orjson.loads(text)
    return Rests(
        tuple(_looked(one) for one in said["looked"]),
        {table: frozenset(columns) for table, columns in said["shown"].items()},
        {table: frozenset(rows) for table, rows in said["rows"].items()},
        {(number, near): (count, tuple(keys)) for number, near, count, keys in said["ends"]},
    )


def _plain(one: Looked) -> list[Any]:
    scan = one.scan
    way = [scan.way.table, scan.way.far, scan.way.near.column, scan.way.near.table] if scan.way else None
    near = [scan.near.column, scan.near.table] if scan.near else None
    page = [scan.page.number, scan.page.size, scan.page.keys] if scan.page else None
    other, order = sorted(scan.other), sorted(scan.order)
    return [scan.table, one.met, other, order, scan.seen, near, way, scan.flips, page]


def _looked(said: Sequence[Any]) -> Looked:
    table, met, other, order, seen, near, way, flips, page = said
    scan = Scan(
        table,
        (),
        frozenset(other),
        frozenset(order),
        seen,
        Near(*near) if near else None,
        Way(way[0], way[1], Near(way[2], way[3])) if way else None,
        flips,
        Page(page[0], page[1], tuple((column, down) for column, down in page[2])) if page else None,
    )

    def value(column: str, found: Any) -> Any:
        return instants(table, {column: found})[column] if isinstance(found, str) else found

    return Looked(
        scan,
        tuple(
            (c, op, [value(c, one) for one in found] if isinstance(found, list) else value(c, found))
            for c, op, found in met
        ),
    )


@dataclass(frozen=True)
class Batch:
    """Changes that are looked at together, and what must be known of their neighbours.

    `links`: by link table and far column, which rows each far row is linked with, by column; None where
    they are too many to say. `articles`: of the articles named by the changes, the versions that could be
    seen in their time.
    """

    changes: Sequence[Change]
    now: dt.datetime
    links: Mapping[tuple[str, str], Mapping[int, Sequence[Row] | None]] = field(default_factory=dict)
    articles: Mapping[int, Sequence[Row]] = field(default_factory=dict)

    @cached_property
    def tables(self) -> frozenset[str]:
        return frozenset(change.table for change in self.changes)


def touched(rests: Rests, batch: Batch) -> bool:
    """Whether the answer could be another after these changes."""
    return not rests.tables.isdisjoint(batch.tables) and any(
        _touches(change, rests, batch) for change in batch.changes
    )


def _touches(change: Change, rests: Rests, batch: Batch) -> bool:
    table = change.table
    if change.row in rests.rows.get(table, _NO_ROWS):
        if change.columns is None or change.columns & rests.shown.get(table, _NONE):
            return True
        if change.columns & OWN_COLUMNS.get(table, _NONE) and (
            seen_before(change, batch) != seen_after(change, batch)
        ):
            return True
    looked, ways = rests.by_table.get(table, ()), rests.by_way.get(table, ())
    if not looked and not ways:
        return False
    if not _of_a_seen_article(change, batch):
        return False
    return any(_moves(change, one, rests, batch) for one in looked) or any(
        _relinks(change, one, rests, batch) for one in ways
    )


def _of_a_seen_article(change: Change, batch: Batch) -> bool:
    """Rows that hang on an article cannot matter before it can be seen."""
    if change.table == "article":
        return True
    for column in ("article_id", "related_id"):
        owners = {row[column] for row in (change.before, change.after) if row and column in row}
        if owners and not any(batch.articles.get(owner) for owner in owners):
            return False
    return True


def _moves(change: Change, one: Looked, rests: Rests, batch: Batch) -> bool:
    """Whether a row comes into what was looked at, leaves it, or may stand elsewhere in it."""
    scan = one.scan
    own = OWN_COLUMNS.get(change.table, _NONE) if scan.seen else _NONE
    if scan.flips:
        if change.columns is not None and not change.columns & own:
            return False
        return seen_before(change, batch) != seen_after(change, batch) and _near(
            scan, change.after or change.before, rests, batch
        )
    if change.table == "article_body" and change.columns is None:
        return False  # it comes and goes with its article, which is noticed as such
    decides = scan.other | scan.order
    if change.columns is not None and scan.other != ANY:
        relevant = decides | own | {column for column, _, _ in one.met}
        if scan.near:
            relevant = relevant | {scan.near.column}
        if not change.columns & relevant:
            return False
    before = _belongs(one, change.before, seen_before(change, batch), rests, batch)
    after = _belongs(one, change.after, seen_after(change, batch), rests, batch)
    if before == after and not (
        before and (change.columns is None or scan.other == ANY or change.columns & decides)
    ):
        return False
    versions = [row for row, there in ((change.before, before), (change.after, after)) if there]
    return not all(_behind_the_end(scan, row, rests, batch) for row in versions)


def _behind_the_end(scan: Scan, row: Row | None, rests: Rests, batch: Batch) -> bool:
    """Whether the row stands behind what was shown of every list that it is in."""
    if scan.page is None or row is None:
        return False
    if scan.near:
        places: Sequence[int] = [row[scan.near.column]]
    elif scan.way:
        links = batch.links.get((scan.way.table, scan.way.far), {}).get(row["id"], ())
        if links is None:
            return False
        marked = rests.rows.get(scan.way.near.table, _NO_ROWS)
        places = [near for link in links if (near := link[scan.way.near.column]) in marked]
    else:
        places = [0]
    return all(_behind(scan.page, place, row, rests) for place in places)


def _behind(page: Page, place: int, row: Row, rests: Rests) -> bool:
    count, last = rests.ends.get((page.number, place), (0, ()))
    if count < page.size:
        return False
    for (column, down), said in zip(page.keys, last, strict=True):
        value = row.get(column)
        if value is None:
            return False
        end = _like(value, said)
        if value != end:
            return bool(value < end) if down else bool(value > end)
    return False


def _like(value: Any, said: str) -> Any:
    """A key as its mark spells it, as a value of the same kind."""
    if isinstance(value, dt.datetime):
        return dt.datetime.fromisoformat(said)
    return int(said) if isinstance(value, int) else bytes.fromhex(said).decode()


def _relinks(change: Change, one: Looked, rests: Rests, batch: Batch) -> bool:
    """Whether a link comes, goes or moves that the answer's lists were reached through."""
    scan = one.scan
    assert scan.way is not None
    marked = rests.rows.get(scan.way.near.table, _NO_ROWS)
    for row in (change.before, change.after):
        if row is None or row[scan.way.near.column] not in marked:
            continue
        if not can_be_seen(change.table, row, batch.now):
            continue
        if scan.table != "article":
            return True
        near: int = row[scan.way.near.column]
        for version in batch.articles.get(row[scan.way.far], ()):
            behind = scan.page and _behind(scan.page, near, version, rests)
            if _met(one.met, version) and not behind:
                return True
    return False


def seen_before(change: Change, batch: Batch) -> bool:
    return change.before is not None and can_be_seen(change.table, change.before, change.was or batch.now)


def seen_after(change: Change, batch: Batch) -> bool:
    return change.after is not None and can_be_seen(change.table, change.after, batch.now)


def _belongs(one: Looked, row: Row | None, seen: bool, rests: Rests, batch: Batch) -> bool:
    if row is None or (one.scan.seen and not seen):
        return False
    return _met(one.met, row) and _near(one.scan, row, rests, batch)


def _near(scan: Scan, row: Row | None, rests: Rests, batch: Batch) -> bool:
    assert row is not None
    if scan.near:
        return row[scan.near.column] in rests.rows.get(scan.near.table, _NO_ROWS)
    if scan.way:
        links = batch.links.get((scan.way.table, scan.way.far), {}).get(row["id"], ())
        if links is None:
            return True
        marked = rests.rows.get(scan.way.near.table, _NO_ROWS)
        return any(link[scan.way.near.column] in marked for link in links)
    return True


def _met(conditions: Iterable[Met], row: Row) -> bool:
    """Whether the row meets them all; what it does not say may well be met."""
    return all(column not in row or _OPERATORS[op](row[column], value) for column, op, value in conditions)


def _compared(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    return lambda found, value: found is not None and compare(found, value)


# As planner/filters.py says them in SQL: what is missing meets nothing but `ne` and `notIn`.
_OPERATORS: Mapping[str, Callable[[Any, Any], bool]] = {
    "eq": lambda found, value: found is not None and found == value,
    "ne": lambda found, value: found is None or found != value,
    "in": lambda found, value: found is not None and found in value,
    "notIn": lambda found, value: found is None or found not in value,
    "lt": _compared(lambda found, value: bool(found < value)),
    "lte": _compared(lambda found, value: bool(found <= value)),
    "gt": _compared(lambda found, value: bool(found > value)),
    "gte": _compared(lambda found, value: bool(found >= value)),
}
