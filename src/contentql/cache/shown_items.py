"""Changes of the items that readers see in collections.

A collection shows the first `max_items` of its visible items. What readers see of it changes with any of its
items, with its limit, with the visibility of any of its articles, and with time; it does not change when a
hidden item is inserted and the others are renumbered. Only a comparison of the whole list before and after
shows which items appeared, left or moved.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from contentql.store.change_log import RowChange, RowData

_TABLE = "collection_item"

ItemLists = Mapping[int, Mapping[int, RowData]]


@dataclass(frozen=True)
class Collections:
    """Collections at one time: their items, their limits by id, and the ids of the visible articles."""

    items: Iterable[RowData]
    limits: Mapping[int, int | None]
    visible_articles: frozenset[int]
    time: dt.datetime

    def shown_items(self) -> ItemLists:
        """By collection, the items that readers see, by id and in their order."""
        lists: dict[int, dict[int, RowData]] = {}
        for item in sorted(self.items, key=self._order):
            if item["article_id"] not in self.visible_articles:
                continue
            shown = lists.setdefault(item["collection_id"], {})
            limit = self.limits.get(item["collection_id"])
            if limit is None or len(shown) < limit:
                shown[item["id"]] = item
        return lists

    def _order(self, item: RowData) -> tuple[bool, int, int]:
        # As `planner.visibility` orders them in SQL.
        pinned_until = item["pinned_until"]
        return pinned_until is not None and pinned_until <= self.time, item["position"], item["id"]


def undo_changes(items: Iterable[RowData], changes: Iterable[RowChange]) -> list[RowData]:
    """The items before the changes of their rows, which are in the order of the change log."""
    rows = {item["id"]: item for item in items}
    for change in reversed([one for one in changes if one.table == _TABLE]):
        if change.before is None:
            rows.pop(change.row, None)
        else:
            rows[change.row] = change.before
    return list(rows.values())


def item_changes(before: ItemLists, after: ItemLists) -> list[RowChange]:
    """The items that appeared, left, changed or moved among the others, as changes of their rows."""
    changes: list[RowChange] = []
    for collection in {**before, **after}:
        old, new = before.get(collection, {}), after.get(collection, {})
        place = {id: n for n, id in enumerate(id for id in new if id in old)}
        for n, id in enumerate(id for id in old if id in new):
            columns = {name for name in new[id] if new[id][name] != old[id][name]} - {"position"}
            if place[id] != n:
                columns.add("position")
            if columns:
                changes.append(RowChange(_TABLE, id, old[id], new[id], frozenset(columns)))
        changes += [RowChange(_TABLE, id, old[id], None, None) for id in old if id not in new]
        changes += [RowChange(_TABLE, id, None, new[id], None) for id in new if id not in old]
    return changes
