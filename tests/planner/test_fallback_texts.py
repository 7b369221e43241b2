"""`Block.fallbackText`: the text of every block, for clients that do not know its type."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from tests.conftest import Server
from tests.support.cached_newsroom import CachedNewsroom, open_cached_newsroom
from tests.support.generated_bodies import BODIES
from tests.support.graphql_client import query_data

from contentql.content import blocks
from contentql.content.blocks import Block, block_text, dump_blocks

QUERY = """
query ($known: [String!]) {
  article(id: "art_714") { body { blocks { id type fallbackText(knownTypes: $known) } } }
}
"""
# Alternative text, caption and credit of the media of generated bodies; the last one does not exist.
TEXTS = {9001: ('An "alt"', None, "Ann & Bob"), 9002: ("", "Its caption", None), 9003: (None, None, None)}


@pytest.fixture
async def newsroom(server: Server) -> AsyncIterator[CachedNewsroom]:
    template = await server.demo()
    async with open_cached_newsroom(server, template) as newsroom:
        for number, texts in list(TEXTS.items())[:2]:
            values = ", ".join("NULL" if text is None else f"'{text}'" for text in texts)
            await newsroom.write(
                "INSERT INTO media (id, kind, url, mime, alt, caption, credit, renditions, created_at)"
                f" VALUES ({number}, 'IMAGE', 'https://e.org/x', 'image/jpeg', {values}, '[]',"
                " '2026-01-01T00:00:00Z')",
                "INSERT INTO article_media (id, position, role, article_id, media_id)"
                f" VALUES ({number}, {number}, 'INLINE', 714, {number})",
            )
        yield newsroom
    await server.drop(template)


async def write_body(newsroom: CachedNewsroom, body: tuple[Block, ...]) -> None:
    stored = orjson.dumps(dump_blocks(body)).decode().replace("'", "''")
    await newsroom.write(f"UPDATE article_body SET blocks = '{stored}' WHERE article_id = 714")


async def fallback_texts(newsroom: CachedNewsroom, known: list[str] | None = None) -> list[str | None]:
    data = await query_data(newsroom.uncached_executor, QUERY, {"known": known})
    return [block["fallbackText"] for block in data["article"]["body"]["blocks"]]


def with_media(block: Block) -> Block:
    """The block with media of TEXTS."""
    present = [9001 + media % 3 for media in blocks.block_media(block)]
    if not present:
        return block
    return block.model_copy(
        update={"media": tuple(present) if isinstance(block, blocks.Gallery) else present[0]}
    )


def expected_text(block: Block) -> str | None:
    """The text of a block: that of the body, or of its media."""
    match block:
        case blocks.Image() | blocks.Video() | blocks.Audio():
            alt, caption, credit = TEXTS[block.media]
            lines = [alt, caption if block.caption is None else block.caption, credit]
        case blocks.Gallery():
            lines = ["\n".join(filter(None, TEXTS[media])) for media in block.media]
        case blocks.Embed():
            lines = [block.fallback_text or (block.url if block.title is None else block.title)]
        case _:
            return block_text(block) or None
    return "\n".join(line for line in lines if line) or None


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=BODIES)
async def test_every_block_has_its_text(newsroom: CachedNewsroom, body: tuple[Block, ...]) -> None:
    """Bodies of any blocks; null only for blocks without text."""
    body = tuple(map(with_media, body))
    await write_body(newsroom, body)
    assert await fallback_texts(newsroom) == [expected_text(block) for block in body]


async def test_types_that_the_client_knows_have_no_text(newsroom: CachedNewsroom) -> None:
    """Names of other types are ignored."""
    body = (
        blocks.Paragraph(id="blk_1", text="One"),
        blocks.RelatedLink(id="blk_2", url="https://e.org", title="Two"),
        blocks.Unknown(id="blk_3", original_type="MAP", fallback_text="Three"),
    )
    await write_body(newsroom, body)
    assert await fallback_texts(newsroom) == ["One", "Two", "Three"]
    assert await fallback_texts(newsroom, []) == ["One", "Two", "Three"]
    assert await fallback_texts(newsroom, ["PARAGRAPH", "HOLOGRAM"]) == [None, "Two", "Three"]


@pytest.mark.parametrize(
    ("edit", "changes"),
    [
        ("UPDATE media SET alt = 'Another' WHERE id = {}", True),
        ("UPDATE media SET expires_at = '2020-01-01T00:00:00Z' WHERE id = {}", True),
        ("UPDATE media SET alt = 'Another' WHERE id = 303", False),
        ("UPDATE media SET colour = '#000000' WHERE id = {}", False),
    ],
)
@pytest.mark.parametrize("kind", [blocks.Image, blocks.Gallery])
async def test_texts_of_media_are_current(
    newsroom: CachedNewsroom, kind: Any, edit: str, changes: bool
) -> None:
    """A change of the text or licence of a media file invalidates the response, other changes do not."""
    block = kind(id="blk_1", media=9001 if kind is blocks.Image else (9001, 9002))
    await write_body(newsroom, (block,))
    assert not await newsroom.is_hit(QUERY)
    assert await newsroom.is_hit(QUERY)
    await newsroom.write(edit.format(9001))
    assert await newsroom.is_hit(QUERY) is not changes
