"""Clock that follows the database's time, so that all servers open an embargo at the same moment.

On PostgreSQL the time is queried once a second and counted by the monotonic clock in between. A SQLite file
is on this machine, so the system's clock is used.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import time
from collections.abc import AsyncIterator

from contentql.background import running_in_background
from contentql.errors import ApiError
from contentql.store.database import Database

_SYNC_INTERVAL = 1.0  # seconds between two queries


class DatabaseClock:
    """Clock of the database's time.

    `now` is behind it by at most one round trip, and never ahead of it.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._last_sync: tuple[dt.datetime, float] | None = None

    def now(self) -> dt.datetime:
        if self._last_sync is None:
            return dt.datetime.now(dt.UTC)
        database_time, monotonic_time = self._last_sync
        return database_time + dt.timedelta(seconds=time.monotonic() - monotonic_time)

    async def sync(self) -> None:
        """Queries the time of the database; does nothing on SQLite."""
        if self._database.dialect == "postgres":
            ((at,),) = await self._database.rows("SELECT clock_timestamp()")
            # Counted from the arrival of the response, so that `now` is never ahead of the database.
            self._last_sync = at, time.monotonic()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Keeps the clock synchronized within the block; queries the time once before the block begins."""
        await self.sync()
        if self._database.dialect != "postgres":
            yield
            return
        async with running_in_background(self._query_periodically()):
            yield

    async def _query_periodically(self) -> None:
        while True:
            await asyncio.sleep(_SYNC_INTERVAL)
            with contextlib.suppress(ApiError):  # database unavailable: keep counting
                await self.sync()
