"""Pause after a failure of a service that may recover, such as Redis."""

from __future__ import annotations

import time


class Backoff:
    """Is active for `seconds` after each `start`; meanwhile the service should not be called."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._until = 0.0

    @property
    def is_active(self) -> bool:
        return time.monotonic() < self._until

    def start(self) -> None:
        self._until = time.monotonic() + self._seconds
