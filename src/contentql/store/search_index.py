"""Rows of the full-text index."""

from __future__ import annotations

from typing import Any

from contentql.content.search_terms import SearchTerms


def tsvector(terms: SearchTerms) -> str:
    """The terms in the text form of a tsvector, with positions and weights: 'kim':1A,14B 'coffin':5A."""
    positions: dict[str, list[str]] = {}
    position = 0
    for weight, part in zip("ABC", (terms.headline, terms.summary, terms.body), strict=True):
        for term in part:
            position += 1
            positions.setdefault(term, []).append(f"{min(position, _MAX_POSITION)}{weight}")
        position += _GAP
    return " ".join(
        f"'{term}':{','.join(dict.fromkeys(term_positions))}"
        for term, term_positions in sorted(positions.items())
    )


async def write_search_row(connection: Any, article: int, terms: SearchTerms) -> None:
    """Writes the search row of an article through Tortoise's connection."""
    if connection.capabilities.dialect == "postgres":
        await connection.execute_query(
            "INSERT INTO article_search (article_id, document) VALUES ($1, $2::text::tsvector)"
            " ON CONFLICT (article_id) DO UPDATE SET document = excluded.document",
            [article, tsvector(terms)],
        )
        return
    await connection.execute_query("DELETE FROM article_search WHERE rowid = ?", [article])
    await connection.execute_query(
        "INSERT INTO article_search (rowid, headline, summary, body) VALUES (?, ?, ?, ?)",
        [article, *(" ".join(part) for part in (terms.headline, terms.summary, terms.body))],
    )


_MAX_POSITION = 16_383  # in a tsvector
_GAP = 10  # positions between two parts, so that no phrase matches across them
