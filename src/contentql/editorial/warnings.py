"""Warnings of mutations: their codes, as described in the schema."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from contentql.content.warnings import Warning, WarningCode

__all__ = ["WARNING_DESCRIPTIONS", "Warning", "WarningCode"]

WARNING_DESCRIPTIONS: Final[Mapping[WarningCode, str]] = {
    WarningCode.DROPPED: "A part of the input is not in the result.",
    WarningCode.CHANGED: "A part of the input is in the result in another form, or changed another object.",
    WarningCode.GUESSED: "A value was missing in the input and was derived.",
}
