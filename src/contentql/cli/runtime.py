"""Shared by the commands: the database option, checks of the database, errors and exit codes."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shlex
import sys
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from typing import Annotated, Any, TypeVar

import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from contentql.content import ids
from contentql.errors import ApiError, OperatorError
from contentql.execution.due_changes import DueChanges
from contentql.settings import Settings, load_settings
from contentql.store.clock import DatabaseClock
from contentql.store.database import Database, require_no_unknown_migrations
from contentql.store.errors import DRIVER_ERRORS, database_kind, describe_error, sqlite_path
from contentql.store.private_files import find_exposed_files

T = TypeVar("T")

DatabaseUrl = Annotated[
    str | None,
    typer.Option(
        "--database",
        envvar="CONTENTQL_DATABASE_URL",
        help="sqlite:///newsroom.sqlite3 (the default) or postgresql://user:password@host/name.",
        show_default=False,
    ),
]

_TRANSACTION_TIMEOUT = 60.0  # seconds
EXIT_PARTIAL = 3  # exit code of a command that succeeded in part

stderr = Console(stderr=True, highlight=False, soft_wrap=True)
# Tables are as wide as their cells, whatever the terminal: programs read them too.
_plain = Console(highlight=False, soft_wrap=True, width=10_000)


def plain_table(*columns: str) -> Table:
    """A table without borders; cells are never truncated or wrapped."""
    table = Table(*columns, box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="")
    for column in table.columns:
        column.no_wrap = True
    return table


def print_table(table: Table) -> None:
    """Prints a plain table on standard output, without trailing spaces."""
    with _plain.capture() as capture:
        _plain.print(table)
    for line in capture.get().splitlines():
        typer.echo(line.rstrip())


def run_async(work: Coroutine[Any, Any, T]) -> T:
    """Runs a coroutine. OperatorError and ApiError become one sentence on stderr and exit code 1."""
    try:
        return asyncio.run(work)
    except (OperatorError, ApiError) as exc:
        raise exit_with_error(exc) from None


def exit_after_broken_pipe() -> typer.Exit:
    """The exit of a command whose output is not read any more."""
    # Nothing more may be flushed into the pipe at exit.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return typer.Exit(1)


async def require_migrated(database: Database) -> None:
    """Raises OperatorError with the command to run if the database has pending migrations."""
    state = await database.migration_state()
    require_no_unknown_migrations(state)
    if state.pending:
        raise OperatorError("The database has unapplied migrations. Run: contentql migrate")


async def publish_due_changes(url: str) -> None:
    """Publishes the scheduled changes that are due, as a server does before each response.

    Raises ApiError if the database does not accept writes.
    """
    async with Database(url) as database:
        clock = DatabaseClock(database)
        await clock.sync()
        await DueChanges(database, clock.now, _TRANSACTION_TIMEOUT).publish_or_fail()


def exposed_files_warning(url: str) -> str:
    """A warning with a command to run if other users may read the files of a SQLite database, else empty."""
    if database_kind(url) != "sqlite":
        return ""
    files = find_exposed_files(sqlite_path(url))
    if not files:
        return ""
    return (
        "Other users of this machine can read the database, which holds hashes of tokens and signing keys."
        f" Run: chmod 600 {shlex.join(map(str, files))}"
    )


def with_database(url: str | None, work: Callable[[Settings, Database], Awaitable[T]]) -> T:
    """Runs `work` with a migrated database. Errors of the database become one sentence."""

    async def run(settings: Settings) -> T:
        database = Database(settings.database_url)
        await require_migrated(database)
        try:
            return await work(settings, database)
        except DRIVER_ERRORS as exc:
            raise OperatorError(describe_error(database.url, exc)) from exc

    try:
        return run_async(run(load_settings(database_url=url)))
    except OperatorError as exc:
        raise exit_with_error(exc) from None


def exit_with_error(exc: OperatorError | ApiError) -> typer.Exit:
    message = f"{exc.message} {exc.hint or ''}".strip() if isinstance(exc, ApiError) else str(exc)
    stderr.print(message, markup=False)
    return typer.Exit(1)


def parse_id(text: str, table: str) -> int:
    """The id in the argument of a command on rows of a table, such as `token`. Raises typer.BadParameter."""
    decoded = ids.decode_id(text)
    if decoded is None or decoded[0] != table:
        # The text is not repeated, because it may be a secret.
        raise typer.BadParameter(
            f"an id begins with {ids.PREFIXES[table]}_; `contentql {table}s list` shows them",
            param_hint=table.upper(),
        )
    return decoded[1]


@contextlib.contextmanager
def show_progress(label: str) -> Iterator[Callable[[], None]]:
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
