"""Import of records, one transaction each, with a report of the outcome of every record.

Invariant: importing the same records again changes nothing. Independent of file formats.
"""

from __future__ import annotations

import datetime as dt
import difflib
import re
from collections.abc import Callable, Iterable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, TypeAlias

import pydantic
from tortoise.exceptions import IntegrityError, ValidationError
from tortoise.transactions import in_transaction

from contentql.content import derive
from contentql.content.history_records import HISTORY_TYPES, ExportHeader
from contentql.content.ids import new_id
from contentql.content.import_item import ImportItem
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
from contentql.content.warnings import Warning, WarningCode
from contentql.errors import OperatorError
from contentql.formats import jsonl
from contentql.importing import complete, rows
from contentql.importing.articles import ArticleImport, ImportOptions
from contentql.importing.history import write_audit_entry
from contentql.importing.publishing import ImportConflict, RecordRejected
from contentql.importing.report import ImportReport, RecordOutcome
from contentql.importing.rows import SaveResult
from contentql.store import article_log, article_writer, change_log
from contentql.store.article_records import ReferenceNotFound
from contentql.store.database import Database
from contentql.store.errors import DRIVER_ERRORS, describe_error
from contentql.store.models.taxonomy import Category

LOCK_TIMEOUT = 60.0  # seconds that each record waits for other writers of the database

_NAMES = {type_: kind for kind, type_ in HISTORY_TYPES.items()}
_NO_OPTIONS = ImportOptions()

BeginTransaction: TypeAlias = Callable[[], AbstractAsyncContextManager[Any]]


async def import_records(
    database: Database,
    items: Iterable[ImportItem],
    *,
    options: ImportOptions = _NO_OPTIONS,
    dry_run: bool = False,
    now: dt.datetime | None = None,
    progress: Callable[[RecordOutcome], object] = lambda outcome: None,
    with_history: bool = True,
) -> ImportReport:
    """Imports records, each completely or not at all, at the time `now`, by default the present.

    Without history, no revisions and audit entries are written, and articles have the versions of their
    records. A dry run does the same and rolls back. Raises OperatorError if the database fails; what was
    stored until then remains.
    """
    now = (now or dt.datetime.now(dt.UTC)).replace(microsecond=0)
    own_database = Database(database.url)  # with a write connection of its own, which is closed at the end

    def begin() -> AbstractAsyncContextManager[Any]:
        return own_database.long_transaction(LOCK_TIMEOUT)

    try:
        if dry_run:
            importer = Importer(now, options, progress, in_transaction, with_history)
            await _dry_run(importer, items, begin)
        else:
            importer = Importer(now, options, progress, begin, with_history)
            await importer.run(items)
    except DRIVER_ERRORS as exc:
        raise OperatorError(describe_error(database.url, exc)) from exc
    finally:
        await own_database.close()
    return ImportReport(tuple(importer.outcomes))


async def import_file(database: Database, path: Path) -> ImportReport:
    """Imports a JSON Lines file. Raises OperatorError."""
    with path.open("rb") as file:
        return await import_records(database, jsonl.read_records(file, path.name))


class _DryRunRollback(Exception):
    """Raised to roll back the transaction of a dry run."""


async def _dry_run(importer: Importer, items: Iterable[ImportItem], begin: BeginTransaction) -> None:
    try:
        async with begin():
            await importer.run(items)
            raise _DryRunRollback
    except _DryRunRollback:
        pass


class Importer:
    """One run of an import: its time, options and the outcomes so far."""

    def __init__(
        self,
        now: dt.datetime,
        options: ImportOptions,
        progress: Callable[[RecordOutcome], object],
        begin: BeginTransaction,
        with_history: bool,
    ) -> None:
        self.outcomes: list[RecordOutcome] = []
        self._now, self._options, self._progress, self._begin = now, options, progress, begin
        self._with_history = with_history
        self._request_id = f"import-{new_id()}"
        self._is_complete = self._has_content = False
        self._unsaved_relations: list[tuple[str, ArticleRecord]] = []

    async def run(self, items: Iterable[ImportItem]) -> None:
        """Imports the items, and prunes the change log after every 1,000 of them and at the end."""
        if self._options.category:
            await self._create_section(self._options.category)
        for index, item in enumerate(items, 1):
            await self._import_item(item)
            if index % 1_000 == 0:
                await self._prune_change_log()
        # Relations are saved after all articles, since two articles may refer to each other.
        for location, record in self._unsaved_relations:
            async with self._begin():
                missing = await article_writer.save_related_articles(record)
            for uri in missing:
                reason = f"the related article {uri} does not exist"
                self._report(RecordOutcome(location, _label(record), "failed", reason))
        await self._prune_change_log()

    async def _prune_change_log(self) -> None:
        async with self._begin() as connection:
            await change_log.prune(connection)
            await article_log.prune(connection)

    async def _create_section(self, path: str) -> None:
        async with self._begin():
            paths = [category.path for category in await Category.all()]
        if path in paths:
            return
        similar_paths = difflib.get_close_matches(path, paths, 1, 0.85)
        if similar_paths:
            raise OperatorError(f"There is no section {path!r}; did you mean {similar_paths[0]!r}?")
        for section in (*derive.ancestor_paths(path), path):
            if section not in paths:
                name = section.rpartition("/")[2].replace("-", " ").replace("_", " ").title()
                message = f"the name {name!r} of the new section is derived from its path"
                warnings = (Warning(WarningCode.GUESSED, message, ("name",)),)
                record = CategoryRecord(path=section, name=name)
                await self._import_item(ImportItem("--category", record, warnings=warnings))

    async def _import_item(self, item: ImportItem) -> None:
        saved = await self._save_item(item)
        self._report(
            RecordOutcome(
                item.location,
                _label(item.record),
                saved.result,
                saved.reason,
                saved.status,
                (*item.warnings, *saved.warnings),
            )
        )

    def _report(self, outcome: RecordOutcome) -> None:
        self.outcomes.append(outcome)
        self._progress(outcome)

    @property
    def _writes_history(self) -> bool:
        return self._with_history and not self._is_complete

    async def _save_item(self, item: ImportItem) -> SaveResult:
        """Saves the record of an item in one transaction; errors of the record become its result."""
        if item.record is None:
            return SaveResult("failed", item.error or "the item has no record")
        try:
            async with self._begin() as connection:
                saved = await self._save_record(connection, item, item.record)
                if saved.written and self._writes_history:
                    reason = f"Imported from {item.location}"
                    kind = _kind(item.record)
                    await write_audit_entry(saved.written, kind, self._now, reason, self._request_id)
                return saved
        except ImportConflict as exc:
            return SaveResult("conflict", str(exc))
        except pydantic.ValidationError as exc:
            return SaveResult("failed", describe_validation_error(exc))
        except IntegrityError as exc:
            return SaveResult("failed", describe_integrity_error(exc))
        except (ReferenceNotFound, RecordRejected, ValidationError, ValueError) as exc:
            return SaveResult("failed", str(exc).partition("\n")[0])

    async def _save_record(
        self, connection: Any, item: ImportItem, record: Record | HistoryRecord
    ) -> SaveResult:
        if isinstance(record, HistoryRecord):
            return await self._save_history_record(connection, record)
        self._has_content = True
        if not isinstance(record, ArticleRecord):
            return await rows.save_record(record, self._now)
        article = ArticleImport(item, record, self._options, self._now, with_revision=self._writes_history)
        saved = await article.save(connection)
        if article.unsaved_relations:
            self._unsaved_relations.append((item.location, article.unsaved_relations))
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


def describe_integrity_error(exc: IntegrityError) -> str:
    """Description of a violated database constraint."""
    message = str(exc)
    if unique := re.search(r"UNIQUE constraint failed: (\w+)\.(.*)|Key \((.*?)\)=", message):
        columns = re.sub(r"\b\w+\.", "", unique[2] or unique[3])
        return f"another row has the same {columns.replace('_id', '')}"
    if check := re.search(r"CHECK constraint failed: (\w+)|check constraint \"(\w+)\"", message):
        return f"the record violates the constraint: {(check[1] or check[2]).replace('_', ' ')}"
    return "the record conflicts with stored content"


def _label(record: Record | HistoryRecord | None) -> str:
    match record:
        case None:
            return ""
        case HistoryRecord():
            return _NAMES[type(record)]
        case CategoryRecord():
            return f"category {record.path}"
        case MediaRecord():
            return f"media {record.url}"
        case TagRecord():
            return f"tag {record.type.value}:{record.slug}"
        case ArticleRecord():
            return f"article {record.slug}"
        case SourceRecord() | AuthorRecord() | StoryRecord() | CollectionRecord():
            return f"{_kind(record)} {record.slug}"


def _kind(record: Record | HistoryRecord) -> str:
    return type(record).__name__.removesuffix("Record").lower()
