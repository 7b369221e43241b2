"""Import of one article: its stored counterpart, conflicts with the desk, revision.

Invariant: an article is recognised by its id, uri or external ids, never by its slug or headline.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from contentql.content.blocks import live_entries
from contentql.content.entries import complete_entries
from contentql.content.enums import Status
from contentql.content.field_types import STORED
from contentql.content.ids import encode_id
from contentql.content.import_item import ImportItem
from contentql.content.records import (
    ArticleRecord,
    ExternalIdRecord,
)
from contentql.content.warnings import Warning, WarningCode
from contentql.editorial.completion import changed_field_names, complete_record
from contentql.editorial.translations import find_translation
from contentql.formats import jsonl
from contentql.importing import history
from contentql.importing.history import WrittenRow
from contentql.importing.publishing import (
    ImportConflict,
    RecordRejected,
    describe_draft,
    require_publishable,
)
from contentql.importing.rows import SaveResult
from contentql.language_tags import tag_spellings
from contentql.store import article_records, article_writer
from contentql.store.article_records import foreign_key
from contentql.store.models.articles import Article
from contentql.store.models.taxonomy import ExternalId


@dataclass(frozen=True)
class ImportOptions:
    """Options of a run that override the fields of all its articles.

    A `category` that does not exist is created, unless its name is close to an existing one. `update` is the
    slug of the stored article that the only item of the run updates, also if the desk has changed it.
    """

    category: str | None = None
    publish_at: dt.datetime | None = None
    update: str | None = None


class ArticleImport:
    """Import of one article in the current transaction.

    `unsaved_relations` is the saved record if some of its related articles do not exist (yet).
    """

    def __init__(
        self,
        item: ImportItem,
        record: ArticleRecord,
        options: ImportOptions,
        now: dt.datetime,
        *,
        with_revision: bool = True,
    ) -> None:
        self._item, self._options, self._now = item, options, now
        self._with_revision = with_revision
        self._record = _with_external_id(record)
        self.unsaved_relations: ArticleRecord | None = None

    async def save(self, connection: Any) -> SaveResult:
        """Creates or updates the article. Raises RecordRejected, ImportConflict and ReferenceNotFound."""
        row = await self._find_row()
        stored = (await article_records.load_articles([row]))[0] if row else None
        record = self._complete(stored)
        if stored == record:
            return SaveResult("unchanged", describe_draft(record), record.status)
        if row and stored:
            unchanged = await self._compare_with_desk(row, stored, record)
            if unchanged:
                return unchanged
            if self._record.version and stored.version and self._record.version < stored.version:
                reason = f"the stored version {stored.version} is newer than version {self._record.version}"
                return SaveResult("skipped", f"{reason} of the record", stored.status)
        require_publishable(record)
        if stored and self._item.partial:
            # Stored spans and quotes may refer to text that the partial record has removed.
            ArticleRecord.model_validate(record.model_dump(), context=STORED)
        await self._require_free_slug(record)
        await self._require_free_language(connection, stored, record)
        changes = ", ".join(changed_field_names(stored, record)) if stored else ""
        if stored:
            record = self._next_version(stored, record)
        if await article_writer.save_article(connection, record, row, now=self._now):
            self.unsaved_relations = record
        reason = f"Imported from {self._item.location}"
        if self._with_revision:
            await history.save_imported_version(connection, stored, record, self._now, reason)
        assert record.id is not None
        return SaveResult(
            "updated" if stored else "created",
            "; ".join(filter(None, (changes, describe_draft(record)))),
            record.status,
            WrittenRow(encode_id("article", record.id), stored.version if stored else None, record.version),
            _repetition_warnings(self._record, record),
        )

    async def _find_row(self) -> Article | None:
        """Returns the stored article: by `--update`, or the record's id, uri or external ids."""
        record = self._record
        if self._options.update:
            return await self._find_named_row(self._options.update)
        row = await Article.get_or_none(id=record.id, working_of=0) if record.id else None
        if row is None and record.uri:
            row = await Article.get_or_none(uri=record.uri, working_of=0)
        for external_id in record.external_ids if row is None else ():
            values = [external_id.value]
            if external_id.system == jsonl.IMPORTER:  # earlier versions stored languages as they were written
                language, _, slug = external_id.value.partition("/")
                values += [f"{spelling}/{slug}" for spelling in tag_spellings(language)]
            match = await ExternalId.filter(system=external_id.system, value__in=values).first()
            if match is not None:
                return await Article.get(id=foreign_key(match, "article"))
        return row

    async def _find_named_row(self, slug: str) -> Article:
        rows = await Article.filter(slug=slug, working_of=0, deleted_at=None)
        if len(rows) > 1:
            rows = [row for row in rows if row.language == self._record.language]
        if not rows:
            raise RecordRejected(f"there is no article with the slug {slug!r} to update")
        for external_id in self._record.external_ids:
            match = await ExternalId.get_or_none(system=external_id.system, value=external_id.value)
            if match and foreign_key(match, "article") != rows[0].id:
                other = encode_id("article", foreign_key(match, "article"))
                raise RecordRejected(f"{external_id.value} was imported as another article ({other})")
        return rows[0]

    def _complete(self, stored: ArticleRecord | None) -> ArticleRecord:
        """The complete record to store, given the stored one."""
        record = self._record
        if stored and self._item.partial:
            record = _merge_partial(stored, record, self._item.derived)
        result = complete_record(self._apply_options(record, stored), stored, self._now)
        if stored:
            result = _with_stored_entries(result, stored)
        if stored and stored.version and record.version and record.version <= stored.version:
            # The same content in a newer version is no change, and no older version.
            same = {"version": stored.version, "modified_at": stored.modified_at}
            if result.model_copy(update=same) == stored:
                return stored
        return result

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

    async def _compare_with_desk(
        self, row: Article, stored: ArticleRecord, record: ArticleRecord
    ) -> SaveResult | None:
        """Raises ImportConflict if the record would overwrite changes of the desk.

        Returns the result if the desk has changed the article, but the record is that of the last import.
        """
        copy = await Article.get_or_none(working_of=row.id)
        desk = await history.find_desk_revision(row.id)
        if desk is None and copy is None:
            return None
        imported = await history.load_last_import(row.id)
        if imported and self._complete(imported) == imported:
            reason = "the record is that of the last import, since which the desk has changed the article"
            return SaveResult("unchanged", reason, stored.status)
        differences = f"the record differs from it in {', '.join(changed_field_names(stored, record))}"
        if copy is not None:
            raise ImportConflict(f"the article has unpublished changes of the desk; {differences}")
        # An edited export of an article that was never imported names the version that it is based on.
        is_current = imported is None and self._record.id == row.id and self._record.version == stored.version
        if desk is not None and not self._options.update and not is_current:
            changes = await history.describe_desk_changes(row.id, desk, imported)
            hint = f"; to replace it, use --update {stored.slug}" if self._item.partial else ""
            raise ImportConflict(
                f"the desk has changed the article since the last import: {changes}; {differences}{hint}"
            )
        return None

    async def _require_free_slug(self, record: ArticleRecord) -> None:
        # Deleted articles have no claim to their slugs.
        other = await Article.get_or_none(
            language=record.language, slug=record.slug, working_of=0, deleted_at=None
        )
        if other is None or other.id == record.id:
            return
        other_id = encode_id("article", other.id)
        hint = (
            f"--update {record.slug} changes that article, --slug names a new one"
            if self._item.partial
            else f'"id": "{other_id}" changes that article, another slug makes a new one'
        )
        raise RecordRejected(f"another article has the slug {record.slug!r} ({other_id}); {hint}")

    async def _require_free_language(
        self, connection: Any, stored: ArticleRecord | None, record: ArticleRecord
    ) -> None:
        """Raises RecordRejected if another article of the translation group has the language."""
        if record.deleted_at or not self._with_revision:  # what a complete export has was stored before
            return
        group, language = record.translation_group, record.language
        if (
            stored
            and not stored.deleted_at
            and (stored.translation_group, stored.language) == (group, language)
        ):
            return
        other = await find_translation(connection, group or record.id, language, record.id)
        if other is not None:
            other_id = encode_id("article", other.working_of or other.id)
            raise RecordRejected(
                f"the translations already have the article {other.slug!r} ({other_id}) in the language"
                f" {language!r}; use another language or translationGroup"
            )

    def _next_version(self, stored: ArticleRecord, record: ArticleRecord) -> ArticleRecord:
        version, own = (stored.version or 0) + 1, self._record.version or 0
        values: dict[str, Any] = {"version": max(own, version) if self._with_revision else own or version}
        if not self._record.modified_at:
            values["modified_at"] = self._now
        return record.model_copy(update=values)


def _with_external_id(record: ArticleRecord) -> ArticleRecord:
    """The record with an external id from its language and slug, unless it has an id of its own."""
    if record.id or record.uri or record.external_ids:
        return record
    own = ExternalIdRecord(system=jsonl.IMPORTER, value=f"{record.language}/{record.slug}")
    return record.model_copy(update={"external_ids": (own,)})


def _merge_partial(stored: ArticleRecord, record: ArticleRecord, derived: frozenset[str]) -> ArticleRecord:
    """The stored record, overridden by a partial one; derived fields apply where the stored one has none."""
    fields = {
        name: getattr(record, name)
        for name in record.model_fields_set
        if name not in derived or getattr(stored, name) in (None, ())
    }
    computed = dict.fromkeys(("version", "modified_at", "first_published_at", "updated_at"))
    return stored.model_copy(update={**computed, **fields})


def _with_stored_entries(record: ArticleRecord, stored: ArticleRecord) -> ArticleRecord:
    """The record with the stored live entries that it lacks: they may be newer than the file."""
    names = {block.id for block in record.blocks}
    lacking = [entry for entry in live_entries(stored.blocks) if entry.id not in names]
    if not lacking:
        return record
    body = complete_entries((*record.blocks, *lacking))
    return record.model_copy(update={"blocks": body, "updated_at": stored.updated_at})


def _repetition_warnings(record: ArticleRecord, saved: ArticleRecord) -> tuple[Warning, ...]:
    """Warnings for entries of lists that are not stored, because others of the list are equal to them."""
    warnings = []
    for name in ("tags", "authors", "related", "sections"):
        values = [value for value in getattr(record, name) if name != "sections" or value != saved.category]
        count = len(values) - len(getattr(saved, name))
        if count > 0:
            message = f"{count} repeated {'entry' if count == 1 else 'entries'} of {name} not stored"
            warnings.append(Warning(WarningCode.DROPPED, message, (name,)))
    return tuple(warnings)
