"""Payloads of mutations."""

from __future__ import annotations

from typing import Any

import strawberry

from contentql.editorial.user_errors import UserErrorCode
from contentql.planner.field_plans import PayloadObject, PayloadValue
from contentql.schema.administration import Token
from contentql.schema.content import (
    Article,
    Attribution,
    Author,
    Category,
    Collection,
    Correction,
    Media,
    Source,
    Story,
    Tag,
)
from contentql.schema.fields import envelope_field
from contentql.schema.scalars import DateTime

strawberry.enum(UserErrorCode, name="UserErrorCode", description="Reason for which a mutation was rejected.")


@strawberry.type(name="UserError", description="Why nothing was changed, in plain words.")
class UserErrorType:
    code: UserErrorCode = envelope_field("What kind of mistake it is; never changes.", "REQUIRED")
    message: str = envelope_field("What is amiss, for people.", '"It stands in no section."')
    field: list[str] | None = envelope_field("Where in the input.", '["category"]')
    hint: str | None = envelope_field("How to go on.", "\"'kim-weeps-2' is free.\"")


_AS_YOU_SEE = "It, as you see it now; null if nothing was changed."


_ERRORS = "Why nothing was changed; empty when it was done."


def _payload_object(description: str, also: str = "") -> Any:
    return strawberry.field(description=description, metadata={"plan": PayloadObject(also)})


def _payload_value(description: str, example: str) -> Any:
    return strawberry.field(
        description=f"{description} Example: `{example}`.", metadata={"plan": PayloadValue()}
    )


def _errors() -> Any:
    return envelope_field(_ERRORS, "[]")


@strawberry.type(description="What became of an article.")
class ArticlePayload:
    article: Article | None = _payload_object("The article as you see it now; null if nothing was changed.")
    user_errors: list[UserErrorType] = _errors()


@strawberry.type(description="What became of a correction.")
class CorrectArticlePayload:
    article: Article | None = _payload_object("The article as you see it now; null if nothing was changed.")
    correction: Correction | None = _payload_object("The correction.", "correction")
    user_errors: list[UserErrorType] = _errors()


@strawberry.type(description="What became of an attribution.")
class AttributionPayload:
    attribution: Attribution | None = _payload_object("The attribution as you see it now.")
    article: Article | None = _payload_object("The article that it is part of.", "article")
    user_errors: list[UserErrorType] = _errors()


@strawberry.type(description="What became of something deleted.")
class DeletionPayload:
    deleted_id: strawberry.ID | None = _payload_value(
        "The id of what is gone; null if nothing was.", '"art_90817263545"'
    )
    user_errors: list[UserErrorType] = _errors()


@strawberry.type(description="A link for people without a token.")
class PreviewLinkPayload:
    url: str | None = _payload_value("The address to give away.", '"https://example.org/preview/cqlp_…"')
    token: str | None = _payload_value("The same for a client: `Authorization: Bearer …`.", '"cqlp_…"')
    expires_at: DateTime | None = _payload_value("When it ends.", '"2026-07-03T00:00:00Z"')
    user_errors: list[UserErrorType] = _errors()


@strawberry.type(description="What became of a token.")
class TokenPayload:
    token: Token | None = _payload_object("The token.")
    secret: str | None = _payload_value("What its holder sends. It is told now, and never again.", '"cql_…"')
    user_errors: list[UserErrorType] = _errors()


@strawberry.type(description="What became of a section.")
class CategoryPayload:
    category: Category | None = _payload_object(_AS_YOU_SEE)
    user_errors: list[UserErrorType] = _errors()


@strawberry.type(description="What became of a media file.")
class MediaPayload:
    media: Media | None = _payload_object(_AS_YOU_SEE)
    user_errors: list[UserErrorType] = _errors()


@strawberry.type(description="What became of a source.")
class SourcePayload:
    source: Source | None = _payload_object(_AS_YOU_SEE)
    user_errors: list[UserErrorType] = _errors()


@strawberry.type(description="What became of a tag.")
class TagPayload:
    tag: Tag | None = _payload_object(_AS_YOU_SEE)
    user_errors: list[UserErrorType] = _errors()


@strawberry.type(description="What became of an author.")
class AuthorPayload:
    author: Author | None = _payload_object(_AS_YOU_SEE)
    user_errors: list[UserErrorType] = _errors()


@strawberry.type(description="What became of a story.")
class StoryPayload:
    story: Story | None = _payload_object(_AS_YOU_SEE)
    user_errors: list[UserErrorType] = _errors()


@strawberry.type(description="What became of a collection.")
class CollectionPayload:
    collection: Collection | None = _payload_object(_AS_YOU_SEE)
    user_errors: list[UserErrorType] = _errors()
