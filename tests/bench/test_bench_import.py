"""The measurement of imports."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from contentql.bench.databases import BenchDatabases
from contentql.bench.import_records import article_lines, reference_lines
from contentql.bench.importing import measure_import

ARTICLES = 60


@pytest.mark.parametrize("dialect", ["sqlite", "postgres"])
def test_imports_are_compared_with_inserts(
    dialect: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """In new databases, which are dropped."""
    home = str(tmp_path) if dialect == "sqlite" else request.getfixturevalue("postgres_home")
    lines: list[str] = []
    databases = BenchDatabases(dialect, home, keep=False, search=False, progress=lines.append)  # type: ignore[arg-type]
    result = measure_import(databases, ARTICLES, rounds=1, progress=lines.append)
    assert (result.database, result.articles) == (dialect, ARTICLES)
    assert result.ratio == pytest.approx(result.created_per_second / result.raw_per_second, abs=0.01)
    assert min(result.updated_per_second, result.unchanged_per_second) > 0
    assert list(tmp_path.iterdir()) == []


def test_articles_have_the_size_that_the_measurement_is_for() -> None:
    """5 KB of text and three attributions each, to sources that exist; the same ones every time."""
    sources = {orjson.loads(line).get("slug") for line in reference_lines()}
    lines = list(article_lines(5))
    assert lines == [*article_lines(2), *article_lines(3, first=2)]
    for article in map(orjson.loads, lines):
        assert sum(len(block["text"]) for block in article["blocks"]) == pytest.approx(5_000, abs=50)
        assert len(article["attributions"]) == 3
        assert {attribution["source"] for attribution in article["attributions"]} <= sources
    assert list(article_lines(5, changed=True)) != lines
