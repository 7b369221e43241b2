"""Placeholders: ids of media in blocks until their rows exist.

Readers of bodies and files know the address of a picture, not the id that its row will have.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from contentql.content import blocks
from contentql.content.blocks import Block

# The placeholder of the first media file of a body or import item; those of the others follow.
FIRST_PLACEHOLDER: Final = 1 << 62


def with_media(block: Block, ids: Mapping[int, int]) -> Block:
    """The block with the ids of media files in place of placeholders."""
    update: dict[str, Any] = {}
    if isinstance(block, blocks.LiveEntry):
        update["blocks"] = tuple(with_media(part, ids) for part in block.blocks)
    elif isinstance(block, blocks.Gallery):
        update["media"] = tuple(ids.get(number, number) for number in block.media)
    elif isinstance(block, blocks.Image | blocks.Video | blocks.Audio) and block.media in ids:
        update["media"] = ids[block.media]
    return block.model_copy(update=update) if update else block
