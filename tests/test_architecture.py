"""The house keeps its floors, and speaks of itself alone."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

TOP = Path(__file__).parents[1]
WRITTEN = {".py", ".md", ".toml", ".txt", ".graphql", ".sql", ".js", ".css", ""}
CONTRACT = tomllib.loads((TOP / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"][0]


def test_every_floor_imports_only_downward() -> None:
    """The contract in pyproject.toml holds for every module, and no room is left out of it."""
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    done = subprocess.run(command, cwd=TOP, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert "1 kept, 0 broken" in done.stdout
    assert CONTRACT["exhaustive"]


def test_documentation_shows_the_layers_of_the_contract() -> None:
    """Top to bottom, the same words."""
    page = (TOP / "docs/architecture.md").read_text()
    block = page.split("<!-- begin generated: layers -->\n```\n")[1].split("```")[0]
    assert block.splitlines() == CONTRACT["layers"]


def test_every_file_says_what_it_is_for() -> None:
    """A docstring opens every file that has anything in it."""
    for path in (TOP / "src").rglob("*.py"):
        text = path.read_text()
        if path.parent.name != "migrations" and text.strip():
            assert text.startswith('"""'), path


def test_the_project_speaks_of_itself_alone() -> None:
    """No tracked file names a package registry's host or a path of somebody's machine."""
    listed = subprocess.run(["git", "ls-files"], cwd=TOP, capture_output=True, text=True, check=False)
    names = listed.stdout.split("\n") if listed.returncode == 0 else []
    hosts = "|".join(("pypi", "pythonhosted", "npmjs", "debian"))
    forbidden = re.compile(rf"(^|[^\w.])/(work|root|home)/|({hosts})[.](org|com)")
    for name in filter(None, names):
        path = TOP / name
        if (
            path.suffix in {".py", ".md", ".toml", ".txt", ".graphql", ".sql", ".js", ".css", ""}
            and path.is_file()
        ):
            match = forbidden.search(path.read_text(errors="replace"))
            assert match is None, (name, match and match[0])
