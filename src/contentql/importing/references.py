"""What an imported article names: sections, tags, authors, sources and media, found or created."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from contentql.content.ids import new_id
from contentql.content.import_item import ImportItem
from contentql.content.media_placeholders import FIRST_PLACEHOLDER, with_media
from contentql.content.records import (
    ArticleRecord,
    AttributionRecord,
    AuthorRecord,
    CategoryRecord,
    MediaRecord,
    Record,
    SourceRecord,
    TagRecord,
)
from contentql.content.warnings import Warning, WarningCode
from contentql.importing import rows
from contentql.importing.report import SaveResult
from contentql.store.article_records import record_columns
from contentql.store.models.taxonomy import Author, Category, Media, Source, Tag

_URLS_AT_ONCE = 500  # in one statement
UNRESOLVED = "notImported"  # of `extra`: names of sections, tags and authors that do not exist


@dataclass
class Resolution:
    """The record of an item with references that exist.

    `created`: rows that were created for it. `new_media`: the media files that it shows and that do not exist
    yet, with their ids; see `insert_media`. `is_incomplete`: something that the item names does not exist.
    """

    record: ArticleRecord
    warnings: list[Warning] = field(default_factory=list)
    created: list[tuple[Record, SaveResult]] = field(default_factory=list)
    new_media: list[MediaRecord] = field(default_factory=list)
    is_incomplete: bool = False


class ReferenceResolver:
    """Finds the references of items, with what it has found before; `forget` after a rollback."""

    def __init__(self, *, create: bool, now: dt.datetime) -> None:
        self._create, self._now = create, now
        self._keys: dict[tuple[type[Record], str], str | None] = {}
        self._media: dict[str, int] = {}
        self._new_media: dict[str, MediaRecord] = {}

    def forget_references(self) -> None:
        """Forgets sections, tags, authors and sources, some of which a rollback has removed."""
        self._keys.clear()

    def forget(self) -> None:
        """Forgets everything."""
        self._keys.clear()
        self._media.clear()
        self._new_media.clear()

    async def load_media(self, items: Iterable[ImportItem]) -> None:
        """Loads the ids of the media files of items in few statements; forgets those of former items."""
        self._media.clear()
        urls = list({media.url for item in items for media in item.media})
        for start in range(0, len(urls), _URLS_AT_ONCE):
            rows = Media.filter(url__in=urls[start : start + _URLS_AT_ONCE]).order_by("-id")
            self._media.update(dict(await rows.values_list("url", "id")))

    async def insert_media(self, media: Sequence[MediaRecord]) -> None:
        """Inserts media files of resolutions, each once."""
        await Media.bulk_create(
            Media(id=record.id, **{**record_columns(record, Media), "created_at": self._now})
            for record in media
        )
        for record in media:
            assert record.id is not None
            self._media[record.url] = record.id
            self._new_media.pop(record.url, None)

    async def resolve(self, item: ImportItem, record: ArticleRecord) -> Resolution:
        """The record with ids of media files and keys of existing rows; others are dropped with a warning."""
        result = Resolution(record)
        if item.references:
            keys = {reference_key(each): await self._find(each, result) for each in item.references}
            result.record = _with_keys(record, keys, item.references, result.warnings)
            result.is_incomplete = None in keys.values()
        if item.media:
            result.record = _with_media_ids(result.record, self.media_ids(item, result.new_media))
        return result

    def media_ids(self, item: ImportItem, new: list[MediaRecord]) -> dict[int, int]:
        """The ids of the media files of an item by their placeholders; adds new ones to `new`."""
        return {FIRST_PLACEHOLDER + n: self._media_id(media, new) for n, media in enumerate(item.media)}

    async def _find(self, reference: Record, result: Resolution) -> str | None:
        """The key of the row of a reference, None if there is none."""
        kind, key = reference_key(reference)
        if (kind, key) not in self._keys:
            self._keys[kind, key] = await _existing_key(reference)
        if self._keys[kind, key] is None and self._create:
            saved = await rows.save_record(reference, self._now)
            result.created.append((reference, saved))
            self._keys[kind, key] = key
        return self._keys[kind, key]

    def _media_id(self, media: MediaRecord, new: list[MediaRecord]) -> int:
        if media.url in self._media:
            return self._media[media.url]
        record = self._new_media.setdefault(media.url, media.model_copy(update={"id": new_id()}))
        assert record.id is not None
        new.append(record)
        return record.id


def reference_key(reference: Record) -> tuple[type[Record], str]:
    """The type of a reference and its natural key, by which records of articles name it."""
    match reference:
        case CategoryRecord():
            return CategoryRecord, reference.path
        case TagRecord():
            return TagRecord, f"{reference.type.value}:{reference.slug}"
        case AuthorRecord() | SourceRecord():
            return type(reference), reference.slug
        case _:
            raise AssertionError(f"{type(reference).__name__} is no reference of an item")


async def _existing_key(reference: Record) -> str | None:
    match reference:
        case CategoryRecord():
            return reference.path if await Category.exists(path=reference.path) else None
        case AuthorRecord():
            return reference.slug if await Author.exists(slug=reference.slug) else None
        case SourceRecord():
            return reference.slug if await Source.exists(slug=reference.slug) else None
        case TagRecord():
            query: Any = Tag.filter(slug=reference.slug).values_list("type", flat=True)
            types = list(await query)
            # A source that knows no types of tags has topics only.
            kind = reference.type if reference.type in types else types[0] if len(types) == 1 else None
            return f"{kind.value}:{reference.slug}" if kind else None
        case _:
            raise AssertionError(f"{type(reference).__name__} is no reference of an item")


def _with_keys(
    record: ArticleRecord,
    keys: Mapping[tuple[type[Record], str], str | None],
    references: Iterable[Record],
    warnings: list[Warning],
) -> ArticleRecord:
    """The record with the keys of existing rows; what is missing stays by its name in `extra`."""
    names = {reference_key(each): each for each in references}
    missing: dict[str, list[str]] = {}

    def present(kind: type[Record], key: str, field: str) -> str | None:
        existing = keys.get((kind, key), key)
        if existing is None:
            missing.setdefault(field, []).append(_label(names[kind, key]))
        return existing

    sections = [
        key
        for path in (*((record.category,) if record.category else ()), *record.sections)
        if (key := present(CategoryRecord, path, "categories"))
    ]
    update: dict[str, Any] = {
        "category": sections[0] if sections else None,
        "sections": tuple(sections[1:]),
        "tags": tuple(
            mention.model_copy(update={"tag": key})
            for mention in record.tags
            if (key := present(TagRecord, mention.tag, "tags"))
        ),
        "authors": tuple(
            credit for credit in record.authors if present(AuthorRecord, credit.author, "authors")
        ),
        "attributions": tuple(
            attribution
            for attribution in record.attributions
            if all(present(SourceRecord, slug, "attributions") for slug in _sources(attribution))
        ),
    }
    if record.authors and not record.byline:
        # Set also if it is empty: an earlier import may have had no authors.
        update["byline"] = ", ".join(dict.fromkeys(missing.get("authors", ()))) or None
    for field_name, labels in missing.items():
        names_text = ", ".join(dict.fromkeys(labels))[:500]
        message = f"there are no {_NOUNS[field_name]} {names_text}; --create creates them"
        warnings.append(Warning(WarningCode.DROPPED, message, (field_name,)))
    if missing:
        labels_by_field = {name: list(dict.fromkeys(labels)) for name, labels in missing.items()}
        update["extra"] = {**record.extra, UNRESOLVED: labels_by_field}
    return record.model_copy(update=update)


_NOUNS = {"categories": "sections", "tags": "tags", "authors": "authors", "attributions": "sources"}


def _label(reference: Record) -> str:
    return reference.path if isinstance(reference, CategoryRecord) else str(getattr(reference, "name", ""))


def _sources(attribution: AttributionRecord) -> list[str]:
    return [hop.source for hop in attribution.hops() if hop.source]


def _with_media_ids(record: ArticleRecord, ids: Mapping[int, int]) -> ArticleRecord:
    update: dict[str, Any] = {}
    if record.lead_media is not None and record.lead_media in ids:
        update["lead_media"] = ids[record.lead_media]
    if record.media:
        update["media"] = tuple(
            placed.model_copy(update={"media": ids.get(placed.media, placed.media)})
            for placed in record.media
        )
    if record.blocks:
        update["blocks"] = tuple(with_media(block, ids) for block in record.blocks)
    return record.model_copy(update=update) if update else record
