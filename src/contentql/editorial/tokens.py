"""Tokens and preview links, as administrators and editors make them."""

from __future__ import annotations

import datetime as dt

from contentql.auth import api_tokens
from contentql.auth.permissions import ROLE_PERMISSIONS, Permission, Role
from contentql.content.blocks import format_timestamp
from contentql.editorial.articles import load_for_update
from contentql.editorial.context import EditContext, Input, WriteResult
from contentql.editorial.user_errors import UserErrorCode, user_error
from contentql.errors import ApiError

DEFAULT_LINK_DAYS, MAX_LINK_DAYS = 3, 30


async def create_token(desk: EditContext, said: Input) -> WriteResult:
    if not said["name"].strip():
        raise user_error(UserErrorCode.REQUIRED, "Say whom or what it is for.", "name")
    for field in ("name", "account"):
        if len(said.get(field) or "") > 200:
            raise user_error(UserErrorCode.TOO_LONG, "It has at most 200 characters.", field)
    ends: dt.datetime | None = said.get("expiresAt")
    if ends is not None and ends <= desk.now:
        raise user_error(UserErrorCode.TIME_ORDER, "That moment has passed.", "expiresAt")
    role = Role(said["role"])
    scopes = [Permission(scope) for scope in said.get("scopes") or ()]
    for scope in scopes:
        if scope not in ROLE_PERMISSIONS[role]:
            raise user_error(
                UserErrorCode.INVALID,
                f"{scope.value} is nothing that {role.value} may do.",
                "scopes",
                f"It may: {', '.join(sorted(one.value for one in ROLE_PERMISSIONS[role])) or 'nothing'}.",
            )
    try:
        token, secret = await api_tokens.issue_token(
            name=said["name"].strip(),
            role=role,
            account=said.get("account"),
            scopes=scopes,
            expires_at=ends,
            created_by=desk.name,
            now=desk.now,
        )
    except ApiError as fault:
        field = "account" if "account" in fault.message else "name"
        raise user_error(UserErrorCode.INVALID, fault.message, field, fault.hint) from None
    return WriteResult("token", token.id, secret=secret)


async def revoke_token(desk: EditContext, said: Input) -> WriteResult:
    row = await desk.get_row("token", said["id"], hold=True)
    if row.revoked_at is not None:
        raise user_error(UserErrorCode.ILLEGAL_MOVE, "It was revoked before.", "id")
    await api_tokens.mark_token_revoked(row.id, desk.now)
    return WriteResult("token", row.id)


async def create_preview_link(desk: EditContext, said: Input) -> WriteResult:
    """A link that shows one article, as it stands, to whoever has it, until it ends."""
    work = await load_for_update(desk, said["id"])
    ends = said.get("expiresAt") or desk.now + dt.timedelta(days=DEFAULT_LINK_DAYS)
    if not desk.now < ends <= desk.now + dt.timedelta(days=MAX_LINK_DAYS):
        raise user_error(
            UserErrorCode.TIME_ORDER,
            f"A link ends within {MAX_LINK_DAYS} days from now, and not before now.",
            "expiresAt",
        )
    assert desk.sign_preview_token is not None, "nobody signs"
    token = await desk.sign_preview_token(work.id, ends)
    url = desk.preview_url.replace("{token}", token).replace("{slug}", work.record.slug)
    told = {"url": url, "token": token, "expiresAt": format_timestamp(ends)}
    return WriteResult("article", work.id, payload=told, secret=token)
