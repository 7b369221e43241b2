"""Commands of the CLI: help texts, results and error messages."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx2
import orjson
import pytest
from tests.conftest import Server
from tests.support.http_client import free_port
from typer.testing import CliRunner

from contentql.cli import app
from contentql.schema.build import sdl

COMMANDS = ("serve", "import", "export", "migrate", "check", "schema", "explain", "documents", "bench")
runner = CliRunner()


@pytest.mark.parametrize("command", COMMANDS)
def test_help_describes_the_command(command: str) -> None:
    outcome = runner.invoke(app, [command, "--help"], env={"COLUMNS": "200"})
    assert outcome.exit_code == 0
    assert len(outcome.output.splitlines()) > 5


def test_help_lists_every_command() -> None:
    """The overview includes the first command to run."""
    outcome = runner.invoke(app, ["--help"], env={"COLUMNS": "200"})
    assert all(command in outcome.output for command in COMMANDS)
    assert "serve --demo" in outcome.output


def test_schema_command_prints_the_sdl() -> None:
    assert runner.invoke(app, ["schema"]).output == sdl()


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The result of the command in a process of its own."""
    command = [sys.executable, "-m", "contentql", *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, env={**os.environ, **environment}, check=False, timeout=60
    )


async def test_migrate_applies_pending_migrations_and_check_reports_them(server: Server) -> None:
    """A second `migrate` applies none."""
    url = await server.empty()
    if server.dialect == "postgres":
        behind = run("check", "--database", url)
        assert behind.returncode == 1
        assert "contentql migrate" in behind.stderr
    first = run("migrate", "--database", url)
    assert (first.returncode, first.stdout) == (0, "16 migrations applied.\n")
    assert run("migrate", "--database", url).stdout == "The database is up to date.\n"
    checked = run("check", "--database", url)
    assert checked.returncode == 0
    assert "up to date" in checked.stdout
    await server.drop(url)


@pytest.mark.parametrize("command", ["check", "migrate", "export"])
def test_invalid_settings_are_reported_in_one_sentence(command: str) -> None:
    """With name and value, and without a traceback."""
    outcome = run(command, CONTENTQL_PORT="many")
    assert outcome.returncode == 1
    assert "CONTENTQL_PORT cannot be 'many'" in outcome.stderr
    assert "Traceback" not in outcome.stderr


def test_explain_prints_cost_and_sql(tmp_path: Path) -> None:
    """As text or JSON, without a database."""
    document = tmp_path / "latest.graphql"
    document.write_text("query($s: String!) { latestNews(section: $s, first: 5) { nodes { headline } } }")
    arguments = ["explain", str(document), "--variables", '{"s": "world"}']
    text = runner.invoke(app, arguments).output
    assert "cost        6 of 10000 objects" in text
    assert "select" in text
    output = orjson.loads(runner.invoke(app, [*arguments, "--json"]).output)
    assert (output["dialect"], output["cost"], len(output["statements"])) == ("sqlite", 6, 1)


@pytest.mark.parametrize(
    ("text", "variables", "expected"),
    [
        ("{ latestNews {", "{}", "Syntax Error"),
        ("{ nothing }", "{}", "Cannot query field"),
        ("{ latestNews(first: 500) { nodes { id } } }", "{}", "0 to 100"),
        ("{ viewer { accessDescription } }", "[1]", "must be a JSON object"),
    ],
)
def test_explain_reports_invalid_documents_and_variables(
    tmp_path: Path, text: str, variables: str, expected: str
) -> None:
    """With exit code 1."""
    document = tmp_path / "bad.graphql"
    document.write_text(text)
    outcome = runner.invoke(app, ["explain", str(document), "--variables", variables])
    assert outcome.exit_code == 1
    assert expected in outcome.output


def test_serve_demo_creates_the_newsroom_and_stops_on_sigterm(tmp_path: Path) -> None:
    """The command of the README, in a process of its own."""
    port = free_port()
    url = f"sqlite:///{tmp_path}/demo.sqlite3"
    command = [sys.executable, "-m", "contentql", "serve", "--demo", "--port", str(port), "--database", url]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        query = '{ latestNews(section: "world/asia", first: 1) { nodes { slug } } }'
        result = None
        for _ in range(300):
            try:
                result = httpx2.post(f"http://127.0.0.1:{port}/graphql", json={"query": query}).json()
                break
            except httpx2.TransportError:
                assert process.poll() is None
                time.sleep(0.1)
        assert result is not None
        (node,) = result["data"]["latestNews"]["nodes"]
        assert node["slug"].startswith("kim-jong-un-sheds-a-tear")
    finally:
        process.send_signal(signal.SIGTERM)
        _, output = process.communicate(timeout=20)
    assert process.returncode in (0, -signal.SIGTERM), output
    assert f"http://127.0.0.1:{port}/graphiql" in output
    assert "Traceback" not in output
