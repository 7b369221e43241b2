"""Reader of the JSON export of Ghost, also of old versions and of the answers of its content API."""

from __future__ import annotations

import datetime as dt
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

import orjson

from contentql.content.enums import Access, MediaKind, MediaRole
from contentql.content.import_item import ImportItem, SourceStatus
from contentql.content.records import FormatError, PlacementRecord
from contentql.content.warnings import WarningCode
from contentql.formats.article_builder import ArticleBuilder
from contentql.formats.ghost.ghost_body import read_body
from contentql.formats.pages.credits import is_credit
from contentql.formats.plain_text import html_to_text
from contentql.formats.registry import Format
from contentql.formats.source_file import ReadOptions, SourceFile

MAX_EXPORT: Final = 256 * 1024 * 1024  # bytes; the whole file is in memory
PLACEHOLDER: Final = "__GHOST_URL__"

_START: Final = re.compile(rb'\A\s*\{\s*"(db|data|meta|posts)"\s*:')
_SIGNS: Final = (
    b"exported_on",
    b"posts_tags",
    b'"mobiledoc"',
    b'"lexical"',
    PLACEHOLDER.encode(),
    b'"feature_image"',
)
_SITE: Final = re.compile(r"https?://[\w.:-]{1,200}(?:/[\w-]{1,50}){0,2}(?=/content/(?:images|media|files)/)")
_ACCESS: Final = {"public": Access.FREE, "members": Access.METERED}
_EXTRA: Final = (
    "id", "type", "status", "featured", "visibility", "custom_template", "meta_title", "meta_description",
    "og_title", "og_description", "og_image", "twitter_title", "twitter_description", "twitter_image",
    "frontmatter", "reading_time",
)  # fmt: skip


def _sniff(head: bytes, name: str) -> bool:
    head = head.removeprefix(b"\xef\xbb\xbf")
    match = _START.match(head)
    if match is None:
        return False
    if match[1] == b"db":
        return b'"meta"' in head or b'"data"' in head
    return any(sign in head for sign in _SIGNS)


@dataclass
class _Export:
    """The tables of an export; those that join others by the id of the post or row."""

    posts: Sequence[Mapping[str, Any]] = ()
    users: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    tags: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    posts_tags: dict[str, list[Mapping[str, Any]]] = field(default_factory=dict)
    posts_authors: dict[str, list[Mapping[str, Any]]] = field(default_factory=dict)
    posts_meta: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    redirects: dict[str, list[str]] = field(default_factory=dict)  # former paths by path
    language: str | None = None
    address: str = ""
    is_address_guessed: bool = False


def _read(source: SourceFile, options: ReadOptions) -> Iterator[ImportItem]:
    content = source.read(MAX_EXPORT)
    try:
        document = orjson.loads(content.removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError as exc:
        raise FormatError(f"the file is not JSON: {exc.msg}, line {exc.lineno}; it may be cut off") from None
    export = _export(document, options, content)
    del content, document
    if not export.posts:
        raise FormatError("the file has no posts; it is no export of Ghost")
    for number, row in enumerate(export.posts, 1):
        yield _Post(export, row, source.name, number, options).read()


def _export(document: Any, options: ReadOptions, content: bytes) -> _Export:
    databases = document.get("db") if isinstance(document, dict) else None
    if isinstance(databases, list):
        document = databases[0] if databases else {}
    tables = document.get("data", document) if isinstance(document, dict) else {}
    if not isinstance(tables, dict):
        raise FormatError("the file has no tables; it is no export of Ghost")
    export = _Export(posts=_rows(tables, "posts"))
    export.users = {_text(row.get("id")): row for row in _rows(tables, "users")}
    export.tags = {_text(row.get("id")): row for row in _rows(tables, "tags")}
    export.posts_tags = _grouped(_rows(tables, "posts_tags"))
    export.posts_authors = _grouped(_rows(tables, "posts_authors"))
    export.posts_meta = {_text(row.get("post_id")): row for row in _rows(tables, "posts_meta")}
    settings = {_text(row.get("key")): _text(row.get("value")) for row in _rows(tables, "settings")}
    export.language = settings.get("locale") or settings.get("lang") or settings.get("default_locale")
    for row in _rows(tables, "redirects"):
        target = _path(_text(row.get("to")).replace(PLACEHOLDER, ""))
        export.redirects.setdefault(target, []).append(_text(row.get("from")))
    if options.base_url:
        export.address = options.base_url.rstrip("/")
    elif match := _SITE.search(content[: 32 * 1024 * 1024].decode("utf-8", "ignore").replace("\\/", "/")):
        export.address, export.is_address_guessed = match[0], True
    return export


class _Post:
    """One post or page of an export."""

    def __init__(
        self, export: _Export, row: Mapping[str, Any], source: str, number: int, options: ReadOptions
    ) -> None:
        self._export, self._row = export, row
        self._id = _text(row.get("id"))
        self._meta = {
            **export.posts_meta.get(self._id, {}),
            **{k: v for k, v in row.items() if v is not None},
        }
        kind = "page" if row.get("type") == "page" or row.get("page") in (True, 1) else "post"
        self._kind = kind
        self._internal_tags: list[str] = []
        place = f"{kind} {_text(row.get('slug')) or self._id or number}"[:200]
        self._builder = ArticleBuilder(
            source, place, options,
            system="ghost",
            external_id=_text(row.get("uuid")) or self._id or None,
            base_url=f"{export.address}/" if export.address else "",
        )  # fmt: skip

    def read(self) -> ImportItem:
        builder = self._builder
        builder.allows_relative_media = not self._export.address
        builder.set_html_text("headline", self._value("title"))
        builder.set_slug(self._value("slug"))
        builder.set_language(self._value("locale") or self._value("language") or self._export.language)
        self._set_status()
        self._set_terms()
        self._set_lead()
        read_body(builder, self._row, self._located)
        builder.set_html_text("summary", self._value("custom_excerpt") or self._value("meta_description"))
        self._set_addresses()
        for name in ("codeinjection_head", "codeinjection_foot"):
            if self._value(name).strip():
                message = f"the code of {name}, which the page would run, was left out"
                builder.warn(WarningCode.DROPPED, message, "extra", name)
        builder.extra["ghost"] = self._extra()
        return builder.build()

    def _value(self, name: str) -> str:
        return self._located(_text(self._meta.get(name)))

    def _located(self, text: str) -> str:
        """A text with the address of the site, which exports leave out."""
        if PLACEHOLDER not in text:
            return text
        if not self._export.address:
            message = "the export does not name the address of its site, on which its files are: --base-url"
            self._builder.warn(WarningCode.CHANGED, message)
        elif self._export.is_address_guessed:
            message = f"the address of the site is taken from links, {self._export.address}: --base-url"
            self._builder.warn(WarningCode.GUESSED, message)
        return text.replace(PLACEHOLDER, self._export.address)

    def _set_status(self) -> None:
        builder, status = self._builder, self._value("status")
        builder.source_status = SourceStatus.PUBLIC if status == "published" else SourceStatus.HIDDEN
        if status not in ("published", "draft", "scheduled", "sent"):
            message = f"its status there, {status or 'none'!r}, is not known; it is not public here"
            builder.warn(WarningCode.GUESSED, message, "status")
        published = self._time("published_at", "publishedAt")
        if status == "scheduled" and published:
            message = f"it was to be published there at {published:%Y-%m-%dT%H:%M:%SZ}"
            builder.warn(WarningCode.CHANGED, message, "publishedAt")
        builder.set("published_at", published if status in ("published", "sent") else None)
        builder.source_modified_at = self._time("updated_at", "updatedAt")
        builder.set("updated_at", builder.source_modified_at)
        visibility = self._value("visibility") or "public"
        access = _ACCESS.get(visibility, Access.SUBSCRIBER)
        if visibility not in (*_ACCESS, "paid", "tiers"):
            message = f"the visibility {visibility[:100]!r} became access for subscribers"
            builder.warn(WarningCode.CHANGED, message, "access")
        builder.set("access", access)

    def _time(self, name: str, field: str) -> dt.datetime | None:
        value = self._row.get(name)
        if isinstance(value, int | float) and not isinstance(value, bool):  # milliseconds, in old versions
            if not 0 < value < 32_503_680_000_000:  # the year 3000
                return None
            return dt.datetime.fromtimestamp(value // 1000, dt.UTC)
        text = _text(value)
        has_zone = text.endswith("Z") or re.search(r"[+-]\d\d:?\d\d$", text) is not None
        return self._builder.parse_time(text if has_zone or not text else f"{text}Z", field)

    def _set_terms(self) -> None:
        links = self._export.posts_tags.get(self._id, [])
        tags = [self._export.tags.get(_text(link.get("tag_id"))) for link in links]
        for tag in (*tags, *_rows(self._row, "tags")):
            if tag is None:
                message = "a tag that is not in the export was left out"
                self._builder.warn(WarningCode.DROPPED, message, "tags")
            elif _text(tag.get("name")).startswith("#") or tag.get("visibility") == "internal":
                self._internal_tags.append(_text(tag.get("name")))
            else:
                self._builder.add_tag(_text(tag.get("name")), slug=_text(tag.get("slug")))
        own = self._export.posts_authors.get(self._id, [])
        people = [self._export.users.get(_text(link.get("author_id"))) for link in own]
        people += [*_rows(self._row, "authors")]
        if not people and self._row.get("author_id") is not None:
            people = [self._export.users.get(_text(self._row["author_id"]))]
        for person in people:
            if person is None:
                message = "an author who is not in the export was left out"
                self._builder.warn(WarningCode.DROPPED, message, "authors")
            else:
                self._builder.add_author(_text(person.get("name")), _text(person.get("website")) or None)

    def _set_lead(self) -> None:
        builder = self._builder
        url = self._value("feature_image") or self._value("image")
        caption = html_to_text(self._value("feature_image_caption"))
        credit = caption if is_credit(caption) else ""
        media = builder.add_media(
            url, MediaKind.IMAGE,
            alt=self._value("feature_image_alt"), caption="" if credit else caption, credit=credit[:300],
        ) if url else None  # fmt: skip
        builder.set("lead_media", media)
        builder.set("media", (PlacementRecord(media=media, role=MediaRole.LEAD),) if media else ())

    def _set_addresses(self) -> None:
        builder, address = self._builder, self._export.address
        if slug := self._value("slug"):
            builder.add_address(f"{address}/{slug}/")
            for path in self._export.redirects.get(f"/{slug}", ()):
                if path.startswith("/"):
                    builder.add_address(f"{address}{path}")
        canonical = builder.link(url, "canonicalUrl") if (url := self._value("canonical_url")) else None
        if canonical and canonical.startswith("/"):
            canonical = None  # on the site itself
        is_elsewhere = canonical is not None and (
            not address or _host(canonical) != _host(address) or _path(canonical) != f"/{slug}"
        )
        builder.set("canonical_url", canonical if is_elsewhere else None)
        builder.set("canonical_elsewhere", is_elsewhere)

    def _extra(self) -> dict[str, Any]:
        values = {
            name: self._meta[name] for name in _EXTRA if self._meta.get(name) not in (None, "", False, 0)
        }
        values["type"] = self._kind
        values["internalTags"] = self._internal_tags
        tiers = [_text(tier.get("slug") or tier.get("name")) for tier in _rows(self._row, "tiers")]
        values["tiers"] = [tier for tier in tiers if tier]
        if self._value("status") == "scheduled":
            values["scheduledFor"] = self._value("published_at")
        is_simple = {name: value for name, value in values.items() if isinstance(value, str | int | list)}
        return {
            name: self._located(value) if isinstance(value, str) else value
            for name, value in is_simple.items()
            if value not in ("", [])
        }


def _rows(tables: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    rows = tables.get(name)
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def _grouped(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    """The rows of a join by the id of their post, in the order that the editors chose."""
    groups: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for row in rows:
        groups[_text(row.get("post_id"))].append(row)
    for group in groups.values():
        group.sort(key=lambda row: order if isinstance(order := row.get("sort_order"), int) else 0)
    return dict(groups)


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else ""


def _host(url: str) -> str:
    try:
        return (urlsplit(url).hostname or "").removeprefix("www.")
    except ValueError:
        return ""


def _path(url: str) -> str:
    try:
        return urlsplit(url).path.rstrip("/")
    except ValueError:
        return ""


FORMAT = Format("ghost", _sniff, _read)
