"""`contentql export`."""

from __future__ import annotations

import contextlib
import sys
from enum import Enum
from pathlib import Path
from typing import IO, Annotated

import typer

from contentql.cli.article_export import export_articles
from contentql.cli.output_files import replace_file
from contentql.cli.runtime import (
    DatabaseUrl,
    exit_after_broken_pipe,
    exit_with_error,
    publish_due_changes,
    require_migrated,
    run_async,
    show_progress,
    stderr,
)
from contentql.errors import OperatorError
from contentql.formats import jsonl
from contentql.formats.registry import WRITER_NAMES, load_writer
from contentql.importing.exporter import export_everything, export_records
from contentql.settings import load_settings
from contentql.store.database import Database

ExportFormat = Enum("ExportFormat", {name: name for name in ("jsonl", *WRITER_NAMES)}, type=str)  # type: ignore[misc]
_JSON_LINES = ExportFormat("jsonl")


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
    format: Annotated[
        ExportFormat, typer.Option(help="Format of the file; all but jsonl are for articles only.")
    ] = _JSON_LINES,
    filter: Annotated[
        str | None,
        typer.Option(
            "--filter",
            metavar="JSON",
            help="Articles to export in another format: a filter of the field `articles` in GraphQL.",
        ),
    ] = None,
    order: Annotated[
        str | None,
        typer.Option("--order", metavar="ORDER", help="Their order, such as HEADLINE_ASC; newest first."),
    ] = None,
    drafts: Annotated[
        bool,
        typer.Option("--drafts", help="Export also articles that are not public, in another format."),
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

    With --format, articles that the public sees are written in the format of another system: newest first,
    or those of a filter in an order. Markdown and HTML have one file for each article, in a folder or a .zip
    file.

    Examples:

      contentql export --output newsroom.jsonl
      contentql export | gzip > newsroom.jsonl.gz
      contentql export --all --output everything.jsonl
      contentql export --format rss --filter '{"category": {"under": "world"}}' --output world.xml
      contentql export --format markdown --output articles.zip
    """
    if format is not _JSON_LINES:
        if everything:
            raise typer.BadParameter("is only for JSON Lines", param_hint="--all")
        export_articles(load_writer(format.value), output, filter, order, drafts=drafts, database=database)
        return
    if filter or order or drafts:
        option = "--filter" if filter else "--order" if order else "--drafts"
        raise typer.BadParameter("needs another --format: JSON Lines have all content", param_hint=option)
    try:
        settings = load_settings(database_url=database)
        if output is None:
            count = _run_export(settings.database_url, sys.stdout.buffer, everything)
            sys.stdout.buffer.flush()
        else:
            with replace_file(output) as file:
                count = _run_export(settings.database_url, file, everything)
    except BrokenPipeError:
        raise exit_after_broken_pipe() from None
    except OperatorError as exc:
        raise exit_with_error(exc) from None
    stderr.print(f"{count:,} records written{f' to {output}' if output else ''}.", markup=False)


def _run_export(url: str, file: IO[bytes], everything: bool) -> int:
    async def work() -> int:
        database = Database(url)
        await require_migrated(database)
        await publish_due_changes(url)
        record_count = 0
        with show_progress("Writing") as count:
            generator = export_everything(database) if everything else export_records(database)
            async with contextlib.aclosing(generator) as records:
                async for record in records:
                    file.writelines(jsonl.write_records([record]))
                    record_count += 1
                    count()
        return record_count

    return run_async(work())
