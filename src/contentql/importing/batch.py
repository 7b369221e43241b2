"""Import of the items of one batch in one transaction; new articles are inserted together at its end."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from contentql.content.blocks import live_entries
from contentql.content.ids import encode_id
from contentql.content.import_item import ImportItem
from contentql.content.records import (
    ArticleRecord,
    HistoryRecord,
    MediaRecord,
    Record,
)
from contentql.content.warnings import Warning
from contentql.importing import bulk, history
from contentql.importing.articles import ArticleImport, PlannedArticle, PlannedUpdate
from contentql.importing.bulk import ChangedArticle, NewArticle, NewArticles
from contentql.importing.failures import ITEM_ERRORS, failure_of
from contentql.importing.history import reason_of, write_audit_entry
from contentql.importing.identity import NO_IDENTITY, Identity
from contentql.importing.lookup import ArticleLookup
from contentql.importing.publishing import describe_draft
from contentql.importing.redirects import FormerAddresses, save_redirects
from contentql.importing.references import ReferenceResolver
from contentql.importing.report import (
    ItemOutcome,
    SaveResult,
    WrittenRow,
    kind_of,
    outcome_of,
)
from contentql.importing.statuses import ImportOptions
from contentql.store import article_writer
from contentql.store.article_rows import load_references, missing_related
from contentql.store.models.articles import Article
from contentql.store.models.history import AuditEntry
from contentql.url_patterns import Site


@dataclass(frozen=True)
class Run:
    """What is the same for all batches of an import.

    `with_history`: whether revisions and audit entries are written. `writer` returns the writer of many new
    articles.
    """

    now: dt.datetime
    options: ImportOptions
    site: Site
    resolver: ReferenceResolver
    request_id: str
    with_history: bool
    writer: Callable[[], NewArticles]

    async def audit(self, item: ImportItem, record: Record | HistoryRecord, saved: SaveResult) -> None:
        """Writes the audit entry of a row that was created or changed."""
        if saved.written and self.with_history:
            reason = reason_of(item)
            await write_audit_entry(saved.written, kind_of(record), self.now, reason, self.request_id)


@dataclass(frozen=True)
class _Pending:
    """A new article with its item; `outcome` is the index of its outcome."""

    item: ImportItem
    record: ArticleRecord
    identity: Identity | None
    outcome: int

    def new_article(self) -> NewArticle:
        columns = self.identity.columns() if self.identity else {}
        state = {(key.system, key.value): columns for key in self.record.external_ids if columns}
        return NewArticle(self.record, reason_of(self.item), state)

    def result(self) -> SaveResult:
        record = self.record
        assert record.id is not None
        written = WrittenRow(encode_id("article", record.id), None, record.version)
        reason = describe_draft(record)
        return SaveResult("created", reason, record.status, written, article_id=record.id)


@dataclass(frozen=True)
class _PendingUpdate:
    """A change of a stored article with its item; `outcome` is the index of its outcome."""

    item: ImportItem
    planned: PlannedUpdate
    identity: Identity | None
    outcome: int

    def changed_article(self) -> ChangedArticle:
        planned = self.planned
        reason = reason_of(self.item)
        return ChangedArticle(planned.row, planned.stored, planned.record, reason, planned.has_base_revision)


class Batch:
    """Outcomes of a batch so far. `unsaved_relations`: articles of which related ones do not exist (yet)."""

    def __init__(self, run: Run, connection: Any, lookup: ArticleLookup) -> None:
        self.outcomes: list[ItemOutcome] = []
        self.new_media = 0  # number of media files that were inserted
        self.unsaved_relations: list[tuple[ImportItem, ArticleRecord]] = []
        self.run, self._connection, self._lookup = run, connection, lookup
        self._pending: list[_Pending] = []
        self._updates: list[_PendingUpdate] = []
        self._media: dict[str, tuple[MediaRecord, ImportItem]] = {}  # to be inserted, by URL
        self._identities: dict[int, Identity] = {}  # by the id of the item object

    async def load_stored(self, items: Sequence[ImportItem]) -> None:
        """Loads what is stored of the articles of these items, unless they were imported unchanged before."""
        rows = {}
        for item in items:
            record = item.record
            if not isinstance(record, ArticleRecord):
                continue
            last = self._lookup.find_last_import(record)
            if _has_identity(item, record):
                identity = Identity.of(item, record, self.run.options, self.run.now)
                self._identities[id(item)] = identity
                if last and identity.compare(last):
                    continue
            row = await self._lookup.find(record)
            if row is not None:
                rows[row.id] = row
        await self._lookup.load_stored(list(rows.values()))

    async def import_item(self, item: ImportItem, save_record: Callable[[Any, ImportItem], Any]) -> None:
        """Imports an item. `save_record` saves one that is no article."""
        if item.record is None:
            if item.skipped:
                self._add(item, None, SaveResult("skipped", item.skipped))
            else:
                self._add(item, None, SaveResult("failed", item.error or "there is no record"))
            return
        article = item.record if isinstance(item.record, ArticleRecord) else None
        if article is None or self._lookup.is_new(article):
            await self.insert_pending()
        if article and item.media and live_entries(article.blocks):
            new: list[MediaRecord] = []  # a live blog that exists is saved at once
            self.run.resolver.media_ids(item, new)
            self._media |= {media.url: (media, item) for media in new}
            await self._insert_media()
        count = len(self.outcomes)
        # A new article is inserted later, so nothing is written that could be undone.
        is_stored = article is None or self.run.options.update or self._lookup.is_stored(article)
        is_read_only = not item.references and not is_stored
        try:
            async with contextlib.nullcontext() if is_read_only else savepoint(self._connection):
                if article:
                    await self._import_article(item, article)
                else:
                    self._add(item, item.record, await save_record(self._connection, item))
        except ITEM_ERRORS as exc:
            # Rows that were created for the item are gone.
            del self.outcomes[count:]
            self.run.resolver.forget_references()
            self._add(item, item.record, failure_of(exc))

    async def insert_pending(self, read_ahead: Callable[[], Awaitable[object]] | None = None) -> None:
        """Saves the changed articles and inserts the new ones, and sets their outcomes.

        `read_ahead` is awaited while other processes compute the rows of new articles.
        """
        await self._insert_media()
        await self._save_updates()
        pending, self._pending = self._pending, []
        if len(pending) >= bulk.MIN_ARTICLES:
            try:
                async with savepoint(self._connection):
                    await self._insert_together(pending, read_ahead)
            except ITEM_ERRORS:
                pass  # one of them cannot be inserted: the others are inserted one by one
            else:
                await self._finish(pending)
                return
        inserted = []
        for each in pending:
            try:
                async with savepoint(self._connection):
                    await self._insert(each)
                inserted.append(each)
            except ITEM_ERRORS as exc:
                self._lookup.forget(each.record)
                self._set_outcome(each, failure_of(exc))
        await self._finish(inserted)

    async def _insert_media(self) -> None:
        """Inserts the media files of the pending articles."""
        media, self._media = list(self._media.values()), {}
        await self.run.resolver.insert_media([record for record, _ in media])
        self.new_media += len(media)
        if self.run.with_history:
            await AuditEntry.bulk_create(
                AuditEntry(
                    **history.audit_values(
                        WrittenRow(encode_id("media", record.id or 0)),
                        "media",
                        self.run.now,
                        reason_of(item),
                        self.run.request_id,
                    )
                )
                for record, item in media
            )

    async def _save_updates(self) -> None:
        updates, self._updates = self._updates, []
        if len(updates) > 1:
            try:
                async with savepoint(self._connection):
                    changes = [each.changed_article() for each in updates]
                    references = await self.run.writer().update(self._connection, changes)
            except ITEM_ERRORS:
                pass  # one of them cannot be saved: the others are saved one by one
            else:
                for each in updates:
                    if missing_related(each.planned.record, references):
                        self.unsaved_relations.append((each.item, each.planned.record))
                    await self._finish_update(each)
                return
        for each in updates:
            try:
                async with savepoint(self._connection):
                    await self._save_update(each)
                    await self._finish_update(each)
            except ITEM_ERRORS as exc:
                self._lookup.set_saved(each.planned.stored)
                self.outcomes[each.outcome] = outcome_of(each.item, each.planned.record, failure_of(exc))

    async def _save_update(self, pending: _PendingUpdate) -> None:
        """Saves one changed article with its revision and audit entry."""
        run, planned, item = self.run, pending.planned, pending.item
        row = await Article.get(id=planned.row.id)
        if await article_writer.save_article(self._connection, planned.record, row, now=run.now):
            self.unsaved_relations.append((item, planned.record))
        if run.with_history:
            reason = reason_of(item)
            await history.save_imported_version(
                self._connection, planned.stored, planned.record, run.now, reason
            )
        await run.audit(item, planned.record, planned.result)

    async def _finish_update(self, pending: _PendingUpdate) -> None:
        """Saves what later imports compare, and creates redirects."""
        record = pending.planned.record
        self._lookup.set_saved(record)
        warnings = await self._store_import(pending.item, record, pending.identity)
        outcome = self.outcomes[pending.outcome]
        self.outcomes[pending.outcome] = replace(outcome, warnings=(*outcome.warnings, *warnings))

    async def _store_import(
        self, item: ImportItem, stored: ArticleRecord, identity: Identity | None
    ) -> tuple[Warning, ...]:
        """Stores what was imported of a stored article, and redirects to it; returns warnings."""
        assert stored.id is not None
        own = item.record if identity and isinstance(item.record, ArticleRecord) else stored
        # What another import has stored is not the content any more.
        imported = identity or NO_IDENTITY
        await imported.save(stored.id, own)
        self._lookup.set_last_import(own, imported.of_article(stored.id))
        former = [FormerAddresses(item.addresses, stored)] if item.addresses else []
        return tuple((await save_redirects(self.run.site, former, self.run.now)).get(stored.id, ()))

    async def _insert_together(
        self, pending: Sequence[_Pending], read_ahead: Callable[[], Awaitable[object]] | None
    ) -> None:
        references = await load_references([each.record for each in pending])
        articles = [each.new_article() for each in pending]
        missing = bulk.missing_relations(articles, references)
        writer = self.run.writer()
        await writer.insert(self._connection, articles, references, meanwhile=read_ahead)
        self.unsaved_relations += [
            (each.item, each.record) for each in pending if missing.get(each.record.id or 0)
        ]

    async def _insert(self, pending: _Pending) -> None:
        """Inserts one new article with its revision and audit entry."""
        run, record = self.run, pending.record
        assert record.id is not None
        if await article_writer.save_article(self._connection, record, None, now=run.now):
            self.unsaved_relations.append((pending.item, record))
        if run.with_history:
            reason = reason_of(pending.item)
            await history.save_imported_version(self._connection, None, record, run.now, reason)
        if pending.identity:
            await pending.identity.save(record.id, record)
        await run.audit(pending.item, record, pending.result())

    async def _finish(self, inserted: Sequence[_Pending]) -> None:
        """Creates the redirects of inserted articles, and sets their outcomes."""
        warnings = await save_redirects(
            self.run.site,
            [FormerAddresses(each.item.addresses, each.record) for each in inserted if each.item.addresses],
            self.run.now,
        )
        for each in inserted:
            assert each.record.id is not None
            self._lookup.set_saved(each.record)
            if each.identity:
                last = each.identity.of_article(each.record.id)
                self._lookup.set_last_import(each.record, last)
            result = each.result()
            self._set_outcome(each, replace(result, warnings=tuple(warnings.get(each.record.id, ()))))

    def _set_outcome(self, pending: _Pending, saved: SaveResult) -> None:
        earlier = self.outcomes[pending.outcome].warnings
        self.outcomes[pending.outcome] = outcome_of(
            pending.item,
            pending.record,
            replace(saved, warnings=(*earlier, *saved.warnings)),
            with_item_warnings=False,
        )

    async def _import_article(self, item: ImportItem, record: ArticleRecord) -> None:
        run = self.run
        identity = None
        if _has_identity(item, record):
            identity = self._identities.pop(id(item), None) or Identity.of(item, record, run.options, run.now)
            last = self._lookup.find_last_import(record)
            if last and not run.options.update and (result := identity.compare(last)):
                self._add(item, record, result)
                return
        resolved = await run.resolver.resolve(item, record)
        if identity and (resolved.is_incomplete or record.related):
            identity = replace(identity, content_hash=None)  # what is missing may exist the next time
        article = ArticleImport(
            item, resolved.record, run.options, run.now, self._lookup, with_revision=run.with_history
        )
        planned = await article.plan(self._connection)
        for each, result in resolved.created:
            await run.audit(item, each, result)
            if result.result == "created":
                self.outcomes.append(outcome_of(item, each, result, with_item_warnings=False))
        if not isinstance(planned, SaveResult):
            self._media |= {media.url: (media, item) for media in resolved.new_media}
        if isinstance(planned, PlannedArticle):
            warnings = (*resolved.warnings, *planned.warnings)
            self._lookup.add_new(planned.record)
            self._pending.append(_Pending(item, planned.record, identity, len(self.outcomes)))
            self._add(item, planned.record, SaveResult("created", warnings=warnings))
            return
        if isinstance(planned, PlannedUpdate):
            self._lookup.add_new(planned.record)
            self._updates.append(_PendingUpdate(item, planned, identity, len(self.outcomes)))
            warnings = (*resolved.warnings, *planned.result.warnings)
            self._add(item, planned.record, replace(planned.result, warnings=warnings))
            return
        if article.unsaved_relations:
            self.unsaved_relations.append((item, article.unsaved_relations))
        await run.audit(item, record, planned)
        warnings = (*resolved.warnings, *planned.warnings)
        if planned.article_id and planned.result in ("updated", "unchanged"):
            warnings += await self._store_import(item, article.saved, identity)
        self._add(item, article.saved, replace(planned, warnings=warnings))

    def _add(self, item: ImportItem, record: Record | HistoryRecord | None, saved: SaveResult) -> None:
        self.outcomes.append(outcome_of(item, record, saved))


def _has_identity(item: ImportItem, record: ArticleRecord) -> bool:
    """Whether an item that is the same as in the last import is recognised without reading the article.

    Not a plain page: what the desk has changed since is in its report.
    """
    return bool(record.external_ids) and (item.source_status is not None or not item.partial)


@contextlib.asynccontextmanager
async def savepoint(connection: Any) -> AsyncIterator[None]:
    """Rolls the writes of the block back if it raises, not the whole transaction."""
    await connection.execute_query("SAVEPOINT import_item")
    try:
        yield
    except Exception:
        await connection.execute_query("ROLLBACK TO SAVEPOINT import_item")
        await connection.execute_query("RELEASE SAVEPOINT import_item")
        raise
    await connection.execute_query("RELEASE SAVEPOINT import_item")
