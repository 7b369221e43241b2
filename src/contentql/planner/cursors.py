"""Cursors: opaque positions in a list, valid only for the list whose fingerprint they contain."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import orjson

from contentql.errors import ApiError
from contentql.planner.operation import ArgumentValue, LeafValue, resolve_value
from contentql.planner.variables import Variables

ANY_TIME = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)


_MAX_CURSOR_LENGTH = 4_096


@dataclass(frozen=True)
class ListFingerprint:
    """Hash of a list's name and its arguments, except page arguments.

    Cursors contain it, so that a list with another filter or order rejects them.
    """

    name: str
    arguments: Mapping[str, ArgumentValue]

    def value(self, variables: Variables) -> str:
        result = orjson.dumps(
            [self.name, _resolved(self.arguments, variables)], default=str, option=orjson.OPT_SORT_KEYS
        )
        return hashlib.blake2s(result, digest_size=5).hexdigest()

    def __hash__(self) -> int:
        return id(self)


@dataclass(frozen=True)
class CursorValue:
    """One sort key value of a cursor. `value` raises ApiError INVALID_CURSOR."""

    cursor: LeafValue
    print: ListFingerprint
    kinds: tuple[str, ...]
    index: int

    def value(self, variables: Variables) -> Any:
        return _cursor(self.cursor.value(variables), self.print.value(variables), self.kinds)[self.index]


def _resolved(value: Any, variables: Variables) -> Any:
    """Returns the arguments without nulls.

    Clients such as Relay send null for unused variables and mean the same list.
    """
    return _spare(resolve_value(value, variables))


def _spare(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _spare(inner) for name, inner in value.items() if inner is not None}
    return [_spare(inner) for inner in value] if isinstance(value, list | tuple) else value


def _cursor(text: Any, fingerprint: str, kinds: tuple[str, ...]) -> tuple[Any, ...]:
    return _cursor_of(str(text)[:_MAX_CURSOR_LENGTH], fingerprint, kinds)


@lru_cache(maxsize=512)
def _cursor_of(text: str, fingerprint: str, kinds: tuple[str, ...]) -> tuple[Any, ...]:
    own, *parts = text.split(".")
    if len(parts) != len(kinds) or len(own) != len(fingerprint):
        raise ApiError(
            "INVALID_CURSOR", "This is not a cursor of this list.", "Use `endCursor` or `cursor` as it is."
        )
    if own != fingerprint:
        raise ApiError(
            "INVALID_CURSOR",
            "The cursor belongs to a list with another filter or order.",
            "Keep `filter`, `search` and `orderBy` the same from page to page, or begin without a cursor.",
        )
    try:
        return tuple(
            _CURSOR_PARTS.get(kind, _text_part)(part) for kind, part in zip(kinds, parts, strict=True)
        )
    except (ValueError, OverflowError):
        raise ApiError(
            "INVALID_CURSOR", "The cursor is damaged.", "Use `endCursor` or `cursor` as it is."
        ) from None


def _number_part(part: str) -> int:
    if not part.isascii() or len(part) > 19:
        raise ValueError(part)
    number = int(part)
    if abs(number) >= 1 << 63:
        raise OverflowError(part)
    return number


def _time_part(part: str) -> dt.datetime:
    if len(part) != 20 or part[-1] != "Z":
        raise ValueError(part)
    return dt.datetime.fromisoformat(part)


def _text_part(part: str) -> str:
    return bytes.fromhex(part).decode().replace("\0", "\ufffd")


_CURSOR_PARTS: dict[str, Callable[[str], Any]] = {"id": _number_part, "int": _number_part, "time": _time_part}
