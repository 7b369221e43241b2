"""How lists are narrowed: the same words for every type, each leading to a written, public column.

Nothing here is made from columns by itself: what is not named cannot be asked.
"""

from __future__ import annotations

from typing import Generic, TypeVar

import strawberry

from contentql.auth.permissions import Role
from contentql.planner.catalog import Under, Words
from contentql.schema import relations
from contentql.schema.fields import condition, joint
from contentql.schema.scalars import DateTime
from contentql.store.models.content import (
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

Item = TypeVar("Item")
Closed = TypeVar("Closed")

_AND = "All of these hold. Example: `[{}]`."
_OR = "At least one of these holds. Example: `[{}]`."
_NOT = "This does not hold. Example: `{}`."
_NULL = "Whether there is none: for use inside another filter. Example: `true`."


@strawberry.input(description="Conditions on an id. All of them hold.")
class IDFilter:
    eq: strawberry.ID | None = joint('Is this one. Example: `"art_90817263545"`.')
    ne: strawberry.ID | None = joint('Is not this one. Example: `"art_90817263545"`.')
    in_: list[strawberry.ID] | None = joint('Is one of these, 250 at most. Example: `["art_1", "art_2"]`.')
    not_in: list[strawberry.ID] | None = joint('Is none of these, 250 at most. Example: `["art_1"]`.')
    is_null: bool | None = joint("Whether it is missing. Example: `false`.")


@strawberry.input(
    description="Conditions on a text; letters count as they are, case and all. All of them hold."
)
class StringFilter:
    eq: str | None = joint('Is this. Example: `"asia"`.')
    ne: str | None = joint('Is not this, or is missing. Example: `"asia"`.')
    in_: list[str] | None = joint('Is one of these, 250 at most. Example: `["asia", "europe"]`.')
    not_in: list[str] | None = joint('Is none of these, 250 at most. Example: `["asia"]`.')
    lt: str | None = joint('Comes before this, letter by letter. Example: `"m"`.')
    lte: str | None = joint('Comes before this or is this. Example: `"m"`.')
    gt: str | None = joint('Comes after this, letter by letter. Example: `"m"`.')
    gte: str | None = joint('Comes after this or is this. Example: `"m"`.')
    starts_with: str | None = joint('Begins with this. Example: `"Kim"`.')
    contains: str | None = joint('Has this in it; for words, `search` is better. Example: `"coffin"`.')
    is_null: bool | None = joint("Whether it is missing. Example: `true`.")


@strawberry.input(description="Conditions on a number. All of them hold.")
class IntFilter:
    eq: int | None = joint("Is this. Example: `1`.")
    ne: int | None = joint("Is not this, or is missing. Example: `1`.")
    in_: list[int] | None = joint("Is one of these, 250 at most. Example: `[1, 2]`.")
    not_in: list[int] | None = joint("Is none of these, 250 at most. Example: `[9]`.")
    lt: int | None = joint("Is less. Example: `5`.")
    lte: int | None = joint("Is less or the same. Example: `5`.")
    gt: int | None = joint("Is more. Example: `5`.")
    gte: int | None = joint("Is more or the same. Example: `5`.")
    is_null: bool | None = joint("Whether it is missing. Example: `true`.")


@strawberry.input(description="Conditions on yes or no. All of them hold.")
class BooleanFilter:
    eq: bool | None = joint("Is this. Example: `true`.")
    ne: bool | None = joint("Is not this. Example: `true`.")


@strawberry.input(description="Conditions on a moment. All of them hold.")
class DateTimeFilter:
    eq: DateTime | None = joint('Is this second. Example: `"2026-06-30T08:00:00Z"`.')
    ne: DateTime | None = joint('Is another second, or is missing. Example: `"2026-06-30T08:00:00Z"`.')
    in_: list[DateTime] | None = joint('Is one of these, 250 at most. Example: `["2026-06-30T08:00:00Z"]`.')
    not_in: list[DateTime] | None = joint(
        'Is none of these, 250 at most. Example: `["2026-06-30T08:00:00Z"]`.'
    )
    lt: DateTime | None = joint('Is earlier. Example: `"2026-07-01T00:00:00Z"`.')
    lte: DateTime | None = joint('Is earlier or the same. Example: `"2026-07-01T00:00:00Z"`.')
    gt: DateTime | None = joint('Is later. Example: `"2026-06-01T00:00:00Z"`.')
    gte: DateTime | None = joint('Is later or the same. Example: `"2026-06-01T00:00:00Z"`.')
    is_null: bool | None = joint("Whether it is missing. Example: `true`.")


@strawberry.input(description="Conditions on one of a closed set of words. All of them hold.", name="Filter")
class ClosedFilter(Generic[Closed]):
    eq: Closed | None = joint("Is this.")
    ne: Closed | None = joint("Is not this, or is missing.")
    in_: list[Closed] | None = joint("Is one of these.")
    not_in: list[Closed] | None = joint("Is none of these.")
    is_null: bool | None = joint("Whether it is missing. Example: `true`.")


@strawberry.input(description="Conditions on the items of a list. All of them hold.", name="s")
class ItemsFilter(Generic[Item]):
    some: Item | None = joint("At least one item is like this; `{}` means there is one. Example: `{}`.")
    every: Item | None = joint("There is no item that is not like this. Example: `{}`.")
    none: Item | None = joint("No item is like this; `{}` means there is none. Example: `{}`.")


@strawberry.input(description="Which sections. All conditions hold.")
class CategoryFilter:
    and_: list[CategoryFilter] | None = joint(_AND)
    or_: list[CategoryFilter] | None = joint(_OR)
    not_: CategoryFilter | None = joint(_NOT)
    is_null: bool | None = joint(_NULL)
    id: IDFilter | None = condition('By id. Example: `{in: ["cat_1"]}`.')
    slug: StringFilter | None = condition('By the last part of the path. Example: `{eq: "asia"}`.')
    path: StringFilter | None = condition('By path, exactly. Example: `{eq: "world/asia"}`.')
    under: str | None = condition('This section and all below it. Example: `"world"`.', Under("path"))
    name: StringFilter | None = condition('By name. Example: `{startsWith: "A"}`.')
    depth: IntFilter | None = condition("By depth; 0 is a root section. Example: `{eq: 0}`.")
    hidden: BooleanFilter | None = condition("Whether it is left out of menus. Example: `{eq: false}`.")
    parent: CategoryFilter | None = condition(
        "By the section above. Example: `{isNull: true}`.", relations.CATEGORY_PARENT
    )
    children: ItemsFilter[CategoryFilter] | None = condition(
        "By the sections right below. Example: `{some: {}}`.", relations.CATEGORY_CHILDREN
    )
    articles: ItemsFilter[ArticleFilter] | None = condition(
        "By its articles and those below it. Example: `{some: {}}`.", relations.CATEGORY_ARTICLES
    )


@strawberry.input(description="Which media. All conditions hold.")
class MediaFilter:
    and_: list[MediaFilter] | None = joint(_AND)
    or_: list[MediaFilter] | None = joint(_OR)
    not_: MediaFilter | None = joint(_NOT)
    is_null: bool | None = joint(_NULL)
    id: IDFilter | None = condition('By id. Example: `{in: ["med_1"]}`.')
    kind: ClosedFilter[MediaKind] | None = condition("By kind. Example: `{eq: IMAGE}`.")
    mime: StringFilter | None = condition('By media type. Example: `{startsWith: "image/"}`.')
    width: IntFilter | None = condition("By width in pixels. Example: `{gte: 1200}`.")
    height: IntFilter | None = condition("By height in pixels. Example: `{gte: 600}`.")
    alt: StringFilter | None = condition('By what it shows. Example: `{contains: "coffin"}`.')
    credit: StringFilter | None = condition('By the credit line. Example: `{eq: "KCTV"}`.')
    licence: StringFilter | None = condition('By licence. Example: `{eq: "CC BY 2.5"}`.')
    sensitive: BooleanFilter | None = condition("Whether to ask before it is shown. Example: `{eq: false}`.")
    articles: ItemsFilter[ArticleFilter] | None = condition(
        "By the articles that use it. Example: `{some: {}}`.", relations.MEDIA_ARTICLES
    )


@strawberry.input(description="Which sources. All conditions hold.")
class SourceFilter:
    and_: list[SourceFilter] | None = joint(_AND)
    or_: list[SourceFilter] | None = joint(_OR)
    not_: SourceFilter | None = joint(_NOT)
    is_null: bool | None = joint(_NULL)
    id: IDFilter | None = condition('By id. Example: `{in: ["src_1"]}`.')
    slug: StringFilter | None = condition('By slug. Example: `{eq: "sky-news"}`.')
    name: StringFilter | None = condition('By name. Example: `{contains: "News"}`.')
    kind: ClosedFilter[SourceKind] | None = condition("By kind. Example: `{eq: BROADCASTER}`.")
    state_controlled: BooleanFilter | None = condition("Whether a state controls it. Example: `{eq: true}`.")
    country: StringFilter | None = condition('By country, ISO 3166. Example: `{eq: "KP"}`.')
    parent: SourceFilter | None = condition(
        'By what it belongs to. Example: `{slug: {eq: "bbc"}}`.', relations.SOURCE_PARENT
    )
    articles: ItemsFilter[ArticleFilter] | None = condition(
        "By the articles that rest on it. Example: `{some: {}}`.", relations.SOURCE_ARTICLES
    )


@strawberry.input(description="Which attributions. All conditions hold.")
class AttributionFilter:
    and_: list[AttributionFilter] | None = joint(_AND)
    or_: list[AttributionFilter] | None = joint(_OR)
    not_: AttributionFilter | None = joint(_NOT)
    is_null: bool | None = joint(_NULL)
    id: IDFilter | None = condition('By id. Example: `{in: ["att_1"]}`.')
    kind: ClosedFilter[AttributionKind] | None = condition("By kind. Example: `{eq: CITING}`.")
    hop: IntFilter | None = condition("By place in the chain; 0 is the origin's. Example: `{eq: 0}`.")
    stance: ClosedFilter[Stance] | None = condition("By stance. Example: `{eq: DENIES}`.")
    verification: ClosedFilter[Verification] | None = condition(
        "By what the newsroom found out. Example: `{eq: DISPUTED}`."
    )
    claim: StringFilter | None = condition('By the claim. Example: `{contains: "troops"}`.')
    quote: StringFilter | None = condition("By the quotation. Example: `{isNull: false}`.")
    source: SourceFilter | None = condition(
        'By whose words they are. Example: `{slug: {eq: "kctv"}}`.', relations.ATTRIBUTION_SOURCE
    )
    origin: SourceFilter | None = condition(
        'By the end of the chain towards the event. Example: `{slug: {eq: "south-korean-intelligence"}}`.',
        relations.ATTRIBUTION_ORIGIN,
    )
    via: SourceFilter | None = condition(
        'By a relay anywhere in the chain. Example: `{slug: {eq: "sky-news"}}`.',
        relations.ATTRIBUTION_RELAY_SOURCES,
    )
    article: ArticleFilter | None = condition(
        'By its article. Example: `{category: {under: "world"}}`.', relations.ATTRIBUTION_ARTICLE
    )


@strawberry.input(description="Which tags. All conditions hold.")
class TagFilter:
    and_: list[TagFilter] | None = joint(_AND)
    or_: list[TagFilter] | None = joint(_OR)
    not_: TagFilter | None = joint(_NOT)
    is_null: bool | None = joint(_NULL)
    id: IDFilter | None = condition('By id. Example: `{in: ["tag_1"]}`.')
    type: ClosedFilter[TagType] | None = condition("By what it stands for. Example: `{eq: PERSON}`.")
    slug: StringFilter | None = condition('By slug. Example: `{eq: "north-korea"}`.')
    name: StringFilter | None = condition('By name. Example: `{startsWith: "North"}`.')
    wikidata: StringFilter | None = condition('By Wikidata item. Example: `{eq: "Q423"}`.')
    broader: TagFilter | None = condition(
        'By the tag that contains it. Example: `{slug: {eq: "asia"}}`.', relations.TAG_BROADER
    )
    articles: ItemsFilter[ArticleFilter] | None = condition(
        "By the articles about it. Example: `{some: {}}`.", relations.TAG_ARTICLES
    )


@strawberry.input(description="Which authors. All conditions hold.")
class AuthorFilter:
    and_: list[AuthorFilter] | None = joint(_AND)
    or_: list[AuthorFilter] | None = joint(_OR)
    not_: AuthorFilter | None = joint(_NOT)
    is_null: bool | None = joint(_NULL)
    id: IDFilter | None = condition('By id. Example: `{in: ["aut_1"]}`.')
    slug: StringFilter | None = condition('By slug. Example: `{eq: "jane-doe"}`.')
    name: StringFilter | None = condition('By name. Example: `{startsWith: "Jane"}`.')
    desk: StringFilter | None = condition('By desk. Example: `{eq: "World"}`.')
    articles: ItemsFilter[ArticleFilter] | None = condition(
        "By their articles. Example: `{some: {}}`.", relations.AUTHOR_ARTICLES
    )


@strawberry.input(description="Which stories. All conditions hold.")
class StoryFilter:
    and_: list[StoryFilter] | None = joint(_AND)
    or_: list[StoryFilter] | None = joint(_OR)
    not_: StoryFilter | None = joint(_NOT)
    is_null: bool | None = joint(_NULL)
    id: IDFilter | None = condition('By id. Example: `{in: ["sto_1"]}`.')
    slug: StringFilter | None = condition('By slug. Example: `{eq: "north-korea-russia"}`.')
    title: StringFilter | None = condition('By title. Example: `{contains: "Russia"}`.')
    articles: ItemsFilter[ArticleFilter] | None = condition(
        "By its articles. Example: `{some: {}}`.", relations.STORY_ARTICLES
    )


@strawberry.input(description="Which collections. All conditions hold.")
class CollectionFilter:
    and_: list[CollectionFilter] | None = joint(_AND)
    or_: list[CollectionFilter] | None = joint(_OR)
    not_: CollectionFilter | None = joint(_NOT)
    is_null: bool | None = joint(_NULL)
    id: IDFilter | None = condition('By id. Example: `{in: ["col_1"]}`.')
    slug: StringFilter | None = condition('By slug. Example: `{eq: "front-page"}`.')
    title: StringFilter | None = condition('By title. Example: `{contains: "page"}`.')
    articles: ItemsFilter[ArticleFilter] | None = condition(
        "By its articles. Example: `{some: {}}`.", relations.COLLECTION_ARTICLES
    )


@strawberry.input(description="Which items of a collection. All conditions hold.")
class CollectionItemFilter:
    and_: list[CollectionItemFilter] | None = joint(_AND)
    or_: list[CollectionItemFilter] | None = joint(_OR)
    not_: CollectionItemFilter | None = joint(_NOT)
    pinned_until: DateTimeFilter | None = condition(
        'By how long it is pinned. Example: `{gt: "2026-07-01T00:00:00Z"}`.'
    )
    article: ArticleFilter | None = condition(
        "By the article. Example: `{urgency: {lte: 3}}`.", relations.ITEM_ARTICLE
    )


@strawberry.input(description="Which articles. All conditions hold.")
class ArticleFilter:
    and_: list[ArticleFilter] | None = joint(_AND)
    or_: list[ArticleFilter] | None = joint(_OR)
    not_: ArticleFilter | None = joint(_NOT)
    is_null: bool | None = joint(_NULL)
    id: IDFilter | None = condition('By id. Example: `{in: ["art_1", "art_2"]}`.')
    uri: StringFilter | None = condition('By URI. Example: `{startsWith: "urn:contentql:"}`.')
    slug: StringFilter | None = condition('By slug. Example: `{eq: "kim-jong-un-sheds-a-tear"}`.')
    headline: StringFilter | None = condition('By headline. Example: `{contains: "Kursk"}`.')
    kicker: StringFilter | None = condition('By the line above it. Example: `{eq: "North Korea"}`.')
    summary: StringFilter | None = condition("By summary. Example: `{isNull: false}`.")
    byline: StringFilter | None = condition('By the authors\' line. Example: `{contains: "Seoul"}`.')
    search: str | None = condition('By its words, as in `search`. Example: `"coffin -kursk"`.', Words())
    language: StringFilter | None = condition('By language, BCP 47. Example: `{in: ["en", "de"]}`.')
    status: ClosedFilter[Status] | None = condition(
        "By where it stands: the public finds PUBLISHED ones. Example: `{in: [DRAFT, IN_REVIEW]}`.",
        relations.ARTICLE_STATUS,
    )
    content_type: ClosedFilter[ContentType] | None = condition("By kind. Example: `{in: [NEWS, ANALYSIS]}`.")
    access: ClosedFilter[Access] | None = condition("By who may read it all. Example: `{eq: FREE}`.")
    urgency: IntFilter | None = condition("By urgency, 1 the highest. Example: `{lte: 3}`.")
    word_count: IntFilter | None = condition("By length in words. Example: `{gte: 1000}`.")
    published_at: DateTimeFilter | None = condition(
        'By when it came out. Example: `{gte: "2026-06-01T00:00:00Z"}`.'
    )
    first_published_at: DateTimeFilter | None = condition(
        'By when it first came out. Example: `{lt: "2026-07-01T00:00:00Z"}`.'
    )
    updated_at: DateTimeFilter | None = condition(
        'By when it last changed. Example: `{gte: "2026-07-01T00:00:00Z"}`.'
    )
    expires_at: DateTimeFilter | None = condition("By when it will be gone. Example: `{isNull: true}`.")
    category: CategoryFilter | None = condition(
        'By its main section; `under` takes in all below it. Example: `{under: "world"}`.',
        relations.CATEGORY,
    )
    categories: ItemsFilter[CategoryFilter] | None = condition(
        'By any of its sections. Example: `{some: {path: {eq: "politics"}}}`.', relations.ARTICLE_CATEGORIES
    )
    lead_media: MediaFilter | None = condition(
        "By what opens it. Example: `{kind: {eq: VIDEO}}`.", relations.LEAD_MEDIA
    )
    media: ItemsFilter[MediaFilter] | None = condition(
        "By its media; `{some: {}}` means it has any. Example: `{some: {kind: {eq: IMAGE}}}`.",
        relations.ARTICLE_SHOWS,
    )
    attributions: ItemsFilter[AttributionFilter] | None = condition(
        'By who said what. Example: `{some: {origin: {slug: {eq: "nis"}}, via: {slug: {eq: "sky-news"}}}}`.',
        relations.ARTICLE_ATTRIBUTIONS,
    )
    sources: ItemsFilter[SourceFilter] | None = condition(
        "By whom it rests on, as origin or as relay. Example: `{some: {kind: {eq: INTELLIGENCE}}}`.",
        relations.ARTICLE_RESTS_ON,
    )
    source: SourceFilter | None = condition(
        'It rests on such a source, as origin or as relay. Example: `{slug: {eq: "sky-news"}}`.',
        relations.ARTICLE_SOME_SOURCE,
    )
    authors: ItemsFilter[AuthorFilter] | None = condition(
        'By its authors. Example: `{some: {slug: {eq: "jane-doe"}}}`.', relations.ARTICLE_WRITTEN_BY
    )
    tags: ItemsFilter[TagFilter] | None = condition(
        'By its tags. Example: `{some: {slug: {eq: "north-korea"}}}`.', relations.ARTICLE_TAGS
    )
    story: StoryFilter | None = condition(
        'By its story. Example: `{slug: {eq: "north-korea-russia"}}`.', relations.STORY
    )
    translations: ItemsFilter[ArticleFilter] | None = condition(
        'By the same article in other languages. Example: `{some: {language: {eq: "de"}}}`.',
        relations.ARTICLE_TRANSLATIONS,
    )
    related: ItemsFilter[ArticleFilter] | None = condition(
        "By what stands beside it. Example: `{some: {}}`.", relations.ARTICLE_RELATED
    )


@strawberry.input(description="Which corrections. All conditions hold.")
class CorrectionFilter:
    and_: list[CorrectionFilter] | None = joint(_AND)
    or_: list[CorrectionFilter] | None = joint(_OR)
    not_: CorrectionFilter | None = joint(_NOT)
    is_null: bool | None = joint(_NULL)
    id: IDFilter | None = condition('By id. Example: `{in: ["cor_1"]}`.')
    kind: ClosedFilter[CorrectionKind] | None = condition("By kind. Example: `{eq: RETRACTION}`.")
    at: DateTimeFilter | None = condition('By when it was made. Example: `{gte: "2026-07-01T00:00:00Z"}`.')
    article: ArticleFilter | None = condition(
        'By the article, and so by section or source. Example: `{source: {slug: {eq: "sky-news"}}}`.',
        relations.CORRECTION_ARTICLE,
    )


@strawberry.input(description="Which entries of the audit log. All conditions hold.")
class AuditEntryFilter:
    and_: list[AuditEntryFilter] | None = joint(_AND)
    or_: list[AuditEntryFilter] | None = joint(_OR)
    not_: AuditEntryFilter | None = joint(_NOT)
    at: DateTimeFilter | None = condition('By when. Example: `{gte: "2026-07-01T00:00:00Z"}`.')
    account: StringFilter | None = condition('By who did it. Example: `{eq: "jane-doe"}`.')
    role: ClosedFilter[Role] | None = condition("By what they were. Example: `{eq: ADMIN}`.")
    action: StringFilter | None = condition('By what was done. Example: `{eq: "publishArticle"}`.')
    thing: StringFilter | None = condition('By what it was done to. Example: `{eq: "art_90817263545"}`.')


@strawberry.input(description="Which tokens. All conditions hold.")
class TokenFilter:
    and_: list[TokenFilter] | None = joint(_AND)
    or_: list[TokenFilter] | None = joint(_OR)
    not_: TokenFilter | None = joint(_NOT)
    account: StringFilter | None = condition('By whose it is. Example: `{eq: "jane-doe"}`.')
    role: ClosedFilter[Role] | None = condition("By role. Example: `{eq: ADMIN}`.")
    revoked_at: DateTimeFilter | None = condition("By when it was revoked. Example: `{isNull: true}`.")
