"""Translations: the languages of articles, and translation groups, which have one article per language."""

from __future__ import annotations

from typing import Any

from tortoise.expressions import Q

from contentql.content.ids import encode_id
from contentql.editorial.context import EditContext
from contentql.editorial.references import can_see
from contentql.editorial.user_errors import UserErrorCode, user_error
from contentql.editorial.warnings import WarningCode
from contentql.language_tags import LanguageTagError, normal_form, parse_language_tag, replacement_message
from contentql.store.models.articles import Article


def normalize_language(context: EditContext, text: str, field: str) -> str:
    """The normal form of a language tag; a replaced one gives a warning.

    An invalid tag is returned as it is: the record's type refuses it, together with other invalid fields.
    """
    try:
        tag = parse_language_tag(text)
    except LanguageTagError:
        return text
    if tag.is_replaced:
        message = replacement_message(text, tag.text)
        context.warn(WarningCode.CHANGED, f"{message[0].upper()}{message[1:]}.", field, text)
    return tag.text


async def require_free_language(
    context: EditContext, own_id: int | None, group: int | None, language: str, field: str
) -> None:
    """Raises UserErrors (TAKEN) if the translation group of an article has another one in the language.

    `own_id` is that of the article, None for a new one. Deleted articles do not count.
    """
    other = await find_translation(context.connection, group or own_id, language, own_id)
    if other is None:
        return
    name = "another article"
    if can_see(context, other):
        name = f"the article {other.slug!r} ({encode_id('article', other.working_of or other.id)})"
    raise user_error(
        UserErrorCode.TAKEN,
        f"The translations already have {name} in the language {language!r}.",
        field,
        "Use another language, or remove one of the two articles from the translations:"
        " updateArticle with translationOf: null.",
    )


async def find_translation(
    connection: Any, group: int | None, language: str, own_id: int | None
) -> Article | None:
    """The row of another article of a translation group in a language; a working copy if only that has it.

    On PostgreSQL, locks the group until the transaction ends: no two writers both add an article to it.
    """
    if group is None:
        return None
    if connection.capabilities.dialect == "postgres":
        await connection.execute_query(
            "SELECT pg_advisory_xact_lock(hashtextextended($1, 4711))", [f"translations {group}"]
        )
    # The original of imported translations may not have the group's id.
    members = Q(translation_group=group) | Q(id=group, translation_group=None)
    rows = await Article.filter(members, deleted_at=None).exclude(
        Q(id=own_id or 0) | Q(working_of=own_id or -1)
    )
    matches = [row for row in rows if normal_form(row.language) == normal_form(language)]
    return min(matches, key=lambda row: (row.working_of, row.id), default=None)
