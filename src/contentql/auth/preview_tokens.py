"""Preview tokens: signed tokens that open one article until they expire.

Nothing is stored for a token: it contains the article and its expiry time, signed with a key that all workers
share.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import hashlib
import hmac
import re
import secrets
import struct
from typing import Final
from weakref import WeakKeyDictionary

from contentql.store.database import Database, decode_text
from contentql.store.models.accounts import SigningKey

PREVIEW_TOKEN_PREFIX: Final = "cqlp_"

_ID = "preview"
_DATA = struct.Struct(">QQ")  # the article, and the second at which it ends
_FORM = re.compile(rf"{PREVIEW_TOKEN_PREFIX}([A-Za-z0-9_-]{{64}})")
_PURPOSE = b"contentql preview link\0"

# By database: tests have several.
_signing_keys: WeakKeyDictionary[Database, str] = WeakKeyDictionary()


def sign_preview_token(secret: str, article: int, expires_at: dt.datetime) -> str:
    """A preview token for the article with this id."""
    result = _DATA.pack(article, int(expires_at.timestamp()))
    return PREVIEW_TOKEN_PREFIX + base64.urlsafe_b64encode(result + _signature(secret, result)).decode()


def verify_preview_token(secret: str, text: str, now: dt.datetime) -> int | None:
    """The article id of a preview token; None if the signature is not valid or the token has expired."""
    match = _FORM.fullmatch(text)
    if match is None:
        return None
    try:
        document = base64.urlsafe_b64decode(match[1])
    except binascii.Error:
        return None
    parts, signature = document[: _DATA.size], document[_DATA.size :]
    if not hmac.compare_digest(signature, _signature(secret, parts)):
        return None
    article, until = _DATA.unpack(parts)
    return int(article) if now.timestamp() < until else None


def preview_token_expiry(text: str) -> dt.datetime:
    """Expiry time of a token that `verify_preview_token` accepted."""
    _, until = _DATA.unpack(base64.urlsafe_b64decode(text.removeprefix(PREVIEW_TOKEN_PREFIX))[: _DATA.size])
    return dt.datetime.fromtimestamp(until, dt.UTC)


async def get_or_create_signing_key(database: Database) -> str:
    """The signing key, created if missing. Must not be called in a transaction, because it may write."""
    result = await get_signing_key(database)
    if result is None:
        async with database.orm():
            result = _signing_keys[database] = await _create_signing_key()
    return result


async def sign_preview_token_in_transaction(database: Database, article: int, expires_at: dt.datetime) -> str:
    """As `sign_preview_token`, within an open transaction: a key created now is committed with it."""
    return sign_preview_token(
        await get_signing_key(database) or await _create_signing_key(), article, expires_at
    )


async def get_signing_key(database: Database) -> str | None:
    """The signing key, or None: without one no preview token can be valid."""
    result = _signing_keys.get(database)
    if result is None:
        for row in await database.rows(_READ, []):
            value = row[0]
            result = _signing_keys[database] = decode_text(value)
    return result


async def _create_signing_key() -> str:
    new = SigningKey(id=_ID, value=secrets.token_hex(32), created_at=dt.datetime.now(dt.UTC))
    # Of two that make one at once, the first one's stays.
    await SigningKey.bulk_create([new], ignore_conflicts=True)
    return (await SigningKey.get(id=_ID)).value


_READ = f"SELECT value FROM signing_key WHERE id = '{_ID}'"


def _signature(secret: str, data: bytes) -> bytes:
    return hmac.new(secret.encode(), _PURPOSE + data, hashlib.sha256).digest()
