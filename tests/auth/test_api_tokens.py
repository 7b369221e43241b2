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

HOME = "203.0.113.9"
DAY = dt.timedelta(days=1)


class Clock:
    """Stands still until it is set."""

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
def callers(database: Database, clock: Clock) -> Authenticator:
    return Authenticator(database, Settings(), now=lambda: NOW, throttle=FailedLoginThrottle(clock=clock))


async def create_token(
    database: Database, name: str = "Jane Doe", role: Role = Role.EDITOR, **more: Any
) -> str:
    async with database.orm(), in_transaction():
        _, secret = await api_tokens.issue_token(name=name, role=role, created_by="tests", now=NOW, **more)
    return secret


async def stored_token(database: Database) -> ApiToken:
    async with database.orm():
        return await ApiToken.get()


async def authenticate(authenticator: Authenticator, secret: str, address: str = HOME) -> Viewer:
    return await authenticator.authenticate(f"Bearer {secret}", None, address)


async def code(authenticator: Authenticator, authorization: str, address: str = HOME) -> str:
    with pytest.raises(ApiError) as refusal:
        await authenticator.authenticate(authorization, None, address)
    assert "cql" not in refusal.value.message
    return refusal.value.code


# The text


def test_token_format() -> None:
    """A prefix that scanners can know, more than 200 bits of chance, a checksum; never twice the same."""
    texts = {api_tokens.generate_token() for _ in range(1_000)}
    assert len(texts) == 1_000
    for text in texts:
        assert re.fullmatch(r"cql_[0-9A-Za-z]{46}", text)
        assert api_tokens.has_valid_checksum(text)


def test_a_token_with_a_slip_is_known_without_looking_it_up() -> None:
    """One changed character, a missing one, one too many, other digits."""
    text = api_tokens.generate_token()
    for place in range(4, len(text)):
        other = "a" if text[place] != "a" else "b"
        assert not api_tokens.has_valid_checksum(text[:place] + other + text[place + 1 :])
    for wrong in (text[:-1], text + "a", text[4:], "", "cql_", text.replace("cql_", "CQL_"), text[:-1] + "٣"):
        assert not api_tokens.has_valid_checksum(wrong)


def test_checksum_is_crc32_in_base_62() -> None:
    """CRC-32 of the forty characters, in base 62 with the digits 0-9, A-Z, a-z."""
    text = api_tokens.generate_token()
    number = 0
    for digit in text[-6:]:
        number = number * 62 + (string.digits + string.ascii_uppercase + string.ascii_lowercase).index(digit)
    assert number == crc32(text[4:-6].encode())


# Made and taken away


async def test_only_a_hash_is_stored(database: Database) -> None:
    """The row holds nothing of the secret but its hash and its last four characters."""
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
    """A name without letters gets the token's id: two of them are not one account."""
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
    """And nothing is written."""
    async with database.orm():
        arguments = {"name": "Jane", "role": Role.AUTHOR, "created_by": "tests", "now": NOW, **wrong}
        with pytest.raises(ApiError) as refusal:
            await api_tokens.issue_token(**arguments)
        assert refusal.value.code == "BAD_USER_INPUT"
        assert await ApiToken.all().count() == 0


async def test_a_token_can_be_revoked_only_once(database: Database) -> None:
    """The first revocation time stays; an unknown token cannot be revoked."""
    await create_token(database)
    row = await stored_token(database)
    async with database.orm():
        assert await api_tokens.mark_token_revoked(row.id, NOW)
        assert not await api_tokens.mark_token_revoked(row.id, NOW + DAY)
        assert not await api_tokens.mark_token_revoked(17, NOW)
    assert (await stored_token(database)).revoked_at == NOW


# Shown


async def test_a_good_token_is_its_owner(database: Database, callers: Authenticator) -> None:
    """Name, account, role and what the role may do; scopes leave less."""
    viewer = await authenticate(callers, await create_token(database))
    assert viewer == Viewer("Jane Doe", Role.EDITOR, "jane-doe", ROLE_PERMISSIONS[Role.EDITOR])
    narrow = await create_token(
        database, "Proofs", Role.PUBLISHER, scopes=[Permission.READ_ALL_DRAFTS, "CREATE_PREVIEW_LINKS"]
    )
    assert (await authenticate(callers, narrow)).permissions == {
        Permission.READ_ALL_DRAFTS,
        Permission.CREATE_PREVIEW_LINKS,
    }
    assert await callers.authenticate(None, None, HOME) == ANONYMOUS_VIEWER


async def test_all_rejected_tokens_get_the_same_error(database: Database, callers: Authenticator) -> None:
    """Unknown, mistyped, expired and revoked tokens get one message."""
    expired = await create_token(database, expires_at=NOW + DAY)
    revoked = await create_token(database)
    good = await create_token(database)
    async with database.orm():
        await ApiToken.filter(hash=api_tokens.hash_token(expired)).update(expires_at=NOW)
        row = await ApiToken.get(hash=api_tokens.hash_token(revoked))
        await api_tokens.mark_token_revoked(row.id, NOW)
    values = set()
    for secret in (
        api_tokens.generate_token(),
        good[:-1] + "?",
        expired,
        revoked,
        "anything",
        "cql_",
        "cqlp_x",
        "a.b.c",
    ):
        with pytest.raises(ApiError) as refusal:
            await authenticate(callers, secret.replace("?", "a" if good[-1] != "a" else "b"))
        values.add((refusal.value.code, refusal.value.message, refusal.value.hint))
    ((expected, message, _),) = values
    assert (expected, message) == (
        "UNAUTHENTICATED",
        "The token is not valid, has expired or was revoked.",
    )
    assert (await authenticate(callers, good)).account == "jane-doe"


@pytest.mark.parametrize(
    "wrong",
    ["", "Bearer", "Bearer ", "Basic dXNlcjpwYXNz", "Bearer a b", "Bearer \u00e9", "Bearer " + "a" * 9_000],
    ids=lambda text: text[:20],
)
async def test_invalid_authorization_headers_are_rejected(callers: Authenticator, wrong: str) -> None:
    """Whatever it holds, it is not taken for the public."""
    assert await code(callers, wrong) == "UNAUTHENTICATED"


async def test_the_scheme_is_read_as_http_says(database: Database, callers: Authenticator) -> None:
    """Its letters may be small or capital, and blanks may be many."""
    secret = await create_token(database)
    for header in (f"bearer {secret}", f"BEARER   {secret}", f" Bearer {secret} "):
        assert (await callers.authenticate(header, None, HOME)).account == "jane-doe"


async def test_revoked_tokens_are_rejected_by_every_worker(database_url: str) -> None:
    """Nothing is remembered that would let it in once more."""
    async with Database(database_url) as one, Database(database_url) as other:
        secret = await create_token(one)
        workers = [Authenticator(database, Settings(), now=lambda: NOW) for database in (one, other)]
        for worker in workers:
            await authenticate(worker, secret)
        row = await stored_token(one)
        async with one.orm():
            await api_tokens.mark_token_revoked(row.id, NOW)
        for worker in workers:
            assert await code(worker, f"Bearer {secret}") == "UNAUTHENTICATED"


async def test_tokens_are_rejected_without_the_token_table(server: Any) -> None:
    """It was not migrated yet: tokens are refused, and nothing fails."""
    url = await server.empty()
    async with Database(url).orm() as connection:
        await connection.execute_script("CREATE TABLE other (id int)")
    async with Database(url) as database:
        authenticator = Authenticator(database, Settings())
        for secret in (api_tokens.generate_token(), preview_tokens.sign_preview_token("key", 1, NOW)):
            assert await code(authenticator, f"Bearer {secret}") == "UNAUTHENTICATED"
    await server.drop(url)


# The last use


async def test_the_last_use_is_written_once_a_minute(database: Database) -> None:
    """By whichever worker flushes first, and never backwards."""
    secret = await create_token(database)
    moment = [NOW]
    one, other = (Authenticator(database, Settings(), now=lambda: moment[0]) for _ in range(2))
    for seconds, written in ((0, 0), (5, 0), (59, 0), (61, 61), (70, 61), (121, 121)):
        moment[0] = NOW + dt.timedelta(seconds=seconds)
        for worker in (one, other):
            await authenticate(worker, secret)
            await worker.flush_last_used()
        assert (await stored_token(database)).last_used_at == NOW + dt.timedelta(seconds=written)


async def test_last_use_is_retried_after_a_failed_write(database: Database, monkeypatch: Any) -> None:
    """Until it can."""
    authenticator = Authenticator(database, Settings(), now=lambda: NOW)
    await authenticate(authenticator, await create_token(database))
    with monkeypatch.context() as broken:

        def orm(*_: Any, **__: Any) -> Any:
            raise OSError("away")

        broken.setattr(database, "orm", orm)
        await authenticator.flush_last_used()
    assert (await stored_token(database)).last_used_at is None
    await authenticator.flush_last_used()
    assert (await stored_token(database)).last_used_at == NOW


# As at another moment


async def test_a_preview_at_a_moment_is_for_those_who_see_drafts(
    database: Database, callers: Authenticator
) -> None:
    """In UTC and whole seconds; of others it is refused, whatever moment it is."""
    for role in Role:
        bearer = f"Bearer {await create_token(database, role.value, role)}"
        if role is Role.READER:
            with pytest.raises(ApiError) as refusal:
                await callers.authenticate(bearer, "2026-07-01T10:00:00.5+02:00", HOME)
            assert (refusal.value.code, refusal.value.status) == ("FORBIDDEN", 403)
        else:
            viewer = await callers.authenticate(bearer, "2026-07-01T10:00:00.5+02:00", HOME)
            assert viewer.preview_at == dt.datetime(2026, 7, 1, 8, tzinfo=dt.UTC)
            assert viewer.visibility.at_preview_time
    with pytest.raises(ApiError, match="for those who may see drafts"):
        await callers.authenticate(None, "2026-07-01T10:00:00Z", HOME)
    scoped = await create_token(database, "Reviews", scopes=["REVIEW"])
    with pytest.raises(ApiError, match="for those who may see drafts"):
        await callers.authenticate(f"Bearer {scoped}", "2026-07-01T10:00:00Z", HOME)


@pytest.mark.parametrize(
    "wrong",
    ["", "now", "2026-07-01", "2026-07-01T10:00:00", "2026-07-01T10:00Z", "2026-13-01T10:00:00Z",
     "1751364000", "0001-01-01T00:00:00+10:00", "2026-07-01T10:00:00Z; x", "２026-07-01T10:00:00Z"],
)  # fmt: skip
async def test_a_moment_is_a_time_with_its_zone(
    database: Database, callers: Authenticator, wrong: str
) -> None:
    """RFC 3339, as everywhere in the API."""
    bearer = f"Bearer {await create_token(database)}"
    with pytest.raises(ApiError) as refusal:
        await callers.authenticate(bearer, wrong, HOME)
    assert refusal.value.code == "BAD_USER_INPUT"


# Who tries tokens out


class Counted:
    """Callers, and how often they asked the database."""

    def __init__(self, database: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
        self.callers = Authenticator(
            database, Settings(), now=lambda: NOW, throttle=FailedLoginThrottle(clock=clock)
        )
        self.lookups = 0
        row = database.row

        def counted(*values: Any) -> Any:
            self.lookups += 1
            return row(*values)

        monkeypatch.setattr(database, "row", counted)


async def test_failed_tokens_block_the_client_address(
    database: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After ten that were refused in a minute, without a further look; the next minute begins anew."""
    counted = Counted(database, clock, monkeypatch)
    values = [await code(counted.callers, f"Bearer {api_tokens.generate_token()}") for _ in range(20)]
    assert values == [*["UNAUTHENTICATED"] * MAX_FAILURES, *["RATE_LIMITED"] * (20 - MAX_FAILURES)]
    assert counted.lookups == MAX_FAILURES
    clock.seconds += 30
    with pytest.raises(ApiError) as refusal:
        await authenticate(counted.callers, api_tokens.generate_token())
    assert refusal.value.extra_extensions == {"limit": MAX_FAILURES, "retryAfter": 30}
    assert (
        await code(counted.callers, f"Bearer {api_tokens.generate_token()}", "203.0.113.10")
        == "UNAUTHENTICATED"
    )
    clock.seconds += 30
    assert await code(counted.callers, f"Bearer {api_tokens.generate_token()}") == "UNAUTHENTICATED"


async def test_concurrent_failed_tokens_are_limited(
    database: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that come together are let in only as far as they could be refused one by one."""
    counted = Counted(database, clock, monkeypatch)
    results = await asyncio.gather(
        *(code(counted.callers, f"Bearer {api_tokens.generate_token()}") for _ in range(200))
    )
    assert sorted(set(results)) == ["RATE_LIMITED", "UNAUTHENTICATED"]
    assert (results.count("UNAUTHENTICATED"), counted.lookups) == (MAX_FAILURES, MAX_FAILURES)


async def test_malformed_tokens_count_as_failed(callers: Authenticator) -> None:
    """Otherwise a header of another form would be a way to find out which forms are looked at."""
    wrong = ["Basic dXNlcjpwYXNz", "Bearer", "Bearer a.b.c", "Bearer cqlp_x", "Bearer cql_x"] * 2
    assert {await code(callers, text) for text in wrong} == {"UNAUTHENTICATED"}
    assert await code(callers, "Bearer nothing") == "RATE_LIMITED"


async def test_good_tokens_go_on_where_others_are_tried_out(
    database: Database, callers: Authenticator, clock: Clock
) -> None:
    """Those that were good from there within the hour; one that is revoked meanwhile is not."""
    existing, new, revoked = [await create_token(database, name) for name in ("Known", "New", "Revoked")]
    for secret in (existing, revoked):
        await authenticate(callers, secret)
    async with database.orm():
        await api_tokens.mark_token_revoked((await ApiToken.get(hash=api_tokens.hash_token(revoked))).id, NOW)
    for _ in range(MAX_FAILURES):
        await code(callers, f"Bearer {api_tokens.generate_token()}")
    assert (await authenticate(callers, existing)).name == "Known"
    assert await code(callers, f"Bearer {new}") == "RATE_LIMITED"
    assert (await authenticate(callers, new, "203.0.113.10")).name == "New"
    assert await code(callers, f"Bearer {revoked}") == "UNAUTHENTICATED"
    assert await code(callers, f"Bearer {revoked}") == "RATE_LIMITED"
    clock.seconds += 3_600
    for _ in range(MAX_FAILURES):
        await code(callers, f"Bearer {api_tokens.generate_token()}")
    assert await code(callers, f"Bearer {existing}") == "RATE_LIMITED"


async def test_many_people_at_one_address_do_not_shut_each_other_out(
    database: Database, callers: Authenticator
) -> None:
    """Fifty new tokens at the same moment."""
    secrets = [await create_token(database, f"Person {number}") for number in range(50)]
    results = await asyncio.gather(*(authenticate(callers, secret) for secret in secrets for _ in range(3)))
    assert len({viewer.name for viewer in results}) == 50


async def test_database_outage_is_not_a_failed_token(
    database: Database, callers: Authenticator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is said as it is, and does not count."""
    secret = await create_token(database)

    async def away(*_: Any) -> Any:
        raise ApiError("DATABASE_UNAVAILABLE", "The database does not answer just now.")

    with monkeypatch.context() as broken:
        broken.setattr(database, "row", away)
        values = [await code(callers, f"Bearer {secret}") for _ in range(2 * MAX_FAILURES)]
    assert set(values) == {"DATABASE_UNAVAILABLE"}
    assert (await authenticate(callers, secret)).name == "Jane Doe"
