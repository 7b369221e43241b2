"""Authentication of requests on every endpoint: valid and invalid tokens, permissions and caching."""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import json
import logging
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import httpx2
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from tests.conftest import Server
from tests.support.http_client import client_from, error_code, make_endpoint
from tests.support.websocket_client import (
    WebSocketServer,
    connect_to,
    receive_close,
    receive_message,
    send_messages,
)
from websockets.asyncio.client import ClientConnection

from contentql.app import build_executor
from contentql.auth import api_tokens, preview_tokens
from contentql.auth.permissions import Role
from contentql.auth.throttle import MAX_FAILURES
from contentql.settings import Settings
from contentql.store.database import Database
from contentql.store.models.accounts import ApiToken
from contentql.telemetry.logs import AccessLog
from contentql.telemetry.observer import RequestObserver
from contentql.web.endpoint import GraphQLEndpoint
from contentql.web.websocket import WebSocketEndpoint

ME = "{ viewer { name role } }"
LATEST = "{ latestNews(first: 3) { nodes { id headline } } }"
PUBLIC = {"viewer": {"name": None, "role": "READER"}}
JANE = {"viewer": {"name": "Jane Doe", "role": "EDITOR"}}
UNKNOWN = "The token is not valid, has expired or was revoked."
DAY = dt.timedelta(days=1)


def now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


class AuthSetup:
    """A newsroom, and those who have tokens of it."""

    def __init__(self, url: str, database: Database) -> None:
        self.url = url
        self.database = database

    async def token(self, name: str = "Jane Doe", role: Role = Role.EDITOR, **more: Any) -> str:
        async with self.database.orm():
            arguments = {"expires_at": now() + DAY, "created_by": "tests", "now": now(), **more}
            _, secret = await api_tokens.issue_token(name=name, role=role, **arguments)
        return secret

    async def revoke(self, secret: str) -> None:
        async with self.database.orm():
            row = await ApiToken.get(hash=api_tokens.hash_token(secret))
            assert await api_tokens.mark_token_revoked(row.id, now())

    async def expire(self, secret: str) -> None:
        async with self.database.orm():
            await ApiToken.filter(hash=api_tokens.hash_token(secret)).update(expires_at=now() - DAY)

    async def bad(self) -> list[str]:
        """One of each kind that is not good."""
        expired, revoked = await self.token(), await self.token()
        await self.expire(expired)
        await self.revoke(revoked)
        return [api_tokens.generate_token(), expired, revoked, "nothing"]


@pytest.fixture(scope="module")
async def room(server: Server) -> AsyncIterator[AuthSetup]:
    url = await server.demo()
    async with Database(url) as database:
        yield AuthSetup(url, database)


@contextlib.asynccontextmanager
async def door(database: Database, **settings: Any) -> AsyncIterator[GraphQLEndpoint]:
    """A worker's, which remembers answers."""
    executor = build_executor(Settings(**settings), database)
    assert executor.responses is not None
    await executor.responses.open()
    yield make_endpoint(executor, **settings)
    await executor.responses.close()


@pytest.fixture
async def graphql(room: AuthSetup) -> AsyncIterator[GraphQLEndpoint]:
    async with door(room.database) as result:
        yield result


@pytest.fixture
async def http(graphql: GraphQLEndpoint) -> AsyncIterator[httpx2.AsyncClient]:
    async with client_from(graphql) as result:
        yield result


def bearer(secret: str) -> dict[str, str]:
    return {"authorization": f"Bearer {secret}"}


async def post(
    http: httpx2.AsyncClient, query: str = ME, headers: dict[str, str] | None = None
) -> httpx2.Response:
    return await http.post("/graphql", json={"query": query}, headers=headers)


async def get(
    http: httpx2.AsyncClient, query: str = ME, headers: dict[str, str] | None = None
) -> httpx2.Response:
    return await http.get("/graphql", params={"query": query}, headers=headers)


DOORS = (post, get)


# Let in


async def test_token_identifies_the_viewer(room: AuthSetup, http: httpx2.AsyncClient) -> None:
    """By POST and by GET; without one it is the public."""
    secret = await room.token()
    for ask in DOORS:
        assert (await ask(http, ME, bearer(secret))).json()["data"] == JANE
        assert (await ask(http, ME)).json()["data"] == PUBLIC
    assert (await http.head("/graphql", params={"query": ME}, headers=bearer(secret))).status_code == 200


async def test_responses_with_a_token_are_not_cached(room: AuthSetup, http: httpx2.AsyncClient) -> None:
    """Also for readers: no ETag, no cache tags, and never 304."""
    for role in (Role.READER, Role.EDITOR):
        headers = bearer(await room.token(role.value, role))
        for query in (LATEST, ME, "{", "{ nonsense }"):
            for ask in DOORS:
                answer = await ask(http, query, {**headers, "if-none-match": "*"})
                assert answer.status_code in (200, 400, 422)
                assert answer.headers["cache-control"] == "private, no-store"
                assert "Authorization" in answer.headers["vary"]
                assert not {"etag", "cache-tag", "surrogate-key", "age"} & answer.headers.keys()


async def test_cached_responses_are_not_shared_between_viewers(
    room: AuthSetup, http: httpx2.AsyncClient
) -> None:
    """Alternating viewers get their own responses in any order, with a response cache."""
    everyone: dict[str | None, Any] = {None: PUBLIC}
    for role in Role:
        everyone[await room.token(role.value, role)] = {"viewer": {"name": role.value, "role": role.value}}
    for ask in DOORS:
        for _ in range(3):
            for secret, expected in [*everyone.items(), *reversed(everyone.items())]:
                answer = await ask(http, ME, bearer(secret) if secret else None)
                assert answer.json()["data"] == expected
                result = answer.headers.get("cache-control", "")
                assert (result == "private, no-store") == (secret is not None)


async def test_a_hit_at_once_is_the_publics(room: AuthSetup, graphql: GraphQLEndpoint) -> None:
    """Requests with credentials do not use the fast path of the cache."""
    query = str(httpx2.QueryParams({"query": LATEST})).encode()
    scope = {
        "type": "http", "method": "GET", "query_string": query, "client": ("127.0.0.1", 1), "headers": [],
        "path": "/graphql",
    }  # fmt: skip
    async with client_from(graphql) as http:
        for _ in range(2):
            await get(http, LATEST)
    assert graphql.try_cached_response(scope, b"") is not None
    for name in (b"authorization", b"x-preview-at"):
        assert graphql.try_cached_response({**scope, "headers": [(name, b"x")]}, b"") is None


async def test_a_draft_is_seen_by_those_who_may(room: AuthSetup, http: httpx2.AsyncClient) -> None:
    """Not by the public, readers and what they may ask for; one article by its link."""
    async with room.database.orm() as connection:
        await connection.execute_script("UPDATE article SET status = 'DRAFT' WHERE id = 701")
    try:
        query = '{ article(id: "art_701") { id } }'
        secret = await preview_tokens.get_or_create_signing_key(room.database)
        sees = {
            None: False,
            await room.token(role=Role.READER): False,
            await room.token(role=Role.AUTHOR, account="somebody-else"): False,
            await room.token(role=Role.PREVIEWER): True,
            await room.token(role=Role.ADMIN, scopes=["ADMIN"]): False,
            preview_tokens.sign_preview_token(secret, 701, now() + DAY): True,
            preview_tokens.sign_preview_token(secret, 702, now() + DAY): False,
        }
        for ask in DOORS:
            for token, seen in [*sees.items(), *reversed(sees.items())]:
                answer = await ask(http, query, bearer(token) if token else None)
                assert (answer.json()["data"]["article"] is not None) == seen
    finally:
        async with room.database.orm() as connection:
            await connection.execute_script("UPDATE article SET status = 'PUBLISHED' WHERE id = 701")


async def test_persisted_queries_are_shared_between_viewers(
    room: AuthSetup, http: httpx2.AsyncClient
) -> None:
    """Its text is the same for all; what is answered is not."""
    secret = await room.token()
    hash = hashlib.sha256(ME.encode()).hexdigest()
    named: dict[str, Any] = {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": hash}}}
    document = {**named, "query": ME}
    sent = [(document, secret), (named, secret), (named, None), (named, secret)]
    for body, token in sent:
        answer = await http.post("/graphql", json=body, headers=bearer(token) if token else None)
        assert answer.json()["data"] == (JANE if token else PUBLIC)


# Turned away


async def test_invalid_tokens_are_rejected(room: AuthSetup) -> None:
    """401 and how to come in, whatever is asked and however; one message, nothing to store, no echo."""
    for secret in await room.bad():
        for accept in ("*/*", "application/json"):
            async with door(room.database) as graphql, client_from(graphql) as http:
                for ask in DOORS:
                    answer = await ask(http, LATEST, {**bearer(secret), "accept": accept})
                    assert (answer.status_code, error_code(answer)) == (401, "UNAUTHENTICATED")
                    assert answer.json()["errors"][0]["message"] == UNKNOWN
                    assert "data" not in answer.json()
                    assert answer.headers["www-authenticate"] == "Bearer"
                    assert answer.headers["cache-control"] == "no-store"
                    assert secret not in answer.text.replace("nothing", "") or secret == "nothing"
                head = await http.head("/graphql", params={"query": LATEST}, headers=bearer(secret))
                assert (head.status_code, head.content) == (401, b"")


async def test_invalid_authorization_headers_are_rejected(http: httpx2.AsyncClient) -> None:
    """It is not ignored: a request that sends it is not anonymous."""
    for header in ("Basic dXNlcjpwYXNz", "Bearer", ""):
        answer = await post(http, ME, {"authorization": header})
        assert (answer.status_code, error_code(answer)) == (401, "UNAUTHENTICATED")


async def test_revoked_tokens_are_rejected_by_every_worker(room: AuthSetup) -> None:
    """Two workers with nothing in common but the database."""
    secret = await room.token()
    async with Database(room.url) as database, door(room.database) as one, door(database) as other:
        for graphql in (one, other):
            async with client_from(graphql) as http:
                assert (await post(http, ME, bearer(secret))).json()["data"] == JANE
        await room.revoke(secret)
        for graphql in (other, one):
            async with client_from(graphql) as http:
                for ask in DOORS:
                    assert error_code(await ask(http, ME, bearer(secret))) == "UNAUTHENTICATED"


async def test_a_preview_at_a_moment_needs_the_right(room: AuthSetup, http: httpx2.AsyncClient) -> None:
    """403 without permission, 422 for an invalid time; otherwise a response that is not cached."""
    reader, previewer = await room.token(role=Role.READER), await room.token(role=Role.PREVIEWER)
    at = {"x-preview-at": "2040-01-01T00:00:00Z"}
    for ask in DOORS:
        for headers in (at, {**at, **bearer(reader)}):
            answer = await ask(http, LATEST, headers)
            assert (answer.status_code, error_code(answer)) == (403, "FORBIDDEN")
            assert answer.headers["cache-control"] == "no-store"
        answer = await ask(http, LATEST, {"x-preview-at": "tomorrow", **bearer(previewer)})
        assert (answer.status_code, error_code(answer)) == (422, "BAD_USER_INPUT")
        answer = await ask(http, LATEST, {**at, **bearer(previewer)})
        assert (answer.status_code, answer.headers["cache-control"]) == (200, "private, no-store")


async def test_who_tries_tokens_out_is_shut_out_on_every_door(
    room: AuthSetup, graphql: GraphQLEndpoint
) -> None:
    """POST and GET count together; good tokens of before go on, and so does the public."""
    secret = await room.token()
    async with client_from(graphql, "192.168.0.7") as http, client_from(graphql, "192.168.0.8") as neighbour:
        await post(http, ME, bearer(secret))
        for number in range(MAX_FAILURES):
            answer = await DOORS[number % 2](http, ME, bearer(api_tokens.generate_token()))
            assert answer.status_code == 401
        fresh = await room.token("Late")
        for ask in DOORS:
            answer = await ask(http, ME, bearer(fresh))
            assert (answer.status_code, error_code(answer)) == (429, "RATE_LIMITED")
            assert 0 < int(answer.headers["retry-after"]) <= 60
            assert answer.headers["cache-control"] == "no-store"
            assert (await ask(http, ME, bearer(secret))).json()["data"] == JANE
            assert (await ask(http, ME)).json()["data"] == PUBLIC
            assert (await ask(neighbour, ME, bearer(fresh))).status_code == 200


async def test_what_a_token_spends_is_its_accounts(room: AuthSetup) -> None:
    """From wherever it asks, with all its tokens; of what is refused the address pays."""
    mine, also_mine = [await room.token(account="spender") for _ in range(2)]
    async with (
        door(room.database, rate_limit_cost_per_minute=50) as graphql,
        client_from(graphql, "203.0.113.9") as here,
        client_from(graphql, "203.0.113.10") as there,
    ):
        left = [
            (await post(http, LATEST, bearer(secret))).headers["ratelimit"]
            for http, secret in ((here, mine), (there, mine), (here, also_mine))
        ]
        points = [int(value.partition(";r=")[2].partition(";")[0]) for value in left]
        assert points[0] > points[1] > points[2]
        assert points[0] - points[1] == points[1] - points[2]
        for _ in range(20):
            answer = await post(there, LATEST, bearer(mine))
        assert (answer.status_code, error_code(answer)) == (429, "RATE_LIMITED")
        assert int(answer.headers["retry-after"]) > 0
        assert (await post(here, LATEST)).status_code == 200
        refused = await post(here, LATEST, bearer("nothing"))
        assert (refused.status_code, "ratelimit" in refused.headers) == (401, True)


async def test_cors_preflight_allows_the_token_headers(http: httpx2.AsyncClient) -> None:
    """`Authorization` and `X-Preview-At` are allowed headers."""
    answer = await http.options("/graphql", headers={"origin": "https://desk.test"})
    assert {"authorization", "x-preview-at"} <= set(
        answer.headers["access-control-allow-headers"].replace(" ", "").split(",")
    )


async def test_no_token_is_logged(
    room: AuthSetup, graphql: GraphQLEndpoint, caplog: pytest.LogCaptureFixture
) -> None:
    """Valid or invalid, at no log level."""
    lines: list[bytes] = []
    graphql.observer = RequestObserver(Settings(), log=AccessLog("all", "json", 1.0, lines.append))
    secrets = [
        await room.token(),
        *await room.bad(),
        preview_tokens.sign_preview_token("key", 1, now()),
        "a.b.c",
    ]
    async with graphql.observer, client_from(graphql) as http:
        with caplog.at_level(logging.DEBUG, logger="contentql"):
            for secret in secrets:
                for ask in DOORS:
                    await ask(http, ME, bearer(secret))
    expected = b"".join(lines).decode() + caplog.text
    assert expected.count('"UNAUTHENTICATED"') == 2 * (len(secrets) - 1) - 2
    for secret in (*secrets, *(api_tokens.hash_token(secret) for secret in secrets)):
        assert secret not in expected.replace("nothing", "") or secret == "nothing"


async def test_a_token_of_an_issuer_comes_in_by_the_same_door(room: AuthSetup, tmp_path: Path) -> None:
    """By the settings that name it; a wrong one is a token that is not known."""
    key = ec.generate_private_key(ec.SECP256R1())
    public: dict[str, Any] = jwt.algorithms.ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
    (tmp_path / "jwks.json").write_text(json.dumps({"keys": [{**public, "kid": "1"}]}))
    issuer = "https://id.example.org"
    named = {"oidc_issuer": issuer, "oidc_audience": "newsroom", "oidc_jwks_url": str(tmp_path / "jwks.json")}

    def signed(**more: Any) -> str:
        claims = {
            "iss": issuer,
            "aud": "newsroom",
            "sub": "17",
            "exp": int(time.time()) + 60,
            "name": "Jane Doe",
        }
        return jwt.encode({**claims, **more}, key, algorithm="ES256", headers={"kid": "1"})

    async with door(room.database, **named) as graphql, client_from(graphql) as http:
        for ask in DOORS:
            answer = await ask(http, ME, bearer(signed(contentql_role="editor")))
            assert (answer.json()["data"], answer.headers["cache-control"]) == (JANE, "private, no-store")
            for wrong in ({"aud": "another"}, {"iss": "https://other.example.org"}, {"exp": 1}):
                refused = await ask(http, ME, bearer(signed(**wrong)))
                assert refused.json()["errors"][0]["message"] == UNKNOWN


# Sockets


@contextlib.asynccontextmanager
async def listening(url: str) -> AsyncIterator[WebSocketServer]:
    """A worker's door for sockets, in a thread of its own."""
    database = Database(url)
    executor = build_executor(Settings(), database)
    graphql = make_endpoint(executor)
    sockets = WebSocketEndpoint(graphql.execute_over_websocket, greet=graphql.authenticate_websocket)

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with database:
            yield

    app = Starlette(routes=[WebSocketRoute("/graphql", sockets)], lifespan=lifespan)
    async with WebSocketServer(app) as served:
        yield served


@pytest.fixture
async def served(room: AuthSetup) -> AsyncIterator[WebSocketServer]:
    async with listening(room.url) as served:
        yield served


@contextlib.asynccontextmanager
async def greeted(
    served: WebSocketServer, payload: dict[str, Any] | None = None, headers: dict[str, str] | None = None
) -> AsyncIterator[ClientConnection]:
    async with connect_to(served, additional_headers=headers) as socket:
        await send_messages(
            socket, {"type": "connection_init", **({} if payload is None else {"payload": payload})}
        )
        yield socket


async def query_over_socket(socket: ClientConnection, query: str = ME) -> Any:
    """Data, or the code of a refusal."""
    await send_messages(socket, {"id": "1", "type": "subscribe", "payload": {"query": query}})
    message = await receive_message(socket)
    if message["type"] == "error":
        return message["payload"][0]["extensions"]["code"]
    assert (await receive_message(socket))["type"] == "complete"
    return message["payload"]["data"]


def introductions(secret: str) -> Sequence[tuple[dict[str, Any] | None, dict[str, str] | None]]:
    return (
        ({"authorization": f"Bearer {secret}"}, None),
        ({"Authorization": f"Bearer {secret}"}, None),
        (None, bearer(secret)),
        ({"other": 5}, bearer(secret)),
        ({"authorization": f"Bearer {secret}"}, bearer("another")),
    )


async def test_websocket_token_in_message_or_header(room: AuthSetup, served: WebSocketServer) -> None:
    """In its first message or, unless that does, in a header of its request; or else it is the public."""
    for payload, headers in introductions(await room.token()):
        async with greeted(served, payload, headers) as socket:
            assert await receive_message(socket) == {"type": "connection_ack"}
            assert await query_over_socket(socket) == JANE
            assert await query_over_socket(socket) == JANE
    for anybody in (None, {}, {"authorization": None}):
        async with greeted(served, anybody) as socket:
            assert await receive_message(socket) == {"type": "connection_ack"}
            assert await query_over_socket(socket) == PUBLIC


async def test_a_socket_with_a_token_that_is_not_good_is_closed(room: AuthSetup) -> None:
    """4403, before anything is answered; 4400 for what is no text."""
    for secret in await room.bad():
        async with listening(room.url) as served:
            for payload, headers in introductions(secret)[:3]:
                async with greeted(served, payload, headers) as socket:
                    assert await receive_close(socket) == (4403, "Forbidden")
    async with listening(room.url) as served:
        async with greeted(served, {"x-preview-at": "2040-01-01T00:00:00Z"}) as socket:
            assert await receive_close(socket) == (4403, "Forbidden")
        async with greeted(served, {"authorization": ["Bearer"]}) as socket:
            assert (await receive_close(socket))[0] == 4400


async def test_an_open_socket_hears_that_its_token_is_revoked(
    room: AuthSetup, served: WebSocketServer
) -> None:
    """With the very next operation."""
    secret = await room.token()
    async with greeted(served, {"authorization": f"Bearer {secret}"}) as socket:
        assert await receive_message(socket) == {"type": "connection_ack"}
        assert await query_over_socket(socket) == JANE
        await room.revoke(secret)
        assert await query_over_socket(socket) == "UNAUTHENTICATED"
        assert await query_over_socket(socket) == "UNAUTHENTICATED"


async def test_who_tries_tokens_out_by_sockets_is_shut_out(room: AuthSetup, served: WebSocketServer) -> None:
    """By first messages and by operations, counted together."""
    revoked = await room.token()
    async with greeted(served, {"authorization": f"Bearer {revoked}"}) as socket:
        assert await receive_message(socket) == {"type": "connection_ack"}
        await room.revoke(revoked)
        assert [await query_over_socket(socket) for _ in range(5)] == ["UNAUTHENTICATED"] * 5
        for _ in range(MAX_FAILURES - 5):
            async with greeted(served, {"authorization": f"Bearer {api_tokens.generate_token()}"}) as other:
                assert (await receive_close(other))[0] == 4403
        assert await query_over_socket(socket) == "RATE_LIMITED"
    async with greeted(served, {"authorization": f"Bearer {await room.token()}"}) as other:
        assert (await receive_close(other))[0] == 4429


async def test_a_preview_at_a_moment_goes_by_sockets_too(room: AuthSetup, served: WebSocketServer) -> None:
    """In the first message, beside the token."""
    fields = {"authorization": f"Bearer {await room.token()}", "X-Preview-At": "2040-01-01T00:00:00Z"}
    async with greeted(served, fields) as socket:
        assert await receive_message(socket) == {"type": "connection_ack"}
        assert await query_over_socket(socket) == JANE
