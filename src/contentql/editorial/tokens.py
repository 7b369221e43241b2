"""API tokens and preview links: create, revoke.

A token never passes on more than it has: neither permissions nor a longer life.
"""

from __future__ import annotations

import datetime as dt

from contentql.auth import api_tokens, preview_tokens
from contentql.auth.permissions import ROLE_PERMISSIONS, Permission, Role
from contentql.content.ids import encode_id
from contentql.content.timestamps import format_timestamp
from contentql.editorial.articles import load_for_update
from contentql.editorial.context import EditContext, Input, WriteResult
from contentql.editorial.user_errors import ErrorCollector, UserErrorCode, UserErrors, user_error
from contentql.editorial.warnings import WarningCode
from contentql.errors import ApiError
from contentql.store.models.accounts import PreviewLink

DEFAULT_LINK_DAYS, MAX_LINK_DAYS = 3, 30


async def create_token(context: EditContext, input: Input) -> WriteResult:
    """Creates an API token with at most the permissions and the life of the token that creates it."""
    errors = ErrorCollector()
    if not input["name"].strip():
        errors.add(
            UserErrorCode.REQUIRED,
            "name must not be empty.",
            "name",
            "Name the person or program that uses the token.",
        )
    for field in ("name", "account"):
        if len(input.get(field) or "") > 200:
            errors.add(UserErrorCode.TOO_LONG, f"{field} must have at most 200 characters.", field)
    ends: dt.datetime | None = input.get("expiresAt")
    if ends is not None and ends <= context.now:
        errors.add(UserErrorCode.INVALID_TIME, "expiresAt must be in the future.", "expiresAt")
    ends = _expiry(context, ends, None, errors)
    role = Role(input["role"])
    scopes = _scopes(context, role, input.get("scopes"), errors)
    errors.raise_if_any()
    try:
        token, secret = await api_tokens.issue_token(
            name=input["name"].strip(),
            role=role,
            account=input.get("account"),
            scopes=scopes,
            expires_at=ends,
            created_by=context.name,
            now=context.now,
        )
    except ApiError as exc:
        field = "account" if "account" in exc.message else "name"
        raise user_error(UserErrorCode.INVALID, exc.message, field, exc.hint) from None
    return WriteResult("token", token.id, secret=secret)


def _scopes(
    context: EditContext, role: Role, scopes: list[str] | None, errors: ErrorCollector
) -> list[Permission]:
    """The scopes of a new token; adds an error for each permission that its role or its maker lacks."""
    allowed = ", ".join(sorted(permission.value for permission in ROLE_PERMISSIONS[role])) or "none"
    own = [
        permission
        for permission in Permission
        if permission in ROLE_PERMISSIONS[role] and context.has_permission(permission)
    ]
    if scopes is not None and not scopes:
        errors.add(
            UserErrorCode.INVALID,
            "scopes must not be an empty list.",
            "scopes",
            "Leave scopes out for all permissions of the role, or name the permissions of the token."
            " A token of the role READER has none.",
        )
        return []
    requested = [Permission(scope) for scope in scopes or ()]
    for scope in requested:
        if scope not in ROLE_PERMISSIONS[role]:
            errors.add(
                UserErrorCode.INVALID,
                f"The role {role.value} does not have the permission {scope.value}.",
                "scopes",
                f"Permissions of the role: {allowed}.",
            )
    missing = [
        permission.value
        for permission in Permission
        if permission in (requested if scopes else ROLE_PERMISSIONS[role])
        and permission in ROLE_PERMISSIONS[role]
        and not context.has_permission(permission)
    ]
    if missing:
        errors.add(
            UserErrorCode.NOT_PERMITTED,
            f"The token would have permissions that your token does not have: {', '.join(missing)}.",
            "scopes",
            f"Send scopes: [{', '.join(permission.value for permission in own)}]."
            if own
            else f"Your token has no permission of the role {role.value}.",
        )
    return requested


def _expiry(
    context: EditContext, requested: dt.datetime | None, default: dt.datetime | None, errors: ErrorCollector
) -> dt.datetime | None:
    """The requested time, or the default, at most that at which the viewer's token expires."""
    latest = context.viewer.token_expires_at
    ends = requested or default
    if latest is None or (ends is not None and ends <= latest):
        return ends
    text = format_timestamp(latest)
    if requested is not None:
        errors.add(
            UserErrorCode.INVALID_TIME,
            f"expiresAt must not be after {text}, when your token expires.",
            "expiresAt",
            "Choose an earlier time, or leave expiresAt out.",
        )
    else:
        context.warn(WarningCode.GUESSED, f"expiresAt is {text}, when your token expires.", "expiresAt")
    return latest


async def revoke_token(context: EditContext, input: Input) -> WriteResult:
    row = await context.get_row("token", input["id"], hold=True)
    if row.revoked_at is not None:
        raise user_error(UserErrorCode.INVALID_TRANSITION, "The token is already revoked.", "id")
    await api_tokens.mark_token_revoked(row.id, context.now)
    return WriteResult("token", row.id)


async def create_preview_link(context: EditContext, input: Input) -> WriteResult:
    """Creates a link that shows one article, in its current state, to its holder.

    The link ends when it expires or is revoked, or when the token that creates it does.
    """
    article = await load_for_update(context, input["id"])
    errors = ErrorCollector()
    requested: dt.datetime | None = input.get("expiresAt")
    if requested and not context.now < requested <= context.now + dt.timedelta(days=MAX_LINK_DAYS):
        errors.add(
            UserErrorCode.INVALID_TIME,
            f"expiresAt must be in the future and at most {MAX_LINK_DAYS} days from now.",
            "expiresAt",
        )
    default = context.now + dt.timedelta(days=DEFAULT_LINK_DAYS)
    ends = _expiry(context, requested, default, errors)
    errors.raise_if_any()
    assert ends is not None, "a link has a default"
    assert context.sign_preview_token is not None, "no signing key"
    link = await PreviewLink.create(
        article_id=article.id,
        token_id=context.viewer.token_id,
        account=context.account,
        created_at=context.now,
        created_by=context.name,
        expires_at=ends,
    )
    token = await context.sign_preview_token(link.id, ends)
    url = context.preview_url.replace("{token}", token).replace("{slug}", article.record.slug)
    return WriteResult(
        "article", article.id, payload={**_link_values(link), "url": url, "token": token}, secret=token
    )


async def revoke_preview_link(context: EditContext, input: Input) -> WriteResult:
    """Revokes a link, named by its id or its token: one's own, or one of an article that one may edit."""
    named = preview_tokens.decode_link_id(str(input["id"]))
    text = input["id"] if named is None else encode_id("preview_link", named)
    link = await context.get_row("preview_link", text, hold=True)
    if link.account != context.account:
        try:
            await load_for_update(context, encode_id("article", link.article_id), deleted=True)
        except UserErrors:
            raise context.not_found("preview_link", text, "id") from None
    if link.revoked_at is not None:
        raise user_error(UserErrorCode.INVALID_TRANSITION, "The preview link is already revoked.", "id")
    link.revoked_at = context.now
    await link.save(update_fields=["revoked_at"])
    return WriteResult("article", link.article_id, payload=_link_values(link))


def _link_values(link: PreviewLink) -> dict[str, str | None]:
    return {
        "linkId": encode_id("preview_link", link.id),
        "expiresAt": format_timestamp(link.expires_at),
        "revokedAt": format_timestamp(link.revoked_at) if link.revoked_at else None,
    }
