"""Collections: create, update, pin articles, delete."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from contentql.content import derive
from contentql.content.enums import Status
from contentql.content.ids import encode_id, new_id
from contentql.content.records import (
    CollectionItemRecord,
    StoryRecord,
)
from contentql.editorial import references, validation
from contentql.editorial.context import EditContext, Input, WriteResult
from contentql.editorial.former_names import record_former_slug
from contentql.editorial.rows import required, row_slug
from contentql.editorial.user_errors import ErrorCollector, UserErrorCode, user_error
from contentql.planner.visibility import VISIBILITY_COLUMNS, article_status_at
from contentql.store.article_records import record_columns
from contentql.store.collection_writer import save_collection_items
from contentql.store.models.articles import Article
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
        "sort_name": derive.sort_key(story.title),
        "description": input.get("description", row.description if row else None),
        "max_items": most,
    }
    if row is None:
        row = await Collection.create(id=new_id(), **values)
    else:
        await record_former_slug(row, story.slug, context.now)
        await row.update_from_dict(values).save()
    if input.get("items") is not None:
        await _items(context, row, input["items"])
    return await _write_result(context, row)


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
                }
            )
    errors.raise_if_any()
    await save_collection_items(row.id, items)


async def pin_article(context: EditContext, input: Input) -> WriteResult:
    """Pins an article at a position of a collection until a time; the other articles keep their order.

    Nothing is deleted from a full collection: readers see its first `max_items` visible items.
    """
    row = await references.find_by_reference(context, "collection", input["id"], "id", hold=True)
    article = await references.find_article(context, input["article"], "article")
    until = input.get("until")
    if until is not None and until <= context.now:
        raise user_error(UserErrorCode.INVALID_TIME, "until must be in the future.", "until")
    items = await _items_in_order(context, row)
    pinned = next((item for item in items if item.article_id == article.id), None)
    items = [item for item in items if item is not pinned]
    pinned = pinned or CollectionItem(collection_id=row.id, article_id=article.id)
    pinned.pinned_until = until
    items.insert(validation.position_argument(input) or 0, pinned)
    columns = ("article_id", "media_id", "headline", "pinned_until")
    await save_collection_items(row.id, [{name: getattr(item, name) for name in columns} for item in items])
    return await _write_result(context, row)


async def _items_in_order(context: EditContext, row: Collection) -> list[Any]:
    """The items of a collection with their articles, in the order in which they are read."""
    items: list[Any] = await CollectionItem.filter(collection_id=row.id).select_related("article")

    def key(item: Any) -> tuple[bool, int, int]:
        has_ended = item.pinned_until is not None and item.pinned_until <= context.now
        return has_ended, item.position, item.id

    return sorted(items, key=key)


async def _write_result(context: EditContext, row: Collection) -> WriteResult:
    """The result of a write, with the articles beyond `max_items`: unpublished ones count as well."""
    articles = [item.article for item in await _items_in_order(context, row)]
    ids = [encode_id("article", article.id) for article in articles if _can_be_public(context, article)]
    surplus = [] if row.max_items is None else ids[row.max_items :]
    return WriteResult("collection", row.id, payload={"surplusArticleIds": surplus})


def _can_be_public(context: EditContext, article: Article) -> bool:
    """Returns whether readers see the article, or will when its time or its approval comes."""
    columns = {name: getattr(article, name) for name in VISIBILITY_COLUMNS["article"]}
    never = (Status.EXPIRED, Status.WITHDRAWN, Status.ARCHIVED)
    return article.deleted_at is None and article_status_at(columns, context.now) not in never


async def delete_collection(context: EditContext, input: Input) -> WriteResult:
    row = await references.find_by_reference(context, "collection", input["id"], "id", hold=True)
    await row.delete()
    return WriteResult("collection", row.id)
