"""Measurement of imports: articles created a second, next to the insertion of the same rows by the driver."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Iterable, Iterator
from itertools import islice

from contentql.content.ids import new_id
from contentql.content.records import ArticleRecord
from contentql.editorial.completion import complete_record
from contentql.importing.bulk import NewArticle, NewArticles
from contentql.store.bulk_writer import PreparedRows
from contentql.store.database import Database

BATCH = 500


async def create_articles(
    database: Database, records: Iterable[ArticleRecord], *, processes: int | None = None
) -> int:
    """Creates new articles in transactions of BATCH, and returns their number. Checks no conflicts.

    The rows of a batch are computed while the one before it is inserted.
    """
    now = dt.datetime.now(dt.UTC).replace(microsecond=0)
    writer = NewArticles(database.dialect, now, f"import-{new_id()}", processes=processes)
    count = 0
    pending: asyncio.Task[PreparedRows] | None = None
    try:
        for batch in _batches(records, now):
            count += len(batch)
            async with database.long_transaction(60) as connection:
                following = await writer.prepare(batch)
                if pending is not None:
                    await writer.insert(connection, await pending)
            pending = following
        if pending is not None:
            async with database.long_transaction(60) as connection:
                await writer.insert(connection, await pending)
    finally:
        await writer.close()
    return count


def _batches(records: Iterable[ArticleRecord], now: dt.datetime) -> Iterator[list[NewArticle]]:
    articles = (NewArticle(complete_record(record, None, now), "Imported from bench") for record in records)
    while batch := list(islice(articles, BATCH)):
        yield batch
