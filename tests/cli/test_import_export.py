"""The commands `contentql import` and `contentql export`."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import orjson
import pytest
from tests.conftest import Server
from typer.testing import CliRunner, Result

from contentql.cli import app
from contentql.fixtures import DEMO_CONTENT, SEED_PAGE
from contentql.importing import importer
from contentql.store.database import Database
from contentql.store.errors import describe_error

PUBLISH = ("--publish-at", "2024-05-01T12:00:00Z", "--category", "world/asia")


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test runs in an empty folder, which has the default database."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CONTENTQL_DATABASE_URL", raising=False)


def run(*arguments: str | Path, code: int = 0, stdin: bytes | None = None) -> Result:
    """The result of the command, which must have the exit code."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments], input=stdin)
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    return result


def error_message(*arguments: str | Path) -> str:
    """The error message of the command: one line on stderr, with exit code 1."""
    result = run(*arguments, code=1)
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1
    return result.stderr.strip()


@pytest.fixture
def page(tmp_path: Path) -> Path:
    """A copy of the seed page."""
    path = tmp_path / "page.txt"
    path.write_bytes(SEED_PAGE.read_bytes())
    return path


def test_imported_page_is_a_draft_until_it_is_published(page: Path) -> None:
    """The output says that it is not public and how to publish it; that command works."""
    first = run("import", page).stdout
    assert "created article kim-jong-un-sheds-a-tear" in first
    assert "the article is a draft and not public: it has no date (publishedAt, or --publish-at)" in first
    assert "1 records: 1 created" in first
    command = first.partition("for example: ")[2].splitlines()[0].split()
    assert command[:3] == ["contentql", "import", str(page)]
    assert "0 created, 0 updated, 1 unchanged" in run("import", page).stdout
    rejected = run("import", page, *PUBLISH[:2], code=1).stdout
    assert f"{page}: failed article" in rejected
    assert "the article cannot be published without a section (category, or --category)" in rejected
    published = run(*command[1:]).stdout
    assert "created category world/asia" in published
    assert "a draft" not in published
    for again in (command[1:], ("import", page)):
        assert "0 updated, 1 unchanged, 0 skipped, 0 conflict, 0 failed" in run(*again).stdout


def test_import_report_as_json(page: Path) -> None:
    """Totals and every item, and nothing else on stdout; a dry run has the same but for the ids."""
    simulated = orjson.loads(run("import", page, *PUBLISH, "--report", "json", "--dry-run").stdout)
    report = orjson.loads(run("import", page, *PUBLISH, "--json").stdout)
    assert report["totals"] == {
        "items": 3,
        "created": 3,
        "updated": 0,
        "unchanged": 0,
        "skipped": 0,
        "conflict": 0,
        "failed": 0,
        "externalMedia": 0,
    }
    assert (simulated["dryRun"], report["dryRun"]) == (True, False)
    for item in (*simulated["items"], *report["items"]):
        assert item.pop("id").partition("_")[0] in ("art", "cat")
    assert simulated["items"] == report["items"]
    assert simulated["totals"] == report["totals"]
    warnings = report["items"][2].pop("warnings")
    assert {
        "code": "GUESSED",
        "message": "the page does not name its language, en is assumed: --language",
        "field": "language",
        "place": None,
    } in warnings
    assert report["items"][2] == {
        "source": str(page),
        "place": "",
        "kind": "article",
        "slug": "kim-jong-un-sheds-a-tear-before-coffin-of-north-korean-soldier-killed-in-russia",
        "status": "created",
        "reason": "",
        "articleStatus": "PUBLISHED",
    }


@pytest.mark.parametrize(
    ("text", "tag", "messages"),
    [
        ("DE-ch", "de-CH", []),
        ("iw", "he", ["the language tag 'iw' was replaced by its preferred form 'he'"]),
    ],
)
def test_language_of_pages_is_normalised(page: Path, text: str, tag: str, messages: list[str]) -> None:
    """A replaced tag is a warning, upper or lower case is none."""
    report = orjson.loads(run("import", page, "--language", text, "--json").stdout)
    warnings = report["items"][0]["warnings"]
    assert [warning["message"] for warning in warnings if warning["field"] == "language"] == messages
    exported = [orjson.loads(line) for line in run("export").stdout.splitlines()]
    assert [record["language"] for record in exported if record["record"] == "article"] == [tag]


def test_import_dry_run_writes_nothing(page: Path) -> None:
    """No database is created."""
    output = run("import", page, "--dry-run").stdout
    assert "1 created" in output
    assert "Dry run: nothing was changed." in output
    assert [file.name for file in page.parent.iterdir()] == ["page.txt"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "the page is empty"),
        (b"\x89PNG\r\n\x1a\n\x00", "the file is not text"),
        (b"Head\nBell \x07", "line 2 has the control character U+0007"),
    ],
)
def test_invalid_pages_are_reported_and_others_imported(page: Path, content: bytes, reason: str) -> None:
    invalid = page.with_name("bad.txt")
    invalid.write_bytes(content)
    assert run("import", invalid, code=1).stdout.splitlines()[0] == f"{invalid}: failed: {reason}"
    assert (
        "1 created, 0 updated, 0 unchanged, 0 skipped, 0 conflict, 1 failed"
        in run("import", invalid, page, code=3).stdout
    )


def test_unreadable_files_are_reported_and_others_imported(page: Path, tmp_path: Path) -> None:
    """Without a readable file no database is created."""
    output = run("import", "missing.txt", "x/y", code=1).stdout.splitlines()
    assert output[:2] == [
        "missing.txt: failed: cannot be read: No such file or directory",
        "x/y: failed: cannot be read: No such file or directory",
    ]
    assert [file.name for file in tmp_path.iterdir()] == ["page.txt"]
    assert "1 created" in run("import", "missing.txt", page, code=3).stdout


def test_invalid_lines_are_reported_and_others_imported() -> None:
    """The report has line and reason, and a second run changes nothing."""
    lines = [
        orjson.dumps({"record": "article", "slug": f"a-{n}", "language": "en", "headline": f"A {n}"})
        for n in range(1, 1001)
    ]
    lines[499] = b'{"record": "article", "headline": "No slug", "language": "en"}'
    Path("file.jsonl").write_bytes(b"\n".join(lines))
    for counts in ("999 created, 0 updated, 0 unchanged", "0 created, 0 updated, 999 unchanged"):
        output = run("import", "file.jsonl", code=3)
        assert output.stdout.splitlines()[0] == "file.jsonl:500: failed: slug: Field required"
        assert output.stdout.splitlines()[-1] == f"1000 records: {counts}, 0 skipped, 0 conflict, 1 failed."
        assert "Importing 1,000 …" in output.stderr


def test_file_without_valid_lines_is_exit_code_1() -> None:
    """Every line is reported."""
    output = run("import", "-", "--format", "jsonl", code=1, stdin=b"{\n[]\n").stdout.splitlines()
    assert [line.partition(": ")[0] for line in output[:2]] == ["standard input:1", "standard input:2"]


def test_export_returns_the_imported_bytes() -> None:
    """By file and by pipe."""
    assert "342 created" in run("import", DEMO_CONTENT).stdout
    exported = run("export")
    assert exported.stdout_bytes == DEMO_CONTENT.read_bytes()
    assert exported.stderr == "342 records written.\n"
    other = ("--database", "sqlite:///other.sqlite3")
    run("import", "-", *other, stdin=exported.stdout_bytes)
    run("export", *other, "--output", "other.jsonl")
    assert Path("other.jsonl").read_bytes() == DEMO_CONTENT.read_bytes()
    assert [file.name for file in Path().iterdir() if "jsonl" in file.name] == ["other.jsonl"]


async def test_export_returns_the_imported_bytes_on_both_databases(database_url: str) -> None:
    """A dry run writes nothing."""
    options = ("--database", database_url)
    assert (
        "342 created" in (await asyncio.to_thread(run, "import", DEMO_CONTENT, *options, "--dry-run")).stdout
    )
    assert (await asyncio.to_thread(run, "export", *options)).stdout_bytes == b""
    assert "342 created" in (await asyncio.to_thread(run, "import", DEMO_CONTENT, *options)).stdout
    assert (await asyncio.to_thread(run, "export", *options)).stdout_bytes == DEMO_CONTENT.read_bytes()


def test_failed_export_keeps_the_existing_file() -> None:
    """No partial file is left."""
    Path("out.jsonl").write_text("before")
    assert "There is no database at newsroom.sqlite3" in error_message("export", "--output", "out.jsonl")
    assert [file.read_text() for file in Path().iterdir()] == ["before"]
    run("migrate")
    assert "cannot be written: No such file or directory" in error_message(
        "export", "--output", "none/out.jsonl"
    )
    run("export", "--output", "out.jsonl")
    assert Path("out.jsonl").read_bytes() == b""


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("UPDATE article_body SET blocks = replace(blocks, 'blk_', 'p')", "[0].PARAGRAPH.id: "),
        ("UPDATE article SET urgency = 5, headline = ''", "headline: "),
        ("UPDATE category SET path = 'a b'", "path: "),
    ],
)
def test_rows_of_other_programs_are_an_error_of_export(page: Path, change: str, message: str) -> None:
    """It names the object and the field; no partial file is left."""
    run("import", page, "--category", "world")
    with closing(sqlite3.connect("newsroom.sqlite3")) as connection:
        connection.execute(change)
        connection.commit()
    error = error_message("export", "--output", "out.jsonl")
    assert "Another program or version has written it" in error
    assert message in error
    assert not Path("out.jsonl").exists()


def test_export_stops_without_error_when_its_pipe_closes() -> None:
    """As in `contentql export | head -1`."""
    run("import", DEMO_CONTENT)
    command = f"{sys.executable} -m contentql export | head -c 1"
    output = subprocess.run(command, shell=True, capture_output=True, check=False, env={**os.environ})
    assert (output.stdout, output.stderr) == (b"{", b"")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "Missing argument"),
        (("page.txt", "--publish-at", "tomorrow"), "a time must look like 2026-06-30T08:00:00Z"),
        (("page.txt", "--publish-at", "2026-06-30T08:00:00"), "a time must look like"),
        (("page.txt", "--category", "World News"), "a path is written as in world/asia"),
        (("page.txt", "--slug", "a/b"), "a slug has no spaces and none of"),
        (("page.txt", "--language", "klingon!"), "a language is written as in en or pt-BR"),
        (("page.txt", "--language", "english"), "a language is written as in en or pt-BR"),
        (("page.txt", "--language", "xx"), "a language is written as in en or pt-BR"),
        (("page.txt", "--language", ""), "a language is written as in en or pt-BR"),
        (("page.txt", "page.txt", "--slug", "a"), "requires a single file"),
        (("page.txt", "--format", "pdf"), "is not one of 'auto', "),
        (("page.txt", "--status", "public"), "is not one of 'draft', 'in-review', 'approved', 'published'"),
        (("page.txt", "--timezone", "Mars/Olympus"), "'Mars/Olympus' is no time zone"),
        (("page.txt", "--timezone", "../etc/passwd"), "is no time zone"),
        (("page.txt", "--base-url", "news.example.org"), "an address is written as in https://"),
        (("-", "--watch"), "cannot watch standard input"),
        (("page.txt", "page.txt", "--update", "a"), "requires a single file"),
    ],
)
def test_wrong_usage_is_exit_code_2(page: Path, arguments: tuple[str, ...], message: str) -> None:
    """The message says what is expected."""
    page.with_name("file.jsonl").touch()
    output = run("import", *arguments, code=2).stderr
    assert message in " ".join(output.replace("│", " ").split())


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("--slug", "the options --slug and --paragraphs are only for plain pages"),
        ("--update", "--update is not for records, which have ids of their own"),
    ],
)
def test_options_of_pages_are_refused_for_records(option: str, message: str) -> None:
    Path("file.jsonl").write_bytes(b'{"record": "article", "slug": "a", "language": "en", "headline": "A"}')
    assert message in run("import", "file.jsonl", option, "a", code=1).stdout


def test_help_has_examples() -> None:
    assert "contentql import page.txt --publish-at" in run("import", "--help").stdout
    assert "contentql export --output newsroom.jsonl" in run("export", "--help").stdout


@pytest.fixture
def locked_database(page: Path) -> Iterator[None]:
    """A lock on the database, held by another connection."""
    run("migrate")
    with closing(sqlite3.connect("newsroom.sqlite3", isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield


@pytest.mark.usefixtures("locked_database")
def test_locked_database_is_reported(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a timeout."""
    monkeypatch.setattr(importer, "LOCK_TIMEOUT", 0.3)
    assert "newsroom.sqlite3 is locked by another program" in error_message("import", page)


def test_import_waits_for_other_writers() -> None:
    """A server that writes all the time, with short pauses, delays the import but does not stop it."""
    run("migrate")
    sections = [{"record": "category", "path": f"s{n}", "name": f"S {n}"} for n in range(20)]
    Path("sections.jsonl").write_bytes(b"\n".join(map(orjson.dumps, sections)))
    writing, imported = threading.Event(), threading.Event()
    writes = 0

    def write() -> None:
        nonlocal writes
        with closing(sqlite3.connect("newsroom.sqlite3", isolation_level=None, timeout=60)) as connection:
            while not imported.is_set():
                connection.execute("BEGIN IMMEDIATE")
                connection.execute("DELETE FROM row_change WHERE seq < 0")
                writing.set()
                time.sleep(0.05)
                connection.execute("COMMIT")
                writes += 1
                time.sleep(0.005)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        assert writing.wait(60)
        assert "20 created" in run("import", "sections.jsonl").stdout
    finally:
        imported.set()
        writer.join()
    assert writes > 1, "the import did not meet the writer"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_read_only_database_is_reported(page: Path) -> None:
    run("migrate")
    for file in page.parent.glob("newsroom.sqlite3*"):
        file.chmod(0o444)
    assert "is read-only" in error_message("import", page)


def test_read_only_errors_of_both_databases_have_one_message() -> None:
    for error in ("attempt to write a readonly database", "cannot execute INSERT in a read-only transaction"):
        assert "is read-only" in describe_error("sqlite:///newsroom.sqlite3", Exception(error))


def test_database_of_a_newer_version_is_rejected(page: Path) -> None:
    """It is not changed."""
    run("migrate")
    with closing(sqlite3.connect("newsroom.sqlite3")) as connection:
        rows = connection.execute("SELECT name FROM sqlite_master WHERE name LIKE '%migration%'").fetchall()
        (table,) = [name for (name,) in rows if "index" not in name]
        connection.execute(
            f"INSERT INTO {table} (app, name, applied_at) VALUES ('content', '9999_later', '2026-01-01')"
        )
        connection.commit()
    for command in (("import", page), ("export",)):
        assert "made by a newer version of contentql (it has 9999_later)" in error_message(*command)


def test_invalid_databases_are_reported(page: Path) -> None:
    """A file without a database, a folder, an unsupported URL and an unreachable server."""
    Path("newsroom.sqlite3").write_bytes(b"This is no database, but it is long enough. " * 50)
    assert "is not a SQLite database" in error_message("import", page)
    assert "cannot be opened" in error_message("import", page, "--database", f"sqlite:///{page.parent}")
    assert "must look like sqlite:///" in error_message("import", page, "--database", "mysql://a/b")
    unreachable = "postgresql://user:secret@127.0.0.1:1/none"
    message = error_message("import", page, "--database", unreachable)
    assert "No PostgreSQL server responds at 127.0.0.1" in message
    assert "secret" not in message


async def test_postgres_database_without_migrations_is_reported(postgres_server: Server, page: Path) -> None:
    """Importing does not migrate it; the message names the command."""
    url = await postgres_server.empty()
    message = await asyncio.to_thread(error_message, "import", page, "--database", url)
    assert message == "The database has unapplied migrations. Run: contentql migrate"
    await Database(url).migrate()
    assert "1 created" in (await asyncio.to_thread(run, "import", page, "--database", url)).stdout


def test_format_of_standard_input_is_detected(page: Path) -> None:
    """A plain page or JSON Lines."""
    command = [sys.executable, "-m", "contentql", "import", "-"]
    output = subprocess.run(command, input=page.read_bytes(), capture_output=True, check=True).stdout.decode()
    assert "standard input: created article kim-jong-un" in output
    assert "contentql import - --publish-at" in output
