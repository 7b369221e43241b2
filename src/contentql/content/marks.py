"""Marks of a paragraph as nested tags, in time and size linear in the text and its marks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from html import escape
from itertools import pairwise

from contentql.content.blocks import Mark, Paragraph
from contentql.content.links import is_safe_link


def render_marks(
    block: Paragraph, tags: Mapping[str, tuple[str, str]], render_text: Callable[[int, int], str]
) -> str:
    """Renders a paragraph with its marks; `render_text` renders a range of its text.

    `tags` are the opening and closing tag of each kind, with `{}` for the target of a link. The text is split
    at every mark boundary, so that marks may overlap and tags still nest: of the marks that begin at a
    boundary, the longest is the outermost. A mark that overlaps an earlier one of its kind begins where
    that one ends.
    """
    cuts = sorted({0, len(block.text), *(at for mark in block.marks for at in (mark.start, mark.end))})
    values = {kind: _values(block.marks, kind, cuts) for kind in tags}
    ends = {kind: _run_ends(values[kind]) for kind in tags}

    def nested(first: int, last: int, kinds: tuple[str, ...]) -> str:
        parts = []
        while first < last:
            runs = {kind: min(ends[kind][first], last) for kind in kinds if values[kind][first] is not None}
            if not runs:
                parts.append(render_text(cuts[first], cuts[first + 1]))
                first += 1
                continue
            kind = max(runs, key=runs.__getitem__)
            inner = nested(first, runs[kind], tuple(other for other in kinds if other != kind))
            opening, closing = (tag.format(escape(values[kind][first] or "")) for tag in tags[kind])
            parts.append(f"{opening}{inner}{closing}" if inner else "")
            first = runs[kind]
        return "".join(parts)

    return nested(0, len(cuts) - 1, tuple(tags))


def _values(marks: Sequence[Mark], kind: str, cuts: Sequence[int]) -> list[str | None]:
    """For each range between two cuts: the target of a link, empty for another kind, None without a mark."""
    values: list[str | None] = [None] * (len(cuts) - 1)
    places = {cut: n for n, cut in enumerate(cuts)}
    done = 0
    for mark in sorted((mark for mark in marks if mark.kind == kind), key=lambda mark: mark.start):
        if kind == "link" and not (mark.href and is_safe_link(mark.href)):
            continue
        first, last = max(done, places[mark.start]), places[mark.end]
        values[first:last] = [mark.href if kind == "link" else ""] * (last - first)
        done = max(done, last)
    return values


def _run_ends(values: Sequence[str | None]) -> list[int]:
    """For each place, the end of the run of equal values that it belongs to."""
    ends = list(range(1, len(values) + 1))
    for n, (value, following) in reversed(list(enumerate(pairwise(values)))):
        if value == following:
            ends[n] = ends[n + 1]
    return ends
