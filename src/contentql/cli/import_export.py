"""`contentql import` and `contentql export`."""

from __future__ import annotations

import contextlib
import hashlib
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from enum import Enum
from io import BufferedReader, RawIOBase
from pathlib import Path
from typing import IO, Annotated, Any, cast

import orjson
import typer
from pydantic import TypeAdapter, ValidationError
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from contentql.cli.runtime import (
    EXIT_PARTIAL,
    DatabaseUrl,
    exit_with_error,
    publish_due_changes,
    require_migrated,
    run_async,
    stderr,
)
from contentql.content.enums import Status
from contentql.content.field_types import Language
from contentql.content.id_fields import Timestamp
from contentql.content.import_item import ImportItem
from contentql.content.slugs import ArticleSlug
from contentql.content.slugs import Path as SectionPath
from contentql.content.warnings import Warning
from contentql.errors import OperatorError
from contentql.formats import jsonl, text
from contentql.importing.articles import ImportOptions
from contentql.importing.exporter import export_everything, export_records
from contentql.importing.importer import import_records
from contentql.importing.report import ImportReport, RecordOutcome
from contentql.settings import load_settings
from contentql.store.database import Database
from contentql.store.errors import sqlite_path

_STDIN = "standard input"
_SLUG_RULE = "a slug has no spaces and none of / : ? # %"


class FileFormat(str, Enum):
    """Format of a file."""

    auto = "auto"
    text = "text"
    jsonl = "jsonl"


class ParagraphMode(str, Enum):
    """Separation of the paragraphs of a plain page."""

    line = "line"
    blank = "blank"


def import_(
    files: Annotated[
        list[str], typer.Argument(metavar="FILE...", help="Files to import, or - for standard input.")
    ],
    database: DatabaseUrl = None,
    format: Annotated[
        FileFormat,
        typer.Option(
            help="text: a plain page, even if it looks like HTML. jsonl: output of `contentql export`."
            " auto: detect."
        ),
    ] = FileFormat.auto,
    category: Annotated[
        str | None,
        typer.Option(
            metavar="PATH", help="Section of the articles, for example world/asia; created if missing."
        ),
    ] = None,
    publish_at: Annotated[
        str | None,
        typer.Option(
            metavar="TIME", help="Publication time of the articles, for example 2026-06-30T08:00:00Z."
        ),
    ] = None,
    slug: Annotated[
        str | None, typer.Option(help="Slug of a single plain page; by default derived from its headline.")
    ] = None,
    language: Annotated[
        str | None,
        typer.Option(metavar="TAG", help="Language of plain pages, BCP 47; by default en."),
    ] = None,
    update: Annotated[
        str | None,
        typer.Option(metavar="SLUG", help="Stored article that a single plain page updates, by its slug."),
    ] = None,
    paragraphs: Annotated[
        ParagraphMode,
        typer.Option(help="Paragraphs of plain pages: one per line, or separated by blank lines."),
    ] = ParagraphMode.line,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Report what would happen; change nothing.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Import content: plain pages, or JSON Lines written by `contentql export`.

    A plain page becomes a draft: its first line, after menu lines such as "- Latest news", is the headline,
    every other line a paragraph. A page has no date and no section, so it is not public until both are given.
    A page is recognised by the path of its file: importing it again changes the same article, or nothing.
    HTML, Markdown and CSV are refused. What the desk has changed since the last import is not overwritten but
    reported as a conflict. Invalid records are reported with line and reason, and what was dropped, changed
    or guessed of a record as a warning; the others are imported. A missing SQLite database is created.

    Exit codes: 0 all records are imported, 1 none is, 2 wrong usage, 3 some records failed or conflict.

    Examples:

      contentql import page.txt
      contentql import page.txt --publish-at 2026-06-30T08:00:00Z --category world/asia
      contentql import moved/page.txt --update slug-of-the-article
      contentql import newsroom.jsonl --dry-run
      ssh old.example.org contentql export | contentql import -
    """
    if len(files) > 1 and (slug or update or "-" in files):
        option = "--slug" if slug else "--update" if update else "-"
        raise typer.BadParameter("requires a single file", param_hint=option)
    options = ImportOptions(
        category=_validate_option(SectionPath, category, "--category", "a path is written as in world/asia"),
        publish_at=_validate_option(
            Timestamp, publish_at, "--publish-at", "a time must look like 2026-06-30T08:00:00Z"
        ),
        update=_validate_option(ArticleSlug, update, "--update", _SLUG_RULE),
    )
    _validate_option(Language, language, "--language", "a language is written as in en or pt-BR")
    page_options = {
        "slug": _validate_option(ArticleSlug, slug, "--slug", _SLUG_RULE),
        "language": language,
        "paragraphs": None if paragraphs is ParagraphMode.line else paragraphs.value,
    }
    page_options = {name: value for name, value in page_options.items() if value}
    try:
        settings = load_settings(database_url=database)
        with ExitStack() as stack:
            unreadable, opened_files = _open_files(files, stack)
            formats = [_detect_format(file, name, format) for name, file in opened_files]
            if FileFormat.jsonl in formats and (page_options or update):
                option = next(iter(page_options), "update")
                raise typer.BadParameter("is only for plain pages", param_hint=f"--{option}")
            if format is FileFormat.text:
                page_options["markup"] = True
            if not opened_files:
                report = ImportReport(tuple(unreadable))
            else:
                items = _read_items(opened_files, formats, page_options)
                report = _run_import(settings.database_url, items, options, dry_run)
                report = ImportReport((*unreadable, *report.outcomes))
    except OperatorError as exc:
        raise exit_with_error(exc) from None
    if as_json:
        fields = {
            "dryRun": dry_run,
            "counts": report.counts(),
            "records": [asdict(outcome) for outcome in report.outcomes],
        }
        typer.echo(orjson.dumps(fields, option=orjson.OPT_INDENT_2))
    else:
        for line in _report_lines(report, dry_run):
            typer.echo(line)
    failed = report.count("failed") + report.count("conflict")
    if failed:
        raise typer.Exit(1 if failed == len(report.outcomes) else EXIT_PARTIAL)


def export(
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Output file, replaced when complete; by default standard output.",
        ),
    ] = None,
    everything: Annotated[
        bool,
        typer.Option("--all", help="Export also what the plain form leaves out, for an empty database."),
    ] = False,
    database: DatabaseUrl = None,
) -> None:
    """Export the content as JSON Lines, from one snapshot. `contentql import` reads it without loss.

    The export has sections, sources, media, authors, tags, stories, articles and collections, also those that
    are not public, with former slugs, corrections and external ids of articles. Equal content gives equal
    bytes. It leaves out unpublished changes of published articles (working copies), owners of articles,
    revisions, scheduled changes, notices of withdrawn articles, former paths of sections, redirects of the
    site and the audit log: --all adds these. It leaves out tokens, signing keys and trusted documents: only a
    backup has these (contentql backup). Scheduled changes that are due are published first.

    An export with --all is imported only into an empty database. The import then writes no revisions and
    audit entries of its own, so that an export with --all gives the same bytes again.

    Examples:

      contentql export --output newsroom.jsonl
      contentql export | gzip > newsroom.jsonl.gz
      contentql export --all --output everything.jsonl
    """
    try:
        settings = load_settings(database_url=database)
        if output is None:
            count = _run_export(settings.database_url, sys.stdout.buffer, everything)
            sys.stdout.buffer.flush()
        else:
            with _replace_file(output) as file:
                count = _run_export(settings.database_url, file, everything)
    except BrokenPipeError:
        # The reading program has closed the pipe. Nothing more may be flushed into it at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(1) from None
    except OperatorError as exc:
        raise exit_with_error(exc) from None
    stderr.print(f"{count:,} records written{f' to {output}' if output else ''}.", markup=False)


def _validate_option(type_: Any, value: str | None, option: str, rule: str) -> Any:
    if value is None:
        return None
    try:
        return TypeAdapter(type_).validate_python(value)
    except ValidationError:
        raise typer.BadParameter(f"{value!r} cannot be used: {rule}", param_hint=option) from None


def _open_files(
    names: Sequence[str], stack: ExitStack
) -> tuple[list[RecordOutcome], list[tuple[str, BufferedReader]]]:
    """Opens the files that can be read and reports the others."""
    unreadable: list[RecordOutcome] = []
    opened_files: list[tuple[str, BufferedReader]] = []
    for name in names:
        try:
            if name == "-":
                opened_files.append((name, BufferedReader(cast(RawIOBase, sys.stdin.buffer))))
            else:
                opened_files.append((name, stack.enter_context(Path(name).open("rb"))))  # noqa: SIM115
        except OSError as exc:
            unreadable.append(RecordOutcome(name, "", "failed", f"cannot be read: {exc.strerror or exc}"))
    return unreadable, opened_files


def _detect_format(file: BufferedReader, name: str, file_format: FileFormat) -> FileFormat:
    if file_format is not FileFormat.auto:
        return file_format
    suffix = Path(name).suffix.lower()
    if suffix in (".jsonl", ".ndjson"):
        return FileFormat.jsonl
    start = b"" if suffix in (".txt", ".text") else file.peek(64)
    return (
        FileFormat.jsonl if start.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{") else FileFormat.text
    )


def _read_items(
    opened_files: Sequence[tuple[str, BufferedReader]],
    formats: Sequence[FileFormat],
    page_options: dict[str, Any],
) -> Iterator[ImportItem]:
    for (name, file), format in zip(opened_files, formats, strict=True):
        label = _STDIN if name == "-" else name
        try:
            if format is FileFormat.jsonl:
                yield from jsonl.read_records(file, label)
            else:
                page = file.read(text.MAX_PAGE + 1)
                # Standard input has no name: the same page is recognised, a changed one is a new page.
                external_id = (
                    f"sha256:{hashlib.sha256(page).hexdigest()}" if name == "-" else os.path.abspath(name)
                )
                yield text.read_page(page, label, external_id=external_id, **page_options)
        except OSError as exc:
            yield ImportItem(label, error=f"cannot be read: {exc.strerror or exc}")


def _run_import(url: str, items: Iterator[ImportItem], options: ImportOptions, dry_run: bool) -> ImportReport:
    async def work(url: str) -> ImportReport:
        database = Database(url)
        if _is_new(url):
            await database.migrate()
        await require_migrated(database)
        if not dry_run:
            await publish_due_changes(url)
        with _show_progress("Importing") as count:
            return await import_records(
                database, items, options=options, dry_run=dry_run, progress=lambda outcome: count()
            )

    if dry_run and _is_new(url):
        # A dry run must not create the database.
        with tempfile.TemporaryDirectory(prefix="contentql-") as folder:
            return run_async(work(f"sqlite:///{folder}/dry-run.sqlite3"))
    return run_async(work(url))


def _run_export(url: str, file: IO[bytes], everything: bool) -> int:
    async def work() -> int:
        database = Database(url)
        await require_migrated(database)
        await publish_due_changes(url)
        record_count = 0
        with _show_progress("Writing") as count:
            generator = export_everything(database) if everything else export_records(database)
            async with contextlib.aclosing(generator) as records:
                async for record in records:
                    file.writelines(jsonl.write_records([record]))
                    record_count += 1
                    count()
        return record_count

    return run_async(work())


def _is_new(url: str) -> bool:
    return Database(url).dialect == "sqlite" and not sqlite_path(url).exists()


@contextlib.contextmanager
def _replace_file(path: Path) -> Iterator[IO[bytes]]:
    """Writes a file that replaces `path` when it is complete; after an error `path` is unchanged."""
    temporary = None
    try:
        descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        mask = os.umask(0)
        os.umask(mask)
        Path(temporary).chmod(0o666 & ~mask)
        Path(temporary).replace(path)
    except OSError as exc:
        raise OperatorError(f"{path} cannot be written: {exc.strerror or exc}.") from None
    finally:
        if temporary:
            Path(temporary).unlink(missing_ok=True)


@contextlib.contextmanager
def _show_progress(label: str) -> Iterator[Callable[[], None]]:
    """Shows progress on stderr: live on a terminal, otherwise one line per thousand records."""
    columns = (SpinnerColumn(), TextColumn("{task.description} {task.completed:,}"), TimeElapsedColumn())
    with Progress(*columns, console=stderr, transient=True, disable=not stderr.is_terminal) as progress:
        task = progress.add_task(label, total=None)
        done = 0

        def count() -> None:
            nonlocal done
            done += 1
            progress.advance(task)
            if not stderr.is_terminal and done % 1000 == 0:
                stderr.print(f"{label} {done:,} …", markup=False)

        yield count


def _report_lines(report: ImportReport, dry_run: bool) -> Iterator[str]:
    """The report as text: failed and skipped records, conflicts, warnings, drafts, totals."""
    for outcome in report.outcomes:
        subject = f"{outcome.result} {outcome.label}".strip()
        if outcome.result in ("failed", "conflict", "skipped"):
            yield f"{outcome.location}: {subject}: {outcome.reason}"
        elif len(report.outcomes) <= _MAX_LISTED:
            yield f"{outcome.location}: {subject}{f' ({outcome.reason})' if outcome.reason else ''}"
        for warning in outcome.warnings:
            yield _warning_line(outcome.location, warning)
    drafts = [outcome for outcome in report.outcomes if outcome.status is Status.DRAFT]
    if drafts:
        yield _how_to_publish(drafts)
    yield f"{report}.{' Dry run: nothing was changed.' if dry_run else ''}"


_MAX_LISTED = 20  # with more records, only failed and skipped ones are listed


def _warning_line(location: str, warning: Warning) -> str:
    where = ", ".join(filter(None, (".".join(warning.field), warning.place)))
    return f"{location}: warning: {warning.message}{f' ({where})' if where else ''}"


def _how_to_publish(drafts: Sequence[RecordOutcome]) -> str:
    if len(drafts) > 1:
        return (
            f"{len(drafts)} articles are drafts and not public. To publish them, import them with a date and"
            " a section: --publish-at TIME --category PATH"
        )
    file = drafts[0].location.partition(":")[0].replace(_STDIN, "-")
    return (
        "To publish the article, import it with a date and a section, for example:"
        f" contentql import {file} --publish-at 2026-06-30T08:00:00Z --category world/asia"
    )
