"""Files that change while a folder is watched."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from contentql.importing.watching import changed_files


def test_files_are_named_when_they_have_not_changed_for_an_interval(tmp_path: Path) -> None:
    """A file that is still being written is not; files that were there before are not either."""
    old, new = tmp_path / "old.md", tmp_path / "new.md"
    old.write_text("old")
    writes: list[Callable[[], object]] = [
        lambda: new.write_text("n"),
        lambda: new.write_text("ne"),
        lambda: new.write_text("new"),
        lambda: None,
        lambda: os.utime(old, (1, 1)),
        lambda: new.unlink(),
        lambda: new.write_text("again"),
        lambda: None,
    ]
    steps = iter(writes)

    def sleep(seconds: float) -> None:
        next(steps)()

    changes = changed_files([str(tmp_path)], sleep)
    assert next(changes) == [str(new)]
    assert next(changes) == [str(old)]
    assert next(changes) == [str(new)]
    assert list(steps) == []
