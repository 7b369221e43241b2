"""Warnings: what of an input was dropped, changed or guessed, although the mutation succeeded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class WarningCode(StrEnum):
    DROPPED = "DROPPED"
    CHANGED = "CHANGED"
    GUESSED = "GUESSED"


WARNING_DESCRIPTIONS: Final[Mapping[WarningCode, str]] = {
    WarningCode.DROPPED: "A part of the input is not in the result.",
    WarningCode.CHANGED: "A part of the input is in the result in another form, or changed another object.",
    WarningCode.GUESSED: "A value was missing in the input and was derived.",
}


@dataclass(frozen=True)
class Warning:
    """What happened to a part of an input; `field` is its path in API names, `place` where in the value."""

    code: WarningCode
    message: str
    field: tuple[str, ...] = ()
    place: str | None = None
