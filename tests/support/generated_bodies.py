"""Hypothesis strategies of bodies with blocks of every type and marks of every kind."""

from __future__ import annotations

import datetime as dt
from typing import Any

from hypothesis import strategies as some

from contentql.content import blocks
from contentql.content.blocks import Block
from contentql.content.embeds import embed_provider
from contentql.content.list_items import ListItem
from contentql.content.rich_text import Mark, MarkKind, normal_marks

# Letters, and everything that is markup somewhere, or white space that is easily lost.
_PIECES = (
    "a", "b", "Zo", "é", "😀", "한", "1", "1.", "2)", " ", "  ", "\n", "\t", "\u00a0", "\u2028", "*", "**",
    "_", "~", "~~", "`", "``", "[", "]", "(", ")", "!", "![", "<", ">", "&", "&amp;", "&#32;", "\\", "|", "#",
    "+", "-", "---", "=", ":", ":-", ": ", "^", "[^1]", "https://e.org/a", "http://", "https://youtu.be/abc",
    "<b>", "</p>", "<br>", "x@e.org", "\u200b", "'", '"', "{", "$",
)  # fmt: skip
_VALUES: dict[str, tuple[str, ...]] = {
    "link": ("https://e.org/?a=1&b=(2)", "/x_y*z", "mailto:a@e.org"),
    "language": ("ko", "pt-BR"),
    "mention": ("tag_5", "src_7"),
}
_KINDS: tuple[MarkKind, ...] = (
    "strong", "em", "strike", "code", "sub", "sup", "link", "language", "mention",
)  # fmt: skip


def _texts(min_size: int = 1) -> some.SearchStrategy[str]:
    """Texts that show something."""
    pieces = some.lists(some.sampled_from(_PIECES), min_size=min_size, max_size=8).map("".join)
    return pieces.filter(lambda text: bool(text.strip(" \n\t\u00a0\u2028\u200b")) if min_size else True)


@some.composite
def _rich_texts(draw: some.DrawFn, *, min_size: int = 1) -> dict[str, Any]:
    text = draw(_texts(min_size))
    marks: list[Mark] = []
    for kind in draw(some.lists(some.sampled_from(_KINDS), max_size=5)) if text else ():
        start = draw(some.integers(0, len(text) - 1))
        end = draw(some.integers(start + 1, len(text)))
        value = draw(some.sampled_from(_VALUES[kind])) if kind in _VALUES else None
        marks.append(Mark(start=start, end=end, kind=kind, value=value))
    return {"text": text, "marks": normal_marks(marks, strict=False)}


_media = some.integers(1, 1 << 40)


@some.composite
def _captions(draw: some.DrawFn) -> dict[str, Any]:
    values = draw(some.one_of(some.none(), _rich_texts()))
    return {"caption": values["text"], "caption_marks": values["marks"]} if values else {}


@some.composite
def _lists(draw: some.DrawFn) -> Block:
    ordered = draw(some.booleans())
    items: list[ListItem] = []
    kinds: list[bool] = []
    for _ in range(draw(some.integers(1, 6))):
        level = draw(some.integers(0, min(len(kinds), 4)))
        kind = draw(some.booleans()) if level else ordered
        begins = level == len(kinds) or kinds[level] != kind
        number = draw(some.sampled_from((None, 0, 1, 3, 99))) if kind and begins else None
        items.append(ListItem(**draw(_rich_texts()), level=level, ordered=kind, number=number))
        kinds[level:] = [kind]
    return blocks.List(ordered=ordered, items=tuple(items))


@some.composite
def _tables(draw: some.DrawFn) -> Block:
    columns = some.integers(1, 3) if draw(some.booleans()) else some.just(draw(some.integers(1, 3)))
    rows = [
        blocks.TableRow(
            cells=tuple(blocks.TableCell(**draw(_rich_texts(min_size=0))) for _ in range(draw(columns)))
        )
        for _ in range(draw(some.integers(1, 3)))
    ]
    return blocks.Table(rows=tuple(rows))


_lines = _texts().map(lambda text: " ".join(text.split())).filter(bool)
_urls = some.sampled_from(
    (
        "https://youtu.be/abc",
        "https://x.com/a/status/1",
        "https://e.org/?a=1&b=2",
        "https://www.tiktok.com/@a.b-c/video/12",
    )
)


@some.composite
def _embeds(draw: some.DrawFn) -> Block:
    url = draw(_urls)
    return blocks.Embed(
        url=url,
        provider=draw(some.sampled_from((None, "A site", embed_provider(url)))),
        title=draw(some.none() | _lines),
        html=draw(some.sampled_from((None, "<blockquote>a\n\nb <b>c</b></blockquote>", "<p>x &amp; y</p>"))),
        fallback_text=draw(some.none() | _texts()),
    )


BLOCKS: some.SearchStrategy[Block] = some.one_of(
    _rich_texts().map(lambda values: blocks.Paragraph(**values)),
    some.builds(
        lambda values, level: blocks.Heading(level=level, **values), _rich_texts(), some.integers(2, 4)
    ),
    some.builds(
        lambda values, number: blocks.Quote(attribution=number, **values),
        _rich_texts(),
        some.sampled_from((None, 5)),
    ),
    _rich_texts().map(lambda values: blocks.Pullquote(**values)),
    _lists(),
    *(
        some.builds(lambda media, caption, kind=kind: kind(media=media, **caption), _media, _captions())
        for kind in (blocks.Image, blocks.Video, blocks.Audio)
    ),
    some.lists(_media, min_size=1, max_size=3).map(lambda media: blocks.Gallery(media=tuple(media))),
    _embeds(),
    _tables(),
    some.builds(
        lambda text, language: blocks.CodeText(text=text, language=language),
        _texts(),
        some.sampled_from((None, "sql", "c++")),
    ),
    some.just(blocks.Rule()),
    some.builds(
        lambda values, title, flags: blocks.LiveEntry(
            at=dt.datetime(2026, 6, 30, 8, tzinfo=dt.UTC),
            title=title,
            key_event=flags & 1 > 0,
            summary=flags & 2 > 0,
            pinned=flags & 4 > 0,
            **values,
        ),
        _rich_texts(),
        some.none() | _lines,
        some.integers(0, 7),
    ),
    _rich_texts().map(lambda values: blocks.CorrectionText(**values)),
    some.builds(lambda url, title: blocks.RelatedLink(url=url, title=title), _urls, _lines),
    some.builds(
        lambda name, text: blocks.Unknown(original_type=name, fallback_text=text),
        some.sampled_from(("MAP", "poll & quiz")),
        some.none() | _texts(),
    ),
)


def _with_ids(body: list[Block]) -> tuple[Block, ...]:
    return tuple(block.model_copy(update={"id": f"blk_{n}"}) for n, block in enumerate(body))


BODIES: some.SearchStrategy[tuple[Block, ...]] = some.lists(BLOCKS, max_size=4).map(_with_ids)
