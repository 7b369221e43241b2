"""API tokens: random secrets of which only a hash is stored.

Invariant: knows roles and the table of tokens; never HTTP.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
import secrets
import string
from collections.abc import Iterable
from typing import Final
from zlib import crc32

from slugify import slugify

from contentql.auth.permissions import ROLE_PERMISSIONS, Role
from contentql.content import ids
from contentql.errors import ApiError
from contentql.store.models.accounts import ApiToken

TOKEN_PREFIX: Final = "cql_"
MAX_NAME_LENGTH: Final = 200  # characters of a name or an account

# 40 characters are 238 bits. The last six are a CRC-32 of those, as in GitHub's tokens: who scans texts for
# secrets that slipped out can tell ours from chance without asking us.
_RANDOM, _CHECK = 40, 6
_BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase
_FORM = re.compile(rf"{TOKEN_PREFIX}([0-9A-Za-z]{{{_RANDOM}}})([0-9A-Za-z]{{{_CHECK}}})")
_HINT = 4


def generate_token() -> str:
    """Generates a random token with prefix and checksum."""
    random = "".join(secrets.choice(_BASE62) for _ in range(_RANDOM))
    return f"{TOKEN_PREFIX}{random}{_checksum(random)}"


def has_valid_checksum(text: str) -> bool:
    """True if the text has the form of a token and a valid checksum. Others need no database lookup."""
    match = _FORM.fullmatch(text)
    return match is not None and _checksum(match[1]) == match[2]


def hash_token(text: str) -> str:
    """SHA-256 of a token. Tokens are random, so that no slow hash is needed."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


async def issue_token(
    *,
    name: str,
    role: Role,
    account: str | None = None,
    scopes: Iterable[str] = (),
    expires_at: dt.datetime | None = None,
    created_by: str,
    now: dt.datetime,
) -> tuple[ApiToken, str]:
    """Creates a token. Returns its row and the secret, which cannot be read again.

    Needs an open ORM connection. `account` defaults to the slug of the name. Raises BAD_USER_INPUT.
    """
    name = name.strip()
    _check_text("name", name)
    number = ids.new_id()
    account = (
        slugify(name, max_length=MAX_NAME_LENGTH) or ids.encode_id("token", number)
        if account is None
        else account
    )
    _check_text("account", account)
    narrowed = sorted(dict.fromkeys(str(scope) for scope in scopes))
    may = {ability.value for ability in ROLE_PERMISSIONS[role]}
    for scope in narrowed:
        if scope not in may:
            raise ApiError(
                "BAD_USER_INPUT",
                f"{scope[:40]!r} is nothing that {role.value} may do, so no scope can leave it to a token.",
                f"Scopes of {role.value}: {', '.join(sorted(may)) or 'none'}.",
            )
    if expires_at is not None and expires_at <= now:
        raise ApiError("BAD_USER_INPUT", "The token would have expired already.", "Choose a time to come.")
    secret = generate_token()
    token = await ApiToken.create(
        id=number,
        account=account,
        name=name,
        role=role.value,
        scopes=narrowed,
        hash=hash_token(secret),
        hint=secret[-_HINT:],
        created_at=now,
        created_by=created_by[:MAX_NAME_LENGTH],
        expires_at=expires_at,
    )
    return token, secret


async def mark_token_revoked(token_id: int, now: dt.datetime) -> bool:
    """Revokes a token. Needs an open ORM connection. False if there is no active token with this id."""
    changed = await ApiToken.filter(id=token_id, revoked_at=None).update(revoked_at=now)
    return bool(changed)


def invalid_token_error() -> ApiError:
    """The error for every invalid token: its cause would help an attacker who tries tokens."""
    return ApiError(
        "UNAUTHENTICATED",
        "The token is not valid, has expired or was revoked.",
        "Ask your administrator for a new token.",
    )


def _check_text(what: str, text: str) -> None:
    if not 0 < len(text) <= MAX_NAME_LENGTH or not text.isprintable():
        raise ApiError(
            "BAD_USER_INPUT", f"The {what} of a token has 1 to {MAX_NAME_LENGTH} printable characters."
        )


def _checksum(text: str) -> str:
    number, digits = crc32(text.encode()), ""
    for _ in range(_CHECK):
        number, digit = divmod(number, len(_BASE62))
        digits = _BASE62[digit] + digits
    return digits
