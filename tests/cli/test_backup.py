"""The commands `contentql backup` and `contentql restore`."""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import httpx2
import pytest
from tests.cli.test_serving import TIMEOUT_SECONDS, Served, serving
from tests.conftest import Server
from tests.store.test_migrations import FIRST_MIGRATION_TABLES, connect_sql, insert_rows, migrate_to
from tests.support.backup_fixtures import fill_with_stories, table_contents, tools_for
from typer.testing import CliRunner, Result

from contentql.backup.postgres_tools import PostgresTools
from contentql.cli import app
from contentql.fixtures import DEMO_CONTENT
from contentql.importing.importer import import_file
from contentql.store.database import Database
from contentql.store.errors import sqlite_path

pytestmark = pytest.mark.slow

HEADLINE = '{ latestNews(section: "world/asia", first: 1) { nodes { headline } } }'


class Desk:
    """An operator at a newsroom, in an empty folder, with the programs that it needs."""

    def __init__(self, url: str, folder: Path, programs: PostgresTools) -> None:
        self.url = url
        self.folder = folder
        self.environment = {"CONTENTQL_DATABASE_URL": url}
        if programs.folder:
            self.environment["CONTENTQL_PG_BIN"] = str(programs.folder)

    async def run(self, *arguments: str, code: int = 0) -> Result:
        """In a thread, because a command begins a loop of its own."""
        with contextlib.chdir(self.folder):
            done = await asyncio.to_thread(CliRunner().invoke, app, arguments, env=self.environment)
        assert done.exit_code == code, done.output
        assert "Traceback" not in done.output
        return done

    async def sentence(self, *arguments: str) -> str:
        """What a command says that can do nothing: one line on stderr, exit code 1."""
        done = await self.run(*arguments, code=1)
        assert done.stdout == ""
        assert done.stderr.count("\n") == 1
        return done.stderr.strip()

    def on_a_full_disk(self, *arguments: str) -> str:
        """The same where no file grows beyond a tenth of a megabyte."""

        def limited() -> None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

        done = subprocess.run(
            [sys.executable, "-m", "contentql", *arguments],
            cwd=self.folder,
            env={**os.environ, **self.environment},
            capture_output=True,
            text=True,
            check=False,
            preexec_fn=limited,
        )
        assert (done.returncode, done.stderr.count("\n")) == (1, 1), done.stderr
        return done.stderr


@pytest.fixture
async def newsroom(server: Server, database_url: str, tmp_path: Path) -> Desk:
    """With the demo newsroom."""
    await import_file(Database(database_url), DEMO_CONTENT)
    return Desk(database_url, tmp_path, await tools_for(server, database_url))


async def test_there_and_back(server: Server, newsroom: Desk) -> None:
    """The drill of README: backed up, restored elsewhere, the same; then over a newsroom that changed."""
    output = (await newsroom.run("backup", "newsroom.backup")).stdout
    size = (newsroom.folder / "newsroom.backup").stat().st_size / 1_000_000
    expected = "39 articles, the last changed at 2025-07-01T06:00:00Z"
    assert output == f"newsroom.backup holds {expected}, {size:.1f} MB.\n"
    before = await table_contents(newsroom.url)
    drill = await server.empty()
    output = (await newsroom.run("restore", "newsroom.backup", "--database", drill)).stdout
    assert output.startswith(f"Restored from newsroom.backup: {expected}, ")
    assert output.endswith(" MB. Every server forgets what it remembers.\n")
    assert "up to date" in (await newsroom.run("check", "--database", drill)).stdout
    exported = [(await newsroom.run("export", "--database", url)).stdout for url in (newsroom.url, drill)]
    assert exported[0] == exported[1] != ""
    async with connect_sql(newsroom.url) as sql:
        await sql("UPDATE article SET headline = 'Changed'")
    assert (await newsroom.sentence("backup", "newsroom.backup")).endswith("replace it with --force.")
    assert (await newsroom.sentence("restore", "newsroom.backup")).endswith(
        "Replace what it holds with --force."
    )
    await newsroom.run("restore", "newsroom.backup", "--force")
    assert await table_contents(newsroom.url) == before
    await server.drop(drill)


async def headline(served: Served) -> str:
    async with httpx2.AsyncClient(base_url=served.url, timeout=TIMEOUT_SECONDS) as http:
        for _ in range(2):  # the second time it is remembered
            answer = await http.post("/graphql", json={"query": HEADLINE})
    (node,) = answer.json()["data"]["latestNews"]["nodes"]
    result: str = node["headline"]
    return result


async def test_servers_that_run_show_what_was_restored(newsroom: Desk) -> None:
    """Restored under a server that has remembered its answers: it forgets them, with no restart."""
    async with serving(newsroom.folder, newsroom.url) as served:
        before = await headline(served)
        await newsroom.run("backup", "newsroom.backup")
        async with connect_sql(newsroom.url) as sql:
            await sql("UPDATE article SET headline = 'Changed'")
        await becomes(served, "Changed")
        await newsroom.run("restore", "newsroom.backup", "--force")
        await becomes(served, before)
        async with connect_sql(newsroom.url) as sql:  # and it hears of what is written after that
            await sql("UPDATE article SET headline = 'Changed again'")
        await becomes(served, "Changed again")


async def becomes(served: Served, expected: str) -> None:
    async with asyncio.timeout(TIMEOUT_SECONDS):
        while await headline(served) != expected:  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def test_an_older_backup_names_its_migrations(server: Server, newsroom: Desk) -> None:
    """As `contentql migrate` does, on stderr, and counts them."""
    old = await server.empty()
    await migrate_to(old, "0004_documents")
    async with connect_sql(old) as sql:
        await insert_rows(sql, FIRST_MIGRATION_TABLES)
    await newsroom.run("backup", "old.backup", "--database", old)
    done = await newsroom.run("restore", "old.backup", "--force")
    behind = [line.strip() for line in done.stderr.splitlines()]
    assert behind[0] == "0005_newsdesk"
    word = "migration" if len(behind) == 1 else "migrations"
    assert f"{len(behind)} {word} applied. Every server forgets" in done.stdout
    assert "1 article, the last changed" in done.stdout
    await server.drop(old)


async def test_full_disk_is_reported(newsroom: Desk) -> None:
    """There is no file then, not even a part of one, and the database is as it was."""
    await fill_with_stories(newsroom.url, 10_000)
    await newsroom.run("backup", "newsroom.backup")
    result = newsroom.on_a_full_disk("backup", "second.backup")
    assert "is full or cannot be written" in result or "pg_dump made no backup" in result
    assert os.listdir(newsroom.folder) == ["newsroom.backup"]
    if newsroom.url.startswith("sqlite"):
        before = await table_contents(newsroom.url)
        assert "is full or cannot be written" in newsroom.on_a_full_disk(
            "restore", "newsroom.backup", "--force"
        )
        assert await table_contents(newsroom.url) == before
        assert os.listdir(newsroom.folder) == ["newsroom.backup"]


async def test_a_fault_that_was_there_before_is_named(sqlite_server: Server, tmp_path: Path) -> None:
    """Exit code 3: the backup is complete, and an operator must check the database."""
    newsroom = Desk(await sqlite_server.migrated(), tmp_path, PostgresTools())
    async with connect_sql(newsroom.url) as sql:
        await insert_rows(sql)
    with contextlib.closing(sqlite3.connect(sqlite_path(newsroom.url))) as connection:
        connection.execute("DELETE FROM source")
        connection.commit()
    for command in (["backup", "x"], ["restore", "x", "--force"]):
        assert "2 rows refer to missing rows" in (await newsroom.run(*command, code=3)).stderr


async def test_missing_programs_are_reported(postgres_server: Server, tmp_path: Path) -> None:
    """In one sentence, with what helps."""
    newsroom = Desk(await postgres_server.migrated(), tmp_path, PostgresTools(tmp_path))
    for command, program in (("backup", "pg_dump"), ("restore", "pg_restore")):
        (tmp_path / "x").write_bytes(b"PGDMP")
        message = await newsroom.sentence(command, "x", *(["--force"] if command == "backup" else []))
        assert message == (
            f"There is no {program} in {tmp_path}. Install PostgreSQL's client programs, or name their folder"
            " with --pg-bin or CONTENTQL_PG_BIN."
        )
    newsroom.environment["PATH"] = newsroom.environment.pop("CONTENTQL_PG_BIN")
    assert "There is no pg_dump on the PATH." in await newsroom.sentence("backup", "x", "--force")


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["backup"], 2, "FILE"),
        (["restore"], 2, "FILE"),
        (["backup", "x", "--database", "sqlite:///no.db"], 1, "There is no database at no.db"),
        (["backup", "x", "--database", "mysql://host/name"], 1, "must look like sqlite:///"),
        (["restore", "x", "--database", "mysql://host/name"], 1, "must look like sqlite:///"),
        (["restore", "x", "--database", "sqlite:///no.db"], 1, "cannot be read: No such file"),
        (["backup", "x", "--database", "postgresql://ed:hush@127.0.0.1:9/n"], 1, "No PostgreSQL answers"),
    ],
)
def test_wrong_usage_is_reported(
    arguments: Sequence[str], code: int, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the exit codes of README, no trace, no password, and nothing made."""
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, list(arguments))
    assert done.exit_code == code
    assert text in done.output
    assert "hush" not in done.output
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("command", ["backup", "restore"])
def test_help_teaches(command: str) -> None:
    """What is in a backup and what a restore undoes, exit codes and examples."""
    output = CliRunner().invoke(app, [command, "--help"], env={"COLUMNS": "200"}).output
    for word in ("--force", "--pg-bin", "CONTENTQL_PG_BIN", "Exit codes:", "Examples:"):
        assert word in output
