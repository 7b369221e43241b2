"""`contentql cache`: the response cache."""

from __future__ import annotations

import typer

from contentql.cli.runtime import DatabaseUrl, exit_with_error, require_migrated, run_async, stderr
from contentql.errors import OperatorError
from contentql.settings import load_settings
from contentql.store import change_log
from contentql.store.database import Database

cache = typer.Typer(add_completion=False, no_args_is_help=True, help="Manage the response cache.")


@cache.callback()
def _callback() -> None:
    """Manage the response cache."""


@cache.command("purge")
def purge_cache(database: DatabaseUrl = None) -> None:
    """Clear the response cache of every server that uses this database.

    Servers invalidate cached responses by themselves whenever rows change, whatever program changes them.
    Purge after rows were replaced in another way, for example by copying a database file.
    """
    try:
        settings = load_settings(database_url=database)
    except OperatorError as exc:
        raise exit_with_error(exc) from None
    run_async(_purge(Database(settings.database_url)))
    stderr.print("Response caches cleared.")


async def _purge(database: Database) -> None:
    await require_migrated(database)
    async with database.orm() as connection:
        await change_log.invalidate_everything(connection)
