"""Cache tags: names of the objects and lists of a response, by which a CDN purges it.

A response has a tag for each object in it and each list that it reads: `art_17`, `article`,
`section:world/asia`. If it has too many, `any-art` replaces those of all articles, and so on.
"""

from __future__ import annotations

import re
from typing import Final

from contentql.content.ids import PREFIXES, encode_id

_INVALID_CHARACTER: Final = re.compile(r"[^A-Za-z0-9_:/.-]")
_MAX_LENGTH: Final = 100  # characters


def clean_tag(text: str) -> str:
    """Returns the text with only the characters that all CDNs accept in a tag, shortened."""
    return _INVALID_CHARACTER.sub("_", text)[:_MAX_LENGTH]


def summary_tag(prefix: str) -> str:
    """Returns the tag that stands for all objects of a type, by the prefix of its ids."""
    return f"any-{prefix}"


def object_tags(table: str, row_id: int) -> tuple[str, ...]:
    """Returns the tags of responses that show a row, and of the lists that it may be in."""
    return encode_id(table, row_id), summary_tag(PREFIXES[table]), table


def section_tag(path: str) -> str:
    """Returns the tag of responses that list the articles of a section."""
    return clean_tag(f"section:{path}")
