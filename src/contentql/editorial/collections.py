"""Collections: create, update, pin articles, delete."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from contentql.content import derive
from contentql.content.ids import new_id
from contentql.content.records import (
    CollectionItemRecord,
    StoryRecord,
)
from contentql.editorial import references, validation
from contentql.editorial.context import EditContext, Input, WriteResult
from contentql.editorial.rows import required, row_slug
from contentql.editorial.user_errors import ErrorCollector, UserErrorCode, user_error
from contentql.store.article_records import record_columns
from contentql.store.article_writer import replace_rows
from contentql.store.models.collections import Collection, CollectionItem


async def create_collection(context: EditContext, input: Input) -> WriteResult:
    return await _collection(context, input, None)


async def update_collection(context: EditContext, input: Input) -> WriteResult:
    return await _collection(
        context,
        input,
        await references.find_by_reference(context, "collection", input["id"], "id", hold=True),
    )


async def _collection(context: EditContext, input: Input, row: Any) -> WriteResult:
    required(input, "title", row)
    slug = await row_slug(input, row, Collection, input.get("title", ""))
    most = input.get("maxItems", row.max_items if row else None)
    if most is not None and not 1 <= most < 1 << 15:
        raise user_error(
            UserErrorCode.INVALID, "maxItems must be a whole number from 1 to 32,767.", "maxItems"
        )
    title = input.get("title", row.title if row else "")
    story = validation.build_record(
        StoryRecord, {"slug": slug, "title": title, "description": None}
    )  # title and slug follow the rules of stories
    values = {
        "slug": story.slug,
        "title": story.title,
        "sort_name": derive.sort_name(story.title),
        "description": input.get("description", row.description if row else None),
        "max_items": most,
    }
    if row is None:
        row = await Collection.create(id=new_id(), **values)
    else:
        await row.update_from_dict(values).save()
    if input.get("items") is None and most is not None:
        count = await CollectionItem.filter(collection_id=row.id).count()
        if count > most:
            raise user_error(
                UserErrorCode.TOO_LONG,
                f"maxItems must be at least {count}, the number of articles in the collection.",
                "maxItems",
                "Send items with the articles that remain.",
            )
    if input.get("items") is not None:
        await _items(context, row, input["items"])
    return WriteResult("collection", row.id)


async def _items(context: EditContext, row: Collection, entries: Sequence[Mapping[str, Any]]) -> None:
    errors = ErrorCollector()
    items: list[dict[str, Any]] = []
    for n, one in enumerate(entries):
        where = f"items.{n}"
        article = await errors.run(references.find_article(context, one["article"], f"{where}.article"))
        media = one.get("media")
        number = (
            None
            if media is None
            else await errors.run(references.find_media_id(context, media, f"{where}.media"))
        )
        if article is None:
            continue
        if any(existing["article_id"] == article.id for existing in items):
            errors.add(UserErrorCode.TAKEN, "items must not name an article twice.", f"{where}.article")
            continue
        values = {
            "article": article.uri,
            "pinned_until": one.get("pinnedUntil"),
            "headline": one.get("headline"),
            "media": number,
        }
        with errors.collecting(where):
            shaped = validation.build_record(CollectionItemRecord, values)
            items.append(
                {
                    **record_columns(shaped, CollectionItem),
                    "article_id": article.id,
                    "media_id": number,
                    "position": n,
                }
            )
    errors.raise_if_any()
    if row.max_items is not None and len(items) > row.max_items:
        raise user_error(
            UserErrorCode.TOO_LONG, f"items must have at most {row.max_items} articles (maxItems).", "items"
        )
    await replace_rows(CollectionItem, {"collection_id": row.id}, items)


async def pin_article(context: EditContext, input: Input) -> WriteResult:
    """Pins an article at a position of a collection until a time; the other articles keep their order."""
    row = await references.find_by_reference(context, "collection", input["id"], "id", hold=True)
    article = await references.find_article(context, input["article"], "article")
    until = input.get("until")
    if until is not None and until <= context.now:
        raise user_error(UserErrorCode.INVALID_TIME, "until must be in the future.", "until")
    existing = await CollectionItem.filter(collection_id=row.id).order_by("position", "id")
    mine = next((one for one in existing if one.article_id == article.id), None)  # type: ignore[attr-defined]
    others = [one for one in existing if one is not mine]
    items: list[Any] = list(others)
    mine = mine or CollectionItem(collection_id=row.id, article_id=article.id)
    mine.pinned_until = until  # type: ignore[assignment]
    items.insert(validation.position_argument(input) or 0, mine)
    if row.max_items is not None:
        items = items[: row.max_items]
    rows = [
        {
            "article_id": one.article_id,
            "media_id": one.media_id,
            "headline": one.headline,
            "pinned_until": one.pinned_until,
            "position": n,
        }
        for n, one in enumerate(items)
    ]
    await replace_rows(CollectionItem, {"collection_id": row.id}, rows)
    return WriteResult("collection", row.id)


async def delete_collection(context: EditContext, input: Input) -> WriteResult:
    row = await references.find_by_reference(context, "collection", input["id"], "id", hold=True)
    await row.delete()
    return WriteResult("collection", row.id)
