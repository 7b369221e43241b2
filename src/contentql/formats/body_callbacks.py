"""What parsers of bodies ask of their caller: media of references and addresses, and warnings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from contentql.content import ids
from contentql.content.enums import MediaKind
from contentql.content.warnings import WarningCode


@dataclass(frozen=True)
class ExternalMedia:
    """A picture, video or audio recording on the web."""

    url: str
    kind: MediaKind
    alt: str | None = None


def parse_media_reference(name: str) -> int | None:
    """Decodes a media id: `med_123`, or `123` as in rendered HTML."""
    result = ids.decode_id(name if name.startswith("med_") else f"med_{name}")
    return result[1] or None if result and result[0] == "media" else None


def _no_media(media: ExternalMedia) -> int | None:
    return None


def _unchanged(address: str) -> str:
    return address


def _ignore(code: WarningCode, message: str, place: str) -> None:
    pass


@dataclass(frozen=True)
class BodyCallbacks:
    """`media` returns the media id of a reference in the body, `external` that of media at an address, both
    None if there is none. `warn` is called for everything that no block can hold, with the place: the
    address or the words. `resolve` makes a relative address absolute.

    `lenient`: active content, such as scripts, is left out with a warning instead of being refused. For
    imports, which cannot be corrected while they run.
    """

    media: Callable[[str], int | None] = parse_media_reference
    external: Callable[[ExternalMedia], int | None] = _no_media
    warn: Callable[[WarningCode, str, str], None] = _ignore
    resolve: Callable[[str], str] = _unchanged
    lenient: bool = False
