"""Follows the change log and the clock, and passes what has changed to listeners, in batches.

One per process: the response cache invalidates its entries by the batches, live queries execute again.

Invariant: knows rows and times; does not know responses.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import logging
from collections.abc import AsyncIterator, Callable

from contentql.background import cancel_task, running_in_background
from contentql.cache.change_batches import ChangeBatchLoader
from contentql.cache.dependencies import ChangeBatch
from contentql.cache.visibility_timer import VisibilityTimer
from contentql.errors import ApiError
from contentql.store.change_log import ANY_TABLE, ChangeLog, ChangeLogTruncated, RowChange

log = logging.getLogger("contentql")

_MAX_PENDING = 5_000  # changes; with more, anything may have changed
_MAX_CLOCK_SLEEP = 1.0  # seconds; the next transition may move, and the clock may be set
_MIN_CLOCK_SLEEP = 0.01

# Called with each batch, and with None if anything may have changed. Must not block or raise.
ChangeListener = Callable[[ChangeBatch | None], None]


class ChangeFollower:
    """Reads the change log from `open` to `close`, and applies what it reads and the passage of time.

    `is_following`: whether the change log is being read. `applied_until`: the position in the change log and
    the time of the next change of what is visible, as of the last batch. A listener that is called with None
    must forget all that it knows: the log was not read for a time, or has lost rows.
    """

    def __init__(
        self, change_log: ChangeLog, timer: VisibilityTimer, batch_loader: ChangeBatchLoader
    ) -> None:
        self.change_log, self.timer, self.batch_loader = change_log, timer, batch_loader
        self.listeners: list[ChangeListener] = []
        self.is_following = False
        self.applied_until: tuple[int, dt.datetime] = (0, timer.next_transition)
        self.applying = asyncio.Lock()
        self._pending: list[RowChange] = []  # read and not applied yet
        self._has_unread = False  # there may be committed changes that could not be read
        self._valid_at: dt.datetime | None = None  # time of the last batch, if `_pending` has changes by time
        self._task: asyncio.Task[None] | None = None

    def is_current(self, now: dt.datetime) -> bool:
        """True if every change that was read and every transition until `now` has been applied."""
        return (
            self.is_following
            and not self._pending
            and not self._has_unread
            and self.timer.checked_until <= now < self.timer.next_transition
        )

    def is_behind(self, now: dt.datetime) -> bool:
        """True if changes or transitions are known that `apply_time` would apply."""
        return self.is_following and bool(
            self._pending or self._has_unread or now >= self.timer.next_transition
        )

    async def open(self) -> None:
        """Starts to follow the change log. Returns when the log is being read, or cannot be read yet."""
        started = asyncio.Event()
        self._task = asyncio.create_task(self._follow(started))
        await started.wait()

    async def close(self) -> None:
        if self._task is not None:
            await cancel_task(self._task)
        await self.change_log.close()

    @contextlib.asynccontextmanager
    async def following_clock(self) -> AsyncIterator[None]:
        """Within the block transitions are applied at their time, also if nothing is read then."""
        async with running_in_background(self._follow_clock()):
            yield

    async def apply_pending_changes(self) -> None:
        """Applies every change committed before this call. Raises the errors of the database."""
        async with self.applying:
            if self.is_following:
                try:
                    await self._apply()
                except BaseException:
                    self._has_unread = True
                    raise

    async def apply_time(self, now: dt.datetime) -> None:
        """Applies the visibility changes that the passage of time has caused, and pending changes."""
        async with self.applying:
            if now >= self.timer.next_transition:
                self._valid_at = self._valid_at or self.timer.unchanged_until(now)
                self._pending += await self.timer.transitions_until(now)
            await self._apply()

    async def _follow(self, started: asyncio.Event) -> None:
        while True:
            try:
                await self.change_log.start()
                await self._clear()
                self.is_following = True
                started.set()
                while True:
                    await self.change_log.wait()
                    await self.apply_pending_changes()
            except (OSError, ApiError) as exc:
                log.warning(
                    "Change listener disconnected; response cache disabled until it reconnects: %s", exc
                )
            except Exception:
                log.exception("Change listener failed")
            finally:
                self.is_following = False
                started.set()
            await asyncio.sleep(1)

    async def _follow_clock(self) -> None:
        while True:
            left = (self.timer.next_transition - self.timer.exact_now()).total_seconds()
            await asyncio.sleep(min(max(left, _MIN_CLOCK_SLEEP), _MAX_CLOCK_SLEEP))
            try:
                if self.is_behind(self.timer.now()):
                    await self.apply_time(self.timer.now())
            except ApiError as exc:
                log.warning("The transitions of the clock could not be read: %s", exc.message)
                await asyncio.sleep(_MAX_CLOCK_SLEEP)
            except Exception:
                log.exception("The transitions of the clock could not be applied")
                await asyncio.sleep(_MAX_CLOCK_SLEEP)

    async def _apply(self) -> None:
        """Applies all pending and new changes.

        Related rows are read in their current state. Changes written while they are read belong to the same
        batch: they may have removed the link that led to a response. If this is interrupted, changes stay
        pending, and nothing is current before they are applied.
        """
        batch: ChangeBatch | None = None
        try:
            while (new_changes := await self.change_log.read_new()) or (self._pending and batch is None):
                self._pending += new_changes
                if len(self._pending) > _MAX_PENDING or any(
                    change.table == ANY_TABLE for change in new_changes
                ):
                    raise ChangeLogTruncated
                now = self.timer.now()
                since = self._valid_at or self.timer.unchanged_until(now)
                batch = await self.batch_loader.load(self._pending, now, since)
        except ChangeLogTruncated:
            await self._clear()
            return
        if batch is not None:
            self._notify(batch)
            await self.timer.reload_after_write()
            self.applied_until = self.change_log.position, self.timer.next_transition
            self._pending = []
        self._valid_at, self._has_unread = None, False

    async def _clear(self) -> None:
        now = self.timer.now()
        self._notify(None)
        await self.timer.reload(now)
        self.applied_until = self.change_log.position, self.timer.next_transition
        self._pending, self._valid_at, self._has_unread = [], None, False

    def _notify(self, batch: ChangeBatch | None) -> None:
        for listener in self.listeners:
            listener(batch)
