"""Tokens and preview links, as administrators and editors make them."""

from __future__ import annotations

import datetime as dt

from contentql.auth import api_tokens
from contentql.auth.permissions import ABILITIES, Ability, Role
from contentql.content.blocks import spell_time
from contentql.editorial.articles import load
from contentql.editorial.context import Desk, Input, Made
from contentql.editorial.user_errors import Code, amiss
from contentql.errors import Refused

LINK_DAYS, MOST_LINK_DAYS = 3, 30


async def create(desk: Desk, said: Input) -> Made:
    if not said["name"].strip():
        raise amiss(Code.REQUIRED, "Say whom or what it is for.", "name")
    for field in ("name", "account"):
        if len(said.get(field) or "") > 200:
            raise amiss(Code.TOO_LONG, "It has at most 200 characters.", field)
    ends: dt.datetime | None = said.get("expiresAt")
    if ends is not None and ends <= desk.now:
        raise amiss(Code.TIME_ORDER, "That moment has passed.", "expiresAt")
    role = Role(said["role"])
    scopes = [Ability(scope) for scope in said.get("scopes") or ()]
    for scope in scopes:
        if scope not in ABILITIES[role]:
            raise amiss(
                Code.INVALID,
                f"{scope.value} is nothing that {role.value} may do.",
                "scopes",
                f"It may: {', '.join(sorted(one.value for one in ABILITIES[role])) or 'nothing'}.",
            )
    try:
        token, secret = await api_tokens.create(
            name=said["name"].strip(),
            role=role,
            account=said.get("account"),
            scopes=scopes,
            expires_at=ends,
            created_by=desk.name,
            now=desk.now,
        )
    except Refused as fault:
        field = "account" if "account" in fault.message else "name"
        raise amiss(Code.INVALID, fault.message, field, fault.hint) from None
    return Made("token", token.id, secret=secret)


async def revoke(desk: Desk, said: Input) -> Made:
    row = await desk.row("token", said["id"], hold=True)
    if row.revoked_at is not None:
        raise amiss(Code.ILLEGAL_MOVE, "It was revoked before.", "id")
    await api_tokens.revoke(row.id, desk.now)
    return Made("token", row.id)


async def preview_link(desk: Desk, said: Input) -> Made:
    """A link that shows one article, as it stands, to whoever has it, until it ends."""
    work = await load(desk, said["id"])
    ends = said.get("expiresAt") or desk.now + dt.timedelta(days=LINK_DAYS)
    if not desk.now < ends <= desk.now + dt.timedelta(days=MOST_LINK_DAYS):
        raise amiss(
            Code.TIME_ORDER,
            f"A link ends within {MOST_LINK_DAYS} days from now, and not before now.",
            "expiresAt",
        )
    assert desk.sign is not None, "nobody signs"
    token = await desk.sign(work.number, ends)
    url = desk.preview_url.replace("{token}", token).replace("{slug}", work.record.slug)
    told = {"url": url, "token": token, "expiresAt": spell_time(ends)}
    return Made("article", work.number, said=told, secret=token)
