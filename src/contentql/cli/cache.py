"""`contentql purge`: every server forgets what it remembers."""

from __future__ import annotations

from contentql.cli.runtime import DatabaseUrl, carry_out, require_ready, stderr, stop
from contentql.errors import Unusable
from contentql.settings import load
from contentql.store import change_log
from contentql.store.database import Database


def purge(database: DatabaseUrl = None) -> None:
    """Make all servers of a database forget the answers they remember, at once.

    They do so by themselves whenever something is written, by whatever program. This is for when the rows
    came another way: a restored backup, a database that was copied over.
    """
    try:
        settings = load(database_url=database)
    except Unusable as fault:
        raise stop(fault) from None
    carry_out(_purge(Database(settings.database_url)))
    stderr.print("Every server forgets what it remembers.")


async def _purge(database: Database) -> None:
    await require_ready(database)
    async with database.models() as connection:
        await change_log.anything(connection)
