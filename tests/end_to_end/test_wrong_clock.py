"""Embargoes end at their second although the clock of a server is wrong.

On PostgreSQL the time of the database counts, for all servers. A SQLite file is on the machine of its
servers, whose one clock counts, right or wrong: every response agrees with it, also after it was set back.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx2
import orjson
import pytest
from tests.conftest import NOW, Server
from tests.support.durability import (
    TIMEOUT_SECONDS,
    EditorClient,
    ServerProcess,
    create_token,
    draft_input,
    fetch_rows,
    run_server,
)
from tests.support.editorial_client import load_small_newsroom
from tests.support.graphql_client import execute
from tests.support.http_client import make_client
from tortoise.transactions import in_transaction
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from contentql.app import build_executor
from contentql.auth.api_tokens import issue_token
from contentql.auth.permissions import Role
from contentql.content.blocks import Paragraph
from contentql.content.enums import Status
from contentql.content.ids import new_id
from contentql.content.import_item import ImportItem
from contentql.content.records import (
    ArticleRecord,
)
from contentql.importing.importer import import_records
from contentql.settings import Settings
from contentql.store.database import Database

pytestmark = pytest.mark.slow

HOUR = dt.timedelta(hours=1)
# Of each server's clock, in seconds.
ERRORS = {"right": 0, "ahead": 3_600, "behind": -3_600}
QUERY = """{
  latestNews(section: "world/asia", first: 5) { nodes { slug } }
  articles(search: "tide", first: 5) { totalCount nodes { slug } }
  neap: article(slug: "neap-tide") { slug }
  ebb: article(slug: "ebb-tide") { slug }
}"""


@dataclass(frozen=True)
class Newsroom:
    """Servers of one PostgreSQL and one Valkey, by the error of their clock."""

    servers: dict[str, ServerProcess]
    url: str
    secret: str


@pytest.fixture(scope="module")
async def newsroom(
    postgres_server: Server, valkey_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Newsroom]:
    url = await postgres_server.migrated()
    await load_small_newsroom(url)
    folder = tmp_path_factory.mktemp("clocks")
    program = "tests.support.wrong_clock"
    async with contextlib.AsyncExitStack() as stack:
        starting = (
            stack.enter_async_context(
                run_server(folder, url, (program, str(error)), CONTENTQL_REDIS_URL=valkey_url)
            )
            for error in ERRORS.values()
        )
        servers = dict(zip(ERRORS, await asyncio.gather(*starting), strict=True))
        yield Newsroom(servers, url, await create_token(url))
    await postgres_server.drop(url)


async def test_the_clocks_of_the_servers_are_wrong(newsroom: Newsroom) -> None:
    """The Date header shows the clock of the machine."""
    async with httpx2.AsyncClient() as http:
        for name, server in newsroom.servers.items():
            date = (await http.get(f"{server.url}/health/live")).headers["date"]
            time = dt.datetime.strptime(date, "%a, %d %b %Y %H:%M:%S GMT").replace(tzinfo=dt.UTC)
            error = (time - dt.datetime.now(dt.UTC)).total_seconds()
            assert abs(error - ERRORS[name]) < 60, name


async def test_embargoes_end_at_the_time_of_the_database(newsroom: Newsroom) -> None:
    """Never early, by POST, GET, revalidation and WebSocket, and within seconds, on every server."""
    async with EditorClient(newsroom.secret) as editor:
        created = await editor.mutate_until_done(
            newsroom.servers["ahead"], "createArticle", **draft_input("Neap tide")
        )
        for transition in ("submitArticle", "approveArticle"):
            await editor.mutate_until_done(newsroom.servers["behind"], transition, id=created.article["id"])
        publish_at = (dt.datetime.now(dt.UTC) + dt.timedelta(seconds=4)).replace(microsecond=0)
        await editor.mutate_until_done(
            newsroom.servers["ahead"],
            "scheduleArticle",
            id=created.article["id"],
            publishAt=publish_at.isoformat(),
        )
    embargoed = ArticleRecord(
        id=new_id(), slug="ebb-tide", headline="Ebb tide", language="en", status=Status.PUBLISHED,
        published_at=publish_at - HOUR, embargo_until=publish_at, category="world/asia",
        blocks=(Paragraph(text="The tide came in."),),
    )  # fmt: skip
    await import_records(Database(newsroom.url), [ImportItem("1", embargoed)])
    async with asyncio.timeout(TIMEOUT_SECONDS), asyncio.TaskGroup() as group:
        watching = [group.create_task(watch(server, publish_at)) for server in newsroom.servers.values()]
    for counts in (task.result() for task in watching):
        assert all(counts["before", door] for door in ("POST", "GET", "WebSocket")), counts
        assert all(counts["after", door] >= 3 for door in ("POST", "GET", "WebSocket")), counts


async def watch(server: ServerProcess, publish_at: dt.datetime) -> Counter[tuple[str, str]]:
    """Requests the articles until they are visible; the number of responses before and after."""
    counts: Counter[tuple[str, str]] = Counter()
    etag = ""
    async with (
        httpx2.AsyncClient(timeout=TIMEOUT_SECONDS) as http,
        connect(
            server.url.replace("http", "ws") + "/graphql", subprotocols=[Subprotocol("graphql-transport-ws")]
        ) as socket,
    ):
        await socket.send('{"type": "connection_init"}')
        await socket.recv()
        while min(counts["after", door] for door in ("POST", "GET", "WebSocket")) < 3:
            requested_at = dt.datetime.now(dt.UTC)
            posted = await http.post(f"{server.url}/graphql", json={"query": QUERY})
            headers = {"if-none-match": etag} if etag else {}
            fetched = await http.get(f"{server.url}/graphql", params={"query": QUERY}, headers=headers)
            subscribe = {"type": "subscribe", "id": "1", "payload": {"query": QUERY}}
            await socket.send(orjson.dumps(subscribe).decode())
            message, _ = orjson.loads(await socket.recv()), await socket.recv()
            responded_at = dt.datetime.now(dt.UTC)
            # Unchanged since the first response, in which nothing was visible.
            visible = {
                "POST": visible_slugs(posted.json()),
                "GET": set() if fetched.status_code == 304 else visible_slugs(fetched.json()),
                "WebSocket": visible_slugs(message["payload"]),
            }
            etag = etag or fetched.headers["etag"]
            for door, slugs in visible.items():
                assert not slugs or responded_at >= publish_at, f"an embargo opened early by {door}"
                if requested_at >= publish_at + dt.timedelta(seconds=2):
                    assert slugs == {"neap-tide", "ebb-tide"}, f"{door} is late"
                    counts["after", door] += 1
                elif not slugs:
                    counts["before", door] += 1
            await asyncio.sleep(0.05)
    return counts


def visible_slugs(response: Any) -> set[str]:
    """The articles that any part of the response shows."""
    data = response["data"]
    nodes = [*data["latestNews"]["nodes"], *data["articles"]["nodes"], data["neap"], data["ebb"]]
    slugs = {node["slug"] for node in nodes if node} & {"neap-tide", "ebb-tide"}
    assert len(slugs) == data["articles"]["totalCount"]
    return slugs


async def test_times_of_mutations_are_those_of_the_database(newsroom: Newsroom) -> None:
    """A publication in half an hour is in the future on every server, one half an hour ago is not."""
    now = dt.datetime.now(dt.UTC)
    async with EditorClient(newsroom.secret) as editor:
        for name, server in newsroom.servers.items():
            created = await editor.mutate_until_done(server, "createArticle", **draft_input(f"Clock {name}"))
            id = created.article["id"]
            for transition in ("submitArticle", "approveArticle"):
                await editor.mutate_until_done(server, transition, id=id)
            past, future = ((now + sign * HOUR / 2).isoformat() for sign in (-1, 1))
            refused = await editor.mutate(server, "scheduleArticle", id=id, publishAt=past)
            assert refused.code == "INVALID_TIME", name
            await editor.mutate_until_done(server, "scheduleArticle", id=id, publishAt=future)
            await editor.mutate_until_done(server, "publishArticle", id=id)
    times = await fetch_rows(
        newsroom.url, "SELECT published_at FROM article WHERE headline LIKE 'Clock %' AND working_of = 0"
    )
    times += await fetch_rows(newsroom.url, "SELECT at FROM audit_entry WHERE account = 'anna'")
    assert len(times) > 3
    for (time,) in times:
        assert abs(time - now) < dt.timedelta(minutes=5)


async def test_tokens_expire_at_the_time_of_the_database(newsroom: Newsroom) -> None:
    """One that expires in half an hour is valid on every server, one of half an hour ago on none."""
    now = dt.datetime.now(dt.UTC)
    secrets = {}
    async with Database(newsroom.url).orm(), in_transaction():
        for status, expires_at in ((200, now + HOUR / 2), (401, now - HOUR / 2)):
            _, secrets[status] = await issue_token(
                name=f"Token {status}",
                role=Role.READER,
                created_by="test",
                now=now - HOUR,
                expires_at=expires_at,
            )
    async with httpx2.AsyncClient() as http:
        for name, server in newsroom.servers.items():
            for status, secret in secrets.items():
                headers = {"authorization": f"Bearer {secret}"}
                response = await http.post(
                    f"{server.url}/graphql", json={"query": "{ viewer { name } }"}, headers=headers
                )
                assert response.status_code == status, name


async def test_responses_follow_a_clock_that_jumps(server: Server) -> None:
    """Forwards and backwards, past publications, embargoes and expiries, by POST and GET, cached or not."""
    url = await server.demo()
    settings = Settings()
    async with Database(url) as database:
        cached = build_executor(settings, database)
        plain = build_executor(Settings(response_cache_bytes=0), database)
        cached.now = plain.now = lambda: NOW
        await import_records(database, [ImportItem(record.slug, record) for record in timed_articles()])
        assert cached.responses is not None
        await cached.responses.open()
        query = '{ articles(search: "zugzwang", first: 9) { totalCount nodes { slug } } }'
        shown: dict[int, set[str]] = {}
        async with make_client(cached) as http:
            for minutes in (0, 20, 70, 20, 130, -60, 130, 59, 60, 61, 0, 200, 100, -600, 119, 120, 20):
                now = NOW + dt.timedelta(minutes=minutes)
                cached.now = plain.now = lambda now=now: now  # type: ignore[misc]
                correct = (await execute(plain, query)).body
                for _ in range(2):
                    posted = await http.post("/graphql", json={"query": query})
                    fetched = await http.get("/graphql", params={"query": query})
                    assert posted.content == fetched.content == correct, minutes
                shown[minutes] = {node["slug"] for node in orjson.loads(correct)["data"]["articles"]["nodes"]}
        await cached.responses.close()
    assert shown[0] == {"spring-tide"}
    assert shown[61] == {"spring-tide", "neap-tide", "ebb-tide"}
    assert shown[130] == {"neap-tide", "ebb-tide"}
    await server.drop(url)


def timed_articles() -> list[ArticleRecord]:
    """One is published in an hour, one has an embargo until then, one expires in two hours."""
    times: dict[str, dict[str, dt.datetime]] = {
        "neap-tide": {"published_at": NOW + HOUR},
        "ebb-tide": {"embargo_until": NOW + HOUR},
        "spring-tide": {"expires_at": NOW + 2 * HOUR},
    }
    article = ArticleRecord(
        id=new_id(), slug="x", headline="Zugzwang", language="en", status=Status.PUBLISHED,
        published_at=NOW - HOUR, category="science", blocks=(Paragraph(text="It was her move."),),
    )  # fmt: skip
    return [
        article.model_copy(update={"id": new_id(), "slug": slug, **fields}) for slug, fields in times.items()
    ]
