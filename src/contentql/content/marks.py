"""Marks of a text as properly nested tags, in time and size linear in the text and its marks."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from contentql.content.links import is_safe_link
from contentql.content.rich_text import VALUE_KINDS, Mark, MarkKind

# Of marks of the same range, the first kind is the outermost.
_OUTERMOST_FIRST: Final[Sequence[MarkKind]] = (
    "language", "mention", "link", "strong", "em", "strike", "sub", "sup", "code",
)  # fmt: skip


# A language tag or an id.
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]{1,40}")


class Piece(NamedTuple):
    """A range of the text, or the beginning or the end of a mark."""

    start: int
    end: int
    kind: MarkKind | None = None
    value: str = ""
    closes: bool = False


def nest_marks(length: int, marks: Sequence[Mark]) -> list[Piece]:
    """The pieces of a text of this length in an order in which its marks nest.

    The text is split at every mark boundary, so that marks may overlap and tags still nest: of the marks that
    begin at a boundary, the longest is the outermost. A mark that overlaps an earlier one of its kind begins
    where that one ends. Links that are not safe are left out.
    """
    if not marks:
        return [Piece(0, length)] if length else []
    cuts = sorted({0, length, *(at for mark in marks for at in (mark.start, mark.end))})
    kinds = tuple(kind for kind in _OUTERMOST_FIRST if any(mark.kind == kind for mark in marks))
    values = {kind: _values(marks, kind, cuts) for kind in kinds}
    ends = {kind: _run_ends(values[kind]) for kind in kinds}

    def nested(first: int, last: int, kinds: tuple[MarkKind, ...]) -> Iterator[Piece]:
        while first < last:
            runs = {kind: min(ends[kind][first], last) for kind in kinds if values[kind][first] is not None}
            if not runs:
                yield Piece(cuts[first], cuts[first + 1])
                first += 1
                continue
            kind = max(runs, key=runs.__getitem__)
            start, end, value = cuts[first], cuts[runs[kind]], values[kind][first] or ""
            yield Piece(start, end, kind, value)
            yield from nested(first, runs[kind], tuple(other for other in kinds if other != kind))
            yield Piece(start, end, kind, value, closes=True)
            first = runs[kind]

    return list(nested(0, len(cuts) - 1, kinds))


def _values(marks: Sequence[Mark], kind: str, cuts: Sequence[int]) -> list[str | None]:
    """For each range between two cuts: the value of the mark, empty if it has none, None without a mark."""
    values: list[str | None] = [None] * (len(cuts) - 1)
    places = {cut: n for n, cut in enumerate(cuts)}
    done = 0
    for mark in sorted((mark for mark in marks if mark.kind == kind), key=lambda mark: mark.start):
        if kind in VALUE_KINDS and not _is_safe(kind, mark.value or ""):
            continue
        first, last = max(done, places[mark.start]), places[mark.end]
        values[first:last] = [mark.value or ""] * (last - first)
        done = max(done, last)
    return values


def _is_safe(kind: str, value: str) -> bool:
    """Whether a stored value can be written into a tag."""
    return is_safe_link(value) if kind == "link" else bool(_NAME.fullmatch(value))


def _run_ends(values: Sequence[str | None]) -> list[int]:
    """For each place, the end of the run of equal values that it belongs to."""
    ends = list(range(1, len(values) + 1))
    for n, (value, following) in reversed(list(enumerate(pairwise(values)))):
        if value == following:
            ends[n] = ends[n + 1]
    return ends
