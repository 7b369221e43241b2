"""Preview tokens: the id of a link with an expiry time, signed."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import datetime as dt
from random import Random

import pytest
from tests.conftest import NOW

from contentql.auth import preview_tokens
from contentql.auth.authenticator import Authenticator
from contentql.errors import ApiError
from contentql.settings import Settings
from contentql.store.database import Database
from contentql.store.models.accounts import SigningKey

HOUR = dt.timedelta(hours=1)
LINK = 90_817_263_123_456


async def create_preview_token(database: Database, expires_at: dt.datetime) -> str:
    """A preview token of the link, signed in a transaction as by the mutation."""
    async with database.transaction():
        return await preview_tokens.sign_preview_token_in_transaction(database, LINK, expires_at)


def test_preview_token_is_valid_until_its_expiry() -> None:
    """Exact to the second."""
    text = preview_tokens.sign_preview_token("key", LINK, NOW + HOUR)
    assert text.startswith("cqlp_")
    assert preview_tokens.verify_preview_token("key", text, NOW) == LINK
    assert preview_tokens.verify_preview_token("key", text, NOW + HOUR - dt.timedelta(seconds=1)) == LINK
    assert preview_tokens.verify_preview_token("key", text, NOW + HOUR) is None


def test_preview_token_needs_no_escaping_in_urls() -> None:
    for link_id in (1, LINK, (1 << 63) - 1):
        text = preview_tokens.sign_preview_token("key", link_id, NOW)
        assert len(text) == 69
        assert text.replace("_", "").replace("-", "").isalnum()


def test_forged_and_modified_preview_tokens_are_rejected() -> None:
    """Another key, link or expiry, a shorter or longer text, and any changed character."""
    text = preview_tokens.sign_preview_token("key", LINK, NOW + HOUR)
    assert preview_tokens.verify_preview_token("other", text, NOW) is None
    content = base64.urlsafe_b64decode(text[5:])
    for modified in (
        bytes([*content[:7], content[7] ^ 1, *content[8:]]),
        bytes([*content[:15], content[15] ^ 1, *content[16:]]),
    ):
        assert (
            preview_tokens.verify_preview_token(
                "key", "cqlp_" + base64.urlsafe_b64encode(modified).decode(), NOW
            )
            is None
        )
    random = Random(1)
    for index in range(5, len(text)):
        changed = text[:index] + random.choice([c for c in "aZ09-_" if c != text[index]]) + text[index + 1 :]
        assert preview_tokens.verify_preview_token("key", changed, NOW) is None
    for wrong in (
        "",
        "cqlp_",
        text[:-1],
        text + "A",
        text[5:],
        "cqlp_" + "é" * 64,
        text + "\n",
        "cql_" + text[5:],
    ):
        assert preview_tokens.verify_preview_token("key", wrong, NOW) is None


async def test_workers_share_one_signing_key(database_url: str) -> None:
    """The first request creates it, also with concurrent requests; the others read it."""
    databases = [Database(database_url) for _ in range(6)]
    for database in databases:
        await database.open()
    try:
        assert await preview_tokens.get_signing_key(databases[0]) is None
        tokens = await asyncio.gather(*(create_preview_token(database, NOW + HOUR) for database in databases))
        assert len(set(tokens)) == 1
        (key,) = {await preview_tokens.get_signing_key(database) for database in databases}
        assert key is not None
        assert len(bytes.fromhex(key)) == 32
        async with databases[0].orm():
            assert [(row.id, row.value) for row in await SigningKey.all()] == [("preview", key)]
            # The key is cached now.
            await SigningKey.all().delete()
        assert {await preview_tokens.get_signing_key(database) for database in databases} == {key}
    finally:
        for database in databases:
            await database.close()


async def test_preview_token_can_be_signed_within_a_transaction(database_url: str) -> None:
    """A rolled back transaction leaves no key."""
    async with Database(database_url) as database:
        with contextlib.suppress(ZeroDivisionError):
            async with database.transaction():
                await preview_tokens.sign_preview_token_in_transaction(database, LINK, NOW + HOUR)
                raise ZeroDivisionError
        assert await preview_tokens.get_signing_key(database) is None
        async with database.transaction():
            first, second = [
                await preview_tokens.sign_preview_token_in_transaction(database, LINK, NOW + HOUR)
                for _ in range(2)
            ]
        assert first == second
        key = await preview_tokens.get_signing_key(database)
        assert key is not None
        assert preview_tokens.verify_preview_token(key, first, NOW) == LINK


async def test_invalid_preview_tokens_are_rejected(database_url: str) -> None:
    """Verification does not create a signing key."""
    async with Database(database_url) as database:
        authenticator = Authenticator(database, Settings(), now=lambda: NOW)
        for key_exists in (False, True):
            if key_exists:
                await create_preview_token(database, NOW + HOUR)
            with pytest.raises(ApiError, match="not valid, has expired or was revoked") as exc_info:
                await authenticator.authenticate(
                    f"Bearer {preview_tokens.sign_preview_token('key', 1, NOW + HOUR)}", None, "203.0.113.9"
                )
            assert exc_info.value.code == "UNAUTHENTICATED"
            async with database.orm():
                assert await SigningKey.all().count() == int(key_exists)
        expired = await create_preview_token(database, NOW)
        with pytest.raises(ApiError, match="not valid, has expired or was revoked"):
            await authenticator.authenticate(f"Bearer {expired}", None, "203.0.113.9")
