"""What the commands share: the database option, a database that is ready, how a fault ends a command."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Annotated, Any, TypeVar

import typer
from rich.console import Console

from contentql.errors import ApiError, OperatorError
from contentql.settings import Settings, load_settings
from contentql.store.database import Database, require_no_unknown_migrations
from contentql.store.errors import DRIVER_ERRORS, describe_error

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

stderr = Console(stderr=True, highlight=False, soft_wrap=True)


def run_async(work: Coroutine[Any, Any, T]) -> T:
    """Runs it. What makes it impossible is one sentence on stderr and exit code 1; no trace."""
    try:
        return asyncio.run(work)
    except (OperatorError, ApiError) as exc:
        raise exit_with_error(exc) from None


async def require_migrated(database: Database) -> None:
    """Raises Unusable with the command that helps if the database is not there or not up to date."""
    state = await database.migration_state()
    require_no_unknown_migrations(state)
    if state.pending:
        raise OperatorError("The database is not up to date. Bring it up to date with: contentql migrate")


def with_database(url: str | None, work: Callable[[Settings, Database], Awaitable[T]]) -> T:
    """What `work` gives with a database that is up to date; a fault of the database is one sentence."""

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
