"""Items of lists while they are parsed, and the list that they become."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from contentql.content.blocks import List
from contentql.content.list_items import MAX_LIST_LEVEL, ListItem
from contentql.formats.html_styles import split_list_marker
from contentql.formats.text_buffer import ParsedText


class Item(NamedTuple):
    """An item; `start`: the number of the first item of its list, if it has one."""

    level: int
    ordered: bool
    start: int | None
    text: ParsedText


def list_paragraph(level: int, marker: str, parsed: ParsedText) -> Item:
    """The item of a paragraph that a word processor shows as one; its text may begin with the marker."""
    ordered, number, length = split_list_marker(marker or parsed.text)
    if not marker and length:
        marks = [
            mark.model_copy(update={"start": max(0, mark.start - length), "end": mark.end - length})
            for mark in parsed.marks
            if mark.end > length
        ]
        parsed = ParsedText(parsed.text[length:], tuple(marks))
    return Item(level, bool(ordered), number, parsed)


def list_block(ordered: bool, items: Sequence[Item]) -> List:
    """A list whose items are at most one level below the item before, in level 0 of the kind of the list."""
    results: list[ListItem] = []
    kinds: list[bool] = []
    for item in items:
        level = min(item.level, len(kinds), MAX_LIST_LEVEL)
        kind = item.ordered if level else ordered
        begins = level == len(kinds) or kinds[level] != kind
        number = item.start if begins and kind else None
        results.append(
            ListItem(text=item.text.text, marks=item.text.marks, level=level, ordered=kind, number=number)
        )
        kinds[level:] = [kind]
    return List(ordered=ordered, items=tuple(results))
