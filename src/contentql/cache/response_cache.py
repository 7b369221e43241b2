"""Response cache with exact invalidation: an entry lives until a row it depends on changes, or until a
publish, embargo or expiry time passes.

Entries are never older than the last change that was read from the change log. While the change log cannot
be read, nothing is stored and nothing is returned. An entry that another process has shared is returned only
if the changes that this process has read show that it is still valid.

Invariant: knows dependencies and changes; does not know HTTP or GraphQL.
"""

from __future__ import annotations

import datetime as dt
from collections import OrderedDict, deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from contentql.cache.change_follower import ChangeFollower
from contentql.cache.dependencies import ChangeBatch, is_invalidated_by
from contentql.cache.entry import CachedResponse, SharedBackend, SharedEntry
from contentql.cache.memory import MemoryBackend
from contentql.cache.single_flight import SingleFlight
from contentql.cache.visibility_timer import NEVER

_MAX_HISTORY = 200  # batches, to check a response that was computed while they were applied
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
        self, memory: MemoryBackend, follower: ChangeFollower, shared: SharedBackend | None = None
    ) -> None:
        self.memory = memory
        self.counts = CacheStats(memory)
        self.follower, self._shared = follower, shared
        self.flights = SingleFlight()
        self._applied = 0  # batches so far
        self._history: deque[_AppliedBatch] = deque()
        # Position and time after which `_history` has all changes.
        self._history_start: tuple[int, dt.datetime] = (0, NEVER)
        self._purged: OrderedDict[str, str] = OrderedDict()
        follower.listeners.append(self._apply)

    # Entries

    def get(self, key: str, now: dt.datetime) -> CachedResponse | None:
        """The entry that is valid at `now`, from memory. Does not count a hit."""
        if not self.follower.is_current(now):
            return None
        return self.memory.get(key)

    async def get_current(self, key: str, now: dt.datetime) -> CachedResponse | None:
        """As `get`, after pending changes and the passage of time are applied."""
        if not self.follower.is_behind(now):
            return None
        await self.follower.apply_time(now)
        return self.get(key, now)

    def can_store(self, now: dt.datetime) -> bool:
        """False while the change log is not followed, and for times before the last applied change."""
        return self.follower.is_following and now >= self.follower.timer.checked_until

    @property
    def applied_batches(self) -> int:
        """Number of change batches applied so far; read it before computing a response to be stored."""
        return self._applied

    async def get_shared(self, key: str, since: int) -> CachedResponse | None:
        """The entry of another process, if it agrees with the database at batch `since` and now. Counts a
        hit or a miss."""
        if self.follower.is_following and self._shared:
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
                await self._shared.put(
                    self._shared_key(key), SharedEntry(entry, *self.follower.applied_until)
                )

    def _shared_key(self, key: str) -> str:
        """The key in the shared backend, which other newsrooms may use too."""
        return f"{self.follower.change_log.database_id}:{key}"

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
        if not self.follower.is_following or (
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
        await self.follower.open()

    async def close(self) -> None:
        await self.follower.close()
        self.memory.clear()
        if self._shared:
            await self._shared.close()

    async def apply_pending_changes(self) -> None:
        """Applies every change committed before this call. Raises the errors of the database."""
        await self.follower.apply_pending_changes()

    def _apply(self, batch: ChangeBatch | None) -> None:
        self._applied += 1
        if batch is None:
            self._history.clear()
            self.memory.clear()
            self._purged.clear()
            self._history_start = self.follower.change_log.position, self.follower.timer.now()
        else:
            self._record_batch(batch)
            self._record_purged(self.memory.purge(batch))

    def _record_batch(self, batch: ChangeBatch) -> None:
        time, position = self.follower.timer.checked_until, self.follower.change_log.position
        self._history.append(_AppliedBatch(self._applied, position, time, batch))
        if len(self._history) > _MAX_HISTORY:
            oldest = self._history.popleft()
            self._history_start = oldest.position, oldest.time

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
