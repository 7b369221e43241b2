"""Texts that say who made a picture."""

from __future__ import annotations

import re
from typing import Final

_CREDIT: Final = re.compile(
    r"(?:photo(?:graph)?s?|foto|picture|image|bild|credit|courtesy|source|quelle|crédits?)\b.{0,150}"
    r"|[©(].{0,150}|[^./]{2,60}/[^./]{2,60}"
    r"|.{0,60}\b(?:getty images|reuters|afp|ap photo|shutterstock|unsplash)\b.{0,60}",
    re.IGNORECASE,
)


def is_credit(text: str) -> bool:
    """Whether a text is a credit as a whole, such as `Photo: Jane Doe`, `© Heron News` or `Name/Agency`."""
    return _CREDIT.fullmatch(text) is not None
