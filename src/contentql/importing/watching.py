"""Files that change while they are watched."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

from contentql.importing.sources import files_of

INTERVAL: Final = 1.0  # seconds between two looks

# Time of the last change in nanoseconds, and size in bytes.
_State = tuple[int, int]


def changed_files(sources: Sequence[str], sleep: Callable[[float], object]) -> Iterator[list[str]]:
    """Yields the files of the sources that have changed since the last time, for ever.

    A file is named when it has not changed for INTERVAL: an editor has written it completely. Files are
    looked at, not watched by the system, so that network drives work, too.
    """
    known = _states(sources)
    unstable: dict[str, _State] = {}
    while True:
        sleep(INTERVAL)
        present = _states(sources)
        changed = {path: state for path, state in present.items() if known.get(path) != state}
        stable = [path for path, state in changed.items() if unstable.get(path) == state]
        unstable = changed
        known = {path: state for path, state in known.items() if path in present}
        known.update({path: present[path] for path in stable})
        if stable:
            yield stable


def _states(sources: Sequence[str]) -> dict[str, _State]:
    states = {}
    for source in sources:
        path = Path(source)
        for file in files_of(path) if path.is_dir() else (path,):
            try:
                status = file.stat()
            except OSError:
                continue
            states[str(file)] = (status.st_mtime_ns, status.st_size)
    return states
