"""Attributions and their chains."""

from __future__ import annotations

import strawberry

from contentql.content.enums import (
    AttributionKind,
    Stance,
    Verification,
)
from contentql.schema.inputs.base import ArticleTransitionInput, MutationInput, optional, required
from contentql.schema.scalars import Date, DateTime


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
