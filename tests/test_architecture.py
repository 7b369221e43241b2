"""Import layers, sizes and wording of the source tree."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

TOP = Path(__file__).parents[1]
SOURCE = TOP / "src" / "contentql"
MODULES = [path for path in sorted(SOURCE.rglob("*.py")) if path.parent.name != "migrations"]
TEXT_FILES = {".py", ".md", ".toml", ".txt", ".graphql", ".sql", ".js", ".css", ""}
LAYERS = tomllib.loads((TOP / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"][0]
MAX_FILE_LINES = 450
MAX_FUNCTION_LINES = 60
# Participles do not describe a value; `given` is also a name that hypothesis exports.
BANNED_NAMES = {"said", "told", "asked", "answered", "found", "kept", "given", "fault", "amiss"}
BANNED_WORDS = re.compile(r"\b(whoever|nobody|somebody)\b", re.IGNORECASE)


def test_imports_follow_the_layers() -> None:
    """The contract in pyproject.toml holds for every module, and covers every package."""
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    result = subprocess.run(command, cwd=TOP, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout
    assert "1 kept, 0 broken" in result.stdout
    assert LAYERS["exhaustive"]
    assert not LAYERS.get("ignore_imports")


def test_documentation_shows_the_layers_of_the_contract() -> None:
    """In the same order, from top to bottom."""
    page = (TOP / "docs/architecture.md").read_text()
    block = page.split("<!-- begin generated: layers -->\n```\n")[1].split("```")[0]
    assert block.splitlines() == LAYERS["layers"]


def test_every_module_has_a_docstring() -> None:
    """Only empty package markers have none."""
    for path in MODULES:
        text = path.read_text()
        assert not text.strip() or text.startswith('"""'), path


def test_files_and_functions_stay_small() -> None:
    """No source file is longer than 450 lines, no function body longer than 60."""
    for path in MODULES:
        text = path.read_text()
        assert len(text.splitlines()) <= MAX_FILE_LINES, path
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                body = node.body[1:] if ast.get_docstring(node) else node.body
                lines = (node.end_lineno or 0) - body[0].lineno + 1 if body else 0
                assert lines <= MAX_FUNCTION_LINES, (path, node.name, lines)


@pytest.mark.parametrize("folder", ["src", "tests"])
def test_names_are_nouns_and_verbs(folder: str) -> None:
    """No identifier is a bare participle, and no docstring has a word for unnamed persons."""
    offences = [
        f"{path.relative_to(TOP)}:{line}: {name}"
        for path in sorted((TOP / folder).rglob("*.py"))
        for line, name in _banned(ast.parse(path.read_text()))
    ]
    assert offences == []


def test_only_configured_addresses_are_requested() -> None:
    """No module has an HTTP client but that of the identity provider's keys, that of webhooks, which checks
    addresses, and the benchmark."""
    clients = {
        "aiohttp",
        "ftplib",
        "http",
        "httpcore2",
        "httpx",
        "httpx2",
        "jwt",
        "requests",
        "smtplib",
        "socket",
        "urllib3",
    }
    users = {
        path.relative_to(SOURCE).as_posix()
        for path in MODULES
        for name in _imported_names(ast.parse(path.read_text()))
        if name.partition(".")[0] in clients or name == "urllib.request"
    }
    assert users == {
        "auth/oidc.py",
        "bench/servers.py",
        "bench/statements.py",
        "events/http_client.py",
        "public_addresses.py",  # parses addresses
    }


def _imported_names(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_no_registry_host_and_no_machine_path_is_named() -> None:
    """Holds for every tracked text file."""
    tracked = subprocess.run(["git", "ls-files"], cwd=TOP, capture_output=True, text=True, check=False)
    names = tracked.stdout.split("\n") if tracked.returncode == 0 else []
    hosts = "|".join(("pypi", "pythonhosted", "npmjs", "debian"))
    forbidden = re.compile(rf"(^|[^\w.])/(work|root|home)/|({hosts})[.](org|com)")
    for name in filter(None, names):
        path = TOP / name
        if path.suffix in TEXT_FILES and path.is_file():
            match = forbidden.search(path.read_text(errors="replace"))
            assert match is None, (name, match and match[0])


def _banned(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Line and name of every banned identifier, and of every docstring with a banned word."""
    from_hypothesis = {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "hypothesis"
        for alias in node.names
    }
    banned = BANNED_NAMES - from_hypothesis
    for node in ast.walk(tree):
        name = ""
        if isinstance(node, ast.Name):
            name = node.id
        elif isinstance(node, ast.Attribute):
            name = node.attr
        elif isinstance(node, ast.arg | ast.keyword):
            name = node.arg or ""
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            name = node.name
        if name.strip("_") in banned:
            yield getattr(node, "lineno", 0), name
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            word = BANNED_WORDS.search(ast.get_docstring(node) or "")
            if word is not None:
                yield getattr(node, "lineno", 1), word[0]
