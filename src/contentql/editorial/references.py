"""How things are named in what editors send: by id, or as people name them; and the names that are free.

What is not there, or may not be seen, is the same: NOT_FOUND.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import mimetypes
import re
import unicodedata
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from typing import Any

from slugify import slugify
from tortoise.expressions import Q
from tortoise.models import Model

from contentql.auth.permissions import Ability
from contentql.content import ids
from contentql.editorial.context import Desk
from contentql.editorial.user_errors import Amiss, Code, UserError, amiss
from contentql.planner.visibility import OWN_COLUMNS, can_be_seen
from contentql.store.models.content import Article, Author, Category, Collection, Source, Story, Tag, TagType

_NAMED: dict[str, tuple[type[Model], str]] = {
    "category": (Category, "path"),
    "source": (Source, "slug"),
    "author": (Author, "slug"),
    "story": (Story, "slug"),
    "collection": (Collection, "slug"),
}


class Gathered:
    """Several things that may be amiss, to be said all at once."""

    def __init__(self) -> None:
        self.errors: list[UserError] = []

    async def of(self, work: Awaitable[Any], otherwise: Any = None) -> Any:
        with self.taking():
            return await work
        return otherwise

    @contextlib.contextmanager
    def taking(self, where: str = "") -> Iterator[None]:
        """Keeps what is amiss within, under the field `where`; what stands behind it goes on."""
        try:
            yield
        except Amiss as fault:
            path = tuple(where.split(".")) if where else ()
            self.errors.extend(replace(error, field=(*path, *error.field)) for error in fault.errors)

    def add(self, code: Code, message: str, field: str, hint: str | None = None) -> None:
        self.errors.extend(amiss(code, message, field, hint).errors)

    def settle(self) -> None:
        if self.errors:
            raise Amiss(*self.errors)


async def named(desk: Desk, table: str, text: Any, where: str, *, hold: bool = False) -> Any:
    """The row of a section, source, author, story or collection: by id, or by path or slug."""
    model, column = _NAMED[table]
    said = str(text)
    found = ids.read(said)
    if found is not None:
        return await desk.row(table, said, where, hold=hold)
    row = await desk.first(model.filter(**{column: said}), hold=hold)
    if row is None:
        raise desk.missing(table, said, where)
    return row


async def tag(desk: Desk, text: Any, where: str) -> Tag:
    """A tag by id, by `TYPE:slug`, or by its slug where only one type has it."""
    said = str(text)
    if ids.read(said) is not None:
        row: Tag = await desk.row("tag", said, where)
        return row
    kind, mark, slug = said.partition(":")
    rows = Tag.filter(type=kind, slug=slug) if mark and kind in TagType.__members__ else Tag.filter(slug=said)
    found = await rows.limit(2)
    if not found:
        raise desk.missing("tag", said, where)
    if len(found) > 1:
        raise amiss(
            Code.INVALID,
            f"Tags of several types have the slug {said[:80]!r}.",
            where,
            f"Say which: {found[0].type.value}:{said[:80]}.",
        )
    return found[0]


async def article(desk: Desk, text: Any, where: str) -> Article:
    """An article that the viewer may see, as it is known to the public; not held."""
    number = desk.number("article", text, where)
    row = await Article.get_or_none(id=number, working_of=0, deleted_at=None)
    if row is None or not sees(desk, row):
        raise desk.missing("article", text, where)
    return row


def sees(desk: Desk, row: Article) -> bool:
    return desk.may(Ability.SEE_ALL) or owns(desk, row) or is_out(row, desk.now)


def owns(desk: Desk, row: Article) -> bool:
    return bool(desk.account) and row.owner == desk.account


def is_out(row: Article, now: dt.datetime) -> bool:
    """Whether the public sees it."""
    return can_be_seen("article", {name: getattr(row, name) for name in OWN_COLUMNS["article"]}, now)


async def media(desk: Desk, text: Any, where: str) -> int:
    row = await desk.row("media", text, where)
    number: int = row.id
    return number


def mime(url: str) -> str | None:
    return mimetypes.guess_type(url.partition("?")[0])[0]


# Slugs

_SLUG = re.compile(r"[^\W_]+(?:[-._~]+[^\W_]+)*")


def checked_slug(text: str, where: str = "slug", most: int = 160) -> str:
    """Letters and digits of any script, with - . _ ~ between them; nothing that hides or turns around."""
    said = unicodedata.normalize("NFC", text.strip())
    if len(said) > most:
        raise amiss(Code.TOO_LONG, f"A slug has at most {most} characters.", where)
    if not _SLUG.fullmatch(said) or any(unicodedata.category(c) in ("Cf", "Cc", "Co", "Cs") for c in said):
        made = slugify(said)[:most]
        raise amiss(
            Code.INVALID,
            "A slug has letters and digits, with - between them.",
            where,
            f"{made!r} would do." if made else None,
        )
    return said


def made_slug(text: str, most: int = 160) -> str:
    return slugify(text, max_length=most, word_boundary=True, save_order=True) or "untitled"


async def free_slug(
    wanted: str | None, made_of: str, taken: Callable[[str], Awaitable[bool]], most: int = 160
) -> str:
    """`wanted` if it is free, else Amiss with one that is; without a wish the first free one of a title."""
    start = checked_slug(wanted, most=most) if wanted is not None else made_slug(made_of, most)
    if not await taken(start):
        return start
    number = 2
    while await taken(free := f"{start[: most - 6]}-{number}"):
        number += 1
    if wanted is None:
        return free
    raise amiss(Code.TAKEN, f"The slug {start!r} is taken.", "slug", f"{free!r} is free.")


def other_article(language: str, besides: int) -> Callable[[str], Awaitable[bool]]:
    """Whether another article of the language has a slug, published or in the making."""

    async def taken(slug: str) -> bool:
        rows = Article.filter(language=language, slug=slug)
        return await rows.exclude(Q(id=besides) | Q(working_of=besides)).exists()

    return taken


def other_row(model: type[Model], besides: int | None, **same: Any) -> Callable[[str], Awaitable[bool]]:
    async def taken(slug: str) -> bool:
        rows = model.filter(slug=slug, **same)
        return await (rows.exclude(id=besides) if besides else rows).exists()

    return taken
