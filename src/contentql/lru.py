"""What was used last, within bounds of number and of size."""

from __future__ import annotations

from collections import OrderedDict
from typing import Generic, TypeVar

Key = TypeVar("Key")
Kept = TypeVar("Kept")


class Remembered(Generic[Key, Kept]):
    """`most` things of `size` in all; what was used longest ago is forgotten first."""

    def __init__(self, most: int, size: int) -> None:
        self._kept: OrderedDict[Key, tuple[Kept, int]] = OrderedDict()
        self._most, self._room = most, size

    def get(self, key: Key) -> Kept | None:
        found = self._kept.get(key)
        if found is None:
            return None
        self._kept.move_to_end(key)
        return found[0]

    def put(self, key: Key, value: Kept, size: int) -> None:
        """Anew or over what is there already."""
        self._room += self._kept.pop(key, (None, 0))[1] - size
        self._kept[key] = value, size
        while len(self._kept) > self._most or (self._room < 0 and len(self._kept) > 1):
            self._room += self._kept.popitem(last=False)[1][1]
