"""Update of many articles with a fixed number of statements for some hundred of them.

The triggers log each change, so caches lose only what has changed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from contentql.store import search_index
from contentql.store.article_rows import ArticleRows, Row
from contentql.store.article_writer import REFERENCE_COLUMNS, replace_rows_of
from contentql.store.bulk_writer import RowEncoder
from contentql.store.models.articles import Article, ArticleRelated


async def update_articles(
    connection: Any, encoder: RowEncoder, articles: Sequence[tuple[Article, ArticleRows]]
) -> None:
    """Makes the stored rows of articles those that `article_rows` has computed.

    Articles with live entries are saved by `article_writer.save_article`. Raises IntegrityError.
    """
    changes = {row.id: _changed_columns(row, rows.article) for row, rows in articles}
    await _update(connection, encoder, "article", "id", changes)
    await _update(connection, encoder, "article_body", "article_id", {row.id: r.body for row, r in articles})
    for model in articles[0][1].parts:
        parts = {row.id: rows.parts[model] for row, rows in articles}
        await replace_rows_of(model, "article_id", parts, reference_column=REFERENCE_COLUMNS.get(model, ""))
    related = {row.id: rows.related for row, rows in articles}
    await replace_rows_of(ArticleRelated, "article_id", related)
    await search_index.write_search_rows(connection, {row.id: rows.terms for row, rows in articles})


def _changed_columns(row: Article, values: Mapping[str, Any]) -> Row:
    return {name: value for name, value in values.items() if getattr(row, name) != value}


async def _update(
    connection: Any, encoder: RowEncoder, table: str, key: str, values: Mapping[int, Row]
) -> None:
    """Updates rows by their key, with one statement for the rows that have the same columns to change."""
    by_columns: dict[tuple[str, ...], list[list[Any]]] = {}
    for id, row in values.items():
        if row:
            by_columns.setdefault(tuple(row), []).append([*map(encoder.value, row.values()), id])
    for columns, rows in by_columns.items():
        postgres = encoder.dialect == "postgres"
        marks = [f"${n}" if postgres else "?" for n in range(1, len(columns) + 2)]
        assignments = ", ".join(f'"{name}" = {mark}' for name, mark in zip(columns, marks, strict=False))
        await connection.execute_many(f"UPDATE {table} SET {assignments} WHERE {key} = {marks[-1]}", rows)
