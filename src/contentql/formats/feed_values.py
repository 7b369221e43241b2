"""Values of articles that the writers of feeds share."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from contentql.formats.article_document import ArticleDocument, FeedInfo


def author_credits(article: ArticleDocument, *roles: str) -> list[Mapping[str, Any]]:
    """The authors with one of these roles, in order; with any role if none is named."""
    credits = article.get("authors") or ()
    return [credit["author"] for credit in credits if not roles or credit["role"] in roles]


def author_names(article: ArticleDocument) -> list[str]:
    """The names of the writers, else the byline, if there is one."""
    names = [author["name"] for author in author_credits(article, "WRITER")]
    names = names or [author["name"] for author in author_credits(article)]
    return names or ([article["byline"]] if article.get("byline") else [])


def category_labels(article: ArticleDocument) -> Iterator[tuple[str, str, str]]:
    """Yields the sections and tags: name, term (path or slug), and URL of the page as the scheme, or ""."""
    for category in article.get("categories") or ():
        yield category["name"], category["path"], category.get("canonicalUrl") or ""
    for tag in article.get("tags") or ():
        yield tag["name"], tag["slug"], tag.get("canonicalUrl") or ""


def last_change(articles: Iterable[ArticleDocument], feed: FeedInfo) -> dt.datetime | None:
    """The time of the last change in a feed; None if it is unknown."""
    times = [
        dt.datetime.fromisoformat(time)
        for article in articles
        for time in (article.get("updatedAt"), article.get("publishedAt"))
        if time
    ]
    times += [removed.removed_at for removed in feed.removed]
    return feed.updated or max(times, default=None)
