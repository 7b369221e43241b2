"""Tickets for event streams: short-lived texts that stand for a credential in a URL.

A browser's EventSource sends no headers. So a client that has authenticated gets a ticket, with which one of
its pages opens streams within the next minute. A ticket names the token, the preview link or the account of
a JWT; whatever ends those ends the ticket and its streams. It is signed with a key that all servers share.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import hashlib
import hmac
import re
from dataclasses import dataclass
from typing import Any, Final

import orjson

from contentql.auth.permissions import Permission, Role
from contentql.auth.viewer import Viewer

TICKET_PREFIX: Final = "cqlt_"
TICKET_LIFETIME: Final = dt.timedelta(seconds=60)
MAX_TICKET_LENGTH: Final = 4_096  # characters; accounts of JWTs may be long

_PURPOSE = b"contentql stream ticket\0"
_PATTERN = re.compile(rf"{TICKET_PREFIX}([A-Za-z0-9_-]+={{0,2}})")
_SIGNATURE_BYTES = 32


@dataclass(frozen=True)
class TicketHolder:
    """Whom a ticket stands for: the holder of an API token, of a preview link, or of a JWT.

    `jwt`: name, role, account, permissions and expiry time of a JWT, which has no row in the database.
    """

    token_id: int | None = None
    link_id: int | None = None
    jwt: tuple[str | None, str, str, tuple[str, ...], float] | None = None
    preview_at: str | None = None

    def jwt_viewer(self, now: dt.datetime) -> Viewer | None:
        """The viewer of a JWT; None if it has expired."""
        assert self.jwt is not None
        name, role, account, permissions, expires_at = self.jwt
        if now.timestamp() >= expires_at:
            return None
        return Viewer(name, Role(role), account, frozenset(map(Permission, permissions)))


def jwt_holder(viewer: Viewer, jwt: str) -> TicketHolder:
    """The holder of a JWT that was verified, whose viewer it is."""
    payload = jwt.split(".")[1]
    claims = orjson.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    permissions = tuple(sorted(permission.value for permission in viewer.permissions))
    return TicketHolder(
        jwt=(viewer.name, viewer.role.value, viewer.account or "", permissions, float(claims["exp"]))
    )


def sign_ticket(secret: str, holder: TicketHolder, expires_at: dt.datetime) -> str:
    content: list[Any] = [
        int(expires_at.timestamp()),
        holder.token_id,
        holder.link_id,
        holder.jwt,
        holder.preview_at,
    ]
    payload = orjson.dumps(content)
    return TICKET_PREFIX + base64.urlsafe_b64encode(_signature(secret, payload) + payload).decode()


def verify_ticket(secret: str, text: str, now: dt.datetime) -> TicketHolder | None:
    """The holder of a ticket; None if the signature is not valid or the ticket has expired."""
    match = _PATTERN.fullmatch(text) if len(text) <= MAX_TICKET_LENGTH else None
    if match is None:
        return None
    try:
        content = base64.urlsafe_b64decode(match[1])
    except binascii.Error:
        return None
    signature, payload = content[:_SIGNATURE_BYTES], content[_SIGNATURE_BYTES:]
    if not hmac.compare_digest(signature, _signature(secret, payload)):
        return None
    expires_at, token_id, link_id, jwt, preview_at = orjson.loads(payload)
    if now.timestamp() >= expires_at:
        return None
    if jwt is not None:
        name, role, account, permissions, jwt_expires_at = jwt
        jwt = name, role, account, tuple(permissions), jwt_expires_at
    return TicketHolder(token_id, link_id, jwt, preview_at)


def _signature(secret: str, data: bytes) -> bytes:
    return hmac.new(secret.encode(), _PURPOSE + data, hashlib.sha256).digest()
