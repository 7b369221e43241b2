"""New articles that are inserted in batches: the same rows as one by one, and what the logs tell of them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from random import Random
from typing import Any

import pytest
from tests.conftest import Server
from tests.support.random_content import NOW, random_newsroom
from tortoise.exceptions import IntegrityError

from contentql.content import blocks
from contentql.content.blocks import EntryCorrection, Heading, LiveEntry, Paragraph
from contentql.content.entries import complete_entries
from contentql.content.enums import CorrectionKind
from contentql.content.ids import new_id
from contentql.content.import_item import ImportItem
from contentql.content.records import ArticleRecord, ExternalIdRecord, Record
from contentql.editorial.completion import complete_record
from contentql.importing.batch import savepoint
from contentql.importing.bulk import MIN_ARTICLES, NewArticle, NewArticles
from contentql.importing.importer import import_records
from contentql.store.change_log import ANY_TABLE
from contentql.store.change_triggers import unlogged_inserts
from contentql.store.database import Database

TABLES = (
    "article", "article_body", "article_section", "article_tag", "article_author", "article_media",
    "article_related", "correction", "slug_history", "external_id", "attribution", "live_entry",
    "live_entry_use", "article_search", "live_entry_search", "revision", "audit_entry",
)  # fmt: skip
# Their ids are those of the records.
WITH_ID = ("article", "correction", "attribution", "live_entry")
LOG_COLUMNS = ("article_id", "public", "owner", "was_from", "was_until", "is_from", "is_until", "status")


def newsroom(seed: int, articles: int = 16) -> list[Record]:
    """Random content with live entries, external ids and texts of several scripts."""
    random = Random(seed)
    records = random_newsroom(random, articles)
    return [_extended(random, record, n) if isinstance(record, ArticleRecord) else record
            for n, record in enumerate(records) if not hasattr(record, "items")]  # fmt: skip


def _extended(random: Random, record: ArticleRecord, n: int) -> ArticleRecord:
    texts = ("Ein Häuschen – “quoted” & <b>…", "東京の text", "ﬁne soft\u00adhyphen µ", "a  b\n\tc", "1. # x")
    body: list[Any] = [*record.blocks, Paragraph(id=f"blk_x{n}", text=random.choice(texts))]
    if random.random() < 0.4:
        correction = EntryCorrection(kind=CorrectionKind.UPDATE, text="Not so.", corrected_at=NOW)
        inner = (Heading(text="Inner"), Paragraph(text=random.choice(texts)))
        body += [
            LiveEntry(id=f"blk_e{n}", entry=77, at=NOW, text="Live words", title="Now", pinned=True),
            LiveEntry(id=f"blk_f{n}", at=NOW, text="", blocks=inner, corrections=(correction,)),
        ]
    external = (ExternalIdRecord(system="wire", value=f"v{n}"),) if random.random() < 0.5 else ()
    extra = {"ninjs": {"b": 1.5, "a": [None, True, "ü"]}} if random.random() < 0.5 else {}
    update = {"blocks": tuple(body), "external_ids": external, "extra": extra}
    return ArticleRecord.model_validate(record.model_copy(update=update).model_dump())


def complete(records: Sequence[Record]) -> tuple[list[ImportItem], list[ArticleRecord]]:
    """The items of other records, and the complete records of the articles."""
    others = [ImportItem("test", record) for record in records if not isinstance(record, ArticleRecord)]
    articles = [complete_record(record, None, NOW) for record in records if isinstance(record, ArticleRecord)]
    return others, articles


def without_entry_number(record: ArticleRecord) -> ArticleRecord:
    """The record, entries with ids of their own."""
    body = [
        block.model_copy(update={"entry": new_id()}) if isinstance(block, LiveEntry) else block
        for block in record.blocks
    ]
    return record.model_copy(update={"blocks": complete_entries(body)})


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """An empty database, closed after the test."""
    database = Database(database_url)
    yield database
    await database.close()


async def create(
    database: Database, articles: Sequence[ArticleRecord], *, processes: int = 0, wait: bool = True
) -> None:
    """Inserts articles in one batch."""
    writer = NewArticles(database.dialect, NOW, "import-1", processes=processes)
    try:
        if wait:
            await writer.wait_until_ready()
        async with database.long_transaction(5) as connection:
            new = [NewArticle(record, "Imported from test") for record in articles]
            await writer.insert(connection, new)
    finally:
        await writer.close()


async def rows_of(database: Database, table: str) -> list[dict[str, Any]]:
    columns = "rowid, *" if table.endswith("_search") and database.dialect == "sqlite" else "*"
    async with database.orm() as connection:
        return [dict(row) for row in await connection.execute_query_dict(f"SELECT {columns} FROM {table}")]


async def stored(database: Database) -> dict[str, list[str]]:
    """The rows of every table as texts, without the ids that are made when a row is inserted."""
    results = {}
    for table in TABLES:
        rows = await rows_of(database, table)
        for row in rows:
            if table not in WITH_ID:
                row.pop("id", None)
            row.pop("request_id", None)
            row.pop("content_hash", None)  # that of the item, not of the record
            if ids := row.pop("reference_ids", None):  # in no order
                row["ids"] = json.dumps(json.loads(ids), sort_keys=True)
        results[table] = sorted(repr(sorted(row.items())) for row in rows)
    return results


@pytest.mark.parametrize("processes", [0, 1])
@pytest.mark.parametrize("seed", range(3))
async def test_batches_store_the_same_rows(server: Server, seed: int, processes: int) -> None:
    """As articles that are written one by one: in every table, and one row of the article log for each."""
    others, articles = complete(newsroom(seed))
    one_by_one, batch = Database(await server.migrated()), Database(await server.migrated())
    # An entry's id that is taken gets a new one: the same in both, so that rows can be compared.
    articles = [without_entry_number(record) if n else record for n, record in enumerate(articles)]
    items = [ImportItem("test", record) for record in articles]
    report = await import_records(one_by_one, [*others, *items], now=NOW)
    failed = [o for o in report.outcomes if o.result != "created" and "related" not in o.reason]
    assert not failed, failed
    await import_records(batch, others, now=NOW)
    before = len(await rows_of(batch, "row_change"))
    await create(batch, articles, processes=processes)
    assert await stored(batch) == await stored(one_by_one)
    expected = {}
    for row in reversed(await rows_of(one_by_one, "article_log")):
        if "article_body" in row["source"]:
            expected[row["article_id"]] = row
    logged = [row for row in await rows_of(batch, "article_log") if row["article_id"] > 0]
    assert sorted(row["article_id"] for row in logged) == sorted(record.id or 0 for record in articles)
    for row in logged:
        other = expected[row["article_id"]]
        assert {name: row[name] for name in LOG_COLUMNS} == {name: other[name] for name in LOG_COLUMNS}
        assert set(row["source"].split()) == set(other["source"].split()) - {"related", "draft"}
    assert [row["table_name"] for row in (await rows_of(batch, "row_change"))[before:]] == [ANY_TABLE]


def changed(random: Random, record: ArticleRecord, other: ArticleRecord) -> ArticleRecord:
    """The record with some fields of another one, without live entries."""
    names = ("headline", "summary", "category", "sections", "tags", "authors", "story", "media", "urgency",
             "corrections", "lead_media", "embargo_until", "external_ids", "extra", "related")  # fmt: skip
    update = {name: getattr(other, name) for name in names if random.random() < 0.5}
    if random.random() < 0.5:
        update |= {"blocks": other.blocks, "attributions": other.attributions}
    return record.model_copy(update={**update, "version": None, "modified_at": None})


@pytest.mark.parametrize("seed", range(3))
async def test_imports_of_many_items_store_the_same_as_imports_of_each(server: Server, seed: int) -> None:
    """New articles and then changes of them, which are saved in batches, or alone if there is only one."""
    random = Random(seed)
    others, articles = complete(newsroom(seed, 40))
    articles = [without_entry_number(record) for record in articles]
    own = [record for record in articles if not blocks.live_entries(record.blocks)]
    assert len(articles) > MIN_ARTICLES
    news = [changed(random, record, random.choice(own)) for record in own]
    together, alone = Database(await server.migrated()), Database(await server.migrated())
    for records in (articles, [*news, own[0]]):
        items = [ImportItem("test", record) for record in records]
        many = await import_records(together, [*others, *items], now=NOW)
        one = [await import_records(alone, [item], now=NOW) for item in [*others, *items]]
        # Alone, a related article that comes later does not exist yet.
        results = [o.result for o in many.outcomes if "related article" not in o.reason]
        assert results == [o.result for r in one for o in r.outcomes if "related article" not in o.reason]
        assert await stored(together) == await stored(alone)


async def test_a_process_that_ends_is_replaced_by_the_importer(database: Database) -> None:
    """Rows that it has not computed are computed by the importer itself."""
    others, articles = complete(newsroom(0, 60))
    await import_records(database, others, now=NOW)
    writer = NewArticles(database.dialect, NOW, "import-1", processes=1)
    await writer.wait_until_ready()
    async with database.long_transaction(5) as connection:
        new = [NewArticle(record, "test") for record in articles]
        await writer.insert(connection, new, meanwhile=writer.close)
    assert len(await rows_of(database, "article")) == len(articles)


async def test_an_article_that_cannot_be_inserted_fails_alone(database: Database) -> None:
    """Two articles have an attribution with the same id, which only the database notices."""
    others, articles = complete(newsroom(1, 40))
    heads = [record for record in articles if record.attributions]
    first, last = heads[0], heads[-1]
    stolen = last.model_copy(update={"attributions": first.attributions, "blocks": ()})
    records = [stolen if record is last else record for record in articles]
    report = await import_records(database, [*others, *(ImportItem("test", each) for each in records)])
    results = {outcome.key: outcome.result for outcome in report.outcomes if outcome.kind == "article"}
    assert [key for key, result in results.items() if result == "failed"] == [last.slug]
    assert len(await rows_of(database, "article")) == len(articles) - 1


SECTION = (
    "INSERT INTO category (id, slug, path, name, names, sort_name, depth, position)"
    " VALUES ({0}, 's{0}', 's{0}', 'S', '[]', 's', 0, 0)"
)


async def logged_sections(database: Database) -> list[int]:
    return [row["row_id"] for row in await rows_of(database, "row_change") if row["table_name"] == "category"]


async def test_only_inserts_of_the_block_are_not_logged(database: Database) -> None:
    """Not updates in it, not inserts after it in the transaction, and not those of a later one."""
    async with database.long_transaction(5) as connection:
        async with unlogged_inserts(connection):
            await connection.execute_query(SECTION.format(1))
            await connection.execute_query("UPDATE category SET name = 'T' WHERE id = 1")
        await connection.execute_query(SECTION.format(2))
    async with database.long_transaction(5) as connection:
        await connection.execute_query(SECTION.format(3))
    changes = [row for row in await rows_of(database, "row_change") if row["table_name"] == "category"]
    assert [(row["row_id"], row["before"] is None) for row in changes] == [(1, False), (2, True), (3, True)]


async def test_inserts_are_logged_again_after_an_error(database: Database) -> None:
    """Also in the same transaction, if only a part of it is rolled back."""

    async def insert_twice(connection: Any) -> None:
        async with savepoint(connection), unlogged_inserts(connection):
            await connection.execute_query(SECTION.format(1))
            await connection.execute_query(SECTION.format(1))

    async with database.long_transaction(5) as connection:
        with pytest.raises(IntegrityError):
            await insert_twice(connection)
        await connection.execute_query(SECTION.format(2))
    async with database.long_transaction(5) as connection:
        await connection.execute_query(SECTION.format(3))
    assert await logged_sections(database) == [2, 3]


async def test_other_connections_stay_logged(postgres_server: Server) -> None:
    """While a transaction does not log its inserts."""
    database = Database(await postgres_server.migrated())
    other = Database(database.url)
    async with database.long_transaction(5) as connection, unlogged_inserts(connection):
        await connection.execute_query(SECTION.format(1))
        async with other.long_transaction(5) as second:
            await second.execute_query(SECTION.format(2))
    assert await logged_sections(database) == [2]
    await database.close()
    await other.close()
