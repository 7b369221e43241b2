"""`contentql export --format`: articles in the formats of other systems."""

from __future__ import annotations

import zipfile
from io import BytesIO
from pathlib import Path
from xml.etree import ElementTree

import feedparser  # type: ignore[import-untyped]
import orjson
import pytest
import yaml
from tests.conftest import Server
from typer.testing import CliRunner, Result

from contentql.cli import app

FORMATS = ("rss", "atom", "jsonfeed", "jsonld")


@pytest.fixture(autouse=True)
def _site(monkeypatch: pytest.MonkeyPatch, demo_url: str) -> None:
    monkeypatch.setenv("CONTENTQL_DATABASE_URL", demo_url)
    monkeypatch.setenv("CONTENTQL_SITE_URL", "https://news.example.org")
    monkeypatch.setenv("CONTENTQL_SITE_NAME", "The Times")


def export(*arguments: str | Path, code: int = 0) -> Result:
    result = CliRunner().invoke(app, ["export", *map(str, arguments)])
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    return result


def test_all_public_articles_are_exported(server: Server, tmp_path: Path) -> None:
    """The same articles in each format, over several pages of the list."""
    numbers = {}
    for format in FORMATS:
        file = tmp_path / format
        export("--format", format, "--output", file)
        content = file.read_bytes()
        if format in ("rss", "atom"):
            feed = feedparser.parse(BytesIO(content))
            assert not feed.bozo
            numbers[format] = len(feed.entries)
        else:
            document = orjson.loads(content)
            numbers[format] = len(document["items" if format == "jsonfeed" else "@graph"])
    assert len(set(numbers.values())) == 1, numbers
    assert numbers["rss"] > 25


def test_filter_and_order_select_articles(server: Server) -> None:
    filter = '{"category": {"under": "local"}}'
    feed = orjson.loads(export("--format", "jsonfeed", "--filter", filter, "--order", "headline_asc").stdout)
    titles = [item["title"] for item in feed["items"]]
    assert titles == sorted(titles)
    assert all(item["url"].startswith("https://news.example.org/local/") for item in feed["items"])


@pytest.mark.parametrize("format", ["markdown", "html"])
def test_each_article_has_a_file(server: Server, tmp_path: Path, format: str) -> None:
    """In a folder or a ZIP archive, named by its slug; a single one on standard output."""
    suffix = {"markdown": ".md", "html": ".html"}[format]
    export("--format", format, "--output", tmp_path / "folder")
    export("--format", format, "--output", tmp_path / "archive.zip")
    files = {file.name: file.read_bytes() for file in (tmp_path / "folder").iterdir()}
    with zipfile.ZipFile(tmp_path / "archive.zip") as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == files
    name = f"regatta-day-on-the-estuary-as-it-happened{suffix}"
    filter = '{"slug": {"eq": "regatta-day-on-the-estuary-as-it-happened"}}'
    assert export("--format", format, "--filter", filter).stdout_bytes == files[name]
    if format == "markdown":
        front = yaml.safe_load(files[name].decode().split("\n---\n")[0].removeprefix("---\n"))
        assert front["categories"] == ["Sport/Rowing"]
        assert front["image"]["src"] == "https://media.example.org/regatta/eight.jpg"
    result = export("--format", format, code=1)
    assert result.stdout == ""
    assert "Name a folder" in result.stderr


def test_news_sitemap_of_old_articles_is_empty(server: Server) -> None:
    root = ElementTree.fromstring(export("--format", "news-sitemap").stdout)
    assert len(root) == 0


def test_drafts_are_exported_only_on_request(server: Server) -> None:
    public = orjson.loads(export("--format", "jsonfeed").stdout)["items"]
    everything = orjson.loads(export("--format", "jsonfeed", "--drafts").stdout)["items"]
    assert {item["id"] for item in public} < {item["id"] for item in everything}


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("--format", "rss", "--filter", "x"), 2, "is no JSON"),
        (("--format", "rss", "--filter", "[1]"), 2, "must be a JSON object"),
        (("--format", "rss", "--filter", '{"catgory": {}}'), 1, "Did you mean 'category'"),
        (("--format", "rss", "--order", "newest"), 1, "'NEWEST' does not exist"),
        (("--format", "rss", "--all"), 2, "only for JSON Lines"),
        (("--filter", "{}"), 2, "needs another --format"),
        (("--format", "wxr"), 2, "'wxr' is not one of"),
    ],
)  # fmt: skip
def test_wrong_options_write_nothing(
    server: Server, arguments: tuple[str, ...], code: int, message: str
) -> None:
    result = export(*arguments, code=code)
    assert result.stdout == ""
    assert message in " ".join(result.stderr.replace("│", " ").split())


@pytest.mark.parametrize("format", ["rss", "atom", "jsonfeed", "markdown", "html"])
def test_our_import_reads_the_export(
    server: Server, tmp_path: Path, database_url: str, format: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All articles with their titles, times and sections; those of JSON Feed have no section."""
    file = tmp_path / ("articles.zip" if format in ("markdown", "html") else f"feed.{format}")
    export("--format", format, "--output", file)
    before = orjson.loads(export("--format", "jsonfeed").stdout)["items"]
    monkeypatch.setenv("CONTENTQL_DATABASE_URL", database_url)
    options = ["--status", "published", "--create", "--category", "imported"]
    result = CliRunner().invoke(app, ["import", str(file), *options])
    assert result.exit_code == 0, result.output
    after = orjson.loads(export("--format", "jsonfeed").stdout)["items"]
    assert {item["title"]: item["date_published"] for item in after} == {
        item["title"]: item["date_published"] for item in before
    }


@pytest.mark.parametrize(
    ("format", "content"),
    [
        (
            "markdown",
            b'---\ntitle: T\nmood: calm\nlayout: {wide: true, "a: b": [1, "x\\ny"]}\n'
            b'"odd: key": "no"\n---\nText\n',
        ),
        (
            "jsonfeed",
            b'{"version": "https://jsonfeed.org/version/1.1", "items": [{"id": "urn:x:1", "title": "T",'
            b' "content_text": "Text", "_own": {"a": [1, {"b": null}]}, "rating": 5}]}',
        ),
    ],
)
def test_unknown_fields_of_an_import_are_exported_again(
    format: str, content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And are the same after another import, into another database."""
    stored = []
    for name in ("first", "second"):
        monkeypatch.setenv("CONTENTQL_DATABASE_URL", f"sqlite:///{tmp_path}/{name}.sqlite3")
        file = tmp_path / name
        file.write_bytes(content)
        assert CliRunner().invoke(app, ["import", str(file), "--language", "en"]).exit_code == 0
        records = map(orjson.loads, CliRunner().invoke(app, ["export"]).stdout.splitlines())
        stored.append([record["extra"] for record in records if record["record"] == "article"])
        content = export("--format", format, "--drafts").stdout_bytes
    ((first,), (second,)) = stored
    (name,) = first
    assert len(first[name]) > 1
    assert first[name].items() <= second[name].items()
