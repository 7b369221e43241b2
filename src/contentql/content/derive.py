"""Derived columns: category paths, sections, text length, publication times, attribution chains, media.

Invariant: no database access; callers compute these values whenever an article is saved.
"""

from __future__ import annotations

import datetime as dt
import math
import re
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from contentql.content import blocks as body
from contentql.content.blocks import Block
from contentql.content.enums import MediaRole
from contentql.content.folding import fold_text

MAX_HOPS = 5


MAX_SECTION_DEPTH = 7


def sort_key(text: str) -> str:
    """Returns the sort key of a name or headline, at most 200 characters.

    Texts are sorted without case and accents: "emile", "Émile", "Zola". Those that differ in nothing else are
    sorted by code points.
    """
    return f"{fold_text(text).strip()[:140]}\x01{text.strip()}"[:200]


def path(parent: str | None, slug: str) -> str:
    return f"{parent}/{slug}" if parent else slug


def ancestor_paths(path: str) -> list[str]:
    """Returns the ancestors of a path, root first: "world" and "world/asia" for "world/asia/east"."""
    parts = path.split("/")
    return ["/".join(parts[:n]) for n in range(1, len(parts))]


@dataclass(frozen=True)
class Section:
    """A row of `article_section`; `path` is the path of the category."""

    path: str
    direct: bool
    position: int


def section_rows(own: Sequence[str]) -> list[Section]:
    """Returns a row for each section of an article, primary first, followed by their ancestors."""
    direct = list(dict.fromkeys(own))
    higher = [up for path in direct for up in ancestor_paths(path)]
    indirect = [path for path in dict.fromkeys(higher) if path not in direct]
    return [Section(path, path in direct, n) for n, path in enumerate([*direct, *indirect])]


def new_block_id() -> str:
    return f"blk_{secrets.token_hex(8)}"


def assign_block_ids(blocks: Iterable[Block], before: Iterable[Block] = ()) -> tuple[Block, ...]:
    """Returns the blocks, each with an id: its own, that of an equal block in `before`, or a new one."""
    blocks = tuple(blocks)
    used = {block.id for block in blocks if block.id}
    existing: dict[Block, list[str]] = {}
    for block in before:
        if block.id and block.id not in used:
            existing.setdefault(_content(block), []).append(block.id)

    def identity(block: Block) -> str:
        same = existing.get(_content(block))
        return same.pop(0) if same else new_block_id()

    return tuple(block if block.id else block.model_copy(update={"id": identity(block)}) for block in blocks)


def _content(block: Block) -> Block:
    """The block without what HTML and Markdown do not show: its id, the attribution of a quotation, and the
    author, picture and corrections of a live entry."""
    update: dict[str, Any] = {"id": None}
    if isinstance(block, body.Quote):
        update["attribution"] = None
    if isinstance(block, body.LiveEntry):
        inner = tuple(map(_content, block.blocks))
        update |= {"entry": None, "author": None, "media": None, "corrections": (), "blocks": inner}
    return block.model_copy(update=update)


def keep_attributions(blocks: Iterable[Block], before: Iterable[Block]) -> tuple[Block, ...]:
    """Returns the blocks, quotations with the attributions that they have in `before`.

    For forms of a body that do not show attributions: a reader must not learn of one that is hidden.
    """
    quotes = {block.id: block for block in before if isinstance(block, body.Quote) and block.attribution}
    return tuple(
        block.model_copy(update={"attribution": quotes[block.id].attribution})
        if isinstance(block, body.Quote) and block.id in quotes
        else block
        for block in blocks
    )


def lede(blocks: Iterable[Block]) -> str | None:
    """Returns the text of the first paragraph, or None."""
    return next((block.text for block in blocks if isinstance(block, body.Paragraph)), None)


@dataclass(frozen=True)
class TextLength:
    words: int
    minutes: int


def measure_text(text: str) -> TextLength:
    """Returns the number of words and the reading time in minutes, at least 1.

    Assumes 238 words a minute; a CJK character counts as one word and is read at 500 a minute.
    """
    characters = 0 if text.isascii() else len(_CJK.findall(text))
    spaced = len((_CJK.sub(" ", text) if characters else text).split())
    minutes = math.ceil(spaced / 238 + characters / 500)
    return TextLength(spaced + characters, max(1, minutes))


@dataclass(frozen=True)
class Times:
    published: dt.datetime | None
    first_published: dt.datetime | None
    updated: dt.datetime | None


def publication_times(
    published: dt.datetime | None,
    *,
    public: bool,
    first: dt.datetime | None = None,
    updated: dt.datetime | None = None,
) -> Times:
    """Returns the publication times in whole seconds.

    `first` and `updated` are the stored values. If the article is `public`, missing ones are set to
    `published`; existing ones do not change.
    """
    published, first, updated = (at and at.replace(microsecond=0) for at in (published, first, updated))
    visible = published if public else None
    return Times(published, first or visible, updated or visible)


@dataclass(frozen=True)
class ChainRow:
    """Derived columns of a row of an attribution chain; `via` is the id of the next row to the reader."""

    head: int
    hop: int
    origin: int | None
    via: int | None


def attribution_chain_rows(ids: Sequence[int], sources: Sequence[int | None]) -> list[ChainRow]:
    """Returns the rows of an attribution chain, ordered from the origin to the reader.

    Raises `ValueError` if the chain is too long or contains an id twice.
    """
    if len(ids) > MAX_HOPS + 1 or len(set(ids)) < len(ids):
        raise ValueError(f"a chain of sources has at most {MAX_HOPS} relays and never comes back to itself")
    return [ChainRow(ids[0], n, sources[0], via) for n, via in enumerate([*ids[1:], None])]


@dataclass(frozen=True)
class Placement:
    media: int
    role: MediaRole
    caption: str | None = None
    alt: str | None = None


def lead_and_body_media(lead: int | None, blocks: Iterable[Block]) -> set[int]:
    """Returns the ids of the lead picture and of the media in the body."""
    own = body.own_blocks(blocks)  # entries of a live blog have media of their own
    return {media for block in own for media in body.block_media(block)} | ({lead} if lead else set())


def media_placements(
    lead: int | None, blocks: Iterable[Block], placed: Sequence[Placement] = ()
) -> tuple[Placement, ...]:
    """Returns all media of an article: those explicitly `placed`, then those of the lead and the blocks."""
    results = list(placed)
    if lead is not None and not any(p.media == lead and p.role is MediaRole.LEAD for p in results):
        results.insert(0, Placement(lead, MediaRole.LEAD))
    present = {placement.media for placement in results}
    for block in body.own_blocks(blocks):
        role = MediaRole.GALLERY if isinstance(block, body.Gallery) else MediaRole.INLINE
        for media in body.block_media(block):
            if media not in present:
                present.add(media)
                results.append(Placement(media, role))
    return tuple(results)


_CJK = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff]")
