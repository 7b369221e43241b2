"""Writing of an article record to its tables."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tortoise.models import Model

from contentql.content import search_terms
from contentql.content.enums import PUBLIC_ATTRIBUTION_STATES
from contentql.content.ids import encode_id
from contentql.content.records import ArticleRecord
from contentql.store import live_entries, search_index
from contentql.store.article_records import ReferenceNotFound
from contentql.store.article_rows import (
    IDS_AT_ONCE,
    article_rows,
    load_references,
    missing_related,
    related_rows,
    require_references,
)
from contentql.store.models.articles import Article, ArticleAuthor, ArticleBody, ArticleRelated
from contentql.store.models.attributions import Attribution
from contentql.store.models.taxonomy import Media

_NO_CONTENT: Mapping[str, Any] = {
    **dict.fromkeys(("blocks", "attributions", "corrections", "media", "tags", "authors", "sections"), ()),
    **dict.fromkeys(("category", "story", "lead_media", "lede", "summary"), None),
    "extra": {},
}
# Columns by which rows of a table refer to each other.
REFERENCE_COLUMNS: Mapping[type[Model], str] = {Attribution: "via_id"}


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
    references = await load_references([record])
    require_references(record, references)
    # In a thread: rendering a long text would block the event loop.
    rows = await asyncio.to_thread(
        article_rows, record, references, extra_columns=extra_columns, published_ids=published_ids
    )
    if row is None:
        await Article.create(id=record.id, **rows.article)
        await ArticleBody.create(article_id=record.id, **rows.body)
    else:
        await row.update_from_dict(rows.article).save()
        await ArticleBody.filter(article_id=record.id).update(**rows.body)
    owner = {"article_id": record.id}
    for model, part_rows in rows.parts.items():
        # The rows of a new article have no others to replace.
        if row is None:
            await model.bulk_create(model(**owner, **values) for values in part_rows)
        else:
            await replace_rows(model, owner, part_rows, reference_column=REFERENCE_COLUMNS.get(model, ""))
    await search_index.write_search_row(connection, record.id, rows.terms)
    if not rows.article.get("working_of"):
        await live_entries.save_entries(connection, record, rows.terms, now or record.modified_at)
    await replace_rows(ArticleRelated, owner, rows.related)
    return rows.missing


async def save_related_articles(records: Sequence[ArticleRecord]) -> dict[int, list[str]]:
    """Writes the related articles of articles. Returns the URIs of those that do not exist, by article."""
    references = await load_references([only_relations(record) for record in records])
    rows = {record.id: related_rows(record, references) for record in records if record.id}
    await replace_rows_of(ArticleRelated, "article_id", rows)
    return {record.id: missing_related(record, references) for record in records if record.id}


def only_relations(record: ArticleRecord) -> ArticleRecord:
    """Returns the record without its content, for `save_related_articles`."""
    return record.model_copy(update=_NO_CONTENT)


async def require_media(ids: Iterable[int | None]) -> None:
    """Checks that all these media exist. Raises ReferenceNotFound."""
    requested = {id for id in ids if id is not None}
    existing = set(await Media.filter(id__in=requested).values_list("id", flat=True)) if requested else set()
    for id in sorted(requested - existing):
        raise ReferenceNotFound(f"there is no media {encode_id('media', id)}")


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


async def replace_rows(
    model: type[Model], owner: dict[str, Any], rows: Sequence[dict[str, Any]], *, reference_column: str = ""
) -> None:
    """Replaces the rows whose column has the value of `owner` by `rows`; equal rows stay.

    See `replace_rows_of`, which does so for several owners.
    """
    ((column, id),) = owner.items()
    await replace_rows_of(model, column, {id: rows}, reference_column=reference_column)


async def replace_rows_of(
    model: type[Model],
    column: str,
    rows_by_owner: Mapping[int, Sequence[dict[str, Any]]],
    *,
    reference_column: str = "",
) -> None:
    """Replaces the rows whose `column` has one of these values by new ones; equal rows stay.

    Rewriting equal rows would add needless entries to the change log. `reference_column`: the column by which
    rows refer to each other. A row that refers to a deleted row is inserted again too, because the database
    sets that column to NULL on delete.
    """
    stored: dict[int, list[Any]] = {}
    owners = list(rows_by_owner)
    for start in range(0, len(owners), IDS_AT_ONCE):
        for row in await model.filter(**{f"{column}__in": owners[start : start + IDS_AT_ONCE]}):
            stored.setdefault(getattr(row, column), []).append(row)
    removed_ids: list[Any] = []
    added: list[Model] = []
    for owner, rows in rows_by_owner.items():
        removed, missing = _compare_rows(stored.get(owner, ()), rows, reference_column)
        removed_ids += removed
        added += [model(**{column: owner}, **row) for row in missing]
    for start in range(0, len(removed_ids), IDS_AT_ONCE):
        await model.filter(pk__in=removed_ids[start : start + IDS_AT_ONCE]).delete()
    await model.bulk_create(added)


def _compare_rows(
    stored: Sequence[Any], rows: Sequence[dict[str, Any]], reference_column: str
) -> tuple[list[Any], list[dict[str, Any]]]:
    """Returns the ids of stored rows that are none of `rows`, and those of `rows` that are not stored."""
    names = sorted({name for row in rows for name in row})
    missing = list(rows)
    removed_ids: list[Any] = []
    unchanged: list[tuple[Any, dict[str, Any]]] = []
    for row in stored:
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
    return removed_ids, missing
