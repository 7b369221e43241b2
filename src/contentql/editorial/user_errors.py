"""User errors: what an editor can correct, with a code, a sentence, the field and a hint."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final

from contentql.content.enums import Status


class UserErrorCode(StrEnum):
    REQUIRED = "REQUIRED"
    INVALID = "INVALID"
    TOO_LONG = "TOO_LONG"
    UNSAFE_CONTENT = "UNSAFE_CONTENT"
    NOT_FOUND = "NOT_FOUND"
    WRONG_TYPE = "WRONG_TYPE"
    NOT_OWNER = "NOT_OWNER"
    NOT_PERMITTED = "NOT_PERMITTED"
    TAKEN = "TAKEN"
    IN_USE = "IN_USE"
    VERSION_CONFLICT = "VERSION_CONFLICT"
    INVALID_TRANSITION = "INVALID_TRANSITION"
    SECOND_PERSON_REQUIRED = "SECOND_PERSON_REQUIRED"
    EMBARGOED = "EMBARGOED"
    INVALID_TIME = "INVALID_TIME"
    LICENCE_EXPIRED = "LICENCE_EXPIRED"
    INVALID_ATTRIBUTION_CHAIN = "INVALID_ATTRIBUTION_CHAIN"
    IDEMPOTENCY_KEY_REUSED = "IDEMPOTENCY_KEY_REUSED"
    ROLLED_BACK = "ROLLED_BACK"
    NOT_EXECUTED = "NOT_EXECUTED"


USER_ERROR_DESCRIPTIONS: Final[Mapping[UserErrorCode, str]] = {
    UserErrorCode.REQUIRED: "A required value is missing.",
    UserErrorCode.INVALID: "The value is not valid for the field.",
    UserErrorCode.TOO_LONG: "The value is longer than allowed, or the list has too many items.",
    UserErrorCode.UNSAFE_CONTENT: "The text contains scripts, event handlers or active content.",
    UserErrorCode.NOT_FOUND: "The referenced object does not exist or is not visible to the viewer.",
    UserErrorCode.WRONG_TYPE: "The id belongs to an object of another type.",
    UserErrorCode.NOT_OWNER: "The article belongs to another account, and the role may change only its own.",
    UserErrorCode.NOT_PERMITTED: "The viewer's token lacks a permission that the input would pass on.",
    UserErrorCode.TAKEN: "The slug or another unique value is not available, or the list has a value twice.",
    UserErrorCode.IN_USE: "The object cannot be deleted because other objects use it.",
    UserErrorCode.VERSION_CONFLICT: "The article was changed since the version that the client has read.",
    UserErrorCode.INVALID_TRANSITION: "The article's status does not allow this transition.",
    UserErrorCode.SECOND_PERSON_REQUIRED: "A person who has not written the article must approve it.",
    UserErrorCode.EMBARGOED: "The article is under embargo.",
    UserErrorCode.INVALID_TIME: "The time is in the past, or two times are in the wrong order.",
    UserErrorCode.LICENCE_EXPIRED: "The licence of a media file has ended.",
    UserErrorCode.INVALID_ATTRIBUTION_CHAIN: "The chain of sources contains a cycle or is too long.",
    UserErrorCode.IDEMPOTENCY_KEY_REUSED: "The idempotency key was used for a different input.",
    UserErrorCode.ROLLED_BACK: "Another field of the atomic operation failed; nothing was saved.",
    UserErrorCode.NOT_EXECUTED: "Another field of the atomic operation failed first; nothing was saved.",
}


# Wording of a status in a sentence: "the article is in review".
STATUS_WORDS: Final[Mapping[Status, str]] = {
    Status.DRAFT: "a draft",
    Status.IN_REVIEW: "in review",
    Status.APPROVED: "approved",
    Status.SCHEDULED: "scheduled",
    Status.PUBLISHED: "published",
    Status.EXPIRED: "expired",
    Status.WITHDRAWN: "withdrawn",
    Status.ARCHIVED: "archived",
}


@dataclass(frozen=True)
class UserError:
    """Reason for which a mutation changed nothing; `field` is the path within the input, in API names."""

    code: UserErrorCode
    message: str
    field: tuple[str, ...] = ()
    hint: str | None = None


class UserErrors(Exception):
    """Raised when a mutation changes nothing, with all reasons that are known."""

    def __init__(self, *errors: UserError) -> None:
        super().__init__("; ".join(error.message for error in errors))
        self.errors = errors


def user_error(
    code: UserErrorCode, message: str, field: str | Sequence[str] = (), hint: str | None = None
) -> UserErrors:
    path = tuple(field.split(".")) if isinstance(field, str) and field else tuple(field)
    return UserErrors(UserError(code, message, path, hint))


class ErrorCollector:
    """Collector of user errors that are reported together."""

    def __init__(self) -> None:
        self.errors: list[UserError] = []

    async def run(self, work: Awaitable[Any], otherwise: Any = None) -> Any:
        with self.collecting():
            return await work
        return otherwise

    @contextlib.contextmanager
    def collecting(self, where: str = "") -> Iterator[None]:
        """Collects the user errors of a block below the field `where`; execution continues after it."""
        try:
            yield
        except UserErrors as exc:
            path = tuple(where.split(".")) if where else ()
            self.errors.extend(replace(error, field=(*path, *error.field)) for error in exc.errors)

    def add(self, code: UserErrorCode, message: str, field: str, hint: str | None = None) -> None:
        self.errors.extend(user_error(code, message, field, hint).errors)

    def raise_if_any(self) -> None:
        if self.errors:
            raise UserErrors(*self.errors)
