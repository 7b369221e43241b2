"""Delta sync: a client that applies the changes has what the server lists, whatever happens in between."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random
from typing import Any

import orjson
import pytest
from tests.conftest import Server
from tests.support.editorial_client import (
    ANNA,
    BOB,
    HOUR,
    PUBLIC,
    ROOT,
    EditorialClient,
    open_editorial_client,
)

from contentql.app import build_executor
from contentql.auth.viewer import Actor
from contentql.content.ids import decode_id
from contentql.execution.executor import Executor
from contentql.execution.request import GraphQLRequest
from contentql.settings import Settings
from contentql.store.database import Database

SELECTION = """
id slug headline summary publishedAt urgency category { path name parent { name } }
categories(first: 10) { path } tags(first: 10) { slug name }
authors { role author { name } } story { title } corrections { text }
attributions { kind source { name parent { name } } via { source { name } } }
leadMedia { id caption } media { role media { id caption } }
related(first: 10) { nodes { headline } } translations { headline }
"""
CHANGES = f"""query ($since: String, $first: Int, $filter: ArticleFilter) {{
  changes(since: $since, first: $first, filter: $filter) {{
    changes {{ __typename id ... on Upserted {{ article {{ {SELECTION} }} }} ... on Removed {{ reason at }} }}
    nextToken hasMore resyncRequired
  }}
}}"""
LIST = f"""query ($after: String, $filter: ArticleFilter) {{
  articles(first: 20, after: $after, filter: $filter) {{
    nodes {{ {SELECTION} }} pageInfo {{ hasNextPage endCursor }}
  }}
}}"""
FILTERS: list[dict[str, Any] | None] = [
    None,
    {"category": {"under": "world"}},
    {"urgency": {"lte": 3}},
    {"tags": {"some": {"name": {"startsWith": "A"}}}},
    {"source": {"name": {"contains": "x"}}},
    {"authors": {"some": {"name": {"startsWith": "A"}}}},
    {"leadMedia": {"isNull": False}},
    {"not": {"category": {"path": {"eq": "world/asia"}}}},
]


async def execute(executor: Executor, actor: Actor, document: str, **variables: Any) -> Any:
    response = await executor.execute(GraphQLRequest(document, None, variables), None, None, actor)
    body = orjson.loads(response.body)
    assert "errors" not in body, body["errors"]
    return body["data"]


class SyncClient:
    """A client that stores articles, and applies pages of changes."""

    def __init__(self, filter: dict[str, Any] | None, actor: Actor, random: Random) -> None:
        self.filter, self.actor, self.random = filter, actor, random
        self.token: str | None = None
        self.articles: dict[str, Any] = {}
        self.stale: set[str] = set()
        self.removed: list[tuple[str, str]] = []

    async def request(self, executor: Executor) -> bool:
        """Applies one page; True if there are more."""
        variables = {
            "since": self.token,
            "first": self.random.choice([1, 2, 3, 7, 50]),
            "filter": self.filter,
        }
        page = (await execute(executor, self.actor, CHANGES, **variables))["changes"]
        assert len({change["id"] for change in page["changes"]}) == len(page["changes"])
        if page["resyncRequired"]:
            assert page["changes"] == []
            assert page["hasMore"]
            self.stale = set(self.articles)
        for change in page["changes"]:
            self.stale.discard(change["id"])
            if change["__typename"] == "Upserted":
                self.articles[change["id"]] = change["article"]
            else:
                self.removed.append((change["id"], change["reason"]))
                self.articles.pop(change["id"], None)
        self.token = page["nextToken"]
        if not page["hasMore"]:
            for id in self.stale:
                self.articles.pop(id)
            self.stale = set()
        return bool(page["hasMore"])

    async def drain(self, *executors: Executor) -> None:
        """Applies pages of any of the servers until there are no more."""
        for _ in range(2_000):
            if not await self.request(self.random.choice(executors)):
                return
        raise AssertionError("the changes never end")


async def listed(executor: Executor, actor: Actor, filter: dict[str, Any] | None) -> dict[str, Any]:
    """What the server lists, by id."""
    articles: dict[str, Any] = {}
    after = None
    while True:
        page = (await execute(executor, actor, LIST, after=after, filter=filter))["articles"]
        articles |= {article["id"]: article for article in page["nodes"]}
        if not page["pageInfo"]["hasNextPage"]:
            return articles
        after = page["pageInfo"]["endCursor"]


@asynccontextmanager
async def second_server(newsroom: EditorialClient) -> AsyncIterator[Executor]:
    """Another server on the same database."""
    async with Database(newsroom.url) as database:
        executor = build_executor(Settings(database_url=newsroom.url, response_cache_bytes=0), database)
        executor.now = lambda: newsroom.now
        yield executor


class Newsdesk:
    """Edits a newsroom at random."""

    def __init__(self, newsroom: EditorialClient, random: Random) -> None:
        self.newsroom, self.random = newsroom, random
        self.ids: dict[str, list[str]] = {}

    async def begin(self) -> None:
        """Reads the objects of the newsroom, and makes sure that there are some of each."""
        media = {"kind": "IMAGE", "alt": "A", "mime": "image/jpeg"}
        for name, mutation, input in (
            ("author", "createAuthor", {"name": "Anna Author"}),
            ("tag", "createTag", {"name": "A tag", "type": "TOPIC"}),
            ("source", "createSource", {"name": "Agency x", "kind": "AGENCY"}),
            ("media", "createMedia", {"url": "https://media.example.org/s.jpg", **media}),
            ("story", "createStory", {"title": "A story"}),
            ("category", "createCategory", {"name": "Sync", "slug": "sync", "parent": "world"}),
        ):
            one = await self.newsroom.mutate_ok(mutation, ROOT, selection=f"{name} {{ id }}", **input)
            self.ids[name] = [one["id"]]
        names = "authors tags sources stories categories mediaItems articles"
        fields = " ".join(f"{name}(first: 10) {{ nodes {{ id }} }}" for name in names.split())
        data = await self.newsroom.query(f"{{ {fields} }}", ROOT)
        for name, own in zip(
            names.split(), ("author", "tag", "source", "story", "category", "media", "article"), strict=True
        ):
            self.ids.setdefault(own, []).extend(node["id"] for node in data[name]["nodes"])

    def pick(self, name: str) -> str:
        return self.random.choice(self.ids[name])

    def word(self) -> str:
        return self.random.choice(["Axe", "box", "Alder", "Port", "exit"]) + str(self.random.randrange(99))

    def later(self) -> str:
        return (self.newsroom.now + HOUR * self.random.randrange(1, 60)).isoformat()

    async def mutate(self, mutation: str, actor: Actor = ROOT, **input: Any) -> Any:
        """Tries a mutation, which may have user errors."""
        payload = await self.newsroom.mutate(mutation, actor, **input)
        return None if payload["userErrors"] else payload

    async def publish(self, article: str) -> None:
        for transition in ("submitArticle", "approveArticle", "publishArticle"):
            await self.mutate(transition, id=article)

    async def edit(self) -> None:
        """One random edit."""
        random, article = self.random, self.pick("article")
        match random.randrange(20):
            case 0 | 1:
                payload = await self.mutate(
                    "createArticle",
                    random.choice([ANNA, BOB]),
                    headline=self.word(),
                    body={"text": self.word()},
                    category=self.pick("category"),
                    authors=[{"author": self.pick("author")}],
                    tags=[{"tag": self.pick("tag")}],
                    urgency=random.randrange(1, 7),
                    leadMedia=random.choice([None, self.pick("media")]),
                    related=[self.pick("article")] if random.random() < 0.6 else [],
                )
                if payload is not None:
                    self.ids["article"].append(payload["article"]["id"])
                    if random.random() < 0.7:
                        await self.publish(payload["article"]["id"])
            case 2 | 3 | 4:
                changed: Any = random.choice(
                    [
                        {"headline": self.word()},
                        {"urgency": random.randrange(1, 7)},
                        {"category": self.pick("category")},
                        {"tags": [{"tag": self.pick("tag")}]},
                        {"story": self.pick("story")},
                        {"leadMedia": self.pick("media")},
                        {"related": [self.pick("article")]},
                        {"body": {"text": self.word()}},
                    ]
                )
                await self.mutate("updateArticle", id=article, **changed)
                if random.random() < 0.7:
                    await self.publish(article)
            case 5:
                await self.mutate("unpublishArticle", id=article)
            case 6:
                await self.mutate("withdrawArticle", id=article, notice="Wrong.")
            case 7:
                await self.mutate("deleteArticle", id=article)
                if random.random() < 0.5:
                    await self.mutate("restoreArticle", id=article)
                elif random.random() < 0.5:
                    await self.mutate("purgeArticle", id=article)
            case 8 | 9:
                for transition in ("submitArticle", "approveArticle"):
                    await self.mutate(transition, id=article)
                await self.mutate("scheduleArticle", id=article, publishAt=self.later())
            case 10:
                await self.mutate("updateArticle", id=article, expiresAt=self.later())
                await self.publish(article)
            case 11:
                await self.mutate("updateAuthor", id=self.pick("author"), name=self.word())
            case 12:
                await self.mutate("updateTag", id=self.pick("tag"), name=self.word())
            case 13:
                await self.mutate("updateSource", id=self.pick("source"), name=self.word())
            case 14:
                await self.mutate("updateMedia", id=self.pick("media"), caption=self.word())
            case 15:
                await self.mutate("updateMedia", id=self.pick("media"), expiresAt=self.later())
            case 16:
                await self.mutate("updateCategory", id=self.pick("category"), name=self.word())
            case 17:
                parent = random.choice([None, self.pick("category")])
                await self.mutate("moveCategory", id=self.pick("category"), parent=parent)
            case 18:
                await self.mutate("addAttribution", article=article, kind="SAID", source=self.pick("source"))
                await self.publish(article)
            case _:
                await self.mutate(
                    "correctArticle",
                    id=article,
                    kind="CORRECTION",
                    text=f"It was {self.word()}.",
                )


async def assert_synchronised(newsroom: EditorialClient, client: SyncClient, server: Executor) -> None:
    """The client has what the server lists; the message of the error has the log of the first difference."""
    expected = await listed(server, client.actor, client.filter)
    for id in {**expected, **client.articles}:
        stored = client.articles.get(id)
        if stored != expected.get(id):
            decoded = decode_id(id)
            assert decoded
            log = await newsroom.table(
                f"SELECT * FROM article_log WHERE article_id = {decoded[1]} ORDER BY seq"
            )
            row = await newsroom.table(
                "SELECT id, status, published_at, embargo_until, expires_at, deleted_at, working_of"
                f" FROM article WHERE {decoded[1]} IN (id, working_of)"
            )
            lines = "\n".join(map(str, [*row, *log]))
            raise AssertionError(
                f"{id} at {newsroom.now}, {client.filter}, {client.actor.viewer.role}\n{stored}\n"
                f"{expected.get(id)}\n{lines}"
            )


@pytest.mark.parametrize("seed", range(3))
async def test_clients_have_what_the_server_lists(server: Server, seed: int) -> None:
    """With random edits, clocks, page sizes, filters, deletions and requests, on two servers."""
    random = Random(seed)
    async with open_editorial_client(server) as newsroom:
        desk = Newsdesk(newsroom, random)
        await desk.begin()
        async with second_server(newsroom) as other:
            servers = (newsroom.executor, other)
            clients = [SyncClient(filter, PUBLIC, random) for filter in FILTERS]
            clients += [SyncClient(random.choice(FILTERS), actor, random) for actor in (ROOT, BOB)]
            for _ in range(25):
                for _ in range(random.randrange(1, 5)):
                    await desk.edit()
                    if random.random() < 0.4:
                        newsroom.now += dt.timedelta(minutes=random.randrange(1, 600))
                    await random.choice(clients).request(random.choice(servers))
                for client in random.sample(clients, 3):
                    await client.drain(*servers)
                    await assert_synchronised(newsroom, client, random.choice(servers))
            for client in clients:
                await client.drain(*servers)
                await assert_synchronised(newsroom, client, other)
