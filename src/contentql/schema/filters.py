"""Filters of lists. Every condition names a public column or relation explicitly."""

from __future__ import annotations

from dataclasses import replace

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
from contentql.planner.field_plans import Column, FullTextFilter, LanguageRangeFilter, PathPrefixFilter
from contentql.schema import relations
from contentql.schema.fields import filter_field, filter_operator
from contentql.schema.operators import (
    BooleanFilter,
    DateTimeFilter,
    EnumFilter,
    IDFilter,
    IntFilter,
    ListFilter,
    StringFilter,
)
from contentql.store.models.webhooks import DeliveryState

_AND = "All of these conditions hold. Example: `[{}]`."


_OR = "At least one of these conditions holds. Example: `[{}]`."


_NOT = "This condition does not hold. Example: `{isNull: true}`."


_NULL = "True if there is no such object; for use within another filter. Example: `false`."


@strawberry.input(description="Filter for sections. Conditions are combined with AND.")
class CategoryFilter:
    and_: list[CategoryFilter] | None = filter_operator(_AND)
    or_: list[CategoryFilter] | None = filter_operator(_OR)
    not_: CategoryFilter | None = filter_operator(_NOT)
    is_null: bool | None = filter_operator(_NULL)
    id: IDFilter | None = filter_field('Condition on the id. Example: `{in: ["cat_104"]}`.')
    slug: StringFilter | None = filter_field(
        'Condition on the last part of the path. Example: `{eq: "asia"}`.'
    )
    path: StringFilter | None = filter_field('Condition on the full path. Example: `{eq: "world/asia"}`.')
    under: str | None = filter_field(
        'This section and its descendants. Example: `"world"`.', PathPrefixFilter("path")
    )
    name: StringFilter | None = filter_field('Condition on the name. Example: `{startsWith: "A"}`.')
    depth: IntFilter | None = filter_field("Condition on the depth; 0 is a root section. Example: `{eq: 0}`.")
    hidden: BooleanFilter | None = filter_field(
        "Condition on being left out of menus. Example: `{eq: false}`."
    )
    parent: CategoryFilter | None = filter_field(
        "Condition on the parent section. Example: `{isNull: true}`.", relations.CATEGORY_PARENT
    )
    children: ListFilter[CategoryFilter] | None = filter_field(
        "Condition on the child sections. Example: `{some: {}}`.", relations.CATEGORY_CHILDREN
    )
    articles: ListFilter[ArticleFilter] | None = filter_field(
        "Condition on the articles of the section and its descendants. Example: `{some: {}}`.",
        relations.CATEGORY_ARTICLES,
    )


@strawberry.input(description="Filter for media files. Conditions are combined with AND.")
class MediaFilter:
    and_: list[MediaFilter] | None = filter_operator(_AND)
    or_: list[MediaFilter] | None = filter_operator(_OR)
    not_: MediaFilter | None = filter_operator(_NOT)
    is_null: bool | None = filter_operator(_NULL)
    id: IDFilter | None = filter_field('Condition on the id. Example: `{in: ["med_303"]}`.')
    kind: EnumFilter[MediaKind] | None = filter_field("Condition on the kind. Example: `{eq: IMAGE}`.")
    mime: StringFilter | None = filter_field(
        'Condition on the media type. Example: `{startsWith: "image/"}`.'
    )
    width: IntFilter | None = filter_field("Condition on the width in pixels. Example: `{gte: 1200}`.")
    height: IntFilter | None = filter_field("Condition on the height in pixels. Example: `{gte: 600}`.")
    alt: StringFilter | None = filter_field(
        'Condition on the alternative text. Example: `{contains: "coffin"}`.'
    )
    credit: StringFilter | None = filter_field(
        'Condition on the credit line. Example: `{startsWith: "Placeholder"}`.'
    )
    licence: StringFilter | None = filter_field('Condition on the licence. Example: `{eq: "CC0-1.0"}`.')
    sensitive: BooleanFilter | None = filter_field(
        "Condition on being marked as sensitive. Example: `{eq: false}`."
    )
    articles: ListFilter[ArticleFilter] | None = filter_field(
        "Condition on the articles that use the media file. Example: `{some: {}}`.", relations.MEDIA_ARTICLES
    )


@strawberry.input(description="Filter for sources. Conditions are combined with AND.")
class SourceFilter:
    and_: list[SourceFilter] | None = filter_operator(_AND)
    or_: list[SourceFilter] | None = filter_operator(_OR)
    not_: SourceFilter | None = filter_operator(_NOT)
    is_null: bool | None = filter_operator(_NULL)
    id: IDFilter | None = filter_field('Condition on the id. Example: `{in: ["src_206"]}`.')
    slug: StringFilter | None = filter_field('Condition on the slug. Example: `{eq: "sky-news"}`.')
    name: StringFilter | None = filter_field('Condition on the name. Example: `{contains: "News"}`.')
    kind: EnumFilter[SourceKind] | None = filter_field("Condition on the kind. Example: `{eq: BROADCASTER}`.")
    state_controlled: BooleanFilter | None = filter_field(
        "True if the source is controlled by a state. Example: `{eq: true}`."
    )
    country: StringFilter | None = filter_field(
        'Condition on the country, ISO 3166 alpha-2. Example: `{eq: "KP"}`.'
    )
    parent: SourceFilter | None = filter_field(
        'Condition on the parent organisation. Example: `{slug: {eq: "nasa"}}`.', relations.SOURCE_PARENT
    )
    articles: ListFilter[ArticleFilter] | None = filter_field(
        "Condition on the articles attributed to the source. Example: `{some: {}}`.",
        relations.SOURCE_ARTICLES,
    )


@strawberry.input(description="Filter for attributions. Conditions are combined with AND.")
class AttributionFilter:
    and_: list[AttributionFilter] | None = filter_operator(_AND)
    or_: list[AttributionFilter] | None = filter_operator(_OR)
    not_: AttributionFilter | None = filter_operator(_NOT)
    is_null: bool | None = filter_operator(_NULL)
    id: IDFilter | None = filter_field('Condition on the id. Example: `{in: ["att_2001"]}`.')
    kind: EnumFilter[AttributionKind] | None = filter_field("Condition on the kind. Example: `{eq: CITING}`.")
    hop: IntFilter | None = filter_field(
        "Condition on the position in the chain; 0 is the origin. Example: `{eq: 0}`."
    )
    stance: EnumFilter[Stance] | None = filter_field("Condition on the stance. Example: `{eq: DENIES}`.")
    verification: EnumFilter[Verification] | None = filter_field(
        "Condition on the verification. Example: `{eq: DISPUTED}`."
    )
    claim: StringFilter | None = filter_field('Condition on the claim. Example: `{contains: "troops"}`.')
    quote: StringFilter | None = filter_field("Condition on the quotation. Example: `{isNull: false}`.")
    source: SourceFilter | None = filter_field(
        'Condition on the source. Example: `{slug: {eq: "sky-news"}}`.', relations.ATTRIBUTION_SOURCE
    )
    origin: SourceFilter | None = filter_field(
        'Condition on the origin of the chain. Example: `{slug: {eq: "south-korean-intelligence"}}`.',
        relations.ATTRIBUTION_ORIGIN,
    )
    via: SourceFilter | None = filter_field(
        'Condition on any relay of the chain. Example: `{slug: {eq: "sky-news"}}`.',
        relations.ATTRIBUTION_RELAY_SOURCES,
    )
    article: ArticleFilter | None = filter_field(
        'Condition on the article. Example: `{category: {under: "world"}}`.', relations.ATTRIBUTION_ARTICLE
    )


@strawberry.input(description="Filter for tags. Conditions are combined with AND.")
class TagFilter:
    and_: list[TagFilter] | None = filter_operator(_AND)
    or_: list[TagFilter] | None = filter_operator(_OR)
    not_: TagFilter | None = filter_operator(_NOT)
    is_null: bool | None = filter_operator(_NULL)
    id: IDFilter | None = filter_field('Condition on the id. Example: `{in: ["tag_401"]}`.')
    type: EnumFilter[TagType] | None = filter_field("Condition on the type. Example: `{eq: PERSON}`.")
    slug: StringFilter | None = filter_field('Condition on the slug. Example: `{eq: "north-korea"}`.')
    name: StringFilter | None = filter_field('Condition on the name. Example: `{startsWith: "North"}`.')
    wikidata: StringFilter | None = filter_field('Condition on the Wikidata item. Example: `{eq: "Q423"}`.')
    broader: TagFilter | None = filter_field(
        'Condition on the broader tag. Example: `{slug: {eq: "heron-city"}}`.', relations.TAG_BROADER
    )
    articles: ListFilter[ArticleFilter] | None = filter_field(
        "Condition on the articles with the tag. Example: `{some: {}}`.", relations.TAG_ARTICLES
    )


@strawberry.input(description="Filter for authors. Conditions are combined with AND.")
class AuthorFilter:
    and_: list[AuthorFilter] | None = filter_operator(_AND)
    or_: list[AuthorFilter] | None = filter_operator(_OR)
    not_: AuthorFilter | None = filter_operator(_NOT)
    is_null: bool | None = filter_operator(_NULL)
    id: IDFilter | None = filter_field('Condition on the id. Example: `{in: ["aut_501"]}`.')
    slug: StringFilter | None = filter_field('Condition on the slug. Example: `{eq: "lena-voss"}`.')
    name: StringFilter | None = filter_field('Condition on the name. Example: `{startsWith: "Lena"}`.')
    desk: StringFilter | None = filter_field('Condition on the desk. Example: `{eq: "Local"}`.')
    articles: ListFilter[ArticleFilter] | None = filter_field(
        "Condition on the author's articles. Example: `{some: {}}`.", relations.AUTHOR_ARTICLES
    )


@strawberry.input(description="Filter for running stories. Conditions are combined with AND.")
class StoryFilter:
    and_: list[StoryFilter] | None = filter_operator(_AND)
    or_: list[StoryFilter] | None = filter_operator(_OR)
    not_: StoryFilter | None = filter_operator(_NOT)
    is_null: bool | None = filter_operator(_NULL)
    id: IDFilter | None = filter_field('Condition on the id. Example: `{in: ["sto_601"]}`.')
    slug: StringFilter | None = filter_field('Condition on the slug. Example: `{eq: "kursk-front"}`.')
    title: StringFilter | None = filter_field('Condition on the title. Example: `{contains: "Kursk"}`.')
    articles: ListFilter[ArticleFilter] | None = filter_field(
        "Condition on the articles. Example: `{some: {}}`.", relations.STORY_ARTICLES
    )


@strawberry.input(description="Filter for collections. Conditions are combined with AND.")
class CollectionFilter:
    and_: list[CollectionFilter] | None = filter_operator(_AND)
    or_: list[CollectionFilter] | None = filter_operator(_OR)
    not_: CollectionFilter | None = filter_operator(_NOT)
    is_null: bool | None = filter_operator(_NULL)
    id: IDFilter | None = filter_field('Condition on the id. Example: `{in: ["col_901"]}`.')
    slug: StringFilter | None = filter_field('Condition on the slug. Example: `{eq: "front-page"}`.')
    title: StringFilter | None = filter_field('Condition on the title. Example: `{contains: "page"}`.')
    articles: ListFilter[ArticleFilter] | None = filter_field(
        "Condition on the articles. Example: `{some: {}}`.", relations.COLLECTION_ARTICLES
    )


@strawberry.input(description="Filter for items of a collection. Conditions are combined with AND.")
class CollectionItemFilter:
    and_: list[CollectionItemFilter] | None = filter_operator(_AND)
    or_: list[CollectionItemFilter] | None = filter_operator(_OR)
    not_: CollectionItemFilter | None = filter_operator(_NOT)
    pinned_until: DateTimeFilter | None = filter_field(
        'Condition on the end of the pin. Example: `{gt: "2026-07-01T00:00:00Z"}`.'
    )
    article: ArticleFilter | None = filter_field(
        "Condition on the article. Example: `{urgency: {lte: 3}}`.", relations.ITEM_ARTICLE
    )


@strawberry.input(description="Filter for articles. Conditions are combined with AND.")
class ArticleFilter:
    and_: list[ArticleFilter] | None = filter_operator(_AND)
    or_: list[ArticleFilter] | None = filter_operator(_OR)
    not_: ArticleFilter | None = filter_operator(_NOT)
    is_null: bool | None = filter_operator(_NULL)
    id: IDFilter | None = filter_field('Condition on the id. Example: `{in: ["art_701", "art_720"]}`.')
    uri: StringFilter | None = filter_field(
        'Condition on the URI. Example: `{startsWith: "tag:demo.example.org,2025:"}`.'
    )
    slug: StringFilter | None = filter_field(
        'Condition on the slug. Example: `{eq: "we-train-when-the-tide-lets-us"}`.'
    )
    headline: StringFilter | None = filter_field('Condition on the headline. Example: `{contains: "Korea"}`.')
    kicker: StringFilter | None = filter_field(
        'Condition on the line above the headline. Example: `{eq: "Bridges"}`.'
    )
    summary: StringFilter | None = filter_field("Condition on the summary. Example: `{isNull: false}`.")
    byline: StringFilter | None = filter_field('Condition on the byline. Example: `{contains: "Ilves"}`.')
    search: str | None = filter_field(
        'Search text, as in the argument `search`. Example: `"coffin -bridge"`.', FullTextFilter()
    )
    language: StringFilter | None = filter_field(
        "Condition on the exact language, BCP 47; `inLanguages` also matches more specific ones. Example:"
        ' `{in: ["en", "de"]}`.'
    )
    in_languages: list[str] | None = filter_field(
        "One of these languages or a more specific one, at most 20: `de` also matches `de-CH`. Example:"
        ' `["de", "fr"]`.',
        LanguageRangeFilter("language"),
    )
    status: EnumFilter[Status] | None = filter_field(
        "Condition on the workflow status; the public sees only PUBLISHED articles. A published article"
        " with a working copy has both: its own status and that of the working copy. Example: `{in:"
        " [DRAFT, IN_REVIEW]}`.",
        replace(relations.ARTICLE_STATUS, or_published=True),
    )
    has_unpublished_changes: BooleanFilter | None = filter_field(
        "True if the article has a working copy with changes that are not published. Example: `{eq: true}`.",
        relations.UNPUBLISHED_CHANGES,
    )
    content_type: EnumFilter[ContentType] | None = filter_field(
        "Condition on the kind. Example: `{in: [NEWS, ANALYSIS]}`."
    )
    access: EnumFilter[Access] | None = filter_field("Condition on the access. Example: `{eq: FREE}`.")
    urgency: IntFilter | None = filter_field(
        "Condition on the urgency; 1 is the most urgent. Example: `{lte: 3}`."
    )
    word_count: IntFilter | None = filter_field("Condition on the number of words. Example: `{gte: 1000}`.")
    published_at: DateTimeFilter | None = filter_field(
        'Condition on the time of publication. Example: `{gte: "2025-06-01T00:00:00Z"}`.'
    )
    first_published_at: DateTimeFilter | None = filter_field(
        'Condition on the time of the first publication. Example: `{lt: "2026-07-01T00:00:00Z"}`.'
    )
    updated_at: DateTimeFilter | None = filter_field(
        'Condition on the time of the last substantial change. Example: `{gte: "2025-06-01T00:00:00Z"}`.'
    )
    expires_at: DateTimeFilter | None = filter_field(
        "Condition on the expiry time. Example: `{isNull: true}`."
    )
    category: CategoryFilter | None = filter_field(
        'Condition on the main section; `under` includes its descendants. Example: `{under: "world"}`.',
        relations.CATEGORY,
    )
    categories: ListFilter[CategoryFilter] | None = filter_field(
        'Condition on any of the sections. Example: `{some: {path: {eq: "politics"}}}`.',
        relations.ARTICLE_CATEGORIES,
    )
    lead_media: MediaFilter | None = filter_field(
        "Condition on the lead media. Example: `{kind: {eq: IMAGE}}`.", relations.LEAD_MEDIA
    )
    media: ListFilter[MediaFilter] | None = filter_field(
        "Condition on the media; `{some: {}}` matches articles with media. Example: `{some: {kind:"
        " {eq: IMAGE}}}`.",
        relations.ARTICLE_MEDIA_FILES,
    )
    attributions: ListFilter[AttributionFilter] | None = filter_field(
        "Condition on the attributions. Example: `{some: {origin: {slug: {eq:"
        ' "south-korean-intelligence"}}, via: {slug: {eq: "sky-news"}}}}`.',
        relations.ARTICLE_ATTRIBUTIONS,
    )
    sources: ListFilter[SourceFilter] | None = filter_field(
        "Condition on all sources, as origin or as relay. Example: `{some: {kind: {eq: INTELLIGENCE}}}`.",
        relations.ARTICLE_SOURCES,
    )
    source: SourceFilter | None = filter_field(
        'At least one source, as origin or as relay, matches. Example: `{slug: {eq: "sky-news"}}`.',
        relations.ARTICLE_ANY_SOURCE,
    )
    authors: ListFilter[AuthorFilter] | None = filter_field(
        'Condition on the authors. Example: `{some: {slug: {eq: "lena-voss"}}}`.',
        relations.ARTICLE_AUTHOR_ROWS,
    )
    tags: ListFilter[TagFilter] | None = filter_field(
        'Condition on the tags. Example: `{some: {slug: {eq: "north-korea"}}}`.', relations.ARTICLE_TAGS
    )
    story: StoryFilter | None = filter_field(
        'Condition on the running story. Example: `{slug: {eq: "kursk-front"}}`.', relations.STORY
    )
    translations: ListFilter[ArticleFilter] | None = filter_field(
        'Condition on the translations. Example: `{some: {language: {eq: "de"}}}`.',
        relations.ARTICLE_TRANSLATIONS,
    )
    related: ListFilter[ArticleFilter] | None = filter_field(
        "Condition on the related articles. Example: `{some: {}}`.", relations.ARTICLE_RELATED
    )
    external_ids: ListFilter[ExternalIdFilter] | None = filter_field(
        'Condition on the ids in other systems. Example: `{some: {system: {eq: "demo-pages"}}}`.',
        relations.ARTICLE_EXTERNAL_IDS,
    )


@strawberry.input(description="Filter for ids in other systems. Conditions are combined with AND.")
class ExternalIdFilter:
    and_: list[ExternalIdFilter] | None = filter_operator(_AND)
    or_: list[ExternalIdFilter] | None = filter_operator(_OR)
    not_: ExternalIdFilter | None = filter_operator(_NOT)
    system: StringFilter | None = filter_field('Condition on the system. Example: `{eq: "demo-pages"}`.')
    value: StringFilter | None = filter_field('Condition on the id. Example: `{in: ["kim-coffin-page"]}`.')


@strawberry.input(description="Filter for corrections. Conditions are combined with AND.")
class CorrectionFilter:
    and_: list[CorrectionFilter] | None = filter_operator(_AND)
    or_: list[CorrectionFilter] | None = filter_operator(_OR)
    not_: CorrectionFilter | None = filter_operator(_NOT)
    is_null: bool | None = filter_operator(_NULL)
    id: IDFilter | None = filter_field('Condition on the id. Example: `{in: ["cor_801"]}`.')
    kind: EnumFilter[CorrectionKind] | None = filter_field(
        "Condition on the kind. Example: `{eq: CORRECTION}`."
    )
    corrected_at: DateTimeFilter | None = filter_field(
        'Condition on the time of the correction. Example: `{gte: "2025-05-01T00:00:00Z"}`.', Column("at")
    )
    article: ArticleFilter | None = filter_field(
        "Condition on the article, and so on its section or sources. Example: `{category: {under:"
        ' "local"}}`.',
        relations.CORRECTION_ARTICLE,
    )


@strawberry.input(description="Filter for the audit log. Conditions are combined with AND.")
class AuditEntryFilter:
    and_: list[AuditEntryFilter] | None = filter_operator(_AND)
    or_: list[AuditEntryFilter] | None = filter_operator(_OR)
    not_: AuditEntryFilter | None = filter_operator(_NOT)
    occurred_at: DateTimeFilter | None = filter_field(
        'Condition on the time of the mutation. Example: `{gte: "2026-07-01T00:00:00Z"}`.', Column("at")
    )
    account: StringFilter | None = filter_field('Condition on the account. Example: `{eq: "jane-doe"}`.')
    role: EnumFilter[Role] | None = filter_field("Condition on the role. Example: `{eq: ADMIN}`.")
    action: StringFilter | None = filter_field(
        'Condition on the mutation. Example: `{eq: "publishArticle"}`.'
    )
    target_id: StringFilter | None = filter_field(
        'Condition on the changed object. Example: `{eq: "art_90817263545"}`.'
    )


@strawberry.input(description="Filter for API tokens. Conditions are combined with AND.")
class TokenFilter:
    and_: list[TokenFilter] | None = filter_operator(_AND)
    or_: list[TokenFilter] | None = filter_operator(_OR)
    not_: TokenFilter | None = filter_operator(_NOT)
    account: StringFilter | None = filter_field('Condition on the account. Example: `{eq: "jane-doe"}`.')
    role: EnumFilter[Role] | None = filter_field("Condition on the role. Example: `{eq: ADMIN}`.")
    revoked_at: DateTimeFilter | None = filter_field(
        "Condition on the time of the revocation. Example: `{isNull: true}`."
    )


@strawberry.input(description="Filter for deliveries of webhooks. Conditions are combined with AND.")
class WebhookDeliveryFilter:
    and_: list[WebhookDeliveryFilter] | None = filter_operator(_AND)
    or_: list[WebhookDeliveryFilter] | None = filter_operator(_OR)
    not_: WebhookDeliveryFilter | None = filter_operator(_NOT)
    state: EnumFilter[DeliveryState] | None = filter_field("Condition on the state. Example: `{eq: DEAD}`.")
    event_type: StringFilter | None = filter_field(
        'Condition on the type of the event. Example: `{eq: "article.published"}`.'
    )
    occurred_at: DateTimeFilter | None = filter_field(
        'Condition on the time of the event. Example: `{gte: "2026-07-01T00:00:00Z"}`.', Column("at")
    )
