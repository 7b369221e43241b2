"""What an editor did that cannot be carried out: a code, a sentence, the field, and how to go on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Code(StrEnum):
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


MEANING: Final[Mapping[Code, str]] = {
    Code.REQUIRED: "Something that must be there is missing.",
    Code.INVALID: "The value is not what the field takes.",
    Code.TOO_LONG: "The value is longer, or there are more of them, than the field takes.",
    Code.UNSAFE: "The text holds what could harm its readers: scripts, handlers, active content.",
    Code.NOT_FOUND: "There is no such thing that you may see.",
    Code.WRONG_KIND: "The id names another kind of thing.",
    Code.NOT_YOURS: "It is somebody else's, and your role changes only its own.",
    Code.TAKEN: "Something else has this name already.",
    Code.IN_USE: "Something still uses it.",
    Code.CONFLICT: "Somebody else saved it meanwhile.",
    Code.ILLEGAL_MOVE: "What stands where it stands cannot be moved there.",
    Code.EMBARGOED: "An embargo is open.",
    Code.TIME_ORDER: "Two times are the wrong way round, or one has passed.",
    Code.CHAIN: "A chain of sources comes back to itself, or is too long.",
    Code.KEY_REUSED: "The idempotency key belongs to another request.",
}


@dataclass(frozen=True)
class UserError:
    """`field` is the path within the input, in the API's words."""

    code: Code
    message: str
    field: tuple[str, ...] = ()
    hint: str | None = None


class Amiss(Exception):
    """Nothing is changed, and these are the reasons: all of them at once, never the first only."""

    def __init__(self, *errors: UserError) -> None:
        super().__init__("; ".join(error.message for error in errors))
        self.errors = errors


def amiss(code: Code, message: str, field: str | Sequence[str] = (), hint: str | None = None) -> Amiss:
    path = tuple(field.split(".")) if isinstance(field, str) and field else tuple(field)
    return Amiss(UserError(code, message, path, hint))
