"""The things of a newsroom as the API shows them. Types that mention each other live in this one file.

Each field carries its place for the planner; none has a resolver that reads.
"""

from __future__ import annotations

from typing import Generic, TypeVar

import strawberry

from contentql.auth.permissions import Ability, Role
from contentql.planner.catalog import Asked, Column, Computed, Differences, Elements, One, Part, Place
from contentql.schema import relations
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
    CacheControl,
    CacheControlScope,
    computed,
    content,
    element,
    leaf,
    many,
    page,
    plain,
    related,
    related_list,
    with_arguments,
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
from contentql.store.models.content import (
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
from contentql.store.models.history import RevisionAction

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

Item = TypeVar("Item")

EXACT: Argument = ("exact", "Boolean", "Only this very section, without those below it. Example: `true`.")
SEARCH: Argument = (
    "search",
    "String",
    'Words to look for; "a phrase", -without, this or that, begin*. Example: `"coffin -kursk"`.',
)


@strawberry.interface(
    description="Anything that has an id of its own. The id is opaque, global and stays for ever."
)
class Node:
    id: strawberry.ID = leaf("The id, to be given back as it is.", '"art_90817263545"')


@strawberry.type(description="Where a page stands in its list.")
class PageInfo:
    has_next_page: bool = plain("Whether there is more behind this page.", "true")
    has_previous_page: bool = plain("Whether there is more before this page.", "false")
    start_cursor: str | None = plain("The cursor of the page's first item, to go back from.", '"3f0c…"')
    end_cursor: str | None = plain("The cursor of the page's last item, to go on behind.", '"3f0c…"')


@strawberry.type(description="An item of a list with its cursor.")
class Edge(Generic[Item]):
    node: Item = plain("The item itself.")
    cursor: str = plain("Its place in this list, with this filter and order.", '"3f0c…"')


@strawberry.type(description="A page of a list.")
class Connection(Generic[Item]):
    nodes: list[Item] = plain("The items of this page.")
    edges: list[Edge[Item]] = plain("The items of this page, each with its cursor.")
    page_info: PageInfo = plain("What lies before and behind this page.")
    total_count: int = plain("How many items the whole list has; counted only when asked for.", "128")


@strawberry.type(description="A name in one language.")
class LocalName:
    language: str = leaf("The language, BCP 47.", '"de"')
    name: str = leaf("The name in that language.", '"Asien"')


@content("category", "A section of the newsroom; sections form a tree.", max_age=300)
class Category(Node):
    id: strawberry.ID = leaf("The id of the section.", '"cat_81726354"')
    slug: str = leaf("Its part of the path.", '"asia"')
    path: str = leaf("The slugs from the root down.", '"world/asia"')
    redirected: bool = computed(
        "Whether it was asked for by an older path, so that a redirect to `path` is due.", "false", Asked()
    )
    name: str = leaf("Its name.", '"Asia"')
    names: list[LocalName] = related("Its name in other languages.", Elements("names"))
    description: str | None = leaf("What the section is about.", '"News from Asia"')
    depth: int = leaf("0 for a root section, 1 for those below it, and so on.", "1")
    position: int = leaf("Its place among its siblings.", "2")
    hidden: bool = leaf("Left out of menus; its page and articles are there all the same.", "false")
    parent: Category | None = related("The section above.", relations.CATEGORY_PARENT)
    children: list[Category] = many(
        "The sections right below, in order.", "Category", relations.CATEGORY_CHILDREN
    )
    articles: Connection[Article] = page(
        "Its articles and those of all sections below it, newest first.",
        "Article", relations.CATEGORY_ARTICLES, "PUBLISHED_AT_DESC", SEARCH, EXACT,
    )  # fmt: skip


@strawberry.type(
    description="The point of a picture that must stay in view, as shares of its width and height."
)
class FocalPoint:
    x: float = leaf("From the left, 0 to 1.", "0.5", Column("focal_x"))
    y: float = leaf("From the top, 0 to 1.", "0.33", Column("focal_y"))


@strawberry.type(description="A ready-made size of a media file.")
class Rendition:
    name: str | None = leaf("What it is called.", '"card"')
    url: str = leaf("Where it lies.", '"https://media.example.org/a/640.jpg"')
    mime: str | None = leaf("Its media type.", '"image/jpeg"')
    width: int | None = leaf("Width in pixels.", "640")
    height: int | None = leaf("Height in pixels.", "427")
    bytes: int | None = leaf("Size in bytes.", "48213")


@content("media", "A picture, film, recording or document.", max_age=300)
class Media(Node):
    id: strawberry.ID = leaf("The id of the media file.", '"med_5544332211"')
    kind: MediaKind = leaf("What it is.", "IMAGE")
    url: str = leaf("Where the file lies.", '"https://media.example.org/a.jpg"')
    mime: str = leaf("Its media type.", '"image/jpeg"')
    width: int | None = leaf("Width in pixels.", "1600")
    height: int | None = leaf("Height in pixels.", "1067")
    duration: float | None = leaf("Length in seconds.", "93.5")
    bytes: int | None = leaf("Size in bytes.", "182044")
    alt: str | None = leaf("What it shows, for those who cannot see it.", '"Soldiers carry a coffin"')
    decorative: bool = leaf("It shows nothing that matters, and needs no alt text.", "false")
    caption: str | None = leaf("The line below it.", '"The ceremony in Pyongyang"')
    credit: str | None = leaf("Whom to name beside it.", '"KCTV"')
    creator: str | None = leaf("Who made it.", '"Jane Doe"')
    copyright: str | None = leaf("The copyright line.", '"© 2026 Example Agency"')
    licence: str | None = leaf("The licence's code.", '"CC BY 2.5"')
    licence_url: str | None = leaf(
        "Where the licence can be read.", '"https://creativecommons.org/licenses/by/2.5/"'
    )
    usage_terms: str | None = leaf("What else its use is bound to.", '"Editorial use only"')
    expires_at: DateTime | None = leaf(
        "When its licence ends; it is gone from then on.", '"2027-01-01T00:00:00Z"'
    )
    focal_point: FocalPoint | None = related("What must stay in view when it is cropped.", Part("focal_x"))
    blurhash: str | None = leaf("A placeholder until it has loaded.", '"LEHV6nWB2yk8pyo0adR*.7kCMdnj"')
    colour: str | None = leaf("Its main colour.", '"#7a6f5d"')
    digital_source_type: str | None = leaf("How it came about, IPTC code.", '"digitalCapture"')
    sensitive: bool = leaf("Better asked before it is shown.", "false")
    renditions: list[Rendition] = related("The ready-made sizes.", Elements("renditions"))
    articles: Connection[Article] = page(
        "The articles that use it, newest first.",
        "Article",
        relations.MEDIA_ARTICLES,
        "PUBLISHED_AT_DESC",
        SEARCH,
    )


@content(
    "source", "Someone or something that news come from: a person, a medium, a service, a paper.", max_age=300
)
class Source(Node):
    id: strawberry.ID = leaf("The id of the source.", '"src_6677889900"')
    slug: str = leaf("Its short name in addresses.", '"sky-news"')
    name: str = leaf("Its name.", '"Sky News"')
    kind: SourceKind = leaf("What it is.", "BROADCASTER")
    aliases: list[str] = leaf("Other names it goes by.", '["Sky"]')
    state_controlled: bool = leaf("Whether a state controls it.", "false")
    country: str | None = leaf("Its country, ISO 3166.", '"GB"')
    homepage: str | None = leaf("Its own page.", '"https://news.sky.com"')
    wikidata: str | None = leaf("Its Wikidata item.", '"Q1026995"')
    described_as: str | None = leaf("How an unnamed source is described.", '"a senior aide"')
    parent: Source | None = related("What it belongs to.", relations.SOURCE_PARENT)
    articles: Connection[Article] = page(
        "The articles that rest on it, as origin or as relay, newest first.",
        "Article", relations.SOURCE_ARTICLES, "PUBLISHED_AT_DESC", SEARCH,
    )  # fmt: skip
    attributions: Connection[Attribution] = page(
        "Where it is named, as origin or as relay.", "Attribution", relations.SOURCE_ATTRIBUTIONS, "ID_DESC"
    )


@strawberry.type(
    description="The words an attribution stands on: where, and what they are. Offsets are code points."
)
class Span:
    block_id: str = leaf("The block of the body.", '"blk_4f2a"', Column("span_block"))
    start: int = leaf("Where the words begin.", "0", Column("span_start"))
    end: int = leaf("Behind their last character.", "52", Column("span_end"))
    exact: str | None = leaf("The words.", '"According to the broadcast"', Column("span_exact"))
    prefix: str | None = leaf("What stands before them.", '"Plan for Kursk. "', Column("span_prefix"))
    suffix: str | None = leaf("What stands behind them.", '", Kim approved"', Column("span_suffix"))
    orphaned: bool = leaf(
        "Whether the text has changed and the words are not found in it any more.",
        "false",
        Column("span_orphaned"),
    )


@content(
    "attribution",
    "Who said it, and via whom it reached us: a claim of an article, ascribed to its source.",
    max_age=60,
)
class Attribution(Node):
    id: strawberry.ID = leaf("The id of the attribution.", '"att_1122334455"')
    kind: AttributionKind = leaf("How the words are ascribed.", "CITING")
    claim: str | None = leaf("What is claimed.", '"Russia may be preparing a new offensive"')
    quote: str | None = leaf("The source's own words.", '"We are ready"')
    position: int = leaf("Its place in the article, from 0; a relay has its origin's.", "3")
    stance: Stance | None = leaf("What the source does with the claim.", "ASSERTS")
    said_on: Date | None = leaf("The day it was said.", '"2026-06-17"')
    url: str | None = leaf("Where it can be read.", '"https://news.sky.com/story/…"')
    accessed_at: DateTime | None = leaf("When it was read there.", '"2026-07-01T05:00:00Z"')
    archived_url: str | None = leaf("Where a copy is kept.", '"https://archive.example.org/…"')
    hop: int = leaf("0 for the origin's own words, then one more for each relay.", "0")
    state: AttributionState = leaf("Whether an editor stands behind it.", "ACCEPTED")
    verification: Verification = leaf("What the newsroom found out about the claim.", "UNVERIFIED")
    verification_note: str | None = leaf("How it found out.", '"Compared with satellite images"')
    verified_at: DateTime | None = leaf("When it found out.", '"2026-07-01T12:00:00Z"')
    source: Source | None = related(
        "Whose words they are; null when the text names nobody.", relations.ATTRIBUTION_SOURCE
    )
    origin: Source | None = related(
        "The end of the chain towards the event: where it all comes from.", relations.ATTRIBUTION_ORIGIN
    )
    via: Attribution | None = related(
        "The next hop towards the reader: who passed it on.", relations.ATTRIBUTION_VIA
    )
    chain: list[Attribution] = many(
        "The whole chain, from the origin to the reader.", "Attribution", relations.ATTRIBUTION_CHAIN
    )
    span: Span | None = related("The words of the article it stands on.", Part("span_block"))
    media: Media | None = related("The picture or footage it is about.", relations.ATTRIBUTION_MEDIA)
    article: Article = related("The article it is part of.", relations.ATTRIBUTION_ARTICLE)


@strawberry.type(description="A code of another vocabulary.")
class Code:
    scheme: str = leaf("The vocabulary.", '"medtop"')
    code: str = leaf("The code in it.", '"20000056"')


@strawberry.type(description="A place on earth, WGS 84.")
class Position:
    latitude: float = leaf("Degrees north.", "39.03")
    longitude: float = leaf("Degrees east.", "125.75")


@content(
    "tag",
    "What articles are about: a topic, a person, an organisation, a place, an event, a work.",
    max_age=300,
)
class Tag(Node):
    id: strawberry.ID = leaf("The id of the tag.", '"tag_2233445566"')
    type: TagType = leaf("What it stands for.", "TOPIC")
    slug: str = leaf("Its short name in addresses; unique within its type.", '"north-korea"')
    name: str = leaf("Its name.", '"North Korea"')
    names: list[LocalName] = related("Its name in other languages.", Elements("names"))
    description: str | None = leaf("What it means.", '"The state in East Asia"')
    aliases: list[str] = leaf("Other names it goes by.", '["DPRK"]')
    wikidata: str | None = leaf("Its Wikidata item.", '"Q423"')
    position: Position | None = related("Where it lies.", Part("latitude"))
    codes: list[Code] = related("Its codes in other vocabularies.", Elements("codes"))
    broader: Tag | None = related("The tag that contains it.", relations.TAG_BROADER)
    articles: Connection[Article] = page(
        "The articles about it, newest first.", "Article", relations.TAG_ARTICLES, "PUBLISHED_AT_DESC", SEARCH
    )


@content("author", "Someone who writes, photographs, translates or edits.", max_age=300)
class Author(Node):
    id: strawberry.ID = leaf("The id of the author.", '"aut_3344556677"')
    slug: str = leaf("The short name in addresses.", '"jane-doe"')
    name: str = leaf("The name.", '"Jane Doe"')
    bio: str | None = leaf("Who they are.", '"Reports on East Asia."')
    desk: str | None = leaf("Where they work.", '"World"')
    pseudonym: bool = leaf("Whether the name is assumed.", "false")
    same_as: list[str] = leaf("Their pages elsewhere.", '["https://example.org/@jane"]')
    image: Media | None = related("Their picture.", relations.AUTHOR_IMAGE)
    articles: Connection[Article] = page(
        "Their articles, newest first.", "Article", relations.AUTHOR_ARTICLES, "PUBLISHED_AT_DESC", SEARCH
    )


@content("story", "A running story that several articles tell.", max_age=300)
class Story(Node):
    id: strawberry.ID = leaf("The id of the story.", '"sto_4455667788"')
    slug: str = leaf("Its short name in addresses.", '"north-korea-russia"')
    title: str = leaf("What it is called.", '"North Korea and Russia"')
    description: str | None = leaf("What it is about.", '"Troops, arms and treaties"')
    articles: Connection[Article] = page(
        "Its articles, newest first.", "Article", relations.STORY_ARTICLES, "PUBLISHED_AT_DESC", SEARCH
    )


@content("collection_item", "An article in a collection, as the editors put it there.", max_age=30)
class CollectionItem:
    pinned_until: DateTime | None = leaf(
        "How long it keeps its place; then it falls behind all others.", '"2026-07-02T18:00:00Z"'
    )
    headline: str | None = leaf("A headline for this place only.", '"Kim weeps"')
    media: Media | None = related("A picture for this place only.", relations.ITEM_MEDIA)
    article: Article = related("The article.", relations.ITEM_ARTICLE)


@content("collection", "A list that editors put together: a front page, top stories.", max_age=30)
class Collection(Node):
    id: strawberry.ID = leaf("The id of the collection.", '"col_5566778899"')
    slug: str = leaf("Its short name in addresses.", '"front-page"')
    title: str = leaf("What it is called.", '"Front page"')
    description: str | None = leaf("What it is for.", '"The first thing readers see"')
    max_items: int | None = leaf("How many items it should show at most.", "12")
    items: list[CollectionItem] = many("Its items, in order.", "CollectionItem", relations.COLLECTION_ITEMS)
    articles: Connection[Article] = page(
        "Its articles, in the order of the items unless told otherwise.",
        "Article", relations.COLLECTION_ARTICLES, "PUBLISHED_AT_DESC", SEARCH,
    )  # fmt: skip


@strawberry.type(description="A stretch of a text that is set off. Offsets are code points, `end` exclusive.")
class Mark:
    start: int = leaf("Where it begins.", "0")
    end: int = leaf("Behind its last character.", "8")
    kind: str = leaf("`strong`, `em`, `link` or `mention`.", '"link"')
    href: str | None = leaf("Where a link leads.", '"https://example.org"')


@strawberry.interface(
    description="A part of an article's body. Its id stays the same when the text is edited."
)
class Block:
    id: str = leaf("The id of the block, unique everywhere.", '"blk_4f2a"')
    type: str = leaf("The kind of block, in the store's word; new kinds may come.", '"PARAGRAPH"')


@element("PARAGRAPH", "A paragraph.")
class ParagraphBlock(Block):
    text: str = leaf("Its text, without markup.", '"The video aired on Sunday."')
    marks: list[Mark] = related("What is set off in it.", Elements("", "marks"))


@element("HEADING", "A heading inside the body.")
class HeadingBlock(Block):
    level: int = leaf("2, 3 or 4.", "2")
    text: str = leaf("Its text.", '"What we know"')


@element("QUOTE", "A quotation set as a block.")
class QuoteBlock(Block):
    text: str = leaf("The words.", '"We are ready."')
    attribution: Attribution | None = related(
        "Who said them.", One("attribution", "attribution", stable=True)
    )


@element("PULLQUOTE", "Words of the article itself, repeated large.")
class PullquoteBlock(Block):
    text: str = leaf("The words.", '"Largely symbolic"')


@element("LIST", "A list.")
class ListBlock(Block):
    ordered: bool = leaf("Whether it is numbered.", "false")
    items: list[str] = leaf("Its items, as text.", '["Moscow", "Pyongyang"]')


@element("IMAGE", "A picture in the text.")
class ImageBlock(Block):
    media: Media | None = related("The picture.", One("media", "media", witnessed=True))
    caption: str | None = leaf("The line below it, in this place.", '"The ceremony"')


@element("VIDEO", "A film in the text.")
class VideoBlock(Block):
    media: Media | None = related("The film.", One("media", "media", witnessed=True))
    caption: str | None = leaf("The line below it, in this place.", '"The broadcast"')


@element("AUDIO", "A recording in the text.")
class AudioBlock(Block):
    media: Media | None = related("The recording.", One("media", "media", witnessed=True))
    caption: str | None = leaf("The line below it, in this place.", '"The interview"')


@element("GALLERY", "Pictures to leaf through.")
class GalleryBlock(Block):
    media: list[Media] = related("The pictures, in order.", Elements("", "media"))


@element("EMBED", "Something of another site.")
class EmbedBlock(Block):
    provider: str | None = leaf("Which site.", '"YouTube"')
    url: str = leaf("Where it lies.", '"https://youtu.be/…"')
    html: str | None = leaf("Markup to show it, cleaned when it was saved.", '"<blockquote>…</blockquote>"')
    fallback_text: str | None = leaf(
        "What to show instead.", '"A film of the parade"', Column("fallbackText")
    )


@element("TABLE", "A table.")
class TableBlock(Block):
    rows: list[list[str]] = leaf("Its rows of cells; the first row is the head.", '[["Year", "Troops"]]')


@element("CODE", "Text that keeps its spaces.")
class CodeBlock(Block):
    text: str = leaf("The text.", '"SELECT 1"')
    language: str | None = leaf("What language it is in.", '"sql"')


@element("RULE", "A break between parts.")
class RuleBlock(Block):
    pass


@element("LIVE_ENTRY", "An entry of a running account.")
class LiveEntryBlock(Block):
    at: DateTime = leaf("When it happened.", '"2026-06-30T14:05:00Z"')
    title: str | None = leaf("Its title.", '"Convoy leaves"')
    text: str = leaf("Its text.", '"The first lorries are moving."')
    key_event: bool = leaf("Whether it belongs into a summary of the day.", "true", Column("keyEvent"))
    summary: bool = leaf("Whether it is itself a summary.", "false")
    pinned: bool = leaf("Whether it stays on top.", "false")


@element("CORRECTION", "A correction that stands in the text.")
class CorrectionBlock(Block):
    text: str = leaf("What was wrong and is right now.", '"An earlier version gave another date."')


@element("RELATED_LINK", "A link to something related.")
class RelatedLinkBlock(Block):
    url: str = leaf("Where it leads.", '"https://example.org/background"')
    title: str = leaf("What it says.", '"The treaty, explained"')


@element("UNKNOWN", "A block of a kind that this version does not know; apps skip it or show its text.")
class UnknownBlock(Block):
    fallback_text: str | None = leaf("What to show instead.", '"A map of the front"', Column("fallbackText"))


@content("article_body", "The text of an article, in whichever form is wanted.", max_age=60)
class Body:
    html: str = leaf("As HTML, cleaned when it was saved.", '"<p>The video aired…</p>"')
    markdown: str = leaf("As Markdown.", '"The video aired…"')
    text: str = leaf("As plain text, a paragraph a line.", '"The video aired…"')
    blocks: list[Block] = related("As typed blocks, in order.", Elements("blocks"))


@strawberry.type(description="Where an article was filed.")
class Dateline:
    place: str = leaf("The place.", '"Seoul"', Column("dateline_place"))
    text: str | None = leaf("The line as printed.", '"SEOUL, 30 June"', Column("dateline_text"))


@strawberry.type(description="What may be done with an article.")
class Rights:
    syndicatable: bool = leaf("Whether others may carry it.", "true")
    usage_terms: str | None = leaf("On which terms.", '"With credit and link"')
    copyright_notice: str | None = leaf("The copyright line.", '"© 2026 The Newsroom"')


@content("article_author", "What an author did for an article.", max_age=60)
class AuthorCredit:
    role: AuthorRole = leaf("What they did.", "WRITER")
    author: Author = related("Who.", relations.CREDITED)


@content("article_tag", "A person, organisation, place, event or work that an article mentions.", max_age=60)
class EntityMention:
    relevance: int | None = leaf("How much the article is about it, 0 to 100.", "80")
    confidence: int | None = leaf("How sure that is, 0 to 100.", "95")
    entity: Tag = related("What is mentioned.", relations.MENTIONED)


@content("article_media", "A media file in its place in an article.", max_age=60)
class MediaPlacement:
    position: int = computed("Its place among the media of the article, from 0.", "1", Place())
    role: MediaRole = leaf("What it does there.", "LEAD")
    caption: str | None = leaf(
        "The line below it in this place; null means the file's own.", '"The ceremony"'
    )
    alt: str | None = leaf("What it shows, in this place; null means the file's own.", '"A coffin"')
    media: Media = related("The file.", relations.PLACED_MEDIA)


@content("correction", "A public correction of an article.", max_age=60)
class Correction(Node):
    id: strawberry.ID = leaf("The id of the correction.", '"cor_6677889900"')
    kind: CorrectionKind = leaf("What it does.", "CORRECTION")
    at: DateTime = leaf("When it was made.", '"2026-07-02T09:00:00Z"')
    text: str = leaf("What was wrong and is right now.", '"The treaty was signed in 2024."')
    block_id: str | None = leaf("The block it is about.", '"blk_4f2a"', Column("block"))
    before: str | None = leaf("The words as they were.", '"in 2023"')
    after: str | None = leaf("The words as they are.", '"in 2024"')
    article: Article = related("The article that it corrects.", relations.CORRECTION_ARTICLE)


@strawberry.type(description="A field of an article that is not as it was.")
class Difference:
    field: str = leaf("Which field.", '"headline"')
    before: str | None = leaf("What it said, as text.", '"Kim weeps"', Column("earlier"))
    after: str | None = leaf("What it says, as text.", '"Kim Jong-un sheds a tear"', Column("later"))


@content("revision", "An article as it was saved once.", max_age=0)
class Revision(Node):
    id: strawberry.ID = leaf("The id of the revision.", '"rev_6677889900"')
    version: int = leaf("The version that it made.", "3")
    at: DateTime = leaf("When it was saved.", '"2026-06-30T08:00:00Z"')
    by: str = leaf("Who saved it.", '"Jane Doe"')
    action: RevisionAction = leaf("What was done.", "UPDATED")
    minor: bool = leaf("Whether readers need not hear of it.", "false")
    reason: str | None = leaf("Why, in the editor's words.", '"Spelling of a name"')
    headline: str | None = computed(
        "The headline it had.", '"Kim weeps"', Computed("{row}.told ->> 'headline'", ("told",), "text")
    )
    diff: list[Difference] = with_arguments(
        "What it changed against an earlier version: the one right before it, unless told.",
        "list[Difference]",
        Differences("told", "article_id", "version"),
        [("against", "Int", "The number of the version to compare with. Example: `1`.")],
    )


@content("withdrawal", "What stands at the slug of an article that was taken back.", max_age=60)
class Withdrawal:
    id: strawberry.ID = leaf(
        "The id that the article had.", '"art_90817263545"', Column("article_id", "id", "article")
    )
    slug: str = leaf("Its slug.", '"kim-jong-un-sheds-a-tear"')
    language: str = leaf("Its language, BCP 47.", '"en"')
    notice: str = leaf("Why it is gone, for readers.", '"This report was wrong and has been withdrawn."')
    at: DateTime = leaf("When it was taken back.", '"2026-07-02T09:00:00Z"')


@content("audit_entry", "Who did what, when and from where.", max_age=0)
class AuditEntry(Node):
    id: strawberry.ID = leaf("The id of the entry.", '"aud_6677889900"')
    at: DateTime = leaf("When.", '"2026-06-30T08:00:00Z"')
    by: str = leaf("Who.", '"Jane Doe"')
    account: str = leaf("The account that did it.", '"jane-doe"')
    role: Role = leaf("What they were.", "EDITOR")
    action: str = leaf("The mutation.", '"publishArticle"')
    thing: str | None = leaf("The id of what it was done to.", '"art_90817263545"')
    version_before: int | None = leaf("The article's version before.", "2", Column("before"))
    version_after: int | None = leaf("The article's version after.", "3", Column("after"))
    reason: str | None = leaf("Why, in their words.", '"Spelling of a name"')
    address: str | None = leaf("The network address.", '"203.0.113.7"')
    client: str | None = leaf("What the client calls itself.", '"newsdesk 2.1"')
    request_id: str = leaf("The request, as in the log.", '"5f0c9a61b2d4-1"', Column("request"))


@content(
    "token",
    "A token that lets someone or something in. Its secret is shown once, when it is made.",
    max_age=0,
)
class Token(Node):
    id: strawberry.ID = leaf("The id of the token.", '"tok_6677889900"')
    name: str = leaf("Whom or what it was made for.", '"Jane Doe"')
    account: str = leaf("Whose work is done with it.", '"jane-doe"')
    role: Role = leaf("What its holder is.", "EDITOR")
    scopes: list[Ability] = leaf("What of that role it is good for; all, where there are none.", "[SEE_ALL]")
    hint: str = leaf("How it ends.", '"x7Qa"')
    created_at: DateTime = leaf("When it was made.", '"2026-06-30T08:00:00Z"')
    created_by: str = leaf("Who made it.", '"Operator"')
    expires_at: DateTime | None = leaf("When it ends.", '"2027-01-01T00:00:00Z"')
    last_used_at: DateTime | None = leaf("When it was last used, to the minute.", '"2026-07-01T09:00:00Z"')
    revoked_at: DateTime | None = leaf("When it was revoked.", "null")


@content("article", "An article: a headline, a body, and all that goes with them.", max_age=60)
class Article(Node):
    id: strawberry.ID = leaf("The id of the article.", '"art_90817263545"')
    uri: str = leaf(
        "Its name for machines, the same over all versions.", '"urn:contentql:article:90817263545"'
    )
    slug: str = leaf("Its short name in addresses.", '"kim-jong-un-sheds-a-tear"')
    canonical_slug: str = leaf(
        "The slug to link to: its newest one.", '"kim-jong-un-sheds-a-tear"', Column("slug")
    )
    redirected: bool = computed(
        "Whether it was asked for by an older slug, so that a redirect to `canonicalSlug` is due.",
        "false",
        Asked(),
    )
    headline: str = leaf("The headline.", '"Kim Jong-un Sheds a Tear"')
    kicker: str | None = leaf("The line above the headline.", '"North Korea"')
    short_headline: str | None = leaf("A headline for cards and push messages.", '"Kim weeps"')
    lede: str | None = leaf("How it begins: the first paragraph unless set.", '"North Korean state media…"')
    summary: str | None = leaf("What it says, in short.", '"Footage of Kim at a coffin aired."')
    language: str = leaf("Its language, BCP 47.", '"en"')
    content_type: ContentType = leaf("What kind of journalism it is.", "NEWS")
    urgency: int = leaf("From 1, the most urgent, to 9.", "5")
    access: Access = leaf("Who may read the whole text.", "FREE")
    status: Status = computed(
        "Where it stands.",
        "PUBLISHED",
        relations.ARTICLE_STATUS,
    )
    published_at: DateTime | None = leaf("When it came out.", '"2026-06-30T08:00:00Z"')
    first_published_at: DateTime | None = leaf("When it first came out.", '"2026-06-30T08:00:00Z"')
    updated_at: DateTime | None = leaf("When its text last changed in substance.", '"2026-07-02T09:00:00Z"')
    expires_at: DateTime | None = leaf("When it will be gone.", '"2027-01-01T00:00:00Z"')
    byline: str | None = leaf("The authors' line as printed.", '"By Jane Doe in Seoul"')
    word_count: int = leaf("Words of the body.", "365")
    reading_minutes: int = leaf("Minutes it takes to read.", "2")
    canonical_url: str | None = leaf(
        "The address search engines should know it by.", '"https://example.org/a"'
    )
    canonical_elsewhere: bool = leaf("Whether that address is another publisher's.", "false")
    version: int = leaf("One more with every saved change.", "3")
    unpublished_changes: bool = computed(
        "Whether this is a working copy: the public sees an earlier version. Always false for the public.",
        "false",
        Computed("{row}.working_of <> 0", ("working_of",), "bool"),
    )
    ed_note: str | None = leaf(
        "What editors tell each other; null for the public.", '"Call Seoul again"', Column(desk=True)
    )
    embargo_until: DateTime | None = leaf(
        "Until when it must not come out; null for the public.",
        '"2026-06-30T08:00:00Z"',
        Column(desk=True),
    )
    owner: str | None = leaf(
        "The account that began it; null for the public.", '"jane-doe"', Column(desk=True)
    )
    revisions: Connection[Revision] = with_arguments(
        "Every saved state of it, newest first. The public sees none.",
        "Connection[Revision]",
        relations.ARTICLE_REVISIONS,
        [FIRST, AFTER, LAST, BEFORE],
    )
    dateline: Dateline | None = related("Where it was filed.", Part("dateline_place"))
    rights: Rights = related("What may be done with it.", Part())
    body: Body = related("Its text.", One("article_body", "id", "article_id"))
    category: Category | None = related("Its main section; only drafts may have none.", relations.CATEGORY)
    categories: list[Category] = many(
        "All its sections, the main one first.", "Category", relations.ARTICLE_CATEGORIES
    )
    lead_media: Media | None = related("The picture or film that opens it.", relations.LEAD_MEDIA)
    media: list[MediaPlacement] = related_list("All its media, in order.", relations.ARTICLE_MEDIA)
    attributions: list[Attribution] = many(
        "Who said what: one for each claim, in the order of the text; relays are under `via`.",
        "Attribution", relations.ARTICLE_ATTRIBUTIONS,
    )  # fmt: skip
    authors: list[AuthorCredit] = related_list("Who made it, in order.", relations.ARTICLE_AUTHORS)
    tags: list[Tag] = many(
        "What it is about: topics, people, places and all else that is tagged.", "Tag", relations.ARTICLE_TAGS
    )
    entities: list[EntityMention] = related_list(
        "The tags that are not topics: whom and what it mentions, and how much.", relations.ARTICLE_ENTITIES
    )
    story: Story | None = related("The running story it is part of.", relations.STORY)
    corrections: list[Correction] = related_list(
        "What was put right, newest first.", relations.ARTICLE_CORRECTIONS
    )
    translations: list[Article] = many(
        "The same article in other languages.", "Article", relations.ARTICLE_TRANSLATIONS
    )
    related: Connection[Article] = page(
        "What the editors put beside it, in their order unless told otherwise.",
        "Article", relations.ARTICLE_RELATED, "PUBLISHED_AT_DESC", SEARCH,
    )  # fmt: skip


@strawberry.type(
    description="Who is asking, and what they see.",
    directives=[CacheControl(max_age=0, scope=CacheControlScope.PRIVATE)],
)
class Viewer:
    name: str | None = plain("The name the token was given to; null for the public.", "null")
    role: Role = plain("What the caller is.", "READER")
    sees: str = plain("What that lets one see, in a sentence.", '"What is published, and nothing else."')
    may: list[Ability] = plain("What that lets one do.", "[SEE_ALL, WRITE_ALL]")
