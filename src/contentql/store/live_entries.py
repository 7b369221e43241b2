"""Rows of live entries: load them as blocks, save the entries of a whole article, and index their words.

A single entry is added and changed by `editorial/live_entries.py`, at the same cost whatever the length of
the live blog.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from contentql.content import blocks, search_terms
from contentql.content.blocks import Block
from contentql.content.entries import count_uses, dump_entry, entry_columns, entry_order
from contentql.content.ids import new_id
from contentql.content.records import ArticleRecord
from contentql.store import search_index
from contentql.store.models.live_entries import LiveEntry, LiveEntryUse


async def load_entries(articles: Iterable[int]) -> dict[int, tuple[blocks.LiveEntry, ...]]:
    """Loads the entries of articles that are not removed, in their order, by article id."""
    results: dict[int, list[blocks.LiveEntry]] = {}
    rows = LiveEntry.filter(article_id__in=set(articles), removed_at=None)
    for row in await rows.values("id", "article_id", "block", "author_id", "media_id"):
        results.setdefault(row["article_id"], []).append(block_of(row))
    return {article: tuple(sorted(entries, key=entry_order)) for article, entries in results.items()}


def block_of(row: Mapping[str, Any]) -> blocks.LiveEntry:
    """Returns the block of a row, without an author or a picture that was deleted."""
    (entry,) = blocks.load_blocks([row["block"]])
    assert isinstance(entry, blocks.LiveEntry)
    update = {"entry": row["id"], "author": row["author_id"], "media": row["media_id"]}
    return entry.model_copy(update=update)


async def save_entries(
    connection: Any, record: ArticleRecord, leads: search_terms.SearchTerms, now: dt.datetime | None
) -> None:
    """Makes the stored entries of an article those of its record: adds, changes, and removes.

    `leads`: the search terms of the article itself, see `write_search_rows`.
    """
    assert record.id is not None
    rows = {row.block_id: row for row in await LiveEntry.filter(article_id=record.id)}
    requested = {str(entry.id): entry for entry in blocks.live_entries(record.blocks)}
    if not rows and not requested:
        return
    assert now is not None
    added = [entry for name, entry in requested.items() if name not in rows]
    taken = await find_taken_ids(entry.entry for entry in added)
    present = [_with_free_id(entry, taken) for entry in added]
    await LiveEntry.bulk_create(LiveEntry(**row) for row in entry_rows(record.id, present, now))
    for name, row in rows.items():
        entry = requested.get(name)
        if entry is None:
            if row.removed_at is None:
                await search_index.delete_entry_rows(connection, [row.id])
                values = {"removed_at": now, "changed_at": now, "version": row.version + 1}
                await row.update_from_dict(values).save()
            continue
        entry = entry.model_copy(update={"entry": row.id})
        present.append(entry)
        if row.removed_at is not None or dump_entry(entry) != row.block:
            changes = {"removed_at": None, "changed_at": now, "version": row.version + 1}
            await row.update_from_dict({**entry_columns(entry), **changes}).save()
    await _save_uses(record.id, list(requested.values()))
    await write_search_rows(connection, record.id, present, record.language, leads)


def _with_free_id(entry: blocks.LiveEntry, taken: set[int]) -> blocks.LiveEntry:
    """Returns a new entry with an id that no entry of another article has."""
    if entry.entry is not None and entry.entry not in taken:
        return entry
    return entry.model_copy(update={"entry": new_id()})


async def find_taken_ids(ids: Iterable[int | None]) -> set[int]:
    """Which of these ids of entries are taken."""
    requested = [id for id in ids if id is not None]
    rows: Any = LiveEntry.filter(id__in=requested).values_list("id", flat=True)
    return set(await rows) if requested else set()


def with_free_ids(record: ArticleRecord, taken: set[int]) -> ArticleRecord:
    """Returns the record of a new article, its entries with ids that no entry of another article has."""
    body = tuple(
        _with_free_id(block, taken) if isinstance(block, blocks.LiveEntry) else block
        for block in record.blocks
    )
    return record.model_copy(update={"blocks": body})


def entry_rows(
    article: int, entries: Iterable[blocks.LiveEntry], now: dt.datetime | None
) -> list[dict[str, Any]]:
    """Computes the rows of new entries, whose ids are set."""
    own = {"article_id": article, "created_at": now, "changed_at": now}
    return [{"id": entry.entry, **own, **entry_columns(entry)} for entry in entries]


def use_rows(article: int, uses: Mapping[tuple[str, int], int]) -> list[dict[str, Any]]:
    """Computes the rows of authors and media files by the number of entries that use them."""
    return [{"article_id": article, column: id, "entries": count} for (column, id), count in uses.items()]


async def _save_uses(article: int, entries: Sequence[blocks.LiveEntry]) -> None:
    uses = dict(count_uses(entries))
    for row in await LiveEntryUse.filter(article_id=article).values("id", "author_id", "media_id", "entries"):
        key = ("author_id", row["author_id"]) if row["author_id"] else ("media_id", row["media_id"])
        count = uses.pop(key, 0)
        if count != row["entries"]:
            await _set_use(row["id"], count)
    await LiveEntryUse.bulk_create(LiveEntryUse(**row) for row in use_rows(article, uses))


async def change_uses(article: int, before: Sequence[Block], after: Sequence[Block]) -> None:
    """Counts the authors and media files of entries that were replaced by others."""
    old, new = count_uses(blocks.live_entries(before)), count_uses(blocks.live_entries(after))
    for column, number in sorted({*old, *new}):
        difference = new[column, number] - old[column, number]
        if not difference:
            continue
        use: dict[str, Any] = {"article_id": article, column: number}
        row = await LiveEntryUse.get_or_none(**use)
        if row is not None:
            await _set_use(row.id, row.entries + difference)
        elif difference > 0:
            await LiveEntryUse.create(entries=difference, **use)


async def _set_use(id: int, count: int) -> None:
    row = LiveEntryUse.filter(id=id)
    await (row.update(entries=count) if count > 0 else row.delete())


async def write_search_rows(
    connection: Any,
    article: int,
    entries: Iterable[blocks.LiveEntry],
    language: str,
    leads: search_terms.SearchTerms,
) -> None:
    """Replaces the search rows of entries, whose ids are set; see `entry_terms`."""
    await search_index.write_entry_rows(connection, article, entry_terms(entries, language, leads))


def entry_terms(
    entries: Iterable[blocks.LiveEntry], language: str, leads: search_terms.SearchTerms
) -> dict[int, search_terms.SearchTerms]:
    """Computes the search terms of entries, by their ids.

    They also have `leads`, the words of the article's headline and summary: a search for words of both finds
    the article.
    """
    terms = {}
    for entry in entries:
        own = search_terms.search_terms("", (), blocks.block_text(entry), language)
        terms[entry.entry or 0] = replace(leads, body=own.body, language=own.language)
    return terms
