"""Writing of an article record to its tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tortoise.models import Model

from contentql.content import blocks, derive, render, search_terms
from contentql.content.ids import encode_id
from contentql.content.records import (
    ArticleRecord,
)
from contentql.store import search_index
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
    more: Mapping[str, Any] | None = None,
    stable: Mapping[int, int] | None = None,
) -> list[str]:
    """Writes a whole article to its tables: inserts it, or updates `row`.

    The record and its parts must have their ids. `more` are further column values of the article's row.
    `stable` maps the id of an attribution in a working copy to its id in the published article. Returns the
    URIs of related articles that do not exist (yet); raises ReferenceNotFound for any other missing row.
    """
    assert record.id is not None
    refers = await _references(record)
    text = render.plain_text(record.blocks)
    length = derive.measure_text(text)
    opening = record.lede or derive.lede(record.blocks)
    values = {
        **record_columns(record, Article),
        **refers,
        "lede": opening,
        "word_count": length.words,
        "reading_minutes": length.minutes,
        **(more or {}),
    }
    if row is None:
        await Article.create(id=record.id, **values)
        await ArticleBody.create(article_id=record.id, **_body(record, text))
    else:
        await row.update_from_dict(values).save()
        await ArticleBody.filter(article_id=record.id).update(**_body(record, text))
    await _write_sections(record)
    await _write_links(record)
    await _write_chains(record, stable or {})
    about = (record.kicker, record.short_headline, record.summary, opening, record.byline)
    words = search_terms.search_terms(record.headline, about, text, record.language)
    await search_index.write_search_row(connection, record.id, words)
    return await save_related_articles(record)


async def save_related_articles(record: ArticleRecord) -> list[str]:
    """Writes the related articles of an article and returns the URIs of those that do not exist."""
    rows = Article.filter(uri__in=record.related, working_of=0)
    here = dict(await rows.values_list("uri", "id") if record.related else [])
    await replace_rows(
        ArticleRelated,
        {"article_id": record.id},
        [
            {"related_id": here[uri], "position": n}
            for n, uri in enumerate(dict.fromkeys(record.related))
            if uri in here
        ],
    )
    return [uri for uri in record.related if uri not in here]


async def require_media(numbers: Iterable[int | None]) -> None:
    """Checks that all these media exist. Raises ReferenceNotFound."""
    requested = {number for number in numbers if number is not None}
    here = set(await Media.filter(id__in=requested).values_list("id", flat=True)) if requested else set()
    for number in sorted(requested - here):
        raise ReferenceNotFound(f"there is no media {encode_id('media', number)}")


async def _references(record: ArticleRecord) -> dict[str, int | None]:
    paths = await ids_by_key(Category, "path", [record.category] if record.category else [], "category")
    stories = await ids_by_key(Story, "slug", [record.story] if record.story else [], "story")
    visible = [number for block in record.blocks for number in blocks.block_media(block)]
    messages = [hop.media for attribution in record.attributions for hop in attribution.hops()]
    await require_media([record.lead_media, *visible, *messages, *(placed.media for placed in record.media)])
    return {
        "category_id": paths.get(record.category),
        "story_id": stories.get(record.story),
        "lead_media_id": record.lead_media,
    }


def _body(record: ArticleRecord, text: str) -> dict[str, Any]:
    return {
        "blocks": blocks.dump_blocks(record.blocks),
        "html": render.render_html(record.blocks),
        "markdown": render.render_markdown(record.blocks),
        "text": text,
    }


async def _write_sections(record: ArticleRecord) -> None:
    own = [record.category, *record.sections] if record.category else list(record.sections)
    rows = derive.section_rows(own)
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
    of = {"article_id": record.id}
    tags = await tag_ids(mention.tag for mention in record.tags)
    at = record.published_at
    await replace_rows(
        ArticleTag,
        of,
        [
            {
                **record_columns(value, ArticleTag),
                "tag_id": tags[value.tag],
                "position": n,
                "published_at": at,
            }
            for n, value in enumerate(record.tags)
        ],
    )
    authors = await ids_by_key(Author, "slug", [credit.author for credit in record.authors], "author")
    await replace_rows(
        ArticleAuthor,
        of,
        [
            {"author_id": authors[credit.author], "role": credit.role, "position": n}
            for n, credit in enumerate(record.authors)
        ],
    )
    await replace_rows(
        ArticleMedia,
        of,
        [
            {**record_columns(placed, ArticleMedia), "media_id": placed.media, "position": n}
            for n, placed in enumerate(record.media)
        ],
    )
    await replace_rows(
        Correction, of, [{"id": one.id, **record_columns(one, Correction)} for one in record.corrections]
    )
    await replace_rows(SlugHistory, of, [record_columns(old, SlugHistory) for old in record.slug_history])
    await replace_rows(
        ExternalId, of, [record_columns(existing, ExternalId) for existing in record.external_ids]
    )


async def replace_rows(
    model: type[Model], of: dict[str, Any], rows: Sequence[dict[str, Any]], *, leads: str = ""
) -> None:
    """Makes `rows` the only rows that belong to `of`: deletes and inserts only what differs.

    Rewriting equal rows would add needless entries to the change log. `leads`: the column by which rows refer
    to each other. A row that refers to a deleted row is inserted again too, because the database sets that
    column to NULL on delete.
    """
    names = sorted({name for row in rows for name in row})
    missing = list(rows)
    removed: list[Any] = []
    stored: list[tuple[Any, dict[str, Any]]] = []
    for row in await model.filter(**of):
        same = {name: getattr(row, name) for name in names}
        if same in missing:
            missing.remove(same)
            stored.append((row.pk, same))
        else:
            removed.append(row.pk)
    while leads and (torn := [one for one in stored if one[1][leads] in removed]):
        stored = [one for one in stored if one not in torn]
        removed += [pk for pk, _ in torn]
        missing += [same for _, same in torn]
        missing.sort(key=rows.index)
    if removed:
        await model.filter(pk__in=removed).delete()
    await model.bulk_create(model(**of, **row) for row in missing)


async def _write_chains(record: ArticleRecord, stable: Mapping[int, int]) -> None:
    named = [hop.source for head in record.attributions for hop in head.hops() if hop.source]
    sources = await ids_by_key(Source, "slug", named, "source")
    rows: list[dict[str, Any]] = []
    for position, head in enumerate(record.attributions):
        hops = list(head.hops())
        whose = [sources[hop.source] if hop.source else None for hop in hops]
        chain = derive.attribution_chain_rows([hop.id or 0 for hop in hops], whose)
        for hop, source, place in zip(hops, whose, chain, strict=True):
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
                    "via_id": place.via,
                    "head_id": place.head,
                    "hop": place.hop,
                    "origin_id": place.origin,
                    "position": position,
                    "working_of": stable.get(hop.id or 0, 0),
                }
            )
    for row in rows:
        row.setdefault("span_orphaned", False)
        for name in ("span_block", "span_start", "span_end", "span_exact", "span_prefix", "span_suffix"):
            row.setdefault(name, None)
    # A hop refers to the next one, which must be inserted before it.
    rows.sort(key=lambda row: -row["hop"])
    await replace_rows(Attribution, {"article_id": record.id}, rows, leads="via_id")
