"""Metrics counters in memory-mapped files, one per worker. Any worker can sum all; counts survive a killed
worker.

A file has named rows of numbers. A new worker continues the file of a stopped one, so that sums never
decrease. Invariant: does not know what is counted.
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
_MAX_ROWS: Final = 512
# Sizes in bytes.
_NAME_SIZE: Final = 192
_ROW_SIZE: Final = _NAME_SIZE + 8 * WIDTH
_HEADER_SIZE: Final = 64
_FILE_SIZE: Final = _HEADER_SIZE + _MAX_ROWS * _ROW_SIZE
_VERSION, _ROW_COUNT, _OWNER = range(3)  # indexes of the numbers in the header
_FORMAT_VERSION: Final = 1.0


class CounterSnapshot(NamedTuple):
    """Contents of a counter file. `owner` is the process id of its worker, 0 if there is none."""

    number: int
    owner: int
    rows: Mapping[tuple[str, ...], list[float]]


class CounterFile:
    """Counters of one worker. `cells[row]` is the first number of a row; to count is to add to a cell."""

    def __init__(self, number: int = 1, file: IO[bytes] | None = None) -> None:
        """`file`: a locked file of the full size; without one, the counters are in memory only."""
        self.number = number
        self._file = file
        self._memory = mmap.mmap(file.fileno() if file else -1, _FILE_SIZE)
        self.cells: memoryview[float] = memoryview(self._memory).cast("d")
        if self.cells[_VERSION] != _FORMAT_VERSION:
            self._memory[:] = bytes(_FILE_SIZE)
            self.cells[_VERSION] = _FORMAT_VERSION
        self._rows = dict(_read_row_indexes(self._memory, self.cells))
        self.cells[_OWNER] = os.getpid()

    def row(self, *name: str) -> int | None:
        """Index of the first number of a row, which is created with zeros if missing; None if the file is
        full."""
        index = self._rows.get(name)
        if index is None and len(self._rows) < _MAX_ROWS:
            start = _HEADER_SIZE + len(self._rows) * _ROW_SIZE
            key = "\x1f".join(name).encode()
            self._memory[start : start + _NAME_SIZE] = key.ljust(_NAME_SIZE, b"\0")
            index = self._rows[name] = (start + _NAME_SIZE) // 8
            # Last, so that other workers read no row with an incomplete name.
            self.cells[_ROW_COUNT] = len(self._rows)
        return index

    def names(self) -> list[tuple[str, ...]]:
        return list(self._rows)

    def snapshot(self) -> CounterSnapshot:
        return _read_snapshot(self.number, self._memory)

    def close(self) -> None:
        """Releases the file; its counts stay for other workers."""
        self.cells[_OWNER] = 0
        if self._file and sys.platform != "win32":
            # Explicitly, because the mapping stays open for requests that end later, and keeps the lock.
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
            file.truncate(_FILE_SIZE)
            return CounterFile(number, file)


def other_snapshots(counters: CounterFile, folder: Path) -> Iterator[CounterSnapshot]:
    """Contents of the other counter files in the directory."""
    for path in sorted(folder.glob("*.slate")):
        number = int(path.stem)
        # A file that another worker is creating is still empty.
        if number != counters.number and path.stat().st_size == _FILE_SIZE:
            # Mapped, not read, so that each number is read atomically while its worker writes.
            with (
                path.open("rb") as file,
                mmap.mmap(file.fileno(), _FILE_SIZE, access=mmap.ACCESS_READ) as memory,
            ):
                yield _read_snapshot(number, memory)


def _lock(file: IO[bytes]) -> None:
    if sys.platform == "win32":
        raise OSError("workers do not share counts on Windows")
    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _read_row_indexes(memory: mmap.mmap, cells: memoryview[float]) -> Iterator[tuple[tuple[str, ...], int]]:
    row_count = int(cells[_ROW_COUNT]) if cells[_VERSION] == _FORMAT_VERSION else 0
    for start in range(_HEADER_SIZE, _HEADER_SIZE + row_count * _ROW_SIZE, _ROW_SIZE):
        name = memory[start : start + _NAME_SIZE].rstrip(b"\0").decode()
        yield tuple(name.split("\x1f")), (start + _NAME_SIZE) // 8


def _read_snapshot(number: int, memory: mmap.mmap) -> CounterSnapshot:
    cells: memoryview[float] = memoryview(memory).cast("d")
    with cells:
        rows = {name: list(cells[index : index + WIDTH]) for name, index in _read_row_indexes(memory, cells)}
        return CounterSnapshot(number, int(cells[_OWNER]), rows)
