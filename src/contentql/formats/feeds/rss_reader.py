"""Reader of RSS 2.0, 0.9x and 1.0 (RDF), with the modules that newsrooms use.

An item is identified by its guid, without one by its link. The full text is `content:encoded`, else the
description. E-mail addresses of authors are not stored; elements that no field can hold are preserved.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final
from xml.etree.ElementTree import Element

from contentql.content.import_item import ImportItem
from contentql.formats.article_builder import ArticleBuilder
from contentql.formats.feeds.feed_item import (
    Term,
    add_authors,
    add_embed,
    add_terms,
    place_media,
    set_content,
)
from contentql.formats.feeds.feed_media import add_media
from contentql.formats.feeds.feed_reader import (
    PLACE_NAMES,
    add_place,
    check_size,
    new_builder,
    read_feed,
    set_rights,
    set_times,
    set_unread,
)
from contentql.formats.feeds.feed_xml import (
    RSS_NAMESPACES,
    FeedHead,
    children,
    first_text,
    html_of,
    plain_name,
    root_of,
    text_of,
)
from contentql.formats.feeds.lenient_xml import XML_BASE, XML_LANG, Part, join_address
from contentql.formats.registry import Format
from contentql.formats.source_file import ReadOptions, SourceFile

_PUBLISHED: Final = ("pubDate", "dc:date", "dcterms:issued", "dcterms:created", "atom:published")
_UPDATED: Final = ("atom:updated", "dcterms:modified")
_BODIES: Final = ("content:encoded", "xhtml:body", "body", "fullitem", "atom:content")
_SUMMARIES: Final = ("description", "atom:summary", "dc:description", "itunes:summary", "itunes:subtitle")
_AUTHORS: Final = ("dc:creator", "itunes:author", "author", "dc:author")
_TERMS: Final = ("category", "dc:subject", "media:category")
_KEYWORDS: Final = ("media:keywords", "itunes:keywords")
# Elements that become fields, or have addresses of persons.
_READ: Final = frozenset(
    (
        *_PUBLISHED, *_UPDATED, *_BODIES, *_SUMMARIES, *_AUTHORS, *_TERMS, *_KEYWORDS, "title", "link",
        "guid",
        "enclosure", "image", "itunes:image", "itunes:duration", "itunes:title", "dc:title", "dc:language",
        "media:group", "media:content", "media:thumbnail", "media:title", "media:description", "media:credit",
        "media:copyright", "media:rating", "media:license", "dc:rights", "copyright", "dcterms:valid",
        "expirationDate", "feedburner:origLink", "atom:author", "atom:id", "dc:publisher", "managingEditor",
        "webMaster",
    )
)  # fmt: skip


def _sniff(head: bytes, name: str) -> bool:
    root = root_of(head)
    if root is None:
        return False
    if plain_name(root.tag) == "rdf:RDF":
        return any(namespace.encode() in head for namespace in RSS_NAMESPACES) or b"<channel" in head
    return plain_name(root.tag) in ("rss", "channel")


def _read(source: SourceFile, options: ReadOptions) -> Iterator[ImportItem]:
    yield from read_feed(source, options, _article)


def _article(part: Part, index: int, head: FeedHead, source: SourceFile, options: ReadOptions) -> ImportItem:
    item = part.element
    base = join_address(part.base or head.address(), item.get(XML_BASE, ""))
    guid, link = _ids(item, base)
    builder = new_builder(part, index, head, source, options, (guid, link))
    language = first_text(item, "dc:language") or item.get(XML_LANG) or part.language
    builder.set_language(language or head.text("language", "dc:language") or head.language)
    builder.set_html_text("headline", first_text(item, "title", "dc:title", "itunes:title", "media:title"))
    set_times(builder, item, _PUBLISHED, _UPDATED)
    names = [text_of(author) for author in children(item, _AUTHORS[0])]
    names += [first_text(author, "atom:name") for author in children(item, "atom:author")]
    names = names or [text for name in _AUTHORS[1:] if (text := first_text(item, name))][:1]
    add_authors(builder, names)
    terms = [Term(text_of(e), e.get("domain") or e.get("scheme") or "") for e in children(item, *_TERMS)]
    for keywords in children(item, *_KEYWORDS):
        terms += [Term(word.strip()) for word in text_of(keywords).split(",") if word.strip()]
    add_terms(builder, terms)
    has_place = add_place(builder, item)
    set_rights(builder, item, head, "dc:rights", "copyright", "atom:rights")
    media = add_media(builder, item)
    extra = {"guid": guid} if guid and not guid.startswith("http") else {}
    set_unread(builder, item, "rss", _READ | PLACE_NAMES if has_place else _READ, **extra)
    content, summary = _html(item, _BODIES, base, builder), _html(item, _SUMMARIES, base, builder)
    if reason := check_size(builder, content, summary):
        return builder.fail(reason)
    set_content(builder, content, summary)
    for address in media.embeds:
        add_embed(builder, address)
    place_media(builder, media.kinds)
    return builder.build()


def _html(item: Element, names: tuple[str, ...], base: str, builder: ArticleBuilder) -> str:
    """The HTML of the first of these elements that has any."""
    for element in children(item, *names):
        own = join_address(builder.base_url or base, element.get(XML_BASE, ""))
        if html := html_of(element, own):
            builder.base_url = own
            return html
    return ""


def _ids(item: Element, base: str) -> tuple[str, str]:
    """The guid of an item, and the address of its page; either may be ""."""
    guid = next(iter(children(item, "guid", "atom:id")), None)
    value = text_of(guid)
    links = [first_text(item, "feedburner:origLink"), *map(text_of, children(item, "link"))]
    links += [link.get("href", "") for link in children(item, "link")]
    links += [
        e.get("href", "") for e in children(item, "atom:link") if e.get("rel", "alternate") == "alternate"
    ]
    link = next(filter(None, links), "")
    is_link = guid is not None and guid.get("isPermaLink", "true").lower() != "false"
    if not link and is_link and re.match(r"https?://", value):
        link = value
    about = next((text for name, text in item.attrib.items() if name.endswith("}about")), "")
    link = join_address(base, link or (about if about.startswith("http") else "")) if link or about else ""
    return value or about, link if re.match(r"https?://", link) else ""


FORMAT: Final = Format("rss", _sniff, _read)
