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
# What signs, by the type and curve of its key. None of them can be made from what is public.
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
_PATIENCE = 5.0
_FRESH = 600.0  # seconds; what an issuer takes back is taken back here by then
_REST = 60.0  # seconds between two looks at an issuer's keys
_REST_WITHOUT = 5.0  # while there are none
_RANK = {role.value: rank for rank, role in enumerate(Role)}


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
        return self._of(self._claims(text, keys, algorithm))

    def _claims(self, text: str, keys: Sequence[Any], algorithm: str) -> dict[str, Any]:
        why: Exception = LookupError("no key fits")
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
                why = exc  # another key of the issuer may fit
            except (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError) as exc:
                why = exc
                break
        log.info("a token of %s was refused: %s", self._issuer, type(why).__name__)
        raise invalid_token_error() from None

    def _of(self, claims: Mapping[str, Any]) -> Viewer:
        subject = claims["sub"]
        if not isinstance(subject, str) or not subject:
            raise invalid_token_error()
        role = self._role(claims)
        named = (claims.get(claim) for claim in ("name", "preferred_username", "email"))
        name = next((value for value in named if isinstance(value, str) and value.strip()), subject)
        name = replace_unprintable(name.strip()[:_MAX_TEXT_LENGTH])
        return Viewer(name, role, _bounded_account(f"{self._issuer}|{subject}"), ROLE_PERMISSIONS[role])

    def _role(self, claims: Mapping[str, Any]) -> Role:
        """The highest role in the claim; READER if the claim has no valid role."""
        result = claims.get(self._role_claim)  # a name that is a URL has dots of its own
        if result is None:
            result = claims
            for part in self._role_claim.split("."):
                result = result.get(part) if isinstance(result, Mapping) else None
        words = result if isinstance(result, list) else [result]
        existing = [word.upper() for word in words if isinstance(word, str) and word.upper() in _RANK]
        return Role(max(existing, key=_RANK.__getitem__, default=Role.READER.value))


def _bounded_account(account: str) -> str:
    """The account name, shortened to the length that is stored."""
    if len(account) <= _MAX_TEXT_LENGTH and account.isprintable():
        return account
    value = hashlib.sha256(account.encode("utf-8", "surrogatepass")).hexdigest()
    begins = replace_unprintable(account[: _MAX_TEXT_LENGTH - len(value) - 1])
    return f"{begins}#{value}"


@dataclass(frozen=True)
class _SigningKey:
    kid: str | None
    algorithms: frozenset[str]
    key: Any


class JwkSet:
    """Public keys of an issuer. If they cannot be fetched, the last keys stay valid."""

    def __init__(self, where: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._where = where
        self._is_url = where.startswith(("https://", "http://"))
        self._clock = clock
        self._keys: tuple[_SigningKey, ...] = ()
        self._last_fetch: float | None = None
        self._heard: float | None = None
        self._asking: asyncio.Task[None] | None = None
        if not self._is_url:
            try:
                self._use_keys(_read(where))
            except (OSError, ValueError) as exc:
                why = exc.strerror if isinstance(exc, OSError) else exc
                raise OperatorError(f"CONTENTQL_OIDC_JWKS_URL cannot be {where!r}: {why}.") from None

    async def keys_for(self, kid: str | None, algorithm: str) -> list[Any]:
        """The keys that may have signed the token. Raises IDENTITY_PROVIDER_UNAVAILABLE if there are none."""
        result = self._matching_keys(kid, algorithm)
        if not result and self._may_ask(_REST if self._keys else _REST_WITHOUT):
            await self._heard_anew()
            result = self._matching_keys(kid, algorithm)
        elif result and self._is_stale() and self._may_ask(_REST):
            self._ask()  # in the background
        if not self._keys:
            raise ApiError(
                "IDENTITY_PROVIDER_UNAVAILABLE",
                "The keys of the token's issuer cannot be fetched.",
                "Send the same request again shortly.",
                retryAfter=int(_REST_WITHOUT),
            )
        return result

    def _matching_keys(self, kid: str | None, algorithm: str) -> list[Any]:
        # Issuers with one key need not name it, in the token or in the set.
        return [
            one.key
            for one in self._keys
            if algorithm in one.algorithms and (kid is None or one.kid is None or one.kid == kid)
        ]

    def _may_ask(self, rest: float) -> bool:
        running = self._asking is not None and not self._asking.done()
        return running or self._last_fetch is None or self._clock() - self._last_fetch >= rest

    def _is_stale(self) -> bool:
        return self._heard is None or self._clock() - self._heard >= _FRESH

    def _ask(self) -> asyncio.Task[None]:
        if self._asking is None or self._asking.done():
            self._last_fetch = self._clock()
            self._asking = asyncio.create_task(self._fetch_in_background())
        return self._asking

    async def _heard_anew(self) -> None:
        # Who waits may go away; the others, and the answer, stay.
        await asyncio.shield(self._ask())

    async def _fetch_in_background(self) -> None:
        try:
            async with asyncio.timeout(_PATIENCE):  # a trickle is no answer either
                self._use_keys(await asyncio.to_thread(_fetch if self._is_url else _read, self._where))
        except (OSError, ValueError, TimeoutError, jwt.PyJWTError, RecursionError) as exc:
            log.warning("Could not fetch JWKS from CONTENTQL_OIDC_JWKS_URL: %s", type(exc).__name__)

    def _use_keys(self, payload: object) -> None:
        """Replaces the keys. Raises ValueError if the data is no JWKS or has no usable key."""
        keys = _keys(payload)
        if not keys:
            raise ValueError("the key set has no usable public key")
        self._keys = keys
        self._heard = self._clock()


def _fetch(url: str) -> object:
    """Fetches the JWKS. PyJWKClient follows no redirects. Raises PyJWTError, OSError, ValueError."""
    client = jwt.PyJWKClient(
        url, cache_jwk_set=False, headers={"accept": "application/json"}, timeout=_PATIENCE
    )
    return client.fetch_data()


def _read(path: str) -> object:
    try:
        return json.loads(Path(path).read_bytes())
    except RecursionError:
        raise ValueError("the file is not a JSON Web Key Set") from None


def _keys(payload: object) -> tuple[_SigningKey, ...]:
    """The usable keys of a JWKS (RFC 7517); keys for other purposes are skipped."""
    listed = payload.get("keys") if isinstance(payload, dict) else None
    if not isinstance(listed, list):
        raise ValueError("the document is not a JSON Web Key Set")
    return tuple(key for one in listed[:_MAX_KEYS] if (key := _key(one)) is not None)


def _key(value: object) -> _SigningKey | None:
    if not isinstance(value, dict) or value.get("use", "sig") != "sig" or "d" in value:
        return None
    ends = value.get("key_ops")
    if isinstance(ends, list) and "verify" not in ends:
        return None
    kind, curve, named, kid = (value.get(part) for part in ("kty", "crv", "alg", "kid"))
    algorithms = frozenset(
        name
        for name, of in ALGORITHMS.items()
        if of in ((kind, curve), (kind, None)) and named in (None, name)
    )
    if not algorithms:
        return None
    try:
        key = jwt.PyJWK(value, min(algorithms)).key
    except (jwt.PyJWTError, ValueError, TypeError, KeyError):
        return None
    return _SigningKey(kid if isinstance(kid, str) else None, algorithms, key)
