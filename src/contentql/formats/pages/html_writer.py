"""Writer of HTML pages with JSON-LD, Open Graph and a canonical link; they have no script and no style."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from html import escape
from typing import Any

import orjson

from contentql.formats.article_document import ArticleDocument, FeedInfo
from contentql.formats.article_html import article_media, description, render_body
from contentql.formats.feeds.feed_values import author_names
from contentql.formats.pages.jsonld import json_ld
from contentql.formats.xml_text import clean_text

CONTENT_TYPE = "text/html; charset=utf-8"
FILE_SUFFIX = ".html"  # of the files of an export, one for each article
# A script element ends at `</script`, in whichever text.
_SCRIPT_ESCAPES = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"}


def write(articles: Iterable[ArticleDocument], feed: FeedInfo) -> Iterator[bytes]:
    """Yields the page of each article."""
    for article in articles:
        yield clean_text(_page(article, feed)).encode()


def _page(article: ArticleDocument, feed: FeedInfo) -> str:
    title, site = article["headline"], f" | {feed.site}" if feed.site else ""
    head = [
        '<meta charset="utf-8">',
        f"<title>{escape(title + site)}</title>",
        *_meta_elements(article, feed),
        f'<script type="application/ld+json">{_script(json_ld(article, feed))}</script>',
    ]
    lines = [
        f'<!doctype html>\n<html lang="{escape(article.get("language") or "")}">\n<head>',
        *head,
        "</head>\n<body>\n<main><article>",
        *_content(article, feed),
        "</article></main>\n</body>\n</html>\n",
    ]
    return "\n".join(lines)


def _meta_elements(article: ArticleDocument, feed: FeedInfo) -> Iterator[str]:
    url, text = article.get("canonicalUrl"), description(article)
    if url:
        yield f'<link rel="canonical" href="{escape(url)}">'
    if text:
        yield f'<meta name="description" content="{escape(text)}">'
    pictures = (media["url"] for media, _, _ in article_media(article) if media.get("kind") == "IMAGE")
    properties = {
        "og:type": "article",
        "og:title": article["headline"],
        "og:description": text,
        "og:url": url,
        "og:site_name": feed.site,
        "og:locale": (article.get("language") or "").replace("-", "_"),
        "og:image": next(pictures, None),
        "article:published_time": article.get("publishedAt"),
        "article:modified_time": article.get("updatedAt"),
        "article:section": (article.get("category") or {}).get("name"),
    }
    yield from (
        f'<meta property="{name}" content="{escape(value)}">' for name, value in properties.items() if value
    )
    for tag in article.get("tags") or ():
        yield f'<meta property="article:tag" content="{escape(tag["name"])}">'


def _content(article: ArticleDocument, feed: FeedInfo) -> Iterator[str]:
    yield "<header>"
    if article.get("kicker"):
        yield f'<p class="kicker">{escape(article["kicker"])}</p>'
    yield f"<h1>{escape(article['headline'])}</h1>"
    if article.get("summary"):
        yield f'<p class="standfirst">{escape(article["summary"])}</p>'
    byline = article.get("byline") or ", ".join(author_names(article))
    if byline:
        yield f'<p class="byline">{escape(byline)}</p>'
    if at := article.get("publishedAt"):
        yield f'<p><time datetime="{at}">{at}</time></p>'
    yield "</header>"
    lead = article.get("leadMedia")
    html = render_body(article, feed.home_url, with_sources=feed.with_sources)
    if lead and lead.get("kind") == "IMAGE" and escape(lead["url"]) not in html:
        media, caption, alt = next(article_media(article))
        below = " ".join(escape(text) for text in (caption, media.get("credit")) if text)
        figcaption = f"<figcaption>{below}</figcaption>" if below else ""
        yield f'<figure><img src="{escape(media["url"])}" alt="{escape(alt)}">{figcaption}</figure>'
    yield html
    for correction in article.get("corrections") or ():
        at, kind = correction["correctedAt"], correction["kind"].capitalize()
        text = escape(correction["text"])
        yield f'<p class="correction">{kind}, <time datetime="{at}">{at}</time>: {text}</p>'


def _script(values: dict[str, Any]) -> str:
    text = orjson.dumps(values).decode()
    for char, escaped in _SCRIPT_ESCAPES.items():
        text = text.replace(char, escaped)
    return text
