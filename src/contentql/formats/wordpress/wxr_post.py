"""The import item of a WordPress post or page."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from contentql.content.enums import ContentType, MediaRole
from contentql.content.import_item import ImportItem, SourceStatus
from contentql.content.records import PlacementRecord
from contentql.content.warnings import WarningCode
from contentql.formats.article_builder import ArticleBuilder
from contentql.formats.plain_text import html_to_text
from contentql.formats.source_file import ReadOptions
from contentql.formats.wordpress.shortcodes import replace_shortcodes
from contentql.formats.wordpress.wxr_body import MAX_CONTENT, PostBody
from contentql.formats.wordpress.wxr_items import WxrPart
from contentql.formats.wordpress.wxr_meta import first_values, keep_meta
from contentql.formats.wordpress.wxr_site import Site, is_number, post_meta, urlsplit_path

_NO_DATE: Final = re.compile(r"[-0: ]*")
_CANONICAL_KEYS: Final = (
    "_yoast_wpseo_canonical",
    "rank_math_canonical_url",
    "_genesis_canonical_uri",
    "_seopress_robots_canonical",
)
_DESCRIPTION_KEYS: Final = (
    "_yoast_wpseo_metadesc", "rank_math_description", "_aioseo_description", "_aioseop_description",
    "_genesis_description", "_seopress_titles_desc",
)  # fmt: skip
_PRIMARY_KEYS: Final = ("_yoast_wpseo_primary_category", "rank_math_primary_category")
_CONTENT_TYPES: Final = {"gallery": ContentType.GALLERY, "video": ContentType.VIDEO}
_DATE_IN_PATH: Final = re.compile(r"/\d{4}/\d{2}(/\d{2})?/")
_TRASHED: Final = re.compile(r"__trashed(?:-\d+)?$")
_UNFINISHED: Final = {"draft", "pending", "auto-draft"}  # have no time of publication


@dataclass(frozen=True)
class _Category:
    domain: str
    slug: str
    name: str


def read_post(source: str, part: WxrPart, site: Site, options: ReadOptions) -> tuple[ImportItem, set[int]]:
    """The item of a post, and the ids of the attachments that it shows."""
    number = part.get("wp:post_id")
    kind = part.get("wp:post_type") or "post"
    link = part.get("link")
    place = f"{kind} {number}" if number else f"item {part.number}"
    builder = ArticleBuilder(
        source, place, options,
        system="wordpress",
        external_id=f"{site.address}/?p={number}" if number else part.get("guid") or link or None,
        base_url=link if urlsplit_path(link).strip("/") else f"{site.address}/",
    )  # fmt: skip
    content = part.get("content:encoded")
    if part.get("wp:status") == "auto-draft" and not html_to_text(content[:100_000]):
        return builder.skip("a draft that was begun and has no text"), set()
    if kind not in ("post", "page"):
        if not html_to_text(content[:100_000]):
            reason = f"an item of the type {kind!r} without a text, {part.get('title')[:100]!r}"
            return builder.skip(reason), set()
        message = f"it is of the type {kind!r}, not a post or page"
        builder.warn(WarningCode.GUESSED, message, "contentType", kind[:100])
    if len(content) > MAX_CONTENT:
        return builder.fail(f"its text has more than {MAX_CONTENT:,} characters"), set()
    return _Post(builder, part, site).read(kind, number)


class _Post:
    """Fills the builder of one post."""

    def __init__(self, builder: ArticleBuilder, part: WxrPart, site: Site) -> None:
        self._builder, self._part, self._site = builder, part, site
        self._pairs = list(post_meta(part))
        self._meta = first_values(self._pairs)
        self._categories = [
            _Category(child.get("domain", ""), child.get("nicename", ""), (child.text or "").strip())
            for child in part.children("category")
        ]

    def read(self, kind: str, number: str) -> tuple[ImportItem, set[int]]:
        builder, part = self._builder, self._part
        if part.is_repaired:
            builder.warn(WarningCode.CHANGED, "control characters, which XML forbids, were removed")
        builder.set_html_text("headline", part.get("title"))
        builder.set_slug(_TRASHED.sub("", part.get("wp:post_name")))
        builder.set_language(self._language())
        self._set_status()
        self._set_times()
        self._set_terms()
        self._set_authors()
        body = PostBody(builder, self._site, int(number) if is_number(number) else None)
        self._set_lead(body)
        body.read(part.get("content:encoded"), self._meta.get("footnotes", ""))
        self._set_summary()
        self._set_canonical()
        self._add_addresses(kind, number)
        builder.extra["wordpress"] = self._extra(kind, number)
        return builder.build(), body.used

    def _language(self) -> str | None:
        """The language of the post (Polylang), else of the site."""
        own = next((item.slug for item in self._categories if item.domain == "language"), "")
        return own or self._site.language.replace("_", "-") or None

    def _set_status(self) -> None:
        """Public is what the site shows to everyone: published, without a password."""
        status = self._part.get("wp:status").lower()
        password = self._part.get("wp:post_password")
        is_public = status == "publish" and not password
        self._builder.source_status = SourceStatus.PUBLIC if is_public else SourceStatus.HIDDEN
        if status == "publish" and password:
            self._builder.warn(
                WarningCode.CHANGED, "it was protected by a password; it is not public here", "status"
            )
        elif status not in ("publish", "draft", "pending", "auto-draft", "future", "private", "trash"):
            message = f"its status there, {status or 'none'!r}, is not known; it is not public here"
            self._builder.warn(WarningCode.GUESSED, message, "status")

    def _set_times(self) -> None:
        builder, status = self._builder, self._part.get("wp:status").lower()
        written = self._time("wp:post_date", "publishedAt", assume=status not in _UNFINISHED)
        if status == "future" and written:
            message = f"it was to be published there at {written:%Y-%m-%dT%H:%M:%SZ}"
            builder.warn(WarningCode.CHANGED, message, "publishedAt")
        builder.set("published_at", None if status in {*_UNFINISHED, "future"} else written)
        modified = self._time("wp:post_modified", "updatedAt", assume=True)
        builder.set("updated_at", modified if modified and (not written or modified >= written) else written)
        builder.source_modified_at = modified or written

    def _time(self, name: str, field: str, *, assume: bool) -> Any:
        """A time of the export: that in UTC, else the one of the site, whose zone the file does not name."""
        universal = self._part.get(f"{name}_gmt")
        if universal and not _NO_DATE.fullmatch(universal):
            return self._builder.parse_time(f"{universal}Z", field)
        local = self._part.get(name)
        if not assume or not local or _NO_DATE.fullmatch(local):
            return None
        return self._builder.parse_time(local, field)

    def _set_terms(self) -> None:
        named = {item.name for item in self._categories if item.domain}
        sections = [item for item in self._categories if item.domain == "category"] + [
            item for item in self._categories if not item.domain and item.name and item.name not in named
        ]
        paths = {
            tuple(term.slug for term in path): path
            for item in sections
            if (path := self._site.section_path(item.slug, item.name))
        }
        # A section contains those below it, so it is named only where none of them is.
        own = [key for key in paths if not any(other != key and other[: len(key)] == key for other in paths)]
        primary = next((self._meta[key] for key in _PRIMARY_KEYS if self._meta.get(key)), "")
        own.sort(key=lambda key: paths[key][-1].number != primary if primary else False)
        for key in own:
            path = paths[key]
            self._builder.add_section(*(term.name for term in path), slugs=[term.slug for term in path])
        for item in self._categories:
            if item.domain in ("post_tag", "tag"):
                self._builder.add_tag(item.name or self._site.tags.get(item.slug, ""), slug=item.slug)
            elif item.domain == "post_format":
                name = item.slug.removeprefix("post-format-")
                if name in _CONTENT_TYPES:
                    self._builder.set("content_type", _CONTENT_TYPES[name])

    def _set_authors(self) -> None:
        names = {  # Co-Authors Plus
            item.slug.removeprefix("cap-"): item.name for item in self._categories if item.domain == "author"
        }
        for login in names or filter(None, [self._part.get("dc:creator")]):
            name = self._site.authors.get(login)
            if not name and "@" not in login:
                name = names.get(login) or login
                message = f"the export does not name the author {name[:100]!r}, whose login this is"
                self._builder.warn(WarningCode.GUESSED, message, "authors")
            self._builder.add_author(name or login)

    def _set_lead(self, body: PostBody) -> None:
        number = self._meta.get("_thumbnail_id", "")
        media = body.add_attachment(int(number)) if is_number(number) else None
        if number and number != "0" and media is None:
            message = f"the featured picture, the attachment {number[:20]}, is not in the export"
            self._builder.warn(WarningCode.DROPPED, message, "leadMedia")
        self._builder.set("lead_media", media)
        placements = () if media is None else (PlacementRecord(media=media, role=MediaRole.LEAD),)
        self._builder.set("media", placements)

    def _set_summary(self) -> None:
        excerpt = self._part.get("excerpt:encoded")
        if not excerpt:
            excerpt = next((self._meta[key] for key in _DESCRIPTION_KEYS if self._meta.get(key)), "")
            excerpt = "" if "%%" in excerpt or excerpt.startswith("%") else excerpt  # a pattern
        known = {"caption", "gallery", "embed", "audio", "video", "playlist"}
        text = replace_shortcodes(excerpt, known, lambda shortcode: shortcode.content or "")
        self._builder.set_html_text("summary", text)

    def _set_canonical(self) -> None:
        """The canonical address, if the site says that it is another one than its own."""
        address = next((self._meta[key] for key in _CANONICAL_KEYS if self._meta.get(key)), "")
        canonical = self._builder.link(address, "canonicalUrl") if address else None
        is_elsewhere = canonical is not None and _page(canonical) != _page(self._part.get("link"))
        self._builder.set("canonical_url", canonical if is_elsewhere else None)
        self._builder.set("canonical_elsewhere", is_elsewhere)

    def _add_addresses(self, kind: str, number: str) -> None:
        """Every address that led to the post or to the pages of its attachments."""
        builder, link = self._builder, self._part.get("link")
        guid = self._part.get("guid")
        builder.add_address(link)
        if number:
            builder.add_address(f"{self._site.address}/?p={number}")
            if kind == "page":
                builder.add_address(f"{self._site.address}/?page_id={number}")
        if "?" in guid and guid.startswith(("http://", "https://")):
            builder.add_address(guid)
        bare = link.split("?")[0].rstrip("/")
        end = "/" if link.endswith("/") else ""
        if urlsplit_path(bare).strip("/") and "?" not in link:
            for key, value in self._pairs:
                if key == "_wp_old_slug" and value:
                    builder.add_address(f"{bare.rpartition('/')[0]}/{value}{end}")
                elif key == "_wp_old_date" and re.fullmatch(r"\d{4}-\d\d-\d\d", value):
                    builder.add_address(_redated(link, value))
        for attached in self._site.attached.get(int(number), []) if is_number(number) else []:
            attachment = self._site.attachment(attached)
            if attachment and _host(attachment.link) == _host(self._site.address) != "":
                if attachment.link != attachment.url and "/wp-content/" not in attachment.link:
                    builder.add_address(attachment.link.partition("#")[0])
                builder.add_address(f"{self._site.address}/?attachment_id={attached}")

    def _extra(self, kind: str, number: str) -> dict[str, Any]:
        part = self._part
        terms: dict[str, list[str]] = {}
        for item in self._categories:
            if item.domain and item.domain not in ("category", "post_tag", "tag", "author", "language"):
                terms.setdefault(item.domain, []).append(item.name or item.slug)
        values: dict[str, Any] = {
            "id": int(number) if is_number(number) else None,
            "type": kind,
            "status": part.get("wp:status"),
            "sticky": part.get("wp:is_sticky") == "1" or None,
            "parent": int(parent)
            if is_number(parent := part.get("wp:post_parent")) and int(parent)
            else None,
            "menuOrder": part.get("wp:menu_order") if part.get("wp:menu_order") != "0" else None,
            "terms": terms,
            "meta": keep_meta(self._builder, self._pairs),
        }
        if part.get("wp:status").lower() == "future":
            values["scheduledFor"] = part.get("wp:post_date_gmt") or part.get("wp:post_date")
        return {name: value for name, value in values.items() if value not in (None, "", {}, [])}


def _page(url: str) -> tuple[str, str]:
    """Host and path of an address, as far as they tell pages apart."""
    return _host(url), urlsplit_path(url).rstrip("/")


def _host(url: str) -> str:
    try:
        return (urlsplit(url).hostname or "").removeprefix("www.")
    except ValueError:
        return ""


def _redated(link: str, day: str) -> str | None:
    """The permalink with another date; None if it has none."""
    year, month, number = day.split("-")
    if not (match := _DATE_IN_PATH.search(link)):
        return None
    return f"{link[: match.start()]}/{year}/{month}/{f'{number}/' if match[1] else ''}{link[match.end() :]}"
