"""Fields that inputs of mutations share."""

from __future__ import annotations

from typing import Any

import strawberry


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
