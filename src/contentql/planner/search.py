"""Full-text search syntax: parses a search text, and renders it for both databases.

`coffin kursk` requires both words, `"liberation operation"` the phrase; `-putin` excludes, `kim or putin`
accepts either, `north*` matches a prefix of a word as it stands. A text without searchable words matches
nothing. Rank depends on where words occur, never on their frequency, which would reveal how many hidden
articles contain them.

A word or phrase also matches the names of authors and sources. Their terms in the index are ids, which the
statement looks up by the names' words, so that a new name finds the articles without a change of the index.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from contentql.content.search_terms import (
    EVERY_ARTICLE,
    MAX_TERM_LENGTH,
    possible_stemmers,
    split_words,
    stem_terms,
    surface_terms,
)
from contentql.errors import LimitError

MAX_SEARCH_LENGTH = 500  # characters
MAX_TERMS = 24
MAX_PREFIXES = 4
_TOKEN = re.compile(r'(-?)(?:"([^"]*)"?|(\S+))')
# Longer than any indexed word, so it matches nothing.
_NEVER = "x" * (MAX_TERM_LENGTH + 1)

Terms = tuple[str, ...]


@dataclass(frozen=True)
class Term:
    """A word or phrase: as it stands, and by the stems of each language. `prefix`: of the last term."""

    surface: Terms
    stems: tuple[Terms, ...] = ()
    prefix: bool = False

    @property
    def spellings(self) -> tuple[Terms, ...]:
        return (self.surface, *self.stems)

    @property
    def is_phrase(self) -> bool:
        return len(self.surface) > 1

    def pattern(self, spelling: Terms) -> str:
        """Returns the part of a text in which every term is between two spaces."""
        return f" {' '.join(spelling)}{'' if self.prefix else ' '}"


_ANY = Term((EVERY_ARTICLE,))
_NONE = Term((_NEVER,))


@dataclass(frozen=True)
class SearchQuery:
    """A parsed search text: any term of every required group must match, and no excluded term."""

    required: tuple[tuple[Term, ...], ...]
    excluded: tuple[Term, ...]


def is_blank(text: Any) -> bool:
    """True for a search text that is no condition, such as that of an empty search box."""
    return not str(text).strip()


def parse_search_query(text: str) -> SearchQuery:
    """Parses a search text; words match as they stand, and by their stems in every language.

    Raises ApiError INPUT_LIMIT_EXCEEDED for more than MAX_TERMS words and phrases.
    """
    tokens = _TOKEN.findall(text)
    if len(tokens) > MAX_TERMS:
        raise LimitError(
            "INPUT_LIMIT_EXCEEDED",
            f"The search text has {len(tokens)} words and phrases; {MAX_TERMS} are allowed.",
            "Search for fewer words.",
            count=len(tokens),
            limit=MAX_TERMS,
        )
    prefixes = count_terms(text)[2]
    if prefixes > MAX_PREFIXES:
        raise LimitError(
            "INPUT_LIMIT_EXCEEDED",
            f"The search text has {prefixes} prefixes, such as `north*`; {MAX_PREFIXES} are allowed.",
            "Search for whole words.",
            count=prefixes,
            limit=MAX_PREFIXES,
        )
    requested: list[list[Term]] = []
    unwanted: list[Term] = []
    either = False
    for minus, phrase, word in tokens:
        if word.lower() == "or" and not minus and requested:
            either = True
            continue
        term = _term(phrase or word, prefix=word.endswith("*"))
        if term is None:
            continue
        if minus:
            unwanted.append(term)
        elif either:
            requested[-1].append(term)
        else:
            requested.append([term])
        either = False
    if not requested:
        requested = [[_ANY if unwanted else _NONE]]
    return SearchQuery(tuple(tuple(group) for group in requested), tuple(unwanted))


def _term(text: str, prefix: bool) -> Term | None:
    words = split_words(text)
    run_length = len(surface_terms(words[-1:])) if words and words[-1].unspaced else 0

    def query_terms(terms: list[str]) -> Terms:
        # A run in the index goes on after the part of it that is searched for.
        return tuple(terms[:-1] if run_length > 1 else terms)

    surface = query_terms(surface_terms(words))
    if not surface:
        return None
    if prefix:
        return Term(surface, prefix=True)
    stems = [query_terms(stem_terms(words, stemmer)) for stemmer in possible_stemmers(words)]
    return Term(surface, tuple(filter(None, stems)), prefix=run_length == 1)


def count_terms(text: str) -> tuple[int, int, int]:
    """Returns the numbers of words, phrases and prefixes in a search text; 0 if it is too long."""
    words = phrases = prefixes = 0
    for _, phrase, word in _TOKEN.findall(text) if len(text) <= MAX_SEARCH_LENGTH else ():
        if phrase:
            phrases += 1
        elif word.endswith("*"):
            prefixes += 1
        else:
            words += 1
    return words, phrases, prefixes


def postgres_search(search: SearchQuery) -> str:
    """Renders a search for PostgreSQL, as JSON.

    `groups`, all of which must match: `query` is the text of a tsquery, `names` are patterns of names, `not`
    excludes. For long texts, which have no positions, `words` is in place of `query`; where it is null, or
    has the words of a phrase, one of the patterns `texts` must occur in the text, or none if `not`.
    """

    def group(terms: Sequence[Term], negated: bool) -> dict[str, Any]:
        spellings = [(spelling, ":*" if term.prefix else "") for term in terms for spelling in term.spellings]

        def tsquery(operator: str) -> str:
            phrases = (operator.join(f"'{word}'" for word in words) + end for words, end in spellings)
            return "|".join(f"({phrase})" for phrase in phrases)

        is_phrase = any(term.is_phrase for term in terms)
        return {
            "not": negated,
            "query": tsquery("<->"),
            "words": None if is_phrase and negated else tsquery("&"),
            "texts": [term.pattern(spelling) for term in terms for spelling in term.spellings] * is_phrase,
            "names": _name_patterns(terms),
        }

    groups = [group(terms, False) for terms in search.required]
    groups += [group([term], True) for term in search.excluded]
    return orjson.dumps(groups).decode()


def sqlite_search(search: SearchQuery, parts: str) -> str:
    """Renders a search for SQLite, as JSON.

    `groups`, all of which must match, the excluded ones last: `query` is an FTS5 expression, `names` are
    patterns of names, `not` excludes. `columns` is the filter of FTS5 for `parts`, see `PARTS`.
    """

    def group(terms: Sequence[Term], negated: bool) -> dict[str, Any]:
        phrases = (
            f'"{" ".join(spelling)}"{" *" if term.prefix else ""}'
            for term in terms
            for spelling in term.spellings
        )
        return {"not": negated, "query": " OR ".join(phrases), "names": _name_patterns(terms)}

    groups = [group(terms, False) for terms in search.required]
    groups += [group([term], True) for term in search.excluded]
    return orjson.dumps({"columns": PARTS[parts], "groups": groups}).decode()


# Terms of authors and sources with the words of their names. Articles may still have the term of a source
# that was merged into another one.
NAMES_SQL = (
    "(select 'a/' || id as term, search_words as words from author"
    " union all select 's/' || id, search_words from source"
    " union all select 's/' || f.merged_id, s.search_words from former_slug f"
    " join source s on s.id = f.source_id where f.merged_id is not null)"
)

# Parts of an article in the order of their rank, with the filter of FTS5: the headline, the headline and the
# summary, everything.
PARTS = {"A": "{headline} : ", "AB": "{headline summary} : ", "": ""}


def name_search(search: SearchQuery) -> str:
    """Renders a search for names, whose words `name_words` returns: groups of patterns as JSON.

    One of the patterns of each group must occur, or none if the group is negated by `not`.
    """
    groups = [{"not": False, "names": _name_patterns(terms)} for terms in search.required if terms != (_ANY,)]
    groups += [{"not": True, "names": _name_patterns([term])} for term in search.excluded]
    return orjson.dumps(groups).decode()


def _name_patterns(terms: Sequence[Term]) -> list[str]:
    return [term.pattern(term.surface) for term in terms]
