"""The response cache and live blogs: what an entry changes is never returned as it was."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest
from tests.conftest import NOW, Server
from tests.support.editorial_client import SECOND, EditorialClient, open_editorial_client

from contentql.app import build_executor
from contentql.execution.executor import Executor
from contentql.execution.request import GraphQLRequest
from contentql.settings import Settings

QUERIES = {
    "page": "article(id: $id) { liveEntries(first: 2) { nodes { id text pinned } } }",
    "page with count": "article(id: $id) { liveEntries(first: 2) { totalCount pageInfo { hasNextPage } } }",
    "key events": "article(id: $id) { liveEntries(keyEvents: true) { nodes { title author { name } } } }",
    "since": f'article(id: $id) {{ liveEntries(since: "{NOW.isoformat()}") {{ nodes {{ version }} }} }}',
    "html": "article(id: $id) { body { html } }",
    "blocks": "article(id: $id) { body { blocks { id ...on LiveEntryBlock { entry { picture { id } } } } } }",
    "search": 'articles(search: "quagga") { nodes { id } }',
    "updated": "article(id: $id) { updatedAt }",
    "author": 'author(slug: "jane-doe") { name }',
    "media": 'node(id: "med_301") { id }',
    "bundle": "articleBundle(id: $id) { version media { media { id } } authors { name } }",
    "other": "article(id: $other) { headline body { text } liveEntries { totalCount } }",
}


@pytest.fixture
async def newsroom(server: Server) -> AsyncIterator[EditorialClient]:
    async with open_editorial_client(server, with_cache=True) as newsroom:
        yield newsroom


@pytest.fixture
def uncached(newsroom: EditorialClient) -> Executor:
    settings = Settings(database_url=newsroom.url, response_cache_bytes=0)
    executor = build_executor(settings, newsroom.database)
    executor.now = lambda: newsroom.now
    return executor


async def test_no_response_is_stale(newsroom: EditorialClient, uncached: Executor) -> None:
    """After each change, every cached response equals that of a server without a cache."""
    id = await newsroom.create_published(contentType="LIVE")
    other = await newsroom.create_published(contentType="LIVE")
    variables = {"id": id, "other": other}

    async def read(name: str) -> bytes:
        declared = "".join(f"${n}: ID!" for n in variables if f"${n}" in QUERIES[name])
        query = f"query{f'({declared})' if declared else ''} {{ {QUERIES[name]} }}"
        used = {n: value for n, value in variables.items() if f"${n}" in query}
        request = GraphQLRequest(query, None, used)
        response = await newsroom.executor.execute(request)
        assert response.body == (await uncached.execute(request)).body, name
        assert "errors" not in orjson.loads(response.body), (name, response.body)
        return response.body

    before = {name: await read(name) for name in QUERIES}
    entries: list[str] = []

    async def change(mutation: str, **input: Any) -> set[str]:
        """The names of the queries with another response."""
        newsroom.now += SECOND
        payload = await newsroom.mutate_ok(mutation, **input)
        if mutation == "addLiveEntry":
            entries.append(payload["liveEntry"]["id"])
        now = {name: await read(name) for name in QUERIES}
        changed = {name for name in QUERIES if now[name] != before[name]}
        before.update(now)
        return changed

    lists = {"page", "page with count", "since", "html", "blocks", "updated"}
    used = {"author", "media", "bundle"}
    added = await change(
        "addLiveEntry",
        article=id,
        title="Quagga",
        body={"text": "one"},
        author="jane-doe",
        picture="med_301",
        keyEvent=True,
    )
    assert added == {*lists, *used, "key events", "search"}
    assert await change("addLiveEntry", article=id, body={"text": "two"}) == lists
    assert await change("addLiveEntry", article=id, body={"text": "three"}) == lists
    assert await change("pinLiveEntry", id=entries[0]) == lists - {"page with count"}
    assert await change("editLiveEntry", id=entries[0], title="Okapi") >= {"html", "search", "key events"}
    assert await change("removeLiveEntry", id=entries[0]) >= {"key events", *used, *lists}
    assert await change("restoreLiveEntry", id=entries[0]) >= {"key events", *used, *lists}
    assert await change("unpublishArticle", id=id) >= {"author", "media"}
