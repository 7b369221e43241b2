"""Storage of trusted documents on both databases: lookup by id, updates and usage counts."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from tests.conftest import Server
from tortoise.migrations.executor import MigrationExecutor, MigrationTarget

from contentql.errors import ApiError
from contentql.store.database import Database, Row
from contentql.store.errors import sqlite_path
from contentql.store.models import MODEL_MODULES
from contentql.store.trusted_documents import (
    NewTrustedDocument,
    TrustedDocumentStore,
    add_documents,
    list_documents,
    normalize_document_id,
    remove_documents,
    sha256,
)

LATEST = "query Latest { latestNews { nodes { headline } } }"
VIEWER = "{ viewer { role } } # héllo"
MD5 = "3be4abb81fa595e25eb725b2c6a87508"


class CountingDatabase(Database):
    """A database that counts its reads and can be made unavailable."""

    read_count = 0
    is_unavailable = False

    async def row(self, sql: str, values: Sequence[Any], seconds: float = 5.0) -> Row:
        self.read_count += 1
        if self.is_unavailable:
            raise ApiError("DATABASE_UNAVAILABLE", "The database does not answer just now.")
        return await super().row(sql, values, seconds)


class Clock:
    """A clock that the test sets."""

    time = 100.0

    def __call__(self) -> float:
        return self.time


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[CountingDatabase]:
    result = CountingDatabase(database_url)
    async with result:
        yield result


async def add(database: Database, *documents: NewTrustedDocument) -> None:
    """Adds the documents, which must be new."""
    assert await add_documents(database, documents) == ["added"] * len(documents)


async def usage_of(database: Database) -> dict[str, tuple[int, int | None]]:
    """Number of uses and last cost of each document."""
    return {row.id: (row.uses, row.cost) for row in await list_documents(database)}


def hashed_document(text: str) -> NewTrustedDocument:
    """A document whose id is its SHA-256."""
    return NewTrustedDocument(sha256(text), text)


# Lookup


async def test_documents_are_read_by_id_or_sha256(database: CountingDatabase) -> None:
    """With or without the prefix; a document whose id is no hash is also read by its hash."""
    await add(database, hashed_document(VIEWER), NewTrustedDocument(MD5, LATEST))
    documents = TrustedDocumentStore(database)
    for id in (sha256(VIEWER), f"sha256:{sha256(VIEWER)}"):
        assert await documents.text(id) == VIEWER
    for id in (MD5, sha256(LATEST), f"sha256:{sha256(LATEST)}"):
        assert await documents.text(id) == LATEST


async def test_ids_take_precedence_over_hashes(database: CountingDatabase) -> None:
    """One text under two ids is counted for each id."""
    await add(database, hashed_document(LATEST), NewTrustedDocument(MD5, LATEST))
    documents = TrustedDocumentStore(database)
    for id in (MD5, sha256(LATEST), sha256(LATEST)):
        assert await documents.text(id) == LATEST
        documents.count_use(id)
    await documents.flush_last_used()
    assert await usage_of(database) == {MD5: (1, None), sha256(LATEST): (2, None)}


async def test_documents_are_cached(database: CountingDatabase) -> None:
    """A thousand requests execute one statement."""
    await add(database, hashed_document(LATEST))
    documents = TrustedDocumentStore(database)
    for _ in range(1000):
        assert await documents.text(sha256(LATEST)) == LATEST
    assert database.read_count == 1


async def test_unknown_ids_are_read_once_a_second(database: CountingDatabase) -> None:
    """A document that is added is available after a second."""
    clock = Clock()
    documents = TrustedDocumentStore(database, clock=clock)
    for _ in range(100):
        assert await documents.text(sha256(LATEST)) is None
    assert database.read_count == 1
    await add(database, hashed_document(LATEST))
    clock.time += 1.1
    assert await documents.text(sha256(LATEST)) == LATEST


@pytest.mark.parametrize(
    "id", ["", "sha256:", "a b", "x" * 129, "a'b", "é", "a\n", "a/b", "{ viewer { role } }"]
)
async def test_invalid_ids_are_not_read(database: CountingDatabase, id: str) -> None:
    """They are unknown without a read of the database."""
    assert normalize_document_id(id) is None
    assert await TrustedDocumentStore(database).text(id) is None
    assert database.read_count == 0


async def test_cached_documents_and_unknown_ids_are_limited(database: CountingDatabase) -> None:
    """The oldest are removed and read again when they are requested."""
    texts = [f"query Q{n} {{ viewer {{ role }} }}" for n in range(10)]
    await add(database, *map(hashed_document, texts))
    documents = TrustedDocumentStore(database, characters=3 * len(texts[0]), unknown=3)
    for text in texts * 2:
        assert await documents.text(sha256(text)) == text
    assert database.read_count == 20
    assert await documents.text(sha256(texts[-3])) == texts[-3]
    assert database.read_count == 20
    for n in range(10):
        assert await documents.text(f"unknown-{n}") is None
    assert await documents.text("unknown-7") is None
    assert database.read_count == 30
    assert await documents.text("unknown-0") is None
    assert database.read_count == 31


# Usage


async def test_uses_are_counted_across_servers(database: CountingDatabase) -> None:
    """Number, last cost and time are written in batches and added up."""
    await add(database, hashed_document(LATEST), hashed_document(VIEWER))
    servers = TrustedDocumentStore(database), TrustedDocumentStore(database)
    for server in servers:
        assert await server.text(sha256(LATEST))
        for cost in (None, 20, 21, None):
            server.count_use(f"sha256:{sha256(LATEST)}", cost)
        await server.flush_last_used()
        await server.flush_last_used()
    assert await usage_of(database) == {sha256(LATEST): (8, 21), sha256(VIEWER): (0, None)}
    last_used = {row.id: row.last_used_at for row in await list_documents(database)}
    assert last_used[sha256(LATEST)] is not None
    assert last_used[sha256(VIEWER)] is None


async def test_unknown_documents_are_not_counted(database: CountingDatabase) -> None:
    """Not even when the document is added later."""
    documents = TrustedDocumentStore(database)
    assert await documents.text(sha256(LATEST)) is None
    documents.count_use(sha256(LATEST), 5)
    documents.count_use("a b")
    await add(database, hashed_document(LATEST))
    await documents.flush_last_used()
    assert await usage_of(database) == {sha256(LATEST): (0, None)}


async def test_removed_documents_are_unknown_after_the_next_flush(database: CountingDatabase) -> None:
    """Under all their ids."""
    await add(database, NewTrustedDocument(MD5, LATEST), hashed_document(VIEWER))
    documents = TrustedDocumentStore(database)
    for id in (MD5, sha256(LATEST), sha256(VIEWER)):
        assert await documents.text(id)
        documents.count_use(id)
    assert await remove_documents(database, [MD5, "unknown"]) == 1
    await documents.flush_last_used()
    assert [await documents.text(id) for id in (MD5, sha256(LATEST), sha256(VIEWER))] == [None, None, VIEWER]
    assert await usage_of(database) == {sha256(VIEWER): (1, None)}


# Outages


async def test_usage_is_written_after_an_outage(
    database: CountingDatabase, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A failed flush is logged, and the next flush writes all uses."""
    await add(database, hashed_document(LATEST))
    documents = TrustedDocumentStore(database)
    assert await documents.text(sha256(LATEST))
    documents.count_use(sha256(LATEST), 7)
    with monkeypatch.context() as patched, caplog.at_level(logging.WARNING, "contentql"):
        nowhere = {"sqlite": "sqlite:////nowhere/at/all.db", "postgres": "postgresql://127.0.0.1:1/none"}
        patched.setattr(database, "url", nowhere[database.dialect])
        await documents.flush_last_used()
    assert "could not be written" in caplog.text
    documents.count_use(sha256(LATEST))
    await documents.flush_last_used()
    assert await usage_of(database) == {sha256(LATEST): (2, 7)}


async def test_outages_are_not_reported_as_unknown_documents(database: CountingDatabase) -> None:
    """Cached documents are still returned, others are DATABASE_UNAVAILABLE."""
    await add(database, hashed_document(LATEST), hashed_document(VIEWER))
    documents = TrustedDocumentStore(database)
    assert await documents.text(sha256(LATEST))
    database.is_unavailable = True
    assert await documents.text(sha256(LATEST)) == LATEST
    with pytest.raises(ApiError) as exc_info:
        await documents.text(sha256(VIEWER))
    assert exc_info.value.code == "DATABASE_UNAVAILABLE"
    database.is_unavailable = False
    assert await documents.text(sha256(VIEWER)) == VIEWER


async def test_database_without_the_table_has_no_documents(server: Server) -> None:
    """A database that is not migrated yet causes no error."""
    url = await server.empty()
    if server.dialect == "sqlite":
        sqlite_path(url).touch()
    async with Database(url) as database:
        documents = TrustedDocumentStore(database)
        assert await documents.text(sha256(LATEST)) is None
        await documents.flush_last_used()
    await server.drop(url)


# Updates


async def test_documents_are_immutable(database: CountingDatabase) -> None:
    """The same document again is unchanged, and another text under the same id is rejected."""
    first = NewTrustedDocument("one", LATEST, "Latest", "web", 21)
    result = await add_documents(
        database, [first, first, NewTrustedDocument("one", VIEWER), NewTrustedDocument("two", LATEST)]
    )
    assert result == ["added", "unchanged", "taken", "added"]
    assert await add_documents(database, [NewTrustedDocument("one", LATEST, "Other", "ios")]) == ["unchanged"]
    assert await add_documents(database, [NewTrustedDocument("one", VIEWER), hashed_document(VIEWER)]) == [
        "taken",
        "added",
    ]
    (row,) = [row for row in await list_documents(database) if row.id == "one"]
    assert (row.text, row.name, row.client, row.cost, row.sha256) == (
        LATEST,
        "Latest",
        "web",
        21,
        sha256(LATEST),
    )


async def test_dry_run_stores_nothing(database: CountingDatabase) -> None:
    """The results are the same."""
    assert await add_documents(
        database, [hashed_document(LATEST), hashed_document(LATEST)], dry_run=True
    ) == [
        "added",
        "unchanged",
    ]
    assert await list_documents(database) == []


async def test_migration_of_documents_keeps_existing_rows(server: Server) -> None:
    """The new table is empty and its ids are unique."""
    url = await server.empty()
    database = Database(url)
    apps = {
        "content": {
            "models": list(MODEL_MODULES),
            "migrations": "contentql.store.migrations",
            "default_connection": database.dialect,
        }
    }
    story = "INSERT INTO story (id, slug, title, sort_name) VALUES (1, 'war', 'War', 'war')"
    async with database.orm(foreign_keys=False) as connection:
        await MigrationExecutor(connection, apps).migrate(
            [MigrationTarget("content", "0002_rules_and_indexes")], direction="forward"
        )
        await connection.execute_query(story)
    await database.migrate()
    assert await list_documents(database) == []
    await add(database, hashed_document(LATEST))
    async with database.orm() as connection:
        assert await connection.execute_query_dict("SELECT slug FROM story") == [{"slug": "war"}]
    assert await add_documents(database, [hashed_document(LATEST)]) == ["unchanged"]
    await server.drop(url)
