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
from contentql.store.models.accounts import ApiToken, PreviewLink
from contentql.telemetry.logs import AccessLog
from contentql.telemetry.observer import RequestObserver
from contentql.web.endpoint import GraphQLEndpoint
from contentql.web.websocket import WebSocketEndpoint

ME = "{ viewer { name role } }"
LATEST = "{ latestNews(first: 3) { nodes { id headline } } }"
PUBLIC = {"viewer": {"name": None, "role": "READER"}}
JANE = {"viewer": {"name": "Jane Doe", "role": "EDITOR"}}
REJECTED_TOKEN_MESSAGE = "The token is not valid, has expired or was revoked."
DAY = dt.timedelta(days=1)


def now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


class AuthSetup:
    """A newsroom, and methods that change its tokens."""

    def __init__(self, url: str, database: Database) -> None:
        self.url = url
        self.database = database

    async def token(self, name: str = "Jane Doe", role: Role = Role.EDITOR, **options: Any) -> str:
        async with self.database.orm():
            arguments = {"expires_at": now() + DAY, "created_by": "tests", "now": now(), **options}
            _, secret = await api_tokens.issue_token(name=name, role=role, **arguments)
        return secret

    async def link(self, article_id: int) -> int:
        """The id of a new preview link."""
        async with self.database.orm():
            row = await PreviewLink.create(
                article_id=article_id,
                account="jane-doe",
                created_at=now(),
                created_by="tests",
                expires_at=now() + DAY,
            )
        link_id: int = row.id
        return link_id

    async def revoke(self, secret: str) -> None:
        async with self.database.orm():
            row = await ApiToken.get(hash=api_tokens.hash_token(secret))
            assert await api_tokens.mark_token_revoked(row.id, now())

    async def expire(self, secret: str) -> None:
        async with self.database.orm():
            await ApiToken.filter(hash=api_tokens.hash_token(secret)).update(expires_at=now() - DAY)

    async def invalid_tokens(self) -> list[str]:
        """An unknown, an expired, a revoked and a malformed token."""
        expired, revoked = await self.token(), await self.token()
        await self.expire(expired)
        await self.revoke(revoked)
        return [api_tokens.generate_token(), expired, revoked, "nothing"]


@pytest.fixture(scope="module")
async def auth_setup(server: Server) -> AsyncIterator[AuthSetup]:
    """The demo newsroom."""
    url = await server.demo()
    async with Database(url) as database:
        yield AuthSetup(url, database)


@contextlib.asynccontextmanager
async def open_endpoint(database: Database, **settings: Any) -> AsyncIterator[GraphQLEndpoint]:
    """The endpoint of a worker with a response cache."""
    executor = build_executor(Settings(**settings), database)
    assert executor.responses is not None
    await executor.responses.open()
    yield make_endpoint(executor, **settings)
    await executor.responses.close()


@pytest.fixture
async def endpoint(auth_setup: AuthSetup) -> AsyncIterator[GraphQLEndpoint]:
    async with open_endpoint(auth_setup.database) as result:
        yield result


@pytest.fixture
async def http(endpoint: GraphQLEndpoint) -> AsyncIterator[httpx2.AsyncClient]:
    async with client_from(endpoint) as result:
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


METHODS = (post, get)


# Valid tokens


async def test_token_identifies_the_viewer(auth_setup: AuthSetup, http: httpx2.AsyncClient) -> None:
    """By POST, GET and HEAD; without a token the viewer is anonymous."""
    secret = await auth_setup.token()
    for send in METHODS:
        assert (await send(http, ME, bearer(secret))).json()["data"] == JANE
        assert (await send(http, ME)).json()["data"] == PUBLIC
    assert (await http.head("/graphql", params={"query": ME}, headers=bearer(secret))).status_code == 200


async def test_responses_with_a_token_are_not_cached(auth_setup: AuthSetup, http: httpx2.AsyncClient) -> None:
    """No ETag, no cache tags and never 304, for readers too."""
    for role in (Role.READER, Role.EDITOR):
        headers = bearer(await auth_setup.token(role.value, role))
        for query in (LATEST, ME, "{", "{ nonsense }"):
            for send in METHODS:
                response = await send(http, query, {**headers, "if-none-match": "*"})
                assert response.status_code in (200, 400, 422)
                assert response.headers["cache-control"] == "private, no-store"
                assert "Authorization" in response.headers["vary"]
                assert not {"etag", "cache-tag", "surrogate-key", "age"} & response.headers.keys()


async def test_cached_responses_are_not_shared_between_viewers(
    auth_setup: AuthSetup, http: httpx2.AsyncClient
) -> None:
    """Alternating viewers get their own responses in any order."""
    viewers: dict[str | None, Any] = {None: PUBLIC}
    for role in Role:
        viewers[await auth_setup.token(role.value, role)] = {
            "viewer": {"name": role.value, "role": role.value}
        }
    for send in METHODS:
        for _ in range(3):
            for secret, expected in [*viewers.items(), *reversed(viewers.items())]:
                response = await send(http, ME, bearer(secret) if secret else None)
                assert response.json()["data"] == expected
                cache_control = response.headers.get("cache-control", "")
                assert (cache_control == "private, no-store") == (secret is not None)


async def test_fast_path_serves_only_anonymous_requests(
    auth_setup: AuthSetup, endpoint: GraphQLEndpoint
) -> None:
    """Requests with credentials or a preview time do not use the fast path of the cache."""
    query = str(httpx2.QueryParams({"query": LATEST})).encode()
    scope = {
        "type": "http", "method": "GET", "query_string": query, "client": ("127.0.0.1", 1), "headers": [],
        "path": "/graphql",
    }  # fmt: skip
    async with client_from(endpoint) as http:
        for _ in range(2):
            await get(http, LATEST)
    assert endpoint.try_cached_response(scope, b"") is not None
    for name in (b"authorization", b"x-preview-at"):
        assert endpoint.try_cached_response({**scope, "headers": [(name, b"x")]}, b"") is None


async def test_drafts_are_visible_only_with_permission(
    auth_setup: AuthSetup, http: httpx2.AsyncClient
) -> None:
    """Previewers see all drafts, a preview token one article, other viewers none."""
    async with auth_setup.database.orm() as connection:
        await connection.execute_script("UPDATE article SET status = 'DRAFT' WHERE id = 701")
    try:
        query = '{ article(id: "art_701") { id } }'
        link_ids = [await auth_setup.link(id) for id in (701, 702)]
        async with auth_setup.database.transaction():
            links = [
                await preview_tokens.sign_preview_token_in_transaction(auth_setup.database, id, now() + DAY)
                for id in link_ids
            ]
        is_visible_with = {
            None: False,
            await auth_setup.token(role=Role.READER): False,
            await auth_setup.token(role=Role.AUTHOR, account="somebody-else"): False,
            await auth_setup.token(role=Role.PREVIEWER): True,
            await auth_setup.token(role=Role.ADMIN, scopes=["ADMIN"]): False,
            links[0]: True,
            links[1]: False,
        }
        for send in METHODS:
            for token, is_visible in [*is_visible_with.items(), *reversed(is_visible_with.items())]:
                response = await send(http, query, bearer(token) if token else None)
                assert (response.json()["data"]["article"] is not None) == is_visible
    finally:
        async with auth_setup.database.orm() as connection:
            await connection.execute_script("UPDATE article SET status = 'PUBLISHED' WHERE id = 701")


async def test_persisted_queries_are_shared_between_viewers(
    auth_setup: AuthSetup, http: httpx2.AsyncClient
) -> None:
    """The document is the same for all viewers, the response is not."""
    secret = await auth_setup.token()
    hash = hashlib.sha256(ME.encode()).hexdigest()
    by_hash: dict[str, Any] = {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": hash}}}
    with_text = {**by_hash, "query": ME}
    requests = [(with_text, secret), (by_hash, secret), (by_hash, None), (by_hash, secret)]
    for body, token in requests:
        response = await http.post("/graphql", json=body, headers=bearer(token) if token else None)
        assert response.json()["data"] == (JANE if token else PUBLIC)


# Invalid tokens


async def test_invalid_tokens_are_rejected(auth_setup: AuthSetup) -> None:
    """401 with one message for every method, never stored, and without the token."""
    for secret in await auth_setup.invalid_tokens():
        for accept in ("*/*", "application/json"):
            async with open_endpoint(auth_setup.database) as endpoint, client_from(endpoint) as http:
                for send in METHODS:
                    response = await send(http, LATEST, {**bearer(secret), "accept": accept})
                    assert (response.status_code, error_code(response)) == (401, "UNAUTHENTICATED")
                    assert response.json()["errors"][0]["message"] == REJECTED_TOKEN_MESSAGE
                    assert "data" not in response.json()
                    assert response.headers["www-authenticate"] == "Bearer"
                    assert response.headers["cache-control"] == "no-store"
                    assert secret not in response.text.replace("nothing", "") or secret == "nothing"
                head = await http.head("/graphql", params={"query": LATEST}, headers=bearer(secret))
                assert (head.status_code, head.content) == (401, b"")


async def test_invalid_authorization_headers_are_rejected(http: httpx2.AsyncClient) -> None:
    """The request is not treated as anonymous."""
    for header in ("Basic dXNlcjpwYXNz", "Bearer", ""):
        response = await post(http, ME, {"authorization": header})
        assert (response.status_code, error_code(response)) == (401, "UNAUTHENTICATED")


async def test_revoked_tokens_are_rejected_by_every_worker(auth_setup: AuthSetup) -> None:
    """Workers share only the database."""
    secret = await auth_setup.token()
    async with (
        Database(auth_setup.url) as database,
        open_endpoint(auth_setup.database) as first,
        open_endpoint(database) as second,
    ):
        for endpoint in (first, second):
            async with client_from(endpoint) as http:
                assert (await post(http, ME, bearer(secret))).json()["data"] == JANE
        await auth_setup.revoke(secret)
        for endpoint in (second, first):
            async with client_from(endpoint) as http:
                for send in METHODS:
                    assert error_code(await send(http, ME, bearer(secret))) == "UNAUTHENTICATED"


async def test_preview_time_requires_permission(auth_setup: AuthSetup, http: httpx2.AsyncClient) -> None:
    """403 without permission, 422 for an invalid time; otherwise the response is not cached."""
    reader, previewer = await auth_setup.token(role=Role.READER), await auth_setup.token(role=Role.PREVIEWER)
    at = {"x-preview-at": "2040-01-01T00:00:00Z"}
    for send in METHODS:
        for headers in (at, {**at, **bearer(reader)}):
            response = await send(http, LATEST, headers)
            assert (response.status_code, error_code(response)) == (403, "FORBIDDEN")
            assert response.headers["cache-control"] == "no-store"
        response = await send(http, LATEST, {"x-preview-at": "tomorrow", **bearer(previewer)})
        assert (response.status_code, error_code(response)) == (422, "BAD_USER_INPUT")
        response = await send(http, LATEST, {**at, **bearer(previewer)})
        assert (response.status_code, response.headers["cache-control"]) == (200, "private, no-store")


async def test_failed_tokens_block_the_address_for_all_methods(
    auth_setup: AuthSetup, endpoint: GraphQLEndpoint
) -> None:
    """Tokens that were valid before and anonymous requests are still accepted."""
    secret = await auth_setup.token()
    async with (
        client_from(endpoint, "192.168.0.7") as http,
        client_from(endpoint, "192.168.0.8") as other_address,
    ):
        await post(http, ME, bearer(secret))
        for number in range(MAX_FAILURES):
            response = await METHODS[number % 2](http, ME, bearer(api_tokens.generate_token()))
            assert response.status_code == 401
        fresh = await auth_setup.token("Late")
        for send in METHODS:
            response = await send(http, ME, bearer(fresh))
            assert (response.status_code, error_code(response)) == (429, "RATE_LIMITED")
            assert 0 < int(response.headers["retry-after"]) <= 60
            assert response.headers["cache-control"] == "no-store"
            assert (await send(http, ME, bearer(secret))).json()["data"] == JANE
            assert (await send(http, ME)).json()["data"] == PUBLIC
            assert (await send(other_address, ME, bearer(fresh))).status_code == 200


async def test_rate_limit_counts_per_account(auth_setup: AuthSetup) -> None:
    """All tokens and addresses of the account share it; rejected tokens count for the address."""
    first_token, second_token = [await auth_setup.token(account="spender") for _ in range(2)]
    async with (
        open_endpoint(auth_setup.database, rate_limit_cost_per_minute=50) as endpoint,
        client_from(endpoint, "203.0.113.9") as first_client,
        client_from(endpoint, "203.0.113.10") as second_client,
    ):
        headers = [
            (await post(http, LATEST, bearer(secret))).headers["ratelimit"]
            for http, secret in (
                (first_client, first_token),
                (second_client, first_token),
                (first_client, second_token),
            )
        ]
        points = [int(value.partition(";r=")[2].partition(";")[0]) for value in headers]
        assert points[0] > points[1] > points[2]
        assert points[0] - points[1] == points[1] - points[2]
        for _ in range(20):
            response = await post(second_client, LATEST, bearer(first_token))
        assert (response.status_code, error_code(response)) == (429, "RATE_LIMITED")
        assert int(response.headers["retry-after"]) > 0
        assert (await post(first_client, LATEST)).status_code == 200
        rejected = await post(first_client, LATEST, bearer("nothing"))
        assert (rejected.status_code, "ratelimit" in rejected.headers) == (401, True)


async def test_cors_preflight_allows_the_token_headers(http: httpx2.AsyncClient) -> None:
    """`Authorization` and `X-Preview-At`."""
    response = await http.options("/graphql", headers={"origin": "https://desk.test"})
    assert {"authorization", "x-preview-at"} <= set(
        response.headers["access-control-allow-headers"].replace(" ", "").split(",")
    )


async def test_tokens_are_not_logged(
    auth_setup: AuthSetup, endpoint: GraphQLEndpoint, caplog: pytest.LogCaptureFixture
) -> None:
    """Valid or invalid, at any log level."""
    lines: list[bytes] = []
    endpoint.observer = RequestObserver(Settings(), log=AccessLog("all", "json", 1.0, lines.append))
    secrets = [
        await auth_setup.token(),
        *await auth_setup.invalid_tokens(),
        preview_tokens.sign_preview_token("key", 1, now()),
        "a.b.c",
    ]
    async with endpoint.observer, client_from(endpoint) as http:
        with caplog.at_level(logging.DEBUG, logger="contentql"):
            for secret in secrets:
                for send in METHODS:
                    await send(http, ME, bearer(secret))
    log_text = b"".join(lines).decode() + caplog.text
    assert log_text.count('"UNAUTHENTICATED"') == 2 * (len(secrets) - 1) - 2
    for secret in (*secrets, *(api_tokens.hash_token(secret) for secret in secrets)):
        assert secret not in log_text.replace("nothing", "") or secret == "nothing"


async def test_tokens_of_an_identity_provider_are_accepted_over_http(
    auth_setup: AuthSetup, tmp_path: Path
) -> None:
    """Invalid ones get the same error as other tokens."""
    key = ec.generate_private_key(ec.SECP256R1())
    public: dict[str, Any] = jwt.algorithms.ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
    (tmp_path / "jwks.json").write_text(json.dumps({"keys": [{**public, "kid": "1"}]}))
    issuer = "https://id.example.org"
    settings = {
        "oidc_issuer": issuer,
        "oidc_audience": "newsroom",
        "oidc_jwks_url": str(tmp_path / "jwks.json"),
    }

    def sign(**overrides: Any) -> str:
        claims = {
            "iss": issuer,
            "aud": "newsroom",
            "sub": "17",
            "exp": int(time.time()) + 60,
            "name": "Jane Doe",
        }
        return jwt.encode({**claims, **overrides}, key, algorithm="ES256", headers={"kid": "1"})

    async with open_endpoint(auth_setup.database, **settings) as endpoint, client_from(endpoint) as http:
        for send in METHODS:
            response = await send(http, ME, bearer(sign(contentql_role="editor")))
            assert (response.json()["data"], response.headers["cache-control"]) == (JANE, "private, no-store")
            for wrong in ({"aud": "another"}, {"iss": "https://other.example.org"}, {"exp": 1}):
                rejected = await send(http, ME, bearer(sign(**wrong)))
                assert rejected.json()["errors"][0]["message"] == REJECTED_TOKEN_MESSAGE


# WebSockets


@contextlib.asynccontextmanager
async def run_websocket_server(url: str) -> AsyncIterator[WebSocketServer]:
    """The WebSocket endpoint of a worker."""
    database = Database(url)
    executor = build_executor(Settings(), database)
    endpoint = make_endpoint(executor)
    operations = endpoint.operations
    sockets = WebSocketEndpoint(
        operations.execute_over_websocket, greet=operations.authenticate_websocket, streams=endpoint.streams
    )

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with database:
            yield

    app = Starlette(routes=[WebSocketRoute("/graphql", sockets)], lifespan=lifespan)
    async with WebSocketServer(app) as websocket_server:
        yield websocket_server


@pytest.fixture
async def websocket_server(auth_setup: AuthSetup) -> AsyncIterator[WebSocketServer]:
    async with run_websocket_server(auth_setup.url) as websocket_server:
        yield websocket_server


@contextlib.asynccontextmanager
async def open_connection(
    websocket_server: WebSocketServer,
    payload: dict[str, Any] | None = None,
    headers: dict[str, str] | None = None,
) -> AsyncIterator[ClientConnection]:
    """A connection after `connection_init`."""
    async with connect_to(websocket_server, additional_headers=headers) as socket:
        await send_messages(
            socket, {"type": "connection_init", **({} if payload is None else {"payload": payload})}
        )
        yield socket


async def query_over_socket(socket: ClientConnection, query: str = ME) -> Any:
    """The data of the response, or the error code."""
    await send_messages(socket, {"id": "1", "type": "subscribe", "payload": {"query": query}})
    message = await receive_message(socket)
    if message["type"] == "error":
        return message["payload"][0]["extensions"]["code"]
    assert (await receive_message(socket))["type"] == "complete"
    return message["payload"]["data"]


def credentials(secret: str) -> Sequence[tuple[dict[str, Any] | None, dict[str, str] | None]]:
    """The ways to send a token: payload of `connection_init`, and headers of the handshake."""
    return (
        ({"authorization": f"Bearer {secret}"}, None),
        ({"Authorization": f"Bearer {secret}"}, None),
        (None, bearer(secret)),
        ({"other": 5}, bearer(secret)),
        ({"authorization": f"Bearer {secret}"}, bearer("another")),
    )


async def test_websocket_token_in_message_or_header(
    auth_setup: AuthSetup, websocket_server: WebSocketServer
) -> None:
    """The token of `connection_init` takes precedence; without a token the viewer is anonymous."""
    for payload, headers in credentials(await auth_setup.token()):
        async with open_connection(websocket_server, payload, headers) as socket:
            assert await receive_message(socket) == {"type": "connection_ack"}
            assert await query_over_socket(socket) == JANE
            assert await query_over_socket(socket) == JANE
    for without_token in (None, {}, {"authorization": None}):
        async with open_connection(websocket_server, without_token) as socket:
            assert await receive_message(socket) == {"type": "connection_ack"}
            assert await query_over_socket(socket) == PUBLIC


async def test_websocket_with_invalid_token_is_closed(auth_setup: AuthSetup) -> None:
    """Close code 4403, or 4400 for a token that is no string."""
    for secret in await auth_setup.invalid_tokens():
        async with run_websocket_server(auth_setup.url) as websocket_server:
            for payload, headers in credentials(secret)[:3]:
                async with open_connection(websocket_server, payload, headers) as socket:
                    assert await receive_close(socket) == (4403, "Forbidden")
    async with run_websocket_server(auth_setup.url) as websocket_server:
        async with open_connection(websocket_server, {"x-preview-at": "2040-01-01T00:00:00Z"}) as socket:
            assert await receive_close(socket) == (4403, "Forbidden")
        async with open_connection(websocket_server, {"authorization": ["Bearer"]}) as socket:
            assert (await receive_close(socket))[0] == 4400


async def test_websocket_rejects_operations_after_revocation(
    auth_setup: AuthSetup, websocket_server: WebSocketServer
) -> None:
    secret = await auth_setup.token()
    async with open_connection(websocket_server, {"authorization": f"Bearer {secret}"}) as socket:
        assert await receive_message(socket) == {"type": "connection_ack"}
        assert await query_over_socket(socket) == JANE
        await auth_setup.revoke(secret)
        assert await query_over_socket(socket) == "UNAUTHENTICATED"
        assert await query_over_socket(socket) == "UNAUTHENTICATED"


async def test_failed_tokens_over_websocket_block_the_address(
    auth_setup: AuthSetup, websocket_server: WebSocketServer
) -> None:
    """Failed connections and failed operations are counted together."""
    revoked = await auth_setup.token()
    async with open_connection(websocket_server, {"authorization": f"Bearer {revoked}"}) as socket:
        assert await receive_message(socket) == {"type": "connection_ack"}
        await auth_setup.revoke(revoked)
        assert [await query_over_socket(socket) for _ in range(5)] == ["UNAUTHENTICATED"] * 5
        for _ in range(MAX_FAILURES - 5):
            async with open_connection(
                websocket_server, {"authorization": f"Bearer {api_tokens.generate_token()}"}
            ) as other:
                assert (await receive_close(other))[0] == 4403
        assert await query_over_socket(socket) == "RATE_LIMITED"
    async with open_connection(
        websocket_server, {"authorization": f"Bearer {await auth_setup.token()}"}
    ) as other:
        assert (await receive_close(other))[0] == 4429


async def test_preview_time_can_be_sent_in_connection_init(
    auth_setup: AuthSetup, websocket_server: WebSocketServer
) -> None:
    fields = {"authorization": f"Bearer {await auth_setup.token()}", "X-Preview-At": "2040-01-01T00:00:00Z"}
    async with open_connection(websocket_server, fields) as socket:
        assert await receive_message(socket) == {"type": "connection_ack"}
        assert await query_over_socket(socket) == JANE
