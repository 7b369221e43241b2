"""`contentql import`."""

from __future__ import annotations

import contextlib
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from enum import Enum
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import orjson
import typer
from pydantic import TypeAdapter, ValidationError

from contentql.cli.runtime import (
    EXIT_PARTIAL,
    DatabaseUrl,
    exit_after_broken_pipe,
    exit_with_error,
    publish_due_changes,
    require_migrated,
    run_async,
    show_progress,
)
from contentql.content.enums import Status
from contentql.content.field_types import EmbedUrl, Language
from contentql.content.id_fields import Timestamp
from contentql.content.import_item import ImportItem
from contentql.content.slugs import ArticleSlug
from contentql.content.slugs import Path as SectionPath
from contentql.content.warnings import Warning
from contentql.errors import OperatorError
from contentql.formats.registry import FORMAT_NAMES
from contentql.formats.source_file import ReadOptions
from contentql.importing.importer import import_records
from contentql.importing.reading import read_items
from contentql.importing.report import ImportReport, ItemOutcome
from contentql.importing.sources import STDIN, open_sources
from contentql.importing.statuses import ImportOptions
from contentql.importing.watching import changed_files
from contentql.settings import Settings, load_settings
from contentql.store.database import Database
from contentql.store.errors import sqlite_path

_SLUG_RULE = "a slug has no spaces and none of / : ? # %"
_ADDRESS_RULE = "an address is written as in https://news.example.org"
_STATUSES = {
    "draft": Status.DRAFT,
    "in-review": Status.IN_REVIEW,
    "approved": Status.APPROVED,
    "published": Status.PUBLISHED,
}


# Choices of options, by name.
FormatName = Enum("FormatName", {name: name for name in ("auto", *FORMAT_NAMES)}, type=str)  # type: ignore[misc]
_AUTO = FormatName("auto")
StatusName = Enum("StatusName", {name: name for name in _STATUSES}, type=str)  # type: ignore[misc]


class ParagraphMode(str, Enum):
    """Separation of the paragraphs of a plain page."""

    line = "line"
    blank = "blank"


class ReportFormat(str, Enum):
    """Format of the report."""

    text = "text"
    json = "json"


def import_(
    sources: Annotated[
        list[str],
        typer.Argument(metavar="SOURCE...", help="Files, folders, archives, or - for standard input."),
    ],
    database: DatabaseUrl = None,
    format: Annotated[
        FormatName, typer.Option(help="Format of the files, by default that of their content.")
    ] = _AUTO,
    status: Annotated[
        StatusName | None,
        typer.Option(
            help="Status of articles that their source shows to its readers; by default draft. What the"
            " source hides never becomes public.",
        ),
    ] = None,
    category: Annotated[
        str | None,
        typer.Option(
            metavar="PATH",
            help="Section of articles without one, for example world/asia; created if missing.",
        ),
    ] = None,
    publish_at: Annotated[
        str | None,
        typer.Option(
            metavar="TIME", help="Publication time of articles without one, such as 2026-06-30T08:00:00Z."
        ),
    ] = None,
    create: Annotated[
        bool, typer.Option("--create", help="Create missing sections, tags, authors and sources.")
    ] = False,
    language: Annotated[
        str | None,
        typer.Option(metavar="TAG", help="Language of articles without one, BCP 47; by default en."),
    ] = None,
    timezone: Annotated[
        str,
        typer.Option(metavar="ZONE", help="Time zone of times without one, such as Europe/Berlin."),
    ] = "UTC",
    base_url: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Address of the site of an export that does not name it (Ghost)."),
    ] = None,
    slug: Annotated[
        str | None, typer.Option(help="Slug of a single plain page; by default derived from its headline.")
    ] = None,
    update: Annotated[
        str | None,
        typer.Option(metavar="SLUG", help="Stored article that a single item updates, by its slug."),
    ] = None,
    paragraphs: Annotated[
        ParagraphMode,
        typer.Option(help="Paragraphs of plain pages: one per line, or separated by blank lines."),
    ] = ParagraphMode.line,
    watch: Annotated[
        bool, typer.Option("--watch", help="Import files again whenever they change, until interrupted.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Report what would happen; change nothing.")
    ] = False,
    report: Annotated[ReportFormat, typer.Option(help="Format of the report.")] = ReportFormat.text,
    as_json: Annotated[bool, typer.Option("--json", help="The same as --report json.")] = False,
) -> None:
    """Import articles from files in the formats of others, or JSON Lines written by `contentql export`.

    The format is found by the content: WordPress (WXR), Ghost, RSS, Atom, JSON Feed, ninjs, NewsML-G2, HTML,
    Markdown, plain pages, JSON Lines. Folders, zip and tar archives and compressed files are read whole.
    Nothing is fetched from the network: pictures keep their addresses, and the report counts them.

    Articles become drafts unless --status or --publish-at says otherwise. An article is recognised by the id
    that its source gives it: importing it again changes nothing, or what has changed there. What the desk has
    changed since the last import is not overwritten but reported as a conflict. What was dropped, changed or
    guessed of an item is a warning. A missing SQLite database is created.

    Exit codes: 0 all items are imported, 1 none is, 2 wrong usage, 3 some items failed or conflict.

    Examples:

      contentql import wordpress.xml --create --status published
      contentql import feed.rss.xml articles/ archive.zip --dry-run --report json
      contentql import page.txt --publish-at 2026-06-30T08:00:00Z --category world/asia
      contentql import --watch drafts/
      ssh old.example.org contentql export | contentql import -
    """
    single = "--slug" if slug else "--update" if update else ""
    if len(sources) > 1 and (single or "-" in sources):
        raise typer.BadParameter("requires a single file", param_hint=single or "-")
    if watch and "-" in sources:
        raise typer.BadParameter("cannot watch standard input", param_hint="--watch")
    options = ImportOptions(
        category=_validate_option(SectionPath, category, "--category", "a path is written as in world/asia"),
        publish_at=_validate_option(
            Timestamp, publish_at, "--publish-at", "a time must look like 2026-06-30T08:00:00Z"
        ),
        update=_validate_option(ArticleSlug, update, "--update", _SLUG_RULE),
        status=_STATUSES[status.value] if status else None,
        create=create,
    )
    _validate_option(Language, language, "--language", "a language is written as in en or pt-BR")
    read_options = ReadOptions(
        language=language,
        timezone=_timezone(timezone),
        slug=_validate_option(ArticleSlug, slug, "--slug", _SLUG_RULE),
        paragraphs=paragraphs.value,
        markup=format.value == "text",
        base_url=_validate_option(EmbedUrl, base_url, "--base-url", _ADDRESS_RULE),
    )
    run = _Run(
        options,
        read_options,
        None if format is _AUTO else format.value,
        dry_run,
        as_json or report is ReportFormat.json,
    )
    try:
        settings = load_settings(database_url=database)
        result = run.import_sources(settings, sources)
        if watch:
            with contextlib.suppress(KeyboardInterrupt):
                for paths in changed_files(sources, time.sleep):
                    result = run.import_sources(settings, paths)
            return
    except BrokenPipeError:
        raise exit_after_broken_pipe() from None
    except OperatorError as exc:
        raise exit_with_error(exc) from None
    failed = result.count("failed") + result.count("conflict")
    if failed:
        raise typer.Exit(1 if failed == result.total else EXIT_PARTIAL)


class _Run:
    """The options of the command, which stay the same while files are watched."""

    def __init__(
        self,
        options: ImportOptions,
        read_options: ReadOptions,
        format: str | None,
        dry_run: bool,
        as_json: bool,
    ) -> None:
        self._options, self._read_options, self._format = options, read_options, format
        self._dry_run, self._as_json = dry_run, as_json

    def import_sources(self, settings: Settings, sources: Sequence[str]) -> ImportReport:
        """Imports files and prints the report."""
        printer = _JsonPrinter(self._dry_run) if self._as_json else _TextPrinter(self._dry_run, sources)
        items = read_items(open_sources(list(sources)), self._read_options, self._format)
        if any(name == "-" or Path(name).exists() for name in sources):
            try:
                report = _run_import(settings, items, self._options, self._dry_run, printer.add)
            except typer.Exit:
                printer.stop("the import was stopped by an error, which is on standard error")
                raise
        else:  # without a file, no database is created
            report = ImportReport()
            for item in items:
                outcome = ItemOutcome(item.source, item.place, "", "", "failed", item.error or "")
                report.add(outcome, collect=False)
                printer.add(outcome)
        printer.finish(report)
        return report


def _run_import(
    settings: Settings,
    items: Iterator[ImportItem],
    options: ImportOptions,
    dry_run: bool,
    add: Callable[[ItemOutcome], None],
) -> ImportReport:
    async def work(url: str) -> ImportReport:
        database = Database(url)
        if _is_new(url):
            await database.migrate()
        await require_migrated(database)
        if not dry_run:
            await publish_due_changes(url)
        with show_progress("Importing") as count:

            def progress(outcome: ItemOutcome) -> None:
                count()
                add(outcome)

            return await import_records(
                database,
                items,
                options=options,
                site=settings.site,
                dry_run=dry_run,
                progress=progress,
                collect=False,
            )

    url = settings.database_url
    if dry_run and _is_new(url):
        # A dry run must not create the database.
        with tempfile.TemporaryDirectory(prefix="contentql-") as folder:
            return run_async(work(f"sqlite:///{folder}/dry-run.sqlite3"))
    return run_async(work(url))


def _is_new(url: str) -> bool:
    return Database(url).dialect == "sqlite" and not sqlite_path(url).exists()


def _validate_option(type_: Any, value: str | None, option: str, rule: str) -> Any:
    if value is None:
        return None
    try:
        return TypeAdapter(type_).validate_python(value)
    except ValidationError:
        raise typer.BadParameter(f"{value!r} cannot be used: {rule}", param_hint=option) from None


def _timezone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        raise typer.BadParameter(
            f"{name!r} is no time zone; one is written as in Europe/Berlin", param_hint="--timezone"
        ) from None


class _JsonPrinter:
    """Prints the report as one JSON object, each item as soon as it is stored."""

    def __init__(self, dry_run: bool) -> None:
        # Printed with the first item: after an error before that, nothing is on standard output.
        self._start = f'{{"dryRun": {str(dry_run).lower()}, "items": [\n'
        self._between = self._start

    def add(self, outcome: ItemOutcome) -> None:
        typer.echo(self._between, nl=False)
        typer.echo(orjson.dumps(outcome.as_json()), nl=False)
        self._between = ",\n"

    def finish(self, report: ImportReport) -> None:
        if self._between == self._start:
            typer.echo(self._start, nl=False)
        typer.echo(f'\n], "totals": {orjson.dumps(report.totals()).decode()}}}')

    def stop(self, message: str) -> None:
        """Ends the report of an import that was stopped by an error."""
        if self._between != self._start:
            typer.echo(f'\n], "error": {orjson.dumps(message).decode()}}}')


class _TextPrinter:
    """Prints the report as text: failed and skipped items, conflicts, warnings, totals; of few items all."""

    def __init__(self, dry_run: bool, sources: Sequence[str]) -> None:
        self._dry_run, self._sources = dry_run, sources
        self._first: list[ItemOutcome] | None = []

    def add(self, outcome: ItemOutcome) -> None:
        if self._first is not None:
            self._first.append(outcome)
            if len(self._first) > _MAX_LISTED:
                first, self._first = self._first, None
                for each in first:
                    _print_outcome(each, in_full=False)
        else:
            _print_outcome(outcome, in_full=False)

    def stop(self, message: str) -> None:
        for outcome in self._first or ():
            _print_outcome(outcome, in_full=True)

    def finish(self, report: ImportReport) -> None:
        for outcome in self._first or ():
            _print_outcome(outcome, in_full=True)
        if report.drafts:
            typer.echo(_how_to_publish(report.drafts, self._sources))
        if report.external_media:
            typer.echo(f"{report.external_media} media files were added by their address; none was fetched.")
        typer.echo(f"{report}.{' Dry run: nothing was changed.' if self._dry_run else ''}")


_MAX_LISTED = 20  # with more items, only failed and skipped ones are listed


def _print_outcome(outcome: ItemOutcome, *, in_full: bool) -> None:
    subject = f"{outcome.result} {outcome.label}".strip()
    if outcome.result in ("failed", "conflict", "skipped"):
        typer.echo(f"{outcome.location}: {subject}: {outcome.reason}")
    elif in_full:
        typer.echo(f"{outcome.location}: {subject}{f' ({outcome.reason})' if outcome.reason else ''}")
    for warning in outcome.warnings:
        typer.echo(_warning_line(outcome.location, warning))


def _warning_line(location: str, warning: Warning) -> str:
    where = ", ".join(filter(None, (".".join(warning.field), warning.place)))
    return f"{location}: warning: {warning.message}{f' ({where})' if where else ''}"


def _how_to_publish(count: int, sources: Sequence[str]) -> str:
    if count > 1:
        return (
            f"{count} articles are drafts and not public. To publish them, import them with a date and"
            " a section: --publish-at TIME --category PATH; or those that their source shows:"
            " --status published"
        )
    return (
        "To publish the article, import it with a date and a section, for example:"
        f" contentql import {sources[0].replace(STDIN, '-')} --publish-at 2026-06-30T08:00:00Z"
        " --category world/asia"
    )
