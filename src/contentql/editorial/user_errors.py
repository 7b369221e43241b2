"""What an editor did that cannot be carried out: a code, a sentence, the field, and how to go on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class UserErrorCode(StrEnum):
    REQUIRED = "REQUIRED"
    INVALID = "INVALID"
    TOO_LONG = "TOO_LONG"
    UNSAFE = "UNSAFE"
    NOT_FOUND = "NOT_FOUND"
    WRONG_KIND = "WRONG_KIND"
    NOT_YOURS = "NOT_YOURS"
    TAKEN = "TAKEN"
    IN_USE = "IN_USE"
    CONFLICT = "CONFLICT"
    ILLEGAL_MOVE = "ILLEGAL_MOVE"
    EMBARGOED = "EMBARGOED"
    TIME_ORDER = "TIME_ORDER"
    CHAIN = "CHAIN"
    KEY_REUSED = "KEY_REUSED"


USER_ERROR_DESCRIPTIONS: Final[Mapping[UserErrorCode, str]] = {
    UserErrorCode.REQUIRED: "Something that must be there is missing.",
    UserErrorCode.INVALID: "The value is not what the field takes.",
    UserErrorCode.TOO_LONG: "The value is longer, or there are more of them, than the field takes.",
    UserErrorCode.UNSAFE: "The text holds what could harm its readers: scripts, handlers, active content.",
    UserErrorCode.NOT_FOUND: "There is no such thing that you may see.",
    UserErrorCode.WRONG_KIND: "The id names another kind of thing.",
    UserErrorCode.NOT_YOURS: "It is somebody else's, and your role changes only its own.",
    UserErrorCode.TAKEN: "Something else has this name already.",
    UserErrorCode.IN_USE: "Something still uses it.",
    UserErrorCode.CONFLICT: "Somebody else saved it meanwhile.",
    UserErrorCode.ILLEGAL_MOVE: "What stands where it stands cannot be moved there.",
    UserErrorCode.EMBARGOED: "An embargo is open.",
    UserErrorCode.TIME_ORDER: "Two times are the wrong way round, or one has passed.",
    UserErrorCode.CHAIN: "A chain of sources comes back to itself, or is too long.",
    UserErrorCode.KEY_REUSED: "The idempotency key belongs to another request.",
}


@dataclass(frozen=True)
class UserError:
    """`field` is the path within the input, in the API's words."""

    code: UserErrorCode
    message: str
    field: tuple[str, ...] = ()
    hint: str | None = None


class UserErrors(Exception):
    """Nothing is changed, and these are the reasons: all of them at once, never the first only."""

    def __init__(self, *errors: UserError) -> None:
        super().__init__("; ".join(error.message for error in errors))
        self.errors = errors


def user_error(
    code: UserErrorCode, message: str, field: str | Sequence[str] = (), hint: str | None = None
) -> UserErrors:
    path = tuple(field.split(".")) if isinstance(field, str) and field else tuple(field)
    return UserErrors(UserError(code, message, path, hint))
