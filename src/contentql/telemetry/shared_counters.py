"""Metrics counters in memory-mapped files, one per worker. Any worker can sum all; counts survive a killed
worker.

A file has named rows of numbers. A new worker continues the file of a stopped one, so that sums never
decrease. Knows nothing of what is counted.
"""

from __future__ import annotations

import mmap
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Final, NamedTuple

if sys.platform != "win32":
    import fcntl

WIDTH: Final = 16  # numbers in a row
_ROWS: Final = 512
_NAME: Final = 192  # bytes
_ROW: Final = _NAME + 8 * WIDTH
_HEAD: Final = 64
_SIZE: Final = _HEAD + _ROWS * _ROW
_FORM, _USED, _OWNER = range(3)  # numbers of the head
_FORMAT_VERSION: Final = 1.0


class CounterSnapshot(NamedTuple):
    """Contents of a counter file. `owner` is the process id of its worker, 0 if there is none."""

    number: int
    owner: int
    rows: Mapping[tuple[str, ...], list[float]]


class CounterFile:
    """`cells[row]` is the first number of a row; counting adds to it and costs nothing else."""

    def __init__(self, number: int = 1, file: IO[bytes] | None = None) -> None:
        """In memory only, or in a locked `file` of the full size."""
        self.number = number
        self._file = file
        self._memory = mmap.mmap(file.fileno() if file else -1, _SIZE)
        self.cells: memoryview[float] = memoryview(self._memory).cast("d")
        if self.cells[_FORM] != _FORMAT_VERSION:
            self._memory[:] = bytes(_SIZE)
            self.cells[_FORM] = _FORMAT_VERSION
        self._rows = dict(_rows(self._memory, self.cells))
        self.cells[_OWNER] = os.getpid()

    def row(self, *name: str) -> int | None:
        """Index of the first number of a row, which is created with zeros if missing; None if the file is
        full."""
        entry = self._rows.get(name)
        if entry is None and len(self._rows) < _ROWS:
            start = _HEAD + len(self._rows) * _ROW
            key = "\x1f".join(name).encode()
            self._memory[start : start + _NAME] = key.ljust(_NAME, b"\0")
            entry = self._rows[name] = (start + _NAME) // 8
            # Last, so that nobody reads a row whose name is not whole.
            self.cells[_USED] = len(self._rows)
        return entry

    def names(self) -> list[tuple[str, ...]]:
        return list(self._rows)

    def snapshot(self) -> CounterSnapshot:
        return _read_snapshot(self.number, self._memory)

    def close(self) -> None:
        """Releases the file; its counts stay for other workers."""
        self.cells[_OWNER] = 0
        if self._file and sys.platform != "win32":
            # Said aloud: the mapping stays for a request that ends late, and would keep the lock.
            fcntl.flock(self._file, fcntl.LOCK_UN)
            self._file.close()


def claim_counter_file(folder: Path) -> CounterFile:
    """The counter file of a stopped worker, or a new one, locked for this process. Raises OSError.

    The operating system releases the lock when the process ends.
    """
    number = 1
    while True:
        descriptor = os.open(folder / f"{number}.slate", os.O_RDWR | os.O_CREAT, 0o600)
        file = os.fdopen(descriptor, "r+b", buffering=0)
        try:
            _lock(file)
        except BlockingIOError:
            file.close()
            number += 1
        else:
            file.truncate(_SIZE)
            return CounterFile(number, file)


def other_snapshots(counters: CounterFile, folder: Path) -> Iterator[CounterSnapshot]:
    """Contents of the other counter files in the directory."""
    for path in sorted(folder.glob("*.slate")):
        number = int(path.stem)
        # One that was begun this moment has no size yet.
        if number != counters.number and path.stat().st_size == _SIZE:
            # Mapped, not read: so every number is taken whole while its worker writes.
            with path.open("rb") as file, mmap.mmap(file.fileno(), _SIZE, access=mmap.ACCESS_READ) as memory:
                yield _read_snapshot(number, memory)


def _lock(file: IO[bytes]) -> None:
    if sys.platform == "win32":
        raise OSError("workers do not share counts on Windows")
    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _rows(memory: mmap.mmap, cells: memoryview[float]) -> Iterator[tuple[tuple[str, ...], int]]:
    used = int(cells[_USED]) if cells[_FORM] == _FORMAT_VERSION else 0
    for start in range(_HEAD, _HEAD + used * _ROW, _ROW):
        name = memory[start : start + _NAME].rstrip(b"\0").decode()
        yield tuple(name.split("\x1f")), (start + _NAME) // 8


def _read_snapshot(number: int, memory: mmap.mmap) -> CounterSnapshot:
    cells: memoryview[float] = memoryview(memory).cast("d")
    with cells:
        rows = {name: list(cells[at : at + WIDTH]) for name, at in _rows(memory, cells)}
        return CounterSnapshot(number, int(cells[_OWNER]), rows)
