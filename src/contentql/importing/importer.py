"""Import of records, one transaction each, with a report of the outcome of every record.

Invariant: importing the same records again changes nothing. Independent of file formats.
"""

from __future__ import annotations

import datetime as dt
import difflib
import re
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pydantic
from pydantic.alias_generators import to_camel
from tortoise.exceptions import IntegrityError, ValidationError
from tortoise.models import Model
from tortoise.transactions import in_transaction

from contentql.content import derive
from contentql.content.enums import Status
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
from contentql.store.database import Database
from contentql.store.errors import DRIVER_ERRORS, describe_error
from contentql.store.models.articles import Article
from contentql.store.models.collections import Collection, CollectionItem
from contentql.store.models.taxonomy import Author, Category, ExternalId, Media, Source, Story, Tag


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
    wishes: ImportOptions = ImportOptions(),
    dry_run: bool = False,
    progress: Callable[[RecordOutcome], object] = lambda outcome: None,
) -> ImportReport:
    """Imports records, each completely or not at all.

    A dry run does the same and rolls back. Raises OperatorError if the database fails; what was stored until
    then remains.
    """
    intake = Importer(dt.datetime.now(dt.UTC).replace(microsecond=0), wishes, progress)
    try:
        async with database.orm() as connection:
            if dry_run:
                await _dry_run(intake, items)
            else:
                await intake.run(items, lambda: change_log.prune(connection))
    except DRIVER_ERRORS as exc:
        raise OperatorError(describe_error(database.url, exc)) from exc
    return ImportReport(tuple(intake.outcomes))


async def import_file(database: Database, path: Path) -> ImportReport:
    """Imports a JSON Lines file. Raises OperatorError."""
    with path.open("rb") as file:
        return await import_records(database, jsonl.read_records(file, path.name))


class _RolledBack(Exception):
    """Raised to roll back the transaction of a dry run."""


@dataclass(frozen=True)
class _SaveResult:
    what: ImportResult
    why: str = ""
    status: Status | None = None


async def _dry_run(intake: Importer, items: Iterable[ImportItem]) -> None:
    try:
        async with in_transaction():
            await intake.run(items)
            raise _RolledBack
    except _RolledBack:
        pass


class Importer:
    """One run of an import: its time, options and the outcomes so far."""

    def __init__(
        self, now: dt.datetime, wishes: ImportOptions, progress: Callable[[RecordOutcome], object]
    ) -> None:
        self.outcomes: list[RecordOutcome] = []
        self._now, self._wishes, self._progress = now, wishes, progress
        self._unrelated: list[tuple[str, ArticleRecord]] = []

    async def run(
        self, items: Iterable[ImportItem], tidy: Callable[[], Awaitable[None]] | None = None
    ) -> None:
        """Imports the items; `tidy` is called every 1,000 items and at the end."""
        if self._wishes.category:
            await self._make_section(self._wishes.category)
        for number, item in enumerate(items, 1):
            await self._keep(item)
            if tidy and number % 1_000 == 0:
                await tidy()
        # Relations are saved after all articles, since two articles may refer to each other.
        for where, record in self._unrelated:
            async with in_transaction():
                missing = await article_writer.save_related_articles(record)
            for uri in missing:
                why = f"the related article {uri} does not exist"
                self._report(RecordOutcome(where, _subject(record), "failed", why))
        if tidy:
            await tidy()

    async def _make_section(self, path: str) -> None:
        here = [category.path for category in await Category.all()]
        if path in here:
            return
        near = difflib.get_close_matches(path, here, 1, 0.85)
        if near:
            raise OperatorError(f"There is no section {path!r}; did you mean {near[0]!r}?")
        for step in (*derive.ancestor_paths(path), path):
            if step not in here:
                name = step.rpartition("/")[2].replace("-", " ").replace("_", " ").title()
                await self._keep(ImportItem("--category", CategoryRecord(path=step, name=name)))

    async def _keep(self, item: ImportItem) -> None:
        stored = await self._stored_record(item)
        why = "; ".join(filter(None, (stored.why, *item.notes)))
        self._report(RecordOutcome(item.location, _subject(item.record), stored.what, why, stored.status))

    def _report(self, outcome: RecordOutcome) -> None:
        self.outcomes.append(outcome)
        self._progress(outcome)

    async def _stored_record(self, item: ImportItem) -> _SaveResult:
        if item.record is None:
            return _SaveResult("failed", item.error or "the item has no record")
        try:
            async with in_transaction() as connection:
                if isinstance(item.record, ArticleRecord):
                    return await self._article(connection, item.record, item.location, partial=item.partial)
                return await _keep(item.record, self._now)
        except pydantic.ValidationError as exc:
            return _SaveResult("failed", describe_validation_error(exc))
        except IntegrityError as exc:
            return _SaveResult("failed", describe_integrity_error(exc))
        except (ReferenceNotFound, RecordRejected, ValidationError, ValueError) as exc:
            return _SaveResult("failed", str(exc).partition("\n")[0])

    async def _article(
        self, connection: Any, record: ArticleRecord, where: str, *, partial: bool
    ) -> _SaveResult:
        row = await _is_known(record)
        stored = (await article_records.load_articles([row]))[0] if row else None
        if stored and partial:
            record = _merge_partial(stored, record)
        if stored and record.version and stored.version and record.version < stored.version:
            why = f"the stored version {stored.version} is newer than version {record.version} of the record"
            return _SaveResult("skipped", why, stored.status)
        document = complete_record(self._wished(record, stored), stored, self._now)
        if stored == document:
            return _SaveResult("unchanged", describe_draft(document), document.status)
        require_publishable(document)
        if stored and partial:
            # Stored spans and quotes may refer to words that were removed.
            ArticleRecord.model_validate(document.model_dump())
        await _require_free_slug(document)
        changed = ", ".join(changed_field_names(stored, document)) if stored else ""
        if stored:
            bumped = {} if record.version else {"version": (stored.version or 0) + 1}
            touched = {} if record.modified_at else {"modified_at": self._now}
            document = document.model_copy(update={**bumped, **touched})
        if await article_writer.save_article(connection, document, row):
            self._unrelated.append((where, document))
        why = "; ".join(filter(None, (changed, describe_draft(document))))
        return _SaveResult("updated" if stored else "created", why, document.status)

    def _wished(self, record: ArticleRecord, stored: ArticleRecord | None) -> ArticleRecord:
        wished: dict[str, Any] = {}
        if self._wishes.category:
            wished["category"] = self._wishes.category
        at = self._wishes.publish_at
        if at is not None:
            status = Status.PUBLISHED if at <= self._now else Status.SCHEDULED
            # A scheduled article becomes public without a write, so its stored status remains SCHEDULED.
            if stored and stored.published_at == at and stored.status is Status.SCHEDULED:
                status = stored.status
            wished |= {"published_at": at, "status": status}
        return record.model_copy(update=wished)


def _merge_partial(stored: ArticleRecord, record: ArticleRecord) -> ArticleRecord:
    """The stored record, overridden by a partial one; a printed day does not change a stored time."""
    own = {name: getattr(record, name) for name in record.model_fields_set}
    if stored.published_at:
        own["published_at"] = stored.published_at
    derived = dict.fromkeys(("version", "modified_at", "first_published_at", "updated_at"))
    return stored.model_copy(update={**derived, **own})


def describe_integrity_error(exc: IntegrityError) -> str:
    """Description of a violated database constraint."""
    message = str(exc)
    if same := re.search(r"UNIQUE constraint failed: (\w+)\.(.*)|Key \((.*?)\)=", message):
        columns = re.sub(r"\b\w+\.", "", same[2] or same[3])
        return f"another row has the same {columns.replace('_id', '')}"
    if rule := re.search(r"CHECK constraint failed: (\w+)|check constraint \"(\w+)\"", message):
        return f"the record violates the constraint: {(rule[1] or rule[2]).replace('_', ' ')}"
    return "the record conflicts with stored content"


async def _is_known(record: ArticleRecord) -> Article | None:
    """Returns the stored article of a record: by id, uri or external id; if it has none of them, by slug."""
    row = await Article.get_or_none(id=record.id, working_of=0) if record.id else None
    if row is None and record.uri:
        row = await Article.get_or_none(uri=record.uri, working_of=0)
    for existing in record.external_ids if row is None else ():
        match = await ExternalId.get_or_none(system=existing.system, value=existing.value)
        if match is not None:
            return await Article.get(id=foreign_key(match, "article"))
    if row is None and not (record.id or record.uri or record.external_ids):
        row = await Article.get_or_none(language=record.language, slug=record.slug, working_of=0)
    return row


async def _require_free_slug(record: ArticleRecord) -> None:
    other = await Article.get_or_none(language=record.language, slug=record.slug, working_of=0)
    if other is not None and other.id != record.id:
        raise RecordRejected(
            f"another article has the slug {record.slug!r} ({encode_id('article', other.id)})"
        )


async def _keep(record: Record, now: dt.datetime) -> _SaveResult:
    """Stores a record of any type but article."""
    match record:
        case CategoryRecord():
            return await _category(record)
        case SourceRecord():
            parents = await ids_by_key(Source, "slug", [record.parent] if record.parent else [], "source")
            parent = {"parent_id": parents.get(record.parent)}
            return await _row(record, Source, {"slug": record.slug}, parent, name=record.name)
        case MediaRecord():
            created = {} if record.created_at else {"created_at": now}
            return await _row(record, Media, {"url": record.url}, {}, defaults=created)
        case AuthorRecord():
            await require_media([record.image])
            image = {"image_id": record.image}
            return await _row(record, Author, {"slug": record.slug}, image, name=record.name)
        case TagRecord():
            tags = await article_records.tag_ids([record.broader] if record.broader else [])
            broader = {"broader_id": tags[record.broader] if record.broader else None}
            key = {"type": record.type, "slug": record.slug}
            return await _row(record, Tag, key, broader, name=record.name)
        case StoryRecord():
            return await _row(record, Story, {"slug": record.slug}, {}, name=record.title)
        case CollectionRecord():
            return await _collection(record)
        case ArticleRecord():
            raise AssertionError("articles are stored by `Importer._article`")


async def _row(
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


async def _category(record: CategoryRecord) -> _SaveResult:
    parent, _, slug = record.path.rpartition("/")
    parents = await ids_by_key(Category, "path", [parent] if parent else [], "category")
    existing = await Category.get_or_none(id=record.id) if record.id else None
    if existing is not None and existing.path != record.path:
        raise RecordRejected(
            f"the section {encode_id('category', existing.id)} has the path {existing.path!r}; "
            f"move the section to {record.path!r} first"
        )
    place = {"parent_id": parents.get(parent), "slug": slug, "depth": record.path.count("/")}
    return await _row(record, Category, {"path": record.path}, place, name=record.name)


async def _collection(record: CollectionRecord) -> _SaveResult:
    articles = await ids_by_key(Article, "uri", [item.article for item in record.items], "article")
    await require_media(item.media for item in record.items)
    stored = await _row(record, Collection, {"slug": record.slug}, {}, name=record.title)
    row = await Collection.get(slug=record.slug)
    if stored.what != "created":
        if (await collection_items([row]))[row.id] == record.items:
            return stored
        stored = _SaveResult("updated", ", ".join(filter(None, (stored.why, "items"))))
    await article_writer.replace_rows(
        CollectionItem,
        {"collection_id": row.id},
        [
            {
                **article_records.record_columns(item, CollectionItem),
                "article_id": articles[item.article],
                "media_id": item.media,
                "position": n,
            }
            for n, item in enumerate(record.items)
        ],
    )
    return stored


async def collection_items(rows: Sequence[Collection]) -> dict[int, tuple[CollectionItemRecord, ...]]:
    results: dict[int, list[CollectionItemRecord]] = {row.id: [] for row in rows}
    for item in (
        await CollectionItem.filter(collection_id__in=list(results))
        .order_by("position", "id")
        .values("collection_id", "pinned_until", "headline", "media_id", uri="article__uri")
    ):
        results[item["collection_id"]].append(
            CollectionItemRecord(
                article=item["uri"],
                pinned_until=item["pinned_until"],
                headline=item["headline"],
                media=item["media_id"],
            )
        )
    return {number: tuple(items) for number, items in results.items()}


def _subject(record: Record | None) -> str:
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
