"""Bounded dictionary that evicts the least recently used entries."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from typing import Generic, TypeVar

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
