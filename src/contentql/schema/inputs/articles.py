"""Articles and their workflow."""

from __future__ import annotations

import strawberry

from contentql.content.enums import (
    Access,
    AuthorRole,
    ContentType,
    CorrectionKind,
    MediaRole,
)
from contentql.schema.inputs.base import (
    ArticleTransitionInput,
    MutationInput,
    UpdateInput,
    optional,
    required,
)
from contentql.schema.inputs.body import BodyInput
from contentql.schema.scalars import DateTime


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
