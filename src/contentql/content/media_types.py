"""Media types of files by their names, and the types that can run code in a browser."""

from __future__ import annotations

import mimetypes
import re
from collections.abc import Mapping
from typing import Final

from contentql.content.enums import MediaKind

# Media types of files that can run code in a browser.
EXECUTABLE_MEDIA_TYPE: Final = re.compile(
    r"image/svg|text/html|text/xml|application/(xml|xhtml)|\w+/[\w.-]*(java|ecma)script", re.IGNORECASE
)
# Of addresses that do not tell.
_DEFAULT_TYPES: Final[Mapping[MediaKind, str]] = {
    MediaKind.IMAGE: "image/jpeg",
    MediaKind.VIDEO: "video/mp4",
    MediaKind.AUDIO: "audio/mpeg",
    MediaKind.DOCUMENT: "application/octet-stream",
}


def guess_media_type(url: str) -> str | None:
    """The media type by the ending of the path of a URL, None if it does not tell."""
    return mimetypes.guess_type(url.partition("?")[0])[0]


def media_type_of_kind(url: str, kind: MediaKind) -> str:
    """The media type by the name of the file, if it is one of the kind, else the most common one."""
    guess = guess_media_type(url) or ""
    is_of_kind = kind is MediaKind.DOCUMENT or guess.startswith(f"{kind.value.lower()}/")
    return guess if guess and is_of_kind else _DEFAULT_TYPES[kind]


def kind_of_media_type(mime: str) -> MediaKind | None:
    """The kind of media of a type such as `image/png`, None for types that are no media."""
    return {
        "image": MediaKind.IMAGE,
        "video": MediaKind.VIDEO,
        "audio": MediaKind.AUDIO,
        "application": MediaKind.DOCUMENT,
    }.get(mime.partition("/")[0].strip().lower())
