"""Rows of a complete export besides the content, and their import into an empty database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from operator import attrgetter
from typing import Any

from contentql.content.history_records import (
    AuditRecord,
    NoticeRecord,
    OwnerRecord,
    RedirectRecord,
    RevisionRecord,
    ScheduledChangeRecord,
    SiteRedirectRecord,
    WorkingCopyRecord,
)
from contentql.content.ids import new_id
from contentql.content.records import AttributionRecord, HistoryRecord
from contentql.errors import OperatorError
from contentql.store import article_records, article_writer
from contentql.store.article_records import foreign_key, ids_by_key, record_columns, record_from_row
from contentql.store.models.articles import Article, Withdrawal
from contentql.store.models.collections import Collection
from contentql.store.models.history import AuditEntry, Revision, ScheduledChange
from contentql.store.models.redirects import Redirect
from contentql.store.models.taxonomy import Author, Category, Media, PathHistory, Source, Story, Tag

_BATCH_SIZE = 100


async def history_records() -> AsyncIterator[HistoryRecord]:
    """Yields all records of a complete export that follow its content, in a fixed order."""
    owners = Article.filter(working_of=0, owner__not_isnull=True).order_by("id")
    for article_id, owner in await owners.values_list("id", "owner"):
        yield OwnerRecord(article=article_id, account=owner)
    for copy in await Article.filter(working_of__gt=0).order_by("working_of"):
        (record,) = await article_records.load_articles([copy])
        yield WorkingCopyRecord(of=copy.working_of, owner=copy.owner, article=record)
    paths = dict(await Category.all().values_list("id", "path"))
    for row in sorted(await PathHistory.all(), key=attrgetter("path")):
        yield record_from_row(RedirectRecord, row, category=paths[foreign_key(row, "category")])
    async for redirect in _rows_by_id(Redirect):
        yield record_from_row(SiteRedirectRecord, redirect)
    for notice in await Withdrawal.all().order_by("article_id"):
        yield record_from_row(NoticeRecord, notice, article=foreign_key(notice, "article"))
    async for revision in _rows_by_id(Revision):
        article_id = foreign_key(revision, "article")
        yield record_from_row(RevisionRecord, revision, article=article_id, content=revision.record)
    async for change in _rows_by_id(ScheduledChange):
        yield record_from_row(ScheduledChangeRecord, change, article=foreign_key(change, "article"))
    async for entry in _rows_by_id(AuditEntry):
        yield record_from_row(AuditRecord, entry)


async def _rows_by_id(model: Any) -> AsyncIterator[Any]:
    last_id = 0
    while rows := await model.filter(id__gt=last_id).order_by("id").limit(_BATCH_SIZE):
        last_id = rows[-1].id
        for row in rows:
            yield row


async def require_empty() -> None:
    """Raises OperatorError unless the database is empty."""
    for model in (Article, Category, Source, Media, Author, Tag, Story, Collection, AuditEntry):
        if await model.all().exists():
            raise OperatorError(
                "A complete export (contentql export --all) can be imported only into an empty database;"
                " this one has content. Nothing was imported."
            )


async def save_history_record(connection: Any, record: HistoryRecord) -> None:
    """Saves a record of a complete export. Raises ReferenceNotFound and ValueError."""
    match record:
        case OwnerRecord():
            article = await _article(record.article)
            article.owner = record.account
            await article.save(update_fields=["owner"])
        case WorkingCopyRecord():
            await _save_working_copy(connection, record)
        case RedirectRecord():
            ids = await ids_by_key(Category, "path", [record.category], "category")
            await PathHistory.create(category_id=ids[record.category], **record_columns(record, PathHistory))
        case SiteRedirectRecord():
            await Redirect.create(id=record.id, **record_columns(record, Redirect))
        case NoticeRecord():
            article = await _article(record.article)
            await Withdrawal.create(article_id=article.id, **record_columns(record, Withdrawal))
        case RevisionRecord():
            article = await _article(record.article)
            columns = record_columns(record, Revision)
            await Revision.create(id=record.id, article_id=article.id, record=record.content, **columns)
        case ScheduledChangeRecord():
            article = await _article(record.article)
            columns = record_columns(record, ScheduledChange)
            await ScheduledChange.create(id=record.id, article_id=article.id, **columns)
        case AuditRecord():
            await AuditEntry.create(id=record.id, **record_columns(record, AuditEntry))


async def _article(article_id: int) -> Article:
    ids = await ids_by_key(Article, "id", [article_id], "article")
    return await Article.get(id=ids[article_id])


async def _save_working_copy(connection: Any, record: WorkingCopyRecord) -> None:
    article = await _article(record.of)
    if record.article.id is None:
        raise ValueError("article.id: the working copy has no id")
    stable_ids: dict[int, int] = {}

    def with_own_id(attribution: AttributionRecord) -> AttributionRecord:
        """The attribution with an id for the rows of the copy; the API shows the one of the record."""
        own_id = new_id()
        if attribution.id:
            stable_ids[own_id] = attribution.id
        via = attribution.via and with_own_id(attribution.via)
        return attribution.model_copy(update={"id": own_id, "via": via})

    copy = record.article.model_copy(
        update={"attributions": tuple(map(with_own_id, record.article.attributions))}
    )
    columns = {"owner": record.owner, "working_of": article.id}
    await article_writer.save_article(connection, copy, None, extra_columns=columns, published_ids=stable_ids)
