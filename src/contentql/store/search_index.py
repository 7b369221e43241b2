"""Rows of the full-text index.

SQLite has them in a table of FTS5, which looks up phrases of any length anywhere. A tsvector of PostgreSQL
has positions only up to 255 of a term and 16,383 of a text: a longer text has a tsvector without positions,
and its terms as text, in which phrases are looked up.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import Any

from contentql.content.search_terms import SearchTerms

CREATE_POSTGRES = (
    "CREATE TABLE article_search ("
    " article_id bigint PRIMARY KEY REFERENCES article (id) ON DELETE CASCADE,"
    " document tsvector NOT NULL, lead tsvector NOT NULL, long_text text)",
    "CREATE INDEX article_search_words ON article_search USING gin (document)",
    "CREATE INDEX article_search_lead ON article_search USING gin (lead)",
    "CREATE INDEX article_search_long ON article_search (article_id) WHERE long_text IS NOT NULL",
)
# content/search_terms.py makes the terms; the tokenizer only splits at spaces.
CREATE_SQLITE = (
    "CREATE VIRTUAL TABLE article_search USING fts5 ("
    " headline, summary, body, tokenize = \"ascii tokenchars '/'\")",
)
CREATE_ENTRIES_POSTGRES = (
    "CREATE TABLE live_entry_search ("
    " entry_id bigint PRIMARY KEY REFERENCES live_entry (id) ON DELETE CASCADE,"
    " article_id bigint NOT NULL, document tsvector NOT NULL, long_text text)",
    "CREATE INDEX live_entry_search_words ON live_entry_search USING gin (document)",
)
CREATE_ENTRIES_SQLITE = (
    "CREATE VIRTUAL TABLE live_entry_search USING fts5 ("
    " headline, summary, body, article_id UNINDEXED, tokenize = \"ascii tokenchars '/'\")",
    "CREATE TRIGGER live_entry_search_follows AFTER DELETE ON live_entry"
    " BEGIN DELETE FROM live_entry_search WHERE rowid = OLD.id; END",
)
# The words that a transaction adds are sorted in memory up to this size, by default 1 MiB.
LARGER_HASH_SQLITE = f"INSERT INTO article_search (article_search, rank) VALUES ('hashsize', {16 << 20})"
INSERT_POSTGRES = (
    "INSERT INTO article_search (article_id, document, lead, long_text)"
    " VALUES ($1, $2::text::tsvector, $3::text::tsvector, $4)"
)
INSERT_SQLITE = "INSERT INTO article_search (rowid, headline, summary, body) VALUES (?, ?, ?, ?)"
INSERT_ENTRY_POSTGRES = (
    "INSERT INTO live_entry_search (entry_id, article_id, document, long_text)"
    " VALUES ($1, $2, $3::text::tsvector, $4)"
)
INSERT_ENTRY_SQLITE = (
    "INSERT INTO live_entry_search (rowid, article_id, headline, summary, body) VALUES (?, ?, ?, ?, ?)"
)


def postgres_row(article: int, terms: SearchTerms) -> tuple[Any, ...]:
    """The values of INSERT_POSTGRES. `lead` has the terms of headline and summary with weights A and B."""
    positions: dict[str, str] = {}
    lead: dict[str, str] = {}
    start = 1
    parts = (terms.headline, terms.summary, terms.body)
    for weight, part in zip("AB ", parts, strict=True):
        words = bisect_left(part, True, key=terms.is_stem)  # the stems follow the words
        for sequence in (part[:words], part[words:]):
            _add_positions(positions, sequence, _NUMBERS[start : start + len(sequence)])
            if weight != " ":
                numbers = range(start, start + len(sequence))
                _add_positions(lead, sequence, [f"{min(n, _MAX_POSITION)}{weight}" for n in numbers])
        start += max(words, len(part) - words) + _GAP
    is_long = start > _MAX_POSITION or _has_many_occurrences(positions)
    document = " ".join([f"'{term}'" for term in positions]) if is_long else _tsvector(positions)
    long_text = f" {'  '.join(map(' '.join, parts))} " if is_long else None
    return article, document, _tsvector(lead), long_text


def _add_positions(positions: dict[str, str], terms: Sequence[str], numbers: Sequence[str]) -> None:
    """Adds a position for each term; those of a term are separated by commas."""
    for term, number in zip_longest(terms, numbers, fillvalue="0"):
        earlier = positions.get(term)
        positions[term] = number if earlier is None else f"{earlier},{number}"


def _has_many_occurrences(positions: Mapping[str, str]) -> bool:
    # Positions have at least one digit and a comma.
    return max(map(len, positions.values()), default=0) >= 2 * _MAX_OCCURRENCES and any(
        text.count(",") >= _MAX_OCCURRENCES for text in positions.values()
    )


def _tsvector(positions: Mapping[str, str]) -> str:
    return " ".join([f"'{term}':{numbers}" for term, numbers in positions.items()])


def sqlite_row(article: int, terms: SearchTerms) -> tuple[Any, ...]:
    """The values of INSERT_SQLITE."""
    return article, *map(" ".join, (terms.headline, terms.summary, terms.body))


def postgres_entry_row(entry: int, article: int, terms: SearchTerms) -> tuple[Any, ...]:
    """The values of INSERT_ENTRY_POSTGRES."""
    _, document, _, long_text = postgres_row(entry, terms)
    return entry, article, document, long_text


def sqlite_entry_row(entry: int, article: int, terms: SearchTerms) -> tuple[Any, ...]:
    """The values of INSERT_ENTRY_SQLITE."""
    return entry, *sqlite_row(article, terms)


async def write_search_row(connection: Any, article: int, terms: SearchTerms) -> None:
    """Writes the search row of an article through Tortoise's connection."""
    await write_search_rows(connection, {article: terms})


async def write_search_rows(connection: Any, terms: Mapping[int, SearchTerms]) -> None:
    """Writes the search rows of articles, by their ids, through Tortoise's connection."""
    if connection.capabilities.dialect == "postgres":
        await connection.execute_many(
            f"{INSERT_POSTGRES} ON CONFLICT (article_id) DO UPDATE SET document = excluded.document,"
            " lead = excluded.lead, long_text = excluded.long_text",
            [postgres_row(article, words) for article, words in terms.items()],
        )
        return
    await connection.execute_many(
        "DELETE FROM article_search WHERE rowid = ?", [[article] for article in terms]
    )
    await connection.execute_many(
        INSERT_SQLITE, [sqlite_row(article, words) for article, words in terms.items()]
    )


async def write_entry_rows(connection: Any, article: int, terms: Mapping[int, SearchTerms]) -> None:
    """Writes the search rows of entries of a live blog, by their ids, through Tortoise's connection."""
    await delete_entry_rows(connection, list(terms))
    if terms:
        dialect = connection.capabilities.dialect
        row_of = postgres_entry_row if dialect == "postgres" else sqlite_entry_row
        sql = INSERT_ENTRY_POSTGRES if dialect == "postgres" else INSERT_ENTRY_SQLITE
        await connection.execute_many(sql, [row_of(entry, article, words) for entry, words in terms.items()])


async def delete_entry_rows(connection: Any, entries: Sequence[int]) -> None:
    """Deletes the search rows of entries."""
    if connection.capabilities.dialect == "postgres":
        await connection.execute_query(
            "DELETE FROM live_entry_search WHERE entry_id = ANY($1::bigint[])", [list(entries)]
        )
    elif entries:
        await connection.execute_many(
            "DELETE FROM live_entry_search WHERE rowid = ?", [[entry] for entry in entries]
        )


_MAX_POSITION = 16_383  # in a tsvector
_MAX_OCCURRENCES = 255  # of a term with positions
_GAP = 10  # positions between two parts, so that no phrase matches across them
_NUMBERS = tuple(map(str, range(_MAX_POSITION + 1)))
