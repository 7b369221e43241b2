"""The scalars DateTime and Date, each with a link to its specification."""

from __future__ import annotations

import datetime as dt
import re
from typing import NewType

import strawberry
from strawberry.types.scalar import ScalarDefinition

from contentql.planner.variables import InvalidScalar

_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d+)?)?([Zz]|[+-]\d\d:\d\d)")


def _time(text: object) -> dt.datetime | InvalidScalar:
    if not isinstance(text, str):
        raise ValueError("DateTime must be a string, as in 2026-06-30T08:00:00Z.")
    if not _RFC_3339.fullmatch(text):
        return InvalidScalar(
            "DateTime needs a date, a time of day and a time zone, as in 2026-06-30T08:00:00Z."
        )
    try:
        # Both databases compare whole seconds.
        return dt.datetime.fromisoformat(text.upper()).astimezone(dt.UTC).replace(microsecond=0)
    except (ValueError, OverflowError):
        return InvalidScalar("DateTime is not a valid time; the format is 2026-06-30T08:00:00Z.")


def _date(text: object) -> str | InvalidScalar:
    if not isinstance(text, str):
        raise ValueError("Date must be a string, as in 2026-06-30.")
    try:
        if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
            return dt.date.fromisoformat(text).isoformat()
    except ValueError:
        pass
    return InvalidScalar("Date must have the format 2026-06-30.")


DateTime = NewType("DateTime", str)
Date = NewType("Date", str)

SCALARS: dict[object, ScalarDefinition] = {
    DateTime: strawberry.scalar(
        name="DateTime",
        description="Time in UTC, RFC 3339, in whole seconds. Example: `2026-06-30T08:00:00Z`.",
        specified_by_url="https://scalars.graphql.org/andimarek/date-time.html",
        serialize=str,
        parse_value=_time,
    ),
    Date: strawberry.scalar(
        name="Date",
        description="Date, RFC 3339 full-date. Example: `2026-06-30`.",
        specified_by_url="https://scalars.graphql.org/andimarek/local-date.html",
        serialize=str,
        parse_value=_date,
    ),
}
