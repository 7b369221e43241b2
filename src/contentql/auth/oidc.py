"""JWTs of an OIDC issuer, verified by its public keys, and the roles they contain.

Invariant: knows PyJWT, claims and keys; not what a role permits.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import jwt

from contentql.auth.api_tokens import invalid_token_error
from contentql.auth.permissions import ROLE_PERMISSIONS, Role
from contentql.auth.viewer import Viewer
from contentql.errors import ApiError, OperatorError
from contentql.telemetry.printable import replace_unprintable

log = logging.getLogger("contentql")

_RSA = ("RSA", None)
# Accepted algorithms, with the type and curve of their keys. Only asymmetric ones: a signature with HS256 or
# `none` could be made by anyone who knows the public key.
ALGORITHMS: Final[Mapping[str, tuple[str, str | None]]] = {
    "RS256": _RSA,
    "RS384": _RSA,
    "RS512": _RSA,
    "PS256": _RSA,
    "PS384": _RSA,
    "PS512": _RSA,
    "ES256": ("EC", "P-256"),
    "ES384": ("EC", "P-384"),
    "EdDSA": ("OKP", "Ed25519"),
}

_MAX_TEXT_LENGTH = 200
_MAX_KEYS = 50
_FETCH_TIMEOUT = 5.0  # seconds
_MAX_AGE = 600.0  # seconds until keys are fetched again, so that revoked keys become invalid
_FETCH_INTERVAL = 60.0  # minimum number of seconds between two fetches
_RETRY_INTERVAL = 5.0  # the same while there are no keys
_ROLE_RANKS = {role.value: rank for rank, role in enumerate(Role)}


class OidcIssuer:
    """Verifies JWTs of one issuer for one audience. `keys`: URL of its JWKS, or a file with one."""

    def __init__(
        self,
        issuer: str,
        audience: str,
        keys: str,
        *,
        role_claim: str = "contentql_role",
        leeway: float = 30.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Raises OperatorError if the file of keys cannot be read."""
        self._issuer = issuer
        self._audience = audience
        self._keys = JwkSet(keys, clock=clock)
        self._role_claim = role_claim
        self._leeway = leeway

    async def authenticate(self, text: str) -> Viewer:
        """The viewer of a JWT. Raises UNAUTHENTICATED, and IDENTITY_PROVIDER_UNAVAILABLE if no keys are
        available."""
        try:
            header = jwt.get_unverified_header(text)
            algorithm, kid = header.get("alg"), header.get("kid")
        except (jwt.PyJWTError, ValueError, TypeError, RecursionError):
            raise invalid_token_error() from None
        if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
            raise invalid_token_error()
        keys = await self._keys.keys_for(kid if isinstance(kid, str) else None, algorithm)
        return self._viewer(self._verified_claims(text, keys, algorithm))

    def _verified_claims(self, text: str, keys: Sequence[Any], algorithm: str) -> dict[str, Any]:
        reason: Exception = LookupError("no key fits")
        for key in keys:
            try:
                return jwt.decode(
                    text,
                    key,
                    algorithms=[algorithm],
                    audience=self._audience,
                    issuer=self._issuer,
                    leeway=self._leeway,
                    options={"require": ["exp", "iss", "aud", "sub"], "enforce_minimum_key_length": True},
                )
            except jwt.InvalidSignatureError as exc:
                reason = exc  # another key of the issuer may fit
            except (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError) as exc:
                reason = exc
                break
        log.info("a token of %s was refused: %s", self._issuer, type(reason).__name__)
        raise invalid_token_error() from None

    def _viewer(self, claims: Mapping[str, Any]) -> Viewer:
        subject = claims["sub"]
        if not isinstance(subject, str) or not subject:
            raise invalid_token_error()
        role = self._role(claims)
        names = (claims.get(claim) for claim in ("name", "preferred_username", "email"))
        name = next((value for value in names if isinstance(value, str) and value.strip()), subject)
        name = replace_unprintable(name.strip()[:_MAX_TEXT_LENGTH])
        return Viewer(name, role, _bounded_account(f"{self._issuer}|{subject}"), ROLE_PERMISSIONS[role])

    def _role(self, claims: Mapping[str, Any]) -> Role:
        """The highest role in the claim; READER if the claim has no valid role."""
        claim = claims.get(self._role_claim)  # the whole name first: one that is a URL contains dots
        if claim is None:
            claim = claims
            for part in self._role_claim.split("."):
                claim = claim.get(part) if isinstance(claim, Mapping) else None
        values = claim if isinstance(claim, list) else [claim]
        role_names = [
            value.upper() for value in values if isinstance(value, str) and value.upper() in _ROLE_RANKS
        ]
        return Role(max(role_names, key=_ROLE_RANKS.__getitem__, default=Role.READER.value))


def _bounded_account(account: str) -> str:
    """The account name, shortened to the length that is stored."""
    if len(account) <= _MAX_TEXT_LENGTH and account.isprintable():
        return account
    digest = hashlib.sha256(account.encode("utf-8", "surrogatepass")).hexdigest()
    prefix = replace_unprintable(account[: _MAX_TEXT_LENGTH - len(digest) - 1])
    return f"{prefix}#{digest}"


@dataclass(frozen=True)
class _SigningKey:
    kid: str | None
    algorithms: frozenset[str]
    key: Any


class JwkSet:
    """Public keys of an issuer, from a URL or a file. If a fetch fails, the last keys stay valid."""

    def __init__(self, location: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._location = location
        self._is_url = location.startswith(("https://", "http://"))
        self._clock = clock
        self._keys: tuple[_SigningKey, ...] = ()
        self._last_fetch: float | None = None
        self._last_success: float | None = None
        self._fetching: asyncio.Task[None] | None = None
        if not self._is_url:
            try:
                self._use_keys(_read_file(location))
            except (OSError, ValueError) as exc:
                reason = exc.strerror if isinstance(exc, OSError) else exc
                raise OperatorError(f"CONTENTQL_OIDC_JWKS_URL cannot be {location!r}: {reason}.") from None

    async def keys_for(self, kid: str | None, algorithm: str) -> list[Any]:
        """The keys that may have signed the token. Raises IDENTITY_PROVIDER_UNAVAILABLE if there are none."""
        keys = self._matching_keys(kid, algorithm)
        if not keys and self._may_fetch(_FETCH_INTERVAL if self._keys else _RETRY_INTERVAL):
            await self._wait_for_fetch()
            keys = self._matching_keys(kid, algorithm)
        elif keys and self._is_stale() and self._may_fetch(_FETCH_INTERVAL):
            self._start_fetch()  # in the background
        if not self._keys:
            raise ApiError(
                "IDENTITY_PROVIDER_UNAVAILABLE",
                "The keys of the token's issuer cannot be fetched.",
                "Send the same request again shortly.",
                retryAfter=int(_RETRY_INTERVAL),
            )
        return keys

    def _matching_keys(self, kid: str | None, algorithm: str) -> list[Any]:
        # Issuers with one key may omit its id, in the token or in the set.
        return [
            key.key
            for key in self._keys
            if algorithm in key.algorithms and (kid is None or key.kid is None or key.kid == kid)
        ]

    def _may_fetch(self, interval: float) -> bool:
        running = self._fetching is not None and not self._fetching.done()
        return running or self._last_fetch is None or self._clock() - self._last_fetch >= interval

    def _is_stale(self) -> bool:
        return self._last_success is None or self._clock() - self._last_success >= _MAX_AGE

    def _start_fetch(self) -> asyncio.Task[None]:
        if self._fetching is None or self._fetching.done():
            self._last_fetch = self._clock()
            self._fetching = asyncio.create_task(self._fetch_in_background())
        return self._fetching

    async def _wait_for_fetch(self) -> None:
        # If the waiting request is cancelled, the fetch continues for the others.
        await asyncio.shield(self._start_fetch())

    async def _fetch_in_background(self) -> None:
        try:
            async with asyncio.timeout(_FETCH_TIMEOUT):  # the client's own timeout limits single reads only
                self._use_keys(
                    await asyncio.to_thread(_fetch if self._is_url else _read_file, self._location)
                )
        except (OSError, ValueError, TimeoutError, jwt.PyJWTError, RecursionError) as exc:
            log.warning("Could not fetch JWKS from CONTENTQL_OIDC_JWKS_URL: %s", type(exc).__name__)

    def _use_keys(self, payload: object) -> None:
        """Replaces the keys. Raises ValueError if the data is no JWKS or has no usable key."""
        keys = _parse_keys(payload)
        if not keys:
            raise ValueError("the key set has no usable public key")
        self._keys = keys
        self._last_success = self._clock()


def _fetch(url: str) -> object:
    """Fetches the JWKS. PyJWKClient follows no redirects. Raises PyJWTError, OSError, ValueError."""
    client = jwt.PyJWKClient(
        url, cache_jwk_set=False, headers={"accept": "application/json"}, timeout=_FETCH_TIMEOUT
    )
    return client.fetch_data()


def _read_file(path: str) -> object:
    try:
        return json.loads(Path(path).read_bytes())
    except RecursionError:
        raise ValueError("the file is not a JSON Web Key Set") from None


def _parse_keys(payload: object) -> tuple[_SigningKey, ...]:
    """The usable keys of a JWKS (RFC 7517); keys for other purposes are skipped."""
    items = payload.get("keys") if isinstance(payload, dict) else None
    if not isinstance(items, list):
        raise ValueError("the document is not a JSON Web Key Set")
    return tuple(key for item in items[:_MAX_KEYS] if (key := _parse_key(item)) is not None)


def _parse_key(value: object) -> _SigningKey | None:
    if not isinstance(value, dict) or value.get("use", "sig") != "sig" or "d" in value:
        return None
    operations = value.get("key_ops")
    if isinstance(operations, list) and "verify" not in operations:
        return None
    key_type, curve, algorithm, kid = (value.get(part) for part in ("kty", "crv", "alg", "kid"))
    algorithms = frozenset(
        name
        for name, key_kind in ALGORITHMS.items()
        if key_kind in ((key_type, curve), (key_type, None)) and algorithm in (None, name)
    )
    if not algorithms:
        return None
    try:
        key = jwt.PyJWK(value, min(algorithms)).key
    except (jwt.PyJWTError, ValueError, TypeError, KeyError):
        return None
    return _SigningKey(kid if isinstance(kid, str) else None, algorithms, key)
