"""Signing keys that all servers of a database share, created when they are first needed."""

from __future__ import annotations

import datetime as dt
import secrets
from weakref import WeakKeyDictionary

from contentql.store.database import Database, decode_text
from contentql.store.models.accounts import SigningKey

# By database, because tests have several.
_keys: WeakKeyDictionary[Database, dict[str, str]] = WeakKeyDictionary()


async def find_signing_key(database: Database, key_id: str) -> str | None:
    """The signing key with this id; None if it was not created: then nothing is signed with it."""
    known = _keys.setdefault(database, {})
    if key_id not in known:
        placeholder = "?" if database.dialect == "sqlite" else "$1"
        rows = await database.rows(f"SELECT value FROM signing_key WHERE id = {placeholder}", [key_id])
        for (value,) in rows:
            known[key_id] = decode_text(value)
    return known.get(key_id)


async def get_signing_key(database: Database, key_id: str) -> str:
    """The signing key with this id, which is created in a transaction of its own if it is missing."""
    key = await find_signing_key(database, key_id)
    if key is None:
        async with database.transaction():
            await create_signing_key(key_id)
        key = await find_signing_key(database, key_id)
        assert key is not None
    return key


async def create_signing_key(key_id: str) -> str:
    """The signing key with this id, created in the open transaction, which may still be rolled back: so it is
    not cached."""
    new = SigningKey(id=key_id, value=secrets.token_hex(32), created_at=dt.datetime.now(dt.UTC))
    # If another server creates the key at the same time, the first one stays.
    await SigningKey.bulk_create([new], ignore_conflicts=True)
    return (await SigningKey.get(id=key_id)).value
