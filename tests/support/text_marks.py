"""Short constructors of marks for the tests of the formats."""

from __future__ import annotations

from contentql.content.blocks import Mark


def strong(start: int, end: int) -> Mark:
    return Mark(start=start, end=end, kind="strong")


def em(start: int, end: int) -> Mark:
    return Mark(start=start, end=end, kind="em")


def link(start: int, end: int, href: str) -> Mark:
    return Mark(start=start, end=end, kind="link", href=href)
