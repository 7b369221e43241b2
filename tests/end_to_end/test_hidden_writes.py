"""Writes of hidden content change no public response over HTTP: bytes, headers, cache status, counts.

One server is compared before and after each kind of hidden write, and while scheduled times approach; then
two servers whose newsrooms differ only in hidden content.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest
from tests.conftest import Server
from tests.support.editorial_client import (
    ANNA,
    BOB,
    DAY,
    HOUR,
    ROOT,
    SECOND,
    EditorialClient,
    open_editorial_client,
)
from tests.support.http_client import make_client
from tests.support.noninterference import SECRET, open_database_pair

from contentql.app import build_executor
from contentql.content.blocks import Paragraph
from contentql.content.enums import Status
from contentql.content.import_item import ImportItem
from contentql.content.records import (
    ArticleRecord,
)
from contentql.importing.importer import import_records
from contentql.schema.build import get_schema
from contentql.settings import Settings
from contentql.store.database import Database
from contentql.store.models.attributions import Attribution

REQUEST_HEADERS = {"x-request-id", "server-timing", "date"}
PAGE = "totalCount edges { cursor node { id } } pageInfo { hasNextPage hasPreviousPage endCursor }"
ARTICLE = """{ id slug headline status version unpublishedChanges publishedAt updatedAt
    category { path } categories { path } tags { slug } authors { author { name image { url } } }
    leadMedia { url } media { position media { url } } story { slug title }
    attributions { id claim position source { slug } chain { id source { slug } } }
    related { totalCount nodes { slug headline } } translations { slug headline } corrections { text }
    body { text } }"""
LISTS = (
    "articles", "latestNews", "categories", "mediaItems", "attributions", "sources", "tags", "authors",
    "stories", "collections", "corrections",
)  # fmt: skip
REQUESTS = (
    *(f"{{ {name} {{ {PAGE} }} }}" for name in LISTS),
    *(f"{{ {name}(first: 2) {{ nodes {{ id }} }} }}" for name in LISTS),
    *(f"{{ {name} {{ totalCount }} }}" for name in LISTS),
    f"{{ articles {{ nodes {ARTICLE} }} }}",
    f'{{ article(slug: "item-0") {ARTICLE} }}',
    f'{{ article(slug: "{SECRET}") {ARTICLE} }}',
    f'{{ articles(search: "{SECRET} or item") {{ {PAGE} nodes {{ headline }} }} }}',
    '{ articles(filter: {translations: {some: {}}}) { totalCount } }',
    '{ articles(filter: {related: {none: {slug: {eq: "the-first"}}}}) { totalCount } }',
    '{ articles(filter: {tags: {every: {slug: {ne: "tears"}}}}, orderBy: [URGENCY_ASC]) { nodes { id } } }',
    '{ articles(filter: {source: {slug: {eq: "sky-news"}}}) { totalCount } }',
    '{ latestNews(section: "world", first: 2) { nodes { headline urgency } } }',
    '{ latestNews(section: "world/asia", exact: true, onePerStory: true) { totalCount nodes { id } } }',
    '{ category(path: "world/asia") { name articles(first: 2) { nodes { headline } } } }',
    '{ collection(slug: "top") { title items { headline pinnedUntil isPublic article { slug } } } }',
    '{ collection(slug: "top") { articles(first: 2) { totalCount edges { cursor node { slug } } } } }',
    '{ articleBundle(slug: "item-0") { version bytes expiresAt related { id } media { media { id } } } }',
    f'{{ articleBundle(slug: "{SECRET}") {{ version }} }}',
    '{ editionBundle(collection: "top") { version expiresAt sources { name } authors { id } } }',
    '{ editionBundle(collection: "top") { items { headline } media { media { id } } related { id } } }',
    '{ collections(filter: {articles: {some: {slug: {eq: "the-first"}}}}) { nodes { slug maxItems } } }',
    f'{{ collection(slug: "{SECRET}-page") {{ title items {{ headline }} }} }}',
    '{ tag(slug: "tears") { name articles { totalCount } broader { slug } } }',
    f'{{ tag(slug: "{SECRET}") {{ name }} author(slug: "{SECRET}") {{ name }} }}',
    f'{{ story(slug: "{SECRET}") {{ title }} source(slug: "{SECRET}") {{ name }} }}',
    '{ author(slug: "jane-doe") { name articles { totalCount } } }',
    '{ source(slug: "sky-news") { name attributions { totalCount } articles { totalCount } } }',
    '{ story(slug: "north-korea-russia") { title articles { totalCount } } }',
    '{ media(id: "med_301") { url alt articles { totalCount } } media302: media(id: "med_302") { url } }',
    '{ node(id: "art_701") { id } nodes(ids: ["art_701", "med_301", "tag_501", "col_801"]) { id } }',
    '{ attribution(id: "att_1") { id } withdrawal(slug: "item-0") { notice } }',
    '{ resolve(path: "/world/asia/item-0") { node { id } redirect { to } } site { name } }',
    f'{{ resolve(path: "/world/asia/{SECRET}") {{ node {{ id }} redirect {{ to }} gone {{ notice }} }} }}',
    "{ __schema { queryType { name } } viewer { role } }",
)  # fmt: skip

HiddenWrite = Callable[[EditorialClient, Mapping[str, Any]], Awaitable[None]]


def test_every_root_field_is_among_the_requests() -> None:
    """Except those that require a permission, and `changes`, which no cache stores."""
    query = get_schema()._schema.query_type
    assert query is not None
    fields = set(query.fields) - {"tokens", "auditLog", "deletedArticles", "redirects", "changes"}
    fields -= {"webhook", "webhooks"}
    assert {name for name in fields if not any(name in text for text in REQUESTS)} == set()


@asynccontextmanager
async def open_newsroom(server: Server) -> AsyncIterator[tuple[EditorialClient, Mapping[str, Any]]]:
    """A newsroom with a response cache, and the ids of public and hidden objects."""
    async with open_editorial_client(server, with_cache=True) as newsroom:
        shown = {"leadMedia": "med_301", "tags": [{"tag": "tears"}], "authors": [{"author": "jane-doe"}]}
        more = {"story": "north-korea-russia", "related": ["art_701"], **shown}
        ids = [await newsroom.create_published(headline=f"Item {n}", **more) for n in range(3)]
        chain = {"kind": "SAID", "source": "sky-news", "claim": "It rained."}
        await newsroom.mutate_ok("addAttribution", article=ids[0], **chain)
        await newsroom.republish(ids[0])
        items = [{"article": id} for id in ids]
        await newsroom.mutate_ok("createCollection", title="Top", maxItems=3, items=items)
        hidden = {
            "draft": await newsroom.create_draft(headline="A hidden draft"),
            "approved": await newsroom.create_approved(headline="A hidden one", edNote=SECRET),
            "tag": (await newsroom.mutate_ok("createTag", type="TOPIC", name="Unused"))["id"],
            "media": await create_picture(newsroom, "hidden"),
        }
        yield newsroom, {"items": ids, **hidden}


async def create_picture(newsroom: EditorialClient, name: str) -> str:
    url = f"https://media.example.org/{name}.jpg"
    media = await newsroom.mutate_ok("createMedia", kind="IMAGE", url=url, mime="image/jpeg", alt=name)
    return str(media["id"])


async def get_responses(http: httpx2.AsyncClient) -> dict[str, Any]:
    """Status, headers, body and cache hit of every request."""
    results = {}
    for query in REQUESTS:
        response = await http.get("/graphql", params={"query": query}, headers={"accept-encoding": ""})
        assert response.status_code == 200, response.text
        headers = {name: value for name, value in response.headers.items() if name not in REQUEST_HEADERS}
        hit = "cache;desc=hit" in response.headers["server-timing"]
        results[query] = response.status_code, headers, response.text, hit
    return results


# Hidden writes


async def create_draft(newsroom: EditorialClient, ids: Mapping[str, Any]) -> None:
    """With new taxonomy and media, related articles, and as a translation of a public article."""
    image = await create_picture(newsroom, "portrait")
    tag = await newsroom.mutate_ok("createTag", type="TOPIC", name=SECRET)
    author = await newsroom.mutate_ok("createAuthor", name=SECRET, image=image)
    story = await newsroom.mutate_ok("createStory", title=SECRET)
    source = await newsroom.mutate_ok("createSource", name=SECRET, kind="PERSON")
    fields = {
        "tags": [{"tag": tag["id"]}, {"tag": "tears"}],
        "authors": [{"author": author["id"]}, {"author": "jane-doe"}],
        "story": story["id"],
        "leadMedia": await create_picture(newsroom, SECRET),
        "media": [{"media": "med_302"}],
        "related": [ids["items"][0], "art_701"],
        "translationOf": ids["items"][1],
        "language": "de",
        "urgency": 1,
        "body": {"markdown": f"# Of {SECRET}\n\nThe item."},
    }
    draft = await newsroom.create_draft(BOB, headline=SECRET, slug=SECRET, **fields)
    await newsroom.mutate_ok("addAttribution", article=draft, kind="SAID", source=source["id"])
    await newsroom.mutate_ok("addAttribution", article=draft, kind="SAID", source="agency-1")


async def edit_and_approve_draft(newsroom: EditorialClient, ids: Mapping[str, Any]) -> None:
    tags = [{"tag": ids["tag"]}, {"tag": "PLACE:pyongyang"}]
    await newsroom.mutate_ok(
        "updateArticle", id=ids["draft"], headline=SECRET, tags=tags, leadMedia="med_302"
    )
    for move in ("submitArticle", "returnArticle", "submitArticle", "approveArticle"):
        await newsroom.mutate_ok(move, id=ids["draft"])


async def schedule_article(newsroom: EditorialClient, ids: Mapping[str, Any]) -> None:
    for at in ("2026-07-02T08:00:00Z", "2026-07-01T08:00:00Z"):
        await newsroom.mutate_ok("scheduleArticle", id=ids["approved"], publishAt=at)
    await newsroom.mutate_ok("unpublishArticle", id=ids["approved"])


async def change_working_copy(newsroom: EditorialClient, ids: Mapping[str, Any]) -> None:
    """Of a public article, in every field, until it is approved."""
    fields = {
        "headline": SECRET, "slug": f"{SECRET}-copy", "category": "politics", "urgency": 1,
        "tags": [{"tag": ids["tag"]}], "leadMedia": ids["media"], "authors": [], "story": None,
        "related": [ids["draft"]], "body": {"text": SECRET}, "embargoUntil": "2026-07-02T00:00:00Z",
        "edNote": SECRET, "language": "fr",
    }  # fmt: skip
    article = ids["items"][0]
    await newsroom.mutate_ok("updateArticle", id=article, **fields)
    await newsroom.mutate_ok("addAttribution", article=article, kind="SAID", source="agency-2", claim=SECRET)
    for move in ("submitArticle", "approveArticle"):
        await newsroom.mutate_ok(move, id=article)


async def pin_in_full_collection(newsroom: EditorialClient, ids: Mapping[str, Any]) -> None:
    for n, article in enumerate((ids["draft"], ids["approved"])):
        await newsroom.mutate_ok("pinArticle", id="top", article=article, position=n)
    await newsroom.mutate_ok("pinArticle", id="top", article=ids["draft"], until="2026-07-01T00:00:00Z")
    await newsroom.mutate_ok("pinArticle", id="top", article="art_701", position=99)


async def rewrite_collection(newsroom: EditorialClient, ids: Mapping[str, Any]) -> None:
    """With hidden items between the public ones, and a picture of an item beyond `maxItems`."""
    first, second, third = ({"article": id} for id in ids["items"])
    surplus = {"article": "art_701", "media": ids["media"], "headline": SECRET}
    hidden = {"article": ids["draft"], "media": "med_302", "headline": SECRET}
    items = [first, hidden, second, third, surplus]
    await newsroom.mutate_ok("updateCollection", id="top", items=items)
    await newsroom.mutate_ok("updateCollection", id="top", items=[hidden, first, second, third])


async def write_hidden_collection(newsroom: EditorialClient, ids: Mapping[str, Any]) -> None:
    items = [{"article": ids["draft"], "media": ids["media"]}]
    made = await newsroom.mutate_ok("createCollection", title=f"{SECRET} page", items=items, maxItems=1)
    await newsroom.mutate_ok("updateCollection", id=made["id"], title=f"{SECRET} pages", maxItems=5)
    await newsroom.mutate_ok("deleteCollection", id=made["id"])


async def change_unused_taxonomy(newsroom: EditorialClient, ids: Mapping[str, Any]) -> None:
    await newsroom.mutate_ok("updateTag", id=ids["tag"], name="Tears too", broader="TOPIC:tears")
    await newsroom.mutate_ok("updateMedia", id=ids["media"], alt="Item", expiresAt="2026-06-30T08:00:09Z")
    author = await newsroom.mutate_ok("createAuthor", name="Item", image=ids["media"])
    await newsroom.mutate_ok("updateAuthor", id=author["id"], image="med_302")
    await newsroom.mutate_ok("deleteAuthor", id=author["id"])
    await newsroom.mutate_ok("deleteTag", id=ids["tag"])
    await newsroom.mutate_ok("deleteMedia", id=ids["media"])
    story = await newsroom.mutate_ok("createStory", title="Item")
    await newsroom.mutate_ok("deleteStory", id=story["id"])
    await newsroom.mutate_ok("mergeSources", into="agency-3", sources=["agency-4"])
    await newsroom.mutate_ok("deleteSource", id="agency-3")


async def delete_and_restore_draft(newsroom: EditorialClient, ids: Mapping[str, Any]) -> None:
    await newsroom.mutate_ok("archiveArticle", id=ids["draft"])
    await newsroom.mutate_ok("restoreArticle", id=ids["draft"])
    await newsroom.mutate_ok("deleteArticle", id=ids["draft"])
    await newsroom.mutate_ok("restoreArticle", id=ids["draft"])
    await newsroom.mutate_ok("restoreRevision", id=ids["draft"], version=1)


async def create_tokens_and_links(newsroom: EditorialClient, ids: Mapping[str, Any]) -> None:
    """And mutations that are rejected, dry runs and repeated."""
    made = await newsroom.mutate_ok("createToken", ROOT, name=SECRET, role="EDITOR")
    await newsroom.mutate_ok("revokeToken", ROOT, id=made["token"]["id"])
    await newsroom.mutate_ok("createPreviewLink", id=ids["draft"])
    await newsroom.mutate_ok("updateArticle", id=ids["items"][0], headline=SECRET, validateOnly=True)
    await newsroom.mutate_codes("publishArticle", id=ids["draft"])
    for _ in range(2):
        fields = {"headline": SECRET, "idempotencyKey": "once", "category": "world"}
        await newsroom.mutate_ok("createArticle", ANNA, selection="article { id }", **fields)


async def write_hidden_columns(newsroom: EditorialClient, ids: Mapping[str, Any]) -> None:
    """By SQL: internal fields and suggestions of a public article, and times of hidden rows."""
    public, draft = (id.removeprefix("art_") for id in (ids["items"][0], ids["draft"]))
    async with Database(newsroom.url).orm() as connection:
        await Attribution.create(
            id=99_001,
            article_id=int(public),
            source_id=211,
            kind="SAID",
            claim=SECRET,
            state="SUGGESTED",
            verification="UNVERIFIED",
            head_id=99_001,
            hop=0,
            position=7,
        )
        for statement in (
            f"UPDATE article SET ed_note = '{SECRET}', owner = 'zoe' WHERE id = {public}",
            "UPDATE attribution SET claim = 'Perhaps', position = 8 WHERE id = 99001",
            f"UPDATE article SET embargo_until = '2026-06-30T08:00:09Z' WHERE id = {draft}",
            f"UPDATE article SET translation_group = {public} WHERE id = {draft}",
            "UPDATE media SET expires_at = '2026-06-30T08:00:09Z' WHERE id = 302",
        ):
            await connection.execute_query(statement)


async def import_drafts(newsroom: EditorialClient, ids: Mapping[str, Any]) -> None:
    """Many at once, one of them with a slug that the requests ask for."""
    records = [
        ArticleRecord(
            id=600_000 + n,
            slug=SECRET if not n else f"{SECRET}-{n}",
            language="en",
            headline=f"Item {SECRET} {n}",
            status=(Status.DRAFT, Status.SCHEDULED)[n % 2],
            published_at=newsroom.now + 2 * DAY,
            first_published_at=newsroom.now + 2 * DAY,
            category="world/asia",
            blocks=(Paragraph(id=f"blk_{n}", text="The item."),),
            lead_media=302,
            story="north-korea-russia",
        )
        for n in range(60)
    ]
    report = await import_records(
        Database(newsroom.url),
        [ImportItem(str(n), record) for n, record in enumerate(records)],
        now=newsroom.now,
    )
    assert {outcome.result for outcome in report.outcomes} == {"created"}


HIDDEN_WRITES: tuple[HiddenWrite, ...] = (
    create_draft,
    edit_and_approve_draft,
    schedule_article,
    change_working_copy,
    pin_in_full_collection,
    rewrite_collection,
    write_hidden_collection,
    change_unused_taxonomy,
    delete_and_restore_draft,
    create_tokens_and_links,
    write_hidden_columns,
    import_drafts,
)


@pytest.mark.parametrize("write", HIDDEN_WRITES, ids=lambda write: write.__name__)
async def test_hidden_writes_change_no_response(server: Server, write: HiddenWrite) -> None:
    """Every response is still a cache hit with the same bytes and headers, and equals an uncached one."""
    async with open_newsroom(server) as (newsroom, ids), make_client(newsroom.executor) as http:
        cache = newsroom.executor.responses
        assert cache is not None
        await get_responses(http)
        before = await get_responses(http)
        assert all(hit for *_, hit in before.values()), [q for q, (*_, hit) in before.items() if not hit]
        await write(newsroom, ids)
        await cache.apply_pending_changes()
        after = await get_responses(http)
        for query, expected in before.items():
            assert after[query] == expected, query
        fresh = build_executor(Settings(response_cache_bytes=0, max_root_fields=50), newsroom.database)
        fresh.now = newsroom.executor.now
        async with make_client(fresh) as uncached:
            for query, (status, headers, body, _) in (await get_responses(uncached)).items():
                # Without a response cache, responses have no row markers and so no tags of rows.
                for tags in ("cache-tag", "surrogate-key"):
                    headers.pop(tags, None)
                    before[query][1].pop(tags, None)
                assert (status, headers, body) == before[query][:3], query


@pytest.mark.parametrize("write", HIDDEN_WRITES, ids=lambda write: write.__name__)
async def test_hidden_writes_change_no_sync_response(server: Server, write: HiddenWrite) -> None:
    """A poll of the changes has the same bytes, until a public write comes."""
    async with open_newsroom(server) as (newsroom, ids):
        query = "query ($t: String) { changes(since: $t, first: 50) { changes { id } nextToken hasMore } }"

        async def poll(token: str | None) -> Any:
            return (await newsroom.query(query, t=token))["changes"]

        token = (await poll(None))["nextToken"]
        idle = await poll(token)
        assert idle == {"changes": [], "nextToken": token, "hasMore": False}
        await write(newsroom, ids)
        assert await poll(token) == idle
        for _ in range(3):
            newsroom.now += dt.timedelta(seconds=20)
            assert await poll(token) == idle
        await newsroom.create_published()
        assert len((await poll(token))["changes"]) == 1


async def test_public_writes_change_responses(server: Server) -> None:
    """The comparison detects them: publishing a pinned article changes the collection's responses."""
    async with open_newsroom(server) as (newsroom, ids), make_client(newsroom.executor) as http:
        await newsroom.mutate_ok("pinArticle", id="top", article=ids["approved"])
        await get_responses(http)
        before = await get_responses(http)
        await newsroom.mutate_ok("publishArticle", id=ids["approved"])
        after = await get_responses(http)
        changed = {query for query in REQUESTS if after[query] != before[query]}
        assert {query for query in REQUESTS if "articles" in query and "latestNews" not in query} & changed
        assert not {query for query in REQUESTS if 'collection(slug: "top")' in query} - changed
        assert {query for query in REQUESTS if "__schema" in query}.isdisjoint(changed)


async def test_headers_do_not_depend_on_scheduled_times(server: Server) -> None:
    """Responses stay equal until the last second, and change at the publication."""
    async with open_newsroom(server) as (newsroom, ids), make_client(newsroom.executor) as http:
        start = newsroom.now
        await newsroom.mutate_ok("scheduleArticle", id=ids["approved"], publishAt="2026-06-30T08:01:37Z")
        await newsroom.mutate_ok(
            "pinArticle", id="top", article=ids["approved"], until="2026-06-30T08:00:50Z"
        )
        await newsroom.mutate_ok("updateArticle", id=ids["draft"], embargoUntil="2026-06-30T08:00:20Z")
        await get_responses(http)
        before = await get_responses(http)
        for seconds in (1, 9, 19.999, 20, 49, 50, 51, 88, 96, 96.999):
            newsroom.now = start + dt.timedelta(seconds=seconds)
            after = await get_responses(http)
            for query, expected in before.items():
                assert after[query] == expected, (query, seconds)
        newsroom.now = start + 97 * SECOND
        latest = '{ articles(filter: {slug: {eq: "a-hidden-one"}}) { totalCount } }'
        assert (await newsroom.query(latest))["articles"]["totalCount"] == 1
        after = await get_responses(http)
        changed = [query for query in REQUESTS if after[query][2] != before[query][2]]
        assert f"{{ articles {{ {PAGE} }} }}" in changed
        assert all(
            after[query][1]["cache-control"] == before[query][1]["cache-control"] for query in REQUESTS
        )


async def test_expiry_before_an_unpublication_invalidates_responses(server: Server) -> None:
    """Also if no request came between the two."""
    async with open_newsroom(server) as (newsroom, _):
        query = '{ articles(filter: {slug: {eq: "brief"}}) { nodes { slug } } }'
        newsroom.now += HOUR
        brief = await newsroom.create_published(headline="Brief", expiresAt="2026-06-30T10:00:00Z")
        assert (await newsroom.query(query))["articles"]["nodes"] == [{"slug": "brief"}]
        newsroom.now += 2 * HOUR
        await newsroom.mutate_ok("unpublishArticle", id=brief)
        assert (await newsroom.query(query))["articles"]["nodes"] == []


async def test_new_articles_and_media_expire_at_their_time(server: Server) -> None:
    """Also if nothing else became visible or expired in the meantime."""
    async with open_newsroom(server) as (newsroom, _):
        queries = (
            '{ articles(filter: {slug: {eq: "brief"}}) { totalCount } }',
            "{ mediaItems { totalCount } }",
        )
        was = [await newsroom.query(query) for query in queries]
        newsroom.now += HOUR
        await newsroom.mutate_ok(
            "updateMedia", id="med_302", alt="A bridge", expiresAt="2026-06-30T10:00:00Z"
        )
        more = {"leadMedia": "med_302", "expiresAt": "2026-06-30T11:00:00Z"}
        await newsroom.create_published(headline="Brief", **more)
        shown = [await newsroom.query(query) for query in queries]
        assert all(now != before for now, before in zip(shown, was, strict=True))
        newsroom.now += HOUR
        assert [await newsroom.query(query) for query in queries] == [shown[0], was[1]]
        newsroom.now += HOUR
        assert [await newsroom.query(query) for query in queries] == was


@pytest.mark.slow
@pytest.mark.parametrize("seed", [5, 23])
async def test_newsrooms_with_different_hidden_content_respond_equally(server: Server, seed: int) -> None:
    """Compares status, headers, bytes and cache statistics, by GET and HEAD, uncached and cached."""
    async with open_database_pair(server, "outside", seed) as pair:
        sent = []
        for executor in (pair.visible_only, pair.everything):
            cached = build_executor(Settings(max_root_fields=50), executor.database)
            cached.now = executor.now
            assert cached.responses is not None
            await cached.responses.open()
            async with make_client(cached) as http:
                results = [await get_responses(http) for _ in range(2)]
                for query in REQUESTS:
                    tag = results[0][query][1].get("etag", "*")
                    response = await http.request(
                        "HEAD", "/graphql", params={"query": query}, headers={"if-none-match": tag}
                    )
                    results.append({query: (response.status_code, dict(response.headers))})
                    for name in REQUEST_HEADERS:
                        results[-1][query][1].pop(name, None)
            counts = cached.responses.counts
            sent.append((results, counts.hits, counts.misses, counts.purged))
            await cached.responses.close()
        assert sent[0] == sent[1]
