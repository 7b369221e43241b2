"""Dates and times as other programs write them."""

from __future__ import annotations

import datetime as dt
import re
from email.utils import parsedate_to_datetime
from typing import NamedTuple

_ISO = re.compile(
    r"(\d{4})-?(\d\d)-?(\d\d)(?:[T ]+(\d\d):?(\d\d)(?::?(\d\d)(?:[.,]\d{1,9})?)?)?"
    r"\s*(Z|[+-]\d\d(?::?\d\d)?)?",
    re.IGNORECASE,
)
_SLASHED = re.compile(r"(\d{4})[/.](\d{1,2})[/.](\d{1,2})(?:[T ]+(\d\d):(\d\d)(?::(\d\d))?)?")
_MONTH = re.compile(r"(\d{4})-(\d\d)")
_NAMED_DAY = re.compile(
    r"(?:[A-Za-z]{3,9},? )?(\d{1,2} [A-Za-z]{3,9}\.?,? \d{4}|[A-Za-z]{3,9}\.? \d{1,2}, \d{4})"
)
_COLON_IN_ZONE = re.compile(r"(?<=[+-]\d\d):(?=\d\d$)")
_HALF_DAY = re.compile(r"\d [AP]\.?M\b", re.IGNORECASE)
# Names of zones that have one meaning, besides those of RFC 822.
_ZONES = {
    "UTC": "+0000", "WET": "+0000", "BST": "+0100", "WEST": "+0100", "CET": "+0100", "MEZ": "+0100",
    "CEST": "+0200", "MESZ": "+0200", "EET": "+0200", "SAST": "+0200", "EEST": "+0300", "MSK": "+0300",
    "HKT": "+0800", "SGT": "+0800", "AWST": "+0800", "JST": "+0900", "KST": "+0900", "AEST": "+1000",
    "AEDT": "+1100", "NZST": "+1200", "NZDT": "+1300", "AKDT": "-0800", "AKST": "-0900", "HST": "-1000",
}  # fmt: skip


class ParsedTime(NamedTuple):
    """A time in UTC; `zone_is_assumed`: the text names no zone; `is_day`: it names a day only."""

    at: dt.datetime
    zone_is_assumed: bool = False
    is_day: bool = False


def parse_time(text: str, timezone: dt.tzinfo = dt.UTC) -> ParsedTime | None:
    """Parses a date or time of ISO 8601, RFC 3339 or RFC 822; None for anything else.

    A time without a zone is one of `timezone`, a day its beginning there. 0000-00-00 is no date.
    """
    text = _with_offset(" ".join(text.split()))
    try:
        if match := _ISO.fullmatch(text):
            return _iso(match, timezone)
        if match := _SLASHED.fullmatch(text):
            parts = [int(part or 0) for part in match.groups()]
            at = dt.datetime(*parts[:3], *parts[3:6], tzinfo=timezone)  # type: ignore[misc,arg-type]
            return ParsedTime(_utc(at), True, match[4] is None)
        if match := _MONTH.fullmatch(text):
            at = dt.datetime(int(match[1]), int(match[2]), 1, tzinfo=timezone)
            return ParsedTime(_utc(at), True, True)
        if match := _NAMED_DAY.fullmatch(text):
            day = parsedate_to_datetime(f"{match[1]} 00:00:00")
            return ParsedTime(_utc(day.replace(tzinfo=timezone)), True, True)
        if text[:4].isdecimal() or _HALF_DAY.search(text):
            return None
        at = parsedate_to_datetime(text)
        if at.tzinfo is None:
            if text.endswith("-0000"):  # UTC; the zone of the sender is unknown
                return ParsedTime(at.replace(tzinfo=dt.UTC))
            # Unknown names of zones.
            return ParsedTime(_utc(at.replace(tzinfo=timezone)), True)
        return ParsedTime(_utc(at))
    except (ValueError, OverflowError, TypeError, IndexError):
        return None


def _with_offset(text: str) -> str:
    """The text with the offset of its zone in place of the zone's name."""
    start, _, zone = text.rpartition(" ")
    if start and zone in _ZONES:
        return f"{start} {_ZONES[zone]}"
    return text if text[:4].isdecimal() else _COLON_IN_ZONE.sub("", text)


def _iso(match: re.Match[str], timezone: dt.tzinfo) -> ParsedTime:
    year, month, day, hour, minute, second = (int(part or 0) for part in match.groups()[:6])
    is_midnight_after = hour == 24 and not minute and not second
    at = dt.datetime(year, month, day, 0 if is_midnight_after else hour, minute, min(second, 59))
    if is_midnight_after:
        at += dt.timedelta(days=1)
    zone = match[7]
    if not zone:
        return ParsedTime(_utc(at.replace(tzinfo=timezone)), True, match[4] is None)
    if zone in "Zz":
        return ParsedTime(at.replace(tzinfo=dt.UTC))
    digits = zone[1:].replace(":", "").ljust(4, "0")
    offset = dt.timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return ParsedTime(_utc(at.replace(tzinfo=dt.timezone(-offset if zone[0] == "-" else offset))))


def _utc(at: dt.datetime) -> dt.datetime:
    return at.astimezone(dt.UTC).replace(microsecond=0)
