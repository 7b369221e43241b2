"""Callbacks of the parsers of bodies that collect warnings."""

from __future__ import annotations

from typing import Any

from contentql.content.warnings import Warning, WarningCode
from contentql.formats.body_callbacks import BodyCallbacks


def collect_warnings(**callbacks: Any) -> tuple[list[Warning], BodyCallbacks]:
    """A list, and callbacks that append every warning to it."""
    warnings: list[Warning] = []

    def warn(code: WarningCode, message: str, place: str) -> None:
        warnings.append(Warning(code, message, place=place))

    return warnings, BodyCallbacks(**callbacks, warn=warn)
