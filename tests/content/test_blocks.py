"""Parsing, validation and serialization of content blocks."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from pydantic import ValidationError

from contentql.content import blocks
from contentql.content.blocks import Embed, Paragraph, RelatedLink, Table, Unknown
from contentql.content.timestamps import format_timestamp

EVERY: list[dict[str, Any]] = [
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


def test_every_type_is_stored_and_read_again() -> None:
    """What the store keeps is read as the same blocks, and kept the same way again."""
    result = blocks.parse_blocks([{"id": f"blk_{n}", **value} for n, value in enumerate(EVERY)])
    assert [block_fields["type"] for block_fields in EVERY] == [block.type for block in result]
    stored = blocks.dump_blocks(result)
    assert blocks.parse_blocks(stored) == result
    assert blocks.dump_blocks(blocks.parse_blocks(stored)) == stored


def test_words_and_media_of_blocks() -> None:
    """Spans are counted in these words; a media block's words are its caption."""
    result = blocks.parse_blocks(EVERY)
    assert [blocks.block_text(block) for block in result] == [
        "a", "a", "a", "a", "a\nb", "a", "", "", "", "a", "a\tb\nc\td", "a", "", "a\nb", "a", "a", "a",
    ]  # fmt: skip
    assert [blocks.block_media(block) for block in result if blocks.block_media(block)] == [
        (5,),
        (5,),
        (5,),
        (5, 6),
    ]


def test_a_type_of_the_future_is_kept() -> None:
    """Its name and its text stay, for apps that can do more."""
    assert blocks.parse_blocks([{"id": "blk_1", "type": "HOLOGRAM", "text": "words", "depth": 3}]) == (
        Unknown(id="blk_1", original_type="HOLOGRAM", fallback_text="words"),
    )


def test_embeds_are_cleaned_when_they_come_in() -> None:
    """Scripts and event handlers never reach the store."""
    embed = Embed(url="https://e.example.org/1", html='<b onclick="x()">a</b><script>alert(1)</script>')
    assert embed.html == "<b>a</b>"


@pytest.mark.parametrize(
    "link", ["https://a.example.org", "mailto:a@example.org", "/a:b", "#top", "a/b", "?q=a:b", "HTTP://a"]
)
def test_links_that_are_kept(link: str) -> None:
    """Web, mail and phone addresses, and relative ones."""
    assert RelatedLink(url=link, title="a").url == link


@pytest.mark.parametrize(
    "link", ["javascript:alert(1)", "JavaScript:x", "data:text/html,x", " vbscript:x", ""]
)
def test_links_that_are_refused(link: str) -> None:
    """A scheme that could run something is none of ours."""
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
def test_what_is_no_block(value: Any) -> None:
    """It is refused, not repaired."""
    with pytest.raises(ValidationError):
        blocks.parse_blocks([value])


def test_times_are_spelled_alike_in_any_year() -> None:
    """UTC, whole seconds, four digits of year."""
    noon = dt.datetime(476, 9, 4, 12, 30, 0, 999, tzinfo=dt.timezone(dt.timedelta(hours=2)))
    assert format_timestamp(noon) == "0476-09-04T10:30:00Z"


def test_blocks_are_values() -> None:
    """Equal words make equal blocks, also where lists are inside."""
    assert Table(rows=(("a",),)) == Table(rows=(("a",),))
    assert hash(Paragraph(text="a")) == hash(Paragraph(text="a"))
