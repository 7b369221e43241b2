"""Bounded dictionaries that evict the least recently used entries."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Iterator
from typing import Any, Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class LRUCache(Generic[K, V]):
    """Holds at most `most` entries and at most `size` in total; evicts the least recently used first."""

    def __init__(self, most: int, size: int) -> None:
        self._entries: OrderedDict[K, tuple[V, int]] = OrderedDict()
        self._max_entries, self._free_size = most, size

    def get(self, key: K) -> V | None:
        entry = self._entries.get(key)
        if entry is None:
            return None
        self._entries.move_to_end(key)
        return entry[0]

    def set(self, key: K, value: V, size: int) -> None:
        """Adds or replaces an entry."""
        self._free_size += self._entries.pop(key, (None, 0))[1] - size
        self._entries[key] = value, size
        while len(self._entries) > self._max_entries or (self._free_size < 0 and len(self._entries) > 1):
            self._free_size += self._entries.popitem(last=False)[1][1]

    def items(self) -> Iterator[tuple[K, V]]:
        """Keys and values, least recently used first; does not count as a use."""
        return ((key, value) for key, (value, _) in self._entries.items())

    def remove(self, key: K) -> None:
        """Removes the entry of a key, if there is one."""
        if (entry := self._entries.pop(key, None)) is not None:
            self._free_size += entry[1]


class SegmentedCache:
    """Values of several kinds with a common bound in bytes (segmented LRU).

    A new value is on probation; its first use protects it. Values on probation are evicted first, so that
    values that are never used again do not evict those in use.
    """

    def __init__(self, size: int) -> None:
        """`size` in bytes; up to four fifths of it are for protected values."""
        self.max_size = size
        self._probation: OrderedDict[Hashable, tuple[Any, int]] = OrderedDict()
        self._protected: OrderedDict[Hashable, tuple[Any, int]] = OrderedDict()
        self._size = self._protected_size = 0

    @property
    def size(self) -> int:
        """The sizes of all values, in bytes."""
        return self._size

    def get(self, key: Hashable) -> Any:
        """The value of a key, or None."""
        entry = self._protected.get(key)
        if entry is not None:
            self._protected.move_to_end(key)
            return entry[0]
        entry = self._probation.pop(key, None)
        if entry is None:
            return None
        self._protected[key] = entry
        self._protected_size += entry[1]
        while self._protected_size > self.max_size * 4 // 5 and len(self._protected) > 1:
            oldest, demoted = self._protected.popitem(last=False)
            self._protected_size -= demoted[1]
            self._probation[oldest] = demoted
        return entry[0]

    def set(self, key: Hashable, value: Any, size: int) -> None:
        """Adds a value; one that is larger than a quarter of the bound is not kept."""
        self.remove(key)
        if size > self.max_size // 4:
            return
        self._probation[key] = value, size
        self._size += size
        while self._size > self.max_size:
            if self._probation:
                _, (_, evicted) = self._probation.popitem(last=False)
            else:
                _, (_, evicted) = self._protected.popitem(last=False)
                self._protected_size -= evicted
            self._size -= evicted

    def remove(self, key: Hashable) -> None:
        """Removes the value of a key, if there is one."""
        if (entry := self._probation.pop(key, None)) is not None:
            self._size -= entry[1]
        elif (entry := self._protected.pop(key, None)) is not None:
            self._size -= entry[1]
            self._protected_size -= entry[1]
