"""Writes the items of a collection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from contentql.store.models.collections import CollectionItem


async def save_collection_items(collection_id: int, rows: Sequence[Mapping[str, Any]]) -> None:
    """Makes `rows` the items of a collection, in this order; each row has the columns of one item.

    The item of an article that remains is updated in place. It keeps its id, by which cached responses know
    it, so that inserting a hidden item before it changes nothing that they show. For the same reason, items
    that keep their order keep it after each single write: those that move down are written from the last to
    the first, then those that move up from the first to the last.
    """
    stored: dict[int, Any] = {
        item.article_id: item  # type: ignore[attr-defined]
        for item in await CollectionItem.filter(collection_id=collection_id)
    }
    added: list[CollectionItem] = []
    updates: list[tuple[CollectionItem, Mapping[str, Any]]] = []
    for position, row in enumerate(rows):
        values = {**row, "position": position}
        item = stored.pop(values["article_id"], None)
        if item is None:
            added.append(CollectionItem(collection_id=collection_id, **values))
        else:
            updates.append((item, values))
    moved_down = [update for update in updates if update[1]["position"] > update[0].position]
    others = [update for update in updates if update[1]["position"] <= update[0].position]
    if stored:
        await CollectionItem.filter(id__in=[item.id for item in stored.values()]).delete()
    for item, values in (*reversed(moved_down), *others):
        changed = [name for name, value in values.items() if getattr(item, name) != value]
        if changed:
            await item.update_from_dict(values).save(update_fields=changed)
    await CollectionItem.bulk_create(added)
