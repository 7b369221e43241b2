"""What a newsroom keeps: the tables of articles, sections, media, sources and who said what.

Models declare forward relations only. Derived columns (paths, body
renderings, word counts, chain heads, section rows) are computed by `store.derive`, never typed in.
Closed sets are stored as their GraphQL spelling, so that a row needs no translation on its way out.
"""

from __future__ import annotations

import datetime as dt
from enum import Enum
from typing import Any

from tortoise import fields
from tortoise.fields import OnDelete
from tortoise.migrations.constraints import CheckConstraint
from tortoise.models import Model

from contentql.content.ids import new_id


class ContentType(str, Enum):
    NEWS = "NEWS"
    ANALYSIS = "ANALYSIS"
    OPINION = "OPINION"
    LIVE = "LIVE"
    EXPLAINER = "EXPLAINER"
    INTERVIEW = "INTERVIEW"
    OBITUARY = "OBITUARY"
    REVIEW = "REVIEW"
    GALLERY = "GALLERY"
    VIDEO = "VIDEO"
    FACT_CHECK = "FACT_CHECK"
    SPONSORED = "SPONSORED"


class Status(str, Enum):
    DRAFT = "DRAFT"
    IN_REVIEW = "IN_REVIEW"
    APPROVED = "APPROVED"
    SCHEDULED = "SCHEDULED"
    PUBLISHED = "PUBLISHED"
    WITHDRAWN = "WITHDRAWN"
    ARCHIVED = "ARCHIVED"
    EXPIRED = "EXPIRED"  # never stored: the clock makes it so


class Access(str, Enum):
    FREE = "FREE"
    METERED = "METERED"
    SUBSCRIBER = "SUBSCRIBER"


class MediaKind(str, Enum):
    IMAGE = "IMAGE"
    VIDEO = "VIDEO"
    AUDIO = "AUDIO"
    DOCUMENT = "DOCUMENT"


class MediaRole(str, Enum):
    LEAD = "LEAD"
    INLINE = "INLINE"
    GALLERY = "GALLERY"


class SourceKind(str, Enum):
    AGENCY = "AGENCY"
    BROADCASTER = "BROADCASTER"
    NEWSPAPER = "NEWSPAPER"
    ONLINE = "ONLINE"
    OFFICIAL = "OFFICIAL"
    MILITARY = "MILITARY"
    COURT_POLICE = "COURT_POLICE"
    INTELLIGENCE = "INTELLIGENCE"
    COMPANY = "COMPANY"
    NGO = "NGO"
    PARTY = "PARTY"
    ACADEMIC = "ACADEMIC"
    DOCUMENT = "DOCUMENT"
    DATASET = "DATASET"
    PERSON = "PERSON"
    SOCIAL_MEDIA = "SOCIAL_MEDIA"
    ANONYMOUS = "ANONYMOUS"
    UNSPECIFIED = "UNSPECIFIED"
    OTHER = "OTHER"


class AttributionKind(str, Enum):
    ACCORDING_TO = "ACCORDING_TO"
    REPORTED_BY = "REPORTED_BY"
    CITING = "CITING"
    RELEASED_BY = "RELEASED_BY"
    SAID = "SAID"
    TOLD = "TOLD"
    QUOTED = "QUOTED"
    DENIED = "DENIED"
    SEEN_BY = "SEEN_BY"
    PHOTO_CREDIT = "PHOTO_CREDIT"
    DATA = "DATA"
    OTHER = "OTHER"


class AttributionState(str, Enum):
    SUGGESTED = "SUGGESTED"
    ACCEPTED = "ACCEPTED"
    EDITED = "EDITED"
    REJECTED = "REJECTED"


PUBLIC_ATTRIBUTION_STATES = (AttributionState.ACCEPTED, AttributionState.EDITED)


class Stance(str, Enum):
    ASSERTS = "ASSERTS"
    DENIES = "DENIES"
    ASKS = "ASKS"


class Verification(str, Enum):
    UNVERIFIED = "UNVERIFIED"
    CORROBORATED = "CORROBORATED"
    VERIFIED = "VERIFIED"
    DISPUTED = "DISPUTED"
    RETRACTED = "RETRACTED"


class TagType(str, Enum):
    TOPIC = "TOPIC"
    PERSON = "PERSON"
    ORGANISATION = "ORGANISATION"
    PLACE = "PLACE"
    EVENT = "EVENT"
    WORK = "WORK"


class AuthorRole(str, Enum):
    WRITER = "WRITER"
    PHOTOGRAPHER = "PHOTOGRAPHER"
    TRANSLATOR = "TRANSLATOR"
    EDITOR = "EDITOR"


class CorrectionKind(str, Enum):
    CORRECTION = "CORRECTION"
    CLARIFICATION = "CLARIFICATION"
    UPDATE = "UPDATE"
    RETRACTION = "RETRACTION"


class TimestampField(fields.DatetimeField[dt.datetime]):
    """A UTC instant in whole seconds: `timestamptz` on PostgreSQL, `2026-06-30T08:00:00Z` as text on SQLite.

    Whole seconds everywhere, so that both databases sort, compare and print one moment alike.
    """

    def to_db_value(self, value: Any, instance: Any) -> Any:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{self.model_field_name}: a time needs a zone, as in 2026-06-30T08:00:00Z")
        whole = value.astimezone(dt.UTC).replace(microsecond=0)
        # An update of many rows has no instance.
        return whole if _speaks_postgres(instance or self.model) else whole.strftime("%Y-%m-%dT%H:%M:%SZ")


def _speaks_postgres(instance: Any) -> bool:
    model = instance if isinstance(instance, type) else type(instance)
    dialect: str = model._meta.db.capabilities.dialect  # type: ignore[attr-defined]
    return dialect == "postgres"


def _one_of(column: str, closed: type[Enum]) -> CheckConstraint:
    words = ", ".join(f"'{member.value}'" for member in closed if member is not Status.EXPIRED)
    return CheckConstraint(check=f"{column} in ({words})", name=f"{column}_is_known")


def _told(closed: type[Enum], *, besides: Enum) -> str:
    """As Tortoise describes a column of a closed set, without what is never stored."""
    return "\n".join(f"{member.value}: {member.value}" for member in closed if member is not besides)


def _check(name: str, rule: str) -> CheckConstraint:
    return CheckConstraint(check=rule, name=name)


def id_field() -> Any:
    return fields.BigIntField(primary_key=True, generated=False, default=new_id)


def _to(model: str, on_delete: OnDelete = OnDelete.RESTRICT, **options: Any) -> Any:
    return fields.ForeignKeyField(f"content.{model}", on_delete=on_delete, related_name=False, **options)


def _maybe(model: str, on_delete: OnDelete = OnDelete.RESTRICT) -> Any:
    return _to(model, on_delete, null=True)


class Category(Model):
    id = id_field()
    parent = _maybe("Category")
    slug = fields.CharField(max_length=120)
    path = fields.CharField(max_length=1000, unique=True)
    depth = fields.SmallIntField(db_default=0)
    position = fields.IntField(db_default=0)
    name = fields.CharField(max_length=200)
    names: Any = fields.JSONField(default=list)
    sort_name = fields.CharField(max_length=200)
    description = fields.TextField(null=True)
    hidden = fields.BooleanField(db_default=False)

    class Meta:
        table = "category"
        constraints = (
            _check("depth", "depth between 0 and 7"),
            _check("not_its_own_parent", "parent_id <> id"),
        )


class Source(Model):
    id = id_field()
    slug = fields.CharField(max_length=160, unique=True)
    name = fields.CharField(max_length=300)
    sort_name = fields.CharField(max_length=300)
    kind = fields.CharEnumField(SourceKind, max_length=16)
    aliases: Any = fields.JSONField(default=list)
    state_controlled = fields.BooleanField(db_default=False)
    country = fields.CharField(max_length=2, null=True)
    homepage = fields.TextField(null=True)
    wikidata = fields.CharField(max_length=20, null=True)
    described_as = fields.TextField(null=True)
    parent = _maybe("Source")

    class Meta:
        table = "source"
        constraints = (_one_of("kind", SourceKind),)


class Media(Model):
    id = id_field()
    kind = fields.CharEnumField(MediaKind, max_length=16)
    url = fields.TextField()
    mime = fields.CharField(max_length=100)
    width = fields.IntField(null=True)
    height = fields.IntField(null=True)
    duration = fields.FloatField(null=True)
    bytes = fields.BigIntField(null=True)
    sha256 = fields.CharField(max_length=64, null=True)
    alt = fields.TextField(null=True)
    decorative = fields.BooleanField(db_default=False)
    caption = fields.TextField(null=True)
    credit = fields.TextField(null=True)
    creator = fields.TextField(null=True)
    copyright = fields.TextField(null=True)
    licence = fields.CharField(max_length=100, null=True)
    licence_url = fields.TextField(null=True)
    usage_terms = fields.TextField(null=True)
    expires_at = TimestampField(null=True)
    focal_x = fields.FloatField(null=True)
    focal_y = fields.FloatField(null=True)
    blurhash = fields.CharField(max_length=100, null=True)
    colour = fields.CharField(max_length=7, null=True)
    digital_source_type = fields.CharField(max_length=200, null=True)
    sensitive = fields.BooleanField(db_default=False)
    renditions: Any = fields.JSONField(default=list)
    created_at = TimestampField()

    class Meta:
        table = "media"
        constraints = (
            _one_of("kind", MediaKind),
            _check("focal_point", "focal_x between 0 and 1 and focal_y between 0 and 1"),
        )


class Story(Model):
    id = id_field()
    slug = fields.CharField(max_length=160, unique=True)
    title = fields.CharField(max_length=300)
    sort_name = fields.CharField(max_length=300)
    description = fields.TextField(null=True)

    class Meta:
        table = "story"


class Tag(Model):
    id = id_field()
    type = fields.CharEnumField(TagType, max_length=16)
    slug = fields.CharField(max_length=160)
    name = fields.CharField(max_length=300)
    names: Any = fields.JSONField(default=list)
    sort_name = fields.CharField(max_length=300)
    description = fields.TextField(null=True)
    aliases: Any = fields.JSONField(default=list)
    wikidata = fields.CharField(max_length=20, null=True, unique=True)
    latitude = fields.FloatField(null=True)
    longitude = fields.FloatField(null=True)
    codes: Any = fields.JSONField(default=list)
    broader = _maybe("Tag")

    class Meta:
        table = "tag"
        constraints = (_one_of("type", TagType),)
        unique_together = (("type", "slug"),)


class Author(Model):
    id = id_field()
    slug = fields.CharField(max_length=160, unique=True)
    name = fields.CharField(max_length=300)
    sort_name = fields.CharField(max_length=300)
    bio = fields.TextField(null=True)
    desk = fields.CharField(max_length=100, null=True)
    image = _maybe("Media")
    same_as: Any = fields.JSONField(default=list)
    pseudonym = fields.BooleanField(db_default=False)

    class Meta:
        table = "author"


class Article(Model):
    # Where `working_of` is not 0, the row is what editors are making of the article of that id: a working
    # copy, with body, links and attributions of its own. Its status is never a public one, it goes when it is
    # published, and whoever sees it sees it under the article's id. `owner` is the account that began it.
    id = id_field()
    uri = fields.CharField(max_length=500)
    slug = fields.CharField(max_length=200)
    language = fields.CharField(max_length=35)
    status = fields.CharEnumField(
        Status, max_length=16, default=Status.DRAFT, description=_told(Status, besides=Status.EXPIRED)
    )
    content_type = fields.CharEnumField(ContentType, max_length=16, default=ContentType.NEWS)
    access = fields.CharEnumField(Access, max_length=16, default=Access.FREE)
    urgency = fields.SmallIntField(db_default=5)
    published_at = TimestampField(null=True)
    first_published_at = TimestampField(null=True)
    updated_at = TimestampField(null=True)
    modified_at = TimestampField()
    embargo_until = TimestampField(null=True)
    expires_at = TimestampField(null=True)
    deleted_at = TimestampField(null=True)
    category = _maybe("Category")
    lead_media = _maybe("Media")
    story = _maybe("Story")
    story_position = fields.IntField(null=True)
    translation_group = fields.BigIntField(null=True)
    headline = fields.CharField(max_length=300)
    kicker = fields.CharField(max_length=200, null=True)
    short_headline = fields.CharField(max_length=200, null=True)
    lede = fields.TextField(null=True)
    summary = fields.TextField(null=True)
    byline = fields.TextField(null=True)
    dateline_place = fields.CharField(max_length=200, null=True)
    dateline_text = fields.TextField(null=True)
    canonical_url = fields.TextField(null=True)
    canonical_elsewhere = fields.BooleanField(db_default=False)
    syndicatable = fields.BooleanField(db_default=True)
    usage_terms = fields.TextField(null=True)
    copyright_notice = fields.TextField(null=True)
    ed_note = fields.TextField(null=True)
    word_count = fields.IntField(db_default=0)
    reading_minutes = fields.SmallIntField(db_default=1)
    version = fields.IntField(db_default=1)
    extra: Any = fields.JSONField(default=dict)
    owner = fields.CharField(max_length=200, null=True)
    working_of = fields.BigIntField(db_default=0)

    class Meta:
        table = "article"
        constraints = (
            _one_of("status", Status),
            _one_of("content_type", ContentType),
            _one_of("access", Access),
            _check("urgency", "urgency between 1 and 9"),
            _check(
                "public_is_complete",
                "status not in ('PUBLISHED', 'SCHEDULED') or (published_at is not null"
                " and first_published_at is not null and updated_at is not null and category_id is not null)",
            ),
            _check("embargo_before_expiry", "expires_at > embargo_until"),
        )
        unique_together = (("language", "slug", "working_of"), ("uri", "working_of"))


class ArticleBody(Model):
    """Apart from Article, so that lists read rows of a few hundred bytes and never the texts."""

    article: Any = fields.OneToOneField(
        "content.Article", on_delete=OnDelete.CASCADE, related_name=False, primary_key=True
    )
    blocks: Any = fields.JSONField(default=list)
    html = fields.TextField()
    markdown = fields.TextField()
    text = fields.TextField()

    class Meta:
        table = "article_body"


class ArticleSection(Model):
    """One row for every section an article stands in, and one for every section above those.

    `direct` marks the article's own sections. `published_at` is the article's, kept here so that a
    section of any size, with or without its subtree, is read as one stretch of one index.
    """

    id = id_field()
    article = _to("Article", OnDelete.CASCADE)
    category = _to("Category")
    direct = fields.BooleanField(db_default=True)
    position = fields.IntField(db_default=0)
    published_at = TimestampField(null=True)

    class Meta:
        table = "article_section"
        unique_together = (("article", "category"),)


class ArticleTag(Model):
    id = id_field()
    article = _to("Article", OnDelete.CASCADE)
    tag = _to("Tag")
    position = fields.IntField(db_default=0)
    relevance = fields.SmallIntField(null=True)
    confidence = fields.SmallIntField(null=True)
    published_at = TimestampField(null=True)

    class Meta:
        table = "article_tag"
        unique_together = (("article", "tag"),)


class ArticleAuthor(Model):
    id = id_field()
    article = _to("Article", OnDelete.CASCADE)
    author = _to("Author")
    role = fields.CharEnumField(AuthorRole, max_length=16, default=AuthorRole.WRITER)
    position = fields.IntField(db_default=0)

    class Meta:
        table = "article_author"
        constraints = (_one_of("role", AuthorRole),)
        unique_together = (("article", "author", "role"),)


class ArticleMedia(Model):
    id = id_field()
    article = _to("Article", OnDelete.CASCADE)
    media = _to("Media")
    position = fields.IntField(db_default=0)
    role = fields.CharEnumField(MediaRole, max_length=16, default=MediaRole.INLINE)
    caption = fields.TextField(null=True)
    alt = fields.TextField(null=True)

    class Meta:
        table = "article_media"
        constraints = (_one_of("role", MediaRole),)
        unique_together = (("article", "position"),)


class ArticleRelated(Model):
    id = id_field()
    article = _to("Article", OnDelete.CASCADE)
    related = _to("Article", OnDelete.CASCADE)
    position = fields.IntField(db_default=0)

    class Meta:
        table = "article_related"
        unique_together = (("article", "related"),)


class Attribution(Model):
    """One hop of a claim's way to the reader.

    The head row (`hop` 0) holds the claim and its origin; `via` leads hop by hop towards the reader.
    All rows of one chain share `head` and `origin` and one state, so the whole chain, its origin and
    its relays are each one index look-up, however long it is. In a working copy of an article, `working_of`
    is the id that the row goes by, now and when it is published.
    """

    id = id_field()
    article = _to("Article", OnDelete.CASCADE)
    kind = fields.CharEnumField(AttributionKind, max_length=16)
    source = _maybe("Source")
    via: Any = fields.OneToOneField(
        "content.Attribution", on_delete=OnDelete.SET_NULL, related_name=False, null=True
    )
    head_id = fields.BigIntField()
    hop = fields.SmallIntField(db_default=0)
    origin = _maybe("Source")
    position = fields.IntField(db_default=0)
    claim = fields.TextField(null=True)
    quote = fields.TextField(null=True)
    stance = fields.CharEnumField(Stance, max_length=16, null=True)
    said_on = fields.DateField(null=True)
    url = fields.TextField(null=True)
    accessed_at = TimestampField(null=True)
    archived_url = fields.TextField(null=True)
    media = _maybe("Media")
    span_block = fields.CharField(max_length=40, null=True)
    span_start = fields.IntField(null=True)
    span_end = fields.IntField(null=True)
    span_exact = fields.TextField(null=True)
    span_prefix = fields.TextField(null=True)
    span_suffix = fields.TextField(null=True)
    span_orphaned = fields.BooleanField(db_default=False)
    cue_span: Any = fields.JSONField(null=True)
    source_span: Any = fields.JSONField(null=True)
    made_by = fields.CharField(max_length=100, default="editor")
    state = fields.CharEnumField(AttributionState, max_length=16, default=AttributionState.SUGGESTED)
    score = fields.FloatField(null=True)
    verification = fields.CharEnumField(Verification, max_length=16, default=Verification.UNVERIFIED)
    verification_note = fields.TextField(null=True)
    verified_by = fields.CharField(max_length=200, null=True)
    verified_at = TimestampField(null=True)
    working_of = fields.BigIntField(db_default=0)

    class Meta:
        table = "attribution"
        constraints = (
            _one_of("kind", AttributionKind),
            _one_of("state", AttributionState),
            _one_of("verification", Verification),
            _one_of("stance", Stance),
            _check("hop", "hop between 0 and 5"),
            _check("via_not_itself", "via_id <> id"),
            _check("names_a_source", "source_id is not null or kind = 'REPORTED_BY'"),
            _check("span", "span_start >= 0 and span_end > span_start"),
            _check("score", "score between 0 and 1"),
        )


class Correction(Model):
    id = id_field()
    article = _to("Article", OnDelete.CASCADE)
    kind = fields.CharEnumField(CorrectionKind, max_length=16)
    at = TimestampField()
    text = fields.TextField()
    block = fields.CharField(max_length=40, null=True)
    before = fields.TextField(null=True)
    after = fields.TextField(null=True)

    class Meta:
        table = "correction"
        constraints = (_one_of("kind", CorrectionKind),)


class Collection(Model):
    id = id_field()
    slug = fields.CharField(max_length=160, unique=True)
    title = fields.CharField(max_length=300)
    sort_name = fields.CharField(max_length=300)
    description = fields.TextField(null=True)
    max_items = fields.SmallIntField(null=True)

    class Meta:
        table = "collection"


class CollectionItem(Model):
    id = id_field()
    collection = _to("Collection", OnDelete.CASCADE)
    article = _to("Article", OnDelete.CASCADE)
    position = fields.IntField(db_default=0)
    pinned_until = TimestampField(null=True)
    headline = fields.CharField(max_length=300, null=True)
    media = _maybe("Media")

    class Meta:
        table = "collection_item"
        unique_together = (("collection", "article"),)


class SlugHistory(Model):
    """The slugs an article answered to before, so that old links still lead to it."""

    id = id_field()
    article = _to("Article", OnDelete.CASCADE)
    language = fields.CharField(max_length=35)
    slug = fields.CharField(max_length=200)
    until = TimestampField()

    class Meta:
        table = "slug_history"
        unique_together = (("language", "slug"),)


class PathHistory(Model):
    """The paths a section stood at before, so that old links still lead to it."""

    id = id_field()
    category = _to("Category", OnDelete.CASCADE)
    path = fields.CharField(max_length=1000, unique=True)
    until = TimestampField()

    class Meta:
        table = "path_history"


class Withdrawal(Model):
    """What stands at the slug of an article that was taken back."""

    article: Any = fields.OneToOneField(
        "content.Article", on_delete=OnDelete.CASCADE, related_name=False, primary_key=True
    )
    language = fields.CharField(max_length=35)
    slug = fields.CharField(max_length=200)
    notice = fields.TextField()
    at = TimestampField()

    class Meta:
        table = "withdrawal"


class ExternalId(Model):
    """Who an imported article is in the system it came from: what makes a second import change nothing."""

    id = id_field()
    article = _to("Article", OnDelete.CASCADE)
    system = fields.CharField(max_length=100)
    value = fields.CharField(max_length=500)

    class Meta:
        table = "external_id"
        unique_together = (("system", "value"),)
