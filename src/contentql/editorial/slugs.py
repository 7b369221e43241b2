"""Slugs: validation, derivation from a title, and free slugs."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Awaitable, Callable
from typing import Any

from slugify import slugify
from tortoise.expressions import Q
from tortoise.models import Model

from contentql.editorial.user_errors import UserErrorCode, user_error
from contentql.store.models.articles import Article

_SLUG = re.compile(r"[^\W_]+(?:[-._~]+[^\W_]+)*")


def validate_slug(text: str, where: str = "slug", most: int = 160) -> str:
    """Normalizes a slug: letters and digits of any script, - . _ ~ between them, nothing invisible."""
    result = unicodedata.normalize("NFC", text.strip())
    if len(result) > most:
        raise user_error(UserErrorCode.TOO_LONG, f"{where} must have at most {most} characters.", where)
    if not _SLUG.fullmatch(result) or any(
        unicodedata.category(c) in ("Cf", "Cc", "Co", "Cs") for c in result
    ):
        created = slugify(result)[:most]
        raise user_error(
            UserErrorCode.INVALID,
            f"{where} must be letters and digits, with hyphens between them.",
            where,
            f"Example: {created!r}." if created else None,
        )
    return result


def slug_from(text: str, most: int = 160) -> str:
    return slugify(text, max_length=most, word_boundary=True, save_order=True) or "untitled"


async def available_slug(
    text: str | None, made_of: str, is_taken: Callable[[str], Awaitable[bool]], most: int = 160
) -> str:
    """The requested slug, or the first free one of a title. Raises UserErrors (TAKEN) with a free slug.

    The error is the same whatever has the slug: it does not tell that there is hidden content.
    """
    start = validate_slug(text, most=most) if text is not None else slug_from(made_of, most)
    if not await is_taken(start):
        return start
    number = 2
    while await is_taken(free := f"{start[: most - 6]}-{number}"):
        number += 1
    if text is None:
        return free
    raise user_error(
        UserErrorCode.TAKEN, f"The slug {start!r} is not available.", "slug", f"Use {free!r}, which is free."
    )


def slug_taken_by_other_article(language: str, besides: int) -> Callable[[str], Awaitable[bool]]:
    """Predicate: another article of the language that is not deleted has the slug."""

    async def is_taken(slug: str) -> bool:
        rows = Article.filter(language=language, slug=slug, deleted_at__isnull=True)
        return await rows.exclude(Q(id=besides) | Q(working_of=besides)).exists()

    return is_taken


def slug_taken_by_other_row(
    model: type[Model], besides: int | None, **same: Any
) -> Callable[[str], Awaitable[bool]]:
    async def is_taken(slug: str) -> bool:
        rows = model.filter(slug=slug, **same)
        return await (rows.exclude(id=besides) if besides else rows).exists()

    return is_taken
