"""Search terms of generated articles, whose texts have the same paragraphs again and again."""

from __future__ import annotations

from functools import lru_cache

from contentql.content.search_terms import (
    EVERY_ARTICLE,
    SearchTerms,
    split_words,
    stem_terms,
    surface_terms,
)


def search_terms_of(headline: str, summary: str, text: str) -> SearchTerms:
    """Returns the terms of an English article without names, as `content.search_terms` computes them."""
    return SearchTerms((EVERY_ARTICLE, *_terms(headline)), _terms(summary), _terms(text), "en")


def _terms(text: str) -> tuple[str, ...]:
    parts = [_paragraph_terms(paragraph) for paragraph in text.split("\n\n")]
    return tuple(term for n in range(2) for part in parts for term in part[n])


@lru_cache(maxsize=50_000)
def _paragraph_terms(text: str) -> tuple[list[str], list[str]]:
    words = split_words(text)
    return surface_terms(words), stem_terms(words, "english")
