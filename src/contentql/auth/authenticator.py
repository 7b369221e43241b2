"""Authenticates a request by API token, preview token or JWT. Tokens are checked on every request, so a
revoked one fails at once.

Invariant: knows the kinds of tokens and where they are stored, and of HTTP only the values of two headers.
"""

from __future__ import annotations

import datetime as dt
import logging
import re
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

import asyncpg
import orjson
from tortoise.expressions import Q
from tortoise.transactions import in_transaction

from contentql.auth import api_tokens, preview_tokens
from contentql.auth.permissions import Permission, Role, effective_permissions
from contentql.auth.signing_keys import find_signing_key, get_signing_key
from contentql.auth.stream_tickets import (
    TICKET_LIFETIME,
    TicketHolder,
    jwt_holder,
    sign_ticket,
    verify_ticket,
)
from contentql.auth.throttle import FailedLoginThrottle
from contentql.auth.viewer import ANONYMOUS_VIEWER, Viewer
from contentql.errors import ApiError, OperatorError
from contentql.settings import Settings
from contentql.store.database import Database, Row, decode_text
from contentql.store.errors import DRIVER_ERRORS
from contentql.store.models.accounts import ApiToken

log = logging.getLogger("contentql")

MAX_TOKEN_LENGTH = 8_192  # characters of an Authorization header; JWTs are long
_LAST_USED_INTERVAL = dt.timedelta(minutes=1)
_BEARER = re.compile(r"bearer +([A-Za-z0-9._~+/-]+=*)", re.IGNORECASE)
_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


class TokenIssuer(Protocol):
    """An issuer of tokens outside this application."""

    async def authenticate(self, text: str) -> Viewer:
        """The viewer of a token. Raises UNAUTHENTICATED, IDENTITY_PROVIDER_UNAVAILABLE."""
        ...


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a client authenticates with: the values of `Authorization` and `X-Preview-At`, or a ticket."""

    authorization: str | None = None
    preview_at: str | None = None
    ticket: TicketHolder | None = None


class Authenticator:
    """Authenticates requests; one per process. `flush_last_used` must be called regularly and at shutdown."""

    def __init__(
        self,
        database: Database,
        settings: Settings,
        *,
        now: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC),
        throttle: FailedLoginThrottle | None = None,
    ) -> None:
        """Raises OperatorError if the settings of the OIDC issuer are not valid."""
        self._database = database
        self._issuer = load_oidc_issuer(settings)
        self._now = now
        self._throttle = throttle or FailedLoginThrottle()
        self._last_used: dict[int, dt.datetime] = {}

    async def authenticate(self, authorization: str | None, preview_at: str | None, address: str) -> Viewer:
        """The viewer of the headers `Authorization` and `X-Preview-At`.

        Raises UNAUTHENTICATED; FORBIDDEN for a preview time without permission to read drafts; BAD_USER_INPUT
        for an invalid time; RATE_LIMITED for an address that sent too many invalid tokens;
        DATABASE_UNAVAILABLE, TIMEOUT and IDENTITY_PROVIDER_UNAVAILABLE.
        """
        viewer = ANONYMOUS_VIEWER
        if authorization is not None:
            async with self._throttle.attempt(address, api_tokens.hash_token(authorization)):
                viewer = await self._resolve_bearer(authorization)
        return viewer if preview_at is None else _apply_preview_time(viewer, preview_at)

    async def verify_again(self, credentials: Credentials) -> Viewer:
        """The viewer of credentials that were valid before, for streams. Raises as `authenticate`, except
        RATE_LIMITED: this is no guess."""
        if credentials.ticket is not None:
            return await self._ticket_viewer(credentials.ticket)
        viewer = ANONYMOUS_VIEWER
        if credentials.authorization is not None:
            viewer = await self._resolve_bearer(credentials.authorization)
        return (
            viewer if credentials.preview_at is None else _apply_preview_time(viewer, credentials.preview_at)
        )

    # Tickets

    async def create_ticket(self, viewer: Viewer, credentials: Credentials) -> tuple[str, dt.datetime]:
        """A ticket for the holder of the credentials, whose viewer it is, and its expiry time.

        Raises UNAUTHENTICATED without a token; DATABASE_UNAVAILABLE if there is no signing key yet.
        """
        if credentials.authorization is None:
            raise ApiError(
                "UNAUTHENTICATED",
                "A ticket is for clients with a token.",
                "Send `Authorization: Bearer cql_…`, or open the stream without a ticket.",
            )
        text = credentials.authorization.split()[-1]
        link_id = preview_tokens.decode_link_id(text)
        if viewer.token_id is not None:
            holder = TicketHolder(token_id=viewer.token_id)
        elif link_id is not None:
            holder = TicketHolder(link_id=link_id)
        else:
            holder = jwt_holder(viewer, text)
        expires_at = self._now().replace(microsecond=0) + TICKET_LIFETIME
        secret = await get_signing_key(self._database, _TICKET_KEY)
        return sign_ticket(secret, replace(holder, preview_at=credentials.preview_at), expires_at), expires_at

    async def authenticate_ticket(self, text: str, address: str) -> tuple[Viewer, Credentials]:
        """The viewer of a ticket, and its credentials for `verify_again`. Raises as `authenticate`."""
        async with self._throttle.attempt(address, api_tokens.hash_token(text)):
            secret = await find_signing_key(self._database, _TICKET_KEY)
            holder = None if secret is None else verify_ticket(secret, text, self._now())
            if holder is None:
                raise ApiError(
                    "UNAUTHENTICATED",
                    "The ticket is not valid or older than a minute.",
                    "Get a new one with `POST /graphql/ticket`, and open the stream at once.",
                )
            return await self._ticket_viewer(holder), Credentials(ticket=holder)

    async def _ticket_viewer(self, holder: TicketHolder) -> Viewer:
        viewer: Viewer | None = None
        if holder.token_id is not None:
            select = _SELECT_BY_ID_SQL[self._database.dialect]
            viewer = self._token_viewer(await self._database.row(select, [holder.token_id]))
        elif holder.link_id is not None:
            viewer = await self._link_viewer(holder.link_id)
        else:
            viewer = holder.jwt_viewer(self._now())
        if viewer is None:
            raise api_tokens.invalid_token_error()
        return viewer if holder.preview_at is None else _apply_preview_time(viewer, holder.preview_at)

    async def flush_last_used(self) -> None:
        """Saves the times of last use. Errors are logged, and the times are saved later."""
        times, self._last_used = self._last_used, {}
        if not times:
            return
        try:
            async with self._database.orm(), in_transaction():
                for id in sorted(times):  # in a fixed order, so that two servers cannot deadlock
                    at = times[id]
                    is_due = Q(last_used_at=None) | Q(last_used_at__lte=at - _LAST_USED_INTERVAL)
                    await ApiToken.filter(is_due, id=id).update(last_used_at=at)
        except DRIVER_ERRORS:
            log.warning("the last uses of tokens could not be written; they are kept", exc_info=True)
            self._last_used = {**times, **self._last_used}

    async def _resolve_bearer(self, authorization: str) -> Viewer:
        match = _BEARER.fullmatch(authorization.strip()) if len(authorization) <= MAX_TOKEN_LENGTH else None
        if match is None:
            raise ApiError(
                "UNAUTHENTICATED",
                "The Authorization header is not `Bearer` and a token.",
                "Send `Authorization: Bearer cql_…`, or no such header to see what is public.",
            )
        text = match[1]
        try:
            if text.startswith(api_tokens.TOKEN_PREFIX):
                return await self._api_token_viewer(text)
            if text.startswith(preview_tokens.PREVIEW_TOKEN_PREFIX):
                return await self._preview_token_viewer(text)
        except asyncpg.UndefinedTableError:
            pass  # the database is not migrated yet, so it has no tokens
        except sqlite3.OperationalError as exc:
            if "no such table" not in str(exc):
                raise
        if self._issuer is not None and text.count(".") == 2:
            return await self._issuer.authenticate(text)
        raise api_tokens.invalid_token_error()

    async def _api_token_viewer(self, text: str) -> Viewer:
        return self._token_viewer(await self._read_row(text) if api_tokens.has_valid_checksum(text) else None)

    def _token_viewer(self, row: Row | None) -> Viewer:
        if row is None:
            raise api_tokens.invalid_token_error()
        id, account, name, role_name, scopes = row[0], *map(decode_text, row[1:5])
        expires_at, last_used_at, revoked_at = map(_instant, row[5:8])
        now = self._now()
        if revoked_at is not None or (expires_at is not None and expires_at <= now):
            raise api_tokens.invalid_token_error()
        if role_name not in Role.__members__:
            raise api_tokens.invalid_token_error()
        if last_used_at is None or now - last_used_at >= _LAST_USED_INTERVAL:
            self._last_used.setdefault(id, now.replace(microsecond=0))
        role = Role(role_name)
        return Viewer(
            name,
            role,
            account,
            effective_permissions(role, orjson.loads(scopes)),
            token_id=id,
            token_expires_at=expires_at,
        )

    async def _read_row(self, text: str) -> Row | None:
        row: Row | None = await self._database.row(
            _SELECT_SQL[self._database.dialect], [api_tokens.hash_token(text)]
        )
        return row

    async def _preview_token_viewer(self, text: str) -> Viewer:
        secret = await preview_tokens.get_signing_key(self._database)
        now = self._now()
        link_id = None if secret is None else preview_tokens.verify_preview_token(secret, text, now)
        if link_id is None:
            raise api_tokens.invalid_token_error()
        return await self._link_viewer(link_id)

    async def _link_viewer(self, link_id: int) -> Viewer:
        row: Row | None = await self._database.row(_READ_LINK[self._database.dialect], [link_id])
        if row is None:
            raise api_tokens.invalid_token_error()
        now = self._now()
        expires_at, revoked_at, token_expires_at, token_revoked_at = map(_instant, row[1:5])
        if revoked_at is not None or token_revoked_at is not None:
            raise api_tokens.invalid_token_error()
        if any(at is not None and at <= now for at in (expires_at, token_expires_at)):
            raise api_tokens.invalid_token_error()
        return Viewer("Preview link", shared_article_id=row[0])


_TICKET_KEY = "stream ticket"
_SELECT_SQL = {
    "postgres": "SELECT id, account, name, role, scopes::text, expires_at, last_used_at, revoked_at"
    " FROM token WHERE hash = $1",
    "sqlite": "SELECT id, account, name, role, scopes, expires_at, last_used_at, revoked_at"
    " FROM token WHERE hash = ?1",
}
_SELECT_BY_ID_SQL = {dialect: sql.replace("WHERE hash", "WHERE id") for dialect, sql in _SELECT_SQL.items()}
# With the token that created the link, whose end is also the end of the link.
_READ_LINK = {
    dialect: "SELECT l.article_id, l.expires_at, l.revoked_at, t.expires_at, t.revoked_at"
    f" FROM preview_link l LEFT JOIN token t ON t.id = l.token_id WHERE l.id = {parameter}"
    for dialect, parameter in (("postgres", "$1"), ("sqlite", "?1"))
}


def load_oidc_issuer(settings: Settings) -> TokenIssuer | None:
    """The OIDC issuer of the settings, or None. Raises OperatorError if the settings are not valid."""
    values = {name: getattr(settings, name) for name in ("oidc_issuer", "oidc_audience", "oidc_jwks_url")}
    if not any(values.values()):
        return None
    for name, value in values.items():
        if not value:
            raise OperatorError(
                f"CONTENTQL_{name.upper()} is missing: issuer, audience and keys go together."
            )
    try:
        from contentql.auth.oidc import OidcIssuer
    except ImportError:
        raise OperatorError("CONTENTQL_OIDC_ISSUER needs the extra: pip install 'contentql[oidc]'.") from None
    return OidcIssuer(
        settings.oidc_issuer,
        settings.oidc_audience,
        settings.oidc_jwks_url,
        role_claim=settings.oidc_role_claim,
        leeway=settings.oidc_leeway_seconds,
    )


def _apply_preview_time(viewer: Viewer, preview_at: str) -> Viewer:
    """The viewer with the time of the header `X-Preview-At`. Raises FORBIDDEN and BAD_USER_INPUT."""
    can_read_drafts = (
        viewer.has_permission(Permission.READ_ALL_DRAFTS)
        or viewer.has_permission(Permission.READ_OWN_DRAFTS)
        or viewer.shared_article_id is not None
    )
    if not can_read_drafts:
        raise ApiError(
            "FORBIDDEN",
            "X-Preview-At needs the permission READ_OWN_DRAFTS or READ_ALL_DRAFTS, or a preview link.",
            "Send a token with one of these permissions, or leave the header out.",
        )
    text = preview_at.strip()
    try:
        at = dt.datetime.fromisoformat(text.upper()).astimezone(dt.UTC) if _RFC_3339.fullmatch(text) else None
    except (ValueError, OverflowError):
        at = None
    if at is None:
        raise ApiError(
            "BAD_USER_INPUT",
            "X-Preview-At must be a time with a time zone.",
            "Write it as in 2026-06-30T08:00:00Z.",
        )
    return replace(viewer, preview_at=at.replace(microsecond=0))


def _instant(value: dt.datetime | str | None) -> dt.datetime | None:
    return dt.datetime.fromisoformat(value) if isinstance(value, str) else value
