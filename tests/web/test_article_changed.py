"""The subscription `articleChanged`: each change once it is visible, resumable by sync tokens."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.conftest import Server
from tests.support.http_client import error_codes
from tests.support.stream_client import (
    STREAM,
    EventStreamClient,
    StreamServer,
    issue,
    open_event_stream,
    open_socket,
    write,
)
from tests.support.websocket_client import receive_message, send_messages

from contentql.auth.permissions import Role
from contentql.execution import article_changes

CHANGE = "__typename id ... on Upserted { article { headline } } ... on Removed { reason at }"
CHANGED = f"subscription {{ articleChanged {{ {CHANGE} }} }}"
SINCE = f"subscription ($since: String) {{ articleChanged(since: $since) {{ {CHANGE} }} }}"
NEWEST = "UPDATE article SET headline = '{0}' WHERE id = {1}"
HIDE = "UPDATE article SET status = 'DRAFT' WHERE id = {0}"


@pytest.fixture
async def newsroom(server: Server) -> AsyncIterator[StreamServer]:
    async with StreamServer(await server.demo()) as running:
        yield running


@pytest.fixture
async def sqlite_newsroom(sqlite_server: Server) -> AsyncIterator[StreamServer]:
    """For what does not depend on the database."""
    async with StreamServer(await sqlite_server.demo()) as running:
        yield running


async def receive_change(stream: EventStreamClient, article_id: str | None = None) -> Any:
    """The next change, of the article if it is named: articles that show it change too."""
    while True:
        change = (await stream.receive_result())["data"]["articleChanged"]
        if article_id is None or change["id"] == article_id:
            return change


async def until_subscribed(server: StreamServer, count: int) -> None:
    """A subscription without `since` has no first event."""
    while await server.metric("contentql_subscriptions_open") < count:
        pass


async def test_each_change_is_an_event(newsroom: StreamServer) -> None:
    """Over both transports; a removal has its reason."""
    async with open_event_stream(newsroom, CHANGED) as stream, open_socket(newsroom) as socket:
        await send_messages(
            socket,
            {
                "id": "a",
                "type": "subscribe",
                "payload": {"query": CHANGED.replace("articleChanged", "c: articleChanged")},
            },
        )
        await until_subscribed(newsroom, 2)
        for statement, expected in (
            (NEWEST.format("New", 701), {"id": "art_701", "article": {"headline": "New"}}),
            (NEWEST.format("Newer", 702), {"id": "art_702", "article": {"headline": "Newer"}}),
            (HIDE.format(702), {"id": "art_702", "reason": "UNPUBLISHED"}),
        ):
            await write(newsroom.database_url, statement)
            change = await receive_change(stream, str(expected["id"]))
            assert {name: change[name] for name in expected} == expected
            while (payload := (await receive_message(socket))["payload"])["data"]["c"] != change:
                pass
            assert payload["extensions"]["eventId"].startswith("cqld_")


async def test_changes_of_hidden_articles_are_no_events(newsroom: StreamServer) -> None:
    """Except for those who see them."""
    _, secret = await issue(newsroom.database_url, Role.EDITOR)
    async with (
        open_event_stream(newsroom, CHANGED) as public,
        open_event_stream(newsroom, CHANGED, token=secret) as editor,
    ):
        await write(newsroom.database_url, "UPDATE article SET headline = 'Draft' WHERE id = 733")
        assert (await receive_change(editor, "art_733"))["article"] == {"headline": "Draft"}
        await write(newsroom.database_url, NEWEST.format("Public", 701))
        for stream in (public, editor):
            assert (await receive_change(stream, "art_701"))["article"] == {"headline": "Public"}


async def test_subscriptions_have_filters_variables_and_fragments(sqlite_newsroom: StreamServer) -> None:
    """Variables named as those of the server, and some that only `since` uses."""
    query = """
    subscription Live($token: String, $filter: ArticleFilter, $full: Boolean = false) {
      ...Root
    }
    fragment Root on Subscription {
      change: articleChanged(since: $token, filter: $filter) { ...Change }
    }
    fragment Change on ArticleChange {
      id ... on Upserted { article { ...Card summary @include(if: $full) } }
    }
    fragment Card on Article { title: headline }
    """
    variables = {"filter": {"slug": {"eq": "we-train-when-the-tide-lets-us"}}}
    number = "(SELECT id FROM article WHERE slug = 'we-train-when-the-tide-lets-us')"
    async with open_event_stream(sqlite_newsroom, query, variables=variables) as stream:
        await write(
            sqlite_newsroom.database_url, NEWEST.format("Other", 702), NEWEST.format("Matching", number)
        )
        while "article" not in (change := (await stream.receive_result())["data"]["change"]):
            pass  # an article that does not match the filter
        assert change["article"] == {"title": "Matching"}


async def test_clients_resume_by_tokens(newsroom: StreamServer) -> None:
    """By the id of the last event or by `since`, also with a token of `changes`: no change is missed."""
    async with open_event_stream(newsroom, CHANGED) as stream:
        await write(newsroom.database_url, NEWEST.format("One", 701))
        event = await stream.receive()
        assert event is not None
    await write(newsroom.database_url, NEWEST.format("Two", 702), NEWEST.format("Three", 703))
    ways: tuple[dict[str, Any], ...] = (
        {"headers": {"last-event-id": event.id}},
        {"extensions": {"lastEventId": event.id}},
        {"variables": {"since": event.id}},
    )
    for arguments in ways:
        async with open_event_stream(newsroom, SINCE, **arguments) as stream:
            missing = {"Two", "Three"}
            while missing:
                missing.discard((await receive_change(stream))["article"]["headline"])
    async with newsroom.client() as http:
        query = "query ($since: String) { changes(since: $since) { changes { id } nextToken } }"
        response = await http.post("/graphql", json={"query": query, "variables": {"since": event.id}})
        page = response.json()["data"]["changes"]
    assert {change["id"] for change in page["changes"]} >= {"art_702", "art_703"}
    variables = {"since": page["nextToken"]}
    async with open_event_stream(newsroom, SINCE, variables=variables) as stream:
        await write(newsroom.database_url, NEWEST.format("Last", 704))
        assert (await receive_change(stream, "art_704"))["article"]["headline"] == "Last"


async def test_unknown_event_ids_give_one_resync_event(sqlite_newsroom: StreamServer) -> None:
    """After it, changes come as to a new client."""
    for last_event_id in ("x", "0" * 32, "cqld_" + "A" * 104):
        headers = {"last-event-id": last_event_id}
        async with open_event_stream(sqlite_newsroom, CHANGED, headers=headers) as stream:
            event = await stream.receive()
            assert event is not None
            assert event.data == {
                "data": {"articleChanged": None},
                "extensions": {"eventId": event.id, "resync": True},
            }
            await write(sqlite_newsroom.database_url, NEWEST.format(f"After {last_event_id[:3]}", 701))
            await receive_change(stream, "art_701")
        async with open_event_stream(sqlite_newsroom, CHANGED, headers={"last-event-id": event.id}) as stream:
            await receive_change(stream, "art_701")


async def test_tokens_of_other_filters_and_viewers(sqlite_newsroom: StreamServer) -> None:
    """As `since` they are an error, as the id of the last event unknown."""
    _, secret = await issue(sqlite_newsroom.database_url, Role.EDITOR)
    async with open_event_stream(sqlite_newsroom, CHANGED, token=secret) as stream:
        await write(sqlite_newsroom.database_url, NEWEST.format("New", 701))
        event = await stream.receive()
        assert event is not None
    accept = {"accept": "text/event-stream, application/json"}
    async with sqlite_newsroom.client() as http:
        for token in (event.id, "x", event.id[:-1], ""):
            body = {"query": SINCE, "variables": {"since": token}}
            response = await http.post("/graphql", json=body, headers=accept)
            assert error_codes(400, response.content) == ["INVALID_SYNC_TOKEN"]
            assert response.json()["errors"][0]["path"] == ["articleChanged"]
    async with open_event_stream(sqlite_newsroom, CHANGED, headers={"last-event-id": event.id}) as stream:
        assert (await stream.receive_result())["extensions"]["resync"] is True


async def test_clients_that_are_far_behind_have_to_read_everything(
    sqlite_newsroom: StreamServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(article_changes, "PAGE_SIZE", 2)
    async with open_event_stream(sqlite_newsroom, CHANGED) as stream:
        await write(sqlite_newsroom.database_url, NEWEST.format("One", 701))
        event = await stream.receive()
        assert event is not None
        await write(sqlite_newsroom.database_url, "UPDATE article SET headline = headline || '.'")
        ids = [(await receive_change(stream))["id"] for _ in range(20)]
        assert len(set(ids)) == 20
    async with open_event_stream(sqlite_newsroom, CHANGED, headers={"last-event-id": event.id}) as stream:
        assert (await stream.receive_result())["extensions"]["resync"] is True


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("subscription { articleChanged(filter: {translations: {some: {}}}) { id } }", "BAD_USER_INPUT"),
        ('subscription { articleChanged(since: "x") { id } }', "INVALID_SYNC_TOKEN"),
        ("subscription { articleChanged { article { id } } }", "GRAPHQL_VALIDATION_FAILED"),
        ("subscription { a: articleChanged { id } b: articleChanged { id } }", "GRAPHQL_VALIDATION_FAILED"),
        ("subscription ($x: Int!) { articleChanged { id } }", "GRAPHQL_VALIDATION_FAILED"),
    ],
)
async def test_errors_before_the_stream(sqlite_newsroom: StreamServer, query: str, code: str) -> None:
    async with sqlite_newsroom.client() as http:
        accept = {"accept": "text/event-stream, application/json"}
        response = await http.post("/graphql", json={"query": query}, headers=accept)
        assert error_codes(400, response.content) == [code]
        response = await http.post("/graphql", json={"query": query}, headers=STREAM)
        assert code in response.text
    assert await sqlite_newsroom.metric("contentql_subscriptions_open") == 0


async def test_preview_times_are_refused(sqlite_newsroom: StreamServer) -> None:
    _, secret = await issue(sqlite_newsroom.database_url, Role.EDITOR)
    headers = {"accept": "text/event-stream, application/json", "x-preview-at": "2026-12-24T18:00:00Z"}
    async with sqlite_newsroom.client(secret) as http:
        response = await http.post("/graphql", json={"query": CHANGED}, headers=headers)
    assert error_codes(400, response.content) == ["BAD_USER_INPUT"]
    assert response.json()["errors"][0]["path"] == ["articleChanged"]
