"""A guard against work that grows with the square of its input."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

# Linear work on the largest input takes up to 4 s of processor time, quadratic work many minutes.
_MAX_SECONDS = 40


@contextlib.contextmanager
def linear_time() -> Iterator[None]:
    """Fails if the block takes far more processor time than work that is linear in an input of a megabyte."""
    started_at = time.process_time()
    yield
    assert time.process_time() - started_at < _MAX_SECONDS
