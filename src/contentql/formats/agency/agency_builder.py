"""Builder of the import items of news agencies' formats: partial items, concepts, media with renditions.

Invariant: independent of database, network and clock.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any, Final

import orjson
from pydantic import ValidationError

from contentql.content.blocks import Audio, Block, Heading, Image, Video, block_text
from contentql.content.derive import MAX_SECTION_DEPTH
from contentql.content.enums import AuthorRole, MediaKind, TagType
from contentql.content.import_item import ImportItem, SourceStatus
from contentql.content.media_placeholders import FIRST_PLACEHOLDER
from contentql.content.records import ExternalIdRecord, PlacementRecord, RenditionRecord
from contentql.content.warnings import WarningCode
from contentql.formats.agency.bylines import byline_authors
from contentql.formats.agency.newscodes import make_code, read_concept
from contentql.formats.article_builder import DEFAULT_LANGUAGE, ArticleBuilder
from contentql.formats.figures import read_figures, without_credit
from contentql.formats.source_file import ReadOptions

MAX_TAGS: Final = 1_000  # of one item
MAX_TEXT: Final = 4_000_000  # characters of a text
MAX_EXTRA_BYTES: Final = 256_000
_MAX_URI: Final = 500
_MAX_DEPTH: Final = 12
_MAX_ITEMS: Final = 500
_CONTROL: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
_EMAIL: Final = re.compile(r"(?<![\w.+-])[\w.+-]++@[\w-]++(?:\.[\w-]++)++")
_ADDRESS: Final = re.compile(r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w.])", re.ASCII)
# Properties with the addresses of persons, which are not stored.
_PRIVATE: Final = re.compile(r"e-?mail|password|contactinfo|phone|ip_?address", re.IGNORECASE)
# The beginning of a note to editors that withdraws an item.
_KILL: Final = re.compile(
    r"\W*(?:MANDATORY |BULLETIN |ADVISORY )?KILL"
    r"(?:\s*(?:$|[^\w\s])|\s+(?i:this|the|all|previous|story|stories|article|item|version|notice|advisory)\b)"
)
_MEDIA_BLOCKS: Final = {MediaKind.IMAGE: Image, MediaKind.VIDEO: Video, MediaKind.AUDIO: Audio}
# Fields that a partial item sets only if it mentions them.
_COLLECTIONS: Final = ("category", "sections", "tags", "authors", "media", "lead_media", "extra")


class AgencyBuilder(ArticleBuilder):
    """Builder of one item of an agency. A `partial` item speaks only of what it has.

    `uri` is the identity of the item, in the system `format`.
    """

    def __init__(
        self, source: str, place: str, options: ReadOptions, *, format: str, uri: str, partial: bool = False
    ) -> None:
        super().__init__(source, place, options, system=format, external_id=uri or None)
        self.partial = partial
        self._format, self._uri = format, uri
        self._mentions: set[str] = set()  # collections, such as tags, that a partial item has
        self._main_addresses: dict[str, str] = {}
        self._placements: dict[int, PlacementRecord] = {}
        self._external_ids: dict[tuple[str, str], None] = {}
        self._tag_count = 0
        if uri and len(uri) <= _MAX_URI and not re.search(r"\s", uri):
            self.set("uri", uri)

    def keep(self, name: str, value: Any) -> None:
        """Keeps a JSON value that no field has, for exports in the same format; without e-mail addresses."""
        cleaned = storable(value)
        if cleaned not in (None, "", [], {}):
            self.mention("extra")
            self.extra.setdefault(self._format, {})[name] = cleaned

    def mention(self, *names: str) -> None:
        """Notes that a partial item has these fields, so that they are set, also if they are empty."""
        self._mentions.update(names)

    def add_section(self, *names: str, slugs: Sequence[str] = ()) -> str | None:
        """As in ArticleBuilder."""
        self.mention("category", "sections")
        return super().add_section(*names[:MAX_SECTION_DEPTH], slugs=slugs)

    def add_author(
        self, name: str, url: str | None = None, role: AuthorRole = AuthorRole.WRITER
    ) -> str | None:
        """As in ArticleBuilder."""
        self.mention("authors")
        return super().add_author(name, url, role)

    def set_default(self, name: str, value: Any) -> None:
        """Sets a field that the item lacks, unless it is partial."""
        if not self.partial:
            self.set(name, value)

    def add_external_id(self, system: str, value: str) -> None:
        """Adds another id of the item."""
        system, value = " ".join(system.split())[:100], " ".join(value.split())
        if system and 0 < len(value) <= _MAX_URI:
            self._external_ids[system, value] = None

    def add_concept(
        self,
        type: TagType,
        name: str,
        uris: Iterable[str] = (),
        codes: Sequence[tuple[str, str]] = (),
        **fields: Any,
    ) -> bool:
        """Adds a tag by its name, its URIs and its codes, pairs of scheme and code.

        `fields`: as in `add_tag`. Returns whether it was added.
        """
        self.mention("tags")
        self._tag_count += 1
        if self._tag_count > MAX_TAGS:
            if self._tag_count == MAX_TAGS + 1:
                message = f"the item has more than {MAX_TAGS:,} tags; the others were left out"
                self.warn(WarningCode.DROPPED, message, "tags")
            return False
        concepts = [read_concept(uri) for uri in uris]
        records = [concept.code for concept in concepts] + [make_code(*code) for code in codes]
        unique = {(code["scheme"], code["code"]): code for code in records if code}
        values = {
            "codes": list(unique.values())[:20],
            "wikidata": next((concept.wikidata for concept in concepts if concept.wikidata), None),
            **fields,
        }
        values = {key: value for key, value in values.items() if value not in (None, [], "")}
        return self.add_tag(name[:MAX_TEXT], type, **values) is not None

    def set_byline(self, byline: str) -> None:
        """Sets the byline, and the authors that it names if the item does not name them otherwise."""
        self.set_text("byline", byline)
        if self._credits:
            return
        names = byline_authors(byline)
        for name in names:
            self.add_author(name)
        if names:
            listed = ", ".join(names)
            self.warn(WarningCode.GUESSED, f"the authors were taken from the byline: {listed}", "authors")

    def set_html(self, html: str) -> tuple[Block, ...]:
        """Sets the blocks of HTML as the body, without a first heading that repeats the headline."""
        html = html[:MAX_TEXT]
        for figure in read_figures(html):
            if self.media_address(figure.address):
                self.add_media(
                    figure.address,
                    MediaKind.IMAGE,
                    alt=figure.alt,
                    credit=figure.credit,
                    width=figure.width,
                    height=figure.height,
                )
        body = self.html_body(html)
        headline = str(self.get("headline") or "")
        first = body[0] if body else None
        if isinstance(first, Heading) and " ".join(first.text.split()) == headline:
            body = body[1:]
        return self.set_body([self._without_credit(block) for block in body])

    def add_media(self, url: str, kind: MediaKind, **fields: Any) -> int | None:
        """As in ArticleBuilder; the address of a rendition is that of its media file."""
        address = self.media_address(url)
        return super().add_media(self._main_addresses.get(address or "", url), kind, **fields)

    def name_renditions(self, url: str, addresses: Iterable[str]) -> None:
        """Notes that the files at `addresses` are the media file at `url` in other sizes."""
        main = self.media_address(url)
        for address in addresses if main else ():
            if other := self.media_address(address):
                self._main_addresses.setdefault(other, main or "")

    def media_url(self, number: int) -> str:
        """The address of the media file of a placeholder."""
        return list(self._media)[number - FIRST_PLACEHOLDER]

    def rendition(self, values: dict[str, Any]) -> RenditionRecord | None:
        """A rendition of valid values; values that are not valid are left out, None without an address."""
        values = {**values, "url": self.media_address(str(values.get("url", "")))}
        for _ in range(3):
            try:
                return RenditionRecord.model_validate(values)
            except ValidationError as exc:
                wrong = {str(error["loc"][0]) for error in exc.errors()}
                if wrong & {"url", "mime"}:
                    return None
                values = {name: value for name, value in values.items() if name not in wrong}
        return None

    def place_media(self, placement: PlacementRecord) -> None:
        """Adds a media file to those of the article, once."""
        self.mention("media", "lead_media")
        self._placements.setdefault(placement.media, placement)

    def show_media(self, number: int, kind: MediaKind) -> None:
        """Shows the media file that an item is above its text, with the summary as the caption."""
        caption = str(self.get("summary") or "")
        body = self.get("blocks") or ()
        texts = " ".join(block_text(block) for block in body)
        if texts.split() == caption.split():
            body = ()  # the caption again
        self.set_body((_MEDIA_BLOCKS[kind](media=number, caption=caption or None), *body))

    def _without_credit(self, block: Block) -> Block:
        """A media block without the credit of its file at the end of its caption."""
        if not isinstance(block, Image | Video | Audio) or not block.caption:
            return block
        media = list(self._media.values())[block.media - FIRST_PLACEHOLDER]
        block = without_credit(block, media.get("credit") or "")
        if block.caption:
            media.setdefault("caption", block.caption)
        return block

    def leave_stored(self, name: str) -> None:
        """Notes that a stored article keeps its own value of a field."""
        self._derived.add(name)

    def build_withdrawal(self, headline: str) -> ImportItem:
        """The item of an article that its source withdraws: the stored article keeps everything else.

        `headline`: for reports.
        """
        self.partial, self.source_status = True, SourceStatus.CANCELED
        if headline:
            self.set_text("headline", " ".join(headline.split()))
            self.leave_stored("headline")
        return self.build()

    def build(self) -> ImportItem:
        """The item, as in ArticleBuilder; of a partial one only with what it has."""
        if len(self._uri) > _MAX_URI or re.search(r"\s", self._uri):
            return self.fail(f"the uri of an item must have at most {_MAX_URI} characters and no white space")
        if self.partial and not self.get("headline") and not self.get("blocks"):
            # Only an article that is not stored yet gets it.
            self.guess("headline", self._uri[:300] or "Untitled", "the item has no headline")
        return super().build()

    def _complete(self) -> None:
        if self.partial and "language" not in self._fields:
            self._fields["language"] = DEFAULT_LANGUAGE
            if self.options.language:
                self.set_language(None)
            self._derived.add("language")
        self.set("media", tuple(self._placements.values()))
        if self.extra and len(orjson.dumps(self.extra)) > MAX_EXTRA_BYTES:
            self.extra.clear()
            message = (
                f"the properties that no field has take more than {MAX_EXTRA_BYTES // 1000} KB: left out"
            )
            self.warn(WarningCode.DROPPED, message, "extra")
        super()._complete()
        if "slug" in self._fields:
            self._derived.add("slug")
        fields = self._fields
        ids = [ExternalIdRecord(system=system, value=value) for system, value in self._external_ids]
        fields["external_ids"] = (*fields["external_ids"], *ids)
        for name in _COLLECTIONS if self.partial else ():
            if name not in self._mentions:
                fields.pop(name, None)


def is_kill_note(note: str) -> bool:
    """Whether a note to editors withdraws an item, whatever its status says: one that begins with KILL."""
    return _KILL.match(note) is not None


def storable(value: Any, depth: int = 0) -> Any:
    """A JSON value without e-mail addresses, control characters and what is nested too deep; None if nothing
    is left of it."""
    if isinstance(value, str):
        text = _CONTROL.sub("", value[:MAX_EXTRA_BYTES])
        text = _EMAIL.sub("", text) if "@" in text else text
        return _ADDRESS.sub("", text).strip()
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int | float):
        return value if abs(value) < 1 << 63 else str(value)
    if depth >= _MAX_DEPTH:
        return None
    if isinstance(value, list | tuple):
        items = (storable(item, depth + 1) for item in value[:_MAX_ITEMS])
        return [item for item in items if item not in (None, "", [], {})]
    if isinstance(value, dict):
        cleaned = {}
        for name, item in list(value.items())[:_MAX_ITEMS]:
            key = storable(str(name)[:200])
            if key and not _PRIVATE.search(key):
                cleaned[key] = storable(item, depth + 1)
        return {name: item for name, item in cleaned.items() if item not in (None, "", [], {})}
    return None
