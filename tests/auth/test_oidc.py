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
FITS = {"RSA": "rsa", "P-256": "p256", "P-384": "p384", "Ed25519": "ed"}
SIGNS = {name: FITS[curve or kind] for name, (kind, curve) in ALGORITHMS.items()}


def jwk(key: Any, kid: str | None, **more: Any) -> dict[str, Any]:
    kind: Any = {
        rsa.RSAPrivateKey: jwt.algorithms.RSAAlgorithm,
        ec.EllipticCurvePrivateKey: jwt.algorithms.ECAlgorithm,
    }
    of = next((match for base, match in kind.items() if isinstance(key, base)), jwt.algorithms.OKPAlgorithm)
    expected: dict[str, Any] = of.to_jwk(key.public_key(), as_dict=True)
    expected.pop("key_ops", None)
    return {**expected, **({"kid": kid} if kid else {}), **more}


def jwks(**more: Any) -> bytes:
    return json.dumps({"keys": [jwk(key, kid, **more) for kid, key in KEYS.items()]}).encode()


def claims(**more: Any) -> dict[str, Any]:
    """Of a token that is good for a minute; None takes one out."""
    now = int(time.time())
    fields = {"iss": ISSUER, "aud": AUDIENCE, "sub": "user-17", "exp": now + 60, "iat": now, **more}
    return {name: value for name, value in fields.items() if value is not None}


def signed(algorithm: str = "RS256", kid: str | None = "", key: Any = None, **more: Any) -> str:
    name = SIGNS[algorithm]
    headers = {"kid": name if kid == "" else kid} if kid is not None else None
    return jwt.encode(claims(**more), key or KEYS[name], algorithm=algorithm, headers=headers)


def part(value: Any) -> str:
    return (
        base64.urlsafe_b64encode(value if isinstance(value, bytes) else json.dumps(value).encode())
        .rstrip(b"=")
        .decode()
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "jwks.json"
    path.write_bytes(jwks())
    return path


@pytest.fixture
def jwts(path: Path) -> OidcIssuer:
    return OidcIssuer(ISSUER, AUDIENCE, str(path))


async def refused(jwts: OidcIssuer, text: str) -> None:
    with pytest.raises(ApiError, match="not valid, has expired or was revoked") as refusal:
        await jwts.authenticate(text)
    assert refusal.value.code == "UNAUTHENTICATED"


# Whom it names


async def test_a_signed_token_is_its_owner(jwts: OidcIssuer) -> None:
    """The account is the issuer's word for them; no claim of a role is a reader's."""
    viewer = await jwts.authenticate(signed(name="Jane Doe"))
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
async def test_the_name_is_the_best_there_is(jwts: OidcIssuer, value: dict[str, Any], name: str) -> None:
    """What people are called, or else what they sign in with."""
    assert (await jwts.authenticate(signed(**value))).name == name


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
async def test_the_role_stands_where_it_is_looked_for(
    path: Path, claim: str, value: dict[str, Any], role: Role
) -> None:
    """In one word or a list, of which the highest counts; what is no role of ours is none."""
    viewer = await OidcIssuer(ISSUER, AUDIENCE, str(path), role_claim=claim).authenticate(signed(**value))
    assert (viewer.role, viewer.permissions) == (role, ROLE_PERMISSIONS[role])


async def test_an_account_is_never_anothers(jwts: OidcIssuer) -> None:
    """What cannot be kept whole is told apart by a hash."""
    subjects = ["a" * 400, "a" * 401, "a\x00", "a\x01", "a\ud800", "é" * 190]
    results = [(await jwts.authenticate(signed(sub=subject))).account or "" for subject in subjects]
    assert len(set(results)) == len(subjects)
    for account in results:
        assert account.startswith(f"{ISSUER}|")
        assert len(account) <= 200
        assert account.isprintable()
        assert account.encode()


# What is believed


@pytest.mark.parametrize("algorithm", ALGORITHMS)
async def test_every_algorithm_of_two_keys_is_taken(jwts: OidcIssuer, algorithm: str) -> None:
    """With the name of the key, and without where the one that fits is found."""
    for kid in ("", None):
        assert (await jwts.authenticate(signed(algorithm, kid))).name == "user-17"


async def test_unsigned_and_forged_tokens_are_rejected(jwts: OidcIssuer) -> None:
    """No signature, or one by what is public: the public key as a password in all its spellings."""
    public = RSA.public_key()
    spellings = [
        public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo),
        public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.PKCS1),
        public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo),
        jwks(),
        b"",
    ]
    body = part(claims())
    for name in ("none", "None", "NONE", "", None, 5, ["RS256"], "HS256", "HS384", "HS512", "ES256K", "RS1"):
        head = part({"alg": name, "kid": "rsa", "typ": "JWT"})
        await refused(jwts, f"{head}.{body}.")
        for spelling in spellings:
            result = f"{head}.{body}".encode()
            for kind in (hashlib.sha256, hashlib.sha384, hashlib.sha512):
                await refused(jwts, f"{head}.{body}.{part(hmac.new(spelling, result, kind).digest())}")


@pytest.mark.filterwarnings("ignore:The RSA key is 1024 bits")
async def test_the_key_fits_the_algorithm(jwts: OidcIssuer, tmp_path: Path) -> None:
    """A key that is for one algorithm, or for other ends, signs by no other."""
    await refused(jwts, signed("RS256", kid="p256"))
    stranger = rsa.generate_private_key(65_537, 2_048)
    await refused(jwts, signed(key=stranger))
    await refused(jwts, signed(key=stranger, kid=None))
    for more in ({"alg": "RS512"}, {"use": "enc"}, {"key_ops": ["encrypt"]}):
        other = tmp_path / "other.json"
        other.write_bytes(json.dumps({"keys": [jwk(RSA, "rsa", **more), jwk(KEYS["ed"], "ed")]}).encode())
        await refused(OidcIssuer(ISSUER, AUDIENCE, str(other)), signed())
    weak = rsa.generate_private_key(65_537, 1_024)
    (tmp_path / "weak.json").write_bytes(json.dumps({"keys": [jwk(weak, "rsa")]}).encode())
    await refused(OidcIssuer(ISSUER, AUDIENCE, str(tmp_path / "weak.json")), signed(key=weak))


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
async def test_tokens_with_wrong_claims_are_rejected(jwts: OidcIssuer, input: dict[str, Any]) -> None:
    """By another issuer, for another audience, without an end or an owner."""
    document = {**claims(), **input}
    head = part({"alg": "RS256", "kid": "rsa"})
    body = part({name: value for name, value in document.items() if value is not None})
    signature = jwt.algorithms.RSAAlgorithm(jwt.algorithms.RSAAlgorithm.SHA256).sign(
        f"{head}.{body}".encode(), RSA
    )
    await refused(jwts, f"{head}.{body}.{part(signature)}")


async def test_one_of_several_audiences_is_enough(jwts: OidcIssuer) -> None:
    """As the standard has it."""
    assert (await jwts.authenticate(signed(aud=["another", AUDIENCE]))).name == "user-17"


async def test_clocks_may_differ_a_little(path: Path) -> None:
    """By the leeway, for the end, the beginning and the making; not by more."""
    now = int(time.time())
    near: list[dict[str, Any]] = [{"exp": now - 20}, {"nbf": now + 20}, {"iat": now + 20}]
    far: list[dict[str, Any]] = [{"exp": now - 40}, {"nbf": now + 40}, {"iat": now + 40}]
    jwts = OidcIssuer(ISSUER, AUDIENCE, str(path), leeway=30)
    for value in near:
        assert (await jwts.authenticate(signed(**value))).name == "user-17"
    for value in far:
        await refused(jwts, signed(**value))
    strict = OidcIssuer(ISSUER, AUDIENCE, str(path), leeway=0)
    for value in near:
        await refused(strict, signed(**value))


async def test_modified_tokens_are_rejected(jwts: OidcIssuer) -> None:
    """In its claims, its head, its signature; and whatever is no token at all is no fault of ours."""
    head, body, signature = signed(contentql_role="reader").split(".")
    await refused(jwts, f"{head}.{part(claims(contentql_role='admin'))}.{signature}")
    await refused(jwts, f"{part({'alg': 'RS256', 'kid': 'rsa', 'x': 1})}.{body}.{signature}")
    await refused(jwts, f"{head}.{body}.{signature[:-4]}AAAA")
    deep = part(b"[" * 5_000)
    critical = part({"alg": "RS256", "crit": ["exp"], "exp": 1})
    for odd in (deep, part([]), part(b"5" * 5_000), part(b"{}"), part({"alg": "RS256", "kid": {}}), critical):
        await refused(jwts, f"{odd}.{body}.{signature}")
    for text in ("..", "a.b.c", "é.é.é", f"{head}.{body}.", f"{head}..{signature}"):
        await refused(jwts, text)


# Where the keys are


class Serving:
    """An issuer's keys at a local URL, and how often they were asked for."""

    def __init__(self) -> None:
        self.body = jwks()
        self.status = 200
        self.requests = 0
        serving = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                serving.requests += 1
                self.send_response(serving.status)
                self.end_headers()
                self.wfile.write(serving.body)

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
def served() -> Iterator[Serving]:
    serving = Serving()
    yield serving
    serving.stop()


class Clock:
    def __init__(self) -> None:
        self.seconds = 1_000.0

    def __call__(self) -> float:
        return self.seconds


async def settled(keys: JwkSet) -> None:
    """Wait until no request for keys is running."""
    if keys._asking is not None:
        await keys._asking


async def test_keys_come_from_a_url_once(served: Serving) -> None:
    """And are remembered; many that come at once ask for them once."""
    jwts = OidcIssuer(ISSUER, AUDIENCE, served.url)
    for _ in range(5):
        assert (await jwts.authenticate(signed())).name == "user-17"
    assert served.requests == 1


async def test_new_keys_are_loaded_within_a_minute(served: Serving) -> None:
    """An unknown key id causes at most one request for keys per minute."""
    clock = Clock()
    jwts = OidcIssuer(ISSUER, AUDIENCE, served.url, clock=clock)
    await jwts.authenticate(signed())
    new = rsa.generate_private_key(65_537, 2_048)
    served.body = json.dumps({"keys": [jwk(RSA, "rsa"), jwk(new, "new")]}).encode()
    await refused(jwts, signed(key=new, kid="new"))
    clock.seconds += 60
    assert (await jwts.authenticate(signed(key=new, kid="new"))).name == "user-17"
    for number in range(20):
        await refused(jwts, signed(kid=f"made-up-{number}"))
    assert served.requests == 2


async def test_withdrawn_keys_are_dropped(served: Serving) -> None:
    """Looked for in the background when what is known has become old."""
    clock = Clock()
    jwts = OidcIssuer(ISSUER, AUDIENCE, served.url, clock=clock)
    await jwts.authenticate(signed())
    served.body = json.dumps({"keys": [jwk(KEYS["ed"], "ed")]}).encode()
    clock.seconds += 600
    await jwts.authenticate(signed())
    await settled(jwts._keys)
    await refused(jwts, signed())
    assert (await jwts.authenticate(signed("EdDSA"))).name == "user-17"


async def test_keys_go_on_being_believed_while_their_issuer_is_away(
    served: Serving, caplog: pytest.LogCaptureFixture
) -> None:
    """Whether it fails, or says something else than keys."""
    clock = Clock()
    jwts = OidcIssuer(ISSUER, AUDIENCE, served.url, clock=clock)
    await jwts.authenticate(signed())
    for served.status, served.body in (
        (500, b"{}"),
        (200, b"<html>"),
        (200, b'{"keys": []}'),
        (200, b"[" * 9_000),
    ):
        clock.seconds += 700
        request = served.requests
        assert (await jwts.authenticate(signed())).name == "user-17"
        await settled(jwts._keys)
        assert served.requests == request + 1
        assert (await jwts.authenticate(signed())).name == "user-17"
    with caplog.at_level(logging.DEBUG):
        await refused(jwts, text := signed(aud="another"))
    assert text not in caplog.text
    assert text.split(".")[1] not in caplog.text


async def test_unavailable_keys_are_a_503_error(served: Serving) -> None:
    """503 and not 401: the token may be good. It is asked again after some seconds."""
    served.status = 500
    clock = Clock()
    jwts = OidcIssuer(ISSUER, AUDIENCE, served.url, clock=clock)
    for _ in range(3):
        with pytest.raises(ApiError) as refusal:
            await jwts.authenticate(signed())
        assert (refusal.value.code, refusal.value.status) == ("IDENTITY_PROVIDER_UNAVAILABLE", 503)
    assert served.requests == 1
    served.status = 200
    clock.seconds += 5
    assert (await jwts.authenticate(signed())).name == "user-17"


async def test_keys_of_a_file_are_read_anew_for_a_new_key(path: Path) -> None:
    """Without a restart."""
    clock = Clock()
    jwts = OidcIssuer(ISSUER, AUDIENCE, str(path), clock=clock)
    new = rsa.generate_private_key(65_537, 2_048)
    path.write_bytes(json.dumps({"keys": [jwk(new, "new")]}).encode())
    assert (await jwts.authenticate(signed(key=new, kid="new"))).name == "user-17"


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b"{}", b'{"keys": 5}',
     b'{"keys": [5, {}, {"kty": "RSA"}, {"kty": "RSA", "n": 5, "e": "AQAB"}]}',
     b'{"keys": [{"kty": "oct", "k": "c2VjcmV0", "alg": "HS256", "kid": "rsa"}]}', b"\xff"],
)  # fmt: skip
def test_a_file_without_keys_is_named_at_the_start(tmp_path: Path, content: bytes) -> None:
    """One sentence, before anybody asks."""
    (tmp_path / "keys.json").write_bytes(content)
    with pytest.raises(OperatorError, match=r"CONTENTQL_OIDC_JWKS_URL cannot be '.*keys.json'"):
        JwkSet(str(tmp_path / "keys.json"))
    with pytest.raises(OperatorError, match=r"CONTENTQL_OIDC_JWKS_URL cannot be '.*none.json': No such file"):
        JwkSet(str(tmp_path / "none.json"))


# As the settings say


def settings(path: Path, **more: Any) -> Settings:
    return Settings(**{"oidc_issuer": ISSUER, "oidc_audience": AUDIENCE, "oidc_jwks_url": str(path), **more})


async def test_settings_open_the_door_to_an_issuer(database_url: str, path: Path) -> None:
    """Its tokens come in beside our own; without the settings they are unknown."""
    async with Database(database_url) as database:
        arguments = settings(path, oidc_role_claim="groups", oidc_leeway_seconds=5)
        viewer = await Authenticator(database, arguments).authenticate(
            f"Bearer {signed(groups=['editor'])}", None, "203.0.113.9"
        )
        assert (viewer.account, viewer.role) == (f"{ISSUER}|user-17", Role.EDITOR)
        with pytest.raises(ApiError, match="not valid"):
            await Authenticator(database, Settings()).authenticate(f"Bearer {signed()}", None, "203.0.113.9")


@pytest.mark.parametrize("missing", ["oidc_issuer", "oidc_audience", "oidc_jwks_url"])
def test_a_part_of_the_settings_is_missed(path: Path, missing: str) -> None:
    """None of the three makes sense without the others."""
    with pytest.raises(OperatorError, match=f"CONTENTQL_{missing.upper()} is missing"):
        Authenticator(Database("sqlite:///none.sqlite3"), settings(path, **{missing: ""}))
