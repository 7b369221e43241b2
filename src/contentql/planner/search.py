"""Full-text search syntax: parses a search text, and renders it for both databases.

`coffin kursk` requires both words, `"liberation operation"` the phrase; `-putin` excludes, `kim or putin`
accepts either, `north*` matches a prefix. No text is an error; a text without searchable words matches
nothing. Rank depends on where words occur, never on their frequency, which would reveal how many hidden
articles contain them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from contentql.content.search_terms import MAX_TERM_LENGTH, tokenize
from contentql.errors import LimitError

MAX_SEARCH_LENGTH = 500  # characters
MAX_TERMS = 24
MAX_PREFIXES = 4
_TOKEN = re.compile(r'(-?)(?:"([^"]*)"?|(\S+))')
# Longer than any indexed word, so it matches nothing.
_NEVER = "x" * (MAX_TERM_LENGTH + 1)


@dataclass(frozen=True)
class Term:
    """A word or phrase with its alternative spellings, such as stems."""

    spellings: tuple[tuple[str, ...], ...]
    prefix: bool = False


@dataclass(frozen=True)
class SearchQuery:
    """A parsed search text: any term of every required group must match, and no excluded term."""

    required: tuple[tuple[Term, ...], ...]
    excluded: tuple[Term, ...]


def parse_search_query(text: str, languages: Sequence[str]) -> SearchQuery:
    """Parses a search text; words match by their stem in each of `languages`, and unstemmed.

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
        terms = _terms(phrase or word, languages, prefix=word.endswith("*"))
        if not terms:
            continue
        if minus:
            unwanted += terms
        elif either:
            requested[-1] += terms
        else:
            requested.append(terms)
        either = False
    return SearchQuery(tuple(tuple(group) for group in requested), tuple(unwanted))


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


def to_tsquery(search: SearchQuery, parts: str) -> str:
    """Renders a search as PostgreSQL tsquery. `parts`: the weights to search, "" for the whole text."""
    weight = f":{parts}" if parts else ""

    def term_sql(term: Term) -> str:
        star = (f"{weight}*" if weight else ":*") if term.prefix else weight
        phrases = (
            " <-> ".join([*(f"'{w}'{weight}" for w in spelling[:-1]), f"'{spelling[-1]}'{star}"])
            for spelling in term.spellings
        )
        return "(" + " | ".join(f"({p})" for p in phrases) + ")"

    if not search.required:
        return f"'{_NEVER}'"
    met = ["(" + " | ".join(term_sql(t) for t in group) + ")" for group in search.required]
    return " & ".join(met + [f"!{term_sql(t)}" for t in search.excluded])


def to_fts5(search: SearchQuery, parts: str) -> str:
    """Renders a search as SQLite FTS5 expression. `parts` as in `to_tsquery`."""
    columns = {"A": "{headline} : ", "AB": "{headline summary} : "}.get(parts, "")

    def term_sql(term: Term) -> str:
        star = " *" if term.prefix else ""
        return "(" + " OR ".join(f'"{" ".join(s)}"{star}' for s in term.spellings) + ")"

    if not search.required:
        return f'"{_NEVER}"'
    met = " AND ".join("(" + " OR ".join(term_sql(t) for t in group) + ")" for group in search.required)
    without = "".join(f" NOT {term_sql(t)}" for t in search.excluded)
    return f"{columns}(({met}){without})"


def _terms(text: str, languages: Sequence[str], prefix: bool) -> list[Term]:
    # A prefix cannot be stemmed, while whole words are indexed by their stem: search for both.
    results = [_term(text, languages, False)]
    if prefix:
        results.append(_term(text, (), True))
    return [term for term in results if term.spellings]


def _term(text: str, languages: Sequence[str], prefix: bool) -> Term:
    spellings = dict.fromkeys(tuple(tokenize(text, language)) for language in ("", *languages))
    return Term(tuple(spelling for spelling in spellings if spelling), prefix)
