"""Conversion of text to search terms, the same for every database.

Both databases index the terms unchanged, so results do not depend on their dictionaries. A text is indexed
twice: with its words as they stand, folded, and with the stem of each word in the language of the article,
such as `de/haus` for `Häuser`. Scripts without spaces between words become overlapping pairs of characters,
each at the position of its first one; the last character of a run stands alone. A phrase of pairs therefore
matches any part of a run.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import zip_longest
from typing import NamedTuple

import regex
import snowballstemmer

from contentql.content.folding import IGNORABLE, fold_text, fold_word

MAX_TERM_LENGTH = 64
EVERY_ARTICLE = "/"  # a term of every article

_UNSPACED = (
    r"[[\p{Han}\p{scx=Hiragana}\p{scx=Katakana}\p{Hangul}\p{Bopomofo}\p{Yi}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
    r"\p{lb=SA}\p{Javanese}\p{Balinese}]&&[\p{L}\p{M}\p{N}]]"
)
_LETTER = rf"[[\p{{L}}\p{{M}}\p{{N}}]--{_UNSPACED}--[\u02b9-\u02df]]"
# A word ends where Latin letters meet another script; digits belong to the word that they are written with.
_WORD = regex.compile(
    rf"(?P<unspaced>{_UNSPACED}+)"
    rf"|[[\p{{N}}\p{{M}}]--{_UNSPACED}]*+[{_LETTER}&&\p{{Latin}}][{_LETTER}&&[\p{{Latin}}\p{{N}}\p{{M}}]]*+"
    rf"|[{_LETTER}--\p{{Latin}}]+",
    regex.V1,
)
# A text of Latin letters, spaces and punctuation that NFKC leaves as they are. `re` splits it much faster.
_PLAIN_LETTERS = (
    "A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u0131\u0134-\u013e\u0141-\u0148\u014a-\u017e\u0218-\u021b"
)
_PLAIN_TEXT = re.compile(
    f"[\x00-\x7f{_PLAIN_LETTERS}\xa0\xa1\xa7\xab\xb6\xb7\xbb\xbf\u2013\u2014\u2018-\u201e\u2026\u20ac]*"
)
_PLAIN_WORD = re.compile(f"[0-9{_PLAIN_LETTERS}]+")
_INVISIBLE = regex.compile(f"[{IGNORABLE}]")
_SYMBOL = regex.compile(r"\p{So}")  # ™ decomposes to letters, which do not belong to the word before it

_STEMMERS = {
    "ar": "arabic", "bs": "serbian", "ca": "catalan", "cs": "czech", "da": "danish", "de": "german",
    "el": "greek", "en": "english", "eo": "esperanto", "es": "spanish", "et": "estonian", "eu": "basque",
    "fa": "persian", "fi": "finnish", "fr": "french", "ga": "irish", "hi": "hindi", "hr": "serbian",
    "hu": "hungarian", "hy": "armenian", "id": "indonesian", "it": "italian", "lt": "lithuanian",
    "nb": "norwegian", "ne": "nepali", "nl": "dutch", "nn": "norwegian", "no": "norwegian", "pl": "polish",
    "pt": "portuguese", "ro": "romanian", "ru": "russian", "sh": "serbian", "sr": "serbian", "st": "sesotho",
    "sv": "swedish", "ta": "tamil", "tr": "turkish", "yi": "yiddish",
}  # fmt: skip
# Languages by their stemmer, one of those that share it; it is the prefix of stems in the index.
_STEM_PREFIXES = {stemmer: language for language, stemmer in sorted(_STEMMERS.items(), reverse=True)}
# These know no accents, so they would not find the ending of `élections`.
_WITHOUT_ACCENTS = frozenset({"english", "indonesian", "sesotho"})
_SCRIPTS = {
    "arabic": r"\p{Arabic}", "armenian": r"\p{Armenian}", "greek": r"\p{Greek}", "hindi": r"\p{Devanagari}",
    "nepali": r"\p{Devanagari}", "persian": r"\p{Arabic}", "russian": r"\p{Cyrillic}",
    "serbian": r"[\p{Cyrillic}\p{Latin}]", "tamil": r"\p{Tamil}", "yiddish": r"\p{Hebrew}",
}  # fmt: skip
_STEMMED_LETTER = {name: regex.compile(_SCRIPTS.get(name, r"\p{Latin}")) for name in _STEM_PREFIXES}


class Word(NamedTuple):
    """A word as it is written, in lower case; or, of an `unspaced` script, a run without separators."""

    text: str
    unspaced: bool = False


def split_words(text: str) -> list[Word]:
    """Returns the words of a text in order."""
    words = _plain_words(text)
    if words is not None:
        return list(map(Word, words))
    if not text.isascii():
        text = _SYMBOL.sub(r" \g<0> ", _INVISIBLE.sub("", text))
        text = unicodedata.normalize("NFKC", text)
    return [Word(match[0].lower(), match["unspaced"] is not None) for match in _WORD.finditer(text)]


def _plain_words(text: str) -> list[str] | None:
    """Returns the words in lower case of a text of Latin letters, None for any other text."""
    if not _PLAIN_TEXT.fullmatch(text):
        return None
    words = _PLAIN_WORD.findall(text)
    return " ".join(words).lower().split(" ") if words else words


def surface_terms(words: Iterable[Word]) -> list[str]:
    """Returns the words as they stand, folded. Terms contain no separators, quotes or query operators."""
    terms: list[str] = []
    for word in words:
        folded = fold_word(word.text) if len(word.text) <= MAX_TERM_LENGTH else fold_text(word.text)
        if word.unspaced:
            terms += _pairs(folded)
        elif folded:
            terms.append(folded[:MAX_TERM_LENGTH])
    return terms


def stemmer_of(language: str) -> str:
    """Returns the name of the stemmer of a language (BCP 47), or "" if there is none."""
    return _STEMMERS.get(language.partition("-")[0].lower(), "")


def stem_terms(words: Iterable[Word], stemmer: str) -> list[str]:
    """Returns the stems of the words with the prefix of the language; words that have none as they stand."""
    prefix, stems = _STEM_PREFIXES[stemmer], _stems_of(stemmer)
    terms: list[str] = []
    for word in words:
        if word.unspaced:
            terms += [f"{prefix}/{pair}" for pair in _pairs(fold_text(word.text))]
        elif stem := stems[word.text[:MAX_TERM_LENGTH]]:
            terms.append(stem)
    return terms


def possible_stemmers(words: Sequence[Word]) -> list[str]:
    """Returns the stemmers for which the words may be a text in their language, by its script."""
    text = " ".join(word.text for word in words if not word.unspaced)
    return [name for name, letter in _STEMMED_LETTER.items() if letter.search(text)]


def _pairs(run: str) -> list[str]:
    return [run[n : n + 2] for n in range(len(run))]


class _StemTerms(dict[str, str]):
    """The stems, with the prefix of the language, of the words of a language; empty if there is none.

    A dictionary, because it is faster than `lru_cache`; it forgets everything when it is full.
    """

    def __init__(self, stemmer: str) -> None:
        self._stemmer = snowballstemmer.stemmer(stemmer)
        self._is_folded = stemmer in _WITHOUT_ACCENTS
        self._prefix = _STEM_PREFIXES[stemmer]

    def __missing__(self, word: str) -> str:
        stem = fold_text(str(self._stemmer.stemWord(fold_text(word) if self._is_folded else word)))
        if len(self) >= _MAX_CACHED_STEMS:
            self.clear()
        self[word] = term = f"{self._prefix}/{stem[:MAX_TERM_LENGTH]}" if stem else ""
        return term


_MAX_CACHED_STEMS = 100_000
_stems_of = cache(_StemTerms)


def _terms(text: str, stemmer: str) -> tuple[list[str], list[str]]:
    """Returns the words of a text as they stand, and their stems."""
    words = _plain_words(text)
    if words is not None and max(map(len, words), default=0) <= MAX_TERM_LENGTH:
        surfaces = words if text.isascii() else [fold_word(word)[:MAX_TERM_LENGTH] for word in words]
        stems = list(filter(None, map(_stems_of(stemmer).__getitem__, words))) if stemmer else []
        return surfaces, stems
    parts = split_words(text)
    return surface_terms(parts), stem_terms(parts, stemmer) if stemmer else []


@dataclass(frozen=True)
class SearchTerms:
    """Search terms of an article in three parts; phrases do not match across parts.

    `language` is the prefix of the stems, "" if there are none.
    """

    headline: tuple[str, ...]
    summary: tuple[str, ...]
    body: tuple[str, ...]
    language: str = ""

    def is_stem(self, term: str) -> bool:
        """True for the stems, which follow the words of a part."""
        return bool(self.language) and term.startswith(f"{self.language}/")


def search_terms(
    headline: str, about: Iterable[str | None], text: str, language: str, named: Iterable[str] = ()
) -> SearchTerms:
    """Returns the search terms of an article.

    `about`: kicker, short headline, summary, lede and byline. `named`: the terms of the authors and sources,
    see `author_term`. Pass only what the public may read.
    """
    stemmer = stemmer_of(language)
    parts: list[tuple[list[str], list[str]]] = []
    for texts in ([headline], about, [text]):
        surfaces: list[str] = []
        stems: list[str] = []
        for value in filter(None, texts):
            of_text = _terms(value, stemmer)
            surfaces += of_text[0]
            stems += of_text[1]
        parts.append((surfaces, stems))
    counts = _count_indexed(parts)
    headline_terms, summary, body = (
        (*surfaces[:count], *stems[:count]) for (surfaces, stems), count in zip(parts, counts, strict=True)
    )
    return SearchTerms(
        (EVERY_ARTICLE, *headline_terms), (*named, *summary), body, _STEM_PREFIXES.get(stemmer, "")
    )


def _count_indexed(parts: Sequence[tuple[list[str], list[str]]]) -> list[int]:
    """Returns the number of words of each part, and of their stems, for which the index has room."""
    # A term has at most 4 bytes per character and 10 bytes besides.
    if sum(len(part) for pair in parts for part in pair) * (4 * (MAX_TERM_LENGTH + 3) + 10) < MAX_INDEX:
        return [max(map(len, pair)) for pair in parts]
    room = MAX_INDEX
    indexed: set[str] = set()
    counts = []
    for surfaces, stems in parts:
        count = 0
        for pair in zip_longest(surfaces, stems):
            for term in filter(None, pair):
                room -= len(term.encode()) + (1 if term in indexed else 10)
                indexed.add(term)
            if room < 0:
                break
            count += 1
        counts.append(count)
    return counts


def author_term(author: int) -> str:
    """Returns the term of the articles of an author, by which they are found by the author's name."""
    return f"a/{author}"


def source_term(source: int) -> str:
    """Returns the term of the articles that are attributed to a source."""
    return f"s/{source}"


def name_words(names: Iterable[str]) -> str:
    """Returns the words of names in one text, each with a space before and after it: `" jane doe  jd "`.

    Two spaces separate words of different names, so that no phrase matches across them.
    """
    return "".join(f" {' '.join(terms)} " for name in names if (terms := surface_terms(split_words(name))))


# A tsvector holds at most one megabyte; both databases index the same beginning of a longer text.
MAX_INDEX = 1_000_000  # bytes of terms
