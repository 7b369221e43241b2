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
