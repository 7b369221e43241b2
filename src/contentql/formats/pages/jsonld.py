"""JSON-LD of articles in the vocabulary of schema.org: NewsArticle, its subtypes, and LiveBlogPosting."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import orjson

from contentql.formats.article_document import ArticleDocument, FeedInfo
from contentql.formats.article_html import article_media, description, hops_of, source_name
from contentql.formats.feeds.feed_values import author_credits, section_names

CONTENT_TYPE = "application/ld+json; charset=utf-8"
CONTEXT: Final = "https://schema.org"
_TYPES: Final = {
    "ANALYSIS": "AnalysisNewsArticle",
    "EXPLAINER": "BackgroundNewsArticle",
    "LIVE": "LiveBlogPosting",
    "OPINION": "OpinionNewsArticle",
    "REVIEW": "ReviewNewsArticle",
    "SPONSORED": "AdvertiserContentArticle",
}
_TAG_TYPES: Final = {
    "PERSON": "Person",
    "ORGANISATION": "Organization",
    "PLACE": "Place",
    "EVENT": "Event",
    "WORK": "CreativeWork",
}
_PEOPLE: Final = ("PERSON", "ANONYMOUS")
# CSS class of the part of a page that only subscribers see, for sites that have one.
PAYWALL_SELECTOR: Final = ".paywall"


def write(articles: Iterable[ArticleDocument], feed: FeedInfo) -> Iterator[bytes]:
    """Yields one JSON-LD document: a graph of all articles."""
    before = b'{"@context":"%b","@graph":[\n' % CONTEXT.encode()
    for article in articles:
        node = json_ld(article, feed)
        del node["@context"]
        yield before + orjson.dumps(node)
        before = b",\n"
    yield b"\n]}\n" if before == b",\n" else before + b"]}\n"


def json_ld(article: ArticleDocument, feed: FeedInfo) -> dict[str, Any]:
    """The JSON-LD of an article. Empty values are left out.

    The text of an article that is not free is left out: `isAccessibleForFree` and `hasPart` say so.
    """
    url, free = article.get("canonicalUrl"), article.get("access") == "FREE"
    rights = article.get("rights") or {}
    values = {
        "@context": CONTEXT,
        "@type": _TYPES.get(article.get("contentType") or "", "NewsArticle"),
        "@id": article["uri"],
        "identifier": article["uri"],
        "url": url,
        "mainEntityOfPage": {"@type": "WebPage", "@id": url} if url else None,
        "headline": article["headline"],
        "alternativeHeadline": article.get("kicker"),
        "description": description(article),
        "inLanguage": article.get("language"),
        "datePublished": article.get("publishedAt"),
        "dateModified": article.get("updatedAt") or article.get("publishedAt"),
        "expires": article.get("expiresAt"),
        "version": article.get("version"),
        "genre": _genre(article),
        "author": [_person(author) for author in author_credits(article, "WRITER")],
        "contributor": [_person(author) for author in author_credits(article, "PHOTOGRAPHER")],
        "translator": [_person(author) for author in author_credits(article, "TRANSLATOR")],
        "editor": [_person(author) for author in author_credits(article, "EDITOR")],
        "creditText": article.get("byline"),
        "publisher": _publisher(feed),
        "articleSection": list(dict.fromkeys(_section_names(article))),
        "keywords": [tag["name"] for tag in article.get("tags") or ()],
        "about": [_subject(tag) for tag in article.get("tags") or () if tag.get("type") in _TAG_TYPES],
        "dateline": (article.get("dateline") or {}).get("text")
        or (article.get("dateline") or {}).get("place"),
        "wordCount": article.get("wordCount"),
        "articleBody": (article.get("body") or {}).get("text") if free else None,
        "isAccessibleForFree": free,
        "hasPart": None if free else _paywall(),
        "copyrightNotice": rights.get("copyrightNotice"),
        "usageInfo": rights.get("usageTerms"),
        "correction": [_correction(correction) for correction in article.get("corrections") or ()],
        "citation": list(_citations(article)),
        "isPartOf": _story(article.get("story")),
        "workTranslation": [_translation(other) for other in article.get("translations") or ()],
        **_media(article),
    }
    if article.get("contentType") == "LIVE":
        values |= _live_blog(article, free)
    return _compact(values)


def _compact(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value not in (None, "", [], {})}


def _genre(article: ArticleDocument) -> str | None:
    """The content type in words, where schema.org has no type for it."""
    kind = article.get("contentType") or "NEWS"
    return None if kind in _TYPES or kind == "NEWS" else kind.capitalize().replace("_", " ")


def _person(author: Mapping[str, Any]) -> dict[str, Any]:
    same_as = author.get("sameAs") or []
    url = author.get("canonicalUrl") or next(iter(same_as), None)
    values = {"@type": "Person", "name": author["name"], "url": url, "sameAs": same_as}
    return _compact({**values, "description": author.get("bio")})


def _publisher(feed: FeedInfo) -> dict[str, Any] | None:
    if not feed.site:
        return None
    logo = {"@type": "ImageObject", "url": feed.logo} if feed.logo else None
    values = {"@type": "NewsMediaOrganization", "name": feed.site, "url": feed.site_url, "logo": logo}
    return _compact(values)


def _section_names(article: ArticleDocument) -> Iterator[str]:
    for category in article.get("categories") or ():
        yield from section_names(category)


def _wikidata(value: str | None) -> str | None:
    return f"https://www.wikidata.org/entity/{value}" if value else None


def _subject(tag: Mapping[str, Any]) -> dict[str, Any]:
    values: dict[str, Any] = {
        "@type": _TAG_TYPES[tag["type"]],
        "name": tag["name"],
        "url": tag.get("canonicalUrl"),
        "sameAs": _wikidata(tag.get("wikidata")),
    }
    if position := tag.get("position"):
        values["geo"] = {"@type": "GeoCoordinates", **position}
    return _compact(values)


def _media(article: ArticleDocument) -> dict[str, list[dict[str, Any]]]:
    kinds = {"IMAGE": "image", "VIDEO": "video", "AUDIO": "audio"}
    result: dict[str, list[dict[str, Any]]] = {}
    for media, caption, alt in article_media(article):
        if media.get("kind") in kinds:
            values = _media_object(media, caption or alt, article)
            result.setdefault(kinds[media["kind"]], []).append(values)
    return result


def _media_object(media: Mapping[str, Any], caption: str, article: ArticleDocument) -> dict[str, Any]:
    kind = {"VIDEO": "VideoObject", "AUDIO": "AudioObject"}.get(media["kind"], "ImageObject")
    creator = {"@type": "Person", "name": media["creator"]} if media.get("creator") else None
    values: dict[str, Any] = {
        "@type": kind,
        "url": media["url"],
        "contentUrl": media["url"],
        "encodingFormat": media.get("mime"),
        "width": media.get("width"),
        "height": media.get("height"),
        "contentSize": str(media["bytes"]) if media.get("bytes") else None,
        "duration": f"PT{media['duration']:g}S" if media.get("duration") else None,
        "caption": caption,
        "creditText": media.get("credit"),
        "creator": creator,
        "copyrightNotice": media.get("copyright"),
        "license": media.get("licenceUrl") or media.get("licence"),
        "usageInfo": media.get("usageTerms"),
    }
    if kind == "VideoObject":  # name and uploadDate are what search engines require of a video
        values |= {"name": caption or article["headline"], "uploadDate": article.get("publishedAt")}
    return _compact(values)


def _paywall() -> dict[str, Any]:
    return {"@type": "WebPageElement", "isAccessibleForFree": False, "cssSelector": PAYWALL_SELECTOR}


def _correction(correction: Mapping[str, Any]) -> dict[str, Any]:
    values = {
        "@type": "CorrectionComment",
        "text": correction["text"],
        "datePublished": correction.get("correctedAt"),
        "genre": (correction.get("kind") or "").capitalize(),
    }
    return _compact(values)


def _citations(article: ArticleDocument) -> Iterator[dict[str, Any]]:
    """The sources of the attributions, each once. Of a chain the last relay is cited, based on the others."""
    seen = []
    for attribution in article.get("attributions") or ():
        if attribution.get("kind") == "PHOTO_CREDIT":
            continue
        work: dict[str, Any] | None = None
        for hop in hops_of(attribution):
            if cited := _cited_work(hop):
                work = {**cited, "isBasedOn": work} if work else cited
        if work and work not in seen:
            seen.append(work)
            yield work


def _cited_work(hop: Mapping[str, Any]) -> dict[str, Any] | None:
    source = hop.get("source")
    name = source_name(source)
    if not source or not name:
        return None
    creator = {
        "@type": "Person" if source.get("kind") in _PEOPLE else "Organization",
        "name": name,
        "url": source.get("homepage"),
        "sameAs": _wikidata(source.get("wikidata")),
    }
    values = {
        "@type": "Quotation" if hop.get("quote") else "CreativeWork",
        "name": name,
        "text": hop.get("quote"),
        "url": hop.get("url") or source.get("homepage"),
        "archivedAt": hop.get("archivedUrl"),
        "datePublished": hop.get("saidOn"),
        "creator": _compact(creator),
    }
    return _compact(values)


def _story(story: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if not story:
        return None
    values = {"@type": "CreativeWorkSeries", "name": story["title"], "url": story.get("canonicalUrl")}
    return _compact(values)


def _translation(other: Mapping[str, Any]) -> dict[str, Any]:
    values = {"@type": "NewsArticle", "@id": other["uri"], "url": other.get("canonicalUrl")}
    return _compact({**values, "headline": other.get("headline"), "inLanguage": other["language"]})


def _live_blog(article: ArticleDocument, free: bool) -> dict[str, Any]:
    entries = (article.get("liveEntries") or {}).get("nodes") or []
    times = [entry["at"] for entry in entries]
    return {
        "coverageStartTime": min([*times, *filter(None, [article.get("publishedAt")])], default=None),
        "liveBlogUpdate": [_live_entry(entry, article, free) for entry in entries],
    }


def _live_entry(entry: Mapping[str, Any], article: ArticleDocument, free: bool) -> dict[str, Any]:
    picture, author, url = entry.get("picture"), entry.get("author"), article.get("canonicalUrl")
    values = {
        "@type": "BlogPosting",
        "@id": entry["id"],
        "url": f"{url}#{entry['blockId']}" if url else None,
        "headline": entry.get("title") or (entry.get("text") or "").partition("\n")[0][:110],
        "datePublished": entry["at"],
        "dateModified": entry.get("updatedAt"),
        "author": _person(author) if author else None,
        "articleBody": entry.get("text") if free else None,
        "image": _media_object(picture, picture.get("caption") or "", article) if picture else None,
    }
    return _compact(values)
