"""What the readers of RSS and Atom have in common: items one by one, identity, times, rights, places."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, TypeAlias
from xml.etree.ElementTree import Element

from contentql.content.enums import TagType
from contentql.content.import_item import ImportItem
from contentql.content.warnings import WarningCode
from contentql.formats.article_builder import ArticleBuilder
from contentql.formats.feeds.feed_item import MAX_TEXT, SYSTEM, identity, set_extra, slug_of_address
from contentql.formats.feeds.feed_xml import (
    FeedHead,
    children,
    element_value,
    first_text,
    read_head,
    read_items,
    text_of,
)
from contentql.formats.feeds.lenient_xml import XML_BASE, Part, XmlError, join_address
from contentql.formats.source_file import ReadOptions, SourceFile

# Of a place, which becomes a tag.
PLACE_NAMES: Final = frozenset(("georss:featurename", "georss:point"))


ReadItem: TypeAlias = Callable[[Part, int, FeedHead, SourceFile, ReadOptions], ImportItem]


def read_feed(source: SourceFile, options: ReadOptions, read_item: ReadItem) -> Iterator[ImportItem]:
    """Yields an item for each one of a feed in XML, as `read_item` reads it."""
    index = 0
    try:
        head = read_head(source.file)
        for part in read_items(source, head):
            index += 1
            if part.error:
                error = f"the item cannot be read: {part.error}"
                yield ImportItem(source.name, error=error, place=f"item {index}")
                continue
            yield read_item(part, index, head, source, options)
    except XmlError as exc:
        yield ImportItem(source.name, error=str(exc), place=f"item {index + 1}")
    else:
        if not index:
            yield ImportItem(source.name, skipped="the feed has no items")


def new_builder(
    part: Part, index: int, head: FeedHead, source: SourceFile, options: ReadOptions, ids: tuple[str, str]
) -> ArticleBuilder:
    """The builder of an item; `ids`: its guid and link."""
    item = part.element
    guid, link = ids
    feed = head.address() or source.identity
    facts = (
        f"{first_text(item, 'title', 'atom:title')}\n{first_text(item, 'pubDate', 'dc:date', 'atom:updated')}"
    )
    external_id = identity(guid, link, feed, facts if facts.strip() else "".join(item.itertext())[:10_000])
    base = join_address(part.base, item.get(XML_BASE, ""))
    builder = ArticleBuilder(
        source.name,
        f"item {index}",
        options,
        system=SYSTEM,
        external_id=external_id,
        base_url=base or link or head.address(),
    )
    if not guid and not link:
        message = "the item has neither an id nor a link; with another title it will be another article"
        builder.warn(WarningCode.GUESSED, message, "externalIds")
    if head.encoding.wrong_declaration and index == 1:
        names = f"{head.encoding.wrong_declaration!r}; it is read as {head.encoding.name}"
        builder.warn(WarningCode.GUESSED, f"the file is not in its encoding {names}", "blocks")
    if link:
        builder.add_address(link)
        if slug := slug_of_address(link):
            builder.set_slug(slug)
    return builder


def set_times(
    builder: ArticleBuilder, item: Element, published: Sequence[str], updated: Sequence[str]
) -> None:
    """Sets the times of publication and update. One that is no time stays unset: it is never invented."""
    times = [
        next((at for name in names if (at := builder.parse_time(first_text(item, name), field))), None)
        for names, field in ((published, "publishedAt"), (updated, "updatedAt"))
    ]
    at, changed = times
    builder.set("published_at", at)
    builder.set("updated_at", changed if changed != at else None)
    if at is None and changed is not None:
        message = "the item names the time of its update only, taken as that of its publication"
        builder.guess("published_at", changed, message)
        builder.set("updated_at", None)
    builder.source_modified_at = changed or at
    builder.set("embargo_until", None)
    builder.set("expires_at", None)
    for period in children(item, "dcterms:valid"):
        for name, value in re.findall(r"(start|end)=([^;\s]+)", text_of(period)):
            builder.set_time("embargo_until" if name == "start" else "expires_at", value)
    if expires := first_text(item, "expirationDate"):
        builder.set_time("expires_at", expires)


def set_rights(builder: ArticleBuilder, item: Element, head: FeedHead, *names: str) -> None:
    rights = next((text for name in names if (text := first_text(item, name))), "") or head.text(*names)
    builder.set_html_text("copyright_notice", rights)


def add_place(builder: ArticleBuilder, item: Element) -> bool:
    """Adds the place of an item that has a name and a position; False if it has none."""
    name = first_text(item, "georss:featurename")
    numbers = re.split(r"[\s,]+", first_text(item, "georss:point"))
    if not name or len(numbers) != 2:
        return False
    try:
        latitude, longitude = map(float, numbers)
    except ValueError:
        return False
    return builder.add_tag(name, TagType.PLACE, latitude=latitude, longitude=longitude) is not None


def set_unread(
    builder: ArticleBuilder, item: Element, format: str, read: frozenset[str], **more: Any
) -> None:
    """Preserves the elements of an item that became no field."""
    elements = [element_value(child) for child in item if child.tag not in read]
    set_extra(builder, format, {"elements": elements, **more})


def check_size(builder: ArticleBuilder, *texts: str) -> str | None:
    """Why an item cannot be read."""
    is_large = any(len(text) > MAX_TEXT for text in texts)
    return f"its text is larger than {MAX_TEXT >> 20} MiB" if is_large else None
