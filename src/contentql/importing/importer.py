"""Import of items in batches, one transaction each, with a report of the outcome of every item.

Invariant: importing the same items again changes nothing. Independent of file formats.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import difflib
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any, Final, TypeAlias

from contentql.content import derive
from contentql.content.history_records import HISTORY_TYPES, ExportHeader
from contentql.content.ids import new_id
from contentql.content.import_item import ImportItem
from contentql.content.records import (
    ArticleRecord,
    CategoryRecord,
    HistoryRecord,
)
from contentql.content.warnings import Warning, WarningCode
from contentql.errors import OperatorError
from contentql.formats import jsonl
from contentql.importing import complete, rows
from contentql.importing.batch import Batch, Run
from contentql.importing.bulk import NewArticles
from contentql.importing.lookup import ArticleLookup, with_external_id
from contentql.importing.publishing import RecordRejected
from contentql.importing.references import ReferenceResolver
from contentql.importing.report import ImportReport, ItemOutcome, SaveResult, outcome_of
from contentql.importing.statuses import ImportOptions
from contentql.store import article_log, article_writer, change_log
from contentql.store.database import Database
from contentql.store.errors import DRIVER_ERRORS, DatabaseKind, describe_error
from contentql.store.models.taxonomy import Category
from contentql.url_patterns import Site

LOCK_TIMEOUT = 60.0  # seconds that each batch waits for other writers of the database
BATCH_SIZE: Final = 200  # items of a transaction
PRUNE_INTERVAL: Final = 1_000  # items after which the change log is pruned

_NAMES = {type_: kind for kind, type_ in HISTORY_TYPES.items()}
_NO_OPTIONS = ImportOptions()

BeginTransaction: TypeAlias = Callable[[], AbstractAsyncContextManager[Any]]


async def import_records(
    database: Database,
    items: Iterable[ImportItem],
    *,
    options: ImportOptions = _NO_OPTIONS,
    site: Site | None = None,
    dry_run: bool = False,
    now: dt.datetime | None = None,
    progress: Callable[[ItemOutcome], object] = lambda outcome: None,
    with_history: bool = True,
    collect: bool = True,
) -> ImportReport:
    """Imports items, each completely or not at all, at the time `now`, by default the present.

    `site`: the reader's site, on which former addresses become redirects. `progress` is called for each item
    when it is stored. Without history, no revisions and audit entries are written, and articles have the
    versions of their records. A dry run does the same and rolls back. Unless `collect`, the report has totals
    only. Raises OperatorError if the database fails; what was stored until then remains.
    """
    now = (now or dt.datetime.now(dt.UTC)).replace(microsecond=0)
    own_database = Database(database.url)  # with a write connection of its own, which is closed at the end
    importer = Importer(now, options, site or Site(), progress, with_history, collect, database.dialect)
    try:
        if dry_run:
            await _dry_run(importer, items, own_database)
        else:
            await importer.run(items, lambda: own_database.long_transaction(LOCK_TIMEOUT))
    except DRIVER_ERRORS as exc:
        raise OperatorError(describe_error(database.url, exc)) from exc
    finally:
        await importer.close()
        await own_database.close()
    return importer.report


async def import_file(database: Database, path: Path) -> ImportReport:
    """Imports a JSON Lines file. Raises OperatorError."""
    with path.open("rb") as file:
        return await import_records(database, jsonl.read_records(file, path.name))


class _DryRunRollback(Exception):
    """Raised to roll back the transaction of a dry run."""


async def _dry_run(importer: Importer, items: Iterable[ImportItem], database: Database) -> None:
    try:
        async with database.long_transaction(LOCK_TIMEOUT) as connection:

            @contextlib.asynccontextmanager
            async def begin() -> AsyncIterator[Any]:
                yield connection

            await importer.run(items, begin)
            raise _DryRunRollback
    except _DryRunRollback:
        pass


class Importer:
    """One run of an import: its time, options and the report so far."""

    def __init__(
        self,
        now: dt.datetime,
        options: ImportOptions,
        site: Site,
        progress: Callable[[ItemOutcome], object],
        with_history: bool,
        collect: bool,
        dialect: DatabaseKind,
    ) -> None:
        self.report = ImportReport()
        self._now, self._options, self._site, self._progress = now, options, site, progress
        self._with_history, self._collect = with_history, collect
        self._resolver = ReferenceResolver(create=options.create, now=now)
        self._request_id = f"import-{new_id()}"
        self._is_complete = self._has_content = False
        self._unsaved_relations: list[tuple[ImportItem, ArticleRecord]] = []
        self._dialect = dialect
        self._writer: NewArticles | None = None

    async def run(self, items: Iterable[ImportItem], begin: BeginTransaction) -> None:
        """Imports the items in batches, and prunes the change log from time to time and at the end."""
        if self._options.category:
            await self._create_section(self._options.category, begin)
        count = 0
        reader = _BatchReader(items)
        await reader.read()
        while batch := reader.take():
            if self._options.update and len(batch) > 1:
                raise OperatorError("--update is for a single article; the files have several.")
            await self._import_batch(batch, begin, reader)
            count += len(batch)
            await reader.read()
            if count >= PRUNE_INTERVAL:
                count = 0
                await _prune_change_log(begin)
        # Relations are saved after all articles, since two articles may refer to each other.
        for start in range(0, len(self._unsaved_relations), BATCH_SIZE):
            part = self._unsaved_relations[start : start + BATCH_SIZE]
            async with begin():
                missing = await article_writer.save_related_articles([record for _, record in part])
            for item, record in part:
                for uri in missing[record.id or 0]:
                    reason = f"the related article {uri} does not exist"
                    self._report(outcome_of(item, record, SaveResult("failed", reason)))
        await _prune_change_log(begin)

    async def _create_section(self, path: str, begin: BeginTransaction) -> None:
        async with begin():
            paths = [category.path for category in await Category.all()]
        if path in paths:
            return
        similar_paths = difflib.get_close_matches(path, paths, 1, 0.85)
        if similar_paths:
            raise OperatorError(f"There is no section {path!r}; did you mean {similar_paths[0]!r}?")
        items = []
        for section in (*derive.ancestor_paths(path), path):
            if section not in paths:
                name = section.rpartition("/")[2].replace("-", " ").replace("_", " ").title()
                message = f"the name {name!r} of the new section is derived from its path"
                warnings = (Warning(WarningCode.GUESSED, message, ("name",)),)
                record = CategoryRecord(path=section, name=name)
                items.append(ImportItem("--category", record, warnings=warnings))
        await self._import_batch(items, begin)

    async def _import_batch(
        self, items: Sequence[ImportItem], begin: BeginTransaction, reader: _BatchReader | None = None
    ) -> None:
        resolver = self._resolver
        items = [with_external_id(item) for item in items]
        try:
            async with begin() as connection:
                run = self._run()
                batch = Batch(run, connection, await ArticleLookup.load(items))
                await batch.load_stored(items)
                await resolver.load_media(items)
                for item in items:
                    await batch.import_item(item, self._save_record)
                    if run.with_history is not self._writes_history:  # a complete export has begun
                        run = self._run()
                        batch.run = run
                await batch.insert_pending(reader.read if reader else None)
        except BaseException:
            resolver.forget()
            raise
        # Only what is committed is reported.
        self._unsaved_relations += [
            (replace(item, record=None, references=(), media=()), article_writer.only_relations(record))
            for item, record in batch.unsaved_relations
        ]
        self.report.external_media += batch.new_media
        for outcome in batch.outcomes:
            self._report(outcome)

    def _run(self) -> Run:
        return Run(
            self._now,
            self._options,
            self._site,
            self._resolver,
            self._request_id,
            self._writes_history,
            self._get_writer,
        )

    def _get_writer(self) -> NewArticles:
        self._writer = self._writer or NewArticles(
            self._dialect, self._now, self._request_id, with_history=self._writes_history
        )
        return self._writer

    async def close(self) -> None:
        if self._writer:
            await self._writer.close()

    @property
    def _writes_history(self) -> bool:
        return self._with_history and not self._is_complete

    async def _save_record(self, connection: Any, item: ImportItem) -> SaveResult:
        """Saves a record that is no article."""
        record = item.record
        assert record is not None
        if isinstance(record, HistoryRecord):
            return await self._save_history_record(connection, record)
        self._has_content = True
        saved = await rows.save_record(record, self._now)
        self._resolver.forget()
        await self._run().audit(item, record, saved)
        return saved

    async def _save_history_record(self, connection: Any, record: HistoryRecord) -> SaveResult:
        """Saves a record of a complete export, whose header must come first, into an empty database."""
        if isinstance(record, ExportHeader):
            if self._has_content or self._options != _NO_OPTIONS:
                raise OperatorError(
                    "A complete export (contentql export --all) is imported alone: before any other record,"
                    " and without options such as --category."
                )
            await complete.require_empty()
            self._is_complete = self._has_content = True
            return SaveResult("created")
        if not self._is_complete:
            raise RecordRejected(
                "the record is only for complete exports, which begin with their record export"
            )
        await complete.save_history_record(connection, record)
        return SaveResult("created")

    def _report(self, outcome: ItemOutcome) -> None:
        self.report.add(outcome, collect=self._collect)
        self._progress(outcome)


class _BatchReader:
    """Reads the items of a batch, also while the one before is being inserted."""

    def __init__(self, items: Iterable[ImportItem]) -> None:
        self._items = iter(items)
        self._batch: list[ImportItem] = []

    async def read(self) -> None:
        """Reads the next batch, unless it was read already."""
        if not self._batch:
            for item in islice(self._items, BATCH_SIZE):
                self._batch.append(item)
                if len(self._batch) % 10 == 0:
                    await asyncio.sleep(0)  # the event loop receives the rows that processes have computed

    def take(self) -> list[ImportItem]:
        """The batch that was read; an empty one at the end."""
        batch, self._batch = self._batch, []
        return batch


async def _prune_change_log(begin: BeginTransaction) -> None:
    async with begin() as connection:
        await change_log.prune(connection)
        await article_log.prune(connection)
