"""Changes of the items that readers see in collections.

A collection shows the first `max_items` of its visible items. What readers see of it changes with any of its
items, with its limit, with the visibility of any of its articles, and with time; it does not change when a
hidden item is inserted and the others are renumbered. Only a comparison of the whole list before and after
each write shows which items appeared, left or moved. Comparing only the ends of a batch would miss an item
that was moved and moved back, and with it the responses that were computed in between.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from contentql.planner.visibility import is_publicly_visible
from contentql.store.change_log import ChangeLogTruncated, RowChange, RowData

ItemLists = Mapping[int, Mapping[int, RowData]]


_MAX_COMPARED_ITEMS = 200_000


class Collections:
    """Collections at one time: their items and limits, and the ids of the articles that were visible then.

    `limits`: `max_items` by the id of the collection.
    """

    def __init__(
        self,
        items: Iterable[RowData],
        limits: Mapping[int, int | None],
        visible_articles: Iterable[int],
        time: dt.datetime,
    ) -> None:
        self._items: dict[int, dict[int, RowData]] = {id: {} for id in limits}
        for item in items:
            self._items.setdefault(item["collection_id"], {})[item["id"]] = item
        self._limits = dict(limits)
        self._visible_articles = set(visible_articles)
        self._time = time

    def shown_items(self) -> dict[int, Mapping[int, RowData]]:
        """By collection, the items that readers see, by id and in their order."""
        return {id: self._shown_items(id) for id in self._items}

    def earlier_lists(self, writes: Sequence[RowChange]) -> Iterator[ItemLists]:
        """The lists that readers saw before each of the writes, the last write first.

        The writes are in the order of the change log, and lead to the collections as they are. Only the
        collections that a write affects are in its lists. Undoes the writes. Raises ChangeLogTruncated if
        there are too many items to compare.
        """
        compared = 0
        for change in reversed(writes):
            affected = self._undo(change)
            compared += sum(len(self._items[id]) for id in affected)
            if compared > _MAX_COMPARED_ITEMS:
                raise ChangeLogTruncated
            yield {id: self._shown_items(id) for id in affected}

    def _undo(self, change: RowChange) -> Collection[int]:
        """Restores the state before a write. Returns the ids of the collections that it affects."""
        row = change.before
        if change.table == "collection":
            if row is None or change.row not in self._items:
                return ()
            self._limits[change.row] = row["max_items"]
            return (change.row,)
        if change.table == "article":
            visible = row is not None and is_publicly_visible("article", row, self._time)
            if visible == (change.row in self._visible_articles):
                return ()
            (self._visible_articles.add if visible else self._visible_articles.discard)(change.row)
            return [id for id in self._items if self._contains(id, change.row)]
        if change.table != "collection_item":
            return ()
        affected = {version["collection_id"] for version in (row, change.after) if version}
        for id in affected:
            self._items.setdefault(id, {}).pop(change.row, None)
        if row is not None:
            self._items[row["collection_id"]][change.row] = row
        return affected

    def _contains(self, collection: int, article: int) -> bool:
        return any(item["article_id"] == article for item in self._items[collection].values())

    def _shown_items(self, collection: int) -> Mapping[int, RowData]:
        visible = (i for i in self._items[collection].values() if i["article_id"] in self._visible_articles)
        shown = sorted(visible, key=self._order)[: self._limits.get(collection)]
        return {item["id"]: item for item in shown}

    def _order(self, item: RowData) -> tuple[bool, int, int]:
        # As `planner.visibility` orders them in SQL.
        pinned_until = item["pinned_until"]
        return pinned_until is not None and pinned_until <= self._time, item["position"], item["id"]


def item_changes(before: ItemLists, after: ItemLists) -> list[RowChange]:
    """The items that appeared, left, changed or moved among the others, as changes of their rows.

    Compares the collections of `before`.
    """
    changes: list[RowChange] = []
    for collection, old in before.items():
        new = after.get(collection, {})
        place = {id: n for n, id in enumerate(id for id in new if id in old)}
        for n, id in enumerate(id for id in old if id in new):
            columns = {name for name in new[id] if new[id][name] != old[id][name]} - {"position"}
            if place[id] != n:
                columns.add("position")
            if columns:
                changes.append(RowChange("collection_item", id, old[id], new[id], frozenset(columns)))
        changes += [RowChange("collection_item", id, old[id], None, None) for id in old if id not in new]
        changes += [RowChange("collection_item", id, None, new[id], None) for id in new if id not in old]
    return changes
