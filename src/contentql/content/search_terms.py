"""Conversion of text to search terms, the same for every database.

Both databases index the terms unchanged, so results do not depend on their dictionaries: case and accents are
folded, words are stemmed by language, and scripts without spaces are split into single characters, which a
phrase query joins again.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

import snowballstemmer

_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff]|[^\W_]+")
_STEMMED = {
    "ar": "arabic", "da": "danish", "de": "german", "en": "english", "es": "spanish", "fi": "finnish",
    "fr": "french", "hu": "hungarian", "it": "italian", "nl": "dutch", "no": "norwegian", "pt": "portuguese",
    "ro": "romanian", "ru": "russian", "sv": "swedish", "tr": "turkish",
}  # fmt: skip
MAX_TERM_LENGTH = 64


def tokenize(text: str, language: str) -> list[str]:
    """Returns the search terms of a text in order. Terms contain no separators, quotes or query operators."""
    name = _STEMMED.get(language.partition("-")[0].lower(), "")
    return [_stem(word[:MAX_TERM_LENGTH], name) for word in _WORD.findall(fold_text(text))]


def fold_text(text: str) -> str:
    """Folds case and removes accents: "São Paulo" becomes "sao paulo"."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return (
        "".join(c for c in decomposed if not unicodedata.combining(c)) if not text.isascii() else decomposed
    )


@lru_cache(maxsize=100_000)
def _stem(word: str, name: str) -> str:
    return str(snowballstemmer.stemmer(name).stemWord(word)) if name else word


@dataclass(frozen=True)
class SearchTerms:
    """Search terms of an article in three parts; phrases do not match across parts."""

    headline: tuple[str, ...]
    summary: tuple[str, ...]
    body: tuple[str, ...]


def search_terms(headline: str, about: Iterable[str | None], text: str, language: str) -> SearchTerms:
    """Returns the search terms of an article.

    `about`: kicker, short headline, summary, lede and byline. Pass only text that the public may read.
    """
    parts = [headline, "\n".join(value for value in about if value), text]
    left = MAX_INDEX
    seen: set[str] = set()
    stored: list[tuple[str, ...]] = []
    for part in parts:
        results = [word for word in tokenize(part, language) if word]
        for n, word in enumerate(results):
            left -= 2 if word in seen else len(word.encode()) + 8
            seen.add(word)
            if left < 0:
                results = results[:n]
                break
        stored.append(tuple(results))
    return SearchTerms(*stored)


# A tsvector holds at most one megabyte; both databases index the same beginning of a longer text.
MAX_INDEX = 1_000_000
