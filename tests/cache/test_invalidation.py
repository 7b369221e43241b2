"""Exact cache invalidation: which writes invalidate which cached responses."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import orjson
import pytest
from tests.conftest import NOW, Server

from contentql.app import build_executor
from contentql.cache.response_cache import ResponseCache
from contentql.errors import ApiError
from contentql.execution.executor import Executor
from contentql.execution.request import GraphQLRequest
from contentql.settings import Settings
from contentql.store.database import Database

SLUG = "port-alder-raises-harbour-fees-by-a-tenth"
FORMER = "port-alder-fees"


@dataclass
class CachedNewsroom:
    """The demo newsroom, written to by SQL; answers remembered and fresh."""

    url: str
    remembers: Executor
    fresh: Executor
    now: dt.datetime = NOW

    @property
    def responses(self) -> ResponseCache:
        assert self.remembers.responses is not None
        return self.remembers.responses

    async def write(self, *statements: str) -> None:
        async with Database(self.url).orm() as connection:
            for statement in statements:
                await connection.execute_query(statement)
        await self.responses.apply_pending_changes()

    async def hit(self, query: str) -> bool:
        """Whether the answer is remembered; in any case it must be the fresh one."""
        hits = self.responses.counts.hits
        response = await self.remembers.execute(GraphQLRequest(query))
        assert response.body == (await self.fresh.execute(GraphQLRequest(query))).body
        return self.responses.counts.hits > hits


@pytest.fixture(scope="module")
async def demo_url(server: Server) -> str:
    """The demo newsroom, to be copied."""
    url = await server.demo()
    return url


@pytest.fixture
async def newsroom(server: Server, demo_url: str) -> AsyncIterator[CachedNewsroom]:
    url = await server.copy(demo_url)
    async with Database(url) as database:
        newsroom = CachedNewsroom(
            url,
            build_executor(Settings(), database),
            build_executor(Settings(response_cache_bytes=0), database),
        )
        newsroom.remembers.now = newsroom.fresh.now = lambda: newsroom.now
        await newsroom.responses.open()
        yield newsroom
        await newsroom.responses.close()
    await server.drop(url)


ARTICLE = f"(SELECT id FROM article WHERE slug = '{SLUG}')"
OTHER = "(SELECT id FROM article WHERE uri = 'tag:demo.example.org,2025:kim-coffin')"

TAG_999 = (
    "INSERT INTO tag (id, type, slug, name, sort_name, names, aliases, codes)"
    " VALUES (999, 'TOPIC', 'nothing', 'N', 'n', '[]', '[]', '[]')"
)

# A question, what is written before it is asked, what is written then, and a question that must not notice.
TOUCHED: dict[str, tuple[str, str, str, str]] = {
    "a draft comes out under its slug": (
        f'{{ article(slug: "{SLUG}") {{ headline }} }}',
        f"UPDATE article SET status = 'DRAFT' WHERE slug = '{SLUG}'",
        f"UPDATE article SET status = 'PUBLISHED' WHERE slug = '{SLUG}'",
        "{ collections { nodes { title } } }",
    ),
    "a draft comes out under a former slug": (
        f'{{ article(slug: "{FORMER}") {{ headline }} }}',
        f"UPDATE article SET status = 'DRAFT' WHERE slug = '{SLUG}'",
        f"UPDATE article SET status = 'PUBLISHED' WHERE slug = '{SLUG}'",
        '{ article(slug: "another") { headline } }',
    ),
    "an article is another language's": (
        f'{{ article(slug: "{SLUG}", language: "en") {{ headline }} }}',
        "UPDATE tag SET wikidata = NULL",
        f"UPDATE article SET language = 'de' WHERE slug = '{SLUG}'",
        "{ categories { nodes { name } } }",
    ),
    "an article becomes a language's, under a former slug": (
        f'{{ article(slug: "{FORMER}", language: "de") {{ headline }} }}',
        "UPDATE tag SET wikidata = NULL",
        f"UPDATE article SET language = 'de' WHERE slug = '{SLUG}'",
        '{ category(path: "world") { name } }',
    ),
    "a tag is of another type": (
        '{ tag(slug: "north-korea", type: EVENT) { name } }',
        "UPDATE tag SET type = 'PLACE' WHERE slug = 'north-korea'",
        "UPDATE tag SET type = 'EVENT' WHERE slug = 'north-korea'",
        '{ tag(slug: "kim-jong-un") { name } }',
    ),
    "a tag's only use moves to an article that is seen": (
        "{ tags { totalCount } }",
        f"UPDATE article SET status = 'DRAFT' WHERE id = {ARTICLE}; {TAG_999};"
        f" INSERT INTO article_tag (id, article_id, tag_id) SELECT 999, {ARTICLE}, 999",
        f"UPDATE article_tag SET article_id = {OTHER} WHERE id = 999",
        '{ category(path: "world") { name } }',
    ),
    "a source is renamed": (
        '{ source(slug: "sky-news") { name } }',
        "UPDATE tag SET wikidata = NULL",
        "UPDATE source SET name = 'Sky' WHERE slug = 'sky-news'",
        '{ source(slug: "south-korean-intelligence") { name } }',
    ),
    "a section is renamed": (
        '{ latestNews(section: "world/asia", first: 2) { nodes { category { name } } } }',
        "UPDATE tag SET wikidata = NULL",
        "UPDATE category SET name = 'Far East' WHERE path = 'world/asia'",
        '{ latestNews(section: "science", first: 2) { nodes { headline category { name } } } }',
    ),
    "a picture's licence has ended": (
        '{ latestNews(section: "world/asia", first: 1) { nodes { leadMedia { url } } } }',
        "UPDATE tag SET wikidata = NULL",
        "UPDATE media SET expires_at = (SELECT min(published_at) FROM article WHERE status = 'PUBLISHED')",
        '{ source(slug: "sky-news") { name } }',
    ),
    "a claim is accepted": (
        f'{{ article(slug: "{SLUG}") {{ attributions {{ claim }} }} }}',
        f"UPDATE attribution SET state = 'SUGGESTED' WHERE article_id = {ARTICLE}",
        f"UPDATE attribution SET state = 'ACCEPTED' WHERE article_id = {ARTICLE}",
        "{ categories { nodes { name } } }",
    ),
}


@pytest.mark.parametrize("name", TOUCHED)
async def test_writes_invalidate_only_dependent_responses(newsroom: CachedNewsroom, name: str) -> None:
    """The answer after the write is the fresh one, and the neighbour is still remembered."""
    question, before, write, neighbour = TOUCHED[name]
    await newsroom.write(*before.split("; "))
    for query in (question, neighbour):
        assert not await newsroom.hit(query)
        assert await newsroom.hit(query)
    was = (await newsroom.remembers.execute(GraphQLRequest(question))).body
    await newsroom.write(write)
    assert not await newsroom.hit(question)
    assert (await newsroom.remembers.execute(GraphQLRequest(question))).body != was, (
        "the case changes nothing"
    )
    assert await newsroom.hit(neighbour)


HIDDEN: dict[str, str] = {
    "a draft is edited": "UPDATE article SET headline = 'Nothing yet', urgency = 1 WHERE status = 'DRAFT'",
    "a suggestion is edited": "UPDATE attribution SET claim = 'Perhaps' WHERE state = 'SUGGESTED'",
    "a draft's moment is set": "UPDATE article SET embargo_until = '2026-06-30T08:00:09Z'"
    " WHERE status = 'DRAFT'",
    "media that nothing shows": "UPDATE media SET alt = 'Nobody sees it', expires_at = '2026-06-30T08:00:09Z'"
    " WHERE id = 999",
    "a tag that nothing has": "UPDATE tag SET name = 'Nobody sees it' WHERE id = 999",
}  # fmt: skip


@pytest.mark.parametrize("name", HIDDEN)
async def test_hidden_changes_invalidate_nothing(newsroom: CachedNewsroom, name: str) -> None:
    """No answer is forgotten for it, and no lifetime gets shorter."""
    await newsroom.write(
        f"UPDATE article SET status = 'DRAFT' WHERE slug = '{SLUG}'",
        f"UPDATE attribution SET state = 'SUGGESTED' WHERE article_id = {OTHER} AND position = 0",
        "INSERT INTO media (id, kind, url, mime, renditions, created_at)"
        " VALUES (999, 'IMAGE', 'https://example.org/x.jpg', 'image/jpeg', '[]', '2026-01-01T00:00:00Z')",
        TAG_999,
    )
    queries = (
        "{ latestNews { nodes { headline attributions { claim } } } }",
        "{ tags { totalCount nodes { name } } }",
        "{ mediaItems { totalCount nodes { alt } } }",
        "{ sources { nodes { name } } }",
        '{ articles(search: "yet") { totalCount } }',
    )
    for query in queries:
        await newsroom.hit(query)
    left = newsroom.responses.seconds_left(NOW)
    await newsroom.write(HIDDEN[name])
    assert all([await newsroom.hit(query) for query in queries])
    assert newsroom.responses.seconds_left(NOW) == left


async def test_scheduled_times_invalidate_only_affected_responses(newsroom: CachedNewsroom) -> None:
    """The end of an embargo invalidates the affected lists at that second, and no others."""
    moment = NOW + dt.timedelta(seconds=30)
    await newsroom.write(
        f"UPDATE article SET embargo_until = '{moment:%Y-%m-%dT%H:%M:%SZ}' WHERE slug = '{SLUG}'"
    )
    lists: tuple[Any, ...] = (
        f'{{ article(slug: "{FORMER}") {{ headline }} }}',
        "{ latestNews { nodes { slug } } }",
    )
    others = ('{ source(slug: "sky-news") { name } }', "{ categories { nodes { name } } }")
    for query in (*lists, *others):
        await newsroom.hit(query)
    assert newsroom.responses.seconds_left(NOW) == 30
    newsroom.now = moment - dt.timedelta(microseconds=1)
    assert all([await newsroom.hit(query) for query in (*lists, *others)])
    newsroom.now = moment
    assert all([await newsroom.hit(query) for query in others])
    assert not any([await newsroom.hit(query) for query in lists])
    assert SLUG.encode() in (await newsroom.remembers.execute(GraphQLRequest(lists[1]))).body


async def test_a_pin_ends_by_the_clock(newsroom: CachedNewsroom) -> None:
    """At that second the article falls behind the others of its collection, in what was remembered too."""
    moment = NOW + dt.timedelta(seconds=30)
    query = "{ collections { nodes { slug items { article { slug } } } } }"
    await newsroom.write(
        "UPDATE collection_item SET pinned_until = NULL",
        f"UPDATE collection_item SET pinned_until = '{moment:%Y-%m-%dT%H:%M:%SZ}' WHERE position = 0",
    )
    before = orjson.loads((await newsroom.remembers.execute(GraphQLRequest(query))).body)["data"][
        "collections"
    ]["nodes"]
    newsroom.now = moment - dt.timedelta(seconds=1)
    assert await newsroom.hit(query)
    newsroom.now = moment
    assert not await newsroom.hit(query)
    after = orjson.loads((await newsroom.remembers.execute(GraphQLRequest(query))).body)["data"][
        "collections"
    ]["nodes"]
    for was, now in zip(before, after, strict=True):
        was, now = ([item["article"]["slug"] for item in one["items"]] for one in (was, now))
        assert now == [*was[1:], was[0]]


async def test_what_hangs_on_an_article_expires_with_it(newsroom: CachedNewsroom) -> None:
    """By the clock alone: its attributions, its corrections and its former slug are gone at that second."""
    moment = NOW + dt.timedelta(seconds=30)
    await newsroom.write(
        f"UPDATE article SET expires_at = '{moment:%Y-%m-%dT%H:%M:%SZ}' WHERE slug = '{SLUG}'"
    )
    queries = (
        "{ attributions { totalCount } }",
        f'{{ article(slug: "{FORMER}") {{ headline }} }}',
        f'{{ article(slug: "{SLUG}") {{ corrections {{ text }} }} }}',
        "{ articles(filter: {attributions: {some: {}}}) { totalCount } }",
    )
    before = [(await newsroom.remembers.execute(GraphQLRequest(query))).body for query in queries]
    newsroom.now = moment
    for query, was in zip(queries, before, strict=True):
        assert not await newsroom.hit(query)
        assert (await newsroom.remembers.execute(GraphQLRequest(query))).body != was


@pytest.mark.parametrize("exc", [ApiError("DATABASE_UNAVAILABLE", "Away."), asyncio.CancelledError()])
async def test_a_change_that_could_not_be_applied_is_not_lost(
    newsroom: CachedNewsroom, monkeypatch: pytest.MonkeyPatch, exc: BaseException
) -> None:
    """The neighbours cannot be asked, or who waited goes away: nothing old is found after that."""
    query = '{ source(slug: "sky-news") { name } }'

    async def broken(*_: Any) -> Any:
        raise exc

    await newsroom.hit(query)
    assert await newsroom.hit(query)
    with monkeypatch.context() as patched, contextlib.suppress(ApiError, asyncio.CancelledError):
        patched.setattr(newsroom.responses._neighbours, "load", broken)
        await newsroom.write("UPDATE source SET name = 'Sky' WHERE slug = 'sky-news'")
    assert not await newsroom.hit(query)
    assert b'"Sky"' in (await newsroom.remembers.execute(GraphQLRequest(query))).body


async def test_the_cost_is_told_however_often_it_is_asked_for(newsroom: CachedNewsroom) -> None:
    """A remembered answer does not know what was asked for beside it."""
    request = GraphQLRequest("{ latestNews { nodes { slug } } }", extensions={"cost": True})
    for _ in range(3):
        assert b'"extensions":{"cost":' in (await newsroom.remembers.execute(request)).body
