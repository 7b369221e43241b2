"""Lookup of the objects that an input refers to, by id, path or slug.

An object that does not exist and one that the viewer may not see give the same error: NOT_FOUND.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from tortoise.models import Model

from contentql.auth.permissions import Permission
from contentql.content import ids
from contentql.content.enums import TagType
from contentql.content.slugs import normalize_slug
from contentql.editorial.context import DISPLAY_NAMES, EditContext
from contentql.editorial.former_names import find_by_former_name, find_merged
from contentql.editorial.user_errors import UserErrorCode, user_error
from contentql.editorial.warnings import WarningCode
from contentql.planner.visibility import VISIBILITY_COLUMNS, is_publicly_visible
from contentql.store.models.articles import Article
from contentql.store.models.collections import Collection
from contentql.store.models.taxonomy import Author, Category, Source, Story, Tag

_NAMED: dict[str, tuple[type[Model], str]] = {
    "category": (Category, "path"),
    "source": (Source, "slug"),
    "author": (Author, "slug"),
    "story": (Story, "slug"),
    "collection": (Collection, "slug"),
}


async def find_by_reference(
    context: EditContext, table: str, text: Any, where: str, *, hold: bool = False
) -> Any:
    """Loads a section, source, author, story or collection by id, path or slug.

    A former name or the id of a merged row leads to the present row, with a warning; not in `id`, which names
    the row to change.
    """
    model, column = _NAMED[table]
    message = str(text)
    decoded = ids.decode_id(message)
    if decoded is not None:
        merged = await find_merged(model, [decoded[1]]) if decoded[0] == table and where != "id" else {}
        if not merged:
            return await context.get_row(table, message, where, hold=hold)
        present: int | None = merged[decoded[1]]
    else:
        message = normalize_slug(message)
        row = await context.first(model.filter(**{column: message}), hold=hold)
        if row is not None:
            return row
        present = await find_by_former_name(model, message) if where != "id" else None
        if present is None:
            raise context.not_found(table, message, where)
    row = await context.first(model.filter(id=present), hold=hold)
    noun = DISPLAY_NAMES.get(table, table)
    context.warn(
        WarningCode.CHANGED,
        f"The {noun} {message[:80]!r} is now {getattr(row, column)!r}, which was used.",
        where,
    )
    return row


async def find_tag(context: EditContext, text: Any, where: str) -> Tag:
    """Loads a tag by id, by `TYPE:slug`, or by a slug that only one type has."""
    message = str(text)
    if ids.decode_id(message) is not None:
        row: Tag = await context.get_row("tag", message, where)
        return row
    message = normalize_slug(message)
    kind, mark, slug = message.partition(":")
    rows = (
        Tag.filter(type=kind, slug=slug) if mark and kind in TagType.__members__ else Tag.filter(slug=message)
    )
    result = await rows.limit(2)
    if not result:
        raise context.not_found("tag", message, where)
    if len(result) > 1:
        raise user_error(
            UserErrorCode.INVALID,
            f"Tags of several types have the slug {message[:80]!r}.",
            where,
            f"Send the type too, as in {result[0].type.value}:{message[:80]}.",
        )
    return result[0]


async def find_article(context: EditContext, text: Any, where: str) -> Article:
    """Loads the own row of an article that the viewer may see, without a lock."""
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
    """Returns whether an anonymous viewer can see the article."""
    return is_publicly_visible(
        "article", {name: getattr(row, name) for name in VISIBILITY_COLUMNS["article"]}, now
    )


async def find_media_id(context: EditContext, text: Any, where: str) -> int:
    row = await context.get_row("media", text, where)
    number: int = row.id
    return number
