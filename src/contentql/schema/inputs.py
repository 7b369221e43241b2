"""What editors send: the inputs of mutations. What is left out stays as it is; null empties it.

Things are named by their id, or as people name them: a section by its path, a source, author or story by
its slug, a tag by `TYPE:slug` or its slug alone.
"""

from __future__ import annotations

from typing import Any

import strawberry

from contentql.auth.permissions import Permission, Role
from contentql.schema.scalars import Date, DateTime
from contentql.store.models.content import (
    Access,
    AttributionKind,
    AuthorRole,
    ContentType,
    CorrectionKind,
    MediaKind,
    MediaRole,
    SourceKind,
    Stance,
    TagType,
    Verification,
)


def optional(description: str, example: str) -> Any:
    """A field that may be left out."""
    return strawberry.field(description=f"{description} Example: `{example}`.", default=strawberry.UNSET)


def required(description: str, example: str) -> Any:
    return strawberry.field(description=f"{description} Example: `{example}`.")


@strawberry.input(description="What every write takes.")
class MutationInput:
    validate_only: bool | None = optional(
        "Rehearse: the answer shows what would be, and nothing is changed.", "true"
    )
    idempotency_key: str | None = optional(
        "A key of your own: sent again within a day, the same request is done once and told the same.",
        '"7c2f5a1e"',
    )
    reason: str | None = optional("Why, for the revision and the audit log.", '"Spelling of a name"')


@strawberry.input(description="A write to something that is there.")
class UpdateInput(MutationInput):
    id: strawberry.ID = required("What to change.", '"art_90817263545"')


@strawberry.input(description="A write to an article as it was read.")
class ArticleTransitionInput(UpdateInput):
    if_version: int | None = optional(
        "The `version` that you have read: refused if somebody saved another meanwhile.", "3"
    )


# The body


@strawberry.input(description="A stretch of a text that is set off; code points, `end` exclusive.")
class MarkInput:
    start: int = required("Where it begins.", "0")
    end: int = required("Behind its last character.", "4")
    kind: str = required("strong, em, link or mention.", '"strong"')
    href: str | None = optional("Where a link leads.", '"https://example.org"')


@strawberry.input(description="What all blocks take.")
class BlockInputBase:
    id: str | None = optional("The block's id, to keep it the same block.", '"blk_4f2a"')


@strawberry.input(description="A paragraph.")
class ParagraphInput(BlockInputBase):
    text: str = required("Its text.", '"The video aired…"')
    marks: list[MarkInput] | None = optional("What is set off in it.", '[{start: 0, end: 4, kind: "strong"}]')


@strawberry.input(description="A heading.")
class HeadingInput(BlockInputBase):
    text: str = required("Its text.", '"What is known"')
    level: int | None = optional("2 to 4.", "2")


@strawberry.input(description="A quotation.")
class QuoteInput(BlockInputBase):
    text: str = required("The words.", '"We are ready."')
    attribution: strawberry.ID | None = optional("Who said them: an attribution.", '"att_1122334455"')


@strawberry.input(description="Words of the text itself, set large; or a correction.")
class TextBlockInput(BlockInputBase):
    text: str = required("The words.", '"We are ready."')


@strawberry.input(description="A list.")
class ListInput(BlockInputBase):
    items: list[str] = required("Its items.", '["One", "Two"]')
    ordered: bool | None = optional("Whether it is numbered.", "false")


@strawberry.input(description="A picture, film or recording in the text.")
class MediaBlockInput(BlockInputBase):
    media: strawberry.ID = required("Which.", '"med_5544332211"')
    caption: str | None = optional("The line below it in this place.", '"The ceremony"')


@strawberry.input(description="A series of pictures.")
class GalleryInput(BlockInputBase):
    media: list[strawberry.ID] = required("Which, in order.", '["med_1", "med_2"]')


@strawberry.input(description="Something of another site.")
class EmbedInput(BlockInputBase):
    url: str = required("Where it lies.", '"https://www.youtube.com/watch?v=x"')
    provider: str | None = optional("Whose it is.", '"YouTube"')
    fallback_text: str | None = optional("What to show instead.", '"A film of the parade"')


@strawberry.input(description="A table.")
class TableInput(BlockInputBase):
    rows: list[list[str]] = required("Its rows; the first is the head.", '[["Year", "Troops"]]')


@strawberry.input(description="Text that keeps its spaces.")
class CodeInput(BlockInputBase):
    text: str = required("The text.", '"SELECT 1"')
    language: str | None = optional("What language it is in.", '"sql"')


@strawberry.input(description="An entry of a running account.")
class LiveEntryInput(BlockInputBase):
    at: DateTime = required("When it happened.", '"2026-06-30T14:05:00Z"')
    text: str = required("Its text.", '"The first lorries are moving."')
    title: str | None = optional("Its title.", '"Convoy leaves"')
    key_event: bool | None = optional("Whether it belongs into a summary.", "true")
    summary: bool | None = optional("Whether it is itself a summary.", "false")
    pinned: bool | None = optional("Whether it stays on top.", "false")


@strawberry.input(description="A link to something related.")
class RelatedLinkInput(BlockInputBase):
    url: str = required("Where it leads.", '"https://example.org/background"')
    title: str = required("What it says.", '"The treaty, explained"')


@strawberry.input(one_of=True, description="One block of the body.")
class BlockInput:
    paragraph: ParagraphInput | None = optional("A paragraph.", '{text: "…"}')
    heading: HeadingInput | None = optional("A heading.", '{text: "…", level: 2}')
    quote: QuoteInput | None = optional("A quotation.", '{text: "…"}')
    pullquote: TextBlockInput | None = optional("Words of the text, set large.", '{text: "…"}')
    list: ListInput | None = optional("A list.", '{items: ["…"]}')
    image: MediaBlockInput | None = optional("A picture.", '{media: "med_1"}')
    video: MediaBlockInput | None = optional("A film.", '{media: "med_1"}')
    audio: MediaBlockInput | None = optional("A recording.", '{media: "med_1"}')
    gallery: GalleryInput | None = optional("A series of pictures.", '{media: ["med_1"]}')
    embed: EmbedInput | None = optional("Something of another site.", '{url: "https://…"}')
    table: TableInput | None = optional("A table.", '{rows: [["…"]]}')
    code: CodeInput | None = optional("Text that keeps its spaces.", '{text: "…"}')
    rule: BlockInputBase | None = optional("A break between parts.", "{}")
    live_entry: LiveEntryInput | None = optional("An entry of a running account.", '{at: "…", text: "…"}')
    correction: TextBlockInput | None = optional("A correction in the text.", '{text: "…"}')
    related_link: RelatedLinkInput | None = optional("A link.", '{url: "https://…", title: "…"}')


@strawberry.input(one_of=True, description="The text of an article, in whichever form it is at hand.")
class BodyInput:
    text: str | None = optional("Plain text, a paragraph a line.", '"The video aired…"')
    markdown: str | None = optional("Markdown.", '"The video **aired**…"')
    html: str | None = optional("HTML; scripts and the like are refused.", '"<p>The video aired…</p>"')
    blocks: list[BlockInput] | None = optional("Typed blocks.", '[{paragraph: {text: "…"}}]')


# Articles


@strawberry.input(description="What an author did for an article.")
class CreditInput:
    author: strawberry.ID = required("Who: id or slug.", '"jane-doe"')
    role: AuthorRole | None = optional("What they did; WRITER unless told.", "WRITER")


@strawberry.input(description="A tag of an article.")
class MentionInput:
    tag: strawberry.ID = required("Which: id, `TYPE:slug` or slug.", '"TOPIC:north-korea"')
    relevance: int | None = optional("How much the article is about it, 0 to 100.", "80")
    confidence: int | None = optional("How sure that is, 0 to 100.", "95")


@strawberry.input(description="A media file in its place in an article.")
class PlacementInput:
    media: strawberry.ID = required("Which.", '"med_5544332211"')
    role: MediaRole | None = optional("What it does there; INLINE unless told.", "INLINE")
    caption: str | None = optional("The line below it in this place.", '"The ceremony"')
    alt: str | None = optional("What it shows, in this place.", '"A coffin"')


@strawberry.input(description="Where an article was filed.")
class DatelineInput:
    place: str = required("The place.", '"Seoul"')
    text: str | None = optional("The line as printed.", '"SEOUL, 30 June"')


@strawberry.input(description="What may be done with an article.")
class RightsInput:
    syndicatable: bool | None = optional("Whether others may carry it.", "true")
    usage_terms: str | None = optional("On which terms.", '"With credit and link"')
    copyright_notice: str | None = optional("The copyright line.", '"© 2026 The Newsroom"')


@strawberry.input(description="What an article says.")
class ArticleFields(MutationInput):
    slug: str | None = optional(
        "Its short name in addresses; made of the headline unless told.", '"kim-weeps"'
    )
    kicker: str | None = optional("The line above the headline.", '"North Korea"')
    short_headline: str | None = optional("A headline for cards and push messages.", '"Kim weeps"')
    lede: str | None = optional("How it begins; the first paragraph unless told.", '"State media…"')
    summary: str | None = optional("What it says, in short.", '"Footage of Kim at a coffin aired."')
    body: BodyInput | None = optional("Its text.", '{markdown: "…"}')
    language: str | None = optional("Its language, BCP 47; `en` unless told.", '"en"')
    content_type: ContentType | None = optional("What kind of journalism it is; NEWS unless told.", "NEWS")
    urgency: int | None = optional("From 1, the most urgent, to 9; 5 unless told.", "5")
    access: Access | None = optional("Who may read it all; FREE unless told.", "FREE")
    byline: str | None = optional("The authors' line as printed.", '"By Jane Doe in Seoul"')
    authors: list[CreditInput] | None = optional("Who made it, in order.", '[{author: "jane-doe"}]')
    dateline: DatelineInput | None = optional("Where it was filed.", '{place: "Seoul"}')
    category: strawberry.ID | None = optional("Its main section: path or id.", '"world/asia"')
    categories: list[strawberry.ID] | None = optional("Its other sections.", '["politics"]')
    tags: list[MentionInput] | None = optional("What it is about.", '[{tag: "PLACE:pyongyang"}]')
    lead_media: strawberry.ID | None = optional("What opens it.", '"med_5544332211"')
    media: list[PlacementInput] | None = optional("All its media, in order.", '[{media: "med_1"}]')
    story: strawberry.ID | None = optional("The running story: slug or id.", '"north-korea-russia"')
    related: list[strawberry.ID] | None = optional("Articles to put beside it, in order.", '["art_1"]')
    translation_of: strawberry.ID | None = optional("The article that this one translates.", '"art_1"')
    canonical_url: str | None = optional("The address search engines know it by.", '"https://example.org/a"')
    canonical_elsewhere: bool | None = optional("Whether that is another publisher's.", "false")
    rights: RightsInput | None = optional("What may be done with it.", "{syndicatable: false}")
    embargo_until: DateTime | None = optional("Until when it must not come out.", '"2026-06-30T08:00:00Z"')
    expires_at: DateTime | None = optional("When it is to be gone.", '"2027-01-01T00:00:00Z"')
    ed_note: str | None = optional("What editors tell each other; never public.", '"Call Seoul again"')


@strawberry.input(description="A new article; it begins as a draft.")
class CreateArticleInput(ArticleFields):
    headline: str = required("The headline.", '"Kim Jong-un Sheds a Tear"')


@strawberry.input(description="A change of an article; of one that is out, in a working copy.")
class UpdateArticleInput(ArticleFields):
    id: strawberry.ID = required("Which.", '"art_90817263545"')
    if_version: int | None = optional("The `version` that you have read.", "3")
    headline: str | None = optional("The headline.", '"Kim Jong-un Sheds a Tear"')


@strawberry.input(description="When an article is to come out by itself.")
class ScheduleArticleInput(ArticleTransitionInput):
    publish_at: DateTime = required("When: it is out from this second on.", '"2026-06-30T14:00:00Z"')


@strawberry.input(description="Publishing an article, or the changes of one that is out.")
class PublishArticleInput(ArticleTransitionInput):
    minor: bool | None = optional("The change is small: `updatedAt` stays.", "true")
    published_at: DateTime | None = optional(
        "When it came out, if that was earlier, elsewhere.", '"2025-06-30T08:00:00Z"'
    )


@strawberry.input(description="Taking an article back.")
class WithdrawArticleInput(ArticleTransitionInput):
    notice: str = required("What readers are told in its place.", '"This report was wrong."')


@strawberry.input(description="A public correction of an article that is out.")
class CorrectArticleInput(ArticleTransitionInput):
    kind: CorrectionKind = required("What it does.", "CORRECTION")
    text: str = required("What was wrong and is right now, for readers.", '"The treaty was signed in 2024."')
    block: str | None = optional("The block that it is about.", '"blk_4f2a"')
    before: str | None = optional("The words as they were: they are replaced in the text.", '"in 2023"')
    after: str | None = optional("The words as they are now.", '"in 2024"')


@strawberry.input(description="Bringing back an earlier state of an article.")
class RestoreRevisionInput(ArticleTransitionInput):
    version: int = required("The version to bring back.", "2")


@strawberry.input(description="A link for people without a token.")
class CreatePreviewLinkInput(UpdateInput):
    expires_at: DateTime | None = optional(
        "When it ends: in three days unless told, in thirty at most.", '"2026-07-03T00:00:00Z"'
    )


# Attributions


@strawberry.input(description="The words an attribution stands on.")
class SpanInput:
    block_id: str | None = optional("The block; looked for unless told.", '"blk_4f2a"')
    exact: str | None = optional("The words.", '"According to the broadcast"')
    start: int | None = optional("Where they begin, if `exact` stands there more than once.", "0")
    end: int | None = optional("Behind their last character.", "26")


@strawberry.input(description="What is said of one hop of an attribution.")
class AttributionFields:
    claim: str | None = optional("What is claimed.", '"Russia may be preparing an offensive"')
    quote: str | None = optional("The source's own words.", '"We are ready"')
    stance: Stance | None = optional("What the source does with the claim.", "ASSERTS")
    said_on: Date | None = optional("The day it was said.", '"2026-06-17"')
    url: str | None = optional("Where it can be read.", '"https://news.sky.com/story/…"')
    accessed_at: DateTime | None = optional("When it was read there.", '"2026-07-01T05:00:00Z"')
    archived_url: str | None = optional("Where a copy is kept.", '"https://archive.example.org/…"')
    media: strawberry.ID | None = optional("The picture or footage it is about.", '"med_5544332211"')
    span: SpanInput | None = optional("The words of the article.", '{exact: "According to Sky News"}')
    verification: Verification | None = optional("What the newsroom found out.", "VERIFIED")
    verification_note: str | None = optional("How it found out.", '"Compared with satellite images"')


@strawberry.input(description="Who passed it on, and from whom they in turn are read.")
class AttributionHopInput(AttributionFields):
    kind: AttributionKind = required("How it was passed on.", "ACCORDING_TO")
    source: strawberry.ID | None = optional("Who: slug or id.", '"sky-news"')
    via: AttributionHopInput | None = optional(
        "The next hop towards the reader.", '{kind: REPORTED_BY, source: "joongang"}'
    )


@strawberry.input(description="A new attribution: whose words, and by which way they came.")
class AddAttributionInput(AttributionFields, MutationInput):
    article: strawberry.ID = required("The article.", '"art_90817263545"')
    if_version: int | None = optional("The article's `version` that you have read.", "3")
    kind: AttributionKind = required("How the words are ascribed.", "CITING")
    source: strawberry.ID | None = optional("Whose they are: slug or id.", '"south-korean-intelligence"')
    via: AttributionHopInput | None = optional(
        "Who passed them on.", '{kind: ACCORDING_TO, source: "sky-news"}'
    )
    position: int | None = optional(
        "Its place among the article's attributions, from 0; the last unless told.", "0"
    )


@strawberry.input(description="A change of an attribution; it counts as EDITED from then on.")
class UpdateAttributionInput(AttributionFields, ArticleTransitionInput):
    kind: AttributionKind | None = optional("How the words are ascribed.", "CITING")
    source: strawberry.ID | None = optional("Whose they are: slug or id.", '"south-korean-intelligence"')
    via: AttributionHopInput | None = optional(
        "The whole way from there to the reader, anew.", '{kind: ACCORDING_TO, source: "sky-news"}'
    )


@strawberry.input(description="The order of an article's attributions.")
class ReorderAttributionsInput(ArticleTransitionInput):
    attributions: list[strawberry.ID] = required("All of them, in their new order.", '["att_2", "att_1"]')


# Registers


@strawberry.input(description="A name in one language.")
class LocalNameInput:
    language: str = required("The language, BCP 47.", '"de"')
    name: str = required("The name.", '"Asien"')


@strawberry.input(description="What is said of a section.")
class CategoryFields(MutationInput):
    names: list[LocalNameInput] | None = optional(
        "Its name in other languages.", '[{language: "de", name: "Asien"}]'
    )
    description: str | None = optional("What it is about.", '"News from Asia"')
    position: int | None = optional("Its place among its siblings.", "2")
    hidden: bool | None = optional("Leave it out of menus.", "false")
    slug: str | None = optional("Its part of the path; made of the name unless told.", '"asia"')


@strawberry.input(description="A new section.")
class CreateCategoryInput(CategoryFields):
    name: str = required("Its name.", '"Asia"')
    parent: strawberry.ID | None = optional("The section above: path or id; none makes it a root.", '"world"')


@strawberry.input(description="A change of a section. A new slug moves its path, and all below it.")
class UpdateCategoryInput(CategoryFields):
    id: strawberry.ID = required("Which: path or id.", '"world/asia"')
    name: str | None = optional("Its name.", '"Asia"')


@strawberry.input(description="Moving a section with all that lies below it.")
class MoveCategoryInput(UpdateInput):
    parent: strawberry.ID | None = optional("The section to put it under; null makes it a root.", '"world"')
    position: int | None = optional("Its place among its new siblings.", "2")


@strawberry.input(description="What is said of a media file.")
class MediaFields(MutationInput):
    width: int | None = optional("Width in pixels.", "1600")
    height: int | None = optional("Height in pixels.", "1067")
    duration: float | None = optional("Length in seconds.", "93.5")
    bytes: int | None = optional("Size in bytes.", "182044")
    alt: str | None = optional("What it shows, for those who cannot see it.", '"Soldiers carry a coffin"')
    decorative: bool | None = optional("It shows nothing that matters, and needs no alt text.", "false")
    caption: str | None = optional("The line below it.", '"The ceremony in Pyongyang"')
    credit: str | None = optional("Whom to name beside it.", '"KCTV"')
    creator: str | None = optional("Who made it.", '"Jane Doe"')
    copyright: str | None = optional("The copyright line.", '"© 2026 Example Agency"')
    licence: str | None = optional("The licence's code.", '"CC BY 2.5"')
    licence_url: str | None = optional(
        "Where it can be read.", '"https://creativecommons.org/licenses/by/2.5/"'
    )
    usage_terms: str | None = optional("What else its use is bound to.", '"Editorial use only"')
    expires_at: DateTime | None = optional("When its licence ends.", '"2027-01-01T00:00:00Z"')
    focal_x: float | None = optional("What must stay in view, from the left, 0 to 1.", "0.5")
    focal_y: float | None = optional("What must stay in view, from the top, 0 to 1.", "0.33")
    blurhash: str | None = optional("A placeholder.", '"LEHV6nWB2yk8"')
    colour: str | None = optional("Its main colour.", '"#7a6f5d"')
    digital_source_type: str | None = optional("How it came about, IPTC code.", '"digitalCapture"')
    sensitive: bool | None = optional("Better asked before it is shown.", "false")


@strawberry.input(description="A new media file, which lies elsewhere already.")
class CreateMediaInput(MediaFields):
    kind: MediaKind = required("What it is.", "IMAGE")
    url: str = required("Where it lies.", '"https://media.example.org/a.jpg"')
    mime: str | None = optional("Its media type; told by the url unless told.", '"image/jpeg"')


@strawberry.input(description="A change of what is said of a media file.")
class UpdateMediaInput(MediaFields):
    id: strawberry.ID = required("Which.", '"med_5544332211"')
    url: str | None = optional("Where it lies.", '"https://media.example.org/a.jpg"')
    mime: str | None = optional("Its media type.", '"image/jpeg"')


@strawberry.input(description="What is said of a source.")
class SourceFields(MutationInput):
    slug: str | None = optional("Its short name; made of the name unless told.", '"sky-news"')
    aliases: list[str] | None = optional("Other names it goes by.", '["Sky"]')
    state_controlled: bool | None = optional("Whether a state controls it.", "false")
    country: str | None = optional("Its country, ISO 3166.", '"GB"')
    homepage: str | None = optional("Its own page.", '"https://news.sky.com"')
    wikidata: str | None = optional("Its Wikidata item.", '"Q1026995"')
    described_as: str | None = optional("How an unnamed source is described.", '"a senior aide"')
    parent: strawberry.ID | None = optional("What it belongs to: slug or id.", '"sky-group"')


@strawberry.input(description="A new source.")
class CreateSourceInput(SourceFields):
    name: str = required("Its name.", '"Sky News"')
    kind: SourceKind = required("What it is.", "BROADCASTER")


@strawberry.input(description="A change of a source.")
class UpdateSourceInput(SourceFields):
    id: strawberry.ID = required("Which: slug or id.", '"sky-news"')
    name: str | None = optional("Its name.", '"Sky News"')
    kind: SourceKind | None = optional("What it is.", "BROADCASTER")


@strawberry.input(description="Making two entries of one source into one.")
class MergeSourcesInput(MutationInput):
    into: strawberry.ID = required("The one that stays: slug or id.", '"sky-news"')
    sources: list[strawberry.ID] = required("Those that go into it.", '["sky-news-uk"]')


@strawberry.input(description="A code of another vocabulary.")
class VocabularyCodeInput:
    scheme: str = required("The vocabulary.", '"medtop"')
    code: str = required("The code in it.", '"20000056"')


@strawberry.input(description="What is said of a tag.")
class TagFields(MutationInput):
    slug: str | None = optional("Its short name; made of the name unless told.", '"north-korea"')
    names: list[LocalNameInput] | None = optional(
        "Its name in other languages.", '[{language: "de", name: "Nordkorea"}]'
    )
    description: str | None = optional("What it means.", '"The state in East Asia"')
    aliases: list[str] | None = optional("Other names it goes by.", '["DPRK"]')
    wikidata: str | None = optional("Its Wikidata item.", '"Q423"')
    latitude: float | None = optional("Degrees north.", "39.03")
    longitude: float | None = optional("Degrees east.", "125.75")
    codes: list[VocabularyCodeInput] | None = optional(
        "Its codes elsewhere.", '[{scheme: "medtop", code: "1"}]'
    )
    broader: strawberry.ID | None = optional("The tag that contains it.", '"PLACE:east-asia"')


@strawberry.input(description="A new tag.")
class CreateTagInput(TagFields):
    type: TagType = required("What it stands for.", "PLACE")
    name: str = required("Its name.", '"North Korea"')


@strawberry.input(description="A change of a tag.")
class UpdateTagInput(TagFields):
    id: strawberry.ID = required("Which: id, `TYPE:slug` or slug.", '"PLACE:north-korea"')
    name: str | None = optional("Its name.", '"North Korea"')


@strawberry.input(description="What is said of an author.")
class AuthorFields(MutationInput):
    slug: str | None = optional("The short name; made of the name unless told.", '"jane-doe"')
    bio: str | None = optional("Who they are.", '"Reports on East Asia."')
    desk: str | None = optional("Where they work.", '"World"')
    image: strawberry.ID | None = optional("Their picture.", '"med_5544332211"')
    same_as: list[str] | None = optional("Their pages elsewhere.", '["https://example.org/@jane"]')
    pseudonym: bool | None = optional("Whether the name is assumed.", "false")


@strawberry.input(description="A new author.")
class CreateAuthorInput(AuthorFields):
    name: str = required("The name.", '"Jane Doe"')


@strawberry.input(description="A change of an author.")
class UpdateAuthorInput(AuthorFields):
    id: strawberry.ID = required("Who: slug or id.", '"jane-doe"')
    name: str | None = optional("The name.", '"Jane Doe"')


@strawberry.input(description="A new story.")
class CreateStoryInput(MutationInput):
    title: str = required("What it is called.", '"North Korea and Russia"')
    slug: str | None = optional("Its short name; made of the title unless told.", '"north-korea-russia"')
    description: str | None = optional("What it is about.", '"Troops, arms and treaties"')


@strawberry.input(description="A change of a story.")
class UpdateStoryInput(MutationInput):
    id: strawberry.ID = required("Which: slug or id.", '"north-korea-russia"')
    title: str | None = optional("What it is called.", '"North Korea and Russia"')
    slug: str | None = optional("Its short name.", '"north-korea-russia"')
    description: str | None = optional("What it is about.", '"Troops, arms and treaties"')


@strawberry.input(description="An article in a collection.")
class CollectionItemInput:
    article: strawberry.ID = required("The article.", '"art_90817263545"')
    pinned_until: DateTime | None = optional("Until when it stays on top.", '"2026-07-01T00:00:00Z"')
    headline: str | None = optional("A headline for this place.", '"Kim weeps"')
    media: strawberry.ID | None = optional("A picture for this place.", '"med_5544332211"')


@strawberry.input(description="What is said of a collection.")
class CollectionFields(MutationInput):
    slug: str | None = optional("Its short name; made of the title unless told.", '"front-page"')
    description: str | None = optional("What it is for.", '"The top of the home page"')
    max_items: int | None = optional("How many it holds.", "12")
    items: list[CollectionItemInput] | None = optional("Its articles, in order.", '[{article: "art_1"}]')


@strawberry.input(description="A new collection.")
class CreateCollectionInput(CollectionFields):
    title: str = required("What it is called.", '"Front page"')


@strawberry.input(description="A change of a collection; `items` is its whole list in its new order.")
class UpdateCollectionInput(CollectionFields):
    id: strawberry.ID = required("Which: slug or id.", '"front-page"')
    title: str | None = optional("What it is called.", '"Front page"')


@strawberry.input(description="Pinning an article to the top of a collection.")
class PinArticleInput(UpdateInput):
    article: strawberry.ID = required("The article.", '"art_90817263545"')
    position: int | None = optional("Its place, from 0.", "0")
    until: DateTime | None = optional("Until when; for good unless told.", '"2026-07-01T00:00:00Z"')


# Tokens


@strawberry.input(description="A new token.")
class CreateTokenInput(MutationInput):
    name: str = required("Whom or what it is for.", '"Jane Doe"')
    role: Role = required("What its holder is.", "EDITOR")
    account: str | None = optional("Whose work is done with it; made of the name unless told.", '"jane-doe"')
    scopes: list[Permission] | None = optional("Only these of the role's abilities.", "[READ_ALL_DRAFTS]")
    expires_at: DateTime | None = optional("When it ends.", '"2027-01-01T00:00:00Z"')
