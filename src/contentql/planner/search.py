"""What a person types into a search box, understood once and said to both databases.

`coffin kursk` needs both words, `"liberation operation"` the phrase, `-putin` leaves out, `kim or putin`
takes either, `north*` begins a word. Nothing a person can type is an error; a text without any word to
look for finds nothing. Rank comes from where the words stand, never from how rare they are: rarity would
tell how many hidden articles use them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from contentql.content.search_terms import MAX_TERM_LENGTH, tokenize

MAX_TERMS = 24
_TOKEN = re.compile(r'(-?)(?:"([^"]*)"?|(\S+))')
# Longer than any word in the index can be, so it finds nothing.
_NEVER = "x" * (MAX_TERM_LENGTH + 1)


@dataclass(frozen=True)
class Term:
    """Spellings of one word or phrase, any of which will do."""

    spellings: tuple[tuple[str, ...], ...]
    prefix: bool = False


@dataclass(frozen=True)
class SearchQuery:
    """Every group must be met, by any of its terms; none of the unwanted may be there."""

    required: tuple[tuple[Term, ...], ...]
    excluded: tuple[Term, ...]


def parse_search_query(text: str, languages: Sequence[str]) -> SearchQuery:
    """Words are stemmed in each of `languages`, and taken as they are for all others."""
    requested: list[list[Term]] = []
    unwanted: list[Term] = []
    either = False
    for minus, phrase, word in _TOKEN.findall(text)[:MAX_TERMS]:
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


def to_tsquery(search: SearchQuery, parts: str) -> str:
    """For PostgreSQL. `parts`: the weights to look in, "" for all of the text."""
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
    """For SQLite. `parts` as for PostgreSQL."""
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
    # The beginning of a word cannot be stemmed; a whole word stands in the index by its stem.
    results = [_term(text, languages, False)]
    if prefix:
        results.append(_term(text, (), True))
    return [term for term in results if term.spellings]


def _term(text: str, languages: Sequence[str], prefix: bool) -> Term:
    spellings = dict.fromkeys(tuple(tokenize(text, language)) for language in ("", *languages))
    return Term(tuple(spelling for spelling in spellings if spelling), prefix)
