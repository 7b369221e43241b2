"""Verification of JWTs of an OIDC identity provider: signature, claims and key rotation."""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.server
import json
import logging
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from contentql.auth.authenticator import Authenticator
from contentql.auth.oidc import ALGORITHMS, JwkSet, OidcIssuer
from contentql.auth.permissions import ROLE_PERMISSIONS, Role
from contentql.auth.viewer import Viewer
from contentql.errors import ApiError, OperatorError
from contentql.settings import Settings
from contentql.store.database import Database

ISSUER = "https://id.example.org/"
AUDIENCE = "newsroom"

RSA = rsa.generate_private_key(65_537, 2_048)
KEYS: dict[str, Any] = {
    "rsa": RSA,
    "p256": ec.generate_private_key(ec.SECP256R1()),
    "p384": ec.generate_private_key(ec.SECP384R1()),
    "ed": ed25519.Ed25519PrivateKey.generate(),
}
KEY_BY_CURVE_OR_TYPE = {"RSA": "rsa", "P-256": "p256", "P-384": "p384", "Ed25519": "ed"}
KEY_BY_ALGORITHM = {name: KEY_BY_CURVE_OR_TYPE[curve or kind] for name, (kind, curve) in ALGORITHMS.items()}


def jwk(key: Any, kid: str | None, **members: Any) -> dict[str, Any]:
    """The public key as a JSON Web Key."""
    algorithms: Any = {
        rsa.RSAPrivateKey: jwt.algorithms.RSAAlgorithm,
        ec.EllipticCurvePrivateKey: jwt.algorithms.ECAlgorithm,
    }
    algorithm = next(
        (candidate for base, candidate in algorithms.items() if isinstance(key, base)),
        jwt.algorithms.OKPAlgorithm,
    )
    fields: dict[str, Any] = algorithm.to_jwk(key.public_key(), as_dict=True)
    fields.pop("key_ops", None)
    return {**fields, **({"kid": kid} if kid else {}), **members}


def jwks(**members: Any) -> bytes:
    """The JSON Web Key Set of all keys."""
    return json.dumps({"keys": [jwk(key, kid, **members) for kid, key in KEYS.items()]}).encode()


def claims(**overrides: Any) -> dict[str, Any]:
    """Claims of a token that is valid for a minute; None removes a claim."""
    now = int(time.time())
    fields = {"iss": ISSUER, "aud": AUDIENCE, "sub": "user-17", "exp": now + 60, "iat": now, **overrides}
    return {name: value for name, value in fields.items() if value is not None}


def sign_token(algorithm: str = "RS256", kid: str | None = "", key: Any = None, **overrides: Any) -> str:
    """A signed token; an empty `kid` is that of the key, None leaves it out."""
    name = KEY_BY_ALGORITHM[algorithm]
    headers = {"kid": name if kid == "" else kid} if kid is not None else None
    return jwt.encode(claims(**overrides), key or KEYS[name], algorithm=algorithm, headers=headers)


def base64url(value: Any) -> str:
    """Bytes or JSON in the encoding of JWT parts."""
    return (
        base64.urlsafe_b64encode(value if isinstance(value, bytes) else json.dumps(value).encode())
        .rstrip(b"=")
        .decode()
    )


@pytest.fixture
def jwks_path(tmp_path: Path) -> Path:
    """A file with the key set."""
    jwks_path = tmp_path / "jwks.json"
    jwks_path.write_bytes(jwks())
    return jwks_path


@pytest.fixture
def issuer(jwks_path: Path) -> OidcIssuer:
    """An issuer whose keys are in the file."""
    return OidcIssuer(ISSUER, AUDIENCE, str(jwks_path))


async def assert_rejected(issuer: OidcIssuer, text: str) -> None:
    """The token is rejected as UNAUTHENTICATED."""
    with pytest.raises(ApiError, match="not valid, has expired or was revoked") as exc_info:
        await issuer.authenticate(text)
    assert exc_info.value.code == "UNAUTHENTICATED"


# Viewer


async def test_signed_token_identifies_the_viewer(issuer: OidcIssuer) -> None:
    """The account is issuer and subject; without a role claim the role is READER."""
    viewer = await issuer.authenticate(sign_token(name="Jane Doe"))
    assert viewer == Viewer("Jane Doe", Role.READER, f"{ISSUER}|user-17", frozenset())
    assert viewer.visibility.is_public
    assert not viewer.is_public


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ({"name": "Jane", "preferred_username": "jd", "email": "j@example.org"}, "Jane"),
        ({"name": " ", "preferred_username": "jd", "email": "j@example.org"}, "jd"),
        ({"name": 17, "email": "j@example.org"}, "j@example.org"),
        ({}, "user-17"),
        ({"name": "a\nb"}, "a?b"),
        ({"name": "a" * 300}, "a" * 200),
    ],
)
async def test_viewer_name_is_the_first_usable_claim(
    issuer: OidcIssuer, value: dict[str, Any], name: str
) -> None:
    """The name, or else the user name, email address or subject."""
    assert (await issuer.authenticate(sign_token(**value))).name == name


@pytest.mark.parametrize(
    ("claim", "value", "role"),
    [
        ("contentql_role", {"contentql_role": "EDITOR"}, Role.EDITOR),
        ("contentql_role", {"contentql_role": "editor"}, Role.EDITOR),
        ("contentql_role", {"contentql_role": ["reader", "Publisher", "author"]}, Role.PUBLISHER),
        ("contentql_role", {"contentql_role": ["offline_access", "author", 5, None]}, Role.AUTHOR),
        ("contentql_role", {"contentql_role": "root"}, Role.READER),
        ("contentql_role", {"contentql_role": {"admin": True}}, Role.READER),
        ("contentql_role", {"contentql_role": []}, Role.READER),
        ("contentql_role", {"role": "ADMIN"}, Role.READER),
        ("realm_access.roles", {"realm_access": {"roles": ["uma", "admin"]}}, Role.ADMIN),
        ("realm_access.roles", {"realm_access": ["admin"]}, Role.READER),
        ("https://example.org/role", {"https://example.org/role": "previewer"}, Role.PREVIEWER),
    ],
)
async def test_role_is_read_from_the_configured_claim(
    jwks_path: Path, claim: str, value: dict[str, Any], role: Role
) -> None:
    """A string or a list, of which the highest role counts; unknown roles are ignored."""
    viewer = await OidcIssuer(ISSUER, AUDIENCE, str(jwks_path), role_claim=claim).authenticate(
        sign_token(**value)
    )
    assert (viewer.role, viewer.permissions) == (role, ROLE_PERMISSIONS[role])


async def test_accounts_of_different_subjects_differ(issuer: OidcIssuer) -> None:
    """Subjects that are too long or not printable are replaced by a hash."""
    subjects = ["a" * 400, "a" * 401, "a\x00", "a\x01", "a\ud800", "é" * 190]
    accounts = [(await issuer.authenticate(sign_token(sub=subject))).account or "" for subject in subjects]
    assert len(set(accounts)) == len(subjects)
    for account in accounts:
        assert account.startswith(f"{ISSUER}|")
        assert len(account) <= 200
        assert account.isprintable()
        assert account.encode()


# Verification


@pytest.mark.parametrize("algorithm", ALGORITHMS)
async def test_all_asymmetric_algorithms_are_accepted(issuer: OidcIssuer, algorithm: str) -> None:
    """With a key id, and without one if a key fits."""
    for kid in ("", None):
        assert (await issuer.authenticate(sign_token(algorithm, kid))).name == "user-17"


async def test_unsigned_and_forged_tokens_are_rejected(issuer: OidcIssuer) -> None:
    """No signature, or an HMAC with the public key in any encoding as its secret."""
    public = RSA.public_key()
    encodings = [
        public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo),
        public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.PKCS1),
        public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo),
        jwks(),
        b"",
    ]
    body = base64url(claims())
    for name in ("none", "None", "NONE", "", None, 5, ["RS256"], "HS256", "HS384", "HS512", "ES256K", "RS1"):
        head = base64url({"alg": name, "kid": "rsa", "typ": "JWT"})
        await assert_rejected(issuer, f"{head}.{body}.")
        for secret in encodings:
            signing_input = f"{head}.{body}".encode()
            for kind in (hashlib.sha256, hashlib.sha384, hashlib.sha512):
                await assert_rejected(
                    issuer, f"{head}.{body}.{base64url(hmac.new(secret, signing_input, kind).digest())}"
                )


@pytest.mark.filterwarnings("ignore:The RSA key is 1024 bits")
async def test_keys_verify_only_their_own_algorithm_and_use(issuer: OidcIssuer, tmp_path: Path) -> None:
    """Unknown keys, keys for another purpose and weak keys are rejected."""
    await assert_rejected(issuer, sign_token("RS256", kid="p256"))
    unknown = rsa.generate_private_key(65_537, 2_048)
    await assert_rejected(issuer, sign_token(key=unknown))
    await assert_rejected(issuer, sign_token(key=unknown, kid=None))
    for members in ({"alg": "RS512"}, {"use": "enc"}, {"key_ops": ["encrypt"]}):
        jwks_file = tmp_path / "other.json"
        jwks_file.write_bytes(
            json.dumps({"keys": [jwk(RSA, "rsa", **members), jwk(KEYS["ed"], "ed")]}).encode()
        )
        await assert_rejected(OidcIssuer(ISSUER, AUDIENCE, str(jwks_file)), sign_token())
    weak = rsa.generate_private_key(65_537, 1_024)
    (tmp_path / "weak.json").write_bytes(json.dumps({"keys": [jwk(weak, "rsa")]}).encode())
    await assert_rejected(OidcIssuer(ISSUER, AUDIENCE, str(tmp_path / "weak.json")), sign_token(key=weak))


@pytest.mark.parametrize(
    "input",
    [
        {"aud": "another"}, {"aud": ["another"]}, {"aud": None}, {"aud": 5},
        {"iss": "https://id.example.org"}, {"iss": "https://other.example.org/"}, {"iss": None},
        {"iss": [ISSUER]}, {"exp": None}, {"exp": "never"}, {"sub": None}, {"sub": ""}, {"sub": 5},
        {"nbf": "soon"}, {"iat": "now"}, {"exp": float("inf")},
    ],
    ids=str,
)  # fmt: skip
async def test_tokens_with_wrong_claims_are_rejected(issuer: OidcIssuer, input: dict[str, Any]) -> None:
    """Another issuer or audience, no expiry or subject, or invalid times."""
    token_claims = {**claims(), **input}
    head = base64url({"alg": "RS256", "kid": "rsa"})
    body = base64url({name: value for name, value in token_claims.items() if value is not None})
    signature = jwt.algorithms.RSAAlgorithm(jwt.algorithms.RSAAlgorithm.SHA256).sign(
        f"{head}.{body}".encode(), RSA
    )
    await assert_rejected(issuer, f"{head}.{body}.{base64url(signature)}")


async def test_one_matching_audience_is_enough(issuer: OidcIssuer) -> None:
    assert (await issuer.authenticate(sign_token(aud=["another", AUDIENCE]))).name == "user-17"


async def test_times_are_checked_with_the_leeway(jwks_path: Path) -> None:
    """Holds for expiry, not-before and issue time."""
    now = int(time.time())
    within: list[dict[str, Any]] = [{"exp": now - 20}, {"nbf": now + 20}, {"iat": now + 20}]
    beyond: list[dict[str, Any]] = [{"exp": now - 40}, {"nbf": now + 40}, {"iat": now + 40}]
    issuer = OidcIssuer(ISSUER, AUDIENCE, str(jwks_path), leeway=30)
    for value in within:
        assert (await issuer.authenticate(sign_token(**value))).name == "user-17"
    for value in beyond:
        await assert_rejected(issuer, sign_token(**value))
    strict = OidcIssuer(ISSUER, AUDIENCE, str(jwks_path), leeway=0)
    for value in within:
        await assert_rejected(strict, sign_token(**value))


async def test_modified_tokens_are_rejected(issuer: OidcIssuer) -> None:
    """Changed claims, header or signature, and texts that are no JWT."""
    head, body, signature = sign_token(contentql_role="reader").split(".")
    await assert_rejected(issuer, f"{head}.{base64url(claims(contentql_role='admin'))}.{signature}")
    await assert_rejected(issuer, f"{base64url({'alg': 'RS256', 'kid': 'rsa', 'x': 1})}.{body}.{signature}")
    await assert_rejected(issuer, f"{head}.{body}.{signature[:-4]}AAAA")
    deep = base64url(b"[" * 5_000)
    critical = base64url({"alg": "RS256", "crit": ["exp"], "exp": 1})
    for header in (
        deep,
        base64url([]),
        base64url(b"5" * 5_000),
        base64url(b"{}"),
        base64url({"alg": "RS256", "kid": {}}),
        critical,
    ):
        await assert_rejected(issuer, f"{header}.{body}.{signature}")
    for text in ("..", "a.b.c", "é.é.é", f"{head}.{body}.", f"{head}..{signature}"):
        await assert_rejected(issuer, text)


# Keys


class KeyServer:
    """An HTTP server with the key set of an issuer, which counts its requests."""

    def __init__(self) -> None:
        self.body = jwks()
        self.status = 200
        self.requests = 0
        key_server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                key_server.requests += 1
                self.send_response(key_server.status)
                self.end_headers()
                self.wfile.write(key_server.body)

            def log_message(self, format: str, *args: Any) -> None:
                return None

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/jwks"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def key_server() -> Iterator[KeyServer]:
    server = KeyServer()
    yield server
    server.stop()


class Clock:
    def __init__(self) -> None:
        self.seconds = 1_000.0

    def __call__(self) -> float:
        return self.seconds


async def wait_for_key_request(keys: JwkSet) -> None:
    """Waits until no request for keys is running."""
    if keys._fetching is not None:
        await keys._fetching


async def test_keys_are_requested_once_and_cached(key_server: KeyServer) -> None:
    issuer = OidcIssuer(ISSUER, AUDIENCE, key_server.url)
    for _ in range(5):
        assert (await issuer.authenticate(sign_token())).name == "user-17"
    assert key_server.requests == 1


async def test_new_keys_are_loaded_within_a_minute(key_server: KeyServer) -> None:
    """An unknown key id causes at most one request for keys per minute."""
    clock = Clock()
    issuer = OidcIssuer(ISSUER, AUDIENCE, key_server.url, clock=clock)
    await issuer.authenticate(sign_token())
    new = rsa.generate_private_key(65_537, 2_048)
    key_server.body = json.dumps({"keys": [jwk(RSA, "rsa"), jwk(new, "new")]}).encode()
    await assert_rejected(issuer, sign_token(key=new, kid="new"))
    clock.seconds += 60
    assert (await issuer.authenticate(sign_token(key=new, kid="new"))).name == "user-17"
    for number in range(20):
        await assert_rejected(issuer, sign_token(kid=f"made-up-{number}"))
    assert key_server.requests == 2


async def test_withdrawn_keys_are_dropped(key_server: KeyServer) -> None:
    """Keys are refreshed in the background."""
    clock = Clock()
    issuer = OidcIssuer(ISSUER, AUDIENCE, key_server.url, clock=clock)
    await issuer.authenticate(sign_token())
    key_server.body = json.dumps({"keys": [jwk(KEYS["ed"], "ed")]}).encode()
    clock.seconds += 600
    await issuer.authenticate(sign_token())
    await wait_for_key_request(issuer._keys)
    await assert_rejected(issuer, sign_token())
    assert (await issuer.authenticate(sign_token("EdDSA"))).name == "user-17"


async def test_cached_keys_are_used_while_the_issuer_fails(
    key_server: KeyServer, caplog: pytest.LogCaptureFixture
) -> None:
    """Holds for error responses and for responses without keys; tokens are not logged."""
    clock = Clock()
    issuer = OidcIssuer(ISSUER, AUDIENCE, key_server.url, clock=clock)
    await issuer.authenticate(sign_token())
    for key_server.status, key_server.body in (
        (500, b"{}"),
        (200, b"<html>"),
        (200, b'{"keys": []}'),
        (200, b"[" * 9_000),
    ):
        clock.seconds += 700
        requests_before = key_server.requests
        assert (await issuer.authenticate(sign_token())).name == "user-17"
        await wait_for_key_request(issuer._keys)
        assert key_server.requests == requests_before + 1
        assert (await issuer.authenticate(sign_token())).name == "user-17"
    with caplog.at_level(logging.DEBUG):
        await assert_rejected(issuer, text := sign_token(aud="another"))
    assert text not in caplog.text
    assert text.split(".")[1] not in caplog.text


async def test_unavailable_keys_are_a_503_error(key_server: KeyServer) -> None:
    """Not 401, as the token may be valid; the request is repeated after some seconds."""
    key_server.status = 500
    clock = Clock()
    issuer = OidcIssuer(ISSUER, AUDIENCE, key_server.url, clock=clock)
    for _ in range(3):
        with pytest.raises(ApiError) as exc_info:
            await issuer.authenticate(sign_token())
        assert (exc_info.value.code, exc_info.value.status) == ("IDENTITY_PROVIDER_UNAVAILABLE", 503)
    assert key_server.requests == 1
    key_server.status = 200
    clock.seconds += 5
    assert (await issuer.authenticate(sign_token())).name == "user-17"


async def test_key_file_is_read_again_for_an_unknown_key(jwks_path: Path) -> None:
    clock = Clock()
    issuer = OidcIssuer(ISSUER, AUDIENCE, str(jwks_path), clock=clock)
    new = rsa.generate_private_key(65_537, 2_048)
    jwks_path.write_bytes(json.dumps({"keys": [jwk(new, "new")]}).encode())
    assert (await issuer.authenticate(sign_token(key=new, kid="new"))).name == "user-17"


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b"{}", b'{"keys": 5}',
     b'{"keys": [5, {}, {"kty": "RSA"}, {"kty": "RSA", "n": 5, "e": "AQAB"}]}',
     b'{"keys": [{"kty": "oct", "k": "c2VjcmV0", "alg": "HS256", "kid": "rsa"}]}', b"\xff"],
)  # fmt: skip
def test_invalid_key_file_is_reported_at_startup(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "keys.json").write_bytes(content)
    with pytest.raises(OperatorError, match=r"CONTENTQL_OIDC_JWKS_URL cannot be '.*keys.json'"):
        JwkSet(str(tmp_path / "keys.json"))
    with pytest.raises(OperatorError, match=r"CONTENTQL_OIDC_JWKS_URL cannot be '.*none.json': No such file"):
        JwkSet(str(tmp_path / "none.json"))


# Settings


def settings(jwks_path: Path, **overrides: Any) -> Settings:
    return Settings(
        **{"oidc_issuer": ISSUER, "oidc_audience": AUDIENCE, "oidc_jwks_url": str(jwks_path), **overrides}
    )


async def test_tokens_of_the_configured_issuer_are_accepted(database_url: str, jwks_path: Path) -> None:
    """Without the settings they are rejected."""
    async with Database(database_url) as database:
        arguments = settings(jwks_path, oidc_role_claim="groups", oidc_leeway_seconds=5)
        viewer = await Authenticator(database, arguments).authenticate(
            f"Bearer {sign_token(groups=['editor'])}", None, "203.0.113.9"
        )
        assert (viewer.account, viewer.role) == (f"{ISSUER}|user-17", Role.EDITOR)
        with pytest.raises(ApiError, match="not valid"):
            await Authenticator(database, Settings()).authenticate(
                f"Bearer {sign_token()}", None, "203.0.113.9"
            )


@pytest.mark.parametrize("missing", ["oidc_issuer", "oidc_audience", "oidc_jwks_url"])
def test_incomplete_settings_are_reported(jwks_path: Path, missing: str) -> None:
    """Issuer, audience and key URL are required together."""
    with pytest.raises(OperatorError, match=f"CONTENTQL_{missing.upper()} is missing"):
        Authenticator(Database("sqlite:///none.sqlite3"), settings(jwks_path, **{missing: ""}))
