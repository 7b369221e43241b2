"""Rows of an article, computed from its complete record without the database.

`article_writer` saves those of one article, `bulk_writer` inserts those of many: both store the same.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tortoise.models import Model

from contentql.content import blocks, derive, render, search_terms
from contentql.content.enums import PUBLIC_ATTRIBUTION_STATES
from contentql.content.ids import encode_id
from contentql.content.records import ArticleRecord, AttributionRecord
from contentql.content.render_markdown import render_markdown
from contentql.store.article_records import ReferenceNotFound, record_columns
from contentql.store.models.articles import (
    Article,
    ArticleAuthor,
    ArticleMedia,
    ArticleSection,
    ArticleTag,
    SlugHistory,
)
from contentql.store.models.attributions import Attribution, Correction
from contentql.store.models.taxonomy import Author, Category, ExternalId, Media, Source, Story, Tag

IDS_AT_ONCE = 500  # in one statement

Row = dict[str, Any]


@dataclass(frozen=True)
class ArticleReferences:
    """Ids of the rows that articles name, by their names; of media files and of authors of live entries, the
    ids that exist. What does not exist is missing."""

    categories: Mapping[str, int]
    stories: Mapping[str, int]
    tags: Mapping[str, int]
    authors: Mapping[str, int]
    sources: Mapping[str, int]
    related: Mapping[str, int]
    media: Collection[int]
    entry_authors: Collection[int]

    def by_table(self) -> dict[str, Mapping[str, int]]:
        """The ids of the rows that a revision names, by table and name."""
        return {
            "category": self.categories,
            "tag": self.tags,
            "author": self.authors,
            "source": self.sources,
            "story": self.stories,
        }


@dataclass(frozen=True)
class ArticleRows:
    """Column values of an article and its body, and of the rows of its parts, by their model.

    The parts are in the order in which they are written. `missing`: URIs of related articles that do not
    exist (yet).
    """

    article: Row
    body: Row
    parts: Mapping[type[Model], list[Row]]
    related: list[Row]
    missing: list[str]
    terms: search_terms.SearchTerms


async def load_references(records: Sequence[ArticleRecord]) -> ArticleReferences:
    """Loads the ids of all rows that the records name, in a fixed number of statements for some hundred."""
    tag_keys = {mention.tag for record in records for mention in record.tags}
    slugs = sorted({key.partition(":")[2] for key in tag_keys})
    tags = await _load(Tag, "slug", slugs, "type", "slug", "id")
    hops = [hop for record in records for head in record.attributions for hop in head.hops()]
    entries = [entry for record in records for entry in blocks.live_entries(record.blocks)]
    media = {id for record in records for id in _media(record)}
    return ArticleReferences(
        categories=await _ids(Category, "path", (path for record in records for path in _paths(record))),
        stories=await _ids(Story, "slug", (record.story for record in records)),
        tags={f"{type_.value}:{slug}": id for type_, slug, id in tags},
        authors=await _ids(
            Author, "slug", (credit.author for record in records for credit in record.authors)
        ),
        sources=await _ids(Source, "slug", (hop.source for hop in hops)),
        related=await _ids(Article, "uri", (uri for record in records for uri in record.related)),
        media=frozenset(await _ids(Media, "id", media)),
        entry_authors=frozenset(await _ids(Author, "id", (entry.author for entry in entries))),
    )


def require_references(record: ArticleRecord, references: ArticleReferences) -> None:
    """Raises ReferenceNotFound for the first row that the record names and that does not exist.

    Related articles may be missing.
    """
    _require([record.category] if record.category else [], references.categories, "category")
    _require([record.story] if record.story else [], references.stories, "story")
    for id in sorted(set(_media(record)).difference(references.media)):
        raise ReferenceNotFound(f"there is no media {encode_id('media', id)}")
    entries = blocks.live_entries(record.blocks)
    _require((entry.author for entry in entries if entry.author), references.entry_authors, "author")
    _require((row.path for row in _sections(record)), references.categories, "category")
    _require((mention.tag for mention in record.tags), references.tags, "tag")
    _require((credit.author for credit in record.authors), references.authors, "author")
    hops = (hop for head in record.attributions for hop in head.hops())
    _require((hop.source for hop in hops if hop.source), references.sources, "source")


def article_rows(
    record: ArticleRecord,
    references: ArticleReferences,
    *,
    extra_columns: Mapping[str, Any] | None = None,
    published_ids: Mapping[int, int] | None = None,
) -> ArticleRows:
    """Computes the rows of a complete record, whose references exist; see `article_writer.save_article`.

    Rows of parts without an id have a new one when they are inserted.
    """
    own = blocks.own_blocks(record.blocks)
    text = render.plain_text(own)
    size = derive.measure_text(text)
    lede = record.lede or derive.lede(record.blocks)
    article = {
        **record_columns(record, Article),
        "category_id": references.categories[record.category] if record.category else None,
        "story_id": references.stories[record.story] if record.story else None,
        "lead_media_id": record.lead_media,
        "lede": lede,
        "sort_headline": derive.sort_key(record.headline),
        "word_count": size.words,
        "reading_minutes": size.minutes,
        **(extra_columns or {}),
    }
    parts: dict[type[Model], list[Row]] = {
        **_link_rows(record, references),
        Correction: [{"id": value.id, **record_columns(value, Correction)} for value in record.corrections],
        SlugHistory: [record_columns(value, SlugHistory) for value in record.slug_history],
        ExternalId: [record_columns(value, ExternalId) for value in record.external_ids],
        Attribution: _attribution_rows(record, references, published_ids or {}),
    }
    about = (record.kicker, record.short_headline, record.summary, lede, record.byline)
    named = _named_terms(parts[ArticleAuthor], parts[Attribution])
    return ArticleRows(
        article=article,
        body={
            "blocks": blocks.dump_blocks(own),
            "html": render.render_html(own),
            "markdown": render_markdown(own),
            "text": text,
        },
        parts=parts,
        related=related_rows(record, references),
        missing=missing_related(record, references),
        terms=search_terms.search_terms(record.headline, about, text, record.language, named),
    )


def related_rows(record: ArticleRecord, references: ArticleReferences) -> list[Row]:
    """Computes the rows of the related articles that exist."""
    ids = dict(references.related)
    if record.uri and record.id:
        ids[record.uri] = record.id
    return [
        {"related_id": ids[uri], "position": position}
        for position, uri in enumerate(dict.fromkeys(record.related))
        if uri in ids
    ]


def missing_related(record: ArticleRecord, references: ArticleReferences) -> list[str]:
    """Returns the URIs of related articles that do not exist (yet)."""
    return [uri for uri in record.related if uri not in references.related and uri != record.uri]


async def _ids(model: type[Model], column: str, names: Iterable[Any]) -> dict[Any, int]:
    """The ids of rows by a column; working copies of articles are left out."""
    return dict(await _load(model, column, dict.fromkeys(filter(None, names)), column, "id"))


async def _load(model: type[Model], column: str, values: Collection[Any], *columns: str) -> list[Any]:
    scope = {"working_of": 0} if model is Article else {}
    rows: list[Any] = []
    wanted = list(values)
    for start in range(0, len(wanted), IDS_AT_ONCE):
        part = wanted[start : start + IDS_AT_ONCE]
        rows += await model.filter(**{f"{column}__in": part}, **scope).values_list(*columns)
    return rows


def _require(names: Iterable[Any], existing: Collection[Any], noun: str) -> None:
    for name in names:
        if name not in existing:
            raise ReferenceNotFound(f"there is no {noun} {name!r}")


def _sections(record: ArticleRecord) -> list[derive.Section]:
    return derive.section_rows([record.category, *record.sections] if record.category else record.sections)


def _paths(record: ArticleRecord) -> Iterable[str]:
    return (row.path for row in _sections(record))


def _media(record: ArticleRecord) -> list[int]:
    hops = (hop for head in record.attributions for hop in head.hops())
    ids = [
        record.lead_media,
        *(id for block in record.blocks for id in blocks.block_media(block)),
        *(hop.media for hop in hops),
        *(placement.media for placement in record.media),
    ]
    return [id for id in ids if id is not None]


def _link_rows(record: ArticleRecord, references: ArticleReferences) -> dict[type[Model], list[Row]]:
    published_at = record.published_at
    return {
        ArticleSection: [
            {
                "category_id": references.categories[row.path],
                "direct": row.direct,
                "position": row.position,
                "published_at": published_at,
            }
            for row in _sections(record)
        ],
        ArticleTag: [
            {
                **record_columns(mention, ArticleTag),
                "tag_id": references.tags[mention.tag],
                "position": position,
                "published_at": published_at,
            }
            for position, mention in enumerate(record.tags)
        ],
        ArticleAuthor: [
            {"author_id": references.authors[credit.author], "role": credit.role, "position": position}
            for position, credit in enumerate(record.authors)
        ],
        ArticleMedia: [
            {**record_columns(placement, ArticleMedia), "media_id": placement.media, "position": position}
            for position, placement in enumerate(record.media)
        ],
    }


def _attribution_rows(
    record: ArticleRecord, references: ArticleReferences, published_ids: Mapping[int, int]
) -> list[Row]:
    rows: list[Row] = []
    for position, head in enumerate(record.attributions):
        hops = list(head.hops())
        source_ids = [references.sources[hop.source] if hop.source else None for hop in hops]
        chain = derive.attribution_chain_rows([hop.id or 0 for hop in hops], source_ids)
        for hop, source, chain_row in zip(hops, source_ids, chain, strict=True):
            rows.append(
                {
                    "id": hop.id,
                    **record_columns(hop, Attribution),
                    **_span_columns(hop),
                    "state": head.state,
                    "source_id": source,
                    "media_id": hop.media,
                    "via_id": chain_row.via,
                    "head_id": chain_row.head,
                    "hop": chain_row.hop,
                    "origin_id": chain_row.origin,
                    "position": position,
                    "working_of": published_ids.get(hop.id or 0, 0),
                }
            )
    # The last hop first, because each refers to the next one.
    rows.sort(key=lambda row: -row["hop"])
    return rows


def _span_columns(hop: AttributionRecord) -> Row:
    names = ("start", "end", "exact", "prefix", "suffix")
    span = hop.span
    if span is None:
        return {"span_block": None, "span_orphaned": False, **{f"span_{name}": None for name in names}}
    columns = {f"span_{name}": getattr(span, name) for name in names}
    return {"span_block": span.block_id, "span_orphaned": span.orphaned, **columns}


def _named_terms(authors: Sequence[Row], attributions: Sequence[Row]) -> list[str]:
    """The search terms of the authors and of the sources that the public sees."""
    sources = {
        row["source_id"]
        for row in attributions
        if row["state"] in PUBLIC_ATTRIBUTION_STATES and row["source_id"] is not None
    }
    return [
        *map(search_terms.author_term, sorted(row["author_id"] for row in authors)),
        *map(search_terms.source_term, sorted(sources)),
    ]
