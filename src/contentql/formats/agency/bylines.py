"""Names of authors in the bylines of agencies."""

from __future__ import annotations

import re
from typing import Final

# "By Lena Voss", in the languages in which a byline has such a word.
_BY: Final = re.compile(r"(?:by|von|par|por|di|av|af|door|text|autor|autora|texto)\b[:\s]\s*", re.IGNORECASE)
_SEPARATOR: Final = re.compile(
    r"\s*(?:,|;|&|\||/|\band\b|\bund\b|\bet\b|\by\b|\bog\b|\boch\b|\ben\b)\s*", re.I
)
_NAME: Final = re.compile(r"(?!The\b)\w[\w.'’-]*(?: [\w.'’-]+){1,4}")
# Parts of a byline that are a job or an organisation.
_NO_PERSON: Final = re.compile(
    r"\b(?:agency|agentur|bureau|correspondent|desk|editor|reporter|writer|staff|press|news|media|images?|pictures"
    r"|photos?|network|times|post|reuters|associated|agence|daily|database|newsroom|redaktion|contributor|inc|ltd"
    r"|llc|gmbh|chief|team)\b",
    re.IGNORECASE,
)
_MAX_BYLINE: Final = 500


def byline_authors(byline: str) -> list[str]:
    """The persons that a byline names: two words or more that begin with capital letters, and no job.

    Empty if it names none for certain, as in "dpa" or "Heron News staff".
    """
    text = " ".join(byline[:_MAX_BYLINE].split())
    if match := _BY.match(text):
        text = text[match.end() :]
    names = []
    for part in _SEPARATOR.split(text):
        name = re.split(r"\s+(?:of|for|in|at|from|für|aus)\s+", part, maxsplit=1)[0].strip(" .-–—")
        words = name.split()
        is_name = _NAME.fullmatch(name) and words[0][0].isupper() and words[-1].lstrip("d'’")[:1].isupper()
        if is_name and not _NO_PERSON.search(name) and not any(sign.isdigit() for sign in name):
            names.append(name)
    return list(dict.fromkeys(names))
