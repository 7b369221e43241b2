"""Fields that inputs of mutations share."""

from __future__ import annotations

from typing import Any

import strawberry


def optional(description: str, example: str) -> Any:
    """An input field that may be omitted."""
    return strawberry.field(description=f"{description} Example: `{example}`.", default=strawberry.UNSET)


def required(description: str, example: str) -> Any:
    return strawberry.field(description=f"{description} Example: `{example}`.")


@strawberry.input(description="Fields that the inputs of all mutations have.")
class MutationInput:
    validate_only: bool | None = optional(
        "Dry run: validates the input and returns the result without saving anything.", "true"
    )
    idempotency_key: str | None = optional(
        "Idempotency key chosen by the client. Within 24 hours, the same input with the same key is"
        " executed once and returns the same result.",
        '"7c2f5a1e"',
    )
    reason: str | None = optional(
        "Reason for the change, for the revision and the audit log.", '"Spelling of a name"'
    )


@strawberry.input(description="Fields that the inputs of all updates have.")
class UpdateInput(MutationInput):
    id: strawberry.ID = required("Global id of the object to change.", '"art_90817263545"')


@strawberry.input(description="Change of an article.")
class ArticleTransitionInput(UpdateInput):
    if_version: int | None = optional(
        "Expected `version` of the article; the mutation fails with VERSION_CONFLICT if the article"
        " has another one.",
        "3",
    )
