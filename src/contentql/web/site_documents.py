"""Feeds, sitemaps and documents of articles: content of the public, rendered by the writers of the formats.

A rendering is remembered by the ETags of the responses that it was made of, so it is as fresh as they are.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final
from urllib.parse import quote

import orjson

from contentql.cache.entry import CachedResponse, content_hash
from contentql.execution.executor import Executor
from contentql.execution.public_content import MAX_PAGES, PAGE_SIZE, Content, Page, PublicContent, articles_of
from contentql.execution.removed_articles import RemovedArticles
from contentql.formats import markdown_writer
from contentql.formats.article_document import FEED_ARTICLE_COSTS, FeedInfo, RemovedArticle
from contentql.formats.feeds import atom_writer, jsonfeed_writer, rss_writer, sitemap
from contentql.formats.feeds.feed_values import last_change
from contentql.formats.pages import jsonld
from contentql.lru import LRUCache
from contentql.url_patterns import Site
from contentql.web.site_paths import (
    NEWS_SITEMAP_PATH,
    SITEMAP_INDEX_PATH,
    SitePath,
    month_period,
    sitemap_path,
)

_WRITERS: Final[dict[str, Any]] = {"rss": rss_writer, "atom": atom_writer, "json": jsonfeed_writer}
_MAX_RENDERINGS: Final = 500
_RENDERINGS_BYTES: Final = 16_777_216
_PART: Final = PAGE_SIZE * MAX_PAGES  # articles of a sitemap
_MAX_PARTS: Final = 10  # sitemaps of a month; a month with more has one for each day
_MAX_PERIODS: Final = 6  # whose articles one operation counts
_ROBOTS: Final = "User-agent: *\nDisallow: /preview/\n"


@dataclass(eq=False)
class Rendering:
    """A document in its format. `source` has what HTTP caches must know of the responses that it was made of;
    None if it was made of none. `compressed`: the body by content coding."""

    body: bytes
    content_type: str
    source: CachedResponse | None = None
    last_modified: dt.datetime | None = None
    compressed: dict[str, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.etag = content_hash(self.body)


@dataclass(frozen=True)
class Redirect:
    location: str  # a path of the site
    status: int


@dataclass(frozen=True)
class Gone:
    notice: str


class SiteDocuments:
    """The documents of one site. `items`: articles of a feed at most."""

    def __init__(self, executor: Executor, site: Site, *, items: int, with_sources: bool) -> None:
        self._executor, self._site, self._with_sources = executor, site, with_sources
        self._items = max(1, min(items, executor.limits.cost // FEED_ARTICLE_COSTS[with_sources]))
        self._removed = RemovedArticles(executor)
        self._renderings: LRUCache[Any, Rendering] = LRUCache(_MAX_RENDERINGS, _RENDERINGS_BYTES)

    async def read(
        self, requested: SitePath, base_url: str, content: PublicContent
    ) -> Rendering | Redirect | Gone | None:
        """The document; None if there is none that the public may see. `base_url`: that of the request, for
        a site whose address is unknown. Raises ApiError if the database cannot be read."""
        base_url = self._site.base_url or base_url
        match requested.kind:
            case "robots":
                return self._robots(base_url)
            case "news":
                return await self._news(content)
            case "index":
                return await self._sitemap_index(base_url, content)
            case "sitemap":
                return await self._sitemap(requested, content)
        page = await content.page(requested.page) if requested.page else None
        if requested.page:
            if page is None:
                return None
            if page.notice is not None:
                return Gone(page.notice) if requested.kind == "document" else None
            if page.redirect:
                is_own = page.redirect.startswith("/") and page.type
                return Redirect(quote(page.redirect) + requested.suffix, page.status) if is_own else None
        if requested.kind == "feed":
            return await self._feed(requested, page, base_url, content)
        assert page is not None
        return await self._document(requested, page, content)

    # Feeds

    async def _feed(
        self, requested: SitePath, page: Page | None, base_url: str, content: PublicContent
    ) -> Rendering | None:
        result = await content.feed(page, self._items, with_sources=self._with_sources)
        if result is None or result.is_null:
            return None
        removed: tuple[RemovedArticle, ...] = ()
        if requested.format == "atom":
            removed = await self._removed.read(page.id if page else "", result.key)
        url = base_url + quote(requested.page + requested.suffix)

        def render() -> tuple[bytes, dt.datetime | None]:
            data = result.data[0]
            node = data["node"] if page else {"title": self._site.name, **data}
            articles = node["articles"]["nodes"]
            home_url = node.get("canonicalUrl") or base_url + quote(requested.page or "/")
            title = (
                node["title"] if not page or not self._site.name else f"{node['title']} – {self._site.name}"
            )
            feed = FeedInfo(
                title=title,
                description=node.get("description") or "",
                home_url=home_url,
                feed_url=url,
                language=next(iter(self._site.languages), ""),
                site=self._site.name,
                site_url=base_url,
                logo=self._site.logo,
                removed=removed,
                with_sources=self._with_sources,
            )
            return b"".join(_WRITERS[requested.format].write(articles, feed)), last_change(articles, feed)

        key = (requested.format, url, result.key, removed)
        return await self._render(key, result, _WRITERS[requested.format].CONTENT_TYPE, render)

    # Documents of articles

    async def _document(self, requested: SitePath, page: Page, content: PublicContent) -> Rendering | None:
        is_json_ld = requested.format == "jsonld"
        result = await (content.json_ld(page) if is_json_ld else content.article(page))
        if result is None or result.is_null:
            return None

        def render() -> tuple[bytes, dt.datetime | None]:
            article = result.data[0]["article"]
            if is_json_ld:
                body = orjson.dumps(article["jsonLd"])
            else:
                body = b"".join(markdown_writer.write([article], FeedInfo()))
            return body, last_change([article], FeedInfo())

        key = (requested.format, page.id, result.key)
        content_type = jsonld.CONTENT_TYPE if is_json_ld else markdown_writer.CONTENT_TYPE
        return await self._render(key, result, content_type, render)

    # Sitemaps

    async def _news(self, content: PublicContent) -> Rendering:
        # The window moves by whole minutes, so that responses to equal queries are equal.
        now = self._executor.now().replace(second=0, microsecond=0) + dt.timedelta(minutes=1)
        result = await content.news(now - sitemap.NEWS_AGE)

        def render() -> tuple[bytes, dt.datetime | None]:
            articles = articles_of(result.data[0])
            feed = FeedInfo(site=self._site.name or "News", language=next(iter(self._site.languages), "en"))
            return b"".join(sitemap.write(articles, feed)), last_change(articles, feed)

        return await self._render(("news", result.key), result, sitemap.CONTENT_TYPE, render)

    async def _sitemap(self, requested: SitePath, content: PublicContent) -> Rendering | None:
        assert requested.period is not None
        result = await content.sitemap(*requested.period, requested.part)
        if not articles_of(result.data[0]):
            return None

        def render() -> tuple[bytes, dt.datetime | None]:
            articles = articles_of(result.data[0])
            return b"".join(sitemap.write_sitemap(articles)), last_change(articles, FeedInfo())

        key = ("sitemap", requested.period, requested.part, result.key)
        return await self._render(key, result, sitemap.CONTENT_TYPE, render)

    async def _sitemap_index(self, base_url: str, content: PublicContent) -> Rendering:
        range_ = await content.published_range()
        times = [_time(article["publishedAt"]) for article in articles_of(range_.data[0])]
        responses = list(range_.responses)
        sitemaps: list[tuple[str, dt.datetime | None]] = []
        # Years first, because a single article may have a time long before the others.
        years = [_year(year) for year in range(times[0].year, times[-1].year + 1)] if times else []
        counts = await _count(years, content, responses)
        months = [month for year, count, _ in counts if count for month in _months(year.year)]
        for start, count, changed in await _count(months, content, responses):
            if count > _PART * _MAX_PARTS:
                days = list(_days(start))
                for day, count_of_day, change in await _count(days, content, responses):
                    sitemaps += _parts(base_url, day, count_of_day, change, of_day=True)
            else:
                sitemaps += _parts(base_url, start, count, changed, of_day=False)

        def render() -> tuple[bytes, dt.datetime | None]:
            changes = [changed for _, changed in sitemaps if changed]
            return b"".join(sitemap.write_sitemap_index(sitemaps)), max(changes, default=None)

        result = Content(tuple(responses))
        return await self._render(("index", base_url, result.key), result, sitemap.CONTENT_TYPE, render)

    def _robots(self, base_url: str) -> Rendering:
        lines = [f"Sitemap: {base_url}{path}\n" for path in (SITEMAP_INDEX_PATH, NEWS_SITEMAP_PATH)]
        body = f"{_ROBOTS}\n{''.join(lines)}".encode()
        return Rendering(body, "text/plain; charset=utf-8")

    async def _render(
        self,
        key: tuple[Any, ...],
        content: Content,
        content_type: str,
        render: Callable[[], tuple[bytes, dt.datetime | None]],
    ) -> Rendering:
        rendering = self._renderings.get(key)
        if rendering is None:
            # In a thread, where the rendering of many articles delays no other response.
            body, changed = await asyncio.to_thread(render)
            rendering = Rendering(body, content_type, _joined(content.responses), changed)
            self._renderings.set(key, rendering, 2 * len(body))
        return rendering


def _joined(responses: Sequence[CachedResponse]) -> CachedResponse:
    """What HTTP caches must know of several responses: the tags of all, the lowest lifetime."""
    if len(responses) == 1:
        return responses[0]
    return replace(
        responses[0],
        shown_ids=tuple(dict.fromkeys(id for response in responses for id in response.shown_ids)),
        list_tags=tuple(dict.fromkeys(tag for response in responses for tag in response.list_tags)),
        max_age=min(response.max_age for response in responses),
    )


async def _count(
    periods: Sequence[tuple[dt.datetime, dt.datetime]],
    content: PublicContent,
    responses: list[CachedResponse],
) -> list[tuple[dt.datetime, int, dt.datetime | None]]:
    """The start of each period, the number of the articles published in it, and the last change of one.

    Adds the responses that were read to `responses`.
    """
    results = []
    for index in range(0, len(periods), _MAX_PERIODS):
        group = periods[index : index + _MAX_PERIODS]
        response = await content.counts(group)
        responses.append(response)
        for (start, _), value in zip(group, orjson.loads(response.body)["data"].values(), strict=True):
            times = [node["updatedAt"] or node["publishedAt"] for node in value["nodes"]]
            results.append((start, value["totalCount"], _time(times[0]) if times else None))
    return results


def _parts(
    base_url: str, start: dt.datetime, count: int, changed: dt.datetime | None, *, of_day: bool
) -> Iterable[tuple[str, dt.datetime | None]]:
    for part in range(1, -(-count // _PART) + 1):
        yield base_url + sitemap_path(start, of_day=of_day, part=part), changed


def _year(year: int) -> tuple[dt.datetime, dt.datetime]:
    return month_period(year, 1)[0], month_period(year, 12)[1]


def _months(year: int) -> Iterable[tuple[dt.datetime, dt.datetime]]:
    return (month_period(year, month) for month in range(1, 13))


def _days(month: dt.datetime) -> Iterable[tuple[dt.datetime, dt.datetime]]:
    day = month
    while day.month == month.month:
        yield day, day + dt.timedelta(days=1)
        day += dt.timedelta(days=1)


def _time(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)
