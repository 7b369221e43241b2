"""Migrations: the same tables and constraints on SQLite and PostgreSQL."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import AsyncIterator, Iterable
from typing import Any

import pytest
from tests.conftest import Server
from tests.support.graphql_client import query_data
from tortoise.context import TortoiseContext
from tortoise.exceptions import BaseORMException, IntegrityError
from tortoise.migrations.autodetector import MigrationAutodetector
from tortoise.migrations.constraints import CheckConstraint
from tortoise.migrations.executor import MigrationExecutor, MigrationTarget
from tortoise.migrations.operations import AddField, AddIndex, AlterModelOptions, RemoveField
from tortoise.models import Model

from contentql.app import build_executor
from contentql.content.derive import sort_key
from contentql.execution.request import GraphQLRequest
from contentql.settings import Settings
from contentql.store.database import Database
from contentql.store.errors import DatabaseKind
from contentql.store.models import MODEL_MODULES, models_of

MODELS: list[type[Model]] = list(models_of())
TABLES = {str(model._meta.db_table): model for model in MODELS}
TIME = "2026-06-30T08:00:00Z"

# Tables without a model: Tortoise's list of migrations, the tables of FTS5, the change log and, on SQLite,
# what switches its triggers off.
UNMODELLED_TABLES = re.compile(
    r"^(sqlite_.*|tortoise_migrations|article_search(_.*)?|live_entry_search(_.*)?|row_change|article_log"
    r"|bulk_write)$"
)


def apps(connection: str) -> dict[str, Any]:
    """Configuration of the application for Tortoise."""
    return {
        "content": {
            "models": list(MODEL_MODULES),
            "migrations": "contentql.store.migrations",
            "default_connection": connection,
        }
    }


class Sql:
    """Executes statements on either database, with `?` as the placeholder of a value."""

    def __init__(self, connection: Any, dialect: DatabaseKind) -> None:
        self.connection = connection
        self.dialect = dialect

    async def __call__(self, text: str, *values: Any) -> list[dict[str, Any]]:
        if self.dialect == "postgres":
            parts = text.split("?")
            text = parts[0] + "".join(f"${i}{part}" for i, part in enumerate(parts[1:], 1))
        result: list[dict[str, Any]] = await self.connection.execute_query_dict(text, list(values))
        return result

    async def insert(self, table: str, **columns: Any) -> None:
        """Inserts a row of literals: both databases convert text to times and numbers."""
        values = ", ".join(_literal(value) for value in columns.values())
        names = ", ".join(f'"{column}"' for column in columns)
        await self.connection.execute_query(f'INSERT INTO "{table}" ({names}) VALUES ({values})')

    async def rows_of(self, table: str) -> list[dict[str, Any]]:
        return await self(f'SELECT * FROM "{table}" ORDER BY 1')


def _literal(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return str(value).upper()
    return str(value) if isinstance(value, int | float) else "'" + str(value).replace("'", "''") + "'"


@contextlib.asynccontextmanager
async def connect_sql(url: str) -> AsyncIterator[Sql]:
    """A connection to the database for plain SQL."""
    database = Database(url)
    async with database.orm() as connection:
        yield Sql(connection, database.dialect)


@pytest.fixture
async def sql(database_url: str) -> AsyncIterator[Sql]:
    async with connect_sql(database_url) as result:
        yield result


# One row of every table.
ROWS: dict[str, dict[str, Any]] = {
    "category": {
        "id": 1,
        "slug": "asia",
        "path": "asia",
        "name": "Asia",
        "names": "[]",
        "sort_name": sort_key("Asia"),
    },
    "source": {
        "id": 2,
        "slug": "sky",
        "name": "Sky",
        "sort_name": sort_key("Sky"),
        "kind": "BROADCASTER",
        "aliases": "[]",
    },
    "media": {
        "id": 3,
        "kind": "IMAGE",
        "url": "https://x/y.jpg",
        "mime": "image/jpeg",
        "renditions": "[]",
        "created_at": TIME,
    },
    "story": {"id": 4, "slug": "war", "title": "War", "sort_name": sort_key("War")},
    "tag": {
        "id": 5,
        "type": "TOPIC",
        "slug": "war",
        "name": "War",
        "names": "[]",
        "sort_name": sort_key("War"),
        "aliases": "[]",
        "codes": "[]",
    },
    "author": {
        "id": 6,
        "slug": "jane",
        "name": "Jane",
        "sort_name": sort_key("Jane"),
        "same_as": "[]",
        "image_id": 3,
    },
    "article": {
        "id": 7,
        "uri": "urn:7",
        "slug": "kim",
        "language": "en",
        "status": "PUBLISHED",
        "content_type": "NEWS",
        "access": "FREE",
        "published_at": TIME,
        "first_published_at": TIME,
        "updated_at": TIME,
        "modified_at": TIME,
        "category_id": 1,
        "lead_media_id": 3,
        "story_id": 4,
        "headline": "Kim; 'sheds' a \"tear\"",
        "extra": '{"a": [1, null, "é"]}',
    },
    "article_body": {"article_id": 7, "blocks": "[]", "html": "<p>", "markdown": "x", "text": "x"},
    "article_section": {"id": 8, "article_id": 7, "category_id": 1, "published_at": TIME},
    "article_tag": {"id": 9, "article_id": 7, "tag_id": 5, "published_at": TIME},
    "article_author": {"id": 10, "article_id": 7, "author_id": 6, "role": "WRITER"},
    "article_media": {"id": 11, "article_id": 7, "media_id": 3, "role": "LEAD"},
    "article_related": {"id": 12, "article_id": 7, "related_id": 7},
    "attribution": {
        "id": 13,
        "article_id": 7,
        "kind": "CITING",
        "source_id": 2,
        "head_id": 13,
        "origin_id": 2,
        "made_by": "editor",
        "state": "ACCEPTED",
        "verification": "UNVERIFIED",
    },
    "correction": {"id": 14, "article_id": 7, "kind": "CORRECTION", "at": TIME, "text": "x"},
    "live_entry": {
        "id": 30,
        "article_id": 7,
        "block_id": "blk_1",
        "at": TIME,
        "author_id": 6,
        "media_id": 3,
        "block": "{}",
        "blocks": "[]",
        "corrections": "[]",
        "html": "<p>",
        "markdown": "x",
        "text": "x",
        "body_html": "<p>",
        "body_markdown": "x",
        "body_text": "x",
        "created_at": TIME,
        "changed_at": TIME,
    },
    "live_entry_use": {"id": 31, "article_id": 7, "author_id": 6, "entries": 1},
    "live_entry_version": {
        "id": 32,
        "entry_id": 30,
        "version": 1,
        "at": TIME,
        "account": "jane",
        "by": "Jane",
        "block": "{}",
    },
    "collection": {"id": 15, "slug": "front", "title": "Front", "sort_name": sort_key("Front")},
    "collection_item": {"id": 16, "collection_id": 15, "article_id": 7},
    "slug_history": {"id": 17, "article_id": 7, "language": "en", "slug": "old", "until": TIME},
    "external_id": {"id": 18, "article_id": 7, "system": "feed", "value": "17"},
    "trusted_document": {"id": "one", "sha256": "0" * 64, "text": "{ viewer { sees } }", "added_at": TIME},
    "path_history": {"id": 19, "category_id": 1, "path": "world/asia", "until": TIME},
    "former_slug": {"id": 25, "tag_id": 5, "slug": "old", "until": TIME},
    "withdrawal": {"article_id": 7, "language": "en", "slug": "kim", "notice": "Wrong.", "at": TIME},
    "revision": {
        "id": 20,
        "article_id": 7,
        "version": 1,
        "at": TIME,
        "account": "jane",
        "by": "Jane",
        "action": "CREATED",
        "field_texts": "{}",
        "record": "{}",
    },
    "scheduled_change": {
        "id": 26,
        "article_id": 7,
        "at": TIME,
        "version": 1,
        "copy_version": 1,
        "account": "jane",
        "by": "Jane",
        "role": "EDITOR",
        "created_at": TIME,
    },
    "audit_entry": {
        "id": 21,
        "at": TIME,
        "account": "jane",
        "by": "Jane",
        "role": "EDITOR",
        "action": "createArticle",
        "request_id": "r-1",
    },
    "idempotency_record": {
        "id": 22,
        "account": "jane",
        "key": "k",
        "request_hash": "a",
        "selection_hash": "s",
        "response": "{}",
        "at": TIME,
    },
    "token": {
        "id": 23,
        "account": "jane",
        "name": "Jane",
        "role": "EDITOR",
        "scopes": "[]",
        "hash": "0" * 64,
        "hint": "abcd",
        "created_at": TIME,
        "created_by": "Operator",
    },
    "signing_key": {"id": "preview", "value": "s", "created_at": TIME},
    "preview_link": {
        "id": 24,
        "article_id": 7,
        "token_id": 23,
        "account": "jane",
        "created_at": TIME,
        "created_by": "Jane",
        "expires_at": TIME,
    },
    "redirect": {
        "id": 27,
        "path": "/old",
        "target_table": "article",
        "target_id": 7,
        "status": 301,
        "created_at": TIME,
        "created_by": "Jane",
    },
    "webhook": {
        "id": 28,
        "kind": "WEBHOOK",
        "name": "Site",
        "url": "https://example.org/hook",
        "event_types": "[]",
        "secret": "whsec_",
        "enabled": True,
        "created_at": TIME,
        "created_by": "Jane",
    },
    "webhook_delivery": {
        "id": 29,
        "webhook_id": 28,
        "message_id": "msg_1",
        "event_type": "article.updated",
        "article_id": 7,
        "at": TIME,
        "data": "{}",
        "state": "PENDING",
        "queued_at": TIME,
        "next_attempt_at": TIME,
    },
    "webhook_position": {"id": 2, "seq": 1, "change_seq": 1, "clock_until": TIME},
}
# The migrations after the first, the tables that they add, and the tables of the first.
AFTER_FIRST = [
    "0002_rules_and_indexes",
    "0003_changes",
    "0004_documents",
    "0005_newsdesk",
    "0006_preview_links",
    "0007_undo",
    "0008_rich_text",
    "0009_scheduled_changes",
    "0010_site",
    "0011_search",
    "0012_slugs",
    "0013_article_log",
    "0014_live_entries",
    "0015_webhooks",
    "0016_import_identity",
]
LATER_TABLES = {
    "live_entry",
    "live_entry_use",
    "live_entry_version",
    "trusted_document",
    "path_history",
    "former_slug",
    "withdrawal",
    "revision",
    "scheduled_change",
    "audit_entry",
    "idempotency_record",
    "token",
    "signing_key",
    "preview_link",
    "redirect",
    "webhook",
    "webhook_delivery",
    "webhook_position",
}
FIRST_MIGRATION_TABLES = tuple(table for table in ROWS if table not in LATER_TABLES)


async def insert_rows(sql: Sql, tables: Iterable[str] = tuple(ROWS)) -> None:
    """Inserts the row of each table."""
    for table in tables:
        await sql.insert(table, **ROWS[table])


async def migrate_to(url: str, name: str) -> None:
    """Migrates the database up to the migration."""
    database = Database(url)
    async with database.orm(foreign_keys=False) as connection:
        await MigrationExecutor(connection, apps(database.dialect)).migrate(
            [MigrationTarget("content", name)], direction="forward"
        )


# Migrations


def test_sample_rows_cover_every_table() -> None:
    """The other tests leave no table out."""
    assert ROWS.keys() == TABLES.keys()


async def test_migrations_keep_existing_rows(server: Server) -> None:
    """Rows inserted after the first migration are unchanged after the last one."""
    url = await server.empty()
    await migrate_to(url, "0001_content")
    async with connect_sql(url) as sql:
        await insert_rows(sql, FIRST_MIGRATION_TABLES)
        before = {table: await sql.rows_of(table) for table in FIRST_MIGRATION_TABLES}
    applied: list[str] = []
    await Database(url).migrate(applied.append)
    assert applied == AFTER_FIRST
    async with connect_sql(url) as sql:
        after = {
            table: [{c: row[c] for c in before[table][0]} for row in await sql.rows_of(table)]
            for table in FIRST_MIGRATION_TABLES
        }
    assert all(len(rows) == 1 for rows in before.values())
    assert after == before
    async with connect_sql(url) as sql:
        with pytest.raises(IntegrityError):
            await sql.insert(
                "article", **{**ROWS["article"], "id": 70, "uri": "u", "slug": "s", "urgency": 10}
            )
        await sql("DELETE FROM article WHERE id = ?", 7)
        assert await sql.rows_of("article_body") == []
    await server.drop(url)


async def test_the_search_index_and_sort_keys_are_rebuilt(server: Server) -> None:
    """Existing articles are found by their words, stems and sources, and existing names by theirs."""
    url = await server.empty()
    await migrate_to(url, "0009_scheduled_changes")
    query = """{
      word: articles(search: "sheds") { totalCount } stem: articles(search: "shedding") { totalCount }
      source: articles(search: "sky") { totalCount } author: articles(search: "\\"jane\\"") { totalCount }
      names: authors(search: "jan*", orderBy: [NAME_ASC]) { nodes { name } }
      headlines: articles(orderBy: [HEADLINE_ASC], filter: {headline: {containsFold: "KIM"}}) { totalCount }
    }"""
    async with connect_sql(url) as sql:
        await insert_rows(sql, FIRST_MIGRATION_TABLES)
        await sql("UPDATE author SET sort_name = ?", "old")
        await sql("UPDATE attribution SET state = ?", "ACCEPTED")
    await Database(url).migrate()
    async with connect_sql(url) as sql:
        assert [row["sort_name"] for row in await sql("SELECT sort_name FROM author")] == [sort_key("Jane")]
        (row,) = await sql("SELECT sort_headline, headline FROM article")
        assert row["sort_headline"] == sort_key(row["headline"])
    async with Database(url) as database:
        data = await query_data(build_executor(Settings(), database), query)
    assert data.pop("names") == {"nodes": [{"name": "Jane"}]}
    assert {name: value["totalCount"] for name, value in data.items()} == dict.fromkeys(data, 1)
    await server.drop(url)


async def test_ranges_of_marks_become_runs(server: Server) -> None:
    """Lists and tables of plain strings, too; HTML and Markdown are rendered again."""
    url = await server.empty()
    await migrate_to(url, "0007_undo")
    bold = {"start": 0, "end": 1, "kind": "strong", "href": None}
    stored = [
        {"id": "blk_1", "type": "PARAGRAPH", "text": "ab", "marks": [bold]},
        {"id": "blk_2", "type": "LIST", "ordered": True, "items": ["a", "b"]},
        {"id": "blk_3", "type": "TABLE", "rows": [["a", "b"]]},
        {"id": "blk_4", "type": "IMAGE", "media": 5, "caption": "c"},
    ]
    async with connect_sql(url) as sql:
        await insert_rows(sql, FIRST_MIGRATION_TABLES)
        await sql("UPDATE article_body SET blocks = ?, html = ?, markdown = ?", json.dumps(stored), "", "")
    await Database(url).migrate()
    async with connect_sql(url) as sql:
        (row,) = await sql("SELECT CAST(blocks AS text) AS blocks, html, markdown FROM article_body")
    paragraph, list_, table, image = json.loads(row["blocks"])
    run = {"href": None, "language": None, "mention": None}
    assert paragraph["runs"] == [{"text": "a", "marks": ["STRONG"], **run}, {"text": "b", "marks": [], **run}]
    assert [(item["text"], item["number"]) for item in list_["items"]] == [("a", 1), ("b", 2)]
    assert [cell["text"] for cell in table["rows"][0]["cells"]] == ["a", "b"]
    assert (image["caption"], image["captionRuns"]) == ("c", None)
    assert row["markdown"] == "**a**b\n\n1. a\n2. b\n\n| a | b |\n| --- | --- |\n\n![c](med_5)"
    assert row["html"].startswith('<p id="blk_1"><strong>a</strong>b</p>')
    await server.drop(url)


async def test_slugs_in_nfd_become_nfc(server: Server) -> None:
    """Of every table; one whose normal form is taken stays as it is."""
    url = await server.empty()
    await migrate_to(url, "0011_search")
    nfd, nfc = "cafe\u0301", "caf\u00e9"
    async with connect_sql(url) as sql:
        await insert_rows(sql, [table for table in ROWS if not table.startswith(("live_entry", "webhook"))])
        for table in ("article", "tag", "author", "source", "story", "collection", "former_slug"):
            await sql(f"UPDATE {table} SET slug = ?", nfd)
        await sql("UPDATE category SET path = ?, slug = ?", f"world/{nfd}", nfd)
        await sql.insert("author", **{**ROWS["author"], "id": 99, "slug": nfc})
    await Database(url).migrate()
    async with connect_sql(url) as sql:
        for table in ("article", "tag", "source", "story", "collection", "former_slug"):
            assert {row["slug"] for row in await sql(f"SELECT slug FROM {table}")} == {nfc}, table
        assert [row["path"] for row in await sql("SELECT path FROM category")] == [f"world/{nfc}"]
        slugs = {row["id"]: row["slug"] for row in await sql("SELECT id, slug FROM author")}
        assert slugs.pop(99) == nfc
        assert set(slugs.values()) == {nfd}
    await server.drop(url)


async def test_live_entries_become_rows(server: Server) -> None:
    """Of the article; those that only its working copy has are not published, and stay as removed ones."""
    url = await server.empty()
    await migrate_to(url, "0013_article_log")
    entry = {"type": "LIVE_ENTRY", "at": TIME, "keyEvent": False, "summary": False, "marks": [], "runs": None}
    first = {**entry, "id": "blk_2", "title": "First", "text": "one", "pinned": True}
    second = {**entry, "id": "blk_3", "title": None, "text": "two", "pinned": False}
    third = {**entry, "id": "blk_4", "title": None, "text": "three", "pinned": False}
    intro: dict[str, Any] = {"id": "blk_1", "type": "PARAGRAPH", "text": "intro", "marks": [], "runs": None}
    async with connect_sql(url) as sql:
        await insert_rows(sql, [table for table in ROWS if not table.startswith(("live_entry", "webhook"))])
        await sql.insert("article", **{**ROWS["article"], "id": 95, "status": "DRAFT", "working_of": 7})
        await sql.insert("article_body", **{**ROWS["article_body"], "article_id": 95})
        for id, blocks in ((7, [second, intro, first]), (95, [intro, first, third])):
            await sql("UPDATE article_body SET blocks = ? WHERE article_id = ?", json.dumps(blocks), id)
    await Database(url).migrate()
    async with connect_sql(url) as sql:
        bodies = await sql("SELECT article_id, CAST(blocks AS text) AS blocks, text, html FROM article_body")
        for body in bodies:
            assert [block["id"] for block in json.loads(body["blocks"])] == ["blk_1"], body
            assert (body["text"], body["html"]) == ("intro", '<p id="blk_1">intro</p>')
        rows = await sql(
            "SELECT article_id, block_id, position, title, text, removed_at FROM live_entry ORDER BY block_id"
        )
        assert [tuple(row.values())[:5] for row in rows] == [
            (7, "blk_2", 1, "First", "one"),
            (7, "blk_3", 0, None, "two"),
            (7, "blk_4", 0, None, "three"),
        ]
        assert [row["removed_at"] is None for row in rows] == [True, True, False]
    query = '{ articles(search: "two") { nodes { id body { blocks { id } } liveEntries { totalCount } } } }'
    async with Database(url) as database:
        executor = build_executor(Settings(database_url=url, response_cache_bytes=0), database)
        response = await executor.execute(GraphQLRequest(query))
    (article,) = json.loads(response.body)["data"]["articles"]["nodes"]
    assert [block["id"] for block in article["body"]["blocks"]] == ["blk_1", "blk_2", "blk_3"]
    assert article["liveEntries"]["totalCount"] == 2
    await server.drop(url)


async def test_migration_fails_on_rows_that_violate_a_constraint(server: Server) -> None:
    """The failed migration changes no row and stays pending."""
    url = await server.empty()
    await migrate_to(url, "0001_content")
    async with connect_sql(url) as sql:
        await insert_rows(sql, FIRST_MIGRATION_TABLES)
        await sql("UPDATE article SET urgency = ?", 17)
    with pytest.raises(Exception, match="cannot be used"):
        await Database(url).migrate()
    assert (await Database(url).migration_state()).pending == tuple(AFTER_FIRST)
    async with connect_sql(url) as sql:
        assert [row["urgency"] for row in await sql.rows_of("article")] == [17]
        assert len(await sql.rows_of("article_body")) == 1
    await server.drop(url)


async def test_migrating_again_changes_nothing(database_url: str) -> None:
    """A second run applies no migration."""
    applied: list[str] = []
    await Database(database_url).migrate(applied.append)
    state = await Database(database_url).migration_state()
    assert (applied, state.pending, state.unknown) == ([], (), ())


async def test_migrations_match_the_models(database_url: str) -> None:
    """Tortoise would generate no new migration, apart from primary keys."""
    database = Database(database_url)
    async with database.orm(), TortoiseContext() as context:
        await context.init(
            config={"connections": {database.dialect: "sqlite://:memory:"}, "apps": apps(database.dialect)},
            use_tz=True,
        )
        assert context.apps
        changes = await MigrationAutodetector(context.apps, apps(database.dialect)).changes()
    # In the tables the database generates ids (on SQLite the id is then the rowid), in the models the
    # application does; Tortoise reports this difference.
    operations = [operation for writer in changes for operation in writer.operations]
    assert [vars(o) for o in operations if not _concerns_primary_key(o)] == []


def _concerns_primary_key(operation: Any) -> bool:
    if isinstance(operation, AddIndex):
        return tuple(operation.index.fields) == ("id",)
    if isinstance(operation, AlterModelOptions):
        return operation.name in ("ArticleBody", "Withdrawal")
    return isinstance(operation, AddField | RemoveField) and operation.name == "id"


# Equality of both databases


async def columns_of(url: str) -> dict[str, dict[str, bool]]:
    """The columns of each table, and whether they are nullable."""
    async with connect_sql(url) as sql:
        if sql.dialect == "postgres":
            rows = await sql(
                "SELECT table_name AS t, column_name AS c, is_nullable = 'YES' AS n"
                " FROM information_schema.columns WHERE table_schema = 'public'"
            )
        else:
            rows = await sql(
                'SELECT m.name AS t, c.name AS c, NOT (c."notnull" OR c.pk) AS n'
                " FROM sqlite_master m, pragma_table_info(m.name) c WHERE m.type = 'table'"
            )
    columns: dict[str, dict[str, bool]] = {}
    for row in rows:
        if not UNMODELLED_TABLES.match(row["t"]):
            columns.setdefault(row["t"], {})[row["c"]] = bool(row["n"])
    return columns


async def test_both_databases_have_the_same_tables(sqlite_server: Server, postgres_server: Server) -> None:
    """Tables, columns and nullability are equal, and as the models declare them."""
    sqlite = await columns_of(await sqlite_server.migrated())
    postgres = await columns_of(await postgres_server.migrated())
    assert sqlite == postgres
    assert sqlite == {
        table: {
            field.source_field or name: field.null
            for name, field in model._meta.fields_map.items()
            if name in model._meta.fields_db_projection
        }
        for table, model in TABLES.items()
    }


async def test_both_databases_have_the_same_indexes(sqlite_server: Server, postgres_server: Server) -> None:
    """Indexes have the same names on both databases."""
    names = []
    for server in (sqlite_server, postgres_server):
        async with connect_sql(await server.migrated()) as sql:
            rows = await sql(
                "SELECT indexname AS n FROM pg_indexes WHERE schemaname = 'public'"
                if sql.dialect == "postgres"
                else "SELECT name AS n FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
            )
        existing = {row["n"] for row in rows}
        names.append(
            {
                n
                for n in existing
                if not re.search(r"_pkey$|_key$|^uid_|^(article|live_entry)_search|^tortoise", n)
            }
        )
    assert names[0] == names[1]
    assert len(names[0]) > 30


# Constraints

INVALID_VALUES: list[tuple[str, dict[str, Any]]] = [
    ("category", {"depth": 8}),
    ("category", {"depth": -1}),
    ("category", {"parent_id": 1}),
    ("source", {"kind": "RUMOUR"}),
    ("media", {"kind": "HOLOGRAM"}),
    ("media", {"focal_x": 1.5, "focal_y": 0.5}),
    ("media", {"focal_x": 0.5, "focal_y": -0.1}),
    ("tag", {"type": "MOOD"}),
    ("article", {"status": "published"}),
    ("article", {"status": "GONE"}),
    ("article", {"content_type": "GOSSIP"}),
    ("article", {"access": "SECRET"}),
    ("article", {"urgency": 0}),
    ("article", {"urgency": 10}),
    ("article", {"published_at": None}),
    ("article", {"first_published_at": None}),
    ("article", {"updated_at": None}),
    ("article", {"category_id": None}),
    ("article", {"status": "SCHEDULED", "published_at": None}),
    ("article", {"embargo_until": "2026-06-30T08:00:00Z", "expires_at": "2026-06-30T08:00:00Z"}),
    ("article", {"embargo_until": "2026-06-30T08:00:00Z", "expires_at": "2026-06-29T08:00:00Z"}),
    ("article_author", {"role": "GHOST"}),
    ("article_media", {"role": "BACKGROUND"}),
    ("attribution", {"kind": "HEARD"}),
    ("attribution", {"state": "MAYBE"}),
    ("attribution", {"verification": "SURELY"}),
    ("attribution", {"stance": "SHRUGS"}),
    ("attribution", {"hop": 6}),
    ("attribution", {"hop": -1}),
    ("attribution", {"via_id": 13}),
    ("attribution", {"source_id": None}),
    ("attribution", {"span_start": -1, "span_end": 4}),
    ("attribution", {"span_start": 4, "span_end": 4}),
    ("attribution", {"score": 1.1}),
    ("correction", {"kind": "SHRUG"}),
    ("webhook", {"kind": "PIGEON"}),
    ("webhook_delivery", {"state": "LOST"}),
]  # fmt: skip


def test_invalid_values_cover_every_check_constraint() -> None:
    """Each CHECK of the models has an invalid value above."""
    invalid = {(table, column) for table, values in INVALID_VALUES for column in values}
    for table, model in TABLES.items():
        for constraint in model._meta.constraints or ():
            assert isinstance(constraint, CheckConstraint)
            words = set(re.findall(r"[a-z_]+", re.sub(r"'[^']*'", "", constraint.check)))
            assert any(t == table and column in words for t, column in invalid), (table, constraint.check)


async def test_check_constraints_reject_invalid_values(sql: Sql) -> None:
    """Constraints apply to every writer of the database."""
    await insert_rows(sql)
    for table, wrong in INVALID_VALUES:
        assignments = ", ".join(f'"{column}" = {_literal(value)}' for column, value in wrong.items())
        with pytest.raises(BaseORMException):
            await sql.connection.execute_query(f'UPDATE "{table}" SET {assignments}')
    after = {table: (await sql.rows_of(table))[0] for table in TABLES}
    assert after["article"]["urgency"] == 5


async def test_foreign_keys_are_enforced(sql: Sql) -> None:
    """Holds for every table."""
    await insert_rows(sql)
    keys = 0
    for table, model in TABLES.items():
        for name in model._meta.fk_fields | model._meta.o2o_fields:
            column = model._meta.fields_map[name].source_field
            if table == "attribution" and name == "via":
                column = "via_id"
            keys += 1
            with pytest.raises(IntegrityError):
                await sql.connection.execute_query(f'UPDATE "{table}" SET "{column}" = 424242')
    assert keys > 25


async def test_referenced_rows_cannot_be_deleted(sql: Sql) -> None:
    """Rows that an article uses cannot be deleted; deleting an article deletes its own parts."""
    await insert_rows(sql)
    for table in ("category", "source", "media", "story", "tag", "author"):
        with pytest.raises(IntegrityError):
            await sql.connection.execute_query(f'DELETE FROM "{table}"')
    await sql.connection.execute_query("DELETE FROM article")
    remaining = {table for table in TABLES if await sql.rows_of(table)}
    taxonomy = {"category", "source", "media", "story", "tag", "author", "collection", "path_history"}
    assert remaining == taxonomy | {
        "former_slug",
        "trusted_document",
        "audit_entry",
        "idempotency_record",
        "redirect",
        "token",
        "signing_key",
        "webhook",
        "webhook_delivery",
        "webhook_position",
    }


UNIQUE_TABLES: dict[str, dict[str, Any]] = {
    "category": {"slug": "other"},
    "source": {},
    "story": {},
    "tag": {},
    "author": {},
    "collection": {},
    "article": {"uri": "urn:other"},
    "article_section": {"direct": False},
    "article_tag": {},
    "article_author": {},
    "article_media": {"media_id": 3},
    "article_related": {},
    "collection_item": {},
    "slug_history": {},
    "external_id": {},
    "path_history": {},
    "revision": {},
    "idempotency_record": {},
    "token": {},
}


async def test_unique_constraints_reject_duplicates(sql: Sql) -> None:
    """Slugs, paths, URIs and pairs are unique, also when the other columns differ."""
    await insert_rows(sql)
    for table, change in UNIQUE_TABLES.items():
        with pytest.raises(IntegrityError):
            await sql.insert(table, **{**ROWS[table], "id": 99, **change})
    with pytest.raises(IntegrityError):
        await sql.insert("article", **{**ROWS["article"], "id": 99, "slug": "other"})
    await sql.insert("article", **{**ROWS["article"], "id": 99, "uri": "urn:99", "language": "ko"})
    await sql.insert("article", **{**ROWS["article"], "id": 95, "status": "DRAFT", "working_of": 7})
    await sql.insert("tag", **{**ROWS["tag"], "id": 98, "type": "PLACE"})
    await sql.insert("category", **{**ROWS["category"], "id": 97, "parent_id": 1, "path": "asia/asia"})
    with pytest.raises(IntegrityError):
        await sql.insert("category", **{**ROWS["category"], "id": 96, "parent_id": 1, "path": "asia/x"})


async def test_foreign_keys_have_an_index(sql: Sql) -> None:
    """An index begins with each foreign key column, so that joins and deletions read no whole table."""
    if sql.dialect == "postgres":
        keys = await sql(
            "SELECT c.conrelid::regclass::text AS t, a.attname AS c FROM pg_constraint c"
            " JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1] WHERE c.contype = 'f'"
        )
        first = await sql(
            "SELECT i.indrelid::regclass::text AS t, a.attname AS c,"
            " pg_get_expr(i.indpred, i.indrelid) AS p FROM pg_index i"
            " JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]"
        )
    else:
        keys = await sql(
            'SELECT m.name AS t, f."from" AS c FROM sqlite_master m, pragma_foreign_key_list(m.name) f'
            " WHERE m.type = 'table'"
        )
        first = await sql(
            "SELECT m.name AS t, c.name AS c, CASE WHEN i.partial THEN"
            " (SELECT s.sql FROM sqlite_master s WHERE s.name = i.name) END AS p"
            " FROM sqlite_master m, pragma_index_list(m.name) i, pragma_index_info(i.name) c"
            " WHERE m.type = 'table' AND c.seqno = 0"
            # SQLite does not list the primary key of a table as an index.
            " UNION ALL SELECT m.name, c.name, NULL FROM sqlite_master m, pragma_table_info(m.name) c"
            " WHERE m.type = 'table' AND c.pk = 1"
        )
    assert len(keys) > 25
    # A partial index is sufficient if it omits only rows whose key is null.
    usable = {
        (row["t"], row["c"])
        for row in first
        if not row["p"] or re.search(rf"\(?{row['c']} IS NOT NULL\)?$", row["p"])
    }
    assert {(row["t"], row["c"]) for row in keys} - usable == set()
