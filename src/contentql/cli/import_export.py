"""`contentql export`."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Annotated

import typer

from contentql.cli.runtime import (
    DatabaseUrl,
    exit_with_error,
    publish_due_changes,
    require_migrated,
    run_async,
    show_progress,
    stderr,
)
from contentql.errors import OperatorError
from contentql.formats import jsonl
from contentql.importing.exporter import export_everything, export_records
from contentql.settings import load_settings
from contentql.store.database import Database


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
