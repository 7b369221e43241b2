"""The key that encrypts and signs sync tokens: one for each database, shared by all its servers."""

from __future__ import annotations

import datetime as dt
import secrets

from contentql.store.database import Database, decode_text
from contentql.store.models.accounts import SigningKey

_KEY_ID = "sync"
_SELECT_SQL = f"SELECT value FROM signing_key WHERE id = '{_KEY_ID}'"


async def load_sync_key(database: Database) -> str:
    """The key, created when it is read first. Raises ApiError as `Database.transaction` does."""
    key = await _read_key(database)
    if key is None:
        async with database.transaction():
            new = SigningKey(id=_KEY_ID, value=secrets.token_hex(32), created_at=dt.datetime.now(dt.UTC))
            # If another server creates the key at the same time, the first one stays.
            await SigningKey.bulk_create([new], ignore_conflicts=True)
        key = await _read_key(database)
    assert key is not None, "the key was created"
    return key


async def _read_key(database: Database) -> str | None:
    for (value,) in await database.rows(_SELECT_SQL):
        return str(decode_text(value))
    return None
