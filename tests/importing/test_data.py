"""Every file of the fixtures, imported as the command does: once, again, and killed in between."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from contentql.content.enums import Status
from contentql.content.records import ArticleRecord
from contentql.formats import jsonl
from contentql.formats.source_file import ReadOptions
from contentql.importing.exporter import export_records
from contentql.importing.importer import import_records
from contentql.importing.reading import read_items
from contentql.importing.report import ImportReport
from contentql.importing.sources import open_sources
from contentql.importing.statuses import ImportOptions
from contentql.store.database import Database

FIXTURES = Path(__file__).parents[2] / "fixtures"
# Files of the formats of others, each with articles of its own.
FILES = sorted(
    path
    for folder in ("wordpress", "ghost", "feeds", "ninjs", "newsml-g2", "html", "markdown", "stories", "edge")
    for path in (FIXTURES / folder).rglob("*")
    if path.is_file()
    and path.name not in ("stories.json", "expect.json")
    and "LICENSE" not in path.name
    and "schema" not in path.name
    and path.parent.name not in ("sanitize",)
)
OPTIONS = ImportOptions(status=Status.PUBLISHED, create=True, category="news")


async def load(database: Database, *paths: Path) -> ImportReport:
    items = read_items(open_sources([str(path) for path in paths]), ReadOptions())
    return await import_records(database, items, options=OPTIONS)


@pytest.fixture
def database(database_url: str) -> Database:
    return Database(database_url)


async def articles_of(database: Database) -> list[ArticleRecord]:
    return [record async for record in export_records(database) if isinstance(record, ArticleRecord)]


async def test_every_file_can_be_imported_twice(database: Database) -> None:
    """One after the other: the second time nothing is created or updated; no text has markup left."""
    for path in FILES:
        first = await load(database, path)
        assert first.count("conflict") == 0, path
        again = await load(database, path)
        changed = [one for one in again.outcomes if one.result in ("created", "updated")]
        assert not changed, (path, changed)
    for article in await articles_of(database):
        assert "<p>" not in (article.headline + (article.summary or "")), article
        assert "&amp;" not in article.headline, article
        assert "@" not in (article.byline or ""), article


async def test_imported_articles_are_exported_and_imported_without_loss(
    database: Database, tmp_path: Path
) -> None:
    """As JSON Lines, into an empty database: the same bytes again."""
    await load(database, *FILES)
    lines = b"".join(jsonl.write_records([record async for record in export_records(database)]))
    copy = Database(f"sqlite:///{tmp_path}/copy.sqlite3")
    await copy.migrate()
    report = await import_records(copy, jsonl.read_records(io.BytesIO(lines), "export"))
    assert report.count("failed") == 0, [one for one in report.outcomes if one.result == "failed"]
    assert b"".join(jsonl.write_records([record async for record in export_records(copy)])) == lines
