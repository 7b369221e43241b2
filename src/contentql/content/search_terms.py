"""How a text becomes the words that search knows, the same on every database.

Both databases index these words as they are, so what a query finds does not depend on either's
dictionaries: letters are folded (case, accents), words are stemmed by language, and scripts that
write without spaces are cut into single characters, which a phrase then puts together again.
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
    """The words of a text in order, ready for an index: ASCII-safe separators, no quotes, no operators."""
    name = _STEMMED.get(language.partition("-")[0].lower(), "")
    return [_stem(word[:MAX_TERM_LENGTH], name) for word in _WORD.findall(fold_text(text))]


def fold_text(text: str) -> str:
    """Lower case without accents: "São Paulo" is "sao paulo"."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return (
        "".join(c for c in decomposed if not unicodedata.combining(c)) if not text.isascii() else decomposed
    )


@lru_cache(maxsize=100_000)
def _stem(word: str, name: str) -> str:
    return str(snowballstemmer.stemmer(name).stemWord(word)) if name else word


@dataclass(frozen=True)
class SearchTerms:
    """An article's words for search, in three parts that no phrase may cross."""

    headline: tuple[str, ...]
    summary: tuple[str, ...]
    body: tuple[str, ...]


def search_terms(headline: str, about: Iterable[str | None], text: str, language: str) -> SearchTerms:
    """`about`: kicker, short headline, summary, lede and byline. Never pass what the public may not read."""
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


# A tsvector holds one megabyte; of a longer text both databases know the same beginning.
MAX_INDEX = 1_000_000
