"""How a text becomes the words that search knows, the same on every database.

Both databases index these words as they are, so what a query finds does not depend on either's
dictionaries: letters are folded (case, accents), words are stemmed by language, and scripts that
write without spaces are cut into single characters, which a phrase then puts together again.
"""

from __future__ import annotations

import re
import unicodedata
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
