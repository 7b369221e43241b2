"""Reader of web pages: one article a page, from JSON-LD, meta elements and the readable text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from html import escape
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

from contentql.content.blocks import Block, Image
from contentql.content.enums import (
    AttributionKind,
    ContentType,
    CorrectionKind,
    MediaKind,
    MediaRole,
    SourceKind,
    TagType,
)  # fmt: skip
from contentql.content.import_item import ImportItem, SourceStatus
from contentql.content.records import AttributionRecord, CorrectionRecord, FormatError, PlacementRecord
from contentql.content.warnings import WarningCode
from contentql.formats.article_builder import ArticleBuilder
from contentql.formats.body_callbacks import ExternalMedia
from contentql.formats.pages.html_repairs import FigureFiles
from contentql.formats.pages.html_tree import Element, parse_tree
from contentql.formats.pages.json_ld import ARTICLE_TYPES, address_of, text_of, types_of
from contentql.formats.pages.page_article import PageArticle, densest_article, find_article, is_gallery
from contentql.formats.pages.page_charset import decode_page
from contentql.formats.pages.page_metadata import PageMetadata
from contentql.formats.plain_text import html_to_text
from contentql.formats.registry import Format
from contentql.formats.source_file import ReadOptions, SourceFile

MAX_PAGE: Final = 16 * 1024 * 1024  # bytes
MAX_TAGS: Final = 200_000
MAX_EXTRACTED: Final = 2 * 1024 * 1024  # characters of a page that trafilatura reads

_NAME: Final = re.compile(r"\.(?:html?|xhtml|shtml|php|aspx?)$", re.IGNORECASE)
_START: Final = re.compile(
    rb"\s*(?:<\?xml[^<>]{0,200}\?>\s*)?(?:<!--.{0,4000}?-->\s*)*<(?:!doctype\s+html|html|head|body)\b",
    re.IGNORECASE | re.DOTALL,
)
_MARKUP: Final = re.compile(
    rb"<(?:article|main|section|div|p|h1|meta|title|link|script)\b[^<>]{0,2000}>", re.IGNORECASE
)
_TAG_TYPES: Final = {
    "Person": TagType.PERSON, "Organization": TagType.ORGANISATION, "Corporation": TagType.ORGANISATION,
    "NewsMediaOrganization": TagType.ORGANISATION, "Place": TagType.PLACE, "City": TagType.PLACE, "Country":
    TagType.PLACE, "AdministrativeArea": TagType.PLACE, "State": TagType.PLACE, "Event": TagType.EVENT,
    "Movie": TagType.WORK, "Book": TagType.WORK, "CreativeWork": TagType.WORK,
}  # fmt: skip
_HIDDEN_STATUS: Final = {"draft", "incomplete", "private", "scheduled", "deleted"}
_CANCELED_STATUS: Final = {"retracted", "withdrawn"}


def _sniff(head: bytes, name: str) -> bool:
    start = head.lstrip(b"\xef\xbb\xbf")[:20_000]
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        start = start.decode("utf-16", "ignore").encode()
    if _START.match(start):
        return True
    is_page = _NAME.search(name) is not None and not start.lstrip().startswith((b"<?php", b"{", b"["))
    return is_page and _MARKUP.search(start) is not None


def _read(source: SourceFile, options: ReadOptions) -> Iterator[ImportItem]:
    decoded = decode_page(source.read(MAX_PAGE))
    page = decoded.text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")
    if page.count("<") > MAX_TAGS:
        raise FormatError(f"the page has more than {MAX_TAGS:,} tags")
    yield read_page(source, options, page, charset_message=decoded.message)


def read_page(
    source: SourceFile,
    options: ReadOptions,
    page: str,
    *,
    place: str = "",
    charset_message: str | None = None,
) -> ImportItem:
    """Reads the article of a page, at a place of its file."""
    root = parse_tree(page)
    metadata = PageMetadata(page, root)
    return _Page(source, place, options, page, root, metadata).read(charset_message)


class _Page:
    """The article of one page."""

    def __init__(
        self,
        source: SourceFile,
        place: str,
        options: ReadOptions,
        page: str,
        root: Element,
        metadata: PageMetadata,
    ) -> None:
        self._page, self._root, self._metadata = page, root, metadata
        self._address = metadata.canonical or metadata.address
        if not self._address.startswith(("https://", "http://")):
            self._address = ""
        base = self._address or options.base_url or ""
        with suppress(ValueError):
            base = urljoin(base, metadata.base)
        self._builder = ArticleBuilder(
            source.name, place, options, base_url=base,
            system="html", external_id=self._address or f"{source.identity}{place and f' {place}'}",
        )  # fmt: skip

    def read(self, charset_message: str | None) -> ImportItem:
        builder, metadata = self._builder, self._metadata
        if charset_message:
            builder.warn(WarningCode.GUESSED, charset_message)
        if self._root.is_cut:
            builder.warn(
                WarningCode.DROPPED, "a tag or comment has no end; what follows it was left out", "blocks"
            )
        if metadata.json_ld.broken:
            count = metadata.json_ld.broken
            message = f"{count} {'block' if count == 1 else 'blocks'} of JSON-LD cannot be read"
            builder.warn(WarningCode.DROPPED, message)
        builder.set_language(metadata.languages())
        builder.set_text("summary", html_to_text(metadata.summary()))
        self._set_status()
        self._set_times()
        self._set_terms()
        lead = self._add_images()
        article = self._article()
        self._set_headline(article)
        body = self._set_body(article)
        self._set_lead(lead, body)
        self._set_addresses()
        self._set_record_fields()
        builder.extra["html"] = self._extra()
        return builder.build()

    # Metadata

    def _set_status(self) -> None:
        status = self._metadata.value("creativeWorkStatus").lower()
        if status in _HIDDEN_STATUS:
            self._builder.source_status = SourceStatus.HIDDEN
        elif status in _CANCELED_STATUS:
            self._builder.source_status = SourceStatus.CANCELED
        if access := self._metadata.access():
            self._builder.set("access", access)

    def _set_times(self) -> None:
        builder = self._builder
        published = builder.set_time("published_at", self._metadata.times("datePublished", "dateCreated"))
        modified = builder.parse_time(self._metadata.times("dateModified"), "updatedAt")
        builder.set("updated_at", modified or published)
        builder.source_modified_at = modified or published
        builder.set_time("expires_at", self._metadata.value("expires"))

    def _set_terms(self) -> None:
        builder, metadata = self._builder, self._metadata
        if sections := metadata.sections():
            builder.add_section(*sections)
        known = set()
        for name, types, wikidata in metadata.entities():
            kind = next((_TAG_TYPES[text] for text in types if text in _TAG_TYPES), TagType.TOPIC)
            builder.add_tag(name, kind, **({"wikidata": wikidata} if wikidata else {}))
            known.add(name.casefold())
        for name in metadata.keywords():
            if name.casefold() not in known:
                builder.add_tag(name)
        for name, url in metadata.authors():
            builder.add_author(name, url)

    def _add_images(self) -> int | None:
        """Adds the main picture of the metadata; the others are mostly other sizes of it."""
        images = self._metadata.images()
        return self._builder.add_media(images[0][0], MediaKind.IMAGE, **images[0][1]) if images else None

    def _set_headline(self, article: PageArticle | None) -> None:
        builder, metadata = self._builder, self._metadata
        shown = article.headline if article else ""
        if not shown and (element := self._root.first("h1")):
            shown = element.text()
        headline = metadata.headline() or shown or metadata.page_title()
        builder.set_text("headline", headline)
        known = map(_words, (headline, metadata.page_title(), ""))
        if article and _words(article.headline) not in known:
            message = "the page shows another headline than its metadata"
            builder.warn(WarningCode.CHANGED, message, "headline", article.headline[:200])
        kicker = html_to_text(metadata.value("alternativeHeadline")) or (article.kicker if article else "")
        builder.set_text("kicker", kicker if _words(kicker) != _words(headline) else "")

    def _set_addresses(self) -> None:
        """The slug and former address; a canonical address on another host is where the article belongs."""
        builder, own = self._builder, self._metadata.address
        is_elsewhere = bool(own and self._address) and _host(own) != _host(self._address)
        builder.set("canonical_url", builder.link(self._address, "canonicalUrl") if is_elsewhere else None)
        builder.set("canonical_elsewhere", is_elsewhere)
        address = own if is_elsewhere else self._address
        builder.add_address(address)
        if own and not is_elsewhere:
            builder.add_address(own)
        path = urlsplit(address).path if address else ""
        name = _NAME.sub("", path.rstrip("/").rpartition("/")[2])
        if name and not name.isdecimal() and name.lower() not in ("index", "default", "article"):
            builder.set_slug(name)

    def _set_record_fields(self) -> None:
        """Fields that only JSON-LD has."""
        builder, metadata = self._builder, self._metadata
        types = types_of(metadata.node)
        kinds = (ARTICLE_TYPES.get(name) for name in types)
        if kind := next(filter(None, kinds), None):
            is_checked = any("ClaimReview" in types_of(node) for node in metadata.json_ld.nodes)
            builder.set(
                "content_type", ContentType.FACT_CHECK if is_checked and kind is ContentType.NEWS else kind
            )
        if not metadata.node:
            return
        builder.set_text("dateline_place", metadata.value("dateline"))
        builder.set_text("copyright_notice", metadata.value("copyrightNotice"))
        builder.set_text("usage_terms", metadata.value("usageInfo"))
        builder.set("corrections", tuple(self._corrections()))
        builder.set("attributions", tuple(self._citations()))

    def _corrections(self) -> Iterator[CorrectionRecord]:
        builder, json_ld = self._builder, self._metadata.json_ld
        for value in json_ld.all(self._metadata.node, "correction")[:100]:
            node = value if isinstance(value, dict) else {"text": value}
            text = builder.clean(
                html_to_text(json_ld.text(node, "text", "description", "name")), "corrections"
            )
            date = json_ld.text(node, "datePublished", "dateCreated", "dateModified")
            at = builder.parse_time(date, "corrections") or builder.source_modified_at
            if text and at and not re.fullmatch(r"https?://\S+", text):
                yield CorrectionRecord(kind=CorrectionKind.CORRECTION, at=at, text=text)
            elif text:
                reason = "has no time" if not at else "is only an address"
                builder.warn(
                    WarningCode.DROPPED, f"a correction {reason} and was left out", "corrections", text[:200]
                )

    def _citations(self) -> Iterator[AttributionRecord]:
        """Suggestions of attributions for the works and sources that the article cites."""
        builder, json_ld = self._builder, self._metadata.json_ld
        names = set()
        for value in json_ld.all(self._metadata.node, "citation")[:100]:
            name = text_of(value)
            if not name or name in names or re.fullmatch(r"https?://\S+", name):
                continue
            names.add(name)
            address = (
                next(filter(None, (address_of(url) for url in json_ld.all(value, "url"))), "")
                if isinstance(value, dict)
                else ""
            )
            slug = builder.add_source(name, _source_kind(value))
            if slug:
                url = builder.link(address, "attributions") if address.startswith("http") else None
                yield AttributionRecord(kind=AttributionKind.OTHER, source=slug, url=url, made_by="import")

    def _extra(self) -> dict[str, Any]:
        metadata = self._metadata
        publisher = metadata.value("publisher") or metadata.meta("og:site_name")
        images = [
            builder_url
            for url, _ in metadata.images()[1:]
            if (builder_url := self._builder.media_address(url))
        ]
        types = types_of(metadata.node)
        return {
            name: value
            for name, value in {
                "publisher": publisher[:300],
                "images": images[:100],
                "types": types[:10],
            }.items()
            if value
        }

    # Body

    def _article(self) -> PageArticle | None:
        known = self._metadata.known_texts()
        article = find_article(self._root, known)
        if article is not None or self._own_text():
            return article
        if (html := _extracted(self._page)) is not None:
            return PageArticle(parse_tree(html))
        return densest_article(self._root, known)

    def _own_text(self) -> str:
        """The text of the article in the metadata, mostly without links and pictures."""
        return self._metadata.json_ld.body(self._metadata.node, "articleBody", "reviewBody")

    def _set_body(self, article: PageArticle | None) -> tuple[Block, ...]:
        builder = self._builder
        updates = self._metadata.json_ld.all(self._metadata.node, "liveBlogUpdate")
        text = self._own_text()
        if updates:
            return builder.html_body(_paragraphs(text) + "".join(map(self._live_entry, updates[:5_000])))
        figures = FigureFiles(builder)
        for element in article.body.elements("figure", "div", "ul") if article else ():
            if is_gallery(element):
                figures.make_gallery(element)
        shown = article.body.html() if article else ""
        # Text that a script would show, or that is only a teaser of what the metadata have.
        if text and len(html_to_text(shown)) * 2 < len(html_to_text(text)):
            return builder.html_body(_paragraphs(text))
        facts = {
            builder.media_address(url): known for url, known in (article.pictures if article else {}).items()
        }

        def show(media: ExternalMedia) -> int | None:
            return builder.add_media(media.url, media.kind, alt=media.alt, **facts.get(media.url, {}))

        body = builder.html_body(shown, replace(builder.callbacks, external=show, media=figures.media))
        if not body:
            builder.warn(WarningCode.DROPPED, "the page has no text that can be read as an article", "blocks")
        return body

    def _live_entry(self, update: Any) -> str:
        json_ld = self._metadata.json_ld
        if not isinstance(update, dict):
            return _paragraphs(text_of(update))
        at = self._builder.parse_time(json_ld.text(update, "datePublished", "dateModified"), "blocks")
        title = html_to_text(json_ld.text(update, "headline", "name"))
        text = _paragraphs(json_ld.body(update, "articleBody", "text", "description"))
        pictures = "".join(
            f'<figure><img src="{escape(url)}"></figure>'
            for value in json_ld.all(update, "image")
            if (url := address_of(value))
        )
        if at is None:
            return f"<h3>{escape(title)}</h3>{text}{pictures}" if title else text + pictures
        time = f'<time datetime="{at:%Y-%m-%dT%H:%M:%SZ}"></time>'
        heading = f"<h3>{escape(title)}</h3>" if title else ""
        return f'<section data-type="live_entry">{time}{heading}{text}{pictures}</section>'

    def _set_lead(self, lead: int | None, body: tuple[Block, ...]) -> None:
        """Sets the lead picture; one that the body begins with is not shown twice."""
        caption = None
        first = body[0] if body else None
        if isinstance(first, Image) and first.media == lead:
            caption = first.caption
            self._builder.set_body(body[1:])
        self._builder.set("lead_media", lead)
        placement = (
            () if lead is None else (PlacementRecord(media=lead, role=MediaRole.LEAD, caption=caption),)
        )
        self._builder.set("media", placement)


def _paragraphs(text: str) -> str:
    """HTML of a text that is HTML already or has a paragraph a line."""
    if re.search(r"<(?:p|br|div|ul|ol|h\d)\b", text, re.IGNORECASE):
        return f"<div>{text}</div>"
    return "".join(f"<p>{line}</p>" for line in text.split("\n") if line.strip())


def _extracted(page: str) -> str | None:
    """The text of a page as HTML by trafilatura, where it is installed; None if it finds none."""
    if find_spec("trafilatura") is None or len(page) > MAX_EXTRACTED:
        return None
    try:
        html: str | None = import_module("trafilatura").extract(
            page, output_format="html", include_comments=False, include_images=True, include_links=True,
            include_formatting=True,
        )  # fmt: skip
    except Exception:  # of lxml and others, for pages that they cannot read
        return None
    return html


def _source_kind(value: Any) -> SourceKind:
    types = types_of(value)
    if "Person" in types:
        return SourceKind.PERSON
    return SourceKind.DATASET if "Dataset" in types else SourceKind.OTHER


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.casefold())


def _host(url: str) -> str:
    try:
        return (urlsplit(url).hostname or "").removeprefix("www.")
    except ValueError:
        return ""


FORMAT = Format("html", _sniff, _read)
