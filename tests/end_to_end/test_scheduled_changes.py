"""Scheduled changes at random times, on two servers of one database: each reader sees a change from its
second on, and never before."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tests.conftest import NOW, Server
from tests.support.editorial_client import ANNA, PUBLIC, EditorialClient, load_small_newsroom
from typer.testing import CliRunner

from contentql.app import build_executor
from contentql.cli import app
from contentql.content.timestamps import format_timestamp
from contentql.editorial.scheduling import MIN_LEAD
from contentql.execution.executor import Executor
from contentql.execution.request import GraphQLRequest
from contentql.settings import Settings
from contentql.store.database import Database

pytestmark = pytest.mark.slow

SECOND = dt.timedelta(seconds=1)
ARTICLES = 2
# Every way to an article; `{}` has its id.
QUERIES = (
    "query($i: ID!) {{ article(id: $i) {{ headline updatedAt version }} }}",
    "query($i: ID!) {{ node(id: $i) {{ ... on Article {{ headline body {{ text }} }} }} }}",
    "{{ articles {{ totalCount nodes {{ id headline tags {{ slug }} }} }} }}",
    '{{ latestNews(section: "world/asia") {{ nodes {{ headline }} }} }}',
    '{{ articles(search: "zebra") {{ totalCount nodes {{ id }} }} }}',
    '{{ tag(type: TOPIC, slug: "tears") {{ articles {{ totalCount nodes {{ headline }} }} }} }}',
    '{{ collection(slug: "front-page") {{ items {{ article {{ headline }} }} }} }}',
)


@dataclass
class Newsroom:
    """One database, with servers that have a response cache, and one that has none."""

    url: str
    executors: list[Executor]
    editor: EditorialClient
    stack: AsyncExitStack
    now: dt.datetime = NOW
    ids: list[str] = field(default_factory=list)

    async def add_server(self, cache_bytes: int) -> Executor:
        """A server that has just been started."""
        database = await self.stack.enter_async_context(Database(self.url))
        executor = build_executor(Settings(response_cache_bytes=cache_bytes), database)
        executor.now = lambda: self.now
        if executor.responses:
            await executor.responses.open()
            self.stack.push_async_callback(executor.responses.close)
        return executor

    async def move_to(self, now: dt.datetime) -> None:
        self.now = self.editor.now = now

    async def schedule(self, number: int, after: int, **input: Any) -> dt.datetime | None:
        """Schedules a change of an article, if the rules allow its time; returns the time."""
        at = self.now + MIN_LEAD + after * SECOND
        await self.editor.mutate_ok("updateArticle", id=self.ids[number], **input)
        for transition in ("submitArticle", "approveArticle"):
            await self.editor.mutate(transition, id=self.ids[number])  # it may be approved already
        payload = await self.editor.mutate(
            "scheduleArticle", id=self.ids[number], publishAt=format_timestamp(at)
        )
        if payload["userErrors"]:
            assert [error["code"] for error in payload["userErrors"]] == ["INVALID_TIME"]
            return None
        return at

    async def bodies(self, executor: Executor) -> list[bytes]:
        """The public responses to all queries."""
        requests = [
            GraphQLRequest(query.format(), None, {"i": id} if "$i" in query else {})
            for query in QUERIES
            for id in self.ids
        ]
        return [(await executor.execute(request)).body for request in requests]

    async def headlines(self, executor: Executor) -> list[str]:
        results = []
        for id in self.ids:
            request = GraphQLRequest("query($i: ID!) { article(id: $i) { headline } }", None, {"i": id})
            body = orjson.loads((await executor.execute(request, None, None, PUBLIC)).body)
            results.append(body["data"]["article"]["headline"])
        return results


@asynccontextmanager
async def open_newsroom(server: Server, template: str) -> AsyncIterator[Newsroom]:
    url = await server.copy(template)
    async with AsyncExitStack() as stack:
        newsroom = Newsroom(url, [], EditorialClient(None, server, url), stack)  # type: ignore[arg-type]
        newsroom.executors = [await newsroom.add_server(size) for size in (0, 10_000_000, 10_000_000)]
        newsroom.editor.executor = newsroom.executors[0]
        for number in range(ARTICLES):
            newsroom.ids.append(await newsroom.editor.create_published(headline=f"Article {number}"))
        await newsroom.editor.mutate_ok("pinArticle", id="front-page", article=newsroom.ids[0])
        yield newsroom
    await server.drop(url)


@pytest.fixture(scope="session")
async def template(server: Server) -> str:
    url = await server.migrated()
    await load_small_newsroom(url)
    return url


@dataclass(frozen=True)
class Step:
    """Some seconds pass, which only some servers notice; then a change is scheduled or cancelled."""

    seconds: int
    readers: tuple[int, ...]
    action: str
    article: int
    after: int
    restart: bool


STEPS = st.lists(
    st.builds(
        Step,
        seconds=st.integers(0, 25),
        readers=st.permutations((0, 1, 2)).map(lambda order: tuple(order)),
        action=st.sampled_from(("schedule", "schedule", "schedule", "cancel", "edit", "none")),
        article=st.integers(0, ARTICLES - 1),
        after=st.integers(0, 20),
        restart=st.booleans(),
    ),
    min_size=5,
    max_size=9,
)


async def check_steps(newsroom: Newsroom, steps: list[Step]) -> None:
    """Follows the steps, with a model of what is public at each second."""
    public = [f"Article {number}" for number in range(ARTICLES)]
    scheduled: list[list[tuple[dt.datetime, str]]] = [[] for _ in range(ARTICLES)]
    for number, step in enumerate(steps):
        start = newsroom.now
        times = {start + step.seconds * SECOND}
        due = [at for changes in scheduled for at, _ in changes if at <= max(times)]
        times |= {at for moment in due for at in (moment - SECOND, moment) if at >= start}
        for now in sorted(times):
            await newsroom.move_to(now)
            if step.restart:
                newsroom.executors[2] = await newsroom.add_server(10_000_000)
            for article, changes in enumerate(scheduled):
                while changes and changes[0][0] <= now:
                    public[article] = changes.pop(0)[1]
            for reader in step.readers:
                executor = newsroom.executors[reader]
                assert await newsroom.headlines(executor) == public, (number, now, reader)
            bodies = await asyncio.gather(*(newsroom.bodies(executor) for executor in newsroom.executors))
            assert bodies[0] == bodies[1] == bodies[2], (number, now)
            assert await newsroom.bodies(newsroom.executors[1]) == bodies[0]  # from the cache
        article, changes = step.article, scheduled[step.article]
        if step.action == "schedule":
            name = f"Change {number}"
            tags = [{"tag": "tears"}] if number % 2 else []
            at = await newsroom.schedule(
                article, step.after, headline=name, body={"text": f"Zebra {number}."}, tags=tags
            )
            if at:
                changes.append((at, name))
        elif step.action == "edit":
            await newsroom.editor.mutate_ok("updateArticle", id=newsroom.ids[article], headline="Draft")
        elif step.action == "cancel" and changes:
            data = await newsroom.editor.query(
                "query($i: ID!) { article(id: $i) { scheduledChanges { id } } }",
                ANNA,
                i=newsroom.ids[article],
            )
            first = data["article"]["scheduledChanges"][0]
            await newsroom.editor.mutate_ok("cancelScheduledChange", id=first["id"])
            changes.pop(0)


async def test_every_server_shows_changes_from_their_second_on(server: Server, template: str) -> None:
    """Whatever the times, the server that comes first, and the restarts: with and without cache, in every
    list, search and page."""

    @given(STEPS)
    @settings(
        max_examples=20,
        deadline=None,
        phases=(Phase.explicit, Phase.generate),
        suppress_health_check=list(HealthCheck),
        derandomize=True,
    )
    def run(steps: list[Step]) -> None:
        examples.append(steps)

    examples: list[list[Step]] = []
    run()
    for steps in examples:
        async with open_newsroom(server, template) as newsroom:
            await check_steps(newsroom, steps)


async def test_a_change_is_published_once_by_concurrent_servers(server: Server, template: str) -> None:
    """All of which respond with it, to many requests at the same moment."""
    async with open_newsroom(server, template) as newsroom:
        at = await newsroom.schedule(0, 50, headline="Once")
        assert at is not None
        await newsroom.move_to(at)
        results = await asyncio.gather(
            *(newsroom.headlines(executor) for executor in newsroom.executors for _ in range(5))
        )
        assert {headlines[0] for headlines in results} == {"Once"}
        published = [executor.due_changes.stats.published for executor in newsroom.executors]
        assert sum(published) == 1
        data = await newsroom.editor.query(
            "query($i: ID!) { article(id: $i) { revisions(first: 9) { nodes { action } } } }",
            ANNA,
            i=newsroom.ids[0],
        )
        actions = [node["action"] for node in data["article"]["revisions"]["nodes"]]
        assert actions.count("PUBLISHED") == 2


async def test_changes_are_published_without_requests(server: Server, template: str) -> None:
    """A running server does so at their time; a preview of other times does not."""
    async with open_newsroom(server, template) as newsroom:
        at = await newsroom.schedule(0, 0, headline="Alone")
        assert at is not None
        executor = newsroom.executors[1]
        viewer = replace(ANNA.viewer, preview_at=at)
        preview = await executor.execute(
            GraphQLRequest("query($i: ID!) { article(id: $i) { headline } }", None, {"i": newsroom.ids[0]}),
            None,
            None,
            replace(ANNA, viewer=viewer),
        )
        assert b"Alone" in preview.body
        await newsroom.move_to(at)
        async with executor.due_changes.running(), asyncio.timeout(20):
            while not executor.due_changes.stats.published:  # noqa: ASYNC110 - it has no event
                await asyncio.sleep(0.02)
        rows = await executor.database.rows("SELECT count(*) FROM scheduled_change")
        assert rows[0][0] == 0


async def test_exports_have_the_changes_that_are_due(server: Server, template: str) -> None:
    """Also if no server has run since their time."""
    url = await server.copy(template)
    async with Database(url) as database:
        executor = build_executor(Settings(response_cache_bytes=0), database)
        start = dt.datetime.now(dt.UTC) - dt.timedelta(hours=1)
        editor = EditorialClient(executor, server, url, now=start)
        executor.now = lambda: editor.now
        id = await editor.create_published(headline="Before")
        await editor.mutate_ok("updateArticle", id=id, headline="Exported")
        for transition in ("submitArticle", "approveArticle"):
            await editor.mutate_ok(transition, id=id)
        at = format_timestamp(start + MIN_LEAD)
        await editor.mutate_ok("scheduleArticle", id=id, publishAt=at)
    result = await asyncio.to_thread(CliRunner().invoke, app, ["export", "--database", url])
    assert result.exit_code == 0, result.output
    assert '"headline":"Exported"' in result.stdout
    assert '"headline":"Before"' not in result.stdout
    await server.drop(url)
