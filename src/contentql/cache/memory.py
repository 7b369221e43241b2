"""Response storage in the memory of this process, evicting the least recently used entries."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator

from contentql.cache.dependencies import ChangeBatch, is_invalidated_by
from contentql.cache.entry import CachedResponse

_MAX_COMPARISONS = 300_000  # entries times changes in one purge; above it, all entries are removed


class MemoryBackend:
    """Cache backend in memory. `capacity` in bytes, for bodies, compressed bodies and metadata."""

    def __init__(self, capacity: int) -> None:
        self._entries: OrderedDict[str, CachedResponse] = OrderedDict()
        self._capacity = capacity
        self._used = 0

    def get(self, key: str) -> CachedResponse | None:
        entry = self._entries.get(key)
        if entry is not None:
            self._entries.move_to_end(key)
        return entry

    def put(self, key: str, entry: CachedResponse) -> None:
        if entry.size > self._capacity // 8:
            return  # it would evict too many smaller entries
        self._remove(key)
        self._entries[key] = entry
        entry.accounted_size = entry.size
        self._used += entry.accounted_size
        self._evict_to_capacity()

    def entry_resized(self, entry: CachedResponse) -> None:
        """Accounts for a compressed body that was added to a stored entry."""
        if entry.accounted_size:
            self._used += entry.size - entry.accounted_size
            entry.accounted_size = entry.size
            self._evict_to_capacity()

    def purge(self, batch: ChangeBatch) -> list[tuple[str, CachedResponse]]:
        """Removes and returns the entries that the changes invalidate."""
        if len(self._entries) * len(batch.changes) > _MAX_COMPARISONS:
            return self.clear()
        removed = [
            (key, entry)
            for key, entry in self._entries.items()
            if is_invalidated_by(entry.dependencies, batch)
        ]
        for key, _ in removed:
            self._remove(key)
        return removed

    def clear(self) -> list[tuple[str, CachedResponse]]:
        removed = list(self._entries.items())
        self._entries.clear()
        for _, entry in removed:
            self._release(entry)
        return removed

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    @property
    def bytes_used(self) -> int:
        return self._used

    def _remove(self, key: str) -> None:
        entry = self._entries.pop(key, None)
        if entry is not None:
            self._release(entry)

    def _evict_to_capacity(self) -> None:
        while self._used > self._capacity and self._entries:
            self._release(self._entries.popitem(last=False)[1])

    def _release(self, entry: CachedResponse) -> None:
        self._used -= entry.accounted_size
        entry.accounted_size = 0
