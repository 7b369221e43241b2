"""Export of all content as records, from one snapshot."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from operator import attrgetter
from typing import Any

from pydantic import ValidationError
from tortoise.transactions import in_transaction

from contentql.content.history_records import ExportHeader
from contentql.content.ids import encode_id
from contentql.content.records import (
    ArticleRecord,
    AuthorRecord,
    CategoryRecord,
    CollectionRecord,
    HistoryRecord,
    MediaRecord,
    Record,
    SourceRecord,
    StoryRecord,
    TagRecord,
    describe_validation_error,
)
from contentql.errors import OperatorError
from contentql.importing.complete import history_records
from contentql.importing.rows import collection_items
from contentql.store import article_records
from contentql.store.article_records import AnyRecord, foreign_key, record_from_row
from contentql.store.database import Database
from contentql.store.errors import DRIVER_ERRORS, describe_error
from contentql.store.models.articles import Article
from contentql.store.models.collections import Collection
from contentql.store.models.taxonomy import Author, Category, Media, Source, Story, Tag


async def export_records(database: Database) -> AsyncGenerator[Record, None]:
    """Yields all content from one snapshot in a fixed order, each record after those it refers to.

    Raises OperatorError if the database fails, or has a row that is no valid record.
    """
    async with _snapshot(database):
        async for record in _all_records():
            yield record


async def export_everything(database: Database) -> AsyncGenerator[Record | HistoryRecord, None]:
    """Yields a complete export: a header, all content, and its owners, working copies and history.

    Raises OperatorError as `export_records` does.
    """
    async with _snapshot(database):
        yield ExportHeader(content="all")
        async for record in _all_records():
            yield record
        async for history_record in history_records():
            yield history_record


@contextlib.asynccontextmanager
async def _snapshot(database: Database) -> AsyncIterator[None]:
    """One snapshot of the database for the models; converts errors to OperatorError."""
    try:
        async with database.orm(), in_transaction() as connection:
            if database.dialect == "postgres":
                await connection.execute_query("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            yield
    except ValidationError as exc:
        raise OperatorError(
            f"A row cannot be exported: {describe_validation_error(exc)}. Another program or version has"
            " written it; correct it in the database, and export again."
        ) from exc
    except DRIVER_ERRORS as exc:
        raise OperatorError(describe_error(database.url, exc)) from exc


async def _all_records() -> AsyncIterator[Record]:
    # Sorted in Python, because the databases differ in their collations.
    for category in sorted(await Category.all(), key=attrgetter("depth", "path")):
        yield _record(CategoryRecord, category)
    sources = sorted(await Source.all(), key=attrgetter("slug"))
    source_slugs = {source.id: source.slug for source in sources}
    for source in _parents_first(sources, "parent"):
        yield _record(SourceRecord, source, parent=source_slugs.get(foreign_key(source, "parent")))
    for media in await Media.all().order_by("id"):
        yield _record(MediaRecord, media)
    for author in sorted(await Author.all(), key=attrgetter("slug")):
        yield _record(AuthorRecord, author, image=foreign_key(author, "image"))
    tags = sorted(await Tag.all(), key=attrgetter("type", "slug"))
    tag_keys = {tag.id: f"{tag.type.value}:{tag.slug}" for tag in tags}
    for tag in _parents_first(tags, "broader"):
        yield _record(TagRecord, tag, broader=tag_keys.get(foreign_key(tag, "broader")))
    for story in sorted(await Story.all(), key=attrgetter("slug")):
        yield _record(StoryRecord, story)
    last_id = 0
    while rows := await Article.filter(id__gt=last_id, working_of=0).order_by("id").limit(_BATCH_SIZE):
        last_id = rows[-1].id
        for article in await _load_articles(rows):
            yield article
    collections = sorted(await Collection.all(), key=attrgetter("slug"))
    items = await collection_items(collections)
    for collection in collections:
        yield _record(CollectionRecord, collection, items=items[collection.id])


async def _load_articles(rows: Sequence[Article]) -> list[ArticleRecord]:
    """The records of articles. Raises OperatorError with the first article that is no valid record."""
    try:
        return await article_records.load_articles(rows)
    except ValidationError:
        for row in rows:
            try:
                await article_records.load_articles([row])
            except ValidationError as exc:
                raise _invalid_row_error(row, exc) from exc
        raise


def _record(type_: type[AnyRecord], row: Any, **references: Any) -> AnyRecord:
    try:
        return record_from_row(type_, row, **references)
    except ValidationError as exc:
        raise _invalid_row_error(row, exc) from exc


def _invalid_row_error(row: Any, exc: ValidationError) -> OperatorError:
    """Error for a row that another program has written."""
    return OperatorError(
        f"{encode_id(row._meta.db_table, row.id)} cannot be exported: {describe_validation_error(exc)}."
        " Another program or version has written it; correct it in the database, and export again."
    )


# Articles per batch: few statements, and at most some megabytes of text in memory.
_BATCH_SIZE = 100


def _parents_first(rows: Sequence[Any], parent: str) -> list[Any]:
    """Returns the rows in their order, except that each comes after its parent."""
    rows_by_id = {row.id: row for row in rows}

    def depth(row: Any) -> int:
        steps = 0
        while (row := rows_by_id.get(foreign_key(row, parent))) and steps < len(rows_by_id):
            steps += 1
        return steps

    return sorted(rows, key=depth)
