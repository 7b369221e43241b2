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


class Watched(Database):
    """A database that counts the statements it reads with, and can go away."""

    reads = 0
    away = False

    async def row(self, sql: str, values: Sequence[Any], seconds: float = 5.0) -> Row:
        self.reads += 1
        if self.away:
            raise ApiError("DATABASE_UNAVAILABLE", "The database does not answer just now.")
        return await super().row(sql, values, seconds)


class Clock:
    time = 100.0

    def __call__(self) -> float:
        return self.time


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Watched]:
    result = Watched(database_url)
    async with result:
        yield result


async def let_in(database: Database, *documents: NewTrustedDocument) -> None:
    assert await add_documents(database, documents) == ["added"] * len(documents)


async def uses_of(database: Database) -> dict[str, tuple[int, int | None]]:
    return {row.id: (row.uses, row.cost) for row in await list_documents(database)}


def hashed(text: str) -> NewTrustedDocument:
    return NewTrustedDocument(sha256(text), text)


# Found


async def test_a_document_is_found_by_its_id_and_by_its_sha256(database: Watched) -> None:
    """With the prefix and without; an id that is no hash finds its text, and so does the text's hash."""
    await let_in(database, hashed(VIEWER), NewTrustedDocument(MD5, LATEST))
    documents = TrustedDocumentStore(database)
    for id in (sha256(VIEWER), f"sha256:{sha256(VIEWER)}"):
        assert await documents.text(id) == VIEWER
    for id in (MD5, sha256(LATEST), f"sha256:{sha256(LATEST)}"):
        assert await documents.text(id) == LATEST


async def test_an_id_comes_before_a_hash(database: Watched) -> None:
    """One text under two ids: each is counted by itself."""
    await let_in(database, hashed(LATEST), NewTrustedDocument(MD5, LATEST))
    documents = TrustedDocumentStore(database)
    for id in (MD5, sha256(LATEST), sha256(LATEST)):
        assert await documents.text(id) == LATEST
        documents.used(id)
    await documents.flush_last_used()
    assert await uses_of(database) == {MD5: (1, None), sha256(LATEST): (2, None)}


async def test_what_was_found_is_not_read_again(database: Watched) -> None:
    """A thousand requests are one statement."""
    await let_in(database, hashed(LATEST))
    documents = TrustedDocumentStore(database)
    for _ in range(1000):
        assert await documents.text(sha256(LATEST)) == LATEST
    assert database.reads == 1


async def test_an_unknown_id_is_asked_for_once_a_second(database: Watched) -> None:
    """And found as soon as that second is over, once it was let in."""
    clock = Clock()
    documents = TrustedDocumentStore(database, clock=clock)
    for _ in range(100):
        assert await documents.text(sha256(LATEST)) is None
    assert database.reads == 1
    await let_in(database, hashed(LATEST))
    clock.time += 1.1
    assert await documents.text(sha256(LATEST)) == LATEST


@pytest.mark.parametrize(
    "id", ["", "sha256:", "a b", "x" * 129, "a'b", "é", "a\n", "a/b", "{ viewer { role } }"]
)
async def test_what_cannot_be_an_id_costs_nothing(database: Watched, id: str) -> None:
    """Such a document is not there, without asking the database."""
    assert normalize_document_id(id) is None
    assert await TrustedDocumentStore(database).text(id) is None
    assert database.reads == 0


async def test_what_is_remembered_is_bounded(database: Watched) -> None:
    """Old texts and old unknown ids make room for new ones, and are found again by asking."""
    texts = [f"query Q{n} {{ viewer {{ role }} }}" for n in range(10)]
    await let_in(database, *map(hashed, texts))
    documents = TrustedDocumentStore(database, characters=3 * len(texts[0]), unknown=3)
    for text in texts * 2:
        assert await documents.text(sha256(text)) == text
    assert database.reads == 20
    assert await documents.text(sha256(texts[-3])) == texts[-3]
    assert database.reads == 20
    for n in range(10):
        assert await documents.text(f"unknown-{n}") is None
    assert await documents.text("unknown-7") is None
    assert database.reads == 30
    assert await documents.text("unknown-0") is None
    assert database.reads == 31


# Counted


async def test_uses_are_counted_and_written_together(database: Watched) -> None:
    """The count, the last known cost, and when; what several servers count is added up."""
    await let_in(database, hashed(LATEST), hashed(VIEWER))
    servers = TrustedDocumentStore(database), TrustedDocumentStore(database)
    for server in servers:
        assert await server.text(sha256(LATEST))
        for cost in (None, 20, 21, None):
            server.used(f"sha256:{sha256(LATEST)}", cost)
        await server.flush_last_used()
        await server.flush_last_used()
    assert await uses_of(database) == {sha256(LATEST): (8, 21), sha256(VIEWER): (0, None)}
    used = {row.id: row.last_used_at for row in await list_documents(database)}
    assert used[sha256(LATEST)] is not None
    assert used[sha256(VIEWER)] is None


async def test_what_is_not_trusted_is_not_counted(database: Watched) -> None:
    """A use of a document that was never found leaves nothing behind."""
    documents = TrustedDocumentStore(database)
    assert await documents.text(sha256(LATEST)) is None
    documents.used(sha256(LATEST), 5)
    documents.used("a b")
    await let_in(database, hashed(LATEST))
    await documents.flush_last_used()
    assert await uses_of(database) == {sha256(LATEST): (0, None)}


async def test_a_removed_document_is_no_longer_served(database: Watched) -> None:
    """After its next use and the flush of that, under all its ids."""
    await let_in(database, NewTrustedDocument(MD5, LATEST), hashed(VIEWER))
    documents = TrustedDocumentStore(database)
    for id in (MD5, sha256(LATEST), sha256(VIEWER)):
        assert await documents.text(id)
        documents.used(id)
    assert await remove_documents(database, [MD5, "unknown"]) == 1
    await documents.flush_last_used()
    assert [await documents.text(id) for id in (MD5, sha256(LATEST), sha256(VIEWER))] == [None, None, VIEWER]
    assert await uses_of(database) == {sha256(VIEWER): (1, None)}


# When the database is not as it should be


async def test_counts_outlive_a_database_that_is_away(
    database: Watched, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A flush that fails says so in the log and raises nothing; the next one writes all."""
    await let_in(database, hashed(LATEST))
    documents = TrustedDocumentStore(database)
    assert await documents.text(sha256(LATEST))
    documents.used(sha256(LATEST), 7)
    with monkeypatch.context() as patched, caplog.at_level(logging.WARNING, "contentql"):
        nowhere = {"sqlite": "sqlite:////nowhere/at/all.db", "postgres": "postgresql://127.0.0.1:1/none"}
        patched.setattr(database, "url", nowhere[database.dialect])
        await documents.flush_last_used()
    assert "could not be written" in caplog.text
    documents.used(sha256(LATEST))
    await documents.flush_last_used()
    assert await uses_of(database) == {sha256(LATEST): (2, 7)}


async def test_a_database_that_is_away_is_said(database: Watched) -> None:
    """What is remembered is served on; what must be read is refused, and not taken for unknown."""
    await let_in(database, hashed(LATEST), hashed(VIEWER))
    documents = TrustedDocumentStore(database)
    assert await documents.text(sha256(LATEST))
    database.away = True
    assert await documents.text(sha256(LATEST)) == LATEST
    with pytest.raises(ApiError) as refusal:
        await documents.text(sha256(VIEWER))
    assert refusal.value.code == "DATABASE_UNAVAILABLE"
    database.away = False
    assert await documents.text(sha256(VIEWER)) == VIEWER


async def test_a_database_without_the_table_trusts_nothing(server: Server) -> None:
    """One that was not migrated yet serves on."""
    url = await server.empty()
    if server.dialect == "sqlite":
        sqlite_path(url).touch()
    async with Database(url) as database:
        documents = TrustedDocumentStore(database)
        assert await documents.text(sha256(LATEST)) is None
        await documents.flush_last_used()
    await server.drop(url)


# Kept


async def test_an_id_never_changes_its_document(database: Watched) -> None:
    """The same again is unchanged, another text under the same id is refused, and the first one stays."""
    first = NewTrustedDocument("one", LATEST, "Latest", "web", 21)
    result = await add_documents(
        database, [first, first, NewTrustedDocument("one", VIEWER), NewTrustedDocument("two", LATEST)]
    )
    assert result == ["added", "unchanged", "taken", "added"]
    assert await add_documents(database, [NewTrustedDocument("one", LATEST, "Other", "ios")]) == ["unchanged"]
    assert await add_documents(database, [NewTrustedDocument("one", VIEWER), hashed(VIEWER)]) == [
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


async def test_a_dry_run_keeps_nothing(database: Watched) -> None:
    """But says the same."""
    assert await add_documents(database, [hashed(LATEST), hashed(LATEST)], dry_run=True) == [
        "added",
        "unchanged",
    ]
    assert await list_documents(database) == []


async def test_the_migration_leaves_a_filled_newsroom_alone(server: Server) -> None:
    """Rows from before stay, the table is empty, and its ids are unique."""
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
    await let_in(database, hashed(LATEST))
    async with database.orm() as connection:
        assert await connection.execute_query_dict("SELECT slug FROM story") == [{"slug": "war"}]
    assert await add_documents(database, [hashed(LATEST)]) == ["unchanged"]
    await server.drop(url)
