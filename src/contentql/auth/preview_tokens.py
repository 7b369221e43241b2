"""Preview tokens: signed tokens that open one article until they expire or their link is revoked.

A token contains the id of its link and its expiry time, signed with a key that all workers share, so that a
forged token needs no lookup. The row of the link names the article.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import hashlib
import hmac
import re
import struct
from typing import Final

from contentql.auth.signing_keys import create_signing_key, find_signing_key
from contentql.store.database import Database

PREVIEW_TOKEN_PREFIX: Final = "cqlp_"

_KEY_ID = "preview"
_PAYLOAD = struct.Struct(">QQ")  # id of the link, expiry time in seconds since 1970
_TOKEN_PATTERN = re.compile(rf"{PREVIEW_TOKEN_PREFIX}([A-Za-z0-9_-]{{64}})")
_PURPOSE = b"contentql preview link\0"


def sign_preview_token(secret: str, link_id: int, expires_at: dt.datetime) -> str:
    """A preview token for the link with this id."""
    payload = _PAYLOAD.pack(link_id, int(expires_at.timestamp()))
    return PREVIEW_TOKEN_PREFIX + base64.urlsafe_b64encode(payload + _signature(secret, payload)).decode()


def verify_preview_token(secret: str, text: str, now: dt.datetime) -> int | None:
    """The link id of a preview token; None if the signature is not valid or the token has expired."""
    match = _TOKEN_PATTERN.fullmatch(text)
    if match is None:
        return None
    try:
        content = base64.urlsafe_b64decode(match[1])
    except binascii.Error:
        return None
    payload, signature = content[: _PAYLOAD.size], content[_PAYLOAD.size :]
    if not hmac.compare_digest(signature, _signature(secret, payload)):
        return None
    link_id, expires_at = _PAYLOAD.unpack(payload)
    return int(link_id) if now.timestamp() < expires_at else None


def preview_token_expiry(text: str) -> dt.datetime:
    """Expiry time of a token that `verify_preview_token` accepted."""
    _, expires_at = _PAYLOAD.unpack(
        base64.urlsafe_b64decode(text.removeprefix(PREVIEW_TOKEN_PREFIX))[: _PAYLOAD.size]
    )
    return dt.datetime.fromtimestamp(expires_at, dt.UTC)


def decode_link_id(text: str) -> int | None:
    """The link id of a text in the form of a preview token, without verifying its signature; else None."""
    match = _TOKEN_PATTERN.fullmatch(text)
    if match is None:
        return None
    return int(_PAYLOAD.unpack(base64.urlsafe_b64decode(match[1])[: _PAYLOAD.size])[0])


async def sign_preview_token_in_transaction(database: Database, link_id: int, expires_at: dt.datetime) -> str:
    """A preview token for the link with this id. A missing signing key is created in the open transaction.

    The key is not cached before it is read again, because the transaction may still be rolled back.
    """
    return sign_preview_token(
        await get_signing_key(database) or await create_signing_key(_KEY_ID), link_id, expires_at
    )


async def get_signing_key(database: Database) -> str | None:
    """The signing key, or None: without one no preview token can be valid."""
    return await find_signing_key(database, _KEY_ID)


def _signature(secret: str, data: bytes) -> bytes:
    return hmac.new(secret.encode(), _PURPOSE + data, hashlib.sha256).digest()
