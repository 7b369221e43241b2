"""Values of articles that the writers of feeds share."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
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


def section_names(category: Mapping[str, Any]) -> list[str]:
    """The names of a section and of those that contain it, the root section first."""
    names: list[str] = []
    level: Mapping[str, Any] | None = category
    while level:
        names.insert(0, level["name"])
        level = level.get("parent")
    return names


def section_label(category: Mapping[str, Any]) -> str:
    """The names from the root section, separated by slashes; the path, if a name has one or is unknown."""
    names, path = section_names(category), str(category["path"])
    is_complete = len(names) == path.count("/") + 1 and not any("/" in name for name in names)
    return "/".join(names) if is_complete else path


def section_scheme(feed: FeedInfo) -> str:
    """The vocabulary of sections in a feed."""
    return f"{feed.site_url}/categories" if feed.site_url else "urn:contentql:categories"


def tag_scheme(feed: FeedInfo) -> str:
    return f"{feed.site_url}/tags" if feed.site_url else "urn:contentql:tags"


def tag_names(article: ArticleDocument) -> list[str]:
    return [tag["name"] for tag in article.get("tags") or ()]


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
