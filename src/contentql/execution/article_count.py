"""The number of public articles, which the cost of conditions that no index serves depends on."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
from collections.abc import AsyncIterator, Callable

from contentql.background import running_in_background
from contentql.errors import ApiError
from contentql.planner.sql import dialect_for
from contentql.planner.visibility import own_visibility_sql
from contentql.store.database import Database

_INTERVAL_SECONDS = 300.0


class ArticleCount:
    """The number of public articles, rounded up to a power of two; 0 until it was counted.

    Drafts do not count, because clients see the costs of their operations.
    """

    def __init__(self, database: Database, now: Callable[[], dt.datetime]) -> None:
        self._database, self._now = database, now
        self.value = 0

    async def update(self) -> None:
        """Counts the articles. Raises ApiError as `Database.row`."""
        dialect = dialect_for(self._database)
        visible = own_visibility_sql("article", "article", dialect.param(1, "time"))
        (count,) = await self._database.row(
            f"SELECT count(*) FROM article WHERE {visible}", [dialect.bind("time", self._now())]
        )
        self.value = 1 << (count - 1).bit_length() if count else 0

    @contextlib.asynccontextmanager
    async def updating(self) -> AsyncIterator[None]:
        """Counts the articles every five minutes within the block, for the first time at its beginning."""
        async with running_in_background(self._update_periodically()):
            yield

    async def _update_periodically(self) -> None:
        while True:
            with contextlib.suppress(ApiError):  # database unavailable: keep the last value
                await self.update()
            await asyncio.sleep(_INTERVAL_SECONDS)
