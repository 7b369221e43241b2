"""Text form of timestamps: UTC in whole seconds, as in 2026-06-30T08:00:00Z."""

from __future__ import annotations

import datetime as dt


def format_timestamp(value: dt.datetime) -> str:
    """Formats a time in UTC without fractions of a second, as in `2026-06-30T08:00:00Z`."""
    # strftime omits the leading zeros of years before 1000.
    return value.astimezone(dt.UTC).replace(microsecond=0, tzinfo=None).isoformat() + "Z"
