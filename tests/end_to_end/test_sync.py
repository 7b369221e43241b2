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
    DAY,
    HOUR,
    PUBLIC,
    ROOT,
    EditorialClient,
    open_editorial_client,
)
from tests.support.http_client import make_client

from contentql.app import build_executor
from contentql.auth.viewer import Actor
from contentql.content.ids import decode_id
from contentql.execution.executor import Executor
from contentql.execution.request import GraphQLRequest
from contentql.settings import Settings
from contentql.store.article_log import first_row_sql
from contentql.store.database import Database

SELECTION = """
id slug headline summary publishedAt urgency category { path name parent { name } }
categories(first: 10) { path } tags(first: 10) { slug name }
authors { role author { name } } story { title } corrections { text }
attributions { kind source { name parent { name } } via { source { name } } }
leadMedia { id caption } media { role media { id caption } }
liveEntries(first: 3) { nodes { id title text keyEvent picture { id } author { name } } }
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

    async def edit_entry(self, article: str) -> None:
        """Adds an entry to a live blog, or changes or removes one."""
        random = self.random
        uses: Any = {
            "author": self.pick("author"),
            "picture": random.choice([None, self.pick("media")]),
        }
        if not self.ids.get("entry") or random.random() < 0.5:
            payload = await self.mutate("addLiveEntry", article=article, body={"text": self.word()}, **uses)
            if payload is not None:
                self.ids.setdefault("entry", []).append(payload["liveEntry"]["id"])
            return
        entry = self.pick("entry")
        match random.randrange(3):
            case 0:
                await self.mutate("editLiveEntry", id=entry, title=self.word(), **uses)
            case 1:
                await self.mutate("pinLiveEntry", id=entry, pinned=random.random() < 0.5)
            case _:
                await self.mutate("removeLiveEntry", id=entry)

    async def edit(self) -> None:
        """One random edit."""
        random, article = self.random, self.pick("article")
        match random.randrange(24):
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
                    contentType=random.choice(["NEWS", "LIVE"]),
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
            case 19 | 20 | 21:
                await self.edit_entry(article)
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


POLL = """query ($since: String, $filter: ArticleFilter, $first: Int = 50) {
  changes(since: $since, filter: $filter, first: $first) {
  changes { __typename id ... on Removed { reason } } nextToken hasMore resyncRequired } }"""


async def poll(newsroom: EditorialClient, since: str | None, actor: Actor = PUBLIC, **more: Any) -> Any:
    return (await execute(newsroom.executor, actor, POLL, since=since, **more))["changes"]


async def set_log_time(newsroom: EditorialClient) -> None:
    """Sets the time of all rows of the log to the newsroom's clock, which is not that of the database."""
    async with newsroom.database.transaction() as connection:
        await connection.execute_query(f"UPDATE article_log SET at = '{newsroom.now.isoformat()[:19]}Z'")


async def test_removals_have_a_reason(server: Server) -> None:
    async with open_editorial_client(server) as newsroom:
        filter = {"urgency": {"lte": 3}}
        names = ("unpublishArticle", "withdrawArticle", "deleteArticle", "expires", "leaves", "stays")
        ids = {name: await newsroom.create_published(urgency=2) for name in names}
        expiry = newsroom.now + HOUR
        await newsroom.mutate_ok("updateArticle", id=ids["expires"], expiresAt=expiry.isoformat())
        await newsroom.republish(ids["expires"])
        token = (await poll(newsroom, None, filter=filter))["nextToken"]
        await newsroom.mutate_ok("unpublishArticle", id=ids["unpublishArticle"])
        await newsroom.mutate_ok("withdrawArticle", id=ids["withdrawArticle"], notice="Wrong.")
        await newsroom.mutate_ok("deleteArticle", ROOT, id=ids["deleteArticle"])
        await newsroom.mutate_ok("updateArticle", id=ids["leaves"], urgency=5)
        await newsroom.republish(ids["leaves"])
        newsroom.now = expiry
        page = await poll(newsroom, token, filter=filter)
        reasons = {change["id"]: change.get("reason") for change in page["changes"]}
        assert reasons == {
            ids["unpublishArticle"]: "UNPUBLISHED",
            ids["withdrawArticle"]: "WITHDRAWN",
            ids["deleteArticle"]: "DELETED",
            ids["expires"]: "EXPIRED",
            ids["leaves"]: "LEFT_FILTER",
        }
        again = await poll(newsroom, page["nextToken"], filter=filter)
        assert again["changes"] == []
        await newsroom.mutate_ok("purgeArticle", ROOT, id=ids["deleteArticle"])
        assert (await poll(newsroom, token, filter=filter))["changes"][0]["__typename"] == "Removed"


async def test_articles_that_were_never_public_are_not_removed(server: Server) -> None:
    """No tombstone tells of an article that was scheduled, embargoed or deleted before it was visible."""
    async with open_editorial_client(server) as newsroom:
        await set_log_time(newsroom)
        token = (await poll(newsroom, None))["nextToken"]
        scheduled = await newsroom.create_approved()
        at = newsroom.now + HOUR
        await newsroom.mutate_ok("scheduleArticle", id=scheduled, publishAt=at.isoformat())
        await newsroom.mutate_ok("unpublishArticle", id=scheduled)
        draft = await newsroom.create_draft()
        await newsroom.mutate_ok("deleteArticle", ROOT, id=draft)
        await newsroom.mutate_ok("purgeArticle", ROOT, id=draft)
        await set_log_time(newsroom)
        for hours in (0, 2, 24):
            newsroom.now += HOUR * hours
            page = await poll(newsroom, token)
            assert page["changes"] == []


async def test_what_the_clock_publishes_is_a_change(server: Server) -> None:
    """Without any write at that time, and also if the picture's licence or a related article changes."""
    async with open_editorial_client(server) as newsroom:
        at = newsroom.now + HOUR
        scheduled = await newsroom.create_approved()
        await newsroom.mutate_ok("scheduleArticle", id=scheduled, publishAt=at.isoformat())
        await newsroom.mutate_ok("updateMedia", id="med_302", alt="A", expiresAt=(at + HOUR).isoformat())
        showing = await newsroom.create_published(related=[scheduled], leadMedia="med_302")
        token = (await poll(newsroom, None))["nextToken"]
        newsroom.now = at - dt.timedelta(seconds=1)
        assert (await poll(newsroom, token))["changes"] == []
        newsroom.now = at
        page = await poll(newsroom, token)
        assert {change["id"] for change in page["changes"]} == {scheduled, showing}
        newsroom.now = at + HOUR
        page = await poll(newsroom, page["nextToken"])
        assert showing in {change["id"] for change in page["changes"]}
        assert (await poll(newsroom, page["nextToken"]))["changes"] == []


async def test_ended_licences_of_what_live_entries_show_are_changes(server: Server) -> None:
    """Of a picture, and of the image of an author who has written nothing else."""
    async with open_editorial_client(server) as newsroom:
        at = newsroom.now + HOUR
        media = {"kind": "IMAGE", "alt": "A", "mime": "image/jpeg"}
        pictures = []
        for number in range(2):
            picture = await newsroom.mutate_ok(
                "createMedia",
                ROOT,
                selection="media { id }",
                url=f"https://media.example.org/{number}.jpg",
                expiresAt=(at + HOUR * number).isoformat(),
                **media,
            )
            pictures.append(picture["id"])
        author = await newsroom.mutate_ok(
            "createAuthor", ROOT, selection="author { id }", name="Rana Live", image=pictures[1]
        )
        blogs = [await newsroom.create_published(contentType="LIVE") for _ in pictures]
        for blog, uses in zip(blogs, ({"picture": pictures[0]}, {"author": author["id"]}), strict=True):
            await newsroom.mutate_ok("addLiveEntry", article=blog, body={"text": "It rains."}, **uses)
        token = (await poll(newsroom, None))["nextToken"]
        for number, blog in enumerate(blogs):
            newsroom.now = at + HOUR * number
            page = await poll(newsroom, token)
            assert [change["id"] for change in page["changes"]] == [blog]
            token = page["nextToken"]


async def test_a_client_that_was_away_too_long_begins_anew(server: Server) -> None:
    """After 30 days, after the log was pruned or the database restored; a poll renews the token."""
    async with open_editorial_client(server) as newsroom:
        remaining = await newsroom.create_published()
        deleted = await newsroom.create_published()
        client = SyncClient(None, PUBLIC, Random(1))
        await client.drain(newsroom.executor)
        assert {remaining, deleted} <= set(client.articles)
        first = client.token
        newsroom.now += 20 * DAY
        renewed = (await poll(newsroom, first))["nextToken"]
        assert renewed != first
        await newsroom.mutate_ok("deleteArticle", ROOT, id=deleted)
        newsroom.now += 11 * DAY
        page = await poll(newsroom, first)
        assert (page["resyncRequired"], page["changes"], page["hasMore"]) == (True, [], True)
        assert not (await poll(newsroom, renewed))["resyncRequired"]
        await client.drain(newsroom.executor)
        assert remaining in client.articles
        assert deleted not in client.articles
        async with newsroom.database.transaction() as connection:
            await connection.execute_query("DELETE FROM article_log")
            await connection.execute_query(first_row_sql("article_log", server.dialect))
        await newsroom.create_published()
        assert (await poll(newsroom, client.token))["resyncRequired"]
        await client.drain(newsroom.executor)
        await assert_synchronised(newsroom, client, newsroom.executor)


async def test_tokens_are_valid_for_one_filter_and_viewer(server: Server) -> None:
    """Others, forged and damaged ones are errors with a code, and tell nothing of the log."""
    async with open_editorial_client(server) as newsroom, open_editorial_client(server) as other:
        filter = {"urgency": {"lte": 3}}
        token = (await poll(newsroom, None, filter=filter))["nextToken"]
        tokens = {
            "another filter": (token, PUBLIC, {"urgency": {"lte": 4}}),
            "no filter": (token, PUBLIC, None),
            "an editor": (token, ROOT, filter),
            "another database": ((await poll(other, None, filter=filter))["nextToken"], PUBLIC, filter),
            "cut": (token[:-1], PUBLIC, filter),
            "longer": (token + "A", PUBLIC, filter),
            "changed": (token[:50] + ("A" if token[50] != "A" else "B") + token[51:], PUBLIC, filter),
            "another phase": (token.replace("cqld_", "cqll_"), PUBLIC, filter),
            "empty": ("", PUBLIC, filter),
            "a cursor": ("0.1.2", PUBLIC, filter),
            "not ASCII": ("cqld_" + "é" * 104, PUBLIC, filter),
            "long": ("cqld_" + "A" * 10_000, PUBLIC, filter),
        }
        for name, (since, actor, own) in tokens.items():
            response = await newsroom.execute(POLL, actor, since=since, filter=own)
            assert [e["extensions"]["code"] for e in response["errors"]] == ["INVALID_SYNC_TOKEN"], name
            assert response.get("data") is None
        assert not (await poll(newsroom, token, filter=filter))["resyncRequired"]
        # Absent conditions are no other filter.
        assert not (await poll(newsroom, token, filter={**filter, "kicker": None}))["resyncRequired"]


@pytest.mark.parametrize(
    "filter",
    [
        {"related": {"some": {}}},
        {"translations": {"none": {}}},
        {"category": {"articles": {"some": {"urgency": {"eq": 1}}}}},
        {"or": [{"tags": {"some": {"articles": {"some": {}}}}}]},
        {"not": {"category": {"children": {"some": {}}}}},
    ],
)
async def test_conditions_on_other_articles_are_errors(server: Server, filter: dict[str, Any]) -> None:
    async with open_editorial_client(server) as newsroom:
        response = await newsroom.execute(POLL, PUBLIC, since=None, filter=filter)
        (error,) = response["errors"]
        assert error["extensions"]["code"] == "BAD_USER_INPUT"
        assert "cannot follow the condition" in error["message"]


@pytest.mark.parametrize("first", [0, -1, 101])
async def test_page_sizes_are_checked(server: Server, first: int) -> None:
    async with open_editorial_client(server) as newsroom:
        response = await newsroom.execute(f"{{ changes(first: {first}) {{ nextToken }} }}")
        assert [e["extensions"]["code"] for e in response["errors"]] == ["INVALID_PAGE_SIZE"]


async def test_idle_polls_are_small_and_304(server: Server) -> None:
    """Less than 300 bytes, with an ETag that does not change while nothing public does."""
    async with open_editorial_client(server, with_cache=True) as newsroom:
        token = (await poll(newsroom, None))["nextToken"]
        query = (
            "query ($since: String) { changes(since: $since) { changes { id } nextToken hasMore"
            " resyncRequired } }"
        )
        parameters = {"query": query, "variables": orjson.dumps({"since": token}).decode()}
        async with make_client(newsroom.executor) as http:
            first = await http.get("/graphql", params=parameters)
            assert len(first.content) < 300, first.text
            assert first.headers["cache-control"] == "public, max-age=0, must-revalidate"
            await newsroom.create_draft()
            newsroom.now += HOUR
            headers = {"if-none-match": first.headers["etag"]}
            assert (await http.get("/graphql", params=parameters, headers=headers)).status_code == 304
            await newsroom.create_published()
            assert (await http.get("/graphql", params=parameters, headers=headers)).status_code == 200


async def test_a_page_is_one_statement(server: Server) -> None:
    """Whatever its size, in each phase."""
    async with open_editorial_client(server) as newsroom:
        token = (await poll(newsroom, None))["nextToken"]
        for since in (None, token):
            for size in (1, 100):
                variables = {"since": since, "first": size}
                request = GraphQLRequest(POLL, None, variables)
                assert newsroom.executor.explain(request)[0].statements == 1


async def test_changes_elsewhere_are_no_changes_of_a_filtered_list(server: Server) -> None:
    """An article that did not match before is not removed, whatever changes in it."""
    async with open_editorial_client(server) as newsroom:
        elsewhere = await newsroom.create_published(category="politics")
        inside = await newsroom.create_published(category="world/asia")
        scheduled = await newsroom.create_approved(category="politics")
        await newsroom.mutate_ok("scheduleArticle", id=scheduled, publishAt=(newsroom.now + HOUR).isoformat())
        filter = {"category": {"under": "world"}, "not": {"leadMedia": {"credit": {"eq": "x"}}}}
        for own in (filter, {"category": {"under": "world"}}):
            token = (await poll(newsroom, None, filter=own))["nextToken"]
            newsroom.now += dt.timedelta(minutes=1)
            await newsroom.mutate_ok("updateArticle", id=elsewhere, headline=f"Another {newsroom.now}")
            await newsroom.republish(elsewhere)
            await newsroom.mutate_ok("unpublishArticle", id=elsewhere)
            await newsroom.republish(elsewhere)
            await newsroom.create_published(category="politics")
            page = await poll(newsroom, token, filter=own)
            assert page["changes"] == []
        newsroom.now += 2 * HOUR
        page = await poll(newsroom, token, filter=own)
        assert page["changes"] == []
        await newsroom.mutate_ok("unpublishArticle", id=inside)
        await newsroom.mutate_ok("updateArticle", id=inside, category="politics")
        await newsroom.republish(inside)
        page = await poll(newsroom, page["nextToken"], filter=own)
        assert [(c["id"], c["reason"]) for c in page["changes"]] == [(inside, "LEFT_FILTER")]
