"""Media records for pictures, videos and audio recordings that a body shows by their address on the web.

The record has the address and nothing else: no file is read during a request.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from contentql.content.blocks import Block
from contentql.content.ids import encode_id
from contentql.content.media_placeholders import FIRST_PLACEHOLDER, with_media
from contentql.content.media_types import EXECUTABLE_MEDIA_TYPE, media_type_of_kind
from contentql.content.records import MediaRecord
from contentql.editorial.context import EditContext
from contentql.editorial.rows import save_row
from contentql.editorial.warnings import WarningCode
from contentql.formats.body_callbacks import ExternalMedia
from contentql.store.models.taxonomy import Media

MAX_EXTERNAL_MEDIA: Final = 500


class ExternalMediaCollector:
    """Collects the media of a body while it is parsed; blocks refer to them by placeholders."""

    def __init__(self) -> None:
        self.media: dict[str, ExternalMedia] = {}

    def add(self, media: ExternalMedia) -> int | None:
        """The placeholder of a media file; None for files that can run code, and for too many of them."""
        if (
            EXECUTABLE_MEDIA_TYPE.match(media_type_of_kind(media.url, media.kind))
            or len(self.media) >= MAX_EXTERNAL_MEDIA
        ):
            return None
        self.media.setdefault(media.url, media)
        return FIRST_PLACEHOLDER + list(self.media).index(media.url)

    async def create(self, context: EditContext, body: Sequence[Block], field: str) -> tuple[Block, ...]:
        """Returns the blocks with the ids of existing or new media files in place of placeholders."""
        numbers: dict[int, int] = {}
        for n, media in enumerate(self.media.values()):
            numbers[FIRST_PLACEHOLDER + n] = await _find_or_create(context, media, field)
        return tuple(with_media(block, numbers) for block in body) if numbers else tuple(body)


async def _find_or_create(context: EditContext, media: ExternalMedia, field: str) -> int:
    if existing := await Media.filter(url=media.url).first():
        return int(existing.id)
    values = {
        "kind": media.kind,
        "url": media.url,
        "mime": media_type_of_kind(media.url, media.kind),
        "alt": media.alt,
    }
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
