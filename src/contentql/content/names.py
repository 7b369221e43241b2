"""Conversions between the naming styles of GraphQL and Python."""

from __future__ import annotations

import re


def to_snake(name: str) -> str:
    return re.sub(r"(?<!^)([A-Z])", r"_\1", name).lower()
