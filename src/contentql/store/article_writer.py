"""Writing of an article record to its tables."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tortoise.models import Model

from contentql.content import blocks, derive, render, search_terms
from contentql.content.enums import PUBLIC_ATTRIBUTION_STATES
from contentql.content.ids import encode_id
from contentql.content.records import (
    ArticleRecord,
)
from contentql.content.render_markdown import render_markdown
from contentql.store import live_entries, search_index
from contentql.store.article_records import ReferenceNotFound, ids_by_key, record_columns, tag_ids
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
from contentql.store.models.taxonomy import Author, Category, ExternalId, Media, Source, Story


async def save_article(
    connection: Any,
    record: ArticleRecord,
    row: Article | None,
    *,
    extra_columns: Mapping[str, Any] | None = None,
    published_ids: Mapping[int, int] | None = None,
    now: dt.datetime | None = None,
) -> list[str]:
    """Writes a whole article to its tables: inserts it, or updates `row`.

    The live entries belong to the article; those in the record of a working copy are not saved. `now`: the
    time of their changes, by default that of the record's modification.
    The record and its parts must have ids. `extra_columns`: further column values of the article's row.
    `published_ids` maps the id of an attribution in a working copy to its id in the published article.
    Returns the URIs of related articles that do not exist (yet). Raises ReferenceNotFound for any other
    missing row.
    """
    assert record.id is not None
    references = await _references(record)
    own = blocks.own_blocks(record.blocks)
    text = render.plain_text(own)
    size = derive.measure_text(text)
    lede = record.lede or derive.lede(record.blocks)
    # In a thread: rendering a long text would block the event loop.
    body = await asyncio.to_thread(_body, own, text)
    values = {
        **record_columns(record, Article),
        **references,
        "lede": lede,
        "sort_headline": derive.sort_key(record.headline),
        "word_count": size.words,
        "reading_minutes": size.minutes,
        **(extra_columns or {}),
    }
    if row is None:
        await Article.create(id=record.id, **values)
        await ArticleBody.create(article_id=record.id, **body)
    else:
        await row.update_from_dict(values).save()
        await ArticleBody.filter(article_id=record.id).update(**body)
    await _write_sections(record)
    await _write_links(record)
    await _write_attributions(record, published_ids or {})
    summary_texts = (record.kicker, record.short_headline, record.summary, lede, record.byline)
    terms = search_terms.search_terms(
        record.headline, summary_texts, text, record.language, await _named_terms(record.id)
    )
    await search_index.write_search_row(connection, record.id, terms)
    if not values.get("working_of"):
        await live_entries.save_entries(connection, record, terms, now or record.modified_at)
    return await save_related_articles(record)


async def save_related_articles(record: ArticleRecord) -> list[str]:
    """Writes the related articles of an article and returns the URIs of those that do not exist."""
    rows = Article.filter(uri__in=record.related, working_of=0)
    existing = dict(await rows.values_list("uri", "id") if record.related else [])
    await replace_rows(
        ArticleRelated,
        {"article_id": record.id},
        [
            {"related_id": existing[uri], "position": position}
            for position, uri in enumerate(dict.fromkeys(record.related))
            if uri in existing
        ],
    )
    return [uri for uri in record.related if uri not in existing]


async def require_media(ids: Iterable[int | None]) -> None:
    """Checks that all these media exist. Raises ReferenceNotFound."""
    requested = {id for id in ids if id is not None}
    existing = set(await Media.filter(id__in=requested).values_list("id", flat=True)) if requested else set()
    for id in sorted(requested - existing):
        raise ReferenceNotFound(f"there is no media {encode_id('media', id)}")


async def _references(record: ArticleRecord) -> dict[str, int | None]:
    paths = await ids_by_key(Category, "path", [record.category] if record.category else [], "category")
    stories = await ids_by_key(Story, "slug", [record.story] if record.story else [], "story")
    block_media = [id for block in record.blocks for id in blocks.block_media(block)]
    hop_media = [hop.media for attribution in record.attributions for hop in attribution.hops()]
    await require_media(
        [record.lead_media, *block_media, *hop_media, *(placement.media for placement in record.media)]
    )
    writers = [entry.author for entry in blocks.live_entries(record.blocks) if entry.author]
    await ids_by_key(Author, "id", writers, "author")
    return {
        "category_id": paths.get(record.category),
        "story_id": stories.get(record.story),
        "lead_media_id": record.lead_media,
    }


def _body(own: Sequence[blocks.Block], text: str) -> dict[str, Any]:
    return {
        "blocks": blocks.dump_blocks(own),
        "html": render.render_html(own),
        "markdown": render_markdown(own),
        "text": text,
    }


async def lead_terms(article: Article) -> search_terms.SearchTerms:
    """The search terms of an article without those of its body."""
    texts = (article.kicker, article.short_headline, article.summary, article.lede, article.byline)
    named = await _named_terms(article.id)
    return search_terms.search_terms(article.headline, texts, "", article.language, named)


async def _named_terms(article: int) -> list[str]:
    """The search terms of the authors and of the sources that the public sees."""
    authors: Any = ArticleAuthor.filter(article_id=article).order_by("author_id")
    public = Attribution.filter(article_id=article, state__in=PUBLIC_ATTRIBUTION_STATES)
    sources: Any = public.filter(source_id__isnull=False).order_by("source_id").distinct()
    return [
        *[search_terms.author_term(id) for id in await authors.values_list("author_id", flat=True)],
        *[search_terms.source_term(id) for id in await sources.values_list("source_id", flat=True)],
    ]


async def _write_sections(record: ArticleRecord) -> None:
    section_paths = [record.category, *record.sections] if record.category else list(record.sections)
    rows = derive.section_rows(section_paths)
    ids = await ids_by_key(Category, "path", [row.path for row in rows], "category")
    await replace_rows(
        ArticleSection,
        {"article_id": record.id},
        [
            {
                "category_id": ids[row.path],
                "direct": row.direct,
                "position": row.position,
                "published_at": record.published_at,
            }
            for row in rows
        ],
    )


async def _write_links(record: ArticleRecord) -> None:
    owner = {"article_id": record.id}
    tags = await tag_ids(mention.tag for mention in record.tags)
    published_at = record.published_at
    await replace_rows(
        ArticleTag,
        owner,
        [
            {
                **record_columns(mention, ArticleTag),
                "tag_id": tags[mention.tag],
                "position": position,
                "published_at": published_at,
            }
            for position, mention in enumerate(record.tags)
        ],
    )
    authors = await ids_by_key(Author, "slug", [credit.author for credit in record.authors], "author")
    await replace_rows(
        ArticleAuthor,
        owner,
        [
            {"author_id": authors[credit.author], "role": credit.role, "position": position}
            for position, credit in enumerate(record.authors)
        ],
    )
    await replace_rows(
        ArticleMedia,
        owner,
        [
            {**record_columns(placement, ArticleMedia), "media_id": placement.media, "position": position}
            for position, placement in enumerate(record.media)
        ],
    )
    await replace_rows(
        Correction,
        owner,
        [
            {"id": correction.id, **record_columns(correction, Correction)}
            for correction in record.corrections
        ],
    )
    await replace_rows(
        SlugHistory, owner, [record_columns(former_slug, SlugHistory) for former_slug in record.slug_history]
    )
    await replace_rows(
        ExternalId, owner, [record_columns(external_id, ExternalId) for external_id in record.external_ids]
    )


async def replace_rows(
    model: type[Model], owner: dict[str, Any], rows: Sequence[dict[str, Any]], *, reference_column: str = ""
) -> None:
    """Replaces the rows whose columns have the values of `owner` by `rows`; equal rows stay.

    Rewriting equal rows would add needless entries to the change log. `reference_column`: the column by which
    rows refer to each other. A row that refers to a deleted row is inserted again too, because the database
    sets that column to NULL on delete.
    """
    names = sorted({name for row in rows for name in row})
    missing = list(rows)
    removed_ids: list[Any] = []
    unchanged: list[tuple[Any, dict[str, Any]]] = []
    for row in await model.filter(**owner):
        values = {name: getattr(row, name) for name in names}
        if values in missing:
            missing.remove(values)
            unchanged.append((row.pk, values))
        else:
            removed_ids.append(row.pk)
    while reference_column and (
        dangling := [item for item in unchanged if item[1][reference_column] in removed_ids]
    ):
        unchanged = [item for item in unchanged if item not in dangling]
        removed_ids += [pk for pk, _ in dangling]
        missing += [values for _, values in dangling]
        missing.sort(key=rows.index)
    if removed_ids:
        await model.filter(pk__in=removed_ids).delete()
    await model.bulk_create(model(**owner, **row) for row in missing)


async def _write_attributions(record: ArticleRecord, published_ids: Mapping[int, int]) -> None:
    slugs = [hop.source for head in record.attributions for hop in head.hops() if hop.source]
    sources = await ids_by_key(Source, "slug", slugs, "source")
    rows: list[dict[str, Any]] = []
    for position, head in enumerate(record.attributions):
        hops = list(head.hops())
        source_ids = [sources[hop.source] if hop.source else None for hop in hops]
        chain = derive.attribution_chain_rows([hop.id or 0 for hop in hops], source_ids)
        for hop, source, chain_row in zip(hops, source_ids, chain, strict=True):
            values = record_columns(hop, Attribution)
            if hop.span is not None:
                values["span_block"] = hop.span.block_id
                for name in ("start", "end", "exact", "prefix", "suffix", "orphaned"):
                    values[f"span_{name}"] = getattr(hop.span, name)
            rows.append(
                {
                    "id": hop.id,
                    **values,
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
    for row in rows:
        row.setdefault("span_orphaned", False)
        for name in ("span_block", "span_start", "span_end", "span_exact", "span_prefix", "span_suffix"):
            row.setdefault(name, None)
    # The last hop first, because each refers to the next one.
    rows.sort(key=lambda row: -row["hop"])
    await replace_rows(Attribution, {"article_id": record.id}, rows, reference_column="via_id")
