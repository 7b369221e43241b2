"""Runs `contentql` as on a machine whose clock is wrong.

`python -m tests.support.wrong_clock 3600 serve`: the clock is an hour ahead.
"""

from __future__ import annotations

import datetime
import sys
import time
import types
from typing import Any


def shift_clock(seconds: float) -> None:
    """Makes the imported modules of contentql, and `time.time`, read a clock that is ahead by the seconds."""
    real_time = time.time
    difference = datetime.timedelta(seconds=seconds)

    class AnyDatetime(type):
        def __instancecheck__(cls, instance: object) -> bool:
            return isinstance(instance, datetime.datetime)

    class ShiftedDatetime(datetime.datetime, metaclass=AnyDatetime):
        """A `datetime` whose current time is shifted; its instances are ordinary ones."""

        def __new__(cls, *args: Any, **kwargs: Any) -> Any:
            return datetime.datetime(*args, **kwargs)

        @classmethod
        def now(cls, tz: datetime.tzinfo | None = None) -> Any:
            return datetime.datetime.now(tz) + difference

    module = types.ModuleType("datetime")
    module.__dict__.update(vars(datetime), datetime=ShiftedDatetime)
    for name, imported in list(sys.modules.items()):
        if name.startswith("contentql.") and getattr(imported, "dt", None) is datetime:
            imported.dt = module  # type: ignore[attr-defined]
    time.time = lambda: real_time() + seconds


if __name__ == "__main__":
    import contentql.app
    import contentql.cli.serve

    shift_clock(float(sys.argv.pop(1)))
    contentql.cli.app()
