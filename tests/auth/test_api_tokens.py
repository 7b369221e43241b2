"""API tokens: creation, storage as a hash, verification on every request, expiry and revocation."""

from __future__ import annotations

import asyncio
import datetime as dt
import hashlib
import re
import string
from collections.abc import AsyncIterator
from typing import Any
from zlib import crc32

import pytest
from tests.conftest import NOW
from tortoise.transactions import in_transaction

from contentql.auth import api_tokens, preview_tokens
from contentql.auth.authenticator import Authenticator
from contentql.auth.permissions import ROLE_PERMISSIONS, Permission, Role
from contentql.auth.throttle import MAX_FAILURES, FailedLoginThrottle
from contentql.auth.viewer import ANONYMOUS_VIEWER, Viewer
from contentql.errors import ApiError
from contentql.settings import Settings
from contentql.store.database import Database
from contentql.store.models.accounts import ApiToken

CLIENT_ADDRESS = "203.0.113.9"
DAY = dt.timedelta(days=1)


class Clock:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.seconds = 1_000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with Database(database_url) as db:
        yield db


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def authenticator(database: Database, clock: Clock) -> Authenticator:
    return Authenticator(database, Settings(), now=lambda: NOW, throttle=FailedLoginThrottle(clock=clock))


async def create_token(
    database: Database, name: str = "Jane Doe", role: Role = Role.EDITOR, **options: Any
) -> str:
    async with database.orm(), in_transaction():
        _, secret = await api_tokens.issue_token(name=name, role=role, created_by="tests", now=NOW, **options)
    return secret


async def stored_token(database: Database) -> ApiToken:
    async with database.orm():
        return await ApiToken.get()


async def authenticate(authenticator: Authenticator, secret: str, address: str = CLIENT_ADDRESS) -> Viewer:
    return await authenticator.authenticate(f"Bearer {secret}", None, address)


async def error_code(authenticator: Authenticator, authorization: str, address: str = CLIENT_ADDRESS) -> str:
    """The error code of a rejected Authorization header; the message must not contain the token."""
    with pytest.raises(ApiError) as exc_info:
        await authenticator.authenticate(authorization, None, address)
    assert "cql" not in exc_info.value.message
    return exc_info.value.code


# Format


def test_token_format() -> None:
    """A prefix for secret scanners, more than 200 random bits and a checksum; tokens are unique."""
    texts = {api_tokens.generate_token() for _ in range(1_000)}
    assert len(texts) == 1_000
    for text in texts:
        assert re.fullmatch(r"cql_[0-9A-Za-z]{46}", text)
        assert api_tokens.has_valid_checksum(text)


def test_checksum_detects_mistyped_tokens() -> None:
    """A changed, missing or additional character, and digits of other scripts."""
    text = api_tokens.generate_token()
    for index in range(4, len(text)):
        other = "a" if text[index] != "a" else "b"
        assert not api_tokens.has_valid_checksum(text[:index] + other + text[index + 1 :])
    for wrong in (text[:-1], text + "a", text[4:], "", "cql_", text.replace("cql_", "CQL_"), text[:-1] + "٣"):
        assert not api_tokens.has_valid_checksum(wrong)


def test_checksum_is_crc32_in_base_62() -> None:
    """CRC-32 of the first forty characters, with the digits 0-9, A-Z, a-z."""
    text = api_tokens.generate_token()
    checksum = 0
    for digit in text[-6:]:
        checksum = checksum * 62 + (string.digits + string.ascii_uppercase + string.ascii_lowercase).index(
            digit
        )
    assert checksum == crc32(text[4:-6].encode())


# Creation and revocation


async def test_only_a_hash_is_stored(database: Database) -> None:
    """The row contains only the hash and the last four characters of the secret."""
    secret = await create_token(database, scopes=["READ_ALL_DRAFTS"], expires_at=NOW + DAY)
    row = await stored_token(database)
    assert (row.hash, row.hint) == (hashlib.sha256(secret.encode()).hexdigest(), secret[-4:])
    assert (row.name, row.account, row.role, row.scopes) == (
        "Jane Doe",
        "jane-doe",
        "EDITOR",
        ["READ_ALL_DRAFTS"],
    )
    assert (row.created_at, row.expires_at, row.created_by) == (NOW, NOW + DAY, "tests")
    assert row.last_used_at is None
    assert row.revoked_at is None
    for name in ("name", "account", "hint", "hash", "created_by"):
        assert secret[4:-4] not in getattr(row, name)


async def test_account_defaults_to_the_slug_of_the_name(database: Database) -> None:
    """For a name without letters it is the id of the token, so that two such tokens differ."""
    async with database.orm():
        results = []
        for name, account in (("Łukasz Żak", None), ("Jane", "jd"), ("***", None)):
            token, _ = await api_tokens.issue_token(
                name=name, role=Role.AUTHOR, account=account, created_by="tests", now=NOW
            )
            results.append((token.account, token.id))
    assert [account for account, _ in results] == ["lukasz-zak", "jd", f"tok_{results[2][1]}"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""},
        {"name": "  "},
        {"name": "a" * 201},
        {"name": "a\nb"},
        {"account": ""},
        {"account": "a\x00b"},
        {"expires_at": NOW},
        {"scopes": ["PUBLISH"]},
        {"scopes": ["READ_OWN_DRAFTS", "FLY"]},
        {"role": Role.READER, "scopes": ["READ_ALL_DRAFTS"]},
    ],
    ids=str,
)
async def test_invalid_token_options_are_rejected(database: Database, wrong: dict[str, Any]) -> None:
    """No token is stored."""
    async with database.orm():
        arguments = {"name": "Jane", "role": Role.AUTHOR, "created_by": "tests", "now": NOW, **wrong}
        with pytest.raises(ApiError) as exc_info:
            await api_tokens.issue_token(**arguments)
        assert exc_info.value.code == "BAD_USER_INPUT"
        assert await ApiToken.all().count() == 0


async def test_tokens_can_be_revoked_only_once(database: Database) -> None:
    """The first revocation time stays, and an unknown token cannot be revoked."""
    await create_token(database)
    row = await stored_token(database)
    async with database.orm():
        assert await api_tokens.mark_token_revoked(row.id, NOW)
        assert not await api_tokens.mark_token_revoked(row.id, NOW + DAY)
        assert not await api_tokens.mark_token_revoked(17, NOW)
    assert (await stored_token(database)).revoked_at == NOW


# Verification


async def test_valid_token_identifies_the_viewer(database: Database, authenticator: Authenticator) -> None:
    """Name, account, role and permissions; scopes restrict the permissions."""
    viewer = await authenticate(authenticator, await create_token(database))
    token_id = (await stored_token(database)).id
    permissions = ROLE_PERMISSIONS[Role.EDITOR]
    assert viewer == Viewer("Jane Doe", Role.EDITOR, "jane-doe", permissions, token_id=token_id)
    scoped = await create_token(
        database, "Proofs", Role.PUBLISHER, scopes=[Permission.READ_ALL_DRAFTS, "CREATE_PREVIEW_LINKS"]
    )
    assert (await authenticate(authenticator, scoped)).permissions == {
        Permission.READ_ALL_DRAFTS,
        Permission.CREATE_PREVIEW_LINKS,
    }
    assert await authenticator.authenticate(None, None, CLIENT_ADDRESS) == ANONYMOUS_VIEWER


async def test_all_rejected_tokens_get_the_same_error(
    database: Database, authenticator: Authenticator
) -> None:
    """Unknown, mistyped, expired and revoked tokens get the same message."""
    expired = await create_token(database, expires_at=NOW + DAY)
    revoked = await create_token(database)
    valid = await create_token(database)
    async with database.orm():
        await ApiToken.filter(hash=api_tokens.hash_token(expired)).update(expires_at=NOW)
        row = await ApiToken.get(hash=api_tokens.hash_token(revoked))
        await api_tokens.mark_token_revoked(row.id, NOW)
    errors = set()
    for secret in (
        api_tokens.generate_token(),
        valid[:-1] + "?",
        expired,
        revoked,
        "anything",
        "cql_",
        "cqlp_x",
        "a.b.c",
    ):
        with pytest.raises(ApiError) as exc_info:
            await authenticate(authenticator, secret.replace("?", "a" if valid[-1] != "a" else "b"))
        errors.add((exc_info.value.code, exc_info.value.message, exc_info.value.hint))
    ((code, message, _),) = errors
    assert (code, message) == (
        "UNAUTHENTICATED",
        "The token is not valid, has expired or was revoked.",
    )
    assert (await authenticate(authenticator, valid)).account == "jane-doe"


@pytest.mark.parametrize(
    "wrong",
    ["", "Bearer", "Bearer ", "Basic dXNlcjpwYXNz", "Bearer a b", "Bearer \u00e9", "Bearer " + "a" * 9_000],
    ids=lambda text: text[:20],
)
async def test_invalid_authorization_headers_are_rejected(authenticator: Authenticator, wrong: str) -> None:
    """The request is not treated as anonymous."""
    assert await error_code(authenticator, wrong) == "UNAUTHENTICATED"


async def test_authorization_scheme_is_case_insensitive(
    database: Database, authenticator: Authenticator
) -> None:
    """Several spaces are accepted, as HTTP specifies."""
    secret = await create_token(database)
    for header in (f"bearer {secret}", f"BEARER   {secret}", f" Bearer {secret} "):
        assert (await authenticator.authenticate(header, None, CLIENT_ADDRESS)).account == "jane-doe"


async def test_revoked_tokens_are_rejected_by_every_worker(database_url: str) -> None:
    """Workers do not cache valid tokens."""
    async with Database(database_url) as first, Database(database_url) as second:
        secret = await create_token(first)
        workers = [Authenticator(database, Settings(), now=lambda: NOW) for database in (first, second)]
        for worker in workers:
            await authenticate(worker, secret)
        row = await stored_token(first)
        async with first.orm():
            await api_tokens.mark_token_revoked(row.id, NOW)
        for worker in workers:
            assert await error_code(worker, f"Bearer {secret}") == "UNAUTHENTICATED"


async def test_tokens_are_rejected_without_the_token_table(server: Any) -> None:
    """A database that is not migrated yet causes no internal error."""
    url = await server.empty()
    async with Database(url).orm() as connection:
        await connection.execute_script("CREATE TABLE other (id int)")
    async with Database(url) as database:
        authenticator = Authenticator(database, Settings())
        for secret in (api_tokens.generate_token(), preview_tokens.sign_preview_token("key", 1, NOW)):
            assert await error_code(authenticator, f"Bearer {secret}") == "UNAUTHENTICATED"
    await server.drop(url)


# The last use


async def test_last_use_is_written_once_a_minute(database: Database) -> None:
    """By the worker that flushes first, and never an earlier time."""
    secret = await create_token(database)
    current_time = [NOW]
    first, second = (Authenticator(database, Settings(), now=lambda: current_time[0]) for _ in range(2))
    for seconds, expected_seconds in ((0, 0), (5, 0), (59, 0), (61, 61), (70, 61), (121, 121)):
        current_time[0] = NOW + dt.timedelta(seconds=seconds)
        for worker in (first, second):
            await authenticate(worker, secret)
            await worker.flush_last_used()
        assert (await stored_token(database)).last_used_at == NOW + dt.timedelta(seconds=expected_seconds)


async def test_last_use_is_retried_after_a_failed_write(database: Database, monkeypatch: Any) -> None:
    authenticator = Authenticator(database, Settings(), now=lambda: NOW)
    await authenticate(authenticator, await create_token(database))
    with monkeypatch.context() as patched:

        def orm(*_: Any, **__: Any) -> Any:
            raise OSError("away")

        patched.setattr(database, "orm", orm)
        await authenticator.flush_last_used()
    assert (await stored_token(database)).last_used_at is None
    await authenticator.flush_last_used()
    assert (await stored_token(database)).last_used_at == NOW


# Preview time


async def test_preview_time_requires_permission_to_read_drafts(
    database: Database, authenticator: Authenticator
) -> None:
    """It is converted to UTC and whole seconds; without permission it is FORBIDDEN."""
    for role in Role:
        bearer = f"Bearer {await create_token(database, role.value, role)}"
        if role is Role.READER:
            with pytest.raises(ApiError) as exc_info:
                await authenticator.authenticate(bearer, "2026-07-01T10:00:00.5+02:00", CLIENT_ADDRESS)
            assert (exc_info.value.code, exc_info.value.status) == ("FORBIDDEN", 403)
        else:
            viewer = await authenticator.authenticate(bearer, "2026-07-01T10:00:00.5+02:00", CLIENT_ADDRESS)
            assert viewer.preview_at == dt.datetime(2026, 7, 1, 8, tzinfo=dt.UTC)
            assert viewer.visibility.at_preview_time
    with pytest.raises(ApiError, match="needs the permission READ_OWN_DRAFTS"):
        await authenticator.authenticate(None, "2026-07-01T10:00:00Z", CLIENT_ADDRESS)
    scoped = await create_token(database, "Reviews", scopes=["REVIEW"])
    with pytest.raises(ApiError, match="needs the permission READ_OWN_DRAFTS"):
        await authenticator.authenticate(f"Bearer {scoped}", "2026-07-01T10:00:00Z", CLIENT_ADDRESS)


@pytest.mark.parametrize(
    "wrong",
    ["", "now", "2026-07-01", "2026-07-01T10:00:00", "2026-07-01T10:00Z", "2026-13-01T10:00:00Z",
     "1751364000", "0001-01-01T00:00:00+10:00", "2026-07-01T10:00:00Z; x", "２026-07-01T10:00:00Z"],
)  # fmt: skip
async def test_preview_time_must_be_rfc_3339_with_time_zone(
    database: Database, authenticator: Authenticator, wrong: str
) -> None:
    bearer = f"Bearer {await create_token(database)}"
    with pytest.raises(ApiError) as exc_info:
        await authenticator.authenticate(bearer, wrong, CLIENT_ADDRESS)
    assert exc_info.value.code == "BAD_USER_INPUT"


# Throttling


class CountingAuthenticator:
    """An authenticator, and the number of its database lookups."""

    def __init__(self, database: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
        self.authenticator = Authenticator(
            database, Settings(), now=lambda: NOW, throttle=FailedLoginThrottle(clock=clock)
        )
        self.lookups = 0
        row = database.row

        def counted_row(*values: Any) -> Any:
            self.lookups += 1
            return row(*values)

        monkeypatch.setattr(database, "row", counted_row)


async def test_failed_tokens_block_the_client_address(
    database: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After ten failures in a minute without further lookups; the next minute begins with none."""
    counting = CountingAuthenticator(database, clock, monkeypatch)
    codes = [
        await error_code(counting.authenticator, f"Bearer {api_tokens.generate_token()}") for _ in range(20)
    ]
    assert codes == [*["UNAUTHENTICATED"] * MAX_FAILURES, *["RATE_LIMITED"] * (20 - MAX_FAILURES)]
    assert counting.lookups == MAX_FAILURES
    clock.seconds += 30
    with pytest.raises(ApiError) as exc_info:
        await authenticate(counting.authenticator, api_tokens.generate_token())
    assert exc_info.value.extra_extensions == {"limit": MAX_FAILURES, "retryAfter": 30}
    assert (
        await error_code(counting.authenticator, f"Bearer {api_tokens.generate_token()}", "203.0.113.10")
        == "UNAUTHENTICATED"
    )
    clock.seconds += 30
    assert (
        await error_code(counting.authenticator, f"Bearer {api_tokens.generate_token()}") == "UNAUTHENTICATED"
    )


async def test_concurrent_failed_tokens_are_limited(
    database: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Concurrent requests get no more attempts than sequential ones."""
    counting = CountingAuthenticator(database, clock, monkeypatch)
    codes = await asyncio.gather(
        *(error_code(counting.authenticator, f"Bearer {api_tokens.generate_token()}") for _ in range(200))
    )
    assert sorted(set(codes)) == ["RATE_LIMITED", "UNAUTHENTICATED"]
    assert (codes.count("UNAUTHENTICATED"), counting.lookups) == (MAX_FAILURES, MAX_FAILURES)


async def test_malformed_tokens_count_as_failed(authenticator: Authenticator) -> None:
    """Otherwise the error would show which formats are looked up."""
    wrong = ["Basic dXNlcjpwYXNz", "Bearer", "Bearer a.b.c", "Bearer cqlp_x", "Bearer cql_x"] * 2
    assert {await error_code(authenticator, text) for text in wrong} == {"UNAUTHENTICATED"}
    assert await error_code(authenticator, "Bearer nothing") == "RATE_LIMITED"


async def test_known_tokens_are_accepted_from_a_blocked_address(
    database: Database, authenticator: Authenticator, clock: Clock
) -> None:
    """Tokens that were valid from the address within the hour, unless they are revoked."""
    known, new, revoked = [await create_token(database, name) for name in ("Known", "New", "Revoked")]
    for secret in (known, revoked):
        await authenticate(authenticator, secret)
    async with database.orm():
        await api_tokens.mark_token_revoked((await ApiToken.get(hash=api_tokens.hash_token(revoked))).id, NOW)
    for _ in range(MAX_FAILURES):
        await error_code(authenticator, f"Bearer {api_tokens.generate_token()}")
    assert (await authenticate(authenticator, known)).name == "Known"
    assert await error_code(authenticator, f"Bearer {new}") == "RATE_LIMITED"
    assert (await authenticate(authenticator, new, "203.0.113.10")).name == "New"
    assert await error_code(authenticator, f"Bearer {revoked}") == "UNAUTHENTICATED"
    assert await error_code(authenticator, f"Bearer {revoked}") == "RATE_LIMITED"
    clock.seconds += 3_600
    for _ in range(MAX_FAILURES):
        await error_code(authenticator, f"Bearer {api_tokens.generate_token()}")
    assert await error_code(authenticator, f"Bearer {known}") == "RATE_LIMITED"


async def test_concurrent_valid_tokens_of_one_address_are_accepted(
    database: Database, authenticator: Authenticator
) -> None:
    """Fifty tokens that are used for the first time."""
    secrets = [await create_token(database, f"Person {number}") for number in range(50)]
    results = await asyncio.gather(
        *(authenticate(authenticator, secret) for secret in secrets for _ in range(3))
    )
    assert len({viewer.name for viewer in results}) == 50


async def test_database_outage_is_not_a_failed_token(
    database: Database, authenticator: Authenticator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error is DATABASE_UNAVAILABLE and is not counted."""
    secret = await create_token(database)

    async def fail(*_: Any) -> Any:
        raise ApiError("DATABASE_UNAVAILABLE", "The database does not answer just now.")

    with monkeypatch.context() as patched:
        patched.setattr(database, "row", fail)
        codes = [await error_code(authenticator, f"Bearer {secret}") for _ in range(2 * MAX_FAILURES)]
    assert set(codes) == {"DATABASE_UNAVAILABLE"}
    assert (await authenticate(authenticator, secret)).name == "Jane Doe"
