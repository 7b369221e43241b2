"""Generated articles as JSON Lines, for the measurement of imports: 5 KB of text, three attributions each.

The words have the frequencies of a natural language, so that a cache of their stems helps as much as it does
with real texts.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import accumulate
from typing import Any, Final

import orjson

SOURCES: Final = 50
TAGS: Final = 40
SECTIONS: Final = ("politics", "business", "world", "sport", "culture")
TEXT_LENGTH: Final = 5_000  # characters

_VOCABULARY: Final = 30_000
_PARAGRAPHS: Final = 9
_SYLLABLES: Final = [
    "ba",
    "be",
    "bi",
    "co",
    "da",
    "de",
    "di",
    "do",
    "en",
    "er",
    "fa",
    "fi",
    "ga",
    "go",
    "ha",
    "il",
    "in",
    "ka",
    "ko",
    "la",
    "le",
    "li",
    "lo",
    "ma",
    "me",
    "mi",
    "mo",
    "na",
    "ne",
    "no",
    "on",
    "or",
    "pa",
    "pe",
    "po",
    "qua",
    "ra",
    "re",
    "ri",
    "ro",
    "sa",
    "se",
    "si",
    "so",
    "sta",
    "ta",
    "te",
    "ti",
    "to",
    "tra",
    "un",
    "va",
    "ve",
    "vi",
    "wa",
    "we",
]
_ENDINGS: Final = ("", "", "s", "ed", "ing", "er", "ation", "ly", "ment", "al", "ies", "ness")


def reference_lines() -> Iterator[bytes]:
    """The records that the articles refer to."""
    for path in SECTIONS:
        yield _line("category", path=path, name=path.title())
    for n in range(SOURCES):
        yield _line("source", slug=f"source-{n}", name=f"Source {n}", kind="AGENCY")
    for n in range(TAGS):
        yield _line("tag", type="TOPIC", slug=f"tag-{n}", name=f"Tag {n}")
    yield _line("author", slug="ada-lindqvist", name="Ada Lindqvist")


def article_lines(count: int, *, first: int = 0, changed: bool = False) -> Iterator[bytes]:
    """Articles with numbers from `first`; `changed` ones have another headline."""
    words, weights = _vocabulary()
    for number in range(first, first + count):
        rng = random.Random(number)
        text = rng.choices(words, cum_weights=weights, k=TEXT_LENGTH // 4)
        yield _line("article", **_article(number, rng, " ".join(text)[:TEXT_LENGTH], changed))


def _article(number: int, rng: random.Random, text: str, changed: bool) -> dict[str, Any]:
    size = len(text) // _PARAGRAPHS + 1
    paragraphs = [
        text[start : start + size].strip().capitalize() + "." for start in range(0, len(text), size)
    ]
    blocks = [
        {"id": f"blk_{number}_{n}", "type": "PARAGRAPH", "text": paragraph}
        for n, paragraph in enumerate(paragraphs)
    ]
    at = f"2026-0{1 + number % 6}-{1 + number % 28:02}T{number % 24:02}:{number % 60:02}:00Z"
    headline = " ".join(text.split()[:8]).capitalize()
    return {
        "externalIds": [{"system": "bench", "value": f"article-{number}"}],
        "slug": f"article-{number}",
        "language": "en",
        "status": "PUBLISHED",
        "publishedAt": at,
        "category": SECTIONS[number % len(SECTIONS)],
        "headline": f"{headline}, updated" if changed else headline,
        "summary": paragraphs[1][:160],
        "byline": "By Ada Lindqvist",
        "authors": [{"author": "ada-lindqvist"}],
        "blocks": blocks,
        "attributions": [
            {
                "kind": "SAID",
                "source": f"source-{rng.randrange(SOURCES)}",
                "claim": paragraphs[n][:80],
                "span": {"blockId": f"blk_{number}_{n}", "start": 0, "end": 40},
                "state": "ACCEPTED",
            }
            for n in range(3)
        ],
        "tags": [{"tag": f"TOPIC:tag-{n}"} for n in rng.sample(range(TAGS), 4)],
    }


def _line(kind: str, /, **values: Any) -> bytes:
    return orjson.dumps({"record": kind, **values}, option=orjson.OPT_APPEND_NEWLINE)


def _vocabulary() -> tuple[list[str], list[float]]:
    """Words, the most frequent ones first, and their cumulative weights, by the law of Zipf."""
    rng = random.Random("vocabulary")
    words: dict[str, None] = {}
    while len(words) < _VOCABULARY:
        length = 1 + min(3, len(words) // 200)
        words["".join(rng.choices(_SYLLABLES, k=rng.randint(1, length))) + rng.choice(_ENDINGS)] = None
    return list(words), list(accumulate(1 / rank for rank in range(1, _VOCABULARY + 1)))
