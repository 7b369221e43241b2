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

from contentql.auth.permissions import Permission
from contentql.content import ids
from contentql.editorial.context import EditContext
from contentql.editorial.user_errors import UserError, UserErrorCode, UserErrors, user_error
from contentql.planner.visibility import VISIBILITY_COLUMNS, is_publicly_visible
from contentql.store.models.content import Article, Author, Category, Collection, Source, Story, Tag, TagType

_NAMED: dict[str, tuple[type[Model], str]] = {
    "category": (Category, "path"),
    "source": (Source, "slug"),
    "author": (Author, "slug"),
    "story": (Story, "slug"),
    "collection": (Collection, "slug"),
}


class ErrorCollector:
    """Several things that may be amiss, to be said all at once."""

    def __init__(self) -> None:
        self.errors: list[UserError] = []

    async def run(self, work: Awaitable[Any], otherwise: Any = None) -> Any:
        with self.collecting():
            return await work
        return otherwise

    @contextlib.contextmanager
    def collecting(self, where: str = "") -> Iterator[None]:
        """Keeps what is amiss within, under the field `where`; what stands behind it goes on."""
        try:
            yield
        except UserErrors as exc:
            path = tuple(where.split(".")) if where else ()
            self.errors.extend(replace(error, field=(*path, *error.field)) for error in exc.errors)

    def add(self, code: UserErrorCode, message: str, field: str, hint: str | None = None) -> None:
        self.errors.extend(user_error(code, message, field, hint).errors)

    def raise_if_any(self) -> None:
        if self.errors:
            raise UserErrors(*self.errors)


async def find_by_reference(
    context: EditContext, table: str, text: Any, where: str, *, hold: bool = False
) -> Any:
    """The row of a section, source, author, story or collection: by id, or by path or slug."""
    model, column = _NAMED[table]
    said = str(text)
    found = ids.decode_id(said)
    if found is not None:
        return await context.get_row(table, said, where, hold=hold)
    row = await context.first(model.filter(**{column: said}), hold=hold)
    if row is None:
        raise context.not_found(table, said, where)
    return row


async def find_tag(context: EditContext, text: Any, where: str) -> Tag:
    """A tag by id, by `TYPE:slug`, or by its slug where only one type has it."""
    said = str(text)
    if ids.decode_id(said) is not None:
        row: Tag = await context.get_row("tag", said, where)
        return row
    kind, mark, slug = said.partition(":")
    rows = Tag.filter(type=kind, slug=slug) if mark and kind in TagType.__members__ else Tag.filter(slug=said)
    found = await rows.limit(2)
    if not found:
        raise context.not_found("tag", said, where)
    if len(found) > 1:
        raise user_error(
            UserErrorCode.INVALID,
            f"Tags of several types have the slug {said[:80]!r}.",
            where,
            f"Say which: {found[0].type.value}:{said[:80]}.",
        )
    return found[0]


async def find_article(context: EditContext, text: Any, where: str) -> Article:
    """An article that the viewer may see, as it is known to the public; not held."""
    number = context.decode_id("article", text, where)
    row = await Article.get_or_none(id=number, working_of=0, deleted_at=None)
    if row is None or not can_see(context, row):
        raise context.not_found("article", text, where)
    return row


def can_see(context: EditContext, row: Article) -> bool:
    return (
        context.has_permission(Permission.READ_ALL_DRAFTS)
        or is_owner(context, row)
        or is_public(row, context.now)
    )


def is_owner(context: EditContext, row: Article) -> bool:
    return bool(context.account) and row.owner == context.account


def is_public(row: Article, now: dt.datetime) -> bool:
    """Whether the public sees it."""
    return is_publicly_visible(
        "article", {name: getattr(row, name) for name in VISIBILITY_COLUMNS["article"]}, now
    )


async def find_media_id(context: EditContext, text: Any, where: str) -> int:
    row = await context.get_row("media", text, where)
    number: int = row.id
    return number


def guess_media_type(url: str) -> str | None:
    return mimetypes.guess_type(url.partition("?")[0])[0]


# Slugs

_SLUG = re.compile(r"[^\W_]+(?:[-._~]+[^\W_]+)*")


def validate_slug(text: str, where: str = "slug", most: int = 160) -> str:
    """Letters and digits of any script, with - . _ ~ between them; nothing that hides or turns around."""
    said = unicodedata.normalize("NFC", text.strip())
    if len(said) > most:
        raise user_error(UserErrorCode.TOO_LONG, f"A slug has at most {most} characters.", where)
    if not _SLUG.fullmatch(said) or any(unicodedata.category(c) in ("Cf", "Cc", "Co", "Cs") for c in said):
        made = slugify(said)[:most]
        raise user_error(
            UserErrorCode.INVALID,
            "A slug has letters and digits, with - between them.",
            where,
            f"{made!r} would do." if made else None,
        )
    return said


def slug_from(text: str, most: int = 160) -> str:
    return slugify(text, max_length=most, word_boundary=True, save_order=True) or "untitled"


async def available_slug(
    wanted: str | None, made_of: str, taken: Callable[[str], Awaitable[bool]], most: int = 160
) -> str:
    """`wanted` if it is free, else Amiss with one that is; without a wish the first free one of a title."""
    start = validate_slug(wanted, most=most) if wanted is not None else slug_from(made_of, most)
    if not await taken(start):
        return start
    number = 2
    while await taken(free := f"{start[: most - 6]}-{number}"):
        number += 1
    if wanted is None:
        return free
    raise user_error(UserErrorCode.TAKEN, f"The slug {start!r} is taken.", "slug", f"{free!r} is free.")


def slug_taken_by_other_article(language: str, besides: int) -> Callable[[str], Awaitable[bool]]:
    """Whether another article of the language has a slug, published or in the making."""

    async def taken(slug: str) -> bool:
        rows = Article.filter(language=language, slug=slug)
        return await rows.exclude(Q(id=besides) | Q(working_of=besides)).exists()

    return taken


def slug_taken_by_other_row(
    model: type[Model], besides: int | None, **same: Any
) -> Callable[[str], Awaitable[bool]]:
    async def taken(slug: str) -> bool:
        rows = model.filter(slug=slug, **same)
        return await (rows.exclude(id=besides) if besides else rows).exists()

    return taken
