"""Feeds, sitemaps, robots.txt and documents of articles at paths of the reader's site."""

from __future__ import annotations

import datetime as dt
import gzip
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from io import BytesIO
from typing import Any
from xml.etree import ElementTree

import feedparser  # type: ignore[import-untyped]
import httpx2
import pytest
from tests.conftest import NOW, Server
from tests.support.editorial_client import DAY, HOUR, SECOND, EditorialClient, open_editorial_client
from tests.support.http_client import make_endpoint

from contentql.app import feed_endpoint
from contentql.settings import Settings

SITE: dict[str, Any] = {
    "site_url": "https://news.example.org",
    "site_name": "The Times & <Co>",
    "site_languages": "en",
}
FORMATS = ("rss", "atom", "json")
# Pages of the small newsroom that an article of `publish` is on.
PAGES = (
    "",
    "/world",
    "/world/asia",
    "/tags/pyongyang",
    "/authors/jane-doe",
    "/sources/sky-news",
    "/stories/north-korea-russia",
    "/collections/front-page",
)
SITEMAP = "{http://www.sitemaps.org/schemas/sitemap/0.9}"
NEWS = "{http://www.google.com/schemas/sitemap-news/0.9}"
ATOM = "{http://www.w3.org/2005/Atom}"
TOMBSTONE = "{http://purl.org/atompub/tombstones/1.0}deleted-entry"


@asynccontextmanager
async def open_site(
    server: Server, **values: Any
) -> AsyncIterator[tuple[EditorialClient, httpx2.AsyncClient]]:
    """A newsroom with a response cache, and an HTTP client of the paths of its site."""
    async with (
        open_editorial_client(server, with_cache=True, **SITE) as newsroom,
        client_of(newsroom, **values) as http,
    ):
        yield newsroom, http


def client_of(newsroom: EditorialClient, address: str = "127.0.0.1", **values: Any) -> httpx2.AsyncClient:
    settings = Settings(**{**SITE, **values})
    endpoint = feed_endpoint(make_endpoint(newsroom.executor, **{**SITE, **values}), settings)
    return httpx2.AsyncClient(
        transport=httpx2.ASGITransport(endpoint, client=(address, 123)),
        base_url="http://cms.test",
        headers={"accept-encoding": "identity"},
    )


@pytest.fixture
async def site(server: Server) -> AsyncIterator[tuple[EditorialClient, httpx2.AsyncClient]]:
    async with open_site(server) as result:
        yield result


async def prepare(newsroom: EditorialClient, **input: Any) -> str:
    """The id of an approved article that is on all PAGES once it is published."""
    id = await newsroom.create_draft(
        **{
            "tags": [{"tag": "tag_501"}],
            "authors": [{"author": "aut_401"}],
            "story": "sto_601",
            "leadMedia": "med_301",
            **input,
        }
    )
    await newsroom.mutate_ok("addAttribution", article=id, kind="ACCORDING_TO", source="sky-news")
    await newsroom.mutate_ok("pinArticle", id="col_801", article=id, position=0)
    for transition in ("submitArticle", "approveArticle"):
        await newsroom.mutate_ok(transition, id=id)
    return id


async def publish(newsroom: EditorialClient, **input: Any) -> str:
    id = await prepare(newsroom, **input)
    await newsroom.mutate_ok("publishArticle", id=id)
    return id


def parse(response: httpx2.Response) -> Any:
    """The feed as feedparser reads it, or the JSON Feed in the same shape."""
    assert response.status_code == 200, response.text
    if "json" in response.headers["content-type"]:
        return response.json()
    feed = feedparser.parse(BytesIO(response.content))
    assert not feed.bozo, feed.bozo_exception
    return feed


def ids_of(response: httpx2.Response) -> list[str]:
    feed = parse(response)
    return [item["id"] for item in feed.get("items") or feed["entries"]]


@pytest.mark.parametrize("format", FORMATS)
async def test_each_page_has_feeds(site: tuple[EditorialClient, httpx2.AsyncClient], format: str) -> None:
    """The site, sections with those below them, tags, authors, sources, stories and collections."""
    newsroom, http = site
    id = await publish(newsroom, headline="Kim & <the coffin>", summary="He ]]> wept.")
    uri = f"urn:contentql:article:{id.removeprefix('art_')}"
    for page in PAGES:
        response = await http.get(f"{page}/feed.{format}")
        assert uri in ids_of(response), page
    feed = parse(await http.get(f"/world/asia/feed.{format}"))
    url = "https://news.example.org/world/asia"
    if format == "json":
        assert feed["version"] == "https://jsonfeed.org/version/1.1"
        assert (feed["title"], feed["home_page_url"]) == ("Asia – The Times & <Co>", url)
        assert feed["feed_url"] == f"{url}/feed.json"
        (item,) = feed["items"]
        assert item["title"] == "Kim & <the coffin>"
        assert item["url"] == f"{url}/kim-the-coffin"
        assert item["authors"] == [{"name": "Jane Doe", "url": "https://news.example.org/authors/jane-doe"}]
        assert item["image"] == "https://media.example.org/a.jpg"
        assert item["date_published"] == "2026-06-30T08:00:00Z"
        return
    sections = {"rss": {"World/Asia"}, "atom": {"World", "Asia"}}[format]
    assert feed.version == {"rss": "rss20", "atom": "atom10"}[format]
    assert (feed.feed.title, feed.feed.link) == ("Asia – The Times & <Co>", url)
    (entry,) = feed.entries
    assert entry.link == f"{url}/kim-the-coffin"
    assert entry.author == "Jane Doe"
    assert entry.summary == "He ]]> wept."
    assert "<p" in entry.content[0].value
    assert entry.media_content[0]["url"] == "https://media.example.org/a.jpg"
    assert entry.published_parsed[:6] == (2026, 6, 30, 8, 0, 0)
    assert {tag.label or tag.term for tag in entry.tags} == sections | {"Pyongyang"}


async def test_ids_stay_when_slugs_change(site: tuple[EditorialClient, httpx2.AsyncClient]) -> None:
    """Items keep their id and get the new link; former paths of pages redirect as `resolve` does."""
    newsroom, http = site
    id = await publish(newsroom, slug="old-name")
    before = {format: ids_of(await http.get(f"/feed.{format}")) for format in FORMATS}
    await newsroom.mutate_ok("updateArticle", id=id, slug="new-name")
    await newsroom.republish(id)
    await newsroom.mutate_ok("updateCategory", id="cat_102", slug="far-east")
    for format in FORMATS:
        assert ids_of(await http.get(f"/feed.{format}")) == before[format]
        assert b"/world/far-east/new-name" in (await http.get(f"/feed.{format}")).content
    for path, target in {
        "/world/asia/feed.rss": "/world/far-east/feed.rss",
        "/world/asia/old-name.md": "/world/far-east/new-name.md",
        "/world/asia/old-name.jsonld": "/world/far-east/new-name.jsonld",
    }.items():
        response = await http.get(path)
        assert (response.status_code, response.headers["location"]) == (301, target), path
    response = await http.get("/world/asia/old-name", headers={"accept": "text/markdown"})
    assert (response.status_code, response.headers["location"]) == (301, "/world/far-east/new-name")


async def hide_draft(newsroom: EditorialClient) -> str:
    return await newsroom.create_draft(headline="Hidden one")


async def hide_scheduled(newsroom: EditorialClient) -> str:
    id = await prepare(newsroom, headline="Hidden one")
    await newsroom.mutate_ok("scheduleArticle", id=id, publishAt=(NOW + HOUR).isoformat())
    return id


async def hide_embargoed(newsroom: EditorialClient) -> str:
    return await prepare(newsroom, headline="Hidden one", embargoUntil=(NOW + DAY).isoformat())


@pytest.mark.parametrize("hide", [hide_draft, hide_scheduled, hide_embargoed])
async def test_what_was_never_public_is_nowhere(server: Server, hide: Any) -> None:
    """No document changes when an article is written, and its own paths are as those of nothing."""
    async with open_site(server) as (newsroom, http):
        paths = [
            *(f"{page}/feed.{format}" for page in PAGES for format in FORMATS),
            *("/sitemap.xml", "/news-sitemap.xml", "/sitemaps/2026-06.xml", "/sitemaps/2026-05.xml"),
        ]
        before = {path: await http.get(path) for path in paths}
        await hide(newsroom)
        for path in paths:
            after = await http.get(path)
            assert (after.status_code, after.content) == (before[path].status_code, before[path].content)
            assert after.headers.get("etag") == before[path].headers.get("etag"), path
        for suffix in (".md", ".jsonld", "/feed.rss", "/feed.atom"):
            hidden = await http.get(f"/world/asia/hidden-one{suffix}")
            nothing = await http.get(f"/world/asia/nothing{suffix}")
            assert (hidden.status_code, hidden.content) == (404, nothing.content) == (404, b"Not Found")
            assert without_id(hidden) == without_id(nothing)
        for accept in ("text/markdown", "application/ld+json"):
            hidden = await http.get("/world/asia/hidden-one", headers={"accept": accept})
            assert hidden.status_code == 404


def without_id(response: httpx2.Response) -> dict[str, str]:
    return {name: value for name, value in response.headers.items() if name != "x-request-id"}


async def test_scheduled_article_appears_at_its_second_and_expires(
    site: tuple[EditorialClient, httpx2.AsyncClient],
) -> None:
    newsroom, http = site
    at, end = NOW + HOUR, NOW + 2 * HOUR
    id = await prepare(newsroom, headline="By the clock", expiresAt=end.isoformat())
    await newsroom.mutate_ok("scheduleArticle", id=id, publishAt=at.isoformat())
    shown = []
    for now in (NOW, at - SECOND, at, end - SECOND, end):
        newsroom.now = now
        shown.append(b"By the clock" in (await http.get("/world/asia/feed.rss")).content)
    assert shown == [False, False, True, True, False]
    atom = ElementTree.fromstring((await http.get("/world/asia/feed.atom")).content)
    (tombstone,) = atom.findall(TOMBSTONE)
    assert tombstone.get("when") == "2026-06-30T10:00:00Z"


@pytest.mark.parametrize(
    "mutation", ["unpublishArticle", "withdrawArticle", "deleteArticle", "archiveArticle"]
)
async def test_removed_article_has_a_tombstone(
    site: tuple[EditorialClient, httpx2.AsyncClient], mutation: str
) -> None:
    """It is in no feed from then on; the Atom feeds that it was in name its id and time for some days."""
    newsroom, http = site
    newsroom.now = dt.datetime.now(dt.UTC)  # the article log has the times of the database
    await publish(newsroom)  # so that all pages stay
    id = await publish(newsroom, headline="To be removed")
    draft = await newsroom.create_draft(headline="Never public")
    await http.get("/feed.atom")
    input = {"notice": "It was wrong."} if mutation == "withdrawArticle" else {}
    await newsroom.mutate_ok(mutation, id=id, **input)
    await newsroom.mutate_ok("deleteArticle", id=draft)
    uri = f"urn:contentql:article:{id.removeprefix('art_')}"
    for page in PAGES:
        for format in FORMATS:
            response = await http.get(f"{page}/feed.{format}")
            assert b"To be removed" not in response.content
        (tombstone,) = ElementTree.fromstring((await http.get(f"{page}/feed.atom")).content).findall(
            TOMBSTONE
        )
        assert tombstone.get("ref") == uri, page
        when = dt.datetime.fromisoformat(tombstone.get("when") or "")
        assert abs(when - newsroom.now) < HOUR
    politics = await http.get("/politics/feed.atom")
    assert b"deleted-entry" not in politics.content
    newsroom.now += 8 * DAY
    assert b"deleted-entry" not in (await http.get("/feed.atom")).content


async def test_withdrawn_article_is_gone_with_its_notice(
    site: tuple[EditorialClient, httpx2.AsyncClient],
) -> None:
    newsroom, http = site
    id = await publish(newsroom, slug="wrong")
    await newsroom.mutate_ok("withdrawArticle", id=id, notice="This report was wrong.")
    response = await http.get("/world/asia/wrong.md")
    assert (response.status_code, response.text) == (410, "This report was wrong.")


@pytest.mark.parametrize("format", FORMATS)
async def test_etag_changes_with_what_the_feed_shows(
    site: tuple[EditorialClient, httpx2.AsyncClient], format: str
) -> None:
    """304 until something in the feed changes, also a name; changes elsewhere leave the response cached."""
    newsroom, http = site
    await publish(newsroom)
    path, tags = f"/world/asia/feed.{format}", []

    async def etag() -> str:
        response = await http.get(path)
        same = await http.get(path, headers={"if-none-match": response.headers["etag"]})
        assert (same.status_code, same.content) == (304, b"")
        assert same.headers["etag"] == response.headers["etag"]
        tags.append(response.headers["etag"])
        return tags[-1]

    first = await etag()
    responses = newsroom.executor.responses
    assert responses is not None
    misses = responses.counts.misses
    await newsroom.create_published(category="politics")
    assert await etag() == first
    assert responses.counts.misses == misses
    await newsroom.mutate_ok("updateTag", id="tag_501", name="The capital")
    await etag()
    await publish(newsroom)
    await etag()
    assert len(set(tags)) == 3
    response = await http.get(path)
    assert response.headers["cache-control"] == "public, max-age=0, must-revalidate"
    assert "any-art" in response.headers["cache-tag"] or "art_" in response.headers["cache-tag"]
    assert response.headers["last-modified"] == "Tue, 30 Jun 2026 08:00:00 GMT"


async def test_head_compression_and_cors(site: tuple[EditorialClient, httpx2.AsyncClient]) -> None:
    newsroom, http = site
    await publish(newsroom)
    plain = await http.get("/feed.json")
    async with http.stream("GET", "/feed.json", headers={"accept-encoding": "gzip"}) as response:
        raw = b"".join([chunk async for chunk in response.aiter_raw()])
    assert response.headers["content-encoding"] == "gzip"
    assert gzip.decompress(raw) == plain.content
    assert response.headers["etag"] != plain.headers["etag"]
    assert plain.headers["vary"] == "Accept-Encoding"
    assert plain.headers["access-control-allow-origin"] == "*"
    head = await http.head("/feed.json")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(len(plain.content))
    assert (await http.options("/feed.json")).status_code == 204
    refused = await http.post("/feed.json")
    assert (refused.status_code, refused.headers["allow"]) == (405, "GET, HEAD, OPTIONS")


async def test_article_has_documents_by_its_path(site: tuple[EditorialClient, httpx2.AsyncClient]) -> None:
    """Markdown and JSON-LD by suffix or by Accept; a browser gets neither."""
    newsroom, http = site
    id = await publish(newsroom, slug="kim", headline='Kim: "wept"', access="SUBSCRIBER")
    for accept, suffix in {"text/markdown": ".md", "application/ld+json": ".jsonld"}.items():
        by_suffix = await http.get(f"/world/asia/kim{suffix}")
        by_accept = await http.get("/world/asia/kim", headers={"accept": f"{accept}, text/html;q=0.9"})
        assert by_accept.content == by_suffix.content
        assert by_accept.headers["content-type"] == f"{accept}; charset=utf-8"
        assert by_accept.headers["vary"] == "Accept, Accept-Encoding"
    markdown = (await http.get("/world/asia/kim.md")).text
    assert markdown.startswith('---\ntitle: "Kim: \\"wept\\""\nslug: "kim"\n')
    assert "Kim wept before a coffin on Monday." in markdown
    ld = (await http.get("/world/asia/kim.jsonld")).json()
    data = await newsroom.query("query($id: ID!) { article(id: $id) { jsonLd } }", id=id)
    assert ld == data["article"]["jsonLd"]
    assert (ld["@type"], ld["isAccessibleForFree"]) == ("NewsArticle", False)
    assert "articleBody" not in ld
    assert [work["name"] for work in ld["citation"]] == ["Sky News"]
    for accept in ("text/html", "*/*", "text/html, text/markdown;q=0.5"):
        assert (await http.get("/world/asia/kim", headers={"accept": accept})).status_code == 404


async def test_news_sitemap_has_two_days(site: tuple[EditorialClient, httpx2.AsyncClient]) -> None:
    """Addresses, publication, language, time and title of what was published; empty if nothing was."""
    newsroom, http = site
    empty = ElementTree.fromstring((await http.get("/news-sitemap.xml")).content)
    assert (empty.tag, list(empty)) == (f"{SITEMAP}urlset", [])
    await publish(newsroom, slug="kim", headline="Kim <wept>", language="pt-BR")
    newsroom.now += DAY
    await publish(newsroom, slug="later", language="zh-Hant")
    response = await http.get("/news-sitemap.xml")
    urls = ElementTree.fromstring(response.content).findall(f"{SITEMAP}url")
    assert [url.findtext(f"{SITEMAP}loc") for url in urls] == [
        "https://news.example.org/world/asia/later",
        "https://news.example.org/world/asia/kim",
    ]
    news = urls[1].find(f"{NEWS}news")
    assert news is not None
    publication = news.find(f"{NEWS}publication")
    assert publication is not None
    assert [child.text for child in publication] == ["The Times & <Co>", "pt"]
    assert news.findtext(f"{NEWS}publication_date") == "2026-06-30T08:00:00Z"
    assert news.findtext(f"{NEWS}title") == "Kim <wept>"
    assert [child.tag for child in news] == [
        f"{NEWS}publication", f"{NEWS}publication_date", f"{NEWS}title",
    ]  # fmt: skip
    newsroom.now += DAY + dt.timedelta(minutes=1)
    left = ElementTree.fromstring((await http.get("/news-sitemap.xml")).content)
    assert len(left) == 1


async def test_sitemap_index_names_the_months_with_articles(
    site: tuple[EditorialClient, httpx2.AsyncClient],
) -> None:
    newsroom, http = site
    await publish(newsroom, slug="kim")
    index = ElementTree.fromstring((await http.get("/sitemap.xml")).content)
    addresses = [sitemap.findtext(f"{SITEMAP}loc") or "" for sitemap in index]
    assert addresses == [
        "https://news.example.org/sitemaps/2026-05.xml",
        "https://news.example.org/sitemaps/2026-06.xml",
    ]
    pages = []
    for address in addresses:
        response = await http.get(address.removeprefix("https://news.example.org"))
        sitemap = ElementTree.fromstring(response.content)
        pages += [url.findtext(f"{SITEMAP}loc") for url in sitemap]
    assert pages == ["https://news.example.org/politics/the-first", "https://news.example.org/world/asia/kim"]
    by_day = await http.get("/sitemaps/2026-06-30.xml")
    assert b"/world/asia/kim<" in by_day.content
    for name in ("2026-07", "2026-13", "0000-01", "2026-06.2", "2026-06.11", "2026-02-30", "x"):
        assert (await http.get(f"/sitemaps/{name}.xml")).status_code == 404, name
    robots = await http.get("/robots.txt")
    assert "Sitemap: https://news.example.org/sitemap.xml\n" in robots.text
    assert robots.headers["content-type"] == "text/plain; charset=utf-8"


async def test_settings_of_feeds(server: Server) -> None:
    """The number of items, and the list of sources at the end of each text."""
    async with open_site(server, feed_items=1, feed_sources=True) as (newsroom, http):
        await publish(newsroom)
        await publish(newsroom)
        for format in FORMATS:
            response = await http.get(f"/world/asia/feed.{format}")
            assert len(ids_of(response)) == 1
            assert "Sky News" in response.text
            assert "Sources" in response.text
        async with client_of(newsroom) as other:
            response = await other.get("/world/asia/feed.rss")
            assert len(ids_of(response)) == 2
            assert "Sources" not in response.text


async def test_paths_follow_the_patterns_of_the_site(server: Server) -> None:
    patterns = {"article": "/{language}/a/{id}", "category": "/rubrik/{path}", "tag": ""}
    async with (
        open_editorial_client(server, **SITE, url_patterns=patterns) as newsroom,
        client_of(newsroom, url_patterns=patterns) as http,
    ):
        id = await publish(newsroom)
        assert len(ids_of(await http.get("/rubrik/world/asia/feed.atom"))) == 1
        assert (await http.get("/world/asia/feed.atom")).status_code == 404
        assert (await http.get("/tags/pyongyang/feed.atom")).status_code == 404
        assert (await http.get(f"/en/a/{id}.md")).status_code == 200


async def test_body_has_its_pictures_and_absolute_links(
    site: tuple[EditorialClient, httpx2.AsyncClient],
) -> None:
    newsroom, http = site
    await publish(
        newsroom,
        body={"markdown": "See [the first](/politics/the-first).\n\n![The &lt;ceremony&gt;](med_301)"},
    )
    html = parse(await http.get("/world/asia/feed.json"))["items"][0]["content_html"]
    assert 'href="https://news.example.org/politics/the-first"' in html
    assert '<img src="https://media.example.org/a.jpg" alt="A coffin"' in html
    assert "<figcaption>The &lt;ceremony&gt;</figcaption>" in html
    assert "data-media" not in html


async def test_rate_limit_applies(site: tuple[EditorialClient, httpx2.AsyncClient]) -> None:
    newsroom, _ = site
    async with client_of(newsroom, address="203.0.113.9", rate_limit_cost_per_minute=3) as http:
        statuses = [(await http.get("/robots.txt")).status_code for _ in range(5)]
    assert statuses == [200, 200, 200, 429, 429]


@pytest.mark.parametrize("text", ["emoji 🗞️", "שלום RTL \u202e", "]]></content:encoded>", "a &amp; <b>'\""])
async def test_texts_survive_in_all_formats(
    site: tuple[EditorialClient, httpx2.AsyncClient], text: str
) -> None:
    """Whatever the API stored as a headline is what every reader of the feed gets."""
    newsroom, http = site
    id = await publish(newsroom, slug="nasty", headline=text, body={"text": f"First {text}\nSecond"})
    data = await newsroom.query("query($id: ID!) { article(id: $id) { headline } }", id=id)
    headline = data["article"]["headline"]
    for format, path in (("rss", "channel/item/title"), ("atom", f"{ATOM}entry/{ATOM}title")):
        root = ElementTree.fromstring((await http.get(f"/world/asia/feed.{format}")).content)
        assert re.sub("[\x7f-\x9f]", "", headline) == root.findtext(path)
    assert (await http.get("/world/asia/feed.json")).json()["items"][0]["title"] == headline
    ld = (await http.get("/world/asia/nasty.jsonld")).json()
    assert ld["headline"] == headline
    front = (await http.get("/world/asia/nasty.md")).text.splitlines()[1]
    assert json.loads(front.removeprefix("title: ")) == headline


async def test_json_ld_is_in_every_shape_of_response(
    site: tuple[EditorialClient, httpx2.AsyncClient],
) -> None:
    """Lists, bundles, delta sync, payloads of mutations; renaming an author changes it also in the cache."""
    newsroom, http = site
    id = await publish(newsroom, slug="kim")
    query = """query($id: ID!) {
      article(id: $id) { jsonLd }
      articles(first: 1) { nodes { jsonLd } }
      articleBundle(id: $id) { version article { jsonLd } }
      changes(first: 1) { changes { ... on Upserted { article { jsonLd } } } nextToken }
      nothing: article(slug: "nothing") { jsonLd }
    }"""
    data = await newsroom.query(query, id=id)
    expected = data["article"]["jsonLd"]
    assert expected["author"][0]["name"] == "Jane Doe"
    assert data["articles"]["nodes"] == [{"jsonLd": expected}]
    assert data["articleBundle"]["article"]["jsonLd"] == expected
    assert data["changes"]["changes"] == [{"article": {"jsonLd": expected}}]
    assert data["nothing"] is None
    before = await http.get("/world/asia/kim.jsonld")
    assert before.json() == expected
    await newsroom.mutate_ok("updateAuthor", id="aut_401", name="Jane Roe")
    after = await http.get("/world/asia/kim.jsonld")
    assert after.json()["author"][0]["name"] == "Jane Roe"
    assert after.headers["etag"] != before.headers["etag"]
    payload = await newsroom.mutate_ok(
        "updateArticle", id=id, headline="Kim again", selection="article { jsonLd }"
    )
    assert payload["jsonLd"]["headline"] == "Kim again"


@pytest.mark.parametrize(
    "path",
    [
        "/%00",
        "/%ff%fe",
        "/",
        "/a%0d%0aset-cookie:%20a",
        f"/{'a' * 3_000}",
        "/world%3f",
        "/%2e%2e/world",
        "/feed.rss",
    ],
)
async def test_paths_of_nothing_are_404(site: tuple[EditorialClient, httpx2.AsyncClient], path: str) -> None:
    _, http = site
    for suffix in ("/feed.rss", "/feed.atom", ".md", ".jsonld"):
        response = await http.get(f"{path}{suffix}")
        assert (response.status_code, response.text) == (404, "Not Found")
        assert "set-cookie" not in response.headers
