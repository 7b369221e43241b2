"""Slugs, and paths of sections: types of fields, and the stored form, Unicode NFC, not percent-encoded."""

from __future__ import annotations

import unicodedata
from typing import Annotated, TypeAlias
from urllib.parse import unquote

from pydantic import AfterValidator, StringConstraints

from contentql.content.derive import MAX_SECTION_DEPTH
from contentql.content.enums import TagType


def normalize_slug(text: str) -> str:
    """Returns the stored form of a slug or path as it may stand in a URL: percent-encoded, or in NFD.

    No slug contains a percent sign, so decoding is unambiguous. Bytes that are no UTF-8, and NUL, become
    U+FFFD; a percent sign that begins no escape sequence stays.
    """
    if "%" in text:
        text = unquote(text, errors="replace").replace("\0", "\ufffd")
    return unicodedata.normalize("NFC", text)


_NFC = AfterValidator(normalize_slug)
Slug: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[^\s/:?#%]+$", max_length=160), _NFC]
ArticleSlug: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[^\s/:?#%]+$", max_length=200), _NFC]
Path: TypeAlias = Annotated[
    str,
    StringConstraints(
        pattern=rf"^[^\s/:?#%]{{1,120}}(/[^\s/:?#%]{{1,120}}){{0,{MAX_SECTION_DEPTH}}}$", max_length=1000
    ),
    _NFC,
]
TagKey: TypeAlias = Annotated[
    str, StringConstraints(pattern=rf"^({'|'.join(TagType)}):[^\s/:?#%]+$", max_length=180), _NFC
]
