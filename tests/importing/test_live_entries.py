"""Entries of live blogs in files: a round trip loses nothing of them."""

from __future__ import annotations

import io
import json
from typing import Any

import orjson
import pytest
from tests.importing.test_importer import export_bytes, import_items, public_article

from contentql.formats import jsonl
from contentql.importing.importer import import_records
from contentql.store.database import Database
from contentql.store.models.live_entries import LiveEntry, LiveEntryUse

AT = "2024-05-01T12:0{}:00Z"
RECORDS: list[dict[str, Any]] = [
    {"record": "category", "path": "world", "name": "World"},
    {
        "record": "media",
        "id": "med_3",
        "kind": "IMAGE",
        "url": "https://m.example/a.jpg",
        "mime": "image/jpeg",
    },
    {"record": "author", "id": "aut_4", "slug": "jane", "name": "Jane"},
]
ENTRIES: list[dict[str, Any]] = [
    {"type": "LIVE_ENTRY", "at": AT.format(1), "text": "one", "author": "aut_4", "media": "med_3"},
    {
        "type": "LIVE_ENTRY",
        "at": AT.format(2),
        "title": "Many blocks",
        "blocks": [
            {"type": "PARAGRAPH", "runs": [{"text": "two", "marks": ["STRONG"]}]},
            {"type": "IMAGE", "media": "med_3", "caption": "A picture"},
        ],
        "corrections": [{"kind": "CORRECTION", "text": "Not one.", "correctedAt": AT.format(3)}],
    },
    {"type": "PARAGRAPH", "text": "intro"},
]


@pytest.fixture
def database(database_url: str) -> Database:
    return Database(database_url)


async def load(database: Database, blocks: list[Any], **fields: Any) -> Any:
    records = [*RECORDS, public_article("live", id="art_9", contentType="LIVE", blocks=blocks, **fields)]
    return await import_records(database, import_items(*records))


async def exported_blocks(database: Database) -> list[dict[str, Any]]:
    lines = map(json.loads, (await export_bytes(database)).splitlines())
    (article,) = [line for line in lines if line["record"] == "article"]
    blocks: list[dict[str, Any]] = article["blocks"]
    return blocks


async def test_a_round_trip_loses_nothing(database: Database, server: Any) -> None:
    """Into another database, with the same ids; and into the same one, which changes nothing."""
    report = await load(database, ENTRIES)
    assert {outcome.result for outcome in report.outcomes} == {"created"}, report.outcomes
    intro, second, first = await exported_blocks(database)
    assert (intro["text"], second["text"], first["text"]) == ("intro", "two\nA picture", "one")
    assert (first["author"], first["media"]) == ("aut_4", "med_3")
    assert [block["type"] for block in second["blocks"]] == ["PARAGRAPH", "IMAGE"]
    assert second["corrections"][0]["text"] == "Not one."
    before = await export_bytes(database)
    items = list(jsonl.read_records(io.BytesIO(before), "file"))
    again = await import_records(database, items)
    assert {outcome.result for outcome in again.outcomes} == {"unchanged"}
    other = Database(await server.migrated())
    assert {outcome.result for outcome in (await import_records(other, items)).outcomes} == {"created"}
    assert await export_bytes(other) == before


async def test_an_import_adds_and_changes_entries_and_removes_none(database: Database) -> None:
    """The stored entries that a file lacks may be newer than the file."""
    await load(database, ENTRIES)
    intro, second, first = await exported_blocks(database)
    changed = {**first, "text": "one, corrected"}
    added = {"type": "LIVE_ENTRY", "at": AT.format(5), "text": "five"}
    await load(database, [intro, changed, added])
    texts = [block["text"] for block in await exported_blocks(database)]
    assert texts == ["intro", "five", "two\nA picture", "one, corrected"]
    async with database.transaction():
        rows = await LiveEntry.filter(block_id__in=[first["id"], second["id"]]).order_by("at")
        assert [(row.version, row.removed_at is None) for row in rows] == [(2, True), (1, True)]
        uses = await LiveEntryUse.all().values_list("author_id", "media_id", "entries")
        assert sorted(uses, key=str) == [(4, None, 1), (None, 3, 2)]
    again = await load(database, [intro, changed])
    assert {outcome.result for outcome in again.outcomes} == {"unchanged"}


async def test_an_author_that_does_not_exist_is_reported(database: Database) -> None:
    report = await load(database, [{**ENTRIES[0], "author": "aut_404"}])
    failed = [outcome.reason for outcome in report.outcomes if outcome.result == "failed"]
    assert len(failed) == 1
    assert "author" in failed[0], orjson.dumps(failed)


async def test_two_articles_may_have_the_same_ids(database: Database) -> None:
    """A copy of an article in a file keeps the ids of blocks; its entries get ids of their own."""
    await load(database, ENTRIES)
    blocks = await exported_blocks(database)
    report = await import_records(database, import_items(public_article("copy", blocks=blocks)))
    assert [outcome.result for outcome in report.outcomes] == ["created"]
    async with database.transaction():
        assert await LiveEntry.all().count() == 4
