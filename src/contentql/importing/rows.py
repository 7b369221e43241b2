"""Import of records of any type but article: one row each, matched by its id or natural key."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from pydantic.alias_generators import to_camel
from tortoise.models import Model

from contentql.content.ids import encode_id, new_id
from contentql.content.records import (
    ArticleRecord,
    AuthorRecord,
    CategoryRecord,
    CollectionItemRecord,
    CollectionRecord,
    MediaRecord,
    Record,
    SourceRecord,
    StoryRecord,
    TagRecord,
)
from contentql.importing.history import find_desk_entry
from contentql.importing.publishing import ImportConflict, RecordRejected
from contentql.importing.report import SaveResult, WrittenRow
from contentql.store import article_records
from contentql.store.article_records import ids_by_key
from contentql.store.article_writer import require_media
from contentql.store.collection_writer import save_collection_items
from contentql.store.models.articles import Article
from contentql.store.models.collections import Collection, CollectionItem
from contentql.store.models.taxonomy import Author, Category, Media, Source, Story, Tag


async def save_record(record: Record, now: dt.datetime) -> SaveResult:
    """Stores a record of any type but article."""
    match record:
        case CategoryRecord():
            return await _save_category(record)
        case SourceRecord():
            parents = await ids_by_key(Source, "slug", [record.parent] if record.parent else [], "source")
            parent = {"parent_id": parents.get(record.parent)}
            return await _save_row(record, Source, {"slug": record.slug}, parent, name=record.name)
        case MediaRecord():
            defaults = {} if record.created_at else {"created_at": now}
            return await _save_row(record, Media, {"url": record.url}, {}, defaults=defaults)
        case AuthorRecord():
            await require_media([record.image])
            image = {"image_id": record.image}
            return await _save_row(record, Author, {"slug": record.slug}, image, name=record.name)
        case TagRecord():
            tags = await article_records.tag_ids([record.broader] if record.broader else [])
            broader = {"broader_id": tags[record.broader] if record.broader else None}
            key = {"type": record.type, "slug": record.slug}
            return await _save_row(record, Tag, key, broader, name=record.name)
        case StoryRecord():
            return await _save_row(record, Story, {"slug": record.slug}, {}, name=record.title)
        case CollectionRecord():
            return await _save_collection(record)
        case ArticleRecord():
            raise AssertionError("articles are stored by `article_import`")


async def _save_row(
    record: Any,
    model: type[Model],
    key: dict[str, Any],
    references: dict[str, Any],
    *,
    name: str | None = None,
    defaults: dict[str, Any] | None = None,
) -> SaveResult:
    """Stores a record that is one row, matched by its id or key, if anything differs."""
    values = {**article_records.record_columns(record, model), **references}
    if name is not None:
        values.update(article_records.name_columns(model, name, values))
    row = await model.get_or_none(id=record.id) if record.id else None
    row = row or await model.filter(**key).order_by("id").first()
    if row is None:
        row = await model.create(id=record.id or new_id(), **{**values, **(defaults or {})})
        return SaveResult("created", written=_written(row))
    for column in defaults or {}:
        del values[column]
    changed = sorted(to_camel(column) for column, value in values.items() if getattr(row, column) != value)
    if not changed:
        return SaveResult("unchanged")
    await _require_unchanged_by_desk(row, changed)
    await row.update_from_dict(values).save()
    return SaveResult("updated", ", ".join(changed), written=_written(row))


def _written(row: Any) -> WrittenRow:
    return WrittenRow(encode_id(row._meta.db_table, row.id))


async def _require_unchanged_by_desk(row: Any, changed: Sequence[str]) -> None:
    """Raises ImportConflict if an account of the desk has changed the row since the last import."""
    if entry := await find_desk_entry(_written(row).target_id):
        raise ImportConflict(
            f"the desk has changed the row since the last import ({entry.by}, {entry.action},"
            f" {entry.at:%Y-%m-%d %H:%M:%S}Z); the record differs from it in {', '.join(changed)}"
        )


async def _save_category(record: CategoryRecord) -> SaveResult:
    parent, _, slug = record.path.rpartition("/")
    parents = await ids_by_key(Category, "path", [parent] if parent else [], "category")
    existing = await Category.get_or_none(id=record.id) if record.id else None
    if existing is not None and existing.path != record.path:
        raise RecordRejected(
            f"the section {encode_id('category', existing.id)} has the path {existing.path!r}; "
            f"move the section to {record.path!r} first"
        )
    columns = {"parent_id": parents.get(parent), "slug": slug, "depth": record.path.count("/")}
    return await _save_row(record, Category, {"path": record.path}, columns, name=record.name)


async def _save_collection(record: CollectionRecord) -> SaveResult:
    article_ids = await ids_by_key(Article, "uri", [item.article for item in record.items], "article")
    await require_media(item.media for item in record.items)
    saved = await _save_row(record, Collection, {"slug": record.slug}, {}, name=record.title)
    row = await Collection.get(slug=record.slug)
    if saved.result != "created":
        if (await collection_items([row]))[row.id] == record.items:
            return saved
        if not saved.written:
            await _require_unchanged_by_desk(row, ["items"])
        reason = ", ".join(filter(None, (saved.reason, "items")))
        saved = replace(saved, result="updated", reason=reason, written=_written(row))
    await save_collection_items(
        row.id,
        [
            {
                **article_records.record_columns(item, CollectionItem),
                "article_id": article_ids[item.article],
                "media_id": item.media,
            }
            for item in record.items
        ],
    )
    return saved


async def collection_items(rows: Sequence[Collection]) -> dict[int, tuple[CollectionItemRecord, ...]]:
    """The items of collections, by collection id."""
    items_by_collection: dict[int, list[CollectionItemRecord]] = {row.id: [] for row in rows}
    for item in (
        await CollectionItem.filter(collection_id__in=list(items_by_collection))
        .order_by("position", "id")
        .values("collection_id", "pinned_until", "headline", "media_id", uri="article__uri")
    ):
        items_by_collection[item["collection_id"]].append(
            article_records.build_record(
                CollectionItemRecord, item, article=item["uri"], media=item["media_id"]
            )
        )
    return {collection_id: tuple(items) for collection_id, items in items_by_collection.items()}
