"""Entries of live blogs: their order, their ids, and the columns that are derived from an entry."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import orjson

from contentql.content import blocks as body
from contentql.content import derive, render
from contentql.content.blocks import Block, LiveEntry
from contentql.content.ids import new_id
from contentql.content.render_markdown import render_markdown


def entry_order(entry: LiveEntry) -> tuple[bool, float, int]:
    """Sort key of entries: pinned ones first, then the latest, then the one that was added last."""
    return not entry.pinned, -entry.at.timestamp(), -(entry.entry or 0)


def complete_entries(blocks: Iterable[Block], before: Iterable[Block] = ()) -> tuple[Block, ...]:
    """Returns the own blocks of a body and then its entries in order; all of them have ids.

    An entry has the id of its row, or that of the entry with the same block id in `before`, or a new one.
    """
    blocks = tuple(blocks)
    stored = {entry.id: entry for entry in body.live_entries(before)}
    results = []
    used = {entry.entry for entry in body.live_entries(blocks) if entry.entry}
    # The last one first: of entries with the same time, the one with the greatest id comes first.
    for entry in reversed(body.live_entries(blocks)):
        former = stored.get(entry.id)
        number = entry.entry
        if number is None and former and former.entry not in used:
            number = former.entry
        inner = derive.assign_block_ids(entry.blocks, former.blocks if former else ())
        results.append(entry.model_copy(update={"entry": number or new_id(), "blocks": inner}))
    return (*body.own_blocks(blocks), *sorted(results, key=entry_order))


def keep_hidden_fields(blocks: Iterable[Block], before: Iterable[Block]) -> tuple[Block, ...]:
    """Returns the blocks, entries with what the forms of a body do not show of them.

    That is the author, the picture and the corrections, and the blocks if the text is the same.
    """
    stored = {entry.id: entry for entry in body.live_entries(before)}

    def with_hidden_fields(block: Block) -> Block:
        former = stored.get(block.id) if isinstance(block, LiveEntry) else None
        if former is None or not isinstance(block, LiveEntry):
            return block
        update: dict[str, Any] = {
            name: getattr(block, name) or getattr(former, name)
            for name in ("entry", "author", "media", "corrections")
        }
        if not block.blocks and (block.text, block.marks) == (former.text, former.marks):
            update["blocks"] = former.blocks
        return block.model_copy(update=update)

    return tuple(map(with_hidden_fields, blocks))


def entry_columns(entry: LiveEntry) -> dict[str, Any]:
    """Returns the columns of `live_entry` that are derived from the entry, which has a block id."""
    content = _with_ids(entry)
    return {
        "block_id": entry.id,
        "at": entry.at,
        "position": 1 if entry.pinned else 0,
        "title": entry.title,
        "key_event": entry.key_event,
        "summary": entry.summary,
        "author_id": entry.author,
        "media_id": entry.media,
        "block": dump_entry(entry),
        "blocks": body.dump_blocks(content),
        "corrections": [correction.model_dump(by_alias=True) for correction in reversed(entry.corrections)],
        "html": render.render_html(content),
        "markdown": render_markdown(content),
        "text": render.plain_text(content),
        "body_html": render.render_html([entry]),
        "body_markdown": render_markdown([entry]),
        "body_text": render.plain_text([entry]),
    }


def dump_entry(entry: LiveEntry) -> dict[str, Any]:
    """Serializes an entry for `live_entry.block`, as the column returns it: with lists, not tuples."""
    value: dict[str, Any] = orjson.loads(orjson.dumps(body.dump_blocks([entry])[0]))
    return value


def _with_ids(entry: LiveEntry) -> tuple[Block, ...]:
    """The blocks of an entry; the paragraph of an entry with a single one has an id made of the entry's."""
    digest = hashlib.sha256(str(entry.id).encode()).hexdigest()[:16]
    return tuple(
        block if block.id else block.model_copy(update={"id": f"blk_{digest}"}) for block in entry.content
    )


def count_uses(entries: Sequence[LiveEntry]) -> Counter[tuple[str, int]]:
    """Returns how many entries use each author and media file: `("author_id", 5)`, `("media_id", 7)`."""
    uses: Counter[tuple[str, int]] = Counter()
    for entry in entries:
        uses.update(("media_id", media) for media in body.block_media(entry))
        if entry.author:
            uses["author_id", entry.author] += 1
    return uses
