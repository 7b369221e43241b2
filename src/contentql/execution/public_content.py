"""What the public sees of the reader's site, for feeds and documents: operations of an anonymous client.

They are executed like those of any client, so they have the same visibility, snapshot and response cache.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from contentql.cache.entry import CachedResponse
from contentql.errors import ERROR_CODES, ApiError
from contentql.execution.executor import Executor
from contentql.execution.request import ChargeCost, GraphQLRequest
from contentql.formats.article_document import ARTICLE_FIELDS, FEED_FIELDS
from contentql.telemetry.trace import RequestTrace
from contentql.url_patterns import MAX_PATH_LENGTH

PAGE_SIZE: Final = 100  # articles of a page of a list
MAX_PAGES: Final = 10  # in one operation: 1,000 articles

_RESOLVE: Final = """query ResolvePage($path: String!) {
  resolve(path: $path) { node { __typename id } redirect { to status } gone { notice } }
}"""
_ESCAPES: Final = str.maketrans({"%": "%25", "?": "%3F", "#": "%23"})
_ARTICLE: Final = (
    """query PageArticle($id: ID!) { article(id: $id) { ...ArticleDocument } }""" + ARTICLE_FIELDS
)
_JSON_LD: Final = """query PageJsonLd($id: ID!) { article(id: $id) { updatedAt publishedAt jsonLd } }"""
# Title and description of the feed of an object.
_TITLES: Final = {
    "Author": "title: name description: bio",
    "Category": "title: name description",
    "Collection": "title description",
    "Source": "title: name description: describedAs",
    "Story": "title description",
    "Tag": "title: name description",
}
_ARTICLES: Final = "articles(first: $first) { nodes { ...FeedArticle } }"
_VARIABLES: Final = "$first: Int!, $withSources: Boolean!"
_SITE_FEED: Final = f"query SiteFeed({_VARIABLES}) {{ {_ARTICLES} }}{FEED_FIELDS}"
_FEEDS: Final = {
    type_: f"query {type_}Feed($id: ID!, {_VARIABLES}) {{ node(id: $id) {{ ... on {type_} {{"
    f" {titles} canonicalUrl {_ARTICLES} }} }} }}{FEED_FIELDS}"
    for type_, titles in _TITLES.items()
}


def _pages(arguments: str, selection: str, pages: int) -> str:
    """Pages of the list of all articles as fields of one operation, so that they are of one snapshot."""
    return " ".join(
        f"page{page}: articles({arguments}, first: {PAGE_SIZE}, page: {page}) {{ nodes {{ {selection} }} }}"
        for page in range(1, pages + 1)
    )


_NEWS: Final = "query NewsSitemap($since: DateTime!) {{ {} }}".format(
    _pages(
        "filter: {publishedAt: {gte: $since}}",
        "headline language publishedAt canonicalUrl canonicalElsewhere",
        MAX_PAGES,
    )
)
_PERIOD: Final = "filter: {publishedAt: {gte: $from, lt: $until}}, orderBy: [PUBLISHED_AT_ASC]"
_SITEMAP_ARTICLE: Final = "publishedAt updatedAt canonicalUrl canonicalElsewhere leadMedia { kind url }"
_RANGE: Final = """query SitemapRange {
  first: articles(orderBy: [PUBLISHED_AT_ASC], first: 1) { nodes { publishedAt } }
  last: articles(first: 1) { nodes { publishedAt } }
}"""


@dataclass(frozen=True)
class Page:
    """What a path of the site leads to: an object, a redirect, or the notice of a withdrawn article."""

    type: str = ""
    id: str = ""
    redirect: str = ""
    status: int = 0
    notice: str | None = None


@dataclass(frozen=True)
class Content:
    """The responses that a document is made of, and their data."""

    responses: tuple[CachedResponse, ...]

    @property
    def data(self) -> list[dict[str, Any]]:
        return [orjson.loads(response.body)["data"] for response in self.responses]

    @property
    def is_null(self) -> bool:
        """Whether the only field is null: the object has gone since its page was found."""
        return self.responses[0].body.endswith(b":null}}")

    @property
    def key(self) -> tuple[str, ...]:
        """Equal for equal content."""
        return tuple(response.etag for response in self.responses)


class PublicContent:
    """Reads for one request. All methods raise ApiError if the database cannot be read."""

    def __init__(self, executor: Executor, trace: RequestTrace, charge: ChargeCost | None) -> None:
        self._executor, self._trace, self._charge = executor, trace, charge

    async def page(self, path: str) -> Page | None:
        """What a path leads to; None if it leads to nothing that the public may see."""
        address = path.translate(_ESCAPES)  # the path is decoded already
        if len(address) > MAX_PATH_LENGTH:
            return None
        response = await self._read(_RESOLVE, path=address)
        result = orjson.loads(response.body)["data"]["resolve"]
        if result is None:
            return None
        node, redirect, gone = result["node"] or {}, result["redirect"] or {}, result["gone"]
        return Page(
            node.get("__typename", ""),
            node.get("id", ""),
            redirect.get("to", ""),
            redirect.get("status", 0),
            gone["notice"] if gone else None,
        )

    async def feed(self, page: Page | None, first: int, *, with_sources: bool) -> Content | None:
        """The feed of an object, or that of the site; None if the object has none."""
        variables: dict[str, Any] = {"first": first, "withSources": with_sources}
        if page is None:
            return Content((await self._read(_SITE_FEED, **variables),))
        query = _FEEDS.get(page.type)
        return Content((await self._read(query, id=page.id, **variables),)) if query else None

    async def article(self, page: Page) -> Content | None:
        """The complete document of an article."""
        return Content((await self._read(_ARTICLE, id=page.id),)) if page.type == "Article" else None

    async def json_ld(self, page: Page) -> Content | None:
        """The JSON-LD of an article."""
        return Content((await self._read(_JSON_LD, id=page.id),)) if page.type == "Article" else None

    async def news(self, since: dt.datetime) -> Content:
        """The articles published since a time, the newest first, at most 1,000."""
        return Content((await self._read(_NEWS, since=since.isoformat()),))

    async def sitemap(self, start: dt.datetime, end: dt.datetime, part: int) -> Content:
        """The part with this number, from 1, of the articles published in a period; 1,000 in each part."""
        first_page = (part - 1) * MAX_PAGES
        query = "query Sitemap($from: DateTime!, $until: DateTime!) {{ {} }}".format(
            " ".join(
                f"page{page}: articles({_PERIOD}, first: {PAGE_SIZE}, page: {page})"
                f" {{ nodes {{ {_SITEMAP_ARTICLE} }} }}"
                for page in range(first_page + 1, first_page + MAX_PAGES + 1)
            )
        )
        return Content((await self._read(query, **{"from": start.isoformat(), "until": end.isoformat()}),))

    async def published_range(self) -> Content:
        """The times of the first and the last publication."""
        return Content((await self._read(_RANGE),))

    async def counts(self, periods: Sequence[tuple[dt.datetime, dt.datetime]]) -> CachedResponse:
        """For each period, the number of the articles published in it and the last change of one."""
        names = range(len(periods))
        variables = {
            f"{name}{n}": at.isoformat() for n in names for name, at in zip("ab", periods[n], strict=True)
        }
        declared = ", ".join(f"${name}: DateTime!" for name in variables)
        fields = " ".join(
            f"p{n}: articles(filter: {{publishedAt: {{gte: $a{n}, lt: $b{n}}}}}, orderBy: [UPDATED_AT_DESC],"
            " first: 1) { totalCount nodes { updatedAt publishedAt } }"
            for n in names
        )
        return await self._read(f"query SitemapCounts({declared}) {{ {fields} }}", **variables)

    async def _read(self, query: str, **variables: Any) -> CachedResponse:
        request = GraphQLRequest(query, variables=variables, queries_only=True)
        response = await self._executor.execute(request, self._trace, self._charge)
        if response.codes or response.cached is None:
            raise _error(orjson.loads(response.body), response.codes)
        return response.cached


def articles_of(data: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The articles of all lists in the data of an operation."""
    return [node for value in data.values() for node in value["nodes"]]


def _error(body: Mapping[str, Any], codes: Sequence[str]) -> ApiError:
    code = codes[0] if codes else "INTERNAL_SERVER_ERROR"
    extensions = dict(body["errors"][0]["extensions"]) if body.get("errors") else {}
    facts = {name: extensions[name] for name in ("retryAfter",) if name in extensions}
    return ApiError(code, ERROR_CODES[code][1], extensions.get("hint"), **facts)
