"""Conversion between article rows and `ArticleRecord`s.

Derived values, such as the word count, are not part of a record: `article_writer` computes them. The caller
opens the transaction. Invariant: knows no file format.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from tortoise.models import Model

from contentql.content import blocks, derive
from contentql.content.blocks import Block, FrozenModel
from contentql.content.enums import AttributionState
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
    TagKey,
)
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
    """The column values contained in a record: all but its id and its references to other rows."""
    own = type(record).model_fields.keys() & model._meta.fields_db_projection.keys() - {"id"}
    return {name: stored(getattr(record, name)) for name in sorted(own)}


def foreign_key(row: Model, name: str) -> Any:
    """The id in a row's foreign key. Tortoise adds `<name>_id` to models without a type annotation."""
    return getattr(row, f"{name}_id")


def record_from_row(kind: type[AnyRecord], row: Model, **references: Any) -> AnyRecord:
    """Converts a row to a record; `references` are the natural keys of the rows it refers to."""
    existing = row._meta.fields_db_projection
    fields = {name: getattr(row, name) for name in kind.model_fields if name in existing}
    return kind(**{**fields, **references})


async def load_articles(rows: Sequence[Article]) -> list[ArticleRecord]:
    """Loads the records of articles with all their parts, in a fixed number of statements."""
    ids = [row.id for row in rows]
    bodies = {
        foreign_key(row, "article"): blocks.parse_blocks(row.blocks)
        for row in await ArticleBody.filter(article_id__in=ids)
    }
    paths: dict[int, str] = dict(
        await Category.filter(id__in={foreign_key(row, "category") for row in rows}).values_list("id", "path")
    )
    stories: dict[int, str] = dict(
        await Story.filter(id__in={foreign_key(row, "story") for row in rows}).values_list("id", "slug")
    )
    sections = await _of(ids, ArticleSection.filter(direct=True), "position", "category__path")
    credits = await _of(ids, ArticleAuthor.all(), "position", "role", author="author__slug")
    mentions = await _of(
        ids, ArticleTag.all(), "position", "tag__type", "tag__slug", "relevance", "confidence"
    )
    placed = await _of(ids, ArticleMedia.all(), "position", "role", "caption", "alt", media="media_id")
    related = await _of(ids, ArticleRelated.all(), "position", "related__uri")
    corrections = await _of(ids, Correction.all(), "id", "kind", "at", "text", "block", "before", "after")
    history = await _of(ids, SlugHistory.all(), "until", "language", "slug")
    external = await _of(ids, ExternalId.all(), "system", "value")
    chains = await _chains(ids)
    return [
        record_from_row(
            ArticleRecord,
            row,
            lede=own_lede(row.lede, bodies.get(row.id, ())),
            category=paths.get(foreign_key(row, "category")),
            story=stories.get(foreign_key(row, "story")),
            lead_media=foreign_key(row, "lead_media"),
            sections=[
                match["category__path"]
                for match in sections.get(row.id, [])
                if match["category__path"] != paths.get(foreign_key(row, "category"))
            ],
            blocks=bodies.get(row.id, ()),
            authors=[fit(CreditRecord, values) for values in credits.get(row.id, [])],
            media=[fit(PlacementRecord, values) for values in placed.get(row.id, [])],
            tags=[
                fit(MentionRecord, values, tag=f"{values['tag__type'].value}:{values['tag__slug']}")
                for values in mentions.get(row.id, [])
            ],
            attributions=chains.get(row.id, []),
            corrections=sorted(
                (fit(CorrectionRecord, values) for values in corrections.get(row.id, [])),
                key=lambda correction: (correction.at, correction.id or 0),
            ),
            related=[values["related__uri"] for values in related.get(row.id, [])],
            slug_history=sorted(
                (fit(SlugRecord, values) for values in history.get(row.id, [])),
                key=lambda old: (old.until, old.language, old.slug),
            ),
            external_ids=sorted(
                (fit(ExternalIdRecord, values) for values in external.get(row.id, [])),
                key=lambda external_id: (external_id.system, external_id.value),
            ),
        )
        for row in rows
    ]


async def tag_ids(keys: Iterable[TagKey]) -> dict[TagKey, int]:
    """The ids of tags by `TYPE:slug`. Raises ReferenceNotFound."""
    requested = dict.fromkeys(keys)
    slugs = [key.partition(":")[2] for key in requested]
    rows = await Tag.filter(slug__in=slugs).values_list("type", "slug", "id") if slugs else []
    return _all_of(requested, {f"{kind.value}:{slug}": number for kind, slug, number in rows}, "tag")


async def ids_by_key(model: type[Model], field: str, keys: Iterable[Any], word: str) -> dict[Any, int]:
    """The ids of the rows whose `field` is one of `keys`, by key. Raises ReferenceNotFound.

    `word` names the kind of row in the error message. Working copies of articles are left out.
    """
    requested = dict.fromkeys(keys)
    only = {"working_of": 0} if model is Article else {}
    row = model.filter(**{f"{field}__in": list(requested)}, **only)
    rows = await row.values_list(field, "id") if requested else []
    return _all_of(requested, dict(rows), word)


def _all_of(requested: Iterable[Any], here: dict[Any, int], word: str) -> dict[Any, int]:
    for key in requested:
        if key not in here:
            raise ReferenceNotFound(f"there is no {word} {key!r}")
    return here


async def _of(ids: Sequence[int], rows: Any, *names: str, **renamed: str) -> dict[int, list[dict[str, Any]]]:
    """The values of the rows of these articles, by article id, ordered by the first of `names`."""
    results: dict[int, list[dict[str, Any]]] = {}
    for row in (
        await rows.filter(article_id__in=ids).order_by(names[0]).values("article_id", *names, **renamed)
    ):
        results.setdefault(row["article_id"], []).append(row)
    return results


async def _chains(ids: Sequence[int]) -> dict[int, list[AttributionRecord]]:
    # The last hop first: the record of a hop contains the one that its `via` refers to.
    rows = await Attribution.filter(article_id__in=ids).order_by("article_id", "position", "-hop", "id")
    slugs: dict[int, str] = dict(
        await Source.filter(id__in={foreign_key(row, "source") for row in rows}).values_list("id", "slug")
    )
    hops: dict[int, AttributionRecord] = {}
    owners: dict[int, list[AttributionRecord]] = {}
    for row in rows:
        span = None
        if row.span_block is not None:
            span = SpanRecord(
                block_id=row.span_block,
                start=row.span_start or 0,
                end=row.span_end or 0,
                exact=row.span_exact,
                prefix=row.span_prefix,
                suffix=row.span_suffix,
                orphaned=row.span_orphaned,
            )
        record = record_from_row(
            AttributionRecord,
            row,
            id=row.working_of or row.id,
            source=slugs.get(foreign_key(row, "source")),
            media=foreign_key(row, "media"),
            span=span,
            via=hops.pop(foreign_key(row, "via"), None),
        )
        if row.hop:
            hops[row.id] = record.model_copy(update={"state": AttributionState.SUGGESTED})
        else:
            owners.setdefault(foreign_key(row, "article"), []).append(record)
    return owners


def own_lede(lede: str | None, blocks: Iterable[Block]) -> str | None:
    return None if lede == derive.lede(blocks) else lede


def stored(value: Any) -> Any:
    if isinstance(value, tuple):
        return [stored(item) for item in value]
    return value.model_dump(by_alias=True) if isinstance(value, FrozenModel) else value


def fit(kind: type[AnyRecord], data: dict[str, Any], **more: Any) -> AnyRecord:
    return kind(**{name: data[name] for name in kind.model_fields if name in data}, **more)
