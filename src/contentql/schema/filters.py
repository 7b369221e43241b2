"""How lists are narrowed: the same words for every type, each leading to a written, public column.

Nothing here is made from columns by itself: what is not named cannot be asked.
"""

from __future__ import annotations

from typing import Generic, TypeVar

import strawberry

from contentql.auth.permissions import Role
from contentql.content.enums import (
    Access,
    AttributionKind,
    ContentType,
    CorrectionKind,
    MediaKind,
    SourceKind,
    Stance,
    Status,
    TagType,
    Verification,
)
from contentql.planner.field_plans import Column, FullTextFilter, PathPrefixFilter
from contentql.schema import relations
from contentql.schema.fields import filter_field, filter_operator
from contentql.schema.scalars import DateTime

ItemT = TypeVar("ItemT")
EnumT = TypeVar("EnumT")

_AND = "All of these hold. Example: `[{}]`."
_OR = "At least one of these holds. Example: `[{}]`."
_NOT = "This does not hold. Example: `{}`."
_NULL = "Whether there is none: for use inside another filter. Example: `true`."


@strawberry.input(description="Conditions on an id. All of them hold.")
class IDFilter:
    eq: strawberry.ID | None = filter_operator('Is this one. Example: `"art_90817263545"`.')
    ne: strawberry.ID | None = filter_operator('Is not this one. Example: `"art_90817263545"`.')
    in_: list[strawberry.ID] | None = filter_operator(
        'Is one of these, 250 at most. Example: `["art_1", "art_2"]`.'
    )
    not_in: list[strawberry.ID] | None = filter_operator(
        'Is none of these, 250 at most. Example: `["art_1"]`.'
    )
    is_null: bool | None = filter_operator("Whether it is missing. Example: `false`.")


@strawberry.input(
    description="Conditions on a text; letters count as they are, case and all. All of them hold."
)
class StringFilter:
    eq: str | None = filter_operator('Is this. Example: `"asia"`.')
    ne: str | None = filter_operator('Is not this, or is missing. Example: `"asia"`.')
    in_: list[str] | None = filter_operator('Is one of these, 250 at most. Example: `["asia", "europe"]`.')
    not_in: list[str] | None = filter_operator('Is none of these, 250 at most. Example: `["asia"]`.')
    lt: str | None = filter_operator('Comes before this, letter by letter. Example: `"m"`.')
    lte: str | None = filter_operator('Comes before this or is this. Example: `"m"`.')
    gt: str | None = filter_operator('Comes after this, letter by letter. Example: `"m"`.')
    gte: str | None = filter_operator('Comes after this or is this. Example: `"m"`.')
    starts_with: str | None = filter_operator('Begins with this. Example: `"Kim"`.')
    contains: str | None = filter_operator(
        'Has this in it; for words, `search` is better. Example: `"coffin"`.'
    )
    is_null: bool | None = filter_operator("Whether it is missing. Example: `true`.")


@strawberry.input(description="Conditions on a number. All of them hold.")
class IntFilter:
    eq: int | None = filter_operator("Is this. Example: `1`.")
    ne: int | None = filter_operator("Is not this, or is missing. Example: `1`.")
    in_: list[int] | None = filter_operator("Is one of these, 250 at most. Example: `[1, 2]`.")
    not_in: list[int] | None = filter_operator("Is none of these, 250 at most. Example: `[9]`.")
    lt: int | None = filter_operator("Is less. Example: `5`.")
    lte: int | None = filter_operator("Is less or the same. Example: `5`.")
    gt: int | None = filter_operator("Is more. Example: `5`.")
    gte: int | None = filter_operator("Is more or the same. Example: `5`.")
    is_null: bool | None = filter_operator("Whether it is missing. Example: `true`.")


@strawberry.input(description="Conditions on yes or no. All of them hold.")
class BooleanFilter:
    eq: bool | None = filter_operator("Is this. Example: `true`.")
    ne: bool | None = filter_operator("Is not this. Example: `true`.")


@strawberry.input(description="Conditions on a moment. All of them hold.")
class DateTimeFilter:
    eq: DateTime | None = filter_operator('Is this second. Example: `"2026-06-30T08:00:00Z"`.')
    ne: DateTime | None = filter_operator(
        'Is another second, or is missing. Example: `"2026-06-30T08:00:00Z"`.'
    )
    in_: list[DateTime] | None = filter_operator(
        'Is one of these, 250 at most. Example: `["2026-06-30T08:00:00Z"]`.'
    )
    not_in: list[DateTime] | None = filter_operator(
        'Is none of these, 250 at most. Example: `["2026-06-30T08:00:00Z"]`.'
    )
    lt: DateTime | None = filter_operator('Is earlier. Example: `"2026-07-01T00:00:00Z"`.')
    lte: DateTime | None = filter_operator('Is earlier or the same. Example: `"2026-07-01T00:00:00Z"`.')
    gt: DateTime | None = filter_operator('Is later. Example: `"2026-06-01T00:00:00Z"`.')
    gte: DateTime | None = filter_operator('Is later or the same. Example: `"2026-06-01T00:00:00Z"`.')
    is_null: bool | None = filter_operator("Whether it is missing. Example: `true`.")


@strawberry.input(description="Conditions on one of a closed set of words. All of them hold.", name="Filter")
class EnumFilter(Generic[EnumT]):
    eq: EnumT | None = filter_operator("Is this.")
    ne: EnumT | None = filter_operator("Is not this, or is missing.")
    in_: list[EnumT] | None = filter_operator("Is one of these.")
    not_in: list[EnumT] | None = filter_operator("Is none of these.")
    is_null: bool | None = filter_operator("Whether it is missing. Example: `true`.")


@strawberry.input(description="Conditions on the items of a list. All of them hold.", name="s")
class ListFilter(Generic[ItemT]):
    some: ItemT | None = filter_operator(
        "At least one item is like this; `{}` means there is one. Example: `{}`."
    )
    every: ItemT | None = filter_operator("There is no item that is not like this. Example: `{}`.")
    none: ItemT | None = filter_operator("No item is like this; `{}` means there is none. Example: `{}`.")


@strawberry.input(description="Which sections. All conditions hold.")
class CategoryFilter:
    and_: list[CategoryFilter] | None = filter_operator(_AND)
    or_: list[CategoryFilter] | None = filter_operator(_OR)
    not_: CategoryFilter | None = filter_operator(_NOT)
    is_null: bool | None = filter_operator(_NULL)
    id: IDFilter | None = filter_field('By id. Example: `{in: ["cat_1"]}`.')
    slug: StringFilter | None = filter_field('By the last part of the path. Example: `{eq: "asia"}`.')
    path: StringFilter | None = filter_field('By path, exactly. Example: `{eq: "world/asia"}`.')
    under: str | None = filter_field(
        'This section and all below it. Example: `"world"`.', PathPrefixFilter("path")
    )
    name: StringFilter | None = filter_field('By name. Example: `{startsWith: "A"}`.')
    depth: IntFilter | None = filter_field("By depth; 0 is a root section. Example: `{eq: 0}`.")
    hidden: BooleanFilter | None = filter_field("Whether it is left out of menus. Example: `{eq: false}`.")
    parent: CategoryFilter | None = filter_field(
        "By the section above. Example: `{isNull: true}`.", relations.CATEGORY_PARENT
    )
    children: ListFilter[CategoryFilter] | None = filter_field(
        "By the sections right below. Example: `{some: {}}`.", relations.CATEGORY_CHILDREN
    )
    articles: ListFilter[ArticleFilter] | None = filter_field(
        "By its articles and those below it. Example: `{some: {}}`.", relations.CATEGORY_ARTICLES
    )


@strawberry.input(description="Which media. All conditions hold.")
class MediaFilter:
    and_: list[MediaFilter] | None = filter_operator(_AND)
    or_: list[MediaFilter] | None = filter_operator(_OR)
    not_: MediaFilter | None = filter_operator(_NOT)
    is_null: bool | None = filter_operator(_NULL)
    id: IDFilter | None = filter_field('By id. Example: `{in: ["med_1"]}`.')
    kind: EnumFilter[MediaKind] | None = filter_field("By kind. Example: `{eq: IMAGE}`.")
    mime: StringFilter | None = filter_field('By media type. Example: `{startsWith: "image/"}`.')
    width: IntFilter | None = filter_field("By width in pixels. Example: `{gte: 1200}`.")
    height: IntFilter | None = filter_field("By height in pixels. Example: `{gte: 600}`.")
    alt: StringFilter | None = filter_field('By what it shows. Example: `{contains: "coffin"}`.')
    credit: StringFilter | None = filter_field('By the credit line. Example: `{eq: "KCTV"}`.')
    licence: StringFilter | None = filter_field('By licence. Example: `{eq: "CC BY 2.5"}`.')
    sensitive: BooleanFilter | None = filter_field(
        "Whether to ask before it is shown. Example: `{eq: false}`."
    )
    articles: ListFilter[ArticleFilter] | None = filter_field(
        "By the articles that use it. Example: `{some: {}}`.", relations.MEDIA_ARTICLES
    )


@strawberry.input(description="Which sources. All conditions hold.")
class SourceFilter:
    and_: list[SourceFilter] | None = filter_operator(_AND)
    or_: list[SourceFilter] | None = filter_operator(_OR)
    not_: SourceFilter | None = filter_operator(_NOT)
    is_null: bool | None = filter_operator(_NULL)
    id: IDFilter | None = filter_field('By id. Example: `{in: ["src_1"]}`.')
    slug: StringFilter | None = filter_field('By slug. Example: `{eq: "sky-news"}`.')
    name: StringFilter | None = filter_field('By name. Example: `{contains: "News"}`.')
    kind: EnumFilter[SourceKind] | None = filter_field("By kind. Example: `{eq: BROADCASTER}`.")
    state_controlled: BooleanFilter | None = filter_field(
        "Whether a state controls it. Example: `{eq: true}`."
    )
    country: StringFilter | None = filter_field('By country, ISO 3166. Example: `{eq: "KP"}`.')
    parent: SourceFilter | None = filter_field(
        'By what it belongs to. Example: `{slug: {eq: "bbc"}}`.', relations.SOURCE_PARENT
    )
    articles: ListFilter[ArticleFilter] | None = filter_field(
        "By the articles that rest on it. Example: `{some: {}}`.", relations.SOURCE_ARTICLES
    )


@strawberry.input(description="Which attributions. All conditions hold.")
class AttributionFilter:
    and_: list[AttributionFilter] | None = filter_operator(_AND)
    or_: list[AttributionFilter] | None = filter_operator(_OR)
    not_: AttributionFilter | None = filter_operator(_NOT)
    is_null: bool | None = filter_operator(_NULL)
    id: IDFilter | None = filter_field('By id. Example: `{in: ["att_1"]}`.')
    kind: EnumFilter[AttributionKind] | None = filter_field("By kind. Example: `{eq: CITING}`.")
    hop: IntFilter | None = filter_field("By place in the chain; 0 is the origin's. Example: `{eq: 0}`.")
    stance: EnumFilter[Stance] | None = filter_field("By stance. Example: `{eq: DENIES}`.")
    verification: EnumFilter[Verification] | None = filter_field(
        "By what the newsroom found out. Example: `{eq: DISPUTED}`."
    )
    claim: StringFilter | None = filter_field('By the claim. Example: `{contains: "troops"}`.')
    quote: StringFilter | None = filter_field("By the quotation. Example: `{isNull: false}`.")
    source: SourceFilter | None = filter_field(
        'By whose words they are. Example: `{slug: {eq: "kctv"}}`.', relations.ATTRIBUTION_SOURCE
    )
    origin: SourceFilter | None = filter_field(
        'By the end of the chain towards the event. Example: `{slug: {eq: "south-korean-intelligence"}}`.',
        relations.ATTRIBUTION_ORIGIN,
    )
    via: SourceFilter | None = filter_field(
        'By a relay anywhere in the chain. Example: `{slug: {eq: "sky-news"}}`.',
        relations.ATTRIBUTION_RELAY_SOURCES,
    )
    article: ArticleFilter | None = filter_field(
        'By its article. Example: `{category: {under: "world"}}`.', relations.ATTRIBUTION_ARTICLE
    )


@strawberry.input(description="Which tags. All conditions hold.")
class TagFilter:
    and_: list[TagFilter] | None = filter_operator(_AND)
    or_: list[TagFilter] | None = filter_operator(_OR)
    not_: TagFilter | None = filter_operator(_NOT)
    is_null: bool | None = filter_operator(_NULL)
    id: IDFilter | None = filter_field('By id. Example: `{in: ["tag_1"]}`.')
    type: EnumFilter[TagType] | None = filter_field("By what it stands for. Example: `{eq: PERSON}`.")
    slug: StringFilter | None = filter_field('By slug. Example: `{eq: "north-korea"}`.')
    name: StringFilter | None = filter_field('By name. Example: `{startsWith: "North"}`.')
    wikidata: StringFilter | None = filter_field('By Wikidata item. Example: `{eq: "Q423"}`.')
    broader: TagFilter | None = filter_field(
        'By the tag that contains it. Example: `{slug: {eq: "asia"}}`.', relations.TAG_BROADER
    )
    articles: ListFilter[ArticleFilter] | None = filter_field(
        "By the articles about it. Example: `{some: {}}`.", relations.TAG_ARTICLES
    )


@strawberry.input(description="Which authors. All conditions hold.")
class AuthorFilter:
    and_: list[AuthorFilter] | None = filter_operator(_AND)
    or_: list[AuthorFilter] | None = filter_operator(_OR)
    not_: AuthorFilter | None = filter_operator(_NOT)
    is_null: bool | None = filter_operator(_NULL)
    id: IDFilter | None = filter_field('By id. Example: `{in: ["aut_1"]}`.')
    slug: StringFilter | None = filter_field('By slug. Example: `{eq: "jane-doe"}`.')
    name: StringFilter | None = filter_field('By name. Example: `{startsWith: "Jane"}`.')
    desk: StringFilter | None = filter_field('By desk. Example: `{eq: "World"}`.')
    articles: ListFilter[ArticleFilter] | None = filter_field(
        "By their articles. Example: `{some: {}}`.", relations.AUTHOR_ARTICLES
    )


@strawberry.input(description="Which stories. All conditions hold.")
class StoryFilter:
    and_: list[StoryFilter] | None = filter_operator(_AND)
    or_: list[StoryFilter] | None = filter_operator(_OR)
    not_: StoryFilter | None = filter_operator(_NOT)
    is_null: bool | None = filter_operator(_NULL)
    id: IDFilter | None = filter_field('By id. Example: `{in: ["sto_1"]}`.')
    slug: StringFilter | None = filter_field('By slug. Example: `{eq: "north-korea-russia"}`.')
    title: StringFilter | None = filter_field('By title. Example: `{contains: "Russia"}`.')
    articles: ListFilter[ArticleFilter] | None = filter_field(
        "By its articles. Example: `{some: {}}`.", relations.STORY_ARTICLES
    )


@strawberry.input(description="Which collections. All conditions hold.")
class CollectionFilter:
    and_: list[CollectionFilter] | None = filter_operator(_AND)
    or_: list[CollectionFilter] | None = filter_operator(_OR)
    not_: CollectionFilter | None = filter_operator(_NOT)
    is_null: bool | None = filter_operator(_NULL)
    id: IDFilter | None = filter_field('By id. Example: `{in: ["col_1"]}`.')
    slug: StringFilter | None = filter_field('By slug. Example: `{eq: "front-page"}`.')
    title: StringFilter | None = filter_field('By title. Example: `{contains: "page"}`.')
    articles: ListFilter[ArticleFilter] | None = filter_field(
        "By its articles. Example: `{some: {}}`.", relations.COLLECTION_ARTICLES
    )


@strawberry.input(description="Which items of a collection. All conditions hold.")
class CollectionItemFilter:
    and_: list[CollectionItemFilter] | None = filter_operator(_AND)
    or_: list[CollectionItemFilter] | None = filter_operator(_OR)
    not_: CollectionItemFilter | None = filter_operator(_NOT)
    pinned_until: DateTimeFilter | None = filter_field(
        'By how long it is pinned. Example: `{gt: "2026-07-01T00:00:00Z"}`.'
    )
    article: ArticleFilter | None = filter_field(
        "By the article. Example: `{urgency: {lte: 3}}`.", relations.ITEM_ARTICLE
    )


@strawberry.input(description="Which articles. All conditions hold.")
class ArticleFilter:
    and_: list[ArticleFilter] | None = filter_operator(_AND)
    or_: list[ArticleFilter] | None = filter_operator(_OR)
    not_: ArticleFilter | None = filter_operator(_NOT)
    is_null: bool | None = filter_operator(_NULL)
    id: IDFilter | None = filter_field('By id. Example: `{in: ["art_1", "art_2"]}`.')
    uri: StringFilter | None = filter_field('By URI. Example: `{startsWith: "urn:contentql:"}`.')
    slug: StringFilter | None = filter_field('By slug. Example: `{eq: "kim-jong-un-sheds-a-tear"}`.')
    headline: StringFilter | None = filter_field('By headline. Example: `{contains: "Kursk"}`.')
    kicker: StringFilter | None = filter_field('By the line above it. Example: `{eq: "North Korea"}`.')
    summary: StringFilter | None = filter_field("By summary. Example: `{isNull: false}`.")
    byline: StringFilter | None = filter_field('By the authors\' line. Example: `{contains: "Seoul"}`.')
    search: str | None = filter_field(
        'By its words, as in `search`. Example: `"coffin -kursk"`.', FullTextFilter()
    )
    language: StringFilter | None = filter_field('By language, BCP 47. Example: `{in: ["en", "de"]}`.')
    status: EnumFilter[Status] | None = filter_field(
        "By where it stands: the public finds PUBLISHED ones. Example: `{in: [DRAFT, IN_REVIEW]}`.",
        relations.ARTICLE_STATUS,
    )
    content_type: EnumFilter[ContentType] | None = filter_field("By kind. Example: `{in: [NEWS, ANALYSIS]}`.")
    access: EnumFilter[Access] | None = filter_field("By who may read it all. Example: `{eq: FREE}`.")
    urgency: IntFilter | None = filter_field("By urgency, 1 the highest. Example: `{lte: 3}`.")
    word_count: IntFilter | None = filter_field("By length in words. Example: `{gte: 1000}`.")
    published_at: DateTimeFilter | None = filter_field(
        'By when it came out. Example: `{gte: "2026-06-01T00:00:00Z"}`.'
    )
    first_published_at: DateTimeFilter | None = filter_field(
        'By when it first came out. Example: `{lt: "2026-07-01T00:00:00Z"}`.'
    )
    updated_at: DateTimeFilter | None = filter_field(
        'By when it last changed. Example: `{gte: "2026-07-01T00:00:00Z"}`.'
    )
    expires_at: DateTimeFilter | None = filter_field("By when it will be gone. Example: `{isNull: true}`.")
    category: CategoryFilter | None = filter_field(
        'By its main section; `under` takes in all below it. Example: `{under: "world"}`.',
        relations.CATEGORY,
    )
    categories: ListFilter[CategoryFilter] | None = filter_field(
        'By any of its sections. Example: `{some: {path: {eq: "politics"}}}`.', relations.ARTICLE_CATEGORIES
    )
    lead_media: MediaFilter | None = filter_field(
        "By what opens it. Example: `{kind: {eq: VIDEO}}`.", relations.LEAD_MEDIA
    )
    media: ListFilter[MediaFilter] | None = filter_field(
        "By its media; `{some: {}}` means it has any. Example: `{some: {kind: {eq: IMAGE}}}`.",
        relations.ARTICLE_MEDIA_FILES,
    )
    attributions: ListFilter[AttributionFilter] | None = filter_field(
        'By who said what. Example: `{some: {origin: {slug: {eq: "nis"}}, via: {slug: {eq: "sky-news"}}}}`.',
        relations.ARTICLE_ATTRIBUTIONS,
    )
    sources: ListFilter[SourceFilter] | None = filter_field(
        "By whom it rests on, as origin or as relay. Example: `{some: {kind: {eq: INTELLIGENCE}}}`.",
        relations.ARTICLE_SOURCES,
    )
    source: SourceFilter | None = filter_field(
        'It rests on such a source, as origin or as relay. Example: `{slug: {eq: "sky-news"}}`.',
        relations.ARTICLE_ANY_SOURCE,
    )
    authors: ListFilter[AuthorFilter] | None = filter_field(
        'By its authors. Example: `{some: {slug: {eq: "jane-doe"}}}`.', relations.ARTICLE_AUTHOR_ROWS
    )
    tags: ListFilter[TagFilter] | None = filter_field(
        'By its tags. Example: `{some: {slug: {eq: "north-korea"}}}`.', relations.ARTICLE_TAGS
    )
    story: StoryFilter | None = filter_field(
        'By its story. Example: `{slug: {eq: "north-korea-russia"}}`.', relations.STORY
    )
    translations: ListFilter[ArticleFilter] | None = filter_field(
        'By the same article in other languages. Example: `{some: {language: {eq: "de"}}}`.',
        relations.ARTICLE_TRANSLATIONS,
    )
    related: ListFilter[ArticleFilter] | None = filter_field(
        "By what stands beside it. Example: `{some: {}}`.", relations.ARTICLE_RELATED
    )


@strawberry.input(description="Which corrections. All conditions hold.")
class CorrectionFilter:
    and_: list[CorrectionFilter] | None = filter_operator(_AND)
    or_: list[CorrectionFilter] | None = filter_operator(_OR)
    not_: CorrectionFilter | None = filter_operator(_NOT)
    is_null: bool | None = filter_operator(_NULL)
    id: IDFilter | None = filter_field('By id. Example: `{in: ["cor_1"]}`.')
    kind: EnumFilter[CorrectionKind] | None = filter_field("By kind. Example: `{eq: RETRACTION}`.")
    corrected_at: DateTimeFilter | None = filter_field(
        'Time of the correction. Example: `{gte: "2026-07-01T00:00:00Z"}`.', Column("at")
    )
    article: ArticleFilter | None = filter_field(
        'By the article, and so by section or source. Example: `{source: {slug: {eq: "sky-news"}}}`.',
        relations.CORRECTION_ARTICLE,
    )


@strawberry.input(description="Which entries of the audit log. All conditions hold.")
class AuditEntryFilter:
    and_: list[AuditEntryFilter] | None = filter_operator(_AND)
    or_: list[AuditEntryFilter] | None = filter_operator(_OR)
    not_: AuditEntryFilter | None = filter_operator(_NOT)
    occurred_at: DateTimeFilter | None = filter_field(
        'Time of the mutation. Example: `{gte: "2026-07-01T00:00:00Z"}`.', Column("at")
    )
    account: StringFilter | None = filter_field('By who did it. Example: `{eq: "jane-doe"}`.')
    role: EnumFilter[Role] | None = filter_field("By what they were. Example: `{eq: ADMIN}`.")
    action: StringFilter | None = filter_field('By what was done. Example: `{eq: "publishArticle"}`.')
    target_id: StringFilter | None = filter_field(
        'By what it was done to. Example: `{eq: "art_90817263545"}`.'
    )


@strawberry.input(description="Which tokens. All conditions hold.")
class TokenFilter:
    and_: list[TokenFilter] | None = filter_operator(_AND)
    or_: list[TokenFilter] | None = filter_operator(_OR)
    not_: TokenFilter | None = filter_operator(_NOT)
    account: StringFilter | None = filter_field('By whose it is. Example: `{eq: "jane-doe"}`.')
    role: EnumFilter[Role] | None = filter_field("By role. Example: `{eq: ADMIN}`.")
    revoked_at: DateTimeFilter | None = filter_field("By when it was revoked. Example: `{isNull: true}`.")
