"""Weights of conditions that no index serves: each is evaluated for every row of a table, in the worst case.

A weight of 1 is about the time of searching a short text in each row. The weight of an operation, multiplied
by the size of the newsroom, is the part of its cost for rows that are read and not returned.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from contentql.planner.search import count_terms

ROWS_PER_POINT = 1_000  # rows that cost as much as one object, for a condition of weight 1
TEXT_WEIGHT = 1.0  # a part of a text
FOLD_WEIGHT = 4.0  # a part of a text, whose case and accents do not count
RELATION_WEIGHT = 10.0  # a set of related rows that starts from no index
PREFIX_WEIGHT = 4.0
PHRASE_WEIGHT = 1.0
ORDER_WEIGHT = 0.5  # sorting all rows
LIGHT_WEIGHT = 0.1  # any other comparison, a word of a search text

_INDEXED_COLUMNS: Mapping[str, frozenset[str]] = {
    "article": frozenset((
        "category_id", "content_type", "deleted_at", "first_published_at", "lead_media_id", "published_at",
        "story_id", "translation_group", "updated_at", "uri", "urgency",
    )),
    "audit_entry": frozenset(("at", "target_id")),
    "correction": frozenset(("at",)),
    "source": frozenset(("parent_id",)),
}  # fmt: skip
_UNIQUE_COLUMNS = frozenset(("id", "slug", "path"))


def is_indexed(table: str, column: str) -> bool:
    """True if an index begins with this column."""
    return column in _UNIQUE_COLUMNS or column in _INDEXED_COLUMNS.get(table, ())


def condition_weight(table: str, column: str, operator: str) -> float:
    """Weight of a comparison of a column; `column` is empty for a computed value."""
    if operator.endswith("Fold"):
        return FOLD_WEIGHT
    if operator in ("contains", "startsWith"):
        return TEXT_WEIGHT
    served = operator not in ("ne", "notIn", "isNull") and is_indexed(table, column)
    return 0.0 if served else LIGHT_WEIGHT


def search_weights(text: Any) -> tuple[int, float]:
    """Number of prefixes and phrases in a search text, and the weight of all its terms."""
    words, phrases, prefixes = count_terms(text)
    return phrases + prefixes, words * LIGHT_WEIGHT + phrases * PHRASE_WEIGHT + prefixes * PREFIX_WEIGHT
