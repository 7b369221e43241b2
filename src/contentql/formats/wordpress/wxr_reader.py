"""Reader of WordPress exports (WXR 1.0 to 1.2), in two passes with the memory of one item."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Final

from contentql.content.import_item import ImportItem
from contentql.content.records import FormatError
from contentql.formats.registry import Format
from contentql.formats.source_file import ReadOptions, SourceFile
from contentql.formats.wordpress.wxr_items import WxrPart, read_parts
from contentql.formats.wordpress.wxr_post import read_post
from contentql.formats.wordpress.wxr_site import Site, read_site

_WXR: Final = re.compile(rb"xmlns:wp\s*=\s*[\"']https?://wordpress\.org/export/|<wp:wxr_version>")
_WXR_UTF16: Final = "wordpress.org/export/"
# What is no article; one entry of the report for each type.
_NO_ARTICLES: Final = {
    "revision": "older versions of posts",
    "nav_menu_item": "entries of menus",
    "wp_template": "templates",
    "wp_template_part": "parts of templates",
    "wp_global_styles": "styles of the theme",
    "wp_navigation": "menus",
    "wp_font_family": "fonts",
    "wp_font_face": "fonts",
    "wp_block": "reusable blocks",
    "custom_css": "styles of the theme",
    "customize_changeset": "settings of the theme",
    "oembed_cache": "cached embeds",
    "user_request": "requests of users",
    "guest-author": "authors",
    "acf-field": "definitions of fields",
    "acf-field-group": "definitions of fields",
}
MAX_IDS: Final = 20  # of items in one entry of the report


def _sniff(head: bytes, name: str) -> bool:
    if _WXR.search(head):
        return True
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return _WXR_UTF16 in head[:65_534].decode("utf-16", "ignore")
    return False


def _read(source: SourceFile, options: ReadOptions) -> Iterator[ImportItem]:
    """Yields an item for each post and page; then one for each kind of items that are no articles."""
    site = read_site(read_parts(source.file))
    summary = _Summary(source.name)
    number = 0
    try:
        for part in read_parts(source.file):
            number = part.number
            if part.error:
                place = f"item {part.number}" if part.number else "head"
                yield ImportItem(source.name, place=place, error=part.error)
            elif part.number:
                if summary.counts(part):
                    continue
                item, used = read_post(source.name, part, site, options)
                summary.used |= used
                yield item
    except FormatError as exc:
        yield ImportItem(source.name, place=f"after item {number}" if number else "", error=str(exc))
    yield from summary.items(site)


class _Summary:
    """Counts what is no article. `used`: the attachments that posts show."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._ids: dict[str, list[str]] = defaultdict(list)
        self._counts: dict[str, int] = defaultdict(int)
        self.used: set[int] = set()

    def counts(self, part: WxrPart) -> bool:
        """Counts an item, and its comments; False if it may be an article."""
        self._counts["comment"] += sum(1 for _ in part.children("wp:comment"))
        kind = part.get("wp:post_type")
        if kind == "attachment":
            return True
        if kind not in _NO_ARTICLES:
            return False
        self._counts[kind] += 1
        if len(self._ids[kind]) < MAX_IDS:
            self._ids[kind].append(part.get("wp:post_id") or f"item {part.number}")
        return True

    def items(self, site: Site) -> Iterator[ImportItem]:
        """One item for each kind, with the ids of the first of them."""
        for kind, count in self._counts.items():
            if not count:
                continue
            if kind == "comment":
                reason = f"comments were left out, articles have none: {count:,}"
            else:
                shown = ", ".join(self._ids[kind]) + (", …" if count > MAX_IDS else "")
                reason = f"{_NO_ARTICLES[kind]}, which are no articles: {count:,} ({shown})"
            yield ImportItem(self._source, place=kind, skipped=reason)
        if site.attachments:
            unused = [number for number in site.attachments if number not in self.used]
            reason = f"files, which the posts that show them bring along: {len(site.attachments):,}"
            if unused:
                shown = ", ".join(map(str, unused[:MAX_IDS])) + (", …" if len(unused) > MAX_IDS else "")
                reason += f"; shown by no post: {len(unused):,} ({shown})"
            yield ImportItem(self._source, place="attachment", skipped=reason)


FORMAT = Format("wxr", _sniff, _read)
