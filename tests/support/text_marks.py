"""Short constructors of marks, lists and tables for the tests of bodies."""

from __future__ import annotations

from collections.abc import Sequence

from contentql.content.blocks import List, Table, TableCell
from contentql.content.list_items import ListItem
from contentql.content.rich_text import Mark


def strong(start: int, end: int) -> Mark:
    return Mark(start=start, end=end, kind="strong")


def em(start: int, end: int) -> Mark:
    return Mark(start=start, end=end, kind="em")


def link(start: int, end: int, href: str) -> Mark:
    return Mark(start=start, end=end, kind="link", value=href)


def make_list(items: Sequence[str | ListItem], ordered: bool = False) -> List:
    return List.model_validate({"items": items, "ordered": ordered})


def make_table(rows: Sequence[Sequence[str | TableCell]]) -> Table:
    return Table.model_validate({"rows": rows})
