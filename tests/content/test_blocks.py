"""Parsing, validation and serialization of content blocks."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from pydantic import ValidationError
from tests.support.text_marks import make_table

from contentql.content import blocks
from contentql.content.blocks import Embed, Paragraph, RelatedLink, Unknown
from contentql.content.timestamps import format_timestamp

ALL_BLOCKS: list[dict[str, Any]] = [
    {"type": "PARAGRAPH", "text": "a", "marks": [{"start": 0, "end": 1, "kind": "em"}]},
    {"type": "HEADING", "level": 3, "text": "a"},
    {"type": "QUOTE", "text": "a", "attribution": 7},
    {"type": "PULLQUOTE", "text": "a"},
    {"type": "LIST", "ordered": True, "items": ["a", "b"]},
    {"type": "IMAGE", "media": 5, "caption": "a"},
    {"type": "VIDEO", "media": 5},
    {"type": "AUDIO", "media": 5},
    {"type": "GALLERY", "media": [5, 6]},
    {"type": "EMBED", "url": "https://e.example.org/1", "fallbackText": "a"},
    {"type": "TABLE", "rows": [["a", "b"], ["c", "d"]]},
    {"type": "CODE", "text": "a", "language": "sql"},
    {"type": "RULE"},
    {"type": "LIVE_ENTRY", "at": "2026-06-30T08:00:00Z", "title": "a", "text": "b"},
    {"type": "CORRECTION", "text": "a"},
    {"type": "RELATED_LINK", "url": "/a", "title": "a"},
    {"type": "UNKNOWN", "originalType": "MAP", "fallbackText": "a"},
]


def test_blocks_of_every_type_round_trip_through_the_store() -> None:
    """Parsing and dumping stored blocks gives the same blocks and the same JSON."""
    result = blocks.parse_blocks([{"id": f"blk_{n}", **value} for n, value in enumerate(ALL_BLOCKS)])
    assert [block_fields["type"] for block_fields in ALL_BLOCKS] == [block.type for block in result]
    stored = blocks.dump_blocks(result)
    assert blocks.parse_blocks(stored) == result
    assert blocks.dump_blocks(blocks.parse_blocks(stored)) == stored


def test_block_text_and_block_media_of_every_type() -> None:
    """Offsets of spans refer to this text; the text of a media block is its caption."""
    result = blocks.parse_blocks(ALL_BLOCKS)
    assert [blocks.block_text(block) for block in result] == [
        "a", "a", "a", "a", "a\nb", "a", "", "", "", "a", "a\tb\nc\td", "a", "", "a\nb", "a", "a", "a",
    ]  # fmt: skip
    assert [blocks.block_media(block) for block in result if blocks.block_media(block)] == [
        (5,),
        (5,),
        (5,),
        (5, 6),
    ]


def test_unknown_block_types_keep_their_name_and_text() -> None:
    """Clients that know the type can use them."""
    assert blocks.parse_blocks([{"id": "blk_1", "type": "HOLOGRAM", "text": "words", "depth": 3}]) == (
        Unknown(id="blk_1", original_type="HOLOGRAM", fallback_text="words"),
    )


def test_embed_html_is_sanitized() -> None:
    """Scripts and event handlers are removed before the block is stored."""
    embed = Embed(url="https://e.example.org/1", html='<b onclick="x()">a</b><script>alert(1)</script>')
    assert embed.html == "<b>a</b>"


@pytest.mark.parametrize(
    "link", ["https://a.example.org", "mailto:a@example.org", "/a:b", "#top", "a/b", "?q=a:b", "HTTP://a"]
)
def test_web_mail_and_relative_links_are_accepted(link: str) -> None:
    assert RelatedLink(url=link, title="a").url == link


@pytest.mark.parametrize(
    "link", ["javascript:alert(1)", "JavaScript:x", "data:text/html,x", " vbscript:x", ""]
)
def test_links_with_executable_schemes_are_rejected(link: str) -> None:
    """An empty link is rejected as well."""
    with pytest.raises(ValidationError):
        RelatedLink(url=link, title="a")


@pytest.mark.parametrize(
    "value",
    [
        {"type": "PARAGRAPH", "text": "a", "marks": [{"start": 0, "end": 2, "kind": "em"}]},
        {"type": "PARAGRAPH", "text": "a", "marks": [{"start": 1, "end": 1, "kind": "em"}]},
        {"type": "PARAGRAPH", "text": "a", "color": "red"},
        {"type": "HEADING", "level": 1, "text": "a"},
        {"type": "IMAGE", "media": "cat_5"},
        {"id": "x y", "type": "RULE"},
        {"type": "LIVE_ENTRY", "at": "2026-06-30T08:00:00", "text": "b"},
        {"text": "a"},
        "text",
        {"type": 5},
    ],
)
def test_invalid_blocks_are_rejected(value: Any) -> None:
    """They are not repaired."""
    with pytest.raises(ValidationError):
        blocks.parse_blocks([value])


def test_format_timestamp_uses_utc_seconds_and_four_digit_years() -> None:
    noon = dt.datetime(476, 9, 4, 12, 30, 0, 999, tzinfo=dt.timezone(dt.timedelta(hours=2)))
    assert format_timestamp(noon) == "0476-09-04T10:30:00Z"


def test_equal_blocks_compare_equal() -> None:
    """Holds for blocks with lists too; blocks are hashable."""
    assert make_table(rows=(("a",),)) == make_table(rows=(("a",),))
    assert hash(Paragraph(text="a")) == hash(Paragraph(text="a"))
