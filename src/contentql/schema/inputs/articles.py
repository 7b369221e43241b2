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


@strawberry.input(description="Contribution of an author to an article.")
class CreditInput:
    author: strawberry.ID = required("Author: id or slug.", '"jane-doe"')
    role: AuthorRole | None = optional("Role of the author; WRITER by default.", "WRITER")


@strawberry.input(description="A tag of an article.")
class MentionInput:
    tag: strawberry.ID = required("Tag: id, `TYPE:slug` or slug.", '"TOPIC:north-korea"')
    relevance: int | None = optional("Relevance of the entity for the article, 0 to 100.", "80")
    confidence: int | None = optional("Confidence that the entity is meant, 0 to 100.", "95")


@strawberry.input(description="Use of a media file in an article.")
class PlacementInput:
    media: strawberry.ID = required("Which.", '"med_5544332211"')
    role: MediaRole | None = optional("Role of the media file; INLINE by default.", "INLINE")
    caption: str | None = optional("Caption for this use; by default the media file's own.", '"The ceremony"')
    alt: str | None = optional(
        "Alternative text for this use; by default the media file's own.", '"A coffin"'
    )


@strawberry.input(description="Place where an article was filed.")
class DatelineInput:
    place: str = required("Name of the place.", '"Seoul"')
    text: str | None = optional("Dateline as printed.", '"SEOUL, 30 June"')


@strawberry.input(description="Usage rights of an article.")
class RightsInput:
    syndicatable: bool | None = optional("True if other publishers may syndicate the article.", "true")
    usage_terms: str | None = optional("Terms of use.", '"With credit and link"')
    copyright_notice: str | None = optional("Copyright notice.", '"© 2026 The Newsroom"')


@strawberry.input(description="Content of an article.")
class ArticleFields(MutationInput):
    slug: str | None = optional("Short name for URLs; derived from the headline by default.", '"kim-weeps"')
    kicker: str | None = optional("Short line above the headline.", '"North Korea"')
    short_headline: str | None = optional("Short headline for cards and push notifications.", '"Kim weeps"')
    lede: str | None = optional(
        "Introductory paragraph; by default the first paragraph of the body.", '"State media…"'
    )
    summary: str | None = optional("Summary in one or two sentences.", '"Footage of Kim at a coffin aired."')
    body: BodyInput | None = optional("Body of the article in several formats.", '{markdown: "…"}')
    language: str | None = optional("Language, BCP 47; `en` by default.", '"en"')
    content_type: ContentType | None = optional("Genre; NEWS by default.", "NEWS")
    urgency: int | None = optional("Urgency from 1 (most urgent) to 9; 5 by default.", "5")
    access: Access | None = optional("Access to the full text; FREE by default.", "FREE")
    byline: str | None = optional("Byline as printed.", '"By Jane Doe in Seoul"')
    authors: list[CreditInput] | None = optional(
        "Authors with their roles, in order.", '[{author: "jane-doe"}]'
    )
    dateline: DatelineInput | None = optional("Place where the article was filed.", '{place: "Seoul"}')
    category: strawberry.ID | None = optional("Main section: path or id.", '"world/asia"')
    categories: list[strawberry.ID] | None = optional("Further sections.", '["politics"]')
    tags: list[MentionInput] | None = optional("Summary of the story.", '[{tag: "PLACE:pyongyang"}]')
    lead_media: strawberry.ID | None = optional(
        "Picture or video that opens the article.", '"med_5544332211"'
    )
    media: list[PlacementInput] | None = optional("All media of the article, in order.", '[{media: "med_1"}]')
    story: strawberry.ID | None = optional("Running story: slug or id.", '"north-korea-russia"')
    related: list[strawberry.ID] | None = optional("Related articles, in order.", '["art_1"]')
    translation_of: strawberry.ID | None = optional("Article that this one translates.", '"art_1"')
    canonical_url: str | None = optional("Canonical URL for search engines.", '"https://example.org/a"')
    canonical_elsewhere: bool | None = optional(
        "True if the canonical URL belongs to another publisher.", "false"
    )
    rights: RightsInput | None = optional("Usage rights.", "{syndicatable: false}")
    embargo_until: DateTime | None = optional(
        "Time before which the article must not be published.", '"2026-06-30T08:00:00Z"'
    )
    expires_at: DateTime | None = optional(
        "Time from which the article is no longer public.", '"2027-01-01T00:00:00Z"'
    )
    ed_note: str | None = optional("Internal note for editors; never public.", '"Call Seoul again"')


@strawberry.input(description="A new article, created as a draft.")
class CreateArticleInput(ArticleFields):
    headline: str = required("Headline.", '"Kim Jong-un Sheds a Tear"')


@strawberry.input(description="Update of an article; the changes of a published one go to a working copy.")
class UpdateArticleInput(ArticleFields):
    id: strawberry.ID = required("Which.", '"art_90817263545"')
    if_version: int | None = optional("Expected `version` of the article.", "3")
    headline: str | None = optional("Headline.", '"Kim Jong-un Sheds a Tear"')


@strawberry.input(description="Scheduling of a publication.")
class ScheduleArticleInput(ArticleTransitionInput):
    publish_at: DateTime = required("Time of the publication, to the second.", '"2026-06-30T14:00:00Z"')
    minor: bool | None = optional(
        "True for a minor change of a published article: `updatedAt` is not changed.", "true"
    )


@strawberry.input(description="Cancellation of a scheduled change.")
class CancelScheduledChangeInput(MutationInput):
    id: strawberry.ID = required("Global id of the scheduled change.", '"sch_6677889900"')


@strawberry.input(description="Publication of an article, or of its changes.")
class PublishArticleInput(ArticleTransitionInput):
    minor: bool | None = optional("True for a minor change: `updatedAt` is not changed.", "true")
    published_at: DateTime | None = optional(
        "Time of an earlier publication elsewhere; by default the current time.", '"2025-06-30T08:00:00Z"'
    )


@strawberry.input(description="Withdrawal of an article.")
class WithdrawArticleInput(ArticleTransitionInput):
    notice: str = required("Public notice in place of the article.", '"This report was wrong."')


@strawberry.input(description="Change of the notice of a withdrawn article.")
class UpdateWithdrawalInput(ArticleTransitionInput):
    notice: str | None = optional("New notice; null removes it.", '"This report was wrong."')


@strawberry.input(description="Change of the owner of an article.")
class ChangeOwnerInput(ArticleTransitionInput):
    owner: str = required("Account that becomes the owner.", '"jane-doe"')


@strawberry.input(description="Change of a public correction.")
class UpdateCorrectionInput(ArticleTransitionInput):
    kind: CorrectionKind | None = optional("Kind of correction.", "CLARIFICATION")
    text: str | None = optional("Explanation for readers.", '"The treaty was signed in 2024."')


@strawberry.input(description="A public correction of a published article.")
class CorrectArticleInput(ArticleTransitionInput):
    kind: CorrectionKind = required("Kind of correction.", "CORRECTION")
    text: str = required(
        "Explanation for readers: what was wrong and what is right.", '"The treaty was signed in 2024."'
    )
    block: str | None = optional("Id of the block to correct.", '"blk_4f2a"')
    before: str | None = optional("Text to replace, as it stands in the article.", '"in 2023"')
    after: str | None = optional("Replacement text.", '"in 2024"')


@strawberry.input(description="Restoration of an earlier version of an article.")
class RestoreRevisionInput(ArticleTransitionInput):
    version: int = required("Version number to restore.", "2")


@strawberry.input(description="A preview link for readers without a token.")
class CreatePreviewLinkInput(UpdateInput):
    expires_at: DateTime | None = optional(
        "Time at which the link expires; by default after three days, at most after thirty, and not"
        " after the requesting token.",
        '"2026-07-03T00:00:00Z"',
    )
