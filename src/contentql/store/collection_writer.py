"""Writes the items of a collection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from contentql.store.models.collections import CollectionItem


async def save_collection_items(collection_id: int, rows: Sequence[Mapping[str, Any]]) -> None:
    """Makes `rows` the items of a collection, in this order; each row has the columns of one item.

    The item of an article that remains is updated in place. It keeps its id, by which cached responses know
    it, so that inserting a hidden item before it changes nothing that they show.
    """
    stored: dict[int, Any] = {
        item.article_id: item  # type: ignore[attr-defined]
        for item in await CollectionItem.filter(collection_id=collection_id)
    }
    added: list[CollectionItem] = []
    for position, row in enumerate(rows):
        values = {**row, "position": position}
        item = stored.pop(values["article_id"], None)
        if item is None:
            added.append(CollectionItem(collection_id=collection_id, **values))
            continue
        changed = [name for name, value in values.items() if getattr(item, name) != value]
        if changed:
            await item.update_from_dict(values).save(update_fields=changed)
    if stored:
        await CollectionItem.filter(id__in=[item.id for item in stored.values()]).delete()
    await CollectionItem.bulk_create(added)
