"""Import of items in batches, one transaction each, with a report of the outcome of every item.

Invariant: importing the same items again changes nothing. Independent of file formats.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import difflib
import re
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any, Final, TypeAlias

import pydantic
from tortoise.exceptions import IntegrityError, ValidationError

from contentql.content import derive
from contentql.content.history_records import HISTORY_TYPES, ExportHeader
from contentql.content.ids import encode_id, new_id
from contentql.content.import_item import ImportItem
from contentql.content.records import (
    ArticleRecord,
    CategoryRecord,
    HistoryRecord,
    MediaRecord,
    Record,
    TagRecord,
    describe_validation_error,
)
from contentql.content.warnings import Warning, WarningCode
from contentql.errors import OperatorError
from contentql.formats import jsonl
from contentql.importing import complete, rows
from contentql.importing.articles import ArticleImport, Identity
from contentql.importing.history import write_audit_entry
from contentql.importing.lookup import ArticleLookup, with_external_id
from contentql.importing.publishing import ImportConflict, RecordRejected
from contentql.importing.redirects import save_redirects
from contentql.importing.references import ReferenceResolver, Resolution
from contentql.importing.report import ImportReport, ItemOutcome
from contentql.importing.rows import SaveResult
from contentql.importing.statuses import ImportOptions
from contentql.store import article_log, article_writer, change_log
from contentql.store.article_records import ReferenceNotFound
from contentql.store.database import Database
from contentql.store.errors import DRIVER_ERRORS, describe_error
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
    importer = Importer(now, options, site or Site(), progress, with_history, collect)
    try:
        if dry_run:
            await _dry_run(importer, items, own_database)
        else:
            await importer.run(items, lambda: own_database.long_transaction(LOCK_TIMEOUT))
    except DRIVER_ERRORS as exc:
        raise OperatorError(describe_error(database.url, exc)) from exc
    finally:
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
    ) -> None:
        self.report = ImportReport()
        self._now, self._options, self._site, self._progress = now, options, site, progress
        self._with_history, self._collect = with_history, collect
        self._resolver = ReferenceResolver(create=options.create, now=now)
        self._request_id = f"import-{new_id()}"
        self._is_complete = self._has_content = False
        self._unsaved_relations: list[tuple[ImportItem, ArticleRecord]] = []

    async def run(self, items: Iterable[ImportItem], begin: BeginTransaction) -> None:
        """Imports the items in batches, and prunes the change log from time to time and at the end."""
        if self._options.category:
            await self._create_section(self._options.category, begin)
        count = 0
        for batch in _batches(items):
            if self._options.update and len(batch) > 1:
                raise OperatorError("--update is for a single article; the files have several.")
            await self._import_batch(batch, begin)
            count += len(batch)
            if count >= PRUNE_INTERVAL:
                count = 0
                await _prune_change_log(begin)
        # Relations are saved after all articles, since two articles may refer to each other.
        for item, record in self._unsaved_relations:
            async with begin():
                missing = await article_writer.save_related_articles(record)
            for uri in missing:
                reason = f"the related article {uri} does not exist"
                self._report(self._outcome(item, record, SaveResult("failed", reason)))
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

    async def _import_batch(self, items: Sequence[ImportItem], begin: BeginTransaction) -> None:
        outcomes: list[ItemOutcome] = []
        media = 0
        relations = len(self._unsaved_relations)
        try:
            async with begin() as connection:
                lookup = await ArticleLookup.load(items)
                await self._resolver.load_media(items)
                for item in items:
                    added, new_media = await self._import_item(connection, item, lookup)
                    outcomes += added
                    media += new_media
        except BaseException:
            self._resolver.forget()
            del self._unsaved_relations[relations:]
            raise
        # Only what is committed is reported.
        self.report.external_media += media
        for outcome in outcomes:
            self._report(outcome)

    async def _import_item(
        self, connection: Any, item: ImportItem, lookup: ArticleLookup
    ) -> tuple[list[ItemOutcome], int]:
        """Imports an item; returns its outcome, after those of rows made for it, and the new media."""
        if item.skipped:
            return [self._outcome(item, None, SaveResult("skipped", item.skipped))], 0
        if item.record is None:
            result = SaveResult("failed", item.error or "there is no record", warnings=item.warnings)
            return [self._outcome(item, None, result)], 0
        try:
            async with _savepoint(connection):
                if isinstance(item.record, ArticleRecord):
                    return await self._import_article(connection, item, item.record, lookup)
                saved = await self._save_record(connection, item, item.record)
                saved = replace(saved, warnings=(*item.warnings, *saved.warnings))
                return [self._outcome(item, item.record, saved)], 0
        except ImportConflict as exc:
            result = SaveResult("conflict", str(exc))
        except pydantic.ValidationError as exc:
            result = SaveResult("failed", describe_validation_error(exc))
        except IntegrityError as exc:
            result = SaveResult("failed", describe_integrity_error(exc))
        except (ReferenceNotFound, RecordRejected, ValidationError, ValueError) as exc:
            result = SaveResult("failed", str(exc).partition("\n")[0])
        # Rows that were created for the item are gone.
        self._resolver.forget()
        return [self._outcome(item, item.record, replace(result, warnings=item.warnings))], 0

    async def _import_article(
        self, connection: Any, item: ImportItem, record: ArticleRecord, lookup: ArticleLookup
    ) -> tuple[list[ItemOutcome], int]:
        self._has_content = True
        record = with_external_id(record)
        identity = last = None
        if item.source_status is not None:
            identity = Identity.of(item, record, self._options, self._now)
            last = lookup.find_last_import(record)
            if last and not self._options.update and (result := identity.compare(last)):
                result = replace(result, warnings=item.warnings)
                return [self._outcome(item, record, result)], 0
        resolved = await self._resolver.resolve(item, record)
        if identity and resolved.is_incomplete:
            identity = replace(identity, content_hash=None)  # what is missing may exist the next time
        article = ArticleImport(
            item, resolved.record, self._options, self._now, lookup, with_revision=self._writes_history
        )
        saved = await article.save(connection, identity)
        if article.unsaved_relations:
            self._unsaved_relations.append((item, article.unsaved_relations))
        warnings = [*resolved.warnings, *saved.warnings]
        if saved.article_id and item.addresses:
            warnings += await save_redirects(
                self._site, item.addresses, saved.article_id, article.saved, self._now
            )
        await self._audit(item, record, saved)
        created = [self._outcome(item, each, result) for each, result in resolved.created]
        await self._audit_created(item, resolved)
        saved = replace(saved, warnings=(*item.warnings, *warnings))
        shown = [one for one in created if one.kind != "media"]
        return [*shown, self._outcome(item, article.saved, saved)], resolved.new_media

    async def _audit(self, item: ImportItem, record: Record | HistoryRecord, saved: SaveResult) -> None:
        if saved.written and self._writes_history:
            reason = f"Imported from {item.location}"
            await write_audit_entry(saved.written, _kind(record), self._now, reason, self._request_id)

    async def _audit_created(self, item: ImportItem, resolved: Resolution) -> None:
        for record, saved in resolved.created:
            await self._audit(item, record, saved)

    @property
    def _writes_history(self) -> bool:
        return self._with_history and not self._is_complete

    async def _save_record(
        self, connection: Any, item: ImportItem, record: Record | HistoryRecord
    ) -> SaveResult:
        if isinstance(record, HistoryRecord):
            return await self._save_history_record(connection, record)
        self._has_content = True
        saved = await rows.save_record(record, self._now)
        self._resolver.forget()
        await self._audit(item, record, saved)
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

    def _outcome(
        self, item: ImportItem, record: Record | HistoryRecord | None, saved: SaveResult
    ) -> ItemOutcome:
        target = saved.written.target_id if saved.written else None
        if target is None and saved.article_id:
            target = encode_id("article", saved.article_id)
        return ItemOutcome(
            item.source,
            item.place,
            _kind(record) if record else "",
            _key(record) if record else "",
            saved.result,
            saved.reason,
            saved.status,
            saved.warnings,
            target,
        )

    def _report(self, outcome: ItemOutcome) -> None:
        self.report.add(outcome, collect=self._collect)
        self._progress(outcome)


def _batches(items: Iterable[ImportItem]) -> Iterator[list[ImportItem]]:
    iterator = iter(items)
    while batch := list(islice(iterator, BATCH_SIZE)):
        yield batch


@contextlib.asynccontextmanager
async def _savepoint(connection: Any) -> AsyncIterator[None]:
    """Rolls the writes of the block back if it raises, not the whole transaction."""
    await connection.execute_query("SAVEPOINT import_item")
    try:
        yield
    except Exception:
        await connection.execute_query("ROLLBACK TO SAVEPOINT import_item")
        await connection.execute_query("RELEASE SAVEPOINT import_item")
        raise
    await connection.execute_query("RELEASE SAVEPOINT import_item")


async def _prune_change_log(begin: BeginTransaction) -> None:
    async with begin() as connection:
        await change_log.prune(connection)
        await article_log.prune(connection)


def describe_integrity_error(exc: IntegrityError) -> str:
    """Description of a violated database constraint."""
    message = str(exc)
    if unique := re.search(r"UNIQUE constraint failed: (\w+)\.(.*)|Key \((.*?)\)=", message):
        columns = re.sub(r"\b\w+\.", "", unique[2] or unique[3])
        return f"another row has the same {columns.replace('_id', '')}"
    if check := re.search(r"CHECK constraint failed: (\w+)|check constraint \"(\w+)\"", message):
        return f"the record violates the constraint: {(check[1] or check[2]).replace('_', ' ')}"
    return "the record conflicts with stored content"


def _key(record: Record | HistoryRecord) -> str:
    """The natural key by which reports name a record."""
    match record:
        case HistoryRecord():
            return ""
        case CategoryRecord():
            return record.path
        case MediaRecord():
            return record.url
        case TagRecord():
            return f"{record.type.value}:{record.slug}"
        case _:
            return record.slug


def _kind(record: Record | HistoryRecord) -> str:
    if isinstance(record, HistoryRecord):
        return _NAMES[type(record)]
    return type(record).__name__.removesuffix("Record").lower()
