"""Who is asking: what a request shows of itself, looked at anew each time.

Knows the three kinds of tokens and where they are kept. Does not know HTTP but for what two headers hold.
"""

from __future__ import annotations

import datetime as dt
import logging
import re
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

import asyncpg
import orjson
from tortoise.expressions import Q
from tortoise.transactions import in_transaction

from contentql.auth import api_tokens, preview_tokens
from contentql.auth.permissions import Ability, Role, abilities
from contentql.auth.throttle import Tries
from contentql.auth.viewer import PUBLIC, Viewer
from contentql.errors import Refused, Unusable
from contentql.settings import Settings
from contentql.store.database import Database, Row, as_text
from contentql.store.errors import FAULTS
from contentql.store.models.accounts import Token

log = logging.getLogger("contentql")

LONGEST = 8_192  # characters of a token; those of other issuers are long
_EVERY = dt.timedelta(minutes=1)
_BEARER = re.compile(r"bearer +([A-Za-z0-9._~+/-]+=*)", re.IGNORECASE)
_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


class Issuer(Protocol):
    """Who else may say who somebody is."""

    async def viewer(self, text: str) -> Viewer:
        """Raises UNAUTHENTICATED, ISSUER_UNAVAILABLE."""
        ...


class Callers:
    """One for a process. `flush` writes when tokens were used; call it every now and then, and at the end."""

    def __init__(
        self,
        database: Database,
        settings: Settings,
        *,
        now: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC),
        tries: Tries | None = None,
    ) -> None:
        """Raises Unusable if the settings of an issuer cannot work."""
        self._database = database
        self._issuer = open_issuer(settings)
        self._now = now
        self._tries = tries or Tries()
        self._used: dict[int, dt.datetime] = {}

    async def viewer(self, authorization: str | None, preview_at: str | None, address: str) -> Viewer:
        """Whom the headers `Authorization` and `X-Preview-At` speak of.

        Refused with UNAUTHENTICATED, with FORBIDDEN where a preview is asked for without the right to see
        any draft, BAD_USER_INPUT where its time is none, RATE_LIMITED for an address that tries tokens out,
        and as whoever must be asked refuses: DATABASE_UNAVAILABLE, TIMEOUT, ISSUER_UNAVAILABLE.
        """
        viewer = PUBLIC
        if authorization is not None:
            async with self._tries.one(address, api_tokens.hashed(authorization)):
                viewer = await self._known(authorization)
        return viewer if preview_at is None else _as_at(viewer, preview_at)

    async def flush(self) -> None:
        """A fault is logged, and what was to be written is kept."""
        used, self._used = self._used, {}
        if not used:
            return
        try:
            async with self._database.models(), in_transaction():
                for id in sorted(used):  # in one order, so that two servers never wait for each other
                    at = used[id]
                    due = Q(last_used_at=None) | Q(last_used_at__lte=at - _EVERY)
                    await Token.filter(due, id=id).update(last_used_at=at)
        except FAULTS:
            log.warning("the last uses of tokens could not be written; they are kept", exc_info=True)
            self._used = {**used, **self._used}

    async def _known(self, authorization: str) -> Viewer:
        found = _BEARER.fullmatch(authorization.strip()) if len(authorization) <= LONGEST else None
        if found is None:
            raise Refused(
                "UNAUTHENTICATED",
                "The Authorization header is not `Bearer` and a token.",
                "Send `Authorization: Bearer cql_…`, or no such header to see what is public.",
            )
        text = found[1]
        try:
            if text.startswith(api_tokens.PREFIX):
                return await self._holder(text)
            if text.startswith(preview_tokens.PREFIX):
                return await self._guest(text)
        except asyncpg.UndefinedTableError:
            pass  # not migrated yet: nobody is known, and the public is served
        except sqlite3.OperationalError as fault:
            if "no such table" not in str(fault):
                raise
        if self._issuer is not None and text.count(".") == 2:
            return await self._issuer.viewer(text)
        raise api_tokens.unknown()

    async def _holder(self, text: str) -> Viewer:
        row = await self._row(text) if api_tokens.is_whole(text) else None
        if row is None:
            raise api_tokens.unknown()
        id, account, name, role, scopes = row[0], *map(as_text, row[1:5])
        expires_at, last_used_at, revoked_at = map(_instant, row[5:8])
        now = self._now()
        if revoked_at is not None or (expires_at is not None and expires_at <= now):
            raise api_tokens.unknown()
        if role not in Role.__members__:
            raise api_tokens.unknown()
        if last_used_at is None or now - last_used_at >= _EVERY:
            self._used.setdefault(id, now.replace(microsecond=0))
        holds = Role(role)
        return Viewer(name, holds, account, abilities(holds, orjson.loads(scopes)))

    async def _row(self, text: str) -> Row | None:
        row: Row | None = await self._database.row(_READ[self._database.dialect], [api_tokens.hashed(text)])
        return row

    async def _guest(self, text: str) -> Viewer:
        secret = await preview_tokens.known(self._database)
        article = None if secret is None else preview_tokens.read(secret, text, self._now())
        if article is None:
            raise api_tokens.unknown()
        return Viewer("Preview link", article=article)


_READ = {
    "postgres": "SELECT id, account, name, role, scopes::text, expires_at, last_used_at, revoked_at"
    " FROM token WHERE hash = $1",
    "sqlite": "SELECT id, account, name, role, scopes, expires_at, last_used_at, revoked_at"
    " FROM token WHERE hash = ?1",
}


def open_issuer(settings: Settings) -> Issuer | None:
    """Who else's tokens are taken, as the settings say. Raises Unusable where they cannot work."""
    parts = {name: getattr(settings, name) for name in ("oidc_issuer", "oidc_audience", "oidc_keys")}
    if not any(parts.values()):
        return None
    for name, value in parts.items():
        if not value:
            raise Unusable(f"CONTENTQL_{name.upper()} is missing: issuer, audience and keys go together.")
    try:
        from contentql.auth.oidc import Jwts
    except ImportError:
        raise Unusable("CONTENTQL_OIDC_ISSUER needs the extra: pip install 'contentql[oidc]'.") from None
    return Jwts(
        settings.oidc_issuer,
        settings.oidc_audience,
        settings.oidc_keys,
        role_claim=settings.oidc_role_claim,
        leeway=settings.oidc_leeway_seconds,
    )


def _as_at(viewer: Viewer, preview_at: str) -> Viewer:
    sees_drafts = viewer.may(Ability.SEE_ALL) or viewer.may(Ability.SEE_OWN) or viewer.article is not None
    if not sees_drafts:
        raise Refused(
            "FORBIDDEN",
            "X-Preview-At is for those who may see drafts.",
            "Send a token that may, or leave the header out.",
        )
    text = preview_at.strip()
    try:
        at = dt.datetime.fromisoformat(text.upper()).astimezone(dt.UTC) if _RFC_3339.fullmatch(text) else None
    except (ValueError, OverflowError):
        at = None
    if at is None:
        raise Refused(
            "BAD_USER_INPUT",
            "X-Preview-At is a time with its zone.",
            "Write it as in 2026-06-30T08:00:00Z.",
        )
    return replace(viewer, at=at.replace(microsecond=0))


def _instant(value: dt.datetime | str | None) -> dt.datetime | None:
    return dt.datetime.fromisoformat(value) if isinstance(value, str) else value
