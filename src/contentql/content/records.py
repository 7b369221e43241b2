"""Content records that every file format reads and writes, independent of a database.

References are natural keys: the path of a category, the slug of a source, author, story or collection,
`TYPE:slug` of a tag, the uri of an article. Ids are optional: a record without one gets an id when stored.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Annotated, Any, TypeAlias

from pydantic import AfterValidator, Field, StringConstraints, ValidationError, model_validator

from contentql.content import blocks as body
from contentql.content.blocks import Blocks
from contentql.content.derive import MAX_HOPS
from contentql.content.enums import (
    Access,
    AttributionKind,
    AttributionState,
    AuthorRole,
    ContentType,
    CorrectionKind,
    MediaKind,
    MediaRole,
    SourceKind,
    Stance,
    Status,
    TagType,
    Verification,
)
from contentql.content.field_types import ONE_LINE, Language, Line, Link, MediaUrl
from contentql.content.frozen_model import FrozenModel
from contentql.content.id_fields import AttributionId, BlockId, IdField, MediaId, Timestamp
from contentql.content.numbers import (
    ByteCount,
    Fraction,
    Latitude,
    Longitude,
    NonNegativeFloat,
    NonNegativeInt,
    Percentage,
    Version,
)
from contentql.content.slugs import ArticleSlug, Path, Slug, TagKey


class FormatError(Exception):
    """Raised when a file does not conform to its format; the message is one sentence for the user."""


def _sorted(value: Any) -> Any:
    """Sorts the keys of free JSON recursively, since not every database preserves their order."""
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return [_sorted(item) for item in value] if isinstance(value, list) else value


def _length(most: int) -> StringConstraints:
    return StringConstraints(min_length=1, max_length=most)


Uri: TypeAlias = Annotated[str, StringConstraints(pattern=r"^\S+$", max_length=500)]
Name: TypeAlias = Annotated[str, _length(300), ONE_LINE]
Line200: TypeAlias = Annotated[str, _length(200), ONE_LINE]
Line100: TypeAlias = Annotated[str, _length(100), ONE_LINE]
Wikidata: TypeAlias = Annotated[str, StringConstraints(pattern=r"^Q\d{1,18}$")]
FreeJson: TypeAlias = Annotated[dict[str, Any], AfterValidator(_sorted)]


class LocalNameRecord(FrozenModel):
    language: Language
    name: Name


class CategoryRecord(FrozenModel):
    id: Annotated[int, IdField("category")] | None = None
    path: Path
    name: Line200
    names: tuple[LocalNameRecord, ...] = ()
    description: str | None = None
    position: NonNegativeInt = 0
    hidden: bool = False


class SourceRecord(FrozenModel):
    id: Annotated[int, IdField("source")] | None = None
    slug: Slug
    name: Name
    kind: SourceKind
    aliases: tuple[Name, ...] = ()
    state_controlled: bool = False
    country: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")] | None = None
    homepage: Link | None = None
    wikidata: Wikidata | None = None
    described_as: str | None = None
    parent: Slug | None = None


class RenditionRecord(FrozenModel):
    name: Line100 | None = None
    url: MediaUrl
    mime: Line100
    width: NonNegativeInt | None = None
    height: NonNegativeInt | None = None
    bytes: ByteCount | None = None
    bitrate: NonNegativeInt | None = None


class MediaRecord(FrozenModel):
    id: MediaId | None = None
    kind: MediaKind
    url: MediaUrl
    mime: Line100
    width: NonNegativeInt | None = None
    height: NonNegativeInt | None = None
    duration: NonNegativeFloat | None = None
    bytes: ByteCount | None = None
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")] | None = None
    alt: str | None = None
    decorative: bool = False
    caption: str | None = None
    credit: Line | None = None
    creator: Line | None = None
    copyright: Line | None = None
    licence: Line100 | None = None
    licence_url: Link | None = None
    usage_terms: str | None = None
    expires_at: Timestamp | None = None
    focal_x: Fraction | None = None
    focal_y: Fraction | None = None
    blurhash: Line100 | None = None
    colour: Annotated[str, StringConstraints(pattern=r"^#[0-9a-fA-F]{6}$")] | None = None
    digital_source_type: Line200 | None = None
    sensitive: bool = False
    renditions: tuple[RenditionRecord, ...] = ()
    created_at: Timestamp | None = None

    @model_validator(mode="after")
    def _has_a_whole_focus(self) -> MediaRecord:
        if (self.focal_x is None) is not (self.focal_y is None):
            raise ValueError("focalX and focalY must be set together")
        return self


class AuthorRecord(FrozenModel):
    id: Annotated[int, IdField("author")] | None = None
    slug: Slug
    name: Name
    bio: str | None = None
    desk: Line100 | None = None
    image: MediaId | None = None
    same_as: tuple[Link, ...] = ()
    pseudonym: bool = False


class VocabularyCodeRecord(FrozenModel):
    scheme: Line100
    code: Line100


class TagRecord(FrozenModel):
    id: Annotated[int, IdField("tag")] | None = None
    type: TagType
    slug: Slug
    name: Name
    names: tuple[LocalNameRecord, ...] = ()
    description: str | None = None
    aliases: tuple[Name, ...] = ()
    wikidata: Wikidata | None = None
    latitude: Latitude | None = None
    longitude: Longitude | None = None
    codes: tuple[VocabularyCodeRecord, ...] = ()
    broader: TagKey | None = None

    @model_validator(mode="after")
    def _has_a_whole_place(self) -> TagRecord:
        if (self.latitude is None) is not (self.longitude is None):
            raise ValueError("latitude and longitude must be set together")
        return self


class StoryRecord(FrozenModel):
    id: Annotated[int, IdField("story")] | None = None
    slug: Slug
    title: Name
    description: str | None = None


class CollectionItemRecord(FrozenModel):
    article: Uri
    pinned_until: Timestamp | None = None
    headline: Name | None = None
    media: MediaId | None = None


class CollectionRecord(FrozenModel):
    id: Annotated[int, IdField("collection")] | None = None
    slug: Slug
    title: Name
    description: str | None = None
    max_items: Annotated[int, Field(ge=1, lt=1 << 15)] | None = None
    items: tuple[CollectionItemRecord, ...] = ()


class ExternalIdRecord(FrozenModel):
    system: Line100
    value: Annotated[str, _length(500), ONE_LINE]


class CreditRecord(FrozenModel):
    author: Slug
    role: AuthorRole = AuthorRole.WRITER


class PlacementRecord(FrozenModel):
    media: MediaId
    role: MediaRole = MediaRole.INLINE
    caption: str | None = None
    alt: str | None = None


class MentionRecord(FrozenModel):
    tag: TagKey
    relevance: Percentage | None = None
    confidence: Percentage | None = None


class SpanRecord(FrozenModel):
    """Code points `start` to `end` (exclusive) of a block. The words of an `orphaned` span were removed."""

    block_id: BlockId
    start: NonNegativeInt
    end: NonNegativeInt
    exact: str | None = None
    prefix: str | None = None
    suffix: str | None = None
    orphaned: bool = False


class AttributionRecord(FrozenModel):
    """A claim and its source; `via` is the next hop to the reader. The head's state is the chain's state."""

    id: AttributionId | None = None
    kind: AttributionKind
    source: Slug | None = None
    claim: str | None = None
    quote: str | None = None
    stance: Stance | None = None
    said_on: dt.date | None = None
    url: Link | None = None
    accessed_at: Timestamp | None = None
    archived_url: Link | None = None
    media: MediaId | None = None
    span: SpanRecord | None = None
    cue_span: SpanRecord | None = None
    source_span: SpanRecord | None = None
    made_by: Line100 = "editor"
    state: AttributionState = AttributionState.SUGGESTED
    score: Fraction | None = None
    verification: Verification = Verification.UNVERIFIED
    verification_note: str | None = None
    verified_by: Line200 | None = None
    verified_at: Timestamp | None = None
    via: AttributionRecord | None = None

    @model_validator(mode="after")
    def _holds(self) -> AttributionRecord:
        if self.source is None and self.kind is not AttributionKind.REPORTED_BY:
            raise ValueError("source is required unless kind is REPORTED_BY")
        hops = list(self.hops())
        if len(hops) > MAX_HOPS + 1:
            raise ValueError(f"a chain must have at most {MAX_HOPS} relays")
        if any(hop.state is not AttributionState.SUGGESTED for hop in hops[1:]):
            raise ValueError("only the head of a chain may have a state")
        return self

    def hops(self) -> Iterator[AttributionRecord]:
        """Iterates over the chain from the origin to the reader."""
        hop: AttributionRecord | None = self
        while hop is not None:
            yield hop
            hop = hop.via


class CorrectionRecord(FrozenModel):
    id: Annotated[int, IdField("correction")] | None = None
    kind: CorrectionKind
    at: Timestamp
    text: str
    block: BlockId | None = None
    before: str | None = None
    after: str | None = None


class SlugRecord(FrozenModel):
    language: Language
    slug: ArticleSlug
    until: Timestamp


class ArticleRecord(FrozenModel):
    id: Annotated[int, IdField("article")] | None = None
    uri: Uri | None = None
    external_ids: tuple[ExternalIdRecord, ...] = ()
    slug: ArticleSlug
    language: Language
    status: Status = Status.DRAFT
    content_type: ContentType = ContentType.NEWS
    access: Access = Access.FREE
    urgency: Annotated[int, Field(ge=1, le=9)] = 5
    published_at: Timestamp | None = None
    first_published_at: Timestamp | None = None
    updated_at: Timestamp | None = None
    modified_at: Timestamp | None = None
    embargo_until: Timestamp | None = None
    expires_at: Timestamp | None = None
    deleted_at: Timestamp | None = None
    category: Path | None = None
    sections: tuple[Path, ...] = ()
    headline: Name
    kicker: Line200 | None = None
    short_headline: Line200 | None = None
    lede: str | None = None
    summary: str | None = None
    byline: Line | None = None
    authors: tuple[CreditRecord, ...] = ()
    dateline_place: Line200 | None = None
    dateline_text: str | None = None
    lead_media: MediaId | None = None
    media: tuple[PlacementRecord, ...] = ()
    blocks: Blocks = ()
    attributions: tuple[AttributionRecord, ...] = ()
    corrections: tuple[CorrectionRecord, ...] = ()
    tags: tuple[MentionRecord, ...] = ()
    story: Slug | None = None
    story_position: Annotated[int, Field(ge=-(1 << 31), lt=1 << 31)] | None = None
    translation_group: Annotated[int, IdField("article")] | None = None
    related: tuple[Uri, ...] = ()
    canonical_url: Link | None = None
    canonical_elsewhere: bool = False
    syndicatable: bool = True
    usage_terms: str | None = None
    copyright_notice: Line | None = None
    ed_note: str | None = None
    slug_history: tuple[SlugRecord, ...] = ()
    version: Version | None = None
    extra: FreeJson = Field(default_factory=dict)

    @model_validator(mode="after")
    def _hangs_together(self) -> ArticleRecord:
        texts = {block.id: body.block_text(block) for block in self.blocks if block.id}
        if len(texts) < sum(1 for block in self.blocks if block.id):
            raise ValueError("two blocks have the same id")
        hops = [hop for attribution in self.attributions for hop in attribution.hops()]
        spans = [span for hop in hops for span in (hop.span, hop.cue_span, hop.source_span) if span]
        for n, span in enumerate(spans):
            if span.orphaned:
                continue
            result = texts.get(span.block_id)
            if result is None:
                raise ValueError(f"span {n + 1} names block {span.block_id}, which the article does not have")
            if not span.start < span.end <= len(result):
                raise ValueError(f"span {n + 1} extends beyond its block {span.block_id}")
            if span.exact is not None and span.exact != result[span.start : span.end]:
                raise ValueError(
                    f"span {n + 1} has the words {span.exact!r}, but its block has other words there"
                )
        existing = {hop.id for hop in hops}
        for block in self.blocks:
            if isinstance(block, body.Quote) and block.attribution and block.attribution not in existing:
                raise ValueError(f"block {block.id} names an attribution that the article does not have")
        return self


Record: TypeAlias = (
    CategoryRecord
    | SourceRecord
    | MediaRecord
    | AuthorRecord
    | TagRecord
    | StoryRecord
    | ArticleRecord
    | CollectionRecord
)

# Ordered so that every record comes after the records it refers to.
RECORD_TYPES: dict[str, type[Record]] = {
    "category": CategoryRecord,
    "source": SourceRecord,
    "media": MediaRecord,
    "author": AuthorRecord,
    "tag": TagRecord,
    "story": StoryRecord,
    "article": ArticleRecord,
    "collection": CollectionRecord,
}


class HistoryRecord(FrozenModel):
    """Record of a complete export besides the content; see `history_records`."""


def describe_validation_error(exc: ValidationError) -> str:
    """Returns the location and message of the first three errors of a record, in one sentence."""
    results = [
        f"{_place(error['loc'])}: {error['msg'].removeprefix('Value error, ')}".removeprefix(": ")
        for error in exc.errors(include_url=False, include_input=False)
    ]
    return "; ".join(results[:3]) + (f"; and {len(results) - 3} more" if len(results) > 3 else "")


def _place(location: tuple[int | str, ...]) -> str:
    # pydantic's location includes the union member, here the block type in capitals; it helps the reader.
    result = ""
    for part in location:
        result += f"[{part}]" if isinstance(part, int) else f".{part}" if result else part
    return result
