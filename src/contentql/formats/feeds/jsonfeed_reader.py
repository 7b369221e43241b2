"""Reader of JSON Feed 1 and 1.1, item by item.

An item is identified by its id; one without an id is an error, as the specification demands. Extensions,
whose names begin with `_`, are preserved.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from contentql.content.enums import MediaKind
from contentql.content.import_item import ImportItem
from contentql.content.media_types import guess_media_type, kind_of_media_type
from contentql.content.warnings import WarningCode
from contentql.formats.article_builder import ArticleBuilder
from contentql.formats.encodings import decode_chunks, detect_encoding
from contentql.formats.feeds.feed_item import (
    MAX_MEDIA,
    MAX_TEXT,
    SYSTEM,
    Term,
    add_terms,
    identity,
    place_media,
    set_content,
    set_extra,
    slug_of_address,
)
from contentql.formats.feeds.json_stream import JsonError, read_members
from contentql.formats.plain_text import html_to_text, without_email
from contentql.formats.registry import Format
from contentql.formats.source_file import ReadOptions, SourceFile

_VERSION: Final = re.compile(rb'"version"\s*:\s*"https?:\\?/\\?/(?:www\.)?jsonfeed\.org\\?/version\\?/')
_READ: Final = frozenset(
    (
        "id", "url", "title", "content_html", "content_text", "summary", "image", "banner_image",
        "date_published", "date_modified", "author", "authors", "tags", "language", "attachments",
    )
)  # fmt: skip


def _sniff(head: bytes, name: str) -> bool:
    text = head.replace(b"\0", b"")
    return text.lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n").startswith(b"{") and _VERSION.search(text) is not None


def _read(source: SourceFile, options: ReadOptions) -> Iterator[ImportItem]:
    encoding = detect_encoding(source.file)
    feed: dict[str, Any] = {}
    index = 0
    # The members that describe the feed may stand behind the items. Errors are reported with the items.
    with contextlib.suppress(JsonError):
        for member in read_members(decode_chunks(source.file, encoding), "items"):
            if member.position is None:
                feed[member.name] = member.value
    try:
        for member in read_members(decode_chunks(source.file, encoding), "items"):
            if member.position is None:
                continue
            index = member.position
            place = f"item {index}"
            if member.error or not isinstance(member.value, dict):
                reason = member.error or "it must be an object"
                yield ImportItem(source.name, error=f"the item cannot be read: {reason}", place=place)
            else:
                yield _article(member.value, place, feed, source, options)
    except JsonError as exc:
        yield ImportItem(source.name, error=str(exc), place=f"item {index + 1}")
    else:
        if not index:
            yield ImportItem(source.name, skipped="the feed has no items")


def _article(
    item: Mapping[str, Any], place: str, feed: Mapping[str, Any], source: SourceFile, options: ReadOptions
) -> ImportItem:
    item_id, link = _line(item.get("id")), _line(item.get("url"))
    if not item_id:
        error = "the item has no id, by which it could be found again"
        return ImportItem(source.name, error=error, place=place)
    home = _line(feed.get("home_page_url")) or _line(feed.get("feed_url"))
    builder = ArticleBuilder(
        source.name,
        place,
        options,
        system=SYSTEM,
        external_id=identity(item_id, link, home or source.identity, ""),
        base_url=link if link.startswith("http") else home,
    )
    link = builder.resolve(link) if link else ""
    if re.match(r"https?://", link):
        builder.add_address(link)
        if slug := slug_of_address(link):
            builder.set_slug(slug)
    builder.set_language(_line(item.get("language")) or _line(feed.get("language")))
    builder.set_html_text("headline", _line(item.get("title")))
    published = builder.set_time("published_at", _line(item.get("date_published")))
    modified = builder.parse_time(_line(item.get("date_modified")), "updatedAt")
    builder.set("updated_at", modified if modified != published else None)
    builder.source_modified_at = modified or published
    _add_authors(builder, item, feed)
    tags = [tag for tag in _list(item.get("tags")) if isinstance(tag, str) and tag.strip()]
    add_terms(builder, [Term(tag) for tag in tags])
    media = _add_media(builder, item)
    set_extra(builder, "jsonFeed", {name: value for name, value in item.items() if name not in _READ})
    if reason := _set_content(builder, item):
        return builder.fail(reason)
    place_media(builder, media)
    return builder.build()


def _set_content(builder: ArticleBuilder, item: Mapping[str, Any]) -> str | None:
    html, text, summary = (_text(item.get(name)) for name in ("content_html", "content_text", "summary"))
    if max(map(len, (html, text, summary))) > MAX_TEXT:
        return f"its text is larger than {MAX_TEXT >> 20} MiB"
    if summary and not re.search(r"<\w", summary):
        summary = summary.replace("<", "&lt;")
    set_content(builder, html.strip() or text, summary, is_text=not html.strip())
    return None


def _add_authors(builder: ArticleBuilder, item: Mapping[str, Any], feed: Mapping[str, Any]) -> None:
    """Adds the authors of an item, else those of the feed; 1.0 has `author`, 1.1 `authors`."""
    authors: list[Any] = []
    for values in (item, feed):
        authors = authors or _list(values.get("authors")) or _list(values.get("author"))
    for author in authors[:50]:
        values = author if isinstance(author, dict) else {"name": author}
        name = html_to_text(_line(values.get("name")))
        url = _line(values.get("url"))
        if without_email(name):
            builder.add_author(name, url=url if url and not url.startswith("mailto:") else None)


def _add_media(builder: ArticleBuilder, item: Mapping[str, Any]) -> dict[int, MediaKind]:
    """Adds the pictures and attachments of an item; `image` is the main picture."""
    media: dict[int, MediaKind] = {}
    for name in ("image", "banner_image"):
        if url := _line(item.get(name)):
            number = builder.add_media(url, MediaKind.IMAGE)
            if number is not None:
                media.setdefault(number, MediaKind.IMAGE)
    attachments = [value for value in _list(item.get("attachments")) if isinstance(value, dict)]
    if len(attachments) > MAX_MEDIA:
        message = f"an item may have at most {MAX_MEDIA} media files, others were left out"
        builder.warn(WarningCode.DROPPED, message, "media")
    for attachment in attachments[:MAX_MEDIA]:
        url, mime = _line(attachment.get("url")), _line(attachment.get("mime_type")).lower()
        kind = kind_of_media_type(mime) or kind_of_media_type(guess_media_type(url) or "")
        is_mime = re.fullmatch(r"\w+/[\w.+-]{1,90}", mime) is not None
        number = builder.add_media(
            url,
            kind or MediaKind.DOCUMENT,
            mime=mime if is_mime else None,
            bytes=_whole(attachment.get("size_in_bytes")),
            duration=_seconds(attachment.get("duration_in_seconds")),
            caption=_text(attachment.get("title")),
        )
        if number is not None:
            media.setdefault(number, kind or MediaKind.DOCUMENT)
    return media


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value] if value not in (None, "") else []


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _line(value: Any) -> str:
    """A text, or a number as text; "" for other values."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    return re.sub("[\x00-\x1f\x7f-\x9f\ud800-\udfff]", " ", str(value)).strip()


def _whole(value: Any) -> int | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return int(value) if is_number and 0 < value < 1 << 53 else None


def _seconds(value: Any) -> float | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and 0 < value < 1e7 else None


FORMAT: Final = Format("jsonfeed", _sniff, _read)
