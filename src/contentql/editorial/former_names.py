"""Former slugs and paths of taxonomy: recorded when a row is renamed or merged, and looked up."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection as AnyCollection
from collections.abc import Sequence
from typing import Any

from tortoise.models import Model

from contentql.store.models.collections import Collection
from contentql.store.models.taxonomy import Author, FormerSlug, PathHistory, Source, Story, Tag

_RENAMED: dict[type[Model], str] = {
    Tag: "tag_id",
    Author: "author_id",
    Source: "source_id",
    Story: "story_id",
    Collection: "collection_id",
}


async def record_former_slug(row: Any, slug: str, now: dt.datetime) -> None:
    """Records the present slug of a row as a former one, before `slug` replaces it.

    Rows of models without former slugs, and unchanged slugs, are ignored.
    """
    column = _RENAMED.get(type(row))
    if column is None or row.slug == slug:
        return
    await FormerSlug.filter(**{column: row.id, "slug": slug}).delete()  # the row gets an old slug back
    same = {"tag__type": row.type} if isinstance(row, Tag) else {f"{column}__isnull": False}
    earlier = await FormerSlug.filter(slug=row.slug, **same).values_list("id", flat=True)
    await FormerSlug.filter(id__in=earlier).delete()  # a slug leads to the row that had it last
    await FormerSlug.create(**{column: row.id}, slug=row.slug, until=now)


async def record_merge(into: Any, merged: Sequence[Any], now: dt.datetime) -> None:
    """Makes ids, slugs and former slugs of merged rows, before their deletion, lead to the row `into`."""
    column = _RENAMED[type(into)]
    numbers = [row.id for row in merged]
    await FormerSlug.filter(**{f"{column}__in": numbers}).update(**{column: into.id})
    for row in merged:
        await FormerSlug.create(**{column: into.id}, slug=row.slug, until=now)
        await FormerSlug.create(**{column: into.id}, merged_id=row.id, until=now)


async def find_by_former_name(model: type[Model], name: str) -> int | None:
    """The id of the row that had a slug or path last, if it no longer has it; not for tags."""
    if column := _RENAMED.get(model):
        rows = FormerSlug.filter(slug=name, **{f"{column}__isnull": False})
        values = await rows.order_by("-until", "-id").limit(1).values_list(column, flat=True)
    else:
        values = await PathHistory.filter(path=name).values_list("category_id", flat=True)
    return values[0] if values else None  # type: ignore[return-value]


async def find_merged(model: type[Model], numbers: AnyCollection[int]) -> dict[int, int]:
    """The ids of the rows into which rows with these ids were merged, by merged id."""
    column = _RENAMED.get(model)
    if column is None or not numbers:
        return {}
    rows = FormerSlug.filter(merged_id__in=list(numbers), **{f"{column}__isnull": False})
    return dict(await rows.values_list("merged_id", column))
