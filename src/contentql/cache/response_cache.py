"""Response cache with exact invalidation: an entry lives until a row it depends on changes, or until a
publish, embargo or expiry time passes.

Entries are never older than the last change that was read from the change log. While the change log cannot
be read, nothing is stored and nothing is returned. An entry that another process has shared is returned only
if the changes that this process has read show that it is still valid.

Invariant: knows dependencies and changes; does not know HTTP or GraphQL.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import logging
from collections import OrderedDict, deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from contentql.cache.change_batches import ChangeBatchLoader
from contentql.cache.dependencies import ChangeBatch, is_invalidated_by
from contentql.cache.entry import CachedResponse, SharedBackend, SharedEntry
from contentql.cache.memory import MemoryBackend
from contentql.cache.single_flight import SingleFlight
from contentql.cache.visibility_timer import NEVER, VisibilityTimer
from contentql.errors import ApiError
from contentql.store.change_log import ANY_TABLE, ChangeLog, ChangeLogTruncated, RowChange

log = logging.getLogger("contentql")

_MAX_HISTORY = 200  # batches, to check a response that was computed while they were applied
_MAX_PENDING = 5_000  # changes; with more, all entries are removed
_MAX_PURGED = 2_000  # purged entries that are compared with the response computed next


@dataclass
class CacheStats:
    """Statistics of the cache. `needed_purges` and `unneeded_purges` count the purged entries that were
    computed again, with a different and with the same body."""

    memory: MemoryBackend
    hits: int = 0
    misses: int = 0
    purged: int = 0
    unneeded_purges: int = 0
    needed_purges: int = 0

    @property
    def entries(self) -> int:
        return len(self.memory)

    @property
    def bytes(self) -> int:
        return self.memory.bytes_used


class _AppliedBatch(NamedTuple):
    """A batch of changes, with the state after it: position in the change log, and time."""

    number: int
    position: int
    time: dt.datetime
    batch: ChangeBatch


class ResponseCache:
    """Stores responses in `memory` and, if given, in `shared`, which other processes use too."""

    def __init__(
        self,
        memory: MemoryBackend,
        change_log: ChangeLog,
        timer: VisibilityTimer,
        batch_loader: ChangeBatchLoader,
        shared: SharedBackend | None = None,
    ) -> None:
        self.memory = memory
        self.counts = CacheStats(memory)
        self._change_log, self._timer, self._batch_loader, self._shared = (
            change_log,
            timer,
            batch_loader,
            shared,
        )
        self.flights = SingleFlight()
        self._applied = 0  # batches so far
        self._history: deque[_AppliedBatch] = deque()
        # Position and time after which `_history` has all changes.
        self._history_start: tuple[int, dt.datetime] = (0, NEVER)
        # Position of the applied changes, and time of the next change of what is visible.
        self._state: tuple[int, dt.datetime] = (0, NEVER)
        self._purged: OrderedDict[str, str] = OrderedDict()
        self._is_following = False
        self._pending: list[RowChange] = []  # read and not applied yet
        self._has_unread = False  # there may be committed changes that could not be read
        self._valid_at: dt.datetime | None = None  # time of the entries, if `_pending` has changes by time
        self._applying = asyncio.Lock()
        self._follower: asyncio.Task[None] | None = None

    # Entries

    def get(self, key: str, now: dt.datetime) -> CachedResponse | None:
        """The entry that is valid at `now`, from memory. Does not count a hit."""
        if (
            not self._is_following
            or self._pending
            or self._has_unread
            or not self._timer.checked_until <= now < self._timer.next_transition
        ):
            return None
        return self.memory.get(key)

    async def get_current(self, key: str, now: dt.datetime) -> CachedResponse | None:
        """As `get`, after pending changes and the passage of time are applied."""
        if not self._is_following or not (
            self._pending or self._has_unread or now >= self._timer.next_transition
        ):
            return None
        await self._apply_time(now)
        return self.get(key, now)

    def can_store(self, now: dt.datetime) -> bool:
        """False while the change log is not followed, and for times before the last applied change."""
        return self._is_following and now >= self._timer.checked_until

    @property
    def applied_batches(self) -> int:
        """Number of change batches applied so far; read it before computing a response to be stored."""
        return self._applied

    async def get_shared(self, key: str, since: int) -> CachedResponse | None:
        """The entry of another process, if it agrees with the database at batch `since` and now. Counts a
        hit or a miss."""
        if self._is_following and self._shared:
            entry = await self._shared.get(self._shared_key(key))
            if entry is not None and self._agrees(entry) and self._is_fresh(entry.response, since):
                self.counts.hits += 1
                self.memory.put(key, entry.response)
                return entry.response
        self.counts.misses += 1
        return None

    async def store(self, key: str, entry: CachedResponse, since: int) -> None:
        """Stores an entry computed at batch `since`, unless a later change invalidates it."""
        if self._is_fresh(entry, since):
            self._record_purge_accuracy(key, entry)
            self.memory.put(key, entry)
            if self._shared:
                await self._shared.put(self._shared_key(key), SharedEntry(entry, *self._state))

    def _shared_key(self, key: str) -> str:
        """The key in the shared backend, which other newsrooms may use too."""
        return f"{self._change_log.database_id}:{key}"

    def _agrees(self, entry: SharedEntry) -> bool:
        """True if no change that the entry's process had not applied invalidates it."""
        position, time = self._history_start
        if entry.position < position or entry.valid_until <= time:
            return False  # there may be older changes
        for applied in self._history:
            if position < entry.position < applied.position:
                return False  # a batch compares the states before and after it, not those in between
            position = applied.position
            if (position > entry.position or applied.time >= entry.valid_until) and is_invalidated_by(
                entry.response.dependencies, applied.batch
            ):
                return False
        return True

    def _is_fresh(self, entry: CachedResponse, since: int) -> bool:
        """True if no batch since `since` invalidates the entry."""
        if not self._is_following or (
            since < self._applied and (not self._history or self._history[0].number > since + 1)
        ):
            return False
        return not any(
            applied.number > since and is_invalidated_by(entry.dependencies, applied.batch)
            for applied in self._history
        )

    # Changes

    async def open(self) -> None:
        """Starts to follow the change log. Returns when the log is being read, or cannot be read yet."""
        started = asyncio.Event()
        self._follower = asyncio.create_task(self._follow(started))
        await started.wait()

    async def close(self) -> None:
        if self._follower is not None:
            self._follower.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._follower
        await self._change_log.close()
        self.memory.clear()
        if self._shared:
            await self._shared.close()

    async def apply_pending_changes(self) -> None:
        """Applies every change committed before this call. Raises the errors of the database."""
        async with self._applying:
            if self._is_following:
                try:
                    await self._apply()
                except BaseException:
                    self._has_unread = True
                    raise

    async def _follow(self, started: asyncio.Event) -> None:
        while True:
            try:
                await self._change_log.start()
                await self._clear_all()
                self._is_following = True
                started.set()
                while True:
                    await self._change_log.wait()
                    await self.apply_pending_changes()
            except (OSError, ApiError) as exc:
                log.warning(
                    "Change listener disconnected; response cache disabled until it reconnects: %s", exc
                )
            except Exception:
                log.exception("Change listener failed")
            finally:
                self._is_following = False
                started.set()
            await asyncio.sleep(1)

    async def _apply_time(self, now: dt.datetime) -> None:
        """Applies the visibility changes that the passage of time has caused."""
        async with self._applying:
            if now >= self._timer.next_transition:
                self._valid_at = self._valid_at or self._timer.unchanged_until(now)
                self._pending += await self._timer.transitions_until(now)
            await self._apply()

    async def _apply(self) -> None:
        """Applies all pending and new changes.

        Related rows are read in their current state. Changes written while they are read belong to the same
        batch: they may have removed the link that led to a response. If this is interrupted, changes stay
        pending, and no response is returned before they are applied.
        """
        batch: ChangeBatch | None = None
        try:
            while (new_changes := await self._change_log.read_new()) or (self._pending and batch is None):
                self._pending += new_changes
                if len(self._pending) > _MAX_PENDING or any(
                    change.table == ANY_TABLE for change in new_changes
                ):
                    raise ChangeLogTruncated
                now = self._timer.now()
                since = self._valid_at or self._timer.unchanged_until(now)
                batch = await self._batch_loader.load(self._pending, now, since)
        except ChangeLogTruncated:
            await self._clear_all()
            return
        if batch is not None:
            self._applied += 1
            self._record_batch(batch)
            self._record_purged(self.memory.purge(batch))
            await self._timer.reload_after_write()
            self._state = self._change_log.position, self._timer.next_transition
            self._pending = []
        self._valid_at, self._has_unread = None, False

    def _record_batch(self, batch: ChangeBatch) -> None:
        time = self._timer.checked_until
        self._history.append(_AppliedBatch(self._applied, self._change_log.position, time, batch))
        if len(self._history) > _MAX_HISTORY:
            oldest = self._history.popleft()
            self._history_start = oldest.position, oldest.time

    async def _clear_all(self) -> None:
        self._applied += 1
        self._history.clear()
        self.memory.clear()
        self._purged.clear()
        now = self._timer.now()
        self._history_start = self._change_log.position, now
        await self._timer.reload(now)
        self._state = self._change_log.position, self._timer.next_transition
        self._pending, self._valid_at, self._has_unread = [], None, False

    def _record_purged(self, removed: Sequence[tuple[str, CachedResponse]]) -> None:
        self.counts.purged += len(removed)
        for key, entry in removed[-_MAX_PURGED:]:
            self._purged[key] = entry.etag
        while len(self._purged) > _MAX_PURGED:
            self._purged.popitem(last=False)

    def _record_purge_accuracy(self, key: str, entry: CachedResponse) -> None:
        """Counts whether a purge was needed, when the entry is computed again."""
        purged_etag = self._purged.pop(key, None)
        if purged_etag is not None:
            if purged_etag == entry.etag:
                self.counts.unneeded_purges += 1
            else:
                self.counts.needed_purges += 1
