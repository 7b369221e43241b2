"""Rows of the full-text index.

SQLite has them in a table of FTS5. PostgreSQL has the terms in a tsvector, and their text, in which
phrases are looked up: a tsvector holds no positions beyond 255 of a term and 16,383 of a text.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from contentql.content.search_terms import SearchTerms

CREATE_POSTGRES = (
    "CREATE TABLE article_search ("
    " article_id bigint PRIMARY KEY REFERENCES article (id) ON DELETE CASCADE,"
    " document tsvector NOT NULL, lead tsvector NOT NULL,"
    " headline text NOT NULL, summary text NOT NULL, body text NOT NULL)",
    "CREATE INDEX article_search_words ON article_search USING gin (document)",
)
# content/search_terms.py makes the terms; the tokenizer only splits at spaces.
CREATE_SQLITE = (
    "CREATE VIRTUAL TABLE article_search USING fts5 ("
    " headline, summary, body, tokenize = \"ascii tokenchars '/'\")",
)
INSERT_POSTGRES = (
    "INSERT INTO article_search (article_id, document, lead, headline, summary, body)"
    " VALUES ($1, $2::text::tsvector, $3::text::tsvector, $4, $5, $6)"
)
INSERT_SQLITE = "INSERT INTO article_search (rowid, headline, summary, body) VALUES (?, ?, ?, ?)"


def postgres_row(article: int, terms: SearchTerms) -> tuple[Any, ...]:
    """The values of INSERT_POSTGRES. `lead` has the terms of headline and summary with weights A and B."""
    lead = [_tsvector(terms.headline, ":1A"), _tsvector(terms.summary, ":1B")]
    document = _tsvector(part for parts in (terms.headline, terms.summary, terms.body) for part in parts)
    return article, document, " ".join(lead), *map(_text, (terms.headline, terms.summary, terms.body))


def sqlite_row(article: int, terms: SearchTerms) -> tuple[Any, ...]:
    """The values of INSERT_SQLITE."""
    return article, *map(" ".join, (terms.headline, terms.summary, terms.body))


def _tsvector(terms: Iterable[str], position: str = "") -> str:
    return " ".join(f"'{term}'{position}" for term in dict.fromkeys(terms))


def _text(terms: Sequence[str]) -> str:
    """The terms with a space before and after each."""
    return f" {' '.join(terms)} "


async def write_search_row(connection: Any, article: int, terms: SearchTerms) -> None:
    """Writes the search row of an article through Tortoise's connection."""
    if connection.capabilities.dialect == "postgres":
        columns = ("document", "lead", "headline", "summary", "body")
        await connection.execute_query(
            f"{INSERT_POSTGRES} ON CONFLICT (article_id) DO UPDATE SET"
            f" {', '.join(f'{column} = excluded.{column}' for column in columns)}",
            list(postgres_row(article, terms)),
        )
        return
    await connection.execute_query("DELETE FROM article_search WHERE rowid = ?", [article])
    await connection.execute_query(INSERT_SQLITE, list(sqlite_row(article, terms)))
