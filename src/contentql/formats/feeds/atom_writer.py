"""Writer of Atom 1.0 (RFC 4287) with Media RSS and tombstones of removed articles (RFC 6721)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from typing import Final
from urllib.parse import quote

from contentql.content.timestamps import format_timestamp
from contentql.formats.article_document import ArticleDocument, FeedInfo
from contentql.formats.article_html import article_media, description, render_body
from contentql.formats.feeds.feed_values import author_credits, last_change, section_scheme, tag_scheme
from contentql.formats.feeds.media_rss import MEDIA_NAMESPACE, media_elements
from contentql.formats.xml_text import XML_DECLARATION, element, empty_element, open_tag

CONTENT_TYPE = "application/atom+xml; charset=utf-8"
_IRI_SAFE: Final = ":/?#[]@!$&'()*+,;=-._~%"
# An Atom feed must have a time; this is that of a feed that never had an article.
_NEVER: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def write(articles: Iterable[ArticleDocument], feed: FeedInfo) -> Iterator[bytes]:
    """Yields the feed: its head, each entry, the tombstones, its end."""
    if feed.updated is None:
        articles = list(articles)
    yield _head(articles if feed.updated is None else (), feed).encode()
    for article in articles:
        yield _entry(article, feed).encode()
    for removed in feed.removed:
        when = format_timestamp(removed.removed_at)
        yield empty_element("at:deleted-entry", ref=_iri(removed.uri), when=when).encode() + b"\n"
    yield b"</feed>\n"


def _head(articles: Iterable[ArticleDocument], feed: FeedInfo) -> str:
    title = feed.title or feed.site or "Articles"
    attributes = {
        "xmlns": "http://www.w3.org/2005/Atom",
        "xmlns_at": "http://purl.org/atompub/tombstones/1.0",
        "xmlns_media": MEDIA_NAMESPACE,
        "xml_lang": feed.language,
    }
    parts = [
        XML_DECLARATION,
        open_tag("feed", **attributes),
        element("id", _iri(feed.feed_url or feed.home_url or "urn:contentql:feed")),
        element("title", title),
        element("subtitle", feed.description),
        element("updated", format_timestamp(last_change(articles, feed) or _NEVER)),
        "<author>",
        element("name", feed.site or title),
        element("uri", feed.site_url),
        "</author>",
        element("generator", "contentql"),
        element("logo", feed.logo),
    ]
    if feed.feed_url:
        parts.append(empty_element("link", rel="self", type="application/atom+xml", href=feed.feed_url))
    if feed.home_url:
        parts.append(empty_element("link", rel="alternate", type="text/html", href=feed.home_url))
    return "".join(parts) + "\n"


def _entry(article: ArticleDocument, feed: FeedInfo) -> str:
    url = article.get("canonicalUrl")
    parts = [
        open_tag("entry", xml_lang=article.get("language")),
        element("id", _iri(article["uri"])),
        element("title", article["headline"], type="text"),
        element(
            "updated", article.get("updatedAt") or article.get("publishedAt") or format_timestamp(_NEVER)
        ),
        element("published", article.get("publishedAt")),
    ]
    if url:
        parts.append(empty_element("link", rel="alternate", type="text/html", href=url))
    parts += _people(article)
    for path, name in _sections(article).items():
        parts.append(empty_element("category", term=path, label=name, scheme=section_scheme(feed)))
    for tag in article.get("tags") or ():
        parts.append(empty_element("category", term=tag["slug"], label=tag["name"], scheme=tag_scheme(feed)))
    for media, caption, _ in article_media(article):
        facts = {"type": media.get("mime"), "length": media.get("bytes"), "title": caption}
        parts.append(empty_element("link", rel="enclosure", href=media["url"], **facts))
    parts.append(element("summary", description(article), type="text"))
    body = render_body(article, feed.home_url, with_sources=feed.with_sources)
    parts.append(element("content", body, type="html") or '<content type="text"/>')
    parts.append(element("rights", (article.get("rights") or {}).get("copyrightNotice"), type="text"))
    return f"{''.join(parts)}{''.join(media_elements(article))}</entry>\n"


def _sections(article: ArticleDocument) -> dict[str, str]:
    """The names of the sections by path, each after those that contain it."""
    names: dict[str, str] = {}
    for category in article.get("categories") or ():
        levels, level = [], category
        while level:
            levels.append(level)
            level = level.get("parent")
        names |= {level["path"]: level["name"] for level in reversed(levels)}
    return names


def _people(article: ArticleDocument) -> Iterator[str]:
    writers = author_credits(article, "WRITER")
    others = author_credits(article, "PHOTOGRAPHER", "TRANSLATOR", "EDITOR")
    if not writers and article.get("byline"):
        yield f"<author>{element('name', article['byline'])}</author>"
    for name, people in (("author", writers), ("contributor", others)):
        for person in people:
            address = person.get("canonicalUrl") or next(iter(person.get("sameAs") or ()), "")
            yield f"<{name}>{element('name', person['name'])}{element('uri', address)}</{name}>"


def _iri(text: str) -> str:
    """The text as an IRI: characters that none may have are percent-encoded."""
    return "".join(char if ord(char) > 0x9F else quote(char, safe=_IRI_SAFE) for char in text)
