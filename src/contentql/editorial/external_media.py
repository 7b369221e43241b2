"""Media records for pictures, videos and audio recordings that a body shows by their address on the web.

The record has the address and nothing else: no file is read during a request.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from contentql.content import blocks
from contentql.content.blocks import Block
from contentql.content.enums import MediaKind
from contentql.content.ids import encode_id
from contentql.content.records import MediaRecord
from contentql.editorial import references
from contentql.editorial.context import EditContext
from contentql.editorial.rows import save_row
from contentql.editorial.warnings import WarningCode
from contentql.formats.body_callbacks import ExternalMedia
from contentql.store.models.taxonomy import Media

MAX_EXTERNAL_MEDIA: Final = 500
_FIRST_PLACEHOLDER: Final = 1 << 62
# Of addresses that do not tell.
_DEFAULT_TYPES: Final = {
    MediaKind.IMAGE: "image/jpeg",
    MediaKind.VIDEO: "video/mp4",
    MediaKind.AUDIO: "audio/mpeg",
}


class ExternalMediaCollector:
    """Collects the media of a body while it is parsed; blocks refer to them by placeholders."""

    def __init__(self) -> None:
        self.media: dict[str, ExternalMedia] = {}

    def add(self, media: ExternalMedia) -> int | None:
        """The placeholder of a media file; None for files that can run code, and for too many of them."""
        if (
            references.EXECUTABLE_MEDIA_TYPE.match(_media_type(media))
            or len(self.media) >= MAX_EXTERNAL_MEDIA
        ):
            return None
        self.media.setdefault(media.url, media)
        return _FIRST_PLACEHOLDER + list(self.media).index(media.url)

    async def create(self, context: EditContext, body: Sequence[Block], field: str) -> tuple[Block, ...]:
        """Returns the blocks with the ids of existing or new media files in place of placeholders."""
        numbers: dict[int, int] = {}
        for n, media in enumerate(self.media.values()):
            numbers[_FIRST_PLACEHOLDER + n] = await _find_or_create(context, media, field)
        return tuple(_with_media(block, numbers) for block in body) if numbers else tuple(body)


async def _find_or_create(context: EditContext, media: ExternalMedia, field: str) -> int:
    if existing := await Media.filter(url=media.url).first():
        return int(existing.id)
    values = {"kind": media.kind, "url": media.url, "mime": _media_type(media), "alt": media.alt}
    row = await save_row(
        context, MediaRecord, Media, None, values, foreign_keys={}, defaults={"created_at": context.now}
    )
    context.warn(
        WarningCode.GUESSED,
        f"The media file {encode_id('media', row.id)} was created for {media.url[:200]}; its type is"
        f" {values['mime']}, by its name. Add its credit and licence.",
        field,
        media.url[:1_000],
    )
    return int(row.id)


def _media_type(media: ExternalMedia) -> str:
    """The media type by the name of the file, if it is one of the kind."""
    guess = references.guess_media_type(media.url) or ""
    return guess if guess.startswith(f"{media.kind.value.lower()}/") else _DEFAULT_TYPES[media.kind]


def _with_media(block: Block, numbers: Mapping[int, int]) -> Block:
    update: dict[str, Any] = {}
    if isinstance(block, blocks.LiveEntry):
        update["blocks"] = tuple(_with_media(part, numbers) for part in block.blocks)
    elif isinstance(block, blocks.Gallery):
        update["media"] = tuple(numbers.get(number, number) for number in block.media)
    elif isinstance(block, blocks.Image | blocks.Video | blocks.Audio) and block.media in numbers:
        update["media"] = numbers[block.media]
    return block.model_copy(update=update) if update else block
