"""API tokens and preview links: create, revoke."""

from __future__ import annotations

import datetime as dt

from contentql.auth import api_tokens
from contentql.auth.permissions import ROLE_PERMISSIONS, Permission, Role
from contentql.content.timestamps import format_timestamp
from contentql.editorial.articles import load_for_update
from contentql.editorial.context import EditContext, Input, WriteResult
from contentql.editorial.user_errors import ErrorCollector, UserErrorCode, user_error
from contentql.errors import ApiError

DEFAULT_LINK_DAYS, MAX_LINK_DAYS = 3, 30


async def create_token(context: EditContext, input: Input) -> WriteResult:
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
    role = Role(input["role"])
    scopes = [Permission(scope) for scope in input.get("scopes") or ()]
    allowed = ", ".join(sorted(permission.value for permission in ROLE_PERMISSIONS[role])) or "none"
    for scope in scopes:
        if scope not in ROLE_PERMISSIONS[role]:
            errors.add(
                UserErrorCode.INVALID,
                f"The role {role.value} does not have the permission {scope.value}.",
                "scopes",
                f"Permissions of the role: {allowed}.",
            )
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


async def revoke_token(context: EditContext, input: Input) -> WriteResult:
    row = await context.get_row("token", input["id"], hold=True)
    if row.revoked_at is not None:
        raise user_error(UserErrorCode.INVALID_TRANSITION, "The token is already revoked.", "id")
    await api_tokens.mark_token_revoked(row.id, context.now)
    return WriteResult("token", row.id)


async def create_preview_link(context: EditContext, input: Input) -> WriteResult:
    """Creates a link that shows one article, in its current state, to its holder until it expires."""
    article = await load_for_update(context, input["id"])
    ends = input.get("expiresAt") or context.now + dt.timedelta(days=DEFAULT_LINK_DAYS)
    if not context.now < ends <= context.now + dt.timedelta(days=MAX_LINK_DAYS):
        raise user_error(
            UserErrorCode.INVALID_TIME,
            f"expiresAt must be in the future and at most {MAX_LINK_DAYS} days from now.",
            "expiresAt",
        )
    assert context.sign_preview_token is not None, "no signing key"
    token = await context.sign_preview_token(article.id, ends)
    url = context.preview_url.replace("{token}", token).replace("{slug}", article.record.slug)
    values = {"url": url, "token": token, "expiresAt": format_timestamp(ends)}
    return WriteResult("article", article.id, payload=values, secret=token)
