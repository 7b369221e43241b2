"""Response headers, as ASGI wants them and as they go over the wire."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

Pair = tuple[bytes, bytes]


class Head(NamedTuple):
    """`raw` are the same `pairs`, a line each."""

    pairs: tuple[Pair, ...]
    raw: bytes


def head(pairs: Iterable[Pair]) -> Head:
    pairs = tuple(pairs)
    return Head(pairs, b"".join([b"%b: %b\r\n" % pair for pair in pairs]))
