"""Items of a list block, with their level, kind and number."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated, Final

from pydantic import Field

from contentql.content.rich_text import RichTextModel

MAX_LIST_LEVEL: Final = 8  # levels of lists within a list


class ListItem(RichTextModel):
    """An item of a list. `level`: 0 for the list itself, one more for each list that it is nested in.

    `ordered`: whether the list that it belongs to is numbered; `number` is then its number. Input may leave
    out both: they continue the list.
    """

    level: Annotated[int, Field(ge=0, le=MAX_LIST_LEVEL)] = 0
    ordered: bool | None = None
    number: Annotated[int, Field(ge=0, lt=1_000_000_000)] | None = None


def number_items(items: Iterable[ListItem], ordered: bool) -> Iterator[ListItem]:
    """Sets kind and number of every item. Raises ValueError if they do not follow from those before."""
    open_lists: list[tuple[bool, int]] = []  # for each level: whether numbered, and the last number
    for place, item in enumerate(items, 1):
        if item.level > len(open_lists):
            raise ValueError(f"item {place} is more than one level below the item before it")
        continued = open_lists[item.level] if item.level < len(open_lists) else None
        del open_lists[item.level :]
        item_ordered = item.ordered
        if item_ordered is None or not item.level:
            item_ordered = ordered if not item.level else continued[0] if continued else False
            if item.ordered not in (None, item_ordered):
                raise ValueError(
                    f"item {place} must be {'numbered' if ordered else 'unnumbered'} as its list is"
                )
        number = None
        if item_ordered:
            following = continued[1] + 1 if continued and continued[0] else None
            number = following if following is not None else 1 if item.number is None else item.number
            if item.number not in (None, number):
                raise ValueError(
                    f"item {place} must have the number {number}, which follows the one before it"
                )
        elif item.number is not None:
            raise ValueError(f"item {place} has a number, but its list is not numbered")
        open_lists.append((item_ordered, number or 0))
        yield item.model_copy(update={"ordered": item_ordered, "number": number})
