"""Import of records, one transaction each, with a report of the outcome of every record.

Invariant: importing the same records again changes nothing. Independent of file formats.
"""

from __future__ import annotations

import datetime as dt
import difflib
import re
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import pydantic
from pydantic.alias_generators import to_camel
from tortoise.exceptions import IntegrityError, ValidationError
from tortoise.models import Model
from tortoise.transactions import in_transaction

from contentql.content import derive
from contentql.content.enums import Status
from contentql.content.field_types import STORED
from contentql.content.ids import encode_id, new_id
from contentql.content.records import (
    ArticleRecord,
    AuthorRecord,
    CategoryRecord,
    CollectionItemRecord,
    CollectionRecord,
    ImportItem,
    MediaRecord,
    Record,
    SourceRecord,
    StoryRecord,
    TagRecord,
    describe_validation_error,
)
from contentql.editorial.completion import changed_field_names, complete_record
from contentql.errors import OperatorError
from contentql.formats import jsonl
from contentql.importing.publishing import RecordRejected, describe_draft, require_publishable
from contentql.importing.report import ImportReport, ImportResult, RecordOutcome
from contentql.store import article_records, article_writer, change_log
from contentql.store.article_records import ReferenceNotFound, foreign_key, ids_by_key
from contentql.store.article_writer import require_media
from contentql.store.collection_writer import save_collection_items
from contentql.store.database import Database
from contentql.store.errors import DRIVER_ERRORS, describe_error
from contentql.store.models.articles import Article
from contentql.store.models.collections import Collection, CollectionItem
from contentql.store.models.taxonomy import Author, Category, ExternalId, Media, Source, Story, Tag

LOCK_TIMEOUT = 60.0  # seconds that each record waits for other writers of the database

BeginTransaction: TypeAlias = Callable[[], AbstractAsyncContextManager[Any]]


@dataclass(frozen=True)
class ImportOptions:
    """Options of a run that override the fields of all its articles.

    A `category` that does not exist is created, unless its name is close to an existing one.
    """

    category: str | None = None
    publish_at: dt.datetime | None = None


async def import_records(
    database: Database,
    items: Iterable[ImportItem],
    *,
    options: ImportOptions = ImportOptions(),
    dry_run: bool = False,
    progress: Callable[[RecordOutcome], object] = lambda outcome: None,
) -> ImportReport:
    """Imports records, each completely or not at all.

    A dry run does the same and rolls back. Raises OperatorError if the database fails; what was stored until
    then remains.
    """
    now = dt.datetime.now(dt.UTC).replace(microsecond=0)
    own_database = Database(database.url)  # with a write connection of its own, which is closed at the end

    def begin() -> AbstractAsyncContextManager[Any]:
        return own_database.long_transaction(LOCK_TIMEOUT)

    try:
        if dry_run:
            importer = Importer(now, options, progress, in_transaction)
            await _dry_run(importer, items, begin)
        else:
            importer = Importer(now, options, progress, begin)
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


@dataclass(frozen=True)
class _SaveResult:
    result: ImportResult
    reason: str = ""
    status: Status | None = None


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
    ) -> None:
        self.outcomes: list[RecordOutcome] = []
        self._now, self._options, self._progress, self._begin = now, options, progress, begin
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
                await self._import_item(ImportItem("--category", CategoryRecord(path=section, name=name)))

    async def _import_item(self, item: ImportItem) -> None:
        saved = await self._save_item(item)
        reason = "; ".join(filter(None, (saved.reason, *item.notes)))
        self._report(RecordOutcome(item.location, _label(item.record), saved.result, reason, saved.status))

    def _report(self, outcome: RecordOutcome) -> None:
        self.outcomes.append(outcome)
        self._progress(outcome)

    async def _save_item(self, item: ImportItem) -> _SaveResult:
        """Saves the record of an item in one transaction; errors of the record become its result."""
        if item.record is None:
            return _SaveResult("failed", item.error or "the item has no record")
        try:
            async with self._begin() as connection:
                if isinstance(item.record, ArticleRecord):
                    return await self._save_article(
                        connection, item.record, item.location, partial=item.partial
                    )
                return await _save_record(item.record, self._now)
        except pydantic.ValidationError as exc:
            return _SaveResult("failed", describe_validation_error(exc))
        except IntegrityError as exc:
            return _SaveResult("failed", describe_integrity_error(exc))
        except (ReferenceNotFound, RecordRejected, ValidationError, ValueError) as exc:
            return _SaveResult("failed", str(exc).partition("\n")[0])

    async def _save_article(
        self, connection: Any, record: ArticleRecord, location: str, *, partial: bool
    ) -> _SaveResult:
        row = await _find_article(record)
        stored = (await article_records.load_articles([row]))[0] if row else None
        if stored and partial:
            record = _merge_partial(stored, record)
        if stored and record.version and stored.version and record.version < stored.version:
            reason = (
                f"the stored version {stored.version} is newer than version {record.version} of the record"
            )
            return _SaveResult("skipped", reason, stored.status)
        new_record = complete_record(self._apply_options(record, stored), stored, self._now)
        if stored == new_record:
            return _SaveResult("unchanged", describe_draft(new_record), new_record.status)
        require_publishable(new_record)
        if stored and partial:
            # Stored spans and quotes may refer to text that the partial record has removed.
            ArticleRecord.model_validate(new_record.model_dump(), context=STORED)
        await _require_free_slug(new_record)
        changes = ", ".join(changed_field_names(stored, new_record)) if stored else ""
        if stored:
            new_version = {} if record.version else {"version": (stored.version or 0) + 1}
            new_time = {} if record.modified_at else {"modified_at": self._now}
            new_record = new_record.model_copy(update={**new_version, **new_time})
        if await article_writer.save_article(connection, new_record, row):
            self._unsaved_relations.append((location, new_record))
        reason = "; ".join(filter(None, (changes, describe_draft(new_record))))
        return _SaveResult("updated" if stored else "created", reason, new_record.status)

    def _apply_options(self, record: ArticleRecord, stored: ArticleRecord | None) -> ArticleRecord:
        """The record with the section and publication time of the options."""
        values: dict[str, Any] = {}
        if self._options.category:
            values["category"] = self._options.category
        publish_at = self._options.publish_at
        if publish_at is not None:
            status = Status.PUBLISHED if publish_at <= self._now else Status.SCHEDULED
            # A scheduled article becomes public without a write, so its stored status remains SCHEDULED.
            if stored and stored.published_at == publish_at and stored.status is Status.SCHEDULED:
                status = stored.status
            values |= {"published_at": publish_at, "status": status}
        return record.model_copy(update=values)


def _merge_partial(stored: ArticleRecord, record: ArticleRecord) -> ArticleRecord:
    """The stored record, overridden by a partial one; a printed day does not change a stored time."""
    fields = {name: getattr(record, name) for name in record.model_fields_set}
    if stored.published_at:
        fields["published_at"] = stored.published_at
    derived = dict.fromkeys(("version", "modified_at", "first_published_at", "updated_at"))
    return stored.model_copy(update={**derived, **fields})


def describe_integrity_error(exc: IntegrityError) -> str:
    """Description of a violated database constraint."""
    message = str(exc)
    if unique := re.search(r"UNIQUE constraint failed: (\w+)\.(.*)|Key \((.*?)\)=", message):
        columns = re.sub(r"\b\w+\.", "", unique[2] or unique[3])
        return f"another row has the same {columns.replace('_id', '')}"
    if check := re.search(r"CHECK constraint failed: (\w+)|check constraint \"(\w+)\"", message):
        return f"the record violates the constraint: {(check[1] or check[2]).replace('_', ' ')}"
    return "the record conflicts with stored content"


async def _find_article(record: ArticleRecord) -> Article | None:
    """Returns the stored article of a record: by id, uri or external id; if it has none of them, by slug."""
    row = await Article.get_or_none(id=record.id, working_of=0) if record.id else None
    if row is None and record.uri:
        row = await Article.get_or_none(uri=record.uri, working_of=0)
    for external_id in record.external_ids if row is None else ():
        match = await ExternalId.get_or_none(system=external_id.system, value=external_id.value)
        if match is not None:
            return await Article.get(id=foreign_key(match, "article"))
    if row is None and not (record.id or record.uri or record.external_ids):
        row = await Article.get_or_none(
            language=record.language, slug=record.slug, working_of=0, deleted_at=None
        )
    return row


async def _article_by_slug(record: ArticleRecord) -> Article | None:
    return await Article.get_or_none(
        language=record.language, slug=record.slug, working_of=0, deleted_at__isnull=True
    )


async def _require_free_slug(record: ArticleRecord) -> None:
    other = await Article.get_or_none(
        language=record.language, slug=record.slug, working_of=0, deleted_at=None
    )
    if other is not None and other.id != record.id:
        raise RecordRejected(
            f"another article has the slug {record.slug!r} ({encode_id('article', other.id)})"
        )


async def _save_record(record: Record, now: dt.datetime) -> _SaveResult:
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
            raise AssertionError("articles are stored by `Importer._save_article`")


async def _save_row(
    record: Any,
    model: type[Model],
    key: dict[str, Any],
    references: dict[str, Any],
    *,
    name: str | None = None,
    defaults: dict[str, Any] | None = None,
) -> _SaveResult:
    """Stores a record that is one row, matched by its id or key, if anything differs."""
    values = {**article_records.record_columns(record, model), **references}
    if name is not None:
        values["sort_name"] = derive.sort_name(name)
    row = await model.get_or_none(id=record.id) if record.id else None
    row = row or await model.filter(**key).order_by("id").first()
    if row is None:
        await model.create(id=record.id or new_id(), **{**values, **(defaults or {})})
        return _SaveResult("created")
    for column in defaults or {}:
        del values[column]
    changed = sorted(to_camel(column) for column, value in values.items() if getattr(row, column) != value)
    if not changed:
        return _SaveResult("unchanged")
    await row.update_from_dict(values).save()
    return _SaveResult("updated", ", ".join(changed))


async def _save_category(record: CategoryRecord) -> _SaveResult:
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


async def _save_collection(record: CollectionRecord) -> _SaveResult:
    article_ids = await ids_by_key(Article, "uri", [item.article for item in record.items], "article")
    await require_media(item.media for item in record.items)
    saved = await _save_row(record, Collection, {"slug": record.slug}, {}, name=record.title)
    row = await Collection.get(slug=record.slug)
    if saved.result != "created":
        if (await collection_items([row]))[row.id] == record.items:
            return saved
        saved = _SaveResult("updated", ", ".join(filter(None, (saved.reason, "items"))))
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


def _label(record: Record | None) -> str:
    match record:
        case None:
            return ""
        case CategoryRecord():
            return f"category {record.path}"
        case MediaRecord():
            return f"media {record.url}"
        case TagRecord():
            return f"tag {record.type.value}:{record.slug}"
        case ArticleRecord():
            return f"article {record.slug}"
        case SourceRecord() | AuthorRecord() | StoryRecord() | CollectionRecord():
            return f"{type(record).__name__.removesuffix('Record').lower()} {record.slug}"
