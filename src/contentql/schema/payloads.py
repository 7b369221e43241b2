"""Payloads of mutations."""

from __future__ import annotations

from typing import Any

import strawberry

from contentql.editorial.user_errors import UserErrorCode
from contentql.editorial.warnings import WarningCode
from contentql.planner.field_plans import PayloadObject, PayloadValue
from contentql.schema.administration import Token
from contentql.schema.article_parts import Correction
from contentql.schema.collections import Collection
from contentql.schema.content import Article, Attribution, Author, Category, Media, Source, Story, Tag
from contentql.schema.fields import envelope_field
from contentql.schema.live_entries import LiveEntry
from contentql.schema.scalars import DateTime
from contentql.schema.site import Redirect
from contentql.schema.webhooks import Webhook

strawberry.enum(UserErrorCode, name="UserErrorCode", description="Reason for which a mutation was rejected.")
strawberry.enum(WarningCode, name="WarningCode", description="What happened to a part of an input.")


@strawberry.type(name="UserError", description="Reason for which a mutation changed nothing.")
class UserErrorType:
    code: UserErrorCode = envelope_field("Stable code of the error.", "REQUIRED")
    message: str = envelope_field("Description of the error for editors.", '"The article has no section."')
    field: list[str] | None = envelope_field(
        "Path of the input field; null if the error is not about one field.", '["category"]'
    )
    hint: str | None = envelope_field(
        "Suggestion for the next step; null if there is none.", "\"'kim-weeps-2' is free.\""
    )


@strawberry.type(
    name="Warning", description="What was dropped, changed or guessed of the input of a successful mutation."
)
class WarningType:
    code: WarningCode = envelope_field("Stable code of the warning.", "DROPPED")
    message: str = envelope_field(
        "Description of the change for editors.", '"The picture has no address and was left out."'
    )
    field: list[str] | None = envelope_field(
        "Path of the input field; null if the warning is not about one field.", '["body", "html"]'
    )
    place: str | None = envelope_field(
        "Place within the value of the field; null if the warning is about the whole value.",
        '"line 12"',
    )


_CHANGED_OBJECT = "The changed object; null if `userErrors` is not empty."


_ERRORS = "Errors that an editor can correct; empty if the mutation succeeded."


def _payload_object(description: str, also: str = "") -> Any:
    return strawberry.field(description=description, metadata={"plan": PayloadObject(also)})


def _payload_value(description: str, example: str) -> Any:
    return strawberry.field(
        description=f"{description} Example: `{example}`.", metadata={"plan": PayloadValue()}
    )


def _errors() -> Any:
    return envelope_field(_ERRORS, "[]")


def _warnings() -> Any:
    return envelope_field(
        "What was dropped, changed or guessed of the input; empty if all of it was kept as it is.", "[]"
    )


@strawberry.type(description="Result of a mutation of an article.")
class ArticlePayload:
    article: Article | None = _payload_object("The changed article; null if `userErrors` is not empty.")
    user_errors: list[UserErrorType] = _errors()
    warnings: list[WarningType] = _warnings()


@strawberry.type(description="Result of a correction.")
class CorrectArticlePayload:
    article: Article | None = _payload_object("The changed article; null if `userErrors` is not empty.")
    correction: Correction | None = _payload_object(
        "The new correction; null if `userErrors` is not empty.", "correction"
    )
    user_errors: list[UserErrorType] = _errors()
    warnings: list[WarningType] = _warnings()


@strawberry.type(description="Result of a mutation of an attribution.")
class AttributionPayload:
    attribution: Attribution | None = _payload_object(
        "The changed attribution; null if `userErrors` is not empty."
    )
    article: Article | None = _payload_object(
        "Article that contains the attribution; null if `userErrors` is not empty.", "article"
    )
    user_errors: list[UserErrorType] = _errors()
    warnings: list[WarningType] = _warnings()


@strawberry.type(description="Result of a mutation of an entry of a live blog.")
class LiveEntryPayload:
    live_entry: LiveEntry | None = _payload_object(_CHANGED_OBJECT)
    article: Article | None = _payload_object(
        "Article with the live blog; null if `userErrors` is not empty.", "article"
    )
    user_errors: list[UserErrorType] = _errors()
    warnings: list[WarningType] = _warnings()


@strawberry.type(description="Result of a deletion.")
class DeletionPayload:
    deleted_id: strawberry.ID | None = _payload_value(
        "Global id of the deleted object; null if `userErrors` is not empty.", '"art_90817263545"'
    )
    user_errors: list[UserErrorType] = _errors()
    warnings: list[WarningType] = _warnings()


@strawberry.type(description="Result of a mutation of a redirect.")
class RedirectPayload:
    redirect: Redirect | None = _payload_object(_CHANGED_OBJECT)
    user_errors: list[UserErrorType] = _errors()
    warnings: list[WarningType] = _warnings()


@strawberry.type(description="A preview link for readers without a token.")
class PreviewLinkPayload:
    link_id: strawberry.ID | None = _payload_value(
        "Id of the link, to revoke it; null if `userErrors` is not empty.", '"prv_6677889900"'
    )
    url: str | None = _payload_value(
        "URL of the preview; null if `userErrors` is not empty and for a revoked link.",
        '"https://example.org/preview/cqlp_…"',
    )
    token: str | None = _payload_value(
        "Preview token for clients, to be sent as `Authorization: Bearer …`; null if `userErrors`"
        " is not empty and for a revoked link.",
        '"cqlp_…"',
    )
    expires_at: DateTime | None = _payload_value(
        "Time at which the link expires; null if `userErrors` is not empty.", '"2026-07-03T00:00:00Z"'
    )
    revoked_at: DateTime | None = _payload_value(
        "Time at which the link was revoked; null if active.", "null"
    )
    user_errors: list[UserErrorType] = _errors()
    warnings: list[WarningType] = _warnings()


@strawberry.type(description="Result of a mutation of a token.")
class TokenPayload:
    token: Token | None = _payload_object("The token; null if `userErrors` is not empty.")
    secret: str | None = _payload_value(
        "Secret to be sent as bearer token. Returned only once, by the mutation that creates the token.",
        '"cql_…"',
    )
    user_errors: list[UserErrorType] = _errors()
    warnings: list[WarningType] = _warnings()


@strawberry.type(description="Result of a mutation of a webhook.")
class WebhookPayload:
    webhook: Webhook | None = _payload_object("The webhook; null if `userErrors` is not empty.")
    user_errors: list[UserErrorType] = _errors()
    warnings: list[WarningType] = _warnings()


@strawberry.type(description="Result of a mutation that gives a webhook a secret.")
class WebhookSecretPayload:
    webhook: Webhook | None = _payload_object("The webhook; null if `userErrors` is not empty.")
    secret: str | None = _payload_value(
        "Secret by which the receiver verifies the signatures. Returned only once.", '"whsec_…"'
    )
    user_errors: list[UserErrorType] = _errors()
    warnings: list[WarningType] = _warnings()


@strawberry.type(description="Result of a replay of deliveries.")
class ReplayPayload:
    webhook: Webhook | None = _payload_object("The webhook; null if `userErrors` is not empty.")
    replayed: int | None = _payload_value(
        "Number of deliveries that were queued again; null if `userErrors` is not empty.", "3"
    )
    user_errors: list[UserErrorType] = _errors()
    warnings: list[WarningType] = _warnings()


@strawberry.type(description="Result of a mutation of a section.")
class CategoryPayload:
    category: Category | None = _payload_object(_CHANGED_OBJECT)
    user_errors: list[UserErrorType] = _errors()
    warnings: list[WarningType] = _warnings()


@strawberry.type(description="Result of a mutation of a media file.")
class MediaPayload:
    media: Media | None = _payload_object(_CHANGED_OBJECT)
    user_errors: list[UserErrorType] = _errors()
    warnings: list[WarningType] = _warnings()


@strawberry.type(description="Result of a mutation of a source.")
class SourcePayload:
    source: Source | None = _payload_object(_CHANGED_OBJECT)
    user_errors: list[UserErrorType] = _errors()
    warnings: list[WarningType] = _warnings()


@strawberry.type(description="Result of a mutation of a tag.")
class TagPayload:
    tag: Tag | None = _payload_object(_CHANGED_OBJECT)
    user_errors: list[UserErrorType] = _errors()
    warnings: list[WarningType] = _warnings()


@strawberry.type(description="Result of a mutation of an author.")
class AuthorPayload:
    author: Author | None = _payload_object(_CHANGED_OBJECT)
    user_errors: list[UserErrorType] = _errors()
    warnings: list[WarningType] = _warnings()


@strawberry.type(description="Result of a mutation of a story.")
class StoryPayload:
    story: Story | None = _payload_object(_CHANGED_OBJECT)
    user_errors: list[UserErrorType] = _errors()
    warnings: list[WarningType] = _warnings()


@strawberry.type(description="Result of a mutation of a collection.")
class CollectionPayload:
    collection: Collection | None = _payload_object(_CHANGED_OBJECT)
    surplus_article_ids: list[strawberry.ID] | None = _payload_value(
        "Global ids of the articles beyond `maxItems`: those that readers do not see, or will no longer see"
        " when the unpublished articles before them are published. Null if `userErrors` is not empty.",
        '["art_90817263545"]',
    )
    user_errors: list[UserErrorType] = _errors()
    warnings: list[WarningType] = _warnings()
