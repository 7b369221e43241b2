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


@strawberry.input(description="Passage of the text that an attribution refers to.")
class SpanInput:
    block_id: str | None = optional(
        "Id of the block; by default the block that contains `exact`.", '"blk_4f2a"'
    )
    exact: str | None = optional("Text of the passage.", '"According to the broadcast"')
    start: int | None = optional("Offset of the passage, if `exact` occurs more than once in the block.", "0")
    end: int | None = optional("Offset after the last character of the passage.", "26")


@strawberry.input(description="Fields of one hop of an attribution.")
class AttributionFields:
    claim: str | None = optional(
        "Claim in the words of the article.", '"Russia may be preparing an offensive"'
    )
    quote: str | None = optional("Literal quotation of the source.", '"We are ready"')
    stance: Stance | None = optional("Stance of the source towards the claim.", "ASSERTS")
    said_on: Date | None = optional("Date on which the statement was made.", '"2026-06-17"')
    url: str | None = optional("URL of the statement.", '"https://news.sky.com/story/…"')
    accessed_at: DateTime | None = optional("Time at which the URL was accessed.", '"2026-07-01T05:00:00Z"')
    archived_url: str | None = optional("URL of an archived copy.", '"https://archive.example.org/…"')
    media: strawberry.ID | None = optional(
        "Picture or footage that the attribution refers to.", '"med_5544332211"'
    )
    span: SpanInput | None = optional(
        "Passage of the article that contains the attribution.", '{exact: "According to Sky News"}'
    )
    verification: Verification | None = optional("Result of the verification.", "VERIFIED")
    verification_note: str | None = optional(
        "How the claim was verified.", '"Compared with satellite images"'
    )


@strawberry.input(description="A relay: a source that passed the claim on.")
class AttributionHopInput(AttributionFields):
    kind: AttributionKind = required("How the claim was relayed.", "ACCORDING_TO")
    source: strawberry.ID | None = optional("Source: slug or id.", '"sky-news"')
    via: AttributionHopInput | None = optional(
        "Next hop towards the reader.", '{kind: REPORTED_BY, source: "joongang"}'
    )


@strawberry.input(description="A new attribution with its chain.")
class AddAttributionInput(AttributionFields, MutationInput):
    article: strawberry.ID = required("Article of the item.", '"art_90817263545"')
    if_version: int | None = optional("Expected `version` of the article.", "3")
    kind: AttributionKind = required("How the claim is attributed.", "CITING")
    source: strawberry.ID | None = optional("Source of the claim: slug or id.", '"south-korean-intelligence"')
    via: AttributionHopInput | None = optional(
        "Relay of the claim.", '{kind: ACCORDING_TO, source: "sky-news"}'
    )
    position: int | None = optional(
        "Position among the article's attributions, from 0; by default the last.", "0"
    )


@strawberry.input(description="Update of an attribution; its state becomes EDITED.")
class UpdateAttributionInput(AttributionFields, ArticleTransitionInput):
    kind: AttributionKind | None = optional("How the claim is attributed.", "CITING")
    source: strawberry.ID | None = optional("Source of the claim: slug or id.", '"south-korean-intelligence"')
    via: AttributionHopInput | None = optional(
        "New chain from this hop to the reader; replaces the former one.",
        '{kind: ACCORDING_TO, source: "sky-news"}',
    )


@strawberry.input(description="Order of an article's attributions.")
class ReorderAttributionsInput(ArticleTransitionInput):
    attributions: list[strawberry.ID] = required(
        "Ids of all attributions, in the new order.", '["att_2", "att_1"]'
    )
