"""Warnings: what of an input was dropped, changed or guessed, although it was stored."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class WarningCode(StrEnum):
    DROPPED = "DROPPED"
    CHANGED = "CHANGED"
    GUESSED = "GUESSED"


@dataclass(frozen=True)
class Warning:
    """What happened to a part of an input; `field` is its path in API names, `place` where in the value."""

    code: WarningCode
    message: str
    field: tuple[str, ...] = ()
    place: str | None = None
