"""Modes of the files of a SQLite database."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from contentql.cli import app
from contentql.fixtures import DEMO_CONTENT
from contentql.store.database import Database
from contentql.store.models.taxonomy import Story

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")


@pytest.fixture(params=[0o000, 0o022, 0o777], ids=oct)
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def modes(folder: Path) -> dict[str, int]:
    return {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}


def run(*arguments: str) -> str:
    done = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


async def test_the_files_of_a_database_are_its_owners(tmp_path: Path, umask: int) -> None:
    """The database and what SQLite keeps beside it, while it is written to; whatever the umask."""
    database = Database(f"sqlite:///{tmp_path}/news.sqlite3")
    await database.migrate()
    async with database, database.transaction():
        await Story.create(slug="war", title="War", sort_name="war")
        assert modes(tmp_path) == dict.fromkeys(
            ("news.sqlite3", "news.sqlite3-wal", "news.sqlite3-shm"), 0o600
        )


def test_every_command_creates_private_files(tmp_path: Path) -> None:
    """A database by `migrate`, `import` and `restore`, and a backup."""
    names = "migrated", "imported", "restored", "replaced"
    migrated, imported, restored, replaced = (f"sqlite:///{tmp_path}/{name}.sqlite3" for name in names)
    before = os.umask(0o000)
    try:
        run("migrate", "--database", migrated)
        run("import", str(DEMO_CONTENT), "--database", imported)
        run("backup", str(tmp_path / "news.backup"), "--database", imported)
        run("restore", str(tmp_path / "news.backup"), "--database", restored)
        run("migrate", "--database", replaced)
        run("restore", str(tmp_path / "news.backup"), "--database", replaced, "--force")
        run("check", "--database", restored)
    finally:
        os.umask(before)
    assert set(modes(tmp_path).values()) == {0o600}
    assert {"migrated.sqlite3", "imported.sqlite3", "restored.sqlite3", "news.backup"} <= set(modes(tmp_path))


@pytest.mark.parametrize(
    ("mode", "is_exposed"), [(0o600, False), (0o640, False), (0o644, True), (0o602, True)]
)
def test_check_reports_files_that_all_users_can_read(tmp_path: Path, mode: int, is_exposed: bool) -> None:
    """The mode of an existing file is its owner's choice, and is left alone; a group may be meant."""
    path = tmp_path / "my news.sqlite3"
    url = f"sqlite:///{path}"
    run("migrate", "--database", url)
    path.chmod(mode)
    done = CliRunner().invoke(app, ["check", "--database", url])
    assert done.exit_code == (1 if is_exposed else 0)
    assert (f"chmod 600 '{path}'" in done.output) == is_exposed
    run("migrate", "--database", url)
    assert modes(tmp_path)[path.name] == mode
