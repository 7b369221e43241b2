"""Articles of an import in batches, with few statements: new ones, and changes of stored ones.

The rows of new articles are computed in other processes. What is stored is the same as if the articles were
saved one by one, except that the change log says of new ones only that any row may have changed.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from contentql.content import blocks
from contentql.content.enums import Status
from contentql.content.field_types import STORED
from contentql.content.ids import encode_id, reserve_ids
from contentql.content.records import ArticleRecord
from contentql.editorial.revisions import dump_record
from contentql.importing.history import audit_values, imported_revision
from contentql.importing.report import WrittenRow
from contentql.importing.worker_pool import WorkerFailed, WorkerPool
from contentql.store import live_entries
from contentql.store.article_rows import (
    ArticleReferences,
    article_rows,
    load_references,
    missing_related,
    require_references,
)
from contentql.store.bulk_updates import update_articles
from contentql.store.bulk_writer import (
    PreparedRows,
    RowCollector,
    RowEncoder,
    insert_history,
    insert_rows,
    row_encoder,
)
from contentql.store.errors import DatabaseKind
from contentql.store.models.articles import Article
from contentql.store.models.history import AuditEntry, Revision
from contentql.store.models.taxonomy import ExternalId

MIN_ARTICLES: Final = 20  # with fewer, write them one by one: caches then lose only what has changed
_CHUNK: Final = 10  # articles whose rows a process computes at once
_CHUNKS_AT_ONCE: Final = 4  # of which the rows are inserted together
_MANY: Final = 100  # articles of a batch for which starting processes is worth while


@dataclass(frozen=True)
class NewArticle:
    """A new article: its complete record, the reason for its revision, and what the import knows of it.

    `source_state`: the columns `content_hash`, `source_version` and `source_modified_at` of its external ids,
    by system and value.
    """

    record: ArticleRecord
    reason: str
    source_state: Mapping[tuple[str, str], Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class ChangedArticle:
    """A stored article and its new record; `has_base_revision`: whether its stored state has a revision."""

    row: Article
    stored: ArticleRecord
    record: ArticleRecord
    reason: str
    has_base_revision: bool


@dataclass(frozen=True)
class _Chunk:
    """Articles whose rows are computed at once; `ids` are for the rows of their parts."""

    articles: Sequence[NewArticle]
    references: ArticleReferences
    encoder: RowEncoder
    ids: range
    now: dt.datetime
    request_id: str
    with_history: bool


class NewArticles:
    """Writer of the new articles of an import. Call `close` at the end.

    `with_history`: whether revisions and audit entries are written. `processes`: the number of processes that
    compute rows besides this one, by default one less than there are processors.
    """

    def __init__(
        self,
        dialect: DatabaseKind,
        now: dt.datetime,
        request_id: str,
        *,
        with_history: bool = True,
        processes: int | None = None,
    ) -> None:
        self._dialect, self._now, self._request_id = dialect, now, request_id
        self._with_history = with_history
        self._pool = WorkerPool(processes)
        self._encoder: RowEncoder | None = None

    async def insert(
        self,
        connection: Any,
        articles: Sequence[NewArticle],
        references: ArticleReferences | None = None,
        *,
        meanwhile: Callable[[], Awaitable[object]] | None = None,
    ) -> None:
        """Inserts articles, as the last writes of a transaction; see `bulk_writer.insert_rows`.

        Other processes compute their rows while the database inserts those of the articles before; without
        such processes, this one does. `meanwhile` is awaited while they compute the first rows. Relations to
        articles that exist neither in the database nor among `articles` are left out. Raises
        ReferenceNotFound if another row that an article names does not exist. `references`: those of the
        articles, if they are known.
        """
        self._encoder = self._encoder or row_encoder(self._dialect)
        if len(articles) >= _MANY:
            self._pool.start()
        articles = await _with_free_entry_ids(articles)
        references = references or await load_references([article.record for article in articles])
        for article in articles:
            require_references(article.record, references)
        own = {str(article.record.uri): article.record.id or 0 for article in articles}
        references = replace(references, related={**references.related, **own})
        submitted: deque[tuple[_Chunk, asyncio.Future[PreparedRows] | None]] = deque()
        try:
            for start in range(0, len(articles), _CHUNK):
                chunk = self._chunk(articles[start : start + _CHUNK], references, self._encoder)
                submitted.append((chunk, self._pool.submit(*_call(chunk)) if self._pool.is_ready else None))
                await asyncio.sleep(0)  # the processes receive it
            if meanwhile:
                await meanwhile()
            logged = not any(_is_public(article.record, self._now) for article in articles)
            await insert_rows(connection, self._encoder, _computed_rows(submitted), logged=logged)
        finally:
            for _, future in submitted:
                if future:
                    future.cancel()

    async def update(self, connection: Any, articles: Sequence[ChangedArticle]) -> ArticleReferences:
        """Updates articles that have no live entries, and returns what they refer to.

        Raises ReferenceNotFound and IntegrityError.
        """
        encoder = self._encoder = self._encoder or row_encoder(self._dialect)
        states = [state for article in articles for state in (article.record, article.stored)]
        references = await load_references(states)
        updates = []
        collector = RowCollector(encoder, iter(reserve_ids(3 * len(articles))))
        for article in articles:
            require_references(article.record, references)
            rows = article_rows(article.record, references)
            updates.append((article.row, rows))
            if self._with_history:
                self._add_history(collector, article, references, rows.body["markdown"])
            await asyncio.sleep(0)
        await update_articles(connection, encoder, updates)
        await insert_history(connection, encoder, collector.prepared)
        return references

    def _add_history(
        self, collector: RowCollector, article: ChangedArticle, references: ArticleReferences, markdown: str
    ) -> None:
        stored, record, reason, ids = article.stored, article.record, article.reason, references.by_table()
        if not article.has_base_revision:
            collector.add_rows(Revision, [imported_revision(None, stored, self._now, reason, ids)])
        revision = imported_revision(stored, record, self._now, reason, ids, markdown)
        collector.add_rows(Revision, [revision])
        _add_audit_entry(collector, stored, record, self._now, reason, self._request_id)

    async def wait_until_ready(self) -> None:
        """Waits until the processes have started, or have failed to start."""
        await self._pool.wait_until_ready()

    async def close(self) -> None:
        """Ends the processes."""
        await self._pool.close()

    def _chunk(
        self, articles: Sequence[NewArticle], references: ArticleReferences, encoder: RowEncoder
    ) -> _Chunk:
        ids = reserve_ids(sum(_max_rows(article.record) for article in articles))
        return _Chunk(articles, references, encoder, ids, self._now, self._request_id, self._with_history)


def _is_public(record: ArticleRecord, now: dt.datetime) -> bool:
    """Whether the public sees a new article at once."""
    starts = [at for at in (record.published_at, record.embargo_until) if at]
    return (
        record.status in (Status.PUBLISHED, Status.SCHEDULED)
        and record.deleted_at is None
        and bool(record.published_at)
        and max(starts) <= now
        and (record.expires_at is None or record.expires_at > now)
    )


async def _computed_rows(
    submitted: deque[tuple[_Chunk, asyncio.Future[PreparedRows] | None]],
) -> AsyncIterator[PreparedRows]:
    """The rows of all chunks, some chunks at once; of those without a future, computed in this process."""
    while submitted:
        rows = PreparedRows()
        for _ in range(min(_CHUNKS_AT_ONCE, len(submitted))):
            chunk, future = submitted.popleft()
            try:
                rows.extend(await future if future else _prepare(chunk))
            except WorkerFailed:
                rows.extend(_prepare(chunk))
            await asyncio.sleep(0)
        yield rows


def missing_relations(articles: Sequence[NewArticle], references: ArticleReferences) -> dict[int, list[str]]:
    """Returns the URIs of related articles that do not exist (yet), by the id of the article."""
    own = {str(article.record.uri): article.record.id or 0 for article in articles}
    known = replace(references, related={**references.related, **own})
    missing = {article.record.id or 0: missing_related(article.record, known) for article in articles}
    return {id: uris for id, uris in missing.items() if uris}


async def _with_free_entry_ids(articles: Sequence[NewArticle]) -> list[NewArticle]:
    """The articles, live entries with ids that no other entry has."""
    entries = [entry.entry for article in articles for entry in blocks.live_entries(article.record.blocks)]
    if not entries:
        return list(articles)
    taken = await live_entries.find_taken_ids(entries)
    results = []
    for article in articles:
        record = live_entries.with_free_ids(article.record, taken)
        taken |= {entry.entry for entry in blocks.live_entries(record.blocks) if entry.entry}
        results.append(replace(article, record=record))
    return results


def _max_rows(record: ArticleRecord) -> int:
    """An upper bound of the number of rows without an id of their own that an article has."""
    paths = [record.category or "", *record.sections]
    lists = (
        record.tags, record.authors, record.media, record.corrections, record.slug_history,
        record.external_ids, record.attributions, record.related,
    )  # fmt: skip
    sections = sum(path.count("/") + 1 for path in paths)
    uses = 2 * sum(1 + len(blocks.block_media(entry)) for entry in blocks.live_entries(record.blocks))
    return sections + uses + sum(map(len, lists)) + 2  # and the revision and the audit entry


def _call(chunk: _Chunk) -> tuple[Any, ...]:
    """The call of a process that computes the rows of a chunk. JSON is faster than pickled records."""
    articles = [
        (dump_record(article.record), article.reason, article.source_state) for article in chunk.articles
    ]
    return _prepare_dumped, replace(chunk, articles=()), articles


def _prepare_dumped(chunk: _Chunk, articles: Sequence[tuple[str, str, Any]]) -> PreparedRows:
    loaded = [
        NewArticle(ArticleRecord.model_validate_json(record, context=STORED), reason, source_state)
        for record, reason, source_state in articles
    ]
    return _prepare(replace(chunk, articles=loaded))


def _prepare(chunk: _Chunk) -> PreparedRows:
    """Computes the rows of a chunk."""
    references = chunk.references
    ids = references.by_table()
    collector = RowCollector(chunk.encoder, iter(chunk.ids))
    for article in chunk.articles:
        record = article.record
        assert record.id is not None
        rows = article_rows(record, references)
        for row in rows.parts[ExternalId]:
            row.update(article.source_state.get((row["system"], row["value"]), {}))
        collector.add_article(record, rows, chunk.now)
        if chunk.with_history:
            has_entries = bool(blocks.live_entries(record.blocks))
            markdown = None if has_entries else rows.body["markdown"]
            revision = imported_revision(None, record, chunk.now, article.reason, ids, markdown)
            collector.add_rows(Revision, [revision])
            _add_audit_entry(collector, None, record, chunk.now, article.reason, chunk.request_id)
    return collector.prepared


def _add_audit_entry(
    collector: RowCollector,
    stored: ArticleRecord | None,
    record: ArticleRecord,
    now: dt.datetime,
    reason: str,
    request_id: str,
) -> None:
    assert record.id is not None
    before = stored.version if stored else None
    written = WrittenRow(encode_id("article", record.id), before, record.version)
    collector.add_rows(AuditEntry, [audit_values(written, "article", now, reason, request_id)])
