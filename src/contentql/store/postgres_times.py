"""Encoding of times and dates for asyncpg, which takes the first and last ones of Python for infinity."""

from __future__ import annotations

import datetime as dt
from typing import Any

_EPOCH = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
_EPOCH_DAY = _EPOCH.toordinal()
_MICROSECOND = dt.timedelta(microseconds=1)


async def set_time_codecs(connection: Any) -> None:
    """Makes an asyncpg connection exchange `timestamptz` and `date` as PostgreSQL's own numbers."""
    for name, encode, decode in (
        ("timestamptz", _encode_time, _decode_time),
        ("date", _encode_date, _decode_date),
    ):
        await connection.set_type_codec(
            name, schema="pg_catalog", encoder=encode, decoder=decode, format="tuple"
        )


def _encode_time(value: dt.datetime) -> tuple[int]:
    return ((value.astimezone(dt.UTC) - _EPOCH) // _MICROSECOND,)


def _decode_time(value: tuple[int]) -> dt.datetime:
    """Infinity, which another program may have stored, becomes the first or last time."""
    try:
        return _EPOCH + dt.timedelta(microseconds=value[0])
    except OverflowError:
        limit = dt.datetime.max if value[0] > 0 else dt.datetime.min
        return limit.replace(tzinfo=dt.UTC)


def _encode_date(value: dt.date) -> tuple[int]:
    return (value.toordinal() - _EPOCH_DAY,)


def _decode_date(value: tuple[int]) -> dt.date:
    try:
        return dt.date.fromordinal(value[0] + _EPOCH_DAY)
    except (OverflowError, ValueError):
        return dt.date.max if value[0] > 0 else dt.date.min
