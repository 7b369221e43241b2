"""Collections: the order of their items, pins, and what readers see of a full one."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.conftest import Server
from tests.support.editorial_client import (
    ANNA,
    BOB,
    DAY,
    HOUR,
    PUBLIC,
    SECOND,
    EditorialClient,
    make_actor,
    open_editorial_client,
)

from contentql.auth.permissions import Role

PREVIEWER = make_actor(Role.PREVIEWER, "pia")
PAYLOAD = "collection { items { isPublic article { slug } } } surplusArticleIds"
PICTURE = {"kind": "IMAGE", "url": "https://media.example.org/p.jpg", "alt": "A bridge"}
# What readers have of a collection by every field that leads to its articles.
SEEN = """query($s: String!) {
    collection(slug: $s) {
        items { article { slug } media { id } isPublic }
        articles(first: 100) { totalCount nodes { slug } }
    }
    mediaItems(first: 100) { nodes { id } }
}"""


async def collection_slugs(newsroom: EditorialClient, slug: str, actor: Any = ANNA) -> list[str]:
    query = "query($s: String!) { collection(slug: $s) { items { article { slug } } } }"
    data = (await newsroom.query(query, actor, s=slug))["collection"]
    return [item["article"]["slug"] for item in data["items"]]


@pytest.fixture
async def cached_newsroom(server: Server, small_newsroom_url: str) -> AsyncIterator[EditorialClient]:
    """A newsroom with a response cache, as a server has one."""
    async with open_editorial_client(server, template=small_newsroom_url, with_cache=True) as newsroom:
        yield newsroom


async def create_full_collection(newsroom: EditorialClient, size: int = 3) -> list[str]:
    """A full collection `top` of published articles `item-0` and so on; their ids."""
    ids = [await newsroom.create_published(headline=f"Item {n}") for n in range(size)]
    items = [{"article": id} for id in ids]
    await newsroom.mutate_ok("createCollection", title="Top", maxItems=size, items=items)
    return ids


async def test_collections_keep_their_order_and_maximum(newsroom: EditorialClient) -> None:
    """Pinning inserts an article at its position; beyond maxItems, readers do not see the last items."""
    ids = [await newsroom.create_published(headline=f"Item {n}") for n in range(4)]
    items = [{"article": id} for id in ids[:3]]
    created = await newsroom.mutate_ok("createCollection", title="Top", maxItems=3, items=items)
    assert await collection_slugs(newsroom, "top", PUBLIC) == ["item-0", "item-1", "item-2"]
    await newsroom.mutate_ok("updateCollection", id="top", items=[items[2], items[0], items[1]])
    assert await collection_slugs(newsroom, "top", PUBLIC) == ["item-2", "item-0", "item-1"]
    pinned = await newsroom.mutate_ok("pinArticle", id="top", article=ids[3], until="2026-07-01T00:00:00Z")
    assert [item["article"]["slug"] for item in pinned["items"]] == ["item-3", "item-2", "item-0", "item-1"]
    assert pinned["items"][0]["pinnedUntil"] == "2026-07-01T00:00:00Z"
    assert await collection_slugs(newsroom, "top", PUBLIC) == ["item-3", "item-2", "item-0"]
    await newsroom.mutate_ok("pinArticle", id="top", article=ids[0], position=1)
    assert await collection_slugs(newsroom, "top", PUBLIC) == ["item-3", "item-0", "item-2"]
    await newsroom.mutate_ok("pinArticle", id="top", article=ids[0], position=99)
    assert await collection_slugs(newsroom, "top", PUBLIC) == ["item-3", "item-2", "item-1"]
    renamed = await newsroom.mutate_ok("updateCollection", id=created["id"], title="Best")
    assert (renamed["maxItems"], len(renamed["items"])) == (3, 4)
    wrong: list[tuple[dict[str, Any], tuple[str, str]]] = [
        ({"items": [{"article": ids[0]}, {"article": ids[0]}]}, ("TAKEN", "items.1.article")),
        ({"items": [{"article": "art_1"}]}, ("NOT_FOUND", "items.0.article")),
        ({"items": [{"article": "med_301"}]}, ("WRONG_TYPE", "items.0.article")),
        ({"items": [{"article": ids[0], "media": "med_1"}]}, ("NOT_FOUND", "items.0.media")),
        ({"items": [{"article": ids[0], "headline": "x" * 301}]}, ("TOO_LONG", "items.0.headline")),
        ({"maxItems": 0}, ("INVALID", "maxItems")),
    ]
    for value, expected in wrong:
        assert await newsroom.mutate_codes("updateCollection", id="top", **value) == {expected}, value
    wrong = [
        ({"article": "art_1"}, ("NOT_FOUND", "article")),
        ({"article": ids[0], "until": "2026-06-30T08:00:00Z"}, ("INVALID_TIME", "until")),
        ({"article": ids[0], "position": -1}, ("INVALID", "position")),
    ]
    for value, expected in wrong:
        assert await newsroom.mutate_codes("pinArticle", id="top", **value) == {expected}, value


async def test_scheduled_articles_appear_in_collections_at_their_time(newsroom: EditorialClient) -> None:
    """A collection may contain an article before it is public."""
    id = await newsroom.create_approved(headline="Soon")
    await newsroom.mutate_ok("scheduleArticle", id=id, publishAt="2026-07-01T08:00:00Z")
    await newsroom.mutate_ok(
        "createCollection", title="Waiting", items=[{"article": id}, {"article": "art_701"}]
    )
    assert await collection_slugs(newsroom, "waiting", PUBLIC) == ["the-first"]
    newsroom.now += DAY
    assert await collection_slugs(newsroom, "waiting", PUBLIC) == ["soon", "the-first"]


async def test_hidden_items_take_no_public_place(own_newsroom: EditorialClient) -> None:
    """Drafts pinned in a full collection remove no article from it, and nothing is deleted."""
    ids = await create_full_collection(own_newsroom)
    before = await own_newsroom.query(SEEN, s="top")
    drafts = [await own_newsroom.create_approved(headline=f"Draft {n}") for n in range(2)]
    payloads = [
        await own_newsroom.mutate_ok("pinArticle", selection=PAYLOAD, id="top", article=draft)
        for draft in drafts
    ]
    assert await own_newsroom.query(SEEN, s="top") == before
    assert [one["surplusArticleIds"] for one in payloads] == [[ids[2]], [ids[1], ids[2]]]
    assert [(item["article"]["slug"], item["isPublic"]) for item in payloads[1]["collection"]["items"]] == [
        ("draft-1", False), ("draft-0", False), ("item-0", True), ("item-1", True), ("item-2", True),
    ]  # fmt: skip
    await own_newsroom.mutate_ok("publishArticle", id=drafts[0])
    assert await collection_slugs(own_newsroom, "top", PUBLIC) == ["draft-0", "item-0", "item-1"]
    await own_newsroom.mutate_ok("publishArticle", id=drafts[1])
    assert await collection_slugs(own_newsroom, "top", PUBLIC) == ["draft-1", "draft-0", "item-0"]
    await own_newsroom.mutate_ok("unpublishArticle", id=drafts[0])
    await own_newsroom.mutate_ok("withdrawArticle", id=drafts[1], notice="It was wrong.")
    assert await own_newsroom.query(SEEN, s="top") == before
    renamed = await own_newsroom.mutate_ok(
        "updateCollection", selection="surplusArticleIds", id="top", title="X"
    )
    assert renamed == [ids[2]], "a withdrawn article is not counted"


async def test_viewers_of_drafts_see_the_collection_as_readers_will(own_newsroom: EditorialClient) -> None:
    """Authors and previewers see visible drafts in place of the last items; editors see all items."""
    await create_full_collection(own_newsroom)
    draft = await own_newsroom.create_draft(BOB, headline="Mine")
    await own_newsroom.mutate_ok("pinArticle", id="top", article=draft)
    whole = ["mine", "item-0", "item-1", "item-2"]
    assert await collection_slugs(own_newsroom, "top", ANNA) == whole
    for actor in (BOB, PREVIEWER):
        assert await collection_slugs(own_newsroom, "top", actor) == whole[:3]
    assert await collection_slugs(own_newsroom, "top", make_actor(Role.AUTHOR, "amy")) == whole[1:]
    assert await collection_slugs(own_newsroom, "top", PUBLIC) == whole[1:]


async def test_overfull_collections_can_be_reordered(own_newsroom: EditorialClient) -> None:
    """All items are saved, and a smaller maxItems deletes none."""
    ids = await create_full_collection(own_newsroom)
    draft = await own_newsroom.create_draft(headline="Draft")
    await own_newsroom.mutate_ok("pinArticle", id="top", article=draft, position=1)
    items = [{"article": id} for id in (ids[2], ids[1], draft, ids[0])]
    payload = await own_newsroom.mutate_ok("updateCollection", selection=PAYLOAD, id="top", items=items)
    assert payload["surplusArticleIds"] == [ids[0]]
    assert await collection_slugs(own_newsroom, "top", PUBLIC) == ["item-2", "item-1", "item-0"]
    payload = await own_newsroom.mutate_ok("updateCollection", selection=PAYLOAD, id="top", maxItems=1)
    assert payload["surplusArticleIds"] == [ids[1], draft, ids[0]]
    assert await collection_slugs(own_newsroom, "top", PUBLIC) == ["item-2"]
    await own_newsroom.mutate_ok("updateCollection", id="top", maxItems=None)
    assert await collection_slugs(own_newsroom, "top", PUBLIC) == ["item-2", "item-1", "item-0"]


async def test_max_items_limits_every_field(own_newsroom: EditorialClient) -> None:
    """Pages, totals, filters and media do not depend on articles beyond `maxItems`."""
    ids = await create_full_collection(own_newsroom, 4)
    picture = await own_newsroom.mutate_ok("createMedia", **PICTURE)
    items = [{"article": id} for id in ids[:3]] + [{"article": ids[3], "media": picture["id"]}]
    await own_newsroom.mutate_ok("updateCollection", id="top", items=items)
    query = """{
        collection(slug: "top") {
            all: articles { totalCount nodes { slug } }
            last: articles(last: 1) { edges { cursor node { slug } } pageInfo { hasPreviousPage } }
            newest: articles(first: 2, orderBy: [HEADLINE_DESC]) { totalCount nodes { slug } }
            items(filter: {article: {slug: {eq: "item-3"}}}) { article { slug } }
            one: articles(filter: {slug: {eq: "item-3"}}) { totalCount }
        }
        some: collections(filter: {articles: {some: {slug: {eq: "item-3"}}}}) { totalCount }
        none: collections(filter: {slug: {eq: "top"}, articles: {none: {slug: {eq: "item-3"}}}}) {
            totalCount
        }
        mediaItems { totalCount }
    }"""
    data = await own_newsroom.query(query)
    assert [node["slug"] for node in data["collection"]["newest"]["nodes"]] == ["item-3", "item-2"]
    assert (data["some"]["totalCount"], data["none"]["totalCount"]) == (1, 0)
    pictures = data["mediaItems"]["totalCount"]
    await own_newsroom.mutate_ok("updateCollection", id="top", maxItems=3)
    data = await own_newsroom.query(query)
    collection = data["collection"]
    assert collection["all"] == {
        "totalCount": 3,
        "nodes": [{"slug": "item-0"}, {"slug": "item-1"}, {"slug": "item-2"}],
    }
    assert [edge["node"]["slug"] for edge in collection["last"]["edges"]] == ["item-2"]
    assert collection["newest"] == {"totalCount": 3, "nodes": [{"slug": "item-2"}, {"slug": "item-1"}]}
    assert (collection["items"], collection["one"]) == ([], {"totalCount": 0})
    assert (data["some"]["totalCount"], data["none"]["totalCount"]) == (0, 1)
    assert data["mediaItems"]["totalCount"] == pictures - 1


async def test_cursors_of_hidden_and_surplus_items_start_at_the_beginning(
    own_newsroom: EditorialClient,
) -> None:
    """As a cursor at an article that is not in the collection does."""
    ids = await create_full_collection(own_newsroom, 4)
    query = """query($after: String) { collection(slug: "top") { articles(first: 1, after: $after) {
        edges { cursor node { slug } } pageInfo { hasPreviousPage } } } }"""
    cursors: list[str | None] = [None]
    for _ in ids:
        page = (await own_newsroom.query(query, after=cursors[-1]))["collection"]["articles"]
        cursors.append(page["edges"][0]["cursor"])
    await own_newsroom.mutate_ok("updateCollection", id="top", maxItems=3)
    await own_newsroom.mutate_ok("unpublishArticle", id=ids[1])
    pages = {}
    for n in (2, 4):  # at the hidden one, and at the one that another list would have
        pages[n] = await own_newsroom.query(query, after=cursors[n])
    items = [{"article": ids[0]}, {"article": ids[2]}]
    await own_newsroom.mutate_ok("updateCollection", id="top", items=items, maxItems=2)
    assert pages[2] == await own_newsroom.query(query, after=cursors[2])
    await own_newsroom.mutate_ok("updateCollection", id="top", items=[*items, {"article": ids[3]}])
    assert await own_newsroom.query(query, after=cursors[4]) == pages[2]


async def test_cached_collections_follow_the_times_of_pinned_articles(
    cached_newsroom: EditorialClient,
) -> None:
    """At the publication the last item leaves every cached response; when the pin ends, it is back."""
    ids = await create_full_collection(cached_newsroom)
    picture = await cached_newsroom.mutate_ok("createMedia", **PICTURE)
    items = [{"article": id} for id in ids[:2]] + [{"article": ids[2], "media": picture["id"]}]
    await cached_newsroom.mutate_ok("updateCollection", id="top", items=items)
    soon = await cached_newsroom.create_approved(headline="Soon")
    await cached_newsroom.mutate_ok("scheduleArticle", id=soon, publishAt="2026-06-30T09:00:00Z")
    await cached_newsroom.mutate_ok("pinArticle", id="top", article=soon, until="2026-06-30T10:00:00Z")
    queries = (
        SEEN.replace("query($s: String!)", "").replace("$s", '"top"'),
        '{ collection(slug: "top") { articles(filter: {slug: {eq: "item-2"}}) { nodes { slug } } } }',
        '{ collections(filter: {articles: {some: {slug: {eq: "item-2"}}}}) { totalCount } }',
        "{ mediaItems(first: 100) { nodes { id } } }",
        f'{{ media(id: "{picture["id"]}") {{ url }} }}',
    )
    full = [await cached_newsroom.query(query) for query in queries]
    assert [item["article"]["slug"] for item in full[0]["collection"]["items"]] == [
        "item-0", "item-1", "item-2",
    ]  # fmt: skip
    cached_newsroom.now += HOUR - SECOND
    assert [await cached_newsroom.query(query) for query in queries] == full
    cached_newsroom.now += SECOND
    fallen = [await cached_newsroom.query(query) for query in queries]
    assert [item["article"]["slug"] for item in fallen[0]["collection"]["items"]] == [
        "soon", "item-0", "item-1",
    ]  # fmt: skip
    for query, now, was in zip(queries, fallen, full, strict=True):
        assert now != was, query
    cached_newsroom.now += HOUR
    again = [await cached_newsroom.query(query) for query in queries]
    assert [item["article"]["slug"] for item in again[0]["collection"]["items"]] == [
        "item-0", "item-1", "item-2",
    ]  # fmt: skip
    assert again[1:] == full[1:]
    await cached_newsroom.mutate_ok("pinArticle", id="top", article=soon)
    assert [await cached_newsroom.query(query) for query in queries][1:] == fallen[1:]
    await cached_newsroom.mutate_ok("unpublishArticle", id=soon)
    assert [await cached_newsroom.query(query) for query in queries][1:] == full[1:]


async def test_dry_runs_return_the_surplus_articles(own_newsroom: EditorialClient) -> None:
    """So do repeated requests with an idempotency key."""
    ids = await create_full_collection(own_newsroom)
    draft = await own_newsroom.create_draft(headline="Draft")
    async with own_newsroom.unchanged():
        payload = await own_newsroom.mutate_ok(
            "pinArticle", selection=PAYLOAD, id="top", article=draft, validateOnly=True
        )
    assert payload["surplusArticleIds"] == [ids[2]]
    for selection in ("surplusArticleIds", "surplusArticleIds", PAYLOAD):
        payload = await own_newsroom.mutate_ok(
            "pinArticle", selection=selection, id="top", article=draft, idempotencyKey="once"
        )
        assert (payload if isinstance(payload, list) else payload["surplusArticleIds"]) == [ids[2]]


async def test_pin_positions_count_expired_pins_last(own_newsroom: EditorialClient) -> None:
    """Also when the stored position of an expired pin is lower."""
    ids = await create_full_collection(own_newsroom)
    await own_newsroom.mutate_ok("pinArticle", id="top", article=ids[1], until="2026-06-30T09:00:00Z")
    own_newsroom.now += dt.timedelta(hours=2)
    assert await collection_slugs(own_newsroom, "top") == ["item-0", "item-2", "item-1"]
    draft = await own_newsroom.create_published(headline="New")
    await own_newsroom.mutate_ok("pinArticle", id="top", article=draft, position=1)
    assert await collection_slugs(own_newsroom, "top") == ["item-0", "new", "item-2", "item-1"]
