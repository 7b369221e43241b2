"""The subscription `liveEntries`: the entries of one live blog, whenever they change."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from tests.conftest import Server
from tests.support.http_client import error_codes
from tests.support.stream_client import StreamServer, issue, open_event_stream, open_socket, write
from tests.support.websocket_client import receive_message, send_messages

ENTRIES = """subscription Live($article: ID!, $first: Int) {
  entries: liveEntries(article: $article, first: $first) { ...Entries }
}
fragment Entries on LiveEntryConnection { totalCount nodes { title text } }"""
ADD = """mutation($input: AddLiveEntryInput!) {
  addLiveEntry(input: $input) { liveEntry { id } userErrors { message field } }
}"""
ARTICLE = "art_701"


async def add_entry(server: StreamServer, secret: str, title: str) -> None:
    entry = {"article": ARTICLE, "title": title, "body": {"text": f"{title} at noon."}}
    async with server.client(secret) as http:
        body = {"query": ADD, "variables": {"input": entry}}
        payload = (await http.post("/graphql", json=body)).json()
    assert payload["data"]["addLiveEntry"]["userErrors"] == [], payload


def titles(result: Any) -> list[str]:
    return [node["title"] for node in result["data"]["entries"]["nodes"]]


async def test_each_new_entry_is_a_result(server: Server) -> None:
    """Over both transports, also on another server; null when the article is not visible."""
    url = await server.demo()
    _, secret = await issue(url)
    variables = {"article": ARTICLE, "first": 2}
    await write(url, "UPDATE article SET content_type = 'LIVE' WHERE id = 701")
    async with contextlib.AsyncExitStack() as stack:
        one, other = [await stack.enter_async_context(StreamServer(url)) for _ in range(2)]
        stream = await stack.enter_async_context(open_event_stream(other, ENTRIES, variables=variables))
        socket = await stack.enter_async_context(open_socket(one))
        payload = {"query": ENTRIES, "variables": variables}
        await send_messages(socket, {"id": "a", "type": "subscribe", "payload": payload})
        before = await stream.receive_result()
        assert (await receive_message(socket))["payload"] == before
        for title in ("Convoy leaves", "Convoy arrives"):
            await add_entry(one, secret, title)
            result = await stream.receive_result()
            assert title in titles(result)
            assert (await receive_message(socket))["payload"] == result
        await write(url, "UPDATE article SET status = 'DRAFT' WHERE id = 701")
        assert (await stream.receive_result())["data"] == {"entries": None}


@pytest.mark.parametrize(
    ("variables", "code"),
    [
        ({"article": "x"}, "INVALID_ID"),
        ({"article": "src_206"}, "INVALID_ID"),
        ({"article": ARTICLE, "first": 1_000}, "INVALID_PAGE_SIZE"),
        ({}, "BAD_USER_INPUT"),
    ],
)
async def test_errors_before_the_stream(sqlite_server: Server, variables: Any, code: str) -> None:
    async with StreamServer(await sqlite_server.demo()) as served, served.client() as http:
        accept = {"accept": "text/event-stream, application/graphql-response+json"}
        body = {"query": ENTRIES, "variables": variables}
        response = await http.post("/graphql", json=body, headers=accept)
    assert error_codes(response.status_code, response.content) == [code]
    assert response.status_code == 422
    if code.startswith("INVALID"):
        assert response.json()["errors"][0]["path"] == ["entries"]
