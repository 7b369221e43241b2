"""Stored articles of the items of a batch, found in a few statements."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from contentql.content.import_item import ImportItem
from contentql.content.records import ArticleRecord, ExternalIdRecord
from contentql.editorial.revisions import IMPORT_ACCOUNT
from contentql.formats import jsonl
from contentql.language_tags import tag_spellings
from contentql.store import article_records
from contentql.store.article_records import foreign_key
from contentql.store.models.articles import Article
from contentql.store.models.history import Revision
from contentql.store.models.taxonomy import ExternalId


@dataclass(frozen=True)
class LastImport:
    """What the last import of an article stored with its external id."""

    article_id: int
    content_hash: str | None = None
    source_version: int | None = None
    source_modified_at: dt.datetime | None = None


class ArticleLookup:
    """Finds the stored article of a record by its id, uri or external ids."""

    def __init__(self) -> None:
        self._rows: dict[int, Article] = {}
        self._records: dict[int, ArticleRecord] = {}
        self._by_uri: dict[str, int] = {}
        self._by_external_id: dict[ExternalIdRecord, LastImport] = {}
        self._by_slug: dict[tuple[str, str], int] = {}
        self._slugs: dict[int, tuple[str, str]] = {}
        self.new_ids: set[int] = set()  # of articles that are not inserted yet
        self._saved_ids: set[int] = set()  # of articles whose rows must be read again
        self._imported: dict[int, set[int]] = {}  # versions of articles that the desk has not changed

    @classmethod
    async def load(cls, items: Iterable[ImportItem]) -> ArticleLookup:
        """Loads what the records of items may refer to."""
        lookup = cls()
        records = [item.record for item in items if isinstance(item.record, ArticleRecord)]
        await lookup._load_external_ids({key for record in records for key in external_ids(record)})
        uris = {record.uri for record in records if record.uri}
        ids = {record.id for record in records if record.id}
        ids |= {last.article_id for last in lookup._by_external_id.values()}
        for scope in ({"uri__in": list(uris)}, {"id__in": list(ids)}):
            if next(iter(scope.values())):
                for row in await Article.filter(working_of=0, **scope):
                    lookup._add(row)
        slugs = {record.slug for record in records}
        taken: Any = Article.filter(slug__in=list(slugs), working_of=0, deleted_at=None)
        for language, slug, id in await taken.values_list("language", "slug", "id") if slugs else ():
            lookup._by_slug[language, slug] = id
        return lookup

    def find_last_import(self, record: ArticleRecord) -> LastImport | None:
        return next(filter(None, map(self._by_external_id.get, external_ids(record))), None)

    async def find(self, record: ArticleRecord) -> Article | None:
        """The row of the record's article."""
        for id in self._ids(record):
            if id not in self._rows and id in self._saved_ids:
                self._add(await Article.get(id=id))
            if id in self._rows:
                return self._rows[id]
        return None

    async def load_records(self, rows: Sequence[Article]) -> None:
        """Loads the complete records of articles in a fixed number of statements, for `record_of`."""
        wanted = [row for row in rows if row.id not in self._records]
        if wanted:
            records = await article_records.load_articles(wanted)
            self._records.update({row.id: record for row, record in zip(wanted, records, strict=True)})

    async def load_stored(self, rows: Sequence[Article]) -> None:
        """Loads the complete records of articles, and which of them the desk has changed."""
        await self.load_records(rows)
        ids = [row.id for row in rows]
        versions: dict[int, dict[int, str]] = {id: {} for id in ids}
        revisions: Any = Revision.filter(article_id__in=ids).values_list("article_id", "version", "account")
        for id, version, account in await revisions if ids else ():
            versions[id][version] = account
        copies: Any = Article.filter(working_of__in=ids).values_list("working_of", flat=True)
        changed = set(await copies) if ids else set()
        for id, accounts in versions.items():
            newest = accounts[max(accounts)] if accounts else IMPORT_ACCOUNT
            if id not in changed and newest == IMPORT_ACCOUNT:
                self._imported[id] = set(accounts)

    def imported_versions(self, article: int) -> set[int] | None:
        """The versions that have a revision, of an article that was loaded by `load_stored` and that the desk
        has not changed since the last import; None of others."""
        return self._imported.get(article)

    async def record_of(self, row: Article) -> ArticleRecord:
        await self.load_records([row])
        return self._records[row.id]

    def is_stored(self, record: ArticleRecord) -> bool:
        """Whether the record is that of a stored article."""
        return any(id in self._rows or id in self._saved_ids for id in self._ids(record))

    def is_new(self, record: ArticleRecord) -> bool:
        """Whether the record is that of an article which is not inserted yet."""
        return not self.new_ids.isdisjoint(self._ids(record))

    def _ids(self, record: ArticleRecord) -> list[int]:
        """The ids of articles that the record may be one of: by its id, URI and external ids."""
        last = self.find_last_import(record)
        ids = (record.id, self._by_uri.get(record.uri or ""), last.article_id if last else None)
        return [id for id in ids if id]

    def find_slug(self, record: ArticleRecord) -> int | None:
        """The id of the other article that has the slug of a record in its language. Deleted articles have no
        claim to their slugs."""
        id = self._by_slug.get((record.language, record.slug))
        return id if id != record.id else None

    async def free_slug(self, record: ArticleRecord) -> str:
        """The slug of a record with the lowest number that no article has, such as `weather-2`."""
        base = record.slug[:190]
        query: Any = Article.filter(language=record.language, slug__startswith=f"{base}-", deleted_at=None)
        taken = set(await query.values_list("slug", flat=True))
        taken |= {slug for language, slug in self._by_slug if language == record.language}
        return next(slug for n in range(2, len(taken) + 3) if (slug := f"{base}-{n}") not in taken)

    def add_new(self, record: ArticleRecord) -> None:
        """Adds an article that will be inserted."""
        assert record.id is not None
        self.new_ids.add(record.id)
        self._register(record)

    def set_saved(self, record: ArticleRecord) -> None:
        """Notes that an article was saved: its row is read again when it is needed."""
        assert record.id is not None
        self._records.pop(record.id, None)
        self._rows.pop(record.id, None)
        self._imported.pop(record.id, None)
        self.new_ids.discard(record.id)
        self._saved_ids.add(record.id)
        self._register(record)

    def set_last_import(self, record: ArticleRecord, last: LastImport) -> None:
        """Sets what was imported last with the external ids of a record."""
        for key in record.external_ids:
            self._by_external_id[key] = last

    def forget(self, record: ArticleRecord) -> None:
        """Removes an article that could not be inserted."""
        self.new_ids.discard(record.id or 0)
        self._by_uri.pop(record.uri or "", None)
        self._by_slug.pop((record.language, record.slug), None)
        for key in record.external_ids:
            self._by_external_id.pop(key, None)

    def _register(self, record: ArticleRecord) -> None:
        assert record.id is not None
        if record.uri:
            self._by_uri[record.uri] = record.id
        if not record.deleted_at:
            former = self._slugs.get(record.id)
            if former and self._by_slug.get(former) == record.id:
                del self._by_slug[former]
            self._slugs[record.id] = record.language, record.slug
            self._by_slug[record.language, record.slug] = record.id
        for key in record.external_ids:
            self._by_external_id.setdefault(key, LastImport(record.id))

    def _add(self, row: Article) -> None:
        self._rows[row.id] = row
        self._slugs[row.id] = row.language, row.slug
        self._by_uri[row.uri] = row.id

    async def _load_external_ids(self, keys: set[ExternalIdRecord]) -> None:
        for system in {key.system for key in keys}:
            values = [key.value for key in keys if key.system == system]
            for row in await ExternalId.filter(system=system, value__in=values):
                self._by_external_id[ExternalIdRecord(system=row.system, value=row.value)] = LastImport(
                    foreign_key(row, "article"),
                    row.content_hash,
                    row.source_version,
                    row.source_modified_at,
                )


def external_ids(record: ArticleRecord) -> list[ExternalIdRecord]:
    """The external ids by which a record may be stored."""
    keys = list(record.external_ids)
    for key in record.external_ids:
        if key.system == jsonl.IMPORTER:  # earlier versions stored languages as they were written
            language, _, slug = key.value.partition("/")
            values: Any = (f"{spelling}/{slug}" for spelling in tag_spellings(language))
            keys += [key.model_copy(update={"value": value}) for value in values if value != key.value]
    return keys


def with_external_id(item: ImportItem) -> ImportItem:
    """The item, an article with an external id from its language and slug unless it has an id of its own."""
    record = item.record
    if not isinstance(record, ArticleRecord) or record.id or record.uri or record.external_ids:
        return item
    own = ExternalIdRecord(system=jsonl.IMPORTER, value=f"{record.language}/{record.slug}")
    return replace(item, record=record.model_copy(update={"external_ids": (own,)}))
