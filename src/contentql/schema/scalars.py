"""The scalars DateTime, Date, Long and JSON, each with a link to its specification."""

from __future__ import annotations

import datetime as dt
import re
from typing import NewType

import strawberry
from strawberry.types.scalar import ScalarDefinition

from contentql.planner.variables import InvalidScalar

_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d+)?)?([Zz]|[+-]\d\d:\d\d)")

_FRACTION = re.compile(r"([^.]*)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)")
_MAX_LONG = (1 << 63) - 1


def _time(text: object) -> dt.datetime | InvalidScalar:
    if not isinstance(text, str):
        raise ValueError("DateTime must be a string, as in 2026-06-30T08:00:00Z.")
    if not _RFC_3339.fullmatch(text):
        return InvalidScalar(
            "DateTime needs a date, a time of day and a time zone, as in 2026-06-30T08:00:00Z."
        )
    time, fraction, zone = _FRACTION.fullmatch(text.upper()).groups()  # type: ignore[union-attr]
    # Stored times are whole seconds: of a fraction only counts that it is not zero.
    microseconds = max(int(f"{fraction:0<6}"[:6]), 1) if fraction and fraction.strip("0") else 0
    try:
        value = dt.datetime.fromisoformat(time + zone).astimezone(dt.UTC)
        return value.replace(microsecond=microseconds)
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


def _long(value: object) -> int | InvalidScalar:
    if isinstance(value, float) and value.is_integer():  # JSON has no integers of its own
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError("Long must be a whole number, as in 5368709120.")
    if not -_MAX_LONG - 1 <= value <= _MAX_LONG:
        return InvalidScalar("Long must be a whole number of 64 bits.")
    return value


def _no_input(value: object) -> object:
    raise ValueError("JSON is no type of inputs.")


DateTime = NewType("DateTime", str)
Date = NewType("Date", str)
Long = NewType("Long", int)
JSON = NewType("JSON", object)

SCALARS: dict[object, ScalarDefinition] = {
    DateTime: strawberry.scalar(
        name="DateTime",
        description="Time in UTC, RFC 3339, in whole seconds. Filters compare a time with a fraction of a"
        " second exactly; inputs of mutations lose the fraction. Example: `2026-06-30T08:00:00Z`.",
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
    Long: strawberry.scalar(
        name="Long",
        description="Whole number of 64 bits, a JSON number, for what is too large for `Int`. All values are"
        " below 2^53, so that JavaScript reads them exactly. Example: `5368709120`.",
        specified_by_url="https://scalars.graphql.org/apollographql/long-v0.1.html",
        serialize=int,
        parse_value=_long,
    ),
    JSON: strawberry.scalar(
        name="JSON",
        description="JSON object of a format that is described elsewhere, such as JSON-LD. Only for outputs."
        ' Example: `{"@type": "NewsArticle"}`.',
        specified_by_url="https://ecma-international.org/publications-and-standards/standards/ecma-404/",
        serialize=lambda value: value,
        parse_value=_no_input,
    ),
}
