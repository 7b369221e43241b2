"""Writer of JSON Feed 1.1."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import orjson

from contentql.formats.article_document import ArticleDocument, FeedInfo
from contentql.formats.article_html import article_media, description, render_body
from contentql.formats.feeds.feed_values import author_credits, tag_names

CONTENT_TYPE = "application/feed+json; charset=utf-8"
VERSION = "https://jsonfeed.org/version/1.1"


def write(articles: Iterable[ArticleDocument], feed: FeedInfo) -> Iterator[bytes]:
    """Yields the feed: its head, each item, its end."""
    title = feed.title or feed.site or "Articles"
    head = {
        "version": VERSION,
        "title": title,
        "home_page_url": feed.home_url or feed.site_url,
        "feed_url": feed.feed_url,
        "description": feed.description,
        "icon": feed.logo,
        "language": feed.language,
        "authors": _compact([{"name": feed.site, "url": feed.site_url}]) if feed.site else (),
    }
    yield orjson.dumps({key: value for key, value in head.items() if value})[:-1] + b',"items":['
    for index, article in enumerate(articles):
        yield (b",\n" if index else b"\n") + orjson.dumps(_item(article, feed))
    yield b"\n]}\n"


def _item(article: ArticleDocument, feed: FeedInfo) -> dict[str, Any]:
    html = render_body(article, feed.home_url, with_sources=feed.with_sources)
    pictures = [media["url"] for media, _, _ in article_media(article) if media.get("kind") == "IMAGE"]
    authors = [
        {"name": author["name"], "url": author.get("canonicalUrl")}
        for author in author_credits(article, "WRITER") or author_credits(article)
    ]
    if not authors and article.get("byline"):
        authors = [{"name": article["byline"]}]
    sections = [category["name"] for category in article.get("categories") or ()]
    item: dict[str, Any] = {
        "id": article["uri"],
        "url": article.get("canonicalUrl"),
        "title": article["headline"],
        "summary": description(article),
        "content_html": html,
        "image": pictures[0] if pictures else None,
        "date_published": article.get("publishedAt"),
        "date_modified": article.get("updatedAt"),
        "language": article.get("language"),
        "authors": _compact(authors),
        "tags": list(dict.fromkeys([*sections, *tag_names(article)])),
        "attachments": _compact(
            {
                "url": media["url"],
                "mime_type": media.get("mime") or "application/octet-stream",
                "title": caption,
                "size_in_bytes": media.get("bytes"),
                "duration_in_seconds": media.get("duration"),
            }
            for media, caption, _ in article_media(article)
        ),
    }
    item = {key: value for key, value in item.items() if value}
    if not html:  # an item must have content
        item["content_text"] = description(article) or article["headline"]
    unread = (article.get("extra") or {}).get("jsonFeed") or {}  # what an import found beside these
    return {**unread, **item}


def _compact(items: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [{key: value for key, value in item.items() if value not in (None, "")} for item in items]
