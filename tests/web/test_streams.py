"""Subscriptions over WebSocket and as event streams: results, resuming, visibility, credentials, limits."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest
from tests.conftest import Server
from tests.support.http_client import error_codes
from tests.support.stream_client import (
    STREAM,
    StreamServer,
    issue,
    open_event_stream,
    open_socket,
    write,
)
from tests.support.websocket_client import connect_to, receive_close, receive_message, send_messages
from websockets.exceptions import InvalidStatus

from contentql.auth.permissions import Role
from contentql.content.timestamps import format_timestamp
from contentql.events import live_queries
from contentql.web import send_queue

LATEST = "subscription { latestNews(first: 3) { nodes { id headline } } }"
NEWEST = "UPDATE article SET headline = 'Version {0}' WHERE id = 701"
EVERYTHING = "subscription { latestNews(first: 100) { nodes { headline } } }"
HEADLINES = "subscription { latestNews(first: 3) { nodes { headline } } }"


@pytest.fixture(params=[33_554_432, 0], ids=["cached", "uncached"])
async def newsroom(server: Server, request: pytest.FixtureRequest) -> AsyncIterator[StreamServer]:
    """The demo newsroom, with and without a response cache."""
    async with StreamServer(await server.demo(), response_cache_bytes=request.param) as running:
        yield running


@pytest.fixture
async def served(server: Server) -> AsyncIterator[StreamServer]:
    """The demo newsroom."""
    async with StreamServer(await server.demo()) as running:
        yield running


@pytest.fixture
async def sqlite_served(sqlite_server: Server) -> AsyncIterator[StreamServer]:
    """The demo newsroom on SQLite, where the database does not matter."""
    async with StreamServer(await sqlite_server.demo()) as running:
        yield running


def headlines(result: Any) -> list[str]:
    return [node["headline"] for node in result["data"]["latestNews"]["nodes"]]


def subscribe(name: str, query: str = LATEST, **payload: Any) -> dict[str, Any]:
    return {"id": name, "type": "subscribe", "payload": {"query": query, **payload}}


# Results


async def test_event_stream_has_the_present_result_and_each_new_one(newsroom: StreamServer) -> None:
    """By POST and by GET; writes of other programs count."""
    for number, method in enumerate(("POST", "GET")):
        async with open_event_stream(newsroom, LATEST, method=method) as stream:
            assert len(headlines(await stream.receive_result())) == 3
            await write(newsroom.database_url, NEWEST.format(number))
            event = await stream.receive()
            assert event is not None
            assert event.data["extensions"] == {"eventId": event.id}
            assert f"Version {number}" in headlines(event.data)


async def test_socket_has_the_present_result_and_each_new_one(newsroom: StreamServer) -> None:
    """Until the client sends `complete`, after which the id may be used again."""
    async with open_socket(newsroom) as socket:
        for number in range(2):
            await send_messages(socket, subscribe("a"))
            first = await receive_message(socket)
            assert (first["id"], first["type"]) == ("a", "next")
            await write(newsroom.database_url, NEWEST.format(number))
            message = await receive_message(socket)
            assert f"Version {number}" in headlines(message["payload"])
            assert message["payload"]["extensions"]["eventId"] != first["payload"]["extensions"]["eventId"]
            await send_messages(socket, {"id": "a", "type": "complete"})
        await write(newsroom.database_url, NEWEST.format(3))
        await send_messages(socket, subscribe("b"))
        assert (await receive_message(socket))["id"] == "b"


async def test_one_socket_has_many_subscriptions_and_queries(served: StreamServer) -> None:
    section = 'subscription { latestNews(section: "world", first: 1) { nodes { id } } }'
    async with open_socket(served) as socket:
        await send_messages(socket, subscribe("a"), subscribe("b", section), subscribe("c"))
        received = [await receive_message(socket) for _ in range(3)]
        assert sorted(message["id"] for message in received) == ["a", "b", "c"]
        await send_messages(socket, subscribe("q", "{ viewer { role } }"))
        assert [(await receive_message(socket))["type"] for _ in range(2)] == ["next", "complete"]
        await send_messages(socket, subscribe("a"))
        assert (await receive_close(socket))[0] == 4409


async def test_unchanged_results_are_not_sent_again(served: StreamServer) -> None:
    """A change that the selection does not show, and one of hidden content, give no event."""
    async with open_event_stream(served, HEADLINES) as stream:
        await stream.receive_result()
        await write(
            served.database_url,
            "UPDATE article SET summary = 'Another summary.' WHERE id = 701",
            "UPDATE article SET headline = 'Hidden' WHERE status = 'DRAFT'",
            NEWEST.format(1),
        )
        assert "Version 1" in headlines(await stream.receive_result())
    assert await served.metric("contentql_stream_events_total") == 2


async def test_publication_by_the_clock_is_an_event(newsroom: StreamServer) -> None:
    """No write and no request happens at its time."""
    at = dt.datetime.now(dt.UTC).replace(microsecond=0) + dt.timedelta(seconds=3)
    text = format_timestamp(at)
    await write(
        newsroom.database_url,
        f"UPDATE article SET published_at = '{text}', headline = 'At last' WHERE id = 701",
    )
    async with open_event_stream(newsroom, HEADLINES) as stream:
        assert "At last" not in headlines(await stream.receive_result())
        assert "At last" in headlines(await stream.receive_result())


async def test_equal_subscribers_share_one_execution(
    sqlite_served: StreamServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over both transports; a viewer who sees more has an execution of its own."""
    executor = sqlite_served.app.graphql.executor  # type: ignore[attr-defined]
    executions: list[str] = []
    compute = executor._compute

    async def count(execution: Any, **options: Any) -> Any:
        executions.append(execution.request.query)
        return await compute(execution, **options)

    monkeypatch.setattr(executor, "_compute", count)
    _, secret = await issue(sqlite_served.database_url, Role.EDITOR)
    async with contextlib.AsyncExitStack() as stack:
        streams = [
            await stack.enter_async_context(open_event_stream(sqlite_served, EVERYTHING)) for _ in range(4)
        ]
        sockets = [await stack.enter_async_context(open_socket(sqlite_served)) for _ in range(4)]
        for socket in sockets:
            await send_messages(socket, subscribe("a", EVERYTHING))
            await receive_message(socket)
        for stream in streams:
            await stream.receive_result()
        assert executions == [EVERYTHING]
        editor = await stack.enter_async_context(open_event_stream(sqlite_served, EVERYTHING, token=secret))
        await editor.receive_result()
        assert executions == [EVERYTHING] * 2
        await write(sqlite_served.database_url, NEWEST.format(1))
        for stream in (*streams, editor):
            await stream.receive_result()
        for socket in sockets:
            await receive_message(socket)
        assert executions == [EVERYTHING] * 4
        assert await sqlite_served.metric("contentql_subscriptions_open") == 9


async def test_drafts_reach_only_viewers_who_see_them(newsroom: StreamServer) -> None:
    """An editor's subscription has the draft; the public one has the next public change."""
    _, secret = await issue(newsroom.database_url, Role.EDITOR)
    async with (
        open_event_stream(newsroom, EVERYTHING) as public,
        open_event_stream(newsroom, EVERYTHING, token=secret) as editor,
    ):
        await public.receive_result()
        await editor.receive_result()
        await write(newsroom.database_url, "UPDATE article SET headline = 'Secret' WHERE status = 'DRAFT'")
        assert "Secret" in headlines(await editor.receive_result())
        await write(newsroom.database_url, NEWEST.format(1))
        result = headlines(await public.receive_result())
        assert "Version 1" in result
        assert "Secret" not in result


async def test_two_servers_on_one_database(server: Server) -> None:
    """A mutation on one server reaches the subscribers of the other."""
    url = await server.demo()
    _, secret = await issue(url)
    async with StreamServer(url) as one, StreamServer(url) as other, one.client(secret) as http:
        query = "subscription { latestNews(first: 1) { totalCount nodes { category { name } } } }"
        async with open_event_stream(other, query) as stream, open_socket(other) as socket:
            await stream.receive_result()
            await send_messages(socket, subscribe("a", query))
            before = (await receive_message(socket))["payload"]["data"]["latestNews"]["totalCount"]
            mutation = "mutation($input: ArticleTransitionInput!) { unpublishArticle(input: $input)"
            response = await http.post(
                "/graphql",
                json={
                    "query": f"{mutation} {{ userErrors {{ message }} }} }}",
                    "variables": {"input": {"id": "art_701"}},
                },
            )
            assert response.json()["data"]["unpublishArticle"]["userErrors"] == []
            for result in (await stream.receive_result(), (await receive_message(socket))["payload"]):
                assert result["data"]["latestNews"]["totalCount"] == before - 1


# Negotiation and errors


@pytest.mark.parametrize("accept", ["application/json", "application/graphql-response+json", "*/*", None])
@pytest.mark.parametrize("method", ["POST", "GET"])
async def test_subscriptions_without_a_stream_are_refused(
    sqlite_served: StreamServer, accept: str | None, method: str
) -> None:
    async with sqlite_served.client() as http:
        http.headers.pop("accept")
        headers = {"accept": accept} if accept else {}
        if method == "POST":
            response = await http.post("/graphql", json={"query": LATEST}, headers=headers)
        else:
            response = await http.get("/graphql", params={"query": LATEST}, headers=headers)
    assert (response.status_code, error_codes(406, response.content)) == (406, ["STREAM_REQUIRED"])
    assert "text/event-stream" in response.json()["errors"][0]["extensions"]["hint"]


async def test_queries_are_json_if_the_client_accepts_it(sqlite_served: StreamServer) -> None:
    """urql sends text/event-stream with every operation."""
    accept = "application/graphql-response+json, application/json, text/event-stream, multipart/mixed"
    async with sqlite_served.client() as http:
        for _ in range(2):
            response = await http.post(
                "/graphql", json={"query": "{ viewer { role } }"}, headers={"accept": accept}
            )
            assert response.headers["content-type"].startswith("application/graphql-response+json")
            assert response.json() == {"data": {"viewer": {"role": "READER"}}}


async def test_queries_are_one_event_if_the_client_accepts_nothing_else(sqlite_served: StreamServer) -> None:
    for _ in range(3):  # also from the cache
        async with open_event_stream(sqlite_served, "{ viewer { role } }") as stream:
            assert await stream.receive_result() == {"data": {"viewer": {"role": "READER"}}}
            event = await stream.receive()
            assert event is not None
            assert (event.name, event.data) == ("complete", None)
            assert await stream.receive() is None


INVALID = {
    "subscription { latestNews(first: 1000) { nodes { id } } }": "INVALID_PAGE_SIZE",
    "subscription { latestNews { nodes { nothing } } }": "GRAPHQL_VALIDATION_FAILED",
    "subscription { a: latestNews { totalCount } b: latestNews { totalCount } }": "GRAPHQL_VALIDATION_FAILED",
    "subscription { __typename }": "GRAPHQL_VALIDATION_FAILED",
    "subscription { latestNews(first: 1) @skip(if: true) { totalCount } }": "GRAPHQL_VALIDATION_FAILED",
    "subscription": "GRAPHQL_PARSE_FAILED",
    "subscription($n: Int!) { latestNews(first: $n) { totalCount } }": "BAD_USER_INPUT",
}


@pytest.mark.parametrize("query", INVALID)
async def test_errors_before_the_stream(sqlite_served: StreamServer, query: str) -> None:
    """JSON with its status if the client accepts JSON, else an event; `error` over WebSocket."""
    expected = INVALID[query]
    async with sqlite_served.client() as http:
        accept = {"accept": "text/event-stream, application/graphql-response+json"}
        response = await http.post("/graphql", json={"query": query}, headers=accept)
    assert error_codes(response.status_code, response.content) == [expected]
    assert response.status_code in (400, 422)
    async with open_event_stream(sqlite_served, query) as stream:
        assert (await stream.receive_result())["errors"][0]["extensions"]["code"] == expected
        assert (await stream.receive()).name == "complete"  # type: ignore[union-attr]
    async with open_socket(sqlite_served) as socket:
        await send_messages(socket, subscribe("a", query))
        message = await receive_message(socket)
        assert (message["type"], message["payload"][0]["extensions"]["code"]) == ("error", expected)
    assert await sqlite_served.metric("contentql_subscriptions_open") == 0


async def test_streams_are_not_cached_compressed_or_buffered(sqlite_served: StreamServer) -> None:
    async with open_event_stream(
        sqlite_served, LATEST, headers={"accept-encoding": "gzip, br", "origin": "https://example.org"}
    ) as stream:
        await stream.receive_result()
        headers = stream.response.headers
        assert headers["cache-control"] == "no-store, no-transform"
        assert headers["x-accel-buffering"] == "no"
        assert headers["access-control-allow-origin"] == "*"
        assert "content-encoding" not in headers
        assert stream.retry is not None
        assert 1_000 <= stream.retry <= 5_000


# Resuming


async def test_clients_resume_by_the_id_of_the_last_event(served: StreamServer) -> None:
    """With the present id nothing is sent until something changes."""
    async with open_event_stream(served, HEADLINES) as stream:
        event = await stream.receive()
    assert event is not None
    for number, way in enumerate(("header", "extension", "parameter", "socket")):
        last_event_id = event.id
        async with contextlib.AsyncExitStack() as stack:
            if way == "socket":
                socket = await stack.enter_async_context(open_socket(served))
                extensions = {"lastEventId": last_event_id}
                await send_messages(socket, subscribe("a", HEADLINES, extensions=extensions))
                await send_messages(socket, subscribe("b", "{ viewer { role } }"))
                assert (await receive_message(socket))["id"] == "b"
                assert (await receive_message(socket))["type"] == "complete"
                await write(served.database_url, NEWEST.format(number))
                assert f"Version {number}" in headlines((await receive_message(socket))["payload"])
                continue
            ways: dict[str, dict[str, Any]] = {
                "header": {"headers": {"last-event-id": last_event_id}},
                "extension": {"extensions": {"lastEventId": last_event_id}},
                "parameter": {"method": "GET", "params": {"lastEventId": last_event_id}},
            }
            arguments = ways[way]
            resumed = await stack.enter_async_context(open_event_stream(served, HEADLINES, **arguments))
            await write(served.database_url, NEWEST.format(number))
            event = await resumed.receive()
            assert event is not None
            assert f"Version {number}" in headlines(event.data)
            assert "resync" not in event.data["extensions"]


@pytest.mark.parametrize("last_event_id", ["0" * 32, "x", "é", "1" * 5_000, "null"])
async def test_unknown_ids_give_one_resync_event(sqlite_served: StreamServer, last_event_id: str) -> None:
    """It has the whole present result."""
    extensions = {"lastEventId": last_event_id}
    async with open_event_stream(sqlite_served, HEADLINES, extensions=extensions) as stream:
        event = await stream.receive()
        assert event is not None
        assert event.data["extensions"] == {"eventId": event.id, "resync": True}
        await write(sqlite_served.database_url, NEWEST.format(1))
        assert "resync" not in (await stream.receive_result())["extensions"]


@pytest.mark.parametrize("value", [1, [], {}, True])
async def test_last_event_ids_are_strings(sqlite_served: StreamServer, value: Any) -> None:
    async with sqlite_served.client() as http:
        body = {"query": LATEST, "extensions": {"lastEventId": value}}
        response = await http.post("/graphql", json=body, headers=STREAM)
    assert error_codes(response.status_code, response.content) == ["INVALID_REQUEST"]


# Credentials


@pytest.mark.parametrize("how", ["revoked", "expired", "deleted", "demoted"])
async def test_streams_end_with_their_token(served: StreamServer, how: str) -> None:
    """The socket with a close code, the event stream with an error; public streams go on."""
    token_id, secret = await issue(served.database_url)
    statement = {
        "revoked": "UPDATE token SET revoked_at = '2026-06-30 08:00:00+00:00' WHERE id = {}",
        "expired": "UPDATE token SET expires_at = '2026-06-30 08:00:00+00:00' WHERE id = {}",
        "deleted": "DELETE FROM token WHERE id = {}",
        "demoted": "UPDATE token SET role = 'AUTHOR' WHERE id = {}",
    }[how]
    async with (
        open_event_stream(served, LATEST, token=secret) as stream,
        open_socket(served, secret) as socket,
        open_event_stream(served, LATEST) as public,
    ):
        await stream.receive_result()
        await public.receive_result()
        await send_messages(socket, subscribe("a"))
        await receive_message(socket)
        await write(served.database_url, statement.format(token_id))
        code = "FORBIDDEN" if how == "demoted" else "UNAUTHENTICATED"
        assert (await receive_close(socket))[0] == (4403 if how == "demoted" else 4401)
        result = await stream.receive_result()
        assert [error["extensions"]["code"] for error in result["errors"]] == [code]
        assert (await stream.receive()).name == "complete"  # type: ignore[union-attr]
        assert await stream.receive() is None
        await write(served.database_url, NEWEST.format(1))
        assert "Version 1" in headlines(await public.receive_result())
    assert await served.metric("contentql_streams_dropped_revoked_total") == 2


async def test_streams_end_with_their_preview_link(sqlite_served: StreamServer) -> None:
    """A ticket of a link opens a stream that shows its article, until the link is revoked."""
    _, secret = await issue(sqlite_served.database_url, Role.EDITOR)
    link = "mutation($input: CreatePreviewLinkInput!) { createPreviewLink(input: $input) { token } }"
    async with sqlite_served.client(secret) as http:
        body = {"query": link, "variables": {"input": {"id": "art_733"}}}
        response = await http.post("/graphql", json=body)
    token = response.json()["data"]["createPreviewLink"]["token"]
    params = {"ticket": await ticket_for(sqlite_served, token)}
    async with (
        open_event_stream(sqlite_served, EVERYTHING, token=token) as stream,
        open_event_stream(sqlite_served, EVERYTHING, method="GET", params=params) as by_ticket,
    ):
        shown = headlines(await stream.receive_result())
        assert headlines(await by_ticket.receive_result()) == shown
        revoke = "UPDATE preview_link SET revoked_at = '2026-06-30T08:00:00Z'"
        await write(sqlite_served.database_url, revoke)
        for ended in (stream, by_ticket):
            result = await ended.receive_result()
            assert result["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


async def ticket_for(server: StreamServer, secret: str) -> str:
    async with server.client(secret) as http:
        response = await http.post("/graphql/ticket")
    assert response.status_code == 200, response.text
    assert "no-store" in response.headers["cache-control"]
    ticket: str = response.json()["ticket"]
    return ticket


async def test_tickets_open_event_streams(server: Server) -> None:
    """Also on another server of the database, as long as the token is valid."""
    url = await server.demo()
    token_id, secret = await issue(url, Role.EDITOR)
    await write(url, "UPDATE article SET headline = 'Secret' WHERE status = 'DRAFT'")
    async with StreamServer(url) as one, StreamServer(url) as other:
        params = {"ticket": await ticket_for(one, secret)}
        for server_ in (one, other):
            async with open_event_stream(server_, EVERYTHING, method="GET", params=params) as stream:
                assert "Secret" in headlines(await stream.receive_result())
        async with open_event_stream(other, EVERYTHING, method="GET", params=params) as stream:
            await stream.receive_result()
            await write(
                url, f"UPDATE token SET revoked_at = '2026-06-30 08:00:00+00:00' WHERE id = {token_id}"
            )
            assert "errors" in await stream.receive_result()
        async with one.client() as http:
            response = await http.get("/graphql", params={"query": EVERYTHING, **params}, headers=STREAM)
        assert error_codes(response.status_code, response.content) == ["UNAUTHENTICATED"]


async def test_invalid_tickets_are_refused(sqlite_server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Forged and foreign ones, other texts, and a token in place of a ticket."""
    async with (
        StreamServer(await sqlite_server.demo()) as served,
        StreamServer(await sqlite_server.demo()) as foreign,
    ):
        _, secret = await issue(served.database_url)
        _, foreign_secret = await issue(foreign.database_url)
        ticket, foreign_ticket = await ticket_for(served, secret), await ticket_for(foreign, foreign_secret)
        forged = ticket[:-8] + ("A" * 8 if not ticket.endswith("A" * 8) else "B" * 8)
        async with served.client() as http:
            for text in (forged, foreign_ticket, "x", "cqlt_", ticket[:-1], secret, "cqlt_" + "A" * 9_000):
                params = {"query": LATEST, "ticket": text}
                response = await http.get("/graphql", params=params, headers=STREAM)
                assert (response.status_code, error_codes(401, response.content)) == (
                    401,
                    ["UNAUTHENTICATED"],
                )
            json = {"accept": "application/json"}
            response = await http.get("/graphql", params={"query": LATEST, "ticket": ticket}, headers=json)
            assert error_codes(response.status_code, response.content) == ["BAD_REQUEST"]
            response = await http.post("/graphql/ticket")
            assert error_codes(response.status_code, response.content) == ["UNAUTHENTICATED"]
            response = await http.get("/graphql/ticket", headers={"authorization": f"Bearer {secret}"})
            assert error_codes(response.status_code, response.content) == ["METHOD_NOT_ALLOWED"]


# Limits


async def test_sockets_and_event_streams_of_an_address_are_limited(sqlite_server: Server) -> None:
    """Together; a stream that has ended counts no more."""
    url = await sqlite_server.demo()
    async with StreamServer(url, max_websockets_per_address=2) as served, served.client() as http:
        async with open_event_stream(served, LATEST), open_socket(served):
            response = await http.post("/graphql", json={"query": LATEST}, headers=STREAM)
            assert (response.status_code, error_codes(429, response.content)) == (
                429,
                ["TOO_MANY_CONNECTIONS"],
            )
            with pytest.raises(InvalidStatus):
                async with connect_to(served):
                    pass
        for _ in range(4):
            async with open_event_stream(served, LATEST) as stream:
                await stream.receive_result()
                invalid = await http.post("/graphql", json={"query": "subscription { x }"}, headers=STREAM)
                assert invalid.status_code == 200


async def test_different_subscriptions_of_a_client_are_limited(
    sqlite_served: StreamServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Equal ones are not."""
    monkeypatch.setattr(live_queries, "MAX_COST_PER_OWNER", 250)
    documents = [f"subscription {{ latestNews(first: {n}) {{ totalCount }} }}" for n in (1, 2, 3)]
    async with open_socket(sqlite_served) as socket:
        await send_messages(socket, *(subscribe(str(n), documents[n % 2]) for n in range(6)))
        assert {(await receive_message(socket))["type"] for _ in range(6)} == {"next"}
        await send_messages(socket, subscribe("x", documents[2]))
        message = await receive_message(socket)
        assert message["payload"][0]["extensions"]["code"] == "COST_LIMIT_EXCEEDED"
        await send_messages(socket, *({"id": str(n), "type": "complete"} for n in range(0, 6, 2)))
        await send_messages(socket, subscribe("y", documents[2]))
        assert (await receive_message(socket))["type"] == "next"


@pytest.mark.parametrize("limit", ["MAX_BYTES", "WRITE_TIMEOUT"])
@pytest.mark.parametrize("transport", ["socket", "stream"])
async def test_slow_readers_are_dropped(
    sqlite_served: StreamServer, monkeypatch: pytest.MonkeyPatch, transport: str, limit: str
) -> None:
    """By what waits for them and by time; others get every event."""
    monkeypatch.setattr(send_queue, limit, {"MAX_BYTES": 100_000, "WRITE_TIMEOUT": 0.5}[limit])
    text = "x" * 400_000
    large = "subscription { latestNews(first: 1) { nodes { id summary } } }"
    newest = "UPDATE article SET summary = '{0}', headline = 'Version {1}'"
    async with contextlib.AsyncExitStack() as stack:
        if transport == "socket":
            slow = await stack.enter_async_context(connect_to(sqlite_served, max_queue=1, ping_interval=None))
            await send_messages(slow, {"type": "connection_init"})
            await receive_message(slow)
            await send_messages(slow, subscribe("a", large))
        else:
            await stack.enter_async_context(open_event_stream(sqlite_served, large))
        reader = await stack.enter_async_context(open_event_stream(sqlite_served, HEADLINES))
        await reader.receive_result()
        for number in range(60):
            await write(sqlite_served.database_url, newest.format(f"{number}{text}", number))
            assert f"Version {number}" in headlines(await reader.receive_result())
            if await sqlite_served.metric("contentql_streams_dropped_slow_total"):
                break
        assert await sqlite_served.metric("contentql_streams_dropped_slow_total") == 1
        if transport == "socket":
            assert (await receive_close(slow))[0] == 1013


async def test_streams_end_when_the_server_stops(sqlite_server: Server) -> None:
    """Without `complete`, after which a client would not connect again."""
    served = StreamServer(await sqlite_server.demo())
    async with served, open_event_stream(served, LATEST) as stream, open_socket(served) as socket:
        await stream.receive_result()
        await send_messages(socket, subscribe("a"))
        await receive_message(socket)
        served.stop()
        assert await stream.receive() is None
        assert stream.retry is not None
        assert (await receive_close(socket))[0] == 1001


async def test_idle_streams_are_kept_alive(
    sqlite_served: StreamServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By comments, which clients ignore."""
    from contentql.web import streams

    monkeypatch.setattr(streams, "KEEP_ALIVE_SECONDS", 0.5)
    async with sqlite_served.client() as http:
        body = orjson.dumps({"query": LATEST})
        headers = {**STREAM, "content-type": "application/json"}
        async with http.stream("POST", "/graphql", content=body, headers=headers) as response:
            async with asyncio.timeout(15):
                comments = 0
                async for line in response.aiter_lines():
                    comments += line == ":"
                    if comments == 3:
                        break
    assert comments == 3


async def test_only_trusted_documents(sqlite_server: Server) -> None:
    """The rules for documents hold for subscriptions over each transport."""
    url = await sqlite_server.demo()
    async with StreamServer(url, trusted_documents="required") as served, served.client() as http:
        response = await http.post("/graphql", json={"query": LATEST}, headers=STREAM)
        assert error_codes(response.status_code, response.content) == ["DOCUMENT_NOT_TRUSTED"]
        async with open_socket(served) as socket:
            await send_messages(socket, subscribe("a"))
            message = await receive_message(socket)
            assert message["payload"][0]["extensions"]["code"] == "DOCUMENT_NOT_TRUSTED"
