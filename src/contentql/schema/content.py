"""The things of a newsroom as the API shows them. Types that mention each other live in this one file.

Each field carries its place for the planner; none has a resolver that reads.
"""

from __future__ import annotations

from typing import Generic

import strawberry

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
from contentql.planner.field_plans import (
    Column,
    Computed,
    EmbeddedObject,
    FoundByOldSlug,
    JsonElements,
    ListPosition,
    ToOne,
)
from contentql.schema import relations
from contentql.schema.administration import Revision
from contentql.schema.blocks import Body
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
    AFTER,
    BEFORE,
    FIRST,
    LAST,
    Argument,
    argument_field,
    column_field,
    computed,
    connection_field,
    envelope_field,
    filtered_list_field,
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
from contentql.schema.scalars import Date, DateTime
from contentql.schema.values import (
    Code,
    Dateline,
    FocalPoint,
    ItemT,
    LocalName,
    Node,
    PageInfo,
    Position,
    Rendition,
    Rights,
    Span,
)

# Named here because the signatures in `fields.py` are resolved in this module.
__all__ = [
    "ArticleFilter",
    "ArticleOrder",
    "AttributionFilter",
    "AttributionOrder",
    "AuditEntryFilter",
    "AuditEntryOrder",
    "AuthorFilter",
    "AuthorOrder",
    "CategoryFilter",
    "CategoryOrder",
    "CollectionFilter",
    "CollectionItemFilter",
    "CollectionOrder",
    "CorrectionFilter",
    "CorrectionOrder",
    "MediaFilter",
    "MediaOrder",
    "SourceFilter",
    "SourceOrder",
    "StoryFilter",
    "StoryOrder",
    "TagFilter",
    "TagOrder",
    "TokenFilter",
    "TokenOrder",
]  # fmt: skip


EXACT_ARGUMENT: Argument = (
    "exact",
    "Boolean",
    "Only this very section, without those below it. Example: `true`.",
)


SEARCH_ARGUMENT: Argument = (
    "search",
    "String",
    'Words to look for; "a phrase", -without, this or that, begin*. Example: `"coffin -kursk"`.',
)


@strawberry.type(description="An item of a list with its cursor.")
class Edge(Generic[ItemT]):
    node: ItemT = envelope_field("The item itself.")
    cursor: str = envelope_field("Its place in this list, with this filter and order.", '"3f0c…"')


@strawberry.type(description="A page of a list.")
class Connection(Generic[ItemT]):
    nodes: list[ItemT] = envelope_field("The items of this page.")
    edges: list[Edge[ItemT]] = envelope_field("The items of this page, each with its cursor.")
    page_info: PageInfo = envelope_field("What lies before and behind this page.")
    total_count: int = envelope_field(
        "How many items the whole list has; counted only when asked for.", "128"
    )


@table_type("category", "A section of the newsroom; sections form a tree.", max_age=300)
class Category(Node):
    id: strawberry.ID = column_field("The id of the section.", '"cat_81726354"')
    slug: str = column_field("Its part of the path.", '"asia"')
    path: str = column_field("The slugs from the root down.", '"world/asia"')
    is_redirect: bool = computed(
        "Whether it was asked for by an older path, so that a redirect to `path` is due.",
        "false",
        FoundByOldSlug(),
    )
    name: str = column_field("Its name.", '"Asia"')
    names: list[LocalName] = object_field("Its name in other languages.", JsonElements("names"))
    description: str | None = column_field("What the section is about.", '"News from Asia"')
    depth: int = column_field("0 for a root section, 1 for those below it, and so on.", "1")
    position: int = column_field("Its place among its siblings.", "2")
    hidden: bool = column_field("Left out of menus; its page and articles are there all the same.", "false")
    parent: Category | None = object_field("The section above.", relations.CATEGORY_PARENT)
    children: list[Category] = filtered_list_field(
        "The sections right below, in order.", "Category", relations.CATEGORY_CHILDREN
    )
    articles: Connection[Article] = connection_field(
        "Its articles and those of all sections below it, newest first.",
        "Article", relations.CATEGORY_ARTICLES, "PUBLISHED_AT_DESC", SEARCH_ARGUMENT, EXACT_ARGUMENT,
    )  # fmt: skip


@table_type("media", "A picture, film, recording or document.", max_age=300)
class Media(Node):
    id: strawberry.ID = column_field("The id of the media file.", '"med_5544332211"')
    kind: MediaKind = column_field("What it is.", "IMAGE")
    url: str = column_field("Where the file lies.", '"https://media.example.org/a.jpg"')
    mime: str = column_field("Its media type.", '"image/jpeg"')
    width: int | None = column_field("Width in pixels.", "1600")
    height: int | None = column_field("Height in pixels.", "1067")
    duration: float | None = column_field("Length in seconds.", "93.5")
    bytes: int | None = column_field("Size in bytes.", "182044")
    alt: str | None = column_field("What it shows, for those who cannot see it.", '"Soldiers carry a coffin"')
    decorative: bool = column_field("It shows nothing that matters, and needs no alt text.", "false")
    caption: str | None = column_field("The line below it.", '"The ceremony in Pyongyang"')
    credit: str | None = column_field("Whom to name beside it.", '"KCTV"')
    creator: str | None = column_field("Who made it.", '"Jane Doe"')
    copyright: str | None = column_field("The copyright line.", '"© 2026 Example Agency"')
    licence: str | None = column_field("The licence's code.", '"CC BY 2.5"')
    licence_url: str | None = column_field(
        "Where the licence can be read.", '"https://creativecommons.org/licenses/by/2.5/"'
    )
    usage_terms: str | None = column_field("What else its use is bound to.", '"Editorial use only"')
    expires_at: DateTime | None = column_field(
        "When its licence ends; it is gone from then on.", '"2027-01-01T00:00:00Z"'
    )
    focal_point: FocalPoint | None = object_field(
        "What must stay in view when it is cropped.", EmbeddedObject("focal_x")
    )
    blurhash: str | None = column_field(
        "A placeholder until it has loaded.", '"LEHV6nWB2yk8pyo0adR*.7kCMdnj"'
    )
    colour: str | None = column_field("Its main colour.", '"#7a6f5d"')
    digital_source_type: str | None = column_field("How it came about, IPTC code.", '"digitalCapture"')
    sensitive: bool = column_field("Better asked before it is shown.", "false")
    renditions: list[Rendition] = object_field("The ready-made sizes.", JsonElements("renditions"))
    articles: Connection[Article] = connection_field(
        "The articles that use it, newest first.",
        "Article",
        relations.MEDIA_ARTICLES,
        "PUBLISHED_AT_DESC",
        SEARCH_ARGUMENT,
    )


@table_type(
    "source", "Someone or something that news come from: a person, a medium, a service, a paper.", max_age=300
)
class Source(Node):
    id: strawberry.ID = column_field("The id of the source.", '"src_6677889900"')
    slug: str = column_field("Its short name in addresses.", '"sky-news"')
    name: str = column_field("Its name.", '"Sky News"')
    kind: SourceKind = column_field("What it is.", "BROADCASTER")
    aliases: list[str] = column_field("Other names it goes by.", '["Sky"]')
    state_controlled: bool = column_field("Whether a state controls it.", "false")
    country: str | None = column_field("Its country, ISO 3166.", '"GB"')
    homepage: str | None = column_field("Its own page.", '"https://news.sky.com"')
    wikidata: str | None = column_field("Its Wikidata item.", '"Q1026995"')
    described_as: str | None = column_field("How an unnamed source is described.", '"a senior aide"')
    parent: Source | None = object_field("What it belongs to.", relations.SOURCE_PARENT)
    articles: Connection[Article] = connection_field(
        "The articles that rest on it, as origin or as relay, newest first.",
        "Article", relations.SOURCE_ARTICLES, "PUBLISHED_AT_DESC", SEARCH_ARGUMENT,
    )  # fmt: skip
    attributions: Connection[Attribution] = connection_field(
        "Where it is named, as origin or as relay.", "Attribution", relations.SOURCE_ATTRIBUTIONS, "ID_DESC"
    )


@table_type(
    "attribution",
    "Who said it, and via whom it reached us: a claim of an article, ascribed to its source.",
    max_age=60,
)
class Attribution(Node):
    id: strawberry.ID = column_field("The id of the attribution.", '"att_1122334455"')
    kind: AttributionKind = column_field("How the words are ascribed.", "CITING")
    claim: str | None = column_field("What is claimed.", '"Russia may be preparing a new offensive"')
    quote: str | None = column_field("The source's own words.", '"We are ready"')
    position: int = column_field("Its place in the article, from 0; a relay has its origin's.", "3")
    stance: Stance | None = column_field("What the source does with the claim.", "ASSERTS")
    said_on: Date | None = column_field("The day it was said.", '"2026-06-17"')
    url: str | None = column_field("Where it can be read.", '"https://news.sky.com/story/…"')
    accessed_at: DateTime | None = column_field("When it was read there.", '"2026-07-01T05:00:00Z"')
    archived_url: str | None = column_field("Where a copy is kept.", '"https://archive.example.org/…"')
    hop: int = column_field("0 for the origin's own words, then one more for each relay.", "0")
    state: AttributionState = column_field("Whether an editor stands behind it.", "ACCEPTED")
    verification: Verification = column_field("What the newsroom found out about the claim.", "UNVERIFIED")
    verification_note: str | None = column_field("How it found out.", '"Compared with satellite images"')
    verified_at: DateTime | None = column_field("When it found out.", '"2026-07-01T12:00:00Z"')
    source: Source | None = object_field(
        "Whose words they are; null when the text names nobody.", relations.ATTRIBUTION_SOURCE
    )
    origin: Source | None = object_field(
        "The end of the chain towards the event: where it all comes from.", relations.ATTRIBUTION_ORIGIN
    )
    via: Attribution | None = object_field(
        "The next hop towards the reader: who passed it on.", relations.ATTRIBUTION_VIA
    )
    chain: list[Attribution] = filtered_list_field(
        "The whole chain, from the origin to the reader.", "Attribution", relations.ATTRIBUTION_CHAIN
    )
    span: Span | None = object_field("The words of the article it stands on.", EmbeddedObject("span_block"))
    media: Media | None = object_field("The picture or footage it is about.", relations.ATTRIBUTION_MEDIA)
    article: Article = object_field("The article it is part of.", relations.ATTRIBUTION_ARTICLE)


@table_type(
    "tag",
    "What articles are about: a topic, a person, an organisation, a place, an event, a work.",
    max_age=300,
)
class Tag(Node):
    id: strawberry.ID = column_field("The id of the tag.", '"tag_2233445566"')
    type: TagType = column_field("What it stands for.", "TOPIC")
    slug: str = column_field("Its short name in addresses; unique within its type.", '"north-korea"')
    name: str = column_field("Its name.", '"North Korea"')
    names: list[LocalName] = object_field("Its name in other languages.", JsonElements("names"))
    description: str | None = column_field("What it means.", '"The state in East Asia"')
    aliases: list[str] = column_field("Other names it goes by.", '["DPRK"]')
    wikidata: str | None = column_field("Its Wikidata item.", '"Q423"')
    position: Position | None = object_field("Where it lies.", EmbeddedObject("latitude"))
    codes: list[Code] = object_field("Its codes in other vocabularies.", JsonElements("codes"))
    broader: Tag | None = object_field("The tag that contains it.", relations.TAG_BROADER)
    articles: Connection[Article] = connection_field(
        "The articles about it, newest first.",
        "Article",
        relations.TAG_ARTICLES,
        "PUBLISHED_AT_DESC",
        SEARCH_ARGUMENT,
    )


@table_type("author", "Someone who writes, photographs, translates or edits.", max_age=300)
class Author(Node):
    id: strawberry.ID = column_field("The id of the author.", '"aut_3344556677"')
    slug: str = column_field("The short name in addresses.", '"jane-doe"')
    name: str = column_field("The name.", '"Jane Doe"')
    bio: str | None = column_field("Who they are.", '"Reports on East Asia."')
    desk: str | None = column_field("Where they work.", '"World"')
    pseudonym: bool = column_field("Whether the name is assumed.", "false")
    same_as: list[str] = column_field("Their pages elsewhere.", '["https://example.org/@jane"]')
    image: Media | None = object_field("Their picture.", relations.AUTHOR_IMAGE)
    articles: Connection[Article] = connection_field(
        "Their articles, newest first.",
        "Article",
        relations.AUTHOR_ARTICLES,
        "PUBLISHED_AT_DESC",
        SEARCH_ARGUMENT,
    )


@table_type("story", "A running story that several articles tell.", max_age=300)
class Story(Node):
    id: strawberry.ID = column_field("The id of the story.", '"sto_4455667788"')
    slug: str = column_field("Its short name in addresses.", '"north-korea-russia"')
    title: str = column_field("What it is called.", '"North Korea and Russia"')
    description: str | None = column_field("What it is about.", '"Troops, arms and treaties"')
    articles: Connection[Article] = connection_field(
        "Its articles, newest first.",
        "Article",
        relations.STORY_ARTICLES,
        "PUBLISHED_AT_DESC",
        SEARCH_ARGUMENT,
    )


@table_type("collection_item", "An article in a collection, as the editors put it there.", max_age=30)
class CollectionItem:
    pinned_until: DateTime | None = column_field(
        "How long it keeps its place; then it falls behind all others.", '"2026-07-02T18:00:00Z"'
    )
    headline: str | None = column_field("A headline for this place only.", '"Kim weeps"')
    media: Media | None = object_field("A picture for this place only.", relations.ITEM_MEDIA)
    article: Article = object_field("The article.", relations.ITEM_ARTICLE)


@table_type("collection", "A list that editors put together: a front page, top stories.", max_age=30)
class Collection(Node):
    id: strawberry.ID = column_field("The id of the collection.", '"col_5566778899"')
    slug: str = column_field("Its short name in addresses.", '"front-page"')
    title: str = column_field("What it is called.", '"Front page"')
    description: str | None = column_field("What it is for.", '"The first thing readers see"')
    max_items: int | None = column_field("How many items it should show at most.", "12")
    items: list[CollectionItem] = filtered_list_field(
        "Its items, in order.", "CollectionItem", relations.COLLECTION_ITEMS
    )
    articles: Connection[Article] = connection_field(
        "Its articles, in the order of the items unless told otherwise.",
        "Article", relations.COLLECTION_ARTICLES, "PUBLISHED_AT_DESC", SEARCH_ARGUMENT,
    )  # fmt: skip


@table_type("article_author", "What an author did for an article.", max_age=60)
class AuthorCredit:
    role: AuthorRole = column_field("What they did.", "WRITER")
    author: Author = object_field("Who.", relations.CREDIT_AUTHOR)


@table_type(
    "article_tag", "A person, organisation, place, event or work that an article mentions.", max_age=60
)
class EntityMention:
    relevance: int | None = column_field("How much the article is about it, 0 to 100.", "80")
    confidence: int | None = column_field("How sure that is, 0 to 100.", "95")
    entity: Tag = object_field("What is mentioned.", relations.MENTION_TAG)


@table_type("article_media", "A media file in its place in an article.", max_age=60)
class MediaPlacement:
    position: int = computed("Its place among the media of the article, from 0.", "1", ListPosition())
    role: MediaRole = column_field("What it does there.", "LEAD")
    caption: str | None = column_field(
        "The line below it in this place; null means the file's own.", '"The ceremony"'
    )
    alt: str | None = column_field("What it shows, in this place; null means the file's own.", '"A coffin"')
    media: Media = object_field("The file.", relations.PLACEMENT_MEDIA)


@table_type("correction", "A public correction of an article.", max_age=60)
class Correction(Node):
    id: strawberry.ID = column_field("The id of the correction.", '"cor_6677889900"')
    kind: CorrectionKind = column_field("What it does.", "CORRECTION")
    corrected_at: DateTime = column_field("When it was made.", '"2026-07-02T09:00:00Z"', Column("at"))
    text: str = column_field("What was wrong and is right now.", '"The treaty was signed in 2024."')
    block_id: str | None = column_field("The block it is about.", '"blk_4f2a"', Column("block"))
    before: str | None = column_field("The words as they were.", '"in 2023"')
    after: str | None = column_field("The words as they are.", '"in 2024"')
    article: Article = object_field("The article that it corrects.", relations.CORRECTION_ARTICLE)


@table_type("article", "An article: a headline, a body, and all that goes with them.", max_age=60)
class Article(Node):
    id: strawberry.ID = column_field("The id of the article.", '"art_90817263545"')
    uri: str = column_field(
        "Its name for machines, the same over all versions.", '"urn:contentql:article:90817263545"'
    )
    slug: str = column_field("Its short name in addresses.", '"kim-jong-un-sheds-a-tear"')
    canonical_slug: str = column_field(
        "The slug to link to: its newest one.", '"kim-jong-un-sheds-a-tear"', Column("slug")
    )
    is_redirect: bool = computed(
        "Whether it was asked for by an older slug, so that a redirect to `canonicalSlug` is due.",
        "false",
        FoundByOldSlug(),
    )
    headline: str = column_field("The headline.", '"Kim Jong-un Sheds a Tear"')
    kicker: str | None = column_field("The line above the headline.", '"North Korea"')
    short_headline: str | None = column_field("A headline for cards and push messages.", '"Kim weeps"')
    lede: str | None = column_field(
        "How it begins: the first paragraph unless set.", '"North Korean state media…"'
    )
    summary: str | None = column_field("What it says, in short.", '"Footage of Kim at a coffin aired."')
    language: str = column_field("Its language, BCP 47.", '"en"')
    content_type: ContentType = column_field("What kind of journalism it is.", "NEWS")
    urgency: int = column_field("From 1, the most urgent, to 9.", "5")
    access: Access = column_field("Who may read the whole text.", "FREE")
    status: Status = computed(
        "Where it stands.",
        "PUBLISHED",
        relations.ARTICLE_STATUS,
    )
    published_at: DateTime | None = column_field("When it came out.", '"2026-06-30T08:00:00Z"')
    first_published_at: DateTime | None = column_field("When it first came out.", '"2026-06-30T08:00:00Z"')
    updated_at: DateTime | None = column_field(
        "When its text last changed in substance.", '"2026-07-02T09:00:00Z"'
    )
    expires_at: DateTime | None = column_field("When it will be gone.", '"2027-01-01T00:00:00Z"')
    byline: str | None = column_field("The authors' line as printed.", '"By Jane Doe in Seoul"')
    word_count: int = column_field("Words of the body.", "365")
    reading_minutes: int = column_field("Minutes it takes to read.", "2")
    canonical_url: str | None = column_field(
        "The address search engines should know it by.", '"https://example.org/a"'
    )
    canonical_elsewhere: bool = column_field("Whether that address is another publisher's.", "false")
    version: int = column_field("One more with every saved change.", "3")
    unpublished_changes: bool = computed(
        "Whether this is a working copy: the public sees an earlier version. Always false for the public.",
        "false",
        Computed("{row}.working_of <> 0", ("working_of",), "bool"),
    )
    ed_note: str | None = column_field(
        "What editors tell each other; null for the public.", '"Call Seoul again"', Column(internal=True)
    )
    embargo_until: DateTime | None = column_field(
        "Until when it must not come out; null for the public.",
        '"2026-06-30T08:00:00Z"',
        Column(internal=True),
    )
    owner: str | None = column_field(
        "The account that began it; null for the public.", '"jane-doe"', Column(internal=True)
    )
    revisions: Connection[Revision] = argument_field(
        "Every saved state of it, newest first. The public sees none.",
        "Connection[Revision]",
        relations.ARTICLE_REVISIONS,
        [FIRST, AFTER, LAST, BEFORE],
    )
    dateline: Dateline | None = object_field("Where it was filed.", EmbeddedObject("dateline_place"))
    rights: Rights = object_field("What may be done with it.", EmbeddedObject())
    body: Body = object_field("Its text.", ToOne("article_body", "id", "article_id"))
    category: Category | None = object_field(
        "Its main section; only drafts may have none.", relations.CATEGORY
    )
    categories: list[Category] = filtered_list_field(
        "All its sections, the main one first.", "Category", relations.ARTICLE_CATEGORIES
    )
    lead_media: Media | None = object_field("The picture or film that opens it.", relations.LEAD_MEDIA)
    media: list[MediaPlacement] = list_field("All its media, in order.", relations.ARTICLE_MEDIA)
    attributions: list[Attribution] = filtered_list_field(
        "Who said what: one for each claim, in the order of the text; relays are under `via`.",
        "Attribution", relations.ARTICLE_ATTRIBUTIONS,
    )  # fmt: skip
    authors: list[AuthorCredit] = list_field("Who made it, in order.", relations.ARTICLE_AUTHORS)
    tags: list[Tag] = filtered_list_field(
        "What it is about: topics, people, places and all else that is tagged.", "Tag", relations.ARTICLE_TAGS
    )
    entities: list[EntityMention] = list_field(
        "The tags that are not topics: whom and what it mentions, and how much.", relations.ARTICLE_ENTITIES
    )
    story: Story | None = object_field("The running story it is part of.", relations.STORY)
    corrections: list[Correction] = list_field(
        "What was put right, newest first.", relations.ARTICLE_CORRECTIONS
    )
    translations: list[Article] = filtered_list_field(
        "The same article in other languages.", "Article", relations.ARTICLE_TRANSLATIONS
    )
    related: Connection[Article] = connection_field(
        "What the editors put beside it, in their order unless told otherwise.",
        "Article", relations.ARTICLE_RELATED, "PUBLISHED_AT_DESC", SEARCH_ARGUMENT,
    )  # fmt: skip
