"""Writer of RSS 2.0 with content:encoded, Media RSS, Dublin Core and Atom's link to the feed itself.

An item's guid is the URI of the article, which is the same in all versions and under all slugs.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from email.utils import format_datetime

from contentql.formats.article_document import ArticleDocument, FeedInfo
from contentql.formats.article_html import article_media, description, render_body
from contentql.formats.feeds.feed_values import (
    author_names,
    last_change,
    section_label,
    section_scheme,
    tag_names,
    tag_scheme,
)
from contentql.formats.feeds.media_rss import MEDIA_NAMESPACE, media_elements
from contentql.formats.xml_text import XML_DECLARATION, cdata, element, empty_element, open_tag

CONTENT_TYPE = "application/rss+xml; charset=utf-8"


def write(articles: Iterable[ArticleDocument], feed: FeedInfo) -> Iterator[bytes]:
    """Yields the feed: its head, each item, its end."""
    if feed.updated is None:
        articles = list(articles)
    yield _head(articles if feed.updated is None else (), feed).encode()
    for article in articles:
        yield _item(article, feed).encode()
    yield b"</channel></rss>\n"


def _head(articles: Iterable[ArticleDocument], feed: FeedInfo) -> str:
    namespaces = {
        "version": "2.0",
        "xmlns_atom": "http://www.w3.org/2005/Atom",
        "xmlns_content": "http://purl.org/rss/1.0/modules/content/",
        "xmlns_dc": "http://purl.org/dc/elements/1.1/",
        "xmlns_media": MEDIA_NAMESPACE,
    }
    title = feed.title or feed.site or "Articles"
    link = feed.home_url or feed.site_url
    parts = [
        XML_DECLARATION,
        open_tag("rss", **namespaces),
        "<channel>",
        element("title", title),
        element("link", link) or "<link/>",
        element("description", feed.description or title),
        element("language", feed.language),
    ]
    if updated := last_change(articles, feed):
        parts.append(element("lastBuildDate", _rfc_822(updated)))
    parts.append(element("generator", "contentql"))
    parts.append("<docs>https://www.rssboard.org/rss-specification</docs>")
    if feed.feed_url:
        parts.append(empty_element("atom:link", rel="self", href=feed.feed_url, type="application/rss+xml"))
    if feed.logo and link:
        image = element("url", feed.logo) + element("title", title) + element("link", link)
        parts.append(f"<image>{image}</image>")
    return "".join(parts) + "\n"


def _item(article: ArticleDocument, feed: FeedInfo) -> str:
    url = article.get("canonicalUrl")
    parts = [
        element("title", article["headline"]),
        element("link", url),
        element("guid", article["uri"], isPermaLink="false"),
        element("description", description(article)),
        cdata("content:encoded", render_body(article, feed.home_url, with_sources=feed.with_sources)),
        element("dc:language", article.get("language")),
        *(element("dc:creator", name) for name in author_names(article)),
        *(
            element("category", section_label(category), domain=section_scheme(feed))
            for category in article.get("categories") or ()
        ),
        *(element("category", name, domain=tag_scheme(feed)) for name in tag_names(article)),
        element("dc:rights", (article.get("rights") or {}).get("copyrightNotice")),
    ]
    if article.get("publishedAt"):
        parts.append(element("pubDate", _rfc_822(dt.datetime.fromisoformat(article["publishedAt"]))))
    parts.append(element("atom:updated", article.get("updatedAt")))
    # An enclosure needs the size of its file: 0 if it is unknown, by the practice of publishers.
    for media, _, _ in article_media(article):
        if media.get("kind") in ("AUDIO", "VIDEO") and media.get("mime"):
            length = str(media.get("bytes") or 0)
            parts.append(empty_element("enclosure", url=media["url"], length=length, type=media["mime"]))
            break
    return f"<item>{''.join(parts)}{''.join(media_elements(article))}</item>\n"


def _rfc_822(at: dt.datetime) -> str:
    return format_datetime(at.astimezone(dt.UTC))
