"""Reader of Atom 1.0 (RFC 4287) and 0.3, with the tombstones of RFC 6721 and the drafts of RFC 5023.

An entry is identified by its id, and inherits authors and rights of the feed. E-mail addresses are not
stored; elements that no field can hold are preserved.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Final
from urllib.parse import urlsplit
from xml.etree.ElementTree import Element

from contentql.content import blocks
from contentql.content.enums import MediaKind
from contentql.content.import_item import ImportItem, SourceStatus
from contentql.content.media_types import kind_of_media_type
from contentql.content.warnings import WarningCode
from contentql.formats.article_builder import ArticleBuilder
from contentql.formats.feeds.feed_item import Term, add_embed, add_terms, place_media, set_content
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
    FeedHead,
    children,
    element_value,
    first_text,
    html_of,
    plain_name,
    root_of,
    text_of,
)
from contentql.formats.feeds.lenient_xml import XML_BASE, XML_LANG, Part, join_address, resolve_references
from contentql.formats.plain_text import html_to_text, without_email
from contentql.formats.registry import Format
from contentql.formats.source_file import ReadOptions, SourceFile

_PUBLISHED: Final = ("atom:published", "atom:issued", "atom:created", "dc:date", "dcterms:issued")
_UPDATED: Final = ("atom:updated", "atom:modified", "dcterms:modified")
# Elements that become fields, or have addresses of persons.
_READ: Final = frozenset(
    (
        *_PUBLISHED, *_UPDATED, "atom:id", "atom:title", "atom:link", "atom:summary", "atom:content",
        "atom:author", "atom:category", "atom:rights", "media:group", "media:content", "media:thumbnail",
        "media:title", "media:description", "media:credit", "media:copyright", "media:rating",
        "media:license", "app:control", "app:edited", "dc:creator", "dc:language", "dc:subject", "dc:rights",
        "dcterms:valid", "feedburner:origLink", "blogger:status", "blogger:type",
    )
)  # fmt: skip
_KIND_SCHEME: Final = "http://schemas.google.com/g/2005#kind"


def _sniff(head: bytes, name: str) -> bool:
    root = root_of(head)
    return root is not None and plain_name(root.tag) in ("atom:feed", "atom:entry", "feed")


def _read(source: SourceFile, options: ReadOptions) -> Iterator[ImportItem]:
    yield from read_feed(source, options, _item)


def _item(part: Part, index: int, head: FeedHead, source: SourceFile, options: ReadOptions) -> ImportItem:
    entry = part.element
    for element in entry.iter():
        if ":" not in element.tag and "}" not in element.tag:
            element.tag = f"atom:{element.tag}"  # a feed without the namespace of Atom
    if entry.tag.endswith("deleted-entry"):
        return _tombstone(entry, index, source, options)
    base = join_address(part.base or head.address(), entry.get(XML_BASE, ""))
    link = _link(entry, base)
    entry_id = first_text(entry, "atom:id")
    builder = new_builder(part, index, head, source, options, (entry_id, link))
    if reason := _no_article(entry):
        return builder.skip(reason)
    language = entry.get(XML_LANG) or part.language or first_text(entry, "dc:language")
    content = next(iter(children(entry, "atom:content")), None)
    own_language = content.get(XML_LANG) if content is not None else None
    builder.set_language(own_language or language or head.text("dc:language", "atom:language") or None)
    _set_title(builder, entry)
    builder.source_status = _status(entry)
    set_times(builder, entry, _PUBLISHED, _UPDATED)
    _add_authors(builder, entry, head)
    terms = [
        Term(e.get("term") or text_of(e), e.get("scheme", ""), e.get("label", ""))
        for e in children(entry, "atom:category")
        if e.get("scheme") != _KIND_SCHEME
    ]
    terms += [Term(text_of(e)) for e in children(entry, "dc:subject")]
    add_terms(builder, terms)
    read = _READ | PLACE_NAMES if add_place(builder, entry) else _READ
    set_rights(builder, entry, head, "atom:rights", "dc:rights")
    media = add_media(builder, entry)
    links = [
        element_value(e)
        for e in children(entry, "atom:link")
        if e.get("rel", "alternate") not in ("alternate", "enclosure", "self", "edit")
    ]
    set_unread(builder, entry, "atom", read, links=links)
    if reason := _set_content(builder, entry, base, media.kinds):
        return builder.fail(reason)
    for address in media.embeds:
        add_embed(builder, address)
    place_media(builder, media.kinds)
    return builder.build()


def _tombstone(entry: Element, index: int, source: SourceFile, options: ReadOptions) -> ImportItem:
    """The item of an entry that was removed. Its fields apply to no article that is stored."""
    entry_id = entry.get("ref", "").strip()
    builder = ArticleBuilder(
        source.name, f"item {index}", options, system="feed", external_id=entry_id[:500] or None
    )
    if not entry_id:
        return builder.fail("the entry was deleted, but the feed does not name its id")
    builder.source_status = SourceStatus.CANCELED
    builder.source_modified_at = builder.parse_time(entry.get("when"), "updatedAt")
    builder.set("headline", f"Deleted: {entry_id}"[:300])
    builder.set("language", "en")
    item = builder.build()
    values = item.record.model_fields_set if item.record else set()
    return replace(item, derived=frozenset(values - {"external_ids"}))


def _no_article(entry: Element) -> str | None:
    """Why an entry of an export of a blog is no article."""
    kinds = [e.get("term", "") for e in children(entry, "atom:category") if e.get("scheme") == _KIND_SCHEME]
    kind = (kinds[0].rpartition("#")[2] if kinds else first_text(entry, "blogger:type")).lower()
    return f"it is no article but a {kind}" if kind in ("comment", "settings", "template") else None


def _status(entry: Element) -> SourceStatus:
    drafts = [first_text(control, "app:draft") for control in children(entry, "app:control")]
    is_draft = any(draft.lower() in ("yes", "true") for draft in drafts)
    state = first_text(entry, "blogger:status") or "LIVE"
    return SourceStatus.HIDDEN if is_draft or state != "LIVE" else SourceStatus.PUBLIC


def _set_title(builder: ArticleBuilder, entry: Element) -> None:
    title = next(iter(children(entry, "atom:title")), None)
    if title is None:
        builder.set_html_text("headline", first_text(entry, "dc:title", "media:title"))
        return
    kind = _type(title)
    if kind == "xhtml" or len(title):
        builder.set_text("headline", text_of(title))
    elif kind == "text":
        # Many programs escape twice here.
        builder.set_text("headline", resolve_references(title.text or ""))
    else:
        builder.set_html_text("headline", _value(title, ""))


def _type(element: Element) -> str:
    """`text`, `html`, `xhtml` or a media type; Atom 0.3 has media types only."""
    kind = element.get("type", "text").strip().lower()
    if kind in ("text/plain", ""):
        return "text"
    if kind in ("text/html", "application/octet-stream") or element.get("mode") == "base64":
        return "html"
    return "xhtml" if kind == "application/xhtml+xml" else kind


def _value(element: Element, base: str) -> str:
    """The text or HTML of a text construct."""
    kind = element.get("type", "").lower()
    is_text_type = kind in ("", "text", "html", "xhtml") or kind.startswith("text/") or "xml" in kind
    if element.get("mode") == "base64" or (not is_text_type and not len(element)):
        try:
            data = base64.b64decode("".join(text_of(element).split()), validate=True)
            return data.decode()
        except (binascii.Error, ValueError):
            return text_of(element)
    return html_of(element, base)


def _set_content(
    builder: ArticleBuilder, entry: Element, base: str, media: dict[int, MediaKind]
) -> str | None:
    """Sets body and summary; returns why they cannot be read."""
    values = {}
    content_type = "text"
    for name in ("atom:content", "atom:summary"):
        values[name] = ""
        for element in children(entry, name)[:1]:
            own = join_address(builder.base_url or base, element.get(XML_BASE, ""))
            value = _value(element, own)
            kind = _type(element)
            if name == "atom:content":
                content_type = kind
                builder.base_url = own
            elif kind == "text" and not len(element) and not re.search(r"<\w|&\w+;", value):
                value = value.replace("&", "&amp;").replace("<", "&lt;")
            values[name] = value
    content, summary = values["atom:content"], values["atom:summary"]
    if reason := check_size(builder, content, summary):
        return reason
    is_text = content_type == "text" and not re.search(r"</?(p|br|div|img|a|b|i|em|strong)\b", content)
    if not content and not summary:
        summary = first_text(entry, "media:description")
        for group in children(entry, "media:group"):
            summary = summary or first_text(group, "media:description")
    set_content(builder, content, summary, is_text=is_text)
    for element in children(entry, "atom:content")[:1]:
        if address := element.get("src"):
            _add_outside(builder, address, element.get("type", ""), media)
    return None


def _add_outside(builder: ArticleBuilder, address: str, mime: str, media: dict[int, MediaKind]) -> None:
    """Adds content that is not in the feed: media as such, else a link to it."""
    kind = kind_of_media_type(mime)
    if kind and kind is not MediaKind.DOCUMENT:
        number = builder.add_media(address, kind, mime=mime)
        if number is not None:
            media.setdefault(number, kind)
            return
    if link := builder.link(address, "blocks"):
        title = builder.get("headline") or urlsplit(link).path or link
        builder.set_body((*(builder.get("blocks") or ()), blocks.RelatedLink(url=link, title=title)))
        message = f"the text is at {link[:200]}, which was not read; the body has a link to it"
        builder.warn(WarningCode.DROPPED, message, "blocks")


def _add_authors(builder: ArticleBuilder, entry: Element, head: FeedHead) -> None:
    """Adds the authors of an entry, else those of the feed that it comes from, else those of this feed."""
    authors = children(entry, "atom:author")
    for source in children(entry, "atom:source"):
        authors = authors or children(source, "atom:author")
    if not authors and (names := children(entry, "dc:creator")):
        for element in names[:50]:
            builder.add_author(text_of(element))
        return
    for author in (authors or head.elements.get("atom:author") or head.elements.get("author") or ())[:50]:
        name = html_to_text(first_text(author, "atom:name", "name") or _only_text(author))
        url = first_text(author, "atom:uri", "atom:url", "uri", "url")
        if without_email(name):
            builder.add_author(name, url=url or None)


def _only_text(element: Element) -> str:
    return "" if len(element) else text_of(element)


def _link(entry: Element, base: str) -> str:
    """The address of the page of an entry; "" if it has none."""
    links = [e for e in children(entry, "atom:link") if e.get("rel", "alternate") == "alternate"]
    pages = [e for e in links if e.get("type", "text/html") in ("text/html", "application/xhtml+xml")]
    addresses = [first_text(entry, "feedburner:origLink")]
    addresses += [e.get("href") or text_of(e) for e in (pages or links)]
    address = next(filter(None, addresses), "")
    link = join_address(base, address) if address else ""
    return link if re.match(r"https?://", link) else ""


FORMAT: Final = Format("atom", _sniff, _read)
