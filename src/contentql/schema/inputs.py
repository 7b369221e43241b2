"""What editors send: the inputs of mutations. What is left out stays as it is; null empties it.

Things are named by their id, or as people name them: a section by its path, a source, author or story by
its slug, a tag by `TYPE:slug` or its slug alone.
"""

from __future__ import annotations

from typing import Any

import strawberry

from contentql.auth.permissions import Ability, Role
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


def may(description: str, example: str) -> Any:
    """A field that may be left out."""
    return strawberry.field(description=f"{description} Example: `{example}`.", default=strawberry.UNSET)


def must(description: str, example: str) -> Any:
    return strawberry.field(description=f"{description} Example: `{example}`.")


@strawberry.input(description="What every write takes.")
class Write:
    validate_only: bool | None = may(
        "Rehearse: the answer shows what would be, and nothing is changed.", "true"
    )
    idempotency_key: str | None = may(
        "A key of your own: sent again within a day, the same request is done once and told the same.",
        '"7c2f5a1e"',
    )
    reason: str | None = may("Why, for the revision and the audit log.", '"Spelling of a name"')


@strawberry.input(description="A write to something that is there.")
class Edit(Write):
    id: strawberry.ID = must("What to change.", '"art_90817263545"')


@strawberry.input(description="A write to an article as it was read.")
class ArticleMove(Edit):
    if_version: int | None = may(
        "The `version` that you have read: refused if somebody saved another meanwhile.", "3"
    )


# The body


@strawberry.input(description="A stretch of a text that is set off; code points, `end` exclusive.")
class MarkInput:
    start: int = must("Where it begins.", "0")
    end: int = must("Behind its last character.", "4")
    kind: str = must("strong, em, link or mention.", '"strong"')
    href: str | None = may("Where a link leads.", '"https://example.org"')


@strawberry.input(description="What all blocks take.")
class BlockBase:
    id: str | None = may("The block's id, to keep it the same block.", '"blk_4f2a"')


@strawberry.input(description="A paragraph.")
class ParagraphInput(BlockBase):
    text: str = must("Its text.", '"The video aired…"')
    marks: list[MarkInput] | None = may("What is set off in it.", '[{start: 0, end: 4, kind: "strong"}]')


@strawberry.input(description="A heading.")
class HeadingInput(BlockBase):
    text: str = must("Its text.", '"What is known"')
    level: int | None = may("2 to 4.", "2")


@strawberry.input(description="A quotation.")
class QuoteInput(BlockBase):
    text: str = must("The words.", '"We are ready."')
    attribution: strawberry.ID | None = may("Who said them: an attribution.", '"att_1122334455"')


@strawberry.input(description="Words of the text itself, set large; or a correction.")
class TextInput(BlockBase):
    text: str = must("The words.", '"We are ready."')


@strawberry.input(description="A list.")
class ListInput(BlockBase):
    items: list[str] = must("Its items.", '["One", "Two"]')
    ordered: bool | None = may("Whether it is numbered.", "false")


@strawberry.input(description="A picture, film or recording in the text.")
class MediaBlockInput(BlockBase):
    media: strawberry.ID = must("Which.", '"med_5544332211"')
    caption: str | None = may("The line below it in this place.", '"The ceremony"')


@strawberry.input(description="A series of pictures.")
class GalleryInput(BlockBase):
    media: list[strawberry.ID] = must("Which, in order.", '["med_1", "med_2"]')


@strawberry.input(description="Something of another site.")
class EmbedInput(BlockBase):
    url: str = must("Where it lies.", '"https://www.youtube.com/watch?v=x"')
    provider: str | None = may("Whose it is.", '"YouTube"')
    fallback_text: str | None = may("What to show instead.", '"A film of the parade"')


@strawberry.input(description="A table.")
class TableInput(BlockBase):
    rows: list[list[str]] = must("Its rows; the first is the head.", '[["Year", "Troops"]]')


@strawberry.input(description="Text that keeps its spaces.")
class CodeInput(BlockBase):
    text: str = must("The text.", '"SELECT 1"')
    language: str | None = may("What language it is in.", '"sql"')


@strawberry.input(description="An entry of a running account.")
class LiveEntryInput(BlockBase):
    at: DateTime = must("When it happened.", '"2026-06-30T14:05:00Z"')
    text: str = must("Its text.", '"The first lorries are moving."')
    title: str | None = may("Its title.", '"Convoy leaves"')
    key_event: bool | None = may("Whether it belongs into a summary.", "true")
    summary: bool | None = may("Whether it is itself a summary.", "false")
    pinned: bool | None = may("Whether it stays on top.", "false")


@strawberry.input(description="A link to something related.")
class RelatedLinkInput(BlockBase):
    url: str = must("Where it leads.", '"https://example.org/background"')
    title: str = must("What it says.", '"The treaty, explained"')


@strawberry.input(one_of=True, description="One block of the body.")
class BlockInput:
    paragraph: ParagraphInput | None = may("A paragraph.", '{text: "…"}')
    heading: HeadingInput | None = may("A heading.", '{text: "…", level: 2}')
    quote: QuoteInput | None = may("A quotation.", '{text: "…"}')
    pullquote: TextInput | None = may("Words of the text, set large.", '{text: "…"}')
    list: ListInput | None = may("A list.", '{items: ["…"]}')
    image: MediaBlockInput | None = may("A picture.", '{media: "med_1"}')
    video: MediaBlockInput | None = may("A film.", '{media: "med_1"}')
    audio: MediaBlockInput | None = may("A recording.", '{media: "med_1"}')
    gallery: GalleryInput | None = may("A series of pictures.", '{media: ["med_1"]}')
    embed: EmbedInput | None = may("Something of another site.", '{url: "https://…"}')
    table: TableInput | None = may("A table.", '{rows: [["…"]]}')
    code: CodeInput | None = may("Text that keeps its spaces.", '{text: "…"}')
    rule: BlockBase | None = may("A break between parts.", "{}")
    live_entry: LiveEntryInput | None = may("An entry of a running account.", '{at: "…", text: "…"}')
    correction: TextInput | None = may("A correction in the text.", '{text: "…"}')
    related_link: RelatedLinkInput | None = may("A link.", '{url: "https://…", title: "…"}')


@strawberry.input(one_of=True, description="The text of an article, in whichever form it is at hand.")
class BodyInput:
    text: str | None = may("Plain text, a paragraph a line.", '"The video aired…"')
    markdown: str | None = may("Markdown.", '"The video **aired**…"')
    html: str | None = may("HTML; scripts and the like are refused.", '"<p>The video aired…</p>"')
    blocks: list[BlockInput] | None = may("Typed blocks.", '[{paragraph: {text: "…"}}]')


# Articles


@strawberry.input(description="What an author did for an article.")
class CreditInput:
    author: strawberry.ID = must("Who: id or slug.", '"jane-doe"')
    role: AuthorRole | None = may("What they did; WRITER unless told.", "WRITER")


@strawberry.input(description="A tag of an article.")
class MentionInput:
    tag: strawberry.ID = must("Which: id, `TYPE:slug` or slug.", '"TOPIC:north-korea"')
    relevance: int | None = may("How much the article is about it, 0 to 100.", "80")
    confidence: int | None = may("How sure that is, 0 to 100.", "95")


@strawberry.input(description="A media file in its place in an article.")
class PlacementInput:
    media: strawberry.ID = must("Which.", '"med_5544332211"')
    role: MediaRole | None = may("What it does there; INLINE unless told.", "INLINE")
    caption: str | None = may("The line below it in this place.", '"The ceremony"')
    alt: str | None = may("What it shows, in this place.", '"A coffin"')


@strawberry.input(description="Where an article was filed.")
class DatelineInput:
    place: str = must("The place.", '"Seoul"')
    text: str | None = may("The line as printed.", '"SEOUL, 30 June"')


@strawberry.input(description="What may be done with an article.")
class RightsInput:
    syndicatable: bool | None = may("Whether others may carry it.", "true")
    usage_terms: str | None = may("On which terms.", '"With credit and link"')
    copyright_notice: str | None = may("The copyright line.", '"© 2026 The Newsroom"')


@strawberry.input(description="What an article says.")
class ArticleFields(Write):
    slug: str | None = may("Its short name in addresses; made of the headline unless told.", '"kim-weeps"')
    kicker: str | None = may("The line above the headline.", '"North Korea"')
    short_headline: str | None = may("A headline for cards and push messages.", '"Kim weeps"')
    lede: str | None = may("How it begins; the first paragraph unless told.", '"State media…"')
    summary: str | None = may("What it says, in short.", '"Footage of Kim at a coffin aired."')
    body: BodyInput | None = may("Its text.", '{markdown: "…"}')
    language: str | None = may("Its language, BCP 47; `en` unless told.", '"en"')
    content_type: ContentType | None = may("What kind of journalism it is; NEWS unless told.", "NEWS")
    urgency: int | None = may("From 1, the most urgent, to 9; 5 unless told.", "5")
    access: Access | None = may("Who may read it all; FREE unless told.", "FREE")
    byline: str | None = may("The authors' line as printed.", '"By Jane Doe in Seoul"')
    authors: list[CreditInput] | None = may("Who made it, in order.", '[{author: "jane-doe"}]')
    dateline: DatelineInput | None = may("Where it was filed.", '{place: "Seoul"}')
    category: strawberry.ID | None = may("Its main section: path or id.", '"world/asia"')
    categories: list[strawberry.ID] | None = may("Its other sections.", '["politics"]')
    tags: list[MentionInput] | None = may("What it is about.", '[{tag: "PLACE:pyongyang"}]')
    lead_media: strawberry.ID | None = may("What opens it.", '"med_5544332211"')
    media: list[PlacementInput] | None = may("All its media, in order.", '[{media: "med_1"}]')
    story: strawberry.ID | None = may("The running story: slug or id.", '"north-korea-russia"')
    related: list[strawberry.ID] | None = may("Articles to put beside it, in order.", '["art_1"]')
    translation_of: strawberry.ID | None = may("The article that this one translates.", '"art_1"')
    canonical_url: str | None = may("The address search engines know it by.", '"https://example.org/a"')
    canonical_elsewhere: bool | None = may("Whether that is another publisher's.", "false")
    rights: RightsInput | None = may("What may be done with it.", "{syndicatable: false}")
    embargo_until: DateTime | None = may("Until when it must not come out.", '"2026-06-30T08:00:00Z"')
    expires_at: DateTime | None = may("When it is to be gone.", '"2027-01-01T00:00:00Z"')
    ed_note: str | None = may("What editors tell each other; never public.", '"Call Seoul again"')


@strawberry.input(description="A new article; it begins as a draft.")
class CreateArticleInput(ArticleFields):
    headline: str = must("The headline.", '"Kim Jong-un Sheds a Tear"')


@strawberry.input(description="A change of an article; of one that is out, in a working copy.")
class UpdateArticleInput(ArticleFields):
    id: strawberry.ID = must("Which.", '"art_90817263545"')
    if_version: int | None = may("The `version` that you have read.", "3")
    headline: str | None = may("The headline.", '"Kim Jong-un Sheds a Tear"')


@strawberry.input(description="When an article is to come out by itself.")
class ScheduleArticleInput(ArticleMove):
    publish_at: DateTime = must("When: it is out from this second on.", '"2026-06-30T14:00:00Z"')


@strawberry.input(description="Publishing an article, or the changes of one that is out.")
class PublishArticleInput(ArticleMove):
    minor: bool | None = may("The change is small: `updatedAt` stays.", "true")
    published_at: DateTime | None = may(
        "When it came out, if that was earlier, elsewhere.", '"2025-06-30T08:00:00Z"'
    )


@strawberry.input(description="Taking an article back.")
class WithdrawArticleInput(ArticleMove):
    notice: str = must("What readers are told in its place.", '"This report was wrong."')


@strawberry.input(description="A public correction of an article that is out.")
class CorrectArticleInput(ArticleMove):
    kind: CorrectionKind = must("What it does.", "CORRECTION")
    text: str = must("What was wrong and is right now, for readers.", '"The treaty was signed in 2024."')
    block: str | None = may("The block that it is about.", '"blk_4f2a"')
    before: str | None = may("The words as they were: they are replaced in the text.", '"in 2023"')
    after: str | None = may("The words as they are now.", '"in 2024"')


@strawberry.input(description="Bringing back an earlier state of an article.")
class RestoreRevisionInput(ArticleMove):
    version: int = must("The version to bring back.", "2")


@strawberry.input(description="A link for people without a token.")
class CreatePreviewLinkInput(Edit):
    expires_at: DateTime | None = may(
        "When it ends: in three days unless told, in thirty at most.", '"2026-07-03T00:00:00Z"'
    )


# Attributions


@strawberry.input(description="The words an attribution stands on.")
class SpanInput:
    block_id: str | None = may("The block; looked for unless told.", '"blk_4f2a"')
    exact: str | None = may("The words.", '"According to the broadcast"')
    start: int | None = may("Where they begin, if `exact` stands there more than once.", "0")
    end: int | None = may("Behind their last character.", "26")


@strawberry.input(description="What is said of one hop of an attribution.")
class HopFields:
    claim: str | None = may("What is claimed.", '"Russia may be preparing an offensive"')
    quote: str | None = may("The source's own words.", '"We are ready"')
    stance: Stance | None = may("What the source does with the claim.", "ASSERTS")
    said_on: Date | None = may("The day it was said.", '"2026-06-17"')
    url: str | None = may("Where it can be read.", '"https://news.sky.com/story/…"')
    accessed_at: DateTime | None = may("When it was read there.", '"2026-07-01T05:00:00Z"')
    archived_url: str | None = may("Where a copy is kept.", '"https://archive.example.org/…"')
    media: strawberry.ID | None = may("The picture or footage it is about.", '"med_5544332211"')
    span: SpanInput | None = may("The words of the article.", '{exact: "According to Sky News"}')
    verification: Verification | None = may("What the newsroom found out.", "VERIFIED")
    verification_note: str | None = may("How it found out.", '"Compared with satellite images"')


@strawberry.input(description="Who passed it on, and from whom they in turn are read.")
class HopInput(HopFields):
    kind: AttributionKind = must("How it was passed on.", "ACCORDING_TO")
    source: strawberry.ID | None = may("Who: slug or id.", '"sky-news"')
    via: HopInput | None = may("The next hop towards the reader.", '{kind: REPORTED_BY, source: "joongang"}')


@strawberry.input(description="A new attribution: whose words, and by which way they came.")
class AddAttributionInput(HopFields, Write):
    article: strawberry.ID = must("The article.", '"art_90817263545"')
    if_version: int | None = may("The article's `version` that you have read.", "3")
    kind: AttributionKind = must("How the words are ascribed.", "CITING")
    source: strawberry.ID | None = may("Whose they are: slug or id.", '"south-korean-intelligence"')
    via: HopInput | None = may("Who passed them on.", '{kind: ACCORDING_TO, source: "sky-news"}')
    position: int | None = may(
        "Its place among the article's attributions, from 0; the last unless told.", "0"
    )


@strawberry.input(description="A change of an attribution; it counts as EDITED from then on.")
class UpdateAttributionInput(HopFields, ArticleMove):
    kind: AttributionKind | None = may("How the words are ascribed.", "CITING")
    source: strawberry.ID | None = may("Whose they are: slug or id.", '"south-korean-intelligence"')
    via: HopInput | None = may(
        "The whole way from there to the reader, anew.", '{kind: ACCORDING_TO, source: "sky-news"}'
    )


@strawberry.input(description="The order of an article's attributions.")
class ReorderAttributionsInput(ArticleMove):
    attributions: list[strawberry.ID] = must("All of them, in their new order.", '["att_2", "att_1"]')


# Registers


@strawberry.input(description="A name in one language.")
class LocalNameInput:
    language: str = must("The language, BCP 47.", '"de"')
    name: str = must("The name.", '"Asien"')


@strawberry.input(description="What is said of a section.")
class CategoryFields(Write):
    names: list[LocalNameInput] | None = may(
        "Its name in other languages.", '[{language: "de", name: "Asien"}]'
    )
    description: str | None = may("What it is about.", '"News from Asia"')
    position: int | None = may("Its place among its siblings.", "2")
    hidden: bool | None = may("Leave it out of menus.", "false")
    slug: str | None = may("Its part of the path; made of the name unless told.", '"asia"')


@strawberry.input(description="A new section.")
class CreateCategoryInput(CategoryFields):
    name: str = must("Its name.", '"Asia"')
    parent: strawberry.ID | None = may("The section above: path or id; none makes it a root.", '"world"')


@strawberry.input(description="A change of a section. A new slug moves its path, and all below it.")
class UpdateCategoryInput(CategoryFields):
    id: strawberry.ID = must("Which: path or id.", '"world/asia"')
    name: str | None = may("Its name.", '"Asia"')


@strawberry.input(description="Moving a section with all that lies below it.")
class MoveCategoryInput(Edit):
    parent: strawberry.ID | None = may("The section to put it under; null makes it a root.", '"world"')
    position: int | None = may("Its place among its new siblings.", "2")


@strawberry.input(description="What is said of a media file.")
class MediaFields(Write):
    width: int | None = may("Width in pixels.", "1600")
    height: int | None = may("Height in pixels.", "1067")
    duration: float | None = may("Length in seconds.", "93.5")
    bytes: int | None = may("Size in bytes.", "182044")
    alt: str | None = may("What it shows, for those who cannot see it.", '"Soldiers carry a coffin"')
    decorative: bool | None = may("It shows nothing that matters, and needs no alt text.", "false")
    caption: str | None = may("The line below it.", '"The ceremony in Pyongyang"')
    credit: str | None = may("Whom to name beside it.", '"KCTV"')
    creator: str | None = may("Who made it.", '"Jane Doe"')
    copyright: str | None = may("The copyright line.", '"© 2026 Example Agency"')
    licence: str | None = may("The licence's code.", '"CC BY 2.5"')
    licence_url: str | None = may("Where it can be read.", '"https://creativecommons.org/licenses/by/2.5/"')
    usage_terms: str | None = may("What else its use is bound to.", '"Editorial use only"')
    expires_at: DateTime | None = may("When its licence ends.", '"2027-01-01T00:00:00Z"')
    focal_x: float | None = may("What must stay in view, from the left, 0 to 1.", "0.5")
    focal_y: float | None = may("What must stay in view, from the top, 0 to 1.", "0.33")
    blurhash: str | None = may("A placeholder.", '"LEHV6nWB2yk8"')
    colour: str | None = may("Its main colour.", '"#7a6f5d"')
    digital_source_type: str | None = may("How it came about, IPTC code.", '"digitalCapture"')
    sensitive: bool | None = may("Better asked before it is shown.", "false")


@strawberry.input(description="A new media file, which lies elsewhere already.")
class CreateMediaInput(MediaFields):
    kind: MediaKind = must("What it is.", "IMAGE")
    url: str = must("Where it lies.", '"https://media.example.org/a.jpg"')
    mime: str | None = may("Its media type; told by the url unless told.", '"image/jpeg"')


@strawberry.input(description="A change of what is said of a media file.")
class UpdateMediaInput(MediaFields):
    id: strawberry.ID = must("Which.", '"med_5544332211"')
    url: str | None = may("Where it lies.", '"https://media.example.org/a.jpg"')
    mime: str | None = may("Its media type.", '"image/jpeg"')


@strawberry.input(description="What is said of a source.")
class SourceFields(Write):
    slug: str | None = may("Its short name; made of the name unless told.", '"sky-news"')
    aliases: list[str] | None = may("Other names it goes by.", '["Sky"]')
    state_controlled: bool | None = may("Whether a state controls it.", "false")
    country: str | None = may("Its country, ISO 3166.", '"GB"')
    homepage: str | None = may("Its own page.", '"https://news.sky.com"')
    wikidata: str | None = may("Its Wikidata item.", '"Q1026995"')
    described_as: str | None = may("How an unnamed source is described.", '"a senior aide"')
    parent: strawberry.ID | None = may("What it belongs to: slug or id.", '"sky-group"')


@strawberry.input(description="A new source.")
class CreateSourceInput(SourceFields):
    name: str = must("Its name.", '"Sky News"')
    kind: SourceKind = must("What it is.", "BROADCASTER")


@strawberry.input(description="A change of a source.")
class UpdateSourceInput(SourceFields):
    id: strawberry.ID = must("Which: slug or id.", '"sky-news"')
    name: str | None = may("Its name.", '"Sky News"')
    kind: SourceKind | None = may("What it is.", "BROADCASTER")


@strawberry.input(description="Making two entries of one source into one.")
class MergeSourcesInput(Write):
    into: strawberry.ID = must("The one that stays: slug or id.", '"sky-news"')
    sources: list[strawberry.ID] = must("Those that go into it.", '["sky-news-uk"]')


@strawberry.input(description="A code of another vocabulary.")
class CodeOfInput:
    scheme: str = must("The vocabulary.", '"medtop"')
    code: str = must("The code in it.", '"20000056"')


@strawberry.input(description="What is said of a tag.")
class TagFields(Write):
    slug: str | None = may("Its short name; made of the name unless told.", '"north-korea"')
    names: list[LocalNameInput] | None = may(
        "Its name in other languages.", '[{language: "de", name: "Nordkorea"}]'
    )
    description: str | None = may("What it means.", '"The state in East Asia"')
    aliases: list[str] | None = may("Other names it goes by.", '["DPRK"]')
    wikidata: str | None = may("Its Wikidata item.", '"Q423"')
    latitude: float | None = may("Degrees north.", "39.03")
    longitude: float | None = may("Degrees east.", "125.75")
    codes: list[CodeOfInput] | None = may("Its codes elsewhere.", '[{scheme: "medtop", code: "1"}]')
    broader: strawberry.ID | None = may("The tag that contains it.", '"PLACE:east-asia"')


@strawberry.input(description="A new tag.")
class CreateTagInput(TagFields):
    type: TagType = must("What it stands for.", "PLACE")
    name: str = must("Its name.", '"North Korea"')


@strawberry.input(description="A change of a tag.")
class UpdateTagInput(TagFields):
    id: strawberry.ID = must("Which: id, `TYPE:slug` or slug.", '"PLACE:north-korea"')
    name: str | None = may("Its name.", '"North Korea"')


@strawberry.input(description="What is said of an author.")
class AuthorFields(Write):
    slug: str | None = may("The short name; made of the name unless told.", '"jane-doe"')
    bio: str | None = may("Who they are.", '"Reports on East Asia."')
    desk: str | None = may("Where they work.", '"World"')
    image: strawberry.ID | None = may("Their picture.", '"med_5544332211"')
    same_as: list[str] | None = may("Their pages elsewhere.", '["https://example.org/@jane"]')
    pseudonym: bool | None = may("Whether the name is assumed.", "false")


@strawberry.input(description="A new author.")
class CreateAuthorInput(AuthorFields):
    name: str = must("The name.", '"Jane Doe"')


@strawberry.input(description="A change of an author.")
class UpdateAuthorInput(AuthorFields):
    id: strawberry.ID = must("Who: slug or id.", '"jane-doe"')
    name: str | None = may("The name.", '"Jane Doe"')


@strawberry.input(description="A new story.")
class CreateStoryInput(Write):
    title: str = must("What it is called.", '"North Korea and Russia"')
    slug: str | None = may("Its short name; made of the title unless told.", '"north-korea-russia"')
    description: str | None = may("What it is about.", '"Troops, arms and treaties"')


@strawberry.input(description="A change of a story.")
class UpdateStoryInput(Write):
    id: strawberry.ID = must("Which: slug or id.", '"north-korea-russia"')
    title: str | None = may("What it is called.", '"North Korea and Russia"')
    slug: str | None = may("Its short name.", '"north-korea-russia"')
    description: str | None = may("What it is about.", '"Troops, arms and treaties"')


@strawberry.input(description="An article in a collection.")
class CollectionItemInput:
    article: strawberry.ID = must("The article.", '"art_90817263545"')
    pinned_until: DateTime | None = may("Until when it stays on top.", '"2026-07-01T00:00:00Z"')
    headline: str | None = may("A headline for this place.", '"Kim weeps"')
    media: strawberry.ID | None = may("A picture for this place.", '"med_5544332211"')


@strawberry.input(description="What is said of a collection.")
class CollectionFields(Write):
    slug: str | None = may("Its short name; made of the title unless told.", '"front-page"')
    description: str | None = may("What it is for.", '"The top of the home page"')
    max_items: int | None = may("How many it holds.", "12")
    items: list[CollectionItemInput] | None = may("Its articles, in order.", '[{article: "art_1"}]')


@strawberry.input(description="A new collection.")
class CreateCollectionInput(CollectionFields):
    title: str = must("What it is called.", '"Front page"')


@strawberry.input(description="A change of a collection; `items` is its whole list in its new order.")
class UpdateCollectionInput(CollectionFields):
    id: strawberry.ID = must("Which: slug or id.", '"front-page"')
    title: str | None = may("What it is called.", '"Front page"')


@strawberry.input(description="Pinning an article to the top of a collection.")
class PinArticleInput(Edit):
    article: strawberry.ID = must("The article.", '"art_90817263545"')
    position: int | None = may("Its place, from 0.", "0")
    until: DateTime | None = may("Until when; for good unless told.", '"2026-07-01T00:00:00Z"')


# Tokens


@strawberry.input(description="A new token.")
class CreateTokenInput(Write):
    name: str = must("Whom or what it is for.", '"Jane Doe"')
    role: Role = must("What its holder is.", "EDITOR")
    account: str | None = may("Whose work is done with it; made of the name unless told.", '"jane-doe"')
    scopes: list[Ability] | None = may("Only these of the role's abilities.", "[SEE_ALL]")
    expires_at: DateTime | None = may("When it ends.", '"2027-01-01T00:00:00Z"')
