"""Conversion between article rows and `ArticleRecord`s.

Derived values, such as the word count, are not part of a record: `article_writer` computes them. The caller
opens the transaction. Invariant: does not know file formats.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any, TypeVar

from tortoise.models import Model

from contentql.content import blocks, derive
from contentql.content.blocks import Block
from contentql.content.enums import AttributionState
from contentql.content.field_types import STORED
from contentql.content.frozen_model import FrozenModel
from contentql.content.records import (
    ArticleRecord,
    AttributionRecord,
    CorrectionRecord,
    CreditRecord,
    ExternalIdRecord,
    MentionRecord,
    PlacementRecord,
    SlugRecord,
    SpanRecord,
)
from contentql.content.search_terms import name_words
from contentql.content.slugs import TagKey
from contentql.store import live_entries
from contentql.store.models.articles import (
    Article,
    ArticleAuthor,
    ArticleBody,
    ArticleMedia,
    ArticleRelated,
    ArticleSection,
    ArticleTag,
    SlugHistory,
)
from contentql.store.models.attributions import Attribution, Correction
from contentql.store.models.taxonomy import Category, ExternalId, Source, Story, Tag

AnyRecord = TypeVar("AnyRecord", bound=FrozenModel)


class ReferenceNotFound(Exception):
    """A record refers to a row that does not exist; the message is one sentence."""


def record_columns(record: FrozenModel, model: type[Model]) -> dict[str, Any]:
    """The column values of a record, without its id and its references to other rows."""
    return {name: column_value(getattr(record, name)) for name in _common_names(type(record), model)}


@cache
def _common_names(record_type: type[FrozenModel], model: type[Model]) -> list[str]:
    """The names of columns that are also fields of a record."""
    return sorted(record_type.model_fields.keys() & model._meta.fields_db_projection.keys() - {"id"})


def name_columns(model: type[Model], name: str, columns: Mapping[str, Any]) -> dict[str, str]:
    """The columns that are derived from the name of a row of taxonomy, by the stored form of its columns.

    Search finds sources, tags and authors by their `name`, `names` in other languages, and `aliases`.
    """
    derived = {"sort_name": derive.sort_key(name)}
    if "search_words" in model._meta.fields_db_projection:
        local_names = [local["name"] for local in columns.get("names") or ()]
        derived["search_words"] = name_words([name, *local_names, *(columns.get("aliases") or ())])
    return derived


def foreign_key(row: Model, name: str) -> Any:
    """The id in a row's foreign key. Tortoise adds `<name>_id` to models without a type annotation."""
    return getattr(row, f"{name}_id")


def record_from_row(record_type: type[AnyRecord], row: Model, **references: Any) -> AnyRecord:
    """Converts a row to a record; `references` are the natural keys of the rows it refers to."""
    columns = row._meta.fields_db_projection
    fields = {name: getattr(row, name) for name in record_type.model_fields if name in columns}
    return record_type.model_validate({**fields, **references}, context=STORED)


async def load_articles(rows: Sequence[Article]) -> list[ArticleRecord]:
    """Loads the records of articles with all their parts, in a fixed number of statements."""
    ids = [row.id for row in rows]
    bodies = await _load_bodies(rows)
    paths: dict[int, str] = dict(
        await Category.filter(id__in={foreign_key(row, "category") for row in rows}).values_list("id", "path")
    )
    stories: dict[int, str] = dict(
        await Story.filter(id__in={foreign_key(row, "story") for row in rows}).values_list("id", "slug")
    )
    sections = await _parts(ids, ArticleSection.filter(direct=True), "position", "category__path")
    credits = await _parts(ids, ArticleAuthor.all(), "position", "role", author="author__slug")
    tags = await _parts(
        ids, ArticleTag.all(), "position", "tag__type", "tag__slug", "relevance", "confidence"
    )
    media = await _parts(ids, ArticleMedia.all(), "position", "role", "caption", "alt", media="media_id")
    related = await _parts(ids, ArticleRelated.all(), "position", "related__uri")
    corrections = await _parts(ids, Correction.all(), "id", "kind", "at", "text", "block", "before", "after")
    former_slugs = await _parts(ids, SlugHistory.all(), "until", "language", "slug")
    external_ids = await _parts(ids, ExternalId.all(), "system", "value")
    attributions = await _load_attributions(ids)
    return [
        record_from_row(
            ArticleRecord,
            row,
            lede=explicit_lede(row.lede, bodies.get(row.id, ())),
            category=paths.get(foreign_key(row, "category")),
            story=stories.get(foreign_key(row, "story")),
            lead_media=foreign_key(row, "lead_media"),
            sections=[
                section["category__path"]
                for section in sections.get(row.id, [])
                if section["category__path"] != paths.get(foreign_key(row, "category"))
            ],
            blocks=bodies.get(row.id, ()),
            authors=[build_record(CreditRecord, values) for values in credits.get(row.id, [])],
            media=[build_record(PlacementRecord, values) for values in media.get(row.id, [])],
            tags=[
                build_record(MentionRecord, values, tag=f"{values['tag__type'].value}:{values['tag__slug']}")
                for values in tags.get(row.id, [])
            ],
            attributions=attributions.get(row.id, []),
            corrections=sorted(
                (build_record(CorrectionRecord, values) for values in corrections.get(row.id, [])),
                key=lambda correction: (correction.at, correction.id or 0),
            ),
            related=[values["related__uri"] for values in related.get(row.id, [])],
            slug_history=sorted(
                (build_record(SlugRecord, values) for values in former_slugs.get(row.id, [])),
                key=lambda slug: (slug.until, slug.language, slug.slug),
            ),
            external_ids=sorted(
                (build_record(ExternalIdRecord, values) for values in external_ids.get(row.id, [])),
                key=lambda external_id: (external_id.system, external_id.value),
            ),
        )
        for row in rows
    ]


async def _load_bodies(rows: Sequence[Article]) -> dict[int, tuple[Block, ...]]:
    """The blocks of articles: their own, and their live entries; a working copy has those of its article."""
    own_blocks = {
        foreign_key(row, "article"): blocks.load_blocks(row.blocks)
        for row in await ArticleBody.filter(article_id__in=[row.id for row in rows])
    }
    entries = await live_entries.load_entries(row.working_of or row.id for row in rows)
    return {row.id: (*own_blocks.get(row.id, ()), *entries.get(row.working_of or row.id, ())) for row in rows}


async def tag_ids(keys: Iterable[TagKey]) -> dict[TagKey, int]:
    """The ids of tags by `TYPE:slug`. Raises ReferenceNotFound."""
    requested = dict.fromkeys(keys)
    slugs = [key.partition(":")[2] for key in requested]
    rows = await Tag.filter(slug__in=slugs).values_list("type", "slug", "id") if slugs else []
    return _require_all(requested, {f"{type_.value}:{slug}": id for type_, slug, id in rows}, "tag")


async def ids_by_key(model: type[Model], field: str, keys: Iterable[Any], noun: str) -> dict[Any, int]:
    """The ids of the rows whose `field` is one of `keys`, by key. Raises ReferenceNotFound for a missing row.

    `noun` names the kind of row in the error message. Working copies of articles are left out.
    """
    requested = dict.fromkeys(keys)
    scope = {"working_of": 0} if model is Article else {}
    query = model.filter(**{f"{field}__in": list(requested)}, **scope)
    rows = await query.values_list(field, "id") if requested else []
    return _require_all(requested, dict(rows), noun)


def _require_all(requested: Iterable[Any], existing: dict[Any, int], noun: str) -> dict[Any, int]:
    for key in requested:
        if key not in existing:
            raise ReferenceNotFound(f"there is no {noun} {key!r}")
    return existing


async def _parts(
    ids: Sequence[int], rows: Any, *columns: str, **renamed_columns: str
) -> dict[int, list[dict[str, Any]]]:
    """The values of the rows of these articles, by article id, ordered by the first column."""
    rows_by_article: dict[int, list[dict[str, Any]]] = {}
    for row in (
        await rows.filter(article_id__in=ids)
        .order_by(columns[0])
        .values("article_id", *columns, **renamed_columns)
    ):
        rows_by_article.setdefault(row["article_id"], []).append(row)
    return rows_by_article


async def _load_attributions(ids: Sequence[int]) -> dict[int, list[AttributionRecord]]:
    # The last hop of a chain first, because the record of a hop contains the record of the next one.
    rows = await Attribution.filter(article_id__in=ids).order_by("article_id", "position", "-hop", "id")
    slugs: dict[int, str] = dict(
        await Source.filter(id__in={foreign_key(row, "source") for row in rows}).values_list("id", "slug")
    )
    hops: dict[int, AttributionRecord] = {}
    heads_by_article: dict[int, list[AttributionRecord]] = {}
    for row in rows:
        record = record_from_row(
            AttributionRecord,
            row,
            id=row.working_of or row.id,
            source=slugs.get(foreign_key(row, "source")),
            media=foreign_key(row, "media"),
            span=span_of(row),
            via=hops.pop(foreign_key(row, "via"), None),
        )
        if row.hop:
            hops[row.id] = record.model_copy(update={"state": AttributionState.SUGGESTED})
        else:
            heads_by_article.setdefault(foreign_key(row, "article"), []).append(record)
    return heads_by_article


def explicit_lede(lede: str | None, blocks: Iterable[Block]) -> str | None:
    """The stored lede, or None if it is derived from the blocks."""
    return None if lede == derive.lede(blocks) else lede


def column_value(value: Any) -> Any:
    """The value of a record's field in the form that a column stores: lists, and JSON objects for records."""
    if isinstance(value, tuple):
        return [column_value(item) for item in value]
    return value.model_dump(by_alias=True) if isinstance(value, FrozenModel) else value


def build_record(record_type: type[AnyRecord], values: dict[str, Any], **fields: Any) -> AnyRecord:
    """A record of those stored values that it has fields for, and of further `fields`."""
    stored = {name: values[name] for name in record_type.model_fields if name in values}
    return record_type.model_validate({**stored, **fields}, context=STORED)


def span_of(row: Attribution) -> SpanRecord | None:
    """The span of an attribution; None if it has none."""
    if row.span_block is None:
        return None
    return SpanRecord(
        block_id=row.span_block,
        start=row.span_start or 0,
        end=row.span_end or 0,
        exact=row.span_exact,
        prefix=row.span_prefix,
        suffix=row.span_suffix,
        orphaned=row.span_orphaned,
    )
