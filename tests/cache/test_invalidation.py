"""Exact cache invalidation: which writes invalidate which cached responses."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest
from tests.conftest import NOW, Server
from tests.support.cached_newsroom import CachedNewsroom, open_cached_newsroom

from contentql.errors import ApiError
from contentql.execution.request import GraphQLRequest
from contentql.store.database import Database

SLUG = "port-alder-raises-harbour-fees-by-a-tenth"
FORMER_SLUG = "port-alder-fees"


@pytest.fixture(scope="module")
async def demo_url(server: Server) -> str:
    """The demo newsroom, a template to be copied."""
    url = await server.demo()
    return url


@pytest.fixture
async def newsroom(server: Server, demo_url: str) -> AsyncIterator[CachedNewsroom]:
    async with open_cached_newsroom(server, demo_url) as newsroom:
        yield newsroom


ARTICLE = f"(SELECT id FROM article WHERE slug = '{SLUG}')"
OTHER = "(SELECT id FROM article WHERE uri = 'tag:demo.example.org,2025:kim-coffin')"

TAG_999 = (
    "INSERT INTO tag (id, type, slug, name, sort_name, names, aliases, codes)"
    " VALUES (999, 'TOPIC', 'nothing', 'N', 'n', '[]', '[]', '[]')"
)

# A query, the statements before it, the write that changes its response, and a query that must stay cached.
INVALIDATING_WRITES: dict[str, tuple[str, str, str, str]] = {
    "a draft comes out under its slug": (
        f'{{ article(slug: "{SLUG}") {{ headline }} }}',
        f"UPDATE article SET status = 'DRAFT' WHERE slug = '{SLUG}'",
        f"UPDATE article SET status = 'PUBLISHED' WHERE slug = '{SLUG}'",
        "{ collections { nodes { title } } }",
    ),
    "a draft comes out under a former slug": (
        f'{{ article(slug: "{FORMER_SLUG}") {{ headline }} }}',
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
        f'{{ article(slug: "{FORMER_SLUG}", language: "de") {{ headline }} }}',
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
    "a source has another name that a search finds": (
        '{ articles(search: "zebra") { totalCount } }',
        "UPDATE tag SET wikidata = NULL",
        "UPDATE source SET search_words = ' zebra ' WHERE slug = 'sky-news'",
        '{ tags(search: "zebra") { totalCount } }',
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

# The other article is the translation of the first one, in French.
TRANSLATED = (
    f"UPDATE article SET translation_group = {ARTICLE} WHERE id IN ({ARTICLE}, {OTHER});"
    f" UPDATE article SET language = 'fr' WHERE id = {OTHER}"
)
HIDE, SHOW = (
    f"UPDATE article SET status = '{status}' WHERE id = {OTHER}" for status in ("DRAFT", "PUBLISHED")
)
INVALIDATING_WRITES |= {
    "a translation comes out in a preferred language": (
        f'{{ article(slug: "{SLUG}", languages: ["fr", "de", "en"]) {{ headline }} }}',
        f"{TRANSLATED}; {HIDE}",
        SHOW,
        f'{{ article(slug: "{SLUG}", languages: ["it", "de", "en"]) {{ headline }} }}',
    ),
    "the first available translation comes out": (
        f'{{ article(slug: "{SLUG}", languages: ["de", "fr"]) {{ headline }} }}',
        f"{TRANSLATED}; {HIDE}",
        SHOW,
        f'{{ article(slug: "{SLUG}", languages: ["it", "de"]) {{ headline }} }}',
    ),
    "a translation comes out, of an article with a former slug": (
        f'{{ article(slug: "{FORMER_SLUG}", languages: ["FR"]) {{ headline }} }}',
        f"{TRANSLATED}; {HIDE}",
        SHOW,
        f'{{ article(slug: "{FORMER_SLUG}", languages: ["de"]) {{ headline }} }}',
    ),
    "a translation comes out, of an article with an id": (
        '{ article(id: "art_721", languages: ["fr"]) { headline } }',
        f"{TRANSLATED}; {HIDE}",
        SHOW,
        '{ article(id: "art_721", languages: ["de"]) { headline } }',
    ),
    "the best translation is hidden": (
        f'{{ article(slug: "{SLUG}", languages: ["fr", "en"]) {{ headline }} }}',
        TRANSLATED,
        HIDE,
        f'{{ article(slug: "{SLUG}", languages: ["de", "en"]) {{ headline }} }}',
    ),
    "a translation gets a preferred language": (
        f'{{ article(slug: "{SLUG}", languages: ["de", "en"]) {{ headline }} }}',
        TRANSLATED,
        f"UPDATE article SET language = 'de-CH' WHERE id = {OTHER}",
        f'{{ article(slug: "{SLUG}", languages: ["it", "en"]) {{ headline }} }}',
    ),
    "the best translation gets another language": (
        f'{{ article(slug: "{SLUG}", languages: ["fr", "en"]) {{ headline }} }}',
        TRANSLATED,
        f"UPDATE article SET language = 'de' WHERE id = {OTHER}",
        f'{{ article(slug: "{SLUG}", languages: ["it", "en"]) {{ headline }} }}',
    ),
    "an article gets its first translation": (
        f'{{ article(slug: "{SLUG}", languages: ["fr", "en"]) {{ headline }} }}',
        f"UPDATE article SET language = 'fr' WHERE id = {OTHER}",
        TRANSLATED.partition("; ")[0],
        '{ article(slug: "another", languages: ["fr", "en"]) { headline } }',
    ),
    "an article joins translations": (
        f'{{ article(slug: "{SLUG}", languages: ["fr"]) {{ headline }} }}',
        f"UPDATE article SET translation_group = {OTHER}, language = 'fr' WHERE id = {OTHER}",
        f"UPDATE article SET translation_group = {OTHER} WHERE id = {ARTICLE}",
        '{ article(slug: "another", languages: ["fr"]) { headline } }',
    ),
    "an article gets a requested language": (
        f'{{ article(slug: "{SLUG}", languages: ["de"]) {{ headline }} }}',
        "UPDATE tag SET wikidata = NULL",
        f"UPDATE article SET language = 'de' WHERE id = {ARTICLE}",
        '{ article(slug: "another", languages: ["de"]) { headline } }',
    ),
    "an article with a former slug joins translations": (
        f'{{ article(slug: "{FORMER_SLUG}", languages: ["fr", "en"]) {{ headline }} }}',
        f"UPDATE article SET translation_group = {OTHER}, language = 'fr' WHERE id = {OTHER}",
        f"UPDATE article SET translation_group = {OTHER} WHERE id = {ARTICLE}",
        '{ article(slug: "another", languages: ["fr", "en"]) { headline } }',
    ),
    "the best translation leaves": (
        f'{{ article(slug: "{SLUG}", languages: ["fr", "en"]) {{ headline }} }}',
        TRANSLATED,
        f"UPDATE article SET translation_group = NULL WHERE id = {OTHER}",
        f'{{ article(slug: "{SLUG}", languages: ["de", "it"]) {{ headline }} }}',
    ),
    "the article that leads to a translation is hidden": (
        f'{{ article(slug: "{SLUG}", languages: ["fr"]) {{ headline }} }}',
        TRANSLATED,
        f"UPDATE article SET status = 'DRAFT' WHERE id = {ARTICLE}",
        '{ article(slug: "another", languages: ["fr", "en"]) { headline } }',
    ),
    "an article in the language itself is there": (
        f'{{ article(slug: "{SLUG}", language: "de") {{ language }} }}',
        f"UPDATE article SET language = 'de-CH' WHERE id = {ARTICLE};"
        f" UPDATE article SET slug = '{SLUG}', language = 'de-Latn-AT' WHERE id = {OTHER}",
        f"UPDATE article SET language = 'de' WHERE id = {OTHER}",
        f'{{ article(slug: "{SLUG}", language: "en") {{ language }} }}',
    ),
    "an article gets a more specific language": (
        '{ articles(filter: {inLanguages: ["de"]}) { totalCount } }',
        "UPDATE tag SET wikidata = NULL",
        f"UPDATE article SET language = 'de-CH' WHERE id = {OTHER}",
        '{ articles(filter: {language: {eq: "de"}}) { totalCount } }',
    ),
    "an article with a part of an excluded text comes out": (
        '{ articles(filter: {kicker: {notIn: ["Tides of change"]}}) { totalCount } }',
        f"UPDATE article SET kicker = 'Tides', status = 'DRAFT' WHERE id = {OTHER}",
        SHOW,
        '{ articles(filter: {kicker: {in: ["Tides of change"]}}) { totalCount } }',
    ),
}


@pytest.mark.parametrize("name", INVALIDATING_WRITES)
async def test_writes_invalidate_only_dependent_responses(newsroom: CachedNewsroom, name: str) -> None:
    """The response after the write is fresh, and the unrelated response is still cached."""
    dependent, setup, write, unrelated = INVALIDATING_WRITES[name]
    await newsroom.write(*setup.split("; "))
    for query in (dependent, unrelated):
        assert not await newsroom.is_hit(query)
        assert await newsroom.is_hit(query)
    previous_body = (await newsroom.cached_executor.execute(GraphQLRequest(dependent))).body
    await newsroom.write(write)
    assert not await newsroom.is_hit(dependent)
    assert (await newsroom.cached_executor.execute(GraphQLRequest(dependent))).body != previous_body, (
        "the case changes nothing"
    )
    assert await newsroom.is_hit(unrelated)


HIDDEN_CHANGES: dict[str, str] = {
    "a draft is edited": "UPDATE article SET headline = 'Nothing yet', urgency = 1 WHERE status = 'DRAFT'",
    "a suggestion is edited": "UPDATE attribution SET claim = 'Perhaps' WHERE state = 'SUGGESTED'",
    "a draft's moment is set": "UPDATE article SET embargo_until = '2026-06-30T08:00:09Z'"
    " WHERE status = 'DRAFT'",
    "media that nothing shows": "UPDATE media SET alt = 'Nobody sees it', expires_at = '2026-06-30T08:00:09Z'"
    " WHERE id = 999",
    "a tag that nothing has": "UPDATE tag SET name = 'Nobody sees it' WHERE id = 999",
}  # fmt: skip


@pytest.mark.parametrize("name", HIDDEN_CHANGES)
async def test_hidden_changes_invalidate_nothing(newsroom: CachedNewsroom, name: str) -> None:
    """Changes of rows that no viewer sees remove no response."""
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
        await newsroom.is_hit(query)
    await newsroom.write(HIDDEN_CHANGES[name])
    assert all([await newsroom.is_hit(query) for query in queries])


async def test_scheduled_times_invalidate_only_affected_responses(newsroom: CachedNewsroom) -> None:
    """The end of an embargo invalidates the affected lists at that second, and no others."""
    embargo_end = NOW + dt.timedelta(seconds=30)
    await newsroom.write(
        f"UPDATE article SET embargo_until = '{embargo_end:%Y-%m-%dT%H:%M:%SZ}' WHERE slug = '{SLUG}'"
    )
    lists: tuple[Any, ...] = (
        f'{{ article(slug: "{FORMER_SLUG}") {{ headline }} }}',
        "{ latestNews { nodes { slug } } }",
    )
    others = ('{ source(slug: "sky-news") { name } }', "{ categories { nodes { name } } }")
    for query in (*lists, *others):
        await newsroom.is_hit(query)
    newsroom.now = embargo_end - dt.timedelta(microseconds=1)
    assert all([await newsroom.is_hit(query) for query in (*lists, *others)])
    newsroom.now = embargo_end
    assert all([await newsroom.is_hit(query) for query in others])
    assert not any([await newsroom.is_hit(query) for query in lists])
    assert SLUG.encode() in (await newsroom.cached_executor.execute(GraphQLRequest(lists[1]))).body


async def test_translations_appear_at_their_time(newsroom: CachedNewsroom) -> None:
    """The end of an embargo invalidates responses that prefer the language, and no others."""
    embargo_end = NOW + dt.timedelta(seconds=30)
    await newsroom.write(
        *TRANSLATED.split("; "),
        f"UPDATE article SET embargo_until = '{embargo_end:%Y-%m-%dT%H:%M:%SZ}' WHERE id = {OTHER}",
    )
    preferring = f'{{ article(slug: "{FORMER_SLUG}", languages: ["fr", "en"]) {{ language }} }}'
    other = f'{{ article(slug: "{FORMER_SLUG}", languages: ["de", "en"]) {{ language }} }}'
    for query in (preferring, other):
        await newsroom.is_hit(query)
    newsroom.now = embargo_end
    assert await newsroom.is_hit(other)
    assert not await newsroom.is_hit(preferring)
    assert b'"fr"' in (await newsroom.cached_executor.execute(GraphQLRequest(preferring))).body


async def test_hidden_translations_invalidate_nothing(newsroom: CachedNewsroom) -> None:
    """A draft that becomes a translation, or is edited, is in no response."""
    await newsroom.write(HIDE)
    queries = [
        f'{{ article(slug: "{slug}", languages: ["fr", "en"]) {{ headline translations {{ id }} }} }}'
        for slug in (SLUG, FORMER_SLUG)
    ]
    for query in queries:
        await newsroom.is_hit(query)
    await newsroom.write(*TRANSLATED.split("; "), f"UPDATE article SET language = 'it' WHERE id = {OTHER}")
    assert all([await newsroom.is_hit(query) for query in queries])


async def test_pins_end_at_their_time(newsroom: CachedNewsroom) -> None:
    """At that second the article moves behind the other items, also in cached responses."""
    pin_end = NOW + dt.timedelta(seconds=30)
    query = "{ collections { nodes { slug items { article { slug } } } } }"
    await newsroom.write(
        "UPDATE collection_item SET pinned_until = NULL",
        f"UPDATE collection_item SET pinned_until = '{pin_end:%Y-%m-%dT%H:%M:%SZ}' WHERE position = 0",
    )
    before = orjson.loads((await newsroom.cached_executor.execute(GraphQLRequest(query))).body)["data"][
        "collections"
    ]["nodes"]
    newsroom.now = pin_end - dt.timedelta(seconds=1)
    assert await newsroom.is_hit(query)
    newsroom.now = pin_end
    assert not await newsroom.is_hit(query)
    after = orjson.loads((await newsroom.cached_executor.execute(GraphQLRequest(query))).body)["data"][
        "collections"
    ]["nodes"]
    for was, now in zip(before, after, strict=True):
        was, now = ([item["article"]["slug"] for item in collection["items"]] for collection in (was, now))
        assert now == [*was[1:], was[0]]


async def test_dependent_objects_expire_with_their_article(newsroom: CachedNewsroom) -> None:
    """Attributions, corrections and former slugs are invalidated at the expiry time."""
    expires_at = NOW + dt.timedelta(seconds=30)
    await newsroom.write(
        f"UPDATE article SET expires_at = '{expires_at:%Y-%m-%dT%H:%M:%SZ}' WHERE slug = '{SLUG}'"
    )
    queries = (
        "{ attributions { totalCount } }",
        f'{{ article(slug: "{FORMER_SLUG}") {{ headline }} }}',
        f'{{ article(slug: "{SLUG}") {{ corrections {{ text }} }} }}',
        "{ articles(filter: {attributions: {some: {}}}) { totalCount } }",
    )
    before = [(await newsroom.cached_executor.execute(GraphQLRequest(query))).body for query in queries]
    newsroom.now = expires_at
    for query, previous_body in zip(queries, before, strict=True):
        assert not await newsroom.is_hit(query)
        assert (await newsroom.cached_executor.execute(GraphQLRequest(query))).body != previous_body


COLLECTION = "(SELECT min(collection_id) FROM collection_item)"
FIRST = f"collection_id = {COLLECTION} AND position = 0"
FIRST_ARTICLE = f"(SELECT article_id FROM collection_item WHERE {FIRST})"

# Two writes after which the collection is as before, or nearly: responses computed in between are not.
THERE_AND_BACK: dict[str, tuple[str, str]] = {
    "an item moves": (
        f"UPDATE collection_item SET position = 99 WHERE {FIRST}",
        "UPDATE collection_item SET position = 0 WHERE position = 99",
    ),
    "the order is restored by moving the others": (
        f"UPDATE collection_item SET position = 99 WHERE {FIRST}",
        f"UPDATE collection_item SET position = position + 200"
        f" WHERE collection_id = {COLLECTION} AND position < 99",
    ),
    "an item is pinned at the end": (
        f"UPDATE collection_item SET pinned_until = '2000-01-01T00:00:00Z' WHERE {FIRST}",
        f"UPDATE collection_item SET pinned_until = NULL WHERE {FIRST}",
    ),
    "the limit is lowered": (
        f"UPDATE collection SET max_items = 1 WHERE id = {COLLECTION}",
        f"UPDATE collection SET max_items = 100 WHERE id = {COLLECTION}",
    ),
    "an article is hidden": (
        f"UPDATE article SET status = 'DRAFT' WHERE id = {FIRST_ARTICLE}",
        f"UPDATE article SET status = 'PUBLISHED' WHERE id = {FIRST_ARTICLE}",
    ),
    "an item leaves for another collection": (
        f"UPDATE collection_item SET collection_id = 9998, position = 7 WHERE {FIRST}",
        f"UPDATE collection_item SET collection_id = {COLLECTION}, position = 0 WHERE collection_id = 9998",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", THERE_AND_BACK)
async def test_responses_computed_between_two_writes_of_a_batch(newsroom: CachedNewsroom, name: str) -> None:
    """They are invalidated, although the collection is the same before and after the batch."""
    await newsroom.write(
        "INSERT INTO collection (id, slug, title, sort_name) VALUES (9998, 'other', 'Other', 'other')",
        f"UPDATE collection SET max_items = 100 WHERE id = {COLLECTION}",
        "UPDATE collection_item SET pinned_until = NULL",
    )
    query = "{ collections { nodes { slug items { article { slug } } } } }"
    unrelated = "{ categories { nodes { name } } }"
    await newsroom.is_hit(unrelated)
    there, back = THERE_AND_BACK[name]
    async with Database(newsroom.url).orm() as connection:
        async with newsroom.responses.follower.applying:  # no changes are applied meanwhile
            await connection.execute_query(there)
            between = await newsroom.cached_executor.execute(GraphQLRequest(query))
            await connection.execute_query(back)
        await newsroom.responses.apply_pending_changes()
    assert between.body != (await newsroom.uncached_executor.execute(GraphQLRequest(query))).body
    assert not await newsroom.is_hit(query)
    assert await newsroom.is_hit(unrelated)


@pytest.mark.parametrize("exc", [ApiError("DATABASE_UNAVAILABLE", "Away."), asyncio.CancelledError()])
async def test_failed_invalidations_are_repeated(
    newsroom: CachedNewsroom, monkeypatch: pytest.MonkeyPatch, exc: BaseException
) -> None:
    """After an error or a cancellation, no outdated response is returned."""
    query = '{ source(slug: "sky-news") { name } }'

    async def fail(*_: Any) -> Any:
        raise exc

    await newsroom.is_hit(query)
    assert await newsroom.is_hit(query)
    with monkeypatch.context() as patched, contextlib.suppress(ApiError, asyncio.CancelledError):
        patched.setattr(newsroom.responses.follower.batch_loader, "load", fail)
        await newsroom.write("UPDATE source SET name = 'Sky' WHERE slug = 'sky-news'")
    assert not await newsroom.is_hit(query)
    assert b'"Sky"' in (await newsroom.cached_executor.execute(GraphQLRequest(query))).body


async def test_cost_extension_is_returned_for_every_request(newsroom: CachedNewsroom) -> None:
    """A response with the cost extension is not taken from the cache without it."""
    request = GraphQLRequest("{ latestNews { nodes { slug } } }", extensions={"cost": True})
    for _ in range(3):
        assert b'"extensions":{"cost":' in (await newsroom.cached_executor.execute(request)).body
