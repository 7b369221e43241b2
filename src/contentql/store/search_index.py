"""Rows of the full-text index."""

from __future__ import annotations

from typing import Any

from contentql.content.search_terms import SearchTerms


def tsvector(words: SearchTerms) -> str:
    """The terms in the text form of a tsvector, with positions and weights: 'kim':1A,14B 'coffin':5A."""
    places: dict[str, list[str]] = {}
    position = 0
    for weight, part in zip("ABC", (words.headline, words.summary, words.body), strict=True):
        for word in part:
            position += 1
            places.setdefault(word, []).append(f"{min(position, _MAX_POSITION)}{weight}")
        position += _GAP
    return " ".join(f"'{word}':{','.join(dict.fromkeys(match))}" for word, match in sorted(places.items()))


async def write_search_row(connection: Any, article: int, words: SearchTerms) -> None:
    """Writes the search row of an article through Tortoise's connection."""
    if connection.capabilities.dialect == "postgres":
        await connection.execute_query(
            "INSERT INTO article_search (article_id, document) VALUES ($1, $2::text::tsvector)"
            " ON CONFLICT (article_id) DO UPDATE SET document = excluded.document",
            [article, tsvector(words)],
        )
        return
    await connection.execute_query("DELETE FROM article_search WHERE rowid = ?", [article])
    await connection.execute_query(
        "INSERT INTO article_search (rowid, headline, summary, body) VALUES (?, ?, ?, ?)",
        [article, *(" ".join(part) for part in (words.headline, words.summary, words.body))],
    )


# The largest position in a tsvector, and a gap so that no phrase matches across two parts.
_MAX_POSITION = 16_383


_GAP = 10
