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

# 40 characters are 238 bits. The last six are a CRC-32 of those, as in GitHub's tokens, so that secret
# scanners can recognise a leaked token without a request to this server.
_RANDOM_LENGTH, _CHECKSUM_LENGTH = 40, 6
_BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase
_TOKEN_PATTERN = re.compile(
    rf"{TOKEN_PREFIX}([0-9A-Za-z]{{{_RANDOM_LENGTH}}})([0-9A-Za-z]{{{_CHECKSUM_LENGTH}}})"
)
_HINT_LENGTH = 4


def generate_token() -> str:
    """Generates a random token with prefix and checksum."""
    random = "".join(secrets.choice(_BASE62) for _ in range(_RANDOM_LENGTH))
    return f"{TOKEN_PREFIX}{random}{_checksum(random)}"


def has_valid_checksum(text: str) -> bool:
    """True if the text has the form of a token and a valid checksum. Others need no database lookup."""
    match = _TOKEN_PATTERN.fullmatch(text)
    return match is not None and _checksum(match[1]) == match[2]


def hash_token(text: str) -> str:
    """SHA-256 of a token in hex. A slow hash is not needed, because tokens are random."""
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
    token_id = ids.new_id()
    account = (
        slugify(name, max_length=MAX_NAME_LENGTH) or ids.encode_id("token", token_id)
        if account is None
        else account
    )
    _check_text("account", account)
    scope_names = sorted(dict.fromkeys(str(scope) for scope in scopes))
    role_permissions = {permission.value for permission in ROLE_PERMISSIONS[role]}
    for scope in scope_names:
        if scope not in role_permissions:
            raise ApiError(
                "BAD_USER_INPUT",
                f"{scope[:40]!r} is not a permission of the role {role.value}.",
                f"Scopes of {role.value}: {', '.join(sorted(role_permissions)) or 'none'}.",
            )
    if expires_at is not None and expires_at <= now:
        raise ApiError("BAD_USER_INPUT", "The expiry time of a token must be in the future.")
    secret = generate_token()
    token = await ApiToken.create(
        id=token_id,
        account=account,
        name=name,
        role=role.value,
        scopes=scope_names,
        hash=hash_token(secret),
        hint=secret[-_HINT_LENGTH:],
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
    """The same error for every invalid token, because the cause would help an attacker who guesses tokens."""
    return ApiError(
        "UNAUTHENTICATED",
        "The token is not valid, has expired or was revoked.",
        "Ask your administrator for a new token.",
    )


def _check_text(field: str, text: str) -> None:
    if not 0 < len(text) <= MAX_NAME_LENGTH or not text.isprintable():
        raise ApiError(
            "BAD_USER_INPUT", f"The {field} of a token has 1 to {MAX_NAME_LENGTH} printable characters."
        )


def _checksum(text: str) -> str:
    value, digits = crc32(text.encode()), ""
    for _ in range(_CHECKSUM_LENGTH):
        value, digit = divmod(value, len(_BASE62))
        digits = _BASE62[digit] + digits
    return digits
