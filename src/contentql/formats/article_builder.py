"""Builder of the import item of one article, for the readers of all formats of others.

A reader passes what its format says; the builder cleans values, collects the sections, tags, authors,
sources and media that the article names, and warns of everything that is dropped, changed or guessed.
Invariant: independent of database, network and clock.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import quote, urljoin

from pydantic import TypeAdapter, ValidationError
from pydantic.alias_generators import to_camel
from slugify import slugify

from contentql.content import blocks
from contentql.content.blocks import MAX_BLOCKS, Block
from contentql.content.enums import AuthorRole, MediaKind, SourceKind, TagType
from contentql.content.field_types import Link, MediaUrl
from contentql.content.import_item import ImportItem, SourceStatus
from contentql.content.media_placeholders import FIRST_PLACEHOLDER
from contentql.content.media_types import EXECUTABLE_MEDIA_TYPE, media_type_of_kind
from contentql.content.records import (
    ArticleRecord,
    AuthorRecord,
    CategoryRecord,
    CreditRecord,
    ExternalIdRecord,
    MediaRecord,
    MentionRecord,
    Record,
    SourceRecord,
    TagRecord,
    describe_validation_error,
)
from contentql.content.slugs import normalize_slug
from contentql.content.warnings import Warning, WarningCode
from contentql.formats.body_callbacks import BodyCallbacks, ExternalMedia
from contentql.formats.dates import parse_time
from contentql.formats.html import html_to_blocks
from contentql.formats.html_safety import UnsafeContentError
from contentql.formats.markdown import markdown_to_blocks
from contentql.formats.plain_text import decode_slug, html_to_text, make_slug, without_email
from contentql.formats.source_file import ReadOptions
from contentql.language_tags import LanguageTagError, parse_language_tag, replacement_message

DEFAULT_LANGUAGE: Final = "en"
MAX_TAGS: Final = 100_000  # of the HTML of a body
MAX_WARNINGS: Final = 100  # of one item

_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
_BLANK = re.compile(r"\s")
_LINK: Final[TypeAdapter[str]] = TypeAdapter(Link)
_MEDIA_URL: Final[TypeAdapter[str]] = TypeAdapter(MediaUrl)
_LINE_LIMITS: Final = {"headline": 300, "kicker": 200, "short_headline": 200, "dateline_place": 200}
_EMPTY: Final[tuple[Any, ...]] = (None, {}, [], "")
_ONE_LINE: Final = {*_LINE_LIMITS, "byline", "copyright_notice"}


class ArticleBuilder:
    """Collects what a source says of one article; `build` returns the item.

    `system` and `external_id` are the identity of the article in later imports. `base_url`: the address that
    relative addresses in the item are relative to.
    """

    def __init__(
        self,
        source: str,
        place: str,
        options: ReadOptions,
        *,
        system: str,
        external_id: str | None,
        base_url: str = "",
    ) -> None:
        self.options = options
        self.base_url = base_url
        self.allows_relative_media = False  # whether files may be named by a path alone
        self.extra: dict[str, Any] = {}  # what no field of an article has, exported again
        self.source_status = SourceStatus.PUBLIC
        self.source_version: int | None = None
        self.source_modified_at: dt.datetime | None = None
        self._source, self._place = source, place
        self._system, self._external_id = system, external_id
        self._fields: dict[str, Any] = {}
        self._derived: set[str] = set()
        self._warnings: dict[Warning, None] = {}
        self._references: dict[tuple[str, str], Record] = {}
        self._media: dict[str, dict[str, Any]] = {}
        self._addresses: dict[str, None] = {}
        self._credits: dict[tuple[str, AuthorRole], None] = {}
        self._tags: dict[str, MentionRecord] = {}
        self._sections: dict[str, None] = {}

    def warn(self, code: WarningCode, message: str, field: str = "", place: str | None = None) -> None:
        """Adds a warning; `field` is the path of a field in API names, such as `tags`."""
        if len(self._warnings) < MAX_WARNINGS:
            path = tuple(field.split(".")) if field else ()
            self._warnings[Warning(code, message, path, place)] = None

    def set(self, name: str, value: Any) -> None:
        """Sets a field of the article record as it is; None clears it."""
        self._fields[name] = value

    def get(self, name: str) -> Any:
        return self._fields.get(name)

    def guess(self, name: str, value: Any, message: str) -> None:
        """Sets a field that the source does not name; a stored article keeps its own value."""
        self._fields[name] = value
        self._derived.add(name)
        self.warn(WarningCode.GUESSED, message, to_camel(name))

    def set_text(self, name: str, text: str | None) -> None:
        """Sets a field of plain text: without control characters, cut to the length that the field may have.

        An empty text clears the field.
        """
        value = self.clean(text or "", to_camel(name))
        if name in _ONE_LINE:
            value = " ".join(value.split())
        limit = _LINE_LIMITS.get(name)
        if limit and len(value) > limit:
            message = f"it has {len(value):,} characters and was cut to {limit}"
            self.warn(WarningCode.CHANGED, f"{to_camel(name)}: {message}", to_camel(name), value[:100])
            value = f"{value[: limit - 1].rpartition(' ')[0] or value[: limit - 1]}…"
        self._fields[name] = value or None

    def set_html_text(self, name: str, html: str | None) -> None:
        """Sets a field of plain text from HTML, or from text with escaped characters."""
        self.set_text(name, html_to_text(html or ""))

    def set_language(self, tag: str | None) -> None:
        """Sets the language: the tag, else that of the options, else English, with a warning."""
        for text in (tag, self.options.language):
            if not text or not text.strip():
                continue
            try:
                parsed = parse_language_tag(text.strip())
            except LanguageTagError:
                message = f"{text[:50]!r} is no language tag"
                self.warn(WarningCode.DROPPED, message, "language", text[:50])
                continue
            if parsed.is_replaced:
                self.warn(WarningCode.CHANGED, replacement_message(text, parsed.text), "language")
            self._fields["language"] = parsed.text
            return
        message = f"the source does not name its language, {DEFAULT_LANGUAGE} is assumed: --language"
        self.guess("language", DEFAULT_LANGUAGE, message)

    def set_slug(self, slug: str | None) -> None:
        """Sets the slug; characters that no slug has become hyphens. None leaves it to the headline."""
        value = decode_slug(self.clean(slug or "", "slug"))[:200]
        if value:
            self._fields["slug"] = value
        if slug and value not in (slug, normalize_slug(slug)):
            self.warn(WarningCode.CHANGED, f"the slug {slug[:200]!r} became {value!r}", "slug")

    def set_time(self, name: str, text: str | None) -> dt.datetime | None:
        """Sets a time from its text and returns it; None, with a warning, if it is no time."""
        at = self.parse_time(text, to_camel(name))
        self._fields[name] = at
        return at

    def parse_time(self, text: str | None, field: str) -> dt.datetime | None:
        """Parses a time, in the time zone of the options if it names none. Warns of what is no time."""
        if not text or not str(text).strip():
            return None
        parsed = parse_time(str(text), self.options.timezone)
        if parsed is None:
            self.warn(WarningCode.DROPPED, f"{str(text)[:100]!r} is no date or time", field, str(text)[:100])
            return None
        if parsed.zone_is_assumed:
            zone = self.options.timezone_name
            message = f"{text!r} names no time zone, {zone} is assumed: --timezone"
            self.warn(WarningCode.GUESSED, message, field)
        return parsed.at

    def add_section(self, *names: str, slugs: Sequence[str] = ()) -> str | None:
        """Adds a section by the names from the root to it; the first one added is the primary section.

        `slugs`: those of the source, else they are made of the names. Returns its path; None without a name.
        """
        path = ""
        for index, name in enumerate(names):
            label = " ".join(self.clean(html_to_text(name), "categories").split())[:200]
            wanted = slugs[index] if index < len(slugs) else ""
            slug = make_slug(label, wanted, 120)
            if not slug:
                self.warn(WarningCode.DROPPED, f"the section {name[:100]!r} has no name", "categories")
                return None
            path = f"{path}/{slug}" if path else slug
            self._refer("category", path, CategoryRecord, path=path, name=label or slug)
        if path:
            self._sections[path] = None
        return path or None

    def add_tag(self, name: str, type: TagType | None = None, **fields: Any) -> str | None:
        """Adds a tag by its name, a topic unless the source says otherwise. Returns its key.

        `fields`: slug, wikidata, latitude, longitude, codes, and relevance and confidence of the mention.
        """
        label = " ".join(self.clean(html_to_text(name), "tags").split())[:300]
        mention = {key: fields.pop(key) for key in ("relevance", "confidence") if key in fields}
        slug = make_slug(label, fields.pop("slug", None) or "")
        if not label or not slug:
            self.warn(WarningCode.DROPPED, f"the tag {name[:100]!r} has no name", "tags")
            return None
        kind = type or TagType.TOPIC
        key = f"{kind.value}:{slug}"
        if self._refer("tag", key, TagRecord, type=kind, slug=slug, name=label, **fields):
            self._tags[key] = MentionRecord.model_validate({"tag": key, **mention})
        return key

    def add_author(
        self, name: str, url: str | None = None, role: AuthorRole = AuthorRole.WRITER
    ) -> str | None:
        """Adds an author by name, with the address of a page of theirs. Returns the slug.

        An e-mail address beside or in place of the name is not stored.
        """
        label = without_email(" ".join(self.clean(html_to_text(name), "authors").split()))[:300]
        slug = make_slug(label)
        if not slug:
            if name.strip():
                self.warn(WarningCode.DROPPED, "an author without a name was left out", "authors")
            return None
        links = [link] if url and (link := self.link(url, "authors")) else []
        if self._refer("author", slug, AuthorRecord, slug=slug, name=label, same_as=links):
            self._credits[slug, role] = None
        return slug

    def add_source(self, name: str, kind: SourceKind = SourceKind.OTHER, **fields: Any) -> str | None:
        """Adds a source that an attribution refers to. Returns its slug."""
        label = " ".join(self.clean(html_to_text(name), "attributions").split())[:300]
        slug = make_slug(label)
        values = {"slug": slug, "name": label, "kind": kind, **fields}
        return slug if slug and self._refer("source", slug, SourceRecord, **values) else None

    def add_media(self, url: str, kind: MediaKind, **fields: Any) -> int | None:
        """Adds a media file, or further facts of one that was added by the same address.

        `fields`: those of MediaRecord, empty ones are ignored. Returns the placeholder of its id; None, with
        a warning, for an address that cannot be used and for files that can run code.
        """
        address = self.media_address(url)
        if address is None:
            self.warn(WarningCode.DROPPED, f"the media file {url[:200]!r} has no usable address", "media")
            return None
        mime = fields.pop("mime", None) or media_type_of_kind(address, kind)
        if EXECUTABLE_MEDIA_TYPE.match(mime):
            self.warn(WarningCode.DROPPED, f"{address[:200]} can run code ({mime}) and was left out", "media")
            return None
        known = self._media.setdefault(address, {"kind": kind, "url": address, "mime": mime})
        for name, value in fields.items():
            if isinstance(value, str):
                value = self.clean(value, f"media.{name}")
                value = (
                    " ".join(value.split()) if name in ("credit", "creator", "copyright") else value.strip()
                )
            if value not in (None, "", ()) and name not in known:
                known[name] = value
        return FIRST_PLACEHOLDER + list(self._media).index(address)

    def html_body(self, html: str, callbacks: BodyCallbacks | None = None) -> tuple[Block, ...]:
        """The blocks of HTML; active content is left out with warnings. Sets them as the body.

        `callbacks`: in place of those of the builder.
        """
        return self._parse(html_to_blocks, html, callbacks)

    def markdown_body(self, markdown: str) -> tuple[Block, ...]:
        """The blocks of Markdown. Sets them as the body."""
        return self._parse(markdown_to_blocks, markdown)

    def text_body(self, text: str) -> tuple[Block, ...]:
        """The blocks of plain text: a paragraph for each group of lines between blank lines."""
        groups = re.split(r"\n\s*\n", self.clean(text.replace("\r\n", "\n").replace("\r", "\n"), "blocks"))
        paragraphs = [" ".join(group.split()) for group in groups]
        body = tuple(blocks.Paragraph(text=paragraph) for paragraph in paragraphs if paragraph)
        return self.set_body(body)

    def set_body(self, body: Sequence[Block]) -> tuple[Block, ...]:
        """Sets the blocks of the body."""
        self._fields["blocks"] = tuple(body)
        return self._fields["blocks"]  # type: ignore[no-any-return]

    @property
    def callbacks(self) -> BodyCallbacks:
        """The callbacks of the parsers of bodies: relative addresses, media, warnings."""
        return BodyCallbacks(
            media=lambda name: None,
            external=self._external,
            warn=lambda code, message, place: self.warn(code, message, "blocks", place[:200]),
            resolve=self.resolve,
            lenient=True,
        )

    def resolve(self, address: str) -> str:
        """An absolute address of one that may be relative; the same if there is nothing to resolve it by."""
        try:
            return urljoin(self.base_url, address) if self.base_url else address
        except ValueError:
            return address

    def link(self, address: str, field: str) -> str | None:
        """An address as a link; None, with a warning, if it cannot be one."""
        try:
            return _LINK.validate_python(_encoded(self.resolve(address.strip())))
        except ValidationError:
            self.warn(WarningCode.DROPPED, f"{address[:200]!r} is no link", field, address[:200])
            return None

    def media_address(self, address: str) -> str | None:
        """The absolute address of a media file, None if there is none that a browser can load."""
        try:
            url = _MEDIA_URL.validate_python(
                _encoded(self.resolve(address.strip())) if address.strip() else ""
            )
        except ValidationError:
            return None
        url = f"https:{url}" if url.startswith("//") else url
        is_usable = url.startswith(("https://", "http://")) or (self.allows_relative_media and url[:1] == "/")
        return url if is_usable else None

    def add_address(self, address: str | None) -> None:
        """Adds a former address of the article, which will lead to it."""
        if address and address.strip():
            self._addresses[self.resolve(address.strip())] = None

    def clean(self, text: str, field: str) -> str:
        """The text without control characters, of which it warns."""
        cleaned = _CONTROL.sub("", text)
        if cleaned != text:
            self.warn(WarningCode.CHANGED, "control characters were removed", field)
        return cleaned.strip()

    def skip(self, reason: str) -> ImportItem:
        """The item of something that is no article."""
        return ImportItem(self._source, place=self._place, skipped=reason)

    def fail(self, reason: str) -> ImportItem:
        """The item of an article that cannot be read."""
        return ImportItem(self._source, place=self._place, error=reason, warnings=tuple(self._warnings))

    def build(self) -> ImportItem:
        """The item; one with an error if the article lacks a headline or is not valid."""
        self._complete()
        if not self._fields.get("headline"):
            return self.fail("the item has neither a title nor a text")
        try:
            record = ArticleRecord.model_validate(self._fields)
            media = tuple(MediaRecord.model_validate(fields) for fields in self._media.values())
        except ValidationError as exc:
            return self.fail(describe_validation_error(exc))
        return ImportItem(
            self._source,
            record,
            place=self._place,
            warnings=tuple(self._warnings),
            partial=True,
            derived=frozenset(self._derived),
            references=tuple(self._references.values()),
            media=media,
            addresses=tuple(self._addresses),
            source_status=self.source_status,
            source_version=self.source_version,
            source_modified_at=self.source_modified_at,
        )

    def _complete(self) -> None:
        """Sets the fields that follow from others."""
        fields = self._fields
        if not fields.get("headline"):
            text = next((t for b in fields.get("blocks", ()) if (t := blocks.block_text(b)).strip()), "")
            named = (
                value for facts in self._media.values() if (value := facts.get("caption") or facts.get("alt"))
            )
            text = " ".join((fields.get("summary") or text or next(named, "")).split())
            if text:
                first = re.split(r"(?<=[.!?])\s", text, maxsplit=1)[0]
                short = first if len(first) <= 120 else f"{first[:119].rpartition(' ')[0] or first[:119]}…"
                self.guess(
                    "headline", short, "the item has no title; the headline is the beginning of its text"
                )
        if "language" not in fields:
            self.set_language(None)
        if not fields.get("slug") and fields.get("headline"):
            self._derived.add("slug")
            made = slugify(fields["headline"], max_length=200, word_boundary=True)
            fields["slug"] = made or slugify(self._external_id or "")[:200] or "article"
        fields["external_ids"] = (
            (ExternalIdRecord(system=self._system, value=self._external_id[:500]),)
            if self._external_id
            else ()
        )
        sections = list(self._sections)
        fields["category"], fields["sections"] = (sections[0] if sections else None), tuple(sections[1:])
        fields["tags"] = tuple(self._tags.values())
        fields["authors"] = tuple(CreditRecord(author=slug, role=role) for slug, role in self._credits)
        fields["extra"] = {
            name: value for name, value in self.extra.items() if value not in (None, {}, [], "")
        }

    def _refer(self, kind: str, key: str, record_type: type[Record], /, **fields: Any) -> bool:
        if (kind, key) in self._references:
            return True
        try:
            self._references[kind, key] = record_type.model_validate(fields)
        except ValidationError as exc:
            message = f"the {kind} {key[:100]!r} was left out: {describe_validation_error(exc)}"
            self.warn(WarningCode.DROPPED, message)
            return False
        return True

    def _external(self, media: ExternalMedia) -> int | None:
        return self.add_media(media.url, media.kind, alt=media.alt)

    def _parse(self, parser: Any, text: str, callbacks: BodyCallbacks | None = None) -> tuple[Block, ...]:
        if (count := text.count("<")) > MAX_TAGS:
            return self._plain_body(text, f"The text has {count:,} tags; at most {MAX_TAGS:,} are read.")
        try:
            return self.set_body(parser(text, callbacks or self.callbacks))
        except UnsafeContentError as exc:
            # A text with more parts than a body may have, or nested too deep.
            return self._plain_body(text, exc.message)

    def _plain_body(self, html: str, reason: str) -> tuple[Block, ...]:
        """Sets the text of HTML as the body, in as many paragraphs as a body may have."""
        self.warn(WarningCode.CHANGED, f"{reason} It became plain paragraphs.", "blocks")
        parts = re.split(r"\n\s*\n|<(?:br|/?p|/?div|/?li|/?h\d|/?tr)\b[^<>]*>", html)
        texts = [text for part in parts if (text := self.clean(html_to_text(part), "blocks"))]
        size = -(-len(texts) // MAX_BLOCKS) or 1
        groups = ("\n".join(texts[at : at + size]) for at in range(0, len(texts), size))
        return self.set_body([blocks.Paragraph(text=text) for text in groups])


def _encoded(address: str) -> str:
    return _BLANK.sub(lambda blank: quote(blank[0]), address)
