"""Writers of sitemaps (sitemaps.org 0.9), Google News sitemaps and sitemap indexes.

A sitemap has only addresses of the site itself: articles without a page, or whose canonical URL is that of
another publisher, are left out. Without any article it is an empty `urlset`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from typing import Final

from contentql.content.timestamps import format_timestamp
from contentql.formats.article_document import ArticleDocument, FeedInfo
from contentql.formats.article_html import article_media
from contentql.formats.xml_text import XML_DECLARATION, element, open_tag

CONTENT_TYPE = "application/xml; charset=utf-8"
MAX_NEWS_ARTICLES: Final = 1_000
NEWS_AGE: Final = dt.timedelta(days=2)
_SITEMAP: Final = "http://www.sitemaps.org/schemas/sitemap/0.9"
_NEWS: Final = "http://www.google.com/schemas/sitemap-news/0.9"
_IMAGE: Final = "http://www.google.com/schemas/sitemap-image/1.1"


def write(articles: Iterable[ArticleDocument], feed: FeedInfo) -> Iterator[bytes]:
    """Yields a news sitemap of the first 1,000 articles, which the caller selects by their age."""
    yield (XML_DECLARATION + open_tag("urlset", xmlns=_SITEMAP, xmlns_news=_NEWS) + "\n").encode()
    publication = feed.site or feed.title
    for article in _with_pages(articles, MAX_NEWS_ARTICLES):
        language = _news_language(article.get("language") or feed.language)
        parts = [
            element("loc", article["canonicalUrl"]),
            "<news:news><news:publication>",
            element("news:name", publication),
            element("news:language", language),
            "</news:publication>",
            element("news:publication_date", article["publishedAt"]),
            element("news:title", article["headline"]),
            "</news:news>",
        ]
        yield f"<url>{''.join(parts)}</url>\n".encode()
    yield b"</urlset>\n"


def write_sitemap(articles: Iterable[ArticleDocument]) -> Iterator[bytes]:
    """Yields a sitemap of articles with the times of their last change and their pictures."""
    yield (XML_DECLARATION + open_tag("urlset", xmlns=_SITEMAP, xmlns_image=_IMAGE) + "\n").encode()
    for article in _with_pages(articles):
        images = [
            f"<image:image>{element('image:loc', media['url'])}</image:image>"
            for media, _, _ in article_media(article)
            if media.get("kind") == "IMAGE"
        ]
        changed = article.get("updatedAt") or article.get("publishedAt")
        parts = [element("loc", article["canonicalUrl"]), element("lastmod", changed), *images]
        yield f"<url>{''.join(parts)}</url>\n".encode()
    yield b"</urlset>\n"


def write_sitemap_index(sitemaps: Iterable[tuple[str, dt.datetime | None]]) -> Iterator[bytes]:
    """Yields a sitemap index: URLs of sitemaps, each with the time of its last change, if that is known."""
    yield (XML_DECLARATION + open_tag("sitemapindex", xmlns=_SITEMAP) + "\n").encode()
    for url, changed in sitemaps:
        time = element("lastmod", format_timestamp(changed)) if changed else ""
        yield f"<sitemap>{element('loc', url)}{time}</sitemap>\n".encode()
    yield b"</sitemapindex>\n"


def _with_pages(articles: Iterable[ArticleDocument], limit: int | None = None) -> Iterator[ArticleDocument]:
    count = 0
    for article in articles:
        if article.get("canonicalUrl") and not article.get("canonicalElsewhere"):
            if count == limit:
                return
            count += 1
            yield article


def _news_language(tag: str) -> str:
    """The language as Google News expects it: ISO 639, except for the two kinds of written Chinese."""
    language, *rest = tag.lower().split("-")
    if language == "zh":
        return "zh-tw" if {"hant", "tw", "hk", "mo"} & set(rest) else "zh-cn"
    return language
