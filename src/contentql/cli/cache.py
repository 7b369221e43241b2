"""`contentql purge`: every server forgets what it remembers."""

from __future__ import annotations

from contentql.cli.runtime import DatabaseUrl, exit_with_error, require_migrated, run_async, stderr
from contentql.errors import OperatorError
from contentql.settings import load_settings
from contentql.store import change_log
from contentql.store.database import Database


def purge_cache(database: DatabaseUrl = None) -> None:
    """Make all servers of a database forget the answers they remember, at once.

    They do so by themselves whenever something is written, by whatever program. This is for when the rows
    came another way: a restored backup, a database that was copied over.
    """
    try:
        settings = load_settings(database_url=database)
    except OperatorError as exc:
        raise exit_with_error(exc) from None
    run_async(_purge(Database(settings.database_url)))
    stderr.print("Every server forgets what it remembers.")


async def _purge(database: Database) -> None:
    await require_migrated(database)
    async with database.orm() as connection:
        await change_log.invalidate_everything(connection)
