"""The modules that `contentql --help` imports, and the commands that it lists."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from contentql.cli import COMMANDS, app

HELP = """
import json, sys
before = len(sys.modules)
sys.argv = ["contentql", "--help"]
from contentql.cli import app
try:
    app()
except SystemExit:
    print("\\n" + json.dumps([before, *sys.modules]))
"""
MAX_IMPORTS = 330  # Typer and Rich: 295 with Python 3.11
LAZY = ("graphql", "strawberry", "tortoise", "starlette", "uvicorn", "asyncpg", "pydantic", "orjson")


def test_help_imports_no_command() -> None:
    """Only the module `contentql.cli` of the package, and no library of the server."""
    result = subprocess.run([sys.executable, "-c", HELP], capture_output=True, text=True, check=True)
    before, *modules = json.loads(result.stdout.splitlines()[-1])
    assert {name for name in modules if name.startswith("contentql")} == {"contentql", "contentql.cli"}
    assert not {name for name in modules if name.partition(".")[0] in LAZY}
    assert len(modules) - before <= MAX_IMPORTS


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_are_listed_and_have_help(command: str) -> None:
    """The overview has the help line of the command, and `--help` of the command works."""
    overview = CliRunner().invoke(app, ["--help"], env={"COLUMNS": "200"})
    assert COMMANDS[command][2] in overview.stdout
    result = CliRunner().invoke(app, [command, "--help"], prog_name="contentql")
    assert result.exit_code == 0
    assert f"contentql {command}" in result.stdout
