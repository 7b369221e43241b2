"""GraphQL types of content. Types that refer to each other are in this module.

Each field has a field plan for the planner; none has a resolver that reads.
"""

from __future__ import annotations

import strawberry

from contentql.content.enums import (
    Access,
    AttributionKind,
    AttributionState,
    ContentType,
    MediaKind,
    SourceKind,
    Stance,
    Status,
    TagType,
    Verification,
)
from contentql.planner.field_plans import (
    AdjacentArticle,
    CanonicalUrl,
    Column,
    Computed,
    EmbeddedObject,
    JsonElements,
    ToOne,
)
from contentql.schema import relations
from contentql.schema.administration import Revision, ScheduledChange
from contentql.schema.article_parts import (
    AuthorCredit,
    Correction,
    EntityMention,
    ExternalId,
    ExternalIdInput,
    MediaPlacement,
)
from contentql.schema.blocks import Body
from contentql.schema.connections import Connection
from contentql.schema.enums import (
    ArticleOrder,
    AttributionOrder,
    AuditEntryOrder,
    AuthorOrder,
    CategoryOrder,
    CollectionOrder,
    CorrectionOrder,
    MediaOrder,
    SourceOrder,
    StoryOrder,
    TagOrder,
    TokenOrder,
)
from contentql.schema.fields import (
    EXACT_ARGUMENT,
    PAGE_ARGUMENTS,
    SEARCH_ARGUMENT,
    adjacent_article_field,
    argument_field,
    canonical_url_field,
    column_field,
    computed,
    connection_field,
    filtered_list_field,
    json_ld_field,
    list_field,
    object_field,
    table_type,
)
from contentql.schema.filters import (
    ArticleFilter,
    AttributionFilter,
    AuditEntryFilter,
    AuthorFilter,
    CategoryFilter,
    CollectionFilter,
    CollectionItemFilter,
    CorrectionFilter,
    MediaFilter,
    SourceFilter,
    StoryFilter,
    TagFilter,
    TokenFilter,
)
from contentql.schema.live_entries import LiveEntry, live_entries_field
from contentql.schema.scalars import JSON, Date, DateTime, Long
from contentql.schema.values import (
    Dateline,
    FocalPoint,
    LocalName,
    Node,
    Position,
    Rendition,
    Rights,
    Span,
    VocabularyCode,
)

# Filters and orders are imported because `fields.py` resolves the names in signatures in this module.


@table_type("category", "A section of the newsroom. Sections form a tree.", max_age=300)
class Category(Node):
    id: strawberry.ID = column_field("Global id of the section.", '"cat_81726354"')
    canonical_url: str | None = canonical_url_field()
    slug: str = column_field("Last part of the path.", '"asia"')
    path: str = column_field("Slugs from the root section to this one, separated by slashes.", '"world/asia"')
    name: str = column_field("Display name.", '"Asia"')
    names: list[LocalName] = object_field("Names in other languages.", JsonElements("names"))
    description: str | None = column_field("Short description.", '"News from Asia"')
    depth: int = column_field("Number of ancestors: 0 for a root section.", "1")
    position: int = column_field("Position among the sections with the same parent, from 0.", "2")
    hidden: bool = column_field(
        "True if the section is left out of menus; its page and articles stay accessible.", "false"
    )
    parent: Category | None = object_field(
        "Parent section; null for a root section.", relations.CATEGORY_PARENT
    )
    children: list[Category] = filtered_list_field(
        "Child sections, in order.", "Category", relations.CATEGORY_CHILDREN
    )
    articles: Connection[Article] = connection_field(
        "Articles of the section and its descendants, newest first.",
        "Article", relations.CATEGORY_ARTICLES, "PUBLISHED_AT_DESC", SEARCH_ARGUMENT, EXACT_ARGUMENT,
    )  # fmt: skip


@table_type("media", "A picture, video, audio recording or document.")
class Media(Node):
    id: strawberry.ID = column_field("Global id of the media file.", '"med_5544332211"')
    kind: MediaKind = column_field("Kind of media.", "IMAGE")
    url: str = column_field("URL of the original file.", '"https://media.example.org/a.jpg"')
    mime: str = column_field("Media type (MIME).", '"image/jpeg"')
    width: int | None = column_field("Width in pixels.", "1600")
    height: int | None = column_field("Height in pixels.", "1067")
    duration: float | None = column_field("Duration in seconds; null for pictures and documents.", "93.5")
    bytes: Long | None = column_field("Size in bytes.", "182044")
    alt: str | None = column_field(
        "Alternative text for readers who cannot see the picture.", '"Soldiers carry a coffin"'
    )
    decorative: bool = column_field(
        "True if the picture is decorative and needs no alternative text.", "false"
    )
    caption: str | None = column_field("Caption.", '"The ceremony in Pyongyang"')
    credit: str | None = column_field("Credit line, to be shown beside the media file.", '"KCTV"')
    creator: str | None = column_field("Name of the creator.", '"Jane Doe"')
    copyright: str | None = column_field("Copyright notice.", '"© 2026 Example Agency"')
    licence: str | None = column_field("Code of the licence.", '"CC BY 2.5"')
    licence_url: str | None = column_field(
        "URL of the licence text.", '"https://creativecommons.org/licenses/by/2.5/"'
    )
    usage_terms: str | None = column_field("Further terms of use.", '"Editorial use only"')
    expires_at: DateTime | None = column_field(
        "Time at which the licence expires; the media file is not visible from then on. Null if it"
        " does not expire.",
        '"2027-01-01T00:00:00Z"',
    )
    focal_point: FocalPoint | None = object_field(
        "Point that must stay visible when the picture is cropped.", EmbeddedObject("focal_x")
    )
    blurhash: str | None = column_field("BlurHash placeholder.", '"LEHV6nWB2yk8pyo0adR*.7kCMdnj"')
    colour: str | None = column_field("Dominant colour as #rrggbb.", '"#7a6f5d"')
    digital_source_type: str | None = column_field(
        "IPTC digital source type, for example whether the picture is generated.", '"digitalCapture"'
    )
    sensitive: bool = column_field(
        "True if the content may be disturbing; clients should ask before showing it.", "false"
    )
    renditions: list[Rendition] = object_field("Ready-made sizes.", JsonElements("renditions"))
    articles: Connection[Article] = connection_field(
        "Articles that use the media file, newest first.",
        "Article",
        relations.MEDIA_ARTICLES,
        "PUBLISHED_AT_DESC",
        SEARCH_ARGUMENT,
    )


@table_type("source", "A source of news: a person, a medium, an organisation, a document.")
class Source(Node):
    id: strawberry.ID = column_field("Global id of the source.", '"src_6677889900"')
    canonical_url: str | None = canonical_url_field()
    slug: str = column_field("Short name for URLs.", '"sky-news"')
    name: str = column_field("Display name.", '"Sky News"')
    kind: SourceKind = column_field("Kind of media.", "BROADCASTER")
    aliases: list[str] = column_field("Other names of the source.", '["Sky"]')
    state_controlled: bool = column_field("True if the source is controlled by a state.", "false")
    country: str | None = column_field("Country, ISO 3166 alpha-2.", '"GB"')
    homepage: str | None = column_field("URL of the home page.", '"https://news.sky.com"')
    wikidata: str | None = column_field("Wikidata item id.", '"Q1026995"')
    described_as: str | None = column_field("Description of an unnamed source.", '"a senior aide"')
    parent: Source | None = object_field("Organisation that the source belongs to.", relations.SOURCE_PARENT)
    articles: Connection[Article] = connection_field(
        "Articles attributed to the source, as origin or as relay, newest first.",
        "Article", relations.SOURCE_ARTICLES, "PUBLISHED_AT_DESC", SEARCH_ARGUMENT,
    )  # fmt: skip
    attributions: Connection[Attribution] = connection_field(
        "Attributions to the source, as origin or as relay.",
        "Attribution",
        relations.SOURCE_ATTRIBUTIONS,
        "ID_DESC",
    )


@table_type(
    "attribution", "Attribution of a claim to its source: who said it, and via whom it reached the newsroom."
)
class Attribution(Node):
    id: strawberry.ID = column_field("Global id of the attribution.", '"att_1122334455"')
    kind: AttributionKind = column_field("How the claim is attributed.", "CITING")
    claim: str | None = column_field(
        "Claim in the words of the article.", '"Russia may be preparing a new offensive"'
    )
    quote: str | None = column_field("Literal quotation of the source.", '"We are ready"')
    position: int = column_field(
        "Position among the article's attributions, from 0. All hops of a chain have the position"
        " of their origin.",
        "3",
    )
    stance: Stance | None = column_field("Stance of the source towards the claim.", "ASSERTS")
    said_on: Date | None = column_field("Date on which the statement was made.", '"2026-06-17"')
    url: str | None = column_field("URL of the statement.", '"https://news.sky.com/story/…"')
    accessed_at: DateTime | None = column_field(
        "Time at which the URL was accessed.", '"2026-07-01T05:00:00Z"'
    )
    archived_url: str | None = column_field("URL of an archived copy.", '"https://archive.example.org/…"')
    hop: int = column_field("Position in the chain: 0 for the origin, then one more for each relay.", "0")
    state: AttributionState = column_field("Editorial state of the attribution.", "ACCEPTED")
    verification: Verification = column_field(
        "Result of the newsroom's verification of the claim.", "UNVERIFIED"
    )
    verification_note: str | None = column_field(
        "How the claim was verified.", '"Compared with satellite images"'
    )
    verified_at: DateTime | None = column_field("Time of the verification.", '"2026-07-01T12:00:00Z"')
    source: Source | None = object_field(
        "Source of the claim; null if the article does not name one.", relations.ATTRIBUTION_SOURCE
    )
    origin: Source | None = object_field(
        "First hop of the chain: the attribution closest to the event.", relations.ATTRIBUTION_ORIGIN
    )
    via: Attribution | None = object_field(
        "Next hop towards the reader: the source that relayed the claim.", relations.ATTRIBUTION_VIA
    )
    chain: list[Attribution] = filtered_list_field(
        "All hops, from the origin to the reader.", "Attribution", relations.ATTRIBUTION_CHAIN
    )
    span: Span | None = object_field(
        "Passage of the article that contains the attribution.", EmbeddedObject("span_block")
    )
    media: Media | None = object_field(
        "Picture or footage that the attribution refers to.", relations.ATTRIBUTION_MEDIA
    )
    article: Article = object_field("Article that contains the attribution.", relations.ATTRIBUTION_ARTICLE)


@table_type("tag", "Subject of articles: a topic, person, organisation, place, event or work.")
class Tag(Node):
    id: strawberry.ID = column_field("Global id of the tag.", '"tag_2233445566"')
    canonical_url: str | None = canonical_url_field()
    type: TagType = column_field("Type of the tag.", "TOPIC")
    slug: str = column_field("Short name for URLs, unique within the type.", '"north-korea"')
    name: str = column_field("Display name.", '"North Korea"')
    names: list[LocalName] = object_field("Names in other languages.", JsonElements("names"))
    description: str | None = column_field("Description of the subject.", '"The state in East Asia"')
    aliases: list[str] = column_field("Other names of the source.", '["DPRK"]')
    wikidata: str | None = column_field("Wikidata item id.", '"Q423"')
    position: Position | None = object_field("Coordinates of the place.", EmbeddedObject("latitude"))
    codes: list[VocabularyCode] = object_field("Codes in other vocabularies.", JsonElements("codes"))
    broader: Tag | None = object_field("Broader tag that contains this one.", relations.TAG_BROADER)
    articles: Connection[Article] = connection_field(
        "Articles with the tag, newest first.",
        "Article",
        relations.TAG_ARTICLES,
        "PUBLISHED_AT_DESC",
        SEARCH_ARGUMENT,
    )


@table_type("author", "A writer, photographer, translator or editor.")
class Author(Node):
    id: strawberry.ID = column_field("Global id of the author.", '"aut_3344556677"')
    canonical_url: str | None = canonical_url_field()
    slug: str = column_field("Short name for URLs.", '"jane-doe"')
    name: str = column_field("Full name.", '"Jane Doe"')
    bio: str | None = column_field("Short biography.", '"Reports on East Asia."')
    desk: str | None = column_field("Desk of the newsroom that the author belongs to.", '"World"')
    pseudonym: bool = column_field("True if the name is a pseudonym.", "false")
    same_as: list[str] = column_field(
        "URLs of the author's profiles elsewhere.", '["https://example.org/@jane"]'
    )
    image: Media | None = object_field("Portrait.", relations.AUTHOR_IMAGE)
    articles: Connection[Article] = connection_field(
        "Articles by the author, newest first.",
        "Article",
        relations.AUTHOR_ARTICLES,
        "PUBLISHED_AT_DESC",
        SEARCH_ARGUMENT,
    )


@table_type("story", "A running story that connects several articles.")
class Story(Node):
    id: strawberry.ID = column_field("Global id of the story.", '"sto_4455667788"')
    canonical_url: str | None = canonical_url_field()
    slug: str = column_field("Short name for URLs.", '"north-korea-russia"')
    title: str = column_field("Name of the rendition.", '"North Korea and Russia"')
    description: str | None = column_field("Summary of the story.", '"Troops, arms and treaties"')
    articles: Connection[Article] = connection_field(
        "Articles of the story, newest first.",
        "Article",
        relations.STORY_ARTICLES,
        "PUBLISHED_AT_DESC",
        SEARCH_ARGUMENT,
    )


@table_type("article", "An article with its body, media, attributions and metadata.")
class Article(Node):
    id: strawberry.ID = column_field("Global id of the article.", '"art_90817263545"')
    uri: str = column_field(
        "URI of the article, the same in all versions.", '"urn:contentql:article:90817263545"'
    )
    external_ids: list[ExternalId] = list_field(
        "Ids of the article in other systems.", relations.ARTICLE_EXTERNAL_IDS
    )
    slug: str = column_field("Short name for URLs.", '"kim-jong-un-sheds-a-tear"')
    canonical_slug: str = column_field(
        "Current slug, to be used in links.", '"kim-jong-un-sheds-a-tear"', Column("slug")
    )
    headline: str = column_field("Headline.", '"Kim Jong-un Sheds a Tear"')
    kicker: str | None = column_field("Short line above the headline.", '"North Korea"')
    short_headline: str | None = column_field(
        "Short headline for cards and push notifications.", '"Kim weeps"'
    )
    lede: str | None = column_field(
        "Introductory paragraph. Defaults to the first paragraph of the body.", '"North Korean state media…"'
    )
    summary: str | None = column_field(
        "Summary in one or two sentences.", '"Footage of Kim at a coffin aired."'
    )
    language: str = column_field("Language, BCP 47.", '"en"')
    content_type: ContentType = column_field("Genre of the article.", "NEWS")
    urgency: int = column_field("Urgency from 1 (most urgent) to 9.", "5")
    access: Access = column_field("Access to the full text.", "FREE")
    status: Status = computed(
        "Workflow status.",
        "PUBLISHED",
        relations.ARTICLE_STATUS,
    )
    published_at: DateTime | None = column_field(
        "Time of publication; null only for drafts, so never for the public.", '"2026-06-30T08:00:00Z"'
    )
    first_published_at: DateTime | None = column_field(
        "Time of the first publication; null if the article has never been published.",
        '"2026-06-30T08:00:00Z"',
    )
    updated_at: DateTime | None = column_field(
        "Time of the last substantial change of the content.", '"2026-07-02T09:00:00Z"'
    )
    expires_at: DateTime | None = column_field(
        "Time from which the article is no longer public; null if without expiry.",
        '"2027-01-01T00:00:00Z"',
    )
    byline: str | None = column_field("Byline as printed.", '"By Jane Doe in Seoul"')
    word_count: int = column_field("Number of words in the body, without live entries.", "365")
    reading_minutes: int = column_field("Estimated reading time in minutes.", "2")
    canonical_url: str | None = canonical_url_field(CanonicalUrl("canonical_url"))
    canonical_elsewhere: bool = column_field(
        "True if the canonical URL belongs to another publisher.", "false"
    )
    version: int = column_field("Version number, incremented by every save.", "3")
    unpublished_changes: bool = computed(
        "True if the article has a working copy with changes that are not published. Always false"
        " for the public.",
        "false",
        relations.UNPUBLISHED_CHANGES,
    )
    ed_note: str | None = column_field(
        "Internal note for editors; null for the public.", '"Call Seoul again"', Column(internal=True)
    )
    embargo_until: DateTime | None = column_field(
        "Time before which the article must not be published; null for the public.",
        '"2026-06-30T08:00:00Z"',
        Column(internal=True),
    )
    owner: str | None = column_field(
        "Account that created the article; null for the public.", '"jane-doe"', Column(internal=True)
    )
    revisions: Connection[Revision] = argument_field(
        "Saved versions of the article, newest first. Empty for the public.",
        "Connection[Revision]",
        relations.ARTICLE_REVISIONS,
        [*PAGE_ARGUMENTS],
    )
    scheduled_changes: list[ScheduledChange] = list_field(
        "Changes that will be published at a time, the next one first. Empty for the public.",
        relations.ARTICLE_SCHEDULED_CHANGES,
    )
    dateline: Dateline | None = object_field(
        "Place where the article was filed.", EmbeddedObject("dateline_place")
    )
    rights: Rights = object_field("Usage rights.", EmbeddedObject())
    body: Body = object_field(
        "Body of the article in several formats.", ToOne("article_body", "id", "article_id")
    )
    json_ld: JSON = json_ld_field()
    category: Category | None = object_field(
        "Main section; null only for drafts, so never for the public.", relations.CATEGORY
    )
    categories: list[Category] = filtered_list_field(
        "All sections, the main one first.", "Category", relations.ARTICLE_CATEGORIES
    )
    lead_media: Media | None = object_field("Picture or video that opens the article.", relations.LEAD_MEDIA)
    media: list[MediaPlacement] = list_field("All media of the article, in order.", relations.ARTICLE_MEDIA)
    attributions: list[Attribution] = filtered_list_field(
        "Attributions of the article's claims, in the order of the text; relays are under `via`.",
        "Attribution", relations.ARTICLE_ATTRIBUTIONS,
    )  # fmt: skip
    authors: list[AuthorCredit] = list_field("Authors with their roles, in order.", relations.ARTICLE_AUTHORS)
    tags: list[Tag] = filtered_list_field("Tags of all types.", "Tag", relations.ARTICLE_TAGS)
    entities: list[EntityMention] = list_field(
        "Tags that are not topics, with relevance and confidence.", relations.ARTICLE_ENTITIES
    )
    story: Story | None = object_field("Running story that the article belongs to.", relations.STORY)
    corrections: list[Correction] = list_field(
        "Public corrections, newest first.", relations.ARTICLE_CORRECTIONS
    )
    live_entries: Connection[LiveEntry] = live_entries_field()
    translations: list[Article] = filtered_list_field(
        "The same article in other languages.", "Article", relations.ARTICLE_TRANSLATIONS
    )
    related: Connection[Article] = connection_field(
        "Related articles chosen by editors. Default order: theirs.",
        "Article", relations.ARTICLE_RELATED, "PUBLISHED_AT_DESC", SEARCH_ARGUMENT,
    )  # fmt: skip
    next_article: Article | None = adjacent_article_field(
        "The article after this one in the list `articles` with this filter and order; null at the end. By"
        " default the next older one.",
        AdjacentArticle(),
    )
    previous_article: Article | None = adjacent_article_field(
        "The article before this one in the list `articles` with this filter and order; null at the"
        " beginning. By default the next newer one.",
        AdjacentArticle(previous=True),
    )
