"""Import of one article: its stored counterpart, conflicts with the desk, revision.

Invariant: an article is recognised by its id, uri or external ids, never by its slug or headline.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from contentql.content.blocks import live_entries
from contentql.content.entries import complete_entries
from contentql.content.enums import Status
from contentql.content.field_types import STORED
from contentql.content.ids import encode_id
from contentql.content.import_item import ImportItem, SourceStatus
from contentql.content.records import ArticleRecord
from contentql.content.warnings import Warning, WarningCode
from contentql.editorial.completion import changed_field_names, complete_record
from contentql.editorial.translations import find_translation
from contentql.importing import history
from contentql.importing.lookup import ArticleLookup
from contentql.importing.publishing import (
    ImportConflict,
    RecordRejected,
    describe_draft,
    require_publishable,
)
from contentql.importing.report import SaveResult, WrittenRow
from contentql.importing.statuses import ImportOptions, choose_status
from contentql.store import article_writer
from contentql.store.article_records import foreign_key
from contentql.store.models.articles import Article, Withdrawal
from contentql.store.models.taxonomy import ExternalId

WITHDRAWAL_NOTICE = "The source of this article has withdrawn it."


@dataclass(frozen=True)
class PlannedArticle:
    """The complete record of a new article, which is not inserted yet."""

    record: ArticleRecord
    warnings: tuple[Warning, ...] = ()


@dataclass(frozen=True)
class PlannedUpdate:
    """The new record of a stored article, which is not saved yet, and the result when it is."""

    row: Article
    stored: ArticleRecord
    record: ArticleRecord
    has_base_revision: bool
    result: SaveResult


class ArticleImport:
    """Import of one article in the current transaction.

    `record` is that of the item, with references that exist; `saved` the stored one. `unsaved_relations` is
    the saved record if some of its related articles do not exist (yet).
    """

    def __init__(
        self,
        item: ImportItem,
        record: ArticleRecord,
        options: ImportOptions,
        now: dt.datetime,
        lookup: ArticleLookup,
        *,
        with_revision: bool = True,
    ) -> None:
        self._item, self._options, self._now, self._lookup = item, options, now, lookup
        self._with_revision = with_revision
        self.record = record
        self.saved = record
        self._warnings: tuple[Warning, ...] = ()
        self.unsaved_relations: ArticleRecord | None = None

    async def plan(self, connection: Any) -> SaveResult | PlannedArticle | PlannedUpdate:
        """Compares the item with the stored article.

        Returns the result, or the new article or the change, which are not saved yet. Raises RecordRejected,
        ImportConflict and ReferenceNotFound.
        """
        row = await self._find_row()
        stored = await self._lookup.record_of(row) if row else None
        if stored is None and self._item.source_status is SourceStatus.CANCELED:
            return SaveResult("skipped", "its source has withdrawn it, and it was never imported")
        record = self._complete(stored)
        self.saved = record
        if row is None or stored is None:
            return await self._plan_new(connection, record)
        if stored == record:
            result = SaveResult("unchanged", describe_draft(record), record.status, article_id=record.id)
        else:
            planned = await self._update(connection, row, stored, record)
            if isinstance(planned, PlannedUpdate):
                warnings = (*self._warnings, *planned.result.warnings)
                return replace(planned, result=replace(planned.result, warnings=warnings))
            result = planned
        return replace(result, warnings=(*self._warnings, *result.warnings))

    async def _plan_new(self, connection: Any, record: ArticleRecord) -> PlannedArticle:
        require_publishable(record)
        self.saved = record = await self._with_free_slug(record, None)
        if record.translation_group is not None:
            await self._require_free_language(connection, None, record)
        warnings = (*self._warnings, *_repetition_warnings(self.record, record))
        return PlannedArticle(record, warnings)

    async def _update(
        self, connection: Any, row: Article, stored: ArticleRecord, record: ArticleRecord
    ) -> SaveResult | PlannedUpdate:
        is_withdrawal = record.status is Status.WITHDRAWN and self._item.source_status is not None
        if not is_withdrawal:
            unchanged = await self._compare_with_desk(row, stored, record)
            if unchanged:
                return unchanged
            if self.record.version and stored.version and self.record.version < stored.version:
                reason = f"the stored version {stored.version} is newer than version {self.record.version}"
                return SaveResult("skipped", f"{reason} of the record", stored.status, article_id=stored.id)
        require_publishable(record)
        if self._item.partial:
            # Stored spans and quotes may refer to text that the partial record has removed.
            ArticleRecord.model_validate(record.model_dump(), context=STORED)
        record = await self._with_free_slug(record, stored)
        await self._require_free_language(connection, stored, record)
        changes = ", ".join(changed_field_names(stored, record))
        self.saved = record = self._next_version(stored, record)
        assert record.id is not None
        result = SaveResult(
            "updated",
            "; ".join(filter(None, (changes, describe_draft(record)))),
            record.status,
            WrittenRow(encode_id("article", record.id), stored.version, record.version),
            _repetition_warnings(self.record, record),
            article_id=record.id,
        )
        versions = self._lookup.imported_versions(row.id)
        has_entries = bool(live_entries(record.blocks) or live_entries(stored.blocks))
        if versions is not None and not is_withdrawal and not has_entries:
            return PlannedUpdate(row, stored, record, stored.version in versions, result)
        if await article_writer.save_article(connection, record, row, now=self._now):
            self.unsaved_relations = record
        if is_withdrawal:
            await self._save_notice(stored)
        reason = history.reason_of(self._item)
        if self._with_revision:
            await history.save_imported_version(connection, stored, record, self._now, reason)
        self._lookup.set_saved(record)
        return result

    async def _find_row(self) -> Article | None:
        """Returns the stored article: by `--update`, or the record's id, uri or external ids."""
        if self._options.update:
            if not self._item.partial:
                raise RecordRejected("--update is not for records, which have ids of their own")
            return await self._find_named_row(self._options.update)
        return await self._lookup.find(self.record)

    async def _find_named_row(self, slug: str) -> Article:
        rows = await Article.filter(slug=slug, working_of=0, deleted_at=None)
        if len(rows) > 1:
            rows = [row for row in rows if row.language == self.record.language]
        if not rows:
            raise RecordRejected(f"there is no article with the slug {slug!r} to update")
        for external_id in self.record.external_ids:
            match = await ExternalId.get_or_none(system=external_id.system, value=external_id.value)
            if match and foreign_key(match, "article") != rows[0].id:
                other = encode_id("article", foreign_key(match, "article"))
                raise RecordRejected(f"{external_id.value} was imported as another article ({other})")
        return rows[0]

    def _complete(self, stored: ArticleRecord | None) -> ArticleRecord:
        """The complete record to store, given the stored one."""
        if stored and self._item.source_status is SourceStatus.CANCELED:
            # What a withdrawal says instead of the text is not for readers.
            return stored.model_copy(update={"status": Status.WITHDRAWN})
        choice = choose_status(self._item, self.record, self._options, self._now, stored)
        record, self._warnings = choice.record, choice.warnings
        if stored and self._item.partial:
            record = _merge_partial(stored, record, choice.derived)
            if self._item.source_status is not None and self._lookup.find_slug(record) is not None:
                record = record.model_copy(update={"slug": stored.slug})
        result = complete_record(record, stored, self._now)
        if stored:
            result = _with_stored_entries(result, stored)
        if stored and stored.version and record.version and record.version <= stored.version:
            # The same content in a newer version is no change, and no older version.
            same = {"version": stored.version, "modified_at": stored.modified_at}
            if result.model_copy(update=same) == stored:
                return stored
        return result

    async def _compare_with_desk(
        self, row: Article, stored: ArticleRecord, record: ArticleRecord
    ) -> SaveResult | None:
        """Raises ImportConflict if the record would overwrite changes of the desk.

        Returns the result if the desk has changed the article, but the record is that of the last import.
        """
        if self._lookup.imported_versions(row.id) is not None:
            return None
        copy = await Article.get_or_none(working_of=row.id)
        desk = await history.find_desk_revision(row.id)
        if desk is None and copy is None:
            return None
        imported = await history.load_last_import(row.id)
        if imported and self._complete(imported) == imported:
            reason = "the record is that of the last import, since which the desk has changed the article"
            return SaveResult("unchanged", reason, stored.status, article_id=row.id)
        differences = f"the record differs from it in {', '.join(changed_field_names(stored, record))}"
        if copy is not None:
            raise ImportConflict(f"the article has unpublished changes of the desk; {differences}")
        # An edited export of an article that was never imported names the version that it is based on.
        is_current = imported is None and self.record.id == row.id and self.record.version == stored.version
        if desk is not None and not self._options.update and not is_current:
            changes = await history.describe_desk_changes(row.id, desk, imported)
            hint = f"; to replace it, use --update {stored.slug}" if self._item.partial else ""
            raise ImportConflict(
                f"the desk has changed the article since the last import: {changes}; {differences}{hint}"
            )
        return None

    async def _with_free_slug(self, record: ArticleRecord, stored: ArticleRecord | None) -> ArticleRecord:
        """The record with a slug that no other article has.

        An article of a source that knows no slugs of this newsroom gets another one. Raises RecordRejected.
        """
        if record.deleted_at or (stored and (stored.language, stored.slug) == (record.language, record.slug)):
            return record
        taken = self._lookup.find_slug(record)
        if taken is None:
            return record
        if self._item.source_status is not None:
            slug = await self._lookup.free_slug(record)
            message = f"another article has the slug {record.slug!r}; this one has {slug!r}"
            self._warnings = (*self._warnings, Warning(WarningCode.CHANGED, message, ("slug",)))
            return record.model_copy(update={"slug": slug})
        other_id = encode_id("article", taken)
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
        version, own = (stored.version or 0) + 1, self.record.version or 0
        values: dict[str, Any] = {"version": max(own, version) if self._with_revision else own or version}
        if not self.record.modified_at:
            values["modified_at"] = self._now
        return record.model_copy(update=values)

    async def _save_notice(self, stored: ArticleRecord) -> None:
        """Saves the notice of an article that readers have seen."""
        first = stored.first_published_at
        if first is None or first > self._now or await Withdrawal.exists(article_id=stored.id):
            return
        await Withdrawal.create(
            article_id=stored.id,
            language=stored.language,
            slug=stored.slug,
            notice=WITHDRAWAL_NOTICE,
            at=self._now,
        )


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
        values: Sequence[Any] = [
            value for value in getattr(record, name) if name != "sections" or value != saved.category
        ]
        count = len(values) - len(getattr(saved, name))
        if count > 0:
            message = f"{count} repeated {'entry' if count == 1 else 'entries'} of {name} not stored"
            warnings.append(Warning(WarningCode.DROPPED, message, (name,)))
    return tuple(warnings)
