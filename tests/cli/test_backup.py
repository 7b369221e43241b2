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
from tests.cli.test_serving import TIMEOUT_SECONDS, RunningServer, running_server
from tests.conftest import Server
from tests.store.test_migrations import FIRST_MIGRATION_TABLES, connect_sql, insert_rows, migrate_to
from tests.support.backup_fixtures import insert_stories, postgres_tools_for, table_contents
from typer.testing import CliRunner, Result

from contentql.backup.postgres_tools import PostgresTools
from contentql.cli import app
from contentql.fixtures import DEMO_CONTENT
from contentql.importing.importer import import_file
from contentql.store.database import Database
from contentql.store.errors import sqlite_path

pytestmark = pytest.mark.slow

HEADLINE = '{ latestNews(section: "world/asia", first: 1) { nodes { headline } } }'


class Operator:
    """Runs commands for a newsroom in an empty folder."""

    def __init__(self, url: str, folder: Path, programs: PostgresTools) -> None:
        self.url = url
        self.folder = folder
        self.environment = {"CONTENTQL_DATABASE_URL": url}
        if programs.folder:
            self.environment["CONTENTQL_PG_BIN"] = str(programs.folder)

    async def run(self, *arguments: str, code: int = 0) -> Result:
        """Runs the command in a thread, because it starts an event loop."""
        with contextlib.chdir(self.folder):
            outcome = await asyncio.to_thread(CliRunner().invoke, app, arguments, env=self.environment)
        assert outcome.exit_code == code, outcome.output
        assert "Traceback" not in outcome.output
        return outcome

    async def run_failing(self, *arguments: str) -> str:
        """The error message of the command: one line on stderr, with exit code 1."""
        outcome = await self.run(*arguments, code=1)
        assert outcome.stdout == ""
        assert outcome.stderr.count("\n") == 1
        return outcome.stderr.strip()

    def run_on_full_disk(self, *arguments: str) -> str:
        """The error message of the command where no file can exceed 100 kB."""

        def limit_file_size() -> None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

        outcome = subprocess.run(
            [sys.executable, "-m", "contentql", *arguments],
            cwd=self.folder,
            env={**os.environ, **self.environment},
            capture_output=True,
            text=True,
            check=False,
            preexec_fn=limit_file_size,
        )
        assert (outcome.returncode, outcome.stderr.count("\n")) == (1, 1), outcome.stderr
        return outcome.stderr


@pytest.fixture
async def operator(server: Server, database_url: str, tmp_path: Path) -> Operator:
    """An operator of the demo newsroom."""
    await import_file(Database(database_url), DEMO_CONTENT)
    return Operator(database_url, tmp_path, await postgres_tools_for(server, database_url))


async def test_backup_and_restore_commands_round_trip(server: Server, operator: Operator) -> None:
    """Restored into another database and over the changed one, with equal contents."""
    output = (await operator.run("backup", "newsroom.backup")).stdout
    size = (operator.folder / "newsroom.backup").stat().st_size / 1_000_000
    expected = "39 articles, the last changed at 2025-07-01T06:00:00Z"
    assert output == f"newsroom.backup holds {expected}, {size:.1f} MB.\n"
    before = await table_contents(operator.url)
    copy_url = await server.empty()
    output = (await operator.run("restore", "newsroom.backup", "--database", copy_url)).stdout
    assert output.startswith(f"Restored from newsroom.backup: {expected}, ")
    assert output.endswith(" MB. Running servers clear their caches.\n")
    assert "up to date" in (await operator.run("check", "--database", copy_url)).stdout
    exported = [(await operator.run("export", "--database", url)).stdout for url in (operator.url, copy_url)]
    assert exported[0] == exported[1] != ""
    async with connect_sql(operator.url) as sql:
        await sql("UPDATE article SET headline = 'Changed'")
    assert (await operator.run_failing("backup", "newsroom.backup")).endswith("replace it with --force.")
    assert (await operator.run_failing("restore", "newsroom.backup")).endswith(
        "Replace its contents with --force."
    )
    await operator.run("restore", "newsroom.backup", "--force")
    assert await table_contents(operator.url) == before
    await server.drop(copy_url)


async def latest_headline(running: RunningServer) -> str:
    """The headline in a cached response of the server."""
    async with httpx2.AsyncClient(base_url=running.url, timeout=TIMEOUT_SECONDS) as http:
        for _ in range(2):  # the second response is cached
            response = await http.post("/graphql", json={"query": HEADLINE})
    (node,) = response.json()["data"]["latestNews"]["nodes"]
    result: str = node["headline"]
    return result


async def test_running_servers_show_restored_content(operator: Operator) -> None:
    """The restore invalidates cached responses without a restart."""
    async with running_server(operator.folder, operator.url) as running:
        before = await latest_headline(running)
        await operator.run("backup", "newsroom.backup")
        async with connect_sql(operator.url) as sql:
            await sql("UPDATE article SET headline = 'Changed'")
        await wait_for_headline(running, "Changed")
        await operator.run("restore", "newsroom.backup", "--force")
        await wait_for_headline(running, before)
        async with connect_sql(operator.url) as sql:  # later changes are noticed too
            await sql("UPDATE article SET headline = 'Changed again'")
        await wait_for_headline(running, "Changed again")


async def wait_for_headline(running: RunningServer, expected: str) -> None:
    """Waits until the server returns the headline."""
    async with asyncio.timeout(TIMEOUT_SECONDS):
        while await latest_headline(running) != expected:  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def test_restore_command_lists_applied_migrations(server: Server, operator: Operator) -> None:
    """On stderr, as `contentql migrate` does."""
    old = await server.empty()
    await migrate_to(old, "0004_documents")
    async with connect_sql(old) as sql:
        await insert_rows(sql, FIRST_MIGRATION_TABLES)
    await operator.run("backup", "old.backup", "--database", old)
    outcome = await operator.run("restore", "old.backup", "--force")
    migrations = [line.strip() for line in outcome.stderr.splitlines()]
    assert migrations[0] == "0005_newsdesk"
    word = "migration" if len(migrations) == 1 else "migrations"
    assert f"{len(migrations)} {word} applied. Running servers clear their caches." in outcome.stdout
    assert "1 article, the last changed" in outcome.stdout
    await server.drop(old)


async def test_full_disk_is_reported(operator: Operator) -> None:
    """No partial file is left, and the database is unchanged."""
    await insert_stories(operator.url, 10_000)
    await operator.run("backup", "newsroom.backup")
    result = operator.run_on_full_disk("backup", "second.backup")
    assert "is full or cannot be written" in result or "pg_dump failed" in result
    assert os.listdir(operator.folder) == ["newsroom.backup"]
    if operator.url.startswith("sqlite"):
        before = await table_contents(operator.url)
        assert "is full or cannot be written" in operator.run_on_full_disk(
            "restore", "newsroom.backup", "--force"
        )
        assert await table_contents(operator.url) == before
        assert os.listdir(operator.folder) == ["newsroom.backup"]


async def test_broken_references_are_reported_with_exit_code_3(sqlite_server: Server, tmp_path: Path) -> None:
    """The backup is complete, but an operator must check the database."""
    operator = Operator(await sqlite_server.migrated(), tmp_path, PostgresTools())
    async with connect_sql(operator.url) as sql:
        await insert_rows(sql)
    with contextlib.closing(sqlite3.connect(sqlite_path(operator.url))) as connection:
        connection.execute("DELETE FROM source")
        connection.commit()
    for command in (["backup", "x"], ["restore", "x", "--force"]):
        assert "2 rows refer to missing rows" in (await operator.run(*command, code=3)).stderr


async def test_missing_programs_are_reported(postgres_server: Server, tmp_path: Path) -> None:
    """The message says how to install or configure them."""
    operator = Operator(await postgres_server.migrated(), tmp_path, PostgresTools(tmp_path))
    for command, program in (("backup", "pg_dump"), ("restore", "pg_restore")):
        (tmp_path / "x").write_bytes(b"PGDMP")
        message = await operator.run_failing(command, "x", *(["--force"] if command == "backup" else []))
        assert message == (
            f"There is no {program} in {tmp_path}. Install PostgreSQL's client programs, or name their folder"
            " with --pg-bin or CONTENTQL_PG_BIN."
        )
    operator.environment["PATH"] = operator.environment.pop("CONTENTQL_PG_BIN")
    assert "There is no pg_dump on the PATH." in await operator.run_failing("backup", "x", "--force")


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["backup"], 2, "FILE"),
        (["restore"], 2, "FILE"),
        (["backup", "x", "--database", "sqlite:///no.db"], 1, "There is no database at no.db"),
        (["backup", "x", "--database", "mysql://host/name"], 1, "must look like sqlite:///"),
        (["restore", "x", "--database", "mysql://host/name"], 1, "must look like sqlite:///"),
        (["restore", "x", "--database", "sqlite:///no.db"], 1, "cannot be read: No such file"),
        (
            ["backup", "x", "--database", "postgresql://ed:hush@127.0.0.1:9/n"],
            1,
            "No PostgreSQL server responds",
        ),
    ],
)
def test_wrong_usage_is_reported(
    arguments: Sequence[str], code: int, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the documented exit codes, without traceback and password; no file is created."""
    monkeypatch.chdir(tmp_path)
    outcome = CliRunner().invoke(app, list(arguments))
    assert outcome.exit_code == code
    assert text in outcome.output
    assert "hush" not in outcome.output
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("command", ["backup", "restore"])
def test_help_has_options_exit_codes_and_examples(command: str) -> None:
    output = CliRunner().invoke(app, [command, "--help"], env={"COLUMNS": "200"}).output
    for word in ("--force", "--pg-bin", "CONTENTQL_PG_BIN", "Exit codes:", "Examples:"):
        assert word in output
