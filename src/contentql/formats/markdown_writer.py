"""Writer of Markdown with front matter (YAML), as static site generators and our importer read it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from html import escape
from typing import Any, Final

import orjson

from contentql.formats.article_document import ArticleDocument, FeedInfo
from contentql.formats.article_html import article_media, hops_of, source_name
from contentql.formats.feeds.feed_values import author_credits, section_label

CONTENT_TYPE = "text/markdown; charset=utf-8"
FILE_SUFFIX = ".md"  # of the files of an export, one for each article
# A media file by its id, as `content/render_markdown.py` writes it, with the kind of its block as the title.
_MEDIA: Final = re.compile(r'!\[((?:[^\]\\]|\\.)*)\]\((med_\d+)(?: "\w+")?\)')
# Characters that YAML does not allow in a quoted text, or takes for line breaks.
_UNPRINTABLE: Final = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]")


def write(articles: Iterable[ArticleDocument], feed: FeedInfo) -> Iterator[bytes]:
    """Yields the document of each article."""
    for article in articles:
        yield _document(article).encode(errors="replace")


def _document(article: ArticleDocument) -> str:
    fields = _front_matter(article)
    lines = [_field(name, value) for name, value in fields.items()]
    # What an import found beside these, on one line each: JSON is a part of YAML.
    unread = (article.get("extra") or {}).get("frontMatter") or {}
    lines += [f"{_quoted(name)}: {_scalar(value)}\n" for name, value in unread.items() if name not in fields]
    return f"---\n{''.join(lines)}---\n\n{_body(article)}\n"


def _body(article: ArticleDocument) -> str:
    """The Markdown of the body, with the URLs of its media files; what is no picture is an HTML element.

    Media that are not in the article, as those whose licence has ended, are left out.
    """
    entries = (article.get("liveEntries") or {}).get("nodes") or ()
    files = [media for media, _, _ in article_media(article)]
    files += [entry["picture"] for entry in entries if entry.get("picture")]
    by_id = {media["id"]: media for media in files}
    markdown = (article.get("body") or {}).get("markdown") or ""
    return _MEDIA.sub(lambda match: _file(by_id.get(match[2]), match[1]), markdown)


def _file(media: Mapping[str, Any] | None, caption: str) -> str:
    if media is None:
        return ""
    if media["kind"] in ("VIDEO", "AUDIO"):
        name, url = media["kind"].lower(), escape(media["url"])
        below = f"<figcaption>{caption}</figcaption>" if caption else ""
        return f'<figure><{name} src="{url}" controls></{name}>{below}</figure>'
    return f"![{caption}]({_target(media['url'])})"


def _target(url: str) -> str:
    return f"<{url}>" if re.search(r"[\s()]", url) else url


def _front_matter(article: ArticleDocument) -> dict[str, Any]:
    rights, dateline, story = (article.get(name) or {} for name in ("rights", "dateline", "story"))
    values = {
        "title": article["headline"],
        "slug": article.get("slug"),
        "id": article.get("uri"),
        "kicker": article.get("kicker"),
        "short_headline": article.get("shortHeadline"),
        "summary": article.get("summary"),
        "lang": article.get("language"),
        "status": (article.get("status") or "").lower(),
        "content_type": (article.get("contentType") or "").lower(),
        "access": (article.get("access") or "").lower(),
        "urgency": article.get("urgency"),
        "date": article.get("publishedAt"),
        "lastmod": article.get("updatedAt"),
        "expires": article.get("expiresAt"),
        "categories": list(map(section_label, article.get("categories") or ())),
        "tags": [tag["name"] for tag in article.get("tags") or ()],
        "authors": [author["name"] for author in author_credits(article, "WRITER")],
        "photographers": [author["name"] for author in author_credits(article, "PHOTOGRAPHER")],
        "translators": [author["name"] for author in author_credits(article, "TRANSLATOR")],
        "editors": [author["name"] for author in author_credits(article, "EDITOR")],
        "byline": article.get("byline"),
        "dateline": dateline.get("place"),
        "canonical_url": article.get("canonicalUrl"),
        "canonical_elsewhere": article.get("canonicalElsewhere") or None,
        "story": story.get("title"),
        "copyright": rights.get("copyrightNotice"),
        "usage_terms": rights.get("usageTerms"),
        "image": _lead_picture(article),
        "sources": list(dict.fromkeys(_source_names(article))),
        "corrections": [
            {"date": item["correctedAt"], "kind": item["kind"].lower(), "text": item["text"]}
            for item in article.get("corrections") or ()
        ],
    }
    return {name: value for name, value in values.items() if value not in (None, "", [], {})}


def _lead_picture(article: ArticleDocument) -> dict[str, Any]:
    lead: Mapping[str, Any] = article.get("leadMedia") or {}
    for media, caption, alt in article_media(article):
        if media["url"] == lead.get("url"):
            values = {"src": media["url"], "alt": alt, "caption": caption, "credit": media.get("credit")}
            return {name: value for name, value in values.items() if value}
    return {}


def _source_names(article: ArticleDocument) -> Iterator[str]:
    for attribution in article.get("attributions") or ():
        for hop in hops_of(attribution):
            if name := source_name(hop.get("source")):
                yield name


def _field(name: str, value: Any) -> str:
    if isinstance(value, list) and value:
        return f"{name}:\n{''.join(f'- {_scalar(item)}' + chr(10) for item in value)}"
    if isinstance(value, dict):
        return f"{name}:\n{''.join(f'  {key}: {_scalar(item)}' + chr(10) for key, item in value.items())}"
    return f"{name}: {_scalar(value)}\n"


def _scalar(value: Any) -> str:
    """The value in YAML, of which JSON is a part."""
    text = orjson.dumps(value).decode() if not isinstance(value, str) else _quoted(value)
    return _UNPRINTABLE.sub(lambda char: f"\\u{ord(char[0]):04x}", text)


def _quoted(text: str) -> str:
    return orjson.dumps(text.encode(errors="replace").decode()).decode()
