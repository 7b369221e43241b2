"""Owners of articles: the accounts whose authors may edit them."""

from __future__ import annotations

from tortoise.expressions import Q

from contentql.editorial.articles import load_for_update
from contentql.editorial.context import EditContext, Input, WriteResult
from contentql.editorial.user_errors import ErrorCollector, UserErrorCode
from contentql.editorial.warnings import WarningCode
from contentql.store.models.accounts import ApiToken
from contentql.store.models.articles import Article
from contentql.store.models.history import AuditEntry

MAX_ACCOUNT_LENGTH = 200


async def change_owner(context: EditContext, input: Input) -> WriteResult:
    """Gives an article, with its working copy, to another account. Its content and version stay.

    Warns of an account that has no token and has never changed anything: it may be misspelled.
    """
    errors = ErrorCollector()
    owner = input["owner"].strip()
    if not owner:
        errors.add(UserErrorCode.REQUIRED, "owner must not be empty.", "owner", "Send an account.")
    if len(owner) > MAX_ACCOUNT_LENGTH:
        errors.add(
            UserErrorCode.TOO_LONG, f"owner must have at most {MAX_ACCOUNT_LENGTH} characters.", "owner"
        )
    article = await errors.run(load_for_update(context, input["id"]))
    errors.raise_if_any()
    if not await ApiToken.exists(account=owner) and not await AuditEntry.exists(account=owner):
        context.warn(
            WarningCode.GUESSED,
            f"The account {owner!r} has no token and has not changed anything yet.",
            "owner",
        )
    await Article.filter(Q(id=article.id) | Q(working_of=article.id)).update(owner=owner)
    version = article.latest.version
    return WriteResult("article", article.id, version, version)
